"""Rows and bytes of SQLite tables without counting, and their division into chunks."""

from dbdump.plan import Chunk, ChunkKind
from dbdump.schema import TableSchema
from dbdump.sources.sqlite.access import Access, access, size_of
from dbdump.sources.sqlite.database import Database, select

_SAMPLE_ROWS = 16
_SAMPLE_PLACES = 16
_COUNTED_ROWS = 50_000
"""Rows that are counted in a few milliseconds."""
_ROW_OVERHEAD = 8
"""Bytes of a row besides its values: its header and rowid, about."""


def estimate(database: Database, table: TableSchema) -> tuple[int | None, int | None]:
    """Return about how many rows and bytes a table has; None where only counting would tell."""
    reach = access(table)
    sample = _row_sizes(database, table, reach, None)
    if len(sample) < _SAMPLE_ROWS:
        return len(sample), sum(sample)
    if not reach.rowid:
        return None, None
    first, last = _rowid_range(database, table, reach)
    mean = max(1, sum(sample) // len(sample))
    if last - first < _COUNTED_ROWS:
        ((rows,),) = database.rows(select(("count(*)",), reach.source), table=table.name)
        return rows, rows * mean
    # Rowids have gaps as a rule, and the file cannot hold more than its size.
    rows = min(last - first + 1, database.path.stat().st_size // mean + 1)
    return rows, rows * mean


def chunks(database: Database, table: TableSchema, size: int) -> tuple[Chunk, ...]:
    """Divide a table by rowids into chunks of equal numbers of rows, about `size` bytes each.

    The rowids at the bounds come from walking the table once, so gaps do not matter; first and last chunk are
    open, so that no row is outside.
    """
    reach = access(table)
    if not reach.rowid:
        rows, total = table.rows or 0, table.size or 0
        return (Chunk(table.name, 0, rows=rows, size=total),)
    mean = _mean_row(database, table, reach)
    count = max(1, size // mean)
    bounds = _bounds(database, table, reach, count)
    if not bounds:
        ((rows,),) = database.rows(select(("count(*)",), reach.source), table=table.name)
        return (Chunk(table.name, 0, rows=rows, size=rows * mean),)
    after = database.rows(
        select(("count(*)",), reach.source, f"WHERE {reach.rowid} >= ?"), (bounds[-1],), table=table.name
    )
    edges = [None, *map(str, bounds), None]
    rows_of = [count] * len(bounds) + [after[0][0]]
    return tuple(
        Chunk(table.name, number, ChunkKind.ROWID, low, high, rows=rows, size=rows * mean)
        for number, (low, high, rows) in enumerate(zip(edges[:-1], edges[1:], rows_of, strict=True))
    )


def _bounds(database: Database, table: TableSchema, reach: Access, count: int) -> list[int]:
    bounds: list[int] = []
    low = -(2**63)
    statement = select(
        (reach.rowid,), reach.source, f"WHERE {reach.rowid} >= ? ORDER BY {reach.rowid} LIMIT 1 OFFSET ?"
    )
    while found := database.rows(statement, (low, count), table.name):
        low = found[0][0]
        bounds.append(low)
    return bounds


def _mean_row(database: Database, table: TableSchema, reach: Access) -> int:
    """Return the mean bytes of rows at places all over the table."""
    first, last = _rowid_range(database, table, reach)
    step = max(1, (last - first) // _SAMPLE_PLACES)
    sizes: list[int] = []
    for place in range(_SAMPLE_PLACES):
        sizes += _row_sizes(database, table, reach, first + place * step)
    return max(1, sum(sizes) // max(1, len(sizes)))


def _rowid_range(database: Database, table: TableSchema, reach: Access) -> tuple[int, int]:
    # One statement each: SQLite finds either end at once, but not both together.
    ends = [
        database.rows(select((f"{way}({reach.rowid})",), reach.source), table=table.name)[0][0]
        for way in ("min", "max")
    ]
    return ends[0] or 0, ends[1] or 0


def _row_sizes(database: Database, table: TableSchema, reach: Access, low: int | None) -> list[int]:
    # A sum of more than some hundred terms is too deep an expression for SQLite.
    terms = [size_of(item.name) for item in table.columns]
    groups = [" + ".join(terms[start : start + 100]) for start in range(0, len(terms), 100)]
    where = f"WHERE {reach.rowid} >= ?" if low is not None else ""
    order = f"ORDER BY {reach.rowid}" if reach.rowid else ""
    statement = select(groups, reach.source, f"{where} {order} LIMIT {_SAMPLE_ROWS}")
    values = () if low is None else (low,)
    rows = database.rows(statement, values, table.name)
    return [sum(row) + _ROW_OVERHEAD for row in rows]
