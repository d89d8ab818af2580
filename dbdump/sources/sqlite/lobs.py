"""Long values of SQLite out of the file piece by piece."""

import codecs
from collections.abc import Callable, Iterator

from dbdump.errors import ValueLossError
from dbdump.plan import TablePlan
from dbdump.schema import TableSchema
from dbdump.sources.sqlite.access import access
from dbdump.sources.sqlite.database import SCHEMA, Database, translated
from dbdump.stored import Form, StoredColumn

PIECE = 1 << 20
UTF8_SIZE = "antares_utf8_size"
"""SQL function: bytes of a text in UTF-8, for files that hold it in another encoding."""


def can_stream(database: Database, table: TableSchema, name: str, *, text: bool) -> bool:
    """Whether values of a column can be had in pieces: SQLite does so by rowid, and not for generated columns."""
    reachable = bool(access(table).rowid) and not table.column(name).computed
    return reachable and (database.utf8 or not text)


def lob_size(database: Database, value: str, *, text: bool) -> str:
    """Return the bytes of a text (in UTF-8) or blob as an expression; NULL for NULL."""
    if not text:
        return f"length({value})"
    if database.utf8:
        return f"length(CAST({value} AS BLOB))"
    database.connection.create_function(UTF8_SIZE, 1, _utf8_size, deterministic=True)
    return f"{UTF8_SIZE}({value})"


def pieces(database: Database, table: TableSchema, name: str, rowid: int, *, text: bool) -> Iterator[bytes]:
    """Yield the bytes of one value, at most `PIECE` at once.

    Raises
    ------
    ValueLossError
        `text` is true and they are no UTF-8.
    """
    check: Callable[[bytes], str] | None = codecs.getincrementaldecoder("utf-8")().decode if text else None
    with (
        translated(database.path, table.name),
        database.connection.blobopen(table.name.name, name, rowid, readonly=True, name=SCHEMA) as blob,
    ):
        left = len(blob)
        while left:
            piece = blob.read(min(PIECE, left))
            left -= len(piece)
            if check is not None:
                _decode(check, piece, table, name, rowid)
            yield piece


def _decode(check: Callable[[bytes], str], piece: bytes, table: TableSchema, name: str, rowid: int) -> None:
    try:
        check(piece)
    except UnicodeDecodeError as error:
        raise ValueLossError(
            f"{table.name}, column {name}, rowid {rowid}: the text is no UTF-8; take the column as bytes with "
            f"--raw-text {table.name.name}.{name}"
        ) from error


def _utf8_size(value: object) -> int | None:
    if isinstance(value, str):
        return len(value.encode())
    return len(value) if isinstance(value, bytes) else None


def is_text_lob(plan: TablePlan, stored: StoredColumn) -> bool:
    """Whether a LOB is text; its companions (file and size) do not say so themselves."""
    kinds = (item.arrow for item in plan.columns if item.column == stored.column and item.form == Form.LOB)
    return next(kinds, "binary") == "string"
