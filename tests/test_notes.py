"""What is noted of pictures: nothing is looked at twice, and no odd note is believed."""

import json
import os
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Library
from made_pictures import CAT, encoded, photo, png, with_exif

from disk.files import image_file
from extras.review import examiner, notes
from extras.review.deeper import LOOKS, look_deeper
from extras.review.facts import glance, in_time
from extras.review.notes import FactsNote, deep_read, deep_written, facts_read, facts_written

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description>'
    b"<dc:title>%s</dc:title></rdf:Description></rdf:RDF></x:xmpmeta>"
)


@pytest.fixture
def cache(library: Library) -> Path:
    return library.folder / "cache.sqlite"


def suggest(library: Library, cache: Path) -> str:
    return library.run("suggest", "--cache-file", str(cache)).out


def rows(cache: Path) -> dict[str, int]:
    """How many notes there are, by kind."""
    query = "SELECT name, count(*) FROM made JOIN methods ON method = id GROUP BY name"
    with closing(sqlite3.connect(cache)) as connection:
        found = dict(connection.execute(query).fetchall())
    return {name.removeprefix("review, "): n for name, n in found.items() if "review" in name}


def look_no_more(monkeypatch: pytest.MonkeyPatch, *allowed: str) -> None:
    def look(path: str, *_: object) -> None:
        raise AssertionError(f"{path} is looked at again")

    for name in {"glance", "rendered", "look_deeper", "holding"} - set(allowed):
        monkeypatch.setattr(examiner, name, look)


# ---- Once is enough


@pytest.mark.sheet
def test_the_second_time_no_picture_is_decoded(
    library: Library, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither for the sheet nor by suggest, and both say the same."""
    flags = ("--cache-file", str(cache))
    library.find(*flags)
    sheet, said = (library.output / "report.html").read_text(), suggest(library, cache)
    look_no_more(monkeypatch)
    library.find(*flags)
    assert (library.output / "report.html").read_text() == sheet
    assert suggest(library, cache) == said
    assert "To remove by the rules: 2," in said


def test_what_lies_beside_a_photo_is_read_each_time(
    found: Library, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its picture isn't decoded for that."""
    suggest(found, cache)
    look_no_more(monkeypatch, "holding")
    beside = found.photos / "vacation1_old.xmp"
    for title in (b"Oma", b"Opa"):
        beside.write_bytes(XMP % title)
        assert "one holds something" in suggest(found, cache)
    look_no_more(monkeypatch)
    beside.write_bytes(XMP % b"Oma")
    assert "one holds something" in suggest(found, cache)
    beside.unlink()
    assert "To remove by the rules: 2," in suggest(found, cache)


@pytest.mark.parametrize(
    "data",
    [
        with_exif(photo(CAT), "2024:05:01 12:00:00", camera="Canon"),
        with_exif(photo(CAT), "2024:05:01 12:00:00", comment="at the sea"),
        png(photo(CAT).convert("RGBA")),
        encoded(photo(CAT).convert("L"), "GIF"),
        encoded(photo(CAT), "JPEG")[:20_000],
    ],
)
def test_a_note_says_what_was_seen(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(data)
    seen = glance(str(path))
    note = facts_read(facts_written(FactsNote.of_glance(seen)))
    assert note is not None
    assert note.of_file(image_file(str(path), os.stat(path))) == seen.facts
    deep = {name: look_deeper(str(path), name)[1][name] for name in LOOKS}
    assert deep_read(deep_written(deep)) == deep


def test_whether_a_date_is_plausible_depends_on_the_file_and_not_on_a_note(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(with_exif(photo(CAT), "2024:05:01 12:00:00"))
    facts = glance(str(path)).facts
    assert facts.taken == "2024-05-01 12:00:00"
    file = image_file(str(path), os.stat(path))
    before = replace(file, mtime_ns=10**9 * 1_500_000_000, ctime_ns=0)
    assert (in_time(facts, before).taken, in_time(facts, before).clock) == ("", facts.taken)


# ---- What is no note


def forge(cache: Path, kind: str, forged: Callable[[bytes], bytes], *, whole: bool) -> None:
    """Change all notes of a kind, with the checksum of what stands there, or with another one."""
    query = "SELECT made.rowid, digest, value FROM made JOIN methods ON method = id WHERE name = ?"
    with closing(sqlite3.connect(cache)) as connection, connection:
        for row, digest, value in connection.execute(query, (f"review, {kind}",)).fetchall():
            changed = forged(value)
            checksum = zlib.crc32(changed, zlib.crc32(digest)) if whole else 7
            connection.execute(
                "UPDATE made SET value = ?, checksum = ? WHERE rowid = ?", (changed, checksum, row)
            )


def with_fact(name: str, value: Any) -> Callable[[bytes], bytes]:
    def change(note: bytes) -> bytes:
        table = json.loads(zlib.decompress(note))
        table["facts"][name] = value
        return zlib.compress(json.dumps(table).encode())

    return change


ODD: list[Callable[[bytes], bytes]] = [
    lambda _: b"",
    lambda _: b"no zlib",
    lambda _: zlib.compress(b"no JSON"),
    lambda _: zlib.compress(b"[]"),
    lambda _: zlib.compress(b'{"facts": {}, "holds": {}}'),
    lambda _: zlib.compress(b"[" * 100_000),
    *(
        with_fact(*one)
        for one in [
            ("width", 0),
            ("height", 10**400),
            ("quality", "90"),
            ("size", True),
            ("lossless", 1),
            ("damage", None),
            ("places", "abc"),
            ("thumbprint", "AAAA"),
            ("thumbprint", "%"),
        ]
    ),
]


@pytest.mark.parametrize("forged", ODD)
def test_odd_facts_are_made_anew(
    found: Library, cache: Path, forged: Callable[[bytes], bytes]
) -> None:
    said = suggest(found, cache)
    forge(cache, "facts", forged, whole=True)
    assert suggest(found, cache) == said
    with closing(sqlite3.connect(cache)) as connection:
        query = "SELECT value FROM made JOIN methods ON method = id WHERE name = 'review, facts'"
        kept = [facts_read(value) for (value,) in connection.execute(query)]
    assert len(kept) == 5
    assert None not in kept


@pytest.mark.parametrize("kind", ["facts", "deep"])
def test_notes_that_are_not_as_they_were_written_are_made_anew(
    found: Library, cache: Path, kind: str
) -> None:
    said = suggest(found, cache)
    forge(cache, kind, lambda _: b"", whole=False)
    assert suggest(found, cache) == said


@pytest.mark.parametrize(
    "value",
    [b"", b"{", b"[]", b'{"traces": [1, [[], [], []]]}', b'{"sharpness": NaN}', b'{"pixels": "x"}'],
)
def test_odd_values_of_all_pixels_are_none(value: bytes) -> None:
    assert deep_read(zlib.compress(value)) == {}
    assert deep_read(value) == {}


@pytest.mark.sheet
def test_a_noted_picture_that_is_none_is_made_anew(library: Library, cache: Path) -> None:
    library.find("--cache-file", str(cache))
    sheet = (library.output / "report.html").read_text()
    forge(cache, "small", lambda _: b"<script>", whole=True)
    library.find("--cache-file", str(cache))
    assert (library.output / "report.html").read_text() == sheet


def test_nothing_is_noted_of_a_file_that_changed_behind_its_time(
    found: Library, cache: Path
) -> None:
    """What lies there now is not what find saw, and would be taken for that for years."""
    for path in found.photos.iterdir():
        status, content = path.stat(), path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    suggest(found, cache)
    assert "facts" not in rows(cache)


# ---- How long


def test_notes_go_with_their_photos(found: Library, cache: Path) -> None:
    for path in found.photos.iterdir():
        os.utime(path, (10**9, 10**9))  # what changed a moment ago isn't known to the cache
    found.find("--cache-file", str(cache))
    suggest(found, cache)
    before = rows(cache)["facts"]
    found.delete_copies("vacation1_old.jpg")
    found.check()
    found.cleanup()
    found.find("--cache-file", str(cache))
    assert (before, rows(cache)["facts"]) == (5, 4)


def test_notes_are_bounded(found: Library, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes, "MOST", dict.fromkeys(notes.MOST, 2))
    said = suggest(found, cache)
    assert rows(cache)["facts"] == 2
    assert suggest(found, cache) == said


def test_notes_of_another_recipe_are_dropped(
    found: Library, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = suggest(found, cache)
    monkeypatch.setattr(notes, "RECIPE", notes.RECIPE + 1)
    assert suggest(found, cache).endswith(said)
    look_no_more(monkeypatch)
    assert suggest(found, cache) == said


def test_without_a_cache_nothing_is_noted(found: Library, cache: Path) -> None:
    said = suggest(found, cache)
    cache.unlink()
    ran = found.run("suggest", "--cache-file", str(cache), "--no-cache")
    assert ran.out == said
    assert not cache.exists()


def test_a_photo_that_changes_before_a_closer_look_is_not_judged(
    found: Library, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examiner, "look_deeper", lambda *_: ("0" * 64, {}))
    said = suggest(found, cache)
    assert "1: one can't be judged: it changed while it was looked at" in said
    assert "deep" not in rows(cache)
