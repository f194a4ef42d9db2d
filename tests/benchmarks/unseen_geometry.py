"""Edits of the split `unseen` that move pixels: tilted, cropped, bent, photographed once more."""

import math
from collections.abc import Sequence
from itertools import pairwise
from random import Random

import numpy as np
from edits import BICUBIC, BLACK, FLIP, LANCZOS, WHITE, Change, Color, Picture, color, curve, noise
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps

Point = tuple[float, float]


def after(*changes: Change) -> Change:
    """One edit after the other."""

    def change(image: Picture, random: Random) -> Picture:
        for step in changes:
            image = step(image, random)
        return image

    return change


def mean_color(image: Picture) -> Color:
    red, green, blue = image.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))  # type: ignore[misc]
    return red, green, blue


def long_side_of(image: Picture, part: float, least: int = 1) -> int:
    """A length in pixels: a part of the long side."""
    return max(least, round(max(image.size) * part))


# ---- tilted and straightened


def tilted_by(degrees: float, whole: bool = False) -> Change:
    """Turned one way or the other; the corners are cut off, or all of it stays (`whole`)."""

    def change(image: Picture, random: Random) -> Picture:
        angle = random.choice((-1, 1)) * random.uniform(0.93, 1.07) * degrees
        fill = random.choice(
            (BLACK, WHITE, (128, 128, 128), mean_color(image), color(random, 0, 255))
        )
        return image.rotate(angle, BICUBIC, expand=whole, fillcolor=fill)

    return change


def straightened(degrees: float) -> Change:
    """Turned, and cut to what has no empty corners, as an editor does it."""

    def change(image: Picture, random: Random) -> Picture:
        angle = random.choice((-1, 1)) * random.uniform(0.9, 1.1) * degrees
        width, height = inner_size(image.width, image.height, math.radians(abs(angle)))
        turned = image.rotate(angle, BICUBIC)
        left, top = (image.width - width) // 2, (image.height - height) // 2
        return turned.crop((left, top, left + width, top + height))

    return change


def inner_size(width: int, height: int, angle: float) -> tuple[int, int]:
    """The largest size of the same proportions inside a turned rectangle."""
    sine, cosine = math.sin(angle), math.cos(angle)
    scale = min(width / (width * cosine + height * sine), height / (width * sine + height * cosine))
    return max(1, math.floor(width * scale)), max(1, math.floor(height * scale))


# ---- cropped


def kept(share: float, freedom: float = 0.0) -> Change:
    """A share of the area kept, from anywhere; `freedom` changes the proportions at most so."""

    def change(image: Picture, random: Random) -> Picture:
        stretch = math.exp(random.uniform(-freedom, freedom))
        width = min(image.width, max(16, round(image.width * (share * stretch) ** 0.5)))
        height = min(image.height, max(16, round(image.height * (share / stretch) ** 0.5)))
        left = random.randint(0, image.width - width)
        top = random.randint(0, image.height - height)
        return image.crop((left, top, left + width, top + height))

    return change


def shaped(ratio: float, part: float = 1.0) -> Change:
    """Cut to a proportion, from anywhere; `part` is how much of the largest such side is kept."""

    def change(image: Picture, random: Random) -> Picture:
        width = min(image.width, image.height * ratio) * part
        size = max(16, round(width)), max(16, round(width / ratio))
        return ImageOps.fit(image, size, LANCZOS, centering=(random.random(), random.random()))

    return change


def middle_out(image: Picture, random: Random) -> Picture:
    """A strip cut out of the middle, the rest pushed together."""
    at, width = round(image.width * random.uniform(0.3, 0.55)), round(image.width * 0.15)
    narrow = Image.new("RGB", (image.width - width, image.height))
    narrow.paste(image.crop((0, 0, at, image.height)), (0, 0))
    narrow.paste(image.crop((at + width, 0, image.width, image.height)), (at, 0))
    return narrow


def half_mirrored(image: Picture, random: Random) -> Picture:
    """One half, and its mirror image in place of the other one."""
    if random.random() < 0.5:
        image = ImageOps.mirror(image)
    half = image.crop((0, 0, max(1, image.width // 2), image.height))
    both = Image.new("RGB", (2 * half.width, image.height))
    both.paste(half, (0, 0))
    both.paste(ImageOps.mirror(half), (half.width, 0))
    return both


# ---- bent


def stretched(across: float, along: float) -> Change:
    def change(image: Picture, _: Random) -> Picture:
        return image.resize((round(image.width * across), round(image.height * along)), LANCZOS)

    return change


class Lens:
    """What ImageOps.deform asks for: a fine grid, moved in or out with the distance squared."""

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def getmesh(self, image: Picture) -> list[tuple[tuple[int, int, int, int], tuple[float, ...]]]:
        across = list(pairwise(round(image.width * i / 24) for i in range(25)))
        down = list(pairwise(round(image.height * i / 24) for i in range(25)))
        return [
            ((x0, y0, x1, y1), self.quad(image, ((x0, y0), (x0, y1), (x1, y1), (x1, y0))))
            for x0, x1 in across
            for y0, y1 in down
        ]

    def quad(self, image: Picture, corners: Sequence[Point]) -> tuple[float, ...]:
        return tuple(value for corner in corners for value in self.moved(image, corner))

    def moved(self, image: Picture, at: Point) -> Point:
        x, y = 2 * at[0] / image.width - 1, 2 * at[1] / image.height - 1
        scale = (1 + self.strength * (x * x + y * y)) / (1 + 2 * max(0.0, self.strength))
        return (x * scale + 1) / 2 * image.width, (y * scale + 1) / 2 * image.height


def lens(strength: float) -> Change:
    return lambda image, _: ImageOps.deform(image, Lens(strength), BICUBIC)


def coefficients(quad: Sequence[Point], size: tuple[int, int]) -> list[float]:
    """What Image.transform wants: from the canvas, where `quad` is, back to the picture."""
    width, height = size
    rows, values = [], []
    corners = ((0, 0), (width, 0), (width, height), (0, height))
    for (x, y), (u, v) in zip(quad, corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return [float(value) for value in np.linalg.solve(np.array(rows, float), np.array(values))]


def laid_on(canvas: Picture, image: Picture, quad: Sequence[Point]) -> Picture:
    """The picture on a canvas, its corners at those of `quad` (clockwise from the top left)."""
    way = coefficients(quad, image.size)
    laid = image.transform(canvas.size, Image.Transform.PERSPECTIVE, way, BICUBIC)
    mask = Image.new("L", image.size, 255)
    mask = mask.transform(canvas.size, Image.Transform.PERSPECTIVE, way, Image.Resampling.BILINEAR)
    return Image.composite(laid, canvas, mask)


def jittered(
    box: tuple[float, float, float, float], by: float, random: Random
) -> tuple[Point, Point, Point, Point]:
    """The corners of a box, each moved by at most this part of its longer side."""
    left, top, right, bottom = box
    reach = by * max(right - left, bottom - top)

    def near(x: float, y: float) -> Point:
        return x + random.uniform(-reach, reach), y + random.uniform(-reach, reach)

    return near(left, top), near(right, top), near(right, bottom), near(left, bottom)


def in_perspective(image: Picture, random: Random) -> Picture:
    """Seen from the side, on a plain ground."""
    canvas = Image.new("RGB", image.size, random.choice((BLACK, WHITE, mean_color(image))))
    box = image.width * 0.09, image.height * 0.09, image.width * 0.91, image.height * 0.91
    return laid_on(canvas, image, jittered(box, 0.075, random))


# ---- photographed once more


def in_other_light(image: Picture, random: Random) -> Picture:
    """Another white, flatter tones, and a fall of light across the picture."""
    tint = tuple(random.randint(215, 255) for _ in range(3))
    image = ImageChops.multiply(image, Image.new("RGB", image.size, tint))
    image = ImageEnhance.Contrast(image).enhance(random.uniform(0.7, 0.95))
    fall = Image.linear_gradient("L").rotate(random.choice((0, 90, 180, 270))).resize(image.size)
    fall = fall.point(lambda value: 165 + value * 90 // 255)
    return ImageChops.multiply(image, fall.convert("RGB"))


def out_of_focus(image: Picture, random: Random) -> Picture:
    """What a hand and a small sensor add: some blur, some noise."""
    image = image.filter(ImageFilter.GaussianBlur(max(image.size) / random.uniform(500, 900)))
    return Image.blend(image, noise(image, random), 0.35)


def table_top(size: tuple[int, int], random: Random) -> Picture:
    """Wood: streaks of brown along one side."""
    streaks = Image.frombytes("L", (8, 160), random.randbytes(1280)).resize(size, BICUBIC)
    dark = color(random, 40, 90)
    light = dark[0] + 70, dark[1] + 55, dark[2] + 35
    return ImageOps.colorize(streaks, dark, light)


def print_on_table(image: Picture, random: Random) -> Picture:
    """A print with a white margin that lies on a table, from a little aside."""
    paper = ImageOps.expand(image, long_side_of(image, 0.03), (246, 244, 238))
    canvas = table_top((round(paper.width * 1.3), round(paper.height * 1.3)), random)
    box = paper.width * 0.15, paper.height * 0.15, paper.width * 1.15, paper.height * 1.15
    shot = laid_on(canvas, paper, jittered(box, 0.045, random))
    return out_of_focus(in_other_light(shot, random), random)


def print_close_up(image: Picture, random: Random) -> Picture:
    """A print that fills the frame, and a little less of it is in it."""
    box = -0.03 * image.width, -0.03 * image.height, 1.03 * image.width, 1.03 * image.height
    shot = laid_on(image.copy(), image, jittered(box, 0.028, random))
    shot = in_other_light(shot, random)
    shine = Image.new("L", shot.size, 0)
    x, y = random.uniform(0.1, 0.7) * shot.width, random.uniform(0.1, 0.7) * shot.height
    reach = max(shot.size) * 0.3
    ImageDraw.Draw(shine).ellipse((x, y, x + reach, y + reach * 0.6), fill=110)
    shine = shine.filter(ImageFilter.GaussianBlur(reach / 4))
    return out_of_focus(Image.composite(Image.new("RGB", shot.size, WHITE), shot, shine), random)


def moire(image: Picture, random: Random) -> Picture:
    """The rows of a screen's dots, and the slow waves that a sensor makes of them."""
    x, y = np.meshgrid(np.arange(image.width), np.arange(image.height))
    waves = np.ones((image.height, image.width, 3), np.float32)
    for channel in range(3):
        angle, length = random.uniform(0, 1.5), random.uniform(14, 45)
        phase = (x * math.cos(angle) + y * math.sin(angle)) * (2 * math.pi / length)
        waves[..., channel] += 0.1 * np.sin(phase) + 0.05 * np.sin(y * math.pi * 0.9)
    return in_bytes(np.asarray(image, np.float32) * waves)


def in_bytes(values: NDArray[np.floating]) -> Picture:
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def screen_photographed(image: Picture, random: Random) -> Picture:
    """A monitor with its bezel, photographed at an angle."""
    framed = ImageOps.expand(moire(image, random), long_side_of(image, 0.02), (22, 22, 24))
    canvas = Image.new(
        "RGB", (round(framed.width * 1.2), round(framed.height * 1.25)), (62, 58, 55)
    )
    box = framed.width * 0.1, framed.height * 0.1, framed.width * 1.1, framed.height * 1.1
    shot = laid_on(canvas, framed, jittered(box, 0.04, random))
    shot = ImageChops.multiply(shot, Image.new("RGB", shot.size, (225, 238, 255)))
    return out_of_focus(ImageEnhance.Contrast(shot).enhance(1.15), random)


def screen_close_up(image: Picture, random: Random) -> Picture:
    """A phone held before a monitor: waves, a little turned, the edges cut off."""
    shot = straightened(random.uniform(1, 3))(moire(image, random), random)
    shot = curve(kept(0.85)(shot, random), lambda value: value**1.25)
    return out_of_focus(ImageEnhance.Color(shot).enhance(1.25), random)


def projected(image: Picture, random: Random) -> Picture:
    """On a wall in a room that isn't dark: no blacks, a keystone."""
    canvas = Image.new("RGB", (round(image.width * 1.35), round(image.height * 1.35)), (70, 68, 66))
    left, top = image.width * 0.18, image.height * 0.15
    lean = image.width * random.uniform(0.03, 0.09)
    quad = (
        (left - lean, top),
        (left + image.width + lean, top),
        (left + image.width, top + image.height),
        (left, top + image.height),
    )
    pale = curve(image, lambda value: 0.3 + 0.68 * value)
    return out_of_focus(laid_on(canvas, pale, quad), random)


# ---- avatars


def avatar(pixels: int) -> Change:
    def change(image: Picture, random: Random) -> Picture:
        return shaped(1, random.uniform(0.7, 1))(image, random).resize((pixels, pixels), LANCZOS)

    return change


def avatar_round(pixels: int, ground: Color, ring: Color | None = None) -> Change:
    """A circle on a plain ground, perhaps with a ring around it."""

    def change(image: Picture, random: Random) -> Picture:
        face = avatar(pixels)(image, random)
        canvas = Image.new("RGB", (pixels + 24, pixels + 24), ground)
        if ring:
            ImageDraw.Draw(canvas).ellipse((2, 2, pixels + 21, pixels + 21), fill=ring)
        canvas.paste(face, (12, 12), disc(pixels))
        return canvas

    return change


def disc(pixels: int) -> Picture:
    mask = Image.new("L", (4 * pixels, 4 * pixels), 0)
    ImageDraw.Draw(mask).ellipse((0, 0, 4 * pixels - 1, 4 * pixels - 1), fill=255)
    return mask.resize((pixels, pixels), LANCZOS)


def mirror(image: Picture, _: Random) -> Picture:
    return image.transpose(FLIP.FLIP_LEFT_RIGHT)


def flip(image: Picture, _: Random) -> Picture:
    return image.transpose(FLIP.FLIP_TOP_BOTTOM)


def quarter(image: Picture, random: Random) -> Picture:
    return image.transpose(random.choice((FLIP.ROTATE_90, FLIP.ROTATE_270)))


def upside_down(image: Picture, _: Random) -> Picture:
    return image.transpose(FLIP.ROTATE_180)
