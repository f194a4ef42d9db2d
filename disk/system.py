"""What systems differ in: another one needs another module of these functions, and no other change.

This one is for Linux and macOS.
"""

import contextlib
import errno
import fcntl
import functools
import gc
import itertools
import math
import os
import resource
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # it takes long to import, and only those need it who start workers
    from multiprocessing.context import ForkServerContext

FICLONE = 0x40049409  # Linux: share the blocks of a file
RENAME_NOREPLACE = 1  # Linux
IN_THIS_FOLDER = -2  # macOS: a path that isn't absolute begins in the working folder
MOUNTS = "/proc/self/mountinfo"  # on Linux
MEMORY = "/proc/meminfo"
STATUS = "/proc/self/status"  # of this process
GROUPS_OF_PROCESS = "/proc/self/cgroup"  # Linux has them, a container is one
# Where groups lie, and in which files their limit and what they take are, in version 2 and in 1;
# last, what begins the names of what of that is given up for others, as files that were read.
GROUPS = "/sys/fs/cgroup"
OF_GROUP = ("", "memory.max", "memory.current", "")
OF_OLD_GROUP = ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
ENDED_BY_CPU = -signal.SIGXCPU  # the exit code of a process that worked for longer than it might
STREAMS = (0, 1, 2)  # stdin, stdout, stderr
LAST_DESCRIPTOR = (1 << 31) - 1
# glibc: what is freed at the end of the heap and is more goes back to the system, and what is asked
# for and is more never comes from the heap.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT_FREE, LARGE = 64 << 20, 16 << 20
LONGEST_TEMPORARY = 70  # bytes of a path; what multiprocessing adds to it must fit in a socket's


def is_mac() -> bool:
    return sys.platform == "darwin"


def has_desktop() -> bool:
    """Whether a browser can be shown."""
    shows = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(shows) or sys.platform != "linux"


def user_id() -> int:
    """The number of the user whose rights this process has."""
    return os.geteuid()


# ---- Paths


def lies_in(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies below it, by its name alone; both are absolute.

    >>> lies_in("/a/b", "/a"), lies_in("/a", "/a"), lies_in("/ab", "/a"), lies_in("a", "/a")
    (True, True, False, False)
    """
    try:
        return os.path.commonpath([path, folder]) == folder
    except ValueError:  # on two drives
        return False


# ---- Opening


def open_file(path: str, flags: int = os.O_RDONLY, mode: int = 0, within: int | None = None) -> int:
    """A descriptor of a file: no link is followed, no FIFO waited for, and no child gets it."""
    flags = flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    return os.open(path, flags, mode, dir_fd=within)


def open_folder(path: str) -> int:
    """A descriptor of a folder, which no child gets."""
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def open_folder_itself(path: str, within: int | None = None) -> int:
    """A descriptor of a folder that is no link, which no child gets."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.open(path, flags, dir_fd=within)


def open_way(path: str, within: int | None = None) -> int:
    """A descriptor of a folder that is no link, by which others in it are reached.

    On Linux it need not be readable.
    """
    flags = os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW | getattr(os, "O_PATH", os.O_RDONLY)
    return os.open(path, flags, dir_fd=within)


# ---- Files and folders that are open


def lock(descriptor: int, *, shared: bool = False, wait: bool = False) -> None:
    """Lock a file or folder until it is closed; BlockingIOError where another program has it.

    Other errors are of file systems that have no locks.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)


def read_at(descriptor: int, length: int, place: int) -> bytes:
    """Some bytes of a file, wherever it was read before."""
    return os.pread(descriptor, length, place)


def sync_names(folder: int) -> None:
    """Have the names in a folder on disk, where the file system can promise that for folders."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EBADF):  # how some network disks refuse
            raise


def copy_permissions(source: int, target: int) -> None:
    """Let the same people read and write a file as another."""
    os.fchmod(target, stat.S_IMODE(os.fstat(source).st_mode) & 0o777)


def share_blocks(source: int, target: int) -> bool:
    """Make a file's content that of an empty one, where the file system can copy on write."""
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(target, FICLONE, source)
    except OSError:
        return False
    return True


def shares_blocks(source: int, folder: str) -> bool | None:
    """Whether new files in a folder can share the blocks of an open one, by trying without a name.

    None where that can't be tried. Changes nothing that anybody sees.
    """
    if not hasattr(os, "O_TMPFILE"):
        return None
    try:
        target = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        return share_blocks(source, target)
    finally:
        os.close(target)


def clone(source: int, path: str) -> bool:
    """Make a new file that shares the blocks of an open one, where that is done by a name (APFS).

    It may have the other one's permissions, but is not locked as that may be.
    """
    if not is_mac():
        return False
    clone_at, _ = _of_libc("fclonefileat")
    if clone_at is None or clone_at(source, IN_THIS_FOLDER, os.fsencode(path), 0) != 0:
        return False
    os.chflags(path, 0)  # type: ignore[attr-defined,unused-ignore]
    return True


def is_full(folder: str) -> bool:
    """Whether the file system of a folder has no room at all for this user."""
    status = os.statvfs(folder)
    free = status.f_bavail if user_id() else status.f_bfree  # root may use all
    return status.f_blocks > 0 and free == 0  # some file systems don't tell


def copy_attributes(source: int, target: int) -> None:
    """Give a file the extended attributes that a person's programs gave to another one.

    OSError where they can't be kept.
    """
    if not hasattr(os, "listxattr"):
        return
    for name in os.listxattr(source):
        if name.startswith("user."):
            os.setxattr(target, name, os.getxattr(source, name))


def rename_to_new(name: str, folder: int, new: str, other: int) -> bool:
    """Rename a file from one folder to another, over none that is there (FileExistsError).

    False where the kernel or the file system can't promise that.
    """
    rename, error_number = _of_libc("renameat2")
    if rename is None:
        return False
    if rename(folder, os.fsencode(name), other, os.fsencode(new), RENAME_NOREPLACE) == 0:
        return True
    number = error_number()
    if number in (errno.EINVAL, errno.ENOSYS):
        return False
    raise OSError(number, os.strerror(number), new)


def _of_libc(name: str) -> tuple[Callable[..., int] | None, Callable[[], int]]:
    """A function of the C library, if it has it, and what tells the number of its last error."""
    import ctypes  # takes long, and is wanted seldom

    return getattr(ctypes.CDLL(None, use_errno=True), name, None), ctypes.get_errno


# ---- File systems


def number_of_file_system(folder: bytes) -> int:
    """What tells the file system of a folder from others, also when it is mounted again."""
    return os.statvfs(folder).f_fsid


def room_beside(descriptor: int) -> int | None:
    """How many bytes the file system of a file has room for; None where it doesn't tell."""
    status = os.fstatvfs(descriptor)
    return None if status.f_blocks == 0 else status.f_bavail * status.f_frsize


def kind_of_file_system(device: int) -> str:
    """What a device is mounted as, such as ext4 or nfs; nothing where that isn't known."""
    name = f"{os.major(device)}:{os.minor(device)}"
    try:
        with open(MOUNTS, encoding="utf-8", errors="replace") as stream:
            mounts = [line.partition(" - ") for line in stream]
    except OSError:
        return ""
    kinds = (kind.split()[0] for place, _, kind in mounts if place.split()[2] == name)
    return next(kinds, "")


# ---- What a process may take


def allow_cpu(seconds: float) -> None:
    """Let this process work for some more seconds of processor time, rounded up; then it ends.

    The time in which it waits for others, or is stopped, doesn't count. The kernel ends it even
    inside a library in C; no core is dumped.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    _lower(resource.RLIMIT_CPU, math.ceil(time.process_time() + seconds))


def allow_memory(size: int) -> None:
    """Let this process have some more bytes of its own than it has now; Linux only."""
    try:
        sizes = _numbers_of(STATUS)
    except OSError:
        return
    _lower(resource.RLIMIT_DATA, sizes["VmData"] + size)


def keep_freed_memory() -> None:
    """Have what is freed serve what is wanted next, some MB of it, where the C library is glibc.

    It gives large pieces back at once, and a new one is cleared page by page: that takes as long as
    what is done with arrays of some hundred KB.
    """
    mallopt, _ = _of_libc("mallopt")
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, LARGE)
        mallopt(M_TRIM_THRESHOLD, KEPT_FREE)


def free_memory() -> int | None:
    """How many bytes of memory this process may still take, by the system, its groups and limits.

    None where nobody says.
    """
    found = [*_left_by_system(), *_left_by_groups(), *_left_by_limits()]
    return max(min(found), 0) if found else None


def _left_by_system() -> Iterator[int]:
    with contextlib.suppress(OSError, KeyError):
        yield _numbers_of(MEMORY)["MemAvailable"]


def _left_by_groups() -> Iterator[int]:
    """What the group of this process, and each that it lies in, may take and hasn't taken."""
    with contextlib.suppress(OSError, ValueError), open(GROUPS_OF_PROCESS) as stream:
        for line in stream:
            number, controllers, path = line.rstrip("\n").split(":", 2)
            if "memory" in controllers.split(","):
                yield from _left_upwards(path, *OF_OLD_GROUP)
            elif number == "0":
                yield from _left_upwards(path, *OF_GROUP)


def _left_upwards(path: str, kind: str, limit: str, taken: str, start: str) -> Iterator[int]:
    root = os.path.join(GROUPS, kind).rstrip("/")
    folder = os.path.normpath(root + path)  # a container may have the names of the system around it
    while lies_in(folder, root):
        with contextlib.suppress(OSError, ValueError):
            most = int(_text_of(os.path.join(folder, limit)))  # or "max"
            freed = _freed_for_others(os.path.join(folder, "memory.stat"), start)
            yield most - int(_text_of(os.path.join(folder, taken))) + freed
        folder = os.path.dirname(folder)


def _freed_for_others(path: str, start: str) -> int:
    """What of the memory of a group holds files, which it gives up first."""
    lines = dict(line.split() for line in _text_of(path).splitlines())
    return sum(int(lines.get(f"{start}{kind}_file", 0)) for kind in ("active", "inactive"))


def _left_by_limits() -> Iterator[int]:
    """What this process may take by its own limits, where it is known what it has."""
    with contextlib.suppress(OSError, KeyError):
        sizes = _numbers_of(STATUS)
        for which, size in ((resource.RLIMIT_AS, "VmSize"), (resource.RLIMIT_DATA, "VmData")):
            limit = resource.getrlimit(which)[0]
            if limit != resource.RLIM_INFINITY:
                yield limit - sizes[size]


def _numbers_of(path: str) -> dict[str, int]:
    """The bytes that a file of /proc tells in kB, by their names."""
    lines = (line.split() for line in _text_of(path).splitlines())
    return {line[0].rstrip(":"): int(line[1]) * 1024 for line in lines if line[2:] == ["kB"]}


def _text_of(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read()


def _lower(which: int, limit: int) -> None:
    _, hard = resource.getrlimit(which)
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(which, (limit, hard))


def most_open_files() -> float:
    """How many files this process may have open."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return math.inf if files == resource.RLIM_INFINITY else files


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


# ---- Processes and signals


@functools.cache
def fork_server(modules: tuple[str, ...], ours: tuple[str, ...]) -> "ForkServerContext":
    """How workers are started: by a server that forks them, when it has imported some modules.

    `ours` are those of this program, which only a server that this process forks would surely find.
    """
    import tempfile
    from multiprocessing import forkserver, get_context, resource_tracker

    if len(os.fsencode(tempfile.gettempdir())) > LONGEST_TEMPORARY:
        tempfile.tempdir = "/tmp"
    context, is_forked = get_context("forkserver"), _may_fork()
    context.set_forkserver_preload([*modules, *(ours if is_forked else ())])
    with _helpers_forked() if is_forked else contextlib.nullcontext():
        resource_tracker.ensure_running()  # when it starts, it lets Ctrl-C through
        with ctrl_c_waits():
            forkserver.ensure_running()
    first = context.Process(target=os.getpid)  # waits for the server; Ctrl-C may end that
    first.start()
    first.join()
    return context


def _may_fork() -> bool:
    """Whether this process may be forked and go on: on macOS, or beside a thread, it may hang."""
    return sys.platform == "linux" and len(os.listdir("/proc/self/task")) == 1


@contextlib.contextmanager
def _helpers_forked() -> Iterator[None]:
    """Let multiprocessing fork its helpers off this process, in place of new Pythons.

    A new one would have to import once more what is here already, NumPy above all.
    """
    from multiprocessing import util

    before = util.spawnv_passfds
    util.spawnv_passfds = lambda _, args, kept: _forked(args[-1], kept)  # type: ignore[assignment]
    try:
        yield
    finally:
        util.spawnv_passfds = before


def _forked(program: Any, kept: Sequence[int]) -> int:
    """The number of a process that runs a Python program.

    Of what is open it keeps as little as a new one: the lock of OUTPUT_DIR is its parent's alone.
    """
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with contextlib.suppress(OSError):  # nobody may be reading any more
            stream.flush()  # or it would be written twice
    if number := os.fork():
        return number
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        gc.freeze()  # to look at what it shares with its parent would copy that
        edges = sorted({-1, *STREAMS, *kept, LAST_DESCRIPTOR})
        for before, after in itertools.pairwise(edges):
            if after - before > 1:  # or all would be closed
                os.closerange(before + 1, after)
        exec(program, {})
    finally:
        if sys.exc_info()[0] not in (None, SystemExit):
            sys.excepthook(*sys.exc_info())
        os._exit(0)


@contextlib.contextmanager
def ctrl_c_waits(*endings: int) -> Iterator[None]:
    """Put off Ctrl-C while processes start; they stay deaf to it, and so print no traceback.

    With `endings` these signals are put off, too, to which the processes listen.

    It comes to the main thread alone, so in another one there is nothing to put off.
    """
    import threading  # takes a while, and is wanted late

    if threading.current_thread() is not threading.main_thread():
        with _deaf_to_ctrl_c():
            yield
        return
    pressed: list[int] = []  # other threads, such as tqdm's, take it and hand it to this one
    before = {
        ending: signal.signal(ending, lambda number, _: pressed.append(number))
        for ending in (*endings, signal.SIGINT)
    }
    try:
        with _deaf_to_ctrl_c():
            yield
    finally:
        for ending, handler in before.items():
            signal.signal(ending, handler)
        if pressed:
            signal.raise_signal(pressed[0])


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Have this thread, and the processes that it starts, hear no Ctrl-C."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def press_ctrl_c_again() -> None:
    """Raise KeyboardInterrupt in a hundredth of a second."""
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.01)


def stay_to_the_end() -> None:
    """Ignore from now on whoever wants to end this process."""
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(ending, signal.SIG_IGN)


def pipe_of_errors() -> int:
    """A descriptor to read what this process writes to its stderr from now on, also from C.

    Neither end waits: when it is full, the rest is dropped.
    """
    reader, writer = os.pipe()
    for end in (reader, writer):
        os.set_blocking(end, False)
    os.dup2(writer, 2)
    return reader
