"""Measure the store: microseconds of processor time a photo, for made-up looks.

    python tests/benchmarks/store.py 20000
    python tests/benchmarks/store.py 20000 --beside OTHER_CHECKOUT

A first run takes looks in, a second one knows them and then reads the small picture of each once,
in another order, as the search does. With another checkout each takes turns, three times, and the
least of its times counts.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROUNDS = 3

MEASURE = r"""
import json, os, sys, time
import numpy as np
sys.path.insert(0, os.getcwd())
import contextlib
from disk.files import ImageFile
from pictures import store
from pictures.images import HashedImage
from pictures.looks import GRAY_SIDE, Look, View, content
from pictures.matching import look_digest
from pictures.recipe import Recipe

path, count = sys.argv[1], int(sys.argv[2])
files = [ImageFile(f"/photos/{n % 100}/{n}.jpg", 10**6, 10**18, n + 1) for n in range(count)]
rng = np.random.default_rng(0)
levels = rng.integers(0, 256, (count, GRAY_SIDE**2), np.uint8)

def made(files):
    for file in files:
        n = file.inode - 1
        view = View(levels[n, :32].tobytes(), levels[n].tobytes(), False)
        yield HashedImage(file, f"{n:064x}", Look((view,), None, None, bytes(32)))

def run():
    with contextlib.ExitStack() as stack:
        known = stack.enter_context(store.opened(path, print))
        start = time.process_time()
        if hasattr(store, "Spool"):
            spool = stack.enter_context(store.Spool(os.path.dirname(path)))
            results = list(map(spool.put, known.hashed(files, Recipe(), made)))
        else:
            results = list(known.hashed(files, Recipe(), made))
        loaded = time.process_time()
        shown = [look_digest(result.look) for result in results]
        digested = time.process_time()
        order = sorted(range(count), key=shown.__getitem__)
        start_read = time.process_time()
        for n in order:
            content(results[n].look.views[0].gray)
        read = time.process_time()
    return [1e6 * t / count for t in (loaded - start, digested - loaded, read - start_read)]

start = time.process_time()
list(made(files))
making = 1e6 * (time.process_time() - start) / count
first, second = run(), run()
first[0] -= making
print(json.dumps([first, second]))
"""


def measured(checkout: Path, count: int) -> list[list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", MEASURE, os.path.join(folder, "cache.sqlite"), str(count)]
        ran = subprocess.run(command, cwd=checkout, check=True, stdout=subprocess.PIPE)
        times: list[list[float]] = json.loads(ran.stdout)
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
        print(f"{checkout}: {times}, {size / count:.0f} bytes a photo", file=sys.stderr)
        return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--beside", type=Path, action="append", default=[])
    arguments = parser.parse_args()
    checkouts = [Path(__file__).resolve().parents[2], *arguments.beside]
    rounds = [[measured(c, arguments.count) for c in checkouts] for _ in range(ROUNDS)]
    for checkout, times in zip(checkouts, np.min(rounds, axis=0), strict=True):
        for what, (take, digest, read) in zip(("first", "second"), times, strict=True):
            words = (
                f"{what} run: {take:.1f} to take in, {digest:.1f} to tell apart, {read:.1f} to read"
            )
            print(f"{checkout.name}, {words}")


if __name__ == "__main__":
    main()
