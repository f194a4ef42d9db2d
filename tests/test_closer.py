"""Two pages looked at closer: what is compared first, and nearby alone, decides nothing."""

from functools import lru_cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_pictures import text_page
from PIL import Image, ImageFilter

from pictures import bandpass
from pictures.bandpass import Gray
from pictures.closer import PART_CORRELATION, PART_ENERGY, PART_REACH, PARTS, seen_closer
from pictures.looks import PAGE_SIDE
from pictures.registration import Flat, by_shift, flattened

SIDE = PAGE_SIDE
PART = SIDE // PARTS
ROOM = 50  # more than any shift


def blurred(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(1.5))


def with_words_of(image: Image.Image, other: Image.Image) -> Image.Image:
    box = (60, 200, 560, 320)
    image = image.copy()
    image.paste(other.crop(box), box)
    return image


@lru_cache
def page(number: int, edit: int) -> Gray:
    image = text_page(number, (877, 620) if number == 2 else (620, 877))
    width, height = image.size
    edits = (
        image,
        image.crop((width // 30, height // 50, width, height)),
        blurred(image),
        with_words_of(image, text_page(9)),
        image.point(lambda level: 255 - (255 - level) // 3),
        image.resize((90, 120)),
    )
    small: Gray = np.asarray(edits[edit].resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    return small


def moved(picture: Flat, down: int, across: int) -> Flat:
    room = np.pad(picture, ROOM)
    top, start = ROOM - down, ROOM - across
    return room[top : top + SIDE, start : start + SIDE]


def alike_by_definition(left: Flat, right: Flat, shift: tuple[int, int]) -> bool:
    ones, there = moved(left, *shift), moved(np.ones_like(left), *shift)
    beside = range(-PART_REACH, PART_REACH + 1)
    others = [moved(right, down, across) for down, across in product(beside, beside)]
    for top, start in product(range(0, SIDE, PART), repeat=2):
        place = slice(top, top + PART), slice(start, start + PART)
        part = ones[place]
        strength = max((part**2).sum(), (right[place] ** 2).sum())
        if not there[place].all() or strength <= PART_ENERGY:
            continue
        energies = [(part**2).sum() * (other[place] ** 2).sum() for other in others]
        sums = [(part * other[place]).sum() for other in others]
        if max(np.array(sums) / np.sqrt(np.array(energies) + 1e-3)) < PART_CORRELATION:
            return False
    return True


def by_definition(one: Gray, other: Gray, needed: float) -> tuple[float, bool]:
    p, q = flattened(one[None]), flattened(other[None])
    found = by_shift(p, q)[0]
    reach = len(found) // 2
    down, across = (reach - int(n) for n in divmod(found.argmax(), len(found)))
    alike = alike_by_definition(p[0], q[0], (down, across))
    alike = alike and alike_by_definition(q[0], p[0], (-down, -across))
    return float(found.max()), found.max() >= needed and alike


pages = st.tuples(st.integers(0, 3), st.integers(0, 5))


@settings(max_examples=40)
@given(pages, pages, st.sampled_from([0.85, 0.94]))
def test_two_pages_are_seen_as_defined(
    left: tuple[int, int], right: tuple[int, int], needed: float
) -> None:
    one, other = page(*left), page(*right)
    likeness, alike = by_definition(one, other, needed)
    found = seen_closer(one, other, needed, fully=False)
    assert found[1] == alike
    if alike:
        assert found[0] == pytest.approx(likeness, abs=1e-5)
    else:
        assert found[0] < needed or likeness >= needed
    assert seen_closer(one, other, needed, fully=True) == (pytest.approx(likeness), alike)


def test_some_of_these_pages_are_alike_and_others_differ_in_a_part_alone() -> None:
    """Else the test before would show little."""
    likeness = {
        edit: seen_closer(page(1, 0), page(1, edit), 0.85, fully=False) for edit in range(6)
    }
    assert [edit for edit, (_, alike) in likeness.items() if alike] == [0, 2, 4, 5]
    assert likeness[3][0] > 0.85


def test_larger_pictures_are_blurred_in_strips_as_others_are() -> None:
    levels = np.stack([page(0, 0), page(2, 2)]).astype(np.float32)
    for deviation in (bandpass.FINE, bandpass.COARSE):
        kernel = bandpass._gaussian(SIDE, deviation)
        whole = kernel @ levels @ kernel.T
        assert np.abs(bandpass._blur(levels, deviation) - whole).max() < 1e-3
