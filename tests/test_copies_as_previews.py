"""A result of `find --copies preview`: previews in the folders, and the originals untouched."""

import dataclasses
import functools
import io
import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Library, Ran, killed_when, make_once, tree
from made_pictures import CAT, COFFEE, STARS, encoded, photo
from PIL import Image

import storage
from actions import previews
from config import UserError
from disk import replaceable
from disk.files import ImageFile, digest_file
from disk.own_names import MANIFEST
from disk.record import SavedCopy, load_manifest, write_manifest
from disk.result import open_result
from pictures import preview
from pictures.images import Unreadable

LARGE = ("a1.jpg", "a2.jpg", "b1.jpg", "b2.png")
PREVIEW = ("--copies", "preview")


@functools.cache
def wide(sample: str, quality: int, width: int = 2200) -> bytes:
    """A photo as wide as those of cameras, of few pixels."""
    width += 0 if quality else 800
    image = photo(sample).resize((width, width // 10), Image.Resampling.BICUBIC)
    return encoded(image, "JPEG", quality=quality) if quality else encoded(image, "PNG")


def fill(library: Library) -> None:
    """Two groups of large pictures; in the first one is small, too. And one without a group."""
    made = (("a1.jpg", CAT, 97), ("a2.jpg", CAT, 95), ("b1.jpg", COFFEE, 96), ("b2.png", COFFEE, 0))
    for number, (name, sample, quality) in enumerate(made):
        path = library.photos / name
        path.write_bytes(wide(sample, quality))
        os.utime(path, (10**9 + number, 10**9 + number))
    (library.photos / "a3.jpg").write_bytes(wide(CAT, 80, 900))
    (library.photos / "c.jpg").write_bytes(wide(STARS, 90))


@pytest.fixture
def photos(bare_library: Library) -> Library:
    fill(bare_library)
    return bare_library


@pytest.fixture
def shown(photos: Library, shelf: Path) -> Library:
    """The library after find, with previews in its folders."""
    make_once(photos, shelf / "shown", lambda: photos.find(*PREVIEW))
    return photos


def record(library: Library) -> dict[str, SavedCopy]:
    copies = load_manifest(str(library.output)).copies
    return {os.path.basename(copy.original.path): copy for copy in copies}


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_the_folders_hold_previews_under_the_names_and_with_the_times_of_the_originals(
    photos: Library,
) -> None:
    (photos.photos / "a1.jpg").chmod(0o600)
    photos.find()
    whole = photos.info()
    before = tree(photos.photos)
    ran = photos.find(*PREVIEW, "--json")
    assert photos.info() == whole
    assert (ran.facts["previews"], ran.facts["copied"]) == (4, 5)
    assert "5 pictures (4 as previews)" in ran.err
    for name in LARGE:
        copy, original = photos.copy(name), photos.photos / name
        assert size_of(copy) == (2048, 205)
        assert copy.stat().st_size < original.stat().st_size
        assert copy.stat().st_mtime_ns == original.stat().st_mtime_ns
        assert copy.stat().st_mode == original.stat().st_mode
    assert photos.copy("a3.jpg").read_bytes() == (photos.photos / "a3.jpg").read_bytes()
    assert tree(photos.photos) == before
    assert sorted(os.listdir(photos.folder)) == ["output", "photos"]


def test_the_record_says_which_copies_are_previews(shown: Library) -> None:
    rows = record(shown)
    assert rows["a3.jpg"].preview is None
    for name in LARGE:
        mark, copy = rows[name].preview, shown.copy(name)
        assert mark
        assert (mark.digest, mark.size) == (digest_file(str(copy)), copy.stat().st_size)
        assert rows[name].digest == digest_file(str(shown.photos / name))


def test_previews_are_deleted_as_whole_copies_are(shown: Library) -> None:
    shown.delete_copies("a2.jpg", "a3.jpg", "b1.jpg")
    assert shown.check().code == 0
    assert shown.listed() == ["a2.jpg", "a3.jpg", "b1.jpg"]
    assert shown.cleanup().code == 0
    assert shown.names() == ["a1.jpg", "b2.png", "c.jpg"]


def test_an_original_goes_only_as_find_saw_it_and_beside_one_that_stays(shown: Library) -> None:
    shown.delete_copies("a1.jpg", "b1.jpg")
    shown.check()
    (shown.photos / "a1.jpg").write_bytes(shown.copy("a2.jpg").read_bytes())
    (shown.photos / "b2.png").write_bytes(shown.copy("b2.png").read_bytes())
    before = shown.names()
    ran = shown.cleanup()
    assert "it changed since find" in ran.out
    assert "no other original of its group would remain" in ran.out
    assert shown.names() == before


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
def test_a_preview_that_was_changed_or_moved_counts_as_kept(shown: Library, change: str) -> None:
    KEPT[change](shown.copy("a1.jpg"))
    shown.delete_copies("a2.jpg")
    shown.check()
    assert "a1.jpg" not in shown.listed()


def test_a_preview_of_the_same_size_and_time_as_another_one_is_known_by_its_content(
    shown: Library,
) -> None:
    first, second = shown.copy("a1.jpg"), shown.copy("b1.jpg")
    second.write_bytes(first.read_bytes())  # put over another one
    first.unlink()
    shown.check()
    assert shown.listed() == []


@pytest.mark.parametrize("time", [9, 0])
def test_a_preview_put_over_one_that_looks_the_same_is_the_one_that_it_was(
    photos: Library, time: int
) -> None:
    """Photos that differ in what is only said of them have the same preview.

    Those that have one time, too, could not be told apart by anything, so one is copied whole.
    """
    data, path = wide(CAT, 97), photos.photos / "said.jpg"
    path.write_bytes(data[:2] + b"\xff\xfe\0\x0cGrandma 50" + data[2:])
    os.utime(path, ns=((photos.photos / "a1.jpg").stat().st_mtime_ns + time,) * 2)
    for _ in range(2):  # in the second run they are taken over
        photos.find(*PREVIEW)
    first, said = photos.copy("a1.jpg"), photos.copy("said.jpg")
    assert (first.read_bytes() == said.read_bytes()) == bool(time)
    assert (said.read_bytes() == path.read_bytes()) == (not time)
    assert not list(photos.output.glob(".partial*"))
    said.rename(first)
    photos.check()
    assert photos.listed() == []
    first.unlink()
    photos.check()
    assert photos.listed() == ["a1.jpg", "said.jpg"]


# ---- The next find


def test_find_replaces_previews_by_whole_copies_and_back(shown: Library) -> None:
    before = {name: shown.copy(name).read_bytes() for name in LARGE}
    shown.find()
    assert all(Path(c).read_bytes() == Path(o).read_bytes() for o, c in shown.info().items())
    assert all(copy.preview is None for copy in record(shown).values())
    shown.find(*PREVIEW)
    assert {name: shown.copy(name).read_bytes() for name in LARGE} == before


def test_two_finds_with_previews_make_the_same_bytes(shown: Library) -> None:
    before = tree(shown.output)
    shown.find(*PREVIEW)
    after = tree(shown.output)
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


def test_previews_that_are_still_right_are_taken_over(shown: Library, made: list[str]) -> None:
    before = {name: shown.copy(name).stat().st_ino for name in LARGE}
    (shown.photos / "a2.jpg").rename(shown.photos / "renamed.jpg")
    (shown.photos / "a4.jpg").write_bytes(wide(CAT, 96))
    shown.find(*PREVIEW, "--discard-review")
    assert sorted(made) == ["a3.jpg", "a4.jpg"]
    before["renamed.jpg"] = before.pop("a2.jpg")
    assert {name: shown.copy(name).stat().st_ino for name in before} == before
    assert [name for name, c in record(shown).items() if c.preview is None] == ["a3.jpg"]


def test_previews_of_another_recipe_are_made_anew(
    shown: Library, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (storage, previews):
        monkeypatch.setattr(module, "RECIPE", 2)
    shown.find(*PREVIEW)
    assert len(made) == 5
    assert {c.preview.recipe for c in record(shown).values() if c.preview} == {2}


def test_a_preview_that_can_not_be_taken_over_after_all_is_made_again(
    shown: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(shown.output / "1")
    monkeypatch.setattr(storage, "take_over", lambda *_: False)
    shown.find(*PREVIEW)
    assert tree(shown.output / "1") == before


def test_a_replaced_whole_copy_is_not_removed_if_only_a_preview_is_left(
    photos: Library, tmp_path: Path
) -> None:
    """As after a find that was killed, with a disk that died then."""
    photos.find()
    shutil.copytree(photos.output, tmp_path / "old")
    photos.find(*PREVIEW)
    shutil.move(tmp_path / "old", photos.folder / "output.find-old")
    photos.photos.rename(tmp_path / "unplugged")
    photos.photos.mkdir()
    assert photos.check().code == 2
    left = {path.name for path in photos.folder.glob("output.find-old/*/*")}
    assert left == {photos.copy(name).name for name in LARGE}
    shutil.rmtree(photos.folder / "output.find-old")
    shutil.copytree(photos.output, photos.folder / "output.find-old")
    assert photos.check().code == 0  # the same previews stand


@pytest.mark.parametrize("flags", [(), PREVIEW])
def test_a_preview_of_which_the_original_is_gone_is_not_replaced_without_a_word(
    shown: Library, flags: tuple[str, ...]
) -> None:
    (shown.photos / "b1.jpg").unlink()
    before = tree(shown.output)
    ran = shown.run("find", *flags)
    assert ran.code == 2
    assert "previews that may be all that is left" in ran.err
    assert tree(shown.output) == before
    assert shown.run("find", *flags, "--discard-review").code == 0
    assert "b1.jpg" not in record(shown)


def test_a_preview_in_the_library_is_no_original_that_lives_on(shown: Library) -> None:
    """It has the preview's content, not that of the original."""
    shutil.copy2(shown.copy("b1.jpg"), shown.photos / "saved.jpg")
    (shown.photos / "b1.jpg").unlink()
    seen = {str(shown.photos / "saved.jpg"): digest_file(str(shown.photos / "saved.jpg"))}
    with pytest.raises(UserError, match="all that is left"):
        replaceable.check_last_copies(open_result(shown.paths), seen)


def test_an_edited_preview_is_not_replaced(shown: Library) -> None:
    edit(shown.copy("a1.jpg"))
    before = tree(shown.output)
    ran = shown.run("find", *PREVIEW)
    assert ran.code == 2
    assert "were edited (1)" in ran.err
    assert tree(shown.output) == before


def test_previews_of_a_stranger_prove_nothing_and_stay(
    shown: Library, someone_else: Callable[[], Path]
) -> None:
    someone_else()
    before = tree(shown.folder)
    ran = shown.run("find", *PREVIEW)
    assert ran.code == 3
    assert "--trust-result" in ran.err
    assert tree(shown.folder) == before
    assert shown.run("find", *PREVIEW, "--trust-result", "--yes").code == 0


def test_a_strangers_preview_of_something_else_is_not_taken_over(
    shown: Library, someone_else: Callable[[], Path]
) -> None:
    copy, manifest = record(shown)["a1.jpg"], load_manifest(str(shown.output))
    before, other = Path(copy.copy).read_bytes(), record(shown)["b1.jpg"]
    shutil.copyfile(other.copy, copy.copy)
    os.utime(copy.copy, ns=(copy.original.mtime_ns,) * 2)
    forged = dataclasses.replace(copy, preview=other.preview)
    copies = tuple(forged if c == copy else c for c in manifest.copies)
    write_manifest(str(shown.output), dataclasses.replace(manifest, copies=copies))
    someone_else()
    assert shown.run("find", *PREVIEW, "--trust-result", "--yes").code == 0
    assert Path(copy.copy).read_bytes() == before


def test_without_a_key_no_previews_are_made(
    photos: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By nothing else would the next find know what they are."""
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nothing")
    ran = photos.run("find", *PREVIEW)
    assert ran.code == 2
    assert "previews need a key of yours: /proc/nothing can't be written" in ran.err
    assert not photos.output.exists()


# ---- How they are made


def test_an_original_that_changes_while_find_runs_gets_no_preview(
    photos: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = preview.read_file

    def change(path: str) -> Any:
        if path.endswith("a1.jpg"):
            Path(path).write_bytes(wide(STARS, 95))
        return real(path)

    monkeypatch.setattr(preview, "read_file", change)
    ran = photos.run("find", *PREVIEW)
    assert ran.code == 1
    assert "the original changed since find saw it" in ran.out
    assert sorted(record(photos)) == ["a2.jpg", "a3.jpg", "b1.jpg", "b2.png"]
    assert len(list((photos.output / "1").iterdir())) == 2


def test_what_no_preview_can_be_made_of_is_copied_whole_and_the_log_says_it(
    photos: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = wide(CAT, 93)[:-2000]
    (photos.photos / "a4.jpg").write_bytes(broken)
    made = previews.made_in_workers

    def some_die(files: list[ImageFile], workers: int) -> Iterator[Any]:
        for result in made(files, workers):
            dies = result.file.path.endswith("a1.jpg")
            yield Unreadable(result.file, "it crashed the decoder") if dies else result

    monkeypatch.setattr(previews, "made_in_workers", some_die)
    ran = photos.run("find", *PREVIEW)
    assert ran.code == 1
    assert "No preview could be made, so these are to be copied whole (1):" in ran.out
    assert photos.copy("a4.jpg").read_bytes() == broken
    assert photos.copy("a1.jpg").read_bytes() == (photos.photos / "a1.jpg").read_bytes()
    assert [copy.preview is None for copy in record(photos).values()].count(True) == 3
    (line,) = [line for line in photos.log() if "No preview could be made" in line]
    assert line.endswith(f"{photos.photos / 'a1.jpg'}: it crashed the decoder")


def test_a_full_disk_leaves_the_old_result(
    photos: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos.find()
    before = tree(photos.folder)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage, "write_preview", full)
    monkeypatch.setattr(storage, "copy_file", full)
    monkeypatch.setattr(storage, "write_file", full)
    assert photos.run("find", *PREVIEW).code == 2
    assert tree(photos.folder) == before


def killed_after(library: Library, changes: int) -> bool:
    left = itertools.count(changes, -1)
    return killed_when(lambda: next(left) <= 0, library, "find", *PREVIEW)


def test_a_find_with_previews_that_is_killed_at_any_moment_loses_nothing(
    shown: Library, tmp_path: Path
) -> None:
    (shown.photos / "a3.jpg").unlink()
    shown.find("--discard-review")
    before = tree(shown.photos)
    shutil.copytree(shown.folder, tmp_path / "backup", copy_function=shutil.copy2)
    marks = set()
    for changes in itertools.count(0, 9):
        if not killed_after(shown, changes):
            break
        assert shown.check().code == 0
        assert shown.listed() == []
        assert sorted(os.listdir(shown.folder)) == ["output", "photos"]
        assert tree(shown.photos) == before
        marks.add(sum(copy.preview is not None for copy in record(shown).values()))
        assert (
            replaceable.inspect(str(shown.output), open_result(shown.paths).manifest).edited == ()
        )
        shutil.rmtree(shown.folder)
        shutil.copytree(tmp_path / "backup", shown.folder, copy_function=shutil.copy2)
    assert marks == {0, 4}


def test_a_preview_that_is_edited_in_the_staging_folder_stays_there(photos: Library) -> None:
    staging = photos.folder / "output.find-new"
    assert killed_when(lambda: len(list(staging.glob("[12]/*.jpg"))) == 3, photos, "find", *PREVIEW)
    edited = next((staging / "1").glob("*a1.jpg"))
    edited.write_bytes(b"edited")
    assert list(staging.glob(".partial-copy-*"))
    ran = photos.run("find", *PREVIEW)
    assert ran.code == 2
    assert edited.read_bytes() == b"edited"
    edited.unlink()
    photos.find(*PREVIEW)
    assert not staging.exists()


def test_a_place_that_is_taken_in_the_last_moment_costs_that_preview_alone(
    photos: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = storage.rename_new

    def taken(path: str, target: str) -> None:
        if target.endswith("a1.jpg"):
            raise OSError("another copy has its name in this file system")
        real(path, target)

    monkeypatch.setattr(storage, "rename_new", taken)
    assert photos.run("find", *PREVIEW).code == 1
    assert sorted(record(photos)) == ["a2.jpg", "a3.jpg", "b1.jpg", "b2.png"]
    assert not list(photos.output.glob(".partial*"))


def test_what_is_left_of_a_preview_that_could_not_be_placed_stops_no_find(
    photos: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(storage, "_new_place", full)
        patched.setattr(storage, "try_to", lambda *_: None)
        assert photos.run("find", *PREVIEW).code == 1
    assert list(photos.output.glob(".partial-copy-*"))
    photos.find(*PREVIEW)
    assert not list(photos.output.glob(".partial*"))


# ---- Single copies


def test_a_preview_that_is_removed_and_put_back_is_as_it_was(shown: Library) -> None:
    before, copy = tree(shown.output), record(shown)["a1.jpg"]
    time = os.stat(copy.copy).st_mtime_ns
    assert storage.remove_copy(copy) is None
    assert not os.path.exists(copy.copy)
    for _ in range(2):
        assert storage.restore_copy(copy, str(shown.output)) is None
    assert tree(shown.output) == before
    assert os.stat(copy.copy).st_mtime_ns == time


@pytest.mark.parametrize("data", [None, b"another preview"])
def test_a_preview_that_can_not_be_made_again_comes_back_as_the_whole_file(
    shown: Library, monkeypatch: pytest.MonkeyPatch, data: bytes | None
) -> None:
    copy = record(shown)["a1.jpg"]
    storage.remove_copy(copy)
    monkeypatch.setattr(preview, "made_again", lambda *_: data)
    (shown.output / ".partial-copy").write_bytes(b"left by a run that was killed")
    for _ in range(2):
        assert storage.restore_copy(copy, str(shown.output)) is None
    assert Path(copy.copy).read_bytes() == (shown.photos / "a1.jpg").read_bytes()
    shown.check()
    assert shown.listed() == []
    assert storage.remove_copy(copy) is None
    assert storage.restore_copy(copy, str(shown.output)) is None
    shown.find(*PREVIEW)  # it is ours, and replaced
    assert size_of(shown.copy("a1.jpg")) == (2048, 205)


def test_a_preview_is_put_over_no_other_file(shown: Library) -> None:
    copy = record(shown)["a1.jpg"]
    Path(copy.copy).write_bytes(b"mine")
    assert "another file" in (storage.restore_copy(copy, str(shown.output)) or "")
    assert Path(copy.copy).read_bytes() == b"mine"
    assert "edited" in (storage.remove_copy(copy) or "")


def test_a_preview_of_which_the_original_is_gone_or_changed_is_not_removed(shown: Library) -> None:
    copy = record(shown)["a1.jpg"]
    shutil.copy2(copy.copy, copy.original.path)
    assert "its original is gone or changed" in (storage.remove_copy(copy) or "")
    os.unlink(copy.original.path)
    assert "its original is gone or changed" in (storage.remove_copy(copy) or "")
    assert os.path.exists(copy.copy)


def test_restore_brings_back_originals_and_their_previews(shown: Library) -> None:
    before = tree(shown.folder)
    shown.delete_copies("a2.jpg")
    shown.check()
    shown.cleanup("--delete-mode", "trash")
    assert "a2.jpg" not in shown.names()
    assert shown.run("restore").code == 0
    after = tree(shown.folder)
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
def test_an_odd_mark_of_a_preview_is_not_read(shown: Library, case: str) -> None:
    path = shown.output / MANIFEST
    data = json.loads(path.read_text("utf-8"))
    data["copies"][0]["preview"] = BAD[case]
    path.write_text(json.dumps(data), "utf-8")
    ran = shown.check()
    assert ran.code == 3
    assert ran.err.count("\n") == 1


def test_a_mark_that_somebody_takes_away_is_not_believed(shown: Library) -> None:
    path = shown.output / MANIFEST
    data = json.loads(path.read_text("utf-8"))
    del data["copies"][0]["preview"]
    path.write_text(json.dumps(data), "utf-8")
    assert shown.check().code == 3


def test_the_names_of_previews_that_are_no_files_of_their_format_say_so(photos: Library) -> None:
    for name in ("h.heic", "h.heic.jpg"):
        (photos.photos / name).write_bytes(wide(CAT, 94 if name.endswith("c") else 93))
    (photos.photos / "i.heic").write_bytes(wide(CAT, 92))
    (photos.photos / "small.heic").write_bytes(wide(CAT, 85, 900))
    ran: Ran = photos.find(*PREVIEW)
    assert ran.code == 0
    named = {os.path.basename(path): os.path.basename(copy) for path, copy in photos.info().items()}
    assert named["i.heic"].endswith("photos_i.heic.jpg")
    assert "photos_h.heic" in named["h.heic"]
    assert named["h.heic"].endswith(".jpg")  # though another photo has that name
    assert named["small.heic"].endswith("photos_small.heic")
    assert len({name.lower() for name in named.values()}) == len(named)
    with Image.open(io.BytesIO(photos.copy("i.heic").read_bytes())) as image:
        assert image.format == "JPEG"
    photos.delete_copies("i.heic")
    photos.check()
    assert photos.listed() == ["i.heic"]
