"""A scheduler and workers apart from the tests, and tasks that end workers."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent
ROOT = TESTS.parent


def as_documented(which: str) -> list[str]:
    """The command by which people start a scheduler or a worker, as the docs have it."""
    page = (ROOT / "docs" / "large-libraries.md").read_text("utf-8")
    (line,) = re.findall(rf"^python (-m dask {which}\b.*)$", page, re.MULTILINE)
    return [sys.executable, *line.split()]


class Apart:
    """A scheduler and workers as people start them by hand, in the folder of the program."""

    def __init__(self, folder: Path, program: Path = ROOT, path: Sequence[Path] = ()) -> None:
        self._path = os.pathsep.join(map(str, [TESTS, *path]))  # where tasks of tests are, and more
        self._place, self._started = folder / "scheduler.json", list[subprocess.Popen[bytes]]()
        where = ["--port", "0", "--scheduler-file", str(self._place)]
        self.scheduler = self._start([*as_documented("scheduler"), *where], program)

    @property
    def address(self) -> str:
        end = time.monotonic() + 60
        while not (self._place.exists() and self._place.stat().st_size):
            assert time.monotonic() < end
            time.sleep(0.05)
        return str(json.loads(self._place.read_text("utf-8"))["address"])

    def add_worker(self, program: Path = ROOT) -> None:
        command = as_documented("worker")
        assert command[4] == "tcp://HOST:8786"
        command[4] = self.address
        self.worker = self._start(command, program)

    def _start(self, command: list[str], folder: Path) -> "subprocess.Popen[bytes]":
        environment = {**os.environ, "PYTHONPATH": self._path}
        self._started.append(
            subprocess.Popen(
                [*command, "--no-dashboard"],
                cwd=folder,
                env=environment,
                stderr=subprocess.DEVNULL,
            )
        )
        return self._started[-1]

    def end(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()


@contextlib.contextmanager
def cluster_apart(
    folder: Path, program: Path = ROOT, of_worker: Path = ROOT, path: Sequence[Path] = ()
) -> Iterator[Apart]:
    """A scheduler and a worker, each in a folder, where Python finds the program, or by a path."""
    apart = Apart(folder, program, path)
    try:
        apart.add_worker(of_worker)
        yield apart
    finally:
        apart.end()


def end_worker(*_: object) -> int:
    """A task that no worker survives."""
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def no_task(*_: object) -> int:
    return 0


def end_worker_once(work: Any, *_: object) -> int:
    """A task that the first worker does not survive."""
    try:
        os.mkdir(os.path.join(work.url, "tried"))
    except FileExistsError:
        return 7
    return end_worker()
