"""One object's bytes: the archive in which IceTray froze the binary form of boost 1.34.

Rules (icecube/icetray-public: serialization; found on 5560 real objects): numbers are little-endian and of fixed width.
A class that is met for the first time in a buffer is announced by two bytes, tracked or not and class version. An
object of a tracked class has a number: the next free one, and its members follow; or an earlier one, and nothing
follows.
"""

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import repeat
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from converters.readers.i3.faults import FormatError, UnknownLayoutError

T = TypeVar("T")

_U8 = struct.Struct("<B")
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")
_CLASS = struct.Struct("<BB")
_POINTER = struct.Struct("<BBhI")
_TRACKED_ITEM = struct.Struct("<I")
_ESCAPE = 0xFFFFFFFF
_WIDE_VERSION = 255
_NULL = -1
_NEW_CLASS = 2
_LONGEST_CLASS_NAME = 127
_DEEPEST = 64
_UNFINISHED = object()
_first = itemgetter(0)


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """A class that can be read.

    Parameters
    ----------
    name
        Name under which the class is exported; it stands in the bytes of each object.
    newest
        Highest class version whose layout is known.
    load
        Function that reads the members of an object of a class version.
    """

    name: str
    newest: int
    load: "Callable[[Archive, int], T]"


@dataclass(frozen=True, slots=True)
class Plain:
    """A class whose members are numbers alone, so that many objects can be read in one step.

    Parameters
    ----------
    kind
        How to read one of them; it gives the numbers.
    layouts
        By class version: the numbers.
    numbered
        The same with the number of the object before them, as objects of a tracked class have it.
    """

    kind: Kind[tuple[Any, ...]]
    layouts: tuple[struct.Struct, ...]
    numbered: tuple[struct.Struct, ...]


def plain(name: str, *layouts: str) -> Plain:
    """Describe a class of numbers.

    Parameters
    ----------
    name
        Name of the class.
    layouts
        For each class version from 0 on, letters of Python's module `struct`; what nobody needs is ``x``.
    """
    alone = tuple(struct.Struct(f"<{letters}") for letters in layouts)
    numbered = tuple(struct.Struct(f"<I{letters}") for letters in layouts)
    return Plain(Kind(name, len(layouts) - 1, lambda archive, version: archive.unpack(alone[version])), alone, numbered)


class Announced(NamedTuple):
    """What the first bytes of an object say; a tuple, since every object of a file is asked.

    Parameters
    ----------
    name
        Its class, ``""`` for a null pointer.
    version
        Class version, -1 for a null pointer.
    begin
        Where the class info of the object stands.
    """

    name: str
    version: int
    begin: int


def announced(data: bytes) -> Announced:
    """Read class and class version of an object from its first bytes.

    Raises
    ------
    FormatError
        The bytes are no object.
    """
    try:
        tracked, version, class_id, size = _POINTER.unpack_from(data)
        if class_id == _NULL and (tracked, version) == (0, 1):
            return Announced("", -1, 4)
        if (tracked, version, class_id) != (0, 1, _NEW_CLASS) or not 0 < size <= _LONGEST_CLASS_NAME:
            raise FormatError("the object does not begin like one")
        begin = 8 + size
        name = data[8:begin].decode("ascii")
        own = data[begin + 1]
        if own == _WIDE_VERSION:
            own = _U64.unpack_from(data, begin + 2)[0]
        return Announced(name, own, begin)
    except (struct.error, IndexError, UnicodeDecodeError):
        if len(data) == 4 and data[:2] == b"\0\1" and data[2:] == b"\xff\xff":
            return Announced("", -1, 4)
        raise FormatError("the object does not begin like one") from None


class Archive:
    """Reads the bytes of one object from a place on.

    Parameters
    ----------
    data
        The bytes.
    at
        Where to begin.
    weighted_particles
        Read version 4 of I3Particle as IceCube had it for a month in 2008 (a weight before the location), not as
        SeaTray has it (Bjorken x and y behind it).
    """

    __slots__ = ("_classes", "_depth", "_objects", "at", "data", "end", "weighted_particles")

    def __init__(self, data: bytes, at: int = 0, *, weighted_particles: bool = False) -> None:
        self.data = data
        self.at = at
        self.end = len(data)
        self.weighted_particles = weighted_particles
        self._classes: dict[str, tuple[int, int]] = {}
        self._objects: list[tuple[str, object]] = []
        self._depth = 0

    @property
    def left(self) -> int:
        """Number of bytes that were not read."""
        return self.end - self.at

    def unpack(self, layout: struct.Struct) -> tuple[Any, ...]:
        """Read numbers of a layout; raises FormatError at the end of the bytes."""
        begin = self.at
        self.at = begin + layout.size
        if self.at > self.end:
            raise self.short(layout.size, begin)
        return layout.unpack_from(self.data, begin)

    def raw(self, size: int) -> bytes:
        """Read `size` bytes; raises FormatError at the end of the bytes."""
        begin = self.at
        if size > self.end - begin:
            raise self.short(size, begin)
        self.at = begin + size
        return self.data[begin : self.at]

    def short(self, size: int, begin: int) -> FormatError:
        """Return the error for bytes that are missing at a place."""
        return FormatError(f"{size} bytes needed at byte {begin} of the object, {self.end - begin} left")

    def count(self, least: int = 1) -> int:
        """Read how many items follow.

        Parameters
        ----------
        least
            Bytes that each item takes at least.

        Raises
        ------
        FormatError
            The bytes that are left cannot hold so many.
        """
        number = int(self.unpack(_U32)[0])
        if number == _ESCAPE:
            number = int(self.unpack(_U64)[0])
        if number * least > self.end - self.at:
            raise FormatError(f"{number} items at byte {self.at} of the object do not fit into {self.left} bytes")
        return number

    def flag(self) -> bool:
        """Read a truth value of one byte."""
        return bool(self.unpack(_U8)[0])

    def text(self) -> str:
        """Read a text; bytes that are no UTF-8 become escapes."""
        return self.raw(self.count()).decode("utf-8", "backslashreplace")

    def numbers(self, dtype: str) -> NDArray[Any]:
        """Read a vector of numbers: it has no class info, only a count and the raw array."""
        size = np.dtype(dtype).itemsize
        number = self.count(size)
        begin = self.at
        self.at += number * size
        return np.frombuffer(self.data, dtype, number, begin)

    def announce(self, name: str) -> tuple[int, int]:
        """Return whether a class is tracked, and its version; read at the first meeting, remembered later."""
        info = self._classes.get(name)
        if info is None:
            tracked, version = self.unpack(_CLASS)
            if tracked > 1:
                raise FormatError(f"{name} has the impossible tracking {tracked} at byte {self.at - 2} of the object")
            if version == _WIDE_VERSION:
                version = int(self.unpack(_U64)[0])
            info = self._classes[name] = (tracked, version)
        return info

    def class_of(self, name: str) -> tuple[int, int]:
        """Return whether a class met so far is tracked, and its version; 0 and -1 if it was not met."""
        return self._classes.get(name, (0, -1))

    def untracked(self, name: str) -> None:
        """Meet a class of the standard library; raises FormatError if its objects have numbers."""
        if (self._classes.get(name) or self.announce(name))[0]:
            raise FormatError(f"the class {name} is tracked, which no known writer does")

    def object(self, kind: Kind[T]) -> T:
        """Read an object, or find the earlier one that is meant.

        Raises
        ------
        FormatError
            The bytes are damaged.
        UnknownLayoutError
            The class version is newer than what is known.
        """
        tracked, version = self._classes.get(kind.name) or self.announce(kind.name)
        if version > kind.newest:
            raise UnknownLayoutError(f"{kind.name} version {version}")
        place = -1
        if tracked:
            number = self.unpack(_TRACKED_ITEM)[0]
            place = len(self._objects)
            if number < place:
                earlier: T = self._earlier(number, kind.name)
                return earlier
            if number > place:
                raise FormatError(f"object number {number} of {kind.name} comes after {place} objects")
            self._objects.append((kind.name, _UNFINISHED))
        self._depth += 1
        if self._depth > _DEEPEST:
            raise FormatError(f"objects lie in each other more than {_DEEPEST} deep")
        value = kind.load(self, version)
        self._depth -= 1
        if place >= 0:
            self._objects[place] = kind.name, value
        return value

    def _earlier(self, number: int, name: str) -> Any:
        known, found = self._objects[number]
        if known != name:
            raise FormatError(f"object number {number} is of the class {known}, not of {name}")
        if found is _UNFINISHED:
            raise FormatError(f"object number {number} lies in itself")
        return found

    @property
    def next_number(self) -> int:
        """Number of the next object that is new."""
        return len(self._objects)

    def pass_to(self, at: int, objects: Iterable[tuple[str, Any]]) -> None:
        """Go on at a place, after objects (name of the class, value) that the caller read, whose numbers were right."""
        self.at = at
        self._objects.extend(objects)

    def plain_objects(self, plain: Plain, number: int) -> list[tuple[Any, ...]]:
        """Read objects of a class of numbers, one behind the other; raises as `object` does."""
        if not number:
            return []
        name = plain.kind.name
        tracked, version = self.announce(name)
        if version > plain.kind.newest:
            raise UnknownLayoutError(f"{name} version {version}")
        layout = (plain.numbered if tracked else plain.layouts)[version]
        end = self.at + number * layout.size
        if end <= self.end:
            found = list(layout.iter_unpack(self.data[self.at : end]))
            if not tracked:
                self.at = end
                return found
            first = len(self._objects)
            if list(map(_first, found)) == list(range(first, first + number)):
                values = [row[1:] for row in found]
                self.pass_to(end, zip(repeat(name), values))
                return values
        return [self.object(plain.kind) for _ in range(number)]  # some are earlier ones, or bytes are missing

    def container(self, name: str) -> int:
        """Read the beginning of a container of objects, class info and count, and return how many items follow.

        Parameters
        ----------
        name
            What stands for the container's class in this buffer.
        """
        self.untracked(name)
        return self.count()

    def items(self, name: str, read: "Callable[[Archive], T]") -> list[T]:
        """Read a container of objects.

        Parameters
        ----------
        name
            What stands for the container's class in this buffer.
        read
            Reads one item.
        """
        return [read(self) for _ in range(self.container(name))]

    def pairs(self, name: str, read: "Callable[[Archive], T]") -> list[T]:
        """Read a map: class info of the map, count, and pairs, the first with class info of its own."""
        pair = f"pair in {name}"

        def one(archive: Archive) -> T:
            archive.untracked(pair)
            return read(archive)

        return self.items(name, one)
