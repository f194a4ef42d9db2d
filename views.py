"""From an image file's bytes to what is compared of it: small gray pictures and their hashes."""

import hashlib
import io
import math
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, ImageOps, ImageStat, PngImagePlugin

from pictures import dates
from pictures.errors import DECODE_ERRORS
from pictures.recipe import Recipe
from pictures.salvage import EVERYTHING, SIXTEENTHS, Part

Gray = NDArray[np.uint8]  # rows x columns, or a stack of these
Stack = NDArray[np.float32]  # pictures x rows x columns
Turn = Callable[[Image.Image], Image.Image]
Box = tuple[float, float, float, float]  # left, upper, right, lower

PLAIN = Recipe()
STANDARD_SIDE = 1024
GRAY_SIDE = 64  # ImageHash's reduction of the standard picture, at a hash size of 16
SIGNS_SIDE = 16  # so that a word has as many bits as a quarter of the frequencies
PAGE_SIDE = 256
LARGE_SIDE = 128  # what parts are cut out of
COLOUR_SIDE = 4
LEAST_SQUARES = 2.5  # for each pixel of the small picture, by length; with 2 hashes differ more
UNSURE_REACH = 0.2  # rounding moves a frequency by as much, times the picture's side
UNSURE_SHARE = 0.05
BLANK_DEVIATION = 2.0
BLANK_LEVELS = 4
FINE = 0.7  # the band of sizes that is compared, as deviations of Gaussians in pixels
COARSE = 4.0
NOISE_LEVELS = 2.0  # gray levels of contrast that count for little
DETAIL_SHARE = 0.15
PAGE_TONE = 150
PAGE_TOLERANCE = 12  # gray levels
# Chosen on the half of the benchmark's photos that is for choosing.
DRAWN_TOLERANCE = 3
DRAWN_SHARE = 0.45
FLAT_SHARE = 0.38
FRAME_TOLERANCE = 4
FRAME_SHARE = 0.9
FRAME_GAP = 3
LEAST_SEEN = 4  # sixteenths of a picture that is cut off, for it to be compared
LEAST_CONTENT_SIDE = 0.15
MOST_CONTENT = 0.95

# Named, because Pillow goes by content: an EPS called .jpg would start Ghostscript.
FORMATS = ("JPEG", "PNG", "BMP", "DIB", "GIF", "TIFF", "WEBP", "AVIF")
DECODED_SIDE = 280  # a JPEG is decoded at the least scale that covers this; less blurs hashes
REDUCED_SIDE = 512  # others are reduced to that which covers this; finely drawn pages need it
MAX_JPEG_PIXELS = 10**9  # a JPEG is decoded at a reduced scale, which costs little
MAX_DECODED_BYTES = 600_000_000  # what a picture may need in memory, with its file
REDUCED_FIRST = 50_000_000  # pixels: of larger pictures it counts that they are reduced first
# Bytes that a pixel needs at worst, decoded and worked on, in pictures of which both sides are
# reduced at once, and in narrow ones. Measured by mode and by format.
BYTES_OF_MODE = {
    **dict.fromkeys(("1", "L", "P"), (3, 8)),
    **dict.fromkeys(("RGB", "RGBX", "YCbCr"), (6, 11)),
    **dict.fromkeys(("CMYK", "LAB", "HSV"), (9, 12)),
    **dict.fromkeys(("I;16", "I;16B", "I;16L", "I;16N"), (10, 10)),
}
BYTES_OF_NUMBERS = (14, 14)
BYTES_OF_TRANSPARENCY = (10, 16)
BYTES_OF_FORMAT = {"WEBP": 12, "AVIF": 8, "GIF": 1}
# Of pictures that can be reduced as they are, before they are made gray.
PLAIN_BYTES = {"L": 1, "RGB": 4, "YCbCr": 4, "CMYK": 4}


@dataclass(frozen=True, slots=True)
class Spooled:
    """Bytes that lie in an open file until they are wanted; equal to others of their digest.

    Those for which there was no room are `kept` in memory.
    """

    digest: bytes
    descriptor: int = field(compare=False)
    place: int = field(compare=False)
    length: int = field(compare=False)
    kept: bytes | None = field(default=None, compare=False)


def content(data: bytes | Spooled) -> bytes:
    """Bytes, wherever they lie."""
    if isinstance(data, bytes):
        return data
    if data.kept is not None:
        return data.kept
    return os.pread(data.descriptor, data.length, data.place)


def digest(data: bytes | Spooled) -> bytes:
    """What is equal for equal bytes, wherever they lie."""
    if isinstance(data, bytes):
        return hashlib.blake2b(data, digest_size=16).digest()
    return data.digest


@dataclass(frozen=True, slots=True)
class View:
    """A way to look at a picture: all of it, or what is inside its frame.

    `hash` has HASH_SIZE x HASH_SIZE bits, `gray` is 64x64 pixels. `fine` is it at 256x256 pixels,
    compressed, if it is a page: pages look alike at 64 pixels.
    """

    hash: bytes
    gray: bytes | Spooled
    framed: bool
    fine: bytes | Spooled | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """When and with what a photo was taken, by its EXIF data; seconds since some day."""

    camera: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Look:
    """What is compared of a picture.

    `views` are all of it and, if it has a frame, what is inside. `large` is the picture at
    128x128 pixels, if parts of it are to be compared. `rgb` is the picture in colour, row by row,
    if a model is to see it; it is given up for what the model makes of it. Of a picture that is
    cut off, all of these are of the `part` that is there.
    """

    views: tuple[View, ...]
    large: bytes | Spooled | None
    taken: Taken | None
    colour: bytes  # the chroma (Cb, Cr) of 4 x 4 parts, which only tells colour copies apart
    rgb: bytes | None = None
    part: Part | None = None


# ---- Decoding


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
    _judge_webp(data)
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    _judge_size(image, len(data))
    return image


def _judge_size(image: Image.Image, file_bytes: int) -> None:
    """Raise ValueError for a picture that needs too much memory, by what its header says."""
    pixels = image.width * image.height
    if image.format in ("JPEG", "MPO"):
        needed, most = file_bytes + pixels * _jpeg_bytes(image), MAX_JPEG_PIXELS
    else:
        needed, most = file_bytes + pixels * _bytes_of_pixel(image), MAX_DECODED_BYTES
    if pixels > most or needed > MAX_DECODED_BYTES:
        raise _too_large(image.width, image.height, needed)


def _judge_webp(data: bytes) -> None:
    """Judge a WebP, too: its decoder takes the memory when it is opened. By RFC 9649."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return
    kind, size = data[12:16], data[20:30]
    if kind == b"VP8X":
        width, height = (int.from_bytes(size[n : n + 3], "little") + 1 for n in (4, 7))
    elif kind == b"VP8L":
        bits = int.from_bytes(size[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (int.from_bytes(size[n : n + 2], "little") & 0x3FFF for n in (6, 8))
    needed = width * height * (BYTES_OF_MODE["RGB"][0] + BYTES_OF_FORMAT["WEBP"])
    if needed > MAX_DECODED_BYTES:
        raise _too_large(width, height, needed)


def _too_large(width: int, height: int, needed: float) -> ValueError:
    return ValueError(
        f"{width}x{height} pixels need {needed / 1e6:,.0f} MB to be decoded, "
        f"{MAX_DECODED_BYTES / 1e6:,.0f} MB are the most"
    )


def _jpeg_bytes(image: Image.Image) -> float:
    """A JPEG of one scan is decoded line by line; one of several is kept as coefficients."""
    if "progression" not in image.info:
        return 0
    samples = [across * down for _, across, down, _ in image.layer]  # type: ignore[attr-defined]
    return float(2 * sum(samples) / max(samples))


def _bytes_of_pixel(image: Image.Image) -> float:
    extra = BYTES_OF_FORMAT.get(image.format or "", 0) + _bytes_of_strips(image)
    if _is_reduced_first(image):
        return PLAIN_BYTES[image.mode] + extra
    wide, narrow = BYTES_OF_MODE.get(image.mode, BYTES_OF_NUMBERS)
    if image.has_transparency_data or image.mode in ("La", "RGBa"):
        wide, narrow = BYTES_OF_TRANSPARENCY
    return (wide if _is_wide(image) else narrow) + extra


def _bytes_of_strips(image: Image.Image) -> float:
    """A TIFF is decoded a strip at a time, of which there may be only one."""
    if image.format != "TIFF" or image.info.get("compression") == "raw":
        return 0
    rows = image.tag_v2.get(278, image.height)  # type: ignore[attr-defined]
    return float(4 * min(rows, image.height) / image.height)


def _is_wide(image: Image.Image) -> bool:
    return min(image.size) >= 2 * STANDARD_SIDE


def _is_reduced_first(image: Image.Image) -> bool:
    large = image.width * image.height > REDUCED_FIRST
    return large and _is_plain(image) and _is_wide(image)


def _is_plain(image: Image.Image) -> bool:
    """Whether a mean of pixels is a pixel that shows the mean of what they show."""
    return image.mode in PLAIN_BYTES and not image.has_transparency_data


def look_at(data: bytes, recipe: Recipe = PLAIN) -> Look | None:
    """What is compared of an image file, by a recipe.

    None where only identical files may match: a picture without content, or a file of several
    pages or frames. Raises one of `DECODE_ERRORS` for what can't be decoded.
    """
    image = open_image(data, recipe)
    return None if image is None else look_of(image, recipe)


def look_of(image: Image.Image, recipe: Recipe = PLAIN, seen: Part = EVERYTHING) -> Look | None:
    """What is compared of a decoded picture, or of the part that is to be seen of it.

    None where only identical files may match.
    """
    if recipe.only_hash:
        return _hash_of(image, recipe.hash_size, seen)
    turn, taken, part = upright_turn(image), _taken(image), None
    image, gray = with_its_gray(image, max(REDUCED_SIDE, recipe.rgb_side))
    if seen != EVERYTHING:
        if _rows(seen) < LEAST_SEEN:
            return None
        image, gray = (_part(shown, seen) for shown in (image, gray))
        part = _turned_part(seen, turn)
    whole = turn(small_gray(gray, 4 * recipe.hash_size))
    if not has_content(np.asarray(whole)):
        return None
    return Look(
        views=tuple(_views(gray, whole, recipe.hash_size, turn)),
        large=_large(gray, turn) if recipe.parts else None,
        taken=taken,
        colour=_colour(image, turn),
        rgb=_rgb(image, gray, recipe.rgb_side, turn) if recipe.rgb_side else None,
        part=part,
    )


def _hash_of(image: Image.Image, hash_size: int, seen: Part) -> Look | None:
    """The hash alone of a decoded picture, as in its whole look, for less."""
    turn = upright_turn(image)
    _, gray = with_its_gray(image, REDUCED_SIDE)
    if seen != EVERYTHING:
        if _rows(seen) < LEAST_SEEN:
            return None
        gray = _filled(gray, seen)
    whole = turn(small_gray(gray, 4 * hash_size))
    if not has_content(np.asarray(whole)):
        return None
    return only_hash(_hash(whole, hash_size))


def only_hash(bits: bytes) -> Look:
    """The look of a picture of which only the hash is wanted."""
    return Look((View(bits, b"", False),), None, None, b"")


def _rows(seen: Part) -> int:
    return seen[3] - seen[1]


def _part(image: Image.Image, seen: Part) -> Image.Image:
    """What is seen of a picture, to a fraction of a pixel: pages are compared as closely."""
    upper, lower = (place * image.height / SIXTEENTHS for place in (seen[1], seen[3]))
    size, box = (image.width, max(1, round(lower - upper))), (0.0, upper, image.width, lower)
    if lower == int(lower) and upper == int(upper):
        return image.crop((0, int(upper), image.width, int(lower)))
    return image.resize(size, Image.Resampling.BICUBIC, box)


def _filled(gray: Image.Image, seen: Part) -> Image.Image:
    """A picture of which what isn't seen is as a mirror would show the rest.

    So what isn't there makes no two pictures alike.
    """
    pixels = np.asarray(_part(gray, seen))
    above = (gray.height - len(pixels)) * seen[1] // (SIXTEENTHS - _rows(seen))
    rows = above, gray.height - len(pixels) - above
    return Image.fromarray(np.pad(pixels, (rows, (0, 0)), "symmetric"))


def _turned_part(seen: Part, turn: Turn) -> Part:
    """Where a part lies once the picture is turned upright."""
    mask = Image.new("L", (SIXTEENTHS, SIXTEENTHS))
    mask.paste(255, seen)
    found = turn(mask).getbbox()
    assert found
    return found


def with_its_gray(image: Image.Image, side: int) -> tuple[Image.Image, Image.Image]:
    """A decoded picture and its gray, both reduced to what covers side x side pixels."""
    if _is_plain(image):
        image = _reduced(image, side)
    return image, _reduced(to_gray(image), side)


def _reduced(image: Image.Image, side: int) -> Image.Image:
    """A picture at the least scale that covers side x side pixels."""
    factor = min(image.size) // side
    return image.reduce(factor) if factor > 1 else image


def _views(gray: Image.Image, whole: Image.Image, hash_size: int, turn: Turn) -> Iterator[View]:
    """The views of a gray picture, of which `whole` is all of it, small and upright."""
    page, everything = is_page(np.asarray(whole)), (0.0, 0.0, gray.width, gray.height)
    yield _view(whole, hash_size, False, _fine(gray, everything, turn) if page else None)
    box = _inside_frame(gray)
    if box is None:
        return
    # The gap lets pixels be averaged before, which changes a bit or two of the hash.
    inside = turn(gray.resize(whole.size, Image.Resampling.LANCZOS, box, reducing_gap=2.0))
    if has_content(np.asarray(inside)):
        page = page or is_page(np.asarray(inside))
        yield _view(inside, hash_size, True, _fine(gray, box, turn) if page else None)


def _inside_frame(gray: Image.Image) -> Box | None:
    """The part of a picture that is inside its frame, if it has one."""
    sample = gray.resize((PAGE_SIDE, PAGE_SIDE), Image.Resampling.NEAREST)
    box = content_box(np.asarray(sample))
    if box is None:
        return None
    across, down = gray.width / PAGE_SIDE, gray.height / PAGE_SIDE
    return (box[0] * across, box[1] * down, box[2] * across, box[3] * down)


def _fine(gray: Image.Image, box: Box, turn: Turn) -> bytes:
    fine = gray.resize((PAGE_SIDE, PAGE_SIDE), Image.Resampling.BOX, box=box)
    packer = zlib.compressobj(1, strategy=zlib.Z_RLE)  # paper repeats, little else does
    return packer.compress(turn(fine).tobytes()) + packer.flush()


def _large(gray: Image.Image, turn: Turn) -> bytes:
    return turn(gray.resize((LARGE_SIDE, LARGE_SIDE), Image.Resampling.BOX)).tobytes()


def _colour(image: Image.Image, turn: Turn) -> bytes:
    sample = image.resize((GRAY_SIDE, GRAY_SIDE), Image.Resampling.NEAREST)
    if sample.mode == "La":  # has no direct way to RGB
        sample = sample.convert("LA")
    if sample.mode != "YCbCr":
        sample.info.clear()  # its transparency doesn't count
        sample = sample.convert("RGB").convert("YCbCr")
    parts = turn(sample.resize((COLOUR_SIDE, COLOUR_SIDE), Image.Resampling.BOX))
    return parts.getchannel("Cb").tobytes() + parts.getchannel("Cr").tobytes()


def _rgb(image: Image.Image, gray: Image.Image, side: int, turn: Turn) -> bytes:
    """What a person sees of a picture in colour, on white; 16-bit and float pictures in gray."""
    if image.mode == "F" or image.mode.startswith("I"):
        image = gray
    elif image.mode == "LAB":
        image = from_lab(image)
    elif image.mode == "La":  # has no direct way to RGBA
        image = image.convert("LA")
    if image.has_transparency_data or image.mode == "RGBa":
        image = image.convert("RGBA")
    elif image.mode not in ("RGB", "YCbCr", "L"):
        image = image.convert("RGB")
    small = image.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
    if small.mode == "RGBA":
        small = on_white(small, "RGB")
    small.info.clear()  # its transparency doesn't count any more
    return turn(small.convert("RGB")).convert("RGB").tobytes()


def _view(gray: Image.Image, hash_size: int, framed: bool, fine: bytes | None) -> View:
    small = gray.resize((GRAY_SIDE, GRAY_SIDE))
    return View(_hash(gray, hash_size), small.tobytes(), framed, fine)


def _hash(gray: Image.Image, hash_size: int) -> bytes:
    return np.packbits(imagehash.phash(gray, hash_size=hash_size).hash).tobytes()


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
    orientation = _orientation(image)
    if orientation == 1:
        return lambda square: square

    def turn(square: Image.Image) -> Image.Image:
        square.info.clear()  # its EXIF data may be broken
        square.getexif()[ExifTags.Base.Orientation] = orientation
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


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation; a picture with broken EXIF data is still a picture."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except DECODE_ERRORS:
        return 1


def _taken(image: Image.Image) -> Taken | None:
    """The camera and the time in the EXIF data; None where either is missing or broken."""
    try:
        exif = image.getexif()
        details = exif.get_ifd(ExifTags.IFD.Exif)
        when = dates.moment(
            details.get(ExifTags.Base.DateTimeOriginal, ""),
            details.get(ExifTags.Base.SubsecTimeOriginal, ""),
        )
        maker, model = exif.get(ExifTags.Base.Make), exif.get(ExifTags.Base.Model)
    except DECODE_ERRORS:
        return None
    if not (maker or model) or not when or not dates.is_plausible(when):
        return None
    seconds = (dates.time_of(when) - datetime(1970, 1, 1)).total_seconds()
    return Taken(f"{maker} {model}", seconds)


# ---- The picture that is hashed


def small_gray(gray: Image.Image, side: int) -> Image.Image:
    """The standard 1024x1024 gray of a picture, reduced to side x side, in one step.

    ImageHash reduces the standard picture S = A G B' (A and B resample the columns and rows of
    the gray picture G to 1024 with Lanczos' kernel) once more, to R S R', before its cosine
    transform. Both steps are linear and separable, so R S R' = (R A) G (R B)', and the matrices
    R A and R B are small. What is left out is the rounding of S to whole gray levels; where many
    bits of the hash hang on that, S is made.

    As R passes on only what is coarse, G is first averaged by squares of pixels, if enough are
    left. The last square may lie half outside, so the length in squares is no whole number.
    """
    factor = max(int(min(gray.size) // (LEAST_SQUARES * side)), 1)
    rows, columns = (_resampling(length / factor, side) for length in (gray.height, gray.width))
    small: Stack = rows @ np.asarray(gray.reduce(factor), np.float32) @ columns.T
    if _hangs_on_rounding(small):
        standard = gray.resize((STANDARD_SIDE, STANDARD_SIDE), Image.Resampling.LANCZOS)
        return standard.resize((side, side), Image.Resampling.LANCZOS)
    return Image.fromarray(np.rint(small, out=small).clip(0, 255, out=small).astype(np.uint8))


def _hangs_on_rounding(small: Stack) -> bool:
    """Whether many frequencies are near their median, as in a picture of two like halves."""
    side = len(small)
    ordered = np.sort(spectrum(small[None], side // 4), axis=None)
    middle, few = len(ordered) // 2, round(len(ordered) * UNSURE_SHARE / 2)
    return bool(ordered[middle + few] - ordered[middle - few] < 2 * UNSURE_REACH * side)


@lru_cache(maxsize=512)  # of 60 KB: libraries have pictures of many sizes
def _resampling(length: float, side: int) -> NDArray[np.float32]:
    """The matrix that resamples `length` pixels to 1024 and those to `side`."""
    return _reduction(side) @ lanczos_matrix(length, STANDARD_SIDE)


@lru_cache(maxsize=4)
def _reduction(side: int) -> NDArray[np.float32]:
    return lanczos_matrix(STANDARD_SIDE, side)


def lanczos_matrix(source: float, target: int) -> NDArray[np.float32]:
    """The matrix of Pillow's LANCZOS resize along one axis, a row for each output pixel.

    Each output pixel is a weighted mean of the input pixels within three (scaled) pixels of its
    centre, by the kernel sinc(x) sinc(x / 3).
    """
    scale, pixels = source / target, math.ceil(source)
    width = max(scale, 1.0)
    centres = (np.arange(target) + 0.5) * scale
    first = np.maximum((centres - 3 * width + 0.5).astype(int), 0)
    last = np.minimum((centres + 3 * width + 0.5).astype(int), pixels)
    inputs = first[:, None] + np.arange((last - first).max())
    distance = ((inputs + 0.5 - centres[:, None]) / width).astype(np.float32)  # quick sines
    weights = np.sinc(distance) * np.sinc(distance / 3)
    weights[inputs >= last[:, None]] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    matrix = np.zeros((target, pixels + weights.shape[1]), np.float32)
    matrix[np.arange(target)[:, None], inputs] = weights
    return matrix[:, :pixels]  # those beyond weigh nothing


# ---- What is in a picture


def has_content(gray: Gray) -> bool:
    """Whether a small gray picture shows something to compare: no blank scan, no plain sky."""
    levels = np.count_nonzero(np.bincount(gray.ravel()))
    return bool(levels >= BLANK_LEVELS and gray.std() >= BLANK_DEVIATION) and has_detail(gray)


def is_page(gray: Gray) -> bool:
    """Whether a picture is drawn or printed: a document, a receipt, a slide, a screen, a logo.

    Most of it is one light tone; or two tones hold `DRAWN_SHARE` of it, and `FLAT_SHARE` of it is
    like what is beside.
    """
    tones = np.bincount(gray.ravel(), minlength=256)
    tone, share = _main_tone(tones, PAGE_TOLERANCE)
    if tone >= PAGE_TONE and share > 0.5:
        return True
    first, share = _main_tone(tones, DRAWN_TOLERANCE)
    tones[max(0, first - DRAWN_TOLERANCE) : first + DRAWN_TOLERANCE + 1] = 0
    second = np.convolve(tones, np.ones(2 * DRAWN_TOLERANCE + 1), "same").max() / gray.size
    flat = (np.maximum(gray[:, 1:], gray[:, :-1]) - np.minimum(gray[:, 1:], gray[:, :-1])) <= 1
    return bool(share + second >= DRAWN_SHARE and flat.mean() >= FLAT_SHARE)


def _main_tone(tones: NDArray[np.intp], tolerance: int) -> tuple[int, float]:
    """The gray level near which most pixels lie, and their share."""
    near = np.convolve(tones, np.ones(2 * tolerance + 1), "same")
    return int(near.argmax()), float(near.max() / tones.sum())


def content_box(gray: Gray) -> tuple[int, int, int, int] | None:
    """The left, upper, right and lower edge of a picture inside a frame, bars or a screenshot.

    A row belongs to the frame if most of it has the tone of its first or last pixel. The longest
    run of other rows is the content's height; then its width among those, twice. None where the
    content is all of the picture, or a sliver.
    """
    left, upper, right, lower = 0, 0, gray.shape[1], gray.shape[0]
    for _ in range(2):
        first, last = _longest_run(_busy(gray[upper:lower, left:right], axis=1))
        upper, lower = upper + first, upper + last
        if upper == lower:
            return None
        first, last = _longest_run(_busy(gray[upper:lower, left:right], axis=0))
        left, right = left + first, left + last
        if min(right - left, lower - upper) < min(gray.shape) * LEAST_CONTENT_SIDE:
            return None
        if (lower - upper, right - left) == gray.shape:
            return None  # the second look would see the same
    whole = (right - left) * (lower - upper) > gray.size * MOST_CONTENT
    return None if whole else (left, upper, right, lower)


def _busy(gray: Gray, axis: int) -> NDArray[np.bool_]:
    """Which rows (along axis 1) or columns (axis 0) are no frame."""
    length = gray.shape[axis]
    tones = (gray.take([place], axis) for place in (0, length - 1))
    most = np.maximum(*(_number_near(gray, tone, axis) for tone in tones))
    return np.asarray(most < FRAME_SHARE * length)


def _number_near(gray: Gray, tone: Gray, axis: int) -> NDArray[np.uint16]:
    """How many gray levels are near a tone; in bytes, which takes half as long as wider numbers."""
    tolerance = np.uint8(FRAME_TOLERANCE)
    low = np.maximum(tone, tolerance) - tolerance
    high = np.minimum(tone, 255 - tolerance) + tolerance
    near = gray - low <= high - low  # what is below wraps around, to far above
    if axis == 1:
        near = np.bitwise_count(np.packbits(near, axis=1))
    counts: NDArray[np.uint16] = near.sum(axis=axis, dtype=np.uint16)
    return counts


def _longest_run(busy: NDArray[np.bool_]) -> tuple[int, int]:
    """The longest run of true values, which may have short gaps in it."""
    places = busy.nonzero()[0]
    if len(places) in (0, len(busy)):
        return 0, len(places)
    runs = np.split(places, np.flatnonzero(np.diff(places) > FRAME_GAP) + 1)
    longest = max(runs, key=np.ptp)
    return int(longest[0]), int(longest[-1]) + 1


# ---- The band of sizes that is compared


def has_detail(picture: Gray) -> bool:
    """Whether some part of a picture has contrast in the band that is compared.

    Skies, gradients and blank pages have none; their hashes are noise.
    """
    contrast = local_deviation(band(_without_slope(picture)[None]))
    return bool((contrast > NOISE_LEVELS).mean() >= DETAIL_SHARE)


def _without_slope(picture: Gray) -> Stack:
    """A picture less the plane that fits it best, which would show as contrast at the edges."""
    levels: Stack = picture.astype(np.float32)
    for plane in _planes(len(picture)):
        levels -= np.vdot(plane, levels) * plane
    return levels


@lru_cache(maxsize=8)
def _planes(side: int) -> tuple[NDArray[np.float32], ...]:
    """A level plane and two slopes, of length one and at right angles, of which all are sums."""
    slope, ones = np.arange(side) - (side - 1) / 2, np.ones(side)
    planes = (np.outer(ones, ones), np.outer(slope, ones), np.outer(ones, slope))
    return tuple((plane / np.linalg.norm(plane)).astype(np.float32) for plane in planes)


def band(pictures: Gray | Stack) -> Stack:
    levels = pictures.astype(np.float32)
    return _blur(levels, FINE) - _blur(levels, COARSE)


def local_deviation(band: Stack) -> Stack:
    # Rounding can leave a trace below zero where there is nothing.
    deviation: Stack = np.sqrt(np.maximum(_blur(band * band, COARSE), 0))
    return deviation


def _blur(pictures: Stack, deviation: float) -> Stack:
    kernel = _gaussian(pictures.shape[1], deviation)
    blurred: Stack = (kernel @ pictures @ kernel.T).astype(np.float32, copy=False)
    return blurred


@lru_cache(maxsize=8)
def _gaussian(side: int, deviation: float) -> NDArray[np.float32]:
    """The matrix that blurs `side` pixels; beyond the edges the picture is as at the edge."""
    reach = int(4 * deviation + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    weights /= weights.sum()
    matrix = np.zeros((side, side), np.float32)
    for offset, weight in zip(range(-reach, reach + 1), weights, strict=True):
        inputs = np.clip(np.arange(side) + offset, 0, side - 1)
        np.add.at(matrix, (np.arange(side), inputs), weight)
    return matrix


# ---- Turned and mirrored pictures


TURNS = (
    "upright",
    "mirrored",
    "flipped",
    "turned by 180",
    "transposed",
    "turned by 90",
    "turned by 270",
    "transversed",
)


def turned(pictures: NDArray[np.uint8], turn: str) -> NDArray[np.uint8]:
    """A stack of pictures, turned or mirrored."""
    number = TURNS.index(turn)
    if number >= 4:
        pictures = pictures.swapaxes(1, 2)
    if number in (1, 3, 5, 7):
        pictures = pictures[:, :, ::-1]
    if number in (2, 3, 6, 7):
        pictures = pictures[:, ::-1]
    return pictures


def spectrum(pictures: Gray | Stack, size: int) -> Stack:
    """The size x size lowest frequencies of each picture, as ImageHash's phash takes them."""
    waves = _waves(pictures.shape[1], size)
    spectra: Stack = waves @ pictures.astype(np.float32, copy=False) @ waves.T
    return spectra


@lru_cache(maxsize=8)
def _waves(side: int, size: int) -> NDArray[np.float32]:
    waves = np.cos(np.pi * np.arange(size)[:, None] * (2 * np.arange(side) + 1) / (2 * side))
    return waves.astype(np.float32)


def hashes_of(pictures: Gray | Stack, size: int) -> list[bytes]:
    """ImageHash's phash of each picture of a stack, size x size bits."""
    flat = spectrum(pictures, size).reshape(len(pictures), -1)
    bits = np.packbits(flat > np.median(flat, axis=1)[:, None], axis=1)
    return [row.tobytes() for row in bits]


def signs(pictures: Gray | Stack) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The signs of each picture's 16 x 16 lowest frequencies, and those of it transposed.

    A row has a 64-bit word for each parity of row and column: even-even, even-odd, odd-even and
    odd-odd. Mirroring a picture changes the sign of its odd frequencies, so it complements two
    of the words; transposing the picture transposes the frequencies.
    """
    spectra = spectrum(pictures, SIGNS_SIDE)
    return _packed_signs(spectra), _packed_signs(spectra.swapaxes(1, 2))


def _packed_signs(spectra: Stack) -> NDArray[np.uint64]:
    quarters = [spectra[:, row::2, column::2] > 0 for row in (0, 1) for column in (0, 1)]
    words = [np.packbits(quarter.reshape(-1, 64), axis=1).view(np.uint64) for quarter in quarters]
    return np.concatenate(words, axis=1)


# ---- Parts of pictures


@lru_cache(maxsize=1)
def windows() -> tuple[tuple[float, float, float, float], ...]:
    """The parts of a picture that crops are likely to be: top, left, height, width as shares.

    Crops that keep the proportions, down to 36 % of the area, and crops to other proportions;
    placed so that any other crop of about these sizes is near one of them.
    """
    steps = {0.85: 3, 0.72: 4, 0.6: 5}
    same = [(side, side, n, n) for side, n in steps.items()]
    narrow = [(1.0, side, 1, n) for side, n in steps.items()]
    flat = [(width, height, m, n) for height, width, n, m in narrow]
    return tuple(
        (float(top), float(left), height, width)
        for height, width, rows, columns in (*same, *narrow, *flat)
        for top in np.linspace(0, 1 - height, rows)
        for left in np.linspace(0, 1 - width, columns)
    )


def cut_out(pictures: Gray, window: tuple[float, float, float, float], side: int) -> Stack:
    """A part of each picture, resampled to side x side."""
    top, left, height, width = window
    rows = _cutting(pictures.shape[1], top, height, side)
    columns = _cutting(pictures.shape[2], left, width, side)
    return rows @ pictures.astype(np.float32) @ columns.T


def coarsened(pictures: Gray, window: tuple[float, float, float, float]) -> Stack:
    """Each picture with as much detail as a part of one has that is cut out at its size."""
    _, _, height, width = window
    side = pictures.shape[1]
    rows, columns = _coarse(side, round(side * height)), _coarse(side, round(side * width))
    return rows @ pictures.astype(np.float32) @ columns.T


@lru_cache(maxsize=64)
def _coarse(side: int, fewer: int) -> NDArray[np.float32]:
    return lanczos_matrix(fewer, side) @ lanczos_matrix(side, fewer)


def view_of(small: Stack, hash_size: int, fine: Stack | None) -> View:
    """A view by the levels of its small gray picture, and those of a page at 256 pixels."""
    gray = levels_of(small)
    page = None if fine is None else zlib.compress(levels_of(fine).tobytes(), 1)
    return View(hashes_of(gray[None], hash_size)[0], gray.tobytes(), False, page)


def levels_of(picture: Stack) -> Gray:
    return np.rint(picture).clip(0, 255).astype(np.uint8)


@lru_cache(maxsize=64)
def _cutting(length: int, start: float, share: float, side: int) -> NDArray[np.float32]:
    first, last = round(length * start), round(length * (start + share))
    matrix = np.zeros((side, length), np.float32)
    matrix[:, first:last] = lanczos_matrix(last - first, side)
    return matrix
