"""Values between SQLite and the wire.

Facts: python-oracledb, src/oracledb/impl/base/decoders.pyx and encoders.pyx.
"""

import math
import re
import struct
from collections.abc import Callable
from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache

import oracle_double.columns as columns
import oracle_double.moments as moments
import oracle_double.rowids as rowids
import oracle_double.wire as wire

SqlValue = None | int | float | str | bytes
Encoder = Callable[[SqlValue], bytes]
EXACT = Context(prec=40, Emin=-200, Emax=200)
"""Oracle's NUMBER keeps up to 40 digits."""
WIDE = Context(prec=400, Emin=-999, Emax=999)
"""For what is done on the way to such a number."""
_MIDDLE = 0x80000000
_REGION = 0x80


def as_decimal(value: SqlValue) -> Decimal:
    """Return a number in whatever form SQLite keeps it: integer, float, decimal text, or such text as bytes."""
    if isinstance(value, float):
        return Decimal(repr(value))
    text = value.decode() if isinstance(value, bytes) else value
    try:
        return Decimal(text or 0)
    except InvalidOperation as error:
        raise ValueError(f"ORA-01722: invalid number: {text!r}") from error


def keep(value: Decimal) -> int | str:
    """Return a number as SQLite keeps it without loss: an integer of 64 bits, or decimal text."""
    if value == value.to_integral_value() and value.copy_abs() < 2**63:
        return int(value)
    return format(value.normalize(EXACT), "f") if -40 < value.adjusted() < 60 else str(value.normalize(EXACT))


@lru_cache(maxsize=65536)
def _number(value: int | str | bytes | float) -> bytes:
    """Encode base-100 digits behind an exponent; negative numbers are complements, so that bytes sort as numbers do."""
    exact = EXACT.plus(as_decimal(value))
    if exact == 0:
        return b"\1\x80"
    sign, digits, exponent = exact.as_tuple()
    text = "".join(map(str, digits))
    if int(exponent) % 2:
        text, exponent = text + "0", int(exponent) - 1
    if len(text) % 2:
        text = "0" + text
    pairs = [int(text[at : at + 2]) for at in range(0, len(text), 2)]
    power = len(pairs) + int(exponent) // 2 - 1
    while pairs and pairs[0] == 0:
        pairs.pop(0)
        power -= 1
    while pairs and pairs[-1] == 0:
        pairs.pop()
    pairs = pairs[:20]
    if sign:
        raw = bytes((62 - power, *(101 - pair for pair in pairs), *((102,) if len(pairs) < 20 else ())))
    else:
        raw = bytes((193 + power, *(pair + 1 for pair in pairs)))
    return bytes((len(raw),)) + raw


def _whole(value: int) -> bytes:
    """Encode an integer of at most 18 digits, much faster."""
    left, pairs = abs(value), []
    while left:
        left, pair = divmod(left, 100)
        pairs.append(pair)
    power, skipped = len(pairs) - 1, 0
    while not pairs[skipped]:
        skipped += 1
    pairs = pairs[: skipped - 1 if skipped else None : -1]
    if value < 0:
        return bytes((len(pairs) + 2, 62 - power, *[101 - pair for pair in pairs], 102))
    return bytes((len(pairs) + 1, 193 + power, *[pair + 1 for pair in pairs]))


def _encode_number(value: SqlValue) -> bytes:
    if value is None:
        return b"\0"
    return _whole(value) if isinstance(value, int) and 0 < abs(value) < 10**18 else _number(value)


def decode_number(raw: bytes) -> int | str:
    """Return a number of the wire as SQLite keeps it."""
    if raw[0] & 0x80:
        power, pairs = raw[0] - 193, [byte - 1 for byte in raw[1:]]
    else:
        power, pairs = 62 - raw[0], [101 - byte for byte in raw[1:] if byte != 102]
    digits = tuple(digit for pair in pairs for digit in divmod(pair, 10))
    value = Decimal((0 if raw[0] & 0x80 else 1, digits or (0,), 2 * (power - len(pairs) + 1)))
    return keep(value)


def _float_encoder(form: str) -> Encoder:
    def encode(value: SqlValue) -> bytes:
        if value is None:
            return b"\0"
        raw = struct.pack(form, as_float(value))
        # Sign and order: positive numbers get the top bit, negative ones are complements.
        flipped = bytes(byte ^ 255 for byte in raw) if raw[0] & 0x80 else bytes((raw[0] | 0x80,)) + raw[1:]
        return bytes((len(flipped),)) + flipped

    return encode


def as_float(value: SqlValue) -> float:
    """Return a float, also from the texts ``NaN``, ``Inf`` and ``-Inf``."""
    return float(value.decode() if isinstance(value, bytes) else value or 0)


def _decode_float(raw: bytes) -> float | str:
    plain = bytes((raw[0] & 0x7F,)) + raw[1:] if raw[0] & 0x80 else bytes(byte ^ 255 for byte in raw)
    value = float(struct.unpack(">f" if len(raw) == 4 else ">d", plain)[0])
    return "NaN" if math.isnan(value) else value


def _text_encoder(kind: columns.OracleType) -> Encoder:
    charset = "utf-16-be" if kind.form == columns.NATIONAL and kind.code in (columns.VARCHAR, columns.CHAR) else "utf-8"
    length = kind.length if kind.code == columns.CHAR else 0

    def encode(value: SqlValue) -> bytes:
        if value is None:
            return b"\0"
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value_text(value)
        return wire.text_or_bytes(text.ljust(length).encode(charset) if text else b"")

    return encode


def value_text(value: SqlValue) -> str:
    """Return the text that Oracle makes of a value without being told how."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int | float):
        return number_text(Decimal(repr(value)))
    return value.hex().upper() if isinstance(value, bytes) else value or ""


def number_text(value: Decimal) -> str:
    """Return a number as TO_CHAR(x, 'TM9') does: no zero before the point, an exponent beyond 64 characters."""
    if not value:
        return "0"
    plain = format(value.normalize(EXACT), "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    plain = plain.replace("0.", ".", 1) if plain.lstrip("-").startswith("0.") else plain
    if len(plain) <= 64:
        return plain
    mantissa, exponent = f"{value.normalize(EXACT):E}".split("E")
    return f"{mantissa}E{int(exponent):+03d}"


def _bytes_encoder() -> Encoder:
    def encode(value: SqlValue) -> bytes:
        if value is None:
            return b"\0"
        return wire.text_or_bytes(value if isinstance(value, bytes) else value_text(value).encode())

    return encode


@lru_cache(maxsize=16384)
def _time(value: str, code: int) -> bytes:
    moment = moments.parse(value)
    if moment is None:
        raise ValueError(f"ORA-01861: literal does not match format string: {value!r}")
    shown = moments.to_utc(moment) if code in (columns.TIMESTAMP_TZ, columns.TIMESTAMP_LTZ) else moment
    raw = date_bytes(shown)
    if code != columns.DATE:
        raw += struct.pack(">I", moment.nanosecond)
    if code == columns.TIMESTAMP_TZ:
        raw += _zone(moment)
    return bytes((len(raw),)) + raw


def date_bytes(moment: moments.Moment) -> bytes:
    """Return the seven bytes of a DATE: centuries and years in excess of 100, times in excess of 1."""
    century, year = int(math.fabs(moment.year)) // 100, abs(moment.year) % 100
    sign = -1 if moment.year < 0 else 1
    fields = (100 + sign * century, 100 + sign * year, moment.month, moment.day)
    return bytes((*fields, moment.hour + 1, moment.minute + 1, moment.second + 1))


def _zone(moment: moments.Moment) -> bytes:
    if moment.zone and moment.zone[0] not in "+-":
        region = sum(moment.zone.encode()) % 500 + 1  # Oracle's numbers are not public; the driver takes none
        return bytes((_REGION | region >> 6, (region & 0x3F) << 2))
    minutes = moments.offset(moment)
    hours = int(minutes / 60)
    return bytes((hours + 20, minutes - hours * 60 + 60))


def _time_encoder(kind: columns.OracleType) -> Encoder:
    code = kind.code

    def encode(value: SqlValue) -> bytes:
        if value is None:
            return b"\0"
        text = value_text(value)
        if code in (columns.DATE, columns.TIMESTAMP) and len(text) in (19, 26) and text[4] == "-":
            return _plain_time(text, code)
        return _time(text, code)

    return encode


def _plain_time(text: str, code: int) -> bytes:
    """Encode a time of this era without a zone, and without or with microseconds, much faster."""
    century, year, month, day = int(text[:2]) + 100, int(text[2:4]) + 100, int(text[5:7]), int(text[8:10])
    fields = (century, year, month, day, int(text[11:13]) + 1, int(text[14:16]) + 1, int(text[17:19]) + 1)
    if code == columns.DATE:
        return bytes((7, *fields))
    return bytes((11, *fields)) + (int(text[20:] or 0) * 1000).to_bytes(4, "big")


def _decode_time(raw: bytes) -> str:
    year = (raw[0] - 100) * 100 + raw[1] - 100
    nanosecond = int.from_bytes(raw[7:11], "big")
    moment = moments.Moment(year, raw[2], raw[3], raw[4] - 1, raw[5] - 1, raw[6] - 1, nanosecond)
    if len(raw) < 13:
        return moments.text_of(moment)
    minutes = (raw[11] - 20) * 60 + raw[12] - 60
    zone = moments.offset_text(minutes)
    return moments.text_of(moments.of_seconds(moments.seconds(moment) + minutes * 60, zone))


def _encode_months(value: SqlValue) -> bytes:
    if value is None:
        return b"\0"
    months = moments.parse_months(value_text(value))
    years = int(months / 12)
    return b"\5" + struct.pack(">IB", years + _MIDDLE, months - years * 12 + 60)


def _encode_days(value: SqlValue) -> bytes:
    if value is None:
        return b"\0"
    time = moments.parse_days(value_text(value))
    fields = (time.days + _MIDDLE, time.hours + 60, time.minutes + 60, time.seconds + 60, time.nanoseconds + _MIDDLE)
    return b"\x0b" + struct.pack(">IBBBI", *fields)


def _encode_rowid(value: SqlValue) -> bytes:
    if value is None:
        return b"\0"
    parts = rowids.parts(value_text(value))
    numbers = map(wire.number, (parts.object, parts.file, parts.block, parts.slot))
    first, second, block, slot = numbers
    return b"\x0d" + first + second + b"\0" + block + slot


def _encode_urowid(value: SqlValue) -> bytes:
    if value is None:
        return b"\0"
    parts = rowids.parts(value_text(value))
    raw = struct.pack(">BIHIH", 1, parts.object, parts.file, parts.block, parts.slot)
    return wire.text_or_bytes(b"\x0d") + wire.text_or_bytes(raw)


_FIXED: dict[int, Encoder] = {
    columns.NUMBER: _encode_number,
    columns.BINARY_FLOAT: _float_encoder(">f"),
    columns.BINARY_DOUBLE: _float_encoder(">d"),
    columns.INTERVAL_YM: _encode_months,
    columns.INTERVAL_DS: _encode_days,
    columns.ROWID: _encode_rowid,
    columns.UROWID: _encode_urowid,
}


def encoder(kind: columns.OracleType) -> Encoder:
    """Return the function that writes values of a type; LOBs and LONGs are not among them."""
    if kind.code in _FIXED:
        return _FIXED[kind.code]
    if kind.code in columns.TIMES:
        return _time_encoder(kind)
    return _text_encoder(kind) if kind.code in (columns.VARCHAR, columns.CHAR) else _bytes_encoder()


def decode_bind(code: int, form: int, raw: bytes | None) -> SqlValue:
    """Return a value that the client has bound, as SQLite keeps it."""
    if raw is None:
        return None
    if code in (columns.NUMBER, 3):
        return decode_number(raw)
    if code in (columns.BINARY_FLOAT, columns.BINARY_DOUBLE):
        return _decode_float(raw)
    if code in columns.TIMES:
        return _decode_time(raw)
    if code in columns.TEXTS:
        return raw.decode("utf-16-be" if form == columns.NATIONAL else "utf-8")
    return raw


DECIMAL_TEXT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(E[+-]?\d+)?", re.I)
