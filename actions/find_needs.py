"""Whether there is room for a find, said and checked before it begins."""

import os
import shutil
import tempfile
from collections.abc import Sequence

from actions.console import MANY, Console
from config import UserError
from disk import system
from disk.files import ImageFile
from finder import Found
from pictures.needs import needs_of
from pictures.recipe import Recipe
from pictures.store import bytes_kept

SAID_FROM = 100_000  # photos; with fewer no computer lacks what they need


def check_needs(
    console: Console,
    recipe: Recipe,
    walked: Sequence[Found],
    cache_file: str | None,
    *,
    is_told: bool,
) -> None:
    """Say what the photos that a walk found need; UserError where that isn't there.

    It is said of very many, or if it `is_told`. What a cache keeps already counts as room. Changes
    nothing on disk.
    """
    photos = sum(isinstance(found, ImageFile) for found in walked)
    if photos < MANY:
        return
    needs, folder = needs_of(recipe, photos), _folder_of(cache_file)
    if photos >= SAID_FROM or is_told:
        console.say(
            f"{photos:,} photos need about {_size(needs.memory)} of memory, "
            f"and {_size(needs.disk)} in {folder}."
        )
    memory = system.free_memory()
    if memory is not None and memory < needs.memory:
        raise UserError(
            f"{photos:,} photos need about {_size(needs.memory)} of memory and {_size(memory)} "
            "are free; close other programs, or look into fewer folders at once."
        )
    free = shutil.disk_usage(folder).free + bytes_kept(cache_file)
    if free < needs.disk:
        remedy = "name another CACHE_FILE" if cache_file else "set TMPDIR to a folder elsewhere"
        raise UserError(
            f"{photos:,} photos need about {_size(needs.disk)} in {folder} for what is compared "
            f"of them, and {_size(free)} are free; make room, or {remedy}."
        )


def _folder_of(cache_file: str | None) -> str:
    """Where it is kept what was read of photos, for the next run or until this one ends."""
    folder = os.path.dirname(cache_file) if cache_file else ""
    return folder if os.path.isdir(folder) else tempfile.gettempdir()


def _size(count: int) -> str:
    return f"{count / 1e6:,.0f} MB" if count < 1e9 else f"{count / 1e9:,.1f} GB"
