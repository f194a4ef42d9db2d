"""The dialog of rules on the review page: their order, and the folders that are preferred."""

import shlex
from typing import Any

import pytest
import test_review_page
from conftest import Library
from test_review_page import Open, until

pytestmark = test_review_page.pytestmark
open_page = test_review_page.open_page


@pytest.fixture
def page(bare_library: Library, open_page: Open) -> Any:
    """A group of a picture in two folders, the larger one in the first."""
    bare_library.add("album/cat.jpg", quality=90)
    bare_library.add("phone/cat.jpg", "phone/cat_small.jpg", quality=90)
    bare_library.find()
    page = open_page(bare_library, viewport={"width": 1400, "height": 900})
    page.click("#open-batch")
    until(page, "document.getElementById('batch-sum').innerText.startsWith('1 copy of 1 group')")
    return page


def order(page: Any) -> list[str]:
    """The rules from top to bottom, as they are seen."""
    lines = page.locator("#batch-rules li").all()
    return [line.inner_text().split("\n")[1].strip() for line in sorted(lines, key=top)]


def top(node: Any) -> float:
    return float(node.bounding_box()["y"])


def would_go(page: Any, folder: str) -> None:
    until(page, f"document.getElementById('batch-list').innerText.startsWith('{folder}/cat.jpg')")


def test_a_rule_is_dragged_and_moved_by_keys_and_buttons(page: Any) -> None:
    usual = order(page)
    grip = page.locator("#batch-rules li:has-text('preferred folder') .grip")
    start, first = grip.bounding_box(), page.locator("#batch-rules li >> nth=0").bounding_box()
    page.mouse.move(start["x"] + 5, start["y"] + 5)
    page.mouse.down()
    page.mouse.move(start["x"] + 5, first["y"] + 4, steps=6)
    page.mouse.up()
    assert order(page) == ["preferred folder", *(one for one in usual if one != "preferred folder")]
    grip.press("ArrowDown")
    assert order(page)[:2] == [usual[0], "preferred folder"]
    assert page.evaluate("document.activeElement.matches('.grip')")
    assert page.inner_text("#live") == "preferred folder: 2 of 15"
    page.click("[aria-label='preferred folder one up']")
    assert order(page)[0] == "preferred folder"
    page.click("#batch-usual")
    assert order(page) == usual


def test_a_preferred_folder_decides_where_its_rule_stands_and_is_told_for_a_terminal(
    page: Any, bare_library: Library
) -> None:
    would_go(page, "phone")
    phone = page.locator("#batch-folders option").all_inner_texts().index("phone (in 1 group)")
    page.select_option("#batch-folders", index=phone)
    text = page.inner_text("#batch-command").replace("\\\n", "")
    assert shlex.split(text)[-2:] == ["--prefer", str(bare_library.photos / "phone")]
    would_go(page, "phone")  # as most pixels decides first
    for _ in range(11):
        page.locator("#batch-rules li:has-text('preferred folder') .grip").press("ArrowUp")
    would_go(page, "album")
    assert "in their usual order" in page.inner_text("#batch-text")
    page.click("[aria-label='Prefer phone no longer']")
    would_go(page, "phone")
    assert page.is_hidden("#batch-text")
    ran = bare_library.run_exactly(*shlex.split(text)[2:], "--workers", "1")
    assert f"{bare_library.photos / 'phone/cat.jpg'}: fewer pixels" in ran.out
