"""A result of `find --copies preview`: previews in the folders, and the originals untouched."""

import dataclasses
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Library, tree
from made_pictures import CAT
from made_previews import LARGE, PREVIEW, record, size_of, wide
from PIL import Image

import storage
from actions import previews
from config import UserError
from disk import replaceable
from disk.files import ImageFile, digest_file
from disk.record import load_manifest, write_manifest
from disk.result import open_result


def test_the_folders_hold_previews_under_the_names_and_with_the_times_of_the_originals(
    large_photos: Library,
) -> None:
    (large_photos.photos / "a1.jpg").chmod(0o600)
    large_photos.find()
    whole = large_photos.info()
    before = tree(large_photos.photos)
    ran = large_photos.find(*PREVIEW, "--json")
    assert large_photos.info() == whole
    assert (ran.facts["previews"], ran.facts["copied"]) == (4, 5)
    assert "5 pictures (4 as previews)" in ran.err
    for name in LARGE:
        copy, original = large_photos.copy(name), large_photos.photos / name
        assert size_of(copy) == (2048, 205)
        assert copy.stat().st_size < original.stat().st_size
        assert copy.stat().st_mtime_ns == original.stat().st_mtime_ns
        assert copy.stat().st_mode == original.stat().st_mode
    assert large_photos.copy("a3.jpg").read_bytes() == (large_photos.photos / "a3.jpg").read_bytes()
    assert tree(large_photos.photos) == before
    assert sorted(os.listdir(large_photos.folder)) == ["output", "photos"]


def test_the_record_says_which_copies_are_previews(with_previews: Library) -> None:
    rows = record(with_previews)
    assert rows["a3.jpg"].preview is None
    for name in LARGE:
        mark, copy = rows[name].preview, with_previews.copy(name)
        assert mark
        assert (mark.digest, mark.size) == (digest_file(str(copy)), copy.stat().st_size)
        assert rows[name].digest == digest_file(str(with_previews.photos / name))


def test_previews_are_deleted_as_whole_copies_are(with_previews: Library) -> None:
    with_previews.delete_copies("a2.jpg", "a3.jpg", "b1.jpg")
    assert with_previews.check().code == 0
    assert with_previews.listed() == ["a2.jpg", "a3.jpg", "b1.jpg"]
    assert with_previews.cleanup().code == 0
    assert with_previews.names() == ["a1.jpg", "b2.png", "c.jpg"]


def test_an_original_goes_only_as_find_saw_it_and_beside_one_that_stays(
    with_previews: Library,
) -> None:
    with_previews.delete_copies("a1.jpg", "b1.jpg")
    with_previews.check()
    (with_previews.photos / "a1.jpg").write_bytes(with_previews.copy("a2.jpg").read_bytes())
    (with_previews.photos / "b2.png").write_bytes(with_previews.copy("b2.png").read_bytes())
    before = with_previews.names()
    ran = with_previews.cleanup()
    assert "it changed since find" in ran.out
    assert "no other original of its group would remain" in ran.out
    assert with_previews.names() == before


def edit(path: Path) -> None:
    with Image.open(path) as image:
        image.rotate(90, expand=True).save(path)


def put_the_original_there(path: Path) -> None:
    original = path.parent.parent.parent / "photos" / path.name.rpartition("photos_")[2]
    shutil.copy2(original, path.parent / "any.jpg")
    path.unlink()


KEPT: dict[str, Callable[[Path], object]] = {
    "renamed": lambda path: path.rename(path.parent / "x.jpg"),
    "moved": lambda path: path.rename(path.parent.parent / "2" / "x.jpg"),
    "moved to a folder of its own": lambda path: shutil.move(
        path, shutil.os.makedirs(path.parent / "new") or path.parent / "new" / "x.jpg"
    ),
    "edited": edit,
    "edited and renamed": lambda path: (edit(path), path.rename(path.parent / "x.jpg")),
    "the whole file instead": put_the_original_there,
}


@pytest.mark.parametrize("change", KEPT)
def test_a_preview_that_was_changed_or_moved_counts_as_kept(
    with_previews: Library, change: str
) -> None:
    KEPT[change](with_previews.copy("a1.jpg"))
    with_previews.delete_copies("a2.jpg")
    with_previews.check()
    assert "a1.jpg" not in with_previews.listed()


def test_a_preview_of_the_same_size_and_time_as_another_one_is_known_by_its_content(
    with_previews: Library,
) -> None:
    first, second = with_previews.copy("a1.jpg"), with_previews.copy("b1.jpg")
    second.write_bytes(first.read_bytes())  # put over another one
    first.unlink()
    with_previews.check()
    assert with_previews.listed() == []


@pytest.mark.parametrize("time", [9, 0])
def test_a_preview_put_over_one_that_looks_the_same_is_the_one_that_it_was(
    large_photos: Library, time: int
) -> None:
    """Photos that differ in what is only said of them have the same preview.

    Those that have one time, too, could not be told apart by anything, so one is copied whole.
    """
    data, path = wide(CAT, 97), large_photos.photos / "said.jpg"
    path.write_bytes(data[:2] + b"\xff\xfe\0\x0cGrandma 50" + data[2:])
    os.utime(path, ns=((large_photos.photos / "a1.jpg").stat().st_mtime_ns + time,) * 2)
    for _ in range(2):  # in the second run they are taken over
        large_photos.find(*PREVIEW)
    first, said = large_photos.copy("a1.jpg"), large_photos.copy("said.jpg")
    assert (first.read_bytes() == said.read_bytes()) == bool(time)
    assert (said.read_bytes() == path.read_bytes()) == (not time)
    assert not list(large_photos.output.glob(".partial*"))
    said.rename(first)
    large_photos.check()
    assert large_photos.listed() == []
    first.unlink()
    large_photos.check()
    assert large_photos.listed() == ["a1.jpg", "said.jpg"]


# ---- The next find


def test_find_replaces_previews_by_whole_copies_and_back(with_previews: Library) -> None:
    before = {name: with_previews.copy(name).read_bytes() for name in LARGE}
    with_previews.find()
    assert all(
        Path(c).read_bytes() == Path(o).read_bytes() for o, c in with_previews.info().items()
    )
    assert all(copy.preview is None for copy in record(with_previews).values())
    with_previews.find(*PREVIEW)
    assert {name: with_previews.copy(name).read_bytes() for name in LARGE} == before


def test_two_finds_with_previews_make_the_same_bytes(with_previews: Library) -> None:
    before = tree(with_previews.output)
    with_previews.find(*PREVIEW)
    after = tree(with_previews.output)
    for kept in (before, after):
        del kept["log.txt"]
    assert after == before


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the photos of which previews are made from now on."""
    names: list[str] = []
    real = previews.made_in_workers

    def noted(files: list[ImageFile], workers: int) -> Any:
        names.extend(os.path.basename(file.path) for file in files)
        return real(files, workers)

    monkeypatch.setattr(previews, "made_in_workers", noted)
    return names


def test_previews_that_are_still_right_are_taken_over(
    with_previews: Library, made: list[str]
) -> None:
    before = {name: with_previews.copy(name).stat().st_ino for name in LARGE}
    (with_previews.photos / "a2.jpg").rename(with_previews.photos / "renamed.jpg")
    (with_previews.photos / "a4.jpg").write_bytes(wide(CAT, 96))
    with_previews.find(*PREVIEW, "--discard-review")
    assert sorted(made) == ["a3.jpg", "a4.jpg"]
    before["renamed.jpg"] = before.pop("a2.jpg")
    assert {name: with_previews.copy(name).stat().st_ino for name in before} == before
    assert [name for name, c in record(with_previews).items() if c.preview is None] == ["a3.jpg"]


def test_previews_of_another_recipe_are_made_anew(
    with_previews: Library, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (storage, previews):
        monkeypatch.setattr(module, "RECIPE", 2)
    with_previews.find(*PREVIEW)
    assert len(made) == 5
    assert {c.preview.recipe for c in record(with_previews).values() if c.preview} == {2}


def test_a_preview_that_can_not_be_taken_over_after_all_is_made_again(
    with_previews: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(with_previews.output / "1")
    monkeypatch.setattr(storage, "take_over", lambda *_: False)
    with_previews.find(*PREVIEW)
    assert tree(with_previews.output / "1") == before


def test_a_replaced_whole_copy_is_not_removed_if_only_a_preview_is_left(
    large_photos: Library, tmp_path: Path
) -> None:
    """As after a find that was killed, with a disk that died then."""
    large_photos.find()
    shutil.copytree(large_photos.output, tmp_path / "old")
    large_photos.find(*PREVIEW)
    shutil.move(tmp_path / "old", large_photos.folder / "output.find-old")
    large_photos.photos.rename(tmp_path / "unplugged")
    large_photos.photos.mkdir()
    assert large_photos.check().code == 2
    left = {path.name for path in large_photos.folder.glob("output.find-old/*/*")}
    assert left == {large_photos.copy(name).name for name in LARGE}
    shutil.rmtree(large_photos.folder / "output.find-old")
    shutil.copytree(large_photos.output, large_photos.folder / "output.find-old")
    assert large_photos.check().code == 0  # the same previews stand


@pytest.mark.parametrize("flags", [(), PREVIEW])
def test_a_preview_of_which_the_original_is_gone_is_not_replaced_without_a_word(
    with_previews: Library, flags: tuple[str, ...]
) -> None:
    (with_previews.photos / "b1.jpg").unlink()
    before = tree(with_previews.output)
    ran = with_previews.run("find", *flags)
    assert ran.code == 2
    assert "previews that may be all that is left" in ran.err
    assert tree(with_previews.output) == before
    assert with_previews.run("find", *flags, "--discard-review").code == 0
    assert "b1.jpg" not in record(with_previews)


def test_a_preview_in_the_library_is_no_original_that_lives_on(with_previews: Library) -> None:
    """It has the preview's content, not that of the original."""
    shutil.copy2(with_previews.copy("b1.jpg"), with_previews.photos / "saved.jpg")
    (with_previews.photos / "b1.jpg").unlink()
    seen = {
        str(with_previews.photos / "saved.jpg"): digest_file(
            str(with_previews.photos / "saved.jpg")
        )
    }
    with pytest.raises(UserError, match="all that is left"):
        replaceable.check_last_copies(open_result(with_previews.paths), seen)


def test_an_edited_preview_is_not_replaced(with_previews: Library) -> None:
    edit(with_previews.copy("a1.jpg"))
    before = tree(with_previews.output)
    ran = with_previews.run("find", *PREVIEW)
    assert ran.code == 2
    assert "were edited (1)" in ran.err
    assert tree(with_previews.output) == before


def test_previews_of_a_stranger_prove_nothing_and_stay(
    with_previews: Library, someone_else: Callable[[], Path]
) -> None:
    someone_else()
    before = tree(with_previews.folder)
    ran = with_previews.run("find", *PREVIEW)
    assert ran.code == 3
    assert "--trust-result" in ran.err
    assert tree(with_previews.folder) == before
    assert with_previews.run("find", *PREVIEW, "--trust-result", "--yes").code == 0


def test_a_strangers_preview_of_something_else_is_not_taken_over(
    with_previews: Library, someone_else: Callable[[], Path]
) -> None:
    copy, manifest = record(with_previews)["a1.jpg"], load_manifest(str(with_previews.output))
    before, other = Path(copy.copy).read_bytes(), record(with_previews)["b1.jpg"]
    shutil.copyfile(other.copy, copy.copy)
    os.utime(copy.copy, ns=(copy.original.mtime_ns,) * 2)
    forged = dataclasses.replace(copy, preview=other.preview)
    copies = tuple(forged if c == copy else c for c in manifest.copies)
    write_manifest(str(with_previews.output), dataclasses.replace(manifest, copies=copies))
    someone_else()
    assert with_previews.run("find", *PREVIEW, "--trust-result", "--yes").code == 0
    assert Path(copy.copy).read_bytes() == before


def test_without_a_key_no_previews_are_made(
    large_photos: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By nothing else would the next find know what they are."""
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nothing")
    ran = large_photos.run("find", *PREVIEW)
    assert ran.code == 2
    assert "previews need a key of yours: /proc/nothing can't be written" in ran.err
    assert not large_photos.output.exists()
