"""Numbers of small gray pictures: resampling, the band of sizes, frequencies, turns and parts."""

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]  # rows x columns, or a stack of these
Stack = NDArray[np.float32]  # pictures x rows x columns
Window = tuple[float, float, float, float]  # top, left, height, width, as shares
SIGNS_SIDE = 16  # so that a word has as many bits as a quarter of the frequencies
FINE = 0.7  # the band of sizes that is compared, as deviations of Gaussians in pixels
COARSE = 4.0
UNSURE = 1e-4  # of a frequency, of which the sums of 64 x 64 gray levels are right to 1e-8
STRIP = 32  # rows or columns of a larger picture that are blurred together
NOISE_LEVELS = 2.0  # gray levels of contrast that count for little
DETAIL_SHARE = 0.15


def lanczos_matrix(source: float, target: int) -> NDArray[np.float32]:
    """The matrix of Pillow's LANCZOS resize along one axis, a row for each output pixel.

    Each output pixel is a weighted mean of the input pixels within three (scaled) pixels of its
    centre, by the kernel sinc(x) sinc(x / 3).
    """
    scale, pixels = source / target, math.ceil(source)
    width = max(scale, 1.0)
    centres = (np.arange(target) + 0.5) * scale
    first = np.maximum((centres - 3 * width + 0.5).astype(int), 0)
    last = np.minimum((centres + 3 * width + 0.5).astype(int), pixels)
    inputs = first[:, None] + np.arange((last - first).max())
    distance = ((inputs + 0.5 - centres[:, None]) / width).astype(np.float32)  # quick sines
    weights = np.sinc(distance) * np.sinc(distance / 3)
    weights[inputs >= last[:, None]] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    matrix = np.zeros((target, pixels + weights.shape[1]), np.float32)
    matrix[np.arange(target)[:, None], inputs] = weights
    return matrix[:, :pixels]  # those beyond weigh nothing


# ---- The band of sizes that is compared


def has_detail(picture: Gray) -> bool:
    """Whether some part of a picture has contrast in the band that is compared.

    Skies, gradients and blank pages have none; their hashes are noise.
    """
    contrast = local_deviation(band(_without_slope(picture)[None]))
    return bool((contrast > NOISE_LEVELS).mean() >= DETAIL_SHARE)


def _without_slope(picture: Gray) -> Stack:
    """A picture less the plane that fits it best, which would show as contrast at the edges."""
    levels: Stack = picture.astype(np.float32)
    for plane in _planes(len(picture)):
        levels -= np.vdot(plane, levels) * plane
    return levels


@lru_cache(maxsize=8)
def _planes(side: int) -> tuple[NDArray[np.float32], ...]:
    """A level plane and two slopes, of length one and at right angles, of which all are sums."""
    slope, ones = np.arange(side) - (side - 1) / 2, np.ones(side)
    planes = (np.outer(ones, ones), np.outer(slope, ones), np.outer(ones, slope))
    return tuple((plane / np.linalg.norm(plane)).astype(np.float32) for plane in planes)


def band(pictures: Gray | Stack) -> Stack:
    levels = pictures.astype(np.float32)
    return _blur(levels, FINE) - _blur(levels, COARSE)


def local_deviation(band: Stack) -> Stack:
    # Rounding can leave a trace below zero where there is nothing.
    deviation: Stack = np.sqrt(np.maximum(_blur(band * band, COARSE), 0))
    return deviation


def _blur(pictures: Stack, deviation: float) -> Stack:
    kernel = _gaussian(pictures.shape[1], deviation)
    if len(kernel) > 2 * STRIP:
        return _blurred_in_strips(pictures, kernel, _reach(deviation))
    blurred: Stack = (kernel @ pictures @ kernel.T).astype(np.float32, copy=False)
    return blurred


def _blurred_in_strips(pictures: Stack, kernel: Stack, reach: int) -> Stack:
    """The same of larger pictures, some rows and columns at a time by those within reach."""
    down, blurred = np.empty_like(pictures), np.empty_like(pictures)
    strips = [
        (slice(first, first + STRIP), slice(max(first - reach, 0), first + STRIP + reach))
        for first in range(0, len(kernel), STRIP)
    ]
    for strip, near in strips:
        down[:, strip] = kernel[strip, near] @ pictures[:, near]
    for strip, near in strips:
        blurred[..., strip] = down[..., near] @ kernel[strip, near].T
    return blurred


def _reach(deviation: float) -> int:
    """Beyond so many pixels a Gaussian counts for nothing."""
    return int(4 * deviation + 0.5)


@lru_cache(maxsize=8)
def _gaussian(side: int, deviation: float) -> NDArray[np.float32]:
    """The matrix that blurs `side` pixels; beyond the edges the picture is as at the edge."""
    reach = _reach(deviation)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    weights /= weights.sum()
    matrix = np.zeros((side, side), np.float32)
    for offset, weight in zip(range(-reach, reach + 1), weights, strict=True):
        inputs = np.clip(np.arange(side) + offset, 0, side - 1)
        np.add.at(matrix, (np.arange(side), inputs), weight)
    return matrix


# ---- Turned, mirrored and inverted pictures


TURNS: tuple[str, ...] = (
    "upright",
    "mirrored",
    "flipped",
    "turned by 180",
    "transposed",
    "turned by 90",
    "turned by 270",
    "transversed",
)
# The same, with light and dark exchanged: negatives.
INVERTED = ("inverted", *(f"{turn}, inverted" for turn in TURNS[1:]))
WAYS = TURNS + INVERTED  # in the order of `hamming.close_turned_pairs`


def turned(pictures: NDArray[np.uint8], way: str) -> NDArray[np.uint8]:
    """A stack of pictures, turned or mirrored, and perhaps inverted."""
    inverted, number = divmod(WAYS.index(way), len(TURNS))
    if inverted:
        pictures = 255 - pictures
    if number >= 4:
        pictures = pictures.swapaxes(1, 2)
    if number in (1, 3, 5, 7):
        pictures = pictures[:, :, ::-1]
    if number in (2, 3, 6, 7):
        pictures = pictures[:, ::-1]
    return pictures


def spectrum(pictures: Gray | Stack, size: int) -> Stack:
    """The size x size lowest frequencies of each picture, as ImageHash's phash takes them."""
    waves = _waves(pictures.shape[1], size)
    spectra: Stack = waves @ pictures.astype(np.float32, copy=False) @ waves.T
    return spectra


@lru_cache(maxsize=8)
def _waves(side: int, size: int) -> NDArray[np.float32]:
    return _exact_waves(side, size).astype(np.float32)


@lru_cache(maxsize=8)
def _exact_waves(side: int, size: int) -> NDArray[np.float64]:
    return np.cos(np.pi * np.arange(size)[:, None] * (2 * np.arange(side) + 1) / (2 * side))


def sure_hash(picture: Gray, size: int) -> bytes | None:
    """ImageHash's phash of a picture that is as small as it makes one; None if rounding decides it.

    A bit says whether a frequency is above their median, so that is sure where none lies so near
    that another order of the sums could put it on the other side.
    """
    waves = _exact_waves(len(picture), size)
    frequencies = (waves @ picture @ waves.T).ravel()
    below = (len(frequencies) - 1) // 2  # the upper one of those that aren't above the median
    ordered = np.partition(frequencies, (below, below + 1))
    if ordered[below + 1] - ordered[below] < UNSURE:
        return None
    return np.packbits(frequencies > ordered[below]).tobytes()


def hashes_of(pictures: Gray | Stack, size: int) -> list[bytes]:
    """ImageHash's phash of each picture of a stack, size x size bits."""
    flat = spectrum(pictures, size).reshape(len(pictures), -1)
    bits = np.packbits(flat > np.median(flat, axis=1)[:, None], axis=1)
    return [row.tobytes() for row in bits]


def signs(pictures: Gray | Stack) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The signs of each picture's 16 x 16 lowest frequencies, and those of it transposed."""
    return signs_of(spectrum(pictures, SIGNS_SIDE))


def signs_of(spectra: Stack) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The signs of 16 x 16 frequencies of each picture, and those of it transposed.

    A row has a 64-bit word for each parity of row and column: even-even, even-odd, odd-even and
    odd-odd. Mirroring a picture changes the sign of its odd frequencies, so it complements two
    of the words; transposing the picture transposes the frequencies.
    """
    return _packed_signs(spectra), _packed_signs(spectra.swapaxes(1, 2))


def _packed_signs(spectra: Stack) -> NDArray[np.uint64]:
    quarters = [spectra[:, row::2, column::2] > 0 for row in (0, 1) for column in (0, 1)]
    words = [np.packbits(quarter.reshape(-1, 64), axis=1).view(np.uint64) for quarter in quarters]
    return np.concatenate(words, axis=1)


# ---- Parts of pictures


@lru_cache(maxsize=1)
def windows() -> tuple[Window, ...]:
    """The parts of a picture that crops are likely to be: top, left, height, width as shares.

    Crops that keep the proportions, down to 36 % of the area, and crops to other proportions;
    placed so that any other crop of about these sizes is near one of them.
    """
    steps = {0.85: 3, 0.72: 4, 0.6: 5}
    same = [(side, side, n, n) for side, n in steps.items()]
    narrow = [(1.0, side, 1, n) for side, n in steps.items()]
    flat = [(width, height, m, n) for height, width, n, m in narrow]
    return tuple(
        (float(top), float(left), height, width)
        for height, width, rows, columns in (*same, *narrow, *flat)
        for top in np.linspace(0, 1 - height, rows)
        for left in np.linspace(0, 1 - width, columns)
    )


def cut_out(pictures: Gray, window: Window, side: int) -> Stack:
    """A part of each picture, resampled to side x side."""
    top, left, height, width = window
    rows = _cutting(pictures.shape[1], top, height, side)
    columns = _cutting(pictures.shape[2], left, width, side)
    return rows @ pictures.astype(np.float32) @ columns.T


def hashes_of_parts(
    pictures: Gray, side: int, size: int, unsure: float
) -> Iterator[NDArray[np.uint8]]:
    """Yield the phash of each picture's part, window by window: pictures x bytes.

    It is that of what `cut_out` makes of them, at side x side pixels. Cutting out and the cosine
    transform are linear and separable, so what both do to rows, and what to columns, is one small
    matrix; what it makes of the rows serves all windows of the same rows. The sums come in
    another order, so the part itself is cut out where the two frequencies in the middle are less
    than `unsure` apart.
    """
    waves, levels = _waves(side, size), pictures.astype(np.float32)
    of_rows: dict[tuple[float, float], Stack] = {}
    for window in windows():
        top, left, height, width = window
        if (top, height) not in of_rows:
            rows: Stack = waves @ _cutting(pictures.shape[1], top, height, side)
            of_rows[top, height] = (rows @ levels).astype(np.float32, copy=False)
        columns = waves @ _cutting(pictures.shape[2], left, width, side)
        flat = (of_rows[top, height] @ columns.T).reshape(len(pictures), -1)
        below = (size**2 - 1) // 2  # the upper one of those that aren't above the median
        ordered = np.partition(flat, (below, below + 1), axis=1)
        hashes = np.packbits(flat > ordered[:, [below]], axis=1)
        for row in np.flatnonzero(ordered[:, below + 1] - ordered[:, below] < unsure):
            part = cut_out(pictures[[row]], window, side)
            hashes[row] = np.frombuffer(hashes_of(part, size)[0], np.uint8)
        yield hashes


def coarsened(pictures: Gray, window: Window) -> Stack:
    """Each picture with as much detail as a part of one has that is cut out at its size."""
    _, _, height, width = window
    side = pictures.shape[1]
    rows, columns = _coarse(side, round(side * height)), _coarse(side, round(side * width))
    return rows @ pictures.astype(np.float32) @ columns.T


@lru_cache(maxsize=64)
def _coarse(side: int, fewer: int) -> NDArray[np.float32]:
    return lanczos_matrix(fewer, side) @ lanczos_matrix(side, fewer)


def levels_of(picture: Stack) -> Gray:
    return np.rint(picture).clip(0, 255).astype(np.uint8)


@lru_cache(maxsize=64)
def _cutting(length: int, start: float, share: float, side: int) -> NDArray[np.float32]:
    first, last = round(length * start), round(length * (start + share))
    matrix = np.zeros((side, length), np.float32)
    matrix[:, first:last] = lanczos_matrix(last - first, side)
    return matrix
