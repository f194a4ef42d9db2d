"""Edits of the split `unseen` that change tones and leave each thing in its place: filters,
inverted pictures, noise, few colours, hard compression."""

import math
from io import BytesIO
from random import Random

import numpy as np
from edits import Change, Picture, color, curve, noise, recompressed, within
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps
from unseen_geometry import in_bytes, long_side_of


def gray(image: Picture) -> Picture:
    return ImageOps.grayscale(image)


# ---- inverted


def inverted(image: Picture, _: Random) -> Picture:
    return ImageOps.invert(image)


def inverted_gray(image: Picture, _: Random) -> Picture:
    return ImageOps.invert(gray(image)).convert("RGB")


def film_negative(image: Picture, random: Random) -> Picture:
    """A colour negative on a light table: inverted, flat, and through an orange mask."""
    flat = curve(ImageOps.invert(image), lambda value: 0.25 + 0.7 * value)
    mask = 255, random.randint(165, 190), random.randint(100, 130)
    return ImageChops.multiply(flat, Image.new("RGB", image.size, mask))


# ---- filters


def sketch(image: Picture, _: Random) -> Picture:
    """Pencil: what is darker than its surroundings."""
    tones = np.asarray(gray(image), np.float32)
    soft = gray(image).filter(ImageFilter.GaussianBlur(max(2, max(image.size) / 120)))
    return in_bytes(255 * tones / np.maximum(np.asarray(soft, np.float32), 1)).convert("RGB")


def edges(image: Picture, random: Random) -> Picture:
    """Lines along edges: light on dark, or dark on light."""
    found = gray(image).filter(ImageFilter.GaussianBlur(1.2)).filter(ImageFilter.FIND_EDGES)
    found = ImageOps.autocontrast(ImageOps.crop(found, 1), 1)
    return (ImageOps.invert(found) if random.random() < 0.5 else found).convert("RGB")


def embossed(image: Picture, _: Random) -> Picture:
    return gray(image).filter(ImageFilter.EMBOSS).convert("RGB")


def posterised(image: Picture, _: Random) -> Picture:
    return ImageOps.posterize(image, 2)


def oil(image: Picture, _: Random) -> Picture:
    small = ImageOps.posterize(within(image, 560, 560), 4).filter(ImageFilter.ModeFilter(7))
    return small.resize(image.size, Image.Resampling.BICUBIC)


def cartoon(image: Picture, _: Random) -> Picture:
    """Flat colours and dark outlines."""
    flat = image.filter(ImageFilter.MedianFilter(7)).quantize(14).convert("RGB")
    lines = gray(image).filter(ImageFilter.GaussianBlur(2)).filter(ImageFilter.FIND_EDGES)
    lines = lines.point(lambda value: 0 if value > 26 else 255)
    return ImageChops.multiply(flat, lines.convert("RGB"))


def halftone(cell: float) -> Change:
    """Black dots of a turned screen, as newspapers print them; `cell` in thousandths."""

    def change(image: Picture, _: Random) -> Picture:
        x, y = np.meshgrid(np.arange(image.width), np.arange(image.height))
        step = 2 * math.pi / max(3.0, max(image.size) * cell / 1000)
        screen = np.cos((x + y) * step / 2**0.5) + np.cos((x - y) * step / 2**0.5)
        dots = np.asarray(gray(image), np.float32) > 127.5 + 60 * screen
        return in_bytes(255.0 * dots).convert("RGB")

    return change


def solarised(image: Picture, _: Random) -> Picture:
    return ImageOps.solarize(image, 128)


def mosaic(image: Picture, _: Random) -> Picture:
    """All of it in squares, some 50 along the long side."""
    return within(image, 50, 50).resize(image.size, Image.Resampling.NEAREST)


# ---- tones


def high_range(image: Picture, _: Random) -> Picture:
    """What cameras' "HDR" makes: strong local contrast, strong colours."""
    tones = np.asarray(image, np.float32)
    soft = image.filter(ImageFilter.GaussianBlur(max(image.size) / 25))
    local = 128 + 1.5 * (tones - np.asarray(soft, np.float32)) + 0.5 * (tones - 128)
    return ImageEnhance.Color(in_bytes(local)).enhance(1.6)


def faded(image: Picture, _: Random) -> Picture:
    """A print that hung in the sun."""
    pale = curve(ImageEnhance.Color(image).enhance(0.4), lambda value: 0.35 + 0.5 * value)
    return ImageChops.multiply(pale, Image.new("RGB", image.size, (255, 245, 225)))


def duotone(image: Picture, random: Random) -> Picture:
    tones = ImageOps.autocontrast(gray(image))
    return ImageOps.colorize(tones, color(random, 0, 90), color(random, 165, 255))


def at_night(image: Picture, _: Random) -> Picture:
    """Day made night: dark, blue."""
    dark = curve(ImageEnhance.Color(image).enhance(0.6), lambda value: 0.55 * value**1.8)
    return ImageChops.multiply(dark, Image.new("RGB", image.size, (150, 185, 255)))


def hard_gray(image: Picture, _: Random) -> Picture:
    """Black and white, and little between."""
    return curve(gray(image), lambda value: 0.5 + 2.2 * (value - 0.5)).convert("RGB")


def cold(image: Picture, _: Random) -> Picture:
    red, green, blue = image.split()
    red, blue = red.point(lambda v: round(v * 0.7)), blue.point(lambda v: 40 + v * 215 // 255)
    return Image.merge("RGB", (red, green, blue))


def other_hues(image: Picture, random: Random) -> Picture:
    hue, saturation, value = image.convert("HSV").split()
    shift = random.randint(50, 200)
    hue = hue.point(lambda v: (v + shift) % 256)
    return Image.merge("HSV", (hue, saturation, value)).convert("RGB")


def crossed(image: Picture, _: Random) -> Picture:
    """Another curve for each channel, as from film in the wrong bath."""
    red, green, blue = image.split()
    red = curve(red, lambda v: v * v * (3 - 2 * v))
    blue = curve(blue, lambda v: 0.2 + 0.55 * v)
    return Image.merge("RGB", (red, curve(green, lambda v: v**0.8), blue))


def overexposed(image: Picture, _: Random) -> Picture:
    return curve(image, lambda value: 2.1 * value)


def vignette(image: Picture, _: Random) -> Picture:
    corners = Image.radial_gradient("L").resize(image.size)
    corners = corners.point(lambda value: max(0, 255 - round(1.25 * value)))
    return ImageChops.multiply(image, corners.convert("RGB"))


def light_leak(image: Picture, random: Random) -> Picture:
    """A red and yellow glow from one side."""
    glow = Image.linear_gradient("L").rotate(random.choice((90, 180, 270))).resize(image.size)
    glow = glow.point(lambda value: max(0, value - 110) * 255 // 145)
    return ImageChops.screen(image, ImageOps.colorize(glow, "black", (255, 190, 90), (190, 30, 0)))


# ---- noise, blur, few colours


def strong_noise(image: Picture, random: Random) -> Picture:
    for _ in range(3):
        image = noise(image, random)
    return image


def strong_blur(image: Picture, _: Random) -> Picture:
    return image.filter(ImageFilter.GaussianBlur(max(image.size) / 110))


def shaken(image: Picture, random: Random) -> Picture:
    """The camera moved: the mean of the picture along a line."""
    steps, across = long_side_of(image, 0.02, least=3), random.random() < 0.5
    total = np.zeros((image.height, image.width, 3), np.float32)
    tones = np.asarray(image, np.float32)
    for step in range(steps):
        total += np.roll(tones, step - steps // 2, axis=1 if across else 0)
    return in_bytes(total / steps)


def noisy_and_soft(image: Picture, random: Random) -> Picture:
    soft = image.filter(ImageFilter.GaussianBlur(max(image.size) / 250))
    return noise(noise(soft, random), random)


def scratched(image: Picture, random: Random) -> Picture:
    """Old film: gray, grain, scratches and dust."""
    old = noise(ImageEnhance.Contrast(gray(image).convert("RGB")).enhance(1.2), random)
    draw = ImageDraw.Draw(old)
    for _ in range(random.randint(6, 14)):
        x, y = random.uniform(0, old.width), random.uniform(0, old.height)
        end = x + random.uniform(-12, 12), y + random.uniform(0.1, 0.8) * old.height
        draw.line(((x, y), end), fill=(225, 225, 220), width=long_side_of(old, 0.0015))
    for _ in range(random.randint(20, 60)):
        x, y = random.uniform(0, old.width), random.uniform(0, old.height)
        size = random.uniform(0.001, 0.006) * max(old.size)
        draw.ellipse((x, y, x + size, y + size), fill=(20, 20, 20))
    return old


def few_colours(colours: int) -> Change:
    """A palette and dots between its colours."""

    def change(image: Picture, _: Random) -> Picture:
        palette = image.quantize(colours, dither=Image.Dither.NONE)
        return image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)

    return change


def one_bit(image: Picture, _: Random) -> Picture:
    return within(image, 640, 640).convert("1").convert("RGB")


def one_bit_hard(image: Picture, _: Random) -> Picture:
    """Black where it is darker than its half, as a copier makes it."""
    tones = ImageOps.equalize(gray(image).filter(ImageFilter.GaussianBlur(1)))
    return tones.point(lambda value: 255 if value > 120 else 0).convert("RGB")


# ---- hard compression, and sent on


def enlarged_from(pixels: int) -> Change:
    """Made small, saved, and enlarged again."""

    def change(image: Picture, _: Random) -> Picture:
        small = recompressed(within(image, pixels, pixels), 75)
        return small.resize(image.size, Image.Resampling.BICUBIC)

    return change


def sent_often(qualities: tuple[int, ...], scale: float) -> Change:
    """Made smaller and saved each time, in turn as JPEG and WebP."""

    def change(image: Picture, _: Random) -> Picture:
        for number, quality in enumerate(qualities):
            image = within(image, image.width * scale, image.height * scale)
            data = BytesIO()
            image.save(data, "WEBP" if number % 2 else "JPEG", quality=quality)
            image = Image.open(data).convert("RGB")
        return image

    return change
