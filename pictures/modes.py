"""A decoded picture as a person sees it, whatever its mode: its gray, and its colours."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageStat

from pictures.bandpass import Gray, Stack
from pictures.errors import DECODE_ERRORS
from pictures.looks import STANDARD_SIDE

BLANK_DEVIATION = 2.0  # of levels; what has less shows nothing, nor what has fewer levels
BLANK_LEVELS = 4


def tones_of(gray: Gray) -> NDArray[np.intp]:
    """How many pixels have each of the 256 gray levels; NumPy takes twice as long to count them."""
    return np.array(Image.fromarray(gray).histogram(), np.intp)


def to_gray(image: Image.Image) -> Image.Image:
    """What a person sees of a decoded picture, as gray in its full range, on white."""
    if image.mode == "LAB":
        return from_lab(image).convert("L")
    if _is_deep(image):
        return _stretched(image)
    if image.mode == "La":  # has no direct way to gray or RGBA
        image = image.convert("LA")
    if image.has_transparency_data or image.mode == "RGBa":
        return on_white(image if image.mode == "RGBA" else image.convert("RGBA"), "L")
    if image.mode == "HSV":  # has no direct way to gray
        image = image.convert("RGB")
    return image.getchannel("Y") if image.mode == "YCbCr" else image.convert("L")


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


def to_colour(image: Image.Image, gray: Image.Image) -> Image.Image:
    """A decoded picture in plain colours or gray, or with transparency: what may be resampled.

    `gray` is what a person sees of it, in place of pixels of 16 bits and of floats.
    """
    if _is_deep(image):
        return gray
    if image.mode == "LAB":
        return from_lab(image)
    if image.mode == "La":  # has no direct way to RGBA
        image = image.convert("LA")
    if image.has_transparency_data or image.mode == "RGBa":
        return image.convert("RGBA")
    return image if image.mode in ("RGB", "YCbCr", "L") else image.convert("RGB")


def to_plain(image: Image.Image) -> Image.Image:
    """A decoded picture in plain colours or gray, or with transparency, as a file may hold it."""
    if image.mode == "CMYK":
        return to_srgb(image)
    if image.mode == "1":
        return image.convert("L")
    return to_colour(image, to_gray(image) if _is_deep(image) else image)


def to_srgb(image: Image.Image) -> Image.Image:
    """A decoded picture in sRGB on white, as a browser is to show it; what is rare in gray."""
    if _is_deep(image) or image.mode in ("LAB", "La", "RGBa", "HSV"):
        rgb = to_gray(image).convert("RGB")
    elif image.has_transparency_data:
        layer = image.convert("RGBA")
        rgb = Image.new("RGB", image.size, "white")
        rgb.paste(layer, mask=layer.getchannel("A"))
    else:
        rgb = _by_profile(image)
    rgb.info = {}  # nothing else of the file gets to a browser
    return rgb


def _by_profile(image: Image.Image) -> Image.Image:
    if profile := image.info.get("icc_profile"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            ready = image if image.mode in ("RGB", "L", "CMYK") else image.convert("RGB")
            srgb = ImageCms.createProfile("sRGB")
            turned = ImageCms.profileToProfile(ready, source, srgb, outputMode="RGB")
            if turned is not None:
                return turned
        except (ImageCms.PyCMSError, *DECODE_ERRORS):
            pass  # a broken profile; the plain colours are near enough
    return image.convert("RGB")


def _is_deep(image: Image.Image) -> bool:
    """Whether its pixels are numbers of more than 8 bits."""
    return image.mode == "F" or image.mode.startswith("I")
