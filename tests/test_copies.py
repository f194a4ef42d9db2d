"""Single copies that are removed and made again, and a contact sheet, in storage's own words."""

import errno
import os
from pathlib import Path

import pytest
from conftest import Library, picture, tree

import storage
from disk import copying, files, inspection, output_lock, record, report
from disk.files import digest_file
from disk.report import add_report
from disk.result import open_result


def manifest_of(library: Library) -> record.Manifest:
    return record.load_manifest(str(library.output))


def saved(library: Library, name: str = "vacation1_old.jpg") -> record.SavedCopy:
    path = str(library.photos / name)
    return next(c for c in manifest_of(library).copies if c.original.path == path)


def restore(library: Library, name: str = "vacation1_old.jpg") -> str | None:
    return storage.restore_copy(saved(library, name), str(library.output))


def test_a_copy_that_is_removed_and_restored_is_as_it_was(found: Library) -> None:
    before, times = tree(found.folder), found.copy("vacation1_old.jpg").stat().st_mtime_ns
    assert storage.remove_copy(saved(found)) is None
    assert not found.copy("vacation1_old.jpg").exists()
    assert storage.remove_copy(saved(found)) is None  # twice is as once
    for _ in range(2):
        assert restore(found) is None
    assert tree(found.folder) == before
    assert found.copy("vacation1_old.jpg").stat().st_mtime_ns == times


def test_a_restored_copy_is_on_disk_under_its_name(
    found: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.remove_copy(saved(found))
    synced: list[tuple[str, bool]] = []

    def sync(folder: str) -> None:
        synced.append((folder, os.path.exists(saved(found).copy)))

    monkeypatch.setattr(storage, "sync_folder", sync)
    restore(found)
    assert synced == [(os.path.dirname(saved(found).copy), True)]


def test_a_copy_is_removed_whatever_time_its_original_has(
    found: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The original is read then; where size and time are those of find, that is spared."""
    read: list[str] = []

    def digest(path: str) -> str:
        read.append(path)
        return digest_file(path)

    monkeypatch.setattr(files, "digest_file", digest)
    old = saved(found)
    assert storage.remove_copy(old) is None
    assert read == [old.copy]
    os.utime(saved(found, "vacation1_copy.jpg").original.path, (0, 0))
    assert storage.remove_copy(saved(found, "vacation1_copy.jpg")) is None
    assert not found.copy("vacation1_copy.jpg").exists()


def test_without_hard_links_a_restored_copy_takes_no_files_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("no hard links here")

    (tmp_path / "new").write_text("restored")
    (tmp_path / "there").write_text("mine")
    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(FileExistsError):
        copying.rename_to_new(str(tmp_path / "new"), str(tmp_path / "there"))
    assert (tmp_path / "there").read_text() == "mine"
    copying.rename_to_new(str(tmp_path / "new"), str(tmp_path / "free"))
    assert (tmp_path / "free").read_text() == "restored"


def test_a_removed_copy_is_as_one_deleted_by_hand(found: Library) -> None:
    storage.remove_copy(saved(found))
    assert found.check().code == 0
    assert found.listed() == ["vacation1_old.jpg"]
    assert restore(found) is None
    found.check()
    assert found.listed() == []


def test_the_folder_of_a_group_comes_back_with_its_copy(found: Library) -> None:
    found.delete_copies("z_coffee.jpg", "z_coffee_bw.jpg")
    found.copy("z_coffee.jpg").parent.rmdir()
    assert restore(found, "z_coffee.jpg") is None
    assert found.copy("z_coffee.jpg").read_bytes() == picture("2024/coffee.jpg")


def test_an_edited_copy_is_neither_removed_nor_overwritten(found: Library) -> None:
    copy = found.copy("vacation1_old.jpg")
    copy.write_bytes(b"edited")
    assert "edited" in (storage.remove_copy(saved(found)) or "")
    assert "edited" in (restore(found) or "")
    assert copy.read_bytes() == b"edited"


def test_an_edited_copy_of_the_same_size_and_time_is_not_removed(found: Library) -> None:
    copy = found.copy("vacation1_old.jpg")
    status = copy.stat()
    copy.write_bytes(b"x" * status.st_size)
    os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert "edited" in (storage.remove_copy(saved(found)) or "")


@pytest.mark.parametrize("change", ["gone", "changed"])
def test_the_last_one_is_not_removed(found: Library, change: str) -> None:
    original = found.photos / "vacation1_old.jpg"
    original.unlink() if change == "gone" else original.write_bytes(b"another picture")
    assert "last one" in (storage.remove_copy(saved(found)) or "")
    assert found.copy("vacation1_old.jpg").exists()


def test_nothing_is_restored_from_an_original_that_is_gone_or_changed(found: Library) -> None:
    original = found.photos / "vacation1_old.jpg"
    found.delete_copies("vacation1_old.jpg")
    status = original.stat()
    original.write_bytes(b"x" * status.st_size)
    os.utime(original, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert restore(found) == "its original changed since find"
    original.unlink()
    assert restore(found) == "its original is gone"
    assert not found.copy("vacation1_old.jpg").exists()


def test_a_file_that_takes_the_place_meanwhile_is_not_overwritten(
    found: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = found.copy("vacation1_old.jpg")
    copy.unlink()
    utime = os.utime

    def taken(*args: object, **options: object) -> None:
        copy.write_bytes(b"mine")
        utime(*args, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "utime", taken)
    assert restore(found) == "another file has taken its name"
    assert copy.read_bytes() == b"mine"
    assert not (found.output / inspection.PARTIAL).exists()


def test_nothing_is_removed_or_written_through_a_link(found: Library) -> None:
    folder = found.copy("vacation1_old.jpg").parent
    elsewhere = found.folder / "elsewhere"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    before = tree(elsewhere)
    assert "symbolic link" in (storage.remove_copy(saved(found)) or "")
    assert "symbolic link" in (restore(found) or "")
    assert tree(elsewhere) == before


def test_without_hard_links_a_copy_is_restored_and_nothing_overwritten(
    found: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object, **__: object) -> None:
        raise OSError(1, "no links here")

    monkeypatch.setattr(os, "link", link)
    found.delete_copies("vacation1_old.jpg")
    assert restore(found) is None
    assert found.copy("vacation1_old.jpg").exists()


# ---- Links


def test_the_manifest_holds_what_joined_the_groups(found: Library) -> None:
    links = manifest_of(found).links
    assert len(links) == 3  # two of three vacations, one of two coffees
    assert {link.view for link in links} == {"whole"}
    assert all(0 <= link.distance <= 92 and link.correlation > 0.9 for link in links)


def test_a_manifest_of_an_older_version_is_read(found: Library) -> None:
    import json

    path = found.output / record.MANIFEST
    data = json.loads(path.read_text())
    del data["links"], data["report"]
    path.write_text(json.dumps(data))
    report = found.output / "report.html"
    report.unlink(missing_ok=True)
    assert manifest_of(found).links == ()
    found.delete_copies("vacation1_old.jpg")
    assert found.check().code == 3
    assert found.check("--trust-result", "--yes").code == 0
    assert found.cleanup().code == 0
    assert not (found.photos / "vacation1_old.jpg").exists()
    found.find()


# ---- The contact sheet


def with_sheet(library: Library, text: str = "<p>sheet</p>") -> Path:
    """Save the library's result again with a contact sheet of this text."""
    paths = library.paths
    old = manifest_of(library)
    manifest = record.Manifest(old.input_dirs, old.copies, old.own_files)
    with output_lock.locked(paths.output_dir), storage.staging(paths, manifest):
        assert all(isinstance(c, record.SavedCopy) for c in storage.copy_all(paths, old.copies, {}))
        storage.commit(open_result(paths), manifest, [])
        assert bool(text) == (bool(text) and add_report(paths, manifest, text))
    return library.output / "report.html"


def test_our_contact_sheet_is_replaced_and_removed_with_its_result(found: Library) -> None:
    sheet = with_sheet(found, "<p>one</p>")
    assert sheet.read_text() == "<p>one</p>"
    assert with_sheet(found, "<p>two</p>").read_text() == "<p>two</p>"
    with_sheet(found, "")
    assert not sheet.exists()
    assert not os.path.lexists(str(found.output) + ".find-old")


def test_a_contact_sheet_is_no_stranger_to_check_deleted(found: Library) -> None:
    sheet = with_sheet(found)
    found.delete_copies("vacation1_old.jpg")
    for _ in range(2):
        assert found.check().code == 0
        assert found.listed() == ["vacation1_old.jpg"]
        sheet.write_text("edited")


def test_an_edited_contact_sheet_is_not_replaced_and_the_remedy_is_named(found: Library) -> None:
    sheet = with_sheet(found)
    sheet.write_text("my notes")
    before = tree(found.folder)
    ran = found.run("find")
    assert ran.code == 2
    assert "report.html" in ran.err
    assert "move them elsewhere" in ran.err
    assert tree(found.folder) == before
    sheet.rename(found.folder / "notes.html")
    assert found.run("find").code == 0


def test_a_contact_sheet_that_was_deleted_is_no_matter(found: Library) -> None:
    with_sheet(found).unlink()
    assert found.run("find").code == 0


def test_a_report_of_the_users_own_is_not_ours(found: Library) -> None:
    with_sheet(found, "")
    mine = found.output / "report.html"
    mine.write_text("mine")
    assert found.run("find").code == 2
    assert mine.read_text() == "mine"


def test_a_contact_sheet_that_changes_while_find_runs_is_kept(found: Library) -> None:
    """Between the check and the last rename."""
    sheet = with_sheet(found)
    sheet.write_text("my notes")
    with_sheet(found, "<p>new</p>")
    kept = Path(str(found.output) + ".find-old") / "report.html"
    assert kept.read_text() == "my notes"
    assert sheet.read_text() == "<p>new</p>"


@pytest.mark.parametrize("moment", ["before", "while"])
def test_no_contact_sheet_is_written_over_a_file_of_the_person(
    found: Library, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """They may be at work in the result while its sheet is drawn."""
    with_sheet(found, "")
    manifest, mine = manifest_of(found), found.output / "report.html"
    write = report.write_manifest

    def work(folder: str, manifest: record.Manifest) -> None:
        write(folder, manifest)
        mine.write_text("mine")

    if moment == "before":  # then the record is not touched either
        mine.write_text("mine")
        monkeypatch.delattr(report, "write_manifest")
    else:
        monkeypatch.setattr(report, "write_manifest", work)
    assert not add_report(found.paths, manifest, "<p>sheet</p>")
    assert mine.read_text() == "mine"
    assert manifest_of(found) == manifest
    assert not list(found.output.glob(".report*"))


def test_a_contact_sheet_that_a_disk_refuses_leaves_the_result_whole(
    found: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is it a stranger where it got to its place before the disk failed."""
    with_sheet(found, "")
    synced: list[str] = []

    def fail_the_second_time(folder: str) -> None:
        synced.append(folder)
        if len(synced) > 1:
            raise OSError(errno.EIO, "Input/output error", folder)

    with monkeypatch.context() as disk:
        disk.setattr(files, "sync_folder", fail_the_second_time)
        with pytest.raises(OSError, match="Input/output"):
            add_report(found.paths, manifest_of(found), "<p>sheet</p>")
    assert found.run("find").code == 0


def test_a_manifest_can_name_no_other_file_as_its_report(found: Library) -> None:
    import hashlib
    import json

    mine = found.output / "BEST.jpg"
    mine.write_bytes(b"mine")
    path = found.output / record.MANIFEST
    data = json.loads(path.read_text())
    data["report"] = hashlib.sha256(b"mine").hexdigest()
    path.write_text(json.dumps(data))
    assert found.run("find").code == 2
    assert mine.read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["report.html", "Report.HTML"])
def test_no_other_file_of_ours_has_the_name_of_the_report(library: Library, name: str) -> None:
    for flag in ("--info-file", "--to-delete-file", "--log-file"):
        assert library.run("find", flag, name).code == 2
