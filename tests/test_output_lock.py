"""The lock of an output folder, and the folders that are made for it."""

import os
from pathlib import Path

import pytest

from config import UserError
from disk import output_lock, system


def test_a_lock_leaves_no_empty_folder_that_it_made(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    output = tmp_path / "there" / "new" / "newer" / "output"
    with output_lock.locked(str(output)):
        assert os.listdir(output.parent) == [".output.lock"]
    assert os.listdir(tmp_path / "there") == []
    with output_lock.locked(str(output)):
        output.mkdir()
    assert os.listdir(output.parent) == ["output"]


def test_a_lock_removes_no_folder_that_somebody_else_has_just_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = os.mkdir

    def as_another_does(path: str, *given: int) -> None:
        make(path, *given)
        if path.endswith("new"):
            raise FileExistsError(path)

    monkeypatch.setattr(os, "mkdir", as_another_does)
    with output_lock.locked(str(tmp_path / "new" / "newer" / "output")):
        pass
    assert os.listdir(tmp_path) == ["new"]
    assert os.listdir(tmp_path / "new") == []


def test_without_a_lock_no_folder_stays_that_was_made_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(system, "open_file", refuse)
    with (
        pytest.raises(UserError, match=r"beside .*output: Permission denied"),
        output_lock.locked(str(tmp_path / "new" / "output")),
    ):
        pass
    assert os.listdir(tmp_path) == []


def test_a_link_to_nothing_in_the_place_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    with (
        pytest.raises(UserError, match=r"beside .*output: No such file"),
        output_lock.locked(str(tmp_path / "link" / "new" / "output")),
    ):
        pass
    assert os.listdir(tmp_path) == ["link"]
