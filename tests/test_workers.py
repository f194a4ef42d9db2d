"""The worker processes: each photo gets a result, whatever happens to whoever looks at it."""

import contextlib
import errno
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing import synchronize
from pathlib import Path

import made_pictures
import pebble
import pytest
from conftest import ROOT, SLOW_WORKERS, Library, Ran, collect, picture, place
from made_pictures import CAT, COFFEE, SINGLES, encoded, photo

import config
import finder
from disk.files import ImageFile
from pictures import decode, limits, workers
from pictures.hashing import hash_file
from pictures.images import HashedImage, Unreadable
from pictures.looks import Look, View
from pictures.recipe import Recipe

pytestmark = pytest.mark.workers


def found_in(folder: Path) -> list[ImageFile]:
    return [file for file in finder.walk([str(folder)]) if isinstance(file, ImageFile)]


def mixed_folder(folder: Path) -> None:
    """Photos, and what only looks like some."""
    for number, name in enumerate(SINGLES):
        (folder / f"good{number}.jpg").write_bytes(picture(name))
    (folder / "good5.png").write_bytes(made_pictures.palette(photo(CAT)))
    (folder / "good6.tif").write_bytes(encoded(photo(CAT), "TIFF", save_all=True))
    (folder / "bad1.jpg").write_bytes(b"")
    (folder / "bad2.png").write_bytes(picture(CAT)[:2000])
    (folder / "bad3.gif").write_bytes(b"GIF89a" + b"\xff" * 500)
    (folder / "bad4.jpg").write_bytes(encoded(photo(CAT), "EPS"))


def hashed(folder: Path, workers: int) -> dict[str, HashedImage | Unreadable]:
    """The results by file name: exactly one for each photo."""
    files = found_in(folder)
    results = list(finder.hash_files(files, Recipe(), workers))
    assert Counter(result.file.path for result in results) == Counter(f.path for f in files)
    return {os.path.basename(result.file.path): result for result in results}


@pytest.mark.parametrize("workers", [1, 2])
def test_every_photo_found_is_hashed_or_unreadable(workers: int, tmp_path: Path) -> None:
    mixed_folder(tmp_path)
    results = hashed(tmp_path, workers)
    assert len(results) == 11
    for name, result in results.items():
        assert isinstance(result, HashedImage if name.startswith("good") else Unreadable), name


def test_workers_find_what_this_process_finds(tmp_path: Path) -> None:
    mixed_folder(tmp_path)
    for result in hashed(tmp_path, 2).values():
        assert hash_file(result.file, Recipe()) == result


def test_workers_keep_what_parts_are_cut_from_if_they_are_to(tmp_path: Path) -> None:
    place(tmp_path, "a.jpg")
    files = found_in(tmp_path)
    for parts in (False, True):
        (result,) = finder.hash_files(files, Recipe(parts=parts), 1)
        assert isinstance(result, HashedImage)
        assert result.look is not None
        assert (result.look.large is not None) == parts


def test_workers_keep_only_the_hash_if_no_more_is_wanted(tmp_path: Path) -> None:
    place(tmp_path, "a.jpg")
    files = found_in(tmp_path)
    (whole,) = finder.hash_files(files, Recipe(), 1)
    (alone,) = finder.hash_files(files, Recipe(only_hash=True), 1)
    assert isinstance(whole, HashedImage)
    assert whole.look is not None
    only = View(whole.look.views[0].hash, b"", False)
    assert alone == replace(whole, look=Look((only,), None, None, b""))


def test_no_photos_are_no_results(tmp_path: Path) -> None:
    assert hashed(tmp_path, 2) == {}


def test_a_picture_that_kills_its_worker_is_unreadable_and_the_others_are_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "HASH_FILE", "made_pictures:hash_or_die")
    for number in range(12):
        place(tmp_path, f"photo{number}.jpg")
    place(tmp_path, "exit.jpg", "segfault.jpg", "segfault2.jpg")
    results = hashed(tmp_path, 2)
    for name, result in results.items():
        assert isinstance(result, HashedImage if name.startswith("photo") else Unreadable), name
    reasons = [r.reason for r in results.values() if isinstance(r, Unreadable)]
    assert all(reason.startswith("it crashed the decoder") for reason in reasons)


def test_what_a_worker_raises_for_a_picture_makes_only_that_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "HASH_FILE", "made_pictures:hash_or_die")
    place(tmp_path, *(f"photo{n}.jpg" for n in range(6)), "starved.jpg")
    results = hashed(tmp_path, 2)
    starved = results.pop("starved.jpg")
    assert isinstance(starved, Unreadable)
    assert starved.reason == "it needs more than 700 MB of memory to be decoded"
    assert all(isinstance(result, HashedImage) for result in results.values())


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (AssertionError(), "no reason was given (AssertionError)"),
        (EOFError(" "), "no reason was given (EOFError)"),
        (OSError(), "no reason was given (OSError)"),
        (KeyError("tile"), "KeyError: 'tile'"),
        (ValueError("odd size"), "odd size"),
    ],
)
def test_a_reason_is_in_words(
    error: Exception, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gives_up(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(decode, "prepared", gives_up)
    place(tmp_path, "a.jpg")
    result = hash_file(ImageFile(str(tmp_path / "a.jpg"), 0, 0), Recipe())
    assert isinstance(result, Unreadable)
    assert result.reason == said


def test_a_png_without_the_palette_that_it_needs_says_so(tmp_path: Path) -> None:
    whole = encoded(photo(CAT).convert("P"), "PNG")
    place_of_palette = whole.index(b"PLTE") - 4
    length = 12 + int.from_bytes(whole[place_of_palette : place_of_palette + 4], "big")
    (tmp_path / "a.png").write_bytes(whole[:place_of_palette] + whole[place_of_palette + length :])
    result = hash_file(ImageFile(str(tmp_path / "a.png"), 0, 0), Recipe())
    assert isinstance(result, Unreadable)
    assert result.reason == "its palette is missing"


@pytest.mark.parametrize("name", ["locked", "taken"])
def test_a_worker_that_is_killed_with_the_lock_of_all_holds_nobody_up_for_long(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "HASH_FILE", "made_pictures:hash_or_die")
    monkeypatch.setattr(workers, "FILES_AT_A_TIME", 1)
    place(tmp_path, *(f"photo{n}.jpg" for n in range(60)), f"{name}.jpg")
    assert all(isinstance(result, HashedImage) for result in hashed(tmp_path, 2).values())


def seconds_of_lock() -> float:
    return float(pebble.CONSTS.channel_lock_timeout)


def test_a_worker_waits_for_the_lock_of_all_for_as_long_as_its_pool_says() -> None:
    """By itself pebble would wait for a minute, for a lock that a killed worker held."""
    with workers.started_pool(1, limits.FINDING) as started:
        assert started.schedule(seconds_of_lock).result() == limits.FINDING.lock < 60


def test_the_end_of_a_pool_is_none_for_the_workers_of_another() -> None:
    with workers.started_pool(1, limits.FINDING) as one:
        worker = one.schedule(os.getpid).result()
        with workers.started_pool(1, limits.FINDING) as other:
            assert other.schedule(os.getpid).result() != worker
        assert one.schedule(os.getpid).result() == worker


@pytest.mark.parametrize(("at_a_time", "hashed"), [(1, 9), (0, 0)])
def test_pools_may_break_as_often_as_they_like_while_something_comes_of_each(
    at_a_time: int, hashed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks_soon(waiting: workers._Waiting, *_: object) -> Iterator[Unreadable]:
        files = waiting.next()
        waiting.put_back(files[at_a_time:])
        yield from (Unreadable(file, "") for file in files[:at_a_time])

    monkeypatch.setattr(workers, "_work_in_pool", breaks_soon)
    came = []
    with contextlib.suppress(config.UserError):
        for result in finder.hash_files([ImageFile(str(n), 10, 0) for n in range(9)], Recipe(), 1):
            came.append(result.file.path)
    assert len(set(came)) == hashed


def test_what_a_pool_has_lost_is_hashed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the last task no other worker would notice that it is gone."""
    monkeypatch.setattr(finder, "HASH_FILE", "made_pictures:hash_or_die")
    monkeypatch.setattr(workers, "STILL_SECONDS", 4.0)
    place(tmp_path, "asleep.jpg")
    assert isinstance(hashed(tmp_path, 2)["asleep.jpg"], HashedImage)


def test_a_picture_that_takes_too_much_work_is_unreadable_and_the_others_are_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "HASH_FILE", "made_pictures:hash_or_die")
    monkeypatch.setattr(limits, "FINDING", replace(limits.FINDING, least=2.0))
    place(tmp_path, *(f"photo{n}.jpg" for n in range(6)), "endless.jpg")
    results = hashed(tmp_path, 2)
    slow = results.pop("endless.jpg")
    assert isinstance(slow, Unreadable)
    assert slow.reason == "it takes more than 2 seconds of processor time to decode"
    assert all(isinstance(result, HashedImage) for result in results.values())


def test_a_worker_that_has_to_wait_for_others_may_take_as_long_as_it_likes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine a worker waits for its turn, and works no more for that."""
    monkeypatch.setattr(finder, "HASH_FILE", "made_pictures:hash_or_die")
    monkeypatch.setattr(limits, "FINDING", replace(limits.FINDING, least=2.0))
    place(tmp_path, "waiting1.jpg", "waiting2.jpg")
    assert all(isinstance(result, HashedImage) for result in hashed(tmp_path, 2).values())


def test_a_worker_that_is_stopped_loses_nothing_and_holds_nobody_up_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "HASH_FILE", "made_pictures:hash_or_die")
    monkeypatch.setattr(workers, "SECONDS_BETWEEN_LOOKS", 0.5)
    monkeypatch.setattr(workers, "STILL_SECONDS", 4.0)
    place(tmp_path, *(f"photo{n}.jpg" for n in range(6)), "halted.jpg", "stopped.jpg")
    results = hashed(tmp_path, 2)
    still = results.pop("stopped.jpg")
    assert isinstance(still, Unreadable)
    assert still.reason == workers.STOOD_STILL_AGAIN
    assert all(isinstance(result, HashedImage) for result in results.values())


def test_a_worker_that_is_stopped_while_others_work_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "HASH_FILE", "made_pictures:hash_or_die")
    monkeypatch.setattr(limits, "FINDING", replace(limits.FINDING, clock=8.0))
    place(tmp_path, "halted.jpg")
    assert isinstance(hashed(tmp_path, 1)["halted.jpg"], HashedImage)


def test_what_went_wrong_twice_is_tried_once_more_while_nothing_else_is() -> None:
    bad, *others = (ImageFile(str(n), workers.BYTES_AT_A_TIME, 0) for n in range(3))
    waiting = workers._Waiting([bad, *others])
    assert waiting.next() == (bad,)
    assert waiting.try_again(bad, -9)
    assert waiting.next() == (bad,)
    assert waiting.try_again(bad, -9)  # for the end
    assert [waiting.next(nothing_else=False) for _ in range(3)] == [*((o,) for o in others), ()]
    assert waiting.next() == (bad,)
    assert not waiting.try_again(bad, -9)
    assert waiting.next() == ()


def test_photos_go_to_the_workers_together_and_very_large_ones_alone() -> None:
    sizes = [2_000_000, 3_000_000, 4_000_000, 9_000_000, 1, 0, *[10] * 20]
    waiting = workers._Waiting(ImageFile(str(n), size, 0) for n, size in enumerate(sizes))
    given = []
    while files := waiting.next():
        given.append([file.size for file in files])
    assert given == [[*sizes[:3]], [9_000_000], [1, 0], [10] * 16, [10] * 4]


def test_of_photos_that_went_wrong_together_each_gets_a_chance_alone() -> None:
    files = tuple(ImageFile(str(n), 10, 0) for n in range(3))
    waiting = workers._Waiting(files)
    waiting.put_back(waiting.next())
    assert [waiting.next() for _ in range(4)] == [(files[0],), (files[1],), (files[2],), ()]


def test_the_summary_counts_what_could_not_be_read(bare_library: Library) -> None:
    library = bare_library
    mixed_folder(library.photos)
    ran = library.run("find", "--json")
    facts = ran.facts
    assert ran.code == 1
    assert (facts["found"], facts["hashed"], len(facts["unreadable"])) == (11, 7, 4)
    bad = [os.path.basename(item["path"]) for item in facts["unreadable"]]
    assert bad == ["bad1.jpg", "bad2.png", "bad3.gif", "bad4.jpg"]
    logged = [line for line in library.log() if line.startswith("Unreadable file: ")]
    assert len(logged) == 4
    assert logged[0] == f"Unreadable file: {library.photos / 'bad1.jpg'}: the file is empty"


# ---- Ctrl-C


@pytest.fixture(scope="module")
def many_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So many large photos that hashing them takes a while."""
    folder = tmp_path_factory.mktemp("many")
    sizes = (4800, 3200)  # progressive ones are decoded whole, however few pixels are wanted
    large = [
        encoded(photo(n).resize(sizes), "JPEG", progressive=True, quality=40) for n in (CAT, COFFEE)
    ]
    for number in range(600):
        (folder / f"{number:03}.jpg").write_bytes(large[number % 2])
    return folder


def number_read() -> int:
    """How many photos the cache says were read."""
    file = next(Path(os.environ["XDG_CACHE_HOME"]).glob("**/*.sqlite"), None)
    if not file:
        return 0
    with contextlib.closing(sqlite3.connect(file)) as connection:
        tables = "SELECT count(*) FROM sqlite_master WHERE name = 'files'"
        if not connection.execute(tables).fetchone()[0]:
            return 0  # it was interrupted before it had any
        return int(connection.execute("SELECT count(*) FROM files").fetchone()[0])


def interrupted(photos: Path, output: Path, seconds: float, **environment: str) -> Ran:
    """Start find, press Ctrl-C some seconds after its beginning, and see it end.

    It is far from done then, and whatever it might wait for takes longer than it has here.
    """
    command = [sys.executable, str(ROOT / "main.py"), "--action", "find", "--workers", "2"]
    command += ["--input-dir", str(photos), "--output-dir", str(output)]
    said = output.with_suffix(".out"), output.with_suffix(".err")
    with said[0].open("wb") as out, said[1].open("wb") as err:
        # In a session of its own, so that the signal goes to all its processes, as in a terminal.
        process = subprocess.Popen(
            command, stdout=out, stderr=err, start_new_session=True, env=os.environ | environment
        )
    lock = output.with_name(f".{output.name}.lock")
    end = time.monotonic() + 120
    while not lock.exists():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.01)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)
    process.wait(timeout=120)
    assert number_read() < 300  # of 600
    assert not lock.exists()
    time.sleep(0.5)  # for what its workers may still have to say
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return Ran(process.returncode, said[0].read_text(), said[1].read_text())


INTERRUPTED = Ran(130, "", "Interrupted. Run the same command again to go on.\n")


@pytest.mark.parametrize("seconds", [0, 0.4, 1.5])
def test_ctrl_c_ends_find_at_once_with_one_line(
    seconds: float, many_photos: Path, tmp_path: Path
) -> None:
    """While the workers are started, or while they hash."""
    assert interrupted(many_photos, tmp_path / "output", seconds) == INTERRUPTED
    assert sorted(os.listdir(tmp_path)) == ["output.err", "output.out"]


# Read by Python before anything else: what is forked takes ten minutes to begin.
SLOW_FORKS = """
import os, time
os.register_at_fork(after_in_child=lambda: time.sleep(600))
"""


def test_ctrl_c_does_not_wait_until_a_slow_computer_has_started_the_workers(
    many_photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SLOW_FORKS)
    ran = interrupted(many_photos, tmp_path / "output", 1, PYTHONPATH=str(tmp_path))
    assert ran == INTERRUPTED


def run_find(output: Path, *before: str, **environment: str) -> Ran:
    """Find among the samples in a session of its own, until all its processes are gone."""
    command = [*before, sys.executable, str(ROOT / "main.py"), "--action", "find", "--dry-run"]
    command += [
        "--workers",
        "2",
        "--input-dir",
        str(made_pictures.SAMPLES),
        "--output-dir",
        str(output),
    ]
    ran = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        env=os.environ | environment,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def test_a_worker_that_still_starts_after_ctrl_c_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "pebble.py").write_text(SLOW_WORKERS)
    assert run_find(tmp_path / "output", PYTHONPATH=str(tmp_path)) == INTERRUPTED


def test_ctrl_c_while_modules_are_imported_prints_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "argparse.py").write_text("import os\nos.kill(os.getpid(), 2)\nos.getpid()\n")
    ran = run_find(tmp_path / "output", PYTHONPATH=str(tmp_path))
    assert ran == Ran(-signal.SIGINT, "", "")


CTRL_C_IN_A_DESTRUCTOR = """
import os, signal, sys, time
class Unlucky:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
Unlucky()
time.sleep(5)
"""


def test_ctrl_c_in_a_destructor_is_not_lost(tmp_path: Path) -> None:
    (tmp_path / "pebble.py").write_text(CTRL_C_IN_A_DESTRUCTOR)
    assert run_find(tmp_path / "output", PYTHONPATH=str(tmp_path)) == INTERRUPTED


# ---- What starts them

HELPERS = """
import os, sys, threading
from disk import system
held = open(sys.argv[1], "w")
if sys.argv[2:]:
    threading.Thread(target=threading.Event().wait, daemon=True).start()
context = system.fork_server((), ())
process = context.Process(target=os.getpid)
process.start()
process.join()
children = open(f"/proc/self/task/{os.getpid()}/children").read().split()
open_there = [os.readlink(entry) for n in children for entry in os.scandir(f"/proc/{n}/fd")]
named = [open(f"/proc/{n}/cmdline").read() for n in ("self", *children)]
print(process.exitcode, sys.argv[1] in open_there, [name == named[0] for name in named[1:]])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is forked")
@pytest.mark.parametrize("thread", [False, True])
def test_helpers_are_forked_off_unless_there_are_threads_and_hold_no_file_open(
    thread: bool, tmp_path: Path
) -> None:
    arguments = [str(tmp_path / "lock"), *(["thread"] if thread else [])]
    ran = subprocess.run(
        [sys.executable, "-c", HELPERS, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ran.stdout, ran.stderr) == (f"0 False {[not thread] * 2}\n", "")


# ---- Where processes can't be started


def limited(*options: str) -> tuple[str, ...]:
    return ("sh", "-c", f'ulimit {" ".join(options)}; exec "$@"', "sh")


@pytest.mark.parametrize("number", [10, 14, 18])
def test_too_few_open_files_are_said_in_one_line(number: int, tmp_path: Path) -> None:
    ran = run_find(tmp_path / "output", *limited("-n", str(number)))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: worker processes can't be started: ")
    assert "ulimit -n" in ran.err
    assert ran.err.count("\n") == 1


def test_no_room_for_semaphores_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(synchronize._multiprocessing, "SemLock", refuses)
    place(tmp_path, "a.jpg")
    message = "worker processes can't be started: No space left on device; .*/dev/shm"
    with pytest.raises(config.UserError, match=message):
        hashed(tmp_path, 2)


def test_workers_start_however_long_the_path_of_temporary_files_is(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 25)
    folder.mkdir()
    ran = run_find(tmp_path / "output", TMPDIR=str(folder))
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize("odd", ["broken EXIF data", "a broken TIFF"])
def test_the_messages_of_decoders_stay_off_the_terminal(odd: str, library: Library) -> None:
    if odd == "broken EXIF data":  # of which Pillow warns
        data = encoded(photo(CAT), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    else:  # of which its library in C complains
        data = encoded(photo(CAT), "TIFF", compression="tiff_lzw")
        data = data[:3000] + b"\xff" * (len(data) - 6000) + data[-3000:]
    (library.photos / "odd.jpg").write_bytes(data)
    ran = collect(library.start("find"))
    assert ran.err == ""
    assert ("Unreadable files (1):" in ran.out) == (odd == "a broken TIFF")
