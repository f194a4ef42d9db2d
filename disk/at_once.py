"""Several things done at once that wait for the disk."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")


def in_order(
    do: Callable[[Item], Done], items: Iterable[Item], at_once: int
) -> Generator[Done, None, None]:
    """What comes of each item, in order, while others are done in threads.

    Whoever closes this waits for those that were begun; no other is begun then.
    """
    if at_once <= 1:
        yield from map(do, items)
        return
    pool = ThreadPoolExecutor(at_once)
    waiting: deque[Future[Done]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(do, item))
            if len(waiting) > 2 * at_once:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
