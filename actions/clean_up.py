"""Delete exactly the originals that are listed, each after a proof."""

import argparse
import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import cleanup
from actions import going_along
from actions.check_deleted import say_left, say_losses, say_strangers
from actions.console import (
    Console,
    Item,
    bar,
    counted,
    facts_of,
    lines_of,
    megabytes,
)
from actions.going_along import Along, CompanionPlan, plan_companions
from actions.next_command import next_command
from actions.result import opened, paths_of
from config import Exit, Settings
from disk import removal, trashing
from disk.files import append_lines, check_log, is_below
from disk.journal import Deletion, Journal, journal_of
from disk.lines import to_line
from disk.record import Manifest, read_to_delete
from disk.removal import Kept, is_set_aside
from disk.result import OutputPaths
from pictures.by_name import of_extras
from pictures.losses import orphaned_sidecars

PACKAGES = "extras.cluster.installed:check_packages"  # whether those are there that it needs
OF_OBJECTS = "extras.actions.cleanup_objects:run"  # what is deleted in object stores


@dataclass(frozen=True, slots=True)
class Job:
    """What cleanup is to do with a list of originals, by its settings and flags."""

    manifest: Manifest
    listed: list[str]
    paths: OutputPaths
    protect: tuple[str, ...]
    whole_groups: bool
    with_companions: bool
    to_trash: bool

    def judge(self, culled: cleanup.Culled) -> cleanup.Judge:
        listed, whole = frozenset(self.listed), self.whole_groups
        return cleanup.Judge(
            self.manifest, listed, culled, whole_groups=whole, protect=self.protect
        )

    def plan(self, culled: cleanup.Culled) -> tuple[cleanup.Plan, CompanionPlan]:
        """What is to go of the originals and, if that is wanted, of what lies beside them."""
        plan = cleanup.plan_deletions(
            self.listed,
            self.manifest,
            culled,
            whole_groups=self.whole_groups,
            protect=self.protect,
            list_file=self.paths.to_delete_file,
        )
        if not self.with_companions:
            return plan, CompanionPlan()
        going = [copy.original.path for copy in plan.delete]
        gone = {*plan.gone, *gone_before(culled)}
        journal = journal_of(self.paths.output_dir)
        back = journal.brought_back() if journal else frozenset[str]()
        return plan, plan_companions(self.manifest, self.judge(culled), going, gone, back)


def gone_before(culled: cleanup.Culled) -> list[str]:
    """The originals of deleted copies that are gone as well, be they listed or not."""
    paths = (copy.original.path for copy in culled.deleted)
    return [path for path in paths if not os.path.lexists(path) and not is_set_aside(path)]


def run(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    if arguments.work or arguments.scheduler:
        of_extras(PACKAGES, "--work")("--work")
        of_extras(OF_OBJECTS, "--work")(settings, arguments, console)
        return
    whole, along = arguments.allow_whole_groups, arguments.with_companions
    paths, protect, trash = paths_of(settings), settings.protect, settings.delete_mode == "trash"
    check_log(paths.log_file)
    with opened(paths, protect, arguments, console) as result:
        listed = read_to_delete(paths.to_delete_file)
        job = Job(result.manifest, listed, paths, protect, whole, along, trash)
        culled = cleanup.culled_in(result.manifest, paths.output_dir)
        plan, companions = job.plan(culled)
        report_plan(console, job, plan, companions, gone_before(culled))
        say_strangers(console, culled)
        if arguments.dry_run:
            console.say("Dry run: nothing was deleted.")
            return
        count = len(plan.delete), len(companions.delete)
        if any(count) and not arguments.yes and not confirmed(console, *count, trash=trash):
            console.say("Nothing was deleted.")
            console.code = Exit.KEPT
            return
        # The person may have looked at the folders again before answering.
        judge = job.judge(cleanup.culled_in(result.manifest, paths.output_dir))
        carry_out(console, job, judge, plan, companions, next_command(arguments, "restore"))


def carry_out(
    console: Console,
    job: Job,
    judge: cleanup.Judge,
    plan: cleanup.Plan,
    companions: CompanionPlan,
    undo: str,
) -> None:
    """Delete the originals and then what goes along with them, and say what came of it."""
    log, trash = job.paths.log_file, job.to_trash
    refused = [*plan.refused, *companions.refused]
    append_lines(log, [f"Kept file: {to_line(kept.path)}: {kept.reason}" for kept in refused])
    remove = trashing.trash if trash else removal.unlink
    photos, beside = Outcome("original"), Outcome("companion")
    journal = journal_of(job.paths.output_dir)
    notes = Notes(journal, job.manifest, permanent=not trash) if journal else None
    note = notes.going if notes else None
    try:
        done = cleanup.execute(plan, judge, log, remove, note=note)
        photos.results.extend(bar(settled(done, notes), "Deleting", total=len(plan.delete)))
        along = Along(job.manifest, judge)
        done = going_along.execute(companions, along, log, remove, note=note)
        done = settled(done, notes)
        beside.results.extend(bar(done, "Deleting", len(companions.delete), unit=" companions"))
        if journal:
            journal.ended()
    finally:  # whatever stops it, say what was done
        report_deleted(console, photos, trash=trash)
        if job.with_companions:
            report_along(console, beside, trash=trash)
        if journal and any(item.place for item in (*photos.deleted, *beside.deleted)):
            console.say(f"To undo this, run: {undo}")


@dataclass(frozen=True, slots=True)
class Notes:
    """Notes each file before it goes, so that `restore` finds it, and what stays after all."""

    journal: Journal
    manifest: Manifest
    permanent: bool
    unsure: set[str] = field(default_factory=set)  # what is noted and may be there yet

    def going(self, path: str, place: str, digest: str) -> None:
        below = next(folder for folder in self.manifest.input_dirs if is_below(path, [folder]))
        status = os.lstat(removal.aside_path(path))
        size, time = status.st_size, status.st_mtime_ns
        self.unsure.add(path)
        self.journal.deleted(Deletion(path, below, place, self.permanent, digest, size, time))

    def settle(self) -> None:
        """Take back what was noted of files that are there, as far as the disk lets us."""
        with contextlib.suppress(OSError):
            for path in filter(os.path.lexists, self.unsure):
                self.journal.kept(path)
        self.unsure.clear()


def settled(
    results: Iterable[cleanup.Deleted | Kept], notes: Notes | None
) -> Iterator[cleanup.Deleted | Kept]:
    """The results as they come, each with its note put right, the one that is interrupted too."""
    try:
        for result in results:
            if notes and isinstance(result, cleanup.Deleted):
                notes.unsure.discard(result.path)
            if notes:
                notes.settle()
            yield result
    finally:
        if notes:
            notes.settle()


def report_plan(
    console: Console,
    job: Job,
    plan: cleanup.Plan,
    companions: CompanionPlan,
    before: Iterable[str],
) -> None:
    """Say what is to go and what stays; `before` are originals that earlier runs have deleted."""
    doomed = [copy.original.path for copy in plan.delete]
    going = [companion.path for companion in companions.delete]
    size = sum(map(removal.bytes_freed, (*doomed, *going)))
    say_going(console, job, len(doomed), going, size)
    say_emptied(console, job.manifest, doomed)
    if plan.gone:
        console.say(f"Gone already: {counted(len(plan.gone), 'original')}.")
    console.list_some("Kept", lines_of(items_of(plan.refused)), everything=True)
    stay = items_of(companions.refused)
    console.list_some("Companions that stay", lines_of(stay), everything=True)
    told = {*going, *(item.path for item in stay)}
    sidecars = orphaned_sidecars([*doomed, *plan.gone, *before])
    say_left(console, [path for path in sidecars if path not in told], hint=not job.with_companions)
    console.facts.update(
        delete=doomed,
        loses=say_losses(console, job.manifest, plan.delete),
        kept=facts_of(items_of(plan.refused)),
        gone=list(plan.gone),
        sidecars=[path for path in sidecars if path not in going],
        bytes=size,
    )
    if job.with_companions:
        console.facts["companions"] = {"delete": going, "kept": facts_of(stay)}


def say_going(
    console: Console, job: Job, originals: int, companions: Sequence[str], size: int
) -> None:
    """Say what is to go, how, and what room that makes; the companions are named."""
    how = "send to the trash" if job.to_trash else "delete for good"
    besides = f" and {counted(len(companions), 'companion')}" if job.with_companions else ""
    console.say(f"To {how}: {counted(originals, 'original')}{besides}, {megabytes(size)}.")
    for path in companions:
        console.say(f"  {to_line(path)}")


def say_emptied(console: Console, manifest: Manifest, doomed: Iterable[str]) -> None:
    """Name the groups of which no picture remains, if that is allowed."""
    going = {*doomed}
    lose = {copy.group for copy in manifest.copies if copy.original.path in going}
    stay = (c for c in manifest.copies if c.group in lose and c.original.path not in going)
    left = {copy.group for copy in stay if os.path.lexists(copy.original.path)}
    if numbers := sorted(lose - left):
        console.tell(f"Groups of which no picture remains: {', '.join(map(str, numbers))}.")
    console.facts["emptied_groups"] = numbers


def confirmed(console: Console, photos: int, companions: int = 0, *, trash: bool) -> bool:
    besides = f" and {counted(companions, 'companion')}" if companions else ""
    for_good = "" if trash else " for good"
    return console.agreed(f"Delete {counted(photos, 'original')}{besides}{for_good}?")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of some files: of originals, or of what lies beside them."""

    noun: str
    results: list[cleanup.Deleted | Kept] = field(default_factory=list)

    @property
    def deleted(self) -> list[cleanup.Deleted]:
        return [result for result in self.results if isinstance(result, cleanup.Deleted)]

    @property
    def kept(self) -> list[Item]:
        return items_of(result for result in self.results if isinstance(result, Kept))

    @property
    def freed(self) -> int:
        return sum(result.freed for result in self.deleted)


def items_of(kept: Iterable[Kept]) -> list[Item]:
    return [Item(one.path, one.reason) for one in kept]


def report_deleted(console: Console, photos: Outcome, *, trash: bool) -> None:
    trashed = say_deleted(console, photos, trash=trash)
    paths = [item.path for item in photos.deleted]
    console.facts.update(deleted=paths, freed=photos.freed, trashed=trashed)
    console.facts["kept"] += facts_of(photos.kept)


def report_along(console: Console, companions: Outcome, *, trash: bool) -> None:
    trashed = say_deleted(console, companions, trash=trash)
    facts = console.facts["companions"]
    facts.update(deleted=[item.path for item in companions.deleted], trashed=trashed)
    facts["kept"] += facts_of(companions.kept)
    console.facts["freed"] += companions.freed


def say_deleted(console: Console, outcome: Outcome, *, trash: bool) -> dict[str, str]:
    """Say what was deleted and kept after all; returns where it lies in a trash."""
    how = "Sent to the trash" if trash else "Deleted"
    gain = "" if trash else f", {megabytes(outcome.freed)} freed"
    console.conclude(f"{how}: {counted(len(outcome.deleted), outcome.noun)}{gain}.")
    console.list_some("Kept after all", lines_of(outcome.kept), everything=True)
    trashed = {item.path: item.place for item in outcome.deleted if item.place}
    for folder in sorted({os.path.dirname(os.path.dirname(place)) for place in trashed.values()}):
        console.say(f"They lie in {to_line(folder)}.")
    return trashed
