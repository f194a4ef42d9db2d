"""The photos below URLs, told from what is passed over, as a walk through folders tells them."""

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from config import UserError
from extras.objects.stores import StoredObject, errors, store_of, why_not
from finder import Found, Skipped, Walker
from pictures import kinds
from pictures.formats import is_photo

UNNAMED = "objects whose names don't say that they are pictures"


@dataclass(frozen=True, slots=True)
class Entry:
    """An object, or a folder as the names of objects make it."""

    path: str
    stored: StoredObject | None = None

    @property
    def name(self) -> str:
        return posixpath.basename(self.path)


def walk(
    urls: Iterable[str], exclude: Sequence[str], leave_out: Iterable[str], min_size: int
) -> Iterator[Found]:
    """Yield the photos below some URLs in sorted order, and what is passed over; by names alone.

    Raises UserError for a URL below which there is nothing, or that can't be listed.
    """
    walker = _KeyWalker(exclude, leave_out, min_size)
    for url in urls:
        yield from walker.below(walker.take_in(url))


class _KeyWalker(Walker):
    """Walks through the folders that the names of objects make."""

    def __init__(self, exclude: Sequence[str], leave_out: Iterable[str], min_size: int) -> None:
        leave_out = [*leave_out]
        super().__init__(exclude, leave_out, min_size)
        self._left_out = frozenset(leave_out)
        self._tree: dict[str, dict[str, Entry]] = {}

    def take_in(self, url: str) -> str:
        """List what lies below a URL; the folder that it is."""
        store = store_of(url)
        try:
            found = store.objects(url)
            top = str(store.fs.unstrip_protocol(store.path_of(url))).rstrip("/")
        except errors() as error:
            raise UserError(
                f"INPUT_DIR {url} can't be listed: {why_not(error)}; check the address, the rights "
                "and what the store's client is told by its environment."
            ) from error
        if top in self._left_out:
            raise UserError(
                f"INPUT_DIR {url} is --work, whose objects are no photos; name another."
            )
        begin = f"{top}/"
        below = [one for one in found if one.path.startswith(begin)]
        if not below:
            raise UserError(f"INPUT_DIR {url} holds no object; check the bucket and the prefix.")
        for one in below:
            self._put(top, one)
        return top

    def _put(self, top: str, one: StoredObject) -> None:
        folder = top
        for name in one.path[len(top) + 1 :].split("/")[:-1]:
            inner = f"{folder}/{name}"
            self._tree.setdefault(folder, {}).setdefault(inner, Entry(inner))
            folder = inner
        self._tree.setdefault(folder, {})[one.path] = Entry(one.path, one)

    def listed(self, folder: str) -> tuple[list[Any], list[Any]]:
        entries = sorted(self._tree.get(folder, {}).values(), key=lambda entry: entry.name)
        return entries, [entry for entry in entries if entry.stored is None]

    def found(self, entry: Any) -> Found:
        if kind := self.kind_by_name(entry.path):
            return Skipped(entry.path, kind)
        if is_photo(entry.name):
            return self.large_enough(entry.stored)
        return Skipped(entry.path, kinds.kind_by_name(entry.name) or UNNAMED)
