"""Which are among the nearest of each of very many rows, of which pairs come some at a time."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from extras.cluster.rows import Numbers
from grouping import Match

Scores = NDArray[np.float32]
Batch = tuple[Numbers, Numbers, Scores]  # pairs of rows, or of pictures


def no_pairs() -> Batch:
    return np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0, np.float32)


def unscored(pairs: Iterable[tuple[int, int]]) -> Batch:
    """Some pairs of which it is not known how near they are."""
    left, right = np.array(list(pairs), np.intp).reshape(-1, 2).T
    return left, right, np.zeros(len(left), np.float32)


def joined(batches: Iterable[Batch]) -> Batch:
    left, right, scores = (np.concatenate(some) for some in zip(no_pairs(), *batches, strict=True))
    return left, right, scores


def where(batch: Batch, kept: NDArray[np.bool_]) -> Batch:
    left, right, scores = batch
    return left[kept], right[kept], scores[kept]


def in_runs(batches: Iterable[Batch], size: int) -> Iterator[Batch]:
    """The same pairs, so many at a time."""
    waiting, count = list[Batch](), 0
    for batch in batches:
        waiting.append(batch)
        count += len(batch[0])
        if count >= size:
            every = joined(waiting)
            ends = range(size, count + 1, size)
            for end in ends:
                yield _slice(every, slice(end - size, end))
            waiting, count = [_slice(every, slice(ends[-1], None))], count - ends[-1]
    if count:
        yield joined(waiting)


def _slice(batch: Batch, some: slice) -> Batch:
    left, right, scores = batch
    return left[some], right[some], scores[some]


def highest(batches: Iterable[Batch], size: int) -> Batch:
    """Pairs of so many, each once, with the highest of its scores, and none of one with itself."""
    left, right, scores = joined(batches)
    order = np.lexsort((-scores, right, left))
    left, right, scores = left[order], right[order], scores[order]
    _, first = np.unique(left * size + right, return_index=True)
    first = first[left[first] != right[first]]
    return left[first], right[first], scores[first]


def in_order(matches: Iterable[Match]) -> list[Match]:
    return sorted(matches, key=lambda match: (match.left, match.right))


class Ranks:
    """Which others are among so many nearest of each row: the score and the number of the last."""

    def __init__(self, rows: int, count: int) -> None:
        self._count = count
        self._score = np.full(rows, -np.inf, np.float32)
        self._last = np.zeros(rows, np.int32)

    def note(self, rows: Numbers, others: Numbers, scores: Scores) -> None:
        """Take note of the nearest of some rows, row by row, the nearest first."""
        last = place_in(rows) == self._count - 1
        self._score[rows[last]], self._last[rows[last]] = scores[last], others[last]

    def hold(self, rows: Numbers, others: Numbers, scores: Scores) -> NDArray[np.bool_]:
        """Whether each of some others is among the nearest of its row."""
        last = self._score[rows]
        there: NDArray[np.bool_] = (scores > last) | (
            (scores == last) & (others <= self._last[rows])
        )
        return there


def place_in(rows: Numbers) -> Numbers:
    """Of some rows in order, how many of the same row come before each."""
    places: Numbers = np.arange(len(rows)) - np.searchsorted(rows, rows)
    return places


def nearest_first(rows: Numbers, others: Numbers, scores: Scores, most: int) -> Batch:
    """So many others of each row, row by row, the nearest first; of equal ones the first."""
    order = np.lexsort((others, -scores, rows))
    kept = order[place_in(rows[order]) < most]
    return rows[kept], others[kept], scores[kept]


def either(ranks: Ranks, batch: Batch) -> NDArray[np.bool_]:
    """Whether of each pair one row is among the nearest of the other."""
    left, right, scores = batch
    return ranks.hold(left, right, scores) | ranks.hold(right, left, scores)
