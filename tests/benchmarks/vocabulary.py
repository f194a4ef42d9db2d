"""Make the vocabulary of extras/points/words.py: words that the bits of points are nearest to.

    python tests/benchmarks/vocabulary.py --photos PHOTOS

PHOTOS is that of accuracy.py; the photos of the half that is for choosing (`tune`) are used. The
words are the centres of the points' bits by k-majority: each bit of a centre is what most of its
points have (C. Grana et al., A fast approach for integrating ORB descriptors in the bag of words
model, 2013). The same photos and the same OpenCV make the same file.
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from labelled import listed, split_of
from numpy.typing import NDArray
from PIL import Image, ImageOps

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from extras.points.features import LONG_SIDE, points_of
from extras.points.words import VOCABULARY, WORDS

ROUNDS = 12
Bits = NDArray[np.uint8]


def bits_of(path: Path) -> Bits:
    with Image.open(path) as image:
        gray = ImageOps.exif_transpose(image).convert("L")
    gray.thumbnail((LONG_SIDE, LONG_SIDE))
    return points_of(np.asarray(gray)).bits


def centres_of(bits: Bits, words: int) -> Bits:
    """The centres of some bits, by rows of 32 bytes."""
    random = np.random.default_rng(0)
    distinct = np.unique(bits, axis=0)
    centres = distinct[random.permutation(len(distinct))[:words]]
    ones = np.unpackbits(bits, axis=1)
    for turn in range(ROUNDS):
        nearest = nearest_word(bits, centres)
        order = np.argsort(nearest, kind="stable")
        used, begin, count = np.unique(nearest[order], return_index=True, return_counts=True)
        sums = np.add.reduceat(ones[order], begin, axis=0, dtype=np.int64)
        centres = centres.copy()
        centres[used] = np.packbits(2 * sums > count[:, None], axis=1)
        unused = np.setdiff1d(np.arange(words), used)
        centres[unused] = distinct[random.permutation(len(distinct))[: len(unused)]]
        print(f"\rRound {turn + 1} of {ROUNDS}", end="", file=sys.stderr)
    return centres


def nearest_word(bits: Bits, centres: Bits) -> NDArray[np.intp]:
    _, nearest = cv2.batchDistance(bits, centres, cv2.CV_32S, normType=cv2.NORM_HAMMING, K=1)
    return nearest[:, 0].astype(np.intp)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], allow_abbrev=False)
    parser.add_argument("--photos", type=Path, required=True, help="the photos of accuracy.py")
    photos = parser.parse_args().photos
    names = [line[0] for line in listed(Path(__file__).with_name("distinct.txt"))]
    paths = [photos / name for name in names if split_of(name) == "tune"]
    bits = np.concatenate([bits_of(path) for path in paths if path.exists()])
    VOCABULARY.write_bytes(centres_of(bits, WORDS).tobytes())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
