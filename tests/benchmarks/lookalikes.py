"""Measure what is put together of pictures that look alike and show different things.

    python tests/benchmarks/lookalikes.py --work WORK --count 100 \
        --presets copies similar crops 40 --real x-ray=FOLDER --real clothes=FOLDER
    python tests/benchmarks/lookalikes.py --work WORK --count 5000 --kinds receipt slide --search
    python tests/benchmarks/lookalikes.py --photos PHOTOS

Each kind of `lookalike_kinds.py` gets `--count` pictures under WORK, once, and so that to find
nothing has its price every fifth of them copies of its own: saved again, smaller, darker. The
files of a folder given with `--real` are one more kind, or stand for the drawn ones, each of them
another picture; identical ones are left out. `--seed` draws other pictures. With `--search` each
run is one for which the looks of all files are known and no search is remembered, so that it costs
the start, the walk, the cache and the search. With `--photos` it says instead which of the listed
photographs are taken for documents. A run's line says of a kind how many impure groups it has, how
many files the largest of these, and which share of the copies was found.
"""

import argparse
import contextlib
import hashlib
import io
import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from accuracy import Run, Score, adopt_orphans, product, scored, share, sureness, table
from edits import EDITS, Picture
from labelled import Item, linked, loaded, photos_in
from lookalike_kinds import KINDS

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pictures import fingerprint
from pictures.searches import SEARCHES

HERE = Path(__file__).resolve().parent
EDIT_NAMED = {edit.name: edit for edit in EDITS}
COPIED = ("JPEG 50", "size 50 %", "darker", "WebP")
EVERY = 5
LONGEST = 800  # pixels, of what is given
FORGET = "DELETE FROM made WHERE method IN (SELECT id FROM methods WHERE name = ?)"


def drawn(kind: str, count: int, seed: str) -> Iterator[tuple[str, Picture]]:
    for place in range(count):
        yield f"{seed}{place:05}", KINDS[kind](place, Random(f"{kind} {seed}{place}"))


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


def ran(mode: str, folder: Path, work: Path, cache: Path) -> tuple[Run, float]:
    """What find makes of a folder, and the most megabytes that a process of it had."""
    command = [*product(mode, folder, work, 0), "--cache-file", str(cache)]
    environment = {**os.environ, "XDG_CACHE_HOME": str(work), "XDG_STATE_HOME": str(work)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout
        found = json.loads(process.stdout.read())
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    sure = [sureness(link) for link in found["weakest_links"]]
    cpu = used.ru_utime + used.ru_stime
    return Run(mode, found["groups"], 0, cpu, sure), used.ru_maxrss / 1024


def searched(mode: str, folder: Path, work: Path) -> tuple[Run, float]:
    """The same where all looks are known, and nothing of a search."""
    cache = work / "looks.sqlite"
    ran(mode, folder, work, cache)
    with contextlib.closing(sqlite3.connect(cache)) as connection, connection:
        connection.execute(FORGET, (SEARCHES.name,))
    return ran(mode, folder, work, cache)


def fresh(mode: str, folder: Path, work: Path) -> tuple[Run, float]:
    """The same where nothing is known."""
    for path in work.glob("fresh.sqlite*"):
        path.unlink()
    return ran(mode, folder, work, work / "fresh.sqlite")


def planned(arguments: argparse.Namespace, work: Path, kinds: Sequence[str]) -> Iterator[Item]:
    """Make the files of all kinds."""
    real, count = dict(arguments.real), arguments.count
    for kind in kinds:
        if kind in real:
            yield from made(work, kind, given(Path(real[kind]), count))
        else:
            yield from made(work, kind, drawn(kind, count, arguments.seed))


def measure(arguments: argparse.Namespace) -> None:
    work = arguments.work.resolve()
    kinds = arguments.kinds or sorted({*KINDS, *dict(arguments.real)})
    items = list(planned(arguments, work, kinds))
    chosen = linked(work / "chosen", work, items)
    head = ["tool", "kind", "impure groups", "most files", "copies found", "CPU s", "peak MB"]
    rows = []
    for mode in arguments.presets:
        run, peak = (searched if arguments.search else fresh)(mode, chosen, work)
        score = scored(run, items, chosen)
        rows += [(mode, *row, "", "") for row in by_kind(score, kinds)]
        most = max(map(len, score.details["impure"]), default=0)
        figures = str(score.impure), str(most), f"{score.copies:.2f}"
        rows.append((mode, "all", *figures, f"{run.cpu:.1f}", f"{peak:.0f}"))
        print(table(head, rows[-len(kinds) - 1 :]), file=sys.stderr, flush=True)
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
    parser.add_argument("--seed", default="", help="draws other pictures")
    parser.add_argument("--search", action="store_true", help="where the looks are known")
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
