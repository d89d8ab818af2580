"""Times: I3Time and I3TimeWindow."""

import struct
from typing import NamedTuple

from converters.readers.i3.archive import Archive, Kind
from converters.readers.i3.classes.base import FRAME_OBJECT, framed

_YEAR_TICKS = struct.Struct("<iq")
_TWO = struct.Struct("<dd")


class Time(NamedTuple):
    """A moment.

    Parameters
    ----------
    year
        UTC.
    ticks
        Tenths of a nanosecond since the year began, leap seconds counted.
    """

    year: int
    ticks: int


class TimeWindow(NamedTuple):
    """A stretch of time relative to the event, ns."""

    start: float
    stop: float


def _window(archive: Archive, version: int) -> TimeWindow:
    if version > 0:
        archive.object(FRAME_OBJECT)
    return TimeWindow(*archive.unpack(_TWO))


TIME = framed("I3Time", lambda archive: Time(*archive.unpack(_YEAR_TICKS)))
TIME_WINDOW: Kind[TimeWindow] = Kind("I3TimeWindow", 1, _window)
