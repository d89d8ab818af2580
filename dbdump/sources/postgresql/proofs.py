"""Counts, aggregates and digest of a table, computed in the server: the definitions are in `dbdump.verify.canon`."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dbdump.errors import ValueLossError
from dbdump.plan import Chunk, TablePlan
from dbdump.schema import Column, Family, TableSchema
from dbdump.sources.contract import Aggregate
from dbdump.sources.postgresql.expressions import UTF8, iso_expression, number_text, raw_bytes, value_text
from dbdump.sources.postgresql.pages import find_heap, from_clause, tid_range
from dbdump.sources.postgresql.session import Session, quoted
from dbdump.stored import Form, StoredColumn

_COLUMNS = 200
"""Columns of one query: PostgreSQL allows 1664 results."""
_NUMBERS = 1 << 32
"""Numbers of transactions that 32 bits tell apart."""
_FIRST_NORMAL = 3
"""Smaller ones are of the server's own making, and older than all others (src/include/access/transam.h)."""
_SCALE = 128
"""Power of two by which floats are made smaller where their sum is too large for a double."""


def count(session: Session, table: TableSchema, chunk: Chunk | None) -> int:
    """Count the rows of a table or chunk."""
    where = str(table.name)
    with session.moment():
        if chunk is None:
            parts = ["SELECT count(*)", from_clause(session, table)]
        else:
            heap = find_heap(session, table, chunk)
            condition = tid_range((heap.low, 0), (heap.high, 0))
            parts = ["SELECT count(*) FROM ONLY", heap.sql, "WHERE", condition]
        ((rows,),) = session.rows(" ".join(parts), where=where)
    return int(rows)


def count_written(session: Session, table: TableSchema, chunk: Chunk, since: str) -> tuple[int, int]:
    """Count the rows of a chunk, and those that were written by a transaction that an earlier snapshot may not see.

    A row has the number of the transaction that wrote it (``xmin``), and keeps it when it is frozen (PostgreSQL 9.4 and
    later). All transactions before the first number of a snapshot were over when it was taken. Those after it count as
    unseen, also where they were over: a snapshot does not name the subtransactions of those that still ran.

    Parameters
    ----------
    session, table, chunk
        What is counted, in the moment of the session.
    since
        What ``pg_current_snapshot()`` said of the earlier snapshot: ``first:next:running,...``.

    Raises
    ------
    TableError
        The table cannot be read, or was rewritten.
    """
    with session.moment():
        heap = find_heap(session, table, chunk)
        ((now,),) = session.rows("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::int8")
        results = f"count(*), count(*) FILTER (WHERE {_unseen(since, now)})"
        condition = tid_range((heap.low, 0), (heap.high, 0))
        query = " ".join(("SELECT", results, "FROM ONLY", heap.sql, "WHERE", condition))
        ((rows, written),) = session.rows(query, where=str(table.name))
    return int(rows), int(written)


def _unseen(since: str, now: int) -> str:
    """Return the condition for rows that a snapshot may not see, where the next transaction is `now`.

    A row has only the lower 32 bits of the number: of all numbers that it can be, the latest one counts. So no new row
    passes for an old one; an old one rarely for a new one.
    """
    found = re.fullmatch(r"(\d{1,19}):(\d{1,19}):[\d,]*", since)
    first, following = (int(found[1]), int(found[2])) if found else (0, 0)
    # After so many transactions nothing can be told; with fewer than there were, the server was set back.
    if not found or now < following or now - first >= _NUMBERS:
        return "true"
    number = "xmin::text::int8"
    return f"{number} >= {_FIRST_NORMAL} AND (({now} - {number}) & {_NUMBERS - 1}) <= {now - first}"


def digest(session: Session, table: TablePlan, columns: Sequence[StoredColumn]) -> str:
    """Compute the order-free digest of all rows over some columns of the image."""
    texts = [
        _hashed(table.schema.column(stored.column), stored, session.encoding)
        for stored in columns
        if stored.form not in (Form.LOB_FILE, Form.LOB_SIZE)
    ]
    row = f"md5(array_to_string(ARRAY[{', '.join(texts)}]::text[], '', '-'))"
    total = f"coalesce(sum(('x' || left({row}, 15))::bit(60)::int8), 0)::text"
    query = " ".join(("SELECT", total, from_clause(session, table.schema)))
    ((found,),) = session.rows(query, where=str(table.name))
    return str(found)


def _hashed(column: Column, stored: StoredColumn, encoding: str) -> str:
    name = quoted(column.name)
    match stored.arrow:
        case "binary":
            return f"md5(encode({raw_bytes(column, stored, encoding)}, 'hex'))"
        case "string":
            text = value_text(column, stored)
            return f"md5({text})" if encoding == UTF8 else f"md5(textsend({text}))"
        case "float":
            return f"md5(encode(float4send({name}), 'hex'))"
        case "double":
            return f"md5(encode(float8send({name}), 'hex'))"
        case "bool":
            return f"md5({name}::int::text)"
        case "date32[day]":
            return f"md5(({name} - date '1970-01-01')::text)"
        case "int64" if column.family == Family.DECIMAL:
            return f"md5({name}::int8::text)"
    if stored.arrow.startswith(("time64", "timestamp")):
        return f"md5((extract(epoch FROM {name}) * 1000000)::int8::text)"
    return f"md5({number_text(name)})"


@dataclass(frozen=True, slots=True)
class _Asked:
    """SQL for the parts of an `Aggregate`, and how to read the answers."""

    column: StoredColumn
    present: str
    low: str = "NULL"
    high: str = "NULL"
    total: str = "NULL"
    special: str = "0"
    coded: bool = False


def aggregates(session: Session, table: TablePlan) -> dict[str, Aggregate]:
    """Compute the facts of all columns of the image, by their names."""
    try:
        return _aggregates(session, table, scale=0)
    except ValueLossError:
        # The sum of floats is larger than the largest one. All other sums are exact numbers without bounds.
        return _aggregates(session, table, scale=_SCALE)


def _aggregates(session: Session, table: TablePlan, *, scale: int) -> dict[str, Aggregate]:
    asked = list(_all_asked(table, session.encoding, scale))
    source, where = from_clause(session, table.schema), str(table.name)
    found: dict[str, Aggregate] = {}
    with session.moment():
        for start in range(0, len(asked), _COLUMNS):
            part = asked[start : start + _COLUMNS]
            results = [text for item in part for text in (item.present, item.low, item.high, item.total, item.special)]
            ((rows, *values),) = session.rows(
                " ".join(("SELECT", ", ".join(["count(*)", *results]), source)), where=where
            )
            for number, item in enumerate(part):
                found[item.column.name] = _answer(item, rows, values[5 * number : 5 * number + 5], scale)
    return found


def _answer(asked: _Asked, rows: int, values: Sequence[object], scale: int) -> Aggregate:
    present, low, high, total, special = values
    if isinstance(total, list):
        large, small = total
        total = large * 2.0**scale + small
    texts = [_shown(value, coded=asked.coded) for value in (low, high)]
    sum_text = None if total is None else repr(total) if isinstance(total, float) else str(total)
    nulls = rows - int(str(present))
    return Aggregate(nulls, texts[0], texts[1], sum_text, int(str(special or 0)))


def _shown(value: object, *, coded: bool) -> str | None:
    if value is None:
        return None
    if isinstance(value, float):
        return repr(value)
    text = bytes.fromhex(str(value)).decode("utf-8", "replace") if coded else str(value)
    return text[:100]


def _all_asked(table: TablePlan, encoding: str, scale: int) -> Iterator[_Asked]:
    for stored in table.columns:
        if stored.form != Form.LOB_FILE:
            yield _asked(table.schema.column(stored.column), stored, encoding, scale)


def _asked(column: Column, stored: StoredColumn, encoding: str, scale: int) -> _Asked:
    name = quoted(column.name)
    item = _Asked(stored, f"count({name}::text)" if column.family == Family.AS_TEXT else f"count({name})")
    if stored.form == Form.LOB_SIZE:
        return _numbers(item, f"octet_length({name})")
    if stored.arrow == "binary":
        return replace(item, total=f"sum(octet_length({raw_bytes(column, stored, encoding)}))::text")
    if stored.arrow == "string":
        texts = _texts(item, value_text(column, stored), encoding)
        return _number_texts(texts, f"{name}::numeric") if stored.form == Form.NUMBER_TEXT else texts
    if stored.arrow in ("float", "double"):
        return _floats(item, f"{name}::float8", scale)
    if stored.arrow == "bool":
        return replace(item, total=f"sum({name}::int)::text")
    if stored.arrow == "time64[us]":
        low, high = (f"to_char({which}({name})::interval, 'HH24:MI:SS.US')" for which in ("min", "max"))
        return replace(item, low=low, high=high, total=number_text(f"sum(extract(epoch FROM {name}) * 1000000)"))
    if stored.arrow == "date32[day]" or stored.arrow.startswith("timestamp"):
        day = stored.arrow == "date32[day]"
        low, high = (iso_expression(f"{which}({name})", time=not day, fraction=True) for which in ("min", "max"))
        count_of = f"{name} - date '1970-01-01'" if day else f"extract(epoch FROM {name})"
        return replace(item, low=low, high=high, total=number_text(f"sum({count_of})"))
    # An oid becomes a number only by way of int8.
    whole = column.family == Family.DECIMAL and stored.arrow == "int64"
    return _numbers(item, f"{name}::int8::numeric" if whole else f"{name}::numeric")


def _numbers(item: _Asked, value: str) -> _Asked:
    low, high, total = (number_text(f"{which}({value})") for which in ("min", "max", "sum"))
    return replace(item, low=low, high=high, total=total)


def _number_texts(item: _Asked, value: str) -> _Asked:
    """Numbers that are text in the image: the sum of numeric has no bounds, and is exact."""
    special = f"{value} IN ('NaN', 'Infinity', '-Infinity')"
    total = number_text(f"sum({value}) FILTER (WHERE NOT {special})")
    return replace(item, total=total, special=f"count(*) FILTER (WHERE {special})")


def _floats(item: _Asked, value: str, scale: int) -> _Asked:
    special = f"{value} IN ('NaN', 'Infinity', '-Infinity')"
    finite = f"FILTER (WHERE NOT {special})"
    # Zeros of both signs are equal, and which one is the smallest is left to chance: -0.0 + 0.0 is 0.0.
    low, high = (f"{which}({value}) {finite} + 0.0::float8" for which in ("min", "max"))
    total = f"sum({value}) {finite} + 0.0::float8"
    if scale:
        # Only the large values are made smaller: PostgreSQL takes a product that is too small for an error.
        large = f"sum(CASE WHEN abs({value}) >= 1 THEN {value} * {2.0**-scale!r}::float8 ELSE 0 END) {finite}"
        small = f"sum(CASE WHEN abs({value}) < 1 THEN {value} ELSE 0 END) {finite}"
        total = f"CASE WHEN count(*) {finite} > 0 THEN ARRAY[{large}, {small}] END"
    return replace(item, low=low, high=high, total=total, special=f"count(*) FILTER (WHERE {special})")


def _texts(item: _Asked, text: str, encoding: str) -> _Asked:
    if encoding == UTF8:
        # The smallest of the first parts is the first part of the smallest.
        low, high = (f'{which}(left({text}, 100) COLLATE "C")' for which in ("min", "max"))
        return replace(item, low=low, high=high, total=f"sum(char_length({text}))::text")
    code = f"encode(textsend({text}), 'hex') COLLATE \"C\""
    total = f"sum(length(textsend({text}), 'UTF8'))::text"
    return replace(item, low=f"min({code})", high=f"max({code})", total=total, coded=True)
