"""The trash of a disk, as the FreeDesktop.org Trash specification 1.0 has it, and Linux desktops.

A file gets a name that nobody else has there, no link is followed, and it is looked for in its
place before it loses the name that it had.
"""

import contextlib
import errno
import itertools
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, unquote_to_bytes

from disk import system
from disk.files import open_regular
from disk.same_file import identity

INFO_SUFFIX = ".trashinfo"
MOST_NAME_BYTES = 255 - len(INFO_SUFFIX)
OTHERS_MAY_WRITE = 0o022


@dataclass(frozen=True, slots=True)
class _Trash:
    """A trash folder; `topdir` is where its disk begins, or empty for the one in a home."""

    folder: str
    topdir: str

    def path_of(self, original: str) -> str:
        """How it writes down a path: on a disk that can be mounted elsewhere from its beginning."""
        return os.path.relpath(original, self.topdir) if self.topdir else original


@dataclass(frozen=True, slots=True)
class _Entry:
    """A name in a trash that is ours: by its description, and by a hard link where there are such.

    `files` and `info` are descriptors of the trash's two folders.
    """

    files: int
    info: int
    name: str
    linked: bool


def send(path: str, original: str, record: Callable[[str], None]) -> str:
    """Where in a trash a file now lies that was called `original`; OSError if none takes it.

    `record` is told that place before the file leaves its own.
    """
    before = os.lstat(path)
    refusal = OSError("its disk has none")
    for trash in _trashes(original):
        with contextlib.ExitStack() as stack:
            try:
                entry = _enter(trash, path, original, stack)
            except OSError as error:
                refusal = error
                if trash.topdir or error.errno == errno.EXDEV:  # a device that is mounted twice
                    continue
                raise
            place = os.path.join(trash.folder, "files", entry.name)
            stack.callback(_withdraw, entry, path)
            record(place)
            _leave(entry, path, place, before)
            return place
    raise refusal


def holds(place: str, sent: os.stat_result) -> bool:
    """Whether a file that was sent to a place in a trash lies there. Changes nothing on disk."""
    try:
        there = os.lstat(place)
    except OSError:
        return False
    same = (there.st_mode, there.st_size, there.st_mtime_ns)
    return same == (sent.st_mode, sent.st_size, sent.st_mtime_ns) and os.path.samestat(there, sent)


def description_of(place: str) -> str:
    """Where the description of a file lies that lies at a place in a trash."""
    files, name = os.path.split(place)
    return os.path.join(os.path.dirname(files), "info", name + INFO_SUFFIX)


def origin_of(place: str) -> str | None:
    """The path that a file in a trash had by its description; None if it has none.

    Changes nothing on disk.
    """
    try:
        with open_regular(description_of(place)) as stream:
            lines = stream.read().splitlines()
    except FileNotFoundError:
        return None
    where = next((line[5:] for line in lines if line.startswith(b"Path=")), b"")
    outer, name = os.path.split(os.path.dirname(os.path.dirname(place)))
    topdir = os.path.dirname(outer) if name == str(system.user_id()) else outer
    return os.path.normpath(os.path.join(topdir, os.fsdecode(unquote_to_bytes(where))))


# ---- The trashes


def _trashes(original: str) -> Iterator[_Trash]:
    """The trashes that may take a file, the best first: only those on its own disk.

    Its folder tells which that is, as an overlay has devices of their own for some files.
    """
    folder = os.path.dirname(original)
    device = os.lstat(folder).st_dev
    data = os.environ.get("XDG_DATA_HOME", "")
    data = os.path.realpath(data if os.path.isabs(data) else os.path.expanduser("~/.local/share"))
    if _device(data) == device:
        yield _Trash(os.path.join(data, "Trash"), "")
    topdir = _topdir(folder, device)
    shared = os.path.join(topdir, ".Trash")
    with contextlib.suppress(OSError):
        mode = os.lstat(shared).st_mode
        if stat.S_ISDIR(mode) and mode & stat.S_ISVTX:
            yield _Trash(os.path.join(shared, str(system.user_id())), topdir)
    yield _Trash(os.path.join(topdir, f".Trash-{system.user_id()}"), topdir)


def _device(path: str) -> int:
    """The device of a path, or of the folder in which it would be made."""
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return os.stat(path).st_dev


def _topdir(folder: str, device: int) -> str:
    """The folder in which the disk of a folder is mounted."""
    while not os.path.ismount(folder) and os.lstat(os.path.dirname(folder)).st_dev == device:
        folder = os.path.dirname(folder)
    return folder


def _opened(trash: _Trash, original: str, stack: contextlib.ExitStack) -> tuple[int, int]:
    """Descriptors of the two folders of a trash, which are made where they are missing."""
    if not trash.topdir:
        os.makedirs(os.path.dirname(trash.folder), 0o700, exist_ok=True)
    open_already = os.stat(os.path.dirname(original)).st_mode & OTHERS_MAY_WRITE
    folder = _folder(trash.folder, trash.folder, open_already, stack)
    files, info = (
        _folder(name, os.path.join(trash.folder, name), open_already, stack, within=folder)
        for name in ("files", "info")
    )
    return files, info


def _folder(
    name: str, path: str, open_already: int, stack: contextlib.ExitStack, within: int | None = None
) -> int:
    """Open a folder that is ours alone, or no more open than the one that a file comes from."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=within)
        stack.callback(_remove_unused, name, within)
    if stat.S_ISLNK(os.lstat(name, dir_fd=within).st_mode):
        raise OSError(f"{path} is a symbolic link")
    descriptor = system.open_folder_itself(name, within)
    stack.callback(os.close, descriptor)
    status = os.fstat(descriptor)
    if status.st_uid != system.user_id():
        raise OSError(f"{path} belongs to somebody else")
    if status.st_mode & OTHERS_MAY_WRITE & ~open_already:
        raise OSError(f"others may write to {path}")
    return descriptor


def _remove_unused(name: str, within: int | None) -> None:
    """Remove a folder that was made for a file which didn't come."""
    with contextlib.suppress(OSError):
        os.rmdir(name, dir_fd=within)


# ---- The entry


def _enter(trash: _Trash, path: str, original: str, stack: contextlib.ExitStack) -> _Entry:
    """Take a name in a trash that nobody else has; the file keeps its own one so far."""
    files, info = _opened(trash, original, stack)
    now = datetime.now().replace(microsecond=0).isoformat()
    where = quote(os.fsencode(trash.path_of(original)))
    description = f"[Trash Info]\nPath={where}\nDeletionDate={now}\n".encode()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    names = _names(os.path.basename(original))
    while True:
        name = next(names)
        try:
            descriptor = system.open_file(name + INFO_SUFFIX, flags, 0o600, info)
        except FileExistsError:
            continue
        entered = False
        try:
            with open(descriptor, "wb") as stream:
                stream.write(description)
                stream.flush()
                os.fsync(descriptor)
            linked = _link(path, name, files)
            entered = True
        except FileExistsError:  # without a description; whose it is we can't know
            continue
        finally:
            if not entered:
                os.unlink(name + INFO_SUFFIX, dir_fd=info)
        return _Entry(files, info, name, linked)


def _names(name: str) -> Iterator[str]:
    """Names in a trash for a file: its own, and then with numbers."""
    stem, extension = map(os.fsencode, os.path.splitext(name))
    for number in itertools.count(1):
        end = (b" %d" % number if number > 1 else b"") + extension
        yield os.fsdecode(stem[: MOST_NAME_BYTES - len(end)] + end)


def _link(path: str, name: str, files: int) -> bool:
    """Give a file a second name in a trash; False where the file system has no hard links.

    Raises FileExistsError if the name is taken.
    """
    try:
        os.link(path, name, dst_dir_fd=files, follow_symlinks=False)
    except OSError as error:
        if isinstance(error, FileExistsError) or error.errno == errno.EXDEV:
            raise
    else:
        return True
    with contextlib.suppress(FileNotFoundError):
        os.lstat(name, dir_fd=files)
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)
    return False


def _leave(entry: _Entry, path: str, place: str, before: os.stat_result) -> None:
    """Take a file's own name away when it is known to lie in the trash, on disk."""
    system.sync_names(entry.info)
    if not entry.linked:  # the description keeps the name for us
        os.rename(path, entry.name, dst_dir_fd=entry.files)
        with contextlib.suppress(OSError):  # or it has its own name again after a power cut
            system.sync_names(entry.files)
        return
    system.sync_names(entry.files)
    if not holds(place, before) or os.path.realpath(place) != place:
        raise OSError(f"it does not arrive at {place}")
    os.unlink(path)


def _withdraw(entry: _Entry, path: str) -> None:
    """Leave nothing in the trash of a file that still has its own name."""
    if not os.path.lexists(path):
        return
    with contextlib.suppress(OSError):
        if entry.linked and _have_one_file(
            os.lstat(path), os.lstat(entry.name, dir_fd=entry.files)
        ):
            os.unlink(entry.name, dir_fd=entry.files)
        os.unlink(entry.name + INFO_SUFFIX, dir_fd=entry.info)


def _have_one_file(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether two names are of one file, also where an overlay copied it for the second one.

    To give it that name was its last change.
    """
    if one.st_dev == other.st_dev:
        return os.path.samestat(one, other)
    return identity(one) == identity(other) and one.st_nlink == other.st_nlink > 1
