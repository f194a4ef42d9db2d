"""Groups of pictures that close hashes connect, as a threshold asks for."""

from collections.abc import Hashable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from grouping import UnionFind
from pictures.hamming import bands_pay, close_pairs, pack

SAMPLE = 1024  # hashes that may connect most of the others


def cluster(
    digests: Sequence[Hashable], hashes: Sequence[bytes | None], threshold: int
) -> list[list[int]]:
    """Group pictures by their positions: equal digests, and hashes within `threshold` bits.

    A hash of None never matches. Groups and members come in the order of the input.

    >>> cluster(["x", "y", "z", "x"], [b"a", b"c", None, b"a"], threshold=1)
    [[0, 1, 3]]
    """
    sets = UnionFind(len(digests))
    first_with: dict[Hashable, int] = {}
    for position, digest in enumerate(digests):
        if (first := first_with.setdefault(digest, position)) != position:
            sets.union(first, position)
    # One position stands for all pictures of the same hash, however many there are.
    first_hash: dict[bytes, int] = {}
    for position, bits in enumerate(hashes):
        if bits is not None and (first := first_hash.setdefault(bits, position)) != position:
            sets.union(first, position)
    positions = np.fromiter(first_hash.values(), dtype=np.intp, count=len(first_hash))
    for i, j in _connecting_pairs(pack(first_hash), threshold):
        sets.union_all(positions[i], positions[j])
    return sets.groups()


def _connecting_pairs(
    hashes: NDArray[np.uint64], threshold: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield close pairs, as many as connect whatever all of them connect.

    A high threshold makes billions of pairs, nearly all of them in one set: if a sample connects
    most hashes, pairs of two of these are not looked for.
    """
    inside = np.zeros(len(hashes), np.bool_)
    if len(hashes) >= 16 * SAMPLE and not bands_pay(hashes, threshold, None):
        sets = UnionFind(len(hashes))
        for i, j, _ in close_pairs(hashes[:SAMPLE], threshold, hashes, both_ways=True):
            sets.union_all(i, j)
            yield i, j
        roots = sets.roots()
        inside = roots == np.bincount(roots).argmax()
    if 2 * np.count_nonzero(inside) < len(hashes):
        inside[:] = False
    within, outside = np.flatnonzero(inside), np.flatnonzero(~inside)
    for i, j, _ in close_pairs(hashes[outside], threshold):
        yield outside[i], outside[j]
    if len(within):
        for i, j, _ in close_pairs(hashes[outside], threshold, hashes[within], both_ways=True):
            yield outside[i], within[j]
