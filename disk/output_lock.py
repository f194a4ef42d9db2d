"""The one lock of an output folder."""

import contextlib
import os
import stat
from collections.abc import Iterator

from config import Exit, UserError
from disk import system


@contextlib.contextmanager
def locked(output_dir: str) -> Iterator[None]:
    """Hold the one lock of an output folder; a second run gets a `UserError` at once.

    The lock is the kernel's, so it ends with its process, whatever happens. Its file lies
    beside the folder and is removed by its holder, with the folders that were made for it.
    """
    path = _lock_path(output_dir)
    with contextlib.ExitStack() as at_the_end:
        try:
            for folder in _missing_above(path):
                if _is_made(folder):
                    at_the_end.callback(_remove_empty, folder)
            descriptor = _take_lock(path)
            status = os.fstat(descriptor)
            if status.st_size or not stat.S_ISREG(status.st_mode):
                os.close(descriptor)
                raise UserError(f"{path} is in the way and not ours; move it elsewhere.")
        except BlockingIOError:
            raise _in_use(output_dir) from None
        except OSError as error:
            raise UserError(f"can't write beside {output_dir}: {error.strerror}.") from error
        try:
            yield
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            os.close(descriptor)


def check_unlocked(output_dir: str) -> None:
    """Raise UserError if a run is using an output folder. Changes nothing on disk."""
    try:
        descriptor = system.open_file(_lock_path(output_dir))
    except FileNotFoundError:
        return
    try:
        system.lock(descriptor, shared=True)
    except BlockingIOError:
        raise _in_use(output_dir) from None
    finally:
        os.close(descriptor)


def _lock_path(output_dir: str) -> str:
    parent, name = os.path.split(output_dir)
    return os.path.join(parent, f".{name}.lock")


def _missing_above(path: str) -> list[str]:
    """The folders above a path that aren't there, from the highest on."""
    missing, path = [], os.path.abspath(path)
    while not os.path.isdir(path := os.path.dirname(path)):
        missing.append(path)
    return missing[::-1]


def _is_made(folder: str) -> bool:
    """Whether a folder was made now; another run may have been quicker."""
    try:
        os.mkdir(folder)
    except FileExistsError:
        return False
    return True


def _remove_empty(folder: str) -> None:
    with contextlib.suppress(OSError):  # somebody has put something there
        os.rmdir(folder)


def _in_use(output_dir: str) -> UserError:
    message = f"another run is using {output_dir}; wait until it has ended."
    return UserError(message, Exit.LOCKED)


def _take_lock(path: str) -> int:
    while True:
        descriptor = system.open_file(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            system.lock(descriptor)
            # The last holder may have removed the file between our open and our lock.
            if os.path.exists(path) and os.path.samestat(os.fstat(descriptor), os.lstat(path)):
                return descriptor
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)
