"""Whether pictures are versions of one picture: saved again, scaled, turned, toned a little.

What is compared is small (`thumbprint`). Two versions lie upon each other to a fraction of a
pixel of it, which a crop of half a per cent does not, and differ nowhere by more than saving
again explains.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pictures import bandpass

if TYPE_CHECKING:
    from PIL import Image

    from extras.review.facts import Facts

UPRIGHT = bandpass.TURNS[0]
SIDE = 64  # of the gray that is compared
COLOUR_SIDE = 8
PRINT_BYTES = SIDE**2 + 2 * COLOUR_SIDE**2  # of a thumbprint
LEAST_CORRELATION = 0.97
MOST_SHIFT = 0.15  # pixels, at any corner
MOST_RESIDUAL = 12.0  # gray levels, in any of 16 x 16 blocks, once brightness and contrast fit
BLOCKS = 16
MOST_TONE = 6.0  # gray levels, on average; more is an edit
CHROMA_LEVELS = 6.0
PROPORTIONS = 0.01
SCALED = 0.03  # sizes that are nearer to each other, but not equal, were cut

Levels = NDArray[np.float64]


class Pair(NamedTuple):
    """The positions of two versions, and how the first is turned to lie upon the other."""

    one: int
    other: int
    turn: str


def thumbprint(upright: "Image.Image") -> bytes:
    """What is compared of an RGB picture: its gray, row by row, and some of its chroma."""
    from PIL import Image

    levels = upright.convert("YCbCr")
    y, *chroma = levels.split()
    lanczos = Image.Resampling.LANCZOS
    gray = y.resize((SIDE, SIDE), lanczos, reducing_gap=3.0).tobytes()
    side = (COLOUR_SIDE, COLOUR_SIDE)
    return gray + b"".join(c.resize(side, lanczos, reducing_gap=3.0).tobytes() for c in chroma)


def pairs(pictures: Sequence["Facts"]) -> Iterator[Pair]:
    """The pairs of pictures that are versions of one, the first before the other."""
    known = [n for n, facts in enumerate(pictures) if facts.thumbprint]
    if len(known) < 2:
        return
    prints = np.stack([np.frombuffer(pictures[n].thumbprint, np.uint8) for n in known])
    gray = prints[:, : SIDE * SIDE].reshape(-1, SIDE, SIDE)
    chroma = prints[:, SIDE * SIDE :].reshape(-1, 2, COLOUR_SIDE, COLOUR_SIDE)
    flat = _normal(gray)
    turned = {turn: bandpass.turned(gray, turn) for turn in bandpass.TURNS}
    for i in range(len(known) - 1):
        found: set[int] = set()
        for turn, stack in turned.items():
            # All of them turned against one is the one turned the other way against them.
            likeness: Levels = _normal(stack[i : i + 1]) @ flat[i + 1 :].T
            for j in (np.flatnonzero(likeness[0] >= LEAST_CORRELATION) + i + 1).tolist():
                if j in found or not fit_each_other(pictures[known[i]], pictures[known[j]], turn):
                    continue
                colours = np.stack([bandpass.turned(chroma[i], turn), chroma[j]]).astype(float)
                if _same(stack[i].astype(float), gray[j].astype(float), colours):
                    found.add(j)
                    yield Pair(known[i], known[j], turn)


def fit_each_other(one: "Facts", other: "Facts", turn: str = "upright") -> bool:
    """Whether one picture's size may be the other's, scaled: the same proportions, and not cut."""
    width, height = one.width, one.height
    if bandpass.TURNS.index(turn) >= 4:
        width, height = height, width
    across, down = width / other.width, height / other.height
    rounding = 1 / min(one.width, one.height, other.width, other.height)
    alike = abs(across / down - 1) <= max(PROPORTIONS, rounding)
    equal = (width, height) == (other.width, other.height)
    return alike and (equal or min(abs(across - 1), abs(down - 1)) > SCALED)


def _normal(gray: NDArray[np.uint8]) -> Levels:
    flat = gray.reshape(len(gray), -1).astype(float)
    flat = flat - flat.mean(axis=1, keepdims=True)
    normal: Levels = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)
    return normal


def _same(one: Levels, other: Levels, colours: Levels) -> bool:
    if np.abs(colours[0] - colours[1]).mean() > CHROMA_LEVELS:
        return False
    fitted: Levels = np.polyfit(one.ravel(), other.ravel(), 1)
    gain, offset = fitted
    if np.abs(other - one).mean() > MOST_TONE or shift_between(one, other) > MOST_SHIFT:
        return False
    side = SIDE // BLOCKS
    squares = (other - gain * one - offset) ** 2
    blocks = squares.reshape(BLOCKS, side, BLOCKS, side).mean(axis=(1, 3))
    return bool(blocks.max() ** 0.5 <= MOST_RESIDUAL)


def shift_between(one: Levels, other: Levels) -> float:
    """By how many pixels two pictures are apart at the corner where it is most.

    The method of Lucas and Kanade, for an affine motion with gain and offset.
    """
    place = (np.arange(SIDE) + 0.5) / SIDE * 2 - 1
    x, y = np.meshgrid(place, place)
    middle = (one + other) / 2
    down, across = (np.asarray(np.gradient(middle, axis=axis)) for axis in (0, 1))
    columns = (np.ones_like(one), one, across, across * x, across * y, down, down * x, down * y)
    inside = (slice(2, -2), slice(2, -2))
    design = np.stack([column[inside].ravel() for column in columns], axis=1)
    normal = design.T @ design + 1e-3 * np.eye(len(columns))
    found = np.linalg.solve(normal, design.T @ other[inside].ravel())
    corners = np.array([(1, i, j) for i in (-1, 1) for j in (-1, 1)])
    return float(np.abs(corners @ found[2:].reshape(2, 3).T).max())
