"""The cost of a proven deletion against a bare unlink, for photos of 3 MB.

    python tests/benchmarks/deletion.py

CPU time of this process and of the kernel for it, for each of 50 photos of one group.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

import cleanup
from disk import removal
from disk.files import ImageFile, digest_file
from disk.record import Manifest, OwnFiles, SavedCopy

PHOTOS = 50
OWN_FILES = OwnFiles("info.txt", "to_delete.txt")
SIZE = 3_000_000


def write_photos(folder: Path) -> list[Path]:
    paths = [folder / f"{number:03}.jpg" for number in range(PHOTOS + 1)]
    for path in paths:
        path.write_bytes(os.urandom(SIZE))
    return paths


def milliseconds_of_unlink(folder: Path) -> float:
    paths = write_photos(folder)
    start = time.process_time()
    for path in paths[1:]:
        os.unlink(path)
    return (time.process_time() - start) / PHOTOS * 1e3


def milliseconds_of_cleanup(folder: Path) -> float:
    copies = []
    for path in write_photos(folder):
        status = path.stat()
        original = ImageFile(str(path), status.st_size, status.st_mtime_ns)
        copies.append(SavedCopy(original, str(folder / "1" / path.name), 1, digest_file(str(path))))
    (folder / "1").mkdir()
    (folder / "1" / copies[0].original.path.rpartition("/")[2]).touch()
    manifest = Manifest((str(folder),), tuple(copies), OWN_FILES)
    culled = cleanup.Culled(tuple(copies[1:]), (), (), ())
    judge = cleanup.Judge(manifest, frozenset(c.original.path for c in copies[1:]), culled)
    plan = cleanup.Plan(tuple(copies[1:]), (), ())
    start = time.process_time()
    results = list(cleanup.execute(plan, judge, str(folder / "log.txt"), removal.unlink))
    spent = time.process_time() - start
    assert all(isinstance(result, cleanup.Deleted) for result in results), results[0]
    return spent / PHOTOS * 1e3


def main() -> None:
    for name, measure in (
        ("bare unlink", milliseconds_of_unlink),
        ("proven deletion", milliseconds_of_cleanup),
    ):
        with tempfile.TemporaryDirectory() as folder:
            print(f"{name:16} {measure(Path(os.path.realpath(folder))):6.2f} ms of CPU a photo")


if __name__ == "__main__":
    main()
