"""Copies of the old result that are still right: the new one gets a second name for their files."""

import contextlib
import hashlib
import os
import stat
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from functools import cache

from disk.files import ImageFile, image_file, open_regular, try_to
from disk.record import SavedCopy


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells a file from others, and whether it was touched since; `links` are its names."""

    device: int
    inode: int
    mode: int
    links: int
    size: int
    mtime_ns: int
    ctime_ns: int


@dataclass(frozen=True, slots=True)
class Proven:
    """A copy of a result that was read and has its digest, and its file as it was before that."""

    path: str
    digest: str
    state: FileState


def prove(path: str, digests: Collection[str]) -> Proven | None:
    """A copy, if it is a regular file with one of these contents. Changes nothing on disk."""
    try:
        with open_regular(path) as stream:
            state = _state_of(os.fstat(stream.fileno()))
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None
    return Proven(path, digest, state) if digest in digests else None


def plan_take_over(copies: Sequence[SavedCopy], proven: Iterable[Proven]) -> dict[str, Proven]:
    """Which old copy can be taken over for which new one, by its path. Changes nothing on disk.

    One with a second name may be an original, or anything else of the person's. A preview is
    right only where a preview of that content is wanted.
    """
    spare: dict[tuple[str, int], list[Proven]] = defaultdict(list)
    for old in proven:
        if old.state.links == 1:
            spare[old.digest, old.state.mtime_ns].append(old)
    taken = {}
    for copy in copies:
        if fitting := spare.get((copy.digests[0], copy.original.mtime_ns)):
            taken[copy.copy] = fitting.pop(0)
    return taken


def take_over(old: Proven, original: ImageFile, target: str) -> bool:
    """Whether an old copy could get a second name: as nobody touched it or its original since.

    False also where the file system has no hard links.
    """
    try:
        if not (_is_untouched(old) and _looks_copied(old, original)):
            return False
        os.link(old.path, target, follow_symlinks=False)
        linked = _state_of(os.lstat(target))
        if linked == replace(old.state, links=2, ctime_ns=linked.ctime_ns):
            return True
    except OSError:
        return False
    try_to(os.unlink, target)  # another file has taken the place of the old copy
    return False


def _is_untouched(old: Proven) -> bool:
    return _state_of(os.lstat(old.path)) == old.state


def _looks_copied(old: Proven, original: ImageFile) -> bool:
    """Whether a copy that is made now, of an original as find saw it, would have the same mode."""
    status = os.lstat(original.path)
    as_seen = astuple(image_file(original.path, status)) == astuple(original)
    return as_seen and stat.S_IMODE(old.state.mode) == stat.S_IMODE(status.st_mode) & 0o777


def were_taken_over(copies: Iterable[SavedCopy], taken: Mapping[str, Proven]) -> list[SavedCopy]:
    """The copies of a result that are the files of those that could be taken over."""
    found = []
    for copy in copies:
        with contextlib.suppress(OSError):  # somebody may have deleted it by now
            if copy.copy in taken and os.lstat(copy.copy).st_ino == taken[copy.copy].state.inode:
                found.append(copy)
    return found


def other_names(standing: Callable[[], Iterable[SavedCopy]]) -> Callable[[SavedCopy], str]:
    """What tells by which name the file of a copy lies in the result that stands, too, if it does.

    Then it is not lost with this one, whatever it holds by now. That result is looked at when this
    is asked for the first time.
    """

    @cache
    def names() -> dict[FileState, str]:
        return {state: path for path, state in _states_of(standing())}

    def other_name(copy: SavedCopy) -> str:
        try:
            state = _state_of(os.lstat(copy.copy))
        except OSError:
            return ""
        return names().get(state, "") if state.links > 1 else ""

    return other_name


def _states_of(copies: Iterable[SavedCopy]) -> Iterator[tuple[str, FileState]]:
    """The copies that are there, each with its file as it is."""
    for copy in copies:
        if os.path.islink(os.path.dirname(copy.copy)):
            continue  # this may be the one that is to go
        with contextlib.suppress(OSError):
            yield copy.copy, _state_of(os.lstat(copy.copy))


def _state_of(status: os.stat_result) -> FileState:
    return FileState(
        status.st_dev,
        status.st_ino,
        status.st_mode,
        status.st_nlink,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )
