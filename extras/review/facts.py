"""What is known of a picture, read of its file in a worker process."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from disk import companions
from disk.files import ImageFile, read_file
from extras.review import origin, quality
from extras.review.deeper import SIDEWAYS, Deep, Deeper, deep_of
from extras.review.rendering import GLANCE_SIDE, SMALL_SIDE, at_a_glance, averaged, shown
from extras.review.tags import known_of, signs_of
from pictures import dates, formats
from pictures.exif import Tag, orientation_of
from pictures.inventory import inventory

if TYPE_CHECKING:
    from PIL import Image


COLOURLESS = 4.0  # levels of chroma, on average
LEVELS, GRAY = 256, 128


@dataclass(frozen=True, slots=True)
class Facts:
    """What a picture's file says of it; what it doesn't say is empty, zero or None.

    `moments` are the dates of its words, as EXIF's local time (`2024-05-01 12:00:00.25`), `taken`
    is the first at which it can have been taken; if there is none, `clock` is the first of all.
    `quality` is JPEG's from 1 to 100. `holds` is what else is in the file, as lines of
    `pictures.held`. `thumbprint` is what tells versions; files of the same picture share `coded`,
    whatever is written about it, and those of the same data one of `places`
    (`origin.data_digests`). `orientation` is EXIF's. `generation` says how sure it is that a camera
    wrote the file, `edited` whether an editor names itself in it. `deep` is what only all of its
    pixels tell.
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
    standard: bool = True  # the steps that libjpeg has for the quality
    colourless: bool = False
    damage: str = ""
    holds: tuple[str, ...] = ()
    orientation: int = 1
    generation: int = 0
    edited: bool = False
    moments: tuple[str, ...] = ()
    coded: str = field(default="", repr=False)
    places: tuple[str, ...] = field(default=(), repr=False)
    thumbprint: bytes = field(default=b"", repr=False)
    deep: Deeper = field(default=Deep(), repr=False, compare=False)

    @property
    def pixels(self) -> int:
        return self.width * self.height

    @property
    def stored_size(self) -> tuple[int, int]:
        """Width and height before the picture is turned upright."""
        size = self.width, self.height
        return size[::-1] if self.orientation in SIDEWAYS else size

    @property
    def sharpness(self) -> float:
        return self.deep.sharpness

    @property
    def earlier(self) -> int | None:
        """The lower quality of a JPEG of which the picture was saved anew, if it shows one."""
        return self.deep.traces.earlier

    @property
    def lowest_quality(self) -> int | None:
        """The lowest quality that a picture went through; None if it was no JPEG."""
        return self.quality if self.earlier is None else self.earlier


@dataclass(frozen=True, slots=True)
class Glance:
    """What one decode at a small scale tells of a file, and the digest of the content it had.

    `beside` is a digest of the XMP files beside it, whose words are in the facts, too. `picture`
    is a small JPEG, if one was wanted.
    """

    digest: str
    beside: str
    facts: Facts
    picture: bytes = b""


def glance(path: str, with_picture: bool = False) -> Glance:
    """Read what a picture's file tells at a glance: all but what is `deep`.

    Raises one of `DECODE_ERRORS`. Changes nothing on disk.
    """
    from pictures import decode, salvage

    file, data = read_file(path)
    structure = formats.examined(data)
    header = salvage.header(data, structure, decode.open_header)
    found = salvage.decoded(data, structure, at_a_glance)
    assert found.image
    # Only who has read all of a PNG knows what stands at its end.
    said = found.image if found.image.format == "PNG" else header
    side_files = companions.xmp_beside(path)
    coded, places = origin.data_digests(data, structure.end)
    form, orientation = formats.opened(header).name, orientation_of(said)
    size = formats.whole_size(header)
    width, height = size[::-1] if orientation in SIDEWAYS else size
    few_colours = form == "GIF" or header.mode == "P"
    signs = signs_of(said, data)
    facts = Facts(
        width=width,
        height=height,
        format=form,
        size=file.size,
        damage=found.harm,
        lossless=formats.is_lossless(data, said),
        few_colours=few_colours,
        holds=inventory(data, said, side_files, structure.end),
        orientation=orientation,
        generation=origin.generation(signs),
        edited=signs.edited,
        coded="" if found.harm else coded,
        places=places,
        **_quality_of(said, form),
        **known_of(said),
        **_looks(found.image, orientation),
    )
    picture = shown(found.image, SMALL_SIDE, orientation) if with_picture else b""
    digest = hashlib.sha256(data).hexdigest()
    return Glance(digest, digest_of_files(side_files), in_time(facts, file), picture)


def examine(path: str) -> Facts:
    """All facts of a picture, also what takes a decode in full size; raises as `glance` does."""
    return replace(glance(path).facts, deep=deep_of(path))


def in_time(facts: Facts, file: ImageFile) -> Facts:
    """The facts with the dates that are plausible in a file of such times."""
    latest: datetime | None = dates.time_of_file(file.mtime_ns, file.ctime_ns)
    taken = dates.first_plausible(facts.moments, latest)
    return replace(facts, taken=taken, clock="" if taken else next(iter(facts.moments), ""))


def holding(path: str) -> tuple[str, str, tuple[str, ...]]:
    """The digest of a file, that of the XMP files beside it, and what it holds with their words."""
    from pictures import decode, salvage

    data = read_file(path)[1]
    image = salvage.header(data, formats.examined(data), decode.open_header)
    if image.format == "PNG":
        image.load()
    side_files = companions.xmp_beside(path)
    lines = inventory(data, image, side_files)
    return hashlib.sha256(data).hexdigest(), digest_of_files(side_files), lines


def digest_of_files(side_files: Sequence[bytes]) -> str:
    """What tells some XMP files from others; empty without any."""
    digests = "".join(hashlib.sha256(one).hexdigest() for one in side_files)
    return digests and hashlib.sha256(digests.encode()).hexdigest()


def _quality_of(image: "Image.Image", form: str) -> dict[str, Any]:
    now = quality.of_jpeg(image) if form == "JPEG" else None
    return {"quality": now, "standard": now is None or quality.is_standard(image, now)}


def _looks(image: "Image.Image", orientation: int) -> dict[str, Any]:
    """Whether a decoded picture is without colour, and its thumbprint."""
    from extras.review import versions
    from pictures import modes

    image = averaged(image, GLANCE_SIDE)
    if image.mode != "YCbCr":
        image = averaged(modes.to_srgb(image), GLANCE_SIDE)  # of few colours no mean could be made
    small = image.convert("YCbCr")
    counts = small.histogram()[LEVELS:]  # of blue and red chroma
    off = sum(abs(n % LEVELS - GRAY) * count for n, count in enumerate(counts))
    return {
        "colourless": off / sum(counts) < COLOURLESS,
        "thumbprint": versions.thumbprint(_upright(small, orientation)),
    }


def _upright(image: "Image.Image", orientation: int) -> "Image.Image":
    from PIL import Image, ImageOps

    plain = Image.new(image.mode, image.size)
    plain.paste(image)
    plain.getexif()[Tag.ORIENTATION] = orientation
    return ImageOps.exif_transpose(plain)
