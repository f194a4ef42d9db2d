"""Files, read safely: no link is followed, no FIFO waited for."""

import errno
import hashlib
import io
import os
import stat
from dataclasses import dataclass, field

MAX_FILE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class ImageFile:
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
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags)
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
