"""Measure what it costs a find to leave out what was kept side by side.

    python tests/benchmarks/kept.py [GROUPS]

Makes groups of two and three stand-ins for photos, which are hashed for nothing, so that what is
kept weighs the most; keeps all of them; and looks for groups with and without these decisions, in
turn, three times. None may be shown again. Then one in a hundred gets a third identical file, and
just these must come. Nothing is copied.
"""

import hashlib
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

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


def add_more(photos: Path, groups: int) -> set[str]:
    """Copy a photo of each hundredth group; returns the names of the copies."""
    added = set()
    for group in range(0, groups, 100):
        path = photos / f"{group:06}-more.jpg"
        shutil.copy(photos / f"{group:06}-0.jpg", path)
        added.add(str(path))
    return added


def run(folder: Path, data: str, *flags: str) -> tuple[float, dict[str, Any]]:
    """The CPU seconds that an action takes, and its facts, with some folder for decisions."""
    homes = {f"XDG_{home}_HOME": str(folder / data) for home in ("DATA", "STATE")}
    folders = ["--input-dir", str(folder / "photos"), "--output-dir", str(folder / "output")]
    command = [sys.executable, "-c", RUN, str(ROOT), str(ROOT / "tests"), *folders]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = subprocess.run(
        [*command, "--threshold", "10", "--json", *flags],
        env={**os.environ, **homes, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, json.loads(
        ran.stdout
    )


def main() -> None:
    groups = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(os.path.realpath(name))
        fill(folder / "photos", groups)
        without = with_ = math.inf
        run(folder, "kept", "--action", "find")
        seconds, _ = run(folder, "kept", "--action", "keep")
        print(f"keep {groups:,} groups: {seconds:.1f} CPU s")
        find = ("--action", "find", "--dry-run")
        for _ in range(TIMES):
            without = min(without, run(folder, "none", *find)[0])
            seconds, facts = run(folder, "kept", *find)
            with_ = min(with_, seconds)
            shown, left_out = len(facts["groups"]), len(facts["kept_left_out"])
            assert (shown, left_out) == (0, groups), (shown, left_out)
        print(f"find: {without:.2f} CPU s without decisions, {with_:.2f} with them; 0 groups shown")
        added = add_more(folder / "photos", groups)
        seconds, facts = run(folder, "kept", *find)
        assert all(added & set(group) for group in facts["groups"])
        assert len(facts["groups"]) == len(added)
        print(f"find with {len(added)} more files: {seconds:.2f} CPU s, {len(added)} groups shown")


if __name__ == "__main__":
    main()
