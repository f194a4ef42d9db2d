"""What a HEIC is made of, by ISO/IEC 14496-12 and 23008-12: its boxes, and the items in them.

Items are pictures, the tiles of a picture, maps and metadata; one of them is the primary picture.
"""

import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from pictures.behind import PICTURE, described, samsungs
from pictures.integrity import CUT_OFF, ZEROS, ZEROS_OF_NO_PICTURE, Integrity, ended

ENOUGH_SIDE = 280  # pixels of a thumbnail, from which on more tell nothing more
MOST_ITEMS = 10_000
MOST_BOXES = 100_000
CODED = (b"hvc1", b"av01", b"jpeg", b"avc1")  # pictures that are coded, and made of no other
MADE = (b"grid", b"iden", b"iovl", b"tmap")  # pictures that are made of others
GAIN_MAP, OTHER = "gain map", "other data"
# What auxiliary pictures are, by how their names end; transparency is told of the picture.
AUXILIARY = {
    b"gainmap": GAIN_MAP,
    b"depth": "depth map",
    b"disparity": "depth map",
    b"auxid:2": "depth map",
    b"auxid:1": "",
    b"alpha": "",
}
HELD_IN_BOXES = {b"mpvd": "motion video", b"moov": PICTURE}  # Samsung's, and a burst's tracks
IN_FILE, IN_META = 0, 1  # where an item's bytes may be


class Box(NamedTuple):
    """A box: its kind, where its content begins and where it ends."""

    kind: bytes
    start: int
    end: int


@dataclass(slots=True)
class Items:
    """The items of a file by their numbers: what they are, where their bytes are.

    `made_of` has the pictures from which one is made, `belongs_to` for an item of which kind of
    reference to which others it has, `meant_as` what an auxiliary picture is said to be, `sizes`
    the width and height of each picture before it is turned.
    """

    primary: int = 0
    kinds: dict[int, bytes] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    extents: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    made_of: dict[int, list[int]] = field(default_factory=dict)
    belongs_to: dict[int, list[tuple[bytes, int]]] = field(default_factory=dict)
    meant_as: dict[int, bytes] = field(default_factory=dict)
    sizes: dict[int, tuple[int, int]] = field(default_factory=dict)

    def coded(self, item: int) -> Iterator[tuple[int, int]]:
        """Where the bytes of a picture begin and end, those of its tiles one by one and once."""
        waiting, seen = [item], set[int]()
        while waiting:
            part = waiting.pop()
            if part in seen:
                continue
            seen.add(part)
            if self.kinds.get(part) in CODED:
                yield from self.extents.get(part, ())
            else:
                waiting += reversed(self.made_of.get(part, ()))


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The boxes of a part of a file, until one makes no sense; the last may end beyond the part."""
    end = len(data) if end is None else end
    for _ in range(MOST_BOXES):
        if start + 8 > end:
            return
        length, head = int.from_bytes(data[start : start + 4], "big"), 8
        kind = data[start + 4 : start + 8]
        if length == 1:
            length, head = int.from_bytes(data[start + 8 : start + 16], "big"), 16
        elif length == 0:
            length = end - start
        if length < head or not kind.isalnum():
            return
        yield Box(kind, start + head, start + length)
        start += length


def _in_meta(data: bytes) -> dict[bytes, Box]:
    """The tables of a file by their kinds; nothing of one without any."""
    for box in boxes(data):
        if box.kind == b"meta":
            return {one.kind: one for one in boxes(data, box.start + 4, min(box.end, len(data)))}
    return {}


def items_of(data: bytes) -> Items:
    """The items that a file lists; those before what is broken."""
    found = Items()
    inner = _in_meta(data)
    idat = inner.get(b"idat")
    for kind, read in _READERS.items():
        if kind in inner:
            try:
                read(found, data, inner[kind], idat.start if idat else 0)
            except (struct.error, IndexError):
                continue
    return found


# ---- What is in it besides the picture


def held_in(data: bytes) -> Iterator[str]:
    """The lines of `pictures.held` for the other pictures, maps and videos in a file."""
    for box in boxes(data):
        content = data[box.start : box.end]
        if kind := HELD_IN_BOXES.get(box.kind):
            yield described(kind, content)
        elif box.kind == b"sefd":
            yield from samsungs(content)[1]
    items = items_of(data)
    parts = {part for tiles in items.made_of.values() for part in tiles}
    for item in items.kinds:
        if kind := _kind_of_other(items, item, parts):
            coded = [data[start:end] for start, end in items.coded(item)]
            yield kind if kind == GAIN_MAP else described(kind, b"".join(coded))


def _kind_of_other(items: Items, item: int, parts: Collection[int]) -> str:
    """What an item is that is neither the picture nor a part, a small version or a word of it."""
    if items.kinds[item] == b"tmap":
        return GAIN_MAP
    is_picture = items.kinds[item] in (*CODED, *MADE)
    if not is_picture or item == items.primary or item in parts:
        return ""
    references = {kind for kind, _ in items.belongs_to.get(item, ())} - {b"dimg"}
    if b"auxl" in references:
        meant = items.meant_as.get(item, b"").lower()
        return next((kind for mark, kind in AUXILIARY.items() if meant.endswith(mark)), OTHER)
    return "" if b"thmb" in references or item in items.hidden else PICTURE


# ---- Its thumbnail


def of_thumbnail(data: bytes) -> bytes | None:
    """The file with its thumbnail in the place of its picture; None if it has none.

    Of several it is the smallest from which a picture can be hashed, or else the largest.
    """
    items = items_of(data)
    found = [item for item, of in items.belongs_to.items() if (b"thmb", items.primary) in of]
    least = [item for item in found if min(items.sizes.get(item, (0,))) >= ENOUGH_SIDE]
    inner = _in_meta(data)
    if not found or not {b"pitm", b"iref"} <= inner.keys():
        return None
    sides = {item: min(items.sizes.get(item, (0,))) for item in found}
    chosen = min(least, key=sides.__getitem__) if least else max(found, key=sides.__getitem__)
    made = bytearray(data)
    start = inner[b"pitm"].start
    wide = 2 if data[start] == 0 else 4
    made[start + 4 : start + 4 + wide] = chosen.to_bytes(wide, "big")
    references = inner[b"iref"]
    for entry in boxes(data, references.start + 4, references.end):
        if entry.kind == b"thmb":  # or it would be no picture of its own
            made[entry.start - 4 : entry.start] = b"free"
    return bytes(made)


# ---- What a whole file is


def integrity(data: bytes) -> Integrity:
    """What a HEIC's structure says of it.

    Raises ValueError for one that is cut off, or of whose picture bytes are missing: its decoder
    would put something in their place without a word.
    """
    end = 0
    for box in boxes(data):
        if box.kind == b"ftyp" and end:  # another file begins
            break
        if box.end > len(data):
            raise ValueError(CUT_OFF)
        end = box.end
    items = items_of(data)
    for start, stop in items.coded(items.primary):
        if stop > len(data):
            raise ValueError(CUT_OFF)
        if data.find(bytes(ZEROS_OF_NO_PICTURE), start, stop) >= 0:
            raise ValueError(ZEROS)
    return ended(end, data)


# ---- The tables of a file


class _Numbers:
    """Reads numbers of some bytes each, one after the other."""

    def __init__(self, data: bytes, box: Box) -> None:
        self._data, self.place, self.end = data, box.start, min(box.end, len(data))

    def next(self, size: int) -> int:
        if self.place + size > self.end:
            raise IndexError
        self.place += size
        return int.from_bytes(self._data[self.place - size : self.place], "big")

    def text(self, size: int) -> bytes:
        return self.next(size).to_bytes(size, "big")


def _read_primary(found: Items, data: bytes, box: Box, _: int) -> None:
    numbers = _Numbers(data, box)
    found.primary = numbers.next(2 if numbers.next(4) >> 24 == 0 else 4)


def _read_kinds(found: Items, data: bytes, box: Box, _: int) -> None:
    numbers = _Numbers(data, box)
    numbers.next(4 + (2 if data[box.start] == 0 else 4))
    for entry in boxes(data, numbers.place, numbers.end):
        each = _Numbers(data, entry)
        version, flags = each.next(1), each.next(3)
        if version < 2 or len(found.kinds) >= MOST_ITEMS:
            continue
        item = each.next(2 if version == 2 else 4)
        each.next(2)
        found.kinds[item] = each.text(4)
        if flags & 1:
            found.hidden.add(item)


def _read_places(found: Items, data: bytes, box: Box, idat: int) -> None:
    numbers = _Numbers(data, box)
    version = numbers.next(1)
    numbers.next(3)
    sizes, more = numbers.next(1), numbers.next(1)
    wide = 2 if version < 2 else 4
    for _ in range(min(numbers.next(wide), MOST_ITEMS)):
        item = numbers.next(wide)
        method = numbers.next(2) & 15 if version else IN_FILE
        numbers.next(2)
        base = numbers.next(more >> 4) + (idat if method == IN_META else 0)
        extents = found.extents.setdefault(item, [])
        for _ in range(numbers.next(2)):
            if version:
                numbers.next(more & 15)
            start, length = base + numbers.next(sizes >> 4), numbers.next(sizes & 15)
            if method in (IN_FILE, IN_META):
                extents.append((start, start + length if length else len(data)))


def _read_references(found: Items, data: bytes, box: Box, _: int) -> None:
    wide = 2 if data[box.start] == 0 else 4
    for entry in boxes(data, box.start + 4, min(box.end, len(data))):
        each = _Numbers(data, entry)
        item = each.next(wide)
        for _ in range(each.next(2)):
            other = each.next(wide)
            if entry.kind == b"dimg":
                found.made_of.setdefault(item, []).append(other)
            found.belongs_to.setdefault(item, []).append((entry.kind, other))


def _read_properties(found: Items, data: bytes, box: Box, _: int) -> None:
    """What auxiliary pictures are said to be, by the properties that belong to each item."""
    inner = {part.kind: part for part in boxes(data, box.start, min(box.end, len(data)))}
    listed = list(boxes(data, inner[b"ipco"].start, inner[b"ipco"].end)) if inner else []
    numbers = _Numbers(data, inner[b"ipma"]) if b"ipma" in inner else None
    if numbers is None:
        return
    version, flags = numbers.next(1), numbers.next(3)
    for _ in range(min(numbers.next(4), MOST_ITEMS)):
        item = numbers.next(2 if version == 0 else 4)
        for _ in range(numbers.next(1)):
            number = numbers.next(2) & 0x7FFF if flags & 1 else numbers.next(1) & 0x7F
            if 0 < number <= len(listed):
                _read_property(found, data, item, listed[number - 1])


def _read_property(found: Items, data: bytes, item: int, box: Box) -> None:
    if box.kind == b"auxC":
        found.meant_as[item] = data[box.start + 4 : box.end].partition(b"\0")[0]
    elif box.kind == b"ispe":
        found.sizes[item] = struct.unpack_from(">II", data, box.start + 4)


_READERS = {
    b"pitm": _read_primary,
    b"iinf": _read_kinds,
    b"iloc": _read_places,
    b"iref": _read_references,
    b"iprp": _read_properties,
}
