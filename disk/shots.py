"""Shots: what a camera wrote when it was pressed once, as RAW and as JPEG or HEIC beside it."""

import os
from collections.abc import Sequence

from disk.companions import folded, kind_of

RENDERINGS = frozenset(".jpg .jpeg .jpe .heic .heif .hif".split())  # that cameras make of a RAW


def shot_of(path: str) -> tuple[str, str]:
    """What the files of one shot share: their folder, and their name without its ending."""
    folder, name = os.path.split(path)
    return folder, folded(os.path.splitext(name)[0])


def is_raw(path: str) -> bool:
    return kind_of(path) == "RAW"


def is_rendering(path: str) -> bool:
    """Whether a file may be what a camera made of a RAW, by its name."""
    return os.path.splitext(path)[1].lower() in RENDERINGS


def is_one_shot(paths: Sequence[str]) -> bool:
    """Whether some files are one shot and nothing else: one RAW, and what the camera made of it."""
    raws = sum(map(is_raw, paths))
    rest = sum(map(is_rendering, paths))
    one = len({shot_of(path) for path in paths}) == 1
    return one and raws == 1 and rest == len(paths) - 1 > 0
