"""What a search leaves for the next one: which looks it compared, and what came of it.

Which views are candidates, and what a look at two of them shows, is decided by two looks and the
rules, and by nothing else. So that is remembered, and not the matches, for which it counts what
comes first: the next search goes the same way through the same candidates, and finds what one
finds that remembers nothing.
"""

import hashlib
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pictures.candidates import Candidates, Search, none_among
from pictures.crops import PARTS, PartSearch
from pictures.effort import ALONE, Effort
from pictures.looks import Look, digest, look_digest
from pictures.presets import Rules
from pictures.recipe import FINGERPRINT
from pictures.searches import Memory
from pictures.sides import Sides
from pictures.table import Table

# Raised by hand whenever other views become candidates, or a look at two shows something else.
# Stands for all of our code that decides it; tests/test_remembered.py notices what it must be
# raised for.
SEARCH = 11
HEAD = struct.Struct("<QQQQ")  # looks, rows, candidates, candidates among parts
DIGEST_BYTES = 16
# The columns that are remembered of looks, besides their digests, and those of candidates.
OF_LOOKS = (np.int32, np.uint8)
OF_CANDIDATES = (np.int64, np.int16, np.float32)


@dataclass(frozen=True, slots=True)
class Shown:
    """The looks that are compared: their digests, ascending, their sides, and how many views."""

    looks: NDArray[np.bytes_]
    sides: NDArray[np.int32]
    views: NDArray[np.uint8]

    def first_rows(self) -> NDArray[np.int64]:
        """Where the views of each begin in a table of all of them."""
        ends: NDArray[np.int64] = np.cumsum(self.views, dtype=np.int64)
        return ends - self.views


def shown_of(
    looks: Sequence[Look | None], table: Table, sides: Sides | None, *, parts: bool = False
) -> Shown:
    """What is compared of some looks, in the order of their digests; perhaps with their parts."""
    owners, views = np.unique(table.owner, return_counts=True)
    digests = b"".join(_digest(look, parts=parts) for look in looks if look)
    own_sides = np.zeros(len(owners)) if sides is None else sides[owners]
    shown = np.frombuffer(digests, f"S{digest_bytes(parts=parts)}")
    assert len(shown) == len(owners) and (shown[:-1] < shown[1:]).all()
    return Shown(shown, own_sides.astype(np.int32), views.astype(np.uint8))


def digest_bytes(*, parts: bool) -> int:
    """How long the digest of a look is, and perhaps of what its parts are cut out of."""
    return 2 * DIGEST_BYTES if parts else DIGEST_BYTES


def _digest(look: Look, *, parts: bool) -> bytes:
    shown = bytes.fromhex(look_digest(look))
    return shown + digest(look.large or b"") if parts else shown


@dataclass(frozen=True, slots=True)
class Compared:
    """Looks of which all were compared with all, and the candidates among their views and parts."""

    shown: Shown
    candidates: Candidates
    parts: Candidates

    def known_of(self, now: Shown) -> tuple[Candidates, Candidates, NDArray[np.bool_]]:
        """The candidates among the looks that are still there, and which rows of today are new."""
        before, rows = self.shown, int(now.views.sum())
        place = np.searchsorted(before.looks, now.looks)
        place[place == len(before.looks)] = 0
        same = before.looks[place] == now.looks
        same &= (before.sides[place] == now.sides) & (before.views[place] == now.views)
        row_now = np.full(self.candidates.rows, -1)
        old, new = before.first_rows()[place[same]], now.first_rows()[same]
        views = now.views[same]
        for view in range(int(views.max(initial=0))):
            there = views > view
            row_now[old[there] + view] = new[there] + view
        known = np.zeros(rows, np.bool_)
        known[row_now[row_now >= 0]] = True
        return self.candidates.among(rows, row_now), self.parts.among(rows, row_now), ~known


# ---- As bytes


def packed(compared: Compared) -> bytes:
    """What was compared as bytes, and before them a digest of these."""
    shown, found, parts = compared.shown, compared.candidates, compared.parts
    head = HEAD.pack(len(shown.looks), found.rows, len(found.keys), len(parts.keys))
    columns = [shown.looks, shown.sides, shown.views]
    for some in (found, parts):
        columns += [some.keys, some.distance, some.shown]
    data = b"".join((head, *(column.tobytes() for column in columns)))
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).digest() + data


def unpacked(data: bytes, length: int = DIGEST_BYTES) -> Compared | None:
    """What was packed, of looks with digests of a length; None for anything else."""
    begin, data = data[:DIGEST_BYTES], data[DIGEST_BYTES:]
    if len(data) < HEAD.size or begin != hashlib.blake2b(data, digest_size=DIGEST_BYTES).digest():
        return None
    looks, rows, candidates, parts = HEAD.unpack_from(data)
    columns, place = [], HEAD.size
    of_looks = (f"S{length}", *OF_LOOKS)
    for kinds, count in ((of_looks, looks), (OF_CANDIDATES, candidates), (OF_CANDIDATES, parts)):
        for kind in kinds:
            columns.append(np.frombuffer(data, kind, count, place).copy())
            place += columns[-1].nbytes
    keys, distance, seen, *columns_of_parts = columns[3:]
    found = Candidates(rows, keys, distance, seen)
    keys, distance, seen = columns_of_parts
    return Compared(Shown(*columns[:3]), found, Candidates(rows, keys, distance, seen, PARTS))


# ---- From one search to the next


@dataclass(frozen=True, slots=True)
class Remembering:
    """A search, and perhaps one for parts; and what leaves for the next one what came of them."""

    search: Search
    parts: PartSearch | None
    leave: Callable[[], None] = lambda: None


def remembering(
    memory: Memory | None,
    looks: Sequence[Look | None],
    table: Table,
    rules: Rules,
    sides: Sides | None,
    effort: Effort = ALONE,
) -> Remembering:
    """A search that knows what an earlier one has left; the looks come in the order of digests.

    Without a memory it knows nothing, and leaves nothing.
    """
    has_parts = rules.crops is not None
    if memory is None:
        parts = PartSearch(table, looks, rules, sides, effort=effort) if has_parts else None
        return Remembering(Search(table, rules, sides, effort=effort), parts)
    across = "" if sides is None else ", across"
    name = f"{memory.words}; {rules}{across}, {table.hashes.shape[1]} words; {_version()}"
    data = memory.recall(name)
    shown = shown_of(looks, table, sides, parts=has_parts)
    before = unpacked(data, digest_bytes(parts=has_parts))
    known, of_parts, new = before.known_of(shown) if before else (None, None, None)
    search, parts = Search(table, rules, sides, known, new, effort), None
    if has_parts:
        parts = PartSearch(table, looks, rules, sides, of_parts, new, effort)

    def leave() -> None:
        left = _left(shown, search, parts) or data
        if left != data:
            memory.remember(name, left)

    return Remembering(search, parts, leave)


def _left(shown: Shown, search: Search, parts: PartSearch | None) -> bytes:
    """What is left of a search; nothing where there was too much of it to be put in order."""
    among_parts = parts.ordered if parts else none_among(len(shown.views), PARTS)
    if not search.ordered or not among_parts:
        return b""
    return packed(Compared(shown, search.ordered, among_parts))


def _version() -> str:
    """All that takes part in what is remembered, besides looks and rules, even what only rounds."""
    return f"search {SEARCH}, fingerprint {FINGERPRINT}, NumPy {np.__version__}"
