"""What only a person knows of two versions of a picture, so that no rule chooses between them."""

from collections.abc import Sequence
from itertools import permutations

from extras.review import origin
from extras.review.facts import Facts
from pictures import dates

SHARPER = 1.1  # times as sharp, to count
SECONDS_OF_YEARS = 2 * 365 * 86400


def before(rule: str, left: Sequence[Facts]) -> str:
    """Why a rule must not choose among what is left; empty if it may."""
    if rule not in DOUBTS:
        return ""
    is_doubtful, why = DOUBTS[rule]
    found = any(is_doubtful(one, other) for one, other in permutations(left, 2))
    return f"{why}: choose yourself" if found else ""


def is_enlarged(one: Facts, less: Facts, least: float = origin.STANDS_OUT) -> bool:
    """Whether a picture shows that it was made of one in the other's size."""
    sizes = (one.width, one.height), (less.width, less.height)
    return origin.is_enlarged(one.periods, *sizes, least)


def may_be_enlarged(one: Facts, less: Facts) -> bool:
    """Whether nobody but a person knows if a larger picture was made of a smaller one.

    Whoever enlarges a picture may copy the camera's words, which then stand in both, or drop them,
    and then only the smaller one has them; unless these tell of another size, as of a reduced one.
    """
    known = one.generation == origin.SURELY_WRITTEN or one.generation > less.generation
    if one.pixels <= less.pixels or known:
        return False
    if less.generation >= origin.SAVED_ANEW and less.generation > one.generation:
        return True
    return less.generation >= origin.AS_WRITTEN or is_enlarged(one, less, origin.LOOKS_SO)


def may_be_saved_anew(one: Facts, other: Facts) -> bool:
    """Whether a better quality may be that of a second saving, after one with unknown steps."""
    if one.quality is None or other.quality is None or one.pixels != other.pixels:
        return False
    better = one.quality > other.quality + origin.SAME_QUALITY and one.earlier is None
    return better and one.standard and not other.standard and one.generation <= other.generation


def is_of_another_year(one: Facts, other: Facts) -> bool:
    """Whether a doubtful date is years before another's, so that the earlier one may be wrong."""
    if not (one.taken and other.taken and dates.is_doubtful(one.taken)):
        return False
    return dates.seconds_between(one.taken, other.taken) > SECONDS_OF_YEARS


def is_otherwise_sharp(one: Facts, other: Facts) -> bool:
    """Whether one is sharper where neither its size nor its quality explains it.

    An edit does, and the noise of what is damaged.
    """
    known = one.quality is not None and other.quality is not None
    alike = known or (one.lossless and other.lossless)
    return alike and one.pixels == other.pixels and one.sharpness > other.sharpness * SHARPER


def is_a_cameras_format(doomed: Facts, keeper: Facts) -> bool:
    """Whether a file is as a camera wrote it, and the better one may be an export of it."""
    if doomed.format == keeper.format:
        return False
    return doomed.format == "HEIC" and doomed.generation >= origin.AS_WRITTEN


def is_raw_of(one: Facts, other: Facts) -> bool:
    """Whether one of two is a RAW and the other is made of such."""
    return (one.format == "RAW") != (other.format == "RAW")


DOUBTS = {
    "pixels": (may_be_enlarged, "one may be an enlargement of another"),
    "compression": (may_be_saved_anew, "one may have been saved anew at a higher quality"),
    "earliest": (is_of_another_year, "one has the date of a clock that was never set"),
    "sharper": (is_otherwise_sharp, "one is sharper at the same size and quality, or damaged"),
}
