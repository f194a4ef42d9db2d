"""What people do to their photos: one small function for each kind of edit.

EDITS names them all, with the class that the benchmark reports them under and the way the edited
copy is saved. A function gets an upright RGB picture and a seeded Random, and returns a picture.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from random import Random
from typing import Any

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

Picture = Image.Image
Change = Callable[[Picture, Random], Picture]
Color = tuple[int, int, int]

WHITE, BLACK, GRAY = (255, 255, 255), (0, 0, 0), (128, 128, 128)
WORDS = (
    "when the coffee is late again monday nobody told me about this happy birthday wait for it "
    "look at that summer one more time we made it home sweet weekend mood never give up"
).split()
TITLES = "Gallery Photos Album Camera Library Recent Favourites Messages Holiday Shared".split()
LANCZOS, BICUBIC = Image.Resampling.LANCZOS, Image.Resampling.BICUBIC
TURNS = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}
ORIENTATION = 0x0112


@dataclass(frozen=True)
class Edit:
    """A kind of edit: its name, its class, what it does, and how the result is saved."""

    name: str
    group: str
    change: Change
    suffix: str = ".jpg"
    save: dict[str, Any] = field(default_factory=lambda: {"quality": 90})


# ---- helpers


def text(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], words: str, size: float, **more: Any
) -> None:
    """Write with Pillow's own font, so that every machine draws the same."""
    draw.text(at, words, font=_font(max(8, size)), **more)


@cache
def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def color(random: Random, darkest: int, lightest: int) -> Color:
    red, green, blue = (random.randint(darkest, lightest) for _ in range(3))
    return red, green, blue


def phrase(random: Random, count: int) -> str:
    return " ".join(random.choice(WORDS) for _ in range(count))


def within(image: Picture, width: float, height: float) -> Picture:
    """The picture at the largest size that fits into a box."""
    scale = min(width / image.width, height / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, LANCZOS)


def centred(image: Picture, canvas: Picture) -> Picture:
    canvas.paste(image, ((canvas.width - image.width) // 2, (canvas.height - image.height) // 2))
    return canvas


def recompressed(image: Picture, quality: int) -> Picture:
    data = BytesIO()
    image.save(data, "JPEG", quality=quality)
    return Image.open(data).convert("RGB")


def curve(image: Picture, change: Callable[[float], float]) -> Picture:
    """Map each channel by a function from 0..1 to 0..1."""
    table = [min(255, max(0, round(255 * change(value / 255)))) for value in range(256)]
    return image.point(table * len(image.getbands()))


# ---- edits


def same(image: Picture, _: Random) -> Picture:
    return image


def scaled(factor: float) -> Change:
    return lambda image, _: within(image, image.width * factor, image.height * factor)


def long_side(pixels: int) -> Change:
    return lambda image, _: within(image, pixels, pixels)


def squeezed(image: Picture, _: Random) -> Picture:
    """Made square without regard to its proportions."""
    return image.resize((min(image.size), min(image.size)), LANCZOS)


def enhanced(enhance: Callable[[Picture], Any], factor: float) -> Change:
    return lambda image, _: enhance(image).enhance(factor)


def gamma(exponent: float) -> Change:
    return lambda image, _: curve(image, lambda value: value**exponent)


def sepia(image: Picture, _: Random) -> Picture:
    return ImageOps.colorize(ImageOps.grayscale(image), (35, 20, 8), (255, 240, 205))


def vintage(image: Picture, _: Random) -> Picture:
    """Faded blacks, warm tones and dark corners."""
    faded = curve(ImageEnhance.Color(image).enhance(0.65), lambda value: 0.12 + 0.8 * value)
    warm = ImageChops.multiply(faded, Image.new("RGB", image.size, (255, 236, 200)))
    corners = Image.radial_gradient("L").resize(image.size).point(lambda value: 255 - value // 2)
    return ImageChops.multiply(warm, corners.convert("RGB"))


def noise(image: Picture, random: Random) -> Picture:
    grain = Image.frombytes("RGB", image.size, random.randbytes(3 * image.width * image.height))
    return ImageChops.add(image, curve(grain, lambda value: 0.5 + 0.28 * (value - 0.5)), 1, -128)


def stored_turned(orientation: int, turn: int) -> Change:
    """Pixels turned, with the EXIF tag that turns them back."""

    def change(image: Picture, _: Random) -> Picture:
        turned = image.transpose(TURNS[turn])
        turned.getexif()[ORIENTATION] = orientation
        return turned

    return change


def transposed(method: Image.Transpose) -> Change:
    return lambda image, _: image.transpose(method)


def tilted(degrees: float) -> Change:
    """Turned by a small angle one way or the other, corners filled black or white."""

    def change(image: Picture, random: Random) -> Picture:
        angle = random.choice((-degrees, degrees))
        return image.rotate(angle, BICUBIC, fillcolor=random.choice((BLACK, WHITE)))

    return change


def cropped(share: float) -> Change:
    """A share of the area cut away, from random sides, the proportions kept."""

    def change(image: Picture, random: Random) -> Picture:
        keep = (1 - share) ** 0.5
        width, height = round(image.width * keep), round(image.height * keep)
        left = random.randint(0, image.width - width)
        top = random.randint(0, image.height - height)
        return image.crop((left, top, left + width, top + height))

    return change


def cropped_to(ratio: float, instead: float) -> Change:
    """Cut to a proportion; to another one where the picture (nearly) has the first already."""

    def change(image: Picture, random: Random) -> Picture:
        is_now = image.width / image.height
        wanted = instead if 0.93 < is_now / ratio < 1.07 else ratio
        width = min(image.width, round(image.height * wanted))
        height = min(image.height, round(image.width / wanted))
        return ImageOps.fit(image, (width, height), LANCZOS, centering=(random.random(), 0.5))

    return change


def bordered(color: Color) -> Change:
    def change(image: Picture, random: Random) -> Picture:
        return ImageOps.expand(image, round(max(image.size) * random.uniform(0.03, 0.1)), color)

    return change


def letterbox(image: Picture, _: Random) -> Picture:
    """Black bars: on a square for wide pictures, on 16:9 for the others."""
    width = image.width if image.width > 1.2 * image.height else round(image.height * 16 / 9)
    height = width if image.width > 1.2 * image.height else image.height
    return centred(image, Image.new("RGB", (width, height), BLACK))


def polaroid(image: Picture, random: Random) -> Picture:
    edge, foot = round(max(image.size) * 0.06), round(max(image.size) * 0.22)
    paper = (250, 248, 242)
    canvas = Image.new("RGB", (image.width + 2 * edge, image.height + edge + foot), paper)
    canvas.paste(image, (edge, edge))
    at = canvas.width / 2, canvas.height - foot / 2
    text(ImageDraw.Draw(canvas), at, phrase(random, 3), foot / 3, fill=(60, 60, 90), anchor="mm")
    return canvas


def caption(image: Picture, random: Random) -> Picture:
    foot = round(image.height * random.uniform(0.1, 0.2))
    canvas = Image.new("RGB", (image.width, image.height + foot), WHITE)
    canvas.paste(image, (0, 0))
    at = canvas.width / 2, image.height + foot / 2
    text(ImageDraw.Draw(canvas), at, phrase(random, 6), foot / 3, fill=BLACK, anchor="mm")
    return canvas


def meme(image: Picture, random: Random) -> Picture:
    """Outlined capitals along the top and the bottom."""
    return with_meme(image, phrase(random, 4).upper(), phrase(random, 4).upper())


def with_meme(image: Picture, above: str, below: str) -> Picture:
    image = image.copy()
    draw = ImageDraw.Draw(image)
    size = min(image.width / 16, image.height / 9)
    style: dict[str, Any] = {"fill": WHITE, "stroke_width": max(1, round(size / 12))}
    style |= {"stroke_fill": BLACK, "anchor": "mm"}
    text(draw, (image.width / 2, size), above, size, **style)
    text(draw, (image.width / 2, image.height - size), below, size, **style)
    return image


def watermark(image: Picture, random: Random) -> Picture:
    """Half transparent text across the picture."""
    layer = Image.new("RGBA", image.size, (*WHITE, 0))
    draw = ImageDraw.Draw(layer)
    words = phrase(random, 2).upper()
    for part in (0.25, 0.5, 0.75):
        at = image.width / 2, image.height * part
        text(draw, at, words, image.width / 12, fill=(*WHITE, 110), anchor="mm")
    layer = layer.rotate(20, BICUBIC)
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def date_stamp(image: Picture, random: Random) -> Picture:
    image = image.copy()
    day = f"{random.randint(1, 28):02} {random.randint(1, 12):02} '{random.randint(0, 25):02}"
    at = image.width * 0.97, image.height * 0.96
    text(ImageDraw.Draw(image), at, day, image.height / 18, fill=(255, 140, 30), anchor="rs")
    return image


def sticker(image: Picture, random: Random) -> Picture:
    """A round face, some 6 % of the area."""
    image = image.copy()
    draw = ImageDraw.Draw(image)
    size = (image.width * image.height * 0.06) ** 0.5
    x = random.uniform(0.05, 0.75) * image.width
    y = random.uniform(0.05, 0.7) * image.height
    draw.ellipse((x, y, x + size, y + size), fill=(255, 210, 60), outline=BLACK, width=2)
    for part in (0.3, 0.6):
        eye = x + part * size, y + 0.3 * size, x + (part + 0.12) * size, y + 0.45 * size
        draw.ellipse(eye, fill=BLACK)
    mouth = x + 0.25 * size, y + 0.4 * size, x + 0.75 * size, y + 0.8 * size
    draw.chord(mouth, 0, 180, fill=(170, 30, 30))
    return image


def phone(image: Picture, random: Random) -> Picture:
    """A screenshot of a phone that shows the photo between a status bar and a row of buttons."""
    dark = random.random() < 0.6
    paper, ink = ((0, 0, 0), (235, 235, 235)) if dark else ((255, 255, 255), (30, 30, 30))
    screen = Image.new("RGB", (540, random.choice((960, 1110, 1170))), paper)
    draw = ImageDraw.Draw(screen)
    clock = f"{random.randint(0, 23):02}:{random.randint(0, 59):02}"
    text(draw, (24, 8), clock, 20, fill=ink)
    draw.rectangle((470, 12, 510, 28), outline=ink, width=2)
    draw.rectangle((473, 15, 473 + random.randint(5, 34), 25), fill=ink)
    draw.line([(34, 62), (22, 74), (34, 86)], fill=ink, width=3)
    text(draw, (56, 60), random.choice(TITLES), 26, fill=ink)
    shown = within(image, 540, screen.height - 240)
    screen.paste(shown, ((540 - shown.width) // 2, 110 + (screen.height - 220 - shown.height) // 2))
    for number in range(4):
        x, y = 70 + number * 133, screen.height - 72
        draw.ellipse((x - 18, y - 18, x + 18, y + 18), outline=ink, width=3)
        text(draw, (x, y + 32), random.choice(WORDS), 13, fill=ink, anchor="mm")
    return screen


def desktop(image: Picture, random: Random) -> Picture:
    """A screenshot of a desktop with a picture viewer: panel, icons, window, photo."""
    window, ink = random.choice((((45, 45, 48), WHITE), ((240, 240, 240), (20, 20, 20))))
    back = random.choice(((30, 70, 110), (60, 60, 60), (20, 90, 80), (110, 80, 120)))
    screen = Image.new("RGB", (1280, 800), back)
    draw = ImageDraw.Draw(screen)
    draw.rectangle((0, 764, 1280, 800), fill=(25, 25, 28))
    for number in range(random.randint(4, 9)):
        box = 10 + number * 44, 769, 36 + number * 44, 795
        draw.rounded_rectangle(box, 5, fill=color(random, 60, 230))
    for number in range(random.randint(2, 6)):
        box = 24, 24 + number * 100, 72, 72 + number * 100
        draw.rounded_rectangle(box, 8, fill=color(random, 90, 240))
        text(draw, (48, 84 + number * 100), random.choice(WORDS), 13, fill=WHITE, anchor="mm")
    left, top = random.randint(100, 150), random.randint(16, 40)
    draw.rectangle((left, top, 1260, 750), fill=window)
    text(draw, (left + 14, top + 8), f"{random.choice(TITLES)} - {phrase(random, 2)}", 16, fill=ink)
    for number in range(3):
        draw.ellipse((1180 + number * 25, top + 9, 1194 + number * 25, top + 23), fill=GRAY)
    draw.rectangle((left, top + 34, left + 150, 750), fill=tuple((c + 128) // 2 for c in window))
    for number in range(random.randint(4, 12)):
        text(draw, (left + 14, top + 50 + number * 28), random.choice(WORDS), 14, fill=ink)
    shown = within(image, 1250 - left - 160, 742 - top - 42)
    x = left + 155 + (1255 - left - 155 - shown.width) // 2
    screen.paste(shown, (x, top + 38 + (746 - top - 38 - shown.height) // 2))
    return screen


def messenger(image: Picture, _: Random) -> Picture:
    """Sent twice: made smaller and compressed each time."""
    once = recompressed(within(image, min(1600, image.width), 1600), 70)
    return within(once, min(1280, once.width) * 0.8, 1024)


def repost(image: Picture, random: Random) -> Picture:
    """Cut a little, made smaller, compressed, and once more."""
    for quality in (75, 65):
        image = cropped(0.04)(image, random)
        image = recompressed(within(image, image.width * 0.85, image.height), quality)
    return image


FLIP = Image.Transpose
EDITS: tuple[Edit, ...] = (
    Edit("JPEG 90", "recompressed", same),
    Edit("JPEG 50", "recompressed", same, save={"quality": 50}),
    Edit("JPEG 20", "recompressed", same, save={"quality": 20}),
    Edit("WebP", "converted", same, ".webp", {"quality": 75}),
    Edit("GIF", "converted", same, ".gif", {}),
    Edit("PNG", "converted", same, ".png", {"compress_level": 3}),
    Edit("AVIF", "converted", same, ".avif", {"quality": 60, "speed": 8}),
    Edit("size 75 %", "resized", scaled(0.75)),
    Edit("size 50 %", "resized", scaled(0.5)),
    Edit("size 320 px", "resized", long_side(320)),
    Edit("size 160 px", "resized", long_side(160)),
    Edit("squeezed", "resized", squeezed),
    Edit("brighter", "toned", enhanced(ImageEnhance.Brightness, 1.4)),
    Edit("darker", "toned", enhanced(ImageEnhance.Brightness, 0.6)),
    Edit("more contrast", "toned", enhanced(ImageEnhance.Contrast, 1.5)),
    Edit("less contrast", "toned", enhanced(ImageEnhance.Contrast, 0.6)),
    Edit("more saturation", "toned", enhanced(ImageEnhance.Color, 1.8)),
    Edit("less saturation", "toned", enhanced(ImageEnhance.Color, 0.4)),
    Edit("gamma 0.6", "toned", gamma(0.6)),
    Edit("gamma 1.7", "toned", gamma(1.7)),
    Edit("equalised", "toned", lambda image, _: ImageOps.equalize(image)),
    Edit("black and white", "filtered", lambda image, _: ImageOps.grayscale(image).convert("RGB")),
    Edit("sepia", "filtered", sepia),
    Edit("vintage", "filtered", vintage),
    Edit("blurred", "filtered", lambda i, _: i.filter(ImageFilter.GaussianBlur(max(i.size) / 400))),
    Edit("sharpened", "filtered", lambda i, _: i.filter(ImageFilter.UnsharpMask(2, 150, 2))),
    Edit("noise", "filtered", noise),
    Edit("EXIF 3", "EXIF-turned", stored_turned(3, 180)),
    Edit("EXIF 6", "EXIF-turned", stored_turned(6, 90)),
    Edit("EXIF 8", "EXIF-turned", stored_turned(8, 270)),
    Edit("turned 90", "turned, mirrored", transposed(FLIP.ROTATE_90)),
    Edit("turned 180", "turned, mirrored", transposed(FLIP.ROTATE_180)),
    Edit("turned 270", "turned, mirrored", transposed(FLIP.ROTATE_270)),
    Edit("mirrored", "turned, mirrored", transposed(FLIP.FLIP_LEFT_RIGHT)),
    Edit("flipped", "turned, mirrored", transposed(FLIP.FLIP_TOP_BOTTOM)),
    *(Edit(f"tilted {angle}", "tilted", tilted(angle)) for angle in (2, 5, 25)),
    *(Edit(f"crop {part} %", "cropped", cropped(part / 100)) for part in (5, 10, 20, 30, 50)),
    Edit("crop to square", "cropped", cropped_to(1, instead=4 / 5)),
    Edit("crop to 16:9", "cropped", cropped_to(16 / 9, instead=21 / 9)),
    Edit("white border", "framed", bordered(WHITE)),
    Edit("black border", "framed", bordered(BLACK)),
    Edit("letterbox", "framed", letterbox),
    Edit("polaroid", "framed", polaroid),
    Edit("caption below", "framed", caption),
    Edit("meme text", "overlay", meme),
    Edit("watermark", "overlay", watermark),
    Edit("date stamp", "overlay", date_stamp),
    Edit("sticker", "overlay", sticker),
    Edit("phone", "screenshot", phone, ".png", {"compress_level": 3}),
    Edit("desktop", "screenshot", desktop, ".png", {"compress_level": 3}),
    Edit("messenger", "chain", messenger, save={"quality": 70}),
    Edit("repost", "chain", repost, save={"quality": 60}),
)
