"""Which rows a chunk has, and in which order they come."""

from decimal import Decimal, InvalidOperation

from dbdump.errors import TableError
from dbdump.plan import Chunk, ChunkKind
from dbdump.schema import TableSchema
from dbdump.sources.oracle.names import chunk_from, literal, quoted

INDEX_ORGANISED = "index-organised"
"""`dbdump.schema.TableSchema.organisation` of a table whose rows lie in its primary key: it has no physical ROWID."""


def has_rowids(table: TableSchema) -> bool:
    """Whether rows have addresses that sort as they lie on disk."""
    return table.organisation != INDEX_ORGANISED


def order_of(table: TableSchema, chunk: Chunk) -> str:
    """Return the order in which the rows of a chunk come, the same each time."""
    if has_rowids(table) and chunk.kind != ChunkKind.KEY:
        return "ROWID"
    return ",".join(quoted(name) for name in table.primary_key) or "ROWID"


def condition(table: TableSchema, chunk: Chunk) -> str:
    """Return the condition of the rows of a chunk, ``""`` for all of them.

    Bounds are ``low <= x < high``; one that is None is open, so that rows added after planning are in some chunk.
    """
    if chunk.kind == ChunkKind.WHOLE:
        return ""
    if chunk.kind == ChunkKind.ROWID:
        column, bound = "ROWID", _rowid
    elif chunk.kind == ChunkKind.KEY and table.primary_key:
        column, bound = quoted(table.primary_key[0]), _number
    else:
        raise TableError(
            f"table {table.name}: chunks of the kind '{chunk.kind}' are not Oracle's; run the same dump command again"
        )
    low = f"{column}>={bound(chunk.low)}" if chunk.low is not None else ""
    high = f"{column}<{bound(chunk.high)}" if chunk.high is not None else ""
    return " AND ".join(part for part in (low, high) if part)


def _rowid(text: str) -> str:
    if len(text) > 18 or not all(c.isascii() and (c.isalnum() or c in "+/.") for c in text):
        raise TableError("the plan has a bound that is no ROWID; run the same dump command again")
    return f"CHARTOROWID({literal(text)})"


def _number(text: str) -> str:
    try:
        return format(Decimal(text), "f")
    except (InvalidOperation, ValueError) as error:
        raise TableError("the plan has a bound that is no number; run the same dump command again") from error


def rows_of(table: TableSchema, chunk: Chunk, scn: int | None) -> str:
    """Return what stands after FROM for the rows of a chunk."""
    where = condition(table, chunk)
    return chunk_from(chunk, scn) + (f" WHERE {where}" if where else "")
