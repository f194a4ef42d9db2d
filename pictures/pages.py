"""Whether a picture is a page: written or drawn, as documents, slides, screens and signs are."""

import numpy as np
from numpy.typing import NDArray

from pictures.bandpass import Gray
from pictures.modes import tones_of

# Chosen on the half of the benchmark's photos that is for choosing, and on drawn look-alikes.
TONE_TOLERANCE = 5  # gray levels
LEAST_TONES = 0.35  # which spares most photographs the rest
SHARP = 0.25  # of the range of gray levels
FLAT = 0.012
PAPER_TONE = 150
PAPER_TOLERANCE = 12  # gray levels
PAPER_FLAT = 0.04
PAPER_SHARP = 0.45
LEAST_RANGE = 16
PAGE_SUM = 1.18


def is_page(sample: Gray, small: Gray) -> bool:
    """Whether a picture is written or drawn, by some of its pixels and by its small gray picture.

    Ink on paper has two tones, nothing between them but edges, and these are sharp: what is no
    edge is flat. A photograph of a plain wall has one tone, too, but its shades run into each
    other. So it counts, of pixels that aren't averaged, which share the two main tones hold, how
    many of the steps from one to the next that aren't flat are sharp, and, a quarter as much, how
    many are flat. Noise and blur hide that. What is small has no noise: there most has to be light
    paper, and the steps that are left sharp.
    """
    return _is_drawn(sample) or _is_printed(small)


def _is_drawn(gray: Gray) -> bool:
    counts = tones_of(gray)
    tones = _two_tones(counts)
    if tones < LEAST_TONES:
        return False
    flat, sharp = _flat_and_sharp(gray, _range(counts), FLAT)
    return tones + sharp + flat / 4 >= PAGE_SUM


def _is_printed(gray: Gray) -> bool:
    counts = tones_of(gray)
    near = np.convolve(counts, np.ones(2 * PAPER_TOLERANCE + 1, np.intp), "same")
    if near.argmax() < PAPER_TONE or near.max() <= gray.size / 2:
        return False
    _, sharp = _flat_and_sharp(gray, _range(counts), PAPER_FLAT)
    return sharp >= PAPER_SHARP


def _flat_and_sharp(gray: Gray, levels: int, most: float) -> tuple[float, float]:
    """The share of flat steps from pixel to pixel, and of the others that of sharp ones."""
    down, right = _steps(gray[1:, :-1], gray[:-1, :-1]), _steps(gray[:-1, 1:], gray[:-1, :-1])
    steps = np.maximum(down, right)
    flat = int(np.count_nonzero(steps <= max(1.0, most * levels)))
    sharp = int(np.count_nonzero(steps >= SHARP * levels))
    return flat / steps.size, sharp / max(steps.size - flat, 1)


def _two_tones(counts: NDArray[np.intp]) -> float:
    """The share of the pixels that are near the gray level near which most lie, or the next."""
    rest, found, width = counts.copy(), 0, 2 * TONE_TOLERANCE
    for _ in range(2):
        near = np.convolve(rest, np.ones(width + 1, np.intp), "same")
        tone = int(near.argmax())
        found += int(near[tone])
        rest[max(0, tone - width) : tone + width + 1] = 0
    return found / int(counts.sum())


def _range(counts: NDArray[np.intp]) -> int:
    """How many gray levels lie between the darkest and the lightest hundredth of the pixels."""
    below = np.cumsum(counts)
    low, high = np.searchsorted(below, below[-1] * np.array([0.01, 0.99]))
    return max(LEAST_RANGE, int(high - low))


def _steps(gray: Gray, beside: Gray) -> Gray:
    steps: Gray = np.maximum(gray, beside) - np.minimum(gray, beside)
    return steps
