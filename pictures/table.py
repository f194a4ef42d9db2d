"""All views of all pictures, a row each, and pairs of rows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pictures import bandpass
from pictures.bandpass import Gray, Window
from pictures.hamming import pack
from pictures.looks import COLOUR_SIDE, GRAY_SIDE, Look, Spooled, content

NO_COLOUR = bytes([128]) * (2 * COLOUR_SIDE**2)
BATCH = 256  # pairs that are looked at together


@dataclass(frozen=True, slots=True)
class Table:
    """All views of all pictures, a row each."""

    owner: NDArray[np.intp]
    framed: NDArray[np.bool_]
    fine: Sequence[bytes | Spooled | None]
    page: NDArray[np.bool_]
    colour: Sequence[bytes]  # of all of the picture, whatever the view
    inside: NDArray[np.intp]  # of a whole picture, the row of what is inside its frame, or -1
    gray: "Grays"
    hashes: NDArray[np.uint64]

    def colours_of(self, rows: NDArray[np.intp]) -> NDArray[np.uint8]:
        """The colours of some rows; gray where none are known."""
        joined = b"".join(self.colour[row] or NO_COLOUR for row in rows.tolist())
        return np.frombuffer(joined, np.uint8).reshape(-1, len(NO_COLOUR))


class Grays:
    """The small gray pictures of all rows, as a stack of those that are asked for."""

    def __init__(self, pictures: Sequence[bytes | Spooled]) -> None:
        self._pictures = pictures

    def __getitem__(self, rows: NDArray[np.intp]) -> Gray:
        joined = b"".join(content(self._pictures[row]) for row in rows.tolist())
        return np.frombuffer(joined, np.uint8).reshape(-1, GRAY_SIDE, GRAY_SIDE)

    def hashes_within(
        self, rows: NDArray[np.intp], window: Window, hash_size: int
    ) -> NDArray[np.uint64]:
        """The hashes of what is in one window of each of some pictures."""
        found = [np.zeros((0, hash_size**2 // 64), np.uint64)]
        for start in range(0, len(rows), BATCH):
            some = self[rows[start : start + BATCH]]
            cut = bandpass.cut_out(some, window, GRAY_SIDE)
            found.append(pack(bandpass.hashes_of(cut, hash_size)))
        return np.concatenate(found)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Rows of a table that may match, a turn of the left ones, and their distances."""

    left: NDArray[np.intp]
    right: NDArray[np.intp]
    distance: NDArray[np.int64]
    turn: str

    def where(self, keep: NDArray[np.bool_] | NDArray[np.intp] | slice) -> "Pairs":
        return Pairs(self.left[keep], self.right[keep], self.distance[keep], self.turn)


def table_of(looks: Sequence[Look | None]) -> Table:
    rows = [(n, view) for n, look in enumerate(looks) if look for view in look.views]
    owner = np.array([number for number, _ in rows], np.intp)
    framed = np.array([view.framed for _, view in rows], np.bool_)
    return Table(
        owner=owner,
        framed=framed,
        fine=[view.fine for _, view in rows],
        page=np.array([view.is_page for _, view in rows], np.bool_),
        colour=[look.colour for look in looks if look for _ in look.views],
        inside=_rows_inside(owner, framed),
        gray=Grays([view.gray for _, view in rows]),
        hashes=pack([view.hash for _, view in rows]),
    )


def _rows_inside(owner: NDArray[np.intp], framed: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Of each whole picture the next row, if that is what is inside its frame, else -1."""
    inside = np.full(len(owner), -1)
    first = np.flatnonzero((owner[:-1] == owner[1:]) & ~framed[:-1])
    inside[first] = first + 1
    return inside


def hash_size_of(table: Table) -> int:
    return math.isqrt(table.hashes.shape[1] * 64)
