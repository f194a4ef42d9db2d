"""Tasks done by Dask: on the workers of a scheduler, or on some of this machine."""

import contextlib
import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import dask
from distributed import Client, LocalCluster, as_completed
from distributed.client import FutureCancelledError
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker

from config import UserError
from disk import system
from extras.cluster.engine import OnCluster, Run, Task
from extras.cluster.files import Work
from extras.cluster.indexed import by_index
from pictures.presets import PRESETS

AT_ONCE = 4  # tasks a worker has at hand
SECONDS = 60  # until a scheduler and a worker answer
FAILURES = 9  # of workers with one task, which is given up with the next one
AGAIN = "mend that and run it again: it goes on where this one ended."
OURS = {
    "distributed.worker.daemon": False,  # or it could start no process with limits
    "distributed.scheduler.allowed-failures": FAILURES,
    "distributed.worker.profile.enabled": False,  # nobody looks at it, and it costs
}
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
            address = stack.enter_context(LocalCluster(n_workers=workers, **LOCAL))
        try:
            client = stack.enter_context(Client(address, timeout=SECONDS))
            client.wait_for_workers(1, timeout=SECONDS)
        except (OSError, ValueError) as error:
            raise UserError(f"--scheduler {scheduler} doesn't answer: {error}") from error
        yield client


def done_by(client: Client) -> Run:
    """What has tasks done by the workers of a client, few at a time; none is held there."""

    def run(tasks: Sequence[Task]) -> Iterator[tuple[str, int]]:
        waiting, most = iter(tasks), AT_ONCE * max(1, len(client.scheduler_info()["workers"]))
        running = as_completed(with_results=True)

        def begin(count: int) -> None:
            for name, do, given in islice(waiting, count):
                running.add(client.submit(_done, do, name, *given, key=name, pure=False))

        try:
            begin(most)
            for future, result in running:
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

    return run


def _done(do: Callable[..., int], name: str, work: Work, *given: object) -> int:
    system.keep_freed_memory()  # which Dask has workers give back: a task took twice as long
    return do(work, name, *given)
