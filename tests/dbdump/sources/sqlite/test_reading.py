import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from dbdump.arrow import schema_of
from dbdump.errors import TableGoneError
from dbdump.lobs import LobStore
from dbdump.plan import ChunkKind, TablePlan
from dbdump.schema import TableSchema
from dbdump.sources.contract import Reading
from dbdump.sources.sqlite import SqliteSource
from dbdump.stored import TypeOptions, choose_all

Make = Callable[..., Path]
Dump = Callable[..., object]
NAMES = [
    'a "quoted" name',
    "a name",
    "a/b",
    "é\U0001f41f",
    "select",
    "x'); DROP TABLE t; --",
    "%",
    "[x]",
    "`y`",
    "a\nb",
    "",
]


@pytest.mark.parametrize("name", NAMES)
def test_names(make: Make, dump: Dump, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    path = make(
        f"CREATE TABLE {quoted} (id INTEGER PRIMARY KEY, {quoted} TEXT, b BLOB)",
        (f"INSERT INTO {quoted} VALUES (?, ?, ?)", [(1, "one", b"1"), (2, None, b"x" * 2000)]),
    )
    dumped = dump(path, name)
    assert dumped.values(name) == ["one", None]
    assert dumped.lobs.path(dumped.values("b__lob")[1]).read_bytes() == b"x" * 2000
    assert dumped.source.count(dumped.plan.schema) == 2
    assert dumped.source.aggregates(dumped.plan)[name].total == "3"
    assert int(dumped.source.digest(dumped.plan, dumped.plan.columns)) > 0


def test_an_empty_table(make: Make, dump: Dump) -> None:
    dumped = dump(make("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT, y)"))
    assert dumped.batches == []
    assert [chunk.rows for chunk in dumped.plan.chunks] == [0]
    assert dumped.source.count(dumped.plan.schema) == 0
    assert dumped.source.digest(dumped.plan, dumped.plan.columns) == "0"


def test_batches_have_the_schema_of_the_plan(make: Make, dump: Dump) -> None:
    dumped = dump(
        make("CREATE TABLE t (a INTEGER, b TEXT, c BLOB, d NUMERIC(5,1))", "INSERT INTO t VALUES (1, 'x', x'00', 2.5)")
    )
    (batch,) = dumped.batches
    assert batch.schema.equals(schema_of(dumped.plan), check_metadata=True)
    batch.validate(full=True)


def test_generated_columns(make: Make, dump: Dump) -> None:
    path = make(
        "CREATE TABLE t (a, b AS (a * 2), c TEXT AS (a || '!') STORED)",
        ("INSERT INTO t (a) VALUES (?)", [(1,), (None,)]),
    )
    dumped = dump(path)
    assert dumped.rows.to_pylist() == [{"a": 1, "b": 2, "c": "1!"}, {"a": None, "b": None, "c": None}]


def test_rows_come_by_rowid_in_chunks_of_equal_size(make: Make, dump: Dump) -> None:
    ids = [-(2**63), -5, -4, 0, 7, 10**12, 10**12 + 1, 2**63 - 1]
    path = make(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)",
        "CREATE INDEX covering ON t (x, id)",
        ("INSERT INTO t VALUES (?, ?)", [(number, "x" * 92) for number in reversed(ids)]),
    )
    dumped = dump(path, chunk_size=250)
    assert dumped.values("id") == ids
    assert [chunk.kind for chunk in dumped.plan.chunks] == [ChunkKind.ROWID] * 4
    assert [chunk.rows for chunk in dumped.plan.chunks] == [2, 2, 2, 2]
    assert (dumped.plan.chunks[0].low, dumped.plan.chunks[-1].high) == (None, None)
    assert [dumped.source.count(dumped.plan.schema, chunk) for chunk in dumped.plan.chunks] == [2, 2, 2, 2]
    assert [chunk.number for chunk in dumped.plan.chunks] == [0, 1, 2, 3]


def test_rows_outside_of_what_was_there_are_in_the_outer_chunks(make: Make, dump: Dump) -> None:
    path = make("CREATE TABLE t (x)", ("INSERT INTO t (rowid, x) VALUES (?, 1)", [(n,) for n in range(100, 200)]))
    dumped = dump(path, chunk_size=400)
    assert len(dumped.plan.chunks) > 2
    writer = sqlite3.connect(path)
    writer.execute("INSERT INTO t (rowid, x) VALUES (-1, 1), (5000, 1)")
    writer.commit()
    writer.close()
    counts = [dumped.source.count(dumped.plan.schema, chunk) for chunk in dumped.plan.chunks]
    assert sum(counts) == 102
    assert sum(chunk.rows for chunk in dumped.plan.chunks) == 100


def test_without_rowid(make: Make, dump: Dump) -> None:
    rows = [("b", 1), ("a", 2), ("a", 1), ("B", 9)]
    path = make(
        "CREATE TABLE t (k TEXT, n INT, PRIMARY KEY (n, k)) WITHOUT ROWID", ("INSERT INTO t VALUES (?, ?)", rows)
    )
    dumped = dump(path, chunk_size=1)
    assert [chunk.kind for chunk in dumped.plan.chunks] == [ChunkKind.WHOLE]
    assert dumped.rows.to_pylist() == [{"k": k, "n": n} for k, n in sorted(rows, key=lambda row: (row[1], row[0]))]


@pytest.mark.parametrize("names", ["rowid, x", "oid, ROWID", "rowid, oid, _rowid_", "_rowid_ INTEGER PRIMARY KEY, b"])
def test_columns_with_the_names_of_the_rowid(make: Make, dump: Dump, names: str) -> None:
    count = len(names.split(","))
    rows = [tuple(range(9 - number, 9 - number + count)) for number in range(5)]
    path = make(f"CREATE TABLE t ({names})", (f"INSERT INTO t VALUES ({', '.join('?' * count)})", rows))
    dumped = dump(path, chunk_size=20)
    first = names.split(",")[0].split()[0]
    expected = [row[0] for row in rows]
    assert dumped.values(first) == (sorted(expected) if "PRIMARY" in names else expected)


def test_batches_are_bounded_in_rows_and_bytes(make: Make, dump: Dump) -> None:
    sizes = [10] * 50 + [700, 10, 700, 5000, 10]
    path = make(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)",
        ("INSERT INTO t (x) VALUES (?)", [("é" * (n // 2),) for n in sizes]),
    )
    dumped = dump(path, reading=Reading(rows=20, size=1600))
    assert [batch.num_rows for batch in dumped.batches] == [20, 20, 14, 1]
    again = dump(path, reading=Reading(rows=20, size=1600))
    assert [batch.num_rows for batch in again.batches] == [20, 20, 14, 1]
    assert sum(len(text.encode()) for text in dumped.batches[2].column("x").to_pylist()) == 6510
    wide = make(
        "CREATE TABLE t (" + ", ".join(f"c{n}" for n in range(200)) + ")",
        *["INSERT INTO t DEFAULT VALUES"] * 5,
        name="w",
    )
    assert [batch.num_rows for batch in dump(wide, reading=Reading(rows=4, size=16000)).batches] == [2, 2, 1]


def test_as_many_columns_as_sqlite_allows(make: Make, dump: Dump) -> None:
    """SQLite limits the columns of an answer and the depth of an expression."""
    columns = [f"c{number} {'TEXT' if number % 2 else 'NUMERIC(5,1)'}" for number in range(1990)]
    rows = [tuple(f"t{n}" if n % 2 else n / 2 for n in range(1990))] * 3
    dumped = dump(
        make(f"CREATE TABLE t ({', '.join(columns)})", (f"INSERT INTO t VALUES ({', '.join('?' * 1990)})", rows))
    )
    assert dumped.rows.num_rows == 3
    assert dumped.values("c1989") == ["t1989"] * 3
    facts = dumped.source.aggregates(dumped.plan)
    assert facts["c1988"].total == "2982"
    assert int(dumped.source.digest(dumped.plan, dumped.plan.columns)) > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("DROP TABLE t", "is not there any more"),
        ("ALTER TABLE t RENAME COLUMN x TO z", "has other columns"),
        ("ALTER TABLE t ADD COLUMN more", "has other columns"),
        ("ALTER TABLE t DROP COLUMN x", "has other columns"),
    ],
)
def test_tables_that_changed_since_the_plan(make: Make, dump: Dump, change: str, message: str) -> None:
    path = make("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)", "INSERT INTO t VALUES (1, 'a')")
    dumped = dump(path)
    writer = sqlite3.connect(path)
    writer.execute(change)
    writer.commit()
    writer.close()
    with pytest.raises(TableGoneError, match=rf"main\.t: the table {message}.*run the same dump command again"):
        list(dumped.source.read(dumped.plan, dumped.plan.chunks[0], Reading(), dumped.lobs))
    if "ADD" not in change:
        with pytest.raises(TableGoneError, match=r"main\.t"):
            dumped.source.digest(dumped.plan, dumped.plan.columns)


def test_a_generator_may_be_left(
    make: Make, opened: Callable[[Path], SqliteSource], table_of: Callable[..., TableSchema], tmp_path: Path
) -> None:
    source = opened(make("CREATE TABLE t (x)", ("INSERT INTO t VALUES (?)", [(n,) for n in range(100)])))
    table = table_of(source)
    plan = TablePlan(
        table, choose_all(table, source.probe(table, table.columns), TypeOptions()), source.chunks(table, 1)
    )
    batches = source.read(plan, plan.chunks[0], Reading(rows=1), LobStore(tmp_path))
    assert isinstance(next(batches), pa.RecordBatch)
    batches.close()
    source.close()


MEMORY = """
import resource, sys
from pathlib import Path
from sqlalchemy.engine import URL
from dbdump.lobs import LobStore
from dbdump.plan import TablePlan
from dbdump.sources.contract import Reading
from dbdump.sources.sqlite import connect
from dbdump.stored import TypeOptions, choose_all
import pyarrow, numpy

source = connect(URL.create("sqlite", database=sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
(table,) = source.reflect(["main"]).tables
columns = choose_all(table, source.probe(table, table.columns), TypeOptions())
plan = TablePlan(table, columns, source.chunks(table, 1 << 24))
store = LobStore(Path(sys.argv[2]))
rows = sum(batch.num_rows for chunk in plan.chunks for batch in source.read(plan, chunk, Reading(), store))
source.digest(plan, plan.columns)
source.aggregates(plan)
print(rows, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_memory_does_not_grow_with_long_values(make: Make, tmp_path: Path) -> None:
    """A value of 200 MB, and as many of a size that makes no files."""
    path = make(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB)",
        "INSERT INTO t VALUES (1, zeroblob(200000000))",
        ("INSERT INTO t (x) VALUES (zeroblob(?))", [(200_000,)] * 1000),
    )
    ran = subprocess.run(
        [sys.executable, "-c", MEMORY, str(path), str(tmp_path / "lobs")], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    rows, grown = map(int, ran.stdout.split())
    assert rows == 1001
    assert grown < 130, f"{grown} MB"
    (stored,) = (tmp_path / "lobs").rglob("??/*")
    assert stored.stat().st_size == 200_000_000
