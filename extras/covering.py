"""What of some folders lies in the library, too, byte by byte. Changes nothing on disk.

Nothing is taken from the cache: what is called identical was read on both sides, now.
"""

import contextlib
import hashlib
import io
import os
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from disk import litter, same_file, system
from disk.files import ImageFile, open_regular
from pictures.errors import reason_of

CHANGED = "it changed while it was read"
LARGE = 1_000_000  # bytes; of larger files of one size only those with the same ends are read
END_BYTES = 4096
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
    """A file as it was read: its status, its content and, of a large one, the ends of that."""

    status: os.stat_result
    digest: str
    ends: bytes


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
    the file itself, and where. `hidden` are those that a file of the library may cover, and which:
    it can't be read, and stands in `unread` with the reason.
    """

    identical: dict[str, Cover] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    linked: dict[str, str] = field(default_factory=dict)
    hidden: dict[str, str] = field(default_factory=dict)
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
            ends = _ends(stream) if before.st_size > LARGE else b""
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        after = os.lstat(path)
    except OSError as error:
        return reason_of(error)
    return Read(before, digest, ends) if STATE(before) == STATE(after) else CHANGED


def _ends(stream: io.FileIO) -> bytes:
    """The first and last bytes of a file, which tell most files of one size apart."""
    size = os.fstat(stream.fileno()).st_size
    places = (0, max(0, size - END_BYTES))
    return b"".join(system.read_at(stream.fileno(), END_BYTES, place) for place in places)


class _Wanted:
    """The files that were read and have no sure cover yet, by their size and content."""

    def __init__(self) -> None:
        self._by_size: dict[int, dict[str, dict[str, os.stat_result]]] = {}
        self._ends: dict[int, set[bytes]] = defaultdict(set)

    def add(self, path: str, read: Read) -> None:
        size = read.status.st_size
        self._by_size.setdefault(size, {}).setdefault(read.digest, {})[path] = read.status
        self._ends[size].add(read.ends)

    def may_be_covered_by(self, file: ImageFile) -> bool:
        """Whether a file of the library may be one that is wanted, so that it has to be read."""
        if not self._by_size.get(file.size):
            return False
        if file.size <= LARGE:
            return True
        with contextlib.suppress(OSError), open_regular(file.path) as stream:
            return _ends(stream) in self._ends[file.size]
        return True  # and reading it tells why

    def cover(self, place: str, read: Read, identical: dict[str, Cover]) -> None:
        """Let a file of the library cover those with its content that have no surer cover."""
        same_size = self._by_size.get(read.status.st_size, {})
        for path, status in list(same_size.get(read.digest, {}).items()):
            cover = Cover(place, same_file.may_be_one(status, read.status))
            if path not in identical or not cover.may_be_the_same:
                identical[path] = cover
            if not cover.may_be_the_same:
                del same_size[read.digest][path]
        if not same_size.get(read.digest, True):
            del same_size[read.digest]


def covered(files: Statuses, library: Iterable[ImageFile], watch: Watch) -> Covered:
    """Which files have all their bytes in the library, in another file.

    Of both sides only those are read of which the other has a file of the same size.
    """
    sizes = {status.st_size for status in files.values()}
    places = {file.path: file for file in library if file.size in sizes}
    found, own, unread = Covered(), OwnFiles(files), dict[str, str]()
    wanted = _wanted(files, {file.size for file in places.values()}, watch, found)
    for place in watch(list(places)):
        if not wanted.may_be_covered_by(places[place]):
            continue
        seen = read_now(place)
        if isinstance(seen, str):
            unread[place] = seen
        elif same := own.same_as(seen.status):
            found.linked.setdefault(same, place)
        else:
            wanted.cover(place, seen, found.identical)
    _note_hidden(files, places, unread, found)
    return found


def _wanted(files: Statuses, sizes: Container[int], watch: Watch, found: Covered) -> _Wanted:
    """The files of some sizes, read now; what of all files can't be read has failed."""
    wanted = _Wanted()
    for path in watch(list(files)):
        if files[path].st_size not in sizes:
            if reason := why_closed(path):
                found.failed[path] = reason
            continue
        seen = read_now(path)
        if isinstance(seen, Read) and STATE(seen.status) == STATE(files[path]):
            wanted.add(path, seen)
        else:
            found.failed[path] = CHANGED if isinstance(seen, Read) else seen
    return wanted


def why_closed(path: str) -> str:
    """Why a file can't even be opened, or nothing."""
    try:
        open_regular(path).close()
    except OSError as error:
        return reason_of(error)
    return ""


def _note_hidden(
    files: Statuses,
    places: Mapping[str, ImageFile],
    unread: Mapping[str, str],
    found: Covered,
) -> None:
    """Take note of what may be covered by files that can't be read, and of these."""
    of_size: dict[int, str] = {}
    for place in unread:
        of_size.setdefault(places[place].size, place)
    done = {**found.identical, **found.failed}
    for path, status in files.items():
        if path not in done and (place := of_size.get(status.st_size, "")):
            found.hidden[path] = place
    sizes = {files[path].st_size for path in found.hidden}
    found.unread.update({p: why for p, why in unread.items() if places[p].size in sizes})


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
