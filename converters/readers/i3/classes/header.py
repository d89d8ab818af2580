"""I3EventHeader: run, event and time."""

import struct
from typing import NamedTuple

from converters.readers.i3.archive import Archive, Kind
from converters.readers.i3.classes.base import FRAME_OBJECT
from converters.readers.i3.classes.time import TIME, Time

_U32 = struct.Struct("<I")
_I32 = struct.Struct("<i")
_MISSING = -1


class EventHeader(NamedTuple):
    """Who and when an event is.

    Parameters
    ----------
    run, subrun, event, subevent
        Numbers; -1 where the class version does not have them.
    state
        20 = OK, -1 where the class version does not have it.
    stream
        Name of the split that made the subevent, ``""`` without one.
    start, end
        Times.
    """

    run: int
    subrun: int
    event: int
    state: int
    subevent: int
    stream: str
    start: Time
    end: Time


def _load(archive: Archive, version: int) -> EventHeader:
    archive.object(FRAME_OBJECT)
    run = archive.unpack(_U32)[0]
    subrun = archive.unpack(_U32)[0] if version > 0 else _MISSING
    event = archive.unpack(_U32)[0]
    state = archive.unpack(_I32)[0] if version > 1 else _MISSING
    subevent, stream = (archive.unpack(_U32)[0], archive.text()) if version > 2 else (_MISSING, "")
    start, end = archive.object(TIME), archive.object(TIME)
    return EventHeader(run, subrun, event, state, subevent, stream, start, end)


EVENT_HEADER: Kind[EventHeader] = Kind("I3EventHeader", 3, _load)
