"""Why two pictures share a group or don't.

Changes nothing on disk.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from config import UserError
from disk.files import ImageFile
from disk.lines import to_line
from disk.record import Manifest, SavedCopy
from grouping import POINTS, Match
from pictures import matching
from pictures.colour import differ_in_colour
from pictures.images import HashedImage, HashFiles, Unreadable
from pictures.methods import Method
from pictures.presets import PRESETS
from pictures.why import Comparison, compare, in_order

ONE_DESIGN = (
    "Or many others are near both, as X-rays are near each other: then more is asked of two."
)
LARGEST_GROUP = 200  # of larger ones it isn't looked up what joins two pictures


@dataclass(frozen=True, slots=True)
class LastFind:
    """The groups of two pictures in the last result, and what has changed since.

    `through` are the pictures that join the two, if they share a group without matching.
    """

    groups: tuple[int | None, int | None]
    shared: bool
    only_through_others: bool
    through: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether two pictures match by a setting, and why; the way that says most comes first.

    `kept_apart_in` is the input folder of both, where only pictures of different ones join.
    """

    files: tuple[str, str]
    setting: str
    alike: bool
    comparisons: tuple[Comparison, ...]
    colour_only: bool
    other_presets: tuple[str, ...]  # that would match two pictures which this setting doesn't
    last_find: LastFind | None
    kept_apart_in: str = ""


@dataclass(frozen=True, slots=True)
class Across:
    """In which input folder pictures lie, as --across asks for it: a side for each path."""

    side_of: Callable[[str], int]
    folders: Sequence[str]

    def keep_apart(self, one: str, other: str) -> str:
        """The folder of two pictures that aren't compared as both lie in it."""
        side = self.side_of(one)
        return self.folders[side] if 0 <= side == self.side_of(other) else ""


# ---- Two pictures


def hashed(paths: Sequence[str], hash_files: HashFiles) -> list[HashedImage]:
    """Hash photos, in the given order; UserError that names all that can't be read."""
    images = {}
    reasons = {}
    for result in hash_files([ImageFile(path, 0, 0) for path in dict.fromkeys(paths)]):
        if isinstance(result, Unreadable):
            reasons[result.file.path] = result.reason
        else:
            images[result.file.path] = result
    if reasons:  # which come in any order
        unread = [path for path in dict.fromkeys(paths) if path in reasons]
        lines = [f"{path} can't be read: {reasons[path]}; " for path in unread]
        photos = "a photo that can" if len(lines) == 1 else "photos that can"
        raise UserError(f"{''.join(lines)}name {photos}.")
    return [images[path] for path in paths]


def explain(
    one: HashedImage,
    other: HashedImage,
    method: Method,
    manifest: Manifest | None,
    hash_again: HashFiles,
    across: Across | None = None,
) -> Explanation:
    """Why two pictures match by a method or don't, and what the last find made of them."""
    comparisons = method.why(one, other)
    best = comparisons[0]
    folder = across.keep_apart(*(_place(manifest, i) for i in (one, other))) if across else ""
    alike = best.matches and not folder
    presets: tuple[str, ...] = ()
    if method.has_presets and not best.matches and not folder:
        presets = presets_that_match(one, other)
    return Explanation(
        files=(one.file.path, other.file.path),
        setting=method.flags,
        alike=alike,
        comparisons=comparisons,
        colour_only=_colour_only(one, other, best),
        other_presets=presets,
        last_find=last_find(manifest, (one, other), alike, method, hash_again, across)
        if manifest
        else None,
        kept_apart_in=folder,
    )


def presets_that_match(one: HashedImage, other: HashedImage) -> tuple[str, ...]:
    """The presets that would match two pictures; one with points only where no other one would."""
    looks = [image.look for image in in_order([one, other])]
    found = [p for p in PRESETS if any(matching.find_matches(looks, PRESETS[p]))]
    without = tuple(preset for preset in found if not PRESETS[preset].points)
    by_points = (p for p, rules in PRESETS.items() if rules.points and not without)
    return without or tuple(p for p in by_points if compare(one, other, PRESETS[p])[0].matches)


def _colour_only(one: HashedImage, other: HashedImage, best: Comparison) -> bool:
    if not one.look or not other.look or not best.matches or best.view != "whole":
        return False
    if best.distance is None or best.correlation is None:
        return False
    match = Match(0, 1, best.distance, best.correlation, best.view)
    return differ_in_colour(one.look, other.look, match)


# ---- The last find


def last_find(
    manifest: Manifest,
    pair: tuple[HashedImage, HashedImage],
    alike: bool,
    method: Method,
    hash_again: HashFiles,
    across: Across | None = None,
) -> LastFind:
    """In which groups of a result two pictures are, each given by its original or its copy."""
    rows = [_row(manifest, image) for image in pair]
    groups = (rows[0].group if rows[0] else None, rows[1].group if rows[1] else None)
    shared = groups[0] is not None and groups[0] == groups[1]
    others: list[SavedCopy] = []
    through: tuple[str, ...] = ()
    if shared and not alike:
        others = [c for c in manifest.copies if c.group == groups[0] and c not in rows]
        images = (*pair, *_hashed_again(others, hash_again))
        through = joined_through(images, method, _sides(manifest, images, across))
    return LastFind(
        groups=groups,
        shared=shared,
        only_through_others=bool(through) or len(others) > LARGEST_GROUP,
        through=through,
        changed=_changed(pair, rows),
    )


def _changed(images: Sequence[HashedImage], rows: Sequence[SavedCopy | None]) -> tuple[str, ...]:
    """The pictures that aren't any more what the last find saw."""
    both = zip(images, rows, strict=True)
    return tuple(
        image.file.path for image, row in both if row and image.digest not in _seen(row, image)
    )


def _seen(row: SavedCopy, image: HashedImage) -> tuple[str, ...]:
    """The digests of what the last find saw in a place, or put there."""
    return row.digests if image.file.path == row.copy else (row.digest,)


def _row(manifest: Manifest, image: HashedImage) -> SavedCopy | None:
    path = image.file.path
    return next((c for c in manifest.copies if path in (c.original.path, c.copy)), None)


def _place(manifest: Manifest | None, image: HashedImage) -> str:
    """Where a picture lies, or the original of one that is a copy."""
    row = _row(manifest, image) if manifest else None
    return row.original.path if row else image.file.path


def _sides(
    manifest: Manifest, images: Sequence[HashedImage], across: Across | None
) -> list[int] | None:
    """On which side each picture lies, if only those on different sides join."""
    if across is None:
        return None
    return [across.side_of(_place(manifest, image)) for image in images]


def _hashed_again(copies: Sequence[SavedCopy], hash_again: HashFiles) -> list[HashedImage]:
    """Hash the originals that are still there."""
    if len(copies) > LARGEST_GROUP:
        return []
    results = hash_again([copy.original for copy in copies])
    images = [result for result in results if isinstance(result, HashedImage)]
    return sorted(images, key=lambda image: image.file.path)


def joined_through(
    images: Sequence[HashedImage], method: Method, sides: Sequence[int] | None = None
) -> tuple[str, ...]:
    """The pictures between the first two, of which each matches the next; none if there are none.

    Of the ways that matches show, the one with the fewest pictures is taken; the way back is the
    same.
    """
    first, second, *others = images
    if first.file.path > second.file.path:
        swapped = sides and [sides[1], sides[0], *sides[2:]]
        return joined_through((second, first, *others), method, swapped)[::-1]
    friends: dict[int, set[int]] = defaultdict(set)
    for one, other in method.pairs(images, sides):
        friends[one].add(other)
        friends[other].add(one)
    before = {0: 0}
    waiting = deque([0])
    while waiting and 1 not in before:
        here = waiting.popleft()
        for friend in sorted(friends[here] - before.keys()):
            before[friend] = here
            waiting.append(friend)
    way = []
    step = before.get(1, 0)
    while step:
        way.append(images[step].file.path)
        step = before[step]
    return tuple(reversed(way))


# ---- In words


def explained(explanation: Explanation, *, everything: bool = False) -> Iterator[str]:
    """What an explanation says, as lines."""
    best = explanation.comparisons[0]
    folder = explanation.kept_apart_in
    does = "groups them" if best.matches else "keeps them apart"
    yield from map(to_line, explanation.files)
    if folder:
        yield f"--across keeps them apart: both lie in {to_line(folder)}."
        does = "would group them" if best.matches else "would keep them apart, too"
    yield f"{explanation.setting} {does}: {best.reason}."
    for comparison in explanation.comparisons:
        if everything or comparison is best or comparison.matches or comparison.view == POINTS:
            yield from _numbers(comparison)
    if explanation.colour_only:
        yield "They differ only in colour, which is not compared."
    if explanation.other_presets:
        yield f"It would match with --preset {' or '.join(explanation.other_presets)}."
    if explanation.last_find:
        yield from _found_last(explanation, explanation.last_find)


def _numbers(comparison: Comparison) -> Iterator[str]:
    """The numbers of a comparison, if it has any, as a line."""
    c = comparison
    numbers = []
    if c.distance is not None:
        limit = f" (up to {c.limit} may)" if c.limit is not None else ""
        numbers.append(f"{c.distance} bits of the hash differ{limit}")
    if c.correlation is not None:
        numbers.append(f"correlation {c.correlation:.2f}")
    if c.agreement is not None:
        numbers.append(f"{c.agreement:.0%} of the blocks agree")
    if c.parts is not None:
        numbers.append(f"median correlation of parts {c.parts:.3f}")
    if c.cosine is not None:
        numbers.append(f"cosine {c.cosine:.2f}")
    if c.points is not None:
        numbers.append(f"{c.points} points lie on each other{', one mirrored' * c.mirrored}")
    if c.share is not None:
        numbers.append(f"{c.share:.0%} of those where they overlap")
    if c.view == POINTS and not c.matches:
        numbers.append(c.reason)
    if numbers:
        yield f"  {c.view}: {', '.join(numbers)}"


def _found_last(explanation: Explanation, found: LastFind) -> Iterator[str]:
    if found.shared:
        yield _found_together(explanation, found)
    else:
        yield from _found_apart(explanation, found)
    for path in found.changed:
        yield f"Changed since the last find: {to_line(path)}"


def _found_together(explanation: Explanation, found: LastFind) -> str:
    group, _ = found.groups
    if found.only_through_others:
        through = ", ".join(map(to_line, found.through)) or "too many to look at"
        return f"The last find has both in group {group}, joined only through others: {through}."
    if not explanation.alike and not found.changed:
        return f"The last find, with other settings, has both in group {group}."
    return f"The last find has both in group {group}."


def _found_apart(explanation: Explanation, found: LastFind) -> Iterator[str]:
    one, other = found.groups
    if one is not None and other is not None:
        yield f"The last find has them in groups {one} and {other}."
        if explanation.alike:
            yield "That find had other settings, or too few of the groups' other pictures match."
            yield ONE_DESIGN
            if explanation.comparisons[0].view == POINTS:
                yield "A picture that shows several others, as a collage does, joins one of them."
    else:
        places = ["in no group" if g is None else f"in group {g}" for g in found.groups]
        yield f"The last find has the first {places[0]} and the second {places[1]}."
        if explanation.alike and not found.changed:
            yield ONE_DESIGN
