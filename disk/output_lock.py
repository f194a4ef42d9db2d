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
    beside the folder and is removed by its holder.
    """
    path = _lock_path(output_dir)
    parent = os.path.dirname(path)
    try:
        os.makedirs(parent, exist_ok=True)
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
