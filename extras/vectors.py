"""The exact search for vectors of nearly one direction: the nearest of each, and all very near."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pictures.sides import Sides, lie_apart

Vectors = NDArray[np.float32]  # rows of length 1
Pairs = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]  # rows, rows, cosines

BLOCK = 2048  # vectors compared at once
MOST = 64  # pairs of a row that count, the nearest
OF_ALIKE = 2


def near_vectors(
    vectors: Vectors,
    least: float,
    nearest: int,
    close: float,
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
    found = list(_of_rows(vectors, least, nearest, close, sides, alike))
    if not found:
        return np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0, np.float32)
    rows = np.concatenate([some for some, _, _ in found])
    others = np.concatenate([some for _, some, _ in found])
    cosines = np.concatenate([some for _, _, some in found])
    left, right = np.minimum(rows, others), np.maximum(rows, others)
    _, first = np.unique(left * len(vectors) + right, return_index=True)
    return left[first], right[first], cosines[first]


def _of_rows(
    vectors: Vectors,
    least: float,
    nearest: int,
    close: float,
    sides: Sides | None,
    alike: NDArray[np.bool_] | None,
) -> Iterator[Pairs]:
    """What is near each row, some rows at a time."""
    floor = min(least, close)
    for top in range(0, len(vectors), BLOCK):
        found = _in_block(vectors, top, 0, floor, sides)
        for start in range(BLOCK, len(vectors), BLOCK):
            more = _in_block(vectors, top, start, floor, sides)
            if len(more[0]):
                found = _nearest_first(
                    np.concatenate((found[0], more[0])),
                    np.concatenate((found[1], more[1])),
                    np.concatenate((found[2], more[2])),
                )
        rows, others, cosines = found
        place = np.arange(len(rows)) - np.searchsorted(rows, rows)
        near = (cosines >= close) | ((place < nearest) & (cosines >= least))
        if alike is not None:
            near &= (place < OF_ALIKE) | ~(alike[rows] & alike[others])
        yield rows[near], others[near], cosines[near]


def _in_block(vectors: Vectors, top: int, start: int, floor: float, sides: Sides | None) -> Pairs:
    """The nearest others of some rows, in one block of them."""
    cosines = vectors[top : top + BLOCK] @ vectors[start : start + BLOCK].T
    flat = np.flatnonzero(cosines >= np.float32(floor))
    rows, others = np.divmod(flat, cosines.shape[1])
    cosine, rows, others = cosines.ravel()[flat], rows + top, others + start
    apart = (rows != others) & lie_apart(sides, rows, others)
    return _nearest_first(rows[apart], others[apart], cosine[apart])


def _nearest_first(rows: NDArray[np.intp], others: NDArray[np.intp], cosines: Vectors) -> Pairs:
    """The nearest others of each row, row by row, the nearest first."""
    order = np.lexsort((others, -cosines, rows))
    rows, others, cosines = rows[order], others[order], cosines[order]
    some = np.arange(len(rows)) - np.searchsorted(rows, rows) < MOST
    return rows[some], others[some], cosines[some]
