"""The previews of `find --copies preview`: which copies they stand for, and how they are made."""

import dataclasses
import functools
import os
from collections.abc import Callable, Collection, Iterable, Sequence

import storage
from actions.console import Console, bar
from config import UserError
from disk.files import ImageFile
from disk.lines import to_line
from disk.record import Manifest, SavedCopy, write_manifest
from disk.result import Opened, OutputPaths, Result
from disk.room import bytes_needed, may_share
from disk.taking_over import Proven, plan_take_over
from pictures import workers as pool
from pictures.images import Unreadable
from pictures.preview_files import RECIPE, Small, Whole, form_of, spelled, usual_bytes

Made = Small | Whole | Unreadable
# A planned record, and the log -> the record with the previews that were made for it.
MakePreviews = Callable[[OutputPaths, Manifest, list[str]], Manifest]
PREVIEW_OF = "pictures.preview:preview_of"  # done by workers
PREVIEW = "preview"  # what COPIES says where these are wanted
WORTH_TELLING = 10 * 10**9  # bytes that previews would save


def check_key(unsigned: str) -> None:
    """Raise UserError if there is a reason why a result would not be signed.

    What a preview is, is said by the record alone: nothing proves one, and find would neither
    replace nor remove it.
    """
    if unsigned:
        raise UserError(f"previews need a key of yours: {unsigned}")


def with_old_previews(
    copies: Sequence[SavedCopy], old: Opened, proven: Sequence[Proven]
) -> tuple[SavedCopy, ...]:
    """Planned copies, with those previews of an old result that can be taken over.

    Changes nothing on disk.
    """
    kept = old.manifest.copies if isinstance(old, Result) else ()
    known = {_kind(c): c.preview for c in kept if c.preview and c.preview.recipe == RECIPE}
    places = preview_places(copies)
    wanted = [
        dataclasses.replace(copy, preview=known[_kind(copy)], copy=places[copy.original.path])
        for copy in copies
        if _kind(copy) in known
    ]
    taken = plan_take_over(wanted, proven)
    found = {copy.original.path: copy for copy in wanted if copy.copy in taken}
    return tuple(found.get(copy.original.path, copy) for copy in copies)


def _kind(copy: SavedCopy) -> tuple[str, str]:
    """What decides how a preview looks: the content of its original, and how it is written."""
    return copy.digest, form_of(copy.original.path).format


def in_workers(console: Console, workers: int) -> MakePreviews:
    """What makes the previews of a planned result in worker processes, and names what fails."""
    return functools.partial(with_previews, console, workers)


def with_previews(
    console: Console, workers: int, paths: OutputPaths, planned: Manifest, log: list[str]
) -> Manifest:
    """The record of a result in which previews stand for files that are large.

    They are made in the staging folder and wait there; its record names them when this returns.
    """
    copies = list(planned.copies)
    numbers = {copy.original.path: number for number, copy in enumerate(copies)}
    places = preview_places(copies)
    failed = []
    files = [copy.original for copy in copies if not (copy.damage or copy.preview)]
    for made in bar(made_in_workers(files, workers), "Making previews", len(files)):
        number = numbers[made.file.path]
        try:
            if isinstance(made, Small):
                copy = dataclasses.replace(copies[number], copy=places[made.file.path])
                copies[number] = storage.keep_preview(paths, number, copy, made)
            elif made.reason:
                raise OSError(made.reason)
        except OSError as error:
            failed.append(f"{to_line(made.file.path)}: {error.strerror or error}")
    console.list_some(
        "No preview could be made, so these are to be copied whole", failed, everything=True
    )
    log += [f"No preview could be made: {line}" for line in failed]
    for number in [*alike_previews(copies)]:
        storage.drop_preview(paths, number)
        copies[number] = dataclasses.replace(planned.copies[number], preview=None)
    planned = dataclasses.replace(planned, copies=tuple(copies))
    write_manifest(paths.staging_dir, planned)
    return planned


def alike_previews(copies: Sequence[SavedCopy]) -> Iterable[int]:
    """The numbers of copies whose previews are as those of other photos before, by time as well.

    If one of them took the other's name, nobody could tell which it is. Changes nothing on disk.
    """
    first: dict[tuple[str, int], str] = {}
    for number, copy in enumerate(copies):
        if copy.preview:
            look = copy.preview.digest, copy.original.mtime_ns
            if first.setdefault(look, copy.digest) != copy.digest:
                yield number


def made_in_workers(files: Sequence[ImageFile], workers: int) -> Iterable[Made]:
    """What workers make of photos, as they are done."""
    return pool.in_workers(PREVIEW_OF, files, workers)


def preview_places(copies: Sequence[SavedCopy]) -> dict[str, str]:
    """Where the preview of each original goes, by its path. Changes nothing on disk."""
    originals = {copy.original.path: copy for copy in copies}
    names = storage.names_of(originals, previews=True)
    return {
        path: os.path.join(os.path.dirname(originals[path].copy), names[name])
        for path, name in spelled(originals).items()
    }


def say_what_previews_save(
    console: Console, copies: Sequence[SavedCopy], taken: Collection[str], output_dir: str
) -> None:
    """Say it of whole copies that take much more, without those that are taken over."""
    anew = [copy for copy in copies if copy.copy not in taken]
    small = sum(usual_bytes(copy.original) for copy in anew)
    if sum(copy.original.size for copy in anew) - small <= WORTH_TELLING:
        return
    whole = bytes_needed(anew, output_dir, may_share)
    if whole - small > WORTH_TELLING:
        console.say(
            f"The copies take {whole / 1e9:,.0f} GB; with --copies preview they would take about "
            f"{small / 1e9:,.0f} GB."
        )
