"""I3RecoPulseSeriesMapMask: which pulses of another object are meant."""

import struct
from typing import NamedTuple

from converters.readers.i3.archive import Archive, Kind
from converters.readers.i3.classes.base import FRAME_OBJECT
from converters.readers.i3.faults import FormatError

_FIELD = struct.Struct("<HB")
_F32 = struct.Struct("<f")


class Mask(NamedTuple):
    """A choice of pulses.

    Parameters
    ----------
    source
        Key of the object that has the pulses.
    modules
        One bit for each optical module of the source, in its order, the first lowest.
    pulses
        For each of these bits that is set, one bit for each pulse of the module.
    """

    source: str
    modules: int
    pulses: list[int]


def _field(archive: Archive, version: int) -> int:  # noqa: ARG001  there is one version only
    size, unused = map(int, archive.unpack(_FIELD))
    if unused > size * 8:  # a field of no bits has one byte all the same
        raise FormatError(f"a bit field of {size} bytes with {unused} unused bits")
    used = size * 8 - unused
    return int.from_bytes(archive.raw(size), "little") & ((1 << used) - 1)


_BITS: Kind[int] = Kind("bit field", 0, _field)


def _load(archive: Archive, version: int) -> Mask:
    archive.object(FRAME_OBJECT)
    source = archive.text()
    if version == 1:
        archive.unpack(_F32)
    modules = archive.object(_BITS)
    return Mask(source, modules, _fields(archive))


def _fields(archive: Archive) -> list[int]:
    """Read a vector of bit fields: without a call for each, since most of them have one byte."""
    archive.untracked("vector of bit fields")
    archive.untracked(_BITS.name)
    number = archive.count(_FIELD.size)
    data, at, end = archive.data, archive.at, archive.end
    found: list[int] = []
    for _ in range(number):
        begin = at + _FIELD.size
        if begin > end:
            raise FormatError(f"{_FIELD.size} bytes needed at byte {at} of the object, {end - at} left")
        size, unused = _FIELD.unpack_from(data, at)
        at = begin + size
        if at > end or unused > size * 8:
            raise FormatError(f"a bit field of {size} bytes with {unused} unused bits")
        found.append(int.from_bytes(data[begin:at], "little") & ((1 << (size * 8 - unused)) - 1))
    archive.at = at
    return found


PULSE_MASK: Kind[Mask] = Kind("I3RecoPulseSeriesMapMask", 2, _load)
