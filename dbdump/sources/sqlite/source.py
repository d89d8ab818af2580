"""An SQLite file as a `dbdump.sources.contract.Source`."""

import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from dbdump.errors import SnapshotExpiredError, SourceError
from dbdump.lobs import LobStore
from dbdump.plan import Chunk, Snapshot, TablePlan
from dbdump.schema import Column, DatabaseSchema, ServerFacts, TableName, TableSchema
from dbdump.sources.contract import Aggregate, Reading
from dbdump.sources.sqlite import estimates, probing, reflection
from dbdump.sources.sqlite.access import access, condition
from dbdump.sources.sqlite.aggregates import aggregates
from dbdump.sources.sqlite.database import SCHEMA, Database, open_database, select, translated
from dbdump.sources.sqlite.digest import digest
from dbdump.sources.sqlite.reading import read as read_batches
from dbdump.sources.sqlite.state import file_state, wait_until_quiet
from dbdump.stored import Probe, StoredColumn
from legacy.errors import printable

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy.engine import URL

_TRIES = 10
"""How often a snapshot is tried while others commit."""


class SqliteSource:
    """One read-only connection to an SQLite file; all of it is the schema ``main``.

    Parameters
    ----------
    database
        As `dbdump.sources.sqlite.database.open_database` gives it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def facts(self) -> ServerFacts:
        """Return the versions of library and driver, and the name of the file without its folder."""
        python = ".".join(map(str, sys.version_info[:3]))
        return ServerFacts(
            kind="sqlite",
            version=sqlite3.sqlite_version,
            driver=f"sqlite3 of Python {python}",
            database=printable(self._database.path.name),
            charset=self._database.encoding,
            snapshots=("readonly",),
            rights=("the file is only read",),
        )

    def schemas(self) -> tuple[str, ...]:
        """Return ``main``: a file has no other."""
        return (SCHEMA,)

    def default_schema(self) -> str:
        """Return ``main``."""
        return SCHEMA

    def reflect(self, schemas: Sequence[str]) -> DatabaseSchema:
        """Return what the file says about its tables; nothing for schemas other than ``main``."""
        return reflection.reflect(self._database) if SCHEMA in schemas else DatabaseSchema()

    def begin(self, mode: str) -> Snapshot:
        """Hold a read transaction; its token tells the committed state of the file.

        Raises
        ------
        SourceError
            The mode is not one of SQLite's, or the file is written to all the time.
        """
        if mode == "none":
            return Snapshot(mode, taken=self._now())
        if mode != "readonly":
            raise SourceError(f"SQLite has no snapshots of the kind '{printable(mode)}'; use --snapshot readonly")
        for _ in range(_TRIES):
            wait_until_quiet(self._database.path)
            state = self._state()
            self._begin()
            if self._state() == state:
                return Snapshot(mode, state, self._now())
            self._database.rows("ROLLBACK")
        raise SourceError(
            f"{printable(str(self._database.path))}: other programs write to the file all the time; stop them, "
            "or use --snapshot none"
        )

    def join(self, snapshot: Snapshot) -> None:
        """Hold a read transaction of the same committed state.

        Raises
        ------
        SnapshotExpiredError
            The file was written to since.
        """
        if snapshot.mode == "none":
            return
        self._begin()
        if self._state() != snapshot.token:
            self._database.rows("ROLLBACK")
            raise SnapshotExpiredError(
                f"{printable(str(self._database.path))}: the file was written to since the dump began at "
                f"{snapshot.taken}; stop the writer and dump again"
            )

    def probe(self, table: TableSchema, columns: Sequence[Column]) -> Mapping[str, Probe]:
        """Look at the values of some columns in one scan."""
        return probing.probe(self._database, table, columns) if columns else {}

    def chunks(self, table: TableSchema, size: int) -> tuple[Chunk, ...]:
        """Divide a table by its rowids; one without them is one chunk."""
        return estimates.chunks(self._database, table, size)

    def read(self, table: TablePlan, chunk: Chunk, reading: Reading, lobs: LobStore) -> Iterator["pa.RecordBatch"]:
        """Yield the rows of a chunk by rowid, or by the primary key of a table without rowids."""
        return read_batches(self._database, table, chunk, reading, lobs)

    def count(self, table: TableSchema, chunk: Chunk | None = None) -> int:
        """Count rows."""
        reach = access(table)
        where, values = condition(reach, chunk)
        with translated(self._database.path, table.name):
            row = self._database.connection.execute(select(("count(*)",), reach.source, where), values).fetchone()
        return int(row[0])

    def change_mark(self, table: TableName) -> str:  # noqa: ARG002  SQLite knows it of the whole file only
        """Return the state of the file, which is another when any table was changed."""
        return self._state()

    def aggregates(self, table: TablePlan) -> Mapping[str, Aggregate]:
        """Compute facts about all values, in SQL as far as it is exact."""
        return aggregates(self._database, table)

    def not_digested(self, table: TablePlan) -> frozenset[str]:  # noqa: ARG002
        """Return nothing: every column can be hashed."""
        return frozenset()

    def digest(self, table: TablePlan, columns: Sequence[StoredColumn]) -> str:
        """Compute the order-free digest of all rows."""
        return digest(self._database, table, columns)

    def close(self) -> None:
        """Close the file; a transaction ends with it."""
        self._database.connection.close()

    def _begin(self) -> None:
        self._database.rows("BEGIN")
        self._database.rows("SELECT count(*) FROM sqlite_master")  # only a reading takes the lock

    def _state(self) -> str:
        try:
            return file_state(self._database.path)
        except OSError as error:
            where = printable(str(self._database.path))
            raise SourceError(f"{where}: cannot be looked at: {error.strerror}; is it still there?") from error

    def _now(self) -> str:
        ((now,),) = self._database.rows("SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 'now')")
        return str(now)


def connect(url: "URL", password: str | None = None) -> SqliteSource:  # noqa: ARG001  a file has none
    """Open the SQLite file of a URL such as ``sqlite:////data/antares.sqlite`` or ``sqlite:///antares.sqlite``.

    Raises
    ------
    SourceError
        There is no such file, it is no SQLite database, it is damaged, or it cannot be opened only for reading.
    """
    return SqliteSource(open_database(url))
