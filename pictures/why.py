"""Why two pictures match or don't: each way to compare them, judged as find judges it, in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from disk.lines import to_line
from pictures import aligned, candidates, closer, crops, matching, sketch, verify
from pictures.by_name import named
from pictures.hamming import pack
from pictures.images import SEVERAL, HashedImage
from pictures.looks import PAGE_SIDE, Look
from pictures.presets import PRESETS, Rules
from pictures.recipe import Recipe
from pictures.sides import close_pairs_across
from pictures.table import Table, table_of
from pictures.verify import Reason, Verdict

BY_POINTS = "extras.points.why:compared"  # two pictures by their local features
BITS = Recipe().hash_size ** 2
# No limits, to see how far apart two pictures are in every way.
EVERYTHING = replace(
    PRESETS["crops"],
    whole=BITS,
    framed=BITS,
    both_framed=BITS,
    turned=BITS,
    page=BITS,
    sketched=BITS,
)
WORDS = {
    Reason.SKETCHES: (
        "their coarse shapes differ; "
        f"needed is a cosine of {sketch.LEAST_COSINE:.2f} of their sketches"
    ),
    Reason.CLOSE: "their hashes are close",
    Reason.NOT_COMPARED: "this preset doesn't compare it",
    Reason.FAR: "their hashes differ too much",
    Reason.FRAMES: "inside their frames they differ",
    Reason.PAGES: (
        f"pages must correlate by {verify.PAGE_CORRELATION:.2f} at {PAGE_SIDE} pixels "
        f"({verify.FAR_PAGE_CORRELATION:.2f} from {verify.SAME_DESIGN + 1} bits on), "
        f"and by {closer.PART_CORRELATION:.2f} in every part"
    ),
    Reason.COLOURS: "they are alike, but in other colours",
    Reason.DIFFERENT: (
        "seen closer they differ; "
        f"needed is a correlation of {verify.CLOSE_CORRELATION:.2f} at up to "
        f"{verify.CLOSE} bits, or {verify.LEAST_AGREEMENT:.0%} of the blocks, "
        "and more of what repeats itself"
    ),
    Reason.PARTS: (
        "laid on each other, most of their parts differ a little, as in pictures of one design; "
        f"needed is a median correlation of {aligned.LEAST_PARTS:.2f}"
    ),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One way to compare two pictures: what came of it, and what was asked for.

    The distance and its limit are in bits of the hash, the agreement is a share of the blocks.
    What doesn't count is None.
    """

    view: str
    matches: bool
    alike: bool  # whatever their hashes
    reason: str
    distance: int | None = None
    limit: int | None = None
    correlation: float | None = None
    agreement: float | None = None
    parts: float | None = None  # the median correlation of parts laid on each other
    cosine: float | None = None  # of the embeddings
    points: int | None = None  # that lie on each other
    share: float | None = None  # of the points, where the pictures overlap, that have a partner
    mirrored: bool = False  # one of them, so that they do


def in_order(images: Sequence[HashedImage]) -> list[HashedImage]:
    """The same pictures in the order in which find compares them, whatever they are called."""
    files = matching.distinct([image.digest for image in images], [image.look for image in images])
    return [images[position] for positions in files for position in positions]


def compare(one: HashedImage, other: HashedImage, rule: Rules | int) -> tuple[Comparison, ...]:
    """Compare two pictures in every way that a rule knows; the way that says most comes first."""
    if one.digest == other.digest:
        return (Comparison("identical files", True, True, "the files have the same content"),)
    if not one.look or not other.look:
        names = " and ".join(to_line(i.file.path) for i in (one, other) if not i.look)
        reason = f"only identical files match {names}, without detail or with several pages"
        return (Comparison("identical files", False, False, reason),)
    if isinstance(rule, int):
        return (_comparison(verify.judge_hashes(one.look.views[0], other.look.views[0], rule)),)
    looks = [image.look for image in in_order([one, other])]
    table = table_of(looks)
    best: dict[str, Comparison] = {}
    for comparison in _comparisons(table, looks, rule):
        known = best.setdefault(comparison.view, comparison)
        best[comparison.view] = max(known, comparison, key=weight)
    return tuple(sorted(best.values(), key=weight, reverse=True))


def _comparisons(table: Table, looks: Sequence[Look | None], rules: Rules) -> Iterator[Comparison]:
    for pairs in candidates.candidates(table, EVERYTHING):
        for number in range(len(pairs.left)):
            pair = pairs.where(slice(number, number + 1))
            yield from map(_comparison, verify.judge(table, pair, rules, fully=True))
    for match in crops.cut_off(table, [look.part if look else None for look in looks], rules):
        reason = "what is left of one that is cut off is part of the other"
        found = match.distance, rules.whole, match.correlation
        yield Comparison(match.view, True, True, reason, *found)
    shots = matching.shots_of([look] for look in looks)
    for match in matching.bursts(table, shots, rules):
        reason = "shots of one camera, seconds apart"
        yield Comparison("burst", True, True, reason, match.distance, None, match.correlation)
    if rules.crops is not None:
        yield _crop_comparison(table, looks, rules)
    if rules.points and all(look and look.points for look in looks):
        yield named(BY_POINTS)(*looks)


def _comparison(verdict: Verdict) -> Comparison:
    return Comparison(
        view=verdict.view,
        matches=verdict.matches,
        alike=verdict.alike,
        reason=_in_words(verdict),
        distance=verdict.distance,
        limit=verdict.limit,
        correlation=verdict.correlation,
        agreement=verdict.agreement,
        parts=verdict.parts,
    )


def _in_words(verdict: Verdict) -> str:
    alike = f"they look alike ({verdict.view})"
    if verdict.reason is Reason.ALIKE:
        return alike
    words = WORDS[verdict.reason]
    return f"{alike}, but {words}" if verdict.alike and not verdict.matches else words


def _crop_comparison(table: Table, looks: Sequence[Look | None], rules: Rules) -> Comparison:
    judged = crops.judge_crops(table, looks, rules, BITS)
    found = (verdict for _, _, verdict in judged if verdict.alike)
    nearest = min(found, key=lambda verdict: verdict.distance, default=None)
    if nearest is None:
        reason = "no part of one looks like the other"
        return Comparison("crop", False, False, reason, limit=rules.crops)
    but = "" if nearest.matches else ", but the hashes differ"
    reason = f"a part of one looks like the other{but}"
    return replace(_comparison(nearest), reason=reason, agreement=None, parts=None)


def weight(comparison: Comparison) -> tuple[bool, bool, bool, bool, float]:
    """What says most: what matches, then what nearly does, then the pictures as they are."""
    near = comparison.distance is not None and comparison.distance <= (comparison.limit or 0)
    whole = comparison.view == "whole"
    return comparison.matches, comparison.alike, near, whole, comparison.correlation or 0.0


def direct_matches(
    images: Sequence[HashedImage], rule: Rules | int, sides: Sequence[int] | None = None
) -> Iterator[tuple[int, int]]:
    """The pairs of pictures, by position, that are identical or match by a rule.

    Of pictures that show the very same not all pairs come, but each picture comes that has one.
    """
    looks = [image.look for image in images]
    files = matching.distinct([image.digest for image in images], looks)
    for same in files:
        yield from _partners(same, same, sides)
    if isinstance(rule, Rules):
        for match in matching.by_looks(looks, rule, sides=sides)(files):
            yield from _partners(files[match.left], files[match.right], sides)
    else:
        yield from _within(looks, rule, sides)


def _partners(
    one: Sequence[int], other: Sequence[int], sides: Sequence[int] | None
) -> Iterator[tuple[int, int]]:
    """Each of the files of a picture with one of another's; with sides one that lies apart."""
    if sides is None:
        if one is other:
            yield from ((one[0], position) for position in one[1:])
        else:
            yield one[0], other[0]
        return
    found = set()
    for left, right in ((one, other), (other, one)):
        last = {sides[position]: position for position in right}
        for position in left:
            apart = (
                place
                for side, place in last.items()
                if place != position and (side != sides[position] or side == SEVERAL)
            )
            if (partner := next(apart, None)) is not None:
                found.add((min(position, partner), max(position, partner)))
    yield from sorted(found)


def _within(
    looks: Sequence[Look | None], threshold: int, sides: Sequence[int] | None
) -> Iterator[tuple[int, int]]:
    """The pairs of pictures, by position, whose hashes differ in so many bits at most."""
    positions = [position for position, look in enumerate(looks) if look]
    hashes = pack(look.views[0].hash for look in looks if look)
    of_rows = None if sides is None else np.array([sides[p] for p in positions], np.intp)
    for i, j, _ in close_pairs_across(hashes, threshold, of_rows):
        yield from ((positions[a], positions[b]) for a, b in zip(i, j, strict=True))
