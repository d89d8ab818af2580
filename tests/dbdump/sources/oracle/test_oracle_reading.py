"""Values through the real driver: what comes out is what is stored, or an error."""

import hashlib
import math
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from dbdump.arrow import schema_of
from dbdump.errors import TableGoneError, ValueLossError
from dbdump.lobs import LobStore
from dbdump.plan import Chunk, ChunkKind
from dbdump.sources.contract import Reading
from dbdump.stored import TypeOptions

if TYPE_CHECKING:
    from conftest import Oracle

DIGITS_38 = "12345678901234567890123456789012345678"


def stored(plan: Any) -> dict[str, str]:
    return {column.name: column.arrow for column in plan.columns}


def naive(*fields: int) -> datetime:
    return datetime(*fields)  # type: ignore[arg-type]  # noqa: DTZ001  a local time


def test_numbers_are_exact(oracle: "Oracle") -> None:
    columns = {
        "I": "NUMBER(10)",
        "BIG": "NUMBER(38) TEXT",
        "D": "NUMBER(38,10) TEXT",
        "WHOLE": "NUMBER",
        "FRACTION": "NUMBER TEXT",
        "WILD": "NUMBER TEXT",
    }
    rows = [
        (1, DIGITS_38, "1234567890123456789012345678.0123456789", 5, "0.25", "1e-130"),
        (-(10**9), f"-{DIGITS_38}", "-0.0000000001", -7, "-1.125", "9" * 40),
        (0, "0", "0", 0, "0", "-" + "1" + "0" * 125),
        (None, None, None, None, None, None),
    ]
    oracle.fill("N", columns, rows)
    source = oracle.source()
    plan = oracle.plan(source, "N")
    assert stored(plan) == {
        "I": "int64",
        "BIG": "decimal128(38, 0)",
        "D": "decimal128(38, 10)",
        "WHOLE": "int64",
        "FRACTION": "decimal128(38, 3)",
        "WILD": "string",
    }
    found = oracle.read(source, plan)
    assert [row["BIG"] for row in found] == [Decimal(DIGITS_38), Decimal(f"-{DIGITS_38}"), Decimal(0), None]
    assert [row["D"] for row in found] == [None if r[2] is None else Decimal(r[2]) for r in rows]
    assert [row["WHOLE"] for row in found] == [5, -7, 0, None]
    assert [row["FRACTION"] for row in found] == [Decimal("0.250"), Decimal("-1.125"), Decimal(0), None]
    assert [row["WILD"] for row in found] == ["0." + "0" * 129 + "1", "9" * 40, "-1" + "0" * 125, None]


def test_floats_keep_every_bit(oracle: "Oracle") -> None:
    values = [0.1, -1e-300, 5e-324, 1.7976931348623157e308, "NaN", "Inf", "-Inf", None]
    oracle.fill("F", {"D": "BINARY_DOUBLE", "S": "BINARY_FLOAT"}, [(v, 0.5) for v in values])
    found = oracle.rows("F")
    expected = [float(v) if v is not None else None for v in values]
    assert [row["D"] for row in found if row["D"] is None or not math.isnan(row["D"])] == [
        v for v in expected if v is None or not math.isnan(v)
    ]
    assert math.isnan(found[4]["D"])
    assert {row["S"] for row in found} == {0.5}


def test_texts(oracle: "Oracle") -> None:
    columns = {"V": "VARCHAR2(40)", "C": "CHAR(6)", "N": "NVARCHAR2(20)", "R": "RAW(8)"}
    rows = [
        ("plain", "ab    ", "日本😀", b"\x00\xff"),
        ("é\u0080\u009f", "      ", "x", b"a"),  # what WE8ISO8859P1 gives for bytes that were meant as CP1252
        ("a\r\n\tb\x01", "abcdef", None, None),
        (None, None, None, None),
        ("", "x     ", "", b""),
    ]
    oracle.fill("T", columns, rows)
    found = oracle.rows("T")
    assert [row["V"] for row in found] == ["plain", "é\u0080\u009f", "a\r\n\tb\x01", None, None]
    assert [row["C"] for row in found] == ["ab    ", "      ", "abcdef", None, "x     "]
    assert [row["N"] for row in found] == ["日本😀", "x", None, None, None]
    assert [row["R"] for row in found] == [b"\x00\xff", b"a", None, None, None]


def test_raw_text(oracle: "Oracle") -> None:
    oracle.fill("T", {"V": "VARCHAR2(40)", "K": "CLOB"}, [("é", "x")])
    source = oracle.source()
    plan = oracle.plan(source, "T", options=TypeOptions(raw_text=frozenset({"T.V"})))
    assert stored(plan)["V"] == "binary"
    assert oracle.read(source, plan)[0]["V"] == "é".encode()
    plan = oracle.plan(source, "T", options=TypeOptions(raw_text=frozenset({"T.K"})))
    with pytest.raises(ValueLossError, match="--raw-text"):
        oracle.read(source, plan)


def test_times(oracle: "Oracle") -> None:
    columns = {
        "D": "DATE",
        "T6": "TIMESTAMP(6)",
        "T9": "TIMESTAMP(9)",
        "Z": "TIMESTAMP(6) WITH TIME ZONE",
        "L": "TIMESTAMP(6) WITH LOCAL TIME ZONE",
    }
    rows = [
        ("2008-05-30 23:59:59", "1969-12-31 23:59:59.999999", "2008-05-30 00:00:00.123456789",
         "2008-05-30 12:00:00.5 +02:00", "2008-05-30 12:00:00.25"),
        ("0001-01-01 00:00:00", "0001-01-01 00:00:00.000001", "1677-09-22 00:00:00.000000001",
         "2008-07-01 12:00:00 Europe/Paris", "1500-03-01 00:00:00"),
        ("9999-12-31 23:59:59", "9999-12-31 23:59:59.999999", "2262-04-11 23:47:15.000000001",
         "2008-01-01 00:00:00 -05:30", "9999-12-31 23:59:59.999999"),
        (None, None, None, None, None),
    ]  # fmt: skip
    oracle.fill("T", columns, rows)
    source = oracle.source()
    plan = oracle.plan(source, "T")
    assert stored(plan) == {
        "D": "timestamp[s]",
        "T6": "timestamp[us]",
        "T9": "timestamp[ns]",
        "Z": "timestamp[us, tz=UTC]",
        "Z__tz": "string",
        "L": "timestamp[us, tz=UTC]",
    }
    (batch,) = source.read(plan, plan.chunks[0], Reading(), LobStore(oracle.file.parent))
    assert batch.schema.equals(schema_of(plan), check_metadata=True)
    found = {name: batch.column(name) for name in ("D", "T6", "Z", "Z__tz", "L")}
    lists = {name: array.to_pylist() for name, array in found.items()}
    assert lists["D"] == [naive(2008, 5, 30, 23, 59, 59), naive(1, 1, 1), naive(9999, 12, 31, 23, 59, 59), None]
    assert lists["T6"][0] == naive(1969, 12, 31, 23, 59, 59, 999999)
    assert lists["T6"][1:] == [naive(1, 1, 1, 0, 0, 0, 1), naive(9999, 12, 31, 23, 59, 59, 999999), None]
    nanoseconds = batch.column("T9").cast("int64").to_pylist()
    assert nanoseconds[0] % 1_000_000_000 == 123456789
    assert nanoseconds[1] % 1_000_000_000 == 1
    assert lists["Z"] == [
        datetime(2008, 5, 30, 10, 0, 0, 500000, UTC),
        datetime(2008, 7, 1, 10, tzinfo=UTC),
        datetime(2008, 1, 1, 5, 30, tzinfo=UTC),
        None,
    ]
    assert [zone and zone.upper() for zone in lists["Z__tz"]] == ["+02:00", "EUROPE/PARIS", "-05:30", None]
    assert lists["L"][:2] == [datetime(2008, 5, 30, 12, 0, 0, 250000, UTC), datetime(1500, 3, 1, tzinfo=UTC)]


def test_times_before_the_common_era_are_text(oracle: "Oracle") -> None:
    columns = {"D": "DATE", "T": "TIMESTAMP(9)", "Z": "TIMESTAMP(3) WITH TIME ZONE"}
    rows = [
        ("-4712-01-01 00:00:00", "-0044-03-15 12:00:00.000000001", "-0044-03-15 12:00:00.5 +02:00"),
        ("2008-05-30 01:02:03", "2262-04-12 00:00:00", "2008-05-30 12:00:00 Europe/Paris"),
    ]
    oracle.fill("T", columns, rows)
    source = oracle.source()
    plan = oracle.plan(source, "T")
    assert stored(plan) == {"D": "string", "T": "string", "Z": "string"}
    found = oracle.read(source, plan)
    assert [row["D"] for row in found] == ["-4712-01-01T00:00:00", "2008-05-30T01:02:03"]
    assert [row["T"] for row in found] == ["-0044-03-15T12:00:00.000000001", "2262-04-12T00:00:00.000000000"]
    assert found[0]["Z"] == "-0044-03-15T12:00:00.500000000+02:00"
    assert found[1]["Z"].upper() == "2008-05-30T12:00:00.000000000+02:00[EUROPE/PARIS]"


def test_intervals(oracle: "Oracle") -> None:
    columns = {
        "Y": "INTERVAL YEAR(4) TO MONTH",
        "U": "INTERVAL DAY(2) TO SECOND(6)",
        "N": "INTERVAL DAY(3) TO SECOND(9)",
        "LONG": "INTERVAL DAY(9) TO SECOND(9)",
    }
    rows = [
        ("+2008-05", "+01 02:03:04.000005", "+001 00:00:00.000000007", "+999999999 23:59:59.999999999"),
        ("-00-01", "-00 00:00:00.000001", "-100 00:00:01.5", "-1 00:00:00"),
        (None, None, None, None),
    ]
    oracle.fill("T", columns, rows)
    found = oracle.rows("T")
    assert [row["Y"] for row in found] == [2008 * 12 + 5, -1, None]
    assert [row["U"] for row in found] == [((26 * 60 + 3) * 60 + 4) * 10**6 + 5, -1, None]
    assert [row["N"] for row in found] == [86_400 * 10**9 + 7, -(100 * 86_400 + 1) * 10**9 - 5 * 10**8, None]
    assert "999999999" in found[0]["LONG"]
    assert found[2]["LONG"] is None


def test_lobs_around_the_threshold(oracle: "Oracle") -> None:
    texts = [
        "short", "", None, "x" * 1000, "x" * 1001, "é" * 500, "é" * 501, "😀" * 250, "😀" * 251,
        "ab😀" * 700_000, "y" * 5_000_000,
    ]  # fmt: skip
    raws = [None if text is None else text.encode() for text in texts]
    oracle.fill("T", {"ID": "NUMBER(5)", "C": "CLOB", "B": "BLOB"}, list(zip(range(99), texts, raws, strict=False)))
    found = oracle.rows("T", threshold=1000)
    folder = oracle.file.parent / "lobs"
    for row, text, raw in zip(found, texts, raws, strict=True):
        for name, value in (("C", text), ("B", raw)):
            in_bytes = value.encode() if isinstance(value, str) else value
            if in_bytes is None:
                assert (row[name], row[f"{name}__lob"], row[f"{name}__size"]) == (None, None, None)
            elif len(in_bytes) <= 1000:
                assert (row[name], row[f"{name}__lob"], row[f"{name}__size"]) == (value, None, len(in_bytes))
            else:
                digest = hashlib.sha256(in_bytes).hexdigest()
                assert (row[name], row[f"{name}__lob"], row[f"{name}__size"]) == (None, digest, len(in_bytes))
                assert (folder / digest[:2] / digest).read_bytes() == in_bytes


def test_rows_with_lobs_keep_the_other_types(oracle: "Oracle") -> None:
    columns = {
        "I": "NUMBER(10)", "D": "NUMBER(38,10) TEXT", "N": "NUMBER TEXT", "W": "NUMBER TEXT", "F": "BINARY_DOUBLE",
        "T": "DATE", "T9": "TIMESTAMP(9)", "Z": "TIMESTAMP(6) WITH TIME ZONE", "R": "RAW(4)", "C": "NCLOB",
    }  # fmt: skip
    oracle.fill(
        "T",
        columns,
        [
            (1, "1.0123456789", 12, "1e-100", 0.1, "2008-05-30 01:02:03", "2008-05-30 00:00:00.123456789",
             "2008-05-30 12:00:00 +02:00", b"\xff", "日本"),
            (None,) * 10,
        ],
    )  # fmt: skip
    first, second = oracle.rows("T")
    assert (first["I"], first["D"], first["N"], first["F"]) == (1, Decimal("1.0123456789"), 12, 0.1)
    assert first["W"] == "0." + "0" * 99 + "1"
    assert first["T"] == naive(2008, 5, 30, 1, 2, 3)
    assert first["T9"].nanosecond == 789
    assert (first["Z"], first["Z__tz"]) == (datetime(2008, 5, 30, 10, tzinfo=UTC), "+02:00")
    assert (first["R"], first["C"], first["C__size"]) == (b"\xff", "日本", 6)
    assert set(second.values()) == {None}


def test_long(oracle: "Oracle") -> None:
    oracle.fill("T", {"ID": "NUMBER(5)", "L": "LONG"}, [(1, "x" * 10), (2, "é" * 5000), (3, None)])
    oracle.fill("R", {"L": "LONG RAW"}, [(b"\x00" * 10,), (b"\xff" * 5000,)])
    rows = oracle.rows("T")
    assert [(row["L"], row["L__size"]) for row in rows] == [("x" * 10, 10), (None, 10_000), (None, None)]
    assert [(row["L"], row["L__size"]) for row in oracle.rows("R")] == [(b"\x00" * 10, 10), (None, 5000)]


def test_xml_and_rowid(oracle: "Oracle") -> None:
    oracle.fill("T", {"X": "XMLTYPE", "R": "ROWID"}, [("<a>é</a>", "AAAR3sAAEAAAACXAAA"), (None, None)])
    assert oracle.rows("T") == [{"X": "<a>é</a>", "R": "AAAR3sAAEAAAACXAAA"}, {"X": None, "R": None}]


@pytest.mark.parametrize("name", ["select", "a b/c", "é日", "semi;colon'--", "lower", "X" * 30])
def test_odd_names(oracle: "Oracle", name: str) -> None:
    oracle.fill(name, {name: "NUMBER(5)", "ROWS": "VARCHAR2(5)"}, [(1, "x")])
    source = oracle.source()
    found = [table.name.name for table in source.reflect([source.default_schema()]).tables]
    assert len(found) == 1
    (row,) = oracle.rows(found[0])
    assert list(row.values()) == [1, "x"]


def test_empty_table(oracle: "Oracle") -> None:
    oracle.fill("E", {"I": "NUMBER", "D": "DATE", "C": "CLOB"}, [])
    oracle.fill("A", {"I": "NUMBER", "D": "DATE"}, [])
    assert oracle.rows("E") == []
    assert oracle.rows("A") == []


def test_batches_have_the_same_boundaries_each_time(oracle: "Oracle") -> None:
    oracle.fill("T", {"I": "NUMBER(9)", "V": "VARCHAR2(100)"}, [(n, "x" * 100) for n in range(2500)])
    source = oracle.source()
    plan = oracle.plan(source, "T")

    def sizes(reading: Reading) -> list[int]:
        return [b.num_rows for b in source.read(plan, plan.chunks[0], reading, LobStore(oracle.file.parent))]

    assert sizes(Reading(rows=1000)) == [1000, 1000, 500]
    small = sizes(Reading(rows=1000, size=20_000))
    assert sum(small) == 2500
    assert max(small) <= 20_000 // 100
    assert small == sizes(Reading(rows=1000, size=20_000))


def test_chunks_by_rowid_have_each_row_once_and_in_order(oracle: "Oracle") -> None:
    oracle.fill("T", {"I": "NUMBER(9)"}, [(n,) for n in range(5000)])
    source = oracle.source()
    table = oracle.table(source, "T")
    from dataclasses import replace

    plan = oracle.plan(source, "T")
    chunks = source.chunks(replace(table, rows=5000, size=7 << 20), 1 << 20)
    assert {chunk.kind for chunk in chunks} == {ChunkKind.ROWID}
    assert len(chunks) == 7
    found = oracle.read(source, replace(plan, chunks=chunks))
    assert [row["I"] for row in found] == list(range(5000))
    assert sum(source.count(table, chunk) for chunk in chunks) == source.count(table) == 5000
    oracle.run("INSERT INTO T VALUES (5000)")
    assert sum(source.count(table, chunk) for chunk in chunks) == 5001


def test_a_value_that_came_after_the_probe_is_an_error_not_another_value(oracle: "Oracle") -> None:
    oracle.fill("T", {"N": "NUMBER", "F": "NUMBER TEXT"}, [(1, "0.5")])
    source = oracle.source()
    plan = oracle.plan(source, "T")
    oracle.run("UPDATE T SET N = 1.5")
    with pytest.raises(ValueLossError, match="T"):
        oracle.read(source, plan)
    oracle.run("UPDATE T SET N = 1, F = '0.25'")
    with pytest.raises(ValueLossError):
        oracle.read(source, plan)


def test_a_value_that_came_after_the_probe_beside_a_lob(oracle: "Oracle") -> None:
    oracle.fill("T", {"N": "NUMBER", "F": "NUMBER TEXT", "C": "CLOB"}, [(1, "0.5", "x")])
    source = oracle.source()
    plan = oracle.plan(source, "T")
    oracle.run("UPDATE T SET N = 1.5")
    with pytest.raises(ValueLossError):
        oracle.read(source, plan)
    oracle.run("UPDATE T SET N = 1, F = '0.25'")
    with pytest.raises(ValueLossError):
        oracle.read(source, plan)


def test_a_column_that_was_dropped(oracle: "Oracle") -> None:
    oracle.fill("T", {"N": "NUMBER(5)", "V": "VARCHAR2(5)"}, [(1, "x")])
    source = oracle.source()
    plan = oracle.plan(source, "T")
    oracle.run("ALTER TABLE T DROP COLUMN V")
    with pytest.raises(TableGoneError):
        oracle.read(source, plan)
    oracle.run("DROP TABLE T")
    with pytest.raises(TableGoneError):
        oracle.read(source, plan)


def test_whole_chunk_needs_no_statistics(start: "Callable[..., Oracle]") -> None:
    oracle = start()
    oracle.fill("T", {"N": "NUMBER(5)"}, [(1,)])
    source = oracle.source()
    assert [c.kind for c in oracle.plan(source, "T").chunks] == [ChunkKind.WHOLE]
    assert source.count(oracle.table(source, "T"), Chunk(oracle.table(source, "T").name, 0)) == 1
