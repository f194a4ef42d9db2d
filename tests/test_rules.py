"""Which picture the rules keep, what they give up, and what they leave to a person."""

import hashlib
import io
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Library, tree
from conftest import picture as picture_bytes
from made_pictures import (
    CAT,
    COFFEE,
    LAUNCH,
    PORTRAIT,
    SINGLES,
    captioned,
    encoded,
    photo,
    tilted,
    with_exif,
)
from PIL import Image, ImageOps, PngImagePlugin

from disk.files import ImageFile
from disk.record import Link, SavedCopy
from extras.review import origin, rendering, rules
from extras.review.deeper import Deep
from extras.review.examiner import Examiner, Unseen
from extras.review.facts import Facts, examine
from extras.review.judged import Picture
from extras.review.occurring import Folder, telling
from extras.review.rendering import render
from extras.review.rules import suggest
from extras.review.versions import pairs, thumbprint
from pictures import modes

PLAIN = Facts(
    width=4000,
    height=3000,
    format="JPEG",
    size=3_000_000,
    quality=90,
    deep=Deep(sharpness=20),
    thumbprint=thumbprint(photo(CAT)),
)


def picture(number: int, path: str = "", digest: str = "", **facts: Any) -> Picture:
    """A version of one picture, with the same proportions."""
    if "width" in facts:
        facts["height"] = facts["width"] * 3 // 4
    if "sharpness" in facts:
        facts["deep"] = Deep(sharpness=facts.pop("sharpness"))
    return Picture(
        number, path or f"/p/{number}.jpg", digest or str(number), replace(PLAIN, **facts)
    )


@pytest.mark.parametrize("others", [{}, {"damage": "it is cut off", "width": 900}])
def test_what_is_damaged_is_never_kept_for_another_picture(others: dict[str, Any]) -> None:
    """Neither for a whole one, by whatever rules, nor for one of which more may be left."""
    pictures = [picture(0, width=9000, damage="it is cut off"), picture(1, **others)]
    suggestion = suggest(1, pictures, [linked("whole")], (), ["pixels"])
    assert (suggestion.keeper, suggestion.removals) == (None, ())
    assert "is damaged" in suggestion.reason


def linked(view: str, left: int = 0, right: int = 1) -> Link:
    return Link(f"/p/{left}.jpg", f"/p/{right}.jpg", view, 4, 0.9)


def test_a_damaged_picture_that_is_no_version_is_said_to_be_one() -> None:
    """Whatever else tells it from the others, nobody can say; an intact one may be framed."""
    half = thumbprint(photo(LAUNCH))
    cut = picture(1, digest="c", damage="it has no end marker", thumbprint=half)
    reason = "one is damaged and can't be compared with the rest: look yourself"
    assert suggest(1, [picture(0, digest="a"), cut], []).reason == reason
    twins = [picture(0, digest="a"), cut, picture(2, digest="a", path="/p/0 (1).jpg")]
    assert (suggest(1, twins, []).keeper, suggest(1, twins, []).rest) == (0, reason)


@pytest.mark.parametrize(
    ("best", "other", "reason"),
    [
        ({}, {"damage": "no end marker", "width": 9000}, "intact"),
        ({"width": 4400}, {"quality": 99}, "most pixels"),
        ({"format": "PNG", "lossless": True, "quality": None}, {"gps": True}, "least compressed"),
        ({"quality": 93}, {"gps": True}, "least compressed"),
        ({"camera": "Canon"}, {"lossless": True, "quality": None}, "original format"),
        ({}, {"few_colours": True, "quality": None, "lossless": True}, "least compressed"),
        ({"quality": None, "size": 4_000_000}, {"quality": None}, "least compressed"),
        ({"gps": True}, {"sharpness": 40}, "most EXIF data"),
        ({"taken": "2020-01-01 10:00:00"}, {"taken": "2021-01-01 10:00:00"}, "oldest"),
        ({"quality": None, "sharpness": 30.0}, {"quality": None}, "sharpest"),
    ],
)
def test_the_first_rule_that_sees_a_difference_decides(
    best: dict[str, object], other: dict[str, object], reason: str
) -> None:
    for pictures in ([picture(0, **best), picture(1, **other)],):
        found = suggest(1, pictures, [])
        assert (found.keeper, found.reason) == (0, reason)
        assert [removal.number for removal in found.removals] == [1]


@pytest.mark.parametrize("facts", [{"quality": 92}, {"sharpness": 21}, {"rating": 5}])
def test_small_differences_decide_nothing(facts: dict[str, object]) -> None:
    found = suggest(1, [picture(0), picture(1, **facts)], [])
    assert found.keeper is None
    assert found.reason.startswith("a tie")
    assert found.removals == ()


def test_a_preferred_folder_comes_before_a_persons() -> None:
    paths = ("/p/2019 Wedding/a.jpg", "/p/DCIM/a.jpg", "/p/DCIM 2/a.jpg")
    pictures = [picture(n, path) for n, path in enumerate(paths)]
    found = suggest(1, pictures, [])
    assert (found.keeper, found.reason) == (0, "in a person's folder")
    assert {removal.reason for removal in found.removals} == {"in a less telling folder"}
    found = suggest(1, pictures, [], prefer=("/gone", "/p/DCIM"))
    assert (found.keeper, found.reason) == (1, "in a preferred folder")


def test_a_persons_folder_comes_before_the_name_of_a_copy() -> None:
    pictures = [picture(0, "/p/Wedding/a (1).jpg"), picture(1, "/p/DCIM/a.jpg")]
    assert suggest(1, pictures, []).keeper == 0
    pictures = [picture(0, "/p/Wedding/a (1).jpg"), picture(1, "/p/Wedding/a.jpg")]
    found = suggest(1, pictures, [])
    assert (found.keeper, found.reason) == (1, "not named a copy")


@pytest.mark.parametrize("other", ["/p/Wedding/b.jpg", "/p/Paris in the spring of 2019/a.jpg"])
def test_the_length_of_a_path_decides_nothing(other: str) -> None:
    pictures = [picture(0, "/p/Wedding/a.jpg", "same"), picture(1, other, "same")]
    found = suggest(1, pictures, [])
    assert (found.keeper, found.removals) == (None, ())
    assert found.reason.startswith("a tie")


def test_a_rule_that_is_not_chosen_decides_nothing() -> None:
    pictures = [picture(0), picture(1, width=5000)]
    assert (
        suggest(
            1, pictures, [], rules=[name for name in rules.ALL_RULES if name != "pixels"]
        ).keeper
        is None
    )


def test_all_reasons_are_named_in_order_and_each_loser_has_its_own() -> None:
    pictures = [picture(0, gps=True), picture(1), picture(2, width=100, damage="")]
    found = suggest(1, pictures, [])
    assert found.reason == "most pixels, most EXIF data"
    assert {r.number: r.reason for r in found.removals} == {1: "less EXIF", 2: "fewer pixels"}


def test_what_only_the_doomed_file_knows_is_said() -> None:
    doomed = {"gps": True, "rating": 4, "taken": "2020-01-01 10:00:00", "camera": "Canon"}
    found = suggest(1, [picture(0, width=5000), picture(1, **doomed)], [])
    date = "date taken: 2020-01-01 10:00:00"
    assert found.removals[0].loses == ("GPS", date, "camera", "rating")


def test_the_rules_decide_in_the_order_that_a_person_gave_them() -> None:
    large, here = picture(0, "/a/0.jpg", width=4000), picture(1, "/b/1.jpg", width=2000)
    usual = suggest(1, [large, here], [], ["/b"])
    moved = ["folder", *(name for name in rules.ALL_RULES if name != "folder")]
    found = suggest(1, [large, here], [], ["/b"], moved)
    assert (usual.keeper, usual.reason) == (0, "most pixels")
    assert (found.keeper, found.reason) == (1, "in a preferred folder")
    damaged = replace(here, facts=replace(here.facts, damage="it is cut off"))
    assert suggest(1, [large, damaged], [], ["/b"], moved).keeper is None


def test_folders_are_offered_that_tell_pictures_of_groups_apart() -> None:
    groups = [
        ["/p/a/1.jpg", "/p/b/1.jpg"],
        ["/p/a/2.jpg", "/p/c/2.jpg"],
        ["/p/d/3.jpg", "/p/d/4.jpg"],
    ]
    found = telling(groups, ["/p/c"])
    assert found == [Folder("/p/c", 1, 0), Folder("/p/a", 2), Folder("/p/b", 1)]


# ---- What rules leave alone


def shot(number: int, when: str, **facts: Any) -> Picture:
    facts = {"camera": "Canon", "sharpness": 20.0 + 20 * number, **facts}
    return picture(number, taken=f"2020-01-01 {when}", **facts)


def test_shots_are_put_in_order_of_time_and_then_by_the_numbers_in_their_names() -> None:
    shots = [
        shot(0, "10:00:02", path="/p/IMG_3.jpg"),
        shot(1, "10:00:01.25", path="/p/IMG_10.jpg"),
        shot(2, "10:00:01.25", path="/p/IMG_9.jpg"),
        picture(3, "/p/IMG_1.jpg"),
        shot(4, "10:00:01", path="/p/IMG_2.jpg"),
    ]
    assert suggest(1, shots, []).in_time == (4, 2, 1, 0, 3)


@pytest.mark.parametrize("later", ["10:00:03", "10:00:10", "10:00:00", "10:00:00.3"])
@pytest.mark.parametrize("changed", [{}, {"quality": 93}, {"camera": ""}])
def test_shots_of_a_burst_are_never_given_up(later: str, changed: dict[str, Any]) -> None:
    found = suggest(1, [shot(0, "10:00:00"), shot(1, later, **changed)], [linked("whole")])
    assert found.burst
    assert found.keeper is None
    assert found.removals == ()


def test_a_burst_that_find_has_seen_is_left_alone_without_dates() -> None:
    found = suggest(1, [picture(0), picture(1, quality=60), picture(2)], [linked("burst", 0, 2)])
    assert found.burst
    assert found.removals == ()


@pytest.mark.parametrize(
    "changed", [{"taken": "2020-01-01 10:00:00.25"}, {"width": 800, "taken": "2020-01-01 10:00:00"}]
)
def test_versions_of_one_shot_are_no_burst(changed: dict[str, Any]) -> None:
    """The same fraction of a second, or another size, as no camera's burst has it."""
    shots = [shot(0, "10:00:00.25"), shot(1, "10:00:00.25", quality=60)]
    if "width" in changed:
        shots = [shot(0, "10:00:00"), shot(1, "10:00:00", width=800)]
    found = suggest(1, shots, [linked("whole")])
    assert not found.burst
    assert found.keeper == 0


def test_identical_files_of_a_burst_are_versions_of_one_shot() -> None:
    camera = {"camera": "Canon", "taken": "2020-01-01 10:00:00"}
    shots = [
        picture(0, "/p/0.jpg", "same", **camera),
        picture(1, "/p/1 copy.jpg", "same", **camera),
        picture(2, **{**camera, "taken": "2020-01-01 10:00:01"}),
    ]
    found = suggest(1, shots, [linked("whole", 0, 2)])
    assert [removal.number for removal in found.removals] == [1]
    assert found.burst


def test_a_picture_without_colour_stays_beside_one_with_it() -> None:
    pictures = [picture(0, width=5000), picture(1, colourless=True)]
    for links in ([], [linked("whole")]):
        assert suggest(1, pictures, links).keeper is None


# ---- Versions of one picture


def facts_of(image: Image.Image, **changed: Any) -> Facts:
    """The facts of an upright picture."""
    width, height = image.size
    return replace(PLAIN, width=width, height=height, thumbprint=thumbprint(image), **changed)


def saved_again(image: Image.Image, quality: int, form: str = "JPEG") -> Image.Image:
    with Image.open(io.BytesIO(encoded(image, form, quality=quality))) as again:
        return again.convert("RGB")


def scaled(image: Image.Image, factor: float) -> Image.Image:
    return image.resize((round(image.width * factor), round(image.height * factor)))


def cut(image: Image.Image, share: float, left: float = 0.5, upper: float = 0.5) -> Image.Image:
    """Without a share of its width and height; where the rest lies is a share of that."""
    width, height = round(image.width * share), round(image.height * share)
    x, y = round(width * left), round(height * upper)
    return image.crop((x, y, x + image.width - width, y + image.height - height))


VERSIONS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "quality 90": lambda image: saved_again(image, 90),
    "quality 30": lambda image: saved_again(image, 30),
    "WebP": lambda image: saved_again(image, 60, "WEBP"),
    "half": lambda image: saved_again(scaled(image, 0.5), 85),
    "double": lambda image: saved_again(scaled(image, 2), 85),
    "turned": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "turned the other way": lambda image: image.transpose(Image.Transpose.ROTATE_270),
    "mirrored": lambda image: saved_again(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), 80),
    "a little brighter": lambda image: image.point(lambda level: min(255, int(level * 1.03))),
}
OTHERS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "cut by 1 %": lambda image: cut(image, 0.01),
    "cut by 1 % and enlarged": lambda image: scaled(cut(image, 0.01), 2),
    "cut by 2 %": lambda image: cut(image, 0.02),
    "cut at a corner": lambda image: scaled(cut(image, 0.01, 0, 0), 1.5),
    "cut by a lot": lambda image: cut(image, 0.2),
    "cut at one side": lambda image: image.crop((0, 0, image.width - 5, image.height)),
    "stretched": lambda image: image.resize((image.width, round(image.height * 1.03))),
    "tilted": lambda image: tilted(image, 0.5),
    "captioned": captioned,
    "brighter": lambda image: image.point(lambda level: min(255, int(level * 1.15) + 8)),
    "inverted": ImageOps.invert,
    "sepia": lambda image: ImageOps.colorize(image.convert("L"), "#201000", "#ffe8c0"),
}


@pytest.mark.parametrize("name", VERSIONS)
@pytest.mark.parametrize("sample", SINGLES)
def test_what_was_saved_again_scaled_or_turned_is_a_version(name: str, sample: str) -> None:
    made = [facts_of(photo(sample)), facts_of(VERSIONS[name](photo(sample)))]
    assert [pair[:2] for pair in pairs(made)] == [(0, 1)]


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("sample", SINGLES)
def test_what_was_cut_or_edited_is_none(name: str, sample: str) -> None:
    made = [facts_of(photo(sample)), facts_of(OTHERS[name](photo(sample)))]
    assert list(pairs(made)) == []


def test_only_what_is_a_version_of_the_keeper_itself_is_given_up() -> None:
    """Through the middle one the first and the last hang together; they are not alike."""
    image = photo(CAT)
    steps = [image.point([level * (32 - n) // 32 for level in range(256)] * 3) for n in range(3)]
    pictures = [
        Picture(n, f"/p/{n}.jpg", str(n), facts_of(step, quality=90 - 10 * n))
        for n, step in enumerate(steps)
    ]
    alike = [pair[:2] for pair in pairs([p.facts for p in pictures])]
    assert alike == [(0, 1), (1, 2)]
    given_up = [removal.number for removal in suggest(1, pictures, []).removals]
    assert given_up == [1]


# ---- The very same pixels


def exif_of(date: str = "2019:07:14 10:11:12", **words: str) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Maker", "Model"
    exif.get_ifd(0x8769)[0x9003] = date
    if "caption" in words:
        exif[0x010E] = words["caption"]
    return exif


def examined(folder: Path, **files: bytes) -> list[Picture]:
    """The pictures of some files, in order."""
    pictures = []
    for number, (name, data) in enumerate(files.items()):
        path = folder / name.replace("_", ".")
        path.write_bytes(data)
        facts = examine(str(path))
        pictures.append(Picture(number, str(path), str(number), facts, facts.holds))
    return pictures


@pytest.mark.parametrize(
    "edited",
    [
        exif_of(caption="at the sea"),
        exif_of("2019:07:14 10:11:15"),
        exif_of("2021:07:14 10:11:12"),
        b"",
    ],
)
def test_what_was_only_written_about_is_a_version_and_no_burst(
    edited: Image.Exif | bytes, tmp_path: Path
) -> None:
    first, second = (encoded(photo(CAT), "JPEG", exif=exif) for exif in (exif_of(), edited))
    pictures = examined(tmp_path, a_jpg=first, b_jpg=second)
    for links in ([linked("whole")], [Link(pictures[0].path, pictures[1].path, "burst", 0, 1.0)]):
        found = suggest(1, pictures, links)
        assert not found.burst
        assert len(found.removals) == 1


def test_a_shot_of_the_same_second_is_a_burst_beside_what_was_written_about(
    tmp_path: Path,
) -> None:
    image = photo(CAT)
    other = image.point(lambda level: min(255, level + 1))
    files = [
        encoded(image, "JPEG", quality=92, exif=exif_of()),
        encoded(image, "JPEG", quality=92, exif=exif_of(caption="x")),
        encoded(other, "JPEG", quality=92, exif=exif_of()),
    ]
    found = suggest(1, examined(tmp_path, a_jpg=files[0], b_jpg=files[1], c_jpg=files[2]), [])
    assert (found.burst, found.keeper) == (True, 1)
    assert [removal.number for removal in found.removals] == [0]


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "WEBP"])
def test_a_lossless_copy_of_a_jpeg_is_given_up_for_it(form: str, tmp_path: Path) -> None:
    """Also where neither says a word of a camera."""
    data = encoded(photo(CAT), "JPEG", quality=70)
    with Image.open(io.BytesIO(data)) as opened:
        copy = encoded(opened.convert("RGB"), form, **{"lossless": True} if form == "WEBP" else {})
    found = suggest(1, examined(tmp_path, a_x=copy, b_x=data), [])
    assert (found.keeper, found.reason) == (1, "original format")
    master = encoded(photo(CAT), form, **{"lossless": True} if form == "WEBP" else {})
    found = suggest(1, examined(tmp_path, a_x=master, b_x=data), [])
    assert (found.keeper, found.reason) == (0, "least compressed")


# ---- What was changed in place


def rotten(data: bytes, how: str, share: float) -> bytes:
    place = int(len(data) * share)
    sector = np.random.default_rng(1).integers(0, 255, 512, np.uint8).tobytes()
    changed = {
        "zeros": bytes(512),
        "sector": sector,
        "bit": bytes([data[place] ^ 0x10]),
        "lost": b"",
    }[how]
    return data[:place] + changed + data[place + (len(changed) or 512) :]


@pytest.mark.parametrize("progressive", [True, False])
@pytest.mark.parametrize("how", ["zeros", "sector", "bit", "lost"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.97])
def test_what_rotted_on_a_disk_is_never_kept_for_the_whole_one(
    share: float, how: str, progressive: bool, tmp_path: Path
) -> None:
    """Neither for its artefacts, which are sharp, nor for its folder, its name or its words."""
    image = scaled_to((600, 400))(photo(COFFEE))
    whole = encoded(image, "JPEG", quality=93, progressive=progressive)
    written = encoded(image, "JPEG", quality=93, progressive=progressive, exif=exif_of())
    one, other = examined(tmp_path, a_1=whole, b_1=rotten(written, how, share))
    seen = replace(other.facts, thumbprint=one.facts.thumbprint)  # however bad it looks
    other = replace(other, path="/p/Album/b.jpg", facts=seen)
    found = suggest(1, [replace(one, path="/p/DCIM/a (1).jpg"), other], [])
    assert found.keeper in (0, None)
    if found.keeper is None:
        assert "choose yourself" in found.reason


@pytest.mark.parametrize("form", ["BMP", "TIFF"])
def test_what_was_changed_within_a_plain_file_is_left_to_the_person(
    form: str, tmp_path: Path
) -> None:
    data = encoded(scaled_to((600, 400))(photo(COFFEE)), form)
    one, other = examined(tmp_path, a_1=data, b_1=rotten(data, "sector", 0.5))
    found = suggest(1, [one, replace(other, path="/p/Album/b.bmp")], [])
    assert (found.keeper, found.removals) == (None, ())


def test_a_sharper_one_of_the_same_size_and_quality_is_left_to_the_person() -> None:
    for known in ({"quality": 90}, {"quality": None, "lossless": True}):
        pictures = [picture(0, sharpness=30.0, **known), picture(1, "/p/Wedding/a.jpg", **known)]
        found = suggest(1, pictures, [])
        assert (found.keeper, found.removals) == (None, ())
        assert found.reason.startswith("one is sharper at the same size and quality")


# ---- What a camera wrote


def from_camera(image: Image.Image, quality: int = 93, **written: Any) -> bytes:
    """A JPEG as cameras write them: with its size, exposure and no header of JFIF's."""
    exif = exif_of()
    width, height = written.get("said", image.size)
    exif[0x0131] = written.get("software", "Ver.1.00")
    exif.get_ifd(0x8769).update({0xA002: width, 0xA003: height, 0x829A: 0.01, 0x9291: "25"})
    data = encoded(image, "JPEG", quality=quality, exif=exif)
    return data if written.get("jfif") else b"\xff\xd8" + data[20:]


def scaled_to(size: tuple[int, int]) -> Callable[[Image.Image], Image.Image]:
    return lambda image: image.resize(size, Image.Resampling.BICUBIC)


def brighter(image: Image.Image) -> Image.Image:
    return image.point(lambda level: min(255, round(level * 1.04)))


LATER: dict[str, Callable[[Image.Image], bytes]] = {
    "saved anew at 99": lambda image: encoded(image, "JPEG", quality=99),
    "saved anew at 100": lambda image: encoded(image, "JPEG", quality=100, subsampling=0),
    "brightened": lambda image: encoded(brighter(image), "JPEG", quality=97),
    "brightened without loss": lambda image: encoded(brighter(image), "PNG"),
    "without loss": lambda image: encoded(image, "PNG"),
    "WebP": lambda image: encoded(image, "WEBP", quality=99),
    "enlarged by half": lambda image: encoded(scaled_to((1350, 900))(image), "JPEG", quality=95),
    "by an editor": lambda image: from_camera(image, 99, software="Adobe Photoshop 24.0"),
    "with its old size": lambda image: from_camera(image, 99, said=(4000, 3000)),
    "with JFIF's header": lambda image: from_camera(image, 99, jfif=True),
    "small": lambda image: encoded(scaled_to((360, 240))(image), "JPEG", quality=99),
}


@pytest.mark.parametrize("later", LATER)
def test_what_the_camera_wrote_is_kept_before_what_was_made_of_it(
    later: str, tmp_path: Path
) -> None:
    with Image.open(io.BytesIO(encoded(photo(COFFEE), "JPEG", quality=96))) as opened:
        image = scaled_to((900, 600))(opened.convert("RGB"))
    own = from_camera(image)
    with Image.open(io.BytesIO(own)) as opened:
        made = LATER[later](opened.convert("RGB"))
    for files in ({"a_x": own, "b_x": made}, {"a_x": made, "b_x": own}):
        pictures = examined(tmp_path, **files)
        found = suggest(1, pictures, [])
        kept = next(n for n, data in enumerate(files.values()) if data == own)
        assert (found.keeper, len(found.removals)) == (kept, 1)


def test_a_better_quality_is_not_lost_silently(tmp_path: Path) -> None:
    """What shows no trace of the camera's own may not have been made of it."""
    image = scaled(photo(COFFEE), 0.9)
    own = from_camera(image)
    with Image.open(io.BytesIO(own)) as opened:
        seen = opened.convert("RGB")
    for made, lost in (
        (encoded(brighter(image), "JPEG", quality=97, subsampling=2), ("quality 97",)),
        (encoded(seen, "JPEG", quality=99, subsampling=2), ()),
        (encoded(seen, "PNG"), ()),
        (encoded(brighter(image), "PNG"), ("saved without loss",)),
    ):
        found = suggest(1, examined(tmp_path, a_x=own, b_x=made), [])
        told = [one for one in found.removals[0].loses if "colour" not in one]
        assert (found.keeper, tuple(told)) == (0, lost)


@pytest.mark.parametrize("turned", [False, True])
def test_in_how_many_strips_a_picture_is_looked_at_changes_nothing(
    turned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = scaled(photo(COFFEE), 1.5)
    image = image.transpose(Image.Transpose.ROTATE_90) if turned else image
    whole = origin.periods(image)
    assert all(whole)
    monkeypatch.setattr(origin, "STRIP_PIXELS", 7 * image.width + 1)
    assert origin.periods(image) == whole


@pytest.mark.parametrize("factor", [1.25, 1.5, 2, 3])
def test_nobody_but_a_person_gives_a_cameras_own_up_for_a_larger_one(
    factor: float, tmp_path: Path
) -> None:
    """Whether it was enlarged isn't always to be seen."""
    image = photo(COFFEE)
    own = encoded(image, "JPEG", quality=93, exif=exif_of())
    large = encoded(scaled(image, factor), "JPEG", quality=80)
    pictures = examined(tmp_path, own_jpg=own, large_jpg=large)
    found = suggest(1, pictures, [])
    assert found.keeper in (0, None)
    if found.keeper is None:
        assert found.reason == "one may be an enlargement of another: choose yourself"
    else:
        facts = pictures[1].facts
        assert (
            found.removals[0].loses[0]
            == f"{facts.width} \N{MULTIPLICATION SIGN} {facts.height} pixels"
        )


@pytest.mark.parametrize("factor", [1.2, 1.5, 2, 3])
def test_an_enlargement_that_has_the_cameras_words_is_not_kept_for_its_own(
    factor: float, tmp_path: Path
) -> None:
    exif = exif_of()
    exif.get_ifd(0x8769)[0x9291] = "25"
    own = encoded(photo(COFFEE), "JPEG", quality=93, exif=exif)
    large = encoded(scaled(photo(COFFEE), factor), "JPEG", quality=95, exif=exif)
    found = suggest(1, examined(tmp_path, own_jpg=own, large_jpg=large), [])
    assert (found.keeper, found.removals) == (None, ())
    assert found.reason == "one may be an enlargement of another: choose yourself"


@pytest.mark.parametrize("factor", [1.5, 1.6, 2, 4])
def test_an_enlargement_without_the_cameras_words_is_not_kept_for_what_has_them(
    factor: float, tmp_path: Path
) -> None:
    """Also where a phone or a tool saved the camera's picture anew: nobody else has its words."""
    own = scaled(photo(COFFEE), 0.5)
    changed = from_camera(own, 78, software="14.6", jfif=True)
    large = encoded(scaled(own, factor), "JPEG", quality=95)
    found = suggest(1, examined(tmp_path, own_jpg=changed, large_jpg=large), [])
    assert (found.keeper, found.removals) == (None, ())
    assert found.reason == "one may be an enlargement of another: choose yourself"


@pytest.mark.parametrize("factor", [1.2, 1.3, 1.7, 2.2])
def test_a_smooth_enlargement_without_a_camera_is_left_to_the_person(
    factor: float, tmp_path: Path
) -> None:
    own = scaled(photo(COFFEE), 0.7)
    large = own.resize((round(own.width * factor), round(own.height * factor)))
    files = {"a_jpg": encoded(own, "JPEG", quality=90), "b_jpg": encoded(large, "JPEG", quality=92)}
    found = suggest(1, examined(tmp_path, **files), [])
    assert found.reason == "one may be an enlargement of another: choose yourself"


@pytest.mark.parametrize("exif", [None, exif_of()])
@pytest.mark.parametrize("again", [98, 100])
def test_a_jpeg_saved_anew_at_a_higher_quality_is_given_up(
    again: int, exif: Image.Exif | None, tmp_path: Path
) -> None:
    """Whatever is written in both: what was lost at the lower quality doesn't come back."""
    options: dict[str, Any] = {"exif": exif} if exif else {}
    if exif:
        exif.get_ifd(0x8769)[0x9291] = "25"  # so that it is no burst
    first = encoded(scaled(photo(COFFEE), 0.9), "JPEG", quality=88, **options)
    with Image.open(io.BytesIO(first)) as opened:
        second = encoded(opened, "JPEG", quality=again, **options)
    found = suggest(1, examined(tmp_path, a_jpg=second, b_jpg=first), [])
    assert (found.keeper, found.reason) == (1, "original format")
    worse = encoded(scaled(photo(COFFEE), 0.9), "JPEG", quality=60)
    found = suggest(1, examined(tmp_path, a_jpg=second, b_jpg=worse), [])
    assert (found.keeper, found.reason) == (0, "least compressed")


def test_what_was_saved_anew_after_an_editors_own_steps_is_left_to_the_person(
    tmp_path: Path,
) -> None:
    """Of other steps than libjpeg's nobody sees whether a picture once had them."""
    steps = [2 + n // 3 for n in range(64)]
    first = encoded(scaled(photo(COFFEE), 0.9), "JPEG", qtables=[steps, steps])
    with Image.open(io.BytesIO(first)) as opened:
        second = encoded(opened.convert("RGB"), "JPEG", quality=98)
    found = suggest(1, examined(tmp_path, a_jpg=second, b_jpg=first), [])
    assert (found.keeper, found.removals) == (None, ())
    assert found.reason == "one may have been saved anew at a higher quality: choose yourself"


def test_a_small_copy_that_kept_the_cameras_words_gives_up_nothing(tmp_path: Path) -> None:
    image = photo(COFFEE)
    small = from_camera(scaled(image, 0.5), 95, said=image.size)
    found = suggest(1, examined(tmp_path, a_x=encoded(image, "JPEG", quality=90), b_x=small), [])
    assert (found.keeper, found.reason) == (0, "most pixels")
    assert "camera" in found.removals[0].loses


def test_which_of_two_without_a_camera_was_enlarged_is_left_to_the_person(tmp_path: Path) -> None:
    image = photo(COFFEE)
    large = scaled_to((image.width * 3 // 2, image.height * 3 // 2))(image)
    files = {"a_png": encoded(image, "PNG"), "b_png": encoded(large, "PNG")}
    found = suggest(1, examined(tmp_path, **files), [])
    assert found.reason == "one may be an enlargement of another: choose yourself"
    smaller = encoded(image.reduce(2), "PNG")
    found = suggest(1, examined(tmp_path, a_png=files["a_png"], b_png=smaller), [])
    assert (found.keeper, found.reason) == (0, "most pixels")


TURNS: dict[str, Callable[[Image.Image], bytes]] = {
    "saved anew": lambda image: encoded(image.rotate(90, expand=True), "JPEG", quality=80),
    "saved anew at once": lambda image: encoded(image.rotate(90, expand=True), "JPEG", quality=95),
    "by its orientation": lambda image: encoded(image, "JPEG", quality=90, exif=sideways()),
    "without loss": lambda image: encoded(image.rotate(180), "PNG"),
    "mirrored": lambda image: encoded(ImageOps.mirror(image), "JPEG", quality=80),
}


def sideways() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


@pytest.mark.parametrize("turn", TURNS)
def test_which_of_two_turned_ones_is_upright_is_left_to_the_person(
    turn: str, tmp_path: Path
) -> None:
    scan = encoded(photo(CAT), "JPEG", quality=90)
    small = encoded(scaled(photo(CAT), 0.5), "JPEG", quality=60)
    pictures = examined(tmp_path, scan_jpg=scan, turned_jpg=TURNS[turn](photo(CAT)))
    found = suggest(1, pictures, [])
    assert (found.keeper, found.removals) == (None, ())
    assert found.reason == "turned against each other: keep the upright one yourself"
    found = suggest(1, [*pictures, replace(examined(tmp_path, c_jpg=small)[0], number=2)], [])
    assert [removal.number for removal in found.removals] == [2]
    assert found.rest.startswith("turned against each other")


# ---- Facts


def saved(path: Path) -> SavedCopy:
    status = path.stat()
    file = ImageFile(str(path), status.st_size, status.st_mtime_ns)
    return SavedCopy(file, str(path), 1, "")


def test_facts_are_read_from_the_file(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x4746], exif[0x0112] = "Canon", "Canon EOS 5D", 4, 6
    exif.get_ifd(0x8769).update({0x9003: "2024:05:01 12:00:00", 0x9291: "25"})
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 0.0, 0.0)})
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(photo(CAT), "JPEG", quality=87, exif=exif))
    facts = examine(str(path))
    width, height = photo(CAT).size
    assert (facts.width, facts.height) == (height, width)  # it is shown upright
    assert (facts.format, facts.quality, facts.lossless) == ("JPEG", 87, False)
    assert (facts.taken, facts.camera) == ("2024-05-01 12:00:00.25", "Canon EOS 5D")
    assert (facts.gps, facts.rating) == (True, 4)
    assert facts.size == path.stat().st_size


XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description xmp:Rating="5"
 exif:GPSLatitude="48,1.5N"><exif:DateTimeOriginal>2020-01-01T10:00:00.5+01:00</exif:DateTimeOriginal>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_what_only_xmp_says_is_known(form: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    if form == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", XMP.decode())
        data = encoded(photo(CAT), form, pnginfo=text)
    elif form == "TIFF":
        data = encoded(photo(CAT), form, tiffinfo={700: XMP})
    else:
        data = encoded(photo(CAT), form, xmp=XMP)
    path.write_bytes(data)
    facts = examine(str(path))
    assert (facts.rating, facts.gps, facts.taken) == (5, True, "2020-01-01 10:00:00.5")


SIDEWAYS = b"\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"  # EXIF's orientation
NO_NUMBER = b"\x12\x01\x02\x00\x04\x00\x00\x00bad\x00"


@pytest.mark.parametrize(("tag", "value"), [(0x0112, 6), (0x4746, "bad"), (0x0110, b"\xff")])
def test_a_broken_tag_hides_no_other(tag: int, value: object, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0132], exif[tag] = "Canon", "2019:01:01 10:00:00", value
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 0.0, 0.0)})
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(photo(CAT), "JPEG", exif=exif).replace(SIDEWAYS, NO_NUMBER))
    facts = examine(str(path))
    assert facts.gps
    assert facts.camera.startswith("Canon")
    assert facts.taken == "2019-01-01 10:00:00"  # the only date there is


def test_the_date_of_digitizing_comes_before_that_of_the_last_change(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0132] = "2019:01:01 10:00:00"
    exif.get_ifd(0x8769).update({0x9004: "2018:01:01 10:00:00"})
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(photo(CAT), "JPEG", exif=exif))
    assert examine(str(path)).taken == "2018-01-01 10:00:00"


@pytest.mark.parametrize("date", ["2020-01-01 10:00:00", "2022-01-01 10:00:00"])
def test_a_better_rating_and_another_date_are_not_lost_silently(date: str) -> None:
    keeper = {"rating": 1, "taken": "2021-01-01 10:00:00"}
    doomed = {"rating": 5, "taken": date}
    found = suggest(1, [picture(0, width=5000, **keeper), picture(1, **doomed)], [])
    assert found.removals[0].loses == (f"another date taken: {date}", "a rating of 5")


def test_a_fraction_of_the_same_second_is_no_other_date() -> None:
    dates = {"taken": "2021-01-01 10:00:00.5"}, {"taken": "2021-01-01 10:00:00"}
    for keeper, doomed in (dates, dates[::-1]):
        found = suggest(1, [picture(0, width=5000, **keeper), picture(1, width=900, **doomed)], [])
        assert found.removals == () or found.removals[0].loses == ()


# ---- Dates that are none


def dated(path: Path, date: str, **details: Any) -> Facts:
    path.write_bytes(with_exif(photo(CAT), date, **details))
    return examine(str(path))


@pytest.mark.parametrize(
    "date",
    [
        "1970:01:01 00:00:00",
        "1980:01:01 00:04:00",
        "2019:02:30 10:00:00",
        "1904:01:01 00:00:00",
        "2000:01:01 00:00:00",
        "0001:01:01 00:00:00",
        "2090:05:06 10:00:00",
    ],
)
def test_a_date_at_which_nothing_was_taken_gives_up_no_true_one(date: str, tmp_path: Path) -> None:
    true = dated(tmp_path / "true.jpg", "2019:07:14 10:11:12")
    false = dated(tmp_path / "false.jpg", date)
    assert (true.taken, false.taken) == ("2019-07-14 10:11:12", "")
    for facts in ((true, false), (false, true)):
        pictures = [Picture(n, f"/p/{n}.jpg", str(n), one) for n, one in enumerate(facts)]
        found = suggest(1, pictures, [])
        assert found.keeper == facts.index(true)
        assert found.removals[0].loses == ()
        assert found.taken == true.taken


@pytest.mark.parametrize(
    "date", ["2000:01:01 02:30:00", "2005:01:01 00:03:11", "1980:02:01 00:00:00"]
)
def test_a_doubtful_date_is_not_kept_for_being_earlier_by_years(date: str, tmp_path: Path) -> None:
    """Neither by that nor by folder or name; but a year in which it may have been is a date."""
    true = dated(tmp_path / "true.jpg", "2019:07:14 10:11:12")
    doubtful = dated(tmp_path / "doubtful.jpg", date)
    pictures = [Picture(0, "/p/a.jpg", "0", true), Picture(1, "/p/Album/b.jpg", "1", doubtful)]
    found = suggest(1, pictures, [])
    assert (found.keeper, found.removals) == (None, ())
    assert found.reason == "one has the date of a clock that was never set: choose yourself"
    before = dated(tmp_path / "before.jpg", "2018:07:14 10:11:12")
    assert suggest(1, [pictures[0], Picture(1, "/p/b.jpg", "1", before)], []).reason == "oldest"


def test_a_true_date_beside_a_wrong_one_is_the_date(tmp_path: Path) -> None:
    """But not that of the last change, which says nothing of when it was taken."""
    exif = Image.Exif()
    exif[0x0132] = "2021:01:01 10:00:00"
    exif.get_ifd(0x8769).update({0x9003: "1980:01:01 00:00:00"})
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(photo(CAT), "JPEG", exif=exif))
    facts = examine(str(path))
    assert (facts.taken, facts.clock) == ("", "1980-01-01 00:00:00")
    exif.get_ifd(0x8769)[0x9004] = "2018:01:01 10:00:00"
    path.write_bytes(encoded(photo(CAT), "JPEG", exif=exif))
    assert examine(str(path)).taken == "2018-01-01 10:00:00"


def test_a_date_after_its_file_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    assert dated(path, "2019:07:14 10:11:12").taken
    os.utime(path, ns=(0, 0))  # which is when the file was written only for whoever believes it
    assert examine(str(path)).taken
    assert dated(path, "2199:07:14 10:11:12").taken == ""


def test_a_clock_that_was_never_set_makes_no_burst_but_where_it_runs() -> None:
    shots = [picture(n, clock="2000-01-01 00:00:00", quality=90 - 10 * n) for n in range(2)]
    assert suggest(1, shots, []).keeper == 0
    shots[1] = picture(1, clock="2000-01-01 00:00:03", quality=80)
    found = suggest(1, shots, [])
    assert (found.burst, found.keeper) == (True, None)


def test_a_doubtful_date_is_lost_silently_only_beside_a_better_one() -> None:
    doomed = picture(1, clock="2000-01-01 00:05:00")
    found = suggest(1, [picture(0, width=5000), doomed], [])
    assert found.removals[0].loses == ("a doubtful date: 2000-01-01 00:05:00",)
    found = suggest(1, [picture(0, width=5000, taken="2019-07-14 10:11:12"), doomed], [])
    assert found.removals[0].loses == ()


def test_what_is_less_sharp_has_a_lower_sharpness(tmp_path: Path) -> None:
    sharp, soft = tmp_path / "sharp.png", tmp_path / "soft.png"
    photo(LAUNCH).save(sharp)
    photo(LAUNCH).reduce(3).resize(photo(LAUNCH).size).save(soft)
    assert examine(str(sharp)).sharpness > 1.5 * examine(str(soft)).sharpness
    assert examine(str(sharp)).lossless


@pytest.mark.parametrize("form", ["PNG", "GIF", "TIFF", "WEBP", "AVIF", "BMP"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "1", "P", "CMYK", "I;16", "F", "HSV"])
def test_every_kind_of_picture_can_be_shown(form: str, mode: str, tmp_path: Path) -> None:
    image = photo(CAT).resize((400, 300)).convert("L" if mode == "I;16" else mode)
    image = image.convert("I;16") if mode == "I;16" else image
    path = tmp_path / f"a.{form.lower()}"
    try:
        image.save(path)
    except (OSError, ValueError):
        pytest.skip(f"{form} can't hold {mode}")
    for kind, side in (("thumb", 320), ("preview", 400), ("full", 400)):
        shown = tmp_path / "shown.jpg"
        shown.write_bytes(render(str(path), kind))
        with Image.open(shown) as made:
            assert (made.format, made.mode, max(made.size)) == ("JPEG", "RGB", side)
    assert examine(str(path)).pixels == 120_000


def test_a_large_preview_is_decoded_at_half_its_scale_and_looks_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2,000 x 1,500 pixels do for 1,600, and more of them cost twice the time."""
    assert rendering.covering((4000, 3000), 1600) == (1600, 1200)
    assert rendering.covering((3000, 4001), 1600) == (1200, 1600)
    monkeypatch.setattr(rendering, "PREVIEW_SIDE", 240)
    decoded: list[tuple[int, int]] = []
    to_srgb = modes.to_srgb
    monkeypatch.setattr(modes, "to_srgb", lambda i: (decoded.append(i.size), to_srgb(i))[1])
    large, path = photo(CAT).resize((600, 450)), tmp_path / "a.jpg"
    path.write_bytes(encoded(large, "JPEG", quality=92))
    with Image.open(io.BytesIO(render(str(path), "preview"))) as shown, Image.open(path) as whole:
        assert (decoded, shown.size) == ([(300, 225)], (240, 180))
        best = whole.resize(shown.size, Image.Resampling.LANCZOS)
        differences = np.abs(np.asarray(shown, int) - np.asarray(best, int))
    assert differences.mean() < 3


def test_a_jpeg_of_red_green_and_blue_is_not_called_damaged(tmp_path: Path) -> None:
    """libjpeg makes no other colours of it."""
    plain, path = tmp_path / "plain.jpg", tmp_path / "rgb.jpg"
    plain.write_bytes(encoded(photo(CAT), "JPEG", quality=90))
    path.write_bytes(encoded(photo(CAT), "JPEG", quality=90, keep_rgb=True))
    facts = examine(str(path))
    assert (facts.damage, facts.colourless) == ("", False)
    assert facts.sharpness == pytest.approx(examine(str(plain)).sharpness, rel=0.05)
    assert render(str(path), "small")


def test_nothing_of_a_files_metadata_gets_to_the_browser(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(with_exif(photo(CAT), "2024:05:01 12:00:00", camera="SECRET", comment="MINE"))
    for kind in ("thumb", "preview", "full"):
        shown = render(str(path), kind)
        assert b"SECRET" not in shown
        assert b"MINE" not in shown


@pytest.mark.workers
def test_a_hostile_picture_costs_itself_only(tmp_path: Path) -> None:
    """A decompression bomb, a cut file, a FIFO and no file: each is refused with a reason."""
    bomb, cut, fine = tmp_path / "bomb.png", tmp_path / "cut.jpg", tmp_path / "fine.jpg"
    Image.new("1", (20_000, 20_000)).save(bomb)
    data = encoded(photo(CAT), "JPEG")
    cut.write_bytes(data[:100])  # in its header
    fine.write_bytes(data)
    gone = replace(saved(fine), original=ImageFile("/gone", 1, 1), copy="/gone")
    examiner = Examiner(1)
    try:
        for copy in (saved(bomb), saved(cut), gone):
            assert isinstance(examiner.facts(copy), Unseen)
            assert isinstance(examiner.picture(copy, "thumb"), Unseen)
        assert isinstance(examiner.facts(saved(fine)), Facts)
        assert isinstance(examiner.picture(saved(fine), "thumb"), bytes)
    finally:
        examiner.close()


@pytest.mark.parametrize("seen", ["picture", "facts"])
def test_a_copy_that_goes_while_it_is_read_is_seen_in_its_original(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: str
) -> None:
    original, copy = tmp_path / "a.jpg", tmp_path / "1" / "a.jpg"
    original.write_bytes(encoded(photo(CAT), "JPEG"))
    copy.parent.mkdir()
    shutil.copy(original, copy)
    touched = replace(saved(original).original, mtime_ns=1)  # so its facts are read of the copy
    digest = hashlib.sha256(original.read_bytes()).hexdigest()
    moved = SavedCopy(touched, str(copy), 1, digest)
    examiner = Examiner(1)
    schedule = examiner._pool.schedule

    def remove_first(*args: Any, **options: Any) -> Any:
        copy.unlink(missing_ok=True)
        return schedule(*args, **options)

    monkeypatch.setattr(examiner._pool, "schedule", remove_first)
    try:
        made = examiner.picture(moved, "thumb") if seen == "picture" else examiner.facts(moved)
        assert not isinstance(made, Unseen), made.reason
        assert not copy.exists()
    finally:
        examiner.close()


def test_pictures_in_memory_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(photo(CAT), "JPEG"))
    examiner = Examiner(1, cache_bytes=50_000)
    try:
        for time in range(8):
            file = ImageFile(str(path), 1, time)
            os.utime(path, ns=(time, time))
            examiner.picture(SavedCopy(file, str(path), 1, ""), "thumb")
        kept = examiner._pictures
        assert 0 < sum(map(len, kept.values())) <= 50_000
    finally:
        examiner.close()


# ---- --action suggest


def test_suggest_removes_the_copies_that_the_rules_give_up_and_no_original(found: Library) -> None:
    names = found.names()
    ran = found.run("suggest", "--apply")
    assert ran.code == 0, ran
    assert "Removed: 2 copies. Their originals stay." in ran.out
    assert found.names() == names
    left = [name for name in names if found.info().get(str(found.photos / name))]
    left = [name for name in left if found.copy(name).exists()]
    assert left == ["vacation1.jpg", "z_coffee.jpg", "z_coffee_bw.jpg"]
    assert [line for line in found.log() if line.startswith("Removed copy: ")] == [
        f"Removed copy: {found.copy(name)}: more compressed"
        for name in ("vacation1_copy.jpg", "vacation1_old.jpg")
    ]
    assert found.check().code == 0
    assert found.listed() == ["vacation1_copy.jpg", "vacation1_old.jpg"]


@pytest.mark.parametrize("flags", [[], ["--dry-run"], ["--apply", "--dry-run"], ["--json"]])
def test_suggest_without_apply_changes_nothing_and_names_all(
    flags: list[str], found: Library
) -> None:
    before = tree(found.folder)
    ran = found.run("suggest", *flags)
    assert ran.code == 0
    assert tree(found.folder) == before
    path = found.photos / "vacation1_old.jpg"
    said = f"{path}: more compressed beside {found.photos / 'vacation1.jpg'}"
    assert said in ran.out + ran.err


def test_suggest_names_what_it_would_remove_in_json(found: Library) -> None:
    facts = found.run("suggest", "--json").facts
    assert [Path(one["path"]).name for one in facts["suggested"]] == [
        "vacation1_copy.jpg",
        "vacation1_old.jpg",
    ]
    assert len(facts["undecided"]) == 1  # one of two coffees is without colour
    assert "removed" not in facts


def test_suggest_leaves_to_the_person_each_group_that_still_holds_two(found: Library) -> None:
    """Also one in which something is given up; not one of which a person has left a single copy."""
    ran = found.run("suggest")
    assert "Groups left to you: 1.\n  2: different pictures: framed, cut or edited\n" in ran.out
    found.copy("z_coffee.jpg").unlink()
    assert "Groups left to you: 0." in found.run("suggest").out
    found.copy("vacation1_old.jpg").write_bytes(picture_bytes(COFFEE))
    assert "  1: a copy that was edited is not judged\n" in found.run("suggest").out
    found.copy("vacation1.jpg").unlink()
    ran = found.run("suggest")
    assert "Groups left to you: 1.\n  1: the one to keep is not there, or was edited\n" in ran.out


def test_a_group_of_which_two_are_left_is_undecided_in_json(bare_library: Library) -> None:
    for name, sample in (("a.jpg", COFFEE), ("bw.jpg", "edited/coffee_bw.jpg")):
        bare_library.add(name, sample)
    bare_library.add("old.jpg", COFFEE, quality=40)
    bare_library.find()
    facts = bare_library.run("suggest", "--json").facts
    assert [Path(one["path"]).name for one in facts["suggested"]] == ["old.jpg"]
    reason = "different pictures: framed, cut or edited"
    assert facts["undecided"] == [{"group": 1, "reason": reason, "damaged": []}]


@pytest.mark.parametrize("action", ["find", "check-deleted", "cleanup", "explain", "review"])
def test_apply_is_for_suggest_alone(action: str, found: Library) -> None:
    before = tree(found.folder)
    ran = found.run(action, "--apply")
    assert (ran.code, tree(found.folder)) == (2, before)
    assert "--apply: only for --action suggest" in ran.err


def test_suggest_leaves_a_group_alone_whose_keeper_was_deleted(found: Library) -> None:
    found.delete_copies("vacation1.jpg")
    assert "To remove by the rules: 0" in found.run("suggest", "--apply").out
    assert found.copy("vacation1_old.jpg").exists()


@pytest.mark.parametrize("change", ["gone", "changed"])
def test_nothing_is_given_up_for_a_picture_whose_original_is_gone(
    bare_library: Library, change: str
) -> None:
    """Of the party only the copy in OUTPUT_DIR would be left, and a part of it as a story."""
    bare_library.add("2019 Wedding/party.jpg", COFFEE)
    bare_library.add("DCIM/IMG_1.jpg", COFFEE)
    bare_library.add("DCIM/story.jpg", "edited/coffee_bw.jpg")
    bare_library.find()
    (removal,) = bare_library.run("suggest", "--json").facts["suggested"]
    keeper = Path(removal["keeper"])
    if change == "gone":
        keeper.unlink()
    else:
        keeper.write_bytes(keeper.read_bytes()[:2000])
    ran = bare_library.run("suggest", "--apply")
    assert "To remove by the rules: 0" in ran.out
    assert all(Path(copy).exists() for copy in bare_library.info().values())
    assert bare_library.check().code == 0
    assert bare_library.listed() == []


def test_suggest_says_which_original_is_gone(found: Library) -> None:
    (found.photos / "vacation1.jpg").unlink()
    ran = found.run("suggest")
    assert f"{found.photos / 'vacation1_old.jpg'}: more compressed beside" in ran.out
    said = "  1: nothing goes for what has no original as find saw it: vacation1.jpg\n"
    assert said in ran.out


def test_suggest_leaves_edited_copies_alone(found: Library) -> None:
    found.copy("vacation1_old.jpg").write_bytes(b"edited")
    ran = found.run("suggest", "--apply")
    assert ran.code == 1
    assert "Copies that were edited since find" in ran.out
    assert str(found.photos / "vacation1_old.jpg") in ran.out
    assert found.copy("vacation1_old.jpg").read_bytes() == b"edited"
    assert not found.copy("vacation1_copy.jpg").exists()


def test_suggest_takes_copies_of_which_only_the_time_changed(found: Library) -> None:
    os.utime(found.copy("vacation1_old.jpg"))
    assert "Removed: 2 copies" in found.run("suggest", "--apply").out


def test_suggest_refuses_a_flag_that_it_would_ignore(found: Library) -> None:
    ran = found.run("suggest", "--apply", "--exclude", "keep")
    assert (ran.code, found.copy("vacation1_old.jpg").exists()) == (2, True)
    assert "--exclude: only for --action find, covered, explain" in ran.err


def test_suggest_twice_is_as_once(found: Library) -> None:
    found.run("suggest", "--apply")
    assert "Removed: 0 copies" in found.run("suggest", "--apply").out


def test_suggest_prefers_the_folders_that_the_flag_names(bare_library: Library) -> None:
    bare_library.add("DCIM/cat.jpg")
    bare_library.add("b/cat.jpg")
    bare_library.add("2019 Wedding/cat.jpg")
    bare_library.find()
    best = str(bare_library.photos / "b")
    facts = bare_library.run("suggest", "--json", "--prefer", best).facts
    gone = [Path(one["path"]).parent.name for one in facts["suggested"]]
    assert gone == ["2019 Wedding", "DCIM"]
    assert bare_library.run("suggest", "--json").facts["suggested"] == []  # two albums: a tie


@pytest.mark.parametrize("wrong", ["misspelt", "b/cat.jpg"])
@pytest.mark.parametrize("action", ["suggest", "review"])
def test_a_preferred_folder_that_is_not_there_is_refused(
    bare_library: Library, action: str, wrong: str
) -> None:
    """Or --apply would give up the pictures that were to be kept."""
    bare_library.add("DCIM/cat.jpg")
    bare_library.add("b/cat.jpg")
    bare_library.find()
    given = [str(bare_library.photos / name) for name in ("DCIM", wrong)]
    apply = ["--apply"] if action == "suggest" else ["--no-browser"]
    ran = bare_library.run(action, *apply, "--prefer", given[0], "--prefer", given[1])
    says = f"PREFER {given[1]} is not a folder; check the path, or mount it."
    assert (ran.code, says in ran.err) == (2, True), ran
    assert len(list(bare_library.output.glob("1/*.jpg"))) == 2


def test_suggest_keeps_the_file_in_the_album(bare_library: Library) -> None:
    """Whichever path is the shorter one."""
    bare_library.add("Backup/cat.jpg")
    bare_library.add("DCIM/100APPLE/cat.jpg")
    bare_library.add("Our wedding at the sea in June/cat.jpg")
    bare_library.find()
    facts = bare_library.run("suggest", "--json").facts
    gone = [Path(one["path"]).parent.name for one in facts["suggested"]]
    assert gone == ["Backup", "100APPLE"]


def test_suggest_takes_no_different_pictures_of_a_find_by_threshold(bare_library: Library) -> None:
    for sample in (CAT, COFFEE, LAUNCH, PORTRAIT):
        bare_library.add(Path(sample).name, sample)
    bare_library.add("cat_old.jpg", CAT, quality=40)
    assert len(bare_library.run("find", "--threshold", "160", "--json").facts["groups"]) == 1
    facts = bare_library.run("suggest", "--json").facts
    assert [Path(one["path"]).name for one in facts["suggested"]] == ["cat_old.jpg"]


def test_suggest_never_gives_up_what_was_cut_nor_what_it_was_cut_from(
    bare_library: Library,
) -> None:
    image = photo(LAUNCH)
    full = bare_library.photos / "full.jpg"
    image.save(full, quality=90, progressive=True)
    data = full.read_bytes()
    full.write_bytes(data[: data.rindex(b"\xff\xda")] + b"\xff\xd9")  # without its last scan
    cut(image, 0.02).save(bare_library.photos / "cut.jpg", quality=90)
    assert "Damaged, by what the files say: 1 photo." in bare_library.find().out
    assert len(bare_library.info()) == 2
    assert "To remove by the rules: 0" in bare_library.run("suggest").out


def test_suggest_without_a_result_says_so(library: Library) -> None:
    assert library.run("suggest").code == 3
