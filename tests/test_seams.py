"""What is made of photos, and of pairs of them, is the same wherever and in whatever pieces."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import picture
from hypothesis import given, settings
from hypothesis import strategies as st
from made_pictures import CAT, SINGLES, encoded, look_of, on_phone, photo, text_page, toned
from PIL import ImageOps
from PIL.Image import Transpose

import finder
from disk.files import ImageFile, read_file
from grouping import Match
from pictures import bandpass, matching
from pictures.candidates import Candidates, Search, frequencies_of, in_batches
from pictures.crowds import Known
from pictures.hashing import hash_bytes, hash_file
from pictures.images import HashedImage, Unreadable
from pictures.looks import Look, identity, look_digest
from pictures.picture_file import apart, together
from pictures.presets import PRESETS
from pictures.recipe import Recipe
from pictures.table import table_of


def files_in(folder: Path) -> list[ImageFile]:
    return [found for found in finder.walk([str(folder)]) if isinstance(found, ImageFile)]


def some_files(folder: Path) -> list[ImageFile]:
    """Photos, one that is cut off, and one that is none."""
    for number, name in enumerate(SINGLES[:4]):
        (folder / f"{number}.jpg").write_bytes(picture(name))
    (folder / "cut.jpg").write_bytes(picture(CAT)[:-3000])
    (folder / "none.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    (folder / "page.png").write_bytes(encoded(text_page(1), "PNG"))
    return files_in(folder)


@pytest.mark.workers
def test_photos_are_hashed_from_any_thread(tmp_path: Path) -> None:
    files = some_files(tmp_path)
    expected = {file.path: hash_file(file, Recipe()) for file in files}
    found: list[HashedImage | Unreadable] = []
    thread = threading.Thread(target=lambda: found.extend(finder.hash_files(files, Recipe(), 1)))
    thread.start()
    thread.join()
    assert {result.file.path: result for result in found} == expected


def test_a_photo_is_hashed_by_its_bytes_wherever_they_lie(tmp_path: Path) -> None:
    for file in some_files(tmp_path):
        expected = hash_file(file, Recipe())
        read, data = read_file(file.path)
        Path(file.path).unlink()
        assert hash_bytes(read, data, Recipe()) == expected


def of_every_kind() -> Iterator[Look]:
    """Looks of photos, of edits of them, framed ones, and pages."""
    for seed in range(3):
        yield look_of(text_page(seed))
    for name in SINGLES[:4]:
        image = photo(name)
        yield look_of(image)
        yield look_of(toned(image))
        yield look_of(image.transpose(Transpose.ROTATE_90))
        yield look_of(ImageOps.mirror(toned(image)))
        yield look_of(ImageOps.expand(image, border=60, fill="white"))
        yield look_of(on_phone(image)[0])


LOOKS = sorted({look_digest(look): look for look in of_every_kind()}.values(), key=look_digest)


def test_a_look_is_the_same_after_it_was_bytes() -> None:
    large = [replace(look, large=bytes(range(256)) * 64, points=b"points") for look in LOOKS[:2]]
    for look in (*LOOKS, *large):
        assert together(*apart(look), 32) == look


def test_other_bytes_are_no_look() -> None:
    packed, pictures = apart(LOOKS[0])
    for damaged in (b"", packed[:-1], packed + b"\0"):
        with pytest.raises(ValueError, match="it"):
            together(damaged, pictures, 32)
    for others in (b"", pictures[:-1], pictures + b"\0", b"\1" + pictures[1:]):
        with pytest.raises(ValueError, match="picture"):
            together(packed, others, 32)


def test_an_identity_of_16_bytes_stands_for_a_look() -> None:
    assert all(len(identity(look)) == 16 for look in LOOKS)
    assert len({*map(identity, LOOKS)}) == len(LOOKS)
    names = [f"{n % 5:064}" for n in range(len(LOOKS))]
    shown = [identity(look).hex() for look in LOOKS]
    assert matching.distinct_of(shown, names) == matching.distinct(names, LOOKS)


def test_candidates_are_the_same_where_frequencies_were_made_before() -> None:
    table, rules = table_of(LOOKS), PRESETS["similar"]
    made = frequencies_of(table.gray, len(table.owner))
    blind = replace(table, gray=None)  # type: ignore[arg-type]
    found = [
        sorted(
            (pairs.turn, *row)
            for pairs in search.pairs()
            for row in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)
        )
        for search in (Search(table, rules), Search(blind, rules, made=made))
    ]
    assert found[0] == found[1] != []


def searched(looks: Sequence[Look], blocks: Sequence[int]) -> list[Match]:
    """The matches of looks of which each lies in a block, searched block by block."""
    rules, table = PRESETS["similar"], table_of(looks)
    parts = []
    for one in range(3):
        for other in range(one + 1):
            numbers = [n for n, block in enumerate(blocks) if block in (one, other)]
            some = table_of([looks[n] for n in numbers])
            if not numbers:
                continue
            sides = None if one == other else np.array([blocks[n] for n in numbers])
            search = Search(some, rules, sides)
            list(matching.looked_at(some, search, Known(len(numbers))))
            assert search.ordered
            rows = np.concatenate([np.flatnonzero(table.owner == n) for n in numbers])
            parts.append(search.ordered.among(len(table.owner), rows))
    known = Candidates(len(table.owner), *empty())
    for part in parts:
        known = known.merged_with(part)
    new = np.zeros(len(table.owner), np.bool_)
    search = Search(table, rules, known=known, new=new)
    return list(matching.looked_at(table, search, Known(len(looks))))


def empty() -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    return np.zeros(0, np.int64), np.zeros(0, np.int16), np.zeros(0, np.float32)


@settings(max_examples=12)
@given(st.lists(st.sampled_from([-1, 0, 1, 2]), min_size=len(LOOKS), max_size=len(LOOKS)))
def test_a_search_in_blocks_finds_what_one_search_does(blocks: list[int]) -> None:
    there = [n for n, block in enumerate(blocks) if block >= 0]
    looks = [LOOKS[n] for n in there]
    table = table_of(looks)
    if not there:
        return
    expected = matching.looked_at(table, Search(table, PRESETS["similar"]), Known(len(looks)))
    assert searched(looks, [blocks[n] for n in there]) == list(expected)


def test_hashes_within_a_window_are_those_of_what_is_cut_out() -> None:
    table = table_of(LOOKS)
    rows, window = np.arange(len(table.owner)), (0.0, 0.0, 0.75, 1.0)
    cut = bandpass.cut_out(table.gray[rows], window, 64)
    bits = np.frombuffer(b"".join(bandpass.hashes_of(cut, 16)), np.uint64).reshape(-1, 4)
    assert (table.gray.hashes_within(rows, window, 16) == bits).all()
    assert len(table.gray.hashes_within(rows[:0], window, 16)) == 0
    assert len(list(in_batches(Search(table, PRESETS["copies"]).pairs())))
