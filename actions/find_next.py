"""What find says where nobody named a folder, what could be gained, and how a person goes on."""

import argparse
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import finder
from actions import find_summary
from actions.configuration import samples
from actions.console import Console, megabytes
from actions.next_command import next_command
from config import UserError
from disk.lines import to_line
from disk.record import SavedCopy
from disk.system import has_desktop
from pictures import formats
from pictures.images import HashedImage

if TYPE_CHECKING:
    import storage
    from grouping import Cluster


def check_folders(
    console: Console, arguments: argparse.Namespace, input_dirs: Sequence[str], output_dir: str
) -> None:
    """Refuse folders that find can't search, and say where these are only the samples."""
    if arguments.INPUT_DIR is None and list(input_dirs) == [samples()]:
        own = f"{arguments.program} --action find ~/Pictures --output-dir ~/similar"
        if not os.path.isdir(samples()):
            raise UserError(f"no folder is named; name yours, as in {own}")
        if console.is_on_terminal():
            console.say("No folder is named, so these are the sample photos.")
            console.say(f"For your own: {own}")
    finder.check_input(input_dirs, output_dir)


def report_gain(
    console: Console, images: Sequence[HashedImage], groups: Sequence["Cluster"]
) -> None:
    """Say how many bytes could be freed, if one picture of each group stayed."""
    gains = [gain_of([images[n] for n in cluster.members]) for cluster in groups]
    identical, similar = (sum(gain[n] for gain in gains) for n in (0, 1))
    console.facts["gain"] = {"identical_bytes": identical, "similar_bytes": similar}
    if groups:
        console.say(
            f"Could be freed: {megabytes(identical)} in identical files, up to"
            f" {megabytes(similar)} in similar ones."
        )


def gain_of(pictures: Iterable[HashedImage]) -> tuple[int, int]:
    """The bytes of a group in files that are there twice, and in all others but the largest."""
    sizes: dict[str, int] = {}
    identical = 0
    for picture in pictures:
        if picture.digest in sizes:
            identical += picture.file.size
        sizes[picture.digest] = picture.file.size
    return identical, sum(sizes.values()) - max(sizes.values())


def say_next(
    console: Console,
    arguments: argparse.Namespace,
    output_dir: str,
    results: Iterable["SavedCopy | storage.FailedCopy"],
) -> None:
    """Say how a person goes on with a result, if it has copies."""
    if saved := [result for result in results if isinstance(result, SavedCopy)]:
        say_what_shows_them(console, arguments, saved)
        command = next_command(arguments, "keep", "NUMBER...")
        console.say(f"To have find leave out what belongs side by side: {command}")
        command = next_command(arguments, "check-deleted")
        where = to_line(output_dir)
        console.say(f"Look into {where}, delete the copies you don't want, then run: {command}")


def say_what_shows_them(
    console: Console, arguments: argparse.Namespace, saved: Iterable[SavedCopy]
) -> None:
    """Say where to look at copies in the browser: if there is one, or file managers may not do."""
    found = {formats.by_ending(copy.copy) for copy in saved}
    review = next_command(arguments, "review")
    if names := [form.name for form in formats.FORMATS if form.needs and form in found]:
        console.say(
            f"Where a file manager doesn't show {formats.listed(names)}: report.html, or {review}"
        )
    elif find_summary.has_extra("flask") and (has_desktop() or console.is_on_terminal()):
        console.say(f"To look at them in the browser: {review}")
