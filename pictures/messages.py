"""What decoders say while they decode."""

import contextlib
import os
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from disk import system

MOST_MESSAGES = 3  # of a decoder, about one picture
ABOUT_METADATA = re.compile(r"\b(tags?|field|profile|iCCP|s?RGB|EXIF|ICC|XMP)\b", re.IGNORECASE)

# In a worker: where what its decoders write to the terminal goes.
_pipe: list[int] = []


@dataclass(frozen=True, slots=True)
class Messages:
    """What decoders say: of the picture's data, and of anything else."""

    of_data: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


@contextlib.contextmanager
def messages_of_decoders() -> Iterator[Messages]:
    """Collect what decoders say while a picture is decoded, in C or by Python's warnings.

    Python's are about what is known of the picture or what its header leaves out; what comes from
    C is about its data, unless it names tags or profiles.
    """
    messages = Messages()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield messages
        finally:
            messages.others.extend(" ".join(str(warning.message).split()) for warning in caught)
            said = _read_all(_pipe[0]) if _pipe else b""
            for line in " ".join(said.decode(errors="replace").split("\0")).splitlines():
                of_metadata = ABOUT_METADATA.search(line)
                (messages.others if of_metadata else messages.of_data).append(line)


def keep_off_the_terminal() -> None:
    """Let decoders in this process write to a pipe; when it is full, the rest is dropped."""
    _pipe.append(system.pipe_of_errors())


def in_one_line(messages: Iterable[str]) -> str:
    """A few messages in one line; a decoder may have one for each row of a picture."""
    each = list(dict.fromkeys(messages))
    more = [f"and {len(each) - MOST_MESSAGES:,} more"] if len(each) > MOST_MESSAGES else []
    return "; ".join([*each[:MOST_MESSAGES], *more])


def _read_all(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except BlockingIOError:
        return b""
