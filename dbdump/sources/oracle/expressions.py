"""SQL for values: what is selected to be stored, and the texts by which source and image are compared.

Every expression relies on the session of `dbdump.sources.oracle.session` (numeric characters, time zone, binary sort).
Functions and format elements are those of Oracle's "SQL Language Reference".
"""

from dbdump.schema import Column, Family
from dbdump.sources.oracle.names import quoted
from dbdump.sources.oracle.types import is_long, is_national, is_object
from dbdump.stored import Form, StoredColumn
from dbdump.verify.canon import second_digits

ISO = 'SYYYY-MM-DD"T"HH24:MI:SS'
"""ISO 8601 with a sign for years before the common era; the blank before other years is trimmed."""
UTF8 = "AL32UTF8"
"""Oracle's name for UTF-8; its ``UTF8`` is CESU-8, which differs beyond U+FFFF."""
_CODE_POINT_ORDER = frozenset({UTF8, "US7ASCII", "WE8ISO8859P1"})
LARGEST_STRING, LARGEST_RAW = 4000, 2000
"""Bytes of an expression in SQL without MAX_STRING_SIZE=EXTENDED."""
_JULIAN_OF_1970 = 2_440_588


def value_of(column: Column, stored: StoredColumn) -> str:
    """Return what is selected for a column that Arrow batches can hold, in the type that is asked for."""
    name = quoted(column.name)
    match stored.form:
        case Form.NUMBER_TEXT:
            return f"TO_CHAR({name},'TM9')"
        case Form.ISO_TEXT:
            return iso_text(column, name)
        case Form.OFFSET:
            return f"TO_CHAR({name},'TZR')"
        case Form.RAW:
            return f"UTL_RAW.CAST_TO_RAW({name})"
        case Form.TEXT:
            return text_of(column, name)
        case _:
            return _plain_value(column, stored, name)


def _plain_value(column: Column, stored: StoredColumn, name: str) -> str:
    if stored.arrow.startswith("timestamp[ns"):
        # The driver's way from TIMESTAMP to Arrow ends at microseconds.
        return f"TO_CHAR({utc(column, name)},'YYYY-MM-DD\"T\"HH24:MI:SS.FF9')"
    match column.family:
        case Family.TIMESTAMP_TZ | Family.TIMESTAMP_UTC:
            return f"CAST({utc(column, name)} AS TIMESTAMP(6))"
        case Family.INTERVAL_MONTHS:
            return f"CAST({_months(name)} AS NUMBER(10))"
        case Family.INTERVAL_SECONDS:
            return f"CAST({_interval(name, stored.unit)} AS NUMBER(19))"
        case _:
            return name


def _months(name: str) -> str:
    return f"EXTRACT(YEAR FROM {name})*12+EXTRACT(MONTH FROM {name})"


def _interval(name: str, unit: str) -> str:
    minutes = f"(EXTRACT(DAY FROM {name})*24+EXTRACT(HOUR FROM {name}))*60+EXTRACT(MINUTE FROM {name})"
    return f"(({minutes})*60+EXTRACT(SECOND FROM {name}))*{10**9 if unit == 'ns' else 10**6}"


def utc(column: Column, expression: str) -> str:
    """Return a time as one without a zone: in UTC if it is an instant, else as it is."""
    if column.family == Family.TIMESTAMP_TZ:
        return f"SYS_EXTRACT_UTC({expression})"
    if column.family == Family.TIMESTAMP_UTC:
        return f"CAST({expression} AS TIMESTAMP(9))"
    return expression


def iso_text(column: Column, expression: str) -> str:
    """Return a time as ISO 8601 text that loses nothing: with nanoseconds, and the zone where it has one."""
    if column.family == Family.DATETIME:
        return f"LTRIM(TO_CHAR({expression},'{ISO}'))"
    if column.family == Family.TIMESTAMP_TZ:
        zone, offset = f"TO_CHAR({expression},'TZR')", f"TO_CHAR({expression},'TZH:TZM')"
        region = f"CASE WHEN {zone}<>{offset} THEN '['||{zone}||']' END"
        return f"LTRIM(TO_CHAR({expression},'{ISO}.FF9'))||{offset}||{region}"
    suffix = "||'Z'" if column.family == Family.TIMESTAMP_UTC else ""
    return f"LTRIM(TO_CHAR({utc(column, expression)},'{ISO}.FF9')){suffix}"


def text_of(column: Column, name: str) -> str:
    """Return the exact text of a value of `Family.AS_TEXT`, of a long interval, or NULL for what cannot be read."""
    if column.family == Family.INTERVAL_SECONDS:
        return f"TO_CHAR({name})"
    if column.source_type == "ROWID":
        return f"ROWIDTOCHAR({name})"
    if column.source_type.startswith("UROWID"):
        return f"CAST({name} AS VARCHAR2({LARGEST_STRING}))"
    if column.source_type == "XMLTYPE":
        return f"XMLSERIALIZE(CONTENT {name} AS CLOB)"
    if column.source_type == "JSON":
        return f"JSON_SERIALIZE({name} RETURNING CLOB)"
    return "CAST(NULL AS VARCHAR2(1))"


def number_text(name: str) -> str:
    """Return canonical text of a NUMBER that has at most 64 characters: ``TM9`` leaves out a zero before the point."""
    text = f"TO_CHAR({name},'TM9')"
    return f"CASE WHEN ABS({name})<1 AND {name}<>0 THEN REPLACE({text},'.','0.') ELSE {text} END"


def _shortest_text(name: str) -> tuple[str, str, str]:
    """Return what ``TM9`` makes of a NUMBER, and the mantissa and exponent of that text if it has an exponent."""
    text = f"TO_CHAR({name},'TM9')"
    return text, f"SUBSTR({text},1,INSTR({text},'E')-1)", f"TO_NUMBER(SUBSTR({text},INSTR({text},'E')+1))"


def long_number_text(name: str) -> str:
    """Return canonical text of any NUMBER: beyond 64 characters ``TM9`` writes an exponent, which is undone here."""
    text, mantissa, exponent = _shortest_text(name)
    digits = f"REPLACE(REPLACE({mantissa},'.'),'-')"
    sign = f"CASE WHEN {name}<0 THEN '-' END"
    small = f"'0.'||RPAD('0',-1-({exponent}),'0')||{digits}"
    large = f"RPAD({digits},{exponent}+1,'0')"
    expanded = f"{sign}||CASE WHEN ABS({name})<1 THEN {small} ELSE {large} END"
    return f"CASE WHEN INSTR({text},'E')>0 THEN {expanded} ELSE {number_text(name)} END"


def seconds(column: Column, name: str) -> str:
    """Return whole seconds since 1970 of a time, in the Gregorian calendar as the image counts.

    ``J`` counts in the Julian calendar before 15 October 1582. A Julian date has a day number that is smaller than
    that of the same date in the Gregorian calendar by ``2 - floor(y/100) + floor(y/400)``, with the years counted
    from March (J. Meeus, Astronomical Algorithms, chapter 7).
    """
    time = utc(column, name)
    march = f"(TO_NUMBER(TO_CHAR({time},'YYYYMM'))-3)"
    shift = (
        f"CASE WHEN TO_CHAR({time},'YYYYMMDD')<'15821015' THEN FLOOR({march}/10000)-FLOOR({march}/40000)-2 ELSE 0 END"
    )
    days = f"TO_NUMBER(TO_CHAR({time},'J'))-{_JULIAN_OF_1970}-{shift}"
    return f"(({days})*86400+TO_NUMBER(TO_CHAR({time},'SSSSS')))"


def ticks(column: Column, stored: StoredColumn, name: str) -> str:
    """Return seconds, microseconds or nanoseconds since 1970: what the image stores of a timestamp."""
    digits = second_digits(stored.arrow)
    if not digits:
        return seconds(column, name)
    return f"({seconds(column, name)}*{10**digits}+TO_NUMBER(TO_CHAR({utc(column, name)},'FF{digits}')))"


def fraction_digits(name: str) -> str:
    """Return how many digits a NUMBER has after the point."""
    text, mantissa, exponent = _shortest_text(name)
    after = f"CASE WHEN INSTR({mantissa},'.')=0 THEN 0 ELSE LENGTH({mantissa})-INSTR({mantissa},'.') END"
    plain = f"LENGTH({text})-INSTR({text},'.')"
    fraction = f"CASE WHEN INSTR({text},'E')>0 THEN {after}-({exponent}) ELSE {plain} END"
    return f"CASE WHEN {name}=TRUNC({name}) THEN 0 ELSE {fraction} END"


def canonical(column: Column, stored: StoredColumn, charset: str) -> str | None:
    """Return the text that the digest hashes (`dbdump.verify.canon`), None where Oracle cannot say it in SQL.

    Parameters
    ----------
    column, stored
        In the source and in the image.
    charset
        Of the database: ``STANDARD_HASH`` hashes bytes of that, the canonical text is UTF-8.
    """
    name = quoted(column.name)
    if stored.form in (Form.LOB, Form.LOB_FILE, Form.LOB_SIZE):
        return None
    if stored.form == Form.NUMBER_TEXT:
        return long_number_text(name)
    if stored.form in (Form.ISO_TEXT, Form.OFFSET):
        return value_of(column, stored)
    if stored.form == Form.TEXT:
        return _canonical_text(column, name)
    if stored.form == Form.RAW:
        short = (column.length or LARGEST_STRING) * 4 <= LARGEST_STRING
        return f"LOWER(RAWTOHEX(UTL_RAW.CAST_TO_RAW({name})))" if short else None
    match column.family:
        case Family.TEXT | Family.CHAR:
            return _in_utf8(column, name, charset)
        case Family.BYTES:
            return f"LOWER(RAWTOHEX({name}))" if (column.length or 0) <= LARGEST_RAW else None
        case Family.FLOAT32:
            return f"LOWER(RAWTOHEX(UTL_RAW.CAST_FROM_BINARY_FLOAT({name},1)))"
        case Family.FLOAT64:
            return f"LOWER(RAWTOHEX(UTL_RAW.CAST_FROM_BINARY_DOUBLE({name},1)))"
        case Family.INTERVAL_MONTHS:
            return f"TO_CHAR({_months(name)},'TM9')"
        case Family.INTERVAL_SECONDS:
            return f"TO_CHAR({_interval(name, stored.unit)},'TM9')"
        case Family.DATETIME | Family.TIMESTAMP | Family.TIMESTAMP_TZ | Family.TIMESTAMP_UTC:
            return f"TO_CHAR({ticks(column, stored, name)},'TM9')"
        case Family.DECIMAL | Family.NUMBER:
            return f"TO_CHAR({name},'TM9')" if stored.arrow == "int64" else number_text(name)
        case _:
            return None


def _canonical_text(column: Column, name: str) -> str | None:
    readable = column.family == Family.INTERVAL_SECONDS or "ROWID" in column.source_type
    return text_of(column, name) if readable and not is_object(column) else None


def _in_utf8(column: Column, name: str, charset: str) -> str | None:
    """Return a text whose bytes are UTF-8; None where it might be longer than an expression may be."""
    wide = is_national(column) or column.source_type.endswith(" CHAR)")
    bound = (column.length or LARGEST_STRING) * (2 if charset == "WE8ISO8859P1" else 4 if wide else 3)
    if is_national(column):
        return f"TO_CHAR({name})" if charset == UTF8 and bound <= LARGEST_STRING else None
    if charset in (UTF8, "US7ASCII"):
        return name
    return f"CONVERT({name},'AL32UTF8')" if bound <= LARGEST_STRING else None


def prefix(column: Column, expression: str, charset: str) -> str:
    """Return the first 100 characters of a text, as something whose order is that of the code points.

    That is the text itself where the bytes of the character set sort so, and UTF-8 as RAW elsewhere.
    """
    first = f"SUBSTR({expression},1,100)"
    plain = not is_national(column) and charset in _CODE_POINT_ORDER
    if plain or column.family not in (Family.TEXT, Family.CHAR):
        return first
    return f"UTL_I18N.STRING_TO_RAW({first},'AL32UTF8')"


def length(column: Column, stored: StoredColumn, expression: str) -> str | None:
    """Return the length of a value in characters, of bytes in bytes; None where SQL cannot say it."""
    name = quoted(column.name)
    if is_long(column):
        return None
    if stored.form == Form.LOB:
        return f"DBMS_LOB.GETLENGTH({name})"
    if stored.form == Form.RAW:
        return f"LENGTHB({name})"
    if stored.arrow == "binary":
        return f"UTL_RAW.LENGTH({name})"
    return f"LENGTH4({expression})" if is_national(column) else f"LENGTH({expression})"
