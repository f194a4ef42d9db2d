"""What is known of a picture, and small versions of it to show; each made in a worker process."""

import contextlib
import io
import math
import os
import re
import signal
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future, wait
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from disk import companions, limits
from extras.review import origin, quality
from finder import read_file
from pictures import dates, integrity
from pictures.inventory import inventory
from storage import SavedCopy, has_digest, is_untouched

if TYPE_CHECKING:
    from PIL import Image

T = TypeVar("T")

CPU_SECONDS = 20.0  # that a picture may take; the slowest real ones take two
FAR_SECONDS = 60.0  # by the clock: so long is only a worker that stands still
LOST_SECONDS = 160.0  # with its wait for others; then a worker was lost
END_SECONDS = 5.0
SHARPNESS_SIDE = 1024
SMALL_SIDE = 200
THUMB_SIDE = 320
PREVIEW_SIDE = 1600
FULL_PIXELS = 50_000_000  # what a browser is asked to hold of one picture
FULL_SIDE = 12_000
CACHE_BYTES = 192 << 20
XMP_BYTES = 1 << 20
REDUCING_GAP = 2.0  # times a side: what a picture is averaged to before it is resampled
AVERAGED = ("L", "LA", "RGB", "RGBA", "YCbCr", "CMYK")  # modes that can be, as they are
COLOURLESS = 4.0  # levels of chroma, on average


@dataclass(frozen=True, slots=True)
class Facts:
    """What a picture's file says of it; what it doesn't say is empty, zero or None.

    `taken` is EXIF's local time (`2024-05-01 12:00:00.25`), `clock` instead of it a time at which
    no picture can have been taken, as the file says it. `quality` is JPEG's from 1 to 100,
    `earlier` the lower one of a JPEG of which the picture was saved anew.
    `sharpness` is the deviation of the Laplacian of its gray at up to 1024 pixels: it compares
    versions of one picture, not different ones. `holds` is what else is in the file, as lines of
    `pictures.held`. `thumbprint` is what tells versions, `same` has digests of which files of the
    same pixels share one, `places` of which files of the same data do (`origin.places`),
    `orientation` is EXIF's. `generation` says how sure it is that a camera
    wrote the file, `periods` what is left where a picture was enlarged (`origin`).
    """

    width: int
    height: int
    format: str
    size: int
    taken: str = ""
    clock: str = ""
    camera: str = ""
    gps: bool = False
    rating: int = 0
    lossless: bool = False
    few_colours: bool = False
    quality: int | None = None
    earlier: int | None = None
    standard: bool = True  # the steps that libjpeg has for the quality
    sharpness: float = 0.0
    colourless: bool = False
    damage: str = ""
    holds: tuple[str, ...] = ()
    orientation: int = 1
    generation: int = 0
    periods: origin.Periods = origin.NO_PERIODS
    same: tuple[str, ...] = field(default=(), repr=False)
    places: tuple[str, ...] = field(default=(), repr=False)
    thumbprint: bytes = field(default=b"", repr=False)

    @property
    def pixels(self) -> int:
        return self.width * self.height


# ---- In a worker


def examine(path: str) -> Facts:
    """Read a picture's facts; raises one of `views.DECODE_ERRORS`. Changes nothing on disk."""
    import views
    from pictures import decoding

    file, data = read_file(path)
    structure = integrity.examined(data)
    image = decoding.header(data, structure, views.open_header)
    width, height = image.size
    found = decoding.decoded(data, structure, _drafted("YCbCr", (SHARPNESS_SIDE, SHARPNESS_SIDE)))
    assert found.image
    form = "JPEG" if image.format == "MPO" else str(image.format)
    few_colours = form == "GIF" or image.mode == "P"
    if found.image.format == "PNG":  # only who has read it all knows what stands at its end
        image = found.image
    latest = dates.time_of_file(file.mtime_ns, file.ctime_ns)
    known, orientation = _known_of(image, latest), _orientation_of(image)
    generation = origin.generation(_signs_of(image, data))
    holds = inventory(data, image, companions.xmp_beside(path))
    lossless = form in ("PNG", "BMP", "DIB") or b"VP8L" in data[:64]
    lossless = lossless or (form == "TIFF" and image.info.get("compression") != "jpeg")
    now = quality.of_jpeg(image) if form == "JPEG" else None
    head, image = image, found.image
    traces = origin.Traces() if found.harm else origin.traces(data, structure.end, now)
    if orientation in (5, 6, 7, 8):
        width, height = height, width
        traces = traces.turned()
    sharpness, colourless, seen = _looks(image, orientation)
    return Facts(
        width=width,
        height=height,
        format=form,
        size=file.size,
        quality=now,
        standard=now is None or quality.is_standard(head, now),
        earlier=traces.earlier,
        sharpness=sharpness,
        colourless=colourless,
        damage=found.harm,
        lossless=lossless,
        few_colours=few_colours,
        holds=holds,
        orientation=orientation,
        generation=generation,
        periods=traces.periods,
        same=traces.same,
        places=origin.places(data, structure.end),
        thumbprint=seen,
        **known,
    )


def render(path: str, kind: str) -> bytes:
    """A picture as a JPEG to show, upright, on white and in sRGB.

    `kind` is `small`, `thumb`, `preview` or `full`. Raises one of `views.DECODE_ERRORS`.
    """
    from PIL import Image, ImageOps

    import views
    from pictures import decoding

    data = read_file(path)[1]
    structure = integrity.examined(data)
    head = decoding.header(data, structure, views.open_header)
    side = {"small": SMALL_SIDE, "thumb": THUMB_SIDE, "preview": PREVIEW_SIDE}.get(kind, FULL_SIDE)
    factor = _factor(head.size, side)
    size = (head.width // factor, head.height // factor) if kind == "full" else (side, side)
    picture = decoding.decoded(data, structure, _drafted("RGB", size)).image
    assert picture
    orientation = _orientation_of(picture if head.format == "PNG" else head)
    del head  # of a PNG it may hold the pixels, and there is no room for three large pictures
    picture = _averaged(picture, side)
    image = _to_rgb(picture)
    del picture
    image = _averaged(image, side)
    if max(image.size) > side:
        image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)
    image.getexif()[0x0112] = orientation
    ImageOps.exif_transpose(image, in_place=True)
    stream = io.BytesIO()
    if side <= THUMB_SIDE:
        image.save(stream, "JPEG", quality=70 if kind == "small" else 80)
    else:
        image.save(stream, "JPEG", quality=95, subsampling=0)
    return stream.getvalue()


def _factor(size: tuple[int, int], side: int) -> int:
    """By how much a picture may be averaged that is to be shown at up to a side."""
    most = math.ceil(math.sqrt(size[0] * size[1] / FULL_PIXELS))
    return max(most, int(max(size) / side / REDUCING_GAP))


def _averaged(image: "Image.Image", side: int) -> "Image.Image":
    factor = _factor(image.size, side)
    return image.reduce(factor) if factor > 1 and image.mode in AVERAGED else image


def _drafted(mode: str, size: tuple[int, int]) -> Callable[[bytes], "Image.Image"]:
    """What makes a file ready to be decoded, a JPEG at a scale that covers a size."""
    import views

    def prepare(data: bytes) -> "Image.Image":
        image = views.open_header(data)
        image.draft(mode, size)
        return image

    return prepare


def _known_of(image: "Image.Image", latest: datetime | None = None) -> dict[str, Any]:
    """What EXIF data and XMP say; each is read by itself, as one that is broken hides no other."""
    from PIL import ExifTags, Image

    tags, ifds = ExifTags.Base, ExifTags.IFD
    xmp = _xmp_of(image)
    exif = _tried(image.getexif, Image.Exif())
    details: dict[int, Any] = _tried(lambda: exif.get_ifd(ifds.Exif), {})
    place: dict[int, Any] = _tried(lambda: exif.get_ifd(ifds.GPSInfo), {})
    maker, model = (_text(_tag(exif, tag)) for tag in (tags.Make, tags.Model))
    written = [
        (_tag(details, tags.DateTimeOriginal), _tag(details, tags.SubsecTimeOriginal)),
        (_tag(details, tags.DateTimeDigitized), _tag(details, tags.SubsecTimeDigitized)),
        (_in_xmp(xmp, "DateTimeOriginal"), ""),
        (_in_xmp(xmp, "CreateDate"), ""),
    ]
    moments = [found for date in written if (found := dates.moment(*date))]
    # When the file was changed last says nothing where another date stands, be it a wrong one.
    moments = moments or [dates.moment(_tag(exif, tags.DateTime))]
    taken = next((m for m in moments if m and dates.is_plausible(m, latest)), "")
    ratings = _tag(exif, tags.Rating) or 0, _in_xmp(xmp, "Rating") or 0
    return {
        "taken": taken,
        "clock": "" if taken else moments[0],
        "camera": model if model.startswith(maker) else f"{maker} {model}".strip(),
        "gps": ExifTags.GPS.GPSLatitude in place or bool(_in_xmp(xmp, "GPSLatitude")),
        "rating": max(
            _tried(lambda: int(float(ratings[0])), 0), _tried(lambda: int(float(ratings[1])), 0)
        ),
    }


def _signs_of(image: "Image.Image", data: bytes) -> origin.Signs:
    """What a file says of who wrote it."""
    from PIL import ExifTags, Image

    tags = ExifTags.Base
    exif = _tried(image.getexif, Image.Exif())
    details: dict[int, Any] = _tried(lambda: exif.get_ifd(ExifTags.IFD.Exif), {})
    sides = [_tag(details, tag) or 0 for tag in (tags.ExifImageWidth, tags.ExifImageHeight)]
    places = ((details, tags.DateTimeOriginal), (exif, tags.DateTime))
    taken, changed = (dates.moment(_tag(ifd, tag)) for ifd, tag in places)
    shown = (tags.ExposureTime, tags.FNumber, tags.ISOSpeedRatings, tags.MakerNote)
    form = "JPEG" if image.format == "MPO" else str(image.format)
    return origin.Signs(
        camera=bool(_text(_tag(exif, tags.Make)) or _text(_tag(exif, tags.Model))),
        programs=(_text(_tag(exif, tags.Software)), _in_xmp(_xmp_of(image), "CreatorTool")),
        quality=quality.of_jpeg(image) if form == "JPEG" else None,
        jfif=data[6:10] == b"JFIF",
        photographed=any(_tag(details, tag) for tag in shown),
        size=image.size,
        said=(_tried(lambda: int(sides[0]), 0), _tried(lambda: int(sides[1]), 0)),
        changed_seconds=dates.seconds_between(taken, changed),
    )


def _orientation_of(image: "Image.Image") -> int:
    return _tried(lambda: int(image.getexif().get(0x0112, 1)), 1)


def _tag(tags: Mapping[int, Any], tag: int) -> Any:
    return _tried(lambda: tags.get(tag) or "", "")


def _tried(read: Callable[[], T], otherwise: T) -> T:
    import views

    try:
        found = read()
    except views.DECODE_ERRORS:
        return otherwise
    return otherwise if found is None else found


def _xmp_of(image: "Image.Image") -> str:
    """The picture's XMP packet; it is searched, not parsed, as it may be anything."""
    found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    data = found.encode() if isinstance(found, str) else bytes(found)
    return data[:XMP_BYTES].decode("utf-8", "replace")


def _in_xmp(xmp: str, name: str) -> str:
    """The value of a simple property, written as an attribute or as an element."""
    match = re.search(rf"""\b{name}\s*=\s*["']([^"'<]*)|<[\w-]+:{name}>([^<]*)<""", xmp)
    return (match[1] or match[2] or "").strip() if match else ""


def _text(value: object) -> str:
    return " ".join(str(value).replace("\0", " ").split())[:80]


def _looks(image: "Image.Image", orientation: int) -> tuple[float, bool, bytes]:
    """The sharpness of a decoded picture, whether it is without colour, and its thumbprint."""
    import numpy as np

    from extras.review import versions

    image = _averaged(image, SHARPNESS_SIDE)
    small = image.copy() if image.mode == "YCbCr" else _to_rgb(image)
    small.thumbnail((SHARPNESS_SIDE, SHARPNESS_SIDE))
    seen = versions.thumbprint(_upright(small, orientation))
    levels = np.asarray(small.convert("YCbCr")).astype(np.float32)
    y = levels[..., 0]
    chroma = float(np.abs(levels[..., 1:] - 128).mean())
    if min(y.shape) < 3:
        return 0.0, chroma < COLOURLESS, seen
    ridge = y[1:-1, :-2] + y[1:-1, 2:] + y[:-2, 1:-1] + y[2:, 1:-1] - 4 * y[1:-1, 1:-1]
    return round(float(ridge.std()), 1), chroma < COLOURLESS, seen


def _upright(image: "Image.Image", orientation: int) -> "Image.Image":
    from PIL import Image, ImageOps

    plain = Image.new(image.mode, image.size)
    plain.paste(image)
    plain.getexif()[0x0112] = orientation
    return ImageOps.exif_transpose(plain)


def _to_rgb(image: "Image.Image") -> "Image.Image":
    """A decoded picture in sRGB on white, whatever its mode; deep pixels in their full range."""
    from PIL import Image

    import views

    if image.mode in ("F", "LAB", "La", "RGBa", "HSV") or image.mode.startswith("I"):
        rgb = views.to_gray(image).convert("RGB")
    elif image.has_transparency_data:
        layer = image.convert("RGBA")
        rgb = Image.new("RGB", image.size, "white")
        rgb.paste(layer, mask=layer.getchannel("A"))
    else:
        rgb = _in_srgb(image)
    rgb.info = {}  # nothing else of the file gets to a browser
    return rgb


def _in_srgb(image: "Image.Image") -> "Image.Image":
    from PIL import ImageCms

    import views

    if profile := image.info.get("icc_profile"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            ready = image if image.mode in ("RGB", "L", "CMYK") else image.convert("RGB")
            srgb = ImageCms.createProfile("sRGB")
            turned = ImageCms.profileToProfile(ready, source, srgb, outputMode="RGB")
            if turned is not None:
                return turned
        except (ImageCms.PyCMSError, *views.DECODE_ERRORS):
            pass  # a broken profile; the plain colours are near enough
    return image.convert("RGB")


def _within(cpu_seconds: float, make: Callable[..., T], *arguments: object) -> T:
    """What is made of a picture; the worker ends if it works for longer than it may."""
    limits.allow_cpu(cpu_seconds)
    return make(*arguments)


def _start_worker() -> None:
    """Bound what a hostile picture can take, and keep the decoders' messages off the terminal."""
    limits.limit_memory()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


# ---- The pool


@dataclass(frozen=True, slots=True)
class Unseen:
    """Why nothing is known of a picture."""

    reason: str


GONE_BOTH = "its copy and its original are gone"

Key = tuple[str, str, int, int]


class Examiner:
    """A pool of a few workers, and a bounded memory of what they made.

    What is asked for twice is made once. It is used by several threads.
    """

    def __init__(self, workers: int, cache_bytes: int = CACHE_BYTES) -> None:
        import multiprocessing
        from multiprocessing import resource_tracker

        from pebble import ProcessPool

        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["views"])
        self._pool = ProcessPool(max_workers=workers, context=context, initializer=_start_worker)
        resource_tracker.ensure_running()  # when it starts, it lets Ctrl-C through
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # the workers stay deaf to it
        try:
            assert self._pool.active  # asking starts them
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._pending: dict[Key, Future[Any]] = {}
        self._facts: dict[Key, Facts] = {}
        self._pictures: OrderedDict[Key, bytes] = OrderedDict()
        self._room = cache_bytes

    def close(self) -> None:
        self._closed.set()  # who still waits for a picture waits no longer
        self._pool.stop()
        with contextlib.suppress(TimeoutError):  # a worker that doesn't end is no reason to wait
            self._pool.join(END_SECONDS)

    def facts(self, copy: SavedCopy, *, edited: bool = False) -> Facts | Unseen:
        """The facts of what find saw, in the original or in the copy, or of an edited copy.

        What find saw is as damaged as find said: it has heard the decoder, too.
        """
        key = _key(copy.copy, "facts") if edited else self._key_of_found(copy)
        if isinstance(key, Unseen):
            return key
        if (known := self._facts.get(key)) is None:
            made = self._made(key, examine, (key[1],))
            if isinstance(made, Unseen):
                return made
            known = self._facts[key] = made
        return known if edited or not copy.damage else replace(known, damage=copy.damage)

    def _key_of_found(self, copy: SavedCopy) -> Key | Unseen:
        for path in (copy.original.path, copy.copy):
            if is_untouched(path, copy):
                return _key(path, "facts")
        for path in (copy.copy, copy.original.path):  # only the time may have changed
            key = _key(path, "facts")
            if isinstance(key, tuple) and (key in self._facts or has_digest(path, copy.digest)):
                return key
        there = os.path.lexists(copy.original.path)
        return Unseen("its copy is gone and its original changed" if there else GONE_BOTH)

    def picture(self, copy: SavedCopy, kind: str) -> bytes | Unseen:
        """A JPEG of a copy or, if it is gone, of its original; `kind` as for `render`."""
        shown = copy.copy if os.path.lexists(copy.copy) else copy.original.path
        key = _key(shown, kind)
        if isinstance(key, Unseen):
            return key
        with self._lock:
            if (known := self._pictures.get(key)) is not None:
                self._pictures.move_to_end(key)
                return known
        made = self._made(key, render, (key[1], kind))
        if isinstance(made, bytes):
            self._keep(key, made)
        return made

    def _keep(self, key: Key, data: bytes) -> None:
        with self._lock:
            if key not in self._pictures:
                self._pictures[key] = data
                self._room -= len(data)
            while self._room < 0 and len(self._pictures) > 1:
                _, dropped = self._pictures.popitem(last=False)
                self._room += len(dropped)

    def _made(self, key: Key, make: Callable[..., T], arguments: tuple[object, ...]) -> T | Unseen:
        from pebble import ProcessExpired

        import views

        try:
            with self._lock:
                future: Future[T] | None = self._pending.get(key)
                if future is None:
                    bounded = (CPU_SECONDS, make, *arguments)
                    future = self._pool.schedule(_within, args=bounded, timeout=FAR_SECONDS)
                    self._pending[key] = future
            patience = time.monotonic() + LOST_SECONDS
            while not self._closed.is_set():
                if future in wait([future], 0.5).done:
                    return future.result()
                if time.monotonic() > patience:
                    future.cancel()
                    return Unseen("no worker came back with it")
            return Unseen("the review is ending")
        except CancelledError:
            return Unseen("the review is ending")
        except TooSlow:
            return Unseen("whoever reads it stands still")
        except ProcessExpired as error:
            if error.exitcode == limits.ENDED_BY_CPU:
                seconds = f"{CPU_SECONDS:.0f} seconds of processor time"
                return Unseen(f"it takes more than {seconds} to decode")
            return Unseen("it crashed the decoder")
        except views.DECODE_ERRORS as error:
            if isinstance(error, MemoryError):
                return Unseen(limits.too_much_memory())
            text = (isinstance(error, OSError) and error.strerror) or " ".join(str(error).split())
            return Unseen(text[:200] or type(error).__name__)
        finally:
            with self._lock:
                self._pending.pop(key, None)


def _key(path: str, kind: str) -> Key | Unseen:
    """What tells one content of a file from the next: its path, size and time."""
    try:
        status = os.lstat(path)
    except OSError:
        return Unseen(GONE_BOTH)
    return kind, path, status.st_size, status.st_mtime_ns
