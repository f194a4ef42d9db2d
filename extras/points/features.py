"""Points of a picture: places that are found again in its copies, and what is around each."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from extras.points.vocabulary import Bits, Words, words_of

Gray = NDArray[np.uint8]
Places = NDArray[np.float32]
Rows = NDArray[np.intp]

LONG_SIDE = 400  # pixels; smaller pictures are enlarged, so that sizes of points compare
FOUND = 800  # points that are looked for, of which those are kept that spread best
MOST_POINTS = 330
MOST_MIRRORED = 80  # of which the mirrored picture's bits are kept, too
CELLS = 6  # a side; no cell gets more than twice its share while others have points left
EDGE = 20  # pixels at the border, at each scale, without points
FAST_THRESHOLD = 10  # gray levels by which a corner differs from what is around
LEAST_SIDE = 16  # pixels of the narrow side, for points to be looked for
PARTS = 64  # of a pixel, in which places are stored

cv2.setNumThreads(1)


@dataclass(frozen=True, slots=True)
class Described:
    """Some points of a picture, a row each.

    `places` are x and y in pixels of the picture at a long side of `LONG_SIDE`, `bits` are what is
    around each as 256 comparisons, `words` what these are nearest to. `turns` are the directions
    in 256ths of a circle, `octaves` the sizes in steps of 1.2.
    """

    places: Places
    bits: Bits
    words: Words
    turns: NDArray[np.uint8]
    octaves: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.bits)


@dataclass(frozen=True, slots=True)
class Points:
    """The points of a picture, those that tell most first, and its size at `LONG_SIDE`.

    `mirrored` are the first of them as they are in the mirrored picture.
    """

    plain: Described
    mirrored: Described
    width: int
    height: int


def points_of(gray: Gray) -> Points:
    """The points of an upright gray picture of any size.

    They are ORB's: corners in a pyramid of scales, each described by comparisons of pixels that
    turn with it (E. Rublee et al., ORB: an efficient alternative to SIFT or SURF, 2011). They are
    spread over the picture, so that each of its parts is found in a crop or a collage.
    """
    gray = _resized(gray)
    height, width = gray.shape
    found = [] if min(gray.shape) < LEAST_SIDE else list(_detector().detect(gray, None))
    kept = [found[row] for row in _spread(found, width, height)] if found else []
    plain = _described(gray, kept)
    return Points(plain, _mirrored(gray, kept[:MOST_MIRRORED]), width, height)


def _resized(gray: Gray) -> Gray:
    height, width = gray.shape
    scale = LONG_SIDE / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if size == (width, height):
        return np.ascontiguousarray(gray)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(gray, size, interpolation=way), np.uint8)


@lru_cache(maxsize=1)
def _detector() -> cv2.ORB:
    return cv2.ORB.create(nfeatures=FOUND, fastThreshold=FAST_THRESHOLD, edgeThreshold=EDGE)


def _spread(found: Sequence[cv2.KeyPoint], width: int, height: int) -> list[int]:
    """The rows of the strongest points that don't crowd in a few cells, in order."""
    places = np.array(cv2.KeyPoint.convert(found)).reshape(-1, 2)
    strength = np.array([point.response for point in found])
    octaves = np.array([point.octave for point in found])
    order = np.lexsort((places[:, 0], places[:, 1], octaves, -strength))
    column, row = (places[order] * (CELLS / width, CELLS / height)).astype(np.intp).T
    cells = row * CELLS + column
    by_cell = np.argsort(cells, kind="stable")
    before = np.empty(len(order), np.intp)  # how many stronger ones are in the same cell
    before[by_cell] = np.arange(len(order)) - np.searchsorted(cells[by_cell], cells[by_cell])
    crowding = before >= 2 * MOST_POINTS // CELLS**2
    rows: list[int] = order[np.argsort(crowding, kind="stable")][:MOST_POINTS].tolist()
    return rows


def _mirrored(gray: Gray, kept: Sequence[cv2.KeyPoint]) -> Described:
    """The same points in the mirrored picture."""
    last = gray.shape[1] - 1
    there = [
        cv2.KeyPoint(last - p.pt[0], p.pt[1], p.size, (540 - p.angle) % 360, p.response, p.octave)
        for p in kept
    ]
    return _described(np.ascontiguousarray(gray[:, ::-1]), there)


def _described(gray: Gray, kept: Sequence[cv2.KeyPoint]) -> Described:
    """Some points of a picture; of those too near to the border, for OpenCV, nothing is left."""
    for row, point in enumerate(kept):
        point.class_id = row
    found, described = _detector().compute(gray, kept) if kept else ((), None)
    if not found:
        described = np.zeros((0, BITS_BYTES), np.uint8)
    points = sorted(zip(found, range(len(found)), strict=True), key=lambda pair: pair[0].class_id)
    bits = np.asarray(described, np.uint8)[[row for _, row in points]]
    turns = np.array([point.angle for point, _ in points]) * (256 / 360)
    return Described(
        places=np.array([point.pt for point, _ in points], np.float32).reshape(-1, 2),
        bits=bits,
        words=words_of(bits),
        turns=(np.rint(turns).astype(np.intp) % 256).astype(np.uint8),
        octaves=np.array([point.octave for point, _ in points], np.uint8),
    )


# ---- As bytes

HEAD = np.dtype("<u2")
BITS_BYTES = 32
POINT_BYTES = 8 + BITS_BYTES


def packed(points: Points) -> bytes:
    """The points as bytes, 40 for each, and for each mirrored one."""
    head = [points.width, points.height, len(points.plain), len(points.mirrored)]
    parts = [np.array(head, HEAD).tobytes()]
    for some in (points.plain, points.mirrored):
        parts.append(np.rint(some.places * PARTS).astype("<u2").tobytes())
        parts += [some.words.astype("<u2").tobytes(), some.turns.tobytes()]
        parts += [some.octaves.tobytes(), some.bits.tobytes()]
    return b"".join(parts)


def unpacked(data: bytes) -> Points:
    """The points that were packed, their places to a 64th of a pixel."""
    width, height, *counts = np.frombuffer(data, HEAD, 4).tolist()
    begin = 4 * HEAD.itemsize
    plain = _unpacked(data, begin, counts[0])
    mirrored = _unpacked(data, begin + POINT_BYTES * counts[0], counts[1])
    return Points(plain, mirrored, width, height)


def _unpacked(data: bytes, begin: int, count: int) -> Described:
    places = np.frombuffer(data, "<u2", 2 * count, begin).reshape(-1, 2)
    words = np.frombuffer(data, "<u2", count, begin + 4 * count)
    turns = np.frombuffer(data, np.uint8, count, begin + 6 * count)
    octaves = np.frombuffer(data, np.uint8, count, begin + 7 * count)
    bits = np.frombuffer(data, np.uint8, 32 * count, begin + 8 * count).reshape(-1, 32)
    return Described(
        (places / PARTS).astype(np.float32), bits, words.astype(np.uint16), turns, octaves
    )
