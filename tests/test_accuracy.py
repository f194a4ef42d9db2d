"""A small part of the accuracy benchmark, with bounds: no false pair, and enough copies found."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from conftest import ROOT, SAMPLES
from made_pictures import SINGLES
from PIL import Image

from disk.files import ImageFile
from pictures import matching, presets
from pictures.hashing import hash_file
from pictures.images import HashedImage

sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))

import labelled
from accuracy import Run, Score, scored
from labelled import Item

from pictures.recipe import Recipe

EDITS_EACH = 24
NEGATIVES_EACH = 8  # of every kind that needs no photo
ALWAYS = ("recompressed", "converted", "resized", "filtered", "EXIF-turned", "turned, mirrored")
# The least share of copies that is found, by class of edit; five photos are few.
LEAST = {
    "copies": {**dict.fromkeys(ALWAYS, 1.0), "document": 1.0, "toned": 0.9},
    "similar": {
        **dict.fromkeys(ALWAYS, 1.0),
        "document": 1.0,
        "toned": 0.97,
        "chain": 0.8,
        "overlay": 0.8,
        "framed": 0.7,
        "screenshot": 0.7,
    },
}
LEAST["crops"] = {**LEAST["similar"], "cropped": 0.65}


def chosen(items: Sequence[Item]) -> list[Item]:
    """All copies of the photos, and the first few of each kind of negative with their copies."""
    first = {
        item.source
        for item in items
        if item.role == "negative" and int(item.source.split()[-2]) < NEGATIVES_EACH
    }
    return [item for item in items if not item.negative or item.source in first]


@pytest.fixture(scope="module")
def labelled_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Item]]:
    folder = tmp_path_factory.mktemp("labelled")
    items = chosen(labelled.planned(SINGLES, [], EDITS_EACH))
    for split in labelled.SPLITS:
        (folder / split).mkdir()
    for item in items:
        labelled.make((SAMPLES, folder, item))
    return folder, items


@pytest.fixture(scope="module")
def hashed(labelled_files: tuple[Path, list[Item]]) -> list[HashedImage]:
    folder, items = labelled_files
    files = [ImageFile(str(folder / item.path), 0, 0) for item in items]
    results = [hash_file(file, Recipe(parts=True)) for file in files]
    return [result for result in results if isinstance(result, HashedImage)]


def score(
    preset: str, hashed: Sequence[HashedImage], labelled_files: tuple[Path, list[Item]]
) -> Score:
    folder, items = labelled_files
    clusters, _ = matching.group(
        [image.digest for image in hashed],
        [image.look for image in hashed],
        presets.PRESETS[preset],
    )
    groups = [[hashed[n].file.path for n in cluster.members] for cluster in clusters]
    return scored(Run(preset, groups, 0.0, 0.0), items, folder)


@pytest.mark.parametrize("preset", LEAST)
def test_a_preset_finds_its_copies_and_nothing_else(
    preset: str, hashed: list[HashedImage], labelled_files: tuple[Path, list[Item]]
) -> None:
    found = score(preset, hashed, labelled_files)
    assert found.false_pairs == 0, found.details["impure"]
    shares = {name: right / of for name, (right, of) in found.by_class.items() if of}
    assert {
        name: shares[name] for name in LEAST[preset] if shares[name] < LEAST[preset][name]
    } == {}


def test_the_small_set_has_something_of_every_class(
    labelled_files: tuple[Path, list[Item]],
) -> None:
    _, items = labelled_files
    assert {item.group for item in items if item.role == "edit"} == set(labelled.CLASSES)
    assert sum(item.role == "negative" for item in items) >= 60


def test_thresholds_asks_for_other_values_of_numbers_that_there_are() -> None:
    """A number that has moved to another module, or has another name, shows at once."""
    pytest.importorskip("cv2")
    import thresholds

    every = list(thresholds.variants([*thresholds.RULES]))
    assert {one.preset for one in every} == set(presets.PRESETS)
    for one in every:
        assert one.in_use != one.value or one.name == "as it is", one
        for home, name, _ in one.patches:
            assert hasattr(home, name), one


def test_a_limit_of_points_that_thresholds_changes_decides() -> None:
    pytest.importorskip("cv2")
    import thresholds

    from extras.points.features import points_of
    from extras.points.proof import prove

    with Image.open(SAMPLES / SINGLES[0]) as image:
        points = points_of(np.asarray(image.convert("L").resize((400, 300))))
    as_it_is = prove(points, points)
    assert as_it_is
    assert as_it_is.holds
    with ExitStack() as patches:
        for patch in thresholds.limited("in_place", 1.1):
            patches.enter_context(mock.patch.object(*patch))
        stricter = prove(points, points)
    assert stricter
    assert not stricter.holds
