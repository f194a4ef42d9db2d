"""Delete exactly the originals that are listed, each after a proof."""

import argparse
import os
import sys
from collections.abc import Sequence

import cleanup
from actions.check_deleted import say_losses, say_strangers
from actions.console import Console, Item, agreed, bar, counted, facts_of, lines_of, megabytes
from actions.result import opened
from config import Exit, Settings
from disk import removal, trashing
from disk.files import append_lines, check_log
from disk.lines import to_line
from disk.record import Manifest, read_to_delete
from disk.removal import Kept
from pictures.losses import orphaned_sidecars


def run(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    whole, trash = arguments.allow_whole_groups, settings.delete_mode == "trash"
    protect, list_file = settings.protect, settings.to_delete_file
    check_log(settings.log_file)
    with opened(settings, arguments, console) as result:
        manifest = result.manifest
        listed = read_to_delete(list_file)
        culled = cleanup.culled_in(manifest, settings.output_dir)
        plan = cleanup.plan_deletions(
            listed, manifest, culled, whole_groups=whole, protect=protect, list_file=list_file
        )
        report_plan(console, plan, manifest, trash=trash)
        say_strangers(console, culled)
        if arguments.dry_run:
            console.say("Dry run: nothing was deleted.")
            return
        if plan.delete and not arguments.yes and not confirmed(len(plan.delete)):
            console.say("Nothing was deleted.")
            console.code = Exit.KEPT
            return
        # The person may have looked at the folders again before answering.
        culled = cleanup.culled_in(manifest, settings.output_dir)
        judge = cleanup.Judge(
            manifest, frozenset(listed), culled, whole_groups=whole, protect=protect
        )
        refused = [f"Kept file: {to_line(kept.path)}: {kept.reason}" for kept in plan.refused]
        append_lines(settings.log_file, refused)
        remove = trashing.trash if trash else removal.unlink
        done = cleanup.execute(plan, judge, settings.log_file, remove)
        results: list[cleanup.Deleted | Kept] = []
        try:
            results.extend(bar(done, "Deleting", total=len(plan.delete)))
        finally:  # whatever stops it, say what was done
            report_deleted(console, results, trash=trash)


def report_plan(console: Console, plan: cleanup.Plan, manifest: Manifest, *, trash: bool) -> None:
    size = sum(removal.bytes_freed(copy.original.path) for copy in plan.delete)
    how = "send to the trash" if trash else "delete for good"
    console.say(f"To {how}: {counted(len(plan.delete), 'original')}, {megabytes(size)}.")
    if plan.gone:
        console.say(f"Gone already: {counted(len(plan.gone), 'original')}.")
    refused = [f"{to_line(kept.path)}: {kept.reason}" for kept in plan.refused]
    console.list_some("Kept", refused, everything=True)
    sidecars = orphaned_sidecars(copy.original.path for copy in plan.delete)
    if sidecars:
        console.say(f"Left without their photo ({len(sidecars):,}):")
    for path in sidecars:
        console.say(f"  {to_line(path)}")
    console.facts.update(
        delete=[copy.original.path for copy in plan.delete],
        loses=say_losses(console, manifest, plan.delete),
        kept=[{"path": kept.path, "reason": kept.reason} for kept in plan.refused],
        gone=list(plan.gone),
        sidecars=sidecars,
        bytes=size,
    )


def confirmed(count: int) -> bool:
    """Ask on a terminal; a script that runs cleanup has been asked by who wrote it."""
    if sys.stdin is None:
        return False
    if not sys.stdin.isatty():
        return True
    return agreed(f"Delete {counted(count, 'original')}?")


def report_deleted(
    console: Console, results: Sequence[cleanup.Deleted | Kept], *, trash: bool
) -> None:
    deleted = [result for result in results if isinstance(result, cleanup.Deleted)]
    kept = [Item(item.path, item.reason) for item in results if isinstance(item, Kept)]
    freed = sum(result.freed for result in deleted)
    how, gain = ("Sent to the trash", "") if trash else ("Deleted", f", {megabytes(freed)} freed")
    console.say(f"{how}: {counted(len(deleted), 'original')}{gain}.")
    console.list_some("Kept after all", lines_of(kept), everything=True)
    trashed = {item.path: item.place for item in deleted if item.place}
    for folder in sorted({os.path.dirname(os.path.dirname(place)) for place in trashed.values()}):
        console.say(f"They lie in {to_line(folder)}.")
    console.facts.update(deleted=[item.path for item in deleted], freed=freed, trashed=trashed)
    console.facts["kept"] += facts_of(kept)
