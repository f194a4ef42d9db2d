"""The benchmark's third split: its kinds of edit, which no number of the product is chosen on."""

import sys
from pathlib import Path
from random import Random

import pytest
from conftest import ROOT, SAMPLES
from made_pictures import SINGLES
from PIL import Image

sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))

from edits import EDITS, Picture, within
from edits_unseen import EDITS_UNSEEN, Unseen


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
