"""What a person sees on a terminal while something works."""

import io
import sys

import pytest

from actions.console import Console, bar


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
