"""What people make of config.py, which is Python, and how that is said."""

MISTAKES = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
)


def said(where: str, error: BaseException) -> str:
    """A mistake in one line, with its remedy."""
    return f"{where}: {type(error).__name__}: {error}; put paths and words in quotes."
