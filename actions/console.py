"""What an action says: lines for people as they come, facts for --json, a bar while it works."""

import contextlib
import json
import math
import os
import re
import select
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from config import Exit
from disk.lines import to_line

if TYPE_CHECKING:
    from tqdm import tqdm

T = TypeVar("T")
SCALED = 10_000_000  # from here on a bar says 10.0M
SHOWN = 5  # examples of a kind that a summary names; the log has them all
MANY = 1000  # photos, with which most work takes long enough for people to wonder
# What a bar shows: as much as its terminal has room for, what matters most at last.
BAR = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}"
SHOWS_RATE = (
    BAR + " [{elapsed}<{remaining}, {rate_fmt}]",
    BAR + " [{elapsed}<{remaining}]",
    "{desc}: {percentage:3.0f}% [{elapsed}<{remaining}]",
    "{desc}: {percentage:3.0f}%",
)
SHOWS_LEFT = (
    BAR + "{unit} [{elapsed}{postfix}]",
    "{desc}: {percentage:3.0f}%{postfix}",
    "{desc}: {percentage:3.0f}%",
)
LEAST_BAR = 4  # characters
MOST_ANSWERED = 1000  # bytes of a pipe that are read for a yes or no
SECONDS_BETWEEN_LINES = 30.0  # of how far something is, where no bar is shown


@dataclass(slots=True)
class Progress:
    """Whether it is shown how far something is."""

    is_shown: bool = True


PROGRESS = Progress()


@dataclass(slots=True)
class Console:
    """What an action says: lines for people as they come, and the facts for --json.

    With `lists`, stdout has a list and nothing else. If it is `quiet`, what must be known is said,
    what was done, and the last line; what was held back comes where a person is asked.
    """

    json: bool
    lists: bool = False
    quiet: bool = False
    held_back: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    code: Exit = Exit.DONE
    warned_of: set[str] = field(default_factory=set)

    def say(self, line: str = "") -> None:
        """Say what a person may want to know."""
        if self.quiet:
            self.held_back.append(line)
        else:
            self.held_back.clear()
            self.tell(line)

    def conclude(self, line: str) -> None:
        """Say what was done, be it quiet or not; nothing of before is the last line any more."""
        self.held_back.clear()
        self.tell(line)

    def is_on_terminal(self) -> bool:
        """Whether a person reads what is said, as it comes."""
        stream = sys.stderr if self.json or self.lists else sys.stdout
        return stream is not None and stream.isatty()

    def be_quiet(self, quiet: bool) -> None:
        """Say what must be known, what was done and the last line alone, or all again."""
        self.quiet, PROGRESS.is_shown = quiet, not quiet

    def end(self) -> None:
        """Say the last line, if that is all that is wanted."""
        if self.held_back:
            self.tell(self.held_back[-1])

    def agreed(self, question: str) -> bool:
        """Whether a person agrees, who is told first to what.

        They are asked on a terminal, or a script pipes their answer in. A script that answers
        nothing has been asked by who wrote it.
        """
        if sys.stdin is None:
            return False
        on_terminal = sys.stdin.isatty()
        answer = b"" if on_terminal else waiting_answer()
        if not on_terminal and not answer:
            return True
        for line in self.held_back:
            self.tell(line)
        self.held_back.clear()
        if on_terminal:
            return asked(question)
        print_line(f"{question} [y/N]", sys.stderr)
        return is_yes(answer)

    def print_facts(self, schema: int) -> None:
        """Print what --json has."""
        if self.json:
            facts = {"schema": schema, "exit": int(self.code), **self.facts}
            self._print(json.dumps(facts, indent=1))  # ASCII, which any terminal or pipe can hold

    def tell(self, line: str) -> None:
        """Say what a person must know, be it quiet or not."""
        if self.json or self.lists:
            print_line(line, sys.stderr)
        else:
            self._print(line)

    def print_list(self, lines: Iterable[bytes], end: bytes = b"\n") -> None:
        """Print what a list has, byte by byte, whatever a terminal would make of it."""
        with self._noting_who_reads():
            sys.stdout.buffer.writelines(line + end for line in lines)
            sys.stdout.flush()

    def _print(self, text: str) -> None:
        with self._noting_who_reads():
            write_line(text, sys.stdout)

    @contextlib.contextmanager
    def _noting_who_reads(self) -> Iterator[None]:
        """Go on with what was begun where nobody reads stdout any more, and end as UNREAD."""
        try:
            yield
        except BrokenPipeError:
            silence(sys.stdout)
            self.code = self.code or Exit.UNREAD

    def warn(self, message: str) -> None:
        """Say what a person should know; the same once, however many find it out."""
        if message not in self.warned_of:
            self.warned_of.add(message)
            self.tell(f"warning: {message}")

    def warn_of(self, failure: str) -> None:
        """Say what failed, if anything; it makes the exit code 1."""
        if failure:
            self.warn(failure)
            self.code = Exit.KEPT

    def list_some(self, title: str, lines: Sequence[str], *, everything: bool = False) -> None:
        """Name a few of what was kept, skipped or failed; it makes the exit code 1."""
        if not lines:
            return
        self.code = Exit.KEPT
        shown = lines if everything else lines[:SHOWN]
        self.tell(f"{title} ({len(lines):,}):")
        for line in shown:
            self.tell(f"  {line}")
        if len(shown) < len(lines):
            self.tell(f"  ... and {len(lines) - len(shown):,} more, see --verbose")

    def fail(self, message: str, code: Exit) -> None:
        """End with one line, whatever characters a path in it has."""
        line = re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda match: repr(match[0])[1:-1], message)
        print_line(f"error: {line}", sys.stderr)
        self.code = code
        self.facts["error"] = message


@dataclass(frozen=True, slots=True)
class Item:
    """A path and what is to be said of it, to people and in --json."""

    path: str
    reason: str

    @property
    def line(self) -> str:
        return f"{to_line(self.path)}: {self.reason}"

    @property
    def facts(self) -> dict[str, str]:
        return {"path": self.path, "reason": self.reason}


def lines_of(items: Iterable[Item]) -> list[str]:
    return [item.line for item in items]


def facts_of(items: Iterable[Item]) -> list[dict[str, str]]:
    return [item.facts for item in items]


def bar(
    items: Iterable[T],
    what: str,
    total: int | None = None,
    unit: str = " photos",
    *,
    is_told: bool = False,
    left: Callable[[], str] | None = None,
) -> Iterator[T]:
    """What is iterated over, with `progress` of it."""
    with progress(what, total, unit, is_told=is_told, left=left) as advance:
        for item in items:
            yield item
            advance(1)


@contextlib.contextmanager
def progress(
    what: str,
    total: int | None = None,
    unit: str = " photos",
    *,
    is_told: bool = False,
    left: Callable[[], str] | None = None,
) -> Iterator[Callable[[int], object]]:
    """What takes how many more are done: a bar on a terminal, a line now and then elsewhere.

    With `is_told` there is a line at the start, too, and nobody waits for the first in silence.
    `left` says how long it goes on, where not each takes as long as the next.
    """
    if sys.stderr is None or not PROGRESS.is_shown:  # there is none where it is closed
        yield lambda _: None
    elif sys.stderr.isatty():
        scaled = total is not None and total >= SCALED
        with _fitting(() if total is None else SHOWS_LEFT if left else SHOWS_RATE)(
            desc=what,
            total=total,
            unit=unit,
            unit_scale=scaled,
            leave=False,
            dynamic_ncols=True,
            miniters=1,  # or a bar that was quick at first stands still, without tqdm's thread
        ) as shown:

            def advance(more: int) -> None:
                if left:
                    shown.set_postfix_str(left(), refresh=False)
                shown.update(more)

            yield advance
    else:
        yield _Lines(what, total, unit, left or str, is_told=is_told).advance


def _fitting(forms: Sequence[str]) -> "type[tqdm[Any]]":
    """Bars of the first of some forms that a terminal has room for; without any, tqdm's own."""
    from tqdm import tqdm  # takes long to import

    tqdm.monitor_interval = 0  # beside its thread no worker could be forked

    class Fitting(tqdm):  # type: ignore[misc]
        def __str__(self) -> str:
            facts, form = self.format_dict, None
            columns = facts["ncols"] or math.inf  # where nobody tells
            for form in forms:
                rest = form.replace("{bar}", " " * LEAST_BAR)
                words = self.format_meter(**{**facts, "ncols": None, "bar_format": rest})
                if len(words) <= columns:
                    break
            return str(self.format_meter(**{**facts, "bar_format": form}))

    return Fitting


class _Lines:
    """How far something is, in a line each half a minute."""

    def __init__(
        self,
        what: str,
        total: int | None,
        unit: str,
        left: Callable[[], str] = str,
        *,
        is_told: bool,
    ) -> None:
        self._what, self._unit, self._left, self._done = what, unit, left, 0
        self._of_all = "" if total is None else f" of {total:,}"
        self._said = time.monotonic()
        if is_told and total:
            self._say(f"{total:,}")

    def advance(self, more: int) -> None:
        self._done += more
        now = time.monotonic()
        if now - self._said >= SECONDS_BETWEEN_LINES:
            self._said = now
            self._say(f"{self._done:,}{self._of_all}")

    def _say(self, number: str) -> None:
        left = self._left()
        line = f"{self._what}: {number}{self._unit}{', ' if left else ''}{left}"
        print_line(line, sys.stderr)


def print_line(line: str, stream: TextIO | None) -> None:
    """Write a line, if anybody reads it; else what was begun goes on all the same."""
    try:
        write_line(line, stream)
    except BrokenPipeError:
        silence(stream)


def silence(stream: TextIO | None) -> None:
    """Let what is written go nowhere, also what Python still holds at the end of the process."""
    if stream is not None:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())


def write_line(line: str, stream: TextIO | None) -> None:
    """Write a line on a line of its own, though a bar is shown."""
    tqdm = sys.modules.get("tqdm")  # which shows no bar before it is loaded
    with tqdm.tqdm.external_write_mode(stream) if tqdm and stream else contextlib.nullcontext():
        print(line, file=stream, flush=True)


def megabytes(size: int) -> str:
    """A number of bytes in megabytes, or in kilobytes where that would be next to none.

    >>> megabytes(1_234_567), megabytes(100_000), megabytes(87_400), megabytes(3), megabytes(0)
    ('1.2 MB', '0.1 MB', '87 KB', '1 KB', '0 KB')
    """
    if size < 100_000:
        return f"{max(size / 1000, min(size, 1)):.0f} KB"  # never 0 of something
    return f"{size / 1e6:,.1f} MB"


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "copy"), counted(2000, "copy"), counted(0, "photo")
    ('1 copy', '2,000 copies', '0 photos')
    """
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"


def asked(question: str) -> bool:
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return is_yes(sys.stdin.buffer.readline())


def is_yes(answer: bytes) -> bool:
    """Whether an answer's first line agrees; whatever else was typed doesn't."""
    return answer.split(b"\n")[0].strip().lower() in (b"y", b"yes")


def waiting_answer() -> bytes:
    """What waits to be read on a stdin that is no terminal; nobody is waited for."""
    try:
        stdin = sys.stdin.fileno()
        return os.read(stdin, MOST_ANSWERED) if select.select([stdin], [], [], 0)[0] else b""
    except (OSError, ValueError):  # it can't be read, or is no file
        return b""
