"""What workers do: each task reads files, and leaves one; none waits for another one's memory."""

import contextlib
import multiprocessing
import os
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

import finder
from config import UserError
from disk.files import ImageFile
from extras.cluster.colours import told_by_colours
from extras.cluster.files import Work
from extras.cluster.found import rows_in
from extras.cluster.rows import (
    ROWS,
    Looks,
    Numbers,
    Part,
    Rows,
    columns_of,
    gated,
    joined,
    table_from,
)
from pictures import matching
from pictures.candidates import Candidates, Search
from pictures.crowds import Known
from pictures.images import Hashed, Unreadable
from pictures.presets import Rules
from pictures.recipe import Recipe
from pictures.remembered import SEARCH
from pictures.rows import made_by
from pictures.table import Pairs, Table

NO_NANNY = "start them with --no-nanny, or with DASK_DISTRIBUTED__WORKER__DAEMON=False set"
KINDS = {"turn": "u1", "left": "i4", "right": "i4", "distance": "i2", "shown": "f4"}
Found = dict[str, NDArray[Any]]


def versions(recipe: Recipe) -> str:
    """All that decides what comes of a task, besides the photos."""
    return f"{made_by(recipe)}, rows {ROWS}, search {SEARCH}, NumPy {np.__version__}"


def check_worker(recipe: Recipe, expected: str, folder: str) -> None:
    """Raise UserError on a worker that would find something else than the others."""
    host = socket.gethostname()
    with packages_on(host):
        found = versions(recipe)
    if found != expected:
        raise UserError(f"{host} has {found}, and here is {expected}; install the same there.")
    if multiprocessing.current_process().daemon:
        raise UserError(f"workers on {host} may start no process; {NO_NANNY}.")
    if folder and not os.path.isdir(folder):
        raise UserError(f"{host} has no folder {folder}; mount there what lies there here.")


@contextlib.contextmanager
def packages_on(host: str) -> Iterator[None]:
    """Raise UserError where a package is missing on a worker."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UserError(f"{host} has no package {error.name}; install the same there.") from error


def hash_part(
    work: Work,
    name: str,
    files: Sequence[ImageFile],
    recipe: Recipe,
    expected: str,
    asked: Any = None,
) -> int:
    """Hash some photos, in a process of their own with its limits; how many are unreadable.

    A model that is asked sees them here.
    """
    check_worker(recipe, expected, os.path.dirname(files[0].path))
    hashed = seen_by(asked, recipe, finder.hash_files(files, recipe, 1))
    results = {result.file.path: result for result in hashed}
    work.write(name, columns_of([results[file.path] for file in files]))
    return sum(isinstance(result, Unreadable) for result in results.values())


def seen_by(asked: Any, recipe: Recipe, results: Iterable[Hashed]) -> Iterator[Hashed]:
    """Photos with what a model makes of them, if one is asked; UserError if it is another one."""
    if asked is None:
        return iter(results)
    with packages_on(socket.gethostname()):
        from extras import embeddings  # with OpenCV, which other methods do without

        model = _loaded(asked)
    if model.name != recipe.model:
        raise UserError(
            f"the model {asked.name} of {socket.gethostname()} is another one, or makes other "
            "vectors; install the same there."
        )
    return embeddings.embedded(results, model, 1)


@lru_cache(maxsize=1)
def _loaded(asked: Any) -> Any:
    from extras import network

    return network.loaded(asked)


def compare(
    work: Work, name: str, blocks: Sequence[Sequence[Part]], rules: Rules, recipe: Recipe, made: str
) -> int:
    """Compare the photos of a block, or of two with each other; how many candidates there are.

    Of each candidate it is said what a look showed, unless none was needed here. Rows are told by
    their place among those of both blocks.
    """
    check_worker(recipe, made, "")
    parts = [[gated(work, part) for part in block] for block in blocks]
    rows = joined([part for block in parts for part in block])
    sizes = (len(part.identity) for block in parts for part in block)
    looks = Looks(work, zip((part for block in blocks for part in block), sizes, strict=True))
    shown, photos = np.unique(rows.identity, return_index=True)
    photos = photos[shown != b""]  # in the order of their identities
    block = photos >= sum(len(part.identity) for part in parts[0])
    sides = [np.flatnonzero(block == side) for side in range(len(blocks))]
    found = list(_among(rows, looks, photos, sides, rules))
    columns = {
        key: np.concatenate([np.zeros(0, kind), *(some[key].astype(kind) for some in found)])
        for key, kind in KINDS.items()
    }
    work.write(name, columns)
    return len(columns["turn"])


class _TooMany(Exception):
    """More candidates than can be put in order at once."""


class _InOrder(Search):
    """A search whose candidates are put in order, and made ready for a look."""

    ready: Callable[[Candidates], Candidates]

    def pairs(self) -> Iterator[Pairs]:
        waiting = True
        for pairs in super().pairs():
            if self.ordered is None:
                raise _TooMany
            if waiting:
                self.ordered = self.ready(self.ordered)
                waiting = False
            yield pairs


def ready(found: Candidates, table: Table, rows: Rows, photos: Numbers, looks: Looks) -> Candidates:
    """Candidates of a table of some photos, ready for a look where their colours tell nothing."""
    found = told_by_colours(found, table, lambda some: rows.colour[photos[table.owner[some]]])
    unseen = np.isnan(found.shown)
    asked = replace(found, keys=found.keys[unseen])
    looks.hold(np.unique(photos[table.owner[rows_in(asked)]]))
    return found


def _among(
    rows: Rows, looks: Looks, photos: Numbers, sides: Sequence[Numbers], rules: Rules
) -> Iterator[Found]:
    """The candidates among some photos, by their places, or between two sides of them.

    In a crowd of look-alikes there are too many, so each side is halved.
    """
    places = np.sort(np.concatenate(sides))
    table, which = table_from(rows, looks, photos[places])
    apart = np.isin(places, sides[1]).astype(int) if len(sides) > 1 else None
    search = _InOrder(table, rules, apart, made=rows.frequencies(which))
    search.ready = lambda found: ready(found, table, rows, photos[places], looks)
    try:
        for _ in matching.looked_at(table, search, Known(len(places))):
            pass
    except _TooMany:
        halves = [np.array_split(side, 2) for side in sides]
        if len(sides) > 1:
            smaller = [[one, other] for one in halves[0] for other in halves[1]]
        else:
            smaller = [[halves[0][0]], [halves[0][1]], halves[0]]
        for some in smaller:
            yield from _among(rows, looks, photos, some, rules)
        return
    if found := search.ordered:
        turn, pair = np.divmod(found.keys, found.rows**2 or 1)
        left, right = (which[side] for side in np.divmod(pair, found.rows or 1))
        yield dict(zip(KINDS, (turn, left, right, found.distance, found.shown), strict=True))
