"""The benchmark's third split: its kinds of edit, its labels, and how tools are scored on it."""

import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
from conftest import ROOT, SAMPLES
from made_pictures import SINGLES
from PIL import Image

sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))

import labelled
import lookalike_kinds
import unseen_set
from accuracy import Run, Score, of_first, product, scored
from edits import EDITS, Picture, within
from edits_unseen import EDITS_UNSEEN, Unseen
from labelled import Item
from unseen_set import UnseenItem


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    """As many as the largest collage shows, no larger than tests need them."""
    opened = [Image.open(SAMPLES / name).convert("RGB") for name in SINGLES]
    return [within(picture, 200, 160) for picture in (*opened, *opened)][:6]


def made(edit: Unseen, pictures: list[Picture], seed: str) -> Picture:
    return edit.change(pictures[0], Random(seed), *pictures[1 : 1 + edit.others])


@pytest.mark.parametrize("edit", EDITS_UNSEEN, ids=lambda edit: edit.name)
def test_an_edit_makes_the_same_file_each_time_and_another_than_its_picture(
    edit: Unseen, pictures: list[Picture], tmp_path: Path
) -> None:
    before = pictures[0].tobytes()
    once, again = tmp_path / f"once{edit.suffix}", tmp_path / f"again{edit.suffix}"
    for path in (once, again):
        made(edit, pictures, "one seed").save(path, **edit.save)
    assert once.read_bytes() == again.read_bytes()
    assert pictures[0].tobytes() == before, "an edit changes no picture that it is given"
    with Image.open(once) as image:
        shown = image.convert("RGB")
    assert shown.size != pictures[0].size or shown.tobytes() != before


def test_no_kind_of_edit_is_in_both_lists() -> None:
    names = [edit.name for edit in (*EDITS, *EDITS_UNSEEN)]
    assert len(names) == len(set(names))
    assert len(EDITS_UNSEEN) >= 60


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return unseen_set.planned([f"{place:03}.jpg" for place in range(60)], 8)


def run(items: Sequence[Item], *groups: Sequence[Item], sure: Sequence[float] = ()) -> Score:
    named = [[f"/set/{item.path}" for item in group] for group in groups]
    return scored(Run("a tool", named, 0, 0, list(sure)), items, Path("/set"))


def the(items: Sequence[Item], kind: str) -> UnseenItem:
    return next(i for i in items if i.kind == kind and isinstance(i, UnseenItem))


def original(items: Sequence[Item], source: str) -> Item:
    return next(item for item in items if item.source == source and item.role == "original")


def test_a_collage_is_a_copy_of_each_of_its_pictures_which_stay_different(
    items: list[Item],
) -> None:
    collage = the(items, "collage 3")
    first, other = (original(items, name) for name in (collage.source, collage.others[0]))
    for home in (first, other):
        found = run(items, (collage, home))
        assert (found.by_kind["collage 3"][0], found.false_pairs) == (1, 0)
    chained = run(items, (first, collage, other))
    assert (chained.false_pairs, chained.impure, chained.strangers) == (1, 1, 1)


def test_an_inset_is_a_copy_of_the_small_picture_alone(items: list[Item]) -> None:
    inset = the(items, "inset")
    behind = run(items, (inset, original(items, inset.others[0])))
    assert (behind.by_kind["inset"][0], behind.false_pairs) == (0, 0)
    assert run(items, (inset, original(items, inset.source))).by_kind["inset"][0] == 1


def test_recall_is_told_at_a_precision_by_what_a_tool_is_surest_of(items: list[Item]) -> None:
    tilted, faded, torn = (the(items, kind) for kind in ("tilted 7", "faded", "torn"))
    stranger = original(items, "000.jpg" if torn.source != "000.jpg" else "001.jpg")
    groups = (
        (tilted, original(items, tilted.source)),
        (torn, stranger),
        (faded, original(items, faded.source)),
    )
    wanted = sum(item.role == "edit" for item in items)
    surest_right = run(items, *groups, sure=(0.9, 0.5, 0.8)).ranked
    surest_wrong = run(items, *groups, sure=(0.8, 0.9, 0.7)).ranked
    assert surest_right == pytest.approx((2 / wanted, 2 / wanted, 2 / wanted))
    assert surest_wrong == pytest.approx(((1 / 2 + 2 / 3) / wanted, 0, 0))
    assert run(items, *groups).ranked is None, "a tool that doesn't say how sure it is"


def test_the_split_has_every_kind_of_edit_and_of_look_alike(items: list[Item]) -> None:
    assert {item.edit for item in items} >= {edit.name for edit in EDITS_UNSEEN}
    assert {item.negative for item in items} >= {"text page", "one card", *lookalike_kinds.KINDS}
    paths = [item.path for item in items]
    assert len(paths) == len(set(paths))


def test_files_of_the_split_are_made_of_the_photos_that_they_show(tmp_path: Path) -> None:
    (tmp_path / "set" / "unseen").mkdir(parents=True)
    main, *others = SINGLES[:3]
    collage = UnseenItem(
        *("unseen/collage.jpg", "edit", "collage 3", "collage", main, main, (main,)),
        edit="collage 3",
        others=tuple(others),
        alike=True,
    )
    code = UnseenItem(
        *("unseen/chess.jpg", "negative", "chess", "negative", "chess 3", "chess 3", (), "chess"),
        number=3,
    )
    for item in (collage, code):
        labelled.make((SAMPLES, tmp_path / "set", item))
    with Image.open(tmp_path / "set" / collage.path) as image:
        assert max(image.size) >= 1200
    assert (tmp_path / "set" / code.path).stat().st_size > 1000


@pytest.mark.parametrize(
    ("mode", "flags"),
    [
        ("60", ["--threshold", "60"]),
        ("most", ["--preset", "most"]),
        ("both", ["--method", "both", "--model", "sscd-distilled"]),
        ("both+most:sscd", ["--method", "both", "--model", "sscd", "--preset", "most"]),
    ],
)
def test_a_mode_names_threshold_preset_or_method_with_its_preset_and_model(
    mode: str, flags: list[str], tmp_path: Path
) -> None:
    command = product(mode, tmp_path, tmp_path, 1)
    assert command[-len(flags) :] == flags


def test_the_first_photographs_come_with_their_copies_and_all_hard_negatives(
    items: list[Item],
) -> None:
    few = of_first(items, 3)
    shown = {item.source for item in few if not item.negative}
    assert len(shown) == 3
    assert sum(item.role == "edit" and not item.negative for item in few) == 3 * 8
    assert [i for i in few if i.negative] == [i for i in items if i.negative]
