"""What is hashed is what a person sees, whatever way the picture is stored."""

import hashlib
import io
import os
import random
import struct
import zlib
from pathlib import Path

import imagehash
import made_pictures
import numpy as np
import pytest
from made_pictures import (
    CAT,
    COFFEE,
    LAUNCH,
    SINGLES,
    distance,
    encoded,
    hash_data,
    hash_of,
    photo,
    png,
    tiff,
)
from PIL import Image, ImageFilter, ImageOps, PngImagePlugin

from disk.files import ImageFile
from pictures.hashing import hash_file
from pictures.images import HashedImage, Unreadable
from pictures.recipe import Recipe

NEAR = 12  # of 256 bits: the bound for the same picture stored another way
# Pillow warns about the broken files it reads.
ignores_warnings = pytest.mark.filterwarnings("ignore")


def plain_hash(path: Path) -> bytes:
    """The pipeline in its plainest words, which is right for ordinary photos."""
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image)
    gray = upright.convert("L").resize((1024, 1024), Image.Resampling.LANCZOS)
    return np.packbits(imagehash.phash(gray, hash_size=16).hash).tobytes()


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The hashes of the samples as plain 8-bit gray."""
    folder = tmp_path_factory.mktemp("twins")
    return {name: hash_of(png(photo(name).convert("L")), folder) for name in SINGLES}


# ---- Every mode, format and orientation


def test_ordinary_photos_are_hashed_as_by_the_plain_pipeline(tmp_path: Path) -> None:
    paths = made_pictures.sample_paths()
    for name in (CAT, LAUNCH):  # large enough that the decoder may reduce them
        path = tmp_path / f"large-{Path(name).name}"
        photo(name).resize((3600, 2400), Image.Resampling.LANCZOS).save(path, quality=90)
        paths.append(path)
    off = [distance(plain_hash(path), hash_of(path.read_bytes(), tmp_path)) for path in paths]
    assert len(off) == 14
    assert max(off) <= 6
    assert sum(off) / len(off) <= 1


@pytest.mark.parametrize("mode", made_pictures.MODES)
def test_a_picture_is_hashed_like_its_8_bit_twin(
    mode: str, tmp_path: Path, twins: dict[str, bytes]
) -> None:
    for name in (CAT, LAUNCH):
        same = hash_of(made_pictures.MODES[mode](photo(name)), tmp_path)
        assert distance(twins[name], same) <= NEAR, name


def test_the_files_have_the_modes_they_are_named_after() -> None:
    decoded_to = {"RGBa": "RGBA", "RGBX": "RGB", "YCbCr.jpg": "RGB"}
    decoded_to |= {"RGBA.webp": "RGB", "RGBA.avif": "RGB"}  # as nothing is transparent
    for name, convert in made_pictures.MODES.items():
        mode = name.partition(".")[0].partition("-")[0]
        with Image.open(io.BytesIO(convert(photo(CAT)))) as image:
            assert image.mode == decoded_to.get(name, decoded_to.get(mode, mode)), name


def test_what_is_half_transparent_is_seen_on_white(tmp_path: Path) -> None:
    for name in (CAT, LAUNCH):
        half = hash_of(made_pictures.half_transparent(photo(name)), tmp_path)
        assert distance(half, hash_of(made_pictures.on_white(photo(name)), tmp_path)) <= NEAR


def test_a_cut_out_is_seen_on_white_whatever_colour_hides_in_what_is_transparent(
    tmp_path: Path,
) -> None:
    image = photo(COFFEE)
    shape = Image.new("L", image.size, 0)
    shape.paste(255, (150, 50, 450, 350))
    shape = shape.filter(ImageFilter.GaussianBlur(20))
    white = Image.new("RGB", image.size, "white")
    seen = hash_of(png(Image.composite(image, white, shape)), tmp_path)
    for hidden in ("black", "red"):
        cut_out = Image.composite(
            image, Image.new("RGB", image.size, hidden), shape.point(bool, "1")
        )
        cut_out.putalpha(shape)
        assert distance(seen, hash_of(png(cut_out), tmp_path)) <= NEAR


def test_a_white_logo_is_compared_by_its_alpha_channel(
    tmp_path: Path, twins: dict[str, bytes]
) -> None:
    for name in SINGLES:
        logo = hash_of(made_pictures.logo(photo(name)), tmp_path)
        assert distance(twins[name], logo) <= NEAR


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_each_orientation_is_hashed_like_the_upright_picture(
    file_format: str, tmp_path: Path
) -> None:
    upright = hash_of(made_pictures.turned(photo(CAT), 1, file_format), tmp_path)
    for orientation in made_pictures.STORED_AS:
        same = hash_of(made_pictures.turned(photo(CAT), orientation, file_format), tmp_path)
        assert distance(upright, same) <= 4, orientation


def test_a_16_bit_scan_is_turned_upright(tmp_path: Path) -> None:
    scan = made_pictures.deep(photo(CAT))
    upright = hash_of(tiff(scan), tmp_path)
    for file_format in ("TIFF", "PNG"):
        for orientation in (3, 6, 8):
            same = hash_of(made_pictures.turned(scan, orientation, file_format), tmp_path)
            assert distance(upright, same) <= 4, (file_format, orientation)


def test_different_16_bit_scans_have_different_hashes(tmp_path: Path) -> None:
    hashes = [hash_of(tiff(made_pictures.deep(photo(name))), tmp_path) for name in SINGLES]
    for number, one in enumerate(hashes):
        for other in hashes[number + 1 :]:
            assert distance(one, other) > 80


def test_a_hash_has_as_many_bits_as_it_should(tmp_path: Path) -> None:
    path = tmp_path / "cat.jpg"
    path.write_bytes(png(photo(CAT)))
    for size, length in ((2, 1), (3, 2), (8, 8), (16, 32), (64, 512)):
        hashed = hash_file(ImageFile(str(path), 0, 0), Recipe(size))
        assert isinstance(hashed, HashedImage)
        assert hashed.look is not None
        assert [len(view.hash) for view in hashed.look.views] == [length]


def test_a_hash_comes_with_the_digest_size_and_time_of_what_was_read(tmp_path: Path) -> None:
    data = png(photo(CAT))
    hashed = hash_data(data, tmp_path)
    status = (tmp_path / "picture.jpg").stat()
    assert isinstance(hashed, HashedImage)
    assert hashed.digest == hashlib.sha256(data).hexdigest()
    assert (hashed.file.size, hashed.file.mtime_ns) == (len(data), status.st_mtime_ns)


# ---- Pictures that only identical files may match


def speckled(level: float, deviation: float, scale: float = 1) -> np.ndarray:
    noise = np.random.default_rng(7).normal(level, deviation, (400, 600))
    return (noise.clip(0, 255) * scale).round()


def two_tone(size: tuple[int, int], dark: int, light: int) -> Image.Image:
    image = Image.new("L", size, dark)
    image.paste(light, (0, 0, size[0] // 2, size[1]))
    return image


BLANK = {
    "one colour": png(Image.new("RGB", (600, 400), (200, 30, 90))),
    "white": encoded(Image.new("RGB", (600, 400), "white"), "JPEG"),
    "one pixel": png(Image.new("RGB", (1, 1), "white")),
    "two neighbouring grays": png(two_tone((600, 400), 127, 128)),
    "a blank scan": png(Image.fromarray(speckled(240, 1).astype(np.uint8))),
    "a lens cap": encoded(Image.fromarray(speckled(3, 1).astype(np.uint8)), "JPEG"),
    "a 16-bit blank scan": png(Image.fromarray(speckled(240, 0.02, 257).astype(np.uint16))),
    "a 16-bit black frame": tiff(Image.new("I;16", (600, 400))),
    "32-bit, all the same": tiff(Image.new("I", (600, 400), 1 << 30)),
    "floats, all the same": tiff(Image.new("F", (600, 400), 0.5)),
    "floats that are no numbers": tiff(Image.new("F", (600, 400), float("nan"))),
    "nothing but transparency": png(Image.new("RGBA", (600, 400), (0, 0, 0, 0))),
    "white, half transparent": png(Image.new("RGBA", (600, 400), (255, 255, 255, 128))),
}


@pytest.mark.parametrize("what", BLANK)
def test_a_picture_without_content_has_no_look(what: str, tmp_path: Path) -> None:
    hashed = hash_data(BLANK[what], tmp_path)
    assert isinstance(hashed, HashedImage)
    assert hashed.look is None
    assert hashed.digest == hashlib.sha256(BLANK[what]).hexdigest()


def test_a_faint_picture_still_has_one(tmp_path: Path, twins: dict[str, bytes]) -> None:
    faint = photo(CAT).convert("L").point(lambda level: 200 + level // 10)
    assert distance(hash_of(png(faint), tmp_path), twins[CAT]) <= 40


@pytest.mark.parametrize("file_format", ["TIFF", "GIF", "WEBP", "PNG", "AVIF"])
def test_several_pages_or_frames_have_no_look(
    file_format: str, tmp_path: Path, twins: dict[str, bytes]
) -> None:
    cover = photo(CAT)
    pages = [photo(name).resize(cover.size) for name in (COFFEE, LAUNCH)]
    several = hash_data(encoded(cover, file_format, save_all=True, append_images=pages), tmp_path)
    assert isinstance(several, HashedImage)
    assert several.look is None
    single = hash_of(encoded(cover, file_format, save_all=True), tmp_path)
    assert distance(single, twins[CAT]) <= NEAR


def test_a_photo_with_a_second_lens_is_hashed_like_its_first_picture(
    tmp_path: Path, twins: dict[str, bytes]
) -> None:
    data = encoded(photo(CAT), "MPO", save_all=True, append_images=[photo(COFFEE)], quality=90)
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.n_frames) == ("MPO", 2)
    assert distance(hash_of(data, tmp_path), twins[CAT]) <= 4


# ---- Broken files


def broken_exif() -> dict[str, bytes]:
    directory = b"Exif\0\0II*\0\x08\0\0\0\x01\0"
    entries = {
        "text": struct.pack("<HHII", 0x112, 2, 5, 26) + b"\0\0\0\0hello",
        "huge": struct.pack("<HHII", 0x112, 4, 1, 4_000_000_000) + b"\0\0\0\0",
        "nine": struct.pack("<HHII", 0x112, 3, 1, 9) + b"\0\0\0\0",
        "far away": struct.pack("<HHII", 0x112, 3, 9, 99_999) + b"\0\0\0\0",
        "a broken directory below": struct.pack("<HHII", 34665, 4, 1, 99_999) + b"\0\0\0\0",
    }
    return {
        "no TIFF": b"Exif\0\0garbage!",
        "nothing": b"Exif\0\0",
        "cut off": b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 50,
        "outside": b"Exif\0\0II*\0\xff\xff\xff\xff",
        **{name: directory + entry for name, entry in entries.items()},
    }


@ignores_warnings
@pytest.mark.parametrize("broken", broken_exif())
def test_a_picture_with_broken_exif_data_is_still_a_picture(
    broken: str, tmp_path: Path, twins: dict[str, bytes]
) -> None:
    for file_format in ("JPEG", "PNG", "WEBP"):
        data = encoded(photo(CAT), file_format, exif=broken_exif()[broken])
        assert distance(twins[CAT], hash_of(data, tmp_path)) <= NEAR, file_format


@ignores_warnings
def test_other_broken_metadata_is_no_reason_either(tmp_path: Path, twins: dict[str, bytes]) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Raw profile type exif", "\nexif\n  10\nno hexadecimals")
    for data in (
        png(photo(CAT), pnginfo=text),
        png(photo(CAT), icc_profile=b"no profile"),
        tiff(photo(CAT), tiffinfo={34665: 99_999}),
        encoded(photo(CAT), "JPEG", xmp=b"<x:xmpmeta tiff:Orientation='x'\xff"),
    ):
        assert distance(twins[CAT], hash_of(data, tmp_path)) <= NEAR


def assert_unreadable(result: HashedImage | Unreadable) -> None:
    assert isinstance(result, Unreadable)
    assert result.reason
    assert result.reason.isprintable()  # which also means that it is one line
    assert len(result.reason) < 200
    assert "object at" not in result.reason  # an address, another one every time


WHOLE = {
    name: made_pictures.MODES[name](photo(CAT))
    for name in ("RGB.jpg", "RGB.png", "RGB.bmp", "P.gif", "RGB.tif", "RGB.webp", "RGB.avif")
}


@ignores_warnings
@pytest.mark.parametrize("name", WHOLE)
def test_what_is_left_of_a_picture_is_unreadable_or_called_damaged(
    name: str, tmp_path: Path
) -> None:
    for part in (0, 1, 8, 30):
        assert_unreadable(hash_data(WHOLE[name][:part], tmp_path))
    start, third = WHOLE[name][:12], WHOLE[name][: len(WHOLE[name]) // 3]
    for rest in (third, start + b"\0" * 5000, start + random.Random(name).randbytes(5000)):
        result = hash_data(rest, tmp_path)
        assert isinstance(result, Unreadable) or result.damage


def test_what_is_no_picture_is_unreadable(tmp_path: Path) -> None:
    for data in (b"", b"\0", b"\xff\xd8", b"no picture\n" * 100, random.Random(1).randbytes(9999)):
        assert_unreadable(hash_data(data, tmp_path))
    for file_format in ("PPM", "ICO", "TGA", "PCX"):  # pictures, but no photos
        assert_unreadable(hash_data(encoded(photo(CAT), file_format), tmp_path))


def test_a_picture_that_claims_a_huge_size_is_not_decoded(tmp_path: Path) -> None:
    data = bytearray(png(photo(CAT)))
    data[16:24] = struct.pack(">II", 60_000, 60_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    result = hash_data(bytes(data), tmp_path)
    assert_unreadable(result)
    assert isinstance(result, Unreadable)
    assert "60000x60000" in result.reason


def test_a_program_that_is_called_a_photo_starts_no_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = tmp_path / "started"
    interpreter = tmp_path / "gs"
    interpreter.write_text(f"#!/bin/sh\ntouch '{started}'\n")
    interpreter.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    eps = encoded(photo(CAT), "EPS")
    assert_unreadable(hash_data(eps, tmp_path))
    assert not started.exists()


def test_what_is_no_regular_file_is_unreadable_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "real.jpg").write_bytes(WHOLE["RGB.jpg"])
    (tmp_path / "link.jpg").symlink_to("real.jpg")
    for name in ("pipe.jpg", "folder.jpg", "link.jpg", "missing.jpg"):
        file = ImageFile(str(tmp_path / name), 0, 0)
        assert_unreadable(hash_file(file, Recipe()))


def test_a_file_of_more_than_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.jpg"
    path.touch()
    os.truncate(path, (1 << 30) + 1)  # takes no room on the disk
    result = hash_file(ImageFile(str(path), 0, 0), Recipe())
    assert isinstance(result, Unreadable)
    assert result.reason == "the file is larger than 1 GiB"


# ---- Files broken at random


def small_files() -> dict[str, bytes]:
    """A small picture in every mode, with EXIF data, and in several frames."""
    image = photo(CAT).resize((113, 75))
    files = {name: convert(image) for name, convert in made_pictures.MODES.items()}
    for file_format in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF"):
        files[f"turned {file_format}"] = made_pictures.turned(image, 6, file_format)
    for file_format in ("TIFF", "GIF", "WEBP", "PNG", "AVIF", "MPO"):
        pages = [image.rotate(90)]
        files[f"several {file_format}"] = encoded(
            image, file_format, save_all=True, append_images=pages
        )
    return files


def damaged(data: bytes, other: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    place = rng.randrange(len(data) - 4)
    how = rng.choice(["truncate", "flip", "splice", "blank", "extreme"])
    if how == "truncate":
        return data[:place]
    if how == "splice":
        return data[:place] + other[rng.randrange(len(other)) :]
    if how == "blank":
        length = min(rng.choice([4, 40, 400]), len(data) - place)
        changed[place : place + length] = bytes(length)
    elif how == "extreme":
        changed[place : place + 4] = rng.choice([b"\xff" * 4, b"\0\0\0\x80", b"\x7f" + b"\xff" * 3])
    else:
        head = rng.choice([64, 600, len(data)])
        for _ in range(rng.choice([1, 3, 30])):
            changed[rng.randrange(min(head, len(data)))] = rng.randrange(256)
    return bytes(changed)


@ignores_warnings
def test_files_broken_at_random_are_hashed_or_unreadable(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(20)
    files = small_files()
    names = sorted(files)
    noticed = 0
    for _ in range(3):
        for name in names:
            broken = damaged(files[name], files[rng.choice(names)], rng)
            result = hash_data(broken, tmp_path)
            if isinstance(result, Unreadable):
                assert_unreadable(result)
                noticed += 1
            else:
                assert result.digest == hashlib.sha256(broken).hexdigest()
                noticed += bool(result.damage)
    assert 40 < noticed < 3 * len(names)
    capfd.readouterr()  # the decoders' own messages
