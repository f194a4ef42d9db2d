"""Disks that are full or read-only, and clocks that jump."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Library, tree


def mount(folder: Path, options: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def disk(library: Library) -> Iterator[Path]:
    """A disk of its own, on which the output folder will lie."""
    folder = library.folder / "disk"
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0 or not mount(folder, "size=20m"):
        pytest.skip("needs to be root on Linux, to mount a disk in memory")
    library.output = folder / "output"
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


def test_on_a_disk_without_room_for_names_the_old_result_stands(
    library: Library, disk: Path
) -> None:
    """Its bytes are enough, so that it is noticed only in the middle."""
    library.find()
    library.add("vacation1_new.jpg", quality=55)
    before = tree(library.folder)
    used = os.statvfs(disk)
    remount(disk, f"nr_inodes={used.f_files - used.f_ffree + 6}")
    ran = library.run("find")
    assert ran.code in (1, 2)
    assert "No space left on device" in ran.out + ran.err
    if ran.code == 2:
        assert tree(library.folder) == before
    remount(disk, "nr_inodes=0")
    library.find()
    assert len(library.info()) == 6


def test_a_full_disk_ends_check_deleted_and_cleanup_and_nothing_goes(
    library: Library, disk: Path
) -> None:
    library.find()
    library.delete_copies("vacation1_copy.jpg")
    assert library.check().code == 0
    with (disk / "filling").open("wb") as filling, contextlib.suppress(OSError):
        while True:
            os.write(filling.fileno(), bytes(4096))
    before = tree(library.photos)
    assert library.check().code == 2
    log = ("--log-file", str(disk / "journal.txt"))  # the last block of the old one has room
    ran = library.cleanup(*log)
    assert ran.code == 1
    assert "No space left on device" in ran.out
    assert tree(library.photos) == before
    (disk / "filling").unlink()
    assert library.cleanup(*log).code == 0
    assert "vacation1_copy.jpg" not in library.names()


@pytest.mark.parametrize("action", ["find", "check-deleted", "cleanup"])
def test_a_read_only_disk_ends_each_action_with_one_line(
    library: Library, disk: Path, action: str
) -> None:
    library.find()
    library.delete_copies("vacation1_copy.jpg")
    assert library.check().code == 0
    before = tree(library.folder)
    remount(disk, "ro")
    ran = library.run(action)
    remount(disk, "rw")
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert "Read-only file system" in ran.err
    assert tree(library.folder) == before


def test_clocks_that_jump_change_nothing(library: Library) -> None:
    """Times are compared for being equal, and never for being earlier or later."""
    for name, seconds in (
        ("vacation1.jpg", -86_400 * 365),
        ("vacation1_copy.jpg", 2**33),
        ("vacation1_old.jpg", 0),
    ):
        os.utime(library.photos / name, (seconds, seconds))
    library.find()
    library.delete_copies("vacation1_copy.jpg", "vacation1_old.jpg")
    os.utime(library.output / "info.txt", (0, 0))
    assert library.check().code == 0
    os.utime(library.list_file, (2**33, 2**33))
    assert library.cleanup().code == 0
    assert "vacation1.jpg" in library.names()
    assert "vacation1_copy.jpg" not in library.names()
