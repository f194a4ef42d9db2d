"""Every reason to keep an original, and how one is deleted when there is none."""

import contextlib
import errno
import fcntl
import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Library

import cleanup
from cleanup import Culled, Deleted, Judge, Plan
from config import Exit, UserError
from disk import inspection, removal, trash, trashing
from disk.files import ImageFile, digest_file
from disk.record import Manifest, OwnFiles, SavedCopy, probably_matches, surely_matches
from disk.removal import Kept
from pictures.losses import orphaned_sidecars

OWN_FILES = OwnFiles("info.txt", "to_delete.txt")


class Case:
    """Originals a, b and c of one group, and d and e of another; the copies of b and c are gone."""

    def __init__(self, folder: Path) -> None:
        self.photos, self.output = folder / "photos", folder / "output"
        self.log = folder / "log.txt"
        self.copies: dict[str, SavedCopy] = {}
        self.input_dirs: tuple[str, ...] = (str(self.photos),)
        self.photos.mkdir()
        for name, group in (("a", 1), ("b", 1), ("c", 1), ("d", 2), ("e", 2)):
            path = self.photos / f"{name}.jpg"
            path.write_text(f"the photo {name}")
            copy = self.output / str(group) / f"photos_{name}.jpg"
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
            status = path.stat()
            original = ImageFile(str(path), status.st_size, status.st_mtime_ns)
            self.copies[name] = SavedCopy(original, str(copy), group, digest_file(str(path)))
        self.delete_copies("b", "c")

    def photo(self, name: str) -> Path:
        return self.photos / f"{name}.jpg"

    def delete_copies(self, *names: str) -> None:
        for name in names:
            os.unlink(self.copies[name].copy)

    @property
    def manifest(self) -> Manifest:
        return Manifest(self.input_dirs, tuple(self.copies.values()), OWN_FILES)

    @property
    def culled(self) -> Culled:
        return cleanup.culled_in(self.manifest, str(self.output))

    def paths(self, names: str) -> list[str]:
        return [str(self.photo(name)) for name in names]

    def judge(self, listed: str = "bc", *, whole_groups: bool = False) -> Judge:
        paths = frozenset(self.paths(listed))
        return Judge(self.manifest, paths, self.culled, whole_groups=whole_groups)

    def reason(
        self,
        name: str = "b",
        *,
        listed: str = "bc",
        whole_groups: bool = False,
        matches: cleanup.Matches = surely_matches,
    ) -> str | None:
        judge = self.judge(listed, whole_groups=whole_groups)
        return judge.reason_to_keep(self.copies[name], str(self.photo(name)), matches)

    def execute(self, remove: removal.Remove, listed: str = "bc") -> list[Deleted | Kept]:
        plan = Plan(tuple(self.copies[name] for name in listed), (), ())
        return list(cleanup.execute(plan, self.judge(listed), str(self.log), remove))


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(Path(os.path.realpath(tmp_path)))


def same_size_and_time(path: Path) -> None:
    status = path.stat()
    path.write_bytes(bytes(reversed(path.read_bytes())))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


# ---- The reasons


def test_an_original_whose_copy_is_deleted_may_go_if_another_stays(case: Case) -> None:
    assert case.reason("b") is None
    assert case.reason("c") is None


def test_an_original_outside_the_input_folders_is_kept(case: Case) -> None:
    case.input_dirs = (str(case.photos / "sub"), str(case.photos) + "x")
    assert case.reason() == "it lies outside the input folders"


def test_an_original_reached_through_a_link_is_kept(case: Case) -> None:
    case.photos.rename(case.photos.with_name("real"))
    case.photos.symlink_to("real")
    assert case.reason() == "it is reached through a symbolic link"


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_regular_file_is_kept(case: Case, make: Callable[[Path], None]) -> None:
    case.photo("b").unlink()
    make(case.photo("b"))
    assert case.reason() == "it is not a regular file"


def test_an_original_whose_copy_moved_is_kept(case: Case) -> None:
    (case.output / "BEST.jpg").write_bytes(case.photo("b").read_bytes())
    assert case.reason("b") == "its copy was only moved, renamed or edited"
    assert case.reason("c") is None


def test_an_original_whose_copy_is_there_is_kept(case: Case) -> None:
    assert case.reason("d", listed="d") == "its copy is still there"


def test_a_copy_that_comes_back_after_the_review_keeps_its_original(case: Case) -> None:
    judge = case.judge()
    Path(case.copies["b"].copy).write_text("undeleted")
    reason = judge.reason_to_keep(case.copies["b"], str(case.photo("b")), surely_matches)
    assert reason == "its copy is still there"


def test_originals_of_a_group_without_copies_are_kept(case: Case) -> None:
    case.delete_copies("d", "e")
    expected = "all copies of its group are gone (see --allow-whole-groups)"
    assert case.reason("d", listed="d") == expected
    assert case.reason("d", listed="de") == expected
    assert case.reason("d", listed="d", whole_groups=True) is None
    assert case.reason("d", listed="de", whole_groups=True) is None


def test_of_a_whole_group_what_was_taken_off_the_list_must_survive(case: Case) -> None:
    case.delete_copies("d", "e")
    assert case.reason("d", listed="d", whole_groups=True) is None
    case.photo("e").write_text("another photo")
    assert case.reason("d", listed="d", whole_groups=True) == ALONE
    case.photo("e").unlink()
    assert case.reason("d", listed="d", whole_groups=True) == ALONE
    assert case.reason("d", listed="de", whole_groups=True) is None


@pytest.mark.parametrize("name", ["photos_b.dng", "photos_b.xmp", "desktop.ini", "Thumbs.db"])
def test_a_copy_is_known_by_its_content_whatever_its_name(case: Case, name: str) -> None:
    (case.output / "1" / name).write_text("the photo b")
    assert case.reason("b", listed="b") == "its copy was only moved, renamed or edited"
    assert case.reason("c", listed="c") is None


def test_two_cleanups_do_not_count_on_what_the_other_deletes(case: Case) -> None:
    """Each proves and deletes alone with the folders of the group."""
    folder = os.open(case.photos, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    results: list[Deleted | Kept] = []
    other = threading.Thread(target=lambda: results.extend(case.execute(removal.unlink, "b")))
    other.start()
    other.join(0.3)
    assert case.photo("b").exists()
    case.photo("a").unlink()
    case.photo("c").unlink()
    os.close(folder)
    other.join()
    assert results == [Kept(str(case.photo("b")), ALONE)]
    assert case.photo("b").exists()


@pytest.fixture
def lock_of_another(case: Case) -> Iterator[None]:
    """A program that may only read the photos, and holds a lock on their folder for ever."""
    program = "import fcntl, os, sys; fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_SH)"
    command = [sys.executable, "-c", program + "; print(flush=True); input()", str(case.photos)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        assert process.stdout
        process.stdout.readline()
        yield
        process.kill()


@pytest.mark.usefixtures("lock_of_another")
def test_a_lock_that_another_program_holds_for_ever_keeps_the_files_and_is_named(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("disk.folder_locks.time.monotonic", lambda: sum(waited))
    monkeypatch.setattr("disk.folder_locks.time.sleep", waited.append)
    reason = f"another program holds a lock on {case.photos}"
    assert case.execute(removal.unlink) == [Kept(path, reason) for path in case.paths("bc")]
    assert 5 <= sum(waited) < 5.1  # for all files together
    assert sorted(os.listdir(case.photos)) == ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"]
    assert case.log.read_text().splitlines()[0] == f"Kept file: {case.photo('b')}: {reason}"


def test_where_there_are_no_locks_originals_go(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    assert [type(result) for result in case.execute(removal.unlink)] == [Deleted, Deleted]


def test_a_copy_that_was_moved_over_another_is_not_deleted(case: Case) -> None:
    Path(case.copies["a"].copy).write_text("the photo c")
    assert case.reason("c", listed="c") == "its copy was only moved, renamed or edited"
    assert case.reason("b", listed="b") is None


def test_a_copy_with_a_longer_name_in_another_group_is_not_deleted(case: Case) -> None:
    (case.output / "2" / "photos_b (edited).jpg").write_text("another picture")
    assert case.reason("b", listed="b") == "its copy was only moved, renamed or edited"


def test_an_edited_file_beside_the_groups_may_be_any_copy(case: Case) -> None:
    best = case.output / "BEST.jpg"
    best.write_text("the photo b, turned")
    assert case.culled.strangers == (str(best),)


def test_only_what_may_be_a_deleted_copy_is_read(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A result can be as large as the library, and is looked through at every check."""
    longer, copied = case.output / "1" / "photos_b.xmp", Path(case.copies["d"].copy)
    longer.write_text("something longer than a photo")
    a_copy_not_missing = case.output / "1" / "photos_c.xmp"
    a_copy_not_missing.write_text("the photo c")
    for name in "abcde":  # the copies have the originals' times, each its own
        time_ns = ord(name) * 10**9
        if (copy := Path(case.copies[name].copy)).exists():
            os.utime(copy, ns=(time_ns, time_ns))
        original = replace(case.copies[name].original, mtime_ns=time_ns)
        case.copies[name] = replace(case.copies[name], original=original)
    read: list[str] = []

    def digest(path: str) -> str:
        read.append(path)
        return digest_file(path)

    monkeypatch.setattr(inspection, "digest_file", digest)
    assert [copy.copy for copy in case.culled.moved] == [case.copies["c"].copy]
    assert copied.exists()
    assert read == [str(a_copy_not_missing)]


def test_a_link_to_a_folder_may_be_any_copy(case: Case) -> None:
    (case.output / "1" / "link").symlink_to(case.photos)
    assert case.reason() == "its copy was only moved, renamed or edited"


def test_a_file_that_was_set_aside_outside_the_input_folders_stays_where_it_is(case: Case) -> None:
    aside = Path(removal.aside_path(str(case.photo("b"))))
    case.photo("b").rename(aside)
    case.input_dirs = (str(case.photos / "elsewhere"),)
    assert list(removal.restore_set_aside(case.manifest)) == []
    assert aside.exists()
    assert not case.photo("b").exists()


def test_a_file_with_both_names_loses_the_second_and_nothing_is_said(case: Case) -> None:
    aside = Path(removal.aside_path(str(case.photo("b"))))
    os.link(case.photo("b"), aside)
    assert list(removal.restore_set_aside(case.manifest)) == []
    assert case.photo("b").read_text() == "the photo b"
    assert not aside.exists()


def test_a_changed_original_is_kept(case: Case) -> None:
    case.photo("b").write_text("another photo")
    assert case.reason() == "it changed since find"
    assert case.reason(matches=probably_matches) == "it changed since find"


def test_a_secret_change_is_seen_by_reading(case: Case) -> None:
    same_size_and_time(case.photo("b"))
    assert case.reason(matches=probably_matches) is None
    assert case.reason() == "it changed since find"


def test_a_file_that_was_only_touched_may_go(case: Case) -> None:
    os.utime(case.photo("b"))
    os.utime(case.photo("a"))
    assert case.reason() is None
    assert case.reason(matches=probably_matches) is None


ALONE = "no other original of its group would remain"


def link_to_the_doomed(path: Path) -> None:
    path.unlink()
    path.symlink_to("b.jpg")


@pytest.mark.parametrize("change", [Path.unlink, same_size_and_time, link_to_the_doomed])
def test_without_a_survivor_an_original_is_kept(case: Case, change: Callable[[Path], None]) -> None:
    change(case.photo("a"))
    assert case.reason() == ALONE


def test_an_original_that_is_listed_too_is_no_survivor(case: Case) -> None:
    assert case.reason(listed="abc") == ALONE
    assert case.reason(listed="abc", whole_groups=True) == ALONE  # the copy of a is there


def test_an_original_taken_off_the_list_is_a_survivor(case: Case) -> None:
    case.photo("a").unlink()
    assert case.reason("b", listed="b") is None


def test_another_path_of_the_same_file_is_no_survivor(case: Case) -> None:
    case.photo("a").unlink()
    os.link(case.photo("b"), case.photo("a"))
    twin = case.copies["b"]
    a = case.copies["a"]
    case.copies["a"] = SavedCopy(
        ImageFile(a.original.path, twin.original.size, twin.original.mtime_ns),
        a.copy,
        a.group,
        twin.digest,
    )
    assert case.reason() == ALONE


def move_survivor(case: Case) -> Path:
    """Have the photo a in another folder, under the name of b."""
    backup = case.photos / "backup" / "b.jpg"
    backup.parent.mkdir()
    case.photo("a").rename(backup)
    a = case.copies["a"]
    case.copies["a"] = replace(a, original=replace(a.original, path=str(backup)))
    return backup


def test_a_file_of_the_same_name_in_another_folder_is_a_survivor(case: Case) -> None:
    move_survivor(case)
    assert [type(result) for result in case.execute(removal.unlink)] == [Deleted, Deleted]


def test_what_lies_in_the_folder_that_shows_the_doomed_one_too_is_no_survivor(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a mount with inode numbers of its own shows one folder as another."""
    backup = move_survivor(case)
    real = os.rename

    def rename(source: str, target: str) -> None:
        real(source, target)
        if target.endswith(".being-deleted"):
            backup.with_name(os.path.basename(target)).write_text("the photo b")

    monkeypatch.setattr(os, "rename", rename)
    assert case.execute(removal.unlink) == [Kept(path, ALONE) for path in case.paths("bc")]
    assert case.photo("b").exists()


def test_the_plan_does_not_call_gone_what_is_set_aside(case: Case) -> None:
    case.photo("b").rename(removal.aside_path(str(case.photo("b"))))
    plan = cleanup.plan_deletions(case.paths("b"), case.manifest, case.culled)
    assert [kept.path for kept in plan.refused] == case.paths("b")
    assert plan.gone == ()


def test_a_file_that_cannot_be_opened_is_no_survivor(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def refuse(path: str, *args: Any, **options: Any) -> int:
        if path == str(case.photo("a")):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path, *args, **options)

    monkeypatch.setattr(os, "open", refuse)
    assert case.reason(matches=probably_matches) == ALONE


def test_an_original_of_another_group_is_no_survivor(case: Case) -> None:
    case.photo("a").unlink()
    assert case.photo("d").exists()
    assert case.reason() == ALONE


# ---- The plan


def test_the_plan_tells_what_goes_what_stays_and_what_is_gone(case: Case) -> None:
    case.photo("c").unlink()
    plan = cleanup.plan_deletions(case.paths("bcd"), case.manifest, case.culled)
    assert plan.delete == (case.copies["b"],)
    assert plan.refused == (Kept(str(case.photo("d")), "its copy is still there"),)
    assert plan.gone == (str(case.photo("c")),)


def test_the_plan_refuses_a_path_that_find_did_not_copy(case: Case) -> None:
    with pytest.raises(UserError, match=r"/etc/passwd, which find did not copy") as refusal:
        cleanup.plan_deletions([*case.paths("b"), "/etc/passwd"], case.manifest, case.culled)
    assert refusal.value.code == Exit.STATE


def test_a_list_that_names_another_path_is_named_where_it_lies(culled: Library) -> None:
    culled.check()
    with culled.list_file.open("a") as stream:
        stream.write("/etc/passwd\n")
    ran = culled.cleanup()
    assert ran.code == 3
    assert f"error: {culled.list_file} names /etc/passwd, which find did not copy; " in ran.err


# ---- The deed


def test_originals_go_and_the_log_says_so(case: Case) -> None:
    results = case.execute(removal.unlink)
    sizes = [case.copies[name].original.size for name in "bc"]
    paths = case.paths("bc")
    assert results == [Deleted(path, size) for path, size in zip(paths, sizes, strict=True)]
    assert sorted(os.listdir(case.photos)) == ["a.jpg", "d.jpg", "e.jpg"]
    assert case.log.read_text() == "".join(f"Deleted file: {path}\n" for path in paths)


def test_a_file_with_another_name_frees_nothing(case: Case) -> None:
    os.link(case.photo("b"), case.photos / "kept.txt")
    assert case.execute(removal.unlink, "b") == [Deleted(str(case.photo("b")), 0)]


def test_the_line_is_in_the_log_when_the_file_goes(case: Case) -> None:
    seen = []

    def remove(path: str, prove: removal.Prove, record: Callable[[], None]) -> str | None:
        assert prove(path) is None
        assert os.path.exists(path)
        record()
        seen.append(case.log.read_text().splitlines()[-1])
        return None

    case.execute(remove)
    assert seen == [f"Deleted file: {path}" for path in case.paths("bc")]


def test_a_removal_that_fails_is_reported_and_the_rest_goes_on(case: Case) -> None:
    def remove(path: str, prove: removal.Prove, record: Callable[[], None]) -> str | None:
        if path == str(case.photo("b")):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return removal.unlink(path, prove, record)

    first, second = case.execute(remove)
    assert first == Kept(str(case.photo("b")), "Permission denied")
    assert isinstance(second, Deleted)
    assert case.log.read_text().splitlines()[0] == (
        f"Kept file: {case.photo('b')}: Permission denied"
    )


def test_what_changes_after_the_plan_is_kept(case: Case) -> None:
    plan = cleanup.plan_deletions(case.paths("bc"), case.manifest, case.culled)
    judge = case.judge()
    same_size_and_time(case.photo("b"))
    case.photo("a").unlink()
    results = list(cleanup.execute(plan, judge, str(case.log), removal.unlink))
    assert [result.path for result in results if isinstance(result, Kept)] == case.paths("bc")
    assert sorted(os.listdir(case.photos)) == ["b.jpg", "c.jpg", "d.jpg", "e.jpg"]


def test_the_file_itself_is_proven_not_one_put_in_its_place(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.rename

    def rename(source: str, target: str) -> None:
        if source == str(case.photo("b")):
            Path(source).write_text("saved by an editor at the last moment")
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    assert case.execute(removal.unlink, "b") == [
        Kept(str(case.photo("b")), "it changed since find")
    ]
    assert case.photo("b").read_text() == "saved by an editor at the last moment"


def no_hard_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)


@pytest.mark.parametrize("hard_links", [True, False])
def test_a_file_that_fails_its_proof_is_put_back(
    case: Case, monkeypatch: pytest.MonkeyPatch, hard_links: bool
) -> None:
    if not hard_links:
        no_hard_links(monkeypatch)
    path = str(case.photo("b"))
    assert removal.unlink(path, lambda _: "no", lambda: None) == "no"
    assert sorted(os.listdir(case.photos)) == ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"]
    assert case.photo("b").read_text() == "the photo b"


@pytest.mark.parametrize("hard_links", [True, False])
def test_a_new_file_in_its_place_is_not_overwritten_when_one_is_put_back(
    case: Case, monkeypatch: pytest.MonkeyPatch, hard_links: bool
) -> None:
    if not hard_links:
        no_hard_links(monkeypatch)

    def prove(_: str) -> str:
        case.photo("b").write_text("new")
        return "no"

    with pytest.raises(OSError, match="another file took its place; it is kept as"):
        removal.unlink(str(case.photo("b")), prove, lambda: None)
    assert case.photo("b").read_text() == "new"
    aside = Path(removal.aside_path(str(case.photo("b"))))
    assert aside.read_text() == "the photo b"


def test_a_log_that_can_not_be_written_keeps_the_file(case: Case) -> None:
    def record() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        removal.unlink(str(case.photo("b")), lambda _: None, record)
    assert case.photo("b").read_text() == "the photo b"


@pytest.mark.parametrize("number", range(3))
def test_what_can_be_recorded_for_a_second_trash_is_deleted(
    case: Case, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Of the third number neither can."""
    real, tries = cleanup.append_lines, itertools.count()

    def append(path: str, lines: list[str]) -> None:
        if next(tries) < number:
            raise OSError(errno.EIO, "Input/output error")
        real(path, lines)

    def remove(path: str, _: removal.Prove, record: removal.Record) -> str | None:
        for _ in range(2):
            with contextlib.suppress(OSError):
                record()
                os.unlink(path)
                return None
        return "no trash takes it"

    monkeypatch.setattr(cleanup, "append_lines", append)
    path = str(case.photo("b"))
    (result,) = case.execute(remove, "b")
    if number < 2:
        assert result == Deleted(path, len("the photo b"))
    else:
        assert result == Kept(path, "Input/output error")
    assert os.path.exists(path) == (number == 2)


def test_a_file_in_the_way_of_setting_aside_is_not_overwritten(case: Case) -> None:
    aside = Path(removal.aside_path(str(case.photo("b"))))
    aside.write_text("something else")
    (kept,) = case.execute(removal.unlink, "b")
    assert kept == Kept(str(case.photo("b")), f"{aside} is in the way")
    assert aside.read_text() == "something else"
    assert case.photo("b").read_text() == "the photo b"


@pytest.mark.parametrize("hard_links", [True, False])
def test_what_was_set_aside_is_put_back(
    case: Case, monkeypatch: pytest.MonkeyPatch, hard_links: bool
) -> None:
    if not hard_links:
        no_hard_links(monkeypatch)
    case.photo("b").rename(removal.aside_path(str(case.photo("b"))))
    assert list(removal.restore_set_aside(case.manifest)) == case.paths("b")
    assert sorted(os.listdir(case.photos)) == ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"]


# ---- The trash: disk/trash.py's, or what the system has


def test_the_trash_gets_only_what_is_proven(case: Case, data_home: Path) -> None:
    same_size_and_time(case.photo("c"))
    results = case.execute(trashing.trash)
    trashed = data_home / "Trash" / "files" / "b.jpg"
    assert results == [
        Deleted(str(case.photo("b")), len("the photo b"), str(trashed)),
        Kept(str(case.photo("c")), "it changed since find"),
    ]
    assert trashed.read_text() == "the photo b"
    assert case.log.read_text().splitlines()[0] == f"Deleted file: {case.photo('b')}"


def test_what_takes_the_place_of_a_file_stays_there_when_that_goes_to_the_trash(
    case: Case, data_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def send(*arguments: Any) -> str:
        case.photo("b").write_text("saved by an editor at the last moment")
        return trash.send(*arguments)

    monkeypatch.setattr(trashing, "send", send)
    (deleted,) = case.execute(trashing.trash, "b")
    assert isinstance(deleted, Deleted)
    assert case.photo("b").read_text() == "saved by an editor at the last moment"
    assert (data_home / "Trash" / "files" / "b.jpg").read_text() == "the photo b"


def test_what_is_not_found_in_the_trash_is_not_called_sent(
    case: Case, data_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def send(*arguments: Any) -> str:
        place = trash.send(*arguments)
        Path(place).write_text("another file took its place")
        os.replace(place, place + "x")
        return place

    monkeypatch.setattr(trashing, "send", send)
    place = data_home / "Trash" / "files" / "b.jpg"
    assert case.execute(trashing.trash, "b") == [
        Kept(str(case.photo("b")), f"it was sent to {place} and isn't there")
    ]


def test_a_log_that_can_not_be_written_keeps_a_file_out_of_the_trash(
    case: Case, data_home: Path
) -> None:
    case.log.mkdir()
    (kept,) = case.execute(trashing.trash, "b")
    assert isinstance(kept, Kept)
    assert case.photo("b").read_text() == "the photo b"
    assert [path for path in data_home.rglob("*") if not path.is_dir()] == []


@pytest.fixture(params=[False, True])
def of_the_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Both kinds of trash, each of which refuses."""

    def fail(path: str, *_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(trashing, "TRASH_IS_THE_SYSTEMS", request.param)
    monkeypatch.setattr("send2trash.send2trash", fail)
    monkeypatch.setattr(trashing, "send", fail)
    return bool(request.param)


@pytest.mark.usefixtures("of_the_system")
def test_without_a_trash_nothing_is_deleted(case: Case) -> None:
    for result in case.execute(trashing.trash):
        assert isinstance(result, Kept)
        assert result.reason == (
            "it can't be sent to a trash (Permission denied); see --delete-mode permanent"
        )
    assert case.photo("b").exists()
    assert case.photo("c").exists()
    assert case.log.read_text().splitlines()[-1].startswith(f"Kept file: {case.photo('c')}: ")


@pytest.mark.usefixtures("of_the_system")
def test_what_fails_its_proof_is_not_sent_to_the_trash_and_has_its_name(case: Case) -> None:
    path = str(case.photo("b"))
    assert trashing.trash(path, lambda _: "no", lambda: None) == "no"
    assert sorted(os.listdir(case.photos)) == ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"]


@pytest.fixture
def system_takes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the trash of a system takes, as on macOS: a file under its own name."""
    taken: list[str] = []
    monkeypatch.setattr(trashing, "TRASH_IS_THE_SYSTEMS", True)
    monkeypatch.setattr("send2trash.send2trash", lambda path: (taken.append(path), os.unlink(path)))
    return taken


def test_the_trash_of_a_system_gets_a_file_under_its_own_name_after_it_was_proven_under_another(
    case: Case, system_takes: list[str]
) -> None:
    proven: list[str] = []
    path = str(case.photo("b"))
    assert trashing.trash(path, lambda place: proven.append(place), lambda: None) is None
    assert proven == [removal.aside_path(path)]
    assert system_takes == [path]


def test_a_trash_of_a_system_that_does_nothing_is_noticed(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trashing, "TRASH_IS_THE_SYSTEMS", True)
    monkeypatch.setattr("send2trash.send2trash", lambda _: None)
    assert case.execute(trashing.trash, "b") == [
        Kept(str(case.photo("b")), "the trash did not take it")
    ]


def test_what_takes_the_place_of_a_file_before_the_trash_of_a_system_gets_it_is_kept(
    case: Case, system_takes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_back = removal._put_back

    def replace(aside: str, path: str) -> None:
        put_back(aside, path)
        (case.photos / "new").write_text("saved by an editor at the last moment")
        os.replace(case.photos / "new", path)

    monkeypatch.setattr(removal, "_put_back", replace)
    assert case.execute(trashing.trash, "b") == [
        Kept(str(case.photo("b")), "another file took its place")
    ]
    assert system_takes == []
    assert case.photo("b").read_text() == "saved by an editor at the last moment"


# ---- Sidecars


@pytest.mark.parametrize(
    ("files", "deleted", "orphans"),
    [
        ("a.jpg a.xmp a.jpg.xmp", "a.jpg", "a.jpg.xmp a.xmp"),
        ("a.jpg a.AAE a.MOV a.mp4", "a.jpg", "a.AAE a.MOV a.mp4"),
        ("a.jpg a.cr2 a.dng a.nef b.cr2", "a.jpg", "a.cr2 a.dng a.nef"),
        ("A.JPG a.xmp", "A.JPG", "a.xmp"),
        ("a.jpg a.heic a.mov", "a.jpg", ""),
        ("a.jpg a.png a.xmp a.jpg.xmp", "a.jpg", "a.jpg.xmp"),
        ("a.jpg a.png a.xmp", "a.jpg a.png", "a.xmp"),
        ("a.jpg ab.xmp a.txt a", "a.jpg", ""),
        ("a.xmp", "a.jpg", "a.xmp"),
        ("a.jpg a.WAV a.THM a.vrd a.acr a.on1", "a.jpg", "a.THM a.WAV a.acr a.on1 a.vrd"),
        ("a.jpg a.jpg.pp3 a.jpg.dop b.jpg b.jpg.dop", "a.jpg", "a.jpg.dop a.jpg.pp3"),
        ("a.jpg a.jpg.json a.png a.png.json", "a.jpg", "a.jpg.json"),
        ("a.jpg a(1).jpg a.jpg(1).json a.jpg.json", "a(1).jpg", "a.jpg(1).json"),
        ("IMG_1.JPG IMG_E1.JPG IMG_1.AAE", "IMG_E1.JPG", ""),
        ("IMG_1.JPG IMG_E1.JPG IMG_1.AAE", "IMG_1.JPG IMG_E1.JPG", "IMG_1.AAE"),
    ],
)
def test_sidecars_left_without_their_photo_are_named(
    tmp_path: Path, files: str, deleted: str, orphans: str
) -> None:
    for name in files.split():
        (tmp_path / name).touch()
    found = orphaned_sidecars(str(tmp_path / name) for name in deleted.split())
    assert [os.path.basename(path) for path in found] == orphans.split()
    assert sorted(os.listdir(tmp_path)) == sorted(files.split())


def test_sidecars_in_a_folder_that_is_gone_are_none(tmp_path: Path) -> None:
    assert orphaned_sidecars([str(tmp_path / "gone" / "a.jpg")]) == []


# ---- Copies that went to another group


def test_an_edited_copy_in_another_group_is_known_by_its_name(found: Library) -> None:
    copy = found.copy("vacation1_old.jpg")
    moved = found.copy("z_coffee.jpg").parent / copy.name
    copy.rename(moved)
    moved.write_bytes(moved.read_bytes() + b"turned")
    assert found.check().code == 0
    assert found.listed() == []
    converted = moved.with_suffix(".png")
    moved.rename(converted)
    assert found.check().code == 0
    assert found.listed() == []


def test_a_file_in_another_group_that_may_be_an_edited_copy_is_named(found: Library) -> None:
    copy = found.copy("vacation1_old.jpg")
    best = found.copy("z_coffee.jpg").parent / "BEST.jpg"
    copy.rename(best)
    best.write_bytes(best.read_bytes() + b"turned")
    checked = found.check()
    assert checked.code == 1
    assert str(best) in checked.out


def test_an_empty_group_folder_is_no_file_that_may_be_a_copy(found: Library) -> None:
    found.delete_copies("z_coffee.jpg", "z_coffee_bw.jpg")
    checked = found.check("--allow-whole-groups")
    assert checked.code == 0, checked
    assert found.listed() == ["z_coffee.jpg", "z_coffee_bw.jpg"]


# ---- Where a folder can't be looked into, nothing is gone


def test_a_copy_that_cannot_be_seen_is_not_deleted(
    found: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = str(found.copy("vacation1.jpg").parent)
    look = os.lstat

    def lstat(path: Any, *args: Any, **options: Any) -> os.stat_result:
        if os.path.dirname(str(path)) == blind:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return look(path, *args, **options)

    before = found.names()
    with monkeypatch.context() as patched:
        patched.setattr(os, "lstat", lstat)
        checked = found.check("--allow-whole-groups")
        assert checked.code == 2
        assert blind in checked.err
    assert not found.list_file.exists()
    assert found.names() == before


def test_the_rest_of_a_group_goes_when_one_original_is_gone_already(found: Library) -> None:
    found.delete_copies("z_coffee.jpg", "z_coffee_bw.jpg")
    (found.photos / "z_coffee.jpg").unlink()
    assert found.check("--allow-whole-groups").code == 0
    assert found.cleanup("--allow-whole-groups", "--yes").code == 0
    assert not {"z_coffee.jpg", "z_coffee_bw.jpg"} & set(found.names())


def test_the_plan_counts_no_bytes_for_a_file_with_another_link(culled: Library) -> None:
    os.link(culled.photos / "vacation1_old.jpg", culled.folder / "link.jpg")
    planned = culled.cleanup("--dry-run", "--json").facts
    assert planned["bytes"] == (culled.photos / "vacation1_copy.jpg").stat().st_size


def test_another_list_than_the_one_find_recorded_is_not_written(found: Library) -> None:
    assert found.check("--to-delete-file", "other.txt").code == 2
    assert not (found.output / "other.txt").exists()
