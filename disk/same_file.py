"""Whether two names lead to one file, whatever the devices say. Changes nothing on disk."""

import functools
import os

MOUNTS = "/proc/self/mountinfo"  # on Linux
# They number their files by the order in which these are looked at.
MADE_UP_NUMBERS = ("vfat", "msdos", "exfat", "fuse")

Identity = tuple[int, int, int, int]


def identity(status: os.stat_result) -> Identity:
    """What a file has in common with itself where another mount shows it as on another device."""
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def are_one(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether two statuses are of one file: by hard links, or by one place under two mounts.

    An overlay and the folder below it, or a disk and its network mount, are two devices.
    """
    if os.path.samestat(one, other):
        return True
    made_up = _makes_up_numbers(one.st_dev) and _makes_up_numbers(other.st_dev)
    return one.st_dev != other.st_dev and identity(one) == identity(other) and not made_up


@functools.cache
def _makes_up_numbers(device: int) -> bool:
    """Whether inode numbers say nothing there: two sticks with the same photos have the same."""
    name = f"{os.major(device)}:{os.minor(device)}"
    try:
        with open(MOUNTS, encoding="utf-8", errors="replace") as stream:
            mounts = [line.partition(" - ") for line in stream]
    except OSError:
        return False
    return any(
        place.split()[2] == name and kind.startswith(MADE_UP_NUMBERS) for place, _, kind in mounts
    )
