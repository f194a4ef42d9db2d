"""A pool of worker processes: its start, its limits, its end, and why it brought nothing."""

import contextlib
import errno
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import TimeoutError
from typing import Any, TypeVar

import numpy as np
import pebble
from pebble import ProcessExpired

from config import UserError
from disk import system
from pictures import limits
from pictures.by_name import named
from pictures.errors import reason_of
from pictures.limits import Limits
from pictures.messages import keep_off_the_terminal

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

T = TypeVar("T")


@contextlib.contextmanager
def started_pool(workers: int, bounds: Limits) -> Iterator[pebble.ProcessPool]:
    """A pool whose workers are started, and gone in the end; UserError where that can't be.

    It is started and ended by the main thread, and may be used by others.
    """
    with _says_what_it_lacks(workers):
        pool = pebble.ProcessPool(
            max_workers=workers,
            context=system.fork_server(bounds.modules),
            initializer=start_worker,
            initargs=(bounds.lock,),
        )
    try:
        with _says_what_it_lacks(workers), system.ctrl_c_waits():
            bool(pool.active)  # asking starts the workers
        yield pool
    finally:
        with system.ctrl_c_waits():  # what interrupts a destructor is lost
            pool.stop()
            if manager := pool._pool_manager_loop:
                manager.join()  # or it would replace those that are killed
            for worker in multiprocessing.active_children():
                worker.kill()  # one that still starts would complain that the pool's locks are gone
            pool.join()


@contextlib.contextmanager
def _says_what_it_lacks(workers: int) -> Iterator[None]:
    """Turn what keeps processes from being started into a UserError."""
    needed = FILES_OF_POOL + 2 * workers
    try:
        if system.most_open_files() < needed:  # the server would print tracebacks
            raise OSError(errno.EMFILE, f"{needed} open files are needed")
        yield
    except (OSError, EOFError, RuntimeError) as error:  # the last one is pebble's or a thread's
        cause = error.__cause__ or error
        reason = "they end at once" if isinstance(cause, EOFError) else reason_of(cause)
        remedy = REMEDIES.get(getattr(cause, "errno", None), ANY_REMEDY)
        message = f"worker processes can't be started: {reason}; {remedy}."
        raise UserError(message) from error


def do_each(
    work: str | Callable[..., object],
    ones: Sequence[object],
    seconds: Sequence[float],
    *wanted: object,
) -> list[Any]:
    """Do some work on pictures in a worker, one after the other; it ends where one takes too long.

    The work may be given by its name. Too long is more than its seconds of processor time.
    """
    do = named(work) if isinstance(work, str) else work
    results = []
    for one, most in zip(ones, seconds, strict=True):
        system.allow_cpu(most)
        results.append(do(one, *wanted))
    return results


def why_nothing_came(error: BaseException, seconds: float) -> str:
    """Why a worker made nothing of a picture that had some seconds of processor time."""
    if isinstance(error, TimeoutError):
        return STOOD_STILL
    if not isinstance(error, ProcessExpired):
        return reason_of(error)
    if error.exitcode == system.ENDED_BY_CPU:
        return f"it takes more than {seconds:.0f} seconds of processor time to decode"
    return "it crashed the decoder"


def start_worker(lock_seconds: float) -> None:
    """Limit the memory of a worker, and keep its decoders' messages off the terminal.

    A worker that waits for the pool's lock in vain, as one was killed while it held it, ends; so
    does the pool then.
    """
    pebble.CONSTS.channel_lock_timeout = lock_seconds
    side = np.ones((512, 512), np.float32)
    side @ side  # OpenBLAS waits forever for its threads' memory if it is refused later
    system.allow_memory(limits.MEMORY_BYTES)
    keep_off_the_terminal()
