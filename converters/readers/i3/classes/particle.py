"""I3Particle: reconstructed tracks and showers, and simulated particles."""

import struct
from operator import itemgetter
from typing import NamedTuple

from converters.readers.i3.archive import Archive, Kind
from converters.readers.i3.classes.base import FRAME_OBJECT, framed
from converters.readers.i3.classes.space import DIRECTION, POSITION, Direction, Position

NEWEST = 6
BJORKEN = 4
"""Version in which SeaTray has Bjorken x and y."""
_SINGLE_PRECISION = 6

_I32 = struct.Struct("<i")
_U64 = struct.Struct("<Q")
_F64 = struct.Struct("<d")
_TWO = struct.Struct("<dd")
_PARENTS = struct.Struct("<ii")
_STATE = struct.Struct("<iii")
_MOTION = struct.Struct("<dddd")
_SINGLE = struct.Struct("<9f")
USUAL_VERSIONS = (2, 3, 5)
"""Versions with the same members."""
_USUAL = struct.Struct("<IiQiiiII3dII2d4di")
"""An I3Particle behind its own number, with the numbers of the objects in it."""
_numbers = itemgetter(0, 6, 7, 11, 12)
_members = itemgetter(*range(1, 6), *range(8, 11), *range(13, 20))
_TRACKED = (1, 0)
_PARTS = (FRAME_OBJECT.name, POSITION.name, DIRECTION.name)
_NAN = float("nan")
_VECTOR = "vector of particles"


class Particle(NamedTuple):
    """A particle. A tuple, since an event can have thousands of them.

    Parameters
    ----------
    version
        Class version; it says which list `code` is from.
    minor, major
        Its number and that of its process; `major` is -1 where the version does not have it.
    code
        Type: RDMC up to version 2, CORSIKA-like in 3 and 4, PDG from 5 on.
    shape, fit_status, location
        As in the source; `location` is -1 where the version does not have it.
    x, y, z
        Where it is, m.
    zenith, azimuth
        Where it comes from, rad.
    time
        ns.
    energy
        Kinetic, GeV.
    length
        m.
    speed
        m/ns.
    bjorken_x, bjorken_y
        NaN but in SeaTray's version 4.
    """

    version: int
    minor: int
    major: int
    code: int
    shape: int
    fit_status: int
    x: float
    y: float
    z: float
    zenith: float
    azimuth: float
    time: float
    energy: float
    length: float
    speed: float
    location: int
    bjorken_x: float
    bjorken_y: float

    @property
    def position(self) -> Position:
        """Where it is."""
        return Position(self.x, self.y, self.z)

    @property
    def direction(self) -> Direction:
        """Where it comes from."""
        return Direction(self.zenith, self.azimuth)


def _usual(archive: Archive, version: int) -> Particle | None:
    """Read a particle without a call for each member, None unless all of it is new and tracked.

    The classes were met in an earlier particle of the same object, so that nothing but numbers is left.
    """
    begin, end = archive.at, archive.at + _USUAL.size
    if end > archive.end or any(archive.class_of(name) != _TRACKED for name in _PARTS):
        return None
    found = _USUAL.unpack_from(archive.data, begin)
    first = archive.next_number
    if _numbers(found) != (first, first + 1, first + 2, first + 3, first + 4):
        return None
    values = _members(found)
    x, y, z, zenith, azimuth = values[5:10]
    nothing = FRAME_OBJECT.name, None
    position, direction = (POSITION.name, Position(x, y, z)), (DIRECTION.name, Direction(zenith, azimuth))
    archive.pass_to(end, (nothing, position, nothing, direction, nothing))
    return Particle._make((version, *values, _NAN, _NAN))


def _load(archive: Archive, version: int) -> Particle:
    usual = _usual(archive, version) if version in USUAL_VERSIONS else None
    if usual is not None:
        return usual
    archive.object(FRAME_OBJECT)
    (minor,) = archive.unpack(_I32)
    major = archive.unpack(_U64)[0] if version > 1 else -1
    if version == 0:
        archive.unpack(_PARENTS)
    code, shape, fit_status = archive.unpack(_STATE)
    if version == _SINGLE_PRECISION:
        motion = archive.unpack(_SINGLE)
    else:
        position, direction = archive.object(POSITION), archive.object(DIRECTION)
        motion = (*position, *direction, *archive.unpack(_MOTION))
    location, bjorken_x, bjorken_y = -1, _NAN, _NAN
    if version == 0:
        archive.items(_VECTOR, lambda one: one.object(PARTICLE))
    else:
        if version == BJORKEN and archive.weighted_particles:
            archive.unpack(_F64)
        (location,) = archive.unpack(_I32)
    if version == BJORKEN and not archive.weighted_particles:
        bjorken_x, bjorken_y = archive.unpack(_TWO)
    return Particle._make((version, minor, major, code, shape, fit_status, *motion, location, bjorken_x, bjorken_y))


PARTICLE: Kind[Particle] = Kind("I3Particle", NEWEST, _load)
PARTICLES = framed("I3ParticleVect", lambda archive: archive.items(_VECTOR, lambda one: one.object(PARTICLE)))
