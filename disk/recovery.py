"""What find leaves behind: the result that it replaced is removed, an interrupted run put right."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from config import UserError
from disk import litter
from disk.files import (
    ImageFile,
    files_in,
    has_digest,
    is_untouched,
    sync_folder,
    temporary_path,
    try_to,
)
from disk.inspection import own_paths, report_of, unfinished_paths, unproven, waiting_previews
from disk.lines import some_names
from disk.own_names import MANIFEST
from disk.record import (
    BROKEN_MANIFEST,
    Manifest,
    SavedCopy,
    is_signed,
    load_manifest,
    seems_made,
)
from disk.result import Opened, OutputPaths, Result, open_result
from disk.taking_over import other_names


def _never(_: SavedCopy) -> bool:
    return False


def remove_result(
    folder: str,
    *,
    unread: bool = False,
    shared: Callable[[SavedCopy], bool] = _never,
    is_last: Callable[[SavedCopy], bool] = _never,
) -> list[str]:
    """Remove a result of ours, file by file; returns what is kept: not ours, changed, or the last.

    A copy is proven by its content, or with `unread` by its size and time where those fit; one
    that is `shared` with the result that stands goes, as its file does not. What `is_last` tells of
    stays. Of a result that this user's key has not signed nothing goes that only its record calls
    ours.

    Raises UserError if the folder is no result of ours.
    """
    try:
        manifest = load_manifest(folder)
    except BROKEN_MANIFEST:
        raise UserError(f"{folder} is in the way and not ours; move it elsewhere.") from None
    # The manifest goes last: while it is there, an interrupted removal can be resumed.
    # info.txt goes first: without it, nobody takes what is left for a cull.
    last = os.path.join(folder, MANIFEST)
    spared = set() if is_signed(manifest) else {*unproven(folder, manifest)}
    unfinished = set[str]()
    if unread:
        unfinished = unfinished_paths(folder, manifest.own_files.names) | waiting_previews(folder)
    for path in sorted((own_paths(folder, manifest) | unfinished) - {last} - spared):
        try_to(os.unlink, path)
    for path in {*report_of(folder, manifest)} - spared:
        if has_digest(path, manifest.report):
            try_to(os.unlink, path)
    try:
        sync_folder(folder)
    except OSError as error:
        message = f"the rest of an earlier result, {folder}, can't be removed: {error.strerror}"
        raise UserError(f"{message}; check the disk and run it again.") from error
    copies = [copy for copy in manifest.copies if copy.copy not in spared]
    _remove_copies(copies, lambda c: unread and seems_made(c.copy, c), shared, is_last)
    _remove_groups(folder, manifest)
    return _remove_last(folder, last)


def _remove_last(folder: str, last: str) -> list[str]:
    """Remove the last file of a folder and the folder itself; returns what is kept instead."""
    if kept := [path for path in files_in(folder) if path != last]:
        return kept
    try_to(os.unlink, last)
    try_to(os.rmdir, folder)
    return [folder] if os.path.lexists(folder) else []


def _remove_copies(
    copies: Iterable[SavedCopy],
    may_go: Callable[[SavedCopy], bool],
    shared: Callable[[SavedCopy], bool],
    is_last: Callable[[SavedCopy], bool],
) -> None:
    """Remove the copies that stand elsewhere, may go unread, or are proven; the last ones stay."""
    for copy in copies:
        if os.path.islink(os.path.dirname(copy.copy)):
            continue  # what it leads to isn't ours
        goes = shared(copy) or (
            not is_last(copy) and (may_go(copy) or has_digest(copy.copy, *copy.digests))
        )
        if goes:
            try_to(os.unlink, copy.copy)


def last_ones(
    standing: Callable[[], Iterable[SavedCopy]], seen: Mapping[str, str] | None = None
) -> Callable[[SavedCopy], bool]:
    """What tells of a copy in a replaced result that it may be all that is left of a photo.

    Nothing is in its original's place then, and none of what the result that stands knows has its
    content by now: no original, no copy. Nor is one there of the photos that were `seen` a moment
    ago (by path: the digest). All that is looked at when an original is missing.
    """

    @cache
    def known() -> Mapping[str, Sequence[ImageFile]]:
        found = defaultdict(list)
        for copy in standing():
            found[copy.digest].append(copy.original)
            if not os.path.islink(os.path.dirname(copy.copy)):
                file = replace(copy.original, path=copy.copy, size=copy.sizes[0])
                found[copy.digests[0]].append(file)
        return found

    @cache
    def places() -> Mapping[str, Sequence[str]]:
        found = defaultdict(list)
        for path, digest in (seen or {}).items():
            found[digest].append(path)
        return found

    def lies_elsewhere(digest: str) -> bool:
        return any(map(os.path.lexists, places().get(digest, ()))) or any(
            is_untouched(file.path, file) or has_digest(file.path, digest)
            for file in known().get(digest, ())
        )

    def is_last(copy: SavedCopy) -> bool:
        if os.path.lexists(copy.original.path) or not os.path.lexists(copy.copy):
            return False
        return not any(map(lies_elsewhere, copy.digests))

    return is_last


def _remove_groups(folder: str, manifest: Manifest) -> None:
    """Remove the numbered folders that are empty, but for litter."""
    groups = {os.path.dirname(copy.copy) for copy in manifest.copies}
    groups |= {entry.path for entry in os.scandir(folder) if entry.name.isdigit()}  # none is left
    for home in (folder, *(g for g in groups if os.path.isdir(g) and not os.path.islink(g))):
        litter.remove_in(home)
    for group in groups:
        try_to(os.rmdir, group)


def roll_back(paths: OutputPaths) -> None:
    """Bring the old result back where find stopped between two renames; drop what it was building.

    Raises UserError if files of the user's lie in the staging folder, or in the old one's place.
    """
    output_dir, replaced, new = paths.output_dir, paths.replaced_dir, paths.staging_dir
    # Without a new result it had been put in place, and somebody has removed it since.
    if os.path.isdir(new) and _is_whole(replaced):
        if os.path.lexists(output_dir):
            message = f"{output_dir} lies in the place of {replaced}; move it elsewhere."
            raise UserError(message)
        os.rename(replaced, output_dir)
    _remove_leftover(new, output_dir, unread=True)


def _is_whole(folder: str) -> bool:
    """Whether a folder is a result of ours that `remove_result` has not begun to remove."""
    try:
        own_files = load_manifest(folder).own_files
    except BROKEN_MANIFEST:
        return False
    return os.path.lexists(os.path.join(folder, own_files.info))


def recover(paths: OutputPaths) -> Opened:
    """The old result or the new, once its folder is in order after an interrupted find.

    Raises UserError if files of the user's are in the way.
    """
    roll_back(paths)
    _remove_leftover(paths.replaced_dir, paths.output_dir, unread=False)
    opened = open_result(paths)
    if isinstance(opened, Result):
        unfinished = unfinished_paths(paths.output_dir, opened.manifest.own_files.names)
        unfinished |= waiting_previews(paths.output_dir)  # of which one could not be removed
        left = [path for path in unfinished if os.path.lexists(path)]
        if left and is_signed(opened.manifest):  # which takes long where copies are many
            for path in left:
                try_to(os.unlink, path)
    return opened


def _remove_leftover(folder: str, standing: str, *, unread: bool) -> None:
    """Remove what is left of a result beside the one that stands, which may share its files."""
    if not os.path.lexists(folder):
        return
    if os.path.islink(folder):
        raise UserError(f"{folder} is in the way and not ours; move it elsewhere.")
    temporary = temporary_path(os.path.join(folder, MANIFEST))
    if litter.others_in(folder) == [os.path.basename(temporary)]:  # killed in its first moment
        os.unlink(temporary)
    if not litter.others_in(folder):
        litter.remove_in(folder)
        os.rmdir(folder)
        return
    copies = cache(lambda: _copies_in(standing))
    other_name = other_names(copies)
    is_last = _never if unread else last_ones(copies)
    kept = remove_result(
        folder, unread=unread, shared=lambda copy: bool(other_name(copy)), is_last=is_last
    )
    if kept and any(map(is_last, _copies_in(folder))):
        raise UserError(
            f"{folder} holds copies that may be all that is left ({some_names(kept)}), as their "
            "originals are gone; mount their disk or put them back, or move these copies elsewhere."
        )
    if kept:
        raise UserError(f"{folder} holds files of yours ({some_names(kept)}); move them elsewhere.")


def _copies_in(folder: str) -> tuple[SavedCopy, ...]:
    try:
        return load_manifest(folder).copies
    except BROKEN_MANIFEST:
        return ()
