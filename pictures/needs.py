"""What a find takes of memory and of a disk, so that it is known before it begins."""

from dataclasses import dataclass

from pictures.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Needs:
    """Bytes of memory, and of the disk on which is kept what was read of photos."""

    memory: int
    disk: int

    def __add__(self, other: "Needs") -> "Needs":
        return Needs(self.memory + other.memory, self.disk + other.disk)

    def times(self, count: int) -> "Needs":
        return Needs(self.memory * count, self.disk * count)


# Measured by tests/benchmarks/needs.py. START is of the main process, without its workers;
# the others are of a photo.
START = Needs(100_000_000, 0)
HASH = Needs(1_600, 400)
LOOK = Needs(1_700, 6_000)
PARTS = Needs(2_500, 16_500)
POINTS = Needs(18_000, 14_600)
PAGE = Needs(0, 64_000)  # at most, as 256 x 256 pixels aren't packed into more
# Compiled loops for the search of very many (pictures/exhaustive.py), where they can be had.
LOOPS, LOOPS_FROM = Needs(150_000_000, 0), 1 << 14


def needs_of(recipe: Recipe, photos: int, *, are_pages: bool = False) -> Needs:
    """About what so many photos take by a recipe, from the walk to the groups.

    If all of them `are_pages`, they take at most so much.
    """
    if recipe.only_hash:
        return START + HASH.times(photos)
    vector = recipe.vector_bytes or 0
    each = LOOK + Needs(2 * vector, vector)
    if recipe.parts:
        each += PARTS
    if recipe.points:
        each += POINTS
    if are_pages:
        each += PAGE
    loops = LOOPS if photos >= LOOPS_FROM else Needs(0, 0)
    return START + loops + each.times(photos)
