"""What is a date of a picture: on the calendar, and one at which it can have been taken."""

from datetime import datetime

import pytest

from pictures import dates

NO_MOMENTS = (
    "",
    "    :  :     :  :  ",
    "yesterday",
    "0000:00:00 00:00:00",
    "0000:01:01 10:00:00",
    "2019:02:30 10:00:00",
    "2023:02:29 10:00:00",
    "2024:13:01 10:00:00",
    "2024:00:10 10:00:00",
    "2024:05:00 10:00:00",
    "2024:05:01 24:00:00",
    "2024:05:01 10:60:00",
    "٢٠٢٤:05:01 10:00:00",
    None,
    b"\xff\xff",
)
NOT_TAKEN = (
    "0001-01-01 00:00:00",
    "1582-10-15 00:00:00",
    "1601-01-01 00:00:00",
    "1899-01-01 00:00:00",
    "1899-11-30 00:00:00",
    "1899-12-30 00:00:00",
    "1899-12-31 00:00:00",
    "1900-01-01 00:00:00",
    "1904-01-01 00:00:00",
    "1903-12-31 16:00:00",
    "1970-01-01 00:00:00",
    "1970-01-01 01:00:00",
    "1970-01-01 00:00:00.25",
    "1969-12-31 19:00:00",
    "1979-11-30 00:00:00",
    "1979-12-31 23:00:00",
    "1980-01-01 00:00:00",
    "1980-01-01 02:13:40",
    "1980-01-06 00:00:00",
    "1999-11-30 00:00:00",
    "2000-01-01 00:00:00",
    "2000-01-01 00:12:00",
    "2001-01-01 00:00:00",
    "2016-01-01 00:00:00",
    "2036-02-07 06:28:16",
    "2038-01-19 03:14:07",
    "2040-02-06 06:28:15",
    "2106-02-07 06:28:15",
)
TAKEN = (
    "1838-04-24 08:00:00",
    "1899-06-12 12:00:00",
    "1904-07-14 10:00:00",
    "1945-01-01 00:00:00",
    "1962-05-03 00:00:00",
    "1962-01-01 00:00:00",
    "1969-07-20 20:17:40",
    "1970-01-05 10:00:00",
    "1979-12-24 18:00:00",
    "1980-07-14 10:00:00",
    "1999-12-31 23:59:59",
    "2000-01-01 14:00:00",
    "2000-02-29 10:00:00",
    "2016-01-01 00:00:01",
    "2019-07-14 10:11:12",
    "2024-05-01 00:00:00",
)


@pytest.mark.parametrize("written", NO_MOMENTS)
def test_what_is_no_day_of_the_calendar_is_no_moment(written: object) -> None:
    assert dates.moment(written) == ""


@pytest.mark.parametrize(
    ("written", "fraction", "moment"),
    [
        ("2024:05:01 10:00:00", "", "2024-05-01 10:00:00"),
        ("2024-05-01T10:00:00.5+02:00", "", "2024-05-01 10:00:00.5"),
        ("2024:05:01 10:00:00\0", "25", "2024-05-01 10:00:00.25"),
        ("2024:05:01 10:00:00", "007 \0", "2024-05-01 10:00:00.007"),
        ("2024:05:01 10:00:00", "many", "2024-05-01 10:00:00"),
        ("2024:05:01 10:00:00", "²", "2024-05-01 10:00:00"),
    ],
)
def test_a_moment_has_one_form(written: str, fraction: str, moment: str) -> None:
    assert dates.moment(written, fraction) == moment
    assert dates.moment(moment) == moment


@pytest.mark.parametrize("taken", NOT_TAKEN)
def test_nothing_was_taken_where_only_a_clock_was_set(taken: str) -> None:
    assert not dates.is_plausible(taken)


@pytest.mark.parametrize("taken", TAKEN)
def test_old_and_new_pictures_have_dates(taken: str) -> None:
    assert dates.is_plausible(taken)


@pytest.mark.parametrize(
    ("taken", "doubtful"),
    [
        ("2000-01-01 02:30:00", True),
        ("2000-01-12 10:00:00", True),
        ("2005-01-01 00:03:11", True),
        ("2016-01-01 23:00:00.5", True),
        ("1980-02-01 00:00:00", True),
        ("1980-12-31 10:00:00", True),
        ("1970-01-05 10:00:00", True),
        ("2005-01-02 00:03:11", False),
        ("2000-02-01 10:00:00", False),
        ("1981-07-14 10:00:00", False),
        ("1962-01-01 12:00:00", False),
        ("2019-07-14 10:11:12", False),
    ],
)
def test_where_a_clock_ran_on_that_nobody_set_a_date_is_doubtful(
    taken: str, doubtful: bool
) -> None:
    assert dates.is_plausible(taken)
    assert dates.is_doubtful(taken) is doubtful


def test_nothing_was_taken_a_day_after_its_file_was_written() -> None:
    latest = datetime(2024, 5, 1, 12)
    assert dates.is_plausible("2024-05-02 02:00:00", latest)  # a place's clock may be ahead
    assert not dates.is_plausible("2024-05-02 12:00:01", latest)
    assert not dates.is_plausible("9999-12-31 23:59:59.999", latest)
    assert dates.is_plausible("1962-05-03 00:00:00", latest)


def test_a_file_is_as_old_as_the_later_of_its_times() -> None:
    assert dates.time_of_file(10**18, 10**18 + 10**9) == datetime(2001, 9, 9, 1, 46, 41)
    assert dates.time_of_file(0) is None  # no file is from 1970
    assert dates.time_of_file(10**30) is None
