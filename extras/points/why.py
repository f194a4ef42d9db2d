"""Why points prove that two pictures show the same, or don't."""

from extras.points.agreement import agreement, are_others_in_place, seen_in
from extras.points.making import points_in
from extras.points.proof import prove
from grouping import POINTS
from pictures.looks import Look, content
from pictures.why import Comparison

FOUND = "points of one lie on those of the other"
IN_PLACE = "as they lie they are alike, but most of their parts differ a little"
NO_MAP = "too few points of one look like those of the other"


def compared(one: Look, other: Look) -> Comparison:
    """Two pictures by their points, given as find compares them, with the numbers that decided."""
    left, right = (seen_in(look, points_in(content(look.points or b""))) for look in (one, other))
    proof = prove(left.points, right.points)
    if proof is None:
        return Comparison(POINTS, False, False, NO_MAP)
    agree = agreement(left, right, proof) if proof.holds else None
    reason = agree.reason if agree else proof.reason
    if not reason and are_others_in_place(left, right, proven=True):
        reason = IN_PLACE
    return Comparison(
        POINTS,
        not reason,
        proof.holds,
        reason or FOUND,
        agreement=agree.blocks if agree else None,
        points=proof.inliers,
        share=max(proof.shares),
        mirrored=proof.mirrored,
    )
