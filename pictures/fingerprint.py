"""From an image file's bytes to what is compared of it: small gray pictures and their hashes."""

import math
import zlib
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pictures import dates, frames
from pictures.bandpass import (
    Gray,
    Stack,
    has_detail,
    lanczos_matrix,
    spectrum,
    sure_hash,
)
from pictures.by_name import named
from pictures.decode import (
    PLAIN,
    REDUCED_SIDE,
    Turn,
    open_image,
    turned,
    upright_turn,
    with_its_gray,
)
from pictures.exif import Tag, tried
from pictures.looks import (
    COLOUR_SIDE,
    EVERYTHING,
    GRAY_SIDE,
    LARGE_SIDE,
    PAGE_SIDE,
    SIXTEENTHS,
    STANDARD_SIDE,
    Look,
    Part,
    Taken,
    View,
    only_hash,
)
from pictures.modes import BLANK_DEVIATION, BLANK_LEVELS, on_white, to_colour
from pictures.pages import is_page
from pictures.recipe import Recipe

Box = tuple[float, float, float, float]  # left, upper, right, lower

# What makes the local features of a picture, which only some people need.
POINTS = "extras.points.making:made_of"
LEAST_SQUARES = 2.5  # for each pixel of the small picture, by length; with 2 hashes differ more
UNSURE_REACH = 0.2  # rounding moves a frequency by as much, times the picture's side
UNSURE_SHARE = 0.05
LANCZOS_REACH = 3  # pixels on both sides, of the picture that has fewer
ROWS_AT_A_TIME = 128
LEAST_SEEN = 4  # sixteenths of a picture that is cut off, for it to be compared


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
    whole = turned(small_gray(gray, 4 * recipe.hash_size), turn)
    if not has_content(whole):
        return None
    return Look(
        views=tuple(_views(gray, whole, recipe.hash_size, turn)),
        large=_large(gray, turn) if recipe.parts else None,
        taken=taken,
        colour=_colour(image, turn),
        rgb=_rgb(image, gray, recipe.rgb_side, turn) if recipe.rgb_side else None,
        part=part,
        points=_points(gray, turn) if recipe.points else None,
    )


def _hash_of(image: Image.Image, hash_size: int, seen: Part) -> Look | None:
    """The hash alone of a decoded picture, as in its whole look, for less."""
    turn = upright_turn(image)
    _, gray = with_its_gray(image, REDUCED_SIDE)
    if seen != EVERYTHING:
        if _rows(seen) < LEAST_SEEN:
            return None
        gray = _filled(gray, seen)
    whole = turned(small_gray(gray, 4 * hash_size), turn)
    if not has_content(whole):
        return None
    return only_hash(_hash(whole, hash_size))


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


def _views(gray: Image.Image, whole: Gray, hash_size: int, turn: Turn) -> Iterator[View]:
    """The views of a gray picture, of which `whole` is all of it, small and upright."""
    sample = np.asarray(gray.resize((PAGE_SIDE, PAGE_SIDE), Image.Resampling.NEAREST))
    page, everything = is_page(sample, whole), (0.0, 0.0, gray.width, gray.height)
    yield _view(whole, hash_size, False, _fine(gray, everything, turn) if page else None)
    # Nobody blurs what is around a drawing; its own calm parts would be taken for that.
    framed = frames.content_box(sample) if page else frames.framed_box(sample)
    if framed is None:
        return
    across, down = gray.width / PAGE_SIDE, gray.height / PAGE_SIDE
    box = framed[0] * across, framed[1] * down, framed[2] * across, framed[3] * down
    # The gap lets pixels be averaged before, which changes a bit or two of the hash.
    small = gray.resize(whole.shape, Image.Resampling.LANCZOS, box, reducing_gap=2.0)
    inside = np.asarray(turn(small))
    if has_content(inside):
        page = page or is_page(_cut_out(sample, framed), inside)
        yield _view(inside, hash_size, True, _fine(gray, box, turn) if page else None)


def _cut_out(sample: Gray, box: frames.Box) -> Gray:
    left, upper, right, lower = box
    return sample[upper:lower, left:right]


def _fine(gray: Image.Image, box: Box, turn: Turn) -> bytes:
    fine = gray.resize((PAGE_SIDE, PAGE_SIDE), Image.Resampling.BOX, box=box)
    packer = zlib.compressobj(1, strategy=zlib.Z_RLE)  # paper repeats, little else does
    return packer.compress(turn(fine).tobytes()) + packer.flush()


def _large(gray: Image.Image, turn: Turn) -> bytes:
    return turn(gray.resize((LARGE_SIDE, LARGE_SIDE), Image.Resampling.BOX)).tobytes()


def _points(gray: Image.Image, turn: Turn) -> bytes:
    """The local features of a picture; at a long side of 400 pixels more of it tells nothing."""
    return bytes(named(POINTS)(np.asarray(turn(gray))))


def _colour(image: Image.Image, turn: Turn) -> bytes:
    sample = image.resize((GRAY_SIDE, GRAY_SIDE), Image.Resampling.NEAREST)
    if sample.mode == "La":  # has no direct way to RGB
        sample = sample.convert("LA")
    if sample.mode != "YCbCr":
        sample.info.clear()  # its transparency doesn't count
        sample = sample.convert("RGB").convert("YCbCr")
    parts = turn(sample.resize((COLOUR_SIDE, COLOUR_SIDE), Image.Resampling.BOX)).tobytes()
    return parts[1::3] + parts[2::3]


def _rgb(image: Image.Image, gray: Image.Image, side: int, turn: Turn) -> bytes:
    """What a person sees of a picture in colour, on white; 16-bit and float pictures in gray."""
    colour = to_colour(image, gray)
    small = colour.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
    if small.mode == "RGBA":
        small = on_white(small, "RGB")
    small.info.clear()  # its transparency doesn't count any more
    return turn(small.convert("RGB")).convert("RGB").tobytes()


def _view(gray: Gray, hash_size: int, framed: bool, fine: bytes | None) -> View:
    small = gray
    if len(gray) != GRAY_SIDE:
        small = np.asarray(Image.fromarray(gray).resize((GRAY_SIDE, GRAY_SIDE)))
    return View(_hash(gray, hash_size), small.tobytes(), framed, fine)


def _hash(gray: Gray, hash_size: int) -> bytes:
    """ImageHash's phash of a small gray picture, by itself where rounding decides."""
    return sure_hash(gray, hash_size) or by_imagehash(Image.fromarray(gray), hash_size)


def by_imagehash(gray: Image.Image, hash_size: int) -> bytes:
    import imagehash  # with SciPy it takes as long to import as a hundred photos take

    return np.packbits(imagehash.phash(gray, hash_size=hash_size).hash).tobytes()


def _taken(image: Image.Image) -> Taken | None:
    """The camera and the time in the EXIF data; None where either is missing or broken."""
    return tried(lambda: _shot(image), None)


def _shot(image: Image.Image) -> Taken | None:
    exif = image.getexif()
    details = exif.get_ifd(Tag.DETAILS)
    when = dates.moment(details.get(Tag.TAKEN, ""), details.get(Tag.TAKEN_FRACTION, ""))
    maker, model = exif.get(Tag.MAKE), exif.get(Tag.MODEL)
    if not (maker or model) or not when or not dates.is_plausible(when):
        return None
    seconds = (dates.time_of(when) - datetime(1970, 1, 1)).total_seconds()
    return Taken(f"{maker} {model}", seconds)


# ---- The picture that is hashed


def small_gray(gray: Image.Image, side: int) -> Gray:
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
        return np.asarray(standard.resize((side, side), Image.Resampling.LANCZOS))
    return np.rint(small, out=small).clip(0, 255, out=small).astype(np.uint8)


def _hangs_on_rounding(small: Stack) -> bool:
    """Whether many frequencies are near their median, as in a picture of two like halves."""
    side = len(small)
    ordered = np.sort(spectrum(small[None], side // 4), axis=None)
    middle, few = len(ordered) // 2, round(len(ordered) * UNSURE_SHARE / 2)
    return bool(ordered[middle + few] - ordered[middle - few] < 2 * UNSURE_REACH * side)


@lru_cache(maxsize=512)  # of 60 KB: libraries have pictures of many sizes
def _resampling(length: float, side: int) -> NDArray[np.float32]:
    """The matrix that resamples `length` pixels to 1024 and those to `side`.

    It is a product, made in parts: each row of the second matrix has few entries, beside another.
    """
    first, second = _reduction(side), lanczos_matrix(length, STANDARD_SIDE)
    scale, made = length / STANDARD_SIDE, np.zeros((side, second.shape[1]), np.float32)
    reach = math.ceil(LANCZOS_REACH * max(scale, 1)) + 1
    for row in range(0, STANDARD_SIDE, ROWS_AT_A_TIME):
        rows = slice(row, row + ROWS_AT_A_TIME)
        start, end = int(row * scale) - reach, int((row + ROWS_AT_A_TIME) * scale) + reach + 1
        columns = slice(max(start, 0), end)
        made[:, columns] += first[:, rows] @ second[rows, columns]
    return made


@lru_cache(maxsize=4)
def _reduction(side: int) -> NDArray[np.float32]:
    return lanczos_matrix(STANDARD_SIDE, side)


# ---- What is in a picture


def has_content(gray: Gray) -> bool:
    """Whether a small gray picture shows something to compare: no blank scan, no plain sky."""
    levels = np.count_nonzero(np.bincount(gray.ravel()))
    return bool(levels >= BLANK_LEVELS and gray.std() >= BLANK_DEVIATION) and has_detail(gray)
