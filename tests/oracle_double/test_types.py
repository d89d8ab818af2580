"""Values of every type, described and fetched: what comes back is what lies in SQLite."""

import struct
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import oracledb
import pyarrow as pa
import pytest
from oracle_double import moments, values
from oracle_double.client import Start, connected, error_of, fill, make, rows
from oracle_double.columns import PLAIN_NUMBER

TYPES = """
create table kinds (
    id NUMBER(10) primary key, plain NUMBER, exact "NUMBER(38,4) TEXT", low NUMBER(5,-2), f FLOAT(63), i INTEGER,
    bf BINARY_FLOAT, bd BINARY_DOUBLE, s VARCHAR2(40) not null, sc "VARCHAR2(12 CHAR)", n NVARCHAR2(30), c CHAR(5),
    nc NCHAR(4), d DATE, t3 TIMESTAMP(3), t9 TIMESTAMP(9), tz "TIMESTAMP(6) WITH TIME ZONE",
    lt "TIMESTAMP(6) WITH LOCAL TIME ZONE", ym "INTERVAL YEAR(4) TO MONTH", ds "INTERVAL DAY(5) TO SECOND(6)",
    r RAW(16), text CLOB, ntext NCLOB, bytes BLOB, old "LONG TEXT", oldraw LONG RAW, address ROWID, b BFILE
)
"""
FULL = {
    "id": 1, "plain": -12.5, "exact": "1234567890123456789012345678901234.5678", "low": 1200, "f": 0.1, "i": 7,
    "bf": 0.5, "bd": 0.1, "s": "é 1", "sc": "çà", "n": "ΩΣ", "c": "ab", "nc": "Ω", "d": "2008-05-30 23:59:59",
    "t3": "2008-05-30 23:59:59.123", "t9": "2008-05-30 23:59:59.123456789", "tz": "2008-05-30 23:59:59.5 +02:00",
    "lt": "2008-05-30 23:59:59.5", "ym": "-3-04", "ds": "+12 03:04:05.250000", "r": b"\0\xff", "text": "t" * 5000,
    "ntext": "Ω" * 10, "bytes": b"\1" * 70000, "old": "123", "oldraw": b"\2\3", "address": "AAAR3sAAEAAAACXAAB",
    "b": "DATA/run.dat",
}  # fmt: skip  # fmt: skip


def at(time: str) -> datetime:
    return datetime.fromisoformat(f"2008-05-30T{time}")


@pytest.fixture
def kinds(tmp_path: Path) -> Path:
    path = make(tmp_path / "kinds.sqlite", TYPES)
    fill(path, "kinds", [FULL, {"id": 2, "s": "all the rest is NULL"}])
    return path


class TestTypes:
    def test_described(self, kinds: Path, oracle_double: Start) -> None:
        with connected(oracle_double(kinds)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT * FROM kinds")
            found = {info.name: info for info in cursor.description}
        assert list(found) == [name.upper() for name in FULL]
        numbers = {
            name: (found[name].precision, found[name].scale) for name in ("ID", "PLAIN", "EXACT", "LOW", "F", "I")
        }
        assert numbers == {
            "ID": (10, 0), "PLAIN": (0, -127), "EXACT": (38, 4), "LOW": (5, -2), "F": (63, -127), "I": (38, 0),
        }  # fmt: skip
        kinds_found = {name: info.type_code.name.removeprefix("DB_TYPE_") for name, info in found.items()}
        assert kinds_found["TZ"] == "TIMESTAMP_TZ"
        assert [kinds_found[name] for name in ("N", "NC", "NTEXT", "OLD", "OLDRAW", "ADDRESS", "B")] == [
            "NVARCHAR", "NCHAR", "NCLOB", "LONG", "LONG_RAW", "ROWID", "BFILE",
        ]  # fmt: skip
        assert [found[name].scale for name in ("T3", "T9", "TZ", "LT")] == [3, 9, 6, 6]
        assert [found[name].display_size for name in ("S", "SC", "N", "C")] == [40, 12, 30, 5]
        assert found["R"].internal_size == 16

    def test_row_path(self, kinds: Path, oracle_double: Start) -> None:
        with connected(oracle_double(kinds)) as connection, connection.cursor() as cursor:
            cursor.outputtypehandler = lambda cursor, info: (
                cursor.var(str, arraysize=cursor.arraysize) if info.type_code is oracledb.DB_TYPE_NUMBER else None
            )
            cursor.execute("SELECT * FROM kinds ORDER BY id", fetch_lobs=False)
            names = [info.name.lower() for info in cursor.description]
            full, empty = (dict(zip(names, row, strict=True)) for row in cursor)
        bfile = full.pop("b")
        assert bfile.getfilename() == ("DATA", "run.dat")
        assert full == {
            "id": "1", "plain": "-12.5", "exact": "1234567890123456789012345678901234.5678", "low": "1200", "f": "0.1",
            "i": "7", "bf": 0.5, "bd": 0.1, "s": "é 1", "sc": "çà", "n": "ΩΣ", "c": "ab   ", "nc": "Ω   ",
            "d": at("23:59:59"), "t3": at("23:59:59.123000"),
            "t9": at("23:59:59.123456"), "tz": at("23:59:59.500000"),
            "lt": at("23:59:59.500000"), "ym": oracledb.IntervalYM(-3, -4),
            "ds": timedelta(days=12, hours=3, minutes=4, seconds=5.25), "r": b"\0\xff", "text": "t" * 5000,
            "ntext": "Ω" * 10, "bytes": b"\1" * 70000, "old": "123", "oldraw": b"\2\3",
            "address": "AAAR3sAAEAAAACXAAB",
        }  # fmt: skip
        assert {name for name, value in empty.items() if value is not None} == {"id", "s"}

    def test_xml(self, tmp_path: Path, oracle_double: Start) -> None:
        path = make(tmp_path / "x.sqlite", "create table x (v XMLTYPE)")
        fill(path, "x", [{"v": "<a>é</a>"}])
        with connected(oracle_double(path)) as connection:
            assert rows(connection, "SELECT XMLSERIALIZE(CONTENT v AS CLOB) FROM x") == [("<a>é</a>",)]
            assert rows(connection, "SELECT data_type_owner, data_type FROM all_tab_cols") == [("PUBLIC", "XMLTYPE")]
            assert "ORA-00900" in error_of(connection, "SELECT v FROM x")

    def test_arrow(self, kinds: Path, oracle_double: Start) -> None:
        names = "id, exact, bf, bd, s, n, c, d, t3, t9, tz, r, text, ntext, bytes, old, oldraw"
        with connected(oracle_double(kinds)) as connection:
            frame = connection.fetch_df_all(f"SELECT {names} FROM kinds ORDER BY id", fetch_decimals=True)
        table = pa.table(frame)
        assert table.schema.field("EXACT").type == pa.decimal128(38, 4)
        assert [table.schema.field(name).type.unit for name in ("D", "T3", "T9", "TZ")] == ["s", "ms", "ns", "us"]
        first = {name: table[name][0] for name in table.column_names}
        assert first["EXACT"].as_py() == Decimal("1234567890123456789012345678901234.5678")
        assert first["T9"].value == 1212191999123456789 // 1000 * 1000  # the driver keeps microseconds
        assert (first["N"].as_py(), first["C"].as_py(), first["BYTES"].as_py()) == ("ΩΣ", "ab   ", b"\1" * 70000)
        assert all(table[name][1].as_py() is None for name in table.column_names if name not in ("ID", "S"))

    @pytest.mark.parametrize(
        "value",
        [
            "0", "1", "-1", "99", "100", "0.5", "-0.01", "12345678901234567890123456789012345678", "9" * 40,
            "-" + "9" * 40, "1E-130", "-1E-130", "9.9E+125", "1E+63", "1E+64", "0.00001230", "-1000000",
        ],
    )  # fmt: skip
    def test_numbers(self, tmp_path: Path, oracle_double: Start, value: str) -> None:
        path = make(tmp_path / "n.sqlite", 'create table n (v "NUMBER TEXT")')
        fill(path, "n", [{"v": value}])
        with connected(oracle_double(path)) as connection, connection.cursor() as cursor:
            cursor.outputtypehandler = lambda cursor, info: (
                cursor.var(str, arraysize=cursor.arraysize) if info.type_code is oracledb.DB_TYPE_NUMBER else None
            )
            cursor.execute("SELECT v, TO_CHAR(v, 'TM9'), v + 0, ABS(v), MIN(v), SUM(v) FROM n GROUP BY v")
            plain, text, added, positive, least, total = cursor.fetchone()
        assert [Decimal(found) for found in (plain, text, added, least, total)] == [Decimal(value)] * 5
        assert Decimal(positive) == Decimal(value).copy_abs()

    @pytest.mark.parametrize("value", [0.0, -0.0, 1.5, -2.25, 5e-324, 1.7976931348623157e308, "NaN", "Inf", "-Inf"])
    def test_doubles(self, tmp_path: Path, oracle_double: Start, value: float | str) -> None:
        path = make(tmp_path / "f.sqlite", "create table f (v BINARY_DOUBLE)")
        fill(path, "f", [{"v": value}])
        with connected(oracle_double(path)) as connection:
            ((found, raw),) = rows(connection, "SELECT v, UTL_RAW.CAST_FROM_BINARY_DOUBLE(v) FROM f")
        # SQLite keeps no sign of zero.
        expected = struct.pack(">d", float(value) + 0.0)
        assert struct.pack(">d", found) == expected
        assert raw == expected

    @pytest.mark.parametrize(
        ("value", "days"), [("0001-01-01 00:00:00", -719164), ("9999-12-31 23:59:59", 2932896), ("1969-12-31", -1)]
    )
    def test_dates(self, tmp_path: Path, oracle_double: Start, value: str, days: int) -> None:
        path = make(tmp_path / "d.sqlite", "create table d (v DATE)")
        fill(path, "d", [{"v": value}])
        with connected(oracle_double(path)) as connection:
            ((found, number),) = rows(connection, "SELECT v, TRUNC(v) - DATE '1970-01-01' FROM d")
        assert found == datetime.fromisoformat(value)
        assert number == days

    def test_before_christ_and_time_zones(self, tmp_path: Path, oracle_double: Start) -> None:
        path = make(tmp_path / "d.sqlite", 'create table d (v DATE, z "TIMESTAMP(9) WITH TIME ZONE")')
        fill(path, "d", [{"v": "-4712-01-01", "z": "2010-07-01 12:00:00.000000001 Europe/Paris"}])
        mask = "'SYYYY-MM-DD\"T\"HH24:MI:SS'"
        with connected(oracle_double(path)) as connection:
            statement = f"SELECT TO_CHAR(v, {mask}), TO_CHAR(SYS_EXTRACT_UTC(z), 'HH24:MI:SS.FF9'), "
            statement += "TO_CHAR(z, 'TZR'), TO_CHAR(z, 'TZH:TZM') FROM d"
            assert rows(connection, statement) == [
                ("-4712-01-01T00:00:00", "10:00:00.000000001", "Europe/Paris", "+02:00")
            ]
            assert "DPY-3022" in error_of(connection, "SELECT z FROM d")


def test_integers_there_and_back() -> None:
    encode = values.encoder(PLAIN_NUMBER)
    for digits in range(1, 19):
        for number in (10**digits, -(10**digits), 10**digits - 1, -(10**digits) + 1, 1234567890123456789 % 10**digits):
            assert values.decode_number(encode(number)[1:]) == number
            assert encode(number) == encode(str(number))  # the slow way, from its text


@pytest.mark.parametrize("number", [-2440588 + 366, -719164, -141428, -141427, -1, 0, 11016, 2932896])
def test_days_there_and_back(number: int) -> None:
    assert moments.day_number(moments.Moment(*moments.of_day_number(number))) == number
