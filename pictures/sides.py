"""Sides on which pictures lie, such as a card and a library: only what lies apart is compared.

A side is a number from 0 on, its value says nothing. A picture of which there are files on several
sides lies apart from all, as one of its files does.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pictures.effort import UNTOLD, Work
from pictures.hamming import Found, close_pairs, close_turned_pairs, count_of_pairs
from pictures.images import SEVERAL

# Which turn undoes each, as `bandpass.WAYS` counts them.
TURNED_BACK = (0, 1, 2, 3, 4, 6, 5, 7, 8, 9, 10, 11, 12, 14, 13, 15)
Sides = NDArray[np.intp]
Rows = NDArray[np.intp]


def sides_of(files: Sequence[Sequence[int]], sides: Sequence[int] | None) -> Sides | None:
    """The side of each picture, by those of its files; None if nothing has a side.

    >>> sides_of([[0], [1, 2], [3, 4]], [7, 0, 1, 1, 1])
    array([ 7, -1,  1])
    """
    if sides is None:
        return None
    several = [{sides[position] for position in positions} for positions in files]
    return np.array([one.pop() if len(one) == 1 else SEVERAL for one in several], np.intp)


def may_be_compared(sides: Sides | None, one: int, other: int) -> bool:
    """Whether two pictures lie on different sides; all do that have none."""
    return sides is None or sides[one] != sides[other] or sides[one] == SEVERAL


def lie_apart(sides: Sides | None, left: Rows, right: Rows) -> NDArray[np.bool_]:
    """Whether each of some rows lies on another side than that of others; all do that have none."""
    if sides is None:
        return np.ones(len(left), np.bool_)
    apart: NDArray[np.bool_] = (sides[left] != sides[right]) | (sides[left] == SEVERAL)
    return apart


def span_several(sides: Sequence[int] | None, members: Sequence[int]) -> bool:
    """Whether some pictures lie on more than one side, or have none."""
    if sides is None:
        return True
    found = {sides[member] for member in members}
    return len(found) > 1 or SEVERAL in found


def across(sides: Sides) -> Iterator[tuple[Rows, Rows | None]]:
    """Yield rows and others with which each of them is to be compared: all pairs that lie apart.

    Each pair comes once, in whatever order; without others the rows are to be compared with each
    other. What comes first is decided by where the sides begin, not by their numbers.

    >>> [(one.tolist(), other.tolist()) for one, other in across(np.array([5, 2, 5, 2, 7]))]
    [([0, 2], [1, 3, 4]), ([1, 3], [4])]
    """
    values, begin = np.unique(sides, return_index=True)
    left = np.ones(len(sides), np.bool_)
    for side in values[np.argsort(begin)]:
        if side != SEVERAL:
            left &= sides != side
            if left.any():
                yield np.flatnonzero(sides == side), np.flatnonzero(left)
    if SEVERAL in values:
        yield np.flatnonzero(sides == SEVERAL), None


def between(left: Sides, right: Sides) -> Iterator[tuple[Rows, Rows]]:
    """Yield rows of one table and those of another from which they lie apart."""
    values, begin = np.unique(left, return_index=True)
    for side in values[np.argsort(begin)]:
        others = np.flatnonzero((right != side) | (right == SEVERAL))
        if len(others):
            yield np.flatnonzero(left == side), others


# ---- Close hashes


def count_of_pairs_across(rows: int, sides: Sides | None) -> int:
    """How many pairs of rows lie apart, and are compared."""
    if sides is None:
        return count_of_pairs(rows, None)
    regions = across(sides)
    return sum(
        count_of_pairs(len(one), None if other is None else len(other)) for one, other in regions
    )


def count_of_pairs_between(left: int, right: int, sides: tuple[Sides, Sides] | None) -> int:
    """How many pairs of rows of two tables lie apart."""
    if sides is None:
        return left * right
    return sum(len(one) * len(other) for one, other in between(*sides))


def close_pairs_across(
    hashes: NDArray[np.uint64], threshold: int, sides: Sides | None, work: Work = UNTOLD
) -> Iterator[Found]:
    """Yield the pairs i < j of `close_pairs` that lie apart; others are not compared."""
    if sides is None:
        yield from close_pairs(hashes, threshold, work=work)
        return
    for one, other in map(_smaller_first, across(sides)):
        others = None if other is None else hashes[other]
        both_ways = other is not None
        found = close_pairs(hashes[one], threshold, others, both_ways=both_ways, work=work)
        for i, j, distance in found:
            left, right = one[i], (one if other is None else other)[j]
            yield np.minimum(left, right), np.maximum(left, right), distance


def close_pairs_between(
    left: NDArray[np.uint64],
    threshold: int,
    right: NDArray[np.uint64],
    sides: tuple[Sides, Sides] | None,
    work: Work = UNTOLD,
) -> Iterator[Found]:
    """Yield the close rows i of one table and j of another that lie apart, by the rows' sides."""
    if sides is None:
        yield from close_pairs(left, threshold, right, both_ways=True, work=work)
        return
    for one, other in between(*sides):
        found = close_pairs(left[one], threshold, right[other], both_ways=True, work=work)
        for i, j, distance in found:
            yield one[i], other[j], distance


def close_turned_pairs_across(
    signs: NDArray[np.uint64],
    transposed: NDArray[np.uint64],
    threshold: int,
    sides: Sides | None,
    work: Work = UNTOLD,
) -> Iterator[tuple[int, Found]]:
    """Yield the pairs i < j of `close_turned_pairs` that lie apart; others are not compared."""
    if sides is None:
        yield from close_turned_pairs(signs, transposed, threshold, work=work)
        return
    for one, other in map(_smaller_first, across(sides)):
        others = None if other is None else signs[other]
        for number, (i, j, distance) in close_turned_pairs(
            signs[one], transposed[one], threshold, others, work
        ):
            left, right = one[i], (one if other is None else other)[j]
            ahead = left < right
            if ahead.any():
                yield number, (left[ahead], right[ahead], distance[ahead])
            if not ahead.all():
                yield TURNED_BACK[number], (right[~ahead], left[~ahead], distance[~ahead])


def _smaller_first(rows: tuple[Rows, Rows | None]) -> tuple[Rows, Rows | None]:
    """The same rows, in the order in which they are compared most quickly."""
    one, other = rows
    return rows if other is None or len(one) <= len(other) else (other, one)
