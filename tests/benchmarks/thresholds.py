"""Show what each number of the matching rules does, on the half of the benchmark's set that is
for choosing: precision, false pairs and copies found with other values in its place.

    python tests/benchmarks/thresholds.py --work WORK

WORK is that of accuracy.py, which builds the set. The numbers in use come first in each line.
"""

import argparse
import hashlib
import json
import multiprocessing
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from unittest import mock

from accuracy import Run, Score, scored, table
from labelled import Item

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pictures import fingerprint, matching, presets, registration, verify
from pictures.errors import DECODE_ERRORS
from pictures.looks import Look
from pictures.recipe import Recipe

Seen = tuple[str, Look | None]
# Numbers of the modules that look at pictures, and of a preset's rules.
NUMBERS = {
    "CLOSE": (30, 40, 50),
    "CLOSE_CORRELATION": (0.5, 0.8),
    "LEAST_CORRELATION": (0.15, 0.4),
    "LEAST_AGREEMENT": (0.8, 0.97),
    "BLOCK_CORRELATION": (0.3, 0.5),
    "PAGE_CORRELATION": (0.75, 0.95),
    "PART_CORRELATION": (0.6, 0.9),
}
HOMES = {name: verify if hasattr(verify, name) else registration for name in NUMBERS}
RULES = {
    "copies": {"whole": (24, 40), "turned": (24, 40)},
    "similar": {
        "whole": (80, 100),
        "framed": (64, 92),
        "both_framed": (48, 72),
        "turned": (31, 60),
        "page": (24, 48),
    },
    "crops": {"crops": (64, 84)},
}


def seen(path: Path) -> Seen:
    data = path.read_bytes()
    try:
        return hashlib.sha256(data).hexdigest(), fingerprint.look_at(data, Recipe(parts=True))
    except DECODE_ERRORS:
        return hashlib.sha256(data).hexdigest(), None


def items_of(work: Path, split: str) -> list[Item]:
    """What is known of the files of one half of the set."""
    facts = json.loads((work / "labels.json").read_text("utf-8"))
    items = (Item(**{**fact, "photos": tuple(fact["photos"])}) for fact in facts)
    return [item for item in items if item.split == split]


def variants() -> Iterator[tuple[str, str, str, presets.Rules, dict[str, float]]]:
    """Preset, number, value, rules, and what to put in the place of numbers of modules."""
    for preset, numbers in RULES.items():
        rules = presets.PRESETS[preset]
        yield preset, "as it is", "", rules, {}
        for name, values in numbers.items():
            for value in values:
                yield preset, name, str(value), replace(rules, **{name: value}), {}
        for name, others in NUMBERS.items() if preset == "similar" else ():
            for other in others:
                yield preset, name, str(other), rules, {name: other}


def score(paths: Sequence[Path], looks: Sequence[Seen], items: Sequence[Item], work: Path) -> None:
    rows = []
    for preset, name, value, rules, patched in variants():
        with ExitStack() as patches:
            for number, other in patched.items():
                patches.enter_context(mock.patch.object(HOMES[number], number, other))
            clusters, _ = matching.group([d for d, _ in looks], [look for _, look in looks], rules)
        groups = [[str(paths[member]) for member in cluster.members] for cluster in clusters]
        result = scored(Run(preset, groups, 0, 0), items, work / "set")
        rows.append((preset, name, in_use(preset, name), value, *figures(result)))
        print(f"{preset} {name} {value}", file=sys.stderr, flush=True)
    heads = "preset,number,in use,instead,precision,false pairs,impure groups,copies found"
    print(table(heads.split(","), rows))


def in_use(preset: str, name: str) -> str:
    place = presets.PRESETS[preset] if name in RULES[preset] else HOMES.get(name)
    return str(getattr(place, name, ""))


def figures(result: Score) -> tuple[str, ...]:
    exact = f"{result.precision:.4f}", f"{result.copies:.3f}"
    return exact[0], str(result.false_pairs), str(result.impure), exact[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], allow_abbrev=False)
    parser.add_argument("--work", type=Path, required=True, help="where accuracy.py built its set")
    work = parser.parse_args().work.resolve()
    items = items_of(work, "tune")
    paths = [work / "set" / item.path for item in items]
    with multiprocessing.Pool() as pool:
        looks = pool.map(seen, paths, chunksize=16)
    score(paths, looks, items, work)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
