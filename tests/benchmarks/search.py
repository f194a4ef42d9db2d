"""Measure the search: CPU seconds and memory for a number of hashes, looks or embeddings.

    python tests/benchmarks/search.py hashes 100000 1000000 --threshold 31
    python tests/benchmarks/search.py looks 10000 100000 --photos PHOTOS --threads 2
    python tests/benchmarks/search.py looks 10000 --photos PHOTOS --across 0.5
    python tests/benchmarks/search.py vectors 10000 100000

With --across that share of the looks lies on another side than the rest, as with find --across.
Hashes are random with the spread that those of photographs have, and a tenth of them are copies
of others, some bits apart. Looks are those of the photographs in PHOTOS that `distinct.txt` names
(of all, where it names none), and then of pictures blended out of two parts of two of them, turned,
which have the statistics of photographs; every tenth is an edit of another one. They lie in a file,
as those of find do. The digest is that of the groups.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # NumPy asks for it when it is imported

import argparse
import hashlib
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from labelled import photos_in
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from actions.find_photos import watched
from disk import system
from extras.embeddings import PROPOSED, PROPOSED_COSINE
from extras.vectors import Limits, near_vectors
from grouping import UnionFind
from pictures import bandpass, fingerprint, matching, presets
from pictures.effort import in_threads, unwatched
from pictures.errors import DECODE_ERRORS
from pictures.garbage import rare_collections
from pictures.hamming import close_pairs
from pictures.looks import GRAY_SIDE, LARGE_SIDE, Look, Spooled, View, content
from pictures.recipe import Recipe

BITS = 256
WIDTH = 512  # of the vectors of SSCD
COPIES = 0.1
FLIPPED = 0.04  # of a copy's bits
COMMON = 0.12  # how strongly bits depend on each other; with it 8.3 bits deviation, as measured
SIDE = GRAY_SIDE
MOST_PHOTOS = 1000  # of which looks are made
EVERY = 10  # so many-th look is an edit of another one
CHUNK = 256


def peak_megabytes() -> float:
    """The most memory that this process had, with what it has of files."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def hashes(count: int) -> NDArray[np.uint64]:
    rng = np.random.default_rng(0)
    levels = rng.standard_normal((count, BITS), dtype=np.float32)
    basis = rng.standard_normal((12, BITS), dtype=np.float32) * np.float32(COMMON)
    levels += rng.standard_normal((count, 12), dtype=np.float32) @ basis
    bits = levels > 0
    copies, originals = rng.integers(0, count, (2, round(count * COPIES)))
    bits[copies] = bits[originals] ^ (rng.random((len(copies), BITS)) < FLIPPED)
    return np.packbits(bits, axis=1).view(np.uint64)


def photographed(folder: Path, most: int) -> tuple[list[Look], float]:
    """The looks of photographs, with their parts, and the CPU seconds that one took."""
    found = []
    start = time.process_time()
    for name in photos_in(folder, Path(__file__).parent)[0]:
        try:
            look = fingerprint.look_at((folder / name).read_bytes(), Recipe(parts=True))
        except DECODE_ERRORS:
            continue
        if look:
            found.append(look)
        if len(found) == most:
            break
    return found, (time.process_time() - start) / len(found)


class Grays:
    """The small pictures of looks in a file, as find has them in one."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - open as long as this is

    def add(self, grays: NDArray[np.uint8]) -> None:
        self._file.write(grays.tobytes())

    def at(self, number: int) -> NDArray[np.uint8]:
        data = system.read_at(self._file.fileno(), SIDE * SIDE, number * SIDE * SIDE)
        return np.frombuffer(data, np.uint8).reshape(SIDE, SIDE)

    def read(self, picture: Spooled) -> bytes:
        return system.read_at(self._file.fileno(), picture.length, picture.place)

    made_again = once = read


def blended(looks: Sequence[Look], count: int) -> Iterator[Look]:
    """Those looks, and then others of the same statistics; every tenth is an edit of another."""
    grays = Grays()
    large = b"".join(look.large or b"" for look in looks)
    pictures = np.frombuffer(large, np.uint8).reshape(-1, LARGE_SIDE, LARGE_SIDE)
    rng = np.random.default_rng(1)
    # Whose colours each has: its own, those of what it is an edit of, or those of any photograph.
    painted = np.random.default_rng(2).integers(len(looks), size=count)
    painted[: len(looks)] = np.arange(len(looks))[:count]
    for start in range(0, count, CHUNK):
        some = np.empty((min(CHUNK, count - start), SIDE, SIDE), np.uint8)
        for number, gray in enumerate(some, start):
            if number < len(looks):
                gray[:] = np.frombuffer(content(looks[number].views[0].gray), np.uint8).reshape(
                    SIDE, SIDE
                )
            elif number % EVERY == 0:
                original = number - int(rng.integers(1, len(looks)))
                known = some[original - start] if original >= start else grays.at(original)
                gray[:] = edited(known, rng)
                painted[number] = painted[original]
            else:
                gray[:] = 0.6 * part_of(pictures, rng) + 0.4 * part_of(pictures, rng)
        grays.add(some)
        for number, bits in enumerate(bandpass.hashes_of(some, 16), start):
            digest = hashlib.blake2b(some[number - start], digest_size=16).digest()
            place = Spooled(digest, SIDE * SIDE, number * SIDE * SIDE, grays)
            views, colour = (View(bits, place, framed=False),), looks[painted[number]].colour
            yield replace(looks[0], views=views, colour=colour, taken=None, large=None)


def part_of(pictures: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A part of one of some pictures, turned or mirrored."""
    top, left = rng.integers(0, LARGE_SIDE - SIDE + 1, 2)
    part = pictures[rng.integers(len(pictures))][top : top + SIDE, left : left + SIDE]
    return bandpass.turned(part[None], bandpass.TURNS[rng.integers(len(bandpass.TURNS))])[0]


def edited(gray: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    """A picture cropped a little, in another tone and with some grain."""
    top, left = rng.integers(0, 5, 2)
    cropped = gray[top : SIDE - 4 + top, left : SIDE - 4 + left]
    places = np.minimum((np.arange(SIDE) * (SIDE - 4) / SIDE).astype(int), SIDE - 5)
    edited = cropped[places][:, places] * rng.uniform(0.7, 1) + rng.normal(0, 3, (SIDE, SIDE))
    return edited.clip(0, 255)


def search_hashes(arguments: argparse.Namespace, count: int) -> str:
    rows, pairs, joined = hashes(count), 0, UnionFind(count)
    start = time.process_time()
    for i, j, _ in close_pairs(rows, arguments.threshold):
        pairs += len(i)
        joined.union_all(i, j)
    spent = time.process_time() - start
    return f"{count:,} hashes, up to {arguments.threshold} bits: {pairs:,} pairs, {spent:.1f}"


def search_looks(arguments: argparse.Namespace, count: int) -> str:
    photos, each = photographed(arguments.photos, min(count, MOST_PHOTOS))
    looks = list(blended(photos, count))
    sides = None
    if arguments.across is not None:
        rng = np.random.default_rng(2)
        sides = (rng.random(count) < arguments.across).astype(int).tolist()
    start = time.process_time()
    effort = in_threads(arguments.threads, watched if arguments.watch else unwatched)
    search = matching.by_looks(looks, presets.PRESETS[arguments.preset], effort, sides)
    groups, matched = matching.group_by(list(map(str, range(count))), looks, [search], sides)
    spent = time.process_time() - start
    text = f"{count:,} looks, {arguments.preset}: {matched.total():,} pairs, {len(groups):,} groups"
    text += f", {spent / (count * each):.2f} of looking at them ({1000 * each:.1f} ms each)"
    members = repr([group.members for group in groups]).encode()
    return f"{text}, digest {hashlib.sha256(members).hexdigest()[:8]}, {spent:.1f}"


def search_vectors(arguments: argparse.Namespace, count: int) -> str:
    vectors = np.random.default_rng(0).standard_normal((count, WIDTH), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    start = time.process_time()
    pairs = len(near_vectors(vectors, Limits(PROPOSED_COSINE, PROPOSED, arguments.cosine))[0])
    return f"{count:,} vectors: {pairs:,} pairs, {time.process_time() - start:.1f}"


SEARCHES = {"hashes": search_hashes, "looks": search_looks, "vectors": search_vectors}


@rare_collections()  # as find does
def main() -> int:
    system.keep_freed_memory()
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], allow_abbrev=False)
    parser.add_argument("what", choices=SEARCHES)
    parser.add_argument("counts", type=int, nargs="+")
    parser.add_argument("--threshold", type=int, default=31, help="bits, for hashes")
    parser.add_argument("--preset", default="similar", choices=presets.PRESETS)
    parser.add_argument("--threads", type=int, default=1, help="for looks")
    parser.add_argument("--watch", action="store_true", help="show of looks what find shows")
    parser.add_argument("--across", type=float, help="the share of looks on the other side")
    parser.add_argument("--cosine", type=float, default=0.75, help="for vectors")
    parser.add_argument("--photos", type=Path, help="a folder of photographs, for looks")
    arguments = parser.parse_args()
    if arguments.what == "looks" and arguments.photos is None:
        parser.error("looks are those of photographs: name their folder with --photos")
    for count in arguments.counts:
        wall, cpu = time.perf_counter(), time.process_time()
        text = SEARCHES[arguments.what](arguments, count)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(
            f"{text} CPU seconds; in all {cpu:.1f} CPU seconds, {wall:.1f} seconds, "
            f"{peak_megabytes():,.0f} MB",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
