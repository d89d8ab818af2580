"""What the values of SQLite columns are like: one scan of the table, with functions of SQLite as far as they reach."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from dbdump.schema import Column, Family, TableSchema
from dbdump.sources.sqlite.access import access
from dbdump.sources.sqlite.database import Database, column, count_filled, select, translated
from dbdump.stored import Probe

LARGEST_DOUBLE = "1.7976931348623157e308"
EXACT_WHOLE = 2**52
"""Below it, SQLite's round() of a double gives the nearest whole number."""
LARGEST_POWER = 22
"""10 to this power is a double without any error."""
_PER_STATEMENT = 100
"""Columns in one statement; SQLite answers with at most 2000 values."""
_IS_EXACT = "antares_is_exact"
_ENDS = ("min", "max")
_INFINITY = float("inf")
_NUMBERS = frozenset({Family.DECIMAL, Family.NUMBER, Family.FLOAT64, Family.BOOLEAN})
"""Declared types of columns in which we expect numbers."""


def probe(database: Database, table: TableSchema, columns: Sequence[Column]) -> Mapping[str, Probe]:
    """Look at all values of some columns; returns a `Probe` for each by its name.

    The first scan asks what is enough for values of the kind that the declared type promises; only columns with
    others are looked at once more.
    """
    database.connection.create_function(_IS_EXACT, 2, _is_exact, deterministic=True)
    found = _scan(database, table, columns, _expected_facts)
    odd = [item for item in columns if _is_odd(item, found[item.name])]
    if odd:
        found.update(_scan(database, table, odd, _all_facts))
    return {name: _probe_of(row) for name, row in found.items()}


def number_text(value: float) -> str:
    """Return a number as decimal text without exponent or trailing zeros; a double by its shortest form."""
    if isinstance(value, int):
        return str(value)
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _scan(
    database: Database, table: TableSchema, columns: Sequence[Column], facts: Callable[[Column], tuple[str, ...]]
) -> dict[str, Sequence[Any]]:
    found: dict[str, Sequence[Any]] = {}
    for start in range(0, len(columns), _PER_STATEMENT):
        part = columns[start : start + _PER_STATEMENT]
        expressions = [expression for item in part for expression in facts(item)]
        with translated(database.path, table.name):
            row = database.connection.execute(select(expressions, access(table).source)).fetchone()
        width = len(expressions) // len(part)
        found.update({item.name: row[width * place : width * (place + 1)] for place, item in enumerate(part)})
    return found


def _expected_facts(item: Column) -> tuple[str, ...]:
    value = column(item.name)
    if item.declared in _NUMBERS:
        # A text or blob among them would be the largest, and may be long or damaged.
        ends = (f"{end}(CASE WHEN typeof({value}) IN ('integer', 'real') THEN {value} END)" for end in _ENDS)
        return (*_counts(value)[:-1], "0", *ends, "0", "0", _inexact(item, value))
    return (*_counts(value), "NULL", "NULL", "0", f"max({_length(value)})", "0")


def _is_odd(item: Column, row: Sequence[Any]) -> bool:
    filled, integers, reals, _, low, high, *_ = row
    if item.declared in _NUMBERS:
        return filled > integers + reals or (reals > 0 and not -_INFINITY < low <= high < _INFINITY)
    return bool(integers + reals)


def _all_facts(item: Column) -> tuple[str, ...]:
    value = column(item.name)
    # A + before a column takes its affinity away: else a column of texts would compare numbers as texts.
    finite = f"+{value} BETWEEN -{LARGEST_DOUBLE} AND {LARGEST_DOUBLE}"
    numbers = f"CASE WHEN typeof({value}) IN ('integer', 'real') AND {finite} THEN {value} END"
    return (
        *_counts(value),
        *(f"{end}({numbers})" for end in _ENDS),
        f"count(CASE WHEN typeof({value}) = 'real' AND NOT {finite} THEN 1 END)",
        f"max({_length(value)})",
        _inexact(item, value),
    )


def _counts(value: str) -> tuple[str, ...]:
    kinds = ("integer", "real", "text")
    return (count_filled(value), *(f"count(CASE typeof({value}) WHEN '{kind}' THEN 1 END)" for kind in kinds))


def _length(value: str) -> str:
    return f"CASE typeof({value}) WHEN 'blob' THEN length({value}) WHEN 'text' THEN length(CAST({value} AS BLOB)) END"


def _inexact(item: Column, value: str) -> str:
    """Count doubles that are not the nearest to a decimal number of the declared scale.

    The quick test is exact where it succeeds: v * 10^s rounded is a whole number below 2^52, and dividing it by 10^s
    is one correctly rounded operation, so its result is the double nearest to that decimal number.
    """
    if item.declared != Family.DECIMAL:
        return "0"
    scale = max(item.scale or 0, 0)
    failed = f"NOT {_IS_EXACT}({value}, {scale})"
    if scale <= LARGEST_POWER:
        scaled = f"{value} * 1e{scale}"
        quick = f"abs({scaled}) < {EXACT_WHOLE} AND round({scaled}) / 1e{scale} = {value}"
        failed = f"CASE WHEN {quick} THEN 0 ELSE {failed} END"
    return f"total(CASE WHEN typeof({value}) = 'real' THEN {failed} END)"


def _is_exact(value: float, scale: int) -> bool:
    return float(format(value, f".{scale}f")) == value


def _probe_of(row: Sequence[Any]) -> Probe:
    filled, integers, reals, texts, low, high, special, longest, inexact = row
    classes = {"integer": integers, "real": reals, "text": texts, "blob": filled - integers - reals - texts}
    return Probe(
        low=None if low is None else number_text(low),
        high=None if high is None else number_text(high),
        special=special,
        classes={name: count for name, count in classes.items() if count},
        longest=longest or 0,
        exact=not inexact,
    )
