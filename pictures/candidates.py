"""Pairs of views whose hashes are close enough to be looked at, in an order of their own."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from grouping import Match
from pictures import bandpass
from pictures.bandpass import Gray, Stack
from pictures.colour import others_of_many
from pictures.effort import ALONE, Effort, Work
from pictures.images import SEVERAL
from pictures.one_design import Sight, are_of_one_design, without_one_design
from pictures.presets import Rules
from pictures.sides import (
    Rows,
    Sides,
    close_pairs_across,
    close_turned_pairs_across,
    count_of_pairs_across,
    lie_apart,
)
from pictures.sketch import KEPT, Sketches, sketches
from pictures.table import BATCH, Grays, Pairs, Table
from pictures.verify import (
    OTHER_TONES,
    Judged,
    Verdict,
    have_near_sketches,
    judge,
    names_of,
    of_pictures,
    within_limits,
)

# So many are put in order, and remembered. Of more all come as they are found: they fill memory.
MOST = 1 << 21
TOGETHER = 4 * BATCH  # pairs of which the closest are looked at first
DIFFERENT = np.float32(-2)  # no correlation
SIGN_WORDS = bandpass.SIGNS_SIDE**2 // 64


def candidates(
    table: Table,
    rules: Rules,
    by_row: Sides | None = None,
    effort: Effort = ALONE,
    made: "Frequencies | None" = None,
) -> Iterator[Pairs]:
    """Yield the pairs of views whose hashes are close enough, of rows that lie apart.

    Those far apart must have near sketches, too. These stay in memory, 135 bytes a row. Where the
    rows' frequencies were `made` before, no gray picture is looked at.
    """
    whole = np.flatnonzero(~table.framed)
    of_whole = None if by_row is None else by_row[whole]
    count = count_of_pairs_across(len(table.owner), by_row)
    count += 2 * count_of_pairs_across(len(whole), of_whole)
    frequencies = made or frequencies_of(table.gray, len(table.owner), effort)
    with effort.stretch("Comparing hashes", count) as work:
        for pairs in in_batches(_upright(table, rules, by_row, work)):
            near = within_limits(table, pairs, rules)
            yield near.where(have_near_sketches(frequencies.sketches, near, rules))
        for pairs in in_batches(_turned(frequencies, whole, rules, of_whole, work)):
            yield within_limits(table, pairs, rules)


def _upright(table: Table, rules: Rules, by_row: Sides | None, work: Work) -> Iterator[Pairs]:
    """Yield the pairs that are near by the greatest of the limits."""
    most = max(rules.whole, rules.framed, rules.both_framed)
    for left, right, distance in close_pairs_across(table.hashes, most, by_row, work):
        yield Pairs(left, right, distance, "upright")


def _turned(
    frequencies: "Frequencies", whole: Rows, rules: Rules, of_whole: Sides | None, work: Work
) -> Iterator[Pairs]:
    """Yield the pairs of whole pictures that are near when the left one is turned or inverted."""
    signs, transposed = frequencies.signs, frequencies.transposed
    if len(whole) < len(signs):  # or a copy would only fill memory
        signs, transposed = signs[whole], transposed[whole]
    # A turn that undoes itself finds each pair from both sides; the others undo each other,
    # so the pairs i < j of all turns are all pairs.
    for number, (i, j, distance) in close_turned_pairs_across(
        signs, transposed, rules.turned, of_whole, work
    ):
        yield Pairs(whole[i], whole[j], distance, bandpass.WAYS[number])


@dataclass(frozen=True, slots=True)
class Frequencies:
    """What is compared of all rows' frequencies: their signs, also transposed, and sketches."""

    signs: NDArray[np.uint64]
    transposed: NDArray[np.uint64]
    sketches: Sketches


def frequencies_of(gray: Grays, rows: int, effort: Effort = ALONE) -> Frequencies:
    """What is compared of the frequencies of so many rows, a few at a time as they fill memory."""

    every = Frequencies(
        np.empty((rows, SIGN_WORDS), np.uint64),
        np.empty((rows, SIGN_WORDS), np.uint64),
        np.empty((rows, len(KEPT)), np.int8),
    )

    def fill_some(start: int) -> None:
        some = slice(start, min(start + BATCH, rows))
        spectra = bandpass.spectrum(gray[np.arange(some.start, some.stop)], bandpass.SIGNS_SIDE)
        every.signs[some], every.transposed[some] = bandpass.signs_of(spectra)
        every.sketches[some] = sketches(spectra)

    for _ in effort.each(fill_some, range(0, rows, BATCH)):
        pass
    return every


def in_batches(found: Iterable[Pairs]) -> Iterator[Pairs]:
    """The same pairs, more of them at a time, as looking at one costs as much as at several."""
    waiting: dict[str, list[Pairs]] = {}
    count: Counter[str] = Counter()
    for pairs in found:
        if len(pairs.left):
            waiting.setdefault(pairs.turn, []).append(pairs)
            count[pairs.turn] += len(pairs.left)
        if count[pairs.turn] >= TOGETHER:
            yield _joined(waiting.pop(pairs.turn))
            del count[pairs.turn]
    yield from map(_joined, waiting.values())


def _joined(parts: Sequence[Pairs]) -> Pairs:
    left, right, distance = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("left", "right", "distance")
    )
    return Pairs(left, right, distance, parts[0].turn)


# ---- Candidates in order


@dataclass(frozen=True, slots=True)
class Candidates:
    """Candidates among so many rows, by turn, left row and right row, and what a look showed.

    Each of the `keys` is these three as one number. `shown` is the correlation of those that
    match, `DIFFERENT` for the others, and NaN where nobody has looked. The `ways` are the turns, or
    the parts of the left ones that are compared, by their numbers.
    """

    rows: int
    keys: NDArray[np.int64]
    distance: NDArray[np.int16]
    shown: NDArray[np.float32]
    ways: Sequence[str] = bandpass.WAYS

    def places_of(self, pairs: Pairs) -> NDArray[np.intp]:
        """Where some of these candidates are."""
        return np.searchsorted(self.keys, keys_of(self.rows, pairs, self.ways))

    def pairs(self) -> Iterator[Pairs]:
        """All of them, turn by turn, some at a time."""
        for number, turn in enumerate(self.ways):
            first, last = np.searchsorted(self.keys, self.rows**2 * np.array([number, number + 1]))
            for start in range(first, last, TOGETHER):
                some = slice(start, min(start + TOGETHER, last))
                left, right = np.divmod(self.keys[some] % self.rows**2, self.rows)
                yield Pairs(left, right, self.distance[some].astype(np.int64), turn)

    def among(self, rows: int, row_now: NDArray[np.intp]) -> "Candidates":
        """Those of which both rows are still there, by what the rows are now, in the same order."""
        turn, pair = np.divmod(self.keys, self.rows**2 or 1)
        left, right = (row_now[side] for side in np.divmod(pair, self.rows or 1))
        there = (left >= 0) & (right >= 0)
        keys = (turn * rows + left) * rows + right
        kept = keys[there], self.distance[there], self.shown[there]
        return Candidates(rows, *kept, self.ways)

    def merged_with(self, others: "Candidates") -> "Candidates":
        """These and others among the same rows, in order."""
        keys = np.concatenate([self.keys, others.keys])
        order = np.argsort(keys, kind="stable")
        return Candidates(
            self.rows,
            keys[order],
            np.concatenate([self.distance, others.distance])[order],
            np.concatenate([self.shown, others.shown])[order],
            self.ways,
        )


def keys_of(rows: int, pairs: Pairs, ways: Sequence[str]) -> NDArray[np.int64]:
    """What says each pair among so many rows in one number."""
    turn = ways.index(pairs.turn)
    keys: NDArray[np.int64] = (turn * rows + pairs.left) * rows + pairs.right
    return keys


def none_among(rows: int, ways: Sequence[str] = bandpass.WAYS) -> Candidates:
    """No candidates among so many rows."""
    columns = np.zeros(0, np.int64), np.zeros(0, np.int16), np.zeros(0, np.float32)
    return Candidates(rows, *columns, ways)


def in_order(rows: int, found: Iterable[Pairs], ways: Sequence[str]) -> Candidates:
    """Some pairs as candidates of which nobody has looked at any."""
    parts = [(keys_of(rows, pairs, ways), pairs.distance.astype(np.int16)) for pairs in found]
    if not parts:
        return none_among(rows, ways)
    keys, distance = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(keys)
    unseen = np.full(len(keys), np.nan, np.float32)
    return Candidates(rows, keys[order], distance[order], unseen, ways)


# ---- A search


class Search:
    """The candidates of a search in the order in which they are looked at, and what that shows.

    What is known before are the candidates among all rows but the new ones. Where there are too
    many candidates to be put in order, `ordered` stays None, and nothing is known before.
    """

    ways: Sequence[str] = bandpass.WAYS
    shows = "Comparing pictures"  # to whoever watches

    def __init__(
        self,
        table: Table,
        rules: Rules,
        sides: Sides | None = None,
        known: Candidates | None = None,
        new: NDArray[np.bool_] | None = None,
        effort: Effort = ALONE,
        made: Frequencies | None = None,
    ) -> None:
        self._table, self._rules, self._effort, self._made = table, rules, effort, made
        self._by_row = None if sides is None else sides[table.owner]
        self._known = none_among(len(table.owner), self.ways) if known is None else known
        self._new = np.ones(len(table.owner), np.bool_) if new is None else new
        self.ordered: Candidates | None = None
        # How many candidates of each picture were looked at and show something else, or match.
        self._others = np.zeros(int(table.owner[-1]) + 1 if len(table.owner) else 0, np.intp)
        self._matching = np.zeros_like(self._others)

    def pairs(self) -> Iterator[Pairs]:
        """Yield all candidates, in an order that they alone decide."""
        found, coming = [], self._of_new()
        count = len(self._known.keys)
        for pairs in coming:
            found.append(pairs)
            count += len(pairs.left)
            if count > MOST:
                yield from chain(found, coming) if self._new.all() else self._from_scratch()
                return
        self.ordered = self._known.merged_with(in_order(len(self._table.owner), found, self.ways))
        with self._effort.stretch(self.shows, len(self.ordered.keys)) as work:
            for pairs in self.ordered.pairs():
                yield pairs
                work.tell(len(pairs.left))

    def _from_scratch(self) -> Iterator[Pairs]:
        return candidates(self._table, self._rules, self._by_row, self._effort, self._made)

    def _of_new(self) -> Iterator[Pairs]:
        """The candidates of which one is new, or both are."""
        if self._new.all():
            yield from self._from_scratch()
        elif self._new.any():
            # As if all that isn't new lay on one side.
            by_age = np.where(self._new, SEVERAL, 0)
            for pairs in candidates(self._table, self._rules, by_age, self._effort):
                yield pairs.where(lie_apart(self._by_row, pairs.left, pairs.right))

    def _verdicts(self, pairs: Pairs) -> Iterator[Verdict]:
        return judge(self._table, pairs, self._rules, self._effort.each)

    def _names(self, pairs: Pairs) -> Sequence[str]:
        return names_of(self._table, pairs)

    def judged(self, pairs: Pairs) -> Iterator[Judged]:
        """The verdicts on some candidates, whatever is known of them."""
        return of_pictures(self._table.owner, pairs, self._verdicts(pairs))

    def matches(self, pairs: Pairs) -> Iterator[Sight]:
        """The matches among some candidates, which are looked at where that isn't known."""
        shown = self._shown(pairs)
        left, right = self._table.owner[pairs.left], self._table.owner[pairs.right]
        for side in (left, right):
            np.add.at(self._others, side[shown == DIFFERENT], 1)
            np.add.at(self._matching, side[shown != DIFFERENT], 1)
        names = self._names(pairs)
        for n in np.flatnonzero(shown != DIFFERENT).tolist():
            one, other = sorted((int(left[n]), int(right[n])))
            match = Match(one, other, int(pairs.distance[n]), float(shown[n]), names[n])
            yield Sight(match, int(pairs.left[n]), int(pairs.right[n]), pairs.turn)

    def _shown(self, pairs: Pairs) -> NDArray[np.floating]:
        """The correlation of the candidates that match; `DIFFERENT` for the others."""
        if self.ordered is None:
            return self._looked_at(pairs)
        places = self.ordered.places_of(pairs)
        shown = self.ordered.shown[places]
        if len(unseen := np.flatnonzero(np.isnan(shown))):
            shown[unseen] = self._looked_at(pairs.where(unseen))
            self.ordered.shown[places] = shown
        return shown

    def _looked_at(self, pairs: Pairs) -> NDArray[np.floating]:
        """The same by a look, which is spared where colours alone tell."""
        shown = np.full(len(pairs.left), DIFFERENT, np.float64)
        rest = np.flatnonzero(~self._differ_in_colour(pairs))
        verdicts = self._verdicts(pairs.where(rest))
        shown[rest] = [float(v.correlation or 0) if v.matches else DIFFERENT for v in verdicts]
        return shown

    def _differ_in_colour(self, pairs: Pairs) -> NDArray[np.bool_]:
        """Which pairs of photos surely have other colours, by which no look would let them match.

        The look asks their colours last (`verify.judge`), and to ask them first takes little.
        """
        table, differ = self._table, np.zeros(len(pairs.left), np.bool_)
        asked = pairs.distance >= OTHER_TONES
        for side in (pairs.left, pairs.right):
            asked &= ~(table.framed[side] | table.page[side])
        if len(some := np.flatnonzero(asked)):
            ones, others = (table.colours_of(side[some]) for side in (pairs.left, pairs.right))
            differ[some] = others_of_many(ones, others, pairs.turn)
        return differ

    def of_one_design(self) -> NDArray[np.bool_]:
        """Which pictures are of one design, as far as they were looked at."""
        return are_of_one_design(self._others, self._matching)

    def clear(self, sights: Sequence[Sight], are: NDArray[np.bool_]) -> Iterator[Match]:
        """The matches among some sights that hold although pictures are of one design."""
        return without_one_design(sights, are, self._table, self._compared)

    def _compared(self, pairs: Pairs) -> tuple[Gray | Stack, Gray]:
        """What is compared of the rows of some pairs."""
        gray = self._table.gray
        return bandpass.turned(gray[pairs.left], pairs.turn), gray[pairs.right]
