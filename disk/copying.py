"""A copy of a file, or a preview of it, made under another name before it gets its own."""

import contextlib
import hashlib
import io
import os
import shutil
import threading
from collections.abc import Callable

from disk import system
from disk.files import (
    ImageFile,
    digest_file,
    open_regular,
    try_to,
)

CHANGED = "the original changed since find saw it"
_ONE_AFTER_THE_OTHER = threading.Lock()


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


def rename_new(path: str, target: str) -> None:
    """Rename a file, but over no other: a file system may take more names for one than we know."""
    with _ONE_AFTER_THE_OTHER:
        if os.path.lexists(target):
            raise OSError("another copy has its name in this file system")
        os.rename(path, target)


def _fill(path: str, source: io.FileIO) -> None:
    """Make a file with the content of an open one, to be read by the same people, and on disk."""
    cloned = system.clone(source.fileno(), path)
    with open(path, "rb" if cloned else "xb") as stream:
        if not (cloned or system.share_blocks(source.fileno(), stream.fileno())):
            shutil.copyfileobj(source, stream, 1 << 20)
        stream.flush()
        system.copy_permissions(source.fileno(), stream.fileno())
        os.fsync(stream.fileno())


def copy_file(
    original: ImageFile,
    target: str,
    digest: str,
    partial: str,
    rename: Callable[[str, str], None] = rename_new,
) -> None:
    """Copy a file under another name first; it gets its own when its content is proven.

    Raises OSError, also if the original's content is no longer the one that find saw.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(partial)
    try:
        with open_regular(original.path) as source:
            _fill(partial, source)
        if digest_file(partial) != digest:
            raise OSError(CHANGED)
        os.utime(partial, ns=(original.mtime_ns, original.mtime_ns))
        rename(partial, target)
    except OSError:
        try_to(os.unlink, partial)
        raise


def write_preview(data: bytes, original: ImageFile, path: str) -> None:
    """Write a file that stands for an original, with its time, and for the same people to read.

    Raises OSError, and then there is none.
    """
    try:
        with open_regular(original.path) as source, open(path, "xb") as stream:
            system.copy_permissions(source.fileno(), stream.fileno())
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if digest_file(path) != hashlib.sha256(data).hexdigest():
            raise OSError("the disk doesn't give back what was written")
        os.utime(path, ns=(original.mtime_ns, original.mtime_ns))
    except OSError:
        try_to(os.unlink, path)
        raise
