"""What only a person knows of two versions of a picture, so that no rule chooses between them."""

from collections.abc import Sequence
from itertools import permutations

from extras.review import origin, pixels
from extras.review.facts import Facts
from pictures import dates, held

SHARPER = 1.1  # times as sharp, to count
SECONDS_OF_YEARS = 2 * 365 * 86400
# What tells of a shot, whatever else is said; and what of it no program adds to a picture.
OF_A_SHOT = {held.EXPOSURE, held.LENS, held.MAKERS_NOTE, held.GPS, held.DATE, held.CAMERA}
BY_CAMERAS = {held.EXPOSURE, held.MAKERS_NOTE, held.CAMERA}


def before(rule: str, left: Sequence[Facts]) -> str:
    """Why a rule must not choose among what is left; empty if it may."""
    for name, is_doubtful, why in DOUBTS:
        if name == rule and any(is_doubtful(one, other) for one, other in permutations(left, 2)):
            return f"{why}: choose yourself"
    return ""


def is_enlarged(one: Facts, less: Facts, least: float = origin.STANDS_OUT) -> bool:
    """Whether a picture shows that it was made of one in the other's size."""
    sizes = (one.width, one.height), (less.width, less.height)
    return sum(sizes[0]) > sum(sizes[1]) and origin.is_enlarged(
        one.deep.traces.periods, *sizes, least
    )


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
    better = one.quality > other.quality + origin.SAME_QUALITY
    known = other.standard or not one.standard or one.generation > other.generation
    return better and not known and one.earlier is None


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


# ---- HEIC, of which neither bytes nor a quality tell how much it lost


def is_a_cameras_heic(doomed: Facts, keeper: Facts) -> bool:
    """Whether a camera may have written a HEIC, which isn't surely a re-save of the better one."""
    if doomed.format != "HEIC" or not _said_of_the_shot(doomed):
        return False
    return keeper.format != "HEIC" or not is_saved_anew(doomed, keeper)


def is_saved_anew(one: Facts, other: Facts) -> bool:
    """Whether one of two, a HEIC among them, surely was made of the other: it only lost something.

    That is pixels, bits a channel, what cameras alone say, or that no editor names itself.
    """
    said, by_other = _said_of_the_shot(one), _said_of_the_shot(other)
    another_shot = one.taken.partition(".")[0] not in ("", other.taken.partition(".")[0])
    is_lossy = _is_heic_among(one, other) and _has_lost_some(one)
    if not is_lossy or another_shot or not said <= by_other:
        return False
    if one.generation > other.generation or may_be_enlarged(other, one):
        return False
    has = one.pixels, bits_of(one), not one.edited, not BY_CAMERAS & (by_other - said)
    most = other.pixels, bits_of(other), not other.edited, True
    return has != most and all(mine <= its for mine, its in zip(has, most, strict=True))


def may_have_lost_less(one: Facts, other: Facts) -> bool:
    """Whether one of two is a HEIC, and nobody but a person knows which of them lost less."""
    if one.format != "HEIC" or one == other or other.few_colours:
        return False
    shares = not set(one.places).isdisjoint(other.places)
    return not shares and _has_lost_some(other) and not pixels.are_same(one, other)


def bits_of(facts: Facts) -> int:
    """How many bits a channel a picture has; what says nothing of them has eight."""
    told = (line.partition(": ") for line in facts.holds)
    return max((int(bits) for kind, _, bits in told if kind == held.BITS), default=8)


def _said_of_the_shot(facts: Facts) -> set[str]:
    """What a file says of how, when, where and by which camera it was taken."""
    by_value = {held.GPS: facts.gps, held.CAMERA: facts.camera, held.DATE: facts.taken}
    said = {kind for kind, value in by_value.items() if value} | {*map(held.kind_of, facts.holds)}
    return (said | ({held.DATE} if facts.clock else set())) & OF_A_SHOT


def _has_lost_some(facts: Facts) -> bool:
    return not facts.lossless or facts.earlier is not None


def _is_heic_among(one: Facts, other: Facts) -> bool:
    return "HEIC" in (one.format, other.format)


# ---- All of them


def is_raw_of(one: Facts, other: Facts) -> bool:
    """Whether one of two is a RAW and the other is made of such."""
    return (one.format == "RAW") != (other.format == "RAW")


DOUBTS = (
    ("pixels", may_be_enlarged, "one may be an enlargement of another"),
    ("compression", may_have_lost_less, "how much a HEIC lost can't be compared"),
    ("compression", may_be_saved_anew, "one may have been saved anew at a higher quality"),
    ("earliest", is_of_another_year, "one has the date of a clock that was never set"),
    ("sharper", is_otherwise_sharp, "one is sharper at the same size and quality, or damaged"),
)
