"""Pictures that are made to cost much time or memory, and what each costs.

    python tests/hostile.py    a table: seconds of CPU, MB of memory, and what came of it

Each is hashed as a worker does it, in a process of its own.
"""

import io
import os
import resource
import struct
import sys
import tempfile
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from PIL import Image, PngImagePlugin  # noqa: E402

from disk.files import ImageFile  # noqa: E402
from pictures import limits, workers  # noqa: E402
from pictures.hashing import hash_file  # noqa: E402
from pictures.images import Unreadable  # noqa: E402
from pictures.recipe import Recipe  # noqa: E402

CAT = ROOT / "tests" / "samples" / "2024" / "cat.jpg"


@dataclass(frozen=True)
class Cost:
    seconds: float  # of CPU
    megabytes: float  # more than a worker has before
    reason: str  # why it is unreadable, or ""


def cost(path: Path) -> Cost:
    """Hash a file in a worker of its own; it is killed after the time that a file has."""
    reader, writer = os.pipe()
    with warnings.catch_warnings(action="ignore"):  # of threads, which xdist has
        child = os.fork()
    if not child:
        try:
            _hash_and_report(path, writer)
        finally:  # whatever went wrong, it must not go on as a second run of the tests
            os._exit(1)
    os.close(writer)
    _, status, used = os.wait4(child, 0)
    with os.fdopen(reader) as stream:
        megabytes, _, reason = stream.read().partition(" ")
    if os.WIFSIGNALED(status):
        return Cost(used.ru_utime + used.ru_stime, 0, f"killed by signal {os.WTERMSIG(status)}")
    return Cost(used.ru_utime + used.ru_stime, float(megabytes), reason)


def _hash_and_report(path: Path, writer: int) -> None:
    from pictures import fingerprint  # noqa: F401

    file = ImageFile(str(path), path.stat().st_size, 0)
    most = int(limits.FINDING.cpu_seconds(file.size))
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))
    workers.start_worker(limits.FINDING.lock)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _memory("VmRSS")
    result = hash_file(file, Recipe())
    megabytes = (_memory("VmHWM") - before) / 1e6
    reason = result.reason if isinstance(result, Unreadable) else ""
    os.write(writer, f"{megabytes} {reason}".encode())
    os._exit(0)


def _memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


# ---- The pictures


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    data = io.BytesIO()
    image.save(data, file_format, **options)
    return data.getvalue()


def cat(mode: str = "RGB", size: tuple[int, int] = (600, 400)) -> Image.Image:
    with Image.open(CAT) as image:
        return image.convert(mode).resize(size)


def huge_webp() -> bytes:
    size = struct.pack("<BI", 0x2F, 16382 | 16382 << 14) + bytes(10)
    chunk = b"VP8L" + struct.pack("<I", len(size)) + size + bytes(len(size) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def huge_gif() -> bytes:
    screen = struct.pack("<HH", 20_000, 20_000)
    palette = b"\x80\0\0" + bytes(6)
    return b"GIF89a" + screen + palette + b"," + bytes(4) + screen + b"\0\x02\x02D\x01\0;"


def huge_avif() -> bytes:
    data = encoded(cat(), "AVIF")
    return data.replace(struct.pack(">II", 600, 400), struct.pack(">II", 16_000, 14_000))


def huge_tiff() -> bytes:
    data = bytearray(encoded(cat("CMYK"), "TIFF", compression="tiff_lzw"))
    for tag, value in ((256, 600), (257, 400), (278, 400)):
        for kind in (3, 4):
            head = struct.pack("<HHI", tag, kind, 1)
            place = data.find(head + struct.pack("<H", value))
            if place >= 0:
                data[place : place + 12] = struct.pack("<HHII", tag, 4, 1, 13_300)
    return bytes(data)


def huge_png() -> bytes:
    data = bytearray(encoded(cat(), "PNG"))
    data[16:24] = struct.pack(">II", 30_000, 30_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


def many_scans(count: int = 1000) -> bytes:
    data = encoded(cat(size=(3000, 3000)), "JPEG", progressive=True)
    start = data.rindex(b"\xff\xda")
    return data[:start] + data[start:-2] * count + b"\xff\xd9"


def header_and(filling: bytes) -> bytes:
    return encoded(cat(), "JPEG")[:20] + filling


def large_texts() -> bytes:
    texts = PngImagePlugin.PngInfo()
    for number in range(3):
        texts.add_text(f"prompt {number}", "a very long story " * 1_000_000, zip=True)
    return encoded(cat(), "PNG", pnginfo=texts)


def phone_photo() -> bytes:
    """200 megapixels, as phones take them."""
    return encoded(cat(size=(16_320, 12_240)), "JPEG", quality=75)


def large_photo(file_format: str, **options: object) -> Callable[[], bytes]:
    """50 megapixels, as cameras take them."""
    return lambda: encoded(cat(size=(8_660, 5_774)), file_format, **options)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "a WebP of 40 bytes and 268 megapixels": huge_webp,
    "a GIF of 43 bytes and 400 megapixels": huge_gif,
    "an AVIF that claims 224 megapixels": huge_avif,
    "a CMYK TIFF that claims 177 megapixels": huge_tiff,
    "a PNG that claims 900 megapixels": huge_png,
    "a progressive JPEG with 1,000 scans": many_scans,
    "a progressive JPEG with 90 scans": lambda: many_scans(80),
    "a JPEG header on 50 MB of zeros": lambda: header_and(bytes(50_000_000)),
    "a JPEG header on 64 MB of 0xFF": lambda: header_and(b"\xff" * (64 << 20)),
    "64 MB of 0xFF": lambda: b"\xff" * (64 << 20),
    "a JPEG of a million empty segments": lambda: header_and(b"\xff\xe1\0\x02" * 1_000_000),
}
SPARSE = {"a JPEG header on a sparse 4 GB file": 4 << 30, "... on a sparse 900 MB file": 900 << 20}
REAL: dict[str, Callable[[], bytes]] = {
    "a phone's JPEG of 200 megapixels": phone_photo,
    "a PNG with 54 MB of texts": large_texts,
    "a PNG of 50 megapixels": large_photo("PNG", compress_level=1),
    "a TIFF of 50 megapixels": large_photo("TIFF", compression="tiff_lzw"),
    "a progressive JPEG of 50 megapixels": large_photo("JPEG", progressive=True),
}


def write(folder: Path, name: str) -> Path:
    """Make one of the files."""
    path = folder / "hostile.jpg"
    if name in SPARSE:
        path.write_bytes(header_and(b""))
        os.truncate(path, SPARSE[name])
    else:
        path.write_bytes({**HOSTILE, **REAL}[name]())
    return path


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in (*HOSTILE, *SPARSE, *REAL):
            found = cost(write(Path(folder), name))
            print(
                f"{name:42} {found.seconds:6.2f} s {found.megabytes:6.0f} MB  "
                f"{found.reason or 'hashed'}",
                flush=True,
            )


if __name__ == "__main__":
    main()
