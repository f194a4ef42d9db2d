"""What of the command line belongs to which action."""

import argparse
from collections.abc import Sequence

from actions import values
from actions.flags import FLAGS, Flag
from actions.near import did_you_mean
from actions.options import OPTIONS, Option
from actions.table import ACTIONS, LISTS
from config import UserError

# What does what a person may have meant by an option that an action has no use for.
INSTEAD = {("--exclude", "cleanup"): "what must not be deleted is named by --protect."}
MOST_NAMED = 6  # actions that an option is said to be for; of more it is said for which it isn't


def every_option() -> tuple[Option | Flag, ...]:
    """All that can be said, in the order of the tables."""
    return (*OPTIONS, *FLAGS)


def takers(option: Option | Flag) -> tuple[str, ...]:
    """The actions that an option may be given to."""
    also = option.taken_by if isinstance(option, Option) else ()
    return tuple(action for action in ACTIONS if action in option.actions or action in also)


def listed_actions(option: Option | Flag) -> str:
    """The actions that need an option, for people.

    >>> [listed_actions(option) for option in FLAGS if option.flag in ("--apply", "--dry-run")]
    ['suggest', 'all but review, explain']
    """
    if len(option.actions) <= MOST_NAMED:
        return ", ".join(action for action in ACTIONS if action in option.actions)
    return "all but " + ", ".join(a for a in ACTIONS if a not in option.actions)


def check_belongs(arguments: argparse.Namespace) -> None:
    """Raise UserError for what is given to an action that has no use for it."""
    for option in every_option():
        if option.given_in(arguments) and arguments.action not in takers(option):
            raise UserError(not_for(option, arguments.action))
    if arguments.quiet and arguments.verbose:
        raise UserError("--quiet and --verbose exclude each other; give one of them.")
    check_list(arguments)
    check_paths(arguments)


def not_for(option: Option | Flag, action: str) -> str:
    """What is said of an option that an action has no use for."""
    page = INSTEAD.get((option.flag, action), f"see --action {action} --help.")
    if len(option.actions) > MOST_NAMED:
        return f"{option.flag}: not for --action {action}; {page}"
    only = f" {option.only}" if option.only else ""
    return f"{option.flag}: only for --action {listed_actions(option)}{only}; {page}"


def check_list(arguments: argparse.Namespace) -> None:
    """A list is of one action, and stdout has nothing else."""
    kind = arguments.list
    if arguments.null and not kind:
        raise UserError("--null: only for --action covered with --list; see --help.")
    if not kind:
        return
    if kind not in LISTS:
        raise UserError(f"--list {kind}: use one of {', '.join(LISTS)}{did_you_mean(kind, LISTS)}")
    if arguments.action != LISTS[kind]:
        raise UserError(f"--list {kind}: only for --action {LISTS[kind]}; see --help.")
    if arguments.json:
        raise UserError("--list and --json exclude each other; give one of them.")


def check_paths(arguments: argparse.Namespace) -> None:
    """What is named besides options: folders, two photos, or groups; some actions take nothing."""
    action, given = arguments.action, arguments.photos
    if action == "covered" and not given:
        raise UserError("--action covered: name the folder that may be in INPUT_DIR already.")
    if action in ("keep", "forget"):
        check_groups(action, given)
    if action == "explain" and len(given) != (0 if arguments.like + arguments.unlike else 2):
        raise UserError(
            "--action explain takes either two photos, or pairs of them with --like and --unlike."
        )
    if given and not ACTIONS[action].takes:
        takes = "takes no folder or photo; it goes by the result in OUTPUT_DIR"
        raise UserError(f"{given[0]}: --action {action} {takes} (--output-dir).")


def check_groups(action: str, groups: Sequence[str]) -> None:
    """What is kept or forgotten is named by the numbers of groups, or all of it is."""
    if not groups:
        raise UserError(f"--action {action}: name the groups by their numbers, or all.")
    if list(groups) != ["all"] and not all(map(values.is_group, groups)):
        page = f"see --action {action} --help."
        raise UserError(f"--action {action} takes the numbers of groups, or all; {page}")
