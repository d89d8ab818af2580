"""Aggregates of a table, computed from the files of an image; the source computes its own (see `dbdump.verify.canon`).

Whole numbers are added in words of 32 bits, which no batch can overflow, and put together as Python's integers: the
sum of any number of rows is exact, also of decimals of 38 digits.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from typing import TYPE_CHECKING, Any

from dbdump.errors import ImageError
from dbdump.image import Image, ImageTable, Slice
from dbdump.sources.contract import Aggregate
from dbdump.stored import Form, StoredColumn
from dbdump.verify.canon import (
    PREFIX,
    SPECIAL_NUMBERS,
    aggregated,
    exact_sum,
    has_bounds,
    number_text,
    scaled,
    second_digits,
    time_text,
)
from dbdump.verify.compare import ImageAggregate, sum_slack
from dbdump.verify.lobfiles import LobFiles
from dbdump.verify.rows import RESTORE, batches
from legacy.errors import printable

if TYPE_CHECKING:
    import pyarrow as pa

_TIMES = ("date32[day]", "time64[us]")
_WORD = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a column so far; two of them add up to one.

    Parameters
    ----------
    values, nulls, special
        How many are finite values, NULL, and NaN or infinite.
    low, high
        In a form that sorts as the values do; None without any.
    total, magnitude
        Sum of the values, whole and exact but for floats, and for numbers that are text: exact, and a Decimal; sum of
        the absolute values of floats.
    """

    values: int = 0
    nulls: int = 0
    special: int = 0
    low: Any = None
    high: Any = None
    total: int | float | Decimal = 0
    magnitude: float = 0.0

    def __add__(self, other: "Seen") -> "Seen":
        lows = [item for item in (self.low, other.low) if item is not None]
        highs = [item for item in (self.high, other.high) if item is not None]
        return Seen(
            self.values + other.values,
            self.nulls + other.nulls,
            self.special + other.special,
            min(lows, default=None),
            max(highs, default=None),
            _plus(self.total, other.total),
            self.magnitude + other.magnitude,
        )


def _plus(left: int | float | Decimal, right: int | float | Decimal) -> int | float | Decimal:
    if isinstance(left, Decimal) or isinstance(right, Decimal):
        return exact_sum(Decimal(left), Decimal(right))
    return left + right


def start_aggregates(
    pool: Executor, image: Image, table: ImageTable, lobs: LobFiles
) -> Callable[[], Mapping[str, ImageAggregate]]:
    """Begin to compute the aggregates of a table, part by part, in the threads of a pool.

    Returns
    -------
    callable
        Waits for them and returns them, by name of the column; raises ImageError if the image is damaged.
    """
    parts = [pool.submit(_part, image, table, part, lobs) for part in table.slices]

    def result() -> Mapping[str, ImageAggregate]:
        try:
            seen = [part.result() for part in parts]
        finally:
            for part in parts:
                part.cancel()
        columns = aggregated(table.columns)
        return {column.name: _told(column, sum((one[column.name] for one in seen), Seen())) for column in columns}

    return result


def _part(image: Image, table: ImageTable, part: Slice, lobs: LobFiles) -> dict[str, Seen]:
    columns = aggregated(table.columns)
    files = {column.column: column.name for column in table.columns if column.form == Form.LOB_FILE}
    seen = {column.name: Seen() for column in columns}
    for batch in batches(image, table, part, [column.name for column in table.columns]):
        for column in columns:
            values = batch.column(column.name)
            if column.form == Form.LOB and column.column in files:
                seen[column.name] += _lob(column, values, batch.column(files[column.column]), lobs)
            elif column.form == Form.NUMBER_TEXT:
                seen[column.name] += _number_texts(table, column, values)
            else:
                seen[column.name] += _measure(column, values)
    return seen


def _measure(column: StoredColumn, array: "pa.Array") -> Seen:
    nulls = array.null_count
    array = array.drop_null() if nulls else array
    if len(array) == 0:
        return Seen(nulls=nulls)
    match column.arrow:
        case "string" | "binary":
            return _texts(column, array, nulls)
        case "bool":
            return Seen(len(array), nulls, total=array.true_count)
        case "float" | "double":
            return _floats(array, nulls)
        case arrow if arrow.startswith("decimal128"):
            return _decimals(array, nulls)
        case _:
            return _whole(array, nulls)


def _whole(array: "pa.Array", nulls: int) -> Seen:
    """Numbers and times: the integers that Arrow stores."""
    import pyarrow as pa

    plain = array.view(pa.int32() if array.type.bit_width == 32 else pa.int64()).to_numpy(zero_copy_only=True)
    plain = plain.astype("i8", copy=False)
    return Seen(len(plain), nulls, 0, int(plain.min()), int(plain.max()), _exact_sum(plain))


def _decimals(array: "pa.Array", nulls: int) -> Seen:
    import numpy as np
    import pyarrow.compute as pc

    first = 2 * array.offset
    words = np.frombuffer(array.buffers()[1], dtype="<u8")[first : first + 2 * len(array)]
    # Two's complement of 128 bits, the low word first (Arrow Columnar Format, fixed-size layout of decimals).
    total = (_exact_sum(words[1::2].view("<i8")) << 64) + _exact_sum(words[0::2])
    bounds = pc.min_max(array)
    return Seen(len(array), nulls, 0, bounds["min"].as_py(), bounds["max"].as_py(), total)


def _exact_sum(words: Any) -> int:
    """Sum 64-bit integers: the high halves, with their sign, and the low halves cannot overflow."""
    return (int((words >> 32).sum()) << 32) + int((words & _WORD).sum())


def _floats(array: "pa.Array", nulls: int) -> Seen:
    import numpy as np

    plain = array.to_numpy(zero_copy_only=True).astype(np.float64, copy=False)
    finite = plain[np.isfinite(plain)]
    special = len(plain) - len(finite)
    if len(finite) == 0:
        return Seen(nulls=nulls, special=special)
    with np.errstate(over="ignore"):
        total, magnitude = float(finite.sum()), float(np.abs(finite).sum())
    return Seen(len(finite), nulls, special, float(finite.min()), float(finite.max()), total, magnitude)


def _texts(column: StoredColumn, array: "pa.Array", nulls: int) -> Seen:
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = pc.utf8_length(array) if column.arrow == "string" else pc.binary_length(array)
    total = int(pc.sum(lengths).as_py())
    if not has_bounds(column):
        return Seen(len(array), nulls, total=total)
    # Bytes of UTF-8 sort as code points do.
    bounds = pc.min_max(array.cast(pa.binary()))
    return Seen(len(array), nulls, 0, bounds["min"].as_py(), bounds["max"].as_py(), total)


def _number_texts(table: ImageTable, column: StoredColumn, array: "pa.Array") -> Seen:
    """Numbers that are text: their bounds are those of texts, their sum is that of numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = array.drop_null()
    if len(texts) == 0:
        return Seen(nulls=array.null_count)
    bounds = pc.min_max(texts.cast(pa.binary()))
    is_special = pc.is_in(texts, value_set=pa.array(SPECIAL_NUMBERS))
    total = Decimal(0)
    try:
        for text in texts.filter(pc.invert(is_special)).to_pylist():
            total = exact_sum(total, Decimal(text))
    except DecimalException as error:
        place = printable(f"{table.name}, column {column.name}")
        raise ImageError(f"{place}: '{printable(text)[:80]}' is no decimal number; {RESTORE}") from error
    special = is_special.true_count
    return Seen(len(texts) - special, array.null_count, special, bounds["min"].as_py(), bounds["max"].as_py(), total)


def _lob(column: StoredColumn, values: "pa.Array", files: "pa.Array", lobs: LobFiles) -> Seen:
    """Values in the row and values in files are one column."""
    import pyarrow.compute as pc

    inline = _measure(column, values)
    text = column.arrow == "string"
    names: Sequence[str] = files.filter(pc.and_(files.is_valid(), values.is_null())).to_pylist()
    total = sum(lobs.facts(name, text=True).characters if text else lobs.size(name) for name in names)
    return Seen(inline.values + len(names), inline.nulls - len(names), total=int(inline.total) + total)


def _told(column: StoredColumn, seen: Seen) -> ImageAggregate:
    low, high, total, slack = None, None, None, 0.0
    # The special values of numbers that are text have bounds, as they are texts.
    if seen.values or seen.low is not None:
        total = _total_text(column, seen.total) if seen.values else None
        slack = sum_slack(seen.values, seen.magnitude) if column.arrow in ("float", "double") else 0.0
        if has_bounds(column):
            low, high = _bound_text(column, seen.low), _bound_text(column, seen.high)
    return ImageAggregate(Aggregate(seen.nulls, low, high, total, seen.special), slack)


def _total_text(column: StoredColumn, total: int | float | Decimal) -> str:
    if isinstance(total, float):
        return repr(total)
    if isinstance(total, Decimal):
        return number_text(total)
    scale = 0
    if column.arrow.startswith("decimal128"):
        scale = int(column.arrow.removesuffix(")").rpartition(",")[2])
    elif column.arrow.startswith("timestamp"):
        scale = second_digits(column.arrow)
    return number_text(scaled(total, scale))


def _bound_text(column: StoredColumn, value: Any) -> str:
    match value:
        case Decimal():
            return number_text(value)
        case bytes():
            # A character has at most four bytes; the last one here may be cut, and is beyond the prefix then.
            return value[: 4 * PREFIX + 4].decode("utf-8", "replace")[:PREFIX]
        case float():
            return repr(value)
        case _:
            timed = column.arrow in _TIMES or column.arrow.startswith("timestamp")
            return time_text(value, column.arrow) if timed else str(value)
