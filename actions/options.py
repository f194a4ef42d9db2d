"""The table of what people can set, in config.py or by a flag."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from actions import values
from actions.table import (
    BASE,
    BY_MODEL,
    CACHING,
    CHOOSING,
    COMPARING,
    DELETING,
    EVERY,
    FIND,
    LIKENESS,
    OF_A_RESULT,
    PHOTOS,
    PLACES,
    RESULT,
)
from actions.values import Check
from disk.files import is_url
from pictures.choices import METHODS


def as_given(given: Any, _: object) -> object:
    return given


def path_from_here(given: str, _: object) -> str:
    """A flag's path is relative to where one is, that of config.py to where it lies."""
    return given if given in ("", "auto") else os.path.abspath(os.path.expanduser(given))


def model_from_here(given: str, default: object) -> str:
    return given if given in values.MODELS else path_from_here(given, default)


def folders_from_here(given: list[str], _: object) -> list[str]:
    return [
        one if not one or is_url(one) else os.path.abspath(os.path.expanduser(one)) for one in given
    ]


def protected_from_here(given: list[str], default: Any) -> list[str]:
    """What a flag protects is protected besides what config.py does."""
    here = (values.protected_by(entry, "PROTECT", os.getcwd()) for entry in given)
    return [*default, *(one for some in here for one in some)]


def besides(given: list[str], default: Any) -> list[str]:
    return [*default, *given]


@dataclass(frozen=True, slots=True)
class Option:
    """A value that people set: its flag, its name in config.py, its help, its check, its default.

    Its actions need it; others of `taken_by` accept it, so that one line of flags serves them, too.
    `read` makes a value of a flag's text, `merge` one of a flag's value and config.py's.
    """

    flag: str
    name: str
    default: object  # as config.py is shipped
    help: str
    check: Check
    section: str
    actions: tuple[str, ...]
    taken_by: tuple[str, ...] = ()
    only: str = ""  # with what it has a meaning
    read: Callable[[str], object] = str
    merge: Callable[[Any, object], object] = as_given
    repeatable: bool = False
    is_switch: bool = False  # the flag alone says True

    @property
    def field(self) -> str:
        """The name of the checked value in the settings."""
        return "input_dirs" if self.name == "INPUT_DIR" else self.name.lower()

    def given_in(self, arguments: Any) -> bool:
        return getattr(arguments, self.name) is not None


OPTIONS = (
    Option(
        "--input-dir",
        "INPUT_DIR",
        "tests/samples",
        "a folder with photos, or with --engine dask a URL; may be repeated",
        values.input_dirs,
        section=PLACES,
        actions=COMPARING,
        taken_by=EVERY,
        merge=folders_from_here,
        repeatable=True,
    ),
    Option(
        "--output-dir",
        "OUTPUT_DIR",
        "output",
        "where the numbered folders go",
        values.output_dir,
        section=PLACES,
        actions=EVERY,
        merge=path_from_here,
    ),
    Option(
        "--info-file",
        "INFO_FILE",
        "info.txt",
        "the file in OUTPUT_DIR that maps originals to copies",
        values.own_file,
        section=PLACES,
        actions=EVERY,
    ),
    Option(
        "--to-delete-file",
        "TO_DELETE_FILE",
        "to_delete.txt",
        "the file in OUTPUT_DIR that check-deleted writes",
        values.own_file,
        section=PLACES,
        actions=EVERY,
    ),
    Option(
        "--log-file",
        "LOG_FILE",
        "log.txt",
        "what was found and deleted, in OUTPUT_DIR or elsewhere",
        values.log_file,
        section=PLACES,
        actions=EVERY,
    ),
    Option(
        "--preset",
        "PRESET",
        "similar",
        "what counts as similar: copies, similar, crops or most",
        values.one_of(values.PRESETS),
        section=LIKENESS,
        actions=COMPARING,
    ),
    Option(
        "--threshold",
        "THRESHOLD",
        None,
        "instead of a preset: how far hashes may be apart, in bits",
        values.threshold,
        section=LIKENESS,
        actions=COMPARING,
        taken_by=BASE,
        read=int,
    ),
    Option(
        "--hash-size",
        "HASH_SIZE",
        16,
        "the side of the hash; it has as many bits as its square",
        values.hash_size,
        section=LIKENESS,
        actions=COMPARING,
        taken_by=BASE,
        read=int,
    ),
    Option(
        "--method",
        "METHOD",
        "hash",
        "how pictures are compared: hash, embeddings or both",
        values.one_of(METHODS),
        section=LIKENESS,
        actions=COMPARING,
    ),
    Option(
        "--model",
        "MODEL",
        "sscd-distilled",
        "the network: sscd-distilled, sscd or the path of an ONNX file",
        values.model,
        section=LIKENESS,
        actions=COMPARING,
        only=BY_MODEL,
        merge=model_from_here,
    ),
    Option(
        "--cosine",
        "COSINE",
        0.75,
        "from which cosine a few points of two pictures are enough",
        values.cosine,
        section=LIKENESS,
        actions=COMPARING,
        only=BY_MODEL,
        read=float,
    ),
    Option(
        "--model-side",
        "MODEL_SIDE",
        288,
        "pixels a side of the model's picture, if it takes any",
        values.whole_number(16, values.MAX_MODEL_SIDE),
        section=LIKENESS,
        actions=COMPARING,
        only=BY_MODEL,
        read=int,
    ),
    Option(
        "--normalise",
        "NORMALISE",
        "imagenet",
        "a float model's input: imagenet, unit, signed or none",
        values.one_of(values.NORMALISATIONS),
        section=LIKENESS,
        actions=COMPARING,
        only=BY_MODEL,
    ),
    Option(
        "--across",
        "ACROSS",
        False,
        "compare only photos of different input folders",
        values.truth,
        section=LIKENESS,
        actions=("find", "explain"),
        is_switch=True,
    ),
    Option(
        "--workers",
        "WORKERS",
        0,
        "pictures read at the same time; 0 is one for each core",
        values.workers,
        section=PHOTOS,
        actions=(*COMPARING, "review", "suggest", "keep", "forget"),
        read=int,
    ),
    Option(
        "--exclude",
        "EXCLUDE",
        [".cache", ".git", "lost+found"],
        "one more pattern of folders and files to pass over, as *.gif; may be repeated",
        values.patterns,
        section=PHOTOS,
        actions=COMPARING,
        merge=besides,
        repeatable=True,
    ),
    Option(
        "--min-size",
        "MIN_SIZE",
        0,
        "pass over photos of fewer bytes, as 20000, 20K or 1.5MB; 0 is no limit",
        values.amount("b"),
        section=PHOTOS,
        actions=COMPARING,
    ),
    Option(
        "--min-pixels",
        "MIN_PIXELS",
        0,
        "pass over pictures of fewer pixels (width times height), as 10000 or 0.5MP",
        values.amount("p"),
        section=PHOTOS,
        actions=("find", "covered"),
    ),
    Option(
        "--accept-unreadable",
        "ACCEPT_UNREADABLE",
        None,
        "a list of photos that are known to be unreadable, made by --list unreadable",
        values.file_or_none,
        section=PHOTOS,
        actions=FIND,
        merge=path_from_here,
    ),
    Option(
        "--cache-file",
        "CACHE_FILE",
        "auto",
        "where it is kept what was read, a path ending in .sqlite",
        values.cache_file,
        section=PHOTOS,
        actions=CACHING,
        merge=path_from_here,
    ),
    Option(
        "--copies",
        "COPIES",
        "whole",
        "whole, or preview: pictures of at most 2048 pixels in place of large ones",
        values.one_of(("whole", "preview")),
        section=RESULT,
        actions=FIND,
    ),
    Option(
        "--delete-mode",
        "DELETE_MODE",
        "trash",
        "where originals go: trash or permanent",
        values.delete_mode,
        section=DELETING,
        actions=("cleanup",),
        taken_by=BASE,
    ),
    Option(
        "--no-report",
        "NO_REPORT",
        False,
        "draw no contact sheet (report.html)",
        values.truth,
        section=RESULT,
        actions=FIND,
        is_switch=True,
    ),
    Option(
        "--prefer",
        "PREFER",
        [],
        "a folder whose pictures are rather kept, the best first; may be repeated",
        values.folders_or_none,
        section=CHOOSING,
        actions=("find", "review", "suggest"),
        merge=folders_from_here,
        repeatable=True,
    ),
    Option(
        "--protect",
        "PROTECT",
        [],
        "a folder, file or pattern of which nothing is ever deleted; may be repeated",
        values.protect,
        section=DELETING,
        actions=OF_A_RESULT,
        taken_by=EVERY,
        merge=protected_from_here,
        repeatable=True,
    ),
)
