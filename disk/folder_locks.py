"""The kernel's locks on folders, by which programs take turns where the file system has such."""

import contextlib
import os
import time
from collections.abc import Iterable, Iterator

from disk import system

SECONDS_TO_WAIT = 5.0
SECONDS_BETWEEN = 0.005


class FolderLocks:
    """Waits for locks, but not in vain for longer than some seconds in all.

    Whoever may read a folder may hold a lock on it for ever.
    """

    def __init__(self, seconds: float = SECONDS_TO_WAIT) -> None:
        self._seconds = seconds

    @contextlib.contextmanager
    def held(self, folders: Iterable[str]) -> Iterator[str | None]:
        """Hold the locks on some folders; yields the first of which another program has it."""
        ours: set[tuple[int, int]] = set()
        with contextlib.ExitStack() as stack:
            for folder in folders:
                try:
                    descriptor = system.open_folder(folder)
                except OSError:
                    continue
                stack.callback(os.close, descriptor)
                status = os.fstat(descriptor)
                place = (status.st_dev, status.st_ino)  # mounted twice, it would wait for itself
                if place not in ours and not self._lock(descriptor):
                    yield folder
                    return
                ours.add(place)
            yield None

    def _lock(self, descriptor: int) -> bool:
        """Whether there is nobody else now who locks a folder."""
        end = time.monotonic() + self._seconds
        while True:
            try:
                system.lock(descriptor)
            except BlockingIOError:
                if time.monotonic() >= end:
                    self._seconds = 0.0
                    return False
                time.sleep(SECONDS_BETWEEN)
            except OSError:  # a file system without locks
                return True
            else:
                return True
