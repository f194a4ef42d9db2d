"""Measure what sketches rule out: of the pairs that a look accepts, and of those near by chance.

    python tests/benchmarks/sketches.py --work WORK --photos PHOTOS

WORK is that of accuracy.py, which builds the set. Near by chance are parts of two different photos,
half of them mirrored, with hashes as near as those of copies. The limit in use was chosen on
`tune`.
"""

import argparse
import multiprocessing
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from accuracy import table
from labelled import photos_in, split_of
from numpy.typing import NDArray
from PIL import Image
from thresholds import items_of, seen

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pictures import bandpass, presets, sketch, verify
from pictures.candidates import candidates, frequencies_of
from pictures.hamming import close_pairs, pack
from pictures.looks import GRAY_SIDE, LARGE_SIDE, Look
from pictures.table import table_of

RULES = presets.PRESETS["similar"]
LIMITS = (0.38, 0.40, 0.42, 0.43, 0.44, 0.46, 0.50)
PARTS = 24  # of each photo
Cosines = NDArray[np.float64]  # of pairs; 1 for those that need none, as their hashes are closer


def accepted(looks: Sequence[Look | None]) -> Cosines:
    """How near the sketches are of all pairs that a look accepts."""
    shown = {look.views[0].gray: look for look in looks if look}
    made = table_of(list(shown.values()))
    frequencies, found = frequencies_of(made.gray, len(made.owner)), []
    for pairs in candidates(made, replace(RULES, sketched=RULES.whole)):
        matches = [verdict.matches for verdict in verify.judge(made, pairs, RULES)]
        right = pairs.where(np.array(matches, np.bool_))
        found.append(cosines(frequencies.sketches, right.left, right.right, right.distance))
    return np.concatenate(found)


def cosines(
    sketches: sketch.Sketches,
    left: NDArray[np.intp],
    right: NDArray[np.intp],
    distance: NDArray[np.int64],
) -> Cosines:
    near = sketch.cosines(sketches[left], sketches[right])
    near[distance <= RULES.sketched] = 1
    return near


def by_chance(photos: Sequence[Path]) -> tuple[Cosines, int]:
    """How near those are of parts of different photos with near hashes, and how many pairs."""
    parts = np.array([part for path in photos for part in parts_of(path)])
    stacks = [parts[start : start + 256] for start in range(0, len(parts), 256)]
    hashes = pack(bits for stack in stacks for bits in bandpass.hashes_of(stack, 16))
    spectra = [bandpass.spectrum(stack, sketch.SIDE) for stack in stacks]
    sketches = sketch.sketches(np.concatenate(spectra))
    found = []
    for i, j, distance in close_pairs(hashes, RULES.whole):
        apart = i // PARTS != j // PARTS
        found.append(cosines(sketches, i[apart], j[apart], distance[apart]))
    return np.concatenate(found), len(photos) * (len(photos) - 1) // 2 * PARTS**2


def parts_of(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Parts of a photo, of half to all of its sides."""
    rng = np.random.default_rng(len(path.name))
    with Image.open(path) as image:
        small = image.convert("L").resize((LARGE_SIDE, LARGE_SIDE), Image.Resampling.LANCZOS)
    for number in range(PARTS):
        size = rng.uniform(0.5, 1, 2)
        first = rng.uniform(0, 1 - size)
        box = tuple(LARGE_SIDE * float(n) for n in (*first, *(first + size)))
        part = np.asarray(small.resize((GRAY_SIDE, GRAY_SIDE), Image.Resampling.BILINEAR, box))
        yield part[:, :: 1 - number % 2 * 2]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], allow_abbrev=False)
    parser.add_argument("--work", type=Path, required=True, help="where accuracy.py built its set")
    parser.add_argument("--photos", type=Path, required=True)
    arguments = parser.parse_args()
    work, rows = arguments.work.resolve(), []
    names, _ = photos_in(arguments.photos, Path(__file__).parent)
    for split in ("tune", "test"):
        paths = [work / "set" / item.path for item in items_of(work, split)]
        with multiprocessing.Pool() as pool:
            right = accepted([look for _, look in pool.map(seen, paths, chunksize=16)])
        chance, pairs = by_chance([arguments.photos / n for n in names if split_of(n) == split])
        for limit in LIMITS:
            kept, left = (right >= limit).mean(), (chance >= limit).mean()
            per_pair = f"{left * len(chance) / pairs:.1e}"
            rows.append((split, f"{limit:.2f}", f"{kept:.4f}", f"{left:.3f}", per_pair))
    heads = "split,least cosine,accepted pairs kept,near by chance kept,of all such pairs"
    print(table(heads.split(","), rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
