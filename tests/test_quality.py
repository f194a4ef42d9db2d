"""The quality that a JPEG has, and the one that its picture had before."""

import io

import numpy as np
import pytest
from made_pictures import CAT, COFFEE, LAUNCH, PORTRAIT, encoded, photo, text_page
from PIL import Image

from extras.review import quality


def fresh(sample: str) -> Image.Image:
    """A photo that shows no trace of the JPEG that it was."""
    image = photo(sample)
    return image.resize((image.width * 4 // 5, image.height * 4 // 5), Image.Resampling.LANCZOS)


def saved(image: Image.Image, at: int, form: str = "JPEG") -> Image.Image:
    with Image.open(io.BytesIO(encoded(image, form, quality=at))) as opened:
        opened.load()
        return opened


@pytest.mark.parametrize("at", [30, 60, 85, 93, 100])
def test_a_jpeg_has_the_quality_at_which_it_was_saved(at: int) -> None:
    assert quality.of_jpeg(saved(fresh(CAT), at)) == at
    assert quality.of_jpeg(fresh(CAT)) is None


@pytest.mark.parametrize("sample", [CAT, COFFEE, LAUNCH, PORTRAIT])
@pytest.mark.parametrize(("first", "second"), [(60, 90), (75, 95), (88, 98), (92, 100)])
def test_a_picture_that_was_saved_anew_shows_its_first_quality(
    first: int, second: int, sample: str
) -> None:
    once = saved(fresh(sample), first)
    for again, below in ((saved(once, second), second - 2), (saved(once, 0, "PNG"), 98)):
        assert quality.before(again, below) == pytest.approx(first, abs=1)
    assert quality.before(once, first - 2) is None


@pytest.mark.parametrize("sample", [CAT, COFFEE, LAUNCH, PORTRAIT])
def test_a_picture_that_was_saved_once_shows_no_earlier_quality(sample: str) -> None:
    assert quality.before(fresh(sample), 99) is None
    for at in (75, 90, 95):
        assert quality.before(saved(fresh(sample), at), at - 2) is None


def test_drawings_and_patterns_show_no_earlier_quality() -> None:
    slope = np.tile(np.linspace(0, 255, 400).astype(np.uint8), (400, 1))
    squares = (np.indices((400, 400)) // 8).sum(axis=0) % 2 * 255
    noise = np.random.default_rng(1).integers(0, 256, (400, 400))
    for levels in (slope, squares, noise):
        assert quality.before(Image.fromarray(levels.astype(np.uint8)), 99) is None
    assert quality.before(text_page(1), 99) is None
    for size in ((1, 1), (7, 90), (8, 8)):
        assert quality.before(Image.new("RGB", size), 99) is None
