"""The desk with the copies on it: their states, what may be removed and put back, the rules.

The state is the folders: nothing but the copies in OUTPUT_DIR is changed, under its lock.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cleanup
import storage
from config import Exit, Settings, UserError
from extras.review import rules
from extras.review.facts import Examiner, Facts, Unseen
from extras.review.rules import ALL_RULES, Picture, Removal, Suggestion
from storage import Manifest, SavedCopy

THERE, GONE, EDITED = "t", "g", "e"


@dataclass(frozen=True, slots=True)
class Change:
    """The copies that were changed, and why others were not; some needed no change."""

    done: tuple[int, ...]
    refused: tuple[tuple[int, str], ...]


class WouldEmpty(Exception):
    """A removal would leave these groups without any copy."""

    def __init__(self, groups: Sequence[int]) -> None:
        super().__init__(f"nothing would be left of group {', '.join(map(str, groups))}")
        self.groups = tuple(groups)


class Desk:
    """A result that is looked at; used by several threads."""

    def __init__(self, settings: Settings, manifest: Manifest, examiner: Examiner) -> None:
        self.settings = settings
        self.manifest = manifest
        self.examiner = examiner
        self.groups = rules.groups_of(manifest)
        self.links = rules.links_of(manifest)
        self._one_at_a_time = threading.Lock()

    def copy(self, number: int) -> SavedCopy:
        """The copy of a number; LookupError if there is none."""
        if not 0 <= number < len(self.manifest.copies):
            raise LookupError(number)
        return self.manifest.copies[number]

    # ---- States

    def state_of(self, number: int) -> str:
        """Whether a copy is there, gone, or seems edited by its size and time."""
        copy = self.manifest.copies[number]
        try:
            status = os.lstat(copy.copy)
        except OSError:
            return GONE
        seen = copy.original.size, copy.original.mtime_ns
        return THERE if (status.st_size, status.st_mtime_ns) == seen else EDITED

    def states(self) -> str:
        """A letter for each copy."""
        return "".join(map(self.state_of, range(len(self.manifest.copies))))

    # ---- Changes

    def remove(self, numbers: Iterable[int], *, may_empty: bool = False) -> Change:
        """Delete copies; raises WouldEmpty, and then none is, if a group would have none left."""
        wanted = list(dict.fromkeys(numbers))
        with self._changing():
            if not may_empty and (emptied := self._emptied_by(wanted)):
                raise WouldEmpty(emptied)
            return self._change(wanted, storage.remove_copy, GONE)

    def restore(self, numbers: Iterable[int]) -> Change:
        """Copy originals to their places again; nothing that is there is overwritten."""
        output_dir = self.settings.output_dir
        with self._changing():
            return self._change(
                list(dict.fromkeys(numbers)),
                lambda copy: storage.restore_copy(copy, output_dir),
                THERE,
            )

    def _change(
        self, numbers: Sequence[int], change: Callable[[SavedCopy], str | None], wanted: str
    ) -> Change:
        """Change each copy that is not in the state that is wanted."""
        done: list[int] = []
        refused: list[tuple[int, str]] = []
        for number in numbers:
            if self.state_of(number) == wanted:
                continue
            try:
                reason = change(self.copy(number))
            except OSError as error:
                reason = error.strerror or str(error)
            if reason is None:
                done.append(number)
            else:
                refused.append((number, reason))
        return Change(tuple(done), tuple(refused))

    def _emptied_by(self, numbers: Iterable[int]) -> list[int]:
        doomed: dict[int, set[int]] = {}
        for number in numbers:
            doomed.setdefault(self.copy(number).group, set()).add(number)
        return [
            group
            for group, gone in sorted(doomed.items())
            if any(self.state_of(n) != GONE for n in gone)
            and not any(self.state_of(n) != GONE for n in self.groups[group] if n not in gone)
        ]

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the lock on the result that is looked at; UserError if it is another by now."""
        output_dir = self.settings.output_dir
        with self._one_at_a_time, storage.locked(output_dir):
            try:
                same = storage.load_manifest(output_dir).run == self.manifest.run
            except storage.BROKEN_MANIFEST:
                same = False
            if not same:
                message = f"{output_dir} holds another result by now; start review again."
                raise UserError(message, Exit.STATE)
            yield

    # ---- The rules

    def suggestion(self, group: int, chosen: Collection[str] = ALL_RULES) -> Suggestion:
        """What some of the rules make of a group, whatever has been removed of it."""
        pictures: list[Picture] = []
        for number in self.groups[group]:
            copy = self.manifest.copies[number]
            facts = self.examiner.facts(copy)
            if isinstance(facts, Unseen):
                why = f"{os.path.basename(copy.original.path)} can't be judged: {facts.reason}"
                return Suggestion(group, None, why)
            pictures.append(rules.picture_of(number, copy, facts))
        return rules.suggest(group, pictures, self.links[group], self.settings.prefer, chosen)

    def suggestions(self) -> Iterator[Suggestion]:
        """What the rules make of each group, in order; several groups at a time."""
        with ThreadPoolExecutor(self.settings.workers) as pool:
            yield from pool.map(self.suggestion, self.groups)

    def facts(self, number: int) -> Facts | Unseen:
        return self.examiner.facts(self.manifest.copies[number])

    def doomed(self, suggestion: Suggestion) -> Iterator[Removal]:
        """The removals that are still to be made: unedited copies whose keeper is there."""
        for removal in suggestion.removals:
            if self.state_of(removal.number) == THERE and self.state_of(removal.keeper) != GONE:
                yield removal

    def give_up(self, removals: Iterable[Removal]) -> Iterator[cleanup.Deleted | cleanup.Kept]:
        """Remove copies by rule, each after a line in the log. The caller holds the lock."""
        for removal in removals:
            copy = self.manifest.copies[removal.number]
            keeper = self.manifest.copies[removal.keeper].copy
            line = f"Removed copy: {storage.to_line(copy.copy)}: {removal.reason}"
            try:
                storage.append_lines(self.settings.log_file, [line])
                gone = None if os.path.lexists(keeper) else "the one to keep is gone"
                reason = gone or storage.remove_copy(copy)
            except OSError as error:
                reason = error.strerror or str(error)
            if reason is None:
                yield cleanup.Deleted(copy.copy, copy.original.size)
            else:
                yield cleanup.Kept(copy.copy, reason)

    def check_deleted(self) -> cleanup.Review:
        """What check-deleted would make of the folders now. Changes nothing on disk."""
        return cleanup.review(self.manifest, self.settings.output_dir)
