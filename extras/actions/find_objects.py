"""Find similar photos in object stores; the groups are left as Parquet, and some to look at."""

import argparse
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import finder
import storage
from actions.console import Console, bar, counted
from actions.engines import Tasks, engine_of
from actions.find import check_places, old_result, replaceable, report, without_failed
from actions.find_groups import Chosen, surest, without_shots
from actions.find_photos import memory_of, searched, surveyed
from actions.find_sheet import Drawing, draw_sheet, sheets
from actions.find_summary import failures, report_saved
from actions.next_command import next_command
from actions.result import paths_of, why_unsigned
from config import Settings, UserError
from disk.files import is_url
from disk.known_bad import known_bad
from disk.lines import to_line
from disk.record import Manifest
from disk.replaceable import check_last_copies, check_still_replaceable
from disk.result import Opened, OutputPaths, Result
from extras.actions.cleanup_objects import warn_of_unused
from extras.cluster.installed import check_url
from extras.cluster.running import on_cluster
from extras.objects import listing, result, sample
from extras.objects.beside import beside
from extras.objects.hashing import OnObjects
from extras.objects.places import place_of
from extras.objects.protecting import ProtectedObjects
from extras.objects.stores import StoredObject
from pictures import methods
from pictures.garbage import rare_collections
from pictures.images import HashedImage
from pictures.store import opened as opened_store

if TYPE_CHECKING:
    from grouping import Cluster

    Groups = Sequence[Cluster]


@rare_collections()
def run(settings: Settings, arguments: argparse.Namespace, console: Console) -> None:
    check_can(settings.input_dirs, settings.min_pixels, settings.copies, across=settings.across)
    method, paths = methods.chosen(settings), paths_of(settings)
    engine = engine_of(arguments, method, settings.preset, settings.workers, settings.output_dir)
    assert isinstance(engine, Tasks)
    accepted, protected = known_bad(settings.accept_unreadable), ProtectedObjects(settings.protect)
    with contextlib.ExitStack() as stack:
        old: Opened | None = None
        if arguments.sample and not arguments.dry_run:
            old = stack.enter_context(old_result(paths, console, dry_run=False))
            old, _ = replaceable(old, arguments, console)
            check_places(paths)
        by_tasks = on_cluster(
            method,
            engine.preset,
            engine.workers,
            engine.scheduler,
            engine.work,
            OnObjects,
            engine.probes,
        )
        hasher = stack.enter_context(by_tasks)
        walk = listing.walk(settings.input_dirs, settings.exclude, [engine.work], settings.min_size)
        walked = list(bar(walk, "Looking"))
        nothing = stack.enter_context(opened_store(None, console.warn))
        search = searched(surveyed(walked, hasher), hasher, None, memory_of(nothing, ()))
        survey, images = search.survey, search.survey.images
        chosen = shown_of(images, search.groups, arguments.show_shots, arguments.at_most)
        log = report(console, search, chosen, accepted, engine, everything=arguments.verbose)
        objects = {one.path: one for one in walked if isinstance(one, StoredObject)}
        warn_of_unused(console, protected, objects, "photo here")
        if arguments.dry_run:
            console.say("Dry run: nothing was written.")
            return
        unsigned = why_unsigned()
        leave(engine.work, hasher, survey, chosen.groups, objects, protected)
        say_left(console, arguments, engine.work, len(chosen.groups))
        console.warn_of(unsigned)
        if old is not None:
            first = chosen.groups[: arguments.sample]
            manifest = sample.planned(
                images, first, settings.input_dirs, paths, engine.work, protected
            )
            seen = None if arguments.discard_review else survey.digests()
            manifest = show(console, old, manifest, objects, log, seen)
            if not settings.no_report:
                by = Drawing(settings.prefer, settings.workers, settings.cache_file, across=False)
                draw_sheet(console, paths, manifest, sheets(by, console.warn))
            say_sample(console, arguments, len(first), len(chosen.groups), paths)


def check_can(input_dirs: Sequence[str], min_pixels: int, copies: str, *, across: bool) -> None:
    """Refuse what can't be done with objects, with the reason."""
    for url in input_dirs:
        check_url("INPUT_DIR", url)
    folders = [folder for folder in input_dirs if not is_url(folder)]
    refused = {
        f"INPUT_DIR {folders[0]} beside a URL" if folders else "": (
            "folders and objects aren't compared with each other; name URLs alone, or mount them"
        ),
        "--across" if across else "": "sides are folders of this machine",
        "--min-pixels" if min_pixels else "": (
            "objects aren't measured before they are compared; use --min-size"
        ),
        f"--copies {copies}" if copies != "whole" else "": ("a sample has whole pictures"),
    }
    for what, why in refused.items():
        if what:
            raise UserError(f"{what}: {why}.")


def shown_of(
    images: Sequence[HashedImage], groups: "Groups", show_shots: bool, at_most: int | None
) -> Chosen:
    """The groups that are shown; decisions of a person are about files, and settle none here."""
    left, shots = without_shots(images, groups, show_shots)
    left, less_sure = surest(images, left, at_most)
    return Chosen(left, [[] for _ in left], shots, [], less_sure)


def leave(
    work: str,
    hasher: OnObjects,
    survey: finder.Survey,
    groups: "Groups",
    objects: Mapping[str, StoredObject],
    protected: ProtectedObjects,
) -> None:
    """Leave the groups and what joined them in the place of the work.

    There is no lock: of two finds at once the result is that of one, or its digest is wrong.
    """
    images = survey.images
    urls = [[images[n].file.path for n in cluster.members] for cluster in groups]
    members = {url for group in urls for url in group}
    tokens = {item.path: item.path for item in survey.skipped}
    tokens |= {url: one.etag for url, one in objects.items()}
    stay = {url: protected.reason(url) for url in members}
    rows = result.members_of(
        images, groups, objects, hasher.sizes(members), beside(urls, tokens), stay
    )
    result.write(result.result_in(work), rows, result.links_of(images, groups))


def say_left(console: Console, arguments: argparse.Namespace, work: str, groups: int) -> None:
    """Say where the result lies, and how to go on."""
    console.say(f"Left in {to_line(result.result_in(work).url)}: groups and matches.")
    if groups:
        command = next_command(arguments, "suggest", "--work", arguments.work)
        console.say(f"To have the rules list what may go: {command}")


# ---- The sample


def show(
    console: Console,
    old: Opened,
    manifest: Manifest,
    objects: Mapping[str, StoredObject],
    log: Sequence[str],
    seen: Mapping[str, str] | None,
) -> Manifest:
    """Copy a sample and put it in the place of the old result; returns its record.

    `seen` are the digests of the objects, unless the old result is to be discarded with all in it.
    """
    is_sample = isinstance(old, Result) and bool(old.manifest.objects)
    if seen is not None:
        if isinstance(old, Result) and is_sample:
            sample.check_last(old, seen)
        else:
            check_last_copies(old, {})
    with writing(old.paths), storage.staging(old.paths, manifest):
        by_place = {place_of(url): one for url, one in objects.items()}
        copying = sample.copied(manifest.copies, by_place, old.paths)
        results = list(bar(copying, "Copying", len(manifest.copies)))
        if seen is not None:
            check_still_replaceable(old)
        manifest = without_failed(manifest, results)
        lines = [*log, *(f"Failed copy: {line}" for line in failures(results))]
        kept = storage.commit(old, manifest, lines, None if is_sample or seen is None else {})
    report_saved(console, old.paths, results, kept, {}, everything=False)
    return manifest


@contextlib.contextmanager
def writing(paths: OutputPaths) -> Iterator[None]:
    """Turn what keeps a result from being written into a UserError."""
    try:
        yield
    except OSError as error:
        place = error.filename or paths.output_dir
        raise UserError(
            f"can't write {place}: {error.strerror}; make room or choose another place."
        ) from error


def say_sample(
    console: Console, arguments: argparse.Namespace, shown: int, every: int, paths: OutputPaths
) -> None:
    """Say what of the groups is shown, and where."""
    which = "all groups" if shown == every else f"the first {shown:,} of {counted(every, 'group')}"
    console.say(f"In {to_line(paths.output_dir)} are {which}, to be looked at alone.")
    console.say(f"To look at them in the browser: {next_command(arguments, 'review')}")
    console.facts["sample"] = shown
