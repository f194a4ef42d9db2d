"""A preview: a small picture in place of a large file, as a person sees that."""

import functools
import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_pictures import (
    LAUNCH,
    STORED_AS,
    deep,
    encoded,
    gif_with_transparency,
    half_transparent,
    lab,
    opaque,
    palette,
    photo,
    png,
    tiff,
)
from made_raw import dng
from PIL import Image, ImageCms, ImageOps

from actions import find, previews
from config import UserError
from disk import copying
from disk.copying import write_preview
from disk.files import ImageFile
from disk.record import SavedCopy
from disk.result import OutputPaths
from pictures.preview import made_of, preview_of
from pictures.preview_files import Small, Whole, form_of, path_of, usual_bytes

JPEG_95 = functools.partial(encoded, file_format="JPEG", quality=95)


@functools.cache
def large(width: int = 2400) -> Image.Image:
    """A wide picture, which costs little for its longer side."""
    return photo(LAUNCH).resize((width, 240), Image.Resampling.BICUBIC)


def opened(data: bytes | None) -> Image.Image:
    assert data
    return Image.open(io.BytesIO(data))


def differ(one: Image.Image, other: Image.Image) -> float:
    """By how many levels two pictures differ in the mean, once they are of one small size."""
    pixels = [np.asarray(i.convert("RGB").resize((64, 32))).astype(float) for i in (one, other)]
    return float(np.abs(pixels[0] - pixels[1]).mean())


# How pictures are kept, the format and the mode of the preview.
KEPT: dict[str, tuple[str, Callable[[Image.Image], bytes], str, str]] = {
    "a JPEG": ("a.jpg", JPEG_95, "JPEG", "RGB"),
    "a JPEG in capitals": ("A.JPEG", JPEG_95, "JPEG", "RGB"),
    "gray": ("a.jpg", lambda i: JPEG_95(i.convert("L")), "JPEG", "L"),
    "ink": ("a.jpg", lambda i: JPEG_95(i.convert("CMYK")), "JPEG", "RGB"),
    "a PNG": ("a.png", png, "PNG", "RGB"),
    "a PNG of gray": ("a.png", lambda i: png(i.convert("L"), 0), "PNG", "L"),
    "16 bits": ("a.tiff", lambda i: tiff(deep(i)), "TIFF", "L"),
    "floats": ("a.tif", lambda i: tiff(i.convert("F")), "TIFF", "L"),
    "a TIFF of ink": ("a.tif", lambda i: tiff(i.convert("CMYK")), "TIFF", "RGB"),
    "a TIFF of YCbCr": ("a.tif", lambda i: tiff(i.convert("YCbCr")), "TIFF", "RGB"),
    "transparency in a TIFF": ("a.tif", lambda i: tiff(opaque(i)), "TIFF", "RGBA"),
    "a BMP": ("a.bmp", lambda i: encoded(i, "BMP"), "BMP", "RGB"),
    "a WebP": ("a.webp", lambda i: encoded(i, "WEBP", lossless=True, method=0), "WEBP", "RGB"),
    "an AVIF": ("a.avif", lambda i: encoded(i, "AVIF", quality=100, speed=10), "AVIF", "RGB"),
    "a JPEG called PNG": ("a.webp", JPEG_95, "WEBP", "RGB"),
    "a PNG called JPEG": ("a.jpg", png, "JPEG", "RGB"),
    "a JPEG called HEIC": ("a.heic", JPEG_95, "JPEG", "RGB"),
}


@pytest.mark.parametrize("kind", KEPT)
def test_a_preview_is_small_and_looks_like_the_picture(kind: str) -> None:
    name, keep, file_format, mode = KEPT[kind]
    data = keep(large())
    made = made_of(data, name)
    small = opened(made)
    assert made is not None
    assert len(made) < len(data)
    assert (small.format, small.mode, small.size) == (file_format, mode, (2048, 205))
    assert differ(small, large().convert("L") if mode == "L" else large()) < 4


def test_lab_is_shown_in_its_colours() -> None:
    assert differ(opened(made_of(lab(large()), "a.tif")), large()) < 4


def test_a_drawing_of_one_bit_gets_grays() -> None:
    drawing = Image.new("1", (4000, 400), 1)
    assert opened(made_of(tiff(drawing), "a.tif")).mode == "L"


def test_what_is_transparent_stays_so_where_the_format_can() -> None:
    data = half_transparent(large())
    assert opened(made_of(data, "a.png")).getextrema()[3] == (128, 128)
    white = Image.blend(Image.new("RGB", large().size, "white"), large(), 128 / 255)
    assert differ(opened(made_of(data, "a.jpg")), white) < 2


def test_the_colours_and_the_transparency_of_a_gif_stay() -> None:
    made = opened(made_of(gif_with_transparency(large().resize((2400, 60))), "a.gif"))
    assert made.format == "GIF"
    assert differ(made, large()) < 8


@pytest.mark.parametrize("orientation", STORED_AS)
def test_a_preview_is_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turn = STORED_AS[orientation]
    stored = large().transpose(turn) if turn is not None else large()
    small = opened(made_of(JPEG_95(stored, exif=exif), "a.jpg"))
    assert small.size == (2048, 205)
    assert differ(small, large()) < 4
    assert ImageOps.exif_transpose(small).size == small.size


def test_a_small_picture_that_is_turned_is_turned_upright_where_that_takes_less() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    small = large().resize((1200, 120))
    assert opened(made_of(JPEG_95(small, exif=exif), "a.jpg")).size == (120, 1200)
    poor = encoded(small, "JPEG", quality=20, exif=exif)
    assert made_of(poor, "a.jpg") is None


def test_a_colour_profile_goes_along_or_is_applied() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name, keep in (("a.jpg", JPEG_95), ("a.png", png), ("a.tif", tiff)):
        made = opened(made_of(keep(large(), icc_profile=profile), name))
        assert made.info["icc_profile"] == profile
    clear = png(opaque(large()), icc_profile=profile)
    assert "icc_profile" not in opened(made_of(clear, "a.jpg")).info


@pytest.mark.parametrize(("width", "shown"), [(4032, 2016), (3000, 2048), (8064, 2016)])
def test_a_jpeg_is_decoded_at_the_least_scale_that_is_enough(width: int, shown: int) -> None:
    assert opened(made_of(JPEG_95(large(width)), "a.jpg")).width == shown


@pytest.mark.formats
def test_of_a_raw_what_the_camera_made_is_shown_upright_whatever_its_size() -> None:
    raw = dng(large().resize((1200, 120)), orientation=6, size=(2400, 240))
    small = opened(made_of(raw, "a.dng"))
    assert (small.format, small.size) == ("JPEG", (120, 1200))
    assert differ(small, large().rotate(-90, expand=True)) < 6


@pytest.mark.formats
def test_a_heic_is_shown_as_a_jpeg() -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    stream = io.BytesIO()
    pillow_heif.from_pillow(large()).save(stream, format="HEIF", quality=100)
    small = opened(made_of(stream.getvalue(), "a.heic"))
    assert (small.format, small.size) == ("JPEG", (2048, 205))
    assert differ(small, large()) < 4


def frames(image: Image.Image, file_format: str) -> bytes:
    other = [ImageOps.mirror(image)]
    return encoded(image, file_format, save_all=True, append_images=other)


WHOLE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "small": ("a.jpg", lambda: JPEG_95(large().resize((2048, 60)))),
    "saved with little": ("a.jpg", lambda: encoded(large(2060), "JPEG", quality=5)),
    "of few colours": ("a.png", lambda: palette(large().resize((2060, 60)))),
    "an animation": ("a.webp", lambda: frames(large(), "WEBP")),
    "of two pages": ("a.tif", lambda: frames(large(), "TIFF")),
    "two frames of a GIF": ("a.gif", lambda: frames(large().resize((2060, 20)), "GIF")),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_a_file_is_kept_whole_where_a_preview_saves_nothing_or_hides_something(kind: str) -> None:
    name, make = WHOLE[kind]
    assert made_of(make(), name) is None


def test_what_can_not_be_decoded_to_its_end_is_copied_whole_and_it_is_said_why(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.jpg"
    data = JPEG_95(large())

    def made() -> Small | Whole:
        return preview_of(ImageFile(str(path), 0, 0))

    assert isinstance(made(), Whole)
    path.write_bytes(data)
    assert isinstance(made(), Small)
    for broken in (data[: len(data) // 2], b"no picture"):
        path.write_bytes(broken)
        whole = made()
        assert isinstance(whole, Whole)
        assert whole.reason
    path.write_bytes(JPEG_95(large().resize((90, 60))))
    assert made() == Whole(ImageFile(str(path), path.stat().st_size, path.stat().st_mtime_ns))


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("/p/a.jpg", "/p/a.jpg"),
        ("/p/a.PNG", "/p/a.PNG"),
        ("/p/a.heic", "/p/a.heic.jpg"),
        ("/p/a.CR2", "/p/a.CR2.jpg"),
        ("/p/a.jxl", "/p/a.jxl.jpg"),
    ],
)
def test_the_name_of_a_preview_says_what_it_is(name: str, called: str) -> None:
    assert path_of(name) == called
    assert path_of(called) == called


def test_a_preview_is_reckoned_to_take_no_more_than_its_original() -> None:
    assert usual_bytes(ImageFile("/a.jpg", 9_000_000, 0)) == form_of("a.jpg").usual_bytes
    assert usual_bytes(ImageFile("/a.jpg", 9_000, 0)) == 9_000


# ---- What it takes


def test_the_room_for_previews_is_reckoned_not_that_for_whole_copies(tmp_path: Path) -> None:
    huge, free = tmp_path / "a.jpg", shutil.disk_usage(tmp_path).free
    huge.touch()
    os.truncate(huge, free + 10**9)  # which takes no room
    copies = [SavedCopy(ImageFile(str(huge), free + 10**9, 0), str(tmp_path / "1"), 1, "0" * 64)]
    paths = OutputPaths(str(tmp_path / "out"), *[str(tmp_path / "out" / n) for n in "ito"])
    with pytest.raises(UserError, match="the copies need"):
        find.check_room(copies, {}, paths, previews=False)
    find.check_room(copies, {}, paths, previews=True)


@pytest.mark.parametrize(("count", "said"), [(1000, ""), (2000, "would take about 1 GB")])
def test_find_says_what_previews_would_save_if_that_is_much(
    count: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    console: Any = type("Console", (), {"say": told.append})
    (tmp_path / "a.jpg").touch()
    file = ImageFile(str(tmp_path / "a.jpg"), 9_000_000, 0)
    copies = [SavedCopy(file, f"/out/1/{number}", 1, "0" * 64) for number in range(count)]
    places = {copy.copy for copy in copies}
    output = str(tmp_path / "out")
    previews.say_what_previews_save(console, copies, places, output)  # taken over
    assert told == []
    previews.say_what_previews_save(console, copies, (), output)
    assert bool(told) is bool(said)
    assert said in "".join(told)
    told.clear()
    monkeypatch.setattr(previews, "may_share", lambda *_: True)
    previews.say_what_previews_save(console, copies, (), output)
    assert told == []


def test_a_preview_is_on_disk_and_is_read_back_before_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"a photo")
    original, place = ImageFile(str(tmp_path / "a.jpg"), 7, 10**9), tmp_path / "made"
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    write_preview(b"small", original, str(place))
    assert len(synced) == 1
    assert place.read_bytes() == b"small"
    monkeypatch.setattr(copying, "digest_file", lambda _: "another")
    with pytest.raises(OSError, match="doesn't give back"):
        write_preview(b"small", original, str(tmp_path / "bad"))
    assert not (tmp_path / "bad").exists()
