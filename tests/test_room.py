"""How much room the copies need, and what a disk that shares blocks makes of that."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import OLD, Small, tree

from disk import room, system


@pytest.fixture
def has_free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """What gives the disk so many free bytes."""

    def have(free: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))

    return have


def refused(ran: Any, needed: int) -> bool:
    return ran.code == 2 and f"the copies need {needed:,} bytes" in ran.err


def bytes_of(small: Small, *names: str) -> int:
    return sum((small.photos / name).stat().st_size for name in names)


def test_room_is_needed_for_what_is_new_alone(
    small: Small, has_free: Callable[[int], None]
) -> None:
    small.add_some("a0.jpg")
    needed, before = bytes_of(small, "a0.jpg"), tree(small.folder)
    has_free(needed - 1)
    for flags in ((), ("--dry-run",)):
        assert refused(small.run("find", *flags), needed)
    assert tree(small.folder) == before
    has_free(needed)
    small.find()


def test_where_no_file_can_have_two_names_room_is_needed_for_all(
    small: Small, has_free: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That shows when it is tried, and the old result stands."""

    def link(*_: object, **__: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(os, "link", link)
    before, needed = tree(small.folder), bytes_of(small, *OLD)
    has_free(needed - 1)
    assert refused(small.run("find"), needed)
    assert tree(small.folder) == before
    has_free(needed)
    small.find()


def test_an_original_that_is_gone_needs_no_room(
    small: Small, has_free: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    small.output = small.folder / "another"
    mkdir = os.mkdir

    def made(path: str, *args: Any) -> None:
        if path.endswith(".find-new"):
            (small.photos / "a2.jpg").unlink()
            has_free(bytes_of(small, "a1.jpg", "b1.jpg", "b2.jpg"))
        mkdir(path, *args)

    monkeypatch.setattr(os, "mkdir", made)
    ran = small.run("find")
    assert ran.code == 1
    assert "Copies that failed and are left out (1)" in ran.out


# ---- Disks that share blocks


def shares_by_copying(source: int, target: int) -> bool:
    """As a file system that shares blocks; from where somebody reads stays as it was."""
    os.pwrite(target, os.pread(source, 1 << 20, 0), 0)
    return True


@pytest.mark.parametrize("can_be_tried", [True, False])
def test_copies_that_share_their_blocks_need_no_room(
    small: Small,
    has_free: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    can_be_tried: bool,
) -> None:
    monkeypatch.setattr(system, "share_blocks", shares_by_copying)
    if not can_be_tried:
        monkeypatch.setattr(system, "shares_blocks", lambda *_: None)
    small.output = small.folder / "another"
    has_free(0)
    small.find("--dry-run")
    small.find()
    assert all(Path(o).read_bytes() == Path(c).read_bytes() for o, c in small.info().items())


def test_where_it_can_only_be_tried_with_a_name_it_is_before_anything_is_copied(
    small: Small, has_free: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "shares_blocks", lambda *_: None)
    monkeypatch.setattr(system, "share_blocks", lambda *_: False)
    small.output = small.folder / "another"
    before = tree(small.folder)
    has_free(0)
    small.find("--dry-run")  # which may write nothing, so it can't tell
    assert refused(small.run("find"), bytes_of(small, *OLD))
    assert tree(small.folder) == before


def test_files_on_another_device_share_nothing_where_it_can_not_be_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "shares_blocks", lambda *_: None)
    (tmp_path / "a.jpg").touch()
    with open("/dev/null", "rb") as elsewhere, (tmp_path / "a.jpg").open("rb") as here:
        assert not room.may_share(elsewhere.fileno(), str(tmp_path))
        assert room.may_share(here.fileno(), str(tmp_path))


def test_no_file_without_a_name_means_that_it_can_not_be_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "share_blocks", lambda *_: True)
    with open("/dev/null", "rb") as source:
        assert system.shares_blocks(source.fileno(), str(tmp_path / "gone")) is None
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
        assert system.shares_blocks(source.fileno(), str(tmp_path)) is None


def test_a_full_disk_of_staging_shares_nothing(tmp_path: Path) -> None:
    with open("/dev/null", "rb") as source:
        assert not room.does_share(source.fileno(), str(tmp_path / "gone" / "partial"))


@pytest.fixture
def sharing_disk(small: Small) -> Iterator[Path]:
    """A small disk with Btrfs, or none where that can't be made."""
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("mkfs.btrfs"):
        pytest.skip("needs to be root on Linux, with btrfs-progs")
    image, folder = small.folder / "image", small.folder / "disk"
    image.touch()
    os.truncate(image, 40 << 20)
    folder.mkdir()
    subprocess.run(["mkfs.btrfs", "-q", "-M", image], check=True, capture_output=True)
    mounted = subprocess.run(["mount", "-o", "loop", image, folder], check=False)
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
    image.unlink()


def test_a_btrfs_disk_with_little_room_has_room_for_copies_that_share_it(
    small: Small, sharing_disk: Path
) -> None:
    small.photos, small.output = sharing_disk / "photos", sharing_disk / "output"
    small.photos.mkdir()
    small.add_some("a1.jpg", "a2.jpg")
    for name in ("a1.jpg", "a2.jpg"):
        with (small.photos / name).open("ab") as photo:
            photo.write(os.urandom(6 << 20))
    subprocess.run(["sync", "-f", sharing_disk], check=True)
    with (sharing_disk / "filling").open("wb") as filling:
        free = shutil.disk_usage(sharing_disk).free - (5 << 20)
        os.posix_fallocate(filling.fileno(), 0, free)
    subprocess.run(["sync", "-f", sharing_disk], check=True)
    assert shutil.disk_usage(sharing_disk).free < 12 << 20
    small.find()
    small.add_some("a3.jpg")
    small.find()
    assert len(small.info()) == 3


# ---- macOS


class Cloning:
    """macOS's C library, as far as clones go."""

    def __init__(self, result: int = 0) -> None:
        self.result, self.calls = result, 0

    def fclonefileat(self, source: int, folder: int, path: bytes, flags: int) -> int:
        assert (folder, flags) == (system.IN_THIS_FOLDER, 0)
        self.calls += 1
        if self.result == 0:
            with open(path, "xb") as stream:
                stream.write(os.pread(source, 1 << 20, 0))
            os.chmod(path, 0o400)
        return self.result


@pytest.mark.parametrize("result", [0, -1])
def test_on_macos_copies_are_clones_where_the_disk_can(
    small: Small,
    has_free: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    result: int,
) -> None:
    """Those of locked photos are not locked."""
    cloning, unlocked = Cloning(result), []
    monkeypatch.setattr("ctypes.CDLL", lambda *_, **__: cloning)
    monkeypatch.setattr(system, "is_mac", lambda: True)
    monkeypatch.setattr(system, "shares_blocks", lambda *_: None)
    monkeypatch.setattr(os, "chflags", lambda _, flags: unlocked.append(flags), raising=False)
    small.output = small.folder / "another"
    has_free(0 if result == 0 else 10**6)
    small.find()
    assert unlocked == ([0] * cloning.calls if result == 0 else [])
    assert cloning.calls == len(OLD) + 1  # it is tried once before
    for original, copy in small.info().items():
        ours, theirs = os.stat(copy), os.stat(original)
        assert (ours.st_mode, ours.st_mtime_ns) == (theirs.st_mode, theirs.st_mtime_ns)
        assert Path(copy).read_bytes() == Path(original).read_bytes()


# ---- A disk without any room


@pytest.mark.parametrize("flags", [(), ("--dry-run",)])
def test_on_a_full_disk_nothing_is_looked_at(
    small: Small, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...]
) -> None:
    monkeypatch.setattr(system, "is_full", lambda folder: folder == str(small.folder))
    before = tree(small.folder)
    small.output = small.folder / "not there" / "output" if flags else small.output
    ran = small.run("find", *flags)
    assert (ran.code, ran.out) == (2, "")
    assert f"the disk of {small.folder} is full; make room" in ran.err
    assert tree(small.folder) == before


@pytest.mark.parametrize(
    ("user", "blocks", "free", "for_users", "full"),
    [
        (1000, 9, 0, 0, True),
        (1000, 9, 1, 0, True),
        (0, 9, 1, 0, False),  # root has what is kept for it
        (0, 9, 0, 0, True),
        (1000, 9, 1, 1, False),
        (1000, 0, 0, 0, False),  # nobody counts there
    ],
)
def test_a_disk_is_full_if_this_user_has_no_block(
    monkeypatch: pytest.MonkeyPatch,
    user: int,
    blocks: int,
    free: int,
    for_users: int,
    full: bool,
) -> None:
    status = SimpleNamespace(f_blocks=blocks, f_bfree=free, f_bavail=for_users)
    monkeypatch.setattr(os, "statvfs", lambda _: status)
    monkeypatch.setattr(system, "user_id", lambda: user)
    assert system.is_full("/somewhere") == full
