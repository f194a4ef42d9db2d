"""What is known of a picture as bytes, but for its small pictures, which lie elsewhere."""

import math
import struct
from dataclasses import dataclass

from pictures.looks import (
    COLOUR_SIDE,
    GRAY_SIDE,
    LARGE_SIDE,
    PAGE_SIDE,
    Look,
    Source,
    Spooled,
    Taken,
    View,
)

# Views; bytes of the colour, of a hash, of a gray, of the large picture, of a name; a time.
HEAD = struct.Struct("<BBHHIH?d")
VIEW = struct.Struct("<?I")  # whether it is framed, bytes of the fine picture
POINTS = struct.Struct("<I")  # bytes of the points, which only some looks have, at the end
DIGEST_BYTES = 16  # of a small picture
MOST_BYTES_OF_POINTS = 1 << 16
MOST_BYTES_OF_PAGE = PAGE_SIDE**2 + 1024  # compressed; what can't be made smaller becomes longer


def pack(look: Look | None) -> bytes:
    """A look as bytes, of its pictures the digests alone; nothing for no look."""
    if look is None:
        return b""
    camera = look.taken.camera.encode("utf-8", "surrogatepass")[:0xFFFF] if look.taken else b""
    head = HEAD.pack(
        len(look.views),
        len(look.colour),
        len(look.views[0].hash),
        _length(look.views[0].gray),
        _length(look.large),
        len(camera),
        look.taken is not None,
        look.taken.seconds if look.taken else 0.0,
    )
    points = POINTS.pack(_length(look.points)) + _digest(look.points) if look.points else b""
    views = map(_packed, look.views)
    return b"".join((head, look.colour, *views, _digest(look.large), camera, points))


def _packed(view: View) -> bytes:
    head = VIEW.pack(view.framed, _length(view.fine))
    return b"".join((head, view.hash, _digest(view.gray), _digest(view.fine)))


def _length(picture: bytes | Spooled | None) -> int:
    return picture.length if isinstance(picture, Spooled) else 0


def _digest(picture: bytes | Spooled | None) -> bytes:
    assert isinstance(picture, Spooled) or not picture  # the others would be lost
    return picture.digest if isinstance(picture, Spooled) else b""


def unpack(
    value: bytes, hash_bytes: int | None = None, source: Source | None = None, place: int = 0
) -> tuple[Look | None, int]:
    """The look that was packed, and how many bytes its pictures have, from a place in a source on.

    ValueError for what `pack` can't have made.
    """
    if not value:
        return None, 0
    try:
        return _unpacked(value, hash_bytes, source, place)
    except struct.error as error:
        raise ValueError(f"it is cut off: {error}") from error


@dataclass(slots=True)
class _Reader:
    """Takes a packed look apart, from its head on."""

    value: bytes
    source: Source | None
    place: int  # of the next small picture in the source
    at: int = HEAD.size

    def take(self, length: int) -> bytes:
        self.at += length
        return self.value[self.at - length : self.at]

    def picture(self, length: int) -> Spooled | None:
        """A small picture by its digest; None for one without bytes, of which nothing is told."""
        if not length:
            return None
        if self.source is None:
            raise ValueError("it has pictures, and no place")
        place = self.place
        self.place += length
        return Spooled(self.take(DIGEST_BYTES), length, place, self.source)

    def view(self, hash_bytes: int, gray_bytes: int) -> View:
        framed, fine_bytes = VIEW.unpack_from(self.value, self.at)
        self.at += VIEW.size
        bits, gray = self.take(hash_bytes), self.picture(gray_bytes)
        return View(bits, gray or b"", framed, self.picture(fine_bytes))

    def points(self) -> Spooled | None:
        """The points, if there is anything left."""
        if self.at >= len(self.value):
            return None
        (length,) = POINTS.unpack_from(self.value, self.at)
        self.at += POINTS.size
        if not length:
            raise ValueError("it ends in points that aren't there")
        return self.picture(length)


def _unpacked(
    value: bytes, wanted: int | None, source: Source | None, first: int
) -> tuple[Look, int]:
    head = HEAD.unpack_from(value)
    count, colour_bytes, hash_bytes, gray_bytes, large_bytes, camera_bytes, is_taken, seconds = head
    reader = _Reader(value, source, first)
    colour = reader.take(colour_bytes)
    views = tuple(reader.view(hash_bytes, gray_bytes) for _ in range(count))
    large = reader.picture(large_bytes)
    camera, points = reader.take(camera_bytes), reader.points()
    sizes = (
        (hash_bytes, (wanted or hash_bytes,)),
        (colour_bytes, (0, 2 * COLOUR_SIDE**2)),
        (gray_bytes, (0, GRAY_SIDE**2)),
        (large_bytes, (0, LARGE_SIDE**2)),
        (len(value), (reader.at,)),
    )
    too_long = any(_length(view.fine) > MOST_BYTES_OF_PAGE for view in views)
    too_long |= _length(points) > MOST_BYTES_OF_POINTS
    if not views or too_long or any(size not in right for size, right in sizes):
        raise ValueError("it has other sizes than a look")
    if not math.isfinite(seconds):
        raise ValueError("there is no such time")
    taken = Taken(camera.decode("utf-8", "surrogatepass"), seconds) if is_taken else None
    return Look(views, large, taken, colour, points=points), reader.place - first
