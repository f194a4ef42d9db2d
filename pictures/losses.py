"""What goes with an original and nothing that stays has, in the file or beside it."""

import contextlib
import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from disk.companions import (
    Companion,
    CompanionIndex,
    Companions,
    belongs,
    companion_at,
    listing,
    may_belong,
)
from disk.lines import to_line
from disk.record import Manifest, SavedCopy, probably_matches
from pictures import held
from pictures.formats import is_photo
from pictures.kinds import PHOTOS_WITH_SIDECARS, extension_of


@dataclass(frozen=True, slots=True)
class Loss:
    """What goes with an original and nothing that stays has, as people read it."""

    path: str
    loses: tuple[str, ...]


def orphaned_sidecars(deleted: Iterable[str]) -> list[str]:
    """What belonged to deleted photos (XMP, RAW, Live video) and to none that is left there.

    Changes nothing on disk; the photos themselves may be deleted or not. A video of which nobody
    can tell is named by its name: here that costs nothing.
    """
    by_folder: dict[str, set[str]] = defaultdict(set)
    for path in deleted:
        by_folder[os.path.dirname(path)].add(os.path.basename(path))
    orphans = []
    for folder, photos in sorted(by_folder.items()):
        names: list[str] = []
        with contextlib.suppress(OSError):
            names = listing(folder)
        left = [n for n in names if _has_sidecars(n) and n not in photos]
        index = CompanionIndex(names)
        theirs = set(_belonging(index, folder, photos, may_belong))
        theirs -= set(_belonging(index, folder, left, belongs))
        orphans += sorted(one for one in theirs if not is_photo(one))
    return orphans


def _has_sidecars(name: str) -> bool:
    return extension_of(name) in PHOTOS_WITH_SIDECARS or is_photo(name)


def _belonging(
    index: CompanionIndex,
    folder: str,
    photos: Iterable[str],
    belong: Callable[[str, str], bool],
) -> Iterator[str]:
    """The paths of what belongs to some photos in a folder."""
    for photo in photos:
        places = (os.path.join(folder, name) for name in index.of(photo))
        yield from (place for place in places if belong(place, os.path.join(folder, photo)))


def losses(manifest: Manifest, doomed: Collection[SavedCopy]) -> list[Loss]:
    """What only doomed originals hold, of those of their groups. Changes nothing on disk.

    What is in the files is as find saw it, what lies beside them as it is now.
    """
    companions = Companions()
    staying = _staying(manifest, doomed, companions)
    known = any(copy.holds is not None for copy in manifest.copies)
    found = []
    for copy in doomed:
        inside = (held.UNKNOWN,) if copy.holds is None and known else copy.holds or ()
        lines = (*inside, *held_beside(copy.original.path, companions))
        if lost := _lost(copy.damage, lines, staying.get(copy.group, ())):
            found.append(Loss(copy.original.path, lost))
    return found


@dataclass(frozen=True, slots=True)
class _Staying:
    """An original that stays: its damage and, None if unknown, the lines of what it holds."""

    damage: str
    unchanged: bool  # since find
    inside: tuple[str, ...] | None
    beside: tuple[str, ...]

    def lines(self, *, beside_whole: bool) -> tuple[str, ...]:
        """What it holds; of a damaged one, beside one that is whole, its pixels don't count."""
        inside = self.inside or ()
        if self.damage and beside_whole:  # how many of its pixels are there nobody knows
            inside = tuple(line for line in inside if held.kind_of(line) != held.PIXELS)
        return (*inside, *self.beside)


def _staying(
    manifest: Manifest, doomed: Collection[SavedCopy], companions: Companions
) -> dict[int, list[_Staying]]:
    """The originals of each group of the doomed that are there and aren't doomed."""
    going = {copy.original.path for copy in doomed}
    groups = {copy.group for copy in doomed}
    staying: dict[int, list[_Staying]] = defaultdict(list)
    for copy in manifest.copies:
        path = copy.original.path
        if copy.group in groups and path not in going and os.path.lexists(path):
            unchanged = probably_matches(path, copy)
            inside = copy.holds if unchanged else None
            beside = (*held_beside(path, companions), *_held_by_name(path))
            staying[copy.group].append(_Staying(copy.damage, unchanged, inside, beside))
    return staying


def _lost(damage: str, lines: Iterable[str], staying: Collection[_Staying]) -> tuple[str, ...]:
    """What is lost, as people read it, with a file that has such damage and lines."""
    if not staying:  # all of it was chosen, with what each picture has
        return tuple(map(held.shown, filter(held.is_protected, held.lost(lines, ()))))
    kept = [line for one in staying for line in one.lines(beside_whole=not damage)]
    lost = [held.shown(line, kept) for line in held.lost(lines, kept)]
    if not damage and (harm := _harm_of_all(staying)):
        lost.insert(0, f"what stays of this picture is damaged ({harm})")
    return tuple(lost)


def _harm_of_all(staying: Iterable[_Staying]) -> str:
    """The damage of the first unchanged original that stays, if all of those have some."""
    harms = [one.damage for one in staying if one.unchanged]
    return harms[0] if harms and all(harms) else ""


def held_beside(path: str, companions: Companions) -> tuple[str, ...]:
    """What lies beside an original, as lines of `pictures.held`. Changes nothing on disk."""
    return _lines_of(companions.of(path))


def _held_by_name(path: str) -> tuple[str, ...]:
    """A RAW that stays, as it is held where it lies beside its JPEG: with this it is not lost."""
    found = companion_at(path)
    return _lines_of([found] if found else ())


def _lines_of(companions: Iterable[Companion]) -> tuple[str, ...]:
    return tuple(
        held.beside(one.kind, to_line(os.path.basename(one.path)), one.print) for one in companions
    )
