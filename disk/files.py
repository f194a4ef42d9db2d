"""Files: read safely, with no link followed and no FIFO waited for, and written whole."""

import contextlib
import errno
import hashlib
import io
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from config import UserError
from disk import system

MAX_FILE_BYTES = 1 << 30
WITHOUT_BUCKETS = ("file", "local", "memory")  # protocols; a path stands in their URLs at once
TEMPORARY_SUFFIX = ".being-written"


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file below an input folder, by its path and what tells whether it has changed."""

    path: str
    size: int
    mtime_ns: int
    inode: int = field(default=0, compare=False)  # 0 where nobody looked
    ctime_ns: int = field(default=0, compare=False)


def read_file(path: str) -> tuple[ImageFile, bytes]:
    """A regular file's content, with the size and time it had; OSError for anything else."""
    with open_regular(path) as stream:
        status = os.fstat(stream.fileno())
        if status.st_size == 0:
            raise OSError("the file is empty")
        if status.st_size > MAX_FILE_BYTES:
            raise OSError("the file is larger than 1 GiB")
        data = stream.read()
    return image_file(path, status), data


def open_regular(path: str) -> io.FileIO:
    """Open a regular file for reading, following no symbolic link and waiting for no FIFO."""
    descriptor = system.open_file(path)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return io.FileIO(descriptor)


def digest_file(path: str) -> str:
    """The SHA-256 of a regular file's content, in hex; OSError if it can't be read."""
    with open_regular(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def image_file(path: str, status: os.stat_result) -> ImageFile:
    times = status.st_mtime_ns, status.st_ctime_ns
    return ImageFile(path, status.st_size, times[0], status.st_ino, times[1])


def write_file(path: str, text: str, rename: Callable[[str, str], None] = os.replace) -> None:
    """Write a file beside its place, flush it to the disk, and rename it into place."""
    temporary = temporary_path(path)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)  # left by a run that was killed
    with open(temporary, "x", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    rename(temporary, path)
    sync_folder(os.path.dirname(path))


def temporary_path(path: str) -> str:
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}{TEMPORARY_SUFFIX}")


def append_lines(path: str, lines: Iterable[str]) -> None:
    """Append lines to a log, on disk when this returns; UserError if it is no text file."""
    descriptor = system.open_file(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        _check_text(descriptor, path)
        data = "".join(line + "\n" for line in lines).encode()
        size = os.fstat(descriptor).st_size
        if size and system.read_at(descriptor, 1, size - 1) != b"\n":
            data = b"\n" + data  # a full disk has cut the last line
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
        if not size:
            sync_folder(os.path.dirname(path))  # the file's name must be on disk, too
    finally:
        os.close(descriptor)


def check_log(path: str) -> None:
    """Refuse a LOG_FILE that is something else, such as a photo. Changes nothing on disk."""
    try:
        descriptor = system.open_file(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(
            f"LOG_FILE {path} can't be read: {error.strerror}; choose another name."
        ) from error
    try:
        _check_text(descriptor, path)
    finally:
        os.close(descriptor)


def _check_text(descriptor: int, path: str) -> None:
    regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
    if not regular or b"\0" in system.read_at(descriptor, 1 << 16, 0):
        raise UserError(f"LOG_FILE {path} is not a text file; choose another name.")


def sync_folder(folder: str) -> None:
    """Have the names in a folder on disk, where the file system can promise that for folders."""
    descriptor = system.open_folder(folder)
    try:
        system.sync_names(descriptor)
    finally:
        os.close(descriptor)


def is_below(path: str, folders: Iterable[str]) -> bool:
    """Whether a path is one of some folders or lies below it, by name."""
    return any(system.lies_in(path, folder) for folder in folders)


def is_url(place: str) -> bool:
    """Whether a place is told by a URL, as that of an object store, and not by a path."""
    return re.match(r"[a-z][a-z0-9+.-]*://", place, re.IGNORECASE) is not None


def names_nothing(url: str) -> bool:
    """Whether a URL names no bucket, or no folder of this machine.

    >>> names_nothing("s3://"), names_nothing("s3:///2024"), names_nothing("file:///")
    (True, True, True)
    >>> names_nothing("s3://photos"), names_nothing("file:///photos"), names_nothing("~/photos")
    (False, False, False)
    """
    if not is_url(url):
        return False
    protocol, _, rest = url.partition("://")
    has_bucket = protocol.lower() not in WITHOUT_BUCKETS
    return not (rest.partition("/")[0] if has_bucket else rest).strip("/ ")


def check_names_something(what: str, url: str) -> None:
    """Raise UserError for a URL that names no bucket: without its slashes it would be a path."""
    if names_nothing(url):
        raise UserError(f"{what} {url} names no bucket; write it as s3://BUCKET/PREFIX.")


def files_in(folder: str) -> Iterator[str]:
    """The paths of everything in a folder but folders with something in them. Changes nothing."""

    def fail(error: OSError) -> None:
        raise UserError(f"{error.filename} can't be read: {error.strerror}.") from error

    for parent, folders, files in os.walk(folder, onerror=fail):
        folders.sort()
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        yield from (os.path.join(parent, name) for name in sorted(files + links))
        if not files and not folders and parent != folder:
            yield parent


def has_digest(path: str, *digests: str) -> bool:
    """Whether a file's content has one of some digests, by reading it once."""
    try:
        return digest_file(path) in digests
    except OSError:
        return False


def is_gone(path: str) -> bool:
    """Whether nothing lies at a path; OSError where that can't be seen, as on a failing disk."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    return False


def is_untouched(path: str, seen: ImageFile) -> bool:
    """Whether size and time are as they were seen, so that reading the file can be spared."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) == (seen.size, seen.mtime_ns)


def try_to(remove: Callable[[str], None], path: str) -> None:
    """Remove what can be removed; what can't is seen by looking again."""
    with contextlib.suppress(OSError):
        remove(path)


def is_regular(path: str) -> bool:
    """Whether a path is that of a regular file, not of a link or a folder."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False
