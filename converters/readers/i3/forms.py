"""Short cuts for the objects of which there are most: their marks always stand at the same places.

A form is a whole object as one layout: class info and object numbers as every known writer puts them, and the numbers
between them. An object that has these marks is read in one step; any other takes the general way, which gives the same.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from converters.readers.i3.classes.fits import LOG_LIKELIHOOD, LogLikelihood
from converters.readers.i3.classes.particle import PARTICLE, Particle
from converters.readers.i3.classes.scalars import BOOLEAN, DOUBLE, INTEGER

_TRACKED = b"\x01\x00"
_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Form:
    """Objects of one class version, as one layout.

    Parameters
    ----------
    opening
        The bytes with which each of them begins, up to its first number.
    layout
        All bytes behind: numbers, and marks as texts.
    marks
        Places of the marks among the values of the layout, and what they must be.
    build
        Makes the object from all values of the layout.
    """

    opening: bytes
    layout: struct.Struct
    marks: tuple[tuple[int, bytes], ...]
    build: Callable[[tuple[Any, ...]], Any]

    def read(self, data: bytes) -> Any:
        """Return the object, None if the bytes are not of this form."""
        opening, layout = self.opening, self.layout
        if len(data) != len(opening) + layout.size or not data.startswith(opening):
            return None
        values = layout.unpack_from(data, len(opening))
        for place, mark in self.marks:
            if values[place] != mark:
                return None
        return self.build(values)


def _number(number: int) -> bytes:
    return number.to_bytes(4, "little")


def _opening(name: str, version: int) -> bytes:
    """Return the bytes of an object up to its own members: pointer, class, object number 0, and the base with 1."""
    named = b"\x00\x01\x02\x00" + _number(len(name)) + name.encode() + bytes((1, version)) + _number(0)
    return named + _TRACKED + _number(1)


def _scalar(name: str, letter: str) -> Form:
    return Form(_opening(name, 0), struct.Struct(f"<{letter}"), (), itemgetter(0))


def _likelihood() -> Form:
    return Form(_opening(LOG_LIKELIHOOD.name, 0), struct.Struct("<ddii"), (), LogLikelihood._make)


def _particle(version: int) -> Form:
    position = _TRACKED + _number(2) + _number(3)
    direction = _TRACKED + _number(4) + _number(5)
    layout = struct.Struct(f"<iQiii{len(position)}s3d{len(direction)}s2d4di")

    def build(values: tuple[Any, ...]) -> Particle:
        minor, major, code, shape, fit_status, _, x, y, z, _, *rest = values
        return Particle._make((version, minor, major, code, shape, fit_status, x, y, z, *rest, _NAN, _NAN))

    return Form(_opening(PARTICLE.name, version), layout, ((5, position), (9, direction)), build)


FORMS: Mapping[tuple[str, int], Form] = {
    (DOUBLE.name, 0): _scalar(DOUBLE.name, "d"),
    (INTEGER.name, 0): _scalar(INTEGER.name, "i"),
    (BOOLEAN.name, 0): _scalar(BOOLEAN.name, "?"),
    (LOG_LIKELIHOOD.name, 0): _likelihood(),
    **{(PARTICLE.name, version): _particle(version) for version in (2, 3, 5)},
}
"""By class and class version."""
