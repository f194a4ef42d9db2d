"""Find similar photos, look at them in numbered folders, and delete the copies you don't want."""

import gc
import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # until main can say it in one line
if __name__ == "__main__":
    gc.disable()  # what is imported stays; `act` begins to look for garbage

import argparse
import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NoReturn

# This file alone is read by a Python that is too old; it may have no newer syntax than 3.6.
OLDEST = (3, 11)
SCHEMA = 1
NO_MEMORY = (
    "there is too little memory; close other programs, raise a limit that is set (ulimit -v), or "
    "do less at once: fewer folders, or fewer --workers."
)
NO_THREAD = "can't start new thread"  # Python's RuntimeError
NO_ROOM_FOR_LIBRARY = ("failed to map segment", "Cannot allocate memory")  # the C library's
NO_POSIX = ("fcntl", "resource", "termios")  # modules that Windows hasn't got


def refuse(message: str) -> SystemExit:
    """The end of a program that can't begin, said in one line."""
    print(f"error: {message}", file=sys.stderr)
    if "--json" in sys.argv:
        print(json.dumps({"schema": SCHEMA, "exit": 2, "error": message}))
    return SystemExit(2)


if sys.version_info < OLDEST:
    raise refuse(
        "this needs Python 3.11 or newer, and this is {}.{}; make .venv anew by a newer one, as in "
        "python3.12 -m venv --clear .venv".format(*sys.version_info)
    )
from actions.mistakes import MISTAKES, begin_without_values, only_tells, said, shown_as_shipped

try:
    import config
except MISTAKES as error:
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "config.py")
    if not (only_tells(sys.argv[1:]) and begin_without_values(path)):
        raise refuse(said("config.py", error)) from None
    shown_as_shipped(said("config.py", error))
    import config
if not hasattr(config, "UserError"):
    raise refuse(
        "config.py lacks what stands below the values in the shipped one; put that one back, and "
        "give yours by --config FILE."
    )
try:
    from disk import system
except ModuleNotFoundError as error:
    if error.name not in NO_POSIX:
        raise
    message = "this needs Linux or macOS; on Windows run it in WSL (wsl --install sets that up)."
    raise refuse(message) from None

from actions.command_line import read, read_ahead
from actions.configuration import (
    Configuration,
    configured,
    constants,
    line_for,
    name_output,
    samples,
    settings_of,
)
from actions.console import Console, print_line
from actions.next_command import with_commands
from actions.table import ACTIONS
from config import Exit, UserError


def main(argv: Sequence[str] | None = None, own_config: str | None = None) -> int:
    """Do what the command line says; `own_config` is read in place of config.py beside this."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    console = Console("--json" in (sys.argv if argv is None else argv))
    try:
        act(argv, console, own_config)
    except (UserError, OSError, ImportError, MemoryError) as error:
        console.fail(*failure(error))
    except RuntimeError as error:
        if str(error) != NO_THREAD:
            raise
        remedy = "allow more processes (ulimit -u), free some memory, or set fewer --workers"
        console.fail(f"{error}; {remedy}.", Exit.USAGE)
    except KeyboardInterrupt:
        console.code = Exit.INTERRUPTED
        console.facts["error"] = "interrupted"
        print_line("Interrupted. Run the same command again to go on.", sys.stderr)
    console.end()
    console.print_facts(SCHEMA)
    return int(console.code)


def failure(error: UserError | OSError | ImportError | MemoryError) -> tuple[str, Exit]:
    """What is said of an error that the user can mend, and the exit code by it."""
    if isinstance(error, UserError):
        return str(error), error.code
    if isinstance(error, MemoryError) or any(said in str(error) for said in NO_ROOM_FOR_LIBRARY):
        return NO_MEMORY, Exit.USAGE
    if isinstance(error, ImportError):
        return f"{error}; run pip install -r requirements.txt first.", Exit.USAGE
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}; mend that and run it again.", Exit.USAGE


def act(argv: Sequence[str] | None, console: Console, own_config: str | None) -> None:
    """Do what the command line says; UserError for what can't be understood."""
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    encoding = sys.getfilesystemencoding()
    if encoding != "utf-8":
        raise UserError(f"file names are {encoding} here; run it with PYTHONUTF8=1 set.")
    arguments, given = understood(argv, own_config)
    settings = settings_of(arguments, given)
    name_output(arguments, given)
    console.be_quiet(arguments.quiet)
    for name in given.lacks:
        console.warn(f"config.py has no {name}; add the line {line_for(name)}, as it counts now.")
    console.facts["action"] = arguments.action
    console.lists = bool(arguments.list)
    action = module_of(arguments.action)
    if not gc.isenabled():
        gc.freeze()  # what was imported is never looked at again
        gc.enable()
    try:
        action.run(settings, arguments, console)
    except UserError as error:
        # Where config.py names no folder either, find is to be told one.
        is_untold = arguments.INPUT_DIR is None and settings.input_dirs == (samples(),)
        message = with_commands(str(error), arguments, "DIR" if is_untold else "")
        raise UserError(message, error.code) from error


def understood(
    argv: Sequence[str] | None, own_config: str | None
) -> tuple[argparse.Namespace, Configuration]:
    """What the command line and config.py say; help is given whatever is in config.py."""
    file = read_ahead(argv).config or own_config
    try:
        given = configured(file)
    except UserError as error:
        if not only_tells([*(sys.argv[1:] if argv is None else argv)]):
            raise
        shown_as_shipped(str(error))
        given = Configuration(constants({}), "")
    return read(argv, given.by_name), given


def module_of(action: str) -> Any:
    """The module whose `run` does what an action says; no other one is loaded."""
    module = ACTIONS[action].module
    if module.startswith("extras.") and find_spec("extras") is None:
        raise UserError(f"--action {action} needs the folder extras/ beside main.py; restore it.")
    return import_module(module)


def interrupt_again(lost: "sys.UnraisableHookArgs") -> None:
    """Raise once more a Ctrl-C that came in a destructor, out of which Python raises nothing."""
    if lost.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(lost)
        return
    system.press_ctrl_c_again()


def run(own_config: str | None = None) -> NoReturn:
    """Do what this process was started for, and end it with the exit code."""
    sys.unraisablehook = interrupt_again
    code = main(own_config=own_config)
    sys.unraisablehook = sys.__unraisablehook__
    system.stay_to_the_end()  # all is done and said
    raise SystemExit(code)


if __name__ == "__main__":
    del __file__  # or each worker process would import this module, of which it needs nothing
    run()
