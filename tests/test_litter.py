"""What systems leave in the folders of a result: it stops nobody, and nothing else goes with it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Library, picture, tree

from actions import find
from disk import litter, replaceable
from disk.own_names import BUILDING_SUFFIXES
from disk.result import Opened

APPLE_DOUBLE = b"\0\5\x16\7\0\2\0\0Mac OS X        "
LITTER = {
    ".DS_Store": b"\0\0\0\1Bud1",
    ".localized": b"",
    "Icon\r": b"",
    "._photos_vacation1.jpg": APPLE_DOUBLE,
    ".AppleDouble/photos_vacation1.jpg": APPLE_DOUBLE,
    "Thumbs.db": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100),
    "ehthumbs.db": b"x",
    "desktop.ini": "[.ShellClassInfo]\r\n".encode("utf-16"),
    "Desktop.ini": b"[.ShellClassInfo]\r\n",
    ".directory": b"[Dolphin]\nTimestamp=2026,1,1\n",
    ".nomedia": b"",
    "@eaDir/photos_vacation1.jpg/SYNOPHOTO_THUMB_XL.jpg": picture("2023/stars.jpg"),
    "@eaDir/photos_vacation1.jpg/SYNOINDEX_MEDIA_INFO": b"x",
    "@eaDir/photos_vacation1.jpg@SynoEAStream": b"x",
    ".@__thumb/s100photos_vacation1.jpg": picture("2023/stars.jpg"),
}


def leave(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def leave_all(folder: Path) -> None:
    for name, content in LITTER.items():
        leave(folder, name, content)


def test_find_replaces_a_result_with_litter_and_leaves_none(found: Library) -> None:
    before = tree(found.output)
    for folder in (found.output, found.output / "1", found.output / "2"):
        leave_all(folder)
    found.find()
    after = tree(found.output)
    log = [after.pop("log.txt"), before.pop("log.txt")]
    assert after == before
    assert all(log)
    assert sorted(os.listdir(found.folder)) == ["output", "photos"]


def test_find_takes_an_output_folder_with_litter_for_an_empty_one(library: Library) -> None:
    library.output.mkdir()
    leave_all(library.output)
    assert library.run("find", "--dry-run").code == 0
    library.find()
    assert not [path for path in library.output.rglob("*") if path.name in (".DS_Store", "@eaDir")]
    assert sorted(os.listdir(library.folder)) == ["output", "photos"]


def test_an_interrupted_find_whose_folders_got_litter_is_mended(found: Library) -> None:
    """An empty folder that it was building, and an old result that it was removing."""
    for suffix in BUILDING_SUFFIXES:
        leave_all(found.output.with_name("output" + suffix))
    found.find()
    assert sorted(os.listdir(found.folder)) == ["output", "photos"]


@pytest.mark.parametrize("name", LITTER)
def test_litter_is_no_copy_that_was_edited(found: Library, name: str) -> None:
    found.delete_copies("vacation1.jpg")
    leave(found.output, name, LITTER[name])
    leave(found.output / "1", name, LITTER[name])
    leave(found.output / "best", name, LITTER[name])
    assert found.check().code == 0
    assert found.listed() == ["vacation1.jpg"]


CAT = picture("2024/cat.jpg")


def link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/hostname")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def too_large(path: Path) -> None:
    os.truncate(path, litter.MOST_BYTES + 1)


def linked_folder(path: Path) -> None:
    path.parent.rename(path.parent.parent / "elsewhere")
    path.parent.symlink_to("elsewhere")


def unchanged(_: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("name", "content", "change"),
    [
        ("1/@eaDir/photo.jpg", CAT, unchanged),
        ("1/@eaDir/photo.jpg/photo.jpg", CAT, unchanged),
        ("@eaDir/notes.txt", b"mine", unchanged),
        (".@__thumb/photo.jpg", CAT, unchanged),
        (".AppleDouble/photo.jpg", CAT, unchanged),
        ("1/._photo.jpg", CAT, unchanged),
        ("1/Thumbs.db", CAT, unchanged),
        ("desktop.ini", picture("2024/cat.jpg", 90, ".png"), unchanged),
        (".nomedia", b"\0\0\0\x18ftypheic", unchanged),
        ("desktop.ini", b"Grandma's address:\n", unchanged),
        ("1/Desktop.ini", "To do: [x]".encode("utf-16"), unchanged),
        (".directory", b"[ ] call Ann\n", unchanged),
        ("1/.DS_Store", b"x", link),
        ("1/.DS_Store", b"x", a_folder),
        ("1/.DS_Store", b"x", too_large),
        ("1/._photo.jpg", APPLE_DOUBLE, too_large),
        ("1/@eaDir/SYNOPHOTO_THUMB_XL.jpg", b"x", too_large),
        ("1/@eaDir/SYNOPHOTO_THUMB_XL.jpg", b"x", link),
        ("1/@eaDir/SYNOPHOTO_THUMB_XL.jpg", b"x", linked_folder),
        ("best/.DS_Store", b"x", unchanged),
        (".comments/photo.jpg.xml", b"<comment>Grandma, 1962</comment>", unchanged),
        ("1/.picasa.ini", b"[photo.jpg]\nstar=yes\n", unchanged),
    ],
)
def test_what_may_be_a_persons_is_no_litter(
    found: Library, name: str, content: bytes, change: Callable[[Path], None]
) -> None:
    change(leave(found.output, name, content))
    leave(found.output, ".DS_Store" if "DS_Store" not in name else "Thumbs.db", b"x")
    before = tree(found.folder)
    ran = found.run("find")
    assert ran.code == 2
    assert os.path.basename(name) in ran.err or "elsewhere" in ran.err or "eaDir" in ran.err
    assert "DS_Store" not in ran.err or "DS_Store" in name
    assert tree(found.folder) == before


def test_large_previews_of_windows_are_litter(found: Library) -> None:
    os.truncate(leave(found.output / "1", "Thumbs.db", LITTER["Thumbs.db"]), litter.MOST_BYTES + 1)
    found.find()
    assert not (found.output / "1" / "Thumbs.db").exists()


def test_litter_in_a_folder_of_a_person_that_has_nothing_else_is_left(library: Library) -> None:
    library.output.mkdir()
    leave_all(library.output)
    (library.output / "letter.txt").write_text("mine")
    before = tree(library.folder)
    ran = library.run("find")
    assert ran.code == 2
    assert "(letter.txt)" in ran.err
    assert tree(library.folder) == before


def test_what_is_put_beside_litter_while_find_runs_is_kept(
    found: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_still_replaceable = replaceable.check_still_replaceable

    def put(old: Opened) -> None:
        leave_all(found.output / "1")
        leave(found.output, "1/@eaDir/photo.jpg", CAT)
        leave(found.output, "1/._photo.jpg", CAT)
        leave(found.output, "best/.DS_Store", b"x")
        check_still_replaceable(old)

    monkeypatch.setattr(find, "check_still_replaceable", put)
    ran = found.run("find")
    assert ran.code == 1
    (kept,) = (path for path in found.folder.iterdir() if path.name not in ("output", "photos"))
    left = {name: data for name, data in tree(kept).items() if data != b"<folder>"}
    assert left.pop("image-similarity-search.json")
    assert left == {"1/@eaDir/photo.jpg": CAT, "1/._photo.jpg": CAT, "best/.DS_Store": b"x"}
