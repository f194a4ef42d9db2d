"""Tasks done by Dask: on the workers of a scheduler, or on some of this machine."""

import contextlib
import logging
import pkgutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from multiprocessing import resource_tracker
from typing import Any

import dask
from distributed import Client, LocalCluster, as_completed
from distributed.client import FutureCancelledError
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker

from actions.console import print_line
from config import UserError
from disk import system
from extras.cluster.engine import OnCluster, Run, Task
from extras.cluster.files import Work
from extras.cluster.indexed import by_index
from pictures.presets import PRESETS

AT_ONCE = 4  # tasks a worker has at hand
SECONDS = 60  # until a scheduler and a worker answer
FAILURES = 9  # of workers with one task, which is given up with the next one
SECONDS_BETWEEN_LOOKS = 5.0  # for workers, while nothing comes from them
SECONDS_UNTIL_SAID = 15.0  # that there is none, as one that was killed comes again in some
MINUTES_WITHOUT = 10  # workers
SILENT = "ignore::UserWarning:multiprocessing.resource_tracker"
NOT_UNPACKED = "Error during deserialization"
AGAIN = "mend that and run it again: it goes on where this one ended."
OURS = {
    "distributed.worker.daemon": False,  # or it could start no process with limits
    "distributed.scheduler.allowed-failures": FAILURES,
    "distributed.worker.profile.enabled": False,  # nobody looks at it, and it costs
}
START = (
    "start the scheduler and the workers by python -m dask in the folder of main.py, with the same "
    "program and packages (docs/large-libraries.md)."
)
TALKATIVE = ("distributed", "tornado", "asyncio")
LOCAL: dict[str, Any] = {
    "threads_per_worker": 1,
    "memory_limit": 0,
    "dashboard_address": ":0",
    "silence_logs": logging.CRITICAL + 1,
}


@contextlib.contextmanager
def on_cluster(
    method: Any,
    preset: str,
    workers: int,
    scheduler: str | None,
    url: str,
    kind: type[OnCluster] = OnCluster,
    probes: int | None = None,
) -> Iterator[Any]:
    """A method of the core done by tasks; without a scheduler as many workers are started here.

    With `probes` candidates come from an index.
    """
    work = Work(url)
    work.check()
    with started(workers, scheduler) as run:
        yield (by_index(kind, probes) if probes else kind)(
            method, PRESETS[preset], workers, work, run
        )


@contextlib.contextmanager
def started(workers: int, scheduler: str | None) -> Iterator[Run]:
    """What has tasks done by the workers of a scheduler, or by as many that are started here."""
    with _client(workers, scheduler) as client:
        yield done_by(client)


@contextlib.contextmanager
def _client(workers: int, scheduler: str | None, failures: int = FAILURES) -> Iterator[Client]:
    for name in [name for name in logging.root.manager.loggerDict if name.startswith(TALKATIVE)]:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # what matters is an error here
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory())
        ours = {"temporary-directory": scratch, "distributed.scheduler.allowed-failures": failures}
        stack.enter_context(dask.config.set({**OURS, **ours}))
        address: Any = scheduler
        if scheduler is None:
            address = stack.enter_context(_workers_here(workers))
        try:
            client = stack.enter_context(Client(address, timeout=SECONDS))
            client.wait_for_workers(1, timeout=SECONDS)
        except (OSError, ValueError) as error:
            raise UserError(f"--scheduler {scheduler} doesn't answer: {error}") from error
        if scheduler is not None:
            _check_program(client)
        yield client


def _check_program(client: Client, seconds: float = SECONDS) -> None:
    """Raise UserError where the scheduler or a worker can't import what it is to unpack.

    Or where one doesn't answer for some seconds, as tasks would wait for it.
    """
    ask: dict[str, Any] = {"the scheduler": client.run_on_scheduler, "a worker": client.run}
    for who, run in ask.items():
        try:
            run(pkgutil.resolve_name, f"{__name__}:AGAIN", callback_timeout=seconds)
        except (ImportError, AttributeError) as error:
            raise UserError(f"{who} can't load this program: {error}; {START}") from error
        except OSError as error:
            raise UserError(f"{who} doesn't answer: {error}; {AGAIN}") from error


@contextlib.contextmanager
def _workers_here(count: int) -> Iterator[LocalCluster]:
    """Workers of this machine, which hear no Ctrl-C: this process hears it, and ends them."""
    _start_tracker()
    with contextlib.ExitStack() as stack:
        # The threads that start workers stay deaf to it, and so do these.
        with system.ctrl_c_waits(signal.SIGTERM):
            cluster = LocalCluster(n_workers=count, **LOCAL)
            stack.callback(_close, cluster)
        yield cluster


def _close(cluster: LocalCluster) -> None:
    with system.ctrl_c_waits(signal.SIGTERM):
        cluster.close()


def _start_tracker() -> None:
    """Start what removes semaphores of a worker that was killed, and have it do so in silence.

    Ahead of the workers, as a thread that starts it hears Ctrl-C afterwards.
    """
    sys.warnoptions.append(SILENT)
    try:
        resource_tracker.ensure_running()
    finally:
        sys.warnoptions.remove(SILENT)


def done_by(client: Client) -> Run:
    """What has tasks done by the workers of a client, few at a time; none is held there."""

    def run(tasks: Sequence[Task]) -> Iterator[tuple[str, int]]:
        waiting, most = iter(tasks), AT_ONCE * max(1, _workers_of(client))
        running = as_completed(with_results=True)

        def begin(count: int) -> None:
            for name, do, given in islice(waiting, count):
                running.add(client.submit(_done, do, name, *given, key=name, pure=False))

        try:
            begin(most)
            for future, result in _coming(client, running):
                if isinstance(result, Exception):
                    raise result  # a task that was given up
                future.release()  # or it would be done again if its worker was lost now
                begin(1)
                yield future.key, result
        except KilledWorker as error:
            raise UserError(
                f"a task ended {error.allowed_failures + 1} workers one after the other; {AGAIN}"
            ) from error
        except (CommClosedError, FutureCancelledError) as error:
            raise UserError(f"the scheduler is gone; {AGAIN}") from error
        except RuntimeError as error:
            if not str(error).startswith(NOT_UNPACKED):
                raise
            why = error.__cause__ or error
            raise UserError(f"the scheduler can't load this program: {why}; {START}") from error

    return run


def _coming(client: Client, running: Any) -> Iterator[tuple[Any, Any]]:
    """Each task that is done with what came of it; UserError if there is no worker for long."""
    there = looked = time.monotonic()  # when there was a worker at last, and a look for one
    is_said = False
    while not running.is_empty():
        if running.has_ready():
            yield next(running)
            there = looked = time.monotonic()
            continue
        with running.thread_condition:
            running.thread_condition.wait(0.1)
        if time.monotonic() - looked < SECONDS_BETWEEN_LOOKS:
            continue
        has_one, looked = _workers_of(client) > 0, time.monotonic()
        if has_one:
            there, is_said = looked, False
        elif looked - there >= SECONDS_UNTIL_SAID:
            _bear(looked - there, is_said=is_said)
            is_said = True


def _bear(seconds: float, *, is_said: bool) -> None:
    """Say that there is no worker for some seconds; UserError if these are many."""
    if not is_said:
        print_line(f"No worker answers: waiting {MINUTES_WITHOUT} minutes for one.", sys.stderr)
    if seconds >= MINUTES_WITHOUT * 60:
        raise UserError(
            f"no worker answered for {MINUTES_WITHOUT} minutes; start workers and run it again: "
            "it goes on where this one ended."
        )


def _workers_of(client: Client) -> int:
    """How many workers there are now; none where the scheduler doesn't answer."""
    if client.scheduler is None:  # it was given up
        return 0
    try:
        told = client.sync(client.scheduler.identity, callback_timeout=SECONDS)
    except OSError:
        return 0
    return len(told["workers"])


def _done(do: Callable[..., int], name: str, work: Work, *given: object) -> int:
    system.keep_freed_memory()  # which Dask has workers give back: a task took twice as long
    return do(work, name, *given)
