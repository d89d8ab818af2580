"""A table as chunks of pages."""

from collections.abc import Iterator

from dbdump.errors import TableError
from dbdump.plan import Chunk, ChunkKind
from dbdump.schema import TableName, TableSchema
from dbdump.sources.postgresql.pages import leaves
from dbdump.sources.postgresql.reading import GROUP
from dbdump.sources.postgresql.session import Session
from legacy.errors import printable

_FACTS = """
SELECT pg_relation_filenode(c.oid)::int8,
       pg_relation_size(c.oid) / current_setting('block_size')::int8,
       pg_table_size(c.oid)::int8, greatest(c.reltuples, 0)::int8
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s
"""


def chunks(session: Session, table: TableSchema, size: int) -> tuple[Chunk, ...]:
    """Divide a table, or each of its partitions, into ranges of pages; see `dbdump.sources.contract.Source.chunks`.

    The last range has no end: rows that come after the plan are in it.
    """
    parts = leaves(session, table) or [("", "r", table.name)]
    found: list[Chunk] = []
    for partition, kind, name in parts:
        if kind == "f":
            raise TableError(
                f"{printable(str(table.name))}: its partition {printable(partition)} lies on another server and is not "
                "dumped; leave the table out with --exclude, and dump the other server too"
            )
        if kind:
            found.extend(_ranges(session, table, name, partition, size, len(found)))
    # A partitioned table without partitions cannot have rows, and nothing would be there to read them from.
    return tuple(found) or (Chunk(table.name, 0),)


def _ranges(
    session: Session, table: TableSchema, name: TableName, partition: str, size: int, first: int
) -> Iterator[Chunk]:
    where = printable(str(table.name))
    facts = session.rows(_FACTS, (name.schema, name.name), where)
    if not facts:
        raise TableError(f"{where}: it went away while its plan was made; run the command again")
    file, pages, total, rows = facts[0]
    # Values out of line are read with the pages that point to them.
    each = max(1, size * pages // max(total, 1)) if pages else 1
    each = each // GROUP * GROUP if each > GROUP else each
    starts = range(0, max(pages, 1), each)
    for number, low in enumerate(starts):
        high = min(low + each, pages)
        share = (high - low) / pages if pages else 0
        yield Chunk(
            table.name,
            first + number,
            ChunkKind.PAGES,
            f"{low}@{file}",
            None if low == starts[-1] else str(high),
            partition,
            int(rows * share),
            int(total * share),
        )
