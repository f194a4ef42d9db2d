"""Which candidates differ in their colours, told of many at once and before anything is looked at.

The look at two photographs of other tones asks their colours last (`pictures/verify.py`), and what
these tell needs no more than 32 bytes of each. Two of three pairs that are candidates by chance
need no look for it. Where rounding could decide, it is left to the look.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from extras.cluster.rows import Numbers
from pictures import bandpass
from pictures.candidates import DIFFERENT, Candidates
from pictures.colour import COLOURED, LIKE_COLOURS, ONE_HUE, PATTERN, TONED
from pictures.looks import COLOUR_SIDE
from pictures.table import Table
from pictures.verify import OTHER_TONES

SURELY = 1e-6  # of a cosine or a level, by which sums in another order never differ
AT_ONCE = 1 << 13
Colours = NDArray[np.uint8]  # of each picture, as its look holds them


def told_by_colours(
    found: Candidates, table: Table, colours: Callable[[Numbers], Colours]
) -> Candidates:
    """Candidates of which those are known to differ whose colours do, if these count for them."""
    shown = found.shown.copy()
    turn, pair = np.divmod(found.keys, found.rows**2 or 1)
    left, right = np.divmod(pair, found.rows or 1)
    drawn = table.framed | table.page
    asked = np.isnan(shown) & (found.distance >= OTHER_TONES) & ~(drawn[left] | drawn[right])
    for number in np.unique(turn[asked]).tolist():
        of_turn = np.flatnonzero(asked & (turn == number))
        for start in range(0, len(of_turn), AT_ONCE):
            some = of_turn[start : start + AT_ONCE]
            ones, others = colours(left[some]), colours(right[some])
            shown[some[are_others(ones, others, found.ways[number])]] = DIFFERENT
    return replace(found, shown=shown)


def are_others(ones: Colours, others: Colours, way: str) -> NDArray[np.bool_]:
    """Whether `pictures.colour.colours_are_others` of each two, where that is sure."""
    parts = bandpass.turned(ones.reshape(-1, COLOUR_SIDE, COLOUR_SIDE), way)
    p, q = (_chroma(some.reshape(ones.shape)) for some in (parts, others))
    differ = (_cosines(p, q) < LIKE_COLOURS - SURELY) & _are_coloured(p) & _are_coloured(q)
    p, q = (chroma - chroma.mean(axis=1, keepdims=True) for chroma in (p, q))
    varied = np.minimum(p.std(axis=(1, 2)), q.std(axis=(1, 2))) >= PATTERN + SURELY
    are: NDArray[np.bool_] = differ & varied & (_cosines(p, q) < LIKE_COLOURS - SURELY)
    return are


def _chroma(colours: Colours) -> NDArray[np.float64]:
    """The chroma of each part of each picture; none is 0."""
    return colours.reshape(-1, 2, COLOUR_SIDE**2).swapaxes(1, 2).astype(np.float64) - 128.0


def _are_coloured(chroma: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each picture is surely neither gray nor in one weak hue all over."""
    strength = np.hypot(chroma[..., 0], chroma[..., 1])
    strong = np.sqrt((chroma**2).mean(axis=(1, 2))) >= COLOURED + SURELY
    uneven = strength.min(axis=1) < COLOURED - SURELY
    uneven |= strength.max(axis=1) > TONED + SURELY
    hues = chroma / np.maximum(strength, SURELY)[..., None]
    mean = hues.mean(axis=1, keepdims=True)
    mean /= np.maximum(np.hypot(mean[..., :1], mean[..., 1:]), SURELY)
    several = (hues * mean).sum(axis=2).min(axis=1) < ONE_HUE - SURELY
    coloured: NDArray[np.bool_] = strong & (uneven | several)
    return coloured


def _cosines(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = (p * p).sum(axis=(1, 2)) * (q * q).sum(axis=(1, 2))
    products = (p * q).sum(axis=(1, 2))
    return np.where(lengths > 0, products / np.sqrt(np.maximum(lengths, SURELY)), 0.0)
