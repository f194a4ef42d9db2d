"""By whatever loop hashes are compared, and in however many threads, the same comes of it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, Library, Ran, collect
from test_grouping import Make, clustered_hashes, random_hashes, skewed_hashes

from disk import system
from pictures import exhaustive, hamming
from pictures.effort import Work, in_threads
from pictures.hamming import close_pairs, close_turned_pairs, pack
from pictures.images import SEVERAL
from pictures.sides import (
    close_pairs_across,
    close_turned_pairs_across,
    count_of_pairs_across,
)

Words = exhaustive.Words
Lists = list[list[int]]
MAKES = [random_hashes, clustered_hashes, skewed_hashes]


def upright(left: Words, right: Words | None, threshold: int, work: Work) -> Iterator[Lists]:
    both_ways = right is not None
    for found in close_pairs(left, threshold, right, both_ways=both_ways, work=work):
        yield [values.tolist() for values in found]


def turned(left: Words, right: Words | None, threshold: int, work: Work) -> Iterator[Lists]:
    transposed = left[:, [0, 2, 1, 3]]
    for number, found in close_turned_pairs(left, transposed, threshold, right, work):
        yield [[number], *(values.tolist() for values in found)]


SEARCHES = {"upright": upright, "turned": turned}


def tables(make: Make = clustered_hashes, few: int = 90) -> tuple[Words, Words]:
    """Some hashes, and more of which some are the same in another way: mirrored, or inverted."""
    rng = np.random.default_rng(few)
    left, right = pack(make(rng, few, 32)), pack(clustered_hashes(rng, 1500, 32)).copy()
    right[::9] = np.resize(left, right[::9].shape)
    right[::18, [1, 3]] ^= ~np.uint64(0)
    right[::27] ^= ~np.uint64(0)
    return left, right


@pytest.fixture(autouse=True)
def small_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exhaustive, "ROWS", 8)
    monkeypatch.setattr(exhaustive, "ROWS_OF_MANY", 16)
    monkeypatch.setattr(exhaustive, "MANY_ROWS", 1000)
    monkeypatch.setattr(exhaustive, "HEIGHT", 8)
    monkeypatch.setattr(exhaustive, "COLUMNS", 1024)
    monkeypatch.setattr(exhaustive, "COMPILER", exhaustive.Compiler())
    monkeypatch.setattr(exhaustive, "has_room", lambda: True)
    monkeypatch.setattr(hamming, "bands_pay", lambda *_: False)


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("search", SEARCHES)
def test_compiled_loops_find_the_same_in_the_same_order(
    search: str, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over several strips and steps, and with more pairs than there is room for at first."""
    pytest.importorskip("numba")
    monkeypatch.setattr(exhaustive, "FOUND", 100)
    left, right = tables(make, 60)
    for threshold in (0, 48, 130):
        for others in (None, right):
            found = {}
            for pairs in (1 << 62, 0):
                monkeypatch.setattr(exhaustive, "MANY", pairs)
                work = Work()
                found[pairs] = list(SEARCHES[search](left, others, threshold, work))
            assert found[0] == found[1 << 62]
            assert found[0] or others is None


def test_hashes_of_another_size_are_compared_without_compiled_loops() -> None:
    assert exhaustive.compiled("close", 1 << 40, 1) is None
    assert exhaustive.compiled("close", 1 << 20, 4) is None, "so few are no second's worth"


def test_without_what_compiles_the_loops_the_search_is_numpys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exhaustive, "MANY", 0)
    hashes = pack(clustered_hashes(np.random.default_rng(2), 50, 32))
    wanted = list(upright(hashes, None, 30, Work()))
    assert wanted
    monkeypatch.setattr(exhaustive, "COMPILED", "no_such_package")
    assert exhaustive.compiled("close", 1 << 40, 4) is None
    assert list(upright(hashes, None, 30, Work())) == wanted


STUB = """
class Kind:
    def __call__(self, *_): return self
    def __getitem__(self, _): return self
    def Array(self, *_, **__): return self
types = Kind()
types.int64 = types.uint64 = Kind()
config = Kind()
config.DISABLE_JIT = 0
"""
BROKEN = {  # what is in the package, and what is said of it
    'raise ImportError("Numba needs NumPy 2.4 or less")': "Numba needs NumPy 2.4 or less",
    'raise SystemError("it failed\\nsomewhere")': "it failed)",
    'raise OSError("Could not load shared object")': "Could not load shared object",
    'raise SystemExit("no licence")': "no licence",
    "raise MemoryError": "MemoryError",
    "x = 1": "cannot import name 'config' from 'numba'",
    STUB + "def njit(*_, **__):\n    raise LookupError('nothing compiles')": "nothing compiles",
    STUB + "def njit(*_, **__):\n    return lambda _: lambda *_: 7": "its loops find",
    STUB + "def njit(*_, **__):\n    return lambda _: 5": "'int' object is not callable",
}
# As the program, but as few pairs as these are worth the loops.
MAIN = """
import sys
from pictures import exhaustive
exhaustive.MANY = exhaustive.ROOM = 0
import main
sys.exit(main.main())
"""


FLAGS = ("--dry-run", "--no-cache", "--json")


def found_by(library: Library, *flags: str, **environment: str) -> Ran:
    """What a process finds that compiles loops for however few pairs."""
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, *library.arguments("find", *FLAGS, *flags)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    ran = collect(process)
    assert ran.code == 0, ran
    return ran


@pytest.mark.parametrize(("content", "said"), BROKEN.items(), ids=BROKEN.values())
def test_a_broken_compiler_costs_time_and_nothing_else(
    content: str, said: str, library: Library, tmp_path: Path
) -> None:
    pytest.importorskip("llvmlite")
    flags = ("--threshold", "40") if "raise" in content else ()
    wanted = library.run("find", *FLAGS, *flags).facts["groups"]
    assert wanted
    (tmp_path / "numba").mkdir()
    (tmp_path / "numba" / "__init__.py").write_text(content)
    ran = found_by(library, *flags, PYTHONPATH=str(tmp_path))
    assert ran.facts["groups"] == wanted
    assert f"warning: Numba can't be used ({said}" in ran.err
    assert ran.err.count("Numba can't") == 1
    assert "Traceback" not in ran.err


def test_what_compiles_the_loops_may_be_told_not_to(library: Library) -> None:
    """They would go on for hours as Python."""
    pytest.importorskip("numba")
    plain = found_by(library)
    assert "Numba" not in plain.err
    ran = found_by(library, NUMBA_DISABLE_JIT="1")
    assert ran.facts["groups"] == plain.facts["groups"]
    assert ran.err.count("warning: Numba can't be used (NUMBA_DISABLE_JIT is set)") == 1


@pytest.mark.parametrize(("free", "pays"), [(399, False), (400, True), (None, True)])
def test_nothing_is_compiled_where_little_memory_is_left(
    free: int | None, pays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(exhaustive, "find_spec", lambda _: True)
    monkeypatch.setattr(exhaustive, "LOOPS", "loops that are compiled")
    monkeypatch.setattr(system, "free_memory", lambda: free and free * 1_000_000)
    assert exhaustive.compiling_pays(1 << 40, 4) is pays
    monkeypatch.setitem(sys.modules, "loops that are compiled", sys)
    assert exhaustive.compiling_pays(1 << 40, 4), "they take no more"


def test_without_the_loops_bands_are_weighed_against_numpy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(exhaustive, "COMPILER", exhaustive.Compiler())
    monkeypatch.setattr(exhaustive, "MANY", 0)
    monkeypatch.setattr(exhaustive, "find_spec", lambda _: True)
    monkeypatch.setattr(exhaustive, "has_room", lambda: True)

    def broken(_: str) -> object:
        raise SystemError("broken")

    hashes = pack(random_hashes(np.random.default_rng(1), 8000, 32))
    with monkeypatch.context() as whole:
        whole.setattr(exhaustive, "named", lambda _: print)
        whole.setattr(exhaustive, "_try", lambda _: None)
        assert not hamming.bands_pay(hashes, 31, None)
    monkeypatch.setattr(exhaustive, "named", broken)
    assert hamming.bands_pay(hashes, 31, None)
    assert exhaustive.COMPILER.failure == "broken"
    assert not exhaustive.compiling_pays(1, 4)


@pytest.mark.parametrize("search", SEARCHES)
def test_threads_find_the_same_in_the_same_order(search: str) -> None:
    left, right = tables()
    for one, other in ((right[:200], None), (left, right)):
        alone = list(SEARCHES[search](one, other, 60, Work()))
        assert len(alone) > 10
        for threads in (1, 2, 5):
            work = Work(in_threads(threads).each)
            assert list(SEARCHES[search](one, other, 60, work)) == alone


@pytest.mark.parametrize("by_bands", [False, True])
@pytest.mark.parametrize("sides", [None, [0], [0, 0, 1, 2], [0, 1, SEVERAL]])
def test_what_is_told_adds_up_to_all_pairs(
    by_bands: bool, sides: list[int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hamming, "bands_pay", lambda *_: by_bands)
    hashes = pack(random_hashes(np.random.default_rng(4), 101, 32))
    by_row = None if sides is None else np.resize(np.array(sides), len(hashes))
    every = sum(
        by_row is None or by_row[i] != by_row[j] or by_row[i] == SEVERAL
        for j in range(len(hashes))
        for i in range(j)
    )
    assert count_of_pairs_across(len(hashes), by_row) == every
    told: list[int] = []
    for _ in close_pairs_across(hashes, 20, by_row, Work(tell=told.append)):
        pass
    assert sum(told) == every
    told.clear()
    for _ in close_turned_pairs_across(hashes, hashes, 20, by_row, Work(tell=told.append)):
        pass
    assert sum(told) == 2 * every


def test_many_small_searches_are_worth_the_compiled_loops_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("numba")
    monkeypatch.setattr(exhaustive, "MANY", 1000)
    assert not exhaustive.compiling_pays(10, 4)
    with exhaustive.in_all(1000):
        assert exhaustive.compiling_pays(10, 4)
        assert not exhaustive.compiling_pays(10, 1)
        with exhaustive.in_all(10):
            assert exhaustive.compiling_pays(10, 4)
    assert not exhaustive.compiling_pays(10, 4)
