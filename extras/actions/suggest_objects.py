"""Have the rules choose which objects of groups may go; they are listed, and none is deleted."""

import argparse
import contextlib
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence

from actions.console import SHOWN, Console, counted, megabytes, progress
from actions.next_command import next_command
from config import Settings, UserError
from disk.files import is_url
from disk.lines import to_line
from disk.system import lies_in
from extras.actions.cleanup_objects import OF_A_GROUP, place_of_work, trusted, warn_of_unused
from extras.cluster.engine import Run
from extras.cluster.files import ENDING
from extras.cluster.running import started
from extras.objects import choices, choosing, tables
from extras.objects.choices import Choice
from extras.objects.choosing import Group, Left
from extras.objects.locking import locked
from extras.objects.places import place_of
from extras.objects.protecting import ProtectedObjects
from extras.objects.result import Linked, Result

OBJECTS_A_TASK = 200
OURS = "groups"  # how the names of files begin that are made here


def run(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    if arguments.apply:
        raise UserError("--apply: not with --work; the list is all that is written, and no copy.")
    work = place_of_work(arguments)
    protected = ProtectedObjects(settings.protect)
    with contextlib.ExitStack() as stack:
        if not arguments.dry_run:
            stack.enter_context(locked(work))
        found = trusted(work, arguments, console)
        check_preferred(settings.prefer, found)
        warn_of_unused(console, protected, (one.url for one in found.members), OF_A_GROUP)
        stay = {member.url: protected.reason(member.url) for member in found.members}
        run_tasks = stack.enter_context(started(settings.workers, arguments.scheduler))
        place = stack.enter_context(shown_in(work)) if arguments.dry_run else work
        doomed, left = judge(run_tasks, place, found, stay, settings.prefer)
        report(console, found, doomed, left, everything=arguments.verbose or arguments.dry_run)
        if arguments.dry_run:
            console.say("Dry run: the list was not written.")
            return
        console.say(f"Listed in {to_line(choices.list_in(work).url)}.")
        command = next_command(arguments, "cleanup", "--work", arguments.work)
        console.say(f"Look at the list, then run: {command}")


def check_preferred(prefer: Sequence[str], found: Result) -> None:
    """Refuse a preferred place that holds no picture of a group: others would go."""
    places = {place_of(member.url) for member in found.members}
    for place in prefer:
        if not is_url(place) or not any(lies_in(path, place_of(place)) for path in places):
            raise UserError(
                f"PREFER {place} holds no picture of a group; name a URL as find has them."
            )


def judge(
    run_tasks: Run, place: str, found: Result, stay: Mapping[str, str], prefer: Sequence[str]
) -> tuple[list[Choice], list[Left]]:
    """What the rules give up, and which groups they leave; earlier lists are replaced."""
    listed, left = choices.list_in(place), choosing.left_in(place)
    parts = {f"{OURS}-{some[0][0][0].group:09}": some for some in parts_of(found)}
    tasks = [
        (
            name,
            choosing.judge_groups,
            (listed, left, some, stay_in(some, stay), prefer, found.digest),
        )
        for name, some in parts.items()
    ]
    clear(place)
    with progress("Judging", sum(map(len, parts.values())), " groups") as advance:
        for name, _ in run_tasks(tasks):
            advance(len(parts[name]))
    if not parts:
        choices.write(listed, OURS, [])
    reasons = [row for name in parts for row in tables.rows_of(Left, left.read(name))]
    return choices.read(listed, found), reasons


@contextlib.contextmanager
def shown_in(work: str) -> Iterator[str]:
    """A place for what is only shown, of which nothing stays."""
    place = f"{work}/shown-{uuid.uuid4().hex}"
    try:
        yield place
    finally:
        clear(place)
        if not is_url(place):
            for work_of in (choices.PLACE, choosing.LEFT, ""):
                with contextlib.suppress(OSError):
                    os.rmdir(os.path.join(place, work_of))


def clear(place: str) -> None:
    """Remove what was judged before; UserError if something else lies there, which stays."""
    before = [
        (work, name)
        for work in (choices.list_in(place), choosing.left_in(place))
        for name in sorted(work.names())
    ]
    for work, name in before:
        if not name.startswith(OURS):
            raise UserError(f"{work.url}/{name}{ENDING} isn't of suggest; move it elsewhere.")
    for work, name in before:
        work.remove(name)


def stay_in(groups: Sequence[Group], stay: Mapping[str, str]) -> dict[str, str]:
    """What of some groups is protected now."""
    urls = [member.url for members, _ in groups for member in members]
    return {url: stay[url] for url in urls if stay[url]}


def parts_of(found: Result) -> list[list[Group]]:
    """The groups in parts of so many objects that a task fetches them in some minutes."""
    links: dict[int, list[Linked]] = {}
    for one in found.links:
        links.setdefault(one.group, []).append(one)
    parts: list[list[Group]] = []
    room = 0
    for number, members in found.groups().items():
        if room <= 0:
            parts.append([])
            room = OBJECTS_A_TASK
        parts[-1].append((members, links.get(number, [])))
        room -= len(members)
    return parts


def report(
    console: Console,
    found: Result,
    doomed: Sequence[Choice],
    left: Sequence[Left],
    *,
    everything: bool,
) -> None:
    """Say what the rules give up, and which groups they leave to a person, and why."""
    sizes = {member.url: member.size for member in found.members}
    size = sum(sizes[choice.victim] for choice in doomed)
    console.say(f"To delete by the rules: {counted(len(doomed), 'object')}, {megabytes(size)}.")
    console.say(f"Groups left to you: {len(left):,}.")
    lines = [f"  {one.group}: {one.reason}" for one in left]
    lines += [
        f"  {to_line(choice.victim)}: {choice.reason} beside {to_line(choice.survivor)}"
        for choice in doomed
    ]
    for line in lines if everything else lines[:SHOWN]:
        console.say(line)
    if not everything and len(lines) > SHOWN:
        console.say(f"  ... and {len(lines) - SHOWN:,} more, see --verbose")
    console.facts.update(
        suggested=[
            {"path": c.victim, "keeper": c.survivor, "reason": c.reason, "loses": c.loses}
            for c in doomed
        ],
        undecided=[{"group": one.group, "reason": one.reason} for one in left],
        bytes=size,
    )
