"""What tasks found: candidates as results have them, and as a search takes them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extras.cluster.rows import Numbers
from pictures.candidates import Candidates
from pictures.sides import Sides, lie_apart


def rows_in(found: Candidates) -> Numbers:
    """The rows of candidates, left ones and right ones."""
    pair = found.keys % (found.rows**2 or 1)
    return np.concatenate(np.divmod(pair, found.rows or 1))


def among(
    count: int, columns: Mapping[str, NDArray[Any]], here: Numbers, by_row: Sides | None
) -> Candidates:
    """Candidates of a result among so many rows, of rows that lie apart.

    `here` are the rows that the result tells by their places, or -1 where one isn't there.
    """
    return _apart(count, columns, here[columns["left"]], here[columns["right"]], by_row)


def by_identity(
    count: int,
    columns: Mapping[str, NDArray[Any]],
    identity: NDArray[np.bytes_],
    first: Numbers,
    by_row: Sides | None,
) -> Candidates:
    """The same of a result that tells rows by the identity of a photo, and a byte for the view.

    Those of all photos are in order, and `first` has the row where each one's begin.
    """

    def rows(side: str) -> Numbers:
        told = np.frombuffer(b"".join(columns[side]), np.uint8).reshape(-1, 17)
        shown = np.ascontiguousarray(told[:, :16]).view("S16")[:, 0]
        place = np.searchsorted(identity, shown).clip(max=len(identity) - 1)
        return np.where(identity[place] == shown, first[place] + told[:, 16], -1)

    return _apart(count, columns, rows("left"), rows("right"), by_row)


def _apart(
    count: int,
    columns: Mapping[str, NDArray[Any]],
    left: Numbers,
    right: Numbers,
    by_row: Sides | None,
) -> Candidates:
    there = np.flatnonzero((left >= 0) & (right >= 0) & (left != right))
    there = there[lie_apart(by_row, left[there], right[there])]
    keys = (columns["turn"].astype(np.int64) * count + left) * count + right
    return Candidates(count, keys[there], columns["distance"][there], columns["shown"][there])


def once_each(found: Sequence[Candidates]) -> Candidates:
    """Candidates in order, those that several tasks have found once; what a look showed counts."""
    every = found[0]
    keys, distance, shown = (
        np.concatenate([getattr(some, name) for some in found])
        for name in ("keys", "distance", "shown")
    )
    order = np.lexsort((np.isnan(shown), keys))
    keys = keys[order]
    new = np.ones(len(keys), np.bool_)
    new[1:] = keys[1:] != keys[:-1]
    return replace(every, keys=keys[new], distance=distance[order][new], shown=shown[order][new])
