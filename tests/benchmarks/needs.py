"""Measure what a find takes of memory and disk: bytes a photo, beside those of pictures/needs.py.

    python tests/benchmarks/needs.py PHOTOS 5000 20000

Looks of PHOTOS, and others blended out of them, are kept in a cache and searched, as many as each
number says, in a process of its own. What differs between two numbers is what a photo takes.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # NumPy asks for it when it is imported

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from search import blended, photographed

from disk.files import ImageFile
from pictures import matching, store
from pictures.database import PICTURES
from pictures.images import HashedImage, HashFiles
from pictures.looks import Look, content
from pictures.needs import needs_of
from pictures.picture_file import with_pictures
from pictures.presets import PRESETS
from pictures.recipe import Recipe

MOST = 300  # photographs that looks are blended out of


def file_of(number: int) -> ImageFile:
    path = f"/home/somebody/Pictures/2019/2019-07-{number % 31:02}/IMG_{number:08}.jpg"
    return ImageFile(path, 10**6, 10**18, number + 1)


def hashing(looks: Iterator[Look]) -> HashFiles:
    def hash_files(files: list[ImageFile]) -> Iterator[HashedImage]:
        for file, look in zip(files, looks, strict=True):
            grays = [content(view.gray) for view in look.views]
            made = with_pictures(replace(look, large=None), grays)
            yield HashedImage(file, f"{file.inode:064x}", made)

    return hash_files


def take(photos: Path, count: int) -> None:
    """Keep so many looks and search them; prints the memory at its peak, and what is kept."""
    looks, _ = photographed(photos, MOST)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "cache.sqlite")
        with store.opened(path, print) as kept:
            files = [file_of(number) for number in range(count)]
            images = list(kept.hashed(files, Recipe(), hashing(blended(looks, count))))
            shown = [image.look for image in images if isinstance(image, HashedImage)]
            search = matching.by_looks(shown, PRESETS["similar"])
            matching.group_by(list(map(str, range(count))), shown, [search])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        kept_bytes = sum(map(os.path.getsize, (path, path + PICTURES)))
        print(peak, kept_bytes)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], allow_abbrev=False)
    parser.add_argument("photos", type=Path, help="a folder of photographs")
    parser.add_argument("counts", type=int, nargs="+")
    parser.add_argument("--alone", action="store_true", help="measure in this process")
    arguments = parser.parse_args()
    if arguments.alone:
        take(arguments.photos, arguments.counts[0])
        return 0
    before: tuple[int, int, int] | None = None
    for count in arguments.counts:
        command = [sys.executable, __file__, str(arguments.photos), str(count), "--alone"]
        ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        memory, disk = map(int, ran.stdout.split())
        text = (
            f"{count:,} looks, similar: {memory / 1e6:.0f} MB of memory, {disk / 1e6:.1f} on disk"
        )
        if before:
            more = count - before[0]
            text += (
                f"; {(memory - before[1]) / more:,.0f} and {(disk - before[2]) / more:,.0f} each"
            )
        print(f"{text}; {needs_of(Recipe(), count)} by pictures/needs.py", flush=True)
        before = count, memory, disk
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
