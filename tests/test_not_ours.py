"""Files that are not the program's own: it neither writes, nor removes, nor mistakes them."""

import os
import shutil
from pathlib import Path

import pytest
from conftest import Library, picture, tree
from PIL import Image

from disk import files, record


def edit(path: Path, target: Path) -> None:
    """Save a picture under another name, turned a little, and remove the old file."""
    target.parent.mkdir(exist_ok=True)
    with Image.open(path) as image:
        image.rotate(2).save(target, "JPEG")
    path.unlink()


def test_a_copy_renamed_and_edited_keeps_its_original(found: Library) -> None:
    edit(found.copy("vacation1_copy.jpg"), found.output / "1" / "BEST.jpg")
    assert found.check().code == 0
    assert found.listed() == []


def test_a_copy_moved_and_edited_keeps_its_original(found: Library) -> None:
    copy = found.copy("vacation1_old.jpg")
    edit(copy, found.output / "best" / copy.name)
    found.check()
    assert found.listed() == []


def test_a_copy_saved_in_another_format_elsewhere_keeps_its_original(found: Library) -> None:
    copy = found.copy("vacation1_old.jpg")
    edit(copy, found.output / "best" / f"{copy.stem}.png")
    found.check()
    assert found.listed() == []


@pytest.mark.parametrize("place", ["best/nice.jpg", "nice.HEIC", "2/nice.png", "best/a/nice.psd"])
def test_a_picture_that_may_be_any_copy_keeps_all_originals_and_is_named(
    found: Library, place: str
) -> None:
    found.delete_copies("vacation1_copy.jpg")
    found.check()
    listed = found.list_file.read_text("utf-8")
    (found.output / "best" / "a").mkdir(parents=True)
    nice = found.output / place
    edit(found.copy("vacation1_old.jpg"), nice)
    ran = found.check()
    assert ran.code == 1
    assert str(nice) in ran.out
    assert found.listed() == []
    found.list_file.write_text(listed, "utf-8")  # from before
    before = tree(found.photos)
    ran = found.cleanup()
    assert ran.code == 1
    assert str(nice) in ran.out
    assert tree(found.photos) == before
    nice.rename(found.folder / "mine")
    assert found.check().code == 0
    assert found.listed() == ["vacation1_copy.jpg", "vacation1_old.jpg"]


def test_a_file_that_is_no_picture_is_named_and_keeps_nothing(found: Library) -> None:
    found.delete_copies("vacation1_old.jpg")
    (found.output / "notes.txt").write_text("mine")
    assert found.check().code == 1
    assert found.listed() == ["vacation1_old.jpg"]
    ran = found.cleanup()
    assert "notes.txt" in ran.out
    assert "vacation1_old.jpg" not in found.names()


@pytest.mark.parametrize("name", ["info.txt", "image-similarity-search.json"])
def test_a_copy_with_the_name_of_a_file_of_ours_is_still_a_copy(found: Library, name: str) -> None:
    copy = found.copy("vacation1_copy.jpg")
    copy.write_bytes(copy.read_bytes() + b"edited")
    copy.rename(copy.with_name(name))
    found.check()
    assert found.listed() == []


@pytest.mark.parametrize("litter", ["Thumbs.db", ".DS_Store", "desktop.ini", "photo.jpg.xmp"])
def test_what_file_managers_leave_is_no_copy(found: Library, litter: str) -> None:
    found.delete_copies("vacation1_old.jpg")
    (found.output / "1" / litter).write_bytes(b"[litter]")
    found.check()
    assert found.listed() == ["vacation1_old.jpg"]


@pytest.mark.parametrize("action", ["find", "cleanup"])
def test_a_photo_is_never_the_log(culled: Library, action: str) -> None:
    photo = culled.photos / "z_stars.jpg"
    before = photo.read_bytes()
    discarding = ["--discard-review"] if action == "find" else []
    ran = culled.run(action, "--log-file", str(photo), *discarding, "--yes")
    assert ran.code == 2
    assert "LOG_FILE" in ran.err
    assert photo.read_bytes() == before
    assert "vacation1_old.jpg" in culled.names()


def test_a_fifo_as_log_ends_the_run_at_once(culled: Library) -> None:
    fifo = culled.folder / "fifo"
    os.mkfifo(fifo)
    assert culled.cleanup("--log-file", str(fifo)).code == 2
    assert "vacation1_old.jpg" in culled.names()


def test_check_deleted_overwrites_no_file_of_the_users(found: Library) -> None:
    notes = found.output / "notes.txt"
    notes.write_text("mine")
    ran = found.check("--to-delete-file", "notes.txt")
    assert ran.code == 2
    assert notes.read_text() == "mine"


def test_a_link_in_the_way_of_a_written_file_is_not_followed(found: Library) -> None:
    photo = found.photos / "z_stars.jpg"
    os.symlink(photo, files.temporary_path(str(found.list_file)))
    assert found.check().code == 0
    assert photo.read_bytes() == picture("2023/stars.jpg")
    assert not found.list_file.is_symlink()


def test_a_folder_as_list_is_no_list(culled: Library) -> None:
    culled.list_file.unlink()
    culled.list_file.mkdir()
    assert culled.cleanup().code == 3


def test_an_edited_info_file_is_not_replaced(found: Library) -> None:
    info = found.output / "info.txt"
    info.write_text(info.read_text().replace("{", "{ ", 1))
    before = tree(found.output)
    ran = found.run("find")
    assert ran.code == 2
    assert "info.txt" in ran.err
    assert tree(found.output) == before


@pytest.mark.parametrize("name", ["info.txt.new", "info.txt~", "1/.hidden.jpg"])
def test_files_with_names_like_ours_are_not_ours(found: Library, name: str) -> None:
    shutil.copy(found.photos / "z_stars.jpg", found.output / name)
    assert found.run("find").code == 2
    assert (found.output / name).read_bytes() == picture("2023/stars.jpg")


def test_a_manifest_that_claims_other_files_is_not_trusted(found: Library) -> None:
    manifest = found.output / record.MANIFEST
    (found.output / "BEST.jpg").write_bytes(b"mine")
    manifest.write_text(manifest.read_text().replace('"to_delete.txt"', '"BEST.jpg"'))
    assert found.run("find").code == 2
    assert (found.output / "BEST.jpg").read_bytes() == b"mine"


def test_a_lock_file_with_something_in_it_is_not_ours(library: Library) -> None:
    lock = library.folder / ".output.lock"
    lock.write_text("precious")
    ran = library.run("find")
    assert ran.code == 2
    assert lock.read_text() == "precious"


def test_a_fifo_in_the_locks_place_is_not_ours(library: Library) -> None:
    lock = library.folder / ".output.lock"
    os.mkfifo(lock)
    ran = library.run("find")
    assert ran.code == 2
    assert f"{lock} is in the way" in ran.err
    assert lock.is_fifo()


def test_copies_are_as_private_as_their_originals(library: Library) -> None:
    (library.photos / "vacation1.jpg").chmod(0o600)
    library.find()
    assert library.copy("vacation1.jpg").stat().st_mode & 0o777 == 0o600


def test_a_private_output_folder_stays_private(found: Library) -> None:
    found.output.chmod(0o700)
    found.find()
    assert found.output.stat().st_mode & 0o777 == 0o700


def test_find_names_originals_that_another_cleanup_has_set_aside(library: Library) -> None:
    aside = library.photos / ".vacation1.jpg.01234567.being-deleted"
    (library.photos / "vacation1.jpg").rename(aside)
    ran = library.run("find")
    assert ran.code == 1
    assert aside.name in ran.out


def test_a_log_whose_last_line_was_cut_goes_on_with_a_new_line(found: Library) -> None:
    log = found.output / "log.txt"
    log.write_text(log.read_text() + "Deleted file: /pho")
    files.append_lines(str(log), ["Kept file: x"])
    assert log.read_text().splitlines()[-2:] == ["Deleted file: /pho", "Kept file: x"]
