"""What workers do beyond hashes: words and vectors propose pairs of pictures, and points decide."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from extras.cluster.files import Work
from extras.cluster.rows import Numbers, Part, column_of, look_in
from extras.cluster.tasks import check_worker
from extras.embeddings import limits_of
from extras.points import words
from extras.points.making import bag_in
from extras.points.matching import PROPOSED, asked_of
from extras.points.remembered import numbers_of
from extras.points.vocabulary import WORDS
from extras.points.words import Bags, Counts, Telling
from extras.vectors import nearest_among
from pictures.looks import Look
from pictures.recipe import Recipe
from pictures.sides import Sides

T = TypeVar("T")
Columns = dict[str, NDArray[Any]]
LISTED = ("left", "right")  # of a pair


@dataclass(frozen=True, slots=True)
class Stand:
    """Some pictures that are compared: the parts in which they lie, and a result that lists them.

    It has a row for each, in their order: the number of the photo, what it is told by, whether it
    is a document, and on which side it lies, if there are sides.
    """

    parts: tuple[Part, ...]
    name: str


@dataclass(frozen=True, slots=True)
class Compared:
    """The pictures of one stand, or of two, in the order of all, and where each lies in these."""

    place: Numbers
    drawn: NDArray[np.bool_]
    sides: Sides | None
    block: Numbers | None  # of which of two stands each is


def count_words(work: Work, name: str, stand: Stand, recipe: Recipe, made: str) -> int:
    """Count the words of the points of some pictures; how many pictures these are."""
    check_worker(recipe, made, "")
    listed = work.read(stand.name)
    counts = words.counts_of(_bags_of(work, stand, listed), listed["drawn"])
    work.write(name, columns_of(counts))
    return counts.pictures


def columns_of(counts: Counts) -> Columns:
    """Counts of words as columns, a row for each word."""
    every = {"points": counts.points, "having": counts.having}
    of_words = {f"{name}{kind}": some[kind] for name, some in every.items() for kind in (0, 1)}
    sizes = {"pictures": counts.pictures, "documents": counts.documents}
    return {**of_words, **{name: np.full(WORDS, size) for name, size in sizes.items()}}


def counts_in(columns: Columns) -> Counts:
    """The counts that were made columns."""
    points, having = (
        np.stack([columns[f"{of}{kind}"] for kind in (0, 1)]) for of in ("points", "having")
    )
    return Counts(int(columns["pictures"][0]), int(columns["documents"][0]), points, having)


def near_by_words(
    work: Work, name: str, stands: Sequence[Stand], telling: str, recipe: Recipe, made: str
) -> int:
    """Compare the words of the pictures of a stand, or of two; how many may be near."""
    check_worker(recipe, made, "")
    listed = [work.read(stand.name) for stand in stands]
    every = [bag for both in zip(stands, listed, strict=True) for bag in _bags_of(work, *both)]
    told, some = work.read(telling), _compared(listed)
    best = words.nearest_among(
        [every[place] for place in some.place],
        Telling(told["of_documents"], told["weights"].astype(np.intp)),
        PROPOSED,
        some.sides,
        some.drawn,
        some.block,
    )
    return _leave(work, name, some.place[best.left], some.place[best.right], best.score)


def near_by_vectors(
    work: Work, name: str, stands: Sequence[Stand], sure: float, recipe: Recipe, made: str
) -> int:
    """Compare what a model made of the pictures of a stand, or of two; how many may be near."""
    check_worker(recipe, made, "")
    listed = [work.read(stand.name) for stand in stands]
    every = [v for both in zip(stands, listed, strict=True) for v in _vectors_of(work, *both)]
    some = _compared(listed)
    vectors = np.frombuffer(b"".join(every), np.float32).reshape(len(every), -1)[some.place]
    left, right, cosines = nearest_among(vectors, limits_of(sure), some.sides, some.block)
    return _leave(work, name, some.place[left], some.place[right], cosines)


def prove(
    work: Work,
    name: str,
    parts: Sequence[Part],
    asked: str,
    before: Sequence[str],
    recipe: Recipe,
    made: str,
) -> int:
    """Look at what points prove of pairs of photos, which are listed by part and number.

    Of each pair is left what tells it, and what is known of it unless points deny it; how many are
    alike. What was known before is taken over.
    """
    check_worker(recipe, made, "")
    listed = work.read(asked)
    keys = listed["key"].tolist()
    known = _known_of(work, before, {*keys})
    left, right = (
        zip(listed[f"{side}_part"].tolist(), listed[side].tolist(), strict=True) for side in LISTED
    )
    new = {k: pair for k, *pair in zip(keys, left, right, strict=True) if k not in known}
    looks = _seen_in(work, parts, {place for pair in new.values() for place in pair})
    shown = asked_of(looks.__getitem__, ((one, other) for one, other in new.values()))
    for key, found in zip(new, shown, strict=True):
        known[key] = np.array(numbers_of(found), "<f4").tobytes() if found else b""
    work.write(name, {"key": keys, "shown": [known[key] for key in keys]})
    return sum(map(bool, map(known.__getitem__, keys)))


def _known_of(work: Work, before: Sequence[str], wanted: set[bytes]) -> dict[bytes, bytes]:
    """What earlier tasks have left of some pairs."""
    known = dict[bytes, bytes]()
    for name in before:
        with contextlib.suppress(FileNotFoundError):  # it was removed meanwhile
            columns = work.read(name)
            both = zip(columns["key"], columns["shown"], strict=True)
            known.update((key, shown) for key, shown in both if key in wanted)
    return known


def _leave(work: Work, name: str, left: Numbers, right: Numbers, score: NDArray[np.float32]) -> int:
    work.write(name, {"left": left.astype("i4"), "right": right.astype("i4"), "score": score})
    return len(left)


def _compared(listed: Sequence[Columns]) -> Compared:
    """The pictures that are listed, put in order."""
    keys, drawn = (np.concatenate([some[name] for some in listed]) for name in ("key", "drawn"))
    place = np.argsort(keys.astype("S48"), kind="stable")
    block = np.repeat(np.arange(len(listed)), [len(some["key"]) for some in listed])
    sides = [some["side"] for some in listed if "side" in some]
    return Compared(
        place,
        drawn[place],
        np.concatenate(sides)[place] if sides else None,
        block[place] if len(listed) > 1 else None,
    )


def _bags_of(work: Work, stand: Stand, listed: Columns) -> list[Bags]:
    """The words of some pictures, of which the points are read part by part."""
    return _of_photos(
        work, stand, listed, "points", lambda row, data: bag_in(data, drawn=listed["drawn"][row])
    )


def _vectors_of(work: Work, stand: Stand, listed: Columns) -> list[bytes]:
    return _of_photos(work, stand, listed, "vector", lambda _, data: data)


def _of_photos(
    work: Work, stand: Stand, listed: Columns, column: str, make: Callable[[int, bytes], T]
) -> list[T]:
    """What is made of something of each picture of a stand, in its order."""
    found, order, begin = dict[int, T](), np.argsort(listed["photo"]), 0
    photos = listed["photo"][order]
    for part in stand.parts:
        values = column_of(work, part, column)
        end = begin + len(values)
        for row in order[slice(*np.searchsorted(photos, (begin, end)))].tolist():
            found[row] = make(row, values[listed["photo"][row] - begin])
        begin = end
    return [found[row] for row in range(len(photos))]


def _seen_in(
    work: Work, parts: Sequence[Part], wanted: set[tuple[int, int]]
) -> dict[tuple[int, int], Look]:
    """The looks of some photos with their points, by the part and the number in it."""
    looks = dict[tuple[int, int], Look]()
    for number, part in enumerate(parts):
        if photos := sorted(photo for of, photo in wanted if of == number):
            points = column_of(work, part, "points")
            for photo in photos:
                looks[number, photo] = replace(look_in(work, part, photo), points=points[photo])
    return looks
