"""Pictures that show the same share a group, whatever was done to them; others don't."""

import io
import random
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from conftest import Library, picture
from hypothesis import given
from hypothesis import strategies as st
from made_pictures import (
    CAT,
    COFFEE,
    FRAMES,
    PORTRAIT,
    SINGLES,
    captioned,
    cropped,
    encoded,
    look_of,
    photo,
    squared,
    text_page,
    tilted,
    toned,
    with_exif,
)
from PIL import Image, ImageChops, ImageDraw, ImageFont, ImageOps

import config
from grouping import Cluster, Match, supported_clusters
from pictures import bandpass, candidates, closer, crowds, matching, registration, verify
from pictures.colour import differ_in_colour
from pictures.crowds import ENOUGH
from pictures.effort import Each, in_threads
from pictures.looks import Look, View
from pictures.matching import find_matches
from pictures.presets import PRESETS, Rules
from pictures.registration import agreement, correlation
from pictures.table import Pairs, Table
from pictures.verify import Verdict

CLEAR = (CAT, COFFEE, PORTRAIT)
Edit = Callable[[Image.Image], Image.Image]


def stack(*images: Image.Image) -> np.ndarray:
    """Pictures as they are compared: a stack of 64x64 grays."""
    small = [image.convert("L").resize((64, 64), Image.Resampling.LANCZOS) for image in images]
    return np.stack([np.asarray(image) for image in small])


def samples() -> np.ndarray:
    return stack(*map(photo, SINGLES))


def views_matched(looks: list[Look], preset: str = "similar") -> dict[tuple[int, int], set[str]]:
    found: dict[tuple[int, int], set[str]] = {}
    for match in find_matches(looks, PRESETS[preset]):
        assert match.left < match.right
        found.setdefault((match.left, match.right), set()).add(match.view)
    return found


# ---- Correlation


def test_a_picture_correlates_fully_with_itself() -> None:
    assert correlation(samples(), samples()) == pytest.approx(np.ones(len(SINGLES)), abs=1e-3)


def test_brightness_and_contrast_hardly_count() -> None:
    for change in (lambda v: v // 2, lambda v: 60 + v // 2, lambda v: 100 + v // 4):
        changed = stack(*(photo(name).convert("L").point(change) for name in CLEAR))
        assert correlation(stack(*map(photo, CLEAR)), changed).min() > 0.95


@pytest.mark.parametrize("shift", [1, 4, 7, 10])
def test_a_shift_of_up_to_10_pixels_is_found_in_every_direction(shift: int) -> None:
    large = np.stack([np.asarray(photo(n).convert("L").resize((96, 96))) for n in CLEAR])
    middle = large[:, 16:80, 16:80]
    for down, across in ((0, shift), (shift, 0), (-shift, shift), (-shift, -shift)):
        moved = large[:, 16 + down : 80 + down, 16 + across : 80 + across]
        assert correlation(middle, moved).min() > 0.9, (down, across)
    assert correlation(middle, large[:, 2:66, 2:66]).max() < 0.8  # 14 pixels


def test_different_photos_do_not_correlate() -> None:
    one, other = np.array(list(combinations(range(len(SINGLES)), 2))).T
    for turn in bandpass.WAYS:
        assert correlation(bandpass.turned(samples()[one], turn), samples()[other]).max() < 0.4


def test_a_pair_correlates_alike_in_any_company_and_order() -> None:
    left, right = samples()[[0, 1, 2]], samples()[[1, 1, 4]]
    together = correlation(left, right)
    alone = [correlation(left[[n]], right[[n]])[0] for n in range(3)]
    assert together == pytest.approx(alone, abs=1e-4)
    assert together == pytest.approx(correlation(right, left), abs=1e-4)


def test_flat_pictures_are_no_error() -> None:
    flat = np.full((1, 64, 64), 80, np.uint8)
    for other in (flat, samples()[:1]):
        assert np.isfinite(correlation(flat, other)).all()
        assert agreement(flat, other) == [0]


def some_stacks(seed: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """A few pictures, and others with something of them, somewhere else."""
    rng = np.random.default_rng(seed)
    left = rng.standard_normal((3, side, side), np.float32)
    moved = np.roll(left, rng.integers(-3, 4, 2), axis=(1, 2))
    return left, moved + rng.standard_normal(left.shape, np.float32) * rng.random(dtype=np.float32)


def overlapping(shift: int, side: int) -> slice:
    return slice(max(0, shift), side + min(0, shift))


@given(st.integers(0, 2**32), st.sampled_from([16, 20, 32]))
def test_the_correlation_of_a_shift_is_that_of_what_overlaps(seed: int, side: int) -> None:
    left, right = some_stacks(seed, side)
    reach = round(side * registration.REACH)
    found = registration.by_shift(left, right)
    assert found.shape == (3, 2 * reach + 1, 2 * reach + 1)
    for down, across in np.ndindex(found.shape[1:]):
        y, x = down - reach, across - reach
        p = left[:, overlapping(y, side), overlapping(x, side)].astype(float)
        q = right[:, overlapping(-y, side), overlapping(-x, side)].astype(float)
        wanted = (p * q).sum((1, 2)) / np.sqrt((p**2).sum((1, 2)) * (q**2).sum((1, 2)))
        assert found[:, down, across] == pytest.approx(wanted, abs=1e-4)


# ---- Agreement


@given(st.integers(0, 2**32), st.sampled_from([16, 32]))
def test_each_block_is_found_where_it_correlates_most(seed: int, side: int) -> None:
    left, right = some_stacks(seed, side)
    block, reach = side // registration.BLOCKS, round(side * registration.REACH)
    room = np.pad(right.astype(float), ((0, 0), (reach, reach), (reach, reach)))
    likeness, shifts, energy = registration.block_shifts(left, right)
    for number, (top, start) in enumerate(np.ndindex(registration.BLOCKS, registration.BLOCKS)):
        y, x = top * block, start * block
        part = left[:, y : y + block, x : x + block].astype(float)
        assert energy[:, number] == pytest.approx((part**2).sum((1, 2)), rel=1e-4)
        wanted = np.empty((3, 2 * reach + 1, 2 * reach + 1))
        for down, across in np.ndindex(wanted.shape[1:]):
            there = room[:, y + down : y + down + block, x + across : x + across + block]
            squares = (part**2).sum((1, 2)) * (there**2).sum((1, 2))
            wanted[:, down, across] = (part * there).sum((1, 2)) / np.sqrt(squares + 1e-3)
        assert likeness[:, number] == pytest.approx(wanted.max((1, 2)), abs=1e-4)
        down, across = (shifts[:, number].astype(int) + reach).T
        assert wanted[range(3), down, across] == pytest.approx(likeness[:, number], abs=1e-4)


def test_the_parts_of_a_cropped_tilted_or_stretched_copy_agree() -> None:
    edits: list[Edit] = [
        lambda image: image,
        lambda image: cropped(image, 0.95),
        lambda image: cropped(image, 0.95, 0, 1),
        lambda image: tilted(image, 2),
        toned,
    ]
    for edit in edits:
        copies = stack(*(edit(photo(name)) for name in CLEAR))
        assert agreement(stack(*map(photo, CLEAR)), copies).min() >= 0.9


def test_the_parts_of_different_pictures_do_not_agree() -> None:
    one, other = np.array(list(combinations(range(len(SINGLES)), 2))).T
    assert agreement(samples()[one], samples()[other]).max() < 0.5


def with_subject(scene: str, subject: str) -> Image.Image:
    """A picture of another one before a scene."""
    image, inner = photo(scene), photo(subject)
    width, height = image.width // 2, image.height * 2 // 3
    image.paste(inner.resize((width, height)), ((image.width - width) // 2, image.height - height))
    return image


def test_another_subject_before_the_same_scene_disagrees() -> None:
    for scene in SINGLES:
        one, other = [name for name in SINGLES if name != scene][:2]
        pair = stack(with_subject(scene, one), with_subject(scene, other))
        assert agreement(pair[:1], pair[1:])[0] < 0.85


def card(image: Image.Image) -> Image.Image:
    """A card with a photo in it."""
    card = Image.new("RGB", (800, 1000), (200, 30, 40))
    draw = ImageDraw.Draw(card)
    draw.text((80, 30), "Merry Christmas", "white", font_size=80)
    card.paste(image.resize((640, 640)), (80, 150))
    draw.text((80, 850), "and a happy new year", "white", font_size=60)
    return card


def test_different_photos_in_one_card_disagree_and_do_not_match() -> None:
    cards = [card(photo(name)) for name in SINGLES]
    one, other = np.array(list(combinations(range(len(SINGLES)), 2))).T
    assert agreement(stack(*cards)[one], stack(*cards)[other]).max() < 0.8
    for preset in PRESETS:
        assert views_matched([look_of(image, parts=True) for image in cards], preset) == {}


# ---- What each preset finds


def saved(image: Image.Image, quality: int) -> Image.Image:
    with Image.open(io.BytesIO(encoded(image, "JPEG", quality=quality))) as jpeg:
        return jpeg.convert("RGB")


def film(image: Image.Image) -> Image.Image:
    """A negative on orange film, seen from its back."""
    mask = Image.new("RGB", image.size, (250, 160, 100))
    return ImageChops.multiply(ImageOps.invert(ImageOps.mirror(image)), mask)


COPIES: dict[str, Edit] = {
    "recompressed": lambda image: saved(image, 20),
    "resized": lambda image: image.resize((200, 150)),
    "toned": toned,
    "gray": lambda image: image.convert("L").convert("RGB"),
    "turned": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "upside-down": lambda image: image.transpose(Image.Transpose.ROTATE_180),
    "mirrored": ImageOps.mirror,
    "inverted": ImageOps.invert,
    "film": film,
    "captioned": captioned,
}
SIMILAR: dict[str, Edit] = {
    **{name: lambda image, frame=frame: frame(image)[0] for name, frame in FRAMES.items()},
    "cropped": lambda image: cropped(image, 0.95),
    "tilted": lambda image: tilted(image, 2),
}
CROPS: dict[str, Edit] = {
    "half": lambda image: cropped(image, 0.71, 0.3, 0.6),
    "square": squared,
}
EDITS = {**COPIES, **SIMILAR, **CROPS}
FOUND = {"copies": COPIES, "similar": COPIES | SIMILAR, "crops": EDITS, "most": EDITS}


@cache
def edited(name: str, edit: str) -> Look:
    image = photo(name)
    return look_of(encoded(EDITS[edit](image) if edit else image, "JPEG", quality=85), parts=True)


@pytest.mark.parametrize("preset", ["copies", "similar", "crops"])
def test_a_preset_finds_the_edits_it_is_for_and_no_others(preset: str) -> None:
    for name in CLEAR:
        original = edited(name, "")
        for edit in CROPS if preset == "crops" else EDITS:  # the rest is in the folder below
            if edit == "square" and name == PORTRAIT:
                continue  # which is one
            matched = bool(views_matched([original, edited(name, edit)], preset))
            assert matched == (edit in FOUND[preset]), (name, edit)


def test_a_match_says_how_it_was_found() -> None:
    for edit, view in (
        ("recompressed", "whole"),
        ("turned", "turned by 270"),
        ("upside-down", "turned by 180"),
        ("mirrored", "mirrored"),
        ("inverted", "inverted"),
        ("film", "mirrored, inverted"),
        ("polaroid", "inside a frame"),
        ("phone", "inside a frame"),
        ("half", "crop"),
    ):
        found = views_matched([edited(COFFEE, ""), edited(COFFEE, edit)], "crops")
        assert view in found[0, 1], edit


@pytest.mark.parametrize("preset", PRESETS)
def test_a_folder_of_edits_is_grouped_by_photo(preset: str, bare_library: Library) -> None:
    edits = [edit for edit in FOUND[preset] if edit != "square"]
    for number, name in enumerate(CLEAR):
        for edit in ["", *edits]:
            image = EDITS[edit](photo(name)) if edit else photo(name)
            path = bare_library.photos / f"{number}-{edit}.jpg"
            path.write_bytes(encoded(image, "JPEG", quality=85))
    facts = bare_library.find("--preset", preset, "--json").facts
    groups = [[Path(path).stem for path in group] for group in facts["groups"]]
    expected = [sorted(f"{number}-{edit}" for edit in ["", *edits]) for number in range(3)]
    assert [sorted(group) for group in groups] == expected


@pytest.mark.parametrize("frame", FRAMES)
def test_different_photos_in_one_frame_do_not_match(frame: str) -> None:
    looks = [look_of(encoded(FRAMES[frame](photo(name))[0], "JPEG")) for name in SINGLES]
    for preset in ("copies", "similar"):
        assert views_matched(looks, preset) == {}


def test_different_photos_do_not_match_in_any_preset() -> None:
    edits = ("", "toned", "cropped", "polaroid")
    looks = [edited(name, edit) for name in CLEAR for edit in edits]
    for preset in PRESETS:
        found = views_matched(looks, preset)
        assert len(found) >= len(CLEAR)
        assert all(left // len(edits) == right // len(edits) for left, right in found)


def test_where_colours_tell_no_look_is_taken_and_the_matches_are_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All photos of the samples and some toned copies, in limits that all of them are within."""
    pictures = [photo(name) for name in SINGLES]
    looks = [look_of(picture) for picture in (*pictures, *map(toned, pictures[:3]))]
    rules = replace(PRESETS["similar"], whole=256, turned=256, sketched=256)
    looked_at: list[int] = []
    look = verify.look

    def counted(left: np.ndarray, *rest: object, **more: object) -> object:
        looked_at.append(len(left))
        return look(left, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(verify, "look", counted)
    found = list(find_matches(looks, rules))
    spared = sum(looked_at)
    monkeypatch.setattr(
        candidates, "others_of_many", lambda ones, *_: np.zeros(len(ones), np.bool_)
    )
    looked_at.clear()
    assert list(find_matches(looks, rules)) == found != []
    assert spared < 0.8 * sum(looked_at)


def test_two_framings_of_one_photo_match() -> None:
    for name in CLEAR:
        for one, other in (("polaroid", "phone"), ("letterbox", "desktop")):
            found = views_matched([edited(name, one), edited(name, other)])
            assert found == {(0, 1): {"inside a frame"}}


def test_the_parts_of_one_picture_are_no_pair() -> None:
    assert views_matched([edited(COFFEE, "polaroid")], "crops") == {}
    assert list(find_matches([], PRESETS["crops"])) == []
    assert list(find_matches([None, None], PRESETS["crops"])) == []


def test_pages_of_different_text_do_not_match_and_their_copies_do() -> None:
    count = 10
    pages = [look_of(text_page(seed)) for seed in range(count)]
    copies = [look_of(encoded(text_page(seed), "JPEG", quality=30)) for seed in range(count)]
    for preset in ("copies", "similar"):
        assert views_matched(pages, preset) == {}
        found = views_matched([*pages, *copies], preset)
        assert found == {(n, n + count): {"whole"} for n in range(count)}


def test_a_page_with_another_paragraph_is_another_page() -> None:
    image = text_page(3)
    changed = image.copy()
    changed.paste(text_page(4).crop((60, 400, 560, 620)), (60, 400))
    assert views_matched([look_of(image), look_of(changed)]) == {}


def test_a_form_filled_in_twice_is_two_forms() -> None:
    form = text_page(3)
    for preset in ("copies", "similar"):
        filled = [look_of(with_words(form, words)) for words in ("Amsterdam 1,250", "Oslo 83")]
        assert views_matched(filled, preset) == {}


def with_words(page: Image.Image, words: str) -> Image.Image:
    filled = page.copy()
    filled.paste(page.getpixel((0, 0)), (60, 300, 560, 380))
    ImageDraw.Draw(filled).text((70, 310), words, fill=20, font=ImageFont.load_default(48))
    return filled


def test_dark_slides_of_one_design_are_different_slides() -> None:
    slides = [slide(f"Chapter {number}") for number in ("three", "twelve", "seven")]
    copies = [encoded(image, "JPEG", quality=40) for image in slides]
    found = views_matched([look_of(image) for image in (*slides, *copies)])
    assert found == {(n, n + 3): {"whole"} for n in range(3)}


def slide(title: str) -> Image.Image:
    image = Image.new("RGB", (960, 540), (20, 30, 60))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 470, 960, 540), fill=(200, 90, 30))
    draw.text((80, 200), title, fill="white", font=ImageFont.load_default(90))
    return image


def test_codes_on_one_poster_are_different_codes() -> None:
    codes = [look_of(poster(seed)) for seed in range(6)]
    assert all(look.views[1].fine for look in codes)
    assert views_matched(codes) == {}
    copy = look_of(encoded(poster(2), "JPEG", quality=30))
    assert set(views_matched([codes[2], copy])) == {(0, 1)}


def poster(seed: int) -> Image.Image:
    """A code of black and white squares on an orange sheet."""
    code = np.random.default_rng(seed).integers(0, 2, (25, 25), np.uint8) * 255
    image = Image.new("RGB", (700, 1000), (240, 120, 20))
    image.paste(Image.fromarray(code).resize((500, 500), Image.Resampling.NEAREST), (100, 250))
    return image


def test_parts_tell_whether_pages_differ_somewhere() -> None:
    one = np.asarray(text_page(3).resize((256, 256)))[None]
    other = one.copy()
    other[:, 100:120, 60:120] = other[:, 140:160, 60:120]
    page, changed = (registration.flattened(pages)[0] for pages in (one, other))
    assert closer.parts_alike(page, page, (0, 0))
    assert not closer.parts_alike(page, changed, (0, 0))
    assert closer.parts_alike(page, np.roll(page, (6, -9), (0, 1)), (6, -9))


def test_pictures_without_a_look_match_nothing() -> None:
    looks = [None, edited(CAT, ""), None, edited(CAT, "toned")]
    assert {(m.left, m.right) for m in find_matches(looks, PRESETS["similar"])} == {(1, 3)}


# ---- Bursts


def shot(name: str, right: float, when: str, fraction: str = "", camera: str = "Canon") -> bytes:
    """A photo of a scene, aimed at another part of it each time."""
    aimed = cropped(photo(name), 0.85, right, right)
    return with_exif(aimed, f"2024:05:01 {when}", fraction, camera)


@pytest.mark.parametrize("name", CLEAR)
def test_a_second_shot_matches_by_its_time(name: str) -> None:
    first = look_of(shot(name, 0.3, "10:00:00"))
    near = look_of(shot(name, 0.7, "10:00:01", "50"))
    assert views_matched([first, near]) == {(0, 1): {"burst"}}
    assert views_matched([near, first]) == {(0, 1): {"burst"}}
    assert views_matched([first, near], "copies") == {}
    for late in (
        shot(name, 0.7, "10:00:30"),
        shot(name, 0.7, "10:00:01", camera="Nikon"),
        encoded(cropped(photo(name), 0.85, 0.7, 0.7), "JPEG"),
    ):
        assert views_matched([first, look_of(late)]) == {}


def test_another_scene_seconds_later_is_no_burst() -> None:
    looks = [look_of(shot(n, 0.5, f"10:00:0{second}")) for second, n in enumerate(SINGLES)]
    assert views_matched(looks) == {}


def test_find_says_that_a_group_is_a_burst(bare_library: Library) -> None:
    for number, right in enumerate((0.3, 0.7)):
        data = shot(COFFEE, right, f"10:00:0{number}")
        (bare_library.photos / f"{number}.jpg").write_bytes(data)
    ran = bare_library.find("--verbose")
    (line,) = [line for line in ran.out.splitlines() if line.startswith("Group 1:")]
    assert line.startswith("Group 1: 2 pictures; weakest link burst, ")
    assert line.endswith("; a burst")
    assert line in bare_library.log()
    facts = bare_library.find("--json").facts
    assert facts["matched"] == {"burst": 1}
    assert facts["weakest_links"][0]["burst"] is True
    assert bare_library.find("--preset", "copies", "--json").facts["groups"] == []


# ---- Groups


def test_identical_files_stand_with_the_pictures_that_match_them() -> None:
    cat, toned_cat, coffee = edited(CAT, ""), edited(CAT, "toned"), edited(COFFEE, "")
    digests = ["coffee", "blank", "cat", "blank", "toned", "cat", "coffee", "lone"]
    looks = [coffee, None, cat, None, toned_cat, cat, coffee, None]
    groups, matched = matching.group(digests, looks, PRESETS["similar"])
    assert [cluster.members for cluster in groups] == [[0, 6], [1, 3], [2, 4, 5]]
    assert [len(cluster.links) for cluster in groups] == [0, 0, 1]
    (link,) = groups[2].links
    assert ({link.left, link.right}, link.view) == ({2, 4}, "whole")
    assert dict(matched) == {"whole": 1}


def test_groups_come_in_the_order_of_the_input() -> None:
    names = [PORTRAIT, CAT, COFFEE, CAT, PORTRAIT, COFFEE]
    looks = [edited(name, "toned" if n > 2 else "") for n, name in enumerate(names)]
    groups, _ = matching.group(list(map(str, range(6))), looks, PRESETS["similar"])
    assert [cluster.members for cluster in groups] == [[0, 4], [1, 3], [2, 5]]


def test_a_pair_counts_once_however_many_ways_it_matches() -> None:
    looks = [edited(COFFEE, "polaroid"), edited(COFFEE, "black border"), edited(COFFEE, "toned")]
    for preset in PRESETS:
        _, matched = matching.group(["a", "b", "c"], looks, PRESETS[preset])
        assert sum(matched.values()) == len(views_matched(looks, preset))


def strong(left: int, right: int, correlation: float = 0.9, distance: int = 10) -> Match:
    return Match(left, right, distance, correlation, "whole")


def members(size: int, matches: list[Match]) -> list[list[int]]:
    return [cluster.members for cluster in supported_clusters(size, matches)]


TWO_GROUPS = [strong(a, b) for group in ((0, 1, 2), (3, 4, 5)) for a, b in combinations(group, 2)]


def test_one_match_does_not_join_two_groups_of_three() -> None:
    assert members(6, [*TWO_GROUPS, strong(2, 3, 0.6)]) == [[0, 1, 2], [3, 4, 5]]
    in_one = [strong(0, 4, 0.6), strong(1, 4, 0.6), strong(2, 4, 0.6)]
    assert len(members(7, [*TWO_GROUPS, strong(5, 6), *in_one])) == 1  # all of the smaller
    assert len(members(7, [*TWO_GROUPS, strong(2, 6), *in_one])) == 2  # one of the smaller


def test_two_matches_join_two_groups_of_three() -> None:
    assert members(6, [*TWO_GROUPS, strong(2, 3, 0.6), strong(1, 4, 0.5)]) == [list(range(6))]


def test_a_picture_or_a_pair_is_joined_by_one_match() -> None:
    assert members(4, [*TWO_GROUPS[:3], strong(0, 3, 0.5)]) == [[0, 1, 2, 3]]
    joined = [*TWO_GROUPS[:3], strong(3, 4), strong(0, 3, 0.5)]
    assert members(5, joined) == [[0, 1, 2, 3, 4]]


def test_large_groups_need_a_share_of_their_members() -> None:
    groups = (range(20), range(20, 60))
    inner = [strong(group[0], other) for group in groups for other in group[1:]]
    between = [strong(n, 20 + n, 0.5) for n in range(20)]
    assert len(members(60, [*inner, *between[:2]])) == 2
    assert len(members(60, [*inner, *between[:3]])) == 1


def test_a_certain_match_joins_any_groups() -> None:
    matches = [*TWO_GROUPS, strong(2, 3, 0.85)]
    joined = supported_clusters(6, matches, lambda match: match.correlation > 0.8)
    assert [cluster.members for cluster in joined] == [list(range(6))]
    apart = supported_clusters(6, matches, lambda match: match.correlation > 0.88)
    assert [cluster.members for cluster in apart] == [[0, 1, 2], [3, 4, 5]]


def test_the_strongest_matches_count_first() -> None:
    """A stranger between two groups goes with the one that it looks like most."""
    matches = [*TWO_GROUPS, strong(6, 0, 0.7), strong(6, 3, 0.8)]
    assert members(7, matches) == [[0, 1, 2], [3, 4, 5, 6]]
    matches = [*TWO_GROUPS, strong(6, 0, 0.7, distance=5), strong(6, 3, 0.7, distance=6)]
    assert members(7, matches) == [[0, 1, 2, 6], [3, 4, 5]]


def test_the_weakest_link_of_a_group_comes_last() -> None:
    matches = [strong(2, 3, 0.6), strong(0, 1, 0.8), strong(1, 2, 0.7), strong(0, 2, 0.5)]
    (cluster,) = supported_clusters(4, matches)
    assert cluster == Cluster([0, 1, 2, 3], [matches[1], matches[2], matches[0]])


ANY_MATCHES = st.lists(
    st.tuples(st.integers(0, 15), st.integers(0, 15), st.sampled_from([0.5, 0.7, 0.9])),
    max_size=60,
    unique_by=lambda match: match[:2],
)


@given(ANY_MATCHES, st.randoms())
def test_the_order_of_matches_does_not_matter(
    found: list[tuple[int, int, float]], rng: random.Random
) -> None:
    matches = [strong(a, b, likeness) for a, b, likeness in found if a < b]
    clusters = supported_clusters(16, matches)
    shuffled = matches.copy()
    rng.shuffle(shuffled)
    assert supported_clusters(16, shuffled) == clusters
    placed = [member for cluster in clusters for member in cluster.members]
    assert len(placed) == len(set(placed))
    for cluster in clusters:
        assert cluster.members == sorted(cluster.members)
        assert len(cluster.links) == len(cluster.members) - 1
        assert {n for m in cluster.links for n in (m.left, m.right)} == set(cluster.members)


# ---- Crowds


ALIKE = 20  # gray levels of noise, of which no two pictures are surely the same


def crowd(size: int, noise: float) -> list[Look]:
    """Nearly the same picture many times, with other noise each time."""
    return noisy(np.repeat(samples()[:1], size, axis=0), noise)


def drift(size: int) -> list[Look]:
    """A scene that slowly becomes another one."""
    share = np.linspace(0, 1, size)[:, None, None]
    one, other = samples()[:2]
    return noisy(one * (1 - share) + other * share, ALIKE)


def noisy(pictures: np.ndarray, noise: float) -> list[Look]:
    gray = pictures + np.random.default_rng(8).normal(0, noise, pictures.shape)
    gray = gray.clip(0, 255).round().astype(np.uint8)
    look = edited(CAT, "")
    return [
        replace(look, views=(View(bits, row.tobytes(), framed=False),))
        for bits, row in zip(bandpass.hashes_of(gray, 16), gray, strict=True)
    ]


def test_a_crowd_of_look_alikes_costs_little() -> None:
    looks = crowd(3000, 1.0)
    assert len({look.views[0].gray for look in looks}) == 3000
    start = time.process_time()
    tracemalloc.start()
    try:
        groups, matched = matching.group(list(map(str, range(3000))), looks, PRESETS["similar"])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert time.process_time() - start < 30
    assert peak < 250e6
    assert matched.total() < 30_000  # of four and a half million pairs
    assert [cluster.members for cluster in groups] == [list(range(3000))]


def looks_taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pairs are looked at, a batch each."""
    batches: list[int] = []

    def counted(table: Table, pairs: Pairs, rules: Rules, each: Each = map) -> Iterator[Verdict]:
        batches.append(len(pairs.left))
        return judge(table, pairs, rules, each)

    judge = candidates.judge
    monkeypatch.setattr(candidates, "judge", counted)
    return batches


def test_a_crowd_that_is_not_surely_the_same_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, taken = crowd(200, ALIKE), looks_taken(monkeypatch)
    matches = list(find_matches(looks, PRESETS["similar"]))
    assert not any(map(crowds.is_certain, matches))
    each = Counter(n for match in matches for n in (match.left, match.right))
    assert min(each.values()) >= ENOUGH
    assert len(matches) <= 200 * (ENOUGH + 8)  # of 19,900 pairs
    assert sum(taken) <= 200 * (ENOUGH + 8)
    groups = supported_clusters(200, matches, crowds.is_certain)
    assert [group.members for group in groups] == [list(range(200))]


def test_parts_of_a_crowd_need_no_look() -> None:
    look = edited(SINGLES[0], "")
    few, many = (
        [replace(one, large=look.large) for one in crowd(size, ALIKE)] for size in (5, 2 * ENOUGH)
    )
    assert "crop" in {match.view for match in find_matches(few, PRESETS["crops"])}
    assert {match.view for match in find_matches(many, PRESETS["crops"])} == {"whole"}


def test_the_matches_of_a_crowd_are_the_same_each_time() -> None:
    first, second = (list(find_matches(crowd(60, ALIKE), PRESETS["similar"])) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("preset", ["similar", "crops"])
def test_threads_find_what_one_finds(preset: str) -> None:
    looks = [*crowd(30, ALIKE), *drift(20)]
    looks = [replace(look, large=bytes(128**2)) for look in looks]
    alone = list(find_matches(looks, PRESETS[preset]))
    assert len(alone) > 100
    assert list(find_matches(looks, PRESETS[preset], in_threads(4))) == alone


def test_all_matches_are_found_where_pictures_have_few(monkeypatch: pytest.MonkeyPatch) -> None:
    few = crowd(ENOUGH, ALIKE)
    found = list(find_matches(few, PRESETS["similar"]))
    assert {(m.left, m.right) for m in found} == set(combinations(range(ENOUGH), 2))
    edits = [edited(name, edit) for name in (COFFEE, PORTRAIT) for edit in ("", *EDITS)]
    found += find_matches(edits, PRESETS["crops"])
    monkeypatch.setattr(crowds, "ENOUGH", 10**9)
    everything = list(find_matches(few, PRESETS["similar"]))
    assert found == [*everything, *find_matches(edits, PRESETS["crops"])]


@pytest.mark.parametrize("make", [partial(crowd, noise=ALIKE), partial(crowd, noise=28), drift])
def test_a_crowd_is_grouped_as_all_its_matches_group_it(
    make: Callable[[int], list[Look]], monkeypatch: pytest.MonkeyPatch
) -> None:
    digests, looks = list(map(str, range(80))), make(80)
    groups, few = matching.group(digests, looks, PRESETS["similar"])
    monkeypatch.setattr(crowds, "ENOUGH", 100)
    expected, every = matching.group(digests, looks, PRESETS["similar"])
    assert few.total() < every.total()
    assert [group.members for group in groups] == [group.members for group in expected]


def test_pairs_of_two_crowds_are_looked_at_until_the_crowds_are_one() -> None:
    """As long as one thread holds them, further matches may tell that they belong together."""
    half = ENOUGH + 1
    known, one, other = crowds.Known(2 * half), np.arange(half), np.arange(half, 2 * half)

    def in_a_crowd(bits: int = 10) -> tuple[bool, bool]:
        pairs = ((one[:-1], one[1:]), (one, other))
        inside, between = (
            known.are_in_a_crowd(*pair, np.full(len(pair[0]), bits)) for pair in pairs
        )
        assert inside.all() == inside.any()
        assert between.all() == between.any()
        return bool(inside.all()), bool(between.all())

    assert in_a_crowd() == (False, False)
    for members in (one, other):
        for a, b in combinations(members.tolist(), 2):
            known.add(strong(a, b, 0.8))
    known.add(strong(0, half, 0.7))
    assert in_a_crowd() == (True, False)
    for n in one.tolist():  # what is new is grouped once it is an eighth
        for m in range(half, half + 6):
            known.add(strong(n, m, 0.7))
    assert in_a_crowd() == (True, True)
    assert in_a_crowd(bits=9) == (False, False), "these are closer than any that matched"


def test_forty_copies_of_a_picture_are_one_group() -> None:
    """More pairs than are looked at together, of which the certain ones need not all be found."""
    for noise in (0.5, 2, 5):
        groups, _ = matching.group(list(map(str, range(40))), crowd(40, noise), PRESETS["similar"])
        assert [cluster.members for cluster in groups] == [list(range(40))]


# ---- What find says


def test_the_summary_says_which_views_matched(bare_library: Library) -> None:
    for name, image in (
        ("a.jpg", photo(COFFEE)),
        ("b.jpg", ImageOps.mirror(photo(COFFEE))),
        ("c.jpg", FRAMES["polaroid"](photo(COFFEE))[0]),
        ("d.jpg", photo(PORTRAIT)),
    ):
        (bare_library.photos / name).write_bytes(encoded(image, "JPEG", quality=90))
    ran = bare_library.find()
    assert "Matched pairs, by what was compared: 1 inside a frame, 1 mirrored." in ran.out
    facts = bare_library.find("--json").facts
    assert facts["matched"] == {"inside a frame": 1, "mirrored": 1}
    assert [len(group) for group in facts["groups"]] == [3]


def test_the_weakest_link_of_each_group_is_told(library: Library) -> None:
    facts = library.find("--json").facts
    assert len(facts["weakest_links"]) == len(facts["groups"]) == 2
    for group, link in zip(facts["groups"], facts["weakest_links"], strict=True):
        assert {link["left"], link["right"]} <= set(group)
        assert link["view"] == "whole"
        assert 0 <= link["distance"] <= 40
        assert 0.9 < link["correlation"] <= 1
        assert link["burst"] is False


def test_identical_files_have_no_weakest_link(bare_library: Library) -> None:
    for name in ("a.jpg", "b.jpg"):
        bare_library.add(name)
    facts = bare_library.find("--json").facts
    assert (len(facts["groups"]), facts["weakest_links"], facts["matched"]) == (1, [None], {})


def test_the_summary_says_where_only_colour_differs(library: Library) -> None:
    said = "Colour is not compared: in 1 group pictures differ only in it."
    assert said in library.find().out
    facts = library.find("--json").facts
    assert [[Path(path).name for path in group] for group in facts["colour_only"]] == [
        ["z_coffee.jpg", "z_coffee_bw.jpg"]
    ]
    (library.photos / "z_coffee_bw.jpg").write_bytes(picture(COFFEE, 60))
    ran = library.find()
    assert "Colour" not in ran.out
    assert "2 groups" in ran.out


def test_pictures_differ_in_colour_if_they_are_the_same_otherwise() -> None:
    one, gray = edited(COFFEE, ""), edited(COFFEE, "gray")
    assert differ_in_colour(one, gray, strong(0, 1, 0.99, 2))
    assert not differ_in_colour(one, gray, strong(0, 1, 0.7, 2))
    assert not differ_in_colour(one, gray, strong(0, 1, 0.99, 60))
    assert not differ_in_colour(one, edited(COFFEE, "recompressed"), strong(0, 1, 0.99, 2))


def test_a_frame_or_a_turn_is_no_other_colour(bare_library: Library) -> None:
    for name, sample, edit in (("a", CAT, "polaroid"), ("b", COFFEE, "mirrored")):
        for edited_name, image in (("", photo(sample)), (edit, EDITS[edit](photo(sample)))):
            path = bare_library.photos / f"{name}{edited_name}.jpg"
            path.write_bytes(encoded(image, "JPEG", quality=90))
    facts = bare_library.find("--dry-run", "--json").facts
    assert [link["view"] for link in facts["weakest_links"]] == ["inside a frame", "mirrored"]
    assert facts["colour_only"] == []


# ---- Presets and thresholds


@pytest.fixture
def mirrored(bare_library: Library) -> Library:
    """A photo, its copy, and the two mirrored: a threshold doesn't find that they are one."""
    for name, image in (("a", photo(CAT)), ("b", ImageOps.mirror(photo(CAT)))):
        for quality in (90, 60):
            path = bare_library.photos / f"{name}{quality}.jpg"
            path.write_bytes(encoded(image, "JPEG", quality=quality))
    return bare_library


def found_groups(library: Library, *flags: str) -> list[list[str]]:
    facts = library.find(*flags, "--dry-run", "--json").facts
    return [[Path(path).stem for path in group] for group in facts["groups"]]


ONE, TWO = [["a60", "a90", "b60", "b90"]], [["a60", "a90"], ["b60", "b90"]]


def test_a_threshold_is_the_classic_mode(mirrored: Library) -> None:
    assert found_groups(mirrored) == ONE
    assert found_groups(mirrored, "--threshold", "40") == TWO
    assert found_groups(mirrored, "--threshold", "0", "--hash-size", "8") == TWO
    assert found_groups(mirrored, "--threshold", "40", "--hash-size", "32") == TWO
    assert "Matched pairs" not in mirrored.find("--threshold", "40").out


def test_a_threshold_joins_whatever_is_within_it(library: Library) -> None:
    assert len(found_groups(library, "--threshold", "200")) == 1


def test_a_threshold_in_config_py_is_the_classic_mode_and_a_preset_overrides_it(
    mirrored: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "THRESHOLD", 40)
    assert found_groups(mirrored) == TWO
    assert found_groups(mirrored, "--preset", "copies") == ONE
    monkeypatch.setattr(config, "THRESHOLD", None)
    monkeypatch.setattr(config, "PRESET", "crops")
    assert found_groups(mirrored, "--threshold", "40") == TWO
    assert found_groups(mirrored) == ONE


def test_a_preset_and_a_threshold_are_a_mistake(mirrored: Library) -> None:
    ran = mirrored.run("find", "--preset", "similar", "--threshold", "40")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "error: --preset and --threshold exclude each other; give one of them.\n"
    assert not mirrored.output.exists()
