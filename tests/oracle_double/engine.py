"""The database of one connection: Oracle's statements run in SQLite."""

import re
import sqlite3
from typing import TYPE_CHECKING

from oracle_double.catalogue import DICTIONARY, Catalogue, quoted
from oracle_double.columns import OBJECT, OracleType
from oracle_double.cursors import Cursor
from oracle_double.errors import OracleError, not_understood
from oracle_double.functions import Functions
from oracle_double.lexer import Kind, tokens_of
from oracle_double.queries import Query, translate
from oracle_double.values import SqlValue

if TYPE_CHECKING:
    from oracle_double.server import OracleDouble

_HARMLESS_BLOCK = re.compile(
    r"\s*BEGIN\s+(?:SYS\.)?(?:DBMS_METADATA\.SET_TRANSFORM_PARAM|DBMS_SESSION\.\w+|DBMS_APPLICATION_INFO\.\w+)\s*"
    r"(?:\([^;]*\))?\s*;\s*END\s*;?\s*",
    re.IGNORECASE,
)
_ANNOUNCED = re.compile(r"\bAS\s+OF\s+SCN\b|DBMS_FLASHBACK|V\$DATABASE", re.IGNORECASE)
_FLASHBACK = re.compile(r"\bAS\s+OF\s+(SCN|TIMESTAMP)\b", re.IGNORECASE)


def open_database(server: "OracleDouble") -> sqlite3.Connection:
    """Return a connection that sees every owner's tables and the dictionary."""
    database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, timeout=10)
    for owner, path in server.owners.items():
        database.execute(f"ATTACH ? AS {quoted(owner)}", [str(path)])
    database.execute(f"ATTACH ? AS {quoted(DICTIONARY)}", [str(server.dictionary)])
    database.execute("PRAGMA case_sensitive_like = ON")
    return database


class Engine:
    """What one connection can ask of its database.

    Parameters
    ----------
    server
        With the files, the faults and the clock.
    user
        Who is logged in.
    """

    def __init__(self, server: "OracleDouble", user: str) -> None:
        self._server = server
        self._database = open_database(server)
        self._catalogue = Catalogue(self._database, {owner: owner for owner in server.owners})
        self._functions = Functions(self._database)
        self._queries: dict[tuple[object, ...], Query] = {}
        self.schema = self.user = user
        self.was_block = False
        self._read_only = False
        add = self._functions.add
        add("current_scn", server.clock.now, steady=False)
        add("dbms_flashback_get_system_change_number", server.clock.now, steady=False)
        add("rowscn", server.clock.of_table, steady=False)
        add("sys_context", self._context, steady=False)
        add("userenv", lambda name: self._context("USERENV", name), steady=False)
        add("dbms_metadata_get_ddl", self._ddl, steady=False)

    def close(self) -> None:
        """Let the database go."""
        self._database.close()

    @property
    def in_transaction(self) -> bool:
        """Whether something is not committed."""
        return self._database.in_transaction

    def commit(self) -> None:
        """Make changes last; ends a read-only transaction."""
        if self._database.in_transaction:
            self._database.execute("COMMIT")

    def rollback(self) -> None:
        """Undo changes; ends a read-only transaction."""
        if self._database.in_transaction:
            self._database.execute("ROLLBACK")

    def error_of(self, error: sqlite3.Error, statement: str) -> OracleError:
        """Return what Oracle would say where SQLite has said something."""
        found, self._functions.error = self._functions.error, None
        text = str(error)
        if found is not None and "user-defined" in text:
            return found
        if text.startswith("no such table"):
            return OracleError(942, f"table or view does not exist: {text[15:]}")
        if text.startswith("no such column"):
            return OracleError(904, f'"{text[16:]}": invalid identifier')
        if "locked" in text:
            return OracleError(54, "resource busy and acquire with NOWAIT specified or timeout expired")
        return not_understood(text, statement)

    def execute(self, cursor: Cursor, values: tuple[tuple[SqlValue, ...], ...], *, run: bool) -> int:
        """Run a statement, or only look what columns it has; return how many rows it has changed."""
        self._server.note(cursor.statement, run=run)
        words = cursor.statement.lstrip(" \t\r\n(").split(None, 1)
        first = words[0].upper().rstrip(";") if words else ""
        self.was_block = first in ("BEGIN", "DECLARE", "CALL")
        if first in ("SELECT", "WITH"):
            self._select(cursor, values[0] if values else (), run=run)
            return 0
        return self._change(first, cursor.statement, values) if run else 0

    def _select(self, cursor: Cursor, values: tuple[SqlValue, ...], *, run: bool) -> None:
        query = self._translated(cursor.statement, tuple(kind.type for kind in cursor.binds))
        self._allowed(query, cursor.statement)
        given = {f"b{place}": value for place, value in enumerate(values)}

        def start() -> sqlite3.Cursor:
            return self._database.execute(query.sql, given)

        first = []
        if run and any(column.type is None for column in query.columns):
            first = start().fetchmany(1)
        cursor.columns = query.results(first[0] if first else None)
        if any(column.type.code == OBJECT for column in cursor.columns):
            raise not_understood("it sends no objects; XMLSERIALIZE gives the text of an XMLTYPE", cursor.statement)
        cursor.from_tables = any(owner != "SYS" for owner, _ in query.tables)
        cursor.begin(start, (cursor.statement, values))
        if run and not self._server.speed:
            cursor.open()  # what SQLite finds wrong is wrong now and not at the first fetch

    def _translated(self, statement: str, binds: tuple[OracleType, ...]) -> Query:
        key = (statement, binds, self.schema, self._server.refresh(self._catalogue))
        if key not in self._queries:
            if len(self._queries) > 500:
                self._queries.clear()
            self._queries[key] = translate(statement, self._catalogue, self.schema, self._server.clock.now(), binds)
        return self._queries[key]

    def _allowed(self, query: Query, statement: str) -> None:
        faults = self._server.faults
        for _, name in query.tables:
            if name in faults.denied:
                raise OracleError(1031, "insufficient privileges")
        if not faults.flashback and _ANNOUNCED.search(statement):
            raise OracleError(1031 if _FLASHBACK.search(statement) else 942, "table or view does not exist")
        if faults.expired and _FLASHBACK.search(statement):
            raise OracleError(1555, 'snapshot too old: rollback segment number 9 with name "_SYSSMU9" too small')

    def _change(self, first: str, statement: str, values: tuple[tuple[SqlValue, ...], ...]) -> int:
        if first == "SET" and "READ ONLY" in " ".join(statement.upper().split()):
            self._begin_reading()
        elif first in ("ALTER", "SET") or _HARMLESS_BLOCK.fullmatch(statement):
            return 0
        elif self.was_block:
            raise OracleError(6550, "line 1, column 7:\nPLS-00201: identifier must be declared")
        elif first in ("COMMIT", "ROLLBACK"):
            self.commit() if first == "COMMIT" else self.rollback()
        elif first in ("INSERT", "UPDATE", "DELETE"):
            return self._write(statement, values)
        else:
            raise not_understood(first, statement)
        return 0

    def _begin_reading(self) -> None:
        """From now on, see what is there now: SQLite takes its snapshot when each file is first read."""
        if self._database.in_transaction:
            raise OracleError(1453, "SET TRANSACTION must be first statement of transaction")
        self._database.execute("BEGIN")
        for owner in self._server.owners:
            self._database.execute(f"SELECT count(*) FROM {quoted(owner)}.sqlite_master").fetchone()

    def _write(self, statement: str, values: tuple[tuple[SqlValue, ...], ...]) -> int:
        """A statement in words that Oracle and SQLite share, with other signs for binds."""
        tokens = tokens_of(statement)
        for token in reversed(tokens):
            if token.kind == Kind.BIND:
                statement = f"{statement[: token.start]}:b{token.text}{statement[token.end :]}"
        if not self._database.in_transaction:
            self._database.execute("BEGIN")
        changed = 0
        for row in values or ((),):
            given = {f"b{place}": value for place, value in enumerate(row)}
            changed += max(self._database.execute(statement, given).rowcount, 0)
        return changed

    def _context(self, space: str, name: str, *_: SqlValue) -> str | None:
        known = {
            "SESSION_USER": self.user, "CURRENT_USER": self.user, "CURRENT_SCHEMA": self.schema,
            "DB_NAME": self._server.service, "SERVICE_NAME": self._server.service.lower(), "LANG": "US",
            "SERVER_HOST": "double", "INSTANCE_NAME": self._server.service, "LANGUAGE": "AMERICAN_AMERICA.WE8ISO8859P1",
        }  # fmt: skip
        return known.get(name.upper()) if space.upper() == "USERENV" else None

    def _ddl(self, kind: str, name: str, owner: str | None = None) -> str:
        for row in self._server.facts(owner or self.schema, "ddl"):
            if row["table_name"] == name:
                return str(row["ddl"])
        raise OracleError(31603, f'object "{name}" of type {kind} not found in schema "{owner or self.schema}"')
