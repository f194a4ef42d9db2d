"""HEICs and RAWs that are broken at random, and what becomes of them in the pool of workers.

    python tests/mutants.py              500 of each, in a table; exit code 1 if one escapes
    python tests/mutants.py 2000 FILE... so many of each of some files besides

A file may be hashed or unreadable, each with a reason; whatever its decoder does, the others go on.
"""

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import finder  # noqa: E402
from disk.files import ImageFile  # noqa: E402
from pictures.images import Holding, Unreadable  # noqa: E402
from pictures.recipe import Recipe  # noqa: E402

HEADER_SHARE = 0.7  # of the changes are made near the beginning, where the tables are
HEADER_BYTES = 4096
ODD = (b"\0", b"\xff", b"\x7f", b"\x80", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff")


def mutant(data: bytes, seed: int) -> bytes:
    """A file with some bytes changed, left out, doubled or cut off; the same for a seed."""
    choose = random.Random(seed)
    made = bytearray(data)
    for _ in range(choose.randint(1, 8)):
        near = choose.random() < HEADER_SHARE
        place = choose.randrange(min(len(made), HEADER_BYTES) if near else len(made))
        kind = choose.randrange(10)
        if kind < 5:
            made[place] = choose.randrange(256)
        elif kind < 7:
            odd = choose.choice(ODD)
            made[place : place + len(odd)] = odd
        elif kind == 7:
            del made[place : place + choose.randint(1, 64)]
        elif kind == 8:
            made[place:place] = made[place : place + choose.randint(1, 64)]
        elif choose.random() < 0.2:
            del made[max(place, 16) :]
    return bytes(made) or b"\0"


def outcomes(data: bytes, suffix: str, count: int, workers: int = 2) -> Counter[str]:
    """What becomes of mutants of a file, each hashed and looked into; by what is said of it."""
    said: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for seed in range(count):
            path = Path(folder) / f"{seed}{suffix}"
            path.write_bytes(mutant(data, seed))
            files.append(ImageFile(str(path), path.stat().st_size, 0))
        hashed = list(finder.hash_files(files, Recipe(by_thumbnail=True), workers))
        held = list(finder.holdings(files, workers))
    for found in hashed:
        if isinstance(found, Unreadable):
            said["crashed its decoder" if "crashed" in found.reason else "unreadable"] += 1
        else:
            said["damaged" if found.damage else "hashed"] += 1
    said["looked into"] = sum(isinstance(found, Holding) for found in held)
    said["lost"] = 2 * count - len(hashed) - len(held)
    return said


def made() -> dict[str, tuple[bytes, str]]:
    """A HEIC and RAWs with the endings of their names, by what they are."""
    from made_pictures import CAT, encoded, photo
    from made_raw import dng
    from test_heic import heic, with_thumbnail

    small = encoded(photo(CAT).resize((160, 120)), "JPEG")
    return {
        "a HEIC": (heic(photo(CAT), photo(CAT).resize((90, 60))), ".heic"),
        "a HEIC with a thumbnail": (with_thumbnail(photo(CAT)), ".heic"),
        "a RAW": (dng(photo(CAT)), ".dng"),
        "a RAW with a thumbnail": (dng(photo(CAT), thumbnail=small), ".nef"),
    }


def main(arguments: Sequence[str]) -> int:
    count = int(arguments[0]) if arguments else 500
    given = {path: (Path(path).read_bytes(), Path(path).suffix) for path in arguments[1:]}
    files = {**made(), **given}
    lost = 0
    for name, (data, suffix) in files.items():
        said = outcomes(data, suffix, count)
        lost += said["lost"]
        print(f"{name:30} {dict(said)}", flush=True)
    return int(lost > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
