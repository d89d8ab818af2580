"""Classes without a public layout that begin with an I3Particle: what can be said of them for sure.

SeaTray's own track fits seem to be such classes. The class info and object numbers of base, position and direction must
stand at fixed places, which makes a chance match all but impossible (0 in 7595 real objects of other classes).
"""

import struct
from typing import NamedTuple

from converters.readers.i3.archive import Archive, Kind, announced
from converters.readers.i3.classes.base import FRAME_OBJECT
from converters.readers.i3.classes.particle import PARTICLE, Particle
from converters.readers.i3.classes.space import DIRECTION, POSITION
from converters.readers.i3.faults import FormatError, UnknownLayoutError

_OLDEST, _NEWEST = 1, 5
_SHAPES = frozenset({0, 10, 20, 30, 31, 40, 50, 60, 70, 80, 90})
_FIT_STATUS = frozenset({-1, 0, 10, 20, 30, 40, 50, 60})
_TRACKED = (1, 0)
_WIDE_VERSION = 255
_INFO, _INFO_AND_NUMBER = 2, 6
"""Bytes of the class info of an object that is not tracked, and of one that is."""


class ParticleBase(NamedTuple):
    """The beginning of an object.

    Parameters
    ----------
    particle
        Its base.
    left
        Bytes behind it, which are the class's own and were not read.
    """

    particle: Particle
    left: int


def _base(archive: Archive, version: int) -> Particle:  # noqa: ARG001  the version is that of an unknown class
    return archive.object(PARTICLE)


def _may_begin_so(data: bytes, begin: int) -> bool:
    """Say if class info like that of an I3Particle stands behind that of the object itself: most have no such thing."""
    if data[begin + 1] == _WIDE_VERSION:
        return True
    inner = begin + (_INFO_AND_NUMBER if data[begin] else _INFO)
    info = data[inner : inner + _INFO]
    return len(info) == _INFO and info[0] == _TRACKED[0] and _OLDEST <= info[1] <= _NEWEST


def particle_base(data: bytes) -> ParticleBase | None:
    """Read the I3Particle with which an object of an unknown class begins, None if it does not begin so.

    Raises
    ------
    FormatError
        The bytes are no object.
    """
    said = announced(data)
    if not said.name or not _may_begin_so(data, said.begin):
        return None
    archive = Archive(data, said.begin)
    outer = Kind(said.name, said.version, _base)
    try:
        particle = archive.object(outer)
    except (FormatError, UnknownLayoutError, struct.error):
        return None
    fixed = all(archive.announce(kind.name) == _TRACKED for kind in (FRAME_OBJECT, POSITION, DIRECTION))
    tracked, version = archive.announce(PARTICLE.name)
    if not (fixed and tracked and _OLDEST <= version <= _NEWEST):
        return None
    if particle.shape not in _SHAPES or particle.fit_status not in _FIT_STATUS:
        return None
    return ParticleBase(particle, archive.left)
