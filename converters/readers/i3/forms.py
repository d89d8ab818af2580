"""Short cuts for the objects of which there are most: their marks always stand at the same places.

A form is a whole object as one layout: class info and object numbers as every known writer puts them, and the numbers
between them. An object that has these marks is read in one step; any other takes the general way, which gives the same.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from converters.readers.i3.classes.fits import LOG_LIKELIHOOD, LogLikelihood
from converters.readers.i3.classes.header import EVENT_HEADER, EventHeader
from converters.readers.i3.classes.masks import PULSE_MASK, Mask
from converters.readers.i3.classes.particle import PARTICLE, USUAL_VERSIONS, Particle
from converters.readers.i3.classes.pulses import PULSE, PULSE_SERIES, Channel, usual_channels
from converters.readers.i3.classes.scalars import BOOLEAN, DOUBLE, INTEGER
from converters.readers.i3.classes.time import Time


def _number(number: int) -> bytes:
    return number.to_bytes(4, "little")


_TRACKED = b"\x01\x00"
_UNTRACKED = b"\x00\x00"
_NAN = float("nan")
_FIRST_TIME = _TRACKED + _number(2) + _number(3)
_SECOND_TIME = _number(4) + _number(5)
_HEADER = struct.Struct("<IIIiII")
_TIMES = struct.Struct(f"<{len(_FIRST_TIME)}siq{len(_SECOND_TIME)}siq")
_PULSE_VERSION = 3
_PULSE_CLASS = bytes((1, _PULSE_VERSION))
_FIRST_KEY = _UNTRACKED + b"\x01\x02" + _number(2)
_FIRST_PULSES = struct.Struct(f"<I{len(_FIRST_KEY)}siIB2sI2s")
_KEY = struct.Struct("<iIB")
_U32 = struct.Struct("<I")
_BIT_FIELD = struct.Struct("<2sHB")
_FIELD_VECTOR = struct.Struct("<2sI")
_EIGHT_AT_MOST = bytes(range(9))
_USED = bytes(0xFF >> unused for unused in range(256))
"""By number of unused bits: the bits of a byte that are used."""


Number = float | int | bool


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
    size
        Length of each object, in bytes.
    """

    opening: bytes
    layout: struct.Struct
    marks: tuple[tuple[int, bytes], ...]
    build: Callable[[tuple[Any, ...]], Any]
    size: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", len(self.opening) + self.layout.size)

    def read(self, data: bytes) -> Any:
        """Return the object, None if the bytes are not of this form."""
        if len(data) != self.size or not data.startswith(self.opening):
            return None
        values = self.layout.unpack_from(data, self.size - self.layout.size)
        for place, mark in self.marks:
            if values[place] != mark:
                return None
        return self.build(values)


def _opening(name: str, version: int) -> bytes:
    """Return the bytes of an object up to its own members: pointer, class, object number 0, and the base with 1."""
    named = b"\x00\x01\x02\x00" + _number(len(name)) + name.encode() + bytes((1, version)) + _number(0)
    return named + _TRACKED + _number(1)


@dataclass(frozen=True, slots=True)
class NumberForm:
    """Objects that are one number.

    Parameters
    ----------
    opening
        The bytes with which each of them begins, up to the number.
    letter
        How the number is stored, as a letter of Python's module `struct`.
    """

    opening: bytes
    letter: str

    @property
    def size(self) -> int:
        """Length of each object, in bytes."""
        return len(self.opening) + struct.calcsize(f"<{self.letter}")

    def read(self, data: bytes) -> Number | None:
        """Return the number, None if the bytes are not of this form."""
        if len(data) != self.size or not data.startswith(self.opening):
            return None
        found: Number = struct.unpack_from(f"<{self.letter}", data, len(self.opening))[0]
        return found


def _likelihood() -> Form:
    return Form(_opening(LOG_LIKELIHOOD.name, 0), struct.Struct("<ddii"), (), LogLikelihood._make)


def _particle(version: int) -> Form:
    position = _TRACKED + _number(2) + _number(3)
    direction = _TRACKED + _number(4) + _number(5)
    layout = struct.Struct(f"<iQiii{len(position)}s3d{len(direction)}s2d4di")

    def build(values: tuple[Any, ...]) -> Particle:
        # Not by keywords: a file has millions of particles.
        return Particle._make((version, *values[:5], *values[6:9], *values[10:], _NAN, _NAN))

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
        unused_bits = fields[2::4]
        if fields[0::4] != b"\1" * number or any(fields[1::4]) or unused_bits.strip(_EIGHT_AT_MOST):
            return None
        used = int.from_bytes(data[modules:after], "little") & (1 << 8 * size - unused) - 1
        # All fields at once, as one large number.
        pulses = int.from_bytes(fields[3::4], "little") & int.from_bytes(unused_bits.translate(_USED), "little")
        source = data[begin:end].decode("utf-8", "backslashreplace")
        return Mask(source, used, list(pulses.to_bytes(number, "little")))


@dataclass(frozen=True, slots=True)
class SeriesForm:
    """Maps of pulses whose first module has one, so that all classes are met there.

    Parameters
    ----------
    opening
        The bytes with which each of them begins, up to the number of modules.
    """

    opening: bytes

    def read(self, data: bytes) -> list[Channel] | None:
        """Return the pulses of each module, None if the bytes are not of this form."""
        begin = len(self.opening)
        if not data.startswith(self.opening):
            return None
        if data[begin:] == _number(0):
            return []
        if len(data) < begin + _FIRST_PULSES.size:
            return None
        most, opened, *key, mark, count, pulse = _FIRST_PULSES.unpack_from(data, begin)
        if not count or (opened, mark, pulse) != (_FIRST_KEY, _UNTRACKED, _PULSE_CLASS):
            return None
        # As those behind it: the marks of the classes that were met first are left out.
        same = b"".join((_number(2), _KEY.pack(*key), _number(count), data[begin + _FIRST_PULSES.size :]))
        found, end = usual_channels(same, 0, 2, most, PULSE.numbered[_PULSE_VERSION])
        return found if len(found) == most and end == len(same) else None


@dataclass(frozen=True, slots=True)
class HeaderForm:
    """Headers of events, of which only the name of the split differs in length.

    Parameters
    ----------
    opening
        The bytes with which each of them begins, up to the number of the run.
    """

    opening: bytes

    def read(self, data: bytes) -> EventHeader | None:
        """Return the header, None if the bytes are not of this form."""
        begin = len(self.opening)
        if len(data) < begin + _HEADER.size + _TIMES.size or not data.startswith(self.opening):
            return None
        run, subrun, event, state, subevent, size = _HEADER.unpack_from(data, begin)
        name = begin + _HEADER.size
        if len(data) != name + size + _TIMES.size:
            return None
        mark, start_year, start_ticks, other_mark, end_year, end_ticks = _TIMES.unpack_from(data, name + size)
        if mark != _FIRST_TIME or other_mark != _SECOND_TIME:
            return None
        stream = data[name : name + size].decode("utf-8", "backslashreplace")
        start, end = Time(start_year, start_ticks), Time(end_year, end_ticks)
        return EventHeader(run, subrun, event, state, subevent, stream, start, end)


FORMS: Mapping[tuple[str, int], ShortCut] = {
    (DOUBLE.name, 0): NumberForm(_opening(DOUBLE.name, 0), "d"),
    (INTEGER.name, 0): NumberForm(_opening(INTEGER.name, 0), "i"),
    (BOOLEAN.name, 0): NumberForm(_opening(BOOLEAN.name, 0), "?"),
    (LOG_LIKELIHOOD.name, 0): _likelihood(),
    **{(PARTICLE.name, version): _particle(version) for version in USUAL_VERSIONS},
    (EVENT_HEADER.name, 3): HeaderForm(_opening(EVENT_HEADER.name, 3)),
    (PULSE_SERIES.name, 0): SeriesForm(_opening(PULSE_SERIES.name, 0) + _UNTRACKED),
    (PULSE_MASK.name, 2): MaskForm(_opening(PULSE_MASK.name, 2)),
}
"""By class and class version."""
