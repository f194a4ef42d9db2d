"""What a process may take of the machine, as the kernel counts and enforces it."""

import contextlib
import math
import os
import resource
import signal
import time
from collections.abc import Iterable

MEMORY_BYTES = 700_000_000  # what a worker may need for one picture
ENDED_BY_CPU = -signal.SIGXCPU  # the exit code of a process that worked for longer than it might


def allow_cpu(seconds: float) -> None:
    """Let this process work for some more seconds of processor time, rounded up; then it ends.

    The time in which it waits for others, or is stopped, doesn't count. The kernel ends it even
    inside a library in C; no core is dumped.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    limit = math.ceil(time.process_time() + seconds)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (limit, hard))


def limit_memory() -> None:
    """Let this process have `MEMORY_BYTES` more of its own than it has now; Linux only."""
    try:
        with open("/proc/self/status") as stream:
            lines = dict(line.split(":", 1) for line in stream)
    except OSError:
        return
    limit = int(lines["VmData"].split()[0]) * 1024 + MEMORY_BYTES
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def too_much_memory() -> str:
    """Why a picture can't be read that needs more than that."""
    return f"it needs more than {MEMORY_BYTES // 10**6} MB of memory to be decoded"


def cpu_seconds_of(processes: Iterable[int]) -> float | None:
    """The processor time that some processes have had so far; None where no one tells.

    Of a process that has ended nothing is counted.
    """
    if not os.path.isdir("/proc/self"):
        return None
    ticks = 0
    for process in processes:
        with contextlib.suppress(OSError), open(f"/proc/{process}/stat", "rb") as stream:
            # The name in parentheses may hold anything, blanks and parentheses as well.
            fields = stream.read().rpartition(b")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
