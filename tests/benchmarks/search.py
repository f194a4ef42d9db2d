"""Measure the search among embeddings: CPU seconds and memory for a number of random vectors."""

import argparse
import resource
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from extras.embeddings import close_vectors

WIDTH = 512  # of the vectors of SSCD
COSINE = 0.6


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("counts", type=int, nargs="*", default=[10_000, 20_000])
    for count in parser.parse_args().counts:
        vectors = np.random.default_rng(0).standard_normal((count, WIDTH), dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        start, cpu = time.perf_counter(), time.process_time()
        pairs = sum(len(rows) for rows, _, _ in close_vectors(vectors, COSINE))
        wall, cpu = time.perf_counter() - start, time.process_time() - cpu
        print(
            f"{count:,} vectors: {pairs:,} pairs, {cpu:.1f} CPU seconds, {wall:.1f} seconds, "
            f"{peak_megabytes():,.0f} MB in all"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
