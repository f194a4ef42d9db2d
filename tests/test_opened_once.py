"""A result is opened once by each action, and looked at again wherever it may have changed."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Library, tree

import storage
from disk import record, signature
from disk.result import open_result, proven


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the folders of which the record was read, or looked for."""
    folders: list[str] = []
    open_regular = record.open_regular

    def counted(path: str) -> Any:
        if os.path.basename(path) == record.MANIFEST:
            folders.append(os.path.basename(os.path.dirname(path)))
        return open_regular(path)

    monkeypatch.setattr(record, "open_regular", counted)
    return folders


def test_a_find_reads_the_record_once(library: Library, reads: list[str]) -> None:
    library.find()
    assert reads == ["output"]
    reads.clear()
    library.find("--dry-run")
    assert reads == ["output"]
    reads.clear()
    library.find()
    assert reads == ["output", "output.find-old"]  # which is removed by its record


@pytest.mark.parametrize("flags", [(), ("--dry-run",)])
def test_check_deleted_and_cleanup_read_the_record_once(
    found: Library, reads: list[str], flags: tuple[str, ...]
) -> None:
    found.delete_copies("vacation1_old.jpg")
    found.check()
    reads.clear()
    for action in ("check-deleted", "cleanup"):
        assert found.run(action, "--yes", *flags).code == 0
        assert reads == ["output"]
        reads.clear()


def test_an_action_proves_the_signature_once(
    found: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a hundred thousand copies that takes almost a second."""
    proofs: list[object] = []
    fits = signature.fits
    monkeypatch.setattr(signature, "fits", lambda *given: proofs.append(1) or fits(*given))
    for action in ("check-deleted", "cleanup"):
        assert found.run(action, "--yes").code == 0
        assert len(proofs) == 1
        proofs.clear()


@pytest.mark.parametrize("flags", [(), ("--apply",)])
def test_suggest_reads_the_record_once(
    found: Library, reads: list[str], flags: tuple[str, ...]
) -> None:
    pytest.importorskip("extras.review")
    assert found.run("suggest", *flags).code == 0
    assert reads == ["output"]


def test_explain_reads_the_record_once(found: Library, reads: list[str]) -> None:
    pytest.importorskip("extras.explain")
    photos = [str(found.photos / name) for name in ("z_coffee.jpg", "z_stars.jpg")]
    assert found.run("explain", *photos).code == 0
    assert reads == ["output"]


def test_a_page_reads_the_record_only_if_it_has_changed(found: Library, reads: list[str]) -> None:
    pytest.importorskip("extras.review")
    from extras.review.desk import Desk
    from extras.review.examiner import Examiner

    desk = Desk(proven(open_result(found.paths)), Examiner(1))
    assert reads == ["output"]
    desk.check_run()
    desk.change([])
    assert reads == ["output"]
    os.utime(found.paths.manifest_file)
    desk.check_run()
    desk.check_run()
    assert reads == ["output", "output"]
    os.unlink(found.paths.manifest_file)
    assert desk.is_stale()


def test_after_a_question_the_record_is_read_once_more(
    found: Library, reads: list[str], someone_else: Callable[[], Path]
) -> None:
    someone_else()
    assert found.run("check-deleted", "--trust-result", "--yes").code == 0
    assert reads == ["output"]
    reads.clear()
    someone_else().rename(found.folder / "another key")
    found.find("--trust-result", "--yes")
    assert reads == ["output", "output", "output.find-old"]


def while_copying(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    copy_all = storage.copy_all

    def copying(*arguments: Any) -> Any:
        yield from copy_all(*arguments)
        happens()

    monkeypatch.setattr(storage, "copy_all", copying)


def test_another_result_that_comes_while_find_runs_is_looked_at(
    found: Library, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when somebody brings back a backup in which copies had been deleted."""
    backup = found.folder / "backup"
    found.output.rename(backup)
    found.find("--threshold", "0")
    before = tree(backup)
    reads.clear()

    def bring_back() -> None:
        shutil.rmtree(found.output)
        backup.rename(found.output)
        found.delete_copies("vacation1_old.jpg")

    while_copying(monkeypatch, bring_back)
    ran = found.run("find")
    assert ran.code == 2
    assert "1 copy was deleted" in ran.err
    assert reads.count("output") == 2
    left = tree(found.output)
    assert len(before) - len(left) == 1
    assert left.items() <= before.items()


def test_a_result_that_goes_while_find_runs_keeps_nothing_from_its_place(
    found: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    while_copying(monkeypatch, lambda: found.output.rename(found.folder / "moved"))
    found.find()
    assert found.info()
    assert (found.folder / "moved" / "info.txt").exists()
