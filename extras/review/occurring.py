"""The folders of which one may be preferred: those that tell pictures of a group apart.

Plain values in and out.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

MOST_FOLDERS = 300  # from which a person chooses on the page


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder in which some pictures of groups lie, and others don't."""

    path: str
    groups: int  # of which it holds a part
    rank: int | None = None  # of those that are preferred already, the best first


def telling(groups: Iterable[Sequence[str]], preferred: Sequence[str] = ()) -> list[Folder]:
    """The preferred folders, then those that tell most groups' pictures apart; by their paths."""
    counts: Counter[str] = Counter()
    for paths in groups:
        inside = Counter(folder for path in paths for folder in _above(path))
        counts.update(folder for folder, held in inside.items() if held < len(paths))
    first = [Folder(path, counts[path], rank) for rank, path in enumerate(preferred)]
    rest = [Folder(path, held) for path, held in counts.items() if path not in preferred]
    rest.sort(key=lambda folder: (-folder.groups, folder.path))
    return first + rest[:MOST_FOLDERS]


def _above(path: str) -> Iterator[str]:
    """The folders in which a path lies."""
    while (folder := os.path.dirname(path)) != path:
        yield folder
        path = folder
