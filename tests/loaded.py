"""Runs of the program with the stand-in, each in a process of its own.

Each is forked off a process that has loaded the program, which takes a hundred times as long as to
run it, and a tracer sees the run alone.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SECONDS = 600  # that a run may take
ALLOW_TRACERS = 0x59616D61  # as where only a parent may trace, and none says who else may


@dataclass(frozen=True)
class Ended:
    code: int
    text: str


class Loaded:
    """The process that has loaded the program, and asks for the next run."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **environment},
            text=True,
        )

    def __enter__(self) -> "Loaded":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, tracer: Sequence[str], arguments: Sequence[str]) -> Ended:
        """Run the program, seen by a strace with these arguments if there are any."""
        number = self._ask(arguments)
        tracing = watching(tracer, number) if tracer else None
        ended = Ended(*self._ask("begin"))
        if tracing:
            tracing.communicate()
        return ended

    def _ask(self, request: object) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())


def watching(tracer: Sequence[str], number: int) -> "subprocess.Popen[str]":
    """A strace that sees all that a process does from now on."""
    command = ["strace", *tracer, "-p", str(number)]
    tracing = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert tracing.stderr
    said = tracing.stderr.readline()
    assert said.endswith(" attached\n"), said
    return tracing


# ---- In the process that has loaded the program


def serve() -> None:
    """Say the number of each next run's process, let it begin when asked, and say how it ended."""
    for line in sys.stdin:
        begin, end = os.pipe()
        with tempfile.TemporaryFile() as said:
            run = os.fork()
            if not run:
                raise SystemExit(run_when_asked(json.loads(line), begin, said.fileno()))
            answer(run)
            sys.stdin.readline()
            os.write(end, b"!")
            _, status = os.waitpid(run, 0)
            os.close(begin)
            os.close(end)
            said.seek(0)
            text = said.read().decode(errors="replace")
            answer((os.waitstatus_to_exitcode(status), text))


def answer(facts: object) -> None:
    print(json.dumps(facts), flush=True)


def run_when_asked(arguments: Sequence[str], begin: int, said: int) -> int:
    """The exit code of a run that reads nothing and writes to a file."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(ALLOW_TRACERS, ctypes.c_ulong(-1))
    signal.alarm(SECONDS)
    sys.stdin = open(os.devnull)  # noqa: SIM115
    os.dup2(sys.stdin.fileno(), 0)
    for stream in (1, 2):
        os.dup2(said, stream)
    os.read(begin, 1)
    return stand_in.main(list(arguments))


if __name__ == "__main__":
    import stand_in

    from actions import check_deleted, clean_up, find, find_summary  # noqa: F401
    from extras.actions import restore  # noqa: F401

    serve()
