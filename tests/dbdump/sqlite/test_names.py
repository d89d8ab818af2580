"""Names that differ in nothing but case, reserved ones, and quoting."""

import sqlite3

import pytest

from dbdump.sqlite.names import literal, quoted, unique_names


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["A", "B"], ("A", "B")),
        (["A", "a"], ("A", "a_2")),
        (["A", "a", "A_2", "a_3"], ("A", "a_4", "A_2", "a_3")),
        (["É", "é"], ("É", "é")),
        (["sqlite_stat1", "SQLITE_x"], ("_sqlite_stat1", "_SQLITE_x")),
        (["a\0b"], ("a%00b",)),
        (["_Tables"], ("_Tables_2",)),
    ],
)
def test_names_are_unique_for_sqlite(names: list[str], expected: tuple[str, ...]) -> None:
    assert unique_names(names, ["_tables"]) == expected
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE _tables (a)")
        for name in expected:
            database.execute(f"CREATE TABLE {quoted(name)} (a)")
    database.close()


def test_duckdb_reserves_no_beginning() -> None:
    assert unique_names(["sqlite_a", "SQLITE_A"], reserved="") == ("sqlite_a", "SQLITE_A_2")


@pytest.mark.parametrize("text", ['say "x"', "it's", "select", "a;b --", "", "éß\U0001f41f"])
def test_any_text_can_be_a_name_or_a_literal(text: str) -> None:
    database = sqlite3.connect(":memory:")
    database.execute(f"CREATE TABLE {quoted(text)} (a)")
    assert database.execute("SELECT name FROM sqlite_master").fetchall() == [(text,)]
    assert database.execute(f"SELECT {literal(text)}").fetchall() == [(text,)]
    database.close()
