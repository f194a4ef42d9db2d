"""Text that people read: paths as lines, and values as JSON."""

import json
import os
import re
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


def some_names(paths: Sequence[str]) -> str:
    """The names of a few files, for a message."""
    shown = ", ".join(to_line(os.path.basename(path)) for path in paths[:3])
    return shown + ", ..." if len(paths) > 3 else shown


def listed_names(paths: Sequence[str], most: int = 4) -> list[str]:
    """The names of some files, or their paths if two have one name; the last may stand for many.

    >>> listed_names(["/a/1.jpg", "/b/2.jpg"]), listed_names(["/a/1", "/b/1", "/c/3"], 2)
    (['1.jpg', '2.jpg'], ['/a/1', '2 more'])
    """
    names = [os.path.basename(path) for path in paths]
    told = [to_line(name) for name in (names if len(set(names)) == len(names) else paths)]
    return told if len(told) <= most else [*told[: most - 1], f"{len(told) - most + 1} more"]
