"""Texts and bytes: Oracle's functions of them, and the texts that it makes of other values."""

import hashlib
import math
import re
from decimal import Decimal

import oracle_double.columns as columns
import oracle_double.moments as moments
import oracle_double.rowids as rowids
from oracle_double.errors import OracleError
from oracle_double.values import EXACT, SqlValue, as_decimal, as_float, number_text, value_text


def moment_of(value: SqlValue) -> moments.Moment:
    """Return a time; raises OracleError (ORA-01861)."""
    found = moments.parse(value_text(value))
    if found is None:
        raise OracleError(1861, f"literal does not match format string: {value!r}")
    return found


def is_time(value: SqlValue) -> bool:
    """Whether a value looks like a time."""
    return isinstance(value, str) and moments.parse(value) is not None


def row(value: SqlValue) -> int:
    return rowids.row_of(value_text(value))


def chartorowid(value: SqlValue) -> str:
    return rowids.build(rowids.parts(value_text(value)))


def rowid_create(kind: int, table: int, file: int, block: int, slot: int) -> str:
    return rowids.build(rowids.Address(table, file, block, slot))


def to_char(value: SqlValue, code: int, mask: str | None = None) -> str | None:
    """By the type that the translator knows, else by what the value looks like."""
    if value is None:
        return None
    if code in columns.TIMES or (mask and code == 0 and is_time(value)):
        return moments.formatted(moment_of(value), mask or "YYYY-MM-DD HH24:MI:SS")
    if isinstance(value, str) and code in (columns.VARCHAR, columns.CHAR, columns.CLOB, 0) and not mask:
        return value or None
    if code in (columns.BINARY_DOUBLE, columns.BINARY_FLOAT):
        return _float_text(as_float(value))
    if code == columns.NUMBER or mask or isinstance(value, int | float):
        return _number_text(as_decimal(value), (mask or "TM9").upper())
    return value_text(value)


def _float_text(value: float) -> str:
    if math.isnan(value):
        return "Nan"
    if value in (float("inf"), float("-inf")):
        return "Inf" if value > 0 else "-Inf"
    return f"{value:.16E}" if value else "0"


def _number_text(value: Decimal, mask: str) -> str:
    fill = not mask.startswith("FM")
    mask = mask.removeprefix("FM")
    if mask in ("TM9", "TM"):
        return number_text(value)
    if mask == "TME":
        mantissa, exponent = f"{value.normalize(EXACT):E}".split("E")
        return f"{mantissa}E{int(exponent):+03d}"
    if set(mask) == {"X"}:
        return f"{int(value):X}"
    whole, _, fraction = mask.partition(".")
    if not set(whole + fraction) <= set("09SVD"):
        raise OracleError(1481, f"invalid number format model: {mask}")
    shown = f"{value.copy_abs():.{len(fraction)}f}"
    digits, point, rest = shown.partition(".")
    if len(digits) > len(whole):
        return "#" * (len(mask) + 1)
    digits = digits.rjust(len(whole), "0" if "0" in whole else " ")
    sign = "-" if value < 0 else " "
    result = f"{sign}{digits.strip()}{point}{rest}"
    return result.rjust(len(mask) + 1) if fill else result.strip()


def length(value: SqlValue) -> int | None:
    return len(value) or None if isinstance(value, bytes) else len(value_text(value)) or None


def lengthb(value: SqlValue) -> int | None:
    return len(value) if isinstance(value, bytes) else len(value_text(value).encode()) or None


def lob_length(value: SqlValue) -> int:
    # Oracle counts the 16-bit units in which it keeps CLOBs.
    return len(value) if isinstance(value, bytes) else len(value_text(value).encode("utf-16-be")) // 2


def substr(value: SqlValue, start: int, count: int | None = None) -> SqlValue:
    whole = value if isinstance(value, bytes) else value_text(value)
    start, count = int(start), len(whole) if count is None else int(count)
    first = start - 1 if start > 0 else max(len(whole) + start, 0) if start else 0
    return whole[first : first + count] or None


def instr(value: SqlValue, part: SqlValue, start: int = 1) -> int:
    return value_text(value).find(value_text(part), int(start) - 1) + 1


def replace(value: SqlValue, part: SqlValue, by: SqlValue = "") -> str | None:
    return value_text(value).replace(value_text(part), value_text(by)) or None


def pad_left(value: SqlValue, count: int, by: str = " ") -> str:
    shown = value_text(value)
    return shown[:count] if len(shown) >= count else (by * count)[: count - len(shown)] + shown


def pad_right(value: SqlValue, count: int, by: str = " ") -> str:
    shown = value_text(value)
    return (shown + by * count)[:count]


def translate(value: SqlValue, letters: str, by: str) -> str | None:
    table = {ord(letter): (by[at] if at < len(by) else None) for at, letter in enumerate(letters)}
    return value_text(value).translate(table) or None


def standard_hash(value: SqlValue, method: str = "SHA1") -> bytes:
    data = value if isinstance(value, bytes) else value_text(value).encode()
    return hashlib.new(method.lower(), data).digest()


def rawtohex(value: SqlValue) -> str | None:
    data = value if isinstance(value, bytes) else value_text(value).encode()
    return data.hex().upper() or None


def regexp_like(value: SqlValue, pattern: str, flags: str = "") -> int:
    return int(re.search(pattern, value_text(value), re.IGNORECASE if "i" in flags else 0) is not None)


def regexp_replace(value: SqlValue, pattern: str, by: str = "", *_: SqlValue) -> str | None:
    return re.sub(pattern, by, value_text(value)) or None


def regexp_substr(value: SqlValue, pattern: str, *_: SqlValue) -> str | None:
    found = re.search(pattern, value_text(value))
    return found[0] if found else None


def as_bytes(value: SqlValue) -> bytes:
    return value if isinstance(value, bytes) else value_text(value).encode()
