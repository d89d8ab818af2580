"""Arrow columns as SQLite stores values: 64-bit integers, doubles, text and bytes, each of them exact.

============================ ==========================================================================================
int32, int64, bool           INTEGER
decimal128 of scale 0        INTEGER where every value of the column fits 64 bits, else TEXT
decimal128                   TEXT with all digits of the scale: ``12.50``
float, double                REAL; NaN, which SQLite would make NULL, as the text ``NaN``. Where the SQLite file is the
                             only one, other bits of a NaN and minus zero are the text of their bits, ``0x80000000``
string, binary               TEXT, BLOB
date32, time64[us]           TEXT: ``2008-05-30``, ``23:59:59.000001``
timestamp                    TEXT: ``2008-05-30T23:59:59`` with no, six or nine digits of a second by its unit, and
                             ``Z`` where the type has a zone
============================ ==========================================================================================

ISO 8601 texts of years 1 to 9999 sort as the times do, and SQLite's date functions read them. `dbdump.sqlite.restore`
is the way back.
"""

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

INTEGER, REAL, TEXT, BLOB = "INTEGER", "REAL", "TEXT", "BLOB"
INT64_LOW, INT64_HIGH = -(2**63), 2**63 - 1


def affinity(arrow: str) -> str:
    """Return the SQLite type of a column of the Arrow type `arrow`, as `dbdump.stored.StoredColumn.arrow` says it.

    A decimal of scale 0 is TEXT here: only its values tell whether it can be INTEGER.
    """
    if arrow in ("int32", "int64", "bool"):
        return INTEGER
    if arrow in ("float", "double"):
        return REAL
    return BLOB if arrow == "binary" else TEXT


def is_whole(arrow: str) -> bool:
    """Whether an Arrow type is a decimal without digits after the point."""
    return arrow.startswith("decimal128(") and arrow.endswith(", 0)")


def sqlite_values(column: "pa.Array", kind: str) -> "pa.Array":
    """Return a column as an array of int64, double, string or binary; NaN stays NaN.

    Parameters
    ----------
    column
        Of any type that an image has.
    kind
        The SQLite type that its column was given.

    Raises
    ------
    pyarrow.ArrowInvalid
        A value does not fit 64 bits although `kind` says so.
    """
    import pyarrow as pa

    if kind == INTEGER:
        return column.cast(pa.int8()).cast(pa.int64()) if pa.types.is_boolean(column.type) else column.cast(pa.int64())
    if kind == REAL:
        return column.cast(pa.float64())
    if kind == BLOB or pa.types.is_string(column.type):
        return column
    return decimal_text(column) if pa.types.is_decimal(column.type) else iso_text(column)


PLAIN_NAN = {32: 0x7FC0_0000, 64: 0x7FF8_0000_0000_0000}
"""Bits of the NaN that machines make, by the bits of the type (IEEE 754)."""


def special_texts(column: "pa.Array", *, exact: bool) -> "pa.Array | None":
    """Return texts for the floats of a column that REAL cannot hold, NULL for the others; None where it holds all.

    Parameters
    ----------
    column
        Of floats or doubles.
    exact
        Whether minus zero, and NaNs of other bits, have to come back as they are. SQLite takes ``0x...`` for no number,
        so it stays text in a column of REAL.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    width = column.type.bit_width
    special = pc.fill_null(pc.is_nan(column), False).to_numpy(zero_copy_only=False)
    bits = column.view(pa.int32() if width == 32 else pa.int64()).fill_null(0).to_numpy()
    bits = bits.view(np.uint32 if width == 32 else np.uint64)
    if exact:
        special = special | (bits == 1 << (width - 1))
    places = np.flatnonzero(special)
    if not len(places):
        return None
    texts: list[str | None] = [None] * len(column)
    for place in places.tolist():
        value = int(bits[place])
        texts[place] = f"0x{value:0{width // 4}x}" if exact and value != PLAIN_NAN[width] else "NaN"
    return pa.array(texts, pa.string())


def iso_text(column: "pa.Array") -> "pa.Array":
    """Return dates, times of day and timestamps as ISO 8601 text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if not pa.types.is_timestamp(kind):
        return column.cast(pa.string())
    # The wall clock of UTC: a named zone would be looked up in the machine's time zone files.
    text = column.cast(pa.timestamp(kind.unit, "UTC") if kind.tz else kind).cast(pa.string())
    return pc.binary_replace_slice(text, 10, 11, "T")


def decimal_text(column: "pa.Array") -> "pa.Array":
    """Return decimals as text without exponent, with all digits of their scale."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = column.cast(pa.string())
    if column.type.scale <= _PLAIN_SCALE:
        return text
    with_exponent = pc.fill_null(pc.match_substring(text, "E"), False)
    if not pc.any(with_exponent, min_count=0).as_py():
        return text
    plain = [format(Decimal(value), "f") for value in text.filter(with_exponent).to_pylist()]
    return pc.replace_with_mask(text, with_exponent, pa.array(plain, pa.string()))


_PLAIN_SCALE = 6
"""Arrow writes an exponent where the first digit stands more than six places after the point."""
