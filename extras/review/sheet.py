"""The contact sheet that find writes as report.html: readable without a server or a script."""

import base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from disk.record import Link, Manifest, SavedCopy
from disk.result import Result
from extras.review import told
from extras.review.desk import Desk
from extras.review.examiner import Examiner, Unseen
from extras.review.facts import Facts
from extras.review.notes import Notes
from extras.review.rules import Suggestion
from grouping import EMBEDDING, POINTS

# So that a browser can hold it; the page of --action review has no limit.
MOST_PICTURES = 2000
MOST_BYTES = 24 << 20  # of pictures, in base64; 2,000 photographs take 15 MB
MOST_LISTED = 12  # of an index, before one opens the rest
SAME_BITS, SURE, CLOSE_BITS = 4, 0.98, 12  # as the page has them, in links.js
TEMPLATE = "report.html.jinja"

Watch = Callable[[Sequence[int]], Iterable[int]]


@dataclass(frozen=True, slots=True)
class Fate:
    """What the rules make of a picture, or how alike find saw it and another; `numbers` say how."""

    words: str
    numbers: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A picture on the sheet; `image` is a JPEG in base64, or empty."""

    path: str
    name: str
    href: str
    image: str
    size: int
    facts: Facts | None
    trouble: str
    keeper: bool
    holds: tuple[str, ...] = ()
    fates: tuple[Fate, ...] = ()
    is_preview: bool = False  # what lies in the folder, to which the card leads


@dataclass(frozen=True, slots=True)
class Sheet:
    group: int
    suggestion: Suggestion
    cards: tuple[Card, ...]
    together: tuple[str, ...]  # which of them were kept side by side before, in words
    gain: int  # bytes that the rules would free

    @property
    def path(self) -> str:
        """Where the picture to keep lies; where the first does, if there is none."""
        return next((card.path for card in self.cards if card.keeper), self.cards[0].path)

    @property
    def size(self) -> int:
        return sum(card.size for card in self.cards)

    @property
    def image_bytes(self) -> int:
        return sum(len(card.image) for card in self.cards)


def contact_sheet(
    result: Result,
    prefer: Sequence[str],
    workers: int,
    watch: Watch = iter,
    *,
    across: bool = False,
    notes: Notes | None = None,
) -> str:
    """The text of report.html for a result; of many groups it shows the first.

    `watch` may wrap the groups that are shown, to show progress; `across` says that only photos of
    different input folders were compared. Changes nothing on disk.
    """
    copies = result.manifest.copies
    manifest = result.manifest if result.manifest.objects else _of_originals(result.manifest)
    examiner, pool = Examiner(workers, notes, along=True), ThreadPoolExecutor(workers)
    try:
        desk = Desk(replace(result, manifest=manifest), examiner, prefer, workers)
        groups = _first(desk)
        made = pool.map(lambda group: _sheet(desk, group, copies), groups)
        sheets = list(_within(MOST_BYTES, (next(made) for _ in watch(groups))))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # after a Ctrl-C nothing new is begun
        examiner.close()
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["bytes"] = told.size
    return environment.get_template(TEMPLATE).render(
        sheets=sheets,
        gaining=sorted((s for s in sheets if s.gain), key=lambda sheet: -sheet.gain),
        names=dict(
            zip((s.group for s in sheets), told.names([s.path for s in sheets]), strict=True)
        ),
        left=sorted((s for s in sheets if not s.gain), key=lambda sheet: -sheet.size),
        across=across,
        most_listed=MOST_LISTED,
        groups=len(desk.groups),
        pictures=len(copies),
        size=sum(copy.original.size for copy in copies),
    )


def _of_originals(manifest: Manifest) -> Manifest:
    """The same by the originals, as find saw them: a person may be at work with the copies."""
    copies = (replace(one, copy=one.original.path, preview=None) for one in manifest.copies)
    return replace(manifest, copies=tuple(copies))


def _first(desk: Desk) -> list[int]:
    """The first groups, as many as the sheet has room for; one at the least."""
    chosen: list[int] = []
    room = MOST_PICTURES
    for group, numbers in desk.groups.items():
        room -= len(numbers)
        if chosen and room < 0:
            break
        chosen.append(group)
    return chosen


def _within(most_bytes: int, sheets: Iterable[Sheet]) -> Iterator[Sheet]:
    """The first sheets, as many as pictures of so many bytes fill; one at the least."""
    room = most_bytes
    for number, sheet in enumerate(sheets):
        room -= sheet.image_bytes
        if number and room < 0:
            return
        yield sheet


def _sheet(desk: Desk, group: int, copies: Sequence[SavedCopy]) -> Sheet:
    suggestion = desk.suggestion(group)
    numbers = desk.groups[group]
    paths = [copies[n].original.path for n in numbers]
    names = told.names(paths)
    cards = [
        _card(desk, n, copies[n], name, keeper=n == suggestion.keeper)
        for n, name in zip(numbers, names, strict=True)
    ]
    fates = _fates(desk, suggestion, {n: card.name for n, card in zip(numbers, cards, strict=True)})
    complete = (replace(c, fates=tuple(fates[n])) for n, c in zip(numbers, cards, strict=True))
    together = tuple(told.shown(one.words(paths)) for one in desk.kept_together.get(group, ()))
    gain = sum(copies[removal.number].original.size for removal in suggestion.removals)
    return Sheet(group, suggestion, tuple(complete), together, gain)


def _fates(desk: Desk, suggestion: Suggestion, names: dict[int, str]) -> dict[int, list[Fate]]:
    """Why the rules give pictures up, what only they know, and their links."""
    fates: dict[int, list[Fate]] = {number: [] for number in names}
    for removal in suggestion.removals:
        keeper = names[removal.keeper]
        fates[removal.number].append(Fate(f"could go: {removal.reason} beside {keeper}"))
        if removal.loses:
            fates[removal.number].append(Fate(f"only it has {', '.join(removal.loses)}"))
    number_of = {desk.copy(number).original.path: number for number in names}
    for link in desk.links[suggestion.group]:
        left, right = number_of[link.left], number_of[link.right]
        fates[right].append(_likeness(link, names[left]))
    return fates


def _likeness(link: Link, other: str) -> Fate:
    """How much a picture is like another one, as the page says it."""
    if link.view == POINTS:
        numbers = f"{link.correlation:.0%} of the points where they overlap"
        return Fate(f"shares details with {other}", numbers)
    if link.view == EMBEDDING:
        numbers = f"cosine {link.correlation:.2f}"
        return Fate(f"needs a look: only the network finds it like {other}", numbers)
    words = "only roughly like"
    if link.distance <= SAME_BITS and link.correlation >= SURE:
        words = "nearly the same as"
    elif link.distance <= CLOSE_BITS:
        words = "much the same as"
    how = "" if link.view == "whole" else f", {link.view}"
    numbers = f"{link.distance} bits, correlation {link.correlation:.2f}"
    return Fate(f"{words} {other}{how}", numbers)


def _card(desk: Desk, number: int, copy: SavedCopy, name: str, *, keeper: bool) -> Card:
    facts, image = desk.facts(number), desk.examiner.picture(desk.copy(number), "small")
    held = () if isinstance(facts, Unseen) else desk.holds(facts)
    return Card(
        path=desk.shown(copy.original.path),
        name=name,
        href=quote(f"{copy.group}/{Path(copy.copy).name}"),
        image="" if isinstance(image, Unseen) else base64.b64encode(image).decode(),
        size=copy.original.size,
        facts=None if isinstance(facts, Unseen) else facts,
        trouble=facts.reason if isinstance(facts, Unseen) else "",
        keeper=keeper,
        holds=(*held, *desk.companions(number)),
        is_preview=copy.preview is not None,
    )
