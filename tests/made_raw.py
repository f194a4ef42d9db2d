"""RAWs as cameras write them: a sensor's numbers, and a preview of what they show.

A DNG is a TIFF with a JPEG as its first picture and the sensor's numbers within it.
"""

import struct
from collections.abc import Mapping, Sequence

from made_pictures import encoded
from PIL import Image

BYTE, ASCII, SHORT, LONG = 1, 2, 3, 4
SIZES = {BYTE: 1, ASCII: 1, SHORT: 2, LONG: 4}
Value = tuple[int, bytes | Sequence[int]]  # its type and what it is


def dng(
    image: Image.Image,
    preview: bytes | None = None,
    orientation: int = 1,
    size: tuple[int, int] | None = None,
    thumbnail: bytes = b"",
) -> bytes:
    """A RAW of a picture, with a JPEG of it as preview, both turned as the camera was held.

    `size` is that of the sensor, by default that of the picture. With a thumbnail this comes
    first, and the preview after it.
    """
    jpeg = encoded(image, "JPEG", quality=90) if preview is None else preview
    width, height = size or image.size
    with_numbers = image.convert("L").resize((width, height)).point(lambda level: level << 4, "I")
    numbers = struct.pack(f"<{width * height}H", *with_numbers.get_flattened_data())
    exif: dict[int, Value] = {0x9003: (ASCII, b"2020:05:01 12:00:00\0")}
    sensor: dict[int, Value] = {
        254: (LONG, [0]),
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, [16]),
        259: (SHORT, [1]),
        262: (SHORT, [32803]),
        273: (LONG, [0]),
        277: (SHORT, [1]),
        278: (LONG, [height]),
        279: (LONG, [len(numbers)]),
        33421: (SHORT, [2, 2]),
        33422: (BYTE, bytes([0, 1, 1, 2])),
        50717: (LONG, [4095]),
    }
    first: dict[int, Value] = {
        271: (ASCII, b"Canon\0"),
        272: (ASCII, b"Canon EOS 5D\0"),
        274: (SHORT, [orientation]),
        330: (LONG, [0, 0] if thumbnail else [0]),
        0x8769: (LONG, [0]),
        50706: (BYTE, bytes([1, 4, 0, 0])),
    }
    larger = dict(_shown(image.size, jpeg)) if thumbnail else {}
    first |= _shown((160, 120), thumbnail) if thumbnail else _shown(image.size, jpeg)
    places = [8]
    for tags in (first, exif, sensor, *([larger] if larger else [])):
        places.append(places[-1] + _length(tags))
    first[0x8769] = (LONG, [places[1]])
    first[330] = (LONG, places[2:4] if thumbnail else places[2:3])
    behind = places[-1]
    for tags, data in ((first, thumbnail or jpeg), (larger, jpeg), (sensor, numbers)):
        if 273 in tags:
            tags[273] = (LONG, [behind])
            behind += len(data)
    tables = [_table(tags, at) for tags, at in zip((first, exif, sensor), places, strict=False)]
    tables += [_table(larger, places[3]), thumbnail] if larger else []
    return b"II*\0" + struct.pack("<I", 8) + b"".join(tables) + jpeg + numbers


def _shown(size: tuple[int, int], jpeg: bytes) -> dict[int, Value]:
    """The tags of a JPEG in a RAW."""
    if not jpeg:
        return {}
    return {
        254: (LONG, [1]),
        256: (LONG, [size[0]]),
        257: (LONG, [size[1]]),
        258: (SHORT, [8, 8, 8]),
        259: (SHORT, [7]),
        262: (SHORT, [6]),
        273: (LONG, [0]),
        277: (SHORT, [3]),
        278: (LONG, [size[1]]),
        279: (LONG, [len(jpeg)]),
    }


def _bytes_of(value: Value) -> bytes:
    kind, content = value
    if isinstance(content, bytes):
        return content
    return struct.pack(f"<{len(content)}{'H' if kind == SHORT else 'I'}", *content)


def _length(tags: Mapping[int, Value]) -> int:
    outside = sum(len(data) for value in tags.values() if len(data := _bytes_of(value)) > 4)
    return 2 + 12 * len(tags) + 4 + outside


def _table(tags: Mapping[int, Value], place: int) -> bytes:
    """A table of tags, and behind it what is too long to stand in it."""
    entries, outside = b"", b""
    behind = place + 2 + 12 * len(tags) + 4
    for tag, value in sorted(tags.items()):
        data = _bytes_of(value)
        kind = value[0]
        entries += struct.pack("<HHI", tag, kind, len(data) // SIZES[kind])
        if len(data) > 4:
            entries += struct.pack("<I", behind + len(outside))
            outside += data
        else:
            entries += data.ljust(4, b"\0")
    return struct.pack("<H", len(tags)) + entries + bytes(4) + outside
