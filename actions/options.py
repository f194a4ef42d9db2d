"""The options of the command line, and the settings that they and config.py make."""

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import config
from actions import values
from actions.values import Check, Values
from config import Settings, UserError
from pictures.by_name import named
from pictures.choices import METHODS

DESCRIPTION = (
    "Find similar photos, look at them in numbered folders, and delete the copies you don't want."
)
# What can be done, by its name: the module whose `run` does it.
ACTIONS = {
    "find": "actions.find",
    "check-deleted": "actions.check_deleted",
    "cleanup": "actions.clean_up",
    "covered": "extras.actions.covered",
    "keep": "actions.keep",
    "forget": "actions.forget",
    "explain": "extras.actions.explain",
    "restore": "extras.actions.restore",
    "review": "extras.actions.review",
    "suggest": "extras.actions.suggest",
}
# What an action prints as a list, and nothing else.
LISTS = {
    "unreadable": "find",
    **dict.fromkeys(("identical", "same_picture", "similar", "missing"), "covered"),
}


# ---- The one table of what people can set


def as_given(given: Any, _: object) -> object:
    return given


def path_from_here(given: str, _: object) -> str:
    """A flag's path is relative to where one is, that of config.py to where it lies."""
    return given if given in ("", "auto") else os.path.abspath(os.path.expanduser(given))


def model_from_here(given: str, default: object) -> str:
    return given if given in values.MODELS else path_from_here(given, default)


def folders_from_here(given: list[str], _: object) -> list[str]:
    return [folder and os.path.abspath(os.path.expanduser(folder)) for folder in given]


def protected_from_here(given: list[str], default: Any) -> list[str]:
    """What a flag protects is protected besides what config.py does."""
    here = (values.protected_by(entry, "PROTECT", os.getcwd()) for entry in given)
    return [*default, *(one for some in here for one in some)]


def besides(given: list[str], default: Any) -> list[str]:
    return [*default, *given]


@dataclass(frozen=True, slots=True)
class Option:
    """A value that people set: its flag, its name in config.py, its help and its check.

    `read` makes a value of a flag's text, `merge` one of a flag's value and config.py's.
    """

    flag: str
    name: str
    help: str
    check: Check
    read: Callable[[str], object] = str
    merge: Callable[[Any, object], object] = as_given
    repeatable: bool = False
    is_switch: bool = False  # the flag alone says True

    @property
    def field(self) -> str:
        """The name of the checked value in the settings."""
        return "input_dirs" if self.name == "INPUT_DIR" else self.name.lower()


OPTIONS = (
    Option(
        "--input-dir",
        "INPUT_DIR",
        "a folder with photos; may be repeated",
        values.input_dirs,
        merge=folders_from_here,
        repeatable=True,
    ),
    Option(
        "--output-dir",
        "OUTPUT_DIR",
        "where the numbered folders go",
        values.output_dir,
        merge=path_from_here,
    ),
    Option(
        "--info-file",
        "INFO_FILE",
        "the file in OUTPUT_DIR that maps originals to copies",
        values.own_file,
    ),
    Option(
        "--to-delete-file",
        "TO_DELETE_FILE",
        "the file in OUTPUT_DIR that check-deleted writes",
        values.own_file,
    ),
    Option(
        "--log-file",
        "LOG_FILE",
        "what was found and deleted, in OUTPUT_DIR or elsewhere",
        values.log_file,
    ),
    Option(
        "--preset",
        "PRESET",
        "what counts as similar: copies, similar, crops or most",
        values.one_of(values.PRESETS),
    ),
    Option(
        "--threshold",
        "THRESHOLD",
        "instead of a preset: how far hashes may be apart, in bits",
        values.threshold,
        read=int,
    ),
    Option(
        "--hash-size",
        "HASH_SIZE",
        "the side of the hash; it has as many bits as its square",
        values.hash_size,
        read=int,
    ),
    Option(
        "--method",
        "METHOD",
        "how pictures are compared: hash, embeddings or both",
        values.one_of(METHODS),
    ),
    Option(
        "--model",
        "MODEL",
        "for embeddings: sscd-distilled, sscd or the path of an ONNX file",
        values.model,
        merge=model_from_here,
    ),
    Option(
        "--cosine",
        "COSINE",
        "for embeddings: from which cosine a few points of two pictures are enough",
        values.cosine,
        read=float,
    ),
    Option(
        "--model-side",
        "MODEL_SIDE",
        "pixels a side of the model's picture, if it takes any",
        values.whole_number(16, values.MAX_MODEL_SIDE),
        read=int,
    ),
    Option(
        "--normalise",
        "NORMALISE",
        "a float model's input: imagenet, unit, signed or none",
        values.one_of(values.NORMALISATIONS),
    ),
    Option(
        "--across",
        "ACROSS",
        "find, explain: compare only photos of different input folders",
        values.truth,
        is_switch=True,
    ),
    Option(
        "--workers",
        "WORKERS",
        "pictures read at the same time; 0 is one for each core",
        values.workers,
        read=int,
    ),
    Option(
        "--exclude",
        "EXCLUDE",
        "one more pattern of folders and files to pass over, as *.gif; may be repeated",
        values.patterns,
        merge=besides,
        repeatable=True,
    ),
    Option(
        "--min-size",
        "MIN_SIZE",
        "pass over photos of fewer bytes, as 20000, 20K or 1.5MB; 0 is no limit",
        values.amount("b"),
    ),
    Option(
        "--min-pixels",
        "MIN_PIXELS",
        "pass over pictures of fewer pixels (width times height), as 10000 or 0.5MP",
        values.amount("p"),
    ),
    Option(
        "--accept-unreadable",
        "ACCEPT_UNREADABLE",
        "find: a list of photos that are known to be unreadable, made by --list unreadable",
        values.file_or_none,
        merge=path_from_here,
    ),
    Option(
        "--cache-file",
        "CACHE_FILE",
        "where it is kept what was read, a path ending in .sqlite",
        values.cache_file,
        merge=path_from_here,
    ),
    Option(
        "--copies",
        "COPIES",
        "find: whole, or preview: pictures of at most 2048 pixels in place of large ones",
        values.one_of(("whole", "preview")),
    ),
    Option(
        "--delete-mode",
        "DELETE_MODE",
        "trash or permanent: where cleanup sends originals",
        values.delete_mode,
    ),
    Option(
        "--no-report",
        "NO_REPORT",
        "find: draw no contact sheet (report.html)",
        values.truth,
        is_switch=True,
    ),
    Option(
        "--prefer",
        "PREFER",
        "review, suggest: a folder to keep pictures of; may be repeated",
        values.folders_or_none,
        merge=folders_from_here,
        repeatable=True,
    ),
    Option(
        "--protect",
        "PROTECT",
        "a folder, file or pattern of which nothing is ever deleted; may be repeated",
        values.protect,
        merge=protected_from_here,
        repeatable=True,
    ),
)
SWITCHES = {
    "--apply": "suggest: remove the copies that the rules give up, not only show them",
    "--dry-run": "all but explain and review: show what would be done, and do nothing",
    "--show-shots": "find: make a group also of what is one shot alone, a RAW and its JPEG",
    "--show-kept": "find: make a group also of what was kept side by side by --action keep",
    "--yes": "cleanup, keep, forget: don't ask; with --trust-result: trust without asking",
    "--trust-result": "rely on a result that is not signed by you, after a look at its reach",
    "--discard-review": "find: replace a result with a review or last copies in it",
    "--allow-whole-groups": "check-deleted, cleanup: also delete where all copies of a group"
    " are gone, so that no picture of it remains",
    "--with-companions": "cleanup: what belongs to a deleted photo goes along if the same lies"
    " beside one that stays",
    "--no-browser": "review: print the page's address and open no browser",
    "--no-cache": "find, covered, review, suggest: read all photos anew, and keep nothing of it for"
    " the next run",
    "--null": "covered, with --list: end each name with a NUL, as rsync --from0 reads it",
    "--json": "print one JSON object on stdout, messages on stderr",
    "--verbose": "name every file",
}
# Those that say nothing to any other action.
OF_ONE = {
    "--apply": "suggest",
    "--with-companions": "cleanup",
    **dict.fromkeys(("--show-shots", "--show-kept", "--at-most"), "find"),
}


# ---- The command line


class Help(argparse.HelpFormatter):
    """Help of which no word is broken at a hyphen, as options are typed as they stand."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return wrap(" ".join(text.split()), width, break_on_hyphens=False)


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise UserError(f"{message}; see --help.")


def add_option(parser: argparse.ArgumentParser, option: Option, default: object) -> None:
    """Add a flag to the command line, with the value that config.py has for it."""
    shown = ", ".join(map(str, default)) if isinstance(default, (list, tuple)) else str(default)
    text = f"{option.help} (default: {shown})".replace("%", "%%")
    if option.is_switch:
        parser.add_argument(
            option.flag, dest=option.name, action="store_const", const=True, help=text
        )
        return
    parser.add_argument(
        option.flag,
        dest=option.name,
        type=option.read,
        action="append" if option.repeatable else "store",
        help=text,
        metavar=option.name,
    )


def parser(defaults: Mapping[str, object]) -> Parser:
    parser = Parser(
        prog="main.py", description=DESCRIPTION, allow_abbrev=False, formatter_class=Help
    )
    parser.add_argument(
        "--action",
        required=True,
        choices=ACTIONS,
        metavar="ACTION",
        help=f"what to do: {', '.join(ACTIONS)}; the first three in this order, with your look at"
        " the folders after find; restore undoes the last cleanup",
    )
    parser.add_argument(
        "photos",
        nargs="*",
        metavar="PATH",
        help="explain: two photos; covered: the folders of which all may be in INPUT_DIR already;"
        " keep, forget: the numbers of groups, or all",
    )
    for flag, text in (("--like", "one group"), ("--unlike", "different groups or none")):
        parser.add_argument(
            flag,
            nargs=2,
            action="append",
            default=[],
            metavar="PHOTO",
            help=f"explain: two photos that belong in {text}, to suggest a setting; repeatable",
        )
    for option in OPTIONS:
        add_option(parser, option, defaults[option.name])
    for flag, text in SWITCHES.items():
        parser.add_argument(flag, action="store_true", help=text)
    parser.add_argument(
        "--list",
        choices=LISTS,
        metavar="KIND",
        help="print nothing but a list on stdout, messages on stderr; find: unreadable;"
        " covered: identical, same_picture, similar or missing, as rsync --files-from reads it",
    )
    parser.add_argument(
        "--port", type=int, default=0, metavar="N", help="review: the page's port (default: any)"
    )
    parser.add_argument(
        "--at-most",
        type=values.positive,
        metavar="N",
        help="find: show only the N groups that are the surest, and count the others",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {config.__version__}")
    return parser


def check_belongs(arguments: argparse.Namespace) -> None:
    """Raise UserError for what is given to an action that has no use for it."""
    for flag, action in OF_ONE.items():
        if getattr(arguments, flag.strip("-").replace("-", "_")) and arguments.action != action:
            raise UserError(f"{flag}: only for --action {action}; see --help.")
    if arguments.trust_result and arguments.action in ("covered", "explain"):
        raise UserError(f"--trust-result: not for --action {arguments.action}; see --help.")
    check_list(arguments)
    check_photos(arguments)


def check_list(arguments: argparse.Namespace) -> None:
    """A list is of one action, and stdout has nothing else."""
    if arguments.null and (arguments.action != "covered" or not arguments.list):
        raise UserError("--null: only for --action covered with --list; see --help.")
    if arguments.list:
        if arguments.action != LISTS[arguments.list]:
            action = LISTS[arguments.list]
            raise UserError(f"--list {arguments.list}: only for --action {action}; see --help.")
        if arguments.json:
            raise UserError("--list and --json exclude each other; give one of them.")


def check_photos(arguments: argparse.Namespace) -> None:
    """Explain takes photos, two or example pairs; covered takes folders, two others groups."""
    photos, examples = arguments.photos, arguments.like + arguments.unlike
    if arguments.action == "covered" and not examples:
        if not photos:
            raise UserError("--action covered: name the folder that may be in INPUT_DIR already.")
    elif arguments.action in ("keep", "forget") and not examples:
        check_groups(arguments.action, photos)
    elif arguments.action != "explain":
        if photos or examples:
            stray = "--like and --unlike" if examples else f"the photo {photos[0]}"
            raise UserError(f"{stray}: only for --action explain; see --help.")
    elif len(photos) != (0 if examples else 2):
        raise UserError(
            "--action explain takes either two photos, or pairs of them with --like and --unlike."
        )


def check_groups(action: str, groups: Sequence[str]) -> None:
    """What is kept or forgotten is named by the numbers of groups, or all of it is."""
    if action == "forget" and not groups:
        raise UserError("--action forget: name the groups by their numbers, or all.")
    if list(groups) not in ([], ["all"]) and not all(map(values.is_group, groups)):
        raise UserError(f"--action {action} takes the numbers of groups, or all; see --help.")


# ---- The settings


def constants(module: Mapping[str, object]) -> dict[str, object]:
    """The values of an edited config.py; an unknown or missing name is a `UserError`."""
    known = [option.name for option in OPTIONS]
    for name in sorted(module.keys() - known):
        check_unknown(name, module[name], known)
    for name in known:
        if name not in module:
            raise UserError(f"config.py: {name} is missing; add a line {name} = ...")
    return {name: module[name] for name in known}


def check_unknown(name: str, value: object, known: Sequence[str]) -> None:
    """A name of config.py that no option has is the user's own; UserError for what is a slip."""
    is_value = not name.startswith("_") and isinstance(value, (str, int, list, tuple))
    if not name.isupper() and not is_value:
        return
    likeness = 0.6 if name.isupper() else 0.85  # other names may be the user's own
    near = named("difflib:get_close_matches")(name.upper(), known, n=1, cutoff=likeness)
    if name.isupper() or near:
        hint = f"did you mean {near[0]}?" if near else "remove it."
        raise UserError(f"config.py: unknown name {name}; {hint}")


def settings_of(arguments: argparse.Namespace, defaults: Mapping[str, object]) -> Settings:
    """config.py's values, as overridden by flags, checked."""
    merged = dict(defaults)
    for option in OPTIONS:
        given = getattr(arguments, option.name)
        if given is not None:
            merged[option.name] = option.merge(given, defaults[option.name])
    if arguments.PRESET is not None:
        if arguments.THRESHOLD is not None:
            raise UserError("--preset and --threshold exclude each other; give one of them.")
        merged["THRESHOLD"] = None
    if arguments.no_cache:
        merged["CACHE_FILE"] = None
    return settings_from(merged, os.path.dirname(os.path.abspath(config.__file__)))


def settings_from(by_name: Mapping[str, object], base: str) -> Settings:
    """The values of config.py, checked; relative folders are relative to `base`.

    Raises UserError for the first wrong value.
    """
    given = Values(by_name, base)
    checked: dict[str, Any] = {o.field: o.check(given, o.name) for o in OPTIONS}
    settings = Settings(**checked)
    values.check_protect(settings.protect, settings.output_dir)
    return settings
