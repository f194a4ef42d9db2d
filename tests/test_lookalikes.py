"""The benchmark's pictures that look alike and show different things."""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from conftest import Library
from made_pictures import encoded, look_of
from PIL import ImageEnhance, ImageOps

from grouping import POINTS, Match, Region
from pictures import fingerprint, matching, one_design, presets
from pictures.looks import content
from pictures.recipe import Recipe
from pictures.table import table_of

sys.path.insert(0, str(Path(__file__).resolve().parent / "benchmarks"))

from lookalike_kinds import KINDS


def drawn(kind: str, place: int) -> str:
    picture = KINDS[kind](place, Random(f"{kind} {place}"))
    return hashlib.sha256(picture.tobytes()).hexdigest()


def test_each_number_of_a_kind_is_a_picture_of_its_own_and_always_the_same() -> None:
    for kind in KINDS:
        first, second = drawn(kind, 0), drawn(kind, 1)
        assert first != second, kind
        assert drawn(kind, 0) == first, kind


@pytest.mark.parametrize(
    ("kind", "places"),
    [
        ("wooden chess", (3, 13, 30, 45, 52)),
        ("chess", (0, 1, 2, 3, 4)),
        ("web page", (14, 17, 24, 35, 41)),
    ],
)
def test_what_differs_in_one_design_is_apart_and_its_copies_are_found(
    kind: str, places: Sequence[int]
) -> None:
    pictures = [KINDS[kind](place, Random(f"{kind} {place}")) for place in places]
    data = [encoded(picture, "JPEG", quality=q) for picture in pictures for q in (90, 50)]
    digests = [hashlib.sha256(each).hexdigest() for each in data]
    groups, _ = matching.group(digests, [*map(look_of, data)], presets.PRESETS["similar"])
    assert [group.members for group in groups] == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]


X_RAYS = (18, 59, 32, 38, 68, 83, *range(18))  # the first six are near each other, pair by pair


def x_rays(copies_of: Sequence[int] = ()) -> list[bytes]:
    """Drawn X-rays, and behind them copies of some: smaller, and saved anew."""
    pictures = [KINDS["x-ray"](place, Random(f"x-ray {place}")) for place in X_RAYS]
    copies = [ImageOps.contain(pictures[n], (300, 300)) for n in copies_of]
    data = [encoded(picture, "JPEG", quality=90) for picture in pictures]
    return data + [encoded(picture, "JPEG", quality=60) for picture in copies]


def groups_of(data: Sequence[bytes], preset: str = "similar") -> list[list[int]]:
    digests = [hashlib.sha256(each).hexdigest() for each in data]
    parts = preset == "crops"
    looks = [look_of(each, parts=parts) for each in data]
    groups, _ = matching.group(digests, looks, presets.PRESETS[preset])
    return [group.members for group in groups]


@pytest.mark.parametrize("preset", ["similar", "crops"])
def test_among_many_of_one_design_only_what_is_alike_in_nearly_all_parts_joins(
    preset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = x_rays(copies_of=(0, 9))
    last = len(data) - 1
    monkeypatch.setattr(one_design, "MANY_OTHERS", len(data))
    assert [0, 1] in [group[:2] for group in groups_of(data, preset)]
    monkeypatch.setattr(one_design, "MANY_OTHERS", 4)
    assert groups_of(data, preset) == [[0, last - 1], [9, last]]
    assert groups_of(data[::-1], preset) == [[0, last - 9], [1, last]]


def test_a_picture_with_many_versions_is_of_no_design_of_many() -> None:
    """Some of its versions don't look alike, but others do."""
    others, matching = np.array([31, 32, 32, 64, 64]), np.array([0, 4, 5, 8, 9])
    found = one_design.are_of_one_design(others, matching)
    assert found.tolist() == [False, True, False, True, False]


def test_of_one_design_points_in_place_prove_nothing_and_elsewhere_they_do() -> None:
    picture = look_of(x_rays()[0])
    table = table_of([picture, picture, picture])
    of_one_design = np.array([True, True, False])
    whole, half = (Region((0, 0, n, 1), (0, 0, n, 1)) for n in (1.0, 0.5))
    points = Match(0, 1, 50, 0.6, POINTS, (whole, whole))
    design = one_design.OneDesign()
    assert design.allows(points)
    design.learn(of_one_design, table)
    assert not design.allows(points)
    assert design.allows(replace(points, regions=(half, whole)))
    assert design.allows(replace(points, right=2))
    assert design.allows(replace(points, view="whole", regions=None))
    page = replace(picture, views=(replace(picture.views[0], fine=b"some"),))
    design.learn(of_one_design, table_of([page, page, page]))
    assert design.allows(points)


def test_clothes_of_one_cut_are_apart_from_each_other_among_many_and_their_copies_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Among forty on one ground four have about one cut and one gray, in other colours."""
    pictures = [KINDS["clothes"](n, Random(f"clothes {n}")) for n in range(40)]
    alike = 6, 8, 15, 33
    pictures += [ImageOps.contain(pictures[n], (300, 300)) for n in alike]
    data = [encoded(picture, "JPEG", quality=90) for picture in pictures]
    assert groups_of(data) == [[*alike, 40, 41, 42, 43]]
    monkeypatch.setattr(one_design, "MANY_OTHERS", 8)
    monkeypatch.setattr(one_design, "TIMES", 2)
    assert groups_of(data) == [[6, 40], [8, 41], [15, 42], [33, 43]]


@pytest.mark.parametrize(
    ("kind", "places"),
    [("wooden chess", (9, 13, 30, 43, 45)), ("receipt", (2, 7, 31, 54, 58))],
)
def test_points_keep_apart_what_differs_in_one_design(kind: str, places: Sequence[int]) -> None:
    pytest.importorskip("cv2")
    pictures = [KINDS[kind](place, Random(f"{kind} {place}")) for place in places]
    data = [encoded(picture, "JPEG", quality=q) for picture in pictures for q in (90, 50)]
    digests = [hashlib.sha256(each).hexdigest() for each in data]
    looks = [fingerprint.look_at(each, Recipe(points=True)) for each in data]
    groups, _ = matching.group(digests, looks, presets.PRESETS["most"])
    assert [group.members for group in groups] == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]


@pytest.mark.parametrize(("one", "other"), [(2, 27), (22, 35), (17, 30)])
def test_clothes_of_one_cut_in_other_colours_are_apart(one: int, other: int) -> None:
    pictures = [KINDS["clothes"](n, Random(f"clothes {n} tuneA")) for n in (one, other)]
    looks = [look_of(encoded(picture, "JPEG", quality=90)) for picture in pictures]
    assert matching.group("ab", looks, presets.PRESETS["similar"])[0] == []


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        *(("x-ray", 34, 8), ("x-ray", 3, 30), ("x-ray", 33, 15)),
        *(("clothes", 17, 16), ("clothes", 28, 1), ("clothes", 4, 19)),
        *(("clothes", "t109", "t117"), ("clothes", "t121", "t125")),
    ],
)
def test_points_neither_prove_nor_bear_out_that_one_design_is_one_picture(
    kind: str, one: int | str, other: int | str
) -> None:
    """Ribs, folds and hems have partners in about the same place, but few that are clear."""
    pytest.importorskip("cv2")
    from extras.points.agreement import seen_in
    from extras.points.making import points_in
    from extras.points.matching import compared

    seen = []
    for place in (one, other):
        seed = place if isinstance(place, str) else f"{place} tuneA"
        picture = KINDS[kind](0, Random(f"{kind} {seed}"))
        look = fingerprint.look_at(encoded(picture, "JPEG", quality=90), Recipe(points=True))
        assert look
        assert look.points
        seen.append(seen_in(look, points_in(content(look.points))))
    assert compared((seen[0], seen[1])) is None


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        *(("x-ray", 6, 7), ("x-ray", 8, 28), ("x-ray", 31, 33)),
        *(("flag", 1, 21), ("flag", 21, 32), ("flag", 13, 21)),  # one is white and black
        *(("flag", 19, 30), ("flag", 17, 22), ("flag", 10, 22)),
    ],
)
def test_pictures_of_one_design_are_apart(kind: str, one: int, other: int) -> None:
    pictures = [KINDS[kind](n, Random(f"{kind} {n} tuneC")) for n in (one, other)]
    data = [encoded(picture, "JPEG", quality=q) for picture in pictures for q in (90, 50)]
    looks = [*map(look_of, data)]
    groups, _ = matching.group("abcd", looks, presets.PRESETS["similar"])
    assert [group.members for group in groups] == [[0, 1], [2, 3]]


@pytest.mark.parametrize(("one", "other"), [(38, 76), (43, 81), (50, 69)])
def test_points_prove_nothing_of_drawings_in_other_colours(one: int, other: int) -> None:
    pytest.importorskip("cv2")
    flags = [encoded(KINDS["flag"](n, Random("flag")), "JPEG", quality=90) for n in (one, other)]
    looks = [fingerprint.look_at(data, Recipe(points=True)) for data in flags]
    assert matching.group("ab", looks, presets.PRESETS["most"])[0] == []


def test_explain_says_that_the_parts_of_two_x_rays_differ(bare_library: Library) -> None:
    for n in (8, 28):
        picture = KINDS["x-ray"](n, Random(f"x-ray {n} tuneC"))
        (bare_library.photos / f"{n}.png").write_bytes(encoded(picture, "PNG"))
    paths = [str(bare_library.photos / f"{n}.png") for n in (8, 28)]
    told = bare_library.run("explain", *paths, "--verbose").out
    assert "most of their parts differ a little, as in pictures of one design" in told
    assert "median correlation of parts 0.9" in told


def test_flags_that_differ_in_colour_alone_are_apart_and_their_copies_are_found() -> None:
    flags = [KINDS["flag"](place, Random("flag")) for place in (15, 19, 29, 41)]
    data = [encoded(flag, "JPEG", quality=q) for flag in flags for q in (95, 90)]
    digests = [hashlib.sha256(each).hexdigest() for each in data]
    groups, _ = matching.group(digests, [*map(look_of, data)], presets.PRESETS["similar"])
    assert [group.members for group in groups] == [[0, 1], [2, 3], [4, 5], [6, 7]]


def test_a_drawing_is_found_in_gray_toned_or_with_other_saturation() -> None:
    flag = KINDS["flag"](15, Random("flag"))
    gray = flag.convert("L")
    copies = [
        gray.convert("RGB"),
        ImageOps.colorize(gray, (40, 26, 13), (240, 215, 180)),
        ImageEnhance.Color(flag).enhance(0.5),
    ]
    for copy in copies:
        data = [encoded(picture, "PNG") for picture in (flag, copy)]
        groups, _ = matching.group("ab", [*map(look_of, data)], presets.PRESETS["similar"])
        assert [group.members for group in groups] == [[0, 1]]


def test_a_sign_of_one_hue_is_found_darker() -> None:
    sign = KINDS["icon"](0, Random("icon 0"))
    data = [
        encoded(picture, "PNG") for picture in (sign, ImageEnhance.Brightness(sign).enhance(0.6))
    ]
    groups, _ = matching.group("ab", [*map(look_of, data)], presets.PRESETS["similar"])
    assert [group.members for group in groups] == [[0, 1]]
