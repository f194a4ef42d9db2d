"""Pictures of one design, each of them near to many that show something else: X-rays, a shop's
clothes.

Their hashes are near by what all have in common, and among thousands some are so near that a look
at two finds them alike. Copies are alike in nearly all parts there, too.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grouping import Match, area_of
from pictures.aligned import alike_in_parts
from pictures.bandpass import WAYS, Gray, Stack
from pictures.colour import drawn_in_other_colours, most_differing
from pictures.registration import flattened
from pictures.table import BATCH, Pairs, Table

# Chosen on 420 drawn X-rays and as many clothes with their copies, and on 3,013 real photographs.
MANY_OTHERS = 32  # candidates of a picture that a look found to be others
TIMES = 8  # as many as those that match: a picture with many versions has others, too
SHARE = 0.1  # of the parts, which may be less alike
LEAST_ALIKE = 0.98  # the correlation of all others
CLOSE = 12  # bits, up to which a picture may be toned
OTHER_COLOUR = 8  # levels by which colours of a part differ that wasn't toned
IN_PLACE = 0.9  # of a picture, in which another one is seen that lies on all of it


class OneDesign:
    """Which pictures are near many that show something else, once a search has told it."""

    def __init__(self) -> None:
        self._are = np.zeros(0, np.bool_)

    def learn(self, are: NDArray[np.bool_], table: Table) -> None:
        """Take note of which pictures are of one design; documents aren't asked."""
        self._are = are.copy()
        self._are[table.owner[table.page & ~table.framed]] = False

    def allows(self, match: Match) -> bool:
        """Whether a match counts that points or a model found.

        Where two pictures of one design lie on each other as they are, that is what all have in
        common; a look would have told the rest.
        """
        if (
            not match.regions
            or not len(self._are)
            or not self._are[[match.left, match.right]].all()
        ):
            return True
        return not all(area_of(region.most) >= IN_PLACE for region in match.regions)


def are_of_one_design(others: NDArray[np.intp], matching: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which pictures are, by how many candidates of each show something else, or match."""
    return others >= np.maximum(MANY_OTHERS, TIMES * matching)


class Sight(NamedTuple):
    """A match, and which rows of a table it is of, the left one turned."""

    match: Match
    left: int
    right: int
    turn: str


def without_one_design(
    sights: Sequence[Sight],
    are: NDArray[np.bool_],
    table: Table,
    shown: Callable[[Pairs], tuple[Gray | Stack, Gray]],
) -> Iterator[Match]:
    """Yield the matches but for those of two pictures of one design that differ in some parts.

    `are` says which pictures are of one design. Documents were compared in detail already. `shown`
    is what is compared of some pairs of rows.
    """
    asked = [sight for sight in sights if _is_of_one_design(sight, are, table)]
    differ = {sight for sight in asked if _colours_differ(sight, table)}
    rest = sorted((sight for sight in asked if sight not in differ), key=lambda s: s.turn)
    for turn, some in groupby(rest, key=lambda sight: sight.turn):
        of_turn = list(some)
        for start in range(0, len(of_turn), BATCH):
            batch = of_turn[start : start + BATCH]
            ones, twos = shown(_pairs(batch, turn))
            alike = alike_in_parts(flattened(ones), flattened(twos), LEAST_ALIKE, share=SHARE)
            differ.update(batch[n] for n in np.flatnonzero(alike < LEAST_ALIKE).tolist())
    yield from (sight.match for sight in sights if sight not in differ)


def _is_of_one_design(sight: Sight, are: NDArray[np.bool_], table: Table) -> bool:
    if table.page[sight.left] and table.page[sight.right]:
        return False
    return bool(are[sight.match.left] and are[sight.match.right])


def _colours_differ(sight: Sight, table: Table) -> bool:
    """Whether some part of two whole pictures has another colour."""
    rows = sight.left, sight.right
    if sight.turn not in WAYS or table.framed[list(rows)].any():
        return False
    left, right = (table.colour[row] for row in rows)
    if not (left and right):
        return False
    if sight.match.distance > CLOSE and most_differing(left, right, sight.turn) > OTHER_COLOUR:
        return True
    return drawn_in_other_colours(left, right, sight.turn)


def _pairs(sights: Sequence[Sight], turn: str) -> Pairs:
    rows = np.array([(s.left, s.right, s.match.distance) for s in sights], np.int64)
    left, right, distance = rows.T
    return Pairs(left.astype(np.intp), right.astype(np.intp), distance, turn)
