"""Find the pictures that show the same by the vectors that a neural network makes of them.

Changes nothing on disk.
"""

import contextlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from importlib.util import find_spec

import numpy as np

from config import Settings, UserError
from extras.network import BATCH, INSTALL, Model, load
from extras.points import installed as points
from extras.vectors import close_vectors
from grouping import EMBEDDING, Cluster, Match
from pictures import why
from pictures.effort import Watch, in_threads, unwatched
from pictures.hamming import pack
from pictures.images import Hashed, HashedImage, Unreadable
from pictures.looks import Look
from pictures.matching import FindMatches, by_looks, group_by
from pictures.presets import PRESETS
from pictures.recipe import Recipe
from pictures.searches import Memory
from pictures.sides import Sides, sides_of
from pictures.why import Comparison, in_order

DOCUMENT_COSINE = 0.75  # between a document and a photo; see the benchmark's README


# ---- Vectors of pictures


def embedded(
    results: Iterable[HashedImage | Unreadable], model: Model, threads: int
) -> Iterator[HashedImage | Unreadable]:
    """Give pictures that were decoded in colour their embedding, in threads, as they come.

    Pictures without a look pass by: only identical files match those.
    """
    size = model.batch or BATCH
    running: deque[Future[list[HashedImage]]] = deque()
    batch: list[HashedImage] = []
    with ThreadPoolExecutor(threads) as pool, _ending_with(model):
        for result in results:
            if not isinstance(result, HashedImage) or not result.look or not result.look.rgb:
                yield result
                continue
            batch.append(result)
            if len(batch) == size:
                running.append(pool.submit(_seen, model, batch))
                batch = []
            while len(running) > 2 * threads:
                yield from running.popleft().result()
        running.append(pool.submit(_seen, model, batch))
        while running:
            yield from running.popleft().result()


@contextlib.contextmanager
def _ending_with(model: Model) -> Iterator[None]:
    """Leave no run of the model behind that threads would wait for."""
    try:
        yield
    except (KeyboardInterrupt, UserError):
        model.give_up()
        raise


def _seen(model: Model, images: Sequence[HashedImage]) -> list[HashedImage]:
    """The pictures with their embeddings, which take the place of the colour pictures."""
    if not images:
        return []
    vectors = model.vectors([image.look.rgb for image in images if image.look and image.look.rgb])
    return [
        replace(image, look=image.look and replace(image.look, rgb=None), embedding=row.tobytes())
        for image, row in zip(images, vectors, strict=True)
    ]


# ---- The methods


class ByEmbeddings:
    """Groups pictures of which a model makes close vectors."""

    has_presets = False

    def __init__(self, settings: Settings) -> None:
        if find_spec("onnxruntime") is None:
            what = f"--method {settings.method}"
            raise UserError(f"{what} needs the package onnxruntime; {INSTALL}.")
        self._model = load(settings.model, settings.model_side, settings.normalise)
        self._cosine, self._workers = settings.cosine, settings.workers
        rules = PRESETS[settings.preset]
        self._rules = rules if self.has_presets else replace(rules, points=False)
        if self._rules.points:
            points.check(f"--preset {settings.preset}")
        self.recipe = Recipe(
            settings.hash_size,
            parts=self.has_presets and rules.crops is not None,
            points=self._rules.points,
            rgb_side=self._model.side,
            model=self._model.name,
            vector_bytes=self._model.vector_bytes,
        )
        preset = f" --preset {settings.preset}" if self.has_presets else ""
        self.flags = f"--method {settings.method}{preset} --cosine {settings.cosine:g}"

    def completed(self, results: Iterable[Hashed]) -> Iterator[Hashed]:
        return embedded(results, self._model, self._workers)

    def group(
        self,
        images: Sequence[HashedImage],
        sides: Sequence[int] | None = None,
        _: Memory | None = None,
        __: Watch = unwatched,
    ) -> tuple[list[Cluster], Mapping[str, int]]:
        return self._grouped(images, [], sides)

    def pairs(
        self, images: Sequence[HashedImage], sides: Sequence[int] | None = None
    ) -> Iterator[tuple[int, int]]:
        return why.direct_matches(images, self._rules, sides)

    def why(self, one: HashedImage, other: HashedImage) -> tuple[Comparison, ...]:
        if one.digest == other.digest:
            return why.compare(one, other, self._rules)
        return (compared(one, other, self._cosine),)

    def _grouped(
        self,
        images: Sequence[HashedImage],
        others: Sequence[FindMatches],
        sides: Sequence[int] | None,
    ) -> tuple[list[Cluster], Mapping[str, int]]:
        digests, looks = [image.digest for image in images], [image.look for image in images]
        methods = [*others, by_embeddings(images, self._cosine, sides)]
        return group_by(digests, looks, methods, sides)


class ByBoth(ByEmbeddings):
    """Groups pictures that look alike by a preset or of which a model makes close vectors."""

    has_presets = True

    def group(
        self,
        images: Sequence[HashedImage],
        sides: Sequence[int] | None = None,
        memory: Memory | None = None,
        watch: Watch = unwatched,
    ) -> tuple[list[Cluster], Mapping[str, int]]:
        looks = [image.look for image in images]
        effort = in_threads(self._workers, watch)
        search = by_looks(looks, self._rules, effort, sides, memory)
        return self._grouped(images, [search], sides)

    def why(self, one: HashedImage, other: HashedImage) -> tuple[Comparison, ...]:
        by_hash = why.compare(one, other, self._rules)
        if one.digest == other.digest:
            return by_hash
        found = (compared(one, other, self._cosine), *by_hash)
        return tuple(sorted(found, key=why.weight, reverse=True))


def compared(one: HashedImage, other: HashedImage, least: float) -> Comparison:
    """Two pictures by their embeddings."""
    if not one.embedding or not other.embedding:
        reason = "a picture without detail or with several pages has no embedding"
        return Comparison(EMBEDDING, False, False, reason)
    vectors = [np.frombuffer(image.embedding or b"", np.float32) for image in (one, other)]
    cosine = float(vectors[0] @ vectors[1])
    alike = cosine >= least
    matches = any(find_matches(in_order([one, other]), least))
    reason = f"their embeddings are {'close' if alike else 'too far apart'} (from {least:g})"
    if alike and not matches:
        least = DOCUMENT_COSINE
        reason = (
            f"two documents never match by embeddings, a document and a photo from {least:g} on"
        )
    return Comparison(EMBEDDING, matches, alike, reason, cosine=cosine)


# ---- Matches


def by_embeddings(
    images: Sequence[HashedImage], least: float, sides: Sequence[int] | None = None
) -> FindMatches:
    """The method that compares embeddings: pairs with a cosine of at least `least` match."""

    def matches(files: Sequence[Sequence[int]]) -> Iterator[Match]:
        numbered = [(n, images[p]) for n, positions in enumerate(files) for p in positions]
        return _matches(numbered, least, sides_of(files, sides))

    return matches


def find_matches(images: Sequence[HashedImage], least: float) -> Iterator[Match]:
    """Yield the pairs of pictures, by position, whose embeddings are close enough.

    Two documents never match: to a model all text looks alike. A document and a picture that isn't
    taken for one need a cosine of `DOCUMENT_COSINE`. Pictures without an embedding match nothing.
    """
    return _matches(list(enumerate(images)), least)


def _matches(
    images: Sequence[tuple[int, HashedImage]], least: float, sides: Sides | None = None
) -> Iterator[Match]:
    """The matches of pictures by number."""
    rows = _rows(images)
    if not rows:
        return
    owner = np.array([number for number, _, _ in rows])
    document = np.array([look.views[0].is_page for _, look, _ in rows])
    hashes = pack([look.views[0].hash for _, look, _ in rows])
    vectors = np.frombuffer(b"".join(vector for _, _, vector in rows), np.float32)
    by_row = None if sides is None else sides[owner]
    for i, j, cosine in close_vectors(vectors.reshape(len(rows), -1), least, by_row):
        one, other = document[i], document[j]
        kept = ~(one & other) & ((cosine >= DOCUMENT_COSINE) | ~(one | other))
        kept &= owner[i] != owner[j]
        i, j = i[kept], j[kept]
        bits = np.bitwise_count(hashes[i] ^ hashes[j]).sum(axis=1, dtype=np.int64)
        values = (owner[i], owner[j], bits, cosine[kept])
        for one, other, distance, likeness in zip(*(v.tolist() for v in values), strict=True):
            yield Match(one, other, distance, likeness, EMBEDDING)


def _rows(images: Sequence[tuple[int, HashedImage]]) -> list[tuple[int, Look, bytes]]:
    """The number, look and embedding of pictures with both: a row for each embedding of one."""
    rows = {(n, i.embedding): (n, i.look, i.embedding) for n, i in images if i.look and i.embedding}
    return list(rows.values())
