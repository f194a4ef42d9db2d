"""Pictures that show a part of another one: crops, and files that are cut off."""

import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from grouping import Match
from pictures import bandpass
from pictures.bandpass import Gray, Stack, Window, hashes_of, levels_of
from pictures.candidates import Candidates, Search
from pictures.crowds import Known
from pictures.effort import ALONE, UNTOLD, Each, Effort, Work
from pictures.hamming import pack
from pictures.looks import (
    EVERYTHING,
    GRAY_SIDE,
    LARGE_SIDE,
    PAGE_SIDE,
    Look,
    Part,
    Spooled,
    View,
    content,
)
from pictures.presets import Rules
from pictures.sides import Rows, Sides, close_pairs_between, count_of_pairs_between
from pictures.table import BATCH, Pairs, Table, hash_size_of, table_of
from pictures.verify import (
    Judged,
    Verdict,
    judged,
    look,
    matching_pairs,
    unpacked,
    within_limits,
)

AT_ONCE = 64  # pictures that parts are cut out of, some 5 MB of them
UNSURE = 0.5  # between frequencies; sums in another order were up to 0.08 apart
LOOKED_AT = 32  # pictures of which one that is cut off may be a part


PARTS = tuple(f"part {number}" for number in range(len(bandpass.windows())))


def crops(
    search: "PartSearch", known: Known, of_one_design: NDArray[np.bool_] | None = None
) -> Iterator[Match]:
    """Yield the pictures that look like a part of another one.

    Every part of every picture is compared with every picture, so the cost is quadratic and
    some 70 times that of the plain search. Which pictures are `of_one_design` the plain search has
    told.
    """
    found = []
    for pairs in search.pairs():
        for start in range(0, len(pairs.left), BATCH):
            some = pairs.where(slice(start, start + BATCH))
            for sight in search.matches(search.uncrowded(some, known)):
                known.add(sight.match)
                found.append(sight)
    yield from search.clear(
        found, search.of_one_design() if of_one_design is None else of_one_design
    )


def judge_crops(
    table: Table, looks: Sequence[Look | None], rules: Rules, reach: int
) -> Iterator[Judged]:
    """Yield the verdicts on pictures as parts of others, of which so many bits may differ."""
    search = PartSearch(table, looks, rules, reach=reach)
    for pairs in search.pairs():
        yield from search.judged(pairs)


class PartSearch(Search):
    """The search for pictures that are parts of others: the left ones are cut out of."""

    ways = PARTS
    shows = "Comparing parts of pictures"

    def __init__(
        self,
        table: Table,
        looks: Sequence[Look | None],
        rules: Rules,
        sides: Sides | None = None,
        known: Candidates | None = None,
        new: NDArray[np.bool_] | None = None,
        effort: Effort = ALONE,
        reach: int | None = None,
    ) -> None:
        """Search as the others do; with `reach` for pairs that differ by more than is the limit."""
        super().__init__(table, rules, sides, known, new, effort)
        assert rules.crops is not None
        self._limit = rules.crops
        self._reach = rules.crops if reach is None else reach
        whole = np.flatnonzero(~table.framed & ~table.page)
        shown = ((row, looks[table.owner[row]]) for row in whole.tolist())
        large = {row: look.large for row, look in shown if look and look.large}
        self._place = {row: place for place, row in enumerate(large)}
        self._whole = np.array(list(large), np.intp)
        self._pictures = _Large(list(large.values()))

    def uncrowded(self, pairs: Pairs, known: Known) -> Pairs:
        """Those of some candidates that aren't in a crowd of what is known."""
        owner = self._table.owner
        return pairs.where(
            ~known.are_in_a_crowd(owner[pairs.left], owner[pairs.right], pairs.distance)
        )

    def _from_scratch(self) -> Iterator[Pairs]:
        every = np.arange(len(self._whole))
        return self._near([(every, every)])

    def _of_new(self) -> Iterator[Pairs]:
        is_new = self._new[self._whole]
        every, old, new = np.arange(len(is_new)), np.flatnonzero(~is_new), np.flatnonzero(is_new)
        regions = [(every, new), (new, old)]
        return self._near([(left, right) for left, right in regions if len(left) and len(right)])

    def _near(self, regions: Sequence[tuple[Rows, Rows]]) -> Iterator[Pairs]:
        """Yield the parts of some pictures and the others that are near, part by part."""
        if not regions:
            return
        whole, hashes = self._whole, self._table.hashes[self._whole]
        with self._effort.stretch("Cutting out parts", len(whole), "pictures") as work:
            part_hashes = self._pictures.hashes_of_parts(hash_size_of(self._table), work)
        sides = [self._sides_of(*region) for region in regions]
        count = sum(
            count_of_pairs_between(len(left), len(right), some)
            for (left, right), some in zip(regions, sides, strict=True)
        )
        with self._effort.stretch("Comparing parts", len(PARTS) * count) as work:
            for (number, turn), ((left, right), some) in product(
                enumerate(PARTS), list(zip(regions, sides, strict=True))
            ):
                own, others = part_hashes[number][left], hashes[right]
                for i, j, distance in close_pairs_between(own, self._reach, others, some, work):
                    pairs = Pairs(whole[left[i]], whole[right[j]], distance, turn)
                    yield pairs.where(pairs.left != pairs.right)

    def _sides_of(self, left: Rows, right: Rows) -> tuple[Sides, Sides] | None:
        """The sides of some of the pictures and of others."""
        if self._by_row is None:
            return None
        return self._by_row[self._whole[left]], self._by_row[self._whole[right]]

    def _verdicts(self, pairs: Pairs) -> Iterator[Verdict]:
        count = len(pairs.left)
        seen = look(*self._compared(pairs), pairs.distance, self._effort.each)
        near, pages = pairs.distance <= self._limit, np.zeros(count, np.bool_)
        limits = np.full(count, self._limit)
        return judged(self._names(pairs), pairs.distance, limits, near, pages, seen)

    def _compared(self, pairs: Pairs) -> tuple[Gray | Stack, Gray]:
        rows, place = np.unique(pairs.left, return_inverse=True)
        window = bandpass.windows()[PARTS.index(pairs.turn)]
        cut = self._pictures.parts([self._place[row] for row in rows.tolist()], window)
        return cut[place], self._table.gray[pairs.right]

    def _differ_in_colour(self, pairs: Pairs) -> NDArray[np.bool_]:
        """Of a part no colours are known."""
        return np.zeros(len(pairs.left), np.bool_)

    def _names(self, pairs: Pairs) -> Sequence[str]:
        return ["crop"] * len(pairs.left)


class _Large:
    """Pictures that parts are cut out of, some at a time: all of them would fill memory."""

    def __init__(self, pictures: Sequence[bytes | Spooled]) -> None:
        self._pictures = pictures

    def parts(self, rows: Iterable[int], window: Window) -> Stack:
        """A part of some of them."""
        return bandpass.cut_out(self._stack(rows), window, GRAY_SIDE)

    def hashes_of_parts(self, size: int, work: Work = UNTOLD) -> NDArray[np.uint64]:
        """The hash of each part of each of them: windows x pictures x words.

        The `work` is told how many are done.
        """
        count = len(self._pictures)
        found = np.empty((len(bandpass.windows()), count, -(-(size**2) // 64)), np.uint64)
        for first in range(0, count, AT_ONCE):
            some = range(first, min(first + AT_ONCE, count))
            parts = bandpass.hashes_of_parts(self._stack(some), GRAY_SIDE, size, UNSURE)
            for number, hashes in enumerate(parts):
                found[number, first : some.stop] = pack(row.tobytes() for row in hashes)
            work.tell(len(some))
        return found

    def _stack(self, rows: Iterable[int]) -> Gray:
        joined = b"".join(content(self._pictures[row]) for row in rows)
        return np.frombuffer(joined, np.uint8).reshape(-1, LARGE_SIDE, LARGE_SIDE)


# ---- Pictures that are cut off


def cut_off(
    table: Table,
    parts: Sequence[Part | None],
    rules: Rules,
    each: Each = map,
    sides: Sides | None = None,
) -> Iterator[Match]:
    """Yield each picture that is cut off with the one of which it is most likely a part.

    That is a whole one or, without such, another one that is cut off, but not so soon. One is
    enough, and more would be wrong: what is left of a picture may be part of several (a sky, a
    bar with buttons), and these must not get into one group for it. `parts` are what is there of
    each picture, or None where that is all of it.
    """
    if not any(parts):
        return
    rows: dict[Part, list[int]] = defaultdict(list)
    for row in np.flatnonzero(~table.framed).tolist():
        rows[parts[table.owner[row]] or EVERYTHING].append(row)
    for part in sorted(rows.keys() - {EVERYTHING}):
        left = rows[part]
        for larger in sorted(rows, key=lambda other: (-_area(other), other)):
            if _contains(larger, part) and left:
                window = _within(part, larger)
                found = _parts_of(table, left, rows[larger], window, rules, each, sides)
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
    sides: Sides | None,
) -> dict[int, Match]:
    """For some rows, the best match with a part of other ones, if there is any."""
    own = bandpass.coarsened(table.gray[np.array(rows)], window)
    size, places = hash_size_of(table), np.array(others)
    hashes = table.gray.hashes_within(places, window, size)
    nearest: dict[int, list[tuple[int, int]]] = defaultdict(list)
    own_hashes = pack(bandpass.hashes_of(own, size))
    by_row = (
        None if sides is None else (sides[table.owner[np.array(rows)]], sides[table.owner[places]])
    )
    for i, j, distance in close_pairs_between(own_hashes, rules.whole, hashes, by_row):
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
    return bandpass.cut_out(table.gray[rows], window, GRAY_SIDE)


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
    shown = [_view_of(own, size, None if fine is None else bandpass.coarsened(fine, window)[0])]
    for other, small in zip(rows.tolist(), _cut_out(table, rows, window), strict=True):
        page = unpacked(table.fine[other])[None] if table.page[other] else None
        part = None if page is None else bandpass.cut_out(page, window, PAGE_SIDE)[0]
        shown.append(_view_of(small, size, part))
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


def _view_of(small: Stack, hash_size: int, fine: Stack | None) -> View:
    """A view by the levels of its small gray picture, and those of a page at 256 pixels."""
    gray = levels_of(small)
    page = None if fine is None else zlib.compress(levels_of(fine).tobytes(), 1)
    return View(hashes_of(gray[None], hash_size)[0], gray.tobytes(), False, page)
