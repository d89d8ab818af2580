"""Every class that can be read, by the name under which it is exported, and the way to read one object."""

import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

from converters.readers.i3.archive import Announced, Archive, Kind, announced
from converters.readers.i3.classes.antares import ANTARES
from converters.readers.i3.classes.containers import MAPS, VECTORS
from converters.readers.i3.classes.extended import Extension
from converters.readers.i3.classes.fits import LOG_LIKELIHOOD
from converters.readers.i3.classes.header import EVENT_HEADER
from converters.readers.i3.classes.masks import PULSE_MASK
from converters.readers.i3.classes.particle import BJORKEN, PARTICLE, PARTICLES
from converters.readers.i3.classes.pulses import PULSE_UNION, SERIES
from converters.readers.i3.classes.scalars import SCALARS
from converters.readers.i3.classes.space import DIRECTION, GEOMETRY, OM_KEY, POSITION
from converters.readers.i3.classes.time import TIME, TIME_WINDOW
from converters.readers.i3.classes.tree import MC_TREE
from converters.readers.i3.classes.trigger import FILTER_RESULTS, TRIGGER_HIERARCHY
from converters.readers.i3.faults import FormatError, UnknownLayoutError

EXTENSIONS: dict[str, Extension] = {one.kind.name: one for one in ANTARES}
"""Classes that are a particle and some numbers, by name."""

_KINDS: tuple[Kind[Any], ...] = (
    EVENT_HEADER,
    *(TIME, TIME_WINDOW, POSITION, DIRECTION, OM_KEY, GEOMETRY),
    *(PARTICLE, PARTICLES, MC_TREE),
    *SCALARS,
    *(*MAPS, *VECTORS),
    *(TRIGGER_HIERARCHY, FILTER_RESULTS),
    *(*SERIES, PULSE_UNION, PULSE_MASK),
    LOG_LIKELIHOOD,
    *(one.kind for one in EXTENSIONS.values()),
)
CLASSES: dict[str, Kind[Any]] = {kind.name: kind for kind in _KINDS}

_OF_ICECUBE_TOO = frozenset({PARTICLE.name, PARTICLES.name, MC_TREE.name})
"""Classes in which version 4 of I3Particle can be IceCube's, which is told by its size; any other is SeaTray's own, and
a list of its members that is 8 bytes too long must not be made to fit."""

MAX_DECODED = 32 << 20
"""Longest object that is decoded, in bytes: values take up to ten times the memory of their bytes."""


class Decoded(NamedTuple):
    """An object.

    Parameters
    ----------
    name, version
        Its class and class version.
    value
        What was read.
    left
        Bytes that its layout does not explain: the value is doubtful if there are any.
    """

    name: str
    version: int
    value: Any
    left: int


def decode(data: bytes, classes: Mapping[str, Kind[Any]] = CLASSES) -> Decoded:
    """Read an object.

    Parameters
    ----------
    data
        All its bytes.
    classes
        Classes that can be read.

    Raises
    ------
    FormatError
        The bytes are damaged, or their class has another layout than the one known.
    UnknownLayoutError
        Class or class version are unknown.
    """
    said = announced(data)
    kind = classes.get(said.name)
    if kind is None:
        raise UnknownLayoutError(said.name or "a null pointer")
    if len(data) > MAX_DECODED:
        raise UnknownLayoutError(f"{said.name} of {len(data)} bytes, which is more than {MAX_DECODED >> 20} MB")
    found, particle_version = _attempt(data, said, kind, weighted=False)
    ambiguous = particle_version == BJORKEN and said.name in _OF_ICECUBE_TOO
    if ambiguous and (isinstance(found, FormatError) or found.left):
        other, _ = _attempt(data, said, kind, weighted=True)
        if not isinstance(other, FormatError) and not other.left:
            return other
    if isinstance(found, FormatError):
        raise found
    return found


def _attempt(data: bytes, said: Announced, kind: Kind[Any], *, weighted: bool) -> tuple[Decoded | FormatError, int]:
    """Read in one of the two ways that version 4 of I3Particle can mean; return its version, -1 without one."""
    archive = Archive(data, said.begin, weighted_particles=weighted)
    found: Decoded | FormatError
    try:
        value = archive.object(kind)
        found = Decoded(said.name, said.version, value, archive.left)
    except FormatError as error:
        found = error
    except struct.error as error:
        found = FormatError(str(error))
    return found, archive.class_of(PARTICLE.name)[1]
