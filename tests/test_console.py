"""What a person sees on a terminal while something works."""

import fcntl
import io
import os
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable

import pytest
from conftest import ROOT

from actions import console as on_console
from actions.console import Console, bar, progress
from actions.find_photos import watched


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        """The lines as they stand on the screen at the end."""
        shown = []
        for line in self.getvalue().split("\n"):
            cells = ""
            for part in line.split("\r"):
                cells = part + cells[len(part) :]
            shown.append(cells.rstrip())
        return shown


def test_what_is_said_while_a_bar_is_shown_has_its_own_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal, console = Terminal(), Console(json=False)
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(sys, "stderr", terminal)
    for number in bar(range(2), "Contact sheet"):
        if number == 1:
            console.say("The result is whole.")
            console.fail("It is not.", console.code)
    assert terminal.lines == ["The result is whole.", "error: It is not.", ""]


def test_a_quiet_run_shows_no_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    console, terminal = Console(json=False), Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    console.be_quiet(True)
    assert list(bar("abc", "Hashing", 2000, is_told=True)) == ["a", "b", "c"]
    console.say("One.")
    console.say("Two.")
    console.end()
    console.be_quiet(False)
    assert (capsys.readouterr().out, terminal.getvalue()) == ("Two.\n", "")


def bar_of(columns: int, what: str, unit: str, left: Callable[[], str] | None = None) -> str:
    """The last state of a bar on a terminal of so many columns, which had more before."""
    master, slave = os.openpty()
    with os.fdopen(slave, "w") as terminal, pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.delenv("COLUMNS", raising=False)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 200, 0, 0))
        with progress(what, 66_400_000, unit, left=left) as advance:
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
            time.sleep(0.2)  # tqdm draws it anew after a tenth of a second
            advance(33_200_000)
            shown = b""
            while select.select([master], [], [], 0)[0]:
                shown += os.read(master, 100_000)
    os.close(master)
    return shown.decode().split("\r")[-1].rstrip()


@pytest.mark.parametrize("columns", [30, 40, 50, 60, 70, 80, 100, 130])
def test_a_bar_is_never_cut_within_what_it_says(columns: int) -> None:
    for what in ("Comparing parts", "Comparing hashes", "Hashing"):
        for unit, left in ((" pairs", None), (" photos", lambda: "about 30 seconds left")):
            shown = bar_of(columns, what, unit, left)
            assert shown.startswith(f"{what}:  50%")
            assert len(shown) <= columns
            assert shown.endswith(("%", "]", "left"))
            if columns >= 80:
                assert "33.2M/66.4M" in shown
                assert "pairs/s]" in shown or left
    if columns >= 60:
        assert "33.2M/66.4M [00:0" in bar_of(columns, "Comparing parts", " pairs")


def test_where_no_bar_is_shown_a_line_says_how_far_something_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(on_console, "SECONDS_BETWEEN_LINES", 0)
    assert list(bar("abc", "Hashing", 2000, is_told=True)) == ["a", "b", "c"]
    with progress("Comparing", 10**6, " pairs") as advance:
        advance(4000)
    assert capsys.readouterr().err.splitlines() == [
        "Hashing: 2,000 photos",
        *(f"Hashing: {number} of 2,000 photos" for number in (1, 2, 3)),
        "Comparing: 4,000 of 1,000,000 pairs",
    ]


def test_what_is_soon_done_is_said_at_its_start_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert [*bar(range(9), "Hashing", 9, is_told=True), *bar(range(9), "Copying", 9)]
    assert capsys.readouterr().err == "Hashing: 9 photos\n"


def test_a_bar_starts_no_thread_beside_which_workers_could_not_be_forked() -> None:
    program = (
        "import os, sys, threading\n"
        "sys.stderr = os.fdopen(os.openpty()[1], 'w')\n"
        "from actions.console import progress\n"
        "with progress('Looking', 5) as advance:\n"
        "    advance(1)\n"
        "    print('tqdm' in sys.modules, threading.active_count())\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert ran.stdout == "True 1\n", ran.stderr


def test_a_search_says_what_it_counts_and_where_it_takes_long_at_its_start(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for what, total, of in (
        ("Cutting out parts", 60_000, "pictures"),
        ("Cutting out parts", 6_000, "pictures"),
        ("Comparing parts", 60_000, "pairs"),
        ("Comparing parts", 6_000_000_000, "pairs"),
    ):
        with watched(what, total, of) as advance:
            advance(total)
    assert capsys.readouterr().err.splitlines() == [
        "Cutting out parts: 60,000 pictures",
        "Comparing parts: 6,000,000,000 pairs",
    ]
