"""What lies in some files and folders, whatever other ways lead there. Changes nothing on disk."""

import contextlib
import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator

from disk import same_file, system
from disk.files import digest_file
from disk.lines import to_line


class Inside:
    """What lies in protected places, by which other ways to it are known."""

    def __init__(self, places: Iterable[str]) -> None:
        same_file.look_anew()
        self._folders: dict[same_file.Identity, list[os.stat_result]] = defaultdict(list)
        self._files: dict[int, set[int]] = defaultdict(set)  # numbers by device
        self._places: dict[tuple[int, int], list[str]] = defaultdict(list)  # by device and size
        self.unlisted = ""  # a folder of which nobody knows what lies in it
        self._of_folder: dict[str, bool] = {}
        for place in places:
            waiting = [place]
            while waiting:
                waiting += self._inside_of(waiting.pop())

    def _inside_of(self, place: str) -> list[str]:
        """Take note of a file or folder; returns what lies in the folder, if it is a new one."""
        try:
            status = os.stat(place)
            if not stat.S_ISDIR(status.st_mode):
                self._take_file(place, status)
                return []
            alike = self._folders[same_file.identity(status)]
            if any(os.path.samestat(other, status) for other in alike):
                return []
            alike.append(status)
            return [os.path.join(place, name) for name in os.listdir(place)]
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                self.unlisted = place
            return []

    def _take_file(self, place: str, status: os.stat_result) -> None:
        numbers = self._files[status.st_dev]
        if status.st_ino not in numbers:
            numbers.add(status.st_ino)
            self._places[status.st_dev, status.st_size].append(place)

    def reason(self, path: str) -> str | None:
        """Why a file must be kept whose name doesn't protect it."""
        if self._has(os.path.dirname(path)):
            return "it lies in a protected folder by another way"
        with contextlib.suppress(OSError):
            status = os.stat(path)
            if status.st_ino in self._files[status.st_dev]:
                return "it is the same file as a protected one"
            if self._shown_elsewhere(path, status):
                return "it may be the same file as a protected one, on another mount"
            if self.unlisted and status.st_nlink > 1:
                return f"it may be a protected file, as {to_line(self.unlisted)} can't be read"
        return None

    def _shown_elsewhere(self, path: str, status: os.stat_result) -> bool:
        """Whether a protected file on another device may be a file."""
        others = (device for device in self._files if device != status.st_dev)
        places = (place for one in others for place in self._places.get((one, status.st_size), ()))
        return any(_may_be_one(place, path, status) for place in places)

    def _has(self, folder: str) -> bool:
        """Whether a folder is one of these, or lies in one, whatever it is called here."""
        if folder not in self._of_folder:
            outer = os.path.dirname(folder)
            self._of_folder[folder] = self._is_one(folder) or (outer != folder and self._has(outer))
        return self._of_folder[folder]

    def _is_one(self, folder: str) -> bool:
        with contextlib.suppress(OSError):
            status = os.stat(folder)
            alike = self._folders.get(same_file.identity(status), ())
            return any(same_file.are_one(other, status) for other in alike)
        return False


def all_in(top: str, followed: set[tuple[str, str]]) -> Iterator[str]:
    """All files and folders below one, and below links there, each by every name it has so.

    A link that leads up is not followed, and of those of one name to one folder only the first.
    """
    for folder, folders, files in os.walk(top):
        for name in (*folders, *files):
            yield os.path.join(folder, name)
        for link in (os.path.join(folder, name) for name in folders):
            if os.path.islink(link):
                real, name = os.path.realpath(link), os.path.basename(link)
                leads_up = system.lies_in(os.path.realpath(folder), real)
                if not leads_up and (real, name) not in followed:
                    followed.add((real, name))
                    yield from all_in(link, followed)


def _may_be_one(place: str, path: str, status: os.stat_result) -> bool:
    """Whether a file is what another device shows, by what that tells, or by the content."""
    try:
        other = os.stat(place)
        return same_file.are_one(other, status) or (
            same_file.may_be_one(other, status) and digest_file(place) == digest_file(path)
        )
    except OSError:
        return False
