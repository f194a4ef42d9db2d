"""Nobody waits for a picture on the review page: what comes next is there before the key."""

import io
from typing import Any

import test_review_page
import test_review_pixels
from conftest import Library
from PIL import Image
from test_review_page import Open, frames, open_group, press, until
from test_review_pixels import READ, TINTS, look_at_pane

pytestmark = test_review_page.pytestmark
open_page = test_review_page.open_page
tints = test_review_pixels.tints

PICTURES = "**/{thumb,preview,full}/*"
# What is on the stage in the first frame after a key, before that is painted.
AT_FIRST_FRAME = """addEventListener('keydown', () => requestAnimationFrame(() => {
  window.first = [...document.querySelectorAll('.pane')].map(
    pane => pane.querySelectorAll('img')[0].naturalWidth);
}), true)"""
# What is on the stage in the first frame after a key, where thumbnails stand for the pictures.
STANDING_AT_FIRST_FRAME = """addEventListener('keydown', () => requestAnimationFrame(() => {
  window.first = [...document.querySelectorAll('.pane')].map(
    pane => pane.querySelectorAll('canvas').length);
}), true)"""


def wrong_on_stage(page: Any, names: dict[str, str] | None = None) -> list[str]:
    """What the panes show that isn't the picture of their letter, by names or the page's table."""
    frames(page)
    read = page.evaluate(READ)
    read["names"] = names or read["names"]
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
    until(page, lambda: all(any(url.endswith(one) for url in came) for one in next_ones))
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


def test_until_facts_come_the_stage_shows_the_thumbnails(tints: Library, open_page: Open) -> None:
    page = open_page(tints, viewport={"width": 1000, "height": 800})
    held: list[Any] = []
    page.route("**/{api/facts,preview}/*", lambda route: held.append(route))
    page.reload()
    page.wait_for_selector(".tile")
    until(page, "[...document.querySelectorAll('.tile img')].every(i => i.naturalWidth > 0)")
    page.evaluate(STANDING_AT_FIRST_FRAME)
    press(page, "Enter")
    until(page, "document.title.startsWith('Group 1 ')")
    assert len(page.evaluate("window.first")) == 4 and all(page.evaluate("window.first"))
    names = {
        letter: f"{tint}.jpg" for letter, tint in zip("ABCD", sorted([*TINTS][:4]), strict=True)
    }
    assert wrong_on_stage(page, names) == []
    for route in held:
        route.continue_()
    page.unroute("**/{api/facts,preview}/*")
    until(page, "document.querySelectorAll('.pane canvas').length === 0")
    assert wrong_on_stage(page) == []


def test_a_picture_without_thumbnail_and_facts_is_asked_for_once_they_come(
    found: Library, open_page: Open
) -> None:
    """Nobody knows yet whether it can be shown."""
    found.copy("z_coffee_bw.jpg").write_bytes(b"no picture")
    page = open_page(found)
    held: list[Any] = []
    asked: list[str] = []
    page.route("**/api/facts/*", lambda route: held.append(route))
    page.reload()
    page.on("request", lambda request: asked.append(request.url))  # not those before it
    page.wait_for_selector(".tile")
    page.click(".tile[aria-label^='Group 2,']")
    until(page, "document.querySelectorAll('.pane img').length === 1")
    frames(page)
    assert page.locator(".pane").count() == 2
    for route in held:
        route.continue_()
    page.unroute("**/api/facts/*")
    page.wait_for_selector(".pane .why h2")
    assert sum(url.endswith("/preview/3") for url in asked) == 1
    assert not any(url.endswith("/preview/4") for url in asked)
