"""Which pictures show the same: candidates by hash, then a look at the pictures themselves."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, islice

import numpy as np
from numpy.typing import NDArray

import views
from grouping import EMBEDDING, Cluster, Match, UnionFind, supported_clusters
from pictures.hamming import close_pairs, close_turned_pairs, pack
from pictures.presets import Rules
from pictures.registration import (
    correlation,
)
from pictures.table import BATCH, Grays, Pairs, Table, hash_size_of, table_of
from pictures.verify import (
    FEW,
    Each,
    Judged,
    judged,
    look,
    matches_of,
    matching_pairs,
    of_pictures,
    unpacked,
    within_limits,
)
from views import EVERYTHING, Look, Part, Stack

LOOKED_AT = 32  # pictures of which one that is cut off may be a part
BURST_CORRELATION = 0.45
BURST_SHOTS = 16  # that follow a shot and are looked at with it, however many a second has
# Two pictures that are surely the same stand for each other.
CERTAIN_DISTANCE = 12
CERTAIN_CORRELATION = 0.9
# In a crowd of look-alikes, so many matches of a picture tell where it belongs.
ENOUGH = 32
REGROUP_SHARE = 1 / 8  # of the pictures and their matches, in new matches
# Two pictures of the same gray, in which chroma differs by so much on average.
SAME_CORRELATION = 0.95
COLOUR_LEVELS = 6
AS_THEY_ARE = ("whole", "burst", EMBEDDING)  # the views of matches that no part or turn made


Window = tuple[float, float, float, float]  # top, left, height, width, as shares
# A method to find matches: the positions of the files of each distinct picture in, pairs of places
# in that list out.
Method = Callable[[Sequence[Sequence[int]]], Iterable[Match]]
# When a picture was taken: by which camera, at what second, and the picture's number.
Shot = tuple[str, float, int]


def group(
    digests: Sequence[str], looks: Sequence[Look | None], rules: Rules
) -> tuple[list[Cluster], Counter[str]]:
    """Group pictures, by position, that are identical or show the same by some rules."""
    return group_by(digests, looks, [by_looks(looks, rules)])


def distinct(digests: Sequence[str], looks: Sequence[Look | None]) -> list[list[int]]:
    """The positions of the files of each distinct picture, in an order that contents alone decide.

    Where so much hangs on what comes first (ties, what a crowd needs no look at, the last bit of
    a sum), the names of the files, by which they come here, must not decide it. Of files that show
    the same whatever else they say, the first one by its digest stands for all.
    """
    shown = [
        look_digest(look) if look else digest for look, digest in zip(looks, digests, strict=True)
    ]
    order = sorted(range(len(shown)), key=lambda position: (shown[position], digests[position]))
    return [list(files) for _, files in groupby(order, key=shown.__getitem__)]


def look_digest(look: Look) -> str:
    """What is equal for looks of pictures that are identical, whatever else their files say."""
    seen = hashlib.blake2b(look.colour, digest_size=16)
    for view in look.views:
        parts = (view.gray, view.fine) if view.fine else (view.gray,)
        seen.update(bytes([len(parts), view.framed]) + view.hash)
        seen.update(b"".join(map(views.digest, parts)))
    seen.update(bytes(look.part or ()))
    return seen.hexdigest()


def by_looks(looks: Sequence[Look | None], rules: Rules, each: Each = map) -> Method:
    """The method that compares looks: by hash, and then by the pictures themselves."""

    def matches(files: Sequence[Sequence[int]]) -> Iterator[Match]:
        shots = shots_of([looks[position] for position in positions] for positions in files)
        return find_matches([looks[first] for first, *_ in files], rules, each, shots)

    return matches


def group_by(
    digests: Sequence[str], looks: Sequence[Look | None], methods: Sequence[Method]
) -> tuple[list[Cluster], Counter[str]]:
    """Group pictures, by position, that are identical or match by one of the methods.

    With the groups comes how many pairs matched by which view. Groups and members come in the
    order of the input, on which nothing else depends: the left one of a link is the first by
    content (`distinct`).
    """
    files = distinct(digests, looks)
    found_by = (method(files) for method in methods)
    matches = _without_the_known(len(files), [match for found in found_by for match in found])
    clusters = supported_clusters(len(files), matches, is_certain)
    clustered = {number for cluster in clusters for number in cluster.members}
    clusters += [Cluster([number], []) for number in range(len(files)) if number not in clustered]
    groups = [
        Cluster(
            sorted(position for number in cluster.members for position in files[number]),
            [replace(m, left=files[m.left][0], right=files[m.right][0]) for m in cluster.links],
        )
        for cluster in clusters
    ]
    found = [group for group in groups if len(group.members) > 1]
    weakest_first = sorted(matches, key=lambda m: (not m.needs_a_look, m.correlation))
    strongest = {(m.left, m.right): m for m in weakest_first}
    counts = Counter(match.view for match in strongest.values())
    return sorted(found, key=lambda group: group.members), counts


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


def is_certain(match: Match) -> bool:
    """Whether two pictures are surely the same, so that either stands for the other."""
    if match.needs_a_look:
        return False
    return match.distance <= CERTAIN_DISTANCE and match.correlation >= CERTAIN_CORRELATION


def differ_in_colour(one: Look, other: Look, match: Match) -> bool:
    """Whether two pictures are the same but for their colour, which is that of all of each."""
    if match.view not in AS_THEY_ARE or one.part != other.part:
        return False
    if match.correlation < SAME_CORRELATION or match.distance > CERTAIN_DISTANCE:
        return False
    chroma = [np.frombuffer(look.colour, np.uint8).astype(int) for look in (one, other)]
    return bool(np.abs(chroma[0] - chroma[1]).mean() >= COLOUR_LEVELS)


def find_matches(
    looks: Sequence[Look | None],
    rules: Rules,
    each: Each = map,
    shots: Sequence[Shot] | None = None,
) -> Iterator[Match]:
    """Yield the pairs of pictures that show the same, by position; of many look-alikes not all.

    Of pictures that are surely the same, enough pairs are yielded to connect them. Of the others
    all are where each picture matches fewer than `ENOUGH`. Two that match so many, and that these
    matches put in one group, are looked at only if they are closer than what matched before: in a
    crowd, looks and matches grow with the number of pictures, not with its square. Who counts
    matches counts those that were yielded. Which these are hangs on the order of the looks
    (`distinct`). `shots` are those of the looks, unless more is known.
    """
    table = table_of(looks)
    if not len(table.owner):
        return
    known = Known(len(looks))
    for pairs in in_batches(candidates(table, rules)):
        yield from _verified(table, pairs, rules, known, each)
    if rules.crops is not None:
        yield from crops(table, looks, rules.crops, known, each)
    yield from cut_off(table, looks, rules, each)
    yield from bursts(table, shots_of([look] for look in looks) if shots is None else shots, rules)


class Known:
    """The matches so far, and which pairs need no look because of them."""

    def __init__(self, size: int) -> None:
        self._certain = UnionFind(size)
        self.matches_of: list[Match] = []
        self._friends: dict[int, set[int]] = defaultdict(set)
        self._enough = np.zeros(size, np.bool_)
        self._closest = np.full(size, np.iinfo(np.int64).max)  # in bits
        self._group = np.arange(size)
        self._grouped = 0  # of the matches

    def add(self, match: Match) -> None:
        """Take note of one more match."""
        self.matches_of.append(match)
        if is_certain(match):
            self._certain.union(match.left, match.right)
        for one, other in ((match.left, match.right), (match.right, match.left)):
            self._closest[one] = min(self._closest[one], match.distance)
            if not self._enough[one]:
                self._friends[one].add(other)
                self._enough[one] = len(self._friends[one]) >= ENOUGH

    def are_surely_same(self, left: NDArray[np.intp], right: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Whether certain matches connect two pictures."""
        same: NDArray[np.bool_] = self._certain.roots_of(left) == self._certain.roots_of(right)
        return same

    def are_in_a_crowd(
        self, left: NDArray[np.intp], right: NDArray[np.intp], distance: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Whether both pictures match `ENOUGH` others and these matches hold them together.

        A thread between two crowds doesn't: it takes as much as `supported_clusters` asks for.
        Pairs that are closer than any match so far aren't counted: the strongest matches tell
        crowds apart.
        """
        both = self._enough[left] & self._enough[right]
        if both.any():
            self._regroup()
        both &= distance >= np.maximum(self._closest[left], self._closest[right])
        crowded: NDArray[np.bool_] = both & (self._group[left] == self._group[right])
        return crowded

    def _regroup(self) -> None:
        """Group again, once enough is new that this costs little beside the looks."""
        size, matches = len(self._group), len(self.matches_of)
        if matches - self._grouped < REGROUP_SHARE * (size + self._grouped):
            return
        self._group, self._grouped = np.arange(size), matches
        for cluster in supported_clusters(size, self.matches_of, is_certain):
            self._group[cluster.members] = cluster.members[0]


def candidates(table: Table, rules: Rules) -> Iterator[Pairs]:
    """Yield the pairs of views whose hashes are close enough, the upright ones first."""
    most = max(rules.whole, rules.framed, rules.both_framed)
    for left, right, distance in close_pairs(table.hashes, most):
        yield within_limits(table, Pairs(left, right, distance, "upright"), rules)
    whole = np.flatnonzero(~table.framed)
    signs, transposed = _signs(table.gray, whole)
    # A turn that undoes itself finds each pair from both sides; the others undo each other,
    # so the pairs i < j of all turns are all pairs.
    for number, (i, j, distance) in close_turned_pairs(signs, transposed, rules.turned):
        found = Pairs(whole[i], whole[j], distance, views.TURNS[number])
        yield within_limits(table, found, rules)


def _signs(gray: Grays, rows: NDArray[np.intp]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The signs of some pictures' frequencies, a few pictures at a time as these fill memory."""
    parts = [views.signs(gray[rows[n : n + BATCH]]) for n in range(0, len(rows), BATCH)]
    upright, transposed = zip(*parts, strict=True)
    return np.concatenate(upright), np.concatenate(transposed)


def in_batches(found: Iterable[Pairs]) -> Iterator[Pairs]:
    """The same pairs, more of them at a time, as looking at one costs as much as at several."""
    waiting: dict[str, list[Pairs]] = {}
    count: Counter[str] = Counter()
    for pairs in found:
        if len(pairs.left):
            waiting.setdefault(pairs.turn, []).append(pairs)
            count[pairs.turn] += len(pairs.left)
        if count[pairs.turn] >= 4 * BATCH:
            yield _joined(waiting.pop(pairs.turn))
            del count[pairs.turn]
    yield from map(_joined, waiting.values())


def _joined(parts: Sequence[Pairs]) -> Pairs:
    left, right, distance = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("left", "right", "distance")
    )
    return Pairs(left, right, distance, parts[0].turn)


def _verified(
    table: Table, pairs: Pairs, rules: Rules, known: Known, each: Each
) -> Iterator[Match]:
    """Look at candidate pairs, the closest first, and yield those that match."""
    pairs = pairs.where(np.argsort(pairs.distance, kind="stable"))
    while True:
        left, right = table.owner[pairs.left], table.owner[pairs.right]
        crowded = known.are_in_a_crowd(left, right, pairs.distance)
        pairs = pairs.where(~(crowded | known.are_surely_same(left, right)))
        if not len(pairs.left):
            return
        batch, pairs = pairs.where(slice(0, BATCH)), pairs.where(slice(BATCH, None))
        for match in matching_pairs(table, batch, rules, each):
            known.add(match)
            yield match


def shots_of(pictures: Iterable[Iterable[Look | None]]) -> list[Shot]:
    """When each picture was taken, in order of time; a picture's files may say several times."""
    return sorted(
        {
            (look.taken.camera, look.taken.seconds, number)
            for number, looks in enumerate(pictures)
            for look in looks
            if look and look.taken and look.views[0].fine is None
        }
    )


def bursts(table: Table, shots: Sequence[Shot], rules: Rules) -> Iterator[Match]:
    """Yield shots of one camera, seconds apart, that look alike: the second shot of a scene."""
    first_row = {int(owner): row for row, owner in reversed(list(enumerate(table.owner)))}
    near = _near_in_time(shots, rules.burst_seconds)
    while some := list(islice(near, FEW)):
        left, right = np.array([[first_row[number] for number in pair] for pair in some]).T
        likeness = correlation(table.gray[left], table.gray[right])
        differing = np.bitwise_count(table.hashes[left] ^ table.hashes[right])
        distance = differing.sum(axis=1, dtype=np.int64)
        for n in np.flatnonzero(likeness >= BURST_CORRELATION).tolist():
            yield Match(*some[n], int(distance[n]), float(likeness[n]), "burst")


def _near_in_time(shots: Sequence[Shot], most_seconds: float) -> Iterator[tuple[int, int]]:
    """Each shot with those that follow it so soon; no seconds are no burst."""
    for place, (camera, seconds, one) in enumerate(shots if most_seconds else ()):
        for next_camera, later, other in shots[place + 1 : place + 1 + BURST_SHOTS]:
            if camera != next_camera or later - seconds > most_seconds:
                break
            if one != other:
                yield min(one, other), max(one, other)


def crops(
    table: Table, looks: Sequence[Look | None], limit: int, known: Known, each: Each = map
) -> Iterator[Match]:
    """Yield the pictures that look like a part of another one.

    Every part of every picture is compared with every picture, so the cost is quadratic and
    some 70 times that of the plain search.
    """
    for match in matches_of(judge_crops(table, looks, limit, known, each)):
        known.add(match)
        yield match


def judge_crops(
    table: Table,
    looks: Sequence[Look | None],
    limit: int,
    known: Known,
    each: Each = map,
    *,
    reach: int | None = None,
) -> Iterator[Judged]:
    """Yield the verdicts on pictures as parts of others, of those that are near by their hashes.

    These differ by up to `reach` bits, or else by what is the limit.
    """
    most = limit if reach is None else reach
    whole = np.flatnonzero(~table.framed & ~table.page)
    if not len(whole):
        return
    owner, hashes = table.owner[whole], table.hashes[whole]
    of_all = [look.large for n in owner.tolist() if (look := looks[n]) and look.large]
    large = b"".join(map(views.content, of_all))
    pictures = np.frombuffer(large, np.uint8).reshape(-1, views.LARGE_SIDE, views.LARGE_SIDE)
    for window in views.windows():
        parts = views.cut_out(pictures, window, views.GRAY_SIDE)
        part_hashes = pack(views.hashes_of(parts, hash_size_of(table)))
        for i, j, distance in close_pairs(part_hashes, most, hashes, both_ways=True):
            for start in range(0, len(i), BATCH):
                some = slice(start, start + BATCH)
                found = Pairs(i[some], j[some], distance[some], "upright")
                yield from _judged_crops(parts, table, whole, found, limit, known, each)


def _judged_crops(
    parts: Stack,
    table: Table,
    whole: NDArray[np.intp],
    pairs: Pairs,
    limit: int,
    known: Known,
    each: Each,
) -> Iterator[Judged]:
    """The verdicts on parts, the left ones, and pictures."""
    owner = table.owner[whole]
    crowded = known.are_in_a_crowd(owner[pairs.left], owner[pairs.right], pairs.distance)
    pairs = pairs.where((pairs.left != pairs.right) & ~crowded)
    seen = look(parts[pairs.left], table.gray[whole[pairs.right]], pairs.distance, each)
    near, pages = pairs.distance <= limit, np.zeros(len(pairs.left), np.bool_)
    limits = np.full(len(pairs.left), limit)
    verdicts = judged(["crop"] * len(near), pairs.distance, limits, near, pages, seen)
    return of_pictures(owner, pairs, verdicts)


# ---- Pictures that are cut off


def cut_off(
    table: Table, looks: Sequence[Look | None], rules: Rules, each: Each = map
) -> Iterator[Match]:
    """Yield each picture that is cut off with the one of which it is most likely a part.

    That is a whole one or, without such, another one that is cut off, but not so soon. One is
    enough, and more would be wrong: what is left of a picture may be part of several (a sky, a
    bar with buttons), and these must not get into one group for it.
    """
    rows: dict[Part, list[int]] = defaultdict(list)
    for row in np.flatnonzero(~table.framed).tolist():
        look = looks[table.owner[row]]
        rows[look.part or EVERYTHING if look else EVERYTHING].append(row)
    for part in sorted(rows.keys() - {EVERYTHING}):
        left = rows[part]
        for larger in sorted(rows, key=lambda other: (-_area(other), other)):
            if _contains(larger, part) and left:
                found = _parts_of(table, left, rows[larger], _within(part, larger), rules, each)
                yield from found.values()
                left = [row for row in left if row not in found]


def _area(part: Part) -> int:
    return (part[2] - part[0]) * (part[3] - part[1])


def _contains(part: Part, other: Part) -> bool:
    left, upper, right, lower = part
    return left <= other[0] and upper <= other[1] and other[2] <= right and other[3] <= lower


def _within(part: Part, larger: Part) -> Window:
    """Where a part of a picture lies in a larger part of it."""
    across, down = larger[2] - larger[0], larger[3] - larger[1]
    return (
        (part[1] - larger[1]) / down,
        (part[0] - larger[0]) / across,
        (part[3] - part[1]) / down,
        (part[2] - part[0]) / across,
    )


def _parts_of(
    table: Table,
    rows: Sequence[int],
    others: Sequence[int],
    window: Window,
    rules: Rules,
    each: Each,
) -> dict[int, Match]:
    """For some rows, the best match with a part of other ones, if there is any."""
    own = views.coarsened(table.gray[np.array(rows)], window)
    size, places = hash_size_of(table), np.array(others)
    hashes = [
        pack(views.hashes_of(_cut_out(table, places[n : n + BATCH], window), size))
        for n in range(0, len(places), BATCH)
    ]
    nearest: dict[int, list[tuple[int, int]]] = defaultdict(list)
    own_hashes = pack(views.hashes_of(own, size))
    for i, j, distance in close_pairs(
        own_hashes, rules.whole, np.concatenate(hashes), both_ways=True
    ):
        for cut, other, bits in zip(i.tolist(), places[j].tolist(), distance.tolist(), strict=True):
            if table.owner[other] != table.owner[rows[cut]]:
                nearest[cut].append((bits, other))
                if len(nearest[cut]) > BATCH:
                    nearest[cut] = sorted(nearest[cut])[:LOOKED_AT]
    found = {}
    for cut, some in sorted(nearest.items()):
        match = _best_part(
            table, (rows[cut], own[cut]), sorted(some)[:LOOKED_AT], window, rules, each
        )
        if match:
            found[rows[cut]] = match
    return found


def _cut_out(table: Table, rows: NDArray[np.intp], window: Window) -> Stack:
    return views.cut_out(table.gray[rows], window, views.GRAY_SIDE)


def _best_part(
    table: Table,
    cut: tuple[int, Stack],
    others: Sequence[tuple[int, int]],
    window: Window,
    rules: Rules,
    each: Each,
) -> Match | None:
    """The most alike of some pictures of which a part may be what is left of one."""
    row, own = cut
    size, rows = hash_size_of(table), np.array([other for _, other in others])
    fine = unpacked(table.fine[row])[None] if table.page[row] else None
    shown = [views.view_of(own, size, None if fine is None else views.coarsened(fine, window)[0])]
    for other, small in zip(rows.tolist(), _cut_out(table, rows, window), strict=True):
        page = unpacked(table.fine[other])[None] if table.page[other] else None
        part = None if page is None else views.cut_out(page, window, views.PAGE_SIDE)[0]
        shown.append(views.view_of(small, size, part))
    parts = table_of([Look((view,), None, None, b"") for view in shown])
    distance = np.array([bits for bits, _ in others], np.int64)
    right = np.arange(1, len(shown))
    pairs = within_limits(parts, Pairs(np.zeros_like(right), right, distance, "upright"), rules)
    alike = matching_pairs(parts, pairs, rules, each)
    best = max(alike, key=lambda m: m.correlation, default=None)
    if best is None:
        return None
    one, other = sorted((int(table.owner[row]), int(table.owner[rows[best.right - 1]])))
    return replace(best, left=one, right=other, view="cut off")
