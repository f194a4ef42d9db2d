"""Whether there is room for a find, said and checked before it begins."""

import shutil
from collections.abc import Sequence

from actions.console import MANY, Console
from config import UserError
from disk import system
from disk.files import ImageFile
from finder import Found
from pictures.kept import count_kept
from pictures.needs import Needs, needs_of
from pictures.recipe import Recipe
from pictures.spool import Place, places_of

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

    It is said of very many, or if it `is_told`. Changes nothing on disk.
    """
    photos = [found for found in walked if isinstance(found, ImageFile)]
    if len(photos) < MANY:
        return
    needs, places = needs_of(recipe, len(photos)), places_of(cache_file)
    if not places:
        raise UserError("there is no folder for temporary files; set TMPDIR to one.")
    place = next((p for p in places if has_room(p, needs.disk)), places[-1])
    takes_disk = place.is_cache or not recipe.only_hash  # hashes alone stay in memory
    if len(photos) >= SAID_FROM or is_told:
        disk = f", and {_disk_of(recipe, len(photos))} in {place.folder}" if takes_disk else ""
        console.say(f"{len(photos):,} photos need about {_size(needs.memory)} of memory{disk}.")
    _check_memory(needs, len(photos))
    if takes_disk and not has_room(place, needs.disk):
        kept = count_kept(cache_file, photos, recipe) if cache_file and place.is_cache else 0
        if (new := len(photos) - kept) >= MANY:
            _check_disk(place, needs_of(recipe, new).disk, new)


def has_room(place: Place, size: int) -> bool:
    """Whether so many bytes fit in a folder, beside what is left free there."""
    disk = shutil.disk_usage(place.folder)
    unknown = disk.total == 0  # some file systems don't tell
    return unknown or disk.free >= size + place.left_free


def _check_memory(needs: Needs, photos: int) -> None:
    """Raise UserError where programs have taken too much memory."""
    memory = system.free_memory()
    if memory is not None and memory < needs.memory:
        raise UserError(
            f"{photos:,} photos need about {_size(needs.memory)} of memory and {_size(memory)} "
            "are free; close other programs, or look into fewer folders at once."
        )


def _check_disk(place: Place, size: int, photos: int) -> None:
    """Raise UserError where a folder has no room for what isn't kept yet of so many photos."""
    if has_room(place, size):
        return
    free = shutil.disk_usage(place.folder).free
    remedy = "name another CACHE_FILE" if place.is_cache else "set TMPDIR to a folder elsewhere"
    raise UserError(
        f"{photos:,} photos need about {_size(size)} in {place.folder} for what is compared of "
        f"them, and {_size(free)} are free, of which {_size(place.left_free)} are left to "
        f"others; make room, or {remedy}."
    )


def _disk_of(recipe: Recipe, photos: int) -> str:
    usual, most = (needs_of(recipe, photos, are_pages=pages).disk for pages in (False, True))
    return _size(usual) + (f" (up to {_size(most)} if all are pages)" if most > usual else "")


def _size(count: int) -> str:
    return f"{count / 1e6:,.0f} MB" if count < 1e9 else f"{count / 1e9:,.1f} GB"
