"""The rules choose among objects what they choose among files; nothing is deleted by that."""

import itertools
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Library, Ran, tree
from made_pictures import CAT, SINGLES, encoded, photo, toned
from made_store import keep_versions, store_here
from PIL import ImageOps
from test_cluster import Here

pytest.importorskip("distributed", reason="pip install -r extras/cluster/requirements.txt")
pytest.importorskip("pyarrow", reason="pip install -r extras/cluster/requirements.txt")

from extras.actions import suggest_objects
from extras.cluster import running
from extras.objects import choices, choosing, locking, result
from extras.review.examiner import Examiner

NUMBERS = itertools.count()
FOLDERS = ("2024", "2024 backup", "phone/DCIM")


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with store_here() as client:
        yield client


def photos() -> dict[str, bytes]:
    """Versions of some pictures, identical files, a mirrored one and a toned one."""
    made = {}
    for number, name in enumerate((CAT, *SINGLES[1:3])):
        image = photo(name)
        small = image.resize((image.width * 2 // 3, image.height * 2 // 3))
        made[f"{FOLDERS[0]}/{number}.jpg"] = encoded(image, "JPEG", quality=92)
        made[f"{FOLDERS[1]}/{number} copy.jpg"] = made[f"{FOLDERS[0]}/{number}.jpg"]
        made[f"{FOLDERS[2]}/{number}-small.jpg"] = encoded(small, "JPEG", quality=70)
    made[f"{FOLDERS[0]}/mirrored.jpg"] = encoded(ImageOps.mirror(photo(CAT)), "JPEG", quality=80)
    made[f"{FOLDERS[0]}/toned.jpg"] = encoded(toned(photo(CAT)), "JPEG", quality=80)
    return made


class Stored:
    """A library whose photos lie in a bucket, too."""

    def __init__(self, client: Any, library: Library) -> None:
        self.client, self.library, self.bucket = client, library, f"suggested-{next(NUMBERS)}"
        client.create_bucket(Bucket=self.bucket)
        keep_versions(client, self.bucket)
        for key, data in photos().items():
            self.put(key, data)
            place = library.folder / "files" / key
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=f"all/{key}", Body=data)

    def url(self, key: str = "") -> str:
        return f"s3://{self.bucket}/all/{key}".rstrip("/")

    @property
    def work(self) -> Path:
        return self.library.folder / "work"

    def find(self, *flags: str) -> Ran:
        by_tasks = ("--engine", "dask", "--work", str(self.work))
        return self.library.run("find", "--input-dir", self.url(), *by_tasks, *flags)

    def suggest(self, *flags: str) -> Ran:
        return self.library.run("suggest", "--work", str(self.work), "--json", *flags)

    def suggested(self, *flags: str) -> dict[str, str]:
        """What the rules give up, and for what."""
        ran = self.suggest(*flags)
        assert ran.code == 0, ran
        told = ran.facts["suggested"]
        top = self.url() + "/"
        return {o["path"].removeprefix(top): o["keeper"].removeprefix(top) for o in told}


@pytest.fixture
def stored(client: Any, library: Library, monkeypatch: pytest.MonkeyPatch) -> Stored:
    """Photos in a bucket of which a find has left the groups; the rules judge in this process."""

    @contextmanager
    def started(*_: object) -> Iterator[Any]:
        yield Here().run

    monkeypatch.setattr(running, "started", started)
    monkeypatch.setattr(suggest_objects, "started", started)
    made = Stored(client, library)
    assert made.find().code == 0
    return made


@pytest.mark.workers
def test_the_rules_choose_what_they_choose_among_the_same_files(stored: Stored) -> None:
    library, files = stored.library, str(stored.library.folder / "files")
    library.run("find", "--input-dir", files, "--no-report")
    expected = library.run("suggest", "--json").facts
    ran = stored.suggest()

    def within(top: str, told: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
        names = ("path", "keeper")
        return sorted(
            (*(str(one[name]).removeprefix(f"{top}/") for name in names), one["reason"])
            for one in told
        )

    assert within(stored.url(), ran.facts["suggested"]) == within(files, expected["suggested"])
    assert len(expected["suggested"]) >= 6
    assert [one["reason"] for one in ran.facts["undecided"]] == [
        one["reason"] for one in expected["undecided"]
    ]
    assert ran.facts["bytes"] == expected["bytes"]


@pytest.mark.workers
def test_what_is_listed_is_told_by_version_etag_and_digest_and_is_the_same_each_time(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suggest_objects, "OBJECTS_A_TASK", 3)
    before = stored.client.list_object_versions(Bucket=stored.bucket)["Versions"]
    assert stored.suggest().code == 0
    first = tree(stored.work / choices.PLACE)
    assert len(first) > 1
    stored.suggest()
    assert tree(stored.work / choices.PLACE) == first
    assert stored.client.list_object_versions(Bucket=stored.bucket)["Versions"] == before
    found = result.read(result.result_in(str(stored.work)))
    members = {member.url: member for member in found.members}
    listed = choices.read(choices.list_in(str(stored.work)), found)
    assert len(listed) >= 6
    for line in listed:
        for url, *told in (
            (line.victim, line.victim_version, line.victim_etag, line.victim_sha256),
            (line.survivor, line.survivor_version, line.survivor_etag, line.survivor_sha256),
        ):
            seen = members[url]
            assert told == [seen.version, seen.etag, seen.sha256]
            assert all(told)
        assert members[line.victim].group == members[line.survivor].group == line.group


@pytest.mark.workers
def test_a_dry_run_shows_the_same_and_leaves_nothing(stored: Stored) -> None:
    before = tree(stored.work)
    ran = stored.suggest("--dry-run")
    assert tree(stored.work) == before
    assert ran.facts["suggested"] == stored.suggest().facts["suggested"]


@pytest.mark.workers
def test_a_file_of_ones_own_beside_the_list_is_not_removed(stored: Stored) -> None:
    stored.suggested()
    (listed,) = (stored.work / "to_delete").iterdir()
    own = listed.with_name("as it was.parquet")
    own.write_bytes(before := listed.read_bytes())
    ran = stored.suggest()
    assert (ran.code, ran.facts["error"]) == (2, f"{own} isn't of suggest; move it elsewhere.")
    assert (own.read_bytes(), listed.read_bytes()) == (before, before)
    own.rename(stored.work / own.name)
    assert stored.suggest().code == 0


@pytest.mark.workers
def test_a_preferred_place_is_kept_and_one_that_holds_nothing_is_refused(stored: Stored) -> None:
    copy, first = f"{FOLDERS[1]}/0 copy.jpg", f"{FOLDERS[0]}/0.jpg"
    assert stored.suggested()[copy] == first
    assert stored.suggested("--prefer", stored.url(FOLDERS[1]))[first] == copy
    for place in (stored.url("2023"), str(stored.library.photos)):
        ran = stored.suggest("--prefer", place)
        assert (ran.code, "holds no picture of a group" in ran.err) == (2, True)


@pytest.mark.workers
def test_what_is_protected_or_has_something_beside_it_is_not_given_up(stored: Stored) -> None:
    doomed = [f"{FOLDERS[1]}/{n} copy.jpg" for n in range(3)]
    assert {*doomed} <= {*stored.suggested()}
    protected = stored.suggested("--protect", stored.url(doomed[0]))
    assert {*doomed} - {*protected} == {doomed[0]}
    stored.put(f"{FOLDERS[1]}/1 copy.xmp", b"words of a person")
    stored.put(f"{FOLDERS[1]}/1 copy.jpg.json", b"{}")
    stored.find("--protect", f"{FOLDERS[1]}/2*")
    assert {*doomed} - {*stored.suggested()} == {doomed[1], doomed[2]}


@pytest.mark.workers
def test_a_group_of_which_an_object_was_replaced_is_left_to_the_person(stored: Stored) -> None:
    listed = stored.client.list_object_versions(Bucket=stored.bucket)["Versions"]
    (one,) = [o for o in listed if o["Key"] == f"all/{FOLDERS[0]}/0.jpg"]
    stored.client.delete_object(Bucket=stored.bucket, Key=one["Key"], VersionId=one["VersionId"])
    ran = stored.suggest()
    reasons = [one["reason"] for one in ran.facts["undecided"]]
    assert any(reason.startswith("one can't be judged: s3://") for reason in reasons)
    assert not any("/0" in one["path"] for one in ran.facts["suggested"])


@pytest.mark.workers
def test_what_may_be_one_object_by_two_names_of_its_bucket_is_not_given_up(stored: Stored) -> None:
    """As cleanup keeps it, whatever is listed."""
    other = f"{stored.bucket}-2"
    stored.client.create_bucket(Bucket=other)
    data = photos()[f"{FOLDERS[0]}/0.jpg"]
    stored.client.put_object(Bucket=other, Key="0.jpg", Body=data)
    found = result.read(result.result_in(str(stored.work)))
    (one,) = [o for o in found.members if o.url == stored.url(f"{FOLDERS[0]}/0.jpg")]
    twin = replace(one, url=f"s3://{other}/0.jpg", version="")
    later = replace(twin, modified_ns=one.modified_ns + 1)
    with closing(Examiner(1)) as examiner:
        by = ([], {}, [stored.url()], "")
        (choice,), _ = choosing.judged(examiner, [one, later], *by)
        assert (choice.victim, choice.survivor) == (later.url, one.url)
        assert choosing.judged(examiner, [one, twin], *by) == ([], choosing.ONE_OBJECT)


@pytest.mark.workers
def test_what_is_asked_wrongly_of_suggest_is_refused(stored: Stored) -> None:
    ran = stored.suggest("--apply")
    assert (ran.code, "--apply: not with --work" in ran.err) == (2, True)
    with locking.locked(str(stored.work)):
        assert stored.suggest().code == 4


@pytest.mark.workers
def test_from_find_to_cleanup_one_of_each_picture_stays(client: Any, library: Library) -> None:
    """With workers in other processes, and the place of the work in the store, too."""
    stored = Stored(client, library)
    work = ("--work", stored.url("work"))
    given = ("--engine", "dask", *work, "--json")
    found = library.run("find", "--input-dir", stored.url(), *given).facts["groups"]
    assert library.run("suggest", *work).code == 0
    ran = library.run("cleanup", *work, "--yes", "--json", "--delete-mode", "trash")
    assert (ran.code, len(ran.facts["deleted"]) >= 6) == (0, True)
    listed = client.list_objects_v2(Bucket=stored.bucket)["Contents"]
    left = {f"s3://{stored.bucket}/{one['Key']}" for one in listed}
    assert not left.intersection(ran.facts["deleted"])
    for group in found:
        assert left.intersection(group)
    again = library.run("cleanup", *work, "--yes", "--json", "--delete-mode", "trash")
    assert (again.code, sorted(again.facts["gone"])) == (0, sorted(ran.facts["deleted"]))
