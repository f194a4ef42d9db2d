"""Matches that are surely the same, and crowds of look-alikes in which most pairs need no look."""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from grouping import SMALL, Match, UnionFind, supported_clusters

# Two pictures that are surely the same stand for each other.
CERTAIN_DISTANCE = 12
CERTAIN_CORRELATION = 0.9
# In a crowd of look-alikes, so many matches of a picture tell where it belongs.
ENOUGH = 32
REGROUP_SHARE = 1 / 8  # of the pictures and their matches, in new matches


def is_certain(match: Match) -> bool:
    """Whether two pictures are surely the same, so that either stands for the other."""
    if match.needs_a_look:
        return False
    return match.distance <= CERTAIN_DISTANCE and match.correlation >= CERTAIN_CORRELATION


class Known:
    """The matches so far, and which pairs need no look because of them."""

    def __init__(self, size: int, small: int = SMALL) -> None:
        self._small = small  # as `supported_clusters` takes it
        self._certain = UnionFind(size)
        self._matches: list[Match] = []
        self._friends: dict[int, set[int]] = defaultdict(set)
        self._enough = np.zeros(size, np.bool_)
        self._closest = np.full(size, np.iinfo(np.int64).max)  # in bits
        self._group = np.arange(size)
        self._grouped = 0  # of the matches

    def add(self, match: Match) -> None:
        """Take note of one more match."""
        self._matches.append(match)
        if is_certain(match):
            self._certain.union(match.left, match.right)
        for one, other in ((match.left, match.right), (match.right, match.left)):
            self._closest[one] = min(self._closest[one], match.distance)
            if not self._enough[one]:
                self._friends[one].add(other)
                self._enough[one] = len(self._friends[one]) >= ENOUGH

    def are_surely_same(self, left: NDArray[np.intp], right: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Whether certain matches connect two pictures."""
        same: NDArray[np.bool_] = self._certain.roots_of(left) == self._certain.roots_of(right)
        return same

    def are_in_a_crowd(
        self, left: NDArray[np.intp], right: NDArray[np.intp], distance: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Whether both pictures match `ENOUGH` others and these matches hold them together.

        A thread between two crowds doesn't: it takes as much as `supported_clusters` asks for.
        Pairs that are closer than any match so far aren't counted: the strongest matches tell
        crowds apart.
        """
        both = self._enough[left] & self._enough[right]
        if both.any():
            self._regroup()
        both &= distance >= np.maximum(self._closest[left], self._closest[right])
        crowded: NDArray[np.bool_] = both & (self._group[left] == self._group[right])
        return crowded

    def _regroup(self) -> None:
        """Group again, once enough is new that this costs little beside the looks."""
        size, matches = len(self._group), len(self._matches)
        if matches - self._grouped < REGROUP_SHARE * (size + self._grouped):
            return
        self._group, self._grouped = np.arange(size), matches
        for cluster in supported_clusters(size, self._matches, is_certain, self._small):
            self._group[cluster.members] = cluster.members[0]
