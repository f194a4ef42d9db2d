"""What is to be said of what is protected, before anything is done by it."""

from collections.abc import Iterable, Sequence

import cleanup
from actions.console import Console, counted
from disk.lines import to_line
from disk.protection import Protected
from disk.record import Manifest

SHOWN = 5


def warn_of_protection(console: Console, manifest: Manifest, protect: Sequence[str]) -> None:
    """Say what of it can't be followed now: by what find was told, or by what is set today."""
    protected = cleanup.protected_in(manifest, protect)
    warn_of_unused(console, protected, (copy.original.path for copy in manifest.copies))
    if lapsed := protected.lapsed:
        count = counted(len(lapsed), "original")
        names = ", ".join(map(to_line, lapsed[:SHOWN]))
        more = f" and {len(lapsed) - SHOWN:,} more" if len(lapsed) > SHOWN else ""
        console.warn(
            f"PROTECT leads no more to {count} that it protected when find ran; until find runs "
            f"again, they stay: {names}{more}"
        )


def warn_of_unused(console: Console, protected: Protected, paths: Iterable[str]) -> None:
    """Say which entries protect nothing, as one with a typo or of an unmounted disk would."""
    for pattern in protected.unused(paths):
        console.warn(
            f"PROTECT {to_line(pattern)} names nothing in the input folders; check the pattern."
        )
    for path in protected.empty:
        console.warn(f"PROTECT {to_line(path)} holds nothing now; check the path, or mount it.")
    if protected.given and protected.unread:
        console.warn(
            f"PROTECT {to_line(protected.unread)} can't be read, so what it links to isn't known; "
            "make it readable."
        )
