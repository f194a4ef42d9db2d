"""Which pictures show the same: candidates by hash, then a look at the pictures themselves."""

import hashlib
import math
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import lru_cache
from itertools import groupby, islice

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import fft  # in single precision twice as quick as NumPy's

import views
from grouping import EMBEDDING, Cluster, Match, UnionFind, supported_clusters
from pictures.hamming import close_pairs, close_turned_pairs, pack
from views import EVERYTHING, Gray, Look, Part, Spooled, Stack, View

REACH = 10 / 64  # how far two pictures may be shifted, as a share of their side
BLOCKS = 4  # blocks a side
BLOCK_CORRELATION = 0.4
BLOCK_TOLERANCE = 1.6
BLOCK_ENERGY = 50.0
FEW_BLOCKS = 12
BATCH = 256  # pairs that are looked at together
LOOKED_AT = 32  # pictures of which one that is cut off may be a part
FEW = 16  # of which so many at a time, whose numbers stay in a processor's cache
# Chosen on the half of the benchmark's photos that is for choosing; see its README.
CLOSE = 36
CLOSE_CORRELATION = 0.65
LEAST_CORRELATION = 0.25
LEAST_AGREEMENT = 0.9
PAGE_CORRELATION = 0.85
PARTS = 8  # parts a side of a page
PART_CORRELATION = 0.8
PART_REACH = 2
PART_ENERGY = 200.0
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


@dataclass(frozen=True, slots=True)
class Rules:
    """How many bits two hashes may differ, by the views that are compared, and what else counts.

    Candidates of up to `CLOSE` bits must correlate, those beyond must also agree block by block.
    """

    whole: int  # both pictures as they are
    framed: int  # one without its frame, the other as it is
    both_framed: int  # both without their frames
    turned: int  # both as they are, one turned or mirrored
    page: int  # documents, looked at again at 256 pixels
    burst_seconds: float = 0.0  # shots of one camera so close in time need only look alike
    crops: int | None = None  # a part of one picture, the other as it is


PRESETS = {
    "copies": Rules(whole=31, framed=-1, both_framed=-1, turned=31, page=31),
    "similar": Rules(whole=92, framed=80, both_framed=60, turned=48, page=31, burst_seconds=3.0),
}
PRESETS["crops"] = replace(PRESETS["similar"], crops=76)


Flat = NDArray[np.float32]

Window = tuple[float, float, float, float]  # top, left, height, width, as shares
# A method to find matches: the positions of the files of each distinct picture in, pairs of places
# in that list out.
Method = Callable[[Sequence[Sequence[int]]], Iterable[Match]]
# When a picture was taken: by which camera, at what second, and the picture's number.
Shot = tuple[str, float, int]
# How some pairs after the other are looked at: `map`, or that of an executor with threads.
Each = Callable[[Callable[[int], None], Iterable[int]], Iterable[None]]


@dataclass(frozen=True, slots=True)
class Table:
    """All views of all pictures, a row each."""

    owner: NDArray[np.intp]
    framed: NDArray[np.bool_]
    fine: Sequence[bytes | Spooled | None]
    page: NDArray[np.bool_]
    inside: NDArray[np.intp]  # of a whole picture, the row of what is inside its frame, or -1
    gray: "Grays"
    hashes: NDArray[np.uint64]


class Grays:
    """The small gray pictures of all rows, as a stack of those that are asked for."""

    def __init__(self, pictures: Sequence[bytes | Spooled]) -> None:
        self._pictures = pictures

    def __getitem__(self, rows: NDArray[np.intp]) -> Gray:
        joined = b"".join(views.content(self._pictures[row]) for row in rows.tolist())
        return np.frombuffer(joined, np.uint8).reshape(-1, views.GRAY_SIDE, views.GRAY_SIDE)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Rows of a table that may match, a turn of the left ones, and their distances."""

    left: NDArray[np.intp]
    right: NDArray[np.intp]
    distance: NDArray[np.int64]
    turn: str

    def where(self, keep: NDArray[np.bool_] | NDArray[np.intp] | slice) -> "Pairs":
        return Pairs(self.left[keep], self.right[keep], self.distance[keep], self.turn)


class Reason(Enum):
    """What decided that two views match, or don't."""

    ALIKE = auto()  # close hashes, and a look at the pictures
    CLOSE = auto()  # the hashes, of which nothing else was asked
    NOT_COMPARED = auto()  # such views aren't, by the rules
    FAR = auto()  # the hashes
    FRAMES = auto()  # the hashes of what is inside the frames
    PAGES = auto()  # the look at them, as pages
    DIFFERENT = auto()  # the look at them


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of comparing two views by some rules.

    The distance and its limit are in bits of the hash, the agreement is a share of the blocks.
    What isn't limited, or needed no look, is None.
    """

    view: str
    reason: Reason
    alike: bool  # whatever their hashes
    distance: int
    limit: int | None
    correlation: float | None = None
    agreement: float | None = None

    @property
    def matches(self) -> bool:
        return self.reason in (Reason.ALIKE, Reason.CLOSE)


Judged = tuple[int, int, Verdict]  # two pictures, by position, and how two of their views compare


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at pairs of pictures shows; where it needed no blocks, these are NaN."""

    alike: NDArray[np.bool_]
    correlation: Flat
    agreement: NDArray[np.float64]


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


def table_of(looks: Sequence[Look | None]) -> Table:
    rows = [(n, view) for n, look in enumerate(looks) if look for view in look.views]
    owner = np.array([number for number, _ in rows], np.intp)
    return Table(
        owner=owner,
        framed=np.array([view.framed for _, view in rows], np.bool_),
        fine=[view.fine for _, view in rows],
        page=np.array([view.fine is not None for _, view in rows], np.bool_),
        inside=np.array([_row_inside(rows, row) for row in range(len(rows))], np.intp),
        gray=Grays([view.gray for _, view in rows]),
        hashes=pack([view.hash for _, view in rows]),
    )


def _row_inside(rows: Sequence[tuple[int, View]], row: int) -> int:
    number, view = rows[row]
    framed_next = row + 1 < len(rows) and rows[row + 1][0] == number
    return row + 1 if framed_next and not view.framed else -1


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


def within_limits(table: Table, pairs: Pairs, rules: Rules) -> Pairs:
    """Those of some pairs that are of two pictures, and whose hashes are close enough."""
    different = table.owner[pairs.left] != table.owner[pairs.right]
    return pairs.where(different & _near(table, pairs, rules))


def _only_frames_alike(table: Table, pairs: Pairs, rules: Rules) -> NDArray[np.bool_]:
    """Whether each pair is not close as it is, and far apart inside its frames."""
    left, right = table.inside[pairs.left], table.inside[pairs.right]
    unsure = (pairs.distance > CLOSE) & (left >= 0) & (right >= 0)
    differing = np.bitwise_count(table.hashes[left] ^ table.hashes[right]).sum(axis=1, dtype=int)
    apart: NDArray[np.bool_] = unsure & (differing > rules.whole)
    return apart


def limits(table: Table, pairs: Pairs, rules: Rules) -> NDArray[np.int64]:
    """How many bits each pair may differ, by the views that are compared."""
    frames = table.framed[pairs.left].astype(int) + table.framed[pairs.right]
    by_frames = np.array([rules.whole, rules.framed, rules.both_framed])
    limit = by_frames[frames] if pairs.turn == "upright" else np.full(len(frames), rules.turned)
    left, right = table.page[pairs.left], table.page[pairs.right]
    page = np.where(frames > 0, left & right, left | right)  # a page may be a photo's white frame
    return np.where(page, np.minimum(limit, rules.page), limit)


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


def matching_pairs(table: Table, pairs: Pairs, rules: Rules, each: Each = map) -> Iterator[Match]:
    """The matches among some pairs of views."""
    verdicts = judge(table, pairs, rules, each)
    yield from matches_of(of_pictures(table.owner, pairs, verdicts))


def of_pictures(
    owner: NDArray[np.intp], pairs: Pairs, verdicts: Iterable[Verdict]
) -> Iterator[Judged]:
    left, right = owner[pairs.left], owner[pairs.right]
    ones, others = np.minimum(left, right).tolist(), np.maximum(left, right).tolist()
    return zip(ones, others, verdicts, strict=True)


def matches_of(judged: Iterable[Judged]) -> Iterator[Match]:
    for one, other, verdict in judged:
        if verdict.matches:
            assert verdict.correlation is not None
            yield Match(one, other, verdict.distance, verdict.correlation, verdict.view)


# ---- The verdict on a pair


def judge(
    table: Table, pairs: Pairs, rules: Rules, each: Each = map, *, fully: bool = False
) -> Iterator[Verdict]:
    """The verdict on each pair of views: by their hashes, and by a look at the pictures.

    Pages are looked at again, in more detail. With `fully`, all is measured that can be, not only
    what decides.
    """
    limit = limits(table, pairs, rules)
    near, pages = _near(table, pairs, rules), table.page[pairs.left] & table.page[pairs.right]
    left = views.turned(table.gray[pairs.left], pairs.turn)
    seen = look(left, table.gray[pairs.right], pairs.distance, each, fully=fully)
    names = _names(table, pairs)
    for n, verdict in enumerate(judged(names, pairs.distance, limit, near, pages, seen)):
        if pages[n] and (verdict.alike or fully):
            rows = int(pairs.left[n]), int(pairs.right[n])
            yield _by_pages(verdict, *page_likeness(table, rows, pairs.turn))
        else:
            yield verdict


def _near(table: Table, pairs: Pairs, rules: Rules) -> NDArray[np.bool_]:
    """Whether the hashes of each pair are close enough, those inside their frames, too."""
    close: NDArray[np.bool_] = pairs.distance <= limits(table, pairs, rules)
    return close & ~_only_frames_alike(table, pairs, rules)


def _names(table: Table, pairs: Pairs) -> list[str]:
    """What is compared in each pair, in words."""
    whole = "whole" if pairs.turn == "upright" else pairs.turn
    framed = table.framed[pairs.left] | table.framed[pairs.right]
    return ["inside a frame" if inside else whole for inside in framed.tolist()]


def judged(
    names: Iterable[str],
    distance: NDArray[np.int64],
    limit: NDArray[np.int64],
    near: NDArray[np.bool_],
    pages: NDArray[np.bool_],
    seen: Seen,
) -> Iterator[Verdict]:
    """The verdict on each pair, by what was measured of all of them."""
    columns = distance, limit, near, pages, seen.alike, seen.correlation, seen.agreement
    rows = zip(names, *(column.tolist() for column in columns), strict=True)
    for name, bits, most, is_near, is_page, alike, likeness, share in rows:
        if is_near:
            reason = Reason.ALIKE if alike else Reason.PAGES if is_page else Reason.DIFFERENT
        elif most < 0:
            reason = Reason.NOT_COMPARED
        else:
            reason = Reason.FRAMES if bits <= most else Reason.FAR
        agreement = None if math.isnan(share) else share
        yield Verdict(name, reason, alike, bits, most if most >= 0 else None, likeness, agreement)


def _by_pages(verdict: Verdict, likeness: float, alike: bool) -> Verdict:
    """The verdict on two pages, which have to be alike at 256 pixels, too."""
    alike &= verdict.alike
    reason = Reason.PAGES if verdict.matches and not alike else verdict.reason
    return replace(verdict, reason=reason, alike=alike, correlation=likeness)


def judge_hashes(one: View, other: View, threshold: int) -> Verdict:
    """The verdict on two views by their hashes and nothing else, as a threshold gives it."""
    bits = pack((one.hash, other.hash))
    ((_, _, distance),) = close_pairs(bits, 8 * len(one.hash))
    near = any(True for _ in close_pairs(bits, threshold))
    reason = Reason.CLOSE if near else Reason.FAR
    return Verdict("whole", reason, near, int(distance[0]), threshold)


def look(
    left: Gray | Stack,
    right: Gray | Stack,
    distance: NDArray[np.int64],
    each: Each = map,
    *,
    fully: bool = False,
) -> Seen:
    """Look at pairs of pictures: at their blocks only where these decide, or to see all."""
    seen = Seen(
        alike=np.zeros(len(left), np.bool_),
        correlation=np.zeros(len(left), np.float32),
        agreement=np.full(len(left), np.nan),
    )

    def look_at_few(start: int) -> None:
        few = slice(start, start + FEW)
        p, q = flattened(left[few]), flattened(right[few])
        likeness = seen.correlation[few] = flat_correlation(p, q)
        seen.alike[few] = (distance[few] <= CLOSE) & (likeness >= CLOSE_CORRELATION)
        possible = ~seen.alike[few] & (likeness >= LEAST_CORRELATION)
        asked = np.flatnonzero(possible | fully)
        if len(asked):
            share = seen.agreement[start + asked] = flat_agreement(p[asked], q[asked])
            seen.alike[start + asked] |= possible[asked] & (share >= LEAST_AGREEMENT)

    for _ in each(look_at_few, range(0, len(left), FEW)):
        pass
    return seen


def page_likeness(table: Table, rows: tuple[int, int], turn: str) -> tuple[float, bool]:
    """The correlation of two pages at 256 pixels, and whether they are alike there."""
    one, other = (unpacked(table.fine[row])[None] for row in rows)
    p, q = flattened(views.turned(one, turn)), flattened(other)
    found = by_shift(p, q)[0]
    likeness = float(found.max())
    if likeness < PAGE_CORRELATION:
        return likeness, False
    if table.framed[rows[0]] or table.framed[rows[1]]:
        return likeness, True  # no two frames are cut off to the pixel
    reach = len(found) // 2
    down, across = (reach - place for place in divmod(int(found.argmax()), len(found)))
    alike = parts_alike(p[0], q[0], (down, across)) and parts_alike(q[0], p[0], (-down, -across))
    return likeness, alike


def unpacked(fine: bytes | Spooled | None) -> Gray:
    assert fine
    side = views.PAGE_SIDE
    return np.frombuffer(zlib.decompress(views.content(fine)), np.uint8).reshape(side, side)


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


def hash_size_of(table: Table) -> int:
    return math.isqrt(table.hashes.shape[1] * 64)


# ---- The look at two pictures


def correlation(left: Gray | Stack, right: Gray | Stack) -> Flat:
    """How alike pictures are, pair by pair: 1 for the same, about 0.2 for different ones.

    `left` and `right` are stacks of square gray pictures. Each is reduced to its band of middle
    sizes and divided by its local contrast, so that exposure, tone and soft shadows don't count
    (`flattened`). The value is the greatest normalised cross-correlation

        c(s) = sum p(x) q(x + s) / sqrt(sum p(x)^2  sum q(x + s)^2)

    over all shifts s of up to `REACH` in both directions, each sum over the overlap only. The
    numerators of all shifts come from one Fourier transform (J. P. Lewis, Fast Normalized
    Cross-Correlation, 1995).
    """
    return flat_correlation(flattened(left), flattened(right))


def flat_correlation(p: Stack, q: Stack) -> Flat:
    best: Flat = by_shift(p, q).max(axis=(1, 2))
    return best


def by_shift(p: Stack, q: Stack) -> Stack:
    """The correlation of each pair for every shift of the left one, by rows and columns."""
    side = p.shape[1]
    reach = round(side * REACH)
    size = fft.next_fast_len(side + reach, real=True)
    sums = _products(p, q, size, np.arange(-reach, reach + 1))
    energy = _energies(p, side) * _energies(q, side)[:, ::-1, ::-1]
    likeness: Stack = sums / np.sqrt(energy + np.float32(1e-6))
    return likeness


def _products(p: Stack, q: Stack, size: int, shifts: NDArray[np.intp]) -> Stack:
    """The sums of p(x + s) q(x) for all shifts s, by rows and columns, in a circle of a size.

    Axis by axis, so that no row is transformed that holds only zeros or isn't asked for.
    """
    spectrum = _spectrum(p, size)
    spectrum *= _spectrum(q, size).conj()
    rows = fft.ifft(spectrum, axis=-2)[..., shifts, :]
    sums: Stack = fft.irfft(rows, size)[..., shifts]
    return sums


def _spectrum(pictures: Stack, size: int) -> NDArray[np.complex64]:
    spectrum: NDArray[np.complex64] = fft.fft(fft.rfft(pictures, size), size, axis=-2)
    return spectrum


def _energies(pictures: Stack, block: int) -> Stack:
    """The sum of squares of each picture in each of its square blocks, moved by every shift.

    The rows and columns are those of `_spans`: block by block, shift by shift.
    """
    spans = _spans(pictures.shape[1], block)
    energies: Stack = spans @ (pictures * pictures) @ spans.T
    return energies


@lru_cache(maxsize=8)
def _spans(side: int, block: int) -> Flat:
    """The matrix that adds up what is in each block of a side, moved by every shift."""
    reach = round(side * REACH)
    shifts, pixels = np.arange(-reach, reach + 1), np.arange(side)
    starts = np.add.outer(np.arange(0, side, block), shifts).reshape(-1, 1)
    return ((starts <= pixels) & (pixels < starts + block)).astype(np.float32)


def parts_alike(left: Flat, right: Flat, shift: tuple[int, int]) -> bool:
    """Whether two flattened pictures correlate in every part, by `PART_CORRELATION`.

    The left picture is moved by `shift` (down, to the right), which lays it on the right one. Each
    of 8 x 8 parts may lie up to `PART_REACH` pixels beside; those with little in them are left
    out. Two letters of one sender, or a form filled in twice, are alike as a whole but not in each
    part; another size, tone or compression changes all parts alike.
    """
    ones, there = _parts(_moved(left, shift)), _parts(_moved(np.ones_like(left), shift))
    strength = np.maximum(_squares(ones), _squares(_parts(right)))
    counted = np.flatnonzero(there.all(axis=(1, 2)) & (strength > PART_ENERGY))
    ones, likeness = ones[counted], np.zeros(len(counted))
    energy = _squares(ones)
    for y, x in np.ndindex(2 * PART_REACH + 1, 2 * PART_REACH + 1):
        others = _parts(_moved(right, (y - PART_REACH, x - PART_REACH)))[counted]
        sums = np.einsum("nyx,nyx->n", ones, others)
        likeness = np.maximum(likeness, sums / np.sqrt(energy * _squares(others) + 1e-3))
        if likeness.min(initial=1.0) >= PART_CORRELATION:
            return True
    return False


def _squares(parts: Stack) -> Flat:
    squares: Flat = np.einsum("nyx,nyx->n", parts, parts)
    return squares


def _moved(picture: Flat, shift: tuple[int, int]) -> Flat:
    """A picture moved down and to the right; nothing is where it was."""
    moved = np.zeros_like(picture)
    (to_y, from_y), (to_x, from_x) = (
        (slice(max(n, 0), side + min(n, 0)), slice(max(-n, 0), side + min(-n, 0)))
        for n, side in zip(shift, picture.shape, strict=True)
    )
    moved[to_y, to_x] = picture[from_y, from_x]
    return moved


def _parts(picture: Flat) -> Stack:
    side = len(picture) // PARTS
    parts: Stack = picture.reshape(PARTS, side, PARTS, side).swapaxes(1, 2).reshape(-1, side, side)
    return parts


def agreement(left: Gray | Stack, right: Gray | Stack) -> NDArray[np.float64]:
    """The share of two pictures' blocks that lie where one affine map puts them in the other one.

    Cropping, tilting and stretching move the parts of a picture by amounts that change steadily
    across it; another subject before the same background, or another picture in the same frame,
    leaves parts that are nowhere to be found. Each of 4 x 4 blocks of one picture is looked for
    in the other one, shifted by up to `REACH`, by normalised cross-correlation. A plane is
    fitted to the shifts (weighted by the correlation's fourth power, outliers dropped); a block
    agrees if it correlates by `BLOCK_CORRELATION` within `BLOCK_TOLERANCE` pixels of the plane.
    Blocks with little in them are left out, and so are those that the plane puts outside the
    other picture; with fewer than half of the blocks left it is 0.

    Pictures are looked for in each other. The lesser share counts, as what only one of them shows
    may be a subject; but the greater one where it is 1, as then one picture is all in the other,
    and where `FEW_BLOCKS` count or fewer, of which each would decide alone. It is no more than the
    share of all blocks, too, wherever the plane puts them, of the picture of which that is greater.
    """
    return flat_agreement(flattened(left), flattened(right))


def flat_agreement(left: Stack, right: Stack) -> NDArray[np.float64]:
    share, of_all, counted = found_blocks(left, right)
    rest = np.flatnonzero(of_all < 1)
    if len(rest):
        back, of_all_back, counted_back = found_blocks(right[rest], left[rest])
        few = np.minimum(counted[rest], counted_back) <= FEW_BLOCKS
        less, more = np.minimum(share[rest], back), np.maximum(share[rest], back)
        found = np.where(few | (more == 1), more, less)
        share[rest] = np.minimum(found, np.maximum(of_all[rest], of_all_back))
    return share


def found_blocks(
    left: Stack, right: Stack
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """Which share is found of the left one's blocks in the right one, and of all; their number."""
    likeness, shifts, energy = block_shifts(left, right)
    detailed = energy > BLOCK_ENERGY
    strength = np.where(detailed, np.maximum(likeness, 0) ** 4, 0)
    weights, tolerance = strength, 3 * BLOCK_TOLERANCE
    for _ in range(4):
        fitted = _fitted(shifts, weights)
        off = np.abs(fitted - shifts).max(axis=2)
        weights, tolerance = strength * (off <= tolerance), BLOCK_TOLERANCE
    agrees = detailed & (likeness >= BLOCK_CORRELATION) & (off <= BLOCK_TOLERANCE)
    inside = (detailed & (agrees | _is_inside(fitted, left.shape[1]))).sum(axis=1)
    found, counted = agrees.sum(axis=1), detailed.sum(axis=1)
    share, of_all = (
        np.where(count * 2 >= BLOCKS * BLOCKS, found / np.maximum(count, 1), 0.0)
        for count in (inside, counted)
    )
    return share, of_all, counted


def _is_inside(shifts: NDArray[np.float64], side: int) -> NDArray[np.bool_]:
    """Whether each block lies in the picture when it is shifted, but for a pixel."""
    block = side // BLOCKS
    starts = np.stack(np.divmod(np.arange(BLOCKS**2), BLOCKS), axis=1) * block
    beyond = np.maximum(-(starts + shifts), starts + shifts + block - side).max(axis=2)
    inside: NDArray[np.bool_] = beyond <= 1
    return inside


def block_shifts(
    left: Stack, right: Stack
) -> tuple[NDArray[np.float64], NDArray[np.float64], Flat]:
    """How well each block is found, at which shift (rows, columns), and its sum of squares."""
    side = left.shape[1]
    block, reach = side // BLOCKS, round(side * REACH)
    size, places = block + 2 * reach, 2 * reach + 1
    parts = left.reshape(-1, BLOCKS, block, BLOCKS, block).swapaxes(2, 3)
    room = np.pad(right, ((0, 0), (reach, reach), (reach, reach)))
    rooms = sliding_window_view(room, (size, size), axis=(1, 2))[:, ::block, ::block]
    sums = _products(rooms, parts, size, np.arange(places))
    there = _energies(right, block).reshape(-1, BLOCKS, places, BLOCKS, places).swapaxes(2, 3)
    energy = np.einsum("nijyx,nijyx->nij", parts, parts)
    found = sums / np.sqrt(energy[..., None, None] * there + np.float32(1e-3))
    found = found.reshape(len(left), BLOCKS**2, -1)
    best = found.argmax(axis=2)
    shifts = np.stack([best // places - reach, best % places - reach], axis=2)
    likeness = found.max(axis=2).astype(np.float64)
    return likeness, shifts.astype(np.float64), energy.reshape(likeness.shape)


def _fitted(shifts: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each block's shift by the plane that fits all of them best."""
    steps = np.arange(BLOCKS) - (BLOCKS - 1) / 2
    plane = np.stack([np.ones(BLOCKS**2), np.repeat(steps, BLOCKS), np.tile(steps, BLOCKS)], axis=1)
    weighted = plane[None] * weights[..., None]
    normal = weighted.transpose(0, 2, 1) @ plane + 1e-6 * np.eye(3)
    fitted: NDArray[np.float64]
    fitted = plane @ np.linalg.solve(normal, weighted.transpose(0, 2, 1) @ shifts)
    return fitted


def flattened(pictures: Gray | Stack) -> Stack:
    """The band of middle sizes of each picture, over its local contrast."""
    band = views.band(pictures)
    return band / (views.local_deviation(band) + np.float32(views.NOISE_LEVELS))
