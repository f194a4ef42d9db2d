"""The find by tasks whose candidates come from an index; what that misses is measured each time.

Where the index misses a pair, two pictures that match may be in no group. A sample of the pictures
is compared with all of them, as without an index, and it is counted which of its pairs are found.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from actions.recall import Recall
from extras.cluster import cells, index, tasks
from extras.cluster.engine import TASKS, Block, OnCluster, cut, shown_in
from extras.cluster.files import name_of
from extras.cluster.found import among, by_identity, once_each
from extras.cluster.index import Index
from extras.cluster.rows import Numbers, Part, Rows, part_of, rows_of
from pictures.candidates import DIFFERENT, Candidates, none_among
from pictures.sides import Sides

SAMPLED = 2000  # pictures that are compared with all
PHOTOS_A_GROUP = 1 << 20  # of cells, at most; a worker holds some 0.7 KB of each of two groups
LEAST_GROUPS = 8  # of so many photos that each is worth tasks of its own
PHOTOS_FOR_LEAST = 1 << 13
MOST_FILES = 400  # that a task reads of a group
# From so many pictures on, looks at those whose sketches are less near cost more than all else.
MANY = 30_000_000


def index_for(pictures: int, probes: int) -> Index:
    """The index for so many pictures."""
    groups = max(min(LEAST_GROUPS, pictures // PHOTOS_FOR_LEAST), -(-pictures // PHOTOS_A_GROUP), 1)
    return Index(cells.cells_for(pictures), groups, probes, only_nearer=pictures >= MANY)


@dataclass(frozen=True, slots=True)
class Sample:
    """Some pictures, by their places among all, as a part of their own."""

    photos: Numbers
    part: Part


class ByIndex(OnCluster):
    """A method whose candidates come from an index; `recall` is what that found of a sample."""

    probes = 0

    def _known(self, rows: Rows, photos: Numbers, by_row: Sides | None) -> Candidates:
        """The candidates among photos, in order of their identities, that an index finds."""
        if not len(photos):
            return none_among(0)
        made = index_for(len(photos), self.probes)
        row_of, count = self._rows_now(rows, photos)
        identity = rows.identity[photos]
        found = once_each(
            [
                none_among(count),
                *(
                    by_identity(
                        count, self._work.read(name), identity, row_of[rows.first[photos]], by_row
                    )
                    for name in self._by_cells(identity, made)
                ),
            ]
        )
        self.recall = self._recall(rows, photos, row_of, by_row, found, made)
        return found

    # ---- By cells

    def _by_cells(self, identity: Any, made: Index) -> list[str]:
        """What tasks leave of each group of cells, and of each two; done where it isn't."""
        blocks = [block for block in self._blocks if block.rows]
        centres = self._cells(blocks, identity, made)
        assigned = self._assigned(blocks, centres, made)
        files, given = [*assigned], (made, self._rules, self.recipe, self._versions)
        both = [(one, other) for one in range(made.groups) for other in range(one + 1)]
        pairs = {
            name_of("cells", self._versions, self._rules, files, groups): (
                index.compare_groups,
                (files, list(dict.fromkeys(groups)), *given),
            )
            for groups in both
        }
        if not pairs.keys() <= self._work.names():
            self._done("Assigning", assigned)
            self._done("Comparing", pairs)
        for name in {*files} & self._work.names():  # or they took the room of all looks again
            with contextlib.suppress(FileNotFoundError):
                self._work.remove(name)
        return [*pairs]

    def _cells(self, blocks: Sequence[Block], identity: Any, made: Index) -> str:
        """The name of what says where cells lie, by the first identities, which are random."""
        last = identity[: cells.A_CELL * made.cells][-1]
        given = (bytes(last), self.recipe, self._versions)
        picked = {
            name_of("picked", self._versions, bytes(last), shown_in(block)): block
            for block in blocks
        }
        todo = {name: (index.pick, (block.parts, *given)) for name, block in picked.items()}
        self._done("Picking", todo)
        centres = name_of("centres", self._versions, made.cells, *picked)
        self._done("Finding cells", {centres: (index.find_cells, ([*picked], made.cells))})
        return centres

    def _assigned(
        self, blocks: Sequence[Block], centres: str, made: Index
    ) -> dict[str, tuple[Any, Any]]:
        """What leaves photos in order of cells, a few blocks in a file, by its name."""
        together = cut(
            blocks, -(-len(blocks) // MOST_FILES), lambda block: block.parts[0].name.encode()
        )
        parts = [[part for block in some for part in block.parts] for some in together]
        given = (centres, made, self.recipe, self._versions)
        return {
            name_of("assigned", centres, made, [part.shows for part in some]): (
                index.assign,
                (some, *given),
            )
            for some in parts
        }

    # ---- A sample, compared with all

    def _recall(
        self,
        rows: Rows,
        photos: Numbers,
        row_of: Numbers,
        by_row: Sides | None,
        found: Candidates,
        made: Index,
    ) -> Recall:
        """How many of the pairs of a sample that match are among what was found."""
        sample = self._sample(rows, photos[:SAMPLED])
        exact = [none_among(found.rows)]
        which = row_of[rows.of(sample.photos)[0]]
        for name, block in self._compared_with(sample).items():
            here = np.concatenate([which, row_of[block.begin :][: block.rows] if block else which])
            exact.append(among(found.rows, self._work.read(name), here, by_row))
        owner = np.repeat(np.arange(len(photos)), np.diff(rows.first)[photos])
        pairs, is_found = matching_pairs(once_each(exact), found, owner)
        return Recall(
            pairs, is_found, len(sample.photos), made.probes, made.cells, made.only_nearer
        )

    def _sample(self, rows: Rows, photos: Numbers) -> Sample:
        """The first pictures by their identities, as a part that a task has made of their parts."""
        which, _ = rows.of(photos)
        flags = np.split(rows.flags[which], np.cumsum(np.diff(rows.first)[photos])[:-1])
        columns = {
            "identity": rows.identity[photos].tolist(),
            "flags": [some.tobytes() for some in flags],
            "hashes": [b""] * len(photos),
        }
        shows = part_of("", rows_of(columns)).shows
        name = name_of("sample", self._versions, shows)
        ends, parts = np.array(self._looks.ends), self._looks.parts
        where = np.searchsorted(ends, photos, side="right") - 1
        wanted = [
            (parts[part], (photos[where == part] - ends[part]).tolist())
            for part in np.unique(where).tolist()
        ]
        given = (wanted, columns["identity"], self.recipe, self._versions)
        self._done("Sampling", {name: (index.gather, given)})
        return Sample(photos, Part(name, shows))

    def _compared_with(self, sample: Sample) -> dict[str, Block | None]:
        """What tasks leave of the sample and each block, and of the sample alone."""
        blocks = [None, *(block for block in self._blocks if block.rows)]
        some = {
            name_of(
                "pairs",
                self._versions,
                self._rules,
                [sample.part.shows],
                shown_in(block) if block else None,
            ): block
            for block in blocks
        }
        given = (self._rules, self.recipe, self._versions)
        self._done(
            "Measuring",
            {
                name: (
                    tasks.compare,
                    ([[sample.part], *([block.parts] if block else [])], *given),
                )
                for name, block in some.items()
            },
        )
        return some

    def _done(self, what: str, todo: Mapping[str, Any]) -> None:
        """Have done what isn't there yet, by the names of what is left."""
        there = self._work.names()
        some = {name: task for name, task in todo.items() if name not in there}
        self._do(what, some, dict.fromkeys(some, 1), TASKS)


def matching_pairs(exact: Candidates, found: Candidates, owner: Numbers) -> tuple[int, int]:
    """How many pairs of pictures match by what is exact, and of how many a view is found."""
    seen = np.flatnonzero(~np.isnan(exact.shown) & (exact.shown != DIFFERENT))
    left, right = np.divmod(exact.keys[seen] % exact.rows**2, exact.rows or 1)
    pairs = np.stack([owner[left], owner[right]], axis=1)
    pairs.sort(axis=1)
    is_found = np.isin(exact.keys[seen], found.keys)
    every = np.unique(pairs, axis=0)
    return len(every), len(np.unique(pairs[is_found], axis=0))


def by_index(kind: type[OnCluster], probes: int) -> type[ByIndex]:
    """What does the same as some kind of method, but for its candidates, by so many probes."""
    return type(f"{kind.__name__}ByIndex", (ByIndex, kind), {"probes": probes})
