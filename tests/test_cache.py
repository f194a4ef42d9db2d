"""What one find keeps for the next one, and what it must not keep."""

import contextlib
import io
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import made_pictures
import pytest
from conftest import ROOT, Library, collect, picture, tree
from hypothesis import example, given
from hypothesis import strategies as st

from config import UserError
from disk.files import ImageFile
from finder import walk
from pictures import database, matching, presets, rows, spool, store
from pictures.hashing import hash_file
from pictures.images import HashedImage, Unreadable
from pictures.looks import (
    COLOUR_SIDE,
    GRAY_SIDE,
    LARGE_SIDE,
    PAGE_SIDE,
    Look,
    Taken,
    View,
    content,
    page,
)
from pictures.packing import pack, unpack
from pictures.picture_file import InMemory, in_memory, pictures_of, with_pictures
from pictures.recipe import FINGERPRINT, Recipe

RECIPE = Recipe()
HOUR_NS = 3600 * 10**9
ALL = 6  # photos in the library


def age(*paths: Path, by_ns: int = HOUR_NS) -> None:
    """Make files older, by the clock that counts."""
    for path in paths:
        then = path.stat().st_mtime_ns - by_ns
        os.utime(path, ns=(then, then))


@pytest.fixture
def old_library(library: Library) -> Library:
    """The library, with photos that were not taken a moment ago."""
    age(*library.photos.iterdir())
    return library


def unchanged(library: Library, *flags: str) -> int:
    """Find again; how many photos were not read."""
    ran = library.run("find", "--json", *flags)
    assert ran.code == 0, ran
    number = ran.facts["unchanged"]
    assert isinstance(number, int)
    return number


@pytest.fixture
def file(cache_home: Path) -> Path:
    return cache_home / "image-similarity-search" / "cache.sqlite"


def number_of(file: Path, table: str) -> int:
    with sqlite3.connect(file) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


# ---- What need not be read again


def test_a_second_find_reads_only_what_has_changed(old_library: Library) -> None:
    assert unchanged(old_library) == 0
    first = tree(old_library.output)
    assert unchanged(old_library) == ALL
    for name in ("info.txt", "image-similarity-search.json"):
        assert tree(old_library.output)[name] == first[name]
    age(old_library.add("vacation1.jpg", "2023/stars.jpg"))
    assert unchanged(old_library) == ALL - 1
    assert unchanged(old_library) == ALL


def test_what_is_known_is_not_all_in_memory_at_once(tmp_path: Path) -> None:
    """A million looks are four gigabytes, and a threshold needs only their hashes."""
    files = [ImageFile(f"/photos/{number}.jpg", 1, HOUR_NS, number + 1) for number in range(500)]
    look = Look((View(bytes(32), bytes(GRAY_SIDE**2), False),), None, None, bytes(32))

    def hash_files(files: list[ImageFile]) -> Iterator[HashedImage]:
        return (HashedImage(file, f"{file.inode:064x}", look) for file in files)

    with store.opened(str(tmp_path / "cache.sqlite"), print) as kept:
        assert len(list(kept.hashed(files, RECIPE, hash_files))) == len(files)
    with store.opened(str(tmp_path / "cache.sqlite"), print) as kept:
        tracemalloc.start()
        known = sum(isinstance(image, HashedImage) for image in kept.hashed(files, RECIPE, list))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert known == len(files)
    assert peak < len(files) * GRAY_SIDE**2 / 4


def test_find_says_how_many_photos_it_did_not_read(old_library: Library) -> None:
    assert "Not read again" not in old_library.find().out
    assert "Not read again, as unchanged: 6 (--no-cache reads all).\n" in old_library.find().out


def test_the_result_is_the_same_with_and_without_a_cache(old_library: Library) -> None:
    old_library.find()
    old_library.find()
    known = tree(old_library.output)["info.txt"]
    old_library.find("--no-cache")
    assert tree(old_library.output)["info.txt"] == known


@pytest.mark.parametrize("what", ["size", "mtime", "inode", "content"])
def test_a_photo_is_read_again_if_anything_about_its_file_differs(
    what: str, old_library: Library
) -> None:
    photo = old_library.photos / "z_stars.jpg"
    unchanged(old_library)
    status = photo.stat()
    if what == "size":
        photo.write_bytes(photo.read_bytes() + b"\0")
    if what == "content":  # and no more, as tools do that set a photo's time back
        data = bytearray(photo.read_bytes())
        data[-3] ^= 1
        photo.write_bytes(data)
    if what == "inode":
        data = photo.read_bytes()
        photo.rename(old_library.folder / "kept so that its number is not used again")
        photo.write_bytes(data)
    later = HOUR_NS if what == "mtime" else 0
    os.utime(photo, ns=(status.st_atime_ns, status.st_mtime_ns - later))
    assert unchanged(old_library) == ALL - 1


@pytest.mark.parametrize("touch", [lambda path: path.chmod(0o600), lambda path: link(path)])
def test_a_photo_that_was_only_touched_is_not_decoded_again(
    touch: Callable[[Path], None], old_library: Library, file: Path
) -> None:
    """As a backup by hard links does with each file of a library."""
    unchanged(old_library)
    for path in old_library.photos.iterdir():
        touch(path)
    assert unchanged(old_library) == ALL
    with sqlite3.connect(file) as connection:
        known = dict(connection.execute("SELECT path, ctime_ns FROM files").fetchall())
    for path in old_library.photos.iterdir():
        assert known[os.fsencode(path)] == path.stat().st_ctime_ns, "it is read only once"


def link(path: Path) -> None:
    backup = path.parents[1] / "backup"
    backup.mkdir(exist_ok=True)
    (backup / path.name).hardlink_to(path)


def test_a_moved_or_renamed_photo_is_recognised(old_library: Library) -> None:
    unchanged(old_library)
    (old_library.photos / "z_stars.jpg").rename(old_library.photos / "stars.jpg")
    folder = old_library.photos / "2024"
    folder.mkdir()
    (old_library.photos / "z_coffee.jpg").rename(folder / "coffee.jpg")
    assert unchanged(old_library) == ALL
    assert str(folder / "coffee.jpg") in old_library.info()
    assert unchanged(old_library) == ALL


def test_a_renamed_photo_of_other_content_is_read_again(old_library: Library) -> None:
    """As by a program that edits photos, sets their time back and names them by it."""
    unchanged(old_library)
    photo = old_library.photos / "z_stars.jpg"
    status, data = photo.stat(), bytearray(photo.read_bytes())
    data[-3] ^= 1
    photo.write_bytes(data)
    os.utime(photo, ns=(status.st_atime_ns, status.st_mtime_ns))
    photo.rename(old_library.photos / "1999-12-31.jpg")
    assert unchanged(old_library) == ALL - 1


def test_a_file_elsewhere_with_the_same_number_is_no_moved_one(
    old_library: Library, file: Path
) -> None:
    """Numbers (inodes) are a disk's own: two disks may have files of one number and time."""
    unchanged(old_library)
    photo = old_library.photos / "z_stars.jpg"
    with sqlite3.connect(file) as connection:
        other = os.fsencode(old_library.photos / "vacation1.jpg")
        mine = (os.fsencode(photo),)
        connection.execute("DELETE FROM files WHERE path = ?", mine)
        same = (photo.stat().st_size, photo.stat().st_mtime_ns, photo.stat().st_ino, other)
        update = "UPDATE files SET size = ?, mtime_ns = ?, inode = ? WHERE path = ?"
        connection.execute(update, same)
    assert unchanged(old_library) == ALL - 2


def test_names_that_are_not_utf8_are_known_again(bare_library: Library) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    age(bare_library.add(name))
    unchanged(bare_library)
    assert unchanged(bare_library) == 1


def test_each_setting_that_hashes_differently_has_its_own_values(old_library: Library) -> None:
    unchanged(old_library)
    assert unchanged(old_library, "--threshold", "10") == ALL
    assert unchanged(old_library, "--threshold", "10", "--hash-size", "8") == 0
    assert unchanged(old_library, "--preset", "crops") == 0
    assert unchanged(old_library, "--preset", "crops") == ALL
    assert unchanged(old_library) == ALL


# ---- What must be read


def test_a_photo_that_changed_a_moment_ago_is_read_again(library: Library) -> None:
    """It may change once more within one step of its file system's clock."""
    age(*library.photos.iterdir())
    photo = library.photos / "z_stars.jpg"
    now = time.time_ns() + HOUR_NS  # for a moment that is long enough on a busy machine
    os.utime(photo, ns=(now, now))
    unchanged(library)
    assert unchanged(library) == ALL - 1


def damaged_unseen(photo: Path, file: Path) -> None:
    """As a disk's own damage: other bytes, and no time that tells of it."""
    status, data = photo.stat(), bytearray(photo.read_bytes())
    data[-3] ^= 1
    with photo.open("r+b") as stream:
        stream.write(data)
    os.utime(photo, ns=(status.st_atime_ns, status.st_mtime_ns))
    with sqlite3.connect(file) as connection:
        change = (photo.stat().st_ctime_ns, os.fsencode(photo))
        connection.execute("UPDATE files SET ctime_ns = ? WHERE path = ?", change)


def test_a_photo_that_changed_unseen_is_not_copied_and_read_the_next_time(
    old_library: Library, file: Path
) -> None:
    photo = old_library.photos / "vacation1.jpg"
    old_library.find()
    damaged_unseen(photo, file)
    shutil.rmtree(old_library.output)
    ran = old_library.run("find", "--json")
    assert ran.code == 1
    assert ran.facts["failed"] == [f"{photo}: the original changed since find saw it"]
    assert str(photo) not in old_library.info()
    assert unchanged(old_library) == ALL - 1
    assert str(photo) in old_library.info()


def test_the_right_copy_of_a_photo_that_changed_unseen_stays(
    old_library: Library, file: Path
) -> None:
    """It is taken over, as its original, by its times, is the one that find saw."""
    photo = old_library.photos / "vacation1.jpg"
    old_library.find()
    right = Path(old_library.info()[str(photo)]).read_bytes()
    damaged_unseen(photo, file)
    assert old_library.run("find").code == 0
    assert Path(old_library.info()[str(photo)]).read_bytes() == right


def test_what_another_version_made_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, path = [photo(tmp_path / "a.jpg")], tmp_path / "cache.sqlite"
    looks = {}
    for version in ("1", "2", "1"):
        monkeypatch.setattr(rows, "_version", lambda version=version: version)
        hashed = list(through_cache(path, files))
        assert hashed == [out_of_memory(hash_file(files[0], Recipe()))]
        looks[version] = number_of(path, "made")
    assert looks == {"1": 2, "2": 2}  # a look and its hash


def test_the_version_names_all_that_makes_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """And no file of ours, of which a comment may change."""
    version = rows.rows_of(Recipe()).look.version
    assert re.fullmatch(r"fingerprint \d+, Pillow [\d.]+, ImageHash [\d.]+", version)
    monkeypatch.setattr(rows, "FINGERPRINT", FINGERPRINT + 1)
    assert rows.rows_of(Recipe()).look.version != version


# ---- Where it lies


def test_no_cache_writes_and_reads_none(old_library: Library, cache_home: Path) -> None:
    old_library.find("--no-cache")
    assert tree(cache_home) == {}
    old_library.find()
    assert unchanged(old_library, "--no-cache") == 0


def test_the_cache_lies_where_the_flag_says(old_library: Library, cache_home: Path) -> None:
    place = old_library.folder / "new" / "mine.sqlite"
    old_library.find("--cache-file", str(place))
    assert place.is_file()
    assert tree(cache_home) == {}
    assert unchanged(old_library, "--cache-file", str(place)) == ALL
    shutil.rmtree(place.parent)


def test_only_its_owner_can_read_the_cache(old_library: Library, file: Path) -> None:
    old_library.find()
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0


# ---- What goes wrong


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def with_a_hole(data: bytes) -> bytes:
    middle = len(data) // 3
    return data[:middle] + b"\xa5" * (len(data) - 2 * middle) + data[-middle:]


@pytest.mark.parametrize("damage", [half, with_a_hole, lambda _: b"no database at all" * 1000])
def test_a_damaged_cache_is_set_aside_and_made_anew(
    damage: Callable[[bytes], bytes], old_library: Library, file: Path
) -> None:
    old_library.find()
    groups = old_library.info()
    damaged = damage(file.read_bytes())
    file.write_bytes(damaged)
    ran = old_library.find()
    assert old_library.info() == groups
    aside = file.with_name(file.name + ".damaged")
    assert f"warning: the cache {file} is damaged and was set aside as {aside}.\n" in ran.out
    assert aside.exists()
    assert unchanged(old_library) == ALL


@pytest.mark.parametrize("older", ["text", "ours", "another program's"])
def test_a_damaged_cache_is_set_aside_over_an_older_one_but_over_nothing_else(
    older: str, old_library: Library, file: Path
) -> None:
    old_library.find()
    aside, second = (file.with_name(f"{file.name}.damaged{end}") for end in ("", "-2"))
    if older == "text":
        aside.write_text("a person's notes")
    elif older == "ours":
        shutil.copy(file, aside)
    else:
        with contextlib.closing(sqlite3.connect(aside)) as connection:
            connection.executescript("CREATE TABLE theirs (x)")
    before = aside.read_bytes()
    damaged = half(file.read_bytes())
    file.write_bytes(damaged)
    ran = old_library.find()
    assert f"was set aside as {aside if older == 'ours' else second}.\n" in ran.out
    if older == "ours":
        assert aside.read_bytes() == damaged
    else:
        assert (aside.read_bytes(), second.read_bytes()) == (before, damaged)


@pytest.mark.parametrize("place", [0, 44, 68], ids=["magic", "format", "application"])
def test_a_cache_with_a_damaged_header_is_known_for_ours(tmp_path: Path, place: int) -> None:
    files, path, told = [photo(tmp_path / "a.jpg")], tmp_path / "cache.sqlite", list[str]()
    through_cache(path, files)
    with path.open("r+b") as stream:
        stream.seek(place)
        stream.write(b"\x77\x77\x77\x77")
    with store.opened(str(path), told.append):
        pass
    assert told == [f"the cache {path} is damaged and was set aside as {path}.damaged."]


def test_a_file_that_is_no_database_is_left_alone(old_library: Library, tmp_path: Path) -> None:
    notes = tmp_path / "notes.sqlite"
    notes.write_text("What I think of databases. " * 100)
    before = notes.read_bytes()
    ran = old_library.find("--cache-file", str(notes))
    assert f"warning: the cache {notes} can't be used: file is not a database;" in ran.out
    assert [path.name for path in tmp_path.glob("notes*")] == ["notes.sqlite"]
    assert notes.read_bytes() == before


@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
@example(place=0.1424906344595902, value=128)  # the schema is not UTF-8
def test_no_single_wrong_byte_changes_what_is_found(
    place: float, value: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    files, path = [photo(folder / "a.jpg"), photo(folder / "b.jpg", 50)], folder / "cache.sqlite"
    found = sorted(through_cache(path, files), key=lambda hashed: hashed.file.path)
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] = value
    path.write_bytes(data)
    try:
        again = through_cache(path, files)
    except UserError:  # it is not recognised as ours
        assert path.read_bytes() == data
    else:
        assert sorted(again, key=lambda hashed: hashed.file.path) == found


def forge(file: Path, *statements: str | tuple[str, tuple[object, ...]]) -> None:
    """Change a cache as who knows all of its rules."""
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        for statement in statements:
            connection.execute(*((statement,) if isinstance(statement, str) else statement))


def packed(look: Look | None) -> bytes:
    return pack(look and with_pictures(look, [in_memory(content(p)) for p in pictures_of(look)]))


def out_of_memory(image: HashedImage | Unreadable) -> HashedImage:
    """As a store gives what was made of a photo."""
    assert isinstance(image, HashedImage)
    look = image.look
    kept = look and with_pictures(look, [in_memory(content(p)) for p in pictures_of(look)])
    return replace(image, look=kept)


def look_of(**sizes: int) -> bytes:
    """A packed look with parts of other sizes than looks have."""
    sizes = {"hash": 32, "gray": GRAY_SIDE**2, "colour": 2 * COLOUR_SIDE**2, "large": 0, **sizes}
    view = View(bytes(sizes["hash"]), bytes(sizes["gray"]), False)
    return packed(Look((view,), bytes(sizes["large"]), None, bytes(sizes["colour"])))


STRANGE_VALUES: dict[str, object] = {
    "a byte": b"x",
    "cut off": look_of()[:-1],
    "a byte more": look_of() + b"x",
    "no view": b"\0" + look_of()[1:],
    "more views": b"\xff" + look_of()[1:],
    "a short hash": look_of(hash=8),
    "a long hash": look_of(hash=33),
    "a small picture": look_of(gray=100),
    "little colour": look_of(colour=3),
    "a small large picture": look_of(large=5),
    "no time": packed(
        Look((View(bytes(32), bytes(GRAY_SIDE**2), False),), None, Taken("", float("nan")), b"")
    ),
    "text": "text",
    "nothing": None,
    "a number": 5,
}


@pytest.mark.parametrize("strange", STRANGE_VALUES)
def test_a_value_that_nothing_makes_is_not_used(tmp_path: Path, strange: str) -> None:
    """Though its checksum is right."""
    files, path = [photo(tmp_path / "a.jpg"), photo(tmp_path / "b.jpg", 50)], tmp_path / "c.sqlite"
    found = sorted(through_cache(path, files), key=lambda hashed: hashed.file.path)
    value = STRANGE_VALUES[strange]
    for hashed in found:
        checked = value if isinstance(value, bytes) else b""
        digest = bytes.fromhex(hashed.digest)
        row = (value, zlib.crc32(checked, zlib.crc32(digest)), digest)
        forge(path, ("UPDATE made SET value = ?, checksum = ? WHERE digest = ?", row))
    again = through_cache(path, files)
    assert sorted(again, key=lambda hashed: hashed.file.path) == found


def test_a_vector_of_another_length_is_not_used(tmp_path: Path) -> None:
    files, path = [photo(tmp_path / "a.jpg")], tmp_path / "cache.sqlite"

    def seen(length: int) -> list[bytes | None]:
        wanted = Recipe(model="a model", vector_bytes=length)
        made = (replace(hash_file(f, wanted), embedding=bytes(length)) for f in files)
        with store.opened(str(path), lambda _: None) as opened:
            results = opened.hashed(files, wanted, lambda _: made)
            return [result.embedding for result in results if isinstance(result, HashedImage)]

    assert seen(8) == [bytes(8)]
    assert seen(16) == [bytes(16)]


ENDLESS = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x FROM r) SELECT"
STRANGE_TABLES: dict[str, tuple[str, ...]] = {
    "an endless view": (
        "DROP TABLE files",
        f"CREATE VIEW files AS {ENDLESS} x AS path, x AS size, x AS mtime_ns, x AS ctime_ns, "
        "x AS inode, x AS digest, x AS file_system, x AS seen FROM r",
    ),
    "a view of another layout": (
        "DROP TABLE made",
        "CREATE VIEW made AS SELECT 1",
        "PRAGMA user_version = 3",
    ),
    "a trigger": (
        f"CREATE TRIGGER t AFTER INSERT ON files BEGIN INSERT INTO made {ENDLESS} x, x, x, x "
        "FROM r; END",
    ),
    "a column less": ("ALTER TABLE files DROP COLUMN seen",),
    "no index": ("DROP INDEX moved",),
    "no table": ("DROP TABLE methods",),
    "a table more": ("CREATE TABLE more (x)",),
}


@pytest.mark.parametrize("strange", STRANGE_TABLES)
def test_a_cache_with_other_tables_is_set_aside(
    old_library: Library, file: Path, strange: str
) -> None:
    old_library.find()
    forge(file, *STRANGE_TABLES[strange])
    ran = old_library.find()
    assert "is damaged and was set aside" in ran.out
    assert unchanged(old_library) == ALL


STRANGE_ROWS = (
    "UPDATE files SET path = CAST(path AS TEXT)",
    "UPDATE files SET path = path || x'00'",
    "UPDATE files SET path = rowid_ FROM (SELECT 5 AS rowid_) WHERE path LIKE '%stars%'",
    "UPDATE files SET digest = NULL, file_system = 'x', seen = 'x'",
    "UPDATE files SET digest = 5",
    "UPDATE files SET inode = 'x', size = x'ff', mtime_ns = 1.5",
    "UPDATE files SET ctime_ns = NULL",
    "UPDATE made SET digest = hex(digest), checksum = 'x'",
    "UPDATE methods SET version = CAST(x'ff' AS TEXT)",
    "UPDATE methods SET name = CAST(x'ff' AS TEXT) WHERE id = 1",
    "UPDATE methods SET name = NULL, version = 5",
)


@pytest.mark.parametrize("strange", STRANGE_ROWS)
def test_rows_of_odd_types_stop_no_find(old_library: Library, file: Path, strange: str) -> None:
    old_library.find()
    info = old_library.info()
    forge(file, strange)
    old_library.find()
    old_library.find()
    assert old_library.info() == info


def a_fifo(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    with contextlib.chdir(path.parent), socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path.name)


@pytest.mark.parametrize(
    ("put", "suffix"),
    [(a_fifo, ""), (a_socket, ""), (Path.mkdir, ""), (a_fifo, "-journal"), (a_fifo, "-wal")],
)
def test_what_is_no_file_in_a_caches_place_stops_no_find(
    old_library: Library, file: Path, put: Callable[[Path], None], suffix: str
) -> None:
    file.parent.mkdir()
    put(file.with_name(file.name + suffix))
    ran = collect(old_library.start("find"))  # which would hang
    assert ran.code == 0
    assert ran.out.count("warning: the cache") == 1
    assert "not a regular file" in ran.out
    assert len(old_library.info()) == 5


def test_a_cache_that_costs_too_many_steps_is_set_aside(
    old_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pages do that lead to each other in a circle."""
    old_library.find()
    for name, value in (("STEPS_AT_A_TIME", 5), ("LEAST_TURNS", 3), ("BYTES_OF_A_TURN", 10**9)):
        monkeypatch.setattr(database, name, value)
    ran = old_library.find()
    assert "is damaged and was set aside" in ran.out
    assert len(old_library.info()) == 5


def test_a_damaged_cache_behind_a_link_is_set_aside_too(
    old_library: Library, cache_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = old_library.folder / "link"
    link.symlink_to(cache_home)
    monkeypatch.setenv("XDG_CACHE_HOME", str(link))
    old_library.find()
    (cache_home / "image-similarity-search" / "cache.sqlite").write_bytes(bytes(100_000))
    assert "was set aside" in old_library.find().out
    assert unchanged(old_library) == ALL
    link.unlink()


def test_a_cache_that_another_run_has_just_begun_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, path, told = [photo(tmp_path / "a.jpg")], tmp_path / "cache.sqlite", list[str]()
    real = database._owner_and_layout

    def meanwhile(connection: sqlite3.Connection) -> tuple[int, int]:
        seen = real(connection)
        monkeypatch.setattr(database, "_owner_and_layout", real)
        through_cache(path, files)
        return seen

    monkeypatch.setattr(database, "_owner_and_layout", meanwhile)
    with store.opened(str(path), told.append) as opened:
        assert len(list(opened.hashed(files, RECIPE, lambda _: iter(())))) == 1
    assert told == []


def test_an_empty_file_becomes_a_cache(old_library: Library, file: Path) -> None:
    file.parent.mkdir()
    file.touch()
    old_library.find()
    assert unchanged(old_library) == ALL


@pytest.mark.parametrize("table", ["files (path)", "made (dish TEXT)"])
def test_another_programs_database_is_refused_and_left_alone(
    table: str, old_library: Library, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs.sqlite"
    with sqlite3.connect(theirs) as connection:
        connection.execute(f"CREATE TABLE {table}")
    before = theirs.read_bytes()
    ran = old_library.run("find", "--cache-file", str(theirs))
    assert ran.code == 2
    message = f"error: CACHE_FILE {theirs} is another program's; name another file.\n"
    assert ran.err == message
    assert theirs.read_bytes() == before
    assert not old_library.output.exists()


def test_a_cache_of_another_layout_is_made_anew(old_library: Library, file: Path) -> None:
    old_library.find()
    with sqlite3.connect(file) as connection:
        connection.execute("ALTER TABLE files RENAME COLUMN digest TO hash")
        connection.execute("PRAGMA user_version = 77")
    assert unchanged(old_library) == 0
    assert unchanged(old_library) == ALL


def test_a_cache_that_cannot_be_made_stops_no_find(old_library: Library, cache_home: Path) -> None:
    (cache_home / "image-similarity-search").write_text("in the way")
    ran = old_library.find()
    assert ran.out.count("warning: the cache") == 1
    assert "can't be used" in ran.out
    assert len(old_library.info()) == 5


def test_a_cache_that_another_run_holds_stops_no_find(
    old_library: Library, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_library.find()
    monkeypatch.setattr(database, "SECONDS_TO_WAIT", 0.01)
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    ran = old_library.find()
    holder.close()
    assert "database is locked; photos are read anew." in ran.out
    assert len(old_library.info()) == 5
    assert unchanged(old_library) == ALL


KILLED = """
import os, signal, sys
sys.path.insert(0, {root!r})
import finder
from pictures import hashing, store
from pictures.recipe import Recipe
store.SECONDS_BETWEEN_COMMITS = 0.0
def hash_files(files):
    for number, file in enumerate(files):
        if number == 3:
            os.kill(os.getpid(), {signal})
        yield hashing.hash_file(file, Recipe())
files = list(finder.walk([{photos!r}]))
wanted = Recipe()
with store.opened({file!r}, print) as opened:
    for _ in opened.hashed(files, wanted, hash_files):
        pass
"""


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_find_has_kept_what_it_had_read(
    ending: signal.Signals, old_library: Library, file: Path
) -> None:
    values = {"root": str(ROOT), "photos": str(old_library.photos), "file": str(file)}
    code = KILLED.format(**values, signal=int(ending))
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=240)
    assert ran.returncode in (-ending, 130)
    assert unchanged(old_library) == 3


def test_an_interrupted_run_keeps_all_that_it_has_read(tmp_path: Path) -> None:
    files, path = [photo(tmp_path / "a.jpg"), photo(tmp_path / "b.jpg", 50)], tmp_path / "c.sqlite"

    def interrupted(files: list[ImageFile]) -> Iterator[HashedImage | Unreadable]:
        yield hash_file(files[0], Recipe())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), store.opened(str(path), print) as opened:
        list(opened.hashed(files, RECIPE, interrupted))
    assert number_of(path, "made") == 2  # a look and its hash


# ---- What is dropped


def test_what_is_known_of_deleted_photos_is_dropped(old_library: Library, file: Path) -> None:
    old_library.find()
    made = 2 * ALL + 1  # a look and its hash, and what the search leaves
    assert (number_of(file, "files"), number_of(file, "made")) == (ALL, made)
    (old_library.photos / "z_stars.jpg").unlink()
    old_library.find()
    assert (number_of(file, "files"), number_of(file, "made")) == (ALL - 1, made - 2)


def test_what_is_known_of_a_deleted_folder_is_dropped(old_library: Library, file: Path) -> None:
    age(old_library.add("2020/trip/a.jpg", quality=60))
    old_library.find()
    shutil.rmtree(old_library.photos / "2020")
    old_library.find("--discard-review")
    assert number_of(file, "files") == ALL


def test_what_is_known_of_a_photo_that_is_now_a_second_name_of_another_stays(
    old_library: Library, file: Path
) -> None:
    old_library.find()
    first = old_library.photos / "a first name of it.jpg"
    first.hardlink_to(old_library.photos / "vacation1.jpg")
    old_library.find()
    assert number_of(file, "files") == ALL + 1


def test_what_is_known_of_a_deep_folder_that_is_gone_is_dropped(tmp_path: Path) -> None:
    deep = os.fsencode(tmp_path) + b"/x" * 1500
    here = rows.file_system(os.fsencode(tmp_path))
    assert list(rows.gone([(deep + b"/a.jpg", here or 0)])) == [(deep + b"/a.jpg",)]


def test_what_is_known_of_a_place_that_cannot_be_looked_at_stays(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    unclear = os.fsencode(tmp_path / "loop" / "a.jpg")
    assert list(rows.gone([(unclear, rows.file_system(os.fsencode(tmp_path)) or 0)])) == []


def test_a_threshold_keeps_nothing_of_a_picture_but_its_hash(
    old_library: Library, file: Path
) -> None:
    old_library.find("--threshold", "10")
    with sqlite3.connect(file) as connection:
        lengths = [length for (length,) in connection.execute("SELECT length(value) FROM made")]
    assert len(lengths) == ALL
    assert max(lengths) < 100


def test_what_is_known_of_other_folders_stays(old_library: Library, file: Path) -> None:
    old_library.find()
    other = old_library.folder / "photos2"
    other.mkdir()
    (other / "a.jpg").write_bytes(picture("2024/cat.jpg"))
    old_library.find("--input-dir", str(other))
    assert number_of(file, "files") == ALL
    shutil.rmtree(other)


@pytest.mark.parametrize("leaves", ["an empty folder", "a folder with a photo", "nothing"])
def test_what_is_known_of_a_disk_that_is_not_mounted_stays(
    leaves: str, old_library: Library, file: Path
) -> None:
    disk, aside = old_library.photos / "disk", old_library.folder / "aside"
    disk.mkdir()
    age(old_library.add("disk/a.jpg", quality=60), old_library.add("disk/b.jpg", quality=50))
    old_library.find()
    with sqlite3.connect(file) as connection:  # as a disk of its own has
        other = "UPDATE files SET file_system = file_system + 1 WHERE path > ? AND path < ?"
        assert connection.execute(other, rows.below(str(disk))).rowcount == 2
    disk.rename(aside)
    if leaves != "nothing":
        disk.mkdir()
    if leaves == "a folder with a photo":
        age(old_library.add("disk/c.jpg", quality=40))
    old_library.find("--discard-review")
    assert number_of(file, "files") == ALL + 2 + (leaves == "a folder with a photo")
    if leaves != "nothing":
        shutil.rmtree(disk)
    aside.rename(disk)
    assert unchanged(old_library) == ALL + 2


def test_what_was_not_seen_for_half_a_year_is_dropped(old_library: Library, file: Path) -> None:
    old_library.find()
    for seen, left in ((store.DAYS_KEPT - 5, ALL), (store.DAYS_KEPT + 5, 0)):
        with sqlite3.connect(file) as connection:
            today = int(time.time()) // store.SECONDS_A_DAY
            connection.execute("UPDATE files SET seen = ?", (today - seen,))
        empty = old_library.folder / "empty"
        empty.mkdir(exist_ok=True)
        old_library.find("--input-dir", str(empty))
        assert number_of(file, "files") == left
    empty.rmdir()


def test_what_is_seen_again_is_kept_for_another_half_year(old_library: Library, file: Path) -> None:
    old_library.find()
    with sqlite3.connect(file) as connection:
        today = int(time.time()) // store.SECONDS_A_DAY
        connection.execute("UPDATE files SET seen = ?", (today - store.DAYS_KEPT - 5,))
    assert unchanged(old_library) == ALL
    assert unchanged(old_library) == ALL


# ---- A look as bytes


def photo(path: Path, quality: int = 0) -> ImageFile:
    path.write_bytes(picture("2024/cat.jpg", quality))
    age(path)
    (found,) = (
        f for f in walk([str(path.parent)]) if isinstance(f, ImageFile) and f.path == str(path)
    )
    return found


def through_cache(path: Path, files: list[ImageFile], recipe: Recipe = RECIPE) -> list[HashedImage]:
    with store.opened(str(path), lambda _: None) as opened:
        results = opened.hashed(files, recipe, lambda new: (hash_file(f, recipe) for f in new))
        hashed = [result for result in results if isinstance(result, HashedImage)]
        opened.prune([])
        return hashed


def of_bytes(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


grays = st.sampled_from([bytes(GRAY_SIDE**2), bytes(range(256)) * (GRAY_SIDE**2 // 256)])
fines = st.sampled_from([zlib.compress(bytes([tone]) * PAGE_SIDE**2) for tone in (0, 255)])
larges = st.sampled_from([bytes([tone]) * LARGE_SIDE**2 for tone in (0, 255)])
taken = st.builds(Taken, st.text(), st.floats(allow_nan=False, allow_infinity=False))


@st.composite
def looks(draw: st.DrawFn) -> Look:
    size = draw(st.sampled_from([1, 8, 32, 512]))
    view = st.builds(View, of_bytes(size), grays, st.booleans(), st.none() | fines)
    return Look(
        tuple(draw(st.lists(view, min_size=1, max_size=3))),
        draw(st.none() | larges),
        draw(st.none() | taken),
        draw(of_bytes(2 * COLOUR_SIDE**2)),
    )


@given(st.none() | looks())
def test_a_look_comes_back_as_it_was(look: Look | None) -> None:
    parts = list(map(content, pictures_of(look))) if look else []
    kept = look and with_pictures(look, list(map(in_memory, parts)))
    length = sum(map(len, parts))
    assert unpack(pack(kept), None, InMemory(b""), 5) == (kept, length)


# ---- The small pictures


def looked_at(folder: Path) -> list[HashedImage]:
    """Photos and pages, of which two show exactly what others show."""
    paths = [*made_pictures.sample_paths(), made_pictures.SAMPLES / made_pictures.CAT]
    found = [hash_file(ImageFile(str(path), 0, 0), Recipe(parts=True)) for path in paths]
    for number in range(3):
        place = folder / f"{number}.png"
        place.write_bytes(made_pictures.png(made_pictures.text_page(number // 2)))
        found.append(hash_file(ImageFile(str(place), 0, 0), Recipe(parts=True)))
    return [image for image in found if isinstance(image, HashedImage)]


def taken_in(
    path: Path | None, images: list[HashedImage], recipe: Recipe = RECIPE
) -> tuple[store.Store, list[HashedImage]]:
    """A store that is open, and some images as it gives them after it has seen them."""
    kept = store.Store(path and str(path), print)
    files = [image.file for image in images]
    found = list(kept.hashed(files, recipe, lambda new: known_of(images, new)))
    return kept, [image for image in found if isinstance(image, HashedImage)]


def known_of(images: list[HashedImage], files: list[ImageFile]) -> Iterator[HashedImage]:
    return (image for image in images if image.file.path in {file.path for file in files})


def test_what_is_out_of_memory_is_grouped_as_what_is_in_it(tmp_path: Path) -> None:
    images = looked_at(tmp_path)
    kept, spooled = taken_in(None, images)
    grouped = []
    for these in (images, spooled):
        digests = [str(number) for number in range(len(these))]
        looks = [image.look for image in these]
        assert len({look.views for look in looks if look}) == len(images) - 2
        grouped.append(matching.group(digests, looks, presets.PRESETS["crops"]))
    assert grouped[0] == grouped[1]
    assert len(grouped[0][0]) >= 4
    kept.close()


def test_spooled_pictures_take_a_tenth_of_their_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "LEFT_BY_SPOOL", 0)
    grays = [bytes([number % 256]) * GRAY_SIDE**2 for number in range(256)]
    kept = store.Store(None, print)
    tracemalloc.start()
    views = (View(bytes(32), gray + b"", False, gray * 10) for gray in grays)
    images = (
        HashedImage(ImageFile("a", 1, 1), "", Look((view,), None, None, b"")) for view in views
    )
    spooled = list(kept.hashed([], RECIPE, lambda _: images))
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert used < len(spooled) * 1000
    for image, gray in zip(spooled, grays, strict=True):
        assert isinstance(image, HashedImage)
        assert image.look is not None
        assert content(image.look.views[0].gray) == gray
        assert content(image.look.views[0].fine or b"") == gray * 10
    kept.close()


@pytest.mark.parametrize("reason", ["no folder", "the disk is full", "little room is left"])
def test_what_has_no_room_stays_in_memory_and_equals_what_has(
    reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = looked_at(tmp_path)[0]
    roomy, expected = taken_in(None, [image])
    if reason == "no folder":
        monkeypatch.setattr(tempfile, "TemporaryFile", no_folder)
    elif reason == "the disk is full":
        monkeypatch.setattr(spool, "LEFT_BY_SPOOL", 0)
        monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: io.FileIO("/dev/full", "w"))
    else:
        monkeypatch.setattr(spool, "LEFT_BY_SPOOL", 1 << 62)
    full, kept = taken_in(None, [image])
    assert kept == expected == [out_of_memory(image)]
    roomy.close()
    full.close()
    assert kept[0].look
    assert image.look
    for view, original in zip(kept[0].look.views, image.look.views, strict=True):
        assert content(view.gray) == original.gray


def no_folder(**_: object) -> None:
    raise FileNotFoundError


@pytest.fixture
def old_photos(tmp_path: Path) -> list[HashedImage]:
    files = [photo(tmp_path / "a.jpg"), photo(tmp_path / "b.jpg", 50)]
    images = [hash_file(file, RECIPE) for file in files]
    return [image for image in images if isinstance(image, HashedImage)]


def pictures_in(images: list[HashedImage]) -> list[bytes]:
    return [content(part) for image in images if image.look for part in pictures_of(image.look)]


def test_small_pictures_are_written_once(
    tmp_path: Path, old_photos: list[HashedImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, beside = tmp_path / "cache.sqlite", tmp_path / "cache.sqlite-pictures"
    monkeypatch.setattr(tempfile, "TemporaryFile", no_folder)
    sizes = []
    for _ in range(2):
        kept, found = taken_in(path, old_photos)
        assert pictures_in(found) == pictures_in(old_photos)
        kept.close()
        sizes.append(beside.stat().st_size)
        assert beside.stat().st_mode & 0o077 == 0
    assert sizes[0] == sizes[1] < 2 * GRAY_SIDE**2 + 100
    values = number_of_bytes(path)
    assert values < 1000, "the pictures are not in the tables, too"


def number_of_bytes(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        return int(connection.execute("SELECT sum(length(value)) FROM made").fetchone()[0])


def emptied(place: Path) -> None:
    place.write_bytes(b"")


def halved(place: Path) -> None:
    place.write_bytes(half(place.read_bytes()))


def holed(place: Path) -> None:
    place.write_bytes(with_a_hole(place.read_bytes()))


def another_run_s(place: Path) -> None:
    data = bytearray(place.read_bytes())
    data[30] ^= 1
    place.write_bytes(data)


def without_mark(place: Path) -> None:
    place.write_bytes(b"no mark" + place.read_bytes()[7:])


@pytest.mark.parametrize(
    "damage", [emptied, halved, holed, Path.unlink, another_run_s, without_mark]
)
def test_damage_to_the_small_pictures_changes_no_group(
    damage: Callable[[Path], object], old_library: Library, file: Path
) -> None:
    old_library.find()
    groups = old_library.info()
    damage(file.with_name(file.name + "-pictures"))
    ran = old_library.find()
    assert old_library.info() == groups
    lost = f"warning: the cache {file} has lost its pictures; photos are read anew.\n"
    assert lost in ran.out
    old_library.find()
    assert old_library.info() == groups
    assert unchanged(old_library) == ALL


@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_no_single_wrong_byte_changes_a_small_picture(
    place: float, value: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    files = [photo(folder / "a.jpg"), photo(folder / "b.jpg", 50)]
    images = [i for i in (hash_file(f, RECIPE) for f in files) if isinstance(i, HashedImage)]
    kept, _ = taken_in(folder / "cache.sqlite", images)
    kept.close()
    beside = folder / "cache.sqlite-pictures"
    data = bytearray(beside.read_bytes())
    data[int(place * len(data))] = value
    beside.write_bytes(data)
    kept, found = taken_in(folder / "cache.sqlite", images)
    by_path = sorted(found, key=lambda image: image.file.path)
    assert pictures_in(by_path) == pictures_in(images)
    kept.close()


def spoil(path: Path) -> None:
    """Let all small pictures of a store be other bytes, as a disk that fails does."""
    beside = path.with_name(path.name + "-pictures")
    data = beside.read_bytes()
    beside.write_bytes(data[:41] + bytes(len(data) - 41))


def test_a_lost_picture_is_made_again_of_its_photo_and_then_known(
    tmp_path: Path, old_photos: list[HashedImage]
) -> None:
    path = tmp_path / "cache.sqlite"
    taken_in(path, old_photos)[0].close()
    kept, found = taken_in(path, old_photos)
    spoil(path)
    assert pictures_in(found) == pictures_in(old_photos)
    kept.close()
    assert number_of(path, "made") == 0, "the next run reads the photos, in its workers"
    taken_in(path, old_photos)[0].close()
    kept, found = taken_in(path, [])
    assert number_of(path, "made") == 4  # a look and its hash
    kept.close()


def test_lost_pictures_are_read_anew_all_at_once(
    tmp_path: Path, old_photos: list[HashedImage]
) -> None:
    """One by one each would wait for workers of its own."""
    path = tmp_path / "cache.sqlite"
    taken_in(path, old_photos)[0].close()
    kept, found = taken_in(path, old_photos)
    spoil(path)
    asked: list[int] = []

    def hash_again(files: list[ImageFile]) -> Iterator[HashedImage | Unreadable]:
        asked.append(len(files))
        return (hash_file(file, RECIPE) for file in files)

    kept._hash_files = hash_again
    for _ in range(2):
        assert pictures_in(found) == pictures_in(old_photos)
    assert asked == [len(old_photos)]
    kept.close()


def forge_digests(path: Path) -> None:
    """Let all digests of small pictures be others, under right checksums."""
    with sqlite3.connect(path) as connection:
        for rowid, digest, value in connection.execute(
            "SELECT rowid, digest, value FROM made WHERE place IS NOT NULL"
        ).fetchall():
            forged = value[:-1] + bytes([value[-1] ^ 1])
            row = (forged, zlib.crc32(forged, zlib.crc32(digest)), rowid)
            connection.execute("UPDATE made SET value = ?, checksum = ? WHERE rowid = ?", row)


@pytest.mark.parametrize("damage", [spoil, forge_digests])
def test_pictures_that_were_damaged_before_a_run_are_read_with_the_others(
    tmp_path: Path, old_photos: list[HashedImage], damage: Callable[[Path], None]
) -> None:
    path, said, asked = tmp_path / "cache.sqlite", [], []
    taken_in(path, old_photos)[0].close()
    damage(path)

    def hash_anew(files: list[ImageFile]) -> Iterator[HashedImage | Unreadable]:
        asked.append(len(files))
        return (hash_file(file, RECIPE) for file in files)

    with store.opened(str(path), said.append) as kept:
        files = [image.file for image in old_photos]
        found = [i for i in kept.hashed(files, RECIPE, hash_anew) if isinstance(i, HashedImage)]
        in_order = sorted(found, key=lambda image: image.file.path)
        assert pictures_in(in_order) == pictures_in(old_photos)
    assert asked == [len(old_photos)]
    assert said == [f"the cache {path} has lost its pictures; photos are read anew."]


def test_a_lost_picture_of_a_changed_photo_ends_the_run_and_not_the_next(
    tmp_path: Path, old_photos: list[HashedImage]
) -> None:
    path = tmp_path / "cache.sqlite"
    taken_in(path, old_photos)[0].close()
    kept, found = taken_in(path, old_photos[:1])
    spoil(path)
    kept._hash_files = lambda files: [Unreadable(file, "it is gone") for file in files]
    with pytest.raises(UserError, match="what was read of a photo is lost, and it has changed;"):
        pictures_in(found)
    kept.close()
    kept, found = taken_in(path, old_photos)
    assert pictures_in(sorted(found, key=lambda i: i.file.path)) == pictures_in(old_photos)
    kept.close()


def drop_rows(path: Path, _: list[HashedImage]) -> None:
    forge(path, "DELETE FROM made", "DELETE FROM files")


def set_aside(path: Path, images: list[HashedImage]) -> None:
    path.write_bytes(half(path.read_bytes()))
    with contextlib.suppress(UserError):
        taken_in(path, images)[0].close()


def begin_anew(path: Path, images: list[HashedImage]) -> None:
    path.with_name(path.name + "-pictures").unlink()
    taken_in(path, images)[0].close()


def remove(path: Path, _: list[HashedImage]) -> None:
    path.unlink()
    path.with_name(path.name + "-pictures").unlink()


@pytest.mark.parametrize("do", [drop_rows, set_aside, begin_anew, remove])
@pytest.mark.parametrize("when", ["after a first look", "after a second one"])
def test_what_another_run_does_meanwhile_takes_no_picture_away(
    do: Callable[[Path, list[HashedImage]], None],
    when: str,
    tmp_path: Path,
    old_photos: list[HashedImage],
) -> None:
    path = tmp_path / "cache.sqlite"
    if when == "after a second one":
        taken_in(path, old_photos)[0].close()
    kept, found = taken_in(path, old_photos)
    do(path, old_photos)
    kept._hash_files = None  # nothing is made again
    assert pictures_in(found) == pictures_in(old_photos)
    kept.prune([])
    assert pictures_in(found) == pictures_in(old_photos)
    kept.close()
    kept, found = taken_in(path, old_photos)
    assert pictures_in(sorted(found, key=lambda i: i.file.path)) == pictures_in(old_photos)
    kept.close()


def test_what_comes_in_while_another_run_begins_anew_is_not_kept_amiss(
    tmp_path: Path, old_photos: list[HashedImage]
) -> None:
    path = tmp_path / "cache.sqlite"
    kept = store.Store(str(path), print)
    results = kept.hashed(
        [image.file for image in old_photos], RECIPE, lambda new: known_of(old_photos, new)
    )
    first = next(results)
    begin_anew(path, old_photos[1:])
    found = [i for i in (first, *results) if isinstance(i, HashedImage)]
    kept.close()
    assert number_of(path, "made") == 2, "what lies in another file is nobody's"
    kept, found = taken_in(path, old_photos)
    assert pictures_in(sorted(found, key=lambda i: i.file.path)) == pictures_in(old_photos)
    kept.close()


def test_a_file_of_pictures_of_which_most_are_nobodys_is_made_anew(
    tmp_path: Path, old_photos: list[HashedImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LEAST_WASTE_BYTES", 100)
    path, beside = tmp_path / "cache.sqlite", tmp_path / "cache.sqlite-pictures"
    files = [replace(i.file, path=f"{i.file.path}{n}", inode=n) for n in (1, 2) for i in old_photos]
    taken_in(path, old_photos)[0].close()
    extra = [
        replace(image, file=file, digest=f"{number:064x}")
        for number, (file, image) in enumerate(zip(files, old_photos * 2, strict=True))
    ]
    taken_in(path, extra)[0].close()
    size = beside.stat().st_size
    kept, found = taken_in(path, old_photos)
    kept.prune([str(tmp_path)])
    assert number_of(path, "files") == len(old_photos)
    assert beside.stat().st_size < size / 2
    assert pictures_in(found) == pictures_in(old_photos), "those of before are read as before"
    kept.close()
    kept, found = taken_in(path, old_photos)
    kept._hash_files = None  # nothing is made again
    assert pictures_in(found) == pictures_in(old_photos)
    kept.close()


def test_pictures_of_which_none_is_anybodys_are_all_dropped(
    tmp_path: Path, old_photos: list[HashedImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LEAST_WASTE_BYTES", 100)
    path, beside = tmp_path / "cache.sqlite", tmp_path / "cache.sqlite-pictures"
    taken_in(path, old_photos)[0].close()
    for image in old_photos:
        Path(image.file.path).unlink()
    kept, _ = taken_in(path, [])
    kept.prune([str(tmp_path)])
    kept.close()
    assert (number_of(path, "made"), beside.stat().st_size) == (0, 41)


@pytest.mark.parametrize("ending", ["-pictures", "-pictures.new"])
@pytest.mark.parametrize("known", [False, True])
def test_a_file_of_others_in_the_place_of_small_pictures_is_left_alone(
    old_library: Library, tmp_path: Path, ending: str, known: bool
) -> None:
    cache_file, notes = tmp_path / "mine.sqlite", tmp_path / f"mine.sqlite{ending}"
    if known:
        old_library.find("--cache-file", str(cache_file))
        (tmp_path / "mine.sqlite-pictures").unlink()
    notes.write_text("What I think of pictures. " * 100)
    before = notes.read_bytes()
    for flags in (["--dry-run"], []):
        ran = old_library.run("find", "--cache-file", str(cache_file), *flags)
        assert f"can't be used: {notes}: it is no file of ours; photos are read anew" in ran.out
        assert notes.read_bytes() == before
    assert len(old_library.info()) == 5


def test_a_page_that_is_none_ends_the_run_and_not_the_next(tmp_path: Path) -> None:
    """As who knows all rules may write it: its digest is right."""
    path, place = tmp_path / "cache.sqlite", tmp_path / "page.png"
    place.write_bytes(made_pictures.png(made_pictures.text_page(1)))
    age(place)
    (file,) = (f for f in walk([str(tmp_path)]) if isinstance(f, ImageFile))
    image = hash_file(file, RECIPE)
    assert isinstance(image, HashedImage)
    assert image.look
    view = replace(image.look.views[0], fine=zlib.compress(bytes(10**7)))
    forged = replace(image, look=replace(image.look, views=(view,)))
    taken_in(path, [forged])[0].close()
    kept, found = taken_in(path, [image])
    assert found[0].look
    fine = found[0].look.views[0].fine
    with pytest.raises(UserError, match="run it again"):
        page(fine or b"")
    kept.close()
    kept, found = taken_in(path, [image])
    assert found == [out_of_memory(image)]
    kept.close()


# ---- What another version made

LAYOUT_5 = """
PRAGMA application_id = 1397312841;
PRAGMA user_version = 5;
CREATE TABLE files (
    path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, inode INTEGER,
    digest BLOB, file_system INTEGER, seen INTEGER
) WITHOUT ROWID;
CREATE INDEX moved ON files (inode, size, mtime_ns);
CREATE TABLE methods (id INTEGER PRIMARY KEY, name TEXT UNIQUE, version TEXT);
CREATE TABLE made (
    method INTEGER, digest BLOB, value BLOB, checksum INTEGER, UNIQUE (method, digest)
);
"""


def test_a_cache_of_the_layout_before_is_told_of_once_and_its_room_given_back(
    old_library: Library, file: Path
) -> None:
    file.parent.mkdir()
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA page_size = 65536")
        connection.executescript(LAYOUT_5)
        connection.execute("INSERT INTO made VALUES (1, x'00', zeroblob(5000000), 5)")
    ran = old_library.find()
    said = f"warning: the cache {file} was made by another version; photos are read anew.\n"
    assert ran.out.count(said) == ran.out.count("the cache") == 1
    assert file.stat().st_size < 200_000
    assert "the cache" not in old_library.find().out
    assert unchanged(old_library) == ALL


def test_what_another_version_of_fingerprints_made_is_told_of_once(
    old_library: Library, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_library.find()
    monkeypatch.setattr(rows, "FINGERPRINT", FINGERPRINT + 1)
    ran = old_library.find()
    said = f"warning: the cache {file} was made by another version; photos are read anew.\n"
    assert ran.out.count(said) == ran.out.count("the cache") == 1
    assert "Not read again" not in ran.out
    assert "the cache" not in old_library.find().out
