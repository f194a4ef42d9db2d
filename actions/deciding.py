"""Which groups a person keeps side by side, and what of a find is settled by that."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cleanup import Culled
from disk.decisions import Decision, Decisions, Member, decided
from disk.files import ImageFile
from disk.lines import to_line
from disk.record import Manifest, SavedCopy
from disk.removal import is_there
from pictures import formats
from pictures.by_name import named
from pictures.images import Unreadable
from pictures.rows import Row

if TYPE_CHECKING:
    from pictures.images import HashedImage
    from pictures.same_picture import Pictured
    from pictures.store import Store

# What reads photos for the digests of their pictures, in whatever order they are done.
ReadPictures = Callable[[Sequence[ImageFile]], Iterable["Pictured | Unreadable"]]
# The name under which the store keeps the digests of pictures' data.
PICTURES_DATA = Row("digest of the picture's data", "2")
PICTURED = "pictures.same_picture:pictured"
PENDING = "some of its copies are deleted; run check-deleted and cleanup, or bring them back"
FEWER = "fewer than two of its pictures are left"


@dataclass(frozen=True, slots=True)
class KeepPlan:
    """The groups to keep, each with the copies that are left of it, and why not the others.

    Groups of which fewer than two are left are refused only where they are asked for by number.
    """

    groups: Mapping[int, tuple[SavedCopy, ...]]
    refused: Mapping[int, str]


def plan_keep(manifest: Manifest, culled: Culled, numbers: Collection[int] | None) -> KeepPlan:
    """Decide for some groups, or for all, whether they can be kept. Changes nothing on disk."""
    groups: dict[int, list[SavedCopy]] = {}
    for copy in manifest.copies:
        groups.setdefault(copy.group, []).append(copy)
    deleted = frozenset((*culled.deleted, *culled.whole_groups))
    left: dict[int, tuple[SavedCopy, ...]] = {}
    refused: dict[int, str] = {}
    for group in groups if numbers is None else numbers:
        if any(copy in deleted and is_there(copy.original.path) for copy in groups[group]):
            refused[group] = PENDING
            continue
        there = tuple(copy for copy in groups[group] if copy not in deleted)
        if len(there) > 1:
            left[group] = there
        elif numbers is not None:
            refused[group] = FEWER
    return KeepPlan(left, refused)


def in_workers(workers: int, watch: Callable[..., Iterable["Pictured"]]) -> ReadPictures:
    """What reads photos in worker processes; `watch` may show how far it is."""

    def read(files: Sequence[ImageFile]) -> Iterable["Pictured | Unreadable"]:
        if not files:
            return ()
        return watch(named("pictures.workers:in_workers")(PICTURED, files, workers), len(files))

    return read


def decisions_about(
    groups: Mapping[int, Sequence[SavedCopy]], read: ReadPictures
) -> tuple[dict[int, Decision], dict[int, str]]:
    """A decision for each group, of what find saw, and why not for the others."""
    copies = [copy for group in groups.values() for copy in group]
    members = members_of(copies, read)
    found: dict[int, Decision] = {}
    refused: dict[int, str] = {}
    for number, group in groups.items():
        known = [members[copy.copy] for copy in group if copy.copy in members]
        if len(known) == len(group):
            found[number] = decided(known)
        else:
            lost = next(c.original.path for c in group if c.copy not in members)
            refused[number] = f"{to_line(lost)} is not what find saw any more; run find again"
    return found, refused


def members_of(copies: Sequence[SavedCopy], read: ReadPictures) -> dict[str, Member]:
    """The pictures of some copies as find saw them, by the paths of the copies.

    The original is read and, where that isn't what find saw, the copy; of others there is none.
    """
    found: dict[str, Member] = {}
    of_original = {copy.original.path: copy for copy in copies}
    _read_into(found, of_original, [copy.original for copy in copies], read)
    rest = {copy.copy: copy for copy in copies if copy.copy not in found}
    files = [ImageFile(path, copy.original.size, 0) for path, copy in rest.items()]
    _read_into(found, rest, files, read)
    return found


def _read_into(
    found: dict[str, Member],
    copies: Mapping[str, SavedCopy],
    files: Sequence[ImageFile],
    read: ReadPictures,
) -> None:
    for result in read(files):
        copy = copies[result.file.path]
        if not isinstance(result, Unreadable) and result.content == copy.digest:
            picture = result.digest or result.content
            found[copy.copy] = Member(picture, copy.digest, copy.original.path)


def pictures_of(
    images: Iterable["HashedImage"], decisions: Decisions, read: ReadPictures, store: "Store"
) -> dict[str, str]:
    """The digests of some photos' pictures, by path, to compare them with what is decided.

    Read is only what neither a decision nor the store knows by its content, and what may be known
    by its picture.
    """
    found: dict[str, str] = {}
    unknown: dict[str, HashedImage] = {}
    for image in images if decisions.all else ():
        path = image.file.path
        found[path] = decisions.picture_of(image.digest) or image.digest
        if found[path] == image.digest and formats.tells_metadata_apart(path):
            unknown[path] = image
    known = _noted_or_read(unknown, read, store)
    for path, image in unknown.items():
        found[path] = known.get(image.digest, b"").hex() or image.digest
    return found


def _noted_or_read(
    images: Mapping[str, "HashedImage"], read: ReadPictures, store: "Store"
) -> dict[str, bytes]:
    """The digests of some photos' pictures, by content: as noted, or read now and noted."""
    noted = store.noted(PICTURES_DATA, {image.digest for image in images.values()})
    new: dict[str, bytes] = {}
    for result in read([i.file for i in images.values() if i.digest not in noted]):
        seen = images[result.file.path].digest
        if not isinstance(result, Unreadable) and result.content == seen:
            new[result.content] = bytes.fromhex(result.digest)
    if new:
        store.note(PICTURES_DATA, new)
    return {**noted, **new}


def unsettled(
    made: Mapping[int, Decision], decisions: Decisions
) -> tuple[dict[int, Decision], list[int]]:
    """The decisions on groups that say something new, and the groups that are settled already."""
    new, known = {}, []
    for group, decision in made.items():
        if decisions.settling([member.picture for member in decision.members]):
            known.append(group)
        else:
            new[group] = decision
    return new, known


def decisions_on(
    copies: Sequence[SavedCopy], decisions: Decisions, read: ReadPictures
) -> tuple[Decision, ...]:
    """The decisions that hold two or more pictures of the group of some copies."""
    groups = pictures_in(copies, decisions, read)
    found = {one.id: one for group in groups.values() for one in decisions.about(group)}
    return tuple(found.values())


def pictures_in(
    copies: Sequence[SavedCopy], decisions: Decisions, read: ReadPictures
) -> dict[int, list[str]]:
    """The digests of the pictures of some copies, by group.

    What can't be read any more counts by what find saw of it.
    """
    unknown = [copy for copy in copies if decisions.picture_of(copy.digest) is None]
    members = members_of(unknown, read)
    groups: dict[int, list[str]] = {}
    for copy in copies:
        member = members.get(copy.copy)
        picture = member.picture if member else decisions.picture_of(copy.digest) or copy.digest
        groups.setdefault(copy.group, []).append(picture)
    return groups


def settled_groups(manifest: Manifest, decisions: Decisions) -> list[int]:
    """The groups of a result that are settled, as far as decisions know their files.

    Find has told of those that it knew by their pictures alone.
    """
    groups: dict[int, list[str]] = {}
    for copy in manifest.copies if decisions.all else ():
        picture = decisions.picture_of(copy.digest) or copy.digest
        groups.setdefault(copy.group, []).append(picture)
    stand = {decision.time for decision in decisions.all}
    told = {
        one.group
        for one in manifest.kept_together
        if one.time in stand and len(one.paths) == len(groups.get(one.group, ()))
    }
    return [g for g, pictures in groups.items() if g in told or decisions.settling(pictures)]
