"""Whether an image file is whole, as far as its own structure tells; no decoder is asked.

Harm is what costs pixels. What stands behind a whole picture costs none, whatever it is: cameras,
phones and editors leave a good many things there.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_JPEG_SCANS = 100  # each costs as much as the picture; encoders write a dozen
MAX_JPEG_SEGMENTS = 10_000
MAX_PNG_CHUNKS = 1_000_000
MAX_GIF_BLOCKS = 5_000_000  # of up to 255 bytes; a GIF of 1 GiB has four million
MAX_TIFF_TAGS = 1_000_000
# Zeros in a row that no Huffman code comes to: they would be many blocks of equal waves.
ZEROS_OF_NO_PICTURE = 256
SAMPLES_OF_ZEROS = 4  # of so many in a row
# A marker; and one that ends a scan: no stuffed byte, no restart.
JPEG_MARKER = re.compile(rb"\xff[^\x00\xff]")
JPEG_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
SOI, EOI, SOS, DHT, TEM = 0xD8, 0xD9, 0xDA, 0xC4, 0x01
SEQUENTIAL, PROGRESSIVE, HUFFMAN = (0xC0, 0xC1), (0xC2, 0xCA), (0xC0, 0xC1, 0xC2)
OF_WAVES = 0x10  # in the number of a table; the others are of tones
CODES_OF_A_PATTERN = 8  # in a table; a drawn pattern has fewer
ENDS_OF_BLOCKS = bytes(range(0x10, 0xF0, 0x10))  # codes of two and more that end together
NO_FRAMES = (0xC4, 0xC8, 0xCC)  # among the codes of frames
LEAST_CODE = 0xC0  # what is below, but for TEM, no encoder writes
LAST_WAVE = 63
NO_ZERO = re.compile(rb"[^\0]")
BLOCK = 1 << 16  # bytes that are copied at a time: a file may be as large as the memory
PNG_COLOUR_AT, PNG_BY_PALETTE = 25, b"\3"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
TIFF_NUMBERS = {3: "H", 4: "I", 16: "Q"}
TIFF_PARTS = TIFF_STRIPS, TIFF_STRIP_BYTES, TIFF_TILES, TIFF_TILE_BYTES = 273, 279, 324, 325
WEBP_PICTURES = (b"VP8 ", b"VP8L")
AVIF_BOXES = (b"ftyp", b"meta", b"mdat", b"moov", b"free")
BMP_UNCOMPRESSED = (0, 3, 6)
BMP_WITH_PROFILE = 124  # bytes of its header
NO_END = "it has no end marker"
CUT_OFF = "it is cut off"
SCANS_MISSING = "its last scans are missing"
ZEROS = "zeros stand in the place of its data"


@dataclass(frozen=True, slots=True)
class Integrity:
    """What an image file's structure says of itself.

    `harm` is what costs pixels, `note` what stands behind the picture and decides nothing; both
    are mostly empty. `end` is where the picture's own data ends, behind its end marker: the end of
    the file where that is unknown. From `hole` on its data is missing, or zeros are in its place.
    """

    harm: str
    end: int
    note: str
    hole: int | None = None


def cut_in_header(data: bytes) -> Integrity:
    """What there is to say of a file that ends where its header goes on."""
    return Integrity(CUT_OFF, len(data), "")


def of_unknown(data: bytes) -> Integrity:
    """What is to be said where a structure tells nothing."""
    return Integrity("", len(data), "")


def _harmed(harm: str, data: bytes) -> Integrity:
    return Integrity(harm, len(data), "")


def _ended(harm: str, data: bytes) -> Integrity:
    """What is to be said of a picture that isn't all there; zeros at its end are none of it."""
    return Integrity(harm, len(data), "", _end_before_zeros(data, 0, len(data)))


def _end_before_zeros(data: bytes, start: int, end: int) -> int:
    """Where a stretch of data ends but for zeros; its start if it is nothing else."""
    while end > start:
        place = max(start, end - BLOCK)
        if block := data[place:end].rstrip(b"\0"):
            return place + len(block)
        end = place
    return start


def _until(end: int, data: bytes) -> Integrity:
    """What is to be said of a file that says itself where its picture ends."""
    return _harmed(CUT_OFF, data) if end > len(data) else ended(end, data)


def ended(end: int, data: bytes) -> Integrity:
    """What is to be said of a file whose picture is whole and ends somewhere."""
    return Integrity("", end, _behind(data, end))


def _behind(data: bytes, end: int) -> str:
    """What stands behind a picture: no padding, and nothing that is known to belong there."""
    first = NO_ZERO.search(data, end)
    if first is None:
        return ""
    start, stop = first.start(), _end_before_zeros(data, first.start(), len(data))
    known = data.startswith(b"\xff\xd8", start, stop) or data.endswith(b"SEFT", start, stop)
    if known or b"ftyp" in data[start : min(start + 64, stop)]:
        return ""
    stand = "byte stands" if stop - start == 1 else "bytes stand"
    return f"{stop - start:,} {stand} after the picture"


def declared_bytes(data: bytes) -> int:
    """How long a file says that it is, if its decoder takes no shorter one; or else 0."""
    if data[:4] == b"RIFF":
        return 8 + int.from_bytes(data[4:8], "little")
    if data[4:8] == b"ftyp":
        return max((place + length for place, length, _ in _each_box(data)), default=0)
    return 0


# ---- JPEG, by ITU-T T.81


@dataclass(slots=True)
class _Frame:
    """What a JPEG has told of its picture so far."""

    kind: int = 0
    components: bytes = b""
    scans: int = 0
    # By component and number of the wave: how many of its low bits are still to come.
    missing_bits: dict[tuple[int, int], int] = field(default_factory=dict)
    # What codes mean, by the number of their table; the first code is nothing but zeros.
    codes: dict[int, bytes] = field(default_factory=dict)
    # Of the last scan: its tables, how many waves, and whether it adds bits to what came before.
    tables: bytes = b""
    waves: int = 0
    adds_bits: bool = False
    hole: int = -1


def of_jpeg(data: bytes) -> Integrity:
    frame, place, pattern = _Frame(), 2, JPEG_MARKER
    for _ in range(MAX_JPEG_SEGMENTS):
        marker = pattern.search(data, place)
        if marker is None:
            break
        if pattern is JPEG_END_OF_SCAN and frame.hole < 0:
            frame.hole = _hole_in_scan(frame, data, place, marker.start())
        if found := _ended_by(marker, frame, data):
            return found
        place, pattern, code = marker.end(), JPEG_MARKER, _code(marker)
        if code == TEM or 0xD0 <= code <= SOI:
            continue
        length = int.from_bytes(data[place : place + 2], "big")
        _read_segment(frame, code, data[place + 2 : place + length])
        place += length
        if code == SOS:
            pattern = JPEG_END_OF_SCAN
    else:
        raise ValueError(f"it has more than {MAX_JPEG_SEGMENTS:,} segments")
    if not frame.scans:  # the decoder would look for one byte by byte, for minutes
        raise ValueError("it ends before the picture begins")
    return _ended(NO_END, data)


def _code(marker: re.Match[bytes]) -> int:
    return marker[0][1]


def _ended_by(marker: re.Match[bytes], frame: _Frame, data: bytes) -> Integrity | None:
    """What is to be said of a picture that ends at a marker; None if it goes on."""
    code, end = _code(marker), marker.end()
    if code == EOI:
        if frame.hole >= 0:
            return Integrity(ZEROS, end, _behind(data, end), frame.hole)
        return Integrity(_scans_missing(frame), end, _behind(data, end))
    if frame.scans and (code == SOI or TEM < code < LEAST_CODE):
        return Integrity(CUT_OFF, len(data), "", marker.start())  # another one begins there
    return None


def _read_segment(frame: _Frame, code: int, segment: bytes) -> None:
    if code == DHT:
        _read_tables(frame, segment)
    elif code == SOS:
        frame.scans += 1
        if frame.scans > MAX_JPEG_SCANS:
            raise ValueError(f"it has more than {MAX_JPEG_SCANS} scans")
        _read_scan(frame, segment)
    elif 0xC0 <= code <= 0xCF and code not in NO_FRAMES:
        frame.kind, frame.components = code, segment[6::3]


def _read_tables(frame: _Frame, segment: bytes) -> None:
    place = 0
    while place + 17 < len(segment):
        number, codes = segment[place], sum(segment[place + 1 : place + 17])
        frame.codes[number] = segment[place + 17 : place + 17 + codes]
        place += 17 + codes


def _read_scan(frame: _Frame, segment: bytes) -> None:
    parts = segment[1 : 1 + 2 * segment[0]] if segment else b""
    if len(segment) < len(parts) + 4:
        return
    first, last, bits = segment[len(parts) + 1 : len(parts) + 4]
    of_tones = frame.kind in PROGRESSIVE and first == 0
    if frame.kind not in PROGRESSIVE:
        first, last, bits = 0, LAST_WAVE, 0
    frame.tables = bytes(t >> 4 if of_tones else OF_WAVES | t & 15 for t in parts[1::2])
    frame.waves, frame.adds_bits = last - first + 1, bits >> 4 > 0
    for component in parts[::2]:
        for wave in range(first, min(last, LAST_WAVE) + 1):
            frame.missing_bits[component, wave] = bits & 15


def _scans_missing(frame: _Frame) -> str:
    """Whether scans are left out behind the last one, as far as encoders write them."""
    seen = frame.missing_bits
    if not frame.scans or not frame.components:
        return ""
    wanted = {(component, 0) for component in frame.components}
    wanted |= {(frame.components[0], wave) for wave in range(LAST_WAVE + 1)}
    return SCANS_MISSING if not wanted <= seen.keys() or any(seen.values()) else ""


def _hole_in_scan(frame: _Frame, data: bytes, start: int, end: int) -> int:
    """Where zeros begin that were put in the place of a scan's data; -1 if there are none."""
    if frame.kind not in HUFFMAN or _may_be_zeros(frame):
        return -1
    # Bits that a scan adds to what came before have no code, and may be many zeros.
    least = ZEROS_OF_NO_PICTURE * (2 if frame.adds_bits else 1)
    if bytes(SAMPLES_OF_ZEROS) not in data[start : end : least // SAMPLES_OF_ZEROS]:
        return -1  # which is so of nearly all, and seen ten times as fast
    return data.find(bytes(least), start, end)


def _may_be_zeros(frame: _Frame) -> bool:
    """Whether many zeros in the last scan may be a plain picture's, and so tell of no hole."""
    if frame.kind in SEQUENTIAL:
        # A picture without tables is meant to have the usual ones, in which zeros are a wave.
        return all((frame.codes.get(table) or b"\1")[0] == 0 for table in frame.tables)
    tables = [frame.codes.get(table) or b"\0" for table in frame.tables]
    if not all(table & OF_WAVES for table in frame.tables):
        return frame.adds_bits or all(codes[0] == 0 for codes in tables)
    return any(_may_repeat(codes, frame.waves) for codes in tables)


def _may_repeat(codes: bytes, waves: int) -> bool:
    """Whether the first code of a progressive table may be all that comes for many blocks."""
    if len(codes) < CODES_OF_A_PATTERN:
        return True
    skipped, size = codes[0] >> 4, codes[0] & 15
    if size:  # a wave: is it the last of some waves?
        return skipped > 0 and waves % (skipped + 1) == 0
    # Encoders that know how to end many blocks together never end one and then the next.
    return not set(codes) & set(ENDS_OF_BLOCKS)


# ---- PNG and GIF


def of_png(data: bytes) -> Integrity:
    place = len(PNG_SIGNATURE)
    has_colours = data[PNG_COLOUR_AT : PNG_COLOUR_AT + 1] != PNG_BY_PALETTE
    for _ in range(MAX_PNG_CHUNKS):
        length, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        place += 12 + length  # with the length itself, the kind and a checksum
        if place > len(data) or not kind.isalpha():
            return _harmed(NO_END, data)
        if kind == b"IEND":
            return Integrity("", place, _behind(data, place))
        has_colours = has_colours or kind == b"PLTE"
        if kind == b"IDAT" and not has_colours:
            raise ValueError("its palette is missing")
    raise ValueError(f"it has more than {MAX_PNG_CHUNKS:,} chunks")


def of_gif(data: bytes) -> Integrity:
    flags = data[10] if len(data) > 10 else 0
    place, blocks = 13 + _palette_bytes(flags), 0
    while part := NO_ZERO.search(data, place):  # some write a zero too many
        if part.start() - place >= ZEROS_OF_NO_PICTURE:
            return Integrity(ZEROS, len(data), "", place)
        place = part.start()
        if data[place] == ord(";"):
            return Integrity("", place + 1, _behind(data, place + 1))
        if data[place] == ord("!"):
            place += 2
        elif data[place] == ord(","):
            flags = data[place + 9] if place + 9 < len(data) else 0
            place += 11 + _palette_bytes(flags)
        else:
            break
        while place < len(data) and data[place]:
            place += 1 + data[place]
            blocks += 1
            if blocks > MAX_GIF_BLOCKS:
                raise ValueError(f"it has more than {MAX_GIF_BLOCKS:,} blocks")
        place += 1
        blocks += 1
    return _harmed(NO_END, data)


def _palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


# ---- BMP and TIFF


def of_bmp(data: bytes) -> Integrity:
    return _until(_end_of_bmp(data), data)


def of_tiff(data: bytes) -> Integrity:
    return _harmed(_harm_of_tiff(data), data)


def _end_of_bmp(data: bytes) -> int:
    pixels, header = struct.unpack_from("<II", data, 10)
    if header < 40:
        width, height, _, depth = struct.unpack_from("<HHHH", data, 18)
        compression, packed = 0, 0
    else:
        width, height, _, depth, compression, packed = struct.unpack_from("<iiHHII", data, 18)
    if compression in BMP_UNCOMPRESSED:
        packed = (abs(width) * depth + 31) // 32 * 4 * abs(height)
    end = int(pixels + packed)
    if header >= BMP_WITH_PROFILE:
        profile, length = struct.unpack_from("<II", data, 14 + 112)
        end = max(end, 14 + profile + length if length else 0)
    return end


def _harm_of_tiff(data: bytes) -> str:
    """Whether a part of some page lies beyond the end; the parts may lie in any order."""
    order = "<" if data.startswith(b"I") else ">"
    big = b"+" in data[2:4]
    pointer, number, head = (order + "Q", order + "Q", 8) if big else (order + "I", order + "H", 4)
    pages, entries = set[int](), 0
    (place,) = struct.unpack_from(pointer, data, head)
    while place and place not in pages:
        pages.add(place)
        (count,) = struct.unpack_from(number, data, place)
        place += struct.calcsize(number)
        entries += count
        if entries > MAX_TIFF_TAGS:
            return ""
        tags = _tags(data, order, place, count, big=big)
        entries += sum(map(len, tags.values()))
        for starts, lengths in ((TIFF_STRIPS, TIFF_STRIP_BYTES), (TIFF_TILES, TIFF_TILE_BYTES)):
            parts = zip(tags.get(starts, ()), tags.get(lengths, ()), strict=False)
            if any(start + length > len(data) for start, length in parts):
                return CUT_OFF
        (place,) = struct.unpack_from(pointer, data, place + count * (20 if big else 12))
    return ""


def _tags(
    data: bytes, order: str, place: int, count: int, *, big: bool
) -> dict[int, tuple[int, ...]]:
    """The numbers of those of a page's tags that say where its parts lie."""
    found: dict[int, tuple[int, ...]] = {}
    entry, size, room, pointer = ("HHQ", 20, 8, "Q") if big else ("HHI", 12, 4, "I")
    for start in range(place, place + count * size, size):
        tag, kind, number = struct.unpack_from(order + entry, data, start)
        if tag not in TIFF_PARTS or tag in found:
            continue
        if kind not in TIFF_NUMBERS or number > MAX_TIFF_TAGS:
            continue
        values, where = f"{order}{number}{TIFF_NUMBERS[kind]}", start + size - room
        if struct.calcsize(values) > room:
            (where,) = struct.unpack_from(order + pointer, data, where)
        found[tag] = struct.unpack_from(values, data, where)
    return found


# ---- WebP, by RFC 9649, and AVIF, by ISO/IEC 14496-12


def of_webp(data: bytes) -> Integrity:
    end, place = 8 + int.from_bytes(data[4:8], "little"), 12
    if end > len(data):
        return _ended(CUT_OFF, data)
    while place < end:
        kind, length = (
            data[place : place + 4],
            int.from_bytes(data[place + 4 : place + 8], "little"),
        )
        start, place = place + 8, place + 8 + length
        if kind in WEBP_PICTURES and start < len(data):
            hole = _end_before_zeros(data, start, min(place, len(data)))
            if place - hole >= ZEROS_OF_NO_PICTURE:
                return Integrity(ZEROS, end, _behind(data, end), hole)
        place += length % 2
    return Integrity("", end, _behind(data, end))


def of_boxes(data: bytes) -> Integrity:
    end = 0
    for place, length, kind in _each_box(data):
        if not kind.isalnum() or (kind == b"ftyp" and place):  # another file begins
            break
        if place + length > len(data):
            if kind in AVIF_BOXES:
                return _ended(CUT_OFF, data)
            break
        end = place + length
    return Integrity("", end, _behind(data, end))


def _each_box(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The place, length and kind of each box at the top, until one makes no sense."""
    place = 0
    while place + 8 <= len(data):
        length, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        if length == 1:
            length = int.from_bytes(data[place + 8 : place + 16], "big")
        elif length == 0:
            length = len(data) - place
        if length < 8:
            return
        yield place, length, kind
        place += length
