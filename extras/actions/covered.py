"""Say whether all that some folders hold is in the library (INPUT_DIR) already. Changes nothing."""

import argparse
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import finder
from actions.console import Console, Item, bar, counted, facts_of, megabytes
from actions.result import paths_of
from config import Settings, UserError
from disk.files import ImageFile
from disk.lines import some_names, to_line
from extras import covering
from extras.covering import Contents, Cover, Covered
from finder import Skipped
from pictures import kinds
from pictures.formats import is_photo

NOT_THERE = "no file of the library has its bytes"
BY_PROGRAM = (
    "files are covered by, or lie on, a disk that a program shows (rclone, sshfs, a phone); "
    "make sure that it doesn't show the same files twice"
)


@dataclass(frozen=True, slots=True)
class Lists:
    """Each file of the folders in one of the lists."""

    identical: dict[str, Cover]
    missing: dict[str, str]  # and why


def run(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    """Say whether all that some folders hold is in the library already. Changes nothing."""
    folders = folders_of(arguments)
    finder.check_input(settings.input_dirs, settings.output_dir)
    inputs = inputs_outside(settings.input_dirs, folders)
    contents = covering.contents_of(folders)
    library, closed = library_of(settings, inputs, folders)
    found = covering.covered(
        contents.files, library, lambda paths: bar(paths, "Reading", len(paths), unit=" files")
    )
    lists = lists_of(contents, found)
    report(console, contents, lists, found, everything=arguments.verbose)
    console.say(f"The library: {counted(len(library), 'file')} in {names_of(inputs)}.")
    report_unseen(console, contents, found, closed, everything=arguments.verbose)
    if arguments.list:
        print_list(console, getattr(lists, arguments.list), folders[0], null=arguments.null)


def folders_of(arguments: argparse.Namespace) -> list[str]:
    """The folders that are asked about, absolute and real, none inside another."""
    given = [os.path.realpath(path) for path in arguments.photos]
    for folder in given:
        if not os.path.isdir(folder):
            raise UserError(f"{folder} is not a folder; check the path, or mount it.")
    outer = [f for f in dict.fromkeys(given) if not lies_in_any(f, [g for g in given if g != f])]
    if arguments.list and len(outer) > 1:
        raise UserError("--list names files by their paths in one folder; name one folder alone.")
    return outer


def lies_in_any(folder: str, others: Iterable[str]) -> bool:
    return any(finder.contains(other, folder) for other in others)


def inputs_outside(input_dirs: Sequence[str], folders: Sequence[str]) -> list[str]:
    """The library's folders outside of those that are asked about, which can't cover themselves."""
    outside = [folder for folder in input_dirs if not lies_in_any(folder, folders)]
    if not outside:
        raise UserError(
            f"INPUT_DIR {input_dirs[0]} lies in {folders[0]}, which can't cover itself; "
            "name a library elsewhere."
        )
    return outside


def library_of(
    settings: Settings, inputs: Sequence[str], folders: Sequence[str]
) -> tuple[list[ImageFile], list[Skipped]]:
    """The files that may cover others, and the folders that can't be listed."""
    paths = paths_of(settings)
    leave_out = [paths.output_dir, paths.staging_dir, paths.replaced_dir, *folders]
    walk = list(bar(finder.every_file(inputs, settings.exclude, leave_out), "Looking"))
    skipped = (found for found in walk if isinstance(found, Skipped))
    closed = [item for item in skipped if item.kind == finder.UNREADABLE_FOLDERS]
    return [found for found in walk if isinstance(found, ImageFile)], closed


def lists_of(contents: Contents, found: Covered) -> Lists:
    identical = {p: found.identical[p] for p in contents.files if p in found.identical}
    missing = {
        path: found.reasons.get(path, NOT_THERE)
        for path in contents.files
        if path not in found.identical
    }
    return Lists(identical, {**missing, **contents.lost})


# ---- What is said


def report(
    console: Console, contents: Contents, lists: Lists, found: Covered, *, everything: bool
) -> None:
    """Say how much is where, and name what is missing."""
    sizes = {path: status.st_size for path, status in contents.files.items()}
    rows = (
        ("identical", lists.identical, "the same bytes are in the library"),
        ("missing", lists.missing, "not in the library"),
    )
    for name, paths, what in rows:
        size = megabytes(sum(sizes.get(path, 0) for path in paths))
        console.say(
            f"{name.capitalize() + ':':14}{counted(len(paths), 'file'):>14}, {size}: {what}"
        )
    if lists.missing:
        of_kinds = Counter(kind_of(path) for path in lists.missing).most_common()
        console.say(f"Missing are: {', '.join(f'{kind} {n:,}' for kind, n in of_kinds)}.")
    missing = [Item(path, reason) for path, reason in lists.missing.items()]
    console.list_some("Missing", [item.line for item in missing], everything=everything)
    console.facts.update(
        identical=[
            {"path": path, "by": cover.path, "may_be_the_same": cover.may_be_the_same}
            for path, cover in lists.identical.items()
        ],
        missing=facts_of(missing),
    )
    if doubtful := [path for path, cover in found.identical.items() if cover.may_be_the_same]:
        console.warn_of(f"{len(doubtful):,} {BY_PROGRAM} ({some_names(doubtful)}).")


def report_unseen(
    console: Console,
    contents: Contents,
    found: Covered,
    closed: Sequence[Skipped],
    *,
    everything: bool,
) -> None:
    """Say what was not looked into, and what is in none of the lists."""
    apart = {
        "empty files": contents.empty,
        "files that systems make anew": contents.litter,
        "links": contents.links,
        "special files": contents.special,
    }
    if any(apart.values()):
        counts = ", ".join(f"{kind} {len(paths):,}" for kind, paths in apart.items() if paths)
        console.say(f"In none of the lists: {counts}{'.' if everything else ' (see --verbose).'}")
    for kind, paths in apart.items() if everything else ():
        for path in paths:
            console.say(f"  {kind}: {to_line(path)}")
    folders = [
        *(Item(path, reason) for path, reason in contents.closed.items()),
        *(Item(item.path, item.reason) for item in closed),
    ]
    lines = [item.line for item in folders]
    console.list_some("Folders that can't be looked into", lines, everything=everything)
    if found.unread:
        count = counted(len(found.unread), "file")
        console.say(f"{count} of the library can't be read: {some_names(list(found.unread))}.")
    console.facts.update(
        empty=contents.empty,
        litter=contents.litter,
        links=contents.links,
        special=contents.special,
        unreadable_folders=facts_of(folders),
        unreadable_in_library=facts_of(Item(p, r) for p, r in found.unread.items()),
    )


def print_list(console: Console, paths: Iterable[str], folder: str, *, null: bool) -> None:
    """Print the paths of a list as rsync --files-from reads them."""
    try:
        lines = list(covering.names_for_rsync(sorted(paths), folder, null=null))
    except ValueError as error:
        raise UserError(
            f"{to_line(str(error))} has a line break in its name, and no line can hold it; add "
            "--null, and --from0 for rsync."
        ) from error
    console.print_list(lines, b"\0" if null else b"\n")


def kind_of(path: str) -> str:
    """The kind of a file by its name, in the plural, to be counted."""
    if is_photo(path):
        return "photos"
    return kinds.kind_by_name(os.path.basename(path)) or kinds.OTHER_FILES


def names_of(folders: Iterable[str]) -> str:
    return ", ".join(map(to_line, folders))
