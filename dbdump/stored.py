"""How a column of the source stands in the image: the type map, decided once before anything is read.

Nothing is ever rounded: where no Arrow type holds every value exactly, the column is text. The rules are those of
docs/dbdump-types.md; `choose` is pure, and what it needs to know of the values comes as a `Probe`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from dbdump.errors import ValueLossError
from dbdump.schema import Column, Family, TableName, TableSchema

INT64_DIGITS, DECIMAL_DIGITS = 18, 38
"""Digits that int64 and decimal128 hold whatever the digits are."""
NS_FIRST, NS_LAST = "1677-09-21T00:12:44", "2262-04-11T23:47:16"
"""What int64 nanoseconds since 1970 reach."""
_DAY_DIGITS = {9: 5, 6: 8}
"""Digits of days of an interval that int64 holds, by the digits of a second."""


class Form(StrEnum):
    """In what form the source is asked for a value."""

    VALUE = "value"
    """As the Arrow type itself."""
    NUMBER_TEXT = "number-text"
    """Exact decimal text: ``-12.5``, no exponent, no trailing zeros after the point; ``NaN``, ``Infinity``."""
    ISO_TEXT = "iso-text"
    """ISO 8601 text, ``-4712-01-01T00:00:00`` before the common era, ``infinity`` as it is."""
    OFFSET = "offset"
    """Time zone of a TIMESTAMP_TZ: ``+02:00`` or the name of a region."""
    TEXT = "text"
    """The server's own exact text of the value."""
    RAW = "raw"
    """Bytes of a text as the server has them, for ``--raw-text``."""
    LOB = "lob"
    """The value where it is not longer than the threshold, else NULL; the file is named beside it."""
    LOB_FILE = "lob-file"
    """SHA-256 of the file with a value longer than the threshold, else NULL."""
    LOB_SIZE = "lob-size"
    """Bytes of the value, in the file or not; NULL for NULL."""
    STORAGE_CLASS = "storage-class"
    """SQLite's type of each value: ``null``, ``integer``, ``real``, ``text``, ``blob``."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What the values of a column are like, asked of the source before the plan is made.

    Parameters
    ----------
    low, high
        Smallest and largest value: numbers as decimal text, times as ISO text (``-4712-01-01T00:00:00``); None
        where all is NULL.
    scale
        Largest number of digits after the point; None where not asked.
    special
        Values that are no finite number or time: NaN, Infinity.
    classes
        Only for `Family.DYNAMIC`: SQLite's storage classes and how many values have each, without ``null``.
    longest
        Only for `Family.DYNAMIC`: bytes of the longest value.
    exact
        Only for `Family.DYNAMIC` with a declared scale: whether every value equals its rounding to that scale.
    """

    low: str | None = None
    high: str | None = None
    scale: int | None = None
    special: int = 0
    classes: Mapping[str, int] = field(default_factory=dict)
    longest: int = 0
    exact: bool = True


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column of the image.

    Parameters
    ----------
    name
        Its name in Parquet and SQLite.
    column
        Name of the column of the source that it comes from.
    form
        How it is asked for.
    arrow
        Arrow type: ``int64``, ``int32``, ``bool``, ``float``, ``double``, ``decimal128(10, 2)``, ``string``,
        ``binary``, ``date32[day]``, ``time64[us]``, ``timestamp[s]``, ``timestamp[us]``, ``timestamp[ns]``,
        ``timestamp[us, tz=UTC]``, ``timestamp[ns, tz=UTC]``.
    unit
        Of an interval: ``months``, ``us`` or ``ns``; ``""`` otherwise.
    note
        Why the type is not the plain one, for the manifest; ``""`` as a rule.
    lossy
        What is lost, ``""`` for nothing.
    """

    name: str
    column: str
    form: Form
    arrow: str
    unit: str = ""
    note: str = ""
    lossy: str = ""


@dataclass(frozen=True, slots=True)
class TypeOptions:
    """What the user says about types.

    Parameters
    ----------
    allow_lossy
        Whether a column that cannot be had exactly is dumped all the same.
    raw_text
        Columns of text to take as bytes, as ``SCHEMA.TABLE.COLUMN`` or ``TABLE.COLUMN``.
    """

    allow_lossy: bool = False
    raw_text: frozenset[str] = frozenset()


def needs_probe(column: Column) -> bool:
    """Whether only the values of a column tell how it can be stored."""
    match column.family:
        case Family.NUMBER | Family.DYNAMIC | Family.DATE | Family.DATETIME:
            return True
        case Family.TIMESTAMP | Family.TIMESTAMP_TZ | Family.TIMESTAMP_UTC:
            return True
        case Family.DECIMAL:
            return column.has_specials or _decimal_digits(column) > DECIMAL_DIGITS
        case _:
            return column.has_specials


def choose_all(table: TableSchema, probes: Mapping[str, Probe], options: TypeOptions) -> tuple[StoredColumn, ...]:
    """Return the columns of the image for a table, in its order, each with its companions after it.

    Raises
    ------
    ValueLossError
        A column cannot be had exactly and `options` do not allow that.
    """
    taken = {column.name.casefold() for column in table.columns}
    stored: list[StoredColumn] = []
    for column in table.columns:
        first, *companions = choose(table.name, column, probes.get(column.name), options)
        chosen = (first, *(_named_apart(companion, taken) for companion in companions))
        taken.update(companion.name.casefold() for companion in chosen[1:])
        for part in chosen:
            if part.lossy and not options.allow_lossy:
                raise ValueLossError(
                    f"{table.name}, column {column.name}: {part.lossy}; --allow-lossy dumps it all the same and says "
                    "so in the manifest"
                )
        stored.extend(chosen)
    return tuple(stored)


def _named_apart(companion: StoredColumn, taken: Collection[str]) -> StoredColumn:
    """Give a companion another name where the table has a column of its name."""
    number = 2
    name = companion.name
    while name.casefold() in taken:
        name, number = f"{companion.name}_{number}", number + 1
    if name == companion.name:
        return companion
    return replace(companion, name=name, note=f"called so because the table has a column {companion.name}")


def choose(table: TableName, column: Column, probe: Probe | None, options: TypeOptions) -> tuple[StoredColumn, ...]:
    """Return how one column is stored: the column itself first, then its companions."""
    if _holds_text(column, probe) and _is_raw(table, column, options):
        return (_plain(column, "binary", Form.RAW, note="bytes as the server has them, on request"),)
    match column.family:
        case Family.DECIMAL:
            return (_decimal(column, probe),)
        case Family.NUMBER:
            return (_number(column, probe),)
        case Family.DATE | Family.DATETIME | Family.TIMESTAMP | Family.TIMESTAMP_UTC:
            return (_time(column, probe),)
        case Family.TIMESTAMP_TZ:
            instant = _time(column, probe)
            if instant.form == Form.ISO_TEXT:
                return (instant,)
            return (instant, StoredColumn(f"{column.name}__tz", column.name, Form.OFFSET, "string"))
        case Family.INTERVAL_MONTHS:
            return (_plain(column, "int32", unit="months"),)
        case Family.INTERVAL_SECONDS:
            return (_interval(column),)
        case Family.LOB_TEXT | Family.LOB_BYTES:
            return _lob(column, "string" if column.family == Family.LOB_TEXT else "binary")
        case Family.DYNAMIC:
            return _dynamic(column, probe or Probe())
        case Family.UNREADABLE:
            lossy = f"values of type {column.source_type} cannot be read in any exact form, and would all be NULL"
            return (_plain(column, "string", Form.TEXT, lossy=lossy),)
        case Family.BFILE:
            return (
                _plain(column, "string", Form.TEXT, note="directory and name only: the file is not in the database"),
            )
        case Family.AS_TEXT:
            return (_plain(column, "string", Form.TEXT),)
        case Family.TIME if probe is not None and probe.special:
            return (_plain(column, "string", Form.ISO_TEXT, note="text: it has the time 24:00:00"),)
        case family:
            return (_plain(column, _SIMPLE[family]),)


_SIMPLE = {
    Family.FLOAT32: "float",
    Family.FLOAT64: "double",
    Family.BOOLEAN: "bool",
    Family.TEXT: "string",
    Family.CHAR: "string",
    Family.BYTES: "binary",
    Family.TIME: "time64[us]",
}


def _plain(
    column: Column, arrow: str, form: Form = Form.VALUE, *, unit: str = "", note: str = "", lossy: str = ""
) -> StoredColumn:
    return StoredColumn(column.name, column.name, form, arrow, unit, note, lossy)


def _holds_text(column: Column, probe: Probe | None) -> bool:
    if column.family == Family.DYNAMIC:
        return probe is not None and {kind for kind, count in probe.classes.items() if count} == {"text"}
    return column.family in (Family.TEXT, Family.CHAR, Family.LOB_TEXT)


def _is_raw(table: TableName, column: Column, options: TypeOptions) -> bool:
    return not options.raw_text.isdisjoint({f"{table}.{column.name}", f"{table.name}.{column.name}"})


def _decimal_digits(column: Column) -> int:
    """Digits that a declared NUMBER(p,s) can have in all; Oracle allows a scale below 0 and above the precision."""
    precision, scale = column.precision or DECIMAL_DIGITS + 1, column.scale or 0
    return precision - scale if scale < 0 else max(precision, scale)


def _decimal(column: Column, probe: Probe | None) -> StoredColumn:
    digits, scale = _decimal_digits(column), max(column.scale or 0, 0)
    if digits > DECIMAL_DIGITS:
        return _number(column, probe)
    if probe is not None and probe.special:
        return _plain(column, "string", Form.NUMBER_TEXT, note="text: it has values that are no number (NaN)")
    if scale == 0 and digits <= INT64_DIGITS:
        return _plain(column, "int64")
    return _plain(column, f"decimal128({digits}, {scale})")


def _number(column: Column, probe: Probe | None) -> StoredColumn:
    if probe is None or (probe.scale is None and probe.low is not None):
        return _plain(column, "string", Form.NUMBER_TEXT, note="text: the values were not looked at")
    if probe.special:
        return _plain(column, "string", Form.NUMBER_TEXT, note="text: it has values that are no number (NaN)")
    scale = max(probe.scale or 0, 0)
    whole = max((len(str(abs(int(Decimal(text))))) for text in (probe.low, probe.high) if text is not None), default=1)
    if scale == 0 and whole <= INT64_DIGITS:
        return _plain(column, "int64", note="every value is a whole number of at most 18 digits")
    if whole + scale <= DECIMAL_DIGITS:
        # The widest type of that scale: rows that a later dump finds need no other type.
        return _plain(column, f"decimal128({DECIMAL_DIGITS}, {scale})", note=f"no value has more than {scale} decimals")
    return _plain(column, "string", Form.NUMBER_TEXT, note="text: it has values of more than 38 digits")


def _time(column: Column, probe: Probe | None) -> StoredColumn:
    zone = ", tz=UTC" if column.family in (Family.TIMESTAMP_TZ, Family.TIMESTAMP_UTC) else ""
    if probe is not None and (probe.special or _outside(probe, "0001", "9999-12-31T23:59:59.999999999")):
        note = "text: it has times that are not within the years 1 to 9999"
        return _plain(column, "string", Form.ISO_TEXT, note=note)
    if column.family == Family.DATE:
        return _plain(column, "date32[day]")
    if column.family == Family.DATETIME:
        return _plain(column, "timestamp[s]")
    if (column.scale if column.scale is not None else 6) <= 6:
        return _plain(column, f"timestamp[us{zone}]")
    if probe is None or _outside(probe, NS_FIRST, NS_LAST):
        note = "text: nanoseconds reach from 1677 to 2262 only, and it has other times"
        return _plain(column, "string", Form.ISO_TEXT, note=note)
    return _plain(column, f"timestamp[ns{zone}]")


def _outside(probe: Probe, first: str, last: str) -> bool:
    """ISO texts of four-digit years sort as the times do; a sign or a fifth digit is outside of any of our bounds."""
    texts = [text for text in (probe.low, probe.high) if text is not None]
    return any(not text[:4].isdigit() or text[4:5].isdigit() or not first <= text <= last for text in texts)


def _interval(column: Column) -> StoredColumn:
    digits = 9 if (column.scale if column.scale is not None else 6) > 6 else 6
    if (column.precision if column.precision is not None else 2) <= _DAY_DIGITS[digits]:
        return _plain(column, "int64", unit="ns" if digits == 9 else "us")
    return _plain(column, "string", Form.TEXT, note="text: the longest interval does not fit 64 bits")


def _lob(column: Column, arrow: str) -> tuple[StoredColumn, ...]:
    return (
        _plain(column, arrow, Form.LOB),
        StoredColumn(f"{column.name}__lob", column.name, Form.LOB_FILE, "string"),
        StoredColumn(f"{column.name}__size", column.name, Form.LOB_SIZE, "int64"),
    )


def _dynamic(column: Column, probe: Probe) -> tuple[StoredColumn, ...]:
    """SQLite: one storage class gives one type; several give text or bytes and the class of each value beside it."""
    classes = {name for name, count in probe.classes.items() if count}
    declared = column.declared
    if not classes:
        return (_empty_dynamic(column),)
    if classes == {"integer"} and declared == Family.BOOLEAN and _within(probe, 0, 1):
        return (_plain(column, "bool"),)
    if classes <= {"integer", "real"} and declared in (Family.DECIMAL, Family.NUMBER) and not probe.special:
        return _dynamic_decimal(column, probe, classes)
    if classes == {"integer"}:
        return (_plain(column, "int64"),)
    if classes == {"real"} or (declared in (Family.FLOAT32, Family.FLOAT64) and _is_double(probe, classes)):
        return (_plain(column, "double"),)
    if classes == {"text"} and declared in (Family.DATE, Family.DATETIME, Family.TIMESTAMP, Family.TIMESTAMP_UTC):
        return (_plain(column, "string", note="text, as it is stored: SQLite has no type for times"),)
    if classes == {"text"}:
        return _lob(column, "string") if declared == Family.LOB_TEXT else (_plain(column, "string"),)
    if classes == {"blob"}:
        return _lob(column, "binary")
    return _mixed(column, classes)


def _empty_dynamic(column: Column) -> StoredColumn:
    simple = {**_SIMPLE, Family.DECIMAL: "int64", Family.NUMBER: "int64", Family.LOB_BYTES: "binary"}
    if column.declared == Family.DECIMAL and column.precision:
        return _decimal(column, None)
    return _plain(column, simple.get(column.declared or Family.TEXT, "string"), note="no value is stored in it")


def _dynamic_decimal(column: Column, probe: Probe, classes: set[str]) -> tuple[StoredColumn, ...]:
    digits = _decimal_digits(column)
    fits = digits <= DECIMAL_DIGITS and _all_below(probe, 10 ** (digits - max(column.scale or 0, 0)))
    if column.declared == Family.DECIMAL and probe.exact and fits:
        return (_decimal(column, None),)
    if classes == {"integer"}:
        return (_plain(column, "int64"),)
    if column.declared == Family.NUMBER:
        # NUMERIC affinity makes integers of 2.0: the kinds of values say nothing there.
        return (_plain(column, "double"),) if _is_double(probe, classes) else _mixed(column, classes)
    note = f"text: not every value is what {column.source_type} says"
    text = _plain(column, "string", Form.NUMBER_TEXT, note=note)
    return (text, StoredColumn(f"{column.name}__class", column.name, Form.STORAGE_CLASS, "string"))


def _mixed(column: Column, classes: set[str]) -> tuple[StoredColumn, ...]:
    arrow = "binary" if "blob" in classes else "string"
    note = f"{'bytes' if arrow == 'binary' else 'text'}: its values are of the kinds {', '.join(sorted(classes))}"
    value = _plain(column, arrow, Form.TEXT, note=note)
    return (value, StoredColumn(f"{column.name}__class", column.name, Form.STORAGE_CLASS, "string"))


def _is_double(probe: Probe, classes: set[str]) -> bool:
    return classes == {"real"} or (classes <= {"integer", "real"} and _within(probe, -(2**53), 2**53))


def _within(probe: Probe, low: int, high: int) -> bool:
    if probe.low is None or probe.high is None:
        return True
    return low <= Decimal(probe.low) and Decimal(probe.high) <= high


def _all_below(probe: Probe, limit: int) -> bool:
    return all(abs(Decimal(text)) < limit for text in (probe.low, probe.high) if text is not None)
