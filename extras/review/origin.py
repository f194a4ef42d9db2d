"""Where a picture's file comes from: which files hold the very same pixels."""

import hashlib
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

STRIP_PIXELS = 4 << 20  # that are made plain at a time
SOI, SOS, EOI, COMMENT, ADOBE = 0xD8, 0xDA, 0xD9, 0xFE, 0xEE
STANDALONE = (0x01, *range(0xD0, 0xD8))  # markers without a segment
EIGHT_BITS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")


def coded_digest(data: bytes, end: int) -> str:
    """A digest of a JPEG's coded picture without what is written about it; empty for others.

    `end` is where the picture ends. What was only renamed, dated or captioned keeps its digest.
    """
    if not data.startswith(b"\xff\xd8"):
        return ""
    digest = hashlib.sha256()
    for code, start, stop in _segments(data, end):
        about = 0xE0 <= code <= 0xEF and code != ADOBE
        if not about and code != COMMENT:
            digest.update(data[start:stop])
    return digest.hexdigest()


def _segments(data: bytes, end: int) -> Iterator[tuple[int, int, int]]:
    """The code of each segment, where it begins and ends; all from the first scan on is one."""
    place = 2
    while place + 4 <= end and data[place] == 0xFF:
        code = data[place + 1]
        if code == SOS:
            yield code, place, end
            return
        if code == 0xFF:
            place += 1
        elif code in STANDALONE:
            place += 2
        else:
            stop = place + 2 + struct.unpack_from(">H", data, place + 2)[0]
            yield code, place, min(stop, end)
            place = stop


def decoded_digest(image: "Image.Image") -> str:
    """A digest of a decoded picture: the same for the same pixels in files of any format."""
    mode = "RGBA" if image.mode in EIGHT_BITS else image.mode
    digest = hashlib.sha256(f"{mode} {image.width} x {image.height}".encode())
    rows = max(1, STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        digest.update((strip if strip.mode == mode else strip.convert(mode)).tobytes())
    return digest.hexdigest()
