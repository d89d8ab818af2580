"""The order-free digest of all rows, from the values as SQLite's driver gives them."""

import hashlib
import struct
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from dbdump.plan import TablePlan
from dbdump.sources.sqlite.access import access
from dbdump.sources.sqlite.database import Database, column, select, translated
from dbdump.sources.sqlite.lobs import can_stream, lob_size, pieces
from dbdump.stored import Form, StoredColumn

_LONG = 1 << 20
"""Bytes above which a LOB is hashed piece by piece."""
_NULL = b"-"
_ROW_DIGITS = 15
_DOUBLE = struct.Struct(">d")
Hash = Callable[[Any], bytes]


def digest(database: Database, plan: TablePlan, columns: Sequence[StoredColumn]) -> str:
    """Return the digest of the rows over some columns, as `dbdump.verify.canon` defines it."""
    used = [stored for stored in columns if stored.form not in (Form.LOB_FILE, Form.LOB_SIZE)]
    hashes = [_hash_of(database, plan, stored) for stored in used]
    statement = select([_expression(database, plan, stored) for stored in used] or ["1"], access(plan.schema).source)
    total = 0
    cursor = database.connection.cursor()
    try:
        with translated(database.path, plan.name):
            for row in cursor.execute(statement):
                texts = [_NULL if value is None else hashed(value) for hashed, value in zip(hashes, row, strict=False)]
                total += int(_md5(b"".join(texts))[:_ROW_DIGITS], 16)
    finally:
        cursor.close()
    return str(total)


def _expression(database: Database, plan: TablePlan, stored: StoredColumn) -> str:
    value = column(stored.column)
    if stored.form == Form.STORAGE_CLASS:
        return f"typeof({value})"
    if stored.form == Form.RAW:
        return f"CAST({value} AS BLOB)"
    if _streams(database, plan, stored):
        size = lob_size(database, value, text=stored.arrow == "string")
        return f"CASE WHEN {size} > {_LONG} THEN {access(plan.schema).rowid} ELSE {value} END"
    return value


def _streams(database: Database, plan: TablePlan, stored: StoredColumn) -> bool:
    text = stored.arrow == "string"
    return stored.form == Form.LOB and can_stream(database, plan.schema, stored.column, text=text)


def _hash_of(database: Database, plan: TablePlan, stored: StoredColumn) -> Hash:
    if _streams(database, plan, stored):
        return lambda value: _lob(database, plan, stored, value)
    if stored.arrow.startswith("decimal128("):
        return lambda value: _md5(_decimal(value).encode())
    return _HASHES.get(stored.arrow, lambda value: _md5(_text(value).encode()))


def _lob(database: Database, plan: TablePlan, stored: StoredColumn, value: Any) -> bytes:
    """Hash a LOB; an integer is the rowid of a long one, as no LOB is one."""
    text = stored.arrow == "string"
    if not isinstance(value, int):
        return _HASHES[stored.arrow](value)
    found = hashlib.md5(usedforsecurity=False)
    for piece in pieces(database, plan.schema, stored.column, value, text=text):
        found.update(piece if text else piece.hex().encode())
    return found.hexdigest().encode()


def _md5(content: bytes) -> bytes:
    return hashlib.md5(content, usedforsecurity=False).hexdigest().encode()


def _decimal(value: float) -> str:
    number = Decimal(value) if isinstance(value, int) else Decimal(repr(value))
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _text(value: Any) -> str:
    if isinstance(value, float):
        text = format(Decimal(repr(value)), "f")
        return text.removesuffix(".0")
    return str(value)


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else _text(value).encode()


_HASHES: dict[str, Hash] = {
    "int64": lambda value: _md5(str(int(value)).encode()),
    "bool": lambda value: _md5(b"1" if value else b"0"),
    "double": lambda value: _md5(_DOUBLE.pack(value).hex().encode()),
    "string": lambda value: _md5(_text(value).encode()),
    "binary": lambda value: _md5(_bytes(value).hex().encode()),
}
