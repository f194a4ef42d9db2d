"""The trash of a disk: whose names are exclusive, and what may not be followed or trusted."""

import errno
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest
from conftest import Library, tree
from send2trash import plat_other

from disk import trash


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = Path(os.path.realpath(tmp_path)) / "photos"
    folder.mkdir()
    return folder


@pytest.fixture
def home_trash(data_home: Path) -> Path:
    return data_home / "Trash"


def put(folder: Path, name: str, content: str) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return str(path)


def send(path: str, original: str = "") -> Path:
    """Send a file to the trash; where it lies then."""
    return Path(trash.send(path, original or path, lambda _: None))


def described(folder: Path) -> dict[str, tuple[str, str]]:
    """What a trash holds: name -> where it says that it comes from, and its content."""
    found = {}
    for path in sorted((folder / "files").iterdir()):
        info = (folder / "info" / f"{path.name}.trashinfo").read_text().splitlines()
        assert info[0] == "[Trash Info]"
        assert info[1].startswith("Path=")
        assert info[2].startswith("DeletionDate=")
        found[path.name] = (unquote(info[1][5:]), path.read_text())
    assert len(os.listdir(folder / "info")) == len(found)
    return found


# ---- What the specification says


def test_a_file_lies_in_the_trash_with_the_path_it_had(photos: Path, home_trash: Path) -> None:
    waiting = put(photos, ".waiting", "one")
    original = str(photos / "100% sommer\n\u00e9.jpg")
    place = send(waiting, original)
    assert place == home_trash / "files" / "100% sommer\n\u00e9.jpg"
    assert described(home_trash) == {place.name: (original, "one")}
    assert os.listdir(photos) == []
    info = (home_trash / "info" / f"{place.name}.trashinfo").read_bytes()
    assert b"/100%25%20sommer%0A%C3%A9.jpg\n" in info
    assert {os.stat(home_trash / name).st_mode & 0o777 for name in (".", "files", "info")} == {
        0o700
    }


def test_files_of_one_name_lie_side_by_side(photos: Path, home_trash: Path) -> None:
    for number in range(3):
        send(put(photos, f"{number}/a.jpg", f"photo {number}"))
    assert described(home_trash) == {
        "a.jpg": (f"{photos}/0/a.jpg", "photo 0"),
        "a 2.jpg": (f"{photos}/1/a.jpg", "photo 1"),
        "a 3.jpg": (f"{photos}/2/a.jpg", "photo 2"),
    }


def test_a_file_in_the_trash_that_nothing_describes_is_not_replaced(
    photos: Path, home_trash: Path
) -> None:
    put(home_trash, "files/a.jpg", "somebody's")
    assert send(put(photos, "a.jpg", "one")).name == "a 2.jpg"
    assert (home_trash / "files" / "a.jpg").read_text() == "somebody's"
    assert os.listdir(home_trash / "info") == ["a 2.jpg.trashinfo"]


def test_a_name_as_long_as_names_can_be_is_cut(photos: Path, home_trash: Path) -> None:
    path = put(photos, "a" * 251 + ".jpg", "long")
    assert send(path).name == "a" * 241 + ".jpg"
    assert list(described(home_trash).values()) == [(path, "long")]


@pytest.mark.parametrize("value", ["", "relative/data"])
def test_without_a_data_home_the_trash_is_in_the_home(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", value)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    place = send(put(photos, "a.jpg", "one"))
    assert place == tmp_path / "home" / ".local" / "share" / "Trash" / "files" / "a.jpg"


def test_the_place_is_told_while_the_file_still_has_its_name(photos: Path) -> None:
    path = put(photos, "a.jpg", "one")
    told: list[tuple[str, bool]] = []
    place = trash.send(path, path, lambda place: told.append((place, os.path.exists(path))))
    assert told == [(place, True)]


def no_links(monkeypatch: pytest.MonkeyPatch, number: int = errno.EPERM) -> None:
    def link(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", link)


def test_without_hard_links_files_of_one_name_lie_side_by_side(
    photos: Path, home_trash: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_links(monkeypatch)
    put(home_trash, "files/a.jpg", "somebody's")
    for number in range(2):
        send(put(photos, f"{number}/a.jpg", f"photo {number}"))
    (home_trash / "files" / "a.jpg").unlink()
    assert described(home_trash) == {
        "a 2.jpg": (f"{photos}/0/a.jpg", "photo 0"),
        "a 3.jpg": (f"{photos}/1/a.jpg", "photo 1"),
    }


# ---- Others that use it at the same moment


CALLS = ("open", "link", "unlink", "rename", "fsync", "lstat", "mkdir", "close")


class Meanwhile:
    """Lets somebody act once, before one of the calls of what is done."""

    def __init__(self, act: Callable[[], object], moment: int) -> None:
        self._act, self._left = act, moment
        self.acted = False

    def before(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def calls(*arguments: Any, **options: Any) -> Any:
            self._left -= 1
            if self._left < 0 and not self.acted:
                self.acted = True
                self._act()
            return call(*arguments, **options)

        return calls


@pytest.mark.parametrize("hard_links", [True, False])
@pytest.mark.parametrize("other", [send, plat_other.send2trash])
def test_two_programs_that_trash_files_of_one_name_at_once_lose_none(
    photos: Path,
    data_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    other: Callable[[str], object],
    hard_links: bool,
) -> None:
    """Send2Trash, the other one, looks for a free name and then renames over what has it."""
    if not hard_links:
        no_links(monkeypatch)
    monkeypatch.setattr(plat_other, "get_dev", lambda _: 1)
    for moment in itertools.count():
        home = data_home / str(moment)
        monkeypatch.setenv("XDG_DATA_HOME", str(home))
        monkeypatch.setattr(plat_other, "HOMETRASH_B", os.fsencode(home / "Trash"))
        ours, theirs = (put(photos, f"{name}/a.jpg", name) for name in ("ours", "theirs"))
        meanwhile = Meanwhile(lambda path=theirs: other(path), moment)  # type: ignore[misc]
        with monkeypatch.context() as patched:
            for name in CALLS:
                patched.setattr(os, name, meanwhile.before(getattr(os, name)))
            send(ours)
        if not meanwhile.acted:
            break
        assert {*described(home / "Trash").values()} == {(ours, "ours"), (theirs, "theirs")}
    assert moment > 15


def test_what_another_program_puts_over_a_file_in_the_trash_does_not_cost_it(
    photos: Path, home_trash: Path
) -> None:
    path = put(photos, "a.jpg", "ours")

    def replaced(place: str) -> None:
        os.rename(put(photos, "b.jpg", "theirs"), place)

    with pytest.raises(OSError, match="it does not arrive at"):
        trash.send(path, path, replaced)
    assert Path(path).read_text() == "ours"
    assert (home_trash / "files" / "a.jpg").read_text() == "theirs"


def test_what_can_not_be_recorded_leaves_nothing_in_the_trash(
    photos: Path, home_trash: Path
) -> None:
    path = put(photos, "a.jpg", "one")

    def record(_: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        trash.send(path, path, record)
    assert Path(path).read_text() == "one"
    assert not home_trash.exists()


@pytest.mark.parametrize("number", range(3))
def test_what_a_disk_can_not_keep_does_not_lose_its_name(
    photos: Path, home_trash: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The description and the names in both folders are on the disk first."""
    path = put(photos, "a.jpg", "one")
    real, syncs = os.fsync, itertools.count()

    def fsync(descriptor: int) -> None:
        if next(syncs) == number:
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="Input/output"):
        send(path)
    assert Path(path).read_text() == "one"
    assert not home_trash.exists()


# ---- What is not trusted


def link_elsewhere(folder: Path, target: Path) -> None:
    target.mkdir()
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.symlink_to(target)


@pytest.mark.parametrize("name", ["Trash", "Trash/files", "Trash/info"])
def test_a_trash_that_is_a_link_takes_nothing(
    photos: Path, data_home: Path, tmp_path: Path, name: str
) -> None:
    link_elsewhere(data_home / name, tmp_path / "elsewhere")
    path = put(photos, "a.jpg", "one")
    with pytest.raises(OSError, match=f"{name} is a symbolic link"):
        send(path)
    assert Path(path).read_text() == "one"
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_trash_that_others_may_write_to_takes_only_what_they_may_take_anyway(
    photos: Path, home_trash: Path
) -> None:
    home_trash.mkdir()
    home_trash.chmod(0o777)
    path = put(photos, "a.jpg", "one")
    with pytest.raises(OSError, match="others may write to"):
        send(path)
    assert Path(path).read_text() == "one"
    photos.chmod(0o777)  # so it is on disks that know no owners
    assert send(path).read_text() == "one"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root, to give a folder away")
def test_a_trash_of_somebody_else_takes_nothing(photos: Path, home_trash: Path) -> None:
    home_trash.mkdir()
    os.chown(home_trash, 12345, 12345)
    path = put(photos, "a.jpg", "one")
    with pytest.raises(OSError, match="belongs to somebody else"):
        send(path)
    assert Path(path).read_text() == "one"


# ---- On another disk than the home's


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = Path(os.path.realpath(tmp_path)) / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=5m", "none", str(folder)]
    if (
        sys.platform != "linux"
        or os.geteuid() != 0
        or subprocess.run(command, capture_output=True, check=False).returncode
    ):
        pytest.skip("needs to be root on Linux, to mount a disk in memory")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def own(disk: Path) -> Path:
    return disk / f".Trash-{os.geteuid()}"


def shared(disk: Path) -> Path:
    (disk / ".Trash").mkdir()
    (disk / ".Trash").chmod(0o1777)
    return disk / ".Trash" / str(os.geteuid())


def test_each_disk_has_a_trash_of_its_own(disk: Path, home_trash: Path) -> None:
    send(put(disk, "2019/a b.jpg", "one"))
    assert described(own(disk)) == {"a b.jpg": ("2019/a b.jpg", "one")}
    assert own(disk).stat().st_mode & 0o777 == 0o700
    assert not home_trash.exists()


def test_a_trash_that_a_disk_has_for_all_comes_first(disk: Path) -> None:
    place = shared(disk)
    send(put(disk, "2019/a.jpg", "one"))
    assert described(place) == {"a.jpg": ("2019/a.jpg", "one")}


def unsticky(disk: Path) -> None:
    shared(disk).parent.chmod(0o777)


def linked(disk: Path) -> None:
    link_elsewhere(disk / ".Trash", disk / "elsewhere")
    (disk / "elsewhere").chmod(0o1777)


def linked_inside(disk: Path) -> None:
    link_elsewhere(shared(disk), disk / "elsewhere")


@pytest.mark.parametrize("make", [unsticky, linked, linked_inside])
def test_a_trash_for_all_that_is_unsafe_is_passed_over(
    disk: Path, make: Callable[[Path], None]
) -> None:
    make(disk)
    send(put(disk, "2019/a.jpg", "one"))
    assert described(own(disk)) == {"a.jpg": ("2019/a.jpg", "one")}
    elsewhere = disk / "elsewhere"
    assert not elsewhere.exists() or list(elsewhere.iterdir()) == []


def test_a_link_in_the_place_of_a_disks_trash_is_not_followed(
    library: Library, disk: Path, data_home: Path
) -> None:
    """From folder tree to folder tree: the originals stay, and nothing lies where it leads."""
    link_elsewhere(own(disk), disk / "elsewhere")
    for name in ("vacation1.jpg", "vacation1_copy.jpg"):
        (disk / name).write_bytes((library.photos / name).read_bytes())
    library.photos = disk
    library.find()
    library.delete_copies("vacation1_copy.jpg")
    assert library.check().code == 0
    ran = library.cleanup("--delete-mode", "trash")
    assert ran.code == 1
    reason = f"it can't be sent to a trash ({own(disk)} is a symbolic link); see --delete-mode"
    assert reason in ran.out
    assert (disk / "vacation1_copy.jpg").exists()
    assert list((disk / "elsewhere").iterdir()) == []
    assert not (data_home / "Trash").exists()


def test_a_folder_that_is_mounted_twice_from_the_homes_disk_has_its_own_trash(
    photos: Path, home_trash: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel moves nothing between two mounts, even if both are of one device."""
    real = os.link

    def link(path: str, name: str, *, dst_dir_fd: int, **options: Any) -> None:
        if str(home_trash) in os.readlink(f"/proc/self/fd/{dst_dir_fd}"):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        real(path, name, dst_dir_fd=dst_dir_fd, **options)

    monkeypatch.setattr(os, "link", link)
    monkeypatch.setattr(os.path, "ismount", lambda path: str(path) == str(photos))
    send(put(photos, "2019/a.jpg", "one"))
    assert described(own(photos)) == {"a.jpg": ("2019/a.jpg", "one")}
    assert not home_trash.exists()


def test_a_trash_that_was_there_stays_where_it_takes_nothing(
    photos: Path, home_trash: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home_trash / "files").mkdir(parents=True)
    path = put(photos, "a.jpg", "one")
    no_links(monkeypatch, errno.EXDEV)
    monkeypatch.setattr(os.path, "ismount", lambda path: str(path) == str(photos))
    with pytest.raises(OSError, match=os.strerror(errno.EXDEV)):
        send(path)
    assert os.listdir(home_trash) == ["files"]
    assert os.listdir(photos) == ["a.jpg"]


@pytest.mark.parametrize(
    ("change", "is_one"),
    [
        ({}, True),
        ({"st_ino": 8}, False),
        ({"st_ino": 8, "st_dev": 2}, True),
        ({"st_ino": 8, "st_dev": 2, "st_ctime_ns": 9000}, False),
        ({"st_ino": 8, "st_dev": 2, "st_nlink": 1}, False),
    ],
)
def test_what_leaves_the_trash_again_is_the_file_that_has_its_own_name(
    change: dict[str, int], is_one: bool
) -> None:
    own = {"st_dev": 1, "st_ino": 7, "st_size": 3, "st_nlink": 2}
    own |= {"st_mtime_ns": 1000, "st_ctime_ns": 2000}
    statuses: list[Any] = [SimpleNamespace(**own), SimpleNamespace(**own | change)]
    assert trash._have_one_file(*statuses) == is_one


def test_on_an_overlay_that_copies_a_file_for_its_second_name_nothing_is_left_of_it(
    disk: Path, photos: Path, home_trash: Path
) -> None:
    """Its two names then have two numbers on two devices, of which neither is their folder's."""
    put(photos, "2019/a.jpg", "one")
    for name in ("upper", "work", "merged"):
        (disk / name).mkdir()
    below = f"lowerdir={photos},upperdir={disk}/upper,workdir={disk}/work,xino=off"
    merged = disk / "merged"
    mount = ["mount", "-t", "overlay", "-o", below, "none", str(merged)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no overlay can be mounted here")
    try:
        before = tree(merged)
        place = f"{own(merged)}/files/a.jpg"
        with pytest.raises(OSError, match=f"it does not arrive at {place}"):
            send(str(merged / "2019" / "a.jpg"))
        assert tree(merged) == before
        assert not home_trash.exists()
    finally:
        subprocess.run(["umount", "-l", str(merged)], check=True)


def test_only_the_very_file_that_was_sent_counts_as_there(photos: Path) -> None:
    path = put(photos, "a.jpg", "one")
    sent = os.lstat(path)
    assert trash.holds(path, sent)
    shutil.copy2(path, photos / "twin.jpg")
    assert os.lstat(photos / "twin.jpg").st_mtime_ns == sent.st_mtime_ns
    assert not trash.holds(str(photos / "twin.jpg"), sent)
    assert not trash.holds(str(photos / "gone.jpg"), sent)
    put(photos, "a.jpg", "changed")
    assert not trash.holds(path, sent)
