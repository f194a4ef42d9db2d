"""Points of a picture: places that are found again in its copies, and what is around each."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
Bits = NDArray[np.uint8]
Places = NDArray[np.float32]

LONG_SIDE = 400  # pixels; smaller pictures are enlarged, so that sizes of points compare
MOST_POINTS = 300
MOST_MIRRORED = 100  # of which the mirrored picture's bits are kept, too
LEAST_SIDE = 16  # pixels of the narrow side, for points to be looked for
FAST_THRESHOLD = 10  # gray levels by which a corner differs from what is around
PARTS = 64  # of a pixel, in which places are stored

cv2.setNumThreads(1)


@dataclass(frozen=True, slots=True)
class Points:
    """The points of a picture, the strongest first.

    `places` are x and y in pixels of the picture at a long side of `LONG_SIDE`, `bits` what is
    around each as 256 comparisons, `mirrored` the same of the mirrored picture for the first of
    them. `turns` are the directions in 256ths of a circle, `octaves` the sizes as steps of 1.2.
    """

    places: Places
    bits: Bits
    mirrored: Bits
    turns: NDArray[np.uint8]
    octaves: NDArray[np.uint8]
    width: int
    height: int


def points_of(gray: Gray) -> Points:
    """The points of an upright gray picture of any size.

    They are ORB's: corners in a pyramid of scales, each described by comparisons of pixels that
    turn with it (E. Rublee et al., ORB: an efficient alternative to SIFT or SURF, 2011).
    """
    gray = _resized(gray)
    height, width = gray.shape
    if min(gray.shape) < LEAST_SIDE:
        return _without_points(width, height)
    found, bits = _detector().detectAndCompute(gray, None)
    if not found:
        return _without_points(width, height)
    rows = _in_order([(-p.response, p.octave, *p.pt[::-1], p.angle) for p in found])[:MOST_POINTS]
    found = [found[row] for row in rows]
    turns = np.array([round(p.angle * 256 / 360) % 256 for p in found], np.uint8)
    return Points(
        places=np.array([p.pt for p in found], np.float32),
        bits=np.ascontiguousarray(bits[rows]),
        mirrored=_mirrored_bits(gray, found[:MOST_MIRRORED]),
        turns=turns,
        octaves=np.array([p.octave for p in found], np.uint8),
        width=width,
        height=height,
    )


def _in_order(points: list[tuple[float, ...]]) -> list[int]:
    return sorted(range(len(points)), key=points.__getitem__)


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
    return cv2.ORB.create(nfeatures=MOST_POINTS, fastThreshold=FAST_THRESHOLD)


def _mirrored_bits(gray: Gray, found: list[cv2.KeyPoint]) -> Bits:
    """What the mirrored picture has around the same points."""
    last = gray.shape[1] - 1
    there = [
        cv2.KeyPoint(
            last - p.pt[0], p.pt[1], p.size, (540 - p.angle) % 360, p.response, p.octave, row
        )
        for row, p in enumerate(found)
    ]
    kept, rows = _detector().compute(np.ascontiguousarray(gray[:, ::-1]), there)
    bits = np.zeros((len(found), 32), np.uint8)  # of a point too near to the border: like no other
    bits[[p.class_id for p in kept]] = rows
    return bits


def _without_points(width: int, height: int) -> Points:
    places, bits, none = np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8), np.uint8
    return Points(places, bits, bits, np.zeros(0, none), np.zeros(0, none), width, height)


# ---- As bytes


def packed(points: Points) -> bytes:
    """The points as bytes, 38 for each and 32 for each mirrored one."""
    head = np.array(
        [points.width, points.height, len(points.bits), len(points.mirrored)], "<u2"
    ).tobytes()
    places = np.rint(points.places * PARTS).astype("<u2").tobytes()
    small = points.turns.tobytes() + points.octaves.tobytes()
    return head + places + small + points.bits.tobytes() + points.mirrored.tobytes()


def unpacked(data: bytes) -> Points:
    """The points that were packed, their places to a 64th of a pixel."""
    width, height, count, mirrored = np.frombuffer(data, "<u2", 4).tolist()
    places, rest = data[8 : 8 + 4 * count], data[8 + 4 * count :]
    small, bits = np.frombuffer(rest[: 2 * count], np.uint8), rest[2 * count :]
    rows = np.frombuffer(bits, np.uint8).reshape(count + mirrored, 32)
    return Points(
        places=(np.frombuffer(places, "<u2").reshape(-1, 2) / PARTS).astype(np.float32),
        bits=rows[:count],
        mirrored=rows[count:],
        turns=small[:count],
        octaves=small[count:],
        width=width,
        height=height,
    )
