"""Which groups of a result were looked at on the page, from one review of it to the next.

It lies in the user's folder for what programs keep, and not in OUTPUT_DIR, where a file that no
record names is a stranger. Nothing hangs on it: what can't be read or written is forgotten.
"""

import contextlib
import json
import os
import re
import threading
from collections.abc import Iterable

from disk.files import open_regular, write_file
from disk.signature import key_path
from disk.strict import number_of, rows_of

MOST_RESULTS = 50  # that are remembered


class Reviewed:
    """The groups of a result, by its run, that somebody has looked at."""

    def __init__(self, run: str) -> None:
        self._name = f"{run}.json"
        self._lock = threading.Lock()
        self.groups: set[int] = set(self._read())

    def add(self, groups: Iterable[int]) -> None:
        """Remember that some more groups were looked at."""
        with self._lock:
            self.groups.update(groups)
            with contextlib.suppress(OSError):
                self._write()

    def _read(self) -> list[int]:
        folder = _folder()
        if folder is None:
            return []
        try:
            with open_regular(os.path.join(folder, self._name)) as stream:
                rows = rows_of(json.loads(stream.read()), "groups")
            return [number_of(row, "groups", 1) for row in rows]
        except (OSError, ValueError, RecursionError):
            return []

    def _write(self) -> None:
        folder = _folder()
        if folder is None:
            return
        os.makedirs(folder, mode=0o700, exist_ok=True)
        write_file(os.path.join(folder, self._name), json.dumps(sorted(self.groups)) + "\n")
        names = [name for name in os.listdir(folder) if re.fullmatch("[0-9a-f]{16}.json", name)]
        paths = [os.path.join(folder, name) for name in names]
        for path in sorted(paths, key=lambda path: -os.lstat(path).st_mtime)[MOST_RESULTS:]:
            os.unlink(path)


def _folder() -> str | None:
    key = key_path()
    return key and os.path.join(os.path.dirname(key), "reviewed")
