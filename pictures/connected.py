"""Groups of pictures that close hashes connect, as a threshold asks for."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from grouping import UnionFind
from pictures.effort import ALONE, Effort, Work
from pictures.hamming import bands_pay, pack
from pictures.sides import (
    Rows,
    Sides,
    close_pairs_across,
    close_pairs_between,
    count_of_pairs_across,
    count_of_pairs_between,
    sides_of,
    span_several,
)

SAMPLE = 1024  # hashes that may connect most of the others


def cluster(
    digests: Sequence[Hashable],
    hashes: Sequence[bytes | None],
    threshold: int,
    sides: Sequence[int] | None = None,
    effort: Effort = ALONE,
) -> list[list[int]]:
    """Group pictures by their positions: equal digests, and hashes within `threshold` bits.

    A hash of None never matches. Groups and members come in the order of the input. With a side
    for each picture only those that lie apart connect, and what is the same stands for each other.

    >>> cluster(["x", "y", "z", "x"], [b"a", b"c", None, b"a"], threshold=1)
    [[0, 1, 3]]
    """
    sets = UnionFind(len(digests))
    first_with: dict[Hashable, int] = {}
    for position, digest in enumerate(digests):
        if (first := first_with.setdefault(digest, position)) != position:
            sets.union(first, position)
    # One position stands for all pictures of the same hash, however many there are.
    by_hash: dict[bytes, list[int]] = defaultdict(list)
    for position, bits in enumerate(hashes):
        if bits is not None:
            by_hash[bits].append(position)
            if (first := by_hash[bits][0]) != position:
                sets.union(first, position)
    files = list(by_hash.values())
    firsts = np.array([first for first, *_ in files], np.intp)
    of_files = sides_of(files, sides)
    for i, j in _connecting_pairs(pack(by_hash), threshold, of_files, effort):
        sets.union_all(firsts[i], firsts[j])
    return [group for group in sets.groups() if span_several(sides, group)]


def _connecting_pairs(
    hashes: NDArray[np.uint64], threshold: int, sides: Sides | None, effort: Effort
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield close pairs, as many as connect whatever all of them connect.

    A high threshold makes billions of pairs, nearly all of them in one set: if a sample connects
    most hashes, pairs of two of these are not looked for.
    """
    work = Work(effort.each)
    everything, inside = np.arange(len(hashes)), np.zeros(len(hashes), np.bool_)
    if len(hashes) >= 16 * SAMPLE and not bands_pay(hashes, threshold, None):
        sets = UnionFind(len(hashes))
        for i, j in _between(hashes, threshold, sides, everything[:SAMPLE], everything, work):
            sets.union_all(i, j)
            yield i, j
        roots = sets.roots()
        inside = roots == np.bincount(roots).argmax()
    if 2 * np.count_nonzero(inside) < len(hashes):
        inside[:] = False
    within, outside = np.flatnonzero(inside), np.flatnonzero(~inside)
    of_outside = None if sides is None else sides[outside]
    of_both = None if sides is None else (sides[outside], sides[within])
    count = count_of_pairs_across(len(outside), of_outside)
    count += count_of_pairs_between(len(outside), len(within), of_both)
    with effort.stretch("Comparing hashes", count) as told:
        for i, j, _ in close_pairs_across(hashes[outside], threshold, of_outside, told):
            yield outside[i], outside[j]
        if len(within):
            yield from _between(hashes, threshold, sides, outside, within, told)


def _between(
    hashes: NDArray[np.uint64],
    threshold: int,
    sides: Sides | None,
    left: Rows,
    right: Rows,
    work: Work,
) -> Iterator[tuple[Rows, Rows]]:
    """The close pairs of some rows and others that lie apart."""
    both = None if sides is None else (sides[left], sides[right])
    for i, j, _ in close_pairs_between(hashes[left], threshold, hashes[right], both, work):
        yield left[i], right[j]
