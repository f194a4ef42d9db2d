"""A pool of a few workers that look at pictures, and a memory of what they made."""

import contextlib
import os
import signal
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, wait
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from disk import limits
from disk.files import has_digest, is_untouched
from extras.review.facts import Facts, examine
from extras.review.rendering import render
from storage import SavedCopy

T = TypeVar("T")

CPU_SECONDS = 20.0  # that a picture may take; the slowest real ones take two
FAR_SECONDS = 60.0  # by the clock: so long is only a worker that stands still
LOST_SECONDS = 160.0  # with its wait for others; then a worker was lost
END_SECONDS = 5.0
CACHE_BYTES = 192 << 20
GONE_BOTH = "its copy and its original are gone"

Key = tuple[str, str, int, int]


def _within(cpu_seconds: float, make: Callable[..., T], *arguments: object) -> T:
    """What is made of a picture; the worker ends if it works for longer than it may."""
    limits.allow_cpu(cpu_seconds)
    return make(*arguments)


def _start_worker() -> None:
    """Bound what a hostile picture can take, and keep the decoders' messages off the terminal."""
    limits.limit_memory()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


@dataclass(frozen=True, slots=True)
class Unseen:
    """Why nothing is known of a picture."""

    reason: str


class Examiner:
    """A pool of a few workers, and a bounded memory of what they made.

    What is asked for twice is made once. It is used by several threads.
    """

    def __init__(self, workers: int, cache_bytes: int = CACHE_BYTES) -> None:
        import multiprocessing
        from multiprocessing import resource_tracker

        from pebble import ProcessPool

        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["views"])
        self._pool = ProcessPool(max_workers=workers, context=context, initializer=_start_worker)
        resource_tracker.ensure_running()  # when it starts, it lets Ctrl-C through
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # the workers stay deaf to it
        try:
            assert self._pool.active  # asking starts them
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._pending: dict[Key, Future[Any]] = {}
        self._facts: dict[Key, Facts] = {}
        self._pictures: OrderedDict[Key, bytes] = OrderedDict()
        self._room = cache_bytes

    def close(self) -> None:
        self._closed.set()  # who still waits for a picture waits no longer
        self._pool.stop()
        with contextlib.suppress(TimeoutError):  # a worker that doesn't end is no reason to wait
            self._pool.join(END_SECONDS)

    def facts(self, copy: SavedCopy, *, edited: bool = False) -> Facts | Unseen:
        """The facts of what find saw, in the original or in the copy, or of an edited copy.

        What find saw is as damaged as find said: it has heard the decoder, too.
        """
        key = _key(copy.copy, "facts") if edited else self._key_of_found(copy)
        if isinstance(key, Unseen):
            return key
        if (known := self._facts.get(key)) is None:
            made = self._made(key, examine, (key[1],))
            if isinstance(made, Unseen):
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
        there = os.path.lexists(copy.original.path)
        return Unseen("its copy is gone and its original changed" if there else GONE_BOTH)

    def picture(self, copy: SavedCopy, kind: str) -> bytes | Unseen:
        """A JPEG of a copy or, if it is gone, of its original; `kind` as for `render`."""
        shown = copy.copy if os.path.lexists(copy.copy) else copy.original.path
        key = _key(shown, kind)
        if isinstance(key, Unseen):
            return key
        with self._lock:
            if (known := self._pictures.get(key)) is not None:
                self._pictures.move_to_end(key)
                return known
        made = self._made(key, render, (key[1], kind))
        if isinstance(made, bytes):
            self._keep(key, made)
        return made

    def _keep(self, key: Key, data: bytes) -> None:
        with self._lock:
            if key not in self._pictures:
                self._pictures[key] = data
                self._room -= len(data)
            while self._room < 0 and len(self._pictures) > 1:
                _, dropped = self._pictures.popitem(last=False)
                self._room += len(dropped)

    def _made(self, key: Key, make: Callable[..., T], arguments: tuple[object, ...]) -> T | Unseen:
        from pebble import ProcessExpired

        import views

        try:
            with self._lock:
                future: Future[T] | None = self._pending.get(key)
                if future is None:
                    bounded = (CPU_SECONDS, make, *arguments)
                    future = self._pool.schedule(_within, args=bounded, timeout=FAR_SECONDS)
                    self._pending[key] = future
            patience = time.monotonic() + LOST_SECONDS
            while not self._closed.is_set():
                if future in wait([future], 0.5).done:
                    return future.result()
                if time.monotonic() > patience:
                    future.cancel()
                    return Unseen("no worker came back with it")
            return Unseen("the review is ending")
        except CancelledError:
            return Unseen("the review is ending")
        except TooSlow:
            return Unseen("whoever reads it stands still")
        except ProcessExpired as error:
            if error.exitcode == limits.ENDED_BY_CPU:
                seconds = f"{CPU_SECONDS:.0f} seconds of processor time"
                return Unseen(f"it takes more than {seconds} to decode")
            return Unseen("it crashed the decoder")
        except views.DECODE_ERRORS as error:
            if isinstance(error, MemoryError):
                return Unseen(limits.too_much_memory())
            text = (isinstance(error, OSError) and error.strerror) or " ".join(str(error).split())
            return Unseen(text[:200] or type(error).__name__)
        finally:
            with self._lock:
                self._pending.pop(key, None)


def _key(path: str, kind: str) -> Key | Unseen:
    """What tells one content of a file from the next: its path, size and time."""
    try:
        status = os.lstat(path)
    except OSError:
        return Unseen(GONE_BOTH)
    return kind, path, status.st_size, status.st_mtime_ns
