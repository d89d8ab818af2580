"""Types of Oracle's dictionary: exact text, family, precision."""

import pytest

from dbdump.schema import Column, Family
from dbdump.sources.oracle.types import Declared, as_column, is_long, is_national, is_object, typed, widest


@pytest.mark.parametrize(
    ("declared", "text", "family", "precision", "scale", "length"),
    [
        (Declared("NUMBER", precision=10, scale=2), "NUMBER(10,2)", Family.DECIMAL, 10, 2, None),
        (Declared("NUMBER", precision=10, scale=0), "NUMBER(10)", Family.DECIMAL, 10, 0, None),
        (Declared("NUMBER", precision=5, scale=-2), "NUMBER(5,-2)", Family.DECIMAL, 5, -2, None),
        (Declared("NUMBER", precision=2, scale=9), "NUMBER(2,9)", Family.DECIMAL, 2, 9, None),
        (Declared("NUMBER"), "NUMBER", Family.NUMBER, None, None, None),
        (Declared("NUMBER", scale=0), "NUMBER(*,0)", Family.NUMBER, None, 0, None),
        (Declared("NUMBER", scale=4), "NUMBER(*,4)", Family.NUMBER, None, 4, None),
        (Declared("FLOAT", precision=63), "FLOAT(63)", Family.NUMBER, None, None, None),
        (Declared("FLOAT"), "FLOAT(126)", Family.NUMBER, None, None, None),
        (Declared("BINARY_FLOAT"), "BINARY_FLOAT", Family.FLOAT32, None, None, None),
        (Declared("BINARY_DOUBLE"), "BINARY_DOUBLE", Family.FLOAT64, None, None, None),
        (Declared("VARCHAR2", length=40, characters=40), "VARCHAR2(40)", Family.TEXT, None, None, 40),
        (
            Declared("VARCHAR2", length=160, characters=40, in_characters=True),
            "VARCHAR2(40 CHAR)",
            Family.TEXT,
            None,
            None,
            40,
        ),
        (Declared("NVARCHAR2", length=80, characters=40), "NVARCHAR2(40)", Family.TEXT, None, None, 40),
        (Declared("CHAR", length=8, characters=8), "CHAR(8)", Family.CHAR, None, None, 8),
        (Declared("NCHAR", length=16, characters=8), "NCHAR(8)", Family.CHAR, None, None, 8),
        (Declared("RAW", length=16), "RAW(16)", Family.BYTES, None, None, 16),
        (Declared("DATE", length=7), "DATE", Family.DATETIME, None, None, None),
        (Declared("TIMESTAMP(6)", scale=6), "TIMESTAMP(6)", Family.TIMESTAMP, None, 6, None),
        (Declared("TIMESTAMP(0)", scale=0), "TIMESTAMP(0)", Family.TIMESTAMP, None, 0, None),
        (
            Declared("TIMESTAMP(9) WITH TIME ZONE"),
            "TIMESTAMP(9) WITH TIME ZONE",
            Family.TIMESTAMP_TZ,
            None,
            9,
            None,
        ),
        (
            Declared("TIMESTAMP(3) WITH LOCAL TIME ZONE"),
            "TIMESTAMP(3) WITH LOCAL TIME ZONE",
            Family.TIMESTAMP_UTC,
            None,
            3,
            None,
        ),
        (
            Declared("INTERVAL YEAR(4) TO MONTH"),
            "INTERVAL YEAR(4) TO MONTH",
            Family.INTERVAL_MONTHS,
            4,
            None,
            None,
        ),
        (
            Declared("INTERVAL DAY(2) TO SECOND(6)"),
            "INTERVAL DAY(2) TO SECOND(6)",
            Family.INTERVAL_SECONDS,
            2,
            6,
            None,
        ),
        (Declared("CLOB"), "CLOB", Family.LOB_TEXT, None, None, None),
        (Declared("NCLOB"), "NCLOB", Family.LOB_TEXT, None, None, None),
        (Declared("LONG"), "LONG", Family.LOB_TEXT, None, None, None),
        (Declared("BLOB"), "BLOB", Family.LOB_BYTES, None, None, None),
        (Declared("LONG RAW"), "LONG RAW", Family.LOB_BYTES, None, None, None),
        (Declared("XMLTYPE", owner="PUBLIC"), "XMLTYPE", Family.AS_TEXT, None, None, None),
        (Declared("JSON"), "JSON", Family.AS_TEXT, None, None, None),
        (Declared("ROWID"), "ROWID", Family.AS_TEXT, None, None, None),
        (Declared("UROWID", length=4000), "UROWID(4000)", Family.AS_TEXT, None, None, 4000),
        (Declared("BFILE"), "BFILE", Family.BFILE, None, None, None),
        (Declared("LINE_POSITION", owner="ANTARES"), "ANTARES.LINE_POSITION", Family.AS_TEXT, None, None, None),
        (Declared("ANYDATA", owner="SYS"), "ANYDATA", Family.UNREADABLE, None, None, None),
        (Declared("SDO_GEOMETRY", owner="MDSYS"), "SDO_GEOMETRY", Family.UNREADABLE, None, None, None),
        (Declared("ORDIMAGE", owner="ORDSYS"), "ORDSYS.ORDIMAGE", Family.UNREADABLE, None, None, None),
        (Declared("VECTOR"), "VECTOR", Family.UNREADABLE, None, None, None),
    ],
    ids=lambda value: value.kind if isinstance(value, Declared) else None,
)
def test_type(
    declared: Declared, text: str, family: Family, precision: int | None, scale: int | None, length: int | None
) -> None:
    found = typed(declared)
    assert (found.text, found.family, found.precision, found.scale, found.length) == (
        text,
        family,
        precision,
        scale,
        length,
    )


def column(kind: str, **facts: object) -> Column:
    return as_column("C", Declared(kind, **facts), {})  # type: ignore[arg-type]


def test_kinds_that_need_care() -> None:
    assert is_object(column("POSITION", owner="ANTARES"))
    assert not is_object(column("XMLTYPE", owner="SYS"))
    assert is_long(column("LONG RAW"))
    assert not is_long(column("BLOB"))
    assert is_national(column("NCLOB"))
    assert is_national(column("NVARCHAR2", characters=3))
    assert not is_national(column("NUMBER"))


def test_width_is_a_bound_in_utf8() -> None:
    assert widest(column("VARCHAR2", length=10)) == 30
    assert widest(column("VARCHAR2", length=40, characters=10, in_characters=True)) == 40
    assert widest(column("RAW", length=16)) == 16
    assert widest(column("DATE")) >= 8
