"""What the last cleanup sent to the trash comes back, and what stays there for which reason."""

import errno
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Library, tree
from hypothesis import given
from hypothesis import strategies as st

from config import Exit, UserError
from disk import removal, signature, system
from disk import trash as trash_module
from disk.journal import Cleanup, Deletion, Journal, journal_of
from disk.own_names import ASIDE_SUFFIX, MANIFEST
from disk.restoring import IN_THE_TRASH, plan_restoring, put_back
from disk.trash import description_of

COPY, OLD = "vacation1_copy.jpg", "vacation1_old.jpg"
UNDO = "To undo this, run: python main.py --action restore --output-dir "
TRASH = ("--delete-mode", "trash")


@pytest.fixture
def cleaned(culled: Library) -> Library:
    """The library after a cleanup that sent two originals to the trash."""
    assert culled.cleanup(*TRASH).code == 0
    return culled


@pytest.fixture
def trash(data_home: Path) -> Path:
    return data_home / "Trash"


def journal(library: Library) -> Journal:
    found = journal_of(str(library.output))
    assert found
    return found


def trashed(library: Library, name: str = COPY) -> Path:
    return Path(journal(library).last().deletions[str(library.photos / name)].place)


def stays(library: Library, name: str = COPY) -> str:
    """Why a file stays where it is, which is said before and meant in the deed."""
    before = tree(library.folder)
    dry = library.run("restore", "--dry-run", "--json")
    assert tree(library.folder) == before
    ran = library.run("restore", "--json")
    assert (dry.code, ran.code) == (1, 1)
    (kept,) = [one for one in ran.facts["kept"] if one["path"] == str(library.photos / name)]
    assert kept in dry.facts["kept"]
    assert f"Not restored: {kept['path']}: {kept['reason']}" in library.log()
    assert kept["path"] not in ran.facts["restored"]
    return str(kept["reason"])


# ---- It comes back


def test_what_the_last_cleanup_deleted_comes_back_as_it_was(culled: Library, trash: Path) -> None:
    os.utime(culled.photos / OLD, ns=(5, 1_420_070_400_123_456_789))
    before = tree(culled.photos)
    assert culled.cleanup(*TRASH).out.splitlines()[-1].startswith(UNDO)
    ran = culled.run("restore", "--json")
    assert ran.code == 0
    assert ran.facts["restored"] == [str(culled.photos / name) for name in (COPY, OLD)]
    assert tree(culled.photos) == before
    assert (culled.photos / OLD).stat().st_mtime_ns == 1_420_070_400_123_456_789
    assert tree(trash) == {"files": b"<folder>", "info": b"<folder>"}
    assert f"Restored file: {culled.photos / COPY}" in culled.log()
    assert f"  {culled.photos / COPY}\n" in ran.err


def test_what_came_back_is_not_deleted_again_by_the_list_of_before(cleaned: Library) -> None:
    stale = cleaned.list_file.read_bytes()
    names = cleaned.names()
    cleaned.run("restore")
    assert cleaned.listed() == []
    assert all(Path(copy).exists() for copy in cleaned.info().values())
    everything = cleaned.names()
    assert len(everything) == len(names) + 2
    cleaned.list_file.write_bytes(stale)
    assert cleaned.cleanup().code == 1
    assert cleaned.check().code == 0
    assert cleaned.cleanup().code == 0
    assert cleaned.names() == everything
    assert cleaned.find().code == 0  # no cull is left to finish


def test_restoring_twice_is_restoring_once(cleaned: Library) -> None:
    cleaned.run("restore")
    cleaned.delete_copies(COPY)
    before = tree(cleaned.photos)
    ran = cleaned.run("restore")
    assert ran.code == 0
    assert "Restored before: 2 files." in ran.out
    assert tree(cleaned.photos) == before
    assert not cleaned.copy(COPY).exists()  # another cull, which is left alone


def test_companions_that_went_along_come_back(culled: Library) -> None:
    for stem in ("vacation1", "vacation1_copy"):
        (culled.photos / f"{stem}.xmp").write_text("a note")
    before = tree(culled.photos)
    assert culled.cleanup("--with-companions", *TRASH).code == 0
    assert not (culled.photos / "vacation1_copy.xmp").exists()
    assert culled.run("restore").code == 0
    assert tree(culled.photos) == before


def test_a_companion_that_came_back_without_its_photo_stays(culled: Library) -> None:
    for stem in ("vacation1", "vacation1_copy"):
        (culled.photos / f"{stem}.xmp").write_text("a note")
    culled.cleanup("--with-companions", *TRASH)
    trashed(culled).unlink()
    assert culled.run("restore").code == 1
    ran = culled.cleanup("--with-companions", "--json", *TRASH)
    companion = str(culled.photos / "vacation1_copy.xmp")
    reason = "it was restored, and its photo goes no more"
    assert ran.facts["companions"]["kept"] == [{"path": companion, "reason": reason}]
    assert os.path.exists(companion)


def test_a_companion_that_came_back_goes_with_its_photo_when_that_is_chosen_again(
    culled: Library,
) -> None:
    for stem in ("vacation1", "vacation1_copy"):
        (culled.photos / f"{stem}.xmp").write_text("a note")
    culled.cleanup("--with-companions", *TRASH)
    culled.run("restore")
    culled.delete_copies(COPY)
    culled.check()
    assert culled.cleanup("--with-companions", *TRASH).code == 0
    assert not (culled.photos / "vacation1_copy.xmp").exists()


def test_a_dry_run_names_the_same_and_changes_nothing(cleaned: Library, trash: Path) -> None:
    before = tree(cleaned.folder), tree(trash), journal(cleaned).last()
    dry = cleaned.run("restore", "--dry-run", "--json")
    assert (tree(cleaned.folder), tree(trash), journal(cleaned).last()) == before
    ran = cleaned.run("restore", "--json")
    assert dry.facts["restore"] == ran.facts["restore"]
    assert [one["path"] for one in dry.facts["restore"]] == ran.facts["restored"]


def test_only_the_last_cleanup_is_undone(cleaned: Library) -> None:
    cleaned.delete_copies("z_coffee_bw.jpg")
    cleaned.check()
    cleaned.cleanup(*TRASH)
    ended = journal(cleaned).last().ended
    assert cleaned.cleanup(*TRASH).code == 0  # that deletes nothing
    journal(cleaned)._append({"ended": "later"})
    assert journal(cleaned).last().ended == ended
    ran = cleaned.run("restore", "--json")
    assert ran.facts["restored"] == [str(cleaned.photos / "z_coffee_bw.jpg")]


def cleaned_one_by_one(library: Library, *names: str) -> list[dict[str, bytes]]:
    """Have a cleanup for each photo; returns the photos before the first, the second and so on."""
    trees = []
    for name in names:
        trees.append(tree(library.photos))
        library.delete_copies(name)
        assert library.check().code == 0
        assert library.cleanup(*TRASH).code == 0
    return trees


def test_each_restore_goes_one_cleanup_further_back(found: Library, trash: Path) -> None:
    everything = found.names()
    trees = cleaned_one_by_one(found, OLD, "z_coffee_bw.jpg", COPY)
    told = []
    for photos in reversed(trees):
        dry = found.run("restore", "--dry-run", "--json")
        ran = found.run("restore", "--json")
        assert dry.facts["restore"] == ran.facts["restore"]
        assert (ran.code, tree(found.photos)) == (0, photos)
        told.append((ran.facts["later_cleanups"], ran.facts["left_by_earlier"]))
    assert told == [(0, 2), (1, 1), (2, 0)]
    assert (found.names(), os.listdir(trash / "files")) == (everything, [])
    assert found.check().code == 0
    assert found.listed() == []
    ran = found.run("restore")
    assert (ran.code, tree(found.photos)) == (0, trees[0])
    assert "Restored before: 3 files." in ran.out


def test_it_says_which_cleanup_comes_next_and_what_lies_in_the_trash_yet(found: Library) -> None:
    cleaned_one_by_one(found, OLD, "z_coffee_bw.jpg", COPY)
    goes_on = "Earlier cleanups left in the trash: {}; the next restore goes on there."
    first, second, third = (found.run("restore").out for _ in range(3))
    assert goes_on.format("2 files") in first
    assert "Nothing more can be restored of it.\nThe cleanup before it ended on " in second
    assert goes_on.format("1 file") in second
    assert "of the last 2 cleanups.\nThe cleanup before them ended on " in third
    assert "left in the trash" not in third


def test_a_photo_that_two_cleanups_deleted_comes_back_with_the_later_one(found: Library) -> None:
    cleaned_one_by_one(found, OLD)
    shutil.copy2(trashed(found, OLD), found.photos / OLD)  # by hand
    shutil.copy2(found.photos / OLD, found.copy(OLD))
    cleaned_one_by_one(found, COPY, OLD)
    restored = [found.run("restore", "--json").facts["restored"] for _ in range(2)]
    assert restored == [[str(found.photos / name)] for name in (OLD, COPY)]
    ran = found.run("restore", "--json")  # the first one's is in its place
    assert (ran.code, ran.facts["back"]) == (0, [str(found.photos / OLD)])
    assert found.run("restore", "--json").facts["back"] == []


def test_what_was_deleted_for_good_keeps_no_earlier_cleanup_in_the_trash(found: Library) -> None:
    cleaned_one_by_one(found, OLD)
    found.delete_copies(COPY)
    found.check()
    found.cleanup("--delete-mode", "permanent")
    ran = found.run("restore", "--json")
    assert (ran.code, ran.facts["restored"]) == (1, [str(found.photos / OLD)])
    gone = {"path": str(found.photos / COPY), "reason": "it was deleted for good"}
    assert ran.facts["kept"] == [gone]


def test_a_cleanup_whose_disk_is_not_mounted_is_waited_for(found: Library) -> None:
    cleaned_one_by_one(found, OLD, COPY)
    elsewhere = found.photos.rename(found.folder / "elsewhere")
    ran = found.run("restore", "--json")
    assert (ran.code, ran.facts["later_cleanups"], ran.facts["restored"]) == (1, 0, [])
    elsewhere.rename(found.photos)
    assert found.run("restore", "--json").facts["restored"] == [str(found.photos / COPY)]


def test_what_an_earlier_version_noted_as_restored_is_known(cleaned: Library) -> None:
    journal(cleaned)._append({"restored": str(cleaned.photos / COPY)})
    assert journal(cleaned).last().restored == {str(cleaned.photos / COPY)}


@pytest.mark.parametrize("stopped", [False, True])
def test_a_cleanup_that_deletes_nothing_leaves_the_one_before_to_be_undone(
    cleaned: Library, monkeypatch: pytest.MonkeyPatch, stopped: bool
) -> None:
    other = "z_coffee_bw.jpg"
    copy = cleaned.copy(other)
    cleaned.delete_copies(other)
    cleaned.check()
    with monkeypatch.context() as patched:
        patched.setattr("disk.trash._leave", interrupted if stopped else refused)
        assert cleaned.cleanup(*TRASH).code == (130 if stopped else 1)
    assert other in cleaned.names()
    ran = cleaned.run("restore", "--json")
    assert ran.facts["restored"] == [str(cleaned.photos / name) for name in (COPY, OLD)]
    assert not copy.exists()  # it is chosen yet


def test_what_a_cleanup_kept_after_all_is_no_part_of_it(
    culled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = trash_module._leave

    def leave(entry: Any, path: str, *arguments: Any) -> None:
        if OLD in path:
            refused()
        real(entry, path, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr("disk.trash._leave", leave)
        assert culled.cleanup(*TRASH).code == 1
    assert [*journal(culled).last().deletions] == [str(culled.photos / COPY)]


def test_a_cleanup_that_was_interrupted_is_one_with_what_went_on(
    culled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = culled.list_file.read_text("utf-8")
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "ended", lambda _: None)  # it was killed before
        culled.list_file.write_text(listed.splitlines()[0] + "\n")
        culled.cleanup(*TRASH)
    culled.list_file.write_text(listed)
    culled.cleanup(*TRASH)
    assert len(culled.run("restore", "--json").facts["restored"]) == 2


def test_it_comes_back_after_another_find(cleaned: Library) -> None:
    cleaned.delete_copies("z_coffee_bw.jpg")
    cleaned.find("--discard-review")
    assert cleaned.run("restore").code == 0
    assert {COPY, OLD} <= {*cleaned.names()}
    assert cleaned.find("--discard-review").code == 0
    assert str(cleaned.photos / COPY) in cleaned.info()


def test_it_comes_back_where_the_result_is_gone(cleaned: Library) -> None:
    shutil.rmtree(cleaned.output)
    assert cleaned.run("restore").code == 0
    assert {COPY, OLD} <= {*cleaned.names()}
    assert not cleaned.output.exists()


def test_a_result_that_is_not_trusted_stays_as_it_is_and_that_is_said(cleaned: Library) -> None:
    info = cleaned.output / "info.txt"
    info.write_text("{}")
    before = tree(cleaned.output / "1")
    ran = cleaned.run("restore")
    assert ran.code == 1
    assert "no copies come back, so check-deleted would list them again: " in ran.out
    assert {COPY, OLD} <= {*cleaned.names()}
    assert tree(cleaned.output / "1") == before


def test_the_list_of_a_result_that_is_not_trusted_names_no_restored_file(
    cleaned: Library,
) -> None:
    manifest = cleaned.output / MANIFEST
    manifest.write_text(json.dumps({**json.loads(manifest.read_text("utf-8")), "signatures": []}))
    cleaned.run("restore")
    everything = cleaned.names()
    assert {COPY, OLD} <= {*everything}
    assert cleaned.listed() == []
    assert cleaned.cleanup("--trust-result", "--yes", *TRASH).code == 0
    assert cleaned.names() == everything


def test_beside_a_list_that_can_not_be_read_nothing_is_restored(cleaned: Library) -> None:
    (cleaned.output / "info.txt").write_text("{}")
    cleaned.list_file.write_text('"cut off')
    ran = cleaned.run("restore")
    assert ran.code == 3
    assert "line 1 can't be read" in ran.err
    assert COPY not in cleaned.names()


def test_folders_that_are_gone_are_made_again_and_named(bare_library: Library) -> None:
    for number in range(3):  # all of one name
        bare_library.add(f"{number}/deep/a.jpg", quality=60 + number)
    before = tree(bare_library.photos)
    bare_library.find()
    bare_library.delete_copies("1/deep/a.jpg", "2/deep/a.jpg")
    bare_library.check()
    bare_library.cleanup(*TRASH)
    shutil.rmtree(bare_library.photos / "1")
    shutil.rmtree(bare_library.photos / "2" / "deep")
    ran = bare_library.run("restore", "--json")
    made = [str(bare_library.photos / name) for name in ("1", "1/deep", "2/deep")]
    assert (ran.code, ran.facts["folders"]) == (0, made)
    assert f"  {made[0]}\n" in ran.err
    assert tree(bare_library.photos) == before


# ---- What stays


def test_what_was_deleted_for_good_is_named(culled: Library) -> None:
    culled.cleanup()
    assert stays(culled) == "it was deleted for good"


def test_what_the_trash_of_a_system_has_is_named(cleaned: Library) -> None:
    notes = journal(cleaned)
    deletions = notes.last().deletions.values()
    Path(notes.file).unlink()
    for deletion in deletions:
        notes.deleted(replace(deletion, place=""))
    assert stays(cleaned).startswith("the system's trash doesn't tell where it lies")


@pytest.mark.parametrize(
    "put", [lambda p: p.write_text("theirs"), os.mkdir, lambda p: p.symlink_to("nowhere")]
)
def test_nothing_is_put_over_what_has_the_name(
    cleaned: Library, put: Callable[[Path], object]
) -> None:
    put(cleaned.photos / COPY)
    before, there = tree(cleaned.photos), trashed(cleaned)
    assert stays(cleaned) == "another file has its name"
    assert there.exists()
    assert {**tree(cleaned.photos), **before} == tree(cleaned.photos)


def test_nothing_is_put_over_what_takes_the_name_in_the_last_moment(
    cleaned: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def link(*arguments: Any, **options: Any) -> None:
        if arguments[1] == COPY:
            (cleaned.photos / COPY).write_text("theirs")
        real(*arguments, **options)

    monkeypatch.setattr(os, "link", link)
    ran = cleaned.run("restore", "--json")
    assert [one["reason"] for one in ran.facts["kept"]] == ["another file has its name"]
    assert (cleaned.photos / COPY).read_text() == "theirs"
    assert trashed(cleaned).exists()


def secretly_changed(place: Path) -> None:
    status = place.stat()
    place.write_bytes(bytes(reversed(place.read_bytes())))
    os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_what_was_changed_in_secret_stays_in_the_trash(cleaned: Library) -> None:
    place = trashed(cleaned)
    secretly_changed(place)
    changed = place.read_bytes()
    ran = cleaned.run("restore", "--json")
    assert ran.code == 1
    assert [one["reason"] for one in ran.facts["kept"]] == [f"{place} has another content"]
    assert place.read_bytes() == changed
    assert COPY not in cleaned.names()
    assert OLD in cleaned.names()


def gone(place: Path) -> str:
    place.unlink()
    return f"it isn't in the trash any more ({place})"


def edited(place: Path) -> str:
    place.write_text("edited")
    return f"{place} has another content"


def a_link(place: Path) -> str:
    place.rename(place.with_name("elsewhere"))
    place.symlink_to("elsewhere")
    return f"{place} is reached through a symbolic link"


def in_a_linked_folder(place: Path) -> str:
    place.parent.rename(place.parent.with_name("real"))
    place.parent.symlink_to("real")
    return f"{place} is reached through a symbolic link"


def a_folder(place: Path) -> str:
    place.unlink()
    place.mkdir()
    return f"{place} is not a regular file"


def from_elsewhere(place: Path) -> str:
    info = place.parent.parent / "info" / f"{place.name}.trashinfo"
    info.write_text("[Trash Info]\nPath=/somewhere/else.jpg\n")
    return f"{place} came from elsewhere"


@pytest.mark.parametrize(
    "change", [gone, edited, a_link, in_a_linked_folder, a_folder, from_elsewhere]
)
def test_what_is_not_surely_the_file_stays_in_the_trash(
    cleaned: Library, change: Callable[[Path], str]
) -> None:
    place = trashed(cleaned)
    reason = change(place)
    before = tree(place.parent.parent)
    assert stays(cleaned) == reason
    assert COPY not in cleaned.names()
    assert [n for n, content in before.items() if content != tree(place.parent.parent).get(n)] in (
        [],
        [f"files/{OLD}", f"info/{OLD}.trashinfo"],
    )


def test_what_nothing_describes_any_more_is_known_by_its_digest(
    cleaned: Library, trash: Path
) -> None:
    shutil.rmtree(trash / "info")
    assert cleaned.run("restore").code == 0
    assert {COPY, OLD} <= {*cleaned.names()}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root, to give a folder away")
def test_the_trash_of_somebody_else_is_left_alone(cleaned: Library, trash: Path) -> None:
    os.chown(trash / "files", 12345, 12345)
    assert stays(cleaned) == f"{trash / 'files'} belongs to somebody else"


def send_to_trash_in_a_folder(library: Library) -> None:
    """Have one of two alike photos, each alone in its folder, in the trash."""
    for number in range(2):
        library.add(f"{number}/a.jpg", quality=60 + number)
    library.find()
    library.delete_copies("1/a.jpg")
    library.check()
    library.cleanup(*TRASH)


def test_no_link_on_the_way_is_followed(bare_library: Library, tmp_path: Path) -> None:
    send_to_trash_in_a_folder(bare_library)
    (bare_library.photos / "1").rmdir()
    (bare_library.photos / "1").symlink_to(tmp_path)
    shutil.copy(trashed(bare_library, "1/a.jpg"), tmp_path)
    assert stays(bare_library, "1/a.jpg") == "it would be reached through a symbolic link"
    (deletion,) = journal(bare_library).last().deletions.values()
    with pytest.MonkeyPatch.context() as patched:  # which comes after the look
        patched.setattr("disk.restoring._reason_of_place", lambda _: None)
        (tmp_path / "a.jpg").rename(tmp_path / "b.jpg")
        assert put_back(deletion) == os.strerror(errno.ENOTDIR)
        (tmp_path / "b.jpg").rename(tmp_path / "a.jpg")
    assert os.listdir(tmp_path) == ["a.jpg"]
    (bare_library.photos / "1").unlink()
    (bare_library.photos / "1").write_text("a file")
    assert stays(bare_library, "1/a.jpg") == f"{bare_library.photos / '1'} is not a folder"


def test_an_input_folder_that_is_not_there_is_not_made(cleaned: Library) -> None:
    cleaned.photos.rename(cleaned.folder / "elsewhere")
    ran = cleaned.run("restore", "--input-dir", str(cleaned.folder / "elsewhere"), "--json")
    assert ran.code == 1
    assert {one["reason"] for one in ran.facts["kept"]} == {
        f"{cleaned.photos} isn't there; mount its disk, or make it"
    }
    assert not cleaned.photos.exists()


def test_no_folder_is_made_but_below_the_input_folder(
    cleaned: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even if it goes in the last moment."""
    monkeypatch.setattr("disk.restoring._reason_of_place", lambda _: None)
    deletion = journal(cleaned).last().deletions[str(cleaned.photos / COPY)]
    for below in (cleaned.folder / "x", cleaned.folder / "x" / "y"):
        path = below / "a.jpg"
        Path(description_of(deletion.place)).unlink(missing_ok=True)
        moved = replace(deletion, below=str(below), path=str(path))
        assert put_back(moved) == os.strerror(errno.ENOENT)
        assert not (cleaned.folder / "x").exists()
    assert Path(deletion.place).exists()


def test_what_becomes_of_the_trash_after_the_plan_counts(cleaned: Library) -> None:
    deletion = journal(cleaned).last().deletions[str(cleaned.photos / COPY)]
    assert put_back(deletion) is None
    assert put_back(deletion) == f"it isn't in the trash any more ({deletion.place})"
    other = journal(cleaned).last().deletions[str(cleaned.photos / OLD)]
    assert put_back(other) is None


def test_what_takes_the_place_in_the_trash_in_the_last_moment_takes_nothing_along(
    cleaned: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = trashed(cleaned)
    deletion = journal(cleaned).last().deletions[str(cleaned.photos / COPY)]
    real = os.link

    def link(*arguments: Any, **options: Any) -> None:
        place.rename(place.with_name("moved"))
        place.write_text("theirs")
        real(*arguments, **options)

    monkeypatch.setattr(os, "link", link)
    path = cleaned.photos / COPY
    assert put_back(deletion) == f"it does not arrive; look at {path}"
    assert place.read_text() == "theirs"
    assert place.with_name("moved").exists()


def in_the_trash_itself(library: Library, name: str = COPY) -> Deletion:
    """A deletion of a file whose folder is the trash's own, by whatever way."""
    deletion = journal(library).last().deletions[str(library.photos / COPY)]
    Path(description_of(deletion.place)).unlink()
    files = os.path.dirname(deletion.place)
    return replace(deletion, below=files, path=os.path.join(files, name))


@pytest.mark.parametrize("name", [COPY, "another_name.jpg"])
def test_nothing_is_restored_into_the_trash_itself(cleaned: Library, name: str) -> None:
    deletion = in_the_trash_itself(cleaned, name)
    before = tree(Path(deletion.below))
    (refused,) = plan_restoring(Cleanup({deletion.path: deletion})).refused
    assert refused.reason == IN_THE_TRASH
    assert put_back(deletion) == IN_THE_TRASH
    assert tree(Path(deletion.below)) == before


def test_what_only_shows_when_it_is_done_takes_nothing_out_of_the_trash(
    cleaned: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with mounts that hide what they show: by the name, and at last by the open file."""
    monkeypatch.setattr("disk.restoring.are_one", lambda *_: False)
    deletion = in_the_trash_itself(cleaned)
    place = Path(deletion.place)
    content, time = place.read_bytes(), place.stat().st_mtime_ns
    other = replace(deletion, path=str(place.with_name("another_name.jpg")))
    assert put_back(other) == IN_THE_TRASH
    assert place.read_bytes() == content
    assert put_back(deletion) == "its place lost it as well, so it was put into the trash again"
    assert (place.read_bytes(), place.stat().st_mtime_ns) == (content, time)
    assert [name for name in os.listdir(place.parent) if name[0] == "."] == []


@pytest.mark.parametrize("kind", ["bind", "overlay"])
def test_a_trash_that_is_mounted_over_the_folder_keeps_its_files(
    bare_library: Library, trash: Path, tmp_path: Path, kind: str
) -> None:
    send_to_trash_in_a_folder(bare_library)
    home, before = bare_library.photos / "1", tree(trash)
    mount = ["mount", "--bind", str(trash / "files"), str(home)]
    if kind == "overlay":
        upper, work = tmp_path / "upper", tmp_path / "work"
        upper.mkdir()
        work.mkdir()
        folders = f"lowerdir={trash / 'files'},upperdir={upper},workdir={work}"
        mount = ["mount", "-t", "overlay", "-o", folders, "none", str(home)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs to be root on Linux, to mount a folder twice")
    try:
        reason = stays(bare_library, "1/a.jpg")
    finally:
        subprocess.run(["umount", "-l", str(home)], check=True)
    assert "by another way" in reason
    assert tree(trash) == before
    assert bare_library.run("restore").code == 0
    assert (home / "a.jpg").exists()


def test_what_arrives_in_a_folder_that_was_moved_stays_in_the_trash(
    cleaned: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, real = trashed(cleaned), os.link
    deletion = journal(cleaned).last().deletions[str(cleaned.photos / COPY)]

    def link(*arguments: Any, **options: Any) -> None:
        cleaned.photos.rename(cleaned.folder / "moved")
        cleaned.photos.mkdir()
        real(*arguments, **options)

    monkeypatch.setattr(os, "link", link)
    assert put_back(deletion) == f"it does not arrive; look at {deletion.path}"
    assert place.exists()


def test_a_new_time_in_the_trash_is_no_other_content(cleaned: Library) -> None:
    os.utime(trashed(cleaned), ns=(5, 5))
    assert cleaned.run("restore").code == 0
    assert COPY in cleaned.names()


def test_a_dry_run_says_what_an_interrupted_cleanup_has_set_aside(cleaned: Library) -> None:
    path = str(cleaned.photos / COPY)
    trashed(cleaned).rename(removal.aside_path(path))
    ran = cleaned.run("restore", "--dry-run", "--json")
    assert ran.facts["kept"] == [
        {
            "path": path,
            "reason": "an interrupted cleanup has set it aside; the next run puts it back",
        }
    ]
    assert cleaned.run("restore").code == 0
    assert COPY in cleaned.names()


@pytest.mark.parametrize("number", range(2))
def test_names_that_are_not_on_disk_leave_the_file_in_the_trash(
    cleaned: Library, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """That of the folder that is made again, and then the file's own in it."""
    deletion = journal(cleaned).last().deletions[str(cleaned.photos / COPY)]
    home = cleaned.photos / "made"
    Path(description_of(deletion.place)).unlink()
    moved = replace(deletion, path=str(home / COPY))
    real, syncs = os.fsync, itertools.count()

    def fsync(descriptor: int) -> None:
        if next(syncs) == number:
            refused()
        real(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        assert put_back(moved) == "Input/output error"
    assert Path(deletion.place).exists()
    assert (home / COPY).exists() == (number == 1)
    assert put_back(moved) is None
    assert os.listdir(home) == [COPY]


def test_a_copy_that_is_not_on_disk_gets_no_name(
    cleaned: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    deletion = journal(cleaned).last().deletions[str(cleaned.photos / COPY)]
    no_links(monkeypatch, errno.EXDEV)
    monkeypatch.setattr(os, "fsync", refused)
    assert put_back(deletion) == "Input/output error"
    assert Path(deletion.place).exists()
    assert [name for name in os.listdir(cleaned.photos) if COPY in name] == []


def test_what_lies_in_its_place_already_is_left_there(cleaned: Library) -> None:
    place = trashed(cleaned)
    shutil.copy2(place, cleaned.photos / COPY)
    ran = cleaned.run("restore", "--json")
    assert (ran.code, ran.facts["back"]) == (0, [str(cleaned.photos / COPY)])
    assert place.exists()
    assert Path(description_of(str(place))).exists()
    assert cleaned.copy(COPY).exists()


def test_an_original_without_its_copy_is_named_and_completed_later(
    cleaned: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("storage.restore_copy", full)
        ran = cleaned.run("restore", "--json")
    assert ran.code == 1
    assert len(ran.facts["restored"]) == 2
    assert [one["reason"] for one in ran.facts["without_copy"]] == ["No space left on device"] * 2
    assert cleaned.cleanup().code == 0
    assert {COPY, OLD} <= {*cleaned.names()}
    assert cleaned.run("restore").code == 0
    assert cleaned.copy(COPY).exists()


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "step", ["storage.restore_copy", "extras.actions.restore.put_back", "Journal.restored"]
)
def test_wherever_it_is_interrupted_no_file_is_one_to_delete(
    cleaned: Library, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before = {*cleaned.names()}
    with monkeypatch.context() as patched:
        if step == "Journal.restored":
            patched.setattr(Journal, "restored", interrupted)
        else:
            patched.setattr(step, interrupted)
        assert cleaned.run("restore").code == 130
    here = {*cleaned.names()}
    assert (here - before == {COPY}) == (step == "Journal.restored")
    cleaned.check()
    assert {Path(path).name for path in cleaned.listed()}.isdisjoint(here)
    cleaned.cleanup()
    assert {*cleaned.names()} == here
    assert cleaned.run("restore").code == 0
    assert {COPY, OLD} <= {*cleaned.names()}
    assert cleaned.copy(COPY).exists()


# ---- Disks


def refused(*_: object, **__: object) -> None:
    raise OSError(errno.EIO, "Input/output error")


def no_links(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def link(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", link)


@pytest.mark.parametrize("kernel_promises", [True, False])
def test_without_hard_links_it_is_renamed_over_nothing(
    cleaned: Library, monkeypatch: pytest.MonkeyPatch, trash: Path, kernel_promises: bool
) -> None:
    no_links(monkeypatch, errno.EPERM)
    if kernel_promises:
        monkeypatch.setattr(os, "rename", refused)
    else:
        monkeypatch.setattr(system, "rename_to_new", lambda *_: False)
    deletions = journal(cleaned).last().deletions
    one, other = (deletions[str(cleaned.photos / name)] for name in (COPY, OLD))
    monkeypatch.setattr("disk.restoring._reason_of_place", lambda _: None)
    (cleaned.photos / OLD).write_text("theirs")
    assert put_back(other) == "another file has its name"
    assert put_back(one) is None
    assert (cleaned.photos / OLD).read_text() == "theirs"
    assert os.listdir(trash / "files") == [OLD]
    assert COPY in cleaned.names()


def to_another_disk(folder: Path) -> None:
    """Let a folder be that of another disk, with what is in it."""
    kept = folder.with_name("kept")
    shutil.copytree(folder, kept)
    mount = ["mount", "-t", "tmpfs", "-o", "size=5m", "none", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs to be root on Linux, to mount a disk in memory")
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    shutil.rmtree(kept)


def test_to_another_disk_it_is_copied_with_its_time_and_proven(
    cleaned: Library, trash: Path
) -> None:
    content, time = trashed(cleaned).read_bytes(), trashed(cleaned).stat().st_mtime_ns
    trashed(cleaned).chmod(0o640)
    to_another_disk(cleaned.photos)
    try:
        (partial,) = [
            f".{COPY}.{one.digest[:8]}.being-restored"
            for one in journal(cleaned).last().deletions.values()
            if one.path.endswith(COPY)
        ]
        (cleaned.photos / partial).write_text("of a run that was killed")
        assert cleaned.run("restore").code == 0
        assert (cleaned.photos / COPY).read_bytes() == content
        assert (cleaned.photos / COPY).stat().st_mtime_ns == time
        assert (cleaned.photos / COPY).stat().st_mode & 0o777 == 0o640
        assert os.listdir(trash / "files") == []
        assert [name for name in os.listdir(cleaned.photos) if name[0] == "."] == []
    finally:
        subprocess.run(["umount", "-l", str(cleaned.photos)], check=True)


@pytest.mark.parametrize("for_all", [True, False])
def test_it_comes_back_from_the_trash_of_its_own_disk(culled: Library, for_all: bool) -> None:
    to_another_disk(culled.photos)
    try:
        if for_all:
            (culled.photos / ".Trash").mkdir()
            (culled.photos / ".Trash").chmod(0o1777)
        assert culled.cleanup(*TRASH).code == 0
        assert trashed(culled).is_relative_to(culled.photos)
        assert COPY not in os.listdir(culled.photos)
        assert culled.run("restore").code == 0
        assert {COPY, OLD} <= {*os.listdir(culled.photos)}
        own = culled.photos / (".Trash/0" if for_all else ".Trash-0")
        assert tree(own) == {"files": b"<folder>", "info": b"<folder>"}
    finally:
        subprocess.run(["umount", "-l", str(culled.photos)], check=True)


def test_what_programs_wrote_beside_a_file_is_copied_or_it_stays(
    cleaned: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    to_another_disk(cleaned.photos)
    try:
        try:
            for name in (COPY, OLD):
                os.setxattr(trashed(cleaned, name), "user.tags", b"best")
        except OSError:
            pytest.skip("no extended attributes here")
        with monkeypatch.context() as patched:
            patched.setattr(os, "setxattr", refuse)
            ran = cleaned.run("restore", "--json")
        assert {one["reason"] for one in ran.facts["kept"]} == {os.strerror(errno.ENOTSUP)}
        assert trashed(cleaned).exists()
        assert cleaned.run("restore").code == 0
        assert os.getxattr(cleaned.photos / COPY, "user.tags") == b"best"
    finally:
        subprocess.run(["umount", "-l", str(cleaned.photos)], check=True)


def test_what_can_not_be_copied_whole_stays_in_the_trash(
    cleaned: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(source: Any, target: Any, _: int) -> None:
        target.write(source.read(100))

    no_links(monkeypatch, errno.EXDEV)
    before = tree(cleaned.photos)
    monkeypatch.setattr(shutil, "copyfileobj", half)
    ran = cleaned.run("restore", "--json")
    assert {one["reason"] for one in ran.facts["kept"]} == {"it was not copied whole"}
    assert tree(cleaned.photos) == before
    assert trashed(cleaned).exists()


# ---- The journal


def test_without_a_cleanup_nothing_can_be_restored(culled: Library) -> None:
    ran = culled.run("restore")
    assert ran.code == 3
    assert "no cleanup of " in ran.err
    assert ran.err.endswith("look into the trash yourself.\n")


def test_who_has_no_key_is_told_that_nothing_is_noted(
    cleaned: Library, someone_else: Callable[[], Path]
) -> None:
    someone_else()
    ran = cleaned.run("restore")
    assert ran.code == 3
    assert "you have no key" in ran.err
    assert COPY not in cleaned.names()


@pytest.mark.parametrize("number", range(2))
def test_a_note_that_is_not_on_disk_is_none(
    culled: Library, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """First its bytes, and then the name of its file."""
    real, syncs = os.fsync, itertools.count()

    def fsync(descriptor: int) -> None:
        if next(syncs) == number:
            refused()
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="Input/output"):
        journal(culled).deleted(EXAMPLE)


def test_a_pipe_in_the_place_of_the_journal_keeps_the_files(culled: Library) -> None:
    os.mkfifo(journal(culled).file)
    before = tree(culled.photos)
    ran = culled.cleanup(*TRASH, "--json")
    assert {one["reason"] for one in ran.facts["kept"]} == {f"{journal(culled).file} is in the way"}
    assert tree(culled.photos) == before


def test_what_can_not_be_noted_is_not_deleted(culled: Library) -> None:
    Path(journal(culled).file).mkdir()
    before = tree(culled.photos)
    ran = culled.cleanup(*TRASH, "--json")
    Path(journal(culled).file).rmdir()
    assert {one["reason"] for one in ran.facts["kept"]} == {
        f"{journal(culled).file} can't be written (Is a directory)"
    }
    assert tree(culled.photos) == before


def test_a_line_that_was_cut_off_makes_way_for_the_next(cleaned: Library) -> None:
    notes = journal(cleaned)
    last = notes.last()
    with open(notes.file, "ab") as stream:
        stream.write(b'{"deleted": {"path": "/hal')
    assert notes.last() == last
    notes.restored(last.deletions[str(cleaned.photos / COPY)])
    assert notes.last().restored == {str(cleaned.photos / COPY)}


def test_a_line_of_another_key_or_another_folder_counts_for_nothing(
    cleaned: Library, someone_else: Callable[[], Path]
) -> None:
    notes = journal(cleaned)
    elsewhere = replace(notes, output_dir=str(cleaned.folder))
    with pytest.raises(UserError, match="line 1 is damaged"):
        elsewhere.last()
    someone_else()
    signature.make_key()
    theirs = journal(cleaned)
    shutil.copy(notes.file, theirs.file)
    ran = cleaned.run("restore", "--trust-result", "--yes")
    assert ran.code == 3
    assert "line 1 is damaged (not signed with your key); remove that line" in ran.err
    assert COPY not in cleaned.names()


@pytest.mark.parametrize(
    "change",
    [
        {"path": "/etc/passwd"},
        {"path": "PHOTOS"},
        {"path": "PHOTOS/../a.jpg"},
        {"place": "/etc/passwd"},
        {"place": "files/a.jpg"},
        {"digest": "0"},
        {"size": -1},
    ],
)
def test_an_odd_line_is_not_acted_on_whoever_signed_it(
    cleaned: Library, change: dict[str, Any]
) -> None:
    notes = journal(cleaned)
    odd = {
        k: v.replace("PHOTOS", str(cleaned.photos)) if k == "path" else v for k, v in change.items()
    }
    notes.deleted(replace(next(iter(notes.last().deletions.values())), **odd))
    before = tree(cleaned.folder)
    ran = cleaned.run("restore")
    assert (ran.code, ran.err.count("\n")) == (3, 1)
    assert tree(cleaned.folder) == before


EXAMPLE = Deletion("/p/a.jpg", "/p", "/t/files/a.jpg", False, "0" * 64, 5, 7)


@given(place=st.integers(0, 5000), byte=st.integers(0, 255))
def test_no_changed_byte_of_the_journal_is_believed(
    tmp_path_factory: pytest.TempPathFactory, place: int, byte: int
) -> None:
    notes = Journal("/output", str(tmp_path_factory.mktemp("journal") / "cleanup"), bytes(32))
    notes.deleted(EXAMPLE)
    notes.ended()
    data = bytearray(Path(notes.file).read_bytes())
    data[place % len(data)] = byte
    Path(notes.file).write_bytes(data)
    try:
        last = notes.last()
    except UserError as error:
        assert error.code == Exit.STATE
    else:
        assert {*last.deletions.values()} <= {EXAMPLE}


def test_no_second_run_restores_at_the_same_time(cleaned: Library) -> None:
    lock = cleaned.folder / ".output.lock"
    with lock.open("w") as held:
        system.lock(held.fileno())
        before = tree(cleaned.photos)
        for flags in ((), ("--dry-run",)):
            assert cleaned.run("restore", *flags).code == 4
        assert tree(cleaned.photos) == before


def test_what_an_interrupted_cleanup_left_under_two_names_comes_back_whole(
    culled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was killed when the file had its name in the trash, and not lost the other one yet."""
    before = tree(culled.photos)
    real = os.unlink

    def unlink(path: Any, **options: Any) -> None:
        if str(path).endswith(ASIDE_SUFFIX):
            raise KeyboardInterrupt
        real(path, **options)

    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", unlink)
        patched.setattr("disk.trash._withdraw", lambda *_: None)
        patched.setattr(removal, "_put_back", lambda *_: None)
        assert culled.cleanup(*TRASH).code == 130
    assert culled.run("restore").code == 0
    assert tree(culled.photos) == before
    assert json.loads(Path(journal(culled).file).read_text().splitlines()[-1])["restored"]
