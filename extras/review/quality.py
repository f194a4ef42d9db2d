"""A JPEG's quality on libjpeg's scale from 1 to 100, and the one that a picture had before.

A JPEG keeps of its waves (the cosine transform of blocks of 8 x 8 pixels) whole multiples of steps
that its quality names. Saved anew with finer steps, or without loss, the picture still has waves of
about those multiples, and no detail between them.
"""

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

SIDE = 8
# libjpeg's table for luminance at quality 50, in the order of the file, and where in a block, row
# by row, each of it belongs.
STANDARD_STEPS = (
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37,
    29, 40, 58, 51, 61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87,
    95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
)  # fmt: skip
ZIGZAG = sorted(
    range(SIDE * SIDE),
    key=lambda n: (
        n // SIDE + n % SIDE,
        n // SIDE if (n // SIDE + n % SIDE) % 2 else n % SIDE,
    ),
)
QUALITIES = range(50, 99)  # that are looked for; with the steps of a better one all is a multiple
BLOCKS = 24  # across and down, that are looked at
LEAST_STEP = 5  # gray levels; what is finer is lost in rounding
LEAST_WAVES = 100
LEAST_KINDS = 8  # of waves, as a plain slope has a few of one height
# Steps by which a wave is off its multiple, on average: 0.25 by chance, up to 0.13 once saved so.
MOST_OFF = 0.16


def of_jpeg(image: "Image.Image") -> int | None:
    """The quality whose luminance table is nearest in sum to a JPEG's."""
    table = getattr(image, "quantization", {}).get(0)
    if table is None or len(table) != SIDE * SIDE:
        return None
    return min(range(100, 0, -1), key=lambda quality: abs(sum(_steps(quality)) - sum(table)))


def is_standard(image: "Image.Image", now: int | None) -> bool:
    """Whether a JPEG has libjpeg's own table for its quality; cameras and editors have others."""
    table = getattr(image, "quantization", {}).get(0)
    return now is not None and sorted(table or ()) == sorted(_steps(now))


def before(image: "Image.Image", below: int) -> int | None:
    """The quality below some other in which a picture was once saved; None if it shows none.

    It is the lowest that fits best: multiples of its steps are multiples of finer ones, too.
    """
    waves = _waves(image)
    lowest = None
    least = MOST_OFF
    for quality in QUALITIES:
        off = _off(waves, quality)
        if lowest is not None and off > least:
            break
        if off <= least:
            lowest, least = quality, off
    return lowest if lowest is not None and lowest < below else None


def _off(waves: "NDArray[np.float32]", quality: int) -> float:
    """By how many steps of a quality waves are off its multiples, on average."""
    import numpy as np

    steps = np.zeros(SIDE * SIDE)
    steps[ZIGZAG] = _steps(quality)
    steps[0] = 0  # the mean of a block tells nothing
    coarse = steps >= LEAST_STEP
    multiples = waves[:, coarse] / steps[coarse]
    nearest = np.round(multiples)
    telling = nearest != 0
    of_many_kinds = np.count_nonzero(telling.any(axis=0)) >= LEAST_KINDS
    if not of_many_kinds or np.count_nonzero(telling) < LEAST_WAVES:
        return 1.0
    return float(np.abs(multiples - nearest)[telling].mean())


@functools.cache
def _steps(quality: int) -> tuple[int, ...]:
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return tuple(min(255, max(1, (step * scale + 50) // 100)) for step in STANDARD_STEPS)


def _waves(image: "Image.Image") -> "NDArray[np.float32]":
    """The waves of some blocks of a picture's gray, a row for each block."""
    import numpy as np

    across, down = image.width // SIDE, image.height // SIDE
    columns, rows = (np.linspace(0, n - 1, min(BLOCKS, n)).astype(int) for n in (across, down))
    strips = []
    for row in rows.tolist():
        box = (0, row * SIDE, across * SIDE, (row + 1) * SIDE)
        gray = image.crop(box).convert("RGB").convert("YCbCr").getchannel(0)
        levels = np.asarray(gray, np.float32).reshape(SIDE, across, SIDE)
        strips.append(levels.transpose(1, 0, 2)[columns])
    blocks = np.concatenate(strips) if strips else np.zeros((0, SIDE, SIDE), np.float32)
    turns = np.outer(np.arange(SIDE), 2 * np.arange(SIDE) + 1) * (np.pi / (2 * SIDE))
    cosines = np.cos(turns) * (2 / SIDE) ** 0.5
    cosines[0] /= 2**0.5
    waves: NDArray[np.float32] = (cosines @ blocks @ cosines.T).reshape(-1, SIDE * SIDE)
    return waves
