"""A stand-in for hashing, for tests that run find hundreds of times: what a file shows is its
first 32 bytes, and no worker is started."""

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import finder
from actions import deciding
from actions.table import BASE, CACHING, COMPARING
from disk.files import ImageFile, digest_file, read_file
from disk.result import Result
from pictures.images import HashedImage, Unreadable
from pictures.preview_files import Small, Whole
from pictures.same_picture import Pictured

# What stands in for a contact sheet begins like one, which proves that it is ours.
SHEET = "<!DOCTYPE html>\n<title>Similar pictures</title>\n"
ONE_BY_ONE = ("check-deleted", "cleanup", "restore")  # what starts no workers
SHOWN = 32  # bytes: a hash of 16 x 16 bits


@dataclass(frozen=True)
class View:
    """As those of `fingerprint`, which takes long to import."""

    hash: bytes
    gray: bytes = b""
    fine: bytes | None = None


@dataclass(frozen=True)
class Look:
    views: tuple[View, ...]
    large: bytes | None = None
    taken: None = None


def photo(shows: bytes, content: bytes) -> bytes:
    """A file that shows something; those that show the same are similar."""
    return shows.ljust(SHOWN, b".")[:SHOWN] + content


def hash_files(
    files: Iterable[ImageFile], *_: Any, **__: Any
) -> Iterator[HashedImage | Unreadable]:
    for file in files:
        try:
            read, data = read_file(file.path)
        except OSError as error:
            yield Unreadable(file, error.strerror or str(error))
        else:
            look: Any = Look((View(data[:SHOWN]),))
            yield HashedImage(read, hashlib.sha256(data).hexdigest(), look)


def in_workers(*_: Any) -> deciding.ReadPictures:
    """In the place of what reads photos for the digests of their pictures."""
    return lambda files: [
        Pictured(file, "", digest_file(file.path)) for file in files if os.path.exists(file.path)
    ]


def sheet_of(result: Result) -> str:
    return SHEET if result.manifest.copies else ""


def preview_of(photo: bytes) -> bytes:
    """What stands for a preview: smaller, and another for each photo."""
    return hashlib.sha256(photo).digest()[:SHOWN]


def previews_of(files: Iterable[ImageFile], *_: Any) -> Iterator[Small | Whole]:
    for file in files:
        try:
            data = read_file(file.path)[1]
        except OSError as error:
            yield Whole(file, error.strerror or str(error))
        else:
            yield Small(file, hashlib.sha256(data).hexdigest(), preview_of(data))


def named(name: str) -> Any:
    """In the place of what makes a preview again."""
    assert name == "pictures.preview:made_again"
    return lambda place, _: preview_of(Path(place).read_bytes())


def by_hash_alone(arguments: Sequence[str]) -> tuple[str, ...]:
    """What has an action compare pictures by what stands in for their hashes, if it compares."""
    action = arguments[arguments.index("--action") + 1]
    return ("--threshold", "10") if action in (*BASE, *COMPARING) else ()


def main(arguments: list[str]) -> int:
    """The program, with the stand-in."""
    import main as program
    import storage
    from actions import find, find_summary, previews

    action = arguments[arguments.index("--action") + 1]
    no_cache = ("--no-cache",) if action in CACHING else ()  # it knows only real looks

    with (
        mock.patch.object(finder, "hash_files", hash_files),
        mock.patch.object(deciding, "in_workers", in_workers),
        mock.patch.object(previews, "made_in_workers", previews_of),
        mock.patch.object(storage, "named", named),
        mock.patch.object(finder, "holdings", lambda *_: iter(())),  # nothing else is held
        # The contact sheet would need real pictures and workers.
        mock.patch.object(find, "sheets", lambda *_, **__: sheet_of),
        mock.patch.object(find_summary, "has_extra", lambda _: False),
    ):
        return program.main([*arguments, *no_cache])
