"""The exact search for close hashes: all pairs within some bits of each other."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

# Rows and columns compared at once: few enough that a block stays in a processor's cache.
BLOCK_ROWS = 16
BLOCK_COLUMNS = 4096
FEW = 1 / 16  # of a block's pairs are looked at one by one, more all together
BAND_BITS = 16
CHUNK = 1 << 17  # candidates that are compared at once
# A candidate of a search by bands costs as much as so many pairs of a search by blocks.
CANDIDATE_COST = 6
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
) -> Iterator[Found]:
    """Yield all rows i of `left` and j of `right` that differ in at most `threshold` bits.

    With them come their distances, a part of the pairs at a time. Only pairs i < j are yielded,
    unless they are wanted `both_ways`; without `right`, rows of `left` are compared with each
    other, none with itself. Exact; memory is a block and some copies of the hashes, whatever the
    number of pairs.

    >>> [(i.tolist(), j.tolist()) for i, j, _ in close_pairs(pack([b"a", b"c", b"a"]), 0)]
    [([0], [2])]
    """
    if threshold < 0 or not len(left):
        return
    search = _by_bands if bands_pay(left, threshold, right) else _by_blocks
    yield from search(left, threshold, right, both_ways)


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


# ---- The search by blocks: every pair, as quickly as can be


def _by_blocks(
    left: NDArray[np.uint64], threshold: int, right: NDArray[np.uint64] | None, both_ways: bool
) -> Iterator[Found]:
    columns = left if right is None else right
    rows = np.ascontiguousarray(left.T)
    other = rows if right is None else np.ascontiguousarray(right.T)
    for top in range(0, rows.shape[1], BLOCK_ROWS):
        some = rows[:, top : top + BLOCK_ROWS]
        for start in range(0 if both_ways else top, other.shape[1], BLOCK_COLUMNS):
            i, j = _probably_close(some, other[:, start : start + BLOCK_COLUMNS], threshold)
            i, j = i + top, j + start
            if right is None:
                i, j = i[i != j], j[i != j]
            if len(i):
                found = _exactly(left, columns, i, j, threshold)
                yield from _ahead(found, both_ways)


def _probably_close(
    rows: NDArray[np.uint64], columns: NDArray[np.uint64], threshold: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """All close pairs of a block and some others; most blocks are done after half of the words."""
    half = -(-len(rows) // 2)
    total = _distances(rows[:half], columns[:half])
    close = total <= threshold
    if half < len(rows) and np.count_nonzero(close) > FEW * close.size:
        # A byte can't hold 256 and says 0; such a pair is found out later.
        np.add(total, _distances(rows[half:], columns[half:]), out=total)
        np.less_equal(total, threshold, out=close)
    return _places(close)


def _distances(
    rows: NDArray[np.uint64], columns: NDArray[np.uint64]
) -> NDArray[np.unsignedinteger]:
    """Hamming distances of all rows from all columns, in a byte for up to 256 bits."""
    byte = np.uint8 if len(rows) <= 4 else np.uint16
    total: NDArray[np.unsignedinteger]
    total = np.bitwise_count(rows[0][:, None] ^ columns[0]).astype(byte, copy=False)
    for one, other in zip(rows[1:], columns[1:], strict=True):
        total += np.bitwise_count(one[:, None] ^ other)
    return total


def _places(mask: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where a mask is true, row by row; on one axis that is looked up far more quickly."""
    return np.divmod(np.flatnonzero(mask), mask.shape[1])


# ---- The search by bands: only pairs that agree, but for a bit, in one of their bands


def bands_pay(left: NDArray[np.uint64], threshold: int, right: NDArray[np.uint64] | None) -> bool:
    """Whether bands leave few enough candidates, counted from how often their values occur."""
    columns = left if right is None else right
    bands = left.shape[1] * 64 // BAND_BITS
    if threshold >= 2 * bands or len(left) * len(columns) < CHUNK:
        return False
    candidates = 0
    for band in range(bands):
        counts = [
            np.bincount(side.view(np.uint16)[:, band], minlength=1 << BAND_BITS)
            for side in (left, columns)
        ]
        for change in _changes(band, bands, threshold):
            candidates += int(counts[0] @ counts[1][np.arange(1 << BAND_BITS) ^ change])
    return candidates * CANDIDATE_COST < len(left) * len(columns)


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
) -> Iterator[tuple[int, Found]]:
    """Yield the number of a turn with the pairs i < j that are close when i is turned.

    A row of `signs` has a picture's frequencies, a bit each by their sign, in four words: even
    rows and even columns, even and odd, odd and even, odd and odd; `transposed` has those of the
    transposed picture. Mirroring complements two of the words (`MIRRORINGS`) and inverting all of
    them, so what differs is counted once for eight of the sixteen turns, which are numbered as
    in `bandpass.WAYS`. With `right`, the signs of other pictures, all close i and j of these come.
    """
    search = _turned_by_bands if bands_pay(signs, threshold, right) else _turned_by_blocks
    yield from search(signs, transposed, threshold, right)


def _turned_by_bands(
    signs: NDArray[np.uint64],
    transposed: NDArray[np.uint64],
    threshold: int,
    right: NDArray[np.uint64] | None,
) -> Iterator[tuple[int, Found]]:
    ones = ~np.uint64(0)
    others, both_ways = (signs, False) if right is None else (right, True)
    for number in range(1, 2 * INVERTED):
        transpose, mirroring = divmod(number % INVERTED, len(MIRRORINGS))
        turned = (transposed if transpose else signs).copy()
        turned[:, MIRRORINGS[mirroring]] ^= ones
        if number >= INVERTED:
            turned ^= ones
        for found in close_pairs(turned, threshold, others, both_ways=both_ways):
            yield number, found


def _turned_by_blocks(
    signs: NDArray[np.uint64],
    transposed: NDArray[np.uint64],
    threshold: int,
    right: NDArray[np.uint64] | None,
) -> Iterator[tuple[int, Found]]:
    others = signs if right is None else right
    columns = np.ascontiguousarray(others.T)
    for base, left in ((0, signs), (len(MIRRORINGS), transposed)):
        rows = np.ascontiguousarray(left.T)
        for top in range(0, len(left), BLOCK_ROWS):
            some = rows[:, top : top + BLOCK_ROWS]
            start = top if right is None else 0
            i, j = _perhaps_turned(some, columns[:, start:], threshold)
            i, j = i + top, j + start
            if right is None:
                i, j = i[i < j], j[i < j]
            for number, found in _by_mirroring(left, others, i, j, threshold):
                if base + number > 0:
                    yield base + number, found


def _perhaps_turned(
    rows: NDArray[np.uint64], columns: NDArray[np.uint64], threshold: int
) -> NDArray[np.intp]:
    """The rows and columns that may be close, by their first two words.

    Each mirroring leaves both of these words or complements the second, inverting both.
    """
    found = []
    for start in range(0, columns.shape[1], BLOCK_COLUMNS):
        block = columns[:, start : start + BLOCK_COLUMNS]
        first, second = (_distances(rows[[word]], block[[word]]) for word in (0, 1))
        least = np.minimum(first, 64 - first) + np.minimum(second, 64 - second)
        i, j = _places(least <= threshold)
        found.append(np.stack([i, j + start]))
    return np.concatenate(found, axis=1)


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
