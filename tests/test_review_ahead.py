"""Nobody waits for a picture on the review page: what comes next is there before the key."""

import io
from typing import Any

import test_review_page
import test_review_pixels
from conftest import Library
from PIL import Image
from test_review_page import Open, frames, open_group, press, until
from test_review_pixels import READ, look_at_pane

pytestmark = test_review_page.pytestmark
open_page = test_review_page.open_page
tints = test_review_pixels.tints

PICTURES = "**/{thumb,preview,full}/*"
# What is on the stage in the first frame after a key, before that is painted.
AT_FIRST_FRAME = """addEventListener('keydown', () => requestAnimationFrame(() => {
  window.first = [...document.querySelectorAll('.pane')].map(
    pane => pane.querySelectorAll('img')[0].naturalWidth);
}), true)"""


def wrong_on_stage(page: Any) -> list[str]:
    """What the panes show that isn't the picture of their letter."""
    frames(page)
    read = page.evaluate(READ)
    assert len(read["panes"]) == 4
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return [what for pane in read["panes"] for what in look_at_pane(pane, read, image)]


def test_the_next_group_is_drawn_in_the_first_frame_after_the_key(
    tints: Library, open_page: Open
) -> None:
    page = open_page(tints, viewport={"width": 1000, "height": 800})
    came: list[str] = []
    page.on("requestfinished", lambda request: came.append(request.url))
    page.reload()
    page.wait_for_selector(".tile")
    open_group(page, 1)
    next_ones = {f"/{kind}/{number}" for kind in ("thumb", "preview") for number in range(4, 8)}
    while not all(any(url.endswith(one) for url in came) for one in next_ones):
        page.wait_for_timeout(10)
    frames(page)
    page.route(PICTURES, lambda _: None)  # from now on no picture comes
    page.evaluate(AT_FIRST_FRAME)
    press(page, "ArrowDown")
    until(page, "document.title.startsWith('Group 2 ')")
    assert all(page.evaluate("window.first")) and len(page.evaluate("window.first")) == 4
    assert wrong_on_stage(page) == []
    press(page, "ArrowUp")  # what was looked at is still here, too
    until(page, "document.title.startsWith('Group 1 ')")
    assert wrong_on_stage(page) == []


def test_the_thumbnail_stands_enlarged_until_the_preview_is_there(
    tints: Library, open_page: Open
) -> None:
    page = open_page(tints, viewport={"width": 1000, "height": 800})
    waits = True
    held: list[Any] = []
    page.route("**/preview/*", lambda route: held.append(route) if waits else route.continue_())
    page.reload()
    page.wait_for_selector(".tile")
    page.click(".tile[aria-label^='Group 1,']")
    until(page, "[...document.querySelectorAll('.pane')].every(p => p.querySelector('canvas'))")
    assert wrong_on_stage(page) == []
    waits = False
    for route in held:
        route.continue_()
    until(page, "document.querySelectorAll('.pane canvas').length === 0")
    assert wrong_on_stage(page) == []
