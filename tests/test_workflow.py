"""The whole job, from folder tree to folder tree: whatever happens, no wanted photo is lost."""

import errno
import fcntl
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import (
    ROOT,
    Library,
    Ran,
    collect,
    killed_when,
    picture,
    restore,
    tree,
)
from PIL import Image

from disk import output_lock, removal

VACATION = ["vacation1.jpg", "vacation1_copy.jpg", "vacation1_old.jpg"]
COFFEE = ["z_coffee.jpg", "z_coffee_bw.jpg"]
EVERYTHING = [*VACATION, *COFFEE, "z_stars.jpg"]


def keep_times(path: Path, content: bytes) -> None:
    """Change a file's content and hide it: its time is the old one."""
    status = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def same_size(content: bytes) -> bytes:
    """Other content of the same size."""
    return content[:-10] + bytes(byte ^ 255 for byte in content[-10:])


# ---- The worked example


def test_the_worked_example_to_the_letter(bare_library: Library) -> None:
    library = bare_library
    for name, quality in zip(VACATION, (0, 70, 40), strict=True):
        library.add(name, quality=quality)
    library.find()
    encoded = str(library.photos).lstrip("/").replace("/", "_")
    copies = [library.output / "1" / f"{encoded}_{name}" for name in VACATION]
    assert sorted((library.output / "1").iterdir()) == copies
    info = json.loads((library.output / "info.txt").read_text())
    expected = zip(VACATION, copies, strict=True)
    assert info == {str(library.photos / name): str(copy) for name, copy in expected}

    copies[1].unlink()
    copies[2].unlink()
    assert library.check().code == 0
    photos = library.photos
    assert (library.output / "to_delete.txt").read_text() == (
        f"{photos}/vacation1_copy.jpg\n{photos}/vacation1_old.jpg\n"
    )

    assert library.cleanup().code == 0
    assert library.names() == ["vacation1.jpg"]
    assert (photos / "vacation1.jpg").read_bytes() == picture("2024/cat.jpg")


def test_find_copies_each_group_and_nothing_else(library: Library) -> None:
    before = tree(library.photos)
    ran = library.find("--json")
    assert [[os.path.basename(path) for path in group] for group in ran.facts["groups"]] == [
        VACATION,
        COFFEE,
    ]
    for original, copy in library.info().items():
        assert Path(copy).read_bytes() == Path(original).read_bytes()
    assert tree(library.photos) == before


def test_check_deleted_changes_nothing_but_its_list(found: Library) -> None:
    found.delete_copies("vacation1_old.jpg")
    before = tree(found.folder)
    found.check()
    after = tree(found.folder)
    assert after.pop("output/to_delete.txt").endswith(b"/vacation1_old.jpg\n")
    assert after == before


def test_check_deleted_empties_a_list_that_no_longer_holds(culled: Library) -> None:
    for name in VACATION[1:]:
        shutil.copy(culled.photos / name, culled.copy(name))
    assert culled.check().code == 0
    assert culled.list_file.read_bytes() == b""
    assert culled.cleanup().code == 0
    assert culled.names() == EVERYTHING


# ---- Copies that are still there, in some way


def rename(_: Library, copy: Path) -> None:
    copy.rename(copy.with_name("BEST.jpg"))


def move_to_another_group(library: Library, copy: Path) -> None:
    copy.rename(library.output / "2" / copy.name)


def move_to_a_new_folder(library: Library, copy: Path) -> None:
    (library.output / "best" / "of").mkdir(parents=True)
    copy.rename(library.output / "best" / "of" / copy.name)


def move_to_the_top(library: Library, copy: Path) -> None:
    copy.rename(library.output / "cat.jpg")


def move_into_a_folder_named_like_a_trash(library: Library, copy: Path) -> None:
    (library.output / "Trashy").mkdir()
    copy.rename(library.output / "Trashy" / copy.name)


def edit_in_place(_: Library, copy: Path) -> None:
    copy.write_bytes(picture("2024/cat.jpg", 15))


def edit_and_save_as_png(_: Library, copy: Path) -> None:
    copy.with_name(copy.stem + "-edited.png").write_bytes(picture("2024/cat.jpg", 1, ".png"))
    copy.unlink()


def rename_over_another_member(library: Library, copy: Path) -> None:
    copy.rename(library.copy("vacation1.jpg"))


def rename_over_a_member_of_another_group(library: Library, copy: Path) -> None:
    copy.rename(library.copy("z_coffee.jpg"))


def swap_with_another_member(library: Library, copy: Path) -> None:
    other = library.copy("vacation1.jpg")
    copy.rename(library.output / "spare")
    other.rename(copy)
    (library.output / "spare").rename(other)


def rename_the_group_folder(library: Library, copy: Path) -> None:
    copy.parent.rename(library.output / "cats")


def leave_a_cloud_placeholder(_: Library, copy: Path) -> None:
    copy.unlink()
    copy.with_name(f".{copy.name}.icloud").write_bytes(b"not downloaded yet")


def leave_a_half_synced_file(_: Library, copy: Path) -> None:
    copy.with_name(f".syncthing.{copy.name}.tmp").write_bytes(copy.read_bytes()[:1000])
    copy.unlink()


@pytest.mark.parametrize(
    "change",
    [
        rename,
        move_to_another_group,
        move_to_a_new_folder,
        move_to_the_top,
        move_into_a_folder_named_like_a_trash,
        edit_in_place,
        edit_and_save_as_png,
        rename_over_another_member,
        rename_over_a_member_of_another_group,
        swap_with_another_member,
        rename_the_group_folder,
        leave_a_cloud_placeholder,
        leave_a_half_synced_file,
    ],
)
def test_a_copy_that_is_still_there_keeps_its_original(
    found: Library, change: Callable[[Library, Path], None]
) -> None:
    before = tree(found.photos)
    change(found, found.copy("vacation1_copy.jpg"))
    assert found.check().code == 0
    assert found.listed() == []
    # Not even a list that names it, from before the change, gets it deleted.
    found.list_file.write_text("".join(f"{found.photos / name}\n" for name in VACATION[1:]))
    found.cleanup()
    assert tree(found.photos) == before


def test_a_deleted_copy_beside_renamed_moved_and_edited_ones_is_seen(library: Library) -> None:
    library.add("vacation1_tiny.jpg", "phone/cat_small.jpg")
    library.find()
    library.copy("vacation1.jpg").rename(library.output / "BEST.jpg")
    edit_in_place(library, library.copy("vacation1_copy.jpg"))
    library.delete_copies("vacation1_tiny.jpg")
    ran = library.check("--json")
    assert library.listed() == ["vacation1_tiny.jpg"]
    assert ran.facts["moved"] == [str(library.photos / "vacation1.jpg")]
    assert library.cleanup().code == 0
    assert library.names() == EVERYTHING


def test_a_copy_renamed_over_one_of_the_same_size_and_time_keeps_its_original(
    bare_library: Library,
) -> None:
    library = bare_library
    with Image.open(ROOT / "tests/samples/2024/cat.jpg") as cat:
        for name, brightness in (("a.bmp", 1.0), ("b.bmp", 1.05), ("c.bmp", 1.1)):
            pixels = cat.convert("RGB").point([int(i * brightness) for i in range(256)] * 3)
            pixels.save(library.photos / name)
            os.utime(library.photos / name, ns=(10**18, 10**18))
    library.find()
    library.copy("a.bmp").rename(library.copy("b.bmp"))
    library.check()
    assert library.listed() == []


def test_a_copy_with_only_an_xmp_sidecar_left_is_deleted(found: Library) -> None:
    copy = found.copy("vacation1_old.jpg")
    copy.with_name(copy.name + ".xmp").write_text("<xmp/>")
    copy.unlink()
    found.check()
    assert found.listed() == ["vacation1_old.jpg"]


@pytest.mark.parametrize(
    "trash",
    (
        ".Trash-1/files .Trashes/501 .trash $RECYCLE.BIN #recycle @Recycle .dtrash/files "
        "RECYCLER/S-1-5 .trashBin files_trashbin/files"
    ).split(),
)
def test_a_copy_moved_into_a_trash_inside_the_output_folder_is_deleted(
    found: Library, trash: str
) -> None:
    copy = found.copy("vacation1_old.jpg")
    (found.output / trash).mkdir(parents=True)
    copy.rename(found.output / trash / copy.name)
    found.check()
    assert found.listed() == ["vacation1_old.jpg"]
    assert found.cleanup().code == 0
    assert found.names() == [name for name in EVERYTHING if name != "vacation1_old.jpg"]


@pytest.mark.parametrize("folder", ["Trash", "trash", "Trash-1", "Trashbox", "Recycle Bin"])
def test_a_copy_moved_into_a_folder_that_the_person_calls_trash_keeps_its_original(
    found: Library, folder: str
) -> None:
    copy = found.copy("vacation1_old.jpg")
    (found.output / folder).mkdir()
    copy.rename(found.output / folder / copy.name)
    assert found.check("--json").facts["moved"] == [str(found.photos / "vacation1_old.jpg")]
    assert found.listed() == []


def test_an_output_folder_below_a_folder_named_trash_works(library: Library) -> None:
    output = library.folder / "Trash" / "output"
    library.find("--output-dir", str(output))
    library.output = output
    copy = library.copy("vacation1_old.jpg")
    copy.rename(output / "BEST.jpg")
    library.check()
    assert library.listed() == []


def test_identical_members_are_told_apart_by_their_recorded_paths(library: Library) -> None:
    library.add("vacation1_twin.jpg")
    library.find()
    library.delete_copies("vacation1_twin.jpg")
    os.utime(library.copy("vacation1.jpg"))  # as a file system with coarse times would
    library.check()
    assert library.listed() == ["vacation1_twin.jpg"]
    assert library.cleanup().code == 0
    assert library.names() == EVERYTHING


def test_of_two_identical_photos_one_can_go(bare_library: Library) -> None:
    bare_library.add("a.jpg")
    bare_library.add("b.jpg")
    bare_library.find()
    bare_library.delete_copies("a.jpg")
    bare_library.check()
    assert bare_library.cleanup().code == 0
    assert bare_library.names() == ["b.jpg"]


# ---- Groups and folders that vanished


def test_a_group_dismissed_as_a_whole_keeps_its_originals(found: Library) -> None:
    before = tree(found.photos)
    shutil.rmtree(found.output / "1")
    ran = found.check()
    assert (ran.code, found.listed()) == (1, [])
    assert "--allow-whole-groups" in ran.out
    found.cleanup()
    assert tree(found.photos) == before


def test_a_whole_group_goes_only_if_both_actions_allow_it(found: Library) -> None:
    shutil.rmtree(found.output / "1")
    assert found.check("--allow-whole-groups").code == 0
    assert found.listed() == VACATION
    kept = found.cleanup()
    assert (kept.code, found.names()) == (1, EVERYTHING)
    assert kept.out.count("all copies of its group are gone") == 3
    assert found.cleanup("--allow-whole-groups").code == 0
    assert found.names() == [*COFFEE, "z_stars.jpg"]


def test_cleanup_names_the_groups_of_which_no_picture_remains(found: Library) -> None:
    shutil.rmtree(found.output / "1")
    found.delete_copies("z_coffee_bw.jpg")
    found.check("--allow-whole-groups")
    for flags in (("--dry-run",), ()):
        ran = found.cleanup("--allow-whole-groups", *flags)
        assert "Groups of which no picture remains: 1.\n" in ran.out


def test_of_a_whole_group_the_originals_taken_off_the_list_stay(found: Library) -> None:
    shutil.rmtree(found.output / "1")
    found.check("--allow-whole-groups")
    found.list_file.write_text(f"{found.photos}/vacation1_old.jpg\n")
    assert found.cleanup("--allow-whole-groups").code == 0
    assert found.names() == [name for name in EVERYTHING if name != "vacation1_old.jpg"]


@pytest.mark.parametrize("action", ["check-deleted", "cleanup"])
@pytest.mark.parametrize("mount", ["missing", "empty", "its parent missing"])
def test_an_unmounted_output_folder_loses_nothing(culled: Library, action: str, mount: str) -> None:
    culled.output.rename(culled.folder / "elsewhere")
    if mount == "empty":
        culled.output.mkdir()
    elif mount == "its parent missing":
        culled.output = culled.folder / "mnt" / "output"
    before = tree(culled.folder)
    ran = culled.run(action)
    assert ran.code == 3
    assert ran.err.count("\n") == 1
    assert tree(culled.folder) == before


def test_half_of_the_group_folders_missing_loses_nothing(found: Library) -> None:
    before = tree(found.photos)
    shutil.rmtree(found.output / "2")
    ran = found.check()
    assert (ran.code, found.listed()) == (1, [])
    found.cleanup()
    assert tree(found.photos) == before


def test_a_group_folder_that_vanishes_before_cleanup_keeps_its_originals(culled: Library) -> None:
    before = tree(culled.photos)
    shutil.rmtree(culled.output / "1")
    assert culled.cleanup().code == 1
    assert tree(culled.photos) == before


@pytest.mark.parametrize("action", ["check-deleted", "cleanup"])
def test_a_result_without_its_manifest_loses_nothing(culled: Library, action: str) -> None:
    (culled.output / "image-similarity-search.json").unlink()
    before = tree(culled.folder)
    assert culled.run(action).code == 3
    assert tree(culled.folder) == before


# ---- Originals that changed


def edit(path: Path) -> None:
    path.write_bytes(picture("2024/coffee.jpg"))


def edit_secretly(path: Path) -> None:
    keep_times(path, same_size(path.read_bytes()))


def replace_by_link(path: Path) -> None:
    path.rename(path.with_name("real.jpg"))
    path.symlink_to("real.jpg")


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replace_by_socket(path: Path) -> None:
    path.unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(path.parent)  # a socket's path has a short limit
        listener.bind(path.name)
        os.chdir(here)


CHANGES = [edit, edit_secretly, replace_by_link, replace_by_folder, replace_by_fifo]


@pytest.mark.parametrize("change", [*CHANGES, replace_by_socket])
def test_an_original_changed_after_find_is_kept(
    culled: Library, change: Callable[[Path], None]
) -> None:
    change(culled.photos / "vacation1_copy.jpg")
    before = tree(culled.photos)
    ran = culled.cleanup()
    assert ran.code == 1
    assert "vacation1_copy.jpg: " in ran.out
    del before["vacation1_old.jpg"]  # its copy is gone and vacation1.jpg remains
    assert tree(culled.photos) == before


@pytest.mark.parametrize("change", [Path.unlink, *CHANGES])
def test_without_an_unchanged_survivor_every_original_is_kept(
    culled: Library, change: Callable[[Path], None]
) -> None:
    change(culled.photos / "vacation1.jpg")
    before = tree(culled.photos)
    ran = culled.cleanup()
    assert ran.code == 1
    assert ran.out.count("no other original of its group would remain") == 2
    assert tree(culled.photos) == before


def test_a_survivor_moved_elsewhere_does_not_count(culled: Library) -> None:
    (culled.photos / "vacation1.jpg").rename(culled.photos / "best.jpg")
    before = tree(culled.photos)
    assert culled.cleanup().code == 1
    assert tree(culled.photos) == before


def test_a_hard_link_of_the_doomed_file_is_no_survivor(bare_library: Library) -> None:
    library = bare_library
    doomed, survivor = library.add("a.jpg"), library.add("b.jpg")
    library.find()
    library.delete_copies("a.jpg")
    library.check()
    survivor.unlink()
    os.link(doomed, survivor)
    ran = library.cleanup()
    assert ran.code == 1
    assert "no other original of its group would remain" in ran.out
    assert library.names() == ["a.jpg", "b.jpg"]


def test_a_symbolic_link_on_the_way_keeps_the_original(library: Library) -> None:
    library.add("trip/vacation2.jpg", quality=60)
    library.find()
    library.delete_copies("trip/vacation2.jpg")
    library.check()
    (library.photos / "trip").rename(library.folder / "trip")
    (library.photos / "trip").symlink_to(library.folder / "trip")
    before = tree(library.folder)
    ran = library.cleanup()
    assert ran.code == 1
    assert "symbolic link" in ran.out
    del before["output/log.txt"]
    after = tree(library.folder)
    del after["output/log.txt"]
    assert after == before


def test_a_survivor_behind_a_symbolic_link_does_not_count(bare_library: Library) -> None:
    library = bare_library
    library.add("a.jpg")
    library.add("trip/b.jpg", quality=60)
    library.find()
    library.delete_copies("a.jpg")
    library.check()
    (library.photos / "trip").rename(library.folder / "trip")
    (library.photos / "trip").symlink_to(library.folder / "trip")
    before = tree(library.photos)
    assert library.cleanup().code == 1
    assert tree(library.photos) == before


def test_an_input_folder_given_through_a_symbolic_link_works(library: Library) -> None:
    link = library.folder / "link"
    link.symlink_to(library.photos)
    library.find("--input-dir", str(link))
    library.delete_copies("vacation1_old.jpg")
    library.check("--input-dir", str(link))
    assert library.listed() == ["vacation1_old.jpg"]
    assert library.cleanup("--input-dir", str(link)).code == 0
    assert "vacation1_old.jpg" not in library.names()


def test_hard_links_are_never_offered_as_duplicates(bare_library: Library) -> None:
    library = bare_library
    os.link(library.add("a.jpg"), library.photos / "b.jpg")
    assert library.find("--json").facts["groups"] == []
    library.add("c.jpg")
    facts = library.find("--json").facts
    assert facts["groups"] == [[str(library.photos / "a.jpg"), str(library.photos / "c.jpg")]]
    assert facts["hard_links"] == [str(library.photos / "b.jpg")]


# ---- to_delete.txt


def test_a_new_find_invalidates_the_old_list(culled: Library) -> None:
    stale = culled.list_file.read_text()
    culled.find("--discard-review")
    before = tree(culled.photos)
    assert not culled.list_file.exists()
    assert culled.cleanup().code == 3
    culled.list_file.write_text(stale)  # a backup or a sync brings it back
    ran = culled.cleanup()
    assert ran.code == 1
    assert ran.out.count("its copy is still there") == 2
    assert tree(culled.photos) == before


def test_a_stale_list_of_photos_that_are_in_no_group_any_more_is_refused(culled: Library) -> None:
    stale = culled.list_file.read_text()
    for name in VACATION[1:]:
        (culled.photos / name).write_bytes(picture("2023/portrait.jpg"))
    (culled.photos / "vacation1_old.jpg").unlink()
    culled.find("--discard-review")
    culled.list_file.write_text(stale)
    before = tree(culled.photos)
    assert culled.cleanup().code == 3
    assert tree(culled.photos) == before


@pytest.mark.parametrize(
    "line",
    [
        b"{photos}/z_stars.jpg",
        b"{photos}/vacation1_old.jpg~",
        b"{photos}/../photos/vacation1_old.jpg",
        b"vacation1_old.jpg",
        b"/",
        b"# keep this one",
        b'"{photos}/z_stars.jpg"',
        b'"{photos}/vacation1_old.jpg',
        b'"{photos}/vacation1_old.jpg" # why',
        b"{photos}/\xff.jpg",
        b"{photos}/vacation1_old.jpg\0",
        b'["{photos}/vacation1_old.jpg"]',
    ],
)
def test_a_line_that_find_does_not_know_stops_the_run(culled: Library, line: bytes) -> None:
    before = tree(culled.photos)
    line = line.replace(b"{photos}", os.fsencode(culled.photos))
    culled.list_file.write_bytes(culled.list_file.read_bytes() + line + b"\n")
    ran = culled.cleanup()
    assert ran.code == 3
    assert ran.err.count("\n") == 1
    assert tree(culled.photos) == before


def test_lines_that_the_person_takes_out_are_respected(culled: Library) -> None:
    culled.list_file.write_text(f"{culled.photos}/vacation1_copy.jpg\n")
    assert culled.cleanup().code == 0
    assert culled.names() == [name for name in EVERYTHING if name != "vacation1_copy.jpg"]


def test_the_list_survives_an_editor_of_another_system(culled: Library) -> None:
    text = "\n" + culled.list_file.read_text() + "\n"
    culled.list_file.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert culled.cleanup().code == 0
    assert culled.names() == ["vacation1.jpg", *COFFEE, "z_stars.jpg"]


@pytest.mark.parametrize(
    "folder",
    [
        b"a\nb",
        b"a\r",
        b"\n",
        b" a ",
        b"a\xe2\x80\xa8b",
        b"caf\xe9",
        b'"a"',
        b"a\\nb",
        b"\x1b[2J",
        b"# a",
        b"\xef\xbb\xbfa",
        "Füße 写真 📷".encode(),
    ],
)
def test_a_folder_name_of_any_bytes_goes_through_the_whole_job(
    library: Library, folder: bytes
) -> None:
    strange = os.fsdecode(folder)
    library.add(f"{strange}/vacation2.jpg", quality=60)
    library.add(f"{strange}/vacation3.jpg", quality=50)
    library.find()
    library.delete_copies(f"{strange}/vacation3.jpg")
    library.check()
    assert library.list_file.read_bytes().count(b"\n") == 1
    assert library.cleanup().code == 0
    assert library.names() == sorted([strange, f"{strange}/vacation2.jpg", *EVERYTHING])
    assert len(library.log()) == 4  # the run, its two groups, and what was deleted


def test_a_file_name_can_not_smuggle_a_line_into_the_list(library: Library) -> None:
    smuggler = f"x\n{library.photos}/vacation1.jpg"
    library.add(smuggler, quality=60)
    library.find()
    library.delete_copies(smuggler)
    library.check()
    assert library.cleanup().code == 0
    assert not (library.photos / smuggler).exists()
    assert [name for name in EVERYTHING if name not in library.names()] == []


# ---- Where OUTPUT_DIR may be


@pytest.mark.parametrize("where", ["photos", ".", "photos/../photos", "link"])
def test_an_output_folder_equal_to_or_above_the_input_is_refused(
    library: Library, where: str
) -> None:
    (library.folder / "link").symlink_to(library.photos)
    before = tree(library.folder)
    ran = library.run("find", "--output-dir", str(library.folder / where))
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert tree(library.folder) == before


def test_an_output_folder_inside_the_input_is_left_out_of_the_walk(library: Library) -> None:
    library.output = library.photos / "similar"
    first = library.find("--json").facts
    second = library.find("--json").facts
    assert (first["taken_over"], second["taken_over"]) == (0, 5)
    for facts in (first, second):
        del facts["taken_over"], facts["bytes_copied"]
    assert first == second
    assert first["found"] == len(EVERYTHING)
    library.delete_copies("vacation1_old.jpg")
    library.check()
    assert library.cleanup().code == 0
    assert not (library.photos / "vacation1_old.jpg").exists()
    assert (library.photos / "vacation1.jpg").exists()


@pytest.mark.parametrize("content", ["letter.txt", "1/holiday.jpg", "info.txt", "log.txt"])
def test_a_folder_with_files_of_the_user_is_never_an_output_folder(
    library: Library, content: str
) -> None:
    file = library.output / content
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    before = tree(library.folder)
    ran = library.run("find", "--discard-review")
    assert ran.code == 2
    assert file.name in ran.err or "1" in ran.err
    assert tree(library.folder) == before


def test_an_output_folder_that_is_a_file_is_refused(library: Library) -> None:
    library.output.write_text("mine")
    assert library.run("find").code == 2
    assert library.output.read_text() == "mine"


def foreign_file(output: Path) -> None:
    (output / "letter.txt").write_text("mine")


def foreign_file_in_a_group(output: Path) -> None:
    (output / "1" / "mine.jpg").write_bytes(picture("2023/portrait.jpg"))


def foreign_empty_folder(output: Path) -> None:
    (output / "plans").mkdir()


def foreign_link(output: Path) -> None:
    (output / "1" / "link").symlink_to("/")


def edited_copy(output: Path) -> None:
    next((output / "1").iterdir()).write_bytes(b"edited")


def secretly_edited_copy(output: Path) -> None:
    copy = next((output / "2").iterdir())
    keep_times(copy, same_size(copy.read_bytes()))


def renamed_copy(output: Path) -> None:
    next((output / "1").iterdir()).rename(output / "1" / "BEST.jpg")


@pytest.mark.parametrize(
    "change",
    [
        foreign_file,
        foreign_file_in_a_group,
        foreign_empty_folder,
        foreign_link,
        edited_copy,
        secretly_edited_copy,
        renamed_copy,
    ],
)
@pytest.mark.parametrize("flags", [(), ("--discard-review",)])
def test_a_result_with_work_of_the_person_in_it_is_never_replaced(
    found: Library, change: Callable[[Path], None], flags: tuple[str, ...]
) -> None:
    change(found.output)
    before = tree(found.folder)
    ran = found.run("find", *flags)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert tree(found.folder) == before


def test_a_cull_that_was_not_cleaned_up_is_not_replaced(culled: Library) -> None:
    before = tree(culled.folder)
    ran = culled.run("find")
    assert ran.code == 2
    assert "2 copies" in ran.err
    assert "check-deleted" in ran.err
    assert "cleanup" in ran.err
    assert "--discard-review" in ran.err
    assert tree(culled.folder) == before
    culled.find("--discard-review")
    assert len(culled.info()) == 5
    assert culled.names() == EVERYTHING


def test_a_cull_that_was_cleaned_up_is_replaced(culled: Library) -> None:
    culled.cleanup()
    culled.find()
    assert [os.path.basename(path) for path in culled.info()] == COFFEE


def test_a_find_without_groups_also_replaces_the_old_result(found: Library) -> None:
    for name in (*VACATION, "z_coffee.jpg"):
        (found.photos / name).unlink()
    found.find("--discard-review")  # their last copies are in it
    assert found.info() == {}
    assert [path for path in found.output.iterdir() if path.is_dir()] == []
    assert found.check().code == 0
    assert found.cleanup().code == 0
    assert found.names() == ["z_coffee_bw.jpg", "z_stars.jpg"]


# ---- Disks that fail


def fail_to_sync(
    monkeypatch: pytest.MonkeyPatch, fails: Callable[[int, os.stat_result], bool]
) -> list[int]:
    """Make the disk full at the syncs that are chosen by number and file; returns those."""
    real, numbers, failed = os.fsync, itertools.count(1), []

    def fsync(descriptor: int) -> None:
        number = next(numbers)
        if fails(number, os.fstat(descriptor)):
            failed.append(number)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return failed


@pytest.mark.parametrize("name", ["vacation1_copy.jpg", COFFEE[-1]])
def test_a_copy_that_fails_is_left_out_and_named(
    library: Library, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    size = (library.photos / name).stat().st_size
    fail_to_sync(monkeypatch, lambda _, status: status.st_size == size)
    ran = library.run("find")
    monkeypatch.undo()
    assert ran.code == 1
    assert f"{library.photos / name}: No space left on device" in ran.out
    assert [os.path.basename(path) for path in library.info()] == [
        other for other in EVERYTHING[:-1] if other != name
    ]
    files = {path.name for path in library.output.rglob("*") if path.is_file()}
    own = {"info.txt", "log.txt", "image-similarity-search.json"}
    assert files - {"report.html"} == own | {
        os.path.basename(copy) for copy in library.info().values()
    }
    assert any(name in line for line in library.log())
    library.check()
    assert library.listed() == []
    library.find()
    assert len(library.info()) == 5


def test_a_group_that_lost_copies_to_a_full_disk_keeps_their_originals(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {(library.photos / name).stat().st_size for name in VACATION[1:]}
    fail_to_sync(monkeypatch, lambda _, status: status.st_size in sizes)
    assert library.run("find").code == 1
    monkeypatch.undo()
    library.delete_copies("vacation1.jpg")
    assert library.check().code == 1
    library.cleanup()
    assert library.names() == EVERYTHING


def test_when_the_disk_is_full_at_any_moment_an_old_or_a_new_result_stands(
    found: Library, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = tree(found.folder)
    shutil.copytree(found.folder, tmp_path / "backup")
    for number in itertools.count(1):
        failed = fail_to_sync(monkeypatch, lambda n, _, full_at=number: n == full_at)
        ran = found.run("find")
        monkeypatch.undo()
        if not failed:
            break
        if ran.code == 2:
            assert ran.err.count("\n") == 1
            assert "No space left" in ran.err
        if "may not be on disk" in ran.err or "can't be removed" in ran.err:
            # Until the new result surely is on the disk, both are there.
            assert set(os.listdir(found.folder)) == {"photos", "output", "output.find-old"}
        else:
            assert set(os.listdir(found.folder)) == {"photos", "output"}
            assert ran.code != 2 or ("still stands" in ran.err and tree(found.folder) == before)
        assert found.check().code == 0
        assert found.listed() == []
        assert set(os.listdir(found.folder)) == {"photos", "output"}
        restore(tmp_path / "backup", found.folder)
    assert number > 8


@pytest.mark.parametrize("action", ["check-deleted", "cleanup"])
def test_a_full_disk_ends_the_other_actions_with_one_line(
    culled: Library, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    before = tree(culled.photos)
    fail_to_sync(monkeypatch, lambda *_: True)
    ran = culled.run(action)
    monkeypatch.undo()
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert "No space left on device" in ran.err
    assert tree(culled.photos) == before


# ---- Two runs at once


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)


def lock_of(library: Library) -> Path:
    return library.folder / ".output.lock"


def stopped_find(library: Library) -> "subprocess.Popen[str]":
    """A find that holds the lock and doesn't go on."""
    process = library.start("find")
    while True:
        wait_for(lambda: lock_of(library).exists())
        process.send_signal(signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        if is_locked(lock_of(library)):
            return process
        process.send_signal(signal.SIGCONT)  # it had made the file and not yet locked it


def is_locked(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_a_second_run_of_any_action_ends_at_once_with_exit_code_4(culled: Library) -> None:
    culled.cleanup()
    first = stopped_find(culled)  # who waits for it, waits for ever
    before = tree(culled.folder)
    for action in ("find", "check-deleted", "cleanup"):
        second = collect(culled.start(action))
        assert second.code == 4
        assert second.err.count("\n") == 1
    assert tree(culled.folder) == before
    first.send_signal(signal.SIGCONT)
    assert collect(first).code == 0
    assert not lock_of(culled).exists()


def test_a_lock_does_not_outlive_a_killed_process(library: Library) -> None:
    process = stopped_find(library)
    process.kill()
    collect(process)
    assert lock_of(library).exists()
    library.find()
    assert not lock_of(library).exists()


def children(process_id: int) -> list[int]:
    listing = Path(f"/proc/{process_id}/task/{process_id}/children").read_text()
    return [int(child) for child in listing.split()]


def is_hashing(process: "subprocess.Popen[str]") -> bool:
    """Whether a worker (a child of the fork server) has taken up its work, silently."""

    def stderr_of(process_id: int) -> str:
        return os.readlink(f"/proc/{process_id}/fd/2")

    try:
        workers = [worker for server in children(process.pid) for worker in children(server)]
        return any(stderr_of(worker) != stderr_of(process.pid) for worker in workers)
    except (FileNotFoundError, ProcessLookupError):  # a process that came and went
        return False


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="needs Linux's list of children"
)


def add_many(library: Library) -> None:
    for number in range(300):
        content = picture("2024/cat.jpg") + number.to_bytes(2, "big")
        (library.photos / f"{number}.jpg").write_bytes(content)


@needs_proc
def test_a_lock_does_not_pass_to_the_workers_of_a_killed_process(library: Library) -> None:
    add_many(library)
    process = library.start("find")
    wait_for(lambda: is_hashing(process))
    process.kill()
    collect(process)
    assert lock_of(library).exists()
    assert library.run("check-deleted").code == 3  # no result yet, but the lock is free


def listen_to_ctrl_c() -> None:
    """Shells let the commands that they start in the background ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@needs_proc
def test_ctrl_c_ends_find_at_once_and_the_old_result_stands(found: Library) -> None:
    add_many(found)
    before = tree(found.folder)
    process = found.start("find", start_new_session=True, preexec_fn=listen_to_ctrl_c)
    wait_for(lambda: is_hashing(process))
    os.killpg(process.pid, signal.SIGINT)
    ran = collect(process)
    assert ran.code == 130
    assert ran.err.count("\n") == 1
    assert tree(found.folder) == before


# ---- cleanup


def test_cleanup_twice_does_nothing_the_second_time(culled: Library) -> None:
    assert culled.cleanup().code == 0
    before = tree(culled.folder)
    again = culled.cleanup()
    assert again.code == 0
    assert "Gone already: 2 originals." in again.out
    assert tree(culled.folder) == before


def test_an_original_that_is_gone_already_is_no_error(culled: Library) -> None:
    (culled.photos / "vacation1_old.jpg").unlink()
    ran = culled.cleanup()
    assert ran.code == 0
    assert "Gone already: 1 original." in ran.out
    assert culled.names() == ["vacation1.jpg", *COFFEE, "z_stars.jpg"]
    assert culled.check().code == 0
    assert culled.list_file.read_text() == ""


def test_each_deletion_is_on_disk_in_the_log_before_the_file_goes(
    culled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_unlink, real_fsync = os.unlink, os.fsync
    logged_at_unlink: list[str] = []
    synced: set[int] = set()

    def fsync(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)
        real_fsync(descriptor)

    def unlink(path: Any, **options: Any) -> None:
        if str(path).startswith(str(culled.photos)):
            log = culled.output / "log.txt"
            assert log.stat().st_ino in synced
            logged_at_unlink.append(log.read_text().splitlines()[-1])
            synced.clear()
        real_unlink(path, **options)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "unlink", unlink)
    assert culled.cleanup().code == 0
    monkeypatch.undo()
    assert logged_at_unlink == [f"Deleted file: {culled.photos / name}" for name in VACATION[1:]]


def test_the_log_is_appended_to_and_survives_the_next_find(culled: Library) -> None:
    first = culled.log()
    culled.cleanup()
    second = culled.log()
    assert second[: len(first)] == first
    assert len(second) == len(first) + 2
    culled.find()
    third = culled.log()
    assert third[: len(second)] == second
    assert len(third) > len(second)


def test_a_pipe_in_the_place_of_the_old_log_holds_no_find_up(found: Library) -> None:
    (found.output / "log.txt").unlink()
    os.mkfifo(found.output / "log.txt")
    ran = found.run("find", "--log-file", "other.txt")
    assert ran.code in (1, 2)
    assert "log.txt" in ran.err + ran.out


@pytest.mark.parametrize("elsewhere", [False, True])
def test_the_log_survives_when_the_next_find_has_another_log(
    culled: Library, elsewhere: bool
) -> None:
    culled.cleanup()
    old = culled.log()
    path = culled.folder / "journal.txt" if elsewhere else culled.output / "journal.txt"
    culled.find("--log-file", str(path))
    logs = [file for file in (culled.output / "log.txt", path) if file.exists()]
    lines = [line for file in logs for line in file.read_text().splitlines()]
    assert [line for line in old if line not in lines] == []


def test_a_dry_run_prints_the_plan_and_changes_nothing(culled: Library) -> None:
    edit(culled.photos / "vacation1_old.jpg")
    (culled.photos / "vacation1_copy.xmp").write_text("<xmp/>")
    before = tree(culled.folder)
    dry = culled.cleanup("--dry-run")
    assert tree(culled.folder) == before
    assert dry.code == 1
    plan, end = dry.out.rsplit("\n", 2)[0], dry.out.splitlines()[-1]
    assert end == "Dry run: nothing was deleted."
    assert "To delete for good: 1 original, 19 KB." in plan
    assert f"{culled.photos}/vacation1_old.jpg: it changed since find" in plan
    real = culled.cleanup()
    assert real.out.startswith(plan)
    assert "vacation1_copy.jpg" not in culled.names()


def test_a_dry_run_of_find_makes_nothing(library: Library) -> None:
    before = tree(library.folder)
    ran = library.find("--dry-run")
    assert "2 groups" in ran.out
    assert tree(library.folder) == before


def untouched(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Of everything below a folder and of itself: inode, and when it and its content changed."""
    statuses = {str(path): path.lstat() for path in (folder, *folder.rglob("*"))}
    return {path: (s.st_ino, s.st_mtime_ns, s.st_ctime_ns) for path, s in statuses.items()}


@pytest.mark.parametrize("action", ["find", "check-deleted", "cleanup", "suggest"])
@pytest.mark.parametrize("interrupted", [False, True])
def test_a_dry_run_of_any_action_changes_nothing(
    culled: Library, action: str, interrupted: bool
) -> None:
    """Not even for a moment: no lock is made and removed, no original restored."""
    if interrupted:
        original = culled.photos / "vacation1_copy.jpg"
        original.rename(removal.aside_path(str(original)))
        (culled.output / ".to_delete.txt.being-written").write_text("half a")
    before = untouched(culled.folder)
    ran = culled.run(action, "--dry-run")
    assert untouched(culled.folder) == before
    assert ran.code in ((2,) if action == "find" else (0, 1))
    assert not ran.err or action == "find"  # it refuses to replace a cull


def test_a_dry_run_of_check_deleted_says_what_would_be_listed(found: Library) -> None:
    found.delete_copies("vacation1_copy.jpg", "vacation1_old.jpg")
    dry, facts = found.check("--dry-run"), found.check("--dry-run", "--json").facts
    assert not found.list_file.exists()
    assert f"To list in {found.list_file}: 2 originals." in dry.out
    assert dry.out.splitlines()[-1] == "Dry run: nothing was written."
    real = found.check("--json")
    assert (dry.code, facts) == (real.code, real.facts)
    assert found.check("--dry-run", "--to-delete-file", "other.txt").code == 2


def test_a_dry_run_says_what_an_interrupted_cleanup_has_set_aside(culled: Library) -> None:
    original = culled.photos / "vacation1_copy.jpg"
    original.rename(removal.aside_path(str(original)))
    assert culled.check("--dry-run", "--json").facts["to_delete"] == [
        str(culled.photos / name) for name in VACATION[1:]
    ]
    dry = culled.cleanup("--dry-run")
    assert dry.code == 1
    reason = "an interrupted cleanup has set it aside; the next restores it"
    assert f"{original}: {reason}" in dry.out
    assert culled.cleanup().code == 0
    assert culled.names() == ["vacation1.jpg", *COFFEE, "z_stars.jpg"]


def test_a_dry_run_does_not_look_at_what_another_run_is_changing(culled: Library) -> None:
    with output_lock.locked(str(culled.output)):
        for action in ("check-deleted", "cleanup"):
            assert culled.run(action, "--dry-run").code == 4


def on_a_terminal(library: Library, answer: str, *flags: str) -> Ran:
    keyboard, terminal = os.openpty()
    os.write(keyboard, answer.encode())
    try:
        return collect(library.start("cleanup", *flags, stdin=terminal))
    finally:
        os.close(keyboard)
        os.close(terminal)


@pytest.mark.parametrize("answer", ["n\n", "\n", "Nyet\n", "\x04"])
def test_on_a_terminal_anything_but_yes_deletes_nothing(culled: Library, answer: str) -> None:
    before = tree(culled.folder)
    ran = on_a_terminal(culled, answer)
    assert ran.code == 1
    assert "[y/N]" in ran.err
    assert "Nothing was deleted." in ran.out
    assert tree(culled.folder) == before


@pytest.mark.parametrize(("answer", "flags"), [("y\n", ()), ("YES\n", ()), ("n\n", ("--yes",))])
def test_on_a_terminal_yes_deletes(culled: Library, answer: str, flags: tuple[str, ...]) -> None:
    ran = on_a_terminal(culled, answer, *flags)
    assert ran.code == 0
    assert ("[y/N]" in ran.err) is not bool(flags)
    assert culled.names() == ["vacation1.jpg", *COFFEE, "z_stars.jpg"]


def test_sidecars_are_reported_and_left_alone(culled: Library) -> None:
    sidecars = ["vacation1_copy.jpg.xmp", "vacation1_copy.xmp", "vacation1_old.CR2"]
    for name in (*sidecars, "vacation1.mov", "notes.txt"):
        (culled.photos / name).write_text("beside a photo")
    ran = culled.cleanup()
    assert "Left without their photo (3):" in ran.out
    reported = ran.out.split("Left without their photo (3):\n")[1].splitlines()[:3]
    assert reported == [f"  {culled.photos / name}" for name in sidecars]
    kept = {*sidecars, "vacation1.mov", "notes.txt", "vacation1.jpg", *COFFEE, "z_stars.jpg"}
    assert set(culled.names()) == kept


# ---- The trash


def environment(library: Library, data_home: Path) -> dict[str, str]:
    return {**os.environ, "HOME": str(library.folder), "XDG_DATA_HOME": str(data_home)}


def test_the_trash_gets_the_originals_under_their_own_names(culled: Library) -> None:
    data = culled.folder / "data"
    contents = [(culled.photos / name).read_bytes() for name in VACATION[1:]]
    process = culled.start("cleanup", "--delete-mode", "trash", env=environment(culled, data))
    assert collect(process).code == 0
    assert culled.names() == ["vacation1.jpg", *COFFEE, "z_stars.jpg"]
    trashed = tree(data / "Trash" / "files")
    assert trashed == dict(zip(VACATION[1:], contents, strict=True))
    assert culled.log()[-2:] == [f"Deleted file: {culled.photos / name}" for name in VACATION[1:]]


def test_without_a_trash_the_file_is_kept_with_advice(culled: Library) -> None:
    no_folder = culled.folder / "data"
    no_folder.write_text("a file where the trash would be")
    before = tree(culled.photos)
    process = culled.start("cleanup", "--delete-mode", "trash", env=environment(culled, no_folder))
    ran = collect(process)
    assert ran.code == 1
    assert "--delete-mode permanent" in ran.out
    assert tree(culled.photos) == before
    assert any(line.startswith("Kept file: ") for line in culled.log())


def test_a_file_changed_in_secret_is_not_even_sent_to_the_trash(culled: Library) -> None:
    edit_secretly(culled.photos / "vacation1.jpg")  # the survivor
    before = tree(culled.photos)
    environ = environment(culled, culled.folder / "data")
    process = culled.start("cleanup", "--delete-mode", "trash", env=environ)
    assert collect(process).code == 1
    assert tree(culled.photos) == before


# ---- Runs that are killed


def killed_after(library: Library, changes: int, action: str) -> bool:
    """Run an action that dies after some changes to the disk; whether it died."""
    left = itertools.count(changes, -1)
    return killed_when(lambda: next(left) <= 0, library, action)


def test_a_find_killed_at_any_moment_loses_nothing(culled: Library, tmp_path: Path) -> None:
    culled.cleanup()
    for name in (*COFFEE, "z_stars.jpg"):
        (culled.photos / name).unlink()
    culled.add("vacation1_new.jpg", quality=55)
    culled.find("--discard-review")  # of what was deleted by hand the last copies are here
    old, log = culled.info(), culled.log()
    culled.add("vacation1_newer.jpg", quality=45)
    before = tree(culled.photos)
    shutil.copytree(culled.folder, tmp_path / "backup")
    results = []
    for changes in itertools.count():
        if not killed_after(culled, changes, "find"):
            break
        first = culled.find() if changes % 4 == 0 else culled.check()
        assert first.code == 0, (changes, first)
        assert culled.check().code == 0
        assert culled.listed() == []
        assert sorted(os.listdir(culled.folder)) == ["output", "photos"]
        assert all(Path(c).read_bytes() == Path(o).read_bytes() for o, c in culled.info().items())
        assert culled.log()[: len(log)] == log
        assert tree(culled.photos) == before
        results.append(len(culled.info()))
        restore(tmp_path / "backup", culled.folder)
    assert changes > 20
    assert set(results) == {len(old), len(old) + 1}


def test_a_half_removed_old_result_is_never_taken_for_a_cull(
    found: Library, tmp_path: Path
) -> None:
    """A person may move the new result away before the rest of the old one is removed."""
    before = tree(found.photos)
    shutil.copytree(found.folder, tmp_path / "backup")
    moved = 0
    for changes in itertools.count(20):  # the new result is in place
        if not killed_after(found, changes, "find"):
            break
        if (found.folder / "output.find-old").exists() and found.output.exists():
            found.output.rename(tmp_path / "moved away")
            found.check()
            found.cleanup()
            assert tree(found.photos) == before, changes
            shutil.rmtree(tmp_path / "moved away")
            moved += 1
            if moved % 5 == 0:
                found.find()
        restore(tmp_path / "backup", found.folder)
    assert moved > 5


def test_a_cleanup_killed_at_any_moment_loses_nothing(culled: Library, tmp_path: Path) -> None:
    before = tree(culled.photos)
    shutil.copytree(culled.folder, tmp_path / "backup")
    for changes in itertools.count():
        if not killed_after(culled, changes, "cleanup"):
            break
        action = ("check-deleted", "cleanup", "find")[changes % 3]
        culled.run(action, *(("--discard-review",) if action == "find" else ()))
        log = culled.log()
        for name, content in before.items():
            path = culled.photos / name
            if path.exists():
                assert path.read_bytes() == content
            else:
                assert name in VACATION[1:]
                assert f"Deleted file: {path}" in log
        assert {*culled.names(), *EVERYTHING} == set(EVERYTHING)  # nothing is left aside
        restore(tmp_path / "backup", culled.folder)
    assert changes >= 4


DIE = """
import os, signal, sys
root, name, part, moment = sys.argv[1:5]
sys.path.insert(0, root)
real = getattr(os, name)
def deadly(*args, **options):
    hit = any(isinstance(arg, str) and part in arg for arg in args)
    if hit and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    real(*args, **options)
    if hit:
        os.kill(os.getpid(), signal.SIGKILL)
setattr(os, name, deadly)
import main
sys.exit(main.main(sys.argv[5:]))
"""


def killed(library: Library, action: str, name: str, part: str, moment: str) -> None:
    """Run an action in a process that is killed before or after a call with a certain path."""
    command = [sys.executable, "-c", DIE, str(ROOT), name, part, moment]
    ran = subprocess.run([*command, *library.arguments(action)], timeout=120, check=False)
    assert ran.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("name", "part", "moment"),
    [
        ("replace", "output.find-new/image-similarity-search.json", "after"),  # staging is built
        ("link", "_vacation1_old.jpg", "after"),  # in the middle of taking copies over
        ("rename", "output.find-old", "after"),  # between the two renames
    ],
)
def test_after_a_find_that_was_really_killed_the_old_result_stands(
    found: Library, name: str, part: str, moment: str
) -> None:
    found.delete_copies("z_coffee_bw.jpg")
    found.check()
    found.cleanup()
    before = tree(found.folder)
    killed(found, "find", name, part, moment)
    assert tree(found.folder) != before
    assert found.check().code == 0
    before["output/to_delete.txt"] = b""
    assert tree(found.folder) == before


def test_a_cleanup_killed_after_setting_a_file_aside_puts_it_back(culled: Library) -> None:
    before = tree(culled.photos)
    killed(culled, "cleanup", "rename", ".being-deleted", "after")
    assert tree(culled.photos) != before
    ran = culled.check()
    assert "Restored file: " in ran.out
    assert tree(culled.photos) == before
    assert f"Deleted file: {culled.photos}/vacation1_copy.jpg" not in culled.log()


def test_a_cleanup_killed_between_record_and_deletion_says_in_the_log_that_the_file_is_back(
    culled: Library,
) -> None:
    before = tree(culled.photos)
    killed(culled, "cleanup", "unlink", ".being-deleted", "before")
    culled.check()
    assert tree(culled.photos) == before
    path = culled.photos / "vacation1_copy.jpg"
    assert culled.log()[-2:] == [f"Deleted file: {path}", f"Restored file: {path}"]
    assert culled.cleanup().code == 0
    assert culled.names() == ["vacation1.jpg", *COFFEE, "z_stars.jpg"]


def test_a_file_set_aside_is_not_dropped_for_a_link_to_it(culled: Library) -> None:
    killed(culled, "cleanup", "rename", ".being-deleted", "after")
    aside = next(culled.photos.glob(".*.being-deleted"))
    (culled.photos / "vacation1_copy.jpg").symlink_to(aside)
    content = aside.read_bytes()
    culled.check()
    assert aside.read_bytes() == content


@pytest.mark.parametrize("folder", ["", os.fsdecode(b"caf\xe9\n/")])
def test_a_file_that_took_the_place_of_one_set_aside_is_kept_too(
    library: Library, folder: str
) -> None:
    doomed = library.add(f"{folder}vacation2.jpg", quality=60)
    library.find()
    library.delete_copies(f"{folder}vacation2.jpg")
    library.check()
    killed(library, "cleanup", "rename", ".being-deleted", "after")
    aside = next(doomed.parent.glob(".*.being-deleted"))
    doomed.write_bytes(aside.read_bytes())
    before = tree(library.photos)
    for action in ("check-deleted", "cleanup", "cleanup"):
        ran = library.run(action)
        assert ran.code == 1
        assert tree(library.photos) == before
    assert sum(line.startswith("Deleted file:") for line in library.log()) == 0


def answered(library: Library, answer: bytes, *flags: str) -> Ran:
    """Clean up with an answer that waits in a pipe, as of echo n | ..."""
    there, ours = os.pipe()
    os.write(ours, answer)
    os.close(ours)
    try:
        return collect(library.start("cleanup", *flags, stdin=there))
    finally:
        os.close(there)


@pytest.mark.parametrize("answer", [b"n\n", b"\n", b"\ny\n", b"yesterday\n", b"\xff\n", b"no"])
def test_a_piped_answer_but_yes_deletes_nothing(culled: Library, answer: bytes) -> None:
    before = tree(culled.folder)
    ran = answered(culled, answer)
    assert ran.code == 1
    assert "[y/N]" in ran.err
    assert "Nothing was deleted." in ran.out
    assert tree(culled.folder) == before


@pytest.mark.parametrize(
    ("answer", "flags"), [(b"y\n", ()), (b"Yes", ()), (b"y\ny\n", ()), (b"n\n", ("--yes",))]
)
def test_a_piped_yes_deletes(culled: Library, answer: bytes, flags: tuple[str, ...]) -> None:
    assert answered(culled, answer, *flags).code == 0
    assert culled.names() == ["vacation1.jpg", *COFFEE, "z_stars.jpg"]


@pytest.mark.parametrize("stdin", ["nothing", "an ended pipe", "an open pipe"])
def test_a_script_that_answers_nothing_is_not_asked(culled: Library, stdin: str) -> None:
    there, ours = os.pipe()
    if stdin == "an ended pipe":
        os.close(ours)
    if stdin == "nothing":
        os.close(there)
        there = os.open(os.devnull, os.O_RDONLY)
    ran = collect(culled.start("cleanup", stdin=there))
    assert (ran.code, "[y/N]" in ran.err) == (0, False)
    assert culled.names() == ["vacation1.jpg", *COFFEE, "z_stars.jpg"]
    os.close(there)
    if stdin != "an ended pipe":
        os.close(ours)


def test_who_is_asked_is_told_what_is_to_go_though_the_run_is_quiet(culled: Library) -> None:
    ran = on_a_terminal(culled, "n\n", "--quiet")
    size = sum((culled.photos / name).stat().st_size for name in culled.listed())
    plan = f"To delete for good: 2 originals, {round(size / 1000)} KB.\n"
    assert ran.out == f"{plan}Nothing was deleted.\n"
    assert ran.err == "Delete 2 originals for good? [y/N] "
    assert on_a_terminal(culled, "y\n", "--quiet", "--yes").out.startswith("Deleted: 2 originals")


def test_a_question_says_for_good_only_without_a_trash(culled: Library) -> None:
    ran = on_a_terminal(culled, "n\n", "--delete-mode", "trash")
    assert ran.err == "Delete 2 originals? [y/N] "
