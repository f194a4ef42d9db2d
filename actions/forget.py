"""Forget what was kept side by side: the contrary of keep."""

import argparse
from collections.abc import Sequence

from actions import deciding
from actions.console import Console, bar, counted
from actions.decided import decisions_of_person
from actions.keep import numbers_of
from actions.result import opened, paths_of
from config import Exit, Settings
from disk.decisions import Decision, Decisions, append_decisions, line_against
from disk.lines import listed, short_names
from disk.record import SavedCopy


def run(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    everything = arguments.photos == ["all"]
    decisions = decisions_of_person(console)
    doomed = decisions.all
    if not everything:
        with opened(paths_of(settings), settings.protect, arguments, console) as result:
            numbers = numbers_of(arguments.photos, result.manifest) or []
            copies = [copy for copy in result.manifest.copies if copy.group in numbers]
            doomed = about(copies, decisions, settings.workers)
    report(console, doomed, everything=arguments.verbose or not everything)
    if arguments.dry_run:
        console.say("Dry run: nothing was forgotten.")
    elif doomed and everything and not arguments.yes and not sure(console, len(doomed)):
        console.say("Nothing was forgotten.")
        console.code = Exit.KEPT
    elif doomed:
        append_decisions([line_against(doomed)])
        console.facts["forgotten"] = len(doomed)
        console.say("Find shows those groups again.")


def sure(console: Console, decisions: int) -> bool:
    return console.agreed(f"Forget {counted(decisions, 'decision')}?")


def about(copies: Sequence[SavedCopy], decisions: Decisions, workers: int) -> tuple[Decision, ...]:
    """The decisions that hold two or more pictures of one group of some copies."""
    read = deciding.in_workers(workers, lambda found, n: bar(found, "Reading", n))
    return deciding.decisions_on(copies, decisions, read)


def report(console: Console, doomed: Sequence[Decision], *, everything: bool) -> None:
    """Say which decisions are to be forgotten."""
    pictures = sum(len(decision.members) for decision in doomed)
    count = counted(len(doomed), "decision")
    console.say(f"To forget: {count} on {counted(pictures, 'picture')}.")
    for decision in doomed if everything else ():
        names = short_names([member.path for member in decision.members])
        console.say(f"  {listed(names)}, kept on {decision.day}")
    console.facts.update(
        forget=[{"paths": [m.path for m in d.members], "time": d.time} for d in doomed],
        forgotten=0,
    )
