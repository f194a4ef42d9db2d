"""Candidates among many pictures: those of which points share words and agree how they moved."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extras.points.features import Described, Points
from extras.points.vocabulary import WORDS
from pictures.sides import Sides, lie_apart

# Raised by hand whenever other pictures are near.
NEAR = 1

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
    telling = telling_by(counts_of(bags, drawn))
    best = nearest_among(bags, telling, count, sides, drawn)
    best = best if drawn is None else few_of(best, drawn[best.left] & drawn[best.right])
    order = np.lexsort((best.right, best.left))
    yield from zip(best.left[order].tolist(), best.right[order].tolist(), strict=True)


def nearest_among(
    bags: Sequence[Bags | None],
    telling: "Telling",
    count: int,
    sides: Sides | None = None,
    drawn: NDArray[np.bool_] | None = None,
    block: NDArray[np.intp] | None = None,
) -> "Scored":
    """The pairs of which one is among the `count` nearest of the other, documents, too.

    Where each picture lies in block 0 or 1, only those of different blocks are compared. Nothing
    hangs on where pictures of other blocks are, so what is nearest among several blocks is nearest
    in one of them.
    """
    bags = bags if drawn is None else _telling(bags, drawn, telling.of_documents)
    indexes = [_index(some) for some in _by_block(bags, 0, block)]
    mirrored = [_index(some) for some in _by_block(bags, 1, block)]
    others = indexes[::-1]  # those of the other block, or of the same if that is all
    asked = [*zip(indexes, others, strict=True), *zip(mirrored, others, strict=True)]
    best = none()
    start, most = 0, BLOCK
    while start < len(bags):
        votes = [
            _votes(queries, index, telling.weights, (start, start + most), number < len(indexes))
            for number, (queries, index) in enumerate(asked)
        ]
        counted = [_scored(some, start, len(bags)) for some in votes if some is not None]
        if len(counted) < len(votes):
            most //= 2
            continue
        best = nearest(_apart(together([best, *counted]), sides), count)
        start += most
    return best


def _by_block(
    bags: Sequence[Bags | None], side: int, block: NDArray[np.intp] | None
) -> list[list[Bag | None]]:
    """What is seen of pictures as they are, or mirrored: of all, or those of each block alone."""
    own = [bag and bag[side] for bag in bags]
    if block is None:
        return [own]
    return [
        [bag if of == number else None for bag, of in zip(own, block.tolist(), strict=True)]
        for number in (0, 1)
    ]


def _telling(
    bags: Sequence[Bags | None], drawn: NDArray[np.bool_], telling: NDArray[np.bool_]
) -> list[Bags | None]:
    """The same without the words of documents that many of these have, as the letters of a type."""
    return [
        (_of_words(bag[0], telling), _of_words(bag[1], telling)) if bag and is_drawn else bag
        for bag, is_drawn in zip(bags, drawn, strict=True)
    ]


def _of_words(bag: Bag, telling: NDArray[np.bool_]) -> Bag:
    kept = telling[bag.words]
    return Bag(bag.words[kept], bag.bits[kept], bag.turns[kept], bag.octaves[kept])


# ---- What words tell


@dataclass(frozen=True, slots=True)
class Counts:
    """How many pictures and documents there are, and of each word, how many points and pictures.

    `points` and `having` have a row for what is no document, and one for documents.
    """

    pictures: int
    documents: int
    points: Rows
    having: Rows


@dataclass(frozen=True, slots=True)
class Telling:
    """Which words of documents count, and how much each word tells, in steps."""

    of_documents: NDArray[np.bool_]
    weights: Rows


def counts_of(bags: Sequence[Bags | None], drawn: NDArray[np.bool_] | None = None) -> Counts:
    """How often each word comes in some pictures, of which some are `drawn`."""
    is_drawn = np.zeros(len(bags), np.bool_) if drawn is None else drawn
    points, having = np.zeros((2, 2, WORDS), np.intp)
    for bag, kind in zip(bags, is_drawn.astype(int).tolist(), strict=True):
        if bag:
            words, times = np.unique(bag[0].words, return_counts=True)
            points[kind, words] += times
            having[kind, words] += 1
    documents = sum(bool(bag and d) for bag, d in zip(bags, is_drawn, strict=True))
    return Counts(len(bags), documents, points, having)


def joined(some: Iterable[Counts]) -> Counts:
    """How often each word comes in the pictures of several."""
    total = counts_of([])
    for counts in some:
        total = Counts(
            total.pictures + counts.pictures,
            total.documents + counts.documents,
            total.points + counts.points,
            total.having + counts.having,
        )
    return total


def telling_by(counts: Counts) -> Telling:
    """What words tell: the square of how rare pictures are that have one.

    That is nothing of a word of very many points which is in a large part of the pictures, and of
    a word of documents that many of these have.
    """
    having = counts.having[1]
    telling = having <= max(MANY_DOCUMENTS, LARGE_SHARE * counts.documents)
    points, having = (some[0] + some[1] * telling for some in (counts.points, counts.having))
    rarity = np.log((counts.pictures + 1) / (having + 0.5)) ** 2
    most = np.log(2 * (counts.pictures + 1)) ** 2
    weights: Rows = np.maximum(1, rarity / most * (WEIGHT_STEPS - 1)).astype(np.intp)
    weights[(points >= MANY_OF_A_WORD) & (weights < LEAST_WEIGHT)] = 0
    return Telling(telling, weights)


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


# ---- Votes


def _votes(
    queries: _Index,
    index: _Index,
    weights: Rows,
    block: tuple[int, int],
    ahead: bool,
) -> Keys | None:
    """Votes of a block of pictures for others, each as a number: the two, the cell, the weight.

    None where several pictures have more than can be counted at once. Those `ahead` alone are
    voted for, or all.
    """
    start, end_of_block = block
    size = index.size
    one, end = queries.rows_of(start, end_of_block)
    begin, last = index.rows_of(start if ahead else 0, size)
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
    apart = ones < others if ahead else ones != others
    pair = ((ones - start) * size + others) * CELLS
    turn = ((index.turns[j] - queries.turns[i]) % 256) // TURN_WIDTH
    octave = (index.octaves[j] - queries.octaves[i] + 9) // OCTAVE_WIDTH
    cell = turn * OCTAVES + np.minimum(np.maximum(octave, 0), OCTAVES - 1)
    votes: Keys = ((pair + cell) * WEIGHT_STEPS + weight)[apart]
    return votes


@dataclass(frozen=True, slots=True)
class Scored:
    """Pairs of pictures with the weight of the votes that agree."""

    score: NDArray[np.float32]
    left: Rows
    right: Rows

    def where(self, keep: NDArray[np.bool_]) -> "Scored":
        return Scored(self.score[keep], self.left[keep], self.right[keep])


def none() -> Scored:
    """No pairs."""
    return Scored(np.zeros(0, np.float32), np.zeros(0, np.intp), np.zeros(0, np.intp))


def _scored(votes: Keys, start: int, size: int) -> Scored:
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
    return Scored(_fullest(total), np.minimum(one, other), np.maximum(one, other))


def _fullest(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """The most weight of each pair in four cells side by side; turns have no end."""
    cells = weights.reshape(-1, TURNS, OCTAVES)
    cells = cells + np.concatenate((cells[:, -1:], cells[:, :-1]), axis=1)
    cells[:, :, 1:] += cells[:, :, :-1].copy()
    fullest: NDArray[np.float32] = cells.reshape(len(cells), CELLS).max(axis=1, initial=0)
    return fullest


def together(some: Sequence[Scored]) -> Scored:
    """All pairs once, each with its highest score."""
    score, left, right = (
        np.concatenate([getattr(scored, name) for scored in some])
        for name in ("score", "left", "right")
    )
    order = np.lexsort((-score, right, left))
    score, left, right = score[order], left[order], right[order]
    first = np.ones(len(left), np.bool_)
    first[1:] = (np.diff(left) != 0) | (np.diff(right) != 0)
    return Scored(score[first], left[first], right[first])


def _apart(scored: Scored, sides: Sides | None) -> Scored:
    return scored.where(lie_apart(sides, scored.left, scored.right))


def few_of(scored: Scored, documents: NDArray[np.bool_]) -> Scored:
    """The pairs without those of documents that are not among the nearest of these."""
    few = nearest(scored.where(documents), OF_DOCUMENTS)
    return together([scored.where(~documents), few])


def nearest(scored: Scored, count: int) -> Scored:
    """The pairs that are among the nearest of one of the two; no other can become one of them."""
    kept = np.zeros(len(scored.left), np.bool_)
    pictures = np.concatenate((scored.left, scored.right))
    others = np.concatenate((scored.right, scored.left))
    order = np.lexsort((others, -np.tile(scored.score, 2), pictures))
    ranked = pictures[order]
    near = order[np.arange(len(order)) - np.searchsorted(ranked, ranked) < count]
    kept[near % max(len(kept), 1)] = True
    return scored.where(kept)
