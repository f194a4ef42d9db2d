"""Measure the search: CPU seconds and memory for a number of hashes, looks or embeddings.

    python tests/benchmarks/search.py hashes 100000 1000000 --threshold 31
    python tests/benchmarks/search.py looks 10000 100000 --photos PHOTOS --preset similar
    python tests/benchmarks/search.py looks 10000 --photos PHOTOS --across 0.5
    python tests/benchmarks/search.py vectors 10000 100000

With --across that share of the looks lies on another side than the rest, as with find --across.
Hashes are random with the spread that those of photographs have, and a tenth of them are copies
of others, some bits apart. Looks are those of PHOTOS, and then of pictures blended out of two
parts of two of them, which have the statistics of photographs and show nothing twice.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # NumPy asks for it when it is imported

import argparse
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from extras.vectors import close_vectors
from grouping import UnionFind
from pictures import bandpass, fingerprint, matching, presets
from pictures.errors import DECODE_ERRORS
from pictures.hamming import close_pairs
from pictures.looks import GRAY_SIDE, LARGE_SIDE, Look, View
from pictures.recipe import Recipe

BITS = 256
WIDTH = 512  # of the vectors of SSCD
COPIES = 0.1
FLIPPED = 0.04  # of a copy's bits
COMMON = 0.12  # how strongly bits depend on each other; with it 8.3 bits deviation, as measured
SIDE = GRAY_SIDE


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


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
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            look = fingerprint.look_at(path.read_bytes(), Recipe(parts=True))
        except DECODE_ERRORS:
            continue
        if look:
            found.append(look)
        if len(found) == most:
            break
    return found, (time.process_time() - start) / len(found)


def blended(looks: Sequence[Look], count: int) -> Iterator[Look]:
    """Those looks, and then others of the same statistics."""
    rng = np.random.default_rng(1)
    large = b"".join(look.large or b"" for look in looks)
    pictures = np.frombuffer(large, np.uint8).reshape(-1, LARGE_SIDE, LARGE_SIDE)
    for number in range(count):
        if number < len(looks):
            yield looks[number]
            continue
        one, other = pictures[rng.integers(0, len(looks), 2)]
        top, left, low, right = rng.integers(0, LARGE_SIDE - SIDE + 1, 4)
        parts = one[top : top + SIDE, left : left + SIDE], other[low : low + SIDE, right:][:, :SIDE]
        gray = (0.6 * parts[0] + 0.4 * parts[1][:: number % 2 * 2 - 1]).astype(np.uint8)
        view = View(bandpass.hashes_of(gray[None], 16)[0], gray.tobytes(), framed=False)
        yield replace(looks[0], views=(view,), taken=None)


def search_hashes(arguments: argparse.Namespace, count: int) -> str:
    rows, pairs, joined = hashes(count), 0, UnionFind(count)
    start = time.process_time()
    for i, j, _ in close_pairs(rows, arguments.threshold):
        pairs += len(i)
        joined.union_all(i, j)
    spent = time.process_time() - start
    return f"{count:,} hashes, up to {arguments.threshold} bits: {pairs:,} pairs, {spent:.1f}"


def search_looks(arguments: argparse.Namespace, count: int) -> str:
    photos, each = photographed(arguments.photos, count)
    looks = list(blended(photos, count))
    sides = None
    if arguments.across is not None:
        rng = np.random.default_rng(2)
        sides = (rng.random(count) < arguments.across).astype(int).tolist()
    start = time.process_time()
    search = matching.by_looks(looks, presets.PRESETS[arguments.preset], sides=sides)
    groups, matched = matching.group_by(list(map(str, range(count))), looks, [search], sides)
    spent = time.process_time() - start
    text = f"{count:,} looks, {arguments.preset}: {matched.total():,} pairs, {len(groups):,} groups"
    text += f", {spent / (count * each):.2f} of looking at them ({1000 * each:.1f} ms each)"
    return f"{text}, {spent:.1f}"


def search_vectors(arguments: argparse.Namespace, count: int) -> str:
    vectors = np.random.default_rng(0).standard_normal((count, WIDTH), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    start = time.process_time()
    pairs = sum(len(rows) for rows, _, _ in close_vectors(vectors, arguments.cosine))
    return f"{count:,} vectors: {pairs:,} pairs, {time.process_time() - start:.1f}"


SEARCHES = {"hashes": search_hashes, "looks": search_looks, "vectors": search_vectors}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], allow_abbrev=False)
    parser.add_argument("what", choices=SEARCHES)
    parser.add_argument("counts", type=int, nargs="+")
    parser.add_argument("--threshold", type=int, default=31, help="bits, for hashes")
    parser.add_argument("--preset", default="similar", choices=presets.PRESETS)
    parser.add_argument("--across", type=float, help="the share of looks on the other side")
    parser.add_argument("--cosine", type=float, default=0.6, help="for vectors")
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
