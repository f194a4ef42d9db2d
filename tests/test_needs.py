"""Before it begins, find says what many photos need, and ends where that isn't there."""

import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import Library, tree
from made_pictures import SINGLES, encoded, photo

from actions import find_needs
from disk import system
from pictures.needs import Needs, needs_of
from pictures.recipe import Recipe

GB = 10**9
SAID = "3 photos need about 100 MB of memory, and 0 MB in "


@pytest.fixture
def few(bare_library: Library, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    """Three photos, which are many here."""
    for number, name in enumerate(SINGLES[:3]):
        small = photo(name).resize((120, 90))
        (bare_library.photos / f"{number}.jpg").write_bytes(encoded(small, "JPEG"))
    monkeypatch.setattr(find_needs, "MANY", 3)
    yield bare_library


def with_free(monkeypatch: pytest.MonkeyPatch, memory: int | None, disk: int = 10**12) -> None:
    monkeypatch.setattr(system, "free_memory", lambda: memory)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=disk, total=10**13))


@pytest.mark.parametrize("memory", [None, GB])
def test_what_many_photos_need_is_said_only_if_asked_for(
    few: Library, monkeypatch: pytest.MonkeyPatch, memory: int | None
) -> None:
    with_free(monkeypatch, memory)
    assert "need about" not in few.find("--dry-run").out
    assert SAID in few.find("--dry-run", "--verbose").out
    monkeypatch.setattr(find_needs, "SAID_FROM", 3)
    assert SAID in few.find("--dry-run").out
    monkeypatch.setattr(find_needs, "MANY", 4)
    assert "need about" not in few.find("--dry-run", "--verbose").out


@pytest.mark.parametrize("flags", [(), ("--dry-run",), ("--threshold", "10", "--no-cache")])
def test_without_the_memory_nothing_is_looked_at(
    few: Library, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...]
) -> None:
    with_free(monkeypatch, 50 * 10**6)
    before = tree(few.photos)
    ran = few.run("find", *flags)
    assert ran.code == 2
    assert "3 photos need about 100 MB of memory and 50 MB are free; close other" in ran.err
    assert tree(few.photos) == before
    assert not few.output.exists()


def test_without_the_disk_nothing_is_looked_at(
    few: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_free(monkeypatch, GB, disk=10**8)
    monkeypatch.setattr(find_needs, "needs_of", lambda *_: Needs(0, GB))
    ran = few.run("find")
    assert ran.code == 2
    assert "3 photos need about 1.0 GB in " in ran.err
    assert "for what is compared of them, and 100 MB are free" in ran.err
    assert "make room, or name another CACHE_FILE" in ran.err
    assert "set TMPDIR to a folder elsewhere" in few.run("find", "--no-cache").err


def test_a_million_photos_fit_a_common_computer() -> None:
    needs = needs_of(Recipe(), 10**6)
    assert 1.5 * GB < needs.memory <= 2 * GB
    assert 5 * GB < needs.disk < 7 * GB
    recipes = (Recipe(only_hash=True), Recipe(), Recipe(parts=True), Recipe(points=True))
    for less, more in pairwise(needs_of(recipe, 1000).memory for recipe in recipes):
        assert less < more
    assert needs_of(Recipe(rgb_side=288, vector_bytes=2048), 1000).memory > 4 * 10**6


@pytest.mark.parametrize(
    ("available", "limit", "free"),
    [
        ("MemTotal: 9 kB\nMemAvailable:    2000 kB\n", "max\n", 2_048_000),
        ("MemAvailable:    2000 kB\n", "1000\n", 1000),
        ("MemTotal: 9 kB\n", "1000\n", 1000),
        ("MemTotal: 9 kB\n", None, None),
        (None, None, None),
    ],
)
def test_free_memory_is_what_the_system_and_the_container_leave(
    available: str | None,
    limit: str | None,
    free: int | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, text in (("MEMORY", available), ("MEMORY_LIMIT", limit)):
        place = tmp_path / name
        if text is not None:
            place.write_text(text)
        monkeypatch.setattr(system, name, str(place))
    assert system.free_memory() == free
