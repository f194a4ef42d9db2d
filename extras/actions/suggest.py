"""Show which copies the rules give up and, with --apply, remove them; originals stay."""

import argparse
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cleanup
from actions.check_deleted import say_left
from actions.console import Console, bar, counted
from actions.next_command import next_command
from actions.result import opened, paths_of
from actions.values import check_prefer
from config import Settings
from disk.lines import to_line
from disk.removal import Kept
from extras.cluster.installed import check_packages
from extras.review import told
from extras.review.desk import Desk
from extras.review.examiner import Examiner
from extras.review.notes import Notes
from extras.review.rules import Removal
from extras.review.shots import Shot
from pictures.by_name import named
from pictures.losses import orphaned_sidecars


@dataclass(frozen=True, slots=True)
class Advice:
    """What the rules make of a result: the copies that they give up, and what they leave.

    `left` has the reason for each group that is left to the person; groups that are `kept` side by
    side are in none of the others.
    """

    kept: Sequence[int]
    doomed: Sequence[Removal]
    left: Mapping[int, str]
    shots: Mapping[int, Sequence[Shot]]


def run(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    """Show which copies the rules give up and, with --apply, remove them; originals stay."""
    if arguments.work or arguments.scheduler:
        check_packages("--work")
        suggest_objects = named("extras.actions.suggest_objects:run")
        suggest_objects(settings, arguments, console)
        return
    check_prefer(settings.prefer)
    only_shows = arguments.dry_run or not arguments.apply
    everything = arguments.verbose or only_shows
    with (
        opened(paths_of(settings), settings.protect, arguments, console) as result,
        contextlib.closing(Notes(settings.cache_file, console.warn)) as notes,
        contextlib.closing(Examiner(settings.workers, notes)) as examiner,
    ):
        desk = Desk(result, examiner, settings.prefer, settings.workers, settings.protect)
        advice = advice_of(desk)
        report(console, desk, advice, everything=everything)
        if only_shows:
            add = "" if arguments.dry_run or not advice.doomed else "; --apply removes these copies"
            console.say(f"Only shown: nothing was removed{add}.")
            return
        count = len(advice.doomed)
        results = bar(desk.give_up(advice.doomed), "Removing", count, unit=" copies")
        report_removed(console, list(results), everything=arguments.verbose)
        if console.facts["removed"]:
            command = next_command(arguments, "check-deleted")
            console.say(f"Look at the folders, then run: {command}")


def advice_of(desk: Desk) -> Advice:
    """Have the rules judge the groups, but for those kept side by side. Changes nothing on disk."""
    kept = desk.side_by_side.kept()
    groups = [group for group in desk.groups if group not in set(kept)]
    judging = bar(desk.suggestions(groups), "Judging", len(groups), unit=" groups")
    suggestions = list(judging)
    doomed = [removal for s in suggestions for removal in desk.doomed(s)]
    left = desk.left_to_person(suggestions, doomed)
    return Advice(kept, doomed, left, {s.group: s.shots for s in suggestions if s.shots})


def report(console: Console, desk: Desk, advice: Advice, *, everything: bool) -> None:
    """Say which copies the rules give up, and what they leave to the person, and why."""
    manifest, doomed = desk.manifest, advice.doomed
    for line in told.lines(manifest, advice.left, doomed, everything=everything):
        console.say(line)
    companions = orphaned_sidecars(manifest.copies[r.number].original.path for r in doomed)
    console.facts["sidecars"] = companions
    if companions and everything:
        say_left(console, companions)
    if advice.kept:
        console.say(f"Kept side by side, so left alone: {counted(len(advice.kept), 'group')}.")
    console.facts["kept_side_by_side"] = advice.kept
    for line in told.lines_of_shots(manifest, advice.shots, everything=everything):
        console.say(line)
    edited = [to_line(copy.original.path) for copy in desk.edited()]
    title = "Copies that were edited since find; they stay and are not judged"
    console.list_some(title, edited, everything=everything)
    console.facts.update(told.facts(manifest, advice.left, doomed))
    console.facts["doubled_shots"] = told.facts_of_shots(manifest, advice.shots)


def report_removed(
    console: Console,
    results: Sequence[cleanup.Deleted | Kept],
    *,
    everything: bool,
) -> None:
    removed = [result.path for result in results if isinstance(result, cleanup.Deleted)]
    kept = [result for result in results if isinstance(result, Kept)]
    console.conclude(f"Removed: {counted(len(removed), 'copy')}. Their originals stay.")
    lines = [f"{to_line(item.path)}: {item.reason}" for item in kept]
    console.list_some("Copies that stay", lines, everything=everything)
    console.facts.update(
        removed=removed, kept=[{"path": item.path, "reason": item.reason} for item in kept]
    )
