"""Photos in object stores: found where they are, in the groups that one machine finds."""

import hashlib
import io
import itertools
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import Library, Ran, picture, tree
from hypothesis import given, settings
from hypothesis import strategies as st
from made_pictures import encoded
from made_store import keep_versions, store_here
from PIL import Image

pytest.importorskip("distributed", reason="pip install -r extras/cluster/requirements.txt")
pytest.importorskip("pyarrow", reason="pip install -r extras/cluster/requirements.txt")
pytest.importorskip("aiohttp", reason="pip install -r extras/cluster/requirements.txt")

import aiohttp
import pyarrow.parquet as pq
from test_cluster import Here, album, found_in, hashed_here, on_one_machine, small_parts

import finder
from config import UserError
from disk.files import ImageFile, digest_file
from extras.cluster import engine, indexed
from extras.cluster.access_points import check_bucket
from extras.cluster.files import Work
from extras.objects import hashing, listing, stores
from extras.objects.beside import beside as beside_of
from extras.objects.hashing import Measured, OnObjects, hashed_and_sized
from extras.objects.result import result_in
from extras.objects.stores import S3, StoredObject, store_of
from finder import Found, Skipped
from pictures.images import Unreadable
from pictures.presets import PRESETS
from pictures.recipe import Recipe

__all__ = ["album", "small_parts"]


@pytest.fixture(scope="module")
def store() -> Iterator[Any]:
    with store_here() as client:
        yield client


@pytest.fixture(scope="module", autouse=True)
def own_album() -> Iterator[None]:
    """What was read of another module's album has its inodes."""
    hashed_here.cache_clear()
    yield
    hashed_here.cache_clear()


def named(folder: Path) -> list[Path]:
    """The files of a folder whose names a store can hold."""
    return [path for path in sorted(folder.iterdir()) if path.name.isprintable()]


@pytest.fixture(scope="module")
def bucket(store: Any, album: Path) -> str:
    """A bucket that holds the album, and what is no photo."""
    store.create_bucket(Bucket="album")
    for path in named(album):
        store.put_object(Bucket="album", Key=f"some/{path.name}", Body=path.read_bytes())
    store.put_object(Bucket="album", Key="some/notes.txt", Body=b"words")
    store.put_object(Bucket="album", Key="some/cat", Body=b"words")
    store.put_object(Bucket="album", Key="some/old/Picasa.ini", Body=b"words")
    store.put_object(Bucket="album", Key="some/empty.jpg", Body=b"")
    return "s3://album/some"


def here(do: str, files: Iterable[ImageFile], *_: Any) -> Iterator[Measured]:
    """As `in_workers`, in this process, and once for the same bytes."""
    assert do == hashing.HASH
    for file in files:
        key = digest_file(file.path), os.path.splitext(file.path)[1]
        if key not in KNOWN:
            KNOWN[key] = hashed_and_sized(file, Recipe())
        yield replace(KNOWN[key], hashed=replace(KNOWN[key].hashed, file=file))


KNOWN: dict[tuple[str, str], Measured] = {}


def by_tasks(work: Path | str, preset: str = "similar", run: Any = None) -> OnObjects:
    method = SimpleNamespace(recipe=Recipe(), flags=f"--preset {preset}", has_presets=True)
    return OnObjects(method, PRESETS[preset], 1, Work(str(work)), run or Here().run)


def surveyed(on: OnObjects, walked: Sequence[Found]) -> finder.Survey:
    return finder.survey(walked, on.hashed, on.at_first)


def walked_in(url: str, *exclude: str) -> list[Found]:
    return list(listing.walk([url], exclude, (), 0))


def printable(walked: Iterable[Found]) -> list[Found]:
    return [found for found in walked if str(getattr(found, "path", "")).isprintable()]


@pytest.mark.parametrize(
    ("photo", "beside"),
    [
        ("IMG_1.JPG", "IMG_1.xmp"),
        ("IMG_1.JPG", "img_1.XMP"),
        ("caf\u00e9.jpg", "cafe\u0301.jpg.xmp"),
        ("a.jpg", "a.jpg.any"),
        ("a(1).jpg", "a.jpg(1).json"),
        ("a-edited.jpg", "a.jpg.json"),
        ("IMG_E1234.JPG", "IMG_1234.AAE"),
        ("a.nef", "NKSC_PARAM/a.nef.nksc"),
        (f"{'a' * 60}.jpg", f"{'a' * 46}.json"),
    ],
)
def test_what_lies_beside_an_object_by_its_name_is_told_as_in_folders(
    photo: str, beside: str
) -> None:
    url = f"s3://b/p/{photo}"
    others = {f"s3://b/p/{beside}": "x", "s3://b/p/other.xmp": "y", f"s3://b/q/{beside}": "z"}
    found = beside_of([[url, "s3://b/q/better.jpg"]], {url: "", **others})
    assert list(found) == [url]
    (line,) = found[url]
    assert beside.rpartition("/")[2] in line


# ---- The same groups


@settings(max_examples=8)
@given(data=st.data())
def test_any_library_in_a_store_has_the_groups_that_one_machine_finds(
    data: st.DataObject, bucket: str, album: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    local = printable(found_in(album))
    stored = [found for found in walked_in(bucket) if isinstance(found, StoredObject)]
    stored = [found for found in stored if "empty" not in found.path]
    assert [os.path.basename(one.path) for one in stored] == [
        os.path.basename(one.path) for one in local if isinstance(one, ImageFile)
    ]
    there = data.draw(st.lists(st.booleans(), min_size=len(local), max_size=len(local)))
    preset = data.draw(st.sampled_from(["copies", "similar"]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "PHOTOS_A_PART", data.draw(st.integers(1, 8)))
        patch.setattr(hashing, "in_workers", here)
        on = by_tasks(tmp_path_factory.mktemp("work"), preset)
        survey = surveyed(
            on, [one for one, is_there in zip(stored, there, strict=True) if is_there]
        )
        found = on.group(survey.images)
    assert found == on_one_machine(
        [one for one, is_there in zip(local, there, strict=True) if is_there], preset
    )


def test_a_survey_says_of_each_object_what_it_says_of_the_file(
    bucket: str, album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "in_workers", here)
    survey = surveyed(by_tasks(tmp_path), walked_in(bucket))
    expected = finder.survey(
        printable(found_in(album)),
        lambda files, anew: anew(files),
        lambda files: map(hashed_here, files),
    )
    assert survey.photos == expected.photos + 1
    assert {os.path.basename(one.file.path): one.reason for one in survey.unreadable} == {
        "empty.jpg": "the file is empty",
        **{os.path.basename(one.file.path): one.reason for one in expected.unreadable},
    }
    for ours, theirs in zip(survey.images, expected.images, strict=True):
        assert ours.file.path == f"{bucket}/{os.path.basename(theirs.file.path)}"
        assert (ours.digest, ours.damage, ours.note) == (theirs.digest, theirs.damage, theirs.note)


def test_what_is_no_photo_is_told_by_its_name_and_counted(bucket: str) -> None:
    skipped = [found for found in walked_in(bucket, "old/") if isinstance(found, Skipped)]
    assert [(found.path.removeprefix(f"{bucket}/"), found.kind) for found in skipped] == [
        ("cat", listing.UNNAMED),
        ("notes.txt", "other files"),
        ("old", finder.EXCLUDED_FOLDERS),
    ]


def test_an_object_that_is_called_as_a_folder_is_counted_if_it_holds_something(
    store: Any,
) -> None:
    store.create_bucket(Bucket="slashes")
    for key, data in {"a/x.jpg": b"1", "a/": b"", "a/y.jpg/": b"2", "a/z.jpg/": b""}.items():
        store.put_object(Bucket="slashes", Key=key, Body=data)
    found, passed = walked_in("s3://slashes")
    assert isinstance(found, StoredObject)
    assert isinstance(passed, Skipped)
    assert (passed.path, passed.kind) == ("s3://slashes/a/y.jpg/", listing.UNNAMED)


def test_folders_of_a_store_are_walked_through_as_those_of_a_disk(
    store: Any, tmp_path: Path
) -> None:
    store.create_bucket(Bucket="folders")
    keys = ["b.jpg", "a/z.jpg", "a.jpg", "a/b/c.jpg", "a-b/x.jpg", "@eaDir/b.jpg", "c/small.jpg"]
    for key in keys:
        store.put_object(Bucket="folders", Key=f"x/{key}", Body=bytes(100))
        place = tmp_path / "x" / key
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(bytes(100))
    os.truncate(tmp_path / "x/c/small.jpg", 10)
    store.put_object(Bucket="folders", Key="x/c/small.jpg", Body=bytes(10))
    store.put_object(Bucket="folders", Key="x/c/", Body=b"")  # as consoles make folders
    store.put_object(Bucket="folders", Key="xy/b.jpg", Body=bytes(100))

    def told(walked: Iterable[Found], top: str) -> list[tuple[str, str]]:
        there = [one for one in walked if not isinstance(one, Unreadable)]
        return [(one.path.removeprefix(top), getattr(one, "kind", "")) for one in there]

    there = told(listing.walk(["s3://folders/x", "s3://folders/x/a"], (), (), 50), "s3://folders/x")
    assert there == told(finder.walk([str(tmp_path / "x")], (), (), 50), str(tmp_path / "x"))
    assert len(there) == len(keys)


# ---- What an object is


def test_an_object_that_is_replaced_while_it_is_found_is_unreadable_until_the_next_find(
    store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "in_workers", here)
    store.create_bucket(Bucket="changing")
    store.put_object(Bucket="changing", Key="cat.jpg", Body=picture("2024/cat.jpg"))
    walked = walked_in("s3://changing")
    store.put_object(Bucket="changing", Key="cat.jpg", Body=picture("2024/coffee.jpg"))
    (unreadable,) = surveyed(by_tasks(tmp_path), walked).unreadable
    assert unreadable.reason == stores.REPLACED
    (image,) = surveyed(by_tasks(tmp_path), walked_in("s3://changing")).images
    assert image.digest == hashlib.sha256(picture("2024/coffee.jpg")).hexdigest()


def test_of_an_object_with_versions_the_one_that_was_listed_is_read(store: Any) -> None:
    store.create_bucket(Bucket="versions")
    keep_versions(store, "versions")
    put = store.put_object(Bucket="versions", Key="a b+c?.jpg", Body=b"one")
    (one,) = walked_in("s3://versions")
    assert isinstance(one, StoredObject)
    assert (one.version, one.etag) == (put["VersionId"], put["ETag"].strip('"'))
    store.put_object(Bucket="versions", Key="a b+c?.jpg", Body=b"two")
    assert store_of(one.path).read(one) == b"one"
    now = store_of(one.path).now(one.path)
    assert now
    assert now.version not in ("", one.version)
    store.delete_object(Bucket="versions", Key="a b+c?.jpg")
    assert store_of(one.path).now(one.path) is None
    assert listing_of("s3://versions") == []


def listing_of(url: str) -> list[StoredObject]:
    return store_of(url).objects(url)


def test_an_object_is_read_again_over_a_connection_that_breaks(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = next(found for found in walked_in(bucket) if isinstance(found, StoredObject))
    got, tried = stores._got, list[int]()

    async def breaks(*given: Any) -> bytes:
        tried.append(1)
        if len(tried) % 3:
            raise aiohttp.ClientPayloadError("Response payload is not completed")
        return await got(*given)

    monkeypatch.setattr(stores, "_got", breaks)
    assert len(store_of(one.path).read(one)) == one.size
    monkeypatch.setattr(stores, "TRIES", 2)
    with pytest.raises(OSError, match="the connection broke: Response payload is not completed"):
        store_of(one.path).read(one)


def test_a_store_without_versions_or_the_right_to_list_them_is_listed_all_the_same(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = listing_of(bucket)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError("Access Denied")

    for fs in [store_of(bucket).fs]:
        monkeypatch.setattr(fs, "find", refused)
        monkeypatch.setattr(S3, "fs", fs)
    assert listing_of(bucket) == expected
    assert {one.version for one in expected} == {""}


def test_an_object_is_read_by_one_request(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "in_workers", here)
    walked, kind = walked_in(bucket), type(store_of(bucket).fs)
    call, asked = kind._call_s3, Counter[str]()

    async def counted(self: Any, method: str, *given: Any, **more: Any) -> Any:
        asked[method] += 1
        return await call(self, method, *given, **more)

    monkeypatch.setattr(kind, "_call_s3", counted)
    survey = surveyed(by_tasks(tmp_path), walked)
    assert asked == {"get_object": survey.photos - 1}  # of the empty one there is nothing to get


def test_nothing_of_what_was_fetched_stays(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    most = []

    def watched(do: str, files: Iterable[ImageFile], *more: Any) -> Iterator[Measured]:
        for found in here(do, files, *more):
            most.append(len(list((tmp_path / "temporary").rglob("*.*g"))))
            yield found

    monkeypatch.setattr(hashing, "in_workers", watched)
    monkeypatch.setattr(engine, "PHOTOS_A_PART", 1 << 30)
    assert len(surveyed(by_tasks(tmp_path / "work"), walked_in(bucket)).images) > 30
    assert 0 < max(most) <= 3 * hashing.AT_ONCE
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_task_that_ends_early_waits_for_what_it_fetches(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else they would write into the folder while it is removed."""
    read, under_way = S3.read, list[str]()

    def slowly(self: S3, one: StoredObject) -> bytes:
        under_way.append(one.path)
        time.sleep(0.2)
        data = read(self, one)
        under_way.remove(one.path)
        return data

    def fails(_: str, files: Iterable[ImageFile], *__: Any) -> Iterator[Measured]:
        next(iter(files))
        assert under_way
        raise UserError("the worker processes were killed")
        yield

    left = tempfile.TemporaryDirectory.cleanup
    seen = list[list[str]]()

    def cleanup(self: tempfile.TemporaryDirectory[str]) -> None:
        seen.append([*under_way])
        left(self)

    monkeypatch.setattr(S3, "read", slowly)
    monkeypatch.setattr(hashing, "in_workers", fails)
    monkeypatch.setattr(engine, "PHOTOS_A_PART", 1 << 30)
    monkeypatch.setattr(tempfile.TemporaryDirectory, "cleanup", cleanup)
    with pytest.raises(UserError, match="were killed"):
        surveyed(by_tasks(tmp_path / "work"), walked_in(bucket))
    assert seen == [[]]


@pytest.mark.workers
def test_a_poisonous_object_is_unreadable_and_the_others_are_hashed(
    store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.create_bucket(Bucket="poison")
    for name, end in (("a.jpg", b""), ("b.jpg", b"poison")):
        store.put_object(Bucket="poison", Key=name, Body=picture("2024/cat.jpg") + end)
    monkeypatch.setattr(hashing, "HASH", "made_store:measured_or_die")
    (unreadable,) = surveyed(by_tasks(tmp_path), walked_in("s3://poison")).unreadable
    assert unreadable == Unreadable(unreadable.file, "it crashed the decoder (exit code -9)")
    assert unreadable.file.path == "s3://poison/b.jpg"


def test_what_a_worker_leaves_after_a_look_is_there_for_the_next_one(store: Any) -> None:
    store.create_bucket(Bucket="work")
    driver = Work("s3://work/place")
    driver.write("one", {"is": [1]})
    assert driver.names() == {"one"}
    (listed,) = store.list_objects_v2(Bucket="work")["Contents"]
    source = {"Bucket": "work", "Key": listed["Key"]}
    store.copy_object(Bucket="work", Key="place/two.parquet", CopySource=source)
    assert driver.read("two")["is"].tolist() == [1]
    with pytest.raises(FileNotFoundError):
        driver.read("three")


# ---- The command line


NUMBERS = itertools.count()


@pytest.fixture
def photos(store: Any, library: Library) -> str:
    """The photos of a library in a bucket that keeps versions, and what can't be read."""
    name = f"photos-{next(NUMBERS)}"
    store.create_bucket(Bucket=name)
    keep_versions(store, name)
    (library.photos / "broken.jpg").write_bytes(b"\xff\xd8\xff" + bytes(50))
    for path in library.photos.rglob("*.*"):
        key = f"all/{path.relative_to(library.photos)}"
        store.put_object(Bucket=name, Key=key, Body=path.read_bytes())
    return f"s3://{name}/all"


def find(library: Library, url: str, *flags: str) -> Ran:
    work = ("--engine", "dask", "--work", str(library.folder / "work"))
    return library.run("find", "--input-dir", url, *work, *flags)


def rows(library: Library, name: str) -> list[dict[str, Any]]:
    table = pq.read_table(library.folder / "work" / "result" / f"{name}.parquet")
    return list(table.to_pylist())


def without(folder: str, groups: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[path.removeprefix(folder + "/") for path in group] for group in groups]


@pytest.mark.workers
def test_a_find_leaves_the_groups_of_one_machine_as_parquet_and_copies_nothing(
    store: Any, library: Library, photos: str
) -> None:
    expected = library.run("find", "--json", "--dry-run", "--no-cache").facts
    dry = find(library, photos, "--json", "--dry-run")
    assert without(photos, dry.facts["groups"]) == without(str(library.photos), expected["groups"])
    assert len(expected["groups"]) >= 1
    assert [item["reason"] for item in dry.facts["unreadable"]] == [
        item["reason"] for item in expected["unreadable"]
    ]
    assert (dry.code, dry.facts["matched"]) == (1, expected["matched"])
    assert not (library.folder / "work" / "result").exists()
    ran = find(library, photos, "--json")
    assert ran.facts["groups"] == dry.facts["groups"]
    assert not library.output.exists()
    bucket = photos.split("/")[2]
    for row in rows(library, "groups"):
        key = row["url"].removeprefix(f"s3://{bucket}/")
        found = store.get_object(Bucket=bucket, Key=key)
        data = found["Body"].read()
        assert row["url"] in ran.facts["groups"][row["group"] - 1]
        assert (row["version"], row["etag"]) == (found["VersionId"], found["ETag"].strip('"'))
        assert (row["size"], row["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        with Image.open(io.BytesIO(data)) as image:
            assert (row["width"], row["height"]) == image.size
        assert row["linked_to"] in ran.facts["groups"][row["group"] - 1]
        assert row["view"]
        assert 0 < row["correlation"] <= 1
    assert {row["left"] for row in rows(library, "matches")} <= {
        url for group in ran.facts["groups"] for url in group
    }


@pytest.mark.workers
def test_points_of_objects_are_compared_as_those_of_files(
    store: Any, library: Library, photos: str
) -> None:
    pytest.importorskip("cv2", reason="pip install -r extras/requirements.txt")
    with Image.open(io.BytesIO(picture("2024/coffee.jpg"))) as image:
        part = image.crop((0, 0, image.width // 2, image.height * 2 // 3))
    library.photos.joinpath("part.jpg").write_bytes(encoded(part, "JPEG", quality=90))
    library.photos.joinpath("whole.jpg").write_bytes(picture("2024/coffee.jpg"))
    for name in ("part.jpg", "whole.jpg"):
        data = library.photos.joinpath(name).read_bytes()
        store.put_object(Bucket=photos.split("/")[2], Key=f"all/{name}", Body=data)
    flags = ("--json", "--dry-run", "--preset", "most")
    expected = library.run("find", *flags, "--no-cache").facts
    found = find(library, photos, *flags).facts
    assert without(photos, found["groups"]) == without(str(library.photos), expected["groups"])
    assert found["matched"] == expected["matched"]
    assert found["matched"]["points"] >= 1


@pytest.mark.workers
def test_two_finds_leave_the_same_bytes(library: Library, photos: str) -> None:
    said = find(library, photos).out.splitlines()[-1]
    assert said.startswith("To have the rules list what may go: ")
    assert f"--action suggest --output-dir {library.output}" in said
    assert said.endswith(f"--work {library.folder / 'work'}")
    first = tree(library.folder / "work" / "result")
    assert "(another --work reads all)" in find(library, photos).out
    assert tree(library.folder / "work" / "result") == first
    assert {*first} == {"groups.parquet", "matches.parquet", "signed.parquet"}


@pytest.mark.workers
def test_several_prefixes_are_compared_and_what_tasks_leave_may_lie_among_them(
    store: Any, library: Library, photos: str
) -> None:
    bucket = photos.split("/")[2]
    store.put_object(Bucket=bucket, Key="more/x.jpg", Body=picture("2024/cat.jpg", 80))
    work = f"s3://{bucket}/more/work/"
    more = ("--input-dir", f"s3://{bucket}/more", "--engine", "dask", "--work", work, "--json")
    for _ in range(2):
        ran = library.run("find", "--input-dir", photos, *more)
        assert f"s3://{bucket}/more/x.jpg" in ran.facts["groups"][0]
        assert "other files" not in ran.facts["passed_over"]
    listed = store.list_objects_v2(Bucket=bucket, Prefix="more/work/result/")["Contents"]
    assert [one["Key"].rpartition("/")[2] for one in listed] == [
        "groups.parquet",
        "matches.parquet",
        "signed.parquet",
    ]


@pytest.mark.workers
def test_an_index_finds_among_objects_what_one_machine_finds_among_files(
    store: Any, library: Library, photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tasks leave all of it in the store, and read it there by rows."""
    bucket = photos.split("/")[2]
    monkeypatch.setattr(indexed, "PHOTOS_FOR_LEAST", 2)  # so that there are several groups of cells
    monkeypatch.setattr(engine, "FEWEST_A_PART", 2)
    work = f"s3://{bucket}/work"
    by_index = ("--engine", "dask", "--work", work, "--index", "--probes", "64", "--json")
    for more in (0, 1):
        for number in range(more):
            data = picture("2024/coffee.jpg", 60)
            (library.photos / f"more{number}.jpg").write_bytes(data)
            store.put_object(Bucket=bucket, Key=f"all/more{number}.jpg", Body=data)
        expected = library.run("find", "--json", "--dry-run", "--no-cache").facts
        ran = library.run("find", "--input-dir", photos, *by_index)
        assert ran.code == 1  # for what is broken
        assert without(photos, ran.facts["groups"]) == without(
            str(library.photos), expected["groups"]
        )
        assert ran.facts["matched"] == expected["matched"]
        told = ran.facts["index"]
        assert (told["probes"], told["recall"], told["pairs"]) == (64, 1, told["found"])
        assert told["pairs"] > more
        left = Work(work).names()
        kinds = Counter(name.partition("-")[0] for name in left)
        assert (kinds["cells"] >= 3, kinds["centres"] >= 1, kinds["assigned"]) == (True, True, 0)
        assert Work(f"{work}/result").names() == {"groups", "matches", "signed"}
    assert result_in(work).read("groups")["url"].tolist() == [
        url for group in ran.facts["groups"] for url in group
    ]


@pytest.mark.workers
def test_a_sample_shows_the_first_groups_and_nothing_is_chosen_or_deleted_by_it(
    library: Library, photos: str
) -> None:
    assert find(library, photos, "--sample", "1").code == 1
    copies = sorted((library.output / "1").iterdir())
    group = [row for row in rows(library, "groups") if row["group"] == 1]
    assert sorted(row["sha256"] for row in group) == sorted(map(digest_file, map(str, copies)))
    copies[0].unlink()
    before = tree(library.output)
    for action, *more in (["check-deleted"], ["cleanup", "--yes"], ["keep", "1"], ["suggest"]):
        ran = library.run(action, *more)
        assert ran.code == 2
        assert "shows a sample of objects, and nothing is chosen or deleted by it" in ran.err
    assert tree(library.output) == before
    assert find(library, photos, "--sample", "5").code == 1
    assert copies[0].exists()
    (library.folder / "empty").mkdir()
    ran = library.run("find", "--input-dir", str(library.folder / "empty"))
    assert (ran.code, "may be all that is left" in ran.err) == (2, True)


@pytest.mark.workers
def test_a_sample_with_the_last_copies_of_objects_is_not_replaced_without_a_word(
    store: Any, library: Library, photos: str
) -> None:
    find(library, photos, "--sample", "1")
    before = tree(library.output)
    for row in rows(library, "groups"):
        bucket, _, key = row["url"].removeprefix("s3://").partition("/")
        store.delete_object(Bucket=bucket, Key=key)
    ran = find(library, photos, "--sample", "1")
    assert (ran.code, "of which this find sees no object" in ran.err) == (2, True)
    assert tree(library.output) == before
    assert find(library, photos, "--sample", "1", "--discard-review").code == 1
    assert not (library.output / "1").exists()


def test_a_place_of_work_in_the_place_of_the_photos_is_refused(
    library: Library, photos: str
) -> None:
    """All in it would be passed over."""
    work = ("--engine", "dask", "--work", photos)
    ran = library.run("find", "--input-dir", photos, *work, "--dry-run")
    assert (ran.code, f"INPUT_DIR {photos} is --work" in ran.err) == (2, True)


@pytest.mark.parametrize(
    "name",
    [
        "arn:aws:s3:us-east-1:123456789012:accesspoint/photos",
        "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint:photos/object",
        "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap",
        "arn:aws:s3-object-lambda:us-east-1:123456789012:accesspoint/photos",
        "photos-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias",
        "photos-7rhrnwyxlvkgqpz8t1b4me8dn5o2kuse1a--ol-s3",
        "photos--usw2-az1--xa-s3",
    ],
)
def test_an_access_point_is_refused_before_anything_is_asked(
    name: str, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By it an object has a second URL: it could be its own survivor, and unprotected."""
    asked: list[object] = []
    monkeypatch.setattr(type(S3("s3").fs), "_call_s3", lambda *given, **_: asked.append(given))
    url, work = f"s3://{name}/2024", ("--work", str(library.folder / "work"))
    plain = ("--input-dir", "s3://photos", *work)
    for flags, what in {
        ("--input-dir", url, *work): f"INPUT_DIR {url}",
        ("--input-dir", "s3://photos", *("--input-dir", url), *work): f"INPUT_DIR {url}",
        ("--input-dir", url.replace("s3:", "S3A:"), *work): "INPUT_DIR S3A://",
        (*plain, "--protect", url): f"PROTECT {url}",
        ("--input-dir", "s3://photos", "--work", url): f"--work {url}",
        ("--input-dir", str(library.photos), "--work", url): f"--work {url}",
    }.items():
        ran = library.run("find", "--engine", "dask", *flags)
        assert (ran.code, ran.err.count("\n")) == (2, 1)
        assert what in ran.err
        assert "is an access point" in ran.err
        assert "name its bucket" in ran.err
    for action in ("suggest", "cleanup"):
        ran = library.run(action, "--work", url)
        assert (ran.code, f"--work {url} is an access point" in ran.err) == (2, True)
    assert (asked, (library.folder / "work").exists()) == ([], False)


@pytest.mark.parametrize("url", ["s3://", "S3:///", "s3:///2024", "gs://", "file://", "file:///"])
def test_a_url_that_names_no_bucket_is_refused_and_nothing_is_made(
    url: str, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its slashes it was a path: a folder `s3:` in the current one."""
    monkeypatch.chdir(library.folder)
    before = tree(library.folder)
    by = ("find", "--engine", "dask")
    for flags, what in {
        (*by, "--input-dir", url, "--work", "work"): f"INPUT_DIR {url}",
        (*by, "--input-dir", "s3://photos", "--work", "w", "--protect", url): f"PROTECT {url}",
        (*by, "--input-dir", "s3://photos", "--work", url): f"--work {url}",
        (*by, "--input-dir", str(library.photos), "--work", url): f"--work {url}",
        ("suggest", "--work", url): f"--work {url}",
        ("cleanup", "--work", url): f"--work {url}",
    }.items():
        ran = library.run(*flags)
        assert (ran.code, ran.err.count("\n")) == (2, 1)
        assert f"{what} names no bucket" in ran.err
    assert tree(library.folder) == before


def test_a_bucket_that_is_called_nearly_as_an_access_point_is_one(store: Any) -> None:
    for name in ("photos-s3alias-2", "x.arn.aws"):
        store.create_bucket(Bucket=name)
        store.put_object(Bucket=name, Key="a.jpg", Body=b"1")
        assert [one.path for one in listing_of(f"s3://{name}")] == [f"s3://{name}/a.jpg"]
        check_bucket("INPUT_DIR", f"s3://{name}/photos-s3alias")
    check_bucket("INPUT_DIR", "s3://photos--usw2-az1--x-s3")
    check_bucket("INPUT_DIR", "gs://photos-s3alias")


def test_an_object_may_be_named_by_the_capitals_of_its_store(bucket: str) -> None:
    assert walked_in(bucket.replace("s3:", "S3:")) == walked_in(bucket)
    assert walked_in(bucket.replace("s3:", "s3a:")) == walked_in(bucket)


def test_what_cannot_be_done_with_objects_is_refused_with_the_reason(
    library: Library, photos: str
) -> None:
    refused = {
        ("--across",): "--across: sides are folders of this machine",
        ("--min-pixels", "1000"): "use --min-size",
        ("--copies", "preview"): "a sample has whole pictures",
        ("--protect", str(library.photos)): "is a path, and protects no object",
        ("--input-dir", str(library.photos)): "folders and objects aren't compared",
        ("--input-dir", f"{photos}/nothing"): "holds no object; check the bucket and the prefix",
        ("--input-dir", "s3://no-such-bucket"): "can't be listed: The specified bucket does not",
        ("--input-dir", "what://is/this"): "can't be listed: Protocol not known: what",
    }
    for flags, said in refused.items():
        ran = find(library, photos, *flags)
        assert (ran.code, ran.err.count("\n"), said in ran.err) == (2, 1, True), ran.err
    for action in ("find", "covered"):
        more = [str(library.photos)] if action == "covered" else []
        ran = library.run(action, *more, "--input-dir", photos)
        assert ran.code == 2
        assert "is a URL, and these are compared by tasks" in ran.err
    ran = library.run("find", "--sample", "3")
    assert (ran.code, "only with photos in an object store" in ran.err) == (2, True)
