"""A connection to Oracle: how it is made, how it is set up, and how small questions are asked."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbdump.errors import SourceError
from dbdump.sources.oracle.faults import codes, refused, translating
from legacy.errors import MissingDependencyError, UsageError, printable

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

Row = tuple[Any, ...]
_SETTINGS = (
    "ALTER SESSION SET TIME_ZONE = '+00:00'",
    "ALTER SESSION SET NLS_NUMERIC_CHARACTERS = '.,'",
    "ALTER SESSION SET NLS_DATE_FORMAT = 'YYYY-MM-DD\"T\"HH24:MI:SS'",
    "ALTER SESSION SET NLS_TIMESTAMP_FORMAT = 'YYYY-MM-DD\"T\"HH24:MI:SS.FF9'",
    "ALTER SESSION SET NLS_TIMESTAMP_TZ_FORMAT = 'YYYY-MM-DD\"T\"HH24:MI:SS.FF9 TZR'",
    "ALTER SESSION SET NLS_CALENDAR = 'GREGORIAN'",
    "ALTER SESSION SET NLS_SORT = BINARY",
    "ALTER SESSION SET NLS_COMP = BINARY",
)
"""What would make the same statement give other texts or another order elsewhere. ``+00:00`` and not ``UTC``: the
latter needs the server's time zone file."""
_CONNECT_SECONDS, _PROBE_MINUTES = 60.0, 2
_QUERY_OPTIONS = frozenset({"service_name", "sid", "config_dir", "wallet_location", "ssl_server_dn_match", "dsn"})
_FETCH = 1000


class Session:
    """One connection, for small questions; big tables are read through `connection` itself.

    Parameters
    ----------
    connection
        Of the driver `oracledb`.
    place
        Host and service for messages; no user, no password.
    thick
        Whether it uses the client libraries.
    """

    def __init__(self, connection: Any, place: str, thick: bool = False) -> None:
        self.connection = connection
        self.place = place
        self.thick = thick

    def rows(self, sql: str, binds: Sequence[object] = ()) -> list[Row]:
        """Return all rows of a question; numbers as int or Decimal, LONG and CLOB as text.

        Raises
        ------
        oracledb.Error
            As the driver says it: callers know what they asked.
        """
        with self.connection.cursor() as cursor:
            cursor.arraysize = cursor.prefetchrows = _FETCH
            cursor.outputtypehandler = _plain_values
            cursor.execute(sql, list(binds))
            return [tuple(_whole(value) for value in row) for row in cursor]

    def value(self, sql: str, binds: Sequence[object] = ()) -> Any:
        """Return the one value of a question, None without a row."""
        rows = self.rows(sql, binds)
        return rows[0][0] if rows else None

    def allowed(self, sql: str, binds: Sequence[object] = ()) -> list[Row] | None:
        """Return the rows of a question, or None where this account or this version of Oracle cannot ask it.

        Raises
        ------
        ConnectionLostError, SnapshotExpiredError
        """
        import oracledb

        with translating(None):
            try:
                return self.rows(sql, binds)
            except oracledb.DatabaseError as error:
                if frozenset(codes(error)) & _NOT_ASKABLE:
                    return None
                raise

    def close(self) -> None:
        """End the connection; never raises."""
        import oracledb

        try:
            self.connection.close()
        except (oracledb.Error, OSError):
            return  # it is gone already, which is what was wanted


_NOT_ASKABLE = frozenset({942, 904, 900, 923, 1031, 1039, 4063, 6550, 6553, 6564, 31603, 31600, 41900, 31608, 6512})


def _plain_values(cursor: Any, metadata: Any) -> Any:
    import oracledb

    kind = metadata.type_code
    if kind is oracledb.DB_TYPE_NUMBER:
        return cursor.var(Decimal, arraysize=cursor.arraysize)
    if kind in (oracledb.DB_TYPE_CLOB, oracledb.DB_TYPE_NCLOB):
        return cursor.var(oracledb.DB_TYPE_LONG, arraysize=cursor.arraysize)
    return None


def _whole(value: Any) -> Any:
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value


def connect_session(url: "URL", password: str | None, *, thick: bool, client_dir: Path | None) -> Session:
    """Connect and set the session up so that the same statement always gives the same texts.

    Parameters
    ----------
    url
        ``oracle+oracledb://user@host:1521/?service_name=X``, ``.../SID``, or ``oracle+oracledb://user@alias`` with
        ``config_dir`` or ``wallet_location`` in the query.
    password
        None where a wallet has it.
    thick, client_dir
        Use the client libraries, which lie in that folder or where the system finds them.

    Raises
    ------
    UsageError
        The URL has an option that is not known, or names no database.
    MissingDependencyError
        The driver is not installed.
    SourceError
        The server cannot be reached, or refuses.
    """
    try:
        import oracledb
    except ModuleNotFoundError as error:
        raise MissingDependencyError("the Oracle source", "pip install 'antares-legacy[dbdump]'") from error
    arguments = connect_arguments(url)
    place = f"Oracle {printable(str(url.host or 'database'))}"
    if thick:
        _use_client(client_dir)
    elif client_dir is not None:
        raise UsageError("--client-dir says where the client libraries lie; they are used with --thick only")
    if password is None and "wallet_location" not in arguments and not thick:
        raise SourceError(f"{place}: {_NO_PASSWORD}")
    external = {"externalauth": True} if password is None and thick else {}
    try:
        connection = oracledb.connect(password=password, **external, **arguments)
    except (oracledb.Error, OSError) as error:
        raise refused(error, place) from error
    session = Session(connection, place, thick)
    _set_up(session)
    return session


_NO_PASSWORD = (
    "no password was given; put it in ANTARES_LEGACY_DB_PASSWORD or a --password-file, or name a wallet in the URL"  # noqa: S105  no secret
)


def connect_arguments(url: "URL") -> dict[str, Any]:
    """Return the arguments of ``oracledb.connect`` that a URL means, all but the password.

    Raises
    ------
    UsageError
        An option of the URL is not known, or it names no database.
    """
    query: Mapping[str, Any] = url.query
    unknown = sorted(set(query) - _QUERY_OPTIONS)
    if unknown:
        known = ", ".join(sorted(_QUERY_OPTIONS))
        raise UsageError(f"the URL has the option '{printable(unknown[0])}', which is not known; known are: {known}")
    arguments: dict[str, Any] = {"user": url.username} if url.username else {}
    arguments |= {key: query[key] for key in ("config_dir", "wallet_location") if key in query}
    if "ssl_server_dn_match" in query:
        arguments["ssl_server_dn_match"] = str(query["ssl_server_dn_match"]).lower() in ("true", "yes", "1", "on")
    if not url.host and "dsn" not in query:
        raise UsageError("the URL names no host; write it like oracle+oracledb://user@host:1521/?service_name=X")
    service, sid = query.get("service_name"), query.get("sid") or url.database
    if service or sid:
        target = {"service_name": service} if service else {"sid": sid}
        seconds = {"tcp_connect_timeout": _CONNECT_SECONDS, "expire_time": _PROBE_MINUTES}
        return arguments | {"host": url.host, "port": url.port or 1521} | target | seconds
    # Without service and SID it is the name of an entry of tnsnames.ora.
    return arguments | {"dsn": query.get("dsn") or url.host}


def _use_client(client_dir: Path | None) -> None:
    import oracledb

    if not oracledb.is_thin_mode():
        return
    try:
        oracledb.init_oracle_client(lib_dir=str(client_dir) if client_dir is not None else None)
    except oracledb.Error as error:
        raise refused(error, "client libraries") from error


def _set_up(session: Session) -> None:
    import oracledb

    try:
        session.connection.module = "antares-legacy"
        session.connection.action = "dbdump"
        with session.connection.cursor() as cursor:
            for statement in _SETTINGS:
                cursor.execute(statement)
    except (oracledb.Error, OSError) as error:
        session.close()
        raise refused(error, session.place) from error
