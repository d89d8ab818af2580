"""Numbers, times and intervals: what Oracle's operators and functions make of them, exactly."""

import math
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import oracle_double.columns as columns
import oracle_double.moments as moments
from oracle_double.errors import OracleError
from oracle_double.texts import is_time, moment_of, to_char
from oracle_double.values import EXACT, WIDE, SqlValue, as_decimal, as_float, encoder, keep, value_text

_UNITS = {"DAY": 86400, "HOUR": 3600, "MINUTE": 60, "SECOND": 1}
_ENCODE_NUMBER = encoder(columns.PLAIN_NUMBER)


def _span(value: SqlValue) -> Fraction | None:
    """Seconds of an INTERVAL DAY TO SECOND."""
    try:
        time = moments.parse_days(value_text(value))
    except ValueError:
        return None
    whole = ((time.days * 24 + time.hours) * 60 + time.minutes) * 60 + time.seconds
    return whole + Fraction(time.nanoseconds, 10**9)


def _span_text(span: Fraction) -> str:
    sign = "-" if span < 0 else "+"
    nanoseconds = round(abs(span) * 10**9)
    whole, fraction = divmod(nanoseconds, 10**9)
    days, rest = divmod(whole, 86400)
    return f"{sign}{days:02} {rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}.{fraction:09}"


def _sum(left: SqlValue, right: SqlValue, sign: int) -> SqlValue:
    if is_time(left):
        at = moment_of(left)
        if sign < 0 and is_time(right):
            between = moments.seconds(moments.to_utc(at)) - moments.seconds(moments.to_utc(moment_of(right)))
            return keep(EXACT.divide(Decimal(between.numerator), Decimal(between.denominator * 86400)))
        span = _span(right)
        if span is None:
            span = Fraction(as_decimal(right)) * 86400
        return moments.text_of(moments.of_seconds(moments.seconds(at) + sign * span, at.zone))
    first, second = _span(left), _span(right)
    if first is not None and second is not None:
        return _span_text(first + sign * second)
    other = as_decimal(right)
    return keep(EXACT.add(as_decimal(left), other if sign > 0 else other.copy_negate()))


def add(left: SqlValue, right: SqlValue) -> SqlValue:
    """Numbers, times and numbers of days, intervals."""
    return _sum(right, left, 1) if is_time(right) else _sum(left, right, 1)


def subtract(left: SqlValue, right: SqlValue) -> SqlValue:
    return _sum(left, right, -1)


def multiply(left: SqlValue, right: SqlValue) -> SqlValue:
    span = _span(left)
    if span is not None:
        return _span_text(span * Fraction(as_decimal(right)))
    return keep(EXACT.multiply(as_decimal(left), as_decimal(right)))


def divide(left: SqlValue, right: SqlValue) -> SqlValue:
    divisor = as_decimal(right)
    if not divisor:
        raise OracleError(1476, "divisor is equal to zero")
    return keep(EXACT.divide(as_decimal(left), divisor))


def time_key(value: SqlValue) -> str:
    """What sorts as the instant does."""
    at = moments.to_utc(moment_of(value))
    return f"{moments.seconds(at).__floor__() + 10**12:014}.{at.nanosecond:09}"


def number_bytes(value: SqlValue) -> bytes:
    """Return a number as on the wire, which sorts as the number does."""
    return _ENCODE_NUMBER(value)[1:]


def trunc(value: SqlValue, places: SqlValue = 0) -> SqlValue:
    if is_time(value):
        return moments.text_of(moment_of(value))[:-9].split(" ")[0] + " 00:00:00"
    return keep(as_decimal(value).quantize(Decimal(1).scaleb(-int(places or 0)), ROUND_DOWN, WIDE))


def round_(value: SqlValue, places: SqlValue = 0) -> SqlValue:
    return keep(as_decimal(value).quantize(Decimal(1).scaleb(-int(places or 0)), ROUND_HALF_UP, WIDE))


def mod(value: SqlValue, by: SqlValue) -> SqlValue:
    return keep(WIDE.remainder(as_decimal(value), as_decimal(by)))


def floor(value: SqlValue) -> SqlValue:
    return keep(as_decimal(value).to_integral_value("ROUND_FLOOR", WIDE))


def ceil(value: SqlValue) -> SqlValue:
    return keep(as_decimal(value).to_integral_value("ROUND_CEILING", WIDE))


def absolute(value: SqlValue) -> SqlValue:
    return abs(value) if isinstance(value, float) else keep(as_decimal(value).copy_abs())


def sign(value: SqlValue) -> int:
    number = as_decimal(value)
    return (number > 0) - (number < 0)


def power(value: SqlValue, exponent: SqlValue) -> SqlValue:
    return keep(EXACT.power(as_decimal(value), as_decimal(exponent)))


def nanvl(value: SqlValue, instead: SqlValue) -> SqlValue:
    number = as_float(value)
    return instead if math.isnan(number) else value


def to_binary_double(value: SqlValue) -> SqlValue:
    number = as_float(value)
    return "NaN" if math.isnan(number) else number


def to_number(value: SqlValue, mask: str | None = None, *_: SqlValue) -> SqlValue:
    shown = value_text(value).strip()
    try:
        return int(shown, 16) if mask and set(mask.upper().removeprefix("FM")) == {"X"} else keep(as_decimal(shown))
    except ValueError as error:
        raise OracleError(1722, f"invalid number: {shown!r}") from error


def cast(value: SqlValue, source: int, declared: str) -> SqlValue:
    """To the type of a declaration; raises OracleError where the value does not fit."""
    kind = columns.of_declaration(declared)
    if kind is None:
        raise OracleError(902, f"invalid datatype: {declared}")
    if kind.code == columns.NUMBER:
        return _as_number(value, kind)
    if kind.code in (columns.VARCHAR, columns.CHAR):
        shown = to_char(value, source) or ""
        return (shown[: kind.length].ljust(kind.length) if kind.code == columns.CHAR else shown[: kind.length]) or None
    if kind.code in (columns.BINARY_DOUBLE, columns.BINARY_FLOAT):
        return to_binary_double(value)
    if kind.code in columns.TIMES:
        return _as_time(moment_of(value), kind)
    return value


def _as_number(value: SqlValue, kind: columns.OracleType) -> SqlValue:
    number = as_decimal(value)
    if kind.scale == -127:
        return keep(number)
    rounded = number.quantize(Decimal(1).scaleb(-kind.scale), ROUND_HALF_UP, WIDE)
    if rounded and rounded.adjusted() >= kind.precision - kind.scale:
        raise OracleError(1438, f"value larger than specified precision allowed for this column: {number}")
    return keep(rounded)


def _as_time(at: moments.Moment, kind: columns.OracleType) -> str:
    if kind.code == columns.TIMESTAMP_LTZ:
        at = moments.to_utc(at)
    zone = (at.zone or "+00:00") if kind.code == columns.TIMESTAMP_TZ else ""
    digits = 0 if kind.code == columns.DATE else kind.scale
    step = 10 ** (9 - digits)
    plain = moments.Moment(at.year, at.month, at.day, at.hour, at.minute, at.second, at.nanosecond // step * step, zone)
    return moments.text_of(plain, digits)


def extract(unit: str, value: SqlValue) -> SqlValue:
    if unit in ("YEAR", "MONTH") and not is_time(value):
        months = moments.parse_months(value_text(value))
        years = int(months / 12)
        return years if unit == "YEAR" else months - 12 * years
    if not is_time(value):
        time = moments.parse_days(value_text(value))
        seconds = Decimal(time.seconds) + Decimal(time.nanoseconds).scaleb(-9)
        return {"DAY": time.days, "HOUR": time.hours, "MINUTE": time.minutes, "SECOND": keep(seconds)}[unit]
    at = moment_of(value)
    minutes = moments.offset(at)
    fields: dict[str, SqlValue] = {
        "YEAR": at.year, "MONTH": at.month, "DAY": at.day, "HOUR": at.hour, "MINUTE": at.minute,
        "SECOND": keep(Decimal(at.second) + Decimal(at.nanosecond).scaleb(-9)),
        "TIMEZONE_HOUR": int(minutes / 60), "TIMEZONE_MINUTE": minutes - int(minutes / 60) * 60,
        "TIMEZONE_REGION": at.zone or "UNKNOWN",
    }  # fmt: skip
    # A TIMESTAMP WITH TIME ZONE gives its hours in UTC, the only surprise of EXTRACT.
    if at.zone and unit in ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE"):
        at = moments.to_utc(at)
        return {"YEAR": at.year, "MONTH": at.month, "DAY": at.day, "HOUR": at.hour, "MINUTE": at.minute}[unit]
    return fields[unit]


def interval(value: SqlValue, unit: str) -> str:
    number = as_decimal(value)
    if unit in ("YEAR", "MONTH"):
        months = int(number * (12 if unit == "YEAR" else 1))
        return f"{'-' if months < 0 else '+'}{abs(months) // 12:02}-{abs(months) % 12:02}"
    return _span_text(Fraction(number) * _UNITS[unit])


def now(digits: int) -> str:
    at = moments.now()
    return moments.text_of(at, digits) if digits else moments.text_of(at, 0).removesuffix(" +00:00")


def at_zone(value: SqlValue, zone: str) -> str:
    zone = "+00:00" if zone in ("UTC", "GMT") else zone
    utc = moments.seconds(moments.to_utc(moment_of(value)))
    wall = moments.of_seconds(utc, zone)
    return moments.text_of(moments.of_seconds(utc + moments.offset(wall) * 60, zone))


def sys_extract_utc(value: SqlValue) -> str:
    return moments.text_of(moments.to_utc(moment_of(value)))


def from_tz(value: SqlValue, zone: str) -> str:
    at = moment_of(value)
    return moments.text_of(moments.of_seconds(moments.seconds(at), zone))


def to_date(value: SqlValue, mask: str = "YYYY-MM-DD HH24:MI:SS", *_: SqlValue) -> str:
    try:
        return moments.text_of(moments.parsed(value_text(value), mask))
    except ValueError as error:
        raise OracleError(1861, f"literal does not match format string: {error}") from error
