"""Candidates among many pictures: those of which points share words and agree how they moved."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extras.points.features import Described, Points
from extras.points.vocabulary import WORDS
from pictures.sides import Sides, lie_apart

MOST_BITS = 10  # of 64, in which points of a word may differ that vote for their pictures
TURNS, TURN_WIDTH = 16, 16  # bins of how much a point is turned, and their width in 256ths
OCTAVES, OCTAVE_WIDTH = 6, 3  # bins of how much it is enlarged, and their width
MOST_OF_A_WORD = 4  # points of a picture; drawings and patterns repeat theirs a hundred times
MOST_OF_A_WORD_DRAWN = 1
MANY_DOCUMENTS, LARGE_SHARE = 64, 1 / 32  # and of all of them, that have a word
LEAST_VOTES = 4
OF_DOCUMENTS = 2  # nearest: they share their words, and points prove next to none that hashes don't
BLOCK = 512  # pictures whose votes are counted at once, or fewer
MOST_COMPARED = 1 << 24  # pairs of points of one word at once; 8 bytes for each
MOST_VOTES = 1 << 21  # counted at once, which takes some 80 bytes for each
WEIGHT_STEPS = 256
# Of a word of which there are so many points, and that weighs less, no votes are counted. They
# would tell nothing, and of documents, which share their words, they would be nearly all there are.
MANY_OF_A_WORD, LEAST_WEIGHT = 256, 9
CELLS = TURNS * OCTAVES

Rows = NDArray[np.intp]
Keys = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Bag:
    """What of a picture's points proposes candidates, a row each: words, 64 bits, how they lie."""

    words: NDArray[np.uint16]
    bits: NDArray[np.uint64]
    turns: NDArray[np.uint8]
    octaves: NDArray[np.uint8]


Bags = tuple[Bag, Bag]  # of a picture, and of the mirrored one


def bag_of(points: Points, *, drawn: bool = False) -> Bags:
    """What proposes candidates for a picture, and for the mirrored one; of its own memory.

    What is written or drawn repeats its letters, which tell even less.
    """
    most = MOST_OF_A_WORD_DRAWN if drawn else MOST_OF_A_WORD
    return _bag(points.plain, most), _bag(points.mirrored, most)


def _bag(some: Described, most: int) -> Bag:
    """The first points of each word: more of one tell no more, and cost their square (H. Jegou et
    al., On the burstiness of visual elements, 2009).
    """
    order = np.argsort(some.words, kind="stable")
    ranked = some.words[order]
    of_a_word = np.arange(len(order)) - np.searchsorted(ranked, ranked)
    kept = np.sort(order[of_a_word < most])
    bits = some.bits.view(np.uint64)[kept, 0]
    return Bag(some.words[kept], bits, some.turns[kept], some.octaves[kept])


def near(
    bags: Sequence[Bags | None],
    count: int = 20,
    sides: Sides | None = None,
    drawn: NDArray[np.bool_] | None = None,
) -> Iterator[tuple[int, int]]:
    """Yield the pairs i < j of pictures of which one is among the `count` nearest of the other.

    Of two documents, which are `drawn`, it has to be among the `OF_DOCUMENTS` nearest of these.

    Two points of one word that differ in few bits vote for their pictures, by how rare the word
    is (J. Sivic and A. Zisserman, Video Google, 2003); those votes count together that agree how
    much the picture is turned and enlarged (H. Jegou et al., Hamming embedding and weak geometric
    consistency, 2008). The mirrored pictures vote, too. With `sides`, only what lies apart is
    proposed. Exact, and of equal ones the first; time grows with the square of the pictures, in
    memory are up to `MOST_VOTES`, or those for one of them.
    """
    bags = bags if drawn is None else _telling(bags, drawn)
    index = _index([bag and bag[0] for bag in bags])
    mirrored = _index([bag and bag[1] for bag in bags])
    weights = _weights(index, len(bags))
    best = _Scored(np.zeros(0, np.float32), np.zeros(0, np.intp), np.zeros(0, np.intp))
    start, block = 0, BLOCK
    while start < len(bags):
        votes = [
            _votes(queries, index, weights, (start, start + block), len(bags))
            for queries in (index, mirrored)
        ]
        counted = [_scored(some, start, len(bags)) for some in votes if some is not None]
        if len(counted) < len(votes):
            block //= 2
            continue
        best = _nearest(_apart(_together([best, *counted]), sides), count)
        start += block
    best = best if drawn is None else _few_of(best, drawn[best.left] & drawn[best.right])
    order = np.lexsort((best.right, best.left))
    yield from zip(best.left[order].tolist(), best.right[order].tolist(), strict=True)


def _telling(bags: Sequence[Bags | None], drawn: NDArray[np.bool_]) -> list[Bags | None]:
    """The same without the words of documents that many of these have, as the letters of a type."""
    none = [np.zeros(0, np.uint16)]
    words = [np.unique(bag[0].words) for bag, d in zip(bags, drawn, strict=True) if bag and d]
    having = np.bincount(np.concatenate(words or none), minlength=WORDS)
    telling = having <= max(MANY_DOCUMENTS, LARGE_SHARE * len(words))
    return [
        (_of_words(bag[0], telling), _of_words(bag[1], telling)) if bag and is_drawn else bag
        for bag, is_drawn in zip(bags, drawn, strict=True)
    ]


def _of_words(bag: Bag, telling: NDArray[np.bool_]) -> Bag:
    kept = telling[bag.words]
    return Bag(bag.words[kept], bag.bits[kept], bag.turns[kept], bag.octaves[kept])


# ---- The points of all pictures, by words


@dataclass(frozen=True, slots=True)
class _Index:
    """The points of all pictures in the order of words, and in it of pictures."""

    size: int
    keys: Rows  # the word and the picture as one number
    pictures: Rows
    bits: NDArray[np.uint64]
    turns: NDArray[np.int16]
    octaves: NDArray[np.int16]

    def rows_of(self, start: int, stop: int) -> tuple[Rows, Rows]:
        """Where the points of some pictures begin and end, for each word."""
        words = np.arange(WORDS) * self.size
        begin = np.searchsorted(self.keys, words + min(start, self.size))
        return begin, np.searchsorted(self.keys, words + min(stop, self.size))


def _index(bags: Sequence[Bag | None]) -> _Index:
    none = np.zeros(0, np.uint8)
    empty = Bag(none.astype(np.uint16), none.astype(np.uint64), none, none)
    filled = [*(bag or empty for bag in bags), empty]
    words = np.concatenate([bag.words for bag in filled])
    order = np.argsort(words, kind="stable")
    pictures = np.repeat(np.arange(len(filled)), [len(bag.words) for bag in filled])[order]
    return _Index(
        size=len(bags),
        keys=words[order].astype(np.intp) * len(bags) + pictures,
        pictures=pictures,
        bits=np.concatenate([bag.bits for bag in filled])[order],
        turns=np.concatenate([bag.turns for bag in filled])[order].astype(np.int16),
        octaves=np.concatenate([bag.octaves for bag in filled])[order].astype(np.int16),
    )


def _weights(index: _Index, size: int) -> Rows:
    """How much each word tells, in steps: the square of how rare pictures are that have it.

    That is nothing of a word of very many points which is in a large part of the pictures.
    """
    first = np.diff(index.keys, prepend=-1) != 0  # of a picture's points of one word
    words = index.keys // max(size, 1)
    points, having = (np.bincount(some, minlength=WORDS) for some in (words, words[first]))
    rarity = np.log((size + 1) / (having + 0.5)) ** 2
    most = np.log(2 * (size + 1)) ** 2
    weights: Rows = np.maximum(1, rarity / most * (WEIGHT_STEPS - 1)).astype(np.intp)
    weights[(points >= MANY_OF_A_WORD) & (weights < LEAST_WEIGHT)] = 0
    return weights


# ---- Votes


def _votes(
    queries: _Index, index: _Index, weights: Rows, block: tuple[int, int], size: int
) -> Keys | None:
    """Votes of a block of pictures for others, each as a number: the two, the cell, the weight.

    None where several pictures have more than can be counted at once.
    """
    start, end_of_block = block
    one, end = queries.rows_of(start, end_of_block)
    begin, last = index.rows_of(start if queries is index else 0, size)
    words = np.flatnonzero((one < end) & (begin < last) & (weights > 0))
    several = end_of_block - start > 1
    if several and ((end - one) * (last - begin))[words].max(initial=0) > MOST_COMPARED:
        return None
    found, count = [], 0
    for low, high, first, stop in np.stack((one, end, begin, last))[:, words].T.tolist():
        differing = np.bitwise_count(queries.bits[low:high, None] ^ index.bits[first:stop])
        found.append(np.flatnonzero(differing <= MOST_BITS))
        count += len(found[-1])
        if several and count > MOST_VOTES:
            return None
    numbers = [len(flat) for flat in found]
    flat = np.concatenate([*found, np.zeros(0, np.intp)])
    i, j = np.divmod(flat, np.repeat((last - begin)[words], numbers))
    i, j = i + np.repeat(one[words], numbers), j + np.repeat(begin[words], numbers)
    weight = np.repeat(weights[words], numbers)
    ones, others = queries.pictures[i], index.pictures[j]
    apart = ones < others if queries is index else ones != others
    pair = ((ones - start) * size + others) * CELLS
    turn = ((index.turns[j] - queries.turns[i]) % 256) // TURN_WIDTH
    octave = (index.octaves[j] - queries.octaves[i] + 9) // OCTAVE_WIDTH
    cell = turn * OCTAVES + np.minimum(np.maximum(octave, 0), OCTAVES - 1)
    votes: Keys = ((pair + cell) * WEIGHT_STEPS + weight)[apart]
    return votes


@dataclass(frozen=True, slots=True)
class _Scored:
    """Pairs of pictures with the weight of the votes that agree."""

    score: NDArray[np.float32]
    left: Rows
    right: Rows

    def where(self, keep: NDArray[np.bool_]) -> "_Scored":
        return _Scored(self.score[keep], self.left[keep], self.right[keep])


def _scored(votes: Keys, start: int, size: int) -> _Scored:
    """The pairs with enough votes, by the weight of those that agree."""
    votes.sort()
    keys, weight = np.divmod(votes, WEIGHT_STEPS)
    pair = keys // CELLS
    pairs, counts = np.unique(pair, return_counts=True)
    enough = counts >= LEAST_VOTES
    rows = np.repeat(np.arange(int(enough.sum())), counts[enough])
    kept = np.repeat(enough, counts)
    cells = rows * CELLS + keys[kept] % CELLS
    total = np.bincount(cells, weight[kept], int(enough.sum()) * CELLS).astype(np.float32)
    one, other = np.divmod(pairs[enough], max(size, 1))
    one = one + start
    return _Scored(_fullest(total), np.minimum(one, other), np.maximum(one, other))


def _fullest(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """The most weight of each pair in four cells side by side; turns have no end."""
    cells = weights.reshape(-1, TURNS, OCTAVES)
    cells = cells + np.concatenate((cells[:, -1:], cells[:, :-1]), axis=1)
    cells[:, :, 1:] += cells[:, :, :-1].copy()
    fullest: NDArray[np.float32] = cells.reshape(len(cells), CELLS).max(axis=1, initial=0)
    return fullest


def _together(some: Sequence[_Scored]) -> _Scored:
    """All pairs once, each with its highest score."""
    score, left, right = (
        np.concatenate([getattr(scored, name) for scored in some])
        for name in ("score", "left", "right")
    )
    order = np.lexsort((-score, right, left))
    score, left, right = score[order], left[order], right[order]
    first = np.ones(len(left), np.bool_)
    first[1:] = (np.diff(left) != 0) | (np.diff(right) != 0)
    return _Scored(score[first], left[first], right[first])


def _apart(scored: _Scored, sides: Sides | None) -> _Scored:
    return scored.where(lie_apart(sides, scored.left, scored.right))


def _few_of(scored: _Scored, documents: NDArray[np.bool_]) -> _Scored:
    """The pairs without those of documents that are not among the nearest of these."""
    few = _nearest(scored.where(documents), OF_DOCUMENTS)
    return _together([scored.where(~documents), few])


def _nearest(scored: _Scored, count: int) -> _Scored:
    """The pairs that are among the nearest of one of the two; no other can become one of them."""
    kept = np.zeros(len(scored.left), np.bool_)
    pictures = np.concatenate((scored.left, scored.right))
    others = np.concatenate((scored.right, scored.left))
    order = np.lexsort((others, -np.tile(scored.score, 2), pictures))
    ranked = pictures[order]
    near = order[np.arange(len(order)) - np.searchsorted(ranked, ranked) < count]
    kept[near % max(len(kept), 1)] = True
    return scored.where(kept)
