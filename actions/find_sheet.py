"""The contact sheet of a result: drawn once a person can begin with the result itself."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from actions.console import Console, bar
from actions.find_summary import has_extra
from disk.lines import to_line
from disk.record import Manifest
from disk.report import add_report
from disk.result import OutputPaths, Result
from pictures.by_name import named

# A result that is in its place -> the text of its report.html.
MakeSheet = Callable[[Result], str]
Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Drawing:
    """How a contact sheet is drawn: which pictures are preferred, by how many, what is known."""

    prefer: Sequence[str]
    workers: int
    cache_file: str | None
    across: bool


def sheets(by: Drawing, warn: Warn) -> MakeSheet:
    """What makes report.html; none without copies, extras/ or Jinja2."""

    def make(result: Result) -> str:
        if not result.manifest.copies or not has_extra("jinja2"):
            return ""
        contact_sheet = named("extras.review.sheet:contact_sheet")
        with contextlib.closing(named("extras.review.notes:Notes")(by.cache_file, warn)) as notes:
            sheet: str = contact_sheet(
                result,
                by.prefer,
                by.workers,
                lambda groups: bar(groups, "Contact sheet", len(groups), " groups"),
                across=by.across,
                notes=notes,
            )
        return sheet

    return make


def draw_sheet(
    console: Console, paths: OutputPaths, manifest: Manifest, make_sheet: MakeSheet
) -> None:
    """Draw the contact sheet of a result that is in its place, which stays whole without it."""
    try:
        text = make_sheet(Result(paths, manifest))
        if not text:
            return
        drawn = add_report(paths, manifest, text)
    except KeyboardInterrupt:
        console.say("The result is whole; only its contact sheet is missing.")
        raise
    except OSError as error:
        why = error.strerror or str(error)
        console.warn_of(
            f"{to_line(paths.report_file)} can't be written: {why}; the result is whole."
        )
        return
    if drawn:
        console.say(f"All at a glance: {to_line(paths.report_file)}")
    else:
        console.warn_of(f"{to_line(paths.report_file)} is no file of ours, so it stays as it is.")
