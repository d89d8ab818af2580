"""Statements that run, and the rows that they give."""

import itertools
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import oracle_double.columns as columns
import oracle_double.replies as replies
import oracle_double.wire as wire
from oracle_double.calls import Bind
from oracle_double.columns import OracleType, ResultColumn
from oracle_double.errors import OracleError
from oracle_double.faults import Faults
from oracle_double.lobs import Lobs
from oracle_double.values import SqlValue, encoder, value_text

Row = tuple[SqlValue, ...]
_LOCATORS = (*columns.LOBS, columns.BFILE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the client wants a column."""

    type: OracleType
    as_long: bool = False
    by_locator: bool = False
    form: int = columns.DATABASE


@dataclass(slots=True)
class Batch:
    """Encoded rows of one reply."""

    rows: bytes
    count: int
    more: bool


@dataclass(slots=True)
class Cursor:
    """A statement that the client has parsed.

    Parameters
    ----------
    number
        By which the client knows it.
    statement
        In Oracle's SQL.
    columns
        Of the result; empty for what is no query.
    from_tables
        Whether it reads tables of a user: only their rows count for faults.
    """

    number: int
    statement: str
    columns: list[ResultColumn] = field(default_factory=list)
    binds: tuple[Bind, ...] = ()
    wanted: list[Wanted] = field(default_factory=list)
    from_tables: bool = False
    sent: int = 0
    key: tuple[object, ...] = ()
    start: Callable[[], sqlite3.Cursor] | None = None
    rows: Iterator[Row] | None = None
    position: int = 0

    def define(self, defines: tuple[Bind, ...]) -> None:
        """Note in what types the client wants the columns: LOBs as LONG or by locator."""
        self.wanted = [
            Wanted(column.type, bind.code in columns.LONGS, bind.code in _LOCATORS, bind.form)
            for column, bind in zip(self.columns, defines, strict=True)
        ]

    def by_default(self) -> None:
        """Give the columns in the types in which they are described."""
        self.wanted = [
            Wanted(column.type, column.type.code in columns.LONGS, column.type.code in _LOCATORS, column.type.form)
            for column in self.columns
        ]

    @property
    def has_lobs(self) -> bool:
        """Whether Oracle sends no rows before the client has said how it wants them."""
        return any(column.type.code in columns.LOBS for column in self.columns)

    def begin(self, start: Callable[[], sqlite3.Cursor], key: tuple[object, ...]) -> None:
        """Note how the rows are had."""
        self.start, self.key = start, key
        self.sent, self.position, self.rows = 0, -1, None

    def take(self, count: int) -> list[Row]:
        """Return the next rows, from the place that the client has reached."""
        if self.position != self.sent:
            self.open()
        found = list(itertools.islice(self.rows or (), count))
        self.position += len(found)
        return found

    def open(self) -> None:
        """Run the statement, up to the place that the client has reached."""
        if self.start is None:
            raise OracleError(1002, "fetch out of sequence")
        self.rows = itertools.islice(self.start(), self.sent, None)
        self.position = self.sent

    def close(self) -> None:
        """Forget the rows."""
        self.rows = self.start = None


class RowSender:
    """Encodes rows for one connection, and lets the faults happen while it does."""

    def __init__(self, faults: Faults, lobs: Lobs, interrupted: Callable[[float], bool], cache: dict[object, Batch]):
        self._faults = faults
        self._lobs = lobs
        self._interrupted = interrupted
        self._cache = cache

    def batch(self, cursor: Cursor, count: int, *, cached: bool) -> Iterator[Batch]:
        """Yield the next rows in one piece or more: before a fault happens, those that were sent until then."""
        left = count
        while True:
            allowed = self._faults.allowance(left) if cursor.from_tables else left
            batch = self._some(cursor, max(allowed, 0), cached=cached)
            cursor.sent += batch.count
            left -= batch.count
            batch.more = batch.more and left <= 0
            yield batch
            if cursor.from_tables:
                self._faults.sent(batch.count)
            if left <= 0 or batch.count < allowed:
                return

    def _some(self, cursor: Cursor, count: int, *, cached: bool) -> Batch:
        key = (cursor.key, tuple(cursor.wanted), cursor.sent, count)
        if cached and key in self._cache:
            known = self._cache[key]
            return Batch(known.rows, known.count, known.more)
        rows = cursor.take(count)
        encoders = [self._encoder(cursor, wanted) for wanted in cursor.wanted]
        parts: list[bytes] = []
        for row in rows:
            parts.append(b"\x07")
            parts += [encode(value) for encode, value in zip(encoders, row, strict=True)]
            if self._faults.seconds_per_row and cursor.from_tables:
                self._wait(self._faults.seconds_per_row)
        batch = Batch(b"".join(parts), len(rows), len(rows) == count)
        if cached:
            self._cache[key] = Batch(batch.rows, batch.count, batch.more)
        return batch

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self._interrupted(left):
                raise InterruptedError

    def _encoder(self, cursor: Cursor, wanted: Wanted) -> Callable[[SqlValue], bytes]:
        kind = wanted.type
        if wanted.by_locator:
            return lambda value: self._lobs.encode(cursor.number, kind, value)
        if wanted.as_long:
            charset = "utf-16-be" if wanted.form == columns.NATIONAL else "utf-8"
            return lambda value: _long(value, charset)
        return encoder(kind)


def _long(value: SqlValue, charset: str) -> bytes:
    """A LONG has an indicator and a return code behind it."""
    if value is None:
        return b"\0" + wire.number(1) + wire.number(1405)
    data = value if isinstance(value, bytes) else value_text(value).encode(charset)
    return wire.text_or_bytes(data) + wire.number(0) * 2


def rows_reply(batches: list[Batch]) -> bytes:
    """Return the part of a reply that has the rows."""
    return replies.rows_begin() + b"".join(batch.rows for batch in batches)
