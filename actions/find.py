"""Find similar pictures and copy each group into a numbered folder."""

import argparse
import contextlib
import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import config
import finder
import storage
from actions.console import Console, bar
from actions.find_summary import (
    Walk,
    failures,
    has_extra,
    report_found,
    report_groups,
    report_saved,
)
from actions.result import ask_for_trust, paths_of, recover, why_unsigned
from config import Settings, UserError
from disk import places
from disk.files import ImageFile, check_log
from disk.lines import to_line
from pictures import methods
from pictures.images import HashedImage, Holding, Unreadable
from pictures.methods import Method

if TYPE_CHECKING:
    from cache import Cache, Spool
    from grouping import Cluster


def run(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    from cache import opened as opened_cache

    config.check_input(settings)
    places.check_open(settings.input_dirs)
    method = methods.chosen(settings)
    paths = paths_of(settings)
    with contextlib.ExitStack() as stack:
        if not arguments.dry_run:
            stack.enter_context(storage.locked(settings.output_dir))
        old = storage.open_result(paths) if arguments.dry_run else recover(paths, console)
        unsigned = "" if arguments.dry_run else why_unsigned()
        if arguments.trust_result and isinstance(old, storage.Result):
            ask_for_trust(old, arguments, console)
            old = storage.look_again(old)
        storage.check_replaceable(
            old,
            discard_review=arguments.discard_review,
            trusted=arguments.trust_result,
            watch=lambda paths: bar(paths, "Checking the old result", unit=" copies"),
        )
        check_log(settings.log_file)
        cache = stack.enter_context(opened_cache(settings.cache_file, console.warn))
        copies, links, log, seen = find_groups(settings, arguments, console, method, cache, old)
        storage.check_space(copies, settings.output_dir)
        if arguments.dry_run:
            console.say("Dry run: nothing was copied.")
            return
        copies = with_what_they_hold(copies, settings, log)
        try:
            manifest = storage.Manifest(settings.input_dirs, copies, paths.own_files)
            with storage.staging(paths, manifest):
                results, kept = save(settings, arguments, old, manifest, links, log, seen)
                failed = (r.copy for r in results if isinstance(r, storage.FailedCopy))
                cache.forget(copy.original.path for copy in failed)
        except OSError as error:
            message = f"can't write {error.filename or settings.output_dir}: {error.strerror}"
            stands = "the result before this run still stands; " if copies_stand(paths) else ""
            raise UserError(f"{message}; {stands}make room or choose another place.") from error
        report_saved(settings, results, kept, console, arguments)
        console.warn_of(unsigned)


def with_what_they_hold(
    copies: Sequence[storage.SavedCopy], settings: Settings, log: list[str]
) -> tuple[storage.SavedCopy, ...]:
    """The copies, with what their originals hold besides pixels; logs where nobody can tell."""
    files = [copy.original for copy in copies]
    results = finder.holdings(files, settings.workers)
    lines = {}
    for result in bar(results, "Taking stock", len(files)):
        if isinstance(result, Holding):
            lines[result.file.path] = result.lines
        else:
            log.append(f"Not looked into: {to_line(result.file.path)}: {result.reason}")
    return tuple(dataclasses.replace(c, holds=lines.get(c.original.path)) for c in copies)


def copies_stand(paths: storage.OutputPaths) -> bool:
    """Whether there is a result of an earlier find. Changes nothing on disk."""
    return os.path.lexists(paths.manifest_file)


def find_groups(
    settings: Settings,
    arguments: argparse.Namespace,
    console: Console,
    method: Method,
    cache: "Cache",
    old: storage.Opened,
) -> tuple[tuple[storage.SavedCopy, ...], list[storage.Link], list[str], dict[str, str]]:
    """Walk, hash and cluster; returns the copies to make, their links, lines for the log, and
    what was seen: the digest of each photo, or nothing for one that can't be read.
    """
    from cache import Spool

    with Spool(settings.cache_file and os.path.dirname(settings.cache_file)) as spool:
        walk = walk_and_hash(settings, method, cache, spool)
        seen = {item.file.path: "" for item in walk.unreadable}
        seen |= {image.file.path: image.digest for image in walk.hashed}
        if not arguments.discard_review:
            storage.check_last_copies(old, seen)
        groups, matched = method.group(walk.hashed)
    pictures = [[walk.hashed[position] for position in cluster.members] for cluster in groups]
    copies = storage.plan_copies(pictures, settings.output_dir)
    log = report_found(console, arguments, walk)
    log += report_groups(console, arguments, walk.hashed, groups, matched)
    return copies, links_between(walk.hashed, groups), log, seen


def walk_through(settings: Settings) -> list[finder.Found]:
    paths = paths_of(settings)
    leave_out = [paths.output_dir, paths.staging_dir, paths.replaced_dir]
    return list(bar(finder.walk(settings.input_dirs, settings.exclude, leave_out), "Looking"))


def walk_and_hash(settings: Settings, method: Method, cache: "Cache", spool: "Spool") -> Walk:
    walked = walk_through(settings)
    files = [found for found in walked if isinstance(found, ImageFile)]
    anew = []

    def hash_files(files: list[ImageFile]) -> Iterable[methods.Hashed]:
        anew.extend(files)
        return method.completed(finder.hash_files(files, method.recipe, settings.workers))

    results = map(spool.put, cache.hashed(files, method.recipe, hash_files))
    # Workers finish in any order; the order of the walk is the one that counts.
    by_path = {result.file.path: result for result in bar(results, "Hashing", len(files))}
    ordered = [by_path[file.path] for file in files]
    cache.prune(settings.input_dirs)
    earlier = [found.path for found in walked if isinstance(found, finder.EarlierResult)]
    unread = [folder for folder in earlier if not storage.is_result(folder)]
    strange = f"passed over for its {config.RESULT_MARKER}, which is no record of a find"
    return Walk(
        unchanged=len(files) - len(anew),
        found=len(files) + sum(isinstance(found, Unreadable) for found in walked),
        hashed=[result for result in ordered if isinstance(result, HashedImage)],
        unreadable=[r for r in (*walked, *ordered) if isinstance(r, Unreadable)],
        skipped=[
            *(found for found in walked if isinstance(found, finder.SkippedFolder)),
            *(finder.SkippedFolder(folder, strange) for folder in unread),
        ],
        links=[found.path for found in walked if isinstance(found, finder.HardLink)],
        same_files=[found.path for found in walked if isinstance(found, finder.SameFile)],
        set_aside=[found.path for found in walked if isinstance(found, finder.SetAside)],
        earlier=[folder for folder in earlier if folder not in unread],
        passed_over=[found for found in walked if isinstance(found, finder.PassedOver)],
    )


def links_between(hashed: Sequence[HashedImage], groups: Sequence["Cluster"]) -> list[storage.Link]:
    """What joined the pictures of each group, the weakest last, to look at in a review."""
    return [
        storage.Link(
            left=hashed[match.left].file.path,
            right=hashed[match.right].file.path,
            view=match.view,
            distance=match.distance,
            correlation=round(match.correlation, 3),
        )
        for cluster in groups
        for match in cluster.links
    ]


def save(
    settings: Settings,
    arguments: argparse.Namespace,
    old: storage.Opened,
    planned: storage.Manifest,
    links: Sequence[storage.Link],
    log: Sequence[str],
    seen: Mapping[str, str],
) -> tuple[list[storage.SavedCopy | storage.FailedCopy], list[str]]:
    """Copy and put in place; returns the results and what was kept of the old result."""
    copying = storage.copy_all(old.paths, planned.copies)
    results = list(bar(copying, "Copying", total=len(planned.copies)))
    if not arguments.discard_review:  # a cull or a disk that died, while this was running
        storage.check_still_replaceable(old)
        failed = (r.copy.original.path for r in results if isinstance(r, storage.FailedCopy))
        storage.check_last_copies(old, {**seen, **dict.fromkeys(failed, "")})
    saved = [result for result in results if isinstance(result, storage.SavedCopy)]
    log = [*log, *(f"Failed copy: {line}" for line in failures(results))]
    there = {copy.original.path for copy in saved}
    links = [link for link in links if link.left in there and link.right in there]
    manifest = dataclasses.replace(planned, copies=tuple(saved), links=tuple(links))
    sheet = sheet_of(settings, storage.Result(old.paths, manifest))
    return results, storage.commit(old, manifest, log, sheet)


def sheet_of(settings: Settings, result: storage.Result) -> str:
    """The text of report.html; none without copies, extras/ or Jinja2."""
    if not result.manifest.copies or not has_extra("jinja2"):
        return ""
    from extras.review.sheet import contact_sheet

    return contact_sheet(
        result,
        settings.prefer,
        settings.workers,
        lambda groups: bar(groups, "Contact sheet", unit=" groups"),
    )
