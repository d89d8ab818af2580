"""`PostgresqlSource`: a PostgreSQL server as `dbdump.sources.contract.Source`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy.engine import URL

from dbdump.errors import SnapshotExpiredError, SourceError
from dbdump.lobs import LobStore
from dbdump.plan import Chunk, Snapshot, TablePlan
from dbdump.schema import Column, DatabaseSchema, Family, ServerFacts, TableName, TableSchema
from dbdump.sources.contract import Aggregate, Reading
from dbdump.sources.postgresql import chunking, dictionary, probing, proofs, server
from dbdump.sources.postgresql.reading import TableReader
from dbdump.sources.postgresql.session import Session, open_session
from dbdump.stored import DECIMAL_DIGITS, Probe, StoredColumn
from legacy.errors import printable

if TYPE_CHECKING:
    import pyarrow as pa


def connect(url: URL, password: str | None) -> "PostgresqlSource":
    """Open a PostgreSQL database for reading.

    Parameters
    ----------
    url
        ``postgresql://`` or ``postgresql+psycopg://``; options of libpq, such as ``sslmode``, in its query.
    password
        None to let libpq find one (``PGPASSWORD``, ``~/.pgpass``) or to go without.

    Raises
    ------
    UsageError
        The URL has an option that libpq does not take, or a secret.
    SourceError
        No connection, or the server is older than PostgreSQL 14.
    """
    return PostgresqlSource(open_session(url, password))


class PostgresqlSource:
    """A PostgreSQL database; see `dbdump.sources.contract.Source` for its methods.

    Parameters
    ----------
    session
        Closed with this.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def facts(self) -> ServerFacts:
        """Return what the server is."""
        return server.facts(self._session)

    def schemas(self) -> tuple[str, ...]:
        """Return the schemas with tables of users."""
        return server.schemas(self._session)

    def default_schema(self) -> str:
        """Return the first schema of the account's search path that is there."""
        return self._session.default_schema

    def reflect(self, schemas: Sequence[str]) -> DatabaseSchema:
        """Return all that the catalogue says about some schemas."""
        return dictionary.reflect(self._session, schemas)

    def begin(self, mode: str) -> Snapshot:
        """Take a snapshot: ``readonly`` is a repeatable-read transaction, with ``none`` each query is for itself."""
        if mode not in ("readonly", "none"):
            raise SourceError(
                f"{self._session.server}: the snapshot '{printable(mode)}' is Oracle's; give readonly or none"
            )
        snapshot = self._session.begin() if mode == "readonly" else server.unheld(self._session)
        return replace(snapshot, place=server.place(self._session))

    def join(self, snapshot: Snapshot) -> None:
        """Read in the snapshot that another source has taken and still holds."""
        if snapshot.mode == "none":
            return
        if snapshot.mode != "readonly" or not re.fullmatch(r"[0-9A-F-]{1,60}", snapshot.token):
            raise SnapshotExpiredError(
                f"{self._session.server}: '{printable(snapshot.token)[:80]}' is no snapshot of PostgreSQL; run the "
                "command again to take a new one"
            )
        self._session.join(snapshot.token)

    def probe(self, table: TableSchema, columns: Sequence[Column]) -> Mapping[str, Probe]:
        """Look at the values of some columns, in one reading of the table."""
        return probing.probe(self._session, table, columns)

    def notices(self, column: Column) -> bool:
        """Whether reading fails on values of a column that its plain type does not hold: infinity, NaN, 24:00."""
        if column.family == Family.DECIMAL:
            precision, scale = column.precision or 0, column.scale or 0
            return 0 <= scale <= precision <= DECIMAL_DIGITS
        return column.family in (Family.DATE, Family.TIME, Family.TIMESTAMP, Family.TIMESTAMP_UTC)

    def chunks(self, table: TableSchema, size: int) -> tuple[Chunk, ...]:
        """Divide a table into ranges of pages."""
        return chunking.chunks(self._session, table, size)

    def read(self, table: TablePlan, chunk: Chunk, reading: Reading, lobs: LobStore) -> Iterator["pa.RecordBatch"]:
        """Yield the rows of a chunk in the order of its pages."""
        return TableReader(self._session, table, chunk, reading, lobs).batches()

    def count(self, table: TableSchema, chunk: Chunk | None = None) -> int:
        """Count the rows of a table or of one chunk."""
        return proofs.count(self._session, table, chunk)

    def count_written(self, table: TableSchema, chunk: Chunk, since: Snapshot) -> tuple[int, int]:
        """Count the rows of a chunk, and those of them that `since` may not have seen as they are."""
        return proofs.count_written(self._session, table, chunk, since.seen)

    def change_mark(self, table: TableName) -> str:  # noqa: ARG002  the protocol's
        """Return ``""``: no number of PostgreSQL's is another after every change of a table.

        ``xmin`` does not tell of rows that are gone, and the counters of the statistics come late and can be reset.
        """
        return ""

    def aggregates(self, table: TablePlan) -> Mapping[str, Aggregate]:
        """Compute the facts of all columns in the server."""
        return proofs.aggregates(self._session, table)

    def not_digested(self, table: TablePlan) -> frozenset[str]:  # noqa: ARG002  the protocol's
        """Return no name: PostgreSQL hashes everything."""
        return frozenset()

    def digest(self, table: TablePlan, columns: Sequence[StoredColumn]) -> str:
        """Compute the digest of all rows in the server."""
        return proofs.digest(self._session, table, columns)

    def close(self) -> None:
        """End the connection and the snapshot."""
        self._session.close()
