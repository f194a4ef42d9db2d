"""Which photos are found in a folder tree, and that each of them gets a result."""

import contextlib
import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from multiprocessing import synchronize
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import made_pictures
import pytest
from conftest import ROOT, Library, Ran, collect, picture
from made_pictures import CAT, COFFEE, SINGLES, encoded, photo

import config
import finder
import views
from disk import files, same_file
from disk.files import ImageFile
from finder import EarlierResult, Found, HardLink, PassedOver, SkippedFolder
from pictures import pool, workers
from pictures.images import HashedImage, Unreadable
from pictures.recipe import Recipe
from views import Look, View

SMALL = made_pictures.SAMPLES / "phone" / "cat_small.jpg"


def place(folder: Path, *names: str | bytes) -> None:
    for name in names:
        path = os.path.join(os.fsencode(folder), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copy(SMALL, path)


def walked(*folders: Path, exclude: Iterable[str] = (), out: Iterable[Path] = ()) -> list[Found]:
    """What a walk finds; what it passes over is left to the tests of just that."""
    left_out = [str(folder) for folder in out]
    found = finder.walk([str(folder) for folder in folders], list(exclude), left_out)
    return [file for file in found if not isinstance(file, PassedOver)]


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
    place(tmp_path, *"n.txt o.heic p.jpg.xmp q.jpg~ r.mov s.pdf jpg .jpg t.jpg.bak".split())
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
    (unopened,) = [folder for folder in found if isinstance(folder, SkippedFolder)]
    assert len(photos) > 40  # levels are ten times as many
    assert unopened.reason == "File name too long"
    assert all(isinstance(file, ImageFile | Unreadable | SkippedFolder) for file in found)


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
    assert names((f for f in found if not isinstance(f, HardLink)), tmp_path) == [
        "a.jpg",
        "copy.jpg",
    ]
    links = [link.path for link in found if isinstance(link, HardLink)]
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
    assert left("cache*") == ["e", "2"]
    assert left("a/cache") == ["e", "2", "3", "4"]
    assert left(f"{tmp_path}/b") == ["e", "1", "2"]
    assert left("a/*", "[b]/cached") == ["e", "3"]
    assert left("cache/", "keep/") == ["e", "4"]  # as other programs write folders
    assert left("ache", "CACHE", "1.jpg", "/cache") == ["e", "1", "2", "3", "4"]


def test_an_input_folder_is_walked_whatever_it_is_called(tmp_path: Path) -> None:
    place(tmp_path, ".git/a.jpg", "b.jpg")
    git = tmp_path / ".git"
    assert names(walked(tmp_path, git, exclude=[".git"]), tmp_path) == ["b.jpg", ".git/a.jpg"]


def test_earlier_results_and_the_output_folder_are_left_out(tmp_path: Path) -> None:
    place(tmp_path, "a.jpg", "old/1/copy.jpg", "out/1/copy.jpg", "out2/b.jpg")
    (tmp_path / "old" / finder.RESULT_MARKER).touch()
    old = tmp_path / "old"
    found = walked(tmp_path, out=[tmp_path / "out"])
    found.remove(EarlierResult(str(old)))
    assert names(found, tmp_path) == ["a.jpg", "out2/b.jpg"]
    assert names(walked(old), old) == ["1/copy.jpg"]  # as it was asked for


def test_a_folder_that_only_seems_a_result_is_named_and_makes_the_run_incomplete(
    bare_library: Library,
) -> None:
    library = bare_library
    library.add("a.jpg")
    library.add("holiday/b.jpg")
    (library.photos / "holiday" / finder.RESULT_MARKER).write_text("{}")
    ran = library.run("find")
    line = f"{library.photos / 'holiday'}: passed over for its {finder.RESULT_MARKER}"
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
    assert SkippedFolder(str(tmp_path / "b"), "Permission denied") in found
    assert names((f for f in found if not isinstance(f, SkippedFolder)), tmp_path) == [
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
    assert found[1:] == [SkippedFolder(str(tmp_path / "b"), "Permission denied")]


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
    assert found[1:] == [SkippedFolder(str(tmp_path / "b"), "Permission denied")]


def test_what_vanishes_during_the_walk_is_named(tmp_path: Path) -> None:
    place(tmp_path, "a.jpg", "b.jpg", "c/d.jpg")
    ahead = finder.walk([str(tmp_path)])
    assert names([next(ahead)], tmp_path) == ["a.jpg"]
    (tmp_path / "b.jpg").unlink()
    shutil.rmtree(tmp_path / "c")
    missing = "No such file or directory"
    assert list(ahead) == [
        Unreadable(ImageFile(str(tmp_path / "b.jpg"), 0, 0), missing),
        SkippedFolder(str(tmp_path / "c"), missing),
    ]


# ---- Hashing in worker processes


def mixed_folder(folder: Path) -> None:
    """Photos, and what only looks like some."""
    for number, name in enumerate(SINGLES):
        (folder / f"good{number}.jpg").write_bytes(picture(name))
    (folder / "good5.png").write_bytes(made_pictures.palette(photo(CAT)))
    (folder / "good6.tif").write_bytes(encoded(photo(CAT), "TIFF", save_all=True))
    (folder / "bad1.jpg").write_bytes(b"")
    (folder / "bad2.png").write_bytes(picture(CAT)[:2000])
    (folder / "bad3.gif").write_bytes(b"GIF89a" + b"\xff" * 500)
    (folder / "bad4.jpg").write_bytes(encoded(photo(CAT), "EPS"))


def hashed(folder: Path, workers: int) -> dict[str, HashedImage | Unreadable]:
    """The results by file name: exactly one for each photo."""
    files = [file for file in walked(folder) if isinstance(file, ImageFile)]
    results = list(finder.hash_files(files, Recipe(), workers))
    assert Counter(result.file.path for result in results) == Counter(f.path for f in files)
    return {os.path.basename(result.file.path): result for result in results}


@pytest.mark.parametrize("workers", [1, 2])
def test_every_photo_found_is_hashed_or_unreadable(workers: int, tmp_path: Path) -> None:
    mixed_folder(tmp_path)
    results = hashed(tmp_path, workers)
    assert len(results) == 11
    for name, result in results.items():
        assert isinstance(result, HashedImage if name.startswith("good") else Unreadable), name


def test_workers_find_what_this_process_finds(tmp_path: Path) -> None:
    mixed_folder(tmp_path)
    for result in hashed(tmp_path, 2).values():
        assert finder.hash_file(result.file, Recipe()) == result


def test_workers_keep_what_parts_are_cut_from_if_they_are_to(tmp_path: Path) -> None:
    place(tmp_path, "a.jpg")
    files = [file for file in walked(tmp_path) if isinstance(file, ImageFile)]
    for parts in (False, True):
        (result,) = finder.hash_files(files, Recipe(parts=parts), 1)
        assert isinstance(result, HashedImage)
        assert result.look is not None
        assert (result.look.large is not None) == parts


def test_workers_keep_only_the_hash_if_no_more_is_wanted(tmp_path: Path) -> None:
    place(tmp_path, "a.jpg")
    files = [file for file in walked(tmp_path) if isinstance(file, ImageFile)]
    (whole,) = finder.hash_files(files, Recipe(), 1)
    (alone,) = finder.hash_files(files, Recipe(only_hash=True), 1)
    assert isinstance(whole, HashedImage)
    assert whole.look is not None
    only = View(whole.look.views[0].hash, b"", False)
    assert alone == replace(whole, look=Look((only,), None, None, b""))


def test_no_photos_are_no_results(tmp_path: Path) -> None:
    assert hashed(tmp_path, 2) == {}


def test_a_picture_that_kills_its_worker_is_unreadable_and_the_others_are_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "hash_file", made_pictures.hash_or_die)
    for number in range(12):
        place(tmp_path, f"photo{number}.jpg")
    place(tmp_path, "exit.jpg", "segfault.jpg", "segfault2.jpg")
    results = hashed(tmp_path, 2)
    for name, result in results.items():
        assert isinstance(result, HashedImage if name.startswith("photo") else Unreadable), name
    reasons = [r.reason for r in results.values() if isinstance(r, Unreadable)]
    assert all(reason.startswith("it crashed the decoder") for reason in reasons)


def test_what_a_worker_raises_for_a_picture_makes_only_that_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "hash_file", made_pictures.hash_or_die)
    place(tmp_path, *(f"photo{n}.jpg" for n in range(6)), "starved.jpg")
    results = hashed(tmp_path, 2)
    starved = results.pop("starved.jpg")
    assert isinstance(starved, Unreadable)
    assert starved.reason == "it needs more than 700 MB of memory to be decoded"
    assert all(isinstance(result, HashedImage) for result in results.values())


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (AssertionError(), "no reason was given (AssertionError)"),
        (EOFError(" "), "no reason was given (EOFError)"),
        (OSError(), "no reason was given (OSError)"),
        (KeyError("tile"), "KeyError: 'tile'"),
        (ValueError("odd size"), "odd size"),
    ],
)
def test_a_reason_is_in_words(
    error: Exception, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gives_up(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(views, "prepared", gives_up)
    place(tmp_path, "a.jpg")
    result = finder.hash_file(ImageFile(str(tmp_path / "a.jpg"), 0, 0), Recipe())
    assert isinstance(result, Unreadable)
    assert result.reason == said


def test_a_png_without_the_palette_that_it_needs_says_so(tmp_path: Path) -> None:
    whole = encoded(photo(CAT).convert("P"), "PNG")
    place_of_palette = whole.index(b"PLTE") - 4
    length = 12 + int.from_bytes(whole[place_of_palette : place_of_palette + 4], "big")
    (tmp_path / "a.png").write_bytes(whole[:place_of_palette] + whole[place_of_palette + length :])
    result = finder.hash_file(ImageFile(str(tmp_path / "a.png"), 0, 0), Recipe())
    assert isinstance(result, Unreadable)
    assert result.reason == "its palette is missing"


@pytest.mark.parametrize("name", ["locked", "taken"])
def test_a_worker_that_is_killed_with_the_lock_of_all_holds_nobody_up_for_long(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "hash_file", made_pictures.hash_or_die)
    monkeypatch.setattr(workers, "FILES_AT_A_TIME", 1)
    place(tmp_path, *(f"photo{n}.jpg" for n in range(60)), f"{name}.jpg")
    started = time.monotonic()
    assert all(isinstance(result, HashedImage) for result in hashed(tmp_path, 2).values())
    assert time.monotonic() - started < 30  # by itself pebble would wait for 60


@pytest.mark.parametrize(("at_a_time", "hashed"), [(1, 9), (0, 0)])
def test_pools_may_break_as_often_as_they_like_while_something_comes_of_each(
    at_a_time: int, hashed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks_soon(waiting: workers._Waiting, *_: object) -> Iterator[Unreadable]:
        files = waiting.next()
        waiting.put_back(files[at_a_time:])
        yield from (Unreadable(file, "") for file in files[:at_a_time])

    monkeypatch.setattr(workers, "_work_in_pool", breaks_soon)
    came = []
    with contextlib.suppress(config.UserError):
        for result in finder.hash_files([ImageFile(str(n), 10, 0) for n in range(9)], Recipe(), 1):
            came.append(result.file.path)
    assert len(set(came)) == hashed


def test_what_a_pool_has_lost_is_hashed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the last task no other worker would notice that it is gone."""
    monkeypatch.setattr(finder, "hash_file", made_pictures.hash_or_die)
    monkeypatch.setattr(workers, "STILL_SECONDS", 4.0)
    place(tmp_path, "asleep.jpg")
    assert isinstance(hashed(tmp_path, 2)["asleep.jpg"], HashedImage)


def test_a_picture_that_takes_too_much_work_is_unreadable_and_the_others_are_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "hash_file", made_pictures.hash_or_die)
    monkeypatch.setattr(pool, "FINDING", replace(pool.FINDING, least=1.0))
    place(tmp_path, *(f"photo{n}.jpg" for n in range(6)), "endless.jpg")
    results = hashed(tmp_path, 2)
    slow = results.pop("endless.jpg")
    assert isinstance(slow, Unreadable)
    assert slow.reason == "it takes more than 1 seconds of processor time to decode"
    assert all(isinstance(result, HashedImage) for result in results.values())


def test_a_worker_that_has_to_wait_for_others_may_take_as_long_as_it_likes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine a worker waits for its turn, and works no more for that."""
    monkeypatch.setattr(finder, "hash_file", made_pictures.hash_or_die)
    monkeypatch.setattr(pool, "FINDING", replace(pool.FINDING, least=0.5))
    place(tmp_path, "waiting1.jpg", "waiting2.jpg")
    assert all(isinstance(result, HashedImage) for result in hashed(tmp_path, 2).values())


def test_a_worker_that_is_stopped_loses_nothing_and_holds_nobody_up_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "hash_file", made_pictures.hash_or_die)
    monkeypatch.setattr(workers, "SECONDS_BETWEEN_LOOKS", 0.5)
    monkeypatch.setattr(workers, "STILL_SECONDS", 2.0)
    place(tmp_path, *(f"photo{n}.jpg" for n in range(6)), "halted.jpg", "stopped.jpg")
    results = hashed(tmp_path, 2)
    still = results.pop("stopped.jpg")
    assert isinstance(still, Unreadable)
    assert still.reason == workers.STOOD_STILL_AGAIN
    assert all(isinstance(result, HashedImage) for result in results.values())


def test_a_worker_that_is_stopped_while_others_work_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "hash_file", made_pictures.hash_or_die)
    monkeypatch.setattr(pool, "FINDING", replace(pool.FINDING, clock=2.0))
    place(tmp_path, "halted.jpg")
    assert isinstance(hashed(tmp_path, 1)["halted.jpg"], HashedImage)


def test_what_went_wrong_twice_is_tried_once_more_while_nothing_else_is() -> None:
    bad, *others = (ImageFile(str(n), workers.BYTES_AT_A_TIME, 0) for n in range(3))
    waiting = workers._Waiting([bad, *others])
    assert waiting.next() == (bad,)
    assert waiting.try_again(bad, -9)
    assert waiting.next() == (bad,)
    assert waiting.try_again(bad, -9)  # for the end
    assert [waiting.next(nothing_else=False) for _ in range(3)] == [*((o,) for o in others), ()]
    assert waiting.next() == (bad,)
    assert not waiting.try_again(bad, -9)
    assert waiting.next() == ()


def test_small_photos_go_to_the_workers_together_and_large_ones_alone() -> None:
    sizes = [100_000, 150_000, 200_000, 5_000_000, 1, 0, *[10] * 20]
    waiting = workers._Waiting(ImageFile(str(n), size, 0) for n, size in enumerate(sizes))
    given = []
    while files := waiting.next():
        given.append([file.size for file in files])
    assert given == [[100_000, 150_000, 200_000], [5_000_000], [1, 0], [10] * 16, [10] * 4]


def test_of_photos_that_went_wrong_together_each_gets_a_chance_alone() -> None:
    files = tuple(ImageFile(str(n), 10, 0) for n in range(3))
    waiting = workers._Waiting(files)
    waiting.put_back(waiting.next())
    assert [waiting.next() for _ in range(4)] == [(files[0],), (files[1],), (files[2],), ()]


def test_the_summary_counts_what_could_not_be_read(bare_library: Library) -> None:
    library = bare_library
    mixed_folder(library.photos)
    ran = library.run("find", "--json")
    facts = ran.facts
    assert ran.code == 1
    assert (facts["found"], facts["hashed"], len(facts["unreadable"])) == (11, 7, 4)
    bad = [os.path.basename(item["path"]) for item in facts["unreadable"]]
    assert bad == ["bad1.jpg", "bad2.png", "bad3.gif", "bad4.jpg"]
    logged = [line for line in library.log() if line.startswith("Unreadable file: ")]
    assert len(logged) == 4
    assert logged[0] == f"Unreadable file: {library.photos / 'bad1.jpg'}: the file is empty"


# ---- Ctrl-C


@pytest.fixture(scope="module")
def many_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So many large photos that hashing them takes a while."""
    folder = tmp_path_factory.mktemp("many")
    large = [encoded(photo(n).resize((2400, 1600)), "JPEG") for n in (CAT, COFFEE)]
    for number in range(600):
        (folder / f"{number:03}.jpg").write_bytes(large[number % 2])
    return folder


def interrupted(photos: Path, output: Path, seconds: float, **environment: str) -> Ran:
    """Start find, press Ctrl-C some seconds after its beginning, and see it end in time."""
    command = [sys.executable, str(ROOT / "main.py"), "--action", "find", "--workers", "2"]
    command += ["--input-dir", str(photos), "--output-dir", str(output)]
    said = output.with_suffix(".out"), output.with_suffix(".err")
    with said[0].open("wb") as out, said[1].open("wb") as err:
        # In a session of its own, so that the signal goes to all its processes, as in a terminal.
        process = subprocess.Popen(
            command, stdout=out, stderr=err, start_new_session=True, env=os.environ | environment
        )
    lock = output.with_name(f".{output.name}.lock")
    while not lock.exists():
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(seconds)
    start = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    process.wait(timeout=30)
    assert time.monotonic() - start < 3
    assert not lock.exists()
    time.sleep(0.5)  # for what its workers may still have to say
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return Ran(process.returncode, said[0].read_text(), said[1].read_text())


INTERRUPTED = Ran(130, "", "Interrupted. Run the same command again to go on.\n")


@pytest.mark.parametrize("seconds", [0, 0.4, 1.5])
def test_ctrl_c_ends_find_at_once_with_one_line(
    seconds: float, many_photos: Path, tmp_path: Path
) -> None:
    """While the workers are started, or while they hash."""
    assert interrupted(many_photos, tmp_path / "output", seconds) == INTERRUPTED
    assert sorted(os.listdir(tmp_path)) == ["output.err", "output.out"]


def test_ctrl_c_does_not_wait_until_a_slow_computer_has_started_the_workers(
    many_photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "imagehash.py").write_text("import time\ntime.sleep(8)\n")
    ran = interrupted(many_photos, tmp_path / "output", 1, PYTHONPATH=str(tmp_path))
    assert ran == INTERRUPTED


def run_find(output: Path, *before: str, **environment: str) -> Ran:
    """Find among the samples in a session of its own, until all its processes are gone."""
    command = [*before, sys.executable, str(ROOT / "main.py"), "--action", "find", "--dry-run"]
    command += [
        "--workers",
        "2",
        "--input-dir",
        str(made_pictures.SAMPLES),
        "--output-dir",
        str(output),
    ]
    ran = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        env=os.environ | environment,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


SLOW_WORKERS = """
import contextlib, multiprocessing, os, signal, sys, time
folder = os.path.dirname(__file__)
if multiprocessing.current_process().name != "MainProcess":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as a slow computer hands it over late
    with contextlib.suppress(FileExistsError):
        os.mkdir(os.path.join(folder, "pressed"))
        os.killpg(0, signal.SIGINT)
    time.sleep(1)
sys.path.remove(folder)
del sys.modules["pebble"]
import pebble
sys.path.insert(0, folder)
"""


def test_a_worker_that_still_starts_after_ctrl_c_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "pebble.py").write_text(SLOW_WORKERS)
    assert run_find(tmp_path / "output", PYTHONPATH=str(tmp_path)) == INTERRUPTED


def test_ctrl_c_while_modules_are_imported_prints_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "argparse.py").write_text("import os\nos.kill(os.getpid(), 2)\nos.getpid()\n")
    ran = run_find(tmp_path / "output", PYTHONPATH=str(tmp_path))
    assert ran == Ran(-signal.SIGINT, "", "")


CTRL_C_IN_A_DESTRUCTOR = """
import os, signal, sys, time
class Unlucky:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
Unlucky()
time.sleep(5)
"""


def test_ctrl_c_in_a_destructor_is_not_lost(tmp_path: Path) -> None:
    (tmp_path / "tqdm.py").write_text(CTRL_C_IN_A_DESTRUCTOR)
    assert run_find(tmp_path / "output", PYTHONPATH=str(tmp_path)) == INTERRUPTED


# ---- Where processes can't be started


def limited(*options: str) -> tuple[str, ...]:
    return ("sh", "-c", f'ulimit {" ".join(options)}; exec "$@"', "sh")


@pytest.mark.parametrize("number", [10, 14, 18])
def test_too_few_open_files_are_said_in_one_line(number: int, tmp_path: Path) -> None:
    ran = run_find(tmp_path / "output", *limited("-n", str(number)))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: worker processes can't be started: ")
    assert "ulimit -n" in ran.err
    assert ran.err.count("\n") == 1


def test_no_room_for_semaphores_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(synchronize._multiprocessing, "SemLock", refuses)
    place(tmp_path, "a.jpg")
    message = "worker processes can't be started: No space left on device; .*/dev/shm"
    with pytest.raises(config.UserError, match=message):
        hashed(tmp_path, 2)


def test_workers_start_however_long_the_path_of_temporary_files_is(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 25)
    folder.mkdir()
    ran = run_find(tmp_path / "output", TMPDIR=str(folder))
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize("odd", ["broken EXIF data", "a broken TIFF"])
def test_the_messages_of_decoders_stay_off_the_terminal(odd: str, library: Library) -> None:
    if odd == "broken EXIF data":  # of which Pillow warns
        data = encoded(photo(CAT), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    else:  # of which its library in C complains
        data = encoded(photo(CAT), "TIFF", compression="tiff_lzw")
        data = data[:3000] + b"\xff" * (len(data) - 6000) + data[-3000:]
    (library.photos / "odd.jpg").write_bytes(data)
    ran = collect(library.start("find"))
    assert ran.err == ""
    assert ("Unreadable files (1):" in ran.out) == (odd == "a broken TIFF")


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
    monkeypatch.setattr(same_file, "MOUNTS", str(mounts))
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
