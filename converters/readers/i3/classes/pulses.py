"""Hits and pulses of optical modules: read to be counted and summed, level 3 has none of them."""

import struct
from typing import NamedTuple

from converters.readers.i3.archive import Archive, Kind, Plain, plain
from converters.readers.i3.classes.base import FRAME_OBJECT, framed
from converters.readers.i3.classes.space import OM_KEY, OMKey

_PULSES_OF_ONE = "vector of pulses"
_PAIR = "pair of module and pulses"
_MODULE = struct.Struct("<IiIBI")
"""Number of the OMKey, the key in its version 2, and how many pulses follow."""
_USUAL_KEY = (1, 2)
_TRACKED = 1


class Pulse(NamedTuple):
    """A pulse: time in ns relative to the event, charge in photoelectrons, NaN for hits without one."""

    time: float
    charge: float = float("nan")


class Channel(NamedTuple):
    """The pulses of one optical module."""

    key: OMKey
    pulses: list[Pulse]


# Time and charge of each version; what lies between and behind them is not needed.
PULSE = plain("I3RecoPulse", "d4xd8x", "d4xd8x4x", "ff4xx", "df4xx")
_SIMULATED_HIT = plain("I3MCHit", "d4xd4x8x", "d4xd4x8x8x", "d4xd4x8x8x4x", "d4x8xd4x8x8x4x")
_RECONSTRUCTED_HIT = plain("I3RecoHit", "d4x", "d4x4x")


def _series(name: str, hit: Plain) -> Kind[list[Channel]]:
    def load(archive: Archive, version: int) -> list[Channel]:  # noqa: ARG001  the map's own version changes nothing
        archive.object(FRAME_OBJECT)
        number = archive.container("map of pulses")
        found: list[Channel] = []
        while len(found) < number:
            archive.untracked(_PAIR)
            key = archive.object(OM_KEY)
            pulses = archive.plain_objects(hit, archive.container(_PULSES_OF_ONE))
            found.append(Channel(key, [Pulse(*one) for one in pulses]))
            found += _further(archive, hit, number - len(found))
        return found

    return Kind(name, 1, load)


def _further(archive: Archive, hit: Plain, most: int) -> list[Channel]:
    """Read on without a call for each object, as far as all of them are new and tracked.

    All classes were met by then, so that nothing but numbers is left.
    """
    tracked, version = archive.class_of(hit.kind.name)
    if archive.class_of(OM_KEY.name) != _USUAL_KEY or tracked != _TRACKED:
        return []
    found, at = usual_channels(archive.data, archive.at, archive.next_number, most, hit.numbered[version])
    for channel in found:
        archive.pass_to(at, ((OM_KEY.name, channel.key), *((hit.kind.name, pulse) for pulse in channel.pulses)))
    return found


def usual_channels(data: bytes, at: int, number: int, most: int, layout: struct.Struct) -> tuple[list[Channel], int]:
    """Read channels from a place on, whose classes were met before and whose objects are new and tracked.

    Parameters
    ----------
    data, at
        Where the first begins.
    number
        Number of the next new object.
    most
        How many channels follow.
    layout
        Number, time and charge of a pulse.

    Returns
    -------
    channels : list of Channel
        Those before the first that is not so, or that the bytes do not hold.
    at : int
        Where they end.
    """
    end = len(data)
    found: list[Channel] = []
    for _ in range(most):
        begin = at + _MODULE.size
        if begin > end:
            break
        own, string, om, pmt, count = _MODULE.unpack_from(data, at)
        behind = begin + count * layout.size
        if own != number or behind > end:
            break
        pulses: list[Pulse] = []
        for given, *values in layout.iter_unpack(data[begin:behind]):
            number += 1
            if given != number:
                return found, at
            pulses.append(Pulse(*values))
        number += 1
        found.append(Channel(OMKey(string, om, pmt), pulses))
        at = behind
    return found, at


PULSE_SERIES = _series("I3RecoPulseSeriesMap", PULSE)
SERIES = (
    PULSE_SERIES,
    _series("I3MCHitSeriesMap", _SIMULATED_HIT),
    _series("I3RecoHitSeriesMap", _RECONSTRUCTED_HIT),
)
PULSE_UNION = framed("I3RecoPulseSeriesMapUnion", lambda archive: archive.items("vector of keys", Archive.text))
