"""Where a picture's file comes from: the same pixels as another's, a camera, an enlargement."""

import hashlib
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

MOST_PIXELS = 50_000_000  # that are decoded in full size, to look closely
MOST_QUALITY = 100
SAME_QUALITY = 2
STRIP_PIXELS = 4 << 20  # that are made plain at a time
SOI, SOS, EOI, COMMENT, ADOBE = 0xD8, 0xDA, 0xD9, 0xFE, 0xEE
END_BYTES = 1024  # of a picture's data, by which files are known that were changed in between
STANDALONE = (0x01, *range(0xD0, 0xD8))  # markers without a segment
WITHOUT_ALPHA, WITH_ALPHA = ("1", "L", "RGB"), ("LA", "P", "PA", "RGBA")


def data_digests(data: bytes, end: int) -> tuple[str, tuple[str, ...]]:
    """Two answers to what data a picture is made of, which ends somewhere in its file.

    The first is a digest of a JPEG's coded picture without what is written about it; empty for
    others. What was only renamed, dated or captioned keeps it.

    The others are digests of a picture's beginning and end, of which two files share one only if
    both are made of the same data. What is saved anew has other data from its beginning to its end;
    a disk, a cable or a program that damages a file mostly leaves one of them as it was. A JPEG's
    head and what is written about it are apart from its data; of other files the size has to be the
    same, too.
    """
    if not data.startswith(b"\xff\xd8"):
        return "", _of_ends(data, [f"{len(data)}".encode()])
    segments = list(_segments(data, end))
    start = next((place for code, place, _ in segments if code == SOS), end)
    told = [(code, data[a:b]) for code, a, b in segments if code not in (SOS, COMMENT)]
    head = [part for code, part in told if not 0xE0 <= code <= 0xEF]
    coded = [part for code, part in told if not 0xE0 <= code <= 0xEF or code == ADOBE]
    scans = _digest(b"all", data[start:end])  # of most of the file, so it is read once
    return _digest(*coded, scans.encode()), (*_of_ends(data[start:end], head), scans)


def _of_ends(picture: bytes, head: Sequence[bytes]) -> tuple[str, str]:
    ends = (b"first", picture[:END_BYTES]), (b"last", picture[-END_BYTES:])
    return tuple(_digest(name, *head, part) for name, part in ends)  # type: ignore[return-value]


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
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
    mode = "RGB" if image.mode in WITHOUT_ALPHA else image.mode
    if image.mode in WITH_ALPHA:
        mode = "RGBA" if image.has_transparency_data else "RGB"
    digest = hashlib.sha256(f"{mode} {image.width} x {image.height}".encode())
    rows = max(1, STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        digest.update((strip if strip.mode == mode else strip.convert(mode)).tobytes())
    return digest.hexdigest()


Peaks = tuple[tuple[float, float], ...]  # frequencies, and how much each stands out
Periods = tuple[Peaks, Peaks]  # across and down
NO_PERIODS: Periods = ((), ())


@dataclass(frozen=True, slots=True)
class Traces:
    """What saving and enlarging have left in a picture.

    `earlier` is the quality of a JPEG that it once was, `periods` are what enlarging leaves.
    """

    earlier: int | None = None
    periods: Periods = NO_PERIODS

    def turned(self) -> "Traces":
        return replace(self, periods=self.periods[::-1])


NO_TRACES = Traces()

# ---- What a camera wrote


# Programs that save a picture anew, as they name themselves; cameras give a version instead.
EDITORS = re.compile(
    r"acdsee|adobe|affinity|aperture|bridge|canva|capture (?:one|nx)|corel|darktable|digikam|"
    r"digital photo professional|dxo|edit|export|faceapp|facebook|facetune|ffmpeg|fotor|"
    r"gigapixel|gimp|google|graphicconverter|gthumb|gwenview|hugin|imagemagick|imagick|instagram|"
    r"iphoto|irfanview|krita|libvips|lightroom|luminar|meitu|microsoft|nikon browser|on1|"
    r"paint|paintshop|photo(?:filtre|impact|lab|scape|shop|s |works)|picasa|picsart|pixelmator|"
    r"pixlr|polarr|rawtherapee|remini|resiz|retouch|shotwell|silkypix|snapseed|topaz|viewnx|vsco|"
    r"whatsapp|windows (?:live|photo)|xnview|zoner",
    re.IGNORECASE,
)
CAMERA_QUALITY = 85  # from which a JPEG may be a camera's without further signs
SAME_SIDE = 0.01
SECONDS_TO_WRITE = 60.0
NO_CAMERA, RESIZED, SAVED_ANEW, AS_WRITTEN, SURELY_WRITTEN = range(5)


@dataclass(frozen=True, slots=True)
class Signs:
    """What a file says of who wrote it; `said` is the size that EXIF has, zeros if none."""

    camera: bool
    programs: tuple[str, ...]
    quality: int | None
    jfif: bool
    photographed: bool  # exposure data, or a maker's note
    size: tuple[int, int]
    said: tuple[int, int]
    changed_seconds: float
    heic: bool = False  # which cameras write, and few programs

    @property
    def edited(self) -> bool:
        """Whether a program names itself that saves pictures anew."""
        return any(map(EDITORS.search, self.programs))

    @property
    def is_photographed_heic(self) -> bool:
        """Whether it is a HEIC that says how it was photographed, as a camera's does."""
        return self.heic and self.photographed

    @property
    def resized(self) -> bool:
        """Whether it has another size than EXIF says."""
        sides = zip(sorted(self.size), sorted(self.said), strict=True)
        return all(self.said) and any(abs(is_ - said) > SAME_SIDE * said for is_, said in sides)

    @property
    def left_alone(self) -> bool:
        """Whether it has all that a camera writes, nothing that others add, and that time."""
        in_time = abs(self.changed_seconds) <= SECONDS_TO_WRITE
        return self.photographed and all(self.said) and in_time and not self.jfif


def generation(signs: Signs) -> int:
    """How sure it is that a camera wrote a file: from `NO_CAMERA` to `SURELY_WRITTEN`.

    Whoever saves a picture anew drops the camera's data, or changes the size and leaves the old one
    in them, or puts JFIF's header before them, which most cameras don't write.
    """
    if not signs.camera and not signs.is_photographed_heic:
        return NO_CAMERA
    if signs.resized:
        return RESIZED
    if signs.edited or (signs.quality is None and not signs.is_photographed_heic):
        return SAVED_ANEW
    if signs.quality is None:  # a program that makes a HEIC of a JPEG may leave the camera's words
        return AS_WRITTEN
    if signs.left_alone:
        return SURELY_WRITTEN
    return AS_WRITTEN if signs.quality >= CAMERA_QUALITY else SAVED_ANEW


# ---- What was enlarged


LINES = 256  # rows and columns that are looked at
MOST_STEP = 20  # gray levels; edges would drown the rest
SMOOTHED = 17
STANDS_OUT = 8.0  # times the median of what is around it
LOOKS_SO = 3.5  # where only somebody is asked: 16 real photos had 2.6 at most
AROUND = 64
MOST_PERIODS = 96
EIGHTHS = 0.02  # where the blocks of a JPEG repeat


def periods(image: "Image.Image") -> Periods:
    """The frequencies at which a picture's smoothness repeats across and down, in a pixel's.

    Pixels that lie between those of a smaller picture are smoother than those that lie upon them.
    """
    import numpy as np

    found = []
    for lines in _lines(image):
        gray = lines.astype(np.int16)
        steps = np.abs(2 * gray[:, 1:-1] - gray[:, :-2] - gray[:, 2:])
        found.append(_peaks(np.minimum(steps, MOST_STEP).mean(axis=0)))
    return found[0], found[1]


def _lines(image: "Image.Image") -> "tuple[NDArray[np.uint8], NDArray[np.uint8]]":
    """The gray levels of the rows that are looked at, and those of the columns.

    A strip of the picture is made gray at a time, which is quicker than to do so line by line.
    """
    import numpy as np

    width, height = image.size
    rows_at, columns_at = (
        np.linspace(0, side - 1, min(LINES, side)).astype(int) for side in (height, width)
    )
    rows, columns, step = [], [], max(1, STRIP_PIXELS // width)
    for top in range(0, height, step):
        strip = np.asarray(image.crop((0, top, width, min(top + step, height))).convert("L"))
        here = rows_at[(rows_at >= top) & (rows_at < top + step)]
        rows.append(strip[here - top])
        columns.append(strip[:, columns_at].T)
    return np.concatenate(rows), np.concatenate(columns, axis=1)


def _peaks(smoothness: "NDArray[np.float64]") -> Peaks:
    import numpy as np

    count = len(smoothness)
    if count < 2 * AROUND:
        return ()
    even = np.convolve(smoothness, np.ones(SMOOTHED) / SMOOTHED, "same")
    waves = np.abs(np.fft.rfft((smoothness - even) * np.hanning(count), 2 * count))
    blocks = waves[: len(waves) // AROUND * AROUND].reshape(-1, AROUND)
    usual = np.interp(
        np.arange(len(waves)), np.arange(len(blocks)) * AROUND + AROUND / 2, np.median(blocks, 1)
    )
    strength = waves / np.maximum(usual, 1e-9)
    places = np.argsort(-strength)[: 2 * MOST_PERIODS].tolist()
    found = [(n / (2 * count), float(strength[n])) for n in places if strength[n] > LOOKS_SO]
    apart = [(f, stands) for f, stands in found if abs(8 * f - round(8 * f)) > EIGHTHS]
    return tuple(apart[:MOST_PERIODS])


def is_enlarged(
    found: Periods, size: tuple[int, int], smaller: tuple[int, int], least: float = STANDS_OUT
) -> bool:
    """Whether a picture with such periods was made of one in the smaller size."""
    if sum(size) <= sum(smaller):
        return False
    for peaks, side, less in zip(found, size, smaller, strict=True):
        repeats = min(less / side % 1, 1 - less / side % 1)
        near = (stands for frequency, stands in peaks if abs(frequency - repeats) <= 1.5 / side)
        if max(near, default=0.0) <= least:
            return False
    return True
