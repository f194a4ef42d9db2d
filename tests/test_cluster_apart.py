"""What a find on a cluster says where workers or the program there are missing, and at Ctrl-C."""

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from conftest import ROOT, SAMPLES, Library
from made_cluster import cluster_apart, end_worker, end_worker_once, no_task

pytest.importorskip("distributed", reason="pip install -r extras/cluster/requirements.txt")
pytest.importorskip("pyarrow", reason="pip install -r extras/cluster/requirements.txt")

import psutil
from distributed import Client

from config import UserError
from extras.cluster import running
from extras.cluster.files import Work


@pytest.mark.workers
def test_without_a_worker_a_find_says_so_and_ends_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(running, "SECONDS_BETWEEN_LOOKS", 0.2)
    monkeypatch.setattr(running, "SECONDS_UNTIL_SAID", 0.4)
    monkeypatch.setattr(running, "MINUTES_WITHOUT", 0.02)
    ended = "no worker answered for 0.02 minutes; start workers and run it again"
    tasks = [("deadly", end_worker, (Work(str(tmp_path)),))]
    with cluster_apart(tmp_path) as apart, running._client(1, apart.address) as client:  # noqa: SIM117
        with pytest.raises(UserError, match=ended):
            list(running.done_by(client)(tasks))
    assert capsys.readouterr().err == "No worker answers: waiting 0.02 minutes for one.\n"


@pytest.mark.workers
def test_a_find_without_a_worker_goes_on_once_another_one_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "SECONDS_BETWEEN_LOOKS", 0.2)
    monkeypatch.setattr(running, "SECONDS_UNTIL_SAID", 0.4)
    with cluster_apart(tmp_path) as apart, running._client(1, apart.address) as client:
        monkeypatch.setattr(running, "print_line", lambda *_: apart.add_worker())
        done = running.done_by(client)([("once", end_worker_once, (Work(str(tmp_path)),))])
        assert list(done) == [("once", 7)]


@pytest.mark.workers
@pytest.mark.parametrize("which", ["the scheduler", "a worker"])
def test_a_cluster_without_the_program_is_refused_with_the_remedy(
    which: str, tmp_path: Path
) -> None:
    (folder := tmp_path / "elsewhere").mkdir()
    programs = (folder, ROOT) if which == "the scheduler" else (ROOT, folder)
    refused = f"{which} can't load this program: No module named .*; start the .* -m dask in the"
    with cluster_apart(tmp_path, *programs) as apart:
        with pytest.raises(UserError, match=refused), running._client(1, apart.address):
            pass
        if which == "the scheduler":  # which may come to lack it later
            with Client(apart.address) as client, pytest.raises(UserError, match=refused):
                list(running.done_by(client)([("a", no_task, (Work(str(tmp_path)),))]))


@pytest.mark.workers
@pytest.mark.parametrize("which", ["scheduler", "worker"])
def test_whoever_does_not_answer_is_waited_for_in_vain_for_a_while_alone(
    which: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cluster_apart(tmp_path) as apart, running._client(1, apart.address) as client:
        stopped = getattr(apart, which)
        stopped.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(UserError, match=r"(scheduler|worker) doesn't answer: "):
                running._check_program(client, 1)
            if which == "scheduler":
                monkeypatch.setattr(running, "SECONDS", 0.5)
                assert running._workers_of(client) == 0
        finally:
            stopped.send_signal(signal.SIGCONT)


KILLED = """
import os, multiprocessing
from extras.cluster import running
running._start_tracker()
left = multiprocessing.get_context("spawn").Semaphore()
os.kill(os.getpid(), 9)
"""


def test_what_a_killed_worker_leaves_is_removed_without_a_word(library: Library) -> None:
    out, err = library.start_python(KILLED).communicate(timeout=60)
    assert (out, err) == ("", "")


def has_workers(number: int) -> bool:
    """Whether a process has begun to start a worker."""
    children = psutil.Process(number).children()
    with contextlib.suppress(psutil.Error):  # one may end meanwhile
        return any("spawn_main" in " ".join(child.cmdline()) for child in children)
    return False


@pytest.fixture(scope="module")
def many_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So many photos that other tasks hash them still when the first has."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(480):
        shutil.copy(SAMPLES / "2024" / "cat.jpg", folder / f"{number}.jpg")
    return folder


@pytest.mark.workers
@pytest.mark.parametrize("moment", ["workers", "photos"])
@pytest.mark.parametrize("ending", ["SIGINT", "SIGTERM"])
def test_ctrl_c_ends_a_find_by_dask_in_one_line(
    ending: str, moment: str, many_photos: Path, library: Library
) -> None:
    """While the workers start, or hash; none is left, as it would hold stderr."""
    work = library.folder / "work"
    flags = ("--input-dir", str(many_photos), "--dry-run", "--engine", "dask", "--work", str(work))
    process = library.start("find", *flags, start_new_session=True)
    end = time.monotonic() + 60
    while not (has_workers(process.pid) if moment == "workers" else [*work.glob("photos*")]):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.01)
    send = os.killpg if ending == "SIGINT" else os.kill  # a terminal tells all of its processes
    send(process.pid, signal.Signals[ending])
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err == "Interrupted. Run the same command again to go on.\n"
