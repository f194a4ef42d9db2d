"""What can be said on the command line alone; what config.py has, too, is in options.py."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from actions import values
from actions.table import (
    ACTIONS,
    CACHING,
    CHOOSING,
    DELETING,
    EVERY,
    EXAMPLES,
    FIND,
    OF_A_RESULT,
    PHOTOS,
    PLACES,
    RESULT,
    TALKING,
)


@dataclass(frozen=True, slots=True)
class Flag:
    """What is said on the command line alone; `how` has argparse's words for what is no switch."""

    flag: str
    help: str
    section: str
    actions: tuple[str, ...]
    how: Mapping[str, Any] = field(default_factory=lambda: {"action": "store_true"})
    only: str = ""

    @property
    def name(self) -> str:
        return self.flag.strip("-").replace("-", "_")

    def given_in(self, arguments: Any) -> bool:
        return bool(getattr(arguments, self.name))


# All but the page, and what changes nothing and is asked for its words.
DOING = tuple(action for action in ACTIONS if action not in ("review", "explain"))
BY_TASKS = ("find", "suggest", "cleanup")  # with --engine dask, or after a find with it
PAIR = {"nargs": 2, "action": "append", "default": [], "metavar": "PHOTO"}
FLAGS = (
    Flag(
        "--config",
        "another config.py to read in place of the shipped one; paths in it are relative to it",
        PLACES,
        EVERY,
        {"metavar": "FILE"},
    ),
    Flag(
        "--no-cache",
        "read all photos anew, and keep nothing of it for the next run",
        PHOTOS,
        CACHING,
    ),
    Flag(
        "--engine",
        "dask: hash and compare by tasks, on all cores or on the machines of a cluster",
        PHOTOS,
        FIND,
        {"metavar": "NAME"},
    ),
    Flag(
        "--scheduler",
        "the cluster's scheduler, as tcp://HOST:8786 (default: workers on this machine)",
        PHOTOS,
        BY_TASKS,
        {"metavar": "ADDRESS"},
    ),
    Flag(
        "--work",
        "a folder or URL that all workers see, where tasks leave their results; suggest and"
        " cleanup: of a find among objects",
        PHOTOS,
        BY_TASKS,
        {"metavar": "DIR_OR_URL"},
    ),
    Flag(
        "--index",
        "compare only pictures whose sketches are near, for many millions; says what that misses",
        PHOTOS,
        FIND,
        only="with --engine dask",
    ),
    Flag(
        "--probes",
        "in how many of the index's cells each picture is searched (default: 32)",
        PHOTOS,
        FIND,
        {"type": values.positive, "metavar": "N"},
        only="with --index",
    ),
    Flag(
        "--at-most",
        "show only the N groups that are the surest, and count the others",
        RESULT,
        FIND,
        {"type": values.positive, "metavar": "N"},
    ),
    Flag(
        "--sample",
        "copy the first N groups into OUTPUT_DIR, to be looked at",
        RESULT,
        FIND,
        {"type": values.positive, "metavar": "N"},
        only="with photos in an object store",
    ),
    Flag(
        "--show-shots",
        "make a group also of what is one shot alone, a RAW and its JPEG",
        RESULT,
        FIND,
    ),
    Flag(
        "--show-kept",
        "make a group also of what was kept side by side by --action keep",
        RESULT,
        FIND,
    ),
    Flag(
        "--discard-review",
        "replace a result with a review or last copies in it",
        RESULT,
        FIND,
    ),
    Flag(
        "--allow-whole-groups",
        "also delete where all copies of a group are gone, so that no picture of it remains",
        DELETING,
        ("check-deleted", "cleanup"),
    ),
    Flag(
        "--with-companions",
        "what belongs to a deleted photo goes along if the same lies beside one that stays",
        DELETING,
        ("cleanup",),
    ),
    Flag(
        "--apply",
        "remove the copies that the rules give up, not only show them",
        CHOOSING,
        ("suggest",),
    ),
    Flag(
        "--port",
        "the page's port (default: any)",
        CHOOSING,
        ("review",),
        {"type": int, "default": 0, "metavar": "N"},
    ),
    Flag(
        "--no-browser",
        "print the page's address and open no browser",
        CHOOSING,
        ("review",),
    ),
    Flag(
        "--like",
        "two photos that belong in one group, to suggest a setting; may be repeated",
        EXAMPLES,
        ("explain",),
        PAIR,
    ),
    Flag(
        "--unlike",
        "two photos that belong in different groups or none; may be repeated",
        EXAMPLES,
        ("explain",),
        PAIR,
    ),
    Flag(
        "--dry-run",
        "show what would be done, and do nothing",
        TALKING,
        DOING,
    ),
    Flag(
        "--yes",
        "don't ask; with --trust-result: trust without asking",
        TALKING,
        OF_A_RESULT,
    ),
    Flag(
        "--trust-result",
        "rely on a result that is not signed by you, after a look at its reach",
        TALKING,
        OF_A_RESULT,
    ),
    Flag(
        "--list",
        "print nothing but a list on stdout, messages on stderr; find: unreadable; covered:"
        " identical, same_picture, similar or missing, as rsync --files-from reads it",
        TALKING,
        ("find", "covered"),
        {"metavar": "KIND"},
    ),
    Flag(
        "--null",
        "end each name of a list with a NUL, as rsync --from0 reads it",
        TALKING,
        ("covered",),
        only="with --list",
    ),
    Flag("--json", "print one JSON object on stdout, messages on stderr", TALKING, EVERY),
    Flag(
        "--quiet",
        "print nothing but warnings, errors, what was deleted or restored, and the last line",
        TALKING,
        DOING,
    ),
    Flag("--verbose", "name every file", TALKING, EVERY),
)
