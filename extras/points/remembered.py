"""What points have proven of pairs of pictures, as one search leaves it for the next.

It hangs on what is compared of the two and on nothing else, and to prove a pair takes longer than
all else that is done for it.
"""

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from extras.points.installed import made_by
from grouping import Region
from pictures.looks import Spooled, digest
from pictures.searches import Memory

# Raised by hand whenever a proof says something else of two pictures.
PROOF = 16
HEAD = struct.Struct("<QQ")  # pairs that don't match, and that do
KEY_BYTES = 16
NUMBERS = 18  # of a pair that matches: the share, two boxes of each picture, whether it holds
MOST_PAIRS = 500_000  # of more nothing is remembered: they would take 100 MB of memory


@dataclass(frozen=True, slots=True)
class Shown:
    """What is known of two pictures of which points don't deny that they show the same.

    `share` is that of the points with a partner, `regions` are where each is seen in the other one.
    All are numbers of 32 bits, as they are remembered. `holds` says whether points alone prove it;
    else they bear out what is known by other means.
    """

    share: float
    regions: tuple[Region, Region]
    holds: bool


Known = dict[bytes, Shown | None]


@dataclass(frozen=True, slots=True)
class Proofs:
    """What an earlier search has proven, and what this one asked for, by the keys of pairs."""

    before: Mapping[bytes, Shown | None] = field(default_factory=dict)
    asked: Known = field(default_factory=dict)

    def knows(self, key: bytes) -> bool:
        return key in self.asked or key in self.before

    def known(self, key: bytes) -> Shown | None:
        return self.asked[key] if key in self.asked else self.before[key]


def key_of(one: Sequence[bytes | Spooled], other: Sequence[bytes | Spooled]) -> bytes:
    """The key of a pair, by what is compared of the two pictures, which is as much of either."""
    both = b"".join(digest(part) for part in (*one, *other))
    return hashlib.blake2b(both, digest_size=KEY_BYTES).digest()


def recalled(memory: Memory | None) -> Proofs:
    """What an earlier search has left."""
    return Proofs(unpacked(memory.recall(_name(memory)))) if memory else Proofs()


def leave(memory: Memory | None, proofs: Proofs) -> None:
    """Leave for the next search what was asked for, if that is anything new."""
    asked = proofs.asked
    if memory and asked != proofs.before and len(asked) <= MOST_PAIRS:
        memory.remember(_name(memory), packed(asked))


def _name(memory: Memory) -> str:
    return f"{memory.words}; proof {PROOF}, {made_by()}, NumPy {np.__version__}"


# ---- As bytes


def packed(known: Known) -> bytes:
    """What is known of pairs as bytes, and before them a digest of these."""
    apart = sorted(key for key, shown in known.items() if shown is None)
    alike = sorted((key, shown) for key, shown in known.items() if shown is not None)
    numbers = np.array([numbers_of(shown) for _, shown in alike], "<f4").tobytes()
    keys = b"".join([*apart, *(key for key, _ in alike)])
    data = HEAD.pack(len(apart), len(alike)) + keys + numbers
    return hashlib.blake2b(data, digest_size=KEY_BYTES).digest() + data


def unpacked(data: bytes) -> Known:
    """What was packed; nothing for anything else."""
    check, data = data[:KEY_BYTES], data[KEY_BYTES:]
    if len(data) < HEAD.size or check != hashlib.blake2b(data, digest_size=KEY_BYTES).digest():
        return {}
    apart, alike = HEAD.unpack_from(data)
    starts = range(HEAD.size, HEAD.size + KEY_BYTES * (apart + alike), KEY_BYTES)
    keys = [data[start : start + KEY_BYTES] for start in starts]
    rows = np.frombuffer(data, "<f4", NUMBERS * alike, starts.stop).reshape(alike, NUMBERS)
    known: Known = dict.fromkeys(keys[:apart])
    for key, row in zip(keys[apart:], rows.tolist(), strict=True):
        known[key] = shown_in(row)
    return known


def shown_in(numbers: Sequence[float]) -> Shown:
    """What was made numbers."""
    return shown_of(numbers[0], np.array(numbers[1:-1]), holds=bool(numbers[-1]))


def numbers_of(shown: Shown) -> list[float]:
    """What is known of two pictures as numbers: the share, the boxes, and whether it holds."""
    one, other = shown.regions
    return [shown.share, *one.sure, *one.most, *other.sure, *other.most, shown.holds]


def shown_of(share: float, boxes: NDArray[np.floating], *, holds: bool) -> Shown:
    """What is known of two pictures by its numbers: 4 boxes of 4 edges are two regions."""
    rounded = np.array([share, *boxes.ravel().tolist()], np.float32).tolist()
    edges = [(a, b, c, d) for a, b, c, d in zip(*[iter(rounded[1:])] * 4, strict=True)]
    return Shown(rounded[0], (Region(*edges[:2]), Region(*edges[2:])), holds)
