"""Where a picture lies inside a frame: of one tone, or blurred."""

import numpy as np
from numpy.typing import NDArray

from pictures.bandpass import Gray
from pictures.modes import tones_of

Box = tuple[int, int, int, int]  # left, upper, right, lower, in pixels
Edges = tuple[NDArray[np.bool_], NDArray[np.bool_]]  # where a picture begins, where it ends

# Chosen on the half of the benchmark's photos that is for choosing.
FRAME_TOLERANCE = 4
FRAME_SHARE = 0.9
FRAME_GAP = 3
LEAST_CONTENT_SIDE = 0.15
MOST_CONTENT = 0.95
EDGE = 6  # gray levels by which a picture differs from the blurred ground beside it, or more
CALM = 4  # gray levels by which neighbours in a blurred ground differ, or less
CALM_SHARE = 0.9
FIRST_SHARE = 0.3  # of a line that is an edge, before it is known how long the edge is
EDGE_SHARE = 0.5
FIRST_BEGIN, FIRST_END = 3, 1  # the first lines with which a picture may begin, or have ended
PLAIN_SHARE = 0.5


def framed_box(gray: Gray) -> Box | None:
    """The edges of a picture inside a frame of whatever kind; None without one."""
    return blurred_frame_box(gray) or content_box(gray)


# ---- Frames of one tone


def content_box(gray: Gray) -> Box | None:
    """The left, upper, right and lower edge of a picture inside a frame, bars or a screenshot.

    A row belongs to the frame if most of it has the tone of its first or last pixel. The longest
    run of other rows is the content's height; then its width among those, twice. None where the
    content is all of the picture, or a sliver.
    """
    left, upper, right, lower = 0, 0, gray.shape[1], gray.shape[0]
    for _ in range(2):
        first, last = _longest_run(_busy(gray[upper:lower, left:right], axis=1))
        upper, lower = upper + first, upper + last
        if upper == lower:
            return None
        first, last = _longest_run(_busy(gray[upper:lower, left:right], axis=0))
        left, right = left + first, left + last
        if min(right - left, lower - upper) < min(gray.shape) * LEAST_CONTENT_SIDE:
            return None
        if (lower - upper, right - left) == gray.shape:
            return None  # the second look would see the same
    whole = (right - left) * (lower - upper) > gray.size * MOST_CONTENT
    return None if whole else (left, upper, right, lower)


def _busy(gray: Gray, axis: int) -> NDArray[np.bool_]:
    """Which rows (along axis 1) or columns (axis 0) are no frame."""
    length = gray.shape[axis]
    tones = (gray.take([place], axis) for place in (0, length - 1))
    most = np.maximum(*(_number_near(gray, tone, axis) for tone in tones))
    return np.asarray(most < FRAME_SHARE * length)


def _number_near(gray: Gray, tone: Gray, axis: int) -> NDArray[np.uint16]:
    """How many gray levels are near a tone; in bytes, which takes half as long as wider numbers."""
    tolerance = np.uint8(FRAME_TOLERANCE)
    low = np.maximum(tone, tolerance) - tolerance
    high = np.minimum(tone, 255 - tolerance) + tolerance
    near = gray - low <= high - low  # what is below wraps around, to far above
    if axis == 1:
        near = np.bitwise_count(np.packbits(near, axis=1))
    counts: NDArray[np.uint16] = near.sum(axis=axis, dtype=np.uint16)
    return counts


def _longest_run(busy: NDArray[np.bool_]) -> tuple[int, int]:
    """The longest run of true values, which may have short gaps in it."""
    places = busy.nonzero()[0]
    if len(places) in (0, len(busy)):
        return 0, len(places)
    runs = np.split(places, np.flatnonzero(np.diff(places) > FRAME_GAP) + 1)
    longest = max(runs, key=np.ptp)
    return int(longest[0]), int(longest[-1]) + 1


# ---- Blurred frames


def blurred_frame_box(gray: Gray) -> Box | None:
    """The edges of a picture before a blurred ground, as stories and upright videos have it.

    The ground varies, but little from pixel to pixel, and at the picture's edges it ends by a
    jump of `EDGE` levels. Two edges that face each other are looked for among all rows, or all
    columns; then the other two between these, if there are any; then the first ones along these
    alone. None where the ground is of one tone, for which `content_box` is better.
    """
    calm = [axis for axis, lines in enumerate((gray, gray.T)) if _ends_calmly(lines)]
    if not calm:
        return None
    below, beside = _steps(gray), _steps(gray.T).T
    edges = _edges(below, beside), _edges(beside.T, below.T)
    for first in calm:
        spans = _spans(edges, first, len(gray))
        (upper, lower), (left, right) = spans
        if spans[first] != (0, len(gray)) and _is_before_a_ground(
            gray, (left, upper, right, lower)
        ):
            return left, upper, right, lower
    return None


def _steps(lines: Gray) -> Gray:
    """By how many gray levels each line differs from the next one, in bytes."""
    steps: Gray = np.maximum(lines[1:], lines[:-1]) - np.minimum(lines[1:], lines[:-1])
    return steps


def _ends_calmly(lines: Gray) -> bool:
    """Whether the second line and the last but one vary as little as a blurred ground does."""
    calm = _steps(lines[1 :: len(lines) - 3].T) <= CALM
    return bool(np.count_nonzero(calm) / calm.size >= CALM_SHARE)


def _edges(steps: Gray, along: Gray) -> Edges:
    """For each pixel, whether a picture may begin with its line, or have ended before.

    There is a jump to the line before, and beyond it two lines of calm ground: these differ little
    from one to another, by the `steps` between lines, and `along` each. No picture begins with the
    first `FIRST_BEGIN` lines, and none has ended before the first `FIRST_END`; these are left out.
    """
    jump, calm = steps > EDGE, steps <= CALM
    level = along <= CALM
    ground = calm[1:-1].copy("K")  # from the second line to the third, and so on
    ground[:, :-1] &= level[1:-2] & level[2:-1]  # beyond the last pixel nothing differs
    return jump[2:] & ground & calm[:-2], jump[:-2] & ground & calm[2:]


def _spans(edges: tuple[Edges, Edges], first: int, side: int) -> list[tuple[int, int]]:
    """From where to where a picture may lie among the rows, and among the columns."""
    spans = [(0, side), (0, side)]
    spans[first] = _span(edges[first], spans[1 - first], FIRST_SHARE)
    spans[1 - first] = _span(edges[1 - first], spans[first], EDGE_SHARE)
    if spans != [(0, side), (0, side)]:
        spans[first] = _span(edges[first], spans[1 - first], EDGE_SHARE)
    return spans


def _span(edges: Edges, across: tuple[int, int], least: float) -> tuple[int, int]:
    """The first line of a picture and the one after its last, by the clearest pair of edges.

    An edge is as clear as the share of pixels, from one to another `across`, at which it is seen;
    of a pair the less clear one counts. All lines if there is none of which `least` is seen.
    """
    side, found = len(edges[0]) + FIRST_BEGIN, []
    for edge in edges:
        shares = edge[:, slice(*across)].sum(axis=1, dtype=np.uint16) / (across[1] - across[0])
        lines = np.flatnonzero(shares >= least)
        if not len(lines):
            return 0, side
        found.append((lines, shares[lines]))
    (firsts, begins), (lasts, ends) = found
    firsts, lasts = firsts + FIRST_BEGIN, lasts + FIRST_END
    clear = np.minimum.outer(begins, ends)
    clear[lasts - firsts[:, None] < side * LEAST_CONTENT_SIDE] = 0
    if not clear.any():
        return 0, side
    first, last = divmod(int(clear.argmax()), len(lasts))
    return int(firsts[first]), int(lasts[last])


def _is_before_a_ground(gray: Gray, box: Box) -> bool:
    """Whether a picture leaves some ground beside it, which isn't of one tone."""
    left, upper, right, lower = box
    inside = gray[upper:lower, left:right]
    if inside.size > gray.size * MOST_CONTENT:
        return False
    tones = tones_of(gray) - tones_of(inside)
    near = np.convolve(tones, np.ones(2 * FRAME_TOLERANCE + 1), "same")
    return bool(near.max() < PLAIN_SHARE * tones.sum())
