import pytest

from dbdump.schema import Family
from dbdump.sources.sqlite.declared import Declared, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Declared(None)),
        ("ANY", Declared(None)),
        ("INTEGER", Declared(Family.DECIMAL, 18, 0)),
        ("int", Declared(Family.DECIMAL, 18, 0)),
        ("UNSIGNED BIG INT", Declared(Family.DECIMAL, 18, 0)),
        ("BIGINT(20)", Declared(Family.DECIMAL, 18, 0)),
        ("SERIAL", Declared(Family.DECIMAL, 18, 0)),
        ("NUMBER", Declared(Family.NUMBER)),
        ("NUMBER(10)", Declared(Family.DECIMAL, 10, 0)),
        ("NUMBER(10,2)", Declared(Family.DECIMAL, 10, 2)),
        ("NUMBER( 10 , -2 )", Declared(Family.DECIMAL, 10, -2)),
        ("NUMBER(*,3)", Declared(Family.DECIMAL, 38, 3)),
        ("numeric(12, 4)", Declared(Family.DECIMAL, 12, 4)),
        ("DECIMAL(5,7)", Declared(Family.DECIMAL, 5, 7)),
        ("NUMERIC(10,999999)", Declared(Family.NUMBER)),
        ("NUMERIC(999999999)", Declared(Family.NUMBER)),
        ("NUMERIC(0)", Declared(Family.NUMBER)),
        ("DOUBLE PRECISION", Declared(Family.FLOAT64)),
        ("REAL", Declared(Family.FLOAT64)),
        ("FLOAT(126)", Declared(Family.FLOAT64)),
        ("BINARY_DOUBLE", Declared(Family.FLOAT64)),
        ("BINARY_FLOAT", Declared(Family.FLOAT64)),
        ("VARCHAR2(40 CHAR)", Declared(Family.TEXT, length=40)),
        ("VARCHAR2(40 BYTE)", Declared(Family.TEXT, length=40)),
        ("character varying(80)", Declared(Family.TEXT, length=80)),
        ("NVARCHAR2(7)", Declared(Family.TEXT, length=7)),
        ("CHAR(3)", Declared(Family.CHAR, length=3)),
        ("TEXT", Declared(Family.TEXT)),
        ("CLOB", Declared(Family.LOB_TEXT)),
        ("LONG", Declared(Family.LOB_TEXT)),
        ("LONG RAW", Declared(Family.LOB_BYTES)),
        ("BLOB", Declared(Family.LOB_BYTES)),
        ("RAW(16)", Declared(Family.BYTES, length=16)),
        ("DATE", Declared(Family.DATE)),
        ("DATETIME", Declared(Family.DATETIME)),
        ("TIMESTAMP", Declared(Family.TIMESTAMP)),
        ("TIMESTAMP(9)", Declared(Family.TIMESTAMP, scale=9)),
        ("TIMESTAMP(6) WITH TIME ZONE", Declared(Family.TIMESTAMP_TZ, scale=6)),
        ("TIMESTAMP(6) WITH LOCAL TIME ZONE", Declared(Family.TIMESTAMP_UTC, scale=6)),
        ("TIMESTAMP WITHOUT TIME ZONE", Declared(Family.TIMESTAMP)),
        ("TIME", Declared(Family.TIME)),
        ("BOOLEAN", Declared(Family.BOOLEAN)),
        ("INTERVAL DAY(2) TO SECOND(6)", Declared(Family.AS_TEXT)),
        ("XMLTYPE", Declared(Family.AS_TEXT)),
        ("FLOATING POINT", Declared(Family.DECIMAL, 18, 0)),  # "POINT" has INT in it: SQLite's own joke
        ("GEOMETRY", Declared(Family.NUMBER)),
        ("((((", Declared(Family.NUMBER)),
        ("((VARCHAR", Declared(Family.TEXT)),
    ],
)
def test_declared_types(text: str, expected: Declared) -> None:
    assert parse(text) == expected
