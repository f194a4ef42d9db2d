"""Say whether all that some folders hold is in the library (INPUT_DIR) already. Changes nothing."""

import argparse
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import finder
from actions.console import Console, bar, counted
from actions.find_photos import Hasher, large_enough
from actions.result import paths_of
from config import Settings, UserError
from disk.files import ImageFile, image_file
from disk.lines import to_line
from extras import alike, covering
from extras.actions.covered_summary import (
    Lists,
    print_list,
    report,
    report_apart,
    report_closed,
    report_library,
    warn_of_nothing,
)
from extras.alike import Likeness
from extras.covering import Contents, Covered, OwnFiles
from finder import Found, Skipped
from pictures import methods
from pictures.formats import is_photo
from pictures.images import HashedImage, Unreadable
from pictures.same_picture import Pictured
from pictures.store import opened as opened_store

NOT_THERE = "no file of the library has its bytes"
NOT_ALIKE = "no picture of the library is like it"
NO_LOOK = "only an identical file covers one without detail or with several pages"


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of looking at the photos without identical files.

    `reasons` is what is to be said of those that aren't alike, `unread` of the library's photos;
    `too_small` counts those of them that are left out.
    """

    same_picture: Mapping[str, str]
    similar: Mapping[str, Likeness]
    reasons: Mapping[str, str]
    unread: Mapping[str, str]
    too_small: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Shelves:
    """What lies in the library: the files that may cover others, and what is passed over.

    `lost` are the files that can't even be looked at, `closed` the folders that can't be listed,
    each with the reason.
    """

    files: list[ImageFile]
    passed_over: list[Skipped]
    lost: dict[str, str]
    closed: dict[str, str]


def run(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    """Say whether all that some folders hold is in the library already. Changes nothing."""
    folders = folders_of(arguments)
    finder.check_input(settings.input_dirs, settings.output_dir)
    inputs = inputs_outside(settings.input_dirs, folders)
    contents = covering.contents_of(folders)
    leave_out = [*paths_of(settings).folders, *folders]
    library = library_of(inputs, settings.exclude, leave_out)
    found = covering.covered(
        contents.files,
        library.files,
        lambda paths: bar(paths, "Reading", len(paths), unit=" files"),
    )
    looked = Looked({}, {}, {}, {}, {})
    if left := photos_left(contents, found):
        others = photos_of(library.files, OwnFiles(contents.files), settings.min_size)
        others = large_enough(others, settings.min_pixels, settings.workers)
        method = methods.chosen(settings)
        with opened_store(settings.cache_file, console.warn) as store:
            looked = look(left, others, Hasher(method, settings.workers, store))
    lists = lists_of(contents, found, looked)
    everything = arguments.verbose
    report(console, contents, lists, everything=everything)
    report_apart(console, contents, everything=everything)
    warn_of_nothing(console, contents, folders)
    report_closed(console, contents.closed, library.closed, everything=everything)
    unread = {**library.lost, **found.unread}
    looked_at = {path: reason for path, reason in looked.unread.items() if path not in unread}
    report_library(
        console, library.passed_over, unread, looked_at, looked.too_small, everything=everything
    )
    places = ", ".join(map(to_line, inputs))
    console.say(f"The library: {counted(len(library.files), 'file')} in {places}.")
    if arguments.list:
        print_list(console, getattr(lists, arguments.list), folders[0], null=arguments.null)


def folders_of(arguments: argparse.Namespace) -> list[str]:
    """The folders that are asked about, absolute and real, none inside another."""
    given = list(dict.fromkeys(os.path.realpath(path) for path in arguments.photos))
    for folder in given:
        if not os.path.isdir(folder):
            raise UserError(f"{folder} is not a folder; check the path, or mount it.")
    outer = [f for f in given if not lies_in_any(f, [other for other in given if other != f])]
    if arguments.list and len(outer) > 1:
        raise UserError("--list names files by their paths in one folder; name one folder alone.")
    return outer


def lies_in_any(folder: str, others: Iterable[str]) -> bool:
    return any(finder.contains(other, folder) for other in others)


def inputs_outside(input_dirs: Sequence[str], folders: Sequence[str]) -> list[str]:
    """The library's folders outside of those that are asked about, which can't cover themselves."""
    outside = [folder for folder in input_dirs if not lies_in_any(folder, folders)]
    if not outside:
        raise UserError(
            f"INPUT_DIR {input_dirs[0]} lies in {folders[0]}, which can't cover itself; "
            "name a library elsewhere."
        )
    return outside


def library_of(inputs: Sequence[str], exclude: Sequence[str], leave_out: Sequence[str]) -> Shelves:
    """What lies in the library's folders, without some others."""
    walk = list(bar(finder.every_file(inputs, exclude, leave_out), "Looking"))
    skipped = [found for found in walk if isinstance(found, Skipped)]
    closed = [item for item in skipped if item.kind == finder.UNREADABLE_FOLDERS]
    return Shelves(
        files=[found for found in walk if isinstance(found, ImageFile)],
        passed_over=[item for item in skipped if item.kind != finder.UNREADABLE_FOLDERS],
        lost={item.file.path: item.reason for item in walk if isinstance(item, Unreadable)},
        closed={item.path: item.reason for item in closed},
    )


# ---- Photos in other bytes


def look(own: Sequence[ImageFile], library: Sequence[Found], hasher: Hasher) -> Looked:
    """Compare the folders' own photos with those of the library that aren't too small."""
    others = [file for file in library if isinstance(file, ImageFile)]
    too_small = Counter(item.kind for item in library if isinstance(item, Skipped))
    results = list(hasher.hashed([*own, *others], hasher.fully))
    images, unread = hashed_and_unread(results)
    shown, there = in_order(own, images), in_order(others, images)
    same = alike.same_pictures(shown, there, hasher.workers, comparing)
    rest = [image for image in shown if image.file.path not in same]
    similar = alike.similar(rest, there, hasher.method)
    reasons = {image.file.path: NOT_ALIKE if image.look else NO_LOOK for image in rest}
    reasons |= {file.path: unread.pop(file.path) for file in own if file.path in unread}
    return Looked(same, similar, reasons, unread, too_small)


def photos_left(contents: Contents, found: Covered) -> list[ImageFile]:
    """The photos of the folders of which no file of the library has the bytes."""
    done = {**found.identical, **found.failed}
    return [
        image_file(path, status)
        for path, status in contents.files.items()
        if path not in done and is_photo(path)
    ]


def hashed_and_unread(
    results: Iterable[HashedImage | Unreadable],
) -> tuple[dict[str, HashedImage], dict[str, str]]:
    """What became of photos, by path: those that were hashed, and why others were not."""
    images: dict[str, HashedImage] = {}
    unread: dict[str, str] = {}
    for result in results:
        if isinstance(result, HashedImage):
            images[result.file.path] = result
        else:
            unread[result.file.path] = result.reason
    return images, unread


def in_order(files: Iterable[ImageFile], images: Mapping[str, HashedImage]) -> list[HashedImage]:
    """The images of some files, in their order, without those that could not be hashed."""
    return [images[file.path] for file in files if file.path in images]


def comparing(
    results: Iterable[Pictured | Unreadable], total: int
) -> Iterable[Pictured | Unreadable]:
    return bar(results, "Comparing", total)


def photos_of(library: Iterable[ImageFile], own: OwnFiles, min_size: int) -> list[Found]:
    """The photos of the library but the folders' own, those of too few bytes as skipped."""
    few_bytes = f"{finder.FEWER_BYTES}{finder.in_bytes(min_size)}"
    return [
        file if file.size >= min_size else Skipped(file.path, few_bytes)
        for file in library
        if is_photo(file.path) and not is_own(file, own)
    ]


def is_own(file: ImageFile, own: OwnFiles) -> bool:
    """Whether a file is one of the folders' by another path; what can't be looked at may be one."""
    try:
        return own.same_as(os.lstat(file.path)) is not None
    except OSError:
        return True


def lists_of(contents: Contents, found: Covered, looked: Looked) -> Lists:
    """The lists, each in the order of the walk."""
    linked = {p: f"the library has only this same file ({by})" for p, by in found.linked.items()}
    hidden = {p: f"it may be {to_line(by)}, which can't be read" for p, by in found.hidden.items()}
    reasons = {**looked.reasons, **linked, **hidden, **found.failed}
    identical = {p: found.identical[p] for p in contents.files if p in found.identical}
    alike = {**identical, **looked.same_picture, **looked.similar}
    missing = {p: reasons.get(p, NOT_THERE) for p in contents.files if p not in alike}
    return Lists(identical, looked.same_picture, looked.similar, {**missing, **contents.lost})
