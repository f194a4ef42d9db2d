"""Show what local features propose, prove and cost, on the half of the photos for choosing.

    python tests/benchmarks/points.py --photos PHOTOS --count 24
    python tests/benchmarks/points.py --work WORK --count 600 --turns 3

PHOTOS is that of accuracy.py. All originals and 8 kinds of edit of some photos lie in one folder,
and each edit is compared with its original alone, so that nothing is found by way of a third one.
CPU seconds are those of one process. With WORK, where accuracy.py built the unseen split, it says
instead what `most` costs beyond `similar` on so many photos and edits of it: whole processes, in
turn, with an empty cache.
"""

import argparse
import json
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path
from random import Random

import numpy as np
from edits_unseen import EDITS_UNSEEN
from labelled import linked, listed, split_of
from lookalikes import fresh
from PIL import Image, ImageOps
from unseen_set import UnseenItem

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from extras.points.features import LONG_SIDE, Points, points_of
from extras.points.matching import PROPOSED
from extras.points.proof import prove
from extras.points.words import bag_of, near

LONGEST = 800  # pixels, to which photos are reduced first
EACH = 8  # kinds of edit of a photo
Kind = tuple[str, str, bool]  # the photo, the class of the edit, whether others are in it


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.draft("RGB", (LONGEST, LONGEST))
        upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((LONGEST, LONGEST))
    return upright


def gray(image: Image.Image) -> np.ndarray:
    image = image.convert("L")
    image.thumbnail((LONG_SIDE, LONG_SIDE))
    return np.asarray(image)


def folder(photos: Path, count: int) -> tuple[list[Kind], list[np.ndarray]]:
    """What lies in the folder, and each picture in gray; the originals come first."""
    names = [line[0] for line in listed(Path(__file__).with_name("distinct.txt"))]
    names = [name for name in names if split_of(name) == "tune" and (photos / name).exists()]
    kinds: list[Kind] = [(name, "original", False) for name in names]
    pictures = [gray(opened(photos / name)) for name in names]
    for name in Random("photos").sample(names, count):
        for edit in Random(name).sample(EDITS_UNSEEN, EACH):
            others = [opened(photos / n) for n in Random(edit.name).sample(names, edit.others)]
            made = edit.change(opened(photos / name), Random(f"{name}:{edit.name}"), *others)
            kinds.append((name, edit.group, edit.others > 0))
            pictures.append(gray(made))
    return kinds, pictures


def shown(kinds: list[Kind], points: list[Points]) -> None:
    """Print what is proposed, proven and found of each class, and what is false."""
    begun = time.process_time()
    proposed = list(near([bag_of(some) for some in points], PROPOSED))
    searched = time.process_time() - begun
    proven = {(i, j) for i, j in proposed if (p := prove(points[i], points[j])) and p.holds}
    seconds = time.process_time() - begun - searched
    first = {name: row for row, (name, group, _) in enumerate(kinds) if group == "original"}
    rows = defaultdict(list)
    for row, (name, group, _) in enumerate(kinds):
        if group != "original":
            pair, proof = (first[name], row), prove(points[first[name]], points[row])
            holds = proof is not None and proof.holds
            rows[group].append((pair in set(proposed), holds, pair in proven))
    print("| class | copies | proposed | proven | found |\n| --- | --- | --- | --- | --- |")
    for group, found in sorted(rows.items()):
        shares = " | ".join(f"{share:.2f}" for share in np.mean(found, axis=0))
        print(f"| {group} | {len(found)} | {shares} |")
    single = [(i, j) for i, j in proven if not (kinds[i][2] or kinds[j][2])]
    false = sum(kinds[i][0] != kinds[j][0] for i, j in single)
    print(f"false pairs: {false} of {len(proven)} proven, {len(proposed)} proposed")
    size = len(points)
    print(f"CPU ms a picture: search {1e3 * searched / size:.2f}, proof {1e3 * seconds / size:.2f}")


def cost(work: Path, count: int, turns: int) -> None:
    """Print what similar and most cost on photos and edits of the unseen split, in turn."""
    facts = json.loads((work / "unseen-set-labels.json").read_text("utf-8"))
    items = [UnseenItem(**fact) for fact in facts if not fact.get("negative")]
    items = [item for item in items if (work / "unseen-set" / item.path).exists()]
    items.sort(key=lambda item: (item.source, item.path))
    folder = linked(work / "cost", work / "unseen-set", items[:count])
    beyond = []
    for _ in range(turns):
        similar, most = (fresh(mode, folder, work)[0].cpu for mode in ("similar", "most"))
        each = 1e3 * (most - similar) / len(items[:count])
        beyond.append(each)
        print(f"similar {similar:.1f} CPU s, most {most:.1f}: {each:.1f} ms a picture", flush=True)
    print(f"{len(items[:count])} pictures: {statistics.median(beyond):.1f} ms each, the median")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], allow_abbrev=False)
    parser.add_argument("--photos", type=Path, help="the photos of accuracy.py")
    parser.add_argument("--work", type=Path, help="where accuracy.py built the unseen split")
    parser.add_argument("--count", type=int, default=24, help="of which edits are made")
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    if given.work:
        cost(given.work.resolve(), given.count, given.turns)
        return 0
    if not given.photos:
        parser.error("name --photos or --work")
    kinds, pictures = folder(given.photos, given.count)
    begun = time.process_time()
    points = [points_of(picture) for picture in pictures]
    print(f"{len(points)} pictures")
    print(f"CPU ms a picture: points {1e3 * (time.process_time() - begun) / len(points):.2f}")
    shown(kinds, points)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
