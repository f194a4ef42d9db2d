"""Which files belong to a photo by their names."""

import os
from pathlib import Path

import pytest

from disk.companions import Companions, is_companion
from pictures.formats import PHOTO_EXTENSIONS


def beside(folder: Path, photo: str, names: str) -> list[str]:
    """The companions of a photo among some files, with their folders below the photo's."""
    for name in (photo, *names.split()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    found = Companions().of(str(folder / photo))
    return [os.path.relpath(companion.path, folder) for companion in found]


@pytest.mark.parametrize(
    ("photo", "names"),
    [
        ("a.jpg", "a.cr2 a.CR3 a.nef a.arw a.dng a.raf a.RW2"),
        ("IMG_1234.JPG", "IMG_1234.MOV"),
        ("img_1234.jpg", "IMG_1234.mp4"),
        ("PXL_1.MP.jpg", "PXL_1.MP"),
        ("IMG_1234.HEIC", "IMG_1234_HEVC.MOV IMG_1234_3.mov"),
        ("a.jpg", "a.jpg.xmp a.xmp"),
        ("IMG_1234.JPG", "IMG_1234.AAE"),
        ("IMG_E1234.JPG", "IMG_1234.AAE IMG_E1234.AAE IMG_O1234.AAE"),
        ("IMG_1234.JPG", "IMG_E1234.AAE"),
        ("IMG_0001.JPG", "IMG_0001.WAV SND_0001.WAV"),
        ("a.jpg", "a.THM"),
        ("a.jpg", "a.jpg.pp3 a.pp3"),
        ("a.jpg", "a.dop a.jpg.dop"),
        ("a.jpg", "a.acr a.jpg.on1 a.on1 a.vrd"),
        ("a.jpg", "CaptureOne/Settings153/a.jpg.cos a.jpg.cos"),
        ("a.jpg", "NKSC_PARAM/a.jpg.nksc"),
        ("a.jpg", "a.jpg.json a.json"),
        ("a.jpg", "a.jpg.supplemental-metadata.json"),
        ("a.jpg", "a.jpg..json a.jpg.s.json a.jpg.supplemental-me.json"),
        ("a(1).jpg", "a(1).jpg.json a.jpg(1).json a.jpg.supplemental-metadata(1).json"),
        ("a-edited.jpg", "a-edited.jpg.json a.jpg.json"),
        (f"{'long' * 12}.jpg", f"{'long' * 12}"[:46] + ".json"),
        ("Gro\u0308sse.jpg", "Gr\u00f6sse.xmp"),  # as macOS and as others write the letter
    ],
)
def test_what_programs_leave_beside_a_photo_belongs_to_it(
    photo: str, names: str, tmp_path: Path
) -> None:
    assert beside(tmp_path, photo, names) == sorted(names.split())


@pytest.mark.parametrize(
    ("photo", "names"),
    [
        ("a.jpg", "b.cr2 ab.xmp a1.mov a.png a.txt a.jpg.bak"),
        ("a.jpg", "a.png.xmp a.png.json b.jpg.json"),
        ("a.jpg", "a.jpg(1).json"),
        ("a(1).jpg", "a.jpg.json a.xmp"),
        ("IMG_1234.JPG", "IMG_E1234.MOV IMG_1235.AAE"),
        ("IMG_1234.JPG", "IMG_1234_HEVC.AAE IMG_1234_4.MOV IMG_1234.HEIC IMG_1234.txt"),
        ("a.jpg", "below/a.xmp NKSC_PARAM/b.jpg.nksc"),
    ],
)
def test_what_belongs_to_another_photo_or_to_none_does_not(
    photo: str, names: str, tmp_path: Path
) -> None:
    assert beside(tmp_path, photo, names) == []


def test_companions_of_the_same_content_are_known_as_such(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (tmp_path / name).touch()
    large = bytes(1 << 20)
    for name, content in {"a": large, "b": large, "c": large[:-1] + b"\1"}.items():
        (tmp_path / f"{name}.cr2").write_bytes(content)
    folder = Companions()
    prints = [folder.of(str(tmp_path / f"{name}.jpg"))[0].print for name in "abc"]
    assert prints[0] == prints[1] != prints[2]


def test_what_is_no_file_or_comes_later_is_seen(tmp_path: Path) -> None:
    folder = Companions()
    (tmp_path / "a.xmp").mkdir()
    os.mkfifo(tmp_path / "a.cr2")
    os.symlink("elsewhere", tmp_path / "a.mov")
    assert folder.of(str(tmp_path / "a.jpg")) == ()
    (tmp_path / "a.jpg.xmp").touch()
    os.utime(tmp_path, ns=(1, 1))  # whatever the clock's steps are
    assert [one.kind for one in folder.of(str(tmp_path / "a.jpg"))] == ["XMP"]
    assert folder.of(str(tmp_path / "gone" / "a.jpg")) == ()


@pytest.mark.parametrize("name", ["a.xmp", "a.MOV", "a.jpg.json", "a.jpg(1).json", "x.NKSC"])
def test_a_companion_is_known_by_its_name_alone(name: str) -> None:
    assert is_companion(name, PHOTO_EXTENSIONS)
    assert not is_companion("a.jpg", PHOTO_EXTENSIONS)
    assert not is_companion("notes.json", PHOTO_EXTENSIONS)
