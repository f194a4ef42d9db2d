"""The SQLite file of a store, and the file of small pictures beside it: opened, made, set aside."""

import contextlib
import errno
import functools
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path

from config import UserError
from disk import system
from disk.files import open_regular
from disk.user_folders import default_cache_file
from pictures.picture_file import HEAD_BYTES, ID_BYTES, MARK, MakeAgain, PictureFile

APPLICATION_ID = 0x53494D49  # in SQLite's header: the file is one of ours
LAYOUT = 6
HEAD_OF_DATABASE = 65536  # bytes; the first page had as many
PAGE_BYTES = 4096
SECONDS_TO_WAIT = 10.0  # for another run that writes
# What a damaged file can make endless ends by itself: SQLite is asked for so many million steps.
STEPS_AT_A_TIME = 1_000_000
LEAST_TURNS, BYTES_OF_A_TURN = 100, 100_000
MOST_BYTES_OF_A_VALUE = 1 << 24
DAMAGED = (
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_TOOBIG,
)
UNSUPPORTED = "unsupported file format"  # what a newer SQLite might have written, or nobody
DAMAGED_SUFFIX = ".damaged"
OUR_COLUMNS = b"digest BLOB, value BLOB, checksum INTEGER, UNIQUE (method, digest)"
BESIDE = ("-journal", "-wal", "-shm")  # what SQLite may put beside the file
PICTURES = "-pictures"  # and what we do
NEW = ".new"
LEFT_FREE = 50_000_000  # bytes of the disk; what is written at once is 30 MB, after a search
LEAST_WASTE_BYTES = 1 << 25  # of pictures that nobody knows, before a file is made anew

TABLES = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {LAYOUT};
DROP TABLE IF EXISTS files;
DROP TABLE IF EXISTS methods;
DROP TABLE IF EXISTS made;
DROP TABLE IF EXISTS pictures;
CREATE TABLE files (
    path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, inode INTEGER,
    digest BLOB, file_system INTEGER, seen INTEGER
) WITHOUT ROWID;
CREATE INDEX moved ON files (inode, size, mtime_ns);
CREATE TABLE methods (id INTEGER PRIMARY KEY, name TEXT UNIQUE, version TEXT);
CREATE TABLE made (
    method INTEGER, place INTEGER, bytes INTEGER,
    digest BLOB, value BLOB, checksum INTEGER, UNIQUE (method, digest)
);
CREATE TABLE pictures (id BLOB)
"""
HERE = """
CREATE TEMP TABLE here (
    number INTEGER PRIMARY KEY, path BLOB UNIQUE, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER,
    inode INTEGER
)
"""


class Damaged(sqlite3.Error):
    """The file was ours."""


def tells_of_damage(error: BaseException) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    # SQLite's messages quote the file, which may hold anything.
    damaged = isinstance(error, Damaged | UnicodeDecodeError) or code in DAMAGED
    return damaged or UNSUPPORTED in str(error)


def connect(path: str, tell: Callable[[str], None]) -> sqlite3.Connection:
    """Open a store's database, or make one that only its owner may read: it shows the photos.

    With tables of another version, those of today are made instead, and that is told of.
    """
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    for place in (path, *(path + suffix for suffix in (*BESIDE, PICTURES))):
        if os.path.lexists(place) and not stat.S_ISREG(os.lstat(place).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", place)
    os.close(system.open_file(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, timeout=SECONDS_TO_WAIT, isolation_level=None)
    with contextlib.ExitStack() as unless_prepared:
        unless_prepared.callback(connection.close)
        _bound(connection, os.path.getsize(path))
        _prepare(connection, path, tell)
        unless_prepared.pop_all()
    return connection


def connect_to_read(path: str) -> sqlite3.Connection:
    """Open a store's database to be read alone; an error where it isn't one of today's.

    Changes nothing on disk.
    """
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise OSError(errno.EINVAL, "not a regular file", path)
    place = f"{Path(os.path.abspath(path)).as_uri()}?mode=ro"
    connection = sqlite3.connect(place, uri=True, timeout=SECONDS_TO_WAIT, isolation_level=None)
    with contextlib.ExitStack() as unless_prepared:
        unless_prepared.callback(connection.close)
        _bound(connection, os.path.getsize(path))
        if _schema(connection) != _own_schema():
            raise Damaged("it holds other tables than ours")
        _list_in_memory(connection)
        unless_prepared.pop_all()
    return connection


@contextlib.contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """A transaction, or a part of the one that has begun."""
    if connection.in_transaction:
        yield connection
        return
    connection.execute("BEGIN IMMEDIATE")
    with connection:  # commits, or rolls back
        yield connection


def _bound(connection: sqlite3.Connection, size: int) -> None:
    """Let nothing in a file make SQLite go on for ever, or take much memory, or read no text."""
    turns = iter(range(LEAST_TURNS + size // BYTES_OF_A_TURN))
    connection.set_progress_handler(lambda: next(turns, None) is None, STEPS_AT_A_TIME)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_BYTES_OF_A_VALUE)
    connection.text_factory = lambda text: text.decode(errors="replace")


def _prepare(connection: sqlite3.Connection, path: str, tell: Callable[[str], None]) -> None:
    if not _is_made(connection, path):
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("BEGIN EXCLUSIVE")  # another run may have been doing the same
        with connection:
            if made := not _is_made(connection, path):
                others = _schema(connection)
                _make_tables(connection)
        if made and others:
            connection.execute("VACUUM")  # small pictures were in it, which fill gigabytes
            tell(by_another_version(path))
    if _schema(connection) != _own_schema():
        raise Damaged("it holds other tables than ours")
    _list_in_memory(connection)


def _list_in_memory(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute(HERE)


def by_another_version(path: str) -> str:
    """The sentence for people whose store is begun anew, or a part of it."""
    return f"the cache {path} was made by another version; photos are read anew."


def _make_tables(connection: sqlite3.Connection) -> None:
    try:
        for statement in TABLES.split(";\n"):
            connection.execute(statement)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # what has their names is no table
            raise Damaged(str(error)) from error
        raise


def _schema(connection: sqlite3.Connection) -> list[tuple[str, ...]]:
    """All that is defined in a file: nothing else may be run when its tables are asked."""
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
    return connection.execute(query).fetchall()


@functools.cache
def _own_schema() -> list[tuple[str, ...]]:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        _make_tables(connection)
        return _schema(connection)


def _is_made(connection: sqlite3.Connection, path: str) -> bool:
    """Whether a database has the tables of today; UserError for another program's."""
    owner, layout = _owner_and_layout(connection)
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if owner != APPLICATION_ID and tables:
        if not is_ours(path):
            raise UserError(f"CACHE_FILE {path} is another program's; name another file.")
        if connection.in_transaction:  # or another run has made them since
            raise Damaged("its header is damaged")
    return (owner, layout) == (APPLICATION_ID, LAYOUT)


def _owner_and_layout(connection: sqlite3.Connection) -> tuple[int, int]:
    names = ("application_id", "user_version")
    owner, layout = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    return owner, layout


def lacks_room(error: Exception) -> bool:
    """Whether a disk, or what a person may have of it, is full."""
    full = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
    return full or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)


def set_aside(path: str) -> str:
    """Rename a damaged database, over one that was damaged before but over nothing else."""
    aside = path + DAMAGED_SUFFIX
    number = 1
    while os.path.lexists(aside) and not is_ours(aside):
        number += 1
        aside = f"{path}{DAMAGED_SUFFIX}-{number}"
    os.replace(path, aside)
    for suffix in BESIDE:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path + suffix)
    return aside


def lies_where_caches_do(path: str) -> bool:
    places = (os.path.realpath(os.path.dirname(p)) for p in (path, default_cache_file()))
    return len(set(places)) == 1


def said(error: Exception) -> str:
    """What an error says, without its number; a path only where it isn't the cache's own."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def is_ours(path: str) -> bool:
    """Whether a file holds on its first page what only caches do."""
    try:
        with open_regular(path) as stream:
            head = stream.read(HEAD_OF_DATABASE)
    except OSError:
        return False
    return head[68:72] == APPLICATION_ID.to_bytes(4) or OUR_COLUMNS in head


# ---- The small pictures


def picture_file(
    connection: sqlite3.Connection, path: str, make_again: MakeAgain
) -> tuple[PictureFile, bool]:
    """The file of small pictures of a database, and whether those that it had are lost.

    It has the number that the database names; else it is another one's, and a new one is made.
    """
    place = path + PICTURES
    if file := _opened(place, number_of(connection)):
        return PictureFile(file, make_again, LEFT_FREE), False
    with writing(connection):
        number = number_of(connection)  # another run may just have made one
        if file := _opened(place, number):
            return PictureFile(file, make_again, LEFT_FREE), False
        if not (_may_be_replaced(place) or lies_where_caches_do(path)):
            raise OSError(errno.EEXIST, "it is no file of ours", place)
        lost = connection.execute("DELETE FROM made WHERE place IS NOT NULL").rowcount > 0
        pictures = new_picture_file(path, make_again)
        with closed_unless_done(pictures):
            begin_with(connection, pictures, path)
        return pictures, lost


def new_picture_file(path: str, make_again: MakeAgain) -> PictureFile:
    """An empty file of small pictures, which isn't a database's yet."""
    place = path + PICTURES + NEW
    if not _may_be_replaced(place):
        raise OSError(errno.EEXIST, "it is no file of ours", place)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(place)  # left by a run that was killed
    file = _file(place, os.O_CREAT | os.O_EXCL)
    with closed_unless_done(file):
        file.write(MARK + os.urandom(ID_BYTES))
        return PictureFile(file, make_again, LEFT_FREE)


@contextlib.contextmanager
def closed_unless_done(file: FileIO | PictureFile) -> Iterator[None]:
    """Close a file that nobody else knows yet where what makes it ready fails."""
    with contextlib.ExitStack() as unless_done:
        unless_done.callback(file.close)
        yield
        unless_done.pop_all()


def begin_with(connection: sqlite3.Connection, pictures: PictureFile, path: str) -> None:
    """Let a new file of small pictures be that of a database.

    Where a crash comes between the two, neither has the other's number.
    """
    connection.execute("DELETE FROM pictures")
    connection.execute("INSERT INTO pictures VALUES (?)", (pictures.number,))
    pictures.sync()
    os.replace(path + PICTURES + NEW, path + PICTURES)


def number_of(connection: sqlite3.Connection) -> bytes:
    """The number of the file of small pictures that belongs to a database; nothing without one."""
    found = connection.execute("SELECT id FROM pictures").fetchone()
    return found[0] if found and isinstance(found[0], bytes) else b""


def _opened(place: str, number: bytes) -> FileIO | None:
    """The file at a place, if it has some number."""
    if not number:
        return None
    try:
        file = _file(place)
    except FileNotFoundError:
        return None
    with closed_unless_done(file):
        if system.read_at(file.fileno(), HEAD_BYTES, 0) == MARK + number:
            return file
    file.close()
    return None


def _file(place: str, flags: int = 0) -> FileIO:
    return FileIO(system.open_file(place, flags | os.O_RDWR | os.O_APPEND, 0o600), "r+b")


def _may_be_replaced(place: str) -> bool:
    """Whether nothing lies at a place, or a file of ours of which the database is gone."""
    try:
        with open_regular(place) as stream:
            return stream.read(len(MARK)) in (b"", MARK)
    except FileNotFoundError:
        return True


def wastes_room(connection: sqlite3.Connection, pictures: PictureFile) -> bool:
    """Whether much of a file is pictures of which nothing is known any more."""
    (used,) = connection.execute("SELECT coalesce(sum(bytes), 0) FROM made").fetchone()
    return pictures.size() - int(used) > max(LEAST_WASTE_BYTES, int(used) // 2)


def moved_into(
    connection: sqlite3.Connection, old: PictureFile, new: PictureFile, path: str
) -> bool:
    """Whether there is room for all known pictures in a new file; then it is that of a database."""
    moved = _copied(connection, old, new)
    if moved is None:
        os.unlink(path + PICTURES + NEW)
        return False
    connection.executemany("UPDATE made SET place = ? WHERE rowid = ?", moved)
    begin_with(connection, new, path)
    return True


def _copied(
    connection: sqlite3.Connection, old: PictureFile, new: PictureFile
) -> list[tuple[int, int]] | None:
    """The new places of all pictures that the tables know of, by row; None for want of room."""
    query = "SELECT rowid, place, bytes FROM made WHERE place IS NOT NULL ORDER BY place"
    moved = []
    for row, place, length in connection.execute(query):
        copied = new.add([old.bytes_at(place, length)])
        if copied is None:
            return None
        moved.append((copied, row))
    return moved
