"""Sketches of pictures, by which most of those whose hashes are near by chance are told apart.

A look at two pictures takes a thousand times as long, and of 100,000 photos that show nothing twice
some 100,000 pairs have hashes as near as those of copies.
"""

import numpy as np
from numpy.typing import NDArray

from pictures.bandpass import Stack

SIDE = 16  # frequencies a side
# Of rows and columns that add up to less than this; finer ones are noise, the first is brightness.
KEPT = np.flatnonzero(np.add.outer(np.arange(SIDE), np.arange(SIDE)) < SIDE)[1:]
# Chosen on the half of the benchmark's photos that is for choosing; see its README.
LEAST_COSINE = 0.43
LENGTH = 256.0  # so that each number fits a byte
Sketches = NDArray[np.int8]


def sketches(spectra: Stack) -> Sketches:
    """A sketch of each picture, a row of 135 bytes, of its SIDE x SIDE lowest frequencies.

    The fourth roots of the frequencies with their signs, all together of one length: the low ones
    hold nearly all of a picture's contrast, but say no more of what it shows than the others.
    """
    kept = spectra.reshape(len(spectra), -1)[:, KEPT]
    roots = np.copysign(np.sqrt(np.sqrt(np.abs(kept))), kept)
    length = np.maximum(np.linalg.norm(roots, axis=1, keepdims=True), 1e-6)
    numbers: Sketches = np.rint(roots * (LENGTH / length)).clip(-127, 127).astype(np.int8)
    return numbers


def cosines(left: Sketches, right: Sketches) -> NDArray[np.float64]:
    """The cosine of each two sketches: 1 for the same, about 0 for different pictures."""
    products: NDArray[np.int32] = np.einsum("nk,nk->n", left, right, dtype=np.int32)
    return products / LENGTH**2
