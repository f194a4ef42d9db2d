"""What a find by tasks costs at 10 million photos and more, by constants that are measured here.

    python tests/benchmarks/scale_cluster.py 100000 --photos PHOTOS --work WORK

Looks are those of search.py, in parts as cluster.py leaves them. In one process it is measured what
it takes to hash a photo, to compare a pair, to look at a candidate, to read a photo of a result and
to find a picture's cells; how many pairs of different photos are candidates by chance (as in
sketches.py); and in which cells pairs lie that match: of edits of photos (edits.py), by probes. Of
this the CPU-hours are added up, for all pairs and by the index. Last, a find by the index over
the looks is measured beside what the same sums say of it.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # NumPy asks for it when it is imported

import argparse
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from accuracy import table
from cluster import make_parts
from edits import EDITS
from labelled import photos_in
from numpy.typing import NDArray
from PIL import Image, ImageOps
from sketches import PARTS, parts_of

from actions.engines import PROBES
from disk import system
from extras.cluster import cells, index, indexed
from extras.cluster.engine import OnCluster, Task
from extras.cluster.files import Work
from extras.cluster.index import Index
from extras.cluster.rows import (
    NO_COLOUR,
    OF_LOOKS,
    OF_ROWS,
    Looks,
    joined,
    part_of,
    rows_of,
    table_from,
)
from pictures import bandpass, fingerprint, sketch, verify
from pictures.candidates import candidates, frequencies_of
from pictures.colour import others_of_many
from pictures.hamming import close_pairs, pack
from pictures.images import HashedImage
from pictures.presets import PRESETS
from pictures.recipe import Recipe
from pictures.table import Pairs, table_of

RULES = PRESETS["similar"]
BY_PROBES = (4, 8, 16, 32, 64, 128)
MANY_CELLS = 4096
CALLS = 100
SOME = 3000  # candidates that are looked at
SIZES = (10**7, 10**8, 10**9)
LONGEST = 800  # pixels of a photo that is edited
A_BLOCK = 32_000  # photos
MATCHES = 0.1  # of a photo, as in search.py


@dataclass(slots=True)
class Constants:
    """CPU seconds of one of something, and shares of pairs."""

    hash_photo: float = 0
    pair: float = 0
    call: float = 0  # of a search, however few pairs it has
    look: float = 0  # at a pair that is a candidate by chance
    near_look: float = 0  # the same, of nearer sketches
    match: float = 0
    read_rows: float = 0  # of a photo, what is compared by all
    read_look: float = 0
    unpack: float = 0  # a look that is wanted
    assign: float = 0  # a photo, without cells
    assign_cell: float = 0
    chance: float = 0  # candidates of a pair, with LEAST_COSINE
    near_chance: float = 0  # with nearer sketches alone
    colours: float = 0  # to tell a pair by its colours
    of_like_colours: float = 0  # of the candidates by chance, those that these don't tell
    kept: float = 0  # of matches of edits, with nearer sketches alone
    probed: float = 0  # cells of a photo
    found: dict[int, float] | None = None  # of matches of edits, by probes
    found_by_chance: dict[int, float] | None = None
    bytes_a_photo: float = 0


def timed(start: float, count: float) -> float:
    return (time.process_time() - start) / max(count, 1)


# ---- Constants


def measure_pairs(work: Work, names: Sequence[str], k: Constants) -> tuple[Any, Any]:
    """Pairs of looks, and what it takes to look at candidates; what the index needs of it."""
    start = time.process_time()
    read = [rows_of(work.read(name, *OF_ROWS)) for name in names]
    k.read_rows = timed(start, sum(len(rows.identity) for rows in read))
    rows = joined(read)
    looks = Looks(
        work, [(part_of(*of), len(of[1].identity)) for of in zip(names, read, strict=True)]
    )
    made, which = table_from(rows, looks, np.flatnonzero(rows.identity != b""))
    frequencies = rows.frequencies(which)
    list(candidates(made, RULES, made=frequencies))  # compiles
    start = time.process_time()
    found = [p for p in candidates(made, RULES, made=frequencies) if p.turn == "upright"]
    k.pair = timed(start, len(which) * (len(which) - 1) / 2)
    small, which = table_from(rows, looks, np.arange(40))
    few = rows.frequencies(which)
    start = time.process_time()
    for _ in range(CALLS):
        list(candidates(small, RULES, small.owner // 20, made=few))
    k.call = timed(start, CALLS)
    left, right, distance = (
        np.concatenate([getattr(p, name) for p in found]) for name in ("left", "right", "distance")
    )
    some = np.random.default_rng(0).permutation(len(left))[:SOME]
    pairs = Pairs(left[some], right[some], distance[some], "upright")
    start = time.process_time()
    for name in names[:50]:
        work.read(name, *OF_LOOKS)
    k.read_look = timed(start, sum(len(rows.identity) for rows in read[:50]))
    wanted = np.unique(np.concatenate([pairs.left, pairs.right]))
    start = time.process_time()
    looks.hold(wanted)
    of_parts = len(np.unique(wanted // 500)) * 500 * k.read_look
    k.unpack = max(0, timed(start, 1) - of_parts) / len(wanted)
    matches = np.array([v.matches for v in verify.judge(made, pairs, RULES)])
    near = sketch.cosines(frequencies.sketches[pairs.left], frequencies.sketches[pairs.right])
    k.match = look_seconds(made, pairs.where(matches))
    k.look = look_seconds(made, pairs.where(~matches))
    k.near_look = look_seconds(made, pairs.where(~matches & index.are_nearer(near, pairs.distance)))
    return frequencies.sketches, pairs.where(~matches)


def look_seconds(made: Any, pairs: Pairs) -> float:
    start = time.process_time()
    for first in range(0, len(pairs.left), 256):
        list(verify.judge(made, pairs.where(slice(first, first + 256)), RULES))
    return timed(start, len(pairs.left))


def measure_chance(photos: Sequence[Path], k: Constants) -> sketch.Sketches:
    """How many pairs of parts of different photos are candidates; the sketches of the parts.

    Of these candidates it is counted, too, how many have like colours.
    """
    start = time.process_time()
    looks = [fingerprint.look_at(path.read_bytes(), Recipe()) for path in photos]
    k.hash_photo = timed(start, len(photos))
    of_photos = np.array(
        [np.frombuffer((look and look.colour) or NO_COLOUR, np.uint8) for look in looks]
    )
    chosen = list[NDArray[np.intp]]()
    parts = np.array([part for path in photos for part in parts_of(path)])
    stacks = [parts[start : start + 256] for start in range(0, len(parts), 256)]
    hashes = pack(bits for stack in stacks for bits in bandpass.hashes_of(stack, 16))
    made = np.concatenate([sketch.sketches(bandpass.spectrum(s, sketch.SIDE)) for s in stacks])
    count = len(photos) * (len(photos) - 1) // 2 * PARTS**2
    for i, j, distance in close_pairs(hashes, RULES.whole):
        apart = i // PARTS != j // PARTS
        near, bits = sketch.cosines(made[i[apart]], made[j[apart]]), distance[apart]
        likely = near >= sketch.LEAST_COSINE
        chosen.append(np.stack([i[apart][likely], j[apart][likely]]))
        k.chance += ((bits <= RULES.sketched) | (near >= sketch.LEAST_COSINE)).sum() / count
        k.near_chance += index.are_nearer(near, bits).sum() / count
    left, right = np.concatenate(chosen, axis=1) // PARTS
    start = time.process_time()
    told = others_of_many(of_photos[left], of_photos[right], "upright")
    k.colours, k.of_like_colours = timed(start, len(told)), 1 - float(told.mean())
    return made


def edited(photos: Sequence[Path]) -> Iterator[Any]:
    """The looks of all edits of some photos."""
    for path in photos:
        with Image.open(path) as image:
            small = ImageOps.exif_transpose(image).convert("RGB")
        small.thumbnail((LONGEST, LONGEST))
        for edit in EDITS:
            file = BytesIO()
            kind = {".png": "PNG", ".webp": "WEBP"}.get(edit.suffix, "JPEG")
            changed = edit.change(small, Random(f"{path.name} {edit.name}"))
            changed.save(file, kind, **edit.save)
            yield fingerprint.look_at(file.getvalue(), Recipe())


def measure_recall(
    photos: Sequence[Path],
    sketches: sketch.Sketches,
    of_parts: sketch.Sketches,
    by_chance: Pairs,
    k: Constants,
) -> None:
    """In which of many cells pairs lie: of edits that match, and of candidates by chance.

    Cells are those of looks and of parts of photos together, so that these have as many.
    """
    looks = [look for look in edited(photos) if look]
    made = table_of(looks)
    of_edits = frequencies_of(made.gray, len(made.owner)).sketches
    every = np.random.default_rng(0).permutation(np.concatenate([sketches, of_parts]))
    centres = cells.centres_of(every[: cells.A_CELL * MANY_CELLS], MANY_CELLS)
    matches: list[NDArray[np.intp]] = []
    for pairs in candidates(made, RULES):
        if pairs.turn == "upright":
            alike = np.array([v.matches for v in verify.judge(made, pairs, RULES)], np.bool_)
            near = sketch.cosines(of_edits[pairs.left], of_edits[pairs.right])
            close = index.are_nearer(near, pairs.distance)
            matches.append(np.stack([pairs.left, pairs.right, close])[:, alike])
    left, right, close = np.concatenate(matches, axis=1)
    k.kept = float(close.mean())
    k.found = shares(of_edits, left, right, centres)
    k.found_by_chance = shares(sketches, by_chance.left, by_chance.right, centres)


def shares(
    some: sketch.Sketches,
    left: NDArray[np.intp],
    right: NDArray[np.intp],
    centres: cells.Vectors,
) -> dict[int, float]:
    """The share of pairs of which one is in a cell in which the other is searched, by probes."""
    vectors = cells.vectors(some)
    home = cells.nearest(vectors, centres, 1)[:, 0]
    found = {}
    for probes in BY_PROBES:
        near = cells.nearest(vectors, centres, probes)
        reached = (near[left] == home[right][:, None]).any(axis=1)
        found[probes] = float((reached | (near[right] == home[left][:, None]).any(axis=1)).mean())
    return found


def measure_cells(work: Work, names: Sequence[str], k: Constants) -> None:
    """What it takes to find a picture's cells, by how many there are."""
    rows = joined([rows_of(work.read(name, *OF_ROWS)) for name in names[:8]])
    made = rows.frequencies(np.arange(len(rows.flags))).sketches
    seconds = {}
    for count in (len(made) // 4, len(made)):
        centres = cells.vectors(made[:count])
        start = time.process_time()
        _, probed = index.cells_of(rows, centres, Index(count, 1, PROBES))
        seconds[count] = timed(start, len(rows.identity))
        k.probed = float(np.mean([len(some) for some in probed]))
    (few, less), (many, more) = seconds.items()
    k.assign_cell = (more - less) / (many - few)
    k.assign = max(0.0, less - few * k.assign_cell)


# ---- The sums


def exact(n: int, k: Constants) -> dict[str, float]:
    """CPU seconds of a find that compares all pairs."""
    pairs = n * n / 2
    looks = pairs * k.chance * k.of_like_colours
    return {
        "pairs": pairs * (k.pair + k.chance * k.colours),
        "looks": looks * k.look + MATCHES * n * k.match,
        "reading": pairs / A_BLOCK * 2 * (k.read_rows + k.read_look) + looks * 2 * k.unpack,
    }


def by_index(n: int, k: Constants, made: Index) -> dict[str, float]:
    """CPU seconds of a find whose candidates come from an index, with its sample."""
    assert k.found_by_chance
    look, chance = (k.near_look, k.near_chance) if made.only_nearer else (k.look, k.chance)
    by_chance = n * n / 2 * chance * k.found_by_chance[made.probes]
    looks, sampled = by_chance * k.of_like_colours, min(n, indexed.SAMPLED) * n
    return {
        "cells": n * (k.assign + made.cells * k.assign_cell + k.read_rows + 3 * k.read_look),
        "pairs": n * k.probed * (n / made.cells) * k.pair
        + made.cells * made.groups * k.call
        + by_chance * k.colours,
        "looks": looks * look + MATCHES * n * k.match,
        "reading": n * made.groups * (2 * k.read_rows + k.read_look) + looks * 2 * k.unpack,
        "sample": sampled * (k.pair + k.chance * k.of_like_colours * (k.look + 2 * k.unpack)),
    }


def said_of(n: int, k: Constants) -> Iterator[tuple[str, ...]]:
    made = indexed.index_for(n, PROBES)
    assert k.found
    recall = k.found[PROBES] * (k.kept if made.only_nearer else 1)
    wide = replace(made, only_nearer=False)
    ways = {
        "all pairs": (exact(n, k), 1.0),
        "index": (by_index(n, k, wide), k.found[PROBES]),
        "index, nearer sketches" if made.only_nearer else "index": (by_index(n, k, made), recall),
    }
    for way, (seconds, share) in ways.items():
        hours = {what: seconds.get(what, 0) / 3600 for what in WHAT}
        parts = (f"{hours[what]:,.1f}" for what in WHAT)
        yield f"{n:,}", way, *parts, f"{sum(hours.values()):,.0f}", f"{share:.4f}"


WHAT = ("cells", "pairs", "looks", "reading", "sample")


# ---- A find by the index


def find_by_index(work: Work, names: Sequence[str]) -> tuple[Counter[str], Any]:
    """CPU seconds of its tasks by kind, and its recall."""
    seconds = Counter[str]()

    def run(some: Sequence[Task]) -> Iterator[tuple[str, int]]:
        for name, do, (place, *more) in some:
            start = time.process_time()
            done = do(place, name, *more)
            seconds[name.split("-")[0]] += time.process_time() - start
            yield name, done

    method = SimpleNamespace(recipe=Recipe(), flags="--preset similar", has_presets=True)
    on: OnCluster = indexed.by_index(OnCluster, PROBES)(method, RULES, 1, work, run)
    loaded = on._loaded({name: [] for name in names})
    images = [image for image in loaded if isinstance(image, HashedImage)]
    start = time.process_time()
    on.group(images)
    seconds["driver"] = time.process_time() - start - seconds.total()
    return seconds, on.recall


def main() -> int:
    system.keep_freed_memory()
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], allow_abbrev=False)
    parser.add_argument("count", type=int, help="of looks")
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photographs")
    parser.add_argument("--work", type=Path, required=True, help="where parts and results lie")
    parser.add_argument("--edited", type=int, default=30, help="photos of which edits are made")
    arguments = parser.parse_args()
    work, k = Work(str(arguments.work)), Constants()
    listed, _ = photos_in(arguments.photos, Path(__file__).parent)
    photos = [arguments.photos / name for name in listed]
    names = make_parts(work, arguments.photos, arguments.count)
    k.bytes_a_photo = (
        sum((arguments.work / f"{name}.parquet").stat().st_size for name in names) / arguments.count
    )
    sketches, by_chance = measure_pairs(work, names, k)
    of_parts = measure_chance(photos, k)
    measure_cells(work, names, k)
    measure_recall(Random(5).sample(photos, arguments.edited), sketches, of_parts, by_chance, k)
    for name in k.__slots__:
        print(f"{name}: {getattr(k, name)}")
    rows = [row for n in SIZES for row in said_of(n, k)]
    heads = ("photos", "way", *WHAT, "CPU-hours", "recall")
    print(table(heads, rows))
    print(f"Hashing: {', '.join(f'{n * k.hash_photo / 3600:,.0f}' for n in SIZES)} CPU-hours.")
    for old in ("pairs", "cells", "assigned", "picked", "centres", "sample"):
        for path in arguments.work.glob(f"{old}-*"):
            path.unlink()
    seconds, recall = find_by_index(work, names)
    said = by_index(arguments.count, k, indexed.index_for(arguments.count, PROBES))
    print("By the index:", {kind: round(spent, 1) for kind, spent in seconds.items()})
    print("By the sums:", {kind: round(float(spent), 1) for kind, spent in said.items()})
    print(recall.words)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
