"""The local features of a picture as bytes: as a worker makes them, and as the store keeps them."""

from extras.points.features import Gray, Points, packed, points_of, unpacked
from extras.points.words import Bags, bag_of


def made_of(gray: Gray) -> bytes:
    """The points of an upright gray picture of any size, as bytes."""
    return packed(points_of(gray))


def bag_in(data: bytes, *, drawn: bool = False) -> Bags:
    """The words of a picture, drawn or not, and of the mirrored one, of what `made_of` made."""
    return bag_of(unpacked(data), drawn=drawn)


def points_in(data: bytes) -> Points:
    """The points of a picture, of what `made_of` made."""
    return unpacked(data)
