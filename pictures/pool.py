"""A pool of worker processes: its start, its limits and its end."""

import contextlib
import errno
import functools
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from config import UserError
from disk import limits
from disk.files import ImageFile
from pictures.errors import reason_of
from pictures.messages import keep_off_the_terminal

if TYPE_CHECKING:  # these take half a second to import, and only `find` needs them
    from multiprocessing.context import ForkServerContext

    from pebble import ProcessPool

# One worker a core: threads of BLAS in each would only wait for each other, and busily.
os.environ.setdefault("OMP_NUM_THREADS", "1")

LEAST_SECONDS = 10.0  # of processor time, for one picture
MOST_SECONDS = 60.0
FAR_SECONDS = 300.0  # by the clock: so long is only a worker that stands still
SECONDS_OF_LOCK = 1.0  # workers hold the pool's lock for far less; one that was killed, for ever
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


@contextlib.contextmanager
def started_pool(workers: int) -> Iterator["ProcessPool"]:
    """A pool whose workers are started, and gone in the end; UserError where that can't be."""
    import multiprocessing

    from pebble import ProcessPool

    with _says_what_it_lacks(workers):
        pool = ProcessPool(max_workers=workers, context=_fork_server(), initializer=start_worker)
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


def cpu_seconds(file: ImageFile) -> float:
    """How much processor time a picture may take: far more than real ones need."""
    return min(LEAST_SECONDS + file.size / 1e6, MOST_SECONDS)


def do_each(
    work: Callable[..., T],
    files: Sequence[ImageFile],
    cpu_seconds: Sequence[float],
    *wanted: object,
) -> list[T]:
    """Do some work on photos in a worker, one after the other; it ends where one takes too long."""
    results = []
    for file, seconds in zip(files, cpu_seconds, strict=True):
        limits.allow_cpu(seconds)
        results.append(work(file, *wanted))
    return results


@functools.cache
def _fork_server() -> "ForkServerContext":
    """Start the server that forks the workers, and wait until it has imported what they need."""
    import multiprocessing
    import tempfile
    from multiprocessing import forkserver, resource_tracker

    if len(os.fsencode(tempfile.gettempdir())) > LONGEST_TEMPORARY:
        tempfile.tempdir = "/tmp"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["scipy.fftpack", "imagehash"])
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


def start_worker() -> None:
    """Limit the memory of a worker, and keep its decoders' messages off the terminal.

    A worker that waits for the pool's lock in vain, as one was killed while it held it, ends; so
    does the pool then, and the next one goes on.
    """
    import numpy as np
    import pebble

    pebble.CONSTS.channel_lock_timeout = SECONDS_OF_LOCK
    side = np.ones((512, 512), np.float32)
    side @ side  # OpenBLAS waits forever for its threads' memory if it is refused later
    limits.limit_memory()
    keep_off_the_terminal()
