"""Measure what the contact sheet and the suggestions cost: milliseconds of processor time a photo.

    python tests/benchmarks/sheet.py PHOTOS
    python tests/benchmarks/sheet.py PHOTOS --beside OTHER_CHECKOUT

First `find` reads the photos in a dry run; then a find draws the sheet of their groups, another one
does it again, and so does `suggest` twice. One photo's preview is drawn by itself.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from accuracy import PRODUCT, adopt_orphans, cpu_of_children, reap_orphans, table

STEPS = {
    "a dry run, that reads": ("find", "--dry-run"),
    "`find`, the sheet is new": ("find",),
    "`find` again": ("find",),
    "`suggest`": ("suggest",),
    "`suggest` again": ("suggest",),
}
PREVIEWS = """
import os, sys, time
sys.path.insert(0, os.getcwd())
from extras.review.rendering import render
render(sys.argv[1], "preview")
start = time.process_time()
for path in sys.argv[1:]:
    render(path, "preview")
print(1000 * (time.process_time() - start) / len(sys.argv[1:]))
"""
MOST_PREVIEWS = 20


def cpu_of(command: list[str], checkout: Path, environment: Mapping[str, str]) -> float:
    """The CPU seconds of a run with all of its workers."""
    before = cpu_of_children()
    subprocess.run(command, cwd=checkout, env=environment, check=False, stdout=subprocess.DEVNULL)
    reap_orphans()
    return cpu_of_children() - before


def measured(checkout: Path, photos: Path) -> list[float]:
    """Milliseconds a photo for each step, and for a preview."""
    found = [path for path in sorted(photos.rglob("*")) if path.is_file()]
    with tempfile.TemporaryDirectory() as folder:
        homes = ("XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME")
        environment = {**os.environ, **dict.fromkeys(homes, folder), "OMP_NUM_THREADS": "1"}
        places = ["--input-dir", str(photos), "--output-dir", f"{folder}/output", "--workers", "1"]
        costs = [
            1000
            * cpu_of([sys.executable, "main.py", "--action", *step, *places], checkout, environment)
            / len(found)
            for step in STEPS.values()
        ]
    command = [sys.executable, "-c", PREVIEWS, *map(str, found[:MOST_PREVIEWS])]
    ran = subprocess.run(command, cwd=checkout, check=True, stdout=subprocess.PIPE)
    return [*costs, float(ran.stdout)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("photos", type=Path, help="a folder of photos, of which some are alike")
    parser.add_argument("--beside", type=Path, help="another checkout")
    arguments = parser.parse_args()
    adopt_orphans()
    checkouts = [PRODUCT.parent, *([arguments.beside] if arguments.beside else [])]
    costs = [measured(checkout.resolve(), arguments.photos.resolve()) for checkout in checkouts]
    rows = [
        (name, *(f"{cost[n]:.1f}" for cost in costs))
        for n, name in enumerate([*STEPS, "a preview of 1,600 pixels"])
    ]
    print(table(["milliseconds a photo", *(checkout.name for checkout in checkouts)], rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
