"""What a person has protected, so that no action deletes it. Changes nothing on disk."""

import glob
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from disk import system
from disk.files import is_gone
from disk.lines import to_line
from disk.other_ways import Inside, all_in
from disk.patterns import Patterns, patterns_of, plainly


class Protected:
    """What is protected by paths and patterns, and by whatever other way leads there.

    A path protects a file, or a folder with all below it; so does all that a pattern names, as
    `--exclude` reads them. Names are compared without capitals and in one form of Unicode. Other
    ways are links, hard links and mounts: what is protected is looked through when the first path
    asks that isn't by its name. What only patterns tell is looked for in `folders`. What find
    `found` to be protected is so, and why, though no way leads there any more.
    """

    def __init__(
        self,
        given: Iterable[str],
        folders: Iterable[str] = (),
        found: Mapping[str, str] | None = None,
    ) -> None:
        self.given = tuple(dict.fromkeys(given))
        self._found = found or {}
        self._searched = tuple(folders)
        self._by_name = {plainly(path): path for path in self.given if os.path.isabs(path)}
        self._patterns = [(p, patterns_of([p])) for p in self.given if is_pattern(p)]
        self._folders: dict[str, str | None] = {}  # which entry protects each folder

    def covers(self, path: str) -> bool:
        """Whether a path, which need not be there, leads to what is protected."""
        return self.reason(path) is not None

    def reason(self, path: str) -> str | None:
        """Why a file at an absolute path must be kept, if it is protected."""
        return self._reason_now(path) or self._found.get(path)

    def _reason_now(self, path: str) -> str | None:
        if not self.given:
            return None
        for way in dict.fromkeys([path, os.path.realpath(path)]):
            if entry := self._entry_of(way):
                return f"it is protected ({to_line(entry)})"
        return self._by_another_way(path)

    @cached_property
    def lapsed(self) -> tuple[str, ...]:
        """What find found to be protected and is there, but to which no way leads any more."""
        there = filter(_is_there, self._found)
        return tuple(path for path in there if not self._reason_now(path))

    @cached_property
    def empty(self) -> tuple[str, ...]:
        """The protected paths at which there is nothing: no file, and nothing in the folder."""
        return tuple(
            entry
            for entry in filter(os.path.isabs, self.given)
            if (_is_there(entry) or not is_pattern(entry)) and not _holds_something(entry)
        )

    @property
    def doubt(self) -> str | None:
        """Why what find didn't look at must be kept, as nobody knows whether it was protected."""
        lost = next(iter((*self.empty, *self.lapsed)), None)
        return lost and f"it may be protected by a way that is gone ({to_line(lost)})"

    @property
    def unread(self) -> str:
        """A protected folder of which nobody knows what lies in it, or nothing."""
        return self._by_path.unlisted

    def unused(self, paths: Iterable[str]) -> list[str]:
        """The patterns that name none of some files and folders above them, and nothing there."""
        left = {p: some for p, some in self._patterns if not (os.path.isabs(p) and _is_there(p))}
        self._take_named(left, paths)
        if left:
            self._take_named(left, self._there())
        return [*left]

    @staticmethod
    def _take_named(left: dict[str, Patterns], paths: Iterable[str]) -> None:
        """Take off the patterns that name some files, or folders in which they lie."""
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
        reason = self._by_path.reason(path)
        return reason or (self._by_pattern.reason(path) if self._patterns else None)

    @cached_property
    def _by_path(self) -> Inside:
        """What lies in the protected paths, and in what a shell would find by the patterns."""
        paths = [*filter(os.path.isabs, self.given)]
        globs = (glob.iglob(path, recursive=True, include_hidden=True) for path in paths)
        return Inside([*paths, *(place for some in globs for place in some)])

    @cached_property
    def _by_pattern(self) -> Inside:
        """What lies in the files and folders that patterns name, in the folders searched."""
        return Inside(filter(self._entry_of, self._there()))

    def _there(self) -> Iterator[str]:
        """All files and folders in which patterns are looked for, links to folders followed."""
        begin = {_beginning(pattern) for pattern, _ in self._patterns if os.path.isabs(pattern)}
        tops = list(self._searched)
        for top in sorted(begin - {""}):
            if not any(system.lies_in(top, other) for other in tops):
                tops.append(top)
        followed: set[tuple[str, str]] = set()
        for top in tops:
            yield from all_in(top, followed)


def is_pattern(entry: str) -> bool:
    """Whether an entry may be a pattern; a path that looks like one protects as both."""
    return glob.has_magic(entry) or not os.path.isabs(entry)


def _beginning(pattern: str) -> str:
    """The folder in which all that an absolute pattern names lies; nothing if that is any."""
    names = pattern.split(os.sep)
    plain = itertools.takewhile(lambda name: not glob.has_magic(name), names)
    return os.sep.join(plain)


def _is_there(path: str) -> bool:
    """Whether something lies at a path, or may lie there where that can't be seen."""
    try:
        return not is_gone(path)
    except OSError:
        return True


def _holds_something(path: str) -> bool:
    """Whether a path is a file that is there, or a folder with something in it."""
    if not os.path.isdir(path):
        return _is_there(path)
    try:
        return bool(os.listdir(path))
    except OSError:
        return True
