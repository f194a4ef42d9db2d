"""How previews are made and put in place, single ones too, and what the record says of them."""

import io
import itertools
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Library, Ran, killed_when, tree
from made_pictures import CAT, STARS
from made_previews import PREVIEW, record, size_of, wide
from PIL import Image

import storage
from actions import previews
from disk import replaceable
from disk.files import ImageFile
from disk.own_names import MANIFEST
from disk.result import open_result
from pictures import preview
from pictures.images import Unreadable

# ---- How they are made


def test_an_original_that_changes_while_find_runs_gets_no_preview(
    large_photos: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = preview.read_file

    def change(path: str) -> Any:
        if path.endswith("a1.jpg"):
            Path(path).write_bytes(wide(STARS, 95))
        return real(path)

    monkeypatch.setattr(preview, "read_file", change)
    ran = large_photos.run("find", *PREVIEW)
    assert ran.code == 1
    assert "the original changed since find saw it" in ran.out
    assert sorted(record(large_photos)) == ["a2.jpg", "a3.jpg", "b1.jpg", "b2.png"]
    assert len(list((large_photos.output / "1").iterdir())) == 2


def test_what_no_preview_can_be_made_of_is_copied_whole_and_the_log_says_it(
    large_photos: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = wide(CAT, 93)[:-2000]
    (large_photos.photos / "a4.jpg").write_bytes(broken)
    made = previews.made_in_workers

    def some_die(files: list[ImageFile], workers: int) -> Iterator[Any]:
        for result in made(files, workers):
            dies = result.file.path.endswith("a1.jpg")
            yield Unreadable(result.file, "it crashed the decoder") if dies else result

    monkeypatch.setattr(previews, "made_in_workers", some_die)
    ran = large_photos.run("find", *PREVIEW)
    assert ran.code == 1
    assert "No preview could be made, so these are to be copied whole (1):" in ran.out
    assert large_photos.copy("a4.jpg").read_bytes() == broken
    assert large_photos.copy("a1.jpg").read_bytes() == (large_photos.photos / "a1.jpg").read_bytes()
    assert [copy.preview is None for copy in record(large_photos).values()].count(True) == 3
    (line,) = [line for line in large_photos.log() if "No preview could be made" in line]
    assert line.endswith(f"{large_photos.photos / 'a1.jpg'}: it crashed the decoder")


def test_a_full_disk_leaves_the_old_result(
    large_photos: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    large_photos.find()
    before = tree(large_photos.folder)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage, "write_preview", full)
    monkeypatch.setattr(storage, "copy_file", full)
    monkeypatch.setattr(storage, "write_file", full)
    assert large_photos.run("find", *PREVIEW).code == 2
    assert tree(large_photos.folder) == before


def killed_after(library: Library, changes: int) -> bool:
    left = itertools.count(changes, -1)
    return killed_when(lambda: next(left) <= 0, library, "find", *PREVIEW)


def test_a_find_with_previews_that_is_killed_at_any_moment_loses_nothing(
    with_previews: Library, tmp_path: Path
) -> None:
    (with_previews.photos / "a3.jpg").unlink()
    with_previews.find("--discard-review")
    before = tree(with_previews.photos)
    shutil.copytree(with_previews.folder, tmp_path / "backup", copy_function=shutil.copy2)
    marks = set()
    for changes in itertools.count(0, 9):
        if not killed_after(with_previews, changes):
            break
        assert with_previews.check().code == 0
        assert with_previews.listed() == []
        assert sorted(os.listdir(with_previews.folder)) == ["output", "photos"]
        assert tree(with_previews.photos) == before
        marks.add(sum(copy.preview is not None for copy in record(with_previews).values()))
        assert (
            replaceable.inspect(
                str(with_previews.output), open_result(with_previews.paths).manifest
            ).edited
            == ()
        )
        shutil.rmtree(with_previews.folder)
        shutil.copytree(tmp_path / "backup", with_previews.folder, copy_function=shutil.copy2)
    assert marks == {0, 4}


def test_a_preview_that_is_edited_in_the_staging_folder_stays_there(large_photos: Library) -> None:
    staging = large_photos.folder / "output.find-new"
    assert killed_when(
        lambda: len(list(staging.glob("[12]/*.jpg"))) == 3, large_photos, "find", *PREVIEW
    )
    edited = next((staging / "1").glob("*a1.jpg"))
    edited.write_bytes(b"edited")
    assert list(staging.glob(".partial-copy-*"))
    ran = large_photos.run("find", *PREVIEW)
    assert ran.code == 2
    assert edited.read_bytes() == b"edited"
    edited.unlink()
    large_photos.find(*PREVIEW)
    assert not staging.exists()


def test_a_place_that_is_taken_in_the_last_moment_costs_that_preview_alone(
    large_photos: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = storage.rename_new

    def taken(path: str, target: str) -> None:
        if target.endswith("a1.jpg"):
            raise OSError("another copy has its name in this file system")
        real(path, target)

    monkeypatch.setattr(storage, "rename_new", taken)
    assert large_photos.run("find", *PREVIEW).code == 1
    assert sorted(record(large_photos)) == ["a2.jpg", "a3.jpg", "b1.jpg", "b2.png"]
    assert not list(large_photos.output.glob(".partial*"))


def test_what_is_left_of_a_preview_that_could_not_be_placed_stops_no_find(
    large_photos: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(storage, "_new_place", full)
        patched.setattr(storage, "try_to", lambda *_: None)
        assert large_photos.run("find", *PREVIEW).code == 1
    assert list(large_photos.output.glob(".partial-copy-*"))
    large_photos.find(*PREVIEW)
    assert not list(large_photos.output.glob(".partial*"))


# ---- Single copies


def test_a_preview_that_is_removed_and_put_back_is_as_it_was(with_previews: Library) -> None:
    before, copy = tree(with_previews.output), record(with_previews)["a1.jpg"]
    time = os.stat(copy.copy).st_mtime_ns
    assert storage.remove_copy(copy) is None
    assert not os.path.exists(copy.copy)
    for _ in range(2):
        assert storage.restore_copy(copy, str(with_previews.output)) is None
    assert tree(with_previews.output) == before
    assert os.stat(copy.copy).st_mtime_ns == time


@pytest.mark.parametrize("data", [None, b"another preview"])
def test_a_preview_that_can_not_be_made_again_comes_back_as_the_whole_file(
    with_previews: Library, monkeypatch: pytest.MonkeyPatch, data: bytes | None
) -> None:
    copy = record(with_previews)["a1.jpg"]
    storage.remove_copy(copy)
    monkeypatch.setattr(preview, "made_again", lambda *_: data)
    (with_previews.output / ".partial-copy").write_bytes(b"left by a run that was killed")
    for _ in range(2):
        assert storage.restore_copy(copy, str(with_previews.output)) is None
    assert Path(copy.copy).read_bytes() == (with_previews.photos / "a1.jpg").read_bytes()
    with_previews.check()
    assert with_previews.listed() == []
    assert storage.remove_copy(copy) is None
    assert storage.restore_copy(copy, str(with_previews.output)) is None
    with_previews.find(*PREVIEW)  # it is ours, and replaced
    assert size_of(with_previews.copy("a1.jpg")) == (2048, 205)


def test_a_preview_is_put_over_no_other_file(with_previews: Library) -> None:
    copy = record(with_previews)["a1.jpg"]
    Path(copy.copy).write_bytes(b"mine")
    assert "another file" in (storage.restore_copy(copy, str(with_previews.output)) or "")
    assert Path(copy.copy).read_bytes() == b"mine"
    assert "edited" in (storage.remove_copy(copy) or "")


def test_a_preview_of_which_the_original_is_gone_or_changed_is_not_removed(
    with_previews: Library,
) -> None:
    copy = record(with_previews)["a1.jpg"]
    shutil.copy2(copy.copy, copy.original.path)
    assert "its original is gone or changed" in (storage.remove_copy(copy) or "")
    os.unlink(copy.original.path)
    assert "its original is gone or changed" in (storage.remove_copy(copy) or "")
    assert os.path.exists(copy.copy)


def test_restore_brings_back_originals_and_their_previews(with_previews: Library) -> None:
    before = tree(with_previews.folder)
    with_previews.delete_copies("a2.jpg")
    with_previews.check()
    with_previews.cleanup("--delete-mode", "trash")
    assert "a2.jpg" not in with_previews.names()
    assert with_previews.run("restore").code == 0
    after = tree(with_previews.folder)
    changed = {name for name in before if before[name] != after.get(name)}
    assert changed == {"output/log.txt"}


# ---- What the record says


BAD: dict[str, Any] = {
    "no table": 5,
    "no size": {"digest": "0" * 64, "recipe": 1},
    "nothing in it": {"size": 0, "digest": "0" * 64, "recipe": 1},
    "as large as the original": {"size": 10**9, "digest": "0" * 64, "recipe": 1},
    "a size in words": {"size": "5", "digest": "0" * 64, "recipe": 1},
    "no digest": {"size": 5, "recipe": 1},
    "an odd digest": {"size": 5, "digest": "x", "recipe": 1},
    "no recipe": {"size": 5, "digest": "0" * 64},
    "an odd recipe": {"size": 5, "digest": "0" * 64, "recipe": True},
}


@pytest.mark.parametrize("case", BAD)
def test_an_odd_mark_of_a_preview_is_not_read(with_previews: Library, case: str) -> None:
    path = with_previews.output / MANIFEST
    data = json.loads(path.read_text("utf-8"))
    data["copies"][0]["preview"] = BAD[case]
    path.write_text(json.dumps(data), "utf-8")
    ran = with_previews.check()
    assert ran.code == 3
    assert ran.err.count("\n") == 1


def test_a_mark_that_somebody_takes_away_is_not_believed(with_previews: Library) -> None:
    path = with_previews.output / MANIFEST
    data = json.loads(path.read_text("utf-8"))
    del data["copies"][0]["preview"]
    path.write_text(json.dumps(data), "utf-8")
    assert with_previews.check().code == 3


def test_the_names_of_previews_that_are_no_files_of_their_format_say_so(
    large_photos: Library,
) -> None:
    for name in ("h.heic", "h.heic.jpg"):
        (large_photos.photos / name).write_bytes(wide(CAT, 94 if name.endswith("c") else 93))
    (large_photos.photos / "i.heic").write_bytes(wide(CAT, 92))
    (large_photos.photos / "small.heic").write_bytes(wide(CAT, 85, 900))
    ran: Ran = large_photos.find(*PREVIEW)
    assert ran.code == 0
    named = {
        os.path.basename(path): os.path.basename(copy) for path, copy in large_photos.info().items()
    }
    assert named["i.heic"].endswith("photos_i.heic.jpg")
    assert "photos_h.heic" in named["h.heic"]
    assert named["h.heic"].endswith(".jpg")  # though another photo has that name
    assert named["small.heic"].endswith("photos_small.heic")
    assert len({name.lower() for name in named.values()}) == len(named)
    with Image.open(io.BytesIO(large_photos.copy("i.heic").read_bytes())) as image:
        assert image.format == "JPEG"
    large_photos.delete_copies("i.heic")
    large_photos.check()
    assert large_photos.listed() == ["i.heic"]
