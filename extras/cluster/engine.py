"""The find that hands its work out: photos are hashed and compared by tasks that leave files."""

import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from actions.console import progress
from actions.recall import Recall
from disk.files import ImageFile
from extras.cluster import tasks
from extras.cluster.files import Work, name_of
from extras.cluster.found import among, once_each
from extras.cluster.rows import (
    Looks,
    Numbers,
    Part,
    Rows,
    joined,
    part_of,
    results_in,
    rows_of,
    table_from,
)
from grouping import Cluster, Match
from pictures import matching
from pictures.candidates import Candidates, Search, none_among
from pictures.crops import cut_off
from pictures.crowds import Known
from pictures.effort import Effort, Watch, in_threads, unwatched
from pictures.images import Hashed, HashedImage, HashFiles, Unreadable
from pictures.looks import Part as Left
from pictures.looks import Taken
from pictures.one_design import OneDesign
from pictures.presets import Rules
from pictures.recipe import Recipe
from pictures.searches import Memory
from pictures.sides import Sides, sides_of
from pictures.store import RACY_NS

PHOTOS_A_PART = 500
FEWEST_PARTS, FEWEST_A_PART = 8, 60  # so that a few photos are work for several workers
PARTS_A_BLOCK = 64  # so large that compiled loops pay
TASKS = " tasks"  # where these are all that can be counted
AT_ONCE = 1 << 14  # digests, or identities
OF_PARTS = ("about", "identity", "flags", "hashes")
T = TypeVar("T")
Task = tuple[str, Callable[..., int], tuple[object, ...]]
# Does tasks somewhere, and yields of each its name and what it gave, as they are done.
Run = Callable[[Sequence[Task]], Iterator[tuple[str, int]]]


def cut(items: Iterable[T], size: int, key: Callable[[T], bytes]) -> list[list[T]]:
    """Some items in runs of about a size, and at least half of it.

    One more or less moves the ends of its own run, and of few behind it.
    """
    runs, half = [list[T]()], max(size // 2, 1)
    for item in items:
        runs[-1].append(item)
        if len(runs[-1]) >= half and zlib.crc32(key(item)) % half == 0:
            runs.append([])
    return [run for run in runs if run]


def photos_a_part(count: int) -> int:
    """How many of so many photos a part has: of few, half as many or a fourth, and so on.

    One photo more or less seldom changes that.
    """
    size = PHOTOS_A_PART
    while count < FEWEST_PARTS * size and size // 2 >= FEWEST_A_PART:
        size //= 2
    return size


class Elsewhere:
    """A look that lies in a result of a task until more is asked of it than the driver knows."""

    __slots__ = ("_looks", "part", "photo", "taken")

    def __init__(self, looks: "Looks", photo: int, taken: Taken | None, part: Left | None) -> None:
        self._looks, self.photo, self.taken, self.part = looks, photo, taken, part

    def __getattr__(self, name: str) -> Any:
        return getattr(self._looks[self.photo], name)


class Files(Sequence[Sequence[int]]):
    """The positions of the files of each distinct picture, as `matching.distinct` orders them.

    `first` are the first ones, `number` is each file's picture, `order` are all files so.
    """

    def __init__(
        self, identity: NDArray[np.bytes_], photo_of: Numbers, digests: Sequence[str]
    ) -> None:
        whole = np.empty(len(digests), "S32")
        for start in range(0, len(whole), AT_ONCE):  # as their joined digits take much memory
            some = "".join(digests[start : start + AT_ONCE])
            whole[start : start + AT_ONCE] = np.frombuffer(bytes.fromhex(some), "S32")
        shown = whole.copy()
        there = photo_of >= 0
        shown[there] = identity[photo_of[there]]
        self.order = np.lexsort((whole, shown))
        begins = np.ones(len(shown), np.bool_)
        begins[1:] = shown[self.order[1:]] != shown[self.order[:-1]]
        self._ends = np.append(np.flatnonzero(begins), len(shown))
        self.first = self.order[self._ends[:-1]]
        self.number = np.empty_like(self.order)
        self.number[self.order] = np.cumsum(begins) - 1

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, number: Any) -> Any:
        if not 0 <= number < len(self.first):
            raise IndexError(number)
        return self.order[self._ends[number] : self._ends[number + 1]].tolist()


class Shots(Sequence[matching.Shot]):
    """When photos were taken, as `matching.shots_of` orders them, in some 20 bytes each."""

    def __init__(self, looks: Sequence[Elsewhere | None], number: Numbers, pages: Numbers) -> None:
        taken = [(place, look.taken) for place, look in enumerate(looks) if look and look.taken]
        self._cameras = sorted({when.camera for _, when in taken})
        code = {camera: place for place, camera in enumerate(self._cameras)}
        kinds = [("camera", "i4"), ("seconds", "f8"), ("number", "i8")]
        rows = np.array(
            [(code[when.camera], when.seconds, number[place]) for place, when in taken], kinds
        )
        self._rows = np.unique(rows[~np.isin(rows["number"], pages)])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self._shot(row) for row in self._rows[place]]
        return self._shot(self._rows[place])

    def _shot(self, row: Any) -> matching.Shot:
        return self._cameras[row["camera"]], float(row["seconds"]), int(row["number"])


@dataclass(frozen=True, slots=True)
class Block:
    """Some parts, where their rows begin among all, and how many these are."""

    parts: tuple[Part, ...]
    begin: int
    rows: int


def shown_in(block: Block) -> list[str]:
    """What a block shows, whatever its photos are called."""
    return [part.shows for part in block.parts]


class OnCluster:
    """A method of the core whose work is done by tasks; it hashes photos, and groups them.

    Photos that lie elsewhere than in folders are hashed by another task.
    """

    hash_part: Callable[..., int] = staticmethod(tasks.hash_part)

    recall: Recall | None = None  # as all pairs are compared

    def __init__(self, method: Any, rules: Rules, workers: int, work: Work, run: Run) -> None:
        self.recipe: Recipe = method.recipe
        self.flags, self.has_presets, self.method = method.flags, method.has_presets, self
        self._rules = replace(rules, points=False)  # these are compared apart
        self._workers, self._work, self._run = workers, work, run
        self._asked = getattr(method, "asked", None)  # a model
        self._cosine: float = getattr(method, "cosine", 0.0)
        self._points = rules.points or (method.has_presets and self._asked is not None)
        self._photos_a_part = PHOTOS_A_PART
        self._versions, self._begun = tasks.versions(self.recipe), time.time_ns()
        self._files = dict[str, list[ImageFile]]()  # of each part
        self._looks, self._rows, self._blocks = Looks(work), list[Rows](), list[Block]()

    # ---- What hashes

    def hashed(self, files: list[ImageFile], hash_anew: HashFiles) -> Iterator[Hashed]:
        """What earlier finds left of files, and what `hash_anew` makes of the others.

        What could not be read is read again, as a disk may have failed.
        """
        recipe = replace(self.recipe, by_thumbnail=self.recipe.may_begin_small)
        self._photos_a_part = photos_a_part(len(files))
        parts, there = self._parts(files, recipe), self._work.names()
        anew = [file for name, some in parts.items() if name not in there for file in some]
        yield from hash_anew(anew)
        before = {file.path for file in files} - {file.path for file in anew}
        again = []
        for result in self._loaded(parts):
            if isinstance(result, Unreadable) and result.file.path in before:
                again.append(result.file)
            else:
                yield result
        yield from hash_anew(again)
        yield from self._loaded(self._parts(again, recipe))

    def at_first(self, files: list[ImageFile]) -> Iterator[Hashed]:
        """Have files hashed by tasks, by thumbnails where those may do; yields nothing yet."""
        recipe = replace(self.recipe, by_thumbnail=self.recipe.may_begin_small)
        self._hash("Hashing", self._parts(files, recipe), recipe)
        return iter(())

    def closer(self, files: list[ImageFile]) -> Iterator[Hashed]:
        """Files that were hashed by their thumbnails, decoded after all."""
        parts, there = self._parts(files, self.recipe), self._work.names()
        anew = {name: some for name, some in parts.items() if name not in there}
        self._hash("Looking closer", anew, self.recipe)
        yield from self._loaded(parts)

    def _parts(self, files: Sequence[ImageFile], recipe: Recipe) -> dict[str, list[ImageFile]]:
        """Files in parts, by the name of what comes of each."""
        runs = cut(
            files, self._photos_a_part, lambda file: file.path.encode(errors="surrogateescape")
        )
        return {
            name_of("photos", recipe, self._versions, [self._told(file) for file in run]): run
            for run in runs
        }

    def _told(self, file: ImageFile) -> tuple[object, ...]:
        """What tells a photo from a changed one; of one that has just changed, also this find."""
        changed_now = file.mtime_ns > self._begun - RACY_NS
        return file, file.inode, file.ctime_ns, self._begun if changed_now else 0

    def forget(self, paths: Iterable[str]) -> None:
        """Have photos hashed anew the next time: they were found to be other than was known."""
        others = {*paths}
        for name, files in self._files.items():
            if any(file.path in others for file in files):
                self._work.remove(name)

    def _hash(self, what: str, parts: Mapping[str, list[ImageFile]], recipe: Recipe) -> None:
        more = {
            name: (self.hash_part, (files, recipe, self._versions, self._asked))
            for name, files in parts.items()
        }
        self._do(what, more, {name: len(files) for name, files in parts.items()}, " photos")

    def _do(
        self,
        what: str,
        some: Mapping[str, tuple[Callable[..., int], tuple[object, ...]]],
        sizes: Mapping[str, int],
        unit: str,
    ) -> None:
        """Have tasks done, by the names of what they leave, while it is shown how far that is."""
        start, counts = time.monotonic(), Counter[str]()

        def words() -> str:
            rate = counts["done"] / max(time.monotonic() - start, 1e-3)
            failed = f", {counts['failed']:,} unreadable" if unit == " photos" else ""
            return f"{counts['tasks']:,} of {len(some):,} tasks, {rate:,.0f}{unit} a second{failed}"

        todo = [(name, do, (self._work, *given)) for name, (do, given) in some.items()]
        if not todo:
            return
        left = None if unit == TASKS else words
        with progress(what, sum(sizes[name] for name in some), unit, left=left) as advance:
            for name, failed in self._run(todo):
                counts.update(tasks=1, done=sizes[name], failed=failed)
                advance(sizes[name])

    def _loaded(self, parts: Mapping[str, list[ImageFile]]) -> Iterator[Hashed]:
        """What tasks left of parts; from now on these are compared, too."""
        self._files.update(parts)
        for names in cut(parts, PARTS_A_BLOCK, str.encode):
            begin, block = self._end(), list[Part]()
            for name in names:
                columns = self._work.read(name, *OF_PARTS)
                first, rows = self._looks.ends[-1], rows_of(columns)
                if len(rows.flags):  # or nothing of it is compared, and it may be made anew
                    self._rows.append(rows)
                    block.append(part_of(name, rows))
                    self._looks.add(block[-1], len(columns["about"]))
                yield from results_in(
                    columns, lambda n, *more, first=first: Elsewhere(self._looks, first + n, *more)
                )
            self._blocks.append(Block(tuple(block), begin, self._end() - begin))

    def _end(self) -> int:
        return sum(len(rows.flags) for rows in self._rows)

    # ---- What groups

    def completed(self, results: Iterable[Hashed]) -> Iterator[Hashed]:
        return iter(results)

    def group(
        self,
        images: Sequence[HashedImage],
        sides: Sequence[int] | None = None,
        __: Memory | None = None,
        watch: Watch = unwatched,
    ) -> tuple[list[Cluster], Mapping[str, int]]:
        """The groups of pictures as one machine finds them: tasks compare, and one search ends it.

        Whatever no task has looked at, and counts after all, is looked at here.
        """
        looks = [cast(Elsewhere | None, image.look) for image in images]
        rows = joined(self._rows)
        self._rows = [rows]  # not twice in memory
        photo_of = np.array([look.photo if look else -1 for look in looks], np.intp)
        digests = [image.digest for image in images]
        files = Files(rows.identity, photo_of, digests)
        by_picture, effort = sides_of(files, sides), in_threads(self._workers, watch)
        design = OneDesign()

        def matches(_: Sequence[Sequence[int]]) -> Iterator[Match]:
            small = matching.small_by(sides)
            found = list(self._by_looks(files, looks, rows, by_picture, small, effort, design))
            yield from found
            if self._points or self._asked:
                yield from self._beyond(files, rows, photo_of, digests, by_picture, found)

        return matching.group_files(files, [matches], sides, design)

    def _by_looks(
        self,
        files: Files,
        looks: Sequence[Elsewhere | None],
        rows: Rows,
        by_picture: Sides | None,
        small: int,
        effort: Effort,
        design: OneDesign,
    ) -> Iterator[Match]:
        """What hashes and looks tell, if the method asks them."""
        first = [looks[file] for file in files.first]
        photos = np.array([look.photo if look else -1 for look in first], np.intp)
        numbers = np.flatnonzero(photos >= 0)
        if not self.has_presets or not len(numbers):
            return
        table, which = table_from(rows, self._looks, photos[numbers], few=True)
        table = replace(table, owner=numbers[table.owner])
        by_row = None if by_picture is None else by_picture[table.owner]
        known = self._known(rows, photos[numbers], by_row)
        shots = Shots(looks, files.number, np.unique(table.owner[table.page & ~table.framed]))
        parts = [look.part if look else None for look in first]
        old = np.zeros(len(which), np.bool_)
        search = Search(table, self._rules, by_picture, known, old, effort)
        yield from matching.looked_at(table, search, Known(len(files), small))
        design.learn(search.of_one_design(), table)
        yield from cut_off(table, parts, self._rules, effort.each, by_picture)
        yield from matching.bursts(table, shots, self._rules, by_picture)

    def _beyond(
        self,
        files: Files,
        rows: Rows,
        photo_of: Numbers,
        digests: Sequence[str],
        by_picture: Sides | None,
        found: list[Match],
    ) -> Iterator[Match]:
        """What points tell beyond what was found, and what a model does."""
        from extras.cluster import nearest  # with OpenCV, which other methods do without

        pictures = nearest.Pictures(
            files.first, files.order, files.number, photo_of, digests, by_picture
        )
        beyond = nearest.Beyond(
            self._work,
            self._do,
            self._looks,
            rows,
            self._runs(nearest.PARTS_TOGETHER),
            pictures,
            (self.recipe, self._versions),
        )
        if self._points:
            found += (more := beyond.by_points(found))
            yield from more
        if self._asked:
            yield from beyond.by_model(found, self._cosine)

    def _runs(self, size: int) -> list[list[Part]]:
        """The parts in runs of some."""
        names, parts = [part.name for part in self._looks.parts], iter(self._looks.parts)
        return [[next(parts) for _ in run] for run in cut(names, size, str.encode)]

    def _known(self, rows: Rows, photos: Numbers, by_row: Sides | None) -> Candidates:
        """The candidates among photos, in order of their identities, that tasks have found."""
        row_of, count = self._rows_now(rows, photos)
        found = [none_among(count)]
        for name, pair in self._compared().items():
            found.append(among(count, self._work.read(name), self._here(row_of, pair), by_row))
        return once_each(found)

    def _here(self, row_of: Numbers, blocks: Iterable[Block]) -> Numbers:
        """The rows in a table of those that a task had of some blocks, as `compare` tells them."""
        return np.concatenate([row_of[block.begin :][: block.rows] for block in blocks])

    def _rows_now(self, rows: Rows, photos: Numbers) -> tuple[Numbers, int]:
        """The row in a table of some photos that shows the same as each row of the parts, or -1."""
        views = np.diff(rows.first)
        first = np.concatenate([[0], np.cumsum(views[photos])])
        place = _places_of(rows.identity, rows.identity[photos])
        place = np.where(place < 0, -len(rows.flags), first[place] - rows.first[:-1])
        row_of = np.repeat(place, views)
        row_of += np.arange(len(row_of))
        np.maximum(row_of, -1, out=row_of)
        return row_of, int(first[-1])

    def _compared(self) -> dict[str, tuple[Block, Block]]:
        """What tasks leave of each block, and of each two, by its name; done where it isn't."""
        blocks = [block for block in self._blocks if block.rows]
        both = [(one, other) for n, one in enumerate(blocks) for other in blocks[: n + 1]]
        pairs = {
            name_of("pairs", self._versions, self._rules, *map(shown_in, pair)): pair
            for pair in both
        }
        there = self._work.names()
        given = (self._rules, self.recipe, self._versions)
        todo = {
            name: (tasks.compare, (list(dict.fromkeys(block.parts for block in pair)), *given))
            for name, pair in pairs.items()
            if name not in there
        }
        sizes = {name: one.rows * other.rows for name, (one, other) in pairs.items()}
        self._do("Comparing", todo, sizes, " pairs")
        return pairs


def _places_of(
    identities: NDArray[np.bytes_], ordered: NDArray[np.bytes_]
) -> NDArray[np.signedinteger]:
    """Where each identity is among some in order, or -1; none is nowhere."""
    found = np.full(len(identities), -1)
    for start in range(0, len(found) if len(ordered) else 0, AT_ONCE):  # few fill no memory
        some = identities[start : start + AT_ONCE]
        place = np.searchsorted(ordered, some).clip(max=len(ordered) - 1)
        there = (ordered[place] == some) & (some != b"")
        found[start : start + AT_ONCE][there] = place[there]
    return found
