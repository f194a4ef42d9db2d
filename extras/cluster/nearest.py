"""What is found beyond hashes by tasks: words and vectors propose pairs, and points decide.

What tasks leave of two blocks of pictures are the nearest of each in the other one. Of all of these
the driver keeps, for each picture, how near one must be to count, and reads them again by that.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extras import vectors
from extras.cluster import near_tasks
from extras.cluster.files import Work, name_of
from extras.cluster.near_tasks import LISTED, Stand
from extras.cluster.ranks import (
    Batch,
    Ranks,
    Scores,
    either,
    highest,
    in_order,
    in_runs,
    joined,
    nearest_first,
    no_pairs,
    unscored,
    where,
)
from extras.cluster.rows import PAGE, Looks, Numbers, Part, Rows
from extras.embeddings import limits_of
from extras.points import words
from extras.points.matching import PROPOSED, most_alike_framed, standing_for_all
from extras.points.remembered import PROOF, shown_in
from grouping import EMBEDDING, POINTS, Match
from pictures.recipe import Recipe
from pictures.sides import Sides, lie_apart

PARTS_TOGETHER = 16  # some 8,000 photos; words of two times as many take some 350 MB
PAIRS_A_TASK, FEWEST_PAIRS = 2000, 250
IDENTITY_BYTES = KEY_BYTES = 16
ASKED = "asked-"
Given = tuple[Callable[..., int], tuple[object, ...]]
# Has tasks done, by the names of what they leave; of each it is said how many of a unit it does.
Do = Callable[[str, Mapping[str, Given], Mapping[str, int], str], None]


@dataclass(frozen=True, slots=True)
class Stands:
    """Rows that are compared with each other, in the order of all: where each lies, and in which.

    `number` is the picture of each row, `rows` are those of each stand.
    """

    number: Numbers
    stands: list[Stand]
    rows: list[Numbers]


@dataclass(frozen=True, slots=True)
class Pictures:
    """The distinct pictures of a find in their order, and the files of each.

    `first` is the first file of each picture. `files` are all, those of a picture one after the
    other; `number` is the picture of each file, `photo` where it lies among those of all parts, or
    -1 without a look, and `digests` are those of the files.
    """

    first: Numbers
    files: Numbers
    number: Numbers
    photo: Numbers
    digests: Sequence[str]
    sides: Sides | None


class Beyond:
    """Finds what words, vectors and points of some pictures tell, by tasks."""

    def __init__(
        self,
        work: Work,
        do: Do,
        looks: Looks,
        rows: Rows,
        runs: Sequence[Sequence[Part]],
        pictures: Pictures,
        made: tuple[Recipe, str],
    ) -> None:
        self._work, self._do, self._looks, self._rows = work, do, looks, rows
        self._runs, self._pictures, self._made = runs, pictures, made
        self._size = len(pictures.first)
        self._photo = pictures.photo[pictures.first].astype(np.int32)
        self._picture = np.full(len(rows.identity), -1, np.int32)  # of each of these photos
        there = np.flatnonzero(self._photo >= 0)
        self._picture[self._photo[there]] = there

    def by_points(self, found: Sequence[Match]) -> list[Match]:
        """What points alone prove, of pictures of which some matches were found."""
        pairs = self._unknown(self._by_words(self._standing(found)), found)
        framed = unscored(most_alike_framed(found, lambda number: self._photo[number] >= 0))
        proven = self._proven(chain(pairs, [framed]))
        return in_order(match for match, holds, _ in proven if holds)

    def by_model(self, found: Sequence[Match], sure: float) -> list[Match]:
        """What a model proposes, and points prove, or bear out where it is sure."""

        def matches() -> Iterator[Match]:
            pairs = self._unknown(self._by_vectors(self._standing(found), sure), found)
            for match, holds, cosine in self._proven(pairs):
                if holds:
                    yield match
                elif cosine >= sure:
                    yield replace(match, correlation=cosine, view=EMBEDDING)

        return in_order(matches())

    # ---- What is proposed

    def _standing(self, found: Sequence[Match]) -> Numbers:
        standing = standing_for_all(self._size, found, self._pictures.sides)
        return standing[self._photo[standing] >= 0]

    def _unknown(self, pairs: Iterable[Batch], found: Sequence[Match]) -> Iterator[Batch]:
        """Pairs of pictures that weren't found already."""
        known = np.unique([match.left * self._size + match.right for match in found]).astype(int)
        for left, right, score in pairs:
            keys = left * self._size + right
            place = np.searchsorted(known, keys)
            yield where((left, right, score), np.append(known, -1)[place] != keys)

    def _by_words(self, numbers: Numbers) -> Iterator[Batch]:
        """The pairs of some pictures that are near by words; of a few all are."""
        if len(numbers) <= PROPOSED + 1:
            few = unscored(combinations(numbers.tolist(), 2))
            yield where(few, lie_apart(self._pictures.sides, *few[:2]))
            return
        some = self._stands(numbers, self._pictures.first[numbers])
        given = (self._telling(some),)
        results = self._compared("words", near_tasks.near_by_words, some, given, words.NEAR)
        (near,) = self._ranked(some, results, [PROPOSED], None)
        drawn = self._drawn(self._pictures.photo[self._pictures.first[numbers]])

        def documents(batch: Batch) -> NDArray[np.bool_]:
            left, right, _ = batch
            return drawn[left] & drawn[right] & either(near, batch)

        (nearest,) = self._ranked(some, results, [words.OF_DOCUMENTS], documents)
        for pair in results:
            left, right, score = batch = self._read(some, results, pair)
            kept = either(near, batch)
            kept &= ~(drawn[left] & drawn[right]) | either(nearest, batch)
            yield where((numbers[left], numbers[right], score), kept)

    def _telling(self, some: Stands) -> str:
        """The result that tells what words tell, by how often each comes in all pictures."""
        recipe, made = self._made
        names = [name_of("counts", made, words.NEAR, stand) for stand in some.stands]
        todo = {
            name: (near_tasks.count_words, (stand, recipe, made))
            for name, stand in zip(names, some.stands, strict=True)
        }
        sizes = {name: len(rows) for name, rows in zip(names, some.rows, strict=True)}
        self._do_new("Counting words", todo, sizes, " pictures")
        telling = words.telling_by(
            words.joined(near_tasks.counts_in(self._work.read(name)) for name in names)
        )
        columns = {"of_documents": telling.of_documents, "weights": telling.weights}
        return self._left("telling", columns)

    def _by_vectors(self, standing: Numbers, sure: float) -> Iterator[Batch]:
        """The pairs of some pictures whose vectors are near, with the highest cosine of each."""
        files = self._with_vectors(standing)
        numbers = self._pictures.number[files]
        some, limits = self._stands(numbers, files), limits_of(sure)
        given = (sure,)
        results = self._compared("vectors", near_tasks.near_by_vectors, some, given, vectors.NEAR)
        counts = [vectors.OF_ALIKE, limits.nearest, vectors.MOST]
        few, nearest, most = self._ranked(some, results, counts, None)
        drawn = self._drawn(self._pictures.photo[files])

        def are_near(rows: Numbers, others: Numbers, cosines: Scores) -> NDArray[np.bool_]:
            close = (cosines >= limits.close) & most.hold(rows, others, cosines)
            close |= (cosines >= limits.least) & nearest.hold(rows, others, cosines)
            return close & (few.hold(rows, others, cosines) | ~(drawn[rows] & drawn[others]))

        several = np.bincount(numbers, minlength=self._size) > 1
        again: list[Batch] = []  # pairs of pictures that may come again
        for pair in results:
            left, right, cosines = self._read(some, results, pair)
            near = are_near(left, right, cosines) | are_near(right, left, cosines)
            found = where((numbers[left], numbers[right], cosines), near)
            may_come = several[found[0]] | several[found[1]]
            again.append(where(found, may_come))
            yield where(found, ~may_come)
        yield highest(again, self._size)

    def _with_vectors(self, standing: Numbers) -> Numbers:
        """The files of some pictures, in order, with each of their vectors; any file's counts."""
        pictures, stands = self._pictures, np.zeros(self._size, np.bool_)
        stands[standing] = True
        files = pictures.files[stands[pictures.number[pictures.files]]]
        seen = [self._work.read(part.name, "seen")["seen"] for part in self._looks.parts]
        vector = np.concatenate([np.zeros(0, "S16"), *(some.astype("S16") for some in seen)])
        vector = vector[pictures.photo[files]]
        there = np.flatnonzero(vector != b"")
        both = np.rec.fromarrays([pictures.number[files[there]], vector[there]])
        _, first = np.unique(both, return_index=True)
        return files[there[np.sort(first)]]

    # ---- What is compared

    def _drawn(self, photos: Numbers) -> NDArray[np.bool_]:
        drawn: NDArray[np.bool_] = self._rows.flags[self._rows.first[photos]] & PAGE > 0
        return drawn

    def _stands(self, numbers: Numbers, files: Numbers) -> Stands:
        """Rows, in order, by the runs of parts in which their photos lie."""
        photos = self._pictures.photo[files]
        ends = np.cumsum([0, *map(len, self._runs)])
        begins = np.array(self._looks.ends)[ends]  # of each run, its first photo
        run_of = np.searchsorted(begins, photos, "right") - 1
        stands, rows, drawn = list[Stand](), list[Numbers](), self._drawn(photos)
        for run, parts in enumerate(map(tuple, self._runs)):
            if not len(some := np.flatnonzero(run_of == run)):
                continue
            columns: dict[str, Any] = {
                "photo": (photos[some] - begins[run]).astype(np.int32),
                "key": [self._key(file) for file in files[some].tolist()],
                "drawn": drawn[some],
            }
            if self._pictures.sides is not None:
                columns["side"] = self._pictures.sides[numbers[some]]
            stands.append(Stand(parts, self._left("stand", columns, parts)))
            rows.append(some)
        return Stands(numbers, stands, rows)

    def _key(self, file: int) -> bytes:
        """What a file is told by: what it shows, and its digest; by this all are put in order."""
        shown = self._rows.identity[self._pictures.photo[file]].ljust(IDENTITY_BYTES, b"\0")
        return bytes(shown) + bytes.fromhex(self._pictures.digests[file])

    def _left(self, kind: str, columns: Mapping[str, Any], *made_of: object) -> str:
        """Leave a result for tasks; its name tells what is in it."""
        told = hashlib.blake2b(digest_size=16)
        for column in columns.values():
            told.update(column.tobytes() if isinstance(column, np.ndarray) else b"".join(column))
        name = name_of(kind, told.hexdigest(), *made_of)
        self._work.write(name, columns)
        return name

    def _do_new(
        self, what: str, todo: Mapping[str, Given], sizes: Mapping[str, int], unit: str
    ) -> None:
        there = self._work.names()
        new = {name: given for name, given in todo.items() if name not in there}
        self._do(what, new, sizes, unit)

    def _compared(
        self,
        kind: str,
        do: Callable[..., int],
        some: Stands,
        given: tuple[object, ...],
        number: int,
    ) -> dict[tuple[int, int], str]:
        """What tasks leave of each stand, and of each two, by name."""
        (recipe, made), stands = self._made, some.stands
        names, todo, sizes = dict[tuple[int, int], str](), dict[str, Given](), dict[str, int]()
        for one, first in enumerate(stands):
            for other in range(one + 1):
                both = [first] if one == other else [first, stands[other]]
                name = names[one, other] = name_of(f"near-{kind}", made, number, given, both)
                todo[name] = do, (both, *given, recipe, made)
                sizes[name] = len(some.rows[one]) * len(some.rows[other])
        self._do_new(f"Comparing {kind}", todo, sizes, " pairs")
        return names

    def _read(
        self, some: Stands, results: Mapping[tuple[int, int], str], pair: tuple[int, int]
    ) -> Batch:
        """What a task has left of two stands, as rows of all."""
        columns, both = self._work.read(results[pair]), dict.fromkeys(pair)
        rows = np.concatenate([some.rows[stand] for stand in both])
        return rows[columns["left"]], rows[columns["right"]], columns["score"]

    def _ranked(
        self,
        some: Stands,
        results: Mapping[tuple[int, int], str],
        counts: Sequence[int],
        counting: Callable[[Batch], NDArray[np.bool_]] | None,
    ) -> list[Ranks]:
        """How near one must be to be among so many nearest of each row, of the pairs that count."""
        size = len(some.number)
        ranks = [Ranks(size, count) for count in counts]
        for stand, rows in enumerate(some.rows):
            own, best = np.zeros(size, np.bool_), no_pairs()
            own[rows] = True
            for other in range(len(some.rows)):
                batch = self._read(some, results, (max(stand, other), min(stand, other)))
                left, right, score = batch if counting is None else where(batch, counting(batch))
                more = joined([(left, right, score), (right, left, score)])
                best = nearest_first(*joined([best, where(more, own[more[0]])]), max(counts))
            for rank in ranks:
                rank.note(*best)
        return ranks

    # ---- What is proven

    def _proven(self, pairs: Iterable[Batch]) -> Iterator[tuple[Match, bool, float]]:
        """The pairs of pictures that points don't deny, whether they prove it, and the scores."""
        recipe, made = self._made
        there = self._work.names()
        todo, sizes, lists = dict[str, Given](), dict[str, int](), dict[str, tuple[str, Numbers]]()
        size = min(PAIRS_A_TASK, max(FEWEST_PAIRS, self._size))  # of few photos all have work
        for batch in chain.from_iterable(in_runs([some], size) for some in pairs):
            listed, numbers = self._asked(batch)
            parts = [self._looks.parts[number] for number in numbers.tolist()]
            kin = name_of("proofs", made, PROOF, *self._begins(numbers))
            name = f"{kin}{listed.removeprefix(ASKED)}"
            before = [known for known in there if known.startswith(kin) and known != name]
            todo[name] = near_tasks.prove, (parts, listed, sorted(before), recipe, made)
            sizes[name], lists[name] = len(batch[0]), (listed, numbers)
        self._do_new("Comparing points", todo, sizes, " pairs")
        for name, of in lists.items():
            yield from self._alike(name, *of)

    def _begins(self, parts: Numbers) -> list[str]:
        """With which parts the runs begin in which some parts lie: by these earlier pairs are told.

        With a new photo one part has another name, and most runs begin as before.
        """
        ends = np.cumsum([len(run) for run in self._runs])
        runs = np.unique(np.searchsorted(ends, parts, "right")).tolist()
        return [self._runs[run][0].name for run in runs]

    def _asked(self, batch: Batch) -> tuple[str, Numbers]:
        """A list of pairs that are to be proven, by parts; its name, and which parts these are."""
        photos = np.stack([self._photo[side] for side in batch[:2]])
        ends = np.array(self._looks.ends)
        parts, of = np.unique(np.searchsorted(ends, photos, "right") - 1, return_inverse=True)
        of = of.reshape(photos.shape).astype(np.int32)
        place = (photos - ends[parts][of]).astype(np.int32)
        ones, others = (self._pictures.first[side].tolist() for side in batch[:2])
        keys = [
            hashlib.blake2b(self._key(one) + self._key(other), digest_size=KEY_BYTES).digest()
            for one, other in zip(ones, others, strict=True)
        ]
        columns = {"left_part": of[0], "left": place[0], "right_part": of[1], "right": place[1]}
        told = [self._looks.parts[number] for number in parts.tolist()]
        return self._left("asked", {**columns, "key": keys, "score": batch[2]}, told), parts

    def _alike(self, name: str, listed: str, parts: Numbers) -> Iterator[tuple[Match, bool, float]]:
        """What a task has left of a list of pairs."""
        asked, found = self._work.read(listed), self._work.read(name, "shown")["shown"]
        begins = np.array(self._looks.ends)[parts]
        for place in np.flatnonzero(found != b"").tolist():
            sides = [(asked[f"{side}_part"][place], asked[side][place]) for side in LISTED]
            photos = [begins[part] + photo for part, photo in sides]
            one, other = self._picture[photos].tolist()
            shown = shown_in(np.frombuffer(found[place], "<f4").tolist())
            hashes = self._rows.hashes[self._rows.first[photos]]
            bits = int(np.bitwise_count(hashes[0] ^ hashes[1]).sum())
            match = Match(one, other, bits, shown.share, POINTS, shown.regions)
            yield match, shown.holds, float(asked["score"][place])
