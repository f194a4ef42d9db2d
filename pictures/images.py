"""What was made of a photo's file."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from disk.files import ImageFile
from pictures.looks import Look


@dataclass(frozen=True, slots=True)
class HashedImage:
    """A picture's content digest, and its look unless only identical files may match it.

    `damage` is what costs it pixels, by the file itself and its decoder, `warnings` what else the
    decoder said, `note` what stands behind the picture and decides nothing; all are mostly empty.
    With `by_thumbnail` the look is that of a thumbnail, and no match of it counts.
    `embedding` is what a model makes of the look, if one is asked: float32 values.
    """

    file: ImageFile
    digest: str
    look: Look | None
    damage: str = ""
    warnings: str = ""
    embedding: bytes | None = None
    note: str = ""
    by_thumbnail: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    file: ImageFile
    reason: str


@dataclass(frozen=True, slots=True)
class Sized:
    """How many pixels a photo's picture has, width times height."""

    file: ImageFile
    pixels: int


@dataclass(frozen=True, slots=True)
class Holding:
    """What a photo's file holds besides its pixels, as lines of `pictures.held`."""

    file: ImageFile
    lines: tuple[str, ...]


# The side of a photo that lies on more than one (`pictures/sides.py`).
SEVERAL = -1
Hashed = HashedImage | Unreadable
# What hashes files, in whatever order they are done.
HashFiles = Callable[[list[ImageFile]], Iterable[Hashed]]
