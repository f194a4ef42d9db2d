"""Objects hashed where they are: a task fetches some, one after the other, and keeps none."""

import contextlib
import os
import posixpath
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from disk.at_once import in_order
from disk.files import MAX_FILE_BYTES, ImageFile, open_regular
from extras.cluster.engine import OnCluster
from extras.cluster.files import Work
from extras.cluster.rows import columns_of, results_in
from extras.cluster.tasks import check_worker, seen_by
from extras.objects.stores import StoredObject, errors, store_of, why_not
from pictures import decode
from pictures.errors import DECODE_ERRORS
from pictures.hashing import hash_file
from pictures.images import Hashed, Unreadable
from pictures.messages import messages_of_decoders
from pictures.recipe import Recipe
from pictures.workers import in_workers

HASH = "extras.objects.hashing:hashed_and_sized"
AT_ONCE = 8  # objects that are fetched while another is hashed
TOO_LARGE = "the file is larger than 1 GiB"
EMPTY = "the file is empty"


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of a photo's file, and how many pixels wide and high it says it is."""

    hashed: Hashed
    width: int = 0
    height: int = 0

    @property
    def file(self) -> ImageFile:
        return self.hashed.file


def hashed_and_sized(file: ImageFile, recipe: Recipe) -> Measured:
    """What `hash_file` makes of a photo, and its size by its header."""
    hashed = hash_file(file, recipe)
    if isinstance(hashed, Unreadable):
        return Measured(hashed)
    try:
        with messages_of_decoders(), open_regular(file.path) as stream:
            return Measured(hashed, *decode.size_of(stream))
    except DECODE_ERRORS:  # one that could be decoded as far as it goes may have no whole header
        return Measured(hashed)


def hash_part(
    work: Work,
    name: str,
    files: Sequence[StoredObject],
    recipe: Recipe,
    expected: str,
    asked: Any = None,
) -> int:
    """Hash some objects, in a process of their own with its limits; how many are unreadable.

    A model that is asked sees them here.
    """
    check_worker(recipe, expected, "")
    sizes: dict[str, tuple[int, int]] = {}

    def hashed() -> Iterator[Hashed]:
        for one in measured(files, HASH, recipe):
            sizes[one.file.path] = one.width, one.height
            yield one.hashed

    found = {one.file.path: one for one in seen_by(asked, recipe, hashed())}
    columns: dict[str, Any] = columns_of([found[file.path] for file in files])
    columns["width"], columns["height"] = zip(*(sizes[file.path] for file in files), strict=True)
    work.write(name, columns)
    return sum(isinstance(one, Unreadable) for one in found.values())


def measured(files: Sequence[StoredObject], do: str, recipe: Recipe) -> Iterator[Measured]:
    """What some work makes of objects; no more of them than are read next lie on this machine."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        failed: list[Unreadable] = []
        there: dict[str, StoredObject] = {}

        fetching = in_order(fetcher(folder), enumerate(files), AT_ONCE)

        def fetched() -> Iterator[ImageFile]:
            for one, got in fetching:
                if isinstance(got, Unreadable):
                    failed.append(got)
                else:
                    there[got.path] = one
                    yield got

        stack.callback(fetching.close)  # or it would still write there once that is gone
        for result in in_workers(do, fetched(), 1, recipe):
            one = Measured(result) if isinstance(result, Unreadable) else result
            os.unlink(one.file.path)
            of_object = there.pop(one.file.path)
            yield replace(one, hashed=replace(one.hashed, file=of_object))
        yield from map(Measured, failed)


def fetcher(folder: str) -> Callable[[tuple[int, StoredObject]], tuple[StoredObject, Any]]:
    """What fetches an object into a folder, as a file of its ending; or says why it can't."""

    def fetch(numbered: tuple[int, StoredObject]) -> tuple[StoredObject, ImageFile | Unreadable]:
        number, one = numbered
        if reason := EMPTY if not one.size else TOO_LARGE if one.size > MAX_FILE_BYTES else "":
            return one, Unreadable(one, reason)
        ending = posixpath.splitext(one.path)[1].replace(os.sep, "")[:20]
        path = Path(folder, f"{number}{ending}")
        try:
            path.write_bytes(store_of(one.path).read(one))
        except errors() as error:
            return one, Unreadable(one, why_not(error))
        os.utime(path, ns=(one.mtime_ns, one.mtime_ns))
        return one, ImageFile(str(path), one.size, one.mtime_ns)

    return fetch


class OnObjects(OnCluster):
    """A method done by tasks whose photos are objects; these say themselves when they change."""

    hash_part = staticmethod(hash_part)

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._objects: dict[str, ImageFile] = {}

    def _parts(self, files: Sequence[ImageFile], recipe: Recipe) -> dict[str, list[ImageFile]]:
        """As of files; a result tells an object by its URL alone."""
        new = (file for file in files if isinstance(file, StoredObject))
        self._objects.update((one.path, one) for one in new)
        return super()._parts([self._objects[file.path] for file in files], recipe)

    def sizes(self, paths: Collection[str]) -> dict[str, tuple[int, int]]:
        """How many pixels wide and high some photos are, by what hashed them."""
        found: dict[str, tuple[int, int]] = {}
        for name, files in self._files.items():
            if any(file.path in paths for file in files):
                columns = self._work.read(name, "about", "identity", "width", "height")
                results = results_in(columns, lambda *_: None)
                measured = zip(results, columns["width"], columns["height"], strict=True)
                found.update((one.file.path, (int(w), int(h))) for one, w, h in measured)
        return {path: found[path] for path in paths if path in found}

    def _told(self, file: ImageFile) -> tuple[object, ...]:
        return (file,)
