"""Which companions go along with deleted photos, and how exactly those are deleted.

A companion goes only where a twin of it stays: it belongs to no photo that is there, and identical
bytes lie beside an original of its photo's group that stays.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from cleanup import Deleted, Judge, Matches, Note, Remover
from disk.companions import VIDEO, Companions, belongs, kind_of, may_belong, print_of
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

    def goes_with(self, going: Collection[str]) -> bool:
        return all(photo.original.path in going for photo in self.photos)


@dataclass(frozen=True, slots=True)
class CompanionPlan:
    """The companions that go along with their photos, and those that stay."""

    delete: tuple[Companion, ...] = ()
    refused: tuple[Kept, ...] = ()


def plan_companions(
    manifest: Manifest,
    judge: Judge,
    going: Iterable[str],
    gone: Iterable[str],
    brought_back: Collection[str] = (),
) -> CompanionPlan:
    """Decide for each companion of photos that go or have gone. Changes nothing on disk.

    What was `brought_back` goes only with photos that go now.
    """
    along, leaving, gone = Along(manifest, judge), set(going), frozenset(gone)
    chosen = leaving.union(gone)
    delete: list[Companion] = []
    refused: list[Kept] = []
    for companion in along.companions_of(chosen, gone):
        if companion.path in chosen:  # a RAW, for its own copy
            continue
        if companion.path in brought_back and not companion.goes_with(leaving):
            refused.append(Kept(companion.path, "it was restored, and its photo goes no more"))
        elif reason := along.reason_by_a_look(companion, leaving):
            refused.append(Kept(companion.path, reason))
        else:
            delete.append(companion)
            leaving.add(companion.path)
    return CompanionPlan(tuple(delete), tuple(refused))


class Along:
    """Knows every reason to keep a companion of photos that go. Changes nothing on disk."""

    def __init__(self, manifest: Manifest, judge: Judge) -> None:
        self._copies = manifest.copies
        self._originals = {copy.original.path for copy in manifest.copies}
        self._beside = Companions()
        self.judge = judge

    def look_again(self) -> None:
        """Have the folders read again before they are asked."""
        self._beside.look_again()

    def companions_of(self, chosen: Collection[str], gone: Collection[str]) -> list[Companion]:
        """What lies beside some photos, what others may belong to first: RAWs and videos."""
        found: dict[str, list[SavedCopy]] = defaultdict(list)
        for photo in (copy for copy in self._copies if copy.original.path in chosen):
            path = photo.original.path
            belong = may_belong if path in gone else belongs
            for companion in self._beside.paths(path, belong=belong):
                found[companion].append(photo)
        first = {"RAW": 0, VIDEO: 1}
        in_order = sorted(found, key=lambda path: (first.get(kind_of(path) or "", 2), path))
        return [Companion(path, tuple(found[path])) for path in in_order]

    def folders_of(self, companion: Companion) -> list[str]:
        """The folders of all originals of its photos' groups, always in the same order."""
        return sorted({f for photo in companion.photos for f in self.judge.folders_of(photo)})

    def reason_by_a_look(self, companion: Companion, going: Collection[str]) -> str | None:
        """Why a companion must be kept, as far as that shows before its photos have gone."""
        path = companion.path
        if not all(belongs(path, photo.original.path) for photo in companion.photos):
            return "its photo is gone, so nobody can tell whose video it is"
        try:
            return self.reason_to_keep(companion, path, probably_matches, going)
        except OSError as error:
            return f"it can't be judged ({error.strerror or error})"

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
        if photo := self._photo_of(companion, place, going):
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

    def _photo_of(self, companion: Companion, place: str, going: Collection[str]) -> str | None:
        """A photo or a film that is there, stays, and may have a companion as well."""
        has_film = kind_of(companion.path) not in ("RAW", VIDEO)  # a film has notes alone

        def may_have_it(path: str) -> bool:
            is_film = kind_of(path) == VIDEO
            return has_film if is_film else may_have_companions(path)

        others = self._beside.photos(companion.path, place, may_have_it)
        return next((photo for photo in others if photo not in going), None)

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
        wanted, size = "", os.lstat(place).st_size
        for twin in self._beside.paths(original, (kind_of(path) or "",)):
            if not is_regular(twin) or os.path.realpath(twin) != twin or twin == path:
                continue
            status = found_anew(twin, place)
            if status and status.st_size == size:
                wanted = wanted or content(place)
                if _has(twin, wanted, content):
                    yield twin, status


def _has(path: str, wanted: str, content: Content) -> bool:
    try:
        return content(path) == wanted
    except OSError:
        return False


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
            along.look_again()
            reason = along.reason_to_keep(companion, place, surely_matches)
            left = along.twins(companion, place, surely_matches)
            gone = next((twin for twin in twins if twin not in left), None)
            return reason or (gone and f"{to_line(gone)} is the same file by another way")

        yield remover.removed(companion.path, along.folders_of(companion), look, prove)
