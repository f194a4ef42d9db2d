"""Bursts on the review page: their order, their sharpness, the best kept by a key, many pages."""

from pathlib import Path
from typing import Any

import pytest
import test_review_page
from conftest import Library, make_once
from made_pictures import CAT, encoded, photo, with_exif
from PIL import Image, ImageFilter
from test_review_page import (
    Open,
    complaints_of,
    frames,
    gone,
    open_group,
    press,
    said,
    shown,
    until,
)

pytestmark = test_review_page.pytestmark
open_page = test_review_page.open_page

BLUR = {3: 0.0, 1: 0.8, 2: 1.6, 0: 3.0}  # by the second of the shot


def shoot(library: Library, count: int) -> None:
    """Shots of one scene, a fifth of a second apart; their names go the other way."""
    whole = photo(CAT).resize((300, 200))
    for number in range(count):
        moved = whole.crop((number % 3, number % 2, 296 + number % 3, 196 + number % 2))
        moved = moved.filter(ImageFilter.GaussianBlur(BLUR.get(number, 2 + number / 20)))
        data = with_exif(
            moved, f"2024:05:01 10:00:{number // 5:02}", f"{number % 5 * 20:02}", "Canon"
        )
        (library.photos / f"{99 - number}.jpg").write_bytes(data)
    library.find()


@pytest.fixture
def burst(bare_library: Library, shelf: Path) -> Library:
    make_once(bare_library, shelf / "burst", lambda: shoot(bare_library, 5))
    return bare_library


def ranks(page: Any) -> list[str]:
    return page.locator("#strip .one:visible .rank").all_inner_texts()


def test_shots_stand_in_order_of_time_and_say_how_sharp_they_are(
    burst: Library, open_page: Open
) -> None:
    page = open_page(burst)
    open_group(page)
    names = page.locator("td.path").all_inner_texts()
    assert [Path(name).name for name in names] == [f"{99 - n}.jpg" for n in range(5)]
    assert [rank.split()[0] for rank in ranks(page)] == ["5th", "2nd", "3rd", "sharpest", "4th"]
    assert [rank[-6:] for rank in ranks(page)][1:3] == ["+0.2 s", "+0.4 s"]
    assert "5 shots in 0.8 s" in page.inner_text("#burst")
    assert "Faces aren't judged" in page.inner_text("#burst")


def test_one_key_keeps_the_sharpest_shots_and_undo_brings_the_others_back(
    burst: Library, open_page: Open
) -> None:
    page = open_page(burst)
    open_group(page)
    press(page, "Shift+Digit2")
    said(page, "Kept as sharpest: B and D.")
    assert gone(burst) == ["95.jpg", "97.jpg", "99.jpg"]
    press(page, "u")
    said(page, "Undone: 3 copies.")
    page.click("[data-best='1']")
    said(page, "Kept as sharpest: D.")
    assert gone(burst) == ["95.jpg", "97.jpg", "98.jpg", "99.jpg"]
    press(page, "Shift+Digit3")  # which brings two of them back
    said(page, "Kept as sharpest: B, C and D.")
    assert gone(burst) == ["95.jpg", "99.jpg"]
    press(page, "1")  # and a digit still picks
    until(page, "document.querySelectorAll('.one')[0].matches('.chosen')")


def test_digits_and_letters_go_by_their_place_on_keyboards_that_write_others(
    burst: Library, open_page: Open
) -> None:
    """On a French keyboard digits need Shift, and a Russian one has no Latin letters."""
    page = open_page(burst)
    open_group(page)

    def type_key(key: str, code: str, **held: bool) -> None:
        event = {"key": key, "code": code, "bubbles": True, "cancelable": True, **held}
        page.evaluate("e => document.body.dispatchEvent(new KeyboardEvent('keydown', e))", event)

    type_key("\u00e9", "Digit2")
    until(page, "document.querySelectorAll('.one')[1].matches('.chosen')")
    assert gone(burst) == []
    type_key("2", "Digit2", shiftKey=True)
    said(page, "Kept as sharpest: B and D.")
    type_key("\u0433", "KeyU")
    said(page, "Undone: 3 copies.")
    type_key("\u0432", "KeyD")
    until(page, "document.querySelector('[data-mode=difference]').ariaPressed === 'true'")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_about_a_burst_of_many_shots(
    bare_library: Library, open_page: Open, scheme: str
) -> None:
    """With its bar, its pages, its table by rows, and what is within reach of a thumb."""
    shoot(bare_library, 10)
    page = open_page(bare_library, color_scheme=scheme, reduced_motion="reduce")
    open_group(page)
    press(page, "2")
    page.wait_for_selector("#burst:visible")
    assert complaints_of(page, scheme) == []
    press(page, "Shift+Digit1")
    said(page, "Kept as sharpest")
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_selector("#reach:visible")
    assert complaints_of(page, scheme) == []


def test_no_shot_is_worse_for_its_time_or_worth_a_word_for_what_joins_it(
    bare_library: Library, open_page: Open
) -> None:
    shoot(bare_library, 6)  # the last one a second after the first
    page = open_page(bare_library)
    open_group(page)
    taken = page.locator("tr", has=page.locator("th", has_text="Taken"))
    assert len(set(taken.locator("td").all_inner_texts())) == 2
    assert taken.locator(".best, .worse").count() == 0
    assert page.locator("#table-room .worse").count()
    assert "through" not in page.inner_text("#verdict") + page.inner_text("#table-room")


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_shots_are_shown_in_turn_or_one_a_key_where_motion_is_not_wanted(
    burst: Library, open_page: Open, motion: str
) -> None:
    page = open_page(burst, reduced_motion=motion)
    open_group(page)
    letters = "[...document.querySelectorAll('.pane .letter')].map(one => one.innerText).join()"
    first = page.evaluate(letters)
    page.evaluate("window.seen = new Set()")
    page.evaluate(
        f"new MutationObserver(() => seen.add({letters})).observe(document.getElementById('stage'),"
        " {childList: true, subtree: true})"
    )
    press(page, "r")
    if motion == "no-preference":
        until(page, "['A', 'B', 'C', 'D', 'E'].every(one => seen.has(one))")
        assert page.locator(".pane").count() == 1
        frames(page)
        assert len(shown(page).getcolors(1 << 24) or []) > 1000
        press(page, "r")
        until(page, "document.querySelectorAll('.pane').length === 4")
        assert page.inner_text("#play") == "▶ Play"
    else:
        chosen = "[...document.querySelectorAll('.one')].findIndex(one => one.matches('.chosen'))"
        assert page.evaluate(chosen) == 1
        press(page, "r")
        assert page.evaluate(chosen) == 2
        assert page.evaluate(letters) == first


def test_sixty_shots_come_in_pages_of_eight_and_the_table_by_rows(
    bare_library: Library, open_page: Open
) -> None:
    shoot(bare_library, 60)
    page = open_page(bare_library)
    open_group(page)
    assert page.locator("#strip .one:visible").count() == 8
    boxes = [one.bounding_box() for one in page.locator("#strip .one:visible").all()]
    assert len({box["y"] for box in boxes}) == 1
    assert boxes[-1]["x"] + boxes[-1]["width"] <= 1280
    assert page.inner_text("#burst-page") == "1 to 8 of 60"
    page.click("#burst-after")
    page.click("#burst-after")
    assert page.inner_text("#burst-page") == "17 to 24 of 60"
    assert page.locator("#strip .one:visible .letter").first.inner_text() == "Q"
    for _ in range(8):
        press(page, "ArrowRight")
    assert page.inner_text("#burst-page") == "25 to 32 of 60"
    until(page, "document.querySelectorAll('tbody tr').length === 60")  # comes with the facts
    row, head = (
        page.locator(one).bounding_box() for one in ("tbody tr.chosen", "#table-room thead")
    )
    room = page.locator("#table-room").bounding_box()
    assert head["y"] + head["height"] <= row["y"] + 1  # in sight, below the titles
    assert row["y"] + row["height"] <= room["y"] + room["height"] + 1
    assert page.locator("tbody tr.chosen th").inner_text() == "Y"
    press(page, "Shift+Digit1")
    said(page, "Kept as sharpest: D.")
    assert len(gone(bare_library)) == 59


# ---- What is ranked among other pictures


@pytest.fixture
def mixed(bare_library: Library, shelf: Path) -> Library:
    """Four shots a second apart, their best soft, and versions of them; all sharper at their size.

    In order of the page: 0.jpg to 3.jpg, of which 1.jpg is the sharpest, and what has no date.
    """
    make_once(bare_library, shelf / "mixed", lambda: shoot_with_versions(bare_library))
    return bare_library


def shoot_with_versions(library: Library) -> None:
    whole = photo(CAT).resize((912, 608), Image.Resampling.BICUBIC)
    for number, blur in enumerate((2.2, 1.8, 2.6, 3.0)):
        left, top = 3 * number, 2 * number
        shot = whole.crop((left, top, left + 900, top + 600)).filter(ImageFilter.GaussianBlur(blur))
        taken = f"2024:05:01 10:00:{number:02}"
        (library.photos / f"{number}.jpg").write_bytes(with_exif(shot, taken))
        if number == 0:
            sent = library.photos / "WhatsApp Images"
            sent.mkdir()
            small = shot.resize((300, 200), Image.Resampling.LANCZOS)
            (sent / "sent.jpg").write_bytes(encoded(small, "JPEG", quality=80))
            sharpened = shot.filter(ImageFilter.UnsharpMask(2, 80, 0))
            (library.photos / "edit.jpg").write_bytes(encoded(sharpened, "JPEG"))
        if number == 1:  # by mail, with its date
            (library.photos / "mailed.jpg").write_bytes(with_exif(shot.resize((450, 300)), taken))
    library.find()


OTHERS = ["edit.jpg", "mailed.jpg", "sent.jpg"]


def names_on(page: Any) -> list[str]:
    return [Path(name).name for name in page.locator("td.path").all_inner_texts()]


def test_a_version_of_a_shot_is_neither_ranked_nor_kept_in_place_of_one(
    mixed: Library, open_page: Open
) -> None:
    page = open_page(mixed)
    open_group(page)
    by_name = dict(zip(names_on(page), ranks(page), strict=True))
    assert sorted(by_name) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg", *OTHERS]
    first_words = [by_name[f"{number}.jpg"].split()[0] for number in range(4)]
    assert first_words == ["2nd", "sharpest", "3rd", "4th"]
    assert all(by_name[name].startswith("not judged") for name in OTHERS)
    bar = page.inner_text("#burst")
    assert "4 shots in 3 s" in bar
    assert "3 other pictures stay: undated, of another size or time, or versions of a shot" in bar
    press(page, "Shift+Digit1")
    said(page, "Kept as sharpest: ")
    assert gone(mixed) == ["0.jpg", "2.jpg", "3.jpg"]
    said(page, "3 others that can't be compared stay")
    press(page, "u")
    said(page, "Undone: 3 copies.")
    press(page, "Shift+Digit2")
    said(page, "Kept as sharpest: ")
    assert gone(mixed) == ["2.jpg", "3.jpg"]


def test_the_table_compares_sharpness_at_one_size_alone(mixed: Library, open_page: Open) -> None:
    page = open_page(mixed)
    open_group(page)
    cells = page.locator("tr", has=page.locator("th", has_text="Sharpness")).locator("td span")
    classes = cells.evaluate_all("a => a.map(one => one.className)")
    marks = dict(zip(names_on(page), classes, strict=True))
    assert marks["1.jpg"] == "best"
    assert marks["3.jpg"] == "worse"
    assert {marks[name] for name in OTHERS} == {""}


def test_all_that_are_kept_are_named_and_keep_all_is_over_while_some_are_removed(
    bare_library: Library, open_page: Open
) -> None:
    shoot(bare_library, 2)
    for name in ("98.jpg", "99.jpg"):
        shot = bare_library.photos / name
        shot.with_name(f"{shot.stem} (1).jpg").write_bytes(shot.read_bytes())
    bare_library.find()
    page = open_page(bare_library)
    open_group(page)
    assert page.is_enabled("#keep-group")
    press(page, "Shift+A")
    said(page, "Accepted: A and C are kept.")
    until(page, "document.getElementById('keep-group').disabled")
    press(page, "u")
    said(page, "Undone: 2 copies.")
    until(page, "!document.getElementById('keep-group').disabled")
