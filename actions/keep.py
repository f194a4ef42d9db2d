"""Keep groups side by side: what is in them belongs together, and need not be shown again."""

import argparse
from collections.abc import Mapping, Sequence

import cleanup
from actions import deciding
from actions.console import Console, bar, counted
from actions.decided import decisions_of_person
from actions.next_command import next_command
from actions.result import opened, paths_of
from config import Exit, Settings, UserError
from disk.decisions import Decision, append_decisions, line_of
from disk.lines import to_line
from disk.record import Manifest


def run(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    decisions = decisions_of_person(console)
    with opened(paths_of(settings), settings.protect, arguments, console) as result:
        numbers = numbers_of(arguments.photos, result.manifest)
        culled = cleanup.culled_in(result.manifest, settings.output_dir)
        plan = deciding.plan_keep(result.manifest, culled, numbers)
        read = deciding.in_workers(settings.workers, lambda found, n: bar(found, "Reading", n))
        made, unread = deciding.decisions_about(plan.groups, read)
        refused = {**plan.refused, **unread}
        new, known = deciding.unsettled(made, decisions)
        report(console, new, known, refused, everything=arguments.verbose)
        if arguments.dry_run:
            console.say("Dry run: nothing was kept.")
        elif new and numbers is None and not arguments.yes and not sure(console, len(new)):
            console.say("Nothing was kept.")
            console.code = Exit.KEPT
        elif new:
            append_decisions([line_of(decision) for decision in new.values()])
            console.facts["kept"] = sorted(new)
            console.say(
                "From now on find leaves out what is kept, until more joins it. To undo this, run:"
                f" {next_command(arguments, 'forget', *arguments.photos)}"
            )


def numbers_of(given: Sequence[str], manifest: Manifest) -> list[int] | None:
    """The groups of a result that are meant, or None for all; UserError for one it hasn't got."""
    if list(given) == ["all"]:
        return None
    groups = {copy.group for copy in manifest.copies}
    numbers = sorted(set(map(int, given)))
    for number in numbers:
        if number not in groups:
            has = f"it has {counted(len(groups), 'group')}" if groups else "it has none"
            raise UserError(f"there is no group {number} in OUTPUT_DIR; {has}.")
    return numbers


def sure(console: Console, groups: int) -> bool:
    return console.agreed(f"Keep {counted(groups, 'group')} side by side?")


def report(
    console: Console,
    new: Mapping[int, Decision],
    known: Sequence[int],
    refused: Mapping[int, str],
    *,
    everything: bool,
) -> None:
    """Say what is to be kept, what was before, and what can't be."""
    if new:
        report_new(console, new, everything=everything)
    elif not known and not refused:
        console.say("There is no group to keep.")
    if known:
        console.say(f"Kept already: {counted(len(known), 'group')}.")
    lines = [f"Group {number}: {reason}" for number, reason in sorted(refused.items())]
    console.list_some("Not kept", lines, everything=everything)
    console.facts.update(
        keep=[{"group": n, "paths": [m.path for m in d.members]} for n, d in new.items()],
        kept_already=list(known),
        refused=[{"group": n, "reason": reason} for n, reason in sorted(refused.items())],
        kept=[],
    )


def report_new(console: Console, new: Mapping[int, Decision], *, everything: bool) -> None:
    """Say how much is to be kept, and which files where that is wanted."""
    pictures = sum(len(decision.members) for decision in new.values())
    groups = counted(len(new), "group")
    console.say(f"To keep side by side: {groups} of {counted(pictures, 'picture')}.")
    for number, decision in new.items() if everything else ():
        console.say(f"  Group {number}:")
        for member in decision.members:
            console.say(f"    {to_line(member.path)}")
