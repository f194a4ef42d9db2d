"""Names of copies: a full path spelled as a name that any file system can hold."""

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

MAX_NAME_BYTES = 200
DIGEST_LENGTHS = (0, 8, 16, 64)  # in the name of a copy
UNSAFE_IN_A_NAME = r'[/\\:*?"<>|\x00-\x1f\x7f-\x9f\ud800-\udfff]'
RESERVED_NAMES = r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?"


def encode_path(path: str, digest_length: int = 0) -> str:
    """A file name that spells a full path: separators become `_`, the extension survives.

    >>> encode_path("/photos/vacation1.jpg")
    'photos_vacation1.jpg'
    >>> encode_path("/photos/vacation1.jpg", digest_length=8)
    'photos_vacation1-96279d24.jpg'
    """
    stem, extension = os.path.splitext(re.sub(UNSAFE_IN_A_NAME, "_", path))
    stem, mark = stem.lstrip("_") if stem.strip("_.") else "photo", ""
    if digest_length:
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()
        mark = "-" + digest[:digest_length]
    room = MAX_NAME_BYTES - len(os.fsencode(mark + extension))
    if len(stem.encode()) > room:  # the end says most: the file's own name
        stem = stem.encode()[-room:].decode(errors="ignore").lstrip("_.") or "photo"
    return stem + mark + extension


def name_copies(paths: Iterable[str]) -> dict[str, str]:
    """A name for each path, unique on any file system: after case-folding and normalisation.

    Names that clash, are too long or are reserved on Windows get a digest of their path.
    """
    names: dict[str, str] = {}
    pending = list(paths)
    for digest_length in DIGEST_LENGTHS:
        names.update((path, encode_path(path, digest_length)) for path in pending)
        counts = Counter(map(_folded, names.values()))
        pending = [
            path
            for path in pending
            if counts[_folded(names[path])] > 1
            or (digest_length == 0 and _needs_digest(path, names[path]))
        ]
    assert not pending
    return names


def _needs_digest(path: str, name: str) -> bool:
    too_long = len(path.lstrip(os.sep).encode(errors="replace")) > MAX_NAME_BYTES
    return too_long or bool(re.fullmatch(RESERVED_NAMES, name, re.IGNORECASE))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
