"""Text that people read: paths as lines, and values as JSON."""

import json
import os
import re
from collections import Counter
from collections.abc import Sequence

# Line ends as any editor might see them, what changes how a terminal shows the rest, edge blanks,
# and what UTF-8 can't hold.
UNSAFE_IN_A_LINE = re.compile(
    r'[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff]|^["\s]|\s$|^$'
)


def dump_json(value: object) -> str:
    """JSON that people can read and UTF-8 can hold: undecodable bytes stay escaped."""
    return _encodable(json.dumps(value, ensure_ascii=False, indent=1)) + "\n"


def dump_json_line(value: object) -> str:
    """The same in one line."""
    return _encodable(json.dumps(value, ensure_ascii=False)) + "\n"


def _encodable(text: str) -> str:
    return re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text)


def to_line(path: str) -> str:
    r"""A path as one line of text, as a JSON string where it would not survive as it is.

    >>> to_line("/photos/a b.jpg"), to_line("/photos/a\nb.jpg")
    ('/photos/a b.jpg', '"/photos/a\\nb.jpg"')
    """
    return json.dumps(path) if UNSAFE_IN_A_LINE.search(path) else path


def from_line(line: str) -> str:
    r"""The path that `to_line` wrote; ValueError for what it could not have written.

    >>> from_line('"/photos/a\\nb.jpg"') == "/photos/a\nb.jpg"
    True
    """
    if not line.startswith('"'):
        return line
    path: str = json.loads(line)  # what starts with a quote and isn't a string is an error
    return path


def some_names(paths: Sequence[str], within: str = "") -> str:
    """The names of a few files, for a message; or their paths within a folder."""
    few = paths[:3]
    names = (os.path.relpath(p, within) if within else os.path.basename(p) for p in few)
    shown = ", ".join(map(to_line, names))
    return shown + ", ..." if len(paths) > 3 else shown


def short_names(paths: Sequence[str]) -> list[str]:
    """What some files are called: their names, with folders as far as that tells them apart.

    >>> short_names(["/a/b/1.jpg", "/a/c/1.jpg", "/a/2.jpg"])
    ['b/1.jpg', 'c/1.jpg', '2.jpg']
    """
    parts = [path.split(os.sep) for path in paths]
    endings = Counter(tuple(mine[-n:]) for mine in parts for n in range(1, len(mine) + 1))

    def name(mine: Sequence[str]) -> str:
        counts = range(1, len(mine))
        told = next((n for n in counts if endings[tuple(mine[-n:])] == 1), len(mine))
        return os.sep.join(mine[-told:])

    return [name(mine) for mine in parts]


def listed(names: Sequence[str], most: int = 4) -> str:
    """Some names in a sentence; the last may stand for many.

    >>> listed(["a", "b"]), listed(["a"]), listed(["a", "b", "c"], 2)
    ('a and b', 'a', 'a and 2 more')
    """
    told = list(map(to_line, names))
    if len(told) > most:
        told[most - 1 :] = [f"{len(told) - most + 1} more"]
    *others, last = told
    return f"{', '.join(others)} and {last}" if others else last
