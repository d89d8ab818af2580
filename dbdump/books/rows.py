"""Rows of a query as JSON, CSV, or a table for terminals; every value exact."""

import csv
import io
import json
import math
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from dbdump.query import Answer
from dbdump.sqlite.values import decimal_text, iso_text
from legacy.errors import printable

if TYPE_CHECKING:
    import pyarrow as pa

EXACT_IN_DOUBLE = 2**53
"""Largest whole number up to which a double holds each one (IEEE 754): readers of JSON often have no other type."""
WIDEST_CELL, ROWS_FOR_WIDTHS = 60, 1000
"""Characters of a cell in a table, and rows that decide how wide the columns are."""


def json_lines(answer: Answer) -> Iterator[str]:
    """Yield pieces of an array of objects.

    Whole numbers above 2^53, decimals, NaN and infinities are text; times are ISO 8601 text, bytes hexadecimal text.
    """
    separator = "[\n"
    for batch in answer.batches:
        rows = zip(*map(json_values, batch.columns), strict=True)
        lines = [json.dumps(dict(zip(answer.columns, row, strict=True)), ensure_ascii=False) for row in rows]
        if lines:
            yield separator + ",\n".join(lines)
            separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


def csv_lines(answer: Answer) -> Iterator[str]:
    """Yield pieces of a CSV file with a first line of names; NULL and the empty text are both an empty cell."""
    yield _as_csv([answer.columns])
    for batch in answer.batches:
        yield _as_csv(zip(*map(_csv_values, batch.columns), strict=True))


def _csv_values(column: "pa.Array") -> list[Any]:
    import pyarrow as pa

    values = json_values(column)
    if pa.types.is_string(column.type) or pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return values  # as the csv module writes them: None as an empty cell, floats by repr
    return [_cell(value, null="") for value in values]


def _as_csv(rows: Any) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def table_lines(answer: Answer, width: int | None) -> Iterator[str]:
    """Yield the lines of a table.

    Parameters
    ----------
    answer
        The first 1,000 rows decide how wide the columns are.
    width
        Characters of a line, None for any.
    """
    rows = _text_rows(answer)
    first = [row for row, _ in zip(rows, range(ROWS_FOR_WIDTHS), strict=False)]
    heads = [printable(name)[:WIDEST_CELL] for name in answer.columns]
    widths = [max(len(row[place]) for row in (heads, *first)) for place in range(len(heads))]
    for row in chain([heads, ["-" * size for size in widths]], first, rows):
        line = "  ".join(cell.ljust(size) for cell, size in zip(row, widths, strict=True)).rstrip()
        yield line if width is None or len(line) <= width else line[: width - 1] + "…"


def _text_rows(answer: Answer) -> Iterator[list[str]]:
    for batch in answer.batches:
        columns = [[_short(value) for value in json_values(column)] for column in batch.columns]
        yield from (list(row) for row in zip(*columns, strict=True))


def _short(value: object) -> str:
    text = printable(_cell(value, null="NULL")[: WIDEST_CELL * 4])
    return text if len(text) <= WIDEST_CELL else text[: WIDEST_CELL - 1] + "…"


def _cell(value: object, *, null: str) -> str:
    if isinstance(value, str):
        return value
    return null if value is None else json.dumps(value, ensure_ascii=False)


def json_values(column: "pa.Array") -> list[Any]:
    """Return the values of a column as JSON can say them without loss."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        return json_values(column.dictionary_decode())
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_time(kind):
        values: list[Any] = iso_text(column).to_pylist()
        return values
    if pa.types.is_decimal(kind):
        whole = kind.scale == 0
        return [_whole(int(v)) if whole and v is not None else v for v in decimal_text(column).to_pylist()]
    if pa.types.is_interval(kind):
        return [v and f"{v.months} months {v.days} days {v.nanoseconds} ns" for v in column.to_pylist()]
    values = column.to_pylist()
    return values if _is_plain(column) else [_plain(value) for value in values]


def _is_plain(column: "pa.Array") -> bool:
    """Whether JSON holds every value of a column as it is; looked up for the column, which is much quicker."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_integer(kind):
        bounds = pc.min_max(column).as_py()
        return bounds["min"] is None or (bounds["min"] >= -EXACT_IN_DOUBLE and bounds["max"] <= EXACT_IN_DOUBLE)
    if pa.types.is_floating(kind):
        return bool(pc.all(pc.is_finite(column), min_count=0).as_py())
    return bool(pa.types.is_string(kind) or pa.types.is_boolean(kind))


def _plain(value: object) -> object:
    match value:
        case None | bool() | str():
            return value
        case int():
            return _whole(value)
        case float():
            return value if math.isfinite(value) else _NOT_FINITE.get(value, "NaN")
        case bytes():
            return value.hex()
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return str(value)


_NOT_FINITE = {math.inf: "Infinity", -math.inf: "-Infinity"}


def _whole(value: int) -> int | str:
    return value if abs(value) <= EXACT_IN_DOUBLE else str(value)
