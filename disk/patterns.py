"""Patterns of paths, as people write them to name files and folders: `*.gif`, `Screenshots/*`.

A pattern without a slash is compared with the name of a file or folder. One with a slash is
compared with the end of its path, from a folder's name on; one that begins with a slash with all of
its path. A slash at the end says that only folders are meant. `*` stands for any characters (also
for slashes, where the pattern has one), `?` for one, `[ab]` for one of these; a bracket itself is
written `[[]`. `**/` is any folders, or none. Capitals and small letters are the same, and so are
both ways to write an umlaut: cameras and systems differ in them.
"""

import fnmatch
import itertools
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

Match = Callable[[str], re.Match[str] | None]


@dataclass(frozen=True, slots=True)
class Patterns:
    """Some patterns, of which any one is looked for."""

    of_folders: tuple[Match, Match]  # by the path's end, by the name
    of_files: tuple[Match, Match]

    def name_folder(self, path: str) -> bool:
        """Whether a folder itself is named by a pattern."""
        return _is_named(path, self.of_folders)

    def name_file(self, path: str) -> bool:
        """Whether a file itself is named by a pattern."""
        return _is_named(path, self.of_files)

    def cover(self, path: str) -> bool:
        """Whether a pattern names a file or any folder above it."""
        if self.name_file(path):
            return True
        while (folder := os.path.dirname(path)) != path:
            if self.name_folder(folder):
                return True
            path = folder
        return False


def patterns_of(patterns: Iterable[str]) -> Patterns:
    """What looks for any of some patterns.

    >>> some = patterns_of(["*.gif", "Screenshots/*", "old/"])
    >>> [some.name_file(path) for path in ("/a/b.GIF", "/screenshots/b.png", "/a/old")]
    [True, True, False]
    >>> some.name_folder("/a/old"), some.cover("/a/old/b/c.png"), some.cover("/a/bold/c.png")
    (True, True, False)
    """
    plain = [plainly(one) for pattern in patterns if pattern for one in _with_any_folders(pattern)]
    files = [pattern for pattern in plain if not pattern.endswith("/")]
    return Patterns(_matchers([pattern.rstrip("/") for pattern in plain]), _matchers(files))


def plainly(text: str) -> str:
    """A path or pattern as it is compared, whatever its capitals and the form of its umlauts."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", text).lower()


def _with_any_folders(pattern: str) -> list[str]:
    """The patterns that one with `**/` stands for, with folders there and without.

    >>> _with_any_folders("**/a/**/b")
    ['a/b', 'a/*/b']
    """
    while pattern.startswith("**/") and len(pattern) > len("**/"):
        pattern = pattern.removeprefix("**/")
    while "/**/**/" in pattern:
        pattern = pattern.replace("/**/**/", "/**/")
    first, *others = pattern.split("/**/")
    ways = itertools.product(("/", "/*/"), repeat=len(others))
    return [first + "".join(map(str.__add__, way, others)) for way in ways]


def _is_named(path: str, matchers: tuple[Match, Match]) -> bool:
    path = plainly(path)
    by_path, by_name = matchers
    return bool(by_path(path) or by_name(os.path.basename(path)))


def _matchers(patterns: Sequence[str]) -> tuple[Match, Match]:
    by_path = _any_of([os.path.join("*", pattern) for pattern in patterns if "/" in pattern])
    return by_path, _any_of([pattern for pattern in patterns if "/" not in pattern])


def _any_of(patterns: Sequence[str]) -> Match:
    return re.compile("|".join(map(fnmatch.translate, patterns)) or r"(?!)").match
