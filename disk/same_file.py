"""Whether two names lead to one file, whatever the devices say. Changes nothing on disk."""

import functools
import os

from disk import system
from disk.files import (
    is_gone,
    open_regular,
)

# They number their files by the order in which these are looked at, and may make up times.
MADE_UP_NUMBERS = ("vfat", "msdos", "exfat", "fuse")
# They show files that lie in another place, which may be there to see, too; with own numbers.
VIEWS = ("overlay", "aufs", "nfs", "cifs", "smb", "9p", "virtiofs", "ceph", "fuse.")
# Of FUSE, those that show the times as they are.
WITH_TRUE_TIMES = ("fuse.mergerfs", "fuse.bindfs", "fuse.gocryptfs", "fuse.unionfs")
DISKS_BY_FUSE = "fuseblk"

Identity = tuple[int, int, int]


def identity(status: os.stat_result) -> Identity:
    """What a file has in common with itself where another mount shows it as on another device.

    Some servers tell times in steps of 100 ns.
    """
    return status.st_size, status.st_mtime_ns // 1000, status.st_ctime_ns // 1000


def are_one(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether two statuses are of one file: by hard links, or by one place under two mounts.

    An overlay and the folder below it, or a disk and its network mount, are two devices; such
    mounts may have inode numbers of their own.
    """
    if os.path.samestat(one, other):
        return True
    if one.st_dev == other.st_dev or identity(one) != identity(other):
        return False
    kinds = _kind(one.st_dev), _kind(other.st_dev)
    if all(map(_makes_up_numbers, kinds)):  # two sticks with the same photos
        return False
    return one.st_ino == other.st_ino or any(kind.startswith(VIEWS) for kind in kinds)


def may_be_one(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether two files with the same content, on two devices, may be one file.

    Of what a program shows (FUSE: rclone, sshfs) neither numbers nor times need be true.
    """
    if one.st_dev == other.st_dev:
        return False
    return _is_by_program(one.st_dev) or _is_by_program(other.st_dev) or are_one(one, other)


def look_anew() -> None:
    """Forget what is mounted where: numbers of devices are given again."""
    _kind.cache_clear()


def _makes_up_numbers(kind: str) -> bool:
    return kind.startswith(MADE_UP_NUMBERS) and kind not in WITH_TRUE_TIMES


def _is_by_program(device: int) -> bool:
    kind = _kind(device)
    return kind.startswith("fuse") and kind not in (DISKS_BY_FUSE, *WITH_TRUE_TIMES)


@functools.cache
def _kind(device: int) -> str:
    """The kind of file system of a device, or nothing where that isn't known."""
    return system.kind_of_file_system(device)


def found_anew(place: str, other: str) -> os.stat_result | None:
    """The status of a file that can be opened and, on another device than another, is listed.

    It is looked for anew, as a mount that caches names opens what is gone.
    """
    folder, name = os.path.split(place)
    try:
        with open_regular(place) as stream:
            status = os.fstat(stream.fileno())
        if status.st_dev != os.lstat(other).st_dev and name not in os.listdir(folder):
            return None
    except OSError:
        return None
    return status


def is_another_file(place: str, path: str) -> bool:
    """Whether a path leads to a file that is there, and isn't a hard link of the other's."""
    status = found_anew(place, path)
    return status is not None and not os.path.samestat(status, os.lstat(path))


def shows_aside(place: str, aside: str) -> bool:
    """Whether the folder of a path has what was set aside in another folder: they are one place.

    This also holds where a mount makes up inode numbers. OSError where it can't be seen.
    """
    folder, waiting_in = os.path.dirname(place), os.path.dirname(aside)
    return folder != waiting_in and not is_gone(os.path.join(folder, os.path.basename(aside)))
