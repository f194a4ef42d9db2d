"""The options of the command line, and the settings that they and config.py make."""

import argparse
import os
from collections.abc import Callable, Mapping
from typing import Any

import config
from actions.values import MODELS, settings_from
from config import Settings, UserError

DESCRIPTION = (
    "Find similar photos, look at them in numbered folders, and delete the copies you don't want."
)
# What can be done, by its name: the module whose `run` does it.
ACTIONS = {
    "find": "actions.find",
    "check-deleted": "actions.check_deleted",
    "cleanup": "actions.clean_up",
    "explain": "extras.actions.explain",
    "review": "extras.actions.review",
    "suggest": "extras.actions.suggest",
}
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


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise UserError(f"{message}; see --help.")


def parser(defaults: Mapping[str, object]) -> Parser:
    parser = Parser(prog="main.py", description=DESCRIPTION, allow_abbrev=False)
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


def check_belongs(arguments: argparse.Namespace) -> None:
    """Raise UserError for what is given to an action that has no use for it."""
    if arguments.apply and arguments.action != "suggest":
        raise UserError("--apply: only for --action suggest; see --help.")
    if arguments.trust_result and arguments.action == "explain":
        raise UserError("--trust-result: not for --action explain; see --help.")
    check_photos(arguments)


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
        elif name == "MODEL" and given in MODELS:
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
    return settings_from(merged, base)
