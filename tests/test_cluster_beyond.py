"""Points and a model find by tasks what they find on one machine, whoever is killed meanwhile."""

import os
import signal
import tracemalloc
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Library, tree
from hypothesis import given, settings
from hypothesis import strategies as st
from made_pictures import CAT, COFFEE, SINGLES, encoded, photo, text_page, toned
from numpy.typing import NDArray
from PIL import Image, ImageOps
from test_cluster import Groups, Here, dask_workers, found_in, small_parts
from test_most import EDITS, collage

pytest.importorskip("distributed", reason="pip install -r extras/cluster/requirements.txt")
pytest.importorskip("pyarrow", reason="pip install -r extras/cluster/requirements.txt")
pytest.importorskip("onnxruntime", reason="pip install -r extras/requirements.txt")

from test_embeddings import SIDE, settings_with, write_model

import finder
from config import UserError
from disk.files import ImageFile
from extras import network
from extras.cluster import engine, near_tasks, nearest, running, tasks
from extras.cluster.engine import OnCluster, Task
from extras.cluster.files import Work
from extras.cluster.rows import Looks, Part, joined
from extras.points import matching as by_points
from extras.points import words
from finder import Found
from pictures import methods
from pictures.hashing import hash_file
from pictures.images import Hashed, HashedImage
from pictures.presets import PRESETS
from pictures.recipe import Recipe

__all__ = ["small_parts"]
WIDTH = 6


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos, strong edits of each, a collage, pages, files that show the same, and one broken."""
    folder = Path(os.path.realpath(tmp_path_factory.mktemp("albums"))) / "album"
    folder.mkdir()
    for number, name in enumerate(SINGLES[:4]):
        image = photo(name)
        edits = [image, toned(image), *(make(image) for make in EDITS.values())]
        edits.append(ImageOps.expand(image, border=60, fill="white"))
        for edit, made in enumerate(edits):
            (folder / f"{number}{edit}.jpg").write_bytes(encoded(made, "JPEG", quality=80))
    page = collage(photo(SINGLES[0]), photo(SINGLES[1]))
    (folder / "collage.jpg").write_bytes(encoded(page, "JPEG", quality=85))
    for level in range(3):  # of other digests, which show the same
        small = photo(SINGLES[0]).resize((300, 200))
        (folder / f"same{level}.png").write_bytes(encoded(small, "PNG", compress_level=level))
    (folder / "copy.jpg").write_bytes((folder / "00.jpg").read_bytes())
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff" + bytes(50))
    for seed in range(3):
        (folder / f"page{seed}.png").write_bytes(encoded(text_page(seed), "PNG"))
        (folder / f"page{seed}.jpg").write_bytes(encoded(text_page(seed), "JPEG", quality=70))
    for path in folder.iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "tiny.onnx")


@pytest.fixture(autouse=True)
def small_tasks(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest, "PARTS_TOGETHER", 3)
        patch.setattr(nearest, "PAIRS_A_TASK", 7)
        if not request.node.get_closest_marker("workers"):
            patch.setattr(finder, "hash_files", hashed_here)
        yield


@cache
def hashed_once(file: ImageFile, recipe: Recipe) -> Hashed:
    return hash_file(file, recipe)


def hashed_here(files: Iterable[ImageFile], recipe: Recipe, *_: object) -> Iterator[Hashed]:
    """Hash photos in this process, each once whatever a model is asked."""
    plain = replace(recipe, model="", vector_bytes=None)
    return (hashed_once(file, plain) for file in files)


def method_of(kind: str, model: Path, cosine: float = 0.75) -> Any:
    """`most`, or a method by a model that tells pictures apart by their colours."""
    if kind == "most":
        return methods.chosen(settings_with(method="hash", preset="most"))
    return methods.chosen(settings_with(method=kind, model=str(model), cosine=cosine))


def on_one_machine(
    walked: Sequence[Found], method: Any, sides: Sequence[int] | None = None
) -> Groups:
    files = [found for found in walked if isinstance(found, ImageFile)]
    results = {r.file: r for r in method.completed(hashed_here(files, method.recipe))}
    images = [results[file] for file in files if isinstance(results[file], HashedImage)]
    return method.group(images, sides)  # type: ignore[no-any-return]


def by_tasks(work: Path, run: Any, method: Any) -> OnCluster:
    preset = "most" if method.flags == "--preset most" else "similar"
    return OnCluster(method, PRESETS[preset], 1, Work(str(work)), run)


def grouped(
    work: Path, walked: Sequence[Found], run: Any, method: Any, sides: Sequence[int] | None = None
) -> Groups:
    on = by_tasks(work, run, method)
    return on.group(finder.survey(walked, on.hashed, on.at_first).images, sides)


# ---- The same groups


@settings(max_examples=15)
@given(data=st.data())
def test_any_library_has_the_groups_that_one_machine_finds(
    data: st.DataObject, album: Path, model: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    every = found_in(album)
    there = data.draw(st.lists(st.integers(0, 3), min_size=len(every), max_size=len(every)))
    walked = [found for found, is_there in zip(every, there, strict=True) if is_there]
    kind = data.draw(st.sampled_from(["most", "embeddings", "both"]))
    method = method_of(kind, model, data.draw(st.sampled_from([0.6, 0.9])))
    images = len(walked) - sum("broken" in str(found) for found in walked)
    on_sides = st.lists(st.sampled_from([-1, 0, 1]), min_size=images, max_size=images)
    sides = data.draw(st.none() | on_sides)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "PHOTOS_A_PART", data.draw(st.integers(2, 8)))
        patch.setattr(nearest, "PARTS_TOGETHER", data.draw(st.integers(1, 8)))
        found = grouped(tmp_path_factory.mktemp("work"), walked, Here().run, method, sides)
    assert found == on_one_machine(walked, method, sides)


@pytest.mark.parametrize(
    ("kind", "views"), [("most", {"points"}), ("embeddings", {"embedding"}), ("both", {"points"})]
)
def test_there_are_many_tasks_and_matches_of_each_kind_here(
    kind: str, views: set[str], album: Path, model: Path, tmp_path: Path
) -> None:
    """Else the test before would show little."""
    here = Here()
    _, found = grouped(tmp_path, found_in(album), here.run, method_of(kind, model, 0.4))
    assert views <= found.keys()
    of_each = {name.rpartition("-")[0] for name in here.done}
    words = {"counts", "near-words"} if kind != "embeddings" else set()
    by_model = {"near-vectors"} if kind != "most" else set()
    looks = {"pairs"} if kind != "embeddings" else set()
    assert of_each == {"photos", "proofs", *words, *by_model, *looks}
    assert sum(name.startswith("near-") for name in here.done) >= 6


def with_vectors(results: Iterable[Hashed], seed: int) -> Iterator[Hashed]:
    """Photos with vectors of few kinds, so that most are as near as others, by their digests."""
    kinds = np.random.default_rng(seed).integers(-2, 3, (12, WIDTH)).astype(np.float32)
    kinds += np.float32(0.1)
    kinds /= np.linalg.norm(kinds, axis=1, keepdims=True)
    for result in results:
        if isinstance(result, HashedImage) and result.look:
            vector: NDArray[np.float32] = kinds[int(result.digest[:8], 16) % len(kinds)]
            look = replace(result.look, rgb=None)
            yield replace(result, look=look, embedding=vector.tobytes())
        else:
            yield result


@settings(max_examples=15)
@given(data=st.data())
def test_of_vectors_as_near_as_others_the_same_ones_count(
    data: st.DataObject, album: Path, model: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Also where files of one picture have several vectors, and where a few count of very many."""
    walked, method = found_in(album), method_of("embeddings", model)
    seed = data.draw(st.integers(0, 99))
    files = [found for found in walked if isinstance(found, ImageFile)]
    results = list(with_vectors(hashed_here(files, method.recipe), seed))
    images = [result for result in results if isinstance(result, HashedImage)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("extras.vectors.MOST", data.draw(st.sampled_from([64, 9])))
        patch.setattr(tasks, "seen_by", lambda _, __, found: with_vectors(found, seed))
        patch.setattr(nearest, "PARTS_TOGETHER", data.draw(st.integers(1, 8)))
        found = grouped(tmp_path_factory.mktemp("work"), walked, Here().run, method)
        assert found == method.group(images)


def test_of_a_few_photos_all_are_compared(album: Path, model: Path, tmp_path: Path) -> None:
    walked, method, here = found_in(album)[:9], method_of("most", model), Here()
    found = grouped(tmp_path, walked, here.run, method)
    assert found == on_one_machine(walked, method)
    assert found[0]
    assert not any(name.startswith("near-words") for name in here.done)
    assert grouped(tmp_path / "none", [], here.run, method) == ([], {})


def peak_of_driver(count: int, work: Work) -> int:
    """The most memory that it takes to put together what tasks find by words of so many photos.

    What tasks leave is made up: ten others of each photo in each block.
    """
    rng = np.random.default_rng(0)

    def do(_: str, some: Mapping[str, Any], *__: object) -> None:
        for name, (task, (first, *_)) in some.items():
            if task is near_tasks.count_words:
                work.write(name, near_tasks.columns_of(words.counts_of([])))
            elif task is near_tasks.near_by_words:
                rows = sum(len(stand.parts) * 100 for stand in first)
                left = np.repeat(np.arange(rows), 10)
                right = (left + rng.integers(1, rows, len(left))) % rows
                both = {"left": np.minimum(left, right), "right": np.maximum(left, right)}
                work.write(name, {**both, "score": rng.random(len(left)).astype(np.float32)})
            else:
                work.write(name, {"shown": [b""] * 2000})

    parts = [Part(f"photos-{number}", "") for number in range(count // 100)]
    rows = replace(
        joined([]),
        identity=np.array([number.to_bytes(16) for number in range(1, count + 1)]),
        first=np.arange(count + 1),
        flags=np.zeros(count, np.uint8),
        hashes=np.zeros((count, 4), np.uint64),
    )
    every, runs = np.arange(count), [parts[n : n + 16] for n in range(0, len(parts), 16)]
    pictures = nearest.Pictures(every, every, every, every, [f"{n:064x}" for n in every], None)
    looks = Looks(work, ((part, 100) for part in parts))
    beyond = nearest.Beyond(work, do, looks, rows, runs, pictures, (Recipe(points=True), "made"))
    tracemalloc.start()
    assert beyond.by_points([]) == []
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_the_driver_keeps_few_bytes_of_each_photo_to_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside what it takes to put one block of them in order."""
    monkeypatch.setattr(nearest, "PAIRS_A_TASK", 2000)
    few, many = (peak_of_driver(count, Work(str(tmp_path))) for count in (3200, 16000))
    assert 10 < (many - few) / (16000 - 3200) < 100


# ---- Killed, and done again


@pytest.mark.parametrize("kind", ["most", "both"])
def test_a_driver_that_is_killed_at_every_tenth_task_leaves_all_that_was_done(
    kind: str, album: Path, model: Path, tmp_path: Path
) -> None:
    walked = [found for found in found_in(album) if "broken" not in str(found)]
    whole, method, done = Here(), method_of(kind, model), list[str]()
    expected = grouped(tmp_path / "whole", walked, whole.run, method)
    found = None
    while found is None:
        here = Here(ends_before=10)
        try:
            found = grouped(tmp_path / "work", walked, here.run, method)
        except KeyboardInterrupt:
            assert len(here.done) == 10
        done += here.done
    assert found == expected == on_one_machine(walked, method)
    assert done == whole.done
    assert len(done) > 40


@pytest.mark.workers
@pytest.mark.parametrize("kind", ["most", "both"])
def test_workers_that_are_killed_at_every_tenth_task_cost_nothing_that_was_done(
    kind: str, album: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearest, "PAIRS_A_TASK", 40)
    walked, method = found_in(album)[:30], method_of(kind, model)
    killed, done = list[int](), list[str]()
    with running._client(2, None) as client:
        run = running.done_by(client)

        def deadly(some: Sequence[Task]) -> Iterator[tuple[str, int]]:
            for name, found in run(some):
                done.append(name)
                if len(done) % 10 == 5:
                    killed.append(dask_workers(client)[0])
                    os.kill(killed[-1], signal.SIGKILL)
                yield name, found

        found = grouped(tmp_path, walked, deadly, method)
    assert len(killed) >= 2
    assert found == on_one_machine(walked, method)


def test_a_second_find_of_the_same_photos_does_nothing_again(
    album: Path, model: Path, tmp_path: Path
) -> None:
    walked = [found for found in found_in(album) if "broken" not in str(found)]
    method, again = method_of("both", model), Here()
    first = grouped(tmp_path, walked, Here().run, method)
    assert grouped(tmp_path, walked, again.run, method) == first
    assert again.done == []


def test_photos_that_come_and_go_are_grouped_as_one_machine_does(
    album: Path, model: Path, tmp_path: Path
) -> None:
    method, every = method_of("both", model), found_in(album)
    for walked in (every[:30], every[4:], every):
        found = grouped(tmp_path, walked, Here().run, method)
        assert found == on_one_machine(walked, method)


@pytest.mark.parametrize("kind", ["most", "both"])
def test_pairs_that_were_proven_are_known_when_a_photo_comes(
    kind: str, album: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the blocks of both begin with the same photos."""
    method, every, counts = method_of(kind, model), found_in(album), Counter[str]()
    monkeypatch.setattr(nearest, "PARTS_TOGETHER", 1000)
    monkeypatch.setattr(engine, "PARTS_A_BLOCK", 1000)
    compared = by_points.compared

    def counted(both: Any) -> Any:
        counts["compared"] += 1
        return compared(both)

    monkeypatch.setattr(by_points, "compared", counted)
    others = [found for found in every if "collage" not in str(found)]
    grouped(tmp_path, others, Here().run, method)
    first = counts["compared"]
    found = grouped(tmp_path, every, Here().run, method)
    assert 0 < counts["compared"] - first < first / 2
    assert found == on_one_machine(every, method)


def test_a_worker_with_another_model_is_refused(album: Path, model: Path, tmp_path: Path) -> None:
    method = method_of("embeddings", model)
    on = by_tasks(tmp_path / "work", Here().run, method)
    on._asked = network.Asked(
        str(write_model(tmp_path / "other.onnx", ("b", 3, SIDE, SIDE))), SIDE, "none"
    )
    with pytest.raises(UserError, match=r"other.onnx of .* is another one"):
        finder.survey(found_in(album), on.hashed, on.at_first)


def test_a_worker_without_a_package_is_named(tmp_path: Path) -> None:
    """As one machine of a cluster may have no OpenCV."""

    def missing(*_: object) -> str:
        raise ModuleNotFoundError("No module named 'cv2'", name="cv2")

    recipe = Recipe(points=True)
    expected = tasks.versions(recipe)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "made_by", missing)
        with pytest.raises(UserError, match="has no package cv2; install the same there"):
            tasks.check_worker(recipe, expected, str(tmp_path))
        patch.setattr(tasks, "_loaded", missing)
        with pytest.raises(UserError, match="has no package cv2; install the same there"):
            tasks.seen_by(network.Asked("sscd", SIDE, "none"), recipe, [])


# ---- The command line


@pytest.mark.workers
@pytest.mark.parametrize("kind", ["most", "both"])
def test_a_find_by_dask_finds_what_one_machine_does(
    kind: str, bare_library: Library, model: Path
) -> None:
    for name in (COFFEE, CAT):
        for edit, make in EDITS.items():
            made: Image.Image = make(photo(name))
            path = bare_library.photos / f"{Path(name).stem} {edit}.jpg"
            path.write_bytes(encoded(made, "JPEG", quality=88))
    flags = ["--preset", "most"] if kind == "most" else ["--method", kind, "--model", str(model)]
    here = bare_library.run("find", "--json", "--no-cache", *flags)
    expected = tree(bare_library.output)
    by_dask = ("--engine", "dask", "--work", str(bare_library.folder / "work"))
    ran = bare_library.run("find", "--json", "--no-cache", *flags, *by_dask)
    assert ran.facts["groups"] == here.facts["groups"]
    assert ran.facts["groups"]
    found = tree(bare_library.output)
    assert found.keys() == expected.keys()
    assert {n: found[n] for n in found if n.endswith(".jpg")} == {
        n: expected[n] for n in expected if n.endswith(".jpg")
    }
