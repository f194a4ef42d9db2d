"""The formats of pictures that are read, a row for each; all that needs to know them asks here."""

import functools
import importlib
import importlib.util
import os
import re
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from disk.companions import RAW
from pictures.by_name import named

if TYPE_CHECKING:
    from PIL import Image

    from pictures.integrity import Integrity

NOTHING = rb"(?!)"  # what no file begins with


@dataclass(frozen=True, slots=True)
class Format:
    """A format that is read; its first four facts are enough where Pillow opens its files.

    Patterns are of the first bytes; a dot in one is any byte.
    """

    said: str  # with its article
    endings: tuple[str, ...]
    opened_as: tuple[str, ...]  # by which of Pillow's decoders
    begins: bytes = NOTHING  # what tells it from the other formats here
    surely_begins: bytes = b""  # what tells it from any other file, if that is more
    is_one: str = ""  # or else what does by all of a file, by its name
    becomes: tuple[str, ...] = ()  # what else Pillow may call it, once it is open
    plugin: str = ""  # the module that teaches Pillow to open it, where one is needed
    # The module that this needs and that may not be there, and the package that brings it.
    needs: str = ""
    package: str = ""
    # What its structure tells; ValueError for what no encoder writes.
    examine: str = "pictures.integrity:of_unknown"  # by its name, as not all need it
    # The lines of `pictures.held` that are its own, by its name.
    held_in: str = ""
    # What makes a file of which the thumbnail is the picture, by its name; None where it has none.
    thumbnail: str = ""
    # What its decoder needs in memory for a pixel beside the picture, always and by its header;
    # and what for a pixel before there is a picture.
    pixel_bytes: float = 0
    more_pixel_bytes: Callable[["Image.Image"], float] | None = None
    first_pixel_bytes: Callable[["Image.Image"], float] | None = None
    size_before_opening: Callable[[bytes], tuple[int, int]] | None = None  # if opening decodes it
    is_scaled: bool = False  # decoded line by line at a smaller scale
    # What becomes of a picture whose end is missing: values of its last pixels, if not just any.
    filling: tuple[int, ...] = ()
    is_interlaced: bool = False  # it may come in passes, each of which fills in lines
    is_upside_down: bool = False  # its last rows come first
    has_pages: bool = False  # several pictures in it are pages and no animation
    # Whether each pixel was kept as it was; a GIF has few colours instead.
    is_lossless: bool | Callable[[bytes, "Image.Image"], bool] = False

    @property
    def name(self) -> str:
        """As it stands in a list."""
        return self.said.partition(" ")[2]


# ---- What some formats keep of a picture


def _is_lossless_webp(data: bytes, _: "Image.Image") -> bool:
    return b"VP8L" in data[:64]


def _is_lossless_tiff(_: bytes, image: "Image.Image") -> bool:
    return bool(image.info.get("compression") != "jpeg")


# ---- What some formats need in memory


def _coefficients(image: "Image.Image") -> float:
    """Of a JPEG: one of several scans is kept as coefficients, one of a single scan isn't."""
    if "progression" not in image.info:
        return 0
    samples = [across * down for _, across, down, _ in image.layer]  # type: ignore[attr-defined]
    return float(2 * sum(samples) / max(samples))


def _strips(image: "Image.Image") -> float:
    """Of a TIFF: it is decoded a strip at a time, of which there may be only one."""
    if image.info.get("compression") == "raw":
        return 0
    rows = image.tag_v2.get(278, image.height)  # type: ignore[attr-defined]
    return float(4 * min(rows, image.height) / image.height)


# Of a HEIC, by how much its colour is reduced, at 8 bits and more: its planes and its colours stand
# beside the picture that is made of them. Measured with the tiles of phones and cameras.
_BYTES_OF_HEIC = {420: (7.4, 12.0), 422: (8.4, 13.6)}
_BYTES_OF_FULL_HEIC = (9.4, 16.0)


def _decoded_heic(image: "Image.Image") -> float:
    plain, deep = _BYTES_OF_HEIC.get(image.info.get("chroma", 0), _BYTES_OF_FULL_HEIC)
    has_alpha = image.mode not in ("L", "RGB")
    return (plain if image.info.get("bit_depth", 8) <= 8 else deep) + 2 * has_alpha


def _size_of_webp(data: bytes) -> tuple[int, int]:
    """Width and height by RFC 9649."""
    kind, size = data[12:16], data[20:30]
    if kind == b"VP8X":
        width, height = (int.from_bytes(size[n : n + 3], "little") + 1 for n in (4, 7))
    elif kind == b"VP8L":
        bits = int.from_bytes(size[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (int.from_bytes(size[n : n + 2], "little") & 0x3FFF for n in (6, 8))
    return width, height


def _size_of_jxl(data: bytes) -> tuple[int, int]:
    size: tuple[int, int] = named("pictures.jxl_header:size")(data)
    return size


# ---- The table


# What some RAWs begin with; others begin as a TIFF does.
RAWS = {
    "a CR3": rb"....ftypcrx ",
    "a CR2": rb"II\*\0....CR\x02\0",
    "a CRW": rb"II\x1a\0\0\0HEAPCCDR",
    "an ORF": rb"IIR[OS]|MMOR",
    "an RW2": rb"IIU\0",
    "an RAF": rb"FUJIFILMCCD-RAW",
    "an X3F": rb"FOVb",
    "an MRW": rb"\0MRM",
    "an IIQ": rb"II\*\0....IIII.waR|MM\0\*....MMMMRaw.",
}
# In the order in which people read of them; the first whose beginning fits counts.
FORMATS = (
    Format(
        "a JPEG",
        (".jpg", ".jpeg", ".jpe", ".jfif"),
        ("JPEG",),
        rb"\xff\xd8",
        surely_begins=rb"\xff\xd8\xff",
        becomes=("MPO",),
        examine="pictures.integrity:of_jpeg",
        more_pixel_bytes=_coefficients,
        is_scaled=True,
        filling=(127, 128),
    ),
    Format(
        "a PNG",
        (".png",),
        ("PNG",),
        rb"\x89PNG\r\n\x1a\n",
        examine="pictures.integrity:of_png",
        is_lossless=True,
        is_interlaced=True,
    ),
    Format(
        "a BMP",
        (".bmp",),
        ("BMP", "DIB"),
        rb"BM",
        surely_begins=rb"BM....\0\0\0\0",
        examine="pictures.integrity:of_bmp",
        is_lossless=True,
        is_upside_down=True,
    ),
    Format(
        "a GIF",
        (".gif",),
        ("GIF",),
        rb"GIF8[79]a",
        examine="pictures.integrity:of_gif",
        pixel_bytes=1,
        is_interlaced=True,
    ),
    Format(
        "a RAW",
        tuple(sorted(set(RAW.split()) - {".raw"})),  # which may be anything
        ("RAW",),
        b"|".join(RAWS.values()),
        is_one="pictures.raw_structure:is_raw",
        plugin="pictures.raw",
        needs="rawpy",
        package="rawpy",
        examine="pictures.raw_structure:integrity",
        held_in="pictures.raw_structure:held_in",
        more_pixel_bytes=_coefficients,
        is_scaled=True,
    ),
    Format(
        "a TIFF",
        (".tif", ".tiff"),
        ("TIFF",),
        rb"II[*+]\0|MM\0[*+]",
        surely_begins=rb"II\*\0(?!....CR\x02\0)|II\+\0|MM\0[*+]",  # those are CR2s
        examine="pictures.integrity:of_tiff",
        more_pixel_bytes=_strips,
        is_lossless=_is_lossless_tiff,
        has_pages=True,
    ),
    Format(
        "a WebP",
        (".webp",),
        ("WEBP",),
        rb"RIFF....WEBP",
        examine="pictures.integrity:of_webp",
        pixel_bytes=12,
        size_before_opening=_size_of_webp,
        is_lossless=_is_lossless_webp,
    ),
    Format(
        "a HEIC",
        (".heic", ".heif", ".hif", ".heics", ".heifs"),
        ("HEIF",),
        rb"....ftyp(he[iv][cfxms]|(mif[12]|msf1)....(?!(....){0,8}?avi[fs]))",
        plugin="pictures.heic",
        needs="pi_heif",
        package="pi-heif",
        examine="pictures.heic_items:integrity",
        held_in="pictures.heic_items:held_in",
        thumbnail="pictures.heic_items:of_thumbnail",
        first_pixel_bytes=_decoded_heic,
    ),
    Format(
        "an AVIF",
        (".avif",),
        ("AVIF",),
        rb"....ftyp",
        surely_begins=rb"....ftyp(avi[fos]|mi[af]1....(....){0,8}?avi[fs])",
        examine="pictures.integrity:of_boxes",
        pixel_bytes=8,
    ),
    Format(
        "a JPEG XL",
        (".jxl",),
        ("JXL",),
        rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n",
        plugin="pictures.jxl",
        needs="pillow_jxl",
        package="pillow-jxl-plugin",
        pixel_bytes=8,
        size_before_opening=_size_of_jxl,
    ),
)


# ---- What follows from it

PHOTO_EXTENSIONS = frozenset(ending for form in FORMATS for ending in form.endings)
# Named, because Pillow goes by content: an EPS called .jpg would start Ghostscript.
OPENED_AS = tuple(name for form in FORMATS if not form.needs for name in form.opened_as)
PLUGINS = tuple(form.plugin for form in FORMATS if form.plugin and not form.needs)
ANY = Format("a picture", (), ())
_TIFF_ORDERS = (b"II", b"MM")
# What importing a package of others raises that isn't whole: it or what it needs is missing or of
# another Python, a library can't be loaded or set up, or its parts are of versions that don't fit.
BROKEN = (
    *(ImportError, SyntaxError, OSError, SystemError, RuntimeError),
    *(AttributeError, TypeError, ValueError),
)

_BY_ENDING = {ending: form for form in FORMATS for ending in form.endings}
_BY_PILLOW = {name: form for form in FORMATS for name in (*form.opened_as, *form.becomes)}


def beginning(data: bytes) -> Format:
    """The format by which a file begins; `ANY` if it is none of these."""
    return next((form for form in FORMATS if _begins(form, data)), ANY)


def _begins(form: Format, data: bytes) -> bool:
    begins = re.match(form.begins, data, re.DOTALL) is not None
    return begins or bool(form.is_one and data[:2] in _TIFF_ORDERS and named(form.is_one)(data))


def judge_name(name: str, data: bytes) -> None:
    """Raise ValueError for a TIFF with the name of a RAW: one that isn't known is no plain picture.

    What is shown of it may be a thumbnail.
    """
    said, found = by_ending(name), beginning(data)
    if said and said.is_one and found.has_pages:
        raise ValueError("it is no RAW that is known")


def whole_size(image: "Image.Image") -> tuple[int, int]:
    """The size of the picture in a file, of which a RAW shows only a preview."""
    size: tuple[int, int] = getattr(image, "whole_size", image.size)
    return size


@functools.cache
def has_module(name: str) -> bool:
    """Whether a module could be imported; it isn't yet."""
    return importlib.util.find_spec(name) is not None


def is_there(form: Format) -> bool:
    """Whether files of a format can be read here."""
    return not form.needs or has_module(form.needs)


def is_photo(name: str) -> bool:
    """Whether a file has the name of a picture that can be read here."""
    form = by_ending(name)
    return form is not None and is_there(form)


def by_ending(name: str) -> Format | None:
    """The format that a file's name says, if it is one of these."""
    return _BY_ENDING.get(os.path.splitext(name)[1].lower())


def tells_metadata_apart(name: str) -> bool:
    """Whether a file has the name of a format of which a picture's data are told from the rest."""
    form = by_ending(name)
    return form is not None and form.said in ("a JPEG", "a PNG")


def openers(form: Format) -> tuple[str, ...]:
    """By which of Pillow's decoders a file of a format may be opened; they are there then.

    Raises ValueError where a package for it is missing or broken.
    """
    if not form.needs:
        return OPENED_AS
    if not is_there(form):
        raise ValueError(f"to read {form.said}, install {form.package}")
    try:
        importlib.import_module(form.needs)
    except BROKEN as error:
        raise _not_loaded(form, error) from None
    try:
        importlib.import_module(form.plugin)
    except ImportError as error:  # the package lacks what is asked for
        raise _not_loaded(form, error) from None
    return form.opened_as


def _not_loaded(form: Format, error: Exception) -> ValueError:
    return ValueError(f"{form.package} can't be loaded: {error}")


def opened(image: "Image.Image") -> Format:
    """The format of a file that Pillow has opened; `ANY` of a picture that was made."""
    return _BY_PILLOW.get(image.format or "", ANY)


def is_lossless(data: bytes, image: "Image.Image") -> bool:
    """Whether a file that Pillow has opened has each pixel as it was; false if nobody can tell."""
    told = opened(image).is_lossless
    return told if isinstance(told, bool) else told(data, image)


def examined(data: bytes) -> "Integrity":
    """What an image file's own structure tells; of some formats it tells nothing.

    Raises ValueError for a file that no encoder writes, and that would take minutes to read.
    """
    examine: Callable[[bytes], Integrity] = named(beginning(data).examine)
    try:
        return examine(data)
    except struct.error:
        cut_in_header: Callable[[bytes], Integrity] = named("pictures.integrity:cut_in_header")
        return cut_in_header(data)


def held_by(data: bytes) -> Iterable[str]:
    """The lines of `pictures.held` that only files of this format have."""
    held_in = beginning(data).held_in
    lines: Iterable[str] = named(held_in)(data) if held_in else ()
    return lines


def thumbnail_of(data: bytes) -> bytes | None:
    """A file of which the thumbnail of a file is the picture; None if it has none to look at."""
    thumbnail = beginning(data).thumbnail
    made: bytes | None = named(thumbnail)(data) if thumbnail else None
    return made


def may_have_thumbnail(name: str) -> bool:
    """Whether a file by its name may have a thumbnail that is worth a first look."""
    form = by_ending(name)
    return form is not None and bool(form.thumbnail)


def all_names() -> str:
    """The formats that are read here, as a sentence lists them."""
    return listed(form.name for form in FORMATS if is_there(form))


def listed(names: Iterable[str]) -> str:
    """Some names as a sentence lists them."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
