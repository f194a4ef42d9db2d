"""What find compares: the pictures of the input folders, hashed, and which of them group."""

import dataclasses
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import finder
from actions.console import MANY, bar, print_line, progress
from actions.recall import Recall
from actions.time_left import TimeLeft
from disk.files import ImageFile
from disk.own_names import MANIFEST
from disk.record import is_result
from disk.result import OutputPaths
from finder import Found, Skipped
from pictures.costs import cost
from pictures.effort import PAIRS
from pictures.exhaustive import COMPILER
from pictures.formats import may_have_thumbnail
from pictures.images import Hashed, HashFiles, Unreadable
from pictures.methods import Method
from pictures.recipe import Recipe
from pictures.searches import Memory
from pictures.store import Store

if TYPE_CHECKING:
    from grouping import Cluster

MANY_PAIRS, MANY_PICTURES = 1_000_000_000, 10_000  # some seconds of a processor's time


def walk_through(
    input_dirs: Sequence[str], exclude: Sequence[str], min_size: int, paths: OutputPaths
) -> list[Found]:
    """All that is in the input folders but a result of ours, or what pretends to be one."""
    walk = finder.walk(input_dirs, exclude, paths.folders, min_size)
    found = list(bar(walk, "Looking"))
    strange = f"passed over for its {MANIFEST}, which is no record of a find"
    no_results = {
        item.path: Skipped(item.path, finder.UNREADABLE_FOLDERS, strange)
        for item in found
        if isinstance(item, Skipped)
        and item.kind == finder.EARLIER_RESULTS
        and not is_result(item.path)
    }
    ours = (item for item in found if not isinstance(item, Skipped) or item.path not in no_results)
    return [*ours, *no_results.values()]


def large_enough(walked: list[Found], min_pixels: int, workers: int) -> list[Found]:
    """What was found, without the pictures that have too few pixels to be compared."""
    if not min_pixels:
        return walked
    files = [found for found in walked if isinstance(found, ImageFile)]
    sizes = bar(finder.sizes(files, workers), "Measuring", len(files))
    return list(finder.large_enough(walked, sizes, min_pixels))


def path_of(found: Found) -> str:
    return found.file.path if isinstance(found, Unreadable) else found.path


def hashing(method: Method, recipe: Recipe, workers: int) -> HashFiles:
    """What hashes files by a recipe, in worker processes, and completes them by a method."""
    return lambda files: method.completed(finder.hash_files(files, recipe, workers))


def first_of(recipe: Recipe) -> Recipe:
    """What is made of a picture at first: what its thumbnail tells, where that may do."""
    return dataclasses.replace(recipe, by_thumbnail=recipe.may_begin_small)


def beginning_small(
    store: Store, recipe: Recipe, hash_anew: HashFiles, left: TimeLeft
) -> HashFiles:
    """What hashes files that aren't known in full; of thumbnails it may know what there is.

    `left` is told what is to be hashed.
    """

    def hash_small(files: list[ImageFile]) -> Iterable[Hashed]:
        left.expect(cost(file, first_of(recipe)) for file in files)
        return hash_anew(files)

    def hash_files(files: list[ImageFile]) -> Iterable[Hashed]:
        small = [f for f in files if recipe.may_begin_small and may_have_thumbnail(f.path)]
        large = [f for f in files if not (recipe.may_begin_small and may_have_thumbnail(f.path))]
        left.expect(cost(file, recipe) for file in large)
        if small:  # first, as it is known then how many are hashed at all
            yield from store.hashed(small, first_of(recipe), hash_small)
        yield from hash_anew(large)

    return hash_files


def timed(results: Iterable[Hashed], recipe: Recipe, left: TimeLeft) -> Iterator[Hashed]:
    """Results as they come, with what each of them cost told to `left`."""
    for result in results:
        small = recipe.may_begin_small and may_have_thumbnail(result.file.path)
        left.add(cost(result.file, first_of(recipe) if small else recipe))
        yield result


class Hashing(Protocol):
    """What hashes photos as a method wants them, and groups them by it."""

    @property
    def method(self) -> Method:
        """What groups them."""

    @property
    def recall(self) -> Recall | None:
        """How many of the matching pairs are found, where that isn't all of them."""

    def at_first(self, files: list[ImageFile]) -> Iterable[Hashed]:
        """Files hashed anew, by their thumbnails where those may do."""

    def hashed(self, files: list[ImageFile], hash_anew: HashFiles) -> Iterable[Hashed]:
        """What is known of files, and what is made of the others and kept."""

    def closer(self, files: list[ImageFile]) -> Iterable[Hashed]:
        """Files that were hashed by their thumbnails, decoded after all."""

    def forget(self, paths: Iterable[str]) -> None:
        """Have files hashed anew the next time: they were found to be other than was known."""


@dataclass(frozen=True, slots=True)
class Hasher:
    """What hashes photos as a method wants them; its store knows what earlier runs read."""

    method: Method
    workers: int
    store: Store

    @property
    def recall(self) -> None:
        """All matching pairs are found."""

    def at_first(self, files: list[ImageFile]) -> Iterable[Hashed]:
        """Files hashed anew, by their thumbnails where those may do."""
        recipe = first_of(self.method.recipe)
        return hashing(self.method, recipe, self.workers)(files)

    def fully(self, files: list[ImageFile]) -> Iterable[Hashed]:
        """Files hashed anew, by all that they hold."""
        return hashing(self.method, self.method.recipe, self.workers)(files)

    def hashed(self, files: list[ImageFile], hash_anew: HashFiles) -> Iterable[Hashed]:
        """What the store knows of files, and what is made of the others and kept there."""
        recipe, left = self.method.recipe, TimeLeft(time.monotonic)
        hash_anew = beginning_small(self.store, recipe, hash_anew, left)
        hashed = timed(self.store.hashed(files, recipe, hash_anew), recipe, left)
        is_told = len(files) >= MANY
        return bar(hashed, "Hashing", len(files), is_told=is_told, left=left.words)

    def closer(self, files: list[ImageFile]) -> Iterable[Hashed]:
        """Files that were hashed by their thumbnails, decoded after all."""
        closer = self.store.hashed(files, self.method.recipe, self.fully)
        return bar(closer, "Looking closer", len(files))

    def forget(self, paths: Iterable[str]) -> None:
        """Have files hashed anew the next time: they were found to be other than was known."""
        self.store.forget(paths)


@dataclass(frozen=True, slots=True)
class Searched:
    """The groups of a survey, how many pairs matched by each view, and of which side each image is.

    There are sides if only pictures of different input folders are compared, and a recall if not
    all of them were.
    """

    survey: finder.Survey
    groups: list["Cluster"]
    matched: Mapping[str, int]
    sides: list[int] | None
    recall: Recall | None = None


def surveyed(walked: Sequence[Found], hasher: Hashing) -> finder.Survey:
    """The photos that a walk found, hashed, those anew that the store doesn't know."""
    return finder.survey(walked, hasher.hashed, hasher.at_first)


def memory_of(store: Store, input_dirs: Sequence[str]) -> Memory:
    """What the finds below some folders leave for each other."""
    return Memory(store.recalled, store.remember, "\n".join(input_dirs))


def watched(what: str, total: int, of: str) -> AbstractContextManager[Callable[[int], object]]:
    """How far a search is, of so many pairs or pictures; said at the start where it takes long."""
    many = MANY_PAIRS if of == PAIRS else MANY_PICTURES
    return progress(what, total, f" {of}", is_told=total >= many)


def warn_of_compiler() -> None:
    """Warn where the package that compiles loops is there and can't be used, if it was wanted."""
    if failure := COMPILER.failure:
        line = f"warning: Numba can't be used ({failure}); NumPy compared all, in more time."
        print_line(line, sys.stderr)


def searched(
    survey: finder.Survey, hasher: Hashing, sides: finder.Sides | None, memory: Memory
) -> Searched:
    """The groups by a method, of a survey in which all pictures of them are known in full.

    With sides, only pictures of different ones are compared. What comes into a group by its
    thumbnail is decoded, and all is grouped again, until nothing else does.
    """
    while True:
        by_image = sides.of_images(survey) if sides else None
        groups, matched = hasher.method.group(survey.images, by_image, memory, watched)
        members = (survey.images[n] for cluster in groups for n in cluster.members)
        near = [image.file for image in members if image.by_thumbnail]
        if not near:
            warn_of_compiler()
            return Searched(survey, groups, matched, by_image, hasher.recall)
        survey = finder.hashed_again(survey, hasher.closer(near))
