"""Values in PostgreSQL's binary format as Arrow columns, without a look at single rows.

The format is what the server's send functions write: numbers most significant byte first, dates as days and times as
microseconds since 2000-01-01 (PostgreSQL manual, 8.5; src/include/datatype/timestamp.h).
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dbdump.arrow import arrow_type
from dbdump.errors import ValueLossError
from dbdump.sources.postgresql.expressions import Fetch
from legacy.errors import printable

Mask = npt.NDArray[np.bool_]
"""True where a value is NULL."""

_DAYS, _MICROSECONDS = 10_957, 946_684_800_000_000
"""From 1970-01-01 to 2000-01-01."""
_YEARS = {
    "date32[day]": (-719_162, 2_932_896),
    "timestamp[us]": (-62_135_596_800_000_000, 253_402_300_799_999_999),
    "time64[us]": (0, 86_399_999_999),
}
"""First and last value of the years 1 to 9999, and of a day."""


def fixed_column(fetch: Fetch, packed: bytes | None, nulls: Mask | None, rows: int, where: str) -> "pa.Array":
    """Return a column of values of fixed width.

    Parameters
    ----------
    fetch
        What was asked for.
    packed
        The values that are not NULL; None for none at all.
    nulls
        None where no value is NULL.
    rows
        Number of values with the NULLs.
    where
        Table, for messages.

    Raises
    ------
    ValueLossError
        A time is infinite, or outside of the years 1 to 9999.
    """
    kind = arrow_type(fetch.column.arrow)
    values = _numbers(fetch, packed or b"", where)
    validity = None
    if nulls is not None:
        spread = np.zeros(rows, dtype=values.dtype)
        spread[~nulls] = values
        values, validity = spread, _bits(~nulls)
    if pa.types.is_boolean(kind):
        data = _bits(values != 0)
    elif pa.types.is_decimal(kind):
        data = pa.py_buffer(np.column_stack((values, values >> 63)).tobytes())
    else:
        data = pa.py_buffer(values)
    return pa.Array.from_buffers(kind, rows, [validity, data])


def _numbers(fetch: Fetch, packed: bytes, where: str) -> "npt.NDArray[np.signedinteger[npt.NBitBase]]":
    # Floats are turned as integers: no bit of a NaN may change.
    arrow = fetch.column.arrow.replace(", tz=UTC", "")
    values = np.frombuffer(packed, dtype=f">i{fetch.width}").astype("=i8" if arrow == "int64" else f"=i{fetch.width}")
    bounds = _YEARS.get(arrow)
    if bounds is None or not len(values):
        return values
    shift = {"date32[day]": _DAYS, "timestamp[us]": _MICROSECONDS}.get(arrow, 0)
    low, high = bounds
    # Before the shift: infinity is the largest number there is.
    if int(values.min()) < low - shift or int(values.max()) > high - shift:
        raise ValueLossError(
            f"{where}, column {printable(fetch.column.column)}: it has times that are infinite, 24:00:00, or not "
            "within the years 1 to 9999, and did not when the plan was made; run the same dump command again"
        )
    values += shift
    return values


def unpacked(packed: bytes, count: int) -> "list[bytes]":
    """Return the doubles of `count` columns that came together, each column as it would have come alone."""
    together = np.frombuffer(packed, dtype=">i8").reshape(-1, count)
    return [together[:, number].tobytes() for number in range(count)]


def varied_column(fetch: Fetch, packed: bytes | None, lengths: bytes | None, where: str) -> "pa.Array":
    """Return a column of text, bytes, or numbers that came as text.

    Parameters
    ----------
    fetch
        What was asked for.
    packed
        All values one after the other.
    lengths
        Bytes of each value, -1 for NULL.
    where
        Table, for messages.

    Raises
    ------
    ValueLossError
        Text is not in UTF-8, or a number does not fit the type of the column.
    """
    sizes = np.frombuffer(lengths or b"", dtype=">i4").astype(np.int64)
    nulls = sizes < 0
    offsets = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(np.maximum(sizes, 0), out=offsets[1:])
    data = packed or b""
    if offsets[-1] != len(data) or len(data) >= 1 << 31:
        raise ValueLossError(
            f"{where}, column {printable(fetch.column.column)}: the server counts other bytes than it sends"
        )
    kind = arrow_type(fetch.column.arrow)
    plain = pa.binary() if pa.types.is_binary(kind) else pa.string()
    validity = _bits(~nulls) if nulls.any() else None
    buffers = [validity, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data)]
    column = pa.Array.from_buffers(plain, len(sizes), buffers)
    try:
        column.validate(full=True)
        return column if plain == kind else column.cast(kind)
    except pa.ArrowInvalid as error:
        raise ValueLossError(
            f"{where}, column {printable(fetch.column.column)}: a value does not fit {fetch.column.arrow} "
            f"({printable(str(error))[:200]}); for text that is not in UTF-8 name the column with --raw-text, for "
            "numbers make a new plan"
        ) from error


def lengths_of(lengths: bytes | None) -> "npt.NDArray[np.int64]":
    """Return the bytes of each value, 0 for NULL."""
    return np.maximum(np.frombuffer(lengths or b"", dtype=">i4").astype(np.int64), 0)


def mask_of(packed: bytes | None) -> Mask:
    """Return what `dbdump.sources.postgresql.expressions.null_mask` gave."""
    mask: Mask = np.frombuffer(packed or b"", dtype=np.uint8) != 0
    return mask


def _bits(values: Mask) -> "pa.Buffer":
    return pa.py_buffer(np.packbits(values, bitorder="little"))
