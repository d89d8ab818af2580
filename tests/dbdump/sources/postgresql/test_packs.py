"""Doubles that come together: every bit of them, with NULLs wherever they are, on a real PostgreSQL."""

import random
import struct
from collections.abc import Sequence
from typing import Any

import pytest

pytestmark = pytest.mark.postgresql
VALUES = [0.0, -0.0, 1.5, -1e308, 5e-324, float("inf"), float("-inf"), float("nan"), 0.1]


def bits(values: Sequence[float | None]) -> list[bytes | None]:
    return [None if value is None else struct.pack("d", value) for value in values]


def in_order(batches: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the rows in the order in which they were written: that of the pages may be another."""
    return sorted((row for batch in batches for row in batch.to_pylist()), key=lambda row: int(row["n"]))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 9])
@pytest.mark.parametrize("nulls", ["none", "one column", "everywhere", "late"])
def test_doubles_come_back_bit_by_bit(
    database: Any, source: Any, lobs: Any, readings: Any, count: int, nulls: str
) -> None:
    draw = random.Random(count)
    rows: list[list[float | None]] = [[draw.choice(VALUES) for _ in range(count)] for _ in range(300)]
    for number, row in enumerate(rows):
        if nulls == "everywhere":
            row[:] = [None if draw.random() < 0.3 else value for value in row]
        elif nulls == "one column" or (nulls == "late" and number == 299):
            row[-1] = None
    columns = ", ".join(f"d{number} float8, i{number} int" for number in range(count))
    database.run(f"CREATE TABLE p (n serial, {columns})")
    with database.writer.cursor() as cursor:
        places = ", ".join(["%s"] * 2 * count)
        cursor.executemany(
            f"INSERT INTO p VALUES (DEFAULT, {places})", [[value for d in row for value in (d, 1)] for row in rows]
        )
    batches = readings(source, database.plan(source, "p"), lobs)
    found = in_order(batches)
    for number in range(count):
        assert bits([row[f"d{number}"] for row in found]) == bits([row[number] for row in rows])


def test_nulls_that_begin_in_a_later_group_of_pages(database: Any, source: Any, lobs: Any, readings: Any) -> None:
    database.run(
        "CREATE TABLE g (n int, a float8, b float8, c float8, d float8, x text)",
        "INSERT INTO g SELECT i, i, -i, CASE WHEN i < 9000 THEN i / 2.0 END, "
        "CASE WHEN i % 2 = 0 OR i < 5000 THEN i END, repeat('.', 300) FROM generate_series(1, 12000) i",
    )
    found = in_order(readings(source, database.plan(source, "g"), lobs))
    assert [row["n"] for row in found] == list(range(1, 12001))
    for row in found:
        n = row["n"]
        assert (row["a"], row["b"]) == (n, -n)
        assert row["c"] == (n / 2 if n < 9000 else None)
        assert row["d"] == (n if n % 2 == 0 or n < 5000 else None)


def test_whole_numbers_of_every_width(database: Any, source: Any, lobs: Any, readings: Any) -> None:
    database.run(
        "CREATE DOMAIN small AS smallint",
        "CREATE TABLE w (s smallint, i int, b bigint, o oid, d small)",
        "INSERT INTO w VALUES (-32768, -2147483648, -9223372036854775808, 0, -32768), (NULL, NULL, NULL, NULL, NULL), "
        "(32767, 2147483647, 9223372036854775807, 4294967295, 32767)",
    )
    (batch,) = readings(source, database.plan(source, "w"), lobs)
    low, none, high = (list(row.values()) for row in batch.to_pylist())
    assert low == [-(2**15), -(2**31), -(2**63), 0, -(2**15)]
    assert none == [None] * 5
    assert high == [2**15 - 1, 2**31 - 1, 2**63 - 1, 2**32 - 1, 2**15 - 1]
