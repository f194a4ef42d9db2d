"""What is compared of a picture, as values: made by `fingerprint`, kept by the store."""

import hashlib
import zlib
from dataclasses import dataclass, field
from typing import Protocol

Part = tuple[int, int, int, int]  # left, upper, right, lower, in sixteenths of a picture

SIXTEENTHS = 16
EVERYTHING: Part = (0, 0, SIXTEENTHS, SIXTEENTHS)
STANDARD_SIDE = 1024
GRAY_SIDE = 64  # ImageHash's reduction of the standard picture, at a hash size of 16
PAGE_SIDE = 256
LARGE_SIDE = 128  # what parts are cut out of
COLOUR_SIDE = 4


class Source(Protocol):
    """Where bytes lie that aren't in memory."""

    def read(self, picture: "Spooled") -> bytes:
        """Those bytes as they were written; UserError if they can't be had in any way."""

    def made_again(self, picture: "Spooled") -> bytes:
        """Those bytes, if what is read is useless, from where they came; UserError likewise."""

    def once(self, picture: "Spooled") -> bytes:
        """What lies there, be it what was written or not."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """Bytes that lie elsewhere until they are wanted; equal to others of their digest."""

    digest: bytes
    length: int
    place: int = field(compare=False)
    source: Source = field(compare=False)


def content(data: bytes | Spooled) -> bytes:
    """Bytes, wherever they lie."""
    return data if isinstance(data, bytes) else data.source.read(data)


def page(fine: bytes | Spooled) -> bytes:
    """The pixels of a page."""
    pixels = _unpacked(content(fine))
    if pixels is None and isinstance(fine, Spooled):
        pixels = _unpacked(fine.source.made_again(fine))
    assert pixels is not None
    return pixels


def _unpacked(packed: bytes) -> bytes | None:
    """What was compressed, if it is a page."""
    packer = zlib.decompressobj()
    try:
        pixels = packer.decompress(packed, PAGE_SIDE**2 + 1)
    except zlib.error:
        return None
    return pixels if len(pixels) == PAGE_SIDE**2 and packer.eof else None


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

    @property
    def is_page(self) -> bool:
        """Whether it is drawn or written, so that others look alike at 64 pixels."""
        return self.fine is not None


@dataclass(frozen=True, slots=True)
class Taken:
    """When and with what a photo was taken, by its EXIF data; seconds since some day."""

    camera: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Look:
    """What is compared of a picture.

    `views` are all of it and, if it has a frame, what is inside. `large` is the picture at
    128x128 pixels, if parts of it are to be compared. `points` are its local features as
    `extras/points` packs them, if these are. `rgb` is the picture in colour, row by row,
    if a model is to see it; it is given up for what the model makes of it. Of a picture that is
    cut off, all of these are of the `part` that is there.
    """

    views: tuple[View, ...]
    large: bytes | Spooled | None
    taken: Taken | None
    colour: bytes  # the chroma (Cb, Cr) of 4 x 4 parts, which only tells colour copies apart
    rgb: bytes | None = None
    part: Part | None = None
    points: bytes | Spooled | None = None


def only_hash(bits: bytes) -> Look:
    """The look of a picture of which only the hash is wanted."""
    return Look((View(bits, b"", False),), None, None, b"")


def identity(look: Look) -> bytes:
    """16 bytes, equal for looks of pictures that are identical, whatever else their files say."""
    seen = hashlib.blake2b(look.colour, digest_size=16)
    for view in look.views:
        parts = (view.gray, view.fine) if view.fine else (view.gray,)
        seen.update(bytes([len(parts), view.framed]) + view.hash)
        seen.update(b"".join(map(digest, parts)))
    seen.update(bytes(look.part or ()))
    return seen.digest()


def look_digest(look: Look) -> str:
    """The identity of a look, in hex."""
    return identity(look).hex()
