"""What a way to compare pictures is: what it wants of a picture, what it groups, and why."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from config import Settings
from pictures.by_name import named, of_extras
from pictures.choices import BY_THRESHOLD, METHODS
from pictures.effort import Watch, unwatched
from pictures.images import Hashed, HashedImage
from pictures.recipe import Recipe
from pictures.searches import Memory

if TYPE_CHECKING:
    from grouping import Cluster
    from pictures.why import Comparison

# By the rules of a preset, or by a number of bits.
Compare = Callable[[HashedImage, HashedImage, Any], tuple["Comparison", ...]]
DirectMatches = Callable[
    [Sequence[HashedImage], Any, Sequence[int] | None], Iterator[tuple[int, int]]
]


class Method(Protocol):
    """A way to compare pictures, made of the settings; UserError if it lacks what it needs.

    `flags` are those that choose it, for people; `has_presets` says whether a preset may decide
    otherwise. With a side for each picture, a number, only pictures of different sides are compared
    (`pictures/sides.py`).
    """

    recipe: Recipe
    flags: str
    has_presets: bool

    def completed(self, results: Iterable[Hashed]) -> Iterator[Hashed]:
        """The results of hashing by the recipe, with what is made of them outside the workers."""

    def group(
        self,
        images: Sequence[HashedImage],
        sides: Sequence[int] | None = None,
        memory: Memory | None = None,
        watch: Watch = unwatched,
    ) -> tuple[list["Cluster"], Mapping[str, int]]:
        """The groups of pictures, by position, and how many pairs matched by which view.

        They are the same whether a memory tells what earlier searches have compared or not. A
        watch shows how far a long search is.
        """

    def pairs(
        self, images: Sequence[HashedImage], sides: Sequence[int] | None = None
    ) -> Iterator[tuple[int, int]]:
        """The pairs of a few pictures, by position, that match directly."""

    def why(self, one: HashedImage, other: HashedImage) -> tuple["Comparison", ...]:
        """Why two pictures match or don't; the way that says most comes first."""


def chosen(settings: Settings) -> Method:
    """The method that the settings choose."""
    row = METHODS[settings.method] if settings.threshold is None else BY_THRESHOLD
    method: Method = of_extras(row, f"--method {settings.method}")(settings)
    return method


def judges() -> tuple[Compare, DirectMatches]:
    """What compares two pictures by a rule, and what pairs several; only explain asks for them."""
    return named("pictures.why:compare"), named("pictures.why:direct_matches")
