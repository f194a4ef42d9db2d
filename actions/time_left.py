"""How long something goes on, by what was done of it so far and what that cost."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

LEAST_SECONDS = 3.0  # before which nothing is said


@dataclass(slots=True)
class TimeLeft:
    """What is expected to be done, and what was; both in what they cost, in any unit.

    `clock` gives the seconds. It counts from what is done first, as it may take a while to begin.
    """

    clock: Callable[[], float]
    expected: float = 0
    done: float = 0
    first: float = 0  # what was done when it was first looked at the clock
    began: float | None = None

    def expect(self, costs: Iterable[float]) -> None:
        self.expected += sum(costs)

    def add(self, cost: float) -> None:
        """Count what was done; what nobody expected was known before, and cost nothing."""
        if not self.expected:
            return
        self.done += cost
        if self.began is None:
            self.began, self.first = self.clock(), self.done

    def seconds(self) -> float | None:
        """The seconds that are left, or None as long as that can't be told."""
        if self.began is None:
            return None
        took, done = self.clock() - self.began, self.done - self.first
        if took < LEAST_SECONDS or done <= 0:
            return None
        return max(0.0, (self.expected - self.done) * took / done)

    def words(self) -> str:
        """How long is left, for people; nothing as long as that can't be told."""
        seconds = self.seconds()
        return "" if seconds is None else f"about {rounded(seconds)} left"


def rounded(seconds: float) -> str:
    """A time as people say it.

    >>> rounded(3), rounded(52), rounded(100), rounded(3700), rounded(7300)
    ('5 s', '55 s', '2 min', '1 h 5 min', '2 h 5 min')
    """
    if seconds <= 55:
        return f"{max(1, -(-seconds // 5)) * 5:.0f} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(-(-minutes // 5) * 5, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"
