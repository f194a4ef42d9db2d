"""What is known of pictures from one run to the next, noted in the store by their content.

What is noted was read in a worker together with the digest of what it read. A note that is not as
it was written, or says anything odd, is none: then it is made anew.
"""

import base64
import dataclasses
import functools
import json
import time
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any, Literal

from disk import companions
from disk.files import ImageFile
from disk.strict import digest_of, fraction_of, number_of, rows_of, table_of, words_of
from extras.review.facts import Facts, Glance, digest_of_files, in_time
from extras.review.origin import Peaks, Traces
from extras.review.versions import PRINT_BYTES
from pictures.rows import Row
from pictures.store import Store

# Raised by hand whenever what is made of pictures here changes: facts, what all pixels tell, and
# the small pictures. What is noted by another number is dropped, and made anew.
RECIPE = 1
Kind = Literal["facts", "deep", "small", "thumb"]
# How many of each are kept; the oldest go first.
MOST: Mapping[Kind, int] = {"facts": 100_000, "deep": 100_000, "small": 20_000, "thumb": 20_000}
MOST_BESIDE = 4  # states of the XMP files beside files of one content
SECONDS_BETWEEN_WRITES = 3.0
LARGEST_SIDE = 1 << 30
JPEG = b"\xff\xd8"
BY_TIME = frozenset({"taken", "clock", "holds", "deep"})  # which stand apart


class Notes:
    """Notes on pictures, by kind and digest; asked and added to by several threads.

    A thread of its own has the store, which only one may use. Without a path nothing is noted.
    """

    def __init__(self, path: str | None, warn: Callable[[str], None]) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._waiting: dict[Kind, dict[str, bytes]] = {}
        self._written = time.monotonic()
        self._store: Store | None = None
        if path is not None:
            self._store = self._thread.submit(Store, path, warn).result()

    def known(self, kind: Kind, digest: str) -> bytes | None:
        """What is noted of a content, if anything is."""
        if self._store is None:
            return None
        return self._thread.submit(self._known, kind, digest).result()

    def note(self, kind: Kind, digest: str, value: bytes) -> None:
        """Note something of a content; it is on the disk within seconds."""
        if self._store is not None:
            self._thread.submit(self._note, kind, digest, value)

    def close(self) -> None:
        """Write what has come in, also where a run is interrupted."""
        if self._store is not None:
            self._thread.submit(self._end).result()
        self._thread.shutdown()

    def _known(self, kind: Kind, digest: str) -> bytes | None:
        assert self._store
        if (waiting := self._waiting.get(kind, {}).get(digest)) is not None:
            return waiting
        return self._store.noted(_row(kind), [digest]).get(digest)

    def _note(self, kind: Kind, digest: str, value: bytes) -> None:
        self._waiting.setdefault(kind, {})[digest] = value
        if time.monotonic() - self._written > SECONDS_BETWEEN_WRITES:
            self._write()

    def _write(self) -> None:
        assert self._store
        self._written = time.monotonic()
        waiting, self._waiting = self._waiting, {}
        for kind, values in waiting.items():
            self._store.note(_row(kind), values, MOST[kind])

    def _end(self) -> None:
        assert self._store
        self._write()
        self._store.close()
        self._store = None


def _row(kind: Kind) -> Row:
    return Row(f"review, {kind}", f"review {RECIPE}, Pillow {_pillow()}")


@functools.cache  # as it takes longer to ask for than a note
def _pillow() -> str:
    return version("Pillow")


# ---- Facts


@dataclass(frozen=True, slots=True)
class FactsNote:
    """The facts of a content, and what it holds by the XMP files that lay beside it."""

    facts: Facts
    holds: Mapping[str, tuple[str, ...]]  # by the digest of those files

    def of_file(self, file: ImageFile) -> Facts | None:
        """The facts of a file with this content; None if other XMP files lie beside it now."""
        lines = self.holds.get(digest_of_files(companions.xmp_beside(file.path)))
        return None if lines is None else in_time(replace(self.facts, holds=lines), file)

    def beside(self, beside: str, lines: tuple[str, ...]) -> "FactsNote":
        """The same with what the content holds beside some XMP files."""
        others = [(one, known) for one, known in self.holds.items() if one != beside]
        return replace(self, holds=dict([*others, (beside, lines)][-MOST_BESIDE:]))

    @classmethod
    def of_glance(cls, seen: Glance) -> "FactsNote":
        return cls(seen.facts, {seen.beside: seen.facts.holds})


def facts_written(note: FactsNote) -> bytes:
    """A note as it is kept."""
    values = {name: getattr(note.facts, name) for name in _kinds()}
    values["thumbprint"] = base64.b64encode(note.facts.thumbprint).decode()
    text = json.dumps({"facts": values, "holds": note.holds})
    return zlib.compress(text.encode(), 1)


def facts_read(data: bytes) -> FactsNote | None:
    """A note that was kept; None for what is none."""
    try:
        table = table_of(json.loads(zlib.decompress(data)), "a note")
        values, holds = (table_of(table[name], name) for name in ("facts", "holds"))
        facts = {name: _checked(values[name], kind, name) for name, kind in _kinds().items()}
        if not (0 < facts["width"] <= LARGEST_SIDE and 0 < facts["height"] <= LARGEST_SIDE):
            raise ValueError("a picture has sides")
        if len(facts["thumbprint"]) != PRINT_BYTES:
            raise ValueError("a thumbprint has its length")
        return FactsNote(
            Facts(**facts),
            {words_of(one, "beside"): _words(lines, "holds") for one, lines in holds.items()},
        )
    except (ValueError, KeyError, TypeError, RecursionError, zlib.error):
        return None


def _kinds() -> dict[str, Any]:
    """The kinds of the facts that a content alone decides, by name."""
    return {f.name: f.type for f in dataclasses.fields(Facts) if f.name not in BY_TIME}


def _checked(value: object, kind: Any, name: str) -> Any:
    if kind is bool:
        if not isinstance(value, bool):
            raise ValueError(f"{name} must be true or false")
        return value
    if kind is bytes:
        return base64.b64decode(words_of(value, name), validate=True)
    if kind is int or (kind == int | None and value is not None):
        return number_of(value, name, 0)
    if kind is str:
        return words_of(value, name)
    return None if value is None else _words(value, name)


def _words(value: object, name: str) -> tuple[str, ...]:
    return tuple(words_of(one, name) for one in rows_of(value, name))


# ---- What all pixels tell


def deep_written(found: Mapping[str, Any]) -> bytes:
    """What all pixels tell, as far as it is known, as it is kept."""
    values = dict(found)
    if "traces" in values:
        values["traces"] = [values["traces"].earlier, values["traces"].periods]
    return zlib.compress(json.dumps(values).encode(), 1)


def deep_read(data: bytes) -> dict[str, Any]:
    """What was kept of what all pixels tell, by the names of `deeper.Deep`'s."""
    try:
        values = table_of(json.loads(zlib.decompress(data)), "a note")
        return {name: READ[name](value) for name, value in values.items()}
    except (ValueError, KeyError, TypeError, RecursionError, zlib.error):
        return {}


def _traces_read(value: object) -> Traces:
    earlier, periods = rows_of(value, "traces")
    across, down = map(_peaks_read, rows_of(periods, "periods"))
    return Traces(None if earlier is None else number_of(earlier, "earlier", 1), (across, down))


def _peaks_read(value: object) -> Peaks:
    pairs = (rows_of(pair, "peaks") for pair in rows_of(value, "peaks"))
    return tuple((fraction_of(f, "peaks"), fraction_of(stands, "peaks")) for f, stands in pairs)


READ: Mapping[str, Callable[[object], Any]] = {
    "sharpness": lambda value: fraction_of(value, "sharpness"),
    "traces": _traces_read,
    "pixels": lambda value: value and digest_of(value, "pixels"),
}


# ---- Small pictures


def picture_read(data: bytes | None) -> bytes | None:
    """A JPEG that was kept; None for what is none."""
    return data if data is not None and data.startswith(JPEG) else None
