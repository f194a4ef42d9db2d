"""Why points prove that two pictures show the same, or don't."""

from functools import partial

from extras.points.agreement import (
    BETWEEN,
    Agreement,
    Seen,
    agreement,
    are_documents,
    may_show_one_document,
    reason_in_place,
    seen_in,
)
from extras.points.making import points_in
from extras.points.proof import Proof, prove
from extras.points.rule import BORNE_OUT_BY_BLOCKS, reason_against
from grouping import POINTS
from pictures.looks import Look, content
from pictures.why import Comparison

FOUND = "points of one lie on those of the other"
NO_MAP = "too few points of one look like those of the other"


def compared(one: Look, other: Look) -> Comparison:
    """Two pictures by their points, given as find compares them, with the numbers that decided."""
    left, right = _seen(one), _seen(other)
    proof = prove(left.points, right.points)
    if proof is None:
        return Comparison(POINTS, False, False, NO_MAP)
    agree = agreement(left, right, proof) if proof.holds else None
    reason = _reason(left, right, proof, agree)
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


def not_borne_out(one: Look, other: Look) -> str:
    """Why points don't bear out that two pictures show the same, of which a network is sure."""
    left, right = _seen(one), _seen(other)
    proof = prove(left.points, right.points)
    if proof is None:
        return NO_MAP
    if are_documents(left, right):
        agree = agreement(left, right, proof) if proof.holds else None
        return _reason(left, right, proof, agree) or BETWEEN
    reason = reason_against(proof.lying, BORNE_OUT_BY_BLOCKS)
    return reason or reason_in_place(left, right, proven=False) or BETWEEN


def _seen(look: Look) -> Seen:
    return seen_in(look, points_in(content(look.points or b"")))


def _reason(left: Seen, right: Seen, proof: Proof, agree: Agreement | None) -> str:
    """Why two pictures are apart by their points, whatever else says; empty if they aren't."""
    reason = agree.reason if agree else proof.reason
    if not reason and are_documents(left, right):
        may_be = partial(may_show_one_document, left, right)
        reason = "" if prove(left.points, right.points, may_be=may_be) else BETWEEN
    return reason or reason_in_place(left, right, proven=True)
