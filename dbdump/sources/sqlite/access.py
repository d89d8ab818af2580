"""How rows of an SQLite table are reached: by rowid, by primary key, or only one after the other."""

from collections.abc import Mapping
from dataclasses import dataclass

from dbdump.plan import Chunk, ChunkKind
from dbdump.schema import TableSchema
from dbdump.sources.sqlite.database import column, table_source

WITHOUT_ROWID = "without rowid"
_ALIASES = ("rowid", "oid", "_rowid_")


@dataclass(frozen=True, slots=True)
class Access:
    """Parts of statements over one table, which is `t` there.

    Parameters
    ----------
    source
        What stands after FROM.
    rowid
        The rowid, ``""`` where the table has none or hides it.
    order
        ORDER BY with which rows always come in the same order, ``""`` where they do so by themselves.
    """

    source: str
    rowid: str
    order: str


def access(table: TableSchema) -> Access:
    """Return how a table is read."""
    if WITHOUT_ROWID in table.organisation:
        order = ", ".join(column(name) for name in table.primary_key)
        return Access(table_source(table.name), "", f"ORDER BY {order}")
    taken = {item.name.lower() for item in table.columns}
    alias = next((name for name in _ALIASES if name not in taken), None)
    if alias is None:
        # Columns have all names of the rowid; a scan without indexes is in its order all the same.
        return Access(table_source(table.name, "NOT INDEXED"), "", "")
    return Access(table_source(table.name), f"t.{alias}", f"ORDER BY t.{alias}")


def condition(reach: Access, chunk: Chunk | None) -> tuple[str, Mapping[str, int]]:
    """Return WHERE for a chunk, and the values that it binds."""
    if chunk is None or chunk.kind != ChunkKind.ROWID:
        return "", {}
    bounds = {"low": chunk.low, "high": chunk.high}
    values = {name: int(text) for name, text in bounds.items() if text is not None}
    tests = [f"{reach.rowid} {'>=' if name == 'low' else '<'} :{name}" for name in values]
    return (f"WHERE {' AND '.join(tests)}" if tests else ""), values


def size_of(name: str) -> str:
    """Return the bytes of a value as stored: SQLite reads those of a blob from its header alone."""
    value = column(name)
    return (
        f"CASE typeof({value}) WHEN 'blob' THEN length({value}) WHEN 'text' THEN length(CAST({value} AS BLOB)) "
        "WHEN 'null' THEN 0 ELSE 8 END"
    )
