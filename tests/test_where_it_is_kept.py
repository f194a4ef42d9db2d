"""What find compares of photos lies where there is room, and where find says that it will lie."""

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import Library, tree
from made_pictures import SINGLES, encoded, photo

from actions import find_needs
from disk import system
from pictures import spool, store
from pictures.hashing import hash_file
from pictures.images import HashedImage
from pictures.kept import count_kept
from pictures.needs import Needs
from pictures.picture_file import InMemory, PictureFile, pictures_of
from pictures.recipe import Recipe

GB, MB = 10**9, 10**6
PHOTOS = 3


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
        monkeypatch.setattr(find_needs, "needs_of", lambda _, count: Needs(0, needed * count))


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


def sources(image: HashedImage) -> set[type]:
    assert image.look
    return {
        type(part.source) for part in pictures_of(image.look) if isinstance(part, spool.Spooled)
    }


def taken_in(
    path: Path | None, images: list[HashedImage], warned: list[str]
) -> tuple[store.Store, list[HashedImage]]:
    kept = store.Store(path and str(path), warned.append)
    by_path = {image.file.path: image for image in images}
    found = kept.hashed(
        [i.file for i in images], Recipe(), lambda files: [by_path[f.path] for f in files]
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
    assert f"3 photos need about 0 MB of memory, and 300 MB in {temporary}" in ran.out
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
