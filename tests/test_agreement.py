"""Pictures of which only a part is the same are not taken for copies, whatever points prove."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import made_pictures
import numpy as np
import pytest
from conftest import Library
from made_pictures import CAT, COFFEE, LAUNCH, STARS, photo
from PIL import Image, ImageDraw

from extras.points import agreement as agreement_module
from extras.points import matching, why
from extras.points import proof as proof_module
from extras.points.agreement import Agreement, Seen, agreement, seen_in
from extras.points.making import points_in
from extras.points.proof import prove
from pictures import fingerprint
from pictures.looks import Look, content
from pictures.recipe import Recipe

SIZE = (800, 600)


def seen(image: Image.Image) -> Seen:
    look = fingerprint.look_at(made_pictures.encoded(image, "PNG"), Recipe(points=True))
    assert look
    assert look.points
    return seen_in(look, points_in(content(look.points)))


def agreed(one: Image.Image, other: Image.Image) -> Agreement:
    """How two pictures agree which points prove to have something in common."""
    left, right = seen(one), seen(other)
    proof = prove(left.points, right.points)
    assert proof
    return agreement(left, right, proof)


def before(subject: str, background: str, size: tuple[int, int] = (300, 400)) -> Image.Image:
    """A large subject, cut out of a photo, before another one."""
    scene = photo(background).resize(SIZE)
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).rounded_rectangle((10, 10, size[0] - 10, size[1] - 10), 120, fill=255)
    scene.paste(photo(subject).resize(mask.size), (200, 30), mask)
    return scene


def letter(seed: int) -> Image.Image:
    """A page of which the upper half is always the same."""
    image, below = made_pictures.text_page(7), made_pictures.text_page(seed)
    half = (0, image.height // 2, image.width, image.height)
    image.paste(below.crop(half), half)
    return image


EDITS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "cropped": lambda image: made_pictures.cropped(image, 0.6, 0.3, 0.6),
    "tilted": lambda image: image.rotate(25, Image.Resampling.BICUBIC),
    "captioned": made_pictures.captioned,
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", [CAT, COFFEE])
def test_copies_agree(name: str, edit: str) -> None:
    image = photo(name).resize(SIZE)
    assert agreed(image, EDITS[edit](image)).reason == ""


def test_other_subjects_before_one_background_differ() -> None:
    found = agreed(before(CAT, COFFEE), before(STARS, COFFEE))
    assert found.reason == "between the points that lie on each other they differ"
    assert found.blocks < 0.9
    assert found.near < 0.5


def test_one_subject_before_other_backgrounds_differs() -> None:
    size = (420, 560)
    assert agreed(before(CAT, COFFEE, size), before(CAT, LAUNCH, size)).reason


def test_letters_of_one_head_differ() -> None:
    one, other = letter(1), letter(2)
    assert agreed(one, other).reason
    assert agreed(one, one.resize((one.width * 3 // 4, one.height * 3 // 4))).reason == ""


def test_letters_of_one_head_need_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of a folder of documents is alike; what lies between the points says so at once."""
    monkeypatch.setattr(proof_module, "reason_against", None)
    assert matching.compared((seen(letter(1)), seen(letter(2)))) is None


def test_documents_that_differ_at_few_pixels_are_not_compared_at_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = seen(letter(1)), seen(letter(2))
    blank = replace(both[1], gray=np.full_like(both[1].gray, 128))
    monkeypatch.setattr(agreement_module, "_blocks", None)
    affine = np.eye(2, 3)
    assert not agreement_module.may_show_one_document(both[0], blank, affine, mirrored=False)


def test_where_nothing_is_to_be_seen_nothing_agrees() -> None:
    image = photo(CAT).resize(SIZE)
    one, other = seen(image), seen(image.rotate(2))
    proof = prove(one.points, other.points)
    assert proof
    blank = replace(other, gray=np.full_like(other.gray, 128))
    assert agreement(replace(one, gray=blank.gray), blank, proof).blocks == 0


def test_other_subjects_before_one_background_get_no_group(bare_library: Library) -> None:
    for subject in (CAT, STARS):
        before(subject, COFFEE).save(bare_library.photos / f"{Path(subject).stem}.png")
    assert bare_library.find("--preset", "most", "--json").facts["groups"] == []


def test_a_network_is_not_borne_out_by_a_few_of_many_points(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As of two X-rays, whose letters and edges have partners, and little else."""
    both = seen(photo(CAT)), seen(EDITS["cropped"](photo(CAT)))
    proof = prove(both[0].points, both[1].points)
    assert proof is not None
    for share, borne_out in ((0.27, False), (0.45, True)):
        side = replace(proof.lying.sides[0], share=share)
        few = replace(proof, lying=replace(proof.lying, sides=(side, side)), reason="too few")
        monkeypatch.setattr(matching, "prove", lambda *_, few=few, **__: few)
        found = matching.compared(both)
        assert (found is not None) == borne_out


def test_a_caption_on_a_picture_leaves_what_bears_out_a_network() -> None:
    launch = photo(LAUNCH)
    shown = matching.compared((seen(launch), seen(made_pictures.captioned(launch))))
    assert shown
    assert not shown.holds


# ---- What explain says of it


def look(image: Image.Image) -> Look:
    found = fingerprint.look_at(made_pictures.encoded(image, "PNG"), Recipe(points=True))
    assert found
    return found


def wavy(image: Image.Image) -> Image.Image:
    """A picture of which all parts lie a little beside, each another way."""
    pixels = np.asarray(image)
    rows, columns = np.indices(pixels.shape[:2])
    down = (rows + 9 * np.sin(columns / 45)).clip(0, pixels.shape[0] - 1).astype(int)
    across = (columns + 9 * np.sin(rows / 36)).clip(0, pixels.shape[1] - 1).astype(int)
    return Image.fromarray(pixels[down, across])


def chart(colour: str) -> Image.Image:
    """A page with a bar across in a colour."""
    page = made_pictures.text_page(1).convert("RGB")
    ImageDraw.Draw(page).rectangle((0, 0, page.width, page.height // 3), fill=colour)
    return page


def test_pictures_that_differ_in_most_parts_are_said_to_whatever_points_prove(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = photo(LAUNCH).resize(SIZE)
    other = wavy(one)
    assert why.not_borne_out(look(one), look(other)) == agreement_module.OTHER_PARTS
    monkeypatch.setattr(proof_module, "reason_against", lambda _: "")
    said = why.compared(look(one), look(other))
    assert (said.matches, said.alike, said.reason) == (False, True, agreement_module.OTHER_PARTS)
    assert matching.compared((seen(one), seen(other))) is None


def test_drawings_in_other_colours_are_said_to_be_whatever_points_prove() -> None:
    one, other = chart("#ff9090"), chart("#90b8ff")
    said = why.compared(look(one), look(other))
    assert (said.matches, said.alike, said.reason) == (False, True, agreement_module.OTHER_COLOURS)
    assert why.compared(look(one), look(one.resize((465, 658)))).matches
    assert matching.compared((seen(one), seen(other))) is None


def test_letters_of_one_head_are_said_to_differ_between_their_points() -> None:
    assert why.compared(look(letter(1)), look(letter(2))).reason


def test_it_is_said_why_points_do_not_bear_out_a_network() -> None:
    one, other = (look(before(CAT, name)) for name in (COFFEE, LAUNCH))
    assert "of the points" in why.not_borne_out(one, other)
    assert why.not_borne_out(look(letter(1)), look(letter(2)))
