"""Find photos in folders, and hash what they show."""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from config import UserError
from disk import same_file
from disk.files import ImageFile, image_file, is_url, open_regular
from disk.own_names import ASIDE_SUFFIX, MANIFEST
from disk.patterns import patterns_of
from disk.places import Names, Surroundings, kind_of_file, names_of, place_at
from pictures import kinds
from pictures.by_name import named
from pictures.errors import reason_of
from pictures.formats import by_ending, is_photo
from pictures.images import SEVERAL, Hashed, HashedImage, HashFiles, Holding, Sized, Unreadable
from pictures.recipe import Recipe

# What takes long to import: workers are only wanted for what isn't known, and these by workers.
IN_WORKERS = "pictures.workers:in_workers"
HASH_FILE = "pictures.hashing:hash_file"
HOLDING_OF = "pictures.holding:holding_of"
SIZED = "pictures.hashing:sized"
# Kinds of what a walk skips, besides those of `kinds` and `places`; in the plural, to be counted.
HARD_LINKS = "hard links to the same files"
SAME_FILES = "the same files by another way"  # as another mount shows them, on another device
SET_ASIDE = "originals that a cleanup has set aside"
EARLIER_RESULTS = "results of find"  # folders with a file of the name of a result's record
UNREADABLE_FOLDERS = "unreadable folders"
LINKED_FOLDERS = "linked folders"
EXCLUDED_FOLDERS = "excluded folders"
EXCLUDED_FILES = "excluded files"
# How kinds begin that end in what the settings say.
FEWER_BYTES = "files smaller than "
FEWER_PIXELS = "pictures of fewer than "


@dataclass(frozen=True, slots=True)
class Skipped:
    """What is no photo to compare: of what kind it is and, for what failed, the reason.

    `photo` is the one that this is the same file as, if it is that of one.
    """

    path: str
    kind: str
    reason: str = ""
    photo: str = ""


Found = ImageFile | Unreadable | Skipped


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is in the input folders, each in the order of the walk."""

    images: list[HashedImage]
    unreadable: list[Unreadable]
    skipped: list[Skipped]
    photos: int
    unchanged: int  # photos that were read by an earlier run

    def paths_of(self, kind: str) -> list[str]:
        """The paths of what was skipped as one kind."""
        return [item.path for item in self.skipped if item.kind == kind]

    def digests(self) -> dict[str, str]:
        """The digest of each photo by its path, or nothing for one that can't be read."""
        unread = {item.file.path: "" for item in self.unreadable}
        return unread | {image.file.path: image.digest for image in self.images}

    def damaged(self) -> frozenset[str]:
        """The paths of the photos of which find sees that something is lost."""
        return frozenset(image.file.path for image in self.images if image.damage)


def check_input(input_dirs: Sequence[str], output_dir: str) -> None:
    """Refuse input folders that can't be read, or that are OUTPUT_DIR's or another program's.

    OUTPUT_DIR inside an input folder is allowed; the walk leaves it out. Changes nothing on disk.
    """
    for folder in input_dirs:
        if is_url(folder):
            raise UserError(
                f"INPUT_DIR {folder} is a URL, and these are compared by tasks: run --action find "
                "with --engine dask --work DIR_OR_URL, or mount it and name the folder."
            )
        if not os.path.isdir(folder):
            raise UserError(f"INPUT_DIR {folder} is not a folder; check the path, or mount it.")
        if not os.access(folder, os.R_OK | os.X_OK):
            raise UserError(f"INPUT_DIR {folder} can't be read; check its permissions.")
        if contains(output_dir, folder):
            raise UserError(
                f"INPUT_DIR {folder} lies inside OUTPUT_DIR {output_dir}; "
                "choose another OUTPUT_DIR."
            )
    _check_open(input_dirs)


def sides_of(input_dirs: Sequence[str]) -> "Sides":
    """The sides that input folders are; UserError where there is only one."""
    if len(set(map(_identity, input_dirs))) < 2:
        raise UserError(
            f"--across compares photos of different input folders, and {input_dirs[0]} is the only "
            "one; name another one with --input-dir."
        )
    return Sides(input_dirs)


def _identity(folder: str) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino


class Sides:
    """In which of the input folders paths lie: the innermost is their side."""

    def __init__(self, input_dirs: Sequence[str]) -> None:
        places = list(map(_identity, input_dirs))
        numbers = map(places.index, places)  # one folder may have two paths
        self._sides = dict(zip(input_dirs, numbers, strict=True))

    def of_path(self, path: str) -> int:
        """The side of a path; of one outside the input folders, that it lies apart from all."""
        return self._of_folder(os.path.dirname(path))

    def _of_folder(self, folder: str) -> int:
        if folder not in self._sides:
            outer = os.path.dirname(folder)
            self._sides[folder] = SEVERAL if outer == folder else self._of_folder(outer)
        return self._sides[folder]

    def of_images(self, survey: Survey) -> list[int]:
        """The side of each image of a survey; a file with names on two sides lies on several."""
        sides = {image.file.path: self.of_path(image.file.path) for image in survey.images}
        for item in survey.skipped:
            if item.photo in sides and sides[item.photo] != self.of_path(item.path):
                sides[item.photo] = SEVERAL
        return [sides[image.file.path] for image in survey.images]


def _check_open(input_dirs: Sequence[str]) -> None:
    """Refuse input folders that are a place of another program or lie in one."""
    surroundings = Surroundings()
    for folder in input_dirs:
        if place := surroundings.place_of(folder):
            raise UserError(
                f"INPUT_DIR {folder} lies in {place}, which is that program's own; name a folder "
                "outside it, and copy or export there what you want to compare."
            )


def contains(outer: str, inner: str) -> bool:
    """Whether `inner` is `outer` or lies below it, by name or by identity (bind mounts, case)."""
    while True:
        if inner == outer or (os.path.exists(outer) and os.path.samefile(inner, outer)):
            return True
        parent = os.path.dirname(inner)
        if parent == inner:
            return False
        inner = parent


def walk(
    input_dirs: Iterable[str],
    exclude: Sequence[str] = (),
    leave_out: Iterable[str] = (),
    min_size: int = 0,
) -> Iterator[Found]:
    """Yield the photos below some folders in sorted order. Changes nothing on disk.

    Symbolic links and special files are passed over, and so are the folders and files that other
    programs keep for themselves, the folders and files that match `exclude` (disk/patterns.py), the
    paths in `leave_out`, results of earlier runs and photos of fewer bytes than `min_size`.
    """
    walker = Walker(exclude, leave_out, min_size)
    for input_dir in input_dirs:
        yield from walker.below(input_dir)


def every_file(
    input_dirs: Iterable[str], exclude: Sequence[str] = (), leave_out: Iterable[str] = ()
) -> Iterator[Found]:
    """Yield the files below some folders, photos or not; what is passed over is as in a walk."""
    walker = _FileWalker(exclude, leave_out, 0)
    for input_dir in input_dirs:
        yield from walker.below(input_dir)


class Walker:
    """Walks through folders, each of them once; how one is listed may be told by another class."""

    def __init__(self, exclude: Sequence[str], leave_out: Iterable[str], min_size: int) -> None:
        self._excluded = patterns_of(exclude)
        self._min_size = min_size
        self._seen = _Seen()
        self._done = set(leave_out)

    def below(self, input_dir: str) -> Iterator[Found]:
        stack: list[tuple[str, Names]] = [(input_dir, {})]
        while stack:
            folder, beside = stack.pop()
            if folder in self._done:
                continue
            is_input = folder == input_dir
            if not is_input and (kind := self._kind_of(folder, {}, beside)):
                yield Skipped(folder, kind)
                continue
            self._done.add(folder)
            try:
                entries, folders = self.listed(folder)
            except OSError as error:
                yield Skipped(folder, UNREADABLE_FOLDERS, reason_of(error))
                continue
            names = names_of(entry.name for entry in entries)
            if not is_input and (kind := self._kind_of(folder, names, beside)):
                yield Skipped(folder, kind)
                continue
            inner = set(folders)
            yield from (self.found(entry) for entry in entries if entry not in inner)
            stack.extend((entry.path, names) for entry in reversed(folders))

    def listed(self, folder: str) -> tuple[list[Any], list[Any]]:
        """What is in a folder, in sorted order, and the folders among it; by names and paths."""
        return _listed(folder)

    def found(self, entry: Any) -> Found:
        """What an entry that is no folder is to `find`."""
        if kind := self._kind_of_entry(entry):
            return Skipped(entry.path, kind)
        if is_photo(entry.name):
            return self.large_enough(self._seen.photo(entry.path))
        kind = kinds.kind_by_name(entry.name) or _sniffed_kind(entry)
        if kind == kinds.OTHER_NAMES and by_ending(entry.name):  # a JPEG that is called .heic
            return self.large_enough(self._seen.photo(entry.path))
        return Skipped(entry.path, kind)

    def kind_by_name(self, path: str) -> str | None:
        """Why a file is passed over by its name or path, whatever it holds, if it is."""
        return kind_of_file(os.path.basename(path)) or (
            EXCLUDED_FILES if self._excluded.name_file(path) else None
        )

    def _kind_of(self, folder: str, names: Names, beside: Names) -> str | None:
        """Why a folder with some names in it and beside it is passed over, if it is."""
        if names.get(MANIFEST) == MANIFEST:
            return EARLIER_RESULTS
        if place := place_at(folder, names, beside):
            return place.kinds
        return EXCLUDED_FOLDERS if self._excluded.name_folder(folder) else None

    def _kind_of_entry(self, entry: "os.DirEntry[str]") -> str | None:
        """Why what is no folder is passed over whatever it holds, if it is."""
        if not entry.is_file(follow_symlinks=False):
            return _kind_of_no_file(entry)
        if entry.name.endswith(ASIDE_SUFFIX):
            return SET_ASIDE
        return self.kind_by_name(entry.path)

    def large_enough(self, found: Found) -> Found:
        """A photo, or that it is too small; an empty one is damaged, and stays."""
        if isinstance(found, ImageFile) and 0 < found.size < self._min_size:
            return Skipped(found.path, f"{FEWER_BYTES}{in_bytes(self._min_size)}")
        return found


class _FileWalker(Walker):
    """Walks through folders for files of any kind."""

    def found(self, entry: Any) -> Found:
        if kind := self._kind_of_entry(entry):
            return Skipped(entry.path, kind)
        try:
            return image_file(entry.path, entry.stat(follow_symlinks=False))
        except OSError as error:
            return Unreadable(ImageFile(entry.path, 0, 0), reason_of(error))


def in_bytes(size: int) -> str:
    """A number of bytes as short as it can be said without rounding.

    >>> in_bytes(20_000), in_bytes(1_500_000), in_bytes(20_480), in_bytes(123_456)
    ('20 KB', '1.5 MB', '20.48 KB', '123,456 bytes')
    """
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "KB")):
        if size >= unit and not size * 100 % unit:
            return f"{size / unit:g} {name}"
    return f"{size:,} bytes"


def _listed(folder: str) -> tuple[list["os.DirEntry[str]"], list["os.DirEntry[str]"]]:
    """What is in a folder, in sorted order, and the folders among it."""
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    return entries, [entry for entry in entries if entry.is_dir(follow_symlinks=False)]


def survey(
    walked: Sequence[Found],
    known: Callable[[list[ImageFile], HashFiles], Iterable[Hashed]],
    hash_anew: HashFiles,
) -> Survey:
    """Hash what a walk has found.

    `known` yields what is known of files, and what `hash_anew` makes of those it doesn't know.
    """
    files = [found for found in walked if isinstance(found, ImageFile)]
    anew: list[ImageFile] = []

    def hash_and_count(unknown: list[ImageFile]) -> Iterable[Hashed]:
        anew.extend(unknown)
        return hash_anew(unknown)

    # Workers finish in any order; the order of the walk is the one that counts.
    by_path = {result.file.path: result for result in known(files, hash_and_count)}
    results = [by_path[file.path] for file in files]
    return Survey(
        images=[result for result in results if isinstance(result, HashedImage)],
        unreadable=[r for r in (*walked, *results) if isinstance(r, Unreadable)],
        skipped=[found for found in walked if isinstance(found, Skipped)],
        photos=len(files) + sum(isinstance(found, Unreadable) for found in walked),
        unchanged=len(files) - len(anew),
    )


def hashed_again(survey: Survey, results: Iterable[Hashed]) -> Survey:
    """A survey in which some images are as they were hashed again, or unreadable after all."""
    anew = {result.file.path: result for result in results}
    images = [anew.get(image.file.path, image) for image in survey.images]
    broken = [result for result in images if isinstance(result, Unreadable)]
    return replace(
        survey,
        images=[image for image in images if isinstance(image, HashedImage)],
        unreadable=[*survey.unreadable, *broken],
    )


def _in_workers(
    work: str, files: Iterable[ImageFile], workers: int, *wanted: object
) -> Iterator[Any]:
    """What comes of some work on photos in worker processes, none of which start for nothing."""
    some = [*files]
    results: Iterator[Any] = named(IN_WORKERS)(work, some, workers, *wanted) if some else iter(())
    return results


def hash_files(
    files: Iterable[ImageFile], recipe: Recipe, workers: int
) -> Iterator[HashedImage | Unreadable]:
    """Hash photos in worker processes; yields one result a file, as they are done."""
    return _in_workers(HASH_FILE, files, workers, recipe)


def sizes(files: Iterable[ImageFile], workers: int) -> Iterator[Sized | Unreadable]:
    """Read the headers of photos in worker processes, whatever is known of the files."""
    return _in_workers(SIZED, files, workers)


def large_enough(
    walked: Iterable[Found], sizes: Iterable[Sized | Unreadable], min_pixels: int
) -> Iterator[Found]:
    """Yield what a walk has found, with the pictures of too few pixels as skipped.

    A photo of which the header can't be read stays, for the reason to be told.
    """
    kind = f"{FEWER_PIXELS}{min_pixels:,} pixels"
    small = {s.file.path for s in sizes if isinstance(s, Sized) and s.pixels < min_pixels}
    for found in walked:
        if isinstance(found, ImageFile) and found.path in small:
            yield Skipped(found.path, kind)
        else:
            yield found


def holdings(files: Iterable[ImageFile], workers: int) -> Iterator[Holding | Unreadable]:
    """Read photos once more in worker processes, for what they hold besides their pixels."""
    return _in_workers(HOLDING_OF, files, workers)


def _kind_of_no_file(entry: "os.DirEntry[str]") -> str:
    if not entry.is_symlink():
        return "special files"
    with contextlib.suppress(OSError):  # links in a circle
        if entry.is_dir():
            return LINKED_FOLDERS
    return "linked files"


def _sniffed_kind(entry: "os.DirEntry[str]") -> str:
    try:
        with open_regular(entry.path) as stream:
            head = stream.read(kinds.SNIFFED_BYTES)
    except OSError:
        head = b""
    return kinds.kind_by_content(entry.name, head)


class _Seen:
    """The photos that a walk has met, so that one file is one photo."""

    def __init__(self) -> None:
        self._photos: dict[tuple[int, int], str] = {}  # by device and number
        self._on_devices: dict[same_file.Identity, dict[int, os.stat_result]] = {}
        same_file.look_anew()

    def photo(self, path: str) -> Found:
        try:
            status = os.lstat(path)
        except OSError as error:
            return Unreadable(ImageFile(path, 0, 0), reason_of(error))
        inode = (status.st_dev, status.st_ino)
        if inode in self._photos:
            return Skipped(path, HARD_LINKS, photo=self._photos[inode])
        self._photos[inode] = path
        alike = self._on_devices.setdefault(same_file.identity(status), {})
        one = next((other for other in alike.values() if same_file.are_one(other, status)), None)
        if one:
            return Skipped(path, SAME_FILES, photo=self._photos[one.st_dev, one.st_ino])
        alike.setdefault(status.st_dev, status)
        return image_file(path, status)
