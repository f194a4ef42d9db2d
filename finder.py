"""Find photos in folders, and hash what they show."""

import contextlib
import errno
import fnmatch
import functools
import hashlib
import itertools
import os
import queue
import re
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from config import RESULT_MARKER, UserError
from disk import limits, same_file
from disk.files import ImageFile, image_file, open_regular, read_file
from disk.places import Names, kind_of_file, names_of, place_at
from pictures import formats, integrity
from pictures.errors import DECODE_ERRORS
from pictures.images import HashedImage, Holding, Unreadable
from pictures.recipe import Recipe

if TYPE_CHECKING:  # these take half a second to import, and only `find` needs them
    from concurrent.futures import Future
    from multiprocessing.context import ForkServerContext

    from pebble import ProcessExpired, ProcessPool

    Working = Future[list[Any]]

# One worker a core: threads of BLAS in each would only wait for each other, and busily.
os.environ.setdefault("OMP_NUM_THREADS", "1")

PHOTO_EXTENSIONS = frozenset(".jpg .jpeg .jpe .jfif .png .bmp .gif .tif .tiff .webp .avif".split())
IN_FLIGHT_PER_WORKER = 8
# Small files go to the workers several at a time, as handing over takes as long as a small photo.
BYTES_AT_A_TIME = 400_000
FILES_AT_A_TIME = 16
MOST_POOLS = 3  # one after the other, of which nothing comes
LEAST_SECONDS = 10.0  # of processor time, for one picture
MOST_SECONDS = 60.0
FAR_SECONDS = 300.0  # by the clock: so long is only a worker that stands still
STILL_SECONDS = 30.0  # in which no worker works; a disk that wakes up takes less
SECONDS_BETWEEN_LOOKS = 2.0
STOOD_STILL = "whoever reads it stands still, and so does a second try alone"
LEAST_WORK = 0.01  # of a second between, by a worker that had a turn
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
MOST_MESSAGES = 3  # of a decoder, about one picture
ABOUT_METADATA = re.compile(r"\b(tags?|field|profile|iCCP|s?RGB|EXIF|ICC|XMP)\b", re.IGNORECASE)
ASIDE_SUFFIX = ".being-deleted"  # of an original, while cleanup proves that it may go


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HardLink:
    """Another path to a file that was found before."""

    path: str


@dataclass(frozen=True, slots=True)
class SameFile:
    """A file that was found before, as another mount shows it: it is on another device there."""

    path: str


@dataclass(frozen=True, slots=True)
class SetAside:
    """An original that a cleanup of some result has set aside, and was killed."""

    path: str


@dataclass(frozen=True, slots=True)
class SkippedFolder:
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class EarlierResult:
    """A folder with a file of the name of a result's record; what is in it was not looked for."""

    path: str


@dataclass(frozen=True, slots=True)
class PassedOver:
    """What is no photo to compare, and of what kind, in the plural."""

    path: str
    kind: str


Found = (
    ImageFile
    | Unreadable
    | HardLink
    | SameFile
    | SetAside
    | SkippedFolder
    | EarlierResult
    | PassedOver
)


def walk(
    input_dirs: Iterable[str], exclude: Sequence[str] = (), leave_out: Iterable[str] = ()
) -> Iterator[Found]:
    """Yield the photos below some folders in sorted order. Changes nothing on disk.

    Symbolic links and special files are passed over, and so are the folders and files that other
    programs keep for themselves, the folders that match `exclude`, the paths in `leave_out` and
    results of earlier runs.
    """
    excluded = _matcher(exclude)
    left_out = frozenset(leave_out)
    seen = _Seen()
    folders: set[str] = set()
    for input_dir in input_dirs:
        stack: list[tuple[str, Names]] = [(input_dir, {})]
        while stack:
            folder, beside = stack.pop()
            if folder in folders or folder in left_out:
                continue
            is_input = folder == input_dir
            if not is_input and (kind := _kind_of_folder(folder, {}, beside, excluded)):
                yield PassedOver(folder, kind)
                continue
            folders.add(folder)
            try:
                with os.scandir(folder) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
                below = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
            except OSError as error:
                yield SkippedFolder(folder, _reason(error))
                continue
            names = names_of(entry.name for entry in entries)
            if not is_input and names.get(RESULT_MARKER) == RESULT_MARKER:
                yield EarlierResult(folder)
                continue
            if not is_input and (kind := _kind_of_folder(folder, names, beside, excluded)):
                yield PassedOver(folder, kind)
                continue
            inner = set(below)
            yield from (_found(entry, seen) for entry in entries if entry not in inner)
            stack.extend((entry.path, names) for entry in reversed(below))


def hash_files(
    files: Iterable[ImageFile], recipe: Recipe, workers: int
) -> Iterator[HashedImage | Unreadable]:
    """Hash photos in worker processes; yields one result a file, as they are done."""
    return in_workers(hash_file, files, workers, recipe)


def in_workers(
    work: Callable[..., T], files: Iterable[ImageFile], workers: int, *wanted: object
) -> Iterator[T | Unreadable]:
    """Do some work on photos in worker processes; yields one result a file, as they are done.

    A picture that kills its worker again and again, or takes too long, becomes an `Unreadable`,
    and the run goes on. How long is counted in processor time, so that a busy machine counts for
    nothing. Raises UserError if the workers are killed again and again, and nothing comes.
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


def holdings(files: Iterable[ImageFile], workers: int) -> Iterator[Holding | Unreadable]:
    """Read photos once more in worker processes, for what they hold besides their pixels."""
    return in_workers(holding_of, files, workers)


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
    waiting: _Waiting, workers: int, work: Callable[..., T], wanted: tuple[object, ...]
) -> Iterator[T | Unreadable]:
    """Do what waits until all is done or the pool breaks down; then the rest waits again."""
    done: queue.SimpleQueue[Working] = queue.SimpleQueue()
    in_flight: dict[Working, tuple[ImageFile, ...]] = {}
    with _started_pool(workers) as pool:
        running = True
        while True:
            while running and len(in_flight) < workers * IN_FLIGHT_PER_WORKER:
                if not (files := waiting.next(nothing_else=not in_flight)):
                    break
                try:
                    arguments = (work, files, [*map(_cpu_seconds, files)], *wanted)
                    future = pool.schedule(do_each, args=arguments, timeout=FAR_SECONDS)
                except RuntimeError:  # how a broken pool refuses
                    waiting.put_back(files)
                    running = False
                    break
                in_flight[future] = files
                future.add_done_callback(done.put)
            if not in_flight:
                return
            ended = _next_ended(done)
            if ended is None:  # a worker was killed, and what it had was lost
                for file in itertools.chain(*in_flight.values()):
                    if not waiting.try_again(file):
                        yield Unreadable(file, STOOD_STILL)
                return
            yield from _outcome(in_flight.pop(ended), ended, waiting)


def _next_ended(done: "queue.SimpleQueue[Working]") -> "Working | None":
    """The next task that ended; None if the workers stand still and none will come.

    On a busy machine they work, if slowly. Where nobody can tell, the clock must do.
    """
    import multiprocessing

    worked: float | None = None
    still = 0.0
    while True:
        with contextlib.suppress(queue.Empty):
            return done.get(timeout=SECONDS_BETWEEN_LOOKS)
        pids = [worker.pid for worker in multiprocessing.active_children() if worker.pid]
        before, worked = worked, limits.cpu_seconds_of(pids)
        is_still = before is None or worked is None or worked - before <= LEAST_WORK
        still = still + SECONDS_BETWEEN_LOOKS if is_still else 0.0
        if still >= (FAR_SECONDS if worked is None else STILL_SECONDS):
            return None


@contextlib.contextmanager
def _started_pool(workers: int) -> Iterator["ProcessPool"]:
    """A pool whose workers are started, and gone in the end; UserError where that can't be."""
    import multiprocessing

    from pebble import ProcessPool

    with _says_what_it_lacks(workers):
        pool = ProcessPool(max_workers=workers, context=_fork_server(), initializer=_start_worker)
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
        reason = "they end at once" if isinstance(cause, EOFError) else _reason(cause)
        remedy = REMEDIES.get(getattr(cause, "errno", None), ANY_REMEDY)
        message = f"worker processes can't be started: {reason}; {remedy}."
        raise UserError(message) from error


def _cpu_seconds(file: ImageFile) -> float:
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


def hash_file(file: ImageFile, recipe: Recipe) -> HashedImage | Unreadable:
    """Read a photo once, for its digest and for its look by a recipe.

    The look is None where only identical files may match: a picture without content, or a file
    of several pages or frames.
    """
    import views
    from pictures import decoding

    data, harm, look, reason = b"", "", None, ""
    try:
        file, data = read_file(file.path)
        structure = integrity.examined(data)
        harm = structure.harm
        with _messages_of_decoders() as messages:
            prepare = functools.partial(views.prepared, recipe=recipe)
            image, harm, seen = decoding.decoded(data, structure, prepare)
            look = views.look_of(image, recipe, seen) if image else None
    except views.DECODE_ERRORS as error:
        reason = ": ".join(filter(None, (harm, _reason(error))))
    if reason:  # what the decoder had in memory is gone by now
        return Unreadable(file, formats.why_unreadable(data, file.path, reason) if data else reason)
    digest = hashlib.sha256(data).hexdigest()
    damage = _some(filter(None, (harm, *messages.of_data)))
    return HashedImage(file, digest, look, damage, _some(messages.others), note=structure.note)


def holding_of(file: ImageFile) -> Holding | Unreadable:
    """Read a photo once more, for what it holds besides its pixels."""
    import views
    from disk.companions import xmp_beside
    from pictures.inventory import inventory

    try:
        file, data = read_file(file.path)
        with _messages_of_decoders():
            image = views.open_header(data)
            return Holding(file, inventory(data, image, xmp_beside(file.path)))
    except views.DECODE_ERRORS as error:
        return Unreadable(file, _reason(error))


@dataclass(frozen=True, slots=True)
class Messages:
    """What decoders say: of the picture's data, and of anything else."""

    of_data: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


@contextlib.contextmanager
def _messages_of_decoders() -> Iterator[Messages]:
    """Collect what decoders say while a picture is decoded, in C or by Python's warnings.

    Python's are about what is known of the picture or what its header leaves out; what comes from
    C is about its data, unless it names tags or profiles.
    """
    import warnings

    messages = Messages()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield messages
        finally:
            messages.others.extend(" ".join(str(warning.message).split()) for warning in caught)
            said = _read_all(_pipe_of_messages[0]) if _pipe_of_messages else b""
            for line in " ".join(said.decode(errors="replace").split("\0")).splitlines():
                of_metadata = ABOUT_METADATA.search(line)
                (messages.others if of_metadata else messages.of_data).append(line)


def _some(messages: Iterable[str]) -> str:
    """A few messages in one line; a decoder may have one for each row of a picture."""
    each = list(dict.fromkeys(messages))
    more = [f"and {len(each) - MOST_MESSAGES:,} more"] if len(each) > MOST_MESSAGES else []
    return "; ".join([*each[:MOST_MESSAGES], *more])


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


# In a worker: where what its decoders write to the terminal goes.
_pipe_of_messages: list[int] = []


def _start_worker() -> None:
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
    reader, writer = os.pipe()
    for end in (reader, writer):  # when it is full, the rest is dropped
        os.set_blocking(end, False)
    os.dup2(writer, 2)
    _pipe_of_messages.append(reader)


def _read_all(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except BlockingIOError:
        return b""


def _outcome(files: tuple[ImageFile, ...], future: "Working", waiting: _Waiting) -> list[Any]:
    """What came of some files; nothing if they wait to be hashed once more, one by one."""
    from concurrent.futures import TimeoutError
    from concurrent.futures.process import BrokenProcessPool

    from pebble import ProcessExpired

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
            return [] if again else [Unreadable(files[0], _reason(error))]
    waiting.put_back(files)
    return []


def _once_more(
    file: ImageFile, error: "TimeoutError | ProcessExpired", waiting: _Waiting
) -> list[Unreadable]:
    """What comes of a file whose worker ended: nothing while it has another try."""
    exitcode = getattr(error, "exitcode", None)
    if exitcode is None:
        again = waiting.put_at_the_end(file)
        reason = STOOD_STILL
    elif exitcode == limits.ENDED_BY_CPU:
        again = False
        reason = f"it takes more than {_cpu_seconds(file):.0f} seconds of processor time to decode"
    else:
        again = waiting.try_again(file, exitcode)
        reason = f"it crashed the decoder (exit code {exitcode})"
    return [] if again else [Unreadable(file, reason)]


def _found(entry: "os.DirEntry[str]", seen: "_Seen") -> Found:
    """What an entry that is no folder is to `find`."""
    if not entry.is_file(follow_symlinks=False):
        return PassedOver(entry.path, _kind_of_no_file(entry))
    if entry.name.endswith(ASIDE_SUFFIX):
        return SetAside(entry.path)
    if kind := kind_of_file(entry.name):
        return PassedOver(entry.path, kind)
    if os.path.splitext(entry.name)[1].lower() in PHOTO_EXTENSIONS:
        return seen.photo(entry.path)
    return PassedOver(entry.path, formats.kind_by_name(entry.name) or _sniffed_kind(entry))


def _kind_of_no_file(entry: "os.DirEntry[str]") -> str:
    if not entry.is_symlink():
        return "special files"
    with contextlib.suppress(OSError):  # links in a circle
        if entry.is_dir():
            return "linked folders"
    return "linked files"


def _sniffed_kind(entry: "os.DirEntry[str]") -> str:
    try:
        with open_regular(entry.path) as stream:
            head = stream.read(formats.SNIFFED_BYTES)
    except OSError:
        head = b""
    return formats.kind_by_content(entry.name, head)


class _Seen:
    """The photos that a walk has met, so that one file is one photo."""

    def __init__(self) -> None:
        self._inodes: set[tuple[int, int]] = set()
        self._on_devices: dict[same_file.Identity, dict[int, os.stat_result]] = {}
        same_file.look_anew()

    def photo(self, path: str) -> ImageFile | Unreadable | HardLink | SameFile:
        try:
            status = os.lstat(path)
        except OSError as error:
            return Unreadable(ImageFile(path, 0, 0), _reason(error))
        inode = (status.st_dev, status.st_ino)
        if inode in self._inodes:
            return HardLink(path)
        self._inodes.add(inode)
        alike = self._on_devices.setdefault(same_file.identity(status), {})
        if any(same_file.are_one(other, status) for other in alike.values()):
            return SameFile(path)
        alike.setdefault(status.st_dev, status)
        return image_file(path, status)


def _kind_of_folder(
    folder: str, names: Names, beside: Names, excluded: Callable[[str], bool]
) -> str | None:
    """Why a folder with some names in it and beside it is passed over, if it is."""
    if place := place_at(folder, names, beside):
        return place.kinds
    return "excluded folders" if excluded(folder) else None


def _matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """A test of folder paths: patterns with a slash see the path's end, the others the name."""
    patterns = [pattern.rstrip("/") for pattern in patterns]
    by_path = _any_of([os.path.join("*", pattern) for pattern in patterns if "/" in pattern])
    by_name = _any_of([pattern for pattern in patterns if "/" not in pattern])
    return lambda path: bool(by_path(path) or by_name(os.path.basename(path)))


def _any_of(patterns: Sequence[str]) -> Callable[[str], re.Match[str] | None]:
    return re.compile("|".join(map(fnmatch.translate, patterns)) or r"(?!)").match


def _reason(error: BaseException) -> str:
    """One line that says what is wrong, without the path that stands beside it."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, MemoryError):
        return limits.too_much_memory()
    text = " ".join(re.sub(r" <_io\.BytesIO object at \w+>", "", str(error)).split())
    kind = type(error).__name__
    if not text:
        return f"no reason was given ({kind})"
    return text if isinstance(error, (OSError, ValueError)) else f"{kind}: {text}"
