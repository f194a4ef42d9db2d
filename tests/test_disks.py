"""Disks that are full or read-only, and clocks that jump."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

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


# ---- One place under two mounts


class Elsewhere:
    """A folder beside the photos that can be made to show them, as another mount would."""

    def __init__(self, library: Library) -> None:
        self.library, self.folder = library, library.folder / "elsewhere"
        self.folder.mkdir()
        self.inputs = ("--input-dir", str(library.photos), "--input-dir", str(self.folder))

    def show_photos(self, kind: str) -> None:
        """As a second mount of their disk, or as a mount that lies over it: another device."""
        nothing = self.library.folder / "nothing"
        nothing.mkdir()
        below = f"lowerdir={nothing}:{self.library.photos}"
        how = {"bind": ["--bind", self.library.photos], "overlay": ["-t", "overlay", "-o", below]}
        source = ["none"] if kind == "overlay" else []
        command = ["mount", *how[kind], *source, self.folder]
        if (
            sys.platform != "linux"
            or os.geteuid() != 0
            or subprocess.run(command, capture_output=True, check=False).returncode
        ):
            pytest.skip("needs to be root on Linux, to mount a folder once more")

    def copied(self) -> None:
        """Have copies of the photos there, let find see them, and cull all of the first ones."""
        shutil.copytree(self.library.photos, self.folder, dirs_exist_ok=True)
        self.library.find(*self.inputs)
        self.library.delete_copies(*(n for n in self.library.names() if n.startswith("vacation")))
        assert self.library.check(*self.inputs).code == 0


@pytest.fixture
def elsewhere(library: Library) -> Iterator[Elsewhere]:
    folder = Elsewhere(library)
    yield folder
    subprocess.run(["umount", "-l", folder.folder], capture_output=True, check=False)


@pytest.mark.parametrize(
    ("kind", "fact", "said"),
    [
        ("bind", "hard_links", "Hard links to the same files, left out: 6."),
        ("overlay", "same_files", "The same files by another way, left out: 6."),
    ],
)
def test_photos_under_two_mounts_are_found_once(
    library: Library, elsewhere: Elsewhere, kind: str, fact: str, said: str
) -> None:
    elsewhere.show_photos(kind)
    facts = library.find(*elsewhere.inputs, "--json").facts
    assert facts["found"] == 6
    assert len(facts[fact]) == 6
    assert {os.path.dirname(path) for path in facts[fact]} == {str(elsewhere.folder)}
    assert {os.path.dirname(path) for path in library.info()} == {str(library.photos)}
    assert said in library.find(*elsewhere.inputs).out


@pytest.mark.parametrize("kind", ["bind", "overlay"])
def test_a_photo_that_another_mount_shows_again_is_no_survivor(
    library: Library, elsewhere: Elsewhere, kind: str
) -> None:
    elsewhere.copied()
    elsewhere.show_photos(kind)
    before = tree(library.photos)
    ran = library.cleanup(*elsewhere.inputs)
    assert ran.code == 1
    assert ran.out.count("no other original of its group would remain") == 3
    assert tree(library.photos) == before


def test_a_copy_on_another_disk_is_a_survivor(library: Library, elsewhere: Elsewhere) -> None:
    """Even if it has the same size, time and inode number, as where both were filled alike."""
    if sys.platform != "linux" or os.geteuid() != 0 or not mount(elsewhere.folder, "size=20m"):
        pytest.skip("needs to be root on Linux, to mount a disk in memory")
    first = library.folder / "first"
    first.mkdir()
    assert mount(first, "size=20m")
    for photo in sorted(library.photos.iterdir()):
        shutil.copy2(photo, first)
    library.photos = first
    for photo in sorted(first.iterdir()):
        shutil.copy2(photo, elsewhere.folder)
        there = (elsewhere.folder / photo.name).stat()
        assert (there.st_ino, there.st_mtime_ns) == (photo.stat().st_ino, photo.stat().st_mtime_ns)
    elsewhere.inputs = ("--input-dir", str(first), "--input-dir", str(elsewhere.folder))
    elsewhere.copied()
    ran = library.cleanup(*elsewhere.inputs)
    subprocess.run(["umount", "-l", first], check=True)
    assert ran.code == 0, ran
    assert sorted(os.listdir(elsewhere.folder))[:3] == [
        "vacation1.jpg",
        "vacation1_copy.jpg",
        "vacation1_old.jpg",
    ]


def lies_about(look: Callable[..., os.stat_result], device: int) -> Callable[..., Any]:
    """A look at files that sees made-up inode numbers on a device, and times of when it began."""

    def lies(*args: Any, **options: Any) -> Any:
        status = look(*args, **options)
        if status.st_dev != device:
            return status
        names = [name for name in dir(status) if name.startswith("st_")]
        shown = SimpleNamespace(**{name: getattr(status, name) for name in names})
        shown.st_ino += 1_000_000
        shown.st_ctime_ns = shown.st_mtime_ns
        return shown

    return lies


def test_a_mount_that_makes_up_inode_numbers_has_no_survivor_of_what_it_shows(
    library: Library, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere.copied()
    elsewhere.show_photos("overlay")
    before = tree(library.photos)
    device = (elsewhere.folder / "vacation1.jpg").stat().st_dev
    for look in ("lstat", "fstat", "stat"):
        monkeypatch.setattr(os, look, lies_about(getattr(os, look), device))
    ran = library.cleanup(*elsewhere.inputs)
    monkeypatch.undo()
    assert ran.code == 1
    assert ran.out.count("no other original of its group would remain") == 3
    assert tree(library.photos) == before


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
