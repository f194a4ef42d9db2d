"""Of pictures that lie on sides, only those of different sides are compared."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from made_pictures import CAT, COFFEE, cropped, encoded, look_of, photo, toned, with_exif
from PIL import ImageOps
from test_grouping import SEARCHES, clustered_hashes, components, pairs_by_counting
from test_matching import ALIKE, crowd

from grouping import SMALL_ACROSS, Match, supported_clusters
from pictures import connected, crowds, exhaustive, hamming, matching
from pictures.connected import cluster
from pictures.hamming import close_pairs, close_turned_pairs, pack
from pictures.images import SEVERAL
from pictures.looks import Look
from pictures.presets import PRESETS
from pictures.sides import (
    close_pairs_across,
    close_pairs_between,
    close_turned_pairs_across,
    may_be_compared,
)

some_sides = st.lists(st.sampled_from([SEVERAL, 0, 1, 2]), min_size=40, max_size=40)


def listed(found: Any) -> list[tuple[int, ...]]:
    return list(zip(*(values.tolist() for values in found), strict=True))


def some_hashes(seed: int, count: int = 40) -> list[bytes]:
    return clustered_hashes(np.random.default_rng(seed), count, 32)


# ---- Candidates


@settings(max_examples=25)
@given(st.integers(0, 99), some_sides, st.sampled_from(list(SEARCHES)))
@example(0, [0] * 40, "blocks")
@example(0, [SEVERAL] * 40, "bands")
def test_the_close_pairs_are_those_of_an_ordinary_search_that_lie_apart(
    seed: int, given_sides: list[int], search: str
) -> None:
    sides, hashes = np.array(given_sides), pack(some_hashes(seed))
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(hamming, "bands_pay", SEARCHES[search])
        every = [pair for found in close_pairs(hashes, 20) for pair in listed(found)]
        found = [p for block in close_pairs_across(hashes, 20, sides) for p in listed(block)]
        both = (sides, sides)
        ways = [p for b in close_pairs_between(hashes, 20, hashes, both) for p in listed(b)]
    wanted = {pair for pair in every if may_be_compared(sides, *pair[:2])}
    assert set(found) == wanted
    assert len(found) == len(wanted), "a pair came twice"
    back = {(j, i, distance) for i, j, distance in wanted}
    assert {way for way in ways if way[0] != way[1]} == wanted | back


@settings(max_examples=12)
@given(st.integers(0, 99), some_sides, st.sampled_from(list(SEARCHES)))
def test_so_are_the_turned_pairs(seed: int, given_sides: list[int], search: str) -> None:
    rng = np.random.default_rng(seed)
    sides = np.array(given_sides)
    signs = rng.integers(0, 2**64, (40, 4), np.uint64)
    signs[20:] = signs[:20] ^ np.uint64(seed)
    transposed = signs[:, [0, 2, 1, 3]]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(hamming, "bands_pay", SEARCHES[search])
        arguments = signs, transposed, 110
        every = [(n, *p) for n, found in close_turned_pairs(*arguments) for p in listed(found)]
        across = close_turned_pairs_across(*arguments, sides)
        found = [(n, *p) for n, block in across for p in listed(block)]
    wanted = {row for row in every if may_be_compared(sides, *row[1:3])}
    assert len(every) > 20
    assert set(found) == wanted
    assert len(found) == len(wanted), "a pair came twice"


def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pairs of words are compared, a block each."""
    blocks: list[int] = []
    distances = exhaustive.distances

    def counted(rows: Any, columns: Any) -> Any:
        blocks.append(rows.shape[1] * columns.shape[1])
        return distances(rows, columns)

    monkeypatch.setattr(exhaustive, "distances", counted)
    return blocks


def test_pictures_of_one_side_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A card of 64 against a library of 2,000: no filter afterwards, but so many pairs fewer."""
    blocks = compared(monkeypatch)
    hashes = pack(some_hashes(1, 2064))
    sides = np.array([0] * 2000 + [1] * 64)
    list(close_pairs_across(hashes, 20, sides))
    assert sum(blocks) <= 2 * 2000 * 64
    blocks.clear()
    list(close_turned_pairs_across(hashes, hashes, 20, sides))
    assert sum(blocks) <= 4 * 2000 * 64
    blocks.clear()
    list(close_pairs(hashes, 20))
    assert sum(blocks) > 2064 * 2064 / 2


# ---- Matches


def varied() -> list[Look]:
    """Versions of two pictures, turned, framed, cropped and of a burst."""
    looks: list[Look] = []
    for name in (CAT, COFFEE):
        image = photo(name)
        looks += [
            look_of(data, parts=True)
            for data in (
                encoded(image, "JPEG", quality=90),
                toned(image),
                ImageOps.mirror(image),
                image.rotate(90, expand=True),
                image.rotate(270, expand=True),
                ImageOps.expand(image, 60, "white"),
                cropped(image, 0.7),
                with_exif(cropped(image, 0.85, 0.3, 0.3), "2024:05:01 10:00:00"),
                with_exif(cropped(image, 0.85, 0.7, 0.7), "2024:05:01 10:00:01"),
            )
        ]
    return looks


@pytest.mark.parametrize("preset", ["similar", "crops"])
def test_the_matches_are_those_of_an_ordinary_find_that_lie_apart(
    preset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing is so surely the same that it needs no second way."""
    monkeypatch.setattr(crowds, "is_certain", lambda _: False)
    looks, rules = varied(), PRESETS[preset]
    every = set(matching.find_matches(looks, rules))
    assert {m.view for m in every} >= {"whole", "mirrored", "inside a frame", "burst"}
    for given_sides in ([n % 2 for n in range(18)], [n % 3 - 1 for n in range(18)]):
        sides = np.array(given_sides)
        found = list(matching.find_matches(looks, rules, sides=sides))
        assert set(found) == {m for m in every if may_be_compared(sides, m.left, m.right)}


# ---- Groups


def grouped(digests: Sequence[str], looks: Sequence[Look | None], sides: list[int]) -> list[Any]:
    rules = PRESETS["similar"]
    search = matching.by_looks(looks, rules, sides=sides)
    return [c.members for c in matching.group_by(digests, looks, [search], sides)[0]]


def test_two_of_one_side_are_joined_by_one_of_the_other_alone() -> None:
    looks = [look_of(encoded(photo(CAT), "JPEG", quality=q)) for q in (95, 60, 30)]
    digests = ["a", "b", "c"]
    assert grouped(digests, looks, [0, 1, 0]) == [[0, 1, 2]]
    assert grouped(digests, looks, [0, 0, 1]) == [[0, 1, 2]]
    assert grouped(digests, looks, [0, 0, 0]) == []
    assert grouped(digests[:2], looks[:2], [0, 0]) == []


def test_identical_files_of_one_side_are_no_group_without_one_of_the_other() -> None:
    look = look_of(photo(CAT))
    for seen in (look, None):
        assert grouped(["a", "a", "a"], [seen] * 3, [0, 0, 0]) == []
        assert grouped(["a", "a", "a"], [seen] * 3, [0, 0, 1]) == [[0, 1, 2]]
        assert grouped(["a", "a"], [seen] * 2, [0, SEVERAL]) == [[0, 1]]


def test_which_number_a_side_has_changes_no_group() -> None:
    looks = [*crowd(40, ALIKE), *varied()[:9]]
    digests = [str(n) for n in range(49)]
    sides = [n % 3 for n in range(49)]
    first = grouped(digests, looks, sides)
    assert first
    for numbers in ((2, 1, 0), (1, 2, 0), (7, 3, 5)):
        assert grouped(digests, looks, [numbers[side] for side in sides]) == first


def test_a_crowd_on_two_sides_is_one_group_and_on_one_side_none() -> None:
    looks, digests = crowd(40, ALIKE), [str(n) for n in range(40)]
    assert grouped(digests, looks, [n % 2 for n in range(40)]) == [list(range(40))]
    assert grouped(digests, looks, [0] * 40) == []
    assert grouped(digests, looks, [0] * 39 + [1])[0][-1] == 39


def test_a_thread_between_two_crowds_does_not_join_them() -> None:
    """The pictures of either are held together by those on the other side, as they should be."""
    one, other = range(10), range(10, 20)
    matches = [
        Match(a, b, 30, 0.6, "whole")
        for members in (one, other)
        for a in members
        for b in members
        if a < b and a % 2 != b % 2
    ]
    thread = [Match(0, 11, 30, 0.5, "whole")]
    clusters = supported_clusters(20, [*matches, *thread], small=SMALL_ACROSS)
    assert [c.members for c in clusters] == [list(one), list(other)]
    more = [Match(n, n + 11, 30, 0.5, "whole") for n in (1, 3)]
    (everything,) = supported_clusters(20, [*matches, *thread, *more], small=SMALL_ACROSS)
    assert everything.members == list(range(20))


def test_pairs_of_a_picture_and_its_like_on_the_other_side_make_no_chain() -> None:
    """A third one is joined by any match, two pairs only where both of one match the other."""
    pairs = [Match(n, n + 1, 30, 0.8, "whole") for n in range(0, 8, 2)]
    threads = [Match(n, n + 3, 30, 0.5, "whole") for n in range(0, 6, 2)]
    alone = Match(1, 8, 30, 0.5, "whole")

    def members(*matches: Match) -> list[list[int]]:
        found = supported_clusters(9, [*pairs, *matches], small=SMALL_ACROSS)
        return [cluster.members for cluster in found]

    assert members(*threads) == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert members(alone) == [[0, 1, 8], [2, 3], [4, 5], [6, 7]]
    assert members(threads[0], Match(1, 2, 30, 0.5, "whole"))[0] == [0, 1, 2, 3]


# ---- By a threshold


@given(st.integers(0, 999), st.data())
def test_by_a_threshold_what_lies_apart_is_connected(seed: int, data: st.DataObject) -> None:
    hashes = some_hashes(seed, 24)
    hashes[20:] = hashes[:4]
    digests = data.draw(st.lists(st.integers(0, 60), min_size=24, max_size=24))
    sides = data.draw(st.lists(st.sampled_from([0, 1, 2]), min_size=24, max_size=24))
    near = pairs_by_counting(hashes, 20)
    same = {(i, j) for j in range(24) for i in range(j) if digests[i] == digests[j]}
    pairs = {(i, j) for i, j in near | same if sides[i] != sides[j]}
    # Files of one content, or hash, stand for each other where one of them is in a group.
    alike = same | {(i, j) for i, j in near if hashes[i] == hashes[j]}
    expected = [
        group
        for group in components(24, pairs | alike)
        if len({sides[member] for member in group}) > 1
    ]
    assert cluster(digests, hashes, 20, sides) == expected


def test_a_sample_of_one_side_connects_what_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connected, "SAMPLE", 4)
    hashes = some_hashes(3, 80)
    digests = list(range(80))
    for sides in ([n // 40 for n in range(80)], [n % 2 for n in range(80)], [0] * 79 + [1]):
        near = {(i, j) for i, j in pairs_by_counting(hashes, 40) if sides[i] != sides[j]}
        assert cluster(digests, hashes, 40, sides) == components(80, near)
