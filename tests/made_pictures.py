"""Pictures derived from the sample photos, as bytes of every kind of file a person may have."""

import functools
import io
import multiprocessing
import os
import random
import signal
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageDraw, ImageFilter, ImageFont, ImageOps

from disk.files import ImageFile
from pictures import fingerprint
from pictures.hashing import hash_file
from pictures.images import HashedImage, Unreadable
from pictures.looks import Look
from pictures.recipe import Recipe

SAMPLES = Path(__file__).parent / "samples"
CAT, COFFEE, LAUNCH = "2024/cat.jpg", "2024/coffee.jpg", "2023/launch.jpg"
PORTRAIT, STARS = "2023/portrait.jpg", "2023/stars.jpg"
SINGLES = (CAT, COFFEE, LAUNCH, PORTRAIT, STARS)
PHOTOMETRIC, EXTRA_SAMPLES = 262, 338
WHITE_IS_ZERO, PREMULTIPLIED = 0, 1
ORIENTATION, MAKE, DETAILS, TIME_TAKEN, FRACTION_TAKEN = 0x0112, 0x010F, 0x8769, 0x9003, 0x9291
# How a camera's pixels lie in the file, for the orientation that turns them upright.
STORED_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def sample_paths() -> list[Path]:
    return sorted(path for path in SAMPLES.rglob("*") if path.suffix in (".jpg", ".webp"))


def photo(name: str = COFFEE) -> Image.Image:
    return _photo(name).copy()


@functools.lru_cache(maxsize=8)  # hundreds of tests begin with one of a few
def _photo(name: str) -> Image.Image:
    with Image.open(SAMPLES / name) as image:
        return image.convert("RGB")


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def png(image: Image.Image, compress_level: int = 1, **options: object) -> bytes:
    """A PNG that is made quickly."""
    return encoded(image, "PNG", compress_level=compress_level, **options)


def tiff(image: Image.Image, **options: object) -> bytes:
    return encoded(image, "TIFF", **options)


def gray(image: Image.Image) -> NDArray[np.float64]:
    return np.asarray(image.convert("L")).astype(float)


# ---- One photo in every mode


def few_colours(image: Image.Image, count: int) -> Image.Image:
    return _few_colours(image.tobytes(), image.mode, image.size, count).copy()


@functools.lru_cache(maxsize=4)  # several files are made of one photo
def _few_colours(levels: bytes, mode: str, size: tuple[int, int], count: int) -> Image.Image:
    return Image.frombytes(mode, size, levels).quantize(count)


def one_bit(image: Image.Image) -> bytes:
    return png(image.resize((1200, 800)).convert("1"))


def palette(image: Image.Image) -> bytes:
    return png(few_colours(image, 256))


def palette_with_transparency(image: Image.Image) -> bytes:
    """One palette entry that no pixel uses is transparent."""
    return png(few_colours(image, 200), transparency=250)


def gif(image: Image.Image) -> bytes:
    return encoded(few_colours(image, 256), "GIF")


def gif_with_transparency(image: Image.Image) -> bytes:
    return encoded(few_colours(image, 200), "GIF", transparency=250)


def opaque(image: Image.Image) -> Image.Image:
    image = image.copy()
    image.putalpha(255)
    return image


def half_transparent(image: Image.Image) -> bytes:
    image = image.copy()
    image.putalpha(128)
    return png(image)


def on_white(image: Image.Image) -> bytes:
    """What half_transparent shows."""
    return png(Image.blend(Image.new("RGB", image.size, "white"), image, 128 / 255))


def logo(image: Image.Image) -> bytes:
    """White all over; the picture is in the alpha channel."""
    white = Image.new("RGB", image.size, "white")
    white.putalpha(image.convert("L"))
    return png(white)


def lab(image: Image.Image) -> bytes:
    srgb, to_lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    converted = ImageCms.profileToProfile(image, srgb, to_lab, outputMode="LAB")
    assert converted is not None
    return tiff(converted)


def deep(image: Image.Image, factor: float = 257, dtype: str = "<u2") -> Image.Image:
    """Gray of more than 8 bits; a factor of 16 makes the 12-bit data of many scanners."""
    return Image.fromarray((gray(image) * factor).astype(dtype))


def with_tag(data: bytes, tag: int, value: int) -> bytes:
    """A little-endian TIFF with another value for a tag of one 16-bit number."""
    (offset,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, offset)
    changed = bytearray(data)
    for place in range(offset + 2, offset + 2 + 12 * count, 12):
        if struct.unpack_from("<HHI", data, place) == (tag, 3, 1):
            struct.pack_into("<H", changed, place + 8, value)
            return bytes(changed)
    raise KeyError(tag)


def negative(pixels: Image.Image) -> bytes:
    """A TIFF that counts from white to black, as many scanners write it."""
    inverted = np.asarray(pixels).max() - np.asarray(pixels)
    return with_tag(tiff(Image.fromarray(inverted)), PHOTOMETRIC, WHITE_IS_ZERO)


def floats(image: Image.Image, scale: float = 1 / 255) -> Image.Image:
    return Image.fromarray((gray(image) * scale).astype("<f4"))


def with_odd_floats(image: Image.Image) -> bytes:
    pixels = np.asarray(floats(image)).copy()
    pixels[:5, :7] = np.nan
    pixels[-5:, :3], pixels[-5:, -3:] = np.inf, -np.inf
    return tiff(Image.fromarray(pixels))


MODES: dict[str, Callable[[Image.Image], bytes]] = {
    "1.png": one_bit,
    "1-fax.tif": lambda image: tiff(image.resize((1200, 800)).convert("1"), compression="group4"),
    "L.png": lambda image: png(image.convert("L")),
    "LA.png": lambda image: png(opaque(image.convert("L"))),
    "LA.tif": lambda image: tiff(opaque(image.convert("L"))),
    "La.tif": lambda image: with_tag(
        tiff(opaque(image.convert("L"))), EXTRA_SAMPLES, PREMULTIPLIED
    ),
    "P.png": palette,
    "P-transparent.png": palette_with_transparency,
    "P.gif": gif,
    "P-transparent.gif": gif_with_transparency,
    "P.tif": lambda image: tiff(few_colours(image, 256)),
    "P.bmp": lambda image: encoded(few_colours(image, 256), "BMP"),
    "RGB.png": png,
    "RGB.tif": tiff,
    "RGB-packed.tif": lambda image: tiff(image, compression="tiff_lzw"),
    "RGB.bmp": lambda image: encoded(image, "BMP"),
    "RGB.webp": lambda image: encoded(image, "WEBP"),
    "RGB.avif": lambda image: encoded(image, "AVIF"),
    "RGB.jpg": lambda image: encoded(image, "JPEG", quality=90),
    "RGB-progressive.jpg": lambda image: encoded(image, "JPEG", quality=90, progressive=True),
    "RGBA.png": lambda image: png(opaque(image)),
    "RGBA.webp": lambda image: encoded(opaque(image), "WEBP"),
    "RGBA.avif": lambda image: encoded(opaque(image), "AVIF"),
    "RGBa.tif": lambda image: with_tag(tiff(opaque(image)), EXTRA_SAMPLES, PREMULTIPLIED),
    "RGBX.tif": lambda image: tiff(image.convert("RGBX")),
    "CMYK.jpg": lambda image: encoded(image.convert("CMYK"), "JPEG", quality=90),
    "CMYK.tif": lambda image: tiff(image.convert("CMYK")),
    "YCbCr.jpg": lambda image: encoded(image.convert("YCbCr"), "JPEG", quality=90),
    "YCbCr.tif": lambda image: tiff(image.convert("YCbCr")),
    "LAB.tif": lab,
    "I;16.png": lambda image: png(deep(image)),
    "I;16.tif": lambda image: tiff(deep(image)),
    "I;16-12bit.tif": lambda image: tiff(deep(image, 16)),
    "I;16-dark.png": lambda image: png(deep(image, 3)),
    "I;16B.tif": lambda image: tiff(deep(image, dtype=">u2")),
    "I;16-negative.tif": lambda image: negative(deep(image)),
    "I.tif": lambda image: tiff(deep(image, 1 << 20, "<i4")),
    "I-signed.tif": lambda image: tiff(
        Image.fromarray((gray(image) * 999 - 120_000).astype("<i4"))
    ),
    "F.tif": lambda image: tiff(floats(image)),
    "F-large.tif": lambda image: tiff(floats(image, 1e30)),
    "F-nan.tif": with_odd_floats,
    "F-negative.tif": lambda image: negative(floats(image)),
}


# ---- The orientations of a camera


def turned(image: Image.Image, orientation: int, file_format: str) -> bytes:
    """The picture as a camera held that way stores it, with the EXIF tag that turns it back."""
    transpose = STORED_AS[orientation]
    stored = image if transpose is None else image.transpose(transpose)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    options = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}.get(file_format, {})
    return encoded(stored, file_format, exif=exif, **options)


# ---- What people and messengers make of a photo

Box = tuple[int, int, int, int]
Framed = tuple[Image.Image, Box]  # where in it the photo lies


def bordered(image: Image.Image, border: Box, colour: object) -> Framed:
    framed = ImageOps.expand(image, border, colour)  # type: ignore[arg-type]
    left, upper, _, _ = border
    return framed, (left, upper, left + image.width, upper + image.height)


def on_phone(image: Image.Image) -> Framed:
    """A screenshot of a chat that shows the photo from edge to edge."""
    screen = Image.new("RGB", (1080, 2200), "white")
    draw = ImageDraw.Draw(screen)
    draw.text((60, 40), "12:34", "black", font_size=40)
    draw.text((900, 40), "85%", "black", font_size=40)
    draw.text((200, 150), "Anna", "black", font_size=60)
    draw.line((0, 260, 1080, 260), (220, 220, 220), 3)
    height = round(1080 * image.height / image.width)
    screen.paste(image.resize((1080, height)), (0, 500))
    draw.text((60, 560 + height), "nice!", "black", font_size=48)
    return screen, (0, 500, 1080, 500 + height)


def on_desktop(image: Image.Image) -> Framed:
    """A screenshot of a viewer with a menu above the photo."""
    screen = Image.new("RGB", (1920, 1080), (40, 44, 52))
    draw = ImageDraw.Draw(screen)
    draw.rectangle((0, 0, 1920, 40), (25, 25, 28))
    draw.text((20, 8), "File  Edit  View", "white", font_size=20)
    width = round(900 * image.width / image.height)
    left = (1920 - width) // 2
    screen.paste(image.resize((width, 900)), (left, 90))
    return screen, (left, 90, left + width, 990)


def before_its_blur(image: Image.Image, size: tuple[int, int], share: float) -> Image.Image:
    """A picture, as large as a share of a size allows, before its own blur, as in a story."""
    ground = image.resize((size[0] // 8, size[1] // 8)).filter(ImageFilter.GaussianBlur(3))
    ground = ground.resize(size, Image.Resampling.BICUBIC).point(lambda level: level * 3 // 4)
    shown = ImageOps.contain(image, (round(size[0] * share), round(size[1] * share)))
    ground.paste(shown, ((size[0] - shown.width) // 2, (size[1] - shown.height) // 2))
    return ground


FRAMES: dict[str, Callable[[Image.Image], Framed]] = {
    "white border": lambda image: bordered(image, (40, 40, 40, 40), "white"),
    "black border": lambda image: bordered(image, (60, 60, 60, 60), "black"),
    "uneven border": lambda image: bordered(image, (20, 60, 90, 10), (30, 90, 160)),
    "letterbox": lambda image: bordered(image, (0, 90, 0, 90), "black"),
    "polaroid": lambda image: bordered(image, (30, 30, 30, 130), "white"),
    "phone": on_phone,
    "desktop": on_desktop,
}


def toned(image: Image.Image) -> Image.Image:
    return image.point(lambda level: min(255, int(level * 1.2 + 15)))


def cropped(image: Image.Image, side: float, left: float = 0.5, upper: float = 0.5) -> Image.Image:
    """A part with `side` of the width and height; where it lies is a share of what is left."""
    width, height = round(image.width * side), round(image.height * side)
    x, y = round((image.width - width) * left), round((image.height - height) * upper)
    return image.crop((x, y, x + width, y + height))


def squared(image: Image.Image) -> Image.Image:
    return ImageOps.fit(image, (min(image.size),) * 2)


def tilted(image: Image.Image, degrees: float) -> Image.Image:
    return cropped(image.rotate(degrees, Image.Resampling.BICUBIC), 0.92)


def captioned(image: Image.Image, text: str = "HELLO WORLD") -> Image.Image:
    """With large white letters across it."""
    image = image.copy()
    place, size = (image.width // 10, image.height * 8 // 10), image.height // 9
    ImageDraw.Draw(image).text(
        place, text, "white", font_size=size, stroke_width=2, stroke_fill="black"
    )
    return image


def text_page(seed: int, size: tuple[int, int] = (620, 877), paper: int = 250) -> Image.Image:
    """A page of lines of random words."""
    return _text_page(seed, size, paper).copy()


@functools.lru_cache(maxsize=24)  # most pages are looked at by several tests
def _text_page(seed: int, size: tuple[int, int], paper: int) -> Image.Image:
    font = ImageFont.load_default(15)
    rng = random.Random(seed)
    page = Image.new("L", size, paper)
    draw = ImageDraw.Draw(page)
    margin, step = size[0] // 10, 24
    for y in range(margin, size[1] - margin, step):
        if rng.random() < 0.12:
            continue  # a new paragraph
        line, end = (
            "",
            size[0] - margin - (rng.randrange(size[0] // 2) if rng.random() < 0.2 else 0),
        )
        while margin + draw.textlength(line, font) < end - 40:
            line += "".join(rng.choices("etaoinshrdlu", k=rng.randint(2, 9))) + " "
        draw.text((margin, y), line, 20, font)
    return page


def sky(seed: int = 0) -> Image.Image:
    """A smooth fall of light with the grain of a camera."""
    down = np.linspace(235, 150, 800)[:, None] + np.linspace(0, 12, 1200)[None]
    grain = np.random.default_rng(seed).normal(0, 4, down.shape)
    return Image.fromarray((down + grain).clip(0, 255).astype(np.uint8))


def with_exif(
    image: Image.Image, when: str, fraction: str = "", camera: str = "Canon", **options: object
) -> bytes:
    """A JPEG as a camera writes it."""
    exif = Image.Exif()
    exif[MAKE] = camera
    details = exif.get_ifd(DETAILS)
    details[TIME_TAKEN] = when
    if fraction:
        details[FRACTION_TAKEN] = fraction
    return encoded(image, "JPEG", exif=exif, **{"quality": 92, **options})


# ---- Hashing


def look_of(data: bytes | Image.Image, hash_size: int = 16, *, parts: bool = False) -> Look:
    """The look of a picture that must have one."""
    data = data if isinstance(data, bytes) else png(data)
    look = fingerprint.look_at(data, Recipe(hash_size, parts=parts))
    assert look is not None
    return look


def hash_data(data: bytes, folder: Path) -> HashedImage | Unreadable:
    path = folder / "picture.jpg"
    path.write_bytes(data)
    return hash_file(ImageFile(str(path), 0, 0), Recipe())


def hash_of(data: bytes, folder: Path) -> bytes:
    """The hash of a picture that must have one."""
    hashed = hash_data(data, folder)
    assert isinstance(hashed, HashedImage), hashed
    assert hashed.look is not None
    return hashed.look.views[0].hash


def distance(a: bytes, b: bytes) -> int:
    assert len(a) == len(b)
    return (int.from_bytes(a) ^ int.from_bytes(b)).bit_count()


def hash_or_die(file: ImageFile, *wanted: Any) -> HashedImage | Unreadable:
    """Hash a photo in a worker, as if that crashed on the names that say so, or was killed once.

    Or it works for ever, waits for others for a while, or is stopped: for ever, or the first time.
    """
    assert multiprocessing.parent_process(), "this is no worker"
    name = os.path.basename(file.path)
    if name.startswith("endless"):
        while True:
            pass
    if name.startswith("waiting"):
        time.sleep(2.5)
    if name.startswith("stopped") or (
        name.startswith("halted") and not os.path.exists(file.path + ".was")
    ):
        Path(file.path + ".was").touch()
        os.kill(os.getpid(), signal.SIGSTOP)
    if name.startswith("starved"):
        raise MemoryError
    if name.startswith("exit"):
        os._exit(3)
    if name.startswith("segfault"):
        os.kill(os.getpid(), signal.SIGKILL)
    if name.startswith(("locked", "taken", "asleep")) and not os.path.exists(file.path + ".was"):
        Path(file.path + ".was").touch()
        if name.startswith("asleep"):
            time.sleep(60)
        _die_with_the_lock(with_a_task=name.startswith("taken"))
    return hash_file(file, *wanted)


def _die_with_the_lock(*, with_a_task: bool) -> None:
    """Be killed as the system may kill a worker: while it holds the lock that all of them need."""
    frame = sys._getframe()
    while "channel" not in frame.f_locals and frame.f_back:
        frame = frame.f_back
    channel = frame.f_locals["channel"]
    time.sleep(0.5)  # until the pool knows whose the picture is
    channel.mutex.acquire()
    if with_a_task and channel.poll(1):
        channel.recv()
    os.kill(os.getpid(), signal.SIGKILL)
