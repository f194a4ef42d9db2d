"""A pool of a few workers that look at pictures, and a memory of what they made."""

import contextlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, wait
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from disk.files import ImageFile, has_digest, image_file, is_untouched
from disk.record import SavedCopy, seems_made
from extras.review.deeper import CantBeSeen, look_deeper
from extras.review.facts import Facts, glance, holding
from extras.review.notes import (
    FactsNote,
    Kind,
    Notes,
    deep_read,
    deep_written,
    facts_read,
    facts_written,
    picture_read,
)
from extras.review.origin import Traces
from extras.review.rendering import rendered
from pictures.errors import DECODE_ERRORS
from pictures.images import Unreadable
from pictures.limits import SHOWING
from pictures.same_picture import Pictured, pictured_at
from pictures.workers import do_each, started_pool, why_nothing_came

T = TypeVar("T")

NOTED_AS: dict[str, Kind] = {"small": "small", "thumb": "thumb"}  # what is shown of all pictures
LOST_SECONDS = 160.0  # with its wait for others; then a worker was lost
PATIENCE_SECONDS = 2.0  # that a judge waits for people who wait for pictures, at most
LONGEST_REASON = 200
CACHE_BYTES = 192 << 20
GONE_BOTH = "its copy and its original are gone"
ONLY_PREVIEW = "its original is gone or changed, and its copy is only a preview"
LARGE = ("preview", "full")  # kinds of pictures in which people compare details

Key = tuple[str, str, int, int]


@dataclass(frozen=True, slots=True)
class Unseen:
    """Why nothing is known of a picture."""

    reason: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What all pixels of a file tell, found out when a rule asks for it.

    Raises CantBeSeen where nobody can tell.
    """

    examiner: "Examiner"
    path: str
    digest: str

    @property
    def sharpness(self) -> float:
        return float(self.examiner.deep(self.path, self.digest, "sharpness"))

    @property
    def traces(self) -> Traces:
        traces: Traces = self.examiner.deep(self.path, self.digest, "traces")
        return traces

    @property
    def pixels(self) -> str:
        return str(self.examiner.deep(self.path, self.digest, "pixels"))


class Examiner:
    """A pool of a few workers, and a bounded memory of what they made.

    What is asked for twice is made once. It is used by several threads. With `notes` what was made
    before is known; with `along`, facts come with a small picture out of the same decode.
    """

    def __init__(
        self,
        workers: int,
        notes: Notes | None = None,
        *,
        along: bool = False,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self._end = contextlib.ExitStack()
        self._pool = self._end.enter_context(started_pool(workers, SHOWING))
        self._notes = notes or Notes(None, print)
        self._along = along
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._shown = threading.Condition()
        self._awaited = 0  # pictures that somebody waits for
        self._thread = threading.local()
        self._pending: dict[Key, Future[Any]] = {}
        self._facts: dict[Key, Facts] = {}
        self._deep: dict[str, dict[str, Any]] = {}
        self._pictures: OrderedDict[Key, bytes] = OrderedDict()
        self._room = cache_bytes

    def close(self) -> None:
        self._closed.set()  # who still waits for a picture waits no longer
        self._end.close()

    @contextlib.contextmanager
    def giving_way(self) -> Iterator[None]:
        """Let this thread ask for nothing as long as somebody waits for a picture, for a while."""
        self._thread.gives_way = True
        try:
            yield
        finally:
            self._thread.gives_way = False

    @contextlib.contextmanager
    def _awaiting(self) -> Iterator[None]:
        with self._shown:
            self._awaited += 1
        try:
            yield
        finally:
            with self._shown:
                self._awaited -= 1
                self._shown.notify_all()

    def facts(self, copy: SavedCopy, *, edited: bool = False) -> Facts | Unseen:
        """The facts of what find saw, in the original or in the copy, or of an edited copy.

        What find saw is as damaged as find said: it has heard the decoder, too.
        """
        key = _key(copy.copy, "facts") if edited else self._key_of_found(copy)
        if isinstance(key, Unseen):
            return key
        if (known := self._facts.get(key)) is None:
            made = self._glanced(key, "" if edited else copy.digest)
            if isinstance(made, Unseen):
                if not edited and key[1] == copy.copy and not os.path.lexists(copy.copy):
                    return self.facts(copy)  # it was removed before a worker came to it
                return made
            known = self._facts[key] = made
        return known if edited or not copy.damage else replace(known, damage=copy.damage)

    def _glanced(self, key: Key, digest: str) -> Facts | Unseen:
        """The facts of a file, as they are noted of its digest or made now."""
        path = key[1]
        noted = self._notes.known("facts", digest) if digest else None
        if noted and (note := facts_read(noted)) and (facts := self._noted(path, digest, note)):
            return replace(facts, deep=Asked(self, path, digest))
        made = self._made(key, glance, self._along)
        if isinstance(made, Unseen):
            return made
        if made.digest == digest:
            self._notes.note("facts", digest, facts_written(FactsNote.of_glance(made)))
        if made.picture:
            self._keep(("small", *key[1:]), made.picture)
            if made.digest == digest:
                self._notes.note("small", digest, made.picture)
        return replace(made.facts, deep=Asked(self, path, made.digest))

    def _noted(self, path: str, digest: str, note: FactsNote) -> Facts | None:
        """The facts of a file by a note, with what it holds by the files beside it now."""
        try:
            file = image_file(path, os.lstat(path))
        except OSError:
            return None
        if (facts := note.of_file(file)) is not None:
            return facts
        key = _key(path, "holds")
        made = key if isinstance(key, Unseen) else self._made(key, holding)
        if isinstance(made, Unseen) or made[0] != digest:
            return None
        note = note.beside(*made[1:])
        self._notes.note("facts", digest, facts_written(note))
        return note.of_file(file)

    def deep(self, path: str, digest: str, name: str) -> Any:
        """What all pixels of a file tell, by the name of one of `deeper.Deep`'s.

        Raises CantBeSeen where nobody can tell.
        """
        known = self._deep.get(digest)
        if known is None:
            noted = self._notes.known("deep", digest)
            known = self._deep[digest] = deep_read(noted) if noted else {}
        if name not in known:
            key = _key(path, f"deep, {name}")
            made = key if isinstance(key, Unseen) else self._made(key, look_deeper, name)
            if isinstance(made, Unseen):
                raise CantBeSeen(made.reason)
            if made[0] != digest:
                raise CantBeSeen("it changed while it was looked at")
            with self._lock:
                known.update(made[1])
                written = deep_written(known)
            self._notes.note("deep", digest, written)
        return known[name]

    def _key_of_found(self, copy: SavedCopy) -> Key | Unseen:
        for path in (copy.original.path, copy.copy):
            if is_untouched(path, copy.original):
                return _key(path, "facts")
        for path in (copy.copy, copy.original.path):  # only the time may have changed
            key = _key(path, "facts")
            seen = key in self._facts and not (copy.preview and path == copy.copy)
            if isinstance(key, tuple) and (seen or has_digest(path, copy.digest)):
                return key
        if copy.preview and os.path.lexists(copy.copy):
            return Unseen(ONLY_PREVIEW)
        there = os.path.lexists(copy.original.path)
        return Unseen("its copy is gone and its original changed" if there else GONE_BOTH)

    def picture(self, copy: SavedCopy, kind: str) -> bytes | Unseen:
        """A JPEG of a copy or, if it is gone, of its original; `kind` as for `render`."""
        shown = _shown(copy, kind)
        key = _key(shown, kind)
        if isinstance(key, Unseen):
            return key
        with self._lock:
            if (known := self._pictures.get(key)) is not None:
                self._pictures.move_to_end(key)
                return known
        with self._awaiting():
            made = self._rendered(key, copy)
        if isinstance(made, bytes):
            self._keep(key, made)
        elif shown == copy.copy and not os.path.lexists(shown):
            return self.picture(copy, kind)  # it was removed before a worker came to it
        return made

    def _rendered(self, key: Key, copy: SavedCopy) -> bytes | Unseen:
        """A picture, as it is noted of what find saw or made now."""
        kind, path = key[:2]
        noted_as = NOTED_AS.get(kind)
        if noted_as and seems_made(path, copy):
            noted = picture_read(self._notes.known(noted_as, copy.digest))
            if noted is not None:
                return noted
        made = self._made(key, rendered, kind)
        if isinstance(made, Unseen):
            return made
        digest, picture = made
        if noted_as and digest in copy.digests:
            self._notes.note(noted_as, copy.digest, picture)
        return picture

    def pictured(self, file: ImageFile) -> Pictured | Unreadable:
        """The digests of a photo and of its picture's data."""
        key = _key(file.path, "digests")
        made = key if isinstance(key, Unseen) else self._made(key, pictured_at)
        return Unreadable(file, made.reason) if isinstance(made, Unseen) else made

    def _keep(self, key: Key, data: bytes) -> None:
        with self._lock:
            if key not in self._pictures:
                self._pictures[key] = data
                self._room -= len(data)
            while self._room < 0 and len(self._pictures) > 1:
                _, dropped = self._pictures.popitem(last=False)
                self._room += len(dropped)

    def _made(self, key: Key, make: Callable[..., T], *wanted: object) -> T | Unseen:
        from pebble import ProcessExpired

        if getattr(self._thread, "gives_way", False):
            with self._shown:
                self._shown.wait_for(lambda: not self._awaited, PATIENCE_SECONDS)
        path = key[1]
        try:
            with self._lock:
                future: Future[list[T]] | None = self._pending.get(key)
                if future is None:
                    task = (make, [path], [SHOWING.most], *wanted)
                    future = self._pool.schedule(do_each, args=task, timeout=SHOWING.clock)
                    self._pending[key] = future
            patience = time.monotonic() + LOST_SECONDS
            while not self._closed.is_set():
                if future in wait([future], 0.5).done:
                    return future.result()[0]
                if time.monotonic() > patience:
                    future.cancel()
                    return Unseen("no worker came back with it")
            return Unseen("the review is ending")
        except CancelledError:
            return Unseen("the review is ending")
        except (TimeoutError, ProcessExpired, *DECODE_ERRORS) as error:
            return Unseen(why_nothing_came(error, SHOWING.most)[:LONGEST_REASON])
        finally:
            with self._lock:
                self._pending.pop(key, None)


def _shown(copy: SavedCopy, kind: str) -> str:
    """Where the picture lies that is shown: in detail the original, not a preview of it."""
    if not os.path.lexists(copy.copy):
        return copy.original.path
    in_detail = copy.preview is not None and kind in LARGE and seems_made(copy.copy, copy)
    return (
        copy.original.path
        if in_detail and is_untouched(copy.original.path, copy.original)
        else copy.copy
    )


def _key(path: str, kind: str) -> Key | Unseen:
    """What tells one content of a file from the next: its path, size and time."""
    try:
        status = os.lstat(path)
    except OSError:
        return Unseen(GONE_BOTH)
    return kind, path, status.st_size, status.st_mtime_ns
