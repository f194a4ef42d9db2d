"""The exact search for close hashes: all pairs within some bits of each other."""

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from pictures.effort import UNTOLD, Work
from pictures.exhaustive import (
    Comparing,
    Strip,
    compiled,
    compiling_pays,
    cost_of_pairs,
    strips,
)

BAND_BITS = 16
CHUNK = 1 << 16  # candidates that are compared at once
# What a search by bands costs, in pairs that NumPy compares one by one: each candidate, and each
# band with each change.
CANDIDATE_COST = 6
CHANGE_COST = 1 << 17
PAIRS = attrgetter("pairs")  # of a strip
# Which of the words of `close_turned_pairs` are complemented: as it is, mirrored, flipped, both.
MIRRORINGS = ((), (1, 3), (2, 3), (1, 2))
INVERTED = 2 * len(MIRRORINGS)  # more is the number of a turn whose picture is inverted, too


def pack(hashes: Iterable[bytes]) -> NDArray[np.uint64]:
    """Hashes of equal length as rows of 64-bit words, padded with zero bits.

    >>> pack([b"abc", b"abd"]).shape
    (2, 1)
    """
    rows = list(hashes)
    width = -(-len(rows[0]) // 8) * 8 if rows else 8
    joined = b"".join(row.ljust(width, b"\0") for row in rows)
    return np.frombuffer(joined, dtype=np.uint64).reshape(len(rows), width // 8)


Found = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int64]]


def close_pairs(
    left: NDArray[np.uint64],
    threshold: int,
    right: NDArray[np.uint64] | None = None,
    *,
    both_ways: bool = False,
    work: Work = UNTOLD,
) -> Iterator[Found]:
    """Yield all rows i of `left` and j of `right` that differ in at most `threshold` bits.

    With them come their distances, a part of the pairs at a time. Only pairs i < j are yielded,
    unless they are wanted `both_ways`; without `right`, rows of `left` are compared with each
    other, none with itself. Exact; memory is a strip for each thread and some copies of the
    hashes, whatever the number of pairs. The `work` is told how many pairs are done.

    >>> [(i.tolist(), j.tolist()) for i, j, _ in close_pairs(pack([b"a", b"c", b"a"]), 0)]
    [([0], [2])]
    """
    if threshold < 0 or not len(left):
        return
    if bands_pay(left, threshold, right):
        yield from _by_bands(left, threshold, right, both_ways)
        work.tell(count_of_pairs(len(left), None if right is None else len(right)))
        return
    other = left if right is None else right
    compared = Comparing(left, other, "close")

    def search(strip: Strip) -> list[Found]:
        i, j = compared.close(strip, threshold)
        if right is None:
            i, j = i[i != j], j[i != j]
        found: list[Found] = []
        for start in range(0, len(i), CHUNK):
            some = slice(start, start + CHUNK)
            close = _exactly(left, other, i[some], j[some], threshold)
            found += _ahead(close, both_ways)
        return found

    every = strips(len(left), len(other), ahead=right is None and not both_ways)
    for found in work.done(search, every, PAIRS):
        yield from found


def count_of_pairs(left: int, right: int | None) -> int:
    """How many pairs there are of some rows and others, or of these rows alone."""
    return left * (left - 1) // 2 if right is None else left * right


def _ahead(found: Found, both_ways: bool) -> Iterator[Found]:
    """The pairs that are wanted, if any."""
    i, j, distance = found
    if not both_ways:
        wanted = i < j
        i, j, distance = i[wanted], j[wanted], distance[wanted]
    if len(i):
        yield i, j, distance


def _exactly(
    left: NDArray[np.uint64],
    right: NDArray[np.uint64],
    i: NDArray[np.intp],
    j: NDArray[np.intp],
    threshold: int,
) -> Found:
    """Those of some pairs that are close, with their distances."""
    distance = np.bitwise_count(left[i] ^ right[j]).sum(axis=1, dtype=np.int64)
    close = distance <= threshold
    return i[close], j[close], distance[close]


# ---- The search by bands: only pairs that agree, but for a bit, in one of their bands


def bands_pay(
    left: NDArray[np.uint64], threshold: int, right: NDArray[np.uint64] | None, ways: int = 1
) -> bool:
    """Whether bands leave few enough candidates, counted from how often their values occur.

    If the left hashes are to be compared in several `ways`, bands find the pairs of one after the
    other, and of all of them together those that `exhaustive` compares at once.
    """
    pays = _bands_cost_less(left, threshold, right, ways)
    pairs, words = len(left) * len(left if right is None else right), left.shape[1]
    if pays or not compiling_pays(pairs, words) or compiled("close", pairs, words):
        return pays
    return _bands_cost_less(left, threshold, right, ways)  # than NumPy, as nothing is compiled


def _bands_cost_less(
    left: NDArray[np.uint64], threshold: int, right: NDArray[np.uint64] | None, ways: int
) -> bool:
    columns = left if right is None else right
    bands = left.shape[1] * 64 // BAND_BITS
    pairs = len(left) * len(columns)
    most = cost_of_pairs(pairs, left.shape[1], 1 if ways == 1 else 2) / ways
    changes = [_changes(band, bands, threshold) for band in range(bands)]
    cost = CHANGE_COST * sum(map(len, changes))
    if threshold >= 2 * bands or cost >= most:
        return False
    return cost + CANDIDATE_COST * _count_of_candidates(left, columns, changes) < most


def _count_of_candidates(
    left: NDArray[np.uint64], right: NDArray[np.uint64], changes: Sequence[Sequence[int]]
) -> int:
    values = np.arange(1 << BAND_BITS)
    candidates = 0
    for band, some in enumerate(changes):
        one, other = (
            np.bincount(side.view(np.uint16)[:, band], minlength=len(values))
            for side in (left, right)
        )
        candidates += sum(int(one @ other[values ^ change]) for change in some)
    return candidates


def _changes(band: int, bands: int, threshold: int) -> list[int]:
    """By which bits a band of two close hashes may differ, if none before it was close enough.

    If each of the first `threshold - bands + 1` bands differed in two bits and each other one in
    one, these would be more than `threshold` bits: so close hashes differ in at most one bit
    in some of the first bands, or in none of the others (Norouzi, Punjani and Fleet, Fast Search
    in Hamming Space with Multi-Index Hashing, 2012).

    >>> _changes(0, 16, 16)[:4], _changes(1, 16, 16)
    ([0, 1, 2, 4], [0])
    """
    one_bit = band < threshold - bands + 1
    return [0, *(1 << bit for bit in range(BAND_BITS))] if one_bit else [0]


def _by_bands(
    left: NDArray[np.uint64], threshold: int, right: NDArray[np.uint64] | None, both_ways: bool
) -> Iterator[Found]:
    columns = left if right is None else right
    bands = left.shape[1] * 64 // BAND_BITS
    for band in range(bands):
        rows = _Band(left, band)
        others = rows if right is None else _Band(right, band)
        for change in _changes(band, bands, threshold):
            for i, j in _candidates(rows, others, change, threshold):
                i, j, distance = _exactly(left, columns, i, j, threshold)
                first = _first_band(left[i] ^ columns[j], threshold) == band
                found = i[first], j[first], distance[first]
                if right is None:  # each pair came once, in some order
                    found = np.minimum(*found[:2]), np.maximum(*found[:2]), found[2]
                yield from _ahead(found, both_ways)
                if right is None and both_ways:
                    yield from _ahead((found[1], found[0], found[2]), both_ways)


def _first_band(differing: NDArray[np.uint64], threshold: int) -> NDArray[np.intp]:
    """The first band that is close enough to find each pair, so that it is found only once."""
    counts = np.bitwise_count(np.ascontiguousarray(differing).view(np.uint16))
    bands = counts.shape[1]
    most = np.array([len(_changes(band, bands, threshold)) > 1 for band in range(bands)])
    first: NDArray[np.intp] = (counts <= most).argmax(axis=1)
    return first


class _Band:
    """Hashes in the order of one of their bands, with two of their words to compare first."""

    def __init__(self, hashes: NDArray[np.uint64], band: int) -> None:
        values = hashes.view(np.uint16)[:, band]
        self.order = np.argsort(values, kind="stable")
        self.values = values[self.order]
        counts = np.bincount(values, minlength=1 << BAND_BITS)
        self.starts = np.concatenate([[0], np.cumsum(counts)])
        # Words that hold none of the band's bits tell most.
        word = band * BAND_BITS // 64
        words = [(word + step) % hashes.shape[1] for step in (1, 2)][: hashes.shape[1]]
        self.words = [hashes[self.order, word] for word in dict.fromkeys(words)]


def _candidates(
    rows: _Band, others: _Band, change: int, threshold: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """The pairs whose band differs by `change` and whose next words are close enough.

    Between hashes and themselves, every pair comes once.
    """
    wanted = rows.values ^ np.uint16(change)
    starts, ends = others.starts[wanted], others.starts[wanted.astype(np.intp) + 1]
    if rows is others:
        starts = np.maximum(starts, np.arange(1, len(starts) + 1))
    counts = np.maximum(ends - starts, 0)
    before = np.concatenate([[0], np.cumsum(counts)])
    first = 0
    while before[first] < before[-1]:
        last = max(first + 1, int(np.searchsorted(before, before[first] + CHUNK, "right")) - 1)
        size = counts[first:last]
        here = np.arange(before[last] - before[first])
        there = here + np.repeat(starts[first:last] - (before[first:last] - before[first]), size)
        total = np.zeros(len(here), np.uint8)
        for one, other in zip(rows.words, others.words, strict=True):
            total += np.bitwise_count(np.repeat(one[first:last], size) ^ other[there])
        close = np.flatnonzero(total <= threshold)
        if len(close):
            position = first + np.searchsorted(
                before[first + 1 : last + 1] - before[first], close, "right"
            )
            yield rows.order[position], others.order[there[close]]
        first = last


# ---- Turned and mirrored pictures


def close_turned_pairs(
    signs: NDArray[np.uint64],
    transposed: NDArray[np.uint64],
    threshold: int,
    right: NDArray[np.uint64] | None = None,
    work: Work = UNTOLD,
) -> Iterator[tuple[int, Found]]:
    """Yield the number of a turn with the pairs i < j that are close when i is turned.

    A row of `signs` has a picture's frequencies, a bit each by their sign, in four words: even
    rows and even columns, even and odd, odd and even, odd and odd; `transposed` has those of the
    transposed picture. Mirroring complements two of the words (`MIRRORINGS`) and inverting all of
    them, so what differs is counted once for eight of the sixteen turns, which are numbered as
    in `bandpass.WAYS`. With `right`, the signs of other pictures, all close i and j of these come.
    The `work` is told each pair twice: with the left one as it is, and transposed.
    """
    if not len(signs):
        return
    by_bands = bands_pay(signs, threshold, right, 2 * INVERTED - 1)
    search = _turned_by_bands if by_bands else _turned_by_strips
    yield from search(signs, transposed, threshold, right, work)


def _turned_by_bands(
    signs: NDArray[np.uint64],
    transposed: NDArray[np.uint64],
    threshold: int,
    right: NDArray[np.uint64] | None,
    work: Work,
) -> Iterator[tuple[int, Found]]:
    ones = ~np.uint64(0)
    others, both_ways = (signs, False) if right is None else (right, True)
    pairs = 2 * count_of_pairs(len(signs), None if right is None else len(right))
    last = 2 * INVERTED - 1
    for number in range(1, last + 1):
        transpose, mirroring = divmod(number % INVERTED, len(MIRRORINGS))
        turned = (transposed if transpose else signs).copy()
        turned[:, MIRRORINGS[mirroring]] ^= ones
        if number >= INVERTED:
            turned ^= ones
        for found in _by_bands(turned, threshold, others, both_ways):
            yield number, found
        work.tell(pairs * number // last - pairs * (number - 1) // last)


def _turned_by_strips(
    signs: NDArray[np.uint64],
    transposed: NDArray[np.uint64],
    threshold: int,
    right: NDArray[np.uint64] | None,
    work: Work,
) -> Iterator[tuple[int, Found]]:
    others = signs if right is None else right
    for base, left in ((0, signs), (len(MIRRORINGS), transposed)):
        compared = Comparing(left, others, "close_folded")

        def search(
            strip: Strip,
            base: int = base,
            left: NDArray[np.uint64] = left,
            compared: Comparing = compared,
        ) -> list[tuple[int, Found]]:
            i, j = compared.close(strip, threshold)
            if right is None:
                i, j = i[i < j], j[i < j]
            if not len(i):
                return []
            turned = _by_mirroring(left, others, i, j, threshold)
            return [(base + n, found) for n, found in turned if base + n > 0]

        every = strips(len(left), len(others), ahead=right is None)
        for found in work.done(search, every, PAIRS):
            yield from found


def _by_mirroring(
    left: NDArray[np.uint64],
    right: NDArray[np.uint64],
    i: NDArray[np.intp],
    j: NDArray[np.intp],
    threshold: int,
) -> Iterator[tuple[int, Found]]:
    """Those of some pairs that are close, by the number of a mirroring, perhaps inverted."""
    counts = np.bitwise_count(left[i] ^ right[j])
    least = np.minimum(counts, 64 - counts).sum(axis=1, dtype=np.int64)
    perhaps = least <= threshold
    i, j, counts = i[perhaps], j[perhaps], counts[perhaps].astype(np.int64)
    for number, words in enumerate(MIRRORINGS if len(i) else ()):
        distance = np.abs(counts - np.isin(np.arange(4), words) * 64).sum(axis=1)
        for turn, bits in ((number, distance), (number + INVERTED, 64 * 4 - distance)):
            close = bits <= threshold
            if close.any():
                yield turn, (i[close], j[close], bits[close])
