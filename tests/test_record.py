"""The record of a result: what it may say, and whose word counts."""

import contextlib
import copy
import errno
import hashlib
import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from conftest import Library, Ran, collect, picture, tree
from hypothesis import given, settings
from hypothesis import strategies as st
from kill_points import Home
from kill_points import restore as bring_back

import finder
from actions import result
from disk import inspection, lines, removal, strict
from disk.files import digest_file
from disk.own_names import MANIFEST
from disk.record import is_result, is_signed, load_manifest

ODD = (None, True, 0, -1, 1.5, 10**30, "", "a\0b", "\ud800", "../x", "x" * 5000, [], [[]], {})
odd_json = st.one_of(
    st.sampled_from(ODD),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=5,
    ),
)


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value in some JSON, outermost first."""
    yield place
    if isinstance(value, (dict, list)):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(below, (*place, key))


def changed(value: Any, place: tuple[Any, ...], odd: Any) -> Any:
    """The JSON with another value at a place."""
    if not place:
        return odd
    value = copy.copy(value)
    value[place[0]] = changed(value[place[0]], place[1:], odd)
    return value


def _digests_of_preview(row: Any) -> list[Any]:
    return [row["preview"]["digest"]] if "preview" in row else []


def with_its_run(record: Any) -> Any:
    """A record with the run id that fits it, as who forges one would write it."""
    with contextlib.suppress(KeyError, TypeError):
        rows = [
            (row["group"], row["original"], row["digest"], *_digests_of_preview(row))
            for row in record["copies"]
        ]
        facts = json.dumps([record["input_dirs"], record["own_files"], rows])
        return {**record, "run": hashlib.sha256(facts.encode()).hexdigest()[:16]}
    return record


@pytest.fixture(scope="module")
def culled_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, Path]]:
    """A library after find, a cull and check-deleted, and a snapshot of it."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(finder, "hash_files", finder.hash_files)  # the stand-in takes its place
        monkeypatch.setattr(os, "fsync", lambda _: None)
        home = Home(Path(os.path.realpath(tmp_path_factory.mktemp("record"))) / "home")
        home.make()
        home.must("find")
        home.cull("a2.jpg")
        home.must("check-deleted")
        start = home.folder.with_name("start")
        home.folder.rename(start)
        home.folder.mkdir()
        yield home, start


# What lets each action go furthest.
DARING = {
    "find": ["--discard-review"],
    "check-deleted": ["--allow-whole-groups"],
    "cleanup": ["--allow-whole-groups"],
}


def try_it(home: Home, start: Path, file: str, record: Any) -> None:
    """Take a record for that of the result: nothing but what was culled is touched."""
    for action, trust in itertools.product(DARING, ((), ("--trust-result",))):
        bring_back(home, start)
        (home.output / file).write_text(json.dumps(record), "utf-8")
        before = home.contents()
        ended = home.run(action, *DARING[action], "--yes", *trust)
        assert ended.code in (0, 1, 2, 3, 4)
        assert ended.code < 2 or ended.text.splitlines()[-1].startswith("error: "), ended
        assert before.keys() - home.contents().keys() <= {"a2.jpg"}
        assert {*os.listdir(home.folder)} == {"photos", "output", "data"}
        assert is_result(str(home.output)) or ended.code >= 2


def is_read(folder: Path, record: Any) -> bool:
    folder.mkdir(exist_ok=True)
    (folder / MANIFEST).write_text(json.dumps(record), "utf-8")
    return is_result(str(folder))


def test_no_odd_value_in_a_record_ends_in_a_traceback(
    culled_home: tuple[Home, Path], tmp_path: Path
) -> None:
    home, start = culled_home
    record = json.loads((start / "output" / MANIFEST).read_text("utf-8"))
    believed = set()
    for place in places(record):
        for odd in ODD:
            forged = with_its_run(changed(record, place, odd))
            if forged != record and is_read(tmp_path / "result", forged):
                believed.add((place[-1], str(odd)[:9]))
                try_it(home, start, MANIFEST, forged)
                forged_manifest = load_manifest(str(tmp_path / "result"))
                with mock.patch.dict(os.environ, {"XDG_STATE_HOME": str(start / "data" / "state")}):
                    assert not is_signed(forged_manifest)
    lists = ("input_dirs", "copies", "signatures")
    plausible = {("size", "0"), ("mtime_ns", "0"), ("mtime_ns", "-1"), ("report", "")}
    assert believed == {*plausible, *((name, "[]") for name in lists)}


@pytest.mark.parametrize(
    "line", [r'"/a\u0000b"', "/a\0b", r'"\ud800"', '"/a', '"/a" "/b"', "[1]", "/" + "x" * 5000]
)
def test_no_odd_line_in_the_list_ends_in_a_traceback(culled: Library, line: str) -> None:
    before = culled.names()
    with culled.list_file.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")
    ran = culled.cleanup("--yes")
    assert (ran.code, ran.err.count("\n")) == (3, 1)
    assert culled.names() == before


@pytest.mark.parametrize("file", [MANIFEST, "info.txt"])
@settings(max_examples=20)
@given(data=st.data(), odd=odd_json)
def test_whatever_a_record_says_nothing_else_is_touched(
    culled_home: tuple[Home, Path], file: str, data: st.DataObject, odd: Any
) -> None:
    home, start = culled_home
    record = json.loads((start / "output" / file).read_text("utf-8"))
    place = data.draw(st.sampled_from(list(places(record))))
    try_it(home, start, file, with_its_run(changed(record, place, odd)))


LONG = "x" * 256
STRICTLY: dict[str, tuple[Callable[[object, str], object], tuple[object, ...], tuple[object, ...]]]
STRICTLY = {
    "table": (strict.table_of, ({}, {"a": 1}), ([], "{}", None, 1)),
    "rows": (strict.rows_of, ([], [1]), ({}, "[]", (1,), None)),
    "text": (strict.text_of, ("", "a\n", "\udcff"), (1, None, b"a", ["a"], "a\0", "\ud800")),
    "words": (strict.words_of, ("", "a\0\n", "\udcff"), (1, None, b"a", ["a"], "\ud800")),
    "number": (
        lambda value, what: strict.number_of(value, what, 1),
        (1, 2**63 - 1),
        (True, 1.0, "1", None, 0, -1, 2**63, [1]),
    ),
    "fraction": (
        strict.fraction_of,
        (0, -1.5, 1),
        (True, "1", None, float("nan"), float("inf"), 10**10, [1]),
    ),
    "digest": (strict.digest_of, ("0f" * 32,), ("", "0F" * 32, "0f" * 33, 5, "x" * 64)),
    "path": (
        strict.path_of,
        ("/", "/a/b.jpg", "/a\n.jpg"),
        ("", "a", "//a", "/a/", "/a//b", "/a/../b", "/./a", "/" + LONG, "/aa" * 1366, 5),
    ),
    "name": (strict.name_of, ("a", "a b.txt"), ("", ".", "..", "a/b", "/", LONG, "a\0", 5)),
}


@pytest.mark.parametrize("kind", STRICTLY)
def test_values_are_read_strictly(kind: str) -> None:
    read, right, wrong = STRICTLY[kind]
    for value in right:
        assert read(value, "it") == value
    for value in wrong:
        with pytest.raises(ValueError, match="it must be"):
            read(value, "it")


@pytest.mark.parametrize("field", ["original", "copy"])
def test_a_record_that_names_a_file_twice_is_not_read(found: Library, field: str) -> None:
    rows = json.loads((found.output / MANIFEST).read_text("utf-8"))["copies"]
    forge(found, copies=[rows[0], {**rows[1], field: rows[0][field]}], links=[])
    with pytest.raises(ValueError, match="different files"):
        load_manifest(str(found.output))


@pytest.mark.parametrize("name", ["..\\\\a.jpg", "\\\\a.jpg", "C:a.jpg", "c:\\\\a.jpg"])
def test_a_copy_s_name_that_is_a_path_on_another_system_is_refused(
    found: Library, name: str
) -> None:
    rows = json.loads((found.output / MANIFEST).read_text("utf-8"))["copies"]
    forge(found, copies=[{**rows[0], "copy": f"1/{name}"}, *rows[1:]], links=[])
    with pytest.raises(ValueError, match="plain names on any system"):
        load_manifest(str(found.output))


# ---- Whose word counts

ACTIONS = ("check-deleted", "cleanup", "keep", "suggest", "review")
ALL = {"keep": ["all"]}


@pytest.mark.parametrize("action", ACTIONS)
def test_a_result_made_elsewhere_is_not_believed(
    culled: Library, action: str, someone_else: Callable[[], Path]
) -> None:
    someone_else()
    before = tree(culled.folder)
    ran = culled.run(action, *ALL.get(action, ()), *DARING.get(action, ()), "--yes")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == (
        f"error: {culled.output / MANIFEST} isn't signed with your key, so another user, home or "
        "version made it; run find again, or once with --trust-result.\n"
    )
    assert tree(culled.folder) == before


def forge(library: Library, **values: Any) -> None:
    """Have the result's record say something else, as who has no key of ours could do it."""
    path = library.output / MANIFEST
    record = with_its_run({**json.loads(path.read_text("utf-8")), **values})
    path.write_text(json.dumps(record), "utf-8")
    rows = {row["original"]: str(library.output / row["copy"]) for row in record["copies"]}
    (library.output / record["own_files"][0]).write_text(lines.dump_json(rows), "utf-8")


def rows_for(*originals: Path) -> list[dict[str, Any]]:
    """Rows of a record for some files that are all one group, and no copies of them."""
    return [
        {
            "group": 1,
            "copy": f"1/copy{number}.jpg",
            "original": str(path),
            "size": path.stat().st_size,
            "mtime_ns": path.stat().st_mtime_ns,
            "digest": digest_file(str(path)),
        }
        for number, path in enumerate(originals)
    ]


def test_a_record_that_reaches_for_other_files_deletes_none_of_them(found: Library) -> None:
    """Not even one that a person trusts: what has no photo's name stays."""
    dotfile, thesis = found.folder / ".bashrc", found.folder / "thesis.odt"
    for path in (dotfile, thesis):
        path.write_text(f"precious {path.name}")
    photo = found.photos / "vacation1.jpg"
    forge(found, input_dirs=["/"], copies=rows_for(dotfile, thesis, photo), links=[])
    for path in found.output.glob("[12]/*"):  # a strange picture would keep all of them
        path.unlink()
    (found.output / "1" / "copy2.jpg").write_bytes(photo.read_bytes())
    before = tree(found.folder)
    for action in ("check-deleted", "cleanup"):
        assert found.run(action, *ALL.get(action, ()), "--yes").code == 3
    assert tree(found.folder) == before
    assert found.check("--trust-result", "--yes").code in (0, 1)
    ran = found.cleanup("--yes")
    assert ran.code == 1
    assert f"{thesis}: it is no photo by its name" in ran.out
    assert f"{dotfile}: it is no photo by its name" in ran.out
    for path in (dotfile, thesis):
        assert path.read_text() == f"precious {path.name}"


def test_a_result_is_trusted_once_after_a_look_at_what_it_reaches(
    culled: Library, someone_else: Callable[[], Path]
) -> None:
    someone_else()
    before = tree(culled.folder)
    ran = culled.check("--trust-result")  # and nobody is there to answer
    assert ran.code == 2
    assert "add --yes" in ran.err
    assert tree(culled.folder) == before
    ran = culled.check("--trust-result", "--yes", "--json")
    assert ran.code == 0
    assert f"  {culled.photos}: 5\n" in ran.err
    assert ran.facts["reach"] == {str(culled.photos): 5}
    assert "reach" not in culled.check("--trust-result", "--json").facts  # it is signed now
    assert culled.cleanup().code == 0
    assert "vacation1_old.jpg" not in culled.names()


def test_who_made_a_result_still_believes_it_when_another_user_does(
    culled: Library, tmp_path: Path
) -> None:
    with mock.patch.dict(os.environ, {"XDG_STATE_HOME": str(tmp_path / "another")}):
        assert culled.check("--trust-result", "--yes").code == 0
    assert culled.cleanup().code == 0


def test_a_dry_run_that_trusts_a_result_does_not_sign_it(
    culled: Library, someone_else: Callable[[], Path]
) -> None:
    someone_else()
    before = tree(culled.folder)
    assert culled.cleanup("--dry-run", "--trust-result", "--yes").code == 0
    assert tree(culled.folder) == before
    assert culled.cleanup().code == 3


def at_a_terminal(library: Library, answer: str) -> Ran:
    keyboard, terminal = os.openpty()
    os.write(keyboard, answer.encode())
    try:
        return collect(library.start("check-deleted", "--trust-result", stdin=terminal))
    finally:
        os.close(keyboard)
        os.close(terminal)


@pytest.mark.parametrize(("answer", "code"), [("n\n", 3), ("\n", 3), ("y\n", 0)])
def test_at_a_terminal_trust_is_asked_for(
    culled: Library, answer: str, code: int, someone_else: Callable[[], Path]
) -> None:
    someone_else()
    before = tree(culled.folder)
    ran = at_a_terminal(culled, answer)
    assert ran.code == code
    assert f"{culled.photos}: 5" in ran.out
    assert "[y/N]" in ran.err
    assert (tree(culled.folder) == before) is (code != 0)
    assert culled.cleanup("--dry-run").code == code


def test_explain_takes_no_trust(found: Library) -> None:
    photos = [str(found.photos / name) for name in ("vacation1.jpg", "vacation1_old.jpg")]
    assert found.run("explain", *photos, "--trust-result").code == 2


def test_what_was_set_aside_comes_back_only_by_a_record_that_is_believed(
    found: Library, someone_else: Callable[[], Path]
) -> None:
    someone_else()
    path = found.photos / "vacation1_old.jpg"
    aside = Path(removal.aside_path(str(path)))
    path.rename(aside)
    for action in ("find", "check-deleted", "cleanup"):
        assert found.run(action, "--dry-run").code in (1, 3)
        assert aside.exists()
    assert found.run("find", "--dry-run", "--discard-review").code in (1, 3)
    assert aside.exists()
    assert found.check("--trust-result", "--yes").code == 0
    assert path.exists()


# ---- find, over a result that it can't believe


def test_find_replaces_a_result_of_another_user_that_proves_itself(
    culled: Library, someone_else: Callable[[], Path]
) -> None:
    someone_else()
    ran = culled.run("find")
    assert ran.code == 2  # a cull is to be finished or discarded, as ever
    assert "2 copies were deleted" in ran.err
    assert culled.run("find", "--discard-review").code == 0
    assert sorted(os.listdir(culled.folder)) == ["output", "photos"]
    assert sum("find: Found" in line for line in culled.log()) == 2
    culled.delete_copies("vacation1_old.jpg")
    assert culled.check().code == 0


def edit_the_original(library: Library) -> None:
    (library.photos / "vacation1.jpg").write_bytes(picture("2023/portrait.jpg"))


def claim_other_copies(library: Library) -> None:
    """The person's own picture in a numbered folder, and a record that calls it a copy."""
    mine = library.output / "1" / "grandma.jpg"
    mine.write_bytes((library.photos / "z_stars.jpg").read_bytes())
    rows = json.loads((library.output / MANIFEST).read_text("utf-8"))["copies"]
    row = rows_for(library.photos / "z_stars.jpg")[0]
    forge(library, copies=[*rows, {**row, "copy": "1/grandma.jpg"}])


def claim_a_diary(name: str, number: int) -> Callable[[Library], None]:
    def claim(library: Library) -> None:
        (library.output / name).write_text("Dear diary,\n")
        own = json.loads((library.output / MANIFEST).read_text("utf-8"))["own_files"]
        (library.output / own[number]).unlink(missing_ok=True)
        own[number] = name
        forge(library, own_files=own)

    return claim


def claim_a_report(library: Library) -> None:
    report = library.output / "report.html"
    report.write_text("my page")
    forge(library, report=digest_file(str(report)))


UNPROVEN: dict[str, tuple[str, Callable[[Library], None]]] = {
    "original edited": ("vacation1.jpg", edit_the_original),
    "own picture": ("grandma.jpg", claim_other_copies),
    "own text as list": ("diary.txt", claim_a_diary("diary.txt", 1)),
    "own text as log": ("diary.txt", claim_a_diary("diary.txt", 2)),
    "own page": ("report.html", claim_a_report),
}


@pytest.mark.parametrize("case", UNPROVEN)
def test_what_only_a_strangers_record_calls_ours_is_not_replaced(
    found: Library, case: str, someone_else: Callable[[], Path]
) -> None:
    someone_else()
    name, claim = UNPROVEN[case]
    claim(found)
    before = tree(found.folder)
    ran = found.run("find", "--discard-review")
    assert ran.code == 3
    assert ran.err.count("\n") == 1
    assert f"({name}" in ran.err or f"_{name}" in ran.err
    assert "--trust-result" in ran.err
    assert tree(found.folder) == before


def test_find_replaces_what_is_not_proven_only_if_it_is_trusted(
    found: Library, someone_else: Callable[[], Path]
) -> None:
    someone_else()
    edit_the_original(found)
    assert found.run("find", "--trust-result", "--dry-run").code == 2
    before = tree(found.output)
    assert found.run("find", "--trust-result", "--yes", "--dry-run").code == 0
    assert tree(found.output) == before
    assert found.run("find", "--trust-result", "--yes").code == 0
    assert str(found.photos / "vacation1.jpg") not in found.info()


def test_a_trust_that_can_not_be_written_changes_nothing(
    found: Library, someone_else: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    someone_else()
    before = tree(found.folder)

    def full(folder: str, _: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), folder)

    monkeypatch.setattr(result, "write_manifest", full)
    for action in ("find", "check-deleted"):
        ran = found.run(action, *ALL.get(action, ()), "--trust-result", "--yes")
        assert ran.code == 2
        assert "No space left" in ran.err
        assert tree(found.folder) == before


def test_a_result_of_ones_own_needs_no_proof_to_be_replaced(found: Library) -> None:
    edit_the_original(found)
    found.find()
    assert str(found.photos / "vacation1.jpg") not in found.info()


def test_a_copy_that_is_its_own_original_is_not_proven_by_it(found: Library) -> None:
    """As where the output folder is reached by a second way."""
    copy = found.copy("vacation1.jpg")
    (found.photos / "vacation1.jpg").unlink()
    os.link(copy, found.photos / "vacation1.jpg")
    manifest = load_manifest(str(found.output))
    assert list(inspection.unproven(str(found.output), manifest)) == [str(copy)]


@pytest.mark.parametrize("suffix", [".find-new", ".find-old"])
def test_a_strangers_folder_beside_the_output_keeps_what_is_not_proven(
    found: Library,
    suffix: str,
    someone_else: Callable[[], Path],
) -> None:
    someone_else()
    beside = found.output.with_name(found.output.name + suffix)
    found.output.rename(beside)
    gone = found.photos / "vacation1_old.jpg"
    gone.unlink()
    (copy,) = beside.glob("1/*old.jpg")
    before = copy.read_bytes()
    ran = found.run("find")
    assert ran.code == 2
    assert copy.name in ran.err
    assert copy.read_bytes() == before
