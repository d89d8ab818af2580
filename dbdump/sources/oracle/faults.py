"""The driver's errors in the words of `dbdump.errors`, with the next step; never with a password.

Numbers are those of Oracle's "Database Error Messages" and of the errors module of python-oracledb.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dbdump.errors import (
    ConnectionLostError,
    SnapshotExpiredError,
    SourceError,
    TableDeniedError,
    TableError,
    TableGoneError,
    ValueLossError,
)
from dbdump.schema import TableName
from legacy.errors import AntaresLegacyError, printable

_CODE = re.compile(r"\b(?:ORA|DPY|DPI|TNS)-(\d{3,5})")
_LOST = frozenset({28, 31, 1012, 1033, 1034, 1089, 1090, 1092, 3113, 3114, 3135, 12152, 12157, 12170, 12537, 12547})
_LOST_TOO = frozenset({12571, 12583, 25408, 4011, 4024, 1001, 2396, 2399})
_AWAY = frozenset({18, 20, 6001, 6005, 12514, 12516, 12518, 12519, 12520, 12526, 12527, 12528, 12535, 12541})
"""Of connecting: what may be over soon, as when the server is started again or has too many sessions."""
_EXPIRED = frozenset({1555, 8180, 8181, 22924, 30052})
_HIDDEN = frozenset({942, 1031, 1720, 1749, 2019})
_CHANGED = frozenset({904, 1410, 1466, 2149, 8103, 12805, 14400, 4043})
_LOSS = frozenset({4002, 4003, 4036, 4037, 4039, 4042, 1406})
_TABLE = "docs/dbdump.md has the table of server versions and clients"
_CONNECT = {
    1017: "the user name or the password is wrong; too many tries lock the account",
    1005: "no password was given; put it in ANTARES_LEGACY_DB_PASSWORD, a --password-file or a wallet",
    28000: "the account is locked; ask the database administrator to unlock it",
    28001: "the password has expired; set a new one with another client, then try again",
    1045: "the account may not log on; ask the database administrator for CREATE SESSION",
    12154: "the name of the database is not known; write host, port and service_name, or give config_dir in the URL",
    4000: "the name of the database is not known; write host, port and service_name, or give config_dir in the URL",
    12514: "the listener knows no such service; `lsnrctl status` on the server names them",
    6001: "the listener knows no such service; `lsnrctl status` on the server names them",
    12505: "the listener knows no such SID; try ?service_name=... in the URL",
    6003: "the listener knows no such SID; try ?service_name=... in the URL",
    12541: "nothing listens there; look at host and port in the URL",
    12545: "the host is not known; look at it in the URL",
    6005: "the server cannot be reached; look at host, port, network and firewall",
    3010: f"the server is too old for the thin driver; use --thick --client-dir DIR. {_TABLE}",
    3001: f"the server demands native network encryption, which needs --thick --client-dir DIR. {_TABLE}",
    12660: f"the server demands native network encryption, which needs --thick --client-dir DIR. {_TABLE}",
    3015: "the account has an old password verifier (10G): use --thick --client-dir DIR, or set its password anew",
    3012: "the national character set of the server needs --thick --client-dir DIR",
    3040: "the character set of the server needs --thick --client-dir DIR",
    1047: "the client libraries cannot be loaded; install Oracle Instant Client and name its folder in --client-dir",
    1050: f"the client libraries are too old for this driver. {_TABLE}",
    2027: "the client libraries cannot be initialised; look at --client-dir",
}
_ORDER = (3010, 3001, 3015, 3012, 3040, 12660, 1047, 1050)


def codes(error: BaseException) -> tuple[int, ...]:
    """Return the numbers of all errors that a message of the driver names, in its order."""
    return tuple(int(number) for number in _CODE.findall(str(error)))


def told(error: BaseException) -> str:
    """Return the driver's message as one line without its pointers to help pages."""
    lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith("Help:")]
    return printable(" ".join(lines)) or type(error).__name__


def refused(error: BaseException, place: str) -> SourceError:
    """Return what to raise when no connection could be made to `place` (a host and service, never a password)."""
    known = codes(error)
    # The driver says DPY-6005 first, whatever was the cause, and the cause behind.
    for number in (*(number for number in _ORDER if number in known), *reversed(known)):
        if number in _CONNECT:
            kind = ConnectionLostError if number in _AWAY else SourceError
            return kind(f"{place}: {_CONNECT[number]} ({told(error)})")
    if _is_lost(known) or not _AWAY.isdisjoint(known):
        return ConnectionLostError(f"{place}: the server is not there, or is shutting down; try again ({told(error)})")
    return SourceError(f"{place}: cannot connect: {told(error)}; look at the URL and at the server's listener")


def translated(
    error: BaseException, table: TableName | None, exists: Callable[[TableName], bool] | None = None
) -> AntaresLegacyError:
    """Return the error of ours that one of the driver's means.

    Parameters
    ----------
    error
        What the driver, or Arrow while it converts, has raised.
    table
        The table that was read, None for the dictionary.
    exists
        Says whether a table is in the dictionary: Oracle has one number for a table that is not there and for one
        that may not be read. Not asked when the connection is gone.
    """
    known = frozenset(codes(error))
    where = f"table {printable(str(table))}" if table is not None else "the dictionary"
    if _is_lost(known):
        return ConnectionLostError(f"{where}: the connection to Oracle was lost ({told(error)}); run the command again")
    if known & _EXPIRED:
        return SnapshotExpiredError(
            f"{where}: Oracle no longer has the old rows of the snapshot ({told(error)}), because undo is kept for a "
            "while only: let UNDO_RETENTION be raised, or the tablespace be made read only, or dump a standby; or use "
            "--snapshot none with --prove, which shows that nothing was changed"
        )
    if table is None:
        return SourceError(f"{where}: {told(error)}")
    if known & _HIDDEN:
        if known == {942} and exists is not None and not exists(table):
            return TableGoneError(f"{where}: it is not there any more ({told(error)}); run the same dump command again")
        advice = "the account needs SELECT on it, and FLASHBACK for --snapshot scn; or use --exclude"
        return TableDeniedError(f"{where}: Oracle does not let this account read it ({told(error)}); {advice}")
    if known & _CHANGED:
        return TableGoneError(
            f"{where}: it was changed since the plan was made ({told(error)}); run the same dump command again"
        )
    if isinstance(error, UnicodeDecodeError):
        advice = "--raw-text SCHEMA.TABLE.COLUMN takes the bytes of a column as they are"
        return ValueLossError(
            f"{where}: a text is not valid in the character set of the database ({told(error)}); {advice}"
        )
    if known & _LOSS or isinstance(error, (ValueError, OverflowError)):
        advice = "the table was changed since it was planned, or has a value that no type holds: plan it again"
        return ValueLossError(f"{where}: a value does not fit its column ({told(error)}); {advice}")
    return TableError(f"{where}: {told(error)}; report it, or leave the table out with --exclude")


def _is_lost(known: "frozenset[int] | tuple[int, ...]") -> bool:
    return not (_LOST | _LOST_TOO).isdisjoint(known)


@contextmanager
def translating(table: TableName | None, exists: Callable[[TableName], bool] | None = None) -> Iterator[None]:
    """Turn errors of the driver, and of conversions to Arrow, into ours."""
    import oracledb
    import pyarrow as pa

    try:
        yield
    except (oracledb.Error, pa.ArrowException, ValueError, OverflowError, ConnectionError, TimeoutError) as error:
        if isinstance(error, (ConnectionError, TimeoutError)):
            where = "" if table is None else f"table {printable(str(table))}: "
            raise ConnectionLostError(f"{where}the connection to Oracle was lost ({told(error)})") from error
        raise translated(error, table, exists) from error
