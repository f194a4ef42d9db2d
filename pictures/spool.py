"""Small pictures that aren't kept: in files without a name until the run ends, or in memory."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pictures import database
from pictures.looks import Look, Spooled
from pictures.picture_file import (
    MakeAgain,
    Photo,
    PictureFile,
    in_memory,
    pictures_of,
    with_pictures,
)

LEFT_BY_SPOOL = 500_000_000  # of its disk; others would lack it, the cache first
SAID_FROM_BYTES = 10_000_000  # in memory; with less nobody lacks it


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that small pictures can be written to, and how many bytes are left free there."""

    folder: str
    left_free: int
    is_cache: bool = False


def places_of(cache_file: str | None) -> list[Place]:
    """Where small pictures will lie: beside the cache, or else the first place that has room.

    Changes nothing on disk.
    """
    if cache_file and _can_be_used(cache_file):
        return [Place(_folder_above(cache_file), database.LEFT_FREE, is_cache=True)]
    return [Place(f, LEFT_BY_SPOOL) for f in _folders_of(cache_file) if _is_writable(f)]


def _can_be_used(cache_file: str) -> bool:
    """Whether a cache can be written to, or made."""
    if not _is_writable(_folder_above(cache_file)):
        return False
    files = (cache_file, cache_file + database.PICTURES)
    if not all(os.access(file, os.R_OK | os.W_OK) for file in files if os.path.lexists(file)):
        return False
    ours = not os.path.lexists(cache_file) or database.is_ours(cache_file)
    return ours or database.lies_where_caches_do(cache_file)  # where it is made anew


def _folder_above(path: str) -> str:
    """The nearest folder above a path that is there, or what is in the way of one."""
    folder = os.path.dirname(path)
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    return folder


def _is_writable(folder: str) -> bool:
    return os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)


def _folders_of(cache_file: str | None) -> list[str]:
    """The folders to write to, in the order in which they are tried."""
    folders = [os.path.dirname(cache_file)] if cache_file else []
    with contextlib.suppress(OSError):  # there is none
        folders.append(tempfile.gettempdir())
    return folders


class Spool:
    """What takes small pictures out of memory until the run ends.

    They lie beside the cache, or in TMPDIR where that has no room. If there is none either, they
    stay in memory, which is told of once by `warn`.
    """

    def __init__(
        self, cache_file: str | None, make_again: MakeAgain, warn: Callable[[str], None]
    ) -> None:
        self._make_again, self._warn = make_again, warn
        self._folders = _folders_of(cache_file)  # now, as workers may need another TMPDIR
        self._files: dict[str, PictureFile | None] = {}
        self._open_files = contextlib.ExitStack()
        self._in_memory = 0
        self._has_told = False

    def add_look(self, photo: Photo, look: Look) -> Look:
        """A look with its pictures out of memory, where there is room for them."""
        for file in self._usable():
            if spooled := file.add_look(look):
                file.note(photo)
                return spooled[0]
        parts = [p if isinstance(p, Spooled) else in_memory(p) for p in pictures_of(look)]
        self._in_memory += sum(part.length for part in parts)
        if self._in_memory > SAID_FROM_BYTES:
            self._tell()
        return with_pictures(look, parts)

    def close(self) -> None:
        self._open_files.close()

    def _usable(self) -> Iterator[PictureFile]:
        for folder in self._folders:
            if folder not in self._files:
                self._files[folder] = self._opened(folder)
            if file := self._files[folder]:
                yield file

    def _opened(self, folder: str) -> PictureFile | None:
        with contextlib.suppress(OSError):
            temporary = tempfile.TemporaryFile(buffering=0, dir=folder)  # noqa: SIM115
            file = self._open_files.enter_context(temporary)
            return PictureFile(file, self._make_again, LEFT_BY_SPOOL)
        return None

    def _tell(self) -> None:
        if not self._has_told:
            self._has_told = True
            places = " and ".join(self._folders) or "no folder"
            self._warn(
                f"what is compared of photos stays in memory, as no room is left in {places} "
                f"({LEFT_BY_SPOOL // 10**6} MB stay free): make room there, or set TMPDIR to a "
                "folder elsewhere."
            )
