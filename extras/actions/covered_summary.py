"""What covered says of the files of some folders: in which list each is, and by what."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from actions.console import Console, Item, counted, facts_of, megabytes
from config import UserError
from disk.lines import some_names, to_line
from disk.places import Surroundings
from extras import covering
from extras.alike import Likeness
from extras.covering import Contents, Cover
from finder import Skipped
from pictures import kinds
from pictures.formats import is_photo

BY_PROGRAM = (
    "on a disk that a program shows (rclone, sshfs, a phone), or covered from one; make sure that "
    "it doesn't show the same files twice"
)


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
            ("Same picture", self.same_picture, "only what is said of it differs (EXIF, XMP, ...)"),
            ("Similar", self.similar, "a picture of the library is like it; look yourself"),
            ("Missing", self.missing, "not in the library"),
        )


def report(console: Console, contents: Contents, lists: Lists, *, everything: bool) -> None:
    """Say how much is in which list, and name what isn't identical."""
    sizes = {path: status.st_size for path, status in contents.files.items()}
    for name, paths, what in lists.rows():
        size = megabytes(sum(sizes.get(path, 0) for path in paths))
        console.say(f"{name + ':':14}{counted(len(paths), 'file'):>14}, {size:>12}: {what}")
    if lists.missing:
        of_kinds = Counter(kind_of(path) for path in lists.missing).most_common()
        console.say(f"Missing are: {', '.join(f'{kind} {n:,}' for kind, n in of_kinds)}.")
        say_of_places(console, lists.missing)
    same = [f"{to_line(path)}: as {to_line(by)}" for path, by in lists.same_picture.items()]
    console.list_some("Same picture", same, everything=everything)
    similar = [f"{to_line(p)}: {to_line(s.path)} ({s})" for p, s in lists.similar.items()]
    console.list_some("Similar", similar, everything=everything)
    missing = [Item(path, reason) for path, reason in lists.missing.items()]
    console.list_some("Missing", [item.line for item in missing], everything=everything)
    console.facts.update(
        identical=[
            {"path": path, "by": cover.path, "may_be_the_same": cover.may_be_the_same}
            for path, cover in lists.identical.items()
        ],
        same_picture=[{"path": path, "by": by} for path, by in lists.same_picture.items()],
        similar=[{"path": path, **likeness.facts} for path, likeness in lists.similar.items()],
        missing=facts_of(missing),
    )
    if doubtful := [path for path, cover in lists.identical.items() if cover.may_be_the_same]:
        files = counted(len(doubtful), "identical file")
        console.warn_of(f"{files} {BY_PROGRAM} ({some_names(doubtful)}).")


def say_of_places(console: Console, missing: Iterable[str]) -> None:
    """Say how much of what is missing lies in trashes, preview caches and the like."""
    surroundings = Surroundings()
    places = (surroundings.place_of(os.path.dirname(path)) for path in missing)
    of_places = Counter(place.kinds for place in places if place)
    console.facts["missing_in_places"] = dict(of_places)
    if of_places:
        counts = ", ".join(f"in {kinds} {number:,}" for kinds, number in of_places.most_common())
        console.say(f"Of these lie where other programs keep their own: {counts}.")


def report_apart(console: Console, contents: Contents, *, everything: bool) -> None:
    """Say what is in none of the lists, as it holds nothing of its own."""
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
    console.facts.update(
        empty=contents.empty,
        litter=contents.litter,
        links=contents.links,
        special=contents.special,
    )


def report_unread(
    console: Console,
    contents: Contents,
    closed: Sequence[Skipped],
    unread: Mapping[str, str],
    *,
    everything: bool,
) -> None:
    """Name the folders that nobody could look into, and the files of the library, too."""
    folders = [
        *(Item(path, reason) for path, reason in contents.closed.items()),
        *(Item(item.path, item.reason) for item in closed),
    ]
    lines = [item.line for item in folders]
    console.list_some("Folders that can't be looked into", lines, everything=everything)
    if unread:
        count = counted(len(unread), "file")
        console.say(f"{count} of the library can't be read: {some_names(list(unread))}.")
    console.facts.update(
        unreadable_folders=facts_of(folders),
        unreadable_in_library=facts_of(Item(path, reason) for path, reason in unread.items()),
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
