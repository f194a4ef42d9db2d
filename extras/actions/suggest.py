"""Show which copies the rules give up and, with --apply, remove them; originals stay."""

import argparse
from collections.abc import Sequence

import cleanup
from actions.check_deleted import say_left
from actions.console import Console, bar, counted
from actions.result import opened
from actions.values import check_prefer
from config import Settings, UserError
from disk.lines import to_line
from disk.removal import Kept
from pictures.losses import orphaned_sidecars


def run(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    """Show which copies the rules give up and, with --apply, remove them; originals stay."""
    check_prefer(settings.prefer)
    if arguments.EXCLUDE:
        raise UserError("--exclude is for find; --action suggest judges all that find copied.")
    from extras.review import told
    from extras.review.desk import Desk
    from extras.review.examiner import Examiner

    with opened(settings, arguments, console) as result:
        examiner = Examiner(settings.workers)
        try:
            desk = Desk(result, examiner, settings.prefer, settings.workers, settings.protect)
            kept = desk.side_by_side.kept()
            groups = [group for group in desk.groups if group not in set(kept)]
            judging = bar(desk.suggestions(groups), "Judging", len(groups), unit=" groups")
            suggestions = list(judging)
            doomed = [removal for s in suggestions for removal in desk.doomed(s)]
            left = desk.left_to_person(suggestions, doomed)
            only_shows = arguments.dry_run or not arguments.apply
            everything = arguments.verbose or only_shows
            for line in told.lines(result.manifest, left, doomed, everything=everything):
                console.say(line)
            doomed_paths = [result.manifest.copies[r.number].original.path for r in doomed]
            companions = orphaned_sidecars(doomed_paths)
            console.facts["sidecars"] = companions
            if companions and everything:
                say_left(console, companions)
            if kept:
                console.say(f"Kept side by side, so left alone: {counted(len(kept), 'group')}.")
            console.facts["kept_side_by_side"] = kept
            shots = {s.group: s.shots for s in suggestions if s.shots}
            for line in told.lines_of_shots(result.manifest, shots, everything=everything):
                console.say(line)
            edited = [to_line(copy.original.path) for copy in desk.edited()]
            title = "Copies that were edited since find; they stay and are not judged"
            console.list_some(title, edited, everything=everything)
            console.facts.update(told.facts(result.manifest, left, doomed))
            console.facts["doubled_shots"] = told.facts_of_shots(result.manifest, shots)
            if only_shows:
                add = "; --apply removes these copies" if doomed and not arguments.dry_run else ""
                console.say(f"Only shown: nothing was removed{add}.")
                return
            results = bar(desk.give_up(doomed), "Removing", len(doomed), unit=" copies")
            report_removed(console, list(results), everything=arguments.verbose)
        finally:
            examiner.close()


def report_removed(
    console: Console,
    results: Sequence[cleanup.Deleted | Kept],
    *,
    everything: bool,
) -> None:
    removed = [result.path for result in results if isinstance(result, cleanup.Deleted)]
    kept = [result for result in results if isinstance(result, Kept)]
    console.say(f"Removed: {counted(len(removed), 'copy')}. Their originals stay.")
    lines = [f"{to_line(item.path)}: {item.reason}" for item in kept]
    console.list_some("Copies that stay", lines, everything=everything)
    if removed:
        console.say("Look at the folders, then run --action check-deleted.")
    console.facts.update(
        removed=removed, kept=[{"path": item.path, "reason": item.reason} for item in kept]
    )
