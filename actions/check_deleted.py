"""Work out which originals the deleted copies mean."""

import argparse
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import cleanup
from actions.console import Console, Item, counted, facts_of, lines_of
from actions.next_command import next_command
from actions.result import opened, paths_of
from config import Settings
from disk.lines import to_line
from disk.protection import Protected
from disk.record import Manifest, SavedCopy, check_to_delete, write_to_delete
from disk.removal import is_there
from pictures.losses import losses, orphaned_sidecars


@dataclass(frozen=True, slots=True)
class Listing:
    """The originals that the deleted copies mean: those that are there, and those to be written.

    Those that are protected stay, and are in none of these.
    """

    copies: tuple[SavedCopy, ...]
    present: tuple[str, ...]
    named: tuple[str, ...]
    protected: tuple[Item, ...]

    @property
    def doomed(self) -> list[SavedCopy]:
        """The copies whose originals are there."""
        there = frozenset(self.present)
        return [copy for copy in self.copies if copy.original.path in there]


def run(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    whole, dry_run, everything = (
        arguments.allow_whole_groups,
        arguments.dry_run,
        arguments.verbose,
    )
    with opened(paths_of(settings), settings.protect, arguments, console) as result:
        manifest = result.manifest
        culled = cleanup.culled_in(manifest, settings.output_dir)
        edited = cleanup.edited_in(manifest)
        protected = cleanup.protected_in(manifest, settings.protect)
        listing = listing_of(manifest, culled, culled.whole_groups if whole else (), protected)
        check_to_delete(settings.to_delete_file, manifest)
        if not dry_run:
            write_to_delete(settings.to_delete_file, listing.named)
    say_listed(console, listing, settings.to_delete_file, dry_run=dry_run)
    say_kept(console, culled, edited, everything=everything)
    title = "Chosen, but protected, so they stay"
    console.list_some(title, lines_of(listing.protected), everything=True)
    lost = say_losses(console, manifest, listing.doomed)
    companions = orphaned_sidecars(copy.original.path for copy in listing.copies)
    say_left(console, companions)
    say_next(console, listing, next_command(arguments, "cleanup"), dry_run=dry_run)
    numbers = sorted({c.group for c in culled.whole_groups})
    if whole and numbers:
        console.say(
            "Of groups of which every copy is gone, cleanup asks --allow-whole-groups again."
        )
    elif not whole:
        title = "Groups of which every copy is gone; their originals stay (--allow-whole-groups)"
        console.list_some(title, [str(n) for n in numbers], everything=everything)
    console.facts.update(
        to_delete=list(listing.present),
        loses=lost,
        sidecars=companions,
        protected=facts_of(listing.protected),
        moved=[c.original.path for c in culled.moved],
        edited=[c.original.path for c in edited],
        strangers=list(culled.strangers),
        whole_groups=numbers,
    )


def listing_of(
    manifest: Manifest,
    culled: cleanup.Culled,
    whole_groups: Iterable[SavedCopy],
    protected: Protected,
) -> Listing:
    """What is to be listed of a cull. Changes nothing on disk."""
    whole = frozenset(whole_groups)
    listed = {*culled.deleted, *whole}
    reasons = {c: protected.reason(c.original.path) for c in manifest.copies if c in listed}
    copies = tuple(c for c, reason in reasons.items() if not reason)
    present = tuple(c.original.path for c in copies if is_there(c.original.path))
    kept = tuple(Item(c.original.path, reason) for c, reason in reasons.items() if reason)
    return Listing(copies, present, _named(copies, present, whole), kept)


def _named(
    copies: Iterable[SavedCopy], present: Collection[str], whole: Collection[SavedCopy]
) -> tuple[str, ...]:
    """The originals that are to be written: those that are there, if any is, and whole groups.

    Of a whole group all are listed, or what is taken off the list couldn't be told.
    """
    there = frozenset(present)
    if not there:
        return ()
    return tuple(c.original.path for c in copies if c in whole or c.original.path in there)


def say_listed(console: Console, listing: Listing, file: str, *, dry_run: bool) -> None:
    verb, count = "To list" if dry_run else "Listed", len(listing.present)
    console.say(f"{verb} in {to_line(file)}: {counted(count, 'original')}.")
    if gone := len(listing.copies) - count:
        console.say(f"Gone already: {counted(gone, 'original')}.")


def say_kept(
    console: Console, culled: cleanup.Culled, edited: Sequence[SavedCopy], *, everything: bool
) -> None:
    """Say how many copies are no longer as find made them, and count as kept."""
    for what, copies in (("Moved or renamed", culled.moved), ("Edited", edited)):
        if copies:
            console.say(f"{what}, so they stay: {counted(len(copies), 'copy')}.")
        for copy in copies if everything else ():
            console.say(f"  {to_line(copy.original.path)}")
    say_strangers(console, culled)


def say_next(console: Console, listing: Listing, command: str, *, dry_run: bool) -> None:
    if dry_run:
        console.say("Dry run: nothing was written.")
    elif listing.present:
        console.say(f"Look at the list, then run: {command}")


def say_strangers(console: Console, culled: cleanup.Culled) -> None:
    """Name what may be an edited copy: nothing goes of which a picture may be what became."""
    title = (
        "Files that may be edited copies, for which originals may stay; move each to its group, or "
        "out of OUTPUT_DIR, and run check-deleted again"
    )
    console.list_some(title, [to_line(path) for path in culled.strangers], everything=True)


def say_left(console: Console, companions: Sequence[str], *, hint: bool = True) -> None:
    """Name what lies beside originals that go, and stays."""
    if companions:
        console.say(f"Left without their photo ({len(companions):,}):")
    for path in companions:
        console.say(f"  {to_line(path)}")
    if companions and hint:
        console.say("With --with-companions cleanup takes along what also lies beside what stays.")


def say_losses(
    console: Console, manifest: Manifest, doomed: Sequence[SavedCopy]
) -> list[dict[str, object]]:
    """Name what only doomed originals hold; returns it for --json."""
    lost = losses(manifest, doomed)
    if lost:
        console.tell(f"Only these hold something that what stays doesn't ({len(lost):,}):")
    for loss in lost:
        console.tell(f"  {to_line(loss.path)}: {'; '.join(loss.loses)}")
    return [{"path": loss.path, "loses": list(loss.loses)} for loss in lost]
