"""What a picture's file holds besides its plain pixels, as lines, and what of it would be lost.

A line is `kind: value`, or the kind alone: "caption: Grandma, 1962", "transparency". The lines are
kept in a result's record, so that they can be compared without reading a picture.
"""

import re
from collections.abc import Collection, Iterable, Iterator

# What no rule gives up for a file that hasn't got it; nor what lies beside it.
BEHIND = (
    "motion video",
    "sound",
    "second picture",
    "gain map",
    "depth map",
    "other data",
    "RAW data",
)
WORDS = (
    "caption",
    "title",
    "headline",
    "comment",
    "keyword",
    "person",
    "event",
    "location",
    "creator",
    "copyright",
)
# What is said when it goes.
BITS, PROFILE, TRANSPARENCY = "bits a channel", "colour profile", "transparency"
FULL_COLOUR, LESS_COLOUR = "full colour resolution", "colour resolution"
ANIMATION, PAGES = "animation", "pages"
GPS = "GPS"
RATING, DATE, CAMERA = "rating", "date taken", "camera"
PIXELS = "pixels"
EDITS, PANORAMA = "edits as settings", "panorama"
EXPOSURE, LENS, MAKERS_NOTE = "exposure data", "lens", "maker's note"
UNKNOWN = "nobody knows what: it could not be looked into"
FACTS = frozenset({GPS, RATING, DATE, CAMERA, PIXELS})  # that a review knows by itself
COMMON = FACTS | {FULL_COLOUR, LESS_COLOUR, EXPOSURE, LENS, MAKERS_NOTE, EDITS}  # in most pictures
ANOTHER = {GPS: "another place", DATE: "another date taken", CAMERA: "another camera"}

TEXTS = frozenset({"caption", "title", "headline", "comment"})  # one text may stand as any of them
ANY_WILL_DO = frozenset(
    {"gain map", "depth map", TRANSPARENCY, ANIMATION, LENS, MAKERS_NOTE, PANORAMA}
)
NUMBERS = frozenset({BITS, PAGES, RATING})
AREA = r"(\d{1,9}) x (\d{1,9})"
PLACE = r"(\d{1,3}\.\d+) ([NS]) (\d{1,3}\.\d+) ([EW])"
PRINT = r" \([0-9a-f]{16}\)$"  # what tells one content from another
LEAST_CUT = 32  # characters, to which IPTC's shortest field cuts what XMP has in full
AS_MANY = 0.9  # of the pixels are not clearly fewer
NEAR = 0.0005  # degrees, some 50 m: one place, as well as a phone knows it

BESIDE = " beside it"  # as a kind ends: "RAW beside it"


def line(kind: str, value: object = "") -> str:
    return f"{kind}: {value}" if value != "" else kind


def kind_of(held: str) -> str:
    return held.partition(": ")[0]


def beside(kind: str, name: str, digest: str) -> str:
    """The line of a file that lies beside the picture."""
    return line(kind + BESIDE, f"{name} ({digest[:16]})")


def is_protected(held: str) -> bool:
    """Whether what a line names is behind the picture, in words or beside it."""
    kind = kind_of(held)
    return kind in BEHIND or kind in WORDS or kind.endswith(BESIDE)


def lost(doomed: Iterable[str], kept: Iterable[str]) -> tuple[str, ...]:
    """The lines of a doomed file of which nothing is found in those that stay."""
    has = _Kept(kept)
    return tuple(held for held in dict.fromkeys(doomed) if not has.the_same_as(held))


def shown(held: str, kept: Iterable[str] = ()) -> str:
    """A line as people read it, who may see that those that stay have another of the kind."""
    kind, _, value = re.sub(PRINT, "", held).partition(": ")
    if kind == FULL_COLOUR:
        return kind
    if kind in ANOTHER and kind in map(kind_of, kept):
        return line(ANOTHER[kind], value)
    if kind == PIXELS:
        return f"{value} {kind}".replace(" x ", " \N{MULTIPLICATION SIGN} ")
    if kind in (BITS, PAGES):
        return f"{value} {kind}"
    return f"{kind}: {value}" if value else held


def of_note(lines: Iterable[str]) -> Iterator[str]:
    """The lines that are worth naming where nothing is lost: what few pictures have."""
    yield from (shown(held) for held in lines if kind_of(held) not in COMMON)


def are_near(one: str, other: str) -> bool:
    """Whether two places, as their lines have them, are one; no other may be where none is told."""
    a, b = _degrees(one), _degrees(other)
    if a is None or b is None:
        return a is None
    east = abs(a[1] - b[1])
    return abs(a[0] - b[0]) <= NEAR and min(east, 360 - east) <= NEAR


class _Kept:
    """The lines of files that stay."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._keys: set[tuple[str, str]] = set()
        self._most: dict[str, int] = {}
        self._values: dict[str, list[str]] = {GPS: [], EXPOSURE: []}
        for held in lines:
            kind, _, value = held.partition(": ")
            if kind in self._values:
                self._values[kind].append(value)
            self._keys.add(_key(kind, value))
            group = _number_of(kind)
            self._most[group] = max(self._most.get(group, 0), _amount(value))

    def the_same_as(self, held: str) -> bool:
        kind, _, value = held.partition(": ")
        if kind == LESS_COLOUR:
            return True  # most pictures have no better
        if kind == PIXELS:
            return self._most.get(kind, _amount(value)) >= _amount(value) * AS_MANY
        if kind == GPS:
            return any(are_near(value, other) for other in self._values[kind])
        if kind == EXPOSURE:
            return {*value.split(", ")} <= {*", ".join(self._values[kind]).split(", ")}
        if kind in NUMBERS or kind == FULL_COLOUR:
            return self._most.get(_number_of(kind), 0) >= _amount(value)
        key = _key(kind, value)
        return key in self._keys or (kind in WORDS and _is_cut(key, self._keys))


def _key(kind: str, value: str) -> tuple[str, str]:
    """What is the same in two lines that say the same."""
    if kind in ANY_WILL_DO:
        return kind, ""
    if kind in BEHIND or kind.endswith(BESIDE):  # the print tells all; how it is named may not
        return kind, match[0] if (match := re.search(PRINT, value)) else value
    return "text" if kind in TEXTS else kind, value.casefold()


def _is_cut(key: tuple[str, str], keys: Collection[tuple[str, str]]) -> bool:
    """Whether a text is only the beginning of another."""
    kind, text = key
    return len(text) >= LEAST_CUT and any(k == kind and t.startswith(text) for k, t in keys)


def _number_of(kind: str) -> str:
    return LESS_COLOUR if kind == FULL_COLOUR else kind


def _degrees(value: str) -> tuple[float, float] | None:
    """A place's degrees north and east; None if the line doesn't tell them."""
    if not (match := re.fullmatch(PLACE, value)):
        return None
    north, east = float(match[1]), float(match[3])
    return north if match[2] == "N" else -north, east if match[4] == "E" else -east


def _amount(value: str) -> int:
    if match := re.fullmatch(AREA, value):
        return int(match[1]) * int(match[2])
    return int(value) if value.isdecimal() and len(value) < 10 else 0
