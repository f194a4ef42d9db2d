"""What the page keeps side by side, and forgets: as the actions of these names do."""

from collections.abc import Callable, Iterator, Sequence

import cleanup
from actions import deciding
from config import UserError
from disk.decisions import append_decisions, line_against, line_of, load_decisions
from disk.files import ImageFile
from disk.record import Manifest
from extras.review.examiner import Examiner
from pictures.images import Unreadable
from pictures.same_picture import Pictured


class SideBySide:
    """The groups of a result that are kept side by side, or can be."""

    def __init__(self, manifest: Manifest, output_dir: str, examiner: Examiner) -> None:
        self._manifest, self._output_dir, self._examiner = manifest, output_dir, examiner

    def kept(self) -> list[int]:
        """The groups that are kept; raises UserError where nobody can tell."""
        return deciding.settled_groups(self._manifest, load_decisions())

    def known_kept(self) -> list[int]:
        """The groups that are kept; none where nobody can tell."""
        try:
            return self.kept()
        except (UserError, OSError):
            return []

    def keep(self, group: int) -> str | None:
        """Keep a group; returns the reason not to, or None if it is kept."""
        culled = cleanup.culled_in(self._manifest, self._output_dir)
        plan = deciding.plan_keep(self._manifest, culled, [group])
        made, unread = deciding.decisions_about(plan.groups, self._read)
        if refused := {**plan.refused, **unread}.get(group):
            return refused
        new, _ = deciding.unsettled(made, load_decisions())
        if new:
            append_decisions([line_of(decision) for decision in new.values()])
        return None

    def forget(self, group: int) -> str | None:
        """Forget what settles a group; returns the reason not to, or None if it is forgotten."""
        decisions = load_decisions()
        culled = cleanup.culled_in(self._manifest, self._output_dir)
        plan = deciding.plan_keep(self._manifest, culled, [group])
        if refused := plan.refused.get(group):
            return refused
        pictures = deciding.pictures_in(plan.groups[group], decisions, self._read)[group]
        if doomed := decisions.all_settling(pictures):
            append_decisions([line_against(doomed)])
        return None

    def _read(self, files: Sequence[ImageFile]) -> Iterator[Pictured | Unreadable]:
        return (self._examiner.pictured(file) for file in files)


def tried(deed: Callable[[int], str | None], group: int) -> str | None:
    """The reason why a decision was refused, by us, the disk or a damaged file, or None."""
    try:
        return deed(group)
    except UserError as error:
        return str(error)
    except OSError as error:
        return error.strerror or str(error)
