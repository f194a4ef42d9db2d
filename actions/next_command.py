"""The command by which a person goes on, with the flags that were given so far."""

import argparse
import os
import re
import shlex
import sys
from collections.abc import Sequence

from actions.options import OPTIONS
from actions.table import ACTIONS
from disk.user_folders import PROGRAM


def is_installed() -> bool:
    """Whether this is the command of an installed package."""
    return os.path.basename(sys.argv[0]) == PROGRAM


def shown_program() -> str:
    """How examples call the program: as in a clone, or by the command of a package."""
    return PROGRAM if is_installed() else "python main.py"


def install_extras(which: str = "") -> str:
    """What to do for the packages that only some people need: in a clone, or for a command.

    Some are needed for one of the `extras/` alone, by its name.
    """
    if is_installed():
        return f'run pipx install --force ".[{which or "all"}]" in the clone'
    return f"run pip install -r {'/'.join(filter(None, ('extras', which)))}/requirements.txt"


def typed_program(argv: Sequence[str] | None) -> str:
    """How a person called the program, up to its arguments."""
    if argv is not None:  # called by a program
        return "python main.py"
    if not sys.argv[0].endswith(".py"):  # installed as a command
        return quoted(os.path.basename(sys.argv[0]))
    return " ".join(map(quoted, sys.orig_argv[: len(sys.orig_argv) - len(sys.argv) + 1]))


def next_command(arguments: argparse.Namespace, action: str, *more: str) -> str:
    """The command of another action, with those of the flags given that it needs."""
    command = ["--action", action]
    for option in OPTIONS:
        given = getattr(arguments, option.name)
        if given is None or action not in option.actions:
            continue
        several = given if option.repeatable else [given]
        for value in several:
            command += [option.flag] if option.is_switch else [option.flag, str(value)]
    if arguments.config:
        command += ["--config", arguments.config]
    return " ".join([arguments.program, *map(quoted, [*command, *more])])


def with_commands(message: str, arguments: argparse.Namespace, folder: str) -> str:
    """A message with whole commands where it says "run --action ...".

    Who finds an error knows which action mends it; which flags were given is known here. `folder`
    is what find is told besides, if anything.
    """

    def whole(found: "re.Match[str]") -> str:
        action, flag = found.groups("")
        more = (folder if action == "find" else "", flag.strip())
        return f"run {next_command(arguments, action, *filter(None, more))}"

    return re.sub(rf"\brun --action ({'|'.join(ACTIONS)})\b( --[a-z-]+)?", whole, message)


def quoted(word: str) -> str:
    r"""A word as a shell takes it; what a terminal can't show is escaped, as bash and zsh read it.

    >>> quoted("a b"), quoted("a\nb")
    ("'a b'", "$'a\\x0ab'")
    """
    if word.isprintable():
        return shlex.quote(word)
    shown = (
        chr(b) if 32 <= b < 127 and chr(b) not in "'\\" else f"\\x{b:02x}"
        for b in os.fsencode(word)
    )
    return f"$'{''.join(shown)}'"
