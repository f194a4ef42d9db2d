"""What the review page says where there is nothing to see or to suggest, and what to do next."""

import io
import shlex
from pathlib import Path
from typing import Any

import pytest
import test_review_page
from conftest import Library, Ran
from PIL import Image
from stand_in import ONE_BY_ONE
from test_review import serving
from test_review_page import Open, complaints_of, frames, open_group, press, said, until

pytestmark = test_review_page.pytestmark
open_page = test_review_page.open_page
page = test_review_page.page

SIZES = [(1400, 900), (390, 844)]


def is_seen(page: Any, *selectors: str) -> bool:
    """Whether texts are drawn inside the window of a desk and of a phone."""
    before = page.viewport_size
    found = [is_drawn(page, selector, size) for size in SIZES for selector in selectors]
    page.set_viewport_size(before)
    return all(found)


def is_drawn(page: Any, selector: str, size: tuple[int, int]) -> bool:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    frames(page)
    box = page.locator(selector).bounding_box()
    left, top, right, bottom = (
        round(edge)
        for edge in (box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"])
    )
    if left < 0 or top < 0 or right > size[0] or bottom > size[1]:
        return False
    image = Image.open(io.BytesIO(page.screenshot())).convert("L")
    levels = image.crop((left, top, right, bottom)).getcolors()
    paper = max(levels)[1]
    ink = sum(count for count, level in levels if abs(level - paper) > 100)
    return 0.01 < ink / ((right - left) * (bottom - top)) < 0.4


def typed(library: Library, command: str) -> Ran:
    """What comes of a command that the page tells."""
    program, script, *arguments = shlex.split(command)
    assert (program, script) == ("python", "main.py")
    more = () if arguments[1] in ONE_BY_ONE else ("--workers", "1")
    return library.run_exactly(*arguments, *more)


def test_a_result_without_groups_says_how_to_look_for_more(found: Library, open_page: Open) -> None:
    found.run("keep", "all", "--yes")
    found.find()
    page = open_page(found)
    assert page.inner_text("#nothing h2") == "This result has no group."
    assert is_seen(page, "#nothing h2")
    assert complaints_of(page) == []
    assert is_seen(page, "#nothing pre >> nth=0")
    assert is_seen(page, "#nothing pre >> nth=1")
    assert "--preset crops" in page.inner_text("#nothing pre >> nth=0")
    assert typed(found, page.inner_text("#nothing pre >> nth=1")).code == 0
    assert len(found.info()) == 5


def test_where_all_is_looked_at_the_page_says_how_to_go_on(found: Library, open_page: Open) -> None:
    page = open_page(found)
    page.select_option("#filter", "removals")
    assert page.inner_text("#nothing h2") == "Nothing is removed yet."
    assert is_seen(page, "#nothing h2")
    suggest = page.inner_text("#nothing pre")
    page.select_option("#filter", "kept")
    assert page.inner_text("#nothing h2") == "No group is kept side by side."
    page.select_option("#filter", "all")
    press(page, "n", "n")
    until(page, "document.title.startsWith('Group 2')")
    press(page, "Escape")
    page.select_option("#filter", "unreviewed")
    assert page.inner_text("#nothing h2") == "You have looked at every group."
    assert is_seen(page, "#nothing h2")
    assert "nothing would be deleted" in page.inner_text("#nothing")
    page.select_option("#filter", "all")
    open_group(page, 1)
    press(page, "2", "x")
    said(page, "B removed")
    press(page, "Escape")
    page.select_option("#filter", "unreviewed")
    assert is_seen(page, "#nothing pre")
    assert typed(found, page.inner_text("#nothing pre")).code == 0
    assert found.listed() == ["vacation1_copy.jpg"]
    assert "To remove by the rules: 1" in typed(found, suggest).out


def test_a_group_without_a_suggestion_says_what_to_do_and_why_it_is_one(
    found: Library, open_page: Open
) -> None:
    page = open_page(found)
    open_group(page, 2)
    assert "No suggestion: different pictures: framed, cut or edited." in page.inner_text(
        "#verdict"
    )
    assert "Choose yourself" in page.inner_text("#verdict .next")
    assert is_seen(page, "#verdict .next")
    page.click("#verdict summary")
    page.locator("#verdict pre").scroll_into_view_if_needed()
    assert is_seen(page, "#verdict pre")
    assert "z_coffee_bw.jpg" in typed(found, page.inner_text("#verdict pre")).out


def test_where_rules_give_nothing_up_they_say_so(page: Any) -> None:
    page.click("#open-batch")
    until(page, "document.getElementById('batch-sum').innerText.startsWith('2 copies of 1 group')")
    for box in page.locator("#batch-rules input").all():
        box.uncheck()
    said_now = "document.getElementById('batch-sum').innerText"
    until(page, f"{said_now}.startsWith('These rules give nothing up. Left to you: 2 groups.')")
    assert is_seen(page, "#batch-sum")


def test_the_ended_page_says_how_to_go_on(found: Library, open_page: Open) -> None:
    page = open_page(found)
    open_group(page, 1)
    press(page, "a")
    said(page, "accepted")
    page.click("#open-finish")
    page.click("#finish-end")
    page.wait_for_selector(".nothing h1")
    assert is_seen(page, ".nothing h1", "main:last-child pre >> nth=0")
    assert complaints_of(page) == []
    listing, cleanup = page.inner_text("main:last-child pre >> nth=0").splitlines()
    assert typed(found, listing).code == 0
    assert typed(found, f"{cleanup} --dry-run").code == 0
    assert page.inner_text("main:last-child pre >> nth=1").split()[2:4] == ["--action", "review"]


def test_a_page_whose_review_was_stopped_says_how_to_start_it(found: Library, browser: Any) -> None:
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    with serving(found) as served:
        page = context.new_page()
        page.goto(served.server.address)
        page.wait_for_selector(".tile")
    page.wait_for_selector("#stale:not([hidden])")
    text = page.inner_text("#stale")
    assert text.startswith("The review has ended. To look again, type: python main.py --action rev")
    assert is_seen(page, "#stale")
    context.close()


@pytest.mark.parametrize("trouble", ["gone", "edited"])
def test_a_picture_that_cant_be_shown_says_why_and_what_to_do(
    found: Library, open_page: Open, trouble: str
) -> None:
    copy, original = found.copy("z_coffee_bw.jpg"), found.photos / "z_coffee_bw.jpg"
    if trouble == "gone":
        original.unlink()
        copy.unlink()
    else:
        copy.write_bytes(b"no picture")
    page = open_page(found)
    open_group(page, 2)
    why = page.inner_text(".pane .why")
    assert is_seen(page, ".pane .why h2")
    assert is_seen(page, ".pane .why p >> nth=0")
    if trouble == "gone":
        assert "its copy and its original are gone." in why
        assert is_seen(page, ".pane .why pre")
        assert typed(found, page.inner_text(".pane .why pre")).code == 0
        assert len(found.info()) == 3
    else:
        assert "Its copy is not what find put there" in why
        copy.unlink()
        until(page, "document.querySelectorAll('.one')[1].classList.contains('gone')")
        page.click("[aria-label='Restore B']")
        said(page, "B restored")
        assert copy.read_bytes() == Path(original).read_bytes()
