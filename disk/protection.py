"""What a person has protected, so that no action deletes it. Changes nothing on disk."""

import contextlib
import glob
import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator

from disk import same_file
from disk.lines import to_line
from disk.patterns import Patterns, patterns_of, plainly


class Protected:
    """What is protected by paths and patterns, and by whatever other way leads there.

    A path protects a file, or a folder with all below it; so does all that a pattern names, as
    `--exclude` reads them. Names are compared without capitals and in one form of Unicode. Other
    ways are links, hard links and mounts: what is protected is looked through when the first path
    asks that isn't by its name. What only patterns tell is looked for in `folders`.
    """

    def __init__(self, given: Iterable[str], folders: Iterable[str] = ()) -> None:
        self.given = tuple(dict.fromkeys(given))
        self._searched = tuple(folders)
        self._by_name = {plainly(path): path for path in self.given if os.path.isabs(path)}
        self._patterns = [(p, pattern_of(p)) for p in self.given if is_pattern(p)]
        self._folders: dict[str, str | None] = {}  # which entry protects each folder
        self._inside: _Inside | None = None
        self._named: _Inside | None = None

    def covers(self, path: str) -> bool:
        """Whether a path, which need not be there, leads to what is protected."""
        return self.reason(path) is not None

    def reason(self, path: str) -> str | None:
        """Why a file at an absolute path must be kept, if it is protected."""
        if not self.given:
            return None
        for way in dict.fromkeys([path, os.path.realpath(path)]):
            if entry := self._entry_of(way):
                return f"it is protected ({to_line(entry)})"
        return self._by_another_way(path)

    def unused(self, paths: Iterable[str]) -> list[str]:
        """The patterns that name none of some files, nor a folder in which one lies."""
        left = dict(self._patterns)
        folders: set[str] = set()
        for path in paths if left else ():
            named = [pattern for pattern, patterns in left.items() if patterns.name_file(path)]
            while (path := os.path.dirname(path)) not in folders:
                folders.add(path)
                named += [pattern for pattern, some in left.items() if some.name_folder(path)]
            for pattern in named:
                left.pop(pattern, None)
            if not left:
                break
        return [*left]

    def _entry_of(self, path: str) -> str | None:
        """The entry that names a path or a folder in which it lies."""
        own = self._by_name.get(plainly(path))
        named = (pattern for pattern, patterns in self._patterns if patterns.name_file(path))
        return own or next(named, None) or self._entry_of_folder(os.path.dirname(path))

    def _entry_of_folder(self, folder: str) -> str | None:
        if folder not in self._folders:
            own = self._by_name.get(plainly(folder))
            named = (
                pattern for pattern, patterns in self._patterns if patterns.name_folder(folder)
            )
            outer = os.path.dirname(folder)
            above = self._entry_of_folder(outer) if outer != folder else None
            self._folders[folder] = above or own or next(named, None)
        return self._folders[folder]

    def _by_another_way(self, path: str) -> str | None:
        if self._inside is None:
            self._inside = _Inside(self._places())
        reason = self._inside.reason(path)
        if reason or not self._patterns or not _has_other_names(path):
            return reason
        if self._named is None:
            self._named = _Inside(self._named_by_patterns())
        return self._named.reason(path)

    def _places(self) -> Iterator[str]:
        """The protected paths, and what is there of patterns that begin with a path."""
        for entry in filter(os.path.isabs, self.given):
            yield entry
            yield from glob.iglob(entry, recursive=True, include_hidden=True)

    def _named_by_patterns(self) -> Iterator[str]:
        """The files that patterns protect, in the folders that are searched."""
        for top in self._searched:
            for folder, _, files in os.walk(top):
                yield from filter(self._entry_of, (os.path.join(folder, name) for name in files))


class _Inside:
    """What lies in protected places, by which other ways to it are known."""

    def __init__(self, places: Iterable[str]) -> None:
        same_file.look_anew()
        self._folders: dict[same_file.Identity, list[os.stat_result]] = defaultdict(list)
        self._files: dict[int, set[int]] = defaultdict(set)  # numbers by device
        self._unlisted = ""  # a folder of which nobody knows what lies in it
        self._of_folder: dict[str, bool] = {}
        waiting = list(places)
        while waiting:
            waiting += self._inside_of(waiting.pop())

    def _inside_of(self, place: str) -> list[str]:
        """Take note of a file or folder; returns what lies in the folder, if it is a new one."""
        try:
            status = os.stat(place)
            if not stat.S_ISDIR(status.st_mode):
                self._files[status.st_dev].add(status.st_ino)
                return []
            alike = self._folders[same_file.identity(status)]
            if any(os.path.samestat(other, status) for other in alike):
                return []
            alike.append(status)
            return [os.path.join(place, name) for name in os.listdir(place)]
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                self._unlisted = place
            return []

    def reason(self, path: str) -> str | None:
        """Why a file must be kept whose name doesn't protect it."""
        if self._has(os.path.dirname(path)):
            return "it lies in a protected folder by another way"
        with contextlib.suppress(OSError):
            status = os.stat(path)
            if status.st_ino in self._files[status.st_dev]:
                return "it is the same file as a protected one"
            if self._unlisted and status.st_nlink > 1:
                return f"it may be a protected file, as {to_line(self._unlisted)} can't be read"
        return None

    def _has(self, folder: str) -> bool:
        """Whether a folder is one of these, or lies in one, whatever it is called here."""
        if folder not in self._of_folder:
            outer = os.path.dirname(folder)
            self._of_folder[folder] = self._is_one(folder) or (outer != folder and self._has(outer))
        return self._of_folder[folder]

    def _is_one(self, folder: str) -> bool:
        with contextlib.suppress(OSError):
            status = os.stat(folder)
            alike = self._folders.get(same_file.identity(status), ())
            return any(same_file.are_one(other, status) for other in alike)
        return False


def is_pattern(entry: str) -> bool:
    """Whether an entry may be a pattern; a path that looks like one protects as both."""
    return glob.has_magic(entry) or not os.path.isabs(entry)


def pattern_of(entry: str) -> Patterns:
    """What an entry names as a pattern, which may begin in any folder, "**/" or not."""
    while entry.startswith("**/"):
        entry = entry[3:]
    return patterns_of([entry])


def _has_other_names(path: str) -> bool:
    try:
        return os.stat(path).st_nlink > 1
    except OSError:
        return False
