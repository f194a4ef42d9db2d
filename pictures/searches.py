"""What searches leave for the next ones, in the tables of a store: bytes, by the searches' names.

A name is told by its digest, and what is long is in several parts.
"""

import hashlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from pictures.rows import Row, Value, row_of, whole

# As a row of methods; what another version has left has other names.
SEARCHES = Row("searches", "1")
MOST_SEARCHES = 4  # by other rules, or of other folders, of which the last ones stay
PART_BYTES = 1 << 23  # a value may be somewhat longer
NAME_BYTES = 24  # of a digest, of which the rest is the number of a part
NUMBER_BYTES = 8

REMEMBER = "REPLACE INTO made VALUES (?, ?, ?, ?, ?, ?)"
RECALL = """
SELECT digest, value, checksum FROM made WHERE method = ? AND substr(digest, 1, ?) = ?
ORDER BY digest
"""
FORGET = "DELETE FROM made WHERE method = ? AND substr(digest, 1, ?) = ?"
LATEST = """
SELECT substr(digest, 1, ?) AS name FROM made WHERE method = ? GROUP BY name
ORDER BY max(rowid) DESC
"""


@dataclass(frozen=True, slots=True)
class Memory:
    """What recalls by a name what a search has left, or nothing; and what remembers it.

    The words that go with it are part of each name, such as where the photos lie.
    """

    recall: Callable[[str], bytes]
    remember: Callable[[str, bytes], None]
    words: str = ""


def recalled(connection: sqlite3.Connection, number: int, name: str) -> bytes:
    """What was remembered by a name; nothing if a part of it isn't whole."""
    parts: list[bytes] = []
    asked = (number, NAME_BYTES, _digest(name))
    for key, value, checksum in connection.execute(RECALL, asked):
        part = whole(key, value, checksum, None)
        if part is None or key != _key(name, len(parts)):
            return b""
        parts.append(part.data)
    return b"".join(parts)


def remember(connection: sqlite3.Connection, number: int, name: str, data: bytes) -> None:
    """Remember something by a name in the place of what was; the oldest are forgotten."""
    connection.execute(FORGET, (number, NAME_BYTES, _digest(name)))
    starts = range(0, len(data), PART_BYTES)
    parts = [data[start : start + PART_BYTES] for start in starts]
    rows = [row_of(number, _key(name, n), Value(part)) for n, part in enumerate(parts)]
    connection.executemany(REMEMBER, rows)
    latest = connection.execute(LATEST, (NAME_BYTES, number)).fetchall()
    for (old,) in latest[MOST_SEARCHES:]:
        connection.execute(FORGET, (number, NAME_BYTES, old))


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:NAME_BYTES]


def _key(name: str, part: int) -> bytes:
    return _digest(name) + part.to_bytes(NUMBER_BYTES, "big")
