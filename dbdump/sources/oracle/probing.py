"""What the values of a table are like: one statement for all columns that need it."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from dbdump.schema import Column, Family, TableSchema
from dbdump.sources.oracle.expressions import ISO, fraction_digits, utc
from dbdump.sources.oracle.names import from_clause, quoted, select
from dbdump.stored import Probe
from dbdump.verify.canon import number_text

COLUMNS_AT_ONCE = 200
"""Columns looked at in one reading: a select list has at most 1000 expressions."""
_NUMBERS = (Family.NUMBER, Family.DECIMAL)


def probe_statements(
    table: TableSchema, columns: Sequence[Column], scn: int | None
) -> Iterator[tuple[Sequence[Column], str]]:
    """Yield statements that look at columns, each with those it looks at; as a rule there is one."""
    for first in range(0, len(columns), COLUMNS_AT_ONCE):
        some = columns[first : first + COLUMNS_AT_ONCE]
        asked = ",".join(",".join(_asked(column)) for column in some)
        yield some, select(asked, from_clause(table.name, scn))


def _asked(column: Column) -> tuple[str, ...]:
    name = quoted(column.name)
    if column.family in _NUMBERS:
        return (f"TO_CHAR(MIN({name}),'TM9')", f"TO_CHAR(MAX({name}),'TM9')", f"MAX({fraction_digits(name)})")
    fraction = "" if column.family == Family.DATETIME else ".FF9"
    return tuple(f"LTRIM(TO_CHAR({utc(column, f'{way}({name})')},'{ISO}{fraction}'))" for way in ("MIN", "MAX"))


def read_probes(columns: Sequence[Column], row: Sequence[Any]) -> dict[str, Probe]:
    """Return what the row of a statement of `probe_statements` says."""
    values, probes = iter(row), {}
    for column in columns:
        low, high = next(values), next(values)
        scale = next(values) if column.family in _NUMBERS else None
        # Oracle writes its infinite NUMBERs as tildes; they came from versions before 10g.
        special = sum(text is not None and "~" in text for text in (low, high))
        if special:
            low = high = None
        elif column.family in _NUMBERS:
            low, high = (None if text is None else number_text(Decimal(text)) for text in (low, high))
        probes[column.name] = Probe(low, high, None if scale is None else int(scale), special)
    return probes
