"""Places: I3Position, I3Direction, I3Orientation, OMKey, I3Geometry."""

import struct
from dataclasses import dataclass
from typing import NamedTuple

from converters.readers.i3.archive import Archive, Kind
from converters.readers.i3.classes.base import FRAME_OBJECT, framed
from converters.readers.i3.classes.time import TIME, Time
from converters.readers.i3.faults import UnknownLayoutError

_TWO = struct.Struct("<dd")
_THREE = struct.Struct("<ddd")
_FOUR = struct.Struct("<dddd")
_I32 = struct.Struct("<i")
_F64 = struct.Struct("<d")
_KEY = struct.Struct("<iI")
_U8 = struct.Struct("<B")


class Position(NamedTuple):
    """A place, m."""

    x: float
    y: float
    z: float


class Direction(NamedTuple):
    """Where a particle comes from, rad."""

    zenith: float
    azimuth: float


class OMKey(NamedTuple):
    """An optical module: in ANTARES the line 1-12 and the module on it, 1-75."""

    string: int
    om: int
    pmt: int


class OMGeo(NamedTuple):
    """Where an optical module is, and its type."""

    position: Position
    om_type: int


@dataclass(frozen=True, slots=True)
class Geometry:
    """The optical modules of a detector, and when the description holds."""

    modules: tuple[tuple[OMKey, OMGeo], ...]
    start: Time
    end: Time


POSITION = framed("I3Position", lambda archive: Position(*archive.unpack(_THREE)))
DIRECTION = framed("I3Direction", lambda archive: Direction(*archive.unpack(_TWO)))
_QUATERNION = framed("I3Quaternion", lambda archive: archive.unpack(_FOUR))
_ORIENTATION = framed("I3Orientation", lambda archive: archive.object(_QUATERNION))


def _om_key(archive: Archive, version: int) -> OMKey:
    if version < 2:
        archive.object(FRAME_OBJECT)
    string, om = archive.unpack(_KEY)
    return OMKey(string, om, archive.unpack(_U8)[0] if version > 0 else 0)


OM_KEY: Kind[OMKey] = Kind("OMKey", 2, _om_key)


def _om_geo(archive: Archive, version: int) -> OMGeo:
    position = archive.object(POSITION)
    if version == 0:
        archive.unpack(_I32)
    else:
        archive.object(_ORIENTATION)
    om_type = archive.unpack(_I32)[0]
    archive.unpack(_F64)
    if version == 0:
        archive.unpack(_F64)
    if version > 1:
        archive.unpack(_I32)
    return OMGeo(position, om_type)


OM_GEO: Kind[OMGeo] = Kind("I3OMGeo", 2, _om_geo)


def _modules(archive: Archive) -> list[tuple[OMKey, OMGeo]]:
    return archive.pairs("map of modules", lambda one: (one.object(OM_KEY), one.object(OM_GEO)))


def _tank(archive: Archive) -> None:  # noqa: ARG001  it is not read
    raise UnknownLayoutError("I3TankGeo: a tank on the surface")


def _tanks(archive: Archive) -> None:
    archive.pairs("map of tanks", _tank)


_MODULE_MAP = framed("I3OMGeoMap", _modules)
_TANK_MAP = framed("I3StationGeoMap", _tanks)


def _geometry(archive: Archive, version: int) -> Geometry:
    archive.object(FRAME_OBJECT)
    if version == 0:
        modules = _modules(archive)
        _tanks(archive)
    else:
        modules = archive.object(_MODULE_MAP)
        archive.object(_TANK_MAP)
    return Geometry(tuple(modules), archive.object(TIME), archive.object(TIME))


GEOMETRY: Kind[Geometry] = Kind("I3Geometry", 1, _geometry)
