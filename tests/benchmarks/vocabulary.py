"""Make the vocabulary of extras/points: words that the bits of points are nearest to.

    python tests/benchmarks/vocabulary.py --photos PHOTOS

PHOTOS is that of accuracy.py; the photos of the half that is for choosing (`tune`) are used. The
words are the leaves of a tree of two levels. Its centres come by k-majority: each bit of one is
what most of its points have (C. Grana et al., A fast approach for integrating ORB descriptors in
the bag of words model, 2013). The same photos and the same OpenCV make the same file.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from labelled import listed, split_of
from numpy.typing import NDArray
from PIL import Image, ImageOps

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from extras.points.features import LONG_SIDE, points_of
from extras.points.vocabulary import BRANCHES, LEAVES, PATH, nearest_in

ROUNDS = 8
Bits = NDArray[np.uint8]


def bits_of(path: Path) -> Bits:
    with Image.open(path) as image:
        gray = ImageOps.exif_transpose(image).convert("L")
    gray.thumbnail((LONG_SIDE, LONG_SIDE))
    return points_of(np.asarray(gray)).plain.bits


def tree_of(bits: Bits) -> Bits:
    """The branches and then the leaves of each, by rows of 32 bytes."""
    branches = centres_of(bits, BRANCHES)
    branch = nearest_in(bits, branches)
    leaves = [centres_of(bits[branch == number], LEAVES) for number in range(BRANCHES)]
    return np.concatenate([branches, *leaves])


def centres_of(bits: Bits, count: int) -> Bits:
    """Centres of some bits; where there are too few, some are what no point has."""
    random = np.random.default_rng(0)
    distinct = np.unique(bits, axis=0)
    centres = distinct[random.permutation(len(distinct))[:count]]
    ones = np.unpackbits(bits, axis=1)
    for _ in range(ROUNDS):
        nearest = nearest_in(bits, centres)
        order = np.argsort(nearest, kind="stable")
        used, begin, number = np.unique(nearest[order], return_index=True, return_counts=True)
        sums = np.add.reduceat(ones[order], begin, axis=0, dtype=np.int64)
        centres[used] = np.packbits(2 * sums > number[:, None], axis=1)
    return np.pad(centres, ((0, count - len(centres)), (0, 0)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], allow_abbrev=False)
    parser.add_argument("--photos", type=Path, required=True, help="the photos of accuracy.py")
    photos = parser.parse_args().photos
    names = [line[0] for line in listed(Path(__file__).with_name("distinct.txt"))]
    paths = [photos / name for name in names if split_of(name) == "tune"]
    bits = np.concatenate([bits_of(path) for path in paths if path.exists()])
    PATH.write_bytes(tree_of(bits).tobytes())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
