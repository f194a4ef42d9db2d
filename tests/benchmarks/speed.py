"""Measure what `find` costs, beside other tools, the plain pipeline and a floor.

Makes its pictures out of a folder of photographs, runs everything in turn on one core, and prints
tables in Markdown. It says what things cost and asserts nothing. README.md has the last tables.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # NumPy asks for it when it is imported

import argparse
import functools
import io
import itertools
import platform
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path

import imagehash
import numpy as np
import peers
from accuracy import PRODUCT, Run, adopt_orphans, table, timed
from labelled import PHOTO_SUFFIXES
from PIL import Image, ImageOps

sys.path.insert(0, str(PRODUCT.parent))

from pictures import fingerprint
from pictures.errors import DECODE_ERRORS
from pictures.recipe import Recipe

SMALL_PIXELS = 170_000
LARGE_MEGAPIXELS = 12.0
SMALL_FILES, LARGE_FILES = 1000, 150
# By megapixels: how many photos, of which smaller ones are enough for their own costs to show.
FILES_OF_SIZE = {0.2: SMALL_FILES, 1.0: 300, 2.0: 150, 4.0: 100, 12.0: LARGE_FILES, 48.0: 20}
PARTS_SIDE = 800  # pixels
NOISE = 4.0  # gray levels, so that an enlarged photo has as many bytes as a camera's
STANDARD = (1024, 1024)
BITS_MEAN, BITS_MOST = 1.0, 6  # the goal for the hash, of 256
Read = Callable[[bytes], object]
MODES: dict[str, tuple[str, ...]] = {
    "`--preset similar`": (),
    "`--preset copies`": ("--preset", "copies"),
    "`--threshold 31`": ("--threshold", "31"),
}
GROWING = ("`--preset similar`", "`--threshold 31`")


# ---- pictures


def photos_below(folder: Path) -> list[Path]:
    """Photographs in a random order that is always the same."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES)
    random.Random(4).shuffle(found)
    return found


def decoded(photos: Iterable[Path]) -> Iterator[Image.Image]:
    for path in photos:
        try:
            with Image.open(path) as image:
                picture = ImageOps.exif_transpose(image).convert("RGB")
        except (OSError, ValueError, SyntaxError):
            continue
        if min(picture.size) >= 200:
            yield picture


def smaller(picture: Image.Image) -> Image.Image:
    """A picture of which many parts are to be drawn, at the least scale that is enough for that."""
    return picture.reduce(max(1, min(picture.size) // PARTS_SIDE))


def small(picture: Image.Image, number: int) -> Image.Image:
    """A picture of 0.17 megapixels; beyond the first of each photo, another part of it."""
    chance = random.Random(number)
    width, height = picture.size
    if number:
        share = chance.uniform(0.5, 0.9)
        left, top = chance.uniform(0, 1 - share), chance.uniform(0, 1 - share)
        box = (left * width, top * height, (left + share) * width, (top + share) * height)
        picture = picture.crop(tuple(map(round, box)))
    scale = (SMALL_PIXELS / (picture.width * picture.height)) ** 0.5
    return picture.resize((round(picture.width * scale), round(picture.height * scale)))


def large(picture: Image.Image, number: int, megapixels: float = LARGE_MEGAPIXELS) -> Image.Image:
    """A photo of so many megapixels, with noise as a camera's sensor has it."""
    side = (megapixels * 1e6 / 12) ** 0.5
    size = round(4 * side), round(3 * side)
    levels = np.asarray(picture.resize(size, Image.Resampling.BICUBIC), dtype=np.float32)
    noise = np.random.default_rng(number).normal(0, NOISE, (*levels.shape[:2], 1))
    return Image.fromarray((levels + noise).clip(0, 255).astype(np.uint8))


def corpus(
    folder: Path,
    photos: Sequence[Path],
    count: int,
    draw: Callable[[Image.Image, int], Image.Image],
) -> Path:
    """A folder of so many JPEGs, made once."""
    if folder.exists():
        return folder
    unfinished = folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    of_each = -(-count // len(photos))
    pictures = (
        (picture, part)
        for round_ in itertools.count()
        for whole in decoded(photos)
        for picture in [whole if of_each == 1 else smaller(whole)]
        for part in range(round_ * of_each, (round_ + 1) * of_each)
    )
    for number, (picture, part) in enumerate(itertools.islice(pictures, count)):
        place = unfinished / f"{number // 1000:03}" / f"IMG_{number:06}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        draw(picture, number if part else 0).save(place, quality=88)
    unfinished.rename(folder)
    return folder


# ---- what a picture costs in this process


def floor(data: bytes) -> None:
    """The least that any tool does: libjpeg-turbo decodes gray at an eighth of the size."""
    image = Image.open(io.BytesIO(data))
    image.draft("L", (image.width // 8, image.height // 8))
    image.load()


def bare(data: bytes) -> None:
    Image.open(io.BytesIO(data)).load()


def plain_hash(data: bytes) -> bytes:
    """The pipeline that defines the hash: decode, gray, 1024x1024, phash."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    standard = image.convert("L").resize(STANDARD, Image.Resampling.LANCZOS)
    return np.packbits(imagehash.phash(standard, hash_size=16).hash).tobytes()


def imagehash_loop(data: bytes) -> None:
    imagehash.phash(Image.open(io.BytesIO(data)))


def cpu_of(read: Read, files: Sequence[bytes]) -> float:
    """CPU seconds a file."""
    read(files[0])
    start = time.process_time()
    for data in files:
        read(data)
    return (time.process_time() - start) / len(files)


def contents(folder: Path, most: int) -> list[bytes]:
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path.read_bytes() for path in itertools.islice(paths, most)]


# ---- tables


def product(folder: Path, work: Path, *flags: str, main: Path = PRODUCT) -> list[str]:
    command = [sys.executable, str(main), "--action", "find", "--dry-run", "--json"]
    command += ["--input-dir", str(folder), "--output-dir", str(work / "output")]
    return [*command, "--workers", "1", *flags]


def first_and_second_run(folder: Path, work: Path, *flags: str) -> list[Run | str]:
    """Two runs, of which the second finds all in the cache."""
    cache = work / "cache.sqlite"
    cache.unlink(missing_ok=True)
    command = product(folder, work, "--cache-file", str(cache), *flags)
    return [timed("first run", command), timed("second run", command)]


def start_line(folder: Path, work: Path) -> str:
    """What `find` costs that finds one photo."""
    alone = work / "one"
    shutil.rmtree(alone, ignore_errors=True)
    alone.mkdir()
    shutil.copy(next(path for path in sorted(folder.rglob("*")) if path.is_file()), alone)
    runs = {name: timed(name, product(alone, work, "--no-cache", *MODES[name])) for name in GROWING}
    costs = ", ".join(f"{getattr(run, 'cpu', 0):.2f} with {name}" for name, run in runs.items())
    return f"With one small photo, so mostly its start, `find` takes CPU seconds: {costs}.\n"


def tools_table(
    names: Sequence[str], folders: Sequence[Path], work: Path, python: list[str]
) -> str:
    """CPU milliseconds a photo, from start to end of a process, and as multiples of the floor."""
    rows: list[tuple[str, ...]] = []
    counts = [sum(1 for path in folder.rglob("*") if path.is_file()) for folder in folders]
    in_process: dict[str, Read] = {
        "floor: JPEG decoded gray at 1/8": floor,
        "plain pipeline in a loop": plain_hash,
        "imagehash.phash in a loop": imagehash_loop,
    }
    samples = [contents(folder, 40) for folder in folders]
    floors = [cpu_of(floor, files) for files in samples]
    for name, read in in_process.items():
        rows.append(row(name, [cpu_of(read, files) for files in samples], floors))
    for name, flags in MODES.items():
        runs = [timed(name, product(folder, work, "--no-cache", *flags)) for folder in folders]
        rows.append(measured(name, runs, counts, floors))
    for name in GROWING:
        again = [first_and_second_run(folder, work, *MODES[name])[1] for folder in folders]
        rows.append(measured(f"{name}, the second run", again, counts, floors))
    for name in names:
        commands = [peers.command(name, folder, work / "venvs", python) for folder in folders]
        runs = [c if isinstance(c, str) else timed(name, c) for c in commands]
        rows.append(measured(name, runs, counts, floors))
    heads = ("small, ms", "x floor", "12 MP, ms", "x floor")
    return table(["CPU a photo, all processes", *heads], rows)


def measured(
    name: str, runs: Sequence[object], counts: Sequence[int], floors: Sequence[float]
) -> tuple[str, ...]:
    each = [getattr(run, "cpu", float("nan")) / n for run, n in zip(runs, counts, strict=True)]
    for run in runs:
        if isinstance(run, str):
            print(f"- not measured: {run}", file=sys.stderr)
    return row(name, each, floors)


def row(name: str, each: Sequence[float], floors: Sequence[float]) -> tuple[str, ...]:
    pairs = zip(each, floors, strict=True)
    return (name, *(text for x, f in pairs for text in (f"{1000 * x:.1f}", f"{x / f:.2f}")))


def sized(megapixels: float, count: int, photos: Sequence[Path], work: Path) -> Path:
    """A folder of so many photos of one size."""
    if megapixels < 1:
        return corpus(work / f"small-{count}", photos, count, small)
    name = "large" if megapixels == LARGE_MEGAPIXELS else f"large-{megapixels:g}"
    draw = functools.partial(large, megapixels=megapixels)
    return corpus(work / f"{name}-{count}", photos, count, draw)


def sizes_table(
    counts: dict[float, int],
    tools: dict[str, Callable[[Path], list[str] | str]],
    folders: list[Path],
    turns: int,
) -> str:
    """CPU milliseconds a photo by its size, the least of some turns of all tools.

    The tools take turns, so all have the same luck.
    """
    rows: dict[str, list[str]] = {name: [] for name in tools}
    for count, folder in zip(counts.values(), folders, strict=True):
        least = dict.fromkeys(tools, float("inf"))
        commands = {name: command_for(folder) for name, command_for in tools.items()}
        for _, (name, command) in itertools.product(range(turns), commands.items()):
            run = command if isinstance(command, str) else timed(name, command)
            least[name] = min(least[name], getattr(run, "cpu", float("nan")))
        for name, cpu in least.items():
            rows[name].append(f"{1000 * cpu / count:.2f}")
    heads = (f"{megapixels:g} MP x {count}" for megapixels, count in counts.items())
    return table(["CPU ms a photo", *heads], [(name, *cells) for name, cells in rows.items()])


def compared_by_size(
    names: Sequence[str], work: Path, python: list[str], before: Path | None
) -> dict[str, Callable[[Path], list[str] | str]]:
    """The command of each tool for a folder, or why it has none."""
    tools: dict[str, Callable[[Path], list[str] | str]] = {
        "`--preset similar`": lambda folder: product(folder, work, "--no-cache")
    }
    if before:
        tools["the same before"] = lambda folder: product(folder, work, "--no-cache", main=before)
    for name in names:
        tools[name] = functools.partial(peers.command, name, venvs=work / "venvs", pythons=python)
    return tools


def formats_table(photos: Sequence[Path]) -> str:
    """Other formats beside Pillow's bare decode."""
    pictures = [p.resize((1600, 1200)) for p in itertools.islice(decoded(photos), 8)]
    kinds: dict[str, dict[str, object]] = {
        "PNG": {},
        "WEBP": {},
        "TIFF": {},
        "JPEG": {"progressive": True},
    }
    rows = []
    for kind, options in kinds.items():
        files = []
        for picture in pictures:
            stream = io.BytesIO()
            picture.save(stream, kind, **options)
            files.append(stream.getvalue())
        decode = cpu_of(bare, files)
        wanted = Recipe(), Recipe(only_hash=True)
        costs = [cpu_of(lambda d, r=r: fingerprint.look_at(d, r), files) for r in wanted]
        name = "progressive JPEG" if options else kind
        shares = [f"{(cost - 0.003) / decode:.2f}" for cost in costs]
        rows.append((name, *(f"{1000 * cost:.1f}" for cost in (decode, *costs)), *shares))
    shares = [f"({what} - 3 ms) / decode" for what in ("look", "hash")]
    return table(["2 MP", "bare decode, ms", "look, ms", "hash alone, ms", *shares], rows)


def fidelity(photos: Sequence[Path], most: int) -> str:
    """How far the hashes are from those of the plain pipeline, in bits of 256."""
    bits = []
    for path in photos:
        data = path.read_bytes()
        try:
            look, plain = fingerprint.look_at(data), plain_hash(data)
            opaque = not Image.open(io.BytesIO(data)).has_transparency_data
        except DECODE_ERRORS:
            continue
        if look and opaque:
            differing = np.frombuffer(look.views[0].hash, np.uint8) ^ np.frombuffer(plain, np.uint8)
            bits.append(int(np.bitwise_count(differing).sum(dtype=int)))
        if len(bits) == most:
            break
    over = sum(number > BITS_MOST for number in bits)
    return (
        f"Hashes of {len(bits):,} photos differ from the plain pipeline's by {np.mean(bits):.2f} "
        f"bits of 256 on average, {max(bits)} at most; {over} by more than {BITS_MOST}.\n"
    )


def growth_table(sizes: Sequence[int], photos: Sequence[Path], work: Path) -> str:
    rows = []
    for name, size in itertools.product(GROWING, sizes):
        folder = corpus(work / f"small-{size}", photos, size, small)
        runs = first_and_second_run(folder, work, *MODES[name])
        each = [getattr(run, "cpu", float("nan")) for run in runs]
        cells = (cell for x in each for cell in (f"{x:.2f}", f"{1e6 * x / size:.0f}"))
        rows.append((name, f"{size:,}", *cells))
    heads = ["first run, CPU s", "a photo, us", "second run, CPU s", "a photo, us"]
    return table(["", "photos", *heads], rows)


def workers_table(folders: Sequence[Path], work: Path) -> str:
    """What a second core is good for; on a busy machine it says nothing."""
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    rows = []
    for name, folder in itertools.product(GROWING, folders):
        walls = []
        for workers in ("1", "2"):
            command = product(folder, work, "--no-cache", *MODES[name], "--workers", workers)
            walls.append(getattr(timed(workers, command), "wall", float("nan")))
        rows.append((name, folder.name, *(f"{x:.1f}" for x in walls), f"{walls[1] / walls[0]:.2f}"))
    return table(["", "photos", "wall s, one worker", "two workers", "ratio"], rows)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photographs")
    parser.add_argument("--work", type=Path, required=True, help="where pictures are made")
    parser.add_argument("--peers", nargs="*", default=[], choices=peers.NAMES)
    parser.add_argument("--python", action="append", default=[], help="one more, for peers")
    parser.add_argument("--small", type=int, default=SMALL_FILES, help="small photos")
    parser.add_argument("--large", type=int, default=LARGE_FILES, help="photos of 12 megapixels")
    parser.add_argument(
        "--sizes",
        nargs="*",
        type=float,
        default=[],
        choices=FILES_OF_SIZE,
        help="megapixels: measure nothing but photos of these sizes",
    )
    parser.add_argument("--turns", type=int, default=1, help="with --sizes: the least of so many")
    parser.add_argument("--share", type=float, default=1.0, help="with --sizes: of their photos")
    parser.add_argument("--before", type=Path, help="main.py of another version, beside this one")
    parser.add_argument("--counts", nargs="*", type=int, default=[1000, 10_000, 100_000])
    parser.add_argument("--fidelity", type=int, default=1040, help="photos to hash both ways")
    arguments = parser.parse_args(argv)
    arguments.work.mkdir(parents=True, exist_ok=True)
    work, photos = arguments.work.resolve(), photos_below(arguments.photos)
    adopt_orphans()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # nobody compiles all of it each time
    if arguments.sizes:
        tools = compared_by_size(arguments.peers, work, arguments.python, arguments.before)
        share = arguments.share
        counts = {size: max(1, round(FILES_OF_SIZE[size] * share)) for size in arguments.sizes}
        places = [sized(megapixels, count, photos, work) for megapixels, count in counts.items()]
        os.sched_setaffinity(0, {0})
        print(sizes_table(counts, tools, places, arguments.turns), flush=True)
        return 0
    folders = [
        corpus(work / f"small-{arguments.small}", photos, arguments.small, small),
        corpus(work / f"large-{arguments.large}", photos, arguments.large, large),
    ]
    os.sched_setaffinity(0, {0})
    print(f"{date.today()}, {os.cpu_count()} cores, {platform.processor() or platform.machine()}")
    print(f"{arguments.small:,} small photos, {arguments.large:,} of 12 megapixels.\n", flush=True)
    print(tools_table(arguments.peers, folders, work, arguments.python), flush=True)
    print(start_line(folders[0], work), flush=True)
    print(fidelity(photos, arguments.fidelity), flush=True)
    print(formats_table(photos), flush=True)
    print(growth_table(arguments.counts, photos, work), flush=True)
    grown = [work / f"small-{size}" for size in arguments.counts[-1:]]
    print(workers_table([*folders, *grown], work), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
