"""What workers do where candidates come from an index: cells of near sketches (`cells.py`).

Tasks find where cells lie; bring the photos of a few blocks into an order by groups of cells, with
all that is compared of them; and compare two groups, each photo with those in the cells in which it
is searched. Other tasks compare a sample with every photo, as without an index.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config import UserError
from extras.cluster import cells
from extras.cluster.files import Work
from extras.cluster.found import once_each
from extras.cluster.rows import (
    FRAMED,
    OF_LOOKS,
    OF_ROWS,
    Looks,
    Numbers,
    Packed,
    Part,
    Rows,
    gated,
    joined,
    rows_of,
    table_from,
)
from extras.cluster.tasks import check_worker, ready
from pictures import bandpass, matching
from pictures.candidates import Candidates, Search, candidates, keys_of, none_among
from pictures.crowds import Known
from pictures.exhaustive import in_all
from pictures.images import SEVERAL
from pictures.presets import Rules
from pictures.recipe import Recipe
from pictures.sketch import KEPT, cosines
from pictures.table import Pairs, Table
from pictures.verify import CLOSE

AT_HAND = 1 << 16  # candidates whose looks are read together, into some 10 KB each
PICKED = 16 + len(KEPT)  # bytes: an identity and a sketch
OF_CELLS = ("homes", "probed")
# Of edits of 30 photos this keeps .991, and a seventh of what are candidates by chance.
NEARER_COSINE, COSINE_A_BIT = 0.07, 0.005


@dataclass(frozen=True, slots=True)
class Index:
    """How candidates are found: by how many cells, in how many groups, by how many probes.

    Perhaps `only_nearer` sketches count of upright pictures that aren't close by their hashes.
    """

    cells: int
    groups: int
    probes: int
    only_nearer: bool = False

    @property
    def turned_probes(self) -> int:
        """In how many cells a picture is searched for each turn of it."""
        return -(-self.probes // cells.UPRIGHT_PROBES)


# ---- Where cells lie


def pick(
    work: Work, name: str, parts: Sequence[Part], last: bytes, recipe: Recipe, made: str
) -> int:
    """Leave the sketches of a block's photos whose identities come no later than the last one."""
    check_worker(recipe, made, "")
    rows = joined([gated(work, part) for part in parts])
    photos = np.flatnonzero((rows.identity != b"") & (rows.identity <= last))
    which, owner = rows.of(photos)
    identity = rows.identity[photos].view(np.uint8).reshape(len(photos), -1)[owner]
    sketches = rows.frequencies(which).sketches.view(np.uint8)
    picked = np.concatenate([identity, sketches], axis=1)
    work.write(name, {"picked": [row.tobytes() for row in picked]})
    return len(photos)


def find_cells(work: Work, name: str, picked: Sequence[str], count: int) -> int:
    """Leave the centres of so many cells, found by what was picked of all blocks."""
    every = b"".join(one for name in picked for one in work.read(name)["picked"])
    ordered = np.unique(np.frombuffer(every, np.uint8).reshape(-1, PICKED), axis=0)
    centres = cells.centres_of(ordered[:, -len(KEPT) :].view(np.int8), count)
    work.write(name, {"centre": [row.tobytes() for row in centres]})
    return len(centres)


def centres_in(work: Work, name: str) -> cells.Vectors:
    """The centres of cells that were found."""
    found = work.read(name)["centre"]
    return np.frombuffer(b"".join(found), np.float32).reshape(len(found), -1)


def gather(
    work: Work,
    name: str,
    wanted: Sequence[tuple[Part, Sequence[int]]],
    identities: Sequence[bytes],
    recipe: Recipe,
    made: str,
) -> int:
    """Leave photos of some parts, by their places there, as a part in order of identities."""
    check_worker(recipe, made, "")
    columns: dict[str, list[Any]] = {key: [] for key in (*OF_ROWS, *OF_LOOKS)}
    for part, places in wanted:
        gated(work, part)  # it shows what it should
        for key, column in work.read(part.name, *columns).items():
            columns[key] += column[places].tolist()
    place = {one.rstrip(b"\0"): place for place, one in enumerate(identities)}
    order = np.argsort([place[one.rstrip(b"\0")] for one in columns["identity"]])
    work.write(name, {key: [column[n] for n in order] for key, column in columns.items()})
    return len(order)


# ---- Which cells a photo is in, and in which it is searched


def assign(
    work: Work,
    name: str,
    parts: Sequence[Part],
    found: str,
    index: Index,
    recipe: Recipe,
    made: str,
) -> int:
    """Leave photos in order of the groups of cells in which they are, with their looks."""
    check_worker(recipe, made, "")
    rows, centres = joined([gated(work, part) for part in parts]), centres_in(work, found)
    homes, probed = cells_of(rows, centres, index)
    photos, ends = _by_group(rows, homes, index.groups)
    columns = {
        key: np.concatenate(some)[photos].tolist()
        for key, some in _columns(work, parts, (*OF_ROWS, *OF_LOOKS)).items()
    }
    bounds = zip(rows.first[photos].tolist(), rows.first[photos + 1].tolist(), strict=True)
    columns["homes"] = [homes[first:last].tobytes() for first, last in bounds]
    columns["probed"] = [probed[photo].tobytes() for photo in photos.tolist()]
    work.write(name, columns, ends)
    return len(photos)


def _columns(
    work: Work, parts: Sequence[Part], names: Sequence[str]
) -> Mapping[str, list[NDArray[Any]]]:
    read = [work.read(part.name, *names) for part in parts]
    return {name: [columns[name] for columns in read] for name in names}


def cells_of(
    rows: Rows, centres: cells.Vectors, index: Index
) -> tuple[cells.Numbers, list[cells.Numbers]]:
    """The cell of each row; and of each photo, the cells in which it is searched.

    Those are the nearest ones to each of its views, and to all of it in each way to turn it.
    """
    vectors = cells.vectors(rows.frequencies(np.arange(len(rows.flags))).sketches)
    homes = cells.nearest(vectors, centres, 1)[:, 0]
    upright = cells.nearest(vectors, centres, index.probes)
    whole = np.flatnonzero(rows.flags & FRAMED == 0)
    turned = cells.nearest_to_turned(vectors[whole], centres, index.turned_probes)
    owner = np.repeat(np.arange(len(rows.identity)), np.diff(rows.first))
    keys = [
        (owner[of][:, None] * len(centres) + found).ravel()
        for of, found in ((slice(None), upright), (whole, turned))
    ]
    photo, cell = np.divmod(each_once(np.concatenate(keys)), max(1, len(centres)))
    bounds = np.searchsorted(photo, np.arange(1, len(rows.identity)))
    return homes, np.split(cell.astype(np.int32), bounds)


def each_once(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers in order, each once: sorted in a tenth of the time that `np.unique` takes."""
    keys = np.sort(keys)
    new = np.ones(len(keys), np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=new[1:])
    return keys[new]


def _by_group(rows: Rows, homes: cells.Numbers, groups: int) -> tuple[Numbers, list[int]]:
    """Photos by the groups of cells in which a view of them is; and where each group ends."""
    owner = np.repeat(np.arange(len(rows.identity)), np.diff(rows.first))
    group, photos = np.unique(np.stack([homes % groups, owner]), axis=1)
    return photos, np.searchsorted(group, np.arange(groups), side="right").tolist()


# ---- Two groups of cells, compared


class Chunks(Looks):
    """The looks of the photos in some chunks of files, which are read when they are wanted."""

    def __init__(
        self, work: Work, chunks: Sequence[tuple[str, int]], photos: Sequence[int]
    ) -> None:
        """The chunks have so many photos each."""
        super().__init__(work)
        self._chunks, self.ends = chunks, [0, *accumulate(photos)]

    def _packed(self, which: int) -> Packed:
        file, group = self._chunks[which]
        columns = self._work.read(file, *OF_LOOKS, some=group)
        return columns["look"], columns["pictures"]


@dataclass(frozen=True, slots=True)
class InCells:
    """Photos of two groups of cells, or of one, in order of their identities.

    `homes` and `probes` have a cell and the place of a photo in each row: where a view of it is,
    and where it is searched. `sides` says of each photo whether it is in the groups.
    """

    rows: Rows
    photos: Numbers
    homes: NDArray[np.intp]
    probes: NDArray[np.intp]
    sides: NDArray[np.bool_]


def compare_groups(
    work: Work,
    name: str,
    files: Sequence[str],
    groups: Sequence[int],
    index: Index,
    rules: Rules,
    recipe: Recipe,
    made: str,
) -> int:
    """Compare the photos of a group of cells, or of two with each other, by cells.

    Leaves each candidate with what a look showed, unless none was needed here; rows are told by the
    identity of their photo, and a byte for the view.
    """
    check_worker(recipe, made, "")
    chunks = [(file, group) for group in groups for file in files]
    try:
        return _compared(work, name, chunks, groups, index, rules)
    except FileNotFoundError as error:  # the one that has compared all removes them
        raise UserError("another find with this --work has ended; run it again.") from error


def _compared(
    work: Work,
    name: str,
    chunks: Sequence[tuple[str, int]],
    groups: Sequence[int],
    index: Index,
    rules: Rules,
) -> int:
    there, looks = _in_cells(work, chunks, groups, index)
    table, which = table_from(there.rows, looks, there.photos)
    found = []
    for some in _found(there, looks, table, which, groups, index, rules):
        some = ready(some, table, there.rows, there.photos, looks)
        found.append(_looked_at(table, some, rules))
    work.write(name, _columns_of(found, there, table, which))
    return sum(len(some.keys) for some in found)


def _in_cells(
    work: Work, chunks: Sequence[tuple[str, int]], groups: Sequence[int], index: Index
) -> tuple[InCells, Chunks]:
    read = [work.read(file, *OF_ROWS, *OF_CELLS, some=group) for file, group in chunks]
    sizes = [len(columns["identity"]) for columns in read]
    rows = joined([rows_of(columns) for columns in read])
    shown, photos, place = np.unique(rows.identity, return_index=True, return_inverse=True)
    files = len(chunks) // len(groups)
    sides = np.zeros((len(groups), len(shown)), np.bool_)
    sides[np.repeat(np.arange(len(chunks)) // files, sizes), place] = True
    homes, probes = (
        _cell_by_cell(np.concatenate([columns[key] for columns in read])[photos], groups, index)
        for key in OF_CELLS
    )
    return InCells(rows, photos, homes, probes, sides), Chunks(work, chunks, sizes)


def _cell_by_cell(of_photos: NDArray[Any], groups: Sequence[int], index: Index) -> NDArray[np.intp]:
    """A cell of some groups and the place of a photo in each row, in order of cells, each once."""
    cell = np.frombuffer(b"".join(of_photos), np.int32)
    sizes = [len(some) // cell.itemsize for some in of_photos]
    place = np.repeat(np.arange(len(of_photos), dtype=np.int32), sizes)
    asked = np.isin(cell % index.groups, groups)  # the others are nearly all
    keys = each_once(cell[asked].astype(np.int64) * len(of_photos) + place[asked])
    return np.stack(np.divmod(keys, max(1, len(of_photos))), axis=1)


def _found(
    there: InCells,
    looks: Looks,
    table: Table,
    which: Numbers,
    groups: Sequence[int],
    index: Index,
    rules: Rules,
) -> Iterator[Candidates]:
    """The candidates among photos of groups, each once, so many at a time as can be looked at."""
    row_now = np.full(len(there.rows.flags), -1)
    row_now[which] = np.arange(len(which))
    found, count = list[Candidates](), 0
    every = list(_cell_after_cell(there, groups, index))
    # A worker compares each group with some others, and what it compiles is there for all of them.
    pairs = sum(len(members) * (len(members) // 2 + len(queries)) for members, queries in every)
    pairs *= index.groups
    for members, queries in every:
        with in_all(pairs):
            some = list(_in_a_cell(there, looks, row_now, table, members, queries, index, rules))
        found += some
        count += sum(len(one.keys) for one in some)
        if count >= AT_HAND:
            yield once_each(found)
            found, count = [], 0
    if count:
        yield once_each(found)


def _cell_after_cell(
    there: InCells, groups: Sequence[int], index: Index
) -> Iterator[tuple[Numbers, Numbers]]:
    """The photos in each cell of two groups, and those of the other group that are searched there.

    Within one group they are those of the same group.
    """
    for side, group in enumerate(groups):
        others = there.sides[len(groups) - 1 - side]
        for cell in range(group, index.cells, index.groups):
            members, queries = (
                some[slice(*np.searchsorted(some[:, 0], [cell, cell + 1])), 1]
                for some in (there.homes, there.probes)
            )
            queries = np.setdiff1d(queries[others[queries]], members)
            if len(members) and (len(queries) or len(groups) == 1):
                yield members, queries


def _in_a_cell(
    there: InCells,
    looks: Looks,
    row_now: Numbers,
    table: Table,
    members: Numbers,
    queries: Numbers,
    index: Index,
    rules: Rules,
) -> Iterator[Candidates]:
    """The candidates among the photos in a cell, in their own group, and with some others."""
    places = np.sort(np.concatenate([members, queries]))
    small, which = table_from(there.rows, looks, there.photos[places])
    alone = SEVERAL if len(there.sides) == 1 else 1
    sides = np.where(np.isin(places, members), alone, 0)[small.owner]
    made = there.rows.frequencies(which)
    for pairs in candidates(small, rules, sides, made=made):
        if pairs.turn == "upright" and index.only_nearer:
            alike = cosines(made.sketches[pairs.left], made.sketches[pairs.right])
            pairs = pairs.where(are_nearer(alike, pairs.distance))
        left, right = row_now[which[pairs.left]], row_now[which[pairs.right]]
        everywhere = Pairs(left, right, pairs.distance, pairs.turn)
        unseen = np.full(len(left), np.nan, np.float32)
        keys = keys_of(len(table.owner), everywhere, bandpass.WAYS)
        yield Candidates(len(table.owner), keys, pairs.distance.astype(np.int16), unseen)


def are_nearer(cosine: NDArray[np.floating[Any]], distance: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether pairs are close by their hashes, or have sketches the nearer, the less close."""
    return (distance <= CLOSE) | (cosine >= NEARER_COSINE + COSINE_A_BIT * distance)


def _looked_at(table: Table, found: Candidates, rules: Rules) -> Candidates:
    """Candidates with what a look at them shows, but where others tell enough."""
    search = Search(table, rules, None, found, np.zeros(len(table.owner), np.bool_))
    for _ in matching.looked_at(table, search, Known(int(table.owner[-1]) + 1)):
        pass
    assert search.ordered
    return search.ordered


def _columns_of(
    found: Sequence[Candidates], there: InCells, table: Table, which: Numbers
) -> dict[str, Any]:
    """Candidates as a result has them."""
    every = once_each([none_among(len(table.owner)), *found])
    turn, pair = np.divmod(every.keys, every.rows**2 or 1)
    first = there.rows.first[there.photos]
    told = [
        np.concatenate(
            [
                there.rows.identity[there.photos[table.owner]].view(np.uint8).reshape(-1, 16),
                (which - first[table.owner]).astype(np.uint8)[:, None],
            ],
            axis=1,
        )[side]
        for side in np.divmod(pair, every.rows or 1)
    ]
    left, right = ([row.tobytes() for row in side] for side in told)
    return {
        "turn": turn.astype(np.uint8),
        "left": left,
        "right": right,
        "distance": every.distance,
        "shown": every.shown,
    }
