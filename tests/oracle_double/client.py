"""What tests of the double need: tables in SQLite, and the real driver as a client."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import oracledb
import pytest
from oracle_double.server import OracleDouble

Start = Callable[..., OracleDouble]
PASSWORD = "tiger"


def make(path: Path, *statements: str) -> Path:
    """Make an SQLite file; a statement may be followed by its rows."""
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        for statement in statements:
            database.execute(statement)
    return path


def fill(path: Path, table: str, rows: list[dict[str, Any]]) -> None:
    """Write rows, each by the names of its columns."""
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        for row in rows:
            marks = ", ".join("?" * len(row))
            database.execute(f"insert into {table} ({', '.join(row)}) values ({marks})", list(row.values()))


@contextlib.contextmanager
def connected(server: OracleDouble, password: str = PASSWORD) -> Iterator[oracledb.Connection]:
    """Connect to a server for the time of a block."""
    connection = oracledb.connect(user="antares", password=password, dsn=server.dsn)
    try:
        yield connection
    finally:
        with contextlib.suppress(oracledb.Error):
            connection.close()


def rows(connection: oracledb.Connection, statement: str, values: Any = None, *, lobs: bool = False) -> list[Any]:
    """Return the rows of a statement; LOBs as values, or as locators with `lobs`."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values or [], fetch_lobs=lobs)
        return cursor.fetchall()


def one(connection: oracledb.Connection, expression: str) -> Any:
    """Return what an expression is."""
    return rows(connection, f"SELECT {expression} FROM DUAL")[0][0]


def error_of(connection: oracledb.Connection, statement: str, values: Any = None) -> str:
    """Return the error that a statement gives."""
    with pytest.raises(oracledb.Error) as caught:
        rows(connection, statement, values)
    return str(caught.value)
