"""Measure all three actions on 100,000 small pictures, and the walk over 1,000,000 files.

    python tests/benchmarks/scale.py --work WORK

Makes 1,000 different pictures, 100 copies of each with other bytes behind the same pixels. Of each
group all copies but one are deleted by hand. Peak memory is that of the largest process.
"""

import argparse
import contextlib
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from accuracy import PRODUCT, adopt_orphans, reap_orphans, table
from PIL import Image

WALK = """
import resource, sys, time
sys.path.insert(0, sys.argv[1])
import finder
start = time.process_time()
count = sum(1 for _ in finder.walk([sys.argv[2]]))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{count:,} files walked: {time.process_time() - start:.1f} CPU seconds, {peak:,.0f} MB")
"""


def picture(number: int) -> bytes:
    """A picture of soft blocks, unlike the others."""
    blocks = np.random.default_rng(number).integers(0, 256, (12, 12), np.uint8)
    image = Image.fromarray(blocks).resize((160, 120), Image.Resampling.BICUBIC)
    data = io.BytesIO()
    image.save(data, "JPEG", quality=80)
    return data.getvalue()


def library(folder: Path, pictures: int, copies: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for number in range(pictures):
        data = picture(number)
        place = folder / f"{number:06}"
        place.mkdir(parents=True)
        for copy in range(copies):  # a comment of its own, right behind the start marker
            comment = f"{copy:06}".encode()
            segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
            (place / f"{copy:06}.jpg").write_bytes(data[:2] + segment + data[2:])


def cull(output: Path) -> None:
    """Delete every copy but the first of its group."""
    info = json.loads((output / "info.txt").read_text("utf-8"))
    kept: set[str] = set()
    for copy in info.values():
        group = os.path.dirname(copy)
        if group in kept:
            os.unlink(copy)
        kept.add(group)


def run(action: str, folder: Path, *flags: str) -> tuple[str, ...]:
    command = [sys.executable, str(PRODUCT), "--action", action, "--no-cache"]
    command += ["--input-dir", str(folder / "photos"), "--output-dir", str(folder / "output")]
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    own_key = {**os.environ, "XDG_STATE_HOME": str(folder / "state")}
    command += flags
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=own_key) as process:
        most_open = max(_open_files_while(process), default=0)
    code, wall = process.returncode, time.perf_counter() - start
    reap_orphans()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak = after.ru_maxrss / 1024
    return action, str(code), f"{wall:.1f}", f"{cpu:.1f}", f"{peak:,.0f}", str(most_open)


def _open_files_while(process: subprocess.Popen[bytes]) -> Iterator[int]:
    """How many files a process has open, time and again until it ends."""
    while process.poll() is None:
        with contextlib.suppress(OSError):
            yield len(os.listdir(f"/proc/{process.pid}/fd"))
        time.sleep(0.05)


def walk(folder: Path, files: int) -> str:
    shutil.rmtree(folder, ignore_errors=True)
    for number in range(files):
        if number % 1000 == 0:
            place = folder / f"{number // 1000:06}"
            place.mkdir(parents=True)
        os.close(os.open(place / f"{number:07}.jpg", os.O_CREAT | os.O_WRONLY))
    command = [sys.executable, "-c", WALK, str(PRODUCT.parent), str(folder)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    shutil.rmtree(folder)
    return said


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], allow_abbrev=False)
    parser.add_argument("--work", type=Path, required=True, help="where the files are made")
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--copies", type=int, default=100)
    parser.add_argument("--files", type=int, default=1_000_000, help="to walk")
    arguments = parser.parse_args(argv)
    adopt_orphans()
    folder = arguments.work.resolve() / "scale"
    library(folder / "photos", arguments.pictures, arguments.copies)
    shutil.rmtree(folder / "output", ignore_errors=True)
    rows = [run("find", folder)]
    cull(folder / "output")
    rows.append(run("check-deleted", folder))
    rows.append(run("cleanup", folder, "--yes", "--delete-mode", "permanent"))
    left = sum(1 for path in (folder / "photos").rglob("*") if path.is_file())
    heads = ["action", "exit code", "seconds", "CPU seconds", "peak MB so far", "open files"]
    print(table(heads, rows))
    print(f"{arguments.pictures * arguments.copies:,} pictures before, {left:,} after.\n")
    print(walk(folder / "walked", arguments.files))
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
