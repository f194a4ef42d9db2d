"""What find says of what it found, grouped and copied."""

import importlib.util
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import finder
import storage
from actions.console import Console, counted, megabytes
from config import Exit
from disk import places
from disk.lines import to_line
from disk.record import SavedCopy
from disk.result import OutputPaths
from finder import Survey
from pictures import formats
from pictures.colour import differ_in_colour
from pictures.images import HashedImage
from pictures.kinds import is_picture

if TYPE_CHECKING:
    from grouping import Cluster, Match


NOTHING_READ = (
    f"no picture here could be read. This version reads {formats.all_names()} "
    "under their usual endings: export other pictures as JPEG, also those that lie in libraries, "
    "and rename JPEGs to .jpg."
)
NOTHING_OPEN = (
    "no picture here was read, and these folders weren't looked into: {}. Name a folder outside "
    "them, mend EXCLUDE, or copy or export from them what you want to compare."
)
UNSEEN = {*places.PLURALS.values(), finder.EXCLUDED_FOLDERS, finder.LINKED_FOLDERS}
# Kinds that have a line of their own.
TOLD_APART = {
    finder.HARD_LINKS,
    finder.SAME_FILES,
    finder.EARLIER_RESULTS,
    finder.UNREADABLE_FOLDERS,
}


def report_found(console: Console, survey: Survey, *, everything: bool) -> list[str]:
    exact = sum(image.look is None for image in survey.images)
    counts = f"{len(survey.images):,} hashed, {len(survey.unreadable):,} unreadable"
    summary = f"Found {counted(survey.photos, 'photo')}: {counts}."
    console.say(summary)
    if survey.unchanged:
        console.say(f"{survey.unchanged:,} have not changed since they were read (--no-cache).")
    if exact:
        console.say(f"{exact:,} without detail or with several pages match identical files only.")
    damaged = {i.file.path: i.damage for i in survey.images if i.damage}
    damaged_lines = [f"{to_line(path)}: {damage}" for path, damage in damaged.items()]
    if damaged:
        console.say(f"Damaged, by what the files say: {counted(len(damaged), 'photo')}.")
    notes = [f"{to_line(i.file.path)}: {i.note}" for i in survey.images if i.note]
    for line in (*damaged_lines, *notes) if everything else ():
        console.say(f"  {line}")
    report_left_out(console, survey)
    earlier = survey.paths_of(finder.EARLIER_RESULTS)
    passed_over_lines = report_passed_over(console, survey, everything=everything)
    unreadable_lines = [f"{to_line(item.file.path)}: {item.reason}" for item in survey.unreadable]
    skipped = [item for item in survey.skipped if item.kind == finder.UNREADABLE_FOLDERS]
    skipped_lines = [f"{to_line(item.path)}: {item.reason}" for item in skipped]
    console.list_some("Unreadable files", unreadable_lines, everything=everything)
    console.list_some("Unreadable folders", skipped_lines, everything=everything)
    set_aside = [to_line(path) for path in survey.paths_of(finder.SET_ASIDE)]
    title = "Originals that an interrupted cleanup of another result has set aside; rename them"
    console.list_some(title, set_aside, everything=True)
    console.facts.update(
        found=survey.photos,
        hashed=len(survey.images),
        unchanged=survey.unchanged,
        unreadable=[{"path": item.file.path, "reason": item.reason} for item in survey.unreadable],
        skipped_folders=[{"path": item.path, "reason": item.reason} for item in skipped],
        damaged=[{"path": path, "reason": damage} for path, damage in damaged.items()],
        hard_links=survey.paths_of(finder.HARD_LINKS),
        same_files=survey.paths_of(finder.SAME_FILES),
        earlier_results=earlier,
    )
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    return [
        f"{now} find: {summary}",
        *(f"Unreadable file: {line}" for line in unreadable_lines),
        *(f"Unreadable folder: {line}" for line in skipped_lines),
        *(f"Result passed over: {to_line(path)}" for path in earlier),
        *(f"Passed over: {line}" for line in passed_over_lines),
        *(f"Damaged file: {line}" for line in damaged_lines),
        *(f"Note on {line}" for line in notes),
        *(f"Decoder on {to_line(i.file.path)}: {i.warnings}" for i in survey.images if i.warnings),
    ]


def report_passed_over(console: Console, survey: Survey, *, everything: bool) -> list[str]:
    """Say how much of what kind was passed over; returns a line for each of it."""
    items = [(i.kind, to_line(i.path)) for i in survey.skipped if i.kind not in TOLD_APART]
    kinds = Counter(kind for kind, _ in items)
    told_above = (finder.HARD_LINKS, finder.SAME_FILES)
    same = {kind: len(survey.paths_of(kind)) for kind in told_above}
    ordered = {kind: kinds[kind] for kind in sorted(kinds, key=lambda k: (not is_picture(k), k))}
    order = {kind: position for position, kind in enumerate(ordered)}
    console.facts["passed_over"] = {**ordered, **{kind: n for kind, n in same.items() if n}}
    lines = [f"{kind}: {path}" for kind, path in sorted(items, key=lambda item: order[item[0]])]
    if ordered:
        counts = ", ".join(f"{kind} {number:,}" for kind, number in ordered.items())
        console.say(f"Passed over: {counts}{'.' if everything else ' (see --verbose).'}")
    for line in lines if everything else ():
        console.say(f"  {line}")
    if not survey.images and any(is_picture(kind) or kind == "libraries" for kind in ordered):
        console.code = Exit.KEPT
        console.warn(NOTHING_READ)
    elif not survey.images and (unseen := [kind for kind in ordered if kind in UNSEEN]):
        console.code = Exit.KEPT
        console.warn(NOTHING_OPEN.format(", ".join(unseen)))
    return lines


def report_left_out(console: Console, survey: Survey) -> None:
    for kind in (finder.HARD_LINKS, finder.SAME_FILES):
        if paths := survey.paths_of(kind):
            console.say(f"{kind.capitalize()}, left out: {len(paths):,}.")
    if paths := survey.paths_of(finder.EARLIER_RESULTS):
        console.say(f"Results of find, passed over: {', '.join(map(to_line, paths))}.")


def report_groups(
    console: Console,
    hashed: Sequence[HashedImage],
    groups: Sequence["Cluster"],
    matched: Mapping[str, int],
    *,
    everything: bool,
) -> list[str]:
    """Say what was grouped and why; returns a line for the log for each group."""
    pictures = sum(len(cluster.members) for cluster in groups)
    console.say(f"{counted(len(groups), 'group')} of similar pictures: {pictures:,} of them.")
    if matched:
        views = ", ".join(f"{number:,} {view}" for view, number in sorted(matched.items()))
        console.say(f"Matched pairs, by what was compared: {views}.")
    if colours := [c for c in groups if any(only_colour_differs(hashed, m) for m in c.links)]:
        counts = counted(len(colours), "group")
        console.say(f"Colour is not compared: in {counts} pictures differ only in it.")
    doubtful = [[match for match in c.links if match.needs_a_look] for c in groups]
    if any(doubtful):
        counts = counted(sum(map(bool, doubtful)), "group")
        links = counted(sum(map(len, doubtful)), "link")
        console.say(f"To be looked at closely: {counts} with {links} that only the model found.")
    lines = []
    for number, cluster in enumerate(groups, 1):
        lines.append(f"Group {number}: {counted(len(cluster.members), 'picture')}{why(cluster)}")
        if everything:
            console.say(lines[-1])
        for position in cluster.members if everything else ():
            console.say(f"  {to_line(hashed[position].file.path)}")
    paths = [[hashed[position].file.path for position in cluster.members] for cluster in groups]
    console.facts.update(
        groups=paths,
        matched=dict(sorted(matched.items())),
        weakest_links=[weakest_link(hashed, cluster) for cluster in groups],
        needs_a_look=[[link_facts(hashed, match) for match in links] for links in doubtful],
        colour_only=[paths[groups.index(cluster)] for cluster in colours],
    )
    return lines


def why(cluster: "Cluster") -> str:
    """What holds a group together: its weakest link, whether it is a burst or needs a look."""
    if not cluster.links:
        return ""
    weakest = cluster.links[-1]
    burst = "; a burst" if any(match.view == "burst" for match in cluster.links) else ""
    measure = "cosine" if weakest.needs_a_look else "correlation"
    doubtful = sum(match.needs_a_look for match in cluster.links)
    look = f"; needs a look: {counted(doubtful, 'link')} by embedding only" if doubtful else ""
    return (
        f"; weakest link {weakest.view}, {weakest.distance} bits apart, "
        f"{measure} {weakest.correlation:.2f}{burst}{look}"
    )


def weakest_link(hashed: Sequence[HashedImage], cluster: "Cluster") -> dict[str, object] | None:
    if not cluster.links:
        return None
    burst = any(match.view == "burst" for match in cluster.links)
    return {**link_facts(hashed, cluster.links[-1]), "burst": burst}


def link_facts(hashed: Sequence[HashedImage], match: "Match") -> dict[str, object]:
    return {
        "left": hashed[match.left].file.path,
        "right": hashed[match.right].file.path,
        "view": match.view,
        "distance": match.distance,
        "cosine" if match.needs_a_look else "correlation": round(match.correlation, 3),
    }


def only_colour_differs(hashed: Sequence[HashedImage], match: "Match") -> bool:

    one, other = hashed[match.left].look, hashed[match.right].look
    return bool(one and other and differ_in_colour(one, other, match))


def has_extra(package: str) -> bool:
    """Whether the folder extras/ and an optional package are there."""
    return bool(importlib.util.find_spec("extras") and importlib.util.find_spec(package))


def failures(results: Iterable[SavedCopy | storage.FailedCopy]) -> list[str]:
    return [
        f"{to_line(result.copy.original.path)}: {result.reason}"
        for result in results
        if isinstance(result, storage.FailedCopy)
    ]


def report_saved(
    console: Console,
    paths: OutputPaths,
    results: Sequence[SavedCopy | storage.FailedCopy],
    kept: Sequence[str],
    *,
    everything: bool,
) -> None:
    saved = [result for result in results if isinstance(result, SavedCopy)]
    failed = failures(results)
    console.list_some("Copies that failed and are left out", failed, everything=everything)
    title = "Files of the old result that changed meanwhile and were set aside"
    console.list_some(title, [to_line(path) for path in kept], everything=everything)
    console.facts.update(copied=len(saved), failed=failed, output_dir=paths.output_dir)
    if saved:
        size = sum(copy.original.size for copy in saved)
        console.say(
            f"Copied to {to_line(paths.output_dir)}: {counted(len(saved), 'picture')}, "
            f"{megabytes(size)}."
        )
        if has_extra("jinja2"):
            console.say(f"All at a glance: {to_line(paths.report_file)}")
        elif importlib.util.find_spec("extras"):
            console.say("For a contact sheet (report.html) install extras/requirements.txt.")
        console.say(
            "Look there, delete the copies you don't want, then run --action check-deleted."
        )
