"""What the one module promises in which systems differ."""

import errno
import ntpath
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

from disk import system


@pytest.fixture(autouse=True)
def nothing_waits() -> Iterator[None]:
    """What would wait for ever fails."""

    def fails(*_: object) -> None:
        raise AssertionError("it waits")

    before = signal.signal(signal.SIGALRM, fails)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def test_a_file_is_opened_without_following_a_link_or_waiting_for_a_fifo(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        system.open_file(str(tmp_path / "link"))
    for name in ("file", "fifo"):
        descriptor = system.open_file(str(tmp_path / name))
        assert not os.get_inheritable(descriptor)
        os.close(descriptor)


def test_a_folder_itself_is_no_link_to_one(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    os.close(system.open_folder(str(tmp_path / "link")))
    os.close(system.open_folder_itself(str(tmp_path / "folder")))
    with pytest.raises(NotADirectoryError):
        system.open_folder_itself(str(tmp_path / "link"))


def test_a_lock_is_had_by_one_or_shared_by_several(tmp_path: Path) -> None:
    one, other = (os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT) for _ in range(2))
    system.lock(one, shared=True)
    system.lock(other, shared=True)
    with pytest.raises(BlockingIOError):
        system.lock(one)
    os.close(other)
    system.lock(one, wait=True)
    os.close(one)


def test_a_path_on_another_drive_lies_in_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "commonpath", ntpath.commonpath)
    assert system.lies_in("C:\\photos\\a.jpg", "C:\\photos")
    assert not system.lies_in("D:\\photos\\a.jpg", "C:\\photos")


def test_only_what_a_network_disk_can_t_promise_of_a_folder_is_let_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codes = [errno.EINVAL, errno.EBADF, errno.EIO]

    def fsync(_: int) -> None:
        raise OSError(codes.pop(0), "no")

    monkeypatch.setattr(os, "fsync", fsync)
    system.sync_names(0)
    system.sync_names(0)
    with pytest.raises(OSError, match="no"):
        system.sync_names(0)


@pytest.mark.parametrize(
    ("platform", "display", "shows"),
    [
        ("linux", "", False),
        ("linux", "DISPLAY", True),
        ("linux", "WAYLAND_DISPLAY", True),
        ("darwin", "", True),
    ],
)
def test_a_desktop_is_where_a_display_is_or_another_system(
    platform: str, display: str, shows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.setenv(name, ":0" if name == display else "")
    monkeypatch.setattr(sys, "platform", platform)
    assert system.has_desktop() is shows


@pytest.mark.parametrize(
    ("hard", "lowered"), [("resource.RLIM_INFINITY", True), ("1_000_000", True), ("50", False)]
)
def test_a_limit_of_processor_time_is_lowered_and_never_raised(hard: str, lowered: bool) -> None:
    program = (
        "import resource\n"
        "from disk import system\n"
        f"hard = {hard}\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))\n"
        "system.allow_cpu(1000)\n"
        "soft, now = resource.getrlimit(resource.RLIMIT_CPU)\n"
        "print(now == hard, soft != hard and 1000 < soft < 1100)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert ran.stdout == f"True {lowered}\n", ran.stderr


def test_what_was_freed_serves_what_is_wanted_next() -> None:
    """Where the C library is glibc; others have their own ways."""
    program = (
        "import resource\n"
        "from disk import system\n"
        "def faults():\n"
        "    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "    for _ in range(100):\n"
        "        del [bytearray(700_000) for _ in range(5)][:]\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before\n"
        "before = faults()\n"
        "system.keep_freed_memory()\n"
        "faults()\n"
        "print(before, faults())\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    before, after = map(int, ran.stdout.split())
    assert after * 20 < before or platform.libc_ver()[0] != "glibc"


def test_where_nobody_counts_processor_time_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert system.cpu_seconds_of([]) in (0, None)
    monkeypatch.setattr(os.path, "isdir", lambda _: False)
    assert system.cpu_seconds_of([os.getpid()]) is None
