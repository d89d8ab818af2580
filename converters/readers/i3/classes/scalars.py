"""Single values: I3Double, I3Int, I3Bool, I3String."""

import struct

from converters.readers.i3.archive import Archive
from converters.readers.i3.classes.base import framed

_F64 = struct.Struct("<d")
_I32 = struct.Struct("<i")


def _double(archive: Archive) -> float:
    return float(archive.unpack(_F64)[0])


def _integer(archive: Archive) -> int:
    return int(archive.unpack(_I32)[0])


DOUBLE = framed("I3Double", _double)
INTEGER = framed("I3Int", _integer)
BOOLEAN = framed("I3Bool", Archive.flag)
TEXT = framed("I3String", Archive.text)

SCALARS = (DOUBLE, INTEGER, BOOLEAN, TEXT)
