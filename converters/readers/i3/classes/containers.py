"""Maps and vectors of plain values: ``I3Map...`` and ``I3Vector...``."""

import struct
from collections.abc import Callable
from typing import Any

from converters.readers.i3.archive import Archive, Kind
from converters.readers.i3.classes.base import framed
from converters.readers.i3.classes.space import OM_KEY
from converters.readers.i3.maps import named_doubles

_I32 = struct.Struct("<i")
_U32 = struct.Struct("<I")

_VECTORS = {
    "I3VectorChar": "<i1",
    "I3VectorShort": "<i2",
    "I3VectorUShort": "<u2",
    "I3VectorInt": "<i4",
    "I3VectorUnsignedInt": "<u4",
    "I3VectorInt64": "<i8",
    "I3VectorUInt64": "<u8",
    "I3VectorFloat": "<f4",
    "I3VectorDouble": "<f8",
    "I3VectorBool": "?",
}


def _one(layout: struct.Struct) -> Callable[[Archive], Any]:
    return lambda archive: archive.unpack(layout)[0]


def _array(dtype: str) -> Callable[[Archive], Any]:
    return lambda archive: archive.numbers(dtype)


def _map(name: str, key: Callable[[Archive], Any], value: Callable[[Archive], Any]) -> Kind[list[tuple[Any, Any]]]:
    return framed(name, lambda archive: archive.pairs("map", lambda one: (key(one), value(one))))


def _om(archive: Archive) -> Any:
    return archive.object(OM_KEY)


def _vector(name: str, read: Callable[[Archive], Any]) -> Kind[list[Any]]:
    return framed(name, lambda archive: archive.items("vector", read))


STRING_DOUBLE = framed("I3MapStringDouble", named_doubles)

MAPS = (
    STRING_DOUBLE,
    _map("I3MapStringInt", Archive.text, _one(_I32)),
    _map("I3MapStringBool", Archive.text, Archive.flag),
    _map("I3MapStringString", Archive.text, Archive.text),
    _map("I3MapStringVectorDouble", Archive.text, _array("<f8")),
    _map("I3MapKeyVectorDouble", _om, _array("<f8")),
    _map("I3MapKeyVectorInt", _om, _array("<i4")),
    _map("I3MapUnsignedUnsigned", _one(_U32), _one(_U32)),
)
VECTORS = (
    *(framed(name, _array(dtype)) for name, dtype in _VECTORS.items()),
    _vector("I3VectorString", Archive.text),
    _vector("I3VectorOMKey", _om),
)
