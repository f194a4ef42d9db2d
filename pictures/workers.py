"""Work on pictures in worker processes: their pool, and what comes of each file."""

import contextlib
import errno
import itertools
import queue
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import TimeoutError
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pebble
from pebble import ProcessExpired

from config import UserError
from disk import system
from disk.files import ImageFile
from pictures import limits
from pictures.by_name import named
from pictures.errors import DECODE_ERRORS, reason_of
from pictures.images import Unreadable
from pictures.limits import Limits
from pictures.messages import keep_off_the_terminal

if TYPE_CHECKING:  # these take half a second to import, and only `find` needs them
    from concurrent.futures import Future
    from multiprocessing.process import BaseProcess

    Working = Future[list[Any]]

IN_FLIGHT_PER_WORKER = 8
# Files go to the workers several at a time, as handing over takes as long as a small photo.
BYTES_AT_A_TIME = 8_000_000
FILES_AT_A_TIME = 16
MOST_POOLS = 3  # one after the other, of which nothing comes
STILL_SECONDS = 30.0  # in which no worker works; a disk that wakes up takes less
SECONDS_BETWEEN_LOOKS = 2.0
STOOD_STILL = "whoever reads it stands still"
STOOD_STILL_AGAIN = f"{STOOD_STILL}, and so does a second try alone"
LEAST_WORK = 0.01  # of a second between, by a worker that had a turn
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


# ---- What comes of each file


def in_workers(
    work: str, files: Iterable[ImageFile], workers: int, *wanted: object
) -> Iterator[Any]:
    """Do some work on photos in worker processes; yields one result a file, as they are done.

    The work is given by its name, such as "pictures.hashing:hash_file". A picture that kills its
    worker again and again, or takes too long, becomes an `Unreadable`, and the run goes on. How
    long is counted in processor time, so that a busy machine counts for nothing.

    Raises UserError if the workers are killed again and again, and nothing comes.
    """
    waiting = _Waiting(files)
    pools = MOST_POOLS
    while pools and not waiting.is_empty():
        pools -= 1
        for result in _work_in_pool(waiting, workers, work, wanted):
            pools = MOST_POOLS  # it came on; what kills workers from outside may do so again
            yield result
    if not waiting.is_empty():
        raise UserError("the worker processes were killed; free some memory and run it again.")


class _Waiting:
    """The files that wait to be hashed; those whose worker was killed wait once more.

    What went wrong again, and perhaps only for others' sake, waits for the end: then it is tried
    once more, while nothing else is.
    """

    def __init__(self, files: Iterable[ImageFile]) -> None:
        self._files = iter(files)
        self._again: deque[ImageFile] = deque()
        self._at_the_end: deque[ImageFile] = deque()
        self._tried_alone: set[str] = set()
        self._blame: Counter[str] = Counter()

    def next(self, *, nothing_else: bool = True) -> tuple[ImageFile, ...]:
        """The files that a worker gets next, those of which one went wrong one by one.

        There are more at the end, for when `nothing_else` is being hashed.
        """
        if self._again:
            return (self._again.popleft(),)
        if files := self._some_new():
            return files
        return (self._at_the_end.popleft(),) if nothing_else and self._at_the_end else ()

    def _some_new(self) -> tuple[ImageFile, ...]:
        files: list[ImageFile] = []
        size = 0
        for file in itertools.islice(self._files, FILES_AT_A_TIME):
            files.append(file)
            size += file.size or BYTES_AT_A_TIME
            if size >= BYTES_AT_A_TIME:
                break
        return tuple(files)

    def put_back(self, files: Iterable[ImageFile]) -> None:
        self._again.extend(files)

    def try_again(self, file: ImageFile, exitcode: int = 0) -> bool:
        """Let a file wait once more if no worker ended with it before, or else for the end.

        The first one may have been another's. A worker without the lock counts half: most likely
        another one was killed that held it. False if the file has had all its tries.
        """
        self._blame[file.path] += 1 if exitcode == EXIT_WITHOUT_LOCK else 2
        if self._blame[file.path] < 4:
            self.put_back([file])
            return True
        return self.put_at_the_end(file)

    def put_at_the_end(self, file: ImageFile) -> bool:
        """Let a file wait for the end; False if it was tried there."""
        if file.path in self._tried_alone:
            return False
        self._tried_alone.add(file.path)
        self._at_the_end.append(file)
        return True

    def is_empty(self) -> bool:
        if not self._again:
            self.put_back(self.next())
        return not self._again


def _work_in_pool(
    waiting: _Waiting, workers: int, work: str, wanted: tuple[object, ...]
) -> Iterator[T | Unreadable]:
    """Do what waits until all is done or the pool breaks down; then the rest waits again."""
    done: queue.SimpleQueue[Working] = queue.SimpleQueue()
    in_flight: dict[Working, tuple[ImageFile, ...]] = {}
    with started_pool(workers, limits.FINDING) as started:
        running = True
        while True:
            while running and len(in_flight) < workers * IN_FLIGHT_PER_WORKER:
                if not (files := waiting.next(nothing_else=not in_flight)):
                    break
                try:
                    arguments = (work, files, [*map(_cpu_seconds, files)], *wanted)
                    future = started.schedule(do_each, args=arguments, timeout=limits.FINDING.clock)
                except RuntimeError:  # how a broken pool refuses
                    waiting.put_back(files)
                    running = False
                    break
                in_flight[future] = files
                future.add_done_callback(done.put)
            if not in_flight:
                return
            ended = _next_ended(done, started)
            if ended is None:  # a worker was killed, and what it had was lost
                for file in itertools.chain(*in_flight.values()):
                    if not waiting.try_again(file):
                        yield Unreadable(file, STOOD_STILL_AGAIN)
                return
            yield from _outcome(in_flight.pop(ended), ended, waiting)


def _next_ended(
    done: "queue.SimpleQueue[Working]", started: pebble.ProcessPool
) -> "Working | None":
    """The next task that ended; None if the workers stand still and none will come.

    On a busy machine they work, if slowly. Where nobody can tell, the clock must do.
    """
    worked: float | None = None
    still = 0.0
    while True:
        with contextlib.suppress(queue.Empty):
            return done.get(timeout=SECONDS_BETWEEN_LOOKS)
        pids = [worker.pid for worker in _workers_of(started) if worker.pid]
        before, worked = worked, system.cpu_seconds_of(pids)
        is_still = before is None or worked is None or worked - before <= LEAST_WORK
        still = still + SECONDS_BETWEEN_LOOKS if is_still else 0.0
        if still >= (limits.FINDING.clock if worked is None else STILL_SECONDS):
            return None


def _outcome(files: tuple[ImageFile, ...], future: "Working", waiting: _Waiting) -> list[Any]:
    """What came of some files; nothing if they wait to be hashed once more, one by one."""
    try:
        return future.result()
    except (TimeoutError, ProcessExpired) as error:
        if len(files) == 1:
            return _once_more(files[0], error, waiting)
    except BrokenProcessPool:
        pass
    except DECODE_ERRORS as error:  # that its own work didn't expect
        if len(files) == 1:
            again = waiting.put_at_the_end(files[0])
            return [] if again else [Unreadable(files[0], reason_of(error))]
    waiting.put_back(files)
    return []


def _once_more(
    file: ImageFile, error: "TimeoutError | ProcessExpired", waiting: _Waiting
) -> list[Unreadable]:
    """What comes of a file whose worker ended: nothing while it has another try."""
    exitcode = getattr(error, "exitcode", None)
    reason = why_nothing_came(error, _cpu_seconds(file))
    if exitcode is None:
        again = waiting.put_at_the_end(file)
        reason = STOOD_STILL_AGAIN
    elif exitcode == system.ENDED_BY_CPU:
        again = False
    else:
        again = waiting.try_again(file, exitcode)
        reason += f" (exit code {exitcode})"
    return [] if again else [Unreadable(file, reason)]


def _cpu_seconds(file: ImageFile) -> float:
    return limits.FINDING.cpu_seconds(file.size)


# ---- The pool


@contextlib.contextmanager
def started_pool(workers: int, bounds: Limits) -> Iterator[pebble.ProcessPool]:
    """A pool whose workers are started, and gone in the end; UserError where that can't be.

    It is started and ended by one thread, and may be used by others.
    """
    with _says_what_it_lacks(workers):
        pool = pebble.ProcessPool(
            max_workers=workers,
            context=system.fork_server(bounds.modules, bounds.ours),
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
            for worker in _workers_of(pool):
                worker.kill()  # one that still starts would complain that the pool's locks are gone
            pool.join()


def _workers_of(pool: pebble.ProcessPool) -> list["BaseProcess"]:
    """The processes of a pool, which may not be all that this program has."""
    return list(pool._pool_manager.worker_manager.workers.copy().values())


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
    system.keep_freed_memory()
    side = np.ones((512, 512), np.float32)
    side @ side  # OpenBLAS waits forever for its threads' memory if it is refused later
    system.allow_memory(limits.MEMORY_BYTES)
    keep_off_the_terminal()
