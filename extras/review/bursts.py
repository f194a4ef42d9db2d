"""Which pictures of a burst are shots that can be ranked by their sharpness.

Plain values in and out.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from extras.review import versions
from extras.review.judged import BURST_SECONDS, Picture, are_one_shot, is_burst
from extras.review.shots import Shot, Shots
from grouping import UnionFind
from pictures.dates import seconds_between

Kind = tuple[str, int, int, bool]  # camera, sides and whether it was edited


def rankable(pictures: Sequence[Picture], pairs: Shots) -> tuple[Shot, ...]:
    """The shots that can be ranked, in order of time: each the numbers of its files.

    The first file is the one by which a shot is judged. Its files are identical ones, and a RAW
    with what the camera made of it; other versions of a shot are nobody's.

    Sharpness says something at one scale alone, and of pictures taken with one camera. So those of
    one size are ranked, each within seconds of the next, if no others are more. What has no date,
    is small or was edited among shots that weren't is none of them.
    """
    dated = [p for p in pictures if p.facts.camera and _moment(p)]
    shots = {max(members, key=_worth): members for members in _sets_of_versions(dated, pairs)}
    kinds: defaultdict[Kind, list[Picture]] = defaultdict(list)
    for best in shots:
        kinds[_kind(best)].append(best)
    runs = [run for bests in kinds.values() for run in _runs(bests)]
    most = max(runs, key=_likeliness, default=[])
    return tuple(_files(best, shots[best], pairs) for best in most)


def _moment(picture: Picture) -> str:
    return picture.facts.taken or picture.facts.clock


def _kind(picture: Picture) -> Kind:
    facts = picture.facts
    short, long = sorted((facts.width, facts.height))
    return facts.camera, short, long, facts.edited


def _worth(picture: Picture) -> tuple[bool, bool, bool, int, int, int]:
    """By what one version stands for its shot before others; a JPEG before its RAW's preview."""
    facts = picture.facts
    whole, own, shown = not facts.damage, not facts.edited, facts.format != "RAW"
    return whole, own, shown, facts.generation, facts.pixels, facts.quality or 0


def _likeliness(run: Sequence[Picture]) -> tuple[int, bool, int]:
    facts = run[0].facts
    return len(run), not facts.edited, facts.pixels


def _sets_of_versions(dated: Sequence[Picture], pairs: Shots) -> list[list[Picture]]:
    """The pictures by shots, with all versions of each that are dated as it is."""
    places = {picture.number: place for place, picture in enumerate(dated)}
    sets = UnionFind(len(dated))
    for one, other in _pairs_of_versions(dated, pairs):
        sets.union(places[one], places[other])
    by_root: defaultdict[int, list[Picture]] = defaultdict(list)
    for place, picture in enumerate(dated):
        by_root[sets.find(place)].append(picture)
    return list(by_root.values())


def _pairs_of_versions(dated: Sequence[Picture], pairs: Shots) -> Iterator[tuple[int, int]]:
    by_second: defaultdict[str, list[Picture]] = defaultdict(list)
    by_pair: defaultdict[Shot, list[Picture]] = defaultdict(list)
    for picture in dated:
        by_second[_moment(picture).partition(".")[0]].append(picture)
        if shot := pairs.of(picture.number):
            by_pair[shot].append(picture)
    for members in by_pair.values():
        yield from ((members[0].number, member.number) for member in members[1:])
    for members in by_second.values():
        alike = {(a, b) for a, b, _ in versions.pairs([member.facts for member in members])}
        for (a, one), (b, other) in combinations(enumerate(members), 2):
            if not is_burst(one, other) or ((a, b) in alike and _may_be_one_moment(one, other)):
                yield one.number, other.number


def _may_be_one_moment(one: Picture, other: Picture) -> bool:
    """Whether two of one second are not said to be of different fractions of it."""
    a, b = _moment(one), _moment(other)
    return "." not in a or "." not in b or not seconds_between(a, b)


def _runs(shots: Iterable[Picture]) -> Iterator[list[Picture]]:
    """Shots in order of time, parted where none follows within seconds."""
    run: list[Picture] = []
    for shot in sorted(shots, key=_moment):
        if run and seconds_between(_moment(run[-1]), _moment(shot)) > BURST_SECONDS:
            yield run
            run = []
        run.append(shot)
    if run:
        yield run


def _files(best: Picture, versions_of_it: Sequence[Picture], pairs: Shots) -> Shot:
    """The numbers of a shot's files, first that of the best; of a RAW and a JPEG all that is."""
    of_pair = pairs.of(best.number) or (best.number,)
    shot = [picture for picture in versions_of_it if picture.number in of_pair]
    same = (p.number for p in versions_of_it if any(are_one_shot(p, one) for one in shot))
    return best.number, *sorted({*of_pair, *same} - {best.number})
