"""Rows of a SQLite file of an image as something that DuckDB can read as often as a query needs it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbdump.arrow import arrow_type, in_parquet
from dbdump.errors import ImageError
from dbdump.image import ImageTable, Span
from dbdump.sqlite.restore import restored

if TYPE_CHECKING:
    import pyarrow as pa

NUMBER = "file_row_number"
"""What DuckDB calls the number of a row in a Parquet file, from 0 on."""


class RowStream:
    """Spans of a table, in the types that Parquet parts give: DuckDB shows timestamps of seconds as milliseconds there.

    Parameters
    ----------
    folder
        Of the image.
    table
        One whose rows a SQLite file has.
    spans
        Which rows.
    numbered
        Whether to add the column `NUMBER`.

    Attributes
    ----------
    error
        What went wrong with the file, as soon as something did: DuckDB tells it as an error of its own.
    """

    def __init__(self, folder: Path, table: ImageTable, spans: Sequence[Span], *, numbered: bool = False) -> None:
        self._folder, self._table, self._spans, self._numbered = folder, table, spans, numbered
        self.error: ImageError | None = None

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the rows, from the first one (Arrow PyCapsule interface); nothing is opened before they are read."""
        import pyarrow as pa

        schema = self._schema()
        return pa.RecordBatchReader.from_batches(schema, self._batches(schema)).__arrow_c_stream__(requested_schema)

    def _schema(self) -> "pa.Schema":
        import pyarrow as pa

        fields: list[tuple[str, Any]] = [(one.name, in_parquet(arrow_type(one.arrow))) for one in self._table.columns]
        return pa.schema([*fields, (NUMBER, pa.int64())] if self._numbered else fields)

    def _batches(self, schema: "pa.Schema") -> Iterator["pa.RecordBatch"]:
        import pyarrow as pa

        names, number = [column.name for column in self._table.columns], 0
        try:
            for span in self._spans:
                for batch in restored(self._folder, self._table, span, names):
                    arrays = [array.cast(field.type) for array, field in zip(batch.columns, schema, strict=False)]
                    if self._numbered:
                        arrays.append(pa.array(range(number, number + batch.num_rows), pa.int64()))
                    number += batch.num_rows
                    yield pa.record_batch(arrays, schema=schema)
        except ImageError as error:
            self.error = error
            raise
