"""Whether two files hold the very same pixels, which is looked at closely only where it may be."""

import numpy as np

from extras.review.facts import Facts

MOST_OFF = 4.0  # gray levels: what a small scale makes of the same pixels in files of two formats
EVERY = 8  # byte of a thumbprint that is compared


def are_same(one: Facts, other: Facts) -> bool:
    """Whether two files surely hold the same pixels, as they are stored."""
    if one.coded and one.coded == other.coded:
        return True
    if not may_be_same(one, other):
        return False
    return bool(one.deep.pixels) and one.deep.pixels == other.deep.pixels


def may_be_same(one: Facts, other: Facts) -> bool:
    """Whether two pictures may have the same pixels by all that is known at a glance.

    JPEGs of two qualities don't: the waves of one aren't multiples of the other's steps.
    """
    if one.stored_size != other.stored_size or one.damage or other.damage:
        return False
    if None not in (one.quality, other.quality) and one.quality != other.quality:
        return False
    return one.orientation != other.orientation or _look_alike(one.thumbprint, other.thumbprint)


def _look_alike(one: bytes, other: bytes) -> bool:
    if not one or not other:
        return True
    levels = (np.frombuffer(print_, np.uint8)[::EVERY].astype(int) for print_ in (one, other))
    return float(np.abs(np.subtract(*levels)).mean()) <= MOST_OFF
