"""Measure what is put together of pictures that look alike and show different things.

    python tests/benchmarks/lookalikes.py --work WORK --count 100 \
        --presets copies similar crops 40 --real x-ray=FOLDER --real clothes=FOLDER
    python tests/benchmarks/lookalikes.py --photos PHOTOS

Each kind of `lookalike_kinds.py` gets `--count` pictures under WORK, once, and so that to find
nothing has its price every fifth of them copies of its own: saved again, smaller, darker. The
files of a folder given with `--real` are one more kind, or stand for the drawn ones, each of them
another picture; identical ones are left out. With `--photos` it says instead which of the listed
photographs are taken for documents. A run's line says of a kind how many impure groups it has, how
many files the largest of these, and which share of the copies was found.
"""

import argparse
import hashlib
import io
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from accuracy import Run, Score, adopt_orphans, product, scored, share, table, timed
from edits import EDITS, Picture
from labelled import Item, linked, loaded, photos_in
from lookalike_kinds import KINDS

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pictures import fingerprint

HERE = Path(__file__).resolve().parent
EDIT_NAMED = {edit.name: edit for edit in EDITS}
COPIED = ("JPEG 50", "size 50 %", "darker", "WebP")
EVERY = 5
LONGEST = 800  # pixels, of what is given


def drawn(kind: str, count: int) -> Iterator[tuple[str, Picture]]:
    for place in range(count):
        yield f"{place:05}", KINDS[kind](place, Random(f"{kind} {place}"))


def given(folder: Path, count: int) -> Iterator[tuple[str, Picture]]:
    """The pictures of a folder, in an order of chance that contents decide, each of them once."""
    files = {
        hashlib.sha256(p.read_bytes()).hexdigest(): p for p in folder.rglob("*") if p.is_file()
    }
    made = 0
    for digest in sorted(files):
        if made == count:
            return
        try:
            picture = loaded(files[digest])
        except OSError:
            continue
        picture.thumbnail((LONGEST, LONGEST))
        made += 1
        yield digest[:12], picture


def made(work: Path, kind: str, pictures: Iterator[tuple[str, Picture]]) -> Iterator[Item]:
    """Write the pictures of a kind, and copies of some of them."""
    folder = f"lookalikes/{kind.replace(' ', '-')}"
    (work / folder).mkdir(parents=True, exist_ok=True)
    for place, (name, picture) in enumerate(pictures):
        source = f"{kind} {name}"
        names = ["JPEG 90"] if place % EVERY else ["JPEG 90", COPIED[place // EVERY % len(COPIED)]]
        for number, edit in enumerate(names):
            change = EDIT_NAMED[edit]
            path = f"{folder}/{name}-{number}{change.suffix}"
            if not (work / path).exists():
                data = io.BytesIO()
                edited = change.change(picture, Random(f"{source}:{edit}"))
                form = {".jpg": "JPEG", ".webp": "WEBP", ".png": "PNG"}[change.suffix]
                edited.save(data, form, **change.save)
                (work / path).write_bytes(data.getvalue())
            role = "edit" if number else "negative"
            yield Item(path, role, kind, kind, source, source, (), kind)


def by_kind(score: Score, kinds: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Of each kind the files, the impure groups with such, the most files of one, copies found."""
    groups, largest = Counter[str](), defaultdict[str, int](int)
    for group in score.details["impure"]:
        for kind in {path.split("/")[1] for path in group}:
            groups[kind] += 1
            largest[kind] = max(largest[kind], len(group))
    for kind in kinds:
        folder = kind.replace(" ", "-")
        found = f"{share(*score.by_class.get(kind, (0, 0))):.2f}"
        yield kind, str(groups[folder]), str(largest[folder]), found


def measure(arguments: argparse.Namespace) -> None:
    work, real = arguments.work.resolve(), dict(arguments.real)
    kinds = arguments.kinds or sorted({*KINDS, *real})
    items = []
    for kind in kinds:
        pictures = (
            given(Path(real[kind]), arguments.count)
            if kind in real
            else drawn(kind, arguments.count)
        )
        items += list(made(work, kind, pictures))
    chosen = work / "chosen"
    head = ["tool", "kind", "impure groups", "most files", "copies found"]
    rows = []
    for mode in arguments.presets:
        run = timed(mode, product(mode, linked(chosen, work, items), work, 0))
        if not isinstance(run, Run):
            print(run)
            continue
        score = scored(run, items, chosen)
        rows += [(mode, *row) for row in by_kind(score, kinds)]
        rows.append(
            (
                f"{mode}: {run.cpu:.0f} CPU s",
                "all",
                str(score.impure),
                str(score.largest),
                f"{score.copies:.2f}",
            )
        )
    print(f"{len(items):,} files.\n\n{table(head, rows)}")


def taken_for_documents(photos: Path) -> None:
    """Say which of the listed photographs are taken for documents."""
    distinct, _ = photos_in(photos, HERE)
    pages = []
    for name in distinct:
        look = fingerprint.look_of(loaded(photos / name))
        if look and look.views[0].is_page:
            pages.append(name)
    print("\n".join(pages))
    print(f"{len(pages)} of {len(distinct)} photographs are taken for documents.")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], allow_abbrev=False)
    parser.add_argument("--work", type=Path, help="where the pictures are made")
    parser.add_argument("--count", type=int, default=100, help="pictures of each kind")
    parser.add_argument("--kinds", nargs="*", choices=sorted(KINDS))
    parser.add_argument("--real", action="append", default=[], type=lambda s: s.split("=", 1))
    parser.add_argument("--presets", nargs="*", default=["similar"], help="as of accuracy.py")
    parser.add_argument("--photos", type=Path, help="which photographs are taken for documents")
    arguments = parser.parse_args()
    adopt_orphans()
    if arguments.photos:
        taken_for_documents(arguments.photos)
    if arguments.work:
        arguments.work.mkdir(parents=True, exist_ok=True)
        measure(arguments)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
