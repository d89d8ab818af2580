"""Classes that are an I3Particle and some numbers behind it, described by a list: how SeaTray's fits can be added."""

import struct
from dataclasses import dataclass
from typing import NamedTuple

from converters.readers.i3.archive import Archive, Kind
from converters.readers.i3.classes.particle import PARTICLE, Particle
from legacy.model import ColumnSpec


class Extended(NamedTuple):
    """An object: its class, its particle, and a value for each further column."""

    name: str
    particle: Particle
    values: tuple[float | int, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """A number behind the particle.

    Parameters
    ----------
    letter
        How it is stored, as a letter of Python's module `struct`: ``d`` double, ``f`` float, ``i`` int, ``I`` unsigned,
        ``q`` int of 8 bytes, ``?`` bool.
    column
        Where it goes: a column of ``/reco/<name>``.
    """

    letter: str
    column: ColumnSpec


@dataclass(frozen=True, slots=True)
class Extension:
    """A class that can be read.

    Parameters
    ----------
    kind
        Its layout.
    members
        Its numbers, in the order in which they are stored.
    """

    kind: Kind[Extended]
    members: tuple[Member, ...]


def extension(name: str, version: int, *members: Member) -> Extension:
    """Describe a class that begins with an I3Particle.

    Parameters
    ----------
    name
        Name under which it is exported, as `inspect` shows it.
    version
        Newest class version that has this layout.
    members
        Its numbers behind the particle, in the order in which they are stored.
    """
    layout = struct.Struct("<" + "".join(member.letter for member in members))

    def load(archive: Archive, version: int) -> Extended:  # noqa: ARG001  all versions have this layout
        particle = archive.object(PARTICLE)
        return Extended(name, particle, archive.unpack(layout))

    return Extension(Kind(name, version, load), members)
