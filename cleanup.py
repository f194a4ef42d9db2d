"""Which originals the deleted copies mean, and how exactly those are deleted."""

import contextlib
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from config import Exit, UserError
from disk.companions import is_companion
from disk.files import (
    append_lines,
    digest_file,
    files_in,
    has_digest,
    is_below,
    is_gone,
    is_regular,
)
from disk.folder_locks import SECONDS_TO_WAIT, FolderLocks
from disk.inspection import report_of, unclaimed_content
from disk.lines import to_line
from disk.litter import is_litter
from disk.own_names import MANIFEST
from disk.places import Surroundings, is_in_trash
from disk.protection import Protected
from disk.record import Manifest, SavedCopy, probably_matches, seems_made, surely_matches
from disk.removal import Kept, Prove, Remove, aside_path, bytes_freed, is_set_aside
from disk.same_file import found_anew, is_another_file, look_anew, may_be_one, shows_aside
from pictures.formats import PHOTO_EXTENSIONS
from pictures.kinds import PHOTOS_WITH_SIDECARS, extension_of, is_picture, kind_by_name

# Called before a file goes: with its path, its place in a trash if that is known, and its digest.
Note = Callable[[str, str, str], None]
# Whether a path has the content that find saw in an original.
Matches = Callable[[str, SavedCopy], bool]


@dataclass(frozen=True, slots=True)
class Culled:
    """What the person's culling means: copies deleted, still there elsewhere, or whole groups.

    `strangers` are files outside the groups' folders that may be copies that were edited.
    """

    deleted: tuple[SavedCopy, ...]
    moved: tuple[SavedCopy, ...]
    whole_groups: tuple[SavedCopy, ...]
    strangers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deleted:
    """An original that is gone, and where in a trash it lies if the trash says that."""

    path: str
    freed: int
    place: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What cleanup will do: delete these, keep those; some are gone already."""

    delete: tuple[SavedCopy, ...]
    refused: tuple[Kept, ...]
    gone: tuple[str, ...]


# ---- check-deleted


def culled_in(manifest: Manifest, output_dir: str) -> Culled:
    """What the person's culling means: deleted copies, told from renamed, moved and edited ones.

    Changes nothing on disk.

    A copy is deleted when its file is gone and no file in the output folder may be what became
    of it: none has its content, or its name, or lies unaccounted for in its group's folder, and
    no picture lies unaccounted for elsewhere.
    """
    missing = [c for c in manifest.copies if is_gone(c.copy)]
    elsewhere, strangers = _elsewhere(manifest, output_dir, missing) if missing else ([], [])
    moved = frozenset(elsewhere)
    deleted = [c for c in missing if c not in moved]
    whole = _whole_groups(manifest, deleted)
    return Culled(
        deleted=tuple(c for c in deleted if c.group not in whole),
        moved=tuple(c for c in missing if c in moved),
        whole_groups=tuple(c for c in deleted if c.group in whole),
        strangers=tuple(strangers),
    )


def edited_in(manifest: Manifest) -> list[SavedCopy]:
    """The copies in whose place something else lies; only those are read that seem so."""
    there = (c for c in manifest.copies if not is_gone(c.copy) and not seems_made(c.copy, c))
    return [c for c in there if not has_digest(c.copy, *c.digests)]


def _whole_groups(manifest: Manifest, deleted: Iterable[SavedCopy]) -> set[int]:
    """The groups of which every copy is deleted."""
    members = Counter(c.group for c in manifest.copies)
    lost = Counter(c.group for c in deleted)
    return {group for group, count in lost.items() if count == members[group]}


def _elsewhere(
    manifest: Manifest, output_dir: str, missing: Sequence[SavedCopy]
) -> tuple[list[SavedCopy], list[str]]:
    """The missing copies that may lie elsewhere, and files that may be any of them."""
    recorded = {c.copy: c for c in manifest.copies}
    index = _Missing(missing)
    found: list[SavedCopy] = []
    strangers: list[str] = []
    for path in files_in(output_dir):
        if is_in_trash(path, output_dir):
            continue
        content = unclaimed_content(path, recorded.get(path), index.times)
        if content in index.by_digest:
            found += index.by_digest[content]
        elif path in recorded or _is_litter(path, manifest, output_dir):
            continue
        elif named := index.named_as(path):
            found += named
        else:  # it may be any copy that is missing here, or one of another group
            here = index.by_folder[os.path.dirname(path)]
            found += here or (missing if _may_be_a_picture(os.path.basename(path)) else [])
            if len(here) < len(missing):
                strangers.append(path)
    return found, strangers


class _Missing:
    """The copies whose files are gone, by what a file that became of one may have kept."""

    def __init__(self, missing: Sequence[SavedCopy]) -> None:
        self._missing = missing
        self.times: dict[int, set[int]] = defaultdict(set)  # by size
        self.by_digest: dict[str, list[SavedCopy]] = defaultdict(list)
        self.by_folder: dict[str, list[SavedCopy]] = defaultdict(list)
        self._by_stem: dict[str, list[SavedCopy]] = defaultdict(list)
        for copy in missing:
            for size in copy.sizes:
                self.times[size].add(copy.original.mtime_ns)
            for digest in copy.digests:
                self.by_digest[digest].append(copy)
            self.by_folder[os.path.dirname(copy.copy)].append(copy)
            self._by_stem[_stem(copy.copy)].append(copy)

    def named_as(self, path: str) -> list[SavedCopy]:
        """The copies whose name a file has, or has as a part of its own."""
        name = os.path.basename(path)
        same = self._by_stem.get(_stem(path))
        return same or [c for c in self._missing if _stem(c.copy) in name]


def _is_litter(path: str, manifest: Manifest, output_dir: str) -> bool:
    """Whether a path is ours, a system's, an empty folder or a sidecar of a photo."""
    folder, name = os.path.split(path)
    if os.path.isdir(path) and not os.path.islink(path):
        return True
    ours = folder == output_dir and name in (MANIFEST, *manifest.own_files.names)
    ours = ours or path in report_of(output_dir, manifest)
    return ours or is_litter(path, output_dir) or is_companion(name, PHOTO_EXTENSIONS)


def _may_be_a_picture(name: str) -> bool:
    kind = kind_by_name(name)
    photo = extension_of(name) in PHOTOS_WITH_SIDECARS
    return photo or (kind is not None and is_picture(kind))


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


# ---- cleanup: the plan


def plan_deletions(
    listed: Sequence[str],
    manifest: Manifest,
    culled: Culled,
    *,
    whole_groups: bool = False,
    protect: Iterable[str] = (),
    list_file: str = "to_delete.txt",
) -> Plan:
    """Decide for each listed path: delete it, or the reason to keep it. Changes nothing on disk.

    With `whole_groups`, groups of which every original is listed are deleted without a survivor.
    What `protect` names stays, besides what find was told to protect. Raises UserError, which
    names the `list_file`, for a path that is no original of the manifest.
    """
    known = {c.original.path: c for c in manifest.copies}
    for path in listed:
        if path not in known:
            message = f"{list_file} names {to_line(path)}, which find did not copy; "
            raise UserError(message + "run --action check-deleted again.", Exit.STATE)
    judge = Judge(manifest, frozenset(listed), culled, whole_groups=whole_groups, protect=protect)
    delete: list[SavedCopy] = []
    refused: list[Kept] = []
    gone: list[str] = []
    for path in listed:
        copy = known[path]
        if is_gone(path) and is_set_aside(path):  # in a dry run
            refused.append(
                Kept(path, "an interrupted cleanup has set it aside; the next restores it")
            )
        elif is_gone(path):
            gone.append(path)
        elif reason := judge.reason_to_keep(copy, path, probably_matches):
            refused.append(Kept(path, reason))
        else:
            delete.append(copy)
    return Plan(tuple(delete), tuple(refused), tuple(gone))


def protected_in(manifest: Manifest, today: Iterable[str]) -> Protected:
    """What is protected by what find was told and found by it, or by what is set today."""
    found = {c.original.path: c.protected for c in manifest.copies if c.protected}
    return Protected((*manifest.protect, *today), manifest.input_dirs, found)


class Judge:
    """Knows every reason to keep an original. Changes nothing on disk."""

    def __init__(
        self,
        manifest: Manifest,
        listed: frozenset[str],
        culled: Culled,
        *,
        whole_groups: bool = False,
        protect: Iterable[str] = (),
    ) -> None:
        self._input_dirs = manifest.input_dirs
        self._originals = frozenset(c.original.path for c in manifest.copies)
        self._surroundings = Surroundings()
        self.protected = protected_in(manifest, protect)
        listed = frozenset(path for path in listed if not self.protected.covers(path))
        self._listed = listed
        self._deleted = {*culled.deleted, *(culled.whole_groups if whole_groups else ())}
        self._whole_groups = {c.group for c in culled.whole_groups}
        self._moved = frozenset(culled.moved)
        self._groups: dict[int, list[SavedCopy]] = defaultdict(list)
        for copy in manifest.copies:
            self._groups[copy.group].append(copy)
        self._unlisted: dict[str, list[str]] = defaultdict(list)  # by digest
        for copy in manifest.copies:
            if copy.original.path not in listed:
                self._unlisted[copy.digest].append(copy.original.path)
        look_anew()
        self._needs_no_survivor = {
            n for n, group in self._groups.items() if self._goes_whole(group)
        }

    def _goes_whole(self, group: Iterable[SavedCopy]) -> bool:
        """Whether all of a group is listed and deleted, which it is with `whole_groups` alone."""
        return all(c in self._deleted and c.original.path in self._listed for c in group)

    def folders_of(self, copy: SavedCopy) -> list[str]:
        """The folders of all originals of a group, always in the same order."""
        return sorted({os.path.dirname(c.original.path) for c in self._groups[copy.group]})

    def twins(self, copy: SavedCopy, path: str) -> dict[str, os.stat_result]:
        """The originals with the content of one, which lies at `path`, that must not go with it."""
        found = ((twin, found_anew(twin, path)) for twin in self._unlisted[copy.digest])
        return {twin: status for twin, status in found if status}

    def reason_to_keep(self, copy: SavedCopy, path: str, matches: Matches) -> str | None:
        """Why an original, which now lies at `path`, must be kept; None if it may be deleted."""
        if reason := self.reason_of_place(copy.original.path, path):
            return reason
        if extension_of(copy.original.path) not in PHOTO_EXTENSIONS:
            return "it is no photo by its name"
        if reason := self.reason_of_copy(copy):
            return reason
        if not matches(path, copy):
            return "it changed since find"
        if twin := self._twin_by_another_way(copy, path):
            return f"{to_line(twin)} may be the same file by another way"
        if self._is_last(copy, path, matches):
            return "no other original of its group would remain"
        return None

    def reason_of_place(self, path: str, place: str) -> str | None:
        """Why nothing may go that has a path, be it a photo or not, and now lies at a place."""
        if reason := self.protected.reason(path) or self.protected.reason(place):
            return reason
        if not is_below(path, self._input_dirs):
            return "it lies outside the input folders"
        if whose := self._surroundings.whose(path):
            return whose
        if os.path.realpath(place) != place:
            return "it is reached through a symbolic link"
        if not is_regular(place):
            return "it is not a regular file"
        return None if path in self._originals else self.protected.doubt

    def reason_of_copy(self, copy: SavedCopy) -> str | None:
        """Why an original was not chosen to go, by what became of its copy."""
        if copy in self._moved:
            return "its copy was only moved, renamed or edited"
        if not is_gone(copy.copy):
            return "its copy is still there"
        if copy not in self._deleted:
            return "all copies of its group are gone (see --allow-whole-groups)"
        return None

    def _twin_by_another_way(self, copy: SavedCopy, path: str) -> str | None:
        """Another path that may lead to the same file, which would go with this one."""
        own = os.lstat(path)
        twins = self.twins(copy, path).items()
        return next((twin for twin, status in twins if may_be_one(status, own)), None)

    def _is_last(self, copy: SavedCopy, path: str, matches: Matches) -> bool:
        """Whether nothing of its group would remain, and something must."""
        needs_survivor = copy.group not in self._needs_no_survivor
        return needs_survivor and not self._survives(copy, path, matches)

    def gone_with(self, copy: SavedCopy, path: str, twins: Iterable[str]) -> str | None:
        """Why an original must be kept that took others along, when it was set aside at `path`."""
        left = self.twins(copy, path)
        gone = next((twin for twin in twins if twin not in left), None)
        return gone and f"{to_line(gone)} is the same file by another way"

    def remaining(self, copy: SavedCopy, matches: Matches) -> Iterator[str]:
        """The originals of a group that stay and are what find saw."""
        for other in self._groups[copy.group]:
            place = other.original.path
            if (
                place not in self._listed
                and not self._surroundings.whose(place)
                and os.path.realpath(place) == place
                and is_regular(place)
                and matches(place, other)
            ):
                yield place

    def _survives(self, copy: SavedCopy, path: str, matches: Matches) -> bool:
        """Whether another original of the group stays and isn't the file at `path`."""
        aside = path == aside_path(copy.original.path)
        return any(
            is_another_file(place, path) and not (aside and shows_aside(place, path))
            for place in self.remaining(copy, matches)
        )


# ---- cleanup: the deed


def execute(
    plan: Plan,
    judge: Judge,
    log_file: str,
    remove: Remove,
    seconds_to_wait: float = SECONDS_TO_WAIT,
    note: Note | None = None,
) -> Iterator[Deleted | Kept]:
    """Delete what the plan says, each file only after a proof; yields one result a path.

    The folders of its group are locked meanwhile: the cleanup of another output folder could take
    the survivor while this one counts on it. It waits so long in vain for such locks, in all.
    """
    remover = Remover(log_file, remove, FolderLocks(seconds_to_wait), judge.protected, note)
    for copy in plan.delete:
        path = copy.original.path
        twins: list[str] = []

        def look(path: str = path, copy: SavedCopy = copy, twins: list[str] = twins) -> str | None:
            reason = judge.reason_to_keep(copy, path, probably_matches)
            twins += judge.twins(copy, path)
            return reason

        def prove(place: str, copy: SavedCopy = copy, twins: Sequence[str] = twins) -> str | None:
            reason = judge.reason_to_keep(copy, place, surely_matches)
            return reason or judge.gone_with(copy, place, twins)

        yield remover.removed(path, judge.folders_of(copy), look, prove, copy.digest)


@dataclass(frozen=True, slots=True)
class Remover:
    """Removes one file after the other, each under the locks of some folders and with a record.

    What is protected it doesn't touch, whoever asks. `note` keeps what is needed to bring it back.
    """

    log_file: str
    remove: Remove
    locks: FolderLocks
    protected: Protected
    note: Note | None = None

    def removed(
        self,
        path: str,
        folders: Iterable[str],
        look: Callable[[], str | None],
        prove: Prove,
        digest: str = "",
    ) -> Deleted | Kept:
        """What came of a file: that it is gone, or why a look or its proof keep it.

        Its proof is that it has a digest, or says nothing of that.
        """
        place = failure = ""

        def record(trashed: str = "") -> None:
            nonlocal place, failure
            place, failure = trashed, ""  # another trash may take what one could not
            try:
                append_lines(self.log_file, [f"Deleted file: {to_line(path)}"])
                if self.note:
                    self.note(path, trashed, digest or digest_file(aside_path(path)))
            except OSError as error:
                failure = error.strerror or str(error)
                raise

        try:
            with self.locks.held(folders) as locked:
                freed = bytes_freed(path)
                reason = locked and f"another program holds a lock on {to_line(locked)}"
                reason = reason or look() or self.protected.reason(path)
                reason = reason or self.remove(path, prove, record)
        except OSError as error:
            reason = error.strerror or str(error)
        except KeyboardInterrupt:
            append_lines(self.log_file, [f"Kept file: {to_line(path)}: interrupted"])
            raise
        reason = failure or reason
        if not reason:
            return Deleted(path, freed, place)
        with contextlib.suppress(OSError):  # the log's disk may be full; the summary says it
            append_lines(self.log_file, [f"Kept file: {to_line(path)}: {reason}"])
        return Kept(path, reason)
