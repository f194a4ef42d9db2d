"""How the program begins, or says in one line why it can't."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, Ran

VERSIONS = Path.home() / ".pyenv" / "versions"
OLD = [path for minor in (6, 7, 8, 9, 10) for path in VERSIONS.glob(f"3.{minor}.*/bin/python")]
BEGIN = "import runpy, sys; sys.path.insert(0, {root!r}); sys.argv = ['main.py', *sys.argv[1:]]\n"
RUN = "runpy.run_path({main!r}, run_name='__main__')\n"


def begun(before: str, *flags: str) -> Ran:
    """What the program says where some code has changed what Python is."""
    begin, run = (part.format(root=str(ROOT), main=str(ROOT / "main.py")) for part in (BEGIN, RUN))
    command = [sys.executable, "-c", begin + before + "\n" + run, *flags]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def test_an_older_python_can_read_main_py() -> None:
    ast.parse((ROOT / "main.py").read_text("utf-8"), feature_version=(3, 6))


def test_an_older_python_is_told_which_one_is_needed() -> None:
    ran = begun("sys.version_info = (3, 8, 18)", "--action", "find")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "error: this needs Python 3.11 or newer, and this is 3.8; make .venv anew by a newer one, "
        "as in python3.12 -m venv --clear .venv\n"
    )


@pytest.mark.parametrize("python", OLD, ids=str)
def test_a_real_older_python_says_so(python: Path) -> None:
    command = [str(python), str(ROOT / "main.py"), "--action", "find"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: this needs Python 3.11 or newer, and this is 3.")
    assert len(ran.stderr.splitlines()) == 1


def test_an_older_python_installs_no_package_in_vain() -> None:
    """For pip would say in forty lines which versions of which package it didn't find."""
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    packages = [line for line in lines if not line.startswith("#")]
    assert packages
    assert all(line.endswith('; python_version >= "3.11"') for line in packages)


def test_windows_is_told_of_wsl() -> None:
    windows = "sys.platform = 'win32'\nfor n in ('fcntl', 'resource'): sys.modules[n] = None"
    ran = begun(windows, "--action", "find", "--json")
    assert ran.code == 2
    said = "this needs Linux or macOS; on Windows run it in WSL (wsl --install sets that up)."
    assert ran.err == f"error: {said}\n"
    assert json.loads(ran.out) == {"schema": 1, "exit": 2, "error": said}
