"""Oracle's types: how they are declared in SQLite, described on the wire, and shown by the dictionary.

Facts: python-oracledb, src/oracledb/base_impl.pxd and impl/thin/messages/base.pyx (describe).
"""

import re
from dataclasses import dataclass
from functools import lru_cache

import oracle_double.wire as wire

VARCHAR, NUMBER, LONG, ROWID, DATE, RAW, LONG_RAW = 1, 2, 8, 11, 12, 23, 24
CHAR, BINARY_FLOAT, BINARY_DOUBLE, OBJECT, CLOB, BLOB, BFILE = 96, 100, 101, 109, 112, 113, 114
TIMESTAMP, TIMESTAMP_TZ, INTERVAL_YM, INTERVAL_DS, UROWID, TIMESTAMP_LTZ = 180, 181, 182, 183, 208, 231
LOBS = frozenset((CLOB, BLOB))
LONGS = frozenset((LONG, LONG_RAW))
TEXTS = frozenset((VARCHAR, CHAR, LONG, CLOB))
TIMES = frozenset((DATE, TIMESTAMP, TIMESTAMP_TZ, TIMESTAMP_LTZ))
DATABASE, NATIONAL = 1, 2
"""Forms of the character set."""
_UTF8, _UTF16 = 873, 2000
_DECLARED = re.compile(
    r"\s*([A-Z][A-Z0-9_ ]*?)\s*(?:\(\s*(\*|\d+)\s*(?:BYTE|CHAR)?\s*(?:,\s*(-?\d+)\s*)?\))?"
    r"((?:\s+(?:WITH(?: LOCAL)? TIME ZONE|TO MONTH|TO SECOND(?:\s*\(\s*\d+\s*\))?|RAW))?)(?:\s+TEXT)?\s*",
    re.I,
)


@dataclass(frozen=True, slots=True)
class OracleType:
    """A type with its bounds.

    Parameters
    ----------
    code
        Number on the wire.
    name
        What the dictionary calls it (DATA_TYPE).
    precision, scale
        As the wire has them: 0 and -127 for a NUMBER without bounds.
    length
        Characters of texts, bytes of RAW; 0 for others.
    form
        Form of the character set, 0 for what is no text.
    by_characters
        Whether `length` counts characters.
    """

    code: int
    name: str
    precision: int = 0
    scale: int = 0
    length: int = 0
    form: int = 0
    by_characters: bool = False

    @property
    def size(self) -> int:
        """Bytes of the longest value, 0 for those without bound."""
        if self.code in (VARCHAR, CHAR):
            return self.length * (2 if self.form == NATIONAL else 4 if self.by_characters else 1) or 1
        return self.length if self.code == RAW else _SIZES.get(self.code, 4000)


_SIZES = {
    NUMBER: 22, DATE: 7, TIMESTAMP: 11, TIMESTAMP_LTZ: 11, TIMESTAMP_TZ: 13, BINARY_FLOAT: 4, BINARY_DOUBLE: 8,
    INTERVAL_YM: 5, INTERVAL_DS: 11, ROWID: 18, UROWID: 4000, LONG: 0, LONG_RAW: 0, BFILE: 530, OBJECT: 2000,
}  # fmt: skip
PLAIN_NUMBER = OracleType(NUMBER, "NUMBER", 0, -127)
TEXT = OracleType(VARCHAR, "VARCHAR2", length=4000, form=DATABASE)
_SIMPLE = {
    "BINARY_FLOAT": OracleType(BINARY_FLOAT, "BINARY_FLOAT"),
    "BINARY_DOUBLE": OracleType(BINARY_DOUBLE, "BINARY_DOUBLE"),
    "DATE": OracleType(DATE, "DATE"),
    "CLOB": OracleType(CLOB, "CLOB", form=DATABASE),
    "NCLOB": OracleType(CLOB, "NCLOB", form=NATIONAL),
    "BLOB": OracleType(BLOB, "BLOB"),
    "BFILE": OracleType(BFILE, "BFILE"),
    "LONG": OracleType(LONG, "LONG", form=DATABASE),
    "LONG RAW": OracleType(LONG_RAW, "LONG RAW"),
    "ROWID": OracleType(ROWID, "ROWID"),
    "UROWID": OracleType(UROWID, "UROWID"),
    "XMLTYPE": OracleType(OBJECT, "XMLTYPE"),
    "INTEGER": OracleType(NUMBER, "NUMBER", 38, 0),
    "INT": OracleType(NUMBER, "NUMBER", 38, 0),
    "SMALLINT": OracleType(NUMBER, "NUMBER", 38, 0),
    "REAL": OracleType(NUMBER, "FLOAT", 63, -127),
}


@lru_cache(maxsize=1024)
def of_declaration(declared: str) -> OracleType | None:
    """Return the type that a column of SQLite is declared with; None for one that Oracle does not have."""
    found = _DECLARED.fullmatch(declared)
    if not found:
        return None
    name, first, second, tail = found[1].upper(), found[2], found[3], " ".join(found[4].upper().split())
    length = int(first) if first and first != "*" else None
    if name in _SIMPLE and not tail:
        return _SIMPLE[name]
    match name:
        case "NUMBER" | "DECIMAL" | "NUMERIC":
            return _number(first, length, second)
        case "FLOAT":
            return OracleType(NUMBER, "FLOAT", length or 126, -127)
        case "VARCHAR2" | "VARCHAR" | "NVARCHAR2" | "CHAR" | "NCHAR":
            return _text(name, length, declared)
        case "RAW":
            return OracleType(RAW, "RAW", length=length or 2000)
        case "LONG" if tail == "RAW":
            return _SIMPLE["LONG RAW"]
        case "TIMESTAMP" | "TIMESTAMP WITH TIME ZONE" | "TIMESTAMP WITH LOCAL TIME ZONE":
            return _timestamp(name, tail, 6 if length is None else length)
        case _ if name.startswith("INTERVAL"):
            return _interval(name, tail, length)
    return None


def _number(first: str | None, precision: int | None, scale: str | None) -> OracleType:
    if first is None:
        return PLAIN_NUMBER
    return OracleType(NUMBER, "NUMBER", 38 if precision is None else precision, int(scale or 0))


def _text(name: str, length: int | None, declared: str) -> OracleType:
    national = name.startswith("N")
    fixed = name.endswith("CHAR") and name != "VARCHAR"
    return OracleType(
        CHAR if fixed else VARCHAR,
        "VARCHAR2" if name == "VARCHAR" else name,
        length=length or (1 if fixed else 4000),
        form=NATIONAL if national else DATABASE,
        by_characters=national or bool(re.search(r"\d\s+CHAR\s*\)", declared, re.I)),
    )


def _timestamp(name: str, tail: str, digits: int) -> OracleType:
    zone = (tail or name.removeprefix("TIMESTAMP").strip()) and " " + (tail or name.removeprefix("TIMESTAMP").strip())
    code = {"": TIMESTAMP, " WITH TIME ZONE": TIMESTAMP_TZ, " WITH LOCAL TIME ZONE": TIMESTAMP_LTZ}[zone]
    return OracleType(code, f"TIMESTAMP({digits}){zone}", scale=digits)


def _interval(name: str, tail: str, leading: int | None) -> OracleType:
    digits = 2 if leading is None else leading
    if "YEAR" in name:
        return OracleType(INTERVAL_YM, f"INTERVAL YEAR({digits}) TO MONTH", precision=digits)
    found = re.search(r"SECOND\s*\((\d+)\)", tail)
    fraction = int(found[1]) if found else 6
    kind = f"INTERVAL DAY({digits}) TO SECOND({fraction})"
    return OracleType(INTERVAL_DS, kind, precision=digits, scale=fraction)


def of_code(code: int, size: int) -> OracleType:
    """Return a type by its number on the wire."""
    if code in (RAW, LONG_RAW):
        return OracleType(RAW, "RAW", length=max(size, 1))
    if code in (NUMBER, 3):
        return PLAIN_NUMBER
    named = {BINARY_FLOAT: "BINARY_FLOAT", BINARY_DOUBLE: "BINARY_DOUBLE", DATE: "DATE", TIMESTAMP: "TIMESTAMP(9)"}
    named |= {TIMESTAMP_TZ: "TIMESTAMP(9) WITH TIME ZONE", TIMESTAMP_LTZ: "TIMESTAMP(9) WITH LOCAL TIME ZONE"}
    return of_declaration(named.get(code, "")) or OracleType(VARCHAR, "VARCHAR2", length=max(size, 1), form=DATABASE)


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column of a result."""

    name: str
    type: OracleType
    nullable: bool = True


def describe(columns: list[ResultColumn]) -> bytes:
    """Return the message that says what columns a result has."""
    parts = [b"\x10\0", wire.number(sum(column.type.size for column in columns)), wire.number(len(columns))]
    if columns:
        parts.append(b"\0")
    parts += [_column(column, position) for position, column in enumerate(columns, 1)]
    parts.append(wire.number(0) * 6)
    return b"".join(parts)


def _column(column: ResultColumn, position: int) -> bytes:
    kind, name = column.type, column.name.encode()
    charset = {0: 0, DATABASE: _UTF8, NATIONAL: _UTF16}[kind.form]
    return b"".join((
        bytes((kind.code, 0, kind.precision & 255, kind.scale & 255)),
        wire.number(kind.size),
        wire.number(0) * 2,  # elements, flags
        wire.number(0),  # identifier of an object type
        wire.number(0),
        wire.number(charset),
        bytes((kind.form,)),
        wire.number(kind.length if kind.code in (VARCHAR, CHAR) else 0),
        wire.number(0),
        bytes((column.nullable, min(len(name), 255))),
        wire.twice_counted(name),
        wire.number(0) * 2,  # schema and name of an object type
        wire.number(position),
        wire.number(0),
    ))  # fmt: skip
