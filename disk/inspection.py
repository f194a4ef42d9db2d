"""Which files of a result are ours, and what proves it."""

import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from disk.copy_names import DIGEST_LENGTHS, encode_path
from disk.files import (
    digest_file,
    has_digest,
    open_regular,
    temporary_path,
)
from disk.lines import from_line
from disk.own_names import MANIFEST, REPORT
from disk.record import (
    Manifest,
    SavedCopy,
    seems_made,
)

PARTIAL = ".partial-copy"
PARTIALS = (PARTIAL, f"{PARTIAL}.2")  # so many copies are made at once: more gain little
LOG_BEGINS = r"\S+ find: Found |(Restored|Deleted|Kept) file: |Removed copy: "
SHEET_BEGINS = r"<!DOCTYPE html>[\s\S]{0,500}<title>Similar pictures</title>"


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
    return {*(os.path.join(folder, name) for name in PARTIALS), *temporary}


def made_path(folder: str, number: int) -> str:
    """Where a preview waits in a folder that find builds, until the record there knows it."""
    return os.path.join(folder, f"{PARTIAL}-{number}")


def waiting_previews(folder: str) -> set[str]:
    """The previews that wait in a folder which find was building."""
    waits = re.compile(re.escape(PARTIAL) + r"-\d+", re.ASCII)
    return {os.path.join(folder, name) for name in os.listdir(folder) if waits.fullmatch(name)}


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
    """Whether a copy has the name that find gives, and its original the same content.

    A preview hasn't: that it is one is said by the record alone.
    """
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

    That is seen by its time, unless a file of that size and time is missing. Several originals may
    have one preview: what has only the time of a missing one is that.
    """
    try:
        status = os.lstat(path)
        as_missing = status.st_mtime_ns in times.get(status.st_size, ())
        own = claim and seems_made(path, claim)
        if status.st_size not in times or (own and not as_missing):
            return None
        digest = digest_file(path)
    except OSError:
        return None
    belongs = claim and digest in claim.digests and (own or not as_missing)
    return None if belongs else digest
