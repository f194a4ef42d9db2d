"""A find whose candidates come from an index: what it finds, and what it says it misses."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import Library
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("distributed", reason="pip install -r extras/cluster/requirements.txt")
pytest.importorskip("pyarrow", reason="pip install -r extras/cluster/requirements.txt")

from test_cluster import (  # noqa: F401 - fixtures
    Here,
    album,
    found_in,
    hashed_here,
    on_one_machine,
    small_parts,
    surveyed,
)

import finder
from actions.recall import Recall
from config import UserError
from disk.files import ImageFile
from extras.cluster import cells, colours, engine, index, indexed, rows, tasks
from extras.cluster.engine import OnCluster
from extras.cluster.files import Work
from extras.cluster.indexed import ByIndex
from pictures import bandpass, sketch
from pictures.candidates import DIFFERENT, candidates
from pictures.colour import colours_are_others, others_of_many
from pictures.crowds import Known
from pictures.images import HashedImage
from pictures.looks import identity
from pictures.presets import PRESETS
from pictures.recipe import Recipe
from pictures.table import table_of
from pictures.verify import judge

EVERY = 1 << 10  # probes: all cells of any library here


def by_index(work: Path | str, run: Any, probes: int = EVERY) -> ByIndex:
    method = SimpleNamespace(recipe=Recipe(), flags="--preset similar", has_presets=True)
    kind = indexed.by_index(OnCluster, probes)
    return kind(method, PRESETS["similar"], 1, Work(str(work)), run)


@pytest.fixture(scope="module", autouse=True)
def known_anew(album: Path) -> Iterator[None]:  # noqa: ARG001, F811
    """What is known of photos is known by their paths, which those of other tests have, too."""
    hashed_here.cache_clear()
    yield
    hashed_here.cache_clear()


@pytest.fixture
def hashed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Photos are hashed once for all tests, and few of them are a group of cells."""
    monkeypatch.setattr(indexed, "PHOTOS_FOR_LEAST", 8)
    monkeypatch.setattr(finder, "hash_files", lambda files, *_: map(hashed_here, files))


# ---- The same groups


@settings(max_examples=8)
@given(data=st.data())
def test_with_all_cells_probed_any_library_has_the_groups_that_one_machine_finds(
    data: st.DataObject,
    album: Path,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    every = found_in(album)
    there = data.draw(st.lists(st.booleans(), min_size=len(every), max_size=len(every)))
    walked = [found for found, is_there in zip(every, there, strict=True) if is_there]
    images = sum(
        isinstance(found, ImageFile) and isinstance(hashed_here(found), HashedImage)
        for found in walked
    )
    on_sides = st.lists(st.sampled_from([-1, 0, 1]), min_size=images, max_size=images)
    sides = data.draw(st.none() | on_sides)
    work = tmp_path_factory.mktemp("work")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "PHOTOS_A_PART", data.draw(st.integers(1, 8)))
        patch.setattr(indexed, "PHOTOS_FOR_LEAST", data.draw(st.sampled_from([4, 16, 1000])))
        patch.setattr(indexed, "SAMPLED", data.draw(st.sampled_from([1, 12, 1000])))
        patch.setattr(index, "AT_HAND", data.draw(st.sampled_from([1, 8, 1 << 16])))
        patch.setattr(finder, "hash_files", lambda files, *_: map(hashed_here, files))
        on = by_index(work, Here().run)
        found = on.group(surveyed(on, walked).images, sides)
    assert found == on_one_machine(walked, "similar", sides)
    if on.recall:
        assert on.recall.found == on.recall.pairs


@pytest.mark.usefixtures("hashed_once")
def test_there_are_tasks_between_several_groups_of_cells_here(
    album: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    """Else the test before would show little."""
    here, again = Here(), Here()
    on = by_index(tmp_path, here.run)
    images = surveyed(on, found_in(album)).images
    groups, views = on.group(images)
    assert (groups, views) == on_one_machine(found_in(album), "similar")
    assert {"whole", "mirrored", "inside a frame", "cut off"} <= views.keys()
    kinds = [name.split("-")[0] for name in here.done]
    assert kinds.count("cells") >= 10
    assert kinds.count("assigned") >= 2
    assert on.recall
    assert on.recall.pairs > 20
    on = by_index(tmp_path, again.run)
    assert on.group(surveyed(on, found_in(album)).images) == (groups, views)
    assert all(name.startswith("photos") for name in again.done)  # what could not be read


# ---- What is missed


@pytest.mark.usefixtures("hashed_once")
def test_the_recall_is_that_of_pairs_compared_one_by_one(
    album: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each pair of a sampled picture that any look finds alike, and whether the index has it."""
    every_pair_is_looked_at(monkeypatch)
    monkeypatch.setattr(indexed, "SAMPLED", 20)
    monkeypatch.setattr(cells, "cells_for", lambda _: 40)
    on = by_index(tmp_path, Here().run, probes=1)
    images = surveyed(on, found_in(album)).images
    looks = {identity(look): look for image in images if (look := image.look)}
    ordered = sorted(looks)
    table = table_of([looks[one] for one in ordered])
    found = []
    known = ByIndex._known
    monkeypatch.setattr(ByIndex, "_known", lambda *given: found.append(known(*given)) or found[-1])
    on.group(images)
    keys = {*found[0].keys.tolist()}
    matching, reached = set(), set()
    for pairs in candidates(table, PRESETS["similar"]):
        for n, verdict in enumerate(judge(table, pairs, PRESETS["similar"])):
            left, right = int(pairs.left[n]), int(pairs.right[n])
            pair = frozenset((int(table.owner[left]), int(table.owner[right])))
            if verdict.matches and min(pair) < 20:
                matching.add(pair)
                turn = bandpass.WAYS.index(pairs.turn)
                if (turn * len(table.owner) + left) * len(table.owner) + right in keys:
                    reached.add(pair)
    assert on.recall
    assert (on.recall.pairs, on.recall.found) == (len(matching), len(reached))
    assert len(reached) < len(matching)  # else nothing was missed that could be counted


def test_the_uncertainty_of_a_recall_is_wilsons_interval() -> None:
    recall = Recall(10, 9, 2000, 32, 1024, only_nearer=False)
    assert recall.share == 0.9
    assert recall.interval == pytest.approx((0.5958, 0.9821), abs=1e-3)
    assert recall.words == (
        "Index: each picture searched in 32 of 1,024 cells; of the pairs that match it finds "
        "0.9000 (0.5958 to 0.9821 with 95 % certainty, by 2,000 pictures compared with all: 9 of "
        "10 pairs)."
    )
    assert Recall(0, 0, 5, 32, 8, only_nearer=False).facts["recall"] is None
    assert "searched in all 8 cells; by 5 pictures compared with all no pair matches" in (
        Recall(0, 0, 5, 32, 8, only_nearer=False).words
    )


@pytest.mark.usefixtures("hashed_once")
def test_pictures_of_less_near_sketches_are_no_candidates_where_there_are_many(
    album: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    every_pair_is_looked_at(monkeypatch)
    monkeypatch.setattr(index, "CLOSE", 0)  # edits here have close hashes
    shares = []
    for many in (indexed.MANY, 1):
        monkeypatch.setattr(indexed, "MANY", many)
        monkeypatch.setattr(index, "NEARER_COSINE", 0.99)
        monkeypatch.setattr(index, "COSINE_A_BIT", 0)
        on = by_index(tmp_path, Here().run)
        on.group(surveyed(on, found_in(album)).images)
        assert on.recall
        assert on.recall.only_nearer == (many == 1)
        shares.append(on.recall.share)
    assert shares[0] == 1
    assert 0 < shares[1] < 1


def every_pair_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    for method in ("are_surely_same", "are_in_a_crowd"):
        monkeypatch.setattr(Known, method, lambda _, left, *__: np.zeros(len(left), np.bool_))


# ---- Cells


def test_a_turned_vector_is_the_sketch_of_the_turned_picture() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (5, 64, 64), np.uint8)
    vectors = cells.vectors(sketched(pictures))
    for way in bandpass.TURNS:
        shown = cells.vectors(sketched(bandpass.turned(pictures, way)))
        assert np.abs(cells.turned(vectors, way) - shown).max() < 0.01


def sketched(pictures: np.ndarray[Any, Any]) -> sketch.Sketches:
    return sketch.sketches(bandpass.spectrum(pictures, sketch.SIDE))


@pytest.mark.parametrize("count", [1, 3, 9, 40, 50])
def test_the_nearest_cells_are_those_of_the_greatest_products(count: int) -> None:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (600, 64, 64), np.uint8)
    vectors = cells.vectors(sketched(pictures))
    centres = cells.centres_of(sketched(pictures), 40)
    assert len(centres) == 40
    expected = np.argsort(-(vectors @ centres.T), axis=1)[:, :count]
    assert (np.sort(cells.nearest(vectors, centres, count)) == np.sort(expected)).all()
    found = cells.nearest_to_turned(vectors[:7], centres, count)
    ways = [
        np.argsort(sign * (cells.turned(vectors[:7], way) @ centres.T), axis=1)[:, :count]
        for way in bandpass.TURNS
        for sign in (1, -1)
        if (way, sign) != ("upright", -1)
    ]
    for row in range(7):
        assert {*found[row].tolist()} == {cell for some in ways for cell in some[row].tolist()}


def test_k_means_brings_sketches_nearer_to_their_centres() -> None:
    rng = np.random.default_rng(1)
    kinds = rng.integers(0, 256, (8, 64, 64))
    pictures = (kinds[rng.integers(0, 8, 400)] + rng.normal(0, 20, (400, 64, 64))).clip(0, 255)
    some = sketched(pictures.astype(np.uint8))
    vectors, centres = cells.vectors(some), cells.centres_of(some, 16)
    assert (vectors @ centres.T).max(axis=1).mean() > 0.9
    assert (vectors @ vectors[:16].T).max(axis=1).mean() < 0.95


@pytest.mark.usefixtures("hashed_once")
def test_cells_are_the_same_however_photos_are_cut_into_blocks(
    album: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = []
    for parts in (2, 5):
        monkeypatch.setattr(engine, "PARTS_A_BLOCK", parts)
        on = by_index(tmp_path / str(parts), Here().run)
        on.group(surveyed(on, found_in(album)).images)
        (place,) = (tmp_path / str(parts)).glob("centres-*")
        made.append(on._work.read(place.stem)["centre"].tolist())
    assert made[0] == made[1]


@pytest.mark.parametrize("kind", ["assigned", "cells", "centres", "sample"])
@pytest.mark.usefixtures("hashed_once")
def test_a_damaged_result_of_an_index_is_removed_and_made_again(
    kind: str,
    album: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    def find() -> Any:
        on = by_index(tmp_path, Here().run)
        return on.group(surveyed(on, found_in(album)).images)

    expected = find()
    if kind == "assigned":  # which is removed once all is compared
        assert not [*tmp_path.glob("assigned-*")]
        for path in tmp_path.glob("cells-*"):
            path.unlink()
        with pytest.raises(KeyboardInterrupt):
            on = by_index(tmp_path, stopped_before_comparing)
            on.group(surveyed(on, found_in(album)).images)
    place = max(tmp_path.glob(f"{kind}-*"), key=lambda path: path.stat().st_size)
    place.write_bytes(place.read_bytes()[:-50])
    for later in ("cells", "pairs", "assigned"):
        for path in tmp_path.glob(f"{later}-*") if later != kind else ():
            path.unlink()
    rows.gated.cache_clear()  # as a worker that was just started
    with pytest.raises(UserError, match="was damaged and is removed; run it again"):
        find()
    assert not place.exists()
    assert find() == expected


def stopped_before_comparing(some: Any) -> Any:
    for name, do, (work, *more) in some:
        if name.startswith("cells"):
            raise KeyboardInterrupt
        yield name, do(work, name, *more)


@pytest.mark.usefixtures("hashed_once")
def test_a_file_that_another_find_has_removed_ends_this_one_in_one_line(
    album: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    on = by_index(tmp_path, Here().run)
    images = surveyed(on, found_in(album)).images
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "assign", lambda *_: 0)
        with pytest.raises(UserError, match="another find with this --work has ended; run it"):
            on.group(images)
    assert on.group(images) == on_one_machine(found_in(album), "similar")


# ---- Colours


def test_colours_are_told_of_many_pairs_as_of_one() -> None:
    """Gray, toned and coloured ones, those of real photos, and pairs of near colours."""
    rng = np.random.default_rng(0)
    strong = 128 + rng.normal(0, 1, (300, 2, 16)) * rng.choice([0, 2, 8, 40], (300, 1, 1))
    cast = rng.normal(0, 1, (300, 2, 1)) * rng.choice([0, 4, 30], (300, 1, 1))
    made = np.rint(strong + cast).clip(0, 255).astype(np.uint8).reshape(300, 32)
    near = (made[:100].astype(int) + rng.integers(-6, 7, (100, 32))).clip(0, 255)
    ones = np.concatenate([made, made[:100]])
    others = np.concatenate([rng.permutation(made), near.astype(np.uint8)])
    for way in bandpass.WAYS:
        assert not len(others_of_many(made[:0], made[:0], way))
        told = others_of_many(ones, others, way)
        pairs = zip(ones, others, strict=True)
        expected = [colours_are_others(p.tobytes(), q.tobytes(), way) for p, q in pairs]
        assert told.tolist() == expected
        assert 50 < told.sum() < 350


def test_what_colours_tell_needs_no_look(
    album: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else the groups would be the same, and nothing gained."""
    seen = []
    told = colours.told_by_colours
    monkeypatch.setattr(
        tasks, "told_by_colours", lambda *given: seen.append(told(*given)) or seen[-1]
    )
    rules = replace(PRESETS["similar"], whole=200, sketched=200)  # so that strangers are near
    monkeypatch.setitem(PRESETS, "similar", rules)
    on = by_index(tmp_path, Here().run)
    found = on.group(surveyed(on, found_in(album)).images)
    assert sum((some.shown == DIFFERENT).sum() for some in seen) > 10
    assert found == on_one_machine(found_in(album), "similar")


# ---- The command line


@pytest.mark.workers
def test_a_find_by_index_says_its_recall(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    here = library.run("find", "--json", "--no-cache", "--dry-run")
    flags = ("--engine", "dask", "--work", str(library.folder / "work"), "--index")
    ran = library.run("find", "--json", "--dry-run", *flags, "--probes", "64")
    assert ran.facts["groups"] == here.facts["groups"]
    told = ran.facts["index"]
    assert (told["probes"], told["recall"]) == (64, 1)
    assert told["pairs"] == told["found"] > 0
    units = list[tuple[object, ...]]()

    @contextlib.contextmanager
    def progress(what: str, total: int, unit: str, **_: object) -> Iterator[Any]:
        units.append((what, total, unit))
        yield lambda _: None

    monkeypatch.setattr(engine, "progress", progress)
    (library.photos / "more.jpg").write_bytes((library.photos / "vacation1.jpg").read_bytes()[:-2])
    said = library.run("find", "--dry-run", *flags, "--probes", "64")
    assert said.code == here.code
    assert ("Comparing", 1, " tasks") in units  # groups are of pictures, to people
    assert "Index: each picture searched in all " in said.out


def test_an_index_is_refused_where_it_makes_no_sense(library: Library) -> None:
    by_dask = ("--engine", "dask", "--work", str(library.folder / "work"))
    refused = {
        ("--index",): "--index: only with --engine dask",
        ("--probes", "3"): "--probes: only with --index",
        (*by_dask, "--probes", "3"): "--probes: only with --index",
        (*by_dask, "--index", "--preset", "copies"): "--index can't do --preset copies: its hashes",
        (*by_dask, "--index", "--preset", "most"): "--index can't do --preset most: there is",
    }
    for flags, said in refused.items():
        ran = library.run("find", *flags)
        assert (ran.code, ran.err.count("\n")) == (2, 1)
        assert said in ran.err
