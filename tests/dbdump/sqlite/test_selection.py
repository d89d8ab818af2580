"""Selections of an image: tables, conditions, limits."""

import runpy
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dbdump.errors import ImageError
from dbdump.image import Image
from dbdump.schema import Column, Family, TableName, TableSchema
from dbdump.sqlite.selection import to_sqlite
from legacy.errors import UsageError

made = runpy.run_path(str(Path(__file__).parent.parent / "books" / "small_image.py"))


@pytest.fixture
def image(tmp_path: Path) -> Image:
    opened: Image = made["make_image"](tmp_path / "image")
    return opened


@pytest.fixture
def numbers(tmp_path: Path) -> Image:
    """A table of 5,000 rows in two parts of three and two groups of rows."""
    folder = tmp_path / "numbers"
    folder.mkdir()
    schema = TableSchema(TableName("S", "N"), (Column("A", "NUMBER(9)", Family.DECIMAL, 9, 0),))
    parts = [[(number,) for number in range(3000)], [(number,) for number in range(3000, 5000)]]
    opened: Image = made["save"](folder, [made["add_table"](folder, schema, [made["stored"]("A", "int64")], parts)])
    return opened


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(sql).fetchall()


@pytest.mark.parametrize(
    ("where", "limit", "expected"),
    [
        ("A % 1000 = 7", None, [7, 1007, 2007, 3007, 4007]),
        ("A % 1000 = 7", 4, [7, 1007, 2007, 3007]),
        ("A > 4997", None, [4998, 4999]),
        ("A < 0", None, []),
        ("A < 2 -- a comment", None, [0, 1]),
        ("A = (SELECT max(A) FROM N)", None, [4999]),
        ("", 3, [0, 1, 2]),
        ("", 3002, list(range(3002))),
        ("", 0, []),
        ("", 9999, list(range(5000))),
    ],
)
def test_rows_are_chosen(where: str, limit: int | None, expected: list[int], numbers: Image, tmp_path: Path) -> None:
    written = to_sqlite(numbers, tmp_path / "x", where=[f"N: {where}"] if where else (), limit=limit)
    assert rows(tmp_path / "x", "SELECT A FROM N ORDER BY rowid") == [(number,) for number in expected]
    assert written.rows == len(expected)


def test_only_some_tables(image: Image, tmp_path: Path) -> None:
    written = to_sqlite(image, tmp_path / "x", tables=["ENV.RUN", "om rate"], where=["RUN: \"SETUP\" = ''"])
    assert (written.tables, written.rows) == (2, 5)
    assert rows(tmp_path / "x", "SELECT RUN_ID FROM RUN") == [(2,)]


def test_chosen_values_are_exact(image: Image, tmp_path: Path) -> None:
    """DuckDB chooses the rows, and their values do not pass through it."""
    to_sqlite(image, tmp_path / "x", tables=["ENV.Run"], where=["ENV.Run: tz IS NOT NULL"])
    assert rows(tmp_path / "x", "SELECT tz, tiny FROM Run") == [("2008-01-10T21:20:00.123456789Z", "0.000000000001")]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (["A > 1"], "write TABLE: CONDITION"),
        (["RUN: "], "write TABLE: CONDITION"),
        (["RUN: RUN_ID <"], "SQL: Parser Error"),
        (["RUN: NIX = 1"], "SQL: Binder Error"),
        (["RUN: 1 = 1); DROP VIEW x; --"], "one SQL expression|SQL"),
        (["RUN: RUN_ID IN (SELECT 1 FROM read_text('/etc/passwd'))"], "nothing else"),
        (["RUN: RUN_ID > 1", "ENV.RUN: RUN_ID < 9"], "two conditions"),
        (["om rate: OM > 1"], "not selected"),
    ],
)
def test_wrong_conditions_are_told_before_anything_is_written(
    where: list[str], message: str, image: Image, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        to_sqlite(image, tmp_path / "x", tables=["ENV.RUN"], where=where)
    assert not list(tmp_path.glob("x*"))


def test_a_table_that_is_not_there(image: Image, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no table is called 'RUNS'"):
        to_sqlite(image, tmp_path / "x", tables=["RUNS"])
