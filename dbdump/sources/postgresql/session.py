"""A connection to PostgreSQL that only reads, and the moment that it sees."""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
from sqlalchemy.engine import URL

from dbdump.errors import SnapshotExpiredError, SourceError
from dbdump.plan import Snapshot
from dbdump.sources.postgresql.faults import not_connected, translated
from legacy.errors import UsageError, printable

OLDEST = 140000
"""`server_version_num` of PostgreSQL 14: ranges of ctid are read without a scan of the whole table."""

_SETTINGS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "0",
    "lock_timeout": "10min",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "row_security": "off",  # an error instead of rows that silently are not there
    "search_path": "pg_catalog",  # nobody's function takes the place of a built-in one; names come with their schema
    "standard_conforming_strings": "on",
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "iso_8601",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "lc_monetary": "C",
    "lc_numeric": "C",
    "xmlbinary": "base64",
    "synchronize_seqscans": "off",
    "max_parallel_workers_per_gather": "0",  # rows have one order, and the server one process of ours per session
    "jit": "off",  # queries of milliseconds would be compiled for longer
}
_SET = """
SELECT pg_catalog.set_config(s.name, given.value, false)
FROM ROWS FROM (pg_catalog.unnest(%s::text[]), pg_catalog.unnest(%s::text[])) AS given (name, value)
JOIN pg_catalog.pg_settings s ON pg_catalog.lower(s.name) = pg_catalog.lower(given.name)
"""
"""Not every version has every setting."""
_LINK = {
    "application_name": "antares-legacy",
    "connect_timeout": "30",
    "keepalives": "1",
    "keepalives_idle": "60",
    "keepalives_interval": "10",
    "keepalives_count": "6",
}
_SECRET = {"password", "sslpassword", "oauth_client_secret"}
_WARM = 16 << 20
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class Session:
    """One connection; every query goes through it.

    Parameters
    ----------
    connection
        In autocommit mode.
    default_schema
        The first existing schema of the account's own search path.
    """

    def __init__(self, connection: "psycopg.Connection[tuple[Any, ...]]", default_schema: str) -> None:
        self._connection = connection
        self._holds = self._warm = False
        self.default_schema = default_schema
        self.encoding = connection.info.parameter_status("server_encoding") or "UTF8"

    @property
    def server(self) -> str:
        """Host, port and database, for messages."""
        info = self._connection.info
        return printable(f"{info.host}:{info.port}/{info.dbname}")

    @property
    def connection(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """The connection itself, for what it knows of the server."""
        return self._connection

    def rows(self, query: str, parameters: Sequence[object] | None = None, where: str = "") -> list[tuple[Any, ...]]:
        """Return all rows of a small answer; raises the errors of `dbdump.sources.postgresql.faults`."""
        with self._translated(where):
            return self._connection.execute(query.encode(), parameters).fetchall()

    def packed(self, query: str, where: str) -> list[bytes | None]:
        """Return the only row of an answer, each value as its bytes in binary format."""
        with self._translated(where):
            cursor = self._connection.cursor(binary=True)
            cursor.execute(query.encode())
            answer = cursor.pgresult
            if answer is None or answer.ntuples != 1:
                raise SourceError(f"{where or self.server}: PostgreSQL gave no answer where one row is expected")
            return [answer.get_value(0, number) for number in range(answer.nfields)]

    @contextlib.contextmanager
    def moment(self) -> Iterator[None]:
        """Let all queries of the body see one moment: that of the snapshot, or without one that of its begin."""
        if self._holds or self._connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            yield
            return
        self._command(_BEGIN)
        try:
            yield
        finally:
            # A lost connection has no transaction any more, and its error is on its way.
            with contextlib.suppress(psycopg.Error):
                self._connection.execute("ROLLBACK")

    def begin(self) -> Snapshot:
        """Take a snapshot that others can join; see `dbdump.sources.contract.Source.begin`."""
        self._command(_BEGIN)
        ((token, taken, seen),) = self.rows("SELECT pg_export_snapshot(), now(), pg_current_snapshot()::text")
        self._hold()
        instant: datetime = taken
        return Snapshot("readonly", token, instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), seen)

    def join(self, token: str) -> None:
        """Read in a snapshot that another session holds; see `dbdump.sources.contract.Source.join`."""
        self._command(_BEGIN)
        try:
            self._connection.execute(f"SET TRANSACTION SNAPSHOT {literal(token)}".encode())
        except psycopg.Error as error:
            if self._connection.broken:
                raise translated(error, self.server, broken=True) from error
            self._connection.execute("ROLLBACK")
            raise SnapshotExpiredError(
                f"{self.server}: the snapshot {printable(token)[:80]} is not held any more; it ends with the session "
                "that took it: run the command again to take a new one"
            ) from error
        self._hold()

    def warm(self) -> None:
        """Let the server's process keep the memory of a query for the next one; of use before many large answers.

        It allocates and frees one large piece, and the C library takes that for its measure (mallopt(3), "dynamic mmap
        threshold"). Before, it gave everything back after each query: a fifth of the server's time went into pages.
        """
        if not self._warm:
            self.rows(f"SELECT octet_length(repeat(' ', {_WARM}))")
            self._warm = True

    def close(self) -> None:
        """End the connection."""
        with contextlib.suppress(psycopg.Error, OSError):
            self._connection.close()

    def _hold(self) -> None:
        # A failed query ends the transaction, and with it the snapshot: unless it goes back to a savepoint.
        self._command("SAVEPOINT held")
        self._holds = True

    def _command(self, command: str) -> None:
        with self._translated(""):
            self._connection.execute(command.encode())

    @contextlib.contextmanager
    def _translated(self, where: str) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            broken = self._connection.broken or self._connection.closed
            if not broken and self._holds:
                with contextlib.suppress(psycopg.Error):
                    self._connection.execute("ROLLBACK TO SAVEPOINT held")
            raise translated(error, where or self.server, broken=broken) from error


def open_session(url: URL, password: str | None) -> Session:
    """Connect to the server that a URL of SQLAlchemy names.

    Parameters
    ----------
    url
        Its query may have the options of libpq, such as ``sslmode``.
    password
        None to let libpq find one (``PGPASSWORD``, ``~/.pgpass``) or to go without.

    Raises
    ------
    UsageError
        An option of the URL is unknown to libpq or holds a secret.
    SourceError
        No connection, or the server is too old.
    """
    server = printable(f"{url.host or 'local socket'}:{url.port or 5432}/{url.database or ''}")
    arguments = _arguments(url)
    try:
        connection = psycopg.connect(password=password, autocommit=True, prepare_threshold=None, **arguments)
    except psycopg.ProgrammingError as error:
        names = printable(", ".join(url.query))
        raise UsageError(f"{server}: libpq does not take the options of the URL ({names}); correct them") from error
    except psycopg.Error as error:
        raise not_connected(error, server) from error
    version = connection.info.server_version
    if version < OLDEST:
        connection.close()
        raise SourceError(
            f"{server}: PostgreSQL {version // 10000} is older than 14, the oldest that can be dumped; restore a "
            "pg_dump of it into a newer server"
        )
    return _prepared(connection, server)


def _prepared(connection: "psycopg.Connection[tuple[Any, ...]]", server: str) -> Session:
    try:
        found = connection.execute("SELECT pg_catalog.current_schema()").fetchone()
        connection.execute(_SET, (list(_SETTINGS), list(_SETTINGS.values())))
    except psycopg.Error as error:
        connection.close()
        raise translated(error, server, broken=False) from error
    return Session(connection, str(found[0]) if found and found[0] else "public")


def _arguments(url: URL) -> dict[str, Any]:
    given: dict[str, Any] = {"host": url.host, "port": url.port, "user": url.username, "dbname": url.database}
    given = {name: value for name, value in given.items() if value}
    for name, value in url.query.items():
        if name.lower() in _SECRET:
            raise UsageError(f"the option '{name}' does not belong into a URL; use the ways for passwords instead")
        given.setdefault(name, value if isinstance(value, str) else ",".join(value))
    # UTF-8 from the start: psycopg gives bytes for text from a server that says SQL_ASCII.
    return {**_LINK, **given, "client_encoding": "UTF8"}


def quoted(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
