"""The benchmark's pictures that look alike and show different things."""

import hashlib
import sys
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent / "benchmarks"))

from lookalike_kinds import KINDS


def drawn(kind: str, place: int) -> str:
    picture = KINDS[kind](place, Random(f"{kind} {place}"))
    return hashlib.sha256(picture.tobytes()).hexdigest()


def test_each_number_of_a_kind_is_a_picture_of_its_own_and_always_the_same() -> None:
    for kind in KINDS:
        first, second = drawn(kind, 0), drawn(kind, 1)
        assert first != second, kind
        assert drawn(kind, 0) == first, kind
