"""What the rules would do, told in lines and in facts. Changes nothing on disk."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from disk.lines import short_names, to_line
from disk.record import Manifest, SavedCopy
from extras.review.rules import Removal
from grouping import EMBEDDING


def shown(path: str) -> str:
    """A path as UTF-8 can hold it: other bytes are shown by their numbers."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def names(paths: Sequence[str]) -> list[str]:
    """What pictures of a group are called: their names, with folders as far as that tells them.

    Where it doesn't, as they differ in bytes that can't be shown, the whole paths stand.
    """
    return short_names(list(map(shown, paths)))


def size(count: int) -> str:
    """How many bytes something takes, as the page says it."""
    if count >= 1e9:
        return f"{count / 1e9:.2f} GB"
    if count >= 1e6:
        return f"{count / 1e6:.{1 if count < 1e7 else 0}f} MB"
    return f"{-(-count // 1000):,} kB"


def to_be_looked_at(manifest: Manifest) -> list[str]:
    """The numbers of the groups with links that only a model found."""
    group_of = {copy.original.path: copy.group for copy in manifest.copies}
    groups = {group_of[link.left] for link in manifest.links if link.view == EMBEDDING}
    return [str(group) for group in sorted(groups)]


def lines(
    manifest: Manifest,
    left: Mapping[int, str],
    doomed: Sequence[Removal],
    *,
    everything: bool,
) -> Iterator[str]:
    """How much would go, what only the doomed know and, with `everything`, each copy and group.

    `left` has the groups that are left to the person, with the reasons.
    """
    copies = manifest.copies
    size = sum(copies[removal.number].original.size for removal in doomed)
    yield f"To remove by the rules: {len(doomed):,}, {size / 1e6:,.1f} MB."
    yield f"Groups left to you: {len(left):,}."
    if everything:
        yield from _lines_of_groups(left, _damaged(manifest, doomed))
    if looked_at := to_be_looked_at(manifest):
        yield f"Groups that need a look, as only a model joins some: {', '.join(looked_at)}."
    if everything:
        yield from _lines_of_removals(copies, doomed)
    yield from _lines_of_losses(copies, [removal for removal in doomed if removal.loses])


def lines_of_shots(
    manifest: Manifest, shots: Mapping[int, Sequence[Sequence[int]]], *, everything: bool
) -> Iterator[str]:
    """In which groups a RAW and its JPEG are both there more than once, and where."""
    if shots:
        yield f"Groups with a shot of which RAW and JPEG are both doubled: {len(shots):,}."
    for group, found in shots.items() if everything else ():
        paths = [manifest.copies[n].original.path for shot in found for n in shot]
        called = iter(names(paths))
        pairs = "; ".join(" with ".join(next(called) for _ in shot) for shot in found)
        yield f"  {group}: {pairs}"


def facts_of_shots(
    manifest: Manifest, shots: Mapping[int, Sequence[Sequence[int]]]
) -> list[dict[str, object]]:
    """The same for --json."""
    return [
        {"group": group, "shots": [[manifest.copies[n].original.path for n in s] for s in found]}
        for group, found in shots.items()
    ]


def _lines_of_groups(
    left: Mapping[int, str], damaged: Mapping[int, Sequence[SavedCopy]]
) -> Iterator[str]:
    for group, reason in left.items():
        yield f"  {group}: {reason}"
        yield from (f"    {_with_damage(copy)}" for copy in damaged.get(group, ()))


def _lines_of_removals(copies: Sequence[SavedCopy], removals: Sequence[Removal]) -> Iterator[str]:
    for removal in removals:
        doomed, keeper = (_with_damage(copies[n]) for n in (removal.number, removal.keeper))
        yield f"  {doomed}: {removal.reason} beside {keeper}"


def _lines_of_losses(copies: Sequence[SavedCopy], knowing: Sequence[Removal]) -> Iterator[str]:
    if knowing:
        yield f"These know something that what is kept doesn't ({len(knowing):,}):"
    for removal in knowing:
        path = copies[removal.number].original.path
        yield f"  {to_line(path)}: {', '.join(removal.loses)}"


def _damaged(manifest: Manifest, doomed: Sequence[Removal]) -> dict[int, list[SavedCopy]]:
    """The damaged copies of each group that the rules leave there."""
    going = {removal.number for removal in doomed}
    found: dict[int, list[SavedCopy]] = defaultdict(list)
    for number, copy in enumerate(manifest.copies):
        if copy.damage and number not in going:
            found[copy.group].append(copy)
    return found


def _with_damage(copy: SavedCopy) -> str:
    return to_line(copy.original.path) + (f" (damaged: {copy.damage})" if copy.damage else "")


def facts(
    manifest: Manifest, left: Mapping[int, str], doomed: Sequence[Removal]
) -> dict[str, object]:
    """The same for --json."""
    copies = manifest.copies
    damaged = _damaged(manifest, doomed)
    return {
        "suggested": [
            {
                "path": copies[removal.number].original.path,
                "keeper": copies[removal.keeper].original.path,
                "reason": removal.reason,
                "loses": list(removal.loses),
                "damage": copies[removal.number].damage,
                "keeper_damage": copies[removal.keeper].damage,
            }
            for removal in doomed
        ],
        "undecided": [
            {
                "group": group,
                "reason": reason,
                "damaged": [copy.original.path for copy in damaged.get(group, ())],
            }
            for group, reason in left.items()
        ],
        "bytes": sum(copies[removal.number].original.size for removal in doomed),
    }
