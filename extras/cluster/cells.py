"""Cells of pictures whose sketches are near: where they lie, and which are nearest to a picture.

A cell has the sketches that are nearer to its centre than to all others. Turned, mirrored and
inverted pictures are searched by what their sketches would be.
"""

import numpy as np
from numpy.typing import NDArray

from pictures.bandpass import TURNS
from pictures.sketch import KEPT, LENGTH, SIDE, Sketches

ROUNDS = 10  # of k-means
A_CELL = 64  # pictures by which the centre of a cell is found
AT_ONCE = 512  # sketches that are compared with all centres
# So many of the probes of an upright picture for each turn of it, whose limit is far stricter.
UPRIGHT_PROBES = 8
Vectors = NDArray[np.float32]
Numbers = NDArray[np.int32]


def cells_for(pictures: int) -> int:
    """How many cells serve for so many pictures, a power of two.

    To find a picture's cells costs as much as comparing it with those in them, about.

    >>> [cells_for(10**power) for power in (2, 6, 8)]
    [16, 1024, 16384]
    """
    return 1 << max(0, (pictures - 1).bit_length() + 1) // 2


def vectors(sketches: Sketches) -> Vectors:
    """Sketches as vectors of about length one."""
    return sketches.astype(np.float32) / np.float32(LENGTH)


def centres_of(sketches: Sketches, cells: int) -> Vectors:
    """The centres of cells for some sketches, found by k-means from the first ones on."""
    some = vectors(sketches)
    cells = min(cells, len(some))
    centres = some[:cells]
    for _ in range(ROUNDS if len(some) > cells else 0):
        cell = nearest(some, centres, 1)[:, 0]
        order = np.argsort(cell, kind="stable")
        there, begins = np.unique(cell[order], return_index=True)
        sums = np.add.reduceat(some[order], begins, axis=0)
        centres = centres.copy()  # an empty cell stays where it is
        centres[there] = sums / np.linalg.norm(sums, axis=1, keepdims=True).clip(1e-6)
    return centres


def nearest(some: Vectors, centres: Vectors, count: int) -> Numbers:
    """The numbers of the `count` centres that are nearest to each vector, in no order."""
    count = min(count, len(centres))
    found = [np.zeros((0, count), np.int32)]
    for start in range(0, len(some), AT_ONCE):
        found.append(_greatest(some[start : start + AT_ONCE] @ centres.T, count))
    return np.concatenate(found)


def nearest_to_turned(some: Vectors, centres: Vectors, count: int) -> Numbers:
    """The same for each way to turn what the vectors stand for, one after the other.

    An inverted picture has the opposite of its vector.
    """
    count = min(count, len(centres))
    found = [np.zeros((0, (2 * len(TURNS) - 1) * count), np.int32)]
    for start in range(0, len(some), AT_ONCE):
        few, of_few = some[start : start + AT_ONCE], list[Numbers]()
        for way in TURNS:
            products = turned(few, way) @ centres.T
            of_few.append(_greatest(-products, count))
            of_few += [_greatest(products, count)] if way != TURNS[0] else []
        found.append(np.concatenate(of_few, axis=1))
    return np.concatenate(found)


def _greatest(products: Vectors, count: int) -> Numbers:
    """The places of the `count` greatest of each row, which may be changed."""
    if count >= products.shape[1]:
        every = np.arange(products.shape[1], dtype=np.int32)
        return np.broadcast_to(every, products.shape)
    if count > UPRIGHT_PROBES:
        return np.argpartition(products, -count, axis=1)[:, -count:].astype(np.int32)
    places, rows = np.empty((len(products), count), np.int32), np.arange(len(products))
    for place in range(count):  # few are found more quickly one after the other
        places[:, place] = products.argmax(axis=1)
        products[rows, places[:, place]] = -np.inf
    return places


def turned(some: NDArray[np.float32], way: str) -> NDArray[np.float32]:
    """The vectors of pictures that are turned or mirrored, as `bandpass.turned` does it.

    That mirrors frequencies: every second one changes its sign. To transpose exchanges them.
    """
    row, column = np.divmod(KEPT, SIDE)
    number = TURNS.index(way)
    order = np.arange(len(KEPT))
    if number >= 4:
        order = np.searchsorted(KEPT, column * SIDE + row)
    sign = np.ones(len(KEPT), np.float32)
    if number in (1, 3, 5, 7):
        sign[column % 2 == 1] *= -1
    if number in (2, 3, 6, 7):
        sign[row % 2 == 1] *= -1
    return some[:, order] * sign
