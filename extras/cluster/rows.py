"""What a part of the photos became, as a result of a task; and tables of several parts."""

import hashlib
import json
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config import UserError
from disk.files import ImageFile
from extras.cluster.files import Work
from pictures import candidates
from pictures.bandpass import Window
from pictures.candidates import Frequencies
from pictures.images import Hashed, HashedImage, Unreadable
from pictures.looks import Look, Taken, content, identity
from pictures.looks import Part as Left
from pictures.picture_file import apart, together
from pictures.sketch import KEPT
from pictures.table import NO_COLOUR, Grays, Table, table_of

PARTS_IN_MEMORY = 16  # some 2 MB each, of their small pictures
GATES_IN_MEMORY = 256  # parts of some 0.2 MB
HASH_BYTES = SIGNS_BYTES = 32
ROWS = 2  # raised with what a result has of a photo
GATE = 2 * SIGNS_BYTES + len(KEPT)
FRAMED, PAGE = 1, 2  # of a view
OF_ROWS = ("identity", "flags", "hashes", "gate", "colour")
OF_LOOKS = ("look", "pictures")
Packed = tuple[NDArray[Any], NDArray[Any]]  # of a part's photos
Numbers = NDArray[np.intp]


# ---- One part


def columns_of(results: Sequence[Hashed]) -> dict[str, list[Any]]:
    """A row for each result: what is said of it, and its look in what is compared of it."""
    rows = [
        (about(result), *_of_look(getattr(result, "look", None)), *_of_vector(result))
        for result in results
    ]
    names = ("about", *OF_ROWS, "look", "pictures", "points", "seen", "vector")
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def about(result: Hashed) -> str:
    """What is said of a photo, but for its look."""
    file = result.file
    said: list[Any] = [file.path, file.size, file.mtime_ns, file.inode, file.ctime_ns]
    if isinstance(result, Unreadable):
        return json.dumps([*said, result.reason])
    taken, part = (result.look.taken, result.look.part) if result.look else (None, None)
    said += ["", result.digest, result.damage, result.warnings, result.note, result.by_thumbnail]
    return json.dumps([*said, [taken.camera, taken.seconds] if taken else None, part])


def _of_vector(result: Hashed) -> tuple[bytes, bytes]:
    """What a model made of a photo, and before it what tells it from other vectors."""
    vector = getattr(result, "embedding", None)
    return (hashlib.blake2b(vector, digest_size=16).digest(), vector) if vector else (b"", b"")


def _of_look(look: Look | None) -> tuple[bytes, ...]:
    """What is said of a look; its points by themselves, as they are large and seldom read."""
    if look is None:
        return (b"",) * 8
    table = table_of([look])
    made = candidates.frequencies_of(table.gray, len(look.views))
    gate = (made.signs.tobytes(), made.transposed.tobytes(), made.sketches.tobytes())
    flags = bytes(FRAMED * view.framed + PAGE * view.is_page for view in look.views)
    hashes = b"".join(view.hash for view in look.views)
    points = content(look.points) if look.points else b""
    of_rows = identity(look), flags, hashes, b"".join(gate), look.colour
    return *of_rows, *apart(replace(look, points=None)), points


def results_in(
    columns: Mapping[str, Sequence[Any] | NDArray[Any]],
    look: Callable[[int, Taken | None, Left | None], Any],
) -> Iterator[Hashed]:
    """The results of a part; what a look is, is said by its number, its time and its part."""
    for number, said in enumerate(columns["about"]):
        path, size, mtime_ns, inode, ctime_ns, reason, *more = json.loads(said)
        file = ImageFile(path, size, mtime_ns, inode, ctime_ns)
        if reason:
            yield Unreadable(file, reason)
            continue
        digest, damage, warnings, note, small, taken, part = more
        when, cut = taken and Taken(sys.intern(taken[0]), taken[1]), part and tuple(part)
        there = look(number, when, cut) if columns["identity"][number] else None
        yield HashedImage(file, digest, there, damage, warnings, None, note, small)


# ---- Rows of several parts


@dataclass(frozen=True, slots=True)
class Rows:
    """The views of photos, row after row, of which those of photo n begin at `first[n]`.

    A photo without a look has none, and no identity.
    """

    identity: NDArray[np.bytes_]
    first: Numbers
    flags: NDArray[np.uint8]
    hashes: NDArray[np.uint64]
    gate: NDArray[np.uint8]
    colour: NDArray[np.uint8]  # of each photo; gray where it isn't known

    def of(self, photos: Numbers) -> tuple[Numbers, Numbers]:
        """All rows of some photos, one after the other; and of each the place of its photo."""
        views = (self.first[1:] - self.first[:-1])[photos]
        owner = np.repeat(np.arange(len(photos)), views)
        behind = np.arange(len(owner)) - (np.cumsum(views) - views)[owner]
        return self.first[photos][owner] + behind, owner

    def frequencies(self, rows: Numbers) -> Frequencies:
        """What was made of some rows' frequencies."""
        gate = self.gate[rows]
        signs, transposed = (
            np.ascontiguousarray(gate[:, n * SIGNS_BYTES :][:, :SIGNS_BYTES]).view(np.uint64)
            for n in (0, 1)
        )
        return Frequencies(signs, transposed, gate[:, 2 * SIGNS_BYTES :].view(np.int8))


def rows_of(columns: Mapping[str, Sequence[Any] | NDArray[Any]]) -> Rows:
    """The rows of a part; without gates and colours where these weren't read."""
    flags = np.frombuffer(b"".join(columns["flags"]), np.uint8)
    hashes = np.frombuffer(b"".join(columns["hashes"]), np.uint64)
    first = np.cumsum([0, *map(len, columns["flags"])])
    return Rows(
        np.array(columns["identity"], "S16"),
        first,
        flags,
        hashes.reshape(-1, HASH_BYTES // 8),
        _gates(columns["gate"], first) if "gate" in columns else np.zeros((0, GATE), np.uint8),
        _colours(columns.get("colour", ())),
    )


def _colours(colours: Sequence[bytes] | NDArray[Any]) -> NDArray[np.uint8]:
    joined_up = b"".join(colour or NO_COLOUR for colour in colours)
    return np.frombuffer(joined_up, np.uint8).reshape(-1, len(NO_COLOUR))


def _gates(gates: Sequence[bytes] | NDArray[Any], first: Numbers) -> NDArray[np.uint8]:
    """What tasks compare of each row; each of `gates` has a photo's, kind by kind."""
    rows = np.empty((first[-1], GATE), np.uint8)
    of_photo = np.diff(first)
    for views in np.unique(of_photo[of_photo > 0]).tolist():  # few have more than one
        photos = np.flatnonzero(of_photo == views)
        joined = b"".join(gates[photo] for photo in photos.tolist())
        kinds = np.split(
            np.frombuffer(joined, np.uint8).reshape(len(photos), -1),
            views * SIGNS_BYTES * np.array([1, 2]),
            axis=1,
        )
        of_view = np.concatenate([k.reshape(len(photos), views, -1) for k in kinds], axis=2)
        rows[first[photos][:, None] + np.arange(views)] = of_view
    return rows


def joined(parts: Sequence[Rows]) -> Rows:
    """The rows of several parts, one after the other; none of no parts."""
    parts = [rows_of({name: [] for name in OF_ROWS}), *parts]
    ends = np.cumsum([0, *(part.first[-1] for part in parts)])
    first = [part.first[:-1] + end for part, end in zip(parts, ends[:-1], strict=True)]
    columns = (np.concatenate([getattr(p, name) for p in parts]) for name in OF_ROWS)
    identity, *others = columns
    return Rows(identity, np.concatenate([*first, ends[-1:]]), *others)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the photos: the result that tells of it, and a digest of what it shows.

    One that is made anew under its name, as a photo could not be read, may show something else.
    """

    name: str
    shows: str


def part_of(name: str, rows: Rows) -> Part:
    """A part by what its rows show."""
    shown = hashlib.blake2b(rows.identity.tobytes(), digest_size=16)
    shown.update(rows.flags.tobytes())
    return Part(name, shown.hexdigest())


@lru_cache(maxsize=GATES_IN_MEMORY)
def gated(work: Work, part: Part) -> Rows:
    """The rows of a part, as they were read lately; UserError if it shows something else now."""
    rows = rows_of(work.read(part.name, *OF_ROWS))
    if part_of(part.name, rows) != part:
        raise UserError(f"{part.name} has changed, as another find goes on; run it again.")
    return rows


def column_of(work: Work, part: Part, column: str) -> NDArray[Any]:
    """Something of each photo of a part; UserError if it shows something else now."""
    gated(work, part)
    return work.read(part.name, column)[column]


@lru_cache(maxsize=PARTS_IN_MEMORY)
def _looks_of(work: Work, part: Part) -> Packed:
    columns = work.read(part.name, *OF_LOOKS)
    return columns["look"], columns["pictures"]


def look_in(work: Work, part: Part, photo: int) -> Look:
    """The look of a photo by its number in a part, without its points."""
    packed, pictures = _looks_of(work, part)
    return together(packed[photo], pictures[photo], HASH_BYTES)


class Looks:
    """The looks of the photos of some parts, which are read when they are wanted."""

    def __init__(self, work: Work, parts: Iterable[tuple[Part, int]] = ()) -> None:
        """Of parts with so many photos each."""
        self._work, self.parts, self.ends = work, list[Part](), [0]
        self._held = dict[int, Look]()
        for part, photos in parts:
            self.add(part, photos)

    def add(self, part: Part, photos: int) -> int:
        """Take in one more part; the number of its first photo."""
        self.parts.append(part)
        self.ends.append(self.ends[-1] + photos)
        return self.ends[-2]

    def hold(self, photos: Numbers) -> None:
        """Read the looks of some photos, in order, each part of them once; forget the others."""
        before, self._held = self._held, {}
        bounds = np.searchsorted(photos, self.ends)
        for which in np.flatnonzero(bounds[1:] > bounds[:-1]).tolist():
            some = photos[bounds[which] : bounds[which + 1]].tolist()
            packed = None if before.keys() >= {*some} else self._packed(which)
            for photo in some:
                look = before[photo] if packed is None else self._unpacked(packed, which, photo)
                self._held[photo] = look

    def _packed(self, which: int) -> Packed:
        return _looks_of(self._work, self.parts[which])

    def _unpacked(self, packed: Packed, which: int, photo: int) -> Look:
        place = photo - self.ends[which]
        return together(packed[0][place], packed[1][place], HASH_BYTES)

    def __getitem__(self, photo: int) -> Look:
        if photo in self._held:
            return self._held[photo]
        which = bisect_right(self.ends, photo) - 1
        return self._unpacked(self._packed(which), which, photo)


class _Of(Sequence[Any]):
    """Something of the looks whose views are the rows of a table."""

    def __init__(self, rows: Numbers, get: Callable[[int], Any]) -> None:
        self._rows, self._get = rows, get

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: Any) -> Any:
        return self._get(row)


class _PartByPart(Grays):
    """The small gray pictures of a table's rows, of which those of one part are read together."""

    def __init__(self, pictures: Sequence[Any], photos: Numbers) -> None:
        super().__init__(pictures)
        self._photos = photos

    def __getitem__(self, rows: Numbers) -> NDArray[np.uint8]:
        return self._in_order(rows, super().__getitem__)

    def hashes_within(self, rows: Numbers, window: Window, hash_size: int) -> NDArray[np.uint64]:
        return self._in_order(
            rows, lambda some: super(_PartByPart, self).hashes_within(some, window, hash_size)
        )

    def _in_order(self, rows: Numbers, of: Callable[[Numbers], NDArray[Any]]) -> NDArray[Any]:
        order = np.argsort(self._photos[rows], kind="stable")
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return of(rows[order])[back]


class _HashesOf:
    """The hashes of a table's rows, of which few are asked for: those of a driver fill memory."""

    def __init__(self, rows: Rows, which: Numbers) -> None:
        self._rows, self._which = rows, which
        self.shape = (len(which), rows.hashes.shape[1])

    def __getitem__(self, some: Any) -> NDArray[np.uint64]:
        found: NDArray[np.uint64] = self._rows.hashes[self._which[some]]
        return found


def table_from(
    rows: Rows, looks: Looks, photos: Numbers, *, few: bool = False
) -> tuple[Table, Numbers]:
    """A table of some photos, in which looks are read when they are wanted; and which rows it has.

    The owner of a row is the place of its photo among them. If `few` rows are compared, hashes
    aren't in memory once more.
    """
    which, owner = rows.of(photos)
    framed, inside = rows.flags[which] & FRAMED > 0, np.full(len(which), -1)
    followed = np.flatnonzero((owner[1:] == owner[:-1]) & ~framed[:-1])
    inside[followed] = followed + 1

    def view(row: int) -> Any:
        photo = int(photos[owner[row]])
        return looks[photo].views[int(which[row] - rows.first[photo])]

    hashes: Any = _HashesOf(rows, which) if few else rows.hashes[which]
    table = Table(
        owner=owner,
        framed=framed,
        fine=_Of(which, lambda row: view(row).fine),
        page=rows.flags[which] & PAGE > 0,
        colour=_Of(which, lambda row: looks[int(photos[owner[row]])].colour),
        inside=inside,
        gray=_PartByPart(_Of(which, lambda row: view(row).gray), photos[owner]),
        hashes=hashes,
    )
    return table, which
