"""Measure which copies the finder finds, and what it puts together wrongly, on real photographs.

Builds a labelled set of files out of a folder of photos, runs the product and, if asked, other
tools on it, and prints tables in Markdown. README.md beside this file says what the figures mean.
"""

import argparse
import ctypes
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import labelled
import peers
import unseen_set
from labelled import SPLITS, Item
from ranking import Ranked, ranked

HERE = Path(__file__).resolve().parent
PRODUCT = HERE.parents[1] / "main.py"
PR_SET_CHILD_SUBREAPER = 36
# What the product measures a link by, the surest first.
MEASURES = ("correlation", "share", "cosine")


# ---- running a tool


@dataclass(frozen=True)
class Run:
    """What a tool made of the set, and what it cost."""

    tool: str
    groups: list[list[str]]
    wall: float
    cpu: float
    sure: list[float] = field(default_factory=list)  # of each group, if the tool says so


def product(mode: str, folder: Path, work: Path, workers: int) -> list[str]:
    """The command line of a mode: a threshold, a preset, or a method and perhaps its model.

    A method takes a preset with it behind a plus: both+most:sscd.
    """
    way, _, model = mode.partition(":")
    method, _, preset = way.partition("+")
    if method in ("embeddings", "both"):
        flags = ["--method", method, "--model", model or "sscd-distilled"]
        flags += ["--preset", preset] if preset else []
    else:
        flags = ["--threshold", mode] if mode.isdigit() else ["--preset", mode]
    command = [sys.executable, str(PRODUCT), "--action", "find", "--dry-run", "--json"]
    command += ["--input-dir", str(folder), "--output-dir", str(work / "output")]
    return [*command, "--workers", str(workers), *flags]


def timed(tool: str, command: Sequence[str], known: Path | None = None) -> Run | str:
    """Run a tool that prints a JSON object with `groups`; the reason if it doesn't.

    With the folder of a cache it knows what earlier runs have read.
    """
    before, start = cpu_of_children(), time.perf_counter()
    with tempfile.TemporaryDirectory() as fresh:
        # No key in the user's own folder, and nothing from an earlier run unless that is wanted.
        cache = str(known or fresh)
        environment = {**os.environ, "XDG_CACHE_HOME": cache, "XDG_STATE_HOME": cache}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    wall = time.perf_counter() - start
    reap_orphans()
    try:
        found = json.loads(done.stdout)
        sure = [sureness(link) for link in found.get("weakest_links", [])]
        return Run(tool, found["groups"], wall, cpu_of_children() - before, sure)
    except (ValueError, KeyError):
        return f"{tool}: {peers.last_line(done.stderr)} (exit code {done.returncode})"


def sureness(link: dict[str, Any] | None) -> float:
    """How sure the product is of a group, by its weakest link, as it orders them itself.

    Files of one content are surest; what points prove comes behind what looks alike, and what only
    a model says behind all else.
    """
    if link is None:
        return 2.0
    for behind, measure in enumerate(MEASURES):
        if measure in link:
            return float(link[measure]) - 2 * behind
    raise ValueError(f"no measure in {link}")


def cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def adopt_orphans() -> None:
    """Make worker processes that outlive their tool ours, so that their CPU time counts."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_orphans(patience: float = 3) -> None:
    until = time.monotonic() + patience
    while time.monotonic() < until:
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.02)
        except ChildProcessError:
            return


def peer_run(
    tool: str, recipe: str, folder: Path, work: Path, again: bool, pythons: Sequence[str]
) -> Run | str:
    """A peer's run, from an earlier time if the set is the same."""
    stored = work / "runs" / f"{folder.name}-{tool.replace(' ', '-')}.json"
    if stored.exists() and not again:
        facts = json.loads(stored.read_text("utf-8"))
        if facts.pop("recipe") == recipe:
            return Run(**facts)
    command = peers.command(tool, folder, work / "venvs", pythons)
    run = command if isinstance(command, str) else timed(tool, command)
    if isinstance(run, Run):
        stored.parent.mkdir(exist_ok=True)
        stored.write_text(json.dumps({"recipe": recipe, **asdict(run)}), "utf-8")
    return run


# ---- scoring


@dataclass(frozen=True)
class Score:
    run: Run
    false_pairs: int
    precision: float
    recall: float
    copies: float
    by_class: dict[str, tuple[int, int]]
    by_kind: dict[str, tuple[int, int]]
    impure: int
    strangers: int
    largest: int
    shots: tuple[int, int]
    mixed: Counter[str]
    ranked: Ranked | None
    details: dict[str, Any]

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def pairs(counts: Iterable[int]) -> int:
    return sum(count * (count - 1) // 2 for count in counts)


def joined(groups: Iterable[Sequence[str]], known: dict[str, Item]) -> list[list[Item]]:
    """Groups of items; groups that share a file are one."""
    lead: dict[str, str] = {}

    def leader(path: str) -> str:
        while lead.setdefault(path, path) != path:
            lead[path] = path = lead[lead[path]]
        return path

    for group in groups:
        inside = [path for path in group if path in known]
        for path in inside[1:]:
            lead[leader(path)] = leader(inside[0])
    members: dict[str, list[Item]] = defaultdict(list)
    for path in list(lead):
        members[leader(path)].append(known[path])
    return [group for group in members.values() if len(group) > 1]


def share(found: int, of: int) -> float:
    return found / of if of else 1.0


def scored(run: Run, items: Sequence[Item], folder: Path) -> Score:
    known = {os.path.realpath(folder / item.path): item for item in items}
    real = [[os.path.realpath(path) for path in group] for group in run.groups]
    groups = joined(real, known)
    number = {item.path: place for place, group in enumerate(groups) for item in group}
    right = sum(pairs(Counter(item.source for item in group).values()) for group in groups)
    wrong = [wrong_pairs(group) for group in groups]
    wanted = pairs(Counter(item.source for item in items).values())
    copies = copies_found(items, number)
    impure = [group for group, count in zip(groups, wrong, strict=True) if count]
    return Score(
        run,
        sum(wrong),
        precision=share(right, right + sum(wrong)),
        recall=share(right, wanted),
        copies=share(sum(copies.values()), len(copies)),
        by_class=tally((item.group, found) for item, found in copies.items()),
        by_kind=tally((item.kind, found) for item, found in copies.items()),
        impure=len(impure),
        strangers=max(map(strangers, groups), default=0),
        largest=max(map(len, groups), default=0),
        shots=second_shots(items, number),
        mixed=Counter(subject(item) for group in impure for item in group),
        ranked=ranked(real, run.sure, known),
        details={
            "impure": [sorted(item.path for item in group) for group in impure],
            "missed": [item.path for item, found in copies.items() if not found],
        },
    )


def wrong_pairs(group: Sequence[Item]) -> int:
    """Pairs that show nothing in common."""
    shown = Counter(item.shows for item in group)
    return sum(
        files * others
        for (one, files), (other, others) in itertools.combinations(shown.items(), 2)
        if one.isdisjoint(other)
    )


def strangers(group: Sequence[Item]) -> int:
    """The files of a group that don't show its main scene."""
    return len(group) - max(Counter(scene for item in group for scene in item.shows).values())


def copies_found(items: Sequence[Item], number: dict[str, int]) -> dict[Item, bool]:
    """For every edited copy: is it in one group with what it was made of?"""
    home = {item.source: number.get(item.path, -1) for item in items if item.role != "edit"}
    edited = (item for item in items if item.role == "edit")
    return {
        item: number.get(item.path, -2) in {home.get(source, -1) for source in item.homes}
        for item in edited
    }


def subject(item: Item) -> str:
    """What a file shows: the kind of hard negative, or a photo."""
    return item.negative or "photo"


def tally(found: Iterable[tuple[str, bool]]) -> dict[str, tuple[int, int]]:
    counts: dict[str, Counter[bool]] = defaultdict(Counter)
    for name, is_found in found:
        counts[name][is_found] += 1
    return {name: (count[True], count.total()) for name, count in counts.items()}


def second_shots(items: Sequence[Item], number: dict[str, int]) -> tuple[int, int]:
    """Pairs of unedited photos of one scene: how many are together, of how many."""
    scenes: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        if item.role in ("original", "shot"):
            scenes[item.scene].append(item)
    together = [
        number.get(one.path, -1) == number.get(other.path, -2)
        for members in scenes.values()
        for one, other in itertools.combinations(members, 2)
    ]
    return sum(together), len(together)


# ---- tables


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def tools_table(scores: Sequence[Score]) -> str:
    head = "tool,precision,recall,F1,copies found,false pairs,impure groups,most strangers"
    head += ",largest group,second shots,seconds,CPU seconds"
    rows = [
        (
            score.run.tool,
            *(f"{x:.3f}" for x in (score.precision, score.recall, score.f1, score.copies)),
            *(f"{x:,}" for x in (score.false_pairs, score.impure, score.strangers, score.largest)),
            f"{share(*score.shots):.2f}" if score.shots[1] else "-",
            *(f"{x:.0f}" for x in (score.run.wall, score.run.cpu)),
        )
        for score in scores
    ]
    return table(head.split(","), rows)


def recall_table(scores: Sequence[Score], part: str, names: Sequence[str]) -> str:
    """Copies found, by class or kind of edit, with the tools side by side."""
    rows = []
    for name in names:
        found = [getattr(score, part).get(name, (0, 0)) for score in scores]
        if found[0][1]:
            rows.append((name, str(found[0][1]), *(f"{share(*x):.2f}" for x in found)))
    return table(["copies found", "files", *(score.run.tool for score in scores)], rows)


def mixed_table(scores: Sequence[Score], items: Sequence[Item]) -> str:
    """Files in impure groups, by what they show."""
    rows = [
        (name, str(files), *(str(score.mixed[name]) for score in scores))
        for name, files in Counter(map(subject, items)).items()
    ]
    return table(["together with others", "files", *(score.run.tool for score in scores)], rows)


def ranked_table(scores: Sequence[Score]) -> str:
    head = ["tool", "uAP", "recall at .998", "recall at 1.000"]
    rows = []
    for score in scores:
        figures = score.ranked or ()
        rows.append((score.run.tool, *([f"{x:.3f}" for x in figures] or ["-"] * 3)))
    return table(head, rows)


def report(scores: Sequence[Score], items: Sequence[Item], split: str, kinds: bool) -> str:
    roles = Counter(item.role for item in items)
    counts = ", ".join(f"{count:,} {role}s" for role, count in roles.items())
    home = unseen_set if split == unseen_set.SPLIT else labelled
    text = f"Split `{split}`: {len(items):,} files ({counts}).\n\n{tools_table(scores)}\n"
    text += ranked_table(scores) + "\n"
    text += recall_table(scores, "by_class", home.CLASSES) + "\n"
    text += mixed_table(scores, items)
    if kinds:
        text += "\n" + recall_table(scores, "by_kind", home.KINDS)
    return text


def labelled_set(arguments: argparse.Namespace, work: Path) -> tuple[Path, list[Item], str]:
    """Build the set that a split belongs to: its folder, the split's items, the fingerprint."""
    photos, lists, each = arguments.photos, arguments.lists, arguments.edits_per_photo
    if arguments.split == unseen_set.SPLIT:
        items = unseen_set.planned(unseen_set.photos_in(photos, lists), each)
        name, modules = "unseen-set", unseen_set.MODULES
        wanted = of_first(items, arguments.first)
        recipe = labelled.build(photos, work, items, arguments.jobs, name, modules, wanted)
        return work / name, wanted, recipe
    items = labelled.planned(*labelled.photos_in(photos, lists), each)
    split = [i for i in items if arguments.split in (i.split, "all")]
    wanted = of_first(split, arguments.first)
    made = wanted if arguments.first else None
    recipe = labelled.build(photos, work, items, arguments.jobs, wanted=made)
    return work / "set", wanted, recipe


def of_first(items: Sequence[Item], count: int) -> list[Item]:
    """The first photographs with their copies, and all hard negatives; 0 are all."""
    if not count:
        return list(items)
    originals = [item.source for item in items if item.role == "original"][:count]
    return [item for item in items if item.negative or item.source in originals]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photographs")
    parser.add_argument("--work", type=Path, required=True, help="where the set is built")
    parser.add_argument("--lists", type=Path, default=HERE, help="has distinct.txt, series.txt")
    parser.add_argument("--split", choices=(*SPLITS, "all", unseen_set.SPLIT), default="test")
    parser.add_argument("--edits-per-photo", type=int, default=8)
    parser.add_argument("--first", type=int, default=0, help="so many photographs only; 0: all")
    modes = "thresholds, presets, methods; a method's preset and model: both+most:sscd"
    parser.add_argument("--presets", nargs="*", default=["40", "80"], help=modes)
    parser.add_argument("--peers", nargs="*", default=[], choices=peers.NAMES)
    parser.add_argument("--again", action="store_true", help="run peers whose result is stored")
    parser.add_argument("--python", action="append", default=[], help="one more, for peers")
    once = "one cache for all presets: quicker, and their seconds say nothing"
    parser.add_argument("--read-once", action="store_true", help=once)
    parser.add_argument("--workers", type=int, default=0, help="the product's; 0: all cores")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="for building the set")
    parser.add_argument("--kinds", action="store_true", help="recall by kind of edit, too")
    arguments = parser.parse_args(argv)
    arguments.work.mkdir(parents=True, exist_ok=True)
    adopt_orphans()
    work = arguments.work.resolve()
    folder, items, recipe = labelled_set(arguments, work)
    if arguments.first:
        folder = labelled.linked(work / f"first-{arguments.first}", folder, items)
        recipe += f" first {arguments.first}"
    inputs = folder if arguments.split == "all" else folder / arguments.split
    runs: list[Run | str] = []
    for mode in arguments.presets:
        name = f"threshold {mode}" if mode.isdigit() else mode
        command = product(mode, inputs, work, arguments.workers)
        runs.append(timed(name, command, work / "cache" if arguments.read_once else None))
    for name in arguments.peers:
        again, pythons = arguments.again, arguments.python
        runs.append(peer_run(name, recipe, inputs, work, again, pythons))
    scores = [scored(run, items, folder) for run in runs if isinstance(run, Run)]
    details = {score.run.tool: score.details for score in scores}
    (work / f"errors-{arguments.split}.json").write_text(json.dumps(details, indent=1) + "\n")
    print(report(scores, items, arguments.split, arguments.kinds) if scores else "No result.")
    failures = [run for run in runs if isinstance(run, str)]
    print("\n".join(f"- not measured: {reason}" for reason in failures))
    return 0 if scores else 1


if __name__ == "__main__":
    raise SystemExit(main())
