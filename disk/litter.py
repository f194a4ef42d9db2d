"""What systems leave in folders where somebody has looked, and make anew whenever they miss it."""

import contextlib
import os
import re
import stat
from collections.abc import Iterator, Sequence

from disk import system

# Of macOS, Windows, KDE and Android. What a person wrote there (gThumb's .comments, Picasa's
# .picasa.ini) is no litter.
FILES = frozenset(
    {
        *(".ds_store", ".localized", "icon\r", ".directory", ".nomedia"),
        *("desktop.ini", "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db"),
    }
)
RESOURCE_FORK = "._"  # macOS's, of a file of that name
RESOURCE_FORKS = ".AppleDouble"
# Folders of a NAS with previews, and what is in them: Synology's (in a folder a photo), QNAP's.
PREVIEWS = {
    "@eaDir": r"SYNO[A-Z]+[_:]\w+(\.\w+)?|.+@Syno(EAStream|Resource)",
    ".@__thumb": r"(default|s100|s800)\S.*",
}
FOLDERS = (*PREVIEWS, RESOURCE_FORKS)
MOST_BYTES = 10_000_000
SNIFFED_BYTES = 16
APPLE_DOUBLE = b"\0\5\x16\7"
DATABASE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # Thumbs.db of large folders is large
# How settings of folders begin, in ASCII or UTF-16; a person's notes of that name don't.
SETTINGS = frozenset({"desktop.ini", ".directory"})
SECTION = rb"(\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\0]*\[\0?[.{A-Za-z]"
# How pictures and videos begin; such a file is a person's, whatever it is called.
PICTURE = (
    rb"\xff\xd8\xff|\x89PNG|GIF8|BM|II[*+]\0|MM\0[*+]|RIFF....WEBP|....ftyp|\0\0\0\x0cJXL|\xff\x0a"
)


def is_litter(path: str, top: str) -> bool:
    """Whether something below a folder is litter, by its name and content. Changes nothing on disk.

    Links aren't, nor what begins like a picture and is no preview of a NAS.
    """
    parts = os.path.relpath(path, top).split(os.sep)
    inside = parts[_first_folder(parts) :]  # from a system's own folder on
    try:
        status = os.lstat(path)
        if stat.S_ISDIR(status.st_mode):
            return len(inside) == 1 or inside[:1] == ["@eaDir"]
        if not stat.S_ISREG(status.st_mode):
            return False
        small = status.st_size <= MOST_BYTES
        if inside:
            return _is_litter_inside(path, inside, small=small)
        return _is_litter_outside(path, parts[-1], small=small)
    except OSError:
        return False


def _is_litter_inside(path: str, inside: Sequence[str], *, small: bool) -> bool:
    """Whether a file in a folder that systems make is what they put there."""
    folder, name = inside[0], inside[-1]
    if folder in PREVIEWS:
        return small and bool(re.fullmatch(PREVIEWS[folder], name))
    return small and _head(path).startswith(APPLE_DOUBLE)


def _is_litter_outside(path: str, name: str, *, small: bool) -> bool:
    """Whether a file in any other folder is litter."""
    if not _is_called_litter(name):
        return False
    head = _head(path)
    if name.startswith(RESOURCE_FORK):
        return small and head.startswith(APPLE_DOUBLE)
    return _is_known_file(name.lower(), head, small=small)


def _head(path: str) -> bytes:
    with open(path, "rb", opener=system.open_file) as stream:
        return stream.read(SNIFFED_BYTES)


def _is_called_litter(name: str) -> bool:
    """Whether a file's name alone allows that it is litter, so that most need not be opened."""
    return name.lower() in FILES or name.startswith(RESOURCE_FORK)


def _is_known_file(name: str, head: bytes, *, small: bool) -> bool:
    """Whether a file is one that systems leave, by its name, its first bytes and its size."""
    if name in SETTINGS and head and not re.match(SECTION, head):
        return False
    fits = small or head.startswith(DATABASE)
    return name in FILES and fits and not re.match(PICTURE, head, re.DOTALL)


def left_in(path: str, top: str) -> str:
    """The folder that litter was left in, above a system's own one."""
    parts = os.path.relpath(path, top).split(os.sep)
    first = _first_folder(parts)
    return os.path.join(top, *parts[: min(first, len(parts) - 1)]).rstrip(os.sep)


def others_in(folder: str) -> list[str]:
    """The names of what lies in a folder and is no litter. Changes nothing on disk."""
    paths = (os.path.join(folder, name) for name in sorted(os.listdir(folder)))
    return [os.path.basename(path) for path in paths if not _is_all_litter(path, folder)]


def remove_in(folder: str) -> None:
    """Remove the litter that was left in a folder itself; what can't be removed stays."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        for inner in (*_below(path), path):
            if is_litter(inner, folder):
                remove = os.rmdir if os.path.isdir(inner) else os.unlink
                with contextlib.suppress(OSError):  # such as a folder with something else in it
                    remove(inner)


def _first_folder(parts: Sequence[str]) -> int:
    """The place of the first folder that systems make; behind the end if there is none."""
    return next((number for number, part in enumerate(parts) if part in FOLDERS), len(parts))


def _is_all_litter(path: str, folder: str) -> bool:
    return all(is_litter(inner, folder) for inner in (path, *_below(path)))


def _below(path: str) -> Iterator[str]:
    """What lies below one of the systems' folders, the innermost first."""
    if os.path.basename(path) in FOLDERS and not os.path.islink(path):
        for parent, folders, files in os.walk(path, topdown=False):
            yield from (os.path.join(parent, name) for name in (*files, *folders))
