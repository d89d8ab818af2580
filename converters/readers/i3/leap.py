"""From I3Time to UNIX time.

The ticks of an I3Time count leap seconds. One at the end of 30 June shifts the rest of its year by a second; one at the
end of 31 December needs nothing, since the next year begins anew (icecube/icetray-public: dataclasses, I3Time and
I3TimeUtils; dates: IERS Bulletin C). No sample lies behind a leap second of June, so this is stated, not seen.
"""

import calendar

from converters.readers.i3.classes.time import Time

_TICKS_PER_SECOND = 10**10
_TICKS_PER_NS = 10
_JUNE_LEAPS = frozenset({1972, 1981, 1982, 1983, 1985, 1992, 1993, 1994, 1997, 2012, 2015})
_FIRST_YEAR, _LAST_YEAR = 1970, 2099
_SECONDS_PER_DAY = 86_400


def unix_time(time: Time) -> tuple[int, int]:
    """Convert a time.

    Parameters
    ----------
    time
        As in the frame.

    Returns
    -------
    seconds, nanoseconds : int
        Since 1970-01-01T00:00:00 UTC, and within the second (tenths are cut off); -1, -1 for what is no time.
        The leap second itself, which UNIX time does not have, becomes the first second of July.
    """
    days = 366 if calendar.isleap(time.year) else 365
    seconds, rest = divmod(time.ticks, _TICKS_PER_SECOND)
    if not _FIRST_YEAR <= time.year <= _LAST_YEAR or not 0 <= seconds <= days * _SECONDS_PER_DAY:
        return -1, -1
    if time.year in _JUNE_LEAPS and seconds > _days_to_july(time.year) * _SECONDS_PER_DAY:
        seconds -= 1
    return calendar.timegm((time.year, 1, 1, 0, 0, 0)) + seconds, rest // _TICKS_PER_NS


def _days_to_july(year: int) -> int:
    return 182 if calendar.isleap(year) else 181
