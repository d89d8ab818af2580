"""Where the rows of a table lie: pages of its heap, or of the heaps of its partitions."""

from collections.abc import Iterator
from dataclasses import dataclass

from dbdump.errors import TableDeniedError, TableError, TableGoneError
from dbdump.plan import Chunk, ChunkKind
from dbdump.schema import TableName, TableSchema
from dbdump.sources.postgresql.session import Session, quoted
from legacy.errors import printable

_AGAIN = "run the same dump command again"


@dataclass(frozen=True, slots=True)
class Heap:
    """The pages of a chunk.

    Parameters
    ----------
    sql
        Name of the table or partition as SQL writes it.
    low, high
        First page, and the page after the last.
    has_long_values
        Whether values lie out of line, where they can be of any length.
    """

    sql: str
    low: int
    high: int
    has_long_values: bool

    def groups(self, pages: int) -> Iterator[tuple[int, int]]:
        """Yield ranges of at most `pages` pages."""
        for low in range(self.low, self.high, pages):
            yield low, min(low + pages, self.high)


def tid_range(first: tuple[int, int], last: tuple[int, int]) -> str:
    """Return the condition for rows from an address to another one, which is left out.

    PostgreSQL reads the pages between them, in their order, since version 14 (release notes, "TID range scans").
    """
    return f"ctid >= '({first[0]},{first[1]})'::tid AND ctid < '({last[0]},{last[1]})'::tid"


def find_heap(session: Session, table: TableSchema, chunk: Chunk) -> Heap:
    """Lock what a chunk is cut of for reading, and see that it is what the plan was made for.

    Raises
    ------
    TableDeniedError, TableGoneError
        It may not be read; it is not there, was rewritten, or has other columns.
    """
    relation, part, name = _relation(session, table, chunk)
    where = printable(str(table.name))
    # Takes the lock that keeps others from rewriting it until the end of our transaction.
    session.rows(" ".join(("SELECT 1 FROM ONLY", name, "LIMIT 0")), where=where)
    facts = session.rows(_FACTS, (relation, part), where)
    if not facts:
        raise TableGoneError(f"{where}: it is not there any more; {_AGAIN}")
    filenode, pages, long_values, columns = facts[0]
    expected = [f"{column.name} {column.source_type}" for column in table.columns]
    if columns != expected:
        changed = [text for text in [*expected, *columns] if text not in columns or text not in expected]
        raise TableGoneError(
            f"{where}: its columns are others than in the plan ({printable(', '.join(changed))[:200]}); {_AGAIN}"
        )
    if chunk.kind == ChunkKind.WHOLE:
        return Heap(name, 0, pages, long_values)
    low, file = page_and_file(chunk)
    if file != filenode:
        raise TableGoneError(
            f"{where}: it was rewritten since the plan was made (VACUUM FULL, TRUNCATE, REFRESH and the like), and its "
            f"rows lie elsewhere now; {_AGAIN}"
        )
    return Heap(name, low, pages if chunk.high is None else min(int(chunk.high), pages), long_values)


_FACTS = """
SELECT pg_relation_filenode(c.oid)::int8,
       pg_relation_size(c.oid) / current_setting('block_size')::int8,
       c.reltoastrelid <> 0 AND pg_relation_size(c.reltoastrelid) > 0,
       ARRAY(SELECT a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
             FROM pg_attribute a JOIN pg_attribute p
               ON p.attrelid = %s AND p.attname = a.attname
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY p.attnum)
FROM pg_class c WHERE c.oid = %s
"""


def _relation(session: Session, table: TableSchema, chunk: Chunk) -> tuple[int, int, str]:
    """Return the numbers of the table and of what has the rows, and the name of the latter as SQL writes it."""
    where = printable(str(table.name))
    found = session.rows(
        "SELECT c.oid, c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = %s AND c.relname = %s",
        (table.name.schema, table.name.name),
    )
    if not found:
        raise TableGoneError(f"{where}: it is not there any more; {_AGAIN}")
    relation, kind = found[0]
    if not chunk.partition:
        empty = kind == "p" and chunk.kind == ChunkKind.WHOLE and not any(name for name, _, _ in leaves(session, table))
        if kind not in "rm" and not empty:
            raise TableError(f"{where}: it is not a table with rows of its own any more; {_AGAIN}")
        return relation, relation, sql_name(table.name)
    parts = session.rows(
        "SELECT c.oid, n.nspname, c.relname, has_table_privilege(c.oid, 'SELECT') FROM pg_partition_tree(%s) t "
        "JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE t.isleaf AND c.oid::regclass::text = %s",
        (relation, chunk.partition),
        where,
    )
    if not parts:
        raise TableGoneError(f"{where}: it has no partition {printable(chunk.partition)} any more; {_AGAIN}")
    # A partition that was added since would otherwise be missing from the image without a word.
    added = {shown for shown, _, _ in leaves(session, table)} - {known.name for known in table.partitions}
    if added:
        names = printable(", ".join(sorted(added)))[:200]
        raise TableGoneError(f"{where}: it has partitions that it had not when the plan was made ({names}); {_AGAIN}")
    part, schema, name, readable = parts[0]
    if not readable:
        raise TableDeniedError(
            f"{where}: no right to read its partition {printable(chunk.partition)}; have its owner GRANT SELECT on the "
            "partitions too, or leave the table out with --exclude"
        )
    return relation, part, sql_name(TableName(schema, name))


def page_and_file(chunk: Chunk) -> tuple[int, int]:
    """Return first page and file of a chunk of pages from its lower bound, ``page@file``."""
    page, _, file = (chunk.low or "").partition("@")
    if not page.isdigit() or not file.isdigit() or not (chunk.high or "0").isdigit():
        raise TableGoneError(
            f"{printable(str(chunk.table))}: '{printable(str(chunk.low))[:80]}' are no pages; {_AGAIN}"
        )
    return int(page), int(file)


def sql_name(name: TableName) -> str:
    """Return schema and name of a table as SQL writes them."""
    return f"{quoted(name.schema)}.{quoted(name.name)}"


def from_clause(session: Session, table: TableSchema) -> str:
    """Return ``FROM`` for all rows of a table: with its partitions, without the tables that inherit from it."""
    return f"FROM {'' if leaves(session, table) else 'ONLY '}{sql_name(table.name)}"


def leaves(session: Session, table: TableSchema) -> list[tuple[str, str, TableName]]:
    """Return the partitions of a table that have rows: name as PostgreSQL writes it, kind, and schema and name.

    Empty for a table that is not partitioned; one ``("", "", name)`` for a partitioned one without partitions.
    """
    found = session.rows(_LEAVES, (table.name.schema, table.name.name), str(table.name))
    if not found:
        return []
    parts = [(shown, kind, TableName(schema, name)) for shown, kind, schema, name in found if shown is not None]
    return parts or [("", "", table.name)]


_LEAVES = """
SELECT l.oid::regclass::text, l.relkind::text, ln.nspname, l.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL pg_partition_tree(c.oid) t ON t.isleaf AND t.relid <> c.oid
LEFT JOIN pg_class l ON l.oid = t.relid
LEFT JOIN pg_namespace ln ON ln.oid = l.relnamespace
WHERE n.nspname = %s AND c.relname = %s AND c.relkind = 'p'
ORDER BY ln.nspname COLLATE "C", l.relname COLLATE "C"
"""
