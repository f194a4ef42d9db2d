"""EXIF data, tag by tag: one that is broken hides no other, and a picture is still a picture."""

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, TypeVar

from PIL import Image

from pictures.errors import DECODE_ERRORS

T = TypeVar("T")


class Tag(IntEnum):
    """The numbers of the tags that are read."""

    MAKE = 0x010F
    MODEL = 0x0110
    ORIENTATION = 0x0112
    SOFTWARE = 0x0131
    CHANGED = 0x0132
    RATING = 0x4746
    DETAILS = 0x8769  # leads to tags of its own, as the next one does
    PLACE = 0x8825
    # Of the details.
    EXPOSURE_TIME = 0x829A
    APERTURE = 0x829D
    ISO = 0x8827
    TAKEN = 0x9003
    DIGITIZED = 0x9004
    MAKERS_NOTE = 0x927C
    TAKEN_FRACTION = 0x9291
    DIGITIZED_FRACTION = 0x9292
    WIDTH = 0xA002  # as whoever wrote the picture says it
    HEIGHT = 0xA003
    # Of the place; each after the tag that says which half of the globe it is.
    LATITUDE = 2
    LONGITUDE = 4


def tried(read: Callable[[], T], otherwise: T) -> T:
    """What can be read, or else what is said in place of what is broken."""
    try:
        return read()
    except MemoryError:  # nothing is broken, and what there is would be lost without a word
        raise
    except DECODE_ERRORS:
        return otherwise


def exif_of(image: Image.Image, block: bytes = b"") -> Image.Exif:
    """A picture's EXIF data, or that of a block which Pillow doesn't look into."""
    exif = tried(image.getexif, Image.Exif())
    if block and not len(exif):
        tried(lambda: exif.load(b"Exif\0\0" + block), None)
    return exif


def each(tags: Mapping[int, Any]) -> dict[int, Any]:
    """The tags that can be read; None for those that can't."""
    return {tag: tried(lambda tag=tag: tags[tag], None) for tag in list(tags)}  # type: ignore[misc]


def below(exif: Image.Exif, tag: int) -> dict[int, Any]:
    """The tags to which a tag leads, those that can be read."""
    tags: dict[int, Any] = tried(lambda: each(exif.get_ifd(tag)), {})
    return tags


def orientation_of(image: Image.Image) -> int:
    """How a picture is turned, from 1 for upright to 8."""
    return tried(lambda: int(image.getexif().get(Tag.ORIENTATION, 1)), 1)


def rating_of(*written: object) -> int:
    """The best of some ratings in stars; 0 is none."""
    return max(tried(lambda r=r: int(float(r or 0)), 0) for r in written)  # type: ignore[misc]
