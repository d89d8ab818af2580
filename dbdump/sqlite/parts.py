"""The Parquet parts of a table, read with care: they are checked against the manifest, and in bounded batches."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dbdump.arrow import arrow_type, in_parquet
from dbdump.errors import ImageError
from dbdump.image import ImageTable, Part
from dbdump.sqlite.values import INT64_HIGH, INT64_LOW
from dbdump.stored import Form
from legacy.errors import printable

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

BATCH_ROWS, BATCH_SIZE = 20_000, 16 << 20
"""Largest number of rows in a batch, and the bytes that a batch has as a rule."""


def open_part(folder: Path, table: ImageTable, part: Part) -> "pq.ParquetFile":
    """Open a part.

    Raises
    ------
    ImageError
        It is no Parquet file, or has other columns or rows than the manifest says.
    OSError
        It cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / part.file.path
    try:
        opened = pq.ParquetFile(path, pre_buffer=False)  # else the whole part would wait in memory
    except pa.ArrowInvalid as error:
        reason = printable(str(error))[:200]
        raise ImageError(f"{path}: not a Parquet file: {reason}; run dbdump verify --offline") from error
    found = [(item.name, in_parquet(item.type)) for item in opened.schema_arrow]
    expected = [(column.name, in_parquet(arrow_type(column.arrow))) for column in table.columns]
    if found != expected or opened.metadata.num_rows != part.rows:
        raise ImageError(
            f"{path}: its columns or rows are not those of {printable(str(table.name))} in the manifest; "
            "run dbdump verify --offline"
        )
    return opened


def batches(
    opened: "pq.ParquetFile", path: Path, table: ImageTable, columns: Sequence[str] | None = None
) -> Iterator["pa.RecordBatch"]:
    """Yield the rows of a part, in their order, in batches of about `BATCH_SIZE` bytes.

    Raises
    ------
    ImageError
        The part is damaged.
    """
    import pyarrow as pa

    facts = opened.metadata
    size = sum(facts.row_group(number).total_byte_size for number in range(facts.num_row_groups))
    try:
        mean, largest = _inline_lobs(opened, table)
        most = BATCH_SIZE // max(size // max(facts.num_rows, 1), mean, largest // _WORST, 1)
        kinds = {column.name: arrow_type(column.arrow) for column in table.columns}
        for batch in opened.iter_batches(max(1, min(BATCH_ROWS, most)), columns=columns):
            wanted = pa.schema([pa.field(name, kinds[name]) for name in batch.schema.names])
            yield batch if batch.schema.equals(wanted) else batch.cast(wanted)
    except (pa.ArrowException, OSError) as error:
        reason = printable(str(error))[:200]
        raise ImageError(f"{path}: cannot be read: {reason}; run dbdump verify --offline") from error


_WORST = 8
"""How many times `BATCH_SIZE` a batch may have where all of its values are as long as the longest one."""


def _inline_lobs(opened: "pq.ParquetFile", table: ImageTable) -> tuple[int, int]:
    """Return mean and largest bytes of the values of LOBs in a row.

    Equal values stand once in a part, so its size says little about what they need in memory.
    """
    import pyarrow.compute as pc

    total = largest = 0
    files = {column.column: column.name for column in table.columns if column.form == Form.LOB_FILE}
    sizes = {column.column: column.name for column in table.columns if column.form == Form.LOB_SIZE}
    for source in files.keys() & sizes.keys():
        longest = 0
        for batch in opened.iter_batches(1 << 20, columns=[files[source], sizes[source]]):
            inline = batch.column(sizes[source]).filter(pc.is_null(batch.column(files[source])))
            total += pc.sum(inline, min_count=0).as_py()
            longest = max(longest, pc.max(inline).as_py() or 0)
        largest += longest
    return total // max(opened.metadata.num_rows, 1), largest


def fits_int64(folder: Path, table: ImageTable, column: str) -> bool:
    """Whether every value of a decimal column fits 64 bits.

    The parts say it in their statistics; a row group without them is read.
    """
    return all(_part_fits(folder, table, part, column) for part in table.parts)


def _part_fits(folder: Path, table: ImageTable, part: Part, column: str) -> bool:
    with open_part(folder, table, part) as opened:
        facts = opened.metadata
        number = [stored.name for stored in table.columns].index(column)
        for group in range(facts.num_row_groups):
            chunk = facts.row_group(group).column(number)
            if chunk.statistics is None or not chunk.statistics.has_min_max:
                if chunk.statistics is not None and chunk.statistics.null_count == chunk.num_values > 0:
                    continue
                return _values_fit(opened, folder / part.file.path, table, column)
            if chunk.statistics.min < INT64_LOW or chunk.statistics.max > INT64_HIGH:
                return False
    return True


def _values_fit(opened: "pq.ParquetFile", path: Path, table: ImageTable, column: str) -> bool:
    import pyarrow.compute as pc

    for batch in batches(opened, path, table, [column]):
        bounds = pc.min_max(batch.column(0)).as_py()
        if bounds["min"] is not None and (bounds["min"] < INT64_LOW or bounds["max"] > INT64_HIGH):
            return False
    return True
