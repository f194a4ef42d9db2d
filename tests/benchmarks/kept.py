"""Measure what it costs a find to leave out what was kept side by side.

    python tests/benchmarks/kept.py [GROUPS]

Makes groups of two and three stand-ins for photos, which are hashed for nothing, so that what is
kept weighs the most; keeps all of them; and looks for groups with and without these decisions, in
turn, three times. Nothing is copied.
"""

import hashlib
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import stand_in  # noqa: E402

RUN = "import sys; sys.path[:0] = sys.argv[1:3]; import stand_in; stand_in.main(sys.argv[3:])"
TIMES = 3


def fill(photos: Path, groups: int) -> None:
    """Make photos that are groups of two and three, in turn."""
    photos.mkdir()
    for group in range(groups):
        shows = hashlib.sha256(str(group).encode()).digest()
        for member in range(2 + group % 2):
            path = photos / f"{group:06}-{member}.jpg"
            path.write_bytes(stand_in.photo(shows, f"{group} {member}".encode()))


def run(folder: Path, data: str, *flags: str) -> tuple[float, str]:
    """The CPU seconds that an action takes, and what it says, with some folder for decisions."""
    homes = {f"XDG_{home}_HOME": str(folder / data) for home in ("DATA", "STATE")}
    folders = ["--input-dir", str(folder / "photos"), "--output-dir", str(folder / "output")]
    command = [sys.executable, "-c", RUN, str(ROOT), str(ROOT / "tests"), *folders]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = subprocess.run(
        [*command, "--threshold", "10", *flags],
        env={**os.environ, **homes, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, ran.stdout


def main() -> None:
    groups = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(os.path.realpath(name))
        fill(folder / "photos", groups)
        run(folder, "kept", "--action", "find")
        seconds, _ = run(folder, "kept", "--action", "keep")
        print(f"keep {groups:,} groups: {seconds:.1f} CPU s")
        find = ("--action", "find", "--dry-run")
        print([line for line in run(folder, "kept", *find)[1].splitlines() if "group" in line])
        runs = [[run(folder, home, *find)[0] for home in ("none", "kept")] for _ in range(TIMES)]
        without, with_ = (min(times) for times in zip(*runs, strict=True))
        print(f"find: {without:.2f} CPU s without decisions, {with_:.2f} with them")


if __name__ == "__main__":
    main()
