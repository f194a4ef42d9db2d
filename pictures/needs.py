"""What a find takes of memory and of a disk, so that it is known before it begins."""

from dataclasses import dataclass

from pictures.exhaustive import COMPILED_WORDS, compiling_pays
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
LOOPS = Needs(150_000_000, 0)  # compiled for the search of very many (pictures/exhaustive.py)


def needs_of(recipe: Recipe, photos: int, *, are_pages: bool = False) -> Needs:
    """About what so many photos take by a recipe, from the walk to the groups.

    If all of them `are_pages`, they take at most so much.
    """
    start = START + LOOPS if compiles_loops(recipe, photos) else START
    if recipe.only_hash:
        return start + HASH.times(photos)
    vector = recipe.vector_bytes or 0
    each = LOOK + Needs(2 * vector, vector)
    if recipe.parts:
        each += PARTS
    if recipe.points:
        each += POINTS
    if are_pages:
        each += PAGE
    return start + each.times(photos)


def compiles_loops(recipe: Recipe, photos: int) -> bool:
    """Whether the hashes of so many photos may be compared in compiled loops.

    A preset compares signs besides, which have as many words as the loops, whatever a hash has.
    Those of a low threshold are found by bands, but how many these leave is known no sooner.
    """
    words = -(-recipe.hash_bytes // 8) if recipe.only_hash else COMPILED_WORDS
    return compiling_pays(photos**2, words)
