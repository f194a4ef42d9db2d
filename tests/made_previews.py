"""Large pictures, and what find --copies preview makes of them."""

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from made_pictures import CAT, COFFEE, STARS, encoded, photo
from PIL import Image

from disk.record import SavedCopy, load_manifest

if TYPE_CHECKING:
    from conftest import Library

LARGE = ("a1.jpg", "a2.jpg", "b1.jpg", "b2.png")
PREVIEW = ("--copies", "preview")


@functools.cache
def wide(sample: str, quality: int, width: int = 2200) -> bytes:
    """A photo as wide as those of cameras, of few pixels."""
    width += 0 if quality else 800
    image = photo(sample).resize((width, width // 10), Image.Resampling.BICUBIC)
    return encoded(image, "JPEG", quality=quality) if quality else encoded(image, "PNG")


def fill(library: "Library") -> None:
    """Two groups of large pictures; in the first one is small, too. And one without a group."""
    made = (("a1.jpg", CAT, 97), ("a2.jpg", CAT, 95), ("b1.jpg", COFFEE, 96), ("b2.png", COFFEE, 0))
    for number, (name, sample, quality) in enumerate(made):
        path = library.photos / name
        path.write_bytes(wide(sample, quality))
        os.utime(path, (10**9 + number, 10**9 + number))
    (library.photos / "a3.jpg").write_bytes(wide(CAT, 80, 900))
    (library.photos / "c.jpg").write_bytes(wide(STARS, 90))


def record(library: "Library") -> dict[str, SavedCopy]:
    copies = load_manifest(str(library.output)).copies
    return {os.path.basename(copy.original.path): copy for copy in copies}


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size
