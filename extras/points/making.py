"""The local features of a picture as bytes: as a worker makes them, and as the store keeps them.

The words come first, which propose what to compare, and then the points, which prove it. To find
the words takes as long as to find the points, so it is done once.
"""

import struct

import numpy as np

from extras.points.features import Gray, Points, packed, points_of, unpacked
from extras.points.words import Bag, bag_of

HEAD = struct.Struct("<HH")  # how many words the picture has, and the mirrored one
WORD = np.dtype("<u2")


def made_of(gray: Gray) -> bytes:
    """The words and points of an upright gray picture of any size, as bytes."""
    points = points_of(gray)
    plain, mirrored = (words.astype(WORD) for words in bag_of(points))
    head = HEAD.pack(len(plain), len(mirrored))
    return b"".join((head, plain.tobytes(), mirrored.tobytes(), packed(points)))


def bag_in(data: bytes) -> tuple[Bag, Bag]:
    """The words of a picture and of the mirrored one, of what `made_of` made."""
    plain, mirrored = HEAD.unpack_from(data)
    words = np.frombuffer(data, WORD, plain + mirrored, HEAD.size).astype(np.uint16)
    return words[:plain], words[plain:]


def points_in(data: bytes) -> Points:
    """The points of a picture, of what `made_of` made."""
    return unpacked(data[HEAD.size + WORD.itemsize * sum(HEAD.unpack_from(data)) :])
