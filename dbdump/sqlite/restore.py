"""Rows of an image out of the SQLite file that alone has them: the exact reverse of `dbdump.sqlite.values`.

Read by Python's `sqlite3`, which gives each value with the type that SQLite stores; nothing is guessed from a first
row. On a machine with 2 cores about 130,000 rows/s of 8 columns.
"""

import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbdump.errors import ImageError
from dbdump.image import ImageTable, Span, SqliteRows
from dbdump.sqlite.names import folded, quoted
from dbdump.sqlite.values import INTEGER, PLAIN_NAN
from dbdump.stored import Form
from legacy.errors import printable

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS, BATCH_SIZE = 10_000, 16 << 20
"""Largest number of rows in a batch, and the bytes of text and binary with which one ends early."""
_STEP, _STEP_LOB = 250, 10
"""Rows that are fetched before their bytes are counted; fewer of a table with LOBs."""
_ROWIDS = ("rowid", "_rowid_", "oid")
"""Names of the number of a row (sqlite.org/lang_createtable.html#rowid); a column of such a name hides it."""
_ADVICE = "run dbdump verify --offline, and restore it from a copy"
Row = tuple[Any, ...]


def restored(
    folder: Path, table: ImageTable, span: Span, columns: Sequence[str]
) -> "Generator[pa.RecordBatch, None, None]":
    """Yield some columns of the rows of a span, in the order in which they were read from the source.

    Parameters
    ----------
    folder
        Of the image.
    table
        One whose rows a SQLite file has.
    span
        One of its spans.
    columns
        Names of columns of the image; at least one.

    Raises
    ------
    ImageError
        The file is missing, damaged, or not the one that the manifest describes.
    """
    import pyarrow as pa

    from dbdump.arrow import arrow_type

    rows = _rows_of(table)
    kinds = {column.name: arrow_type(column.arrow) for column in table.columns}
    schema = pa.schema([(name, kinds[name]) for name in columns])
    found = 0
    with opened(folder, rows.path) as database, ExitStack() as cursors:
        places = _places(database, table)
        step = _STEP_LOB if any(column.form == Form.LOB for column in table.columns) else _STEP
        for values in _together(database, table, span, [places[name] for name in columns], step, cursors):
            arrays = [
                _array(table, field, list(column), rows.path) for field, column in zip(schema, values, strict=True)
            ]
            found += len(arrays[0])
            yield pa.record_batch(arrays, schema=schema)
    if found != span.rows:
        place = f"{rows.path}: table {printable(str(table.name))}"
        raise ImageError(f"{place} has {found} rows from number {span.first} on, not {span.rows}; {_ADVICE}")


def check_table(folder: Path, table: ImageTable) -> None:
    """See that a SQLite file has the columns and the number of rows of a table; raises ImageError."""
    rows = _rows_of(table)
    with opened(folder, rows.path) as database:
        _places(database, table)
        for name in rows.names:
            ((found,),) = database.execute(f"SELECT count(*) FROM {quoted(name)}").fetchall()  # noqa: S608  quoted
            if found != table.rows:
                place = f"{rows.path}: table {printable(name)}"
                raise ImageError(f"{place} has {found} rows, the manifest says {table.rows}; {_ADVICE}")


def is_integer(folder: Path, table: ImageTable, column: str) -> bool:
    """Whether a column of whole numbers is one of INTEGER in the SQLite file that has its rows; raises ImageError."""
    with opened(folder, _rows_of(table).path) as database:
        piece, name = _places(database, table)[column]
        kinds = {str(row[1]): str(row[2]) for row in _table_info(database, piece)}
    return kinds[name] in (INTEGER, "INT")


def names_in(folder: Path, path: str, table: ImageTable) -> tuple[str, ...]:
    """Return the names that a table has in a SQLite file of ours; raises ImageError."""
    with opened(folder, path) as database:
        asked = "SELECT name FROM _tables WHERE source_schema = ? AND source_name = ? ORDER BY rowid"
        return tuple(str(name) for (name,) in database.execute(asked, (table.name.schema, table.name.name)))


@contextmanager
def opened(folder: Path, path: str) -> Iterator[sqlite3.Connection]:
    """Open a SQLite file of an image for reading; errors of SQLite become an ImageError.

    Immutable: SQLite makes no lock and no journal, so a sealed image on a read-only disk can be read.
    """
    place = folder / path
    if not place.is_file():
        raise ImageError(f"{path}: it is missing; restore it from a copy")
    try:
        uri = f"{place.absolute().as_uri()}?mode=ro&immutable=1"
        # A generator of batches may end in another thread than it began.
        with closing(sqlite3.connect(uri, uri=True, check_same_thread=False)) as database:
            yield database
    except sqlite3.Error as error:
        raise ImageError(f"{path}: SQLite cannot read it: {printable(str(error))[:200]}; {_ADVICE}") from error


def _rows_of(table: ImageTable) -> SqliteRows:
    if table.sqlite is None:
        raise ImageError(f"{printable(str(table.name))}: no SQLite file alone has its rows; please report this")
    return table.sqlite


def _table_info(database: sqlite3.Connection, piece: str) -> list[Row]:
    return database.execute(f"PRAGMA table_info({quoted(piece)})").fetchall()


def _places(database: sqlite3.Connection, table: ImageTable) -> dict[str, tuple[str, str]]:
    """Return for each column of the image the table and the column of SQLite; they have one order."""
    rows = _rows_of(table)
    found = [(piece, str(row[1])) for piece in rows.names for row in _table_info(database, piece)]
    if len(found) != len(table.columns):
        place = f"{rows.path}: table {printable(rows.names[0])}"
        raise ImageError(f"{place} has {len(found)} columns, the manifest says {len(table.columns)}; {_ADVICE}")
    return {column.name: place for column, place in zip(table.columns, found, strict=True)}


def _together(
    database: sqlite3.Connection,
    table: ImageTable,
    span: Span,
    places: Sequence[tuple[str, str]],
    step: int,
    cursors: ExitStack,
) -> Iterator[list[Sequence[Any]]]:
    """Yield the values of columns, batch by batch; a table in several pieces is read from all of them side by side."""
    pieces = list(dict.fromkeys(piece for piece, _ in places))
    order = [(pieces.index(piece), name) for piece, name in places]
    asked = [[name for number, name in order if number == at] for at in range(len(pieces))]
    hidden = {folded(name) for _, name in _places(database, table).values()}
    readers = []
    for piece, names in zip(pieces, asked, strict=True):
        cursor = cursors.enter_context(closing(database.cursor()))
        cursor.execute(*_statement(piece, names, span, hidden))
        readers.append(cursor)
    # The columns of all pieces in a row, and where each one that was asked for stands among them.
    starts = [sum(map(len, asked[:at])) for at in range(len(asked))]
    columns = [starts[number] + asked[number].index(name) for number, name in order]
    while values := _some_values(readers, step):
        yield [values[number] for number in columns]


def _some_values(readers: Sequence[sqlite3.Cursor], step: int) -> list[list[Any]]:
    """Return the values of the next rows, column by column; nothing at the end."""
    values: list[list[Any]] = []
    rows = size = 0
    while rows < BATCH_ROWS and size < BATCH_SIZE:
        parts = [reader.fetchmany(step) for reader in readers]
        if len({len(part) for part in parts}) > 1:
            raise sqlite3.DataError("the pieces of a table have different numbers of rows")
        if not parts[0]:
            break
        more = [column for part in parts for column in zip(*part, strict=True)]
        values = values or [[] for _ in more]
        for column, some in zip(values, more, strict=True):
            column.extend(some)
            size += _size(some)
        rows += len(more[0])
    return values


def _size(values: Row) -> int:
    """Return about how many bytes texts and bytes have; what begins with a number is no column of theirs."""
    first = next((value for value in values if value is not None), None)
    if type(first) not in (str, bytes):
        return 0
    return sum(len(value) for value in values if type(value) in (str, bytes))


def _statement(piece: str, names: Sequence[str], span: Span, hidden: set[str]) -> tuple[str, tuple[int, int]]:
    columns = ", ".join(f"t.{quoted(name)}" for name in names)
    rowid = next((name for name in _ROWIDS if name not in hidden), "")
    if rowid:
        rest = f"WHERE t.{rowid} >= ? AND t.{rowid} < ? ORDER BY t.{rowid}"
        return f"SELECT {columns} FROM {quoted(piece)} AS t {rest}", (span.first, span.first + span.rows)  # noqa: S608
    # Columns have all names of the rowid; a scan without indexes is in its order all the same.
    rest = "NOT INDEXED LIMIT ? OFFSET ?"
    return f"SELECT {columns} FROM {quoted(piece)} AS t {rest}", (span.rows, span.first - 1)  # noqa: S608  quoted


def _array(table: ImageTable, field: "pa.Field[Any]", values: list[Any], path: str) -> "pa.Array[Any]":
    import pyarrow as pa

    try:
        return from_sqlite(values, field.type)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        place = printable(f"{path}: {table.name}, column {field.name}")
        reason = printable(str(error))[:200]
        raise ImageError(f"{place}: a value is not what the manifest says: {reason}; {_ADVICE}") from error


def from_sqlite(values: list[Any], kind: "pa.DataType") -> "pa.Array[Any]":
    """Return values of a SQLite file of ours as the Arrow type that they had; raises ValueError, TypeError.

    Parameters
    ----------
    values
        As `sqlite3` gives them: int, float, str, bytes or None.
    kind
        Of the column of the image.
    """
    import pyarrow as pa

    if pa.types.is_floating(kind):
        return _floats(values, kind)
    if pa.types.is_decimal(kind):
        # Whole numbers of 64 bits are INTEGER; Arrow reads decimal text, but makes no wide decimal of an integer.
        texts = [value if value is None or type(value) is str else str(value) for value in values]
        return pa.array(texts, pa.string()).cast(kind)
    if pa.types.is_boolean(kind):
        return pa.array(_converted(values, _TRUTH.__getitem__), kind)
    if pa.types.is_time64(kind):
        return pa.array(_converted(values, _microseconds), pa.int64()).view(kind)
    if pa.types.is_date32(kind) or pa.types.is_timestamp(kind):
        return pa.array(values, pa.string()).cast(kind)
    return pa.array(values, kind)


_TRUTH = {0: False, 1: True}


def _converted(values: list[Any], convert: Callable[[Any], Any]) -> list[Any]:
    try:
        return [value if value is None else convert(value) for value in values]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ValueError(f"{error!r}") from error


def _microseconds(text: str) -> int:
    """Return the microseconds since midnight of ``23:59:59.000001``."""
    hours, minutes, seconds = text.split(":")
    whole, _, fraction = seconds.partition(".")
    return ((int(hours) * 60 + int(minutes)) * 60 + int(whole)) * 1_000_000 + int(fraction.ljust(6, "0"))


def _floats(values: list[Any], kind: "pa.DataType") -> "pa.Array[Any]":
    """Restore floats; those that `dbdump.sqlite.values.special_texts` made texts of come back by their bits."""
    import numpy as np
    import pyarrow as pa

    try:
        return pa.array(values, kind)
    except pa.ArrowException:
        texts = {place: value for place, value in enumerate(values) if type(value) is str}
    width = kind.bit_width
    plain = np.array([value if type(value) is float else 0.0 for value in values], dtype=f"f{width // 8}")
    bits = plain.view(f"u{width // 8}")
    for place, text in texts.items():
        bits[place] = PLAIN_NAN[width] if text == "NaN" else int(text, 16)
    odd = [value for value in values if value is not None and type(value) not in (float, str)]
    if odd:
        raise ValueError(f"{type(odd[0]).__name__} among numbers")
    return pa.array(plain, kind, mask=np.array([value is None for value in values]))
