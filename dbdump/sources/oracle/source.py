"""Oracle as `dbdump.sources.contract.Source`."""

import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dbdump.errors import SourceError
from dbdump.lobs import LobStore
from dbdump.plan import Chunk, Snapshot, TablePlan
from dbdump.schema import Column, DatabaseSchema, ServerFacts, TableName, TableSchema
from dbdump.sources.contract import Aggregate, Reading
from dbdump.sources.oracle import arrowpath, checking, chunking, probing, rowpath
from dbdump.sources.oracle.dictionary import read_dictionary, schemas
from dbdump.sources.oracle.faults import translating
from dbdump.sources.oracle.names import from_clause, select
from dbdump.sources.oracle.reflection import database_schema
from dbdump.sources.oracle.selecting import rows_of
from dbdump.sources.oracle.server import Identity, charsets, current_scn, identity, server_facts, server_time
from dbdump.sources.oracle.session import Row, Session, connect_session
from dbdump.stored import Probe, StoredColumn

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy.engine import URL

_FIRST_HASHING = (12, 1)
_EXISTS = "SELECT COUNT(*) FROM ALL_TABLES WHERE OWNER=:1 AND TABLE_NAME=:2"


def connect(url: "URL", password: str | None, *, thick: bool = False, client_dir: Path | None = None) -> "OracleSource":
    """Open an Oracle database for reading.

    Parameters
    ----------
    url
        ``oracle+oracledb://user@host:1521/?service_name=X`` and the like, without a password.
    password
        None where a wallet has it.
    thick, client_dir
        Use Oracle's client libraries, and where they lie.

    Raises
    ------
    SourceError, UsageError, MissingDependencyError
        As `dbdump.sources.oracle.session.connect_session`.
    """
    return OracleSource(connect_session(url, password, thick=thick, client_dir=client_dir))


class OracleSource:
    """A session that sends SELECT and nothing else, and what it knows of the server.

    Parameters
    ----------
    session
        Open and set up.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._scn: int | None = None
        self._own_token = ""

    @cached_property
    def _identity(self) -> Identity:
        with translating(None):
            return identity(self._session)

    @cached_property
    def _charset(self) -> str:
        return charsets(self._session)[0]

    @property
    def _hashes(self) -> bool:
        version = str(self._session.connection.version).split(".")
        return tuple(int(part) for part in version[:2]) >= _FIRST_HASHING

    def facts(self) -> ServerFacts:
        """Return what the server is."""
        return server_facts(self._session, self._identity)

    def schemas(self) -> tuple[str, ...]:
        """Return the schemas with tables that this account sees."""
        return schemas(self._session)

    def default_schema(self) -> str:
        """Return the current schema of the session."""
        return self._identity.schema

    def reflect(self, schemas: Sequence[str]) -> DatabaseSchema:
        """Return all that the dictionary says about some schemas."""
        return database_schema(read_dictionary(self._session, list(schemas), self._identity.user))

    def begin(self, mode: str) -> Snapshot:
        """Take a snapshot: ``scn``, ``readonly`` (for this session alone) or ``none``."""
        taken = server_time(self._session)
        match mode:
            case "none":
                self._scn = None
                return Snapshot("none", "", taken)
            case "scn":
                number = current_scn(self._session)
                if number is None:
                    raise SourceError(
                        "this account may not ask for the system change number: it needs SELECT on V_$DATABASE or "
                        "EXECUTE on DBMS_FLASHBACK; have that granted, or use --snapshot readonly or none"
                    )
                self._scn = number
                return Snapshot("scn", str(number), taken)
            case "readonly":
                with translating(None):
                    self._session.connection.rollback()
                    self._run("SET TRANSACTION READ ONLY")
                self._scn, self._own_token = None, secrets.token_hex(8)
                return Snapshot("readonly", self._own_token, taken)
            case _:
                raise SourceError(f"Oracle has no snapshot of the kind '{mode}'; use scn, readonly or none")

    def join(self, snapshot: Snapshot) -> None:
        """Read in a snapshot: any session can join ``scn``, none but the one that began it ``readonly``."""
        if snapshot.mode == "scn":
            if not snapshot.token.isascii() or not snapshot.token.isdigit():
                raise SourceError("the plan has a system change number that is none; run the same dump command again")
            self._scn = int(snapshot.token)
        elif snapshot.mode == "readonly":
            if not self._own_token or snapshot.token != self._own_token:
                raise SourceError(
                    "a read-only transaction of Oracle belongs to one session, and cannot be joined or resumed by "
                    "another; use --jobs 1 and run in one go, or --snapshot scn or none"
                )
        else:
            self._scn = None

    def probe(self, table: TableSchema, columns: Sequence[Column]) -> Mapping[str, Probe]:
        """Look at the values of some columns."""
        found: dict[str, Probe] = {}
        for some, statement in probing.probe_statements(table, columns, self._scn):
            found |= probing.read_probes(some, self._asked(statement, table.name)[0])
        return found

    def chunks(self, table: TableSchema, size: int) -> tuple[Chunk, ...]:
        """Divide a table."""
        return chunking.chunks(table, size, lambda statement: self._asked(statement, table.name))

    def read(self, table: TablePlan, chunk: Chunk, reading: Reading, lobs: LobStore) -> "Iterator[pa.RecordBatch]":
        """Yield the rows of a chunk, by Arrow where the driver can."""
        connection = self._session.connection
        with translating(table.name, self._exists):
            if not table.columns:
                return
            if rowpath.needs_rows(table):
                yield from rowpath.read(connection, table, chunk, self._scn, reading, lobs)
            else:
                yield from arrowpath.read(connection, table, chunk, self._scn, reading)

    def count(self, table: TableSchema, chunk: Chunk | None = None) -> int:
        """Count rows."""
        rows = from_clause(table.name, self._scn) if chunk is None else rows_of(table, chunk, self._scn)
        return int(self._asked(select("COUNT(*)", rows), table.name)[0][0])

    def change_mark(self, table: TableName) -> str:
        """Return the largest ORA_ROWSCN: no row was written since, though rows may have been deleted."""
        statement = select("TO_CHAR(MAX(ORA_ROWSCN),'TM9')", from_clause(table, None))
        value = self._asked(statement, table)[0][0]
        return "" if value is None else str(value)

    def aggregates(self, table: TablePlan) -> Mapping[str, Aggregate]:
        """Compute aggregates; columns that SQL cannot look into are left out."""
        found: dict[str, Aggregate] = {}
        for parts, statement in checking.aggregate_statements(table, self._charset, self._scn):
            found |= checking.read_aggregates(parts, self._asked(statement, table.name)[0])
        return found

    def not_digested(self, table: TablePlan) -> frozenset[str]:
        """Return columns that cannot be hashed; see `dbdump.sources.oracle.checking.not_digested`."""
        return checking.not_digested(table, self._charset, hashes=self._hashes)

    def digest(self, table: TablePlan, columns: Sequence[StoredColumn]) -> str:
        """Compute the digest."""
        if not columns:
            # Every row is the MD5 of nothing.
            return str(self.count(table.schema) * int(hashlib.md5(b"", usedforsecurity=False).hexdigest()[:15], 16))
        statement = checking.digest_statement(table, columns, self._charset, self._scn)
        value = self._asked(statement, table.name)[0][0]
        return "0" if value is None else str(value)

    def close(self) -> None:
        """End the session."""
        self._session.close()

    def _asked(self, statement: str, table: TableName) -> list[Row]:
        with translating(table, self._exists):
            return self._session.rows(statement)

    def _exists(self, table: TableName) -> bool:
        found = self._session.allowed(_EXISTS, [table.schema, table.name])
        return found is None or bool(found[0][0])

    def _run(self, statement: str) -> None:
        with self._session.connection.cursor() as cursor:
            cursor.execute(statement)
