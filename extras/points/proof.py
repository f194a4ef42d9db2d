"""The proof that two pictures show the same: points that lie on each other by one affine map."""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from extras.points.features import Described, Places, Points, Rows
from extras.points.rule import LEAST_INLIERS, Affine, Lying, area_of, reason_against, side_of
from extras.points.vocabulary import branches_of, differing_bits

Box = tuple[float, float, float, float]  # left, upper, right, lower, in shares of the picture
Matched = tuple[Rows, Rows]

# Chosen on the half of the benchmark's photos that is for choosing; see its README.
MOST_BITS = 64  # in which points differ that may be the same
MOST_BITS_ON = 80  # in which points differ that lie on each other
TURN_BINS, OCTAVE_BINS = 32, 17  # of how much points are turned and enlarged, from one to other
TURN_REACH, OCTAVE_REACH = 2, 2  # bins beside the fullest in which points agree
TOLERANCE = 5.0  # pixels that a point may lie beside where the map takes it
FEWEST = 5  # pairs of points that make it worth to look for a map
MOST_STRETCH = 2.0  # of one direction against the other
MOST_SCALE = 6.0
MOST_SAMPLES = 200
CONFIDENCE = 0.9999  # that none of more samples would give a better map
# Of all pairs of points, those of one branch: of more all are compared, as that is quicker.
MANY_ALIKE = 0.15
FAR = np.uint16(999)  # bits


@dataclass(frozen=True, slots=True)
class Proof:
    """How the points of two pictures lie on each other by the best affine map.

    `affine` maps places of the one to those of the other, 2 x 3, in pixels; with `mirrored` those
    of the mirrored one. `ones` and `others` are the places of the points that lie on each other.
    `shares` are, of the points of each that would be seen in the other, those with a partner,
    `covered` the boxes in which partners lie, `lying` is what rules judge. `reason` says why the
    proof doesn't hold; it is empty if it does.
    """

    inliers: int
    shares: tuple[float, float]
    affine: Affine
    mirrored: bool
    ones: Places
    others: Places
    covered: tuple[Box, Box]
    lying: Lying
    reason: str

    @property
    def holds(self) -> bool:
        return not self.reason


class MayBe(Protocol):
    """Whether a map may be the right one, by what is seen besides points, before more is asked."""

    def __call__(self, affine: Affine, /, *, mirrored: bool) -> bool: ...


def prove(one: Points, other: Points, *, may_be: MayBe | None = None) -> Proof | None:
    """The better proof of the picture as it is and mirrored; None if not even a map was found.

    Points are matched by their bits, and those stay that agree how much the picture is turned and
    enlarged (H. Jegou et al., Hamming embedding and weak geometric consistency, 2008). Of them
    random samples, the same each time, give the map (M. Fischler and R. Bolles, Random Sample
    Consensus, 1981). Then all points are looked at that it lays on each other.
    """
    plain = _proven(one, other, one.plain, other.plain, may_be)
    if plain is not None and plain.holds:
        return plain
    mirrored = _proven(one, other, one.mirrored, other.plain, may_be, mirrored=True)
    found = [proof for proof in (plain, mirrored) if proof is not None]
    return max(found, key=lambda proof: (proof.holds, proof.inliers), default=None)


def _proven(
    one: Points,
    other: Points,
    left: Described,
    right: Described,
    may_be: MayBe | None,
    *,
    mirrored: bool = False,
) -> Proof | None:
    affine = _map(left, right, _matched(left, right))
    if affine is None or (may_be and not may_be(affine, mirrored=mirrored)):
        return None
    affine, on = _refined(left, right, affine)
    if len(on[0]) < FEWEST:
        return None
    places, others = left.places[on[0]], right.places[on[1]]
    back = np.asarray(cv2.invertAffineTransform(affine), np.float64)
    sides = (
        side_of(left, places, affine, (other.width, other.height)),
        side_of(right, others, back, (one.width, one.height)),
    )
    lying = Lying(left, right, on, sides, affine)
    ones = _mirrored(places, one.width) if mirrored else places
    return Proof(
        inliers=len(places),
        shares=(sides[0].share, sides[1].share),
        affine=affine,
        mirrored=mirrored,
        ones=ones,
        others=others,
        covered=(_covered(ones, one), _covered(others, other)),
        lying=lying,
        reason=reason_against(lying),
    )


# ---- Which points may be the same


def _matched(left: Described, right: Described) -> Matched:
    """The rows of points that are alike and agree how one picture became the other."""
    alike = branches_of(left.words)[:, None] == branches_of(right.words)
    if np.count_nonzero(alike) > MANY_ALIKE * alike.size:
        rows, others = _nearest_of_all(left, right, alike)
    else:
        pairs = np.divmod(np.flatnonzero(alike), max(len(right), 1))
        rows, others = _nearest(*_with_few_bits(left, right, pairs, MOST_BITS))
    if len(rows) < FEWEST:
        return rows, others
    turns, octaves = _moved(left, right, (rows, others))
    counts = np.bincount(turns * OCTAVE_BINS + octaves, minlength=TURN_BINS * OCTAVE_BINS)
    turn, octave = divmod(int(counts[BESIDE].sum(axis=1).argmax()), OCTAVE_BINS)
    agree = _apart(turns, turn) <= TURN_REACH
    agree &= np.abs(octaves - octave) <= OCTAVE_REACH
    return rows[agree], others[agree]


def _with_few_bits(
    left: Described, right: Described, pairs: Matched, most: int
) -> tuple[Rows, Rows, NDArray[np.uint16]]:
    """Those of some pairs that differ in so few bits, and in how many."""
    rows, others = pairs
    ones = left.bits.view(np.uint64).take(rows, axis=0)  # which is quicker than [rows]
    twos = right.bits.view(np.uint64).take(others, axis=0)
    bits = np.zeros(len(rows), np.uint16)
    for differing in np.bitwise_count(ones ^ twos).T:
        bits += differing
    few = bits <= most
    return rows[few], others[few], bits[few]


def _nearest(rows: Rows, others: Rows, bits: NDArray[np.uint16]) -> Matched:
    """The pairs of which each point is the other's nearest, at most one for each."""
    order = np.argsort(bits, kind="stable")
    rows, others = rows[order], others[order]
    kept = _is_first(rows) & _is_first(others)
    return rows[kept], others[kept]


def _nearest_of_all(left: Described, right: Described, alike: NDArray[np.bool_]) -> Matched:
    """What `_nearest` gives of the pairs that are alike and have few bits, where many are alike."""
    bits = differing_bits(left.bits, right.bits)
    bits[~alike] = FAR
    others, rows = bits.argmin(axis=1), np.arange(len(left))
    least = bits[rows, others]
    kept = (bits.argmin(axis=0)[others] == rows) & (least <= MOST_BITS)
    order = np.argsort(least[kept], kind="stable")
    return rows[kept][order], others[kept][order]


def _is_first(rows: Rows) -> NDArray[np.bool_]:
    """Whether each row comes for the first time."""
    places = np.arange(len(rows))
    first = np.zeros(rows.max(initial=0) + 1, np.intp)
    first[rows[::-1]] = places[::-1]  # of several the last one stays
    is_first: NDArray[np.bool_] = first[rows] == places
    return is_first


def _moved(left: Described, right: Described, pairs: Matched) -> tuple[Rows, Rows]:
    """By how many bins the points of pairs are turned and enlarged."""
    rows, others = pairs
    turns = (right.turns[others] - left.turns[rows]) // np.uint8(256 // TURN_BINS)
    octaves = right.octaves[others].astype(np.intp) - left.octaves[rows] + OCTAVE_BINS // 2
    return turns.astype(np.intp), octaves


def _apart(turns: Rows, turn: int) -> Rows:
    """How many bins some turns lie beside another, around the circle."""
    half = TURN_BINS // 2
    apart: Rows = np.abs((turns - turn + half) % TURN_BINS - half)
    return apart


def _beside() -> Rows:
    """For each bin of turns and octaves, it and the eight beside it; there is no end of turns."""
    turns, octaves = np.divmod(np.arange(TURN_BINS * OCTAVE_BINS), OCTAVE_BINS)
    steps = np.array([(down, across) for down in (-1, 0, 1) for across in (-1, 0, 1)])
    rows = (turns[:, None] + steps[:, 0]) % TURN_BINS
    columns = (octaves[:, None] + steps[:, 1]).clip(0, OCTAVE_BINS - 1)
    beside: Rows = rows * OCTAVE_BINS + columns
    return beside


BESIDE = _beside()


# ---- How they lie


def _map(left: Described, right: Described, matched: Matched) -> Affine | None:
    """The affine map on which most of some pairs lie, if it is one that pictures undergo."""
    rows, others = matched
    if len(rows) < FEWEST:
        return None
    found, _ = cv2.estimateAffine2D(
        left.places[rows],
        right.places[others],
        ransacReprojThreshold=TOLERANCE,
        maxIters=MOST_SAMPLES,
        confidence=CONFIDENCE,
    )
    if found is None:
        return None
    affine = np.asarray(found, np.float64)
    return affine if _is_plausible(affine) else None


def _is_plausible(affine: Affine) -> bool:
    """Whether a map neither mirrors nor squeezes nor enlarges more than people do."""
    enlarged = area_of(affine)
    if enlarged <= 0:
        return False
    squares: float = (affine[:, :2] ** 2).sum().item()  # of the two scales
    apart = max(squares**2 - 4 * enlarged**2, 0.0) ** 0.5
    shorter = (max(squares - apart, 0.0) / 2) ** 0.5
    longer = ((squares + apart) / 2) ** 0.5
    return bool(longer <= MOST_STRETCH * shorter and 1 / MOST_SCALE < shorter < MOST_SCALE)


def _on_each_other(left: Described, right: Described, affine: Affine) -> Matched:
    """The rows of points that are alike and that the map lays on each other, each at most once.

    They may lie `TOLERANCE` pixels beside in the picture in which what both show is smaller.
    """
    tolerance = TOLERANCE * max(1.0, area_of(affine) ** 0.5)
    there = (left.places @ affine[:, :2].T + affine[:, 2]).astype(np.float32)
    apart = (there**2).sum(axis=1)[:, None] + (right.places**2).sum(axis=1)
    apart -= 2 * (there @ right.places.T)
    rows, others = np.divmod(np.flatnonzero(apart <= tolerance**2), len(right))
    rows, others, bits = _with_few_bits(left, right, (rows, others), MOST_BITS_ON)
    turns, octaves = _moved(left, right, (rows, others))
    (a, _, _), (b, _, _) = affine
    turn = int(np.arctan2(b, a) / (2 * np.pi) * TURN_BINS) % TURN_BINS
    octave = np.log(area_of(affine)) / (2 * np.log(1.2)) + OCTAVE_BINS // 2
    agree = (_apart(turns, turn) <= TURN_REACH + 1) & (np.abs(octaves - octave) <= OCTAVE_REACH + 1)
    return _nearest(rows[agree], others[agree], bits[agree])


def _refined(left: Described, right: Described, affine: Affine) -> tuple[Affine, Matched]:
    """A map, or the one that fits best what lies on each other by it, if by that more does."""
    on = _on_each_other(left, right, affine)
    if len(on[0]) < LEAST_INLIERS:
        return affine, on
    there = np.ones((len(on[0]), 3))
    there[:, :2] = left.places[on[0]]
    found, *_ = np.linalg.lstsq(there, right.places[on[1]].astype(np.float64))
    better = np.ascontiguousarray(found.T)
    if not _is_plausible(better):
        return affine, on
    more = _on_each_other(left, right, better)
    return (better, more) if len(more[0]) > len(on[0]) else (affine, on)


def _mirrored(places: Places, width: int) -> Places:
    return np.stack([width - 1 - places[:, 0], places[:, 1]], axis=1)


def _covered(places: Places, points: Points) -> Box:
    size = np.array([points.width, points.height])
    left, upper = (places.min(axis=0) / size).tolist()
    right, lower = (places.max(axis=0) / size).tolist()
    return left, upper, right, lower
