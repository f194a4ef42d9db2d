"""The classic method: hashes that differ in few bits, and nothing else."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from config import Settings
from grouping import Cluster
from pictures.connected import cluster
from pictures.effort import Watch, in_threads, unwatched
from pictures.images import Hashed, HashedImage
from pictures.methods import judges
from pictures.recipe import Recipe
from pictures.searches import Memory

if TYPE_CHECKING:
    from pictures.why import Comparison


class ByThreshold:
    """Groups pictures that are connected by hashes within a threshold."""

    def __init__(self, settings: Settings) -> None:
        assert settings.threshold is not None
        self._threshold, self._workers = settings.threshold, settings.workers
        self.recipe = Recipe(settings.hash_size, only_hash=True)
        self.flags = f"--threshold {self._threshold}"
        self.has_presets = settings.hash_size == Recipe().hash_size

    def completed(self, results: Iterable[Hashed]) -> Iterator[Hashed]:
        return iter(results)

    def group(
        self,
        images: Sequence[HashedImage],
        sides: Sequence[int] | None = None,
        _: Memory | None = None,
        watch: Watch = unwatched,
    ) -> tuple[list[Cluster], Mapping[str, int]]:
        hashes = [image.look.views[0].hash if image.look else None for image in images]
        effort = in_threads(self._workers, watch)
        members = cluster(
            [image.digest for image in images], hashes, self._threshold, sides, effort
        )
        return [Cluster(group, []) for group in members], {}

    def pairs(
        self, images: Sequence[HashedImage], sides: Sequence[int] | None = None
    ) -> Iterator[tuple[int, int]]:
        _, direct_matches = judges()
        return direct_matches(images, self._threshold, sides)

    def why(self, one: HashedImage, other: HashedImage) -> tuple["Comparison", ...]:
        compare, _ = judges()
        return compare(one, other, self._threshold)
