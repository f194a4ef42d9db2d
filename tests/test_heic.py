"""HEIC, which phones write: read where pi-heif is installed."""

import contextlib
import io
import os
import sqlite3
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import Library
from made_pictures import CAT, COFFEE, STARS, encoded, hash_data, photo
from PIL import Image

from disk.files import ImageFile
from extras.review.facts import examine
from extras.review.rendering import render
from pictures import decode, formats, heic_items, inventory, kinds
from pictures.exif import orientation_of, tried
from pictures.hashing import hash_file
from pictures.images import HashedImage, Unreadable
from pictures.recipe import Recipe
from pictures.thumbnails import look_by_thumbnail

pytestmark = pytest.mark.formats
pytest.importorskip("pi_heif")
pillow_heif = pytest.importorskip("pillow_heif")
heic_module = pytest.importorskip("pictures.heic")


def heic(image: Image.Image, *others: Image.Image, **options: Any) -> bytes:
    """A picture as HEIC, with others in the same file."""
    made = pillow_heif.from_pillow(image)
    for other in others:
        made.add_from_pillow(other)
    stream = io.BytesIO()
    fast = {"preset": "ultrafast"}
    made.save(stream, **{"quality": 60, "primary_index": 0, "enc_params": fast, **options})
    return stream.getvalue()


def bits_apart(one: bytes, other: bytes, folder: Path) -> int:
    looks = [hash_data(data, folder) for data in (one, other)]
    hashes = [int.from_bytes(h.look.views[0].hash) for h in looks if h.look]  # type: ignore[union-attr]
    return (hashes[0] ^ hashes[1]).bit_count()


def test_a_heic_joins_its_jpeg_and_is_copied_and_deleted_as_it_is(bare_library: Library) -> None:
    library = bare_library
    library.add("a.jpg")
    (library.photos / "a.HEIC").write_bytes(heic(photo(CAT)))
    (library.photos / "b.heif").write_bytes(heic(photo(COFFEE)))
    ran = library.run("find", "--json")
    assert (ran.code, ran.facts["passed_over"]) == (0, {})
    assert [[Path(path).name for path in group] for group in ran.facts["groups"]] == [
        ["a.HEIC", "a.jpg"]
    ]
    assert library.copy("a.HEIC").read_bytes() == (library.photos / "a.HEIC").read_bytes()
    library.delete_copies("a.HEIC")
    assert library.check().code == 0
    assert library.cleanup("--yes").code == 0
    assert library.names() == ["a.jpg", "b.heif"]


def test_a_heic_that_was_passed_over_is_read_once_the_package_is_there(
    bare_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = bare_library
    library.add("a.jpg")
    (library.photos / "a.heic").write_bytes(heic(photo(CAT)))
    for path in library.photos.iterdir():
        os.utime(path, (1_600_000_000, 1_600_000_000))
    with monkeypatch.context() as without:
        without.setattr(formats, "has_module", lambda _: False)
        ran = library.run("find", "--dry-run")
        assert "Passed over: HEIC 1 (see --verbose).\n" in ran.out
        assert "To compare HEIC, too: pip install pi-heif\n" in ran.out
        assert ran.code == 0
    ran = library.run("find", "--json")
    assert (ran.facts["hashed"], ran.facts["unchanged"]) == (2, 1)
    assert library.run("find", "--json").facts["unchanged"] == 2


def test_a_heic_is_turned_once_and_keeps_the_cameras_words(tmp_path: Path) -> None:
    upright = photo(CAT)
    exif = Image.Exif()
    exif[0x0110], exif[0x0112] = "iPhone 8", 6
    exif.get_ifd(0x8769)[0x9003] = "2018:02:05 15:11:44"
    stored = upright.transpose(Image.Transpose.ROTATE_90)
    data = heic(stored, exif=exif.tobytes())
    image = decode.open_header(data)
    assert (image.size, orientation_of(image)) == (upright.size, 1)
    assert bits_apart(data, encoded(upright, "JPEG"), tmp_path) <= 8
    lines = inventory.inventory(data, image)
    assert {"camera: iPhone 8", "date taken: 2018-02-05 15:11:44"} <= {*lines}


def test_several_pictures_in_one_heic_are_one_photo(tmp_path: Path) -> None:
    data = heic(photo(CAT), photo(COFFEE))
    assert bits_apart(data, encoded(photo(CAT), "JPEG"), tmp_path) <= 8
    lines = inventory.inventory(data, decode.open_header(data))
    assert [line for line in lines if line.startswith("second picture: ")]
    second = heic(photo(CAT), photo(COFFEE), primary_index=1)
    assert bits_apart(second, encoded(photo(COFFEE), "JPEG"), tmp_path) <= 8


def test_a_video_in_a_heic_is_held_and_a_mark_of_other_programs_hides_nothing() -> None:
    video = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(range(200))
    data = heic(photo(CAT)) + struct.pack(">I", 8 + len(video)) + b"mpvd" + video
    lines = inventory.inventory(data, decode.open_header(data))
    assert [line.partition(":")[0] for line in lines if "video" in line] == ["motion video"]
    assert formats.examined(data).end == len(data)


def wipe(data: bytes) -> bytes:
    """The file with zeros in the last third of its picture, as of a copy that was broken off."""
    lost = len(data) // 3
    return data[:-lost] + bytes(lost)


def broken_table(data: bytes) -> bytes:
    place = data.index(b"iloc")
    return data[: place + 8] + b"\xff" * 8 + data[place + 16 :]


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda data: data[:-1], "it is cut off"),
        (lambda data: data[: len(data) // 2], "it is cut off"),
        (lambda data: data[:100], "it is cut off"),
        (wipe, "zeros stand in the place of its data"),
        (lambda data: data + b"\0\0\1\0mpvdcut", "it is cut off"),
        (broken_table, ""),
    ],
)
def test_a_heic_that_is_not_all_there_is_unreadable(
    harm: Callable[[bytes], bytes], reason: str, tmp_path: Path
) -> None:
    """Its decoder would put something in the place of what is missing, and say nothing."""
    path = tmp_path / "a.heic"
    path.write_bytes(harm(heic(photo(CAT))))
    found = hash_file(ImageFile(str(path), 0, 0), Recipe())
    assert isinstance(found, Unreadable)
    assert found.reason.startswith(reason)


def claiming(width: int, height: int) -> bytes:
    data = heic(photo(CAT).resize((600, 400)))
    return data.replace(struct.pack(">II", 600, 400), struct.pack(">II", width, height))


def test_a_heic_of_48_megapixels_may_be_decoded_and_one_of_200_may_not(tmp_path: Path) -> None:
    assert decode.open_header(claiming(8064, 6048)).size == (8064, 6048)
    with pytest.raises(ValueError, match=r"^16320x12240 pixels need 1,478 MB"):
        decode.open_header(claiming(16_320, 12_240))
    assert isinstance(hash_data(claiming(8064, 6048), tmp_path), Unreadable)


def test_the_size_of_a_heic_is_read_for_a_least_number_of_pixels(bare_library: Library) -> None:
    (bare_library.photos / "a.heic").write_bytes(heic(photo(CAT).resize((64, 48))))
    ran = bare_library.run("find", "--json", "--min-pixels", "10000")
    assert (ran.facts["hashed"], ran.facts["unreadable"]) == (0, [])


def test_a_size_that_its_own_pixels_deny_is_no_size(tmp_path: Path) -> None:
    assert isinstance(hash_data(claiming(900, 600), tmp_path), HashedImage | Unreadable)


@pytest.mark.parametrize(
    ("brands", "said"),
    [
        (b"heic\0\0\0\0mif1heic", "a HEIC"),
        (b"hevc\0\0\0\0msf1", "a HEIC"),
        (b"mif1\0\0\0\0mif1heic", "a HEIC"),
        (b"mif1\0\0\0\0mif1miafheix", "a HEIC"),
        (b"mif1\0\0\0\0mif1avif", "an AVIF"),
        (b"msf1\0\0\0\0msf1avis", "an AVIF"),
        (b"avif\0\0\0\0mif1", "an AVIF"),
    ],
)
def test_heic_and_avif_are_told_apart_by_all_their_brands(brands: bytes, said: str) -> None:
    data = struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands + b"\0\0\1\0mdat" + bytes(99)
    assert formats.beginning(data).said == said


@pytest.mark.parametrize("has_package", [True, False])
def test_a_jpeg_under_the_name_of_a_heic_is_read_as_what_it_is(
    has_package: bool, bare_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "has_module", lambda _: has_package)
    bare_library.add("a.jpg")
    (bare_library.photos / "b.heic").write_bytes(encoded(photo(CAT), "JPEG", quality=70))
    assert len(bare_library.find("--json").facts["groups"][0]) == 2


def test_a_heic_under_the_name_of_a_jpeg_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(formats, "has_module", lambda _: False)
    assert kinds.kind_by_content("a.heic", heic(photo(CAT))[:512]) == "HEIC"
    with pytest.raises(ValueError, match=r"^to read a HEIC, install pi-heif$"):
        decode.open_header(heic(photo(CAT)))


def test_a_package_that_is_broken_ends_no_find(
    bare_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare_library.add("a.jpg")
    (bare_library.photos / "a.heic").write_bytes(heic(photo(CAT).resize((90, 60))))
    monkeypatch.setitem(sys.modules, "pictures.heic", None)
    ran = bare_library.run("find", "--json")
    (item,) = ran.facts["unreadable"]
    assert (ran.code, ran.facts["hashed"]) == (1, 1)
    assert item["reason"].startswith("pi-heif can't be loaded: ")


@pytest.mark.parametrize("broken", formats.BROKEN)
def test_whatever_a_broken_package_raises_only_its_files_are_unreadable(
    broken: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def import_module(_: str) -> object:
        raise broken("no libheif")

    monkeypatch.setattr(formats, "importlib", SimpleNamespace(import_module=import_module))
    with pytest.raises(ValueError, match=r"^pi-heif can't be loaded: no libheif$"):
        decode.open_header(heic(photo(CAT)))


def test_a_bug_of_ours_is_not_taken_for_a_broken_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def import_module(name: str) -> object:
        return len(None) if name == "pictures.heic" else None  # type: ignore[arg-type]

    monkeypatch.setattr(formats, "importlib", SimpleNamespace(import_module=import_module))
    with pytest.raises(TypeError, match=r"len\(\)"):
        decode.open_header(heic(photo(CAT)))


# ---- On the page


def test_a_heic_is_shown_as_a_jpeg_with_its_own_facts(tmp_path: Path) -> None:
    path = tmp_path / "a.heic"
    path.write_bytes(heic(photo(CAT)))
    with Image.open(io.BytesIO(render(str(path), "thumb"))) as shown:
        assert (shown.format, max(shown.size)) == ("JPEG", 320)
    facts = examine(str(path))
    assert (facts.format, (facts.width, facts.height)) == ("HEIC", photo(CAT).size)


def test_pictures_that_are_made_of_each_other_end() -> None:
    """Of thirty that are each made of all of them, there are more ways than seconds."""
    numbers = [*range(1, 31)]
    items = heic_items.Items(
        1, dict.fromkeys(numbers, b"grid"), made_of=dict.fromkeys(numbers, numbers)
    )
    assert list(items.coded(1)) == []
    items.kinds[7], items.extents[7] = b"hvc1", [(10, 20)]
    assert list(items.coded(1)) == [(10, 20)]


def test_items_that_point_anywhere_are_read_as_far_as_they_make_sense() -> None:
    data = heic(photo(CAT))
    for place in range(0, 400, 3):
        wrong = data[:place] + b"\xff\xff" + data[place + 2 :]
        heic_items.items_of(wrong)
        list(heic_items.held_in(wrong))
    small = with_thumbnail(photo(CAT))
    for place in range(0, 700, 3):
        tried(
            lambda at=place: heic_items.of_thumbnail(small[:at] + b"\xff" + small[at + 1 :]), None
        )


# ---- A first look by the thumbnail


def with_thumbnail(image: Image.Image, of: Image.Image | None = None) -> bytes:
    """A HEIC with a thumbnail, if need be one of another picture: a stale one."""
    data = heic(image.resize((900, 600)), thumbnails=[330])
    if of is None:
        return data
    stale = heic(of.resize((900, 600)), thumbnails=[330])
    places = [coded_thumbnail(each) for each in (data, stale)]
    (start, end), (from_, to) = places
    assert to - from_ <= end - start, "choose a plainer picture for the stale one"
    length = struct.pack(">I", to - from_)
    table = data.index(b"iloc")
    made = data[:start] + stale[from_:to].ljust(end - start, b"\0") + data[end:]
    place = made.index(struct.pack(">I", end - start), table)
    return made[:place] + length + made[place + 4 :]


def coded_thumbnail(data: bytes) -> tuple[int, int]:
    items = heic_items.items_of(data)
    thumbnail = next(n for n, of in items.belongs_to.items() if (b"thmb", items.primary) in of)
    (place,) = items.coded(thumbnail)
    return place


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The sizes of the HEICs that are decoded from here on."""
    sizes: list[tuple[int, int]] = []
    decode_one = heic_module.HeicImageFile._decode

    def noting(self: heic_module.HeicImageFile, picture: Any) -> None:
        sizes.append(self.size)
        decode_one(self, picture)

    monkeypatch.setattr(heic_module.HeicImageFile, "_decode", noting)
    return sizes


FULL, SMALL = (900, 600), (330, 220)


def test_what_nothing_is_near_by_its_thumbnail_is_never_decoded_in_full(
    bare_library: Library, decoded: list[tuple[int, int]]
) -> None:
    library = bare_library
    library.add("b.jpg", "2024/coffee.jpg")
    (library.photos / "a.heic").write_bytes(with_thumbnail(photo(CAT)))
    old(library)
    ran = library.run("find", "--json")
    assert (ran.facts["hashed"], ran.facts["groups"], decoded) == (2, [], [SMALL])
    again = library.run("find", "--json")
    assert (again.facts["unchanged"], decoded) == (2, [SMALL])
    library.add("c.jpg")
    assert len(library.run("find", "--json").facts["groups"][0]) == 2
    assert decoded[1] == FULL
    assert library.run("find", "--json").facts["unchanged"] >= 2
    assert [size for size in decoded if size == FULL] == [FULL]


def old(library: Library) -> None:
    for path in library.photos.iterdir():
        os.utime(path, (1_600_000_000, 1_600_000_000))


def test_a_match_counts_only_in_full(bare_library: Library, decoded: list[tuple[int, int]]) -> None:
    """A thumbnail may show what the picture isn't any more."""
    bare_library.add("a.jpg")
    (bare_library.photos / "a.heic").write_bytes(with_thumbnail(photo(STARS), photo(CAT)))
    ran = bare_library.run("find", "--json")
    assert (ran.facts["groups"], decoded) == ([], [SMALL, FULL])


@pytest.mark.parametrize("flags", [("--threshold", "20"), ("--preset", "crops")])
def test_where_more_is_wanted_than_a_thumbnail_tells_all_is_decoded(
    flags: tuple[str, str], bare_library: Library, decoded: list[tuple[int, int]]
) -> None:
    (bare_library.photos / "a.heic").write_bytes(with_thumbnail(photo(CAT)))
    bare_library.run("find", *flags)
    assert decoded == [FULL]


def test_no_hash_of_a_thumbnail_is_kept_for_a_threshold(
    bare_library: Library, decoded: list[tuple[int, int]]
) -> None:
    (bare_library.photos / "a.heic").write_bytes(with_thumbnail(photo(CAT)))
    old(bare_library)
    bare_library.run("find")
    assert bare_library.run("find", "--json", "--threshold", "20").facts["unchanged"] == 0
    assert decoded == [SMALL, FULL]
    ran = bare_library.run("find", "--json")
    assert (ran.facts["unchanged"], decoded) == (1, [SMALL, FULL])


@pytest.mark.parametrize("across", [(), ("--across",)])
def test_groups_are_as_if_all_were_decoded(
    across: tuple[str, ...], bare_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = bare_library
    for folder, samples in {"x": (CAT, COFFEE), "y": (CAT, STARS)}.items():
        (library.photos / folder).mkdir()
        for number, sample in enumerate(samples):
            data = with_thumbnail(photo(sample).rotate(number))
            (library.photos / folder / f"{number}.heic").write_bytes(data)
    folders = [f"--input-dir={library.photos / folder}" for folder in ("x", "y")]
    run = ["--action", "find", "--json", "--dry-run", "--no-cache", *folders, *across]
    run += ["--output-dir", str(library.output)]
    found = library.run_exactly(*run).facts["groups"]
    monkeypatch.setattr(Recipe, "may_begin_small", False)
    assert library.run_exactly(*run).facts["groups"] == found
    assert len(found) == 1


def test_one_that_cannot_be_decoded_once_it_is_near_is_unreadable(bare_library: Library) -> None:
    bare_library.add("a.jpg")
    data = bytearray(with_thumbnail(photo(CAT)))
    items = heic_items.items_of(bytes(data))
    (start, _), *_ = items.coded(items.primary)
    data[start : start + 8] = b"\xff" * 8
    (bare_library.photos / "a.heic").write_bytes(data)
    ran = bare_library.run("find", "--json")
    assert (ran.code, ran.facts["groups"], ran.facts["hashed"]) == (1, [], 1)
    assert len(ran.facts["unreadable"]) == 1


def test_what_was_not_asked_for_last_is_known_to_be_here(
    bare_library: Library, cache_home: Path
) -> None:
    """Or after half a year the photos without thumbnails would be forgotten."""
    library = bare_library
    library.add("a.jpg", "2024/coffee.jpg")
    (library.photos / "b.heic").write_bytes(with_thumbnail(photo(CAT)))
    old(library)
    library.run("find")
    (database,) = cache_home.rglob("cache.sqlite")
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE files SET seen = 0")
    library.run("find")
    assert library.run("find", "--json").facts["unchanged"] == 2


def test_a_thumbnail_of_another_shape_or_too_small_is_not_looked_at() -> None:
    tiny = heic(photo(CAT).resize((900, 600)), thumbnails=[90])
    wide = with_thumbnail(photo(CAT)).replace(
        struct.pack(">II", *FULL), struct.pack(">II", 900, 500)
    )
    for data in (tiny, wide, heic(photo(CAT))):
        assert look_by_thumbnail(data, Recipe(by_thumbnail=True)) is None
