"""Edits of the split `unseen` that hide a part of a picture: censored, stickers, marks, tears."""

from collections.abc import Callable
from random import Random
from typing import Any

from edits import BICUBIC, BLACK, WHITE, Change, Picture, color, phrase, text
from PIL import Image, ImageDraw, ImageFilter
from unseen_geometry import long_side_of, mean_color

Box = tuple[int, int, int, int]
Draw = ImageDraw.ImageDraw


def somewhere(image: Picture, random: Random, across: float, down: float) -> Box:
    """A box of these shares of the sides, in the middle more than at the edges."""
    width, height = max(2, round(image.width * across)), max(2, round(image.height * down))
    left = round(random.triangular(0, image.width - width))
    top = round(random.triangular(0, image.height - height))
    return left, top, left + width, top + height


# ---- censored


def barred(image: Picture, random: Random) -> Picture:
    """Black bars over two places, as over eyes or names."""
    image = image.copy()
    for _ in range(2):
        box = somewhere(image, random, random.uniform(0.25, 0.5), random.uniform(0.06, 0.12))
        ImageDraw.Draw(image).rectangle(box, fill=BLACK)
    return image


def pixelated(image: Picture, random: Random) -> Picture:
    """A box of large squares, an eighth of the area."""
    image = image.copy()
    box = somewhere(image, random, 0.36, 0.36)
    part = image.crop(box)
    few = part.resize((8, 8), Image.Resampling.BOX)
    image.paste(few.resize(part.size, Image.Resampling.NEAREST), box[:2])
    return image


def blurred_part(image: Picture, random: Random) -> Picture:
    """An oval that nothing can be seen in, as over a face."""
    soft = image.filter(ImageFilter.GaussianBlur(max(image.size) / 25))
    mask = Image.new("L", image.size, 0)
    ImageDraw.Draw(mask).ellipse(somewhere(image, random, 0.42, 0.48), fill=255)
    return Image.composite(soft, image, mask.filter(ImageFilter.GaussianBlur(4)))


def boxed(image: Picture, random: Random) -> Picture:
    """A quarter and more of it under one plain box."""
    image = image.copy()
    box = somewhere(image, random, 0.55, 0.5)
    ImageDraw.Draw(image).rectangle(box, fill=random.choice((BLACK, WHITE, color(random, 0, 255))))
    return image


def scribbled(image: Picture, random: Random) -> Picture:
    """A thick pen to and fro over one place."""
    image = image.copy()
    left, top, right, bottom = somewhere(image, random, 0.45, 0.35)
    way = [(random.uniform(left, right), random.uniform(top, bottom)) for _ in range(24)]
    width = long_side_of(image, 0.018, least=3)
    ImageDraw.Draw(image).line(way, fill=color(random, 0, 255), width=width, joint="curve")
    return image


# ---- stickers


def smiley(draw: Draw, box: Box, random: Random) -> None:
    left, top, right, _bottom = box
    size = right - left
    draw.ellipse(box, fill=(255, random.randint(190, 225), 50), outline=(120, 80, 0), width=2)
    for part in (0.25, 0.6):
        eye = left + part * size, top + 0.28 * size, left + (part + 0.14) * size, top + 0.46 * size
        draw.ellipse(eye, fill=(60, 40, 20))
    mouth = left + 0.2 * size, top + 0.4 * size, left + 0.8 * size, top + 0.85 * size
    draw.chord(mouth, 0, 180, fill=(150, 30, 40))


def heart(draw: Draw, box: Box, random: Random) -> None:
    left, top, right, bottom = box
    size, red = right - left, (random.randint(200, 255), 30, random.randint(50, 110))
    draw.ellipse((left, top, left + size * 0.55, top + size * 0.55), fill=red)
    draw.ellipse((right - size * 0.55, top, right, top + size * 0.55), fill=red)
    low = top + size * 0.4
    corners = ((left + size * 0.04, low), (right - size * 0.04, low), ((left + right) / 2, bottom))
    draw.polygon(corners, fill=red)


def star(draw: Draw, box: Box, random: Random) -> None:
    middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, (box[2] - box[0]) / 2
    turn = random.randint(0, 71)
    draw.regular_polygon(middle, 5, turn, fill=color(random, 90, 255), outline=WHITE)


def bubble(draw: Draw, box: Box, random: Random) -> None:
    middle = round((box[1] + box[3]) / 2)
    draw.ellipse((box[0], box[1], box[2], middle), fill=WHITE, outline=BLACK, width=2)
    at = (box[0] + box[2]) / 2, (box[1] + middle) / 2
    text(draw, at, phrase(random, 1), (box[2] - box[0]) / 6, fill=BLACK, anchor="mm")


STICKERS: tuple[Callable[[Draw, Box, Random], None], ...] = (smiley, heart, star, bubble)


def stuck(image: Picture, random: Random, centre: tuple[float, float], size: float) -> None:
    """One sticker, its centre at a share of the sides, its size a share of the short one."""
    pixels = max(12, round(size * min(image.size)))
    left = round(centre[0] * image.width - pixels / 2)
    top = round(centre[1] * image.height - pixels / 2)
    box = left, top, left + pixels, top + pixels
    random.choice(STICKERS)(ImageDraw.Draw(image), box, random)


def sticker_large(image: Picture, random: Random) -> Picture:
    image = image.copy()
    stuck(image, random, (random.uniform(0.3, 0.7), random.uniform(0.3, 0.7)), 0.5)
    return image


def stickers_within(count: int) -> Change:
    def change(image: Picture, random: Random) -> Picture:
        image = image.copy()
        for _ in range(count):
            at = random.uniform(0.08, 0.92), random.uniform(0.08, 0.92)
            stuck(image, random, at, random.uniform(0.12, 0.22))
        return image

    return change


def stickers_around(image: Picture, random: Random) -> Picture:
    """A row of stickers along the whole edge."""
    image = image.copy()
    for step in range(8):
        along = (step + 0.5) / 8
        for at in ((along, 0.05), (along, 0.95), (0.05, along), (0.95, along)):
            stuck(image, random, at, random.uniform(0.13, 0.2))
    return image


def pointed_at(image: Picture, random: Random) -> Picture:
    """A red circle around something, an arrow to it."""
    image = image.copy()
    draw, pen = ImageDraw.Draw(image), long_side_of(image, 0.012, least=2)
    box = somewhere(image, random, 0.3, 0.3)
    draw.ellipse(box, outline=(235, 20, 20), width=pen)
    x, y = random.choice((0.05, 0.95)) * image.width, random.choice((0.05, 0.95)) * image.height
    tip = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    draw.line(((x, y), ((x + tip[0]) / 2, (y + tip[1]) / 2)), fill=(235, 20, 20), width=2 * pen)
    return image


# ---- watermarks


def tiled_mark(image: Picture, random: Random) -> Picture:
    """One word over and over, turned, as agencies protect their pictures."""
    word, size = phrase(random, 1).upper(), long_side_of(image, 0.04, least=10)
    layer = Image.new("RGBA", image.size, (*WHITE, 0))
    draw = ImageDraw.Draw(layer)
    for row, y in enumerate(range(0, image.height, size * 2)):
        for x in range(-size * (row % 2) * 2, image.width, size * max(4, len(word))):
            text(draw, (x, y), word, size, fill=(*WHITE, 130))
    layer = layer.rotate(random.choice((-30, 30)), BICUBIC)
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def crossed_mark(image: Picture, random: Random) -> Picture:
    """Two lines from corner to corner, a word on a band in the middle."""
    layer = Image.new("RGBA", image.size, (*WHITE, 0))
    draw, pen = ImageDraw.Draw(layer), long_side_of(image, 0.006, least=2)
    draw.line(((0, 0), image.size), fill=(*WHITE, 140), width=pen)
    draw.line(((0, image.height), (image.width, 0)), fill=(*WHITE, 140), width=pen)
    high = image.height * 0.08
    middle = image.height / 2
    draw.rectangle((0, middle - high, image.width, middle + high), fill=(90, 90, 90, 150))
    at, size = (image.width / 2, middle), min(image.width / 9, high * 1.4)
    text(draw, at, phrase(random, 2).upper(), size, fill=(*WHITE, 220), anchor="mm")
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def agency_foot(image: Picture, random: Random) -> Picture:
    """A dark strip over the foot with a number, a name in a corner."""
    image = image.copy()
    draw, foot = ImageDraw.Draw(image), round(image.height * 0.09)
    draw.rectangle((0, image.height - foot, image.width, image.height), fill=(25, 25, 28))
    style: dict[str, Any] = {"fill": WHITE, "anchor": "lm"}
    words = f"{phrase(random, 1)}  {random.randint(10**7, 10**8)}"
    text(draw, (foot / 2, image.height - foot / 2), words, foot / 2, **style)
    text(draw, (foot / 2, foot), phrase(random, 1).upper(), foot, fill=WHITE, anchor="lm")
    return image


# ---- torn and erased


def erased(image: Picture, random: Random) -> Picture:
    """Three places painted over in the picture's mean colour."""
    image = image.copy()
    for _ in range(3):
        box = somewhere(image, random, random.uniform(0.15, 0.28), random.uniform(0.15, 0.28))
        ImageDraw.Draw(image).ellipse(box, fill=mean_color(image))
    return image


def torn(image: Picture, random: Random) -> Picture:
    """A corner torn off along a ragged line."""
    image = image.copy()
    across, down = random.uniform(0.4, 0.6) * image.width, random.uniform(0.4, 0.6) * image.height
    steps = [(part / 12, random.uniform(-0.03, 0.03) * image.width) for part in range(13)]
    ragged = [(across * (1 - part) + by, down * part + by) for part, by in steps]
    ImageDraw.Draw(image).polygon([(0, 0), (across, 0), *ragged, (0, down)], fill=WHITE)
    return image


def folded(image: Picture, _: Random) -> Picture:
    """Creases of a print that was folded twice."""
    image = image.copy()
    draw, pen = ImageDraw.Draw(image), long_side_of(image, 0.01, least=3)
    x, y = image.width / 2, image.height / 2
    draw.line(((x, 0), (x + pen, image.height)), fill=(240, 238, 232), width=pen)
    draw.line(((0, y), (image.width, y + pen)), fill=(60, 58, 55), width=pen // 2 + 1)
    return image
