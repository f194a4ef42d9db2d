"""Which files of a result are ours, and whether they are as find wrote them."""

import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from disk import litter
from disk.copy_names import DIGEST_LENGTHS, encode_path
from disk.files import (
    digest_file,
    files_in,
    has_digest,
    is_gone,
    is_untouched,
    open_regular,
    temporary_path,
)
from disk.lines import dump_json, from_line
from disk.own_names import MANIFEST, REPORT
from disk.record import (
    Manifest,
    SavedCopy,
    info_of,
)

PARTIAL = ".partial-copy"
LOG_BEGINS = r"\S+ find: Found |(Restored|Deleted|Kept) file: |Removed copy: "
SHEET_BEGINS = r"<!DOCTYPE html>[\s\S]{0,500}<title>Similar pictures</title>"


@dataclass(frozen=True, slots=True)
class Contents:
    """What an output folder holds, as paths: not ours; ours but edited; ours and missing."""

    foreign: tuple[str, ...]
    edited: tuple[str, ...]
    missing: tuple[SavedCopy, ...]


def inspect(
    folder: str, manifest: Manifest, watch: Callable[[Sequence[str]], Iterable[str]] = iter
) -> Contents:
    """Compare a result with its manifest, by content. Changes nothing on disk.

    `watch` may wrap the paths that are read, to show progress.
    """
    copies = {c.copy: c for c in manifest.copies}
    groups = _group_folders(copies)
    ours = {*copies, *own_paths(folder, manifest), *groups, *report_of(folder, manifest)}
    homes = {folder, *groups}
    present = [path for path in files_in(folder) if not _is_litter(path, folder, homes)]
    to_read = [path for path in present if path in copies]
    edited = [path for path in watch(to_read) if not has_digest(path, copies[path].digest)]
    return Contents(
        foreign=tuple(path for path in present if path not in ours),
        edited=(*edited, *_edited_beside(folder, manifest, {*present})),
        missing=tuple(c for c in manifest.copies if is_gone(c.copy)),
    )


def _group_folders(copies: Iterable[str]) -> set[str]:
    """The numbered folders, but for links to folders elsewhere."""
    folders = {os.path.dirname(path) for path in copies}
    return {folder for folder in folders if not os.path.islink(folder)}


def _edited_beside(folder: str, manifest: Manifest, present: Collection[str]) -> Iterator[str]:
    """The files beside the copies that are not as find wrote them."""
    if not _has_own_info(folder, manifest):
        yield os.path.join(folder, manifest.own_files.info)
    for path in report_of(folder, manifest):
        if path in present and not has_digest(path, manifest.report):
            yield path


def _is_litter(path: str, folder: str, homes: Collection[str]) -> bool:
    """Whether a path in a result is what systems leave in the folders of ours."""
    return litter.left_in(path, folder) in homes and litter.is_litter(path, folder)


def own_paths(folder: str, manifest: Manifest) -> set[str]:
    """The files of ours that a finished result may hold beside its copies."""
    return {os.path.join(folder, name) for name in (MANIFEST, *manifest.own_files.names)}


def report_of(folder: str, manifest: Manifest) -> list[str]:
    """The path of report.html if find wrote one; another file of that name is not ours."""
    return [os.path.join(folder, REPORT)] if manifest.report else []


def unfinished_paths(folder: str, names: Iterable[str]) -> set[str]:
    """The files that a run leaves where it is killed while it writes."""
    names = (MANIFEST, REPORT, *names)
    temporary = {temporary_path(os.path.join(folder, name)) for name in names}
    return {os.path.join(folder, PARTIAL), *temporary}


def _has_own_info(folder: str, manifest: Manifest) -> bool:
    """Whether info.txt is as find wrote it, or gone."""
    try:
        with open_regular(os.path.join(folder, manifest.own_files.info)) as stream:
            return stream.read() == dump_json(info_of(manifest.copies)).encode()
    except FileNotFoundError:
        return True
    except OSError:
        return False


def unproven(folder: str, manifest: Manifest) -> Iterator[str]:
    """The files of a result that its record alone calls ours. Changes nothing on disk.

    What a copy holds is in its original as well, and it has the name that find gives; the other
    files say themselves what they are.
    """
    for copy in manifest.copies:
        if os.path.lexists(copy.copy) and not _is_spare(copy):
            yield copy.copy
    for path, says in _proofs(folder, manifest):
        if os.path.lexists(path) and not _says(path, says):
            yield path


def _proofs(folder: str, manifest: Manifest) -> list[tuple[str, Callable[[str], object]]]:
    """The files beside the copies, each with what tells by its text that it is ours."""
    originals = {c.original.path for c in manifest.copies}
    info, listed, *logs = (os.path.join(folder, name) for name in manifest.own_files.names)
    return [
        (info, lambda text: json.loads(text).keys() <= originals),
        (listed, lambda text: {from_line(line) for line in text.split("\n") if line} <= originals),
        *((log, lambda text: re.match(LOG_BEGINS, text)) for log in logs),
        *(
            (sheet, lambda text: re.match(SHEET_BEGINS, text))
            for sheet in report_of(folder, manifest)
        ),
    ]


def _is_spare(copy: SavedCopy) -> bool:
    """Whether a copy has the name that find gives, and its original the same content."""
    place, name = copy.original.path, os.path.basename(copy.copy)
    try:
        one, other = os.lstat(copy.copy), os.lstat(place)
        same = (one.st_ino, one.st_ctime_ns) == (other.st_ino, other.st_ctime_ns)
    except OSError:
        return False
    named = name in (encode_path(place, length) for length in DIGEST_LENGTHS)
    return named and not same and all(has_digest(p, copy.digest) for p in (copy.copy, place))


def _says(path: str, says: Callable[[str], object]) -> bool:
    try:
        with open_regular(path) as stream:
            return bool(says(stream.read().decode()))
    except (OSError, ValueError, AttributeError, RecursionError):
        return False


def unclaimed_content(
    path: str, claim: SavedCopy | None, times: Mapping[int, Collection[int]]
) -> str | None:
    """The digest of a file of one of the sizes, unless it is the copy that belongs there.

    That is seen by its time, unless a file of that size and time is missing.
    """
    try:
        status = os.lstat(path)
        own = claim and is_untouched(path, claim.original)
        if status.st_size not in times or (own and status.st_mtime_ns not in times[status.st_size]):
            return None
        digest = digest_file(path)
    except OSError:
        return None
    return None if claim and digest == claim.digest else digest
