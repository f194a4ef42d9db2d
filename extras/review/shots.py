"""Shots in a group: a RAW and its JPEG or HEIC stay together, and go together for another pair."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from disk import shots

TORN = "a RAW and its JPEG belong together: choose between the pairs yourself"

Shot = tuple[int, ...]  # the numbers of its files


class Shots:
    """The shots among some pictures, given by number and path: each with its RAW and without."""

    def __init__(self, paths: Mapping[int, str]) -> None:
        by_shot: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._raws = {number for number, path in paths.items() if shots.is_raw(path)}
        for number, path in paths.items():
            if number in self._raws or shots.is_rendering(path):
                by_shot[shots.shot_of(path)].append(number)
        self._of: dict[int, Shot] = {}
        for numbers in by_shot.values():
            if self._are_mixed(numbers):
                self._of.update(dict.fromkeys(numbers, tuple(numbers)))

    def __contains__(self, number: int) -> bool:
        return number in self._of

    def _are_mixed(self, numbers: Iterable[int]) -> bool:
        return len({number in self._raws for number in numbers}) > 1

    def unmixed(self, same: Iterable[frozenset[int]]) -> set[frozenset[int]]:
        """The pairs of versions but those of a RAW and what was made of one."""
        return {pair for pair in same if not self._are_mixed(pair)}

    def doubled(self, same: Collection[frozenset[int]]) -> tuple[Shot, ...]:
        """The shots of which each file has a version in one other shot."""
        found = dict.fromkeys(self._of.values())

        def is_double(one: Shot, other: Shot) -> bool:
            return all(any(frozenset((a, b)) in same for b in other) for a in one)

        return tuple(one for one in found if any(is_double(one, other) for other in found))

    def untorn(self, keepers: Mapping[int, int]) -> set[int]:
        """The numbers of what may be given up, each for a keeper, so that shots stay whole.

        All of a shot is given up for one other shot, or nothing of it.
        """

        def is_torn(number: int) -> bool:
            shot = self._of.get(number, ())
            others = {self._of.get(keepers.get(member, -1)) for member in shot}
            return bool(shot) and (None in others or len(others) > 1)

        return {number for number in keepers if not is_torn(number)}
