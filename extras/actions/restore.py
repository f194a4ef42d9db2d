"""Bring back what a cleanup sent to the trash, the last one first, and its copies."""

import argparse
import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field

import storage
from actions.console import Console, Item, bar, counted, facts_of, lines_of, megabytes
from actions.result import ask_for_trust, held, paths_of
from config import Exit, Settings, UserError
from disk.files import append_lines, check_log, is_gone
from disk.journal import Deletion, Journal, journal_of
from disk.lines import to_line
from disk.record import (
    SavedCopy,
    check_signed,
    check_to_delete,
    read_to_delete,
    write_to_delete,
)
from disk.restoring import NextRestoring, Restoring, forget_description, plan_next, put_back
from disk.result import Opened, OutputPaths, Result, proven


@dataclass(slots=True)
class Outcome:
    """What came of some files: those that are back, those that stay away, and their copies."""

    restored: list[str] = field(default_factory=list)
    kept: list[Item] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)
    without: list[Item] = field(default_factory=list)  # originals without their copies


def run(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    paths = paths_of(settings)
    check_log(paths.log_file)
    journal = journal_of(paths.output_dir)
    if journal is None:
        message = "you have no key, so nothing is noted of any cleanup; look into the trash."
        raise UserError(message, Exit.STATE)
    with held(paths, console, "mount its disk", dry_run=arguments.dry_run) as found:
        result = trusted(found, arguments, console)
        cleanups = journal.cleanups()
        coming = plan_next(cleanups)
        say_which(console, paths.output_dir, cleanups[-1].ended, coming)
        report_plan(console, coming.plan)
        say_left(console, coming)
        if arguments.dry_run:
            console.say("Dry run: nothing was restored.")
            return
        carry_out(console, paths, journal, coming.plan, result)


def trusted(found: Opened, arguments: argparse.Namespace, console: Console) -> Result | None:
    """A result of which copies may come back, too; None if there is none, which is said.

    Files come back without a result, too.
    """
    if not os.path.lexists(found.paths.manifest_file):
        return None
    if arguments.trust_result and isinstance(found, Result):
        ask_for_trust(found, arguments, console)
        return proven(found)
    try:
        result = proven(found)
        check_signed(result.manifest, result.paths.output_dir)
    except UserError as error:
        console.warn_of(f"no copies come back, so check-deleted would list them again: {error}")
        return None
    return result


# ---- The plan


def say_which(console: Console, output_dir: str, last: str, coming: NextRestoring) -> None:
    """Say which cleanup comes next; `last` is when the last one ended."""
    console.say(f"The last cleanup of {to_line(output_dir)} {ended(last)}.")
    if coming.done:
        several = coming.done > 1
        whose = f"the last {coming.done:,} cleanups" if several else "it"
        console.say(f"Nothing more can be restored of {whose}.")
        when = ended(coming.cleanup.ended)
        console.say(f"The cleanup before {'them' if several else 'it'} {when}.")
    console.facts.update(cleanup=coming.cleanup.ended, later_cleanups=coming.done)


def ended(when: str) -> str:
    return f"ended on {when}" if when else "was interrupted"


def say_left(console: Console, coming: NextRestoring) -> None:
    """Say what earlier cleanups have left in the trash."""
    console.facts["left_by_earlier"] = coming.in_trash
    if coming.in_trash:
        count = counted(coming.in_trash, "file")
        goes_on = "; the next restore goes on there" if coming.plan.restore else ""
        console.say(f"Earlier cleanups left in the trash: {count}{goes_on}.")


def report_plan(console: Console, plan: Restoring) -> None:
    refused = items_of_kept(plan)
    size = sum(deletion.size for deletion in plan.restore)
    console.say(f"To restore: {counted(len(plan.restore), 'file')}, {megabytes(size)}.")
    for deletion in plan.restore:
        console.say(f"  {to_line(deletion.path)}")
    if plan.folders:
        console.say(f"Folders that are made again ({len(plan.folders):,}):")
    for folder in plan.folders:
        console.say(f"  {to_line(folder)}")
    if plan.back:
        console.say(f"In their place already: {counted(len(plan.back), 'file')}.")
    if plan.before:
        console.say(f"Restored before: {counted(len(plan.before), 'file')}.")
    console.list_some("Not restored", lines_of(refused), everything=True)
    console.facts.update(
        restore=[{"path": one.path, "trashed": one.place} for one in plan.restore],
        folders=list(plan.folders),
        back=[one.path for one in plan.back],
        before=list(plan.before),
        kept=facts_of(refused),
        bytes=size,
    )


def items_of_kept(plan: Restoring) -> list[Item]:
    return [Item(kept.path, kept.reason) for kept in plan.refused]


# ---- The deed


def carry_out(
    console: Console, paths: OutputPaths, journal: Journal, plan: Restoring, result: Result | None
) -> None:
    """Bring files and copies back, and say what came of it.

    A copy comes first, so that whatever stops this, no file is there as one to be deleted.
    """
    take_off_list(paths.to_delete_file, [*plan.restore, *plan.back], result)
    copies = {c.original.path: c for c in result.manifest.copies} if result else {}
    outcome = Outcome()
    log(paths.log_file, (f"Not restored: {item.line}" for item in items_of_kept(plan)))
    try:
        for deletion in plan.back:
            forget_description(deletion)  # an interrupted run may have left it
            copy = copies.get(deletion.path)
            reason = reason_without_copy(deletion, copy, deletion.path, paths.output_dir, outcome)
            complete(journal, deletion, reason, outcome)
        for deletion in bar(plan.restore, "Restoring", len(plan.restore), unit=" files"):
            copy = copies.get(deletion.path)
            reason = reason_without_copy(deletion, copy, deletion.place, paths.output_dir, outcome)
            if restored(deletion, paths.log_file, outcome):
                complete(journal, deletion, reason, outcome)
    finally:  # whatever stops it, say what was done
        report_outcome(console, paths.output_dir, outcome)


def take_off_list(list_file: str, deletions: Iterable[Deletion], result: Result | None) -> None:
    """Have no restored file on the list, before any is back, or the next cleanup would take it.

    The list is a person's, be the result trusted or not: their later word may trust it again.
    """
    if not os.path.lexists(list_file):
        return
    if result:
        check_to_delete(list_file, result.manifest)
    listed = read_to_delete(list_file)
    coming = {deletion.path for deletion in deletions}
    left = [path for path in listed if path not in coming]
    if left != listed:
        write_to_delete(list_file, left)


def reason_without_copy(
    deletion: Deletion,
    copy: SavedCopy | None,
    place: str,
    output_dir: str,
    outcome: Outcome,
) -> str | None:
    """Bring back the copy of an original that lies at a place, by which it stays.

    Returns the reason why it isn't there; None if it is, or if there is none to come.
    """
    if copy is None or copy.digest != deletion.digest or not is_gone(copy.copy):
        return None
    try:
        reason = storage.restore_copy(copy, output_dir, place)
    except OSError as error:
        return error.strerror or str(error)
    outcome.copies += [] if reason else [copy.copy]
    return reason


def restored(deletion: Deletion, log_file: str, outcome: Outcome) -> bool:
    """Whether a file came back; the log has a line before it does."""
    path = deletion.path
    try:
        log(log_file, [f"Restored file: {to_line(path)}"])
        reason = put_back(deletion)
    except OSError as error:  # of the log
        reason = error.strerror or str(error)
    if not reason:
        outcome.restored.append(path)
        return True
    outcome.kept.append(Item(path, reason))
    with contextlib.suppress(OSError):
        log(log_file, [f"Not restored: {to_line(path)}: {reason}"])
    return False


def complete(journal: Journal, deletion: Deletion, reason: str | None, outcome: Outcome) -> None:
    """Note that a file is back and all is done, unless there is a reason why its copy isn't."""
    try:
        if not reason:
            journal.restored(deletion)
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        outcome.without.append(Item(deletion.path, reason))


def log(log_file: str, lines: Iterable[str]) -> None:
    """Append to the log, unless the result in which it lay is gone."""
    if os.path.isdir(os.path.dirname(log_file)):
        append_lines(log_file, lines)


def report_outcome(console: Console, output_dir: str, outcome: Outcome) -> None:
    console.conclude(f"Restored: {counted(len(outcome.restored), 'file')}.")
    if outcome.copies:
        count = counted(len(outcome.copies), "copy")
        console.say(f"Back in {to_line(output_dir)}, so that they stay: {count}.")
    console.list_some("Not restored after all", lines_of(outcome.kept), everything=True)
    console.list_some(
        "Restored without their copies, so check-deleted would list them again",
        lines_of(outcome.without),
        everything=True,
    )
    console.facts.update(
        restored=outcome.restored, copies=outcome.copies, without_copy=facts_of(outcome.without)
    )
    console.facts["kept"] += facts_of(outcome.kept)
