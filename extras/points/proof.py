"""The proof that two pictures show the same: points that lie on each other by one affine map."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from extras.points.features import Bits, Places, Points

Affine = NDArray[np.float64]
Box = tuple[float, float, float, float]  # left, upper, right, lower, in shares of the picture
Rows = NDArray[np.intp]

RATIO = 0.85  # of the distances to the nearest and the second nearest point
TOLERANCE = 5.0  # pixels that a point may lie beside where the map takes it
LEAST_INLIERS = 15
LEAST_SPREAD = 40.0  # pixels that they cover in both pictures, both ways
FEWEST = 6  # pairs of points that make it worth to look for a map


@dataclass(frozen=True, slots=True)
class Proof:
    """How the points of two pictures lie on each other by the best affine map.

    `pairs` are the rows of the points that do; `affine` maps places of the one to those of the
    other, 2 x 3, in pixels; with `mirrored` those of the one are mirrored first. `shares` are of
    the points of each that lie where the other is seen, those that have a partner, `covered` the
    boxes in which partners lie. `reason` says why it doesn't hold; empty if it does.
    """

    inliers: int
    shares: tuple[float, float]
    affine: Affine
    mirrored: bool
    ones: Places
    others: Places
    covered: tuple[Box, Box]
    reason: str

    @property
    def holds(self) -> bool:
        return not self.reason


def prove(one: Points, other: Points) -> Proof | None:
    """The better proof of the picture as it is and mirrored; None if not even a map was found.

    Points are matched by their bits, the map is found by random samples with a fixed seed
    (M. Fischler and R. Bolles, Random Sample Consensus, 1981).
    """
    plain = _mapped(one, other, _matched(one.bits, other.bits), mirrored=False)
    if plain is not None and plain.holds:
        return plain
    turned = _mapped(one, other, _matched(one.mirrored, other.bits), mirrored=True)
    found = [proof for proof in (plain, turned) if proof is not None]
    return max(found, key=lambda proof: (proof.holds, proof.inliers), default=None)


def _matched(left: Bits, right: Bits) -> tuple[Rows, Rows]:
    """The rows of the points of one picture that have a clearly nearest one in the other."""
    none = np.zeros(0, np.intp)
    if len(left) < FEWEST or len(right) < FEWEST:
        return none, none
    distances, nearest = cv2.batchDistance(left, right, cv2.CV_32S, normType=cv2.NORM_HAMMING, K=2)
    clear = np.flatnonzero(distances[:, 0] < RATIO * distances[:, 1])
    rows, others = clear, nearest[clear, 0].astype(np.intp)
    best = np.lexsort((rows, distances[clear, 0], others))  # of each other one its nearest
    kept = np.sort(best[np.unique(others[best], return_index=True)[1]])
    return rows[kept], others[kept]


def _mapped(
    one: Points, other: Points, matched: tuple[Rows, Rows], *, mirrored: bool
) -> Proof | None:
    if len(matched[0]) < FEWEST:
        return None
    places = _mirrored(one) if mirrored else one.places
    ones, others = places[matched[0]], other.places[matched[1]]
    cv2.setRNGSeed(0)
    found, inside = cv2.estimateAffine2D(
        ones, others, ransacReprojThreshold=TOLERANCE, maxIters=1000, confidence=0.99
    )
    if found is None:
        return None
    affine = np.asarray(found, np.float64)
    kept = np.flatnonzero(inside)
    ones, others = one.places[matched[0][kept]], others[kept]
    back = np.asarray(cv2.invertAffineTransform(affine), np.float64)
    shares = (
        len(kept) / max(_seen(places, affine, other), 1),
        len(kept) / max(_seen(other.places, back, one), 1),
    )
    return Proof(
        inliers=len(kept),
        shares=shares,
        affine=affine,
        mirrored=mirrored,
        ones=ones,
        others=others,
        covered=(_covered(ones, one), _covered(others, other)),
        reason=_reason(ones, others),
    )


def _mirrored(points: Points) -> Places:
    places = points.places.copy()
    places[:, 0] = points.width - 1 - places[:, 0]
    return places


def _seen(places: Places, affine: Affine, other: Points) -> int:
    """How many of some places lie inside the other picture."""
    there = places @ affine[:, :2].T + affine[:, 2]
    inside = (there >= 0) & (there < (other.width, other.height))
    return int(inside.all(axis=1).sum())


def _covered(places: Places, points: Points) -> Box:
    size = np.array([points.width, points.height])
    left, upper = (places.min(axis=0) / size).tolist()
    right, lower = (places.max(axis=0) / size).tolist()
    return left, upper, right, lower


def _reason(ones: Places, others: Places) -> str:
    """Why points that lie on each other are no proof; empty if they are."""
    if len(ones) < LEAST_INLIERS:
        return f"only {len(ones)} points lie on each other, {LEAST_INLIERS} are needed"
    spread = min(float(np.ptp(places, axis=0).min()) for places in (ones, others))
    if spread < LEAST_SPREAD:
        return f"all points lie within {spread:.0f} pixels, {LEAST_SPREAD:.0f} are needed"
    return ""
