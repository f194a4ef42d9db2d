"""The key that signs results: where it lies, who may know it, and what is without one."""

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Library, collect, killed_when, tree

from config import UserError
from disk import signature, system


def test_the_key_is_made_once_and_for_its_user_alone(
    library: Library, someone_else: Callable[[], Path]
) -> None:
    stranger = someone_else()
    library.find()
    key = stranger / "image-similarity-search" / "key"
    assert (len(key.read_bytes()), stat.S_IMODE(key.stat().st_mode)) == (32, 0o600)
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    made = key.read_bytes()
    library.find()
    assert key.read_bytes() == made
    key.write_bytes(made[:5])  # its run was killed
    library.find()
    assert len(key.read_bytes()) == 32


def test_runs_that_make_the_key_at_the_same_time_have_one(
    library: Library, someone_else: Callable[[], Path]
) -> None:
    someone_else()
    script = "from disk import signature; signature.make_key(); print(signature.load_key().hex())"
    runs = [library.start_python(script) for _ in range(6)]
    assert len({collect(run).out for run in runs}) == 1


def test_a_key_that_another_run_makes_meanwhile_is_the_one(
    someone_else: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = someone_else() / "image-similarity-search" / "key"
    flock = system.fcntl.flock

    def waits(descriptor: int, operation: int) -> None:
        flock(descriptor, operation)
        place.write_bytes(bytes(range(32)))

    monkeypatch.setattr(system.fcntl, "flock", waits)
    signature.make_key()
    assert signature.load_key() == bytes(range(32))


def test_the_key_is_on_disk_before_anything_is_signed_with_it(
    someone_else: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = someone_else() / "image-similarity-search" / "key"
    synced: list[tuple[int, int]] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_ino, os.fstat(descriptor).st_size))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    signature.make_key()
    assert synced == [(place.stat().st_ino, 32)]


def test_a_key_that_can_not_be_written_any_more_is_used(
    someone_else: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = someone_else() / "image-similarity-search" / "key"
    signature.make_key()
    real = os.open

    def read_only(path: str, flags: int, mode: int, **where: Any) -> int:
        if path == str(place) and flags & os.O_ACCMODE != os.O_RDONLY:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        return real(path, flags, mode, **where)

    monkeypatch.setattr(os, "open", read_only)
    signature.make_key()
    assert signature.load_key() == place.read_bytes()


def shared_file(key: Path) -> None:
    key.chmod(0o640)


def shared_folder(key: Path) -> None:
    key.parent.chmod(0o770)


def folder_of_another(key: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give a folder away")
    os.chown(key.parent, 12345, -1)


def link(key: Path) -> None:
    key.rename(key.with_name("elsewhere"))
    key.symlink_to("elsewhere")


def fifo(key: Path) -> None:
    key.unlink()
    os.mkfifo(key, 0o600)


def folder(key: Path) -> None:
    key.unlink()
    key.mkdir(0o700)


def sock(key: Path) -> None:
    key.unlink()
    with contextlib.chdir(key.parent), socket.socket(socket.AF_UNIX) as listener:
        listener.bind("key")
    key.chmod(0o600)


def too_long(key: Path) -> None:
    key.write_bytes(bytes(33))


@pytest.mark.parametrize("action", ["find", "check-deleted", "cleanup"])
@pytest.mark.parametrize(
    "spoil", [shared_file, shared_folder, folder_of_another, link, fifo, folder, sock, too_long]
)
def test_a_key_that_others_may_have_made_or_read_ends_the_run(
    found: Library, someone_else: Callable[[], Path], spoil: Callable[[Path], None], action: str
) -> None:
    stranger = someone_else()
    signature.make_key()
    key = stranger / "image-similarity-search" / "key"
    spoil(key)
    before = tree(found.folder)
    ran = found.run(action)
    assert ran.code == 3
    assert ran.err.count("\n") == 1
    assert str(key.parent) in ran.err
    assert tree(found.folder) == before


def test_a_key_of_another_user_is_not_used(
    monkeypatch: pytest.MonkeyPatch, someone_else: Callable[[], Path]
) -> None:
    someone_else()
    signature.make_key()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(UserError, match="another user's key"):
        signature.load_key()


@pytest.mark.parametrize("home", ["no folder", "nobody's"])
def test_where_no_key_can_be_kept_find_says_so_and_loses_nothing(
    library: Library, someone_else: Callable[[], Path], monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    stranger = someone_else()
    if home == "no folder":
        stranger.write_text("in the way")
    else:
        monkeypatch.delenv("XDG_STATE_HOME")
        monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as without a home
        monkeypatch.chdir(library.folder)
    for _ in range(2):
        ran = library.run("find")
        assert ran.code == 1
        warning = [line for line in ran.out.splitlines() if line.startswith("warning: ")]
        assert len(warning) == 1
        assert "set XDG_STATE_HOME" in warning[0]
    assert sorted(os.listdir(library.folder)) == ["output", "photos"]
    library.delete_copies("vacation1_old.jpg")
    assert library.check().code == 3
    for action in ("check-deleted", "cleanup"):
        assert library.run(action, "--trust-result", "--yes").code == 1
    assert "vacation1_old.jpg" not in library.names()


def test_without_a_key_an_interrupted_find_leaves_nothing_in_the_way(
    found: Library, someone_else: Callable[[], Path]
) -> None:
    someone_else().write_text("in the way of a key")
    building = found.folder / "output.find-new"
    assert killed_when(lambda: len(list(building.glob("[12]/*.jpg"))) == 3, found, "find")
    assert building.exists()
    assert found.run("find").code == 1
    assert sorted(os.listdir(found.folder)) == ["output", "photos"]


def test_on_a_mac_the_key_lies_where_its_programs_keep_such(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "not/absolute")
    monkeypatch.setenv("HOME", "/home/me")
    places = {}
    for name in ("linux", "darwin"):
        monkeypatch.setattr("sys.platform", name)
        places[name] = signature.key_path()
    assert places == {
        "linux": "/home/me/.local/state/image-similarity-search/key",
        "darwin": "/home/me/Library/Application Support/image-similarity-search/key",
    }
