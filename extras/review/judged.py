"""A picture as the rules judge it; which are versions of one, and which may be of a burst.

Plain values in and out.
"""

import os
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from disk.record import Link
from extras.review import doubts, pixels, versions
from extras.review.facts import Facts
from grouping import UnionFind
from pictures.dates import seconds_between

# More than what find takes for a burst: it joins shots that look alike, here none of two that may
# be of a burst is given up.
BURST_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Picture:
    """A copy of a group, by its number in the manifest, and what is known of it."""

    number: int
    path: str  # of the original
    digest: str
    facts: Facts
    beside: tuple[str, ...] = ()  # as lines of `pictures.held`
    is_of_shot: bool = False  # a RAW with its JPEG, or that with its RAW
    is_apart: bool = False  # of such a shot, but the other file is not judged with this one
    stays: bool = False  # as its original is protected
    was_kept: bool = False  # side by side with others of the group, before find

    @property
    def may_go(self) -> bool:
        """Whether a rule may give it up for a better one."""
        return not self.stays and not self.was_kept

    @property
    def holds(self) -> tuple[str, ...]:
        return (*self.facts.holds, *self.beside)


def same_pictures(
    pictures: Sequence[Picture], *, identical_only: bool = False
) -> set[frozenset[int]]:
    """The pairs, by number, of identical files or pixels or, but for turned ones, of versions.

    A RAW and what was made of it are one shot, and no versions. Which of two is upright a person
    sees, and mostly that one turned it.
    """
    same = {
        frozenset((one.number, other.number))
        for one, other in combinations(pictures, 2)
        if _hold_the_same(one, other)
    }
    if identical_only:
        return same
    for pair in versions.pairs([picture.facts for picture in pictures]):
        one, other = pictures[pair.one], pictures[pair.other]
        upright = pair.turn == versions.UPRIGHT and not doubts.is_raw_of(one.facts, other.facts)
        if upright and one.facts.colourless == other.facts.colourless:
            same.add(frozenset((one.number, other.number)))
    return same


def _hold_the_same(one: Picture, other: Picture) -> bool:
    """Whether two are identical files, or have the same pixels the same way up."""
    if one.digest == other.digest:
        return True
    return one.facts.orientation == other.facts.orientation and are_one_shot(one, other)


def are_turned(pictures: Sequence[Picture]) -> bool:
    """Whether some are versions of one picture that are turned against each other."""
    found = versions.pairs([picture.facts for picture in pictures])
    return any(pair.turn != versions.UPRIGHT for pair in found)


def how_they_differ(pictures: Sequence[Picture]) -> str:
    """In what pictures of a group differ that are no versions of one another, in words."""
    if are_turned(pictures):
        return "turned against each other: keep the upright one yourself"
    return "different pictures: framed, cut or edited"


def are_one_file(pictures: Sequence[Picture]) -> bool:
    return len({picture.digest for picture in pictures}) == 1


def was_changed_in_place(one: Picture, other: Picture) -> bool:
    """Whether two files begin or end with the same data and yet hold other pixels."""
    shared = set(one.facts.places) & set(other.facts.places)
    return bool(shared) and not are_one_shot(one, other)


def sets_of(pictures: Sequence[Picture], same: Collection[frozenset[int]]) -> list[list[Picture]]:
    """The pictures of which there are several versions, in the group's order."""
    places = {picture.number: place for place, picture in enumerate(pictures)}
    sets = UnionFind(len(pictures))
    for one, other in same:
        sets.union(places[one], places[other])
    return [[pictures[place] for place in members] for members in sets.groups()]


def may_be_burst(pictures: Sequence[Picture], links: Sequence[Link]) -> bool:
    """Whether find saw a burst in a group, or two of its pictures may be shots of one."""
    by_path = {picture.path: picture for picture in pictures}
    ends = [(by_path.get(o.left), by_path.get(o.right)) for o in links if o.view == "burst"]
    seen = any(not (a and b) or not are_one_shot(a, b) for a, b in ends)
    return seen or any(is_burst(one, other) for one, other in combinations(pictures, 2))


def in_time(pictures: Iterable[Picture]) -> tuple[int, ...]:
    """The numbers of pictures in their order of time; by their names, where no time tells."""

    def when(picture: Picture) -> tuple[bool, str, list[tuple[int, str]], str]:
        moment = picture.facts.taken or picture.facts.clock
        name = os.path.basename(picture.path)
        parts = [(int(digits or 0), text) for text, digits in re.findall(r"(\D*)(\d*)", name)]
        return not moment, moment, parts, picture.path

    return tuple(picture.number for picture in sorted(pictures, key=when))


def are_one_shot(one: Picture, other: Picture) -> bool:
    """Whether two files hold the very same pixels, whatever their dates say."""
    return one.digest == other.digest or pixels.are_same(one.facts, other.facts)


def is_burst(one: Picture, other: Picture) -> bool:
    """Whether two pictures may be shots seconds apart, as far as date, camera and size tell.

    At the same moment they are versions if the camera wrote fractions of the second, or if they
    have different sizes; otherwise they may be either. A clock that was never set tells shots by
    the seconds that it ran, but not that both stand at its first.
    """
    return _may_be_seconds_apart(one.facts, other.facts) and not are_one_shot(one, other)


def _may_be_seconds_apart(a: Facts, b: Facts) -> bool:
    if a.camera and b.camera and a.camera != b.camera:
        return False
    moments = (a.taken, b.taken) if a.taken or b.taken else (a.clock, b.clock)
    if not all(moments):
        return False
    seconds = abs(seconds_between(*moments))
    if seconds or not a.taken:
        return 0 < seconds <= BURST_SECONDS
    fraction = a.taken.partition(".")[2].strip("0")
    return not fraction and sorted((a.width, a.height)) == sorted((b.width, b.height))
