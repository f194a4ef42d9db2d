"""Pictures that look alike and are not the same: what a finder must not put together.

NEGATIVES names the kinds. Some are drawn (documents, windows, gradients), the others are made of
photographs that the labelled set doesn't hold otherwise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from edits import BLACK, WHITE, Picture, color, curve, text, with_meme, within
from PIL import Image, ImageDraw, ImageFilter, ImageOps, ImageStat

SYLLABLES = (
    "ba con der en for gal hi in jo ka lo men nor o pre qui ra so tion un ver wa xi ya zo er al is"
).split()
PAPER, INK = (252, 251, 247), (25, 25, 30)
FIELDS = "Name,Street,Town,Born,Phone,Mail,Insured since,Number,Bank,Account,Signed".split(",")


@dataclass(frozen=True)
class Negative:
    """A kind of hard negative: how many at most, and how number `n` of them is made.

    `photos` is how many photos each one takes, 0 for what is drawn; pictures made of the same
    first photo are neutral, neither right nor wrong when they are together.
    """

    name: str
    count: int
    make: Callable[[Sequence[Picture], Random], Picture]
    photos: int = 0


# ---- drawn


def word(random: Random) -> str:
    return "".join(random.choice(SYLLABLES) for _ in range(random.randint(1, 4)))


def line(random: Random, letters: int) -> str:
    words = word(random).capitalize()
    while len(words) < letters:
        words += f" {word(random)}"
    return words[:letters]


def number(random: Random, digits: int = 4) -> str:
    return "".join(random.choice("0123456789") for _ in range(digits))


def page(_: Sequence[Picture], random: Random) -> Picture:
    """A page of paragraphs, A4 at 75 dots an inch."""
    image = Image.new("RGB", (620, 877), PAPER)
    draw = ImageDraw.Draw(image)
    size, y = random.choice((11, 12, 13)), 70
    text(draw, (60, y), line(random, random.randint(12, 30)), size * 1.7, fill=INK)
    y += 45
    while y < 800:
        for row in range(lines := random.randint(3, 9)):
            letters = round(920 / size * (1 if row < lines - 1 else random.uniform(0.2, 0.9)))
            if y < 810:
                text(draw, (60, y), line(random, letters), size, fill=INK)
            y += round(size * 1.45)
        y += size
    text(draw, (310, 840), number(random, 2), 11, fill=INK, anchor="mm")
    return image


def receipt(_: Sequence[Picture], random: Random) -> Picture:
    """A narrow slip: shop, items with prices, total."""
    rows = random.randint(6, 24)
    image = Image.new("RGB", (360, 260 + rows * 24), PAPER)
    draw = ImageDraw.Draw(image)
    text(draw, (180, 40), line(random, 12).upper(), 26, fill=INK, anchor="mm")
    text(draw, (180, 75), line(random, 24), 13, fill=INK, anchor="mm")
    for row in range(rows):
        y = 110 + row * 24
        text(draw, (24, y), line(random, random.randint(6, 18)), 15, fill=INK)
        price = f"{number(random, random.randint(1, 2))}.{number(random, 2)}"
        text(draw, (336, y), price, 15, fill=INK, anchor="ra")
    y = 125 + rows * 24
    draw.line((24, y, 336, y), fill=INK, width=2)
    text(draw, (24, y + 12), "TOTAL", 22, fill=INK)
    total = f"{number(random, 3)}.{number(random, 2)}"
    text(draw, (336, y + 12), total, 22, fill=INK, anchor="ra")
    text(draw, (180, y + 80), number(random, 16), 13, fill=INK, anchor="mm")
    return image


def form(_: Sequence[Picture], random: Random) -> Picture:
    """The same printed form each time, filled in differently."""
    image = Image.new("RGB", (620, 877), PAPER)
    draw = ImageDraw.Draw(image)
    text(draw, (50, 40), "Application for a certificate", 24, fill=INK)
    for row, label in enumerate(FIELDS):
        y = 110 + row * 66
        text(draw, (50, y), label, 12, fill=INK)
        draw.rectangle((50, y + 18, 570, y + 50), outline=INK)
        written = line(random, random.randint(6, 34)) if row % 3 else number(random, 9)
        text(draw, (60, y + 22), written, 19, fill=(20, 30, 120))
    for column in range(6):
        draw.rectangle((50 + column * 90, 842, 64 + column * 90, 856), outline=INK)
        if random.random() < 0.4:
            draw.rectangle((53 + column * 90, 845, 61 + column * 90, 853), fill=INK)
    return image


def windows(_: Sequence[Picture], random: Random) -> Picture:
    """The same desktop with other windows: text, a table, a terminal, files."""
    image = Image.new("RGB", (1280, 800), (46, 92, 120))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 1280, 28), fill=(30, 30, 34))
    text(draw, (600, 5), f"{number(random, 2)}:{number(random, 2)}", 15, fill=WHITE)
    for icon in range(8):
        draw.rounded_rectangle((8, 50 + icon * 60, 48, 90 + icon * 60), 8, fill=(200, 150, 60))
    fillers = [filled_text, filled_table, filled_terminal, filled_files]
    for _number in range(random.randint(1, 2)):
        left, top = random.randint(70, 300), random.randint(45, 150)
        right, bottom = random.randint(900, 1260), random.randint(600, 780)
        box = left, top, right, bottom
        random.choice(fillers)(draw, box, random)
        draw.rectangle((left, top, right, top + 30), fill=(70, 70, 76))
        text(draw, (left + 12, top + 6), line(random, 20), 15, fill=WHITE)
    return image


Box = tuple[int, int, int, int]


def filled_text(draw: ImageDraw.ImageDraw, box: Box, random: Random) -> None:
    draw.rectangle(box, fill=WHITE)
    for y in range(box[1] + 44, box[3] - 20, 20):
        letters = round((box[2] - box[0]) / 9 * random.uniform(0.3, 1))
        text(draw, (box[0] + 20, y), line(random, letters), 13, fill=INK)


def filled_terminal(draw: ImageDraw.ImageDraw, box: Box, random: Random) -> None:
    draw.rectangle(box, fill=(16, 18, 22))
    for y in range(box[1] + 40, box[3] - 18, 18):
        letters = round((box[2] - box[0]) / 9 * random.uniform(0.1, 0.9))
        text(draw, (box[0] + 8, y), line(random, letters), 13, fill=(150, 220, 150))


def filled_table(draw: ImageDraw.ImageDraw, box: Box, random: Random) -> None:
    draw.rectangle(box, fill=(248, 248, 248))
    for y in range(box[1] + 40, box[3] - 24, 24):
        draw.line((box[0], y, box[2], y), fill=(190, 190, 190))
        for x in range(box[0], box[2] - 60, 90):
            if random.random() < 0.6:
                text(draw, (x + 8, y + 4), number(random, random.randint(1, 6)), 13, fill=INK)
    for x in range(box[0], box[2], 90):
        draw.line((x, box[1] + 40, x, box[3]), fill=(190, 190, 190))


def filled_files(draw: ImageDraw.ImageDraw, box: Box, random: Random) -> None:
    draw.rectangle(box, fill=(236, 236, 240))
    shown = random.randint(4, 40)
    for y in range(box[1] + 60, box[3] - 90, 110):
        for x in range(box[0] + 30, box[2] - 90, 110):
            shown -= 1
            if shown > 0:
                tone = random.choice(((90, 140, 210), (230, 190, 90), (160, 160, 165)))
                draw.rounded_rectangle((x, y, x + 60, y + 60), 6, fill=tone)
                text(draw, (x + 30, y + 74), line(random, 10), 12, fill=INK, anchor="mm")


def gradient(_: Sequence[Picture], random: Random) -> Picture:
    """A smooth run from one colour to another, as wallpapers and skies have it."""
    light, dark = color(random, 0, 255), color(random, 0, 255)
    shade = random.choice((Image.linear_gradient("L"), Image.radial_gradient("L")))
    shade = shade.rotate(random.choice((0, 90, 180, 270))).resize((800, 600))
    return ImageOps.colorize(shade, light, dark)


# ---- made of photographs


def sky(photos: Sequence[Picture], _: Random) -> Picture:
    """The strip of a photo with the least in it, blown up."""
    image = photos[0]
    strips = [
        image.crop((0, top, image.width, top + image.height // 4))
        for top in range(0, image.height * 3 // 4, image.height // 8)
    ]
    calm = min(strips, key=lambda strip: ImageStat.Stat(strip.convert("L")).stddev[0])
    return calm.filter(ImageFilter.GaussianBlur(2)).resize((960, 540))


def night(photos: Sequence[Picture], random: Random) -> Picture:
    """Next to nothing but noise: a photo so dark that little is left of it."""
    dark = curve(photos[0], lambda value: 0.12 * value**2.2)
    grain = Image.frombytes("RGB", dark.size, random.randbytes(3 * dark.width * dark.height))
    return Image.blend(dark, grain, 0.02)


def one_frame(photos: Sequence[Picture], _: Random) -> Picture:
    """The same heavy ornamental frame around every photo."""
    canvas = Image.new("RGB", (1000, 800), (120, 78, 30))
    draw = ImageDraw.Draw(canvas)
    for step, tone in enumerate(((190, 140, 60), (90, 55, 20), (220, 180, 100), (40, 25, 10))):
        edge = 20 + step * 32
        draw.rectangle((edge, edge, 999 - edge, 799 - edge), outline=tone, width=14)
    for x in range(0, 1000, 50):
        for y in (28, 760):
            draw.ellipse((x + 8, y - 12, x + 40, y + 20), fill=(235, 200, 120), outline=BLACK)
    canvas.paste(ImageOps.fit(photos[0], (700, 500)), (150, 150))
    return canvas


def one_border(photos: Sequence[Picture], _: Random) -> Picture:
    """The same wide plain border around photos of the same proportions."""
    return ImageOps.expand(ImageOps.fit(photos[0], (640, 480)), 160, WHITE)


def one_meme(photos: Sequence[Picture], _: Random) -> Picture:
    """The same words over every photo."""
    return with_meme(ImageOps.fit(photos[0], (720, 540)), "NOBODY TOLD ME", "IT WAS MONDAY AGAIN")


def one_card(photos: Sequence[Picture], _: Random) -> Picture:
    """The same card of an app around every photo: title, buttons, lines of text."""
    canvas = Image.new("RGB", (600, 1000), (245, 246, 248))
    draw = ImageDraw.Draw(canvas)
    draw.rectangle((0, 0, 600, 90), fill=(40, 90, 180))
    text(draw, (30, 28), "Photo of the day", 32, fill=WHITE)
    canvas.paste(ImageOps.fit(photos[0], (540, 400)), (30, 130))
    for row in range(10):
        width = 540 - (row * 97) % 260
        draw.rectangle((30, 570 + row * 32, 30 + width, 586 + row * 32), fill=(190, 192, 200))
    draw.rounded_rectangle((180, 910, 420, 970), 16, fill=(40, 90, 180))
    return canvas


def other_subject(photos: Sequence[Picture], random: Random) -> Picture:
    """The first photo as a background, a large subject cut out of the second before it."""
    scene = ImageOps.fit(photos[0], (960, 720))
    subject = ImageOps.fit(photos[1], (420, 620))
    mask = Image.new("L", subject.size, 0)
    draw = ImageDraw.Draw(mask)
    draw.ellipse((90, 0, 330, 280), fill=255)
    draw.rounded_rectangle((10, 240, 410, 720), 120, fill=255)
    at = random.randint(180, 360), 100
    scene.paste(subject, at, mask.filter(ImageFilter.GaussianBlur(3)))
    return scene


def flat(_: Sequence[Picture], random: Random) -> Picture:
    """A wall, a lens cap: one colour, a slight fall of light, some grain."""
    image = Image.blend(
        Image.new("RGB", (800, 600), color(random, 10, 245)),
        Image.radial_gradient("L").resize((800, 600)).convert("RGB"),
        random.uniform(0.02, 0.1),
    )
    grain = Image.frombytes("RGB", image.size, random.randbytes(3 * image.width * image.height))
    return Image.blend(image, grain, 0.015)


def small(image: Picture) -> Picture:
    return within(image, 800, 800) if max(image.size) > 800 else image


NEGATIVES: tuple[Negative, ...] = (
    Negative("text page", 60, page),
    Negative("receipt", 30, receipt),
    Negative("form", 30, form),
    Negative("windows", 30, windows),
    Negative("gradient", 15, gradient),
    Negative("flat", 15, flat),
    Negative("sky", 30, sky, 1),
    Negative("night", 30, night, 1),
    Negative("one frame", 24, one_frame, 1),
    Negative("one border", 24, one_border, 1),
    Negative("one meme", 24, one_meme, 1),
    Negative("one card", 24, one_card, 1),
    Negative("other subject", 60, other_subject, 2),
)
