"""What lies beside the pictures of groups under their names, by the list of all objects."""

import hashlib
import posixpath
from collections import defaultdict
from collections.abc import Iterable, Mapping

from pictures import held

KIND = "file"


def beside(groups: Iterable[Iterable[str]], tokens: Mapping[str, str]) -> dict[str, list[str]]:
    """Of each picture in groups the objects that begin with its name, as lines of `pictures.held`.

    Those of its own group are judged themselves. `tokens` has all objects by URL, and what tells
    the content of each.
    """
    members = [(set(group), url) for group in map(list, groups) for url in group]
    wanted = {_stem(url) for _, url in members}
    found: dict[str, list[str]] = defaultdict(list)
    for other in tokens:
        for stem in wanted.intersection(_stems(other)):
            found[stem].append(other)
    lines = {
        url: [_line(other, tokens[other]) for other in found[_stem(url)] if other not in group]
        for group, url in members
    }
    return {url: some for url, some in lines.items() if some}


def _stem(url: str) -> str:
    """An object's URL without its ending."""
    return posixpath.splitext(url)[0]


def _stems(url: str) -> Iterable[str]:
    """All that an object's URL begins with, up to a dot in its name."""
    folder, name = posixpath.split(url)
    parts = name.split(".")
    for count in range(1, len(parts)):
        yield f"{folder}/{'.'.join(parts[:count])}"


def _line(url: str, token: str) -> str:
    digest = hashlib.sha256(token.encode()).hexdigest()
    return held.beside(KIND, posixpath.basename(url), digest)
