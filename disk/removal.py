"""How an original is removed: set aside, proven there, and deleted, sent to a trash or put back."""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from disk import system
from disk.files import is_below
from disk.lines import to_line
from disk.record import Manifest
from disk.trash import holds, send

ASIDE_SUFFIX = ".being-deleted"  # of an original, while cleanup proves that it may go
# Why the file that now lies at a path must be kept, or None.
Prove = Callable[[str], str | None]
# Called before a file goes, with its place in a trash if that is known.
Record = Callable[..., None]
Remove = Callable[[str, Prove, Record], str | None]
TRASH_IS_THE_SYSTEMS = system.is_mac()


@dataclass(frozen=True, slots=True)
class Kept:
    """An original that is not deleted, and why."""

    path: str
    reason: str


def bytes_freed(path: str) -> int:
    """How much room deleting a file makes: none while it has another hard link."""
    status = os.lstat(path)
    return status.st_size if status.st_nlink == 1 else 0


def unlink(path: str, prove: Prove, record: Record) -> str | None:
    """Delete a file for good: set it aside, prove it there, record it, and unlink or put it back.

    Returns the reason to keep it, or None when it is gone. No other safety checks are made here.
    """
    with _set_aside(path) as aside:
        if (reason := prove(aside)) is None:
            record()
            os.unlink(aside)
    return reason


def trash(path: str, prove: Prove, record: Record) -> str | None:
    """Send a file to the trash of its disk; returns the reason to keep it, or None when it is gone.

    It goes from where it is set aside, so that nothing can take its place, with its own name as
    what the trash gives back. No other safety checks are made here.
    """
    if TRASH_IS_THE_SYSTEMS:
        return _give_to_system(path, prove, record)
    with _set_aside(path) as aside:
        if reason := prove(aside):
            return reason
        proven = os.lstat(aside)
        try:
            place = send(aside, path, record)
        except OSError as error:
            return _no_trash(error)
    return None if holds(place, proven) else f"it was sent to {to_line(place)} and isn't there"


def _give_to_system(path: str, prove: Prove, record: Record) -> str | None:
    """Let the system send a file to its trash, under its own name, so that it can be given back.

    It is proven and recorded where it is set aside. What takes its place in between is seen, but
    for the last moment, and would lie in the trash.
    """
    from send2trash import send2trash

    with _set_aside(path) as aside:
        if reason := prove(aside):
            return reason
        record()
        proven = os.lstat(aside)
    try:
        if not os.path.samestat(os.lstat(path), proven):
            return "another file took its place"
        send2trash(path)
    except OSError as error:
        return _no_trash(error)
    return "the trash did not take it" if os.path.lexists(path) else None


def _no_trash(error: OSError) -> str:
    cause = os.strerror(error.errno) if error.errno else str(error)
    return f"it can't be sent to a trash ({cause}); see --delete-mode permanent"


@contextlib.contextmanager
def _set_aside(path: str) -> Iterator[str]:
    """Give a file another name, and its own one back if it is still there in the end.

    Raises OSError if a name is taken.
    """
    aside = aside_path(path)
    if os.path.lexists(aside):
        raise OSError(f"{to_line(aside)} is in the way")
    os.rename(path, aside)
    try:
        yield aside
    finally:
        if os.path.lexists(aside):
            _put_back(aside, path)


def aside_path(path: str) -> str:
    """Where a file waits, in its own folder and named after it, while it is proven."""
    folder, name = os.path.split(path)
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:8]
    start = os.fsdecode(os.fsencode(name)[:200])
    return os.path.join(folder, f".{start}.{digest}{ASIDE_SUFFIX}")


def is_set_aside(path: str) -> bool:
    """Whether an interrupted cleanup has left a file under its other name."""
    return os.path.lexists(aside_path(path))


def _put_back(aside: str, path: str) -> None:
    """Give a file its name again, unless another file has taken it meanwhile (OSError)."""
    taken = f"another file took its place; it is kept as {to_line(aside)}"
    try:
        os.link(aside, path, follow_symlinks=False)
    except FileExistsError:
        raise OSError(taken) from None
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise OSError(taken) from None
        os.rename(aside, path)
    else:
        os.unlink(aside)


def restore_set_aside(manifest: Manifest) -> Iterator[str | Kept]:
    """Put back what an interrupted cleanup has set aside; yields the paths that came back."""
    for original in (c.original.path for c in manifest.copies):
        aside = aside_path(original)
        if not os.path.lexists(aside) or not is_below(original, manifest.input_dirs):
            continue
        if os.path.lexists(original) and os.path.samestat(os.lstat(aside), os.lstat(original)):
            os.unlink(aside)  # interrupted between its two names
            continue
        try:
            _put_back(aside, original)
            yield original
        except OSError as error:
            yield Kept(original, error.strerror or str(error))
