"""What is compared of a picture, as values: made by `fingerprint`, kept by the store."""

import hashlib
from dataclasses import dataclass, field

from disk import system

Part = tuple[int, int, int, int]  # left, upper, right, lower, in sixteenths of a picture

SIXTEENTHS = 16
EVERYTHING: Part = (0, 0, SIXTEENTHS, SIXTEENTHS)
GRAY_SIDE = 64  # ImageHash's reduction of the standard picture, at a hash size of 16
PAGE_SIDE = 256
LARGE_SIDE = 128  # what parts are cut out of
COLOUR_SIDE = 4


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
    return system.read_at(data.descriptor, data.length, data.place)


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
