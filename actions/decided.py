"""What the person has decided, for the actions that need it."""

from actions.console import Console
from disk.decisions import Decisions, load_decisions
from disk.user_folders import decisions_file


def decisions_of_person(console: Console) -> Decisions:
    """What the person has decided to keep side by side; tells of a line that was cut off."""
    decisions = load_decisions()
    if decisions.torn:
        console.warn_of(
            f"the last line of {decisions_file()} was cut off while it was written, so it counts "
            "for nothing; keep those groups again."
        )
    return decisions
