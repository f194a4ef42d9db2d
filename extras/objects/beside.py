"""What lies beside the pictures of groups under their names, by the list of all objects."""

import hashlib
import posixpath
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from disk.companions import CompanionIndex, folded, homes, kind_of
from pictures import held

KIND = "file"


def beside(groups: Iterable[Iterable[str]], tokens: Mapping[str, str]) -> dict[str, list[str]]:
    """Of each picture in groups what lies beside it under its name, as lines of `pictures.held`.

    That is what begins with its name, whatever it is, and what programs and cameras call otherwise
    as they do in folders. Those of its own group are judged themselves. `tokens` has all objects by
    URL, and what tells the content of each.
    """
    members = [(set(group), url) for group in map(list, groups) for url in group]
    wanted = {_stem(url) for _, url in members}
    found: dict[str, list[str]] = defaultdict(list)
    for other in tokens:
        for stem in wanted.intersection(_stems(other)):
            found[stem].append(other)
    companions = _companions({posixpath.dirname(url) for _, url in members}, tokens)
    lines = {}
    for group, url in members:
        folder, name = posixpath.split(url)
        called = (f"{folder}/{one}" for one in companions[folder].of(name))
        others = dict.fromkeys([*found[_stem(url)], *called])
        lines[url] = [_line(one, tokens[one]) for one in others if one not in group]
    return {url: some for url, some in lines.items() if some}


def _companions(folders: Collection[str], tokens: Iterable[str]) -> dict[str, CompanionIndex]:
    """What in some folders, and where programs put it below them, may belong to a photo."""
    names: dict[str, list[str]] = {folder: [] for folder in folders}
    for url in tokens:
        if kind_of(url) is not None:
            for folder in names.keys() & homes(url):
                names[folder].append(url[len(folder) + 1 :])
    return {folder: CompanionIndex(some) for folder, some in names.items()}


def _stem(url: str) -> str:
    """An object's URL without its ending, whatever its capitals."""
    folder, name = posixpath.split(url)
    return f"{folder}/{posixpath.splitext(folded(name))[0]}"


def _stems(url: str) -> Iterable[str]:
    """All that an object's URL begins with, up to a dot in its name, whatever its capitals."""
    folder, name = posixpath.split(url)
    parts = folded(name).split(".")
    for count in range(1, len(parts)):
        yield f"{folder}/{'.'.join(parts[:count])}"


def _line(url: str, token: str) -> str:
    digest = hashlib.sha256(token.encode()).hexdigest()
    return held.beside(KIND, posixpath.basename(url), digest)
