"""The exact search for vectors of nearly one direction: the nearest of each, and all very near.

Vectors are compared in whole numbers, of which no sum is rounded. So the cosine of two is the same
whatever they are compared with at once, and on any machine.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from pictures.sides import Sides, lie_apart

Vectors = NDArray[np.float32]  # rows of length 1
Numbers = NDArray[np.intp]
Pairs = tuple[Numbers, Numbers, NDArray[np.float32]]  # rows, rows, cosines

# Raised by hand whenever other vectors are near.
NEAR = 1

BLOCK = 2048  # vectors compared at once
MOST = 64  # pairs of a row that count, the nearest
OF_ALIKE = 2
LONGEST = 1 << 12  # its square is the largest number up to which float32 has all whole ones


_Rows = tuple[Vectors, Numbers]  # vectors, and which rows they are


@dataclass(frozen=True, slots=True)
class Limits:
    """How near two vectors must be, as `near_vectors` takes it."""

    least: float
    nearest: int
    close: float


def near_vectors(
    vectors: Vectors,
    limits: Limits,
    sides: Sides | None = None,
    alike: NDArray[np.bool_] | None = None,
) -> Pairs:
    """The pairs of rows i < j that are near, in the order of the rows, with their cosines.

    Near are two of which one is among the `nearest` of the other, with a cosine of at least
    `least`, or which have one of at least `close`; of a row only the `MOST` nearest are asked. Of
    equal ones the first count. Exact; the rows have length 1, and in memory is a block of cosines
    beside what is found. With `sides`, only rows that lie apart are compared. Of two that are
    `alike` to the model, whatever they are, only the `OF_ALIKE` nearest count.
    """
    every = vectors, np.arange(len(vectors))
    found = []
    for rows, others, cosines in _nearest_of(every, every, limits, sides):
        place = np.arange(len(rows)) - np.searchsorted(rows, rows)
        near = (cosines >= limits.close) | ((place < limits.nearest) & (cosines >= limits.least))
        if alike is not None:
            near &= (place < OF_ALIKE) | ~(alike[rows] & alike[others])
        found.append((rows[near], others[near], cosines[near]))
    return _once_each(found, len(vectors))


def nearest_among(
    vectors: Vectors, limits: Limits, sides: Sides | None = None, block: Numbers | None = None
) -> Pairs:
    """The pairs of rows i < j, with their cosines, of which any may be near among more rows.

    Where each row lies in block 0 or 1, only those of different blocks are compared.
    """
    of = (
        [np.arange(len(vectors))] if block is None else [np.flatnonzero(block == n) for n in (0, 1)]
    )
    blocks = [(vectors[rows], rows) for rows in of]
    found = []
    for some, others in zip(blocks, blocks[::-1], strict=True):
        for rows, near, cosines in _nearest_of(some, others, limits, sides):
            place = np.arange(len(rows)) - np.searchsorted(rows, rows)
            may_be = (cosines >= limits.close) | (place < limits.nearest)
            found.append((rows[may_be], near[may_be], cosines[may_be]))
    return _once_each(found, len(vectors))


def cosine_of(one: Vectors, other: Vectors) -> float:
    """The cosine of two vectors of length 1."""
    both = _in_whole_numbers(np.stack((one, other)), np.arange(2))
    product = np.array([both.whole[0] @ both.whole[1]])
    return float(_cosines(product, both.squares[:1], both.squares[1:])[0])


def _once_each(found: list[Pairs], size: int) -> Pairs:
    """Pairs of rows in their order, each once, whichever of the two was asked."""
    none = np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0, np.float32)
    rows, others, cosines = (np.concatenate(some) for some in zip(none, *found, strict=True))
    left, right = np.minimum(rows, others), np.maximum(rows, others)
    _, first = np.unique(left * size + right, return_index=True)
    return left[first], right[first], cosines[first]


@dataclass(frozen=True, slots=True)
class _Whole:
    """Some rows in whole numbers, the squares of their lengths, and which rows they are."""

    whole: Vectors
    squares: NDArray[np.float64]
    rows: Numbers


def _in_whole_numbers(vectors: Vectors, rows: Numbers) -> _Whole:
    """Vectors so long that no sum of products is larger than `LONGEST` squared."""
    longest = LONGEST - isqrt(vectors.shape[1]) // 2 - 2  # numbers are rounded by a half at most
    whole = np.rint(vectors * np.float32(longest))
    return _Whole(whole, np.einsum("ij,ij->i", whole, whole).astype(np.float64), rows)


def _block_of(every: _Rows, start: int) -> _Whole:
    """Some of the rows from one on; so few at a time, as they would take as much memory again."""
    (vectors, rows), block = every, slice(start, start + BLOCK)
    return _in_whole_numbers(vectors[block], rows[block])


def _cosines(
    products: Vectors, squares: NDArray[np.float64], others: NDArray[np.float64]
) -> NDArray[np.float32]:
    lengths = np.sqrt(np.maximum(squares * others, 1))
    cosines: NDArray[np.float32] = (products / lengths).astype(np.float32)
    return cosines


def _nearest_of(
    every: _Rows, others: _Rows, limits: Limits, sides: Sides | None
) -> Iterator[Pairs]:
    """The nearest of some rows among others, row by row, some rows at a time."""
    floor = min(limits.least, limits.close)
    for top in range(0, len(every[1]), BLOCK):
        some = _block_of(every, top)
        found = _in_block(some, _block_of(others, 0), floor, sides)
        for start in range(BLOCK, len(others[1]), BLOCK):
            more = _in_block(some, _block_of(others, start), floor, sides)
            if len(more[0]):
                found = _nearest_first(
                    np.concatenate((found[0], more[0])),
                    np.concatenate((found[1], more[1])),
                    np.concatenate((found[2], more[2])),
                )
        yield found


def _least(ones: _Whole, others: _Whole, floor: float) -> float:
    """A product that none with a cosine of `floor` is below; of few others it is."""
    if floor <= 0:
        return -np.inf
    shortest = ones.squares.min(initial=LONGEST**2) * others.squares.min(initial=LONGEST**2)
    return float(floor * np.sqrt(shortest) - LONGEST)


def _in_block(ones: _Whole, others: _Whole, floor: float, sides: Sides | None) -> Pairs:
    """The nearest others of some rows, in one block of them."""
    products = ones.whole @ others.whole.T
    flat = np.flatnonzero(products >= np.float32(_least(ones, others, floor)))
    one, other = np.divmod(flat, products.shape[1])
    cosines = _cosines(products.ravel()[flat], ones.squares[one], others.squares[other])
    rows, near = ones.rows[one], others.rows[other]
    kept = (cosines >= np.float32(floor)) & (rows != near) & lie_apart(sides, rows, near)
    return _nearest_first(rows[kept], near[kept], cosines[kept])


def _nearest_first(rows: NDArray[np.intp], others: NDArray[np.intp], cosines: Vectors) -> Pairs:
    """The nearest others of each row, row by row, the nearest first."""
    order = np.lexsort((others, -cosines, rows))
    rows, others, cosines = rows[order], others[order], cosines[order]
    some = np.arange(len(rows)) - np.searchsorted(rows, rows) < MOST
    return rows[some], others[some], cosines[some]
