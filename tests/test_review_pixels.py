"""What the review page and the contact sheet show, by their pixels, is what they name."""

import io
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import test_review_page
from conftest import SAMPLES, Library, make_once
from PIL import Image, ImageStat
from test_review_page import Open, open_group, press

pytestmark = test_review_page.pytestmark
open_page = test_review_page.open_page

Colour = tuple[float, ...]

# A picture's middle is of its tint, so that one look tells it. The differences of any two are
# distinct, and so is how bright they are, as thumbnails of what is removed have no colour.
TINTS: dict[str, Colour] = {
    "red": (220, 40, 40),
    "green": (20, 150, 20),
    "blue": (20, 20, 220),
    "gray": (200, 200, 200),
    "orange": (255, 160, 20),
    "purple": (120, 20, 160),
}
LARGE = ("green", "gray")  # of these a preview is not the full picture
STAGE, SUNK = (42, 43, 45), (233, 233, 230)  # behind the panes, and behind thumbnails
NEAR, NEAR_FADED = 9, 3  # how far JPEG and scaling may take a colour
VIEWPORTS = ((1000, 800), (760, 900), (1200, 720), (640, 860))
KEYS = (
    *("1", "2", "3", "4", "6", "x", "Shift+A", "u", "f", "s", "d") * 3,
    *(
        "z",
        "z",
        "o",
        "a",
        "Control+z",
        "ArrowLeft",
        "ArrowRight",
        "ArrowUp",
        "ArrowDown",
        "+",
        "-",
        "0",
        "n",
    ),
    *("hold", "release", "resize", "Escape", "Enter") * 2,
)


def tinted(tint: str, sample: str, width: int = 600) -> Image.Image:
    """A photo in one colour, with its middle filled by it."""
    colour = TINTS[tint]
    with Image.open(SAMPLES / sample) as photo:
        gray = photo.convert("L").resize((width, round(width * photo.height / photo.width)))
    bands = [gray.point([round(v * part / 255) for v in range(256)]) for part in colour]
    image = Image.merge("RGB", bands)
    left, top = image.width * 3 // 10, image.height * 3 // 10
    box = (left, top, image.width - left, image.height - top)
    image.paste(tuple(int(part) for part in colour), box)
    return image


@pytest.fixture
def tints(bare_library: Library, shelf: Path) -> Library:
    """Four versions of one photo in four colours, and six of another, named after them."""

    def make() -> None:
        for tint in [*TINTS][:4]:
            image = tinted(tint, "2024/coffee.jpg", 2000 if tint in LARGE else 600)
            image.save(bare_library.photos / f"{tint}.jpg", quality=92)
        for tint in TINTS:
            image = tinted(tint, "2024/cat.jpg")
            image.save(bare_library.photos / f"z_{tint}.jpg", quality=92)
        bare_library.find()

    make_once(bare_library, shelf / "tints", make)
    return bare_library


def tint_of(name: str) -> str:
    return Path(name).stem.removeprefix("z_")


# ---- Looking

LOOKS = 5
READ = """() => {
  document.getElementById('toast').hidden = true; // it may lie upon a picture
  const all = (selector, read, root = document) => [...root.querySelectorAll(selector)].map(read);
  const box = (node) => {
    const {x, y, width, height} = node.getBoundingClientRect();
    return [x, y, width, height];
  };
  const open = !document.getElementById('group-view').hidden;
  const paths = all('td.path', (cell) => cell.textContent);
  const heads = all('thead th', (cell, n) => [cell.firstChild.textContent.trim(), paths[n]]);
  return {
    asks: document.getElementById('ask').open,
    mode: document.querySelector('[data-mode][aria-pressed=true]').dataset.mode,
    amplify: Number(document.getElementById('amplify').value),
    names: Object.fromEntries(heads),
    panes: open ? all('.pane', (pane) => ({
      box: box(pane), tags: all('.letter', (one) => one.textContent, pane)})) : [],
    thumbs: open ? all('.one', (one) => ({
      box: box(one.querySelector('img')), letter: one.querySelector('.letter').textContent,
      gone: one.querySelector('.remove').textContent === 'Restore'})) : [],
    tiles: open ? [] : all('.tile', (tile) => ({
      label: tile.getAttribute('aria-label'),
      cells: all('.cell', (cell) => ({
        box: box(cell), gone: getComputedStyle(cell, '::after').content.includes('✕')}), tile)})),
  };
}"""
LOADED = """async () => {
  for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
  return [...document.querySelectorAll('.pane img, .pick img, .tile img')]
    .every((image) => image.complete && image.naturalWidth);
}"""


class Looker:
    """Somebody who reads the page's letters and names, and looks at the pixels there."""

    def __init__(self, page: Any, library: Library) -> None:
        self.page = page
        self.library = library
        self.thumbs = 0
        self._asked: set[Any] = set()
        self._heard = 0
        page.on("request", lambda request: self._hear(self._asked.add, request))
        page.on("requestfinished", lambda request: self._hear(self._asked.discard, request))
        page.on("requestfailed", lambda request: self._hear(self._asked.discard, request))

    def _hear(self, note: Callable[[Any], None], request: Any) -> None:
        note(request)
        self._heard += 1

    def settle(self) -> None:
        """Wait until all that was asked for has come and is drawn: two frames without anything."""
        deadline = time.monotonic() + 60
        while True:
            heard = self._heard
            loaded = self.page.evaluate(LOADED)
            if loaded and not self._asked and heard == self._heard:
                break
            assert time.monotonic() < deadline, self._asked

    def screenshot(self) -> Image.Image:
        taken = self.page.screenshot(type="jpeg", quality=95)
        return Image.open(io.BytesIO(taken)).convert("RGB")

    def look(self) -> list[str]:
        """What is shown in another place than it is named, and stays so.

        On a busy machine an answer may have come that the page hasn't drawn yet.
        """
        wrong: list[str] = []
        for _ in range(LOOKS):
            self.settle()
            wrong = self._look_once()
            if not wrong:
                break
        return wrong

    def _look_once(self) -> list[str]:
        read = self.page.evaluate(READ)
        if read["asks"]:
            press(self.page, "Escape")  # and so keep the last one
            self.settle()
            return self._look_once()
        image = self.screenshot()
        gone = {name for name, copy in self.library.info().items() if not Path(copy).exists()}
        gone_tints = {Path(name).stem for name in gone}
        wrong = []
        for pane in read["panes"]:
            wrong += look_at_pane(pane, read, image)
        for thumb in read["thumbs"]:
            if not is_in_sight(thumb["box"], image):
                continue  # the strip is scrolled
            self.thumbs += 1
            name = read["names"][thumb["letter"]]
            expected = faded(TINTS[tint_of(name)], 0.3) if thumb["gone"] else TINTS[tint_of(name)]
            wrong += compared(image, thumb["box"], expected, f"thumbnail {thumb['letter']}, {name}")
            if thumb["gone"] != (Path(name).stem in gone_tints):
                wrong.append(f"{name} is shown as {'gone' if thumb['gone'] else 'there'}")
        for tile in read["tiles"]:
            wrong += look_at_tile(tile, gone_tints, image)
        assert read["panes"] or read["tiles"]
        return wrong


def look_at_pane(pane: Any, read: Any, image: Image.Image) -> list[str]:
    letters = [tag.replace(",", " ").split()[0] for tag in pane["tags"]]
    names = [read["names"][letter] for letter in letters]
    colours = [TINTS[tint_of(name)] for name in names]
    what = f"{read['mode']} {pane['tags']} {names}"
    if len(colours) == 1:
        removed = "removed" in pane["tags"][0]
        expected = blended(colours[0], STAGE, 0.28) if removed else colours[0]
        return compared(image, pane["box"], expected, what)
    if read["mode"] == "difference":
        pairs = zip(*colours, strict=True)
        expected = tuple(min(255, abs(a - b) * read["amplify"]) for a, b in pairs)
        return compared(image, pane["box"], expected, what)
    # Beside the slider's line, and above its handle.
    return [
        *compared(image, pane["box"], colours[0], f"left of {what}", (-24, -32)),
        *compared(image, pane["box"], colours[1], f"right of {what}", (24, -32)),
    ]


def look_at_tile(tile: Any, gone: set[str], image: Image.Image) -> list[str]:
    prefix = "z_" if tile["label"].endswith("z_blue.jpg") else ""
    wrong, seen = [], []
    for cell in tile["cells"]:
        found = patch(image, cell["box"], (0, -22))
        looks = {t: faded(c, 0.22) if cell["gone"] else c for t, c in TINTS.items()}
        tint = min(looks, key=lambda tint: distance(looks[tint], found))
        seen.append(tint)
        if distance(looks[tint], found) > NEAR:
            wrong.append(f"a tile shows {found}")
        if cell["gone"] != (prefix + tint in gone):
            wrong.append(f"a tile shows {prefix}{tint} as {'gone' if cell['gone'] else 'there'}")
    if len(set(seen)) < len(seen):
        wrong.append(f"a tile shows a picture twice: {seen}")
    return wrong


def is_in_sight(box: list[float], image: Image.Image) -> bool:
    left, top, width, height = box
    return left >= 0 and top >= 0 and left + width <= image.width and top + height <= image.height


def patch(image: Image.Image, box: list[float], aside: tuple[int, int] = (0, 0)) -> Colour:
    """The colour in the middle of a box, or beside it."""
    x, y = (round(box[n] + box[n + 2] / 2 + aside[n]) for n in (0, 1))
    assert 2 < x < image.width - 2 and 2 < y < image.height - 2, f"{box} is out of sight"
    return tuple(ImageStat.Stat(image.crop((x - 2, y - 2, x + 3, y + 3))).mean)


def compared(
    image: Image.Image,
    box: list[float],
    expected: Colour,
    what: str,
    aside: tuple[int, int] = (0, 0),
) -> list[str]:
    found = patch(image, box, aside)
    near = NEAR_FADED if expected[0] == expected[1] else NEAR
    wanted, seen = ([round(part) for part in colour] for colour in (expected, found))
    return [f"{what}: {seen} instead of {wanted}"] if distance(expected, found) > near else []


def distance(one: Colour, other: Colour) -> float:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def blended(over: Colour, under: Colour, opacity: float) -> Colour:
    return tuple(a * opacity + b * (1 - opacity) for a, b in zip(over, under, strict=True))


def faded(colour: Colour, opacity: float) -> Colour:
    """How the thumbnail of a removed copy looks: gray, and nearly gone."""
    red, green, blue = colour
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return blended((light, light, light), SUNK, opacity)


# ---- The page


@pytest.mark.parametrize("seed", [15, 16])
def test_whatever_is_pressed_a_pane_shows_the_file_of_its_letter(
    tints: Library, open_page: Open, seed: int
) -> None:
    page = open_page(tints, viewport={"width": 1000, "height": 800})
    page.evaluate("document.getElementById('amplify').value = '1'")
    page.evaluate("document.getElementById('amplify').dispatchEvent(new Event('change'))")
    looker, chance = Looker(page, tints), random.Random(seed)
    open_group(page)
    wrong, pressed = [], []
    for _ in range(100):
        pressed.append(chance.choice(KEYS))
        do(page, pressed[-1], chance)
        wrong += [f"after {' '.join(pressed[-4:])}: {what}" for what in looker.look()]
    assert wrong == []
    assert looker.thumbs > 250


def do(page: Any, key: str, chance: random.Random) -> None:
    if key == "hold":
        page.keyboard.down(" ")
    elif key == "release":
        page.keyboard.up(" ")
    elif key == "resize":
        width, height = chance.choice(VIEWPORTS)
        page.set_viewport_size({"width": width, "height": height})
    else:
        press(page, key)


def test_a_copy_that_is_edited_is_seen_edited_under_its_own_letter(
    tints: Library, open_page: Open
) -> None:
    page = open_page(tints, viewport={"width": 1000, "height": 800})
    looker = Looker(page, tints)
    open_group(page)
    assert looker.look() == []
    # The page names files by what find saw: the red one's copy now is as the orange one.
    tinted("orange", "2024/coffee.jpg").save(tints.copy("red.jpg"), quality=92)
    page.wait_for_selector("#verdict :text('edited since find')")
    looker.settle()
    image = looker.screenshot()
    boxes = page.evaluate(READ)
    for pane in boxes["panes"]:
        name = Path(boxes["names"][pane["tags"][0]]).name
        tint = "orange" if name == "red.jpg" else tint_of(name)
        assert compared(image, pane["box"], TINTS[tint], name) == []


def test_a_full_picture_that_comes_late_is_shown_nowhere_else(
    tints: Library, open_page: Open
) -> None:
    """Meanwhile the pane has become another picture's."""
    page = open_page(tints, viewport={"width": 1000, "height": 800})
    looker, late = Looker(page, tints), []
    page.route("**/full/**", lambda route: late.append(route))
    open_group(page)
    press(page, "2")
    with page.expect_request("**/full/**"):
        press(page, "z")
    press(page, "z", "1", "ArrowDown", "ArrowUp", "4", "d", "f", "2")
    for route in late:
        route.continue_()
    page.unroute("**/full/**")
    for keys in (["s"], ["s"], ["1"], ["2"], ["3"], ["4"], ["f"], ["1"], ["z"], ["z"]):
        press(page, *keys)
        assert looker.look() == []


# ---- The contact sheet


def test_the_sheet_shows_each_file_beside_its_name(tints: Library, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 1200})
    page.goto((tints.output / "report.html").as_uri())
    cards = page.evaluate(
        """[...document.querySelectorAll('.cards li')].map((card) => {
          const {x, y, width, height} = card.querySelector('img').getBoundingClientRect();
          return [card.querySelector('b').textContent, [x, y, width, height]]; })"""
    )
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    page.close()
    assert len(cards) == 10
    for name, box in cards:
        assert compared(image, box, TINTS[tint_of(name)], name) == []
