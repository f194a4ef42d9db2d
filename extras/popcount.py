"""Compiled loops that count the bits in which hashes of 256 bits differ, pair by pair.

A compiler takes the sums of `_bits` for what they are and counts several words at once, where a
processor can. NumPy does the same step by step, through memory, in five times as long
(`pictures/exhaustive.py`). Nothing is kept on disk: compiling takes about a second of each run
that is worth it.
"""

import numpy as np
from llvmlite.binding import get_host_cpu_features, get_host_cpu_name
from numba import config, njit, types

if vars(config)["DISABLE_JIT"]:  # NumPy is far quicker than such loops as Python
    raise ImportError("NUMBA_DISABLE_JIT is set")
HOST = get_host_cpu_features()
if HOST.get("avx512vpopcntdq"):
    # There a vector of 512 bits is counted as quickly as one of 256, which the compiler prefers.
    features = f"{HOST.flatten()},-prefer-256-bit"
    vars(config).update(CPU_NAME=get_host_cpu_name(), CPU_FEATURES=features)

STEP = 1024  # as in pictures/exhaustive.py, so that what is found comes in one order
WORD = np.uint64(64)  # bits
MORE = np.uint64(1 << 9)  # than any distance
PAIRS, FOURS, BYTES, SUM = (
    np.uint64(mask)
    for mask in (
        0x5555555555555555,
        0x3333333333333333,
        0x0F0F0F0F0F0F0F0F,
        0x0101010101010101,
    )
)
ONE, TWO, FOUR, TOP = (np.uint64(shift) for shift in (1, 2, 4, 56))
HASHES = types.Array(types.uint64, 2, "C", readonly=True)  # or any that may be written
# Rows, columns by words, the first and the last of these, a threshold, room for places.
LOOP = types.int64(HASHES, HASHES, types.int64, types.int64, types.uint64, types.int64[::1])


@njit("uint64(uint64)", nogil=True)
def _bits(word):
    """How many bits are set, added up in pairs, in fours, in bytes and by a multiplication."""
    word = word - ((word >> ONE) & PAIRS)
    word = (word & FOURS) + ((word >> TWO) & FOURS)
    return (((word + (word >> FOUR)) & BYTES) * SUM) >> TOP


@njit("uint64(uint64, uint64)", nogil=True)
def _folded(one, other):
    """In how many bits two words differ, or one and the other's complement if that is less."""
    differing = _bits(one ^ other)
    return min(differing, WORD - differing)


@njit(LOOP, nogil=True)
def close(rows, columns, first, last, threshold, places):
    """How many pairs differ in at most `threshold` bits; their places, row * width + column."""
    count = 0
    for start in range(first, last, STEP):
        stop = min(start + STEP, last)
        c0, c1 = columns[0, start:stop], columns[1, start:stop]
        c2, c3 = columns[2, start:stop], columns[3, start:stop]
        for row in range(len(rows)):
            r0, r1, r2, r3 = rows[row]
            least = MORE
            for n in range(len(c0)):
                bits = _bits(r0 ^ c0[n]) + _bits(r1 ^ c1[n]) + _bits(r2 ^ c2[n]) + _bits(r3 ^ c3[n])
                least = min(least, bits)
            if least > threshold:
                continue
            for n in range(len(c0)):
                bits = _bits(r0 ^ c0[n]) + _bits(r1 ^ c1[n]) + _bits(r2 ^ c2[n]) + _bits(r3 ^ c3[n])
                if bits <= threshold:
                    if count < len(places):
                        places[count] = row * columns.shape[1] + start + n
                    count += 1
    return count


@njit(LOOP, nogil=True)
def close_folded(rows, columns, first, last, threshold, places):
    """The same, of pairs that are close when words are complemented where they then differ less.

    Three of the four words rule out nearly all pairs.
    """
    count = 0
    for start in range(first, last, STEP):
        stop = min(start + STEP, last)
        c0, c1 = columns[0, start:stop], columns[1, start:stop]
        c2, c3 = columns[2, start:stop], columns[3, start:stop]
        for row in range(len(rows)):
            r0, r1, r2, r3 = rows[row]
            least = MORE
            for n in range(len(c0)):
                bits = _folded(r0, c0[n]) + _folded(r1, c1[n]) + _folded(r2, c2[n])
                least = min(least, bits)
            if least > threshold:
                continue
            for n in range(len(c0)):
                bits = _folded(r0, c0[n]) + _folded(r1, c1[n]) + _folded(r2, c2[n])
                if bits + _folded(r3, c3[n]) <= threshold:
                    if count < len(places):
                        places[count] = row * columns.shape[1] + start + n
                    count += 1
    return count
