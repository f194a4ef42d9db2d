"""The search that compares every pair of hashes, strip by strip, by NumPy or by a compiled loop.

A strip is some rows of one table beside some columns, which are the rows of another one. Strips
don't hang on each other, so threads share them. What is close comes in one order, whatever loop
finds it and however many threads there are.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product

import numpy as np
from numpy.typing import NDArray

from disk import system
from pictures.by_name import named

Words = NDArray[np.uint64]
ROWS = 64  # of a strip
ROWS_OF_MANY = 256  # of one of many, as what is done once for each would cost a fifth
MANY_ROWS = 1 << 15
COLUMNS = 1 << 14
STEP = 1024  # columns compared at once: few enough that they stay in a processor's cache
HEIGHT = 64  # rows that NumPy compares with these at once
FEW = 1 / 16  # of a step's pairs are looked at one by one, more all together
COMPILED = "numba"  # the package that compiles the loops of extras.popcount
LOOPS = "extras.popcount"
# Bytes that are free where the loops are compiled; that takes 150 MB, and 300 MB of addresses.
# Packages with less than that may wait for ever, or leave none for what is compared.
ROOM = 400_000_000
COMPILED_WORDS = 4  # of a hash, in those loops
# From so many pairs on the loops save more than they take to be compiled.
MANY = 1 << 28
SPEED_UP = 5  # how many times as quick they are, measured
# Takes rows, columns by words, the first and the last of these, a threshold, and room for places;
# gives how many places there are.
Loop = Callable[[Words, Words, int, int, int, NDArray[np.int64]], int]
_ALSO: ContextVar[int] = ContextVar("pairs of all searches of which one is", default=0)
FOUND = 4096  # room for so many places at first
Places = tuple[NDArray[np.intp], NDArray[np.intp]]


@dataclass(slots=True)
class Compiler:
    """Why this process has no compiled loops though what compiles them is there, once it knows."""

    failure: str = ""


COMPILER = Compiler()


@dataclass(frozen=True, slots=True)
class Strip:
    """Rows and columns that are compared with each other, those at the ends not among them."""

    top: int
    bottom: int
    start: int
    stop: int
    pairs: int


def strips(rows: int, columns: int, *, ahead: bool) -> Iterator[Strip]:
    """All pairs of some rows and columns in strips; with `ahead` those of row < column.

    >>> [strip.pairs for strip in strips(2, 3, ahead=False)]
    [6]
    >>> [strip.pairs for strip in strips(100, 100, ahead=True)]
    [4320, 630]
    """
    most = ROWS if rows < MANY_ROWS else ROWS_OF_MANY
    for top in range(0, rows, most):
        bottom = min(top + most, rows)
        first = top if ahead else 0
        for start in range(first, columns, COLUMNS):
            stop = min(start + COLUMNS, columns)
            height = bottom - top
            behind = height * (height + 1) // 2 if ahead and start == first else 0
            yield Strip(top, bottom, start, stop, height * (stop - start) - behind)


class Comparing:
    """Two tables of hashes of which strips are compared."""

    def __init__(self, left: Words, right: Words, loop: str) -> None:
        """Compare as one of the `loops` does: "close" by bits that differ, or "close_folded"."""
        self._left, self._columns = np.ascontiguousarray(left), np.ascontiguousarray(right.T)
        self._compiled = compiled(loop, len(left) * len(right), left.shape[1])
        self._plain = PLAIN[loop]

    def close(self, strip: Strip, threshold: int) -> Places:
        """The rows and columns of a strip that are close, and perhaps some that aren't quite."""
        if self._compiled:
            return self._by_loop(self._compiled, strip, threshold)
        found = []
        for start, top in product(
            range(strip.start, strip.stop, STEP), range(strip.top, strip.bottom, HEIGHT)
        ):
            rows = np.ascontiguousarray(self._left[top : min(top + HEIGHT, strip.bottom)].T)
            columns = self._columns[:, start : min(start + STEP, strip.stop)]
            i, j = self._plain(rows, columns, threshold)
            found.append((i + top, j + start))
        i, j = (np.concatenate(side) for side in zip(*found, strict=True))
        return i, j

    def _by_loop(self, loop: Loop, strip: Strip, threshold: int) -> Places:
        rows, count, room = self._left[strip.top : strip.bottom], FOUND, 0
        while count > room:
            room = count
            places = np.empty(room, np.int64)
            count = loop(rows, self._columns, strip.start, strip.stop, threshold, places)
        i, j = np.divmod(places[:count], self._columns.shape[1])
        return i + strip.top, j


def compiled(name: str, pairs: int, words: int) -> Loop | None:
    """A compiled loop for so many pairs, where it pays and what compiles it is there and works."""
    if not compiling_pays(pairs, words):
        return None
    try:
        loop: Loop = named(f"{LOOPS}:{name}")
        _try(loop)
    # A package of others that isn't whole, or doesn't fit the rest, may raise anything when it is
    # imported or compiles (even SystemExit), and NumPy does the same without it.
    except (Exception, SystemExit) as error:  # noqa: BLE001
        COMPILER.failure = (str(error).strip() or type(error).__name__).splitlines()[0]
        return None
    return loop


def _try(loop: Loop) -> None:
    """Raise an error unless a loop finds the one pair of two equal hashes."""
    place = np.full(1, -1, np.int64)
    hashes = np.zeros((2, COMPILED_WORDS, COMPILED_WORDS), np.uint64)
    if loop(hashes[0, :1], hashes[1, :, :1].copy(), 0, 1, 0, place) != 1 or place[0] != 0:
        raise ValueError("its loops find something else")


def cost_of_pairs(pairs: int, words: int, passes: int) -> float:
    """What it costs to compare so many pairs so often, in pairs that NumPy compares once."""
    return passes * pairs / (SPEED_UP if compiling_pays(pairs, words) else 1)


@contextmanager
def in_all(pairs: int) -> Iterator[None]:
    """Small searches, in which so many pairs are compared in all."""
    before = _ALSO.set(_ALSO.get() or pairs)
    try:
        yield
    finally:
        _ALSO.reset(before)


def compiling_pays(pairs: int, words: int) -> bool:
    """Whether there is a compiled loop for such hashes, and so many pairs are worth it."""
    return (
        max(pairs, _ALSO.get()) >= MANY
        and words == COMPILED_WORDS
        and not COMPILER.failure
        and all(map(find_spec, (COMPILED, "extras")))
        and (LOOPS in sys.modules or has_room())
    )


def has_room() -> bool:
    """Whether there is memory to compile the loops in."""
    free = system.free_memory()
    return free is None or free >= ROOM


# ---- By NumPy


def _close(rows: Words, columns: Words, threshold: int) -> Places:
    """All close pairs of a block and some others; most blocks are done after half of the words."""
    half = -(-len(rows) // 2)
    total = distances(rows[:half], columns[:half])
    close = total <= threshold
    if half < len(rows) and np.count_nonzero(close) > FEW * close.size:
        # A byte can't hold 256 and says 0; such a pair is found out later.
        np.add(total, distances(rows[half:], columns[half:]), out=total)
        np.less_equal(total, threshold, out=close)
    return _places(close)


def _close_folded(rows: Words, columns: Words, threshold: int) -> Places:
    """The pairs that may be close if words are complemented where they then differ less.

    By their first two words.
    """
    first, second = (distances(rows[[word]], columns[[word]]) for word in (0, 1))
    least = np.minimum(first, 64 - first) + np.minimum(second, 64 - second)
    return _places(least <= threshold)


PLAIN = {"close": _close, "close_folded": _close_folded}


def distances(rows: Words, columns: Words) -> NDArray[np.unsignedinteger]:
    """Hamming distances of all rows from all columns, in a byte for up to 256 bits."""
    byte = np.uint8 if len(rows) <= 4 else np.uint16
    total: NDArray[np.unsignedinteger]
    total = np.bitwise_count(rows[0][:, None] ^ columns[0]).astype(byte, copy=False)
    for one, other in zip(rows[1:], columns[1:], strict=True):
        total += np.bitwise_count(one[:, None] ^ other)
    return total


def _places(mask: NDArray[np.bool_]) -> Places:
    """Where a mask is true, row by row; on one axis that is looked up far more quickly."""
    return np.divmod(np.flatnonzero(mask), mask.shape[1])
