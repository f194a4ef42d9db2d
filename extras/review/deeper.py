"""What only the pixels of a picture in full size tell: worked out where a rule asks for it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from disk.files import read_file
from extras.review import origin, quality
from extras.review.origin import NO_TRACES, Traces
from extras.review.rendering import averaged, drafted
from pictures import decode, formats, salvage
from pictures.exif import orientation_of

if TYPE_CHECKING:
    pass

SHARPNESS_SIDE = 1024
JPEG = b"\xff\xd8"
SIDEWAYS = (5, 6, 7, 8)  # of EXIF's orientations


class CantBeSeen(Exception):
    """Nobody can tell what a rule asked for: the file is gone, changed, or no worker came back."""


class Deeper(Protocol):
    """What only all pixels tell of a picture; asking may take a whole decode."""

    @property
    def sharpness(self) -> float:
        """The deviation of the Laplacian of its gray at up to 1024 pixels.

        It compares versions of one picture, not different ones.
        """

    @property
    def traces(self) -> Traces:
        """What saving and enlarging have left in it."""

    @property
    def pixels(self) -> str:
        """A digest that files of the same pixels share; empty where nobody looks so closely."""


@dataclass(frozen=True, slots=True)
class Deep:
    """What only all pixels tell, as it was found."""

    sharpness: float = 0.0
    traces: Traces = NO_TRACES
    pixels: str = ""


class _Opened:
    """A picture's file, decoded as it is asked for; once, where its format has no scales."""

    def __init__(self, data: bytes) -> None:
        self._data, self._structure = data, formats.examined(data)
        self.header = salvage.header(data, self._structure, decode.open_header)
        self.is_scaled = formats.opened(self.header).is_scaled
        self._whole: salvage.Decoded | None = None

    @property
    def is_looked_at(self) -> bool:
        """Whether all of a picture's pixels are looked at; they aren't of pages, and of many."""
        pages = getattr(self.header, "n_frames", 1) > 1 and not self._data.startswith(JPEG)
        return not pages and self.header.width * self.header.height <= origin.MOST_PIXELS

    def decoded(self, mode: str | None, side: int | None = None) -> salvage.Decoded:
        size = self.header.size if side is None else (side, side)
        if self._whole is None or self.is_scaled:
            self._whole = salvage.decoded(self._data, self._structure, drafted(mode, size))
        return self._whole


def look_deeper(path: str, name: str) -> tuple[str, dict[str, Any]]:
    """The digest of a file and what its pixels tell, by the names of `Deep`'s: at least by one.

    Raises one of `DECODE_ERRORS`. Changes nothing on disk.
    """
    data = read_file(path)[1]
    opened = _Opened(data)
    names = [name] if opened.is_scaled else [*LOOKS]
    return hashlib.sha256(data).hexdigest(), {one: LOOKS[one](opened) for one in names}


def deep_of(path: str) -> Deep:
    """All that a picture's pixels tell."""
    opened = _Opened(read_file(path)[1])
    return Deep(**{name: look(opened) for name, look in LOOKS.items()})


def _sharpness(opened: _Opened) -> float:
    import numpy as np

    from pictures import modes

    image = opened.decoded("L", SHARPNESS_SIDE).image
    assert image
    image = averaged(image, SHARPNESS_SIDE)
    gray = image if image.format == "JPEG" and image.mode == "L" else modes.to_srgb(image)
    gray.thumbnail((SHARPNESS_SIDE, SHARPNESS_SIDE))
    levels = gray if gray.mode == "L" else gray.convert("YCbCr").getchannel(0)
    y = np.asarray(levels).astype(np.float32)
    if min(y.shape) < 3:
        return 0.0
    ridge = y[1:-1, :-2] + y[1:-1, 2:] + y[:-2, 1:-1] + y[2:, 1:-1] - 4 * y[1:-1, 1:-1]
    return round(float(ridge.std()), 1)


def _traces(opened: _Opened) -> Traces:
    if not opened.is_looked_at:
        return NO_TRACES
    found = opened.decoded("L")
    if found.harm or not found.image:
        return NO_TRACES
    now = quality.of_jpeg(opened.header) if formats.opened(opened.header).name == "JPEG" else None
    earlier = quality.before(found.image, (now or origin.MOST_QUALITY) - origin.SAME_QUALITY)
    traces = Traces(earlier, origin.periods(found.image))
    head = found.image if found.image.format == "PNG" else opened.header
    return traces.turned() if orientation_of(head) in SIDEWAYS else traces


def _pixels(opened: _Opened) -> str:
    if not opened.is_looked_at:
        return ""
    found = opened.decoded(None)
    return "" if found.harm or not found.image else origin.decoded_digest(found.image)


LOOKS: dict[str, Callable[[_Opened], Any]] = {
    "sharpness": _sharpness,
    "traces": _traces,
    "pixels": _pixels,
}
