"""What HEIC and RAW cost, and whether they join the JPEG of the same picture.

    python tests/benchmarks/formats.py join PHOTOS   HEICs and RAWs made of some photographs
    python tests/benchmarks/formats.py thumbnails PHOTOS   what a first look by thumbnails misses
    python tests/benchmarks/formats.py cost FILE...  CPU and memory of files of any format

PHOTOS is what photos.py collected. Copies are HEIC in three qualities, 8 and 10 bits, and RAW with
a preview in full and one of 640 pixels; each should be in one group with its JPEG, and with none of
another picture.
"""

import argparse
import io
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import hostile  # noqa: E402
import numpy as np  # noqa: E402
from edits import EDITS  # noqa: E402
from made_raw import dng  # noqa: E402
from PIL import Image, ImageOps  # noqa: E402

import finder  # noqa: E402
from disk.files import ImageFile, image_file  # noqa: E402
from grouping import Cluster  # noqa: E402
from pictures import hashing, matching  # noqa: E402
from pictures.effort import in_threads  # noqa: E402
from pictures.images import HashedImage, Unreadable  # noqa: E402
from pictures.presets import PRESETS  # noqa: E402
from pictures.recipe import Recipe  # noqa: E402

LISTED = Path(__file__).with_name("distinct.txt")
LONGEST = 1000
FAST = {"enc_params": {"preset": "ultrafast"}}


def heic(image: Image.Image, quality: int, *, deep: bool = False, **more: object) -> bytes:
    import pillow_heif

    made = pillow_heif.from_pillow(image)
    if deep:
        levels = (np.asarray(image).astype(np.uint16) << 8).tobytes()
        made = pillow_heif.from_bytes(mode="RGB;16", size=image.size, data=levels)
    stream = io.BytesIO()
    made.save(stream, quality=quality, **FAST, **more)
    return stream.getvalue()


def raw(image: Image.Image, longest: int = LONGEST) -> bytes:
    small = image.copy()
    small.thumbnail((longest, longest))
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=80)
    return dng(small, preview=stream.getvalue(), size=(image.width // 2 * 2, image.height // 2 * 2))


KINDS: dict[str, tuple[str, Callable[[Image.Image], bytes]]] = {
    "HEIC 90": (".heic", lambda image: heic(image, 90)),
    "HEIC 50": (".heic", lambda image: heic(image, 50)),
    "HEIC 30": (".heic", lambda image: heic(image, 30)),
    "HEIC 60, thumbnail": (".heic", lambda image: heic(image, 60, thumbnails=[320])),
    "HEIC 60, 10 bits": (".heic", lambda image: heic(image, 60, deep=True)),
    "RAW": (".dng", raw),
    "RAW, preview of 640": (".dng", lambda image: raw(image, 640)),
}


def photos(folder: Path, count: int) -> Iterator[tuple[str, Image.Image]]:
    """Some listed photographs, spread over the list, made smaller."""
    names = [name for name in LISTED.read_text("utf-8").splitlines() if (folder / name).exists()]
    for name in names[:: max(1, len(names) // count)][:count]:
        with Image.open(folder / name) as opened:
            image = ImageOps.exif_transpose(opened).convert("RGB")
        image.thumbnail((LONGEST, LONGEST))
        yield name, image


def join(folder: Path, count: int) -> None:
    with tempfile.TemporaryDirectory() as made:
        names = []
        for number, (name, image) in enumerate(photos(folder, count)):
            names.append(name)
            image.save(Path(made, f"{number} JPEG.jpg"), quality=90)
            for kind, (suffix, make) in KINDS.items():
                Path(made, f"{number} {kind}{suffix}").write_bytes(make(image))
        for preset in ("copies", "similar"):
            report(Path(made), preset, len(names))


def grouped(images: list[HashedImage], preset: str) -> list[Cluster]:
    digests, looks = [image.digest for image in images], [image.look for image in images]
    search = matching.by_looks(looks, PRESETS[preset], in_threads(2), None)
    return matching.group_by(digests, looks, [search], None)[0]


def grouped_images(made: Path, preset: str, recipe: Recipe) -> tuple[list[HashedImage], int, int]:
    """The pictures in a folder as find knows them in the end, and how many are unreadable.

    And how many are known by a thumbnail alone.
    """
    files = [image_file(str(p), p.lstat()) for p in sorted(made.iterdir())]
    hashed = list(finder.hash_files(files, recipe, 2))
    images = [found for found in hashed if isinstance(found, HashedImage)]
    while True:
        groups = grouped(images, preset)
        members = {n for group in groups for n in group.members}
        near = [images[n].file for n in members if images[n].by_thumbnail]
        if not near:
            left = sum(image.by_thumbnail for image in images)
            return images, len(files) - len(images), left
        anew = {found.file.path: found for found in finder.hash_files(near, Recipe(), 2)}
        images = [anew.get(image.file.path, image) for image in images]


def thumbnails(folder: Path, count: int) -> None:
    """Print how many edited copies join a HEIC that is decoded, and one by its thumbnail first."""
    with tempfile.TemporaryDirectory() as made:
        copies = 0
        for number, (_, image) in enumerate(photos(folder, count)):
            Path(made, f"{number} HEIC.heic").write_bytes(heic(image, 60, thumbnails=[320]))
            for edit in (EDITS * 3)[3 * number % len(EDITS) :][:3]:
                changed = edit.change(image, random.Random(number))
                place = Path(made, f"{number} {edit.name}".replace("/", " ") + edit.suffix)
                changed.save(place, **edit.save)
                copies += 1
        for preset in ("copies", "similar"):
            for recipe in (Recipe(), Recipe(by_thumbnail=True)):
                images, _, left = grouped_images(Path(made), preset, recipe)
                joined = false = 0
                for group in grouped(images, preset):
                    named = [Path(images[n].file.path).stem.split(" ", 1) for n in group.members]
                    false += sum(a[0] != b[0] for a, b in combinations(named, 2))
                    whole = {number for number, kind in named if kind == "HEIC"}
                    joined += sum(kind != "HEIC" and number in whole for number, kind in named)
                first = "by thumbnails first" if recipe.by_thumbnail else "decoded"
                print(f"{preset}, {first}: {joined} of {copies} copies, {false} false, {left} left")


def report(made: Path, preset: str, count: int) -> None:
    """Print of each kind how many are in one group with their JPEG, and the false pairs."""
    images, unread, left = grouped_images(made, preset, Recipe(by_thumbnail=True))
    groups = grouped(images, preset)
    print(f"{preset}: {count} photos, {unread} files unreadable, {left} known by a thumbnail alone")
    joined: Counter[str] = Counter()
    false = 0
    for group in groups:
        named = [Path(images[n].file.path).stem.split(" ", 1) for n in group.members]
        false += sum(a[0] != b[0] for a, b in combinations(named, 2))
        with_jpeg = {number for number, kind in named if kind == "JPEG"}
        joined.update(kind for number, kind in named if number in with_jpeg)
    for kind in KINDS:
        print(f"  {kind:22} {joined[kind]:4} of {count}: {joined[kind] / count:.3f}")
    print(f"  false pairs: {false}")


def cost(paths: list[Path]) -> None:
    """Print what it costs to hash files, as a whole and, where they have one, by a thumbnail."""
    for path in paths:
        seconds, found = timed(path, Recipe())
        said = "hashed" if isinstance(found, HashedImage) else found.reason
        small, first = timed(path, Recipe(by_thumbnail=True))
        is_small = isinstance(first, HashedImage) and first.by_thumbnail
        by_thumbnail = f"{1000 * small:5.1f} ms" if is_small else "        "
        megabytes = hostile.cost(path).megabytes
        print(f"{path.name:45} {1000 * seconds:7.1f} ms {megabytes:5.0f} MB {by_thumbnail} {said}")


def timed(path: Path, recipe: Recipe) -> tuple[float, HashedImage | Unreadable]:
    """The CPU seconds that a file takes, the least of three times, and what comes of it."""
    file = ImageFile(str(path), path.stat().st_size, 0)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        found = hashing.hash_file(file, recipe)
        seconds.append(time.process_time() - start)
    return min(seconds), found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("what", choices=("join", "thumbnails", "cost"))
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--photos", type=int, default=100, help="how many (default: 100)")
    arguments = parser.parse_args()
    if arguments.what == "cost":
        cost(arguments.paths)
    elif arguments.what == "thumbnails":
        thumbnails(arguments.paths[0], arguments.photos)
    else:
        join(arguments.paths[0], arguments.photos)


if __name__ == "__main__":
    main()
