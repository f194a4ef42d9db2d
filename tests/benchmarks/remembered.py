"""Measure what find costs again: CPU seconds of a process, where most photos are known.

    python tests/benchmarks/remembered.py 100000 --new 1000 --work WORK
    python tests/benchmarks/remembered.py 100000 --new 1000 --work WORK --beside OTHER_CHECKOUT
    python tests/benchmarks/remembered.py 100000 --new 1000 --work WORK --flags="--threshold 31"

Makes files that are no pictures and a cache that knows looks of all of them, so that nothing is
decoded: what is left is the start, the walk, the cache and the search. The looks are those of made
pictures with the frequencies of photographs, blended out of two parts of two of them; every tenth
is a copy of another one with some grain. Then find runs: for the first time, with nothing changed,
with so many photos more, which the cache knows, too, and with as many less. With other checkouts
each run takes turns. Nothing is copied.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
LARGE, SIDE = 128, 64  # pixels a side
BLENDED = 1000
COPIES, GRAIN = 10, 2.0  # every so many-th, gray levels
IN_A_FOLDER = 1000
LONG_AGO = 1_500_000_000

# Runs in a checkout, whose cache it fills: with its own classes, and in its own form.
FILL = """
import os, sys
sys.path.insert(0, os.getcwd())
import numpy as np
from disk.files import image_file
from pictures import bandpass, store
from pictures.images import HashedImage
from pictures.looks import Look, View
from pictures.recipe import Recipe

cache, grays, folder, first = sys.argv[1:]
pictures = np.load(grays, mmap_mode="r")
paths = sorted(os.path.join(top, name) for top, _, names in os.walk(folder) for name in names)
numbers = {path: int(os.path.basename(path)[4:-4]) for path in paths}
files = [image_file(path, os.lstat(path)) for path in paths if numbers[path] >= int(first)]

def hashed(files):
    for file in files:
        gray, number = pictures[numbers[file.path]], numbers[file.path]
        view = View(bandpass.hashes_of(gray[None], 16)[0], gray.tobytes(), False)
        yield HashedImage(file, f"{number + 1:064x}", Look((view,), None, None, bytes(32)))

with store.opened(cache, print) as known:
    for _ in known.hashed(files, Recipe(), hashed):
        pass
"""


def photographed(count: int) -> NDArray[np.uint8]:
    """Pictures with the frequencies of photographs, which show nothing."""
    chance = np.random.default_rng(5)
    lines = np.fft.fftfreq(LARGE)
    radius = np.hypot(lines[:, None], lines)
    radius[0, 0] = 1
    pictures = np.empty((count, LARGE, LARGE), np.uint8)
    for picture in pictures:
        phases = np.exp(2j * np.pi * chance.random((LARGE, LARGE)))
        levels = np.fft.ifft2(radius ** -chance.uniform(0.9, 1.4) * phases).real
        levels -= levels.min()
        picture[:] = levels * (255 / levels.max())
    return pictures


def looked_at(count: int) -> Iterator[NDArray[np.uint8]]:
    """Small pictures that show nothing twice, and copies of some of them."""
    large, chance, gray = photographed(BLENDED), np.random.default_rng(1), None
    for number in range(count):
        if gray is not None and number % COPIES == 0:
            grain = chance.normal(0, GRAIN, gray.shape)
            yield (gray + grain).clip(0, 255).astype(np.uint8)
            continue
        one, other = large[chance.integers(0, len(large), 2)]
        top, left, low, right = chance.integers(0, LARGE - SIDE + 1, 4)
        part = other[low : low + SIDE, right : right + SIDE][:: number % 2 * 2 - 1]
        gray = 0.6 * one[top : top + SIDE, left : left + SIDE] + 0.4 * part
        yield gray.astype(np.uint8)


def grays(work: Path, count: int) -> Path:
    """The small pictures in a file, made once."""
    place = work / f"grays-{count}.npy"
    if not place.exists():
        unfinished = work / "unfinished.npy"
        np.save(unfinished, np.stack(list(looked_at(count))))
        unfinished.rename(place)
    return place


def add_files(photos: Path, first: int, count: int) -> None:
    """Files by number that have been there for long, as what has just changed is read again."""
    for number in range(first, first + count):
        path = photos / f"{number // IN_A_FOLDER:04}" / f"IMG_{number:07}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d" % number)
        os.utime(path, (LONG_AGO, LONG_AGO))


def remove_files(photos: Path, count: int) -> None:
    for path in sorted(photos.rglob("*.jpg"))[:: IN_A_FOLDER // 10][:count]:
        path.unlink()


class Library:
    """The photos of a checkout and its cache."""

    def __init__(self, checkout: Path, folder: Path, pictures: Path) -> None:
        self.checkout, self.folder, self._pictures = checkout, folder, pictures
        self.photos, self._cache = folder / "photos", folder / "cache.sqlite"
        shutil.rmtree(folder, ignore_errors=True)
        self._count = 0

    def grow(self, count: int) -> None:
        """Add photos that the cache knows."""
        add_files(self.photos, self._count, count)
        command = [sys.executable, "-c", FILL, self._cache, self._pictures, self.photos]
        subprocess.run([*command, str(self._count)], cwd=self.checkout, check=True)
        self._count += count

    def find(self, flags: list[str]) -> tuple[float, str]:
        """The CPU seconds of a find, and which groups it says that there are."""
        command = [sys.executable, str(self.checkout / "main.py"), "--action", "find", "--dry-run"]
        folders = {"--input-dir": self.photos, "--output-dir": self.folder / "output"}
        folders["--cache-file"] = self._cache
        command += [str(part) for pair in folders.items() for part in pair]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        ran = subprocess.run([*command, *flags], capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = " ".join(line for line in ran.stdout.splitlines() if "group" in line)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], allow_abbrev=False)
    parser.add_argument("count", type=int)
    parser.add_argument("--new", type=int, default=1000)
    parser.add_argument("--work", type=Path, required=True, help="where the files are made")
    parser.add_argument("--beside", type=Path, action="append", default=[])
    parser.add_argument("--flags", default="", help="for find")
    arguments = parser.parse_args()
    work, flags = arguments.work.resolve(), arguments.flags.split()
    work.mkdir(parents=True, exist_ok=True)
    pictures = grays(work, arguments.count + arguments.new)
    checkouts = [ROOT, *(path.resolve() for path in arguments.beside)]
    libraries = [Library(c, work / f"remembered-{c.name}", pictures) for c in checkouts]
    steps: dict[str, Callable[[Library], None]] = {
        "first": lambda library: library.grow(arguments.count),
        "nothing changed": lambda _: None,
        f"{arguments.new:,} more": lambda library: library.grow(arguments.new),
        f"{arguments.new:,} less": lambda library: remove_files(library.photos, arguments.new),
    }
    for name, change in steps.items():
        for library in libraries:
            change(library)
            seconds, found = library.find(flags)
            print(f"{library.checkout.name}, {name}: {seconds:.1f} CPU s. {found}", flush=True)


if __name__ == "__main__":
    main()
