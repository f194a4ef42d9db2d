"""Videos as phones write them, as far as their boxes go, and what Apple notes in a photo."""

import struct

ONE, ANOTHER = (f"{digit * 8}-0000-4000-8000-{digit * 12}" for digit in "AB")
KEY = b"com.apple.quicktime.content.identifier"


def box(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def film(
    identifier: str = "",
    *,
    seconds: float = 3,
    scale: int = 600,
    wide: bool = False,
    plain: bool = True,
) -> bytes:
    """A video; its metadata has a version unless it is `plain`, as QuickTime's is."""
    length = int(seconds * 600)
    times = struct.pack(">QQIQ" if wide else ">IIII", 1, 2, scale, length)
    header = box(b"mvhd", bytes([wide, 0, 0, 0]) + times + bytes(80))
    metadata = _metadata(identifier.encode(), plain=plain) if identifier else b""
    return box(b"ftyp", b"qt  ") + _large(b"mdat", bytes(64)) + box(b"moov", header + metadata)


def _large(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content


def _metadata(identifier: bytes, *, plain: bool) -> bytes:
    names = (b"com.apple.quicktime.make", KEY)
    keys = b"".join(box(b"mdta", name) for name in names)
    values = b"".join(
        box(struct.pack(">I", n), box(b"data", struct.pack(">II", 1, 0) + value))
        for n, value in enumerate((b"Apple", identifier), 1)
    )
    listed = box(b"keys", struct.pack(">II", 0, len(names)) + keys) + box(b"ilst", values)
    return box(b"meta", (b"" if plain else bytes(4)) + box(b"hdlr", bytes(24)) + listed)


def makers_note(identifier: str, order: str = ">") -> bytes:
    """Apple's maker note with a photo's identifier."""
    value = identifier.encode() + b"\0"
    entries = [(0x0001, 9, 1, 14), (0x0011, 2, len(value), 16 + 2 * 12)]
    rows = b"".join(struct.pack(f"{order}HHII", *entry) for entry in entries)
    head = b"Apple iOS\0\0\1" + (b"MM" if order == ">" else b"II")
    return head + struct.pack(f"{order}H", len(entries)) + rows + value
