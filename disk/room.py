"""What copies take of a disk, and whether it has that."""

import os
import shutil
from collections.abc import Callable, Iterable

from config import UserError
from disk import system
from disk.files import ImageFile, open_regular, try_to
from disk.record import SavedCopy


def check_not_full(output_dir: str) -> None:
    """Raise UserError if nothing can be written beside the output folder. Changes nothing."""
    parent = _parent_that_exists(output_dir)
    if system.is_full(parent):
        raise UserError(f"the disk of {parent} is full; make room, or choose another OUTPUT_DIR.")


def size_of(file: ImageFile) -> int:
    """What a whole copy of a file takes."""
    return file.size


def check_space(
    copies: Iterable[SavedCopy],
    output_dir: str,
    shares: Callable[[int, str], bool],
    bytes_of: Callable[[ImageFile], int] = size_of,
) -> None:
    """Raise UserError unless the copies fit on the output folder's disk.

    `shares` tells whether a copy in a folder shares the disk space of an open original; it is asked
    once a device. `bytes_of` tells what one takes else. Changes nothing on disk.
    """
    parent = _parent_that_exists(output_dir)
    needed = bytes_needed(copies, output_dir, shares, bytes_of)
    free = shutil.disk_usage(parent).free
    if needed > free:
        raise UserError(
            f"the copies need {needed:,} bytes and {parent} has {free:,} "
            "bytes free; make room, or choose another OUTPUT_DIR."
        )


def bytes_needed(
    copies: Iterable[SavedCopy],
    output_dir: str,
    shares: Callable[[int, str], bool],
    bytes_of: Callable[[ImageFile], int] = size_of,
) -> int:
    """What copies take of the output folder's disk, as for `check_space`. Changes nothing."""
    parent = _parent_that_exists(output_dir)
    shared_from: dict[int, bool] = {}  # by device
    needed = 0
    for copy in copies:
        try:
            device = os.lstat(copy.original.path).st_dev
            if device not in shared_from:
                with open_regular(copy.original.path) as source:
                    shared_from[device] = shares(source.fileno(), parent)
        except OSError:
            continue  # it can't be copied
        needed += 0 if shared_from[device] else bytes_of(copy.original)
    return needed


def _parent_that_exists(output_dir: str) -> str:
    parent = os.path.dirname(output_dir)
    while not os.path.isdir(parent):  # in a dry run it may not be there yet
        parent = os.path.dirname(parent)
    return parent


def may_share(source: int, folder: str) -> bool:
    """Whether a copy in a folder may share the disk space of an open file. Changes nothing on disk.

    Where that can't be tried without a name, it may on the same device.
    """
    shares = system.shares_blocks(source, folder)
    return os.fstat(source).st_dev == os.stat(folder).st_dev if shares is None else shares


def does_share(source: int, partial: str) -> bool:
    """Whether a copy of an open file shares its disk space, by making one and removing it again."""
    try:
        if system.clone(source, partial):
            return True
        with open(partial, "xb") as stream:
            return system.share_blocks(source, stream.fileno())
    except OSError:
        return False
    finally:
        try_to(os.unlink, partial)
