"""Which companions go along with deleted photos, and how exactly those are deleted.

A companion goes only where a twin of it stays: it belongs to no photo that is there, and identical
bytes lie beside an original of its photo's group that stays.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from cleanup import Deleted, Judge, Matches, Note, Remover
from disk.companions import VIDEO, Companions, kind_of, print_of
from disk.files import digest_file, is_regular
from disk.folder_locks import SECONDS_TO_WAIT, FolderLocks
from disk.lines import to_line
from disk.record import Manifest, SavedCopy, probably_matches, surely_matches
from disk.removal import Kept, Remove, aside_path, own_path
from disk.same_file import found_anew, is_another_file, may_be_one, shows_aside
from pictures.formats import is_photo
from pictures.kinds import may_have_companions

# What two files have in common that hold the same, as far as that is read.
Content = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Companion:
    """A file beside photos that were chosen to go, and those photos."""

    path: str
    photos: tuple[SavedCopy, ...]


@dataclass(frozen=True, slots=True)
class CompanionPlan:
    """The companions that go along with their photos, and those that stay."""

    delete: tuple[Companion, ...] = ()
    refused: tuple[Kept, ...] = ()


def plan_companions(
    manifest: Manifest, judge: Judge, going: Iterable[str], gone: Iterable[str]
) -> CompanionPlan:
    """Decide for each companion of photos that go or have gone. Changes nothing on disk."""
    along, leaving = Along(manifest, judge), set(going)
    chosen = leaving.union(gone)
    delete: list[Companion] = []
    refused: list[Kept] = []
    for companion in _companions_of(c for c in manifest.copies if c.original.path in chosen):
        if companion.path in chosen:  # a RAW, for its own copy
            continue
        reason = along.reason_to_keep(companion, companion.path, probably_matches, leaving)
        if reason:
            refused.append(Kept(companion.path, reason))
        else:
            delete.append(companion)
            leaving.add(companion.path)
    return CompanionPlan(tuple(delete), tuple(refused))


def _companions_of(photos: Iterable[SavedCopy]) -> list[Companion]:
    """What lies beside some photos, what others may belong to first: the RAWs."""
    found: dict[str, list[SavedCopy]] = defaultdict(list)
    companions = Companions()
    for photo in photos:
        for path in companions.paths(photo.original.path):
            found[path].append(photo)
    in_order = sorted(found, key=lambda path: (kind_of(path) != "RAW", path))
    return [Companion(path, tuple(found[path])) for path in in_order]


class Along:
    """Knows every reason to keep a companion of photos that go. Changes nothing on disk."""

    def __init__(self, manifest: Manifest, judge: Judge) -> None:
        self._originals = {copy.original.path for copy in manifest.copies}
        self.judge = judge

    def folders_of(self, companion: Companion) -> list[str]:
        """The folders of all originals of its photos' groups, always in the same order."""
        return sorted({f for photo in companion.photos for f in self.judge.folders_of(photo)})

    def reason_to_keep(
        self, companion: Companion, place: str, matches: Matches, going: Collection[str] = ()
    ) -> str | None:
        """Why a companion, which now lies at a place, must be kept; None if it may be deleted.

        What is `going` counts as gone.
        """
        path = companion.path
        if reason := self.judge.reason_of_place(path, place):
            return reason
        if path in self._originals or is_photo(path):
            return "it is a photo itself"
        if own_path(aside_path(path)) != path:
            return "its name is too long to be set aside"
        if photo := self._photo_of(companion, going):
            return f"it belongs to {to_line(photo)}, which stays"
        for one in companion.photos:
            if reason := self.judge.protected.reason(one.original.path):
                return f"its photo stays, {reason}"
            if reason := self.judge.reason_of_copy(one):
                return f"its photo: {reason}"
            if reason := self._reason_of_twins(one, path, place, matches):
                return reason
        return None

    def twins(
        self, companion: Companion, place: str, matches: Matches
    ) -> dict[str, os.stat_result]:
        """What holds the same as a companion beside the originals that stay of its groups."""
        return {
            twin: status
            for photo in companion.photos
            for original in self.judge.remaining(photo, matches)
            for twin, status in self._identical(original, companion.path, place, matches)
        }

    def _photo_of(self, companion: Companion, going: Collection[str]) -> str | None:
        """A photo or a film that is there, stays, and has a companion as well."""
        own = [copy.original.path for copy in companion.photos]
        companions = Companions()
        videos = {video for path in own for video in companions.paths(path, (VIDEO,))}
        folders = sorted({os.path.dirname(path) for path in (companion.path, *own)})
        others = (
            photo
            for folder in folders
            for photo in companions.photos(companion.path, folder, may_have_companions)
        )
        return next((p for p in others if p not in going and p not in videos), None)

    def _reason_of_twins(
        self, photo: SavedCopy, path: str, place: str, matches: Matches
    ) -> str | None:
        """Why nothing that stays of a photo's group surely has the same beside it."""
        remaining = list(self.judge.remaining(photo, matches))
        if not remaining:
            return "no other original of its group would remain"
        own = os.lstat(place)
        twins = [pair for o in remaining for pair in self._identical(o, path, place, matches)]
        for twin, status in twins:
            if may_be_one(status, own):
                return f"{to_line(twin)} may be the same file by another way"
        aside = place == aside_path(path)
        for twin, _ in twins:
            if is_another_file(twin, place) and not (aside and shows_aside(twin, place)):
                return None
        return "nothing identical lies beside what stays of its group"

    def _identical(
        self, original: str, path: str, place: str, matches: Matches
    ) -> Iterator[tuple[str, os.stat_result]]:
        """What lies beside an original and holds the same as what lies at a place."""
        content: Content = print_of if matches is probably_matches else digest_file
        wanted, size = content(place), os.lstat(place).st_size
        for twin in Companions().paths(original, (kind_of(path) or "",)):
            if not is_regular(twin) or os.path.realpath(twin) != twin or twin == path:
                continue
            status = found_anew(twin, place)
            if status and status.st_size == size and content(twin) == wanted:
                yield twin, status


def execute(
    plan: CompanionPlan,
    along: Along,
    log_file: str,
    remove: Remove,
    seconds_to_wait: float = SECONDS_TO_WAIT,
    note: Note | None = None,
) -> Iterator[Deleted | Kept]:
    """Delete what the plan says once the photos have gone, each after a proof; a result a path.

    What is left of it when this is interrupted lies without its photo, and may go the next time.
    """
    locks = FolderLocks(seconds_to_wait)
    remover = Remover(log_file, remove, locks, along.judge.protected, note)
    for companion in plan.delete:
        twins: list[str] = []

        def look(companion: Companion = companion, twins: list[str] = twins) -> str | None:
            twins += along.twins(companion, companion.path, probably_matches)
            return along.reason_to_keep(companion, companion.path, probably_matches)

        def prove(
            place: str, companion: Companion = companion, twins: Sequence[str] = twins
        ) -> str | None:
            reason = along.reason_to_keep(companion, place, surely_matches)
            left = along.twins(companion, place, surely_matches)
            gone = next((twin for twin in twins if twin not in left), None)
            return reason or (gone and f"{to_line(gone)} is the same file by another way")

        yield remover.removed(companion.path, along.folders_of(companion), look, prove)
