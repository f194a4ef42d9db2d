"""Pictures of one kind that look alike and show different things, drawn by number.

KINDS names them. Number `n` of a kind is the same picture wherever it is drawn, but for QR codes,
which need the package segno.
"""

import math
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from itertools import product
from random import Random

import numpy as np
from edits import BLACK, WHITE, Color, Picture, text
from negatives import INK, PAPER, line, number, page
from PIL import Image, ImageDraw, ImageFilter

Kind = Callable[[int, Random], Picture]
LIGHT, DARK = (240, 217, 181), (181, 136, 99)
# The bars of an EAN's digits on the left, of odd parity; on the right they are their complement.
DIGITS = "0001101 0011001 0010011 0111101 0100011 0110001 0101111 0111011 0110111 0001011".split()
FLAG_COLOURS = (
    (206, 17, 38), (0, 85, 164), (0, 122, 61), (255, 205, 0), (255, 255, 255), (0, 0, 0),
    (243, 119, 38), (108, 172, 228),
)  # fmt: skip
NAVIGATION = "Home Products Pricing Blog Support Sign in".split()


# ---- Codes


def qr_code(_: int, random: Random) -> Picture:
    """A QR code of version 3 that leads to another address."""
    address = f"https://example.com/t/{random.getrandbits(72):018x}"
    code = import_module("segno").make(address, version=3, error="m", micro=False)
    modules = np.array([list(row) for row in code.matrix], np.uint8)
    picture = Image.fromarray(np.where(np.pad(modules, 4), 0, 255).astype(np.uint8))
    return picture.resize((370, 370), Image.Resampling.NEAREST).convert("RGB")


def bar_code(_: int, random: Random) -> Picture:
    """A bar code as EAN-13 has it, with its digits below."""
    digits = "".join(random.choice("0123456789") for _ in range(12))
    left = "".join(DIGITS[int(digit)] for digit in digits[:6])
    right = "".join(DIGITS[int(digit)] for digit in digits[6:])
    bars = f"101{left}01010{right.translate(str.maketrans('01', '10'))}101"
    picture = Image.new("RGB", (420, 260), WHITE)
    draw = ImageDraw.Draw(picture)
    for place, bar in enumerate(bars):
        if bar == "1":
            draw.rectangle((20 + 4 * place, 20, 23 + 4 * place, 205), fill=BLACK)
    text(draw, (210, 230), digits, 28, fill=BLACK, anchor="mm")
    return picture


# ---- A board


def chess(_: int, random: Random) -> Picture:
    """A diagram of a game some random moves after its beginning."""
    return _position(
        Image.new("RGB", (400, 400), LIGHT), Image.new("RGB", (400, 400), DARK), random
    )


def wooden_chess(_: int, random: Random) -> Picture:
    """The same on a board of wood, of which no part is flat."""
    return _position(_wood(LIGHT, 1), _wood(DARK, 2), random)


@lru_cache(maxsize=2)
def _wood(tone: Color, seed: int) -> Picture:
    rng = np.random.default_rng(seed)
    grain = rng.standard_normal((100, 6)).astype(np.float32)
    streaks = np.asarray(Image.fromarray(grain).resize((400, 400), Image.Resampling.BICUBIC))
    levels = np.array(tone, np.float32) + 9 * streaks[..., None] + rng.normal(0, 4, (400, 400, 1))
    return Image.fromarray(levels.clip(0, 255).astype(np.uint8))


def _position(light: Picture, dark: Picture, random: Random) -> Picture:
    board = {(x, 0): "bRNBQKBNR"[x + 1].lower() for x in range(8)}
    board |= {(x, 7): "RNBQKBNR"[x] for x in range(8)}
    board |= {(x, 1): "p" for x in range(8)} | {(x, 6): "P" for x in range(8)}
    for _ in range(random.randint(2, 16)):
        piece = board.pop(random.choice(sorted(board)))
        board[random.randrange(8), random.randrange(8)] = piece
    picture = light.copy()
    draw = ImageDraw.Draw(picture)
    for x in range(8):
        for y in range((x + 1) % 2, 8, 2):
            box = 50 * x, 50 * y, 50 * x + 50, 50 * y + 50
            picture.paste(dark.crop(box), box)
    for (x, y), piece in sorted(board.items()):
        _piece(draw, 50 * x, 50 * y, piece)
    return picture


def _piece(draw: ImageDraw.ImageDraw, x: int, y: int, piece: str) -> None:
    """A chessman: its foot and body, and a head by its kind."""
    fill = WHITE if piece.isupper() else (20, 20, 20)
    edge = (20, 20, 20) if piece.isupper() else (90, 90, 90)
    top = {"P": 20, "R": 14, "N": 12, "B": 10, "Q": 7, "K": 7}[piece.upper()]
    draw.rectangle((x + 11, y + 40, x + 38, y + 45), fill=fill, outline=edge)
    draw.polygon([(x + 14, y + 39), (x + 35, y + 39), (x + 30, y + top + 10),
                  (x + 19, y + top + 10)], fill=fill, outline=edge)  # fmt: skip
    head = (x + 15, y + top, x + 34, y + top + 13)
    match piece.upper():
        case "P" | "B":
            draw.ellipse(head, fill=fill, outline=edge)
        case "R":
            draw.rectangle(head, fill=fill, outline=edge)
        case "N":
            draw.polygon([(x + 9, y + 24), (x + 24, y + top), (x + 36, y + 28), (x + 20, y + 26)],
                         fill=fill, outline=edge)  # fmt: skip
        case crown:
            points = 5 if crown == "Q" else 3
            draw.regular_polygon((x + 25, y + top + 8, 11), points, fill=fill, outline=edge)


# ---- Things before one background


@lru_cache(maxsize=1)
def _sheet() -> Picture:
    """A crumpled sheet in soft light."""
    rng = np.random.default_rng(5)
    level = np.full((533, 400), 205.0, np.float32)
    for side, strength in ((7, 18), (17, 12), (41, 6)):
        coarse = rng.standard_normal((side, side)).astype(np.float32)
        fold = Image.fromarray(coarse).resize((400, 533), Image.Resampling.BICUBIC)
        level += strength * np.abs(np.asarray(fold))
    return Image.fromarray(level.clip(0, 255).astype(np.uint8)).convert("RGB")


def clothes(_: int, random: Random) -> Picture:
    """A shirt, trousers or a dress on one sheet, in some colour, cut and print."""
    picture, tone = _sheet().copy(), tuple(random.randint(20, 230) for _ in range(3))
    cloth = Image.new("RGB", picture.size, tone)
    _print(ImageDraw.Draw(cloth), random)
    mask = Image.new("L", picture.size, 0)
    outline = random.choice((_shirt, _trousers, _dress))(random)
    ImageDraw.Draw(mask).polygon(outline, fill=255)
    turned = mask.rotate(random.uniform(-6, 6))
    picture.paste(cloth, mask=turned.filter(ImageFilter.GaussianBlur(1)))
    grain = random.randbytes(3 * picture.width * picture.height)
    return Image.blend(picture, Image.frombytes("RGB", picture.size, grain), 0.03)


def _print(draw: ImageDraw.ImageDraw, random: Random) -> None:
    tone, step = tuple(random.randint(20, 230) for _ in range(3)), random.randint(12, 50)
    match random.randrange(4):
        case 0:
            for y in range(0, 533, step):
                draw.rectangle((0, y, 400, y + step // 3), fill=tone)
        case 1:
            for x in range(0, 400, step):
                draw.rectangle((x, 0, x + step // 3, 533), fill=tone)
        case 2:
            text(draw, (200, 220), line(random, 8).upper(), 30, fill=tone, anchor="mm")


def _shirt(random: Random) -> list[tuple[float, float]]:
    wide, low, sleeve = random.randint(60, 95), random.randint(360, 440), random.randint(60, 170)
    half = [(25, 110), (wide, 120), (wide + sleeve * 0.5, 130 + sleeve),
            (wide + sleeve * 0.5 - 40, 140 + sleeve), (wide, 200), (wide, low)]  # fmt: skip
    return _both_sides(half)


def _trousers(random: Random) -> list[tuple[float, float]]:
    wide, low = random.randint(50, 80), random.randint(330, 480)
    return _both_sides([(wide, 90), (wide + 15, low), (wide - 35, low), (2, 200)])


def _dress(random: Random) -> list[tuple[float, float]]:
    waist, hem, low = random.randint(40, 60), random.randint(70, 140), random.randint(400, 490)
    return _both_sides([(20, 80), (waist + 10, 90), (waist, 220), (hem, low)])


def _both_sides(half: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    right = [(200 + x, y) for x, y in half]
    return right + [(400 - x, y) for x, y in reversed(right)]


def x_ray(_: int, random: Random) -> Picture:
    """A drawn stand-in for a chest X-ray: spine, ribs, lungs and a heart of one patient each."""
    picture = Image.new("L", (512, 512), random.randint(30, 60))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((40, 20, 472, 620), fill=random.randint(120, 150))
    for side in (-1, 1):
        near, far = sorted((256 + side * random.randint(22, 36), 256 + side * 190))
        box = near, random.randint(70, 110), far, random.randint(380, 450)
        draw.ellipse(box, fill=random.randint(40, 80))
        for rib in range(9):
            y = 60 + rib * random.randint(36, 44)
            arc = min(256, 256 + side * 210), y, max(256, 256 + side * 210), y + 120
            draw.arc(arc, 180, 360, fill=random.randint(120, 165), width=random.randint(9, 14))
    draw.rectangle((238, 0, 274, 512), fill=random.randint(165, 195))
    heart = random.randint(220, 245), random.randint(230, 260), random.randint(330, 390), 400
    draw.ellipse(heart, fill=random.randint(160, 190))
    soft = picture.filter(ImageFilter.GaussianBlur(random.uniform(3, 6)))
    grain = Image.frombytes("L", soft.size, random.randbytes(soft.width * soft.height))
    return Image.blend(soft, grain, 0.05).convert("RGB")


# ---- Text in one design


def receipt(_: int, random: Random) -> Picture:
    """A slip of one shop: always the same head and foot, other items and prices."""
    rows = random.randint(8, 12)
    picture = Image.new("RGB", (360, 620), PAPER)
    draw = ImageDraw.Draw(picture)
    text(draw, (180, 40), "CORNER MARKET", 30, fill=INK, anchor="mm")
    text(draw, (180, 75), "12 High Street   Tel 555 0199", 14, fill=INK, anchor="mm")
    text(draw, (24, 100), f"{number(random, 2)}.{number(random, 2)}.2026", 14, fill=INK)
    for row in range(rows):
        y = 130 + row * 26
        text(draw, (24, y), line(random, random.randint(8, 18)), 16, fill=INK)
        price = f"{random.randint(1, 40)}.{number(random, 2)}"
        text(draw, (336, y), price, 16, fill=INK, anchor="ra")
    draw.line((24, 460, 336, 460), fill=INK, width=2)
    text(draw, (24, 470), "TOTAL", 24, fill=INK)
    text(draw, (336, 470), f"{number(random, 2)}.{number(random, 2)}", 24, fill=INK, anchor="ra")
    text(draw, (180, 560), "THANK YOU FOR SHOPPING", 18, fill=INK, anchor="mm")
    return picture


def slide(place: int, random: Random) -> Picture:
    """A slide of one template with another title, other points and now and then a chart."""
    picture = Image.new("RGB", (960, 540), WHITE)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 960, 90), fill=(20, 60, 120))
    draw.rectangle((0, 510, 960, 540), fill=(230, 120, 30))
    text(draw, (40, 26), line(random, random.randint(12, 34)), 36, fill=WHITE)
    points = random.randint(3, 6)
    for point in range(points):
        y = 130 + point * 60
        draw.ellipse((50, y + 8, 62, y + 20), fill=(230, 120, 30))
        text(draw, (80, y), line(random, random.randint(14, 40)), 24, fill=INK)
    if random.random() < 0.4:
        for bar in range(6):
            high = random.randint(30, 260)
            left = 660 + bar * 44
            draw.rectangle((left, 470 - high, left + 30, 470), fill=(20, 60, 120))
    text(draw, (920, 518), str(place), 14, fill=WHITE)
    return picture


def web_page(_: int, random: Random) -> Picture:
    """One web site: always the same head, menu and side, another article."""
    picture = Image.new("RGB", (1280, 800), (250, 250, 250))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 1280, 60), fill=(33, 37, 41))
    for place, word in enumerate(NAVIGATION):
        text(draw, (240 + 140 * place, 20), word, 18, fill=WHITE)
        text(draw, (24, 110 + 44 * place), word, 17, fill=INK)
    draw.rectangle((0, 60, 200, 800), outline=(210, 210, 210))
    text(draw, (240, 90), line(random, random.randint(14, 34)), 34, fill=INK)
    for row in range(22):
        letters = round(70 * (random.uniform(0.2, 0.8) if row % 5 == 4 else 1))
        text(draw, (240, 150 + row * 27), line(random, letters), 17, fill=(60, 60, 60))
    for box in range(3):
        draw.rectangle((960, 100 + box * 220, 1250, 290 + box * 220), fill=(225, 228, 232))
        text(draw, (980, 120 + box * 220), line(random, 18), 18, fill=INK)
    return picture


def chat(_: int, random: Random) -> Picture:
    """A phone's screen: one app, one partner, other messages."""
    picture = Image.new("RGB", (540, 960), (236, 229, 221))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 540, 90), fill=(7, 94, 84))
    draw.ellipse((20, 25, 70, 75), fill=(200, 200, 200))
    text(draw, (90, 34), "Alex", 26, fill=WHITE)
    draw.rounded_rectangle((12, 900, 470, 948), 24, fill=WHITE)
    draw.ellipse((482, 900, 530, 948), fill=(7, 94, 84))
    y = 105
    while y < 840:
        rows, wide = random.randint(1, 4), random.randint(140, 360)
        mine, high = random.random() < 0.5, 24 + 26 * rows
        left = 524 - wide if mine else 16
        fill = (220, 248, 198) if mine else WHITE
        draw.rounded_rectangle((left, y, left + wide, min(y + high, 890)), 12, fill=fill)
        for row in range(rows):
            words = line(random, max(4, round(wide / 11)))
            text(draw, (left + 12, y + 10 + 26 * row), words, 17, fill=INK)
        y += high + 12
    return picture


def text_page(_: int, random: Random) -> Picture:
    """A page of paragraphs."""
    return page((), random)


def near_blank(place: int, random: Random) -> Picture:
    """A page with next to nothing on it: a letterhead, a few words somewhere, a page's number."""
    picture = Image.new("RGB", (620, 877), PAPER)
    draw = ImageDraw.Draw(picture)
    text(draw, (60, 50), "Notes", 20, fill=INK)
    draw.line((60, 80, 560, 80), fill=INK)
    for _ in range(random.randint(1, 3)):
        at = random.randint(60, 260), random.randint(120, 780)
        text(draw, at, line(random, random.randint(6, 26)), 15, fill=INK)
    text(draw, (310, 840), str(place), 13, fill=INK, anchor="mm")
    return picture


# ---- Signs


def flag(place: int, _: Random) -> Picture:
    """A flag: three colours in one of four designs."""
    design, colours = _flags()[place]
    return _flag(design, colours)


@lru_cache(maxsize=1)
def _flags() -> list[tuple[int, tuple[Color, ...]]]:
    """All flags, in an order of chance."""
    colours = [c for c in product(FLAG_COLOURS, repeat=3) if c[1] not in (c[0], c[2])]
    return Random("flags").sample([(n, c) for n in range(4) for c in colours], 4 * len(colours))


def _flag(design: int, colours: tuple[Color, ...]) -> Picture:
    picture = Image.new("RGB", (300, 200), colours[0])
    draw = ImageDraw.Draw(picture)
    if design == 0:
        draw.rectangle((100, 0, 200, 200), fill=colours[1])
        draw.rectangle((200, 0, 300, 200), fill=colours[2])
    elif design == 1:
        draw.rectangle((0, 67, 300, 133), fill=colours[1])
        draw.rectangle((0, 133, 300, 200), fill=colours[2])
    elif design == 2:
        draw.rectangle((90, 0, 130, 200), fill=colours[1])
        draw.rectangle((0, 80, 300, 120), fill=colours[1])
        draw.rectangle((100, 0, 120, 200), fill=colours[2])
        draw.rectangle((0, 90, 300, 110), fill=colours[2])
    else:
        draw.ellipse((90, 40, 210, 160), fill=colours[1])
        draw.regular_polygon((150, 100, 40), 5, fill=colours[2])
    return picture


def icon(_: int, random: Random) -> Picture:
    """An app's sign: white shapes on one rounded square."""
    picture = Image.new("RGB", (128, 128), WHITE)
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((6, 6, 121, 121), 24, fill=(52, 120, 246))
    for _ in range(random.randint(2, 4)):
        x, y, size = random.randint(40, 88), random.randint(40, 88), random.randint(12, 30)
        box = x - size, y - size, x + size, y + size
        fill = random.choice((WHITE, WHITE, (52, 120, 246)))
        match random.randrange(4):
            case 0:
                draw.ellipse(box, fill=fill)
            case 1:
                draw.rectangle(box, outline=WHITE, width=8)
            case 2:
                sides, turn = random.randint(3, 6), random.randint(0, 90)
                draw.regular_polygon((x, y, size), sides, rotation=turn, fill=fill)
            case 3:
                angle = random.uniform(0, math.pi)
                end = x + size * math.cos(angle), y + size * math.sin(angle)
                draw.line((x - end[0] + x, y - end[1] + y, *end), fill=WHITE, width=9)
    return picture


KINDS: dict[str, Kind] = {
    "QR code": qr_code,
    "bar code": bar_code,
    "chess": chess,
    "wooden chess": wooden_chess,
    "clothes": clothes,
    "x-ray": x_ray,
    "receipt": receipt,
    "slide": slide,
    "web page": web_page,
    "chat": chat,
    "text page": text_page,
    "near-blank": near_blank,
    "flag": flag,
    "icon": icon,
}
if find_spec("segno") is None:
    del KINDS["QR code"]
