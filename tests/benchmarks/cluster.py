"""Measure a search by tasks beside that of one machine: CPU seconds, and the driver's memory.

    python tests/benchmarks/cluster.py 10000 100000 --photos PHOTOS --work WORK
    python tests/benchmarks/cluster.py 1000000 --photos PHOTOS --work WORK --alone

Looks are those of search.py, as tasks leave them of photos: parts of 500. They are compared by two
workers of Dask on this machine, and then by one process, unless it is measured `--alone`. Two
workers may share what one core has, so that each of their seconds does less: `--workers 1` measures
what tasks cost. The driver's memory for each photo is what the list of photos takes, and what the
search takes beside it at its most. WORK keeps the parts, so that a second run measures with what is
there; pairs are always compared anew.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # NumPy asks for it when it is imported

import argparse
import gc
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from search import MOST_PHOTOS, blended, photographed

from disk import system
from disk.files import ImageFile
from extras.cluster import engine, running
from extras.cluster.engine import OnCluster
from extras.cluster.files import Work
from extras.cluster.rows import columns_of
from pictures import matching
from pictures.images import HashedImage
from pictures.looks import Look
from pictures.presets import PRESETS
from pictures.recipe import Recipe


def cpu_seconds() -> float:
    """What this process and those that it waited for have worked."""
    both = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def memory_bytes() -> int:
    gc.collect()
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def images_of(looks: Iterator[Look]) -> Iterator[HashedImage]:
    for number, look in enumerate(looks):
        file = ImageFile(f"/photos/{number // 1000:04}/{number:07}.jpg", 1, 1)
        yield HashedImage(file, f"{number:064x}", look)


def make_parts(work: Work, photos: Path, count: int) -> list[str]:
    """Parts of looks, those made that aren't there; their names in order."""
    names = [f"photos-{count}-{n:05}" for n in range(-(-count // engine.PHOTOS_A_PART))]
    if not {*names} <= work.names():
        looks = blended(photographed(photos, min(count, MOST_PHOTOS))[0], count)
        images = images_of(looks)
        for name in names:
            work.write(name, columns_of(list(islice(images, engine.PHOTOS_A_PART))))
    return names


def by_tasks(
    work: Work, names: Sequence[str], preset: str, workers: int
) -> tuple[object, list[str]]:
    """The groups by some workers, and what to say of it."""
    before, start = cpu_seconds(), time.perf_counter()
    method = SimpleNamespace(recipe=Recipe(), flags="", has_presets=True)
    with running._client(workers, None) as client:
        on = OnCluster(method, PRESETS[preset], workers, work, running.done_by(client))
        empty = memory_bytes()
        images = [i for i in on._loaded({name: [] for name in names}) if isinstance(i, HashedImage)]
        listed = memory_bytes()
        groups, _ = on.group(images)
        most = peak_bytes()
    rows = sum(block.rows for block in on._blocks)
    photo = len(images)
    said = [
        f"{cpu_seconds() - before:,.1f}",
        f"{time.perf_counter() - start:,.0f}",
        f"{(listed - empty) / photo:,.0f}",
        f"{(most - listed) / photo:,.0f}",
        f"{rows:,}",
    ]
    return [group.members for group in groups], said


def on_one_machine(images: Sequence[HashedImage], preset: str) -> tuple[object, str]:
    digests, looks = [image.digest for image in images], [image.look for image in images]
    start = time.process_time()
    groups, _ = matching.group_by(digests, looks, [matching.by_looks(looks, PRESETS[preset])])
    return [group.members for group in groups], f"{time.process_time() - start:,.1f}"


def main() -> int:
    system.keep_freed_memory()
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], allow_abbrev=False)
    parser.add_argument("counts", type=int, nargs="+")
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photographs")
    parser.add_argument("--work", type=Path, required=True, help="where parts and results lie")
    parser.add_argument("--preset", default="similar", choices=("copies", "similar"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--alone", action="store_true", help="not beside one machine")
    arguments = parser.parse_args()
    work = Work(str(arguments.work))
    print(
        "| looks | CPU s | s | bytes listed | bytes to search | rows | one machine, CPU s | same |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for count in arguments.counts:
        names = make_parts(work, arguments.photos, count)
        for old in arguments.work.glob("pairs-*"):
            old.unlink()
        found, said = by_tasks(work, names, arguments.preset, arguments.workers)
        if not arguments.alone:
            looks = blended(photographed(arguments.photos, min(count, MOST_PHOTOS))[0], count)
            expected, alone = on_one_machine(list(images_of(looks)), arguments.preset)
            said += [alone, str(found == expected)]
        print(f"| {count:,} | {' | '.join(said)} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
