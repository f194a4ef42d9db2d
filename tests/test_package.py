"""The installed package: what is in the wheel, and the workflow with nothing else of the clone."""

import contextlib
import os
import signal
import subprocess
import sys
import tomllib
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import CORE, ROOT, picture

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
NAME = "image_similarity_search"
# One with packages of its own, which .ci/run makes where python3 is older.
NEWER = ROOT / ".venv-models" / "bin" / "python"


# ---- What the files say


OLDEST = "; python_version >= '3.11'"  # which the package says once for all


def rows(path: Path) -> set[str]:
    """The packages of a requirements file, in one spelling."""
    lines = path.read_text("utf-8").splitlines()
    wanted = (line.replace('"', "'") for line in lines if line and not line.startswith("#"))
    return {line.removesuffix(OLDEST) for line in wanted}


def test_the_package_needs_what_requirements_txt_says() -> None:
    assert set(PROJECT["dependencies"]) == rows(ROOT / "requirements.txt")


def test_the_extras_of_the_package_are_those_of_the_folder() -> None:
    extras = dict(PROJECT["optional-dependencies"])
    assert set(extras.pop("cluster")) == rows(ROOT / "extras" / "cluster" / "requirements.txt")
    assert extras.pop("all") == [f"image-similarity-search[{','.join(extras)}]"]
    assert set().union(*extras.values()) == rows(ROOT / "extras" / "requirements.txt")


def test_the_version_stands_in_one_place() -> None:
    assert "version" in PROJECT["dynamic"]
    assert "version" not in PROJECT


# ---- The wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without a network."""
    pytest.importorskip("hatchling", reason="pip install -r tests/requirements.txt")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (made,) = folder.glob("*.whl")
    return made


def needed() -> set[str]:
    """The files without which some action or page would miss something."""
    folders = (ROOT / "extras", ROOT / "tests/samples")
    files = {*CORE, *(path for folder in folders for path in folder.rglob("*") if path.is_file())}
    names = {str(path.relative_to(ROOT)) for path in files if path.suffix != ".pyc"}
    return {name for name in names if not name.startswith("extras/review/pictures/")}


def test_the_wheel_has_all_that_the_program_needs_in_one_folder(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = [name for name in packed.namelist() if ".dist-info/" not in name]
    assert set(names) == {f"{NAME}/{path}" for path in needed()}


# ---- The workflow


PYTHONS = [Path(sys.executable), NEWER]


@pytest.fixture(scope="module", params=PYTHONS, ids=["this Python", "a newer Python"])
def command(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The command as pip installs it, for each Python with packages here."""
    python: Path = request.param
    if not python.exists():
        pytest.skip("no second Python with packages here; .ci/run makes one (.venv-models)")
    home = tmp_path_factory.mktemp("installed")
    subprocess.run([python, "-m", "venv", "--without-pip", home], check=True, timeout=120)
    packages = asked(python, "import sys; print(*(p for p in sys.path if 'packages' in p))")
    place = asked(home / "bin" / "python", "import sysconfig; print(sysconfig.get_path('purelib'))")
    Path(place, "packages.pth").write_text("\n".join(packages.split()) + "\n")
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    pip += ["--python", str(home / "bin" / "python"), "install", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--no-compile", wheel], check=True, timeout=120)
    return home / "bin" / "image-similarity-search"


def asked(python: Path, question: str) -> str:
    ran = subprocess.run([python, "-c", question], check=True, capture_output=True, text=True)
    return ran.stdout.strip()


class User:
    """A person with a home of their own, who types the command in an empty folder."""

    def __init__(self, command: Path, home: Path) -> None:
        self.command, self.home = command, home
        self.here = home / "empty"
        self.here.mkdir(parents=True)
        mine = {name: str(home / name) for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
        mine |= {name: str(home / name) for name in ("XDG_STATE_HOME", "XDG_DATA_HOME")}
        self.environment = {**os.environ, **mine, "HOME": str(home), "COLUMNS": "200"}
        self.environment.pop("PYTHONPATH", None)

    def starts(self, action: str, *flags: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [self.command, "--action", action, *flags],
            cwd=self.here,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def runs(self, action: str, *flags: str) -> str:
        with self.starts(action, *flags) as process:
            said, errors = process.communicate(timeout=120)
        assert process.returncode == 0, (said, errors)
        return said


@contextlib.contextmanager
def page(user: User) -> Iterator[str]:
    """The address of the review's page, while it is served."""
    with user.starts("review", "--no-browser") as process:
        assert process.stdout
        lines = iter(process.stdout.readline, "")
        try:
            yield next(word for line in lines for word in line.split() if word.startswith("http"))
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


def test_without_a_config_the_samples_are_grouped_in_the_current_folder(
    command: Path, tmp_path: Path
) -> None:
    user = User(command, tmp_path / "home")
    said = user.runs("find", "--dry-run", "--workers", "1")
    assert "3 groups of similar pictures: 10 in all." in said
    told = user.runs("find", "--help")
    assert "image-similarity-search --action find" in told
    assert "../tests/samples" not in told


def test_without_a_config_the_next_command_names_the_folder_of_the_result(
    command: Path, tmp_path: Path
) -> None:
    user = User(command, tmp_path / "home")
    said = user.runs("find", "--workers", "1")
    assert f"--action check-deleted --output-dir {user.here / 'output'}\n" in said


def test_the_workflow_works_from_the_wheel_with_the_users_config(
    command: Path, tmp_path: Path
) -> None:
    user = User(command, tmp_path / "home")
    settings = user.home / "XDG_CONFIG_HOME" / "image-similarity-search"
    photos = settings / "photos"
    photos.mkdir(parents=True)
    (settings / "config.py").write_text('INPUT_DIR = "photos"\nDELETE_MODE = "permanent"\n')
    for name, quality in (("a", 0), ("b", 70), ("c", 40)):
        (photos / f"{name}.jpg").write_bytes(picture("2024/cat.jpg", quality))
    user.runs("find", "--workers", "2")
    copies = sorted((user.here / "output" / "1").iterdir())
    assert [copy.name[-5:] for copy in copies] == ["a.jpg", "b.jpg", "c.jpg"]
    with page(user) as address, urllib.request.urlopen(address, timeout=60) as answer:
        assert answer.status == 200
        assert b"<title>" in answer.read()
    copies[1].unlink()
    user.runs("check-deleted")
    user.runs("cleanup")
    assert sorted(path.name for path in photos.iterdir()) == ["a.jpg", "c.jpg"]


def completed(line: str, tmp_path: Path) -> set[str]:
    """What a shell would offer behind a command line."""
    pytest.importorskip("argcomplete", reason="pip install -r extras/requirements.txt")
    answer = tmp_path / "answer"
    asked = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\n", "COMP_POINT": str(len(line))}
    asked |= {"COMP_LINE": line, "_ARGCOMPLETE_STDOUT_FILENAME": str(answer)}
    command = [sys.executable, "-c", "from extras.installed import main; main()"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **asked}, check=True, timeout=60)
    return {word.strip() for word in answer.read_text("utf-8").splitlines()}


def test_a_shell_completes_actions_options_and_values(tmp_path: Path) -> None:
    command = "image-similarity-search --action "
    assert completed(f"{command}re", tmp_path) == {"restore", "review"}
    assert completed(f"{command}suggest --ap", tmp_path) == {"--apply"}
    assert completed(f"{command}find --ap", tmp_path) == set()
    assert completed(f"{command}find --preset c", tmp_path) == {"copies", "crops"}
