"""How a new result is built and replaces the old one whole, and what is done to single copies."""

import contextlib
import hashlib
import os
import shutil
import stat
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import TYPE_CHECKING

from config import UserError
from disk import litter
from disk.at_once import in_order
from disk.copy_names import name_copies
from disk.copying import CHANGED, copy_file, rename_new, rename_to_new, write_preview
from disk.files import (
    ImageFile,
    append_lines,
    has_digest,
    is_untouched,
    open_regular,
    sync_folder,
    try_to,
    write_file,
)
from disk.inspection import PARTIAL, PARTIALS, made_path
from disk.lines import dump_json
from disk.record import (
    Manifest,
    Preview,
    SavedCopy,
    info_of,
    seems_made,
    surely_made,
    write_manifest,
)
from disk.recovery import last_ones, remove_result, roll_back
from disk.result import NoResult, Opened, OutputPaths, look_again
from disk.room import check_space, does_share
from disk.taking_over import Proven, other_names, take_over
from pictures.by_name import named
from pictures.preview_files import RECIPE, Small, spelled

if TYPE_CHECKING:  # cleanup and check-deleted have no images
    from pictures.images import HashedImage


_ONE_PREVIEW = threading.Lock()


@dataclass(frozen=True, slots=True)
class FailedCopy:
    copy: SavedCopy
    reason: str


# ---- Single copies: what a person does in a file manager, done under the lock


def remove_copy(copy: SavedCopy) -> str | None:
    """Delete a copy that can be made again; returns the reason to keep it, or None if it is gone.

    Raises OSError where the disk refuses.
    """
    if not os.path.lexists(copy.copy):
        return None
    if os.path.realpath(copy.copy) != copy.copy:
        return "it is reached through a symbolic link"
    if not surely_made(copy.copy, copy):
        return "it was edited since find; delete it in a file manager"
    place = copy.original.path
    if not (is_untouched(place, copy.original) or has_digest(place, copy.digest)):
        return "its original is gone or changed, so this may be the last one"
    os.unlink(copy.copy)
    return None


def restore_copy(copy: SavedCopy, output_dir: str, place: str = "") -> str | None:
    """Make the copy of an original again; returns the reason not to, or None if it is there.

    The original may lie at another place for now. Its content is proven, and no file is ever
    overwritten. A preview that can't be made as it was comes back as the whole file. Raises OSError
    where the disk refuses.
    """
    original = replace(copy.original, path=place or copy.original.path)
    folder = os.path.dirname(copy.copy)
    if os.path.realpath(folder) != folder:
        return "its folder is reached through a symbolic link"
    if os.path.lexists(copy.copy):
        same = surely_made(copy.copy, copy)
        return None if same else "an edited copy or another file has its name"
    if not os.path.lexists(original.path):
        return "its original is gone"
    if not has_digest(original.path, copy.digest):
        return "its original changed since find"
    os.makedirs(folder, exist_ok=True)
    partial = os.path.join(output_dir, PARTIAL)
    try:
        if copy.preview and _made_again(copy.preview, original, copy.original.path, partial):
            rename_to_new(partial, copy.copy)
        else:
            copy_file(original, copy.copy, copy.digest, partial, rename=rename_to_new)
    except FileExistsError:
        return "another file has taken its name"
    finally:
        try_to(os.unlink, partial)
    sync_folder(folder)
    return None


def _made_again(preview: Preview, original: ImageFile, name: str, partial: str) -> bool:
    """Whether a preview could be made again as it was; then it lies under another name."""
    with _ONE_PREVIEW:  # what decoders say is caught for the whole process
        data: bytes | None = named("pictures.preview:made_again")(original.path, name)
    if not data or hashlib.sha256(data).hexdigest() != preview.digest:
        return False
    try_to(os.unlink, partial)  # left by a run that was killed
    write_preview(data, original, partial)
    return True


# ---- Building a result and putting it in place


def names_of(paths: Iterable[str], *, previews: bool = False) -> dict[str, str]:
    """The name of each original's copy and, besides, of its preview where that has another one."""
    paths = list(paths)
    return name_copies(dict.fromkeys([*paths, *(spelled({*paths}).values() if previews else ())]))


def plan_copies(
    groups: Sequence[Sequence["HashedImage"]], output_dir: str, *, previews: bool = False
) -> tuple[SavedCopy, ...]:
    """Give each picture of each group its place in a numbered folder. Changes nothing on disk."""
    names = names_of((image.file.path for group in groups for image in group), previews=previews)
    return tuple(
        SavedCopy(
            original=image.file,
            copy=os.path.join(output_dir, str(number), names[image.file.path]),
            group=number,
            digest=image.digest,
            damage=image.damage,
        )
        for number, group in enumerate(groups, 1)
        for image in group
    )


@contextlib.contextmanager
def staging(paths: OutputPaths, manifest: Manifest) -> Iterator[None]:
    """Make the staging folder, with a manifest that names all that will lie in it.

    Without a `commit` nothing of it remains, and the old result stands.
    """
    try:
        os.mkdir(paths.staging_dir)
        if os.path.isdir(paths.output_dir):
            mode = stat.S_IMODE(os.stat(paths.output_dir).st_mode)
            os.chmod(paths.staging_dir, mode)
        write_manifest(paths.staging_dir, manifest)
        yield
    finally:
        roll_back(paths)


def keep_preview(paths: OutputPaths, number: int, copy: SavedCopy, made: Small) -> SavedCopy:
    """A copy for which a preview stands from now on, that waits in the staging folder.

    Raises OSError, also if the original's content is no longer the one that find saw.
    """
    if made.digest != copy.digest:
        raise OSError(CHANGED)
    write_preview(made.data, copy.original, made_path(paths.staging_dir, number))
    preview = Preview(len(made.data), hashlib.sha256(made.data).hexdigest(), RECIPE)
    return replace(copy, preview=preview)


def drop_preview(paths: OutputPaths, number: int) -> None:
    """Remove a preview that waits in the staging folder, if one does."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(made_path(paths.staging_dir, number))


def copy_all(
    paths: OutputPaths, copies: Sequence[SavedCopy], taken: Mapping[str, Proven], at_once: int = 1
) -> Generator[SavedCopy | FailedCopy, None, None]:
    """Copy originals into the staging folder; yields one result a copy, in order.

    `taken` are the copies of the old result that can be taken over, by the path of the new one; of
    the others some are made `at_once`. Whoever stops in the middle closes this before the folder
    goes. Raises UserError if what is left to be copied doesn't fit on the disk.
    """
    there = {c.copy for c in copies if c.copy in taken and _took_over(taken[c.copy], c, paths)}
    to_copy = [(n, c) for n, c in enumerate(copies) if c.copy not in there]
    with contextlib.closing(_copied_in_order(to_copy, paths, at_once)) as copied:
        for copy in copies:
            yield copy if copy.copy in there else next(copied)


def _copied_in_order(
    numbered: Sequence[tuple[int, SavedCopy]], paths: OutputPaths, at_once: int
) -> Generator[SavedCopy | FailedCopy, None, None]:
    """What comes of each copy that is to be made, as is asked for; UserError if they don't fit."""
    partials = [os.path.join(paths.staging_dir, name) for name in PARTIALS][: max(at_once, 1)]
    whole = [copy for _, copy in numbered if not copy.preview]
    check_space(whole, paths.output_dir, lambda source, _: does_share(source, partials[0]))
    free: SimpleQueue[str] = SimpleQueue()
    for partial in partials:
        free.put(partial)
    return in_order(lambda one: _copied(*one, paths, free), numbered, len(partials))


def _copied(
    number: int, copy: SavedCopy, paths: OutputPaths, partials: "SimpleQueue[str]"
) -> SavedCopy | FailedCopy:
    """A copy that is made under one of the names that are free, or was made and waits."""
    partial = partials.get()
    waiting = made_path(paths.staging_dir, number)
    try:
        _put(copy, waiting, _new_place(copy, paths), partial)
    except OSError as error:
        for path in (waiting, partial):
            try_to(os.unlink, path)
        return FailedCopy(copy, error.strerror or str(error))
    finally:
        partials.put(partial)
    return copy


def _took_over(old: Proven, copy: SavedCopy, paths: OutputPaths) -> bool:
    if old.digest != copy.digests[0]:
        return False  # the whole file, where a preview has been made
    try:
        return take_over(old, copy.original, _new_place(copy, paths))
    except OSError:
        return False  # it is said when it can't be copied either


def _put(copy: SavedCopy, waiting: str, target: str, partial: str) -> None:
    """Have a copy at its new place: a preview that waits, or one made again, or the whole file."""
    if copy.preview and os.path.lexists(waiting):
        rename_new(waiting, target)
    elif copy.preview and _made_again(copy.preview, copy.original, copy.original.path, partial):
        rename_new(partial, target)
    else:
        copy_file(copy.original, target, copy.digest, partial)


def _new_place(copy: SavedCopy, paths: OutputPaths) -> str:
    """Where a copy lies in the staging folder; the folder of its group is made."""
    folder = os.path.join(paths.staging_dir, str(copy.group))
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, os.path.basename(copy.copy))


def commit(
    old: Opened, manifest: Manifest, log: Iterable[str], seen: Mapping[str, str] | None = None
) -> list[str]:
    """Finish the staging folder and put it in the place of the old result.

    Returns the paths of files of the old result that are kept: those that changed while find was
    running (of the new one, if it has taken them over), and what may be the last copy of a photo by
    what is `seen` (by path: the digest). Raises OSError while the old result still stands.
    """
    paths = old.paths
    new, replaced = paths.staging_dir, paths.replaced_dir
    write_manifest(new, manifest)  # first, so that it names all that lies beside it
    write_file(paths.staged(paths.info_file), dump_json(info_of(manifest.copies)))
    _stage_log(old, log)
    for folder in sorted(entry.path for entry in os.scandir(new) if entry.is_dir()):
        try_to(os.rmdir, folder)  # a group of which every copy failed is empty
        if os.path.isdir(folder):
            sync_folder(folder)
    sync_folder(new)
    if os.path.isdir(paths.output_dir) and not litter.others_in(paths.output_dir):
        litter.remove_in(paths.output_dir)
    if os.path.isdir(paths.output_dir) and os.listdir(paths.output_dir):
        os.rename(paths.output_dir, replaced)
    os.rename(new, paths.output_dir)
    _sync_swap(paths.output_dir)
    return _remove_replaced(replaced, manifest, seen) if os.path.lexists(replaced) else []


def _remove_replaced(folder: str, new: Manifest, seen: Mapping[str, str] | None) -> list[str]:
    """Remove the old result; returns what is kept of it, here or there: it changed, or is the last.

    Nothing is the last one where all may be given up, and so nothing is `seen`.
    """
    other_name = other_names(lambda: new.copies)
    edited = []

    def shared(old: SavedCopy) -> bool:
        place = other_name(old)
        if place and not seems_made(old.copy, old):
            edited.append(place)
        return bool(place)

    if seen is None:
        return [*remove_result(folder, shared=shared), *edited]
    is_last = last_ones(lambda: new.copies, seen)
    return [*remove_result(folder, shared=shared, is_last=is_last), *edited]


def _sync_swap(output_dir: str) -> None:
    """Have the new result on disk before the old one is removed, or keep both."""
    try:
        sync_folder(os.path.dirname(output_dir))
    except OSError as error:
        message = f"the new result is in {output_dir}, but may not be on disk: {error.strerror}"
        raise UserError(f"{message}; check the disk and run --action find again.") from error


def _stage_log(old: Opened, log: Iterable[str]) -> None:
    """The log outlives the result: its old lines come along to the new folder."""
    paths = old.paths
    target = paths.staged(paths.log_file)
    if target != paths.log_file:
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(paths.log_file, target)
    append_lines(target, [*_lines_of_another_log(look_again(old)), *log])


def _lines_of_another_log(old: Opened) -> list[str]:
    """The log of the old result, if LOG_FILE has another name by now."""
    with contextlib.suppress(FileNotFoundError):
        if isinstance(old, NoResult):
            raise old.error  # what can't be read any more is not replaced
        if name := old.manifest.own_files.log:
            path = os.path.join(old.paths.output_dir, name)
            if path != old.paths.log_file:
                with open_regular(path) as stream:
                    return stream.read().decode(errors="replace").splitlines()
    return []
