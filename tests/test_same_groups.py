"""A search finds the groups that comparing every pair by itself finds, however it is done."""

import itertools
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_pictures import (
    SINGLES,
    cropped,
    look_of,
    on_phone,
    photo,
    text_page,
    tilted,
    toned,
)
from PIL import ImageOps
from PIL.Image import Transpose

from grouping import Match
from pictures import bandpass, exhaustive, matching, sketch, verify
from pictures.effort import in_threads
from pictures.looks import Look
from pictures.presets import PRESETS, Rules
from pictures.table import Pairs, Table, table_of

EDITS = 9  # of each photo
SHOWN = len(SINGLES) * EDITS + 3
LOOPS = [
    "NumPy",
    pytest.param("Numba", marks=pytest.mark.skipif(not find_spec("numba"), reason="")),
]


@cache
def looks() -> list[Look]:
    """Looks of photos, of edits of each, and of pages."""
    images = [text_page(seed) for seed in range(3)]
    for name in SINGLES:
        image = photo(name)
        images += [
            image,
            toned(image),
            tilted(image, 2),
            cropped(image, 0.9),
            cropped(image, 0.8, 0.2),
            image.transpose(Transpose.FLIP_LEFT_RIGHT),
            toned(image).transpose(Transpose.ROTATE_90),
            ImageOps.invert(image),
            on_phone(image)[0],
        ]
    return [look_of(image) for image in images]


def by_every_pair(table: Table, rules: Rules) -> Iterator[Match]:
    """The matches among all pairs of rows in all ways, one way after the other."""
    rows = np.arange(len(table.owner))
    gray = table.gray[rows]
    signs, _ = bandpass.signs(gray)
    sketches = sketch.sketches(bandpass.spectrum(gray, sketch.SIDE))
    left, right = np.array(list(itertools.combinations(rows.tolist(), 2)), np.intp).T
    for way in bandpass.WAYS:
        upright = way == "upright"
        turned, _ = bandpass.signs(bandpass.turned(gray, way))
        ones, others = (table.hashes, table.hashes) if upright else (turned, signs)
        differing = np.bitwise_count(ones[left] ^ others[right]).sum(axis=1, dtype=np.int64)
        pairs = verify.within_limits(table, Pairs(left, right, differing, way), rules)
        if upright:
            pairs = pairs.where(verify.have_near_sketches(sketches, pairs, rules))
        else:
            pairs = pairs.where(~(table.framed[pairs.left] | table.framed[pairs.right]))
        yield from verify.matching_pairs(table, pairs, rules)


def groups_by(names: Sequence[str], some: Sequence[Look], method: matching.FindMatches) -> object:
    return [group.members for group in matching.group_by(names, some, [method])[0]]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("loop", LOOPS)
@settings(max_examples=6)
@given(st.sets(st.integers(0, SHOWN - 1), min_size=2, max_size=24))
def test_groups_are_those_of_every_pair_by_itself(
    loop: str, threads: int, numbers: set[int]
) -> None:
    some = [looks()[number] for number in sorted(numbers)]
    names, rules = [str(number) for number in sorted(numbers)], PRESETS["similar"]

    def every(files: Sequence[Sequence[int]]) -> Iterator[Match]:
        return by_every_pair(table_of([some[first] for first, *_ in files]), rules)

    expected = groups_by(names, some, every)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exhaustive, "MANY", 0 if loop == "Numba" else 1 << 62)
        search = matching.by_looks(some, rules, in_threads(threads))
        assert groups_by(names, some, search) == expected


def test_there_are_groups_of_several_kinds_here() -> None:
    """Else the test before would show little."""
    search = matching.by_looks(looks(), PRESETS["similar"])
    groups, views = matching.group_by([str(n) for n in range(SHOWN)], looks(), [search])
    assert len(groups) >= len(SINGLES)
    assert {"whole", "mirrored", "inverted"} <= views.keys()
