"""What patterns of paths name: files, folders, and what lies below them."""

import unicodedata

import pytest

from disk.patterns import patterns_of

PATH = "/home/me/Pictures/2019/Screenshots/a.PNG"


@pytest.mark.parametrize(
    "pattern",
    [
        *("a.png", "*.png", "?.PNG", "[ab].png", "screenshots/*", "Screenshots/a.png"),
        *("2019/*/a.png", "2019/*", "/home/*.png", PATH, "*/2019/*"),
    ],
)
def test_a_pattern_names_a_file(pattern: str) -> None:
    assert patterns_of(["other", pattern]).name_file(PATH)
    assert patterns_of([pattern]).cover(PATH)


@pytest.mark.parametrize(
    "pattern", ["", "a", "png", "*.pn", "shots/*", "enshots/a.png", "/a.png", "a.png/", "/2019/*"]
)
def test_a_pattern_does_not_name_a_file(pattern: str) -> None:
    assert not patterns_of([pattern]).name_file(PATH)
    assert not patterns_of([pattern]).cover(PATH)


@pytest.mark.parametrize(
    "pattern", ["2019", "2019/", "pictures/2019", "/home/me", "/home/me/", "/", "*shots"]
)
def test_a_pattern_of_a_folder_covers_what_lies_below_it(pattern: str) -> None:
    some = patterns_of([pattern])
    assert some.cover(PATH)
    assert not some.name_file(PATH)


def test_umlauts_are_the_same_in_both_forms_and_bytes_are_no_trouble() -> None:
    whole, parts = (unicodedata.normalize(form, "Müller/*") for form in ("NFC", "NFD"))
    assert patterns_of([whole]).name_file(f"/{parts[:-1]}a.jpg")
    assert patterns_of([parts]).name_file(f"/{whole[:-1]}a.jpg")
    assert patterns_of(["*.jpg"]).name_file("/a\udcff.jpg")


def test_no_pattern_names_nothing() -> None:
    assert not patterns_of([]).cover(PATH)


@pytest.mark.parametrize(
    "pattern",
    ["**/a.png", "2019/**/a.png", "2019/**/screenshots/*", "**/2019/**/**/*.png", "/home/**/me/**"],
)
def test_two_stars_are_any_folders_or_none(pattern: str) -> None:
    assert patterns_of([pattern]).name_file(PATH)
    assert not patterns_of([pattern]).name_file("/home/you/2018/b.png")


def test_two_stars_alone_name_any_folder() -> None:
    assert patterns_of(["**/"]).cover(PATH)
