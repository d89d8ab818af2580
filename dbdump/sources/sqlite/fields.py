"""For each column of the image: what SELECT asks SQLite, and how the answers become an Arrow array."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dbdump.arrow import arrow_type
from dbdump.errors import ValueLossError
from dbdump.lobs import LobStore
from dbdump.plan import TablePlan
from dbdump.sources.sqlite.access import access, size_of
from dbdump.sources.sqlite.database import Database, column
from dbdump.sources.sqlite.decimals import MisfitError, decimal_array
from dbdump.sources.sqlite.lobs import can_stream, is_text_lob, lob_size, pieces
from dbdump.sources.sqlite.probing import number_text
from dbdump.stored import Form, StoredColumn

if TYPE_CHECKING:
    import pyarrow as pa

Convert = Callable[[Sequence[Any]], "pa.Array[Any]"]
_NOTHING = type(None)


@dataclass(frozen=True, slots=True)
class Field:
    """How one column of the image is read.

    Parameters
    ----------
    expression
        What SELECT asks.
    convert
        Makes an array of the answers; raises `MisfitError` or an Arrow error for a value of another type.
    width
        Expression with the bytes that an answer has in memory, ``""`` where it is small in any case.
    """

    expression: str
    convert: Convert
    width: str = ""


def field_of(database: Database, plan: TablePlan, stored: StoredColumn, store: LobStore) -> Field:
    """Return how a column is read; raises ValueLossError for a form that SQLite's columns never have."""
    value = column(stored.column)
    match stored.form:
        case Form.VALUE:
            width = f"coalesce(length(CAST({value} AS BLOB)), 0)" if stored.arrow in ("string", "binary") else ""
            return Field(value, _plain(stored.arrow), width)
        case Form.NUMBER_TEXT:
            return Field(value, _texts)
        case Form.TEXT:
            return Field(value, _mixed_bytes if stored.arrow == "binary" else _texts, size_of(stored.column))
        case Form.STORAGE_CLASS:
            return Field(f"typeof({value})", _checked("string", str))
        case Form.RAW:
            return Field(f"CAST({value} AS BLOB)", _checked("binary", bytes), size_of(stored.column))
        case Form.LOB | Form.LOB_FILE | Form.LOB_SIZE:
            return _lob(database, plan, stored, store)
        case form:
            raise ValueLossError(f"{plan.name}, column {stored.column}: SQLite has no form '{form}'; plan again")


def _lob(database: Database, plan: TablePlan, stored: StoredColumn, store: LobStore) -> Field:
    value, text = column(stored.column), is_text_lob(plan, stored)
    size = lob_size(database, value, text=text)
    long = f"{size} > {int(store.threshold)}"
    if stored.form == Form.LOB_SIZE:
        return Field(size, _checked("int64", int))
    if stored.form == Form.LOB:
        short = f"CASE WHEN {long} THEN NULL ELSE {value} END"
        convert = _checked(stored.arrow, str if text else bytes)
        return Field(short, convert, f"CASE WHEN {long} THEN 0 ELSE coalesce({size}, 0) END")
    if can_stream(database, plan.schema, stored.column, text=text):

        def stream(rowid: int) -> str:
            return store.put(pieces(database, plan.schema, stored.column, rowid, text=text)).sha256

        return Field(f"CASE WHEN {long} THEN {access(plan.schema).rowid} END", _files(stream))

    def whole(content: str | bytes) -> str:
        return store.put([content.encode() if isinstance(content, str) else content]).sha256

    return Field(f"CASE WHEN {long} THEN {value} END", _files(whole), f"CASE WHEN {long} THEN {size} ELSE 0 END")


def _files(put: Callable[[Any], str]) -> Convert:
    def convert(values: Sequence[Any]) -> "pa.Array[Any]":
        import pyarrow as pa

        return pa.array([None if value is None else put(value) for value in values], pa.string())

    return convert


def _plain(arrow: str) -> Convert:
    if arrow.startswith("decimal128("):
        return lambda values: decimal_array(values, arrow_type(arrow))
    match arrow:
        case "int64":
            return _integers
        case "bool":
            return _booleans
        case "double":
            return _checked("double", float, int)
        case "string":
            return _checked("string", str)
        case "binary":
            return _checked("binary", bytes)
        case _:
            # Only a column without any value has a type that SQLite has not, such as time64.
            return _checked(arrow)


def _checked(arrow: str, *kinds: type) -> Convert:
    """Arrow itself is too kind: it makes 2 of 2.5, and text of bytes."""
    allowed = {*kinds, _NOTHING}

    def convert(values: Sequence[Any]) -> "pa.Array[Any]":
        import pyarrow as pa

        found = set(map(type, values))
        if not found <= allowed:
            raise MisfitError(_unexpected(found - allowed, arrow))
        return pa.array(values, arrow_type(arrow))

    return convert


def _integers(values: Sequence[Any]) -> "pa.Array[Any]":
    import pyarrow as pa

    if float in set(map(type, values)):
        # NUMERIC(p, 0) with doubles that are whole numbers.
        values = [_whole(value) if type(value) is float else value for value in values]
    return _checked("int64", int)(values) if values else pa.array([], pa.int64())


def _whole(value: float) -> int:
    if not value.is_integer():
        raise MisfitError(f"{value!r} is no whole number")
    return int(value)


def _booleans(values: Sequence[Any]) -> "pa.Array[Any]":
    import pyarrow as pa

    if not set(values) <= {0, 1, None}:
        raise MisfitError("a value is neither 0 nor 1")
    return _checked("int64", int)(values).cast(pa.bool_())


def _texts(values: Sequence[Any]) -> "pa.Array[Any]":
    import pyarrow as pa

    found = set(map(type, values))
    if bytes in found:
        raise MisfitError(_unexpected({bytes}, "string"))
    if found <= {str, _NOTHING}:
        return pa.array(values, pa.string())
    texts = [value if value is None or type(value) is str else number_text(value) for value in values]
    return pa.array(texts, pa.string())


def _mixed_bytes(values: Sequence[Any]) -> "pa.Array[Any]":
    import pyarrow as pa

    return pa.array([_as_bytes(value) for value in values], pa.binary())


def _as_bytes(value: Any) -> bytes | None:
    if value is None or type(value) is bytes:
        return value
    return (value if type(value) is str else number_text(value)).encode()


def _unexpected(kinds: set[type], arrow: str) -> str:
    names = {int: "integer", float: "real", str: "text", bytes: "blob"}
    return f"values of the kind {', '.join(sorted(names[kind] for kind in kinds))} do not fit its type {arrow}"
