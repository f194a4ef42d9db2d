"""What the review page makes of shapes: tall pictures, panoramas, icons, identical files."""

import io
import itertools
import shutil
from pathlib import Path
from typing import Any

import pytest
import test_review_page
from conftest import SAMPLES, Library, make_once
from PIL import Image, ImageDraw
from test_review_page import CENTRES, Open, frames, gone, open_group, press, said, until

pytestmark = test_review_page.pytestmark
open_page = test_review_page.open_page

Spot = tuple[float, float, tuple[int, int, int]]  # a place of the page, and its colour
Box = dict[str, float]
RED, GREEN, BLUE = (220, 30, 30), (20, 150, 20), (20, 20, 220)
STAGE = (42, 43, 45)
NEAR = 14


def saved(library: Library, name: str, image: Image.Image) -> None:
    image.save(library.photos / f"{name}1.png")
    image.save(library.photos / f"{name}2.jpg", quality=60)


def strips(size: tuple[int, int], samples: tuple[str, ...], *, across: bool) -> Image.Image:
    """Some photos beside or below each other."""
    image = Image.new("RGB", size)
    for number, sample in enumerate(samples):
        with Image.open(SAMPLES / sample) as photo:
            share = (
                (size[0] // len(samples), size[1]) if across else (size[0], size[1] // len(samples))
            )
            place = (number * share[0], 0) if across else (0, number * share[1])
            image.paste(photo.convert("RGB").resize(share), place)
    return image


@pytest.fixture
def shapes(bare_library: Library, shelf: Path) -> Library:
    """A tall picture, a panorama, an icon, a photo with a small mark, and identical files."""

    def make() -> None:
        samples = ("2024/cat.jpg", "2024/coffee.jpg", "2024/cat.jpg", "2024/coffee.jpg")
        tall = strips((400, 2400), samples, across=False)
        tall.paste(RED, (0, 0, 400, 200))
        saved(bare_library, "b_tall", tall)
        wide = strips((2400, 400), samples, across=True)
        wide.paste(GREEN, (0, 0, 120, 400))
        wide.paste(BLUE, (2280, 0, 2400, 400))
        saved(bare_library, "d_wide", wide)
        icon = Image.new("RGB", (16, 16), "white")
        draw = ImageDraw.Draw(icon)
        draw.ellipse((1, 1, 14, 14), fill="#e33")
        draw.rectangle((7, 3, 8, 12), fill="white")
        draw.point((12, 12), fill="#00f")
        draw.line((0, 0, 5, 5), fill="#080")
        icon.save(bare_library.photos / "a_icon2.png")
        icon.putpixel((10, 4), (0, 0, 0))
        icon.save(bare_library.photos / "a_icon1.png")
        with Image.open(SAMPLES / "2024/cat.jpg") as photo:
            marked = photo.convert("RGB").resize((1200, 800))
        marked.save(bare_library.photos / "c_mark1.jpg", quality=92)
        marked.paste(BLUE, (880, 180, 920, 220))
        marked.save(bare_library.photos / "c_mark2.jpg", quality=92)
        for name in ("e_one", "e_two", "f_three"):
            shutil.copy(SAMPLES / "2024/coffee.jpg", bare_library.photos / f"{name}.jpg")
        bare_library.find()

    make_once(bare_library, shelf / "shapes", make)
    return bare_library


@pytest.fixture
def page(shapes: Library, open_page: Open) -> Any:
    return open_page(shapes, viewport={"width": 1400, "height": 900})


def open_shape(page: Any, name: str) -> None:
    page.click(f".tile:has-text('{name}')")
    until(page, "[...document.querySelectorAll('.pane')].length > 0")
    until(page, "[...document.querySelectorAll('.pane img')].every(i => i.naturalWidth)")
    until(page, "document.getElementById('zoom-level').innerText !== ''")  # the facts are there
    frames(page)


def panes(page: Any) -> list[Box]:
    return [one.bounding_box() for one in page.locator(".pane").all()]


def screen(page: Any) -> Image.Image:
    frames(page)
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def is_near(image: Image.Image, x: float, y: float, colour: tuple[int, int, int]) -> bool:
    pixel = image.getpixel((round(x), round(y)))
    assert isinstance(pixel, tuple)
    return all(abs(a - b) <= NEAR for a, b in zip(pixel, colour, strict=True))


def until_shown(page: Any, *spots: Spot, but_not: bool = False) -> None:
    """Wait until some places of the page have these colours, or none of them has."""

    def is_shown() -> bool:
        image = screen(page)
        return all(is_near(image, *spot) != but_not for spot in spots)

    until(page, is_shown)


def test_a_tall_picture_fills_the_width_and_is_scrolled(page: Any) -> None:
    open_shape(page, "b_tall")
    first, second = panes(page)
    assert first["y"] == second["y"]
    wide = 400  # or all of its pixels, where the pane is wider
    left = first["x"] + (first["width"] - wide) / 2
    y = first["y"] + 60
    beside = left + wide + 6, y, STAGE
    until_shown(page, (left + 4, y, RED), (left + wide - 4, y, RED), beside)
    press(page, "PageDown")
    until_shown(page, (left + 4, y, RED), but_not=True)
    press(page, "PageUp")
    until_shown(page, (left + 4, y, RED))
    page.mouse.move(first["x"] + 200, first["y"] + 100)
    page.mouse.wheel(0, 350)
    until_shown(page, (left + 4, y, RED), but_not=True)
    press(page, "0", "0")  # as at first, then all of it, however soon
    middle, y = first["x"] + first["width"] / 2, first["y"] + 12
    until_shown(page, (middle, y, RED), (left + 4, y, STAGE))


def test_panoramas_lie_below_each_other_over_all_of_the_width(page: Any) -> None:
    open_shape(page, "d_wide")
    first, second = panes(page)
    assert first["x"] == second["x"] and second["y"] >= first["y"] + first["height"]
    image = screen(page)
    for pane in (first, second):
        y = pane["y"] + pane["height"] / 2
        edge = (pane["width"] - 6 * pane["height"]) / 2
        assert edge < 0.15 * pane["width"]
        assert is_near(image, pane["x"] + max(edge, 0) + 8, y, GREEN)
        assert is_near(image, pane["x"] + pane["width"] - max(edge, 0) - 8, y, BLUE)


def test_an_icon_is_enlarged_eight_times_with_sharp_pixels(page: Any) -> None:
    open_shape(page, "a_icon")
    pane = panes(page)[0]
    image = screen(page)
    left, top = pane["x"] + pane["width"] / 2 - 64, pane["y"] + pane["height"] / 2 - 64
    row = [is_near(image, left + x, top + 36, (0, 0, 0)) for x in range(128)]
    assert sum(row) in range(7, 10)  # a pixel of the icon, and nothing in between
    assert sum(row[79:90]) == sum(row)
    assert page.inner_text("#zoom-level") == "800 %"


def test_z_goes_where_two_pictures_differ_most(page: Any) -> None:
    open_shape(page, "c_mark")
    press(page, "z")
    said(page, "Here A and B differ most.")
    frames(page)
    until(page, "document.getElementById('zoom-level').innerText === '100 %'")
    x, y, _ = page.evaluate(CENTRES)[1]
    assert x > 0.65 and y < 0.35
    second = panes(page)[1]
    left, top, width, height = (round(second[side]) for side in ("x", "y", "width", "height"))
    seen = screen(page).crop((left, top, left + width, top + height))
    colours = seen.getcolors(1 << 24) or []
    blue = sum(count for count, (r, g, b) in colours if b - max(r, g) > 120)
    assert blue > 1000  # of the mark's 1,600 pixels
    press(page, "z")
    frames(page)
    assert page.evaluate(CENTRES)[1][:2] == pytest.approx([0.5, 0.5], abs=0.01)


def test_z_before_the_pictures_are_here_goes_there_once_they_come(page: Any) -> None:
    held: list[Any] = []
    page.route("**/{api/facts,preview}/*", lambda route: held.append(route))
    page.reload()
    page.wait_for_selector(".tile")
    page.click(".tile:has-text('c_mark')")
    page.wait_for_selector(".pane")
    press(page, "z")
    said(page, "One moment")
    for route in held:
        route.continue_()
    page.unroute("**/{api/facts,preview}/*")
    said(page, "Here A and B differ most.")
    frames(page)
    x, y, _ = page.evaluate(CENTRES)[1]
    assert x > 0.65 and y < 0.35


def test_identical_files_take_a_third_of_the_height_and_are_a_list_of_paths(
    page: Any, shapes: Library
) -> None:
    open_shape(page, "c_mark")
    usual = page.locator("#stage").bounding_box()["height"]
    press(page, "Escape")
    open_shape(page, "e_one")
    assert page.locator("#stage").bounding_box()["height"] <= usual / 3 + 1
    assert page.locator(".pane .letter").all_inner_texts() == ["A = B = C"]
    assert page.locator("#strip .path").all_inner_texts() == [
        "e_one.jpg",
        "e_two.jpg",
        "f_three.jpg",
    ]
    assert "All 3 files are identical" in page.inner_text("#verdict")
    assert page.locator("#table-room").bounding_box()["height"] < 60
    boxes = [one.bounding_box() for one in page.locator("#strip .one").all()]
    assert all(a["y"] + a["height"] <= b["y"] for a, b in itertools.pairwise(boxes))
    press(page, "2", "Delete")
    said(page, "B removed. 2 of 3 left.")
    assert gone(shapes) == ["e_two.jpg"]
    page.set_viewport_size({"width": 390, "height": 844})  # where a path has a line for itself
    assert page.locator("#strip .path").first.bounding_box()["width"] > 300


def test_of_paths_what_differs_is_marked_and_no_extension_is_cut(page: Any) -> None:
    marked = page.evaluate(
        """async (some) => {
          const {markedPaths} = await import('/paths.js');
          const read = ([, mark, end]) => [mark.textContent, end];
          return some.map((paths) => markedPaths(paths).map(read));
        }""",
        [["a/x (1).jpg", "a/x.png"], ["a/x.jpg", "b/x.jpg"]],
    )
    assert marked == [[["x (1).jpg", ""], ["x.png", ""]], [["a", "/x.jpg"], ["b", "/x.jpg"]]]


def test_how_much_pictures_are_alike_is_said_in_words_and_on_demand_in_numbers(page: Any) -> None:
    open_shape(page, "c_mark")
    words = page.inner_text("#verdict")
    assert "A and B are " in words and "bits" not in words
    assert "bits" not in page.inner_text("#table-room")
    page.click("#numbers")
    assert "bits, correlation" in page.inner_text("#verdict")
    assert "bits" in page.inner_text("#table-room")
    page.reload()
    page.wait_for_selector("#verdict :text('correlation')")


# ---- Picking several


def test_shift_and_ctrl_pick_several_pictures(found: Library, open_page: Open) -> None:
    page = open_page(found)
    open_group(page)
    picked = "[...document.querySelectorAll('.one')].map(one => one.matches('.picked'))"
    press(page, "1", "Shift+ArrowRight")
    assert page.evaluate(picked) == [True, True, False]
    press(page, "1", "Control+ArrowRight", "Control+ArrowRight", "Control+Space")
    assert page.evaluate(picked) == [True, False, True]
    assert page.locator(".pane .letter").all_inner_texts() == ["A", "C"]
    press(page, "Delete")
    said(page, "A and C removed. 1 of 3 left.")
    press(page, "Delete")
    said(page, "A and C restored. 3 of 3 left.")
    page.click(".one >> nth=0 >> .pick")
    page.click(".one >> nth=2 >> .pick", modifiers=["Shift"])
    assert page.evaluate(picked) == [True, True, True]
    page.click("thead th >> nth=0", modifiers=["Control"])
    assert page.evaluate(picked) == [False, True, True]
    press(page, "o")
    said(page, "Only B and C are kept.")
    assert gone(found) == ["vacation1.jpg"]
    press(page, "Control+a", "x")
    page.wait_for_selector("#ask[open]")
    press(page, "Enter")
    assert gone(found) == ["vacation1.jpg"]
