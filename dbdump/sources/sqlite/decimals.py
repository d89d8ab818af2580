"""Doubles and integers of SQLite as decimal128, exact or not at all."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_EXACT_WHOLE = 2.0**52
_LARGEST_POWER = 22
"""10 to this power is a double without any error."""


class MisfitError(Exception):
    """Values that do not fit the type of their column; becomes a ValueLossError where the table is known."""


def decimal_array(values: Sequence[Any], kind: "pa.Decimal128Type") -> "pa.Array[Any]":
    """Return numbers as decimals.

    A double stands for the shortest decimal number that it is the nearest double to. It is found for many at once with
    one multiplication and one division, both correctly rounded (IEEE 754), where the whole number is below 2^52; the
    division proves the result. All others are done one by one.

    Raises
    ------
    MisfitError
        A value is no number, or equals no decimal of this precision and scale.
    """
    import numpy as np

    kinds = set(map(type, values))
    if not kinds <= {int, float, type(None)}:
        raise MisfitError(f"values that are no numbers do not fit its type {kind}")
    if kind.scale <= _LARGEST_POWER and kinds <= {float, type(None)}:
        found = np.array(values, dtype=np.float64)  # None becomes NaN, which SQLite does not have
        whole = _whole_numbers(found, kind.scale)
        limit = min(10.0**kind.precision, _EXACT_WHOLE)
        if whole is not None and (whole.size == 0 or float(np.abs(whole).max()) < limit):
            return _from_whole(whole, np.isnan(found), kind)
    return _one_by_one(values, kind)


def _whole_numbers(found: "np.ndarray[Any, Any]", scale: int) -> "np.ndarray[Any, Any] | None":
    """Return value * 10^scale with 0 for NaN, None where that is not exact for all."""
    import numpy as np

    power = 10.0**scale
    with np.errstate(over="ignore", invalid="ignore"):
        whole = np.rint(found * power)
        same = (whole / power == found) & (np.abs(whole) < _EXACT_WHOLE)
    missing = np.isnan(found)
    return np.where(missing, 0.0, whole) if bool(np.all(same | missing)) else None


def _from_whole(whole: "np.ndarray[Any, Any]", missing: "np.ndarray[Any, Any]", kind: Any) -> "pa.Array[Any]":
    """Arrow's decimal128 is a 128-bit whole number, lower half first (Arrow columnar format, fixed-size binary)."""
    import numpy as np
    import pyarrow as pa

    low = whole.astype(np.int64)
    pairs = np.empty((len(low), 2), dtype="<i8")
    pairs[:, 0], pairs[:, 1] = low, low >> 63
    valid = np.packbits(~missing, bitorder="little")
    return pa.Array.from_buffers(kind, len(low), [pa.py_buffer(valid.tobytes()), pa.py_buffer(pairs.tobytes())])


def _one_by_one(values: Sequence[Any], kind: "pa.Decimal128Type") -> "pa.Array[Any]":
    import pyarrow as pa

    return pa.array([None if value is None else _nearest(value, kind.scale) for value in values], kind)


def _nearest(value: float, scale: int) -> Decimal:
    """Return the shortest decimal number that the double is nearest to.

    If any number of `scale` digits after the point gives this double, the shortest one has no more of them.
    """
    number = Decimal(value) if isinstance(value, int) else Decimal(repr(value))
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or -exponent > scale:
        raise MisfitError(f"{value!r} has more than {scale} digits after the point")
    return number
