"""What is remembered of a search changes nothing of what the next one finds.

`python tests/test_remembered.py` writes anew what looks at the pictures of here show, once SEARCH
was raised.
"""

import json
import os
import sqlite3
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

# NumPy asks for it when it is imported; its threads would only wait for each other here.
os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
import pytest

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from conftest import Library
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from grouping import Match
from pictures import (
    aligned,
    bandpass,
    candidates,
    closer,
    colour,
    crops,
    registration,
    remembered,
    sketch,
    store,
    verify,
)
from pictures.bandpass import Gray
from pictures.candidates import Search
from pictures.effort import Work
from pictures.looks import GRAY_SIDE, LARGE_SIDE, PAGE_SIDE, Look, View, look_digest
from pictures.matching import find_matches
from pictures.presets import PRESETS, Rules
from pictures.remembered import unpacked
from pictures.searches import Memory
from pictures.table import Pairs, Table, table_of
from pictures.verify import Verdict

GOLDEN = Path(__file__).parent / "golden" / "search.json"
ROUNDING = 1e-3  # of correlations, which other processors round otherwise
PLACES = (0, 20, 100, 500, 1500, -1)  # of bytes that are damaged


# ---- Looks


def scene(number: int, side: int = GRAY_SIDE) -> Gray:
    """A picture like no other of these."""
    coarse = np.random.default_rng(number).integers(0, 256, (9, 9), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))


def smaller(picture: Gray, side: int) -> Gray:
    return np.asarray(Image.fromarray(picture).resize((side, side)))


def grainy(picture: Gray, seed: int, grain: float) -> Gray:
    noise = np.random.default_rng(seed).normal(0, grain, picture.shape)
    return (picture + noise).clip(0, 255).astype(np.uint8)


def view(picture: Gray, *, framed: bool = False, fine: Gray | None = None) -> View:
    packed = None if fine is None else zlib.compress(fine.tobytes())
    return View(bandpass.hashes_of(picture[None], 16)[0], picture.tobytes(), framed, packed)


def looks_of(number: int) -> list[Look]:
    """Looks of one scene: faint and strong copies, turned, framed, and as pages."""
    plain = scene(number)
    framed = np.pad(smaller(plain, 40), 12, constant_values=255)
    pages = [grainy(scene(number, PAGE_SIDE), seed, 4) for seed in (1, 2)]
    views = [
        (view(plain),),
        *((view(grainy(plain, seed, grain)),) for seed, grain in ((3, 3), (4, 12), (5, 40))),
        (view(grainy(bandpass.turned(plain[None], "turned by 90")[0], 6, 3)),),
        (view(grainy(bandpass.turned(plain[None], "mirrored")[0], 7, 3)),),
        (view(grainy(bandpass.turned(plain[None], "inverted")[0], 9, 3)),),
        (view(framed), view(grainy(plain, 8, 2), framed=True)),
        *((view(smaller(page, GRAY_SIDE), fine=page),) for page in pages),
    ]
    return [Look(some, None, None, b"") for some in views]


LOOKS = sorted((look for number in range(3) for look in looks_of(number)), key=look_digest)


# ---- Searches


def memory_of(kept: dict[str, bytes], words: str = "") -> Memory:
    return Memory(lambda name: kept.get(name, b""), kept.__setitem__, words)


def found(
    looks: Sequence[Look | None],
    rules: Rules,
    memory: Memory | None = None,
    sides: Sequence[int] | None = None,
) -> list[Match]:
    by_look = None if sides is None else np.array(sides)
    return list(find_matches(looks, rules, sides=by_look, memory=memory))


some_looks = st.lists(st.booleans(), min_size=len(LOOKS), max_size=len(LOOKS))
on_sides = st.none() | st.lists(
    st.sampled_from([-1, 0, 1]), min_size=len(LOOKS), max_size=len(LOOKS)
)
searches = st.lists(
    st.tuples(some_looks, on_sides, st.sampled_from(["copies", "similar"])), min_size=2, max_size=4
)


@settings(max_examples=20)
@given(searches)
def test_whatever_came_and_went_what_is_found_is_the_same(
    searches: list[tuple[list[bool], list[int] | None, str]],
) -> None:
    kept: dict[str, bytes] = {}
    for there, all_sides, preset in searches:
        numbers = [number for number, is_there in enumerate(there) if is_there]
        looks = [LOOKS[number] for number in numbers]
        sides = all_sides and [all_sides[number] for number in numbers]
        expected = found(looks, PRESETS[preset], sides=sides)
        assert found(looks, PRESETS[preset], memory_of(kept), sides) == expected


def test_looks_match_in_every_way_here() -> None:
    """Else the test before would show little."""
    views = {match.view for match in found(LOOKS, PRESETS["similar"])}
    assert {"whole", "inside a frame", "mirrored"} <= views
    assert any(view.startswith("turned by") for view in views)


def with_parts(number: int) -> list[Look]:
    """Looks of a scene and of a part of it, from which parts can be cut out."""
    whole = scene(number, LARGE_SIDE)
    part = bandpass.levels_of(bandpass.cut_out(whole[None], bandpass.windows()[0], LARGE_SIDE))[0]
    return [
        Look((view(smaller(picture, GRAY_SIDE)),), picture.tobytes(), None, b"")
        for picture in (whole, part)
    ]


LARGE = [replace(look, large=scene(n, LARGE_SIDE).tobytes()) for n, look in enumerate(LOOKS[:8])]
LARGE = sorted(LARGE + with_parts(50) + with_parts(51), key=look_digest)


def cut_out_of(looks: Sequence[Look], memory: Memory) -> tuple[list[Match], int]:
    """What is found with parts of pictures, and of how many of them these are cut out."""
    cut = [0]
    with pytest.MonkeyPatch.context() as patch:

        def counted(pictures: crops._Large, size: int, work: Work) -> Any:
            cut.append(len(pictures._pictures))
            return hashes_of_parts(pictures, size, work)

        hashes_of_parts = crops._Large.hashes_of_parts
        patch.setattr(crops._Large, "hashes_of_parts", counted)
        return found(looks, PRESETS["crops"], memory), sum(cut)


some_parts = st.lists(st.lists(st.booleans(), min_size=12, max_size=12), min_size=2, max_size=3)


@settings(max_examples=5)
@given(some_parts, on_sides)
def test_parts_of_pictures_are_found_as_before(
    searches: list[list[bool]], all_sides: list[int] | None
) -> None:
    kept: dict[str, bytes] = {}
    for there in searches:
        numbers = [number for number, is_there in enumerate(there) if is_there]
        looks = [LARGE[number] for number in numbers]
        sides = all_sides and [all_sides[number] for number in numbers]
        expected = found(looks, PRESETS["crops"], sides=sides)
        assert found(looks, PRESETS["crops"], memory_of(kept), sides) == expected


def test_where_nothing_is_new_no_parts_are_compared() -> None:
    kept: dict[str, bytes] = {}
    first, cut = cut_out_of(LARGE, memory_of(kept))
    assert cut and any(match.view == "crop" for match in first)
    assert cut_out_of(LARGE, memory_of(kept)) == (first, 0)
    assert cut_out_of(LARGE[1:11], memory_of(kept))[1] == 0


def test_of_the_same_look_other_parts_are_compared_anew() -> None:
    kept: dict[str, bytes] = {}
    cut_out_of(LARGE, memory_of(kept))
    looks = LARGE.copy()
    looks[4] = replace(looks[4], large=scene(99, 128).tobytes())
    expected = found(looks, PRESETS["crops"])
    again, cut = cut_out_of(looks, memory_of(kept))
    assert (again, cut > 0) == (expected, True)


def searched(looks: Sequence[Look], rules: Rules, memory: Memory) -> tuple[int, int]:
    """How many rows are compared by their hashes, and how many pairs are looked at."""
    rows, pairs = [0], [0]
    with pytest.MonkeyPatch.context() as patch:

        def counted_close(table: Table, *rest: Any) -> Iterator[Pairs]:
            rows.append(len(table.owner))
            return close(table, *rest)

        def counted_judge(table: Table, some: Pairs, *rest: Any) -> Iterator[Verdict]:
            pairs.append(len(some.left))
            return judge(table, some, *rest)

        close, judge = candidates.candidates, candidates.judge
        patch.setattr(candidates, "candidates", counted_close)
        patch.setattr(candidates, "judge", counted_judge)
        found(looks, rules, memory)
    return sum(rows), sum(pairs)


def test_nothing_is_compared_twice() -> None:
    kept: dict[str, bytes] = {}
    rules = PRESETS["similar"]
    first = searched(LOOKS, rules, memory_of(kept))
    assert min(first) > 0
    assert searched(LOOKS, rules, memory_of(kept)) == (0, 0)
    assert searched(LOOKS[5:15], rules, memory_of(kept)) == (0, 0)


def test_a_new_picture_is_looked_at_with_the_others_alone() -> None:
    kept: dict[str, bytes] = {}
    rules = PRESETS["similar"]
    _, every = searched(LOOKS, rules, memory_of({}))
    _, before = searched(LOOKS[1:], rules, memory_of(kept))
    assert searched(LOOKS, rules, memory_of(kept))[1] == every - before > 0


def test_what_is_remembered_is_that_of_the_same_question() -> None:
    kept: dict[str, bytes] = {}
    similar = PRESETS["similar"]
    for rules, words in ((similar, "a"), (replace(similar, page=30), "a"), (similar, "b")):
        assert min(searched(LOOKS, rules, memory_of(kept, words))) > 0


def damaged(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


def test_what_is_damaged_is_not_trusted() -> None:
    kept: dict[str, bytes] = {}
    expected = found(LOOKS, PRESETS["similar"], memory_of(kept))
    ((name, whole),) = kept.items()
    broken = [damaged(whole, place) for place in PLACES]
    for data in (*broken, whole[:-1], whole + b"\0", whole[:20], b""):
        kept[name] = data
        assert unpacked(data) is None
        assert found(LOOKS, PRESETS["similar"], memory_of(kept)) == expected
        assert kept[name] == whole


def test_of_too_many_candidates_none_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[str, bytes] = {}
    rules = PRESETS["similar"]
    expected = set(found(LOOKS, rules))
    found(LOOKS[:20], rules, memory_of(kept))
    before = dict(kept)
    monkeypatch.setattr(candidates, "MOST", 12)
    plain = found(LOOKS, rules)
    assert set(plain) == expected
    assert found(LOOKS, rules, memory_of(kept)) == plain, "some of it was remembered"
    assert kept == before


def test_a_look_at_a_pair_does_not_hang_on_what_is_looked_at_with_it() -> None:
    table, rules = table_of(LOOKS), PRESETS["similar"]
    for pairs in candidates.candidates(table, rules):
        together = list(verify.judge(table, pairs, rules))
        for size in (1, 7):
            starts = range(0, len(pairs.left), size)
            parts = [pairs.where(slice(start, start + size)) for start in starts]
            alone = [verdict for part in parts for verdict in verify.judge(table, part, rules)]
            assert alone == together


# ---- In the store


def kept_in(path: Path) -> dict[bytes, bytes]:
    query = "SELECT digest, value FROM made JOIN methods ON method = id WHERE name = 'searches'"
    with sqlite3.connect(path) as connection:
        return dict(connection.execute(query).fetchall())


def test_a_second_find_finds_the_same_and_compares_nothing(
    library: Library, cache_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = cache_home / "image-similarity-search" / "cache.sqlite"
    library.find("--no-cache")
    expected = library.info()
    assert not path.exists()
    library.find()
    left = kept_in(path)
    assert left
    monkeypatch.setattr(candidates, "candidates", None)
    monkeypatch.setattr(candidates, "judge", None)
    library.find()
    assert library.info() == expected
    assert kept_in(path) == left


def test_a_damaged_search_is_made_anew(library: Library, cache_home: Path) -> None:
    path = cache_home / "image-similarity-search" / "cache.sqlite"
    library.find()
    expected, left = library.info(), kept_in(path)
    for damage in ("value = x'00'", "checksum = 0", "digest = CAST(digest || x'00' AS BLOB)"):
        with sqlite3.connect(path) as connection:
            where = "method = (SELECT id FROM methods WHERE name = 'searches')"
            connection.execute(f"UPDATE made SET {damage} WHERE {where}")
        ran = library.find()
        assert (library.info(), kept_in(path), ran.err) == (expected, left, "")


def test_what_is_long_comes_back_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.searches, "PART_BYTES", 10)
    path = tmp_path / "cache.sqlite"
    with store.opened(str(path), print) as kept, store.opened(str(path), print) as other:
        kept.remember("a", bytes(range(95)))
        other.remember("b", b"another")
        assert other.recalled("a") == bytes(range(95))
        other.remember("a", bytes(range(12)))
        assert kept.recalled("a") == bytes(range(12)), "parts of before are left"
        with sqlite3.connect(path) as connection:
            connection.execute("DELETE FROM made WHERE length(value) = 10")
        assert (kept.recalled("a"), kept.recalled("b"), kept.recalled("c")) == (
            b"",
            b"another",
            b"",
        )


def test_of_many_searches_the_last_ones_stay(tmp_path: Path) -> None:
    with store.opened(str(tmp_path / "cache.sqlite"), print) as kept:
        for number in range(6):
            kept.remember(str(number), b"left")
            kept.remember("0", b"again")
        found = [kept.recalled(str(number)) for number in range(6)]
        assert found == [b"again", b"", b"", b"left", b"left", b"left"]
        kept.prune([str(tmp_path)])
        assert [kept.recalled(str(number)) for number in range(6)] == found


# ---- What SEARCH stands for


def shown_now() -> dict[str, Any]:
    """The candidates among some looks and the verdicts on them, and the numbers that decide."""
    table, rules = table_of(looks_of(0) + looks_of(1)), PRESETS["similar"]
    made: dict[str, Any] = {}
    for pairs in Search(table, rules).pairs():
        verdicts = verify.judge(table, pairs, rules, fully=True)
        for left, right, v in zip(pairs.left.tolist(), pairs.right.tolist(), verdicts, strict=True):
            numbers = [v.distance, float(v.matches), v.correlation, v.agreement]
            made[f"{left} and {right}, {pairs.turn}, {v.view}"] = numbers
    for module in (verify, registration, aligned, closer, colour, bandpass, sketch):
        numbers_of = {n: v for n, v in vars(module).items() if isinstance(v, int | float)}
        made |= {f"{module.__name__}.{n}": [v] for n, v in numbers_of.items() if n.isupper()}
    return made


def wrong_with(golden: dict[str, Any], now: dict[str, Any]) -> str:
    """What is wrong with the golden values, and what to do; nothing if they are those of today."""
    write = "run python tests/test_remembered.py"
    if golden["number"] != remembered.SEARCH:
        return f"SEARCH is another number than that of the golden values: {write}"
    old = golden["shown"]
    same = old.keys() == now.keys() and all(
        abs(was - value) < ROUNDING
        for name, values in now.items()
        for was, value in zip(old[name], values, strict=True)
    )
    raised = f"raise SEARCH in pictures/remembered.py to {golden['number'] + 1}, then {write}"
    return "" if same else f"a search shows something else: {raised}"


def written() -> dict[str, Any]:
    golden: dict[str, Any] = json.loads(GOLDEN.read_text("utf-8"))
    return golden


def test_searches_show_what_those_of_their_number_did() -> None:
    assert wrong_with(written(), shown_now()) == ""


def test_another_search_of_the_same_number_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    golden = written()
    monkeypatch.setattr(remembered, "SEARCH", 0)
    assert "another number" in wrong_with(golden, shown_now())
    monkeypatch.undo()
    monkeypatch.setattr(verify, "CLOSE_CORRELATION", 0.66)
    assert "raise SEARCH" in wrong_with(golden, shown_now())
    monkeypatch.undo()
    monkeypatch.setattr(verify, "flat_correlation", lambda left, _: np.zeros(len(left)))
    assert "raise SEARCH" in wrong_with(golden, shown_now())


def main() -> None:
    """Write the golden values, unless they changed and their number didn't."""
    now = shown_now()
    if GOLDEN.exists() and "raise SEARCH" in (wrong := wrong_with(written(), now)):
        raise SystemExit(wrong)
    GOLDEN.write_text(json.dumps({"number": remembered.SEARCH, "shown": now}, indent=0) + "\n")


if __name__ == "__main__":
    main()
