"""Whether two pictures agree where a proof lays them on each other.

Points alone are proof of what two pictures have in common, and that may be little: the background,
a logo, the empty form. So what lies between the points is compared, too.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from extras.points.features import Places, Points
from extras.points.proof import Proof
from extras.points.rule import ALONE
from pictures.aligned import differ_in_parts
from pictures.colour import colours_are_others, drawn_in_other_colours
from pictures.looks import GRAY_SIDE, PAGE_SIDE, Look, content, page
from pictures.registration import flat_correlation, flattened, self_likeness
from pictures.verify import CLOSE_CORRELATION

Floats = NDArray[np.float64]

# Chosen on the half of the benchmark's photos that is for choosing; see its README.
PAGE_BLOCKS = 0.9  # of two documents
COARSE_BLOCKS = 0.6  # of them at fewer pixels; where so many differ, the others do, too
PAGE_POINTS = 0.5
REPEATING = 0.6  # correlation of a picture with itself, moved, as that of a board
REPEATING_BLOCKS = 0.95  # of two pictures that repeat themselves
BLOCKS = 8  # a side, into which a picture is cut; twice as many of a document
ALIKE = 0.4  # the correlation of blocks that agree
LEAST_DEVIATION = 3.0  # gray levels, of blocks that show anything
NEAR = 0.09  # of the side of what both show: points so near to a partner are taken to agree
SMALLER = 1.3  # times smaller, from which on a picture is blurred before it is laid on the other

BETWEEN = "between the points that lie on each other they differ"
OTHER_PARTS = "as they lie they are alike, but most of their parts differ a little"
OTHER_COLOURS = "as they lie they are alike, but in other colours"


@dataclass(frozen=True, slots=True)
class Seen:
    """What is compared of a picture: its points, and itself as gray levels, side by side.

    `fine` is the same at more pixels if it is a document, which at few look alike. `colour` is
    that of its look.
    """

    points: Points
    gray: NDArray[np.uint8]
    fine: NDArray[np.uint8] | None
    colour: bytes


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well two pictures agree where they overlap.

    `blocks` is the share of the blocks that look alike, `near` that of the points with a partner
    nearby, of the picture with the lower one, beside that which chance would give to as many
    partners, 0 of two documents. `reason` says why it is too little; empty if it isn't.
    """

    blocks: float
    near: float
    reason: str


def seen_in(look: Look, points: Points) -> Seen:
    """What is compared of a picture by its look and the points in it."""
    view = look.views[0]
    gray = np.frombuffer(content(view.gray), np.uint8).reshape(GRAY_SIDE, GRAY_SIDE)
    if view.fine is None:
        return Seen(points, gray, None, look.colour)
    fine = np.frombuffer(page(view.fine), np.uint8).reshape(PAGE_SIDE, PAGE_SIDE)
    return Seen(points, gray, fine, look.colour)


def agreement(one: Seen, other: Seen, proof: Proof) -> Agreement:
    """How well two pictures agree where a proof lays one on the other.

    Two documents are looked at closer, and more of their points have to have a partner: on a form
    most is the same whatever is written into it.
    """
    affine = _of_the_picture(proof.affine, one.points, mirrored=proof.mirrored)
    blocks, near = _blocks(one, other, affine), 0.0
    if are_documents(one, other):
        enough = blocks >= PAGE_BLOCKS and min(proof.shares) >= PAGE_POINTS
    else:
        near = _near_partners(one.points, other.points, affine, proof)
        enough = blocks + near / 2 >= ALONE.agreement
        enough = enough and not is_one_design(one, other, blocks)
    return Agreement(blocks, near, "" if enough else BETWEEN)


def is_one_design(one: Seen, other: Seen, blocks: float) -> bool:
    """Whether two pictures repeat themselves, as boards do, and agree in too few blocks for that.

    Most blocks of such pictures agree whatever stands on the board.
    """
    if blocks >= REPEATING_BLOCKS:
        return False
    own = self_likeness(flattened(np.stack((one.gray, other.gray))))
    return bool(own.min() >= REPEATING)


def reason_in_place(one: Seen, other: Seen, *, proven: bool) -> str:
    """Why two pictures that are alike as they lie show others; empty if nothing says so.

    X-rays of two patients differ in most parts, clothes of one cut in their colours; points find
    the letters of the one, and the sheet below the other. Where points prove something alone,
    colours of drawings alone count.
    """
    p, q = flattened(one.gray[None]), flattened(other.gray[None])
    likeness = flat_correlation(p, q)
    if likeness[0] < CLOSE_CORRELATION:
        return ""
    if are_documents(one, other):
        return OTHER_COLOURS if drawn_in_other_colours(one.colour, other.colour, "upright") else ""
    differ, _ = differ_in_parts(p, q, likeness)
    if differ[0]:
        return OTHER_PARTS
    others = not proven and colours_are_others(one.colour, other.colour, "upright")
    return OTHER_COLOURS if others else ""


def are_documents(one: Seen, other: Seen) -> bool:
    """Whether both pictures are written or drawn, so that more is asked of them."""
    return one.fine is not None and other.fine is not None


def may_show_one_document(one: Seen, other: Seen, affine: Floats, *, mirrored: bool) -> bool:
    """Whether two documents agree where a map lays one on the other, of which no proof is known.

    That is asked first, as it takes less than the proof, and most letters of one head differ: at
    few pixels, which most pairs fail, and then at more.
    """
    affine = _of_the_picture(affine, one.points, mirrored=mirrored)
    coarse = _blocks_alike(one.gray, other.gray, _between(one, other, affine), BLOCKS)
    return coarse >= COARSE_BLOCKS and _blocks(one, other, affine) >= PAGE_BLOCKS


def _of_the_picture(affine: Floats, one: Points, *, mirrored: bool) -> Floats:
    """The map from one picture as it is to the other, as 3 x 3 numbers; a proof may mirror it."""
    whole = np.vstack((affine, (0.0, 0.0, 1.0)))
    if not mirrored:
        return whole
    mirror = np.array(((-1.0, 0.0, one.width - 1.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))
    return np.asarray(whole @ mirror)


def _between(one: Seen, other: Seen, affine: Floats) -> Floats:
    """The same map between the pictures as squares of a side of 1."""
    from_square = np.diag((float(one.points.width), float(one.points.height), 1.0))
    to_square = np.diag((1 / other.points.width, 1 / other.points.height, 1.0))
    return to_square @ affine @ from_square


# ---- Blocks


def _blocks(one: Seen, other: Seen, affine: Floats) -> float:
    """The share of the blocks that look alike; documents are cut into more of them."""
    between = _between(one, other, affine)
    if one.fine is not None and other.fine is not None:
        return _blocks_alike(one.fine, other.fine, between, 2 * BLOCKS)
    return _blocks_alike(one.gray, other.gray, between, BLOCKS)


def _blocks_alike(
    one: NDArray[np.uint8], other: NDArray[np.uint8], between: Floats, blocks: int
) -> float:
    """The share of the blocks with anything to see that look alike, where both pictures are."""
    back = np.asarray(np.linalg.inv(between), np.float64)
    if _share_inside(between) < _share_inside(back):  # of what is seen whole, most is seen
        one, other, between = other, one, back
    base, laid = _laid_upon(one, other, between)
    rows, others = _cut(base, blocks), _cut(laid, blocks)
    whole = ~np.isnan(others.mean(axis=1))
    rows, others = (x - x.mean(axis=1, keepdims=True) for x in (rows[whole], others[whole]))
    size = rows.shape[1]
    p, q, both = (
        np.einsum("ij,ij->i", *pair) / size
        for pair in ((rows, rows), (others, others), (rows, others))
    )
    likeness = both / np.maximum(np.sqrt(p * q), 1e-3)
    shown = np.maximum(p, q) >= LEAST_DEVIATION**2
    return float((likeness[shown] >= ALIKE).mean()) if shown.any() else 0.0


def _share_inside(between: Floats) -> float:
    """The share of one square that lies in another one, by some places of it."""
    there = (between @ _some_places())[:2]
    return float(((there >= 0) & (there <= 1)).all(axis=0).mean())


@lru_cache(maxsize=1)
def _some_places() -> Floats:
    """Places spread over a square, as columns x, y, 1."""
    steps = (np.arange(16) + 0.5) / 16
    return np.stack([axis.ravel() for axis in (*np.meshgrid(steps, steps), np.ones((16, 16)))])


def _laid_upon(
    one: NDArray[np.uint8], other: NDArray[np.uint8], between: Floats
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """One picture, and the other laid upon it; not a number where there is none of it."""
    side = len(one)
    scale = float(np.sqrt(abs(np.linalg.det(between[:2, :2]))))
    base, source = one.astype(np.float32), other.astype(np.float32)
    if scale > SMALLER:
        source = np.asarray(cv2.GaussianBlur(source, (0, 0), 0.45 * scale), np.float32)
    elif scale < 1 / SMALLER:
        base = np.asarray(cv2.GaussianBlur(base, (0, 0), 0.45 / scale), np.float32)
    pixels = np.array(((side, 0.0, -0.5), (0.0, side, -0.5), (0.0, 0.0, 1.0)))
    affine = (pixels @ between @ np.linalg.inv(pixels))[:2]
    flags, nothing = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, float("nan")
    laid = cv2.warpAffine(
        source, affine, (side, side), flags=flags, borderValue=(nothing, nothing, nothing, nothing)
    )
    return base, np.asarray(laid, np.float32)


def _cut(picture: NDArray[np.float32], blocks: int) -> NDArray[np.float32]:
    """The blocks of a picture, a row for each."""
    side = len(picture) // blocks
    cut = picture.reshape(blocks, side, blocks, side).swapaxes(1, 2)
    return cut.reshape(blocks * blocks, side * side)


# ---- Points


def _near_partners(one: Points, other: Points, affine: Floats, proof: Proof) -> float:
    """The share of points near to one with a partner, beside what chance would give."""
    scale = abs(float(np.linalg.det(affine[:2, :2])))
    both = min(other.width * other.height, scale * one.width * one.height)
    reach = NEAR * both**0.5
    there = one.plain.places @ affine[:2, :2].T + affine[:2, 2]
    back = np.linalg.inv(affine)
    here = other.plain.places @ back[:2, :2].T + back[:2, 2]
    return min(
        _near(there[_inside(there, other)], proof.others, reach),
        _near(other.plain.places[_inside(here, one)], proof.others, reach),
    )


def _inside(places: Floats | Places, points: Points) -> NDArray[np.bool_]:
    inside = (places >= 0) & (places < (points.width, points.height))
    return np.asarray(inside.all(axis=1), np.bool_)


def _near(places: Floats | Places, partners: Places, reach: float) -> float:
    """How many of some places lie near to a partner, of those that would by chance."""
    if not len(places):
        return 0.0
    near = (_squared(places, partners) <= reach**2).any(axis=1).mean()
    around = (_squared(places, places) <= reach**2).sum(axis=1)
    chance = 1 - (1 - min(1.0, len(partners) / len(places))) ** around
    return float(near / max(float(chance.mean()), 1e-6))


def _squared(places: Floats | Places, others: Floats | Places) -> NDArray[np.float32]:
    """The squares of the distances between places."""
    ones, rest = (np.ascontiguousarray(some.T, np.float32) for some in (places, others))
    across, down = (ones[axis][:, None] - rest[axis] for axis in (0, 1))
    squares: NDArray[np.float32] = across * across + down * down
    return squares
