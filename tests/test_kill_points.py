"""A sample of the runs that are killed or fail at a system call; all: tests/kill_points.py."""

import os
import shutil
import subprocess
from pathlib import Path

import kill_points
import pytest

import finder

EVERY = 23


def why_not() -> str:
    """Why runs can't be traced here; nothing if they can."""
    if not shutil.which("strace"):
        return "needs strace (Debian: apt-get install strace)"
    inject = ["-e", "trace=mkdir", "-e", "inject=mkdir:error=EIO"]
    traced = subprocess.run(["strace", *inject, "true"], capture_output=True, check=False)
    return "" if traced.returncode == 0 else "strace may not trace here"


@pytest.mark.skipif(bool(why_not()), reason=why_not())
@pytest.mark.parametrize("scenario", [scenario.name for scenario in kill_points.SCENARIOS])
def test_an_action_killed_or_failing_at_a_system_call_loses_nothing(
    scenario: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "hash_files", finder.hash_files)  # is replaced by the stand-in
    place = Path(os.path.realpath(tmp_path))
    ((_, points, tried, wrong),) = kill_points.try_points(
        place, EVERY, lambda each: each.name == scenario, all_ways=False
    )
    assert wrong == []
    assert points > 4
    assert tried
