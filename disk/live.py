"""Apple's Live videos: the identifier that a photo and its video share, and how long one takes.

Whoever made a file may have written anything into it: what is read of one is bounded.
"""

import contextlib
import errno
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass

from disk.files import open_regular

MOST_SECONDS = 30.0  # of a video that is taken for a photo's by its name; a longer one is a film
MOST_BYTES = 256 << 10  # of one box
MOST_WORK = 2 << 20  # bytes that are read of one file
BOX_WORK = 1 << 10  # as many as it costs to go to another box
HEAD_BYTES = 128 << 10  # of a JPEG, in which its EXIF lies
KEY = b"com.apple.quicktime.content.identifier"
NOTE = b"Apple iOS\0"  # begins Apple's maker note
NOTE_ENTRIES = 14  # where its entries begin
NOTE_IDENTIFIER = 0x0011
UNKNOWN_DURATIONS = (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)


@dataclass(frozen=True, slots=True)
class Film:
    """What a video says of itself: Apple's identifier, or nothing, and how long it takes."""

    identifier: bytes = b""
    seconds: float | None = None
    is_read: bool = True


def is_live_video(video: str, photo: str) -> bool | None:
    """Whether a video that has a photo's name is its Live video; None where nobody can tell.

    Two identifiers decide it or, if neither has one, the name, unless the video is a film. If one
    alone has an identifier, or one can't be read, nobody can tell. Changes nothing on disk.
    """
    film, shot = film_of(video), identifier_of(photo)
    if not film.is_read:
        return None
    if film.identifier and shot:
        return film.identifier == shot
    if not film.identifier and film.seconds is not None and film.seconds > MOST_SECONDS:
        return False
    return True if not film.identifier and shot == b"" else None


def film_of(path: str) -> Film:
    """What a video's file says of it, or that it can't be read."""
    with contextlib.suppress(OSError), open_regular(path) as stream:
        file = _File(stream)
        for movie in file.inside(file.whole, b"moov"):
            seconds = next(map(_seconds, file.contents(movie, b"mvhd")), None)
            return Film(next(_identifiers(file, movie), b""), seconds)
        return Film()
    return Film(is_read=False)


def identifier_of(photo: str) -> bytes | None:
    """Apple's identifier in a JPEG or HEIC; empty if it has none, None if it can't be read."""
    with contextlib.suppress(OSError), open_regular(photo) as stream:
        head = stream.read(HEAD_BYTES)
        if head.startswith(b"\xff\xd8"):
            return _in_makers_note(head)
        if head[4:8] == b"ftyp":
            return next(filter(None, map(_in_makers_note, _exif_items(_File(stream)))), b"")
        return b""
    return None


# ---- Boxes, as QuickTime and MPEG-4 have them


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    begin: int  # of what is in it
    end: int


class _File:
    """Reads boxes of a file, until that is too much work: then it raises OSError."""

    def __init__(self, stream: io.FileIO) -> None:
        self._stream = stream
        self._room = MOST_WORK
        self.whole = _Box(b"", 0, os.fstat(stream.fileno()).st_size)

    def boxes(self, outer: _Box) -> Iterator[_Box]:
        """The boxes in another one, as far as they are whole."""
        place = outer.begin
        while place < outer.end:
            head = self._read(place, 16)
            size, begin = int.from_bytes(head[:4], "big"), place + 8
            if size == 1:
                size, begin = int.from_bytes(head[8:], "big"), place + 16
            end = place + size if size else outer.end
            if begin > end or end > outer.end:
                return
            yield _Box(head[4:8], begin, end)
            place = end

    def inside(self, outer: _Box, kind: bytes) -> Iterator[_Box]:
        return (box for box in self.boxes(outer) if box.kind == kind)

    def contents(self, outer: _Box, kind: bytes) -> Iterator[bytes]:
        """What is in the boxes of a kind, or begins it."""
        return map(self.read, self.inside(outer, kind))

    def read(self, box: _Box, most: int = MOST_BYTES) -> bytes:
        return self._read(box.begin, min(box.end - box.begin, most))

    def metadata(self, outer: _Box) -> Iterator[_Box]:
        """The metadata in a box, of which MPEG-4 begins each with a version, QuickTime doesn't."""
        for box in self.inside(outer, b"meta"):
            plain = self.read(box, 8)[4:] == b"hdlr"
            yield box if plain else _without(box, 4)

    def _read(self, place: int, size: int) -> bytes:
        self._room -= size + BOX_WORK
        if self._room < 0:
            raise OSError(errno.EFBIG, "it has too many parts")
        self._stream.seek(place)
        return self._stream.read(size)


def _without(box: _Box, beginning: int) -> _Box:
    return _Box(box.kind, min(box.begin + beginning, box.end), box.end)


class _Numbers:
    """Reads one number after the other; behind the end all are 0."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def next(self, size: int) -> int:
        return int.from_bytes(self.bytes(size), "big")

    def bytes(self, size: int) -> bytes:
        self._place += size
        return self._data[self._place - size : self._place]

    def is_left(self) -> bool:
        return self._place < len(self._data)


# ---- Videos


def _seconds(header: bytes) -> float | None:
    """How long a movie takes by its header; None if that isn't said."""
    numbers = _Numbers(header)
    wide = 8 if numbers.next(4) >> 24 else 4
    numbers.bytes(2 * wide)  # when it was made and changed
    scale, duration = numbers.next(4), numbers.next(wide)
    return duration / scale if scale and duration not in UNKNOWN_DURATIONS else None


def _identifiers(file: _File, movie: _Box) -> Iterator[bytes]:
    """The values of Apple's key in the metadata of a movie."""
    for metadata in file.metadata(movie):
        keys = [key for names in file.contents(metadata, b"keys") for key in _keys(names)]
        if KEY not in keys:
            continue
        number = (keys.index(KEY) + 1).to_bytes(4, "big")
        for values in file.inside(metadata, b"ilst"):
            for value in file.inside(values, number):
                for data in file.contents(value, b"data"):
                    yield _cleaned(data[8:])  # behind its type and its language


def _keys(names: bytes) -> Iterator[bytes]:
    numbers = _Numbers(names)
    numbers.bytes(8)  # a version, and how many there are
    while numbers.is_left():
        size = numbers.next(4)
        numbers.bytes(4)
        yield numbers.bytes(max(0, size - 8))


def _cleaned(identifier: bytes) -> bytes:
    return identifier.partition(b"\0")[0].strip().upper()


# ---- Photos


def _in_makers_note(data: bytes) -> bytes:
    """The identifier in Apple's maker note, which lies anywhere in some data."""
    note = data[data.find(NOTE) :] if NOTE in data else b""
    order = "little" if note[NOTE_ENTRIES - 2 : NOTE_ENTRIES] == b"II" else "big"

    def number(place: int, size: int) -> int:
        return int.from_bytes(note[place : place + size], order)  # type: ignore[arg-type]

    for entry in range(number(NOTE_ENTRIES, 2)):
        place = NOTE_ENTRIES + 2 + 12 * entry
        if place > len(note):
            break
        if number(place, 2) == NOTE_IDENTIFIER:
            begin = number(place + 8, 4)
            return _cleaned(note[begin : begin + number(place + 4, 4)])
    return b""


def _exif_items(file: _File) -> Iterator[bytes]:
    """The EXIF data of a HEIC, by its lists of what is in it and where that lies."""
    for metadata in file.metadata(file.whole):
        listings = file.inside(metadata, b"iinf")
        wanted = {number for listing in listings for number in _numbers_of_exif(file, listing)}
        for places in file.contents(metadata, b"iloc"):
            for number, begin, length in _places(places):
                if number in wanted:
                    end = min(begin + length, file.whole.end)
                    yield file.read(_Box(b"Exif", min(begin, end), end))


def _numbers_of_exif(file: _File, listing: _Box) -> Iterator[int]:
    """The numbers of the items that are EXIF."""
    version = file.read(listing, 1)
    for item in file.contents(_without(listing, 6 if version == b"\0" else 8), b"infe"):
        numbers = _Numbers(item)
        number = numbers.next(4 if numbers.next(4) >> 24 > 2 else 2)
        numbers.bytes(2)
        if numbers.bytes(4) == b"Exif":
            yield number


def _places(listing: bytes) -> Iterator[tuple[int, int, int]]:
    """The number, the place and the length of each item; of one in pieces those of its first."""
    numbers = _Numbers(listing)
    version = numbers.next(4) >> 24
    sizes = numbers.next(2)
    of_offset, of_length, of_base, of_index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    of_index = of_index if version else 0
    wide = 2 if version < 2 else 4
    numbers.bytes(wide)  # how many there are
    while numbers.is_left():
        number = numbers.next(wide)
        method = numbers.next(2) & 15 if version else 0
        numbers.bytes(2)
        base, pieces = numbers.next(of_base), numbers.next(2)
        piece = _Numbers(numbers.bytes(pieces * (of_index + of_offset + of_length)))
        piece.bytes(of_index)
        begin, length = base + piece.next(of_offset), piece.next(of_length)
        if not method:  # else it lies in another item
            yield number, begin, length
