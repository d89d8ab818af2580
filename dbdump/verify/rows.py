"""Reads the rows of an image, a bounded number at a time, and says clearly what is wrong with a file.

They are in Parquet parts, or in a SQLite file that alone has them.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dbdump.arrow import in_parquet, schema_of
from dbdump.errors import ImageError
from dbdump.image import Image, ImageTable, Part, Slice, Span
from dbdump.plan import Chunk, TablePlan
from dbdump.sqlite.restore import check_table, restored
from legacy.errors import printable

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

BATCH_ROWS = 65_536
RESTORE = "restore it from a copy, or delete it and run the same dump again, which reads that part anew"


def plan_of(table: ImageTable) -> TablePlan:
    """Return the table as the source is asked for it, as one chunk."""
    return TablePlan(table.schema, table.columns, (Chunk(table.name, 0),))


def schema_problem(table: ImageTable, found: "pa.Schema") -> str:
    """Say how the columns of a part differ from those of the manifest; ``""`` if they do not."""
    wanted = schema_of(plan_of(table))
    if found.names != wanted.names:
        missing = [name for name in wanted.names if name not in found.names]
        return f"its columns are not those of the manifest (missing: {', '.join(missing) or 'none'})"
    for name in wanted.names:
        if found.field(name).type != in_parquet(wanted.field(name).type):
            return f"column {name} is {found.field(name).type}, the manifest says {wanted.field(name).type}"
    return ""


def open_part(image: Image, table: ImageTable, part: Part) -> "pq.ParquetFile":
    """Open a part whose footer says the rows and columns of the manifest.

    Raises
    ------
    ImageError
        It is missing, damaged, or another.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = image.path(part.file)
    if not path.is_file():
        raise ImageError(f"{part.file.path}: it is missing; {RESTORE}")
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        reason = printable(str(error))[:200]
        raise ImageError(f"{part.file.path}: not a whole Parquet file ({reason}); {RESTORE}") from error
    problem = schema_problem(table, file.schema_arrow)
    # A file without columns cannot say how many rows it has.
    if not problem and table.columns and file.metadata.num_rows != part.rows:
        problem = f"it has {file.metadata.num_rows} rows, the manifest says {part.rows}"
    if problem:
        file.close()
        raise ImageError(f"{part.file.path}: {problem}; {RESTORE}")
    return file


def check_files(image: Image, table: ImageTable) -> Iterator[ImageError]:
    """Yield what is wrong with the files of a table at a first look: footers of parts, columns and rows in SQLite."""
    for part in table.parts:
        try:
            open_part(image, table, part).close()
        except ImageError as error:
            yield error
    if table.sqlite is not None:
        try:
            check_table(image.folder, table)
        except ImageError as error:
            yield error


def batches(image: Image, table: ImageTable, part: Slice, columns: Sequence[str]) -> Iterator["pa.RecordBatch"]:
    """Yield some rows of a table; of a part one row group is in memory at a time.

    Raises
    ------
    ImageError
        The part is missing, damaged, or another.
    """
    import pyarrow as pa

    if not columns:
        return
    whole = schema_of(plan_of(table))
    schema = pa.schema([whole.field(name) for name in columns])
    if isinstance(part, Span):
        for batch in restored(image.folder, table, part, columns):
            yield pa.record_batch(batch.columns, schema=schema)
        return
    with open_part(image, table, part) as file:
        for number in range(file.num_row_groups):
            try:
                # Threads of our own read several parts at once.
                group = file.read_row_group(number, columns=list(columns), use_threads=False)
                # Checked: a fraction of a second is an error here, not lost.
                group = group.select(columns).cast(schema)
            except (pa.ArrowException, OSError) as error:
                reason = printable(str(error))[:200]
                message = f"{part.file.path}: row group {number} cannot be read ({reason}); {RESTORE}"
                raise ImageError(message) from error
            yield from group.to_batches(max_chunksize=BATCH_ROWS)
