"""Copies that are made two at a time: in order, of their own names, and stopped at any moment."""

import os
import signal
import threading
from pathlib import Path

import pytest
from conftest import ROOT, Small, collect, tree

from disk import copying
from disk.at_once import in_order
from disk.inspection import PARTIALS

AT_ONCE = ("--workers", "2")


def test_what_is_done_at_once_comes_in_order() -> None:
    two = threading.Barrier(2, timeout=60)

    def meet(number: int) -> int:
        two.wait()  # for another one, so that one after the other would never end
        return number

    assert list(in_order(meet, range(8), 2)) == [*range(8)]


def test_one_after_the_other_is_done_by_who_asks() -> None:
    done_by = list(in_order(lambda _: threading.current_thread(), range(2), 1))
    assert done_by == [threading.current_thread()] * 2


def test_who_stops_waits_for_what_was_begun_and_no_more_is() -> None:
    begun, ended, first = [], [], threading.Event()

    def work(number: int) -> None:
        begun.append(number)
        if number:
            first.wait(60)
        ended.append(number)

    working = in_order(work, range(100), 2)
    next(working)
    stopping = threading.Timer(0.05, first.set)
    stopping.start()
    working.close()
    assert sorted(begun) == sorted(ended)
    assert len(begun) < 6


def test_an_error_comes_out_and_ends_it() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise KeyboardInterrupt
        return number

    done, threads = [], threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        done.extend(in_order(work, range(9), 2))
    assert threading.active_count() == threads
    assert done == [*range(len(done))]


def test_of_two_copies_that_the_disk_takes_for_one_only_one_gets_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two, target = threading.Barrier(2), str(tmp_path / "a.jpg")
    lexists = os.path.lexists

    def looked(path: str) -> bool:
        found = lexists(path)
        try:
            two.wait(0.1)  # both have looked before one is renamed, if that can be
        except threading.BrokenBarrierError:
            two.reset()
        return found

    def rename(name: str) -> str:
        (tmp_path / name).write_text(name)
        try:
            copying.rename_new(str(tmp_path / name), target)
        except OSError as error:
            return str(error)
        return "renamed"

    monkeypatch.setattr(os.path, "lexists", looked)
    said = list(in_order(rename, ["one", "other"], 2))
    assert sorted(said) == ["another copy has its name in this file system", "renamed"]


def test_two_at_a_time_make_the_same_result(small: Small) -> None:
    small.add_some(*(f"{letter}{n}.jpg" for letter in "cdef" for n in range(6)))
    small.output = small.folder / "another"
    small.find()
    one_by_one = tree(small.output)
    one_by_one.pop("log.txt")
    small.output.rename(small.folder / "before")
    small.run_exactly(*small.arguments("find"), *AT_ONCE)
    at_once = tree(small.output)
    at_once.pop("log.txt")
    assert at_once == one_by_one


STOPPED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
import stand_in
from disk import system
real, calls = system.copy_permissions, []
def copy_permissions(*files):
    calls.append(files)
    if len(calls) == 3:
        os.kill(os.getpid(), {number})
    real(*files)
system.copy_permissions = copy_permissions
sys.exit(stand_in.main({arguments!r}))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_stopped_while_two_are_copied_the_old_result_stands(small: Small, number: int) -> None:
    small.add_some(*(f"c{n}.jpg" for n in range(20)))
    before = tree(small.folder)
    arguments = [*small.arguments("find"), "--threshold", "10", *AT_ONCE]
    script = STOPPED.format(tests=str(ROOT / "tests"), number=int(number), arguments=arguments)
    ran = collect(small.start_python(script))
    assert ran.code == (130 if number == signal.SIGINT else -number), ran
    if number == signal.SIGKILL:
        staging = small.folder / "output.find-new"
        for name in PARTIALS:
            (staging / name).touch()
        assert small.check().code == 0
        (small.output / "to_delete.txt").unlink()
    assert tree(small.folder) == before
    small.find()
    assert len(small.info()) == 24
