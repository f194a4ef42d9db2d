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
    text = json.dumps(value, ensure_ascii=False, indent=1)
    return re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


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
