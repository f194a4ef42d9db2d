"""Find photos in folders, and hash what they show."""

import contextlib
import errno
import fnmatch
import functools
import hashlib
import io
import os
import queue
import re
import signal
import stat
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from config import RESULT_MARKER as RESULT_MARKER  # storage knows it from here

if TYPE_CHECKING:  # these take half a second to import, and only `find` needs them
    from multiprocessing.context import ForkServerContext

    from numpy.typing import NDArray
    from pebble import ProcessFuture
    from PIL import Image

    Hashing = ProcessFuture["HashedImage | Unreadable"]

PHOTO_EXTENSIONS = frozenset(".jpg .jpeg .jpe .jfif .png .bmp .gif .tif .tiff .webp .avif".split())
# Named, because Pillow goes by content: an EPS called .jpg would start Ghostscript.
FORMATS = ("JPEG", "PNG", "BMP", "DIB", "GIF", "TIFF", "WEBP", "AVIF")
STANDARD_SIZE = (1024, 1024)
MAX_FILE_BYTES = 1 << 30
MAX_PIXELS = 178_956_970  # Pillow's own limit, as RGB half a gigabyte
MAX_JPEG_PIXELS = 10**9  # a JPEG is decoded at a reduced scale, which costs little
BLANK_DEVIATION = 2.0
BLANK_LEVELS = 4
IN_FLIGHT_PER_WORKER = 8

# What Pillow's decoders raise on broken files, as seen by fuzzing them.
DECODE_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class ImageFile:
    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class HashedImage:
    """A picture's content digest, and its hash unless only identical files may match it."""

    file: ImageFile
    digest: str
    hash: bytes | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    file: ImageFile
    reason: str


@dataclass(frozen=True, slots=True)
class HardLink:
    """Another path to a file that was found before."""

    path: str


@dataclass(frozen=True, slots=True)
class SkippedFolder:
    path: str
    reason: str


Found = ImageFile | Unreadable | HardLink | SkippedFolder


def walk(
    input_dirs: Iterable[str], exclude: Sequence[str] = (), leave_out: Iterable[str] = ()
) -> Iterator[Found]:
    """Yield the photos below some folders in sorted order. Changes nothing on disk.

    Symbolic links and special files are passed over, and so are the folders that match
    `exclude`, the paths in `leave_out` and results of earlier runs.
    """
    excluded = _matcher(exclude)
    left_out = frozenset(leave_out)
    inodes: set[tuple[int, int]] = set()
    folders: set[str] = set()
    for input_dir in input_dirs:
        stack = [input_dir]
        while stack:
            folder = stack.pop()
            if folder in folders or folder in left_out:
                continue
            folders.add(folder)
            try:
                with os.scandir(folder) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
                photos = [entry.path for entry in entries if _is_photo(entry)]
                below = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
            except OSError as error:
                yield SkippedFolder(folder, _reason(error))
                continue
            if folder != input_dir and any(entry.name == RESULT_MARKER for entry in entries):
                continue
            for path in photos:
                yield _photo(path, inodes)
            stack.extend(path for path in reversed(below) if not excluded(path))


def hash_files(
    files: Iterable[ImageFile], hash_size: int, workers: int
) -> Iterator[HashedImage | Unreadable]:
    """Hash photos in worker processes; yields one result a file, as they are done.

    A picture that kills its worker becomes an `Unreadable`, and the run goes on.
    """
    from pebble import ProcessPool

    context = _fork_server()
    done: queue.SimpleQueue[tuple[ImageFile, Hashing]] = queue.SimpleQueue()
    waiting = iter(files)
    in_flight = 0
    pool = ProcessPool(max_workers=workers, context=context, initializer=_start_worker)
    try:
        with _ctrl_c_waits():
            _ = pool.active  # asking starts the workers
        while True:
            while in_flight < workers * IN_FLIGHT_PER_WORKER and (file := next(waiting, None)):
                future = pool.schedule(hash_file, args=(file, hash_size))
                future.add_done_callback(functools.partial(_report_done, done, file))
                in_flight += 1
            if not in_flight:
                return
            file, future = done.get()
            in_flight -= 1
            yield _outcome(file, future)
    finally:
        pool.stop()
        pool.join()


def hash_file(file: ImageFile, hash_size: int) -> HashedImage | Unreadable:
    """Read a photo once, for its digest and for its hash.

    The hash is None where only identical files may match: a picture without content, or a
    file of several pages or frames.
    """
    import imagehash
    import numpy as np

    try:
        file, data = read_file(file.path)
        gray = standard_gray(data)
    except DECODE_ERRORS as error:
        return Unreadable(file, _reason(error))
    digest = hashlib.sha256(data).hexdigest()
    if gray is None or is_blank(gray):
        return HashedImage(file, digest, None)
    bits = imagehash.phash(gray, hash_size=hash_size).hash
    return HashedImage(file, digest, np.packbits(bits).tobytes())


def read_file(path: str) -> tuple[ImageFile, bytes]:
    """A regular file's content, with the size and time it had; OSError for anything else."""
    with open_regular(path) as stream:
        status = os.fstat(stream.fileno())
        if status.st_size == 0:
            raise OSError("the file is empty")
        if status.st_size > MAX_FILE_BYTES:
            raise OSError("the file is larger than 1 GiB")
        data = stream.read()
    return ImageFile(path, len(data), status.st_mtime_ns), data


def open_regular(path: str) -> io.FileIO:
    """Open a regular file for reading, following no symbolic link and waiting for no FIFO."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    stream = io.FileIO(os.open(path, flags), closefd=True)
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise OSError(errno.EINVAL, "not a regular file", path)
    return stream


def digest_file(path: str) -> str:
    """The SHA-256 of a regular file's content, in hex; OSError if it can't be read."""
    with open_regular(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def standard_gray(data: bytes) -> "Image.Image | None":
    """Decode an image file to the 1024x1024 gray that is hashed; None for several frames.

    Upright by its EXIF orientation, on white where it is transparent, in its full range.
    Raises one of `DECODE_ERRORS` for what can't be decoded.
    """
    from PIL import ExifTags, Image, ImageOps

    Image.MAX_IMAGE_PIXELS = None  # judged below, by format
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    budget = MAX_JPEG_PIXELS if image.format in ("JPEG", "MPO") else MAX_PIXELS
    if image.width * image.height > budget:
        raise ValueError(f"{image.width}x{image.height} pixels are more than can be decoded")
    # An MPO is a photo with previews or a second lens, not a document.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        return None
    image.draft("L", STANDARD_SIZE)
    image.load()
    gray = _gray(image)
    # Turning the square picture costs less than turning the full one, and is the same.
    gray.info.clear()  # its EXIF data may be broken
    gray.getexif()[ExifTags.Base.Orientation] = _orientation(image)
    return ImageOps.exif_transpose(gray)


def is_blank(gray: "Image.Image") -> bool:
    """Whether a gray picture shows nothing to compare: a blank scan, a lens cap, one colour."""
    from PIL import ImageStat

    levels = sum(1 for count in gray.histogram() if count)
    return levels < BLANK_LEVELS or ImageStat.Stat(gray).stddev[0] < BLANK_DEVIATION


def _gray(image: "Image.Image") -> "Image.Image":
    """What a person sees of a decoded picture, as gray of the standard size."""
    if image.mode == "LAB":
        return _standard(_from_lab(image).convert("L"))
    if image.mode == "F" or image.mode.startswith("I"):
        return _standard(_stretched(image))
    if image.mode == "La":  # has no direct way to gray or RGBA
        image = image.convert("LA")
    if image.has_transparency_data or image.mode == "RGBa":
        return _on_white(image.convert("RGBA"))
    if image.mode == "HSV":  # has no direct way to gray
        image = image.convert("RGB")
    return _standard(image.convert("L"))


def _standard(image: "Image.Image") -> "Image.Image":
    from PIL import Image

    return image.resize(STANDARD_SIZE, Image.Resampling.LANCZOS)


def _on_white(image: "Image.Image") -> "Image.Image":
    """Compose on white, or take the alpha channel where that leaves nothing to see."""
    from PIL import Image

    small = _standard(image)
    white = Image.new("RGBA", small.size, "white")
    gray = Image.alpha_composite(white, small).convert("L")
    alpha = small.getchannel("A")
    return alpha if is_blank(gray) and not is_blank(alpha) else gray


def _stretched(image: "Image.Image") -> "Image.Image":
    """Scale 16-bit, 32-bit and float pixels from their own range to 0..255; NaN is 0.

    A 16-bit picture is stretched over four gray levels at the least, so that the noise of
    a blank scan doesn't become a picture.
    """
    import numpy as np
    from PIL import Image

    pixels: NDArray[np.float64] = np.asarray(image).astype(np.float64)
    np.nan_to_num(pixels, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(pixels.min()), float(pixels.max())
    if image.mode.startswith("I;16"):
        high = max(high, low + BLANK_LEVELS * 257)
    if image.format == "TIFF" and _white_is_zero(image):
        low, high = high, low
    scale = 255.0 / (high - low) if high != low else 0.0
    pixels -= low  # in place: a large scan's floats fill half a gigabyte
    pixels *= scale
    return Image.fromarray(np.rint(pixels, out=pixels).clip(0, 255, out=pixels).astype(np.uint8))


def _white_is_zero(image: "Image.Image") -> bool:
    """Whether a TIFF counts from white to black, which Pillow inverts in 8 bits only."""
    photometric = 262
    return bool(image.tag_v2.get(photometric) == 0)  # type: ignore[attr-defined]


def _from_lab(image: "Image.Image") -> "Image.Image":
    from PIL import ImageCms

    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    rgb = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
    assert rgb is not None
    return rgb


def _orientation(image: "Image.Image") -> int:
    """The EXIF orientation; a picture with broken EXIF data is still a picture."""
    from PIL import ExifTags

    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except DECODE_ERRORS:
        return 1


@functools.cache
def _fork_server() -> "ForkServerContext":
    """Start the server that forks the workers, and wait until it has imported what they need."""
    import multiprocessing
    from multiprocessing import forkserver, resource_tracker

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["scipy.fftpack", "imagehash"])
    resource_tracker.ensure_running()  # when it starts, it lets Ctrl-C through
    with _ctrl_c_waits():
        forkserver.ensure_running()
    first = context.Process(target=os.getpid)  # waits for the server; Ctrl-C may end that
    first.start()
    first.join()
    return context


@contextlib.contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """Put off Ctrl-C while processes start; they stay deaf to it, and so print no traceback."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _start_worker() -> None:
    """Keep the decoders' own messages off the terminal."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _report_done(
    done: "queue.SimpleQueue[tuple[ImageFile, Hashing]]", file: ImageFile, future: "Hashing"
) -> None:
    done.put((file, future))


def _outcome(file: ImageFile, future: "Hashing") -> HashedImage | Unreadable:
    from pebble import ProcessExpired

    try:
        return future.result()
    except ProcessExpired as error:
        return Unreadable(file, f"it crashed the decoder (exit code {error.exitcode})")


def _is_photo(entry: "os.DirEntry[str]") -> bool:
    """Whether an entry is a regular file with a photo's extension ("._x.jpg" is macOS's)."""
    extension = os.path.splitext(entry.name)[1].lower()
    return (
        extension in PHOTO_EXTENSIONS
        and not entry.name.startswith("._")
        and entry.is_file(follow_symlinks=False)
    )


def _photo(path: str, inodes: set[tuple[int, int]]) -> ImageFile | Unreadable | HardLink:
    try:
        status = os.lstat(path)
    except OSError as error:
        return Unreadable(ImageFile(path, 0, 0), _reason(error))
    inode = (status.st_dev, status.st_ino)
    if inode in inodes:
        return HardLink(path)
    inodes.add(inode)
    return ImageFile(path, status.st_size, status.st_mtime_ns)


def _matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """A test of folder paths: patterns with a slash see the path's end, the others the name."""
    patterns = [pattern.rstrip("/") for pattern in patterns]
    by_path = _any_of([os.path.join("*", pattern) for pattern in patterns if "/" in pattern])
    by_name = _any_of([pattern for pattern in patterns if "/" not in pattern])
    return lambda path: bool(by_path(path) or by_name(os.path.basename(path)))


def _any_of(patterns: Sequence[str]) -> Callable[[str], re.Match[str] | None]:
    return re.compile("|".join(map(fnmatch.translate, patterns)) or r"(?!)").match


def _reason(error: BaseException) -> str:
    """One line that says what is wrong, without the path that stands beside it."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = " ".join(re.sub(r" <_io\.BytesIO object at \w+>", "", str(error)).split())
    return (
        text
        if isinstance(error, (OSError, ValueError)) and text
        else (f"{type(error).__name__}: {text}".rstrip(": "))
    )
