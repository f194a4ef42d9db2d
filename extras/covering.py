"""What of some folders lies in the library, too, byte by byte. Changes nothing on disk.

Nothing is taken from the cache: what is called identical was read on both sides, now.
"""

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from disk import litter, same_file
from disk.files import ImageFile, open_regular
from pictures.errors import reason_of

CHANGED = "it changed while it was read"
Watch = Callable[[Sequence[str]], Iterable[str]]
Statuses = Mapping[str, os.stat_result]
# What tells a file that is read from what it was before.
STATE = attrgetter("st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")


@dataclass(frozen=True, slots=True)
class Contents:
    """All that lies below some folders, by its path; what is no file to be kept stands apart.

    `lost` are the files that can't even be looked at, `closed` the folders that can't be listed,
    each with the reason.
    """

    files: dict[str, os.stat_result] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)
    litter: list[str] = field(default_factory=list)  # what systems leave and make anew
    empty: list[str] = field(default_factory=list)  # files without a byte, which hold nothing
    links: list[str] = field(default_factory=list)
    special: list[str] = field(default_factory=list)  # FIFOs, sockets, devices


@dataclass(frozen=True, slots=True)
class Read:
    """A file as it was read: whose status it has, and its content."""

    status: os.stat_result
    digest: str


@dataclass(frozen=True, slots=True)
class Cover:
    """A file of the library with the same content as one of the folders.

    `may_be_the_same` where a program shows one of both (FUSE), of which nobody can know.
    """

    path: str
    may_be_the_same: bool = False


@dataclass(frozen=True, slots=True)
class Covered:
    """The files with the same bytes in the library, and what is to be said of the others.

    `failed` are those that can't be read as they are, `linked` those of which the library has only
    the file itself, and where, and `unread` the files of the library that can't be read.
    """

    identical: dict[str, Cover] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    linked: dict[str, str] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)


# ---- What there is


def contents_of(folders: Iterable[str]) -> Contents:
    """All that lies below some folders, in sorted order, also in hidden ones and in trashes."""
    found = Contents()
    for top in folders:
        stack = [top]
        while stack:
            folder = stack.pop()
            try:
                with os.scandir(folder) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
            except OSError as error:
                found.closed[folder] = reason_of(error)
                continue
            inner = [e for e in entries if e.is_dir(follow_symlinks=False)]
            stack.extend(entry.path for entry in reversed(inner))
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    _sort_in(entry, top, found)
    return found


def _sort_in(entry: "os.DirEntry[str]", top: str, found: Contents) -> None:
    """Put what is no folder where it belongs."""
    if entry.is_symlink():
        found.links.append(entry.path)
        return
    if not entry.is_file(follow_symlinks=False):
        found.special.append(entry.path)
        return
    try:
        status = os.lstat(entry.path)
    except OSError as error:
        found.lost[entry.path] = reason_of(error)
        return
    if litter.is_litter(entry.path, top):
        found.litter.append(entry.path)
    elif not status.st_size:
        found.empty.append(entry.path)
    else:
        found.files[entry.path] = status


class OwnFiles:
    """The files of the folders, which cover neither themselves nor each other."""

    def __init__(self, files: Statuses) -> None:
        self._by_inode: dict[tuple[int, int], str] = {}
        self._alike: dict[same_file.Identity, list[str]] = defaultdict(list)
        self._statuses = files
        for path, status in files.items():
            self._by_inode.setdefault((status.st_dev, status.st_ino), path)
            self._alike[same_file.identity(status)].append(path)
        same_file.look_anew()

    def same_as(self, status: os.stat_result) -> str | None:
        """One of the files that a status is of, by a hard link or another mount."""
        if path := self._by_inode.get((status.st_dev, status.st_ino)):
            return path
        alike = self._alike.get(same_file.identity(status), ())
        return next((p for p in alike if same_file.are_one(self._statuses[p], status)), None)


# ---- What is the same, byte by byte


def read_now(path: str) -> Read | str:
    """A regular file as it is read now, or why that can't be told."""
    try:
        with open_regular(path) as stream:
            before = os.fstat(stream.fileno())
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        after = os.lstat(path)
    except OSError as error:
        return reason_of(error)
    return Read(before, digest) if STATE(before) == STATE(after) else CHANGED


def covered(files: Statuses, library: Iterable[ImageFile], watch: Watch) -> Covered:
    """Which files have all their bytes in the library, in another file.

    Of both sides only those are read of which the other has a file of the same size.
    """
    own = OwnFiles(files)
    sizes = {status.st_size for status in files.values()}
    places = [file for file in library if file.size in sizes]
    sizes = {file.size for file in places}
    found = Covered()
    wanted: dict[str, list[str]] = defaultdict(list)  # the files, by their content
    read: dict[str, os.stat_result] = {}
    for path in watch([path for path, status in files.items() if status.st_size in sizes]):
        seen = read_now(path)
        if isinstance(seen, str):
            found.failed[path] = seen
        elif STATE(seen.status) != STATE(files[path]):
            found.failed[path] = CHANGED
        else:
            wanted[seen.digest].append(path)
            read[path] = seen.status
    sizes = {status.st_size for status in read.values()}
    for place in watch([file.path for file in places if file.size in sizes]):
        seen = read_now(place)
        if isinstance(seen, str):
            found.unread[place] = seen
        elif same := own.same_as(seen.status):
            found.linked.setdefault(same, place)
        else:
            _note(found, place, seen.status, {p: read[p] for p in wanted.get(seen.digest, ())})
    return found


def _note(found: Covered, place: str, status: os.stat_result, files: Statuses) -> None:
    """Let a file of the library cover those with its content, unless a surer one does."""
    for path, own in files.items():
        cover = Cover(place, same_file.may_be_one(own, status))
        known = found.identical.get(path)
        if known is None or (known.may_be_the_same and not cover.may_be_the_same):
            found.identical[path] = cover


# ---- Lists for rsync


def names_for_rsync(paths: Iterable[str], top: str, *, null: bool) -> Iterator[bytes]:
    """The paths below a folder as rsync's --files-from reads them, without the line ends.

    What begins like a comment gets a "./". ValueError for a name with a line break, which only
    --from0 can read, unless `null`.
    """
    for path in paths:
        name = os.fsencode(os.path.relpath(path, top))
        if not null and (b"\n" in name or b"\r" in name):
            raise ValueError(path)
        yield b"./" + name if name.startswith((b"#", b";")) else name
