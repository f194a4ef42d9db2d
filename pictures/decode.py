"""From an image file's bytes to a picture, at a scale that suffices, and its gray."""

import importlib
import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin

from pictures import formats
from pictures.bandpass import Gray
from pictures.exif import Tag, orientation_of
from pictures.looks import STANDARD_SIDE
from pictures.modes import to_gray
from pictures.recipe import Recipe

Turn = Callable[[Image.Image], Image.Image]
PLAIN = Recipe()
DECODED_SIDE = 280  # a JPEG is decoded at the least scale that covers this; less blurs hashes
REDUCED_SIDE = 512  # others are reduced to that which covers this; finely drawn pages need it
MAX_SCALED_PIXELS = 10**9  # of a JPEG: it is decoded at a reduced scale, which costs little
MAX_DECODED_BYTES = 600_000_000  # what a picture may need in memory, with its file
HEAD_BYTES = 4096  # that tell a format, and the size of a picture that is decoded to be opened
TABLES_BYTES = 1 << 20  # in which a RAW says that it is one
LEAST_HEADER_BYTES = 30
REDUCED_FIRST = 50_000_000  # pixels: of larger pictures it counts that they are reduced first
# Bytes that a pixel needs at worst, decoded and worked on, in pictures of which both sides are
# reduced at once, and in narrow ones. Measured by mode; `formats` has what some need besides.
BYTES_OF_MODE = {
    **dict.fromkeys(("1", "L", "P"), (3, 8)),
    **dict.fromkeys(("RGB", "RGBX", "YCbCr"), (6, 11)),
    **dict.fromkeys(("CMYK", "LAB", "HSV"), (9, 12)),
    **dict.fromkeys(("I;16", "I;16B", "I;16L", "I;16N"), (10, 10)),
}
BYTES_OF_NUMBERS = (14, 14)
BYTES_OF_TRANSPARENCY = (10, 16)
# Of pictures that can be reduced as they are, before they are made gray.
PLAIN_BYTES = {"L": 1, "RGB": 4, "YCbCr": 4, "CMYK": 4}

for _plugin in formats.PLUGINS:
    importlib.import_module(_plugin)


def open_image(data: bytes, recipe: Recipe = PLAIN) -> Image.Image | None:
    """Decode an image file, a JPEG at a reduced scale; None for several pages or frames.

    Raises one of `DECODE_ERRORS` for what can't be decoded.
    """
    image = prepared(data, recipe)
    if image is not None:
        image.load()
    return image


def prepared(data: bytes, recipe: Recipe = PLAIN) -> Image.Image | None:
    """An image file that is ready to be decoded, a JPEG at a reduced scale; None as above.

    A colour JPEG comes in a mode of "YCbCr" or, where only its hash is wanted, of "L": the same
    gray without the colour.

    For a model that wants a larger picture (`is_decoded_larger`) that scale is a larger one, and
    what is hashed may differ by a bit or two.

    Raises one of `DECODE_ERRORS` for what can't be decoded.
    """
    image = open_header(data)
    # An MPO is a photo with previews or a second lens, not a document.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        return None
    side = recipe.rgb_side if recipe.is_decoded_larger else DECODED_SIDE
    mode = "L" if recipe.only_hash else "YCbCr"
    draft(image, None if is_in_rgb(image) else mode, (side, side))
    if formats.opened(image).is_scaled:
        # Decoded at once: given in parts, as Pillow does, a JPEG takes longer.
        image.decodermaxblock = len(data)  # type: ignore[attr-defined]
    return image


def draft(image: Image.Image, mode: str | None, size: tuple[int, int]) -> None:
    """Have a picture decoded at a scale that covers a size, if its format has scales.

    Of others a plug-in may take a thumbnail, which needn't show the picture that is there.
    """
    if formats.opened(image).is_scaled:
        image.draft(mode, size)


def is_in_rgb(image: Image.Image) -> bool:
    """Whether a JPEG may hold red, green and blue, of which libjpeg makes no YCbCr."""
    if "adobe_transform" in image.info:
        return bool(image.info["adobe_transform"] == 0)
    return bytes(channel[0] for channel in getattr(image, "layer", ())) == b"RGB"


def open_header(data: bytes) -> Image.Image:
    """Read an image file's header; ValueError for what needs too much memory to be decoded."""
    Image.MAX_IMAGE_PIXELS = None  # judged below, by format and mode
    PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = 1 << 26
    _judge_before_opening(data)
    openers = formats.openers(formats.beginning(data))
    image = Image.open(io.BytesIO(data), formats=openers)
    _judge_size(image, len(data))
    return image


def size_of(stream: io.FileIO) -> tuple[int, int]:
    """Width and height of a picture, by its file's header, of which little is read.

    Raises one of `DECODE_ERRORS` for what has no header.
    """
    head = stream.read(HEAD_BYTES)
    form = formats.beginning(head)
    if form.has_pages:  # or a RAW whose own tables come later
        form = formats.beginning(head + stream.read(TABLES_BYTES))
    if size := form.size_before_opening:
        if len(head) < LEAST_HEADER_BYTES:
            raise ValueError("the file ends within its header")
        return size(head)
    Image.MAX_IMAGE_PIXELS = None  # nothing is decoded
    stream.seek(0)
    with Image.open(stream, formats=formats.openers(form)) as image:
        return formats.whole_size(image)


def _judge_size(image: Image.Image, file_bytes: int) -> None:
    """Raise ValueError for a picture that needs too much memory, by what its header says."""
    form = formats.opened(image)
    pixels = image.width * image.height
    of_pixel, most = form.pixel_bytes, MAX_SCALED_PIXELS if form.is_scaled else MAX_DECODED_BYTES
    if form.more_pixel_bytes:
        of_pixel += form.more_pixel_bytes(image)
    if not form.is_scaled:
        of_pixel += _bytes_of_pixel(image)
    if form.first_pixel_bytes:
        of_pixel = max(of_pixel, form.first_pixel_bytes(image))
    needed = file_bytes + pixels * of_pixel
    if pixels > most or needed > MAX_DECODED_BYTES:
        raise _too_large(image.width, image.height, needed)


def _judge_before_opening(data: bytes) -> None:
    """Judge a WebP, too: its decoder takes the memory when it is opened."""
    form = formats.beginning(data)
    if form.size_before_opening:
        width, height = form.size_before_opening(data)
        needed = width * height * (BYTES_OF_MODE["RGB"][0] + form.pixel_bytes)
        if needed > MAX_DECODED_BYTES:
            raise _too_large(width, height, needed)


def _too_large(width: int, height: int, needed: float) -> ValueError:
    return ValueError(
        f"{width}x{height} pixels need {needed / 1e6:,.0f} MB to be decoded, "
        f"{MAX_DECODED_BYTES / 1e6:,.0f} MB are the most"
    )


def _bytes_of_pixel(image: Image.Image) -> int:
    if _is_reduced_first(image):
        return PLAIN_BYTES[image.mode]
    wide, narrow = BYTES_OF_MODE.get(image.mode, BYTES_OF_NUMBERS)
    if image.has_transparency_data or image.mode in ("La", "RGBa"):
        wide, narrow = BYTES_OF_TRANSPARENCY
    return wide if _is_wide(image) else narrow


def _is_wide(image: Image.Image) -> bool:
    return min(image.size) >= 2 * STANDARD_SIDE


def _is_reduced_first(image: Image.Image) -> bool:
    large = image.width * image.height > REDUCED_FIRST
    return large and _is_plain(image) and _is_wide(image)


def _is_plain(image: Image.Image) -> bool:
    """Whether a mean of pixels is a pixel that shows the mean of what they show."""
    return image.mode in PLAIN_BYTES and not image.has_transparency_data


def with_its_gray(image: Image.Image, side: int) -> tuple[Image.Image, Image.Image]:
    """A decoded picture and its gray, both reduced to what covers side x side pixels."""
    if _is_plain(image):
        image = _reduced(image, side)
    return image, _reduced(to_gray(image), side)


def _reduced(image: Image.Image, side: int) -> Image.Image:
    """A picture at the least scale that covers side x side pixels."""
    factor = min(image.size) // side
    return image.reduce(factor) if factor > 1 else image


def as_it_is(square: Image.Image) -> Image.Image:
    """A picture that needs no turn."""
    return square


def turned(square: Gray, turn: Turn) -> Gray:
    """The pixels of a small gray picture, turned; most need no turn."""
    return square if turn is as_it_is else np.asarray(turn(Image.fromarray(square)))


def upright_turn(image: Image.Image) -> Turn:
    """How to turn a square picture upright, which costs less than turning the full one first."""
    orientation = orientation_of(image)
    if orientation == 1:
        return as_it_is

    def turn(square: Image.Image) -> Image.Image:
        square.info.clear()  # its EXIF data may be broken
        square.getexif()[Tag.ORIENTATION] = orientation
        return ImageOps.exif_transpose(square)

    return turn
