"""From an image file's bytes to its picture as far as it goes, be it cut off or broken.

A file is decoded strictly first, so that its harm is known, and only then leniently.
"""

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from pictures import formats
from pictures.errors import DECODE_ERRORS
from pictures.integrity import Integrity, declared_bytes
from pictures.looks import EVERYTHING, SIXTEENTHS, Part

Prepare = Callable[[bytes], Image.Image | None]


SAMPLES = 256  # pixels of a row that tell whether something was decoded there
ENDS_OF_ROWS = 4  # of these; the blocks of a JPEG come in rows, too, of which one is cut off
PASSES = 3  # of an interlaced picture, each of which fills in every other row
LACKING = 0.04  # of a pass, from which on it is left out
MOST_MISSING = 64 << 20  # bytes that a decoder is given for those that are missing
# What is put in the place of missing bytes. Where two pictures differ that were decoded of it, they
# are made up. A decoder doesn't take each.
FILLINGS = (b"\0", bytes(7) + b"\1", b"\1", b" ", b"\x80", b"U", b"\xaa", b"\xff")
JPEG_END_BYTES = 2
SOMETHING_ELSE = bytes(32)
COUNT_OF_BYTES = re.compile(r" \(\d+ bytes not processed\)")
NOTHING_SEEN = "what is left of it shows nothing"
ROWS_MISSING = "its last rows are missing"


class Decoded(NamedTuple):
    """A decoded picture, the harm that was done to it, and the part of it that is to be seen.

    The picture is None where it wasn't to be decoded. The part is that of the picture as it is
    stored, before it is turned upright.
    """

    image: Image.Image | None
    harm: str
    seen: Part = EVERYTHING


def decoded(data: bytes, structure: Integrity, prepare: Prepare) -> Decoded:
    """Decode what `prepare` makes of an image file, as far as it goes.

    Raises one of `DECODE_ERRORS` if nothing is to be seen of a picture.
    """
    there, harm = data[: structure.hole], structure.harm
    if missing := _missing_bytes(data, structure):
        return _with_fillings(there, missing, harm, prepare)
    image = _strictly_or_not(there, prepare)
    if image is None:
        return Decoded(None, harm)
    failure = None
    try:
        image.load()
    except MemoryError:
        raise
    except DECODE_ERRORS as error:
        failure = error.with_traceback(None)  # which would keep the picture in memory
        failure.__context__ = failure.__cause__ = None
    if failure:
        del image
        return _leniently(there, harm, prepare, failure)
    if not harm and _ends_in_gray(image) and _lacks_rows(data[: structure.end], prepare):
        return _as_far_as_seen(image, ROWS_MISSING)
    return Decoded(image, harm)


def header(
    data: bytes, structure: Integrity, open_header: Callable[[bytes], Image.Image]
) -> Image.Image:
    """Read an image file's header by `open_header`, also where too little follows."""
    filling = bytes(_missing_bytes(data, structure))
    image = _strictly_or_not(data[: structure.hole] + filling, open_header)
    assert image
    return image


@contextlib.contextmanager
def lenient() -> Iterator[None]:
    """Let Pillow go on where a file is cut off or broken: everywhere in this process."""
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def _strictly_or_not(data: bytes, prepare: Prepare) -> Image.Image | None:
    """Prepare a picture, also one of which only something beside its data is broken."""
    try:
        return prepare(data)
    except MemoryError:
        raise
    except DECODE_ERRORS:
        with lenient():
            return prepare(data)


def _leniently(there: bytes, harm: str, prepare: Prepare, error: Exception) -> Decoded:
    """Decode what there is of a picture, after an error."""
    with lenient():
        image = prepare(there)
        assert image
        image.load()
    said = COUNT_OF_BYTES.sub("", " ".join(str(error).split())) or type(error).__name__
    found = _as_far_as_seen(image, harm or said)
    if found.seen[1] == found.seen[3]:
        raise error
    return found


def _missing_bytes(data: bytes, structure: Integrity) -> int:
    """How many bytes a decoder must be given so that it looks at what there is; mostly none."""
    if structure.hole is None:
        return 0
    missing = max(0, declared_bytes(data) - structure.hole)
    if missing > MOST_MISSING:
        raise ValueError(f"{missing:,} of its bytes are missing")
    return missing


def _with_fillings(there: bytes, missing: int, harm: str, prepare: Prepare) -> Decoded:
    """Decode a picture with something in the place of what is missing, and find where it shows."""
    image, error = None, ValueError(NOTHING_SEEN)
    samples: list[NDArray[np.generic]] = []
    for filling in FILLINGS:
        try:
            image = prepare(there + (filling * (missing // len(filling) + 1))[:missing])
            if image is None:
                return Decoded(None, harm)
            image.load()
        except MemoryError:
            raise
        except DECODE_ERRORS:
            continue
        samples.append(_samples(image))
        if len(samples) == 2:
            break
        image = None  # one of them is large enough
    if image is None:
        raise error
    differs = (samples[0] != samples[1]).any(axis=(1, 2))
    rows = int(differs.argmax()) if differs.any() else len(differs)
    if SIXTEENTHS * rows < len(differs):
        raise error
    return Decoded(image, harm, _upper(rows, len(differs)))


# ---- What is to be seen


def _upper(rows: int, all_rows: int) -> Part:
    return 0, 0, SIXTEENTHS, SIXTEENTHS * rows // all_rows


def _as_far_as_seen(image: Image.Image, harm: str) -> Decoded:
    form = formats.opened(image)
    if form.is_interlaced:
        image = _without_cut_passes(image)
    empty = _is_empty(_samples(image)[:: -1 if form.is_upside_down else 1], form.filling)
    rows = len(empty) - int(np.argmin(empty[::-1])) if not empty.all() else 0
    seen = _upper(rows, len(empty))
    if form.is_upside_down:
        seen = 0, SIXTEENTHS - seen[3], SIXTEENTHS, SIXTEENTHS
    return Decoded(image, harm, seen)


def _samples(image: Image.Image) -> NDArray[np.generic]:
    """Some pixels of each row of a picture: rows, columns, channels."""
    size = (min(image.width, SAMPLES), image.height)
    return np.asarray(image.resize(size, Image.Resampling.NEAREST)).reshape(*size[::-1], -1)


def _is_empty(samples: NDArray[np.generic], filling: Sequence[int]) -> NDArray[np.bool_]:
    """Which rows end with what a decoder leaves or puts where it has no data.

    A picture's own last rows may be like that, too; without them it is compared as well.
    """
    samples = samples[:, -ENDS_OF_ROWS:]
    empty = np.isin(samples, filling) if filling else np.equal(samples, samples[-1:, :1])
    return np.asarray(np.all(empty, axis=(1, 2)), np.bool_)


def _without_cut_passes(image: Image.Image) -> Image.Image:
    """An interlaced picture without the passes that are cut off, with fewer pixels."""
    for _ in range(PASSES):
        samples = _samples(image)
        plain = (samples == samples[:, :1]).all(axis=(1, 2))
        if len(plain) < 2 or plain[1::2].mean() - plain[::2].mean() < LACKING:
            break
        size = -(-image.width // 2), -(-image.height // 2)
        every_other = (2, 0, -0.5, 0, 2, -0.5)
        image = image.transform(size, Image.Transform.AFFINE, every_other)
    return image


def _ends_in_gray(image: Image.Image) -> bool:
    """Whether the last row of a JPEG is what libjpeg puts where data is missing; most aren't."""
    filling = formats.opened(image).filling
    if not filling or "progression" in image.info:
        return False
    last = image.crop((0, image.height - 1, image.width, image.height))
    return not last.tobytes().strip(bytes(filling))


def _lacks_rows(data: bytes, prepare: Prepare) -> bool:
    """Whether a JPEG's decoder, which takes an end for the end, would take more rows than it has.

    Without an end marker, and with something else instead, it only stops where it has them all.
    """
    image = prepare(data[:-JPEG_END_BYTES] + SOMETHING_ELSE)
    assert image
    try:
        image.load()
    except OSError:
        return True
    return False
