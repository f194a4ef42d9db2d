"""When a picture was taken, by the words of its file, and whether a picture can be that old.

A date is kept as text (`2024-05-01 12:00:00.25`), in the local time of whoever took the picture.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache

WRITTEN = re.compile(
    r"\s*(\d{4})[-:](\d\d)[-:](\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d+))?", re.ASCII
)
FIRST_PHOTO = datetime(1826, 1, 1)  # the earliest that is left was taken in that year or the next
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ZONE = 14 * HOUR  # the farthest that a place's clock is from Greenwich's
MIDNIGHT = timedelta(seconds=1)

# Where clocks begin to count or come to an end, and what zeros become: from when, for how long.
# No picture was taken then; its file was dated by something that didn't know the time.
NO_DATES = (
    # A spreadsheet's day 0 and 1, and a date of zeros, as programs make one of it. Real pictures
    # of those years are scans, to which a person gave another day.
    (datetime(1899, 1, 1), MIDNIGHT),
    (datetime(1899, 11, 30), DAY),
    (datetime(1899, 12, 30), 2 * DAY),
    (datetime(1900, 1, 1), MIDNIGHT),
    (datetime(1904, 1, 1) - ZONE, DAY + 2 * ZONE),  # QuickTime and MP4 count from here
    (datetime(1970, 1, 1) - ZONE, DAY + 2 * ZONE),  # Unix
    (datetime(1979, 11, 30), DAY),  # FAT's date of zeros: day 0 of month 0 of 1980
    (datetime(1980, 1, 1) - ZONE, DAY + 2 * ZONE),  # FAT, and the cameras that keep such dates
    (datetime(1980, 1, 6), HOUR),  # GPS
    (datetime(1999, 11, 30), MIDNIGHT),  # a date of zeros again, by two digits of the year
    (datetime(2000, 1, 1), HOUR),  # what most cameras show when their battery was empty
    (datetime(2036, 2, 7), DAY),  # NTP's last second
    (datetime(2038, 1, 19) - ZONE, DAY + ZONE),  # Unix' last second in 32 bits
    (datetime(2040, 2, 6), DAY),  # QuickTime's
    (datetime(2106, 2, 7), DAY),  # Unix' without a sign
)
# From here on cameras begin at the first midnight of the year in which they were made, if nobody
# sets their clock. (So nothing but that is 2001's, from where Apple's clocks count.)
FIRST_FACTORY_YEAR = 1995
# Where such a clock stands if it ran on for a while: days from where most begin, and all of 1980,
# when no camera wrote files.
MOST_LIKELY_RAN_ON = {(1904, 1), (1970, 1), (2000, 1), *((1980, month) for month in range(1, 13))}


def moment(written: object, fraction: object = "") -> str:
    """A date of EXIF or XMP in one form, with a fraction of the second; empty if it is none.

    What has no day in the calendar is none.
    """
    match = WRITTEN.match(str(written))
    if not match:
        return ""
    try:
        datetime(*map(int, match.groups()[:6]))  # type: ignore[arg-type]
    except ValueError:
        return ""
    digits = str(fraction).replace("\0", " ").strip()
    if not (digits.isascii() and digits.isdigit()):
        digits = match[7] or ""
    return "{}-{}-{} {}:{}:{}".format(*match.groups()[:6]) + (f".{digits}" if digits else "")


@lru_cache(maxsize=4096)
def time_of(taken: str) -> datetime:
    """The time of a moment, to the microsecond."""
    whole, _, fraction = taken.partition(".")
    return datetime.fromisoformat(whole).replace(microsecond=int(fraction[:6].ljust(6, "0")))


def seconds_between(earlier: str, later: str) -> float:
    """The seconds from one moment to another; 0 if either is none."""
    return (time_of(later) - time_of(earlier)).total_seconds() if earlier and later else 0.0


def time_of_file(mtime_ns: int, ctime_ns: int = 0) -> datetime | None:
    """When a file came to be here at the latest, or None if its times can't be believed."""
    try:
        time = datetime(1970, 1, 1) + timedelta(microseconds=max(mtime_ns, ctime_ns) // 1000)
    except OverflowError:
        return None
    return time if time.year >= FIRST_FACTORY_YEAR else None


def is_plausible(taken: str, latest: datetime | None = None) -> bool:
    """Whether a picture may have been taken at a moment, which must not be after the latest.

    No picture has a date before photography, nor one at which only a clock was set.
    """
    time = time_of(taken)
    whole = time.replace(microsecond=0)
    if whole < FIRST_PHOTO or (latest is not None and time - latest > DAY):
        return False
    if whole.year >= FIRST_FACTORY_YEAR and whole == datetime(whole.year, 1, 1):
        return False
    return not any(start <= whole < start + length for start, length in NO_DATES)


def moments(written: Iterable[tuple[object, object]], changed: object) -> list[str]:
    """The moments of some dates with their fractions of the second; those that are none left out.

    When a file was changed last says nothing where another date stands, be it a wrong one.
    """
    found = filter(None, (moment(date, fraction) for date, fraction in written))
    return list(found) or list(filter(None, [moment(changed)]))


def first_plausible(moments: Iterable[str], latest: datetime | None = None) -> str:
    """The first of some moments at which a picture may have been taken; empty if there is none."""
    return next((found for found in moments if is_plausible(found, latest)), "")


def is_doubtful(taken: str) -> bool:
    """Whether a plausible date may be that of a clock which nobody set and which ran on.

    A picture may be that old, but it isn't if another file of it says otherwise.
    """
    time = time_of(taken)
    new_year = time.year >= FIRST_FACTORY_YEAR and (time.month, time.day) == (1, 1)
    return new_year or (time.year, time.month) in MOST_LIKELY_RAN_ON
