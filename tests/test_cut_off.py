"""Pictures that are cut off join the one that they are part of, and no other."""

from functools import cache
from itertools import combinations
from pathlib import Path

import pytest
from conftest import SAMPLES, Library
from hostile import encoded
from PIL import Image, ImageDraw

from pictures import decode, fingerprint, formats, matching, presets, salvage
from pictures.looks import Look
from pictures.recipe import Recipe

COFFEE, CAT, LAUNCH = "2024/coffee.jpg", "2024/cat.jpg", "2023/launch.jpg"
PHOTOS = (COFFEE, CAT, LAUNCH, "2023/portrait.jpg", "2023/stars.jpg")
SIMILAR = presets.PRESETS["similar"]


@cache
def photo(name: str = COFFEE) -> Image.Image:
    with Image.open(SAMPLES / name) as image:
        return image.convert("RGB").resize((900, 600), Image.Resampling.LANCZOS)


def cut(data: bytes, share: float) -> bytes:
    return data[: round(len(data) * share)]


def look(data: bytes) -> Look:
    image, _, seen = salvage.decoded(data, formats.examined(data), decode.prepared)
    assert image
    found = fingerprint.look_of(image, Recipe(parts=True), seen)
    assert found
    return found


def groups(looks: list[Look], preset: str = "similar") -> list[list[int]]:
    digests = [str(number) for number in range(len(looks))]
    found, _ = matching.group(digests, looks, presets.PRESETS[preset])
    return [cluster.members for cluster in found]


def test_cut_pictures_of_all_kinds_join_their_whole_one(bare_library: Library) -> None:
    whole = encoded(photo(), "JPEG", quality=92)
    progressive = encoded(photo(), "JPEG", quality=92, progressive=True)
    files = {
        "whole.jpg": whole,
        "no-end-marker.jpg": whole[:-2],
        "99.jpg": cut(whole, 0.99),
        "90.jpg": cut(whole, 0.9),
        "50.jpg": cut(whole, 0.5),
        "zeros.jpg": cut(whole, 0.7) + bytes(len(whole) * 3 // 10),
        "closed.jpg": cut(whole, 0.8) + b"\xff\xd9",
        "progressive.jpg": cut(progressive, 0.5),
        "cut.png": cut(encoded(photo(), "PNG"), 0.7),
        "cut.gif": cut(encoded(photo(), "GIF"), 0.7),
        "cut.tif": cut(encoded(photo(), "TIFF"), 0.7),
        "cut.bmp": cut(encoded(photo(), "BMP"), 0.7),
        "cut.webp": cut(encoded(photo(), "WEBP"), 0.7),
    }
    for name, data in files.items():
        (bare_library.photos / name).write_bytes(data)
    (bare_library.photos / "other.jpg").write_bytes(cut(encoded(photo(CAT), "JPEG"), 0.5))
    facts = bare_library.find("--json").facts
    assert [sorted(Path(path).name for path in group) for group in facts["groups"]] == [
        sorted(files)
    ]
    assert {Path(one["path"]).name for one in facts["damaged"]} == {*files, "other.jpg"} - {
        "whole.jpg"
    }
    assert facts["matched"]["cut off"] >= 8
    suggested = bare_library.run("suggest", "--json").facts["suggested"]
    assert "whole.jpg" not in [Path(one["path"]).name for one in suggested]
    assert "no-end-marker.jpg" in [Path(one["path"]).name for one in suggested]


@pytest.mark.parametrize("preset", ["copies", "similar", "crops"])
@pytest.mark.parametrize("share", [0.35, 0.5, 0.8])
def test_pictures_that_are_cut_alike_are_no_more_alike(share: float, preset: str) -> None:
    wholes = [encoded(photo(name), "JPEG", quality=85) for name in PHOTOS]
    looks = [look(data) for whole in wholes for data in (whole, cut(whole, share))]
    pairs = [[number, number + 1] for number in range(0, len(looks), 2)]
    assert groups(looks, preset) == pairs
    bits = [int.from_bytes(one.views[0].hash) for one in looks[1::2]]
    assert all((one ^ other).bit_count() > SIMILAR.whole for one, other in combinations(bits, 2))


def test_without_the_whole_one_what_is_cut_off_later_is_taken_for_it() -> None:
    whole = encoded(photo(), "JPEG", quality=85)
    looks = [look(cut(whole, share)) for share in (0.5, 0.7, 0.9)]
    assert groups([*looks, look(encoded(photo(CAT), "JPEG"))]) == [[0, 1, 2]]


def test_a_turned_picture_that_is_cut_off_joins_the_upright_one() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways = encoded(photo().transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif.tobytes())
    looks = [look(encoded(photo(), "JPEG")), look(cut(sideways, 0.6))]
    assert looks[1].part == (6, 0, 16, 16)
    assert groups(looks) == [[0, 1]]


def test_what_is_left_of_a_picture_joins_no_two_that_share_only_that() -> None:
    top, bottoms = photo(), (photo(CAT), photo(LAUNCH))
    pictures = [top.copy() for _ in bottoms]
    for picture, bottom in zip(pictures, bottoms, strict=True):
        picture.paste(bottom.crop((0, 240, 900, 600)), (0, 240))
    wholes = [encoded(picture, "PNG") for picture in pictures]
    rest = cut(encoded(pictures[0], "TIFF"), 0.38)
    looks = [*map(look, wholes), look(rest)]
    assert groups(looks[:2]) == []
    assert [len(members) for members in groups(looks)] == [2]


def test_pages_that_are_cut_off_are_compared_as_pages() -> None:
    pages = []
    for text in (
        "A letter to a friend,\nwith many a line.\n",
        "Another letter, of\nother words.\n",
    ):
        page = Image.new("L", (800, 1000), "white")
        with Image.open(SAMPLES / COFFEE) as image:
            page.paste(image.convert("L").resize((60, 40)), (700, 20))
        ImageDraw.Draw(page).multiline_text((60, 60), text * 12, font_size=28, fill="black")
        pages.append(page)
    wholes = [encoded(page, "PNG") for page in pages]
    looks = [look(data) for whole in wholes for data in (whole, cut(whole, 0.7))]
    assert all(one.views[0].fine for one in looks)
    assert groups(looks) == [[0, 1], [2, 3]]


def test_by_a_threshold_cut_pictures_are_compared_too(bare_library: Library) -> None:
    for name in (COFFEE, CAT):
        whole = encoded(photo(name), "JPEG", quality=90)
        (bare_library.photos / Path(name).name).write_bytes(whole)
        (bare_library.photos / f"cut-{Path(name).name}").write_bytes(cut(whole, 0.97))
    found = bare_library.find("--threshold", "40", "--json").facts["groups"]
    assert [[Path(path).name for path in group] for group in found] == [
        ["cat.jpg", "cut-cat.jpg"],
        ["coffee.jpg", "cut-coffee.jpg"],
    ]


def test_explain_says_that_one_is_part_of_the_other(bare_library: Library) -> None:
    whole, rest = bare_library.photos / "whole.jpg", bare_library.photos / "rest.jpg"
    data = encoded(photo(), "JPEG")
    whole.write_bytes(data)
    rest.write_bytes(cut(data, 0.5))
    for paths in ((whole, rest), (rest, whole)):
        ran = bare_library.run("explain", *map(str, paths))
        assert "what is left of one that is cut off is part of the other" in ran.out
