"""The desk with the copies on it: their states, what may be removed and put back, the rules.

The state is the folders: nothing but the copies in OUTPUT_DIR is changed, under its lock.
"""

import contextlib
import os
import stat
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import cleanup
import storage
from config import Exit, UserError
from disk import output_lock
from disk.companions import Companions
from disk.files import append_lines
from disk.lines import to_line
from disk.record import KeptTogether, Link, Manifest, SavedCopy, probably_matches, surely_made
from disk.removal import Kept
from disk.result import NoResult, Opened, Result, look_again
from disk.shots import is_one_shot
from extras.objects.places import url_of
from extras.review import rules, told, versions
from extras.review.deeper import CantBeSeen
from extras.review.examiner import Examiner, Unseen
from extras.review.facts import Facts
from extras.review.judged import Picture
from extras.review.rules import ALL_RULES, Removal, Suggestion
from extras.review.shots import Partners
from extras.review.side_by_side import SideBySide, tried
from pictures import bandpass, held
from pictures.losses import Loss, held_beside, losses

THERE, GONE, EDITED = "t", "g", "e"
OTHER = "o"  # no file, but a folder or a link has its name
MOVED = "m"  # gone, but it may lie elsewhere in OUTPUT_DIR, so its original stays
DELETED = "d"  # gone, and its original as well
MISSING = frozenset((GONE, MOVED, DELETED))
EDITED_PREVIEW = "its copy is a preview that was edited"
NO_KEEPER = "the one to keep is not there, or was edited"
TO_LOOK_AT = "it is a sample of objects, there to be looked at"
NO_ORIGINAL = "the original of the one to keep is gone, or was changed since find"


@dataclass(frozen=True, slots=True)
class Order:
    """A copy to remove and, if there is one, the copy that must be there afterwards.

    Of what a rule chose the keeper must be as find saw it; otherwise it may have been edited.
    """

    number: int
    keeper: int | None = None
    by_rule: bool = False


@dataclass(frozen=True, slots=True)
class Deed:
    """What came of a copy: `restore` or `remove`, and the reason if it was refused."""

    kind: str
    number: int
    refused: str | None


@dataclass(frozen=True, slots=True)
class Choice:
    """The rules that decide, in their order, and the folders that one of them prefers."""

    rules: tuple[str, ...] = ALL_RULES
    prefer: tuple[str, ...] = ()


class WouldEmpty(Exception):
    """A removal would leave these groups without any copy."""

    def __init__(self, groups: Sequence[int]) -> None:
        super().__init__(f"nothing would be left of group {', '.join(map(str, groups))}")
        self.groups = tuple(groups)


def groups_of(manifest: Manifest) -> dict[int, list[int]]:
    """The numbers of the copies of each group, as they stand in the manifest."""
    groups: dict[int, list[int]] = defaultdict(list)
    for number, copy in enumerate(manifest.copies):
        groups[copy.group].append(number)
    return dict(sorted(groups.items()))


def links_of(manifest: Manifest) -> dict[int, list[Link]]:
    """The links of each group, the weakest last."""
    group_of = {copy.original.path: copy.group for copy in manifest.copies}
    links: dict[int, list[Link]] = defaultdict(list)
    for link in manifest.links:
        if group_of.get(link.left) == group_of.get(link.right, -1):
            links[group_of[link.left]].append(link)
    return links


class Desk:
    """A result that is looked at; used by several threads."""

    def __init__(
        self,
        result: Result,
        examiner: Examiner,
        prefer: Sequence[str] = (),
        workers: int = 1,
        protect: Sequence[str] = (),
    ) -> None:
        self.paths = result.paths
        self.manifest = result.manifest
        self.examiner = examiner
        self.run = self.manifest.run
        self.groups = groups_of(self.manifest)
        self.links = links_of(self.manifest)
        self.side_by_side = SideBySide(self.manifest, self.paths.output_dir, examiner)
        self.usual = Choice(prefer=tuple(prefer))
        self._workers = workers
        self._now: Opened = result
        self._companions = Companions()
        paths = (copy.original.path for copy in self.manifest.copies)
        self._partners = Partners(paths, self._companions)
        self._protected = cleanup.protected_in(self.manifest, protect)
        self.kept_together: dict[int, list[KeptTogether]] = {}
        for one in self.manifest.kept_together:
            self.kept_together.setdefault(one.group, []).append(one)
        self._one_at_a_time = threading.Lock()
        self._same: dict[tuple[str, int, int], bool] = {}  # files by size and time, once read
        self._moved: frozenset[int] = frozenset()

    def copy(self, number: int) -> SavedCopy:
        """The copy of a number; LookupError if there is none."""
        if not 0 <= number < len(self.manifest.copies):
            raise LookupError(number)
        return self.manifest.copies[number]

    @property
    def is_sample(self) -> bool:
        """Whether the originals are objects, which nobody looks at here."""
        return bool(self.manifest.objects)

    def shown(self, path: str) -> str:
        """Where an original lies, as people read it; of an object it is the URL."""
        return told.shown(url_of(path) if self.is_sample else path)

    def check_run(self) -> None:
        """Raise UserError if OUTPUT_DIR is missing or holds another result by now."""
        now = look_again(self._now)
        if isinstance(now, Result) and now.manifest.run == self.run:
            self._now = now
            return
        folder = self.paths.output_dir
        if isinstance(now, NoResult) and isinstance(now.error, FileNotFoundError):
            message = f"{folder} or its result is gone; bring it back, or run --action find."
            raise UserError(message, Exit.STATE)
        message = f"{folder} holds another result by now; end this and start review again."
        raise UserError(message, Exit.STATE)

    # ---- States

    def state_of(self, number: int, *, sure: bool = False) -> str:
        """What has become of a copy.

        One of which only the time changed seems edited until it was read, which `sure` does.
        """
        copy = self.manifest.copies[number]
        try:
            status = os.lstat(copy.copy)
        except OSError:
            if not self.is_sample and not os.path.lexists(copy.original.path):
                return DELETED
            return MOVED if number in self._moved else GONE
        if not stat.S_ISREG(status.st_mode):
            return OTHER
        if status.st_size not in copy.sizes:
            return EDITED
        if status.st_mtime_ns == copy.original.mtime_ns:
            return THERE
        key = copy.copy, status.st_size, status.st_mtime_ns
        if key not in self._same and sure:
            self._same[key] = surely_made(copy.copy, copy)
        return THERE if self._same.get(key) else EDITED

    def states(self) -> str:
        """A letter for each copy."""
        return "".join(map(self.state_of, range(len(self.manifest.copies))))

    def editions(self, states: str) -> dict[int, str]:
        """What tells one content of an edited copy from the next."""
        found = {}
        for number in (n for n, state in enumerate(states) if state == EDITED):
            with contextlib.suppress(OSError):
                status = os.lstat(self.manifest.copies[number].copy)
                found[number] = f"{status.st_size}-{status.st_mtime_ns}"
        return found

    def edited(self) -> list[SavedCopy]:
        """The copies that are no longer what find put there."""
        copies = enumerate(self.manifest.copies)
        return [copy for n, copy in copies if self.state_of(n, sure=True) in (EDITED, OTHER)]

    def settle(self, states: str) -> None:
        """Read what only seems edited, and find what was moved; takes its time."""
        for number in (n for n, state in enumerate(states) if state == EDITED):
            self.state_of(number, sure=True)
        moved: Iterable[SavedCopy] = ()
        if GONE in states or MOVED in states:
            with contextlib.suppress(OSError, UserError):
                moved = self.check_deleted().moved
        paths = {copy.copy for copy in moved}
        copies = enumerate(self.manifest.copies)
        self._moved = frozenset(number for number, copy in copies if copy.copy in paths)

    def remains(self, number: int) -> bool:
        """Whether a picture lies in a copy's place."""
        state = self.state_of(number, sure=True)
        if state != EDITED:
            return state == THERE
        return isinstance(self.facts(number), Facts)

    def has_original(self, number: int) -> bool:
        """Whether a copy's original is what find saw: only that keeps what its group may lose.

        By a sample nothing is deleted, so its copies stand for the objects.
        """
        copy = self.manifest.copies[number]
        return self.is_sample or probably_matches(copy.original.path, copy)

    def reason_against(self, keeper: int) -> str | None:
        """Why nothing may go by rule for a picture that is kept, if there is a reason."""
        if self.state_of(keeper, sure=True) != THERE:
            return NO_KEEPER
        return None if self.has_original(keeper) else NO_ORIGINAL

    # ---- Changes

    def change(
        self, orders: Sequence[Order], back: Sequence[int] = (), *, may_empty: bool = False
    ) -> list[Deed]:
        """Restore copies, then remove others, under the lock.

        Raises WouldEmpty, and then nothing is changed, if a group would have no picture left.
        """
        with self._changing():
            if not may_empty and (emptied := self._emptied_by(orders, back)):
                raise WouldEmpty(emptied)
            return list(self.carry_out(orders, back, may_empty=may_empty))

    def carry_out(
        self, orders: Iterable[Order], back: Iterable[int] = (), *, may_empty: bool = False
    ) -> Iterator[Deed]:
        """Change each copy that needs it, each removal after a last look. The caller has locked."""
        output_dir = self.paths.output_dir
        for number in dict.fromkeys(back):
            if self.state_of(number, sure=True) != THERE:
                copy = self.manifest.copies[number]
                again = partial(storage.restore_copy, copy, output_dir)
                reason = TO_LOOK_AT if self.is_sample else _tried(again)
                yield Deed("restore", number, reason)
        for order in dict.fromkeys(orders):
            if self.state_of(order.number) not in MISSING:
                reason = _tried(partial(self._remove, order, may_empty=may_empty))
                yield Deed("remove", order.number, reason)

    def _remove(self, order: Order, *, may_empty: bool) -> str | None:
        if self.is_sample:
            return TO_LOOK_AT
        if order.keeper is not None:
            if order.by_rule and (reason := self.reason_against(order.keeper)):
                return reason
            if not self.remains(order.keeper):
                return NO_KEEPER
        elif not may_empty and not self._left_of(order.number):
            return "it is the last of its group"
        return storage.remove_copy(self.manifest.copies[order.number])

    def _left_of(self, number: int) -> bool:
        group = self.groups[self.manifest.copies[number].group]
        return any(self.remains(other) for other in group if other != number)

    def _emptied_by(self, orders: Iterable[Order], back: Collection[int]) -> list[int]:
        doomed: dict[int, set[int]] = {}
        for order in orders:
            doomed.setdefault(self.copy(order.number).group, set()).add(order.number)
        return [
            group
            for group, gone in sorted(doomed.items())
            if any(self.state_of(n) not in MISSING for n in gone)
            and not any(n in back or self.remains(n) for n in self.groups[group] if n not in gone)
        ]

    def decide(self, group: int, *, keep: bool) -> str | None:
        """Keep a group side by side, or forget that; returns the reason not to, or None."""
        if self.is_sample:
            return TO_LOOK_AT
        with self._changing():
            return tried(self.side_by_side.keep if keep else self.side_by_side.forget, group)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the lock on the result that is looked at; UserError if it is another by now."""
        with self._one_at_a_time, output_lock.locked(self.paths.output_dir):
            self.check_run()
            yield

    # ---- The rules

    def suggestion(self, group: int, by: Choice | None = None) -> Suggestion:
        """What some of the rules make of a group, whatever has been removed of it.

        Without a choice it is all of them, with the folders that were named at the start. Copies
        that were edited are no longer what find saw, and are left out.
        """
        pictures: list[Picture] = []
        for number in self._judged_of(group):
            facts = self.facts(number)
            if isinstance(facts, Unseen):
                why = f"{self._name_in(group, number)} can't be judged: {facts.reason}"
                return Suggestion(group, None, why)
            pictures.append(self._picture(group, number, facts))
        judged = {picture.number for picture in pictures}
        pictures = [
            replace(picture, is_apart=self._partners.are_apart(picture.number, judged))
            for picture in pictures
        ]
        try:
            by = by or self.usual
            return rules.suggest(group, pictures, self.links[group], by.prefer, by.rules)
        except CantBeSeen as error:
            return Suggestion(group, None, f"one can't be judged: {error}")

    def _judged_of(self, group: int) -> Iterator[int]:
        """The pictures of a group that are what find saw, by number.

        Of one whose copy is there the original must be, too: nothing is given up for it.
        """
        for number in self.groups[group]:
            state = self.state_of(number, sure=True)
            if self.has_original(number) if state == THERE else state not in (EDITED, OTHER):
                yield number

    def _picture(self, group: int, number: int, facts: Facts) -> Picture:
        """A picture as the rules judge it."""
        copy = self.manifest.copies[number]
        path, stays = copy.original.path, bool(self.protection(copy))
        was_kept = any(path in one.paths for one in self.kept_together.get(group, ()))
        beside = self.beside(number)
        return Picture(number, path, copy.digest, facts, beside, stays=stays, was_kept=was_kept)

    def _name_in(self, group: int, number: int) -> str:
        """What a picture is called in a sentence about its group."""
        members = self.groups[group]
        paths = [self.manifest.copies[n].original.path for n in members]
        return told.names(paths)[members.index(number)]

    def suggestions(
        self,
        groups: Iterable[int] | None = None,
        by: Choice | None = None,
        *,
        giving_way: bool = False,
    ) -> Generator[Suggestion, None, None]:
        """What the rules make of each group, in order; several groups at a time.

        With `giving_way` pictures that somebody waits for come first.
        """

        def judged(group: int) -> Suggestion:
            with self.examiner.giving_way() if giving_way else contextlib.nullcontext():
                return self.suggestion(group, by)

        wanted = list(self.groups if groups is None else groups)
        pool = ThreadPoolExecutor(self._workers)
        try:
            yield from pool.map(judged, wanted)
        finally:
            pool.shutdown(cancel_futures=True)

    def facts(self, number: int) -> Facts | Unseen:
        """The facts of the picture that find saw or, if its copy was edited, of that."""
        edited = self.state_of(number, sure=True) == EDITED
        return self.examiner.facts(self.manifest.copies[number], edited=edited)

    def facts_of_original(self, number: int) -> Facts | Unseen:
        """The same, but nothing of a preview that was edited: it has no facts of the photo."""
        if self.copy(number).preview and self.state_of(number, sure=True) == EDITED:
            return Unseen(EDITED_PREVIEW)
        return self.facts(number)

    def protection(self, copy: SavedCopy) -> str:
        """Why the original of a copy stays whatever is chosen, if it is protected."""
        return self._protected.reason(copy.original.path) or ""

    def beside(self, number: int) -> tuple[str, ...]:
        """What lies beside a picture's original now, as lines of `pictures.held`."""
        return held_beside(self.manifest.copies[number].original.path, self._companions)

    def holds(self, facts: Facts) -> tuple[str, ...]:
        """What few pictures hold and one of these facts does, as people read it."""
        return tuple(map(told.shown, held.of_note(facts.holds)))

    def companions(self, number: int) -> tuple[str, ...]:
        """What lies beside a picture's original, as people read it."""
        return tuple(map(told.shown, map(held.shown, self.beside(number))))

    def turned(self, group: int) -> Iterator[versions.Pair]:
        """The versions of one picture that are turned against each other, by number."""
        numbers = self.groups[group]
        known = {n: facts for n in numbers if isinstance(facts := self.facts(n), Facts)}
        for pair in versions.pairs(list(known.values())):
            if pair.turn != bandpass.TURNS[0]:
                yield versions.Pair([*known][pair.one], [*known][pair.other], pair.turn)

    def doomed(self, suggestion: Suggestion) -> Iterator[Removal]:
        """The removals that are still to be made: copies whose keeper is there."""
        for removal in suggestion.removals:
            is_there = self.state_of(removal.number, sure=True) == THERE
            if is_there and self.reason_against(removal.keeper) is None:
                yield removal

    def left_to_person(
        self, suggestions: Iterable[Suggestion], doomed: Iterable[Removal]
    ) -> dict[int, str]:
        """The groups that still hold two pictures once the doomed are gone, and why.

        A RAW and the camera's JPEG of it are one.
        """
        going = {removal.number for removal in doomed}
        left: dict[int, str] = {}
        for suggestion in suggestions:
            numbers = (n for n in self.groups[suggestion.group] if n not in going)
            here = {n for n in numbers if self.state_of(n, sure=True) in (THERE, EDITED)}
            paths = [self.manifest.copies[n].original.path for n in here]
            if len(here) > 1 and not is_one_shot(paths):
                left[suggestion.group] = self._why_left(suggestion, here)
        return left

    def _why_left(self, suggestion: Suggestion, here: Collection[int]) -> str:
        """Why the rules leave several copies of a group, by the numbers of those."""
        if suggestion.keeper is None:
            return suggestion.reason
        if any(removal.number in here for removal in suggestion.removals):
            return NO_KEEPER
        lost = [n for n in sorted(here) if not self.has_original(n)]
        if suggestion.rest or not lost:
            return suggestion.rest or "a copy that was edited is not judged"
        which = ", ".join(self._name_in(suggestion.group, n) for n in lost)
        return f"nothing goes for what has no original as find saw it: {which}"

    def give_up(self, removals: Iterable[Removal]) -> Iterator[cleanup.Deleted | Kept]:
        """Remove copies by rule, each after a line in the log. The caller holds the lock."""
        for removal in removals:
            copy = self.manifest.copies[removal.number]
            line = f"Removed copy: {to_line(copy.copy)}: {removal.reason}"
            try:
                append_lines(self.paths.log_file, [line])
            except OSError as error:
                yield Kept(copy.copy, error.strerror or str(error))
                continue
            for deed in self.carry_out([Order(removal.number, removal.keeper, by_rule=True)]):
                if deed.refused is None:
                    yield cleanup.Deleted(copy.copy, copy.original.size)
                else:
                    yield Kept(copy.copy, deed.refused)

    def is_stale(self) -> bool:
        """Whether OUTPUT_DIR is missing or holds another result by now."""
        try:
            self.check_run()
        except UserError:
            return True
        return False

    def check_deleted(self) -> cleanup.Culled:
        """What check-deleted would make of the folders now. Changes nothing on disk."""
        return cleanup.culled_in(self.manifest, self.paths.output_dir)

    def losses(self, doomed: Collection[SavedCopy]) -> list[Loss]:
        """What check-deleted would say that only these originals hold. Changes nothing on disk."""
        return losses(self.manifest, doomed)


def _tried(change: Callable[[], str | None]) -> str | None:
    """The reason why a change was refused, by us or by the disk, or None."""
    try:
        return change()
    except OSError as error:
        return error.strerror or str(error)
