"""A file copied whole, with its content proven before it gets its name."""

import contextlib
import fcntl
import os
import shutil
import stat
import sys
from collections.abc import Callable

from disk.files import (
    ImageFile,
    digest_file,
    open_regular,
    try_to,
)

FICLONE = 0x40049409  # Linux's request to share a file's blocks, from linux/fs.h


def rename_to_new(path: str, target: str) -> None:
    """Rename a file; FileExistsError if there is one of the new name."""
    try:
        os.link(path, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(target):
            raise FileExistsError(target) from None
        os.rename(path, target)
    else:
        os.unlink(path)


def _rename_new(path: str, target: str) -> None:
    """Rename a file, but over no other: a file system may take more names for one than we know."""
    if os.path.lexists(target):
        raise OSError("another copy has its name in this file system")
    os.rename(path, target)


def copy_file(
    original: ImageFile,
    target: str,
    digest: str,
    partial: str,
    rename: Callable[[str, str], None] = _rename_new,
) -> None:
    """Copy a file under another name first; it gets its own when its content is proven.

    Raises OSError, also if the original's content is no longer the one that find saw.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(partial)
    try:
        with open_regular(original.path) as source, open(partial, "xb") as stream:
            if not _reflink(source.fileno(), stream.fileno()):
                shutil.copyfileobj(source, stream, 1 << 20)
            stream.flush()
            os.fchmod(stream.fileno(), stat.S_IMODE(os.fstat(source.fileno()).st_mode) & 0o777)
            os.fsync(stream.fileno())
        if digest_file(partial) != digest:
            raise OSError("the original changed since find saw it")
        os.utime(partial, ns=(original.mtime_ns, original.mtime_ns))
        rename(partial, target)
    except OSError:
        try_to(os.unlink, partial)
        raise


def _reflink(source: int, target: int) -> bool:
    """Share the blocks of a file where the file system can copy on write."""
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(target, FICLONE, source)
    except OSError:
        return False
    return True
