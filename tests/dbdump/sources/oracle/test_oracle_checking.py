"""Aggregates and digests in SQL against those computed here, from what was read, by the words of the definition."""

import hashlib
import struct
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any

import pytest

from dbdump.lobs import LobStore
from dbdump.sources.contract import Reading
from dbdump.stored import Form
from dbdump.verify.canon import aggregated, digested, has_bounds, number_text, second_digits, time_text

if TYPE_CHECKING:
    from conftest import Oracle


def columns_of(oracle: "Oracle", source: Any, plan: Any) -> dict[str, list[Any]]:
    """Return plain values by column: times as the integers that Arrow stores."""
    import pyarrow as pa

    lobs = LobStore(oracle.file.parent / "lobs", 10**9)
    batches = [batch for chunk in plan.chunks for batch in source.read(plan, chunk, Reading(), lobs)]
    table = pa.Table.from_batches(batches)
    return {
        name: (column.cast("int64") if pa.types.is_timestamp(column.type) else column).to_pylist()
        for name, column in zip(table.column_names, table.columns, strict=True)
    }


def text(column: Any, value: Any) -> str:
    if column.arrow.startswith("timestamp"):
        return str(value)
    if column.arrow in ("float", "double"):
        return struct.pack(">f" if column.arrow == "float" else ">d", value).hex()
    if isinstance(value, bytes):
        return value.hex()
    return value if isinstance(value, str) else number_text(Decimal(value))


def digest(columns: Any, values: dict[str, list[Any]]) -> str:
    total = 0
    for row in zip(*(values[column.name] for column in columns), strict=True):
        parts = [
            "-" if value is None else hashlib.md5(text(column, value).encode()).hexdigest()
            for column, value in zip(columns, row, strict=True)
        ]
        total += int(hashlib.md5("".join(parts).encode()).hexdigest()[:15], 16)
    return str(total)


def bound(column: Any, value: Any) -> str:
    if column.arrow.startswith("timestamp"):
        return time_text(value, column.arrow)
    if column.arrow in ("float", "double"):
        return repr(value)
    return value[:100] if isinstance(value, str) else number_text(Decimal(value))


def total(column: Any, values: list[Any]) -> str | None:
    # Oracle adds with 38 digits, which is not exact for numbers that need text.
    if not values or column.form == Form.NUMBER_TEXT:
        return None
    if column.arrow in ("string", "binary"):
        return str(sum(map(len, values)))
    if column.arrow in ("float", "double"):
        return repr(sum(values))
    with localcontext(prec=100):
        whole = sum(map(Decimal, values), Decimal(0))
        if column.arrow.startswith("timestamp"):
            whole = whole.scaleb(-second_digits(column.arrow))
        return number_text(whole)


ROWS = [
    (1, "12345678901234567890123456789012345678", "1234567890123456789012345678.0123456789", "1e-130", 0.5, 0.25,
     "é日😀", "ab  ", b"\x00\xff", "2008-05-30 23:59:59", "1969-12-31 23:59:59.999999", "2008-05-30 00:00:00.123456789",
     "2008-05-30 12:00:00.5 +02:00", "+02-03", "-01 02:03:04.000005"),
    (-7, "-99999999999999999999999999999999999999", "-0.5", "-0.5", -2.0, -1.5,
     "zz" * 90, "    ", b"a", "0001-01-01 00:00:00", "0001-01-01 00:00:00.000001", "1700-01-01 00:00:00.000000001",
     "1500-03-01 12:00:00 Europe/Paris", "-00-01", "+05 00:00:00"),
    (0, "0", "0.05", "100", 1e300, 3.0,
     "0", "x   ", b"\xff" * 8, "1582-10-15 00:00:00", "9999-12-31 23:59:59.999999", "2262-04-11 00:00:00",
     "9998-12-31 00:00:00 -05:30", "+00-00", "+00 00:00:00.1"),
    (5, "5", "5", "1234.5678", 4.0, 0.0,
     "a\r\n", "yz  ", b"q", "1582-10-04 12:00:00", "1200-02-28 00:00:00", "2000-01-01 00:00:00",
     "0004-12-31 00:00:00 +00:00", "+01-00", "+00 00:00:00"),
    (None,) * 15,
]  # fmt: skip
COLUMNS = {
    "I": "NUMBER(10)", "BIG": "NUMBER(38) TEXT", "D": "NUMBER(38,10) TEXT", "W": "NUMBER TEXT", "F": "BINARY_DOUBLE",
    "S": "BINARY_FLOAT", "V": "VARCHAR2(200 CHAR)", "C": "CHAR(4)", "R": "RAW(8)", "T": "DATE", "T6": "TIMESTAMP(6)",
    "T9": "TIMESTAMP(9)", "Z": "TIMESTAMP(6) WITH TIME ZONE", "Y": "INTERVAL YEAR(4) TO MONTH",
    "U": "INTERVAL DAY(3) TO SECOND(6)",
}  # fmt: skip


@pytest.mark.parametrize("count", [5, 1, 0])
def test_every_type(oracle: "Oracle", count: int) -> None:
    oracle.fill("T", COLUMNS, ROWS[:count])
    source = oracle.source()
    plan = oracle.plan(source, "T")
    values = columns_of(oracle, source, plan) if count else {column.name: [] for column in plan.columns}
    found = source.aggregates(plan)
    assert set(found) == {column.name for column in aggregated(plan.columns)}
    for column in aggregated(plan.columns):
        present = [value for value in values[column.name] if value is not None]
        got = found[column.name]
        assert got.nulls == count - len(present), column.name
        assert got.special == 0
        if has_bounds(column) and present:
            assert got.low == bound(column, min(present)), column.name
            assert got.high == bound(column, max(present)), column.name
        else:
            assert (got.low, got.high) == (None, None)
        assert got.total == total(column, present), column.name
    left_out = source.not_digested(plan)
    assert not left_out
    wanted = digested(plan.columns)
    assert source.digest(plan, wanted) == digest(wanted, values)


def test_specials_take_no_part(oracle: "Oracle") -> None:
    oracle.fill("T", {"F": "BINARY_DOUBLE"}, [(1.5,), ("NaN",), ("Inf",), ("-Inf",), (None,), (-2.0,)])
    source = oracle.source()
    found = source.aggregates(oracle.plan(source, "T"))["F"]
    assert (found.nulls, found.low, found.high, found.total, found.special) == (1, "-2.0", "1.5", "-0.5", 3)


def test_lobs(oracle: "Oracle") -> None:
    rows = [("abcé", b"\x00" * 20_000), (None, None), ("", b""), ("x" * 20_000, b"y")]
    oracle.fill("T", {"I": "NUMBER(3)", "C": "CLOB", "B": "BLOB"}, [(n, *row) for n, row in enumerate(rows)])
    source = oracle.source()
    plan = oracle.plan(source, "T")
    found = source.aggregates(plan)
    assert (found["C"].nulls, found["C"].total, found["C"].low) == (1, "20004", None)
    assert (found["B"].nulls, found["B"].total) == (1, "20001")
    assert (found["B__size"].low, found["B__size"].high, found["B__size"].total) == ("0", "20000", "20001")
    assert "C__size" not in found
    left_out = source.not_digested(plan)
    assert {"C", "B"} <= left_out
    wanted = [column for column in digested(plan.columns) if column.name not in left_out]
    values = columns_of(oracle, source, plan)
    assert source.digest(plan, wanted) == digest(wanted, values)
    assert source.digest(plan, []) == digest([], {}) if not rows else True


def test_a_digest_of_no_columns_counts_rows(oracle: "Oracle") -> None:
    oracle.fill("T", {"C": "CLOB"}, [("a",), ("b",)])
    source = oracle.source()
    expected = 2 * int(hashlib.md5(b"").hexdigest()[:15], 16)
    assert source.digest(oracle.plan(source, "T"), []) == str(expected)


def test_a_digest_sees_values_that_changed_rows(oracle: "Oracle") -> None:
    oracle.fill("T", {"A": "NUMBER(3)", "B": "VARCHAR2(5)"}, [(1, "x"), (2, "y")])
    source = oracle.source()
    plan = oracle.plan(source, "T")
    before = source.digest(plan, plan.columns)
    oracle.run("UPDATE T SET A = 3 - A")
    assert source.aggregates(plan)["A"].total == "3"
    assert source.digest(plan, plan.columns) != before


def test_texts_of_intervals_and_offsets_take_part(oracle: "Oracle") -> None:
    oracle.fill(
        "T", {"L": "INTERVAL DAY(9) TO SECOND(9)", "R": "ROWID"}, [("+999999999 00:00:00", "AAAR3sAAEAAAACXAAA")]
    )
    source = oracle.source()
    plan = oracle.plan(source, "T")
    assert [column.form for column in plan.columns] == [Form.TEXT, Form.TEXT]
    values = columns_of(oracle, source, plan)
    assert source.digest(plan, plan.columns) == digest(plan.columns, values)
    assert source.aggregates(plan)["L"].low == values["L"][0]
