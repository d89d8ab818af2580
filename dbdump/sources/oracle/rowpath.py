"""Reads rows one by one: for tables with LOBs, LONG, objects and BFILEs, which Arrow batches cannot hold.

A LOB that is short comes with its row, as if it were LONG; a long one comes as a locator, and is read in pieces.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dbdump.arrow import schema_of
from dbdump.errors import ValueLossError
from dbdump.lobs import LobStore
from dbdump.plan import Chunk, TablePlan
from dbdump.schema import Column, Family
from dbdump.sources.contract import Reading
from dbdump.sources.oracle.arrowpath import fetched, split
from dbdump.sources.oracle.names import quoted, select
from dbdump.sources.oracle.objects import to_json
from dbdump.sources.oracle.selecting import order_of, rows_of
from dbdump.sources.oracle.types import is_long, is_national, is_object, widest
from dbdump.stored import Form, StoredColumn

if TYPE_CHECKING:
    import pyarrow as pa

Values = tuple[Any, ...]
SHORT_LOB = 16 << 10
"""Characters or bytes up to which a LOB comes with its row; longer ones cost a question each."""
_PIECE = 1 << 20
_MOST_AT_ONCE, _LONG_AT_ONCE = 2000, 8
_LOB_FORMS = (Form.LOB, Form.LOB_FILE, Form.LOB_SIZE)


def needs_rows(table: TablePlan) -> bool:
    """Whether a table has something that Arrow batches of the driver cannot hold."""
    return any(
        stored.form in _LOB_FORMS
        or (stored.form == Form.RAW and table.schema.column(stored.column).family == Family.LOB_TEXT)
        or is_object(column := table.schema.column(stored.column))
        or is_long(column)
        or column.family == Family.BFILE
        for stored in table.columns
    )


@dataclass(frozen=True, slots=True)
class Item:
    """What is selected for one column of the source or of the image.

    Parameters
    ----------
    sql
        Expressions, with the variable in which each is fetched: ``value``, ``text`` and ``bytes`` for a LOB that
        comes with its row, ``locator``.
    stored
        The columns of the image that it fills.
    convert
        Makes their values of what was fetched.
    finish, asked
        As in `dbdump.sources.oracle.arrowpath.Fetched`, for each of them; `asked` is None for the type of the
        image's own column.
    """

    sql: tuple[tuple[str, str], ...]
    stored: tuple[StoredColumn, ...]
    convert: Callable[[Values], Values]
    finish: "tuple[Callable[[pa.Array], pa.Array] | None, ...]"
    asked: "tuple[pa.DataType | None, ...]"


def items(table: TablePlan, lobs: LobStore) -> tuple[Item, ...]:
    """Return what is selected, in the order of the columns of the image."""
    found: list[Item] = []
    for stored in table.columns:
        column = table.schema.column(stored.column)
        if stored.form == Form.LOB:
            triple = tuple(part for part in table.columns if part.column == column.name)
            found.append(_long_item(column, triple, lobs) if is_long(column) else _lob_item(column, triple, lobs))
        elif stored.form not in _LOB_FORMS:
            found.append(_plain_item(table, column, stored))
    return tuple(found)


def _plain_item(table: TablePlan, column: Column, stored: StoredColumn) -> Item:
    if stored.form == Form.RAW and column.family == Family.LOB_TEXT:
        raise ValueLossError(f"table {table.name}, column {column.name}: --raw-text cannot take {column.source_type}")
    if is_object(column):
        return Item(((quoted(column.name), "value"),), (stored,), lambda got: (to_json(got[0]),), (None,), (None,))
    if column.family == Family.BFILE:
        return Item(((quoted(column.name), "locator"),), (stored,), _file_name, (None,), (None,))
    way = fetched(column, stored)
    variable = "text" if way.sql.endswith("CLOB)") else "value"
    return Item(((way.sql, variable),), (stored,), lambda got: got, (way.finish,), (way.asked,))


def _file_name(got: Values) -> Values:
    if got[0] is None:
        return (None,)
    directory, name = got[0].getfilename()
    return (f"{directory}/{name}",)


def _lob_item(column: Column, stored: tuple[StoredColumn, ...], lobs: LobStore) -> Item:
    name, is_text = quoted(column.name), column.family == Family.LOB_TEXT
    size, short = f"DBMS_LOB.GETLENGTH({name})", min(SHORT_LOB, lobs.threshold // (4 if is_text else 1))
    inline = "national" if is_national(column) else "text" if is_text else "bytes"
    sql = (
        (f"CAST({size} AS NUMBER(19))", "value"),
        (f"CASE WHEN {size}<={short} THEN {name} END", inline),
        (f"CASE WHEN {size}>{short} THEN {name} END", "locator"),
    )

    def convert(got: Values) -> Values:
        length, value, locator = got
        if length is None:
            return (None, None, None)
        if locator is None:
            return _kept(value, is_text, lobs)
        if length > lobs.threshold:
            # A character takes at least as many bytes in UTF-8 as it has units in UTF-16.
            pieces = _pieces(locator, int(length))
            put = lobs.put(piece.encode() if isinstance(piece, str) else piece for piece in pieces)
            return (None, put.sha256, put.size)
        whole = list(_pieces(locator, int(length)))
        return _kept("".join(whole) if is_text else b"".join(whole), is_text, lobs)

    return Item(sql, stored, convert, (None, None, None), (None, None, None))


def _long_item(column: Column, stored: tuple[StoredColumn, ...], lobs: LobStore) -> Item:
    is_text = column.family == Family.LOB_TEXT

    def convert(got: Values) -> Values:
        return (None, None, None) if got[0] is None else _kept(got[0], is_text, lobs)

    return Item(((quoted(column.name), "value"),), stored, convert, (None, None, None), (None, None, None))


def _kept(value: str | bytes | None, is_text: bool, lobs: LobStore) -> Values:
    """Return value, file and size of a LOB that is in memory; the driver gives None for an empty one."""
    value = ("" if is_text else b"") if value is None else value
    raw = value.encode() if isinstance(value, str) else value
    if len(raw) <= lobs.threshold:
        return (value, None, len(raw))
    put = lobs.put([raw])
    return (None, put.sha256, put.size)


def _pieces(locator: Any, length: int) -> Iterator[Any]:
    """Yield a LOB in pieces; lengths are units of UTF-16 for text, whose pairs must not be cut apart."""
    offset = 1
    while offset <= length:
        amount = min(_PIECE, length - offset + 1)
        try:
            piece = locator.read(offset, amount)
        except UnicodeDecodeError:
            if amount < 2:
                raise
            amount -= 1
            piece = locator.read(offset, amount)
        if not piece:
            raise ValueError(f"a LOB of {length} characters or bytes ends after {offset - 1}")
        yield piece
        offset += amount


def rows_at_once(table: TablePlan, reading: Reading, lobs: LobStore) -> int:
    """Return how many rows are fetched at once: bounded by what short LOBs may take."""
    columns = {stored.column: table.schema.column(stored.column) for stored in table.columns}
    if any(is_long(column) for column in columns.values()):
        return min(_LONG_AT_ONCE, reading.rows)
    short = 4 * min(SHORT_LOB, lobs.threshold)
    lob_families = (Family.LOB_TEXT, Family.LOB_BYTES)
    width = sum(short if column.family in lob_families else widest(column) for column in columns.values())
    return max(1, min(reading.rows, _MOST_AT_ONCE, 4 * reading.size // width))


def statement(table: TablePlan, chunk: Chunk, scn: int | None, parts: Sequence[Item]) -> str:
    """Return the statement that reads a chunk."""
    asked = ",".join(sql for part in parts for sql, _ in part.sql)
    return select(asked, f"{rows_of(table.schema, chunk, scn)} ORDER BY {order_of(table.schema, chunk)}")


def read(
    connection: Any, table: TablePlan, chunk: Chunk, scn: int | None, reading: Reading, lobs: LobStore
) -> "Iterator[pa.RecordBatch]":
    """Yield the rows of a chunk; raises what the driver and Arrow raise."""
    parts = items(table, lobs)
    with connection.cursor() as cursor:
        cursor.arraysize = cursor.prefetchrows = rows_at_once(table, reading, lobs)
        kinds = [variable for part in parts for _, variable in part.sql]
        cursor.outputtypehandler = _handler(kinds)
        cursor.execute(statement(table, chunk, scn, parts), fetch_lobs=True)
        gathered: list[Values] = []
        size = 0
        for row in cursor:
            values = _converted(parts, row)
            gathered.append(values)
            size += sum(_bytes(value) for value in values)
            if len(gathered) >= reading.rows or size >= reading.size:
                yield from split(_batch(table, parts, gathered), 2 * reading.size)
                gathered, size = [], 0
        if gathered:
            yield from split(_batch(table, parts, gathered), 2 * reading.size)


def _handler(kinds: Sequence[str]) -> Callable[[Any, Any], Any]:
    """Return what tells the driver in which variable each column is fetched; it asks in their order."""
    import oracledb

    place = iter(kinds)
    variables = {
        "text": oracledb.DB_TYPE_LONG,
        "national": oracledb.DB_TYPE_LONG_NVARCHAR,
        "bytes": oracledb.DB_TYPE_LONG_RAW,
    }

    def handle(cursor: Any, metadata: Any) -> Any:
        kind = next(place)
        if kind in variables:
            return cursor.var(variables[kind], arraysize=cursor.arraysize)
        if metadata.type_code is oracledb.DB_TYPE_NUMBER:
            return cursor.var(Decimal, arraysize=cursor.arraysize)
        return None

    return handle


def _converted(parts: Sequence[Item], row: Values) -> Values:
    values: list[Any] = []
    place = 0
    for part in parts:
        values.extend(part.convert(row[place : place + len(part.sql)]))
        place += len(part.sql)
    return tuple(values)


def _bytes(value: Any) -> int:
    return len(value) if isinstance(value, (str, bytes)) else 8


def _batch(table: TablePlan, parts: Sequence[Item], rows: Sequence[Values]) -> "pa.RecordBatch":
    import pyarrow as pa

    schema = schema_of(table)
    finish = [way for part in parts for way in part.finish]
    asked = [kind for part in parts for kind in part.asked]
    arrays = []
    for field, way, kind, values in zip(schema, finish, asked, zip(*rows, strict=True), strict=True):
        array = _array(values, field.type if kind is None else kind)
        arrays.append(array if way is None else way(array))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(values: Values, kind: "pa.DataType") -> "pa.Array":
    import pyarrow as pa

    if pa.types.is_integer(kind):
        return pa.array([None if value is None else _integer(value) for value in values], kind)
    return pa.array(values, kind)


def _integer(value: Any) -> int:
    whole = int(value)
    if whole != value:
        raise ValueError("a number has a fraction where the plan knows only whole ones")
    return whole
