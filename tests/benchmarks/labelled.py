"""The labelled set: which files it holds, what each one is, and how it is made of photos.

A plan is a list of Items, the same for the same photos on every machine. build() makes the files.
"""

import hashlib
import inspect
import json
import multiprocessing
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from types import ModuleType

import edits
import negatives
import PIL
from edits import EDITS, Picture
from negatives import NEGATIVES
from PIL import Image, ImageOps

SPLITS = ("tune", "test")
LONGEST = 1280  # pixels; larger photos are made smaller first, so that a run takes minutes
PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".avif", ".bmp", ".tif", ".tiff"}
DOCUMENT_EDITS = ("JPEG 50", "size 50 %", "darker", "black and white", "EXIF 6", "WebP")
EDIT_NAMED = {edit.name: edit for edit in EDITS}
NEGATIVE_NAMED = {negative.name: negative for negative in NEGATIVES}
CLASSES = (*dict.fromkeys(edit.group for edit in EDITS), "document")
KINDS = (*EDIT_NAMED, *(f"document {name}" for name in DOCUMENT_EDITS))


@dataclass(frozen=True)
class Item:
    """A file of the set, with its label and how it is made.

    Files of one source are copies of each other. Files of one scene but of two sources are
    neutral: another shot of a scene, or a piece of a photo.
    """

    path: str
    role: str  # original, edit, negative or shot
    kind: str
    group: str
    source: str
    scene: str
    photos: tuple[str, ...] = ()
    negative: str = ""
    edit: str = ""

    @property
    def split(self) -> str:
        return self.path.split("/")[0]

    @property
    def shows(self) -> frozenset[str]:
        """The scenes in it: a pair with none in common doesn't belong together."""
        return frozenset((self.scene,))

    @property
    def homes(self) -> tuple[str, ...]:
        """The sources that it is a copy of: it is found beside any of their originals."""
        return (self.source,)

    def drawn(self, photos: Path) -> Picture:
        """The picture before its edit: a photo, or a negative made of some."""
        pictures = [loaded(photos / name) for name in self.photos]
        if not self.negative:
            return pictures[0]
        pictures = [negatives.small(picture) for picture in pictures]
        return NEGATIVE_NAMED[self.negative].make(pictures, Random(self.source))

    def edited(self, image: Picture, _: Path) -> Picture:
        return self.saved().change(image, Random(f"{self.source}:{self.kind}"))

    def saved(self) -> edits.Edit:
        """The edit, which says how the file is saved."""
        return EDIT_NAMED[self.edit or "JPEG 90"]


# ---- the plan: which files the set holds


def split_of(name: str) -> str:
    """Half of the photos are for choosing thresholds, half for measuring; by name, for good."""
    return SPLITS[hashlib.sha256(name.encode()).digest()[0] % 2]


def rank(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[2:]


def listed(path: Path) -> list[list[str]]:
    """Lines of names, separated by tabs; # begins a comment."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [line.split("\t") for line in lines if line.strip() and not line.startswith("#")]


def photos_in(folder: Path, lists: Path) -> tuple[list[str], list[list[str]]]:
    """The distinct photos and the series, as far as they are in the folder."""
    found = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in PHOTO_SUFFIXES and path.is_file()
    }
    series = [[name for name in line if name in found] for line in listed(lists / "series.txt")]
    series = [members for members in series if len(members) > 1]
    distinct = [line[0] for line in listed(lists / "distinct.txt") if line[0] in found]
    return sorted(distinct or found), series


def planned(distinct: Sequence[str], series: Sequence[Sequence[str]], each: int) -> list[Item]:
    """Every file of the set, in both splits."""
    scene = {name: members[0] for members in series for name in members}
    items: list[Item] = []
    for split in SPLITS:
        mine = [name for name in distinct if split_of(scene.get(name, name)) == split]
        single = sorted((name for name in mine if name not in scene), key=rank)
        backgrounds, held = single[: len(mine) // 24], single[len(mine) // 24 : len(mine) // 7]
        kept = sorted(set(mine) - {*backgrounds, *held}, key=rank)
        items += [original(split, name, scene.get(name, name), "original") for name in kept]
        items += list(copies(split, kept, scene, each))
        items += list(hard(split, held, backgrounds))
        shots = [name for members in series for name in members if name not in distinct]
        shots = [name for name in shots if split_of(scene[name]) == split]
        items += [original(split, name, scene[name], "shot") for name in dict.fromkeys(shots)]
    return items


def file_name(split: str, source: str, kind: str, suffix: str) -> str:
    stem = re.sub(r"\W+", "-", Path(source).stem)[:40]
    kind = re.sub(r"\W+", "-", kind.replace(" %", "")).lower()
    return f"{split}/{stem}-{rank(source)[:6]}__{kind}{suffix}"


def original(split: str, name: str, scene: str, role: str) -> Item:
    path = file_name(split, name, role, Path(name).suffix.lower())
    return Item(path, role, role, role, name, scene, (name,))


def copies(split: str, names: Sequence[str], scene: dict[str, str], each: int) -> Iterator[Item]:
    """`each` edits of every photo, dealt from shuffled decks, so that all kinds come up alike."""
    decks = dealt(len(names) * each)
    for name in names:
        for edit in distinct_edits(decks, min(each, len(EDITS))):
            path = file_name(split, name, edit.name, edit.suffix)
            place = scene.get(name, name)
            yield Item(path, "edit", edit.name, edit.group, name, place, (name,), edit=edit.name)


def dealt(count: int, kinds: Sequence[edits.Edit] = EDITS) -> Iterator[edits.Edit]:
    for deck in range(count):
        yield from Random(f"deck {deck}").sample(kinds, len(kinds))


def distinct_edits(decks: Iterator[edits.Edit], count: int) -> list[edits.Edit]:
    hand: dict[str, edits.Edit] = {}
    while len(hand) < count:
        edit = next(decks)
        hand[edit.name] = edit
    return list(hand.values())


def hard(split: str, held: Sequence[str], backgrounds: Sequence[str]) -> Iterator[Item]:
    """Negatives; of every third document also a copy, so that to find none has its price."""
    for negative in NEGATIVES:
        for number, photos in enumerate(used(negative, held, backgrounds)):
            source = f"{negative.name} {number} {split}"
            path = file_name(split, source, "negative", ".jpg")
            scene = photos[0] if len(photos) == 1 else source
            label = negative.name
            yield Item(path, "negative", label, "negative", source, scene, photos, label)
            if negative.name in ("text page", "receipt") and number % 3 == 0:
                edit = EDIT_NAMED[Random(source).choice(DOCUMENT_EDITS)]
                path = file_name(split, source, edit.name, edit.suffix)
                kind = f"document {edit.name}"
                yield Item(path, "edit", kind, "document", source, scene, (), label, edit.name)


def used(
    negative: negatives.Negative, held: Sequence[str], backgrounds: Sequence[str]
) -> list[tuple[str, ...]]:
    """Which photos each picture of this kind is made of."""
    if negative.photos == 0:
        return [()] * negative.count
    if negative.photos == 1:
        return [(name,) for name in held[: negative.count]]
    pairs: list[tuple[str, ...]] = [
        (scene, backgrounds[(number + step) % len(backgrounds)])
        for number, scene in enumerate(backgrounds)
        for step in range(1, min(7, len(backgrounds)))
    ]
    return pairs[: negative.count]


# ---- the files


def build(
    photos: Path,
    work: Path,
    items: Sequence[Item],
    jobs: int,
    name: str = "set",
    modules: Sequence[ModuleType] = (edits, negatives),
    wanted: Sequence[Item] | None = None,
) -> str:
    """Make the files that are missing under work/`name`; returns the fingerprint of the set.

    Of its items only those are made that are `wanted`, or all.
    `modules` are those that make the files: another text of theirs makes another set.
    """
    folder, notes = work / name, "" if name == "set" else f"{name}-"
    sources = "".join(inspect.getsource(module) for module in modules)
    sizes = [(photos / name).stat().st_size for item in items for name in item.photos]
    recipe = hashlib.sha256(repr((PIL.__version__, sources, items, sizes)).encode()).hexdigest()
    note = work / f"{notes}recipe.txt"
    if folder.exists() and (not note.exists() or note.read_text() != recipe):
        shutil.rmtree(folder)
    for split in {item.split for item in items}:
        (folder / split).mkdir(parents=True, exist_ok=True)
    note.write_text(recipe)
    asked = items if wanted is None else wanted
    missing = [(photos, folder, item) for item in asked if not (folder / item.path).exists()]
    with multiprocessing.Pool(jobs) as pool:
        for done, _ in enumerate(pool.imap_unordered(make, missing, chunksize=8), 1):
            if done % 100 == 0 or done == len(missing):
                print(f"\rMade {done} of {len(missing)} files", end="", file=sys.stderr)
    labels = [asdict(item) for item in items]
    (work / f"{notes}labels.json").write_text(json.dumps(labels, indent=1) + "\n", "utf-8")
    return recipe


def make(job: tuple[Path, Path, Item]) -> None:
    """Write one file of the set, whole or not at all."""
    photos, folder, item = job
    target = folder / item.path
    partial = target.with_name(f"partial-{target.name}")
    if item.role in ("original", "shot"):
        as_it_is(photos / item.photos[0], partial)
    else:
        image = item.edited(item.drawn(photos), photos)
        image.save(partial, exif=image.getexif(), **item.saved().save)
    os.replace(partial, target)


def loaded(path: Path) -> Picture:
    """Upright, RGB, on white, no metadata."""
    with Image.open(path) as image:
        image.draft("RGB", (LONGEST, LONGEST))
        upright = ImageOps.exif_transpose(image)
        if upright.has_transparency_data:
            upright = upright.convert("RGBA")
            white = Image.new("RGBA", upright.size, "white")
            upright = Image.alpha_composite(white, upright)
        rgb = upright.convert("RGB")
    if max(rgb.size) > LONGEST:
        rgb = edits.within(rgb, LONGEST, LONGEST)
    rgb.info = {}
    return rgb


def as_it_is(path: Path, target: Path) -> None:
    """The photo itself, with its metadata; only made smaller if it is larger than LONGEST."""
    with Image.open(path) as image:
        if max(image.size) <= LONGEST:
            shutil.copyfile(path, target)
            return
        exif, save = image.info.get("exif", b""), {"icc_profile": image.info.get("icc_profile")}
        plain = image if image.mode in ("L", "RGB", "RGBA") else image.convert("RGB")
        if target.suffix != ".png":
            save["quality"] = 92
        edits.within(plain, LONGEST, LONGEST).save(target, exif=exif, **save)


def linked(folder: Path, work: Path, items: Sequence[Item]) -> Path:
    """A folder with just these files of `work`: more may have been made there before."""
    wanted = {item.path for item in items}
    folder.mkdir(exist_ok=True)
    for path in [p for p in folder.rglob("*") if p.is_file()]:
        if path.relative_to(folder).as_posix() not in wanted:
            path.unlink()
    for name in wanted:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.hardlink_to(work / name)
    return folder
