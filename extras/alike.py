"""Which photos of some folders the library shows, too, in other bytes, and what tells so.

Changes nothing on disk.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from disk.files import ImageFile
from pictures.images import HashedImage, Unreadable
from pictures.looks import look_digest
from pictures.methods import Method
from pictures.same_picture import PICTURED, Pictured
from pictures.workers import in_workers

MOST_LOOKED_AT = 20  # pictures, the nearest ones, for one that matches by itself
BURST = "burst"  # another shot, which is no copy


@dataclass(frozen=True, slots=True)
class Likeness:
    """A picture of the library that is like one of the folders, and by what."""

    path: str
    view: str
    distance: int | None
    correlation: float | None
    cosine: float | None
    share: float | None = None  # of the points, where the two overlap, that have a partner

    @property
    def facts(self) -> dict[str, object]:
        numbers = {
            "distance": self.distance,
            "correlation": self.correlation and round(self.correlation, 3),
            "cosine": self.cosine and round(self.cosine, 3),
            "share": self.share and round(self.share, 3),
        }
        return {"by": self.path, "view": self.view, **numbers}

    def __str__(self) -> str:
        numbers = [self.view]
        if self.distance is not None:
            numbers.append(f"{self.distance} bits apart")
        if self.correlation is not None:
            numbers.append(f"correlation {self.correlation:.2f}")
        if self.cosine is not None:
            numbers.append(f"cosine {self.cosine:.2f}")
        if self.share is not None:
            numbers.append(f"{self.share:.0%} of the points where they overlap")
        return ", ".join(numbers)


Images = Sequence[HashedImage]
Watch = Callable[[Iterable[Pictured | Unreadable], int], Iterable[Pictured | Unreadable]]


def same_pictures(own: Images, library: Images, workers: int, watch: Watch) -> dict[str, str]:
    """The photos whose picture's data lies in the library with other metadata, and where.

    Both sides are read now. Of the library only what looks exactly the same is read.
    """
    pairs = _exactly_alike(own, library)
    files = {i.file.path: i.file for i in own if i.file.path in pairs}
    files |= {i.file.path: i.file for images in pairs.values() for i in images}
    digests = _digests(files.values(), workers, watch)
    found = {}
    for path, images in pairs.items():
        same = [i.file.path for i in images if digests.get(i.file.path) == digests.get(path)]
        if same and digests.get(path):
            found[path] = same[0]
    return found


def _exactly_alike(own: Images, library: Images) -> dict[str, list[HashedImage]]:
    """What of the library looks exactly like each photo, by its path; those like nothing aren't in.

    Of most of the library the hash alone is compared, as a digest of a look takes longer.
    """
    looks = {image.file.path: image.look for image in own if image.look}
    hashes = {look.views[0].hash for look in looks.values()}
    there: dict[str, list[HashedImage]] = defaultdict(list)
    for image in library:
        if image.look and image.look.views[0].hash in hashes:
            there[look_digest(image.look)].append(image)
    found = {path: there.get(look_digest(look), []) for path, look in looks.items()}
    return {path: images for path, images in found.items() if images}


def _digests(files: Iterable[ImageFile], workers: int, watch: Watch) -> dict[str, str]:
    """The digests of the data of some pictures, by their paths; of those that have one."""
    files = list(files)
    results = in_workers(PICTURED, files, workers) if files else iter(())
    read = (result for result in watch(results, len(files)) if isinstance(result, Pictured))
    return {result.file.path: result.digest for result in read if result.digest}


def similar(own: Images, library: Images, method: Method) -> dict[str, Likeness]:
    """The photos that a method takes for one of the library, each with the nearest one.

    Each pair counts by itself, whatever else joins the two, and a burst doesn't count.
    """
    images, found = [*own, *library], {}
    for position, others in _candidates(images, len(own), method).items():
        image = images[position]
        if likeness := _nearest(image, [images[other] for other in others], method):
            found[image.file.path] = likeness
    return {i.file.path: found[i.file.path] for i in own if i.file.path in found}


def _candidates(images: Images, count: int, method: Method) -> dict[int, set[int]]:
    """The positions of what may be like each of the first pictures; only both sides meet."""
    if not 0 < count < len(images):
        return {}
    sides = [0] * count + [1] * (len(images) - count)
    found: dict[int, set[int]] = defaultdict(set)
    for one, other in method.pairs(images, sides):
        found[one].add(other)
    # Of a model there are groups alone.
    for group in method.group(images, sides)[0] if method.recipe.model else ():
        others = {position for position in group.members if position >= count}
        for position in group.members:
            if position < count:
                found[position] |= others
    return found


def _nearest(image: HashedImage, others: Images, method: Method) -> Likeness | None:
    """The nearest of some pictures that matches one by itself, if one does."""
    for other in sorted(others, key=lambda other: _distance(image, other))[:MOST_LOOKED_AT]:
        for found in method.why(image, other):
            if found.matches and found.view != BURST:
                numbers = found.distance, found.correlation, found.cosine, found.share
                return Likeness(other.file.path, found.view, *numbers)
    return None


def _distance(one: HashedImage, other: HashedImage) -> int:
    """In how many bits the hashes of two pictures differ."""
    if not one.look or not other.look:
        return 0
    hashes = (int.from_bytes(image.views[0].hash) for image in (one.look, other.look))
    first, second = hashes
    return (first ^ second).bit_count()
