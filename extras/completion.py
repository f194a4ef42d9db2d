"""What a shell completes behind the command, by argcomplete: options of the action, and values."""

import os
from collections.abc import Callable
from typing import Any

from actions import values
from actions.configuration import configured
from actions.help import parser
from actions.table import ACTIONS
from pictures.choices import METHODS

CHOICES: dict[str, Any] = {  # names, or what has them as keys
    "action": ACTIONS,
    "PRESET": values.PRESETS,
    "METHOD": METHODS,
    "MODEL": values.MODELS,
    "NORMALISE": values.NORMALISATIONS,
    "DELETE_MODE": values.DELETE_MODES,
    "COPIES": ("whole", "preview"),
}
FOLDERS = ("INPUT_DIR", "OUTPUT_DIR", "PREFER")


def answer_shell() -> None:
    """Say what may stand next, and end, where a shell asks it; do nothing elsewhere."""
    if "_ARGCOMPLETE" not in os.environ:
        return
    import argcomplete
    from argcomplete.completers import ChoicesCompleter, DirectoriesCompleter

    made = parser(configured(None).by_name, action_in(os.environ.get("COMP_LINE", "")))
    for one in made._actions:
        completer: Callable[..., Any] | None = None
        if one.dest in CHOICES:
            completer = ChoicesCompleter(dict.fromkeys(CHOICES[one.dest], ""))  # only names count
        elif one.dest in FOLDERS:
            completer = DirectoriesCompleter()
        if completer:
            one.completer = completer  # type: ignore[attr-defined]
    argcomplete.autocomplete(made)


def action_in(line: str) -> str | None:
    """The action that a command line names.

    >>> action_in("image-similarity-search --action find --pre"), action_in("image --action fi")
    ('find', None)
    """
    words = line.replace("=", " ").split()
    named = words[words.index("--action") + 1 :][:1] if "--action" in words else []
    return named[0] if named and named[0] in ACTIONS else None
