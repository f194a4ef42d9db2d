"""What of a replaced result is removed while the originals go: nothing that may be the last."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Small

import storage


@pytest.fixture
def leftover(small: Small, tmp_path: Path) -> Small:
    """Of two groups one was kept, so the new result hasn't got it; the old one is still beside it.

    So find leaves it that was killed when the new one was in its place.
    """
    assert small.run("keep", "2").code == 0
    shutil.copytree(small.output, tmp_path / "old")
    small.find()
    assert sorted(small.files()) == ["a1.jpg", "a2.jpg"]
    shutil.move(tmp_path / "old", small.folder / "output.find-old")
    return small


def goes(small: Small) -> None:
    (small.photos / "a1.jpg").unlink()


def goes_and_the_new_copy_is_touched(small: Small) -> None:
    goes(small)
    os.utime(small.copy("a1.jpg"))


def is_edited(small: Small) -> None:
    (small.photos / "b1.jpg").write_bytes(b"edited")


@pytest.mark.parametrize("change", [goes, goes_and_the_new_copy_is_touched, is_edited])
def test_of_a_replaced_result_goes_what_lies_elsewhere(
    leftover: Small, change: Callable[[Small], None]
) -> None:
    change(leftover)
    assert leftover.check().code == 0
    assert sorted(os.listdir(leftover.folder)) == ["output", "photos"]


@pytest.mark.parametrize("action", ["find", "check-deleted", "cleanup"])
def test_the_last_copy_in_a_replaced_result_stays_and_is_named(
    leftover: Small, action: str
) -> None:
    photo = leftover.photos / "b1.jpg"
    photo.rename(leftover.folder / "unplugged")
    for _ in range(2):
        ran = leftover.run(action)
        assert ran.code == 2
        assert "output.find-old holds copies that may be all that is left" in ran.err
        (left,) = leftover.folder.glob("output.find-old/*/*")
        assert left.name.endswith("b1.jpg")
    (leftover.folder / "unplugged").rename(photo)
    leftover.find()
    assert sorted(os.listdir(leftover.folder)) == ["output", "photos"]


def test_what_is_edited_in_the_result_that_stands_is_no_other_copy(leftover: Small) -> None:
    goes(leftover)
    leftover.copy("a1.jpg").write_bytes(b"edited")
    assert leftover.check().code == 2
    left = sorted(path.name[-6:] for path in leftover.folder.glob("output.find-old/*/*"))
    assert left == ["a1.jpg"]


def test_a_link_to_the_folder_of_the_last_copy_is_no_other_copy(leftover: Small) -> None:
    replaced = leftover.folder / "output.find-old"
    (leftover.photos / "a1.jpg").unlink()
    shutil.rmtree(leftover.output / "1")
    (leftover.output / "1").symlink_to(replaced / "1")
    assert leftover.check().code == 2
    assert [path.name[-6:] for path in replaced.glob("1/*")] == ["a1.jpg"]


def dying(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk dies when find has put the new result in its place."""
    remove = storage.remove_result

    def removed(*args: Any, **options: Any) -> Any:
        small.photos.rename(small.folder / "unplugged")
        return remove(*args, **options)

    monkeypatch.setattr(storage, "remove_result", removed)


def test_what_may_be_the_last_when_a_disk_dies_is_kept_and_named(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert small.run("keep", "2").code == 0
    dying(small, monkeypatch)
    ran = small.run("find")
    assert ran.code == 1
    assert "may be all that is left (2):" in ran.out
    left = sorted(path.name[-6:] for path in small.folder.glob("output.find-old/*/*"))
    assert left == ["b1.jpg", "b2.jpg"]


def test_photos_that_were_moved_are_where_find_has_seen_them(small: Small) -> None:
    assert small.run("keep", "all").code == 0
    (small.photos / "new").mkdir()
    for name in ("a1.jpg", "b1.jpg"):
        (small.photos / name).rename(small.photos / "new" / name)
    small.find()
    assert sorted(os.listdir(small.folder)) == ["output", "photos"]


def test_what_is_to_be_discarded_goes_though_it_is_the_last(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert small.run("keep", "2").code == 0
    dying(small, monkeypatch)
    assert small.run("find", "--discard-review").code == 0
    assert sorted(os.listdir(small.folder)) == ["output", "unplugged"]
