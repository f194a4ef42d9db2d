"""The first bits of a JPEG XL, by ISO/IEC 18181-1: its size, and whether it moves."""

from typing import NamedTuple

from pictures.heic_items import boxes

SIGNATURE = b"\xff\x0a"
CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
SIZE_BITS = (9, 13, 18, 30)
RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))  # of width to height
HEADER_BYTES = 64
FIRST_PART = 4  # bytes of a number before a codestream that comes in parts


class Header(NamedTuple):
    width: int
    height: int
    moves: bool


def header(data: bytes) -> Header:
    """What a JPEG XL says first; ValueError where it has no codestream."""
    bits = _Bits(_codestream(data))
    width, height = _size(bits)
    return Header(width, height, _moves(bits))


def size(data: bytes) -> tuple[int, int]:
    return header(data)[:2]


def xmp(data: bytes) -> bytes:
    """The XMP packet in a file's boxes; empty if there is none that isn't compressed."""
    if data.startswith(SIGNATURE):
        return b""
    return next((data[b.start : b.end] for b in boxes(data) if b.kind == b"xml "), b"")


def _codestream(data: bytes) -> bytes:
    if data.startswith(SIGNATURE):
        return data[2:HEADER_BYTES]
    for kind, before in ((b"jxlc", 0), (b"jxlp", FIRST_PART)):
        start = data.find(kind) + len(kind) + before
        if start >= len(kind) + before and data[start : start + 2] == SIGNATURE:
            return data[start + 2 : start + HEADER_BYTES]
    raise ValueError("there is no codestream in it")


class _Bits:
    """Reads bits, the lowest of each byte first; behind the end are zeros."""

    def __init__(self, data: bytes) -> None:
        self._left = int.from_bytes(data, "little")

    def next(self, count: int) -> int:
        value = self._left & (1 << count) - 1
        self._left >>= count
        return value


def _size(bits: _Bits) -> tuple[int, int]:
    is_small = bits.next(1)
    height = _side(bits, is_small)
    if ratio := bits.next(3):
        across, down = RATIOS[ratio - 1]
        return height * across // down, height
    return _side(bits, is_small), height


def _side(bits: _Bits, is_small: int) -> int:
    return 8 * (bits.next(5) + 1) if is_small else bits.next(SIZE_BITS[bits.next(2)]) + 1


def _moves(bits: _Bits) -> bool:
    """Whether there are several frames, by the picture's metadata, which follow its size."""
    all_default, more = bits.next(1), bits.next(1)
    if all_default or not more:
        return False
    bits.next(3)  # the orientation, by which its decoder turns it
    if bits.next(1):
        _size(bits)
    has_preview, moves = bits.next(1), bits.next(1)
    return not has_preview and bool(moves)
