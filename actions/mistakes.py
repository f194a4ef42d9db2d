"""What people make of config.py, which is Python, and how that is said."""

import sys
from types import CodeType, ModuleType

MISTAKES = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    SyntaxError,
    SystemExit,
    TypeError,
    ValueError,
)
UNEDITED = "# ---- Nothing below here needs editing. ----"
ENDS_HERE = ("-h", "--help", "--version")  # what needs no value of config.py


def said(where: str, error: BaseException) -> str:
    """A mistake in one line, with its remedy."""
    remedy = "mend that line, or take it out."
    if isinstance(error, (NameError, SyntaxError)):
        remedy = "put paths and words in quotes."
    line = _line_of(error)
    what = "it ends the program" if isinstance(error, SystemExit) else str(error)
    return f"{where}{f', line {line}' if line else ''}: {type(error).__name__}: {what}; {remedy}"


def _line_of(error: BaseException) -> int:
    """The line of config.py at which it ended; 0 for what tells its line itself."""
    line, trace = 0, error.__traceback__
    while trace:
        if trace.tb_frame.f_globals.get("__name__") == "config":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def only_tells(argv: list[str]) -> bool:
    """Whether a command line asks for a page of help, or which program this is."""
    return any(word in ENDS_HERE for word in argv)


def shown_as_shipped(told: str) -> None:
    """Say that what follows shows no value of a config.py that can't be read."""
    print(f"warning: {told} Until then the shipped values are shown.", file=sys.stderr)


def begin_without_values(path: str) -> bool:
    """Whether a config without values now stands for one that can't be read: its unedited part."""
    try:
        with open(path, encoding="utf-8") as stream:
            unedited = stream.read().partition(UNEDITED)[2]
        code: CodeType = compile(unedited, path, "exec")
    except (OSError, SyntaxError, ValueError):
        return False
    module = ModuleType("config")
    module.__file__ = path
    sys.modules["config"] = module
    exec(code, vars(module))
    return bool(unedited)
