"""How much a cache has of some photos, before it is opened."""

import contextlib
import sqlite3
from collections.abc import Sequence
from dataclasses import replace

from disk.files import ImageFile
from pictures import database
from pictures.queries import MAY_HAVE_MOVED
from pictures.recipe import Recipe
from pictures.rows import Row, list_here, rows_of

KEPT = f"""
SELECT DISTINCT h.number FROM temp.here h JOIN files f ON {MAY_HAVE_MOVED}
JOIN methods w ON w.name = ? AND w.version = ?
JOIN made m ON m.method = w.id AND m.digest = f.digest
"""


def count_kept(cache_file: str, files: Sequence[ImageFile], recipe: Recipe) -> int:
    """Of how many photos a cache has what a recipe makes, so that they take no more room.

    None of a cache that can't be read. Changes nothing on disk.
    """
    try:
        with contextlib.closing(database.connect_to_read(cache_file)) as connection:
            list_here(connection, files)
            return len(_kept(connection, recipe))
    except (sqlite3.Error, OSError, UnicodeDecodeError):
        return 0


def _kept(connection: sqlite3.Connection, recipe: Recipe) -> set[int]:
    """The numbers of the photos that are known, be it by their thumbnails."""
    rows = rows_of(recipe)
    kept = _with(connection, rows.look)
    if recipe.may_begin_small:
        kept |= _with(connection, rows_of(replace(recipe, by_thumbnail=True)).look)
    return kept & _with(connection, rows.embedding) if rows.embedding else kept


def _with(connection: sqlite3.Connection, row: Row) -> set[int]:
    return {number for (number,) in connection.execute(KEPT, (row.name, row.version))}
