"""Pictures within the threshold of each other share a group: all of them, and no others."""

import json
import os
import random
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from unittest import mock

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import example, given
from hypothesis import strategies as st

import grouping
from grouping import Match, UnionFind, supported_clusters
from pictures import connected, hamming
from pictures.connected import cluster
from pictures.effort import Tell, in_threads
from pictures.hamming import close_pairs, close_turned_pairs, pack

Pairs = set[tuple[int, int]]
WIDTHS = (1, 2, 5, 8, 9, 32, 33, 128, 512)  # in bytes; 64-bit words are compared
Make = Callable[[np.random.Generator, int, int], list[bytes]]


def pairs_of(hashes: Sequence[bytes], threshold: int, *, both_ways: bool = False) -> Pairs:
    found: Pairs = set()
    for left, right, _ in close_pairs(pack(hashes), threshold, both_ways=both_ways):
        pairs = list(zip(left.tolist(), right.tolist(), strict=True))
        assert len({*pairs} - found) == len(pairs), "a pair came twice"
        found.update(pairs)
    return found


def pairs_by_counting(hashes: Sequence[bytes], threshold: int) -> Pairs:
    numbers = [int.from_bytes(bits) for bits in hashes]
    return {
        (i, j)
        for i in range(len(numbers))
        for j in range(i + 1, len(numbers))
        if (numbers[i] ^ numbers[j]).bit_count() <= threshold
    }


def distances(left: Sequence[bytes], right: Sequence[bytes]) -> np.ndarray:
    """In how many bits each of the left differs from each of the right, by multiplication."""
    ones, others = (
        np.unpackbits(np.array([[*bits] for bits in hashes], np.uint8), axis=1) * 2.0 - 1
        for hashes in (left, right)
    )
    return ((ones.shape[1] - ones @ others.T) / 2).astype(int)


def triples_of(distances: np.ndarray, close: np.ndarray) -> set[tuple[int, int, int]]:
    """The numbers of the two of each close pair, and their distance."""
    left, right = np.nonzero(close)
    return {*zip(left.tolist(), right.tolist(), distances[close].tolist(), strict=True)}


def components(count: int, pairs: Pairs) -> list[list[int]]:
    """What is connected, found by walking from neighbour to neighbour."""
    neighbours: dict[int, set[int]] = {number: set() for number in range(count)}
    for i, j in pairs:
        neighbours[i].add(j)
        neighbours[j].add(i)
    found, seen = [], set()
    for start in range(count):
        members, ahead = [], [start]
        while ahead:
            number = ahead.pop()
            if number not in seen:
                seen.add(number)
                members.append(number)
                ahead.extend(neighbours[number])
        if len(members) > 1:
            found.append(sorted(members))
    return found


def random_hashes(rng: np.random.Generator, count: int, width: int) -> list[bytes]:
    return [row.tobytes() for row in rng.integers(0, 256, (count, width), dtype=np.uint8)]


def clustered_hashes(
    rng: np.random.Generator, count: int, width: int, centres: int = 3, flips: int = 12
) -> list[bytes]:
    """Copies of a few hashes with some bits changed in each."""
    bits = rng.integers(0, 2, (centres, width * 8), dtype=np.uint8)
    bits = bits[rng.integers(0, centres, count)]
    for row in bits:
        row[rng.integers(0, width * 8, flips)] ^= 1
    return [row.tobytes() for row in np.packbits(bits, axis=1)]


def skewed_hashes(rng: np.random.Generator, count: int, width: int) -> list[bytes]:
    """Almost all bits set or almost none, so that distances are very small or very large."""
    rows = np.where(rng.random((count, 1)) < 0.5, np.uint8(0), np.uint8(255))
    rows = rows ^ (rng.random((count, width)) < 0.05).astype(np.uint8)
    return [row.astype(np.uint8).tobytes() for row in rows]


@st.composite
def some_hashes(draw: st.DrawFn) -> list[bytes]:
    make = draw(st.sampled_from([random_hashes, clustered_hashes, skewed_hashes]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    return make(rng, draw(st.integers(0, 60)), draw(st.sampled_from(WIDTHS)))


@given(some_hashes(), st.floats(0, 1))
def test_the_close_pairs_are_those_that_counting_finds(
    hashes: list[bytes], fraction: float
) -> None:
    most = len(hashes[0]) * 8 if hashes else 8
    for threshold in (0, 12, 40, 127, 255, 256, int(fraction * most)):
        assert pairs_of(hashes, threshold) == pairs_by_counting(hashes, threshold)


@given(st.lists(st.binary(min_size=5, max_size=5), max_size=12), st.integers(0, 39))
@example([b"\0\0\0\0\0", b"\0\0\0\0\x01"], 0)
def test_the_close_pairs_of_hand_picked_hashes(hashes: list[bytes], threshold: int) -> None:
    assert pairs_of(hashes, threshold) == pairs_by_counting(hashes, threshold)


@pytest.mark.parametrize("make", [random_hashes, clustered_hashes, skewed_hashes])
def test_no_pair_is_lost_between_the_blocks(make: Make) -> None:
    """More hashes than fit a block, in both directions, with distances by multiplication."""
    hashes = make(np.random.default_rng(3), 3000, 32)
    among = distances(hashes, hashes)
    for threshold in (10, 100):
        left, right = np.nonzero(np.triu(among <= threshold, 1))
        found = [np.stack(block[:2]) for block in close_pairs(pack(hashes), threshold)]
        both = np.concatenate(found, axis=1) if found else np.empty((2, 0), int)
        order = np.lexsort(both[::-1])
        assert np.array_equal(both[:, order], np.stack([left, right]))


SEARCHES = {"bands": lambda *_: True, "blocks": lambda *_: False}


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("make", [random_hashes, clustered_hashes, skewed_hashes])
def test_the_searches_find_the_same_pairs(
    make: Make, search: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hamming, "bands_pay", SEARCHES[search])
    monkeypatch.setattr(hamming, "CHUNK", 1000)
    for count, width in ((400, 32), (60, 8), (300, 16), (200, 64)):
        rng = np.random.default_rng(count)
        left, right = make(rng, count, width), clustered_hashes(rng, count // 2, width)
        right += left[: count // 2]
        between = distances(left, right)
        for threshold in (0, width // 2 - 1, width // 2, width // 2 + 3, width - 1):
            assert pairs_of(left, threshold) == pairs_by_counting(left, threshold)
            near = between <= threshold
            assert triples(left, right, threshold, both_ways=True) == triples_of(between, near)
            ahead = triples_of(between, np.triu(near, 1))
            assert triples(left, right, threshold, both_ways=False) == ahead


@pytest.mark.parametrize("search", SEARCHES)
def test_no_hash_is_paired_with_itself(search: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hamming, "bands_pay", SEARCHES[search])
    hashes = clustered_hashes(np.random.default_rng(4), 100, 32)
    ahead = pairs_of(hashes, 20)
    assert ahead
    assert pairs_of(hashes, 20, both_ways=True) == ahead | {(j, i) for i, j in ahead}


def test_many_hashes_and_a_small_threshold_are_searched_by_bands() -> None:
    rng = np.random.default_rng(5)
    spread, crowd = (pack(make(rng, 8000, 32)) for make in (random_hashes, skewed_hashes))
    assert hamming.bands_pay(spread, 31, None)
    assert not hamming.bands_pay(spread, 31, None, 15), "blocks compare turned ones all at once"
    assert not hamming.bands_pay(spread, 32, None), "bands find pairs up to 31 bits apart"
    assert not hamming.bands_pay(crowd, 31, None), "most pairs would be candidates"
    assert not hamming.bands_pay(spread[:3000], 31, None), "so few are compared more quickly"


def turned_signs(signs: np.ndarray, number: int) -> np.ndarray:
    """What the signs of 16 x 16 frequencies become: by their definition, bit by bit."""
    if number >= 8:
        return ~turned_signs(signs, number - 8)
    if number >= 4:
        signs = signs.swapaxes(1, 2)
    odd = np.arange(16) % 2 == 1
    columns, rows = number in (1, 3, 5, 7), number in (2, 3, 6, 7)
    return signs ^ (columns * odd)[None, None, :] ^ (rows * odd)[None, :, None]


def words_of(signs: np.ndarray) -> np.ndarray:
    quarters = [signs[:, row::2, column::2].reshape(-1, 64) for row in (0, 1) for column in (0, 1)]
    return np.packbits(np.concatenate(quarters, axis=1), axis=1).view(np.uint64)


@pytest.mark.parametrize(
    ("search", "threshold"),
    [*(("bands", bits) for bits in (0, 20, 31)), *(("blocks", bits) for bits in (0, 31, 48, 130))],
)
def test_turned_pairs_are_those_that_turning_finds(
    search: str, threshold: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hamming, "bands_pay", SEARCHES[search])
    rng = np.random.default_rng(threshold)
    signs = rng.random((40, 16, 16)) < 0.5
    for copy in range(20, 40):  # of another one, turned, with some bits changed
        signs[copy] = turned_signs(signs[[copy - 20]], copy % 16)[0]
        signs[copy] ^= rng.random((16, 16)) < 0.04 * (copy % 3)
    wanted = set()
    for number in range(1, 16):
        differing = words_of(turned_signs(signs, number))[:, None] ^ words_of(signs)[None]
        distances = np.bitwise_count(differing).sum(axis=2, dtype=int)
        for i, j in zip(*np.nonzero(np.triu(distances <= threshold, 1)), strict=True):
            wanted.add((number, int(i), int(j), int(distances[i, j])))
    assert wanted
    found = [
        (number, *pair)
        for number, pairs in close_turned_pairs(
            words_of(signs), words_of(signs.swapaxes(1, 2)), threshold
        )
        for pair in zip(*(values.tolist() for values in pairs), strict=True)
    ]
    assert len(found) == len(set(found)), "a pair came twice"
    assert set(found) == wanted


def test_pictures_256_bits_apart_match_at_no_threshold_below() -> None:
    """A byte can't hold 256 and would say 0."""
    for hashes in (
        [b"\0" * 32, b"\xff" * 32],
        [b"\0" * 64, b"\xff" * 32 + b"\0" * 32],
        [b"\0" * 512, b"\xff" * 512],
    ):
        for threshold in (0, 1, 40, 254, 255):
            assert pairs_of(hashes, threshold) == set()
    assert pairs_of([b"\0" * 32, b"\xff" * 32], 256) == {(0, 1)}


def triples(
    left: list[bytes], right: list[bytes], threshold: int, *, both_ways: bool
) -> set[tuple[int, int, int]]:
    found: list[tuple[int, int, int]] = []
    for block in close_pairs(pack(left), threshold, pack(right), both_ways=both_ways):
        found += zip(*(values.tolist() for values in block), strict=True)
    assert len(found) == len(set(found)), "a pair came twice"
    return set(found)


HASHES_OF_256_BITS = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=20)


@given(HASHES_OF_256_BITS, HASHES_OF_256_BITS, st.sampled_from([0, 60, 127, 255]))
@example([b"\0" * 32, b"\x0f" * 32], [b"\0" * 32, b"\x0f" * 32, b"\xff" * 32], 127)
def test_two_sets_of_hashes_are_compared_with_each_other(
    left: list[bytes], right: list[bytes], threshold: int
) -> None:
    """All pairs with their distances, or only those in which the left one comes first."""
    counted = {
        (i, j, (int.from_bytes(one) ^ int.from_bytes(other)).bit_count())
        for i, one in enumerate(left)
        for j, other in enumerate(right)
    }
    close = {triple for triple in counted if triple[2] <= threshold}
    assert triples(left, right, threshold, both_ways=True) == close
    ahead = {(i, j, distance) for i, j, distance in close if i < j}
    assert triples(left, right, threshold, both_ways=False) == ahead


@pytest.mark.parametrize("both_ways", [False, True])
def test_no_pair_of_two_sets_is_lost_between_the_blocks(both_ways: bool) -> None:
    rng = np.random.default_rng(9)
    left, right = (pack(clustered_hashes(rng, count, 8)) for count in (700, 5000))
    distances = np.bitwise_count(left[:, None, 0] ^ right[None, :, 0])
    close = distances <= 20 if both_ways else np.triu(distances <= 20, 1)
    blocks = list(close_pairs(left, 20, right, both_ways=both_ways))
    assert sum(len(i) for i, _, _ in blocks) == close.sum() > 1000
    for i, j, distance in blocks:
        assert close[i, j].all()
        assert np.array_equal(distances[i, j], distance)


def test_the_threshold_itself_is_close_and_one_more_is_not() -> None:
    zero, forty = bytes(32), bytes([255] * 5 + [0] * 27)
    assert pairs_of([zero, forty], 40) == {(0, 1)}
    assert pairs_of([zero, forty], 39) == set()


# ---- Groups


@given(some_hashes(), st.floats(0.3, 0.6), st.integers(1, 3))
def test_groups_are_the_same_where_a_sample_connects_most_hashes(
    hashes: list[bytes], share: float, sample: int
) -> None:
    hashes = list(dict.fromkeys(hashes))
    threshold = int(share * 8 * len(hashes[0])) if hashes else 0
    with mock.patch.object(connected, "SAMPLE", sample):
        found = cluster(range(len(hashes)), hashes, threshold)
    assert found == components(len(hashes), pairs_by_counting(hashes, threshold))


@pytest.mark.parametrize("sides", [None, [0, 1], [0, 1, 2, 1]])
@pytest.mark.parametrize("near", [0, 120])
def test_all_pairs_that_a_threshold_compares_are_told(near: int, sides: list[int] | None) -> None:
    """Also those of hashes that a sample connects and others that it doesn't."""
    rng, begun, told = np.random.default_rng(6), [], list[int]()
    hashes = [*(bytes([n]) + bytes(31) for n in range(near)), *random_hashes(rng, 40, 32)]

    @contextmanager
    def watch(what: str, total: int, of: str) -> Iterator[Tell]:
        begun.append((what, total, of))
        yield told.append

    by_hash = None if sides is None else (sides * len(hashes))[: len(hashes)]
    with mock.patch.object(connected, "SAMPLE", 9):
        cluster(range(len(hashes)), hashes, 20, by_hash, in_threads(1, watch))
    ((what, total, of),) = begun
    assert (what, of) == ("Comparing hashes", "pairs")
    assert sum(told) == total
    if sides is None:
        assert total == 40 * 39 // 2 + 40 * near


def test_a_threshold_that_connects_nearly_all_takes_seconds_not_minutes() -> None:
    hashes = random_hashes(np.random.default_rng(5), 40_000, 32)
    start = time.process_time()
    assert cluster(range(len(hashes)), hashes, 127) == [list(range(len(hashes)))]
    assert time.process_time() - start < 10  # each pair by itself takes 26


@given(some_hashes(), st.sampled_from([0, 12, 40, 127, 255]), st.data())
def test_groups_are_what_hangs_together_by_hash_or_by_content(
    hashes: list[bytes], threshold: int, data: st.DataObject
) -> None:
    several = st.lists(st.integers(0, 50), min_size=len(hashes), max_size=len(hashes))
    digests = data.draw(several)
    known = [bits if data.draw(st.booleans()) else None for bits in hashes]
    pairs = {
        (i, j)
        for i, j in pairs_by_counting(hashes, threshold)
        if known[i] is not None and known[j] is not None
    }
    count = len(hashes)
    pairs |= {(i, j) for j in range(count) for i in range(j) if digests[i] == digests[j]}
    assert cluster(digests, known, threshold) == components(count, pairs)


@st.composite
def some_matches(draw: st.DrawFn) -> list[Match]:
    pairs = st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda pair: pair[0] < pair[1])
    chosen = draw(st.lists(pairs, max_size=40, unique=True))
    strengths = st.sampled_from([0.5, 0.6, 0.95])
    return [Match(*pair, draw(st.integers(0, 40)), draw(strengths), "whole") for pair in chosen]


STRONG = [Match(0, 6, 1, 0.9, ""), Match(0, 7, 1, 0.9, "")]
EQUALS = [*STRONG, Match(1, 2, 1, 0.9, ""), Match(1, 3, 1, 0.9, "")]


@given(some_matches(), st.integers(0, 40))
@example([*EQUALS, Match(2, 6, 30, 0.5, ""), Match(2, 7, 30, 0.4, "")], 0)
def test_clusters_merge_as_the_rule_says(found: list[Match], certain: int) -> None:
    """The rule, step by step and without anything that makes it quick."""
    clusters = [{number} for number in range(12)]
    friends = [{m.left + m.right - n for m in found if n in (m.left, m.right)} for n in range(12)]
    for match in sorted(found, key=lambda m: (-m.correlation, m.distance, m.left, m.right)):
        both = [c for c in clusters if match.left in c or match.right in c]
        if len(both) == 1:
            continue
        small, large = sorted(both, key=len)
        ways = [(small, large), (large, small)] if len(small) == len(large) else [(small, large)]
        support = max(sum(bool(friends[m] & others) for m in some) for some, others in ways)
        if (
            match.distance < certain
            or len(small) < 3
            or support >= max(2, grouping.SUPPORT * len(small))
        ):
            clusters = [c for c in clusters if c not in both] + [small | large]
    made = supported_clusters(12, found, lambda match: match.distance < certain)
    assert [c.members for c in made] == sorted(sorted(c) for c in clusters if len(c) > 1)


def test_pictures_without_a_hash_match_identical_files_only() -> None:
    assert cluster(["a", "b", "c"], [None, None, None], 255) == []
    assert cluster(["a", "b", "a"], [None, None, None], 255) == [[0, 2]]
    assert cluster(["a", "b"], [None, b"\0" * 32], 255) == []


def test_a_chain_of_close_pictures_is_one_group() -> None:
    """The ends may be further apart than the threshold."""
    chain = [bytes([255] * length + [0] * (32 - length)) for length in range(8)]
    assert cluster(list(range(8)), chain, 8) == [list(range(8))]
    assert cluster(list(range(8)), chain, 7) == []


def test_nothing_and_a_single_picture_are_no_group() -> None:
    assert cluster([], [], 40) == []
    assert cluster(["a"], [b"\0" * 32], 40) == []


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60), st.randoms())
def test_the_order_of_unions_does_not_matter(
    pairs: list[tuple[int, int]], rng: random.Random
) -> None:
    expected = components(31, {(a, b) for a, b in pairs if a != b})
    sets, at_once = UnionFind(31), UnionFind(31)
    shuffled = pairs.copy()
    rng.shuffle(shuffled)
    for a, b in shuffled:
        sets.union(a, b)
    left, right = np.array(pairs, int).reshape(-1, 2).T
    at_once.union_all(left, right)
    assert sets.groups() == at_once.groups() == expected


def test_every_process_finds_the_same_groups_in_the_same_order() -> None:
    program = """
import random
from pictures.connected import cluster
rng = random.Random(5)
centres = [rng.randbytes(32) for _ in range(40)]
hashes = [bytearray(rng.choice(centres)) for _ in range(600)]
for bits in hashes:
    bits[rng.randrange(32)] ^= 1 << rng.randrange(8)
digests = [str(rng.randrange(100_000)) for _ in hashes]
print(cluster(digests, [bytes(bits) for bits in hashes], 5))
"""
    said = set()
    for seed in ("0", "1", "4242", "random"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", program]
        said.add(subprocess.check_output(command, cwd=ROOT, env=environment, text=True))
    assert len(said) == 1
    groups = json.loads(said.pop())
    assert len(groups) > 10
    assert groups == sorted(sorted(group) for group in groups)


# ---- Large libraries


def seconds(count: int, hashes: Sequence[bytes | None], threshold: int = 40) -> float:
    start = time.process_time()
    cluster(list(range(count)), hashes, threshold)
    return time.process_time() - start


def test_20_000_pictures_take_seconds() -> None:
    assert seconds(20_000, random_hashes(np.random.default_rng(1), 20_000, 32)) < 30


def test_thousands_of_equal_or_nearly_equal_pictures_take_seconds() -> None:
    same = [b"\x5a" * 32] * 10_000
    assert seconds(10_000, same) < 5
    assert cluster(list(range(10_000)), same, 0) == [list(range(10_000))]
    near = clustered_hashes(np.random.default_rng(2), 5_000, 32, centres=1)
    assert len(set(near)) > 4_900
    assert seconds(5_000, near) < 20


def test_memory_does_not_grow_with_the_square_of_the_library() -> None:
    hashes = pack(clustered_hashes(np.random.default_rng(2), 8_000, 32, centres=1))
    tracemalloc.start()
    try:
        for _ in close_pairs(hashes, 40):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40e6  # a byte for each pair would be 64 MB
