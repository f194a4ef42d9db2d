"""A picture as it is shown: upright, small enough, in sRGB."""

import hashlib
import io
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from disk.files import read_file
from pictures import formats
from pictures.exif import Tag, orientation_of

if TYPE_CHECKING:
    from PIL import Image

SMALL_SIDE = 200
THUMB_SIDE = 320
GLANCE_SIDE = 256  # that a decode covers for a small picture and what tells versions
PREVIEW_SIDE = 1600
ICON_SIDE = 64  # up to which a preview is without loss, as its pixels are seen enlarged
FULL_PIXELS = 50_000_000  # what a browser is asked to hold of one picture
FULL_SIDE = 12_000
REDUCING_GAP = 2.0  # times a side: what a picture is averaged to before it is resampled
AVERAGED = ("L", "LA", "RGB", "RGBA", "YCbCr", "CMYK")  # modes that can be, as they are


def render(path: str, kind: str) -> bytes:
    """A picture as a JPEG or PNG to show, upright, on white and in sRGB.

    `kind` is `small`, `thumb`, `preview` or `full`. Raises one of `DECODE_ERRORS`.
    """
    return rendered(path, kind)[1]


def rendered(path: str, kind: str) -> tuple[str, bytes]:
    """The digest of a file that was read, and its picture to show."""
    from pictures import decode, salvage

    data = read_file(path)[1]
    structure = formats.examined(data)
    head = salvage.header(data, structure, decode.open_header)
    side = {"small": SMALL_SIDE, "thumb": THUMB_SIDE, "preview": PREVIEW_SIDE}.get(kind, FULL_SIDE)
    factor = _factor(head.size, side)
    whole = head.width // factor, head.height // factor
    size = whole if kind == "full" else covering(head.size, side)
    prepare = drafted("RGB", size) if side > SMALL_SIDE else at_a_glance
    picture = salvage.decoded(data, structure, prepare).image
    assert picture
    orientation = orientation_of(picture if head.format == "PNG" else head)
    handed_over = [picture]
    del head, picture  # of a PNG both may hold pixels; there is no room for three large pictures
    return hashlib.sha256(data).hexdigest(), shown(handed_over.pop(), side, orientation)


def shown(picture: "Image.Image", side: int, orientation: int) -> bytes:
    """A decoded picture as a JPEG of up to a side, to be shown by people's eyes; icons as PNG."""
    from PIL import Image, ImageOps

    from pictures import modes

    picture = averaged(picture, side)
    image = modes.to_srgb(picture)
    del picture
    image = averaged(image, side)
    if max(image.size) > side:
        image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)
    image.getexif()[Tag.ORIENTATION] = orientation
    ImageOps.exif_transpose(image, in_place=True)
    stream = io.BytesIO()
    if side <= THUMB_SIDE:
        image.save(stream, "JPEG", quality=70 if side == SMALL_SIDE else 80)
    elif max(image.size) <= ICON_SIDE:
        image.save(stream, "PNG")
    else:
        image.save(stream, "JPEG", quality=95, subsampling=0)
    return stream.getvalue()


def covering(size: tuple[int, int], side: int) -> tuple[int, int]:
    """The size of a picture that is shown at up to a side: what is decoded has to cover it.

    So 12 megapixels are decoded at half their scale for 1,600 pixels, as 2,000 x 1,500 cover them.
    """
    longest = max(size)
    return (-(-size[0] * side // longest), -(-size[1] * side // longest))


def _factor(size: tuple[int, int], side: int) -> int:
    """By how much a picture may be averaged that is to be shown at up to a side."""
    most = math.ceil(math.sqrt(size[0] * size[1] / FULL_PIXELS))
    return max(most, int(max(size) / side / REDUCING_GAP))


def averaged(image: "Image.Image", side: int) -> "Image.Image":
    factor = _factor(image.size, side)
    return image.reduce(factor) if factor > 1 and image.mode in AVERAGED else image


def at_a_glance(data: bytes) -> "Image.Image":
    """A file that is ready to be decoded at the least scale that tells versions apart."""
    return drafted("YCbCr", (GLANCE_SIDE, GLANCE_SIDE))(data)


def drafted(mode: str | None, size: tuple[int, int]) -> Callable[[bytes], "Image.Image"]:
    """What makes a file ready to be decoded, a JPEG at a scale that covers a size.

    A JPEG that may hold red, green and blue comes so: libjpeg makes no gray or YCbCr of it.
    """
    from pictures import decode

    def prepare(data: bytes) -> "Image.Image":
        image = decode.open_header(data)
        decode.draft(image, None if decode.is_in_rgb(image) else mode, size)
        return image

    return prepare
