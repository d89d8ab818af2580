"""Aggregates and digests in SQL, as `dbdump.verify.canon` defines them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from dbdump.plan import TablePlan
from dbdump.schema import Column, Family
from dbdump.sources.contract import Aggregate
from dbdump.sources.oracle.expressions import (
    ISO,
    canonical,
    length,
    prefix,
    seconds,
    text_of,
    utc,
    value_of,
)
from dbdump.sources.oracle.names import from_clause, quoted, select
from dbdump.sources.oracle.types import is_long, is_object
from dbdump.stored import Form, StoredColumn
from dbdump.verify.canon import number_text as exact_text
from dbdump.verify.canon import second_digits

COLUMNS_AT_ONCE = 100
DIGESTED_COLUMNS = 120
"""Columns of a digest: an MD5 of each, 32 characters, are put together to a text of at most 4,000 bytes."""
_SPLIT_DIGITS, _SAFE_DIGITS = 19, 26
"""Oracle adds with 38 digits and rounds beyond: numbers of more than 26 digits are added in two halves, so that a
sum is exact for up to 10**12 rows."""
_EXACT = Context(prec=100)


@dataclass(frozen=True, slots=True)
class Asked:
    """Expressions of one column in a statement, in this order: values, low, high, totals, special."""

    column: StoredColumn
    family: Family
    values: str
    bounds: tuple[str, ...] = ()
    totals: tuple[str, ...] = ()
    special: str = ""

    @property
    def expressions(self) -> tuple[str, ...]:
        """All of them."""
        return (self.values, *self.bounds, *self.totals, *((self.special,) if self.special else ()))


def asked(table: TablePlan, stored: StoredColumn, charset: str) -> Asked | None:
    """Return what is asked about a column of the image, None for what Oracle cannot compute."""
    column = table.schema.column(stored.column)
    name = quoted(column.name)
    if is_long(column) or is_object(column) or column.family in (Family.BFILE, Family.UNREADABLE):
        return None
    if stored.form == Form.LOB_FILE:
        return None
    if stored.form == Form.LOB_SIZE:
        # The image counts bytes of UTF-8; Oracle can only count the characters of a CLOB.
        if column.family == Family.LOB_TEXT:
            return None
        size = f"DBMS_LOB.GETLENGTH({name})"
        bounds = (f"TO_CHAR(MIN({size}),'TM9')", f"TO_CHAR(MAX({size}),'TM9')")
        return Asked(stored, Family.DECIMAL, f"COUNT({size})", bounds, (_sum(size),))
    if stored.form == Form.LOB or stored.arrow == "binary":
        counted = f"DBMS_LOB.GETLENGTH({name})" if stored.form == Form.LOB else name
        size_of = length(column, stored, name)
        return Asked(stored, column.family, f"COUNT({counted})", (), (_sum(size_of),) if size_of else ())
    if stored.arrow == "string":
        return _asked_text(column, stored, charset)
    if stored.arrow in ("float", "double"):
        return _asked_float(stored, name)
    if stored.arrow.startswith("timestamp"):
        return _asked_time(column, stored, name)
    if stored.arrow == "bool":
        return Asked(stored, column.family, f"COUNT({name})", (), (f"SUM(CASE WHEN {name} THEN 1 END)",))
    return _asked_number(column, stored, name)


def _sum(expression: str) -> str:
    return f"TO_CHAR(SUM({expression}),'TM9')"


def _asked_text(column: Column, stored: StoredColumn, charset: str) -> Asked | None:
    name = quoted(column.name)
    if "CLOB" in (text := text_of(column, name)) and column.family == Family.AS_TEXT:
        return None
    if stored.form == Form.NUMBER_TEXT:
        text = canonical(column, stored, charset) or ""
    elif stored.form == Form.VALUE:
        text = name
    else:
        text = value_of(column, stored)
    first = prefix(column, text, charset)
    # Oracle's SUM keeps 38 digits: it cannot say the exact sum of numbers that no decimal of the image holds.
    size = None if stored.form == Form.NUMBER_TEXT else length(column, stored, text)
    return Asked(
        stored, column.family, f"COUNT({name})", (f"MIN({first})", f"MAX({first})"), (_sum(size),) if size else ()
    )


def _asked_float(stored: StoredColumn, name: str) -> Asked:
    # NaN is the largest number to Oracle, so that neither it nor the infinities pass.
    finite = f"CASE WHEN ABS({name})<BINARY_DOUBLE_INFINITY THEN {name} END"
    total = f"SUM(CAST({finite} AS BINARY_DOUBLE))"
    bounds = (f"MIN({finite})", f"MAX({finite})")
    return Asked(stored, Family.FLOAT64, f"COUNT({name})", bounds, (total,), f"COUNT({finite})")


def _asked_time(column: Column, stored: StoredColumn, name: str) -> Asked:
    digits = second_digits(stored.arrow)
    mask = ISO + (f".FF{digits}" if digits else "")
    bounds = tuple(f"LTRIM(TO_CHAR({utc(column, f'{way}({name})')},'{mask}'))" for way in ("MIN", "MAX"))
    totals: tuple[str, ...] = (_sum(seconds(column, name)),)
    if digits:
        totals += (_sum(f"TO_NUMBER(TO_CHAR({utc(column, name)},'FF{digits}'))"),)
    return Asked(stored, column.family, f"COUNT({name})", bounds, totals)


def _asked_number(column: Column, stored: StoredColumn, name: str) -> Asked:
    value = name if stored.form == Form.VALUE and column.family in _PLAIN_NUMBERS else value_of(column, stored)
    digits, scale = _digits(stored.arrow)
    totals: tuple[str, ...] = (_sum(value),)
    if digits > _SAFE_DIGITS:
        unit = _power(_SPLIT_DIGITS - scale)
        totals = (_sum(f"{value}-MOD({value},{unit})"), _sum(f"MOD({value},{unit})"))
    bounds = (f"TO_CHAR(MIN({value}),'TM9')", f"TO_CHAR(MAX({value}),'TM9')")
    return Asked(stored, Family.DECIMAL, f"COUNT({name})", bounds, totals)


_PLAIN_NUMBERS = (Family.DECIMAL, Family.NUMBER)


def _digits(arrow: str) -> tuple[int, int]:
    if not arrow.startswith("decimal128("):
        return 19, 0
    precision, scale = arrow.removeprefix("decimal128(").removesuffix(")").split(",")
    return int(precision), int(scale)


def _power(exponent: int) -> str:
    return "1" + "0" * exponent if exponent >= 0 else "0." + "0" * (-exponent - 1) + "1"


def aggregate_statements(table: TablePlan, charset: str, scn: int | None) -> Iterator[tuple[list[Asked], str]]:
    """Yield statements that compute aggregates, each with what it asks; its first value is the number of rows."""
    wanted = [part for stored in table.columns if (part := asked(table, stored, charset)) is not None]
    for first in range(0, len(wanted), COLUMNS_AT_ONCE):
        some = wanted[first : first + COLUMNS_AT_ONCE]
        expressions = ",".join(expression for part in some for expression in part.expressions)
        yield some, select(f"COUNT(*),{expressions}", from_clause(table.name, scn))


def read_aggregates(parts: Sequence[Asked], row: Sequence[Any]) -> dict[str, Aggregate]:
    """Return what the row of a statement of `aggregate_statements` says."""
    rows, *values = row
    found, place = {}, 0
    for part in parts:
        count = len(part.expressions)
        found[part.column.name] = _read_aggregate(part, int(rows), values[place : place + count])
        place += count
    return found


def _read_aggregate(part: Asked, rows: int, values: Sequence[Any]) -> Aggregate:
    count, rest = int(values[0]), list(values[1:])
    bounds = [_bound(part, value) for value in rest[: len(part.bounds)]] or [None, None]
    totals = rest[len(part.bounds) : len(part.bounds) + len(part.totals)]
    special = count - int(rest[-1]) if part.special else 0
    return Aggregate(rows - count, bounds[0], bounds[1], _total(part, totals), special)


def _bound(part: Asked, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        text: str | None = value
        if value is not None and part.family == Family.DECIMAL:
            text = exact_text(Decimal(value))
        return text
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return repr(float(value))


def _total(part: Asked, totals: Sequence[Any]) -> str | None:
    if not totals or totals[0] is None:
        return None
    if part.family == Family.FLOAT64:
        return repr(float(totals[0]))
    total = Decimal(totals[0])
    if part.column.arrow.startswith("timestamp") and len(totals) == 2:
        total = _EXACT.add(total, _EXACT.scaleb(Decimal(totals[1]), -second_digits(part.column.arrow)))
    elif len(totals) == 2:
        total = _EXACT.add(total, Decimal(totals[1]))
    return exact_text(total)


def not_digested(table: TablePlan, charset: str, *, hashes: bool) -> frozenset[str]:
    """Return the columns of the image that cannot be part of a digest.

    LOBs, LONG, XML, JSON, objects and BFILEs cannot be hashed in SQL; nor can texts that may be longer than 4,000
    bytes in UTF-8 where the database has another character set, nor RAW of more than 2,000 bytes, nor columns beyond
    the first 120. Before 12.1 there is no ``STANDARD_HASH``: nothing is hashed.

    Parameters
    ----------
    table, charset
        What is dumped, from a database with which character set.
    hashes
        Whether the server has ``STANDARD_HASH``.
    """
    if not hashes:
        return frozenset(stored.name for stored in table.columns)
    able = [stored for stored in table.columns if _canonical(table, stored, charset) is not None]
    taken = {stored.name for stored in able[:DIGESTED_COLUMNS]}
    return frozenset(stored.name for stored in table.columns if stored.name not in taken)


def _canonical(table: TablePlan, stored: StoredColumn, charset: str) -> str | None:
    column = table.schema.column(stored.column)
    return None if is_long(column) else canonical(column, stored, charset)


def digest_statement(table: TablePlan, columns: Sequence[StoredColumn], charset: str, scn: int | None) -> str:
    """Return the statement whose one value is the digest.

    Raises
    ------
    ValueError
        A column is one of those of `not_digested`.
    """
    hashes = []
    for number, stored in enumerate(columns):
        text = _canonical(table, stored, charset)
        if text is None:
            raise ValueError(f"{table.name}, column {stored.name}: cannot be hashed in Oracle")
        name = quoted(stored.column)
        hashed = f"LOWER(RAWTOHEX(STANDARD_HASH({text},'MD5')))"
        hashes.append(f"CASE WHEN {name} IS NULL THEN '-' ELSE {hashed} END H{number}")
    rows = select(",".join(hashes), from_clause(table.name, scn))
    row = "||".join(f"H{number}" for number in range(len(hashes)))
    number_of_row = f"TO_NUMBER(SUBSTR(RAWTOHEX(STANDARD_HASH({row},'MD5')),1,15),'XXXXXXXXXXXXXXX')"
    return select(_sum(number_of_row), f"({rows})")
