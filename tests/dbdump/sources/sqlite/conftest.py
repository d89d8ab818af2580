"""Real SQLite files, and the whole way from such a file to Arrow."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy.engine import URL

from dbdump.arrow import schema_of
from dbdump.lobs import LobStore
from dbdump.plan import TablePlan
from dbdump.schema import TableSchema
from dbdump.sources.contract import Reading
from dbdump.sources.sqlite import SqliteSource, connect
from dbdump.stored import TypeOptions, choose_all

Make = Callable[..., Path]
Open = Callable[[Path], SqliteSource]


@dataclass(frozen=True, slots=True)
class Dumped:
    """A table as it was read."""

    source: SqliteSource
    plan: TablePlan
    batches: list[pa.RecordBatch]
    lobs: LobStore

    @property
    def rows(self) -> pa.Table:
        return pa.Table.from_batches(self.batches, schema_of(self.plan))

    def values(self, name: str) -> list[object]:
        return self.rows.column(name).to_pylist()

    def type_of(self, name: str) -> str:
        return str(self.rows.schema.field(name).type)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Return a function that writes a database: statements, or a statement with a list of its values."""

    def write(*statements: str | tuple[str, Sequence[Sequence[object]]], name: str = "source.sqlite") -> Path:
        path = tmp_path / name
        connection = sqlite3.connect(path)
        for statement in statements:
            if isinstance(statement, tuple):
                connection.executemany(*statement)
            else:
                connection.execute(statement)
        connection.commit()
        connection.close()
        return path

    return write


@pytest.fixture
def opened() -> Iterator[Open]:
    """Return a function that opens a database as a source, and close it in the end."""
    sources: list[SqliteSource] = []

    def open_file(path: Path) -> SqliteSource:
        sources.append(connect(URL.create("sqlite", database=str(path))))
        return sources[-1]

    yield open_file
    for source in sources:
        source.close()


@pytest.fixture
def table_of() -> Callable[..., TableSchema]:
    """Return a function that finds a table of a source by name."""

    def find(source: SqliteSource, name: str = "t") -> TableSchema:
        return next(table for table in source.reflect(["main"]).tables if table.name.name == name)

    return find


@pytest.fixture
def dump(tmp_path: Path, opened: Open, table_of: Callable[..., TableSchema]) -> Callable[..., Dumped]:
    """Return a function that plans and reads a table of a file as a dump does."""

    def run(
        path: Path,
        name: str = "t",
        *,
        reading: Reading | None = None,
        threshold: int = 1000,
        chunk_size: int = 1 << 30,
        options: TypeOptions | None = None,
    ) -> Dumped:
        source = opened(path)
        table = table_of(source, name)
        columns = choose_all(table, source.probe(table, table.columns), options or TypeOptions())
        plan = TablePlan(table, columns, source.chunks(table, chunk_size))
        store = LobStore(tmp_path / "lobs", threshold)
        batches = [batch for chunk in plan.chunks for batch in source.read(plan, chunk, reading or Reading(), store)]
        return Dumped(source, plan, batches, store)

    return run
