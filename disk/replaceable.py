"""Whether a result may be replaced: what is not ours, a cull to finish, the last copies."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from config import Exit, UserError
from disk import litter
from disk.files import files_in, has_digest, is_gone, is_untouched, open_regular
from disk.inspection import own_paths, report_of, unproven
from disk.lines import dump_json, some_names, to_line
from disk.own_names import MANIFEST
from disk.record import Manifest, SavedCopy, info_of, is_signed
from disk.result import NoResult, Opened, look_again
from disk.taking_over import Proven, prove

FEW = 3  # that a message names


def check_replaceable(
    old: Opened,
    *,
    discard_review: bool = False,
    trusted: bool = False,
    watch: Callable[[Sequence[str]], Iterable[str]] = iter,
) -> tuple[Proven, ...]:
    """The copies that the next result may take over, all of them read.

    Refuses to replace a folder with files that aren't ours, or with a cull to finish. Changes
    nothing on disk; raises UserError.
    """
    folder = old.paths.output_dir
    if not os.path.lexists(folder):
        return ()
    _check_is_folder(folder)
    if not litter.others_in(folder):
        return ()
    if isinstance(old, NoResult):
        raise UserError(
            f"OUTPUT_DIR {folder} holds files that are no result of ours "
            f"({some_names(litter.others_in(folder))}); choose another folder, or empty this one."
        )
    manifest = old.manifest
    contents = inspect(folder, manifest, watch)
    if contents.foreign or contents.edited:
        raise UserError(
            f"OUTPUT_DIR {folder} holds files that are not ours ({len(contents.foreign)}) or were "
            f"edited ({len(contents.edited)}): "
            f"{some_names(contents.foreign + contents.edited, folder)}; "
            "move them elsewhere, or choose another OUTPUT_DIR."
        )
    signed = is_signed(manifest)
    if not trusted and not signed and (alone := list(unproven(folder, manifest))):
        raise UserError(
            f"{os.path.join(folder, MANIFEST)} isn't signed with your key, and it alone says what "
            f"some files are ({some_names(alone)}); look at them, then run "
            "--action find --trust-result, or choose another OUTPUT_DIR.",
            Exit.STATE,
        )
    if not discard_review:
        _check_culled(folder, contents.missing)
    return contents.proven if signed else ()


def _check_is_folder(folder: str) -> None:
    """Refuse what can't be renamed as a folder can."""
    if not os.path.isdir(folder):
        raise UserError(f"OUTPUT_DIR {folder} is not a folder; choose another.")
    if os.path.ismount(folder):
        raise UserError(f"OUTPUT_DIR {folder} is a mount point; choose a folder inside it.")


def check_last_copies(
    old: Opened, seen: Mapping[str, str], damaged: Collection[str] = frozenset()
) -> None:
    """Refuse to replace a result with copies that may be all that is left. Changes nothing on disk.

    That is what it looks like where a disk isn't mounted, or dies. `seen` are the photos that find
    has now, by path: the digest of each, or nothing for one that can't be read; some are `damaged`.
    An original that was moved is known by its digest, one that was edited by its path, unless it
    is damaged by now and was not.
    """
    old = look_again(old)
    if isinstance(old, NoResult):
        return
    if last := _last_of(old.manifest.copies, seen, damaged):
        what = "previews" if all(c.preview for c in last) else "copies"
        raise UserError(
            f"originals are gone, damaged or can't be read any more ({_originals_of(last)}), and "
            f"{old.paths.output_dir} holds {what} that may be all that is left; mount their disk "
            f"or put them back. If you deleted them yourself, or have copied those {what} "
            "elsewhere, run --action find --discard-review."
        )


def _originals_of(copies: Sequence[SavedCopy]) -> str:
    """The originals of a few copies by name, of many by number and folders."""
    paths = [c.original.path for c in copies]
    if len(paths) <= FEW:
        return ", ".join(map(to_line, paths))
    folders = sorted({os.path.dirname(path) for path in paths})
    more = ", ..." if folders[FEW:] else ""
    return f"{len(paths)}, in {', '.join(map(to_line, folders[:FEW]))}{more}"


def _last_of(
    copies: Sequence[SavedCopy], seen: Mapping[str, str], damaged: Collection[str]
) -> list[SavedCopy]:
    """The copies that may be all that is left, as no photo that is there has their content."""
    known = {c.digest for c in copies}
    digests = {d for path, d in seen.items() if d in known and os.path.lexists(path)}
    return [c for c in copies if c.digest not in digests and _may_be_last(c, seen, damaged)]


def _may_be_last(copy: SavedCopy, seen: Mapping[str, str], damaged: Collection[str]) -> bool:
    """Whether a copy is there, and nothing else that has its content is known."""
    place = copy.original.path
    was_edited = seen.get(place) and (place not in damaged or copy.damage)
    if is_gone(copy.copy) or (was_edited and os.path.lexists(place)):
        return False
    if place not in seen and is_untouched(place, copy.original):  # find doesn't look there now
        return False
    return not has_digest(place, copy.digest)


def check_still_replaceable(old: Opened) -> None:
    """Refuse to replace a result that was culled while find was running. Changes nothing."""
    old = look_again(old)
    if isinstance(old, NoResult):
        return  # or only an empty folder
    _check_culled(old.paths.output_dir, _missing(old.manifest))


def _missing(manifest: Manifest) -> tuple[SavedCopy, ...]:
    return tuple(c for c in manifest.copies if is_gone(c.copy))


def _check_culled(folder: str, missing: Iterable[SavedCopy]) -> None:
    pending = [c for c in missing if not is_gone(c.original.path)]
    if pending:
        deleted = "1 copy was" if len(pending) == 1 else f"{len(pending)} copies were"
        raise UserError(
            f"{deleted} deleted from {folder} and the originals are still there; "
            "run --action check-deleted and cleanup, or run --action find --discard-review."
        )


# ---- What the folder holds


@dataclass(frozen=True, slots=True)
class Contents:
    """What an output folder holds: not ours; ours but edited; ours and missing; ours and right."""

    foreign: tuple[str, ...]
    edited: tuple[str, ...]
    missing: tuple[SavedCopy, ...]
    proven: tuple[Proven, ...]


def inspect(
    folder: str, manifest: Manifest, watch: Callable[[Sequence[str]], Iterable[str]] = iter
) -> Contents:
    """Compare a result with its manifest, by content. Changes nothing on disk.

    `watch` may wrap the paths that are read, to show progress.
    """
    copies = {c.copy: c for c in manifest.copies}
    groups = _group_folders(copies)
    ours = {*copies, *own_paths(folder, manifest), *groups, *report_of(folder, manifest)}
    present = _without_litter(folder, {folder, *groups})
    to_read = [path for path in present if path in copies]
    read = {path: prove(path, copies[path].digests) for path in watch(to_read)}
    edited = [path for path, proven in read.items() if proven is None]
    return Contents(
        foreign=tuple(path for path in present if path not in ours),
        edited=(*edited, *_edited_beside(folder, manifest, {*present})),
        missing=_missing(manifest),
        proven=tuple(proven for proven in read.values() if proven is not None),
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


def _without_litter(folder: str, homes: Collection[str]) -> list[str]:
    """What lies in a result, but for what systems leave in the folders of ours."""

    def is_litter(path: str) -> bool:
        return litter.left_in(path, folder) in homes and litter.is_litter(path, folder)

    return [path for path in files_in(folder) if not is_litter(path)]


def _has_own_info(folder: str, manifest: Manifest) -> bool:
    """Whether info.txt is as find wrote it, or gone."""
    try:
        with open_regular(os.path.join(folder, manifest.own_files.info)) as stream:
            return stream.read() == dump_json(info_of(manifest.copies)).encode()
    except FileNotFoundError:
        return True
    except OSError:
        return False
