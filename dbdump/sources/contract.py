"""What every kind of source can do; `dbdump.sources.opening` finds the right one for a URL.

A source holds one connection that only reads. Methods translate the errors of their driver into those of
`dbdump.errors`, with messages that say what, where, and the next step.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from dbdump.lobs import LobStore
from dbdump.plan import Chunk, Snapshot, TablePlan
from dbdump.schema import Column, DatabaseSchema, ServerFacts, TableName, TableSchema
from dbdump.stored import Probe, StoredColumn

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Reading:
    """How rows are read.

    Parameters
    ----------
    rows
        Largest number of rows in a batch.
    size
        Bytes that a batch should not exceed by more than one row.
    """

    rows: int = 10_000
    size: int = 16 << 20


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Facts about all values of one column of the image, computed in the source or from the image.

    Exact numbers are decimal text without exponent or trailing zeros, times ISO 8601, text by code point, floats
    what Python's `repr` gives. See `dbdump.verify.canon` for the one definition.

    Parameters
    ----------
    nulls
        Values that are NULL.
    low, high
        Smallest and largest value, None without any; of text the first 100 characters.
    total
        Sum of numbers, also of those that are text in the image; of times the sum of their seconds since 1970; of other
        text and of bytes the sum of their lengths (characters, bytes); of booleans how many are true. None without any.
    special
        Floats that are NaN or infinite; they take no part in `low`, `high` and `total`. Of numbers that are text in the
        image they take no part in `total`.
    """

    nulls: int
    low: str | None
    high: str | None
    total: str | None
    special: int = 0


class Source(Protocol):
    """A connection to a database."""

    def facts(self) -> ServerFacts:
        """Return what the server is; asks it at most a few small questions."""

    def schemas(self) -> tuple[str, ...]:
        """Return the schemas with tables of users, sorted; those of the system are left out."""

    def default_schema(self) -> str:
        """Return the schema that is dumped when none is named."""

    def reflect(self, schemas: Sequence[str]) -> DatabaseSchema:
        """Return all that the dictionary says about some schemas; a missing right is a warning, not an error."""

    def begin(self, mode: str) -> Snapshot:
        """Take a snapshot that lasts as long as this source is open, and read in it from now on.

        Raises
        ------
        SourceError
            This account may not use that mode.
        """

    def join(self, snapshot: Snapshot) -> None:
        """Read in the snapshot that another source has taken and still holds (with ``scn``, or has held).

        Raises
        ------
        SnapshotExpiredError
            It is not there any more.
        """

    def probe(self, table: TableSchema, columns: Sequence[Column]) -> Mapping[str, Probe]:
        """Look at the values of some columns of a table, in one reading of it."""

    def chunks(self, table: TableSchema, size: int) -> tuple[Chunk, ...]:
        """Divide a table into chunks of about `size` bytes; at least one, numbered from 0."""

    def read(self, table: TablePlan, chunk: Chunk, reading: Reading, lobs: LobStore) -> Iterator["pa.RecordBatch"]:
        """Yield the rows of a chunk, always in the same order.

        Batches have exactly the columns of the plan (`dbdump.arrow.schema_of`), and the same boundaries each time.
        LOBs longer than `lobs.threshold` are in the store when their batch is yielded.

        Raises
        ------
        TableDeniedError, TableGoneError, ValueLossError, ConnectionLostError, SnapshotExpiredError
        """

    def count(self, table: TableSchema, chunk: Chunk | None = None) -> int:
        """Count the rows of a table or of one chunk, in the source."""

    def change_mark(self, table: TableName) -> str:
        """Return something that is another when the table was changed (largest ORA_ROWSCN); ``""`` if not known."""

    def aggregates(self, table: TablePlan) -> Mapping[str, Aggregate]:
        """Compute the facts of `Aggregate` in the source, by name of the columns of the image."""

    def not_digested(self, table: TablePlan) -> frozenset[str]:
        """Return names of columns of the image that this kind of server cannot hash (Oracle: LOBs)."""

    def digest(self, table: TablePlan, columns: Sequence[StoredColumn]) -> str:
        """Compute the order-free digest of all rows over `columns` in the source (see `dbdump.verify.canon`)."""

    def close(self) -> None:
        """End the connection and the snapshot; never raises."""


@runtime_checkable
class KnowsWriters(Protocol):
    """A source whose rows tell who wrote them."""

    def count_written(self, table: TableSchema, chunk: Chunk, since: Snapshot) -> tuple[int, int]:
        """Count the rows of a chunk, and those of them that `since` may not have seen as they are."""


@runtime_checkable
class NoticesMisfits(Protocol):
    """A source that fails to read a value rather than bend it."""

    def notices(self, column: Column) -> bool:
        """Whether reading notices every value of a column that the plain type of its family does not hold."""
