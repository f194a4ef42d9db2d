"""What stands behind a picture in its file: videos, other pictures, maps, sound.

Cameras, phones and editors put it there one after the other, each known by how it begins.
"""

import hashlib
import re
import struct
from collections.abc import Iterator, Sequence

from pictures.formats import examined
from pictures.held import line

PICTURE = "second picture"
MOST_PARTS = 100
PADDING = bytes(16)
LEAST_OTHER = 4096  # bytes; less is padding, or a note of a program to itself
CONTROLS = re.compile(r"[\0-\x08\x0e-\x1f\x7f-\x9f\ufffd]")
WORDS = re.compile(r"\b(?:[^\W\d_]{2,}[,.;:!?]?\s+){2}")  # as people write: words and blanks
ARCHIVES = (b"PK\3\4", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b\x08", b"%PDF")
SAMSUNG = b"SEFT"  # at the end of the directory, which lists what is before it
SOUNDS = re.compile(rb"sound|audio|voice")  # in a part's name
CANON = b"CANON OPTIONAL DATA\0"
# How parts begin, each with what tells it and how far from the beginning that is.
BEGINNINGS = (
    (b"\xff\xd8\xff", 0, re.compile(rb"\xff\xd8\xff[\xc0-\xfe]")),
    (b"ftyp", 4, re.compile(rb"....ftyp[\x20-\x7e]{4}", re.DOTALL)),
    (b"WAVE", 8, re.compile(rb"RIFF....WAVE", re.DOTALL)),
)
PICTURES_IN_BOXES = (b"heic", b"heix", b"mif1", b"avif")
GAIN_MAPS = (b"hdrgm:", b"hdrgainmap", b"HDRGainMap", b"iso:ts:21496")
HEADER_BYTES = 64 << 10
PREVIEWS = (0x010001, 0x010002)  # kinds of pictures in an MPO: large thumbnails of the first one
ENTRIES, ENTRY_BYTES = 0xB002, 16


def described(kind: str, data: bytes) -> str:
    """The line of some data: its size for people, and its print to compare."""
    kilobytes = max(len(data) / 1000, 0.1)
    size = f"{kilobytes:,.1f} KB" if kilobytes < 1000 else f"{kilobytes / 1000:,.1f} MB"
    return line(kind, f"{size} ({hashlib.sha256(data).hexdigest()[:16]})")


def behind(data: bytes, end: int, multiple: bytes, semantics: Sequence[str]) -> Iterator[str]:
    """The lines of what stands behind a picture that ends at a place.

    `multiple` is the directory of an MPO, `semantics` are what XMP says the parts are, in order.
    """
    previews = _previews(multiple)
    meant = [name.casefold() for name in semantics if name.casefold() != "primary"]
    rest, lines = samsungs(data[end:])
    yield from lines
    pictures = 0
    for kind, part in _parts(rest, listed=bool(multiple or meant)):
        if kind == PICTURE:
            pictures += 1
            said = meant[pictures - 1] if pictures <= len(meant) else ""
            if said in ("depth", "depthmap"):
                kind = "depth map"
            elif said == "gainmap" or any(mark in part[:HEADER_BYTES] for mark in GAIN_MAPS):
                kind = "gain map"
            elif pictures in previews:
                continue
        yield described(kind, part)


def _parts(rest: bytes, *, listed: bool) -> Iterator[tuple[str, bytes]]:
    """The parts, one after the other; what is small or padding is none.

    Old cameras left in the file what was on the card: it follows upon zeros, and what is a picture
    there is another's, unless pictures are listed.
    """
    place, slack = 0, False
    for _ in range(MOST_PARTS):
        begins = _next_beginning(rest, place)
        between = rest[place:begins]
        slack = slack or (between.startswith(PADDING) and not listed)
        of_note = not slack and _is_of_note(between.strip(b"\0\xff\r\n\t "))
        if CANON in between or of_note:
            yield "other data", between
        if begins == len(rest):
            return
        place = begins
        kind, part = _part(rest[place:])
        if not (slack and kind == PICTURE):
            yield kind, part
        place += max(1, len(part))


def _is_of_note(between: bytes) -> bool:
    """Whether it is much, an archive, or a text of several words, however short."""
    if len(between) >= LEAST_OTHER or between.startswith(ARCHIVES):
        return True
    try:
        text = between.decode()
    except UnicodeDecodeError:
        text = between.decode("cp1252", "replace")
    return bool(WORDS.search(text + " ")) and not CONTROLS.search(text)


def _next_beginning(rest: bytes, place: int) -> int:
    """Where the next part begins; the end if there is none."""
    first = len(rest)
    for mark, before, beginning in BEGINNINGS:
        found = rest.find(mark, place + before, first + before)
        while found >= 0 and not beginning.match(rest, found - before):
            found = rest.find(mark, found + 1, first + before)
        if found >= 0:
            first = min(first, found - before)
    return first


def _part(rest: bytes) -> tuple[str, bytes]:
    """What begins here, as far as it says itself where it ends."""
    if rest.startswith(b"RIFF"):
        return "sound", rest[: 8 + int.from_bytes(rest[4:8], "little")]
    if rest[4:8] == b"ftyp":
        part = rest[: _end_of_boxes(rest)]
        return PICTURE if part[8:12] in PICTURES_IN_BOXES else "motion video", part
    try:
        return PICTURE, rest[: examined(rest).end]
    except ValueError:
        return PICTURE, rest


def _end_of_boxes(data: bytes) -> int:
    """Where the boxes of a video end; all of it, where one is broken."""
    place = 0
    while place + 8 <= len(data):
        size, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        if size == 1:
            size = int.from_bytes(data[place + 8 : place + 16], "big")
        if not kind.isalnum() or size < 8 or place + size > len(data):
            return len(data) if place == 0 or kind.isalnum() or size else place
        place += size
    return len(data)


def samsungs(rest: bytes) -> tuple[bytes, list[str]]:
    """What is before the parts that Samsung's directory lists, and the lines of those."""
    directory = rest.rstrip(b"\0")
    if not directory.endswith(SAMSUNG) or len(directory) < 20:
        return rest, []
    length = int.from_bytes(directory[-8:-4], "little")
    head = len(directory) - 8 - length
    if head < 0 or directory[head : head + 4] != b"SEFH":
        return rest, []
    (count,) = struct.unpack_from("<I", directory, head + 8)
    first, lines = head, []
    for n in range(min(count, MOST_PARTS)):
        entry = directory[head + 12 + 12 * n : head + 24 + 12 * n]
        if len(entry) < 12:
            break
        offset, size = struct.unpack_from("<II", entry, 4)
        if not 8 <= size <= offset <= head:
            continue
        part = directory[head - offset : head - offset + size]
        first = min(first, head - offset)
        name_length = int.from_bytes(part[4:8], "little")
        lines += _samsung_part(part[8 : 8 + name_length], part[8 + name_length :])
    return rest[:first], lines


def _samsung_part(name: bytes, data: bytes) -> list[str]:
    name = name.lower()
    if b"depth" in name and len(data) >= LEAST_OTHER:
        return [described("depth map", data)]
    if SOUNDS.search(name) or (data[:4] == b"RIFF" and data[8:12] == b"WAVE"):
        return [described("sound", data)] if len(data) > 100 else []
    if data[4:8] == b"ftyp":
        return [described("motion video", data)]
    if data.startswith(b"\xff\xd8\xff"):
        return [described(PICTURE, data)]
    return []


def _previews(multiple: bytes) -> set[int]:
    """Which of the pictures after the first are only large thumbnails of it."""
    try:
        order = "<" if multiple[:2] == b"II" else ">"
        (offset,) = struct.unpack_from(f"{order}I", multiple, 4)
        (count,) = struct.unpack_from(f"{order}H", multiple, offset)
        for n in range(min(count, 100)):
            tag, _, size, place = struct.unpack_from(f"{order}HHII", multiple, offset + 2 + 12 * n)
            if tag == ENTRIES:
                kinds = [
                    struct.unpack_from(f"{order}I", multiple, place + ENTRY_BYTES * k)[0]
                    for k in range(min(size // ENTRY_BYTES, MOST_PARTS))
                ]
                return {k for k, kind in enumerate(kinds) if k and kind & 0xFFFFFF in PREVIEWS}
    except struct.error:
        pass
    return set()
