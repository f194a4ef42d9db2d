"""The review page in a real browser: looking, choosing, and that everyone can."""

import contextlib
import hashlib
import io
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import CHROMIUM, ROOT, SAMPLES, Library, make_once, picture, tree
from made_pictures import CAT, LAUNCH, PORTRAIT, encoded, photo
from made_raw import dng
from PIL import Image, ImageStat
from test_review import serving

from disk import copy_names, decisions, files, lines, output_lock, record
from disk.files import ImageFile

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no browser; run apt-get install chromium"
)
PICTURES = ROOT / "extras" / "review" / "pictures"

# What the page does after a while it does soon, so that no test waits for it.
HURRY = """{
  const {setTimeout} = window;
  window.setTimeout = (deed, wait, ...rest) => setTimeout(deed, Math.min(wait ?? 0, 100), ...rest);
}"""

Open = Callable[..., Any]


def is_error(message: Any) -> bool:
    """Whether the page made a mistake; a refusal (404, 409, 423) is an answer, and it says it."""
    refused = re.search(r"status of (404|409|423) ", message.text)
    return message.type == "error" and not refused


@pytest.fixture
def open_page(browser: Any) -> Iterator[Open]:
    """Serve a library and open its page; no test may leave an error in the console."""
    errors: list[str] = []
    with contextlib.ExitStack() as stack:

        def open_(library: Library, context: Any = None, **options: Any) -> Any:
            served = stack.enter_context(serving(library))
            options = {"viewport": {"width": 1280, "height": 860}, **options}
            if context is None:
                context = browser.new_context(**options)
                stack.callback(context.close)
                context.add_init_script(HURRY)
            page = context.new_page()
            page.set_default_timeout(60_000)
            page.on("console", lambda m: is_error(m) and errors.append(m.text))
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(served.server.address)
            page.wait_for_selector(".tile, #nothing:not([hidden])")
            page.wait_for_selector("#judging", state="hidden")
            return page

        yield open_
    assert errors == []


@pytest.fixture
def page(found: Library, open_page: Open) -> Any:
    return open_page(found)


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def open_group(page: Any, number: int = 1) -> None:
    page.click(f".tile[aria-label^='Group {number},']")
    page.wait_for_selector(".pane img")
    until(page, "[...document.querySelectorAll('.pane img')].every(i => i.naturalWidth)")
    until(page, "document.getElementById('zoom-level').innerText !== ''")  # the facts are there
    frames(page)


def frames(page: Any) -> None:
    """Wait until what was asked for is drawn."""
    page.evaluate("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")


def until(page: Any, condition: str | Callable[[], object]) -> None:
    """Wait for a condition of the page, or of the test.

    The page's policy lets no script be made of a text in it.
    """
    holds = condition if callable(condition) else lambda: page.evaluate(condition)
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, (condition, page.inner_text("body"))
        page.wait_for_timeout(20)


def gone(found: Library) -> list[str]:
    return [Path(o).name for o, copy in found.info().items() if not os.path.exists(copy)]


def said(page: Any, text: str) -> None:
    until(page, f"document.getElementById('live').textContent.includes({text!r})")


def shown(page: Any, selector: str = "#stage") -> Image.Image:
    return Image.open(io.BytesIO(page.locator(selector).screenshot())).convert("RGB")


# ---- Opening and moving


def test_where_all_groups_are_kept_the_page_says_that_there_is_none(
    found: Library, open_page: Open
) -> None:
    found.run("keep", "all", "--yes")
    found.find()
    assert open_page(found).inner_text("#nothing h2") == "This result has no group."


def test_the_page_opens_and_shows_the_groups_with_their_thumbnails(page: Any) -> None:
    assert page.locator(".tile").count() == 2
    until(page, "[...document.querySelectorAll('.tile img')].every(i => i.naturalWidth > 0)")
    assert "2 groups · 0 to remove" in page.inner_text("#counts")
    assert page.url.rstrip("/").count("/") == 2  # the token is gone from the address
    page.reload()
    page.wait_for_selector(".tile")


def test_keys_lead_everywhere_and_back(page: Any) -> None:
    press(page, "ArrowRight", "Enter")
    until(page, "document.title.startsWith('Group 2')")
    press(page, "ArrowUp")
    until(page, "document.title.startsWith('Group 1')")
    page.wait_for_selector(".pane img")
    for key, place in (("1", 0), ("3", 2), ("ArrowLeft", 1), ("ArrowRight", 2)):
        press(page, key)
        until(page, f"document.querySelectorAll('.one')[{place}].classList.contains('chosen')")
    press(page, "Escape")
    page.wait_for_selector(".tile:focus")
    press(page, "?")
    assert page.is_visible("#help")
    keys = page.inner_text("#help")
    words = ("Remove or restore", "Keep only what", "Difference", "Keep all", "Delete", "Ctrl Z")
    assert all(word in keys for word in words)
    press(page, "Escape")
    assert page.is_hidden("#help")
    page.go_forward()
    until(page, "document.title.startsWith('Group 1')")


def test_the_next_unreviewed_group_is_found_and_the_end_is_said(page: Any) -> None:
    press(page, "n")
    until(page, "document.title.startsWith('Group 1')")
    press(page, "n")
    until(page, "document.title.startsWith('Group 2')")
    press(page, "n")
    said(page, "has been looked at")
    press(page, "Escape")
    page.select_option("#filter", "unreviewed")
    assert page.is_visible("#nothing")


# ---- Choosing


def test_x_removes_the_copy_and_restores_it(page: Any, found: Library) -> None:
    before = tree(found.folder)
    open_group(page)
    press(page, "2", "x")
    said(page, "B removed. 2 of 3 left.")
    assert gone(found) == ["vacation1_copy.jpg"]
    assert "1 to remove" in page.inner_text("#counts")
    press(page, "x")
    said(page, "B restored. 3 of 3 left.")
    assert tree(found.folder) == before


def test_o_keeps_only_the_picked_one_and_u_undoes_it_in_one_step(page: Any, found: Library) -> None:
    before = tree(found.folder)
    open_group(page)
    press(page, "3", "o")
    said(page, "Only C is kept.")
    assert gone(found) == ["vacation1.jpg", "vacation1_copy.jpg"]
    press(page, "u")
    said(page, "Undone: 2 copies.")
    assert tree(found.folder) == before


def test_a_accepts_the_suggestion_and_brings_its_keeper_back(page: Any, found: Library) -> None:
    found.delete_copies("vacation1.jpg")
    open_group(page)
    assert "keep A: least compressed. Give up B, C." in page.inner_text("#verdict")
    until(page, "document.querySelector('.one').classList.contains('gone')")
    press(page, "Shift+A")
    said(page, "Accepted: A is kept.")
    assert gone(found) == ["vacation1_copy.jpg", "vacation1_old.jpg"]
    press(page, "u")
    said(page, "Undone: 3 copies.")
    assert gone(found) == ["vacation1.jpg"]


def test_emptying_a_group_is_asked_for_and_no_keeps_it(page: Any, found: Library) -> None:
    open_group(page, 2)
    press(page, "1", "x")
    said(page, "A removed")
    press(page, "2", "x")
    page.wait_for_selector("#ask[open]")
    assert "Remove the last of group 2?" in page.inner_text("#ask")
    press(page, "Enter")  # the first button keeps it
    page.wait_for_selector("#ask", state="hidden")
    assert gone(found) == ["z_coffee.jpg"]
    press(page, "x")
    page.wait_for_selector("#ask[open]")
    page.click("#ask-yes")
    until(page, "document.querySelectorAll('.one.gone').length === 2")
    assert gone(found) == ["z_coffee.jpg", "z_coffee_bw.jpg"]


def test_everything_is_reached_with_the_mouse(page: Any, found: Library) -> None:
    open_group(page)
    page.click("[aria-label='Remove C']")
    said(page, "C removed")
    page.click("[aria-label='Restore C']")
    said(page, "C restored")
    page.click("[aria-label='Keep only B']")
    said(page, "Only B is kept")
    page.click("#undo")
    said(page, "Undone")
    for mode in ("flip", "slider", "difference", "side"):
        page.click(f"[data-mode={mode}]")
        assert page.get_attribute(f"[data-mode={mode}]", "aria-pressed") == "true"
    page.click("#accept")
    said(page, "Group 1 accepted: A is kept.")
    assert page.title().startswith("Group 2")
    page.click("#back")
    page.wait_for_selector(".tile")
    assert gone(found) == ["vacation1_copy.jpg", "vacation1_old.jpg"]


def test_undo_asks_before_it_empties_a_group_and_is_kept_until_it_worked(
    page: Any, found: Library
) -> None:
    found.delete_copies("z_coffee_bw.jpg")
    open_group(page, 2)
    until(page, "document.querySelectorAll('.one')[1].classList.contains('gone')")
    press(page, "2", "x")
    said(page, "B restored")
    found.delete_copies("z_coffee.jpg")
    press(page, "u")
    page.wait_for_selector("#ask[open]")
    press(page, "Enter")
    page.wait_for_selector("#ask", state="hidden")
    assert found.copy("z_coffee_bw.jpg").exists()
    with output_lock.locked(str(found.output)):
        press(page, "u")
        page.wait_for_selector("#ask", state="hidden")
        said(page, "another run is using")
    page.reload()
    page.wait_for_selector("#strip .one")
    assert page.is_enabled("#undo")
    press(page, "u")
    page.wait_for_selector("#ask[open]")
    page.click("#ask-yes")
    said(page, "Undone: 1 copy.")
    assert gone(found) == ["z_coffee.jpg", "z_coffee_bw.jpg"]


def test_a_step_that_changed_nothing_is_undone_before_older_ones(page: Any, found: Library) -> None:
    open_group(page)
    press(page, "2", "x")
    said(page, "B removed")
    (found.photos / "vacation1_old.jpg").unlink()
    press(page, "3", "x")
    said(page, "its original is gone or changed")
    press(page, "u")
    said(page, "The last step had changed nothing.")
    assert gone(found) == ["vacation1_copy.jpg"]
    press(page, "u")
    said(page, "Undone: 1 copy.")


def test_accepting_removes_nothing_if_the_keeper_can_not_come_back(
    page: Any, found: Library
) -> None:
    open_group(page)
    page.wait_for_selector("#accept")
    found.delete_copies("vacation1.jpg")
    (found.photos / "vacation1.jpg").unlink()
    until(page, "document.querySelector('.one').classList.contains('gone')")
    press(page, "a")
    said(page, "Group 1, vacation1.jpg: its original is gone")
    assert gone(found) == ["vacation1.jpg"]
    press(page, "ArrowUp")
    until(page, "document.title.startsWith('Group 1')")
    page.wait_for_selector("#accept")
    assert page.inner_text("#accept") == "Accept"


def test_a_page_of_an_older_result_says_so_and_changes_nothing(page: Any, found: Library) -> None:
    open_group(page)
    found.add("vacation1_new.jpg", quality=60)
    found.find()
    page.wait_for_selector("#stale:not([hidden])")
    assert "holds another result by now" in page.inner_text("#stale")
    before = tree(found.output)
    press(page, "2", "x")
    said(page, "another result")
    assert tree(found.output) == before


def test_what_was_renamed_is_not_counted_as_removed(page: Any, found: Library) -> None:
    open_group(page)
    copy = found.copy("vacation1_old.jpg")
    copy.rename(copy.with_name("renamed.jpg"))
    until(page, "document.getElementById('verdict').innerText.includes('moved or renamed')")
    assert "0 to remove" in page.inner_text("#counts")
    page.click("#open-finish")
    until(page, "document.getElementById('finish-sum').innerText === 'Nothing would be deleted.'")


def test_after_cleanup_nothing_is_left_to_remove(page: Any, found: Library) -> None:
    until(page, "[...document.querySelectorAll('.tile img')].every(i => i.naturalWidth > 0)")
    found.delete_copies("vacation1_old.jpg")
    until(page, "document.getElementById('counts').innerText.includes('1 to remove')")
    assert found.check().code == 0
    assert found.cleanup("--yes").code == 0
    until(page, "document.getElementById('counts').innerText.includes('0 to remove')")
    page.click("#open-finish")
    until(page, "document.getElementById('finish-notes').innerText.includes('already: 1 original')")


def test_copies_deleted_and_edited_by_hand_appear(page: Any, found: Library) -> None:
    open_group(page)
    found.delete_copies("vacation1_old.jpg")
    until(page, "document.querySelectorAll('.one')[2].classList.contains('gone')")
    found.copy("vacation1_copy.jpg").write_bytes(picture("2024/coffee.jpg"))
    until(page, "document.getElementById('verdict').innerText.includes('edited since find')")
    press(page, "2", "x")
    said(page, "it was edited since find")
    assert found.copy("vacation1_copy.jpg").read_bytes() == picture("2024/coffee.jpg")


def test_an_answer_about_what_was_edited_since_is_not_shown(page: Any, found: Library) -> None:
    """Of two answers about one group the older one may come last."""
    late: list[tuple[Any, Any]] = []

    def hold(route: Any) -> None:
        if len(late) < 2:
            late.append((route, route.fetch()))
        else:
            route.continue_()

    page.route("**/api/facts/1", hold)
    page.reload()  # as the answer may be here already, asked for ahead
    page.click(".tile[aria-label^='Group 1,']")
    until(page, lambda: len(late) == 1)
    with Image.open(SAMPLES / "2024/cat.jpg") as image:
        image.resize((150, 100)).save(found.copy("vacation1_copy.jpg"), "JPEG")
    until(page, lambda: len(late) == 2)
    for route, response in reversed(late):
        route.fulfill(response=response)
        frames(page)
    press(page, "ArrowDown", "ArrowUp")  # and so it is shown again
    until(page, "document.querySelectorAll('td.path').length === 3")
    pixels = page.locator("tr:has(th:text-is('Pixels')) td").all_inner_texts()
    assert pixels[1].split()[0] == "150"


def test_what_was_asked_before_a_change_takes_nothing_back(page: Any) -> None:
    """An answer about the folders may be older than what is shown by now."""
    late: list[tuple[Any, Any]] = []
    page.route("**/api/state/*", lambda route: late.append((route, route.fetch())), times=1)
    open_group(page)
    until(page, lambda: late)
    press(page, "2", "x")
    said(page, "B removed")
    page.evaluate(
        """() => { window.counted = [];
        new MutationObserver(() => window.counted.push(document.getElementById('counts').innerText))
          .observe(document.getElementById('counts'), {childList: true, characterData: true,
                                                       subtree: true}); }"""
    )
    with page.expect_response("**/api/state/*"):  # the next one
        route, response = late.pop()
        route.fulfill(response=response)
    frames(page)
    assert not any("0 to remove" in text for text in page.evaluate("window.counted"))
    assert "1 to remove" in page.inner_text("#counts")


def test_a_refusal_is_said_with_its_reason(page: Any, found: Library) -> None:
    open_group(page)
    press(page, "2", "x")
    said(page, "B removed")
    (found.photos / "vacation1_copy.jpg").unlink()
    press(page, "x")
    said(page, "vacation1_copy.jpg: its original is gone")


def test_a_batch_goes_by_rules_and_comes_back_in_one_step(page: Any, found: Library) -> None:
    before = tree(found.folder)
    page.click("#open-batch")
    until(page, "document.getElementById('batch-sum').innerText.startsWith('2 copies of 1 group')")
    assert page.locator("#batch-list li").count() == 2
    for box in page.locator("#batch-rules input").all():
        box.uncheck()
    until(page, "document.getElementById('batch-sum').innerText.startsWith('These rules give')")
    assert page.is_disabled("#batch-yes")
    page.check("#batch-rules [value=compression]")
    until(page, "document.getElementById('batch-yes').innerText === 'Remove 2 copies'")
    page.click("#batch-yes")
    said(page, "2 copies removed")
    assert gone(found) == ["vacation1_copy.jpg", "vacation1_old.jpg"]
    press(page, "u")
    said(page, "Undone: 2 copies.")
    assert tree(found.folder) == before


PARTS = """async ([back, gone]) => {
  const {partsOf} = await import('/changes.js');
  const upTo = (first, last) => Array.from({length: last - first}, (_, n) => first + n);
  const wanted = {restore: upTo(0, back), remove: upTo(back, back + gone)};
  return [...partsOf(wanted)].map(({part}) => [...part.restore, ...part.remove]);
}"""


def test_a_large_change_goes_in_parts_and_none_is_left_out(page: Any) -> None:
    """None is sent twice, either, and a keeper comes back before others go."""
    for back, gone in ((0, 0), (1, 0), (0, 400), (1, 399), (1, 400), (399, 2), (700, 900)):
        parts = page.evaluate(PARTS, [back, gone])
        assert [number for part in parts for number in part] == [*range(back + gone)]
        assert max(map(len, parts)) <= 400


def test_a_batch_may_keep_to_the_groups_that_are_shown(page: Any) -> None:
    open_group(page, 1)
    press(page, "Escape")
    page.select_option("#filter", "unreviewed")
    page.click("#open-batch")
    page.check("[name=scope][value=shown]")
    until(page, "document.getElementById('batch-sum').innerText.startsWith('These rules give')")
    page.check("[name=scope][value=all]")
    until(page, "document.getElementById('batch-sum').innerText.startsWith('2 copies')")


def test_the_last_screen_sums_up_and_deletes_nothing(page: Any, found: Library) -> None:
    names = found.names()
    open_group(page)
    press(page, "a")
    said(page, "accepted")
    page.click("#open-finish")
    until(page, "document.getElementById('finish-sum').innerText.startsWith('2 originals')")
    assert "--action check-deleted" in page.inner_text("#finish-command")
    assert page.locator("#finish-list li").count() == 2
    page.click("#finish-end")
    until(page, "document.body.innerText.includes('The review has ended')")
    assert found.names() == names
    assert found.check().code == 0
    assert found.listed() == ["vacation1_copy.jpg", "vacation1_old.jpg"]


def test_the_last_screen_says_what_only_the_doomed_hold(
    bare_library: Library, open_page: Open
) -> None:
    """As check-deleted does: it is the last look."""
    bare_library.add("a.jpg")
    with Image.open(bare_library.add("b.jpg")) as image:
        image.save(bare_library.photos / "b.jpg", comment=b"Grandma <b>1962</b>")
    bare_library.add("c.jpg", quality=60)
    bare_library.find()
    page = open_page(bare_library)
    for name in ("b.jpg", "c.jpg"):
        bare_library.copy(name).unlink()
    page.click("#open-finish")
    until(page, "document.querySelectorAll('#finish-notes li').length === 1")
    title = "Only these hold something that what stays doesn't (1):"
    assert title in page.inner_text("#finish-notes")
    [line] = page.locator("#finish-notes li").all_inner_texts()
    assert "comment: Grandma <b>1962</b>" in line
    told = bare_library.check().out
    assert f"{title}\n  {bare_library.photos / line}" in told


def test_after_the_end_nothing_on_the_page_goes_wrong(page: Any) -> None:
    """No timer, key or change of size asks for what is gone; an error would fail the test."""
    page.clock.install()
    page.reload()
    open_group(page)
    press(page, "2", "x")
    said(page, "B removed")
    press(page, "Escape")
    page.wait_for_selector(".tile")
    press(page, "Enter", "x")  # of which the answer may come after the end
    page.click("#open-finish")
    page.click("#finish-end")
    until(page, "document.body.innerText.includes('The review has ended')")
    for key in (
        "ArrowRight",
        "Enter",
        "1",
        "x",
        "a",
        "k",
        "Delete",
        "u",
        "Control+z",
        " ",
        "d",
        "Escape",
        "n",
        "?",
        "End",
    ):
        press(page, key)
    page.set_viewport_size({"width": 700, "height": 500})
    page.clock.fast_forward(20_000)
    page.go_back()
    page.go_forward()
    frames(page)
    assert page.inner_text("body").startswith("The review has ended. You may close this page.")


def test_sorting_and_filtering_go_by_what_is_removed(page: Any) -> None:
    first = ".tile >> nth=0"
    page.select_option("#sort", "path")
    assert page.get_attribute(first, "aria-label").startswith("Group 1,")
    page.select_option("#sort", "uncertain")
    assert page.locator(".tile").count() == 2
    page.select_option("#filter", "removals")
    assert page.locator(".tile").count() == 0
    page.select_option("#filter", "undecided")
    assert page.locator(".tile").count() == 2


# ---- Looking

CENTRES = """[...document.querySelectorAll('.pane')].map(pane => {
  const room = pane.getBoundingClientRect();
  const box = pane.querySelector('img').getBoundingClientRect();
  return [(room.left + room.width / 2 - box.left) / box.width,
          (room.top + room.height / 2 - box.top) / box.height, box.width / room.width];
})"""


def test_a_damaged_picture_is_marked_wherever_it_is_seen(
    bare_library: Library, open_page: Open
) -> None:
    whole = bare_library.add("a.jpg").read_bytes()
    (bare_library.photos / "b.jpg").write_bytes(whole[: len(whole) * 7 // 10])
    bare_library.find()
    page = open_page(bare_library)
    assert "damaged" in page.inner_text(".tile .where")
    open_group(page)
    letters = ["A", "B, damaged"]
    assert page.locator(".pane .letter").all_inner_texts() == letters
    assert page.locator("#strip .letter").all_inner_texts() == letters
    label = page.locator("#strip .pick").nth(1).get_attribute("aria-label")
    assert label == "Picture B, damaged, b.jpg"
    verdict = page.inner_text("#verdict")
    assert "one is damaged and can't be compared with the rest: look yourself" in verdict
    assert "B is damaged: " in verdict and "A is damaged" not in verdict
    press(page, "f")
    page.keyboard.down(" ")
    until(page, "document.querySelector('.pane .letter').innerText === 'B, damaged'")
    page.keyboard.up(" ")


@pytest.fixture
def sizes(bare_library: Library, shelf: Path) -> Library:
    """A group of a photo in three sizes, one of which is larger than a preview."""

    def make() -> None:
        with Image.open(SAMPLES / "2024/cat.jpg") as image:
            for name, width in (("a_large", 2400), ("b_middle", 900), ("c_small", 300)):
                height = round(width * image.height / image.width)
                image.resize((width, height)).save(bare_library.photos / f"{name}.jpg", quality=90)
        bare_library.find()

    make_once(bare_library, shelf / "sizes", make)
    return bare_library


def test_zoom_and_place_are_the_same_fraction_in_all_pictures(
    sizes: Library, open_page: Open
) -> None:
    page = open_page(sizes)
    open_group(page)
    box = page.locator(".pane >> nth=0").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.4)
    for _ in range(6):
        page.mouse.wheel(0, -200)
    frames(page)
    centres = page.evaluate(CENTRES)
    assert len(centres) == 3
    for x, y, wide in centres:
        assert x == pytest.approx(centres[0][0], abs=0.003) != 0.5
        assert y == pytest.approx(centres[0][1], abs=0.003)
        assert wide == pytest.approx(centres[0][2], abs=0.02)
        assert wide > 1.5
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.4, steps=5)
    page.mouse.up()
    frames(page)
    moved = page.evaluate(CENTRES)
    assert moved[0][0] > centres[0][0] + 0.05
    assert moved[2][0] == pytest.approx(moved[0][0], abs=0.003)


def test_100_percent_shows_pixels_and_beyond_300_they_are_square(
    sizes: Library, open_page: Open
) -> None:
    page = open_page(sizes)
    open_group(page)
    press(page, "1", "z")
    until(page, "document.getElementById('zoom-level').innerText === '100 %'")
    wide = page.evaluate("document.querySelector('.pane img').getBoundingClientRect().width")
    assert wide == pytest.approx(2400, abs=2)
    until(page, "document.querySelector('.pane img').naturalWidth === 2400")
    rendering = (
        "[...document.querySelectorAll('.pane')]"
        ".map(p => getComputedStyle(p.querySelector('img')).imageRendering)"
    )
    # The small one has been stretched to eight times its size by now, the large one not.
    assert page.evaluate(rendering) == ["auto", "auto", "pixelated"]
    press(page, "z")
    until(page, "document.getElementById('zoom-level').innerText !== '100 %'")


def test_the_zoom_is_kept_from_group_to_group(page: Any) -> None:
    open_group(page)
    press(page, "+", "+")
    frames(page)
    before = page.evaluate(CENTRES)[0][2]
    press(page, "ArrowDown")
    until(page, "document.title.startsWith('Group 2')")
    page.wait_for_selector(".pane img")
    until(page, "[...document.querySelectorAll('.pane img')].every(i => i.naturalWidth)")
    frames(page)
    after = page.evaluate(CENTRES)[0]
    assert max(after[2], before) > 1
    press(page, "0")
    frames(page)
    assert page.evaluate(CENTRES)[0][2] <= 1.001


def test_holding_space_flips_the_two_pictures_in_place(page: Any) -> None:
    open_group(page, 2)
    press(page, "2", "f")
    until(page, "document.querySelectorAll('.pane').length === 1")
    frames(page)
    assert (is_gray(page), page.inner_text(".pane .letter")) == (False, "A")
    page.keyboard.down(" ")
    until(page, "document.querySelector('.pane .letter').innerText === 'B'")
    frames(page)
    assert is_gray(page)
    page.keyboard.up(" ")
    until(page, "document.querySelector('.pane .letter').innerText === 'A'")
    frames(page)
    assert not is_gray(page)


def test_who_leaves_a_group_with_space_held_finds_the_next_as_it_is(page: Any) -> None:
    open_group(page, 2)
    page.keyboard.down(" ")
    press(page, "Escape")
    page.wait_for_selector(".tile")
    page.keyboard.up(" ")
    open_group(page, 2)
    assert page.locator(".pane .letter").all_inner_texts() == ["A", "B"]


def is_gray(page: Any) -> bool:
    image = shown(page)
    middle = image.crop((image.width // 2 - 40, image.height // 3, image.width // 2, image.height))
    return all(max(pixel) - min(pixel) < 12 for _, pixel in middle.getcolors(1 << 24) or [])


def test_a_turned_version_is_turned_to_match(bare_library: Library, open_page: Open) -> None:
    """Laid over each other, only what saving again changed is seen."""
    turns = ("ROTATE_90", "ROTATE_270", "FLIP_LEFT_RIGHT", "TRANSVERSE")
    with Image.open(SAMPLES / "2024/cat.jpg") as image:
        image.save(bare_library.photos / "a.png")
        for number, turn in enumerate(turns):
            turned = image.transpose(Image.Transpose[turn])
            turned.save(bare_library.photos / f"b{number}.jpg", quality=95)
    bare_library.find()
    page = open_page(bare_library)
    open_group(page)
    page.click("[data-mode=difference]")
    page.select_option("#amplify", "1")
    for place in range(len(turns)):
        press(page, str(place + 2))
        until(page, "document.querySelector('.pane .tag').innerText.includes('to match')")
        until(page, "[...document.querySelectorAll('.pane img')].every(i => i.naturalWidth)")
        frames(page)
        image = shown(page)
        middle = image.crop((image.width // 3, 60, image.width * 2 // 3, image.height - 10))
        assert sum(ImageStat.Stat(middle).mean) < 12, turns[place]


def test_the_slider_splits_the_two_pictures(page: Any) -> None:
    open_group(page, 2)
    press(page, "2", "s")
    page.wait_for_selector(".handle")
    for split, side in ((10, 0.5), (90, 0.5)):
        page.evaluate(
            "split => { const s = document.getElementById('split'); s.value = split;"
            " s.dispatchEvent(new Event('input')); }",
            split,
        )
        frames(page)
        image = shown(page)
        red, green, blue = image.getpixel((int(image.width * side) + 40, image.height // 2))
        assert (max(red, green, blue) - min(red, green, blue) < 12) == (split == 10)
    box = page.locator(".handle").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(200, box["y"] + 20)
    page.mouse.up()
    assert int(page.input_value("#split")) < 30


def test_the_difference_is_black_for_identical_pictures_only(
    bare_library: Library, open_page: Open
) -> None:
    bare_library.add("a.jpg")
    bare_library.add("b.jpg")
    bare_library.add("c.jpg", quality=30)
    bare_library.find()
    page = open_page(bare_library)
    open_group(page)
    page.click("[data-mode=difference]")
    brightest = {}
    for key in ("2", "3"):
        press(page, key)
        until(page, "[...document.querySelectorAll('.pane img')].every(i => i.naturalWidth)")
        frames(page)
        image = shown(page)
        middle = image.crop((image.width // 3, 60, image.width * 2 // 3, image.height - 10))
        brightest[key] = max(high for _, high in middle.getextrema())
    assert brightest["2"] == 0
    assert brightest["3"] > 80
    page.select_option("#amplify", "1")
    frames(page)
    assert max(high for _, high in shown(page).crop((400, 60, 800, 300)).getextrema()) < 80


def test_the_table_marks_the_best_and_the_worse(sizes: Library, open_page: Open) -> None:
    page = open_page(sizes)
    open_group(page)
    pixels = page.locator("tr:has(th:text-is('Pixels')) td span")
    classes = [pixels.nth(n).get_attribute("class") for n in range(3)]
    assert classes == ["best", "worse", "worse"]
    marks = page.locator("td.path mark").all_inner_texts()
    assert marks == ["a_large", "b_middle", "c_small"]
    assert "keep A: most pixels" in page.inner_text("#verdict")


def test_the_table_says_what_lies_beside_a_picture(sizes: Library, open_page: Open) -> None:
    (sizes.photos / "c_small.CR2").touch()
    page = open_page(sizes)
    open_group(page)
    beside = page.locator("tr:has(th:text-is('Beside it')) td").all_inner_texts()
    assert beside == ["\u2013", "\u2013", "RAW c_small.CR2"]


@pytest.mark.formats
def test_a_raw_and_its_jpeg_that_are_doubled_are_said_to_be(
    bare_library: Library, open_page: Open
) -> None:
    pytest.importorskip("rawpy")
    image = photo(CAT).resize((900, 600))
    for folder in ("DCIM", "Wedding"):
        (bare_library.photos / folder).mkdir()
        for name, content in (("a.DNG", dng(image)), ("a.JPG", encoded(image, "JPEG"))):
            (bare_library.photos / folder / name).write_bytes(content)
    bare_library.find()
    page = open_page(bare_library)
    open_group(page)
    verdict = page.inner_text("#verdict")
    assert "keep C: in a person's folder. Give up A. With it keep D, give up B." in verdict
    assert "RAW and JPEG of one shot, both doubled: A + B, C + D" in verdict
    compression = page.inner_text("#table-room tr:has-text('Compression')")
    assert compression.split("\t")[1::2] == ["the camera's"] * 2


def test_the_last_screen_names_what_is_left_without_its_photo(
    sizes: Library, open_page: Open
) -> None:
    for name in ("c_small.xmp", "a_large.xmp"):
        (sizes.photos / name).touch()
    sizes.delete_copies("c_small.jpg")
    page = open_page(sizes)
    page.click("#open-finish")
    page.wait_for_selector("#finish-notes ol")
    notes = page.inner_text("#finish-notes")
    assert notes.split()[:6] == "Left without their photo (1): c_small.xmp".split()
    assert "--with-companions" in notes


def test_fingers_pan_pinch_and_choose(sizes: Library, open_page: Open) -> None:
    page = open_page(sizes, has_touch=True, viewport={"width": 480, "height": 900})
    page.tap(".tile")
    page.wait_for_selector(".pane img")
    until(page, "[...document.querySelectorAll('.pane img')].every(i => i.naturalWidth)")
    frames(page)
    before = page.evaluate(CENTRES)[0][2]
    box = page.locator(".pane >> nth=0").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    fingers = page.context.new_cdp_session(page)
    for kind, apart in (
        ("touchStart", 40),
        ("touchMove", 80),
        ("touchMove", 120),
        ("touchMove", 160),
        ("touchEnd", None),
    ):
        points = [] if apart is None else [{"x": x - apart, "y": y}, {"x": x + apart, "y": y}]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    frames(page)
    assert page.evaluate(CENTRES)[0][2] > 1.5 * before
    places = [page.locator(f"[aria-label='Remove {name}']").bounding_box() for name in "AB"]
    assert places[0]["x"] + places[0]["width"] <= places[1]["x"]  # nothing lies on another
    assert page.locator("[data-mode=side]").bounding_box()["y"] > 0  # nor is scrolled away
    page.tap("[aria-label='Remove C']")
    said(page, "C removed")
    assert gone(sizes) == ["c_small.jpg"]
    overflow = "document.documentElement.scrollWidth > innerWidth"
    assert not page.evaluate(overflow)


# ---- File names are text


def test_a_file_name_that_looks_like_markup_is_text(bare_library: Library, open_page: Open) -> None:
    name = "<img src=x onerror=alert(1)>&amp;\n\udcff.jpg"
    bare_library.add("a.jpg")
    bare_library.add(name, quality=80)
    bare_library.find()
    page = open_page(bare_library)
    page.on("dialog", lambda _: pytest.fail("a file name ran as a script"))
    open_group(page)
    text = page.locator("td.path >> nth=0").inner_text()
    assert "<img src=x onerror=alert(1)>&amp;" in text
    assert page.locator("td.path img").count() == 0


# ---- Many groups


def many(library: Library, groups: int, names: Sequence[str] = ("a", "b")) -> None:
    """A result of many groups of two small pictures, as find would have left it."""
    with Image.open(SAMPLES / "2024/cat.jpg") as image:
        stream = io.BytesIO()
        image.resize((96, 64)).save(stream, "JPEG")
    data = stream.getvalue()
    digest = hashlib.sha256(data).hexdigest()
    one = library.folder / "one.jpg"
    one.write_bytes(data)
    os.utime(one, ns=(0, 0))
    copies = []
    for number in range(groups):
        folder = library.output / str(number + 1)
        folder.mkdir(parents=True)
        for name in names:
            original = library.photos / f"{number:05}{name}.jpg"
            copy = folder / copy_names.encode_path(str(original))
            for path in (original, copy):
                os.link(one, path)  # which takes less time to make and to remove
            file = ImageFile(str(original), len(data), 0)
            copies.append(record.SavedCopy(file, str(copy), number + 1, digest))
    own = record.OwnFiles("info.txt", "to_delete.txt", "log.txt")
    manifest = record.Manifest((str(library.photos),), tuple(copies), own)
    record.write_manifest(str(library.output), manifest)
    files.write_file(
        str(library.output / "info.txt"), lines.dump_json(record.info_of(manifest.copies))
    )


STEPS = 30
# What a step costs is counted, not timed: how busy the machine is doesn't matter.
SCROLL = """async steps => {
  const room = document.getElementById('scroller');
  let changed = 0, mostChanged = 0, mostNodes = 0;
  const watcher = new MutationObserver(records => { changed += records.length; });
  watcher.observe(document.body, {attributes: true, childList: true, subtree: true});
  for (let step = 1; step <= steps; step += 1) {
    changed = 0;
    room.scrollTop = (room.scrollHeight - room.clientHeight) * step / steps;
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    mostChanged = Math.max(mostChanged, changed);
    mostNodes = Math.max(mostNodes, document.querySelectorAll('*').length);
  }
  return {changed: mostChanged, nodes: mostNodes, heap: performance.memory.usedJSHeapSize,
          end: room.scrollTop + room.clientHeight >= room.scrollHeight - 2};
}"""


def layouts(clock: Any) -> int:
    """How often the page was laid out."""
    metrics = clock.send("Performance.getMetrics")["metrics"]
    return int(next(one["value"] for one in metrics if one["name"] == "LayoutCount"))


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where many files are quickly made and removed."""
    shm = "/dev/shm"
    folder = tempfile.mkdtemp(dir=shm) if os.access(shm, os.W_OK) else str(tmp_path)
    yield Path(folder)
    shutil.rmtree(folder)


def test_5000_groups_scroll_smoothly_in_bounded_memory(
    memory: Path, capsys: pytest.CaptureFixture[str], browser: Any
) -> None:
    """Work, nodes and requests are those of the few rows in sight, wherever one is."""
    library = Library(memory, capsys)
    many(library, 5000)
    with serving(library) as served:
        context = browser.new_context(viewport={"width": 1280, "height": 860})
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(served.server.address)
        page.wait_for_selector(".tile")
        clock = context.new_cdp_session(page)
        clock.send("Performance.enable")
        before = layouts(clock)
        scrolled = page.evaluate(SCROLL, STEPS)
        laid_out = (layouts(clock) - before) / STEPS
        print(f"{laid_out:.1f} layouts a step, {len(asked)} requests; {json.dumps(scrolled)}")
        assert scrolled["end"]
        assert laid_out < 5
        assert scrolled["changed"] < 1000
        assert scrolled["nodes"] < 1500
        assert scrolled["heap"] < 100e6
        assert len(asked) < 500
        page.evaluate("document.getElementById('scroller').scrollTop = 0")
        press(page, "End")
        page.wait_for_selector(".tile[data-position='4999']:focus")
        until(page, "document.activeElement.querySelector('img').naturalWidth > 0")
        press(page, "Enter")
        until(page, "document.getElementById('counts').innerText.startsWith('group 5000 of 5,000')")
        context.close()


# ---- For everyone


def complaints_of(page: Any, scheme: str = "light") -> list[str]:
    """What axe finds on a page: in the dark of colours alone, as the rest is the same."""
    from axe_playwright_python.sync_playwright import Axe

    until(page, "document.getElementById('toast')?.hidden ?? true")
    until(page, "document.getAnimations().length === 0")
    options = {"runOnly": ["color-contrast"]} if scheme == "dark" else {}
    return [
        f"{one['id']}: {node['html'][:160]} {node.get('failureSummary', '')}"
        for one in Axe().run(page, options=options).response["violations"]
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_about(found: Library, open_page: Open, scheme: str) -> None:
    page = open_page(found, color_scheme=scheme, reduced_motion="reduce")

    def complaints() -> list[str]:
        return complaints_of(page, scheme)

    assert complaints() == []
    open_group(page)
    press(page, "2", "x")
    said(page, "removed")
    assert complaints() == []
    for mode in ("slider", "difference", "side"):
        page.click(f"[data-mode={mode}]")
        assert complaints() == []
    for button, dialog in (
        ("#open-batch", "#batch"),
        ("#open-finish", "#finish"),
        ("#open-help", "#help"),
    ):
        page.click(button)
        page.wait_for_selector(f"{dialog}[open]")
        assert complaints() == []
        press(page, "Escape")


def test_focus_is_seen_and_what_happens_is_spoken(page: Any) -> None:
    style = "getComputedStyle(document.activeElement).outlineStyle"
    press(page, "ArrowRight")
    assert page.evaluate(style) == "solid"
    for _ in range(12):
        press(page, "Tab")
        assert page.evaluate(f"document.activeElement === document.body || {style} === 'solid'")
    assert page.get_attribute("#live", "aria-live") == "polite"


# ---- Pictures of it


def test_pictures_of_the_main_views_are_taken(
    bare_library: Library, open_page: Open, tmp_path: Path
) -> None:
    """With REVIEW_PICTURES=1 they go to the folder from which the README shows them."""
    shutil.copytree(SAMPLES, bare_library.photos, dirs_exist_ok=True)
    bare_library.find()
    folder = PICTURES if os.environ.get("REVIEW_PICTURES") else tmp_path
    page = open_page(bare_library)

    def take(name: str) -> None:
        page.wait_for_selector("#toast", state="hidden")
        page.evaluate("document.activeElement?.blur()")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            frames(page)
            path = folder / f"{name}-{scheme}.jpg"
            page.screenshot(path=path, type="jpeg", quality=82)
            with Image.open(path) as image:
                assert image.size == (1280, 860)
                assert len(image.getcolors(1 << 24) or []) > 1000

    until(page, "[...document.querySelectorAll('.tile img')].every(i => i.naturalWidth > 0)")
    take("groups")
    open_group(page, 1)
    press(page, "2", "x")
    said(page, "B removed")
    take("group")
    press(page, "u", "3", "d")
    said(page, "Undone")
    take("difference")
    press(page, "d", "Escape")
    page.click("#open-batch")
    until(page, "document.getElementById('batch-sum').innerText.includes('would go')")
    take("rules")
    bare_library.run("keep", "1")
    bare_library.add("Albums/launch.jpg", LAUNCH)
    bare_library.find()
    page = open_page(bare_library)
    open_group(page, 1)
    take("kept")


def test_one_key_keeps_a_group_side_by_side_and_undo_forgets_it(
    found: Library, page: Any, open_page: Open
) -> None:
    open_group(page, 2)
    press(page, "b")
    said(page, "Group 2 belongs side by side")
    assert "Belongs side by side" in page.inner_text("#verdict")
    assert not page.locator("#accept").count()
    press(page, "a")
    said(page, "It belongs side by side")
    page.click("#open-finish")
    until(page, "document.getElementById('finish-notes').innerText.includes('Kept side by side')")
    press(page, "Escape")
    assert len(decisions.load_decisions().all) == 1
    press(page, "u")
    said(page, "Group 2 is shown by find again")
    assert decisions.load_decisions().all == ()
    page.click("#keep-group", modifiers=["Shift"])
    said(page, "Group 2 belongs side by side")
    press(page, "Escape")
    assert "side by side" in page.inner_text(".tile[aria-label^='Group 2,']")
    page.select_option("#filter", "unreviewed")
    assert page.locator(".tile").count() == 1
    press(page, "Enter", "x", "b")
    said(page, "some of its copies are deleted")
    with page.expect_response("**/api/seen"):
        press(page, "Escape")
    again = open_page(found)
    assert "seen" in again.inner_text(".tile[aria-label^='Group 1,']")


def test_a_key_while_a_change_is_under_way_waits_for_its_turn(found: Library, page: Any) -> None:
    slow: list[Any] = []
    page.route("**/api/change", lambda request: slow.append(request), times=1)
    open_group(page)
    press(page, "1", "x", "2", "x", "b", "u", "3")
    said(page, "One moment")
    until(page, "document.querySelectorAll('.one')[2].matches('.chosen')")
    until(page, lambda: slow)
    assert gone(found) == []
    slow.pop().continue_()
    said(page, "Undone: 1 copy.")
    assert gone(found) == ["vacation1.jpg"]
    assert decisions.load_decisions().all == ()


def test_what_was_kept_before_is_told_beside_its_group(found: Library, open_page: Open) -> None:
    found.run("keep", "2")
    found.add("z_more.jpg", "2024/coffee.jpg", quality=60)
    found.find()
    page = open_page(found)
    open_group(page, 2)
    told = page.inner_text("#verdict")
    assert re.search(r"A and B were kept side by side on 2\d{3}-\d\d-\d\d, without C\b", told)


def test_the_points_that_join_two_pictures_are_shown_when_asked_for(
    bare_library: Library, open_page: Open
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    bare_library.add("a.jpg", CAT)
    bare_library.add("b.jpg", CAT, quality=70)
    tilted = photo(PORTRAIT).rotate(20, Image.Resampling.BICUBIC, expand=True)
    for name, image in (("c.jpg", photo(PORTRAIT)), ("d.jpg", tilted)):
        (bare_library.photos / name).write_bytes(encoded(image, "JPEG", quality=88))
    bare_library.find("--preset", "most")
    page = open_page(bare_library)
    open_group(page, 1)
    assert page.is_hidden("#open-points")
    press(page, "p")
    said(page, "No two pictures of this group were found by points")
    press(page, "ArrowDown")
    page.wait_for_selector("#open-points")
    press(page, "p")
    until(page, "document.getElementById('points-text').textContent.startsWith('These points of')")
    drawn = shown(page, "#points-image")
    assert min(drawn.size) > 200
    assert len(drawn.getcolors(drawn.width * drawn.height) or ()) > 1000
    assert Axe().run(page).response["violations"] == []
    press(page, "Escape", "Escape")
    page.wait_for_selector(".tile")
