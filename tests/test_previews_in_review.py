"""What is told of previews: the facts of the originals, and that a file is only a preview."""

import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Library, make_once
from made_pictures import CAT, STARS
from made_previews import PREVIEW, fill, record, wide
from PIL import Image
from test_review import Page, serving

from disk.result import open_result, proven
from extras.review.desk import EDITED, GONE, THERE, Desk, Order
from extras.review.examiner import ONLY_PREVIEW, Examiner, Unseen
from extras.review.facts import Facts


@pytest.fixture
def shown(bare_library: Library, shelf: Path) -> Library:
    """The library after find, with previews in its folders."""

    def find() -> None:
        fill(bare_library)
        bare_library.find(*PREVIEW)

    make_once(bare_library, shelf / "shown in review", find)
    return bare_library


@pytest.fixture
def desk(shown: Library) -> Iterator[Desk]:
    examiner = Examiner(1)
    yield Desk(proven(open_result(shown.paths)), examiner)
    examiner.close()


def number_of(desk: Desk, name: str) -> int:
    paths = [os.path.basename(copy.original.path) for copy in desk.manifest.copies]
    return paths.index(name)


def facts_of(desk: Desk, name: str) -> Facts:
    facts = desk.facts(number_of(desk, name))
    assert isinstance(facts, Facts)
    return facts


def width_of(desk: Desk, name: str, kind: str) -> int:
    made = desk.examiner.picture(desk.copy(number_of(desk, name)), kind)
    assert isinstance(made, bytes)
    with Image.open(io.BytesIO(made)) as image:
        return image.width


def pixel(desk: Desk, name: str, kind: str) -> tuple[int, ...]:
    made = desk.examiner.picture(desk.copy(number_of(desk, name)), kind)
    assert isinstance(made, bytes)
    with Image.open(io.BytesIO(made)) as image:
        value = image.resize((1, 1)).getpixel((0, 0))
    assert isinstance(value, tuple)
    return value


def test_the_facts_are_those_of_the_originals(desk: Desk, shown: Library) -> None:
    facts = facts_of(desk, "a1.jpg")
    assert (facts.width, facts.height) == (2200, 220)
    assert facts.size == (shown.photos / "a1.jpg").stat().st_size
    os.utime(shown.photos / "a1.jpg", (1, 1))  # then it is read to be sure
    os.utime(shown.copy("a1.jpg"), (1, 1))
    assert facts_of(desk, "a1.jpg").width == 2200


@pytest.mark.parametrize("how", ["gone", "changed", "changed to the preview"])
def test_a_preview_tells_nothing_of_an_original_that_is_not_there(
    desk: Desk, shown: Library, how: str
) -> None:
    original = shown.photos / "a1.jpg"
    if how == "gone":
        original.unlink()
    elif how == "changed":
        original.write_bytes(wide(STARS, 90))
    else:
        shutil.copy2(shown.copy("a1.jpg"), original)
    number = number_of(desk, "a1.jpg")
    for _ in range(2):
        assert desk.facts(number) == Unseen(ONLY_PREVIEW)
    suggestion = desk.suggestion(1)
    assert suggestion.keeper == number_of(desk, "a2.jpg")  # of those whose originals are there
    assert all(number not in (one.number, one.keeper) for one in suggestion.removals)
    assert desk.state_of(number, sure=True) == THERE


def test_in_detail_the_originals_are_shown(desk: Desk, shown: Library) -> None:
    assert width_of(desk, "a1.jpg", "full") == 2200
    assert width_of(desk, "a3.jpg", "full") == 900
    os.utime(shown.photos / "a1.jpg", (1, 1))
    assert width_of(desk, "a1.jpg", "full") == 2048


def test_of_an_edited_preview_that_is_shown_and_its_facts_are_not_the_photo_s(
    desk: Desk, shown: Library
) -> None:
    number = number_of(desk, "a1.jpg")
    Image.new("RGB", (300, 200), "red").save(shown.copy("a1.jpg"))
    assert desk.state_of(number, sure=True) == EDITED
    assert pixel(desk, "a1.jpg", "full")[0] > 240
    assert isinstance(desk.facts_of_original(number), Unseen)
    assert isinstance(desk.facts_of_original(number_of(desk, "a2.jpg")), Facts)
    assert desk.remains(number)


def test_previews_are_removed_and_put_back_on_the_page(desk: Desk) -> None:
    numbers = [number_of(desk, name) for name in ("a1.jpg", "b1.jpg")]
    before = {number: Path(desk.copy(number).copy).read_bytes() for number in numbers}
    assert all(deed.refused is None for deed in desk.change([Order(n) for n in numbers]))
    assert [desk.state_of(n) for n in numbers] == [GONE, GONE]
    assert all(deed.refused is None for deed in desk.change([], numbers))
    assert [desk.state_of(n) for n in numbers] == [THERE, THERE]
    assert {n: Path(desk.copy(n).copy).read_bytes() for n in numbers} == before


def test_the_whole_file_in_a_preview_s_place_is_there_as_well(desk: Desk, shown: Library) -> None:
    shutil.copy2(shown.photos / "a1.jpg", shown.copy("a1.jpg"))
    assert desk.state_of(number_of(desk, "a1.jpg")) == THERE
    (shown.photos / "a1.jpg").unlink()
    assert facts_of(desk, "a1.jpg").width == 2200  # it is the photo


def test_the_rules_make_of_previews_what_they_make_of_whole_copies(
    desk: Desk, shown: Library
) -> None:
    facts = [desk.facts(number) for number in range(5)]
    suggestions = list(desk.suggestions())
    shown.find()
    whole = Desk(proven(open_result(shown.paths)), desk.examiner)
    assert [whole.facts(number) for number in range(5)] == facts
    assert list(whole.suggestions()) == suggestions


def test_the_page_says_which_copies_are_previews(shown: Library) -> None:
    with serving(shown) as outside:
        page: Page = outside
        page.secret = page.enter()[1]["secret"]
        facts = page.get("/api/facts/1")["facts"]
        previews = {name: facts[str(page.number(name))]["preview"] for name in ("a1.jpg", "a3.jpg")}
        assert previews == {"a1.jpg": True, "a3.jpg": False}
        shown.copy("a1.jpg").write_bytes(wide(CAT, 50))
        assert "edited" in page.get("/api/facts/1")["facts"][str(page.number("a1.jpg"))]["unseen"]


@pytest.mark.sheet
def test_the_sheet_says_which_links_lead_to_previews(shown: Library) -> None:
    shown.find(*PREVIEW)
    sheet = (shown.output / "report.html").read_text("utf-8")
    assert sheet.count("the link leads to a preview") == 4
    assert "2200 " in sheet
    assert "2048 " not in sheet


def test_groups_with_previews_are_kept_by_their_originals(shown: Library) -> None:
    (shown.photos / "b1.jpg").unlink()
    ran = shown.run("keep", "2", "--yes")
    assert ran.code == 1
    assert shown.run("keep", "1", "--yes").code == 0
    shown.find(*PREVIEW, "--discard-review")
    assert sorted(record(shown)) == []


def test_explain_does_not_call_a_preview_a_changed_photo(shown: Library) -> None:
    photos = [str(shown.copy("a1.jpg")), str(shown.photos / "a2.jpg")]
    ran = shown.run("explain", *photos)
    assert "Changed since the last find" not in ran.out
    shown.copy("a1.jpg").write_bytes(wide(CAT, 50))
    assert "Changed since the last find" in shown.run("explain", *photos).out
