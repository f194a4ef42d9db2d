"""Where a picture lies before a blurred ground: as it is defined, whatever saves looking at it."""

import itertools
from collections.abc import Iterator

import made_pictures
import numpy as np
from made_pictures import CAT, COFFEE, FRAMES, PORTRAIT, photo
from numpy.typing import NDArray
from PIL import Image

from pictures import frames
from pictures.bandpass import Gray
from pictures.frames import CALM, EDGE, EDGE_SHARE, FIRST_SHARE, Box

SIDE = 256


def gray(image: Image.Image) -> Gray:
    return np.asarray(image.convert("L").resize((SIDE, SIDE)))


def shown() -> Iterator[Gray]:
    """Pictures before their own blur, large and small, inside frames, and with nothing around."""
    for name in (CAT, COFFEE, PORTRAIT):
        yield gray(photo(name))
        yield from (gray(frame(photo(name))[0]) for frame in FRAMES.values())
        for size, share in itertools.product([(540, 960), (1280, 480), (900, 900)], (0.4, 1)):
            yield gray(made_pictures.before_its_blur(photo(name), size, share))


def drawn() -> Iterator[Gray]:
    """Squares of few tones before a slope, at all places, with noise that is hardly calm."""
    for seed in range(30):
        chance = np.random.default_rng(seed)
        slope = np.linspace(chance.integers(0, 40), chance.integers(60, 200), SIDE)
        picture = np.add.outer(slope, slope[:: chance.choice([-1, 1])] / 2)
        first, last = np.sort(chance.integers(0, SIDE + 1, (2, 2)), axis=0)
        if chance.random() < 0.5:
            first[0], last[0] = 0, SIDE
        picture[first[0] : last[0], first[1] : last[1]] += chance.integers(3, 30)
        picture += chance.integers(-2, 3, picture.shape)
        yield picture.clip(0, 255).astype(np.uint8)


def defined_box(picture: Gray) -> Box | None:
    """The same box, by the words of the definition: everything is looked at, in wide numbers."""
    levels = picture.astype(int)
    edges = [defined_edges(levels), defined_edges(levels.T)]
    for first, lines in enumerate((levels, levels.T)):
        if (np.abs(np.diff(lines[[1, -2]])) <= CALM).mean() < frames.CALM_SHARE:
            continue
        spans = [(0, SIDE), (0, SIDE)]
        least = FIRST_SHARE
        for axis in (first, 1 - first, first):
            spans[axis] = defined_span(*edges[axis][:, :, slice(*spans[1 - axis])], least)
            least = EDGE_SHARE
        (upper, lower), (left, right) = spans
        box = left, upper, right, lower
        if spans[first] != (0, SIDE) and frames._is_before_a_ground(picture, box):
            return box
    return None


def defined_edges(levels: NDArray[np.int_]) -> NDArray[np.bool_]:
    begins, ends = edges = np.zeros((2, SIDE, SIDE), np.bool_)
    calm = np.abs(np.diff(levels, axis=1, append=levels[:, -1:])) <= CALM
    for line in range(1, SIDE):
        jump = np.abs(levels[line] - levels[line - 1]) > EDGE
        for found, ground in (
            (begins, range(line - 1, line - 4, -1)),
            (ends, range(line, line + 3)),
        ):
            if min(ground) >= 0 and max(ground) < SIDE:
                steps = np.abs(np.diff(levels[ground], axis=0)) <= CALM
                found[line] = jump & steps.all(axis=0) & calm[ground[0]] & calm[ground[1]]
    return edges


def defined_span(
    begins: NDArray[np.bool_], ends: NDArray[np.bool_], least: float
) -> tuple[int, int]:
    best, found = 0.0, (0, SIDE)
    clear = begins.mean(axis=1), ends.mean(axis=1)
    for first, last in itertools.product(*(np.flatnonzero(shares >= least) for shares in clear)):
        clearness = min(clear[0][first], clear[1][last])
        if last - first >= SIDE * frames.LEAST_CONTENT_SIDE and clearness > best:
            best, found = clearness, (int(first), int(last))
    return found


def test_a_blurred_frame_is_found_as_it_is_defined() -> None:
    pictures = [*shown(), *drawn()]
    found = [frames.blurred_frame_box(picture) for picture in pictures]
    assert found == [defined_box(picture) for picture in pictures]
    assert len(pictures) / 5 < sum(box is not None for box in found) < len(pictures) * 4 / 5


def test_an_edge_is_seen_at_a_pixel_as_it_is_defined() -> None:
    for highest in range(5, 12):  # so that half of all steps are calm, and some are jumps
        picture = np.random.default_rng(highest).integers(0, highest, (SIDE, SIDE), np.uint8)
        for lines in (picture, picture.T):
            begins, ends = frames._edges(frames._steps(lines), frames._steps(lines.T).T)
            expected = defined_edges(lines.astype(int))
            assert np.array_equal(begins, expected[0][frames.FIRST_BEGIN :])
            assert np.array_equal(ends, expected[1][frames.FIRST_END : -2])
            assert expected.any() == (highest > EDGE + 1)
