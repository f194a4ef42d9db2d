"""What find says of what it found, grouped and copied."""

import importlib.util
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import compress
from typing import TYPE_CHECKING

import finder
import storage
from actions.console import Console, Item, counted, facts_of, lines_of, megabytes
from actions.next_command import install_extras
from disk import places
from disk.known_bad import KnownBad
from disk.lines import some_names, to_line
from disk.record import SavedCopy
from disk.result import OutputPaths
from disk.taking_over import Proven, were_taken_over
from finder import Survey
from pictures import formats
from pictures.colour import differ_in_colour
from pictures.images import HashedImage
from pictures.kinds import is_picture, missing

if TYPE_CHECKING:
    from grouping import Cluster, Match


NOTHING_READ = (
    "no picture here could be read. This version reads {} "
    "under their usual endings: export other pictures as JPEG, also those that lie in libraries, "
    "and rename JPEGs to .jpg."
)
NOTHING_OPEN = (
    "no picture here was read, and these folders weren't looked into: {}. Name a folder outside "
    "them, mend EXCLUDE, or copy or export from them what you want to compare."
)
NOTHING_LEFT = (
    "no picture here was read, as all were left out ({}); mend EXCLUDE, MIN_SIZE or MIN_PIXELS."
)
UNSEEN = {*places.PLURALS.values(), finder.EXCLUDED_FOLDERS, finder.LINKED_FOLDERS}
# Kinds that have a line of their own.
TOLD_APART = {
    finder.HARD_LINKS,
    finder.SAME_FILES,
    finder.EARLIER_RESULTS,
    finder.UNREADABLE_FOLDERS,
}


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be told of a survey, path by path."""

    unreadable: list[Item]
    folders: list[Item]  # that can't be read, or only seem to be a result
    damaged: list[Item]
    notes: list[Item]
    decoders: list[Item]  # what they said besides


def told_of(survey: Survey) -> Told:
    images = survey.images
    folders = [item for item in survey.skipped if item.kind == finder.UNREADABLE_FOLDERS]
    return Told(
        unreadable=[Item(item.file.path, item.reason) for item in survey.unreadable],
        folders=[Item(item.path, item.reason) for item in folders],
        damaged=[Item(image.file.path, image.damage) for image in images if image.damage],
        notes=[Item(image.file.path, image.note) for image in images if image.note],
        decoders=[Item(image.file.path, image.warnings) for image in images if image.warnings],
    )


def report_found(
    console: Console, survey: Survey, known: KnownBad, reads_all: str, *, everything: bool
) -> list[str]:
    """Say what was found, and what would have all read anew; returns lines for the log."""
    told = told_of(survey)
    accepted = [item.file.path for item in survey.unreadable if known.accepts(item.file)]
    counts = f"{len(survey.images):,} hashed, {said_unreadable(survey, len(accepted))}"
    summary = f"Found {counted(survey.photos, 'photo')}: {counts}."
    console.say(summary)
    if survey.unchanged:
        console.say(f"Not read again, as unchanged: {survey.unchanged:,} ({reads_all} reads all).")
    say_of_images(console, survey, told, everything=everything)
    report_left_out(console, survey)
    passed_over_lines = report_passed_over(console, survey, everything=everything)
    new = [item for item in told.unreadable if item.path not in set(accepted)]
    title = "Unreadable files, not accepted" if accepted else "Unreadable files"
    console.list_some(title, lines_of(new), everything=everything)
    say_of_stale(console, known.stale(item.file for item in survey.unreadable))
    console.list_some("Unreadable folders", lines_of(told.folders), everything=everything)
    set_aside = [to_line(path) for path in survey.paths_of(finder.SET_ASIDE)]
    title = "Originals that an interrupted cleanup of another result has set aside; rename them"
    console.list_some(title, set_aside, everything=True)
    console.facts.update(facts_of_survey(survey, told), accepted_unreadable=accepted)
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    return [f"{now} find: {summary}", *log_of(survey, told, passed_over_lines)]


def said_unreadable(survey: Survey, accepted: int) -> str:
    """How many photos can't be read, and how many of them a person has accepted."""
    unreadable = len(survey.unreadable)
    if not accepted:
        return f"{unreadable:,} unreadable"
    share = "all of them" if accepted == unreadable else f"{accepted:,} of them"
    return f"{unreadable:,} unreadable ({share} accepted)"


def say_of_stale(console: Console, stale: Sequence[str]) -> None:
    """Say in one line which files of the list of unreadable ones are none any more."""
    console.facts["stale_accepted"] = list(stale)
    if stale:
        are = "is" if len(stale) == 1 else "are"
        counts = f"{counted(len(stale), 'accepted file')} {are} gone or can be read"
        console.say(f"The list is out of date: {counts}: {some_names(stale)}.")


def say_of_images(console: Console, survey: Survey, told: Told, *, everything: bool) -> None:
    if exact := sum(image.look is None for image in survey.images):
        console.say(f"{exact:,} without detail or with several pages match identical files only.")
    if told.damaged:
        console.say(f"Damaged, by what the files say: {counted(len(told.damaged), 'photo')}.")
    for line in lines_of((*told.damaged, *told.notes)) if everything else ():
        console.say(f"  {line}")


def facts_of_survey(survey: Survey, told: Told) -> dict[str, object]:
    return {
        "found": survey.photos,
        "hashed": len(survey.images),
        "unchanged": survey.unchanged,
        "unreadable": facts_of(told.unreadable),
        "skipped_folders": facts_of(told.folders),
        "damaged": facts_of(told.damaged),
        "hard_links": survey.paths_of(finder.HARD_LINKS),
        "same_files": survey.paths_of(finder.SAME_FILES),
        "earlier_results": survey.paths_of(finder.EARLIER_RESULTS),
    }


def log_of(survey: Survey, told: Told, passed_over: Iterable[str]) -> Iterator[str]:
    earlier = map(to_line, survey.paths_of(finder.EARLIER_RESULTS))
    for begins, lines in (
        ("Unreadable file: ", lines_of(told.unreadable)),
        ("Unreadable folder: ", lines_of(told.folders)),
        ("Result passed over: ", earlier),
        ("Passed over: ", passed_over),
        ("Damaged file: ", lines_of(told.damaged)),
        ("Note on ", lines_of(told.notes)),
        ("Decoder on ", lines_of(told.decoders)),
    ):
        yield from (begins + line for line in lines)


def report_passed_over(console: Console, survey: Survey, *, everything: bool) -> list[str]:
    """Say how much of what kind was passed over; returns a line for each of it."""
    items = [item for item in survey.skipped if item.kind not in TOLD_APART]
    items.sort(key=lambda item: pictures_first(item.kind))
    ordered = Counter(item.kind for item in items)
    told_above = (finder.HARD_LINKS, finder.SAME_FILES)
    same = Counter(item.kind for item in survey.skipped if item.kind in told_above)
    console.facts["passed_over"] = {**ordered, **{k: same[k] for k in told_above if k in same}}
    lines = [f"{item.kind}: {to_line(item.path)}" for item in items]
    say_passed_over(console, ordered, lines if everything else None)
    if not survey.images:
        warn_of_nothing(console, ordered)
    return lines


def say_passed_over(
    console: Console, kinds: Mapping[str, int], lines: Iterable[str] | None
) -> None:
    """Say how much of each kind was passed over and, if they are to be named, all of it."""
    if kinds:
        counts = ", ".join(f"{kind} {number:,}" for kind, number in kinds.items())
        console.say(f"Passed over: {counts}{' (see --verbose).' if lines is None else '.'}")
    for line in lines or ():
        console.say(f"  {line}")
    if lacking := missing(kinds):
        names = formats.listed(form.name for form in lacking)
        packages = " ".join(form.package for form in lacking)
        console.say(f"To compare {names}, too: pip install {packages}")


def pictures_first(kind: str) -> tuple[bool, str]:
    return not is_picture(kind), kind


def warn_of_nothing(console: Console, kinds: Iterable[str]) -> None:
    """Say what to do where not one photo was read, though there is something."""
    unseen = [kind for kind in kinds if kind in UNSEEN]
    if any(is_picture(kind) or kind == "libraries" for kind in kinds):
        console.warn_of(NOTHING_READ.format(formats.all_names()))
    elif unseen:
        console.warn_of(NOTHING_OPEN.format(", ".join(unseen)))
    elif left_out := [kind for kind in kinds if is_left_out(kind)]:
        console.warn_of(NOTHING_LEFT.format(", ".join(left_out)))


def is_left_out(kind: str) -> bool:
    """Whether files of a kind would be read, but for the settings."""
    return kind.startswith((finder.EXCLUDED_FILES, finder.FEWER_BYTES, finder.FEWER_PIXELS))


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
    if groups:
        console.say(f"{counted(len(groups), 'group')} of similar pictures: {pictures:,} in all.")
        say_matched(console, matched)
    else:
        console.say("No group of similar pictures to look at.")
    colours = [any(only_colour_differs(hashed, match) for match in c.links) for c in groups]
    doubtful = [[match for match in c.links if match.needs_a_look] for c in groups]
    say_what_to_look_at(console, colours, doubtful)
    paths = [paths_in(hashed, cluster) for cluster in groups]
    console.facts.update(
        groups=paths,
        matched=dict(sorted(matched.items())),
        weakest_links=[weakest_link(hashed, cluster) for cluster in groups],
        needs_a_look=[[link_facts(hashed, match) for match in links] for links in doubtful],
        colour_only=list(compress(paths, colours)),
    )
    return say_groups(console, groups, paths, everything=everything)


def report_sides(console: Console, sides: Sequence[int] | None) -> list[str]:
    """Say that not all photos were compared with each other; returns a line for the log."""
    if sides is None:
        return []
    line = "Only photos of different input folders were compared (--across)."
    console.say(line)
    return [line]


def report_shots(
    console: Console,
    hashed: Sequence[HashedImage],
    shots: Sequence["Cluster"],
    *,
    everything: bool,
) -> list[str]:
    """Say how many shots are no groups; returns a line for the log for each."""
    paths = [paths_in(hashed, cluster) for cluster in shots]
    console.facts["shots_left_out"] = paths
    if shots:
        lie, are = ("lies", "it is no group") if len(shots) == 1 else ("lie", "they are no groups")
        console.say(
            f"{counted(len(shots), 'shot')} {lie} as RAW and JPEG side by side and nothing else is "
            f"like {'it' if len(shots) == 1 else 'them'}; {are} (--show-shots)."
        )
    lines = [f"Shot, no group: {', '.join(map(to_line, members))}" for members in paths]
    for line in lines if everything else ():
        console.say(f"  {line}")
    return lines


def say_matched(console: Console, matched: Mapping[str, int]) -> None:
    if matched:
        views = ", ".join(f"{number:,} {view}" for view, number in sorted(matched.items()))
        console.say(f"Matched pairs, by what was compared: {views}.")


def paths_in(hashed: Sequence[HashedImage], cluster: "Cluster") -> list[str]:
    return [hashed[position].file.path for position in cluster.members]


def say_what_to_look_at(
    console: Console, colours: Sequence[bool], doubtful: Sequence[Sequence["Match"]]
) -> None:
    if any(colours):
        counts = counted(sum(colours), "group")
        console.say(f"Colour is not compared: in {counts} pictures differ only in it.")
    if any(doubtful):
        counts = counted(sum(map(bool, doubtful)), "group")
        links = counted(sum(map(len, doubtful)), "link")
        console.say(f"To be looked at closely: {counts} with {links} that only the model found.")


def say_groups(
    console: Console,
    groups: Sequence["Cluster"],
    paths: Sequence[Sequence[str]],
    *,
    everything: bool,
) -> list[str]:
    """Name each group, if everything is to be named; returns a line for each."""
    lines = []
    for number, (cluster, members) in enumerate(zip(groups, paths, strict=True), 1):
        lines.append(f"Group {number}: {counted(len(members), 'picture')}{why(cluster)}")
        for line in (lines[-1], *(f"  {to_line(path)}" for path in members)) if everything else ():
            console.say(line)
    return lines


def why(cluster: "Cluster") -> str:
    """What holds a group together: its weakest link, whether it is a burst or needs a look."""
    if not cluster.links:
        return ""
    weakest = cluster.links[-1]
    burst = "; a burst" if any(match.view == "burst" for match in cluster.links) else ""
    doubtful = sum(match.needs_a_look for match in cluster.links)
    look = f"; needs a look: {counted(doubtful, 'link')} by embedding only" if doubtful else ""
    return (
        f"; weakest link {weakest.view}, {weakest.distance} bits apart, "
        f"{weakest.measure} {weakest.correlation:.2f}{burst}{look}"
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
        match.measure: round(match.correlation, 3),
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
    taken: Mapping[str, Proven],
    *,
    everything: bool,
) -> None:
    saved = [result for result in results if isinstance(result, SavedCopy)]
    failed = failures(results)
    console.list_some("Copies that failed and are left out", failed, everything=everything)
    title = "Kept of the old result, as it changed meanwhile or may be all that is left"
    console.list_some(title, [to_line(path) for path in kept], everything=everything)
    console.facts.update(copied=len(saved), failed=failed, output_dir=paths.output_dir)
    if saved:
        say_what_was_copied(console, paths, saved, were_taken_over(saved, taken))
        if not has_extra("jinja2") and importlib.util.find_spec("extras"):
            console.say(f"For a contact sheet (report.html) {install_extras()}.")
    elif not results and not kept:
        console.say(f"So {to_line(paths.output_dir)} has no copies now.")


def say_what_was_copied(
    console: Console, paths: OutputPaths, saved: Sequence[SavedCopy], before: Sequence[SavedCopy]
) -> None:
    """Say what a result holds, and how much of it was there `before`."""
    size, old = (sum(copy.sizes[0] for copy in copies) for copies in (saved, before))
    previews = sum(copy.preview is not None for copy in saved)
    console.facts.update(previews=previews, taken_over=len(before), bytes_copied=size - old)
    shown = f" ({previews:,} as {'a preview' if previews == 1 else 'previews'})"
    begin = "In" if len(before) == len(saved) else "Copied to"
    of = "all" if len(before) == len(saved) else f"{len(before):,} of them"
    there = f"; {of} {'was' if len(before) == 1 else 'were'} there before"
    console.say(
        f"{begin} {to_line(paths.output_dir)}: {counted(len(saved), 'picture')}"
        f"{shown if previews else ''}, {megabytes(size)}{there if before else ''}."
    )
