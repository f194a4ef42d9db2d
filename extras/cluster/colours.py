"""Which candidates differ in their colours, told of many at once and before anything is looked at.

The look at two photographs of other tones asks their colours last (`pictures/verify.py`), and what
these tell needs no more than 32 bytes of each. Two of three pairs that are candidates by chance
need no look for it. Where rounding could decide, it is left to the look.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from extras.cluster.rows import Numbers
from pictures.candidates import DIFFERENT, Candidates
from pictures.colour import Colours, others_of_many
from pictures.table import Table
from pictures.verify import OTHER_TONES

AT_ONCE = 1 << 13


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
            shown[some[others_of_many(ones, others, found.ways[number])]] = DIFFERENT
    return replace(found, shown=shown)
