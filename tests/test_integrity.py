"""What an image file's structure says: harm costs pixels, a note decides nothing."""

import io
import struct
from pathlib import Path

import pytest
from conftest import Library, picture
from hostile import cat, encoded
from PIL import Image

from pictures import integrity
from pictures.formats import examined
from pictures.integrity import CUT_OFF, NO_END, SCANS_MISSING, ZEROS

JPEG = encoded(cat(), "JPEG")
PROGRESSIVE = encoded(cat(), "JPEG", progressive=True)
with Image.open(io.BytesIO(picture("2024/coffee.jpg"))) as photo:
    PROGRESSIVE_PHOTO = encoded(
        photo.convert("RGB").resize((1200, 900)), "JPEG", quality=93, progressive=True
    )
THUMBNAIL = encoded(cat(size=(160, 120)), "JPEG")
WITH_THUMBNAIL = encoded(cat(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + THUMBNAIL)
MPO = encoded(cat(), "MPO", save_all=True, append_images=[cat("L")])
PNG = encoded(cat(), "PNG")
GIF = encoded(cat("P"), "GIF")
ANIMATION = encoded(cat("P"), "GIF", save_all=True, append_images=[cat("L")], loop=3)
WEBP = encoded(cat(), "WEBP")
BMP = encoded(cat(), "BMP")
TIFF = encoded(cat(), "TIFF")
BIG_TIFF = encoded(cat(), "TIFF", big_tiff=True, compression="tiff_lzw")
AVIF = encoded(cat(size=(64, 48)), "AVIF")
FLAT = encoded(Image.new("L", (4000, 3000), "white"), "JPEG", optimize=True)
WHOLE = {
    "a JPEG": JPEG,
    "a progressive JPEG": PROGRESSIVE,
    "a gray JPEG": encoded(cat("L"), "JPEG", progressive=True),
    "a JPEG with restarts": encoded(cat(), "JPEG", restart_marker_blocks=3),
    "a JPEG with a thumbnail": WITH_THUMBNAIL,
    "a JPEG of one tone, which is mostly zeros": FLAT,
    "two pictures": MPO,
    "a PNG": PNG,
    "a GIF": GIF,
    "an animation": ANIMATION,
    "a WebP": WEBP,
    "a WebP with EXIF data": encoded(cat(), "WEBP", exif=b"Exif\0\0" + bytes(31)),
    "a BMP": BMP,
    "a BMP of two colours": encoded(cat("1"), "BMP"),
    "a TIFF": TIFF,
    "a TIFF of two pages": encoded(cat(), "TIFF", save_all=True, append_images=[cat("L")]),
    "a BigTIFF": BIG_TIFF,
    "an AVIF": AVIF,
}
ANY_END = sorted(set(WHOLE) - {"a TIFF", "a TIFF of two pages", "a BigTIFF"})
BEHIND = {
    "one byte 0xff": b"\xff",
    "a line end": b"\r\n",
    "slack of a disk": bytes(3000) + b"what was there before" + bytes(90),
    "a sound": b"RIFF\x10\0\0\0WAVEfmt an end marker \xff\xd9 among it",
    "a recipe": b"CANON OPTIONAL DATA\0" + bytes(range(256)) * 3,
    "JSON of a phone": b'vivo{"watermark": true}',
    "a stranger's bytes": b"a stranger's bytes",
}
KNOWN = {
    "padding": bytes(100),
    "a film": b"\0\0\0\x18ftypmp42" + b"a film",
    "Samsung's": b"a film" + b"SEFT",
    "another picture": JPEG,
}


def hole(data: bytes, start: float, end: float) -> bytes:
    """A file of which a part was never written."""
    first, last = round(len(data) * start), round(len(data) * end)
    return data[:first] + bytes(last - first) + data[last:]


def first_scans(data: bytes, count: int) -> bytes:
    """A progressive JPEG that was closed after some of its ten scans."""
    return b"\xff\xda".join(data.split(b"\xff\xda")[: count + 1]) + b"\xff\xd9"


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_picture_has_no_harm(name: str) -> None:
    data = WHOLE[name]
    found = examined(data)
    assert (found.harm, found.note) == ("", "")
    assert found.end == len(data) - (len(data) - data.rindex(b"\xff\xd8") if data is MPO else 0)


@pytest.mark.parametrize("name", ANY_END)
@pytest.mark.parametrize("behind", [*BEHIND, *KNOWN])
def test_what_stands_behind_a_whole_picture_is_no_harm(name: str, behind: str) -> None:
    data = WHOLE[name]
    rest = {**BEHIND, **KNOWN}[behind]
    found = examined(data + rest)
    assert found.harm == ""
    assert found.end == examined(data).end
    if data is not MPO and behind in BEHIND:
        assert found.note.endswith(
            ("byte stands after the picture", "bytes stand after the picture")
        )


def test_a_note_says_how_much_stands_behind() -> None:
    assert examined(JPEG + b"a stranger's bytes").note == "18 bytes stand after the picture"
    assert examined(JPEG + b"\xff").note == "1 byte stands after the picture"
    assert examined(PNG + PNG).note == f"{len(PNG):,} bytes stand after the picture"


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_picture_that_is_cut_off_is_harmed(name: str, share: float) -> None:
    data = WHOLE[name]
    data = data[: examined(data).end]
    assert examined(data[: round(len(data) * share)]).harm in (NO_END, CUT_OFF)


@pytest.mark.parametrize(
    ("data", "harm"),
    [
        (JPEG[:-2], NO_END),
        (JPEG[:-1], NO_END),
        (PROGRESSIVE[:-2], NO_END),
        (hole(JPEG, 0.7, 1), NO_END),
        (hole(PROGRESSIVE, 0.7, 1), NO_END),
        (hole(JPEG, 0.7, 1) + b"\xff\xd9", ZEROS),
        (hole(JPEG, 0.5, 0.6), ZEROS),
        (WITH_THUMBNAIL[: WITH_THUMBNAIL.index(b"\xff\xda") + 9000], NO_END),
        (JPEG[: len(JPEG) // 2] + THUMBNAIL, CUT_OFF),
        (MPO[:9000], NO_END),
        *((first_scans(PROGRESSIVE, count), SCANS_MISSING) for count in range(1, 10)),
        (PNG[:-5], NO_END),
        (hole(PNG, 0.7, 1), NO_END),
        (PNG[:-12] + bytes(20_000_000), NO_END),
        (GIF[:-1], NO_END),
        (GIF[:-1] + bytes(20_000_000), NO_END),
        (GIF[:-1] + b"more", NO_END),
        (hole(GIF, 0.5, 0.99), ZEROS),
        (hole(GIF, 0.7, 1)[:-1] + b";", ZEROS),
        (hole(ANIMATION, 0.7, 1)[:-1] + b";", ZEROS),
        (WEBP[:-5], CUT_OFF),
        (BMP[:-1], CUT_OFF),
        (TIFF[:-1], CUT_OFF),
        (AVIF[:-1], CUT_OFF),
    ],
)
def test_what_costs_pixels_is_harm(data: bytes, harm: str) -> None:
    assert examined(data).harm == harm


def test_a_progressive_jpeg_is_whole_with_its_last_scan() -> None:
    assert examined(first_scans(PROGRESSIVE, 9)).harm == SCANS_MISSING
    assert examined(first_scans(PROGRESSIVE, 10)).harm == ""


@pytest.mark.parametrize(
    "data",
    [
        JPEG[:300],
        PNG[:33] + (bytes(4) + b"tEXt" + bytes(4)) * integrity.MAX_PNG_CHUNKS + PNG[33:],
        GIF[:-1] + b"!\xfe" + b"\x01x" * (integrity.MAX_GIF_BLOCKS + 1) + b"\0;",
        encoded(cat(), "JPEG")[:20] + b"\xff\xe1\0\x02" * 20_000,
    ],
)
def test_what_no_encoder_writes_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"more than [\d,]+|before the picture begins"):
        examined(data)


def test_a_tiff_of_endless_pages_or_parts_is_examined_at_once() -> None:
    loop = struct.pack("<2sHIH", b"II", 42, 8, 0) + struct.pack("<I", 8)
    many = struct.pack("<HHII", 273, 4, 150_000, 8) * 60_000
    assert examined(loop).harm == ""
    assert examined(struct.pack("<2sHIH", b"II", 42, 8, 60_000) + many + bytes(4)).harm == ""


@pytest.mark.parametrize("head", [b"BM", b"II*\0", b"MM\0+", b"GIF89a", b"\0\0\0\x18ftyp", b"\xff"])
def test_a_file_that_ends_in_its_header_is_examined(head: bytes) -> None:
    found = examined(head)
    assert found.end <= len(head)


@pytest.mark.parametrize("size", [512, 4096])
@pytest.mark.parametrize("share", [0.15, 0.3, 0.5, 0.6])
def test_zeros_in_a_progressive_jpeg_are_harm(share: float, size: int) -> None:
    data, place = PROGRESSIVE_PHOTO, round(len(PROGRESSIVE_PHOTO) * share)
    found = examined(data[:place] + bytes(size) + data[place + size :])
    assert found.harm == ZEROS
    assert found.hole is not None
    assert place - 2 <= found.hole <= place  # a zero byte may stand before


@pytest.mark.parametrize("quality", [30, 75, 95])
@pytest.mark.parametrize("shade", [0, 19, 127, 172, 255])
def test_a_plain_or_striped_progressive_jpeg_has_no_harm(shade: int, quality: int) -> None:
    tile = Image.new("L", (8, 8))
    tile.paste(shade, (2, 0, 6, 8))  # of all its waves one is left in the first scan
    striped = Image.new("L", (1600, 1200))
    for x in range(0, 1600, 8):
        striped.paste(tile.resize((8, 1200)), (x, 0))
    for image in (striped, Image.new("RGB", (3000, 2000), (shade, shade, shade))):
        assert examined(encoded(image, "JPEG", quality=quality, progressive=True)).harm == ""


# ---- From folder tree to folder tree


def test_a_progressive_picture_with_zeros_in_it_beats_no_whole_one(bare_library: Library) -> None:
    data, place = PROGRESSIVE_PHOTO, round(len(PROGRESSIVE_PHOTO) * 0.15)
    broken = bare_library.photos / "a.jpg"
    broken.write_bytes(data[:place] + bytes(512) + data[place + 512 :])
    (bare_library.photos / "b.jpg").write_bytes(data)
    ran = bare_library.find("--json")
    assert [entry["path"] for entry in ran.facts["damaged"]] == [str(broken)]
    suggested = bare_library.run("suggest", "--json").facts["suggested"]
    assert str(bare_library.photos / "b.jpg") not in [one["path"] for one in suggested]


def with_camera(image: Image.Image, **options: object) -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Maker", "Model"
    exif.get_ifd(0x8769)[0x9003] = "2019:07:14 10:11:12"
    return encoded(image, "JPEG", exif=exif.tobytes(), **options)


@pytest.mark.parametrize("behind", BEHIND)
def test_bytes_behind_a_camera_picture_dont_let_it_lose_to_a_copy(
    behind: str, bare_library: Library
) -> None:
    with Image.open(io.BytesIO(picture("2024/coffee.jpg"))) as image:
        photo = image.convert("RGB").resize((900, 600))
    camera, copy = bare_library.photos / "camera.jpg", bare_library.photos / "copy.jpg"
    camera.write_bytes(with_camera(photo, quality=92) + BEHIND[behind])
    copy.write_bytes(encoded(photo.resize((360, 240)), "JPEG", quality=95))
    assert "Damaged" not in bare_library.find().out
    suggested = bare_library.run("suggest", "--json").facts["suggested"]
    assert [one["path"] for one in suggested] == [str(copy)]


def test_a_note_is_in_the_log_and_said_if_every_file_is_named(library: Library) -> None:
    path = library.photos / "vacation1_copy.jpg"
    path.write_bytes(path.read_bytes() + b"a stranger's bytes")
    ran = library.find("--verbose")
    line = f"{path}: 18 bytes stand after the picture"
    assert "Damaged" not in ran.out
    assert f"  {line}\n" in ran.out
    assert f"Note on {line}" in library.log()
    assert '"damage"' not in (library.output / "image-similarity-search.json").read_text("utf-8")


def test_harm_is_recorded_with_the_copy_and_told(library: Library) -> None:
    path = library.photos / "vacation1_copy.jpg"
    path.write_bytes(first_scans(encoded(cat(size=(900, 600)), "JPEG", progressive=True), 9))
    ran = library.find("--verbose")
    line = f"{path}: {SCANS_MISSING}"
    assert "Damaged, by what the files say: 1 photo." in ran.out
    assert f"  {line}\n" in ran.out
    assert f"Damaged file: {line}" in library.log()
    manifest = Path(library.output / "image-similarity-search.json").read_text("utf-8")
    assert manifest.count(f'"damage": "{SCANS_MISSING}"') == 1
    assert library.check().code == 0
