"""The method of the presets: by hash, and then by the pictures themselves."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from config import Settings
from disk import system
from pictures.by_name import of_extras
from pictures.effort import Watch, in_threads, unwatched
from pictures.images import Hashed, HashedImage
from pictures.methods import judges
from pictures.presets import PRESETS
from pictures.recipe import Recipe
from pictures.searches import Memory

if TYPE_CHECKING:
    from grouping import Cluster
    from pictures.why import Comparison

CHECK_POINTS = "extras.points.installed:check"  # that local features can be made


class ByLooks:
    """Groups pictures that look alike by the rules of a preset."""

    def __init__(self, settings: Settings) -> None:
        self._preset, self._workers = settings.preset, settings.workers
        self.flags, self.has_presets = f"--preset {settings.preset}", True
        rules = PRESETS[settings.preset]
        if rules.points:
            of_extras(CHECK_POINTS, self.flags)(self.flags)
        self.recipe = Recipe(settings.hash_size, parts=rules.crops is not None, points=rules.points)

    def completed(self, results: Iterable[Hashed]) -> Iterator[Hashed]:
        return iter(results)

    def group(
        self,
        images: Sequence[HashedImage],
        sides: Sequence[int] | None = None,
        memory: Memory | None = None,
        watch: Watch = unwatched,
    ) -> tuple[list["Cluster"], Mapping[str, int]]:
        from pictures import matching  # with SciPy, when the workers have done their work
        from pictures.one_design import OneDesign

        system.keep_freed_memory()
        rules = PRESETS[self._preset]
        digests, looks = [image.digest for image in images], [image.look for image in images]
        effort = in_threads(self._workers, watch)
        design = OneDesign()
        search = matching.by_looks(looks, rules, effort, sides, memory, design)
        return matching.group_by(digests, looks, [search], sides, design)

    def pairs(
        self, images: Sequence[HashedImage], sides: Sequence[int] | None = None
    ) -> Iterator[tuple[int, int]]:
        _, direct_matches = judges()
        return direct_matches(images, PRESETS[self._preset], sides)

    def why(self, one: HashedImage, other: HashedImage) -> tuple["Comparison", ...]:
        compare, _ = judges()
        return compare(one, other, PRESETS[self._preset])
