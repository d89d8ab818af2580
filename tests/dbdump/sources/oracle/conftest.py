"""An Oracle that is the double of tests/oracle_double, and plans for its tables."""

import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from dbdump.lobs import LobStore
from dbdump.plan import TablePlan
from dbdump.schema import TableSchema
from dbdump.sources.contract import Reading
from dbdump.sources.oracle import OracleSource, connect
from dbdump.stored import TypeOptions, choose_all, needs_probe

PASSWORD = "blåhval 8"
TESTS = Path(__file__).parents[3]


@dataclass
class Oracle:
    """A running double and the source that reads it."""

    server: Any
    file: Path
    sources: list[OracleSource]

    def run(self, *statements: str) -> None:
        """Change the database behind the double."""
        with closing(sqlite3.connect(self.file)) as database, database:
            for statement in statements:
                database.execute(statement)

    def fill(self, table: str, columns: Mapping[str, str], rows: Sequence[Sequence[object]]) -> None:
        """Make a table; `columns` are names and types."""
        declared = ", ".join(f'"{name}" "{kind}"' for name, kind in columns.items())
        marks = ", ".join("?" * len(columns))
        with closing(sqlite3.connect(self.file)) as database, database:
            database.execute(f'CREATE TABLE "{table}" ({declared})')
            database.executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows)

    def source(self, password: str = PASSWORD) -> OracleSource:
        """Open a source."""
        found = connect(make_url(self.server.url), password)
        self.sources.append(found)
        return found

    def table(self, source: OracleSource, name: str) -> TableSchema:
        """Return what the source says about a table of its own schema."""
        found = source.reflect([source.default_schema()])
        return next(table for table in found.tables if table.name.name == name)

    def plan(
        self, source: OracleSource, name: str, size: int = 1 << 30, options: TypeOptions | None = None
    ) -> TablePlan:
        """Make the plan of a table as a dump makes it."""
        table = self.table(source, name)
        uncertain = [column for column in table.columns if needs_probe(column)]
        probes = source.probe(table, uncertain) if uncertain else {}
        return TablePlan(table, choose_all(table, probes, options or TypeOptions()), source.chunks(table, size))

    def read(
        self, source: OracleSource, plan: TablePlan, threshold: int = 1000, reading: Reading | None = None
    ) -> list[dict[str, Any]]:
        """Read all chunks of a table; LOBs above the threshold are beside the file of the double."""
        lobs = LobStore(self.file.parent / "lobs", threshold)
        return [
            row
            for chunk in plan.chunks
            for batch in source.read(plan, chunk, reading or Reading(), lobs)
            for row in batch.to_pylist()
        ]

    def rows(self, name: str, **options: Any) -> list[dict[str, Any]]:
        """Open a source, and read a table with it."""
        source = self.source()
        return self.read(source, self.plan(source, name), **options)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Oracle]]:
    """Return a function that starts a double; its arguments go to the double."""
    if str(TESTS) not in sys.path:
        sys.path.append(str(TESTS))
    from oracle_double.server import serve

    running: list[tuple[Any, Oracle]] = []

    def begin(*statements: str, **options: Any) -> Oracle:
        file = tmp_path / f"oracle{len(running)}.db"
        with closing(sqlite3.connect(file)) as database, database:
            for statement in statements:
                database.execute(statement)
        manager = serve(file, password=PASSWORD, **options)
        oracle = Oracle(manager.__enter__(), file, [])
        running.append((manager, oracle))
        return oracle

    yield begin
    for manager, oracle in running:
        for source in oracle.sources:
            source.close()
        manager.__exit__(None, None, None)


@pytest.fixture
def oracle(start: Callable[..., Oracle]) -> Oracle:
    """Return a running double without tables."""
    return start()
