"""The vocabulary: words that stand for what is around a point, found by its bits."""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

PATH = Path(__file__).with_name("vocabulary.bits")  # made by tests/benchmarks/vocabulary.py
BRANCHES = 128  # of the tree, each with as many leaves, which are the words
LEAVES = 64
WORDS = BRANCHES * LEAVES
Bits = NDArray[np.uint8]
Words = NDArray[np.uint16]


def words_of(bits: Bits) -> Words:
    """The word of each point by its bits: the nearest leaf of the nearest branch.

    Two points of one branch are alike, two of one word more so (D. Nister and H. Stewenius,
    Scalable recognition with a vocabulary tree, 2006).
    """
    if not len(bits):
        return np.zeros(0, np.uint16)
    branches, leaves = _tree()
    branch = nearest_in(bits, branches)
    differing = np.zeros((len(bits), LEAVES), np.uint16)
    for part, points in zip(leaves, np.ascontiguousarray(bits).view(np.uint64).T, strict=True):
        differing += np.bitwise_count(part[branch] ^ points[:, None])
    words: Words = (branch * LEAVES + differing.argmin(axis=1)).astype(np.uint16)
    return words


def branches_of(words: Words) -> NDArray[np.uint8]:
    return (words // LEAVES).astype(np.uint8)


def nearest_in(bits: Bits, centres: Bits) -> NDArray[np.intp]:
    """The row of the centre that differs in the fewest bits, for each row of bits."""
    _, nearest = cv2.batchDistance(bits, centres, cv2.CV_32S, normType=cv2.NORM_HAMMING, K=1)
    return nearest[:, 0].astype(np.intp)


def differing_bits(bits: Bits, others: Bits) -> NDArray[np.uint16]:
    """In how many bits each differs from each other one, a row for each of the first."""
    differing = np.zeros((len(bits), len(others)), np.uint16)
    ones, rest = (np.ascontiguousarray(some).view(np.uint64).T for some in (bits, others))
    for mine, theirs in zip(ones, rest, strict=True):
        differing += np.bitwise_count(mine[:, None] ^ theirs)
    return differing


@lru_cache(maxsize=1)
def _tree() -> tuple[Bits, NDArray[np.uint64]]:
    """The branches' bits, and those of the leaves in four parts, each by branch."""
    rows = np.frombuffer(PATH.read_bytes(), np.uint8).reshape(-1, 32)
    parts = np.ascontiguousarray(rows[BRANCHES:]).view(np.uint64)
    return rows[:BRANCHES], parts.T.reshape(4, BRANCHES, LEAVES).copy()
