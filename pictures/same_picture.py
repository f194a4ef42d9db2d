"""Whether two files hold the same picture, whatever is said of it: their data, without metadata.

What isn't surely the same isn't. A JPEG is compared without its EXIF, XMP, IPTC and comments, a PNG
without its texts, times and EXIF; all else counts, byte by byte: a colour profile, a second picture
or a video behind the first one, and how it is turned. Of JFIF's header it counts that it is there:
it tells a decoder how the colours are written. Other formats have no such digest.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

from disk.files import ImageFile, read_file
from pictures import decode
from pictures.errors import DECODE_ERRORS, reason_of
from pictures.exif import orientation_of
from pictures.images import Unreadable
from pictures.integrity import PNG_SIGNATURE

PICTURED = "pictures.same_picture:pictured"
CHANGED = "it changed while it was read"
SOI, SOS, APP0, COM = b"\xff\xd8", 0xDA, 0xE0, 0xFE
NO_SEGMENTS = (0x00, 0x01, *range(0xD0, 0xDA))  # markers that stand alone, or stand for no segment
# What says something of a JPEG and decides no pixel, by its marker and how it begins.
METADATA = (
    (COM, b""),
    (APP0, b"JFXX\0"),
    (0xE1, b"Exif\0"),
    (0xE1, b"http://ns.adobe.com/xap/1.0/\0"),
    (0xED, b"Photoshop 3.0\0"),
)
JFIF = b"JFIF\0"
LEAST_JFIF = 16  # of its length, from which decoders take it for one
HAS_JFIF = b"\0JFIF"  # in a digest; no segment begins with a zero
METADATA_CHUNKS = frozenset({b"tEXt", b"zTXt", b"iTXt", b"tIME", b"eXIf", b"pHYs"})


@dataclass(frozen=True, slots=True)
class Pictured:
    """A file, the digest of its picture's data, and that of all its content.

    The first is empty where the file has none that is sure.
    """

    file: ImageFile
    digest: str
    content: str


def pictured(file: ImageFile) -> Pictured | Unreadable:
    """Read a photo now, for the digest of its picture's data."""
    try:
        seen, data = read_file(file.path)
        status = os.lstat(file.path)
        if (status.st_size, status.st_mtime_ns) != (seen.size, seen.mtime_ns):
            return Unreadable(file, CHANGED)
        orientation = orientation_of(decode.open_header(data))
    except DECODE_ERRORS as error:
        return Unreadable(file, reason_of(error))
    return Pictured(file, digest_of(data, orientation), hashlib.sha256(data).hexdigest())


def pictured_at(path: str) -> Pictured | Unreadable:
    """The same for a path alone."""
    return pictured(ImageFile(path, 0, 0))


def digest_of(data: bytes, orientation: int = 1) -> str:
    """The digest of a picture's data and how it is turned; empty where it can't be told apart."""
    if data.startswith(SOI):
        parts = _of_jpeg(data)
    elif data.startswith(PNG_SIGNATURE):
        parts = _of_png(data)
    else:
        return ""
    digest = hashlib.sha256(bytes([orientation & 0xFF]))
    try:
        for part in parts:
            digest.update(part)
    except (ValueError, IndexError):
        return ""
    return digest.hexdigest()


def _of_jpeg(data: bytes) -> Iterator[bytes]:
    """The segments before the first scan that are no metadata, and all from there on."""
    for start, place, end in _segments(data):
        code, length = data[place], end - place - 1
        if code == SOS:
            yield data[start:]
            return
        if code == APP0 and length >= LEAST_JFIF and data.startswith(JFIF, place + 3):
            yield HAS_JFIF
        elif not any(code == c and data.startswith(b, place + 3, end) for c, b in METADATA):
            yield data[place:end]


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Where each segment of a JPEG begins, where its code is, and where it ends.

    Raises ValueError or IndexError where none stands; behind the head of a scan nothing is known.
    """
    place = len(SOI)
    while True:
        start = place
        while data[place] == 0xFF:
            place += 1
        length = int.from_bytes(data[place + 1 : place + 3], "big")
        if place == start or data[place] in NO_SEGMENTS or length < 2:
            raise ValueError("what stands there is no segment")
        end = place + 1 + length
        yield start, place, end
        place = end


def _of_png(data: bytes) -> Iterator[bytes]:
    """The chunks that are no metadata, and what stands behind them."""
    place = len(PNG_SIGNATURE)
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        kind, end = data[place + 4 : place + 8], place + 12 + length
        if end > len(data):
            break
        if kind not in METADATA_CHUNKS:
            yield data[place:end]
        if kind == b"IEND":
            yield data[end:]
            return
        place = end
    raise ValueError("it is cut off")
