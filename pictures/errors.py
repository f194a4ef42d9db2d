"""What goes wrong with broken picture files, and how it is said."""

import re
import struct
import zlib

from pictures import limits

# What Pillow's decoders raise on broken files, as seen by fuzzing them.
DECODE_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


def reason_of(error: BaseException) -> str:
    """One line that says what is wrong, without the path that stands beside it."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, MemoryError):
        return limits.too_much_memory()
    text = " ".join(re.sub(r" <_io\.BytesIO object at \w+>", "", str(error)).split())
    kind = type(error).__name__
    if not text:
        return f"no reason was given ({kind})"
    return text if isinstance(error, (OSError, ValueError)) else f"{kind}: {text}"
