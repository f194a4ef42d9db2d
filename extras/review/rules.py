"""Which picture of a group the rules would keep, which they would give up, and why.

Plain values in and out. Only versions of the same picture are judged against each other: shots of
a burst, framed pictures, crops, and a picture without colour beside one with it are never given
up by a rule, unless the files are identical.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import combinations

from extras.review.facts import Facts
from storage import Link, Manifest, SavedCopy

# Views in which all of one picture matched all of the other.
SAME_VIEWS = frozenset(
    (
        "whole",
        "mirrored",
        "flipped",
        "turned by 180",
        "transposed",
        "turned by 90",
        "turned by 270",
        "transversed",
    )
)
BURST_SECONDS = 3.0
SHARPER = 1.1  # times as sharp, to count
LESS_COMPRESSED = 1.1  # times the bytes for the same pixels, to count
SAME_QUALITY = 2


@dataclass(frozen=True, slots=True)
class Picture:
    """A copy of a group, by its number in the manifest, and what is known of it."""

    number: int
    path: str  # of the original
    digest: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class Rule:
    """Chooses the best of some pictures; `keeps` and `gives_up` say why in a few words."""

    name: str
    label: str
    keeps: str
    gives_up: str
    best: Callable[[Sequence[Picture], Sequence[str]], list[Picture]]


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

    `reason` says why the keeper is kept, or why there is none.
    """

    group: int
    keeper: int | None
    reason: str
    removals: tuple[Removal, ...] = ()
    burst: bool = False


# ---- The rules, in the order in which they decide


def _most(value: Callable[[Picture], float], pictures: Sequence[Picture]) -> list[Picture]:
    most = max(map(value, pictures))
    return [picture for picture in pictures if value(picture) == most]


def _intact(pictures: Sequence[Picture], _: Sequence[str]) -> list[Picture]:
    return _most(lambda p: not p.facts.damage, pictures)


def _pixels(pictures: Sequence[Picture], _: Sequence[str]) -> list[Picture]:
    return _most(lambda p: p.facts.pixels, pictures)


def _compression(pictures: Sequence[Picture], _: Sequence[str]) -> list[Picture]:
    """Many colours before few, lossless before lossy; then JPEG's quality, or else the bytes."""
    left = _most(lambda p: not p.facts.few_colours, pictures)
    left = _most(lambda p: p.facts.lossless, left)
    if left[0].facts.lossless:
        return left
    qualities = [p.facts.quality for p in left if p.facts.quality is not None]
    if len(qualities) == len(left):
        return [p for p in left if (p.facts.quality or 0) >= max(qualities) - SAME_QUALITY]
    largest = max(p.facts.size for p in left)
    return [p for p in left if p.facts.size * LESS_COMPRESSED >= largest]


def _knowledge(pictures: Sequence[Picture], _: Sequence[str]) -> list[Picture]:
    return _most(lambda p: p.facts.gps + bool(p.facts.taken) + bool(p.facts.camera), pictures)


def _earliest(pictures: Sequence[Picture], _: Sequence[str]) -> list[Picture]:
    dates = [p.facts.taken for p in pictures if p.facts.taken]
    return [p for p in pictures if p.facts.taken == min(dates)] if dates else list(pictures)


def _sharpest(pictures: Sequence[Picture], _: Sequence[str]) -> list[Picture]:
    most = max(p.facts.sharpness for p in pictures)
    return [p for p in pictures if p.facts.sharpness * SHARPER >= most]


def _preferred(pictures: Sequence[Picture], prefer: Sequence[str]) -> list[Picture]:
    def rank(picture: Picture) -> int:
        inside = (n for n, folder in enumerate(prefer) if _is_below(picture.path, folder))
        return -next(inside, len(prefer))

    return _most(rank, pictures)


def _shortest(pictures: Sequence[Picture], _: Sequence[str]) -> list[Picture]:
    return _most(lambda p: -len(p.path), pictures)


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep)


RULES = (
    Rule("intact", "intact before damaged", "intact", "damaged", _intact),
    Rule("pixels", "most pixels", "most pixels", "fewer pixels", _pixels),
    Rule("compression", "less compressed", "least compressed", "more compressed", _compression),
    Rule("knowledge", "has EXIF or GPS", "most EXIF data", "less EXIF", _knowledge),
    Rule("earliest", "earliest date taken", "oldest", "a later date taken", _earliest),
    Rule("sharper", "sharper", "sharpest", "less sharp", _sharpest),
    Rule("folder", "preferred folder", "in a preferred folder", "not in that folder", _preferred),
    Rule("path", "shorter path", "shortest path", "a longer path", _shortest),
)
ALL_RULES = frozenset(rule.name for rule in RULES)


# ---- A group


def suggest(
    group: int,
    pictures: Sequence[Picture],
    links: Sequence[Link],
    prefer: Sequence[str] = (),
    rules: Collection[str] = ALL_RULES,
) -> Suggestion:
    """What the rules make of a group's pictures. Changes nothing on disk.

    Each set of versions of one picture is decided by itself; the keeper that is named is that of
    the first set with something to give up.
    """
    burst = any(link.view == "burst" for link in links) or _has_burst(pictures)
    keepers: list[tuple[Picture, str]] = []
    removals: list[Removal] = []
    tied = False
    for versions in versions_of(pictures, links):
        if len(versions) == 1:
            continue
        decided = _decide(versions, prefer, rules)
        if decided is None:
            tied = True
            continue
        keeper, reason, given_up = decided
        keepers.append((keeper, reason))
        removals += given_up
    if not keepers:
        why = "a tie: the rules see no difference" if tied else "different pictures"
        why = "a burst: choose the best shot yourself" if burst else why
        why += ": framed, cut or toned" if why == "different pictures" else ""
        return Suggestion(group, None, why, burst=burst)
    keeper, reason = keepers[0]
    return Suggestion(group, keeper.number, reason, tuple(removals), burst)


def _decide(
    versions: Sequence[Picture], prefer: Sequence[str], rules: Collection[str]
) -> tuple[Picture, str, list[Removal]] | None:
    """The best of some versions, the rules that decided it, and the others; None for a tie."""
    left = list(versions)
    reasons: list[str] = []
    lost: dict[int, str] = {}
    for rule in RULES:
        if rule.name not in rules or len(left) == 1:
            continue
        best = rule.best(left, prefer)
        if len(best) < len(left):
            reasons.append(rule.keeps)
            lost.update((p.number, rule.gives_up) for p in left if p not in best)
        left = best
    if len(left) > 1:
        return None
    keeper = left[0]
    return (
        keeper,
        ", ".join(reasons),
        [
            Removal(p.number, keeper.number, lost[p.number], what_is_lost(p.facts, keeper.facts))
            for p in versions
            if p is not keeper
        ],
    )


def what_is_lost(doomed: Facts, keeper: Facts) -> tuple[str, ...]:
    """What a file knows that its keeper doesn't."""
    lost = {
        "GPS": doomed.gps and not keeper.gps,
        "date taken": bool(doomed.taken) and not keeper.taken,
        "camera": bool(doomed.camera) and not keeper.camera,
        "rating": bool(doomed.rating) and not keeper.rating,
    }
    return tuple(name for name, is_lost in lost.items() if is_lost)


def versions_of(pictures: Sequence[Picture], links: Sequence[Link]) -> list[list[Picture]]:
    """The sets of a group's pictures that are versions of one picture, in the group's order.

    Without links (an old result, or one by a threshold) all of a group are taken for versions.
    """
    by_path = {picture.path: picture for picture in pictures}
    parent = {picture.number: picture.number for picture in pictures}

    def root(number: int) -> int:
        while parent[number] != number:
            number = parent[number]
        return number

    def join(one: Picture, other: Picture) -> None:
        low, high = sorted((root(one.number), root(other.number)))
        parent[high] = low

    for one, other in combinations(pictures, 2):
        alike = one.facts.colourless == other.facts.colourless
        if one.digest == other.digest or (alike and not links):
            join(one, other)
    for link in links:
        left, right = by_path.get(link.left), by_path.get(link.right)
        if left is None or right is None or link.view not in SAME_VIEWS:
            continue
        if left.facts.colourless == right.facts.colourless:
            join(left, right)
    sets: dict[int, list[Picture]] = defaultdict(list)
    for picture in pictures:
        sets[root(picture.number)].append(picture)
    return [part for versions in sets.values() for part in _without_bursts(versions)]


def _without_bursts(versions: list[Picture]) -> list[list[Picture]]:
    """The set itself or, if there are shots of a burst in it, its identical files only."""
    if not _has_burst(versions):
        return [versions]
    identical: dict[str, list[Picture]] = defaultdict(list)
    for picture in versions:
        identical[picture.digest].append(picture)
    return list(identical.values())


def _has_burst(pictures: Sequence[Picture]) -> bool:
    return any(is_burst(one, other) for one, other in combinations(pictures, 2))


def is_burst(one: Picture, other: Picture) -> bool:
    """Whether two pictures may be shots of one camera, seconds apart, and not two versions.

    At the same second, with the same pixels and the same quality, they may be either.
    """
    a, b = one.facts, other.facts
    if one.digest == other.digest or not a.camera or a.camera != b.camera:
        return False
    try:
        seconds = abs((_moment(a.taken) - _moment(b.taken)).total_seconds())
    except ValueError:
        return False
    alike = (a.width, a.height, a.quality) == (b.width, b.height, b.quality)
    return 0 < seconds <= BURST_SECONDS or (seconds == 0 and alike)


@lru_cache(maxsize=4096)
def _moment(taken: str) -> datetime:
    whole, _, fraction = taken.partition(".")
    moment = datetime.strptime(whole, "%Y-%m-%d %H:%M:%S")
    return moment.replace(microsecond=int(fraction[:6].ljust(6, "0")) if fraction else 0)


# ---- A result


def groups_of(manifest: Manifest) -> dict[int, list[int]]:
    """The numbers of the copies of each group, as they stand in the manifest."""
    groups: dict[int, list[int]] = defaultdict(list)
    for number, copy in enumerate(manifest.copies):
        groups[copy.group].append(number)
    return dict(sorted(groups.items()))


def links_of(manifest: Manifest) -> dict[int, list[Link]]:
    """The links of each group, the weakest last."""
    group_of = {copy.original.path: copy.group for copy in manifest.copies}
    links: dict[int, list[Link]] = defaultdict(list)
    for link in manifest.links:
        if group_of.get(link.left) == group_of.get(link.right, -1):
            links[group_of[link.left]].append(link)
    return links


def picture_of(number: int, copy: SavedCopy, facts: Facts) -> Picture:
    return Picture(number, copy.original.path, copy.digest, facts)
