"""How well two pictures lie on each other: their correlation, and the agreement of their parts."""

from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pictures import bandpass
from pictures.bandpass import Gray, Stack

REACH = 10 / 64  # how far two pictures may be shifted, as a share of their side
BLOCKS = 4  # blocks a side
BLOCK_CORRELATION = 0.4
BLOCK_TOLERANCE = 1.6
BLOCK_ENERGY = 50.0
FEW_BLOCKS = 12
# Chosen on chess diagrams; of the benchmark's photos few repeat themselves so much.
SELF_LIKENESS = 0.75
SELF_SHIFT = 4 / 64  # by less every picture is like itself
SELF_SHARE = 0.08
Flat = NDArray[np.float32]
# Of each pair the shift of each block by a plane, of the left one's and of the right one's; NaN
# where nobody asked.
Planes = tuple[NDArray[np.float64], NDArray[np.float64]]


def correlation(left: Gray | Stack, right: Gray | Stack) -> Flat:
    """How alike pictures are, pair by pair: 1 for the same, about 0.2 for different ones.

    `left` and `right` are stacks of square gray pictures. Each is reduced to its band of middle
    sizes and divided by its local contrast, so that exposure, tone and soft shadows don't count
    (`flattened`). The value is the greatest normalised cross-correlation

        c(s) = sum p(x) q(x + s) / sqrt(sum p(x)^2  sum q(x + s)^2)

    over all shifts s of up to `REACH` in both directions, each sum over the overlap only. The
    numerators of all shifts come from one Fourier transform (J. P. Lewis, Fast Normalized
    Cross-Correlation, 1995).
    """
    return flat_correlation(flattened(left), flattened(right))


def flat_correlation(p: Stack, q: Stack) -> Flat:
    best: Flat = by_shift(p, q).max(axis=(1, 2))
    return best


def by_shift(p: Stack, q: Stack) -> Stack:
    """The correlation of each pair for every shift of the left one, by rows and columns."""
    side = p.shape[1]
    reach = round(side * REACH)
    sums = _products(p, q, side + reach, range(-reach, reach + 1))
    of_left = _energies(p, side)
    of_right = of_left if q is p else _energies(q, side)
    energy = of_left * of_right[:, ::-1, ::-1]
    likeness: Stack = sums / np.sqrt(energy + np.float32(1e-6))
    return likeness


def stand_out(p: Stack, q: Stack, likeness: Flat) -> NDArray[np.bool_]:
    """Whether pairs of flattened pictures are much more alike than each is like itself, moved.

    What repeats itself, as the squares of a board, agrees in every block with any other one of its
    kind. Where both pictures correlate by `SELF_LIKENESS` with themselves at another place, as
    much as `SELF_SHARE` of what such a move changes is too much of a difference. All others do.
    """
    own = self_likeness(p)
    asked = np.flatnonzero(own >= SELF_LIKENESS)
    if len(asked):
        own[asked] = np.minimum(own[asked], self_likeness(q[asked]))
    alike: NDArray[np.bool_] = 1 - likeness <= SELF_SHARE * (1 - own)
    return alike | (own < SELF_LIKENESS)


def self_likeness(p: Stack) -> Flat:
    """The greatest correlation of each picture with itself, moved by `SELF_SHIFT` or more."""
    found = by_shift(p, p)
    middle, near = found.shape[1] // 2, round(p.shape[1] * SELF_SHIFT) - 1
    inside = slice(middle - near, middle + near + 1)
    found[:, inside, inside] = 0
    most: Flat = found.max(axis=(1, 2))
    return most


def _products(p: Stack, q: Stack, size: int, shifts: range) -> Stack:
    """The sums of p(x + s) q(x) for all shifts s, by rows and columns, in a circle of a size.

    Pictures are small and few shifts are asked for, so Fourier's sums are products of matrices:
    as quick as a fast transform, without a package that takes long to import.
    """
    down, across = _inverse(size, shifts)
    spectrum = _spectrum(p, size)
    spectrum = spectrum * (spectrum if q is p else _spectrum(q, size)).conj()
    rows = (down @ spectrum).view(np.float32)
    sums: Stack = rows @ across
    return sums


def _spectrum(pictures: Stack, size: int) -> NDArray[np.complex64]:
    """The spectra of pictures in a circle of a size, without the half that mirrors the other."""
    down, across = _forward(size, pictures.shape[-1])
    spectrum: NDArray[np.complex64] = down @ (pictures @ across).view(np.complex64)
    return spectrum


@lru_cache(maxsize=8)
def _forward(size: int, side: int) -> tuple[NDArray[np.complex64], Flat]:
    """The matrices that transform columns and then rows of as many pixels as a side has.

    Rows are of real numbers and their spectra of complex ones, part by part side by side.
    """
    waves = np.exp(-2j * np.pi / size * np.outer(np.arange(size), np.arange(side)))
    waves = waves.astype(np.complex64)
    half = np.ascontiguousarray(waves[: size // 2 + 1].T)
    return waves, half.view(np.float32)


@lru_cache(maxsize=8)
def _inverse(size: int, shifts: range) -> tuple[NDArray[np.complex64], Flat]:
    """The matrices that bring spectra back, columns and then rows, at some shifts alone."""
    waves = np.exp(2j * np.pi / size * np.outer(shifts, np.arange(size))) / size
    half = waves[:, : size // 2 + 1].conj()  # the real part of a product is taken
    half[:, 1 : (size + 1) // 2] *= 2  # each but the first, and the last of an even size, is two
    rows = np.ascontiguousarray(half.astype(np.complex64)).view(np.float32)
    return waves.astype(np.complex64), rows.T


def _energies(pictures: Stack, block: int) -> Stack:
    """The sum of squares of each picture in each of its square blocks, moved by every shift.

    The rows and columns are those of `_spans`: block by block, shift by shift.
    """
    spans = _spans(pictures.shape[1], block)
    energies: Stack = spans @ (pictures * pictures) @ spans.T
    return energies


@lru_cache(maxsize=8)
def _spans(side: int, block: int) -> Flat:
    """The matrix that adds up what is in each block of a side, moved by every shift."""
    reach = round(side * REACH)
    shifts, pixels = np.arange(-reach, reach + 1), np.arange(side)
    starts = np.add.outer(np.arange(0, side, block), shifts).reshape(-1, 1)
    return ((starts <= pixels) & (pixels < starts + block)).astype(np.float32)


def agreement(left: Gray | Stack, right: Gray | Stack) -> NDArray[np.float64]:
    """The share of two pictures' blocks that lie where one affine map puts them in the other one.

    Cropping, tilting and stretching move the parts of a picture by amounts that change steadily
    across it; another subject before the same background, or another picture in the same frame,
    leaves parts that are nowhere to be found. Each of 4 x 4 blocks of one picture is looked for
    in the other one, shifted by up to `REACH`, by normalised cross-correlation. A plane is
    fitted to the shifts (weighted by the correlation's fourth power, outliers dropped); a block
    agrees if it correlates by `BLOCK_CORRELATION` within `BLOCK_TOLERANCE` pixels of the plane.
    Blocks with little in them are left out, and so are those that the plane puts outside the
    other picture; with fewer than half of the blocks left it is 0.

    Pictures are looked for in each other. The lesser share counts, as what only one of them shows
    may be a subject; but the greater one where it is 1, as then one picture is all in the other,
    and where `FEW_BLOCKS` count or fewer, of which each would decide alone. It is no more than the
    share of all blocks, too, wherever the plane puts them, of the picture of which that is greater.
    """
    return flat_agreement(flattened(left), flattened(right))


def flat_agreement(left: Stack, right: Stack) -> NDArray[np.float64]:
    return agreement_by_planes(left, right)[0]


def agreement_by_planes(left: Stack, right: Stack) -> tuple[NDArray[np.float64], Planes]:
    """The agreement of flattened pictures, and the planes by which they are laid on each other."""
    share, of_all, counted, there = found_blocks(left, right)
    back_there = unknown_planes(len(left))
    rest = np.flatnonzero(of_all < 1)
    if len(rest):
        back, of_all_back, counted_back, back_there[rest] = found_blocks(right[rest], left[rest])
        few = np.minimum(counted[rest], counted_back) <= FEW_BLOCKS
        less, more = np.minimum(share[rest], back), np.maximum(share[rest], back)
        found = np.where(few | (more == 1), more, less)
        share[rest] = np.minimum(found, np.maximum(of_all[rest], of_all_back))
    return share, (there, back_there)


def unknown_planes(count: int) -> NDArray[np.float64]:
    """Room for the planes of so many pairs, of which none is known."""
    return np.full((count, BLOCKS**2, 2), np.nan)


def found_blocks(
    left: Stack, right: Stack
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp], NDArray[np.float64]]:
    """Which share is found of the left one's blocks in the right one, and of all.

    With them come their number and their shifts by the plane.
    """
    likeness, shifts, energy = block_shifts(left, right)
    detailed = energy > BLOCK_ENERGY
    fitted = laid(likeness, shifts, energy)
    off = np.abs(fitted - shifts).max(axis=2)
    agrees = detailed & (likeness >= BLOCK_CORRELATION) & (off <= BLOCK_TOLERANCE)
    inside = (detailed & (agrees | _is_inside(fitted, left.shape[1]))).sum(axis=1)
    found, counted = agrees.sum(axis=1), detailed.sum(axis=1)
    share, of_all = (
        np.where(count * 2 >= BLOCKS * BLOCKS, found / np.maximum(count, 1), 0.0)
        for count in (inside, counted)
    )
    return share, of_all, counted, fitted


def laid(
    likeness: NDArray[np.float64], shifts: NDArray[np.float64], energy: Flat
) -> NDArray[np.float64]:
    """Each block's shift by the plane that fits the best found ones, outliers dropped."""
    strength = np.where(energy > BLOCK_ENERGY, np.maximum(likeness, 0) ** 4, 0)
    weights, tolerance = strength, 3 * BLOCK_TOLERANCE
    for _ in range(4):
        fitted = _fitted(shifts, weights)
        off = np.abs(fitted - shifts).max(axis=2)
        weights, tolerance = strength * (off <= tolerance), BLOCK_TOLERANCE
    return fitted


def _is_inside(shifts: NDArray[np.float64], side: int) -> NDArray[np.bool_]:
    """Whether each block lies in the picture when it is shifted, but for a pixel."""
    block = side // BLOCKS
    starts = np.stack(np.divmod(np.arange(BLOCKS**2), BLOCKS), axis=1) * block
    beyond = np.maximum(-(starts + shifts), starts + shifts + block - side).max(axis=2)
    inside: NDArray[np.bool_] = beyond <= 1
    return inside


def block_shifts(
    left: Stack, right: Stack
) -> tuple[NDArray[np.float64], NDArray[np.float64], Flat]:
    """How well each block is found, at which shift (rows, columns), and its sum of squares."""
    side = left.shape[1]
    block, reach = side // BLOCKS, round(side * REACH)
    places = 2 * reach + 1
    parts = left.reshape(-1, BLOCKS, block, BLOCKS, block)
    energy = np.einsum("niyjx,niyjx->nij", parts, parts)
    there = _energies(right, block).reshape(-1, BLOCKS, places, BLOCKS, places)
    sums = _products_of_blocks(left, right)
    found = sums / np.sqrt(energy[:, :, None, :, None] * there + np.float32(1e-3))
    found = found.swapaxes(2, 3).reshape(len(left), BLOCKS**2, -1)
    best = found.argmax(axis=2)
    shifts = np.stack([best // places - reach, best % places - reach], axis=2)
    likeness = found.max(axis=2).astype(np.float64)
    return likeness, shifts.astype(np.float64), energy.reshape(likeness.shape)


def _products_of_blocks(left: Stack, right: Stack) -> Stack:
    """The sums of each block's products with the right picture, moved by every shift.

    The axes are: pictures, rows of blocks, shifts down, columns of blocks, shifts to the right. All
    blocks of a row are transformed together, and the right picture's rows for all of them at once.
    """
    side = left.shape[1]
    block, reach = side // BLOCKS, round(side * REACH)
    size, places = block + 2 * reach, 2 * reach + 1
    waves, half = _forward(size, block)
    rows = left.reshape(len(left), -1, block) @ half
    blocks = waves @ rows.view(np.complex64).reshape(len(left), BLOCKS, block, -1)
    room = np.zeros((len(left), side + 2 * reach, blocks.shape[-1]), np.complex64)
    room[:, reach : reach + side] = (right @ _rooms(side, block)).view(np.complex64)
    rooms = sliding_window_view(room, size, axis=1)[:, ::block].swapaxes(2, 3)
    spectrum = _forward(size, size)[0] @ rooms
    spectrum *= np.conjugate(blocks, out=blocks)
    down, across = _inverse(size, range(places))
    found: Stack = (down @ spectrum).view(np.float32).reshape(len(left), -1, len(across)) @ across
    return found.reshape(len(left), BLOCKS, places, BLOCKS, places)


@lru_cache(maxsize=8)
def _rooms(side: int, block: int) -> Flat:
    """The matrix that transforms the rows of the rooms in which the blocks of a row are sought.

    These are all columns that a block may be moved to, block by block, of which some lie beyond the
    picture.
    """
    reach = round(side * REACH)
    size = block + 2 * reach
    half = _forward(size, size)[1]
    matrix = np.zeros((side + 2 * reach, BLOCKS, half.shape[1]), np.float32)
    for number in range(BLOCKS):
        matrix[number * block : number * block + size, number] = half
    return matrix[reach : reach + side].reshape(side, -1)


def _fitted(shifts: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each block's shift by the plane that fits all of them best."""
    plane, squares = _slopes()
    normal = (weights @ squares).reshape(-1, 3, 3) + 1e-6 * np.eye(3)
    fitted: NDArray[np.float64]
    fitted = plane @ np.linalg.solve(normal, plane.T @ (weights[..., None] * shifts))
    return fitted


@lru_cache(maxsize=1)
def _slopes() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A level plane and two slopes, of which all are sums, at each block; their products."""
    steps = np.arange(BLOCKS) - (BLOCKS - 1) / 2
    plane = np.stack([np.ones(BLOCKS**2), np.repeat(steps, BLOCKS), np.tile(steps, BLOCKS)], axis=1)
    return plane, (plane[:, :, None] * plane[:, None]).reshape(BLOCKS**2, -1)


def flattened(pictures: Gray | Stack) -> Stack:
    """The band of middle sizes of each picture, over its local contrast."""
    band = bandpass.band(pictures)
    return band / (bandpass.local_deviation(band) + np.float32(bandpass.NOISE_LEVELS))
