"""Maps of texts to doubles: files have most of these, with the same texts in every event."""

import struct
from typing import NamedTuple, Self

from converters.readers.i3.archive import Archive

_U32 = struct.Struct("<I")
_F64 = struct.Struct("<d")
_MOST_LEARNT = 64
_LONGEST_LEARNT = 1000
_TELLING = 24
"""So many of the first bytes tell maps of equal size apart."""


class _Learnt(NamedTuple):
    """The entries of a map as one layout, which reads the next map with the same texts in one step."""

    layout: struct.Struct
    marks: tuple[bytes, ...]
    names: tuple[str, ...]

    @classmethod
    def of(cls, data: bytes, at: int, names: tuple[str, ...]) -> Self:
        """Learn from a map that was read: its entries begin at `at`."""
        marks: list[bytes] = []
        for _ in names:
            middle = at + _U32.size + _U32.unpack_from(data, at)[0]
            marks.append(data[at:middle])
            at = middle + _F64.size
        return cls(struct.Struct("<" + "".join(f"{len(mark)}sd" for mark in marks)), tuple(marks), names)

    def pairs(self, data: bytes, at: int) -> list[tuple[str, float]] | None:
        """Return the entries that begin at `at`, None if their texts are others."""
        values = self.layout.unpack_from(data, at)
        return list(zip(self.names, values[1::2], strict=True)) if values[::2] == self.marks else None


_LEARNT: dict[tuple[int, int, bytes], _Learnt] = {}
"""By number of entries, bytes of all of them, and the first of these bytes."""


def named_doubles(archive: Archive) -> list[tuple[str, float]]:
    """Read a map of texts to doubles.

    Raises
    ------
    FormatError
        The bytes are damaged.
    """
    number = archive.container("map")
    if number:
        archive.untracked("pair in map")
    begin = archive.at
    mark = number, archive.left, archive.data[begin : begin + _TELLING]
    learnt = _LEARNT.get(mark)
    pairs = learnt.pairs(archive.data, begin) if learnt else None
    if pairs is not None:
        archive.at = archive.end
        return pairs
    found = _each(archive, number)
    if 0 < number <= _LONGEST_LEARNT and not archive.left:
        if len(_LEARNT) >= _MOST_LEARNT:
            _LEARNT.clear()
        _LEARNT[mark] = _Learnt.of(archive.data, begin, tuple(name for name, _ in found))
    return found


def _each(archive: Archive, number: int) -> list[tuple[str, float]]:
    """Read the entries one after another, without a call for each."""
    found: list[tuple[str, float]] = []
    data, at, end = archive.data, archive.at, archive.end
    for _ in range(number):
        begin = at + _U32.size
        if begin > end:
            raise archive.short(_U32.size, at)
        middle = begin + _U32.unpack_from(data, at)[0]
        at = middle + _F64.size
        if at > end:
            raise archive.short(at - begin, begin)
        found.append((data[begin:middle].decode("utf-8", "backslashreplace"), _F64.unpack_from(data, middle)[0]))
    archive.at = at
    return found
