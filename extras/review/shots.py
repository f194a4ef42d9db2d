"""Shots in a group: a RAW and its JPEG or HEIC stay together, and go together for another pair.

A group is judged by itself. So of a shot whose files are not all in it nothing is given up.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from disk import shots
from disk.companions import Companions

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

    def of(self, number: int) -> Shot:
        """The numbers of the files of a picture's shot; none if it is no RAW with a rendering."""
        return self._of.get(number, ())

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


class Partners:
    """Knows the RAW or the renderings of a picture, in whatever group; numbers are of paths."""

    def __init__(self, paths: Iterable[str], companions: Companions) -> None:
        self._paths = tuple(paths)
        self._companions = companions
        self._by_shot: dict[tuple[str, str], list[int]] = defaultdict(list)
        for number, path in enumerate(self._paths):
            if shots.is_raw(path) or shots.is_rendering(path):
                self._by_shot[shots.shot_of(path)].append(number)

    def are_apart(self, number: int, judged: Collection[int]) -> bool:
        """Whether a file of a picture's shot is none of the judged ones. Changes nothing on disk.

        A JPEG that no group has counts for its RAW. A RAW that no group has is known to the rules
        as what lies beside its JPEG.
        """
        path = self._paths[number]
        is_raw = shots.is_raw(path)
        shot = self._by_shot.get(shots.shot_of(path), ())
        if any(n not in judged and shots.is_raw(self._paths[n]) != is_raw for n in shot):
            return True
        known = {self._paths[n] for n in judged}
        return is_raw and any(other not in known for other in self._renderings(path))

    def _renderings(self, raw: str) -> list[str]:
        try:
            return self._companions.photos(raw, raw, shots.is_rendering)
        except OSError:
            return []
