"""Divides a table into chunks: by partition, then by ranges of ROWID, or of the primary key if there is no ROWID.

Bounds of ROWID ranges come from a sample of blocks: that needs no right but SELECT on the table itself, where extents
are told only to administrators, and it divides rows, not space that may be empty.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from dbdump.plan import Chunk, ChunkKind
from dbdump.schema import Family, TableSchema
from dbdump.sources.oracle.names import from_clause, quoted, select
from dbdump.sources.oracle.selecting import has_rowids
from dbdump.sources.oracle.types import widest

Ask = Callable[[str], Sequence[Sequence[Any]]]
"""Takes a statement and returns its rows."""
_BLOCK = 8192
_SAMPLED_BLOCKS = 20
"""Blocks looked at for each bound."""
_MOST_CHUNKS = 100_000
_LEAST_SAMPLE, _MOST_SAMPLE = 0.000001, 50.0
"""Per cent: the smallest that SAMPLE takes; from the largest on it is as quick to look at every row."""


def chunks(table: TableSchema, size: int, ask: Ask) -> tuple[Chunk, ...]:
    """Return chunks of about `size` bytes.

    Parameters
    ----------
    table
        Its estimates of rows and bytes are believed; without any it is counted.
    size
        Bytes in the source.
    ask
        Asks the source.
    """
    rows, total = _estimate(table, ask)
    if total <= size:
        return (Chunk(table.name, 0, rows=rows, size=total),)
    found: list[Chunk] = []
    for partition, part_rows, part_size in _partitions(table, rows, total):
        wanted = min(_MOST_CHUNKS, -(-part_size // size))
        bounds = _bounds(table, partition, wanted, part_size, ask) if wanted > 1 else []
        found += _ranges(table, partition, bounds, part_rows, part_size, len(found))
    return tuple(found)


def _estimate(table: TableSchema, ask: Ask) -> tuple[int, int]:
    if table.rows is not None and table.size is not None:
        return table.rows, table.size
    width = sum(min(widest(column), 100) for column in table.columns)
    if table.size is not None:
        return table.size // max(width, 1), table.size
    rows = table.rows
    if rows is None:
        rows = int(ask(select("COUNT(*)", from_clause(table.name, None)))[0][0])
    return rows, rows * width


def _partitions(table: TableSchema, rows: int, total: int) -> list[tuple[str, int, int]]:
    if not table.partitions:
        return [("", rows, total)]
    counts = [partition.rows or 0 for partition in table.partitions]
    if not all(partition.rows is not None for partition in table.partitions) or not sum(counts):
        counts = [1] * len(counts)
    shares = [count / sum(counts) for count in counts]
    return [
        (partition.name, round(rows * share), round(total * share))
        for partition, share in zip(table.partitions, shares, strict=True)
    ]


def _bounds(table: TableSchema, partition: str, wanted: int, size: int, ask: Ask) -> list[str]:
    """Return the bounds between chunks, in order; empty where nothing divides the rows."""
    if has_rowids(table):
        statement = rowid_bounds(table, partition, wanted, size)
    elif _numeric_key(table):
        statement = key_bounds(table, partition, wanted)
    else:
        return []
    found = [str(row[0]) for row in ask(statement) if row[0] is not None]
    # The first is the smallest row of all; the first chunk is open below.
    return found[1:]


def rowid_bounds(table: TableSchema, partition: str, wanted: int, size: int) -> str:
    """Return the statement that divides a sample of ROWIDs into equal parts and tells the first of each."""
    sample = max(_LEAST_SAMPLE, 100 * wanted * _SAMPLED_BLOCKS * _BLOCK / max(size, 1))
    sampled = f" SAMPLE BLOCK ({sample:.6f})" if sample < _MOST_SAMPLE else ""
    rows = from_clause(table.name, None, partition) + sampled
    inner = select(f"ROWID R,NTILE({wanted}) OVER (ORDER BY ROWID) G", rows)
    return select("ROWIDTOCHAR(MIN(R))", f"({inner}) GROUP BY G ORDER BY G")


def key_bounds(table: TableSchema, partition: str, wanted: int) -> str:
    """Return the statement that divides the first column of the primary key into equal parts."""
    key = quoted(table.primary_key[0])
    inner = select(f"{key} K,NTILE({wanted}) OVER (ORDER BY {key}) G", from_clause(table.name, None, partition))
    return select("TO_CHAR(MIN(K),'TM9')", f"({inner}) GROUP BY G ORDER BY G")


def _numeric_key(table: TableSchema) -> bool:
    key = table.primary_key
    return bool(key) and table.column(key[0]).family in (Family.DECIMAL, Family.NUMBER)


def _ranges(table: TableSchema, partition: str, bounds: Sequence[str], rows: int, size: int, first: int) -> list[Chunk]:
    # A key whose first column has few values gives the same bound several times.
    distinct = list(dict.fromkeys(bounds))
    kind = ChunkKind.WHOLE if not distinct else ChunkKind.ROWID if has_rowids(table) else ChunkKind.KEY
    edges = [None, *distinct, None]
    count = len(edges) - 1
    return [
        Chunk(table.name, first + number, kind, low, high, partition, rows // count, size // count)
        for number, (low, high) in enumerate(pairwise(edges))
    ]
