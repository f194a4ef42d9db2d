"""Points of pictures, the proof by them, and the words that propose what to prove."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import made_pictures
import numpy as np
import pytest
from conftest import SAMPLES
from PIL import Image, ImageDraw, ImageOps

pytest.importorskip("cv2")

from hypothesis import given, settings
from hypothesis import strategies as st

from extras.points import proof as proof_module
from extras.points import words
from extras.points.features import Points, packed, points_of, unpacked
from extras.points.proof import prove
from extras.points.rule import area_of, reason_against
from extras.points.words import MOST_OF_A_WORD, Bag, bag_of, near

Pair = tuple[int, int]
Edit = Callable[[Image.Image], Image.Image]
PHOTOS = ("2023/launch.jpg", "2023/portrait.jpg", "2024/cat.jpg", "2024/coffee.jpg")


def opened(name: str) -> Image.Image:
    return Image.open(SAMPLES / name).convert("L")


def seen(image: Image.Image) -> Points:
    return points_of(np.asarray(image.convert("L")))


def cut(image: Image.Image, left: float, upper: float, right: float, lower: float) -> Image.Image:
    width, height = image.size
    box = round(left * width), round(upper * height), round(right * width), round(lower * height)
    return image.crop(box)


def on_a_page(image: Image.Image) -> Image.Image:
    page = Image.new("L", (1000, 700), 240)
    page.paste(ImageOps.contain(image, (450, 450)), (500, 200))
    return page


EDITS: dict[str, Edit] = {
    "tilted": lambda i: i.rotate(30, Image.Resampling.BICUBIC, expand=True),
    "cropped": lambda i: cut(i, 0.3, 0.2, 0.9, 0.8),
    "mirrored": ImageOps.mirror,
    "mirrored and tilted": lambda i: ImageOps.mirror(i).rotate(15, Image.Resampling.BICUBIC),
    "on a page": on_a_page,
    "small": lambda i: ImageOps.contain(i, (180, 180)),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edited_picture_is_proven(edit: Edit) -> None:
    image = opened("2024/coffee.jpg")
    proof = prove(seen(image), seen(edit(image)))
    assert proof is not None
    assert proof.holds, proof.reason


def test_a_proof_does_not_hang_on_which_picture_comes_first() -> None:
    """Of a scaffold, which repeats itself: too few samples gave other maps in either order."""
    image = opened("2023/launch.jpg")
    whole = seen(image)
    for upper in (0.1, 0.2, 0.3):
        part = seen(cut(image, 0.2, upper, 0.9, upper + 0.7))
        there, back = prove(whole, part), prove(part, whole)
        assert there
        assert back
        assert back.inliers == pytest.approx(there.inliers, rel=0.1)
        assert back.affine[:, :2] @ there.affine[:, :2] == pytest.approx(np.eye(2), abs=0.04)


def test_gaps_in_one_picture_are_no_reason_against_a_part_that_was_enlarged() -> None:
    image = opened("2024/coffee.jpg")
    proof = prove(seen(image), seen(cut(image, 0.2, 0.2, 0.8, 0.8)))
    assert proof is not None
    for gaps, holds in (((0.0, 0.6), True), ((0.6, 0.6), False)):
        sides = [replace(side, gaps=g) for side, g in zip(proof.lying.sides, gaps, strict=True)]
        lying = replace(proof.lying, sides=(sides[0], sides[1]))
        assert (reason_against(lying) == "") == holds
        as_large = replace(lying, affine=proof.affine / np.sqrt(area_of(proof.affine)))
        assert reason_against(as_large)


def test_the_proof_tells_where_the_picture_lies() -> None:
    image = opened("2024/coffee.jpg")
    part = cut(image, 0.5, 0, 1, 1)
    proof = prove(seen(image), seen(part))
    assert proof is not None
    assert not proof.mirrored
    assert proof.covered[0][0] > 0.48
    middle = proof.affine @ (300, 134, 1)  # of the part, at the larger scale of its long side
    assert middle == pytest.approx((150, 201), abs=8)


def test_a_mirrored_picture_is_said_to_be_one() -> None:
    image = opened("2023/launch.jpg")
    proof = prove(seen(ImageOps.mirror(image)), seen(image))
    assert proof is not None
    assert proof.mirrored
    assert np.allclose(proof.ones[:, 0] + proof.others[:, 0], 399, atol=8)


def test_no_two_photos_are_proven_to_be_the_same() -> None:
    points = [seen(opened(name)) for name in PHOTOS]
    for n, one in enumerate(points):
        for other in points[:n]:
            proof = prove(one, other)
            assert proof is None or not proof.holds


def test_a_picture_without_corners_has_no_points() -> None:
    for size in ((300, 200), (400, 3), (1, 1)):
        blank = seen(Image.new("L", size, 128))
        assert len(blank.plain) == len(blank.mirrored) == 0
        assert unpacked(packed(blank)).width == blank.width
        assert prove(blank, seen(opened("2024/cat.jpg"))) is None
        assert prove(seen(opened("2024/cat.jpg")), blank) is None


def test_points_are_the_same_after_they_were_bytes() -> None:
    points = seen(opened("2024/cat.jpg"))
    data = packed(points)
    again = unpacked(data)
    assert len(data) < 16_500
    assert packed(again) == data
    assert np.array_equal(again.plain.bits, points.plain.bits)
    assert np.array_equal(again.mirrored.bits, points.mirrored.bits)
    assert np.abs(again.plain.places - points.plain.places).max() < 0.01


def test_the_same_picture_has_the_same_points_and_proof_each_time() -> None:
    image = opened("2024/coffee.jpg")
    assert packed(seen(image)) == packed(seen(image))
    one, other = seen(image), seen(EDITS["tilted"](image))
    first, again = prove(one, other), prove(one, other)
    assert first is not None
    assert again is not None
    assert np.array_equal(first.affine, again.affine)
    assert np.array_equal(first.ones, again.ones)


def test_words_propose_the_edits_of_a_picture_first() -> None:
    images = [opened(name) for name in PHOTOS]
    shown = [*images, EDITS["tilted"](images[3]), ImageOps.mirror(images[2])]
    bags = [bag_of(seen(image)) for image in shown]
    assert {(3, 4), (2, 5)} <= set(near(bags, 1))


def test_words_propose_only_what_lies_apart() -> None:
    bags = [bag_of(seen(opened(name))) for name in PHOTOS]
    sides = np.array([0, 0, 1, 1])
    assert set(near(bags, 20, sides)) <= {(0, 2), (0, 3), (1, 2), (1, 3)}
    assert list(near([None, bags[0], None])) == []


def card(image: Image.Image) -> Image.Image:
    """A picture in the frame of an app."""
    page = Image.new("L", (600, 800), 245)
    draw = ImageDraw.Draw(page)
    for row in range(5):
        for column in range(12):
            draw.rectangle(
                (20 + 48 * column, 610 + 30 * row, 20 + 48 * column + row * 9, 625 + 30 * row), 60
            )
            draw.ellipse((20 + 48 * column, 20, 30 + 48 * column + 2 * column, 50), None, 90, 4)
    page.paste(ImageOps.fit(image, (560, 500)), (20, 90))
    return page


def test_one_frame_around_different_pictures_proves_nothing() -> None:
    one, other = (seen(card(opened(name))) for name in ("2024/cat.jpg", "2024/coffee.jpg"))
    proof = prove(one, other)
    assert proof is not None
    assert proof.inliers > 30
    assert "have a partner" in proof.reason or "none has a partner" in proof.reason


def test_letters_that_come_again_prove_nothing() -> None:
    pages = [made_pictures.text_page(seed) for seed in (1, 2)]
    proof = prove(*map(seen, pages))
    assert proof is None or not proof.holds


def test_many_pictures_of_few_words_are_counted_in_bounded_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As icons are: flat, with the same corners again and again."""
    some = np.arange(40) % 10
    few = Bag(some.astype(np.uint16), some.astype(np.uint64), *[np.ones(40, np.uint8)] * 2)
    monkeypatch.setattr(words, "MOST_VOTES", 1 << 14)
    tracemalloc.start()
    found = list(near([(few, few)] * 60, 3))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) > 100
    assert peak < 20e6


def pages_in_one_type(count: int) -> list[tuple[Bag, Bag]]:
    """Bags with 60 words that all have, in one place of each, and 6 that the next one has, too."""
    bags = []
    for number in range(count):
        own = 100 + 6 * number + np.arange(12)
        some = np.concatenate((np.arange(60), own)).astype(np.uint16)
        lie = np.concatenate((np.arange(60) * number % 256, np.zeros(12))).astype(np.uint8)
        bag = Bag(some, some.astype(np.uint64), lie, np.zeros(len(some), np.uint8))
        bags.append((bag, bag))
    return bags


def counted(bags: list[tuple[Bag, Bag]], patch: pytest.MonkeyPatch) -> tuple[int, list[Pair]]:
    """How many votes are counted for pictures, and which pairs are proposed."""
    votes, count_votes = [], words._votes

    def counting(*given: Any) -> Any:
        found = count_votes(*given)
        votes.append(0 if found is None else len(found))
        return found

    patch.setattr(words, "_votes", counting)
    found = list(near(bags, 2))
    patch.setattr(words, "_votes", count_votes)
    return sum(votes), found


def test_words_that_most_of_many_pictures_have_are_not_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of receipts nearly all votes are of words that all of them have."""
    bags = pages_in_one_type(260)
    few, found = counted(bags, monkeypatch)
    monkeypatch.setattr(words, "MANY_OF_A_WORD", 10**6)
    many, expected = counted(bags, monkeypatch)
    assert few < many / 20
    beside = {(n, n + 1) for n in range(259)}
    assert beside <= set(expected)
    assert beside <= set(found)
    assert few < 20 * len(bags)


def test_of_documents_few_are_proposed() -> None:
    bags = pages_in_one_type(40)
    drawn = np.arange(40) < 30
    assert len(list(near(bags, 10))) > 4 * 40
    found = list(near(bags, 10, None, drawn))
    documents = [pair for pair in found if drawn[list(pair)].all()]
    assert 0 < len(documents) <= words.OF_DOCUMENTS * 30
    assert set(found) - set(documents) == {
        pair for pair in near(bags, 10) if not drawn[list(pair)].all()
    }


@settings(max_examples=20)
@given(data=st.data())
def test_what_is_near_by_words_among_several_blocks_is_near_in_one_of_them(
    data: st.DataObject,
) -> None:
    """With what words tell by the counts of all blocks; of equal ones the first, as among all."""
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    bags = []
    for _ in range(36):
        kinds = rng.integers(0, 40, 30).astype(np.uint16)
        lie = rng.integers(0, 4, (2, 30)).astype(np.uint8)
        plain = Bag(kinds, kinds.astype(np.uint64), *lie)
        bags.append((plain, Bag(kinds[:9], plain.bits[:9], lie[1, :9], lie[0, :9])))
    drawn, sides = rng.random(36) < 0.5, data.draw(st.sampled_from([None, np.arange(36) % 3]))
    block = np.array(data.draw(st.lists(st.integers(0, 2), min_size=36, max_size=36)))
    parts = [np.flatnonzero(block == number) for number in range(3)]
    telling = words.telling_by(
        words.joined(words.counts_of([bags[n] for n in part], drawn[part]) for part in parts)
    )
    found = [words.none()]
    for one, other in [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]:
        some = np.flatnonzero((block == one) | (block == other))
        apart = None if one == other else (block[some] == other).astype(np.intp)
        by_side = None if sides is None else sides[some]
        chosen = [bags[n] for n in some]
        near_here = words.nearest_among(chosen, telling, 3, by_side, drawn[some], apart)
        found.append(words.Scored(near_here.score, some[near_here.left], some[near_here.right]))
    best = words.nearest(words.together(found), 3)
    best = words.few_of(best, drawn[best.left] & drawn[best.right])
    expected = list(near(bags, 3, sides, drawn))
    assert sorted(zip(best.left.tolist(), best.right.tolist(), strict=True)) == expected
    assert len(expected) > 36


@pytest.mark.parametrize("other", ["2023/launch.jpg", "2024/cat.jpg"])
def test_points_are_matched_alike_whether_few_or_all_are_compared(
    monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    pairs = [(seen(opened(other)), seen(EDITS["tilted"](opened(other))))]
    pairs += [(seen(card(opened(other))), seen(card(opened("2024/coffee.jpg"))))]
    for one, two in pairs:
        found = []
        for share in (0.0, 1.0):
            monkeypatch.setattr(proof_module, "MANY_ALIKE", share)
            found.append(np.stack(proof_module._matched(one.plain, two.plain)).tolist())
        assert found[0] == found[1] != [[], []]


def test_a_bag_holds_a_few_points_of_each_word() -> None:
    squares = Image.fromarray(
        np.kron(np.indices((12, 12)).sum(axis=0) % 2, np.ones((30, 30))) * 255
    )
    plain, mirrored = bag_of(seen(squares))
    assert np.bincount(plain.words).max() == MOST_OF_A_WORD
    assert np.bincount(mirrored.words).max() <= MOST_OF_A_WORD


def test_how_many_pictures_are_counted_at_once_proposes_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images = [opened(name) for name in PHOTOS]
    shown = [*images, *(edit(images[2]) for edit in EDITS.values())]
    bags = [bag_of(seen(image)) for image in shown]
    expected = list(near(bags, 2))
    monkeypatch.setattr(words, "MOST_VOTES", 50)
    assert list(near(bags, 2)) == expected
    monkeypatch.setattr(words, "MOST_COMPARED", 2)
    assert list(near(bags, 2)) == expected
