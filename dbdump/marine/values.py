"""Numbers of a table as doubles in the unit of the file: the nearest double of the exact value, or an error.

NetCDF has no decimal numbers. A decimal number, a text or a whole number is taken when its double gives its digits
back (always so up to 15 of them); it is then converted with whole numbers and rounded once, at the end.
"""

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dbdump.errors import ValueLossError
from dbdump.marine.flags import MEANINGS, UNKNOWN
from dbdump.marine.units import Conversion
from legacy.errors import MetadataError, nearest, printable

if TYPE_CHECKING:
    import pyarrow as pa

Doubles = NDArray[np.float64]
_NUMBER = re.compile(r"\s*([+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d{1,3})?)\s*")
_SPECIAL = {"nan": np.nan, "infinity": np.inf, "-infinity": -np.inf, "inf": np.inf, "-inf": -np.inf}
_EXACT = 2**53
"""Whole numbers up to this are doubles."""
_SAFE_DIGITS = 15


def to_doubles(column: "pa.Array[Any]", conversion: Conversion, where: str) -> Doubles:
    """Convert a column of numbers; NaN for NULL and for values that are no number.

    Parameters
    ----------
    column
        Whole, decimal or floating-point numbers, booleans, or text of numbers.
    conversion
        Between the units.
    where
        Table and column, for messages.

    Raises
    ------
    MetadataError
        The column has no numbers.
    ValueLossError
        A number has more digits than a double, or a text is no number.
    """
    import pyarrow as pa

    kind = column.type
    if pa.types.is_floating(kind):
        floats = np.array(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
        if conversion.identity:
            return floats
        return np.asarray((floats * conversion.multiplier + conversion.addend) / conversion.divisor)
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        whole = column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        return _blanked(_scaled(np.asarray(whole, dtype=np.int64), 0, conversion, where), column)
    if pa.types.is_decimal128(kind):
        return _blanked(_decimals(column, conversion, where), column)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return np.array([_from_text(text, conversion, where) for text in column.to_pylist()], dtype=np.float64)
    raise MetadataError(f"{where}: the column is {kind}, which is no number; name another column")


def _blanked(values: Doubles, column: "pa.Array[Any]") -> Doubles:
    values[np.asarray(column.is_null().to_numpy(zero_copy_only=False), dtype=np.bool_)] = np.nan
    return values


def _scaled(unscaled: NDArray[np.int64], scale: int, conversion: Conversion, where: str) -> Doubles:
    """Convert ``unscaled / 10**scale``, all at once where every step is exact in doubles."""
    power = 10 ** max(scale, 0)
    divisor, addend = conversion.divisor * power, conversion.addend * power
    largest = max(int(unscaled.max(initial=0)), -int(unscaled.min(initial=0)))
    reached = largest * abs(conversion.multiplier) + abs(addend)
    if largest < 10**_SAFE_DIGITS and reached < _EXACT and divisor <= _EXACT:
        return np.asarray((unscaled * conversion.multiplier + addend) / divisor, dtype=np.float64)
    return np.array([_exact(int(value), scale, conversion, where) for value in unscaled], dtype=np.float64)


def _decimals(column: "pa.Array[Any]", conversion: Conversion, where: str) -> Doubles:
    """Take the whole numbers behind 128-bit decimals: two 64-bit words each, the low one first."""
    whole_column = column.fill_null(Decimal(0).scaleb(-column.type.scale)) if column.null_count else column
    if len(whole_column) == 0:
        return np.empty(0)
    words = np.frombuffer(whole_column.buffers()[1], dtype=np.int64).reshape(-1, 2)
    words = words[whole_column.offset : whole_column.offset + len(whole_column)]
    low, high = words[:, 0], words[:, 1]
    if bool(np.all(high == low >> 63)):
        return _scaled(low, column.type.scale, conversion, where)
    whole = [(int(h) << 64) | (int(w) & (2**64 - 1)) for w, h in zip(low, high, strict=True)]
    return np.array([_exact(value, column.type.scale, conversion, where) for value in whole], dtype=np.float64)


def _exact(unscaled: int, scale: int, conversion: Conversion, where: str) -> float:
    """Convert one number; division of whole numbers rounds once in Python."""
    top, bottom = (unscaled, 10**scale) if scale >= 0 else (unscaled * 10**-scale, 1)
    try:
        double = top / bottom
        converted = (top * conversion.multiplier + conversion.addend * bottom) / (bottom * conversion.divisor)
        kept = abs(unscaled) < 10**_SAFE_DIGITS or _gives_back(double, top, bottom)
    except OverflowError:
        double = converted = math.inf
        kept = False
    if not kept or (double == 0 and unscaled):
        shown = f"{unscaled}e{-scale}" if scale else str(unscaled)
        raise ValueLossError(
            f"{where}: {shown} has more digits than a double holds, and NetCDF has no longer numbers; leave the "
            "variable out"
        )
    return converted


def _gives_back(double: float, top: int, bottom: int) -> bool:
    """Whether a double is the number, or its shortest text is."""
    return Fraction(double) == Fraction(top, bottom) or Fraction(repr(double)) == Fraction(top, bottom)


def _from_text(text: str | None, conversion: Conversion, where: str) -> float:
    if text is None:
        return float("nan")
    found = _NUMBER.fullmatch(text)
    if found is None:
        special = _SPECIAL.get(text.strip().casefold())
        if special is None:
            raise ValueLossError(f"{where}: '{printable(text)[:60]}' is no number; filter such rows, or another column")
        return special
    sign, digits, exponent = Decimal(found[1]).as_tuple()
    unscaled = int("".join(map(str, digits))) * (-1 if sign else 1)
    return _exact(unscaled, -int(exponent), conversion, where)


def to_texts(column: "pa.Array[Any]", where: str, *, padded: bool = False) -> "pa.Array[Any]":
    """Return keys, codes or names as text, without the blanks that CHAR columns end in.

    Parameters
    ----------
    column
        Text or whole numbers, length n; NULL stays NULL.
    where
        Place in the mapping, for the message.
    padded
        True for a CHAR column.

    Raises
    ------
    MetadataError
        The column is of a type whose values have no plain text.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_string(kind):
        return pc.utf8_rtrim(column, " ") if padded else column
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or (pa.types.is_decimal(kind) and kind.scale == 0):
        return column.cast(pa.string())
    raise MetadataError(f"{where}: the column is {kind}; keys, filters and flags are text or whole numbers")


def to_flags(column: "pa.Array[Any]", codes: Mapping[str, int], where: str, *, padded: bool) -> NDArray[np.int8]:
    """Return OceanSITES flags for a column of codes; NULL is 0, no quality control.

    Parameters
    ----------
    column
        The codes, length n.
    codes
        What they mean: code to flag, 0 to 9; empty if the codes are the flags themselves.
    where, padded
        As for `to_texts`.

    Returns
    -------
    numpy.ndarray of int8
        Shape (n,).

    Raises
    ------
    MetadataError
        The mapping does not say what a code means.
    """
    import pyarrow as pa

    encoded = to_texts(column, where, padded=padded).dictionary_encode()
    meanings = codes or {str(flag): flag for flag in MEANINGS}
    table = []
    for text in encoded.dictionary.to_pylist():
        if text not in meanings:
            advice = nearest(text, list(meanings))
            raise MetadataError(f"{where}: the mapping does not say what '{printable(text)[:40]}' means; {advice}")
        table.append(meanings[text])
    places = encoded.indices.fill_null(len(table)).cast(pa.int64()).to_numpy(zero_copy_only=False)
    return np.asarray(np.array([*table, UNKNOWN], dtype=np.int8)[places])
