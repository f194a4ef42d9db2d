"""Find similar pictures and copy each group into a numbered folder."""

import argparse
import contextlib
import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import finder
import storage
from actions.console import Console, bar
from actions.decided import decisions_of_person
from actions.engines import Engine, engine_of
from actions.find_groups import Chosen, chosen_groups, report_not_shown
from actions.find_next import check_folders, report_gain, say_next
from actions.find_photos import (
    Searched,
    large_enough,
    memory_of,
    path_of,
    searched,
    surveyed,
    walk_through,
)
from actions.find_sheet import Drawing, draw_sheet, sheets
from actions.find_summary import (
    failures,
    report_found,
    report_groups,
    report_saved,
    report_sides,
)
from actions.previews import (
    PREVIEW,
    MakePreviews,
    check_key,
    in_workers,
    say_what_previews_save,
    with_old_previews,
)
from actions.protecting import warn_of_unused
from actions.result import ask_for_trust, paths_of, recover, why_unsigned
from config import Settings, UserError
from disk.files import check_log, is_url
from disk.known_bad import KnownBad, known_bad, line_of
from disk.lines import to_line
from disk.output_lock import locked
from disk.protection import Protected
from disk.record import Link, Manifest, SavedCopy, is_signed
from disk.replaceable import check_last_copies, check_replaceable, check_still_replaceable
from disk.result import Opened, OutputPaths, Result, look_again, open_result
from disk.room import check_not_full, check_space, may_share
from disk.taking_over import Proven, plan_take_over
from pictures import methods
from pictures.by_name import of_extras
from pictures.garbage import rare_collections
from pictures.images import HashedImage, Holding
from pictures.preview_files import usual_bytes
from pictures.store import opened as opened_store

if TYPE_CHECKING:
    from grouping import Cluster

PACKAGES = "extras.cluster.installed:check_packages"  # whether those are there that it needs
OF_OBJECTS = "extras.actions.find_objects:run"  # photos that lie in object stores


@rare_collections()
def run(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    if are_objects(settings.input_dirs, arguments):
        of_extras(OF_OBJECTS, "a URL")(settings, arguments, console)
        return
    check_folders(console, arguments, settings.input_dirs, settings.output_dir)
    sides = finder.sides_of(settings.input_dirs) if settings.across else None
    method, paths = methods.chosen(settings), paths_of(settings)
    engine = engine_of(arguments, method, settings.preset, settings.workers, settings.output_dir)
    accepted, decisions = known_bad(settings.accept_unreadable), decisions_of_person(console)
    with contextlib.ExitStack() as stack:
        old = stack.enter_context(old_result(paths, console, dry_run=arguments.dry_run))
        unsigned, previews = "" if arguments.dry_run else why_unsigned(), settings.copies == PREVIEW
        if previews:
            check_key(unsigned)
        old, proven = replaceable(old, arguments, console)
        check_places(paths)
        walked = walk_through(settings.input_dirs, settings.exclude, settings.min_size, paths)
        walked = large_enough(walked, settings.min_pixels, settings.workers)
        protected = protected_among(console, walked, settings.protect, settings.input_dirs)
        engine.check_needs(console, walked, settings.cache_file, is_told=arguments.verbose)
        store = stack.enter_context(opened_store(settings.cache_file, console.warn))
        hasher = stack.enter_context(engine.started(store))
        survey = surveyed(walked, hasher)
        store.prune(settings.input_dirs)
        if not arguments.discard_review:
            check_last_copies(old, survey.digests(), survey.damaged())
        search = searched(survey, hasher, sides, memory_of(store, settings.input_dirs))
        images, seen = search.survey.images, search.survey.digests()
        chosen = chosen_groups(images, search.groups, decisions, arguments, settings.workers, store)
        log = report(console, search, chosen, accepted, engine, everything=arguments.verbose)
        copies = planned_copies(images, chosen.groups, paths, previews=previews)
        copies, taken = with_what_is_taken(copies, old, proven, previews=previews)
        check_room(copies, taken, paths, previews=previews)
        if not previews:
            say_what_previews_save(console, copies, taken, paths.output_dir)
        if arguments.dry_run:
            console.say("Dry run: nothing was copied.")
            return
        copies = with_what_they_hold(copies, protected, settings.workers, log)
        planned = record_of(settings.input_dirs, protected, paths, copies, images, chosen)
        make_previews = in_workers(console, settings.workers) if previews else None
        known, workers = None if arguments.discard_review else seen, settings.workers
        results, kept = replaced(old, planned, taken, log, known, workers, make_previews)
        hasher.forget(originals_of_failed(results))
        report_saved(console, paths, results, kept, taken, everything=arguments.verbose)
        console.warn_of(unsigned)
        if not settings.no_report:
            by = Drawing(settings.prefer, settings.workers, settings.cache_file, settings.across)
            draw_sheet(console, paths, without_failed(planned, results), sheets(by, console.warn))
        say_next(console, arguments, paths.output_dir, results)


def are_objects(input_dirs: Sequence[str], arguments: argparse.Namespace) -> bool:
    """Whether photos lie in object stores, and are found there by tasks, which takes packages."""
    if arguments.engine and any(map(is_url, input_dirs)):
        of_extras(PACKAGES, "a URL")("--engine dask")
        return True
    if arguments.sample:
        raise UserError("--sample: only with photos in an object store; use --at-most.")
    return False


def protected_among(
    console: Console, walked: Sequence[finder.Found], protect: Sequence[str], folders: Sequence[str]
) -> Protected:
    """What is protected; a pattern that names nothing is said."""
    protected = Protected(protect, folders)
    warn_of_unused(console, protected, map(path_of, walked))
    return protected


def check_places(paths: OutputPaths) -> None:
    """Raise UserError where nothing can be written. Changes nothing on disk."""
    check_not_full(paths.output_dir)
    check_log(paths.log_file)


@contextlib.contextmanager
def old_result(paths: OutputPaths, console: Console, *, dry_run: bool) -> Iterator[Opened]:
    """Hold the lock of OUTPUT_DIR, with what lies in it; a dry run waits for nobody."""
    if dry_run:
        yield open_result(paths)
    else:
        with locked(paths.output_dir):
            yield recover(paths, console)


def originals_of_failed(results: Iterable[SavedCopy | storage.FailedCopy]) -> list[str]:
    """The photos that could not be copied, which are read anew the next time."""
    return [r.copy.original.path for r in results if isinstance(r, storage.FailedCopy)]


def report(
    console: Console,
    search: Searched,
    chosen: Chosen,
    accepted: KnownBad,
    engine: Engine,
    *,
    everything: bool,
) -> list[str]:
    """Say what was found; returns lines for the log."""
    survey, groups = search.survey, chosen.groups
    log = report_found(console, survey, accepted, engine.reads_all, everything=everything)
    if search.recall:
        console.facts["index"] = search.recall.facts
        console.say(search.recall.words)
    log += report_sides(console, search.sides)
    log += report_groups(console, survey.images, groups, search.matched, everything=everything)
    report_gain(console, survey.images, groups)
    if console.lists:
        console.print_list(line_of(item.file).encode() for item in survey.unreadable)
    return log + report_not_shown(console, survey.images, chosen, everything=everything)


def replaceable(
    old: Opened, arguments: argparse.Namespace, console: Console
) -> tuple[Opened, tuple[Proven, ...]]:
    """What lies in OUTPUT_DIR, once it is sure that it may be replaced; its copies, if proven.

    To trust a result is not to have seen its previews: a stranger's may show something else.
    """
    was_signed = isinstance(old, Result) and is_signed(old.manifest)
    if arguments.trust_result and isinstance(old, Result):
        ask_for_trust(old, arguments, console)
        old = look_again(old)
    proven = check_replaceable(
        old,
        discard_review=arguments.discard_review,
        trusted=arguments.trust_result,
        watch=lambda paths: bar(paths, "Checking the old result", unit=" copies"),
    )
    return old, proven if was_signed else ()


def with_protection(copies: Iterable[SavedCopy], protected: Protected) -> Iterator[SavedCopy]:
    """The copies, with why the original of each may never go, if so."""
    for copy in copies:
        reason = protected.reason(copy.original.path)
        yield dataclasses.replace(copy, protected=reason or "")


def planned_copies(
    images: Sequence[HashedImage],
    groups: Sequence["Cluster"],
    paths: OutputPaths,
    *,
    previews: bool,
) -> tuple[SavedCopy, ...]:
    """Where each picture of each group is to be copied. Changes nothing on disk."""
    pictures = [[images[position] for position in cluster.members] for cluster in groups]
    return storage.plan_copies(pictures, paths.output_dir, previews=previews)


def with_what_is_taken(
    copies: tuple[SavedCopy, ...], old: Opened, proven: Sequence[Proven], *, previews: bool
) -> tuple[tuple[SavedCopy, ...], dict[str, Proven]]:
    """The planned copies, and those of the old result that are taken over, by their new paths."""
    if previews:
        copies = with_old_previews(copies, old, proven)
    return copies, plan_take_over(copies, proven)


def check_room(
    copies: Sequence[SavedCopy], taken: Mapping[str, Proven], paths: OutputPaths, *, previews: bool
) -> None:
    """Raise UserError unless what is to be written fits on the disk; it is taken over, or not."""
    if previews:
        anew = [c for c in copies if not (c.preview and c.copy in taken)]
        check_space(anew, paths.output_dir, lambda *_: False, usual_bytes)
    else:
        check_space([c for c in copies if c.copy not in taken], paths.output_dir, may_share)


def with_what_they_hold(
    copies: Sequence[SavedCopy], protected: Protected, workers: int, log: list[str]
) -> tuple[SavedCopy, ...]:
    """The copies, with what their originals hold besides pixels, and why they may never go.

    Logs where nobody can tell what one holds.
    """
    files = [copy.original for copy in copies]
    results = finder.holdings(files, workers)
    lines = {}
    for result in bar(results, "Taking stock", len(files)):
        if isinstance(result, Holding):
            lines[result.file.path] = result.lines
        else:
            log.append(f"Not looked into: {to_line(result.file.path)}: {result.reason}")
    held = (dataclasses.replace(copy, holds=lines.get(copy.original.path)) for copy in copies)
    return tuple(with_protection(held, protected))


def record_of(
    input_dirs: tuple[str, ...],
    protected: Protected,
    paths: OutputPaths,
    copies: tuple[SavedCopy, ...],
    images: Sequence[HashedImage],
    chosen: Chosen,
) -> Manifest:
    """The record of a result that is to be made."""
    return Manifest(
        input_dirs,
        copies,
        paths.own_files,
        links=tuple(links_between(images, chosen.groups)),
        protect=protected.given,
        kept_together=chosen.kept_together(images),
    )


def links_between(hashed: Sequence[HashedImage], groups: Sequence["Cluster"]) -> list[Link]:
    """What joined the pictures of each group, the weakest last, to look at in a review."""
    return [
        Link(
            left=hashed[match.left].file.path,
            right=hashed[match.right].file.path,
            view=match.view,
            distance=match.distance,
            correlation=round(match.correlation, 3),
        )
        for cluster in groups
        for match in cluster.links
    ]


def replaced(
    old: Opened,
    planned: Manifest,
    taken: Mapping[str, Proven],
    log: Sequence[str],
    seen: Mapping[str, str] | None,
    workers: int,
    make_previews: MakePreviews | None = None,
) -> tuple[list[SavedCopy | storage.FailedCopy], list[str]]:
    """Copy and put in place; returns the results and what was kept of the old result.

    `taken` are the copies that are taken over, by the path that they get. `seen` are the digests of
    the photos by which last copies are known, unless the old result is to be discarded with all
    that is in it. Raises UserError if nothing can be written.
    """
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(storage.staging(old.paths, planned))
            log = [*log]
            if make_previews:
                planned = make_previews(old.paths, planned, log)
            copying = storage.copy_all(old.paths, planned.copies, taken, workers)
            stack.enter_context(contextlib.closing(copying))
            results = list(bar(copying, "Copying", total=len(planned.copies)))
            if seen is not None:
                check_again(old, results, seen)
            manifest = without_failed(planned, results)
            log += [f"Failed copy: {line}" for line in failures(results)]
            return results, storage.commit(old, manifest, log, seen)
    except OSError as error:
        message = f"can't write {error.filename or old.paths.output_dir}: {error.strerror}"
        stands = os.path.lexists(old.paths.manifest_file)
        before = "the result before this run still stands; " if stands else ""
        raise UserError(f"{message}; {before}make room or choose another place.") from error


def check_again(
    old: Opened,
    results: Sequence[SavedCopy | storage.FailedCopy],
    seen: Mapping[str, str],
) -> None:
    """Refuse to replace what was culled, or lost its originals, while this was running."""
    check_still_replaceable(old)
    failed = (r.copy.original.path for r in results if isinstance(r, storage.FailedCopy))
    check_last_copies(old, {**seen, **dict.fromkeys(failed, "")})


def without_failed(
    planned: Manifest, results: Sequence[SavedCopy | storage.FailedCopy]
) -> Manifest:
    """The record of what was copied, and of what joins the pictures that were."""
    saved = tuple(result for result in results if isinstance(result, SavedCopy))
    there = {copy.original.path for copy in saved}
    links = tuple(k for k in planned.links if k.left in there and k.right in there)
    kept = tuple(k for k in planned.kept_together if there.issuperset(k.paths))
    return dataclasses.replace(planned, copies=saved, links=links, kept_together=kept)
