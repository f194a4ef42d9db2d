"""The verdict on two pictures: by their hashes, and by a look at the pictures themselves."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from grouping import INSIDE_A_FRAME, Match
from pictures import bandpass
from pictures.aligned import LEAST_PARTS, differ_in_parts
from pictures.bandpass import Gray, Stack
from pictures.closer import seen_closer
from pictures.colour import (
    colours_are_others,
    colours_contradict,
    drawn_in_other_colours,
    only_one_is_colourful,
)
from pictures.effort import Each
from pictures.hamming import close_pairs, pack
from pictures.looks import PAGE_SIDE, Spooled, View, page
from pictures.presets import Rules
from pictures.registration import (
    Flat,
    agreement_by_planes,
    flat_correlation,
    flattened,
    stand_out,
)
from pictures.sketch import LEAST_COSINE, Sketches, cosines, sketches
from pictures.table import Pairs, Table

FEW = 16  # of which so many at a time, whose numbers stay in a processor's cache
# Chosen on the half of the benchmark's photos that is for choosing; see its README.
CLOSE = 36
CLOSE_CORRELATION = 0.65
LEAST_CORRELATION = 0.25
LEAST_AGREEMENT = 0.9
PAGE_CORRELATION = 0.85
# Bits: what differs more has another tone, or is something else of one design.
SAME_DESIGN = 12
FAR_PAGE_CORRELATION = 0.94
OTHER_LEVELS = 24  # gray levels on average, by which a gray copy of a colourful drawing differs
OTHER_TONES = 16  # bits, from which on the colours of photographs count; chosen on clothes
Rows = tuple[int, int]


class Reason(Enum):
    """What decided that two views match, or don't."""

    ALIKE = auto()  # close hashes, and a look at the pictures
    CLOSE = auto()  # the hashes, of which nothing else was asked
    NOT_COMPARED = auto()  # such views aren't, by the rules
    FAR = auto()  # the hashes
    FRAMES = auto()  # the hashes of what is inside the frames
    PAGES = auto()  # the look at them, as pages
    COLOURS = auto()  # the colours of pages, or of photos of other tones
    DIFFERENT = auto()  # the look at them
    PARTS = auto()  # most of their parts, laid on each other
    SKETCHES = auto()  # their sketches, so that find doesn't look at them


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of comparing two views by some rules.

    The distance and its limit are in bits of the hash, the agreement is a share of the blocks,
    `parts` the median correlation of parts laid on each other. What isn't limited, or needed no
    look, is None.
    """

    view: str
    reason: Reason
    alike: bool  # whatever their hashes
    distance: int
    limit: int | None
    correlation: float | None = None
    agreement: float | None = None
    parts: float | None = None

    @property
    def matches(self) -> bool:
        return self.reason in (Reason.ALIKE, Reason.CLOSE)


Judged = tuple[int, int, Verdict]  # two pictures, by position, and how two of their views compare


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at pairs of pictures shows; where it needed no blocks or parts, these are NaN."""

    alike: NDArray[np.bool_]
    correlation: Flat
    agreement: NDArray[np.float64]
    parts: Flat


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


def judge(
    table: Table, pairs: Pairs, rules: Rules, each: Each = map, *, fully: bool = False
) -> Iterator[Verdict]:
    """The verdict on each pair of views: by their hashes, and by a look at the pictures.

    Pages are looked at again, in more detail. With `fully`, all is measured that can be, not only
    what decides, and the sketches are compared, too, by which candidates are chosen.
    """
    limit = limits(table, pairs, rules)
    near, pages = _near(table, pairs, rules), table.page[pairs.left] & table.page[pairs.right]
    left = bandpass.turned(table.gray[pairs.left], pairs.turn)
    seen = look(left, table.gray[pairs.right], pairs.distance, each, fully=fully)
    sketched = _sketches_near(table, pairs, rules) if fully else np.ones(len(near), np.bool_)
    names = names_of(table, pairs)
    for n, verdict in enumerate(judged(names, pairs.distance, limit, near, pages, seen)):
        if verdict.matches and not sketched[n]:
            yield replace(verdict, reason=Reason.SKETCHES)
            continue
        if pages[n] and (verdict.alike or fully):
            rows = int(pairs.left[n]), int(pairs.right[n])
            seen_closer = page_likeness(table, rows, pairs.turn, verdict.distance, fully=fully)
            verdict = _by_pages(verdict, *seen_closer)
        yield _by_colour(verdict, table, (int(pairs.left[n]), int(pairs.right[n])), pairs.turn)


def have_near_sketches(sketches: Sketches, pairs: Pairs, rules: Rules) -> NDArray[np.bool_]:
    """Whether the sketches of each pair's rows are near, or else its hashes so close.

    Only upright pictures may have hashes so far apart that sketches count.
    """
    near = pairs.distance <= rules.sketched
    far = np.flatnonzero(~near)
    alike = cosines(sketches[pairs.left[far]], sketches[pairs.right[far]])
    near[far] = alike >= LEAST_COSINE
    return near


def _sketches_near(table: Table, pairs: Pairs, rules: Rules) -> NDArray[np.bool_]:
    """The same of a few pairs whose sketches aren't known."""
    rows = np.concatenate([pairs.left, pairs.right])
    made = sketches(bandpass.spectrum(table.gray[rows], bandpass.SIGNS_SIDE))
    left = np.arange(len(pairs.left))
    here = Pairs(left, left + len(left), pairs.distance, pairs.turn)
    return have_near_sketches(made, here, rules)


def _near(table: Table, pairs: Pairs, rules: Rules) -> NDArray[np.bool_]:
    """Whether the hashes of each pair are close enough, those inside their frames, too."""
    close: NDArray[np.bool_] = pairs.distance <= limits(table, pairs, rules)
    return close & ~_only_frames_alike(table, pairs, rules)


def names_of(table: Table, pairs: Pairs) -> list[str]:
    """What is compared in each pair, in words."""
    whole = "whole" if pairs.turn == "upright" else pairs.turn
    framed = table.framed[pairs.left] | table.framed[pairs.right]
    return [INSIDE_A_FRAME if inside else whole for inside in framed.tolist()]


def judged(
    names: Iterable[str],
    distance: NDArray[np.int64],
    limit: NDArray[np.int64],
    near: NDArray[np.bool_],
    pages: NDArray[np.bool_],
    seen: Seen,
) -> Iterator[Verdict]:
    """The verdict on each pair, by what was measured of all of them."""
    columns = distance, limit, near, pages, seen.alike, seen.correlation
    measured = seen.agreement, seen.parts
    rows = zip(names, *(column.tolist() for column in (*columns, *measured)), strict=True)
    for name, bits, most, is_near, is_page, alike, likeness, share, parts in rows:
        if is_near:
            differ = Reason.PARTS if parts < LEAST_PARTS else Reason.DIFFERENT
            reason = Reason.ALIKE if alike else Reason.PAGES if is_page else differ
        elif most < 0:
            reason = Reason.NOT_COMPARED
        else:
            reason = Reason.FRAMES if bits <= most else Reason.FAR
        agreement, median = (None if math.isnan(n) else n for n in (share, parts))
        limited = most if most >= 0 else None
        yield Verdict(name, reason, alike, bits, limited, likeness, agreement, median)


def _by_pages(verdict: Verdict, likeness: float, alike: bool) -> Verdict:
    """The verdict on two pages, which have to be alike at 256 pixels, too."""
    alike &= verdict.alike
    reason = Reason.PAGES if verdict.matches and not alike else verdict.reason
    return replace(verdict, reason=reason, alike=alike, correlation=likeness)


def _by_colour(verdict: Verdict, table: Table, rows: Rows, turn: str) -> Verdict:
    """The verdict on two pages, of which flags may differ in their colours alone, or on photos.

    What is inside a frame, or was cut out of a picture, isn't where its colour is known, but where
    two pages are close with their frames, too. Colours of photos count only where their tones
    differ much, too.
    """
    if not verdict.matches or not _colour_is_known(table, rows):
        return verdict
    left, right = (table.colour[row] for row in rows)
    if not (left and right) or not _in_other_colours(verdict.distance, table, rows, turn):
        return verdict
    return replace(verdict, reason=Reason.COLOURS, alike=False)


def _colour_is_known(table: Table, rows: Rows) -> bool:
    framed = table.framed[list(rows)]
    if not framed.any():
        return True
    if not table.page[list(rows)].all():
        return False
    whole = [row - int(inside) for row, inside in zip(rows, framed, strict=True)]
    one, other = table.hashes[whole]
    return bool(np.bitwise_count(one ^ other).sum() <= CLOSE)


def _in_other_colours(distance: int, table: Table, rows: Rows, turn: str) -> bool:
    """Whether the colours of two pictures say that they show something else."""
    colours = table.colour[rows[0]], table.colour[rows[1]]
    pages = table.page[list(rows)]
    if not pages.any():
        return distance >= OTHER_TONES and colours_are_others(*colours, turn)
    if colours_contradict(*colours, turn):
        return True
    if only_one_is_colourful(*colours, turn):
        left, right = table.gray[np.array(rows)]
        (left,) = bandpass.turned(left[None], turn)
        return bool(np.abs(left.astype(int) - right).mean() > OTHER_LEVELS)
    return bool(pages.all()) and drawn_in_other_colours(*colours, turn)


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
        parts=np.full(len(left), np.nan, np.float32),
    )

    def look_at_few(start: int) -> None:
        few = slice(start, start + FEW)
        p, q = flattened(left[few]), flattened(right[few])
        likeness = seen.correlation[few] = flat_correlation(p, q)
        seen.alike[few] = (distance[few] <= CLOSE) & (likeness >= CLOSE_CORRELATION)
        possible = ~seen.alike[few] & (likeness >= LEAST_CORRELATION)
        asked = np.flatnonzero(possible | fully)
        if len(asked):
            share, planes = agreement_by_planes(p[asked], q[asked])
            seen.agreement[start + asked] = share
            seen.alike[start + asked] |= possible[asked] & (share >= LEAST_AGREEMENT)
        found = np.flatnonzero(seen.alike[few] & (distance[few] > SAME_DESIGN))
        if len(found):
            seen.alike[start + found] = stand_out(p[found], q[found], likeness[found])
        far = (distance[few] > CLOSE) & (likeness >= CLOSE_CORRELATION)
        if len(laid := np.flatnonzero(seen.alike[few] & far)):
            there, back = (plane[np.searchsorted(asked, laid)] for plane in planes)
            pairs = p[laid], q[laid], likeness[laid]
            differ, seen.parts[start + laid] = differ_in_parts(*pairs, (there, back))
            seen.alike[start + laid] = ~differ

    for _ in each(look_at_few, range(0, len(left), FEW)):
        pass
    return seen


def page_likeness(
    table: Table, rows: Rows, turn: str, distance: int, *, fully: bool = False
) -> tuple[float, bool]:
    """The correlation of two pages at 256 pixels, and whether they are alike there."""
    one, other = (unpacked(table.fine[row]) for row in rows)
    needed = PAGE_CORRELATION if distance <= SAME_DESIGN else FAR_PAGE_CORRELATION
    return seen_closer(bandpass.turned(one[None], turn)[0], other, needed, fully=fully)


def unpacked(fine: bytes | Spooled | None) -> Gray:
    assert fine
    side = PAGE_SIDE
    return np.frombuffer(page(fine), np.uint8).reshape(side, side)
