"""What was read of the photos, outside of memory.

What earlier runs read is in one SQLite file, so that it need not be read again. What would fill
memory is in another file until the run ends.
"""

import contextlib
import errno
import functools
import gc
import hashlib
import math
import os
import sqlite3
import stat
import struct
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from io import FileIO
from typing import TYPE_CHECKING

from config import UserError
from disk import system
from disk.files import ImageFile, digest_file, open_regular
from disk.user_folders import default_cache_file
from pictures.images import HashedImage, Unreadable
from pictures.recipe import FINGERPRINT, Recipe

if TYPE_CHECKING:  # what it imports takes long, while the workers could already be at work
    from pictures.looks import Look, Spooled, View

Hash = Callable[[list[ImageFile]], Iterable[HashedImage | Unreadable]]
File = tuple[bytes, int, int, int, int]  # path, size, mtime_ns, ctime_ns, inode

APPLICATION_ID = 0x53494D49  # in SQLite's header: the file is one of ours
LAYOUT = 5
PAGE_BYTES = 65536  # a row of 4 KB must not leave half a page unused
SECONDS_BETWEEN_COMMITS = 3.0
SECONDS_TO_WAIT = 10.0  # for another run that writes
# A file that changes twice within the steps of its file system's clock (two seconds on FAT) may
# have the same time with other content, so what changed a moment ago is read again next time.
RACY_NS = 2_000_000_000
DIGEST_BYTES = hashlib.sha256().digest_size
LARGEST_INTEGER = (1 << 63) - 1  # of SQLite
DAYS_KEPT = 180  # of files that can't be looked for, as their folder isn't there
DAYS_BETWEEN_NOTES = 30
SECONDS_A_DAY = 86_400
LEAST_ROOM_BYTES = 500_000_000  # that a spool leaves on its disk
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

TABLES = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {LAYOUT};
DROP TABLE IF EXISTS files;
DROP TABLE IF EXISTS methods;
DROP TABLE IF EXISTS made;
CREATE TABLE files (
    path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, inode INTEGER,
    digest BLOB, file_system INTEGER, seen INTEGER
) WITHOUT ROWID;
CREATE INDEX moved ON files (inode, size, mtime_ns);
CREATE TABLE methods (id INTEGER PRIMARY KEY, name TEXT UNIQUE, version TEXT);
CREATE TABLE made (
    method INTEGER, digest BLOB, value BLOB, checksum INTEGER, UNIQUE (method, digest)
)
"""
HERE = """
CREATE TEMP TABLE here (
    number INTEGER PRIMARY KEY, path BLOB UNIQUE, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER,
    inode INTEGER
)
"""
MAY_HAVE_MOVED = "f.size = h.size AND f.mtime_ns = h.mtime_ns AND f.inode = h.inode AND h.inode"
# Who sets a file's time back to what it was can't set back when that was done.
SAME = f"{MAY_HAVE_MOVED} AND f.ctime_ns = h.ctime_ns"
MOVED = f"""
SELECT h.path, f.path FROM temp.here h JOIN files f ON {MAY_HAVE_MOVED}
WHERE h.path NOT IN (SELECT path FROM files) ORDER BY h.number
"""
KNOWN = f"""
SELECT h.number, f.digest, m.value, m.checksum
FROM temp.here h JOIN files f ON f.path = h.path AND {SAME}
JOIN made m ON m.method = ? AND m.digest = f.digest ORDER BY h.number
"""
TOUCHED = f"""
SELECT h.number, f.digest FROM temp.here h JOIN files f ON f.path = h.path AND {MAY_HAVE_MOVED}
WHERE f.ctime_ns != h.ctime_ns ORDER BY h.number
"""
VALUE = "SELECT value, checksum FROM made WHERE method = ? AND digest = ?"
NOTE_SEEN = f"""
UPDATE files SET seen = ? WHERE seen < ?
AND path IN (SELECT h.path FROM temp.here h JOIN files f ON f.path = h.path AND {SAME})
"""
NOT_HERE = """
SELECT path, file_system FROM files
WHERE path > ? AND path < ? AND path NOT IN (SELECT path FROM temp.here)
"""


@dataclass(frozen=True, slots=True)
class Row:
    """What is kept of a file's content, by name; values of another version are dropped.

    `length` is how many bytes a hash in it has, or a vector.
    """

    name: str
    version: str
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """What a recipe makes: looks, and what a model makes of them.

    With `hashes`, those of the looks are kept by themselves, too, for a run with a threshold.
    """

    look: Row
    embedding: Row | None = None
    hashes: Row | None = None


def rows_of(recipe: Recipe) -> Rows:
    """The rows that hold what a recipe makes; their version tells all that takes part in it."""
    version, length = _version(), recipe.hash_bytes
    embedding = recipe.embedding_key
    plain = recipe.only_hash or recipe.is_decoded_larger
    return Rows(
        Row(recipe.key, version, length),
        Row(embedding, version, recipe.vector_bytes) if embedding else None,
        None if plain else Row(recipe.hash_key, version, length),
    )


def _version() -> str:
    """All that takes part in a look: our code by its number, and what decodes and defines hashes.

    Pillow brings its decoders along. NumPy and SciPy aren't named: they only round, as other
    processors do, too.
    """
    packages = (f"{name} {version(name)}" for name in ("Pillow", "ImageHash"))
    return ", ".join([f"fingerprint {FINGERPRINT}", *packages])


class Store:
    """Values by content digest, and digests by a file's path, size, times and inode.

    A cache that can't be used is told of by `warn`, and then the files are read. Only the process
    that opened it uses it. With the path None nothing is kept.
    """

    def __init__(self, path: str | None, warn: Callable[[str], None]) -> None:
        self._path = path
        self._warn = warn
        self._now = time.time_ns()
        self._waiting: dict[Row, list[tuple[HashedImage, bytes]]] = {}
        self._file_systems: dict[bytes, int | None] = {}
        self._committed = time.monotonic()
        self._connection: sqlite3.Connection | None = None
        if path is not None:
            with self._expecting_trouble():
                self._connection = _connect(path)

    def hashed(
        self, files: Sequence[ImageFile], recipe: Recipe, hash_files: Hash
    ) -> Iterator[HashedImage | Unreadable]:
        """Yield what is known of some files, and then what `hash_files` finds in the others.

        What is new is kept, and on the disk within seconds. With embeddings, pictures
        with a look are known only with what it made of them.
        """
        if self._connection is None:
            yield from hash_files(list(files))
            return
        known, rows = set(), rows_of(recipe)
        with _no_garbage():
            for image in self._known(files, rows.look, rows.embedding):
                known.add(image.file.path)
                yield image
        for result in hash_files([file for file in files if file.path not in known]):
            if isinstance(result, HashedImage):
                self._keep(result, rows)
            yield result
        self._commit()

    def forget(self, paths: Iterable[str]) -> None:
        """Have files read again the next time: they were found to be other than we know them."""
        with self._expecting_trouble(), self._writing() as connection:
            rows = [(os.fsencode(path),) for path in paths]
            connection.executemany("DELETE FROM files WHERE path = ?", rows)

    def prune(self, input_dirs: Iterable[str]) -> None:
        """Drop what is known of files below some folders that are gone, and not just unmounted.

        Of the files that `hashed` was asked for last, all are there.
        """
        today = self._now // 10**9 // SECONDS_A_DAY
        with self._expecting_trouble(), self._writing() as connection:
            connection.execute(NOTE_SEEN, (today, today - DAYS_BETWEEN_NOTES))
            gone = [
                path
                for folder in input_dirs
                for path in _gone(connection.execute(NOT_HERE, _below(folder)))
            ]
            connection.executemany("DELETE FROM files WHERE path = ?", gone)
            old = connection.execute("DELETE FROM files WHERE seen < ?", (today - DAYS_KEPT,))
            if gone or old.rowcount:
                in_use = "SELECT digest FROM files"
                connection.execute(f"DELETE FROM made WHERE digest NOT IN ({in_use})")

    def close(self) -> None:
        """Keep what has come in, also where a run is interrupted."""
        self._commit()
        self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _known(
        self, files: Sequence[ImageFile], row: Row, embedding: Row | None
    ) -> Iterator[HashedImage]:
        """Yield what earlier runs have made of the files that have not changed since."""
        values = self._values(files, embedding) if embedding else ()
        length = embedding and embedding.length
        made = {f.path: value for f, _, value in values if length in (None, len(value))}
        for file, digest, value in self._values(files, row):
            try:
                look = unpack(value, row.length)
            except ValueError:
                continue  # it was not written by us, whatever its checksum says
            if embedding is None or look is None or file.path in made:
                yield HashedImage(file, digest, look, embedding=made.get(file.path))

    def _values(
        self, files: Sequence[ImageFile], row: Row
    ) -> Iterator[tuple[ImageFile, str, bytes]]:
        """Yield the files that have not changed since a value was made of them, with that value."""
        with self._expecting_trouble():
            connection = self._open()
            _list_here(connection, files)
            self._follow(connection)
            for number, digest, value, checksum in connection.execute(KNOWN, (self._id(row),)):
                if _is_whole(digest, value, checksum):
                    yield files[number], digest.hex(), value
            for number, digest in connection.execute(TOUCHED).fetchall():
                if (value := self._value_of_touched(files[number], digest, row)) is not None:
                    yield files[number], digest.hex(), value

    def _value_of_touched(self, file: ImageFile, digest: bytes, row: Row) -> bytes | None:
        """What is known of a file that was touched, if its content is the same.

        A backup that makes hard links touches each file, and reading one again costs a tenth of
        hashing it.
        """
        found = self._open().execute(VALUE, (self._id(row), digest)).fetchone()
        if not found or not _is_whole(digest, *found):
            return None
        if not _has_content(file.path, digest):
            return None
        self._keep_value(HashedImage(file, digest.hex(), None), row, found[0])
        return bytes(found[0])

    def _follow(self, connection: sqlite3.Connection) -> None:
        """Let the files that were moved or renamed keep what is known of them."""
        moved = {
            old: new
            for new, old in connection.execute(MOVED).fetchall()
            if isinstance(old, bytes) and not os.path.lexists(old)
        }
        if moved:
            with self._writing():
                rows = [(new, old) for old, new in moved.items()]
                connection.executemany("UPDATE OR REPLACE files SET path = ? WHERE path = ?", rows)

    def _keep(self, hashed: HashedImage, rows: Rows) -> None:
        if self._connection is None or hashed.damage or hashed.warnings:
            return  # what is wrong with a picture is told each time
        if hashed.file.inode and hashed.file.mtime_ns <= self._now - RACY_NS:
            for row, value in _values_of(hashed, rows):
                self._keep_value(hashed, row, value)

    def _keep_value(self, hashed: HashedImage, row: Row, value: bytes) -> None:
        self._waiting.setdefault(row, []).append((hashed, value))
        if time.monotonic() - self._committed > SECONDS_BETWEEN_COMMITS:
            self._commit()

    def _commit(self) -> None:
        """Write what has come in since the last time."""
        self._committed = time.monotonic()
        waiting, self._waiting = self._waiting, {}
        today = self._now // 10**9 // SECONDS_A_DAY
        for row, made in waiting.items():
            with self._expecting_trouble(), self._writing() as connection:
                number = self._id(row)
                rows = [
                    (
                        *_file(h.file),
                        bytes.fromhex(h.digest),
                        self._file_system_of(h.file.path),
                        today,
                    )
                    for h, _ in made
                ]
                connection.executemany("REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
                values = [_made(number, bytes.fromhex(h.digest), value) for h, value in made]
                connection.executemany("REPLACE INTO made VALUES (?, ?, ?, ?)", values)

    def _file_system_of(self, path: str) -> int | None:
        folder = os.path.dirname(os.fsencode(path))
        if folder not in self._file_systems:
            self._file_systems[folder] = _file_system(folder)
        return self._file_systems[folder]

    def _id(self, row: Row) -> int:
        """The number of a row in the file; what another version of it has made is dropped."""
        connection = self._open()
        found = connection.execute(
            "SELECT id, version FROM methods WHERE name = ?", (row.name,)
        ).fetchone()
        if found and found[1] == row.version:
            return int(found[0])
        with self._writing():
            if found:
                connection.execute("DELETE FROM made WHERE method = ?", (found[0],))
            values = (row.name, row.version)
            upsert = "ON CONFLICT (name) DO UPDATE SET version = excluded.version RETURNING id"
            insert = f"INSERT INTO methods (name, version) VALUES (?, ?) {upsert}"
            return int(connection.execute(insert, values).fetchone()[0])

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise _Unused
        return self._connection

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction, or a part of the one that has begun."""
        connection = self._open()
        if connection.in_transaction:
            yield connection
            return
        connection.execute("BEGIN IMMEDIATE")
        with connection:  # commits, or rolls back
            yield connection

    @contextlib.contextmanager
    def _expecting_trouble(self) -> Iterator[None]:
        """Begin a new cache instead of a damaged one; do without one that fails otherwise."""
        try:
            yield
        except _Unused:
            pass
        except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
            self._disconnect()
            assert self._path is not None
            damaged = _tells_of_damage(error)
            if not damaged or not (_lies_where_caches_do(self._path) or _is_ours(self._path)):
                remedy = "; remove it or name another file" if damaged else ""
                unused = f"the cache {self._path} can't be used: {error}{remedy}"
                self._warn(f"{unused}; photos are read anew.")
                return
            with contextlib.suppress(OSError, sqlite3.Error):
                aside = _set_aside(self._path)
                self._warn(f"the cache {self._path} is damaged and was set aside as {aside}.")
                self._connection = _connect(self._path)


def _values_of(hashed: HashedImage, rows: Rows) -> Iterator[tuple[Row, bytes]]:
    """What is kept of a picture, by the rows that hold it."""
    from pictures import fingerprint

    look = hashed.look
    yield rows.look, pack(look)
    if rows.hashes:
        yield rows.hashes, pack(look and fingerprint.only_hash(look.views[0].hash))
    if rows.embedding and hashed.embedding is not None:
        yield rows.embedding, hashed.embedding


def _has_content(path: str, digest: bytes) -> bool:
    try:
        return digest_file(path) == digest.hex()
    except OSError:
        return False


def _is_whole(digest: object, value: object, checksum: object) -> bool:
    """Whether a value and its digest are what was written, by their checksum."""
    if not isinstance(digest, bytes) or not isinstance(value, bytes):
        return False
    return len(digest) == DIGEST_BYTES and zlib.crc32(value, zlib.crc32(digest)) == checksum


class _Unused(Exception):
    """There is no cache in this run."""


class _Damaged(sqlite3.Error):
    """The file was ours."""


def _tells_of_damage(error: BaseException) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    # SQLite's messages quote the file, which may hold anything.
    damaged = isinstance(error, _Damaged | UnicodeDecodeError) or code in DAMAGED
    return damaged or UNSUPPORTED in str(error)


@contextlib.contextmanager
def _no_garbage() -> Iterator[None]:
    """Look for no garbage while there is none, but many new objects to look through."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextlib.contextmanager
def opened(path: str | None, warn: Callable[[str], None]) -> Iterator[Store]:
    """A cache, and its end. Raises UserError for a path where something else lies."""
    store = Store(path, warn)
    try:
        yield store
    finally:
        store.close()


def _connect(path: str) -> sqlite3.Connection:
    """Open a cache, or make one that only its owner may read: it shows the photos in small."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    for place in (path, *(path + suffix for suffix in BESIDE)):
        if os.path.lexists(place) and not stat.S_ISREG(os.lstat(place).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", place)
    os.close(system.open_file(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, timeout=SECONDS_TO_WAIT, isolation_level=None)
    with contextlib.ExitStack() as unless_prepared:
        unless_prepared.callback(connection.close)
        _bound(connection, os.path.getsize(path))
        _prepare(connection, path)
        unless_prepared.pop_all()
    return connection


def _bound(connection: sqlite3.Connection, size: int) -> None:
    """Let nothing in a file make SQLite go on for ever, or take much memory, or read no text."""
    turns = iter(range(LEAST_TURNS + size // BYTES_OF_A_TURN))
    connection.set_progress_handler(lambda: next(turns, None) is None, STEPS_AT_A_TIME)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_BYTES_OF_A_VALUE)
    connection.text_factory = lambda text: text.decode(errors="replace")


def _prepare(connection: sqlite3.Connection, path: str) -> None:
    if not _is_made(connection, path):
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("BEGIN EXCLUSIVE")  # another run may have been doing the same
        with connection:
            if not _is_made(connection, path):
                _make_tables(connection)
    if _schema(connection) != _own_schema():
        raise _Damaged("it holds other tables than ours")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute(HERE)


def _make_tables(connection: sqlite3.Connection) -> None:
    try:
        for statement in TABLES.split(";\n"):
            connection.execute(statement)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # what has their names is no table
            raise _Damaged(str(error)) from error
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
    """Whether a cache has the tables of today; UserError for another program's."""
    owner, layout = _owner_and_layout(connection)
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if owner != APPLICATION_ID and tables:
        if not _is_ours(path):
            raise UserError(f"CACHE_FILE {path} is another program's; name another file.")
        if connection.in_transaction:  # or another run has made them since
            raise _Damaged("its header is damaged")
    return (owner, layout) == (APPLICATION_ID, LAYOUT)


def _owner_and_layout(connection: sqlite3.Connection) -> tuple[int, int]:
    names = ("application_id", "user_version")
    owner, layout = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    return owner, layout


def _set_aside(path: str) -> str:
    """Rename a damaged cache, over one that was damaged before but over nothing else."""
    aside = path + DAMAGED_SUFFIX
    number = 1
    while os.path.lexists(aside) and not _is_ours(aside):
        number += 1
        aside = f"{path}{DAMAGED_SUFFIX}-{number}"
    os.replace(path, aside)
    for suffix in BESIDE:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path + suffix)
    return aside


def _lies_where_caches_do(path: str) -> bool:
    places = (os.path.realpath(os.path.dirname(p)) for p in (path, default_cache_file()))
    return len(set(places)) == 1


def _is_ours(path: str) -> bool:
    """Whether a file holds on its first page what only caches do."""
    try:
        with open_regular(path) as stream:
            head = stream.read(PAGE_BYTES)
    except OSError:
        return False
    return head[68:72] == APPLICATION_ID.to_bytes(4) or OUR_COLUMNS in head


def _list_here(connection: sqlite3.Connection, files: Iterable[ImageFile]) -> None:
    connection.execute("BEGIN")
    connection.execute("DELETE FROM temp.here")
    rows = ((number, *_file(file)) for number, file in enumerate(files))
    connection.executemany("INSERT INTO temp.here VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.execute("COMMIT")


def _file(file: ImageFile) -> File:
    inode = file.inode & LARGEST_INTEGER
    return os.fsencode(file.path), file.size, file.mtime_ns, file.ctime_ns, inode


def _made(method: int, digest: bytes, value: bytes) -> tuple[int, bytes, bytes, int]:
    return method, digest, value, zlib.crc32(value, zlib.crc32(digest))


def _below(folder: str) -> tuple[bytes, bytes]:
    """What sorts just before and just after all paths below a folder."""
    prefix = os.fsencode(folder).rstrip(b"/")
    return prefix + b"/", prefix + b"0"  # the character after the slash


def _gone(rows: Iterable[tuple[bytes, int]]) -> Iterator[tuple[bytes]]:
    """The paths at which there is nothing, though the disk is there that they were on.

    Where a disk isn't mounted its folder is missing, or is another disk's.
    """
    file_systems: dict[bytes, int | None] = {}
    for path, file_system in rows:
        folder = os.path.dirname(path)
        if folder not in file_systems:
            file_systems[folder] = _file_system(folder)
        if file_systems[folder] == file_system and _is_missing(path):
            yield (path,)


def _is_missing(path: bytes) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last for what is no path
        return True
    except OSError:  # nobody may look there
        pass
    return False


def _file_system(folder: bytes) -> int | None:
    """The number of the file system that a folder is on, or was: of the nearest one above it."""
    while _is_missing(folder):
        folder = os.path.dirname(folder)
    try:
        return system.number_of_file_system(folder) & LARGEST_INTEGER
    except OSError:
        return None


# ---- What would fill memory


class Spool:
    """The pictures of looks, in a file without a name until the run ends.

    Those of a large library would fill memory, and few of them are looked at. Where there is no
    room for the file they stay in memory.
    """

    def __init__(self, folder: str | None) -> None:
        self._folder = folder
        self._file: FileIO | None = None
        self._length = 0

    def __enter__(self) -> "Spool":
        with contextlib.suppress(OSError):
            self._file = tempfile.TemporaryFile(buffering=0, dir=self._folder)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def put(self, result: HashedImage | Unreadable) -> HashedImage | Unreadable:
        """The same result, with the pictures of its look out of memory."""
        if isinstance(result, Unreadable) or result.look is None:
            return result
        look = result.look
        if not look.views[0].gray:
            return result  # a hash alone; of a million of these each step counts
        views = tuple(
            replace(view, gray=self._keep(view.gray), fine=view.fine and self._keep(view.fine))
            for view in look.views
        )
        large = look.large and self._keep(look.large)
        return replace(result, look=replace(look, views=views, large=large))

    def _keep(self, data: "bytes | Spooled") -> "bytes | Spooled":
        from pictures.looks import Spooled, digest

        if self._file is None or not data or isinstance(data, Spooled):
            return data
        place, written = self._length, self._written(self._file, data)
        self._length += written
        kept = data if written < len(data) else None
        return Spooled(digest(data), self._file.fileno(), place, len(data), kept)

    def _written(self, file: FileIO, data: bytes) -> int:
        """How many bytes were written: none where others would lack room, the cache first."""
        try:
            if system.room_beside(file.fileno()) < LEAST_ROOM_BYTES:
                return 0
            return file.write(data)
        except OSError:
            return 0


# ---- A look as bytes

# Views; bytes of the colour, of a hash, of a gray, of the large picture, of a name; a time.
HEAD = struct.Struct("<BBHHIH?d")
VIEW = struct.Struct("<?I")  # whether it is framed, bytes of the fine picture


def pack(look: "Look | None") -> bytes:
    """A look as bytes; none for no look."""
    if look is None:
        return b""
    camera = look.taken.camera.encode("utf-8", "surrogatepass")[:0xFFFF] if look.taken else b""
    large = _in_memory(look.large)
    head = HEAD.pack(
        len(look.views),
        len(look.colour),
        len(look.views[0].hash),
        len(_in_memory(look.views[0].gray)),
        len(large),
        len(camera),
        look.taken is not None,
        look.taken.seconds if look.taken else 0.0,
    )
    return b"".join((head, look.colour, *map(_packed, look.views), large, camera))


def _packed(view: "View") -> bytes:
    gray, fine = _in_memory(view.gray), _in_memory(view.fine)
    return b"".join((VIEW.pack(view.framed, len(fine)), view.hash, gray, fine))


def _in_memory(data: "bytes | Spooled | None") -> bytes:
    assert data is None or isinstance(data, bytes)  # what was read is kept before it is spooled
    return data or b""


def unpack(value: bytes, hash_bytes: int | None = None) -> "Look | None":
    """The look that was packed; ValueError for what `pack` can't have made."""
    if not value:
        return None
    try:
        return _unpacked(value, hash_bytes)
    except struct.error as error:
        raise ValueError(f"it is cut off: {error}") from error


def _unpacked(value: bytes, wanted: int | None) -> "Look":
    from pictures.looks import COLOUR_SIDE, GRAY_SIDE, LARGE_SIDE, Look, Taken, View

    head = HEAD.unpack_from(value)
    count, colour_bytes, hash_bytes, gray_bytes, large, camera, is_taken, seconds = head
    place = HEAD.size + colour_bytes
    colour, found = value[HEAD.size : place], []
    for _ in range(count):
        framed, fine = VIEW.unpack_from(value, place)
        bits = place + VIEW.size
        gray, end = bits + hash_bytes, bits + hash_bytes + gray_bytes
        place = end + fine
        view = View(value[bits:gray], value[gray:end], framed, value[end:place] or None)
        found.append(view)
    camera_at = place + large
    sizes = (
        (hash_bytes, (wanted or hash_bytes,)),
        (colour_bytes, (0, 2 * COLOUR_SIDE**2)),
        (gray_bytes, (0, GRAY_SIDE**2)),
        (large, (0, LARGE_SIDE**2)),
        (len(value), (camera_at + camera,)),
    )
    if not count or any(size not in right for size, right in sizes):
        raise ValueError("it has other sizes than a look")
    if not math.isfinite(seconds) or not all(map(_is_fine, found)):
        raise ValueError("what is in it is no look")
    taken = None
    if is_taken:
        name = value[camera_at : camera_at + camera].decode("utf-8", "surrogatepass")
        taken = Taken(name, seconds)
    return Look(
        tuple(found),
        value[place:camera_at] or None,
        taken,
        colour,
    )


def _is_fine(view: "View") -> bool:
    """Whether the picture at a finer scale, if there is one, has its size."""
    from pictures.looks import PAGE_SIDE

    packed = _in_memory(view.fine)
    if not packed:
        return True
    packer = zlib.decompressobj()
    try:
        size = len(packer.decompress(packed, PAGE_SIDE**2 + 1))
    except zlib.error:
        return False
    return size == PAGE_SIDE**2 and packer.eof
