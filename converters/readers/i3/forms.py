"""Short cuts for the objects of which there are most: their marks always stand at the same places.

A form is a whole object as one layout: class info and object numbers as every known writer puts them, and the numbers
between them. An object that has these marks is read in one step; any other takes the general way, which gives the same.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Protocol

from converters.readers.i3.classes.fits import LOG_LIKELIHOOD, LogLikelihood
from converters.readers.i3.classes.masks import PULSE_MASK, Mask
from converters.readers.i3.classes.particle import PARTICLE, Particle
from converters.readers.i3.classes.scalars import BOOLEAN, DOUBLE, INTEGER

_TRACKED = b"\x01\x00"
_UNTRACKED = b"\x00\x00"
_NAN = float("nan")
_U32 = struct.Struct("<I")
_BIT_FIELD = struct.Struct("<2sHB")
_FIELD_VECTOR = struct.Struct("<2sI")


class ShortCut(Protocol):
    """A quick way to read most objects of a class version."""

    def read(self, data: bytes) -> Any:
        """Return the object, None if it has to be read the general way."""
        ...


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


@dataclass(frozen=True, slots=True)
class MaskForm:
    """Masks of which every bit field of pulses has one byte: no module has more than eight pulses.

    Parameters
    ----------
    opening
        The bytes with which each of them begins, up to the key of its source.
    """

    opening: bytes

    def read(self, data: bytes) -> Mask | None:
        """Return the mask, None if the bytes are not of this form."""
        try:
            return self._read(data) if data.startswith(self.opening) else None
        except struct.error:  # cut off
            return None

    def _read(self, data: bytes) -> Mask | None:
        begin = len(self.opening) + 4
        end = begin + _U32.unpack_from(data, begin - 4)[0]
        (mark, size, unused), modules = _BIT_FIELD.unpack_from(data, end), end + _BIT_FIELD.size
        after = modules + size
        other_mark, number = _FIELD_VECTOR.unpack_from(data, after)
        fields = data[after + _FIELD_VECTOR.size :]
        if mark != _UNTRACKED or other_mark != _UNTRACKED or len(fields) != 4 * number or unused > 8 * size:
            return None
        sizes, unused_bits = fields[0::4], fields[2::4]
        if sizes != b"\1" * number or any(fields[1::4]) or max(unused_bits, default=0) > 8:
            return None
        used = int.from_bytes(data[modules:after], "little") & (1 << 8 * size - unused) - 1
        pulses = [bits & 0xFF >> out for bits, out in zip(fields[3::4], unused_bits, strict=True)]
        return Mask(data[begin:end].decode("utf-8", "backslashreplace"), used, pulses)


FORMS: Mapping[tuple[str, int], ShortCut] = {
    (DOUBLE.name, 0): _scalar(DOUBLE.name, "d"),
    (INTEGER.name, 0): _scalar(INTEGER.name, "i"),
    (BOOLEAN.name, 0): _scalar(BOOLEAN.name, "?"),
    (LOG_LIKELIHOOD.name, 0): _likelihood(),
    **{(PARTICLE.name, version): _particle(version) for version in (2, 3, 5)},
    (PULSE_MASK.name, 2): MaskForm(_opening(PULSE_MASK.name, 2)),
}
"""By class and class version."""
