"""Which HEICs the rules give up: none that a camera may have written, but for what is the same."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_pictures import CAT, encoded, photo
from PIL import Image

from extras.review import origin, rules
from extras.review.facts import Facts, examine
from pictures import decode

pytestmark = pytest.mark.formats
pytest.importorskip("pi_heif")
pillow_heif = pytest.importorskip("pillow_heif")
from test_heic import heic  # noqa: E402


def by_a_camera(image: Image.Image, **more: object) -> bytes:
    exif = with_exif_of_a_camera(image.size)
    return heic(image, exif=exif.tobytes(), **more)


def with_exif_of_a_camera(size: tuple[int, int]) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Apple", "iPhone 8"
    details = {0x829A: 0.01, 0x9003: DATE, 0xA002: size[0], 0xA003: size[1]}
    exif.get_ifd(0x8769).update(details)
    return exif


@pytest.mark.parametrize("form", ["JPEG", "PNG", "AVIF"])
@pytest.mark.parametrize("with_words", [True, False])
def test_a_cameras_heic_is_never_given_up_for_an_export(
    form: str, with_words: bool, tmp_path: Path
) -> None:
    image = photo(CAT)
    words = {"exif": with_exif_of_a_camera(image.size)} if with_words else {}
    quality = {"quality": 100} if form != "PNG" else {}
    files = {"a.heic": by_a_camera(image), "b": encoded(image, form, **words, **quality)}
    pictures = []
    for number, (name, data) in enumerate(files.items()):
        (tmp_path / name).write_bytes(data)
        facts = examine(str(tmp_path / name))
        pictures.append(rules.Picture(number, name, str(number), facts))
    assert pictures[0].facts.generation == origin.AS_WRITTEN
    given_up = [removal.number for removal in rules.suggest(1, pictures, []).removals]
    assert 0 not in given_up
    larger = replace(pictures[1].facts, width=9000, height=6000)
    enlarged = [pictures[0], replace(pictures[1], facts=larger)]
    assert 0 not in [removal.number for removal in rules.suggest(1, enlarged, []).removals]


def given_up(folder: Path, *files: bytes) -> list[int]:
    """The numbers of those that the rules give up, whatever their order."""
    pictures = []
    for number, data in enumerate(files):
        (folder / str(number)).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        pictures.append(
            rules.Picture(number, str(number), digest, examine(str(folder / str(number))))
        )
    found = [rules.suggest(1, order, []).removals for order in (pictures, pictures[::-1])]
    assert found[0] == found[1]
    return [removal.number for removal in found[0]]


DETAILS = 0x8769
DATE = "2018:02:05 15:11:44"
WORDS: dict[str, dict[int, Any]] = {
    "exposure": {DETAILS: {0x829A: 0.01}},
    "maker note": {DETAILS: {0x927C: b"of some phone"}},
    "place": {0x8825: {1: "N", 2: (48.0, 8.0, 0.0), 3: "E", 4: (11.0, 34.0, 0.0)}},
    "date taken": {DETAILS: {0x9003: DATE}},
    "Make": {0x010F: "Apple"},
    "Model": {0x0110: "iPhone 8"},
    "another size": {0x0110: "iPhone 8", DETAILS: {0x829A: 0.01, 0xA002: 4032, 0xA003: 3024}},
    "an editor": {0x0110: "iPhone 8", 0x0131: "Adobe Lightroom", DETAILS: {0x829A: 0.01}},
}


def exif_with(words: dict[int, Any]) -> dict[str, bytes]:
    exif = Image.Exif()
    for tag, value in words.items():
        if isinstance(value, dict):
            exif.get_ifd(tag).update(value)
        else:
            exif[tag] = value
    return {"exif": exif.tobytes()}


SMALL_CAT = photo(CAT).resize((450, 300))
SMALL_CAT.info.clear()  # or what the sample says is written, too
MOMENT = {DETAILS: {0x9003: DATE, 0x9291: "25"}}  # no burst is taken in one


@pytest.mark.parametrize("said", WORDS)
def test_a_heic_with_any_word_of_a_shot_is_never_given_up_for_another_format(
    said: str, tmp_path: Path
) -> None:
    words = exif_with(WORDS[said])
    camera = heic(SMALL_CAT, **words)
    larger = SMALL_CAT.resize((900, 600))
    for exported in (
        encoded(SMALL_CAT, "JPEG", quality=95),
        encoded(SMALL_CAT, "JPEG", quality=95, **words),
        encoded(SMALL_CAT, "PNG", **words),
        encoded(larger, "JPEG", quality=95, **exif_with(WORDS["exposure"])),
        encoded(decode.open_header(camera).convert("RGB"), "PNG"),
    ):
        assert 0 not in given_up(tmp_path, camera, exported)


def deep(image: Image.Image, **options: Any) -> bytes:
    """A picture as HEIC of 10 bits a channel."""
    levels = bytes(level for each in image.convert("RGB").tobytes() for level in (each, each))
    stream = io.BytesIO()
    made = pillow_heif.from_bytes("RGB;16", image.size, levels)
    made.save(stream, quality=60, enc_params={"preset": "ultrafast"}, **options)
    return stream.getvalue()


def test_bytes_decide_nothing_between_heics(tmp_path: Path) -> None:
    words = exif_with(WORDS["exposure"])
    for more in ({}, {0x0131: "SomeApp 3.1"}):
        other = exif_with({**WORDS["exposure"], **more})
        pair = heic(SMALL_CAT, **words), heic(SMALL_CAT, quality=90, **other)
        assert given_up(tmp_path, *pair) == []
    without = heic(SMALL_CAT), heic(SMALL_CAT, quality=90)
    assert given_up(tmp_path, *without) == []
    assert given_up(tmp_path, without[0], encoded(SMALL_CAT, "JPEG", quality=95)) == []


@pytest.mark.parametrize(
    ("camera", "saved"),
    [
        (heic, lambda _: heic(SMALL_CAT.reduce(2))),
        (heic, lambda _: heic(SMALL_CAT, quality=90)),
        (heic, lambda _: heic(SMALL_CAT, quality=90, **exif_with(MOMENT))),
        (heic, lambda words: heic(SMALL_CAT, quality=90, **exif_with({**words, 0x131: "GIMP"}))),
        (deep, lambda words: heic(SMALL_CAT, quality=90, **exif_with(words))),
        (heic, lambda _: encoded(SMALL_CAT.reduce(2), "JPEG", quality=70)),
        (heic, lambda _: encoded(SMALL_CAT, "JPEG", quality=70)),
    ],
    ids=["smaller", "no EXIF", "less EXIF", "editor", "fewer bits", "WhatsApp", "WhatsApp HD"],
)
@pytest.mark.parametrize("said", ["with a camera", "without one"])
def test_what_is_surely_a_re_save_of_a_cameras_heic_is_given_up_for_it(
    camera: Callable[..., bytes], saved: Callable[..., bytes], said: str, tmp_path: Path
) -> None:
    words = {DETAILS: {0x829A: 0.01, **MOMENT[DETAILS]}}
    words |= {0x010F: "Apple"} if said == "with a camera" else {}
    assert given_up(tmp_path, camera(SMALL_CAT, **exif_with(words)), saved(words)) == [1]


def test_a_re_save_that_knows_something_more_is_left_to_the_person(tmp_path: Path) -> None:
    words = WORDS["exposure"]
    camera = heic(SMALL_CAT, **exif_with(words))
    for more in (WORDS["place"], {DETAILS: {0x829A: 0.01, 0x9003: DATE}}):
        edited = {**words, **more, 0x0131: "GIMP"}
        assert given_up(tmp_path, camera, heic(SMALL_CAT, quality=90, **exif_with(edited))) == []


def test_of_heics_of_the_same_picture_data_one_may_be_given_up(tmp_path: Path) -> None:
    words = WORDS["exposure"] | WORDS["Make"]
    more = exif_with(words | WORDS["place"])
    pair = heic(SMALL_CAT, **exif_with(words)), heic(SMALL_CAT, **more)
    assert given_up(tmp_path, *pair) == [0]


def test_more_bits_a_channel_are_never_given_up_for_fewer(tmp_path: Path) -> None:
    words = exif_with(WORDS["exposure"])
    for other in (heic(SMALL_CAT, quality=90, **words), encoded(SMALL_CAT, "PNG")):
        assert given_up(tmp_path, deep(SMALL_CAT), other) == []


def test_a_heic_that_no_camera_wrote_may_be_given_up(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(heic(photo(CAT)))
    facts: Facts = examine(str(tmp_path / "a.heic"))
    assert facts.generation < origin.AS_WRITTEN
