"""Names and texts as they stand in statements for Oracle."""

from dbdump.errors import TableError
from dbdump.plan import Chunk
from dbdump.schema import TableName
from legacy.errors import printable


def quoted(name: str) -> str:
    """Return a name in double quotes.

    Raises
    ------
    TableError
        No name of Oracle can hold that: a double quote, a NUL, or nothing at all.
    """
    if not name or '"' in name or "\0" in name:
        raise TableError(f"'{printable(name)}' is no name that Oracle can have; report it, and leave the table out")
    return f'"{name}"'


def qualified(name: TableName) -> str:
    """Return schema and name of a table, each quoted."""
    return f"{quoted(name.schema)}.{quoted(name.name)}"


def literal(text: str) -> str:
    """Return a text in single quotes."""
    return "'" + text.replace("'", "''") + "'"


def from_clause(table: TableName, scn: int | None, partition: str = "") -> str:
    """Return a table as it stands after FROM: with its partition, and the moment of which it is read."""
    text = qualified(table)
    if partition:
        text += f" PARTITION ({quoted(partition)})"
    if scn is not None:
        text += f" AS OF SCN {scn:d}"
    return text


def select(what: str, source: str) -> str:
    """Return a statement; `what` and `source` are made of quoted names and of expressions of this package only."""
    return f"SELECT {what} FROM {source}"  # noqa: S608  names cannot be bound; `quoted` has checked them


def chunk_from(chunk: Chunk, scn: int | None) -> str:
    """Return what stands after FROM for a chunk."""
    return from_clause(chunk.table, scn, chunk.partition)
