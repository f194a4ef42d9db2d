"""Which pictures show the same: candidates by hash, then a look at the pictures themselves."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, groupby, islice

import numpy as np

from grouping import SMALL, SMALL_ACROSS, Cluster, Match, UnionFind, supported_clusters
from pictures.by_name import named
from pictures.candidates import Search, in_batches
from pictures.crops import crops, cut_off
from pictures.crowds import Known, is_certain
from pictures.effort import ALONE, Effort
from pictures.looks import Look, look_digest
from pictures.one_design import OneDesign, Sight
from pictures.presets import Rules
from pictures.registration import correlation
from pictures.remembered import remembering
from pictures.searches import Memory
from pictures.sides import Sides, may_be_compared, sides_of, span_several
from pictures.table import BATCH, Pairs, Table, table_of
from pictures.verify import FEW

BURST_CORRELATION = 0.45
BURST_SHOTS = 16  # that follow a shot and are looked at with it, however many a second has
ALSO_BY_POINTS = "extras.points.matching:also_by_points"
# A way to find matches: the positions of the files of each distinct picture in, pairs of places
# in that list out.
FindMatches = Callable[[Sequence[Sequence[int]]], Iterable[Match]]
# When a picture was taken: by which camera, at what second, and the picture's number.
Shot = tuple[str, float, int]


def group(
    digests: Sequence[str], looks: Sequence[Look | None], rules: Rules
) -> tuple[list[Cluster], Counter[str]]:
    """Group pictures, by position, that are identical or show the same by some rules."""
    design = OneDesign()
    return group_by(digests, looks, [by_looks(looks, rules, design=design)], design=design)


def distinct(digests: Sequence[str], looks: Sequence[Look | None]) -> list[tuple[int, ...]]:
    """The positions of the files of each distinct picture, in an order that contents alone decide.

    Where so much hangs on what comes first (ties, what a crowd needs no look at, the last bit of
    a sum), the names of the files, by which they come here, must not decide it. Of files that show
    the same whatever else they say, the first one by its digest stands for all.
    """
    shown = [
        look_digest(look) if look else digest for look, digest in zip(looks, digests, strict=True)
    ]
    return distinct_of(shown, digests)


def distinct_of(shown: Sequence[str], digests: Sequence[str]) -> list[tuple[int, ...]]:
    """The same by the identities of looks, or digests where there is no look, both in hex."""
    order = sorted(range(len(shown)), key=lambda position: (shown[position], digests[position]))
    return [tuple(files) for _, files in groupby(order, key=shown.__getitem__)]


def by_looks(
    looks: Sequence[Look | None],
    rules: Rules,
    effort: Effort = ALONE,
    sides: Sequence[int] | None = None,
    memory: Memory | None = None,
    design: OneDesign | None = None,
) -> FindMatches:
    """The method that compares looks: by hash, and then by the pictures themselves.

    Rules with points add what local features alone prove. What is of one `design` it takes note of.
    """

    def matches(files: Sequence[Sequence[int]]) -> Iterator[Match]:
        shots = shots_of([looks[position] for position in positions] for positions in files)
        shown = [looks[first] for first, *_ in files]
        plain = replace(rules, points=False)  # what is remembered serves for either
        return find_matches(shown, plain, effort, shots, sides_of(files, sides), memory, design)

    if rules.points:
        found: FindMatches = named(ALSO_BY_POINTS)(matches, looks, effort.each, sides, memory)
        return found
    return matches


def group_by(
    digests: Sequence[str],
    looks: Sequence[Look | None],
    methods: Sequence[FindMatches],
    sides: Sequence[int] | None = None,
    design: OneDesign | None = None,
) -> tuple[list[Cluster], Counter[str]]:
    """Group pictures, by position, that are identical or match by one of the methods.

    With the groups comes how many pairs matched by which view. Groups and members come in the
    order of the input, on which nothing else depends: the left one of a link is the first by
    content (`distinct`). With a side for each picture, what lies on one side alone is no group,
    and the methods have to know the sides, too.
    """
    return group_files(distinct(digests, looks), methods, sides, design)


def group_files(
    files: Sequence[Sequence[int]],
    methods: Sequence[FindMatches],
    sides: Sequence[int] | None = None,
    design: OneDesign | None = None,
) -> tuple[list[Cluster], Counter[str]]:
    """The same of the files of each distinct picture, as `distinct` gives them."""
    found = list(chain.from_iterable(method(files) for method in methods))
    if design:  # which is known by now
        found = list(filter(design.allows, found))
    matches = _without_the_known(len(files), found)
    clusters = _clusters(files, matches, small_by(sides))
    groups = [_by_position(cluster, files) for cluster in clusters]
    groups = [g for g in groups if len(g.members) > 1 and span_several(sides, g.members)]
    return sorted(groups, key=lambda group: group.members), _count_by_view(matches)


def small_by(sides: Sequence[int] | Sides | None) -> int:
    """Up to how many pictures are a small cluster."""
    return SMALL if sides is None else SMALL_ACROSS


def _clusters(
    files: Sequence[Sequence[int]], matches: Sequence[Match], small: int
) -> list[Cluster]:
    """The clusters of distinct pictures, also of a lone one that has several files."""
    clusters = supported_clusters(len(files), matches, is_certain, small)
    clustered = {number for cluster in clusters for number in cluster.members}
    several = (number for number, positions in enumerate(files) if len(positions) > 1)
    return clusters + [Cluster([number], []) for number in several if number not in clustered]


def _by_position(cluster: Cluster, files: Sequence[Sequence[int]]) -> Cluster:
    """A cluster of distinct pictures as one of all their files."""
    return Cluster(
        sorted(position for number in cluster.members for position in files[number]),
        [replace(m, left=files[m.left][0], right=files[m.right][0]) for m in cluster.links],
    )


def _count_by_view(matches: Sequence[Match]) -> Counter[str]:
    """How many pairs matched by which view; of several, the one that says most."""
    weakest_first = sorted(matches, key=lambda m: (-m.doubt, m.correlation))
    strongest = {(m.left, m.right): m for m in weakest_first}
    return Counter(match.view for match in strongest.values())


def _without_the_known(size: int, matches: list[Match]) -> list[Match]:
    """Leave out what only a model says of pictures that are surely the same."""
    certain = UnionFind(size)
    for match in filter(is_certain, matches):
        certain.union(match.left, match.right)
    return [
        match
        for match in matches
        if not match.needs_a_look or certain.find(match.left) != certain.find(match.right)
    ]


def find_matches(
    looks: Sequence[Look | None],
    rules: Rules,
    effort: Effort = ALONE,
    shots: Sequence[Shot] | None = None,
    sides: Sides | None = None,
    memory: Memory | None = None,
    design: OneDesign | None = None,
) -> Iterator[Match]:
    """Yield the pairs of pictures that show the same, by position; of many look-alikes not all.

    Of pictures that are surely the same, enough pairs are yielded to connect them. Of the others
    all are where each picture matches fewer than `ENOUGH`. Two that match so many, and that these
    matches put in one group, are looked at only if they are closer than what matched before: in a
    crowd, looks and matches grow with the number of pictures, not with its square. Who counts
    matches counts those that were yielded. Which these are hangs on the order of the looks
    (`distinct`). `shots` are those of the looks, unless more is known. With `sides`, only pictures
    that lie apart are compared. With a `memory`, the looks have to come in that order, and what is
    remembered of them is not searched again. What is of one `design` it takes note of.
    """
    table = table_of(looks)
    if not len(table.owner):
        return
    known = Known(len(looks), small_by(sides))
    begun = remembering(memory, looks, table, rules, sides, effort)
    yield from looked_at(table, begun.search, known)
    if design:
        design.learn(begun.search.of_one_design(), table)
    if begun.parts:
        yield from crops(begun.parts, known, begun.search.of_one_design())
    begun.leave()
    yield from cut_off(
        table, [look.part if look else None for look in looks], rules, effort.each, sides
    )
    shots = shots_of([look] for look in looks) if shots is None else shots
    yield from bursts(table, shots, rules, sides)


def looked_at(table: Table, search: Search, known: Known) -> Iterator[Match]:
    """Look at the candidates of a search in their order, and yield those that match.

    What is known tells which need no look; matches are added to it. Those that pictures of one
    design have in common are left out at the end, once it is known which these are.
    """
    found = [
        sight
        for pairs in in_batches(search.pairs())
        for sight in _verified(table, pairs, search, known)
    ]
    yield from search.clear(found, search.of_one_design())


def _verified(table: Table, pairs: Pairs, search: Search, known: Known) -> Iterator[Sight]:
    """Look at candidate pairs, the closest first, and yield those that match."""
    pairs = pairs.where(np.argsort(pairs.distance, kind="stable"))
    while True:
        left, right = table.owner[pairs.left], table.owner[pairs.right]
        crowded = known.are_in_a_crowd(left, right, pairs.distance)
        pairs = pairs.where(~(crowded | known.are_surely_same(left, right)))
        if not len(pairs.left):
            return
        batch, pairs = pairs.where(slice(0, BATCH)), pairs.where(slice(BATCH, None))
        for sight in search.matches(batch):
            known.add(sight.match)
            yield sight


def shots_of(pictures: Iterable[Iterable[Look | None]]) -> list[Shot]:
    """When each picture was taken, in order of time; a picture's files may say several times."""
    return sorted(
        {
            (look.taken.camera, look.taken.seconds, number)
            for number, looks in enumerate(pictures)
            for look in looks
            if look and look.taken and not look.views[0].is_page
        }
    )


def bursts(
    table: Table, shots: Sequence[Shot], rules: Rules, sides: Sides | None = None
) -> Iterator[Match]:
    """Yield shots of one camera, seconds apart, that look alike: the second shot of a scene."""
    near = _near_in_time(shots, rules.burst_seconds, sides)
    while some := list(islice(near, FEW)):
        left, right = np.searchsorted(table.owner, some).T  # the first row of each
        likeness = correlation(table.gray[left], table.gray[right])
        differing = np.bitwise_count(table.hashes[left] ^ table.hashes[right])
        distance = differing.sum(axis=1, dtype=np.int64)
        for n in np.flatnonzero(likeness >= BURST_CORRELATION).tolist():
            yield Match(*some[n], int(distance[n]), float(likeness[n]), "burst")


def _near_in_time(
    shots: Sequence[Shot], most_seconds: float, sides: Sides | None
) -> Iterator[tuple[int, int]]:
    """Each shot with those that follow it so soon; no seconds are no burst."""
    for place, (camera, seconds, one) in enumerate(shots if most_seconds else ()):
        for next_camera, later, other in shots[place + 1 : place + 1 + BURST_SHOTS]:
            if camera != next_camera or later - seconds > most_seconds:
                break
            if one != other and may_be_compared(sides, one, other):
                yield min(one, other), max(one, other)
