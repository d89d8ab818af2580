"""Reads columns of a table of an image, batch by batch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from dbdump.errors import ImageError, ValueLossError
from dbdump.image import Image, ImageTable
from dbdump.marine.mapping import Dataset, Scalar
from dbdump.marine.values import to_texts
from dbdump.schema import Family
from dbdump.sqlite.restore import restored
from dbdump.stored import StoredColumn
from legacy.errors import MetadataError, nearest, printable

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 65_536
LARGEST_JOINED = 20_000_000
"""Rows of a joined table, which are kept in memory."""


@dataclass(frozen=True, slots=True)
class TableReader:
    """A table of an image, whose columns are asked for by the names that a mapping uses.

    Parameters
    ----------
    image, table
        The image and the table in it.
    """

    image: Image
    table: ImageTable

    @property
    def columns(self) -> tuple[StoredColumn, ...]:
        """The columns that can be asked for."""
        return self.table.columns

    def column(self, name: str, where: str) -> StoredColumn:
        """Return a column; case counts only where two names differ in nothing else.

        Raises
        ------
        MetadataError
            There is none; the message names the nearest one.
        """
        columns = self.columns
        found = [each for each in columns if each.name == name]
        found = found or [each for each in columns if each.name.casefold() == name.casefold()]
        if len(found) != 1:
            advice = nearest(name, [each.name for each in columns])
            problem = f"{self.table.name} has no column '{name}'; {advice}"
            raise MetadataError(f"{where}: {printable(problem)}")
        return found[0]

    def padded(self, column: StoredColumn) -> bool:
        """Whether values end in blanks that mean nothing: CHAR(n)."""
        source = self.table.schema.column(column.column)
        return Family.CHAR in (source.family, source.declared)

    def place(self, column: str) -> str:
        """Return how messages name a column."""
        return printable(f"{self.table.name}, column {column}")

    def batches(self, names: list[str]) -> Iterator["pa.RecordBatch"]:
        """Yield all rows of some columns, in the order of the image.

        Raises
        ------
        ImageError
            A part is missing, damaged, or has other rows or columns than the manifest says.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self.table.sqlite is not None:
            for span in self.table.sqlite.spans:
                yield from restored(self.image.folder, self.table, span, names)
            return
        for part in self.table.parts:
            path = self.image.path(part.file)
            advice = "run dbdump verify --offline, and restore the part from a copy"
            try:
                with pq.ParquetFile(path) as stream:
                    lost = sorted(set(names) - set(stream.schema_arrow.names))
                    if stream.metadata.num_rows != part.rows or lost:
                        raise ImageError(f"{path}: it is not the part that the manifest describes; {advice}")
                    for batch in stream.iter_batches(BATCH_ROWS, columns=names):
                        yield batch.select(names)
            except (OSError, pa.ArrowException) as error:
                problem = printable(str(error).splitlines()[0])[:200]
                raise ImageError(f"{path}: cannot be read ({problem}); {advice}") from error

    def empty(self, names: list[str]) -> "pa.Table":
        """Return some columns without rows."""
        import pyarrow as pa

        from dbdump.arrow import arrow_type

        kinds = {each.name: arrow_type(each.arrow) for each in self.table.columns}
        return pa.schema([(name, kinds[name]) for name in names]).empty_table()


@dataclass(frozen=True, slots=True)
class JoinedReader(TableReader):
    """A table with the columns of another one added to its rows; where both have a name, it is the first one's.

    Parameters
    ----------
    rows, other
        The table, which may be joined itself, and the other one, whose rows are kept in memory.
    on
        Columns of the key in both.
    """

    rows: TableReader
    other: TableReader
    on: tuple[tuple[StoredColumn, StoredColumn], ...]

    @property
    def columns(self) -> tuple[StoredColumn, ...]:
        """The columns of both."""
        own = self.rows.columns
        taken = {each.name.casefold() for each in own}
        return (*own, *(each for each in self.other.columns if each.name.casefold() not in taken))

    def padded(self, column: StoredColumn) -> bool:
        """Whether values end in blanks that mean nothing: CHAR(n)."""
        return self.rows.padded(column) if column in self.rows.columns else self.other.padded(column)

    def place(self, column: str) -> str:
        """Return how messages name a column."""
        own = any(each.name == column for each in self.rows.columns)
        return self.rows.place(column) if own else self.other.place(column)

    def batches(self, names: list[str]) -> Iterator["pa.RecordBatch"]:
        """Yield all rows, with NULL in the columns of the other table where it has no row of that key.

        Raises
        ------
        ImageError
            A part is missing or damaged.
        ValueLossError
            The other table has two rows of one key, or too many rows.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        own = {each.name for each in self.rows.columns}
        added = [name for name in names if name not in own]
        keys = [first.name for first, _ in self.on]
        known, table = self._other_rows(added)
        for batch in self.rows.batches(list(dict.fromkeys([*(n for n in names if n in own), *keys]))):
            wanted = _keys(self.rows, batch, [first for first, _ in self.on])
            found = table.take(pc.index_in(wanted, value_set=known)).combine_chunks()
            arrays = [
                batch.column(name) if name in own else _one_chunk(found.column(name), found.schema.field(name).type)
                for name in names
            ]
            yield pa.RecordBatch.from_arrays(arrays, names)

    def _other_rows(self, added: list[str]) -> "tuple[pa.Array[Any], pa.Table]":
        import pyarrow as pa
        import pyarrow.compute as pc

        if self.other.table.rows > LARGEST_JOINED:
            raise ValueLossError(
                f"{printable(str(self.other.table.name))}: {self.other.table.rows} rows are too many to join; make the "
                "larger table the 'table' of the dataset"
            )
        columns = [second for _, second in self.on]
        names = list(dict.fromkeys([*added, *(each.name for each in columns)]))
        batches = list(self.other.batches(names))
        known = pa.concat_arrays([pa.array([], pa.string()), *(_keys(self.other, each, columns) for each in batches)])
        table = pa.Table.from_batches(batches) if batches else self.other.empty(names)
        if len(pc.unique(known.drop_null())) != len(known) - known.null_count:
            shown = ", ".join(each.name for each in columns)
            raise ValueLossError(
                f"{printable(str(self.other.table.name))}: two rows have the same {printable(shown)}; a joined table "
                "has one for each key"
            )
        return known, table.select(added)


def _keys(reader: TableReader, batch: "pa.RecordBatch", columns: "list[StoredColumn]") -> "pa.Array[Any]":
    """Return the key of each row as one text; NULL where a part of it is NULL."""
    import pyarrow.compute as pc

    texts = [to_texts(batch.column(each.name), reader.place(each.name), padded=reader.padded(each)) for each in columns]
    return pc.binary_join_element_wise(*texts, "\x1f")


def _one_chunk(column: "pa.ChunkedArray[Any]", kind: "pa.DataType") -> "pa.Array[Any]":
    import pyarrow as pa

    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], kind)


def open_joined(image: Image, dataset: Dataset) -> TableReader:
    """Find the table of a dataset and those that are joined to it.

    Raises
    ------
    MetadataError, ImageError
        See `open_table`; or a column of a key does not exist.
    """
    where = f"datasets.{dataset.name}"
    reader = open_table(image, dataset.table, f"{where}.table")
    for number, join in enumerate(dataset.joins):
        place = f"{where}.join[{number}]"
        other = open_table(image, join.table, f"{place}.table")
        on = tuple((reader.column(own, f"{place}.by"), other.column(key, f"{place}.by")) for own, key in join.by)
        reader = JoinedReader(image, reader.table, reader, other, on)
    return reader


def open_table(image: Image, name: str, where: str) -> TableReader:
    """Find a table whose rows are in the image.

    Raises
    ------
    MetadataError
        There is no such table.
    ImageError
        It was not dumped.
    """
    try:
        table = image.table(name)
    except ImageError as error:
        raise MetadataError(f"{where}: {error}") from error
    if table.problem:
        raise ImageError(f"{where}: {table.name} is not in the image: {printable(table.problem)}")
    if not table.is_present:
        raise ImageError(f"{where}: {table.name} has no files in the image; run dbdump verify --offline")
    return TableReader(image, table)


def row_filter(
    reader: TableReader, wanted: Mapping[str, tuple[Scalar, ...]], where: str
) -> "Mapping[str, pa.Array[Any]]":
    """Return the values that columns must have, as their types, by the names of the columns.

    Raises
    ------
    MetadataError
        A column does not exist, or a value is none of its type.
    """
    import pyarrow as pa

    from dbdump.arrow import arrow_type

    found: dict[str, pa.Array[Any]] = {}
    for name, values in wanted.items():
        column = reader.column(name, where)
        kind = arrow_type(column.arrow)
        try:
            found[column.name] = pa.array([_as_kind(value, kind) for value in values], kind)
        except (pa.ArrowException, InvalidOperation, TypeError, ValueError) as error:
            shown = ", ".join(repr(value) for value in values)
            raise MetadataError(f"{where}.{printable(name)}: {printable(shown)}: the column is {kind}") from error
    return found


def _as_kind(value: Scalar, kind: "pa.DataType") -> object:
    import pyarrow as pa

    if pa.types.is_decimal(kind) and not isinstance(value, bool):
        return Decimal(str(value))
    if pa.types.is_string(kind) and not isinstance(value, str):
        raise TypeError("a text is compared with a text")
    return value


def select(reader: TableReader, batch: "pa.RecordBatch", wanted: "Mapping[str, pa.Array[Any]]") -> "pa.RecordBatch":
    """Return the rows of a batch whose columns have the values of `row_filter`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for name, values in wanted.items():
        column = batch.column(name)
        if pa.types.is_string(column.type) and reader.padded(reader.column(name, name)):
            column, values = pc.utf8_rtrim(column, " "), pc.utf8_rtrim(values, " ")
        batch = batch.filter(pc.is_in(column, value_set=values))
    return batch
