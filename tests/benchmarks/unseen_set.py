"""The split `unseen`: other photographs and other edits than those that numbers were chosen on.

A plan of it is like labelled.py's. Some of its copies show several photographs, and all kinds of
look-alikes are among its hard negatives.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import edits
import edits_unseen
import labelled
import lookalike_kinds
import negatives
import unseen_geometry
import unseen_layouts
import unseen_overlays
import unseen_tones
from edits_unseen import EDITS_UNSEEN, Unseen
from labelled import DOCUMENT_EDITS, EDIT_NAMED, Item, file_name, rank

SPLIT = "unseen"
MODULES = (
    *(edits, edits_unseen, lookalike_kinds, negatives),
    *(unseen_geometry, unseen_layouts, unseen_overlays, unseen_tones),
)
UNSEEN_NAMED = {edit.name: edit for edit in EDITS_UNSEEN}
CLASSES = (*dict.fromkeys(edit.group for edit in EDITS_UNSEEN), "document")
KINDS = (*UNSEEN_NAMED, *labelled.KINDS)
LOOKALIKES = 20  # of each kind


@dataclass(frozen=True)
class UnseenItem(Item):
    """A file of the split, with the sources that it shows besides its own.

    A pair that shows a photograph in common is neutral where it isn't a copy. With `alike` the
    file is a copy of each of them, and found beside any. `number` is that of a look-alike.
    """

    others: tuple[str, ...] = ()
    alike: bool = False
    number: int = 0

    @property
    def shows(self) -> frozenset[str]:
        return frozenset((self.scene, *self.others))

    @property
    def homes(self) -> tuple[str, ...]:
        return (self.source, *self.others) if self.alike else (self.source,)

    def drawn(self, photos: Path) -> edits.Picture:
        kind = self.negative
        if kind in lookalike_kinds.KINDS and not kind_of_both(kind):
            return lookalike_kinds.KINDS[kind](self.number, Random(self.source))
        return super().drawn(photos)

    def edited(self, image: edits.Picture, photos: Path) -> edits.Picture:
        edit = UNSEEN_NAMED.get(self.edit)
        if edit is None:
            return super().edited(image, photos)
        shown = [labelled.loaded(photos / name) for name in self.others]
        return edit.change(image, Random(f"{self.source}:{self.kind}"), *shown)

    def saved(self) -> edits.Edit:
        return UNSEEN_NAMED.get(self.edit) or super().saved()


def kind_of_both(kind: str) -> bool:
    return kind in labelled.NEGATIVE_NAMED


def photos_in(folder: Path, lists: Path) -> list[str]:
    """The photographs of unseen.txt, as far as they are in the folder."""
    named = [line[0] for line in labelled.listed(lists / "unseen.txt")]
    return sorted(name for name in named if (folder / name).is_file())


def planned(names: Sequence[str], each: int) -> list[Item]:
    """Every file of the split: originals, `each` edits of every one, negatives and look-alikes."""
    order = sorted(names, key=rank)
    backgrounds, held = order[: len(order) // 24], order[len(order) // 24 : len(order) // 7]
    kept = order[len(order) // 7 :]
    items = [labelled.original(SPLIT, name, name, "original") for name in kept]
    items += copies(kept, each)
    items += labelled.hard(SPLIT, held, backgrounds)
    items += lookalikes()
    return items


def copies(names: Sequence[str], each: int) -> Iterator[Item]:
    """`each` edits of every photo, dealt so that all kinds come up alike."""
    decks = labelled.dealt(len(names) * each, EDITS_UNSEEN)
    for name in names:
        for edit in labelled.distinct_edits(decks, min(each, len(EDITS_UNSEEN))):
            assert isinstance(edit, Unseen)
            path = file_name(SPLIT, name, edit.name, edit.suffix)
            chance = Random(f"others of {path}")
            others = chance.sample([other for other in names if other != name], edit.others)
            plain = Item(path, "edit", edit.name, edit.group, name, name, (name,), "", edit.name)
            yield unseen(plain, others=tuple(others), alike=edit.alike)


def lookalikes() -> Iterator[Item]:
    """Pictures of one kind that show different things, and copies of every fifth."""
    for kind in lookalike_kinds.KINDS:
        for number in range(0 if kind_of_both(kind) else LOOKALIKES):
            source = f"{kind} {number} {SPLIT}"
            path = file_name(SPLIT, source, "look-alike", ".jpg")
            plain = Item(path, "negative", kind, "negative", source, source, (), kind)
            yield unseen(plain, number=number)
            if number % 5 == 0:
                edit = EDIT_NAMED[Random(source).choice(DOCUMENT_EDITS)]
                path = file_name(SPLIT, source, edit.name, edit.suffix)
                label, name = f"document {edit.name}", edit.name
                plain = Item(path, "edit", label, "document", source, source, (), kind, name)
                yield unseen(plain, number=number)


def unseen(plain: Item, **more: Any) -> UnseenItem:
    return UnseenItem(**vars(plain), **more)
