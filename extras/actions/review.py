"""Serve the page to look and choose, until it is ended there or with Ctrl-C."""

import argparse
import contextlib
import importlib.util
import os

from actions.console import Console, counted
from actions.next_command import install_extras, next_command
from actions.result import opened, paths_of
from actions.values import check_prefer
from config import Settings, UserError
from disk import system
from disk.lines import to_line
from disk.record import Manifest
from disk.result import Result

# The actions that the page names, with the options of which it speaks.
TOLD = (
    "check-deleted",
    "cleanup",
    "explain",
    "find",
    "find --preset crops",
    "find --show-kept",
    "review",
    "suggest",
)


def run(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    """Serve the page to look and choose, until it is ended there or with Ctrl-C."""
    check_prefer(settings.prefer)
    if importlib.util.find_spec("flask") is None:
        raise UserError(f"--action review needs Flask; {install_extras()}.")
    from extras.review.desk import Desk
    from extras.review.examiner import Examiner
    from extras.review.notes import Notes
    from extras.review.server import Server

    found = opened(paths_of(settings), settings.protect, arguments, console, may_be_sample=True)
    with found as result:
        pass  # while somebody looks, the lock is free
    with (
        contextlib.closing(Notes(settings.cache_file, console.warn)) as notes,
        contextlib.closing(Examiner(settings.workers, notes)) as examiner,
    ):
        desk = Desk(result, examiner, settings.prefer, settings.workers, settings.protect)
        server = Server(desk, arguments.port, commands_of(result, arguments))
        console.say(f"Look and choose at {server.address}")
        console.say("End it on the page or with Ctrl-C.")
        server.serve(None if arguments.no_browser or not system.has_desktop() else open_browser)
    if desk.is_stale():
        console.say(f"Ended. {to_line(settings.output_dir)} holds another result by now.")
        return
    removed = sum(not os.path.lexists(copy.copy) for copy in result.manifest.copies)
    console.say(f"Ended. Removed now: {counted(removed, 'copy')}.")
    if removed and not desk.is_sample:
        console.say(f"To list their originals: {next_command(arguments, 'check-deleted')}")
    console.facts.update(removed=removed)


def open_browser(path: str) -> None:
    """Open a file in the desktop's browser, which may take as long as somebody looks."""
    import threading
    import webbrowser
    from pathlib import Path

    threading.Thread(target=webbrowser.open, args=[Path(path).as_uri()], daemon=True).start()


def commands_of(result: Result, arguments: argparse.Namespace) -> dict[str, str]:
    """What to type to go on from here, wherever that is: by action, and its options of interest.

    Folders to prefer are chosen on the page, which adds them.
    """
    whole = argparse.Namespace(**vars(arguments))
    prefer, whole.PREFER = [os.path.abspath(folder) for folder in arguments.PREFER or ()], None
    if whole.OUTPUT_DIR is not None:
        whole.OUTPUT_DIR = result.paths.output_dir
    if whole.config:
        whole.config = os.path.abspath(whole.config)
    if result.manifest.objects:
        return commands_of_sample(result.manifest, whole)
    looked_into = ("--input-dir", *result.manifest.input_dirs)
    commands = {}
    for told in TOLD:
        action, *options = told.split()
        more = (*options, *(looked_into if action == "find" else ()))
        if action == "review":
            more = tuple(word for folder in prefer for word in ("--prefer", folder))
        commands[told] = next_command(whole, action, *more)
    return commands


def commands_of_sample(manifest: Manifest, arguments: argparse.Namespace) -> dict[str, str]:
    """The same for a sample of objects: what the rules would have go is listed beside it."""
    from extras.objects.places import url_of

    by_work = ("--work", manifest.objects)
    urls = ("--engine", "dask", *by_work, "--input-dir", *map(url_of, manifest.input_dirs))
    commands = {}
    for told in TOLD:
        action, *options = told.split()
        more = {"find": urls, "suggest": by_work, "cleanup": by_work}.get(action, ())
        commands[told] = next_command(arguments, action, *options, *more)
    return {**commands, "check-deleted": commands["suggest"]}
