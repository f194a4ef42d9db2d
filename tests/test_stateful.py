"""A library and its owner, who does anything in any order: whatever they do, nothing is lost.

10,000 runs instead of a sample: python tests/test_stateful.py
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import stand_in
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from kill_points import Home

import finder
import main
from actions import command_line
from actions.configuration import configured
from actions.help import parser
from disk import removal
from disk.lines import to_line
from disk.own_names import MANIFEST
from disk.record import read_to_delete

EXAMPLES = int(os.environ.get("STATEFUL_EXAMPLES", "500"))
PARTS = 4  # that can run at the same time
# They meet each other when case or Unicode form is folded, or break a line, or are not UTF-8.
NAMES = (
    "a.jpg",
    "A.jpg",
    "a b.JPG",
    "\xe9.jpg",
    unicodedata.normalize("NFD", "\xe9.jpg"),
    "line\nbreak.jpg",
    ' "quoted".jpg ',
    os.fsdecode(b"\xff\xfe.jpg"),
    "\xdf/ss.jpg",
    "ss/\xdf.jpg",
)
PHOTO_NAMES = [name if name.lower().endswith(".jpg") else name.strip() for name in NAMES]
SHOWN = (b"A", b"\xf0" * 32)


@dataclass(frozen=True)
class Row:
    """A copy of the result."""

    original: Path
    copy: Path
    group: int
    digest: str


CLEANUPS = (
    (),
    ("--allow-whole-groups",),
    ("--with-companions",),
    ("--allow-whole-groups", "--with-companions"),
)


COPIES = ((), ("--copies", "preview"))


def may_have(photo: Path, note: Path) -> bool:
    """Whether a note belongs to a photo by their names, as far as these are used here."""
    wanted = {folded(photo.name + ".xmp"), folded(photo.with_suffix(".xmp").name)}
    return photo.parent == note.parent and folded(note.name) in wanted


def folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())


class Crash(BaseException):
    """The process is dead."""


class Owner(RuleBasedStateMachine):
    """What is on disk, and for each photo whether its owner may find it missing."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(os.path.realpath(tempfile.mkdtemp()))
        self.home = Home(self.folder / "home")
        self.home.photos.mkdir(parents=True)
        self.wanted: dict[Path, bytes] = {}  # what must be there
        self.allowed: dict[Path, bytes] = {}  # of these, what cleanup may take
        self.culled: dict[Path, tuple[Path, bytes]] = {}  # copy -> its original, its content
        self.serial = 0
        self.result = 0  # the number of the output folder's inode
        self.paths: dict[str, Path] = {}  # of what may be there, by where it lies
        self.notes: dict[Path, bytes] = {}  # what lies beside photos

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    # ---- What the owner does

    @initialize()
    def begins(self) -> None:
        for name, shows in zip(PHOTO_NAMES[:5], (0, 0, 0, 1, 1), strict=True):
            self.adds(name, shows)

    @rule(name=st.sampled_from(PHOTO_NAMES), shows=st.sampled_from((0, 1)))
    def adds(self, name: str, shows: int) -> None:
        """A new photo, or another one in the place of an old one, of the same size and time."""
        self.serial += 1
        path = self.home.photos / name
        path.parent.mkdir(exist_ok=True)
        old = path.stat() if path.exists() else None
        path.write_bytes(stand_in.photo(SHOWN[shows], b"%06d" % self.serial))
        if old:
            os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
        self.wanted[path] = path.read_bytes()
        self.may_be(path)
        self.allowed.pop(path, None)

    @rule(
        name=st.sampled_from(PHOTO_NAMES),
        is_whole=st.booleans(),
        text=st.sampled_from((b"a note", b"another")),
    )
    def notes_something(self, name: str, is_whole: bool, text: bytes) -> None:
        """Beside a photo that is there or not, which others may share."""
        self.notes_beside(self.home.photos / name, text, is_whole=is_whole)

    @rule(text=st.sampled_from((b"a note", b"another")))
    def notes_the_same_beside_all(self, text: bytes) -> None:
        for photo in self.photos():
            self.notes_beside(photo, text, is_whole=True)

    def notes_beside(self, photo: Path, text: bytes, *, is_whole: bool) -> None:
        path = photo.with_name(photo.name + ".xmp") if is_whole else photo.with_suffix(".xmp")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text)
        self.notes[path] = text
        self.may_be(path)

    @rule(flags=st.sampled_from(COPIES))
    def finds(self, flags: tuple[str, ...]) -> None:
        self.run("find", *flags)

    @rule(flags=st.sampled_from(COPIES))
    def finds_anew(self, flags: tuple[str, ...]) -> None:
        self.run("find", "--discard-review", *flags)

    @rule(flag=st.sampled_from(((), ("--allow-whole-groups",))))
    def checks(self, flag: tuple[str, ...]) -> None:
        self.run("check-deleted", *flag)

    @rule(flag=st.sampled_from(CLEANUPS))
    def cleans_up(self, flag: tuple[str, ...]) -> None:
        self.run("cleanup", *flag)

    @rule(
        action=st.sampled_from(("find", "check-deleted", "cleanup")),
        changes=st.integers(0, 60),
        along=st.booleans(),
    )
    def is_killed_in(self, action: str, changes: int, along: bool) -> None:
        flags = ("--with-companions",) if along and action == "cleanup" else ()
        flags = COPIES[1] if along and action == "find" else flags
        rows, listed = self.rows(), self.listed()
        with pytest.MonkeyPatch.context() as monkeypatch:
            left = [changes]

            def deadly(change: Callable[..., Any]) -> Callable[..., Any]:
                def changed(path: Any, *args: Any, **options: Any) -> Any:
                    # The kernel frees the lock of a dead process; its file is not what counts.
                    name = str(path)
                    if name.startswith(str(self.home.folder)) and not name.endswith(".lock"):
                        left[0] -= 1
                        if left[0] < 0:
                            raise Crash
                    return change(path, *args, **options)

                return changed

            for name in ("mkdir", "rename", "replace", "unlink", "rmdir", "link", "utime"):
                monkeypatch.setattr(os, name, deadly(getattr(os, name)))
            with contextlib.suppress(Crash):
                self.home.run(action, *flags)
        self.notes_that_went(rows, listed, flags)
        self.takes_note()

    @precondition(lambda self: self.copies())
    @rule(data=st.data())
    def culls(self, data: st.DataObject) -> None:
        self.culls_one(data)

    def culls_one(self, data: st.DataObject) -> tuple[Path, Path]:
        copy, original = data.draw(st.sampled_from(self.copies()))
        self.culled[copy] = (original, copy.read_bytes())
        copy.unlink()
        if original in self.wanted and self.is_as_found(original):
            self.allowed[original] = self.wanted[original]
        return copy, original

    @precondition(lambda self: self.copies())
    @rule(
        data=st.data(),
        number=st.integers(1, 4),
        flag=st.sampled_from(((), ("--allow-whole-groups",))),
        along=st.booleans(),
    )
    def culls_and_cleans_up(
        self, data: st.DataObject, number: int, flag: tuple[str, ...], along: bool
    ) -> None:
        """All that the program is for, in one go."""
        if along:
            self.notes_the_same_beside_all(b"a note")
        for _ in range(number):
            if self.copies():
                self.culls(data)
        self.run("check-deleted", *flag)
        self.run("cleanup", *flag, *(("--with-companions",) if along else ()))

    @precondition(lambda self: self.copies())
    @rule(data=st.data(), how=st.sampled_from(("delete", "replace")), moment=st.booleans())
    def culls_and_loses_the_others(self, data: st.DataObject, how: str, moment: bool) -> None:
        """Of one group; before the list is made, or after."""
        copy, original = self.culls_one(data)
        if moment:
            self.run("check-deleted")
        for row in self.rows():
            if row.copy.parent == copy.parent and row.original != original:
                if how == "replace" and row.original in self.wanted:
                    self.adds(str(row.original.relative_to(self.home.photos)), 1)
                elif row.original.exists():
                    row.original.unlink()
                    self.wanted.pop(row.original, None)
                    self.allowed.pop(row.original, None)
        if not moment:
            self.run("check-deleted")
        self.run("cleanup")

    @precondition(lambda self: self.culled and self.home.output.is_dir())
    @rule(data=st.data())
    def takes_a_line_off_the_list(self, data: st.DataObject) -> None:
        place = self.home.output / "to_delete.txt"
        lines = place.read_text("utf-8").splitlines(keepends=True) if place.exists() else []
        if lines:
            lines.remove(data.draw(st.sampled_from(lines)))
            place.write_text("".join(lines), "utf-8")

    @precondition(lambda self: self.culled and self.home.output.is_dir())
    @rule(data=st.data())
    def restores(self, data: st.DataObject) -> None:
        copy = data.draw(st.sampled_from(sorted(self.culled)))
        original, content = self.culled.pop(copy)
        if copy.parent.is_dir() and not copy.exists() and self.is_of_this_result(copy, original):
            copy.write_bytes(content)
            self.allowed.pop(original, None)

    @precondition(lambda self: self.copies())
    @rule(data=st.data(), how=st.sampled_from(("rename", "move", "edit")))
    def works_on(self, data: st.DataObject, how: str) -> None:
        copy, original = data.draw(st.sampled_from(self.copies()))
        if how == "edit":
            copy.write_bytes(copy.read_bytes() + b" edited")
        elif how == "rename":
            copy.rename(copy.with_name("BEST " + copy.name[-100:]))
        else:
            copy.rename(self.home.output / copy.name)
        self.allowed.pop(original, None)

    @precondition(lambda self: self.home.output.is_dir())
    @rule()
    def unmounts_and_runs(self) -> None:
        """The output folder is not there for a while, and actions run nonetheless."""
        away = self.folder / "away"
        self.home.output.rename(away)
        for action in ("check-deleted", "cleanup"):
            self.home.run(action)
        assert not self.home.output.exists()
        away.rename(self.home.output)
        self.takes_note()

    @rule()
    def unmounts_the_photos_and_runs(self) -> None:
        away = self.folder / "away"
        self.home.photos.rename(away)
        for action in ("find", "check-deleted", "cleanup"):
            self.home.run(action)
        assert not self.home.photos.exists()
        away.rename(self.home.photos)
        self.takes_note()

    @precondition(lambda self: self.home.output.is_dir())
    @rule()
    def empties_the_output_folder(self) -> None:
        """They have seen enough, and move all of it away by hand."""
        shutil.rmtree(self.home.output)
        self.culled.clear()
        self.allowed.clear()

    # ---- What is seen of it

    def run(self, action: str, *flags: str) -> None:
        before, rows, listed = self.photos(), self.rows(), self.listed()
        ended = self.home.run(action, *flags)
        assert ended.code in (0, 1, 2, 3), ended
        assert "Traceback" not in ended.text
        twice = self.photos()
        for path in before.keys() - twice.keys():
            self.may_be_deleted(path, rows, listed, flags)
        self.notes_that_went(rows, listed, flags)
        if action != "find":
            self.home.run(action, *flags)
            photos, notes = self.photos_and_notes()
            assert photos == twice, "the second time did more"
            assert notes == self.notes
        self.takes_note()

    def notes_that_went(self, rows: list[Row], listed: set[Path], flags: Sequence[str]) -> None:
        """Accept those that went along: their photo has gone, no other may have them, and the same
        lies beside one that stays."""
        there, beside = self.photos_and_notes()
        for path in self.notes.keys() - beside.keys():
            assert "--with-companions" in flags
            assert not any(may_have(photo, path) for photo in there)
            assert f"Deleted file: {to_line(str(path))}" in self.home.log()
            shared = [row for row in rows if may_have(row.original, path)]
            doomed = [row for row in shared if row.original in listed]
            assert doomed
            for row in doomed:
                assert any(
                    beside.get(twin) == self.notes[path]
                    for other in rows
                    if other.group == row.group and other.original not in listed
                    if self.has(there, other)
                    for twin in beside
                    if may_have(other.original, twin)
                )
            del self.notes[path]

    @staticmethod
    def has(there: dict[Path, bytes], row: Row) -> bool:
        """Whether an original is as find saw it."""
        content = there.get(row.original)
        return content is not None and hashlib.sha256(content).hexdigest() == row.digest

    def may_be_deleted(
        self, path: Path, rows: list[Row], listed: set[Path], flags: Sequence[str]
    ) -> None:
        """It was listed, and another of its group remains, is not listed, and is as find saw it.

        What is asked for twice, for a group that is listed whole, needs no other.
        """
        (doomed,) = (row for row in rows if row.original == path)
        group = [row for row in rows if row.group == doomed.group]
        there = self.photos()
        assert path in listed, "it was not in the list"
        others = [row for row in group if row.original not in listed]
        if "--allow-whole-groups" in flags and not others:
            return
        assert any(
            hashlib.sha256(there[row.original]).hexdigest() == row.digest
            for row in others
            if row.original in there
        ), "no other of its group remains"
        assert not all(row.copy in self.culled for row in group), "the group was dismissed"

    def rows(self) -> list[Row]:
        manifest = self.home.output / MANIFEST
        if not manifest.exists():
            return []
        return [
            Row(Path(row["original"]), self.home.output / row["copy"], row["group"], row["digest"])
            for row in json.loads(manifest.read_text("utf-8"))["copies"]
        ]

    def listed(self) -> set[Path]:
        place = self.home.output / "to_delete.txt"
        return set(map(Path, read_to_delete(str(place)))) if place.exists() else set()

    def takes_note(self) -> None:
        """Accept the deletions that are allowed; a new result ends the old cull."""
        there = self.photos()
        for path in [path for path in self.allowed if path not in there]:
            assert f"Deleted file: {to_line(str(path))}" in self.home.log()
            del self.wanted[path], self.allowed[path]
        number = self.home.output.stat().st_ino if self.home.output.exists() else 0
        if number != self.result:
            self.result = number
            self.culled.clear()
            self.allowed.clear()

    def photos(self) -> dict[Path, bytes]:
        """The photos that are there, those that are set aside under their own names."""
        return self.photos_and_notes()[0]

    def photos_and_notes(self) -> tuple[dict[Path, bytes], dict[Path, bytes]]:
        """The photos that are there, and the companions, in the same way."""
        photos, notes = dict[Path, bytes](), dict[Path, bytes]()
        for folder, _, names in os.walk(self.home.photos):
            for name in names:
                place = os.path.join(folder, name)
                path = self.own(place)
                with open(place, "rb") as stream:
                    (notes if path.suffix == ".xmp" else photos)[path] = stream.read()
        return photos, notes

    def own(self, path: str) -> Path:
        """The own path of what is there, or of what is set aside there."""
        if path not in self.paths:
            self.paths[path] = Path(path)
        return self.paths[path]

    def may_be(self, path: Path) -> None:
        """Know a path, and the name that it has when it is set aside."""
        self.paths[removal.aside_path(str(path))] = path

    def copies(self) -> list[tuple[Path, Path]]:
        """The copies that lie in their places, with their originals."""
        if not (self.home.output / "info.txt").exists():
            return []
        info = self.home.info()
        return [(Path(c), Path(o)) for o, c in sorted(info.items()) if Path(c).exists()]

    def is_as_found(self, original: Path) -> bool:
        """Whether a photo has the content that find saw."""
        rows = json.loads((self.home.output / MANIFEST).read_text("utf-8"))["copies"]
        digest = hashlib.sha256(self.wanted[original]).hexdigest()
        return any((row["original"], row["digest"]) == (str(original), digest) for row in rows)

    def is_of_this_result(self, copy: Path, original: Path) -> bool:
        info = self.home.output / "info.txt"
        return info.exists() and self.home.info().get(str(original)) == str(copy)

    @invariant()
    def nothing_is_lost(self) -> None:
        there, beside = self.photos_and_notes()
        missing = self.wanted.keys() - there.keys()
        assert missing <= self.allowed.keys(), missing
        for path, content in there.items():
            assert self.wanted.get(path) == content, path
        assert beside == self.notes

    @invariant()
    def each_group_keeps_one(self) -> None:
        """The map is one to one, and no copy has the name of another when it is folded."""
        if not (self.home.output / "info.txt").exists():
            return
        copies = list(self.home.info().values())
        folded = {unicodedata.normalize("NFKC", copy).casefold() for copy in copies}
        assert len(folded) == len(copies)


def run(examples: int, seed: int | None = None) -> None:
    """Run with what takes longest left out: hashing, waiting for the disk, judging config.py."""
    given = configured(None)
    made = parser(given.by_name)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(finder, "hash_files", finder.hash_files)  # the stand-in takes its place
        monkeypatch.setattr(os, "fsync", lambda _: None)
        monkeypatch.setattr(main, "configured", lambda _: given)
        monkeypatch.setattr(command_line, "parser", lambda *_: made)
        run_machine(examples, seed)


def run_machine(examples: int, seed: int | None) -> None:
    """Run with the examples that belong to a seed; without one with others each time."""
    owner = type("SeededOwner", (Owner,), {})
    hypothesis.stateful.run_state_machine_as_test(
        owner if seed is None else hypothesis.seed(seed)(owner),
        settings=settings(
            max_examples=examples,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(hypothesis.HealthCheck),
            database=None,
            derandomize=False,  # which the seed does
            phases=[hypothesis.Phase.generate],  # to shrink takes minutes; 15 steps can be read
        ),
    )


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_the_owner_does_nothing_is_lost(part: int) -> None:
    run(EXAMPLES // PARTS, part)


if __name__ == "__main__":
    run(int(os.environ.get("STATEFUL_EXAMPLES", "10000")))
    print("no loss")
