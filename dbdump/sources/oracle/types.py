"""Types of Oracle: from the dictionary's words to `dbdump.schema.Column`.

Precision, scale and length as in Oracle's "SQL Language Reference", Data Types. A NUMBER without precision has a
scale of None there; INTEGER and its like are NUMBER(*,0), which holds 38 digits and sometimes 40.
"""

import re
from dataclasses import dataclass
from typing import Any

from dbdump.schema import Column, Family

_SIMPLE = {
    "BINARY_FLOAT": Family.FLOAT32,
    "BINARY_DOUBLE": Family.FLOAT64,
    "BOOLEAN": Family.BOOLEAN,
    "DATE": Family.DATETIME,
    "CLOB": Family.LOB_TEXT,
    "NCLOB": Family.LOB_TEXT,
    "LONG": Family.LOB_TEXT,
    "BLOB": Family.LOB_BYTES,
    "LONG RAW": Family.LOB_BYTES,
    "XMLTYPE": Family.AS_TEXT,
    "JSON": Family.AS_TEXT,
    "ROWID": Family.AS_TEXT,
    "BFILE": Family.BFILE,
}
_TIMES = re.compile(r"TIMESTAMP\((\d)\)( WITH TIME ZONE| WITH LOCAL TIME ZONE)?")
_TIME_FAMILIES = {
    None: Family.TIMESTAMP,
    " WITH TIME ZONE": Family.TIMESTAMP_TZ,
    " WITH LOCAL TIME ZONE": Family.TIMESTAMP_UTC,
}
_MONTHS = re.compile(r"INTERVAL YEAR\((\d)\) TO MONTH")
_SECONDS = re.compile(r"INTERVAL DAY\((\d)\) TO SECOND\((\d)\)")
_UNREADABLE = frozenset({"ANYDATA", "ANYTYPE", "ANYDATASET", "SDO_GEOMETRY", "SDO_TOPO_GEOMETRY", "SDO_GEORASTER"})
_SYSTEM_OWNERS = frozenset({"SYS", "MDSYS", "ORDSYS", "XDB", "PUBLIC"})


@dataclass(frozen=True, slots=True)
class Declared:
    """What ALL_TAB_COLS says about the type of a column.

    Parameters
    ----------
    kind, owner
        DATA_TYPE and DATA_TYPE_OWNER; the latter of object types only.
    length, characters, in_characters
        DATA_LENGTH in bytes, CHAR_LENGTH, and whether CHAR_USED is ``C``.
    precision, scale
        DATA_PRECISION and DATA_SCALE.
    """

    kind: str
    owner: str | None = None
    length: int | None = None
    characters: int | None = None
    in_characters: bool = False
    precision: int | None = None
    scale: int | None = None


@dataclass(frozen=True, slots=True)
class Typed:
    """The exact type as DDL says it, and what it means."""

    text: str
    family: Family
    precision: int | None = None
    scale: int | None = None
    length: int | None = None


def typed(declared: Declared) -> Typed:
    """Return what a type of the dictionary means."""
    kind = declared.kind
    if declared.owner and kind not in _SIMPLE and kind not in _UNREADABLE:
        return _object(declared)
    if kind in ("NUMBER", "FLOAT"):
        return _number(declared)
    if kind in ("VARCHAR2", "NVARCHAR2", "VARCHAR", "CHAR", "NCHAR"):
        return _text(declared)
    if kind == "RAW":
        return Typed(f"RAW({declared.length})", Family.BYTES, length=declared.length)
    if kind == "UROWID":
        return Typed(f"UROWID({declared.length})", Family.AS_TEXT, length=declared.length)
    if kind in _SIMPLE:
        return Typed(kind, _SIMPLE[kind])
    return _time(kind) or Typed(kind, Family.UNREADABLE)


def _number(declared: Declared) -> Typed:
    precision, scale = declared.precision, declared.scale
    if declared.kind == "FLOAT":
        # Binary digits: they say nothing exact about decimal ones.
        return Typed(f"FLOAT({precision or 126})", Family.NUMBER)
    if precision is not None:
        text = f"NUMBER({precision},{scale})" if scale else f"NUMBER({precision})"
        return Typed(text, Family.DECIMAL, precision, scale or 0)
    if scale is None:
        return Typed("NUMBER", Family.NUMBER)
    if scale == 0:
        return Typed("NUMBER(*,0)", Family.NUMBER, None, 0)
    return Typed(f"NUMBER(*,{scale})", Family.NUMBER, None, scale)


def _text(declared: Declared) -> Typed:
    kind = declared.kind
    family = Family.CHAR if kind in ("CHAR", "NCHAR") else Family.TEXT
    if kind.startswith("N"):
        return Typed(f"{kind}({declared.characters})", family, length=declared.characters)
    if declared.in_characters:
        return Typed(f"{kind}({declared.characters} CHAR)", family, length=declared.characters)
    return Typed(f"{kind}({declared.length})", family, length=declared.length)


def _object(declared: Declared) -> Typed:
    owner, kind = declared.owner or "", declared.kind
    family = Family.UNREADABLE if owner in _SYSTEM_OWNERS else Family.AS_TEXT
    return Typed(f"{owner}.{kind}", family)


def _time(kind: str) -> Typed | None:
    if found := _TIMES.fullmatch(kind):
        return Typed(kind, _TIME_FAMILIES[found[2]], scale=int(found[1]))
    if found := _MONTHS.fullmatch(kind):
        return Typed(kind, Family.INTERVAL_MONTHS, int(found[1]))
    if found := _SECONDS.fullmatch(kind):
        return Typed(kind, Family.INTERVAL_SECONDS, int(found[1]), int(found[2]))
    return None


def is_object(column: Column) -> bool:
    """Whether values are objects, VARRAYs or nested tables, which only the driver can take apart."""
    return column.family == Family.AS_TEXT and "." in column.source_type


def is_long(column: Column) -> bool:
    """Whether a column is LONG or LONG RAW, which functions cannot look into."""
    return column.source_type in ("LONG", "LONG RAW")


def is_national(column: Column) -> bool:
    """Whether text is in the national character set."""
    return column.source_type.startswith("N") and column.family in (Family.TEXT, Family.CHAR, Family.LOB_TEXT)


def widest(column: Column) -> int:
    """Return a bound of the bytes that one value takes in memory; of unbounded types a guess on the safe side."""
    match column.family:
        case Family.TEXT | Family.CHAR:
            wide = is_national(column) or column.source_type.endswith(" CHAR)")
            return (column.length or 4000) * (4 if wide else 3)
        case Family.BYTES:
            return column.length or 2000
        case Family.AS_TEXT:
            return 64 if "ROWID" in column.source_type else 1 << 18
        case Family.NUMBER | Family.DECIMAL:
            return 16
        case _:
            return 12


def as_column(name: str, declared: Declared, facts: "dict[str, Any]") -> Column:
    """Return a column from its type and the other facts (``nullable``, ``default``, ``comment``, ``computed``)."""
    meant = typed(declared)
    return Column(name, meant.text, meant.family, meant.precision, meant.scale, meant.length, **facts)
