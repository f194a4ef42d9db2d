"""Show what each number of the matching rules does, on the half of the benchmark's set that is
for choosing: precision, false pairs and copies found with other values in its place.

    python tests/benchmarks/thresholds.py --work WORK
    python tests/benchmarks/thresholds.py --work WORK --presets most --first 60

WORK is that of accuracy.py, which builds the set. The numbers in use come first in each line.
`--first` takes so many photographs with their copies, and all hard negatives. Numbers that looks
are made with (what is a page or a frame, how many points a picture has) are not asked here, as all
looks are made once; neither are those by which points bear out what a network proposes.
"""

import argparse
import hashlib
import json
import multiprocessing
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from accuracy import Run, Score, of_first, scored, table
from labelled import Item

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from extras.points import agreement, proof, rule
from pictures import (
    closer,
    colour,
    fingerprint,
    matching,
    one_design,
    presets,
    registration,
    verify,
)
from pictures.errors import DECODE_ERRORS
from pictures.looks import Look
from pictures.recipe import Recipe

Seen = tuple[str, Look | None]
# Numbers of the modules that look at pictures, of those that look at points, of a preset's rules.
LOOKS = {
    "CLOSE": (30, 40, 50),
    "CLOSE_CORRELATION": (0.5, 0.8),
    "LEAST_CORRELATION": (0.15, 0.4),
    "LEAST_AGREEMENT": (0.8, 0.97),
    "BLOCK_CORRELATION": (0.3, 0.5),
    "PAGE_CORRELATION": (0.75, 0.95),
    "SAME_DESIGN": (6, 20),
    "FAR_PAGE_CORRELATION": (0.9, 0.97),
    "PART_CORRELATION": (0.6, 0.9),
    "OTHER_TONES": (20, 37),
    "LIKE_COLOURS": (0.7, 0.9),
    "SAME_COLOURS": (0.9, 0.98),
    "MANY_OTHERS": (16, 64),
    "LEAST_ALIKE": (0.96, 0.99),
    "OTHER_COLOUR": (4, 16),
}
POINTS = {
    "LEAST_INLIERS": (6, 12),
    "LEAST_DISTINCT": (2, 6),
    "RATIO": (0.8, 0.9),
    "MANY_PARTNERS": (0.3, 0.5),
    "LEAST_SHARE_OF_REPEATED": (0.4, 0.6),
    "LEAST_SHARE_OF_CROPPED": (0.5, 0.7),
    "PAGE_BLOCKS": (0.8, 0.95),
    "PAGE_POINTS": (0.35, 0.65),
    "REPEATING": (0.5, 0.7),
    "REPEATING_BLOCKS": (0.9, 1.0),
}
# Of what points have to show alone.
LIMITS = {
    "spread": (10, 40),
    "share": (0.1, 0.2),
    "in_place": (0.45, 0.65),
    "moved": (0.3, 0.5),
    "clear": (0.6, 0.85),
    "gaps": (0.15, 0.4),
    "gaps_elsewhere": (0.25, 0.5),
    "agreement": (0.9, 1.1),
    "repeated": (0.25, 0.5),
}
RECIPE = Recipe(parts=True, points=True)
MODULES = (verify, closer, registration, colour, one_design, rule, agreement)
RULES = {
    "copies": {"whole": (24, 40), "turned": (24, 40)},
    "similar": {
        "whole": (80, 92, 100),
        "framed": (64, 92),
        "both_framed": (48, 72),
        "turned": (31, 60),
        "page": (24, 48),
    },
    "crops": {"crops": (64, 84)},
    "most": {},
}


@dataclass(frozen=True)
class Variant:
    """A preset with another value of a number: its rules, and what is put in a module's place."""

    preset: str
    name: str
    in_use: str
    value: str
    rules: presets.Rules
    patches: tuple[tuple[Any, str, Any], ...] = ()


def seen(path: Path) -> Seen:
    data = path.read_bytes()
    try:
        return hashlib.sha256(data).hexdigest(), fingerprint.look_at(data, RECIPE)
    except DECODE_ERRORS:
        return hashlib.sha256(data).hexdigest(), None


def items_of(work: Path, split: str) -> list[Item]:
    """What is known of the files of one half of the set."""
    facts = json.loads((work / "labels.json").read_text("utf-8"))
    items = (Item(**{**fact, "photos": tuple(fact["photos"])}) for fact in facts)
    return [item for item in items if item.split == split]


def variants(chosen: Sequence[str]) -> Iterator[Variant]:
    """Each preset as it is, and with other values of its numbers and those of its modules."""
    for preset in chosen:
        rules = presets.PRESETS[preset]
        yield Variant(preset, "as it is", "", "", rules)
        for name, values in RULES[preset].items():
            for value in values:
                changed: dict[str, Any] = {name: value}
                other, in_use = replace(rules, **changed), str(getattr(rules, name))
                yield Variant(preset, name, in_use, str(value), other)
        if preset == "similar":
            yield from of_modules(preset, rules, LOOKS)
        if preset == "most":
            yield from of_modules(preset, rules, POINTS)
            yield from of_limits(preset, rules)


def of_modules(
    preset: str, rules: presets.Rules, numbers: Mapping[str, Sequence[float]]
) -> Iterator[Variant]:
    for name, values in numbers.items():
        home = next(module for module in MODULES if hasattr(module, name))
        for value in values:
            patch = (home, name, value)
            yield Variant(preset, name, str(getattr(home, name)), str(value), rules, (patch,))


def of_limits(preset: str, rules: presets.Rules) -> Iterator[Variant]:
    for name, values in LIMITS.items():
        for value in values:
            in_use = str(getattr(rule.ALONE, name))
            yield Variant(preset, f"ALONE.{name}", in_use, str(value), rules, limited(name, value))


def limited(name: str, value: float) -> tuple[tuple[Any, str, Any], ...]:
    """What makes points alone show something else than `ALONE` asks for."""
    changed: dict[str, Any] = {name: value}
    limits = replace(rule.ALONE, **changed)
    asked = partial(rule.reason_against, limits=limits)
    return (proof, "reason_against", asked), (agreement, "ALONE", limits)


def score(
    paths: Sequence[Path],
    looks: Sequence[Seen],
    items: Sequence[Item],
    work: Path,
    chosen: Sequence[str],
) -> None:
    rows = []
    for one in variants(chosen):
        with ExitStack() as patches:
            for patch in one.patches:
                patches.enter_context(mock.patch.object(*patch))
            digests = [digest for digest, _ in looks]
            clusters, _ = matching.group(digests, [look for _, look in looks], one.rules)
        groups = [[str(paths[member]) for member in cluster.members] for cluster in clusters]
        result = scored(Run(one.preset, groups, 0, 0), items, work / "set")
        rows.append((one.preset, one.name, one.in_use, one.value, *figures(result)))
        print(*rows[-1], file=sys.stderr, flush=True)
    heads = "preset,number,in use,instead,precision,false pairs,impure groups,copies found"
    print(table(heads.split(","), rows))


def figures(result: Score) -> tuple[str, ...]:
    exact = f"{result.precision:.4f}", f"{result.copies:.3f}"
    return exact[0], str(result.false_pairs), str(result.impure), exact[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], allow_abbrev=False)
    parser.add_argument("--work", type=Path, required=True, help="where accuracy.py built its set")
    parser.add_argument("--presets", nargs="*", choices=RULES, default=[*RULES])
    parser.add_argument("--first", type=int, default=0, help="so many photographs; 0: all")
    given = parser.parse_args()
    work = given.work.resolve()
    items = items_of(work, "tune")
    items = of_first(items, given.first) if given.first else items
    paths = [work / "set" / item.path for item in items]
    with multiprocessing.Pool() as pool:
        looks = pool.map(seen, paths, chunksize=16)
    score(paths, looks, items, work, given.presets)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
