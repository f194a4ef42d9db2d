"""The points of two pictures that lie on each other, drawn for people to look at."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from extras.points.features import LONG_SIDE, Places, points_of
from extras.points.proof import prove

SIDE = 600  # pixels of the longer side of either picture
GAP = 12  # pixels between the two
WIDEST = 4.0  # times its height, of both beside each other
MOST_LINES = 60  # more of them hide what they are to show
RADIUS = 4
BEHIND = (42, 43, 45)  # as the stage of the page
# That tell themselves apart, and stand out of most pictures, for people who see few colours, too.
COLOURS = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 200, 140),
    (240, 228, 66),
    (213, 94, 0),
    (240, 130, 200),
)
NONE = "no point of one lies on one of the other"
Picture = Image.Image


def drawn(one: bytes, other: bytes) -> bytes | str:
    """Two pictures beside or above each other, points that lie on each other joined, as a JPEG.

    They are given as files that show them upright. Says in words why there is nothing to draw.
    """
    pictures = [_opened(data) for data in (one, other)]
    proof = prove(*(points_of(np.asarray(picture.convert("L"))) for picture in pictures))
    if proof is None:
        return NONE
    room, second = _side_by_side(*pictures)
    step = -(-len(proof.ones) // MOST_LINES)
    draw = ImageDraw.Draw(room)
    ends = zip(_scaled(proof.ones, pictures[0]), _scaled(proof.others, pictures[1]), strict=True)
    for number, (left, right) in enumerate(list(ends)[::step]):
        right = right[0] + second[0], right[1] + second[1]
        colour = COLOURS[number % len(COLOURS)]
        draw.line((*left, *right), colour, 2)
        for x, y in (left, right):
            draw.ellipse((x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS), None, colour, 2)
    stream = io.BytesIO()
    room.save(stream, "JPEG", quality=90, subsampling=0)
    return stream.getvalue()


def _opened(data: bytes) -> Picture:
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    return ImageOps.contain(picture, (SIDE, SIDE), Image.Resampling.LANCZOS)


def _side_by_side(one: Picture, other: Picture) -> tuple[Picture, tuple[int, int]]:
    """Both pictures in one, two panoramas above each other, and where the other one lies."""
    if one.width + other.width > WIDEST * max(one.height, other.height):
        size = max(one.width, other.width), one.height + GAP + other.height
        second = 0, one.height + GAP
    else:
        size = one.width + GAP + other.width, max(one.height, other.height)
        second = one.width + GAP, 0
    room = Image.new("RGB", size, BEHIND)
    room.paste(one)
    room.paste(other, second)
    return room, second


def _scaled(places: Places, picture: Picture) -> list[tuple[float, float]]:
    """Places in a picture at the side that points are looked for as those in it as it is shown."""
    scale = max(picture.size) / LONG_SIDE
    return [(x * scale, y * scale) for x, y in places.tolist()]
