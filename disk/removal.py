"""How an original is removed: set aside, proven there, and deleted or put back."""

import contextlib
import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from disk.companions import CompanionIndex, listing
from disk.files import is_below, is_gone
from disk.lines import to_line
from disk.own_names import ASIDE_SUFFIX, MOST_ASIDE_BYTES, name_before
from disk.record import Manifest

# Why the file that now lies at a path must be kept, or None.
Prove = Callable[[str], str | None]
# Called before a file goes, with its place in a trash if that is known.
Record = Callable[..., None]
Remove = Callable[[str, Prove, Record], str | None]


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
    with set_aside(path) as aside:
        if (reason := prove(aside)) is None:
            record()
            os.unlink(aside)
    return reason


@contextlib.contextmanager
def set_aside(path: str) -> Iterator[str]:
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
    start = os.fsdecode(os.fsencode(name)[:MOST_ASIDE_BYTES])
    return os.path.join(folder, f".{start}.{digest}{ASIDE_SUFFIX}")


def own_path(aside: str) -> str | None:
    """What was set aside under a path; None if nothing is, and wrong where its name was cut."""
    folder, name = os.path.split(aside)
    before = name_before(name)
    return before and os.path.join(folder, before)


def is_set_aside(path: str) -> bool:
    """Whether an interrupted cleanup has left a file under its other name."""
    return os.path.lexists(aside_path(path))


def is_there(path: str) -> bool:
    """Whether a file is there, if only under the other name that an interrupted cleanup gave it."""
    return not is_gone(path) or is_set_aside(path)


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


def set_aside_of(manifest: Manifest) -> Iterator[str]:
    """The originals, and then companions of some, that an interrupted cleanup has set aside."""
    originals = [copy.original.path for copy in manifest.copies]
    yield from filter(is_set_aside, originals)
    yield from filter(is_set_aside, _companions_aside(originals))


def restore_set_aside(manifest: Manifest) -> Iterator[str | Kept]:
    """Put back what an interrupted cleanup has set aside; yields the paths that came back."""
    for original in set_aside_of(manifest):
        aside = aside_path(original)
        if not is_below(original, manifest.input_dirs):
            continue
        if os.path.lexists(original) and os.path.samestat(os.lstat(aside), os.lstat(original)):
            os.unlink(aside)  # interrupted between its two names
            continue
        try:
            _put_back(aside, original)
            yield original
        except OSError as error:
            yield Kept(original, error.strerror or str(error))


def _companions_aside(originals: Iterable[str]) -> Iterator[str]:
    """The companions of some photos that were set aside, under their own names."""
    by_folder: dict[str, list[str]] = defaultdict(list)
    for original in originals:
        by_folder[os.path.dirname(original)].append(os.path.basename(original))
    for folder, photos in by_folder.items():
        with contextlib.suppress(OSError):
            index = CompanionIndex(filter(None, map(own_path, listing(folder))))
            found = {name for photo in photos for name in index.of(photo)}
            yield from (os.path.join(folder, name) for name in sorted(found))
