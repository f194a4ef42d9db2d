"""The list of files that a person knows to be unreadable, as `find --list unreadable` prints it.

A line is a file's size, its time in nanoseconds and its path. So a file that has changed since
is told of again.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

from config import UserError
from disk.files import ImageFile, open_regular
from disk.lines import from_line, to_line

LINE = re.compile(r"\d+ -?\d+ .+", re.ASCII)
REMEDY = "make the list by --action find --list unreadable."


@dataclass(frozen=True, slots=True)
class KnownBad:
    """The lines of such a list; none without a list."""

    lines: frozenset[str] = frozenset()

    def accepts(self, file: ImageFile) -> bool:
        """Whether a file is in the list as it is now."""
        return line_of(file) in self.lines

    def stale(self, unreadable: Iterable[ImageFile]) -> list[str]:
        """The paths of the list that are not among the files that can't be read now."""
        paths = {from_line(_path_in(line)) for line in self.lines}
        return sorted(paths - {file.path for file in unreadable})


def line_of(file: ImageFile) -> str:
    """The line of a file, as it was found.

    >>> line_of(ImageFile("/photos/a.jpg", 12, 1_556_712_003_000_000_042))
    '12 1556712003000000042 /photos/a.jpg'
    """
    return f"{file.size} {file.mtime_ns} {to_line(file.path)}"


def known_bad(path: str | None) -> KnownBad:
    """The list in a file; UserError where it can't be read or isn't one.

    Changes nothing on disk.
    """
    if path is None:
        return KnownBad()
    try:
        with open_regular(os.path.realpath(path)) as stream:
            text = stream.read().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UserError(f"ACCEPT_UNREADABLE {path} can't be read: {reason}; {REMEDY}") from error
    numbered = enumerate(text.splitlines(), 1)
    lines = {line: number for number, line in numbered if line and not line.startswith("#")}
    for line, number in lines.items():
        if not _is_whole(line):
            raise UserError(
                f"ACCEPT_UNREADABLE {path}, line {number} is no size, time and path; {REMEDY}"
            )
    return KnownBad(frozenset(lines))


def _is_whole(line: str) -> bool:
    if not LINE.fullmatch(line):
        return False
    try:
        return to_line(from_line(_path_in(line))) == _path_in(line)
    except ValueError:
        return False


def _path_in(line: str) -> str:
    return line.split(" ", 2)[2]
