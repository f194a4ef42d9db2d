"""How alike the parts of two pictures are once one is laid on the other, to half a pixel."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pictures.bandpass import Stack
from pictures.registration import BLOCKS, Flat, block_shifts, laid

PARTS = 8  # a side
HALVES = 2  # half pixels that a part may lie beside, both ways
LEAST_ENERGY = 8.0  # of a part that shows anything
# Chosen on drawn X-rays and on the half of the benchmark's photos that is for choosing.
LEAST_PARTS = 0.97
GRAIN = 0.6  # of what differs, that stays wherever parts are laid: noise
FEW = 4  # parts that show anything, below which all are asked
Places = NDArray[np.float64]
Number = TypeVar("Number", np.float32, np.bool_)


def differ_in_parts(left: Stack, right: Stack, likeness: Flat) -> tuple[NDArray[np.bool_], Flat]:
    """Whether most parts differ a little, though pictures correlate; and how alike these are.

    What noise changes stays so wherever parts are laid, and hides no copy.
    """
    median = alike_in_parts(left, right, LEAST_PARTS)
    return (median < LEAST_PARTS) & (1 - median < GRAIN * (1 - likeness)), median


def alike_in_parts(left: Stack, right: Stack, enough: float) -> Flat:
    """The median correlation of the parts of flattened pictures, pair by pair.

    One picture is laid on the other by the plane of `registration.agreement`, and each of 8 x 8
    parts may lie up to a pixel beside. Copies are the same there in most parts, whatever was
    written on them or cut off; pictures of one design are a little different in all of them, as
    X-rays of two patients are. Where that isn't `enough`, they are laid the other way round, too,
    and the better way counts.
    """
    found = _medians(left, right)
    if len(rest := np.flatnonzero(found < enough)):
        found[rest] = np.maximum(found[rest], _medians(right[rest], left[rest]))
    return found


def _medians(left: Stack, right: Stack) -> Flat:
    shifts = laid(*block_shifts(left, right))
    return np.array([_median(*pair) for pair in zip(left, right, shifts, strict=True)], np.float32)


def _median(one: Flat, other: Flat, shifts: Places) -> float:
    """The median correlation of a picture's parts with what lies there in the other one."""
    moved, inside = _laid_upon(other, shifts)
    ones, others = _cut(one), _cut(moved)
    energy, energies = _squares(ones), _squares(others)
    sums = np.einsum("yaxb,nyaxb->nyx", ones, others)
    likeness = (sums / np.sqrt(energy * energies + np.float32(1e-3))).max(axis=0)
    there = _cut(inside).all(axis=(1, 3))
    shown = there & (np.maximum(energy, energies[len(energies) // 2]) > LEAST_ENERGY)
    asked = shown if np.count_nonzero(shown) >= FEW else there
    return float(np.median(likeness[asked])) if asked.any() else 0.0


def _squares(parts: Stack) -> Stack:
    squares: Stack = np.einsum("...yaxb,...yaxb->...yx", parts, parts)
    return squares


def _cut(pictures: NDArray[Number]) -> NDArray[Number]:
    """The parts of pictures: rows of parts, their rows, columns of parts, their columns."""
    side = pictures.shape[-1] // PARTS
    return pictures.reshape(*pictures.shape[:-2], PARTS, side, PARTS, side)


def _laid_upon(picture: Flat, shifts: Places) -> tuple[Stack, NDArray[np.bool_]]:
    """A picture where a plane of shifts puts it, moved by half pixels both ways; what is inside."""
    side = len(picture)
    places = np.arange(-HALVES, 2 * side + HALVES - 1) / 2
    y, x = _moved(shifts, places, side)
    sampled = _sampled(picture, y, x)
    starts = range(2 * HALVES + 1)
    moved = [
        sampled[row : row + 2 * side - 1 : 2, column : column + 2 * side - 1 : 2]
        for row in starts
        for column in starts
    ]
    own = slice(HALVES, HALVES + 2 * side - 1, 2)
    y, x = y[own, own], x[own, own]
    return np.stack(moved), (np.minimum(y, x) >= 0) & (np.maximum(y, x) <= side - 1)


def _moved(shifts: Places, places: Places, side: int) -> tuple[Places, Places]:
    """Where each place of a picture lies in the other one, by the plane of its blocks' shifts."""
    last = BLOCKS - 1
    corner, middle = shifts[0], shifts.mean(axis=0)
    down, across = (shifts[last * BLOCKS] - corner) / last, (shifts[last] - corner) / last
    steps = (places - (side - 1) / 2) / (side // BLOCKS)
    plane = middle + down * steps[:, None, None] + across * steps[:, None]
    return places[:, None] + plane[..., 0], places + plane[..., 1]


def _sampled(picture: Flat, y: Places, x: Places) -> Flat:
    """The levels of a picture at some places, between its pixels by shares; 0 outside."""
    side = len(picture)
    room = np.zeros((side + 3, side + 3), np.float32)
    room[1:-2, 1:-2] = picture
    y, x = (np.clip(place + 1, 0, side + 1) for place in (y, x))
    row, column = y.astype(np.intp), x.astype(np.intp)
    below, right = (y - row).astype(np.float32), (x - column).astype(np.float32)
    upper = room[row, column] * (1 - right) + room[row, column + 1] * right
    lower = room[row + 1, column] * (1 - right) + room[row + 1, column + 1] * right
    return np.asarray(upper * (1 - below) + lower * below, np.float32)
