"""SQL for the values of a table: how each column of the image is asked for, and what its text is.

A query gives all values of a column at once, one after the other in binary format, with the server's own functions
(``int8send`` and the like): the client then has an Arrow column without looking at any row. Values of varied length
come as one string, and their lengths as another. An aggregate costs the server about as much as reading the row, so
doubles share one: the geometric types are nothing but two, three or four of them.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from dbdump.plan import TablePlan
from dbdump.schema import Column, Family
from dbdump.sources.postgresql.session import quoted
from dbdump.stored import INT64_DIGITS, Form, StoredColumn

UTF8 = "UTF8"
_INTEGERS = {"smallint": ("int2send", 2), "integer": ("int4send", 4), "bigint": ("int8send", 8)}
"""Types that need no cast, by the name that PostgreSQL shows."""
_PACK = 4
"""Doubles that one aggregate takes."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """How the values of one column of the image are fetched.

    Parameters
    ----------
    column
        Of the image.
    sql
        Gives ``bytea`` of `width` bytes, or text or bytes of any length.
    width
        Bytes of a value in binary format, 0 where they vary.
    text
        Whether `sql` is of type text.
    double
        SQL of the value itself where it is a double, else ``""``.
    """

    column: StoredColumn
    sql: str
    width: int
    text: bool = False
    double: str = ""


def fetches(table: TablePlan, encoding: str, threshold: int) -> tuple[Fetch, ...]:
    """Return how the columns of a table are fetched; those of `Form.LOB_FILE` are not among them.

    Parameters
    ----------
    table
        The plan.
    encoding
        Of the server.
    threshold
        Bytes above which a LOB is a file.
    """
    return tuple(
        _fetch(table.schema.column(stored.column), stored, encoding, threshold)
        for stored in table.columns
        if stored.form != Form.LOB_FILE
    )


def _fetch(column: Column, stored: StoredColumn, encoding: str, threshold: int) -> Fetch:
    name = quoted(column.name)
    if stored.form == Form.LOB:
        return Fetch(stored, f"CASE WHEN octet_length({name}) <= {threshold} THEN {name} END", 0)
    if stored.form == Form.LOB_SIZE:
        return Fetch(stored, f"int8send(octet_length({name})::int8)", 8)
    if stored.arrow == "binary":
        return Fetch(stored, raw_bytes(column, stored, encoding), 0)
    if stored.form == Form.VALUE:
        if stored.arrow == "double":
            return Fetch(stored, f"float8send({name})", 8, double=name)
        fixed = _fixed(column, stored, name)
        if fixed is not None:
            return Fetch(stored, *fixed)
    text = value_text(column, stored)
    if encoding == UTF8:
        return Fetch(stored, text, 0, text=True)
    # octet_length of text counts the server's bytes; what comes is in UTF-8.
    return Fetch(stored, f"textsend({text})", 0)


def _fixed(column: Column, stored: StoredColumn, name: str) -> tuple[str, int] | None:
    match stored.arrow:
        case "int64" if column.source_type in _INTEGERS:
            sends, width = _INTEGERS[column.source_type]
            return f"{sends}({name})", width
        case "int64" if column.family == Family.DECIMAL:
            return f"int8send({name}::int8)", 8
        case "float":
            return f"float4send({name})", 4
        case "bool":
            return f"boolsend({name})", 1
        case "date32[day]":
            return f"date_send({name})", 4
        case "time64[us]":
            return f"time_send({name})", 8
        case "timestamp[us]":
            return f"timestamp_send({name})", 8
        case "timestamp[us, tz=UTC]":
            return f"timestamptz_send({name})", 8
    if is_short_decimal(column, stored):
        # The declared scale is exact, and int64 holds the digits.
        return f"int8send(({name} * {10 ** (column.scale or 0)}::numeric)::int8)", 8
    return None


def is_short_decimal(column: Column, stored: StoredColumn) -> bool:
    """Whether a decimal128 comes as the integer of its digits."""
    if column.family != Family.DECIMAL or not stored.arrow.startswith("decimal128(") or (column.scale or 0) < 0:
        return False
    return int(stored.arrow.removeprefix("decimal128(").split(",")[0]) <= INT64_DIGITS


def raw_bytes(column: Column, stored: StoredColumn, encoding: str) -> str:
    """Return SQL for the bytes of a binary column of the image, as the server has them."""
    name = quoted(column.name)
    if stored.form != Form.RAW:
        return name
    if encoding == UTF8:
        # convert_to would refuse bytes that are no characters, and those are what is looked for.
        return f"bpcharsend({name})" if column.family == Family.CHAR else f"textsend({name}::text)"
    return f"convert_to({value_text(column, stored)}, getdatabaseencoding()::name)"


def value_text(column: Column, stored: StoredColumn) -> str:
    """Return SQL for the text of a value: what a column of type string holds, and exact numbers as decimal text."""
    name = quoted(column.name)
    if stored.form == Form.ISO_TEXT and column.family != Family.TIME:
        return iso_text(column)
    if column.family in (Family.DECIMAL, Family.NUMBER):
        return number_text(name)
    if column.family == Family.CHAR and stored.form != Form.TEXT:
        # A cast to text would cut the padding.
        return f"CASE WHEN {name} IS NOT NULL THEN format('%s', {name}) END"
    return f"{name}::text"


def number_text(expression: str) -> str:
    """Return SQL for a number as decimal text without exponent and trailing zeros; NaN and Infinity as words."""
    return f"trim_scale(({expression})::numeric)::text"


def iso_text(column: Column) -> str:
    """Return SQL for a time as ISO 8601 text, with ``Z`` for instants."""
    suffix = "Z" if column.family == Family.TIMESTAMP_UTC else ""
    time = column.family != Family.DATE
    return iso_expression(quoted(column.name), time=time, fraction=column.scale != 0, suffix=suffix)


def iso_expression(value: str, *, time: bool, fraction: bool, suffix: str = "") -> str:
    """Return SQL for a date or timestamp as ISO 8601 text.

    Years are astronomical as ISO 8601 has them: 0000 is 1 BC, -4712 is 4713 BC. Those after 9999 have more digits.

    Parameters
    ----------
    value
        SQL of type date, timestamp, or timestamptz: the session's time zone is UTC.
    time, fraction
        Whether the text has a time of day, and six digits of a second.
    suffix
        What follows the time.
    """
    # PostgreSQL counts ..., -1, 1, ...
    year = f"(extract(year FROM {value})::int + (extract(year FROM {value}) < 0)::int)"
    sign = f"CASE WHEN {year} < 0 THEN '-' ELSE '' END"
    digits = f"lpad(abs({year})::text, greatest(4, length(abs({year})::text)), '0')"
    if time:
        rest = f"to_char({value}, '-MM-DD\"T\"HH24:MI:SS{'.US' if fraction else ''}')"
    else:
        # to_char would make a timestamp of it, and that ends before a date does.
        month, day = (f"lpad(extract({part} FROM {value})::text, 2, '0')" for part in ("month", "day"))
        rest = f"'-' || {month} || '-' || {day}"
    return f"CASE WHEN isfinite({value}) THEN {sign} || {digits} || {rest} || '{suffix}' ELSE {value}::text END"


def packs(part: Sequence[Fetch], nullable: Collection[str]) -> Iterator[tuple[Fetch, ...]]:
    """Yield all columns, those that one aggregate takes together.

    Parameters
    ----------
    part
        The columns.
    nullable
        Names of columns that have NULLs: a geometric value is NULL as soon as one of its parts is.
    """
    doubles: list[Fetch] = []
    for fetch in part:
        if fetch.double and fetch.column.name not in nullable:
            doubles.append(fetch)
        else:
            yield (fetch,)
    for start in range(0, len(doubles), _PACK):
        yield tuple(doubles[start : start + _PACK])


def aggregated(pack: Sequence[Fetch]) -> list[str]:
    """Return the aggregates that fetch columns: their values, and the lengths where they vary."""
    if len(pack) > 1:
        return [joined(_packed([fetch.double for fetch in pack]))]
    (fetch,) = pack
    if fetch.width:
        return [joined(fetch.sql)]
    return [
        f"string_agg({fetch.sql}, NULL::text)" if fetch.text else joined(fetch.sql),
        joined(f"int4send(coalesce(octet_length({fetch.sql}), -1))"),
    ]


def _packed(doubles: Sequence[str]) -> str:
    """Return SQL for two to four doubles as they are in binary format, one after the other."""
    match doubles:
        case [a, b]:
            return f"point_send(point({a}, {b}))"
        case [a, b, c]:
            return f"circle_send(circle(point({a}, {b}), {c}))"
        case [a, b, c, d]:
            return f"lseg_send(lseg(point({a}, {b}), point({c}, {d})))"
    raise ValueError(f"{len(doubles)} doubles do not make a geometric value")


def joined(value: str) -> str:
    """Return the aggregate that puts values of type bytea one after the other, without the NULLs."""
    # An empty separator instead of none would be appended, row by row.
    return f"string_agg({value}, NULL::bytea)"


def null_mask(fetch: Fetch) -> str:
    """Return the aggregate that gives one byte for each row: 1 where a column of fixed width is NULL."""
    return joined(f"boolsend({quoted(fetch.column.column)} IS NULL)")
