"""What is known of a picture as bytes, but for its small pictures, which lie elsewhere."""

import math
import struct

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
DIGEST_BYTES = 16  # of a small picture
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
    return b"".join((head, look.colour, *map(_packed, look.views), _digest(look.large), camera))


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


def _unpacked(
    value: bytes, wanted: int | None, source: Source | None, first: int
) -> tuple[Look, int]:
    head = HEAD.unpack_from(value)
    count, colour_bytes, hash_bytes, gray_bytes, large_bytes, camera_bytes, is_taken, seconds = head
    at, place = HEAD.size + colour_bytes, first
    gray_digest = DIGEST_BYTES if gray_bytes else 0
    colour, views, longest = value[HEAD.size : at], [], 0

    def spooled(length: int, at: int) -> Spooled | None:
        nonlocal place
        if not length:
            return None
        if source is None:
            raise ValueError("it has pictures, and no place")
        place += length
        return Spooled(value[at : at + DIGEST_BYTES], length, place - length, source)

    for _ in range(count):
        framed, fine_bytes = VIEW.unpack_from(value, at)
        bits = at + VIEW.size
        end = bits + hash_bytes
        gray, fine = spooled(gray_bytes, end), spooled(fine_bytes, end + gray_digest)
        views.append(View(value[bits:end], gray or b"", framed, fine))
        at = end + gray_digest + (DIGEST_BYTES if fine_bytes else 0)
        longest = max(longest, fine_bytes)
    large = spooled(large_bytes, at)
    camera_at = at + (DIGEST_BYTES if large_bytes else 0)
    sizes = (
        (hash_bytes, (wanted or hash_bytes,)),
        (colour_bytes, (0, 2 * COLOUR_SIDE**2)),
        (gray_bytes, (0, GRAY_SIDE**2)),
        (large_bytes, (0, LARGE_SIDE**2)),
        (len(value), (camera_at + camera_bytes,)),
    )
    if not count or longest > MOST_BYTES_OF_PAGE or any(size not in right for size, right in sizes):
        raise ValueError("it has other sizes than a look")
    if not math.isfinite(seconds):
        raise ValueError("there is no such time")
    taken = Taken(value[camera_at:].decode("utf-8", "surrogatepass"), seconds) if is_taken else None
    return Look(tuple(views), large, taken, colour), place - first
