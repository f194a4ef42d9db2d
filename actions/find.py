"""Find similar pictures and copy each group into a numbered folder."""

import argparse
import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import finder
import storage
from actions.console import Console, bar
from actions.decided import decisions_of_person
from actions.find_groups import Chosen, chosen_groups, report_not_shown
from actions.find_summary import (
    failures,
    has_extra,
    report_found,
    report_groups,
    report_saved,
    report_sides,
)
from actions.protecting import warn_of_unused
from actions.result import ask_for_trust, paths_of, recover, why_unsigned
from config import Settings, UserError
from disk.files import ImageFile, check_log
from disk.known_bad import known_bad, line_of
from disk.lines import to_line
from disk.output_lock import locked
from disk.own_names import MANIFEST
from disk.protection import Protected
from disk.record import Link, Manifest, SavedCopy, is_result
from disk.replaceable import check_last_copies, check_replaceable, check_still_replaceable
from disk.result import Opened, OutputPaths, Result, look_again, open_result
from finder import Found, Skipped
from pictures import methods
from pictures.by_name import named
from pictures.formats import may_have_thumbnail
from pictures.images import Hashed, HashedImage, HashFiles, Holding, Unreadable
from pictures.methods import Method
from pictures.recipe import Recipe
from pictures.store import Store
from pictures.store import opened as opened_store

if TYPE_CHECKING:
    from grouping import Cluster


def run(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    finder.check_input(settings.input_dirs, settings.output_dir)
    if settings.across:
        finder.check_sides(settings.input_dirs)
    method, paths = methods.chosen(settings), paths_of(settings)
    accepted, decisions = known_bad(settings.accept_unreadable), decisions_of_person(console)
    dry_run, discard, everything = arguments.dry_run, arguments.discard_review, arguments.verbose
    with contextlib.ExitStack() as stack:
        if not dry_run:
            stack.enter_context(locked(paths.output_dir))
        old = open_result(paths) if dry_run else recover(paths, console)
        unsigned = "" if dry_run else why_unsigned()
        old = replaceable(old, arguments, console)
        check_log(paths.log_file)
        store = stack.enter_context(opened_store(settings.cache_file, console.warn))
        walked = large_enough(walk_through(settings, paths), settings)
        hash_anew = hashing(method, first_of(method.recipe), settings.workers)
        protected = Protected(settings.protect, settings.input_dirs)
        warn_of_unused(console, protected, map(path_of, walked))
        survey = finder.survey(walked, remembering(store, method.recipe), hash_anew)
        store.prune(settings.input_dirs)
        if not discard:
            check_last_copies(old, survey.digests())
        survey, groups, matched = grouped(survey, method, settings, store)
        sides = sides_of(survey, settings)
        chosen = chosen_groups(survey.images, groups, decisions, arguments, settings.workers, store)
        groups = chosen.groups
        log = report_found(console, survey, accepted, everything=everything)
        if arguments.list:
            console.print_list(line_of(item.file).encode() for item in survey.unreadable)
        log += report_sides(console, sides)
        log += report_groups(console, survey.images, groups, matched, everything=everything)
        log += report_not_shown(console, survey.images, chosen, everything=everything)
        copies = planned_copies(survey.images, groups, paths)
        storage.check_space(copies, paths.output_dir)
        if dry_run:
            console.say("Dry run: nothing was copied.")
            return
        copies = with_what_they_hold(copies, settings.workers, log)
        copies = tuple(with_protection(copies, protected))
        planned = record_of(settings, paths, copies, survey.images, chosen)
        make_sheet = sheets(settings)
        seen = None if discard else survey.digests()
        results, kept = replaced(old, planned, log, seen, make_sheet)
        store.forget(r.copy.original.path for r in results if isinstance(r, storage.FailedCopy))
        report_saved(console, paths, results, kept, everything=everything)
        console.warn_of(unsigned)


def replaceable(old: Opened, arguments: argparse.Namespace, console: Console) -> Opened:
    """What lies in OUTPUT_DIR, once it is sure that it may be replaced."""
    if arguments.trust_result and isinstance(old, Result):
        ask_for_trust(old, arguments, console)
        old = look_again(old)
    check_replaceable(
        old,
        discard_review=arguments.discard_review,
        trusted=arguments.trust_result,
        watch=lambda paths: bar(paths, "Checking the old result", unit=" copies"),
    )
    return old


def walk_through(settings: Settings, paths: OutputPaths) -> list[Found]:
    """All that is in the input folders but a result of ours, or what pretends to be one."""
    leave_out = [paths.output_dir, paths.staging_dir, paths.replaced_dir]
    walk = finder.walk(settings.input_dirs, settings.exclude, leave_out, settings.min_size)
    found = list(bar(walk, "Looking"))
    strange = f"passed over for its {MANIFEST}, which is no record of a find"
    no_results = {
        item.path: Skipped(item.path, finder.UNREADABLE_FOLDERS, strange)
        for item in found
        if isinstance(item, Skipped)
        and item.kind == finder.EARLIER_RESULTS
        and not is_result(item.path)
    }
    ours = (item for item in found if not isinstance(item, Skipped) or item.path not in no_results)
    return [*ours, *no_results.values()]


def large_enough(walked: list[Found], settings: Settings) -> list[Found]:
    """What was found, without the pictures that have too few pixels to be compared."""
    if not settings.min_pixels:
        return walked
    files = [found for found in walked if isinstance(found, ImageFile)]
    sizes = bar(finder.sizes(files, settings.workers), "Measuring", len(files))
    return list(finder.large_enough(walked, sizes, settings.min_pixels))


def path_of(found: Found) -> str:
    return found.file.path if isinstance(found, Unreadable) else found.path


def with_protection(copies: Iterable[SavedCopy], protected: Protected) -> Iterator[SavedCopy]:
    """The copies, with why the original of each may never go, if so."""
    for copy in copies:
        reason = protected.reason(copy.original.path)
        yield dataclasses.replace(copy, protected=reason or "")


def hashing(method: Method, recipe: Recipe, workers: int) -> HashFiles:
    """What hashes files by a recipe, in worker processes, and completes them by a method."""
    return lambda files: method.completed(finder.hash_files(files, recipe, workers))


def remembering(
    store: Store, recipe: Recipe
) -> Callable[[list[ImageFile], HashFiles], Iterable[Hashed]]:
    """What knows files that were hashed before, and keeps what is new of the others."""
    return lambda files, hash_anew: bar(
        store.hashed(files, recipe, beginning_small(store, recipe, hash_anew)),
        "Hashing",
        len(files),
    )


def first_of(recipe: Recipe) -> Recipe:
    """What is made of a picture at first: what its thumbnail tells, where that may do."""
    return dataclasses.replace(recipe, by_thumbnail=recipe.may_begin_small)


def beginning_small(store: Store, recipe: Recipe, hash_anew: HashFiles) -> HashFiles:
    """What hashes files that aren't known in full; of thumbnails it may know what there is."""
    if not recipe.may_begin_small:
        return hash_anew

    def hash_files(files: list[ImageFile]) -> Iterable[Hashed]:
        small = [file for file in files if may_have_thumbnail(file.path)]
        yield from hash_anew([file for file in files if not may_have_thumbnail(file.path)])
        if small:
            yield from store.hashed(small, first_of(recipe), hash_anew)

    return hash_files


def grouped(
    survey: finder.Survey, method: Method, settings: Settings, store: Store
) -> tuple[finder.Survey, list["Cluster"], Mapping[str, int]]:
    """The groups by a method, and the survey in which all pictures of them are known in full.

    What comes into a group by its thumbnail is decoded, and all is grouped again, until nothing
    else does.
    """
    hash_fully = hashing(method, method.recipe, settings.workers)
    while True:
        groups, matched = method.group(survey.images, sides_of(survey, settings))
        members = (survey.images[n] for cluster in groups for n in cluster.members)
        near = [image.file for image in members if image.by_thumbnail]
        if not near:
            return survey, groups, matched
        closer = store.hashed(near, method.recipe, hash_fully)
        survey = finder.hashed_again(survey, bar(closer, "Looking closer", len(near)))


def sides_of(survey: finder.Survey, settings: Settings) -> list[int] | None:
    """In which input folder each image lies, if only those of different ones are compared."""
    return finder.Sides(settings.input_dirs).of_images(survey) if settings.across else None


def planned_copies(
    images: Sequence[HashedImage], groups: Sequence["Cluster"], paths: OutputPaths
) -> tuple[SavedCopy, ...]:
    """Where each picture of each group is to be copied. Changes nothing on disk."""
    pictures = [[images[position] for position in cluster.members] for cluster in groups]
    return storage.plan_copies(pictures, paths.output_dir)


def with_what_they_hold(
    copies: Sequence[SavedCopy], workers: int, log: list[str]
) -> tuple[SavedCopy, ...]:
    """The copies, with what their originals hold besides pixels; logs where nobody can tell."""
    files = [copy.original for copy in copies]
    results = finder.holdings(files, workers)
    lines = {}
    for result in bar(results, "Taking stock", len(files)):
        if isinstance(result, Holding):
            lines[result.file.path] = result.lines
        else:
            log.append(f"Not looked into: {to_line(result.file.path)}: {result.reason}")
    return tuple(dataclasses.replace(c, holds=lines.get(c.original.path)) for c in copies)


def record_of(
    settings: Settings,
    paths: OutputPaths,
    copies: tuple[SavedCopy, ...],
    images: Sequence[HashedImage],
    chosen: Chosen,
) -> Manifest:
    """The record of a result that is to be made."""
    return Manifest(
        settings.input_dirs,
        copies,
        paths.own_files,
        links=tuple(links_between(images, chosen.groups)),
        protect=settings.protect,
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


# A result that is about to be put in place -> the text of its report.html.
MakeSheet = Callable[[Result], str]


def replaced(
    old: Opened,
    planned: Manifest,
    log: Sequence[str],
    seen: Mapping[str, str] | None,
    make_sheet: MakeSheet,
) -> tuple[list[SavedCopy | storage.FailedCopy], list[str]]:
    """Copy and put in place; returns the results and what was kept of the old result.

    `seen` are the digests of the photos by which last copies are known, unless the old result is
    to be discarded with all that is in it. Raises UserError if nothing can be written.
    """
    try:
        with storage.staging(old.paths, planned):
            copying = storage.copy_all(old.paths, planned.copies)
            results = list(bar(copying, "Copying", total=len(planned.copies)))
            if seen is not None:
                check_again(old, results, seen)
            manifest = without_failed(planned, results)
            log = [*log, *(f"Failed copy: {line}" for line in failures(results))]
            sheet = make_sheet(Result(old.paths, manifest))
            return results, storage.commit(old, manifest, log, sheet)
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


def sheets(settings: Settings) -> MakeSheet:
    """What makes report.html; none without copies, extras/ or Jinja2."""

    def make(result: Result) -> str:
        if not result.manifest.copies or not has_extra("jinja2"):
            return ""
        contact_sheet = named("extras.review.sheet:contact_sheet")
        sheet: str = contact_sheet(
            result,
            settings.prefer,
            settings.workers,
            lambda groups: bar(groups, "Contact sheet", unit=" groups"),
            across=settings.across,
        )
        return sheet

    return make
