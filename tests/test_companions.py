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
        ("a-edited(1).jpg", "a.jpg(1).json a(1).jpg.json"),
        ("a-ha editado.jpg", "a.jpg.json"),
        ("a-edytowane.jpg", "a.jpg.json"),
        ("a-\u7de8\u96c6\u6e08\u307f.jpg", "a.jpg.json"),
        ("a-EFFECTS.jpg", "a.jpg.json"),
        (f"{'long' * 12}(1).jpg", f"{'long' * 12}"[:46] + "(1).json"),
        (f"{'long' * 12}-edited.jpg", f"{'long' * 12}"[:46] + ".json"),
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


LONG = "long" * 12


@pytest.mark.parametrize(
    ("note", "photo"),
    [
        ("a.jpg.json", "a-whatever.jpg"),
        ("a.HEIC.json", "a-edited.jpg"),
        ("a.HEIC.json", "a.MP4"),
        ("a.jpg(1).json", "a-edited(1).jpg"),
        ("a.jpg.json", "a-edited(1).jpg"),
        ("a.jpg.json", "a \u2013 bearbeitet.jpg"),
        ("a.jpg.json", "a\u2013bearbeitet.jpg"),
        ("a.jpg(1).json", "a \u2013 bearbeitet(1).jpg"),
        ("a.jpg.json", "A edited.jpg"),
        ("a.jpg.json", "a_edited.png"),
        ("a.jpg.json", "a~2.jpg"),
        ("a.jpg.json", "a (1).jpg"),
        ("a.json", "a.edited.jpg"),
        ("Gro\u0308sse.jpg.json", "Gr\u00f6sse edited.jpg"),
        (f"{LONG[:46]}.json", f"{LONG[:43]}-edi.jpg"),
        (f"{LONG[:46]}(1).json", f"{LONG[:47]}-edited(1).jpg"),
        ("a.xmp", "a.avi"),
        ("a.jpg.json", ".a.jpg.01234567.being-deleted"),
        (f"{LONG[:46]}.json", f".{LONG * 6}"[:201] + ".01234567.being-deleted"),
        ("CaptureOne/Settings7/a.jpg.cos", "CaptureOne/Settings7/a.jpg"),
        ("CaptureOne/Settings7/a.jpg.cos", "a.jpg"),
        ("NKSC_PARAM/a.jpg.nksc", "a.jpg"),
    ],
)
def test_what_may_have_a_companion_is_found(note: str, photo: str, tmp_path: Path) -> None:
    """More than is shown with it: here a doubt keeps."""
    assert len(owners(note, photo, tmp_path)) == 1


@pytest.mark.parametrize(
    ("note", "photo"),
    [
        ("a.jpg.json", "a10.jpg"),
        ("a.jpg.json", "ab.jpg"),
        ("a.jpg.json", "a\u00e4.jpg"),
        ("a b.jpg.json", "a c.jpg"),
        ("a.jpg.json", "b-edited.jpg"),
        ("a.jpg.json", "a(1).jpg"),
        ("a-b.jpg.json", "a.jpg"),
        ("a.jpg.json", ".a.xmp.01234567.being-deleted"),
        ("a.xmp", "a-edited.jpg"),
        ("a.jpg.xmp", "a.MP4"),
        ("below/a.xmp", "a.jpg"),
        ("Settings7/a.jpg.cos", "a.jpg"),
    ],
)
def test_what_has_another_name_has_no_part_in_it(note: str, photo: str, tmp_path: Path) -> None:
    assert owners(note, photo, tmp_path) == []


def owners(note: str, photo: str, folder: Path) -> list[str]:
    for name in (note, photo):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    path = str(folder / note)
    return Companions().photos(path, path, lambda path: not path.endswith(".xmp"))


def test_what_comes_and_goes_is_seen_whatever_the_time_of_its_folder(tmp_path: Path) -> None:
    note, photo, other = (tmp_path / name for name in ("a.xmp", "a.jpg", "a.png"))
    for path in (note, photo):
        path.touch()
    beside, status = Companions(), tmp_path.stat()

    def owners() -> list[str]:
        os.utime(tmp_path, ns=(status.st_atime_ns, status.st_mtime_ns))
        return beside.photos(str(note), str(note), lambda path: not path.endswith(".xmp"))

    os.utime(tmp_path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert owners() == [str(photo)]
    photo.rename(other)
    beside.look_again()
    assert owners() == [str(other)]
    other.rename(photo)
    note.unlink()
    beside.look_again()
    assert owners() == [str(photo)]
    assert beside.paths(str(photo)) == []


def test_a_folder_that_can_not_be_listed_hides_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CaptureOne/Settings1/a.jpg.cos", "a.xmp", "a.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    listed = os.listdir

    def closed(path: str) -> list[str]:
        if path.endswith("CaptureOne"):
            raise PermissionError(13, "Permission denied", path)
        return listed(path)

    monkeypatch.setattr(os, "listdir", closed)
    assert Companions().paths(str(tmp_path / "a.jpg")) == [str(tmp_path / "a.xmp")]


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
