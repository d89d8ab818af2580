"""Writes the rows of a chunk as Parquet files, in a way that gives the same bytes each time.

Row groups and files end where the batches tell, never where time does; so a chunk that is read again after a kill
makes the files that it would have made before.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbdump.image import FileFacts, Part, table_folder
from dbdump.plan import Chunk
from legacy.atomic import atomic_file
from legacy.checksums import checksums

if TYPE_CHECKING:
    import pyarrow as pa

GROUP_ROWS, GROUP_SIZE = 250_000, 64 << 20
"""A row group ends after the batch that reaches one of these: rows, bytes in memory."""
PART_SIZE = 1 << 30
"""A file ends after the row group with which it reaches this size."""

Seen = Callable[["pa.RecordBatch"], None]


def write_parts(
    folder: Path, chunk: Chunk, schema: "pa.Schema", batches: "Iterable[pa.RecordBatch]", seen: Seen
) -> tuple[Part, ...]:
    """Write the rows of a chunk.

    Parameters
    ----------
    folder
        Of the image.
    chunk
        Names the files: ``part-00012.parquet``, then ``part-00012-001.parquet`` and so on.
    schema
        Of all batches.
    batches
        The rows.
    seen
        Called with each batch before it is written.

    Returns
    -------
    tuple of Part
        Whole and on disk. The first chunk of a table has a file also when it has no rows; others have none then.

    Raises
    ------
    OSError
        A file cannot be written; it does not remain then.
    """
    place = folder / table_folder(chunk.table)
    place.mkdir(parents=True, exist_ok=True)
    groups = _groups(batches, seen)
    parts: list[Part] = []
    group = next(groups, None)
    while group is not None or (not parts and chunk.number == 0):
        name = f"part-{chunk.number:05d}" + (f"-{len(parts):03d}" if parts else "") + ".parquet"
        target, rows = place / name, 0
        with atomic_file(target) as path, path.open("wb") as stream, _writer(stream, schema) as writer:
            while group is not None:
                writer.write_table(group, row_group_size=max(group.num_rows, 1))
                rows += group.num_rows
                group = next(groups, None)
                if stream.tell() >= PART_SIZE:
                    break
        parts.append(Part(_facts(folder, target), rows, chunk.number))
    return tuple(parts)


def _groups(batches: "Iterable[pa.RecordBatch]", seen: Seen) -> "Any":
    """Yield the rows as tables, one for each row group."""
    import pyarrow as pa

    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        if batch.num_rows == 0:
            continue
        seen(batch)
        waiting.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= GROUP_ROWS or size >= GROUP_SIZE:
            yield pa.Table.from_batches(waiting)
            waiting, rows, size = [], 0, 0
    if waiting:
        yield pa.Table.from_batches(waiting)


def _writer(stream: Any, schema: "pa.Schema") -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # A dictionary of numbers that hardly repeat costs time and gives nothing.
    texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_binary(field.type)]
    return pq.ParquetWriter(
        stream,
        schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=texts,
        column_encoding=_encodings(schema),
        write_statistics=True,
    )


def _encodings(schema: "pa.Schema") -> dict[str, str]:
    """Return encodings of numbers after which zstd has less to do and finds more (Parquet format, Encodings.md).

    Measurements are near their neighbours: differences of integers and times, and the same byte of all doubles,
    repeat where the numbers do not.
    """
    import pyarrow as pa

    found: dict[str, str] = {}
    for field in schema:
        if pa.types.is_floating(field.type):
            found[field.name] = "BYTE_STREAM_SPLIT"
        elif pa.types.is_integer(field.type) or pa.types.is_temporal(field.type):
            found[field.name] = "DELTA_BINARY_PACKED"
    return found


def _facts(folder: Path, target: Path) -> FileFacts:
    sums = checksums(target)
    return FileFacts(target.relative_to(folder).as_posix(), sums.size, sums.sha256 or "", sums.md5, sums.adler32)
