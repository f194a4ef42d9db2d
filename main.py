"""Find similar photos, look at them in numbered folders, and delete the copies you don't want."""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # until main can say it in one line

import argparse
import contextlib
import dataclasses
import importlib.util
import json
import os
import re
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

if sys.version_info < (3, 11):  # noqa: UP036 - say it to older ones
    raise SystemExit("error: this needs Python 3.11 or newer.")

MISTAKES = (  # what people make of config.py
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
)
try:
    import config
except MISTAKES as error:
    mistake = f"config.py: {type(error).__name__}: {error}; put paths and words in quotes."
    print(f"error: {mistake}", file=sys.stderr)
    if "--json" in sys.argv:
        print(json.dumps({"schema": 1, "exit": 2, "error": mistake}))
    raise SystemExit(2) from None

import cleanup
import finder
import storage
from config import Exit, Settings, UserError
from disk import places, signature
from disk.files import ImageFile, append_lines, check_log, is_gone
from disk.lines import to_line
from pictures import methods
from pictures.images import HashedImage, Holding, Unreadable
from pictures.methods import Method

if TYPE_CHECKING:
    from cache import Cache, Spool
    from grouping import Cluster, Match

T = TypeVar("T")
SCHEMA = 1
SET_ASIDE = "originals that a cleanup has set aside"
HARD_LINKS = "hard links to the same files"
SAME_FILES = "the same files by another way"
NOTHING_READ = (
    "no picture here could be read. This version reads JPEG, PNG, BMP, GIF, TIFF, WebP and AVIF "
    "under their usual endings: export other pictures as JPEG, also those that lie in libraries, "
    "and rename JPEGs to .jpg."
)
NOTHING_OPEN = (
    "no picture here was read, and these folders weren't looked into: {}. Name a folder outside "
    "them, mend EXCLUDE, or copy or export from them what you want to compare."
)
UNSEEN = {*places.PLURALS.values(), "excluded folders", "linked folders"}
SHOWN = 5  # examples of a kind that a summary names; the log has them all

# Flag, its name in config.py, its type, and its help.
VALUE_FLAGS: tuple[tuple[str, str, Callable[[str], object], str], ...] = (
    ("--input-dir", "INPUT_DIR", str, "a folder with photos; may be repeated"),
    ("--output-dir", "OUTPUT_DIR", str, "where the numbered folders go"),
    ("--info-file", "INFO_FILE", str, "the file in OUTPUT_DIR that maps originals to copies"),
    ("--to-delete-file", "TO_DELETE_FILE", str, "the file in OUTPUT_DIR that check-deleted writes"),
    ("--log-file", "LOG_FILE", str, "what was found and deleted, in OUTPUT_DIR or elsewhere"),
    ("--preset", "PRESET", str, "what counts as similar: copies, similar or crops"),
    ("--threshold", "THRESHOLD", int, "instead of a preset: how far hashes may be apart, in bits"),
    ("--hash-size", "HASH_SIZE", int, "the side of the hash; it has as many bits as its square"),
    ("--method", "METHOD", str, "how pictures are compared: hash, embeddings or both"),
    ("--model", "MODEL", str, "for embeddings: sscd-distilled, sscd or the path of an ONNX file"),
    ("--cosine", "COSINE", float, "for embeddings: from which cosine two pictures match"),
    ("--model-side", "MODEL_SIDE", int, "pixels a side of the model's picture, if it takes any"),
    ("--normalise", "NORMALISE", str, "a float model's input: imagenet, unit, signed or none"),
    ("--workers", "WORKERS", int, "pictures read at the same time; 0 is one for each core"),
    ("--exclude", "EXCLUDE", str, "one more pattern of folders to pass over; may be repeated"),
    ("--cache-file", "CACHE_FILE", str, "where it is kept what was read, a path ending in .sqlite"),
    ("--delete-mode", "DELETE_MODE", str, "trash or permanent: where cleanup sends originals"),
    ("--prefer", "PREFER", str, "review, suggest: a folder to keep pictures of; may be repeated"),
)


@dataclass(slots=True)
class Report:
    """What an action says: lines for people as they come, and the facts for --json."""

    json: bool
    facts: dict[str, Any] = field(default_factory=dict)
    code: Exit = Exit.DONE

    def say(self, line: str = "") -> None:
        # Nobody may be reading any more; what was begun goes on.
        with contextlib.suppress(BrokenPipeError):
            print(line, file=sys.stderr if self.json else sys.stdout, flush=True)

    def warn(self, message: str) -> None:
        self.say(f"warning: {message}")

    def warn_of(self, failure: str) -> None:
        """Say what failed, if anything; it makes the exit code 1."""
        if failure:
            self.warn(failure)
            self.code = Exit.KEPT

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
            self.say(f"  ... and {len(lines) - len(shown):,} more, see --verbose")

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
        help="what to do: the first three in this order, with your look at the folders after find",
    )
    parser.add_argument("photos", nargs="*", metavar="PHOTO", help="explain: two photos")
    for flag, text in (("--like", "one group"), ("--unlike", "different groups or none")):
        parser.add_argument(
            flag,
            nargs=2,
            action="append",
            default=[],
            metavar="PHOTO",
            help=f"explain: two photos that belong in {text}, to suggest a setting; repeatable",
        )
    for flag, name, convert, text in VALUE_FLAGS:
        repeatable = "append" if name in ("INPUT_DIR", "EXCLUDE", "PREFER") else "store"
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
        "--apply": "suggest: remove the copies that the rules give up, not only show them",
        "--dry-run": "all but explain and review: show what would be done, and do nothing",
        "--yes": "cleanup: delete without asking; with --trust-result: trust without asking",
        "--trust-result": "rely on a result that is not signed by you, after a look at its reach",
        "--discard-review": "find: replace a result with a review or last copies in it",
        "--allow-whole-groups": "check-deleted, cleanup: also delete where all copies of a group"
        " are gone, so that no picture of it remains",
        "--no-browser": "review: print the page's address and open no browser",
        "--no-cache": "find: read all photos anew, and keep nothing of it for the next run",
        "--json": "print one JSON object on stdout, messages on stderr",
        "--verbose": "name every file",
    }
    for flag, text in switches.items():
        parser.add_argument(flag, action="store_true", help=text)
    parser.add_argument(
        "--port", type=int, default=0, metavar="N", help="review: the page's port (default: any)"
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {config.__version__}")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    wants_json = "--json" in (sys.argv if argv is None else argv)
    report = Report(wants_json)
    try:
        for ending in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ending, signal.default_int_handler)
        if sys.getfilesystemencoding() != "utf-8":
            encoding = sys.getfilesystemencoding()
            raise UserError(f"file names are {encoding} here; run it with PYTHONUTF8=1 set.")
        values = config.constants(vars(config))
        arguments = parser(values).parse_intermixed_args(argv)
        if arguments.apply and arguments.action != "suggest":
            raise UserError("--apply: only for --action suggest; see --help.")
        if arguments.trust_result and arguments.action == "explain":
            raise UserError("--trust-result: not for --action explain; see --help.")
        check_photos(arguments)
        settings = settings_of(arguments, values)
        report.facts["action"] = arguments.action
        ACTIONS[arguments.action](settings, arguments, report)
    except UserError as error:
        report.fail(str(error), error.code)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        report.fail(f"{place}{error.strerror or error}; mend that and run it again.", Exit.USAGE)
    except ImportError as error:
        report.fail(f"{error}; run pip install -r requirements.txt first.", Exit.USAGE)
    except KeyboardInterrupt:
        report.code = Exit.INTERRUPTED
        report.facts["error"] = "interrupted"
        print("Interrupted. Run the same command again to go on.", file=sys.stderr)
    if report.json:
        facts = {"schema": SCHEMA, "exit": int(report.code), **report.facts}
        print(json.dumps(facts, indent=1))  # ASCII, so that any terminal or pipe can hold it
    return int(report.code)


def interrupt_again(lost: "sys.UnraisableHookArgs") -> None:
    """Raise once more a Ctrl-C that came in a destructor, out of which Python raises nothing."""
    if lost.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(lost)
        return
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.01)


def check_photos(arguments: argparse.Namespace) -> None:
    """Only explain takes photos, either two or example pairs."""
    photos, examples = arguments.photos, arguments.like + arguments.unlike
    if arguments.action != "explain":
        if photos or examples:
            stray = "--like and --unlike" if examples else f"the photo {photos[0]}"
            raise UserError(f"{stray}: only for --action explain; see --help.")
    elif len(photos) != (0 if examples else 2):
        raise UserError(
            "--action explain takes either two photos, or pairs of them with --like and --unlike."
        )


def settings_of(arguments: argparse.Namespace, values: Mapping[str, object]) -> Settings:
    """config.py's values, as overridden by flags; a flag's folder is relative to where one is."""
    merged = dict(values)
    base = os.path.dirname(os.path.abspath(config.__file__))
    for _, name, _, _ in VALUE_FLAGS:
        given = getattr(arguments, name)
        if given is None:
            continue
        if name in ("INPUT_DIR", "PREFER"):
            given = [f and os.path.abspath(os.path.expanduser(f)) for f in given]
        elif name == "MODEL" and given in config.MODELS:
            pass
        elif name in ("OUTPUT_DIR", "MODEL", "CACHE_FILE") and given not in ("", "auto"):
            given = os.path.abspath(os.path.expanduser(given))
        elif name == "EXCLUDE":
            given = [*values[name], *given]  # type: ignore[misc]
        merged[name] = given
    if arguments.PRESET is not None:
        if arguments.THRESHOLD is not None:
            raise UserError("--preset and --threshold exclude each other; give one of them.")
        merged["THRESHOLD"] = None
    if arguments.no_cache:
        merged["CACHE_FILE"] = None
    return config.settings_from(merged, base)


def paths_of(settings: Settings) -> storage.OutputPaths:
    """The output folder of some settings, and where the files of ours are in it."""
    return storage.OutputPaths(
        settings.output_dir, settings.info_file, settings.to_delete_file, settings.log_file
    )


def bar(
    items: Iterable[T], what: str, total: int | None = None, unit: str = " photos"
) -> Iterable[T]:
    """A progress bar on a terminal, nothing elsewhere."""
    from tqdm import tqdm

    hidden = True if sys.stderr is None else None  # which is so where it is closed
    bar: Iterable[T] = tqdm(items, what, total, unit=unit, disable=hidden, leave=False)
    return bar


# ---- find


def find(settings: Settings, arguments: argparse.Namespace, report: Report) -> None:
    from cache import opened as opened_cache

    config.check_input(settings)
    places.check_open(settings.input_dirs)
    method = methods.chosen(settings)
    paths = paths_of(settings)
    with contextlib.ExitStack() as stack:
        if not arguments.dry_run:
            stack.enter_context(storage.locked(settings.output_dir))
        old = storage.open_result(paths) if arguments.dry_run else recover(paths, report)
        unsigned = "" if arguments.dry_run else why_unsigned()
        if arguments.trust_result and isinstance(old, storage.Result):
            ask_for_trust(old, arguments, report)
            old = storage.look_again(old)
        storage.check_replaceable(
            old,
            discard_review=arguments.discard_review,
            trusted=arguments.trust_result,
            watch=lambda paths: bar(paths, "Checking the old result", unit=" copies"),
        )
        check_log(settings.log_file)
        cache = stack.enter_context(opened_cache(settings.cache_file, report.warn))
        copies, links, log, seen = find_groups(settings, arguments, report, method, cache, old)
        storage.check_space(copies, settings.output_dir)
        if arguments.dry_run:
            report.say("Dry run: nothing was copied.")
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
        report_saved(settings, results, kept, report, arguments)
        report.warn_of(unsigned)


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


@dataclass(frozen=True, slots=True)
class Walk:
    """What there is in the input folders."""

    found: int
    unchanged: int
    hashed: list[HashedImage]
    unreadable: list[Unreadable]
    skipped: list[finder.SkippedFolder]
    links: list[str]
    same_files: list[str]
    set_aside: list[str]
    earlier: list[str]  # results of find
    passed_over: list[finder.PassedOver]


def need_extras(what: str) -> None:
    if importlib.util.find_spec("extras") is None:
        raise UserError(f"{what} needs the folder extras/ beside main.py; restore it.")


def find_groups(
    settings: Settings,
    arguments: argparse.Namespace,
    report: Report,
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
    log = report_found(report, arguments, walk)
    log += report_groups(report, arguments, walk.hashed, groups, matched)
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


def report_found(report: Report, arguments: argparse.Namespace, walk: Walk) -> list[str]:
    exact = sum(image.look is None for image in walk.hashed)
    counts = f"{len(walk.hashed):,} hashed, {len(walk.unreadable):,} unreadable"
    summary = f"Found {counted(walk.found, 'photo')}: {counts}."
    report.say(summary)
    if walk.unchanged:
        report.say(f"{walk.unchanged:,} have not changed since they were read (--no-cache).")
    if exact:
        report.say(f"{exact:,} without detail or with several pages match identical files only.")
    damaged = {i.file.path: i.damage for i in walk.hashed if i.damage}
    damaged_lines = [f"{to_line(path)}: {damage}" for path, damage in damaged.items()]
    if damaged:
        report.say(f"Damaged, by what the files say: {counted(len(damaged), 'photo')}.")
    notes = [f"{to_line(i.file.path)}: {i.note}" for i in walk.hashed if i.note]
    for line in (*damaged_lines, *notes) if arguments.verbose else ():
        report.say(f"  {line}")
    report_left_out(report, walk)
    passed_over_lines = report_passed_over(report, arguments, walk)
    unreadable_lines = [f"{to_line(item.file.path)}: {item.reason}" for item in walk.unreadable]
    skipped_lines = [f"{to_line(item.path)}: {item.reason}" for item in walk.skipped]
    report.list_some("Unreadable files", unreadable_lines, everything=arguments.verbose)
    report.list_some("Unreadable folders", skipped_lines, everything=arguments.verbose)
    set_aside = [to_line(path) for path in walk.set_aside]
    title = "Originals that an interrupted cleanup of another result has set aside; rename them"
    report.list_some(title, set_aside, everything=True)
    report.facts.update(
        found=walk.found,
        hashed=len(walk.hashed),
        unchanged=walk.unchanged,
        unreadable=[{"path": item.file.path, "reason": item.reason} for item in walk.unreadable],
        skipped_folders=[{"path": item.path, "reason": item.reason} for item in walk.skipped],
        damaged=[{"path": path, "reason": damage} for path, damage in damaged.items()],
        hard_links=walk.links,
        same_files=walk.same_files,
        earlier_results=walk.earlier,
    )
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    return [
        f"{now} find: {summary}",
        *(f"Unreadable file: {line}" for line in unreadable_lines),
        *(f"Unreadable folder: {line}" for line in skipped_lines),
        *(f"Result passed over: {to_line(path)}" for path in walk.earlier),
        *(f"Passed over: {line}" for line in passed_over_lines),
        *(f"Damaged file: {line}" for line in damaged_lines),
        *(f"Note on {line}" for line in notes),
        *(f"Decoder on {to_line(i.file.path)}: {i.warnings}" for i in walk.hashed if i.warnings),
    ]


def report_passed_over(report: Report, arguments: argparse.Namespace, walk: Walk) -> list[str]:
    """Say how much of what kind was passed over; returns a line for each of it."""
    from pictures.formats import is_picture

    items = [(item.kind, to_line(item.path)) for item in walk.passed_over]
    items += [(SET_ASIDE, to_line(path)) for path in walk.set_aside]
    kinds = Counter(kind for kind, _ in items)
    same = {HARD_LINKS: len(walk.links), SAME_FILES: len(walk.same_files)}  # which are told above
    ordered = {kind: kinds[kind] for kind in sorted(kinds, key=lambda k: (not is_picture(k), k))}
    order = {kind: position for position, kind in enumerate(ordered)}
    report.facts["passed_over"] = {**ordered, **{kind: n for kind, n in same.items() if n}}
    lines = [f"{kind}: {path}" for kind, path in sorted(items, key=lambda item: order[item[0]])]
    if ordered:
        counts = ", ".join(f"{kind} {number:,}" for kind, number in ordered.items())
        report.say(f"Passed over: {counts}{'.' if arguments.verbose else ' (see --verbose).'}")
    for line in lines if arguments.verbose else ():
        report.say(f"  {line}")
    if not walk.hashed and any(is_picture(kind) or kind == "libraries" for kind in ordered):
        report.code = Exit.KEPT
        report.warn(NOTHING_READ)
    elif not walk.hashed and (unseen := [kind for kind in ordered if kind in UNSEEN]):
        report.code = Exit.KEPT
        report.warn(NOTHING_OPEN.format(", ".join(unseen)))
    return lines


def report_left_out(report: Report, walk: Walk) -> None:
    if walk.links:
        report.say(f"Hard links to the same files, left out: {len(walk.links):,}.")
    if walk.same_files:
        report.say(f"The same files by another way, left out: {len(walk.same_files):,}.")
    if walk.earlier:
        report.say(f"Results of find, passed over: {', '.join(map(to_line, walk.earlier))}.")


def report_groups(
    report: Report,
    arguments: argparse.Namespace,
    hashed: Sequence[HashedImage],
    groups: Sequence["Cluster"],
    matched: Mapping[str, int],
) -> list[str]:
    """Say what was grouped and why; returns a line for the log for each group."""
    pictures = sum(len(cluster.members) for cluster in groups)
    report.say(f"{counted(len(groups), 'group')} of similar pictures: {pictures:,} of them.")
    if matched:
        views = ", ".join(f"{number:,} {view}" for view, number in sorted(matched.items()))
        report.say(f"Matched pairs, by what was compared: {views}.")
    if colours := [c for c in groups if any(only_colour_differs(hashed, m) for m in c.links)]:
        counts = counted(len(colours), "group")
        report.say(f"Colour is not compared: in {counts} pictures differ only in it.")
    doubtful = [[match for match in c.links if match.needs_a_look] for c in groups]
    if any(doubtful):
        counts = counted(sum(map(bool, doubtful)), "group")
        links = counted(sum(map(len, doubtful)), "link")
        report.say(f"To be looked at closely: {counts} with {links} that only the model found.")
    lines = []
    for number, cluster in enumerate(groups, 1):
        lines.append(f"Group {number}: {counted(len(cluster.members), 'picture')}{why(cluster)}")
        if arguments.verbose:
            report.say(lines[-1])
        for position in cluster.members if arguments.verbose else ():
            report.say(f"  {to_line(hashed[position].file.path)}")
    paths = [[hashed[position].file.path for position in cluster.members] for cluster in groups]
    report.facts.update(
        groups=paths,
        matched=dict(sorted(matched.items())),
        weakest_links=[weakest_link(hashed, cluster) for cluster in groups],
        needs_a_look=[[link_facts(hashed, match) for match in links] for links in doubtful],
        colour_only=[paths[groups.index(cluster)] for cluster in colours],
    )
    return lines


def why(cluster: "Cluster") -> str:
    """What holds a group together: its weakest link, whether it is a burst or needs a look."""
    if not cluster.links:
        return ""
    weakest = cluster.links[-1]
    burst = "; a burst" if any(match.view == "burst" for match in cluster.links) else ""
    measure = "cosine" if weakest.needs_a_look else "correlation"
    doubtful = sum(match.needs_a_look for match in cluster.links)
    look = f"; needs a look: {counted(doubtful, 'link')} by embedding only" if doubtful else ""
    return (
        f"; weakest link {weakest.view}, {weakest.distance} bits apart, "
        f"{measure} {weakest.correlation:.2f}{burst}{look}"
    )


def weakest_link(hashed: Sequence[HashedImage], cluster: "Cluster") -> dict[str, object] | None:
    if not cluster.links:
        return None
    burst = any(match.view == "burst" for match in cluster.links)
    return {**link_facts(hashed, cluster.links[-1]), "burst": burst}


def link_facts(hashed: Sequence[HashedImage], match: "Match") -> dict[str, object]:
    return {
        "left": hashed[match.left].file.path,
        "right": hashed[match.right].file.path,
        "view": match.view,
        "distance": match.distance,
        "cosine" if match.needs_a_look else "correlation": round(match.correlation, 3),
    }


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


def only_colour_differs(hashed: Sequence[HashedImage], match: "Match") -> bool:
    from pictures import matching

    one, other = hashed[match.left].look, hashed[match.right].look
    return bool(one and other and matching.differ_in_colour(one, other, match))


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


def has_extra(package: str) -> bool:
    """Whether the folder extras/ and an optional package are there."""
    return bool(importlib.util.find_spec("extras") and importlib.util.find_spec(package))


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
            f"Copied to {to_line(settings.output_dir)}: {counted(len(saved), 'picture')}, "
            f"{megabytes(size)}."
        )
        if has_extra("jinja2"):
            report.say(f"All at a glance: {to_line(paths_of(settings).report_file)}")
        elif importlib.util.find_spec("extras"):
            report.say("For a contact sheet (report.html) install extras/requirements.txt.")
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


def recover(paths: storage.OutputPaths, report: Report) -> storage.Opened:
    """What lies in OUTPUT_DIR, once what an interrupted run has left is put in order."""
    opened = storage.recover(paths)
    if isinstance(opened, storage.Result) and storage.is_signed(opened.manifest):
        put_back(opened, report)
    return opened


def put_back(result: storage.Result, report: Report) -> None:
    """Give the originals their names again that an interrupted cleanup has set aside."""
    for restored in cleanup.restore_set_aside(result.manifest):
        if isinstance(restored, cleanup.Kept):
            report.list_some("Not put back", [f"{to_line(restored.path)}: {restored.reason}"])
        else:
            line = f"Restored file: {to_line(restored)}"
            append_lines(result.paths.log_file, [line])
            report.say(f"{line} (an earlier cleanup was interrupted)")


def ask_for_trust(result: storage.Result, arguments: argparse.Namespace, report: Report) -> None:
    """Show what a result would reach that this user's key has not signed, ask, and sign it.

    Raises UserError if it isn't trusted.
    """
    if storage.is_signed(result.manifest):
        return
    reach = storage.reach_of(result.manifest)
    report.say(f"Not signed with your key: {to_line(result.paths.output_dir)}")
    report.say(f"It reaches {counted(sum(reach.values()), 'original')} in these folders:")
    for folder, count in reach.items():
        report.say(f"  {to_line(folder)}: {count:,}")
    report.facts["reach"] = reach
    if not arguments.yes:
        if sys.stdin is None or not sys.stdin.isatty():
            raise UserError("nobody is there to be asked; look at the folders, then add --yes.")
        if not agreed("Trust it from now on?"):
            raise UserError("the result is not trusted, and nothing was changed.", Exit.STATE)
    if not arguments.dry_run:
        report.warn_of(why_unsigned())
        storage.write_manifest(result.paths.output_dir, result.manifest)
        put_back(result, report)


# ---- check-deleted


@contextlib.contextmanager
def opened(
    settings: Settings, arguments: argparse.Namespace, report: Report
) -> Iterator[storage.Result]:
    """Hold the lock on a result that can be trusted; UserError if there is none.

    A dry run only looks whether another run has the lock, and leaves what was interrupted.
    """
    if not os.path.isdir(os.path.dirname(settings.output_dir)):
        message = f"OUTPUT_DIR {settings.output_dir} is missing; mount it, or run --action find."
        raise UserError(message, Exit.STATE)
    paths = paths_of(settings)
    with contextlib.ExitStack() as stack:
        if arguments.dry_run:
            storage.check_unlocked(settings.output_dir)
            result = storage.proven(storage.open_result(paths))
        else:
            stack.enter_context(storage.locked(settings.output_dir))
            result = storage.proven(recover(paths, report))
        if arguments.trust_result:
            ask_for_trust(result, arguments, report)
        else:
            storage.check_signed(result.manifest, settings.output_dir)
        yield result


def check_deleted(settings: Settings, arguments: argparse.Namespace, report: Report) -> None:
    with opened(settings, arguments, report) as result:
        manifest = result.manifest
        culled = cleanup.culled_in(manifest, settings.output_dir)
        whole_groups = frozenset(culled.whole_groups if arguments.allow_whole_groups else ())
        listed = {*culled.deleted, *whole_groups}
        copies = [c for c in manifest.copies if c in listed]
        originals = [c.original.path for c in copies]
        present = [p for p in originals if not is_gone(p) or cleanup.is_set_aside(p)]
        there = frozenset(present)
        # Of a whole group all are listed, or what is taken off the list couldn't be told.
        named = [c.original.path for c in copies if c in whole_groups or c.original.path in there]
        storage.check_to_delete(settings.to_delete_file, manifest)
        if not arguments.dry_run:
            storage.write_to_delete(settings.to_delete_file, named if present else [])
    place = to_line(settings.to_delete_file)
    listing = "To list" if arguments.dry_run else "Listed"
    report.say(f"{listing} in {place}: {counted(len(present), 'original')}.")
    if len(present) < len(originals):
        report.say(f"Gone already: {counted(len(originals) - len(present), 'original')}.")
    if culled.moved:
        report.say(f"Moved, renamed or edited, so they stay: {counted(len(culled.moved), 'copy')}.")
    for copy in culled.moved if arguments.verbose else ():
        report.say(f"  {to_line(copy.original.path)}")
    say_strangers(report, culled)
    lost = say_losses(report, manifest, [c for c in copies if c.original.path in there])
    if arguments.dry_run:
        report.say("Dry run: nothing was written.")
    elif present:
        again = " --allow-whole-groups" if arguments.allow_whole_groups else ""
        report.say(f"Look at the list, then run --action cleanup{again}.")
    if culled.whole_groups and not arguments.allow_whole_groups:
        numbers = sorted({c.group for c in culled.whole_groups})
        title = "Groups of which every copy is gone; their originals stay (--allow-whole-groups)"
        report.list_some(title, [str(n) for n in numbers], everything=arguments.verbose)
    report.facts.update(
        to_delete=present,
        loses=lost,
        moved=[c.original.path for c in culled.moved],
        strangers=list(culled.strangers),
        whole_groups=sorted({c.group for c in culled.whole_groups}),
    )


def say_strangers(report: Report, culled: cleanup.Culled) -> None:
    """Name what may be an edited copy: nothing goes of which a picture may be what became."""
    title = (
        "Files that may be edited copies, for which originals may stay; move each to its group, or "
        "out of OUTPUT_DIR, and run check-deleted again"
    )
    report.list_some(title, [to_line(path) for path in culled.strangers], everything=True)


def say_losses(
    report: Report, manifest: storage.Manifest, doomed: Sequence[storage.SavedCopy]
) -> list[dict[str, object]]:
    """Name what only doomed originals hold; returns it for --json."""
    losses = cleanup.losses(manifest, doomed)
    if losses:
        report.say(f"Only these hold something that what stays doesn't ({len(losses):,}):")
    for loss in losses:
        report.say(f"  {to_line(loss.path)}: {'; '.join(loss.loses)}")
    return [{"path": loss.path, "loses": list(loss.loses)} for loss in losses]


# ---- cleanup


def clean_up(settings: Settings, arguments: argparse.Namespace, report: Report) -> None:
    whole = arguments.allow_whole_groups
    check_log(settings.log_file)
    with opened(settings, arguments, report) as result:
        manifest = result.manifest
        listed = storage.read_to_delete(settings.to_delete_file)
        culled = cleanup.culled_in(manifest, settings.output_dir)
        plan = cleanup.plan_deletions(
            listed, manifest, culled, whole_groups=whole, list_file=settings.to_delete_file
        )
        report_plan(report, plan, manifest, settings)
        say_strangers(report, culled)
        if arguments.dry_run:
            report.say("Dry run: nothing was deleted.")
            return
        if plan.delete and not arguments.yes and not confirmed(len(plan.delete)):
            report.say("Nothing was deleted.")
            report.code = Exit.KEPT
            return
        # The person may have looked at the folders again before answering.
        culled = cleanup.culled_in(manifest, settings.output_dir)
        judge = cleanup.Judge(manifest, frozenset(listed), culled, whole_groups=whole)
        refused = [f"Kept file: {to_line(kept.path)}: {kept.reason}" for kept in plan.refused]
        append_lines(settings.log_file, refused)
        remove = cleanup.trash if settings.delete_mode == "trash" else cleanup.unlink
        done = cleanup.execute(plan, judge, settings.log_file, remove)
        results: list[cleanup.Deleted | cleanup.Kept] = []
        try:
            results.extend(bar(done, "Deleting", total=len(plan.delete)))
        finally:  # whatever stops it, say what was done
            report_deleted(report, results, settings)


def report_plan(
    report: Report, plan: cleanup.Plan, manifest: storage.Manifest, settings: Settings
) -> None:
    size = sum(cleanup.bytes_freed(copy.original.path) for copy in plan.delete)
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
        loses=say_losses(report, manifest, plan.delete),
        kept=[{"path": kept.path, "reason": kept.reason} for kept in plan.refused],
        gone=list(plan.gone),
        sidecars=sidecars,
        bytes=size,
    )


def confirmed(count: int) -> bool:
    """Ask on a terminal; a script that runs cleanup has been asked by who wrote it."""
    if sys.stdin is None:
        return False
    if not sys.stdin.isatty():
        return True
    return agreed(f"Delete {counted(count, 'original')}?")


def agreed(question: str) -> bool:
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def report_deleted(
    report: Report, results: Sequence[cleanup.Deleted | cleanup.Kept], settings: Settings
) -> None:
    deleted = [result for result in results if isinstance(result, cleanup.Deleted)]
    kept = [result for result in results if isinstance(result, cleanup.Kept)]
    freed = sum(result.freed for result in deleted)
    trash = settings.delete_mode == "trash"
    how, gain = ("Sent to the trash", "") if trash else ("Deleted", f", {megabytes(freed)} freed")
    report.say(f"{how}: {counted(len(deleted), 'original')}{gain}.")
    lines = [f"{to_line(item.path)}: {item.reason}" for item in kept]
    report.list_some("Kept after all", lines, everything=True)
    trashes = sorted({os.path.dirname(os.path.dirname(i.place)) for i in deleted if i.place})
    for folder in trashes:
        report.say(f"They lie in {to_line(folder)}.")
    report.facts.update(deleted=[item.path for item in deleted], freed=freed)
    report.facts["trashed"] = {item.path: item.place for item in deleted if item.place}
    report.facts["kept"] += [{"path": item.path, "reason": item.reason} for item in kept]


# ---- explain


def explain(settings: Settings, arguments: argparse.Namespace, report: Report) -> None:
    """Say why two photos match or don't, or which setting fits examples. Changes nothing."""
    need_extras("--action explain")
    if arguments.photos:
        explain_two(settings, arguments, report)
    else:
        suggest_setting(settings, arguments, report)


def hash_for(settings: Settings) -> Callable[[list[ImageFile]], Iterable[methods.Hashed]]:
    """How photos are hashed for all that can be said of them, whatever the method wants."""
    method = methods.chosen(settings)
    recipe = dataclasses.replace(method.recipe, parts=True, only_hash=False)

    def hash_files(files: list[ImageFile]) -> Iterable[methods.Hashed]:
        return method.completed(finder.hash_files(files, recipe, settings.workers))

    return hash_files


def explain_two(settings: Settings, arguments: argparse.Namespace, report: Report) -> None:
    from extras import explain

    paths = [os.path.realpath(path) for path in arguments.photos]
    one, other = explain.hashed(paths, hash_for(settings))
    found = storage.open_result(paths_of(settings))
    manifest = found.manifest if isinstance(found, storage.Result) else None
    explanation = explain.explain(one, other, settings, manifest)
    for line in explain.explained(explanation, everything=arguments.verbose):
        report.say(line)
    report.facts.update(dataclasses.asdict(explanation))


def suggest_setting(settings: Settings, arguments: argparse.Namespace, report: Report) -> None:
    from extras import explain

    config.check_input(settings)
    places.check_open(settings.input_dirs)
    pairs = [(pair, True) for pair in arguments.like] + [(pair, False) for pair in arguments.unlike]
    paths = [os.path.realpath(path) for pair, _ in pairs for path in pair]
    # The presets need this size, and a threshold is suggested for it.
    by_hash = dataclasses.replace(settings, hash_size=config.PRESET_HASH_SIZE, method="hash")
    images = iter(explain.hashed(paths, hash_for(by_hash)))
    examples = [explain.Example(next(images), next(images), like) for _, like in pairs]
    photos = sum(isinstance(found, ImageFile) for found in walk_through(settings))
    attempts = explain.suggest(examples, photos)
    for line in explain.suggested(attempts, photos):
        report.say(line)
    report.facts.update(explain.facts_of(attempts), photos=photos)


# ---- suggest


def suggest(settings: Settings, arguments: argparse.Namespace, report: Report) -> None:
    """Show which copies the rules give up and, with --apply, remove them; originals stay."""
    need_extras(f"--action {arguments.action}")
    config.check_prefer(settings)
    if arguments.EXCLUDE:
        raise UserError("--exclude is for find; --action suggest judges all that find copied.")
    from extras.review import told
    from extras.review.desk import Desk
    from extras.review.examiner import Examiner

    with opened(settings, arguments, report) as result:
        examiner = Examiner(settings.workers)
        try:
            desk = Desk(result, examiner, settings.prefer, settings.workers)
            judging = bar(desk.suggestions(), "Judging", len(desk.groups), unit=" groups")
            suggestions = list(judging)
            doomed = [removal for s in suggestions for removal in desk.doomed(s)]
            left = desk.left_to_person(suggestions, doomed)
            only_shows = arguments.dry_run or not arguments.apply
            everything = arguments.verbose or only_shows
            for line in told.lines(result.manifest, left, doomed, everything=everything):
                report.say(line)
            edited = [to_line(copy.original.path) for copy in desk.edited()]
            title = "Copies that were edited since find; they stay and are not judged"
            report.list_some(title, edited, everything=everything)
            report.facts.update(told.facts(result.manifest, left, doomed))
            if only_shows:
                add = "; --apply removes these copies" if doomed and not arguments.dry_run else ""
                report.say(f"Only shown: nothing was removed{add}.")
                return
            results = bar(desk.give_up(doomed), "Removing", len(doomed), unit=" copies")
            report_removed(report, list(results), arguments)
        finally:
            examiner.close()


def report_removed(
    report: Report, results: Sequence[cleanup.Deleted | cleanup.Kept], arguments: argparse.Namespace
) -> None:
    removed = [result.path for result in results if isinstance(result, cleanup.Deleted)]
    kept = [result for result in results if isinstance(result, cleanup.Kept)]
    report.say(f"Removed: {counted(len(removed), 'copy')}. Their originals stay.")
    lines = [f"{to_line(item.path)}: {item.reason}" for item in kept]
    report.list_some("Copies that stay", lines, everything=arguments.verbose)
    if removed:
        report.say("Look at the folders, then run --action check-deleted.")
    report.facts.update(
        removed=removed, kept=[{"path": item.path, "reason": item.reason} for item in kept]
    )


# ---- review


def review(settings: Settings, arguments: argparse.Namespace, report: Report) -> None:
    """Serve the page to look and choose, until it is ended there or with Ctrl-C."""
    need_extras(f"--action {arguments.action}")
    config.check_prefer(settings)
    if importlib.util.find_spec("flask") is None:
        raise UserError("--action review needs Flask; run pip install -r extras/requirements.txt.")
    from extras.review.desk import Desk
    from extras.review.examiner import Examiner
    from extras.review.server import Server

    with opened(settings, arguments, report) as result:
        pass  # while somebody looks, the lock is free
    examiner = Examiner(settings.workers)
    try:
        desk = Desk(result, examiner, settings.prefer, settings.workers)
        server = Server(desk, arguments.port, next_command(settings, arguments))
        report.say(f"Look and choose at {server.address}")
        report.say("End it on the page or with Ctrl-C.")
        server.serve(None if arguments.no_browser or not has_desktop() else open_browser)
    finally:
        examiner.close()
    if desk.is_stale():
        report.say(f"Ended. {to_line(settings.output_dir)} holds another result by now.")
        return
    removed = sum(not os.path.lexists(copy.copy) for copy in result.manifest.copies)
    report.say(f"Ended. Removed now: {counted(removed, 'copy')}.")
    if removed:
        report.say("Run --action check-deleted to list their originals.")
    report.facts.update(removed=removed)


def has_desktop() -> bool:
    """Whether a browser can be shown; else the printed address must do."""
    shows = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(shows) or sys.platform != "linux"


def open_browser(path: str) -> None:
    """Open a file in the desktop's browser, which may take as long as somebody looks."""
    import threading
    import webbrowser
    from pathlib import Path

    threading.Thread(target=webbrowser.open, args=[Path(path).as_uri()], daemon=True).start()


def next_command(settings: Settings, arguments: argparse.Namespace) -> str:
    """The command that goes on from here, with the flags that name the result."""
    command = ["python", "main.py", "--action", "check-deleted"]
    files = {
        "OUTPUT_DIR": settings.output_dir,
        "INFO_FILE": settings.info_file,
        "TO_DELETE_FILE": settings.to_delete_file,
    }
    for flag, name, _, _ in VALUE_FLAGS:
        if name in files and getattr(arguments, name) is not None:
            place = files[name]
            command += [flag, place if name == "OUTPUT_DIR" else os.path.basename(place)]
    return shlex.join(command)


ACTIONS: dict[str, Callable[[Settings, argparse.Namespace, Report], None]] = {
    "find": find,
    "check-deleted": check_deleted,
    "cleanup": clean_up,
    "explain": explain,
    "review": review,
    "suggest": suggest,
}

if __name__ == "__main__":
    del __file__  # or each worker process would import this module, of which it needs nothing
    sys.unraisablehook = interrupt_again
    code = main()
    sys.unraisablehook = sys.__unraisablehook__
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(ending, signal.SIG_IGN)  # all is done and said
    raise SystemExit(code)
