"""What a person has decided to keep side by side: a file of theirs, with a line a decision.

Nothing is deleted by it: it only says which groups need not be shown again.
"""

import contextlib
import hashlib
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import dropwhile, pairwise
from string import whitespace

from config import Exit, UserError
from disk import system
from disk.files import open_regular, sync_folder
from disk.lines import dump_json_line
from disk.strict import digest_of, moment_of, number_of, rows_of, table_of, text_of, words_of
from disk.user_folders import decisions_file

SCHEMA = 1
BEGINS = '{"schema": '  # what each decision begins with that was written here, and nothing in it
CHECK_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Member:
    """A picture of a decision: the digests of its data and of its file, and its path then."""

    picture: str
    file: str
    path: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Pictures that belong side by side, each as often as it was there, and since when."""

    id: str
    time: str
    members: tuple[Member, ...]

    @property
    def pictures(self) -> Counter[str]:
        return Counter(member.picture for member in self.members)

    @property
    def day(self) -> str:
        return self.time[:10]


@dataclass(frozen=True, slots=True)
class Together:
    """Which of some pictures, by position, a decision holds."""

    decision: Decision
    positions: tuple[int, ...]


class Decisions:
    """The decisions that stand. `torn` says that the last line was cut off, and counts for nothing.

    >>> one = decided([Member("a" * 64, "f" * 64, "/1"), Member("b" * 64, "e" * 64, "/2")])
    >>> known = Decisions([one])
    >>> known.settling(["a" * 64, "b" * 64]) is one
    True
    >>> known.settling(["a" * 64, "a" * 64, "b" * 64]) is None
    True
    """

    def __init__(self, decisions: Iterable[Decision] = (), *, torn: bool = False) -> None:
        self.torn = torn
        self.all = tuple(decisions)
        self._counts = [decision.pictures for decision in self.all]
        self._with: dict[str, list[int]] = defaultdict(list)  # the places of those, by picture
        for place, counts in enumerate(self._counts):
            for picture in counts:
                self._with[picture].append(place)
        self._by_file = {m.file: m.picture for d in self.all for m in d.members}

    def picture_of(self, file: str) -> str | None:
        """The digest of the picture of a file with some digest, if a decision knows it."""
        return self._by_file.get(file)

    def settling(self, pictures: Sequence[str]) -> Decision | None:
        """The last decision in which all of some pictures lie, each as often as it is there."""
        return next(reversed(self.all_settling(pictures)), None)

    def all_settling(self, pictures: Sequence[str]) -> list[Decision]:
        """The decisions in each of which all of some pictures lie."""
        wanted = Counter(pictures)
        rarest = min(wanted, key=lambda picture: len(self._with.get(picture, ())))
        places = self._with.get(rarest, ())
        return [self.all[place] for place in places if wanted <= self._counts[place]]

    def about(self, pictures: Sequence[str]) -> list[Decision]:
        """The decisions that hold two or more of some pictures, the newest last."""
        wanted = Counter(pictures)
        shared: Counter[int] = Counter()
        for picture, count in wanted.items():
            for place in self._with.get(picture, ()):
                shared[place] += min(count, self._counts[place][picture])
        return [self.all[place] for place in sorted(shared) if shared[place] > 1]

    def together(self, pictures: Sequence[str], paths: Sequence[str]) -> list[Together]:
        """Which of some pictures were kept together, most of them first; no set within another."""
        found = [_together(one, pictures, paths) for one in reversed(self.about(pictures))]
        found.sort(key=lambda one: -len(one.positions))
        told: list[Together] = []
        for one in found:
            if not any(set(one.positions) <= set(other.positions) for other in told):
                told.append(one)
        return told


def _together(decision: Decision, pictures: Sequence[str], paths: Sequence[str]) -> Together:
    """Of equal pictures those count first that lie where they lay."""
    left, then = decision.pictures, {member.path for member in decision.members}
    order = sorted(range(len(pictures)), key=lambda position: paths[position] not in then)
    positions = []
    for position in order:
        if left[pictures[position]]:
            left[pictures[position]] -= 1
            positions.append(position)
    return Together(decision, tuple(sorted(positions)))


# ---- Lines


def decided(members: Iterable[Member]) -> Decision:
    """A decision of now."""
    now = datetime.now().astimezone().isoformat()
    members = tuple(members)
    return Decision(_check(_kept(now, members)), now, members)


def _kept(time: str, members: Iterable[Member]) -> dict[str, object]:
    rows = [{"path": m.path, "picture": m.picture, "file": m.file} for m in members]
    return {"schema": SCHEMA, "time": time, "keep": rows}


def line_of(decision: Decision) -> str:
    """The line that says a decision."""
    return _line(_kept(decision.time, decision.members))


def line_against(decisions: Iterable[Decision]) -> str:
    """The line that says that some decisions count no more."""
    now = datetime.now().astimezone().isoformat()
    return _line({"schema": SCHEMA, "time": now, "forget": [d.id for d in decisions]})


def _line(content: dict[str, object]) -> str:
    return dump_json_line({**content, "check": _check(content)})


def _check(content: dict[str, object]) -> str:
    """What tells a line from one in which something was changed; the id of a decision."""
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:CHECK_DIGITS]


@dataclass(frozen=True, slots=True)
class Part:
    """Where one thing stands in a line, and what it says, or why it can't be read.

    That is a decision, or the ids of those that count no more.
    """

    start: int
    end: int
    said: Decision | list[str] | Exception

    @property
    def is_cut_off(self) -> bool:
        return isinstance(self.said, json.JSONDecodeError)


def _parts_of(line: str) -> Iterator[Part]:
    """What a line says: mostly one thing, and more where files were joined without a line's end."""
    begins = (match.start() for match in re.finditer(re.escape(BEGINS), line))
    for place, end in pairwise(sorted({0, *begins, len(line)})):
        while text := line[place:end].strip(whitespace):
            start = line.index(text[0], place)
            part = _part_of(text, start)
            yield part
            place = part.end


def _part_of(text: str, start: int) -> Part:
    """The first thing that a text says, or all of it if that can't be read."""
    try:
        content, length = json.JSONDecoder().raw_decode(text)
        return Part(start, start + length, _said(content))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return Part(start, start + len(text), error)


def _said(value: object) -> Decision | list[str]:
    """A decision, or the ids of those that count no more; ValueError or KeyError for all else."""
    content = table_of(value, "it")
    if number_of(content["schema"], "schema") != SCHEMA:
        raise ValueError(f"its schema is not {SCHEMA}")
    check = words_of(content.pop("check"), "check")
    if check != _check(content):
        raise ValueError("it was changed")
    time = moment_of(content["time"], "time")
    if "forget" in content:
        return [words_of(one, "forget") for one in rows_of(content["forget"], "forget")]
    return Decision(check, time, tuple(map(_member_of, rows_of(content["keep"], "keep"))))


def _member_of(value: object) -> Member:
    row = table_of(value, "a picture")
    return Member(
        picture=digest_of(row["picture"], "picture"),
        file=digest_of(row["file"], "file"),
        path=text_of(row["path"], "path"),
    )


# ---- The file


def load_decisions() -> Decisions:
    """What a person has decided; UserError (exit 3) where a line can't be read.

    A last line that was cut off while it was written was never said. Changes nothing on disk.
    """
    path = decisions_file()
    try:
        stream = open_regular(path)
    except (FileNotFoundError, NotADirectoryError):
        return Decisions()
    except OSError as error:
        raise _unreadable(path, error) from error
    with stream:
        system.lock(stream.fileno(), shared=True, wait=True)  # somebody may be writing
        data = stream.read()
    return _decisions_in(data, path)


def _unreadable(path: str, error: OSError) -> UserError:
    message = f"{path} can't be read: {error.strerror}; mend that or put the file elsewhere."
    return UserError(message, Exit.STATE)


def _decisions_in(data: bytes, path: str) -> Decisions:
    whole, rest = data[: _end_of(data)], data[_end_of(data) :]
    kept: dict[str, Decision] = {}
    forgotten: set[str] = set()
    for number, line in enumerate(_decoded(whole).split("\n"), 1):
        parts = list(_parts_of(line))
        for part in parts:
            if isinstance(part.said, Exception):
                raise _damaged(f"{path}, line {number}", part, parts) from part.said
            if isinstance(part.said, Decision):
                kept[part.said.id] = part.said
            else:
                forgotten.update(part.said)
    return Decisions((d for d in kept.values() if d.id not in forgotten), torn=bool(rest))


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _damaged(line: str, damaged: Part, parts: Sequence[Part]) -> UserError:
    """What can't be read of a line, and how to mend that without losing what can."""
    reason = "it was cut off, or is no decision" if damaged.is_cut_off else damaged.said
    where, remedy = "", "mend that line or remove it"
    if not all(isinstance(part.said, Exception) for part in parts):
        where = f" from its character {damaged.start + 1} to {damaged.end}"
        remedy = "mend or remove that part alone, as other decisions stand on that line"
    return UserError(
        f"{line} can't be read{where} ({reason}), so no decision counts; {remedy}.",
        Exit.STATE,
    )


def _end_of(data: bytes) -> int:
    """Where what is whole ends: before a last decision that was cut off, if there is one.

    What a power cut keeps from the disk may be zeros. What stands before a whole decision isn't
    taken for cut off, as that would go with it.
    """
    start = data.rfind(b"\n") + 1
    tail = data[start:].rstrip(b"\0")
    if not tail.strip():
        return start if len(tail) < len(data) - start else len(data)
    text = _decoded(tail)
    rest = list(dropwhile(lambda part: not isinstance(part.said, Exception), _parts_of(text)))
    if not rest or not all(part.is_cut_off for part in rest):
        return len(data)  # but for its end it is whole, or it is damaged
    whole, cut = text[: rest[0].start], text[rest[0].start :]
    if not (cut.startswith(BEGINS) or BEGINS.startswith(cut)):
        return len(data)  # nothing of ours, so it is damaged
    return start + len(whole.encode("utf-8", "surrogateescape"))


def append_decisions(lines: Sequence[str]) -> None:
    """Add lines to what a person has decided, on disk when this returns; all of them or none.

    A last line that was cut off is taken away. Raises UserError (exit 3) where a line can't be
    read, and OSError where nothing can be written.
    """
    path = decisions_file()
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with _opened_alone(path) as descriptor:
        data = system.read_at(descriptor, os.fstat(descriptor).st_size, 0)
        _decisions_in(data, path)
        end = _end_of(data)
        text = "".join(lines).encode()
        if end and data[end - 1 : end] != b"\n":
            text = b"\n" + text
        os.ftruncate(descriptor, end)
        with contextlib.ExitStack() as undo:
            undo.callback(os.ftruncate, descriptor, end)
            while text:
                text = text[os.write(descriptor, text) :]
            os.fsync(descriptor)
            undo.pop_all()
        sync_folder(os.path.dirname(path))


@contextlib.contextmanager
def _opened_alone(path: str) -> Iterator[int]:
    """The file of decisions, which nobody else reads or writes meanwhile."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
    descriptor = system.open_file(path, flags, 0o600)
    try:
        system.lock(descriptor, wait=True)
        yield descriptor
    finally:
        os.close(descriptor)
