"""What one of two versions of a picture knows and the other doesn't, by their facts."""

from extras.review import origin, pixels
from extras.review.facts import Facts


def lost(doomed: Facts, keeper: Facts) -> tuple[str, ...]:
    """What a file knows that its keeper doesn't, by their facts, in words."""
    told = {
        f"{doomed.width} \N{MULTIPLICATION SIGN} {doomed.height} pixels": doomed.pixels
        > keeper.pixels,
        **_quality(doomed, keeper),
        "GPS": doomed.gps and not keeper.gps,
        **_date(doomed, keeper),
        "camera": bool(doomed.camera) and not keeper.camera,
        "rating": doomed.rating > 0 and not keeper.rating,
        f"a rating of {doomed.rating}": 0 < keeper.rating < doomed.rating,
    }
    return tuple(name for name, is_lost in told.items() if is_lost)


def _quality(doomed: Facts, keeper: Facts) -> dict[str, bool]:
    """The doomed file's quality, if it may hold more of the same pixels than its keeper."""
    if doomed.few_colours or doomed.pixels < keeper.pixels or _is_none_better(doomed, keeper):
        return {}
    kept = keeper.lowest_quality
    at_most = doomed.quality  # which costs no closer look
    if kept is None or (at_most is not None and at_most <= kept + origin.SAME_QUALITY):
        return {}
    one = doomed.lowest_quality
    if one is None:
        return {"saved without loss": doomed.lossless and not pixels.are_same(doomed, keeper)}
    return {f"quality {one}": one > kept + origin.SAME_QUALITY}


def _is_none_better(doomed: Facts, keeper: Facts) -> bool:
    """Whether it is known without a closer look that the doomed one holds no more."""
    return doomed == keeper or bool(doomed.coded and doomed.coded == keeper.coded)


def _date(doomed: Facts, keeper: Facts) -> dict[str, bool]:
    """The doomed file's date, if its keeper has none or another second."""
    if doomed.clock and not keeper.taken:
        return {f"a doubtful date: {doomed.clock}": doomed.clock != keeper.clock}
    differs = doomed.taken.partition(".")[0] != keeper.taken.partition(".")[0]
    told = "another date taken" if keeper.taken else "date taken"
    return {f"{told}: {doomed.taken}": bool(doomed.taken) and differs}
