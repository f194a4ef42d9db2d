"""Pictures that are cut off or broken: what is to be seen of them, and what is said of it."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hostile import cat, encoded
from PIL import Image

from disk.files import ImageFile
from extras.review import facts, rendering
from pictures import decode, formats, salvage
from pictures.hashing import hash_file
from pictures.images import HashedImage, Unreadable
from pictures.integrity import CUT_OFF, NO_END, ZEROS
from pictures.looks import EVERYTHING
from pictures.recipe import Recipe


def deep() -> Image.Image:
    levels = np.asarray(cat("L")).astype(np.uint16)
    return Image.fromarray(levels * 257)


FORMATS = {
    "JPEG": encoded(cat(), "JPEG"),
    "a JPEG with restarts": encoded(cat(), "JPEG", restart_marker_blocks=4),
    "a CMYK JPEG": encoded(cat("CMYK"), "JPEG"),
    "a gray JPEG": encoded(cat("L"), "JPEG"),
    "PNG": encoded(cat(), "PNG"),
    "a PNG of 16 bits": encoded(deep(), "PNG"),
    "a PNG of 256 colours": encoded(cat("P"), "PNG"),
    "GIF": encoded(cat("P"), "GIF", interlace=0),
    "TIFF": encoded(cat(), "TIFF"),
    "WEBP": encoded(cat(), "WEBP"),
    "a lossless WEBP": encoded(cat(), "WEBP", lossless=True, method=0),
}
PROGRESSIVE = encoded(cat(), "JPEG", progressive=True)
INTERLACED = encoded(cat("P"), "GIF", interlace=1)


def decoded(data: bytes) -> salvage.Decoded:
    return salvage.decoded(data, formats.examined(data), decode.prepared)


KINDS = {b"\xff\xd8": "jpg", b"\x89P": "png", b"GI": "gif", b"RI": "webp", b"II": "tif"}


def cut(data: bytes, share: float) -> bytes:
    return data[: round(len(data) * share)]


def likeness(one: Image.Image, other: Image.Image) -> float:
    """How near two pictures are, in gray levels on average."""
    pixels = [
        list(image.convert("L").resize((60, 40)).get_flattened_data()) for image in (one, other)
    ]
    return sum(abs(a - b) for a, b in zip(*pixels, strict=True)) / len(pixels[0])


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_of_a_picture_that_is_cut_off_the_rows_before_are_seen(name: str, share: float) -> None:
    whole = decoded(FORMATS[name]).image
    image, harm, seen = decoded(cut(FORMATS[name], share))
    assert harm in (NO_END, CUT_OFF)
    assert whole
    assert image
    assert 16 * share - 5 <= seen[3] <= 16
    upper = (0, 0, 600, 400 * seen[3] // 16)
    assert likeness(whole.crop(upper), image.crop(upper)) < 2


@pytest.mark.parametrize("name", FORMATS)
def test_a_whole_picture_is_seen_wholly(name: str) -> None:
    assert decoded(FORMATS[name])[1:] == ("", EVERYTHING)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9])
def test_of_interlaced_pictures_the_passes_are_seen_that_are_there(share: float) -> None:
    for data in (PROGRESSIVE, INTERLACED):
        image, harm, seen = decoded(cut(data, share))
        assert image
        assert (harm, seen) == (NO_END, EVERYTHING)
        assert likeness(image, cat()) < 8


@pytest.mark.parametrize(
    ("make", "harm", "seen"),
    [
        (lambda jpeg: cut(jpeg, 0.7) + bytes(20_000), NO_END, 10),  # a tail of zeros
        (lambda jpeg: cut(jpeg, 0.7) + bytes(20_000) + jpeg[-2:], ZEROS, 10),
        (lambda jpeg: cut(jpeg, 0.5) + bytes(2000) + jpeg[len(jpeg) // 2 + 2000 :], ZEROS, 7),
        (lambda jpeg: cut(jpeg, 0.9) + jpeg[-2:], salvage.ROWS_MISSING, 13),  # closed after that
        (lambda jpeg: cut(jpeg, 0.9) + jpeg, CUT_OFF, 13),  # another file in its place
        (lambda jpeg: jpeg[:-2], NO_END, 16),
        (lambda jpeg: jpeg[:-1], NO_END, 16),
    ],
)
def test_of_a_jpeg_that_ends_otherwise_the_rows_before_are_seen(
    make: Callable[[bytes], bytes], harm: str, seen: int
) -> None:
    found = decoded(make(FORMATS["JPEG"]))
    assert (found.harm, found.seen) == (harm, (0, 0, 16, seen))


def test_a_bmp_has_its_last_rows_first() -> None:
    found = decoded(cut(encoded(cat(), "BMP"), 0.7))
    assert (found.harm, found.seen) == (CUT_OFF, (0, 5, 16, 16))


def test_a_jpeg_that_ends_in_gray_is_whole() -> None:
    image = cat()
    image.paste((128, 128, 128), (0, 300, 600, 400))
    assert decoded(encoded(image, "JPEG", quality=95))[1:] == ("", EVERYTHING)


def test_what_is_broken_beside_the_data_of_a_png_costs_no_pixels() -> None:
    text = b"\0\0\0\x04tEXta\0bc"
    data = FORMATS["PNG"]
    data = data[:33] + text + b"a checksum"[:4] + data[33:]
    assert decoded(data)[1:] == ("", EVERYTHING)


def test_a_flaw_in_the_data_of_a_png_is_harm() -> None:
    data = bytearray(FORMATS["PNG"])
    data[len(data) // 2] ^= 0xFF
    found = decoded(bytes(data))
    assert "data stream" in found.harm
    assert found.image


def test_leniency_ends_with_the_picture() -> None:
    decoded(cut(FORMATS["JPEG"], 0.5))
    with pytest.raises(OSError, match="truncated"):
        decode.open_image(cut(FORMATS["JPEG"], 0.5))


# ---- What is made of it


def hashed(folder: Path, data: bytes) -> HashedImage | Unreadable:
    path = folder / f"picture.{KINDS[bytes(data[:2])]}"
    path.write_bytes(data)
    return hash_file(ImageFile(str(path), 0, 0), Recipe())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (FORMATS["JPEG"][:300], "it ends before the picture begins"),
        (FORMATS["JPEG"][: FORMATS["JPEG"].index(b"\xff\xda") + 20], NO_END),
        (FORMATS["PNG"][:20], NO_END),
        (FORMATS["PNG"][:60], NO_END),
        (FORMATS["GIF"][:12], NO_END),
        (FORMATS["WEBP"][:40], CUT_OFF),
        (cut(encoded(cat(), "TIFF", compression="tiff_lzw"), 0.9), CUT_OFF),  # its header is last
    ],
)
def test_a_file_of_which_nothing_is_to_be_seen_is_unreadable(
    data: bytes, reason: str, tmp_path: Path
) -> None:
    result = hashed(tmp_path, data)
    assert isinstance(result, Unreadable)
    assert result.reason.startswith(reason)


def test_what_is_missing_is_not_made_up_without_bounds(tmp_path: Path) -> None:
    data = bytearray(cut(FORMATS["WEBP"], 0.9))
    data[4:8] = b"\xff\xff\xff\x7f"
    result = hashed(tmp_path, bytes(data))
    assert isinstance(result, Unreadable)
    assert result.reason == f"{CUT_OFF}: {(1 << 31) + 7 - len(data):,} of its bytes are missing"


def test_harmed_pictures_are_known_by_their_harm(tmp_path: Path) -> None:
    for name, data in FORMATS.items():
        result = hashed(tmp_path, cut(data, 0.9))
        assert isinstance(result, HashedImage), name
        assert result.look, name
        assert result.damage in (NO_END, CUT_OFF), name


def test_what_little_is_left_of_a_picture_matches_identical_files_only(tmp_path: Path) -> None:
    result = hashed(tmp_path, cut(FORMATS["JPEG"], 0.2))
    assert isinstance(result, HashedImage)
    assert (result.look, result.damage) == (None, NO_END)


def test_the_part_that_is_left_is_turned_with_the_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # its left is to be the top
    for data, part in (
        (FORMATS["JPEG"], (0, 0, 16, 7)),
        (encoded(cat(), "JPEG", exif=exif.tobytes()), (9, 0, 16, 16)),
    ):
        result = hashed(tmp_path, cut(data, 0.5))
        assert isinstance(result, HashedImage)
        assert result.look
        assert result.look.part == part


@pytest.mark.parametrize("name", [*FORMATS, "BMP"])
def test_the_page_shows_and_measures_what_there_is(name: str, tmp_path: Path) -> None:
    data = {**FORMATS, "BMP": encoded(cat(), "BMP")}[name]
    path = tmp_path / "picture"
    path.write_bytes(cut(data, 0.9))
    found = facts.examine(os.fspath(path))
    assert found.damage in (NO_END, CUT_OFF)
    assert (found.width, found.height) == (600, 400)
    for kind in ("thumb", "full"):
        with Image.open(io.BytesIO(rendering.render(os.fspath(path), kind))) as shown:
            assert shown.width * 400 == shown.height * 600 or kind == "thumb"
            assert likeness(shown, cat()) < 60
