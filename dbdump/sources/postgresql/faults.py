"""Errors of PostgreSQL and libpq as those of a dump.

SQLSTATE codes are those of appendix A of the PostgreSQL manual.
"""

import psycopg

from dbdump.errors import (
    ConnectionLostError,
    SnapshotExpiredError,
    SourceError,
    TableDeniedError,
    TableError,
    TableGoneError,
    ValueLossError,
)
from legacy.errors import AntaresLegacyError, printable

_GONE = {"42P01", "42703", "42704", "3F000", "42883", "42809"}
_LOST = {"57P01", "57P02", "57P03", "57P05", "25P03", "25P04"}
_NO_ROOM = {"53200", "54000", "53100"}
_LOGIN = {"28P01", "28000"}
_AWAY = ("refused", "timeout", "starting up", "shutting down", "in recovery mode", "closed the connection")
"""Words of libpq for what may be over soon, as when the server is started again."""


def translated(error: psycopg.Error, where: str, *, broken: bool = False) -> AntaresLegacyError:
    """Return the error of ours that an error of psycopg stands for.

    Parameters
    ----------
    error
        What was raised by a query.
    where
        What was being read, such as ``public.ctd``, or the server.
    broken
        Whether the connection cannot be used any more.
    """
    state, said, where = error.sqlstate or "", _said(error), printable(where)
    if broken or state in _LOST or state.startswith("08"):
        return ConnectionLostError(f"{where}: the connection to PostgreSQL ended ({said}); run the command again later")
    if state == "42501":
        return TableDeniedError(
            f"{where}: no right to read it ({said}); have its owner GRANT SELECT (and BYPASSRLS where rows are "
            "protected), or leave it out with --exclude"
        )
    if state in _GONE:
        return TableGoneError(
            f"{where}: it is not there any more, or has other columns ({said}); run the same dump command again"
        )
    if state == "40001" or state.startswith("72"):
        return SnapshotExpiredError(f"{where}: the server gave up the snapshot ({said}); run the command again")
    if state.startswith("22") or state == "0A000":
        return ValueLossError(
            f"{where}: a value cannot be had exactly ({said}); --raw-text takes a column of text as bytes, --exclude "
            "leaves the table out"
        )
    if state == "55P03":
        return TableError(f"{where}: another session holds a lock on it ({said}); run the command again later")
    if state == "55000":
        return TableError(f"{where}: it cannot be read as it is now ({said})")
    if state in _NO_ROOM:
        return TableError(f"{where}: a row is too large for the server ({said}); leave the table out with --exclude")
    if state.startswith("XX"):
        return TableError(f"{where}: the server finds it damaged ({said}); look into the server's log")
    return SourceError(f"{where}: PostgreSQL failed ({said})")


def not_connected(error: psycopg.Error, server: str) -> SourceError:
    """Return why a connection could not be made, and what to do; a password is in none of the server's words."""
    state, said = error.sqlstate or "", _said(error)
    # libpq reports a failure to log in without SQLSTATE: only its words tell.
    if state in _LOGIN or "authentication failed" in said or "no password supplied" in said:
        advice = "check the user and the password"
    elif "pg_hba.conf" in said:
        advice = "the server does not let this account in from here: ask its administrator"
    elif state == "3D000" or ("database" in said and "does not exist" in said):
        advice = "check the name of the database at the end of the URL"
    elif "translate host name" in said or "resolve host" in said or "Name or service" in said:
        advice = "no such host: check its name in the URL"
    elif "refused" in said:
        advice = "nothing listens there: check host and port, and whether the server runs"
    elif "timeout" in said:
        advice = "the server does not answer: check host, port and firewall"
    elif any(words in said for words in _AWAY):
        advice = "the server is not ready: try again later"
    else:
        advice = "check the URL"
    kind = ConnectionLostError if any(words in said for words in _AWAY) else SourceError
    return kind(f"{server}: no connection to PostgreSQL: {advice} ({said})")


def _said(error: psycopg.Error) -> str:
    primary = error.diag.message_primary
    words = primary or str(error).strip() or type(error).__name__
    return printable(" ".join(words.split()))[:400]
