"""What a RAW is by its own structure: whether it is one, is all there, and what its camera says.

Most are TIFFs whose tags tell of a sensor; others have boxes or tables of their own.
"""

import io
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pictures.behind import described
from pictures.exif import Tag, each, tried
from pictures.heic_items import boxes
from pictures.integrity import CUT_OFF, ZEROS, Integrity

if TYPE_CHECKING:
    from PIL import Image

MOST_FOLDERS, MOST_ENTRIES, MOST_VALUES = 100, 2000, 10_000
NUMBERS = {3: "H", 4: "I", 13: "I"}
COMPRESSION, PHOTOMETRIC, INNER, VERSION = 259, 262, 330, 50706
OF_A_SENSOR, LINEAR = 32803, 34892  # its colours one by one; all three of a DNG's
MAKER = 271
OF_CAMERAS = (32767, 32769, 32770, 34713, 65000, 65535)  # Sony, Epson, Samsung, Nikon, ...
PARTS = ((273, 279), (324, 325), (513, 514), (280, 279))  # where each begins, and its bytes
NO_PLACE = 0xFFFFFFFF
RAF_PARTS = (84, 92, 100)  # Fuji's table: a place and a length each
ZEROS_AT_THE_END = 1 << 16
TIFF_LIKE = (b"II*\0", b"MM\0*", b"IIU\0", b"IIRO", b"IIRS", b"MMOR")
CANONS = {b"CMT2": Tag.DETAILS, b"CMT4": Tag.PLACE}  # tables of their own in a CR3
HEADER_BYTES = 1 << 20

Tags = dict[int, tuple[int, ...]]


def is_raw(data: bytes) -> bool:
    """Whether a file that begins like a TIFF is a RAW, by its tags: one of its pictures is.

    A DNG's version alone, or what only a camera means, makes none: Pillow reads such TIFFs.
    """
    if data[:4] not in (b"II*\0", b"MM\0*"):
        return False
    tables = list(folders(data))
    is_dng, by_camera = (any(tag in tags for tags in tables) for tag in (VERSION, MAKER))
    return any(_is_of_a_sensor(tags, is_dng, by_camera) for tags in tables)


def _is_of_a_sensor(tags: Tags, is_dng: bool, by_camera: bool) -> bool:
    photometric, compression = (tags.get(tag, (0,))[0] for tag in (PHOTOMETRIC, COMPRESSION))
    linear = is_dng and photometric == LINEAR
    return photometric == OF_A_SENSOR or linear or (by_camera and compression in OF_CAMERAS)


def folders(data: bytes) -> Iterator[Tags]:
    """The tags of each table of a TIFF, also of those within others; until one is broken."""
    order = "<" if data[:1] == b"I" else ">"
    try:
        waiting, seen = [*struct.unpack_from(order + "I", data, 4)], set[int]()
        while waiting and len(seen) < MOST_FOLDERS:
            place = waiting.pop(0)
            if place in seen or not place:
                continue
            seen.add(place)
            tags, following = _table(data, order, place)
            yield tags
            waiting += [following, *tags.get(INNER, ())]
    except struct.error:
        return


def _table(data: bytes, order: str, place: int) -> tuple[Tags, int]:
    """The numbers of a table's tags, and where the next one is."""
    (count,) = struct.unpack_from(order + "H", data, place)
    if count > MOST_ENTRIES:
        raise struct.error
    tags: Tags = {}
    for start in range(place + 2, place + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from(order + "HHI", data, start)
        if tag in (VERSION, MAKER):
            tags[tag] = ()
        elif kind in NUMBERS and number <= MOST_VALUES:
            values, where = f"{order}{number}{NUMBERS[kind]}", start + 8
            if struct.calcsize(values) > 4:
                (where,) = struct.unpack_from(order + "I", data, where)
            if where + struct.calcsize(values) <= len(data):
                tags[tag] = struct.unpack_from(values, data, where)
    (following,) = struct.unpack_from(order + "I", data, place + 2 + 12 * count)
    return tags, following


# ---- What a whole file is


def integrity(data: bytes) -> Integrity:
    """What a RAW's structure says of it: its preview may be whole where its picture isn't."""
    harm = CUT_OFF if any(end > len(data) for end in _ends(data)) else ""
    if not harm and len(data) > 2 * ZEROS_AT_THE_END and not any(data[-ZEROS_AT_THE_END:]):
        harm = ZEROS
    return Integrity(harm, len(data), "")


def _ends(data: bytes) -> Iterator[int]:
    """Where the parts of a file end, as far as it tells."""
    if data[4:8] == b"ftyp":
        yield from (box.end for box in boxes(data))
    elif data.startswith(b"FUJIFILM"):
        for place in RAF_PARTS:
            start, length = struct.unpack_from(">II", data, place)
            yield start + length
    elif data[:4] in TIFF_LIKE:
        for tags in folders(data):
            for first, bytes_of in PARTS:
                pairs = zip(tags.get(first, ()), tags.get(bytes_of, ()), strict=False)
                yield from (start + length for start, length in pairs if start != NO_PLACE)


def held_in(data: bytes) -> Iterator[str]:
    """The line of what no other picture has: all that the sensor saw."""
    yield described("RAW data", data)


# ---- What its camera says


def read_exif(exif: "Image.Exif", data: bytes) -> None:
    """Read what a RAW's own tables say into EXIF data; nothing where it has none."""
    if data[:4] in TIFF_LIKE:
        exif.endian = "<" if data[:1] == b"I" else ">"
        (place,) = struct.unpack_from(exif.endian + "I", data, 4)
        tried(lambda: exif.load_from_fp(io.BytesIO(data), place), None)
    elif data[4:12] == b"ftypcrx ":
        _read_canons(exif, data[:HEADER_BYTES])


def _read_canons(exif: "Image.Exif", head: bytes) -> None:
    tried(lambda: exif.load(_canons_table(head, b"CMT1")), None)
    for name, tag in CANONS.items():
        inner = type(exif)()
        tried(lambda i=inner, n=name: i.load(_canons_table(head, n)), None)  # type: ignore[misc]
        exif.get_ifd(tag).update(each(inner))


def _canons_table(head: bytes, name: bytes) -> bytes:
    place = head.find(name)
    return b"Exif\0\0" + head[place + 4 :] if place > 0 else b""
