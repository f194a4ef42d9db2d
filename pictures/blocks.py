"""The blocks of an image file that hold something besides its pixels, as bytes, by format."""

import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from pictures.formats import beginning
from pictures.metadata import Word, in_photoshop, in_xmp
from pictures.words import decoded

MOST_BLOCKS = 10_000
MOST_TEXTS = 1000
MOST_TEXT = 8 << 20  # bytes of a compressed text
MOST_GATHERED = 64 << 20  # bytes of all blocks of a kind
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
XMP = b"http://ns.adobe.com/xap/1.0/\0"
MORE_XMP = b"http://ns.adobe.com/xmp/extension/\0"
PHOTOSHOP = b"Photoshop 3.0\0"
FLASHPIX = b"FPXR\0"
MULTIPLE = b"MPF\0"
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
COMMENT = 0xFE
# The segments of programs: how they begin, and the code under which they do.
APPLICATIONS = {XMP: 0xE1, MORE_XMP: 0xE1, MULTIPLE: 0xE2, FLASHPIX: 0xE2, PHOTOSHOP: 0xED}
EXIF_BLOCK = b"Exif\0\0"
GIF_XMP = b"XMP DataXMP"
# PNG's texts of people; what isn't here and not technical is a comment.
PNG_TEXTS = {
    "title": "title",
    "author": "creator",
    "artist": "creator",
    "creator": "creator",
    "description": "caption",
    "caption": "caption",
    "copyright": "copyright",
    "keywords": "keyword",
    "exif:artist": "creator",
    "exif:copyright": "copyright",
    "exif:imagedescription": "caption",
    "exif:usercomment": "comment",
}
TECHNICAL_PNG_TEXT = re.compile(
    r"software|program(name)?|writer|creation ?time|timestamp|(create|modify)-date.*"
    r"|file ?name|unknown|signature|dpi|width|height|loop|jpeg-.*|modified"
    r"|(date|exif|tiff|png|jpeg|icc|xap|xapmm|xmpmm|stref|thumb|svg|gif|webp)[: ].*"
    r"|raw profile type .*|xml:com\.adobe\.xmp.*"
)


@dataclass(slots=True)
class Blocks:
    """What a file has of each kind; `colour` is the size of a JPEG's coarsest colour channel.

    `full_colour` tells whether colour has all pixels, of formats in which it may have fewer.
    """

    xmp: list[bytes] = field(default_factory=list)
    iptc: list[bytes] = field(default_factory=list)
    texts: list[Word] = field(default_factory=list)
    exif: bytes = b""
    multiple: bytes = b""  # the directory of an MPO
    flashpix: bytes = b""
    bits: int = 8
    colour: tuple[int, int] | None = None
    full_colour: bool = True


def blocks_of(data: bytes) -> Blocks:
    """What a file says itself, by its format; of the others Pillow tells."""
    read = READERS.get(beginning(data).name)
    return read(data) if read else Blocks()


# ---- JPEG


def _of_jpeg(data: bytes) -> Blocks:
    found = Blocks()
    parts: dict[bytes, list[bytes]] = {name: [] for name in APPLICATIONS}
    gathered = 0
    for code, segment in _segments(data):
        gathered += len(segment)
        if gathered > MOST_GATHERED:
            break
        if code in FRAMES:
            _read_frame(found, segment)
        elif code == COMMENT:
            found.texts.append(("comment", decoded(segment)))
        elif name := _application(code, segment):
            parts[name].append(segment)
    found.xmp = [segment[len(XMP) :] for segment in parts[XMP]] + _long_packets(parts[MORE_XMP])
    if parts[MULTIPLE]:
        found.multiple = parts[MULTIPLE][-1][len(MULTIPLE) :]
    found.flashpix = b"".join(parts[FLASHPIX])
    photoshop = b"".join(segment[len(PHOTOSHOP) :] for segment in parts[PHOTOSHOP])
    found.iptc += islice(in_photoshop(photoshop), MOST_TEXTS)
    return found


def _application(code: int, segment: bytes) -> bytes:
    """How a segment of a program begins; empty for all others."""
    for name, code_of_it in APPLICATIONS.items():
        if code == code_of_it and segment.startswith(name):
            return name
    return b""


def _long_packets(segments: Iterable[bytes]) -> list[bytes]:
    """The XMP packets of which each came in parts, by the digest and the place that these say."""
    found: dict[bytes, list[tuple[int, bytes]]] = defaultdict(list)
    for segment in segments:
        start = len(MORE_XMP) + 32  # the digest of all of it
        offset = int.from_bytes(segment[start + 4 : start + 8], "big")
        found[segment[start - 32 : start]].append((offset, segment[start + 8 :]))
    return [b"".join(part for _, part in sorted(parts)) for parts in found.values()]


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The segments before a JPEG's first scan, by their codes."""
    place = 2
    for _ in range(MOST_BLOCKS):
        place = data.find(b"\xff", place)
        if place < 0 or place + 4 > len(data):
            return
        code = data[place + 1]
        if code == 0xFF:  # filling
            place += 1
            continue
        if code in (0x00, 0x01, *range(0xD0, 0xD9)):
            place += 2
            continue
        if code in (0xD9, 0xDA):
            return
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        yield code, data[place + 4 : place + 2 + length]
        place += 2 + length


def _read_frame(found: Blocks, segment: bytes) -> None:
    """Bits and the resolution of colour, by the sampling of the components."""
    if len(segment) < 6 or len(segment) < 6 + 3 * segment[5]:
        return
    found.bits = segment[0]
    height, width = int.from_bytes(segment[1:3], "big"), int.from_bytes(segment[3:5], "big")
    sampling = [divmod(segment[7 + 3 * n], 16) for n in range(segment[5])]
    if len(sampling) < 3:
        return
    across, down = (max(s[n] for s in sampling) or 1 for n in (0, 1))
    least = [min(s[n] for s in sampling[1:3]) for n in (0, 1)]
    found.colour = (-(-width * least[0] // across), -(-height * least[1] // down))
    found.full_colour = found.colour == (width, height)


# ---- PNG


def _of_png(data: bytes) -> Blocks:
    found = Blocks()
    place, gathered = len(PNG_SIGNATURE), 0
    while place + 12 <= len(data) and gathered <= MOST_GATHERED:
        length, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        start, place = place + 8, place + 12 + length
        if kind == b"IHDR":
            found.bits = data[start + 8]
        elif kind == b"eXIf":
            found.exif = data[start : start + length]
        elif kind in (b"tEXt", b"zTXt", b"iTXt"):
            key, text = _png_text(kind, data[start : start + length])
            gathered += len(text) + 1000
            _add_png_text(found, key, text)
        elif kind == b"IEND":
            break
    return found


def _png_text(kind: bytes, chunk: bytes) -> tuple[str, bytes]:
    """The keyword of a text, and its bytes in UTF-8 or something else."""
    key, _, rest = chunk.partition(b"\0")
    if kind == b"zTXt":
        rest = _unpacked(rest[1:])
    elif kind == b"iTXt":
        packed, (_, _, rest) = rest[:1] == b"\1", rest[2:].partition(b"\0")
        rest = rest.partition(b"\0")[2]
        rest = _unpacked(rest) if packed else rest
    return key.decode("latin-1"), rest


def _unpacked(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, MOST_TEXT)
    except zlib.error:
        return b""


def _add_png_text(found: Blocks, key: str, text: bytes) -> None:
    if key == "XML:com.adobe.xmp":
        found.xmp.append(text)
    elif key.startswith("Raw profile type "):  # ImageMagick's, in hex, below a name and a length
        raw = _unhexed(text)
        if key.endswith((" iptc", " 8bim")):
            found.iptc += in_photoshop(raw) if raw.startswith(b"8BIM") else [raw]
        elif raw.startswith(EXIF_BLOCK):
            found.exif = found.exif or raw[len(EXIF_BLOCK) :]
        elif key.endswith((" xmp", " APP1")):
            found.xmp.append(raw.removeprefix(XMP))
    elif len(found.texts) < MOST_TEXTS:
        found.texts += _words_of_png(key, decoded(text))


def _words_of_png(key: str, text: str) -> Iterator[Word]:
    """A text with its kind, by its keyword; nothing if a program speaks to itself."""
    if kind := PNG_TEXTS.get(key.casefold()):
        yield kind, text
    elif TECHNICAL_PNG_TEXT.fullmatch(key.casefold()):
        return
    elif ":" in key:  # a property of XMP, as ImageMagick names it
        yield from in_xmp([(key, text)])
    else:
        yield "comment", text


def _unhexed(text: bytes) -> bytes:
    digits = b"".join(text.split()[2:])
    try:
        return bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        return b""


# ---- GIF, WebP and AVIF


def _of_gif(data: bytes) -> Blocks:
    found = Blocks()
    if (place := data.find(GIF_XMP)) >= 0:
        end = data.find(b"<?xpacket end", place)
        found.xmp.append(data[place + len(GIF_XMP) : end if end > 0 else place + MOST_TEXT])
    return found


def _of_webp(data: bytes) -> Blocks:
    return Blocks(full_colour=b"VP8L" in data[:64])


def _of_avif(data: bytes) -> Blocks:
    """Bits a channel, and whether colour has all pixels, by the AV1 configuration."""
    place = data.find(b"av1C", 0, 1 << 16)
    if place < 0 or place + 7 > len(data):
        return Blocks(full_colour=False)
    flags = data[place + 6]
    bits = (12 if flags & 0x20 else 10) if flags & 0x40 else 8
    return Blocks(bits=bits, full_colour=not flags & 0x0C)


READERS: dict[str, Callable[[bytes], Blocks]] = {
    "JPEG": _of_jpeg,
    "PNG": _of_png,
    "GIF": _of_gif,
    "WebP": _of_webp,
    "AVIF": _of_avif,
}
