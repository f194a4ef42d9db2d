"""Which picture of a group the rules would keep, which they would give up, and why.

Plain values in and out. Only versions of the same picture are judged against each other: what may
be a shot of a burst, framed pictures, crops, what was edited, and a picture without colour beside
one with it are never given up by a rule, unless the files are identical. Nor is what is protected,
what was kept side by side before, or what holds a video, a caption or a RAW beside it, or the like,
that the better one hasn't got. Nor is a RAW for what was made of it, nor a camera's HEIC but for a
better one of which it surely was made.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, permutations, product, starmap

from disk.record import Link
from disk.system import lies_in
from extras.review import bursts, doubts, folders, knowledge, origin, pixels, shots
from extras.review.judged import (
    Picture,
    are_one_file,
    are_one_shot,
    how_they_differ,
    in_time,
    may_be_burst,
    same_pictures,
    sets_of,
    was_changed_in_place,
)
from extras.review.shots import Shot
from pictures import held

LESS_COMPRESSED = 1.1  # times the bytes for the same pixels, to count


@dataclass(frozen=True, slots=True)
class Rule:
    """Chooses the best of some pictures; `keeps` and `gives_up` say why in a few words.

    A rule that is `of_content` sees no difference between files of the same content.
    """

    name: str
    label: str
    keeps: str
    gives_up: str
    best: Callable[[Sequence[Picture], Sequence[str]], list[Picture]]
    of_content: bool = False


@dataclass(frozen=True, slots=True)
class Removal:
    """A copy that the rules give up for a better one, and what only it knows."""

    number: int
    keeper: int
    reason: str
    loses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the rules make of a group; `keeper` is None where they don't choose.

    `reason` says why the keeper is kept, or why there is none; `rest` why the rules leave more
    than one, if they do.
    """

    group: int
    keeper: int | None
    reason: str
    removals: tuple[Removal, ...] = ()
    burst: bool = False
    taken: str = ""  # the earliest date of the group
    rest: str = ""
    in_time: tuple[int, ...] = ()  # the numbers of a burst's pictures, by when they were taken
    ranked: tuple[Shot, ...] = ()  # the shots of a burst of which one can be the sharpest
    shots: tuple[Shot, ...] = ()  # of which RAW and JPEG are both doubled in another one


CHANGED_IN_PLACE = "one was changed in place, or damaged: choose yourself"
PROTECTED = "one is protected, so it stays"
KEPT = "you have kept some of it side by side, so they stay"
DAMAGED = "one is damaged and can't be compared with the rest: look yourself"

# ---- The rules, in the order in which they decide unless a person has moved them


def _most(value: Callable[[Picture], float], pictures: Sequence[Picture]) -> list[Picture]:
    most = max(map(value, pictures))
    return [picture for picture in pictures if value(picture) == most]


def _intact(pictures: Sequence[Picture], _: Sequence[str]) -> list[Picture]:
    return _most(lambda p: not p.facts.damage, pictures)


def _cameras_own(pictures: Sequence[Picture], _: Sequence[str]) -> list[Picture]:
    """Not what was made of a camera's own file and may seem better: saved anew, or enlarged."""

    def is_later(picture: Picture) -> bool:
        return any(_is_made_of_cameras(picture, own) for own in pictures)

    return [picture for picture in pictures if not is_later(picture)]


def _is_made_of_cameras(picture: Picture, own: Picture) -> bool:
    one, by_camera = picture.facts, own.facts
    if one.pixels == by_camera.pixels and doubts.is_saved_anew(one, by_camera):
        return True
    known = by_camera.generation >= origin.AS_WRITTEN and by_camera.generation > one.generation
    return known and (_seems_as_good(picture, own) or doubts.is_enlarged(one, by_camera))


def _seems_as_good(picture: Picture, own: Picture) -> bool:
    """Whether a picture in the size of a camera's own has its quality, or more, or another kind."""
    one, by_camera = picture.facts, own.facts
    if one.pixels != by_camera.pixels or one.few_colours:
        return False
    return (one.quality or origin.MOST_QUALITY) >= (by_camera.quality or 0) - origin.SAME_QUALITY


def _pixels(pictures: Sequence[Picture], _: Sequence[str]) -> list[Picture]:
    return _most(lambda p: p.facts.pixels, pictures)


def _compression(pictures: Sequence[Picture], _: Sequence[str]) -> list[Picture]:
    """Many colours before few, lossless before lossy; then JPEG's quality, or else the bytes."""
    left = _most(lambda p: not p.facts.few_colours, pictures)
    left = _most(_never_lost_any, left)
    return left if _never_lost_any(left[0]) else _least_lossy(left)


def _never_lost_any(picture: Picture) -> bool:
    """Whether a picture is saved without loss, and was no JPEG before as far as is known."""
    return picture.facts.lossless and picture.facts.earlier is None


def _least_lossy(pictures: Sequence[Picture]) -> list[Picture]:
    """Those of the best quality, if that is known of all, or else those of the most bytes."""
    if None not in [p.facts.quality for p in pictures]:
        return _of_best_quality(pictures)
    lowest = [quality for p in pictures if (quality := p.facts.lowest_quality) is not None]
    if len(lowest) == len(pictures):
        least = max(lowest) - origin.SAME_QUALITY
        return [p for p, quality in zip(pictures, lowest, strict=True) if quality >= least]
    return _least_compressed(pictures)


def _least_compressed(pictures: Sequence[Picture]) -> list[Picture]:
    largest = max(p.facts.size for p in pictures)
    return [p for p in pictures if p.facts.size * LESS_COMPRESSED >= largest]


def _of_best_quality(pictures: Sequence[Picture]) -> list[Picture]:
    """The JPEGs whose lowest quality is the best; it is never better than the one that they have.

    So those that can't be among the best need not be looked at closely.
    """
    in_order = sorted(pictures, key=lambda p: -(p.facts.quality or 0))
    lowest: dict[int, int] = {}
    best = 0
    for picture in in_order:
        quality = picture.facts.quality or 0
        if quality >= best - origin.SAME_QUALITY:
            lowest[picture.number] = picture.facts.lowest_quality or 0
            best = max(best, lowest[picture.number])
    least = best - origin.SAME_QUALITY
    return [p for p in pictures if lowest.get(p.number, -1) >= least]


def _is_saved_anew(picture: Picture, other: Picture) -> bool:
    """Whether a picture was made of the other, a JPEG: it has its pixels, or its steps."""
    one, less = picture.facts, other.facts
    if one.lossless and not less.lossless and pixels.are_same(one, less):
        return True
    if less.quality is None or one.pixels != less.pixels:
        return False
    if one.quality is not None and one.quality <= less.quality:  # an earlier one is lower
        return False
    earlier = one.earlier
    near = earlier is not None and abs(earlier - less.quality) <= origin.SAME_QUALITY
    return near and less.earlier is None


def _knowledge(pictures: Sequence[Picture], _: Sequence[str]) -> list[Picture]:
    return _most(lambda p: p.facts.gps + bool(p.facts.taken) + bool(p.facts.camera), pictures)


def _earliest(pictures: Sequence[Picture], _: Sequence[str]) -> list[Picture]:
    """The earliest of the dated ones; what has no date is not later than they are."""
    earliest = _earliest_date(pictures)
    return [p for p in pictures if p.facts.taken in ("", earliest)]


def _earliest_date(pictures: Sequence[Picture]) -> str:
    """The first date on which one of some pictures was taken; empty if none says one."""
    return min((p.facts.taken for p in pictures if p.facts.taken), default="")


def _original_format(pictures: Sequence[Picture], _: Sequence[str]) -> list[Picture]:
    """Not what was saved anew of a JPEG, at a higher quality or without loss.

    Nor what is lossless and lost the camera's name.
    """
    left = [p for p in pictures if not any(_is_saved_anew(p, other) for other in pictures)]
    if not any(map(_is_as_a_camera_writes, left)):
        return left
    return [p for p in left if p.facts.camera or not p.facts.lossless]


def _is_as_a_camera_writes(picture: Picture) -> bool:
    facts = picture.facts
    return bool(facts.camera) and (facts.quality or 0) >= origin.CAMERA_QUALITY


def _sharpest(pictures: Sequence[Picture], _: Sequence[str]) -> list[Picture]:
    most = max(p.facts.sharpness for p in pictures)
    return [p for p in pictures if p.facts.sharpness * doubts.SHARPER >= most]


def _holds_most(pictures: Sequence[Picture], _: Sequence[str]) -> list[Picture]:
    """Those beside which nothing is lost: first of what no rule gives up, then of the rest."""
    left = list(pictures)
    for lost in (_protected, _lost):
        left = [p for p in left if not any(lost(other, p) for other in left)] or left
    return left


def _with_its_pair(pictures: Sequence[Picture], _: Sequence[str]) -> list[Picture]:
    """Those of whole shots: a RAW with its JPEG before a lone one."""
    return _most(lambda p: p.is_of_shot, pictures)


def _staying(pictures: Sequence[Picture], _: Sequence[str]) -> list[Picture]:
    return _most(lambda p: p.stays, pictures)


def _kept_before(pictures: Sequence[Picture], _: Sequence[str]) -> list[Picture]:
    return _most(lambda p: p.was_kept, pictures)


def _preferred(pictures: Sequence[Picture], prefer: Sequence[str]) -> list[Picture]:
    def rank(picture: Picture) -> int:
        inside = (n for n, folder in enumerate(prefer) if lies_in(picture.path, folder))
        return -next(inside, len(prefer))

    return _most(rank, pictures)


def _own_folder(pictures: Sequence[Picture], _: Sequence[str]) -> list[Picture]:
    """What lies where a person put it, before what a camera, a phone or a program put somewhere."""
    ranks = folders.ranks([picture.path for picture in pictures])
    return [p for p, rank in zip(pictures, ranks, strict=True) if rank == max(ranks)]


def _not_a_copy(pictures: Sequence[Picture], _: Sequence[str]) -> list[Picture]:
    copies = folders.are_copies([picture.path for picture in pictures])
    if all(copies):
        return list(pictures)
    return [p for p, is_copy in zip(pictures, copies, strict=True) if not is_copy]


RULES = (
    Rule("intact", "intact before damaged", "intact", "damaged", _intact),
    Rule("camera", "camera's own file", "the camera's own", "a later version", _cameras_own, True),
    Rule("pixels", "most pixels", "most pixels", "fewer pixels", _pixels, True),
    Rule("format", "original format", "original format", "saved anew", _original_format, True),
    Rule(
        "compression",
        "less compressed",
        "least compressed",
        "more compressed",
        _compression,
        of_content=True,
    ),
    Rule("knowledge", "has EXIF or GPS", "most EXIF data", "less EXIF", _knowledge),
    Rule("earliest", "earliest date taken", "oldest", "a later date taken", _earliest),
    Rule("sharper", "sharper", "sharpest", "less sharp", _sharpest, True),
    Rule("protected", "protected", "protected", "not protected", _staying),
    Rule(
        "kept",
        "kept side by side",
        "kept side by side before",
        "not among those kept",
        _kept_before,
    ),
    Rule("shot", "RAW and JPEG of a shot", "with its pair", "without its pair", _with_its_pair),
    Rule("folder", "preferred folder", "in a preferred folder", "not in that folder", _preferred),
    Rule(
        "album",
        "a person's folder",
        "in a person's folder",
        "in a less telling folder",
        _own_folder,
    ),
    Rule("holds", "holds more besides", "holds most", "holds less", _holds_most),
    Rule("name", "not named a copy", "not named a copy", "named a copy", _not_a_copy),
)
BY_NAME = {rule.name: rule for rule in RULES}
ALL_RULES = tuple(BY_NAME)  # in their usual order


# ---- A group


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What the rules make of some versions of one picture; `keeper` is None where they can't.

    `reason` says why the keeper is kept, or why there is none; `holding` whether one holds what
    no rule gives up, `shielded` why one that is not the one to keep stays nevertheless, if so.
    """

    keeper: int | None
    reason: str
    holding: bool
    shielded: str = ""
    removals: tuple[Removal, ...] = ()

    @property
    def doubt(self) -> str:
        return self.reason if self.keeper is None else ""


def suggest(
    group: int,
    pictures: Sequence[Picture],
    links: Sequence[Link],
    prefer: Sequence[str] = (),
    rules: Sequence[str] = ALL_RULES,
) -> Suggestion:
    """What some rules, in their order, make of a group's pictures. Changes nothing on disk.

    Each set of versions of one picture is decided by itself; the keeper that is named is that of
    the first set with something to give up.
    """
    burst = may_be_burst(pictures, links)
    pairs = shots.Shots({picture.number: picture.path for picture in pictures})
    same = pairs.unmixed(same_pictures(pictures, identical_only=burst))
    pictures = [replace(p, is_of_shot=p.is_apart or p.number in pairs) for p in pictures]
    outcomes = [_outcome(one, same, prefer, rules) for one in sets_of(pictures, same)]
    wanted = _removals_of(outcomes)
    outcomes = _without_torn(outcomes, pairs, pictures)
    removals = _removals_of(outcomes)
    torn = len(removals) < len(wanted)
    why = shots.TORN if torn else _why_left(pictures, outcomes, burst=burst)
    nothing_goes = _Outcome(None, why, holding=False)
    first = next((outcome for outcome in outcomes if outcome.removals), nothing_goes)
    return Suggestion(
        group,
        first.keeper,
        first.reason,
        removals=removals,
        burst=burst,
        taken=_earliest_date(pictures),
        in_time=in_time(pictures) if burst else (),
        ranked=bursts.rankable(pictures, pairs) if burst else (),
        rest="" if len(pictures) - len(removals) < 2 else why,
        shots=pairs.doubled(same),
    )


def _removals_of(outcomes: Sequence[_Outcome]) -> tuple[Removal, ...]:
    """All that is given up, in the order of the pictures' numbers."""
    removals = (removal for outcome in outcomes for removal in outcome.removals)
    return tuple(sorted(removals, key=lambda removal: removal.number))


def _without_torn(
    outcomes: Sequence[_Outcome], pairs: shots.Shots, pictures: Sequence[Picture]
) -> list[_Outcome]:
    """The outcomes without the removals that would part a RAW from its JPEG.

    Those of pictures apart would, as the other file of their shot is not judged with them.
    """
    apart = {p.number for p in pictures if p.is_apart}
    wanted = {removal.number: removal.keeper for removal in _removals_of(outcomes)}
    going = pairs.untorn({n: keeper for n, keeper in wanted.items() if n not in apart})
    return [
        replace(one, removals=tuple(r for r in one.removals if r.number in going))
        for one in outcomes
    ]


def _why_left(pictures: Sequence[Picture], outcomes: Sequence[_Outcome], *, burst: bool) -> str:
    """Why more than one picture of a group is left to the person."""
    doubt = _first_of(outcome.doubt for outcome in outcomes)
    if shielded := _first_of(outcome.shielded for outcome in outcomes):
        return shielded
    if any(outcome.holding for outcome in outcomes):
        return "one holds something that the other doesn't"
    if not doubt and _has_damaged_left(pictures, outcomes):
        return DAMAGED
    if burst:
        return "a burst, or it may be one: choose the best shot yourself"
    return doubt or how_they_differ(pictures)


def _first_of(reasons: Iterable[str]) -> str:
    """The first reason that says something, if one does."""
    return next(filter(None, reasons), "")


def _has_damaged_left(pictures: Sequence[Picture], outcomes: Sequence[_Outcome]) -> bool:
    going = {removal.number for outcome in outcomes for removal in outcome.removals}
    return any(p.facts.damage and p.number not in going for p in pictures)


# ---- Some versions of one picture


def _outcome(
    one_picture: Sequence[Picture],
    same: Collection[frozenset[int]],
    prefer: Sequence[str],
    rules: Sequence[str],
) -> _Outcome:
    """The best of some versions, the rules that decided it, and the others; or why there is none.

    Only what is a version of the best itself is given up, not what is one through others, nothing
    with something behind it, in words or beside it that the best lacks, and nothing protected.
    """
    choice = _Choice(list(one_picture))
    if doubt := choice.decide(prefer, rules) or _doubt_about(choice.left, one_picture):
        holding = any(starmap(_protected, permutations(one_picture, 2)))
        return _Outcome(None, doubt, holding)
    (keeper,) = choice.left
    free = [p for p in one_picture if p.may_go]
    holding = any(_protected(p, keeper) for p in free)
    removals = tuple(
        Removal(p.number, keeper.number, choice.given_up[p.number], what_is_lost(p, keeper))
        for p in free
        if frozenset((p.number, keeper.number)) in same and not _protected(p, keeper)
    )
    shielded = _why_shielded(one_picture, keeper)
    return _Outcome(keeper.number, ", ".join(choice.kept_for), holding, shielded, removals)


def _why_shielded(pictures: Sequence[Picture], keeper: Picture) -> str:
    """Why some but the keeper stay whatever the rules say; empty if none does."""
    others = [picture for picture in pictures if picture is not keeper]
    if any(picture.stays for picture in others):
        return PROTECTED
    return KEPT if any(picture.was_kept for picture in others) else ""


@dataclass(slots=True)
class _Choice:
    """The versions that are left while rule by rule drops some, and why it did."""

    left: list[Picture]
    kept_for: list[str] = field(default_factory=list)
    given_up: dict[int, str] = field(default_factory=dict)  # by number: for which reason

    def decide(self, prefer: Sequence[str], rules: Sequence[str]) -> str:
        """Have the rules drop what they can; a doubt, if one of them must not go on."""
        for name in rules:
            if len(self.left) > 1 and (doubt := self._drop(BY_NAME[name], prefer)):
                return doubt
        return ""

    def _drop(self, rule: Rule, prefer: Sequence[str]) -> str:
        """Have a rule drop what it can; a doubt, if it must not."""
        if rule.of_content and are_one_file(self.left):
            return ""
        if doubt := doubts.before(rule.name, [picture.facts for picture in self.left]):
            return doubt
        best = rule.best(self.left, prefer)
        dropped = [picture for picture in self.left if picture not in best]
        if rule.name != "intact" and any(starmap(was_changed_in_place, product(dropped, best))):
            return CHANGED_IN_PLACE
        if dropped:
            self.kept_for.append(rule.keeps)
        self.given_up.update((picture.number, rule.gives_up) for picture in dropped)
        self.left = best
        return ""


def _doubt_about(left: Sequence[Picture], one_picture: Sequence[Picture]) -> str:
    """Why what the rules leave of some versions is no choice; empty if it is one."""
    if any(starmap(was_changed_in_place, combinations(left, 2))):
        return CHANGED_IN_PLACE
    if len(left) > 1:
        return "a tie: the rules see no difference"
    if left[0].facts.damage and any(p.digest != left[0].digest for p in one_picture):
        return "the one that the rules would keep is damaged: choose yourself"
    return ""


# ---- What is lost


def _lost(doomed: Picture, keeper: Picture) -> tuple[str, ...]:
    """The lines of what a file holds that its keeper doesn't."""
    return held.lost(doomed.holds, keeper.holds)


def _protected(doomed: Picture, keeper: Picture) -> tuple[str, ...]:
    """Those for which no rule gives a file up, or that it may be a camera's own HEIC."""
    if doubts.is_a_cameras_heic(doomed.facts, keeper.facts) and not (
        doomed.facts.format == keeper.facts.format and are_one_shot(doomed, keeper)
    ):
        return (f"the camera's {doomed.facts.format}",)
    lost = _lost(doomed, keeper)
    return tuple(
        line for line in lost if held.is_protected(line) or held.kind_of(line) == held.BITS
    )


def what_is_lost(doomed: Picture, keeper: Picture) -> tuple[str, ...]:
    """What a file knows or holds that its keeper doesn't."""
    known = knowledge.lost(doomed.facts, keeper.facts)
    by_value = {held.GPS, held.CAMERA}.difference(known)  # if the keeper has another one
    said = (
        held.shown(line, keeper.holds)
        for line in _lost(doomed, keeper)
        if (kind := held.kind_of(line)) not in held.FACTS or kind in by_value
    )
    return (*known, *said)
