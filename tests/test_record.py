"""The record of a result: what it may say, and whose word counts."""

import contextlib
import copy
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kill_points import Home
from kill_points import restore as bring_back

import finder
import storage
from storage import MANIFEST

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


def with_its_run(record: Any) -> Any:
    """A record with the run id that fits it, as who forges one would write it."""
    with contextlib.suppress(KeyError, TypeError):
        rows = [(row["group"], row["original"], row["digest"]) for row in record["copies"]]
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


def try_it(home: Home, start: Path, file: str, record: Any) -> None:
    """Take a record for that of the result: nothing but what was culled is touched."""
    for action in ("check-deleted", "cleanup", "find"):
        bring_back(home, start)
        (home.output / file).write_text(json.dumps(record), "utf-8")
        before = home.contents()
        ended = home.run(action, "--discard-review", "--yes", "--allow-whole-groups")
        assert ended.code in (0, 1, 2, 3, 4)
        assert ended.code < 2 or (ended.text.count("\n"), ended.text[:7]) == (1, "error: "), ended
        assert before.keys() - home.contents().keys() <= {"a2.jpg"}
        assert {*os.listdir(home.folder)} == {"photos", "output"}
        assert storage.is_result(str(home.output)) or ended.code >= 2


def is_read(folder: Path, record: Any) -> bool:
    folder.mkdir(exist_ok=True)
    (folder / MANIFEST).write_text(json.dumps(record), "utf-8")
    return storage.is_result(str(folder))


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
    plausible = {("size", "0"), ("mtime_ns", "0"), ("mtime_ns", "-1")}
    assert believed == {*plausible, ("input_dirs", "[]"), ("copies", "[]")}


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
