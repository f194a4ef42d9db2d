"""Whether two pictures that match differ in their colour alone."""

import numpy as np

from grouping import EMBEDDING, Match
from pictures.crowds import CERTAIN_DISTANCE
from pictures.looks import Look

# Two pictures of the same gray, in which chroma differs by so much on average.
SAME_CORRELATION = 0.95
COLOUR_LEVELS = 6
AS_THEY_ARE = ("whole", "burst", EMBEDDING)  # the views of matches that no part or turn made


def differ_in_colour(one: Look, other: Look, match: Match) -> bool:
    """Whether two pictures are the same but for their colour, which is that of all of each."""
    if match.view not in AS_THEY_ARE or one.part != other.part:
        return False
    if match.correlation < SAME_CORRELATION or match.distance > CERTAIN_DISTANCE:
        return False
    chroma = [np.frombuffer(look.colour, np.uint8).astype(int) for look in (one, other)]
    return bool(np.abs(chroma[0] - chroma[1]).mean() >= COLOUR_LEVELS)
