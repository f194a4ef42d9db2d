"""Work out which originals the deleted copies mean."""

import argparse
from collections.abc import Sequence

import cleanup
from actions.console import Console, counted
from actions.result import opened
from config import Settings
from disk import removal
from disk.files import is_gone
from disk.lines import to_line
from disk.record import Manifest, SavedCopy, check_to_delete, write_to_delete
from pictures.losses import losses


def run(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    with opened(settings, arguments, console) as result:
        manifest = result.manifest
        culled = cleanup.culled_in(manifest, settings.output_dir)
        whole_groups = frozenset(culled.whole_groups if arguments.allow_whole_groups else ())
        listed = {*culled.deleted, *whole_groups}
        copies = [c for c in manifest.copies if c in listed]
        originals = [c.original.path for c in copies]
        present = [p for p in originals if not is_gone(p) or removal.is_set_aside(p)]
        there = frozenset(present)
        # Of a whole group all are listed, or what is taken off the list couldn't be told.
        named = [c.original.path for c in copies if c in whole_groups or c.original.path in there]
        check_to_delete(settings.to_delete_file, manifest)
        if not arguments.dry_run:
            write_to_delete(settings.to_delete_file, named if present else [])
    place = to_line(settings.to_delete_file)
    listing = "To list" if arguments.dry_run else "Listed"
    console.say(f"{listing} in {place}: {counted(len(present), 'original')}.")
    if len(present) < len(originals):
        console.say(f"Gone already: {counted(len(originals) - len(present), 'original')}.")
    if culled.moved:
        console.say(
            f"Moved, renamed or edited, so they stay: {counted(len(culled.moved), 'copy')}."
        )
    for copy in culled.moved if arguments.verbose else ():
        console.say(f"  {to_line(copy.original.path)}")
    say_strangers(console, culled)
    lost = say_losses(console, manifest, [c for c in copies if c.original.path in there])
    if arguments.dry_run:
        console.say("Dry run: nothing was written.")
    elif present:
        again = " --allow-whole-groups" if arguments.allow_whole_groups else ""
        console.say(f"Look at the list, then run --action cleanup{again}.")
    if culled.whole_groups and not arguments.allow_whole_groups:
        numbers = sorted({c.group for c in culled.whole_groups})
        title = "Groups of which every copy is gone; their originals stay (--allow-whole-groups)"
        console.list_some(title, [str(n) for n in numbers], everything=arguments.verbose)
    console.facts.update(
        to_delete=present,
        loses=lost,
        moved=[c.original.path for c in culled.moved],
        strangers=list(culled.strangers),
        whole_groups=sorted({c.group for c in culled.whole_groups}),
    )


def say_strangers(console: Console, culled: cleanup.Culled) -> None:
    """Name what may be an edited copy: nothing goes of which a picture may be what became."""
    title = (
        "Files that may be edited copies, for which originals may stay; move each to its group, or "
        "out of OUTPUT_DIR, and run check-deleted again"
    )
    console.list_some(title, [to_line(path) for path in culled.strangers], everything=True)


def say_losses(
    console: Console, manifest: Manifest, doomed: Sequence[SavedCopy]
) -> list[dict[str, object]]:
    """Name what only doomed originals hold; returns it for --json."""
    lost = losses(manifest, doomed)
    if lost:
        console.say(f"Only these hold something that what stays doesn't ({len(lost):,}):")
    for loss in lost:
        console.say(f"  {to_line(loss.path)}: {'; '.join(loss.loses)}")
    return [{"path": loss.path, "loses": list(loss.loses)} for loss in lost]
