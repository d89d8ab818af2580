"""Hits and pulses of optical modules: read to be counted and summed, level 3 has none of them."""

import struct
from typing import NamedTuple

from converters.readers.i3.archive import Archive, Kind
from converters.readers.i3.classes.base import FRAME_OBJECT, framed
from converters.readers.i3.classes.space import OM_KEY, OMKey

_OLDEST = struct.Struct("<didd")
_OLD = struct.Struct("<diddi")
_SINGLE = struct.Struct("<fffB")
_PULSE = struct.Struct("<dffB")
_HIT = struct.Struct("<di")
_I32 = struct.Struct("<i")
_U64 = struct.Struct("<Q")
_F64 = struct.Struct("<d")
_COUNT_CHARGE = struct.Struct("<Qd")
_NAN = float("nan")

_PULSES_OF_ONE = "vector of pulses"


class Pulse(NamedTuple):
    """A pulse: time in ns relative to the event, charge in photoelectrons, NaN for hits without one."""

    time: float
    charge: float


class Channel(NamedTuple):
    """The pulses of one optical module."""

    key: OMKey
    pulses: list[Pulse]


def _pulse(archive: Archive, version: int) -> Pulse:
    if version < 2:
        found = archive.unpack(_OLD if version else _OLDEST)
        return Pulse(found[0], found[2])
    found = archive.unpack(_SINGLE if version == 2 else _PULSE)
    return Pulse(found[0], found[1])


_PULSE_KIND: Kind[Pulse] = Kind("I3RecoPulse", 3, _pulse)


def _simulated_hit(archive: Archive, version: int) -> Pulse:
    time, _ = archive.unpack(_HIT)
    charge = archive.unpack(_COUNT_CHARGE)[1] if version > 2 else archive.unpack(_F64)[0]
    archive.unpack(_I32)
    if version > 0:
        archive.unpack(_U64)
    archive.unpack(_F64)
    if version > 1:
        archive.unpack(_I32)
    return Pulse(time, charge)


_SIMULATED_HIT: Kind[Pulse] = Kind("I3MCHit", 3, _simulated_hit)


def _reconstructed_hit(archive: Archive, version: int) -> Pulse:
    time, _ = archive.unpack(_HIT)
    if version > 0:
        archive.unpack(_I32)
    return Pulse(time, _NAN)


_RECONSTRUCTED_HIT: Kind[Pulse] = Kind("I3RecoHit", 1, _reconstructed_hit)


def _series(name: str, kind: Kind[Pulse]) -> Kind[list[Channel]]:
    def pulse(archive: Archive) -> Pulse:
        return archive.object(kind)

    def channel(archive: Archive) -> Channel:
        return Channel(archive.object(OM_KEY), archive.items(_PULSES_OF_ONE, pulse))

    def load(archive: Archive, version: int) -> list[Channel]:  # noqa: ARG001  the map's own version changes nothing
        archive.object(FRAME_OBJECT)
        return archive.pairs("map of pulses", channel)

    return Kind(name, 1, load)


PULSE_SERIES = _series("I3RecoPulseSeriesMap", _PULSE_KIND)
SERIES = (
    PULSE_SERIES,
    _series("I3MCHitSeriesMap", _SIMULATED_HIT),
    _series("I3RecoHitSeriesMap", _RECONSTRUCTED_HIT),
)
PULSE_UNION = framed("I3RecoPulseSeriesMapUnion", lambda archive: archive.items("vector of keys", Archive.text))
