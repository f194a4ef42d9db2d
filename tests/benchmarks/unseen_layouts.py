"""Edits of the split `unseen` that put a picture among others or into a page: stories, collages,
albums, frames, screenshots of apps."""

from collections.abc import Sequence
from random import Random
from typing import Any

from edits import (
    BICUBIC,
    BLACK,
    LANCZOS,
    WHITE,
    Change,
    Picture,
    centred,
    color,
    phrase,
    text,
    within,
)
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps
from unseen_geometry import disc, long_side_of, mean_color, shaped

Box = tuple[int, int, int, int]
SHADES = ((250, 250, 248), (28, 28, 30), (232, 225, 212), (240, 205, 210), (60, 90, 80))


def put(canvas: Picture, image: Picture, box: Box) -> None:
    """The picture into a box, cut to its proportions."""
    canvas.paste(ImageOps.fit(image, (box[2] - box[0], box[3] - box[1]), LANCZOS), box[:2])


def blurred_behind(image: Picture, size: tuple[int, int]) -> Picture:
    """The picture cut to a size, so blurred and darkened that it serves as a ground."""
    small = ImageOps.fit(image, (max(8, size[0] // 8), max(8, size[1] // 8)), LANCZOS)
    soft = small.filter(ImageFilter.GaussianBlur(4)).resize(size, BICUBIC)
    return ImageEnhance.Brightness(soft).enhance(0.75)


# ---- stories: upright pages of a phone, 540 x 960


def story_blurred(image: Picture, _: Random) -> Picture:
    return centred(within(image, 540, 900), blurred_behind(image, (540, 960)))


def story_text(image: Picture, random: Random) -> Picture:
    """Its own blur behind, words above and below, a little smaller."""
    page = centred(within(image, 470, 620), blurred_behind(image, (540, 960)))
    draw = ImageDraw.Draw(page)
    style: dict[str, Any] = {"fill": WHITE, "anchor": "mm", "stroke_width": 2, "stroke_fill": BLACK}
    text(draw, (270, random.randint(70, 130)), phrase(random, 3), 34, **style)
    text(draw, (270, random.randint(820, 900)), phrase(random, 5), 24, **style)
    return page


def story_plain(image: Picture, random: Random) -> Picture:
    """On one colour, with words in a box and a bar of the app."""
    page = Image.new("RGB", (540, 960), random.choice((*SHADES, mean_color(image))))
    page = centred(within(image, 500, 700), page)
    draw = ImageDraw.Draw(page)
    draw.line((16, 16, 524, 16), fill=(200, 200, 200), width=4)
    draw.ellipse((16, 32, 60, 76), fill=color(random, 60, 220))
    text(draw, (74, 44), phrase(random, 1), 18, fill=(128, 128, 128))
    y = random.randint(840, 900)
    draw.rounded_rectangle((60, y - 26, 480, y + 26), 12, fill=WHITE)
    text(draw, (270, y), phrase(random, 4), 22, fill=BLACK, anchor="mm")
    return page


def story_gradient(image: Picture, random: Random) -> Picture:
    """Rounded, somewhat turned, on a run of two colours."""
    ground = Image.linear_gradient("L").resize((540, 960))
    page = ImageOps.colorize(ground, color(random, 30, 160), color(random, 120, 255))
    shown = within(image, 440, 640)
    mask = rounded(shown.size, 24)
    angle = random.choice((-1, 1)) * random.uniform(3, 9)
    shown = shown.rotate(angle, BICUBIC, expand=True)
    mask = mask.rotate(angle, BICUBIC, expand=True)
    page.paste(shown, ((540 - shown.width) // 2, random.randint(120, 240)), mask)
    text(ImageDraw.Draw(page), (270, 900), phrase(random, 3).upper(), 30, fill=WHITE, anchor="mm")
    return page


def story_shared(image: Picture, random: Random) -> Picture:
    """A post passed on: a card with a name and words, its own colour behind."""
    page = Image.new("RGB", (540, 960), mean_color(image))
    shown = within(image, 420, 520)
    left, top = (540 - shown.width) // 2, (960 - shown.height) // 2
    draw = ImageDraw.Draw(page)
    card = left - 2, top - 60, left + shown.width + 2, top + shown.height + 70
    draw.rounded_rectangle(card, 14, fill=WHITE)
    draw.ellipse((left + 10, top - 50, left + 50, top - 10), fill=color(random, 60, 220))
    text(draw, (left + 62, top - 40), phrase(random, 1), 18, fill=BLACK)
    page.paste(shown, (left, top))
    text(draw, (left + 14, top + shown.height + 20), phrase(random, 4), 16, fill=BLACK)
    return page


def rounded(size: tuple[int, int], radius: float) -> Picture:
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius, fill=255)
    return mask


# ---- collages and albums


def cells_of(layout: Sequence[Sequence[float]], size: tuple[int, int], gap: int) -> list[Box]:
    """Boxes in pixels, of boxes in shares of the canvas."""
    width, height = size
    return [
        (
            round(left * width) + gap,
            round(top * height) + gap,
            round(right * width) - gap,
            round(bottom * height) - gap,
        )
        for left, top, right, bottom in layout
    ]


def grid(columns: int, rows: int) -> list[tuple[float, float, float, float]]:
    return [
        (x / columns, y / rows, (x + 1) / columns, (y + 1) / rows)
        for y in range(rows)
        for x in range(columns)
    ]


THREE = [(0, 0, 0.6, 1), (0.6, 0, 1, 0.5), (0.6, 0.5, 1, 1)]
LAYOUTS: dict[int, list[tuple[Sequence[Sequence[float]], tuple[int, int]]]] = {
    2: [(grid(2, 1), (1200, 700)), (grid(1, 2), (800, 1200))],
    3: [(THREE, (1200, 800)), (grid(3, 1), (1500, 600)), (grid(1, 3), (700, 1500))],
    4: [(grid(2, 2), (1000, 1000)), (grid(2, 2), (1200, 900))],
    6: [(grid(3, 2), (1200, 800)), (grid(2, 3), (900, 1200))],
}


def collage(image: Picture, random: Random, *others: Picture) -> Picture:
    """As many pictures as are given, each cut to its cell, the first one in any of them."""
    layout, size = random.choice(LAYOUTS[1 + len(others)])
    canvas = Image.new("RGB", size, random.choice((WHITE, BLACK, (235, 230, 220))))
    pictures = [image, *others]
    random.shuffle(pictures)
    for picture, box in zip(
        pictures, cells_of(layout, size, random.choice((0, 4, 12))), strict=True
    ):
        put(canvas, picture, box)
    return canvas


def inset(image: Picture, random: Random, *others: Picture) -> Picture:
    """A small picture with a thin frame in a corner of another one."""
    canvas = ImageOps.contain(others[0], (1100, 1100), LANCZOS)
    small = ImageOps.expand(within(image, canvas.width * 0.42, canvas.height * 0.42), 4, WHITE)
    edge = long_side_of(canvas, 0.03)
    left = random.choice((edge, canvas.width - small.width - edge))
    top = random.choice((edge, canvas.height - small.height - edge))
    canvas.paste(small, (left, top))
    return canvas


def inset_round(image: Picture, random: Random, *others: Picture) -> Picture:
    """A disc of a picture in another one, as video calls have it."""
    canvas = ImageOps.contain(others[0], (1100, 1100), LANCZOS)
    size = round(min(canvas.size) * random.uniform(0.35, 0.48))
    left = random.randint(0, canvas.width - size)
    top = random.randint(0, canvas.height - size)
    canvas.paste(shaped(1)(image, random).resize((size, size), LANCZOS), (left, top), disc(size))
    return canvas


def album_page(image: Picture, random: Random, *others: Picture) -> Picture:
    """Prints with white margins and corners on dark or light paper, words beneath."""
    paper, ink = random.choice((((45, 42, 40), (225, 220, 205)), ((238, 232, 218), (60, 50, 45))))
    page = Image.new("RGB", (1000, 1300), paper)
    pictures = [image, *others]
    random.shuffle(pictures)
    draw = ImageDraw.Draw(page)
    room = 1300 // len(pictures)
    for number, picture in enumerate(pictures):
        shown = ImageOps.expand(within(picture, 800, room - 110), 8, WHITE)
        left, top = random.randint(30, 970 - shown.width), number * room + 30
        page.paste(shown, (left, top))
        at = left + shown.width // 2, top + shown.height + 26
        text(draw, at, phrase(random, 4), 24, fill=ink, anchor="mm")
    return page


def scrapbook(image: Picture, random: Random, *others: Picture) -> Picture:
    """Instant prints that lie about at angles; none hides much of another one."""
    page = Image.new("RGB", (1200, 1000), color(random, 150, 235))
    pictures = [image, *others]
    random.shuffle(pictures)
    places = random.sample(((40, 30), (620, 60), (90, 510), (640, 500)), len(pictures))
    for picture, (left, top) in zip(pictures, places, strict=True):
        tile = ImageOps.expand(within(picture, 430, 370), (16, 16, 16, 60), (250, 249, 245))
        angle = random.uniform(-14, 14)
        mask = Image.new("L", tile.size, 255).rotate(angle, BICUBIC, expand=True)
        page.paste(tile.rotate(angle, BICUBIC, expand=True), (left, top), mask)
    return page


# ---- frames


def blurred_sides(ratio: float) -> Change:
    """Its own blur fills up to a proportion, or to its inverse where it is wider already."""

    def change(image: Picture, _: Random) -> Picture:
        wanted = ratio if image.width / image.height < ratio * 0.93 else 1 / ratio * 0.9
        width = max(image.width, round(image.height * wanted))
        size = width, max(image.height, round(width / wanted))
        return centred(image, blurred_behind(image, size))

    return change


def wide_margin(image: Picture, random: Random) -> Picture:
    """In the middle of a plain square, with room all around."""
    side = round(max(image.size) * random.uniform(1.2, 1.5))
    return centred(image, Image.new("RGB", (side, side), random.choice((WHITE, *SHADES))))


def coloured_bars(image: Picture, random: Random) -> Picture:
    bar = round(image.height * random.uniform(0.12, 0.25))
    return ImageOps.expand(image, (0, bar, 0, bar), color(random, 0, 255))


def rounded_corners(image: Picture, random: Random) -> Picture:
    ground = Image.new("RGB", image.size, random.choice((WHITE, BLACK)))
    radius = min(image.size) * random.uniform(0.1, 0.25)
    return Image.composite(image, ground, rounded(image.size, radius))


def passe_partout(image: Picture, random: Random) -> Picture:
    """A mount, a line, a wooden frame."""
    step = long_side_of(image, 0.02, least=3)
    framed = ImageOps.expand(image, step // 3 + 1, (90, 80, 70))
    framed = ImageOps.expand(framed, step * random.randint(3, 6), (244, 240, 230))
    return ImageOps.expand(framed, step * 2, random.choice(((70, 40, 20), (20, 20, 20))))


def film_strip(image: Picture, _: Random) -> Picture:
    """Holes of a film above and below."""
    bar = long_side_of(image, 0.09, least=12)
    strip = ImageOps.expand(image, (bar // 3, bar), (18, 16, 14))
    draw = ImageDraw.Draw(strip)
    for x in range(bar // 4, strip.width - bar // 2, bar):
        for y in (bar // 4, strip.height - bar * 3 // 4):
            draw.rounded_rectangle(
                (x, y, x + bar // 2, y + bar // 2), bar // 8, fill=(235, 232, 225)
            )
    return strip


# ---- memes


def caption_above(image: Picture, random: Random) -> Picture:
    """Two lines in black on a white head, a third of the picture's height."""
    head = round(image.height * random.uniform(0.28, 0.4))
    page = ImageOps.expand(image, (0, head, 0, 0), WHITE)
    draw = ImageDraw.Draw(page)
    size = min(head / 3.2, image.width / 13)
    for row in (0.3, 0.7):
        text(draw, (size / 2, head * row), phrase(random, 4), size, fill=BLACK, anchor="lm")
    return page


def poster(image: Picture, random: Random) -> Picture:
    """Black, a thin line around the picture, a title and a sentence below."""
    edge = long_side_of(image, 0.08)
    page = ImageOps.expand(ImageOps.expand(image, 3, WHITE), (edge, edge, edge, 3 * edge), BLACK)
    draw = ImageDraw.Draw(page)
    at = page.width / 2, page.height - 2 * edge
    text(draw, at, phrase(random, 1).upper(), edge * 0.8, fill=WHITE, anchor="mm")
    at = page.width / 2, page.height - edge
    text(draw, at, phrase(random, 6), edge * 0.3, fill=WHITE, anchor="mm")
    return page


def subtitled(image: Picture, random: Random) -> Picture:
    """Yellow words in two lines at the foot, on a dark band."""
    shown, size = image.copy(), min(image.height / 12, image.width / 16)
    band = Image.new("RGB", (image.width, round(size * 3)), BLACK)
    top = image.height - band.height - round(size / 2)
    shown.paste(
        Image.blend(shown.crop((0, top, image.width, top + band.height)), band, 0.6), (0, top)
    )
    style: dict[str, Any] = {"fill": (255, 235, 80), "anchor": "mm"}
    for row in (0.8, 2.1):
        at = image.width / 2, top + row * size
        text(ImageDraw.Draw(shown), at, phrase(random, 5), size, **style)
    return shown


# ---- screenshots


def chat(image: Picture, random: Random) -> Picture:
    """Bubbles of a messenger, the picture in one of them."""
    dark = random.random() < 0.5
    page = Image.new("RGB", (540, 1170), (17, 24, 30) if dark else (229, 221, 213))
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, 540, 84), fill=(32, 44, 51) if dark else (7, 94, 84))
    draw.ellipse((20, 26, 68, 74), fill=color(random, 60, 220))
    text(draw, (84, 36), phrase(random, 2), 22, fill=WHITE)
    y = bubble(draw, random, 110)
    shown = within(image, 390, 560)
    left = random.choice((16, 540 - 16 - shown.width - 12))
    box = left, y, left + shown.width + 12, y + shown.height + 12
    draw.rounded_rectangle(box, 10, fill=(0, 92, 75) if dark else (217, 253, 211))
    page.paste(shown, (left + 6, y + 6))
    y += shown.height + 30
    while y < 1040:
        y = bubble(draw, random, y)
    draw.rounded_rectangle((14, 1104, 470, 1156), 26, fill=(42, 57, 66) if dark else WHITE)
    return page


def bubble(draw: ImageDraw.ImageDraw, random: Random, y: int) -> int:
    """One with words; returns where the next one begins."""
    width, left = random.randint(160, 380), random.random() < 0.5
    x = 16 if left else 524 - width
    tone = (255, 255, 255) if left else (217, 253, 211)
    draw.rounded_rectangle((x, y, x + width, y + 50), 12, fill=tone)
    text(draw, (x + 14, y + 14), phrase(random, width // 70), 18, fill=(20, 20, 20))
    return y + 66


def gallery(image: Picture, random: Random) -> Picture:
    """A gallery's viewer: the picture, a strip of small ones below, buttons."""
    page = Image.new("RGB", (1170, 760), (24, 24, 26))
    draw = ImageDraw.Draw(page)
    text(
        draw,
        (24, 18),
        f"{random.randint(1, 28)}. {phrase(random, 1)} 20{random.randint(10, 25)}",
        20,
    )
    shown = within(image, 1130, 560)
    page.paste(shown, ((1170 - shown.width) // 2, 60))
    for number in range(13):
        box = 20 + number * 87, 650, 100 + number * 87, 730
        draw.rectangle(box, fill=color(random, 40, 220))
    return page


def web_page(image: Picture, random: Random) -> Picture:
    """An article: head, title, the picture over the width of the text, paragraphs beside."""
    page = Image.new("RGB", (1200, 1000), WHITE)
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, 1200, 70), fill=color(random, 20, 140))
    text(draw, (40, 20), phrase(random, 1).upper(), 30, fill=WHITE)
    text(draw, (60, 100), phrase(random, 6).capitalize(), 34, fill=(20, 20, 20))
    shown = within(image, 720, 620)
    page.paste(shown, (60, 170))
    for row in range(26):
        y, right = 170 + row * 30, random.randint(900, 1160)
        draw.rectangle((820, y, right, y + 12), fill=(205, 205, 210))
    for row in range(max(0, (960 - 200 - shown.height) // 30)):
        y = 200 + shown.height + row * 30
        text(draw, (60, y), phrase(random, 12), 16, fill=(60, 60, 60))
    return page


def video_player(image: Picture, random: Random) -> Picture:
    """16:9 with bars, a triangle, a line of progress."""
    page = centred(within(image, 1120, 630), Image.new("RGB", (1120, 630), BLACK))
    draw = ImageDraw.Draw(page)
    draw.ellipse((510, 265, 610, 365), fill=(30, 30, 30))
    draw.polygon(((545, 290), (545, 340), (588, 315)), fill=WHITE)
    done = random.randint(60, 1060)
    draw.rectangle((20, 590, 1100, 596), fill=(150, 150, 150))
    draw.rectangle((20, 590, done, 596), fill=(230, 30, 30))
    text(draw, (24, 604), f"{random.randint(0, 9)}:{random.randint(10, 59)}", 16, fill=WHITE)
    return page


def feed(image: Picture, random: Random) -> Picture:
    """A post of a network: name, the picture from edge to edge, hearts, comments."""
    page = Image.new("RGB", (600, 1200), WHITE)
    draw = ImageDraw.Draw(page)
    draw.ellipse((16, 90, 64, 138), fill=color(random, 60, 220))
    text(draw, (78, 102), phrase(random, 2), 20, fill=(20, 20, 20))
    shown = within(image, 600, 750)
    page.paste(shown, ((600 - shown.width) // 2, 156))
    y = 176 + shown.height
    for number in range(3):
        draw.ellipse((20 + number * 52, y, 52 + number * 52, y + 32), outline=(30, 30, 30), width=3)
    for row in range((1160 - y - 50) // 34):
        text(draw, (20, y + 52 + row * 34), phrase(random, 6), 18, fill=(40, 40, 40))
    return page


def slide(image: Picture, random: Random) -> Picture:
    """A presentation: title, points at one side, the picture at the other one."""
    page = Image.new("RGB", (1280, 720), random.choice((WHITE, (22, 32, 60), (245, 240, 230))))
    draw = ImageDraw.Draw(page)
    ink = WHITE if page.getpixel((0, 0)) == (22, 32, 60) else (30, 30, 40)
    text(draw, (60, 50), phrase(random, 4).title(), 44, fill=ink)
    left = random.choice((60, 640))
    shown = within(image, 580, 500)
    page.paste(shown, (left, 150 + (500 - shown.height) // 2))
    for row in range(random.randint(3, 6)):
        text(draw, (720 - left, 180 + row * 74), f"- {phrase(random, 4)}", 26, fill=ink)
    return page
