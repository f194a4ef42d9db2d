"""A pool of worker processes: its start, its limits, its end, and why it brought nothing."""

import contextlib
import errno
import functools
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from config import UserError
from disk.limits import ENDED_BY_CPU, allow_cpu, limit_memory
from pictures.errors import reason_of
from pictures.messages import keep_off_the_terminal

if TYPE_CHECKING:  # these take half a second to import, and only `find` needs them
    from multiprocessing.context import ForkServerContext

    from pebble import ProcessPool

# One worker a core: threads of BLAS in each would only wait for each other, and busily.
os.environ.setdefault("OMP_NUM_THREADS", "1")

STOOD_STILL = "whoever reads it stands still"
EXIT_WITHOUT_LOCK = 1  # of a worker that waited for the lock in vain
FILES_OF_POOL = 32  # open at a time, besides two a worker; some are for the rest of the program
REMEDIES: dict[int | None, str] = {  # of what keeps processes from being started
    errno.EMFILE: "allow more open files with ulimit -n, or set fewer --workers",
    **dict.fromkeys(
        (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.ENOENT),
        "make room in /dev/shm and TMPDIR, and let both be written to",
    ),
}
ANY_REMEDY = "allow more processes with ulimit -u, free some memory, or set fewer --workers"
LONGEST_TEMPORARY = 70  # bytes of a path; what multiprocessing adds to it must fit in a socket's

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one picture may take of a worker, in seconds: far more than real ones need.

    `least` and `most` are of processor time, and a large file has more of it. `clock` is by the
    clock: so long is only a worker that stands still. For the pool's lock a worker waits for
    `lock` and ends; others hold it for far less, one that was killed for ever. `modules` take long
    to import, and are there when a worker starts.
    """

    least: float
    most: float
    clock: float
    lock: float
    modules: tuple[str, ...]

    def cpu_seconds(self, size: int) -> float:
        """The processor time for a picture whose file has a size."""
        return min(self.least + size / 1e6, self.most)


# Find starts another pool where one breaks down, and so can be quick to give it up.
FINDING = Limits(
    least=10.0, most=60.0, clock=300.0, lock=1.0, modules=("scipy.fftpack", "imagehash")
)
SHOWING = Limits(least=20.0, most=20.0, clock=60.0, lock=60.0, modules=("numpy", "PIL.Image"))


@contextlib.contextmanager
def started_pool(workers: int, limits: Limits) -> Iterator["ProcessPool"]:
    """A pool whose workers are started, and gone in the end; UserError where that can't be.

    It is started and ended by the main thread, and may be used by others.
    """
    import multiprocessing

    from pebble import ProcessPool

    with _says_what_it_lacks(workers):
        pool = ProcessPool(
            max_workers=workers,
            context=_fork_server(limits.modules),
            initializer=start_worker,
            initargs=(limits.lock,),
        )
    try:
        with _says_what_it_lacks(workers), _ctrl_c_waits():
            bool(pool.active)  # asking starts the workers
        yield pool
    finally:
        with _ctrl_c_waits():  # what interrupts a destructor is lost
            pool.stop()
            if manager := pool._pool_manager_loop:
                manager.join()  # or it would replace those that are killed
            for worker in multiprocessing.active_children():
                worker.kill()  # one that still starts would complain that the pool's locks are gone
            pool.join()


@contextlib.contextmanager
def _says_what_it_lacks(workers: int) -> Iterator[None]:
    """Turn what keeps processes from being started into a UserError."""
    import resource

    files, needed = resource.getrlimit(resource.RLIMIT_NOFILE)[0], FILES_OF_POOL + 2 * workers
    try:
        if files != resource.RLIM_INFINITY and files < needed:  # the server would print tracebacks
            raise OSError(errno.EMFILE, f"{needed} open files are needed")
        yield
    except (OSError, EOFError, RuntimeError) as error:  # the last one is pebble's or a thread's
        cause = error.__cause__ or error
        reason = "they end at once" if isinstance(cause, EOFError) else reason_of(cause)
        remedy = REMEDIES.get(getattr(cause, "errno", None), ANY_REMEDY)
        message = f"worker processes can't be started: {reason}; {remedy}."
        raise UserError(message) from error


def do_each(
    work: Callable[..., T], ones: Sequence[object], seconds: Sequence[float], *wanted: object
) -> list[T]:
    """Do some work on pictures in a worker, one after the other; it ends where one takes too long.

    That is when it takes more than its seconds of processor time.
    """
    results = []
    for one, most in zip(ones, seconds, strict=True):
        allow_cpu(most)
        results.append(work(one, *wanted))
    return results


def why_nothing_came(error: BaseException, seconds: float) -> str:
    """Why a worker made nothing of a picture that had some seconds of processor time."""
    from concurrent.futures import TimeoutError

    from pebble import ProcessExpired

    if isinstance(error, TimeoutError):
        return STOOD_STILL
    if not isinstance(error, ProcessExpired):
        return reason_of(error)
    if error.exitcode == ENDED_BY_CPU:
        return f"it takes more than {seconds:.0f} seconds of processor time to decode"
    return "it crashed the decoder"


@functools.cache
def _fork_server(modules: tuple[str, ...]) -> "ForkServerContext":
    """Start the server that forks the workers, and wait until it has imported what they need."""
    import multiprocessing
    import tempfile
    from multiprocessing import forkserver, resource_tracker

    if len(os.fsencode(tempfile.gettempdir())) > LONGEST_TEMPORARY:
        tempfile.tempdir = "/tmp"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*modules])
    resource_tracker.ensure_running()  # when it starts, it lets Ctrl-C through
    with _ctrl_c_waits():
        forkserver.ensure_running()
    first = context.Process(target=os.getpid)  # waits for the server; Ctrl-C may end that
    first.start()
    first.join()
    return context


@contextlib.contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """Put off Ctrl-C while processes start; they stay deaf to it, and so print no traceback."""
    pressed: list[int] = []  # other threads, such as tqdm's, take it and hand it to this one
    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        signal.signal(signal.SIGINT, before)
        if pressed:
            signal.raise_signal(signal.SIGINT)


def start_worker(lock_seconds: float) -> None:
    """Limit the memory of a worker, and keep its decoders' messages off the terminal.

    A worker that waits for the pool's lock in vain, as one was killed while it held it, ends; so
    does the pool then.
    """
    import numpy as np
    import pebble

    pebble.CONSTS.channel_lock_timeout = lock_seconds
    side = np.ones((512, 512), np.float32)
    side @ side  # OpenBLAS waits forever for its threads' memory if it is refused later
    limit_memory()
    keep_off_the_terminal()
