"""Which photos are found in a folder tree, and that each of them gets a result."""

import os
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import made_pictures
import pytest
from conftest import Library, place

import finder
from disk import files, same_file, system
from disk.files import ImageFile
from finder import EARLIER_RESULTS, HARD_LINKS, UNREADABLE_FOLDERS, Found, Skipped
from pictures.images import Unreadable

SMALL = made_pictures.SAMPLES / "phone" / "cat_small.jpg"


def walked(*folders: Path, exclude: Iterable[str] = (), out: Iterable[Path] = ()) -> list[Found]:
    """What a walk finds; what it passes over is left to the tests of just that."""
    left_out = [str(folder) for folder in out]
    found = finder.walk([str(folder) for folder in folders], list(exclude), left_out)
    told = (EARLIER_RESULTS, HARD_LINKS, finder.SAME_FILES, finder.SET_ASIDE, UNREADABLE_FOLDERS)
    return [f for f in found if not isinstance(f, Skipped) or f.kind in told]


def names(found: Iterable[Found], folder: Path) -> list[str]:
    """The photos' paths below a folder; nothing else may have been found."""
    files = list(found)
    assert all(isinstance(file, ImageFile) for file in files), files
    return [os.path.relpath(file.path, folder) for file in files]


# ---- What is a photo


def test_photos_are_found_in_sorted_order_in_every_walk(tmp_path: Path) -> None:
    place(tmp_path, *"b.jpg B.jpg a.jpg 10.jpg 9.jpg b/c.jpg b/a.jpg a/z/1.jpg a/y.jpg".split())
    expected = "10.jpg 9.jpg B.jpg a.jpg b.jpg a/y.jpg a/z/1.jpg b/a.jpg b/c.jpg".split()
    assert names(walked(tmp_path), tmp_path) == expected
    assert walked(tmp_path) == walked(tmp_path)


def test_a_photo_is_found_with_its_size_and_time(tmp_path: Path) -> None:
    place(tmp_path, "a.jpg")
    os.utime(tmp_path / "a.jpg", ns=(5, 1_600_000_000_123_456_789))
    size = SMALL.stat().st_size
    assert walked(tmp_path) == [ImageFile(str(tmp_path / "a.jpg"), size, 1_600_000_000_123_456_789)]


def test_photos_are_known_by_their_extension_in_any_case(tmp_path: Path) -> None:
    photos = "a.jpg b.JPG c.JpEg d.jpe e.jfif f.png g.bmp h.gif i.tif j.TIFF k.webp l.avif".split()
    place(tmp_path, *photos, "m.two.dots.jpg", ".hidden.jpg")
    place(tmp_path, *"n.txt o.psd p.jpg.xmp q.jpg~ r.mov s.pdf jpg .jpg t.jpg.bak".split())
    assert names(walked(tmp_path), tmp_path) == [".hidden.jpg", *photos, "m.two.dots.jpg"]


def test_the_companion_files_of_macos_are_passed_over(tmp_path: Path) -> None:
    place(tmp_path, "._a.jpg", "a.jpg", "b/._c.png")
    assert names(walked(tmp_path), tmp_path) == ["a.jpg"]


def test_file_names_may_be_any_bytes(tmp_path: Path) -> None:
    odd = [b"\xff.jpg", b"new\nline.jpg", b" .jpg", b"\xff\xfe/a.jpg", "\u00e4.jpg".encode()]
    place(tmp_path, *odd)
    found = [os.fsencode(name) for name in names(walked(tmp_path), tmp_path)]
    assert sorted(found) == sorted(odd)
    assert walked(tmp_path, exclude=["@eaDir", "*/x/*"]) == walked(tmp_path)


def test_a_very_deep_tree_is_walked_to_its_end_or_to_what_the_system_can_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    depth = 2100  # from here on, paths are longer than the system takes
    monkeypatch.chdir(tmp_path)
    try:
        for level in range(depth):
            os.mkdir("d")
            os.chdir("d")
            if level % 10 == 0:
                shutil.copy(SMALL, "a.jpg")
        found = walked(tmp_path)
    finally:  # by hand: shutil.rmtree calls itself for every level
        for _ in range(depth):
            if os.path.exists("a.jpg"):
                os.unlink("a.jpg")
            os.chdir("..")
            os.rmdir("d")
    photos = [file for file in found if isinstance(file, ImageFile)]
    (unopened,) = [folder for folder in found if isinstance(folder, Skipped)]
    assert len(photos) > 40  # levels are ten times as many
    assert unopened.reason == "File name too long"
    assert all(isinstance(file, ImageFile | Unreadable | Skipped) for file in found)


# ---- What is not followed


def test_symbolic_links_are_not_followed(tmp_path: Path) -> None:
    photos, elsewhere = tmp_path / "photos", tmp_path / "elsewhere"
    place(photos, "a.jpg", "b/c.jpg")
    place(elsewhere, "x.jpg")
    (photos / "file.jpg").symlink_to(photos / "a.jpg")
    (photos / "outside.jpg").symlink_to(elsewhere / "x.jpg")
    (photos / "folder").symlink_to(elsewhere)
    (photos / "b" / "loop").symlink_to(photos)
    (photos / "nowhere.jpg").symlink_to("missing.jpg")
    assert names(walked(photos), photos) == ["a.jpg", "b/c.jpg"]


def test_pipes_and_sockets_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(tmp_path, "a.jpg")
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.jpg")
        assert names(walked(tmp_path), tmp_path) == ["a.jpg"]


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: os.symlink("/etc", path)])
def test_what_is_no_file_is_not_opened_and_nothing_stays_open(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "a.jpg")
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match=r"regular file|symbolic links"):
        files.open_regular(str(tmp_path / "a.jpg"))
    assert os.listdir("/proc/self/fd") == before


def test_more_paths_to_the_same_file_are_told_from_copies(tmp_path: Path) -> None:
    place(tmp_path, "a.jpg", "copy.jpg")
    (tmp_path / "b").mkdir()
    os.link(tmp_path / "a.jpg", tmp_path / "b" / "linked.jpg")
    os.link(tmp_path / "a.jpg", tmp_path / "z.jpg")
    found = walked(tmp_path)
    assert names((f for f in found if not isinstance(f, Skipped)), tmp_path) == [
        "a.jpg",
        "copy.jpg",
    ]
    links = [link.path for link in found if isinstance(link, Skipped)]
    assert links == [str(tmp_path / "z.jpg"), str(tmp_path / "b" / "linked.jpg")]


def test_nested_input_folders_yield_each_photo_once(tmp_path: Path) -> None:
    place(tmp_path, "a.jpg", "b/c.jpg", "b/d/e.jpg", "f/g.jpg")
    everything = {"a.jpg", "b/c.jpg", "b/d/e.jpg", "f/g.jpg"}
    b, d = tmp_path / "b", tmp_path / "b" / "d"
    for folders in ([tmp_path, b], [b, tmp_path], [d, tmp_path, b, d], [tmp_path, tmp_path]):
        found = names(walked(*folders), tmp_path)
        assert len(found) == len(everything)
        assert set(found) == everything


# ---- What is passed over on purpose


def test_folders_are_passed_over_by_name_or_by_path(tmp_path: Path) -> None:
    place(tmp_path, "a/cache/1.jpg", "a/keep/2.jpg", "b/cache/3.jpg", "b/cached/4.jpg", "cache.jpg")

    def left(*exclude: str) -> list[str]:
        return [name[-5] for name in names(walked(tmp_path, exclude=exclude), tmp_path)]

    assert left() == ["e", "1", "2", "3", "4"]
    assert left("cache") == ["e", "2", "4"]
    assert left("cache*") == ["2"]
    assert left("cache*/") == ["e", "2"]
    assert left("a/cache") == ["e", "2", "3", "4"]
    assert left(f"{tmp_path}/b") == ["e", "1", "2"]
    assert left("a/*", "[b]/cached") == ["e", "3"]
    assert left("cache/", "keep/") == ["e", "4"]  # as other programs write folders
    assert left("CACHE") == ["e", "2", "4"]
    assert left("ache", "/cache", "1.jpg/") == ["e", "1", "2", "3", "4"]


def test_files_are_passed_over_by_name_or_by_path(tmp_path: Path) -> None:
    place(
        tmp_path, "a.GIF", "b.gif", "Screenshots/c.jpg", "Screenshots/x/d.jpg", "e.jpg", "f.gif.jpg"
    )

    def left(*exclude: str) -> list[str]:
        return names(walked(tmp_path, exclude=exclude), tmp_path)

    assert left("*.gif") == ["e.jpg", "f.gif.jpg", "Screenshots/c.jpg", "Screenshots/x/d.jpg"]
    assert left("Screenshots/*", "[ab].gif") == ["e.jpg", "f.gif.jpg"]
    assert left("x/d.*", "/b.gif", "*.gif/") == [
        *("a.GIF", "b.gif", "e.jpg", "f.gif.jpg", "Screenshots/c.jpg"),
    ]
    assert left(f"{tmp_path}/*.jpg", "*.gif") == []


def test_an_excluded_file_that_a_cleanup_has_set_aside_is_named_all_the_same(
    tmp_path: Path,
) -> None:
    place(tmp_path, ".a.jpg.0123abcd.being-deleted")
    found = list(finder.walk([str(tmp_path)], ["*"]))
    assert [item.kind for item in found if isinstance(item, finder.Skipped)] == [finder.SET_ASIDE]


def test_an_input_folder_is_walked_whatever_it_is_called(tmp_path: Path) -> None:
    place(tmp_path, ".git/a.jpg", "b.jpg")
    git = tmp_path / ".git"
    assert names(walked(tmp_path, git, exclude=[".git"]), tmp_path) == ["b.jpg", ".git/a.jpg"]


def test_earlier_results_and_the_output_folder_are_left_out(tmp_path: Path) -> None:
    place(tmp_path, "a.jpg", "old/1/copy.jpg", "out/1/copy.jpg", "out2/b.jpg")
    (tmp_path / "old" / finder.MANIFEST).touch()
    old = tmp_path / "old"
    found = walked(tmp_path, out=[tmp_path / "out"])
    found.remove(Skipped(str(old), EARLIER_RESULTS))
    assert names(found, tmp_path) == ["a.jpg", "out2/b.jpg"]
    assert names(walked(old), old) == ["1/copy.jpg"]  # as it was asked for


def test_a_folder_that_only_seems_a_result_is_named_and_makes_the_run_incomplete(
    bare_library: Library,
) -> None:
    library = bare_library
    library.add("a.jpg")
    library.add("holiday/b.jpg")
    (library.photos / "holiday" / finder.MANIFEST).write_text("{}")
    ran = library.run("find")
    line = f"{library.photos / 'holiday'}: passed over for its {finder.MANIFEST}"
    assert (ran.code, f"  {line}, which is no record of a find\n" in ran.out) == (1, True)
    assert any(logged.startswith(f"Unreadable folder: {line}") for logged in library.log())


def test_a_result_of_find_is_not_found_by_the_next(bare_library: Library) -> None:
    library = bare_library
    for quality in (0, 60):
        library.add(f"cat{quality}.jpg", quality=quality)
    first, second = library.photos / "first", library.photos / "second"
    for output in (first, second):
        ran = library.run("find", "--output-dir", str(output), "--json")
        assert (ran.code, ran.facts["found"]) == (0, 2)
        told = f"Results of find, passed over: {first}.\n" in ran.err
        assert told == (output == second)
        assert ran.facts["earlier_results"] == ([str(first)] if output == second else [])
        assert len(ran.facts["groups"]) == 1
    assert sorted(path.name for path in library.photos.iterdir()) == [
        "cat0.jpg",
        "cat60.jpg",
        "first",
        "second",
    ]


# ---- What can't be read


Scan = Callable[[str], Any]


def refuse(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Make the system refuse to list a folder, which it would not do for the superuser."""
    scandir: Scan = os.scandir

    def scan(path: str) -> Any:
        if path == str(folder):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scan)


def test_an_unreadable_folder_is_named_and_the_rest_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(tmp_path, "a.jpg", "b/c.jpg", "b/d/e.jpg", "f/g.jpg")
    refuse(monkeypatch, tmp_path / "b")
    found = walked(tmp_path)
    assert Skipped(str(tmp_path / "b"), UNREADABLE_FOLDERS, "Permission denied") in found
    assert names((f for f in found if not isinstance(f, Skipped)), tmp_path) == [
        "a.jpg",
        "f/g.jpg",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may list every folder")
def test_a_folder_without_permissions_is_named(tmp_path: Path) -> None:
    place(tmp_path, "a.jpg", "b/c.jpg")
    (tmp_path / "b").chmod(0)
    try:
        found = walked(tmp_path)
    finally:
        (tmp_path / "b").chmod(0o700)
    assert found[1:] == [Skipped(str(tmp_path / "b"), UNREADABLE_FOLDERS, "Permission denied")]


def test_a_find_with_an_unreadable_folder_is_done_and_says_so_by_exit_1(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.add("closed/cat.jpg", quality=50)
    refuse(monkeypatch, library.photos / "closed")
    ran = library.run("find")
    assert ran.code == 1
    assert f"{library.photos / 'closed'}: Permission denied" in ran.out
    assert len(library.info()) == 5


def test_a_folder_of_which_the_entries_can_t_be_judged_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems list names only, and then refuse to say what they are."""
    place(tmp_path, "a.jpg", "b/c.jpg", "b/d/e.jpg")
    scandir: Scan = os.scandir

    class Entry:
        def __init__(self, entry: "os.DirEntry[str]") -> None:
            self.name, self.path = entry.name, entry.path

        def is_file(self, *, follow_symlinks: bool) -> bool:
            raise PermissionError(13, "Permission denied", self.path, follow_symlinks)

        is_dir = is_file

    class Listing:
        def __enter__(self) -> Iterator[Entry]:
            return iter([Entry(entry) for entry in scandir(str(tmp_path / "b"))])

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(
        os, "scandir", lambda path: Listing() if path == str(tmp_path / "b") else scandir(path)
    )
    found = walked(tmp_path)
    assert names(found[:1], tmp_path) == ["a.jpg"]
    assert found[1:] == [Skipped(str(tmp_path / "b"), UNREADABLE_FOLDERS, "Permission denied")]


def test_what_vanishes_during_the_walk_is_named(tmp_path: Path) -> None:
    place(tmp_path, "a.jpg", "b.jpg", "c/d.jpg")
    ahead = finder.walk([str(tmp_path)])
    assert names([next(ahead)], tmp_path) == ["a.jpg"]
    (tmp_path / "b.jpg").unlink()
    shutil.rmtree(tmp_path / "c")
    missing = "No such file or directory"
    assert list(ahead) == [
        Unreadable(ImageFile(str(tmp_path / "b.jpg"), 0, 0), missing),
        Skipped(str(tmp_path / "c"), UNREADABLE_FOLDERS, missing),
    ]


@pytest.mark.parametrize("trash", ["Trash", ".Trash-1000", "$Recycle.Bin", "#recycle", "Trashes"])
def test_what_lies_in_a_trash_is_no_photo_whatever_is_excluded(
    bare_library: Library, trash: str
) -> None:
    bare_library.add("a.jpg")
    bare_library.add(f"share/{trash}/files/b.jpg")
    bare_library.add(".trashed-1700000000-c.jpg")
    found = [f.path for f in finder.walk([str(bare_library.photos)]) if isinstance(f, ImageFile)]
    assert found == [str(bare_library.photos / "a.jpg")]


def test_sticks_that_number_their_files_by_turns_hold_photos_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that were filled alike have the same numbers, sizes and times."""
    path = tmp_path / "a.jpg"
    path.write_bytes(b"photo")
    status = path.stat()
    names = [name for name in dir(status) if name.startswith("st_")]
    shown = {name: getattr(status, name) for name in names}
    one, other = (
        cast(os.stat_result, SimpleNamespace(**{**shown, "st_dev": os.makedev(8, minor)}))
        for minor in (17, 33)
    )
    mounts = tmp_path / "mounts"
    monkeypatch.setattr(system, "MOUNTS", str(mounts))
    line = "36 29 {} / /media/stick rw,relatime shared:5 - {} /dev/sdb1 rw\n"
    for kinds, are_one in (
        (("ext4", "ext4"), True),
        (("exfat", "nfs"), True),
        (("exfat", "vfat"), False),
        (("fuse.sshfs", "fuseblk"), False),
    ):
        same_file.look_anew()
        mounts.write_text(line.format("8:17", kinds[0]) + line.format("8:33", kinds[1]))
        assert same_file.are_one(one, other) is are_one, kinds
    same_file.look_anew()
    mounts.unlink()
    assert same_file.are_one(one, other)
    same_file.look_anew()
