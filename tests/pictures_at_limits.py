"""Small pictures that are near what decides how a picture is looked at, on both sides of it.

`python tests/golden_steps.py` tries whether each limit has its pictures.
"""

import functools
import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
from made_pictures import CAT, COFFEE, MODES, encoded, photo, png
from numpy.typing import NDArray
from PIL import Image

from pictures import decode

Levels = NDArray[np.uint8]
Named = Iterator[tuple[str, bytes]]
SIDE = 256  # pixels; a frame is looked for in so many
SMALL = 64  # pixels of what is hashed


def at_limits() -> Named:
    """Pictures by name, as files."""
    yield from framed()
    yield from on_grounds()
    yield from pages()
    yield from nearly_blank()
    yield from fine_grained()
    yield from cut_off()
    yield from stored_oddly()


def pixels(name: str = CAT, size: tuple[int, int] = (SIDE, SIDE)) -> Levels:
    return np.asarray(photo(name).convert("L").resize(size))


def file_of(levels: NDArray[np.generic]) -> bytes:
    return png(Image.fromarray(levels.clip(0, 255).astype(np.uint8)), compress_level=1)


def noise(seed: int, low: int, high: int, shape: tuple[int, int] = (SMALL, SMALL)) -> Levels:
    """Random levels, from low to high."""
    levels = np.random.default_rng(seed).integers(low, high, shape, endpoint=True)
    return levels.astype(np.uint8)


def larger(levels: Levels, factor: int = SIDE // SMALL) -> Levels:
    """Each pixel as a square."""
    return levels.repeat(factor, 0).repeat(factor, 1)


# ---- Frames


def framed() -> Named:
    cat = pixels()
    for others in (23, 25, 27, 29):  # pixels of another tone in each row of the bars: 9 to 11 %
        yield f"bars with {others} pixels", file_of(with_bars(cat, 30, others, 200))
    for difference in (4, 5):
        yield f"bars {difference} levels uneven", file_of(with_bars(cat, 30, 40, 90 + difference))
    for gap in (2, 3):
        striped = with_bars(cat, 30)
        striped[100 : 100 + gap] = 90
        yield f"gap of {gap}", file_of(striped)
    for left in (34, 37, 40, 42):
        upper = (SIDE - left) // 2
        yield f"content of {left} rows", file_of(with_bars(cat, upper, lower=SIDE - upper - left))
    for border in (4, 5, 6, 7):
        yield f"bars of {border} pixels", file_of(with_bars(cat, border))
    for border in (4, 6, 8, 16):
        bordered = with_bars(np.array(pixels(size=(420, 300))), border)
        bordered[:, :border] = bordered[:, -border:] = 90
        yield f"border of {border} pixels", file_of(bordered)
    corner = np.full((SIDE, SIDE), 90, np.uint8)
    corner[60:200, 20:180] = cat[60:200, 20:180]
    corner[215:235, 200:240] = cat[215:235, 200:240]  # a mark below, beside the picture
    corner[205:215, 60:120] = cat[205:215, 60:120]
    yield "frame with a mark", file_of(corner)
    large = with_bars(np.array(pixels(COFFEE, (560, 530))), 6)
    large[:, :6] = large[:, -6:] = 90
    yield "large in a border", file_of(large)
    paper = larger(noise(1, 244, 250), 4)
    paper[70:186, 50:206] = cat[70:186, 50:206]
    yield "photo on paper", file_of(paper)


def with_bars(
    levels: Levels, upper: int, others: int = 0, other: int = 0, lower: int = 0
) -> Levels:
    """A picture with bars above and below, in which some pixels of each row have another tone."""
    framed = levels.copy()
    for bar in (framed[:upper], framed[-(lower or upper) :]):
        bar[:] = 90
        bar[:, 100 : 100 + others] = other
    return framed


# ---- Pages


def pages() -> Named:
    small = pixels(size=(SMALL, SMALL))
    odd = np.arange(SMALL) % 2
    for tone in (145, 150, 155, 165):
        yield f"paper of tone {tone}", on_paper(small, 40, tone + 8 * odd)
    for rows in (31, 34):
        yield f"paper of {rows} rows", on_paper(small, rows, 230 + 8 * odd)
    for reach in (31, 33):
        yield f"paper of {2 * reach} tones", file_of(larger(noise(5, 220 - reach, 220 + reach)))
    halves = np.where(odd[:, None] ^ (np.arange(SMALL) < SMALL // 2), 110, 30)
    for rows in (30, 32):
        yield f"{rows} rows of two tones", drawn(halves[:rows])
    for tones, rows in ((9, 38), (13, 40)):
        uneven = 40 + noise(9, 0, tones - 1, (rows, 1)).astype(int)
        uneven[::2] += 60
        yield f"rows of twice {tones} tones", drawn(uneven)
    for step in (1, 2):
        yield f"columns {step} levels apart", drawn(halves[:40] + step * odd)
    rough = np.where((np.arange(SMALL)[None] % 2) ^ noise(3, 0, 1)[:, :1], 30, 110)
    for columns in (26, 28):
        rough[:, :columns] = rough[:, columns - 1 : columns]
        yield f"{columns} flat columns", file_of(larger(rough.astype(np.uint8)))
    for tone, gentle, sharp in ((225, 24, 24), (225, 24, 20), (190, 0, 44)):
        yield f"grainy paper with {sharp} columns of print", grainy(tone, gentle, sharp)


def grainy(tone: int, gentle: int, sharp: int) -> bytes:
    """Grainy paper of which the lower part has so many columns shaded and so many printed."""
    small = np.full((SMALL, SMALL), tone)
    small[40:, :gentle:2] -= 9
    small[40:, SMALL - sharp :: 2] = 20
    grain = np.random.default_rng(4).integers(-24, 25, (SIDE, SIDE))
    levels = larger(small.astype(np.uint8)).astype(int) + grain
    return file_of(levels.clip(0, 255).astype(np.uint8))


def on_grounds() -> Named:
    """Pictures before a ground that varies as much as a blurred one may, or a little more."""
    for waves, jump in ((4, 7), (5, 7), (4, 6)):
        yield f"ground of {waves}, {jump} apart", file_of(on_ground(waves, jump, SIDE))
    for length in (124, 132):  # of 256: an edge is seen along half of it
        yield f"an edge of {length} pixels", file_of(on_ground(3, 12, length))
    for height in (37, 40):  # of 256: what is lower is a sliver
        yield f"picture of {height} rows", file_of(on_ground(3, 12, SIDE, height))


def on_ground(waves: int, jump: int, length: int, height: int = 120) -> NDArray[np.int_]:
    """A picture whose upper and lower edge are so long, before columns that differ by waves."""
    ground = np.add.outer(60 + np.arange(SIDE) // 2, np.arange(SIDE) % 2 * waves)
    rows, shown = slice(80, 80 + height), ground.copy()
    shown[rows] = noise(3, 0, 255, (height, SIDE))
    for row in (80, 79 + height):
        shown[row] = ground[row]
        shown[row, :length] = ground[row + (1 if row > 80 else -1), :length] + jump
    return shown


def on_paper(small: Levels, rows: int, paper: NDArray[np.int_]) -> bytes:
    """A dark picture of which the first rows are paper."""
    levels = small // 4
    levels[:rows] = paper
    return file_of(larger(levels))


def drawn(rows: NDArray[np.int_]) -> bytes:
    """A few rows above others of which each has another tone."""
    levels = np.repeat((np.arange(SMALL) * 2 + 128)[:, None], SMALL, 1)
    levels[: len(rows)] = rows
    levels[len(rows) :, -12:] = noise(8, 128, 250, (SMALL - len(rows), 12))
    return file_of(larger(levels.astype(np.uint8)))


# ---- Pictures that show little


def nearly_blank() -> Named:
    rows = noise(0, 0, 1, (SMALL // 2, 1)).repeat(SMALL, 1)
    three = larger(rows, 2)[:, :SMALL] + (np.arange(SMALL) // 32)[:, None]
    four = larger(noise(31, 0, 1, (10, 10)), 7)[2:66, 4:68] + np.arange(SMALL) * 3 // SMALL
    for number, tones in ((3, three), (4, four)):
        yield f"{number} levels", file_of(larger(100 + 6 * tones))
    for count in (4, 5):
        spots = np.full((SMALL, SMALL), 120)
        spots[: 4 * count] += 8 * larger(noise(2, 0, 1, (5, 16)))[: 4 * count].astype(int) - 4
        yield f"blank but for {count} rows of spots", file_of(larger(spots))
    for depth in (26, 34):
        edge = np.full((SMALL, SMALL), 120)
        edge[:2] += noise(4, 0, depth, (2, SMALL))
        yield f"blank but for an edge of {depth} tones", file_of(larger(edge))
    for seed, most in ((7, 9), (7, 10), (22, 12), (3, 12)):
        grain = larger(120 + noise(seed, 0, most, (32, 32)), 8)
        yield f"grain {seed} of {most + 1} tones", file_of(grain)
    slope = np.linspace(0, 250, SMALL)[:, None].repeat(SMALL, 1)
    yield "slope", file_of(larger(slope.astype(np.uint8)))


# ---- Pictures that are hashed otherwise if they are reduced otherwise


def fine_grained() -> Named:
    for side in (310, 335):
        grain = Image.fromarray(noise(side, 0, 1, (side, side)) * 255)
        yield f"grain of {side} pixels", png(grain, compress_level=1)
    for side in (500, 540, 580, 620):
        grain = larger(noise(side, 60, 200, (side // 2, side // 2)), 2)
        yield f"JPEG of {side} pixels", encoded(Image.fromarray(grain), "JPEG", quality=60)
    for side in (1000, 1050):
        lines = np.full((side, side), 250, np.uint8)
        lines[::9, : side // 2] = 20
        lines[::11, side // 2 :] = 20
        lines[:, ::23] = 60
        lines[: side // 3, : side // 3] //= 2
        yield f"lines of {side} pixels", file_of(lines)


# ---- Pictures that are cut off


def cut_off() -> Named:
    gray = Image.fromarray(pixels(COFFEE, (96, 96)))
    stored, upside_down = png(gray, compress_level=0), encoded(gray, "BMP")
    for share in (3, 4, 5, 6):
        yield f"cut to {share} sixteenths", stored[: len(stored) * (2 * share + 1) // 32]
    wide = encoded(Image.fromarray(pixels(COFFEE, (683, 128))), "JPEG", quality=30)
    for end in (3845, 3850):  # in the last block of a row
        yield f"JPEG cut at {end}", wide[:end]
    other = encoded(Image.fromarray(pixels(COFFEE, (640, 128))), "JPEG", quality=30)
    for end in (2410, 2758):
        yield f"other JPEG cut at {end}", other[:end]
    yield "JPEG that ends early", wide[:3845] + b"\xff\xd9"
    in_gray = pixels(COFFEE, (96, 96)).copy()
    in_gray[-16:] = 128
    yield "JPEG that ends in gray", encoded(Image.fromarray(in_gray), "JPEG", quality=30)
    interlaced = encoded(Image.fromarray(pixels(COFFEE, (64, 256))), "GIF")
    yield "GIF cut in its first pass", interlaced[:2400]
    yield "GIF without 4 % of its last pass", interlaced[:19300]
    interlaced = encoded(Image.fromarray(pixels(COFFEE, (160, 300))), "GIF")
    yield "GIF without 5 % of its last pass", interlaced[:50800]
    webp = encoded(photo(COFFEE).resize((96, 96)), "WEBP")
    yield "WebP cut to less than a sixteenth", webp[:540]
    for megabytes in (62, 66):
        long = webp[:4] + (megabytes << 20).to_bytes(4, "little") + webp[8:]
        yield f"WebP that lacks {megabytes} MiB", long[: len(long) * 3 // 4]
    yield "BMP cut to 4 sixteenths", upside_down[: 1078 + (len(upside_down) - 1078) * 9 // 32]


# ---- Pictures of which what the file says counts


def stored_oddly() -> Named:
    coffee = photo(COFFEE).resize((200, 150))
    second = coffee.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    yield "MPO", encoded(coffee, "MPO", save_all=True, append_images=[second])
    rgb = encoded(coffee, "JPEG", keep_rgb=True, quality=90)
    yield "JPEG in RGB", rgb
    yield "JPEG in RGB without a word of it", without_segment(rgb, 0xEE)
    alpha = (pixels(COFFEE, (96, 96)) * 0.95).astype(np.uint8)
    for level in (246, 245):  # which deviates by 1.9 and 2.1 where it is seen on white
        faint = np.full_like(alpha, level)
        layers = [Image.fromarray(levels) for levels in (faint, alpha)]
        yield f"layer of level {level}", png(Image.merge("LA", layers))
    dark = np.asarray(coffee.convert("L")).astype(float) / 255 * 700
    yield "16 bits, of 700 levels", png(Image.fromarray(dark.astype("<u2")))


# ---- Sizes from which on a picture is refused


def sizes() -> Iterator[tuple[str, dict[str, int]]]:
    """How wide a picture may be to be decoded, by its file, its mode and its height."""
    coffee = photo(COFFEE).resize((48, 32))
    for name, sized in SIZED.items():
        data = MODES[name](coffee)
        square = largest(functools.partial(squared, sized, data))
        of_height = {
            str(height): largest(functools.partial(sized, data, height=height))
            for height in (2000, 2100)  # of narrow pictures and of the least wide ones
        }
        yield f"sizes {name}", {"square": square, **of_height}


def squared(sized: Callable[[bytes, int, int], bytes], data: bytes, width: int) -> bytes:
    return sized(data, width, width)


def largest(sized: Callable[..., bytes]) -> int:
    """The most pixels of width with which a picture isn't refused by its header."""
    least, most = 1, 65_000
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if is_refused(sized(width=middle)) else (middle, most)
    return least


def is_refused(data: bytes) -> bool:
    try:
        decode.open_header(data)
    except ValueError as error:
        return "are the most" in str(error)
    except OSError:  # what follows the header is no such picture
        return False
    return False


def sized_png(data: bytes, width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


def sized_jpeg(data: bytes, width: int, height: int) -> bytes:
    start = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2")) + 5
    return data[:start] + struct.pack(">HH", height, width) + data[start + 4 :]


def sized_tiff(data: bytes, width: int, height: int) -> bytes:
    changed, (start,) = bytearray(data), struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    for place in range(start + 2, start + 2 + 12 * count, 12):
        (tag,) = struct.unpack_from("<H", data, place)
        if tag in (256, 257):
            struct.pack_into("<HII", changed, place + 2, 4, 1, width if tag == 256 else height)
    return bytes(changed)


def sized_webp(data: bytes, width: int, height: int) -> bytes:
    return data[:26] + struct.pack("<HH", min(width, 16383), min(height, 16383)) + data[30:]


SIZED: dict[str, Callable[[bytes, int, int], bytes]] = {
    **dict.fromkeys(("L.png", "P.png", "RGB.png", "RGBA.png", "I;16.png"), sized_png),
    **dict.fromkeys(("RGB.jpg", "RGB-progressive.jpg"), sized_jpeg),
    **dict.fromkeys(("CMYK.tif", "LAB.tif", "F.tif", "RGB-packed.tif", "La.tif"), sized_tiff),
    "RGB.webp": sized_webp,
}


def without_segment(jpeg: bytes, kind: int) -> bytes:
    start = jpeg.find(bytes((0xFF, kind)))
    if start < 0:
        return jpeg
    (length,) = struct.unpack_from(">H", jpeg, start + 2)
    return jpeg[:start] + jpeg[start + 2 + length :]
