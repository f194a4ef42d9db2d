"""Why points prove that two pictures show the same, or don't."""

from extras.points.making import points_in
from extras.points.proof import prove
from grouping import POINTS
from pictures.looks import Look, content
from pictures.why import Comparison

FOUND = "points of one lie on those of the other"
NO_MAP = "too few points of one look like those of the other"


def compared(one: Look, other: Look) -> Comparison:
    """Two pictures by their points, given as find compares them, with the numbers that decided."""
    proof = prove(*(points_in(content(look.points or b"")) for look in (one, other)))
    if proof is None:
        return Comparison(POINTS, False, False, NO_MAP)
    return Comparison(
        POINTS,
        proof.holds,
        proof.holds,
        FOUND if proof.holds else proof.reason,
        points=proof.inliers,
        share=max(proof.shares),
        mirrored=proof.mirrored,
    )
