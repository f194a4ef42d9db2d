"""Words of pictures, by which candidates are found among many: those that share rare ones."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from extras.points.features import Bits, Points
from pictures.sides import Sides, lie_apart

WORDS = 2048
VOCABULARY = Path(__file__).with_name("vocabulary.bits")  # made by tests/benchmarks/vocabulary.py
MOST_WORDS = 150  # of a picture, of its strongest points
BLOCK = 512  # pictures compared at once with all
Bag = NDArray[np.uint16]  # two rows: the words of the picture, and of the mirrored one


def bag_of(points: Points) -> tuple[Bag, Bag]:
    """The words of a picture's strongest points, and of the mirrored picture's."""
    return _words(points.bits[:MOST_WORDS]), _words(points.mirrored[:MOST_WORDS])


def near(
    bags: Sequence[tuple[Bag, Bag] | None], count: int = 20, sides: Sides | None = None
) -> Iterator[tuple[int, int]]:
    """Yield the pairs i < j of pictures of which one is among the `count` nearest of the other.

    Near are pictures that share many words that few others have: by the cosine of their counts of
    words, weighted by the logarithm of how rare they are (J. Sivic and A. Zisserman, Video Google,
    2003). A picture's words and those of its mirrored picture are looked for. Exact; of equal ones
    the first. In memory is a block of cosines.
    """
    plain, mirrored = (_table([bag and bag[way] for bag in bags]) for way in (0, 1))
    weights = _weights(plain)
    plain, mirrored = _scaled(plain, weights), _scaled(mirrored, weights)
    seen: set[tuple[int, int]] = set()
    for start in range(0, len(bags), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(bags)))
        likeness = (plain[rows] @ plain.T).toarray()
        np.maximum(likeness, (mirrored[rows] @ plain.T).toarray(), out=likeness)
        likeness[np.arange(len(rows)), rows] = 0
        for row, one in zip(likeness, rows.tolist(), strict=True):
            if sides is not None:
                row[~lie_apart(sides, np.full(len(sides), sides[one]), sides)] = 0
            best = np.argsort(-row, kind="stable")[:count]
            for other in best[row[best] > 0].tolist():
                pair = min(one, other), max(one, other)
                if pair not in seen:
                    seen.add(pair)
                    yield pair


@lru_cache(maxsize=1)
def _vocabulary() -> Bits:
    return np.frombuffer(VOCABULARY.read_bytes(), np.uint8).reshape(WORDS, 32)


def _words(bits: Bits) -> Bag:
    if not len(bits):
        return np.zeros(0, np.uint16)
    _, nearest = cv2.batchDistance(bits, _vocabulary(), cv2.CV_32S, normType=cv2.NORM_HAMMING, K=1)
    return np.asarray(nearest[:, 0], np.uint16)


def _table(bags: Sequence[Bag | None]) -> sparse.csr_array:
    filled = [np.zeros(0, np.uint16) if bag is None else bag for bag in bags]
    begins = np.concatenate(([0], np.cumsum([len(bag) for bag in filled], dtype=np.int64)))
    words = np.concatenate([*filled, np.zeros(0, np.uint16)]).astype(np.int64)
    ones = np.ones(len(words), np.float32)
    table = sparse.csr_array((ones, words, begins), shape=(len(bags), WORDS))
    table.sum_duplicates()
    return table


def _weights(table: sparse.csr_array) -> NDArray[np.float32]:
    """How much each word tells: the logarithm of one to the share of pictures that have it."""
    having = np.bincount(table.indices, minlength=WORDS)
    weights: NDArray[np.float32] = np.log((table.shape[0] + 1) / (having + 1)).astype(np.float32)
    return weights


def _scaled(table: sparse.csr_array, weights: NDArray[np.float32]) -> sparse.csr_array:
    table = table.multiply(weights).tocsr()
    lengths = np.sqrt(np.asarray(table.multiply(table).sum(axis=1))).ravel()
    return table.multiply(1 / np.maximum(lengths, 1e-6)[:, None]).tocsr()
