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

import finder
from disk import same_file, system


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


VACATION = ("vacation1.jpg", "vacation1_copy.jpg", "vacation1_old.jpg")


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
        if kind == "overlay with numbers of its own":  # as it lies on two disks
            mount(nothing, "size=1m")
            below += ",xino=on"
        how = ["-t", "overlay", "-o", below, "none"]
        if kind == "bind":
            how = ["--bind", str(self.library.photos)]
        command = ["mount", *how, self.folder]
        if (
            sys.platform != "linux"
            or os.geteuid() != 0
            or subprocess.run(command, capture_output=True, check=False).returncode
        ):
            pytest.skip("needs to be root on Linux, to mount a folder once more")

    def copied(self, *culled: str) -> None:
        """Have copies of the photos there, let find see them, and cull some of the first ones."""
        shutil.copytree(self.library.photos, self.folder, dirs_exist_ok=True)
        self.library.find(*self.inputs)
        self.library.delete_copies(*culled or VACATION)
        assert self.library.check(*self.inputs).code == 0


@pytest.fixture
def elsewhere(library: Library) -> Iterator[Elsewhere]:
    folder = Elsewhere(library)
    yield folder
    for mounted in (folder.folder, library.folder / "nothing"):
        subprocess.run(["umount", "-l", mounted], capture_output=True, check=False)


SAME = "The same files by another way, left out: 6."
OVERLAYS = ["overlay", "overlay with numbers of its own"]


@pytest.mark.parametrize(
    ("kind", "fact", "said"),
    [
        ("bind", "hard_links", "Hard links to the same files, left out: 6."),
        ("overlay with numbers of its own", "same_files", SAME),
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


def shown_again(path: str) -> str:
    return f"{path} may be the same file by another way"


@pytest.mark.parametrize("kind", ["bind", *OVERLAYS])
def test_a_photo_that_another_mount_shows_again_is_no_survivor(
    library: Library, elsewhere: Elsewhere, kind: str
) -> None:
    elsewhere.copied()
    elsewhere.show_photos(kind)
    before = tree(library.photos)
    ran = library.cleanup(*elsewhere.inputs)
    assert ran.code == 1
    reason = "no other original of its group would remain"
    for name in VACATION:
        why = reason if kind == "bind" else shown_again(f"{elsewhere.folder}/{name}")
        assert f"{library.photos}/{name}: {why}\n" in ran.out
    assert tree(library.photos) == before


def keeps_what_goes_with_another(library: Library, elsewhere: Elsewhere, why: str) -> None:
    """Only vacation1_copy.jpg was chosen, and others of its group stay."""
    name = "vacation1_copy.jpg"
    before = tree(library.photos)
    ran = library.cleanup(*elsewhere.inputs)
    assert ran.code == 1
    reason = f"{elsewhere.folder}/{name} {why} the same file by another way"
    assert f"{library.photos}/{name}: {reason}\n" in ran.out
    assert tree(library.photos) == before
    assert (elsewhere.folder / name).read_bytes() == before[name]


@pytest.mark.parametrize("kind", ["bind", *OVERLAYS])
def test_what_was_not_chosen_does_not_go_with_what_another_mount_shows_of_it(
    library: Library, elsewhere: Elsewhere, kind: str
) -> None:
    elsewhere.copied("vacation1_copy.jpg")
    elsewhere.show_photos(kind)
    keeps_what_goes_with_another(library, elsewhere, "is" if kind == "bind" else "may be")


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
    assert sorted(os.listdir(elsewhere.folder))[:3] == [*VACATION]


def mounted(monkeypatch: pytest.MonkeyPatch, folder: Path, *kinds: str, first: int = 1) -> None:
    """Have the system say of what kinds the file systems of some devices are."""
    lines = (
        f"63 43 {os.major(number)}:{os.minor(number)} / /a rw - {kind} nas:photos rw\n"
        for number, kind in enumerate(kinds, first)
    )
    (folder / "mounts").write_text("".join(lines))
    monkeypatch.setattr(system, "MOUNTS", str(folder / "mounts"))


@pytest.mark.parametrize(
    ("kind", "is_another"),
    [
        ("fuse.rclone", False),
        ("fuse.mergerfs", True),  # it tells the true times, which differ
        ("nfs4", True),
        ("fuseblk", True),  # a disk that is shown nowhere else
    ],
)
def test_what_a_program_shows_may_be_any_file_with_its_content(
    library: Library,
    elsewhere: Elsewhere,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    is_another: bool,
) -> None:
    """Its numbers and times say nothing, and it remembers what it showed.

    Another disk had its number before.
    """
    if sys.platform != "linux" or os.geteuid() != 0 or not mount(elsewhere.folder, "size=20m"):
        pytest.skip("needs to be root on Linux, to mount a disk in memory")
    elsewhere.copied("vacation1_copy.jpg")
    same_file.look_anew()
    assert not same_file.may_be_one(library.photos.stat(), elsewhere.folder.stat())
    mounted(monkeypatch, library.folder, kind, first=elsewhere.folder.stat().st_dev)
    if is_another:
        assert library.cleanup(*elsewhere.inputs).code == 0
        assert "vacation1_copy.jpg" not in library.names()
    else:
        keeps_what_goes_with_another(library, elsewhere, "may be")


def status_of(device: int, *, number: int = 7, changed_ns: int = 1234567) -> Any:
    times = {"st_mtime_ns": 1000, "st_ctime_ns": changed_ns}
    return SimpleNamespace(st_dev=device, st_ino=number, st_size=3, **times)


@pytest.mark.parametrize(
    ("kinds", "changed", "are_one", "may_be_one"),
    [
        ("ext4 ext4", {}, True, True),
        ("ext4 ext4", {"number": 8}, False, False),
        ("ext4 ext4", {"changed_ns": 9}, False, False),
        ("ext4 overlay", {"number": 8}, True, True),
        ("nfs4 ext4", {"number": 8}, True, True),
        ("ext4 nfs4", {"number": 8, "changed_ns": 9}, False, False),
        ("cifs ext4", {"number": 8, "changed_ns": 1234500}, True, True),
        ("vfat exfat", {}, False, False),  # two sticks
        ("fuseblk fuseblk", {}, False, False),
        ("fuseblk ext4", {"number": 8}, False, False),
        ("ext4 fuse.rclone", {"number": 8}, True, True),
        ("ext4 fuse.rclone", {"number": 8, "changed_ns": 9}, False, True),
        ("fuse ext4", {"number": 8, "changed_ns": 9}, False, True),
        ("fuse.rclone fuse.sshfs", {}, False, True),
        ("fuse.bindfs fuse.bindfs", {"number": 8}, True, True),
        ("fuse.mergerfs ext4", {"number": 8, "changed_ns": 9}, False, False),
        ("", {}, True, True),  # where it isn't told
        ("", {"number": 8}, False, False),
    ],
)
def test_files_on_two_devices_are_told_apart_by_what_is_true_there(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kinds: str,
    changed: dict[str, int],
    are_one: bool,
    may_be_one: bool,
) -> None:
    mounted(monkeypatch, tmp_path, *kinds.split())
    same_file.look_anew()
    one, other = status_of(1), status_of(2, **changed)
    for pair in ((one, other), (other, one)):
        assert same_file.are_one(*pair) == are_one
        assert same_file.may_be_one(*pair) == may_be_one
    assert same_file.are_one(one, one)
    neighbour = status_of(1, number=8)
    assert not same_file.are_one(one, neighbour)
    assert not same_file.may_be_one(one, neighbour)


@pytest.mark.parametrize(
    ("kinds", "numbers", "are"),
    [
        ("vfat vfat overlay", (7, 7, 8), "ImageFile ImageFile Skipped"),
        ("ext4 ext4 zfs", (7, 8, 8), "ImageFile ImageFile Skipped"),
        ("ext4 ext4 zfs", (7, 8, 9), "ImageFile ImageFile ImageFile"),
    ],
)
def test_of_files_alike_on_several_devices_each_is_compared(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kinds: str,
    numbers: tuple[int, ...],
    are: str,
) -> None:
    """Other disks had the devices' numbers before."""
    mounted(monkeypatch, tmp_path, "ext4", "ext4", "ext4")
    same_file.look_anew()
    assert same_file.are_one(status_of(1), status_of(2))
    mounted(monkeypatch, tmp_path, *kinds.split())
    shown = {f"{n}.jpg": status_of(n, number=number) for n, number in enumerate(numbers, 1)}
    monkeypatch.setattr(os, "lstat", shown.__getitem__)
    seen = finder._Seen()
    found = [type(seen.photo(path)).__name__ for path in shown]
    monkeypatch.undo()
    assert found == are.split()


def lies_about(look: Callable[..., os.stat_result], device: int) -> Callable[..., Any]:
    """A look at files that sees made-up inode numbers on a device, and no times of changes."""

    def lies(*args: Any, **options: Any) -> Any:
        status = look(*args, **options)
        if status.st_dev != device:
            return status
        names = [name for name in dir(status) if name.startswith("st_")]
        shown = SimpleNamespace(**{name: getattr(status, name) for name in names})
        shown.st_ino += 1_000_000
        shown.st_ctime_ns = 0
        return shown

    return lies


@pytest.fixture
def lying_overlay(elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What makes some photos culled, and shows them once more with other numbers and times."""

    def show(*culled: str) -> None:
        elsewhere.copied(*culled)
        elsewhere.show_photos("overlay")
        device = (elsewhere.folder / "vacation1.jpg").stat().st_dev
        for look in ("lstat", "fstat", "stat"):
            monkeypatch.setattr(os, look, lies_about(getattr(os, look), device))

    return show


def test_a_mount_that_makes_up_inode_numbers_has_no_survivor_of_what_it_shows(
    library: Library, elsewhere: Elsewhere, lying_overlay: Callable[..., None]
) -> None:
    lying_overlay(*VACATION)
    before = tree(library.photos)
    ran = library.cleanup(*elsewhere.inputs)
    assert ran.code == 1
    assert ran.out.count("no other original of its group would remain") == 3
    assert tree(library.photos) == before


def test_what_was_not_chosen_does_not_go_with_what_such_a_mount_shows_of_it(
    library: Library, elsewhere: Elsewhere, lying_overlay: Callable[..., None]
) -> None:
    """It is seen in the list of its folder, as the mount still opens it."""
    lying_overlay("vacation1_copy.jpg")
    keeps_what_goes_with_another(library, elsewhere, "is")


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
