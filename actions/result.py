"""A result that can be trusted, opened once and under the lock."""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence

from actions.console import Console, asked, counted
from actions.protecting import warn_of_protection
from config import Exit, Settings, UserError
from disk import recovery, removal, signature
from disk.files import append_lines
from disk.lines import to_line
from disk.output_lock import check_unlocked, locked
from disk.record import Manifest, check_signed, is_signed, reach_of, write_manifest
from disk.removal import Kept
from disk.result import Opened, OutputPaths, Result, open_result, proven


def paths_of(settings: Settings) -> OutputPaths:
    """The output folder of some settings, and where the files of ours are in it."""
    return OutputPaths(
        settings.output_dir, settings.info_file, settings.to_delete_file, settings.log_file
    )


def why_unsigned() -> str:
    """Make this user's key; returns why there is none to sign a result with, or nothing."""
    try:
        signature.make_key()
    except OSError as error:
        place = error.filename or signature.key_path() or "a key"
        return (
            f"{place} can't be written ({error.strerror}), so the result is not signed, and each "
            "action on it needs --trust-result; set XDG_STATE_HOME to a folder that you can write."
        )
    return ""


def recover(paths: OutputPaths, console: Console) -> Opened:
    """What lies in OUTPUT_DIR, once what an interrupted run has left is put in order."""
    opened = recovery.recover(paths)
    if isinstance(opened, Result) and any_set_aside(opened) and is_signed(opened.manifest):
        put_back(opened, console)
    return opened


def any_set_aside(result: Result) -> bool:
    """Whether an interrupted cleanup has set aside an original of a result, or a companion."""
    return next(removal.set_aside_of(result.manifest), None) is not None


def put_back(result: Result, console: Console) -> None:
    """Give the originals their names again that an interrupted cleanup has set aside."""
    for restored in removal.restore_set_aside(result.manifest):
        if isinstance(restored, Kept):
            console.list_some("Not put back", [f"{to_line(restored.path)}: {restored.reason}"])
        else:
            line = f"Restored file: {to_line(restored)}"
            append_lines(result.paths.log_file, [line])
            console.say(f"{line} (an earlier cleanup was interrupted)")


def ask_for_trust(result: Result, arguments: argparse.Namespace, console: Console) -> None:
    """Show what a result would reach that this user's key has not signed, ask, and sign it.

    Raises UserError if it isn't trusted.
    """
    if is_signed(result.manifest):
        return
    reach = reach_of(result.manifest)
    console.tell(f"Not signed with your key: {to_line(result.paths.output_dir)}")
    console.tell(f"It reaches {counted(sum(reach.values()), 'original')} in these folders:")
    for folder, count in reach.items():
        console.tell(f"  {to_line(folder)}: {count:,}")
    console.facts["reach"] = reach
    if not arguments.yes:
        if sys.stdin is None or not sys.stdin.isatty():
            raise UserError("nobody is there to be asked; look at the folders, then add --yes.")
        if not asked("Trust it from now on?"):
            raise UserError("the result is not trusted, and nothing was changed.", Exit.STATE)
    if not arguments.dry_run:
        console.warn_of(why_unsigned())
        write_manifest(result.paths.output_dir, result.manifest)
        put_back(result, console)


def check_of_files(manifest: Manifest, output_dir: str) -> None:
    """Refuse a sample of objects, which is there to be looked at. Changes nothing on disk."""
    if manifest.objects:
        raise UserError(
            f"{output_dir} shows a sample of objects, and nothing is chosen or deleted by it; use "
            f"--action suggest --work {manifest.objects} and then --action cleanup with it."
        )


@contextlib.contextmanager
def opened(
    paths: OutputPaths,
    protect: Sequence[str],
    arguments: argparse.Namespace,
    console: Console,
    *,
    may_be_sample: bool = False,
) -> Iterator[Result]:
    """Hold the lock on a result that can be trusted; UserError if there is none."""
    remedy = "mount it, or run --action find"
    with held(paths, console, remedy, dry_run=arguments.dry_run) as found:
        result = proven(found)
        if not may_be_sample:
            check_of_files(result.manifest, paths.output_dir)
        if arguments.trust_result:
            ask_for_trust(result, arguments, console)
        else:
            check_signed(result.manifest, paths.output_dir)
        warn_of_protection(console, result.manifest, protect)
        yield result


@contextlib.contextmanager
def held(paths: OutputPaths, console: Console, remedy: str, *, dry_run: bool) -> Iterator[Opened]:
    """Hold the lock of OUTPUT_DIR, with what lies in it; UserError with the remedy if it can't be.

    A dry run only looks whether another run has the lock, and leaves what was interrupted.
    """
    folder = paths.output_dir
    if not os.path.isdir(os.path.dirname(folder)):
        raise UserError(f"OUTPUT_DIR {folder} is missing; {remedy}.", Exit.STATE)
    if dry_run:
        check_unlocked(folder)
        yield open_result(paths)
    else:
        with locked(folder):
            yield recover(paths, console)
