"""Clusters of what matches: union-find, and support by more than one thread. Numbers alone."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# The share of a cluster's members that must match another cluster before the two merge.
SUPPORT = 0.15
# Clusters of up to so many members merge by any match.
SMALL = 2
# Where only what lies apart is compared, two are a picture of one side and its like on the other,
# and one thread from such a pair to the next would make chains of strangers.
SMALL_ACROSS = 1
EMBEDDING = "embedding"  # the view of a match that a model found


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

    def roots_of(self, items: NDArray[np.intp]) -> NDArray[np.intp]:
        """The roots of some items, their paths compressed."""
        roots = self._parent[items]
        while not np.array_equal(above := self._parent[roots], roots):
            roots = above
        self._parent[items] = roots
        return roots

    def roots(self) -> NDArray[np.intp]:
        return self.roots_of(np.arange(len(self._parent)))

    def union_all(self, left: NDArray[np.intp], right: NDArray[np.intp]) -> None:
        """Join many pairs; those already in one set cost next to nothing."""
        one, other = self.roots_of(left), self.roots_of(right)
        apart = one != other
        pairs = np.unique(one[apart] * len(self._parent) + other[apart])
        for a, b in zip(
            *(side.tolist() for side in np.divmod(pairs, len(self._parent))), strict=True
        ):
            self.union(a, b)

    def groups(self) -> list[list[int]]:
        """The sets of two or more, each ascending, in the order of their least members."""
        members: dict[int, list[int]] = {}
        for item, root in enumerate(self.roots().tolist()):
            members.setdefault(root, []).append(item)
        return [group for group in members.values() if len(group) > 1]


# ---- Clusters that are held together by more than one thread


@dataclass(frozen=True, slots=True)
class Match:
    """Two pictures, by position, that show the same: how alike they are and by which view."""

    left: int
    right: int
    distance: int
    correlation: float
    view: str

    @property
    def needs_a_look(self) -> bool:
        """Whether only a model says so: then `correlation` is a cosine, `distance` just tells."""
        return self.view == EMBEDDING


@dataclass(frozen=True, slots=True)
class Cluster:
    """Pictures that belong together, and the matches that joined them, the weakest last."""

    members: list[int]
    links: list[Match]


def supported_clusters(
    size: int,
    matches: Iterable[Match],
    is_certain: Callable[[Match], bool] = lambda _: False,
    small: int = SMALL,
) -> list[Cluster]:
    """Cluster pictures by their matches, the most alike first, without chains of strangers.

    What only a model says comes last, so that it links what nothing else does.

    Two clusters, neither of which is `small`, merge only by a match that is certain, or when at
    least two, and `SUPPORT` of the smaller one's members, match a member of the larger one (of
    two of one size, either one's).

    >>> near = [Match(0, 1, 4, 0.9, "whole"), Match(1, 2, 30, 0.6, "whole")]
    >>> [cluster.members for cluster in supported_clusters(4, near)]
    [[0, 1, 2]]
    """
    sets = UnionFind(size)
    ordered = sorted(matches, key=_most_alike_first)
    friends: dict[int, set[int]] = defaultdict(set)
    for match in ordered:
        friends[match.left].add(match.right)
        friends[match.right].add(match.left)
    members: dict[int, set[int]] = {}
    refused: set[tuple[int, int, int, int]] = set()  # clusters, by root and size
    joining: list[Match] = []
    for match in ordered:
        a, b = sorted((sets.find(match.left), sets.find(match.right)))
        if a == b:
            continue
        both = (members.setdefault(a, {a}), members.setdefault(b, {b}))
        fewer, more = sorted(both, key=len)
        merger = (a, b, len(both[0]), len(both[1]))
        if not is_certain(match) and merger in refused:
            continue
        if is_certain(match) or len(fewer) <= small or _supported(fewer, more, friends):
            sets.union(a, b)
            more |= fewer
            del members[a], members[b]
            members[sets.find(a)] = more
            joining.append(match)
        else:
            refused.add(merger)
    links: dict[int, list[Match]] = defaultdict(list)
    for match in joining:
        links[sets.find(match.left)].append(match)
    return [Cluster(group, links[sets.find(group[0])]) for group in sets.groups()]


def _most_alike_first(match: Match) -> tuple[bool, float, int, int, int]:
    return match.needs_a_look, -match.correlation, match.distance, match.left, match.right


def _supported(small: set[int], large: set[int], friends: Mapping[int, set[int]]) -> bool:
    needed = max(2, SUPPORT * len(small))
    ways = [(small, large), (large, small)] if len(small) == len(large) else [(small, large)]
    return any(
        sum(not friends[member].isdisjoint(others) for member in members) >= needed
        for members, others in ways
    )
