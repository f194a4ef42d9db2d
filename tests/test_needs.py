"""Before it begins, find says what many photos need, and ends where that isn't there."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT, Library, tree
from made_pictures import SINGLES, encoded, photo

from actions import find_needs
from disk import system
from pictures import exhaustive
from pictures.needs import LOOPS, Needs, needs_of
from pictures.recipe import Recipe

GB = 10**9
SAID = "3 photos need about 100 MB of memory, and 0 MB (up to 0 MB if all are pages) in "


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
    monkeypatch.setattr(find_needs, "needs_of", lambda *_, **__: Needs(0, GB))
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


@pytest.mark.parametrize("is_there", [True, False])
def test_compiled_loops_are_counted_where_they_are_wanted_and_there(
    is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exhaustive, "find_spec", lambda _: is_there)
    monkeypatch.setattr(exhaustive, "COMPILER", exhaustive.Compiler())
    monkeypatch.setattr(exhaustive, "has_room", lambda: True)
    presets = (Recipe(), Recipe(parts=True), Recipe(hash_size=8))
    for recipe in (*presets, Recipe(only_hash=True)):
        few, many = (needs_of(recipe, photos).memory for photos in (16_383, 16_384))
        assert (many - few > LOOPS.memory) is is_there
    few, many = (needs_of(Recipe(8, only_hash=True), n).memory for n in (16_383, 16_384))
    assert many - few < LOOPS.memory, "there are none for hashes of another size"
    with monkeypatch.context() as full:
        full.setattr(exhaustive, "has_room", lambda: False)
        full.setattr(exhaustive, "LOOPS", "no such module")
        assert needs_of(Recipe(), 16_384).memory < LOOPS.memory
    monkeypatch.setattr(exhaustive.COMPILER, "failure", "broken")
    assert needs_of(Recipe(), 16_384).memory < LOOPS.memory


AVAILABLE = "MemTotal: 9 kB\nMemAvailable:    2000 kB\n"
FILES = "anon 9\ninactive_file 30\nactive_file 20\ntotal_inactive_file 7\ntotal_active_file 3\n"


@pytest.mark.parametrize(
    ("groups", "files", "free"),
    [
        ("", {"memory.max": "1000"}, 2_048_000),
        ("0::/\n", {"memory.max": "max\n"}, 2_048_000),
        ("0::/\n", {"memory.max": "1000\n", "memory.current": "700"}, 350),
        ("0::/\n", {"memory.max": "1000\n", "memory.current": "2000"}, 0),
        ("0::/a/b\n", {"a/b/memory.max": "1000", "a/b/memory.current": "100"}, 950),
        ("0::/a/b\n", {"a/memory.max": "1000", "a/memory.current": "100"}, 950),
        ("0::/../x\n", {"memory.max": "1000", "memory.current": "100"}, 2_048_000),
        ("0::/of the host\n", {"memory.max": "1000", "memory.current": "100"}, 950),
        (
            "9:name=systemd:/\n4:cpu,memory:/a:b\n0::/\n",
            {"memory/a:b/memory.limit_in_bytes": "1000", "memory/a:b/memory.usage_in_bytes": "1"},
            1009,
        ),
    ],
)
def test_free_memory_is_what_the_system_and_the_groups_of_a_process_leave(
    groups: str, files: dict[str, str], free: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What holds files that were read is given up for others."""
    with_memory(tmp_path, monkeypatch, AVAILABLE, groups)
    for name, text in files.items():
        place = tmp_path / "groups" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.with_name("memory.stat").write_text(FILES)
    assert system.free_memory() == free


def with_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch, available: str | None, groups: str | None
) -> None:
    """What the system tells, if it tells it."""
    for name, text in (("MEMORY", available), ("GROUPS_OF_PROCESS", groups)):
        if text is not None:
            (folder / name).write_text(text)
        monkeypatch.setattr(system, name, str(folder / name))
    monkeypatch.setattr(system, "GROUPS", str(folder / "groups"))


@pytest.mark.parametrize("available", [None, "MemTotal: 9 kB\n"])
def test_where_nobody_tells_what_is_free_that_is_said(
    available: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_memory(tmp_path, monkeypatch, available, None)
    assert system.free_memory() is None


@pytest.mark.parametrize(("flag", "most"), [("-v", 3_000_000), ("-d", 2_900_000)])
@pytest.mark.skipif(sys.platform != "linux", reason="others don't tell what a process has")
def test_a_process_may_take_what_its_limits_leave(flag: str, most: int) -> None:
    program = (
        "import resource\n"
        "from disk import system\n"
        "which = {'-v': resource.RLIMIT_AS, '-d': resource.RLIMIT_DATA}\n"
        f"resource.setrlimit(which[{flag!r}], ({most * 1024}, -1))\n"
        "print(system.free_memory())\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert 0 < int(ran.stdout) < most * 1024
