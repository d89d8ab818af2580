"""Declared types of SQLite columns: any words at all, of which we know those of SQLite, Oracle and PostgreSQL."""

import re
from dataclasses import dataclass

from dbdump.schema import Family
from dbdump.stored import INT64_DIGITS

_TYPE = re.compile(r"([^()]*)(?:\(\s*([+-]?\d{1,9}|\*)\s*(?:,\s*([+-]?\d{1,9})\s*)?(?:BYTE|CHAR)?\s*\))?([^()]*)")
_LARGEST_DIGITS = 1000
"""Precision and scale that PostgreSQL allows; SQLite lets a type say anything."""
_TIMES = ("DATE", "DATETIME", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "TIMETZ")
_FAMILIES = {
    Family.BOOLEAN: "BOOLEAN BOOL",
    Family.NUMBER: "NUMBER NUMERIC DECIMAL DEC",
    # SQLite has one floating type; a FLOAT(b) of Oracle may hold more digits than it, but not in SQLite.
    Family.FLOAT64: "REAL DOUBLE FLOAT FLOAT4 FLOAT8 BINARY_DOUBLE BINARY_FLOAT",
    Family.TEXT: "TEXT VARCHAR VARCHAR2 NVARCHAR NVARCHAR2 STRING VARYING",
    Family.CHAR: "CHAR NCHAR CHARACTER BPCHAR",
    Family.LOB_TEXT: "CLOB NCLOB LONG LONGTEXT MEDIUMTEXT",
    Family.LOB_BYTES: "BLOB BYTEA LONGBLOB MEDIUMBLOB",
    Family.BYTES: "RAW BINARY VARBINARY",
    Family.DATE: "DATE",
    Family.DATETIME: "DATETIME",
    Family.TIMESTAMP: "TIMESTAMP",
    Family.TIMESTAMP_TZ: "TIMESTAMPTZ",
    Family.TIME: "TIME TIMETZ",
    Family.AS_TEXT: "UUID JSON JSONB XML XMLTYPE ROWID UROWID BFILE INTERVAL",
}
_BY_WORD = {word: family for family, words in _FAMILIES.items() for word in words.split()}
_PHRASES = {
    "LONG RAW": Family.LOB_BYTES,
    "DOUBLE PRECISION": Family.FLOAT64,
    "CHARACTER VARYING": Family.TEXT,
    "CHAR VARYING": Family.TEXT,
    "VARYING CHARACTER": Family.TEXT,
    "NATIVE CHARACTER": Family.CHAR,
    "CHARACTER LARGE OBJECT": Family.LOB_TEXT,
    "BINARY LARGE OBJECT": Family.LOB_BYTES,
    "BINARY VARYING": Family.BYTES,
    "TIMESTAMP WITH LOCAL TIME ZONE": Family.TIMESTAMP_UTC,
    "TIMESTAMP WITH TIME ZONE": Family.TIMESTAMP_TZ,
}


@dataclass(frozen=True, slots=True)
class Declared:
    """What a declared type stands for; fields as in `dbdump.schema.Column`."""

    family: Family | None
    precision: int | None = None
    scale: int | None = None
    length: int | None = None


def parse(text: str) -> Declared:
    """Return what a declared type stands for, ``family`` None for a column without any.

    A type with unknown words has the family of its affinity (https://www.sqlite.org/datatype3.html, 3.1).
    """
    words = text.upper().strip()
    match = _TYPE.fullmatch(words)
    if match is None:
        return Declared(_by_first_word(words))
    name = " ".join(f"{match[1]} {match[4]}".split())
    first = int(match[2]) if match[2] and match[2] != "*" else None
    second = int(match[3]) if match[3] else None
    family = _PHRASES.get(name) or _BY_WORD.get(name) or _by_first_word(name)
    return _with_numbers(family, first, second)


def _by_first_word(name: str) -> Family | None:
    first = re.split(r"\W", name, maxsplit=1)[0]
    if first in _TIMES or first == "INTERVAL":
        return _BY_WORD[first]
    return _affinity(name)


def _affinity(name: str) -> Family | None:
    if "INT" in name or "SERIAL" in name:
        return Family.DECIMAL
    if any(part in name for part in ("CHAR", "CLOB", "TEXT")):
        return Family.TEXT
    if "BLOB" in name:
        return Family.LOB_BYTES
    if any(part in name for part in ("REAL", "FLOA", "DOUB")):
        return Family.FLOAT64
    # ANY is the word of STRICT tables for what a column without a type is in others.
    return None if name in ("", "ANY") else Family.NUMBER


def _with_numbers(family: Family | None, first: int | None, second: int | None) -> Declared:
    match family:
        case Family.DECIMAL:
            # An integer: 18 digits mean int64 in the type map, which holds all that SQLite does.
            return Declared(family, INT64_DIGITS, 0)
        case Family.NUMBER if max(first or 0, abs(second or 0)) > _LARGEST_DIGITS:
            return Declared(family)
        case Family.NUMBER if first is not None and first > 0:
            return Declared(Family.DECIMAL, first, second or 0)
        case Family.NUMBER if second is not None:
            return Declared(Family.DECIMAL, 38, second)  # NUMBER(*, s)
        case Family.TIMESTAMP | Family.TIMESTAMP_TZ | Family.TIMESTAMP_UTC | Family.TIME:
            return Declared(family, scale=first)
        case Family.TEXT | Family.CHAR | Family.BYTES:
            return Declared(family, length=first)
        case _:
            return Declared(family)
