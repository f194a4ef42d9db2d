"""How long hashing goes on is told right, whatever order mixed photos come in."""

import random

import pytest

from actions.time_left import TimeLeft
from disk.files import ImageFile
from pictures.costs import cost
from pictures.recipe import Recipe

SIMILAR, SMALL, MOST = Recipe(), Recipe(by_thumbnail=True), Recipe(points=True)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def files(name: str, megabytes: float, number: int) -> list[ImageFile]:
    return [ImageFile(f"/{n}.{name}", int(megabytes * 1e6), 0) for n in range(number)]


# What each takes on a machine three times slower than the one that was measured, and not quite as
# it was: milliseconds of the file, and of its megabyte.
TAKES = {"jpg": (30, 40), "png": (10, 90), "heic": (0, 1300), "cr2": (30, 3), "webp": (9, 800)}
LIBRARY = [
    *files("jpg", 0.1, 900),  # downloads
    *files("jpg", 4, 600),  # a camera's
    *files("png", 8, 100),
    *files("heic", 2, 60),
    *files("cr2", 25, 300),
    *files("webp", 0.2, 100),
]


def seconds_of(file: ImageFile) -> float:
    each, of_megabyte = TAKES[file.path.rpartition(".")[2]]
    return (each + of_megabyte * file.size / 1e6) / 1000


def said_after(seconds: float, order: list[ImageFile]) -> tuple[float, float]:
    """What is said to be left some seconds after the first is done, and what was left."""
    clock = Clock()
    left = TimeLeft(clock)
    left.expect(cost(file, SIMILAR) for file in order)
    clock.now += 5  # until the workers are there
    for number, file in enumerate(order):
        clock.now += seconds_of(file)
        left.add(cost(file, SIMILAR))
        if left.began is not None and clock.now - left.began >= seconds:
            said = left.seconds()
            assert said is not None
            return said, sum(map(seconds_of, order[number + 1 :]))
    raise AssertionError("it was done before")


@pytest.mark.parametrize("seed", range(5))
def test_it_is_right_within_half_as_much_after_ten_seconds(seed: int) -> None:
    """Folder by folder, in whatever order those come, or all mixed."""
    chance = random.Random(seed)
    kinds = [[f for f in LIBRARY if f.size == size] for size in {f.size for f in LIBRARY}]
    chance.shuffle(kinds)
    mixed = chance.sample(LIBRARY, len(LIBRARY))
    for order in ([file for kind in kinds for file in kind], mixed):
        said, was = said_after(10, order)
        assert was / 1.5 < said < was * 1.5


def test_what_was_known_before_counts_for_nothing() -> None:
    clock = Clock()
    left = TimeLeft(clock)
    for _ in range(1000):
        left.add(5)
    assert (left.seconds(), left.words()) == (None, "")
    left.expect([10.0] * 100)
    for _ in range(21):
        left.add(10)
        clock.now += 1
    assert left.seconds() == pytest.approx(79 * 21 / 20)
    assert left.words() == "about 1 min left"


def test_a_thumbnail_costs_little_and_points_cost_more() -> None:
    heic, jpeg = files("heic", 2, 1)[0], files("jpg", 2, 1)[0]
    assert cost(heic, SIMILAR) > 20 * cost(heic, SMALL)
    assert cost(jpeg, MOST) > cost(jpeg, SIMILAR)
