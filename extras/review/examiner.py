"""A pool of a few workers that look at pictures, and a memory of what they made."""

import contextlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, wait
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from disk.files import ImageFile, has_digest, is_untouched
from disk.record import SavedCopy, seems_made
from extras.review.facts import Facts, examine
from extras.review.rendering import render
from pictures.errors import DECODE_ERRORS
from pictures.images import Unreadable
from pictures.limits import SHOWING
from pictures.same_picture import Pictured, pictured_at
from pictures.workers import do_each, started_pool, why_nothing_came

T = TypeVar("T")

LOST_SECONDS = 160.0  # with its wait for others; then a worker was lost
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


class Examiner:
    """A pool of a few workers, and a bounded memory of what they made.

    What is asked for twice is made once. It is used by several threads.
    """

    def __init__(self, workers: int, cache_bytes: int = CACHE_BYTES) -> None:
        self._end = contextlib.ExitStack()
        self._pool = self._end.enter_context(started_pool(workers, SHOWING))
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._pending: dict[Key, Future[Any]] = {}
        self._facts: dict[Key, Facts] = {}
        self._pictures: OrderedDict[Key, bytes] = OrderedDict()
        self._room = cache_bytes

    def close(self) -> None:
        self._closed.set()  # who still waits for a picture waits no longer
        self._end.close()

    def facts(self, copy: SavedCopy, *, edited: bool = False) -> Facts | Unseen:
        """The facts of what find saw, in the original or in the copy, or of an edited copy.

        What find saw is as damaged as find said: it has heard the decoder, too.
        """
        key = _key(copy.copy, "facts") if edited else self._key_of_found(copy)
        if isinstance(key, Unseen):
            return key
        if (known := self._facts.get(key)) is None:
            made = self._made(key, examine)
            if isinstance(made, Unseen):
                if not edited and key[1] == copy.copy and not os.path.lexists(copy.copy):
                    return self.facts(copy)  # it was removed before a worker came to it
                return made
            known = self._facts[key] = made
        return known if edited or not copy.damage else replace(known, damage=copy.damage)

    def _key_of_found(self, copy: SavedCopy) -> Key | Unseen:
        for path in (copy.original.path, copy.copy):
            if is_untouched(path, copy.original):
                return _key(path, "facts")
        for path in (copy.copy, copy.original.path):  # only the time may have changed
            key = _key(path, "facts")
            if isinstance(key, tuple) and (key in self._facts or has_digest(path, copy.digest)):
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
        made = self._made(key, render, kind)
        if isinstance(made, bytes):
            self._keep(key, made)
        elif shown == copy.copy and not os.path.lexists(shown):
            return self.picture(copy, kind)  # it was removed before a worker came to it
        return made

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
