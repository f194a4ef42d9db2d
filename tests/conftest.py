"""Shared by the tests: a folder tree of real photos, and ways to run the program on it."""

import contextlib
import functools
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# NumPy asks for it when it is imported; in small pictures its threads wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pebble
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "tests" / "samples"
# The program without its extras.
FOLDERS = ("actions", "disk", "pictures")
CORE = sorted([*ROOT.glob("*.py"), *(p for f in FOLDERS for p in ROOT.glob(f"{f}/**/*.py"))])
sys.path.insert(0, str(ROOT))

import made_previews  # noqa: E402
from stand_in import ONE_BY_ONE, sheet_of  # noqa: E402

import main  # noqa: E402
from actions import find, find_sheet  # noqa: E402
from actions.table import BASE  # noqa: E402
from disk import signature, system  # noqa: E402
from disk.result import OutputPaths  # noqa: E402
from pictures import formats  # noqa: E402

# The same examples each time; others come with --hypothesis-profile=random.
settings.register_profile(
    "suite", suppress_health_check=[HealthCheck.too_slow], deadline=None, derandomize=True
)
settings.register_profile("random", suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile("suite")


def pytest_xdist_auto_num_workers() -> int:
    """Two a core, as many tests wait for processes that they have started."""
    return 2 * len(os.sched_getaffinity(0))


def copy_core(folder: Path) -> None:
    """Copy the program without its extras into a folder."""
    for path in CORE:
        place = folder / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)


@dataclass(frozen=True)
class Ran:
    """What a run of the program gave."""

    code: int
    out: str
    err: str

    @property
    def facts(self) -> dict[str, Any]:
        facts = json.loads(self.out)
        assert isinstance(facts, dict)
        return facts


@functools.cache
def picture(sample: str, quality: int = 0, suffix: str = ".jpg") -> bytes:
    """A sample photo, or a copy of it that is saved anew and so has other bytes."""
    if not quality:
        return (SAMPLES / sample).read_bytes()
    data = io.BytesIO()
    with Image.open(SAMPLES / sample) as image:
        image.convert("RGB").save(
            data, Image.registered_extensions()[suffix.lower()], quality=quality
        )
    return data.getvalue()


def tree(folder: Path) -> dict[str, bytes]:
    """Everything below a folder: relative path -> content, link target or b"<folder>"."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            content = b"-> " + os.fsencode(os.readlink(path))
        else:
            content = path.read_bytes() if path.is_file() else b"<folder>"
        found[str(path.relative_to(folder))] = content
    return found


def restore(backup: Path, folder: Path) -> None:
    """Bring a folder back to what it was; times included."""
    shutil.rmtree(folder)
    shutil.copytree(backup, folder, symlinks=True)


def place(folder: Path, *names: str | bytes) -> None:
    """Put the same small photo into a folder under some names."""
    for name in names:
        path = os.path.join(os.fsencode(folder), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copy(SAMPLES / "phone" / "cat_small.jpg", path)


class Library:
    """Photos in a folder and the output folder beside it, as a person would have them."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.photos = folder / "photos"
        self.output = folder / "output"
        self.photos.mkdir()
        self.processes: list[subprocess.Popen[str]] = []
        self._capsys = capsys

    def add(self, name: str, sample: str = "2024/cat.jpg", quality: int = 0) -> Path:
        path = self.photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(sample, quality, path.suffix))
        return path

    def arguments(self, action: str, *flags: str) -> list[str]:
        """The command line of an action on this library; flags that come later win."""
        given = ["--action", action, "--output-dir", str(self.output), *flags]
        if "--input-dir" not in flags:
            given += ["--input-dir", str(self.photos)]
        if "--delete-mode" not in flags and action in BASE:
            given += ["--delete-mode", "permanent"]
        return given if action in ONE_BY_ONE else [*given, "--workers", "1"]

    def run(self, action: str, *flags: str) -> Ran:
        return self.run_exactly(*self.arguments(action, *flags))

    def run_exactly(self, *arguments: str) -> Ran:
        self._capsys.readouterr()
        code = main.main(arguments)
        captured = self._capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    def start(self, action: str, *flags: str, **options: Any) -> "subprocess.Popen[str]":
        """Start an action as a process of its own."""
        return self._started([str(ROOT / "main.py"), *self.arguments(action, *flags)], options)

    def start_python(self, script: str) -> "subprocess.Popen[str]":
        """Start some code of the program's modules as a process of its own."""
        return self._started(["-c", script], {"cwd": ROOT})

    def _started(self, arguments: list[str], options: Any) -> "subprocess.Popen[str]":
        command = [sys.executable, *arguments]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(command, text=True, **{**pipes, **options})
        self.processes.append(process)
        return process

    def find(self, *flags: str) -> Ran:
        ran = self.run("find", *flags)
        assert ran.code == 0, ran
        return ran

    def check(self, *flags: str) -> Ran:
        return self.run("check-deleted", *flags)

    def cleanup(self, *flags: str) -> Ran:
        return self.run("cleanup", *flags)

    def info(self) -> dict[str, str]:
        info = json.loads((self.output / "info.txt").read_text("utf-8"))
        assert isinstance(info, dict)
        return info

    def copy(self, name: str) -> Path:
        """The copy of the original with this name."""
        return Path(self.info()[str(self.photos / name)])

    def delete_copies(self, *names: str) -> None:
        for name in names:
            self.copy(name).unlink()

    @property
    def paths(self) -> OutputPaths:
        """The output folder and the files of ours in it, by the names that they have by default."""
        names = ("info.txt", "to_delete.txt", "log.txt")
        return OutputPaths(str(self.output), *(str(self.output / name) for name in names))

    @property
    def list_file(self) -> Path:
        return self.output / "to_delete.txt"

    def listed(self) -> list[str]:
        """The names of the originals in to_delete.txt, which must have plain paths."""
        lines = self.list_file.read_text("utf-8").splitlines()
        return [str(Path(line).relative_to(self.photos)) for line in lines]

    def log(self) -> list[str]:
        return (self.output / "log.txt").read_text("utf-8").splitlines()

    def names(self) -> list[str]:
        """The names of all photos that are there now."""
        return sorted(str(p.relative_to(self.photos)) for p in self.photos.rglob("*"))


class Small(Library):
    """A library of stand-ins for photos: those of one letter are similar."""

    def add_some(self, *names: str) -> None:
        import stand_in

        for name in names:
            shows, content = name.encode()[:1] * 16, name.encode() * 100
            (self.photos / name).write_bytes(stand_in.photo(shows, content))

    def run_exactly(self, *arguments: str) -> Ran:
        import stand_in

        self._capsys.readouterr()
        code = stand_in.main([*arguments, *stand_in.by_hash_alone(arguments)])
        captured = self._capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    def files(self) -> dict[str, int]:
        """Which file each copy is, by the name of its original."""
        return {os.path.basename(o): os.stat(copy).st_ino for o, copy in self.info().items()}


def collect(process: "subprocess.Popen[str]", timeout: float = 120) -> Ran:
    """Wait for a process; it is ended if it takes too long."""
    try:
        out, err = process.communicate(timeout=timeout)
    finally:
        process.kill()
        process.wait()
    return Ran(process.returncode, out, err)


# ---- Runs that are killed


class Killed(BaseException):
    """The process is dead."""


def killed_when(dies: Callable[[], bool], library: Library, action: str, *flags: str) -> bool:
    """Run an action that is asked before each change to the library's disk whether it dies.

    From then on it changes nothing, as if its process were gone. Returns whether it died.
    """
    dead = False

    def deadly(change: Callable[..., Any]) -> Callable[..., Any]:
        def changes(path: Any, *args: Any, **options: Any) -> Any:
            nonlocal dead
            # The kernel frees the lock of a dead process; its file is not what counts.
            if str(path).startswith(str(library.folder)) and not str(path).endswith(".lock"):
                dead = dead or dies()
                if dead:
                    raise Killed
            return change(path, *args, **options)

        return changes

    with pytest.MonkeyPatch.context() as monkeypatch:
        for name in ("mkdir", "rename", "replace", "unlink", "rmdir", "link", "utime"):
            monkeypatch.setattr(os, name, deadly(getattr(os, name)))
        with contextlib.suppress(Killed):
            assert library.run(action, *flags).code == 0
    return dead


class PoolHere:
    """As pebble's pool, but what is scheduled is done at once, in this process."""

    active = True
    _pool_manager_loop = None
    _pool_manager = SimpleNamespace(worker_manager=SimpleNamespace(workers={}))

    def __init__(self, **_: object) -> None:
        pass

    def schedule(
        self, function: Callable[..., Any], args: Iterable[Any], timeout: float
    ) -> "Future[Any]":
        assert timeout > 0
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args))
        except Exception as error:  # noqa: BLE001 - the pool hands over whatever it is
            future.set_exception(error)
        return future

    def stop(self) -> None:
        pass

    def join(self, timeout: float = 0) -> None:
        pass


# As pebble.py, in whose place it is imported: the first worker that starts presses Ctrl-C.
SLOW_WORKERS = """
import contextlib, functools, os, signal, sys, time
folder = os.path.dirname(__file__)
sys.path.remove(folder)
del sys.modules["pebble"]
import pebble
import pebble.pool.process as pool
sys.path.insert(0, folder)
works, starts = pool.worker_process, pebble.ProcessPool.active.fget
@functools.wraps(works)
def worker_process(*arguments):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as a slow computer hands it over late
    with contextlib.suppress(FileExistsError):
        os.mkdir(os.path.join(folder, "pressed"))
        os.killpg(0, signal.SIGINT)
        os.mkdir(os.path.join(folder, "sent"))
    time.sleep(1)
    works(*arguments)
def active(started):  # however fast the rest goes, it is pressed while they start
    is_active, end = starts(started), time.monotonic() + 60
    while not os.path.exists(os.path.join(folder, "sent")) and time.monotonic() < end:
        time.sleep(0.01)
    return is_active
pool.worker_process, pebble.ProcessPool.active = worker_process, property(active)
"""


# ---- Fixtures

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--no-sandbox --headless --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A browser for all tests that need one; each opens pages in a context of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty folder for the cache, never the user's own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def state_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the key that signs results, never the user's own; results are kept as long."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(autouse=True)
def own_key(state_home: Path) -> Iterator[None]:
    """A user with a key, also after a test has undone what it patched."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_STATE_HOME", str(state_home))
        signature.make_key()
        # Of what others did in libraries of the same path a test knows nothing.
        for folder in state_home.glob("*/reviewed"):
            shutil.rmtree(folder)
        for journal in state_home.glob("*/cleanup-*"):
            journal.unlink()
        yield


@pytest.fixture
def someone_else(tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """When called, the program is from then on run by another user, or in a new home."""
    state = tmp_path / "state of another"
    with pytest.MonkeyPatch.context() as environment:

        def becomes() -> Path:
            environment.setenv("XDG_STATE_HOME", str(state))
            return state

        yield becomes


@pytest.fixture(autouse=True)
def data_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty folder for the trash, never the user's own."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_DATA_HOME", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def no_packages_for_formats(request: pytest.FixtureRequest) -> Iterator[None]:
    """Read what Pillow reads alone, where no mark asks for what may be installed besides."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        if not request.node.get_closest_marker("formats"):
            monkeypatch.setattr(formats, "has_module", lambda _: False)
        yield


@pytest.fixture(scope="session", autouse=True)
def work_without_end() -> Iterator[None]:
    """What a picture may take is counted in workers; in this process it would end the tests."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(system, "allow_cpu", lambda _: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def no_stale_bytecode() -> Iterator[None]:
    """What the tests start reads a config.py anew that is edited twice within a second."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONDONTWRITEBYTECODE", "1")
        yield


@pytest.fixture(autouse=True)
def what_takes_longest(request: pytest.FixtureRequest) -> Iterator[None]:
    """Start no workers and draw no contact sheet here, where neither a mark nor a browser asks."""

    def wanted(mark: str) -> bool:
        return bool(request.node.get_closest_marker(mark)) or "browser" in request.fixturenames

    with pytest.MonkeyPatch.context() as monkeypatch:
        if not wanted("sheet"):
            monkeypatch.setattr(find, "sheets", lambda *_, **__: sheet_of)
        if not wanted("workers"):
            monkeypatch.setattr(pebble, "ProcessPool", PoolHere)
            monkeypatch.setattr(system, "fork_server", lambda *_: None)
        # What one test has changed here would go on in the workers of the next.
        monkeypatch.setattr(system, "_may_fork", lambda: False)
        yield


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where libraries are kept, so that tests can begin after a find without running one."""
    return Path(os.path.realpath(tmp_path_factory.mktemp("shelf")))


def make_once(library: Library, kept: Path, make: Callable[[], object]) -> None:
    """Fill a library, or bring back what it was filled with the first time."""
    if kept.exists():
        restore(kept, library.folder)
    else:
        make()
        shutil.copytree(library.folder, kept)


@pytest.fixture
def bare_library(shelf: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Library]:
    """No photos yet. Always the same path, as results hold absolute paths."""
    folder = shelf / "home"
    folder.mkdir()
    library = Library(folder, capsys)
    yield library
    for process in library.processes:
        if process.returncode is None:  # the test failed before it was collected
            process.kill()
            process.communicate()
    shutil.rmtree(folder)


OLD = ("a1.jpg", "a2.jpg", "b1.jpg", "b2.jpg")


@pytest.fixture
def small(bare_library: Library) -> Small:
    """Two groups of two stand-ins, after find."""
    library = Small.__new__(Small)
    library.__dict__.update(bare_library.__dict__)
    library.add_some(*OLD)
    library.find()
    return library


@pytest.fixture
def library(bare_library: Library) -> Library:
    """Three vacation photos that are one group, two coffees that are another, and the stars."""
    bare_library.add("vacation1.jpg")
    bare_library.add("vacation1_copy.jpg", quality=70)
    bare_library.add("vacation1_old.jpg", quality=40)
    bare_library.add("z_coffee.jpg", "2024/coffee.jpg")
    bare_library.add("z_coffee_bw.jpg", "edited/coffee_bw.jpg")
    bare_library.add("z_stars.jpg", "2023/stars.jpg")
    return bare_library


@pytest.fixture
def found(library: Library, shelf: Path) -> Library:
    """The library after find, with a contact sheet if this test has one."""
    drawn = "a stand-in" if find.sheets is not find_sheet.sheets else "a sheet"
    make_once(library, shelf / f"found with {drawn}", library.find)
    return library


@pytest.fixture
def culled(found: Library) -> Library:
    """The library after find, with two vacation copies deleted and listed in to_delete.txt."""
    found.delete_copies("vacation1_copy.jpg", "vacation1_old.jpg")
    assert found.check().code == 0
    return found


@pytest.fixture
def large_photos(bare_library: Library) -> Library:
    made_previews.fill(bare_library)
    return bare_library


@pytest.fixture
def with_previews(large_photos: Library, shelf: Path) -> Library:
    """The library after find, with previews in its folders."""
    make_once(large_photos, shelf / "previews", lambda: large_photos.find(*made_previews.PREVIEW))
    return large_photos
