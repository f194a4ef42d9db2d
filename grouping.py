"""Cluster hashes by Hamming distance: close pairs, then union-find. Plain values in and out."""

from collections.abc import Hashable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

# Rows and columns compared at once: small enough that a block stays in a processor's cache.
BLOCK_ROWS = 256
BLOCK_COLUMNS = 2048


class UnionFind:
    """Disjoint sets of the numbers 0 to size - 1, with path compression (halving).

    The root of a set is its least member, so the outcome doesn't depend on the order of unions.

    >>> sets = UnionFind(4)
    >>> sets.union(3, 1)
    >>> sets.find(3), sets.find(2)
    (1, 2)
    >>> sets.groups()
    [[1, 3]]
    """

    def __init__(self, size: int) -> None:
        self._parent = np.arange(size)

    def find(self, item: int) -> int:
        parent = self._parent
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return int(item)

    def union(self, a: int, b: int) -> None:
        a, b = self.find(a), self.find(b)
        self._parent[max(a, b)] = min(a, b)

    def roots(self) -> NDArray[np.intp]:
        """The root of every item, all paths compressed at once."""
        while not np.array_equal(shorter := self._parent[self._parent], self._parent):
            self._parent = shorter
        return self._parent

    def union_all(self, left: NDArray[np.intp], right: NDArray[np.intp]) -> None:
        """Join many pairs; those already in one set cost next to nothing."""
        roots = self.roots()
        pairs = np.stack((roots[left], roots[right]), axis=1)
        pairs = pairs[pairs[:, 0] != pairs[:, 1]]
        for a, b in np.unique(pairs, axis=0).tolist():
            self.union(a, b)

    def groups(self) -> list[list[int]]:
        """The sets of two or more, each ascending, in the order of their least members."""
        members: dict[int, list[int]] = {}
        for item, root in enumerate(self.roots().tolist()):
            members.setdefault(root, []).append(item)
        return [group for group in members.values() if len(group) > 1]


def pack(hashes: Iterable[bytes]) -> NDArray[np.uint64]:
    """Hashes of equal length as rows of 64-bit words, padded with zero bits.

    >>> pack([b"abc", b"abd"]).shape
    (2, 1)
    """
    rows = list(hashes)
    width = -(-len(rows[0]) // 8) * 8 if rows else 8
    joined = b"".join(row.ljust(width, b"\0") for row in rows)
    return np.frombuffer(joined, dtype=np.uint64).reshape(len(rows), width // 8)


def close_pairs(
    hashes: NDArray[np.uint64], threshold: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield all pairs of rows i < j that differ in at most `threshold` bits, block by block.

    Exact, by comparing everything with everything; memory is a block, whatever the number of rows.

    >>> [(i.tolist(), j.tolist()) for i, j in close_pairs(pack([b"a", b"c", b"a"]), 0)]
    [([0], [2])]
    """
    columns = np.ascontiguousarray(hashes.T)
    for top in range(0, len(hashes), BLOCK_ROWS):
        for left in range(top, len(hashes), BLOCK_COLUMNS):
            rows = slice(top, top + BLOCK_ROWS)
            i, j = np.nonzero(_distances(columns, rows, left) <= threshold)
            i, j = i + top, j + left
            if (ahead := i < j).any():
                yield i[ahead], j[ahead]


def _distances(columns: NDArray[np.uint64], rows: slice, left: int) -> NDArray[np.uint16]:
    """Hamming distances of some rows from a block of columns; 16 bits, as 256 overflows a byte."""
    total: NDArray[np.uint16] | None = None
    for word in columns:
        bits = np.bitwise_count(word[rows, None] ^ word[None, left : left + BLOCK_COLUMNS])
        total = bits.astype(np.uint16) if total is None else np.add(total, bits, out=total)
    assert total is not None
    return total


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
        sets.union(first_with.setdefault(digest, position), position)
    # One position stands for all pictures of the same hash, however many there are.
    first_hash: dict[bytes, int] = {}
    for position, bits in enumerate(hashes):
        if bits is not None:
            sets.union(first_hash.setdefault(bits, position), position)
    positions = np.fromiter(first_hash.values(), dtype=np.intp, count=len(first_hash))
    for i, j in close_pairs(pack(first_hash), threshold):
        sets.union_all(positions[i], positions[j])
    return sets.groups()
