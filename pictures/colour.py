"""Whether two pictures of one gray differ in their colour, or contradict each other in it."""

import math

import numpy as np
from numpy.typing import NDArray

from grouping import EMBEDDING, Match
from pictures import bandpass
from pictures.crowds import CERTAIN_DISTANCE
from pictures.looks import COLOUR_SIDE, Look

# Two pictures of the same gray, in which chroma differs by so much on average.
SAME_CORRELATION = 0.95
COLOUR_LEVELS = 6
# Chosen on drawn flags and on toned documents.
COLOURED = 4.0  # levels of chroma on average; less is gray
TONED = 45.0  # levels of chroma; what shows one hue, and no part of it more, was toned
ONE_HUE = 0.95  # cosine
PATTERN = 2.0  # levels by which chroma varies
SAME_COLOURS = 0.95  # cosine of the chroma of all parts, and of how it varies
LIKE_COLOURS = 0.8  # the same of photographs, which light and filters change more
# Of two drawings, of which all colours may be stronger or weaker, or have a cast.
STRONGER, CAST = 2.0, 35.0
LEFT_OVER, LEAST_LEFT_OVER = 0.15, 6.0  # as a share of what varies, and in levels
COLOURFUL = 15.0  # levels of chroma on average; the gray copy of such a drawing has its levels
SURELY = 1e-6  # of a cosine or a level, by which sums in another order never differ
Colours = NDArray[np.uint8]  # of each picture, as its look holds them
AS_THEY_ARE = ("whole", "burst", EMBEDDING)  # the views of matches that no part or turn made


def differ_in_colour(one: Look, other: Look, match: Match) -> bool:
    """Whether two pictures are the same but for their colour, which is that of all of each."""
    if match.view not in AS_THEY_ARE or one.part != other.part:
        return False
    if match.correlation < SAME_CORRELATION or match.distance > CERTAIN_DISTANCE:
        return False
    chroma = [np.frombuffer(look.colour, np.uint8).astype(int) for look in (one, other)]
    return bool(np.abs(chroma[0] - chroma[1]).mean() >= COLOUR_LEVELS)


def colours_contradict(one: bytes, other: bytes, way: str) -> bool:
    """Whether two drawings have colours that no toning made of each other, one of them turned.

    Given is the chroma of each picture as its look holds it. A gray or toned copy contradicts
    nothing, nor does one with more or less colour, or a cast over all of it: then either the
    chroma of all parts has one direction, or it varies from part to part alike.
    """
    p, q = _chroma(bandpass.turned(_parts(one), way)), _chroma(_parts(other))
    if _cosine(p, q) >= SAME_COLOURS or _is_uncoloured(p) or _is_uncoloured(q):
        return False
    p, q = (chroma - chroma.mean(axis=0) for chroma in (p, q))
    varied = min(p.std(), q.std()) >= PATTERN
    return bool(not varied or _cosine(p, q) < SAME_COLOURS)


def drawn_in_other_colours(one: bytes, other: bytes, way: str) -> bool:
    """Whether of two coloured drawings one has some other colour, as flags of one design may.

    All colours may be up to `STRONGER` times as strong, and have a cast; what that doesn't explain
    in some part is another colour.
    """
    p, q = _chroma(bandpass.turned(_parts(one), way)), _chroma(_parts(other))
    if _is_uncoloured(p) or _is_uncoloured(q):
        return False
    (p, of_p), (q, of_q) = (
        (chroma - chroma.mean(axis=0), chroma.mean(axis=0)) for chroma in (p, q)
    )
    varies = max(np.abs(p).max(), np.abs(q).max())
    if min(p.std(), q.std()) < PATTERN:  # one colour all over
        return bool(np.abs(of_p - of_q).max() > CAST)
    stronger = (p * q).sum() / np.sqrt((p * p).sum() * (p * p).sum())
    if not 1 / STRONGER <= stronger <= STRONGER:
        return True
    left_over, cast = np.abs(q - stronger * p).max(), np.abs(of_q - stronger * of_p).max()
    return bool(cast > CAST or left_over > max(LEAST_LEFT_OVER, LEFT_OVER * varies))


def only_one_is_colourful(one: bytes, other: bytes, way: str) -> bool:
    """Whether one picture has strong colours and the other none, or one weak hue all over.

    One hue in two strengths is in both, as of a sign and its darker copy.
    """
    p, q = _chroma(bandpass.turned(_parts(one), way)), _chroma(_parts(other))
    if _is_uncoloured(p) == _is_uncoloured(q):
        return False
    weaker, stronger = sorted(float(np.sqrt((chroma**2).sum(axis=1).mean())) for chroma in (p, q))
    return stronger >= COLOURFUL and (weaker < COLOURED or _cosine(p, q) < SAME_COLOURS)


def colours_are_others(one: bytes, other: bytes, way: str) -> bool:
    """Whether two photographs have other colours in other parts, as two shirts of one cut.

    One that is gray or toned has none of its own, nor one that has about the same all over.
    """
    p, q = _chroma(bandpass.turned(_parts(one), way)), _chroma(_parts(other))
    if _cosine(p, q) >= LIKE_COLOURS or _is_uncoloured(p) or _is_uncoloured(q):
        return False
    p, q = (chroma - chroma.mean(axis=0) for chroma in (p, q))
    return bool(min(p.std(), q.std()) >= PATTERN and _cosine(p, q) < LIKE_COLOURS)


def most_differing(one: bytes, other: bytes, way: str) -> float:
    """The levels by which the chroma of two pictures differs in the part where it does most."""
    p, q = _chroma(bandpass.turned(_parts(one), way)), _chroma(_parts(other))
    return float(np.abs(p - q).max())


def _parts(colour: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(colour, np.uint8).reshape(2, COLOUR_SIDE, COLOUR_SIDE)


def _chroma(parts: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The chroma of each part, a row for each; none is 0."""
    return parts.reshape(2, -1).T.astype(np.float64) - 128.0


def _is_uncoloured(chroma: NDArray[np.float64]) -> bool:
    """Whether a picture is gray, or in one weak hue all over, as sepia is."""
    strength = np.hypot(*chroma.T)
    if np.sqrt((chroma**2).mean()) < COLOURED:
        return True
    if strength.min() < COLOURED or strength.max() > TONED:
        return False
    hues = chroma / strength[:, None]
    mean = hues.mean(axis=0)
    return bool((hues @ (mean / np.hypot(*mean))).min() >= ONE_HUE)


def _cosine(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    lengths = float(np.vdot(p, p) * np.vdot(q, q))
    return float(np.vdot(p, q)) / math.sqrt(lengths) if lengths else 0.0  # gray is like nothing


# ---- Of many pictures at once


def others_of_many(ones: Colours, others: Colours, way: str) -> NDArray[np.bool_]:
    """Whether `colours_are_others` of each two, where that is sure."""
    parts = bandpass.turned(ones.reshape(-1, COLOUR_SIDE, COLOUR_SIDE), way)
    p, q = (_chroma_of_many(some.reshape(ones.shape)) for some in (parts, others))
    differ = (_cosines_of_many(p, q) < LIKE_COLOURS - SURELY) & _are_coloured(p) & _are_coloured(q)
    p, q = (chroma - chroma.mean(axis=1, keepdims=True) for chroma in (p, q))
    varied = np.minimum(p.std(axis=(1, 2)), q.std(axis=(1, 2))) >= PATTERN + SURELY
    are: NDArray[np.bool_] = differ & varied & (_cosines_of_many(p, q) < LIKE_COLOURS - SURELY)
    return are


def _chroma_of_many(colours: Colours) -> NDArray[np.float64]:
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


def _cosines_of_many(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = (p * p).sum(axis=(1, 2)) * (q * q).sum(axis=(1, 2))
    products = (p * q).sum(axis=(1, 2))
    return np.where(lengths > 0, products / np.sqrt(np.maximum(lengths, SURELY)), 0.0)
