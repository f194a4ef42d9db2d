"""How a long search is done: one thing after the other or in threads, and who watches it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from disk.at_once import in_order

Item = TypeVar("Item")
Done = TypeVar("Done")
Tell = Callable[[int], object]  # takes how many more are done
# Takes what is done, with how many, and of what; what it gives is open while that goes on.
Watch = Callable[[str, int, str], AbstractContextManager[Tell]]
PAIRS = "pairs"


class Each(Protocol):
    """What does something with each of some items, and gives what comes of it in their order."""

    def __call__(self, do: Callable[[Item], Done], items: Iterable[Item], /) -> Iterable[Done]: ...


def unwatched(_what: str, _total: int, _of: str) -> AbstractContextManager[Tell]:
    """Nobody's watch."""
    return nullcontext(lambda _: None)


@dataclass(frozen=True, slots=True)
class Work:
    """A stretch of a search: how it goes through its items, and what is told how many are done."""

    each: Each = map
    tell: Tell = lambda _: None

    def done(
        self, do: Callable[[Item], Done], items: Iterable[Item], size: Callable[[Item], int]
    ) -> Iterator[Done]:
        """What comes of each item, in order; after each one its size is told."""
        for done, more in self.each(lambda item: (do(item), size(item)), items):
            yield done
            self.tell(more)


@dataclass(frozen=True, slots=True)
class Effort:
    """How a search is done, and who watches its stretches."""

    each: Each = map
    watch: Watch = unwatched

    @contextmanager
    def stretch(self, what: str, total: int, of: str = PAIRS) -> Iterator[Work]:
        """The work on so many of something, while somebody watches."""
        with self.watch(what, total, of) as tell:
            yield Work(self.each, tell)


ALONE = Effort()
UNTOLD = Work()


def in_threads(at_once: int, watch: Watch = unwatched) -> Effort:
    """So many threads, of which none gets far ahead; the order is that of one."""
    return Effort(partial(in_order, at_once=at_once), watch)
