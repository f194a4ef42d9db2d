"""What covered says of the files of some folders: in which list each is, and by what."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from actions.console import Console, Item, counted, facts_of, megabytes
from config import UserError
from disk import system
from disk.lines import to_line
from disk.places import Surroundings
from extras import covering
from extras.alike import Likeness
from extras.covering import Contents, Cover
from finder import Skipped
from pictures import kinds
from pictures.formats import is_photo

WIDTH = 80
BY_PROGRAM = "Shown by a program (rclone, sshfs, a phone), so it may be one file twice"


@dataclass(frozen=True, slots=True)
class Lists:
    """Each file of the folders in one of the lists, with what covers it, or why nothing does."""

    identical: Mapping[str, Cover]
    same_picture: Mapping[str, str]
    similar: Mapping[str, Likeness]
    missing: Mapping[str, str]

    def rows(self) -> tuple[tuple[str, Mapping[str, object], str], ...]:
        """What the lists are called, have, and mean."""
        return (
            ("Identical", self.identical, "the same bytes are in the library"),
            ("Same picture", self.same_picture, "only EXIF, XMP or the like differs"),
            ("Similar", self.similar, "like a picture there; look yourself"),
            ("Missing", self.missing, "not in the library"),
        )


def report(console: Console, contents: Contents, lists: Lists, *, everything: bool) -> None:
    """Say how much is in which list, and name what isn't identical."""
    say_sizes(console, contents, lists)
    if lists.missing:
        of_kinds = Counter(kind_of(path) for path in lists.missing).most_common()
        say_counts(console, "Missing are", dict(of_kinds))
        say_of_places(console, lists.missing)
    same = [f"{to_line(path)}: as {to_line(by)}" for path, by in lists.same_picture.items()]
    console.list_some("Same picture", same, everything=everything)
    similar = [f"{to_line(p)}: {to_line(s.path)} ({s})" for p, s in lists.similar.items()]
    console.list_some("Similar", similar, everything=everything)
    missing = [Item(path, reason) for path, reason in lists.missing.items()]
    console.list_some("Missing", [item.line for item in missing], everything=everything)
    console.facts.update(**facts_of_covers(lists), missing=facts_of(missing))
    doubtful = [item for item in lists.identical.items() if item[1].may_be_the_same]
    lines = [f"{to_line(path)}: as {to_line(cover.path)}" for path, cover in doubtful]
    console.list_some(BY_PROGRAM, lines, everything=everything)


def say_sizes(console: Console, contents: Contents, lists: Lists) -> None:
    """Say how many files and how many bytes are in each list."""
    sizes = {path: status.st_size for path, status in contents.files.items()}
    for name, paths, what in lists.rows():
        size = megabytes(sum(sizes.get(path, 0) for path in paths))
        console.say(f"{name + ':':14}{counted(len(paths), 'file'):>14}, {size:>12}: {what}")


def facts_of_covers(lists: Lists) -> dict[str, list[dict[str, object]]]:
    """What --json says of the lists of what is in the library: each file and what covers it."""
    return {
        "identical": [
            {"path": path, "by": cover.path, "may_be_the_same": cover.may_be_the_same}
            for path, cover in lists.identical.items()
        ],
        "same_picture": [{"path": path, "by": by} for path, by in lists.same_picture.items()],
        "similar": [{"path": path, **s.facts} for path, s in lists.similar.items()],
    }


def say_counts(console: Console, title: str, counts: Mapping[str, int], end: str = ".") -> None:
    """Say how much there is of some kinds, if there is any, in lines that fit a terminal."""
    words = [f" {kind} {number:,}" for kind, number in counts.items() if number]
    line = f"{title}:"
    for number, word in enumerate(words, 1):
        word += "," if number < len(words) else end
        if len(line) + len(word) > WIDTH:
            console.say(line)
            line = " "
        line += word
    if words:
        console.say(line)


def say_of_places(console: Console, missing: Iterable[str]) -> None:
    """Say how much of what is missing lies in trashes, preview caches and the like."""
    surroundings = Surroundings()
    places = (surroundings.place_of(os.path.dirname(path)) for path in missing)
    of_places = Counter(place.kinds for place in places if place)
    console.facts["missing_in_places"] = dict(of_places)
    say_counts(console, "Of these in other programs' places", dict(of_places.most_common()))


def report_apart(console: Console, contents: Contents, *, everything: bool) -> None:
    """Say what is in none of the lists, as it holds nothing of its own."""
    apart = {
        "empty files": contents.empty,
        "files that systems make anew": contents.litter,
        "links": contents.links,
        "special files": contents.special,
    }
    counts = {kind: len(paths) for kind, paths in apart.items()}
    say_counts(console, "In none of the lists", counts, end_of(everything=everything))
    for kind, paths in apart.items() if everything else ():
        for path in paths:
            console.say(f"  {kind}: {to_line(path)}")
    console.facts.update(
        empty=contents.empty,
        litter=contents.litter,
        links=contents.links,
        special=contents.special,
    )


def end_of(*, everything: bool) -> str:
    """What stands behind counts: where to see what they count, if it isn't named anyway."""
    return "." if everything else " (see --verbose)."


def warn_of_nothing(console: Console, contents: Contents, folders: Sequence[str]) -> None:
    """Warn of folders in which no file is, as that of a disk that isn't mounted."""
    there = [*contents.files, *contents.lost, *contents.closed]
    nothing = [f for f in folders if not any(system.lies_in(path, f) for path in there)]
    console.facts["nothing_in"] = nothing
    for folder in nothing:
        console.warn_of(f"no file with content lies in {to_line(folder)}; is it mounted?")


def report_closed(
    console: Console, own: Mapping[str, str], library: Mapping[str, str], *, everything: bool
) -> None:
    """Name the folders that nobody could look into, on both sides, with the reasons."""
    for title, closed in (
        ("Folders that can't be looked into; what they hold is in no list", own),
        ("Folders of the library that can't be looked into; they cover nothing", library),
    ):
        lines = [Item(path, reason).line for path, reason in closed.items()]
        console.list_some(title, lines, everything=everything)
    folders = [*own.items(), *library.items()]
    console.facts["unreadable_folders"] = facts_of(Item(*folder) for folder in folders)


def report_library(
    console: Console,
    passed_over: Sequence[Skipped],
    unread: Mapping[str, str],
    not_compared: Mapping[str, str],
    too_small: Mapping[str, int],
    *,
    everything: bool,
) -> None:
    """Say what of the library covers nothing, or nothing but its very bytes, and why."""
    for title, files in (
        ("Files of the library that can't be read; they may cover something", unread),
        ("Photos of the library that can't be compared", not_compared),
    ):
        lines = [Item(path, reason).line for path, reason in files.items()]
        console.list_some(title, lines, everything=everything)
    say_counts(console, "Too small to be compared", too_small)
    kinds_of = Counter(item.kind for item in passed_over)
    end = end_of(everything=everything)
    say_counts(console, "Passed over in the library, so covering nothing", kinds_of, end)
    for item in passed_over if everything else ():
        console.say(f"  {item.kind}: {to_line(item.path)}")
    console.facts.update(
        unreadable_in_library=facts_of(Item(*file) for file in unread.items()),
        not_compared_in_library=facts_of(Item(*file) for file in not_compared.items()),
        too_small_in_library=dict(too_small),
        passed_over_in_library=dict(kinds_of),
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
