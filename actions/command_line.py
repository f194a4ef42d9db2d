"""The command line: read by its tables, with what belongs to no action refused by name."""

import argparse
import sys
from collections.abc import Mapping, Sequence

from actions.belonging import check_belongs, every_option, takers
from actions.help import Parser, parser
from actions.near import did_you_mean, nearest
from actions.next_command import quoted, shown_program, typed_program
from actions.table import ACTIONS
from config import UserError


def read_ahead(argv: Sequence[str] | None) -> argparse.Namespace:
    """The action and the config.py that a command line names, before all else is read."""
    ahead = Parser(prog="main.py", add_help=False, allow_abbrev=False)
    ahead.add_argument("--action", action="append", default=[])
    ahead.add_argument("--config")
    named = ahead.parse_known_args(argv)[0]
    if len(set(named.action)) > 1:
        raise UserError(f"--action is given as {' and '.join(named.action)}; name one at a time.")
    named.action = named.action[0] if named.action else None
    if named.config == "":
        raise UserError("--config is empty; name a file like config.py, or leave it out.")
    if named.action is not None and named.action not in ACTIONS:
        raise UserError(told_of_no_such_action(named.action))
    return named


def read(argv: Sequence[str] | None, defaults: Mapping[str, object]) -> argparse.Namespace:
    """What a command line says; UserError for what can't be understood or belongs elsewhere."""
    action = read_ahead(argv).action
    arguments, unknown = parser(defaults, action).parse_known_intermixed_args(argv)
    if unknown:
        raise UserError(told_of_unknown(unknown[0], action))
    if action is None:
        raise UserError(told_of_no_action(sys.argv[1:] if argv is None else argv))
    check_belongs(arguments)
    if action == "find" and arguments.photos:
        arguments.INPUT_DIR = [*(arguments.INPUT_DIR or ()), *arguments.photos]
    arguments.program = typed_program(argv)
    return arguments


def told_of_no_such_action(given: str) -> str:
    """What is said of an action that there isn't, with the one that was meant."""
    if is_help(given):
        return told_of_help(f"--action {given} is none")
    hint = did_you_mean(given, ACTIONS)
    return f"--action {given}: it must be one of {', '.join(ACTIONS)}{hint}"


def told_of_unknown(given: str, action: str | None) -> str:
    """What is said of an option that there isn't, with the one that was meant."""
    flag, page = given.partition("=")[0], f"--action {action} --help" if action else "--help"
    if (meant := bare(flag).lower().replace("_", "-")) in ACTIONS:
        return f"{flag} is no option; did you mean --action {meant}? See --action {meant} --help."
    of_it = [bare(option.flag) for option in every_option() if action in takers(option)]
    every = ["action", "version", "help", *(bare(option.flag) for option in every_option())]
    near = nearest(bare(flag), of_it) or nearest(bare(flag), every)
    return f"{flag} is no option; {f'did you mean --{near}? See' if near else 'see'} {page}."


def is_help(word: str) -> bool:
    return word.lower() == "help"


def told_of_help(why: str) -> str:
    """What is said to who asks for help in other words."""
    program = shown_program()
    return f"{why}; see {program} --help, or of one action {program} --action find --help"


def bare(flag: str) -> str:
    return flag.lstrip("-")


def told_of_no_action(given: Sequence[str]) -> str:
    """What is said where no action is named, though perhaps its name stands there."""
    if given and is_help(given[0]):
        return told_of_help(f"{given[0]} is no action")
    if given and (action := given[0] if given[0] in ACTIONS else nearest(given[0], ACTIONS)):
        words = ["--action", action, *given[1:]]
        return f"an action is named by --action: {shown_program()} {' '.join(map(quoted, words))}"
    begin = f"{shown_program()} --action find"
    return f"--action says what to do, and is missing; begin with {begin}, and see --help."
