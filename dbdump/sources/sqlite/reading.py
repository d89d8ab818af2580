"""Rows of an SQLite table as Arrow batches, bounded in rows and bytes."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dbdump.arrow import schema_of
from dbdump.errors import TableError, TableGoneError, ValueLossError
from dbdump.lobs import LobStore
from dbdump.plan import Chunk, TablePlan
from dbdump.sources.contract import Reading
from dbdump.sources.sqlite.access import access, condition
from dbdump.sources.sqlite.database import Database, column, select, translated, undecodable
from dbdump.sources.sqlite.decimals import MisfitError
from dbdump.sources.sqlite.fields import Field, field_of
from dbdump.sources.sqlite.reflection import column_names
from dbdump.stored import Form
from legacy.errors import printable

if TYPE_CHECKING:
    import pyarrow as pa

_VALUE_BYTES = 40
"""Memory of a small Python value in a row, about."""
_SHOWN_ROWS = 3


def read(
    database: Database, plan: TablePlan, chunk: Chunk, reading: Reading, lobs: LobStore
) -> Iterator["pa.RecordBatch"]:
    """Yield the rows of a chunk in the order of their rowid, or of the primary key of a table without rowids."""
    _check_columns(plan, column_names(database, plan.name))
    fields = [field_of(database, plan, stored, lobs) for stored in plan.columns]
    schema = schema_of(plan)
    for rows in _batches(database, plan, chunk, fields, reading):
        yield _batch(plan, fields, rows, schema)


def _check_columns(plan: TablePlan, names: Sequence[str]) -> None:
    if list(names) != [item.name for item in plan.schema.columns]:
        what = "has other columns than when the dump was planned" if names else "is not there any more"
        raise TableGoneError(f"{plan.name}: the table {what}; run the same dump command again")


def _batches(
    database: Database, plan: TablePlan, chunk: Chunk, fields: Sequence[Field], reading: Reading
) -> Iterator[list[Any]]:
    reach = access(plan.schema)
    where, values = condition(reach, chunk)
    widths = [f"({field.width})" for field in fields if field.width]
    expressions = [field.expression for field in fields]
    if widths:
        expressions.append(_sum(widths))
    statement = select(expressions, reach.source, f"{where} {reach.order}")
    limit = min(reading.rows, max(1, reading.size // (_VALUE_BYTES * len(fields))))
    cursor = database.connection.cursor()
    try:
        with translated(database.path, plan.name):
            cursor.execute(statement, values)
            if widths:
                yield from _by_bytes(cursor, limit, reading.size)
                return
            while rows := cursor.fetchmany(limit):
                yield rows
    except TableError as error:
        if isinstance(error.__cause__, sqlite3.Error) and undecodable(error.__cause__):
            raise _undecodable(database, plan) from error
        raise
    finally:
        cursor.close()


def _sum(terms: Sequence[str]) -> str:
    """Return a sum as a tree: SQLite allows no deeper expression than 1000 levels."""
    if len(terms) <= 2:
        return " + ".join(terms)
    half = len(terms) // 2
    return f"({_sum(terms[:half])}) + ({_sum(terms[half:])})"


def _by_bytes(cursor: sqlite3.Cursor, limit: int, size: int) -> Iterator[list[Any]]:
    """Yield rows whose last value is their size; never more than one row too much is in memory."""
    rows: list[Any] = []
    held = 0
    for row in cursor:
        rows.append(row)
        held += row[-1]
        if held >= size or len(rows) >= limit:
            yield rows
            rows, held = [], 0
    if rows:
        yield rows


def _batch(plan: TablePlan, fields: Sequence[Field], rows: list[Any], schema: "pa.Schema") -> "pa.RecordBatch":
    import pyarrow as pa

    arrays = []
    columns = zip(*rows, strict=True)
    for stored, field, values in zip(plan.columns, fields, columns, strict=False):  # the size of the rows is left over
        try:
            arrays.append(field.convert(values))
        except (MisfitError, pa.ArrowException, OverflowError) as error:
            raise ValueLossError(
                f"{plan.name}, column {printable(stored.column)}: {printable(str(error))}; the table was changed "
                "since the dump was planned: plan it again"
            ) from error
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _undecodable(database: Database, plan: TablePlan) -> ValueLossError:
    """Find out which texts are damaged: SQLite's driver says only the first one."""
    names = dict.fromkeys(
        stored.column for stored in plan.columns if stored.form in (Form.VALUE, Form.TEXT, Form.LOB, Form.NUMBER_TEXT)
    )
    reach = access(plan.schema)
    cursor = database.connection.cursor()
    found = []
    try:
        for name in names:
            # As a blob no text fails; one that is not read as a text cannot be damaged.
            place = reach.rowid or "NULL"
            text = f"CASE typeof({column(name)}) WHEN 'text' THEN CAST({column(name)} AS BLOB) END"
            with translated(database.path, plan.name):
                cursor.execute(select((place, text), reach.source, reach.order))
                damaged = [row[0] for row in cursor if not _decodes(row[1], database.encoding)]
            if damaged:
                found.append(_damage(plan, name, damaged))
    finally:
        cursor.close()
    return ValueLossError(f"{plan.name}: {'; '.join(found) or 'texts are damaged'}")


def _damage(plan: TablePlan, name: str, rowids: Sequence[int | None]) -> str:
    where = ", ".join(str(rowid) for rowid in rowids[:_SHOWN_ROWS] if rowid is not None)
    count = f"{len(rowids)} value{'s' if len(rowids) > 1 else ''} of column {printable(name)}"
    more = " and more" if len(rowids) > _SHOWN_ROWS else ""
    advice = f"take the bytes as they are with --raw-text {printable(f'{plan.name.name}.{name}')}"
    return f"{count} cannot be read as text{f' (rowid {where}{more})' if where else ''}; {advice}"


def _decodes(content: bytes | None, encoding: str) -> bool:
    if content is None:
        return True
    try:
        content.decode(encoding.lower())
    except UnicodeDecodeError:
        return False
    return True
