"""SQL for the values of a table: how each column of the image is asked for, and what its text is.

A query gives all values of a column at once, one after the other in binary format, with the server's own functions
(``int8send`` and the like): the client then has an Arrow column without looking at any row. Values of varied length
come as one string, and their lengths as another.
"""

from dataclasses import dataclass

from dbdump.plan import TablePlan
from dbdump.schema import Column, Family
from dbdump.sources.postgresql.session import quoted
from dbdump.stored import INT64_DIGITS, Form, StoredColumn

UTF8 = "UTF8"


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
    """

    column: StoredColumn
    sql: str
    width: int
    text: bool = False


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
        case "int64" if column.family == Family.DECIMAL:
            return f"int8send({name}::int8)", 8
        case "float":
            return f"float4send({name})", 4
        case "double":
            return f"float8send({name})", 8
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


def aggregated(fetch: Fetch) -> list[str]:
    """Return the aggregates that fetch a column: its values, and their lengths where they vary."""
    values = f"string_agg({fetch.sql}, ''{'' if fetch.text else '::bytea'})"
    if fetch.width:
        return [values]
    return [values, f"string_agg(int4send(coalesce(octet_length({fetch.sql}), -1)), ''::bytea)"]


def null_mask(fetch: Fetch) -> str:
    """Return the aggregate that gives one byte for each row: 1 where a column of fixed width is NULL."""
    return f"string_agg(boolsend({quoted(fetch.column.column)} IS NULL), ''::bytea)"
