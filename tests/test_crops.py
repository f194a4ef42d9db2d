"""Parts of pictures are compared a few pictures at a time, and come out as all at once would."""

import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_pictures import CAT, COFFEE, cropped, look_of, photo

from pictures import bandpass, crops
from pictures.crowds import Known
from pictures.effort import Tell, in_threads
from pictures.hamming import pack
from pictures.looks import GRAY_SIDE, LARGE_SIDE, Look
from pictures.presets import PRESETS
from pictures.table import table_of

SIZE = 16  # of a hash, a side


def large(seed: int, count: int) -> np.ndarray:
    """Pictures that parts are cut out of."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 8, 8), np.uint8)
    return coarse.repeat(LARGE_SIDE // 8, 1).repeat(LARGE_SIDE // 8, 2)


@settings(max_examples=4)
@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 4))
def test_parts_and_their_hashes_are_those_of_all_at_once(seed: int, count: int, few: int) -> None:
    every = large(seed, count)
    pictures = crops._Large([picture.tobytes() for picture in every])
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(crops, "AT_ONCE", few)
        hashes = pictures.hashes_of_parts(SIZE)
    assert len(hashes) == len(bandpass.windows())
    for found, window in zip(hashes, bandpass.windows(), strict=True):
        parts = bandpass.cut_out(every, window, GRAY_SIDE)
        assert np.array_equal(found, pack(bandpass.hashes_of(parts, SIZE)))
        rows = list(range(0, count, 2))
        assert np.array_equal(pictures.parts(rows, window), parts[rows])


def test_the_search_for_parts_needs_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty pictures, and a part of each, would be 5 MB as 32-bit floats."""
    monkeypatch.setattr(crops, "AT_ONCE", 2)
    of_cat = look_of(photo(CAT), parts=True)
    looks: list[Look | None] = [
        replace(of_cat, large=picture.tobytes()) for picture in large(1, 48)
    ]
    coffee = photo(COFFEE)
    looks += [look_of(image, parts=True) for image in (coffee, cropped(coffee, 0.71, 0.3, 0.6))]
    table = table_of(looks)
    known = Known(len(looks))
    tracemalloc.start()
    try:
        found = list(crops.crops(crops.PartSearch(table, looks, PRESETS["crops"]), known))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert {(match.left, match.right) for match in found} == {(48, 49)}
    assert peak < 2e6


def test_each_step_of_the_search_for_parts_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cutting parts out takes half a minute of some 60,000 pictures."""
    monkeypatch.setattr(crops, "AT_ONCE", 2)
    of_cat = look_of(photo(CAT), parts=True)
    looks: list[Look | None] = [replace(of_cat, large=p.tobytes()) for p in large(3, 5)]
    begun, told = [], Counter[str]()

    @contextmanager
    def watch(what: str, total: int, of: str) -> Iterator[Tell]:
        begun.append((what, total, of))
        yield lambda more: told.update({what: more})

    effort = in_threads(1, watch)
    list(crops.PartSearch(table_of(looks), looks, PRESETS["crops"], effort=effort).pairs())
    assert begun[0] == ("Cutting out parts", 5, "pictures")
    assert begun[1] == ("Comparing parts", 5 * 5 * len(crops.PARTS), "pairs")
    assert all(told[what] == total for what, total, _ in begun)
