"""A find that is done by tasks finds what one machine finds, whoever is killed meanwhile."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import ROOT, Library, picture, tree
from hypothesis import given, settings
from hypothesis import strategies as st
from made_cluster import cluster_apart, end_worker
from made_pictures import CAT, SINGLES, encoded, on_phone, photo, text_page, toned
from PIL import ImageOps
from PIL.Image import Transpose

pytest.importorskip("distributed", reason="pip install -r extras/cluster/requirements.txt")
pytest.importorskip("pyarrow", reason="pip install -r extras/cluster/requirements.txt")

import finder
from config import UserError
from disk.files import ImageFile
from extras.cluster import engine, installed, running, tasks
from extras.cluster.engine import OnCluster, Task
from extras.cluster.files import ENDING, Work
from finder import Found
from pictures import candidates, matching
from pictures.hashing import hash_file
from pictures.images import HashedImage, Unreadable
from pictures.presets import PRESETS
from pictures.recipe import Recipe

Groups = tuple[list[Any], Mapping[str, int]]


# ---- Photos


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos, edits of each, identical files, pages, a burst, one cut off, and one unreadable."""
    folder = Path(os.path.realpath(tmp_path_factory.mktemp("albums"))) / "album"
    folder.mkdir()
    for number, name in enumerate(SINGLES):
        image = photo(name)
        edits = [
            image,
            toned(image),
            ImageOps.mirror(image),
            toned(image).transpose(Transpose.ROTATE_90),
            ImageOps.expand(image, border=60, fill="white"),
            on_phone(image)[0],
        ]
        for edit, made in enumerate(edits):
            (folder / f"{number}{edit}.jpg").write_bytes(encoded(made, "JPEG", quality=80))
    (folder / "same.jpg").write_bytes((folder / "00.jpg").read_bytes())
    (folder / "cut.jpg").write_bytes(picture(SINGLES[1])[:-4000])
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff" + bytes(50))
    (folder / os.fsdecode(b"\xff.jpg")).write_bytes(picture(SINGLES[2], quality=60))
    for seed in range(2):
        (folder / f"page{seed}.png").write_bytes(encoded(text_page(seed), "PNG"))
        (folder / f"page{seed}.jpg").write_bytes(encoded(text_page(seed), "JPEG", quality=70))
    for path in folder.iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return folder


def found_in(folder: Path) -> list[Found]:
    return list(finder.walk([os.path.relpath(folder)]))


@cache
def hashed_here(file: ImageFile) -> HashedImage | Unreadable:
    return hash_file(file, Recipe())


def on_one_machine(
    walked: Sequence[Found], preset: str, sides: Sequence[int] | None = None
) -> Groups:
    results = [hashed_here(found) for found in walked if isinstance(found, ImageFile)]
    images = [result for result in results if isinstance(result, HashedImage)]
    digests, looks = [image.digest for image in images], [image.look for image in images]
    search = matching.by_looks(looks, PRESETS[preset], sides=sides)
    return matching.group_by(digests, looks, [search], sides)


# ---- Tasks


@pytest.fixture(autouse=True)
def small_parts(album: Path) -> Iterator[None]:
    """Few photos in a part and few parts in a block, so that some photos make many tasks.

    Photos have the same names each time, as these decide where a part ends. Names of parts hang on
    inodes and times, so blocks end by number here.
    """
    cut = engine.cut

    def steady(items: Iterable[Any], size: int, key: Callable[[Any], bytes]) -> list[list[Any]]:
        if key is not str.encode:
            return cut(items, size, key)
        names = list(items)
        return [names[n : n + size] for n in range(0, len(names), size)]

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(album.parent)
        patch.setattr(engine, "cut", steady)
        patch.setattr(engine, "PHOTOS_A_PART", 4)
        patch.setattr(engine, "PARTS_A_BLOCK", 4)
        yield


class Here:
    """Does tasks in this process, one after the other, and notes their names."""

    def __init__(self, ends_before: int | None = None) -> None:
        self.done: list[str] = []
        self._ends_before = ends_before

    def run(self, some: Sequence[Task]) -> Iterator[tuple[str, int]]:
        for name, do, (work, *more) in some:
            if len(self.done) == self._ends_before:
                raise KeyboardInterrupt
            self.done.append(name)
            yield name, do(work, name, *more)


def by_tasks(work: Path | str, run: Callable[[Any], Any], preset: str = "similar") -> OnCluster:
    method = SimpleNamespace(recipe=Recipe(), flags=f"--preset {preset}", has_presets=True)
    return OnCluster(method, PRESETS[preset], 1, Work(str(work)), run)


def surveyed(on: OnCluster, walked: Sequence[Found]) -> finder.Survey:
    return finder.survey(walked, on.hashed, on.at_first)


def grouped(
    work: Path | str,
    walked: Sequence[Found],
    run: Callable[[Any], Any],
    preset: str = "similar",
    sides: Sequence[int] | None = None,
) -> Groups:
    on = by_tasks(work, run, preset)
    return on.group(surveyed(on, walked).images, sides)


# ---- The same groups


@settings(max_examples=10)
@given(data=st.data())
def test_any_library_has_the_groups_that_one_machine_finds(
    data: st.DataObject, album: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    every = found_in(album)
    there = data.draw(st.lists(st.booleans(), min_size=len(every), max_size=len(every)))
    walked = [found for found, is_there in zip(every, there, strict=True) if is_there]
    preset = data.draw(st.sampled_from(["copies", "similar"]))
    images = sum(
        isinstance(found, ImageFile) and isinstance(hashed_here(found), HashedImage)
        for found in walked
    )
    on_sides = st.lists(st.sampled_from([-1, 0, 1]), min_size=images, max_size=images)
    sides = data.draw(st.none() | on_sides)
    work = tmp_path_factory.mktemp("work")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "PHOTOS_A_PART", data.draw(st.integers(1, 8)))
        patch.setattr(finder, "hash_files", lambda files, *_: map(hashed_here, files))
        found = grouped(work, walked, Here().run, preset, sides)
    assert found == on_one_machine(walked, preset, sides)


def test_there_are_many_tasks_and_groups_of_several_kinds_here(album: Path, tmp_path: Path) -> None:
    """Else the test before would show little."""
    here = Here()
    groups, views = grouped(tmp_path, found_in(album), here.run)
    assert len(groups) >= len(SINGLES)
    assert {"whole", "mirrored", "inside a frame", "cut off"} <= views.keys()
    assert sum(name.startswith("pairs") for name in here.done) >= 6


def test_a_survey_says_of_each_photo_what_one_machine_says(album: Path, tmp_path: Path) -> None:
    walked = found_in(album)
    expected = finder.survey(
        walked, lambda files, anew: anew(files), lambda files: map(hashed_here, files)
    )
    survey = surveyed(by_tasks(tmp_path, Here().run), walked)
    assert survey.unreadable == expected.unreadable
    assert survey.digests() == expected.digests()
    for ours, theirs in zip(survey.images, expected.images, strict=True):
        assert (ours.file, ours.damage, ours.note) == (theirs.file, theirs.damage, theirs.note)
        assert ours.file.inode == theirs.file.inode
        for name in ("views", "colour", "taken", "part"):
            assert getattr(ours.look, name) == getattr(theirs.look, name)


def test_a_crowd_of_look_alikes_is_compared_in_smaller_blocks(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walked = found_in(album)
    expected = on_one_machine(walked, "similar")
    on = by_tasks(tmp_path, Here().run)
    images = surveyed(on, walked).images
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "MOST", 5)
        on._compared()
    monkeypatch.setattr(tasks, "compare", None)  # all of that was done
    assert on.group(images) == expected


# ---- Killed


def test_a_driver_that_is_killed_at_every_tenth_task_leaves_all_that_was_done(
    album: Path, tmp_path: Path
) -> None:
    walked, done = found_in(album), list[str]()
    whole = Here()
    expected = grouped(tmp_path / "whole", walked, whole.run)
    found = None
    while found is None:
        here = Here(ends_before=10)
        with contextlib.suppress(KeyboardInterrupt):
            found = grouped(tmp_path / "work", walked, here.run)
        done += here.done
    assert found == expected
    assert len(done) > 10
    others = set(done) - set(whole.done)
    assert len(others) == 1  # what could not be read is read again, alone
    assert [name for name in done if name not in others] == whole.done


def dask_workers(client: Any) -> list[int]:
    return [pid for pid in client.run(os.getpid).values() if isinstance(pid, int)]


@pytest.mark.workers
def test_workers_that_are_killed_at_every_tenth_task_cost_nothing_that_was_done(
    album: Path, tmp_path: Path
) -> None:
    walked, killed, done = found_in(album), list[int](), list[str]()
    with running._client(2, None) as client:
        run = running.done_by(client)

        def deadly(some: Sequence[Task]) -> Iterator[tuple[str, int]]:
            for name, found in run(some):
                done.append(name)
                if len(done) % 10 == 5:
                    killed.append(dask_workers(client)[0])
                    os.kill(killed[-1], signal.SIGKILL)
                yield name, found

        found = grouped(tmp_path, walked, deadly)
    assert len(killed) >= 2
    assert found == on_one_machine(walked, "similar")


@pytest.mark.workers
def test_a_task_that_ends_one_worker_after_the_other_is_given_up_in_one_line(
    tmp_path: Path,
) -> None:
    ended = r"a task ended 2 workers one after the other; mend that and run it again"
    with running._client(1, None, failures=1) as client, pytest.raises(UserError, match=ended):
        list(running.done_by(client)([("deadly", end_worker, (Work(str(tmp_path)),))]))


@pytest.mark.workers
def test_a_scheduler_that_is_killed_ends_a_find_in_one_line_and_the_next_one_goes_on(
    album: Path, tmp_path: Path
) -> None:
    walked = found_in(album)[:24]
    here = album.parent  # by which photos have the same names each time
    apart_from_it = cluster_apart(tmp_path, of_worker=here, path=[ROOT])
    with apart_from_it as apart, running._client(1, apart.address) as client:
        run, done = running.done_by(client), list[str]()

        def deadly(some: Sequence[Task]) -> Iterator[tuple[str, int]]:
            for name, found in run(some):
                done.append(name)
                if len(done) == 4:
                    apart.scheduler.kill()
                yield name, found

        with pytest.raises(UserError, match="run it again"):
            grouped(tmp_path / "work", walked, deadly)
    again = Here()
    assert grouped(tmp_path / "work", walked, again.run) == on_one_machine(walked, "similar")
    assert len({*again.done} & {*done}) <= 1  # what could not be read


@pytest.mark.workers
def test_a_poisonous_picture_in_a_task_is_unreadable_and_the_others_are_hashed(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a thread that is not the main one, as a worker of Dask has it."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("00.jpg", "01.jpg", "segfault.jpg"):
        (photos / name).write_bytes((album / "00.jpg").read_bytes())
    monkeypatch.setattr(engine, "PHOTOS_A_PART", 1 << 30)
    monkeypatch.setattr(finder, "HASH_FILE", "made_pictures:hash_or_die")
    surveys = []

    def find() -> None:
        surveys.append(surveyed(by_tasks(tmp_path / "work", Here().run), found_in(photos)))

    thread = threading.Thread(target=find)
    thread.start()
    thread.join()
    (survey,) = surveys
    assert [os.path.basename(image.file.path) for image in survey.images] == ["00.jpg", "01.jpg"]
    (unreadable,) = survey.unreadable
    assert unreadable.reason == "it crashed the decoder (exit code -9)"


def test_few_photos_are_work_for_several_workers_and_many_are_cut_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "PHOTOS_A_PART", 500)
    sizes = [engine.photos_a_part(count) for count in (10, 400, 500, 1000, 2000, 4000, 10**6)]
    assert sizes == sorted(sizes)
    assert engine.photos_a_part(10) >= engine.FEWEST_A_PART
    assert engine.photos_a_part(500) * 8 <= 500
    assert engine.photos_a_part(4000) == engine.photos_a_part(10**6) == engine.PHOTOS_A_PART


def test_photos_that_are_hashed_after_others_come_into_parts_of_the_same_size(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a find goes on that has hashed most of them."""
    for name, number in {"PHOTOS_A_PART": 8, "FEWEST_PARTS": 9, "FEWEST_A_PART": 1}.items():
        monkeypatch.setattr(engine, name, number)
    walked = [found for found in found_in(album) if "broken" not in str(found)]
    with contextlib.suppress(KeyboardInterrupt):
        grouped(tmp_path, walked, Here(ends_before=5).run)
    here = Here()
    assert grouped(tmp_path, walked, here.run) == on_one_machine(walked, "similar")
    assert sum(name.startswith("photos") for name in here.done) > 2


def test_parts_of_which_nothing_could_be_read_are_read_and_compared_the_next_time(
    album: Path, tmp_path: Path
) -> None:
    """Which leaves other results under the same names."""
    walked = [found for found in found_in(album) if "broken" not in str(found)]
    half = walked[: len(walked) // 2]

    def failing(files: Sequence[ImageFile], *_: object) -> Iterator[HashedImage | Unreadable]:
        for file in files:
            yield Unreadable(file, "the disk fails") if file in half else hashed_here(file)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finder, "hash_files", failing)
        grouped(tmp_path, walked, Here().run)
    assert grouped(tmp_path, walked, Here().run) == on_one_machine(walked, "similar")


# ---- What is done again


def test_one_more_photo_costs_its_own_part_and_the_blocks_that_are_compared_with_its_own(
    album: Path, tmp_path: Path
) -> None:
    walked = found_in(album)
    first, second, nothing = Here(), Here(), Here()
    less = [found for found in walked if isinstance(found, ImageFile)][:-1]
    grouped(tmp_path, less, first.run)
    assert grouped(tmp_path, walked, second.run) == on_one_machine(walked, "similar")
    parts = [name for name in second.done if name.startswith("photos")]
    assert len(parts) <= 2
    assert len(second.done) < len(first.done)
    readable = [found for found in walked if "broken" not in str(found)]
    grouped(tmp_path, readable, Here().run)
    grouped(tmp_path, readable, nothing.run)
    assert nothing.done == []


def test_what_could_not_be_read_is_read_again_the_next_time(album: Path, tmp_path: Path) -> None:
    walked = found_in(album)
    failed = next(f for f in walked if isinstance(f, ImageFile) and "00.jpg" in f.path)

    def failing(files: Sequence[ImageFile], *_: object) -> Iterator[HashedImage | Unreadable]:
        for file in files:
            yield Unreadable(file, "the disk fails") if file == failed else hashed_here(file)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finder, "hash_files", failing)
        survey = surveyed(by_tasks(tmp_path, Here().run), walked)
        assert failed in [item.file for item in survey.unreadable]
    survey = surveyed(by_tasks(tmp_path, Here().run), walked)
    assert failed not in [item.file for item in survey.unreadable]
    assert grouped(tmp_path, walked, Here().run) == on_one_machine(walked, "similar")


def test_photos_that_can_be_read_one_after_the_other_are_all_compared(
    album: Path, tmp_path: Path
) -> None:
    """What is compared of a part that is made anew under its name is told by what it shows."""
    walked = [found for found in found_in(album) if "broken" not in str(found)]
    alike = [f for f in walked if isinstance(f, ImageFile) and "/0" in f.path][:3]
    for left in (3, 2, 1, 0):

        def failing(
            files: Sequence[ImageFile], *_: object, left: int = left
        ) -> Iterator[HashedImage | Unreadable]:
            for file in files:
                fails = file in alike[:left]
                yield Unreadable(file, "the disk fails") if fails else hashed_here(file)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(finder, "hash_files", failing)
            found = grouped(tmp_path, walked, Here().run)
        assert found == on_one_machine([f for f in walked if f not in alike[:left]], "similar")


def test_a_photo_that_has_just_changed_is_hashed_again_the_next_time(
    album: Path, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "old.jpg").write_bytes((album / "00.jpg").read_bytes())
    os.utime(photos / "old.jpg", (1_700_000_000, 1_700_000_000))
    done = []
    for change in (False, True, False):
        here = Here()
        if change:
            (photos / "new.jpg").write_bytes((album / "10.jpg").read_bytes())
        ahead = time.time() + 60  # as a clock of a file server may be
        if (photos / "new.jpg").exists():
            os.utime(photos / "new.jpg", (ahead, ahead))
        surveyed(by_tasks(tmp_path / "work", here.run), found_in(photos))
        done.append(bool(here.done))
    assert done == [True, True, True]
    os.utime(photos / "new.jpg", (1_700_000_000, 1_700_000_000))
    for expected in (True, False):
        here = Here()
        surveyed(by_tasks(tmp_path / "work", here.run), found_in(photos))
        assert bool(here.done) == expected


def test_a_photo_that_is_other_than_was_known_is_hashed_anew(album: Path, tmp_path: Path) -> None:
    """As one that was changed behind its times, of which no copy can be made."""
    walked, here = found_in(album), Here()
    on = by_tasks(tmp_path, Here().run)
    images = surveyed(on, walked).images
    on.forget([images[3].file.path])
    again = surveyed(by_tasks(tmp_path, here.run), walked)
    assert [image.file for image in again.images] == [image.file for image in images]
    (part,) = [name for name in here.done if images[3].file in on._files.get(name, [])]
    assert part.startswith("photos")


@pytest.mark.parametrize("kind", ["photos", "pairs"])
@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_damaged_result_is_removed_and_made_again(
    damage: str, kind: str, album: Path, tmp_path: Path
) -> None:
    walked = found_in(album)
    grouped(tmp_path, walked, Here().run)
    place = max(tmp_path.glob(f"{kind}-*{ENDING}"), key=lambda path: path.stat().st_size)
    data = bytearray(place.read_bytes())
    if damage == "cut":
        del data[-50:]
    else:
        data[100] ^= 255
    place.write_bytes(data)
    with pytest.raises(UserError, match="was damaged and is removed; run it again"):
        grouped(tmp_path, walked, Here().run)
    assert not place.exists()
    assert grouped(tmp_path, walked, Here().run) == on_one_machine(walked, "similar")


def test_results_may_lie_in_an_object_store(album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("s3fs", reason="pip install -r extras/cluster/requirements.txt")
    server = pytest.importorskip("moto.server", reason="pip install -r tests/requirements.txt")
    boto3 = pytest.importorskip("boto3")
    store = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    store.start()
    try:
        host, port = store.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        boto3.client("s3").create_bucket(Bucket="bucket")
        walked = found_in(album)[:16]
        for url in ("s3://bucket/work", "memory://work"):
            Work(url).check()
            first, second = Here(), Here()
            expected = on_one_machine(walked, "similar")
            assert grouped(url, walked, first.run) == expected
            assert grouped(url, walked, second.run) == expected
            assert len(second.done) < len(first.done)
        with pytest.raises(UserError, match="s3://another/work can't be used"):
            Work("s3://another/work").check()
    finally:
        store.stop()


@pytest.mark.parametrize(
    "error", [TimeoutError("no answer"), PermissionError("Access Denied"), OSError(5, "broken")]
)
def test_a_result_that_the_store_does_not_give_now_is_not_taken_for_damaged(
    error: OSError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a store raises may have no number."""
    work = Work(str(tmp_path))
    work.write("some", {"a": [1, 2]})
    with monkeypatch.context() as patch:

        def refusing(*_: object) -> None:
            raise error

        patch.setattr("fsspec.implementations.local.LocalFileOpener.read", refusing)
        with pytest.raises(type(error)):
            work.read("some")
    assert work.read("some")["a"].tolist() == [1, 2]


def test_no_bit_of_a_result_can_change_unseen(tmp_path: Path) -> None:
    work, path = Work(str(tmp_path)), tmp_path / "some.parquet"
    columns = {"key": [1, 2, 3], "shown": [b"one", b"two", b"three"]}
    work.write("some", columns, [1, 3])
    whole, told = path.read_bytes(), 0
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        try:
            found = work.read("some")
        except UserError:
            told += 1
            assert not path.exists()
            continue
        assert {name: column.tolist() for name, column in found.items()} == columns
    assert told > len(whole) / 2


def test_what_cannot_be_made_again_stays_though_it_is_damaged(tmp_path: Path) -> None:
    work = Work(str(tmp_path), can_be_remade=False)
    work.write("some", {"a": [1, 2]})
    path = tmp_path / "some.parquet"
    path.write_bytes(damaged := path.read_bytes()[:-3])
    with pytest.raises(UserError, match=r"some\.parquet is damaged, and stays as it is"):
        work.read("some")
    assert path.read_bytes() == damaged


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://bucket/work", "Could not connect to the endpoint URL"),
        ("s3://", "Parameter validation failed: Invalid"),
        ("/proc/nowhere", "No such file or directory"),
    ],
)
def test_a_place_that_cannot_be_used_is_named_in_one_line(
    url: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("s3fs", reason="pip install -r extras/cluster/requirements.txt")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with pytest.raises(UserError, match=f"--work {url} can't be used: .*{said}.*; name another"):
        Work(url).check()


def test_a_bug_in_leaving_results_shows_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Work, "write", lambda *_: len(None))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Work(str(tmp_path)).check()


@pytest.mark.formats
def test_a_heic_is_known_by_its_thumbnail_at_first_and_then_in_full(tmp_path: Path) -> None:
    pytest.importorskip("pi_heif")
    pytest.importorskip("pillow_heif")
    from test_heic import with_thumbnail

    photos = tmp_path / "photos"
    photos.mkdir()
    for name, image in (("cat", photo(CAT)), ("stars", photo(SINGLES[-1]))):
        (photos / f"{name}.heic").write_bytes(with_thumbnail(image))
    (photos / "cat.jpg").write_bytes(picture(CAT))
    walked, here = found_in(photos), Here()
    on = by_tasks(tmp_path / "work", here.run)
    survey = surveyed(on, walked)
    small = [image.file for image in survey.images if image.by_thumbnail]
    assert len(small) == 2
    groups, _ = on.group(survey.images)
    assert [group.members for group in groups] == [[0, 1]]
    survey = finder.hashed_again(survey, on.closer([survey.images[0].file]))
    assert [image.by_thumbnail for image in survey.images] == [False, False, True]
    groups, _ = on.group(survey.images)
    assert [group.members for group in groups] == [[0, 1]]


def test_a_worker_that_would_find_something_else_is_refused(tmp_path: Path) -> None:
    expected = tasks.versions(Recipe())
    tasks.check_worker(Recipe(), expected, str(tmp_path))
    with pytest.raises(UserError, match=r"has fingerprint .* install the same there"):
        tasks.check_worker(Recipe(), "fingerprint 1", str(tmp_path))
    with pytest.raises(UserError, match="has no folder"):
        tasks.check_worker(Recipe(), expected, str(tmp_path / "photos"))


# ---- The command line


@pytest.mark.workers
def test_a_find_by_dask_makes_the_folders_that_one_machine_makes(library: Library) -> None:
    (library.photos / "broken.jpg").write_bytes(b"\xff\xd8\xff" + bytes(50))
    here = library.run("find", "--json", "--no-cache")
    expected = tree(library.output)
    work = library.folder / "work"
    by_dask = ("--engine", "dask", "--work", str(work))
    ran = library.run("find", "--json", "--no-cache", *by_dask)
    of_copying = ("taken_over", "bytes_copied")
    assert {**ran.facts, **dict.fromkeys(of_copying)} == {
        **here.facts,
        **dict.fromkeys(of_copying),
    }
    assert ran.facts["groups"]
    found = tree(library.output)
    assert found.keys() == expected.keys()
    pictures = {name for name in found if name.endswith((".jpg", ".png"))}
    assert {name: found[name] for name in pictures} == {n: expected[n] for n in pictures}
    again = library.run("find", "--json", "--dry-run", *by_dask)
    assert again.facts["groups"] == here.facts["groups"]


def test_what_cannot_be_done_on_a_cluster_is_refused_with_the_reason(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_dask = ("--engine", "dask", "--work", str(library.folder / "work"))
    refused = {
        ("--preset", "crops"): "it compares each part of each photo with each photo",
        ("--threshold", "31"): "can't do --threshold 31: it is not compared there yet",
        ("--work", str(library.output / "work")): "lies in OUTPUT_DIR; choose another folder",
        ("--work", ""): "needs --work, a folder or URL for results that all workers see",
        ("--engine", "dusk"): "use one of dask; did you mean dask?",
    }
    for flags, said in refused.items():
        ran = library.run("find", *by_dask, *flags)
        assert (ran.code, ran.err.count("\n")) == (2, 1)
        assert said in ran.err
    with pytest.raises(UserError, match="it compares each part of each photo"):
        installed.check("--method both --preset crops --cosine 0.75", "work")
    for flag in ("--work", "--scheduler"):
        ran = library.run("find", flag, "x")
        assert (ran.code, ran.err) == (
            2,
            f"error: {flag}: only with --engine dask; see --action find --help.\n",
        )
    monkeypatch.setattr(installed, "find_spec", lambda _: None)
    ran = library.run("find", *by_dask)
    remedy = "run pip install -r extras/cluster/requirements.txt first"
    assert f"--engine dask needs the package dask[distributed]; {remedy}." in ran.err


@pytest.mark.parametrize("missing", ["dask", "distributed", "pyarrow", "fsspec", "s3fs"])
def test_a_missing_package_is_named_with_what_brings_it(missing: str, tmp_path: Path) -> None:
    """Before anything is imported that it takes; `main` would name the packages of the core."""
    without = f"import sys; sys.modules['{missing}'] = None; import main; sys.exit(main.main())"
    folder = str(ROOT / "tests")
    work = ("--work", "s3://bucket/work")
    by_dask = ("--engine", "dask", "--dry-run")
    for flags in (
        ("find", "s3://bucket/photos", *by_dask, "--work", str(tmp_path)),
        ("find", folder, *by_dask, *work),
        ("cleanup", *work),
        ("suggest", *work),
    ):
        command = [sys.executable, "-c", without, "--action", *flags]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert (ran.returncode, ran.stderr.count("\n")) == (2, 1), ran.stderr
        assert (
            f"needs the package {installed.PACKAGES.get(missing, missing)}; run pip" in ran.stderr
        )
        assert "extras/cluster/requirements.txt first" in ran.stderr


def test_a_scheduler_or_folder_that_does_not_answer_is_said_in_one_line(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "SECONDS", 0.5)
    flags = ("--engine", "dask", "--work", str(library.folder / "work"))
    ran = library.run("find", *flags, "--work", "nothing://x")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "error: --work nothing://x can't be used: Protocol not known" in ran.err
    ran = library.run("find", *flags, "--scheduler", "tcp://127.0.0.1:9")
    assert ran.code == 2
    assert "error: --scheduler tcp://127.0.0.1:9 doesn't answer" in ran.err
