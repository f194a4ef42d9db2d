"""What find compares: the pictures of the input folders, hashed, and which of them group."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import finder
from actions.console import bar
from disk.files import ImageFile
from disk.own_names import MANIFEST
from disk.record import is_result
from disk.result import OutputPaths
from finder import Found, Skipped
from pictures.formats import may_have_thumbnail
from pictures.images import Hashed, HashFiles, Unreadable
from pictures.methods import Method
from pictures.recipe import Recipe
from pictures.store import Store

if TYPE_CHECKING:
    from grouping import Cluster


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


def remembering(
    store: Store, recipe: Recipe
) -> Callable[[list[ImageFile], HashFiles], Iterable[Hashed]]:
    """What knows files that were hashed before, and keeps what is new of the others."""
    return lambda files, hash_anew: bar(
        store.hashed(files, recipe, beginning_small(store, recipe, hash_anew)),
        "Hashing",
        len(files),
    )


def first_of(recipe: Recipe) -> Recipe:
    """What is made of a picture at first: what its thumbnail tells, where that may do."""
    return dataclasses.replace(recipe, by_thumbnail=recipe.may_begin_small)


def beginning_small(store: Store, recipe: Recipe, hash_anew: HashFiles) -> HashFiles:
    """What hashes files that aren't known in full; of thumbnails it may know what there is."""
    if not recipe.may_begin_small:
        return hash_anew

    def hash_files(files: list[ImageFile]) -> Iterable[Hashed]:
        small = [file for file in files if may_have_thumbnail(file.path)]
        yield from hash_anew([file for file in files if not may_have_thumbnail(file.path)])
        if small:
            yield from store.hashed(small, first_of(recipe), hash_anew)

    return hash_files


@dataclass(frozen=True, slots=True)
class Searched:
    """The groups of a survey, how many pairs matched by each view, and of which side each image is.

    There are sides if only pictures of different input folders are compared.
    """

    survey: finder.Survey
    groups: list["Cluster"]
    matched: Mapping[str, int]
    sides: list[int] | None


def surveyed(walked: Sequence[Found], method: Method, workers: int, store: Store) -> finder.Survey:
    """The photos that a walk found, hashed, those anew that the store doesn't know."""
    hash_anew = hashing(method, first_of(method.recipe), workers)
    return finder.survey(walked, remembering(store, method.recipe), hash_anew)


def searched(
    survey: finder.Survey, method: Method, sides: finder.Sides | None, workers: int, store: Store
) -> Searched:
    """The groups by a method, of a survey in which all pictures of them are known in full.

    With sides, only pictures of different ones are compared. What comes into a group by its
    thumbnail is decoded, and all is grouped again, until nothing else does.
    """
    hash_fully = hashing(method, method.recipe, workers)
    while True:
        by_image = sides.of_images(survey) if sides else None
        groups, matched = method.group(survey.images, by_image)
        members = (survey.images[n] for cluster in groups for n in cluster.members)
        near = [image.file for image in members if image.by_thumbnail]
        if not near:
            return Searched(survey, groups, matched, by_image)
        closer = store.hashed(near, method.recipe, hash_fully)
        survey = finder.hashed_again(survey, bar(closer, "Looking closer", len(near)))
