"""Photos as rows of a store: those that are here, and those that are gone."""

import os
import sqlite3
from collections.abc import Iterable, Iterator

from disk import system
from disk.files import ImageFile

File = tuple[bytes, int, int, int, int]  # path, size, mtime_ns, ctime_ns, inode

LARGEST_INTEGER = (1 << 63) - 1  # of SQLite


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
