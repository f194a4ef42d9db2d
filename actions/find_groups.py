"""Which groups of a find are shown: not the shots, what was kept, and what is beyond --at-most."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actions import deciding
from actions.console import SHOWN, Console, bar, counted
from actions.find_summary import paths_in, report_shots
from disk.decisions import Decision, Decisions, Together
from disk.lines import to_line
from disk.record import KeptTogether
from disk.shots import is_one_shot
from pictures.images import HashedImage
from pictures.store import Store

if TYPE_CHECKING:
    from grouping import Cluster


@dataclass(frozen=True, slots=True)
class Chosen:
    """The groups that are shown, and those that are not, by why.

    `together` has, for each group that is shown, what of it was kept side by side before.
    """

    groups: list["Cluster"]
    together: list[list[Together]]
    shots: list["Cluster"]
    kept: list[tuple["Cluster", Decision]]
    less_sure: list["Cluster"]

    def kept_together(self, images: Sequence[HashedImage]) -> tuple[KeptTogether, ...]:
        """What the record says of groups in which pictures were kept side by side before."""
        return tuple(
            KeptTogether(number, tuple(_paths(images, cluster, one)), one.decision.time)
            for number, (cluster, found) in enumerate(
                zip(self.groups, self.together, strict=True), 1
            )
            for one in found
        )


def chosen_groups(
    images: Sequence[HashedImage],
    groups: Sequence["Cluster"],
    decisions: Decisions,
    arguments: argparse.Namespace,
    workers: int,
    store: Store,
) -> Chosen:
    """Tell the groups that are shown from the others. Changes nothing on disk."""
    groups, shots = without_shots(images, groups, arguments.show_shots)
    grouped = [images[position] for cluster in groups for position in cluster.members]
    read = deciding.in_workers(workers, lambda found, n: bar(found, "Comparing with kept", n))
    pictures = deciding.pictures_of(grouped, decisions, read, store) if decisions.all else {}
    left: list[Cluster] = []
    kept: list[tuple[Cluster, Decision]] = []
    for cluster in groups:
        shown = [pictures.get(path, "") for path in paths_in(images, cluster)]
        decision = None if arguments.show_kept else decisions.settling(shown)
        if decision is None:
            left.append(cluster)
        else:
            kept.append((cluster, decision))
    left, less_sure = surest(images, left, arguments.at_most)
    together = []
    for cluster in left:
        paths = paths_in(images, cluster)
        together.append(decisions.together([pictures.get(path, "") for path in paths], paths))
    return Chosen(left, together, shots, kept, less_sure)


def without_shots(
    images: Sequence[HashedImage], groups: Sequence["Cluster"], show: bool
) -> tuple[list["Cluster"], list["Cluster"]]:
    """The groups, and apart those that are nothing but a RAW and the camera's JPEG of it."""
    left: list[Cluster] = []
    shots: list[Cluster] = []
    for cluster in groups:
        (shots if not show and is_one_shot(paths_in(images, cluster)) else left).append(cluster)
    return left, shots


def surest(
    images: Sequence[HashedImage], groups: Sequence["Cluster"], at_most: int | None
) -> tuple[list["Cluster"], list["Cluster"]]:
    """The surest groups, as many as are wanted, and the others, both in the order of all.

    Identical files are the surest, then what looks exactly the same, and then what is held
    together by the best of weakest links; what only points prove comes after that, and what only
    a model joins comes last.
    """
    if at_most is None or len(groups) <= at_most:
        return list(groups), []

    def doubt(cluster: "Cluster") -> tuple[bool, bool, int, float, int]:
        differ = len({images[position].digest for position in cluster.members}) > 1
        if not cluster.links:
            return differ, False, 0, 0, 0
        weakest = cluster.links[-1]
        return differ, True, weakest.doubt, -weakest.correlation, weakest.distance

    order = sorted(range(len(groups)), key=lambda number: doubt(groups[number]))
    sure = frozenset(order[:at_most])
    numbered = list(enumerate(groups))
    return [g for n, g in numbered if n in sure], [g for n, g in numbered if n not in sure]


# ---- What is said of it


def report_not_shown(
    console: Console, images: Sequence[HashedImage], chosen: Chosen, *, everything: bool
) -> list[str]:
    """Say which groups are not shown and what was kept before; returns lines for the log."""
    lines = report_shots(console, images, chosen.shots, everything=everything)
    lines += report_kept(console, images, chosen, everything=everything)
    rest = sum(len(cluster.members) for cluster in chosen.less_sure)
    console.facts["less_sure"] = {"groups": len(chosen.less_sure), "pictures": rest}
    if chosen.less_sure:
        counts = f"{counted(len(chosen.less_sure), 'group')} of {counted(rest, 'picture')}"
        lines.append(f"Not shown, as less sure: {counts} (--at-most).")
        console.say(lines[-1])
    return lines


def report_kept(
    console: Console, images: Sequence[HashedImage], chosen: Chosen, *, everything: bool
) -> list[str]:
    """Say which groups are left out and what was kept of others; returns lines for the log."""
    kept = [(paths_in(images, cluster), decision) for cluster, decision in chosen.kept]
    console.facts["kept_left_out"] = [{"paths": p, "time": d.time} for p, d in kept]
    if kept:
        are = "is" if len(kept) == 1 else "are"
        count = counted(len(kept), "group")
        console.say(f"{count} that you kept {are} left out (--show-kept).")
    told = chosen.kept_together(images)
    members = [paths_in(images, cluster) for cluster in chosen.groups]
    sentences = report_together(console, told, members, everything=everything)
    lines = [f"Kept on {d.day}, left out: {', '.join(map(to_line, p))}" for p, d in kept]
    for line in lines if everything else ():
        console.say(f"  {line}")
    return [*lines, *sentences]


def report_together(
    console: Console,
    told: Sequence[KeptTogether],
    members: Sequence[Sequence[str]],
    *,
    everything: bool,
) -> list[str]:
    """Say what of the groups was kept side by side before; returns it all, for the log."""
    facts = [{"group": one.group, "paths": list(one.paths), "time": one.time} for one in told]
    console.facts["kept_together"] = facts
    sentences = [f"Group {one.group}: {one.words(members[one.group - 1])}" for one in told]
    shown = sentences if everything else sentences[:SHOWN]
    for sentence in shown:
        console.say(sentence)
    if more := len(sentences) - len(shown):
        console.say(f"... and {more:,} more of what was kept, see --verbose")
    return sentences


def _paths(images: Sequence[HashedImage], cluster: "Cluster", one: Together) -> list[str]:
    paths = paths_in(images, cluster)
    return [paths[position] for position in one.positions]
