"""How an original goes to a trash, its disk's or the system's: set aside, and proven there."""

import os

from disk import system
from disk.lines import to_line
from disk.removal import Prove, Record, set_aside
from disk.trash import holds, send

TRASH_IS_THE_SYSTEMS = system.is_mac()


def trash(path: str, prove: Prove, record: Record) -> str | None:
    """Send a file to the trash of its disk; returns the reason to keep it, or None when it is gone.

    It goes from where it is set aside, so that nothing can take its place, with its own name as
    what the trash gives back. No other safety checks are made here.
    """
    if TRASH_IS_THE_SYSTEMS:
        return _give_to_system(path, prove, record)
    with set_aside(path) as aside:
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

    with set_aside(path) as aside:
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
