"""From an image file's bytes to a picture, at a scale that suffices, and its gray."""

import importlib
import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageCms, ImageOps, ImageStat, PngImagePlugin

from pictures import formats
from pictures.bandpass import Stack
from pictures.exif import Tag, orientation_of
from pictures.recipe import Recipe

Turn = Callable[[Image.Image], Image.Image]
PLAIN = Recipe()
STANDARD_SIDE = 1024
BLANK_DEVIATION = 2.0
BLANK_LEVELS = 4
DECODED_SIDE = 280  # a JPEG is decoded at the least scale that covers this; less blurs hashes
REDUCED_SIDE = 512  # others are reduced to that which covers this; finely drawn pages need it
MAX_SCALED_PIXELS = 10**9  # of a JPEG: it is decoded at a reduced scale, which costs little
MAX_DECODED_BYTES = 600_000_000  # what a picture may need in memory, with its file
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
    image.draft(None if _is_in_rgb(image) else mode, (side, side))
    return image


def _is_in_rgb(image: Image.Image) -> bool:
    """Whether a JPEG may hold red, green and blue, of which libjpeg makes no YCbCr."""
    if "adobe_transform" in image.info:
        return bool(image.info["adobe_transform"] == 0)
    return bytes(channel[0] for channel in getattr(image, "layer", ())) == b"RGB"


def open_header(data: bytes) -> Image.Image:
    """Read an image file's header; ValueError for what needs too much memory to be decoded."""
    Image.MAX_IMAGE_PIXELS = None  # judged below, by format and mode
    PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = 1 << 26
    _judge_before_opening(data)
    image = Image.open(io.BytesIO(data), formats=formats.OPENED_AS)
    _judge_size(image, len(data))
    return image


def _judge_size(image: Image.Image, file_bytes: int) -> None:
    """Raise ValueError for a picture that needs too much memory, by what its header says."""
    form = formats.opened(image)
    pixels = image.width * image.height
    of_pixel, most = form.pixel_bytes, MAX_SCALED_PIXELS if form.is_scaled else MAX_DECODED_BYTES
    if form.more_pixel_bytes:
        of_pixel += form.more_pixel_bytes(image)
    if not form.is_scaled:
        of_pixel += _bytes_of_pixel(image)
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


def to_gray(image: Image.Image) -> Image.Image:
    """What a person sees of a decoded picture, as gray in its full range, on white."""
    if image.mode == "LAB":
        return from_lab(image).convert("L")
    if image.mode == "F" or image.mode.startswith("I"):
        return _stretched(image)
    if image.mode == "La":  # has no direct way to gray or RGBA
        image = image.convert("LA")
    if image.has_transparency_data or image.mode == "RGBa":
        return on_white(image if image.mode == "RGBA" else image.convert("RGBA"), "L")
    if image.mode == "HSV":  # has no direct way to gray
        image = image.convert("RGB")
    return image.getchannel("Y") if image.mode == "YCbCr" else image.convert("L")


def upright_turn(image: Image.Image) -> Turn:
    """How to turn a square picture upright, which costs less than turning the full one first."""
    orientation = orientation_of(image)
    if orientation == 1:
        return lambda square: square

    def turn(square: Image.Image) -> Image.Image:
        square.info.clear()  # its EXIF data may be broken
        square.getexif()[Tag.ORIENTATION] = orientation
        return ImageOps.exif_transpose(square)

    return turn


def on_white(image: Image.Image, mode: str) -> Image.Image:
    """Compose on white, or take the alpha channel where that leaves nothing to see."""
    if (factor := min(image.size) // STANDARD_SIDE) > 1:
        image = image.reduce(factor)
    white = Image.new("RGBA", image.size, "white")
    seen = Image.alpha_composite(white, image).convert(mode)
    alpha = image.getchannel("A")
    spread = [ImageStat.Stat(channel.convert("L")).stddev[0] for channel in (seen, alpha)]
    return alpha if spread[0] < BLANK_DEVIATION <= spread[1] else seen


def _stretched(image: Image.Image) -> Image.Image:
    """Scale 16-bit, 32-bit and float pixels from their own range to 0..255; NaN is 0.

    A 16-bit picture is stretched over four gray levels at the least, so that the noise of
    a blank scan doesn't become a picture.
    """
    pixels: Stack = np.asarray(image).astype(np.float32)
    np.nan_to_num(pixels, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(pixels.min()), float(pixels.max())
    if image.mode.startswith("I;16"):
        high = max(high, low + BLANK_LEVELS * 257)
    if image.format == "TIFF" and _white_is_zero(image):
        low, high = high, low
    scale = 255.0 / (high - low) if high != low else 0.0
    pixels -= low  # in place: a large scan's floats fill a quarter of a gigabyte
    pixels *= scale
    return Image.fromarray(np.rint(pixels, out=pixels).clip(0, 255, out=pixels).astype(np.uint8))


def _white_is_zero(image: Image.Image) -> bool:
    """Whether a TIFF counts from white to black, which Pillow inverts in 8 bits only."""
    photometric = 262
    return bool(image.tag_v2.get(photometric) == 0)  # type: ignore[attr-defined]


def from_lab(image: Image.Image) -> Image.Image:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    rgb = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
    assert rgb is not None
    return rgb
