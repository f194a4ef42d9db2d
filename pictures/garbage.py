"""When Python looks for garbage: where objects are many and stay, its looks find none and cost."""

import contextlib
import gc
from collections.abc import Iterator

NEW_OBJECTS = 50_000  # between two looks; a find keeps several for each photo


@contextlib.contextmanager
def no_collections() -> Iterator[None]:
    """Look for no garbage while there is none, but many new objects to look through."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextlib.contextmanager
def rare_collections() -> Iterator[None]:
    """Look for garbage after so many new objects, where it was after some hundred."""
    before = gc.get_threshold()
    gc.set_threshold(NEW_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
