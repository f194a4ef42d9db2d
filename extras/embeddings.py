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

from actions.next_command import install_extras
from config import Settings, UserError
from extras.network import BATCH, Asked, Model, loaded
from extras.points import installed as points
from extras.points import matching as by_points
from extras.points import why as why_by_points
from extras.points.remembered import Proofs, recalled
from extras.vectors import Limits, cosine_of, near_vectors
from grouping import EMBEDDING, Cluster, Match
from pictures import why
from pictures.effort import Watch, in_threads, unwatched
from pictures.images import Hashed, HashedImage, Unreadable
from pictures.looks import Look
from pictures.matching import FindMatches, by_looks, group_by
from pictures.one_design import OneDesign
from pictures.presets import PRESETS
from pictures.recipe import Recipe
from pictures.searches import Memory
from pictures.sides import sides_of
from pictures.why import Comparison, in_order

# Chosen on the half of the benchmark's photos that is for choosing; see its README.
PROPOSED_COSINE = 0.35
PROPOSED = 7  # pictures, the nearest of each


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
            raise UserError(f"{what} needs the package onnxruntime; {install_extras()} first.")
        self.asked = Asked(settings.model, settings.model_side, settings.normalise)
        self.cosine, self._workers = settings.cosine, settings.workers
        self._model = loaded(self.asked)
        points.check(f"--method {settings.method}")
        rules = PRESETS[settings.preset]
        self._rules = replace(rules, points=self.has_presets)
        self.recipe = Recipe(
            settings.hash_size,
            parts=self.has_presets and rules.crops is not None,
            points=True,
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
        memory: Memory | None = None,
        watch: Watch = unwatched,
    ) -> tuple[list[Cluster], Mapping[str, int]]:
        digests, looks = [image.digest for image in images], [image.look for image in images]
        effort, proofs = in_threads(self._workers, watch), recalled(memory)
        search: FindMatches = _nothing
        design = OneDesign()
        if self.has_presets:
            rules = replace(self._rules, points=False)
            by_hash = by_looks(looks, rules, effort, sides, memory, design)
            search = by_points.and_points(by_hash, looks, proofs, effort.each, sides)
        method = by_embeddings(images, self.cosine, sides, effort.each, search, proofs)
        method = by_points.leaving(memory, proofs, method)
        return group_by(digests, looks, [method], sides, design)

    def pairs(
        self, images: Sequence[HashedImage], sides: Sequence[int] | None = None
    ) -> Iterator[tuple[int, int]]:
        return why.direct_matches(images, self._rules, sides)

    def why(self, one: HashedImage, other: HashedImage) -> tuple[Comparison, ...]:
        if one.digest == other.digest:
            return why.compare(one, other, self._rules)
        return (compared(one, other, self.cosine),)


class ByBoth(ByEmbeddings):
    """Groups pictures that look alike by a preset, or that points or a model join."""

    has_presets = True

    def why(self, one: HashedImage, other: HashedImage) -> tuple[Comparison, ...]:
        by_hash = why.compare(one, other, self._rules)
        if one.digest == other.digest:
            return by_hash
        (by_model, *_) = super().why(one, other)
        found = (by_model, *by_hash)
        return tuple(sorted(found, key=why.weight, reverse=True))


def compared(one: HashedImage, other: HashedImage, sure: float) -> Comparison:
    """Two pictures by their embeddings, and by what points say to that."""
    if not one.embedding or not other.embedding:
        reason = "a picture without detail or with several pages has no embedding"
        return Comparison(EMBEDDING, False, False, reason)
    vectors = [np.frombuffer(data, np.float32) for data in (one.embedding, other.embedding)]
    cosine = cosine_of(*vectors)
    if cosine < PROPOSED_COSINE:
        reason = f"their embeddings are too far apart (from {PROPOSED_COSINE:g} on points decide)"
        return Comparison(EMBEDDING, False, False, reason, cosine=cosine)
    both = in_order([one, other])
    found = list(find_matches(both, sure))
    matches, close = bool(found), cosine >= sure
    if not matches:
        said = _against([image.look for image in both], sure=close)
        reason = f"their embeddings are close, but points don't bear it out: {said}"
    elif found[0].needs_a_look:
        reason = f"their embeddings are close (from {sure:g}), and some points bear it out"
    else:
        reason = "their embeddings are close, and points prove it"
    return Comparison(EMBEDDING, matches, matches or close, reason, cosine=cosine)


def _against(looks: Sequence[Look | None], *, sure: bool) -> str:
    """Why points don't prove what a network proposes, or don't bear out what it is sure of."""
    one, other = looks
    if not (one and other and one.points and other.points):
        return "one has none"
    if sure:
        return why_by_points.not_borne_out(one, other)
    return why_by_points.compared(one, other).reason


# ---- Matches


def _nothing(_: Sequence[Sequence[int]]) -> Iterable[Match]:
    """What is found before a model is asked, where it alone proposes."""
    return ()


def find_matches(images: Sequence[HashedImage], sure: float) -> Iterator[Match]:
    """Yield the pairs of pictures, each another one, that match by their embeddings."""
    return iter(by_embeddings(images, sure)([[position] for position in range(len(images))]))


def by_embeddings(
    images: Sequence[HashedImage],
    sure: float,
    sides: Sequence[int] | None = None,
    each: by_points.Each = map,
    before: FindMatches = _nothing,
    proofs: Proofs | None = None,
) -> FindMatches:
    """The method that finds what another one does, and then what a model proposes and points prove.

    What a model sees in two pictures proves nothing: to it all text looks alike, and all subjects
    before one background. So it only proposes pairs: of each picture the `PROPOSED` nearest from
    `PROPOSED_COSINE` on, and all with a cosine of `sure`, of which points have to prove less. Of
    two documents only the nearest are proposed: to it nearly all of them are near.
    """

    def matches(files: Sequence[Sequence[int]]) -> Iterator[Match]:
        found = list(before(files))
        yield from found
        cosines = _proposed(images, files, sure, sides, found)
        looks = [images[first].look for first, *_ in files]
        for match, holds in by_points.borne_out(looks, cosines, each, proofs):
            cosine = cosines[match.left, match.right]
            if holds:
                yield match
            elif cosine >= sure:
                yield replace(match, correlation=cosine, view=EMBEDDING)

    return matches


def limits_of(sure: float) -> Limits:
    """Of which vectors the pictures are proposed."""
    return Limits(PROPOSED_COSINE, PROPOSED, sure)


def _proposed(
    images: Sequence[HashedImage],
    files: Sequence[Sequence[int]],
    sure: float,
    sides: Sequence[int] | None,
    found: Sequence[Match],
) -> dict[by_points.Pair, float]:
    """The pairs of distinct pictures whose vectors are near, with their cosines, in order.

    Any vector of a picture's files counts. What is found already, or has no points, isn't proposed.
    """
    apart = sides_of(files, sides)
    standing = by_points.standing_for_all(len(files), found, apart)
    rows = _rows(images, {number: files[number] for number in standing.tolist()})
    if not rows:
        return {}
    owner = np.array([number for number, _ in rows])
    vectors = np.frombuffer(b"".join(vector for _, vector in rows), np.float32)
    by_row = None if apart is None else apart[owner]
    documents = np.array([by_points.is_document(images[files[n][0]].look) for n, _ in rows])
    near = near_vectors(vectors.reshape(len(rows), -1), limits_of(sure), by_row, documents)
    best: dict[by_points.Pair, float] = {}
    for one, other, cosine in zip(*(column.tolist() for column in near), strict=True):
        pair = int(owner[one]), int(owner[other])
        best[pair] = max(cosine, best.get(pair, -1.0))
    known = {(match.left, match.right) for match in found}
    return {pair: best[pair] for pair in sorted(best) if pair[0] != pair[1] and pair not in known}


def _rows(
    images: Sequence[HashedImage], files: Mapping[int, Sequence[int]]
) -> list[tuple[int, bytes]]:
    """The number and each vector of pictures that have points, too, by the files of each."""
    rows: dict[tuple[int, bytes], None] = {}
    for number, positions in files.items():
        if by_points.has_points(images[positions[0]].look):
            for position in positions:
                if vector := images[position].embedding:
                    rows[number, vector] = None
    return list(rows)
