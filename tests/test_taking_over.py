"""Copies of the old result that are taken over into the new one, and those that are not."""

import errno
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import OLD, Small, tree

from disk import recovery, replaceable, taking_over
from disk.record import load_manifest


def taken(before: dict[str, int], after: dict[str, int]) -> set[str]:
    """Which copies are the files that they were."""
    return {name for name, file in after.items() if file in before.values()}


def state(folder: Path) -> dict[str, object]:
    """All that a result is, but for its log, which tells of each find."""
    content = {name: data for name, data in tree(folder).items() if name != "log.txt"}
    files = {path: path.stat() for path in folder.glob("*/*")}
    facts = {str(p): (s.st_mtime_ns, s.st_mode, s.st_nlink) for p, s in files.items()}
    return {**content, **facts}


def test_with_a_new_photo_only_that_is_copied_and_all_is_as_if_it_were_made_anew(
    small: Small,
) -> None:
    before = small.files()
    small.add_some("a0.jpg")
    ran = small.find()
    assert "5 pictures, 3 KB; 4 of them were there before.\n" in ran.out
    assert taken(before, small.files()) == {*OLD}
    assert sorted(os.listdir(small.folder)) == ["output", "photos"]
    found = state(small.output)
    again = small.find().out
    assert f"\nIn {small.output}: 5 pictures, 3 KB; all were there before.\n" in again
    shutil.rmtree(small.output)
    small.find()
    assert state(small.output) == found


def test_under_another_number_and_another_name_a_copy_is_taken_over_too(small: Small) -> None:
    before = small.files()
    small.add_some("A1.jpg", "A2.jpg")  # the first group by now
    (small.photos / "b2.jpg").rename(small.photos / "b3.jpg")
    os.utime(small.photos / "b3.jpg")
    (small.photos / "sub").mkdir()
    (small.photos / "a2.jpg").rename(small.photos / "sub" / "a2.jpg")
    small.find()
    assert small.copy("a1.jpg").parent.name == "2"
    assert taken(before, small.files()) == {"a1.jpg", "a2.jpg", "b1.jpg"}
    assert small.copy("b3.jpg").stat().st_mtime == (small.photos / "b3.jpg").stat().st_mtime


def test_at_the_peak_the_disk_has_little_more_than_one_result(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.add_some("a0.jpg")
    rename, peaks = os.rename, []

    def size(*folders: Path) -> int:
        files = [path.stat() for folder in folders for path in folder.glob("[0-9]*/*")]
        return sum({status.st_ino: status.st_size for status in files}.values())

    def renamed(source: str, target: str) -> None:
        if target == str(small.output):
            peaks.append(size(*small.folder.glob("output*")))
        rename(source, target)

    monkeypatch.setattr(os, "rename", renamed)
    small.find()
    assert peaks == [size(small.output)]


def test_each_old_copy_is_read_once(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(reads: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
        def also_counts(path: str, digest: str) -> Any:
            read.append(os.path.basename(path))
            return reads(path, digest)

        return also_counts

    for module, name in ((replaceable, "prove"), (recovery, "has_digest")):
        monkeypatch.setattr(module, name, counted(getattr(module, name)))
    small.find()
    read.remove("report.html")
    assert sorted(read) == sorted(path.name for path in small.output.glob("*/*"))


def test_copies_that_are_alike_are_files_of_their_own(small: Small) -> None:
    before = small.files()
    shutil.copy2(small.photos / "a1.jpg", small.photos / "a9.jpg")
    small.find()
    now = small.files()
    assert taken(before, now) in ({"a1.jpg", *OLD[1:]}, {"a9.jpg", *OLD[1:]})
    assert len({*now.values()}) == len(now)
    small.find()
    assert sorted(small.files().values()) == sorted(now.values())


# ---- What is copied anew


def has_a_second_name(small: Small) -> None:
    os.link(small.copy("a1.jpg"), small.folder / "photos" / "kept.txt")


def is_the_original_itself(small: Small) -> None:
    """As programs do that save room."""
    small.copy("a1.jpg").unlink()
    os.link(small.photos / "a1.jpg", small.copy("a1.jpg"))


def has_another_time(small: Small) -> None:
    os.utime(small.copy("a1.jpg"), (0, 0))


def has_another_mode(small: Small) -> None:
    small.copy("a1.jpg").chmod(0o600)


def has_an_original_of_another_mode(small: Small) -> None:
    (small.photos / "a1.jpg").chmod(0o600)


def has_an_original_of_another_time(small: Small) -> None:
    os.utime(small.photos / "a1.jpg", (0, 0))


@pytest.mark.parametrize(
    "change",
    [
        has_a_second_name,
        is_the_original_itself,
        has_another_time,
        has_another_mode,
        has_an_original_of_another_mode,
        has_an_original_of_another_time,
    ],
)
def test_what_is_not_as_a_new_copy_would_be_is_copied_anew(
    small: Small, change: Callable[[Small], None]
) -> None:
    before = small.files()
    change(small)
    small.find()
    assert taken(before, small.files()) == {*OLD[1:]}
    ours, theirs = small.copy("a1.jpg").stat(), (small.photos / "a1.jpg").stat()
    assert ours.st_ino != theirs.st_ino
    assert ours.st_nlink == 1
    assert (ours.st_mtime_ns, ours.st_mode) == (theirs.st_mtime_ns, theirs.st_mode)
    assert sorted(os.listdir(small.folder)) == ["output", "photos"]


def test_nothing_is_taken_over_by_a_record_that_is_not_signed(
    small: Small, someone_else: Callable[[], Path]
) -> None:
    before = small.files()
    someone_else()
    small.find()
    assert taken(before, small.files()) == set()


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.EXDEV, errno.EMLINK])
def test_where_no_file_can_have_two_names_all_is_copied(
    small: Small, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    before, found = small.files(), state(small.output)

    def link(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", link)
    facts = small.find("--json").facts
    assert (facts["copied"], facts["taken_over"]) == (4, 0)
    assert facts["bytes_copied"] == sum(path.stat().st_size for path in small.output.glob("*/*"))
    assert taken(before, small.files()) == set()
    assert state(small.output) == found


# ---- What happens while find is running


def when_linked(
    monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object], number: int = 1
) -> None:
    """Have something happen right before a copy gets its second name."""
    link, calls = os.link, []

    def linked(*args: Any, **options: Any) -> None:
        calls.append(args)
        if len(calls) == number:
            happens()
        link(*args, **options)

    monkeypatch.setattr(os, "link", linked)


def secretly(change: Callable[[bytes], bytes], path: Path) -> None:
    """Change a file in its place, and give it the time back that it had."""
    status = path.stat()
    path.write_bytes(change(path.read_bytes()))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def backwards(data: bytes) -> bytes:
    return bytes(reversed(data))


def test_a_copy_that_changes_after_it_was_proven_is_not_taken_over(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is set aside with the old result."""
    edited = small.copy("a2.jpg")
    data = edited.read_bytes()
    when_linked(monkeypatch, lambda: secretly(backwards, edited))
    ran = small.run("find")
    assert ran.code == 1
    place = small.folder / "output.find-old" / "1" / edited.name
    assert str(place) in ran.out
    assert place.read_bytes() == backwards(data)
    assert edited.read_bytes() == data


def test_an_original_that_changes_after_it_was_read_is_not_stood_for_by_its_old_copy(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(small.output)
    when_linked(monkeypatch, lambda: secretly(backwards, small.photos / "a2.jpg"))
    ran = small.run("find")
    assert ran.code == 2
    assert "holds copies that may be all that is left" in ran.err
    assert state(small.output) == before


@pytest.mark.parametrize("how", ["another file", "a link"])
def test_what_takes_the_place_of_a_copy_in_the_last_moment_is_no_copy(
    small: Small, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    copy = small.copy("a1.jpg")
    data = copy.read_bytes()

    def take_its_place() -> None:
        (small.folder / "mine").write_bytes(b"mine")
        if how == "a link":
            copy.unlink()
            copy.symlink_to(small.folder / "mine")
        else:
            (small.folder / "mine").rename(copy)

    when_linked(monkeypatch, take_its_place)
    ran = small.run("find")
    assert ran.code == 1
    assert copy.read_bytes() == data
    assert copy.stat().st_nlink == 1
    assert (small.folder / "output.find-old" / "1" / copy.name).read_bytes() == b"mine"


def test_what_is_edited_in_place_after_it_was_taken_over_comes_along_and_is_named(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited = small.copy("a1.jpg")
    when_linked(monkeypatch, lambda: edited.write_bytes(b"edited"), number=2)
    ran = small.run("find")
    assert ran.code == 1
    assert f"changed meanwhile or may be all that is left (1):\n  {edited}\n" in ran.out
    assert edited.read_bytes() == b"edited"
    assert sorted(os.listdir(small.folder)) == ["output", "photos"]
    assert small.check().code == 0
    assert small.listed() == []
    assert "were edited (1)" in small.run("find").err


def test_a_cull_while_copies_are_taken_over_ends_it_and_the_old_result_stands(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(small.output)
    copy = small.copy("a1.jpg")
    when_linked(monkeypatch, copy.unlink, number=2)
    assert small.run("find").code == 2
    left = state(small.output)
    assert before.items() - left.items() == {
        (key, before[key]) for key in (str(copy), str(copy.relative_to(small.output)))
    }
    assert small.check().code == 0
    assert small.listed() == ["a1.jpg"]


# ---- What an interrupted find has left


def share_all(small: Small, beside: str) -> Path:
    """The result once more, beside it, with second names for the same copies."""
    other = small.folder / f"output{beside}"
    subprocess.run(["cp", "-al", small.output, other], check=True)
    for name in ("info.txt", "image-similarity-search.json", "log.txt"):
        (other / name).unlink()
        shutil.copy2(small.output / name, other / name)
    return other


@pytest.mark.parametrize("beside", [".find-new", ".find-old"])
def test_what_is_edited_in_place_after_an_interrupted_find_stays_in_the_result(
    small: Small, beside: str
) -> None:
    other, edited = share_all(small, beside), small.copy("a1.jpg")
    edited.write_bytes(b"edited")
    before = state(small.output)
    assert small.check().code == 0
    assert not other.exists()
    after = state(small.output)
    changed = {key for key in after if after[key] != before.get(key)}
    assert changed == {"to_delete.txt", *map(str, small.output.glob("*/*"))}  # one name less
    assert edited.read_bytes() == b"edited"
    assert edited.stat().st_nlink == 1


def test_what_is_edited_and_has_a_second_name_elsewhere_is_left_alone(small: Small) -> None:
    other = share_all(small, ".find-old")
    name = small.copy("a1.jpg").name
    (other / "1" / name).unlink()
    (other / "1" / name).write_bytes(b"edited")
    os.link(other / "1" / name, small.folder / "mine.jpg")
    ran = small.check()
    assert ran.code == 2
    assert f"output.find-old holds files of yours ({name})" in ran.err
    assert (other / "1" / name).read_bytes() == b"edited"


def test_a_link_to_a_folder_is_no_second_name(small: Small) -> None:
    """Its file would go with the one name that is ours."""
    other = share_all(small, ".find-old")
    shutil.rmtree(small.output / "1")
    (small.output / "1").symlink_to(other / "1")
    edited = next((other / "1").iterdir())
    edited.write_bytes(b"edited")
    os.link(edited, small.folder / "mine.jpg")
    assert small.check().code == 2
    assert edited.read_bytes() == b"edited"


def test_a_name_is_no_second_name_of_itself(small: Small) -> None:
    copies = load_manifest(str(small.output)).copies
    other_name = taking_over.other_names(lambda: copies)
    assert [other_name(copy) for copy in copies] == [""] * len(OLD)
    gone = replace(copies[0], copy=str(small.output / "1" / "gone.jpg"))
    assert other_name(gone) == ""
    os.link(copies[0].copy, gone.copy)
    assert other_name(gone) == copies[0].copy
