"""What is compared of a picture: small gray pictures that stand for all of it or a part."""

import io

import imagehash
import made_pictures
import numpy as np
import pytest
from made_pictures import (
    CAT,
    COFFEE,
    FRAMES,
    LAUNCH,
    PORTRAIT,
    SINGLES,
    STARS,
    Box,
    distance,
    encoded,
    look_of,
    photo,
    png,
    sky,
    text_page,
    with_exif,
)
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from pictures import bandpass, decode, fingerprint, frames
from pictures.hamming import MIRRORINGS
from pictures.looks import Taken, only_hash
from pictures.recipe import Recipe

CLEAR = (CAT, COFFEE, PORTRAIT)  # with edges that differ from a frame's
LANCZOS = Image.Resampling.LANCZOS
# How Pillow makes each turn, which counts degrees against the clock.
TRANSPOSES = {
    "mirrored": Image.Transpose.FLIP_LEFT_RIGHT,
    "flipped": Image.Transpose.FLIP_TOP_BOTTOM,
    "turned by 180": Image.Transpose.ROTATE_180,
    "transposed": Image.Transpose.TRANSPOSE,
    "turned by 90": Image.Transpose.ROTATE_270,
    "turned by 270": Image.Transpose.ROTATE_90,
    "transversed": Image.Transpose.TRANSVERSE,
}


def plain_hash(image: Image.Image, size: int) -> bytes:
    gray = image.convert("L").resize((1024, 1024), LANCZOS)
    return np.packbits(imagehash.phash(gray, hash_size=size).hash).tobytes()


def small(name: str = COFFEE, side: int = 64) -> np.ndarray:
    return np.asarray(photo(name).convert("L").resize((side, side), LANCZOS))


# ---- The picture that is hashed


@pytest.mark.parametrize("size", [8, 15, 16])
def test_a_hash_is_that_of_imagehash_bit_by_bit(size: int) -> None:
    for name in SINGLES:
        picture = small(name, 4 * size)
        by_itself = np.packbits(imagehash.phash(Image.fromarray(picture), hash_size=size).hash)
        assert bandpass.sure_hash(picture, size) == by_itself.tobytes()


@pytest.mark.parametrize("repeated", [0, 1])
def test_where_rounding_decides_a_hash_imagehash_makes_it(repeated: int) -> None:
    half = small()[:32]
    picture = np.concatenate([half, half[::-1]] if repeated else [half * 0 + 9, half * 0 + 200])
    assert bandpass.sure_hash(picture, 16) is None
    image = Image.fromarray(picture)
    made = np.frombuffer(fingerprint._hash(picture, 16), np.uint8)
    assert (np.unpackbits(made) == imagehash.phash(image, hash_size=16).hash.ravel()).all()
    assert not bandpass.sure_hash(np.zeros_like(picture), 16)


@pytest.mark.parametrize("target", [64, 1024])
@pytest.mark.parametrize("source", [(1, 2), (5, 64), (64, 63), (300, 451), (1024, 1500)])
def test_the_matrices_resample_as_pillow_does(source: tuple[int, int], target: int) -> None:
    levels = np.random.default_rng(4).uniform(0, 255, source).astype(np.float32)
    expected = np.asarray(Image.fromarray(levels).resize((target, target), LANCZOS))
    rows, columns = (bandpass.lanczos_matrix(length, target) for length in source)
    found = rows @ (columns @ levels.T).T
    assert np.abs(found - expected).max() < 0.01


def test_a_mean_stays_a_mean_whatever_the_sizes() -> None:
    for source, target in ((1, 1), (7, 7), (2, 9), (4000, 64), (13, 1024), (1024, 32)):
        matrix = bandpass.lanczos_matrix(source, target)
        assert matrix.shape == (target, source)
        assert np.allclose(matrix @ np.full(source, 93.0), 93)


def levels_off(gray: Image.Image, side: int) -> np.ndarray:
    """How far the picture reduced in one step is from the one reduced in two."""
    twice = gray.resize((1024, 1024), LANCZOS).resize((side, side), LANCZOS)
    return np.abs(np.asarray(fingerprint.small_gray(gray, side)).astype(int) - np.asarray(twice))


@pytest.mark.parametrize("side", [32, 64, 128])
def test_one_step_reduces_a_photo_as_the_two_steps_do(side: int) -> None:
    for name in SINGLES:
        gray = photo(name).convert("L")
        gray.thumbnail((5 * side - 1, 5 * side - 1))  # so that no pixels are averaged before
        off = levels_off(gray, side)
        assert (off > 1).mean() < 0.02  # where the standard picture is clipped to black or white
        assert off.mean() < 0.3


@pytest.mark.parametrize("size", [(640, 427), (257, 501), (515, 2000)])
def test_averaging_pixels_before_moves_no_edge(size: tuple[int, int]) -> None:
    for name in SINGLES:
        gray = photo(name).convert("L").resize(size, LANCZOS)
        off = levels_off(gray.filter(ImageFilter.GaussianBlur(4)), 64)
        assert (off > 1).mean() < 0.02


@pytest.mark.parametrize(("size", "bits"), [(8, 2), (16, 6), (32, 24)])
def test_a_hash_of_any_size_is_that_of_the_plain_pipeline(size: int, bits: int) -> None:
    for name in SINGLES:
        look = look_of(png(photo(name)), size)
        assert all(len(view.hash) == size * size // 8 for view in look.views)
        assert distance(look.views[0].hash, plain_hash(photo(name), size)) <= bits, name


def test_a_hash_that_hangs_on_rounding_is_that_of_the_plain_pipeline() -> None:
    """Half the frequencies of two like halves are next to nothing, and so is their median."""
    for name in SINGLES:
        half = photo(name).convert("L").resize((330, 252), LANCZOS)
        both = ImageOps.pad(half, (660, 252), centering=(0, 0))
        both.paste(half.filter(ImageFilter.UnsharpMask(1, 20)), (330, 0))
        assert distance(look_of(png(both)).views[0].hash, plain_hash(both, 16)) <= 6, name


@pytest.mark.parametrize("size", [(800, 533), (1282, 1110)])
def test_a_soft_photo_is_decoded_large_enough_for_its_hash(size: tuple[int, int]) -> None:
    """At a scale that just covers 256 pixels up to six bits are wrong."""
    for name in SINGLES:
        soft = photo(name).resize(size).filter(ImageFilter.GaussianBlur(16))
        data = encoded(soft, "JPEG", quality=90)
        with Image.open(io.BytesIO(data)) as image:
            assert distance(look_of(data).views[0].hash, plain_hash(image, 16)) <= 2, name


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "P", "RGBA"])
def test_the_hash_of_a_picture_that_is_reduced_first_is_the_plain_one(mode: str) -> None:
    for name in SINGLES:
        large = photo(name).resize((2003, 1301), LANCZOS)
        if mode == "P":
            image = large.quantize(method=Image.Quantize.FASTOCTREE)  # which is quick
        else:
            image = large.convert(mode)
        look = look_of(encoded(image, "TIFF"))
        assert distance(look.views[0].hash, plain_hash(image.convert("RGB"), 16)) <= 6, name


def test_a_look_has_the_gray_that_its_hash_is_of() -> None:
    for name in SINGLES:
        view = look_of(png(photo(name))).views[0]
        gray = np.frombuffer(view.gray, np.uint8).reshape(1, 64, 64)
        assert distance(bandpass.hashes_of(gray, 16)[0], view.hash) <= 2
        assert not view.framed


def test_only_what_is_asked_for_is_kept() -> None:
    assert look_of(png(photo())).large is None
    large = look_of(png(photo()), parts=True).large
    assert large is not None
    off = np.frombuffer(large, np.uint8).reshape(128, 128) - small(COFFEE, 128).astype(int)
    assert np.abs(off).mean() < 4


HASHED_ALONE = {
    **made_pictures.MODES,
    "a photo of 4 megapixels": lambda image: encoded(image.resize((2400, 1700)), "JPEG"),
    "a progressive photo": lambda image: encoded(image, "JPEG", progressive=True),
    "a JPEG in RGB": lambda image: encoded(image, "JPEG", keep_rgb=True),
    "a gray JPEG": lambda image: encoded(image.convert("L"), "JPEG"),
    "a turned photo": lambda image: made_pictures.turned(image, 6, "JPEG"),
    "two pages": lambda image: encoded(image, "TIFF", save_all=True, append_images=[image]),
    "a white picture": lambda image: png(Image.new("L", image.size, 255)),
}


@pytest.mark.parametrize("what", HASHED_ALONE)
def test_the_hash_alone_is_that_of_the_look(what: str) -> None:
    """So that either may stand for the other in a cache."""
    for name in (CAT, STARS):
        data = HASHED_ALONE[what](photo(name))
        look = fingerprint.look_at(data)
        assert fingerprint.look_at(data, Recipe(only_hash=True)) == (
            look and only_hash(look.views[0].hash)
        )


def test_a_jpeg_in_rgb_is_a_picture_as_any_other() -> None:
    """Some programs write them, by name of their channels or by Adobe's mark."""
    data = encoded(photo(CAT), "JPEG", keep_rgb=True, quality=95)
    place = data.index(b"\xff\xee")
    end = place + 2 + int.from_bytes(data[place + 2 : place + 4])
    for mark in (data[place:end], b"", b"\xff\xee\0\x09Adobe\0\0"):
        same = data[:place] + mark + data[end:]
        assert distance(look_of(same).views[0].hash, look_of(photo(CAT)).views[0].hash) <= 2


# ---- What has no look


def shaded(down: float, across: float) -> Image.Image:
    levels = np.linspace(20, 20 + down, 600)[:, None] + np.linspace(0, across, 800)[None]
    return Image.fromarray(levels.astype(np.uint8))


def noise(deviation: float) -> Image.Image:
    levels = np.random.default_rng(6).normal(128, deviation, (800, 1200))
    return Image.fromarray(levels.clip(0, 255).astype(np.uint8))


WITHOUT_DETAIL = {
    "white": Image.new("L", (600, 400), 255),
    "a gradient": shaded(220, 0),
    "a slanted gradient": shaded(90, 120),
    "a sky": sky(),
    "a vignette": ImageOps.invert(Image.radial_gradient("L")).point(lambda v: 100 + v // 3),
    "the noise of a sensor": noise(10),
    "strong noise": noise(30),
}


@pytest.mark.parametrize("what", WITHOUT_DETAIL)
def test_a_picture_without_detail_has_no_look(what: str) -> None:
    assert fingerprint.look_at(png(WITHOUT_DETAIL[what])) is None


def test_pages_of_two_tones_have_one() -> None:
    for seed in range(3):
        page = text_page(seed, (1240, 1754))
        look = look_of(png(page.convert("1", dither=Image.Dither.NONE)))
        assert look.views[0].fine is not None
        assert distance(look.views[0].hash, look_of(page).views[0].hash) <= 32


def test_all_photos_have_one() -> None:
    for path in made_pictures.sample_paths():
        assert fingerprint.look_at(path.read_bytes()) is not None, path.name


def test_several_pages_or_frames_have_none() -> None:
    pages = [text_page(1), text_page(2)]
    for file_format in ("TIFF", "GIF", "WEBP"):
        data = encoded(pages[0], file_format, save_all=True, append_images=pages[1:])
        assert fingerprint.look_at(data) is None
        assert fingerprint.look_at(encoded(pages[0], file_format)) is not None


# ---- Frames


def sampled_box(image: Image.Image) -> Box | None:
    return frames.content_box(
        np.asarray(image.convert("L").resize((256, 256), Image.Resampling.BOX))
    )


@pytest.mark.parametrize("frame", FRAMES)
def test_the_picture_inside_a_frame_is_found(frame: str) -> None:
    for name in CLEAR:
        framed, box = FRAMES[frame](photo(name))
        found = sampled_box(framed)
        assert found is not None, name
        expected = [
            edge * 256 / length
            for edge, length in zip(box, (*framed.size, *framed.size), strict=True)
        ]
        assert np.abs(np.array(found) - expected).max() <= 4, (name, found, expected)


@pytest.mark.parametrize("frame", FRAMES)
def test_a_framed_picture_has_a_second_view_like_the_bare_one(frame: str) -> None:
    for name in CLEAR:
        whole, inside = look_of(png(FRAMES[frame](photo(name))[0])).views
        assert (whole.framed, inside.framed) == (False, True)
        bare = look_of(png(photo(name))).views[0].hash
        assert distance(inside.hash, bare) <= 14
        assert distance(whole.hash, bare) > 40


def test_a_plain_photo_has_no_frame() -> None:
    for path in made_pictures.sample_paths():
        if "launch" not in path.name:  # its sky has a flat strip
            with Image.open(path) as image:
                assert sampled_box(image) is None, path.name
            assert len(look_of(path.read_bytes()).views) == 1


@pytest.mark.parametrize(
    ("size", "share"), [((540, 960), 1), ((1280, 480), 1), ((540, 960), 0.8), ((900, 900), 0.7)]
)
def test_so_has_one_before_its_own_blur(size: tuple[int, int], share: float) -> None:
    for name in CLEAR:
        whole, inside = look_of(png(made_pictures.before_its_blur(photo(name), size, share))).views
        assert (whole.framed, inside.framed) == (False, True)
        bare = look_of(png(photo(name))).views[0].hash
        assert distance(inside.hash, bare) <= 20, name


def test_no_plain_photo_and_no_frame_of_one_tone_is_a_blurred_frame() -> None:
    shown = [photo(name) for name in SINGLES] + [frame(photo(CAT))[0] for frame in FRAMES.values()]
    for image in shown:
        assert frames.blurred_frame_box(np.asarray(image.convert("L").resize((256, 256)))) is None


def test_what_is_flat_or_has_a_sliver_in_it_has_no_frame() -> None:
    assert frames.content_box(np.full((256, 256), 200, np.uint8)) is None
    for box in ((100, 0, 120, 256), (0, 100, 256, 120), (100, 100, 110, 110)):
        sliver = np.full((256, 256), 255, np.uint8)
        left, upper, right, lower = box
        sliver[upper:lower, left:right] = small(CAT, 256)[upper:lower, left:right]
        assert frames.content_box(sliver) is None, box


def test_a_frame_around_nothing_or_around_a_page_is_no_second_view() -> None:
    for inside in (Image.new("L", (600, 400), 180), text_page(1), text_page(2)):
        assert len(look_of(png(ImageOps.expand(inside, 60, 0))).views) == 1


# ---- Pages


def receipt() -> Image.Image:
    """A narrow slip of grayish paper, lit from one side."""
    slip = text_page(5, (380, 1200), paper=225)
    light = Image.linear_gradient("L").rotate(90).resize(slip.size).point(lambda v: 235 + v // 16)
    return Image.fromarray((np.asarray(slip) * (np.asarray(light) / 255)).astype(np.uint8))


def test_pages_and_receipts_are_pages_and_photos_are_not() -> None:
    for image in (text_page(1), text_page(2, (877, 620)), receipt()):
        assert look_of(png(image)).views[0].fine is not None
    for path in made_pictures.sample_paths():
        assert look_of(path.read_bytes()).views[0].fine is None, path.name


def before_a_wall(tone: int) -> Image.Image:
    """A photo's subject before a plain wall, on which light falls off."""
    shade = Image.radial_gradient("L").resize((800, 600)).point(lambda v: tone - v // 16)
    subject = photo().convert("L").resize((300, 420))
    mask = Image.new("L", subject.size, 0)
    ImageDraw.Draw(mask).ellipse((20, 0, 280, 520), fill=255)
    shade.paste(subject, (250, 180), mask.filter(ImageFilter.GaussianBlur(2)))
    return shade


@pytest.mark.parametrize("tone", [60, 210, 250])
def test_a_photo_before_a_plain_wall_is_no_page(tone: int) -> None:
    assert look_of(encoded(before_a_wall(tone), "JPEG", quality=90)).views[0].fine is None


def test_a_photo_on_a_screen_is_no_page() -> None:
    assert look_of(png(made_pictures.on_phone(photo())[0])).views[0].fine is None


def test_dark_and_coloured_drawings_are_pages_too() -> None:
    dark, slide = ImageOps.invert(text_page(1)), Image.new("RGB", (800, 600), (240, 120, 20))
    slide.paste(text_page(2, (360, 300)), (220, 200))
    for image in (dark, slide):
        assert look_of(png(image)).views[0].fine is not None


# ---- Turned and mirrored pictures


@pytest.mark.parametrize("turn", bandpass.TURNS)
def test_turns_are_those_of_pillow(turn: str) -> None:
    stack = np.stack([small(name) for name in SINGLES])
    for before, after in zip(stack, bandpass.turned(stack, turn), strict=True):
        image = Image.fromarray(before)
        expected = image.transpose(TRANSPOSES[turn]) if turn != "upright" else image
        assert np.array_equal(after, np.asarray(expected))


@pytest.mark.parametrize("turn", bandpass.TURNS)
def test_an_inverted_picture_is_turned_as_well(turn: str) -> None:
    """All of its signs but that of its brightness are the opposite ones."""
    stack = np.stack([small(name) for name in SINGLES])
    inverted = bandpass.WAYS[bandpass.TURNS.index(turn) + len(bandpass.TURNS)]
    after = bandpass.turned(stack, inverted)
    assert np.array_equal(after, 255 - bandpass.turned(stack, turn))
    opposite = bandpass.signs(bandpass.turned(stack, turn))[0] ^ ~np.uint64(0)
    assert np.bitwise_count(opposite ^ bandpass.signs(after)[0]).sum(axis=1).max() <= 2


@pytest.mark.parametrize("turn", bandpass.TURNS)
def test_the_signs_of_a_turned_picture_come_without_turning_it(turn: str) -> None:
    """Complementing words gives what turning the pixels, or the photo before, would give."""
    stack = np.stack([small(name) for name in SINGLES])
    transpose, mirroring = divmod(bandpass.TURNS.index(turn), 4)
    found = bandpass.signs(stack)[transpose].copy()
    found[:, MIRRORINGS[mirroring]] ^= ~np.uint64(0)
    turned = bandpass.signs(bandpass.turned(stack, turn))[0]
    assert np.bitwise_count(found ^ turned).sum(axis=1).max() <= 2
    if turn != "upright":
        views_of = [look_of(png(photo(n).transpose(TRANSPOSES[turn]))).views[0] for n in SINGLES]
        gray = np.frombuffer(b"".join(view.gray for view in views_of), np.uint8)
        photographed = bandpass.signs(gray.reshape(-1, 64, 64))[0]
        assert np.bitwise_count(found ^ photographed).sum(axis=1).max() <= 6


def test_all_of_a_look_is_upright_whatever_way_the_picture_is_stored() -> None:
    for image in (FRAMES["polaroid"](photo(COFFEE))[0], text_page(3).convert("RGB")):
        upright = look_of(made_pictures.turned(image, 1, "PNG"), parts=True)
        for orientation in (2, 3, 5, 6, 8):
            same = look_of(made_pictures.turned(image, orientation, "PNG"), parts=True)
            for one, other in zip(upright.views, same.views, strict=True):
                assert (one.fine is None) == (other.fine is None)
                assert distance(one.hash, other.hash) <= 6
                assert levels_apart(one.gray, other.gray) < 2
            assert levels_apart(upright.large, same.large) < 3
            assert levels_apart(upright.colour, same.colour) < 3


def levels_apart(one: bytes | None, other: bytes | None) -> float:
    """The mean difference of two pictures."""
    assert one is not None and other is not None
    levels = [np.frombuffer(gray, np.uint8).astype(int) for gray in (one, other)]
    return float(np.abs(levels[0] - levels[1]).mean())


# ---- Parts


def test_a_part_is_cut_out_as_by_cropping_and_resizing() -> None:
    stack = np.stack([small(name, 128) for name in SINGLES])
    for top, left, height, width in ((0, 0, 1, 1), (0.25, 0.125, 0.5, 0.75), (0.5, 0, 0.5, 0.25)):
        found = bandpass.cut_out(stack, (top, left, height, width), 64)
        assert found.shape == (len(SINGLES), 64, 64)
        box = [round(128 * edge) for edge in (left, top, left + width, top + height)]
        for gray, part in zip(stack, found, strict=True):
            expected = Image.fromarray(gray).crop(tuple(box)).resize((64, 64), LANCZOS)
            off = np.abs(part.clip(0, 255) - np.asarray(expected))
            assert (off > 2).mean() < 0.01  # where Pillow clips between its two steps
            assert off.mean() < 0.5


def test_the_parts_that_are_looked_at_lie_inside_the_picture_and_cover_it() -> None:
    seen = np.zeros((128, 128), int)
    assert len(set(bandpass.windows())) == len(bandpass.windows())
    for top, left, height, width in bandpass.windows():
        assert min(top, left) >= 0
        assert max(top + height, left + width) <= 1 + 1e-9
        assert 0.3 <= height * width < 0.9
        rows, columns = (
            np.round(128 * np.array(s)).astype(int)
            for s in ((top, top + height), (left, left + width))
        )
        seen[rows[0] : rows[1], columns[0] : columns[1]] += 1
    assert seen.min() > 5


# ---- When it was taken, and colour


def taken(when: str = "2024:05:01 10:00:00", fraction: str = "", camera: str = "Canon") -> object:
    return look_of(with_exif(photo(CAT), when, fraction, camera)).taken


def test_shots_are_as_far_apart_as_their_exif_times() -> None:
    first = taken()
    assert isinstance(first, Taken)
    for when, fraction, seconds in (
        ("2024:05:01 10:00:00", "", 0),
        ("2024:05:01 10:00:02", "", 2),
        ("2024:05:01 10:00:00", "25", 0.25),
        ("2024:05:01 10:00:00", "007", 0.007),
        ("2024:05:01 10:00:01", "5 ", 1.5),
        ("2024:05:02 00:00:00", "", 14 * 3600),
        ("2024:05:01 10:00:01", "many", 1),
        ("2024:05:01 10:00:01+02:00", "", 1),
    ):
        shot = taken(when, fraction)
        assert isinstance(shot, Taken)
        assert shot.seconds - first.seconds == pytest.approx(seconds, abs=1e-4)
        assert shot.camera == first.camera
    other = taken(camera="Nikon")
    assert isinstance(other, Taken)
    assert other.camera != first.camera


def test_a_photo_of_unknown_time_or_camera_has_none() -> None:
    assert look_of(png(photo(CAT))).taken is None
    assert taken(camera="") is None
    for when in (
        "",
        "    :  :     :  :  ",
        "0000:00:00 00:00:00",
        "yesterday",
        "2024:13:01 10:00:00",
        "2019:02:30 10:00:00",
        "1970:01:01 00:00:00",
        "2000:01:01 00:00:00",
    ):
        assert taken(when) is None, when


@pytest.mark.filterwarnings("ignore")
def test_a_photo_of_which_the_exif_data_is_broken_still_has_a_look() -> None:
    data = with_exif(photo(CAT), "2024:05:01 10:00:00")
    start = data.index(b"Exif\0\0") + 6
    for place in range(start, start + 60, 7):
        broken = data[:place] + b"\xff" * 9 + data[place + 9 :]
        look = look_of(broken)
        assert distance(look.views[0].hash, look_of(data).views[0].hash) <= 4 or look.taken is None


def test_the_colour_tells_a_gray_copy_from_a_colour_one() -> None:
    for name in (COFFEE, CAT, LAUNCH, PORTRAIT):
        coloured, gray = look_of(png(photo(name))), look_of(png(photo(name).convert("L")))
        again = look_of(encoded(photo(name), "JPEG", quality=50))
        assert len(coloured.colour) == 2 * 4 * 4
        assert levels_apart(gray.colour, bytes([128] * 32)) <= 1
        assert levels_apart(coloured.colour, again.colour) < 3
        assert levels_apart(coloured.colour, gray.colour) > 6, name


@pytest.mark.parametrize("mode", made_pictures.MODES)
def test_every_mode_has_a_colour(mode: str) -> None:
    for name in (COFFEE, STARS):
        assert len(look_of(made_pictures.MODES[mode](photo(name))).colour) == 32


def test_a_large_jpeg_is_decoded_at_a_reduced_scale_that_covers_the_sample() -> None:
    data = encoded(photo(CAT).resize((4000, 3000)), "JPEG")
    image = decode.open_image(data)
    assert image is not None
    assert 280 <= min(image.size) < 560
    with Image.open(io.BytesIO(data)) as full:
        assert full.size == (4000, 3000)
