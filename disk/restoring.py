"""How a file comes back from a trash: proven, over no other file, never in neither place.

What the journal says of it is a place to look at, never a reason to believe: a file has its digest
or stays where it is, and no link is followed on the way to either place.
"""

import contextlib
import errno
import hashlib
import io
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from disk import system
from disk.files import (
    ImageFile,
    has_digest,
    is_below,
    is_gone,
    is_regular,
    is_untouched,
    sync_folder,
)
from disk.journal import Cleanup, Deletion
from disk.lines import to_line
from disk.removal import Kept, is_set_aside
from disk.same_file import are_one, look_anew, may_be_one
from disk.trash import description_of, origin_of

PARTIAL_SUFFIX = ".being-restored"
IN_THE_TRASH = "its folder is the trash's own by another way, so it would stay in the trash"


@dataclass(frozen=True, slots=True)
class Restoring:
    """What restore will do: bring these back, and make some folders for them.

    Some files are back already, and some were restored before.
    """

    restore: tuple[Deletion, ...]
    refused: tuple[Kept, ...]
    back: tuple[Deletion, ...]
    before: tuple[str, ...]
    folders: tuple[str, ...]

    def and_later(self, later: "Restoring") -> "Restoring":
        """The same, with what of a later cleanup can't be restored or was restored before."""
        refused, before = self.refused + later.refused, self.before + later.before
        return replace(self, refused=refused, before=before)


@dataclass(frozen=True, slots=True)
class NextRestoring:
    """What restore will do next: which cleanup's files it brings back, and how.

    It is the last cleanup, or an earlier one if nothing can be restored of the `done` after it.
    Those before it have left so many files `in_trash`.
    """

    cleanup: Cleanup
    plan: Restoring
    done: int
    in_trash: int


def plan_next(cleanups: Sequence[Cleanup]) -> NextRestoring:
    """Which of some cleanups comes next, the last one first. Changes nothing on disk."""
    plan, done = plan_restoring(cleanups[-1]), 0
    while not (plan.restore or plan.back or _waits(cleanups[-1 - done])):
        if done == len(cleanups) - 1:
            break
        done += 1
        plan = plan_restoring(cleanups[-1 - done]).and_later(plan)
    return NextRestoring(cleanups[-1 - done], plan, done, _in_trash(cleanups[: -1 - done]))


def _waits(cleanup: Cleanup) -> bool:
    """Whether an input folder of a cleanup isn't there, whose disk may be mounted again."""
    left = cleanup.deletions.keys() - cleanup.restored
    return not all(os.path.isdir(cleanup.deletions[path].below) for path in left)


def _in_trash(cleanups: Sequence[Cleanup]) -> int:
    """How many files some cleanups have left in a trash."""
    deletions = (
        d for one in cleanups for d in one.deletions.values() if d.path not in one.restored
    )
    return len({d.place for d in deletions if d.place and os.path.lexists(d.place)})


def plan_restoring(cleanup: Cleanup) -> Restoring:
    """Decide for each file that a cleanup deleted. Changes nothing on disk."""
    look_anew()
    restore: list[Deletion] = []
    refused: list[Kept] = []
    back: list[Deletion] = []
    for path, deletion in cleanup.deletions.items():
        if path in cleanup.restored:
            continue
        if is_back(deletion):
            back.append(deletion)
        elif reason := reason_to_leave(deletion):
            refused.append(Kept(path, reason))
        else:
            restore.append(deletion)
    folders = sorted({folder for one in restore for folder in _missing_folders(one)})
    before = tuple(path for path in cleanup.deletions if path in cleanup.restored)
    return Restoring(tuple(restore), tuple(refused), tuple(back), before, tuple(folders))


def is_back(deletion: Deletion) -> bool:
    """Whether a file is in its place, and what the journal names in the trash is another one."""
    path = deletion.path
    if os.path.realpath(path) != path or not has_digest(path, deletion.digest):
        return False
    return not _may_be_one(path, deletion.place) and not _lies_in_trash(deletion)


def reason_to_leave(deletion: Deletion) -> str | None:
    """Why a file can't come back from a trash; None if it may. Changes nothing on disk."""
    if deletion.permanent:
        return "it was deleted for good"
    if not deletion.place:
        return "the system's trash doesn't tell where it lies; put it back there"
    try:
        return _reason_of_trash(deletion) or _reason_of_place(deletion)
    except OSError as error:
        return error.strerror or str(error)


def _reason_of_trash(deletion: Deletion) -> str | None:
    """Why what lies in the trash is not to be taken out of it."""
    place, path = deletion.place, deletion.path
    if is_gone(place):
        if is_set_aside(path):  # in a dry run
            return "an interrupted cleanup has set it aside; the next run puts it back"
        return f"it isn't in the trash any more ({to_line(place)})"
    if os.path.realpath(place) != place:
        return f"{to_line(place)} is reached through a symbolic link"
    if not is_regular(place):
        return f"{to_line(place)} is not a regular file"
    if os.lstat(os.path.dirname(place)).st_uid != system.user_id():
        return f"{to_line(os.path.dirname(place))} belongs to somebody else"
    if origin_of(place) not in (None, path):
        return f"{to_line(place)} came from elsewhere"
    seen = ImageFile(place, deletion.size, deletion.mtime_ns)
    if not is_untouched(place, seen) and not has_digest(place, deletion.digest):
        return f"{to_line(place)} has another content"
    return None


def _reason_of_place(deletion: Deletion) -> str | None:
    """Why nothing may be put where a file was."""
    path, below = deletion.path, deletion.below
    if not os.path.isdir(below):
        return f"{to_line(below)} isn't there; mount its disk, or make it"
    there = os.path.dirname(path)
    while not os.path.lexists(there):
        there = os.path.dirname(there)
    if os.path.realpath(there) != there:
        return "it would be reached through a symbolic link"
    if not os.path.isdir(there):
        return f"{to_line(there)} is not a folder"
    if _lies_in_trash(deletion):
        return IN_THE_TRASH
    if os.path.lexists(path) and not _are_one(path, deletion.place):
        if _may_be_one(path, deletion.place):
            return "what has its name may be the file in the trash itself, by another way"
        return "another file has its name"
    return None


def _lies_in_trash(deletion: Deletion) -> bool:
    """Whether the folder of a path is that of the trash, by a mount or however else."""
    try:
        folders = (os.stat(os.path.dirname(path)) for path in (deletion.path, deletion.place))
        return are_one(*folders)
    except OSError:
        return False


def _missing_folders(deletion: Deletion) -> Iterator[str]:
    """The folders that must be made again for a file."""
    folder = os.path.dirname(deletion.path)
    while not os.path.lexists(folder):
        yield folder
        folder = os.path.dirname(folder)


def _are_one(path: str, place: str) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.lstat(place))
    except OSError:
        return False


def _may_be_one(path: str, place: str) -> bool:
    """Whether one of two paths with one content may show the file of the other."""
    try:
        one, other = os.lstat(path), os.lstat(place)
    except OSError:
        return False
    return os.path.samestat(one, other) or may_be_one(one, other)


# ---- The deed


@dataclass(frozen=True, slots=True)
class _Way:
    """A file of the trash that is open and proven, the folder it lies in, and where it belongs.

    All are descriptors, so that nothing can lead them elsewhere.
    """

    file: io.FileIO
    files: int
    home: int
    deletion: Deletion

    @property
    def name(self) -> str:
        return os.path.basename(self.deletion.path)

    @property
    def trashed(self) -> str:
        return os.path.basename(self.deletion.place)

    def is_it(self, name: str, folder: int) -> bool:
        """Whether a name in a folder is one of the proven file."""
        try:
            there = os.lstat(name, dir_fd=folder)
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(self.file.fileno()))

    @staticmethod
    def is_taken(name: str, folder: int) -> bool:
        """Whether anything has a name in a folder."""
        try:
            os.lstat(name, dir_fd=folder)
        except FileNotFoundError:
            return False
        return True


def put_back(deletion: Deletion) -> str | None:
    """Bring a file back from a trash; returns the reason to leave it there, or None if it is back.

    It is in its place, on disk, before it loses the one in the trash.
    """
    if reason := reason_to_leave(deletion):
        return reason
    try:
        with contextlib.ExitStack() as stack:
            way = _opened(deletion, stack)
            if reason := _reason_not_arrived(way):
                return reason
            _leave_trash(way)
        forget_description(deletion)
    except FileExistsError:
        return "another file has its name"
    except OSError as error:
        return error.strerror or str(error)
    return None


def _reason_not_arrived(way: _Way) -> str | None:
    """Give a file its place; returns why it isn't proven to be there, and in no trash."""
    if are_one(os.fstat(way.files), os.fstat(way.home)):
        return IN_THE_TRASH
    before = way.is_taken(way.name, way.files)
    if not way.is_it(way.name, way.home):
        _give_place(way)
    system.sync_names(way.home)
    if not before and way.is_taken(way.name, way.files):  # whatever its device says
        return IN_THE_TRASH
    folder = os.path.dirname(way.deletion.path)
    moved = not os.path.samestat(os.lstat(folder), os.fstat(way.home))
    if moved or not _is_proven(way.name, way.home, way.deletion.digest):
        return f"it does not arrive; look at {to_line(way.deletion.path)}"
    return None


def _leave_trash(way: _Way) -> None:
    """Take the name in the trash away; the open file is given it again if its place is empty."""
    if not way.is_it(way.trashed, way.files):
        return
    os.unlink(way.trashed, dir_fd=way.files)
    if not way.is_taken(way.name, way.home):
        _copy(way, way.trashed, way.files)
        raise OSError("its place lost it as well, so it was put into the trash again")


def forget_description(deletion: Deletion) -> None:
    """Remove what the trash says of a file that is not there any more."""
    place = deletion.place
    if is_gone(place) and origin_of(place) == deletion.path:
        info = os.path.dirname(description_of(place))
        if os.path.realpath(info) == info:
            os.unlink(description_of(place))


def _opened(deletion: Deletion, stack: contextlib.ExitStack) -> _Way:
    """Open both places and prove the file; makes folders that are missing where it belongs."""
    files = _open_real(os.path.dirname(deletion.place), "", stack)
    name = os.path.basename(deletion.place)
    file = stack.enter_context(io.FileIO(system.open_file(name, within=files)))
    if hashlib.file_digest(file, "sha256").hexdigest() != deletion.digest:
        raise OSError(f"{to_line(deletion.place)} has another content")
    home = _open_real(os.path.dirname(deletion.path), deletion.below, stack)
    return _Way(file, files, home, deletion)


def _open_real(folder: str, below: str, stack: contextlib.ExitStack) -> int:
    """A descriptor of a folder to which no link leads; made where it is missing below another."""
    way = _reach(folder, below)
    try:
        descriptor = system.open_folder_itself(".", way)
    finally:
        os.close(way)
    stack.callback(os.close, descriptor)
    return descriptor


def _reach(folder: str, below: str) -> int:
    outer, name = os.path.split(folder)
    if outer == folder:
        return system.open_way(folder)
    within = _reach(outer, below)
    try:
        try:
            return system.open_way(name, within)
        except FileNotFoundError:
            if folder == below or not is_below(folder, [below]):
                raise
            os.mkdir(name, dir_fd=within)
            sync_folder(outer)
            return system.open_way(name, within)
    finally:
        os.close(within)


def _give_place(way: _Way) -> None:
    """Give a file its place; FileExistsError if another one is there."""
    try:
        _give_name(way.trashed, way.files, way.name, way.home)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(way, way.name, way.home)


def _give_name(name: str, folder: int, new: str, other: int) -> None:
    """Give a file a second name or, where the file system has no hard links, another one."""
    try:
        os.link(name, new, src_dir_fd=folder, dst_dir_fd=other, follow_symlinks=False)
    except OSError as error:
        if isinstance(error, FileExistsError) or error.errno == errno.EXDEV:
            raise
    else:
        return
    if system.rename_to_new(name, folder, new, other):
        return
    with contextlib.suppress(FileNotFoundError):
        os.lstat(new, dir_fd=other)
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new)
    os.rename(name, new, src_dir_fd=folder, dst_dir_fd=other)


def _copy(way: _Way, name: str, folder: int) -> None:
    """Copy a file, with its time and what programs wrote beside it, proven before it is named."""
    start = os.fsdecode(os.fsencode(name)[:200])
    partial = f".{start}.{way.deletion.digest[:8]}{PARTIAL_SUFFIX}"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(partial, dir_fd=folder)  # left by a run that was killed
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
    descriptor = system.open_file(partial, flags, 0o600, folder)
    try:
        with open(descriptor, "wb") as stream:
            source, status = way.file.fileno(), os.fstat(way.file.fileno())
            way.file.seek(0)
            shutil.copyfileobj(way.file, stream, 1 << 20)
            stream.flush()
            system.copy_permissions(source, descriptor)
            system.copy_attributes(source, descriptor)
            os.utime(descriptor, ns=(status.st_atime_ns, status.st_mtime_ns))
            os.fsync(descriptor)
        if not _is_proven(partial, folder, way.deletion.digest):
            raise OSError("it was not copied whole")
        _give_name(partial, folder, name, folder)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial, dir_fd=folder)


def _is_proven(name: str, folder: int, digest: str) -> bool:
    """Whether what has a name in a folder has a content, by reading it."""
    with io.FileIO(system.open_file(name, within=folder)) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == digest
