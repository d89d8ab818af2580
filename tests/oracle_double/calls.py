"""The messages that a client sends, taken apart.

Facts: python-oracledb, src/oracledb/impl/thin/messages. A request that is longer than a packet goes on in the next
one without saying so: reading it then ends in EOFError, and the reader tries again with more.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import oracle_double.columns as columns
import oracle_double.lobs as lobs
import oracle_double.wire as wire
from oracle_double.values import SqlValue, decode_bind

REEXECUTE, FETCH, LOGOFF, COMMIT, ROLLBACK = 4, 5, 9, 14, 15
REEXECUTE_AND_FETCH, EXECUTE, LOB_OPERATION, PING = 78, 94, 96, 147
AUTH_FIRST, AUTH_SECOND = 118, 115
_CLOSE_CURSORS, _SET_SCHEMA, _END_TO_END, _SESSION_STATE = 105, 152, 135, 176
_MESSAGE_DATA_TYPES, _MESSAGE_FUNCTION, _MESSAGE_PIGGYBACK = 2, 3, 17
_OPTION_PARSE, _OPTION_DEFINE, _OPTION_EXECUTE, _OPTION_FETCH, _OPTION_COMMIT = 0x1, 0x10, 0x20, 0x40, 0x100
LONGEST_TEXT = 32767


@dataclass(frozen=True, slots=True)
class Bind:
    """What the client says of a bind or of a column that it wants in another type."""

    code: int
    form: int
    size: int

    @property
    def type(self) -> columns.OracleType:
        """The type of a bind in an expression."""
        return columns.of_code(self.code, self.size)


@dataclass(frozen=True, slots=True)
class Execute:
    """Parse, define, execute, fetch: whatever the options say."""

    cursor: int
    statement: str | None
    options: int
    rows: int
    defines: tuple[Bind, ...] = ()
    binds: tuple[Bind, ...] = ()
    values: tuple[tuple[SqlValue, ...], ...] = ()

    @property
    def executes(self) -> bool:
        """Whether the statement is to run."""
        return bool(self.options & _OPTION_EXECUTE)

    @property
    def fetches(self) -> bool:
        """Whether the first rows are to come with the reply."""
        return bool(self.options & _OPTION_FETCH)

    @property
    def defining(self) -> bool:
        """Whether it says in what types the columns are wanted."""
        return bool(self.options & _OPTION_DEFINE)

    @property
    def commits(self) -> bool:
        """Whether it commits at once."""
        return bool(self.options & _OPTION_COMMIT)


@dataclass(slots=True)
class Request:
    """One call, and what travels with it.

    Parameters
    ----------
    function
        Number of the function, 0 for the two messages before log-in.
    message
        Kind of message.
    closed
        Cursors that the client closes.
    schema
        Schema that it makes its current one, None for no change.
    """

    function: int = 0
    message: int = _MESSAGE_FUNCTION
    closed: list[int] = field(default_factory=list)
    schema: str | None = None
    names: dict[str, bytes] = field(default_factory=dict)
    user: str = ""
    execute: Execute | None = None
    cursor: int = 0
    rows: int = 0
    lob: lobs.LobRequest | None = None


def read(data: bytes, binds_of: Callable[[int], tuple[Bind, ...]]) -> Request:
    """Read a request; `binds_of` tells what binds a cursor was executed with. Raises EOFError if more must come."""
    reader = wire.Reader(data)
    request = Request()
    request.message = reader.byte()
    while request.message == _MESSAGE_PIGGYBACK:
        _piggyback(reader, request)
        request.message = reader.byte()
    if request.message == _MESSAGE_DATA_TYPES:
        _data_types(reader)
    if request.message != _MESSAGE_FUNCTION:
        return request
    request.function = reader.byte()
    reader.byte()
    if request.function in (AUTH_FIRST, AUTH_SECOND):
        _authentication(reader, request)
    elif request.function == EXECUTE:
        request.execute = _execute(reader)
    elif request.function in (REEXECUTE, REEXECUTE_AND_FETCH):
        request.execute = _execute_again(reader, request.function, binds_of)
    elif request.function == FETCH:
        request.cursor, request.rows = reader.numbers(2)
    elif request.function == LOB_OPERATION:
        request.lob = lobs.read_request(reader)
    return request


def _data_types(reader: wire.Reader) -> None:
    """What the client knows; only where it ends matters here."""
    reader.raw(5)
    reader.counted()
    reader.counted()
    while reader.raw(2) != b"\0\0":
        reader.raw(6)


def _piggyback(reader: wire.Reader, request: Request) -> None:
    function = reader.byte()
    reader.byte()
    if function == _CLOSE_CURSORS:
        reader.byte()
        request.closed += reader.numbers(reader.number())
    elif function == _SET_SCHEMA:
        reader.byte()
        request.schema = reader.twice_counted().decode()
    elif function == _END_TO_END:
        _end_to_end(reader)
    elif function == _SESSION_STATE:
        reader.number()
    elif function == LOB_OPERATION:
        _free_lobs(reader)
    else:
        raise ValueError(f"the double does not know the piggyback {function}")


def _end_to_end(reader: wire.Reader) -> None:
    """Names of module and action for the administrator; the double does not keep them."""
    reader.raw(2)
    reader.number()
    lengths = []
    for place in range(8):
        reader.byte()
        lengths.append(reader.number())
        if place == 3:
            reader.byte()
            reader.number()
    for length in lengths[:3] + lengths[4:]:
        if length:
            reader.counted()


def _free_lobs(reader: wire.Reader) -> None:
    reader.byte()
    size = reader.number()
    reader.byte()
    reader.numbers(3)
    reader.raw(3)
    reader.number()
    reader.byte()
    reader.numbers(3)
    reader.byte()
    for _ in range(3):
        reader.byte()
        reader.number()
    reader.raw(size)


def _authentication(reader: wire.Reader, request: Request) -> None:
    named = reader.byte()
    reader.numbers(2)
    reader.byte()
    count = reader.number()
    reader.raw(2)
    request.user = (reader.counted() or b"").decode() if named else ""
    for _ in range(count):
        name = reader.twice_counted().decode()
        request.names[name] = reader.twice_counted()
        reader.number()


def _execute(reader: wire.Reader) -> Execute:
    options, cursor = reader.numbers(2)
    has_statement = reader.byte()
    reader.number()
    reader.byte()
    reader.number()
    reader.raw(2)
    _, rows, _ = reader.numbers(3)
    reader.byte()
    binds = reader.number()
    reader.raw(5)
    reader.byte()
    defines = reader.number()
    reader.number()
    reader.raw(3)
    reader.number()
    reader.byte()
    reader.numbers(2)
    reader.byte()
    reader.number()
    reader.byte()
    # Fields since 12.2: signature, identifier and chunks of the statement.
    reader.byte()
    reader.number()
    reader.byte()
    reader.number()
    reader.raw(2)
    reader.number()
    statement = (reader.counted() or b"").decode() if has_statement else None
    details = reader.numbers(13)
    times = 1 if details[7] else details[1]
    if options & _OPTION_DEFINE:
        return Execute(cursor, statement, options, rows, defines=_metadata(reader, defines))
    kinds = _metadata(reader, binds)
    values = _values(reader, kinds, times)
    return Execute(cursor, statement, options, rows, binds=kinds, values=values)


def _execute_again(reader: wire.Reader, function: int, binds_of: Callable[[int], tuple[Bind, ...]]) -> Execute:
    cursor, rows, options, more = reader.numbers(4)
    fetch = _OPTION_FETCH if function == REEXECUTE_AND_FETCH else 0
    options = _OPTION_EXECUTE | fetch | (_OPTION_COMMIT if more & 1 else 0)
    kinds = binds_of(cursor)
    times = 1 if function == REEXECUTE_AND_FETCH else rows
    return Execute(cursor, None, options, rows, binds=kinds, values=_values(reader, kinds, times))


def _metadata(reader: wire.Reader, count: int) -> tuple[Bind, ...]:
    found = []
    for _ in range(count):
        code = reader.byte()
        reader.raw(3)
        size = reader.number()
        reader.numbers(2)
        if reader.number():
            reader.counted()
        reader.numbers(2)
        form = reader.byte()
        reader.numbers(2)
        found.append(Bind(code, form, size))
    return tuple(found)


def _values(reader: wire.Reader, kinds: tuple[Bind, ...], times: int) -> tuple[tuple[SqlValue, ...], ...]:
    """Read the values of some executions; long texts come after the others of their row."""
    rows = []
    places = [place for place, kind in enumerate(kinds) if kind.size <= LONGEST_TEXT]
    places += [place for place, kind in enumerate(kinds) if kind.size > LONGEST_TEXT]
    for _ in range(times if kinds else 0):
        if reader.byte() != 7:
            raise ValueError("a row of binds expected")
        row: list[SqlValue] = [None] * len(kinds)
        for place in places:
            row[place] = _value(reader, kinds[place])
        rows.append(tuple(row))
    return tuple(rows)


def _value(reader: wire.Reader, kind: Bind) -> SqlValue:
    if kind.code in columns.LOBS:
        raise ValueError("the double takes no LOB as a bind")
    return decode_bind(kind.code, kind.form, reader.counted())
