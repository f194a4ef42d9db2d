"""Delete exactly the listed objects, each after a proof, and never the last one of a group."""

import argparse
import contextlib
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence

from actions.clean_up import items_of
from actions.console import Console, Item, asked, counted, facts_of, lines_of, megabytes, progress
from config import Exit, Settings, UserError
from disk.files import is_url
from disk.lines import to_line
from extras.cluster.engine import Run, Task
from extras.cluster.files import Work
from extras.cluster.installed import check_url
from extras.cluster.running import started
from extras.objects import choices, plan, removal, result
from extras.objects.locking import buckets_locked, locked
from extras.objects.plan import Plan
from extras.objects.protecting import ProtectedObjects
from extras.objects.removal import Outcome
from extras.objects.stores import S3

NOT_HERE = {
    "allow_whole_groups": "one object of each group stays",
    "with_companions": "what lies beside an object stays",
}

OF_A_GROUP = "picture of a group"


def run(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    for name, why in NOT_HERE.items():
        if getattr(arguments, name):
            raise UserError(f"--{name.replace('_', '-')}: not with --work; {why}.")
    work = place_of_work(arguments)
    permanent = settings.delete_mode == "permanent"
    protected = ProtectedObjects(settings.protect)
    with contextlib.ExitStack() as stack:
        if not arguments.dry_run:
            stack.enter_context(locked(work))
        found = trusted(work, arguments, console)
        warn_of_unused(console, protected, (one.url for one in found.members), OF_A_GROUP)
        log = removal.log_in(work)
        listed = choices.read(choices.list_in(work), found)
        todo = plan.plan_of(listed, found, protected, removal.deleted_before(log))
        plan.check_stores(todo, {}, permanent=permanent)
        versioned = {bucket: removal.keeps_versions(bucket) for bucket in buckets_of(todo)}
        plan.check_stores(todo, versioned, permanent=permanent)
        for_good = [bucket for bucket, keeps in versioned.items() if not keeps]
        report_plan(console, todo, for_good)
        if arguments.dry_run:
            console.say("Dry run: nothing was deleted.")
            return
        if not todo.delete:
            console.say("Nothing is to be deleted.")
            return
        if not (arguments.yes or agreed(console, len(todo.delete), for_good=for_good)):
            console.say("Nothing was deleted.")
            console.code = Exit.KEPT
            return
        carry_out(console, todo, log, versioned, started(settings.workers, arguments.scheduler))


def agreed(console: Console, objects: int, *, for_good: Sequence[str]) -> bool:
    return console.agreed(f"Delete {counted(objects, 'object')}{' for good' if for_good else ''}?")


def place_of_work(arguments: argparse.Namespace) -> str:
    """The folder or URL of --work; UserError if there is none with a result in it."""
    work = str(arguments.work or "")
    if not work:
        raise UserError(f"--scheduler: only with --work; see --action {arguments.action} --help.")
    check_url("--work", work)
    work = work.rstrip("/") if is_url(work) else os.path.abspath(os.path.expanduser(work))
    result.check_there(result.result_in(work))
    return work


def trusted(work: str, arguments: argparse.Namespace, console: Console) -> result.Result:
    """The result of a find, if this user has signed it, or trusts it once told what it reaches."""
    place = result.result_in(work)
    found = result.read(place)
    if found.is_signed or not arguments.trust_result:
        result.check_signed(place, found)
        return found
    reach = Counter(os.path.dirname(member.url) for member in found.members)
    console.tell(f"Not signed with your key: {to_line(place.url)}. It reaches these objects:")
    for folder, count in sorted(reach.items()):
        console.tell(f"  {to_line(folder)}: {count:,}")
    console.facts["reach"] = dict(sorted(reach.items()))
    if not arguments.yes:
        if sys.stdin is None or not sys.stdin.isatty():
            raise UserError("nobody is there to be asked; look at the folders, then add --yes.")
        if not asked("Trust it this time?"):
            raise UserError("the result is not trusted, and nothing was changed.", Exit.STATE)
    return found


def warn_of_unused(
    console: Console, protected: ProtectedObjects, urls: Iterable[str], what: str
) -> None:
    """Say which entries protect none of some objects, as a slip in one does."""
    for entry in protected.unused(urls):
        console.warn_of(f"PROTECT {to_line(entry)} names no {what}; check how it is written.")


def buckets_of(todo: Plan) -> list[str]:
    """The buckets from which something is to go."""
    store = S3("s3")
    return sorted({store.parts_of(going.victim.url)[0] for going in todo.delete})


def report_plan(console: Console, todo: Plan, for_good: Sequence[str]) -> None:
    """Say what is to go and what stays, and where it goes for good."""
    size = sum(going.victim.size for going in todo.delete)
    console.say(f"To delete: {counted(len(todo.delete), 'object')}, {megabytes(size)}.")
    if for_good:
        named = ", ".join(f"s3://{bucket}" for bucket in for_good)
        console.tell(f"For good, as no versions are kept: in {named}.")
    if todo.gone:
        before = counted(len(todo.gone), "object")
        console.say(f"Deleted before: {before}; what of that was brought back stays.")
    console.list_some("Kept", lines_of(items_of(todo.refused)), everything=True)
    console.facts.update(
        delete=[going.victim.url for going in todo.delete],
        kept=facts_of(items_of(todo.refused)),
        gone=list(todo.gone),
        for_good=list(for_good),
        bytes=size,
    )


def say_what_is_compared(console: Console, versioned: dict[str, bool]) -> None:
    """Say where a store doesn't compare itself; behind a marker nothing is lost by that."""
    for bucket in (bucket for bucket, keeps in versioned.items() if not keeps):
        if not removal.heeds_if_match(bucket):
            console.warn(
                f"the store of s3://{bucket} doesn't heed If-Match, so each object is looked at "
                "just before it goes; nobody else may write there meanwhile."
            )


def tasks_of(
    run: int, todo: Plan, log: Work, versioned: dict[str, bool], locks: dict[str, str]
) -> list[Task]:
    """The tasks that delete what is to go, one for each group."""
    return [
        (removal.name_of(run, group), removal.remove_group, (log, some, versioned, locks))
        for group, some in todo.groups().items()
    ]


def carry_out(
    console: Console,
    todo: Plan,
    log: Work,
    versioned: dict[str, bool],
    workers: contextlib.AbstractContextManager[Run],
) -> None:
    """Delete what is to go, a group in each task, and say what came of it, whatever ends that."""
    number, begun = removal.next_run(log), False
    try:
        with buckets_locked(todo.urls()) as locks:
            begun = True
            say_what_is_compared(console, versioned)
            with workers as run_tasks:
                tasks = tasks_of(number, todo, log, versioned, locks)
                with progress("Deleting", len(tasks), " groups") as advance:
                    for _ in run_tasks(tasks):
                        advance(1)
    finally:  # by now workers have ended, or see that the locks are gone
        if begun:
            outcomes, unsure = removal.noted(log, number)
            report_outcomes(console, outcomes)
            report_unsure(console, [one.url for one in unsure])


def report_outcomes(console: Console, outcomes: Sequence[Outcome]) -> None:
    """Say what was deleted, and what stays after all."""
    states = (removal.DELETED, removal.KEPT, removal.GONE)
    deleted, stay, gone = ([one for one in outcomes if one.state == state] for state in states)
    kept = [Item(one.url, one.reason) for one in stay]
    size = sum(one.size for one in deleted)
    console.conclude(f"Deleted: {counted(len(deleted), 'object')}, {megabytes(size)}.")
    if gone:
        console.say(f"Gone meanwhile: {counted(len(gone), 'object')}.")
    console.list_some("Kept after all", lines_of(kept), everything=True)
    doubtful = [Item(one.url, one.reason) for one in deleted if one.reason]
    console.list_some("Deleted, though", lines_of(doubtful), everything=True)
    markers = {one.url: one.marker for one in (*deleted, *gone) if one.marker}
    if markers:
        console.say(
            f"{counted(len(markers), 'object')} can be brought back: delete the marker that is "
            f"noted in {removal.PLACE}/, in the place of the work."
        )
    console.facts["deleted"] = [one.url for one in deleted]
    console.facts["gone"] += [one.url for one in gone]
    console.facts["kept"] += facts_of(kept)
    console.facts["markers"] = markers
    console.facts["deleted_though"] = facts_of(doubtful)


def report_unsure(console: Console, urls: Sequence[str]) -> None:
    """Name objects of groups in which the run was ended, so that some of them may be gone."""
    title = "In groups that were not ended, so some may be gone; run it again to know"
    console.list_some(title, list(map(to_line, urls)))
    console.facts["unsure"] = list(urls)
