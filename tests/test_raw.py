"""RAW, which cameras write: its preview is compared where rawpy is installed."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Library
from made_pictures import CAT, COFFEE, STORED_AS, encoded, hash_data, photo
from made_raw import dng
from PIL import Image

from disk.companions import is_companion
from disk.files import ImageFile
from extras.review import rules
from extras.review.facts import examine
from extras.review.judged import Picture
from extras.review.rendering import render
from pictures import decode, formats, inventory, kinds
from pictures.exif import orientation_of
from pictures.formats import PHOTO_EXTENSIONS
from pictures.hashing import hash_file
from pictures.images import HashedImage, Unreadable
from pictures.recipe import Recipe

pytestmark = pytest.mark.formats
rawpy = pytest.importorskip("rawpy")


def hashed(name: str, data: bytes, folder: Path) -> HashedImage | Unreadable:
    path = folder / name
    path.write_bytes(data)
    return hash_file(ImageFile(str(path), 0, 0), Recipe())


def reason(data: bytes, folder: Path, name: str = "a.dng") -> str:
    found = hashed(name, data, folder)
    return found.reason if isinstance(found, Unreadable) else ""


def bits_apart(one: bytes, other: bytes, folder: Path) -> int:
    looks = [hash_data(data, folder) for data in (one, other)]
    hashes = [int.from_bytes(h.look.views[0].hash) for h in looks if h.look]  # type: ignore[union-attr]
    return (hashes[0] ^ hashes[1]).bit_count()


def test_a_raw_joins_its_jpeg_and_is_copied_and_deleted_as_it_is(bare_library: Library) -> None:
    library = bare_library
    library.add("small/a.jpg", quality=60)
    for name in ("a.DNG", "copy of a.DNG"):
        (library.photos / name).write_bytes(dng(photo(CAT)))
    ran = library.find()
    assert "Where a file manager doesn't show RAW: report.html, or python main.py " in ran.out
    copies = [Path(path).name for path in library.info()]
    assert copies == ["a.DNG", "copy of a.DNG", "a.jpg"]
    assert library.copy("a.DNG").read_bytes() == (library.photos / "a.DNG").read_bytes()
    library.delete_copies("a.DNG")
    assert library.check().code == 0
    assert library.cleanup("--yes").code == 0
    assert library.names() == ["copy of a.DNG", "small", "small/a.jpg"]


def test_a_copy_of_a_raw_that_was_changed_and_renamed_is_not_deleted(bare_library: Library) -> None:
    """It is no companion here, whatever it is beside a photo."""
    library = bare_library
    library.add("b.jpg")
    (library.photos / "a.dng").write_bytes(dng(photo(CAT)))
    library.find()
    copy = library.copy("a.dng")
    copy.write_bytes(copy.read_bytes() + b"edited")
    copy.rename(copy.with_name("best.dng"))
    library.check()
    assert library.listed() == []
    assert not is_companion("a.dng", PHOTO_EXTENSIONS)


def test_without_the_package_raws_are_counted_and_it_is_said_what_to_install(
    bare_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = bare_library
    library.add("a.jpg")
    for name in ("a.CR2", "b.nef", "c.nef"):
        (library.photos / name).write_bytes(dng(photo(CAT)))
    with monkeypatch.context() as without:
        without.setattr(formats, "has_module", lambda _: False)
        out = library.run("find", "--dry-run").out
        assert "Passed over: CR2 1, NEF 2 (see --verbose).\n" in out
        assert "To compare RAW, too: pip install rawpy\n" in out
    assert library.run("find", "--dry-run", "--json").facts["hashed"] == 4


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_preview_is_turned_as_the_raw_is(orientation: int, tmp_path: Path) -> None:
    upright, stored = photo(CAT), photo(CAT)
    if STORED_AS[orientation] is not None:
        stored = stored.transpose(STORED_AS[orientation])
    data = dng(stored, orientation=orientation)
    assert bits_apart(data, encoded(upright, "JPEG"), tmp_path) <= 6
    path = tmp_path / "a.dng"
    path.write_bytes(data)
    with Image.open(io.BytesIO(render(str(path), "thumb"))) as shown:
        assert (shown.width > shown.height) == (upright.width > upright.height)
    facts = examine(str(path))
    assert (facts.width, facts.height) == upright.size


@pytest.mark.parametrize("orientation", [6, 8])
def test_a_preview_that_is_upright_already_is_not_turned(orientation: int, tmp_path: Path) -> None:
    upright = photo(CAT)
    across = upright.size[::-1]
    data = dng(upright, orientation=orientation, size=across)
    assert orientation_of(decode.open_header(data)) == 1
    (tmp_path / "a.dng").write_bytes(data)
    facts = examine(str(tmp_path / "a.dng"))
    assert (facts.width, facts.height) == upright.size
    assert bits_apart(data, encoded(upright, "JPEG"), tmp_path) <= 6


def test_the_largest_preview_is_taken(tmp_path: Path) -> None:
    small = encoded(photo(COFFEE).resize((160, 120)), "JPEG")
    data = dng(photo(CAT), thumbnail=small)
    assert bits_apart(data, encoded(photo(CAT), "JPEG"), tmp_path) <= 6


def test_a_raw_says_its_own_size_camera_and_date(tmp_path: Path) -> None:
    data = dng(photo(CAT), size=(902, 600))
    lines = inventory.inventory(data, decode.open_header(data))
    assert {"pixels: 902 x 600", "camera: Canon EOS 5D"} <= {*lines}
    path = tmp_path / "a.dng"
    path.write_bytes(data)
    facts = examine(str(path))
    assert (facts.format, facts.width, facts.height) == ("RAW", 902, 600)
    assert (facts.camera, facts.taken) == ("Canon EOS 5D", "2020-05-01 12:00:00")


def test_the_size_of_a_raw_is_its_own_though_its_tables_come_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or it would be left out as an icon, by the thumbnail with which it begins."""
    monkeypatch.setattr(decode, "HEAD_BYTES", 128)
    (tmp_path / "a.dng").write_bytes(dng(photo(CAT), size=(902, 600)))
    with (tmp_path / "a.dng").open("rb", buffering=0) as stream:
        assert decode.size_of(stream) == (902, 600)


@pytest.mark.parametrize(
    ("preview", "said"),
    [
        (b"", "there is no preview in it"),
        (
            encoded(photo(CAT).resize((160, 120)), "JPEG"),
            "the preview in it has only 160 \N{MULTIPLICATION SIGN} 120",
        ),
    ],
)
def test_a_raw_without_a_preview_is_unreadable(preview: bytes, said: str, tmp_path: Path) -> None:
    assert reason(dng(photo(CAT), preview=preview), tmp_path).startswith(said)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda data: data[:-1], "it is cut off"),
        (lambda data: data[: len(data) // 2], "it is cut off"),
        (lambda data: data[:-70_000] + bytes(70_000), "zeros stand in the place of its data"),
    ],
)
def test_a_raw_that_is_not_all_there_is_damaged_though_its_preview_is_whole(
    harm: Callable[[bytes], bytes], said: str, tmp_path: Path
) -> None:
    found = hashed("a.dng", harm(dng(photo(CAT))), tmp_path)
    assert isinstance(found, HashedImage)
    assert found.damage == said


def test_what_is_no_raw_that_is_known_is_no_plain_tiff(tmp_path: Path) -> None:
    """Or a thumbnail would be compared, and given up for a larger picture."""
    tiff = encoded(photo(CAT), "TIFF")
    assert formats.beginning(tiff).name == "TIFF"
    said = "a TIFF named .nef: it is no RAW that is known"
    assert reason(tiff, tmp_path, "a.nef") == said
    assert reason(tiff, tmp_path, "a.tif") == ""
    assert "LibRaw" not in reason(b"II*\0\x10\0\0\0CR\2\0" + bytes(500), tmp_path, "a.cr2")


def test_a_raw_is_known_by_its_tags_whatever_it_is_called(bare_library: Library) -> None:
    data = dng(photo(CAT))
    assert (formats.beginning(data).name, kinds.named(data)) == ("RAW", "a RAW")
    bare_library.add("a.jpg")
    (bare_library.photos / "b.tif").write_bytes(data)
    (bare_library.photos / "c.nef").write_bytes(encoded(photo(CAT), "JPEG", quality=70))
    assert len(bare_library.find("--json").facts["groups"][0]) == 3


# ---- By the rules


def picture(number: int, name: str, data: bytes, folder: Path) -> Picture:
    (folder / name).write_bytes(data)
    held = inventory.inventory(data, decode.open_header(data))
    facts = examine(str(folder / name))
    assert {*held} >= {line for line in held if line in facts.holds}
    return Picture(number, name, str(number), facts)


def given_up(*pictures: Picture) -> list[int]:
    return [removal.number for removal in rules.suggest(1, pictures, []).removals]


@pytest.mark.parametrize(("form", "factor"), [("JPEG", 1), ("JPEG", 2), ("PNG", 2), ("TIFF", 1)])
def test_a_raw_is_never_given_up_for_what_was_made_of_it_nor_that_for_it(
    form: str, factor: int, tmp_path: Path
) -> None:
    image = photo(CAT)
    size = (image.width * factor, image.height * factor)
    raw = picture(0, "a.dng", dng(image), tmp_path)
    made = picture(1, "b", encoded(image.resize(size), form), tmp_path)
    small = picture(2, "c", encoded(image, "JPEG", quality=40), tmp_path)
    assert given_up(raw, made) == []
    assert given_up(made, raw) == []
    assert 0 not in given_up(raw, made, small)


def test_of_identical_raws_one_may_be_given_up_and_of_others_none(tmp_path: Path) -> None:
    one = picture(0, "a.dng", dng(photo(CAT)), tmp_path)
    twin = picture(0, "IMG_1 (1).dng", dng(photo(CAT)), tmp_path)
    assert len(given_up(one, Picture(1, twin.path, "0", twin.facts))) == 1
    other = picture(1, "b.dng", dng(photo(CAT), size=(902, 600)), tmp_path)
    assert given_up(one, other) == []
