"""One text for every value: what source and image each compute, independently, to be compared.

**Text of a value.** By the Arrow type of its column in the image:

============================ ========================================================================
int32, int64, decimal128     decimal text without exponent, plus sign or trailing zeros: ``-12.5``, ``0``
float, double                for `Aggregate.low` and `high` Python's ``repr(float(value))``; for the digest the
                             bytes of the IEEE 754 number, most significant first, in lower-case hex
bool                         ``1`` or ``0``
string                       the text itself
binary                       its bytes in lower-case hex
date32                       ``2008-05-30``; for the digest the days since 1970-01-01
time64[us]                   ``23:59:59.000001``; for the digest the microseconds since midnight
timestamp[s], [us], [ns]     ``2008-05-30T23:59:59`` with no, six or nine digits of a second, in UTC where the
                             type has a zone, and no suffix; for the digest the seconds, microseconds or
                             nanoseconds since 1970
============================ ========================================================================

**Aggregates.** Those of `dbdump.sources.contract.Aggregate` for each column of the image but those of the form
`Form.LOB_FILE`. ``low`` and ``high`` compare numbers by value, times by time, text by code point; they are None for
binary, for booleans, and for the forms `Form.LOB` and `Form.RAW`. A value of the form `Form.LOB` counts with its
whole length wherever it lies: ``total`` is in characters for text and bytes for bytes, ``nulls`` counts the NULLs of
the source. ``total`` of timestamps is the exact sum of seconds, with a fraction; of dates the sum of days; of times of
day and intervals the sum in their unit. Totals of floats are compared within the error that adding them in another
order can make. A total beyond the range of doubles is ``inf``, and a zero of either sign is ``0.0``. Columns of the
forms `Form.ISO_TEXT` and `Form.TEXT` are text here, whatever the column of the source is. So are those of
`Form.NUMBER_TEXT` for ``low`` and ``high``; but their ``total`` is the exact sum of the numbers, and ``special`` counts
those of `SPECIAL_NUMBERS`, which take no part in it. ``total`` is None where every value is NULL. A float of 32 bits
has 4 bytes in the digest.

**Digest.** For each row, the MD5 of the texts of its columns, in the order of the table, one after the other: ``-`` for
NULL, else the MD5 (lower-case hex) of the text of the value in UTF-8. The first 15 hex digits of the row's MD5 are a
number; the digest of the table is the sum of these numbers, as decimal text. Order and division of the rows do not
matter; a value in the wrong row does. Columns of the forms `Form.LOB_FILE` and `Form.LOB_SIZE` take no part.
"""

from collections.abc import Sequence
from datetime import date
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, Inexact, InvalidOperation

from dbdump.stored import Form, StoredColumn

PREFIX = 100
"""Characters of the smallest and largest text that are compared."""
SPECIAL_NUMBERS = ("NaN", "Infinity", "-Infinity")
"""Texts of `Form.NUMBER_TEXT` that are no finite number."""
_UNIT_DIGITS = {"s": 0, "us": 6, "ns": 9}
_EPOCH, _DAY = date(1970, 1, 1).toordinal(), 86_400


def number_text(value: Decimal) -> str:
    """Return an exact number as text without exponent or trailing zeros."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def scaled(unscaled: int, scale: int) -> Decimal:
    """Return ``unscaled / 10**scale``, exact whatever the number of digits."""
    return Decimal((int(unscaled < 0), tuple(map(int, str(abs(unscaled)))), -scale))


_EXACT = Context(prec=200_000, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[Inexact, InvalidOperation])
"""More digits than a number of any server has (PostgreSQL: 131,072 before the point and 16,383 after it)."""


def exact_sum(left: Decimal, right: Decimal) -> Decimal:
    """Return the sum of two numbers, exact; raises decimal.Inexact where it has more than 200,000 digits."""
    return _EXACT.add(left, right)


def second_digits(arrow: str) -> int:
    """Return the digits of a second of a timestamp type such as ``timestamp[us, tz=UTC]``."""
    return _UNIT_DIGITS[arrow.removeprefix("timestamp[").removesuffix("]").partition(",")[0]]


def time_text(value: int, arrow: str) -> str:
    """Return a day, time of day or timestamp, given as the number that Arrow stores, as ISO 8601 text."""
    if arrow == "date32[day]":
        return _day_text(value)
    if arrow == "time64[us]":
        seconds, fraction = divmod(value, 1_000_000)
        return _clock_text(seconds, fraction, 6)
    digits = second_digits(arrow)
    seconds, fraction = divmod(value, 10**digits)
    days, seconds = divmod(seconds, _DAY)
    return f"{_day_text(days)}T{_clock_text(seconds, fraction, digits)}"


def _day_text(days: int) -> str:
    try:
        return date.fromordinal(days + _EPOCH).isoformat()
    except (ValueError, OverflowError):
        # No dump writes such days; a damaged file may have them.
        return f"(day {days} of 1970)"


def _clock_text(seconds: int, fraction: int, digits: int) -> str:
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{fraction:0{digits}}" if digits else text


def aggregated(columns: Sequence[StoredColumn]) -> tuple[StoredColumn, ...]:
    """Return the columns of the image that have aggregates."""
    return tuple(column for column in columns if column.form != Form.LOB_FILE)


def has_bounds(column: StoredColumn) -> bool:
    """Return whether the smallest and largest value of a column are compared."""
    return column.arrow not in ("binary", "bool") and column.form not in (Form.LOB, Form.RAW)


def digested(columns: Sequence[StoredColumn]) -> tuple[StoredColumn, ...]:
    """Return the columns of the image that take part in the digest."""
    return tuple(column for column in columns if column.form not in (Form.LOB_FILE, Form.LOB_SIZE))
