"""The exact search for vectors of nearly one direction: all pairs from some cosine on."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pictures.sides import Sides, across

Vectors = NDArray[np.float32]  # rows of length 1
Pairs = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]  # rows, rows, cosines

BLOCK = 2048  # vectors compared at once
NEAREST = 64  # matches of a picture with later ones that count, the most alike


def close_vectors(vectors: Vectors, least: float, sides: Sides | None = None) -> Iterator[Pairs]:
    """Yield all pairs of rows i < j of a cosine of at least `least`, with their cosines.

    Of a row with very many only the `NEAREST` most alike are yielded. Exact otherwise; the rows
    have length 1, memory is a block of cosines, whatever the number of rows. With `sides`, only
    rows that lie apart are compared.
    """
    if sides is None:
        yield from _close_rows(vectors, vectors, least)
        return
    for one, other in across(sides):
        rows, others = (one, one) if other is None else sorted((one, other), key=len)[::-1]
        left = vectors[rows]
        for i, j, cosine in _close_rows(left, left if other is None else vectors[others], least):
            yield np.minimum(rows[i], others[j]), np.maximum(rows[i], others[j]), cosine


def _close_rows(left: Vectors, right: Vectors, least: float) -> Iterator[Pairs]:
    """The close rows of two tables; of one and the same those i < j."""
    for top in range(0, len(left), BLOCK):
        begin = top if right is left else 0
        found = _close_in_block(left, right, top, begin, least)
        for start in range(begin + BLOCK, len(right), BLOCK):
            more = _close_in_block(left, right, top, start, least)
            if len(more[0]):
                found = _nearest(
                    np.concatenate((found[0], more[0])),
                    np.concatenate((found[1], more[1])),
                    np.concatenate((found[2], more[2])),
                )
        yield _nearest(*found)


def _close_in_block(left: Vectors, right: Vectors, top: int, start: int, least: float) -> Pairs:
    cosines = left[top : top + BLOCK] @ right[start : start + BLOCK].T
    flat = np.flatnonzero(cosines >= np.float32(least))
    i, j = np.divmod(flat, cosines.shape[1])
    cosine, i, j = cosines.ravel()[flat], i + top, j + start
    if right is left:
        cosine, i, j = cosine[i < j], i[i < j], j[i < j]
    return i, j, cosine


def _nearest(i: NDArray[np.intp], j: NDArray[np.intp], cosine: Vectors) -> Pairs:
    """The most alike pairs of each row, row by row."""
    order = np.lexsort((j, -cosine, i))
    i, j, cosine = i[order], j[order], cosine[order]
    near = np.arange(len(i)) - np.searchsorted(i, i) < NEAREST
    return i[near], j[near], cosine[near]
