import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dbdump.schema import Code, Family, Index, Key, KeyKind, TableName, TableSchema, View
from dbdump.sources.sqlite import SqliteSource, reflection

Make = Callable[..., Path]
Open = Callable[[Path], SqliteSource]
Find = Callable[..., TableSchema]


def main(name: str) -> TableName:
    return TableName("main", name)


def test_a_table_with_all_that_belongs_to_it(make: Make, opened: Open, table_of: Find) -> None:
    ddl = """CREATE TABLE rates (
        run INTEGER NOT NULL REFERENCES Runs ON DELETE CASCADE ON UPDATE SET NULL, -- the run
        om INT DEFAULT (1 + 1), rate NUMERIC(10, 2) CHECK (rate >= 0),
        khz REAL GENERATED ALWAYS AS (rate / 1000) STORED, note CLOB DEFAULT 'it''s',
        PRIMARY KEY (om, run), UNIQUE (rate, note), FOREIGN KEY (om, rate) REFERENCES oms (id, rate))"""
    path = make(
        "CREATE TABLE runs (number INTEGER PRIMARY KEY, name TEXT)",
        ddl,
        "CREATE INDEX by_rate ON rates (rate DESC)",
        "CREATE UNIQUE INDEX good ON rates (rate) WHERE rate > 0",
        "CREATE INDEX upper_note ON rates (om, upper(note))",
        "CREATE INDEX by_rowid ON runs (name, number)",
    )
    table = table_of(opened(path), "rates")
    assert table.ddl == ddl
    assert [(c.name, c.source_type, c.declared, c.precision, c.scale) for c in table.columns] == [
        ("run", "INTEGER", Family.DECIMAL, 18, 0),
        ("om", "INT", Family.DECIMAL, 18, 0),
        ("rate", "NUMERIC(10, 2)", Family.DECIMAL, 10, 2),
        ("khz", "REAL", Family.FLOAT64, None, None),
        ("note", "CLOB", Family.LOB_TEXT, None, None),
    ]
    assert {c.family for c in table.columns} == {Family.DYNAMIC}
    assert [c.nullable for c in table.columns] == [False, True, True, True, True]
    assert [c.default for c in table.columns] == [None, "1 + 1", None, None, "'it''s'"]
    assert [c.computed for c in table.columns] == ["", "", "", "rate / 1000", ""]
    assert table.primary_key == ("om", "run")
    assert set(table.keys[1:]) == {
        Key(KeyKind.UNIQUE, "", ("rate", "note")),
        Key(KeyKind.FOREIGN, "", ("om", "rate"), main("oms"), ("id", "rate")),
        Key(KeyKind.FOREIGN, "", ("run",), main("runs"), ("number",), "ON UPDATE SET NULL ON DELETE CASCADE"),
    }
    assert table.indexes == (
        Index("by_rate", ("rate",), definition="CREATE INDEX by_rate ON rates (rate DESC)"),
        Index("good", ("rate",), True, True, "CREATE UNIQUE INDEX good ON rates (rate) WHERE rate > 0"),
        Index("upper_note", ("om", "<expression>"), False, True, "CREATE INDEX upper_note ON rates (om, upper(note))"),
    )


def test_views_triggers_and_sequences(make: Make, opened: Open) -> None:
    trigger = "CREATE TRIGGER old AFTER DELETE ON t BEGIN DELETE FROM t WHERE x IS NULL; END"
    path = make(
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, x)",
        ("INSERT INTO t (x) VALUES (?)", [(1,)] * 7),
        'CREATE VIEW v AS SELECT x AS "the x", 1 AS one FROM t',
        trigger,
    )
    schema = opened(path).reflect(["main"])
    assert [table.name.name for table in schema.tables] == ["t"]
    assert schema.views == (View(main("v"), 'CREATE VIEW v AS SELECT x AS "the x", 1 AS one FROM t', ("the x", "one")),)
    assert schema.code == (
        Code("sequences", main("t"), '-- AUTOINCREMENT of "t": last value 7'),
        Code("triggers", main("old"), trigger),
    )
    assert schema.warnings == ()
    assert opened(path).reflect(["other"]).tables == ()


def test_virtual_tables_and_their_shadows(make: Make, opened: Open) -> None:
    path = make("CREATE TABLE t (x)", "CREATE VIRTUAL TABLE words USING fts5(word)")
    schema = opened(path).reflect(["main"])
    assert [table.name.name for table in schema.tables] == ["t"]
    assert schema.code == (Code("virtual_tables", main("words"), "CREATE VIRTUAL TABLE words USING fts5(word)"),)
    assert "words is a virtual table: its statement is kept, its rows are not dumped" in schema.warnings
    assert "words_data belongs to a virtual table and is not dumped" in schema.warnings


def test_a_virtual_table_whose_module_we_have_not(make: Make, opened: Open) -> None:
    path = make("CREATE TABLE t (x)", "CREATE TABLE w (x)")
    writer = sqlite3.connect(path)
    writer.execute("PRAGMA writable_schema = ON")
    writer.execute(
        "UPDATE sqlite_master SET sql = 'CREATE VIRTUAL TABLE w USING unknown_module(x)', rootpage = 0 WHERE name = 'w'"
    )
    writer.commit()
    writer.close()
    schema = opened(path).reflect(["main"])
    assert [table.name.name for table in schema.tables] == ["t"]
    assert [code.name.name for code in schema.code] == ["w"]


def test_a_view_that_does_not_work(make: Make, opened: Open) -> None:
    path = make("CREATE TABLE t (x)", "CREATE TABLE gone (x)", "CREATE VIEW v AS SELECT x FROM gone", "DROP TABLE gone")
    schema = opened(path).reflect(["main"])
    assert schema.views[0].text == "CREATE VIEW v AS SELECT x FROM gone"
    assert schema.views[0].columns == ()
    assert schema.warnings[0].startswith("view v: its text is kept, but it does not work in the source")


def test_organisation(make: Make, opened: Open, table_of: Find, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(
        "CREATE TABLE a (x)",
        "CREATE TABLE b (x PRIMARY KEY) WITHOUT ROWID",
        "CREATE TABLE c (x INTEGER PRIMARY KEY, y ANY) STRICT",
        "CREATE TABLE d (x TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
        "CREATE TABLE e (rowid, oid, _rowid_)",
    )
    source = opened(path)
    assert [table_of(source, name).organisation for name in "abcde"] == [
        "", "without rowid", "strict", "without rowid, strict", "",
    ]  # fmt: skip
    # SQLite before 3.37 has no list of tables.
    monkeypatch.setattr(reflection, "_TABLE_LIST_SINCE", (99,))
    assert [table_of(source, name).organisation for name in "abcde"] == [
        "", "without rowid", "", "without rowid", "",
    ]  # fmt: skip


def test_estimates(make: Make, opened: Open, table_of: Find) -> None:
    path = make(
        "CREATE TABLE small (x)",
        "INSERT INTO small VALUES (1), (2), (3)",
        "CREATE TABLE empty (x)",
        "CREATE TABLE large (x TEXT)",
        ("INSERT INTO large VALUES (?)", [("x" * 100,)] * 5000),
        "CREATE TABLE sparse (id INTEGER PRIMARY KEY, x TEXT)",
        ("INSERT INTO sparse VALUES (?, ?)", [(number * 10**15, "x" * 100) for number in range(-500, 500)]),
    )
    writer = sqlite3.connect(path)
    writer.execute("DELETE FROM large WHERE rowid % 2")
    writer.commit()
    writer.close()
    source = opened(path)
    assert (table_of(source, "small").rows, table_of(source, "empty").rows) == (3, 0)
    large, sparse = table_of(source, "large"), table_of(source, "sparse")
    assert large.rows == 2500
    assert 250_000 <= large.size <= 300_000
    assert sparse.size <= path.stat().st_size + 200


def test_a_thousand_tables(make: Make, opened: Open) -> None:
    statements = []
    for number in range(1000):
        statements += [
            f"CREATE TABLE t{number} (id INTEGER PRIMARY KEY, a TEXT UNIQUE, b REFERENCES t0 (id), c AS (b + 1))",
            f"CREATE INDEX i{number} ON t{number} (b)",
            f"INSERT INTO t{number} (a) VALUES ('x')",
        ]
    source = opened(make(*statements))
    began = time.monotonic()
    schema = source.reflect(["main"])
    assert time.monotonic() - began < 5
    assert len(schema.tables) == 1000
    assert {(len(table.columns), len(table.keys), len(table.indexes), table.rows) for table in schema.tables} == {
        (4, 3, 1, 1)
    }
