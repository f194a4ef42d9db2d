"""When points that lie on each other prove that two pictures show the same, and when they don't.

Pictures with the same words, the same interface or the same frame have points in common, too: but
these lie around what differs, or each is like many others, or most have no partner.
"""

from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from extras.points.features import Described, Places, Rows
from extras.points.vocabulary import Bits, differing_bits

Affine = NDArray[np.float64]
Corner = NDArray[np.float64]  # x and y
Size = tuple[int, int]
Pairs = tuple[Rows, Rows]

# Chosen on the half of the benchmark's photos that is for choosing; see its README.
LEAST_INLIERS = 8
LEAST_DISTINCT = 4  # points whose partner is clearly nearer by its bits than all others
RATIO = 0.85  # of bits that differ, to the partner and to the nearest other point
BESIDE = 12.0  # pixels within which another point is at the same place
MANY_PARTNERS = 0.4  # of the points seen, from which on fewer have to be clear
LEAST_SHARE_OF_REPEATED = 0.5  # in both, where many points are repeated, as letters are
LEAST_SHARE_OF_CROPPED = 0.6  # or in one of the two, of which the other has smaller ones
REPEATED_BITS = 40  # in which such points differ
IN_PLACE_SCALE, IN_PLACE_DEGREES, IN_PLACE_SHIFT = 1.07, 7.5, 25  # and pixels
MOVED_SCALE, MOVED_DEGREES = 1.03, 1.5
CROPPED_SCALE = 1.35  # from which on a picture is taken for an enlarged part of the other one
CELLS_OF_MANY, CELLS_OF_FEW, MANY = 5, 3, 25  # cells a side, from so many inliers on
EDGE_SHARE = 0.04  # of the inliers at each edge, which may be there by chance
LAST_OCTAVE = 7


@dataclass(frozen=True, slots=True)
class Limits:
    """What is asked of points that lie on each other.

    `spread` is in pixels that they cover in both pictures, both ways. `share` is, of the points
    that are seen in the other picture, that of those with a partner: more where about nothing
    moved, as in the frames of one shop, on X-rays or clothes of one sheet (`in_place`), or where
    something was but `moved`, as one subject before two backgrounds. `clear` is the share of the
    partners that are clearly nearer by their bits than all other points, `gaps` that of the points
    among them in cells without a partner, fewer in place than elsewhere (`gaps_elsewhere`),
    `agreement` that of what agrees in the two pictures, and `repeated` that of the partners which
    come again elsewhere.
    """

    spread: float
    share: float
    in_place: float
    moved: float
    clear: float
    gaps: float
    gaps_elsewhere: float
    agreement: float
    repeated: float = 0.35


# Where points alone prove something, and where they bear out what a network is sure of.
ALONE = Limits(
    20, 0.14, in_place=0.55, moved=0.4, clear=0.72, gaps=0.25, gaps_elsewhere=0.35, agreement=1.0
)
BORNE_OUT = Limits(
    40, 0.3, in_place=0.45, moved=0.4, clear=0.85, gaps=1.0, gaps_elsewhere=1.0, agreement=0.6
)
# The same where nearly all blocks agree, as below a caption that has many points of its own.
BORNE_OUT_BY_BLOCKS = replace(
    BORNE_OUT, share=0.28, in_place=0.28, clear=0.75, agreement=0.9, repeated=0.45
)


@dataclass(frozen=True, slots=True)
class Side:
    """How the inliers lie in one of the two pictures.

    `share` is that of the points with a partner, of those that would be seen in the other one by
    place and size; `gaps` that of the points, in the box of the inliers, in cells without any
    partner, less what chance leaves so.
    """

    share: float
    gaps: float


def side_of(points: Described, inliers: Places, affine: Affine, size: Size) -> Side:
    """How the inliers lie in a picture of which a map leads to another one of a size."""
    seen = points.places[_seen(points, affine, size)]
    low, high = _edges(inliers)
    margin = (high - low) * EDGE_SHARE
    low, high = low - margin, high + margin
    side = CELLS_OF_MANY if len(inliers) >= MANY else CELLS_OF_FEW
    every, matched = (_counts(places, low, high, side) for places in (seen, inliers))
    number = max(int(every.sum()), 1)
    share = min(int(matched.sum()) / number, 1.0)
    gaps = every[matched == 0].sum() - (every * (1 - share) ** every).sum()
    return Side(min(int(matched.sum()) / max(len(seen), 1), 1.0), float(gaps) / number)


def _edges(places: Places) -> tuple[Corner, Corner]:
    """The quantiles of some places beyond which `EDGE_SHARE` lies, both ways, at either edge."""
    ordered = np.sort(places.astype(np.float64), axis=0)
    from_edge = EDGE_SHARE * (len(ordered) - 1)
    place, share = int(from_edge), from_edge % 1
    inner = min(place + 1, len(ordered) - 1)
    low = ordered[place] * (1 - share) + ordered[inner] * share
    high = ordered[-1 - place] * (1 - share) + ordered[-1 - inner] * share
    return low, high


def area_of(affine: Affine) -> float:
    """How many times a map enlarges areas; negative if it mirrors them."""
    (a, b, _), (c, d, _) = affine.tolist()
    return float(a * d - b * c)


def _seen(points: Described, affine: Affine, size: Size) -> NDArray[np.bool_]:
    """Which points lie inside the other picture and have there a size that is looked for."""
    there = points.places @ affine[:, :2].T + affine[:, 2]
    octaves = points.octaves + np.log(area_of(affine)) / (2 * np.log(1.2))
    sized = (octaves > -0.5) & (octaves < LAST_OCTAVE + 0.5)
    seen: NDArray[np.bool_] = ((there >= 0) & (there < size)).all(axis=1) & sized
    return seen


def _counts(places: Places, low: Corner, high: Corner, side: int) -> Rows:
    """How many places lie in each cell of a box."""
    inside = places[((places >= low) & (places <= high)).all(axis=1)]
    cells = ((inside - low) / (high - low + 1e-6) * side).astype(np.intp).clip(0, side - 1)
    return np.bincount(cells[:, 0] * side + cells[:, 1], minlength=side**2)


@dataclass(frozen=True, slots=True)
class Lying:
    """Points of two pictures that a map lays on each other: `pairs` are their rows in either."""

    left: Described
    right: Described
    pairs: Pairs
    sides: tuple[Side, Side]
    affine: Affine


def reason_against(lying: Lying, limits: Limits = ALONE) -> str:
    """Why points that a map lays on each other are no proof; empty if they are."""
    return _too_few(lying, limits) or _too_much_alike(lying, limits)


def _too_few(lying: Lying, limits: Limits) -> str:
    number, spread = len(lying.pairs[0]), _spread(lying.left, lying.right, lying.pairs)
    if number < LEAST_INLIERS:
        return f"only {number} points lie on each other, {LEAST_INLIERS} are needed"
    if spread < limits.spread:
        return f"all points lie within {spread:.0f} pixels, {limits.spread:.0f} are needed"
    share, (least, most_gaps) = (
        max(side.share for side in lying.sides),
        _asked(lying.affine, limits),
    )
    if share < least:
        return f"only {share:.0%} of the points there have a partner, {least:.0%} are needed"
    gaps = _gaps(lying)
    return f"{gaps:.0%} of the points lie where none has a partner" if gaps > most_gaps else ""


def _gaps(lying: Lying) -> float:
    """The share of points in gaps; of a part that was much enlarged, of the picture with less.

    There more points are found than in the whole, which has enough others.
    """
    ones, others = (side.gaps for side in lying.sides)
    return min(ones, others) if _enlarged(lying.affine) >= CROPPED_SCALE else max(ones, others)


def _too_much_alike(lying: Lying, limits: Limits) -> str:
    """Why the points of two pictures may have other partners just as well."""
    number, distinct = len(lying.pairs[0]), _distinct(lying.left, lying.right, lying.pairs)
    fewer, share = sorted(side.share for side in lying.sides)
    needed = LEAST_DISTINCT if share >= MANY_PARTNERS else limits.clear * number
    if distinct < max(needed, LEAST_DISTINCT):
        return f"only {distinct} points are clearly the same, {ceil(needed)} are needed"
    repeated = _repeated(lying.left, lying.right, lying.pairs)
    enough = fewer >= LEAST_SHARE_OF_REPEATED or share >= LEAST_SHARE_OF_CROPPED
    if repeated > limits.repeated and not enough:
        return f"{repeated:.0%} of the points come again elsewhere, as letters do"
    return ""


def _spread(left: Described, right: Described, pairs: Pairs) -> float:
    """How many pixels some pairs cover at least, across or down, in either picture."""
    places = left.places[pairs[0]], right.places[pairs[1]]
    return min(float(np.ptp(some, axis=0).min()) for some in places)


def _distinct(left: Described, right: Described, pairs: Pairs) -> int:
    """How many points have a partner that is clearly nearer by its bits than any point elsewhere.

    See D. Lowe, Distinctive image features from scale-invariant keypoints, 2004.
    """
    rows, others = pairs
    ones, twos = left.bits.view(np.uint64)[rows], right.bits.view(np.uint64)[others]
    own = np.bitwise_count(ones ^ twos).sum(axis=1, dtype=np.uint16)
    return int((own < RATIO * _elsewhere(left.bits[rows], right, others)).sum())


def _repeated(left: Described, right: Described, pairs: Pairs) -> float:
    """The share of the points that come again elsewhere in one of the pictures."""
    bits = [
        _elsewhere(some.bits[rows], some, rows)
        for some, rows in zip((left, right), pairs, strict=True)
    ]
    return float((np.minimum(*bits) <= REPEATED_BITS).mean())


def _elsewhere(bits: Bits, points: Described, rows: Rows) -> NDArray[np.uint16]:
    """In how few bits each of some bits differs from a point of a picture, not beside its own."""
    differing = differing_bits(bits, points.bits)
    across, down = (np.abs(some[rows][:, None] - some) > BESIDE for some in points.places.T)
    nearest: NDArray[np.uint16] = np.where(across | down, differing, np.uint16(256)).min(axis=1)
    return nearest


def _asked(affine: Affine, limits: Limits) -> tuple[float, float]:
    """The share of points with a partner, and of gaps, by how a map moves a picture."""
    degrees = abs(np.degrees(np.arctan2(affine[1, 0], affine[0, 0])))
    enlarged, shift = _enlarged(affine), np.abs(affine[:, 2]).max()
    if enlarged <= IN_PLACE_SCALE and degrees <= IN_PLACE_DEGREES and shift <= IN_PLACE_SHIFT:
        return limits.in_place, limits.gaps
    if enlarged <= MOVED_SCALE and degrees <= MOVED_DEGREES:
        return limits.moved, limits.gaps
    return limits.share, limits.gaps_elsewhere


def _enlarged(affine: Affine) -> float:
    """How many times what one picture shows is larger in the other one, or the other way round."""
    scale = float(np.sqrt(area_of(affine)))
    return max(scale, 1 / scale)
