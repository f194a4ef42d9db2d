"""How alike the parts of two pictures are once one is laid on the other, to half a pixel."""

from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pictures.bandpass import Stack
from pictures.registration import BLOCKS, Flat, Planes, block_shifts, laid, unknown_planes

PARTS = 8  # a side
HALVES = 2  # half pixels that a part may lie beside, both ways
LEAST_ENERGY = 8.0  # of a part that shows anything
# Chosen on drawn X-rays and on the half of the benchmark's photos that is for choosing.
LEAST_PARTS = 0.97
GRAIN = 0.6  # of what differs, that stays wherever parts are laid: noise
FEW = 4  # parts that show anything, below which all are asked
ABOVE_ALL = np.float32(2)  # no correlation
Numbers = TypeVar("Numbers", Flat, NDArray[np.float64])
Mask = NDArray[np.bool_]


def differ_in_parts(
    left: Stack, right: Stack, likeness: Flat, planes: Planes | None = None
) -> tuple[Mask, Flat]:
    """Whether most parts differ a little, though pictures correlate; and how alike these are.

    What noise changes stays so wherever parts are laid, and hides no copy. The `planes` are those
    of `registration.agreement`, where they are known; others are filled in.
    """
    median = alike_in_parts(left, right, LEAST_PARTS, planes)
    return (median < LEAST_PARTS) & (1 - median < GRAIN * (1 - likeness)), median


def alike_in_parts(
    left: Stack, right: Stack, enough: float, planes: Planes | None = None, share: float = 0.5
) -> Flat:
    """The median correlation of the parts of flattened pictures, pair by pair.

    With a `share` it is the quantile below which so many parts are.

    One picture is laid on the other by the plane of `registration.agreement`, and each of 8 x 8
    parts may lie up to a pixel beside. Copies are the same there in most parts, whatever was
    written on them or cut off; pictures of one design are a little different in all of them, as
    X-rays of two patients are. Where that isn't `enough`, they are laid the other way round, too,
    and the better way counts. Most copies need no part beside its place, so that is tried first.
    """
    there, back = planes or (unknown_planes(len(left)), unknown_planes(len(left)))
    found = np.zeros(len(left), np.float32)
    for halves in (0, HALVES):
        for one, other, plane in ((left, right, there), (right, left, back)):
            rest = np.flatnonzero(found < enough)
            unknown = rest[np.isnan(plane[rest, 0, 0])]
            if len(unknown):
                plane[unknown] = laid(*block_shifts(one[unknown], other[unknown]))
            if len(rest):
                alike = _quantiles(one[rest], other[rest], plane[rest], halves, share)
                found[rest] = np.maximum(found[rest], alike)
    return found


def _quantiles(
    ones: Stack, others: Stack, planes: NDArray[np.float64], halves: int, share: float
) -> Flat:
    """A quantile of the correlation of pictures' parts with what lies there in the other ones."""
    count, side = len(ones), ones.shape[1]
    places, starts = _grid(side, halves)
    sampled = _sampled(others, *_moved(planes.astype(np.float32), places, side))
    products = np.empty((count, len(starts), len(starts), side, side), np.float32)
    for down, across in np.ndindex(products.shape[1:3]):
        rows, columns = (slice(starts[n], starts[n] + side) for n in (down, across))
        np.multiply(ones, sampled[:, rows, columns], out=products[:, down, across])
    energy, energies = _sums(ones * ones), _energies(sampled, side, halves)
    scale = np.sqrt(energy[:, None, None] * energies + np.float32(1e-3))
    likeness = (_sums(products) / scale).max(axis=(1, 2))
    there = _inside(planes, side)
    shown = there & (np.maximum(energy, energies[:, halves, halves]) > LEAST_ENERGY)
    many = np.count_nonzero(shown, axis=(1, 2), keepdims=True) >= FEW
    asked = np.where(many, shown, there).reshape(count, -1)
    return _quantile(likeness.reshape(count, -1), asked, share)


def _quantile(likeness: Flat, asked: Mask, share: float) -> Flat:
    """A quantile of what is asked for of each row, between two values their mean; 0 of nothing."""
    ordered = np.sort(np.where(asked, likeness, ABOVE_ALL), axis=1)
    counts = np.count_nonzero(asked, axis=1)
    place = share * np.maximum(counts - 1, 0)
    beside = np.stack([np.floor(place), np.ceil(place)], axis=1).astype(np.intp)
    found: Flat = np.take_along_axis(ordered, beside, axis=1).mean(axis=1)
    found[counts == 0] = 0
    return found


@lru_cache(maxsize=8)
def _grid(side: int, halves: int) -> tuple[Flat, tuple[int, ...]]:
    """The places at which a picture is sampled, and where those begin that are moved so far.

    With half pixels whole places come first, then those between, so that the pixels of a picture
    that is moved lie side by side.
    """
    if not halves:
        return np.arange(side, dtype=np.float32), (0,)
    every = np.arange(-halves, 2 * side + halves - 1, dtype=np.float32) / 2
    whole, between = every[::2], every[1::2]
    starts = (n // 2 + n % 2 * len(whole) for n in range(2 * halves + 1))
    return np.concatenate([whole, between]), tuple(starts)


def _sums(pictures: Stack) -> Stack:
    """The sums of pictures' parts."""
    side = pictures.shape[-1]
    across, down = _adding(side)
    rows: Stack = pictures.reshape(len(pictures), -1, side) @ across
    sums: Stack = rows.reshape(len(pictures), -1, side) @ down
    return sums.reshape(*pictures.shape[:-2], PARTS, PARTS)


@lru_cache(maxsize=8)
def _adding(side: int) -> tuple[Flat, Flat]:
    """The matrices that add up the pixels of a row's parts, and then the rows of a part."""
    one, ones = np.eye(PARTS, dtype=np.float32), np.ones((side // PARTS, 1), np.float32)
    return np.kron(one, ones), np.kron(ones, one)


def _energies(sampled: Stack, side: int, halves: int) -> Stack:
    """The sums of squares of the parts, moved by each shift down and to the right."""
    spans = _spans(side, halves)
    sums = spans @ (sampled * sampled) @ spans.T
    shifts = 2 * halves + 1
    return sums.reshape(-1, shifts, PARTS, shifts, PARTS).swapaxes(2, 3)


@lru_cache(maxsize=8)
def _spans(side: int, halves: int) -> Flat:
    """The matrix that adds up, for each shift, what is sampled of each of a side's parts."""
    places, starts = _grid(side, halves)
    part = side // PARTS
    firsts = np.add.outer(starts, np.arange(0, side, part)).reshape(-1, 1)
    numbers = np.arange(len(places))
    return ((firsts <= numbers) & (numbers < firsts + part)).astype(np.float32)


def _inside(planes: NDArray[np.float64], side: int) -> Mask:
    """Which parts lie in the other picture, with all their corners."""
    part = side // PARTS
    ends = np.add.outer(np.arange(0.0, side, part), (0, part - 1)).ravel()
    y, x = _moved(planes, ends, side)
    there = (np.minimum(y, x) >= 0) & (np.maximum(y, x) <= side - 1)
    inside: Mask = there.reshape(-1, PARTS, 2, PARTS, 2).all(axis=(2, 4))
    return inside


def _moved(planes: Numbers, places: Numbers, side: int) -> tuple[Numbers, Numbers]:
    """Where the places of pictures lie in the other ones, by the planes of their blocks' shifts."""
    last = BLOCKS - 1
    corner, middle = planes[:, 0], planes.mean(axis=1)
    down, across = (planes[:, last * BLOCKS] - corner) / last, (planes[:, last] - corner) / last
    steps = (places - (side - 1) / 2) / (side // BLOCKS)
    of_rows = middle[:, :, None] + down[:, :, None] * steps
    of_columns = across[:, :, None] * steps
    y = (of_rows[:, 0] + places)[:, :, None] + of_columns[:, 0, None]
    x = of_rows[:, 1, :, None] + (of_columns[:, 1] + places)[:, None]
    return y, x


def _sampled(pictures: Stack, y: Stack, x: Stack) -> Stack:
    """The levels of pictures at some places, between their pixels by shares; 0 outside."""
    count, side, _ = pictures.shape
    width = side + 3
    room = np.zeros((count, width, width), np.float32)
    room[:, 1:-2, 1:-2] = pictures
    y, x = (np.minimum(np.maximum(place + 1, 0), side + 1) for place in (y, x))
    row, column = y.astype(np.int32), x.astype(np.int32)
    y -= row
    x -= column
    first = row * width + column + width**2 * np.arange(count, dtype=np.int32)[:, None, None]
    levels = room.ravel()
    upper, lower = (
        _between(levels[start:].take(first), levels[start + 1 :].take(first), x)
        for start in (0, width)
    )
    return _between(upper, lower, y)


def _between(ones: Stack, others: Stack, shares: Stack) -> Stack:
    """Levels between ones and others, which are lost."""
    others -= ones
    others *= shares
    ones += others
    return ones
