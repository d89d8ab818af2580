"""A database of its own on the real server that `tests/real/postgresql.sh` starts."""

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from sqlalchemy.engine import URL, make_url

from dbdump.arrow import schema_of
from dbdump.lobs import LobStore
from dbdump.plan import TablePlan
from dbdump.schema import TableName, TableSchema
from dbdump.sources.contract import Reading
from dbdump.sources.postgresql.source import PostgresqlSource, connect
from dbdump.stored import TypeOptions, choose_all, needs_probe

CHUNK = 1 << 30


@dataclass(frozen=True)
class Database:
    """A database, a connection that writes, and ways to read it as a dump does."""

    url: URL
    writer: psycopg.Connection[tuple[object, ...]]
    schema: str

    def run(self, *statements: str) -> None:
        """Execute statements; ``s.`` stands for the schema of the test."""
        for statement in statements:
            self.writer.execute(statement.encode())

    def open(self, **changes: str) -> PostgresqlSource:
        """Connect as a dump does."""
        url = self.url.set(**changes) if changes else self.url
        return connect(url, url.password)

    def plan(
        self, source: PostgresqlSource, name: str, size: int = CHUNK, options: TypeOptions | None = None
    ) -> TablePlan:
        """Plan one table of the schema."""
        table = self.table(source, name)
        probes = source.probe(table, [column for column in table.columns if needs_probe(column)])
        columns = choose_all(table, probes, options or TypeOptions())
        return TablePlan(table, columns, source.chunks(table, size))

    def table(self, source: PostgresqlSource, name: str) -> TableSchema:
        """Reflect one table of the schema."""
        wanted = TableName(self.schema, name)
        return next(table for table in source.reflect([self.schema]).tables if table.name == wanted)


def read_all(
    source: PostgresqlSource, plan: TablePlan, lobs: LobStore, reading: Reading | None = None
) -> list[pa.RecordBatch]:
    """Read all chunks; every batch has the schema of the plan."""
    batches = []
    for chunk in plan.chunks:
        for batch in source.read(plan, chunk, reading or Reading(), lobs):
            assert batch.schema.equals(schema_of(plan), check_metadata=True)
            batch.validate(full=True)
            batches.append(batch)
    return batches


@pytest.fixture(scope="session")
def readings() -> Callable[..., list[pa.RecordBatch]]:
    """Return the function that reads all chunks of a plan."""
    return read_all


@pytest.fixture(scope="session")
def database_url() -> Iterator[URL]:
    """Return a new database; its own schemas belong to the tests."""
    text = os.environ.get("ANTARES_LEGACY_TEST_DB", "")
    if not text.startswith("postgresql"):
        pytest.skip("no PostgreSQL: run tests/real/postgresql.sh pytest -m postgresql")
    url = make_url(text)
    name = f"t{uuid.uuid4().hex}"
    with _connected(url) as admin:
        admin.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0".encode())
        yield url.set(database=name)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _connected(url: URL) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        host=url.host, port=url.port, user=url.username, password=url.password, dbname=url.database, autocommit=True
    )


@pytest.fixture
def database(database_url: URL) -> Iterator[Database]:
    """Return the database with an empty schema for this test."""
    schema = f"s{uuid.uuid4().hex[:8]}"
    with _connected(database_url) as writer:
        writer.execute(f"CREATE SCHEMA {schema}".encode())
        writer.execute(f"SET search_path = {schema}".encode())
        yield Database(database_url, writer, schema)
        writer.execute(f"DROP SCHEMA {schema} CASCADE".encode())


@pytest.fixture
def source(database: Database) -> Iterator[PostgresqlSource]:
    """Return the database opened as a dump does."""
    opened = database.open()
    yield opened
    opened.close()


@pytest.fixture
def lobs(tmp_path: Path) -> LobStore:
    """Return a store for values of more than 1,000 bytes."""
    return LobStore(tmp_path / "lobs", threshold=1_000)
