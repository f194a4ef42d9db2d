"""Objects are deleted as chosen, each after a proof, and nothing is lost by whatever happens."""

import hashlib
import itertools
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Library, Ran, collect, tree
from made_store import keep_versions, store_here
from test_cluster import Here

pytest.importorskip("distributed", reason="pip install -r extras/cluster/requirements.txt")
pytest.importorskip("pyarrow", reason="pip install -r extras/cluster/requirements.txt")

import pyarrow as pa

from actions.console import Console
from config import Exit, UserError
from disk import signature
from extras.actions import cleanup_objects
from extras.cluster import running
from extras.cluster.files import Work
from extras.objects import choices, locking, removal, result, tables
from extras.objects.choices import Choice
from extras.objects.removal import Outcome, Remover
from extras.objects.result import Member
from extras.objects.stores import S3, store_of

NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with store_here() as client:
        yield client


@dataclass
class Store:
    """A bucket with groups of objects in it, and the place of the work of their find."""

    client: Any
    library: Library
    bucket: str

    @property
    def work(self) -> str:
        return str(self.library.folder / "work")

    def url(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def put(self, key: str, data: bytes | None = None, bucket: str = "") -> None:
        self.client.put_object(Bucket=bucket or self.bucket, Key=key, Body=data or key.encode())

    def data(self, key: str) -> bytes | None:
        """What an object holds now, if it is there."""
        try:
            data: bytes = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except self.client.exceptions.NoSuchKey:
            return None
        return data

    def there(self) -> list[str]:
        listed = self.client.list_objects_v2(Bucket=self.bucket)
        return [one["Key"] for one in listed.get("Contents", ())]

    def history(self) -> list[tuple[str, str]]:
        """All versions and markers that there are."""
        listed = self.client.list_object_versions(Bucket=self.bucket)
        versions = [(one["Key"], "version") for one in listed.get("Versions", ())]
        return sorted(versions + [(o["Key"], "marker") for o in listed.get("DeleteMarkers", ())])

    # ---- What find and suggest leave

    def member(self, group: int, key: str, bucket: str = "") -> Member:
        """A picture of a group, as find sees it now."""
        url = f"s3://{bucket or self.bucket}/{key}"
        (one,) = [o for o in store_of(url).objects(url.rpartition("/")[0]) if o.path == url]
        digest = hashlib.sha256(store_of(url).read(one)).hexdigest()
        seen = (one.version, one.etag, one.size, one.mtime_ns, digest)
        return Member(group, url, *seen, 9, 9, "", "whole", 0, 1.0, "", "[]", "")

    def found(self, *groups: Sequence[str], **changes: Any) -> list[Member]:
        """Leave the result of a find that has grouped some keys."""
        signature.make_key()
        members = [
            replace(self.member(number, key), **changes)
            for number, keys in enumerate(groups, 1)
            for key in keys
        ]
        self.leave(members)
        return members

    def leave(self, members: Sequence[Member]) -> None:
        signature.make_key()
        self.members = {member.url: member for member in members}
        self.digest = result.write(result.result_in(self.work), members, [])

    def choose(self, *pairs: tuple[str, str], **changes: Any) -> None:
        """Have victims go for survivors."""
        lines = [
            replace(
                choices.chosen(self.members[self.url(v)], self.members[self.url(s)], "", "", ""),
                **{"result": self.digest, **changes},
            )
            for v, s in pairs
        ]
        self.list_lines(lines)

    def list_lines(self, lines: Sequence[Choice]) -> None:
        choices.write(choices.list_in(self.work), "groups", lines)

    def lines(self) -> list[Choice]:
        """The list of what is to go, as cleanup reads it."""
        listed = choices.list_in(self.work)
        return choices.read(listed, result.read(result.result_in(self.work)))

    def cleanup(self, *flags: str) -> Ran:
        given = () if "--delete-mode" in flags else ("--delete-mode", "trash")
        more = ("--work", self.work, "--yes", "--json", *given, *flags)
        return self.library.run("cleanup", *more)

    def log(self, which: str) -> list[Outcome]:
        log = removal.log_in(self.work)
        names = sorted(name for name in log.names() if name.endswith(which))
        return [row for name in names for row in tables.rows_of(Outcome, log.read(name))]


@pytest.fixture
def store(client: Any, library: Library, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Two groups in a bucket that keeps versions; tasks are done in this process."""

    @contextmanager
    def started(*_: object) -> Iterator[Any]:
        yield Here().run

    monkeypatch.setattr(cleanup_objects, "started", started)
    made = Store(client, library, f"bucket-{next(NUMBERS)}")
    client.create_bucket(Bucket=made.bucket)
    keep_versions(client, made.bucket)
    for key in ("a/1.jpg", "a/2.jpg", "a/3.jpg", "b/1.jpg", "b/2.jpg"):
        made.put(key)
    made.found(["a/1.jpg", "a/2.jpg", "a/3.jpg"], ["b/1.jpg", "b/2.jpg"])
    return made


@pytest.fixture
def unversioned(client: Any, store: Store) -> Store:
    """The same in a bucket that keeps no versions."""
    store.bucket = f"bucket-{next(NUMBERS)}"
    client.create_bucket(Bucket=store.bucket)
    for key in ("a/1.jpg", "a/2.jpg", "b/1.jpg"):
        store.put(key)
    store.found(["a/1.jpg", "a/2.jpg"], ["b/1.jpg"])
    return store


ALL = ["a/1.jpg", "a/2.jpg", "a/3.jpg", "b/1.jpg", "b/2.jpg"]


# ---- What goes


def test_what_was_chosen_goes_behind_a_marker_and_comes_back(store: Store) -> None:
    store.choose(("a/2.jpg", "a/1.jpg"), ("a/3.jpg", "a/1.jpg"), ("b/2.jpg", "b/1.jpg"))
    planned = store.cleanup("--dry-run").facts
    assert store.there() == ALL
    ran = store.cleanup()
    assert ran.code == 0
    assert ran.facts["delete"] == planned["delete"]
    assert ran.facts["bytes"] == planned["bytes"] == 21
    assert [url.removeprefix(store.url("")) for url in ran.facts["deleted"]] == [
        "a/2.jpg",
        "a/3.jpg",
        "b/2.jpg",
    ]
    assert store.there() == ["a/1.jpg", "b/1.jpg"]
    assert ran.facts["markers"] == {one.url: one.marker for one in store.log(removal.AFTER)}
    for outcome in store.log(removal.AFTER):
        key = outcome.url.removeprefix(store.url(""))
        store.client.delete_object(Bucket=store.bucket, Key=key, VersionId=outcome.marker)
    assert store.there() == ALL
    assert store.history() == [(key, "version") for key in ALL]  # no lock stays behind either


def test_each_deletion_is_in_the_log_before_the_object_goes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete, seen = Remover._delete, list[list[str]]()

    def looking(self: Remover, victim: Member) -> str:
        seen.append([line.url for line in store.log(removal.BEFORE)])
        return delete(self, victim)

    monkeypatch.setattr(Remover, "_delete", looking)
    store.choose(("a/2.jpg", "a/1.jpg"), ("b/2.jpg", "b/1.jpg"))
    store.cleanup()
    assert [store.url("a/2.jpg") in seen[0], store.url("b/2.jpg") in seen[1]] == [True, True]
    (line, _) = store.log(removal.AFTER)
    victim = store.members[store.url("a/2.jpg")]
    assert (line.version, line.etag, line.sha256) == (victim.version, victim.etag, victim.sha256)
    assert (line.survivor, line.state) == (store.url("a/1.jpg"), removal.DELETED)


def test_a_log_that_cannot_be_written_keeps_all(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Work.write

    def full(self: Work, name: str, columns: Any) -> None:
        if name.endswith(removal.BEFORE):
            raise OSError(28, "No space left on device")
        write(self, name, columns)

    monkeypatch.setattr(Work, "write", full)
    store.choose(("a/2.jpg", "a/1.jpg"))
    ran = store.cleanup()
    assert (ran.code, store.there()) == (2, ALL)
    assert "No space left on device" in ran.err


def test_a_second_run_finds_all_of_it_gone(store: Store) -> None:
    store.choose(("a/2.jpg", "a/1.jpg"))
    store.cleanup()
    history = store.history()
    ran = store.cleanup()
    assert (ran.code, ran.facts["gone"], ran.facts["delete"]) == (0, [store.url("a/2.jpg")], [])
    assert "Deleted before: 1 object; what of that was brought back stays." in ran.err
    assert store.history() == history


@pytest.mark.workers
def test_workers_in_other_processes_delete_as_well(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup_objects, "started", running.started)
    store.choose(("a/2.jpg", "a/1.jpg"), ("b/2.jpg", "b/1.jpg"))
    assert store.cleanup().code == 0
    assert store.there() == ["a/1.jpg", "a/3.jpg", "b/1.jpg"]


def test_a_botocore_that_would_pass_over_if_match_deletes_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Old:
        """As the session of one that is too old."""

        members = ("Bucket", "Key")

        def get_service_model(self, _: str) -> "Old":
            return self

        def operation_model(self, _: str) -> "Old":
            return self

        input_shape = property(lambda self: self)

    removal.check_can_compare.cache_clear()
    monkeypatch.setattr(removal, "named", lambda _: Old)
    store.choose(("a/2.jpg", "a/1.jpg"))
    ran = store.cleanup()
    assert (ran.code, "botocore is too old" in ran.err, store.there()) == (2, True, ALL)


# ---- What the list says


@pytest.mark.parametrize("place", ["in a folder", "in the store"])
def test_a_list_that_is_edited_as_the_docs_say_is_what_goes(
    place: str, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if place == "in the store":
        monkeypatch.setattr(Store, "work", property(lambda self: self.url("work")))
        store.leave(list(store.members.values()))
    store.choose(("a/2.jpg", "a/1.jpg"), ("b/2.jpg", "b/1.jpg"))
    listed = store.lines()
    page = (ROOT / "docs" / "large-libraries.md").read_text("utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    for theirs, ours in {
        "s3://BUCKET/find-work": store.work,
        "s3://BUCKET/2024/weddings/": store.url("b/"),
    }.items():
        assert theirs in code
        code = code.replace(theirs, ours)
    exec(code, {})
    assert capsys.readouterr().out == f"{store.url('a/2.jpg')} for {store.url('a/1.jpg')} \n"
    assert store.lines() == listed[:1]
    assert store.cleanup().facts["deleted"] == [store.url("a/2.jpg")]
    exec(code.replace(store.url("b/"), store.url("")), {})
    assert (store.lines(), store.cleanup().code, store.data("b/2.jpg")) == ([], 0, b"b/2.jpg")


@pytest.mark.parametrize(
    ("pairs", "changes", "said"),
    [
        ([("a/1.jpg", "a/1.jpg")], {}, "what is to stay for it is to be deleted, too"),
        ([("a/1.jpg", "b/1.jpg")], {}, "what is to stay for it is not in its group"),
        (
            [("a/1.jpg", "a/2.jpg"), ("a/2.jpg", "a/1.jpg")],
            {},
            "what is to stay for it is to be deleted, too",
        ),
        ([("a/1.jpg", "a/2.jpg")], {"victim_etag": "0"}, "the list has another version of it"),
        ([("a/1.jpg", "a/2.jpg")], {"victim_version": "0"}, "the list has another version of it"),
        ([("a/1.jpg", "a/2.jpg")], {"victim_sha256": "0"}, "the list has another version of it"),
        ([("a/1.jpg", "a/2.jpg")], {"survivor_etag": "0"}, "another version of what is to stay"),
        ([("a/1.jpg", "a/2.jpg")], {"survivor": "s3://x/y"}, "is to stay for it is not in its"),
    ],
)
def test_a_line_of_the_list_that_proves_nothing_keeps_its_object(
    pairs: Sequence[tuple[str, str]], changes: dict[str, str], said: str, store: Store
) -> None:
    store.choose(*pairs, **changes)
    ran = store.cleanup()
    assert ran.code == 1
    assert {item["path"] for item in ran.facts["kept"]} == {store.url(pair[0]) for pair in pairs}
    assert all(said in item["reason"] for item in ran.facts["kept"])
    assert (store.there(), store.history()) == (ALL, [(key, "version") for key in ALL])


def test_of_a_chain_only_what_has_a_survivor_that_stays_goes(store: Store) -> None:
    store.choose(("a/1.jpg", "a/2.jpg"), ("a/2.jpg", "a/3.jpg"))
    assert store.cleanup().code == 1
    assert store.there() == ["a/1.jpg", "a/3.jpg", "b/1.jpg", "b/2.jpg"]


def test_a_victim_that_is_named_twice_goes_once(store: Store) -> None:
    store.choose(("a/1.jpg", "a/2.jpg"), ("a/1.jpg", "a/3.jpg"))
    ran = store.cleanup()
    assert ran.facts["deleted"] == [store.url("a/1.jpg")]


def test_an_object_by_two_names_of_its_bucket_is_no_survivor_of_itself(
    store: Store,
) -> None:
    """As by an access point: here a bucket with the same objects stands for another name of it."""
    one = store.member(1, "a/1.jpg")
    other = replace(one, url="s3://another-name/a/1.jpg")
    without = [replace(member, version="", group=2) for member in (one, other)]
    for pair in ([one, other], without):
        store.leave(pair)
        store.list_lines([choices.chosen(pair[0], pair[1], "", "", store.digest)])
        ran = store.cleanup()
        (kept,) = ran.facts["kept"]
        assert kept["reason"] == ("what is to stay for it may be the same object by another way")
    assert store.there() == ALL


def test_a_result_that_names_an_access_point_is_refused(store: Store) -> None:
    """An earlier find may have left it; seconds apart, nothing would tell that both are one."""
    one = store.member(1, "a/1.jpg")
    for name in ("points-hrzrlukc5m36ft7okse1b-s3alias", "arn:aws:s3:us-east-1:1:accesspoint/x"):
        later = one.modified_ns + 10**10
        other = replace(one, url=f"s3://{name}/a/1.jpg", modified_ns=later, version="")
        store.leave([one, other])
        store.list_lines([choices.chosen(one, other, "", "", store.digest)])
        for action in ("cleanup", "suggest"):
            ran = store.library.run(action, "--work", store.work)
            assert (ran.code, ran.err.count("\n")) == (3, 1)
            assert f"{store.work}/result has s3://{name}/a/1.jpg, which is an access p" in ran.err
    assert store.there() == ALL


def test_one_version_by_two_names_is_one_object(store: Store) -> None:
    """As where another name of a bucket begins further in."""
    one = store.member(1, "a/1.jpg")
    other = replace(one, url="s3://another-name/1.jpg", modified_ns=one.modified_ns + 10**9)
    store.leave([one, other])
    store.list_lines([choices.chosen(one, other, "", "", store.digest)])
    (kept,) = store.cleanup().facts["kept"]
    assert kept["reason"] == "what is to stay for it may be the same object by another way"


def test_what_is_no_photo_by_its_name_stays_whoever_lists_it(store: Store) -> None:
    store.put("a/words.txt")
    store.leave([store.member(1, "a/1.jpg"), store.member(1, "a/words.txt")])
    store.choose(("a/words.txt", "a/1.jpg"))
    (kept,) = store.cleanup().facts["kept"]
    assert kept["reason"] == "it is no photo by its name"
    assert store.data("a/words.txt")


def test_a_list_that_names_what_find_did_not_record_ends_the_run(store: Store) -> None:
    store.choose(("a/1.jpg", "a/2.jpg"), victim="s3://other/x.jpg")
    ran = store.cleanup()
    assert (ran.code, store.there()) == (3, ALL)
    assert "names s3://other/x.jpg, which is in no group" in ran.err


@pytest.mark.parametrize("what", ["nothing", "of another result", "no columns"])
def test_a_list_that_cannot_be_trusted_ends_the_run(what: str, store: Store) -> None:
    if what == "of another result":
        store.choose(("a/1.jpg", "a/2.jpg"), result="0")
    elif what == "no columns":
        choices.list_in(store.work).write("groups", {"x": [1]})
    ran = store.cleanup()
    assert (ran.code, store.there()) == (3, ALL)
    assert "--action suggest" in ran.err


def test_a_list_in_which_a_program_left_a_name_empty_ends_the_run(store: Store) -> None:
    store.choose(("a/1.jpg", "a/2.jpg"), ("b/1.jpg", "b/2.jpg"))
    listed = choices.list_in(store.work)
    columns = {name: list(column) for name, column in listed.read("groups").items()}
    listed.write("groups", {**columns, "survivor": [None, columns["survivor"][1]]})
    ran = store.cleanup()
    assert (ran.code, store.there()) == (3, ALL)
    assert "has a file without a value of survivor in each line" in ran.err


def test_a_result_that_another_made_or_changed_is_not_believed(store: Store) -> None:
    store.choose(("a/1.jpg", "a/2.jpg"))
    place = result.result_in(store.work)
    signed = {name: list(column) for name, column in place.read("signed").items()}
    place.write("signed", {**signed, "signature": ["0" * 64]})
    ran = store.cleanup()
    assert (ran.code, "isn't signed with your key" in ran.err, store.there()) == (3, True, ALL)
    groups = place.read("groups")
    place.write("groups", {**groups, "sha256": ["0" * 64] * len(groups["url"])})
    ran = store.cleanup("--trust-result")
    assert (ran.code, "was changed" in ran.err, store.there()) == (3, True, ALL)


def test_a_result_of_another_user_can_be_trusted_by_a_person(store: Store) -> None:
    store.choose(("a/1.jpg", "a/2.jpg"))
    place = result.result_in(store.work)
    signed = {name: list(column) for name, column in place.read("signed").items()}
    place.write("signed", {**signed, "signature": [""]})
    ran = store.cleanup("--trust-result")
    assert (ran.code, ran.facts["reach"]) == (0, {store.url("a"): 3, store.url("b"): 2})
    assert "a/1.jpg" not in store.there()


@pytest.mark.parametrize("place", [choices.list_in, removal.log_in, result.result_in])
def test_a_damaged_file_of_what_was_chosen_or_deleted_stays_and_ends_the_run(
    place: Callable[[str], Work], store: Store
) -> None:
    """Of a list a person has edited it, and a log alone says what brings objects back."""
    store.choose(("a/1.jpg", "a/2.jpg"))
    store.cleanup()
    there = store.there()
    work = place(store.work)
    for name in work.names():
        file = Path(work.url, f"{name}.parquet")
        file.write_bytes(file.read_bytes()[:-3])
    names = work.names()
    ran = store.cleanup()
    assert (ran.code, work.names(), store.there()) == (3, names, there)
    assert "damaged" in ran.err or "was changed" in ran.err


@pytest.mark.parametrize(
    ("place", "ending", "column"),
    [
        (result.result_in, "signed", "digest"),
        (result.result_in, "groups", "beside"),
        (result.result_in, "matches", "measure"),
        (removal.log_in, f"-{removal.AFTER}", "marker"),
    ],
)
def test_a_file_that_lacks_a_column_ends_the_run_and_stays(
    place: Callable[[str], Work], ending: str, column: str, store: Store
) -> None:
    """As one that another version left, or in which a bit of a name is another one."""
    store.choose(("a/1.jpg", "a/2.jpg"))
    store.cleanup()
    there, work = store.there(), place(store.work)
    (name,) = (name for name in work.names() if name.endswith(ending))
    columns = {known: list(values) for known, values in work.read(name).items()}
    columns[column.upper()] = columns.pop(column)
    if not columns[column.upper()]:
        columns = {known: pa.array([], pa.string()) for known in columns}
    work.write(name, columns)
    if ending in ("groups", "matches"):
        key = signature.load_key()
        assert key is not None
        digest = result._digest_of(work)
        own = signature.signature_of(digest.encode(), key)
        work.write("signed", {"digest": [digest], "signature": [own]})
    before = tree(Path(work.url))
    ran = store.cleanup()
    assert (ran.code, ran.err.count("\n")) == (3, 1), ran.err
    assert f"has a file without '{column}'; " in ran.err
    assert (store.there(), tree(Path(work.url))) == (there, before)


@pytest.mark.parametrize("name", ["all", "run-after", "runs-group1-before", "my-after"])
def test_a_file_of_ones_own_beside_the_log_is_passed_over(name: str, store: Store) -> None:
    removal.log_in(store.work).write(name, {"x": [1]})
    store.choose(("a/1.jpg", "a/2.jpg"))
    assert store.cleanup("--dry-run").code == 0
    assert (store.cleanup().code, store.there()) == (0, [key for key in ALL if key != "a/1.jpg"])
    assert store.cleanup().facts["gone"] == [store.url("a/1.jpg")]


def test_whatever_bit_of_what_was_signed_is_another_one_the_run_says_so(store: Store) -> None:
    file = Path(result.result_in(store.work).url, "signed.parquet")
    whole, read = file.read_bytes(), result.read(result.result_in(store.work))
    for bit in range(0, 8 * len(whole), 7):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        file.write_bytes(data)
        try:
            assert result.read(result.result_in(store.work)) == read  # nothing reads that bit
        except UserError as error:
            assert error.code == Exit.STATE


# ---- Protected


@pytest.mark.parametrize("entry", ["s3://{}/a", "S3://{}/A/1.JPG", "a/*", "[1].jpg", "*.JPG"])
def test_what_is_protected_stays_by_what_find_was_told_or_is_told_now(
    entry: str, store: Store
) -> None:
    store.choose(("a/1.jpg", "a/2.jpg"))
    ran = store.cleanup("--protect", entry.format(store.bucket))
    (kept,) = ran.facts["kept"]
    assert "it is protected" in kept["reason"]
    store.found(["a/1.jpg", "a/2.jpg"], protected="it is protected (x)")
    store.choose(("a/1.jpg", "a/2.jpg"))
    assert store.cleanup().facts["kept"] == [{**kept, "reason": "it is protected (x)"}]
    assert store.there() == ALL


def test_what_is_protected_may_be_written_as_another_client_writes_it(store: Store) -> None:
    store.choose(("a/1.jpg", "a/2.jpg"))
    ran = store.cleanup("--protect", f"s3a://{store.bucket}/a/")
    assert (len(ran.facts["kept"]), ran.facts["delete"], store.there()) == (1, [], ALL)


def test_a_slip_in_what_is_protected_is_said(store: Store) -> None:
    store.choose(("a/1.jpg", "a/2.jpg"))
    slips = ("--protect", f"s3://{store.bucket}/aa", "--protect", "*.nef", "--protect", "a/*")
    ran = store.cleanup("--dry-run", *slips)
    said = [line for line in ran.err.splitlines() if "names no picture of a group" in line]
    assert [line.split()[2] for line in said] == [slips[1], slips[3]]


def test_a_protected_path_is_refused_as_it_protects_no_object(store: Store) -> None:
    store.choose(("a/1.jpg", "a/2.jpg"))
    (store.library.photos / "1.jpg").write_bytes(b"")
    for path in (str(store.library.photos), str(store.library.photos / "1.jpg")):
        ran = store.cleanup("--protect", path)
        assert (ran.code, "is a path, and protects no object" in ran.err) == (2, True)
    ran = store.cleanup("--protect", f"s3://{store.bucket}/b")
    assert ran.code == 0


# ---- What became of the objects meanwhile


def replaced(store: Store, key: str) -> None:
    store.put(key, b"another")


def deleted(store: Store, key: str) -> None:
    store.client.delete_object(Bucket=store.bucket, Key=key)


def put_again(store: Store, key: str) -> None:
    """The same bytes, as another version; the clock of the store goes on by whole seconds."""
    store.put(key)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (replaced, "what is to stay for it was replaced since find saw it"),
        (deleted, "what is to stay for it is gone"),
        (put_again, "what is to stay for it was replaced since find saw it"),
    ],
)
def test_a_survivor_that_changed_keeps_its_victims(
    change: Callable[[Store, str], None], said: str, store: Store
) -> None:
    store.choose(("a/2.jpg", "a/1.jpg"), ("a/3.jpg", "a/1.jpg"), ("b/2.jpg", "b/1.jpg"))
    change(store, "a/1.jpg")
    ran = store.cleanup()
    assert ran.code == 1
    assert [item["reason"] for item in ran.facts["kept"]] == [said] * 2
    assert {"a/2.jpg", "a/3.jpg"} <= {*store.there()}
    assert "b/2.jpg" not in store.there()


def test_a_survivor_whose_bytes_are_not_those_that_find_saw_keeps_its_victims(
    store: Store,
) -> None:
    store.found(["a/1.jpg", "a/2.jpg"], sha256="0" * 64)
    store.choose(("a/2.jpg", "a/1.jpg"))
    (kept,) = store.cleanup().facts["kept"]
    assert kept["reason"] == "what is to stay for it has other bytes than find saw"
    assert store.there() == ALL


@pytest.mark.parametrize("change", [replaced, put_again])
def test_a_victim_that_was_edited_stays(change: Callable[[Store, str], None], store: Store) -> None:
    store.choose(("a/2.jpg", "a/1.jpg"))
    change(store, "a/2.jpg")
    ran = store.cleanup()
    (kept,) = ran.facts["kept"]
    assert (ran.code, kept["reason"]) == (1, removal.REPLACED)
    assert store.there() == ALL


def test_a_victim_that_is_gone_is_left_alone(store: Store) -> None:
    store.choose(("a/2.jpg", "a/1.jpg"))
    deleted(store, "a/2.jpg")
    history = store.history()
    ran = store.cleanup()
    assert (ran.code, ran.facts["gone"], store.history()) == (0, [store.url("a/2.jpg")], history)


def in_the_last_moment(
    monkeypatch: pytest.MonkeyPatch, do: Callable[[], object], *, before: bool
) -> None:
    """Do something just before, or just after, an object is deleted."""
    delete = Remover._delete

    def meanwhile(self: Remover, victim: Member) -> str:
        if before:
            do()
        marker = delete(self, victim)
        if not before:
            do()
        return marker

    monkeypatch.setattr(Remover, "_delete", meanwhile)


def heed_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a store pass over If-Match when it deletes, as some do."""
    call = S3("s3").fs.call_s3

    def calls(_: object, method: str, **given: Any) -> Any:
        if method == "delete_object":
            given.pop("IfMatch", None)
        return call(method, **given)

    monkeypatch.setattr(type(S3("s3").fs), "call_s3", calls)


@pytest.mark.parametrize("heeded", [True, False])
def test_a_victim_that_is_edited_in_the_last_moment_stays(
    heeded: bool, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not heeded:
        heed_nothing(monkeypatch)
    store.choose(("a/2.jpg", "a/1.jpg"))
    in_the_last_moment(monkeypatch, lambda: replaced(store, "a/2.jpg"), before=True)
    ran = store.cleanup()
    (kept,) = ran.facts["kept"]
    assert (ran.code, kept["reason"]) == (1, removal.AT_ONCE)
    assert store.data("a/2.jpg") == b"another"
    assert ("a/2.jpg", "marker") not in store.history()


def test_what_is_put_after_a_deletion_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.choose(("a/2.jpg", "a/1.jpg"))
    in_the_last_moment(monkeypatch, lambda: replaced(store, "a/2.jpg"), before=False)
    store.cleanup()
    assert store.data("a/2.jpg") == b"another"


@pytest.mark.parametrize("change", [replaced, deleted])
def test_a_survivor_that_changes_in_the_last_moment_brings_its_victim_back(
    change: Callable[[Store, str], None], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.choose(("a/2.jpg", "a/1.jpg"))
    in_the_last_moment(monkeypatch, lambda: change(store, "a/1.jpg"), before=False)
    ran = store.cleanup()
    (kept,) = ran.facts["kept"]
    assert (ran.code, "what is to stay for it" in kept["reason"]) == (1, True)
    assert store.data("a/2.jpg") == b"a/2.jpg"


def no_answer() -> Exception:
    """What botocore raises once a store has let it wait; it is no OSError."""
    from botocore.exceptions import ReadTimeoutError

    return ReadTimeoutError(endpoint_url="s3://here")


@pytest.mark.parametrize("error", [lambda: OSError("the connection broke"), no_answer])
def test_a_deletion_of_which_the_answer_is_lost_is_known_and_can_be_undone(
    error: Callable[[], Exception], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = Remover._delete

    def lost(self: Remover, victim: Member) -> str:
        delete(self, victim)
        raise error()

    monkeypatch.setattr(Remover, "_delete", lost)
    store.choose(("a/2.jpg", "a/1.jpg"))
    ran = store.cleanup()
    assert (ran.code, ran.facts["deleted"]) == (0, [store.url("a/2.jpg")])
    (outcome,) = store.log(removal.AFTER)
    store.client.delete_object(Bucket=store.bucket, Key="a/2.jpg", VersionId=outcome.marker)
    assert store.data("a/2.jpg") == b"a/2.jpg"


def silent_after(
    monkeypatch: pytest.MonkeyPatch, silent: Callable[[str, dict[str, Any]], bool]
) -> None:
    """Have the store answer some requests no more, once something was deleted."""
    delete, call = Remover._delete, S3("s3").fs.call_s3
    deleted: list[str] = []

    def deleting(self: Remover, victim: Member) -> str:
        marker = delete(self, victim)
        deleted.append(victim.url)
        return marker

    def calls(_: object, method: str, **given: Any) -> Any:
        if deleted and silent(method, given):
            raise no_answer()
        return call(method, **given)

    monkeypatch.setattr(Remover, "_delete", deleting)
    monkeypatch.setattr(type(S3("s3").fs), "call_s3", calls)


@pytest.mark.parametrize("method", ["list_object_versions", "head_object"])
def test_a_victim_comes_back_if_nobody_can_tell_what_stays_for_it(
    method: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent_after(monkeypatch, lambda asked, _: asked == method)
    store.choose(("a/2.jpg", "a/1.jpg"))
    ran = store.cleanup()
    (kept,) = ran.facts["kept"]
    assert (ran.code, "the store didn't say what was to stay" in kept["reason"]) == (1, True)
    assert (store.there(), store.history()) == (ALL, [(key, "version") for key in ALL])


def test_a_victim_that_cannot_be_brought_back_is_named_and_its_marker_noted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        silent_after(
            patch,
            lambda asked, given: (
                asked == "list_object_versions" or given.get("VersionId", "") != ""
            ),
        )
        store.choose(("a/2.jpg", "a/1.jpg"))
        ran = store.cleanup()
    (told,) = ran.facts["deleted_though"]
    assert (ran.code, ran.facts["deleted"]) == (1, [store.url("a/2.jpg")])
    assert "it can't be brought back" in told["reason"]
    (outcome,) = store.log(removal.AFTER)
    store.client.delete_object(Bucket=store.bucket, Key="a/2.jpg", VersionId=outcome.marker)
    assert store.data("a/2.jpg") == b"a/2.jpg"


def test_what_may_have_gone_is_said_and_the_next_cleanup_knows(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete, silent = Remover._delete, list[bool]()
    call = S3("s3").fs.call_s3

    def lost(self: Remover, victim: Member) -> str:
        delete(self, victim)
        silent.append(True)
        raise no_answer()

    def calls(_: object, method: str, **given: Any) -> Any:
        if silent and method == "head_object":
            raise no_answer()
        return call(method, **given)

    store.choose(("a/2.jpg", "a/1.jpg"))
    with monkeypatch.context() as patch:
        patch.setattr(Remover, "_delete", lost)
        patch.setattr(type(S3("s3").fs), "call_s3", calls)
        ran = store.cleanup()
    (kept,) = ran.facts["kept"]
    assert (ran.code, "it may be gone; run it again" in kept["reason"]) == (1, True)
    ran = store.cleanup()
    assert (ran.code, ran.facts["gone"]) == (0, [store.url("a/2.jpg")])
    (outcome,) = (one for one in store.log(removal.AFTER) if one.marker)
    store.client.delete_object(Bucket=store.bucket, Key="a/2.jpg", VersionId=outcome.marker)
    assert store.data("a/2.jpg") == b"a/2.jpg"


def busy() -> OSError:
    """What s3fs makes of a store's answer that it is asked too much; its number is not telling."""
    return refused("SlowDown", 503, "Please slow down")


def refused(code: str, status: int, message: str) -> OSError:
    """What s3fs makes of a store's answer."""
    from botocore.exceptions import ClientError
    from s3fs.errors import translate_boto_error

    told = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    made: OSError = translate_boto_error(ClientError(told, "DeleteObject"), message)
    return made


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (lambda: refused("AccessDenied", 403, "Access Denied"), "it takes the right"),
        (lambda: refused("InvalidAccessKeyId", 403, "no such key"), "check the address and what"),
        (no_answer, "check the address and what"),
        (busy, "or run it again later"),
    ],
)
@pytest.mark.parametrize(
    ("asked", "right"),
    [
        ("get_bucket_versioning", "s3:GetBucketVersioning"),
        ("put_object", "to write there"),
        ("list_objects_v2", "to list what is there"),
    ],
)
def test_what_a_store_refuses_is_said_with_the_right_it_takes_if_one_is_missing(
    asked: str, right: str, error: Any, remedy: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = S3("s3").fs.call_s3

    def calls(_: object, method: str, **given: Any) -> Any:
        if method == asked:
            raise error()
        return call(method, **given)

    store.choose(("a/2.jpg", "a/1.jpg"))
    flags = ("--work", store.work, "--yes", "--delete-mode", "trash")
    with monkeypatch.context() as patch:
        patch.setattr(type(S3("s3").fs), "call_s3", calls)
        if asked == "list_objects_v2":

            def no_list(_: object) -> set[str]:
                raise error()

            patch.setattr(Work, "names", no_list)
            flags = ("--work", store.url("work"))
        ran = store.library.run("cleanup", *flags)
    said = f"{remedy} {right}." if remedy.startswith("it takes") else remedy
    assert (ran.code, ran.err.count("\n")) == (2, 1), ran.err
    assert said in ran.err
    assert ("it takes the right" in ran.err) is remedy.startswith("it takes")
    assert store.there() == ALL


def test_a_store_that_is_asked_too_much_is_not_taken_for_one_that_compares(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = S3("s3").fs.call_s3

    def calls(_: object, method: str, **given: Any) -> Any:
        if method == "delete_object" and "IfMatch" in given:
            raise busy()
        if method == "put_object" and "IfNoneMatch" in given and is_full:
            raise busy()
        return call(method, **given)

    is_full = False
    monkeypatch.setattr(type(S3("s3").fs), "call_s3", calls)
    store.choose(("a/2.jpg", "a/1.jpg"))
    (kept,) = store.cleanup().facts["kept"]
    assert kept["reason"] == "the store refuses: [Errno 16] Please slow down"
    with pytest.raises(UserError, match=r"heeds If-Match: .*Please slow down; .* again later"):
        removal.heeds_if_match(store.bucket)
    is_full = True
    ran = store.cleanup()
    assert (ran.code, "no lock can be put to" in ran.err) == (2, True)
    assert store.there() == ALL


def test_a_store_that_compares_with_what_is_not_there_heeds_if_match(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def calls(*_: object, **__: object) -> Any:
        raise refused("PreconditionFailed", 412, "it isn't there")

    monkeypatch.setattr(type(S3("s3").fs), "call_s3", calls)
    assert removal.heeds_if_match(store.bucket)


def test_a_store_that_refuses_one_deletion_keeps_it_and_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = Remover._delete

    def refusing(self: Remover, victim: Member) -> str:
        if victim.url.endswith("a/2.jpg"):
            raise PermissionError("Access Denied")
        return delete(self, victim)

    monkeypatch.setattr(Remover, "_delete", refusing)
    store.choose(("a/2.jpg", "a/1.jpg"), ("a/3.jpg", "a/1.jpg"))
    ran = store.cleanup()
    (kept,) = ran.facts["kept"]
    assert (ran.code, kept["reason"]) == (1, "the store refuses: Access Denied")
    assert store.there() == ["a/1.jpg", "a/2.jpg", "b/1.jpg", "b/2.jpg"]


@pytest.mark.parametrize("after", range(3))
def test_a_cleanup_that_is_killed_half_way_is_completed_by_the_next(
    after: int, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before the first deletion, between two, or before it is noted what became of them."""
    delete, count = Remover._delete, itertools.count()

    class Killed(BaseException):
        pass

    def deadly(self: Remover, victim: Member) -> str:
        if next(count) == after:
            raise Killed
        return delete(self, victim)

    store.choose(("a/2.jpg", "a/1.jpg"), ("a/3.jpg", "a/1.jpg"), ("b/2.jpg", "b/1.jpg"))
    with monkeypatch.context() as patch:
        patch.setattr(Remover, "_delete", deadly)
        with pytest.raises(Killed):
            store.cleanup()
    assert len(store.log(removal.BEFORE)) >= after
    ran = store.cleanup()
    assert ran.code == 0
    assert store.there() == ["a/1.jpg", "b/1.jpg"]
    assert [kind for _, kind in store.history()].count("marker") == 3
    for outcome in store.log(removal.AFTER):  # also of what the first one deleted
        key = outcome.url.removeprefix(store.url(""))
        store.client.delete_object(Bucket=store.bucket, Key=key, VersionId=outcome.marker)
    assert store.there() == ALL


@pytest.mark.parametrize("ended", [True, False])
def test_an_interrupted_cleanup_tells_of_what_its_workers_deleted_until_they_ended(
    ended: bool, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They go on while it ends; one may be ended before it has noted what came of its group."""
    here, delete = Here(), Remover._delete

    def deadly(self: Remover, victim: Member) -> str:
        if not ended and victim.url == store.url("b/2.jpg"):
            raise SystemExit
        return delete(self, victim)

    @contextmanager
    def started(*_: object) -> Iterator[Any]:
        given: list[Any] = []

        def run(tasks: Sequence[Any]) -> Iterator[Any]:
            given.extend(here.run(tasks[:1]))
            given.append(tasks[1:])
            raise KeyboardInterrupt
            yield

        try:
            yield run
        finally:
            with suppress(SystemExit):
                list(here.run(given[-1]))

    store.choose(("a/2.jpg", "a/1.jpg"), ("b/2.jpg", "b/1.jpg"))
    with monkeypatch.context() as patch:
        patch.setattr(Remover, "_delete", deadly)
        patch.setattr(cleanup_objects, "started", started)
        ran = store.cleanup()
    gone = [store.url(key) for key in ("a/2.jpg", "b/2.jpg")]
    told, unsure = (gone, []) if ended else (gone[:1], gone[1:])
    assert (ran.code, ran.facts["deleted"], ran.facts["unsure"]) == (130, told, unsure)
    assert f"Deleted: {len(told)} object" in ran.err
    assert [*ran.facts["markers"]] == told
    assert ("some may be gone; run it again to know (1):" in ran.err) is not ended
    assert store.cleanup().facts["gone"] == told
    assert store.data("b/2.jpg") is None


def test_what_was_brought_back_stays_whatever_the_list_says(store: Store) -> None:
    store.choose(("a/2.jpg", "a/1.jpg"))
    store.cleanup()
    (outcome,) = store.log(removal.AFTER)
    store.client.delete_object(Bucket=store.bucket, Key="a/2.jpg", VersionId=outcome.marker)
    assert store.cleanup().facts["delete"] == []
    assert store.there() == ALL


# ---- Buckets without versions


@pytest.mark.parametrize("status", ["", "Suspended"])
def test_a_bucket_that_keeps_no_versions_is_refused_unless_for_good(
    status: str, unversioned: Store
) -> None:
    if status:
        keep_versions(unversioned.client, unversioned.bucket)
        keep_versions(unversioned.client, unversioned.bucket, status)
    unversioned.choose(("a/2.jpg", "a/1.jpg"))
    for flags in ((), ("--dry-run",)):
        ran = unversioned.cleanup(*flags)
        assert ran.code == 2
        assert "keeps no versions" in ran.err
        assert "or use --delete-mode permanent" in ran.err
    assert unversioned.there() == ["a/1.jpg", "a/2.jpg", "b/1.jpg"]
    ran = unversioned.cleanup("--delete-mode", "permanent")
    assert (ran.code, ran.facts["for_good"]) == (0, [unversioned.bucket])
    assert unversioned.there() == ["a/1.jpg", "b/1.jpg"]


def test_a_bucket_that_keeps_no_versions_since_a_person_was_asked_loses_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def agreed(*_: object) -> bool:
        keep_versions(store.client, store.bucket, "Suspended")
        return True

    monkeypatch.setattr(Console, "agreed", agreed)
    store.choose(("a/2.jpg", "a/1.jpg"))
    ran = store.library.run("cleanup", "--work", store.work)
    assert (ran.code, "keeps no versions" in ran.err, store.there()) == (2, True, ALL)


def test_without_versions_a_victim_that_is_edited_in_the_last_moment_stays(
    unversioned: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    unversioned.choose(("a/2.jpg", "a/1.jpg"))
    in_the_last_moment(monkeypatch, lambda: replaced(unversioned, "a/2.jpg"), before=True)
    ran = unversioned.cleanup("--delete-mode", "permanent")
    (kept,) = ran.facts["kept"]
    assert (kept["reason"], unversioned.data("a/2.jpg")) == (removal.AT_ONCE, b"another")
    assert "heed If-Match" not in ran.err


def test_where_a_store_does_not_compare_it_is_looked_just_before_and_said(
    unversioned: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    heed_nothing(monkeypatch)
    unversioned.choose(("a/2.jpg", "a/1.jpg"))
    replaced(unversioned, "a/2.jpg")
    ran = unversioned.cleanup("--delete-mode", "permanent")
    assert "doesn't heed If-Match, so each object is looked at just before it goes" in ran.err
    assert unversioned.data("a/2.jpg") == b"another"


def test_without_versions_a_victim_that_was_put_again_stays(unversioned: Store) -> None:
    """By its time alone, as it has the bytes of before; whoever put it again wants it there."""
    seen = list(unversioned.members.values())
    doomed = replace(seen[1], modified_ns=seen[1].modified_ns - 3600 * removal.SECOND)
    unversioned.leave([seen[0], doomed])
    unversioned.choose(("a/2.jpg", "a/1.jpg"))
    (kept,) = unversioned.cleanup("--delete-mode", "permanent").facts["kept"]
    assert (kept["reason"], unversioned.data("a/2.jpg")) == (removal.REPLACED, b"a/2.jpg")


def test_a_survivor_without_versions_that_was_replaced_keeps_its_victims(
    unversioned: Store,
) -> None:
    unversioned.choose(("a/2.jpg", "a/1.jpg"))
    replaced(unversioned, "a/1.jpg")
    ran = unversioned.cleanup("--delete-mode", "permanent")
    (kept,) = ran.facts["kept"]
    assert "what is to stay for it can't be read: it was replaced" in kept["reason"]
    assert unversioned.there() == ["a/1.jpg", "a/2.jpg", "b/1.jpg"]


def test_a_person_is_asked_whether_it_goes_for_good(
    unversioned: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(Console, "agreed", lambda _, question: asked.append(question))
    unversioned.choose(("a/2.jpg", "a/1.jpg"))
    work = ("--work", unversioned.work)
    ran = unversioned.library.run("cleanup", *work, "--delete-mode", "permanent")
    assert (ran.code, asked) == (1, ["Delete 1 object for good?"])
    assert unversioned.there() == ["a/1.jpg", "a/2.jpg", "b/1.jpg"]


# ---- Who is asked


@pytest.mark.workers
@pytest.mark.parametrize(
    ("given", "code", "said"),
    [(b"", 0, "Deleted: 1 object"), (b"y\n", 0, "[y/N]"), (b"n\n", 1, "Nothing was deleted.")],
)
def test_a_script_is_asked_as_by_the_cleanup_of_files(
    given: bytes, code: int, said: str, store: Store
) -> None:
    """By what waits on its input; where nothing does, as of cron, all that is listed goes."""
    store.choose(("a/2.jpg", "a/1.jpg"))
    there, ours = os.pipe()
    os.write(ours, given)
    os.close(ours)
    ran = collect(store.library.start("cleanup", "--work", store.work, stdin=there))
    os.close(there)
    assert (ran.code, said in ran.out + ran.err) == (code, True)
    assert ("a/2.jpg" in store.there(), "[y/N]" in ran.err) == (bool(code), bool(given))


# ---- Two runs


def test_a_second_run_at_once_ends_with_exit_code_4(store: Store) -> None:
    store.choose(("a/2.jpg", "a/1.jpg"))
    with locking.locked(store.work):
        ran = store.cleanup()
    assert (ran.code, f"another run holds {store.work}/lock.json" in ran.err) == (4, True)
    with locking.buckets_locked([store.url("x")]):  # as a run by another place of work has it
        ran = store.cleanup()
    assert (ran.code, "another run holds s3://" in ran.err) == (4, True)
    assert "if it was killed, remove that" in ran.err
    assert store.there() == ALL
    assert store.cleanup().code == 0


def test_two_runs_by_two_places_of_work_do_not_count_on_what_the_other_one_deletes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.choose(("b/2.jpg", "b/1.jpg"))
    codes = []

    def other_run() -> None:
        monkeypatch.setattr(Store, "work", str(store.library.folder / "other"))
        store.leave([*store.members.values()])
        store.choose(("b/1.jpg", "b/2.jpg"))
        codes.append(store.cleanup().code)

    in_the_last_moment(monkeypatch, other_run, before=True)
    store.cleanup()
    assert (codes, store.there()) == ([4], ["a/1.jpg", "a/2.jpg", "a/3.jpg", "b/1.jpg"])


@pytest.mark.parametrize("method", ["put_object", "delete_object"])
@pytest.mark.parametrize("done", [True, False])
def test_a_lock_of_which_the_answer_is_lost_does_not_stay(
    done: bool, method: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, lost = S3("s3").fs.call_s3, list[str]()

    def calls(_: object, asked: str, **given: Any) -> Any:
        is_lock = given.get("Key") == locking.OF_BUCKET
        if (asked, is_lock, lost) == (method, True, []):
            lost.append(asked)
            if done:
                call(asked, **given)
            raise no_answer()
        return call(asked, **given)

    monkeypatch.setattr(type(S3("s3").fs), "call_s3", calls)
    store.choose(("a/2.jpg", "a/1.jpg"))
    ran = store.cleanup()
    assert lost == [method]
    if method == "put_object" and not done:
        assert (ran.code, "no lock can be put to" in ran.err) == (2, True)
    else:
        assert (ran.code, ran.facts["deleted"]) == (0, [store.url("a/2.jpg")])
    assert not any(key == locking.OF_BUCKET for key, _ in store.history())


@pytest.mark.parametrize("kept", [True, False])
def test_a_run_whose_lock_is_gone_deletes_nothing_more_and_removes_no_lock_of_others(
    kept: bool, unversioned: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As workers of a cluster that still have a task when who gave it has ended."""
    store = unversioned
    if kept:
        keep_versions(store.client, store.bucket)
    lock = {"Bucket": store.bucket, "Key": locking.OF_BUCKET}
    for key in ("a/1.jpg", "a/2.jpg", "a/3.jpg"):
        store.put(key)
    store.found(["a/1.jpg", "a/2.jpg", "a/3.jpg"])
    store.choose(("a/2.jpg", "a/1.jpg"), ("a/3.jpg", "a/1.jpg"))
    others = lambda: store.client.put_object(**lock, Body=b"another run")  # noqa: E731
    in_the_last_moment(monkeypatch, others, before=False)
    ran = store.cleanup("--delete-mode", "permanent")
    assert (ran.code, ran.facts["deleted"]) == (1, [store.url("a/2.jpg")])
    assert [item["reason"] for item in ran.facts["kept"]] == [removal.NO_LOCK]
    assert store.client.get_object(**lock)["Body"].read() == b"another run"


def test_a_lock_goes_as_far_as_the_rights_allow(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = S3("s3").fs.call_s3

    def calls(_: object, method: str, **given: Any) -> Any:
        if method == "delete_object" and "VersionId" in given:
            raise PermissionError("Access Denied")
        return call(method, **given)

    monkeypatch.setattr(type(S3("s3").fs), "call_s3", calls)
    for _ in range(2):
        with locking.buckets_locked([store.url("x")]):
            assert locking.OF_BUCKET in store.there()
    assert store.there() == ALL


def test_in_a_store_in_which_no_lock_can_be_made_nothing_is_deleted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = S3("s3").fs.call_s3

    def calls(_: object, method: str, **given: Any) -> Any:
        given.pop("IfNoneMatch", None)
        return call(method, **given)

    monkeypatch.setattr(type(S3("s3").fs), "call_s3", calls)
    store.choose(("a/2.jpg", "a/1.jpg"))
    ran = store.cleanup()
    assert (ran.code, "doesn't heed If-None-Match" in ran.err) == (2, True)
    assert (store.there(), store.history()) == (ALL, [(key, "version") for key in ALL])


def test_a_folder_in_which_no_lock_can_be_made_is_said_with_what_it_takes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_right(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(locking.os, "makedirs", no_right)
    with pytest.raises(UserError, match="not permitted; it takes the right to write there"):
        locking.locked(store.work).__enter__()


def test_a_lock_may_lie_in_a_store_and_says_who_holds_it(store: Store) -> None:
    work = store.url("work")
    said = r"another run holds .*\(process \d+ on .*\)"
    with locking.locked(work), pytest.raises(UserError, match=said), locking.locked(work):
        pass
    with locking.locked(work):
        pass
    assert store.history() == [(key, "version") for key in ALL]


# ---- Elsewhere


def test_what_does_not_lie_on_s3_is_not_deleted(store: Store) -> None:
    one = replace(store.member(1, "a/1.jpg"), url="gs://bucket/a/1.jpg")
    store.leave([one, replace(one, url="gs://bucket/a/2.jpg", version="7", etag="8")])
    pair = list(store.members.values())
    store.list_lines([choices.chosen(pair[0], pair[1], "", "", store.digest)])
    ran = store.cleanup()
    assert (ran.code, "objects are deleted on S3 alone" in ran.err) == (2, True)


def test_flags_that_mean_nothing_for_objects_are_refused(store: Store) -> None:
    refused = {"--allow-whole-groups": "one object of each group", "--with-companions": "beside"}
    for flag, said in refused.items():
        ran = store.cleanup(flag)
        assert (ran.code, said in ran.err) == (2, True)
    ran = store.library.run("cleanup", "--scheduler", "tcp://x:1")
    assert (ran.code, "--scheduler: only with --work" in ran.err) == (2, True)


def test_a_place_without_a_result_or_that_cannot_be_read_is_said_in_one_line(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = store.library.folder / "elsewhere"
    for action in ("cleanup", "suggest"):
        ran = store.library.run(action, "--work", str(elsewhere))
        assert (ran.code, "holds no result of a find" in ran.err) == (3, True)
        assert "again with --engine dask and that --work." in ran.err
        ran = store.library.run(action, "--work", "s3://no-such-bucket/work")
        assert (ran.code, ran.err.count("\n")) == (2, 1)
        assert "there is no bucket no-such-bucket; check how it is written" in ran.err
        ran = store.library.run(action, "--work", store.url("nothing"))
        assert (ran.code, "holds no result of a find" in ran.err) == (3, True)
    assert not elsewhere.exists()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    type(S3("s3").fs).clear_instance_cache()
    ran = store.library.run("cleanup", "--work", store.url("work"))
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "can't be read: Unable to locate credentials; check the address and what" in ran.err
    type(S3("s3").fs).clear_instance_cache()
