"""Two pictures are laid on each other to half a pixel, and their parts compared, by definition."""

from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_pictures import SINGLES, cropped, photo, tilted
from numpy.typing import NDArray
from PIL import Image

from pictures import aligned, registration
from pictures.aligned import FEW, HALVES, LEAST_ENERGY, LEAST_PARTS, PARTS
from pictures.bandpass import Stack
from pictures.registration import BLOCKS

SIDE = 64
PART = SIDE // PARTS
Numbers = NDArray[np.float64]


@lru_cache
def flat(name: str, edit: int, seed: int) -> Stack:
    image: Image.Image = photo(name)
    image = (image, cropped(image, 0.93), tilted(image, 2))[edit]
    levels = np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS), float)
    levels = levels + np.random.default_rng(seed).normal(0, (0, 1, 3, 8)[seed % 4], (SIDE, SIDE))
    return registration.flattened(np.clip(levels, 0, 255).astype(np.uint8)[None])


def place(plane: Numbers, row: Numbers, column: Numbers) -> tuple[Numbers, Numbers]:
    """Where places of a picture lie in the other one."""
    shifts = plane.reshape(BLOCKS, BLOCKS, 2)
    middle, block = (SIDE - 1) / 2, SIDE // BLOCKS
    down = (shifts[-1, 0] - shifts[0, 0]) / (BLOCKS - 1)
    across = (shifts[0, -1] - shifts[0, 0]) / (BLOCKS - 1)
    y, x = (
        shifts[..., n].mean() + (down[n] * (row - middle) + across[n] * (column - middle)) / block
        for n in (0, 1)
    )
    return row + y, column + x


def levels(picture: Numbers, y: Numbers, x: Numbers) -> Numbers:
    """What a picture shows between its pixels; 0 outside."""
    room = np.pad(picture, 2)
    y, x = (np.clip(n, -1, SIDE) + 2 for n in (y, x))
    row, column = y.astype(int), x.astype(int)
    below, right = y - row, x - column
    upper, lower = (
        room[n, column] * (1 - right) + room[n, column + 1] * right for n in (row, row + 1)
    )
    shown: Numbers = upper * (1 - below) + lower * below
    return shown


def by_definition(one: Stack, other: Stack) -> float:
    plane = registration.laid(*registration.block_shifts(one, other))[0]
    picture, likeness, energies = other[0].astype(float), {}, {}
    step = np.arange(-HALVES, HALVES + 1) / 2
    for top, left in np.ndindex(PARTS, PARTS):
        rows, columns = np.mgrid[:PART, :PART] + PART * np.array([top, left])[:, None, None]
        there = np.array(place(plane, rows.astype(float), columns.astype(float)))
        if there.min() < 0 or there.max() > SIDE - 1:
            continue
        part = one[0, rows, columns].astype(float)
        found = np.empty((len(step), len(step)))
        for down, across in np.ndindex(found.shape):
            shown = levels(picture, *place(plane, rows + step[down], columns + step[across]))
            squares = (part**2).sum() * (shown**2).sum()
            found[down, across] = (part * shown).sum() / np.sqrt(squares + 1e-3)
            if down == across == HALVES:
                energies[top, left] = max((part**2).sum(), (shown**2).sum())
        likeness[top, left] = found.max()
    detailed = [likeness[key] for key in likeness if energies[key] > LEAST_ENERGY]
    asked = detailed if len(detailed) >= FEW else list(likeness.values())
    return float(np.median(asked)) if asked else 0.0


@pytest.mark.parametrize(
    ("one", "other"), [((0, 0, 0), (0, 1, 1)), ((1, 0, 2), (1, 2, 0)), ((2, 0, 3), (2, 0, 0))]
)
def test_the_parts_correlate_as_defined(
    one: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    left, right = (flat(SINGLES[name], edit, seed) for name, edit, seed in (one, other))
    there, back = by_definition(left, right), by_definition(right, left)
    found = aligned.alike_in_parts(left, right, 2.0)
    assert found == pytest.approx(max(there, back), abs=1e-5)


some = st.tuples(st.sampled_from(SINGLES[:3]), st.integers(0, 2), st.integers(0, 7))


@given(st.lists(st.tuples(some, some), min_size=1, max_size=5))
def test_what_is_tried_first_decides_nothing(
    pairs: list[tuple[tuple[str, int, int], tuple[str, int, int]]],
) -> None:
    left, right = (np.concatenate([flat(*pair[side]) for pair in pairs]) for side in (0, 1))
    most = aligned.alike_in_parts(left, right, 2.0)
    found = aligned.alike_in_parts(left, right, LEAST_PARTS)
    assert ((found < LEAST_PARTS) == (most < LEAST_PARTS)).all()
    assert (found[found < LEAST_PARTS] == most[most < LEAST_PARTS]).all()
    alone = [
        aligned.alike_in_parts(left[[n]], right[[n]], LEAST_PARTS)[0] for n in range(len(left))
    ]
    assert found.tolist() == alone


def test_planes_that_are_known_decide_nothing_either() -> None:
    names = SINGLES[:4]
    left = np.concatenate([flat(name, 0, n) for n, name in enumerate(names)])
    right = np.concatenate([flat(name, n % 3, n + 1) for n, name in enumerate(names)])
    _, planes = registration.agreement_by_planes(left, right)
    likeness = registration.flat_correlation(left, right)
    known = aligned.differ_in_parts(left, right, likeness, planes)
    for one, other in zip(known, aligned.differ_in_parts(left, right, likeness), strict=True):
        assert one.tolist() == other.tolist()
