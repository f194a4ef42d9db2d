"""Find similar photos, look at them in numbered folders, and delete the copies you don't want."""

import argparse
import contextlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

try:
    import config
except (NameError, SyntaxError, TypeError, ValueError) as error:  # people edit config.py
    mistake = f"config.py: {error}; put paths and words in quotes."
    print(f"error: {mistake}", file=sys.stderr)
    if "--json" in sys.argv:
        print(json.dumps({"schema": 1, "exit": 2, "error": mistake}))
    raise SystemExit(2) from None

import cleanup
import finder
import storage
from config import Exit, Settings, UserError
from storage import to_line

T = TypeVar("T")
SCHEMA = 1
SHOWN = 5  # examples of a kind that a summary names; the log has them all

# Flag, its name in config.py, its type, and its help.
VALUE_FLAGS: tuple[tuple[str, str, Callable[[str], object], str], ...] = (
    ("--input-dir", "INPUT_DIR", str, "a folder with photos; may be repeated"),
    ("--output-dir", "OUTPUT_DIR", str, "where the numbered folders go"),
    ("--info-file", "INFO_FILE", str, "the file in OUTPUT_DIR that maps originals to copies"),
    ("--to-delete-file", "TO_DELETE_FILE", str, "the file in OUTPUT_DIR that check-deleted writes"),
    ("--log-file", "LOG_FILE", str, "what was found and deleted, in OUTPUT_DIR or elsewhere"),
    ("--threshold", "THRESHOLD", int, "how different pictures of a group may be, in bits"),
    ("--hash-size", "HASH_SIZE", int, "the side of the hash; it has as many bits as its square"),
    ("--workers", "WORKERS", int, "pictures read at the same time; 0 is one for each core"),
    ("--exclude", "EXCLUDE", str, "one more pattern of folders to pass over; may be repeated"),
    ("--delete-mode", "DELETE_MODE", str, "trash or permanent: where cleanup sends originals"),
)


@dataclass(slots=True)
class Report:
    """What an action says: lines for people as they come, and the facts for --json."""

    json: bool
    facts: dict[str, Any] = field(default_factory=dict)
    code: Exit = Exit.DONE

    def say(self, line: str = "") -> None:
        print(line, file=sys.stderr if self.json else sys.stdout, flush=True)

    def list_some(self, title: str, lines: Sequence[str], *, everything: bool = False) -> None:
        """Name a few of what was kept, skipped or failed; it makes the exit code 1."""
        if not lines:
            return
        self.code = Exit.KEPT
        shown = lines if everything else lines[:SHOWN]
        self.say(f"{title} ({len(lines):,}):")
        for line in shown:
            self.say(f"  {line}")
        if len(shown) < len(lines):
            self.say(f"  ... and {len(lines) - len(shown):,} more, see the log or --verbose")

    def fail(self, message: str, code: Exit) -> None:
        """End with one line, whatever characters a path in it has."""
        line = re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda match: repr(match[0])[1:-1], message)
        print(f"error: {line}", file=sys.stderr)
        self.code = code
        self.facts["error"] = message


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise UserError(f"{message}; see --help.")


def parser(defaults: Mapping[str, object]) -> Parser:
    parser = Parser(prog="main.py", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--action",
        required=True,
        choices=ACTIONS,
        help="what to do; in this order, with your look at the folders after find",
    )
    for flag, name, convert, text in VALUE_FLAGS:
        repeatable = "append" if name in ("INPUT_DIR", "EXCLUDE") else "store"
        value = defaults[name]
        shown = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        parser.add_argument(
            flag,
            dest=name,
            type=convert,
            action=repeatable,
            help=f"{text} (default: {shown})".replace("%", "%%"),
            metavar=name,
        )
    switches = {
        "--dry-run": "find, cleanup: show what would be done, and do nothing",
        "--yes": "cleanup: delete without asking",
        "--discard-review": "find: replace a result whose deleted copies were not cleaned up",
        "--allow-whole-groups": "check-deleted, cleanup: also delete where all copies of a group"
        " are gone, so that no picture of it remains",
        "--json": "print one JSON object on stdout, messages on stderr",
        "--verbose": "name every file",
    }
    for flag, text in switches.items():
        parser.add_argument(flag, action="store_true", help=text)
    parser.add_argument("--version", action="version", version=f"%(prog)s {config.__version__}")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    wants_json = "--json" in (sys.argv if argv is None else argv)
    report = Report(wants_json)
    try:
        values = config.constants(vars(config))
        arguments = parser(values).parse_args(argv)
        settings = settings_of(arguments, values)
        report.facts["action"] = arguments.action
        ACTIONS[arguments.action](settings, arguments, report)
    except UserError as error:
        report.fail(str(error), error.code)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        report.fail(f"{place}{error.strerror or error}; mend that and run it again.", Exit.USAGE)
    except KeyboardInterrupt:
        report.code = Exit.INTERRUPTED
        report.facts["error"] = "interrupted"
        print("Interrupted. Run the same command again to go on.", file=sys.stderr)
    if report.json:
        facts = {"schema": SCHEMA, "exit": int(report.code), **report.facts}
        print(json.dumps(facts, indent=1))  # ASCII, so that any terminal or pipe can hold it
    return int(report.code)


def settings_of(arguments: argparse.Namespace, values: Mapping[str, object]) -> Settings:
    """config.py's values, as overridden by flags; a flag's folder is relative to where one is."""
    merged = dict(values)
    base = os.path.dirname(os.path.abspath(config.__file__))
    for _, name, _, _ in VALUE_FLAGS:
        given = getattr(arguments, name)
        if given is None:
            continue
        if name == "INPUT_DIR":
            given = [os.path.abspath(os.path.expanduser(folder)) for folder in given if folder]
        elif name == "OUTPUT_DIR" and given:
            given = os.path.abspath(os.path.expanduser(given))
        elif name == "EXCLUDE":
            given = [*values[name], *given]  # type: ignore[misc]
        merged[name] = given
    return config.settings_from(merged, base)


def bar(
    items: Iterable[T], what: str, total: int | None = None, unit: str = " photos"
) -> Iterable[T]:
    """A progress bar on a terminal, nothing elsewhere."""
    from tqdm import tqdm

    bar: Iterable[T] = tqdm(items, what, total, unit=unit, disable=None, leave=False)
    return bar


# ---- find


def find(settings: Settings, arguments: argparse.Namespace, report: Report) -> None:
    config.check_input(settings)
    if arguments.dry_run:
        find_groups(settings, arguments, report)
        report.say("Dry run: nothing was copied.")
        return
    with storage.locked(settings.output_dir):
        recover(settings, report)
        storage.check_replaceable(
            settings,
            discard_review=arguments.discard_review,
            watch=lambda paths: bar(paths, "Checking the old result", unit=" copies"),
        )
        copies, log = find_groups(settings, arguments, report)
        storage.check_space(copies, settings.output_dir)
        try:
            with storage.staging(settings, copies):
                results, kept = save(settings, copies, log)
        except OSError as error:
            message = f"can't write {error.filename or settings.output_dir}: {error.strerror}"
            raise UserError(f"{message}; the result before this run still stands.") from error
        report_saved(settings, results, kept, report, arguments)


def find_groups(
    settings: Settings, arguments: argparse.Namespace, report: Report
) -> tuple[tuple[storage.SavedCopy, ...], list[str]]:
    """Walk, hash and cluster; returns the copies to make and the lines for the log."""
    import grouping

    leave_out = [settings.output_dir, storage.staging_dir(settings.output_dir)]
    leave_out.append(storage.replaced_dir(settings.output_dir))
    walked = list(bar(finder.walk(settings.input_dirs, settings.exclude, leave_out), "Looking"))
    files = [found for found in walked if isinstance(found, finder.ImageFile)]
    results = list(
        bar(
            finder.hash_files(files, settings.hash_size, settings.workers),
            "Hashing",
            total=len(files),
        )
    )
    # Workers finish in any order; the order of the walk is the one that counts.
    by_path = {result.file.path: result for result in results}
    ordered = [by_path[file.path] for file in files]
    hashed = [result for result in ordered if isinstance(result, finder.HashedImage)]
    groups = grouping.cluster(
        [image.digest for image in hashed], [image.hash for image in hashed], settings.threshold
    )
    pictures = [[hashed[position] for position in group] for group in groups]
    copies = storage.plan_copies(pictures, settings.output_dir)
    unreadable = [r for r in (*walked, *ordered) if isinstance(r, finder.Unreadable)]
    skipped = [found for found in walked if isinstance(found, finder.SkippedFolder)]
    links = [found.path for found in walked if isinstance(found, finder.HardLink)]
    log = report_found(report, arguments, hashed, unreadable, skipped, links)
    report_groups(report, arguments, pictures)
    return copies, log


def report_found(
    report: Report,
    arguments: argparse.Namespace,
    hashed: Sequence[finder.HashedImage],
    unreadable: Sequence[finder.Unreadable],
    skipped: Sequence[finder.SkippedFolder],
    links: Sequence[str],
) -> list[str]:
    found = len(hashed) + len(unreadable)
    exact = sum(image.hash is None for image in hashed)
    summary = (
        f"Found {counted(found, 'photo')}: {len(hashed):,} hashed, {len(unreadable):,} unreadable."
    )
    report.say(summary)
    if exact:
        report.say(f"{exact:,} without detail or with several pages match identical files only.")
    if links:
        report.say(f"{len(links):,} more paths lead to the same files (hard links).")
    unreadable_lines = [f"{to_line(item.file.path)}: {item.reason}" for item in unreadable]
    skipped_lines = [f"{to_line(item.path)}: {item.reason}" for item in skipped]
    report.list_some("Unreadable files", unreadable_lines, everything=arguments.verbose)
    report.list_some("Unreadable folders", skipped_lines, everything=arguments.verbose)
    report.facts.update(
        found=found,
        hashed=len(hashed),
        unreadable=[{"path": item.file.path, "reason": item.reason} for item in unreadable],
        skipped_folders=[{"path": item.path, "reason": item.reason} for item in skipped],
        hard_links=list(links),
    )
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    return [
        f"{now} find: {summary}",
        *(f"Unreadable file: {line}" for line in unreadable_lines),
        *(f"Unreadable folder: {line}" for line in skipped_lines),
    ]


def report_groups(
    report: Report, arguments: argparse.Namespace, groups: Sequence[Sequence[finder.HashedImage]]
) -> None:
    pictures = sum(map(len, groups))
    report.say(f"{counted(len(groups), 'group')} of similar pictures: {pictures:,} of them.")
    for number, group in enumerate(groups, 1) if arguments.verbose else ():
        report.say(f"  {number}:")
        for image in group:
            report.say(f"    {to_line(image.file.path)}")
    report.facts["groups"] = [[image.file.path for image in group] for group in groups]


def save(
    settings: Settings, copies: Sequence[storage.SavedCopy], log: Sequence[str]
) -> tuple[list[storage.SavedCopy | storage.FailedCopy], list[str]]:
    """Copy and put in place; returns the results and what was kept of the old result."""
    results = list(bar(storage.copy_all(settings, copies), "Copying", total=len(copies)))
    saved = [result for result in results if isinstance(result, storage.SavedCopy)]
    log = [*log, *(f"Failed copy: {line}" for line in failures(results))]
    return results, storage.commit(settings, saved, log)


def failures(results: Iterable[storage.SavedCopy | storage.FailedCopy]) -> list[str]:
    return [
        f"{to_line(result.copy.original.path)}: {result.reason}"
        for result in results
        if isinstance(result, storage.FailedCopy)
    ]


def report_saved(
    settings: Settings,
    results: Sequence[storage.SavedCopy | storage.FailedCopy],
    kept: Sequence[str],
    report: Report,
    arguments: argparse.Namespace,
) -> None:
    saved = [result for result in results if isinstance(result, storage.SavedCopy)]
    failed = failures(results)
    report.list_some("Copies that failed and are left out", failed, everything=arguments.verbose)
    title = "Files of the old result that changed meanwhile and were set aside"
    report.list_some(title, [to_line(path) for path in kept], everything=arguments.verbose)
    report.facts.update(copied=len(saved), failed=failed, output_dir=settings.output_dir)
    if saved:
        size = sum(copy.original.size for copy in saved)
        report.say(
            f"Copied to {settings.output_dir}: {counted(len(saved), 'picture')}, {megabytes(size)}."
        )
        report.say("Look there, delete the copies you don't want, then run --action check-deleted.")


def megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "copy"), counted(2000, "copy"), counted(0, "photo")
    ('1 copy', '2,000 copies', '0 photos')
    """
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"


def recover(settings: Settings, report: Report) -> None:
    """Put in order what an interrupted run has left."""
    storage.recover(settings.output_dir)
    try:
        manifest = storage.load_manifest(settings.output_dir)
    except storage.BROKEN_MANIFEST:
        return  # find replaces it or refuses, the other actions refuse
    for restored in cleanup.restore_set_aside(manifest):
        if isinstance(restored, cleanup.Kept):
            report.list_some("Not put back", [f"{to_line(restored.path)}: {restored.reason}"])
        else:
            line = f"Restored file: {to_line(restored)}"
            storage.append_lines(settings.log_file, [line])
            report.say(f"{line} (an earlier cleanup was interrupted)")


# ---- check-deleted


@contextlib.contextmanager
def opened(settings: Settings, report: Report) -> Iterator[storage.Manifest]:
    """Hold the lock on a result that can be trusted; UserError if there is none."""
    if not os.path.isdir(os.path.dirname(settings.output_dir)):
        message = f"OUTPUT_DIR {settings.output_dir} is missing; mount it, or run --action find."
        raise UserError(message, Exit.STATE)
    with storage.locked(settings.output_dir):
        recover(settings, report)
        yield storage.read_manifest(settings)


def check_deleted(settings: Settings, arguments: argparse.Namespace, report: Report) -> None:
    with opened(settings, report) as manifest:
        culled = cleanup.review(manifest, settings.output_dir)
        listed = [*culled.deleted, *(culled.whole_groups if arguments.allow_whole_groups else ())]
        originals = [c.original.path for c in manifest.copies if c in set(listed)]
        present = [path for path in originals if os.path.lexists(path)]
        storage.write_to_delete(settings.to_delete_file, present)
    report.say(f"Listed in {settings.to_delete_file}: {counted(len(present), 'original')}.")
    if len(present) < len(originals):
        report.say(f"Gone already: {counted(len(originals) - len(present), 'original')}.")
    if culled.moved:
        report.say(f"Moved, renamed or edited, so they stay: {counted(len(culled.moved), 'copy')}.")
    if present:
        report.say("Look at the list, then run --action cleanup.")
    if culled.whole_groups and not arguments.allow_whole_groups:
        numbers = sorted({c.group for c in culled.whole_groups})
        title = "Groups of which every copy is gone; their originals stay (--allow-whole-groups)"
        report.list_some(title, [str(n) for n in numbers], everything=arguments.verbose)
    report.facts.update(
        to_delete=present,
        moved=[c.original.path for c in culled.moved],
        whole_groups=sorted({c.group for c in culled.whole_groups}),
    )


# ---- cleanup


def clean_up(settings: Settings, arguments: argparse.Namespace, report: Report) -> None:
    whole = arguments.allow_whole_groups
    with opened(settings, report) as manifest:
        listed = storage.read_to_delete(settings.to_delete_file)
        culled = cleanup.review(manifest, settings.output_dir)
        plan = cleanup.plan_deletions(listed, manifest, culled, whole_groups=whole)
        report_plan(report, plan, settings)
        if arguments.dry_run:
            report.say("Dry run: nothing was deleted.")
            return
        if plan.delete and not arguments.yes and not confirmed(len(plan.delete)):
            report.say("Nothing was deleted.")
            report.code = Exit.KEPT
            return
        # The person may have looked at the folders again before answering.
        culled = cleanup.review(manifest, settings.output_dir)
        judge = cleanup.Judge(manifest, frozenset(listed), culled, whole_groups=whole)
        remove = cleanup.trash if settings.delete_mode == "trash" else cleanup.unlink
        done = cleanup.execute(plan, judge, settings.log_file, remove)
        results = list(bar(done, "Deleting", total=len(plan.delete)))
    report_deleted(report, results)


def report_plan(report: Report, plan: cleanup.Plan, settings: Settings) -> None:
    size = sum(copy.original.size for copy in plan.delete)
    how = "send to the trash" if settings.delete_mode == "trash" else "delete for good"
    report.say(f"To {how}: {counted(len(plan.delete), 'original')}, {megabytes(size)}.")
    if plan.gone:
        report.say(f"Gone already: {counted(len(plan.gone), 'original')}.")
    refused = [f"{to_line(kept.path)}: {kept.reason}" for kept in plan.refused]
    report.list_some("Kept", refused, everything=True)
    sidecars = cleanup.orphaned_sidecars(copy.original.path for copy in plan.delete)
    if sidecars:
        report.say(f"Left without their photo ({len(sidecars):,}):")
    for path in sidecars:
        report.say(f"  {to_line(path)}")
    report.facts.update(
        delete=[copy.original.path for copy in plan.delete],
        kept=[{"path": kept.path, "reason": kept.reason} for kept in plan.refused],
        gone=list(plan.gone),
        sidecars=sidecars,
        bytes=size,
    )


def confirmed(count: int) -> bool:
    """Ask on a terminal; a script that runs cleanup has been asked by who wrote it."""
    if not sys.stdin.isatty():
        return True
    print(f"Delete {counted(count, 'original')}? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def report_deleted(report: Report, results: Sequence[cleanup.Deleted | cleanup.Kept]) -> None:
    deleted = [result for result in results if isinstance(result, cleanup.Deleted)]
    kept = [result for result in results if isinstance(result, cleanup.Kept)]
    freed = sum(result.freed for result in deleted)
    report.say(f"Deleted: {counted(len(deleted), 'original')}, {megabytes(freed)} freed.")
    lines = [f"{to_line(item.path)}: {item.reason}" for item in kept]
    report.list_some("Kept after all", lines, everything=True)
    report.facts.update(deleted=[item.path for item in deleted], freed=freed)
    report.facts["kept"] += [{"path": item.path, "reason": item.reason} for item in kept]


ACTIONS: dict[str, Callable[[Settings, argparse.Namespace, Report], None]] = {
    "find": find,
    "check-deleted": check_deleted,
    "cleanup": clean_up,
}

if __name__ == "__main__":
    raise SystemExit(main())
