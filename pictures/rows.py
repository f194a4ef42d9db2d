"""The rows of a store: photos, those that are here or gone, and what is made of their content."""

import hashlib
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import imagehash
import PIL

from disk import system
from disk.files import ImageFile
from pictures.by_name import named
from pictures.recipe import FINGERPRINT, Recipe

File = tuple[bytes, int, int, int, int]  # path, size, mtime_ns, ctime_ns, inode
DIGEST_BYTES = hashlib.sha256().digest_size
POINTS_MADE_BY = "extras.points.installed:made_by"  # what takes part in local features
LARGEST_INTEGER = (1 << 63) - 1  # of SQLite


# ---- Photos


def list_here(connection: sqlite3.Connection, files: Iterable[ImageFile]) -> None:
    connection.execute("BEGIN")
    connection.execute("DELETE FROM temp.here")
    rows = ((number, *file_row(file)) for number, file in enumerate(files))
    connection.executemany("INSERT INTO temp.here VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.execute("COMMIT")


def file_row(file: ImageFile) -> File:
    inode = file.inode & LARGEST_INTEGER
    return os.fsencode(file.path), file.size, file.mtime_ns, file.ctime_ns, inode


def below(folder: str) -> tuple[bytes, bytes]:
    """What sorts just before and just after all paths below a folder."""
    separator = os.fsencode(os.sep)
    prefix = os.fsencode(folder).rstrip(separator)
    return prefix + separator, prefix + bytes([separator[0] + 1])


def gone(rows: Iterable[tuple[bytes, int]]) -> Iterator[tuple[bytes]]:
    """The paths at which there is nothing, though the disk is there that they were on.

    Where a disk isn't mounted its folder is missing, or is another disk's.
    """
    file_systems: dict[bytes, int | None] = {}
    for path, known in rows:
        folder = os.path.dirname(path)
        if folder not in file_systems:
            file_systems[folder] = file_system(folder)
        if file_systems[folder] == known and _is_missing(path):
            yield (path,)


def _is_missing(path: bytes) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last for what is no path
        return True
    except OSError:  # nobody may look there
        pass
    return False


def file_system(folder: bytes) -> int | None:
    """The number of the file system that a folder is on, or was: of the nearest one above it."""
    while _is_missing(folder):
        folder = os.path.dirname(folder)
    try:
        return system.number_of_file_system(folder) & LARGEST_INTEGER
    except OSError:
        return None


# ---- What is made of a content


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
    plain = recipe.only_hash or recipe.is_decoded_larger or recipe.by_thumbnail
    return Rows(
        Row(recipe.key, made_by(recipe), length),
        Row(embedding, version, recipe.vector_bytes) if embedding else None,
        None if plain else Row(recipe.hash_key, version, length),
    )


def made_by(recipe: Recipe) -> str:
    """The versions of all that takes part in a look by a recipe."""
    return _version() + (f", {named(POINTS_MADE_BY)()}" if recipe.points else "")


def _version() -> str:
    """All that takes part in a look: our code by its number, and what decodes and defines hashes.

    Pillow brings its decoders along. NumPy and SciPy aren't named: they only round, as other
    processors do, too.
    """
    packages = f"Pillow {PIL.__version__}, ImageHash {imagehash.__version__}"
    return f"fingerprint {FINGERPRINT}, {packages}"


@dataclass(frozen=True, slots=True)
class Value:
    """What was made of a file, and where its small pictures begin, if there are any."""

    data: bytes
    place: int | None = None
    length: int = 0  # of its small pictures


def whole(digest: object, value: object, checksum: object, place: object) -> Value | None:
    """A value, if it and its digest are what was written, by their checksum."""
    if not isinstance(digest, bytes) or not isinstance(value, bytes):
        return None
    if len(digest) != DIGEST_BYTES or zlib.crc32(value, zlib.crc32(digest)) != checksum:
        return None
    return Value(value, place if isinstance(place, int) else None)


def row_of(
    method: int, digest: bytes, value: Value
) -> tuple[int, int | None, int, bytes, bytes, int]:
    checksum = zlib.crc32(value.data, zlib.crc32(digest))
    return method, value.place, value.length, digest, value.data, checksum


def drop_oldest(connection: sqlite3.Connection, method: int, most: int) -> None:
    """Drop what was made first of one kind, if there is more of it than so much."""
    (count,) = connection.execute(
        "SELECT count(*) FROM made WHERE method = ?", (method,)
    ).fetchone()
    if count > most:
        oldest = "SELECT rowid FROM made WHERE method = ? ORDER BY rowid LIMIT ?"
        connection.execute(f"DELETE FROM made WHERE rowid IN ({oldest})", (method, count - most))
