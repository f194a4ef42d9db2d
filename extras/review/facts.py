"""What is known of a picture, read of its file in a worker process."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from disk import companions
from disk.files import read_file
from extras.review import origin, quality
from extras.review.rendering import averaged, drafted
from extras.review.tags import known_of, signs_of
from pictures import dates, formats
from pictures.exif import Tag, orientation_of
from pictures.inventory import inventory

if TYPE_CHECKING:
    from PIL import Image


SHARPNESS_SIDE = 1024
COLOURLESS = 4.0  # levels of chroma, on average


@dataclass(frozen=True, slots=True)
class Facts:
    """What a picture's file says of it; what it doesn't say is empty, zero or None.

    `taken` is EXIF's local time (`2024-05-01 12:00:00.25`), `clock` instead of it a time at which
    no picture can have been taken, as the file says it. `quality` is JPEG's from 1 to 100,
    `earlier` the lower one of a JPEG of which the picture was saved anew.
    `sharpness` is the deviation of the Laplacian of its gray at up to 1024 pixels: it compares
    versions of one picture, not different ones. `holds` is what else is in the file, as lines of
    `pictures.held`. `thumbprint` is what tells versions, `same` has digests of which files of the
    same pixels share one, `places` of which files of the same data do (`origin.places`),
    `orientation` is EXIF's. `generation` says how sure it is that a camera wrote the file, `edited`
    whether an editor names itself in it, `periods` what is left where a picture was enlarged
    (`origin`).
    """

    width: int
    height: int
    format: str
    size: int
    taken: str = ""
    clock: str = ""
    camera: str = ""
    gps: bool = False
    rating: int = 0
    lossless: bool = False
    few_colours: bool = False
    quality: int | None = None
    earlier: int | None = None
    standard: bool = True  # the steps that libjpeg has for the quality
    sharpness: float = 0.0
    colourless: bool = False
    damage: str = ""
    holds: tuple[str, ...] = ()
    orientation: int = 1
    generation: int = 0
    edited: bool = False
    periods: origin.Periods = origin.NO_PERIODS
    same: tuple[str, ...] = field(default=(), repr=False)
    places: tuple[str, ...] = field(default=(), repr=False)
    thumbprint: bytes = field(default=b"", repr=False)

    @property
    def pixels(self) -> int:
        return self.width * self.height

    @property
    def lowest_quality(self) -> int | None:
        """The lowest quality that a picture went through; None if it was no JPEG."""
        return self.quality if self.earlier is None else self.earlier


def examine(path: str) -> Facts:
    """Read a picture's facts; raises one of `DECODE_ERRORS`. Changes nothing on disk."""
    from pictures import decode, salvage

    file, data = read_file(path)
    structure = formats.examined(data)
    image = salvage.header(data, structure, decode.open_header)
    width, height = formats.whole_size(image)
    found = salvage.decoded(data, structure, drafted("YCbCr", (SHARPNESS_SIDE, SHARPNESS_SIDE)))
    assert found.image
    form = formats.opened(image).name
    few_colours = form == "GIF" or image.mode == "P"
    if found.image.format == "PNG":  # only who has read it all knows what stands at its end
        image = found.image
    latest = dates.time_of_file(file.mtime_ns, file.ctime_ns)
    known, orientation = known_of(image, latest), orientation_of(image)
    signs = signs_of(image, data)
    holds = inventory(data, image, companions.xmp_beside(path))
    lossless = formats.is_lossless(data, image)
    now = quality.of_jpeg(image) if form == "JPEG" else None
    head, image = image, found.image
    traces = origin.Traces() if found.harm else origin.traces(data, structure.end, now)
    if orientation in (5, 6, 7, 8):
        width, height = height, width
        traces = traces.turned()
    sharpness, colourless, seen = _looks(image, orientation)
    return Facts(
        width=width,
        height=height,
        format=form,
        size=file.size,
        quality=now,
        standard=now is None or quality.is_standard(head, now),
        earlier=traces.earlier,
        sharpness=sharpness,
        colourless=colourless,
        damage=found.harm,
        lossless=lossless,
        few_colours=few_colours,
        holds=holds,
        orientation=orientation,
        generation=origin.generation(signs),
        edited=signs.edited,
        periods=traces.periods,
        same=traces.same,
        places=origin.places(data, structure.end),
        thumbprint=seen,
        **known,
    )


def _looks(image: "Image.Image", orientation: int) -> tuple[float, bool, bytes]:
    """The sharpness of a decoded picture, whether it is without colour, and its thumbprint."""
    import numpy as np

    from extras.review import versions
    from pictures import modes

    image = averaged(image, SHARPNESS_SIDE)
    small = image.copy() if image.mode == "YCbCr" else modes.to_srgb(image)
    small.thumbnail((SHARPNESS_SIDE, SHARPNESS_SIDE))
    seen = versions.thumbprint(_upright(small, orientation))
    levels = np.asarray(small.convert("YCbCr")).astype(np.float32)
    y = levels[..., 0]
    chroma = float(np.abs(levels[..., 1:] - 128).mean())
    if min(y.shape) < 3:
        return 0.0, chroma < COLOURLESS, seen
    ridge = y[1:-1, :-2] + y[1:-1, 2:] + y[:-2, 1:-1] + y[2:, 1:-1] - 4 * y[1:-1, 1:-1]
    return round(float(ridge.std()), 1), chroma < COLOURLESS, seen


def _upright(image: "Image.Image", orientation: int) -> "Image.Image":
    from PIL import Image, ImageOps

    plain = Image.new(image.mode, image.size)
    plain.paste(image)
    plain.getexif()[Tag.ORIENTATION] = orientation
    return ImageOps.exif_transpose(plain)
