"""Whose word counts: a key that only this user has signs what a later action relies on."""

import contextlib
import errno
import hmac
import os
import stat
from collections.abc import Iterable

from config import Exit, UserError
from disk import system

KEY_BYTES = 32
PROGRAM = "image-similarity-search"


def key_path() -> str | None:
    """Where the key lies, in the user's folder for what programs keep; None without a home."""
    folder = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(folder):
        mac = system.is_mac()
        folder = os.path.expanduser("~/Library/Application Support" if mac else "~/.local/state")
    return os.path.join(folder, PROGRAM, "key") if os.path.isabs(folder) else None


def load_key() -> bytes | None:
    """This user's key, None if there is none; UserError for one that others may have made or read.

    Changes nothing on disk.
    """
    path = key_path()
    if path is None:
        return None
    try:
        descriptor = system.open_file(path)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except OSError as error:
        raise UserError(f"{path} is no key: {error.strerror}; remove it.", Exit.STATE) from error
    try:
        _check_private(path, os.fstat(descriptor))
        key = os.read(descriptor, KEY_BYTES)
    finally:
        os.close(descriptor)
    return key if len(key) == KEY_BYTES else None  # who made it was killed before it was written


def _check_private(path: str, status: os.stat_result) -> None:
    """Raise UserError unless a file and its folder are this user's alone."""
    folder = os.path.dirname(path)
    elsewhere = "set XDG_STATE_HOME to a folder of your own"
    if not stat.S_ISREG(status.st_mode) or status.st_size > KEY_BYTES:
        raise UserError(f"{path} is something else than a key; remove it.", Exit.STATE)
    if status.st_uid != system.user_id():
        raise UserError(f"{path} is another user's key; {elsewhere}.", Exit.STATE)
    if status.st_mode & 0o077:
        message = f"others may read or change {path}; run chmod 600 on it, or {elsewhere}."
        raise UserError(message, Exit.STATE)
    around = os.stat(folder)
    if around.st_uid not in (0, system.user_id()):
        raise UserError(f"{folder} is another user's folder; {elsewhere}.", Exit.STATE)
    if around.st_mode & 0o022:
        message = f"others may change {folder}; run chmod 700 on it, or {elsewhere}."
        raise UserError(message, Exit.STATE)


def make_key() -> None:
    """Make this user's key if there is none; OSError where none can be kept."""
    if load_key() is not None:
        return
    path = key_path()
    if path is None:
        raise OSError(errno.ENOENT, "there is no home folder")
    folder = os.path.dirname(path)
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    descriptor = system.open_file(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        system.lock(descriptor, wait=True)  # another run may be making it
        _check_private(path, os.fstat(descriptor))
        if os.fstat(descriptor).st_size < KEY_BYTES:
            os.write(descriptor, os.urandom(KEY_BYTES))
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def signature_of(content: bytes, key: bytes) -> str:
    """The HMAC-SHA256 of some content by a key, in hex."""
    return hmac.digest(key, content, "sha256").hex()


def fits(content: bytes, signatures: Iterable[str], key: bytes) -> bool:
    """Whether one of the signatures is that of some content by a key."""
    own = signature_of(content, key)
    return any(hmac.compare_digest(own, other) for other in signatures)
