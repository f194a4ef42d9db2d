"""Cluster hashes by Hamming distance: close pairs, then union-find. Plain values in and out."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Rows and columns compared at once: small enough that a block stays in a processor's cache.
BLOCK_ROWS = 256
BLOCK_COLUMNS = 2048
# The share of a cluster's members that must match another cluster before the two merge.
SUPPORT = 0.15


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
    left: NDArray[np.uint64],
    threshold: int,
    right: NDArray[np.uint64] | None = None,
    *,
    both_ways: bool = False,
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int64]]]:
    """Yield all rows i of `left` and j of `right` that differ in at most `threshold` bits.

    With them come their distances, block by block. Only pairs i < j are yielded, unless they are
    wanted `both_ways`; without `right`, rows of `left` are compared with each other. Exact;
    memory is a block, whatever the number of rows.

    >>> [(i.tolist(), j.tolist()) for i, j, _ in close_pairs(pack([b"a", b"c", b"a"]), 0)]
    [([0], [2])]
    """
    rows = np.ascontiguousarray(left.T)
    columns = rows if right is None else np.ascontiguousarray(right.T)
    for top in range(0, rows.shape[1], BLOCK_ROWS):
        for start in range(0 if both_ways else top, columns.shape[1], BLOCK_COLUMNS):
            distances = _distances(
                rows[:, top : top + BLOCK_ROWS], columns[:, start : start + BLOCK_COLUMNS]
            )
            i, j = np.nonzero(distances <= threshold)
            if not both_ways:
                ahead = i + top < j + start
                i, j = i[ahead], j[ahead]
            if len(i):
                yield i + top, j + start, distances[i, j].astype(np.int64)


def _distances(rows: NDArray[np.uint64], columns: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """Hamming distances of all rows from all columns; 16 bits, as 256 overflows a byte."""
    total = np.zeros((rows.shape[1], columns.shape[1]), np.uint16)
    for one, other in zip(rows, columns, strict=True):
        total += np.bitwise_count(one[:, None] ^ other[None, :])
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
    for i, j, _ in close_pairs(pack(first_hash), threshold):
        sets.union_all(positions[i], positions[j])
    return sets.groups()


# ---- Clusters that are held together by more than one thread


@dataclass(frozen=True, slots=True)
class Match:
    """Two pictures, by position, that show the same: how alike they are and by which view."""

    left: int
    right: int
    distance: int
    correlation: float
    view: str


@dataclass(frozen=True, slots=True)
class Cluster:
    """Pictures that belong together, and the matches that joined them, the weakest last."""

    members: list[int]
    links: list[Match]


def supported_clusters(
    size: int, matches: Iterable[Match], is_certain: Callable[[Match], bool] = lambda _: False
) -> list[Cluster]:
    """Cluster pictures by their matches, the most alike first, without chains of strangers.

    Two clusters of three or more pictures merge only by a match that is certain, or when at
    least two, and `SUPPORT` of the smaller one's members, match a member of the larger one.

    >>> near = [Match(0, 1, 4, 0.9, "whole"), Match(1, 2, 30, 0.6, "whole")]
    >>> [cluster.members for cluster in supported_clusters(4, near)]
    [[0, 1, 2]]
    """
    sets = UnionFind(size)
    ordered = sorted(matches, key=lambda m: (-m.correlation, m.distance, m.left, m.right))
    friends: dict[int, set[int]] = defaultdict(set)
    for match in ordered:
        friends[match.left].add(match.right)
        friends[match.right].add(match.left)
    members = {item: [item] for item in range(size)}
    joining: list[Match] = []
    for match in ordered:
        a, b = sets.find(match.left), sets.find(match.right)
        if a == b:
            continue
        small, large = sorted((a, b), key=lambda root: (len(members[root]), root))
        if is_certain(match) or _supported(members[small], members[large], friends):
            sets.union(a, b)
            members[sets.find(a)] = members.pop(a) + members.pop(b)
            joining.append(match)
    links: dict[int, list[Match]] = defaultdict(list)
    for match in joining:
        links[sets.find(match.left)].append(match)
    return [Cluster(group, links[sets.find(group[0])]) for group in sets.groups()]


def _supported(small: Sequence[int], large: Sequence[int], friends: Mapping[int, set[int]]) -> bool:
    if len(small) < 3:
        return True
    needed = max(2, SUPPORT * len(small))
    inside = set(large)
    return sum(not friends[member].isdisjoint(inside) for member in small) >= needed
