"""What a person sees on a terminal while something works."""

import io
import subprocess
import sys

import pytest
from conftest import ROOT

from actions import console as on_console
from actions.console import Console, bar, progress


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
