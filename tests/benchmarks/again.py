"""Measure what a find over a result writes, and the most that the disk has of results meanwhile.

    python tests/benchmarks/again.py [--before CHECKOUT] [--photos 1000] [--bytes 1000000]

The photos are stand-ins that nobody hashes, in groups of five: find runs, then with nothing new,
then with one new photo. Needs Linux.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
CHILD = """
import json, os, sys
checkout, library, measure = sys.argv[1:4]
sys.path[:0] = [checkout, checkout + "/tests"]
import stand_in
sys.path.insert(0, measure)
import again
print(json.dumps(again.cost_of_find(stand_in.main, library)))
"""


def add(library: Path, group: int, number: int, size: int) -> None:
    shows = hashlib.sha256(b"%d" % group).digest()
    (library / "photos" / f"{group}-{number}.jpg").write_bytes(
        shows + os.urandom(size - len(shows))
    )


def bytes_on_disk(library: Path) -> int:
    """What the results of a library take, each file once."""
    files = [p.lstat() for folder in library.glob("output*") for p in folder.rglob("*")]
    return sum({status.st_ino: status.st_blocks * 512 for status in files}.values())


def bytes_written() -> int:
    facts = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(facts["wchar"])


def cost_of_find(main, library: str) -> dict[str, float]:  # type: ignore[no-untyped-def]
    """What one find costs in this process."""
    folder, rename, peaks = Path(library), os.rename, [0]

    def renamed(source: str, target: str) -> None:
        if source.endswith(".find-new"):  # when both results are whole
            peaks.append(bytes_on_disk(folder))
        rename(source, target)

    places = ["--input-dir", f"{library}/photos", "--output-dir", f"{library}/output"]
    before, start = bytes_written(), os.times()
    with mock.patch.object(os, "rename", renamed), mock.patch("builtins.print"):
        assert main(["--action", "find", *places, "--threshold", "10"]) == 0
    end = os.times()
    seconds = end.user + end.system - start.user - start.system
    return {
        "written": bytes_written() - before,
        "peak": max(peaks),
        "now": bytes_on_disk(folder),
        "seconds": seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--before", type=Path, help="another checkout to compare with")
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--bytes", type=int, default=1_000_000, help="of each photo")
    options = parser.parse_args()
    for checkout in filter(None, (options.before, ROOT)):
        with tempfile.TemporaryDirectory() as folder:
            measure(checkout, Path(folder), options.photos, options.bytes)


def measure(checkout: Path, library: Path, photos: int, size: int) -> None:
    """Print what each of three finds of a checkout costs."""
    (library / "photos").mkdir()
    for number in range(photos):
        add(library, number // 5, number % 5, size)
    own = {"XDG_STATE_HOME": f"{library}/state", "XDG_DATA_HOME": f"{library}/data"}
    command = [sys.executable, "-c", CHILD, str(checkout), str(library), str(Path(__file__).parent)]
    for what in ("first", "nothing new", "one new"):
        if what == "one new":
            add(library, 0, 5, size)
        ran = subprocess.run(command, env={**os.environ, **own}, check=True, capture_output=True)
        cost = json.loads(ran.stdout)
        print(
            f"{checkout}, {what}: {cost['written'] / 1e6:,.1f} MB written, "
            f"{cost['peak'] / cost['now']:.3f} results at the peak, {cost['seconds']:.2f} CPU s",
            flush=True,
        )


if __name__ == "__main__":
    main()
