"""Reads rows as Arrow batches that the driver makes itself: for tables without LOBs, LONG, objects and BFILEs."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dbdump.arrow import arrow_type, schema_of
from dbdump.errors import ValueLossError
from dbdump.plan import Chunk, TablePlan
from dbdump.schema import Column, Family
from dbdump.sources.contract import Reading
from dbdump.sources.oracle.expressions import value_of
from dbdump.sources.oracle.names import select
from dbdump.sources.oracle.selecting import order_of, rows_of
from dbdump.sources.oracle.types import widest
from dbdump.stored import Form, StoredColumn
from dbdump.verify.canon import number_text

if TYPE_CHECKING:
    import pyarrow as pa

_FETCHED_SIZES = 4
"""How many times the size of a batch is fetched at once when all values are as wide as they may be, which is rare."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """How one column of the image is fetched.

    Parameters
    ----------
    sql
        Expression that is selected.
    asked
        Arrow type that the driver is asked for; it raises for a value that does not fit.
    finish
        Makes the type of the image of it, None where it is that already.
    """

    sql: str
    asked: "pa.DataType"
    finish: "Callable[[pa.Array], pa.Array] | None" = None


def fetched(column: Column, stored: StoredColumn) -> Fetched:
    """Return how a column is fetched."""
    import pyarrow as pa

    sql, final = value_of(column, stored), arrow_type(stored.arrow)
    if stored.form == Form.NUMBER_TEXT:
        return Fetched(sql, final, plain_numbers)
    if stored.arrow.startswith("timestamp[ns"):
        return Fetched(sql, pa.string(), lambda array: array.cast(pa.timestamp("ns")).view(final))
    if stored.arrow.startswith("timestamp") and final.tz is not None:
        return Fetched(sql, pa.timestamp(final.unit), lambda array: array.view(final))
    if stored.arrow == "int64" and column.family == Family.NUMBER:
        # The driver drops a fraction silently where it is asked for integers, and raises for decimals.
        return Fetched(sql, pa.decimal128(38, 0), lambda array: array.cast(final))
    if stored.arrow == "int32":
        return Fetched(sql, pa.int64(), lambda array: array.cast(final))
    return Fetched(sql, final)


def plain_numbers(array: "pa.Array") -> "pa.Array":
    """Return numbers as ``TM9`` writes them without exponents and with a zero before the point."""
    import pyarrow as pa
    import pyarrow.compute as pc

    zeros = pc.replace_substring_regex(array, r"^(-?)\.", r"\10.")
    if not pc.any(pc.match_substring(zeros, "E")).as_py():
        return zeros
    texts = (None if text is None else number_text(Decimal(text)) for text in zeros.to_pylist())
    return pa.array(texts, pa.string())


def fetch_rows(table: TablePlan, reading: Reading) -> int:
    """Return how many rows are fetched at once: fewer where they may be wide."""
    width = sum(widest(table.schema.column(stored.column)) for stored in table.columns)
    return max(1, min(reading.rows, _FETCHED_SIZES * reading.size // max(width, 1)))


def statement(table: TablePlan, chunk: Chunk, scn: int | None) -> str:
    """Return the statement that reads a chunk."""
    asked = ",".join(value_of(table.schema.column(stored.column), stored) for stored in table.columns)
    return select(asked, f"{rows_of(table.schema, chunk, scn)} ORDER BY {order_of(table.schema, chunk)}")


def read(
    connection: Any, table: TablePlan, chunk: Chunk, scn: int | None, reading: Reading
) -> "Iterator[pa.RecordBatch]":
    """Yield the rows of a chunk; raises what the driver and Arrow raise."""
    import pyarrow as pa

    ways = [fetched(table.schema.column(stored.column), stored) for stored in table.columns]
    asked = pa.schema([pa.field(f"C{number}", way.asked) for number, way in enumerate(ways)])
    final, rows = schema_of(table), fetch_rows(table, reading)
    frames = connection.fetch_df_batches(statement(table, chunk, scn), size=rows, requested_schema=asked)
    finished = (_finish(table, batch, ways, final) for frame in frames for batch in pa.table(frame).to_batches())
    for batch in regular(finished, rows):
        yield from split(batch, reading.size)


def _finish(table: TablePlan, batch: "pa.RecordBatch", ways: list[Fetched], final: "pa.Schema") -> "pa.RecordBatch":
    import pyarrow as pa

    for array, stored in zip(batch.columns, table.columns, strict=True):
        if pa.types.is_string(array.type):
            refuse_invalid_text(table, stored, array)
    arrays = [
        array if way.finish is None else way.finish(array) for array, way in zip(batch.columns, ways, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=final)


def refuse_invalid_text(table: TablePlan, stored: StoredColumn, array: "pa.Array") -> None:
    """Raise ValueLossError for bytes that are no UTF-8: the driver passes on to Arrow what the server has sent."""
    import pyarrow as pa

    try:
        array.validate(full=True)
    except pa.ArrowInvalid as error:
        name = f"{table.name}.{stored.column}"
        raise ValueLossError(
            f"table {table.name}, column {stored.column}: a text is not valid in the character set of the database "
            f"({error}); --raw-text {name} takes its bytes as they are"
        ) from error


def regular(batches: "Iterable[pa.RecordBatch]", rows: int) -> "Iterator[pa.RecordBatch]":
    """Yield the same rows in batches of `rows`, the last with what is left: a server may send fewer at once."""
    import pyarrow as pa

    kept: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        kept.append(batch)
        count += batch.num_rows
        while count >= rows:
            whole = kept[0] if len(kept) == 1 else pa.concat_batches(kept)
            yield whole.slice(0, rows)
            count -= rows
            kept = [whole.slice(rows)] if count else []
    if count:
        yield kept[0] if len(kept) == 1 else pa.concat_batches(kept)


def split(batch: "pa.RecordBatch", size: int) -> "Iterator[pa.RecordBatch]":
    """Yield a batch in pieces of at most `size` bytes, or of one row."""
    if batch.nbytes <= size or batch.num_rows <= 1:
        yield batch
        return
    half = batch.num_rows // 2
    yield from split(batch.slice(0, half), size)
    yield from split(batch.slice(half), size)
