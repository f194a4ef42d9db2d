"""Clusters of what matches: union-find, and support by more than one thread. Numbers alone."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# The share of a cluster's members that must match another cluster before the two merge.
SUPPORT = 0.15
# The same where some picture shows the two clusters in parts that lie apart.
SUPPORT_APART = 0.5
# Clusters of up to so many members merge by any match.
SMALL = 2
# Where only what lies apart is compared, two are a picture of one side and its like on the other,
# and one thread from such a pair to the next would make chains of strangers.
SMALL_ACROSS = 1
EMBEDDING = "embedding"  # the view of a match that a model found
POINTS = "points"  # the view of a match that local features prove
INSIDE_A_FRAME = "inside a frame"  # the view of a match of what a frame holds
MEASURES = {POINTS: "share", EMBEDDING: "cosine"}
BESIDE = 0.25  # the share of two regions that may lie in each other though they lie apart
LEAST_WHOLE = 0.6  # of a picture that counts as seen as a whole
SIXTEENTHS = 16  # of a side of a picture, to which boxes are rounded, so that a crowd has few
Pairs = Sequence[tuple[int, int]]
Box = tuple[float, float, float, float]  # left, upper, right, lower, in shares of a picture


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
        roots = self.roots()
        items = np.flatnonzero(np.bincount(roots, minlength=1)[roots] > 1)
        members: dict[int, list[int]] = {}
        for item, root in zip(items.tolist(), roots[items].tolist(), strict=True):
            members.setdefault(root, []).append(item)
        return list(members.values())


# ---- Clusters that are held together by more than one thread


@dataclass(frozen=True, slots=True)
class Match:
    """Two pictures, by position, that show the same: how alike they are and by which view.

    What `correlation` is, `measure` says. `regions` are that of the left picture in which the right
    one is seen, and that of the right one in which the left one is, where these are known.
    """

    left: int
    right: int
    distance: int
    correlation: float
    view: str
    regions: "tuple[Region, Region] | None" = None

    @property
    def needs_a_look(self) -> bool:
        """Whether only a model says so: then `correlation` is a cosine, `distance` just tells."""
        return self.view == EMBEDDING

    @property
    def doubt(self) -> int:
        """How late a match counts: first what looks alike, then what points prove."""
        return (POINTS, EMBEDDING).index(self.view) + 1 if self.view in MEASURES else 0

    @property
    def is_of_parts(self) -> bool:
        """Whether either picture shows only a part of the other one, as two collages do."""
        return bool(self.regions) and all(area_of(r.most) < LEAST_WHOLE for r in self.regions or ())

    @property
    def measure(self) -> str:
        """What `correlation` is: that, the share of points with a partner, or a cosine."""
        return MEASURES.get(self.view, "correlation")


@dataclass(frozen=True, slots=True)
class Region:
    """The part of a picture in which another one is seen.

    It is surely seen in one box, and nowhere beside the other one.
    """

    sure: Box
    most: Box

    def rounded(self) -> "Region":
        """The same with edges that a crowd has in common."""
        return Region(_rounded(self.sure), _rounded(self.most))

    def lies_apart_from(self, other: "Region") -> bool:
        """Whether what is surely seen in either lies beside the other, but for a share of it."""
        shares = _share_in(self.sure, other.most) + _share_in(other.sure, self.most)
        return shares <= 2 * BESIDE


def _rounded(box: Box) -> Box:
    left, upper, right, lower = (round(edge * SIXTEENTHS) for edge in box)
    left, upper = min(left, SIXTEENTHS - 1), min(upper, SIXTEENTHS - 1)
    right, lower = max(right, left + 1), max(lower, upper + 1)
    return left / SIXTEENTHS, upper / SIXTEENTHS, right / SIXTEENTHS, lower / SIXTEENTHS


def area_of(box: Box) -> float:
    """The share of a picture that lies in a box."""
    return (box[2] - box[0]) * (box[3] - box[1])


def _share_in(box: Box, other: Box) -> float:
    """The share of a box that lies in another one."""
    across = min(box[2], other[2]) - max(box[0], other[0])
    down = min(box[3], other[3]) - max(box[1], other[1])
    return max(across, 0) * max(down, 0) / area_of(box)


# Where what is seen may lie anywhere in a picture: apart from all that is seen in a part of it.
SOMEWHERE = Region((0.0, 0.0, 1.0, 1.0), (0.0, 0.0, 0.0, 0.0))


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

    What only points prove comes later, of parts of two pictures behind what is seen as a whole, and
    what only a model says comes last, so that each links what nothing else does.

    Two clusters, neither of which is `small`, merge only by a match that is certain, or when at
    least two, and `SUPPORT` of the smaller one's members, match a member of the larger one (of
    two of one size, either one's). For what only points or a model say, that has to be so of both
    clusters: all pictures of one match the one collage in the other that shows them. Where some
    third picture shows the two in different parts, as a collage does, clusters of any size need
    `SUPPORT_APART` of both.

    >>> near = [Match(0, 1, 4, 0.9, "whole"), Match(1, 2, 30, 0.6, "whole")]
    >>> [cluster.members for cluster in supported_clusters(4, near)]
    [[0, 1, 2]]
    """
    sets = UnionFind(size)
    ordered = sorted(matches, key=_most_alike_first)
    friends = _friends(ordered)
    members: dict[int, set[int]] = {}
    refused: set[tuple[int, int, int, int]] = set()  # clusters, by root and size
    joining: list[Match] = []
    regions = _Regions(size, ordered, is_certain)
    for match in ordered:
        a, b = sorted((sets.find(match.left), sets.find(match.right)))
        if a == b:
            continue
        both = (members.setdefault(a, {a}), members.setdefault(b, {b}))
        fewer, more = sorted(both, key=len)
        merger = (a, b, len(both[0]), len(both[1]))
        if not is_certain(match) and merger in refused:
            continue
        if match.doubt:
            may_merge = regions.may_join(a, b, members, friends, small)
        else:
            may_merge = len(fewer) <= small or _supported(fewer, more, friends)
        if may_merge or is_certain(match):
            sets.union(a, b)
            regions.merge(a, b)
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


def _friends(matches: Iterable[Match]) -> dict[int, set[int]]:
    """The pictures that each one matches."""
    friends: dict[int, set[int]] = defaultdict(set)
    for match in matches:
        friends[match.left].add(match.right)
        friends[match.right].add(match.left)
    return friends


def _most_alike_first(match: Match) -> tuple[int, bool, float, int, int, int]:
    return (
        match.doubt,
        match.is_of_parts,
        -match.correlation,
        match.distance,
        match.left,
        match.right,
    )


def _supported(small: set[int], large: set[int], friends: Mapping[int, set[int]]) -> bool:
    needed = max(2, SUPPORT * len(small))
    ways = [(small, large), (large, small)] if len(small) == len(large) else [(small, large)]
    return any(
        sum(not friends[member].isdisjoint(others) for member in members) >= needed
        for members, others in ways
    )


class _Regions:
    """Which parts of which pictures the members of each cluster show.

    Pictures that are certainly the same count as one.
    """

    def __init__(
        self, size: int, matches: Iterable[Match], is_certain: Callable[[Match], bool]
    ) -> None:
        self._same = same = UnionFind(size)
        self._shown: dict[int, dict[int, set[Region]]] = {}  # by the cluster's root, by the picture
        partial, framed = [], []
        for match in matches:
            if match.regions:
                partial.append((match, match.regions))
            elif match.view == INSIDE_A_FRAME:
                framed.append((match.left, match.right))
            if not match.regions and is_certain(match):
                same.union(match.left, match.right)
        for match, (of_left, of_right) in partial:
            self._show(match.right, same.find(match.left), of_left)
            self._show(match.left, same.find(match.right), of_right)
        if partial:
            self._show_somewhere(framed, {(match.left, match.right) for match, _ in partial})

    def _show_somewhere(self, framed: Pairs, located: set[tuple[int, int]]) -> None:
        """Take note of what lies inside frames of which no match tells where they are."""
        with_place = {number for pair in framed if pair in located for number in pair}
        for one, other in framed:
            for member, picture in ((one, other), (other, one)):
                if (one, other) not in located and picture not in with_place:
                    self._show(member, self._same.find(picture), SOMEWHERE)

    def _show(self, member: int, picture: int, region: Region) -> None:
        self._shown.setdefault(member, {}).setdefault(picture, set()).add(region.rounded())

    def lie_apart(self, one: int, other: int) -> bool:
        """Whether two clusters, by their roots, show parts of a picture that lie apart.

        That picture may be one of theirs, which holds several others.
        """
        fewer, more = sorted((self._shown.get(root, {}) for root in (one, other)), key=len)
        return any(
            region.lies_apart_from(another)
            for picture in fewer.keys() & more.keys()
            for region in fewer[picture]
            for another in more[picture]
        )

    def may_join(
        self,
        one: int,
        other: int,
        members: Mapping[int, set[int]],
        friends: Mapping[int, set[int]],
        small: int,
    ) -> bool:
        """Whether two clusters, by their roots, may merge by what isn't seen as a whole."""
        both = members[one], members[other]
        if self.lie_apart(one, other):
            return self._support(*both, friends, SUPPORT_APART)
        return min(map(len, both)) <= small or self._support(*both, friends, SUPPORT)

    def _support(
        self, one: set[int], other: set[int], friends: Mapping[int, set[int]], share: float
    ) -> bool:
        """Whether enough of either side match the other; where a side is one, that one does."""
        for members, others in ((one, other), (other, one)):
            pictures = {self._same.find(member) for member in members}
            matching = (member for member in members if not friends[member].isdisjoint(others))
            found = {self._same.find(member) for member in matching}
            if len(found) < min(len(pictures), max(2, share * len(pictures))):
                return False
        return True

    def merge(self, one: int, other: int) -> None:
        """Take note that two clusters are one from now on, of which the root is the lesser one."""
        fewer, more = sorted((self._shown.pop(root, {}) for root in (one, other)), key=len)
        for picture, regions in fewer.items():
            more.setdefault(picture, set()).update(regions)
        if more:
            self._shown[min(one, other)] = more
