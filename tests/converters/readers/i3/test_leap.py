"""Times with leap seconds, against dates that everyone can check."""

from datetime import UTC, datetime

import pytest

from converters.readers.i3.classes.time import Time
from converters.readers.i3.leap import unix_time

SECOND = 10**10


def unix(*moment):
    return int(datetime(*moment, tzinfo=UTC).timestamp())


def ticks(*moment, leap=0):
    return (unix(*moment) - unix(moment[0], 1, 1) + leap) * SECOND


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (Time(2009, 0), (unix(2009, 1, 1), 0)),
        (Time(2009, 12_345_678_901), (unix(2009, 1, 1) + 1, 234_567_890)),
        (Time(2011, ticks(2011, 12, 31, 23, 59, 59)), (unix(2011, 12, 31, 23, 59, 59), 0)),
        # A leap second followed 30 June 2012 and 2015 (IERS Bulletin C 43 and 49).
        (Time(2012, ticks(2012, 6, 30, 23, 59, 59)), (unix(2012, 6, 30, 23, 59, 59), 0)),
        (Time(2012, ticks(2012, 7, 1)), (unix(2012, 7, 1), 0)),
        (Time(2012, ticks(2012, 7, 1, leap=1)), (unix(2012, 7, 1), 0)),
        (Time(2012, ticks(2012, 12, 31, 23, 59, 59, leap=1)), (unix(2012, 12, 31, 23, 59, 59), 0)),
        (Time(2015, ticks(2015, 8, 1, leap=1)), (unix(2015, 8, 1), 0)),
        (Time(2014, ticks(2014, 8, 1)), (unix(2014, 8, 1), 0)),
        # One followed 31 December 2008 and 2016: the next year begins anew.
        (Time(2008, ticks(2008, 12, 31, 23, 59, 59)), (unix(2008, 12, 31, 23, 59, 59), 0)),
        (Time(2017, ticks(2017, 3, 1)), (unix(2017, 3, 1), 0)),
    ],
)
def test_times(time, expected):
    assert unix_time(time) == expected


@pytest.mark.parametrize(
    "time", [Time(0, 0), Time(1969, 0), Time(2100, 0), Time(2009, -1), Time(2009, 367 * 86400 * SECOND), Time(-5, 3)]
)
def test_what_is_no_time(time):
    assert unix_time(time) == (-1, -1)
