"""Disks that are full or read-only, and clocks that jump."""

import contextlib
import os
import shutil
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


# ---- A file system that takes names for one that differ in case, without hard links


@pytest.fixture
def folding_disk(bare_library: Library) -> Iterator[Path]:
    """An exFAT disk of its own: names are in UTF-8, and one for another in any case."""
    needed = ("mkfs.exfat", "mount.exfat-fuse", "losetup")
    if os.geteuid() != 0 or not all(map(shutil.which, needed)):
        pytest.skip("needs to be root on Linux, with exfatprogs and exfat-fuse")
    image, folder = bare_library.folder / "image", bare_library.folder / "disk"
    image.write_bytes(b"")
    os.truncate(image, 32 << 20)
    folder.mkdir()
    subprocess.run(["mkfs.exfat", image], check=True, capture_output=True)
    loop = ["losetup", "--find", "--show", image]
    found = subprocess.run(loop, check=False, capture_output=True, text=True)
    device = found.stdout.strip()
    mounted = subprocess.run(["mount.exfat-fuse", device, folder], check=False, capture_output=True)
    if found.returncode or mounted.returncode:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
    subprocess.run(["losetup", "--detach", device], check=True)
    image.unlink()


def test_names_that_the_disk_takes_for_one_are_copied_side_by_side(
    bare_library: Library, folding_disk: Path
) -> None:
    names = ["IMG.jpg", "img.jpg", "Img.JPG", "\xe9.jpg", "e\u0301.jpg", "\xc9.JPG", "\udcff.jpg"]
    for number, name in enumerate(names):
        bare_library.add(name, quality=60 + number)
    bare_library.output = folding_disk / "output"
    for _ in range(2):
        bare_library.find()
        info = bare_library.info()
        assert sorted(map(os.path.basename, info)) == sorted(names)
        for original, copy in info.items():
            assert Path(original).read_bytes() == Path(copy).read_bytes()
    before = tree(bare_library.photos)
    bare_library.delete_copies("img.jpg")
    assert bare_library.check().code == 0
    assert bare_library.cleanup().code == 0
    del before["img.jpg"]
    assert tree(bare_library.photos) == before


def test_photos_on_such_a_disk_are_deleted_or_kept_as_on_any_other(
    bare_library: Library, folding_disk: Path
) -> None:
    bare_library.photos = folding_disk / "photos"
    bare_library.output = folding_disk / "Output"
    for number, name in enumerate(["a.jpg", "b.jpg", "c.jpg", "d.jpg"]):
        bare_library.add(name, quality=60 + number)
    bare_library.find()
    bare_library.delete_copies("b.jpg", "c.jpg")
    assert bare_library.check().code == 0
    changed = bare_library.photos / "c.jpg"
    status = changed.stat()
    data = bytes(reversed(changed.read_bytes()))
    changed.write_bytes(data)
    os.utime(changed, ns=(status.st_atime_ns, status.st_mtime_ns))
    ran = bare_library.cleanup()
    assert ran.code == 1
    assert "it changed since find" in ran.out
    assert sorted(os.listdir(bare_library.photos)) == ["a.jpg", "c.jpg", "d.jpg"]
    assert changed.read_bytes() == data  # it was set aside, and came back


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
