"""What a picture's file holds besides plain pixels: behind them, in words, and in their kind."""

import hashlib
import math
import re
import struct
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain, islice, starmap
from typing import TYPE_CHECKING, Any, TypeVar

from pictures import dates, held, metadata
from pictures.behind import behind, described
from pictures.blocks import Blocks, blocks_of
from pictures.exif import Tag, below, each, exif_of, rating_of, tried
from pictures.formats import examined, held_by, opened, whole_size
from pictures.metadata import Word, properties
from pictures.words import cleaned, is_boilerplate

if TYPE_CHECKING:
    from PIL import Image

T = TypeVar("T")

MOST_LINES = 100  # of words of a kind
LONGEST = 300  # characters of a line; longer ones end in a print
XMP_PLACE = ("exif:GPSLatitude", "exif:GPSLongitude")
XMP_DEGREES = re.compile(
    r"([+-]?\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?(?:,(\d+(?:\.\d+)?))? ?([NSEW]?)"
)
LENS = (0xA434, ("aux:Lens", "exifEX:LensModel"))
EXPOSURE = {
    "time": ((Tag.EXPOSURE_TIME, 0x9201), ("exif:ExposureTime", "exif:ShutterSpeedValue")),
    "aperture": ((Tag.APERTURE, 0x9202), ("exif:FNumber", "exif:ApertureValue")),
    "ISO": ((Tag.ISO, 0x8831, 0x8832), ("exif:ISOSpeedRatings", "exifEX:PhotographicSensitivity")),
    "focal length": ((0x920A,), ("exif:FocalLength",)),
}
TIFF_BITS, TIFF_SAMPLING, TIFF_XMP, TIFF_IPTC, TIFF_PHOTOSHOP = 258, 530, 700, 33723, 34377
XMP_DATES = ("exif:DateTimeOriginal", "xmp:CreateDate")
COLOUR_MODES = frozenset({"RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "LAB"})
# Of sRGB, as profiles have them: red, green and blue, each as X and Z over Y.
SRGB = ((1.960, 0.0627), (0.5373, 0.1355), (2.3608, 11.77))
PROFILE_TOLERANCE = 0.15
BREAKS = {"keyword": re.compile(r"[;,|/]"), "creator": re.compile(";")}
NAMES = frozenset({"keyword", "person", "location"})  # they may be as short as what cameras write
EDITORS = {"crs:": "Camera Raw", "darktable:history": "darktable", "darktable:params": "darktable"}
NO_EDITS = frozenset({"crs:Version", "crs:HasSettings", "crs:HasCrop", "crs:RawFileName"})
NOTHING = frozenset({"", "null", "none", "(null)", "x-default"})


def inventory(
    data: bytes,
    image: "Image.Image",
    side_files: Iterable[bytes] = (),
    end: int | None = None,
) -> tuple[str, ...]:
    """The lines of `pictures.held` for an image file, and for the words in XMP files beside it.

    `image` is as Pillow has opened it, `end` where its picture ends, if that is known.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        blocks = tried(lambda: blocks_of(data), Blocks())
        _add_known_to_pillow(blocks, image)
        packets = chain.from_iterable(map(properties, blocks.xmp))
        known = list(islice(packets, metadata.MOST_PROPERTIES))
        exif = exif_of(image, blocks.exif)
        lines = [
            held.line(held.PIXELS, "{} x {}".format(*whole_size(image))),
            *_whole(lambda: _behind(data, end, blocks, known)),
            *_within(known, blocks, data),
            *_whole(lambda: held_by(data)),
            *_lines_of_words(_words(exif, blocks, known, side_files)),
            *_kinds_of_pixels(image, blocks),
            *_facts(exif, dict(known)),
        ]
    return tuple(dict.fromkeys(lines))


def _behind(data: bytes, end: int | None, blocks: Blocks, known: Iterable[Word]) -> Iterator[str]:
    """What stands behind the picture."""
    ends = examined(data).end if end is None else end
    yield from behind(data, ends, blocks.multiple, _semantics(known))


def _words(
    exif: "Image.Exif", blocks: Blocks, known: Iterable[Word], side_files: Iterable[bytes]
) -> Iterator[Word]:
    """The words of all places; those that are broken hide no other."""
    details = below(exif, Tag.DETAILS)
    yield from _whole(lambda: metadata.in_exif(each(exif), details))
    for records in blocks.iptc:
        yield from _whole(lambda records=records: metadata.in_iptc(records))  # type: ignore[misc]
    yield from metadata.in_xmp(known)
    yield from blocks.texts
    for packet in side_files:
        yield from metadata.in_xmp(properties(packet))


def _semantics(known: Iterable[Word]) -> list[str]:
    """What XMP says the parts of the file are, in their order."""
    return [text for name, text in known if name.endswith(":Semantic")]


def _whole(read: Callable[[], Iterable[T]]) -> list[T]:
    """What comes, until something is broken."""
    found: list[T] = []

    def add() -> None:
        found.extend(read())

    tried(add, None)
    return found


# ---- What Pillow knows of a file


def _add_known_to_pillow(blocks: Blocks, image: "Image.Image") -> None:
    """XMP and IPTC of the formats that are read by Pillow alone."""
    if not blocks.xmp and isinstance(xmp := image.info.get("xmp"), bytes):
        blocks.xmp.append(xmp)
    if image.format == "HEIF":
        blocks.bits = image.info.get("bit_depth", 8)
        blocks.full_colour = image.info.get("chroma") == 444
    if isinstance(comment := image.info.get("comment"), bytes) and image.format == "GIF":
        blocks.texts.append(("comment", comment.decode("utf-8", "replace")))
    tags = getattr(image, "tag_v2", None)
    if tags is not None:
        _add_known_of_tiff(blocks, image, tags)


def _add_known_of_tiff(blocks: Blocks, image: "Image.Image", tags: Any) -> None:
    order = "<" if tags.prefix == b"II" else ">"
    packet, records, resources = (
        tried(lambda tag=tag: _raw(tags.get(tag), order), b"")  # type: ignore[misc]
        for tag in (TIFF_XMP, TIFF_IPTC, TIFF_PHOTOSHOP)
    )
    if packet and not blocks.xmp:
        blocks.xmp.append(packet)
    blocks.iptc += [records, *metadata.in_photoshop(resources)]
    bits = tried(lambda: max(tags.get(TIFF_BITS, (8,))), 8)
    blocks.bits = bits if isinstance(bits, int) else 8
    blocks.full_colour = image.info.get("compression") != "jpeg" or _sampling(image) == (1, 1)


def _raw(value: object, order: str) -> bytes:
    """A tag's bytes, which some programs write as numbers."""
    if isinstance(value, tuple):
        return struct.pack(f"{order}{len(value)}I", *value)
    return value if isinstance(value, bytes) else b""


# ---- The lines


def _within(known: Iterable[Word], blocks: Blocks, data: bytes) -> Iterator[str]:
    """What programs have put into metadata that others have behind the picture."""
    kinds = {"GDepth:Data": "depth map", "GImage:Data": "second picture", "GAudio:Data": "sound"}
    yield from (described(kinds[name], text.encode()) for name, text in known if name in kinds)
    if b"WAVEfmt" in blocks.flashpix:
        yield described("sound", blocks.flashpix)
    if data[4:8] == b"ftyp" and b"tmap" in data[:1024]:  # of AVIF, by ISO 21496-1
        yield "gain map"
    names = dict(known)
    if projection := names.get("GPano:ProjectionType"):
        yield held.line(held.PANORAMA, cleaned(projection))
    for prefix, program in EDITORS.items():
        if any(name.startswith(prefix) and name not in NO_EDITS for name in names):
            yield held.line(held.EDITS, program)


def _lines_of_words(words: Iterable[Word]) -> Iterator[str]:
    """Each text once, by what it is called first; how many there may be is bounded."""
    for kind, values in _texts_by_kind(words).items():
        chosen = values if kind == "caption" else sorted(values)
        yield from (held.line(kind, _short(value)) for value in chosen[:MOST_LINES])
        if more := chosen[MOST_LINES:]:
            digest = hashlib.sha256("\n".join(more).encode()).hexdigest()[:16]
            yield held.line(kind, f"{len(more):,} more ({digest})")


def _texts_by_kind(words: Iterable[Word]) -> dict[str, list[str]]:
    """The texts of each kind of words, as they come, without those that came before."""
    found: dict[str, dict[str, str]] = {kind: {} for kind in held.WORDS}
    texts: set[str] = set()  # of all kinds that may say the same
    for kind, value in chain.from_iterable(starmap(_parts, words)):
        key = value.casefold()
        if kind in held.TEXTS:
            if key in texts:
                continue
            texts.add(key)
        found[kind].setdefault(key, value)
    return {kind: list(values.values()) for kind, values in found.items()}


def _parts(kind: str, text: str) -> Iterator[Word]:
    """The keywords or names in a text, or all of it, if it says anything."""
    if _says_nothing(kind, cleaned(text)):
        return
    for part in BREAKS[kind].split(text) if kind in BREAKS else [text]:
        value = cleaned(part)
        if value.casefold() not in NOTHING and not _says_nothing(kind, value):
            yield kind, value


def _says_nothing(kind: str, text: str) -> bool:
    """Whether a text is what cameras and programs write of themselves."""
    return kind not in NAMES and is_boilerplate(text)


def _short(value: str) -> str:
    if len(value) <= LONGEST:
        return value
    return f"{value[:LONGEST]} ... ({hashlib.sha256(value.encode()).hexdigest()[:16]})"


def _kinds_of_pixels(image: "Image.Image", blocks: Blocks) -> Iterator[str]:
    if tried(lambda: _is_transparent(image), False):
        yield held.TRANSPARENCY
    if blocks.bits > 8:
        yield held.line(held.BITS, blocks.bits)
    if size := _size_of_colour(image, blocks):
        kind = held.FULL_COLOUR if blocks.full_colour else held.LESS_COLOUR
        yield held.line(kind, f"{size[0]} x {size[1]}")
    if profile := tried(lambda: _wide_profile(image.info.get("icc_profile") or b""), ""):
        yield held.line(held.PROFILE, profile)
    if image.format != "MPO" and tried(lambda: bool(getattr(image, "is_animated", False)), False):
        yield _pages(image) if opened(image).has_pages else held.ANIMATION


def _size_of_colour(image: "Image.Image", blocks: Blocks) -> tuple[int, int] | None:
    """How many pixels of colour a picture has; None if it has none."""
    if blocks.colour is not None or image.mode not in COLOUR_MODES:
        return blocks.colour
    width, height = whole_size(image)
    return (width, height) if blocks.full_colour else (-(-width // 2), -(-height // 2))


def _pages(image: "Image.Image") -> str:
    return held.line(held.PAGES, tried(lambda: int(getattr(image, "n_frames", 1)), 1))


def _sampling(image: "Image.Image") -> tuple[int, ...]:
    return tried(lambda: tuple(getattr(image, "tag_v2", {}).get(TIFF_SAMPLING, (2, 2))), (2, 2))


def _is_transparent(image: "Image.Image") -> bool:
    """Whether any pixel lets something through."""
    if not image.has_transparency_data:
        return False
    alpha = image.convert("RGBA").getchannel("A")
    lowest = alpha.getextrema()[0]
    return isinstance(lowest, int) and lowest < 255


def _wide_profile(profile: bytes) -> str:
    """The name of a colour profile; empty for gray, and for sRGB's colours."""
    tags = {}
    for n in range(min(int.from_bytes(profile[128:132], "big"), 100)):
        name, place, size = struct.unpack_from(">4sII", profile, 132 + 12 * n)
        tags[name] = profile[place : place + size]
    if profile[16:20] not in (b"RGB ", b"CMYK"):
        return ""
    colours = [_colour(tags.get(name, b"")) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
    if all(map(_are_near, colours, SRGB)):
        return ""
    return cleaned(_profile_name(tags.get(b"desc", b""))) or "unnamed"


def _are_near(colour: tuple[float, float] | None, usual: tuple[float, float]) -> bool:
    if colour is None:
        return False
    pairs = zip(colour, usual, strict=True)
    return all(abs(one - other) <= PROFILE_TOLERANCE * other + 0.03 for one, other in pairs)


def _colour(tag: bytes) -> tuple[float, float] | None:
    if len(tag) < 20:
        return None
    x, y, z = (value / 65536 for value in struct.unpack_from(">3i", tag, 8))
    return (x / y, z / y) if y > 0 else None


def _profile_name(tag: bytes) -> str:
    if tag.startswith(b"mluc"):
        size, place = struct.unpack_from(">II", tag, 20)
        return tag[place : place + size].decode("utf-16-be", "replace")
    (size,) = struct.unpack_from(">I", tag, 8)
    return tag[12 : 12 + size].rstrip(b"\0").decode("latin-1")


def _facts(exif: "Image.Exif", known: Mapping[str, str]) -> Iterator[str]:
    """What few pictures hold alone: place, date, camera, rating, and how it was taken."""
    tags = each(exif)
    block = below(exif, Tag.PLACE)
    yield from _places(block, known)
    details = below(exif, Tag.DETAILS)
    written = details.get(Tag.TAKEN), details.get(Tag.DIGITIZED), *map(known.get, XMP_DATES)
    moments = dates.moments(((date, "") for date in written), tags.get(Tag.CHANGED))
    if taken := dates.first_plausible(moments):
        yield held.line(held.DATE, taken.partition(".")[0])
    if camera := cleaned(metadata.text_of(tags.get(Tag.MODEL))):
        yield held.line(held.CAMERA, camera)
    best = rating_of(tags.get(Tag.RATING), known.get("xmp:Rating"))
    if best > 0:
        yield held.line(held.RATING, best)
    yield from _exposure(details, known)


def _exposure(details: Mapping[int, Any], known: Mapping[str, str]) -> Iterator[str]:
    """How the camera took a picture: which of it is told, as the figures of each shot differ."""
    told = [
        name
        for name, (tags, names) in EXPOSURE.items()
        if any(map(details.get, tags)) or any(map(known.get, names))
    ]
    if told:
        yield held.line(held.EXPOSURE, ", ".join(told))
    tag, names = LENS
    lenses = [metadata.text_of(details.get(tag)), *(known.get(name, "") for name in names)]
    if lens := next(filter(None, map(cleaned, lenses)), ""):
        yield held.line(held.LENS, _short(lens))
    if details.get(Tag.MAKERS_NOTE):
        yield held.MAKERS_NOTE


# ---- Where it was taken


def _places(block: Mapping[int, Any], known: Mapping[str, str]) -> Iterator[str]:
    """The place by EXIF data, and by XMP if that has another one."""
    found = ""
    if Tag.LATITUDE in block:
        read = (partial(_of_exif, block, tag) for tag in (Tag.LATITUDE, Tag.LONGITUDE))
        found = _place(*(tried(one, math.nan) for one in read))
        yield held.line(held.GPS, found)
    if XMP_PLACE[0] in known:
        other = _place(*(_of_xmp(known.get(name, "")) for name in XMP_PLACE))
        if not (Tag.LATITUDE in block and held.are_near(other, found)):
            yield held.line(held.GPS, other)


def _of_exif(block: Mapping[int, Any], tag: int) -> float:
    degrees, minutes, seconds = (*map(float, block[tag]), 0.0, 0.0)[:3]
    half = metadata.text_of(block.get(tag - 1))[:1].upper()
    return (degrees + minutes / 60 + seconds / 3600) * (-1 if half in ("S", "W") else 1)


def _of_xmp(text: str) -> float:
    if not (match := XMP_DEGREES.fullmatch(text.strip())):
        return math.nan
    degrees, minutes, seconds = (float(match[n] or 0) for n in (1, 2, 3))
    return (degrees + minutes / 60 + seconds / 3600) * (-1 if match[4] in ("S", "W") else 1)


def _place(north: float, east: float) -> str:
    """A place as people read it; empty where there is none, as for 0 N 0 E of a missing signal."""
    if not (abs(north) <= 90 and abs(east) <= 180) or north == east == 0:
        return ""
    northern, eastern = "N" if north >= 0 else "S", "E" if east >= 0 else "W"
    return f"{round(abs(north), 4)} {northern} {round(abs(east), 4)} {eastern}"
