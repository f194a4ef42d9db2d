"""The review page under fingers: what a thumb reaches, and swiping to other groups."""

from typing import Any

import pytest
import test_review_page
from conftest import Library
from test_review_page import Open, frames, gone, said, until

pytestmark = test_review_page.pytestmark
open_page = test_review_page.open_page


def swipe(page: Any, across: float, down: float = 0) -> None:
    """A finger over the pictures, from their middle."""
    box = page.locator("#stage").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    fingers = page.context.new_cdp_session(page)
    for kind, part in (
        ("touchStart", 0.0),
        ("touchMove", 0.5),
        ("touchMove", 1.0),
        ("touchEnd", None),
    ):
        points = [] if part is None else [{"x": x + across * part, "y": y + down * part}]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def swipe_to(page: Any, across: float, group: str) -> None:
    """Swipe until a group is there: on a busy machine one right after a scroll led nowhere."""

    def is_there() -> bool:
        swipe(page, across)
        for _ in range(100):
            if page.title().startswith(group):
                return True
            page.wait_for_timeout(20)
        return False

    until(page, is_there)


@pytest.mark.parametrize(("width", "height"), [(390, 844), (820, 1180)])
def test_a_swipe_leads_to_the_next_group_and_buttons_are_within_reach(
    found: Library, open_page: Open, width: int, height: int
) -> None:
    size = {"width": width, "height": height}
    page = open_page(found, viewport=size, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.tap(".tile[aria-label^='Group 1,']")
    page.wait_for_selector(".pane img")
    until(page, "[...document.querySelectorAll('.pane img')].every(i => i.naturalWidth)")
    for button in page.locator("#reach button").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 44
        assert box["y"] >= height * 0.8
        assert box["y"] + box["height"] <= height
    swipe_to(page, -150, "Group 2")
    frames(page)
    swipe(page, 0, -150)
    swipe(page, -30)
    frames(page)
    assert page.title().startswith("Group 2")
    swipe_to(page, 150, "Group 1")
    until(page, "document.querySelectorAll('#strip .pick').length === 3")

    def third_is_chosen() -> bool:
        """Of a touch right after a swipe Chromium sometimes makes no click, only pointer events."""
        page.tap("#strip .pick >> nth=2")
        frames(page)
        return bool(page.evaluate("document.querySelectorAll('.one')[2].matches('.chosen')"))

    until(page, third_is_chosen)
    page.tap("#reach-remove")
    said(page, "C removed")
    assert page.inner_text("#reach-remove") == "Restore C"
    page.tap("#reach-decide")
    said(page, "ccepted: A is kept")
    assert gone(found) == ["vacation1_copy.jpg", "vacation1_old.jpg"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_help_says_how_another_device_looks_on(found: Library, open_page: Open) -> None:
    page = open_page(found)
    page.keyboard.press("?")
    port = page.url.split(":")[2].strip("/")
    assert page.inner_text("#help-tunnel") == f"ssh -N -L {port}:127.0.0.1:{port} you@this-computer"
