"""What triggered an event, and what filters said: I3TriggerHierarchy, I3FilterResultMap."""

import struct
from typing import NamedTuple

from converters.readers.i3.archive import Archive, Kind
from converters.readers.i3.classes.base import FRAME_OBJECT, framed
from converters.readers.i3.classes.tree import Nodes, nested

_SPAN = struct.Struct("<ddB")
_SOURCE_TYPE = struct.Struct("<ii")
_I32 = struct.Struct("<i")
_OLD_UNIT_NS = 0.1


class TriggerKey(NamedTuple):
    """Which trigger: the integers of the program that wrote it.

    Parameters
    ----------
    source, type, subtype
        As in the source; -1 for a subtype that the version does not have.
    config
        Number of its configuration, -1 without one.
    """

    source: int
    type: int
    subtype: int
    config: int


class Trigger(NamedTuple):
    """A trigger; times in ns relative to the event."""

    time: float
    length: float
    fired: bool
    key: TriggerKey


class FilterResult(NamedTuple):
    """What a filter said: if the event met its condition, and if it passed the prescale."""

    condition: bool
    prescale: bool


def _key(archive: Archive, version: int) -> TriggerKey:
    source, kind = archive.unpack(_SOURCE_TYPE)
    subtype = archive.unpack(_I32)[0] if version > 0 else -1
    config = archive.unpack(_I32)[0] if archive.flag() else -1
    return TriggerKey(source, kind, subtype, config)


_KEY: Kind[TriggerKey] = Kind("TriggerKey", 1, _key)


def _trigger(archive: Archive, version: int) -> Trigger:
    time, length, fired = archive.unpack(_SPAN)
    unit = _OLD_UNIT_NS if version == 0 else 1.0
    return Trigger(time * unit, length * unit, bool(fired), archive.object(_KEY))


_TRIGGER: Kind[Trigger] = Kind("I3Trigger", 1, _trigger)


def _hierarchy(archive: Archive, version: int) -> Nodes[Trigger]:  # noqa: ARG001  there is one version only
    archive.object(FRAME_OBJECT)
    return nested(archive, lambda one: one.object(_TRIGGER))


TRIGGER_HIERARCHY: Kind[Nodes[Trigger]] = Kind("I3TriggerHierarchy", 0, _hierarchy)

_FILTER_RESULT = framed("I3FilterResult", lambda archive: FilterResult(archive.flag(), archive.flag()))
FILTER_RESULTS = framed(
    "I3FilterResultMap",
    lambda archive: archive.pairs("map of results", lambda one: (one.text(), one.object(_FILTER_RESULT))),
)
