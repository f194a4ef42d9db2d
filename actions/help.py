"""What reads the command line, made of its tables, and each page of --help."""

import argparse
from collections.abc import Mapping
from textwrap import fill, wrap
from typing import Any

import config
from actions.belonging import every_option, listed_actions
from actions.console import silence
from actions.flags import Flag
from actions.next_command import shown_program
from actions.options import Option
from actions.table import ACTIONS, COMPARING, EXAMPLES, RESULT, SECTIONS, TALKING
from config import Exit, UserError

DESCRIPTION = (
    "Find similar photos, look at them in numbered folders, and delete the copies you don't want."
)
ORDER = "The first three belong together; between find and check-deleted you look at the folders."
PATHS = (
    "find: the folders with photos; covered: those of which all may be there already; explain: two"
    " photos; keep, forget: the numbers of groups, or all"
)


WIDTH = 78  # that any terminal has


class Help(argparse.RawDescriptionHelpFormatter):
    """Help of which no word is broken at a hyphen, as options are typed as they stand."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return wrap(" ".join(text.split()), width, break_on_hyphens=False)


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise UserError(f"{message.removeprefix('argument ')}; see --help.")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print a page; argparse itself would leave part of it to be written when Python ends."""
        try:
            print(message, end="", file=file, flush=True)
        except BrokenPipeError:
            silence(file)
            self.exit(Exit.UNREAD)


def parser(defaults: Mapping[str, object], action: str | None = None) -> Parser:
    """What reads a command line; its help is about one action, or about all."""
    program = shown_program()
    made = Parser(
        prog=program.split()[-1],
        usage=usage(action),
        description=about_one(action) if action else about_all(),
        epilog=None if action else f"One action's page: {program} --action find --help",
        allow_abbrev=False,
        formatter_class=Help,
        add_help=False,
    )
    hidden = argparse.SUPPRESS if action else None
    first = made.add_argument_group("what to do")
    first.add_argument("--action", metavar="ACTION", help=hidden or "one of those named above")
    first.add_argument("photos", nargs="*", metavar="PATH", help=hidden or PATHS)
    for section in SECTIONS:
        group = made.add_argument_group(section)
        for option in every_option():
            if option.section == section:
                add(group, option, defaults, action)
        if section == TALKING:
            add_ends(group)
    return made


def add_ends(group: argparse._ArgumentGroup) -> None:
    """Add what says something and ends."""
    version = f"%(prog)s {config.__version__}"
    group.add_argument("--version", action="version", version=version, help="say which this is")
    group.add_argument("-h", "--help", action="help", help="say this; with --action only its own")


def usage(action: str | None) -> str:
    program = shown_program().split()[-1]
    if action is None:
        return f"{program} --action ACTION [PATH ...] [options]"
    words = (program, "--action", action, ACTIONS[action].takes, "[options]")
    return " ".join(filter(None, words))


def about_all() -> str:
    """What each action does."""
    rows = "\n".join(f"  {name:14} {action.does}" for name, action in ACTIONS.items())
    return f"{fill(DESCRIPTION, WIDTH)}\n\n{rows}\n\n{fill(ORDER, WIDTH)}"


def about_one(action: str) -> str:
    """What one action does, with an example."""
    told = ACTIONS[action]
    does = told.does[0].upper() + told.does[1:]
    return f"{does}.\n\nexample:\n  {shown_program()} --action {action} {told.example}"


def add(
    group: argparse._ArgumentGroup,
    option: Option | Flag,
    defaults: Mapping[str, object],
    action: str | None,
) -> None:
    """Add an option to a section of the help; it is out of sight on the page of another action."""
    text = f"{option.help}{f' ({option.only})' if option.only else ''}"
    if action is None:
        text = f"{whose(option)}{text}"
    if isinstance(option, Option):
        default = defaults[option.name]
        text = f"{text} (default: {said_of(default)})"
    shown = action in (None, *option.actions)
    how = how_of(option) if isinstance(option, Option) else option.how
    text = text.replace("%", "%%") if shown else argparse.SUPPRESS
    group.add_argument(option.flag, dest=option.name, help=text, **how)


def said_of(default: object) -> str:
    """A value of config.py, for people.

    >>> said_of(["a", "b"]), said_of([]), said_of(None), said_of(0)
    ('a, b', 'none', 'none', '0')
    """
    if default is None or default == []:
        return "none"
    return ", ".join(map(str, default)) if isinstance(default, (list, tuple)) else str(default)


def how_of(option: Option) -> dict[str, Any]:
    """How argparse is to read what config.py has, too."""
    if option.is_switch:
        return {"action": "store_const", "const": True}
    store = "append" if option.repeatable else "store"
    return {"type": option.read, "action": store, "metavar": option.name}


def whose(option: Option | Flag) -> str:
    """For the page of all actions: of which ones an option is, where the section doesn't say it."""
    if option.actions in (COMPARING, tuple(ACTIONS)) or option.section in (RESULT, EXAMPLES):
        return ""
    return f"{listed_actions(option)}: "
