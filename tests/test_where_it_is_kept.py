"""What find compares of photos lies where there is room, and where find says that it will lie."""

import contextlib
import errno
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import Library, tree
from made_pictures import SINGLES, encoded, photo

from actions import find_needs, find_photos
from disk import system
from pictures import database, spool, store
from pictures.hashing import hash_file
from pictures.images import HashedImage
from pictures.kept import count_kept
from pictures.looks import only_hash
from pictures.needs import Needs, needs_of
from pictures.picture_file import InMemory, PictureFile, in_memory, pictures_of, with_pictures
from pictures.recipe import Recipe
from pictures.rows import Row

GB, MB = 10**9, 10**6
PHOTOS = 3
RECIPE = Recipe()


@pytest.fixture
def few(
    bare_library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Library]:
    """Three photos, which are many here, of a while ago; what is temporary has a folder here."""
    for number in range(PHOTOS):
        add(bare_library, number)
    monkeypatch.setattr(find_needs, "MANY", PHOTOS)
    monkeypatch.setattr(system, "free_memory", lambda: None)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    yield bare_library


def add(library: Library, number: int) -> None:
    path = library.photos / f"{number}.jpg"
    path.write_bytes(encoded(photo(SINGLES[number % PHOTOS]).resize((120 + number, 90)), "JPEG"))
    os.utime(path, (10**9, 10**9))  # what changed just now isn't kept


def with_room(monkeypatch: pytest.MonkeyPatch, room: dict[Path, int], needed: int = 0) -> None:
    """Let disks have so much room, each with all below a folder, and each photo take so much."""

    def free(place: str) -> int:
        return next((n for top, n in room.items() if system.lies_in(place, str(top))), 10**12)

    monkeypatch.setattr(
        shutil, "disk_usage", lambda folder: SimpleNamespace(free=free(str(folder)), total=10**13)
    )
    monkeypatch.setattr(
        system, "room_beside", lambda file: free(os.readlink(f"/proc/self/fd/{file}"))
    )
    if needed:
        monkeypatch.setattr(find_needs, "needs_of", lambda _, count, **__: Needs(0, needed * count))


def without_writing_to(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Have a folder seem to be on a disk that can only be read, also to root."""
    access, opened, make = os.access, os.open, os.makedirs
    top = str(folder)

    def may(path: str, mode: int) -> bool:
        refused = mode & os.W_OK and system.lies_in(os.path.abspath(path), top)
        return not refused and access(path, mode)

    def refusing(path: str, flags: int, *given: int, **by_name: int) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR) and system.lies_in(os.fspath(path), top):
            raise OSError(30, "Read-only file system", path)
        return opened(path, flags, *given, **by_name)

    def make_none(path: str, *given: int, **by_name: bool) -> None:
        if system.lies_in(path, top) and not os.path.isdir(path):
            raise OSError(30, "Read-only file system", path)
        make(path, *given, **by_name)

    monkeypatch.setattr(os, "access", may)
    monkeypatch.setattr(os, "open", refusing)
    monkeypatch.setattr(os, "makedirs", make_none)


def photos_of(library: Library) -> list[HashedImage]:
    return [
        image
        for found in sorted(library.photos.iterdir())
        if isinstance(image := hash_file(file_of(found), Recipe()), HashedImage)
    ]


def file_of(path: Path) -> store.ImageFile:
    status = path.stat()
    return store.ImageFile(
        str(path), status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns
    )


def hash_none(files: list[store.ImageFile]) -> list[HashedImage]:
    assert files == []
    return []


def sources(image: HashedImage) -> set[type]:
    assert image.look
    return {
        type(part.source) for part in pictures_of(image.look) if isinstance(part, spool.Spooled)
    }


def taken_in(
    path: Path | None, images: list[HashedImage], warned: list[str], recipe: Recipe = RECIPE
) -> tuple[store.Store, list[HashedImage]]:
    kept = store.Store(path and str(path), warned.append)
    by_path = {image.file.path: image for image in images}
    found = kept.hashed(
        [i.file for i in images], recipe, lambda files: [by_path[f.path] for f in files]
    )
    return kept, [image for image in found if isinstance(image, HashedImage)]


# ---- Without a cache


def test_what_stays_free_of_a_disk_counts_as_taken(
    few: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    with_room(monkeypatch, {temporary: 700 * MB}, 100 * MB)
    ran = few.run("find", "--dry-run", "--no-cache")
    assert ran.code == 2
    assert (
        f"3 photos need about 300 MB in {temporary} for what is compared of them, and " in ran.err
    )
    assert (
        "700 MB are free, of which 500 MB are left to others; make room, or set TMPDIR" in ran.err
    )
    with_room(monkeypatch, {temporary: 800 * MB}, 100 * MB)
    few.find("--dry-run", "--no-cache")


def test_hashes_alone_take_no_disk_without_a_cache(
    few: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_room(monkeypatch, {tmp_path: 0}, 100 * MB)
    ran = few.find("--dry-run", "--no-cache", "--threshold", "10", "--verbose")
    assert "3 photos need about 0 MB of memory.\n" in ran.out


def test_without_a_folder_for_temporary_files_nothing_is_looked_at(
    few: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> str:
        raise FileNotFoundError

    monkeypatch.setattr(tempfile, "gettempdir", none)
    ran = few.run("find", "--dry-run", "--no-cache")
    assert ran.code == 2
    assert ran.err == "error: there is no folder for temporary files; set TMPDIR to one.\n"


# ---- With a cache that can't be used


@pytest.mark.parametrize("there", [True, False])
def test_what_a_cache_cannot_take_is_out_of_memory_in_tmpdir(
    there: bool, few: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_only, warned = tmp_path / "read only", list[str]()
    if there:
        read_only.mkdir()
    images = photos_of(few)
    without_writing_to(monkeypatch, read_only)
    kept, found = taken_in(read_only / "cache.sqlite", images, warned)
    assert [sources(image) for image in found] == [{PictureFile}] * PHOTOS
    assert len(warned) == 1
    assert "can't be used" in warned[0]
    kept.close()


@pytest.mark.parametrize("folder", ["", "sub/deeper"])
def test_that_it_will_be_there_is_said_and_checked(
    folder: str, few: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_only, temporary = tmp_path / "read only", tmp_path / "temporary"
    read_only.mkdir()
    flags = ("--dry-run", "--cache-file", str(read_only / folder / "cache.sqlite"))
    without_writing_to(monkeypatch, read_only)
    with_room(monkeypatch, {read_only: 0}, 100 * MB)
    ran = few.find(*flags, "--verbose")
    assert f"3 photos need about 0 MB of memory, and 300 MB in {temporary}.\n" in ran.out
    with_room(monkeypatch, {read_only: 10 * GB, temporary: 700 * MB}, 100 * MB)
    ran = few.run("find", *flags)
    assert ran.code == 2
    assert f"300 MB in {temporary} for what" in ran.err


def test_a_file_that_is_no_cache_is_left_and_tmpdir_taken_where_there_is_room(
    few: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "cache.sqlite").write_text("notes")
    assert [p.folder for p in spool.places_of(str(other / "cache.sqlite"))] == [
        str(other),
        str(tmp_path / "temporary"),
    ]
    with_room(monkeypatch, {other: 0}, 100 * MB)
    assert (
        "300 MB in " + str(tmp_path / "temporary")
        in few.find("--dry-run", "--verbose", "--cache-file", str(other / "cache.sqlite")).out
    )


def test_without_room_beside_the_cache_pictures_go_to_tmpdir_and_then_stay_in_memory(
    few: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "SAID_FROM_BYTES", 0)
    beside, temporary = tmp_path / "beside", tmp_path / "temporary"
    beside.mkdir()
    images = photos_of(few)
    for room, expected in (({beside: 0}, PictureFile), ({beside: 0, temporary: 0}, InMemory)):
        with_room(monkeypatch, room)
        warned: list[str] = []
        spooled = spool.Spool(str(beside / "cache.sqlite"), lambda *_: b"", warned.append)
        for image in images:
            assert image.look
            look = spooled.add_look((image.file, image.digest), image.look)
            assert {type(p.source) for p in pictures_of(look)} == {expected}  # type: ignore[union-attr]
        spooled.close()
    assert warned == [
        f"what is compared of photos stays in memory, as no room is left in {beside} and "
        f"{temporary} (500 MB stay free): make room there, or set TMPDIR to a folder elsewhere."
    ]


def test_a_little_in_memory_is_nothing_to_tell(
    few: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_room(monkeypatch, {tmp_path: 0})
    warned: list[str] = []
    kept, _ = taken_in(None, photos_of(few), warned)
    kept.close()
    assert warned == []


# ---- With a cache that has something


def test_what_a_cache_has_of_these_photos_needs_no_more_room(
    few: Library, cache_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few.find("--dry-run")
    with_room(monkeypatch, {cache_home: 0}, 100 * MB)
    few.find("--dry-run")
    for number in range(PHOTOS):  # a backup does so, by hard links
        (few.photos / f"{number}.jpg").rename(few.photos / f"renamed {number}.jpg")
    few.find("--dry-run")


@pytest.mark.parametrize("flags", [(), ("--preset", "crops"), ("--threshold", "10")])
def test_what_it_has_of_other_photos_or_of_another_kind_makes_no_room(
    flags: tuple[str, ...], few: Library, cache_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few.find("--dry-run", *flags)
    with_room(monkeypatch, {cache_home: 100 * MB}, 100 * MB)
    if flags != ("--preset", "crops"):
        other = few.run("find", "--dry-run", "--preset", "crops")
        assert "3 photos need about 300 MB in " in other.err
    for number in range(PHOTOS):
        (few.photos / f"{number}.jpg").unlink()
        add(few, PHOTOS + number)
    ran = few.run("find", "--dry-run", *flags)
    assert ran.code == 2
    assert "3 photos need about 300 MB in " in ran.err


def test_of_a_few_new_photos_no_room_is_asked(
    few: Library, cache_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few.find("--dry-run")
    add(few, PHOTOS)
    with_room(monkeypatch, {cache_home: 0}, 100 * MB)
    assert few.run("find", "--dry-run").code == 0


@pytest.mark.parametrize("harm", ["damaged", "another version", "a folder"])
def test_a_cache_that_cannot_be_read_has_nothing(harm: str, few: Library, cache_home: Path) -> None:
    few.find("--dry-run")
    (cache,) = cache_home.rglob("*.sqlite")
    photos = [file_of(path) for path in few.photos.iterdir()]
    assert count_kept(str(cache), photos, Recipe()) == PHOTOS
    if harm == "damaged":
        cache.write_bytes(cache.read_bytes()[:5000])
    elif harm == "another version":
        with contextlib.closing(sqlite3.connect(cache)) as connection, connection:
            connection.execute("UPDATE methods SET version = 'another'")
    else:
        cache.unlink()
        cache.mkdir()
    before = tree(cache_home)
    assert count_kept(str(cache), photos, Recipe()) == 0
    assert count_kept(str(cache) + " that isn't there", photos, Recipe()) == 0
    assert tree(cache_home) == before


# ---- When room runs out


def with_falling_room(monkeypatch: pytest.MonkeyPatch, folder: Path, keeps: int) -> None:
    """Let the disk of a folder have room for so many photos, beside what stays free."""
    asked = iter(range(keeps))
    with_room(monkeypatch, {})
    elsewhere = system.room_beside

    def room(file: int) -> int | None:
        if not system.lies_in(os.readlink(f"/proc/self/fd/{file}"), str(folder)):
            return elsewhere(file)
        return 50 * MB if next(asked, None) is not None else 50 * MB - 1

    monkeypatch.setattr(system, "room_beside", room)


def test_a_cache_keeps_no_more_before_its_disk_is_full_and_says_so_once(
    few: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside, warned = tmp_path / "beside", list[str]()
    images = photos_of(few)
    path = beside / "cache.sqlite"
    with_falling_room(monkeypatch, beside, keeps=1)
    kept, found = taken_in(path, images, warned)
    assert [sources(image) for image in found] == [{PictureFile}] * PHOTOS
    assert found == images_out_of_memory(images)
    kept.note(Row("facts", "1"), {image.digest: b"some" for image in images})
    kept.remember("a search", b"some")
    assert kept.noted(Row("facts", "1"), [images[0].digest]) == {}
    kept.close()
    assert warned == [
        f"nothing more is kept in the cache {path}, as less than 50 MB are free on its disk: make "
        "room there, or name another CACHE_FILE. What isn't kept is read anew the next time."
    ]
    assert count_kept(str(path), [image.file for image in images], Recipe()) == 1


def images_out_of_memory(images: list[HashedImage]) -> list[HashedImage]:
    made = []
    for image in images:
        assert image.look
        parts = [in_memory(p) for p in pictures_of(image.look) if isinstance(p, bytes)]
        made.append(replace(image, look=with_pictures(image.look, parts)))
    return made


def test_hashes_alone_are_kept_no_more_either(
    few: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside, warned = tmp_path / "beside", list[str]()
    monkeypatch.setattr(store, "SECONDS_BETWEEN_COMMITS", 0)
    images = [replace(i, look=i.look and only_hash(i.look.views[0].hash)) for i in photos_of(few)]
    with_falling_room(monkeypatch, beside, keeps=1)
    kept, _ = taken_in(beside / "cache.sqlite", images, warned, Recipe(only_hash=True))
    kept.close()
    files = [image.file for image in images]
    assert count_kept(str(beside / "cache.sqlite"), files, Recipe(only_hash=True)) == 2
    assert len(warned) == 1


def test_what_is_known_is_read_from_a_cache_without_room(
    few: Library, cache_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few.find("--dry-run")
    with_room(monkeypatch, {cache_home: 0})
    monkeypatch.setattr(find_photos, "hashing", lambda *_: hash_none)
    ran = few.find("--dry-run")
    assert "warning" not in ran.out + ran.err


def test_a_disk_that_is_full_all_the_same_is_told_with_the_remedy(
    few: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    warned: list[str] = []
    monkeypatch.setattr(PictureFile, "sync", full)
    kept, _ = taken_in(tmp_path / "beside" / "cache.sqlite", photos_of(few), warned)
    kept.close()
    assert warned == [
        f"the cache {tmp_path}/beside/cache.sqlite can't be used: No space left on device; make "
        "room there, or name another CACHE_FILE; photos are read anew."
    ]


def test_a_file_system_that_does_not_tell_its_room_is_taken_to_have_it(
    few: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0, total=0))
    monkeypatch.setattr(
        os, "fstatvfs", lambda _: SimpleNamespace(f_blocks=0, f_bavail=0, f_frsize=4096)
    )
    assert "warning" not in few.find("--dry-run").out
    monkeypatch.setattr(find_photos, "hashing", lambda *_: hash_none)
    few.find("--dry-run")


def test_a_file_of_pictures_for_which_room_lacks_leaves_nothing_behind(
    few: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, warned = tmp_path / "beside" / "cache.sqlite", list[str]()
    taken_in(path, photos_of(few), warned)[0].close()
    for number in range(PHOTOS - 1):
        (few.photos / f"{number}.jpg").unlink()
    monkeypatch.setattr(database, "LEAST_WASTE_BYTES", 100)
    kept, _ = taken_in(path, photos_of(few), warned)
    with_room(monkeypatch, {path.parent: 0})
    kept.prune([str(few.photos)])
    kept.close()
    assert sorted(os.listdir(path.parent)) == ["cache.sqlite", "cache.sqlite-pictures"]
    assert warned == []


def test_what_pages_take_is_said(few: Library, tmp_path: Path) -> None:
    said = few.find("--dry-run", "--verbose", "--no-cache").out
    assert f", and 0 MB (up to 0 MB if all are pages) in {tmp_path}/temporary." in said
    most = needs_of(Recipe(), 1000, are_pages=True).disk
    assert needs_of(Recipe(), 1000).disk * 3 < most < 10**8
    assert needs_of(Recipe(only_hash=True), 1000, are_pages=True) == needs_of(
        Recipe(only_hash=True), 1000
    )


# ---- A find that is refused


@pytest.mark.parametrize("flags", [(), ("--dry-run",)])
@pytest.mark.parametrize("lacks", ["memory", "disk"])
def test_a_refused_find_leaves_nothing_behind_and_says_nothing_else(
    lacks: str,
    flags: tuple[str, ...],
    few: Library,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if lacks == "memory":
        monkeypatch.setattr(system, "free_memory", lambda: 0)
    with_room(monkeypatch, {tmp_path: 0}, 100 * MB)
    cache, output = tmp_path / "new" / "sub" / "cache.sqlite", tmp_path / "o" / "a" / "output"
    before = tree(tmp_path)
    flags = (*flags, "--cache-file", str(cache), "--output-dir", str(output))
    ran = few.run("find", *flags)
    assert ran.code == 2
    assert ran.err.startswith("error: 3 photos need about ")
    assert "warning" not in ran.out
    assert tree(tmp_path) == before
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "o").exists()


def test_a_refused_find_says_nothing_of_a_cache_that_it_would_not_use(
    few: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "read only").mkdir()
    without_writing_to(monkeypatch, tmp_path / "read only")
    with_room(monkeypatch, {tmp_path / "temporary": 0}, 100 * MB)
    cache = tmp_path / "read only" / "cache.sqlite"
    ran = few.run("find", "--dry-run", "--cache-file", str(cache))
    assert ran.code == 2
    assert "read anew" not in ran.out + ran.err
