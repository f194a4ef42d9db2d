"""What goes wrong with broken picture files."""

import struct
import zlib

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
