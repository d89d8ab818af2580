"""How a dump is divided: tables into chunks, each read, written and checked as one piece."""

from dataclasses import dataclass
from enum import StrEnum

from dbdump.schema import TableName, TableSchema
from dbdump.stored import StoredColumn


class ChunkKind(StrEnum):
    """How a chunk is cut out of its table."""

    WHOLE = "whole"
    """All rows."""
    KEY = "key"
    """`low` <= first column of the primary key < `high`."""
    ROWID = "rowid"
    """`low` <= ROWID < `high` (Oracle, SQLite); a bound that is None is open."""
    PAGES = "pages"
    """Pages `low` (included) to `high` (not) of a PostgreSQL table."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a table; its rows have one order that is the same each time they are read.

    Parameters
    ----------
    table, number
        Number from 0 within the table; parts of the image are named by it.
    kind, low, high
        Bounds as the source wrote them, None for none.
    partition
        Partition of the table that is read, ``""`` for all of it.
    rows, size
        Estimates: rows and bytes of the source; 0 where not known.
    """

    table: TableName
    number: int
    kind: ChunkKind = ChunkKind.WHOLE
    low: str | None = None
    high: str | None = None
    partition: str = ""
    rows: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class TablePlan:
    """What is dumped of one table.

    Parameters
    ----------
    schema
        The table in the source.
    columns
        The columns of the image.
    chunks
        In the order of their numbers; at least one.
    """

    schema: TableSchema
    columns: tuple[StoredColumn, ...]
    chunks: tuple[Chunk, ...]

    @property
    def name(self) -> TableName:
        """Schema and name of the table."""
        return self.schema.name


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The moment of which a dump shows the source.

    Parameters
    ----------
    mode
        ``scn`` (Oracle), ``readonly`` (one transaction that all sessions share), or ``none``.
    token
        What another session needs to see the same moment: a system change number, the name of an exported
        snapshot; ``""`` for none.
    taken
        When it was taken by the source's clock, ISO 8601 UTC.
    seen
        Which transactions it sees, in the source's own words (PostgreSQL: ``pg_current_snapshot()``); ``""`` where the
        source has no such words. Later it tells rows that were written since.
    place
        What tells the database from another one of the same URL (PostgreSQL: identifier of the cluster and number of
        the database, ``?`` for one that is not told); ``""`` where nothing does.
    """

    mode: str
    token: str = ""
    taken: str = ""
    seen: str = ""
    place: str = ""

    def is_elsewhere(self, other: "Snapshot") -> bool:
        """Whether another snapshot is of another database, as far as both say."""
        ours, theirs = self.place.split("/"), other.place.split("/")
        return any(one != two and "?" not in (one, two) and one and two for one, two in zip(ours, theirs, strict=False))
