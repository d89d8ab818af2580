"""Which files of an image are there: what a copy lost or a kill left, seen before a dump goes on."""

import shutil
from pathlib import Path

from dbdump.dump.journal import ChunkDone
from dbdump.image import DDL, LOBS, PARQUET, SQLITE
from dbdump.plan import TablePlan
from dbdump.stored import Form
from legacy.atomic import PART_SUFFIX


def remove_leftovers(folder: Path) -> None:
    """Remove what killed runs left under temporary names.

    Only where we write, and only what we write: a table may be called ``x.part`` and have a folder of that name, and
    files of others may lie in hidden folders beside ours.

    Parameters
    ----------
    folder
        Of the image; nobody else writes to it.

    Raises
    ------
    OSError
        A file cannot be removed.
    """
    shutil.rmtree(folder / f"{DDL}{PART_SUFFIX}", ignore_errors=True)
    below = (path for name in (PARQUET, LOBS, SQLITE) for path in (folder / name).rglob(f"*{PART_SUFFIX}"))
    for path in (*folder.glob(f"*{PART_SUFFIX}"), *below):
        if path.is_file():
            path.unlink(missing_ok=True)


def is_whole(folder: Path, table: TablePlan, done: ChunkDone) -> bool:
    """Whether the parts of a chunk are there, and the large values that its rows point to.

    Parameters
    ----------
    folder
        Of the image.
    table
        The table.
    done
        What the journal says of the chunk.
    """
    if not all(_has(folder / part.file.path, part.file.size) for part in done.parts):
        return False
    return all(_has(folder / LOBS / name[:2] / name, size) for name, size in _large_values(folder, table, done))


def _has(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _large_values(folder: Path, table: TablePlan, done: ChunkDone) -> set[tuple[str, int]]:
    """Return name and size of each file below ``lobs/`` that the rows of a chunk need."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    found: set[tuple[str, int]] = set()
    for column in table.columns:
        if column.form != Form.LOB_FILE:
            continue
        sizes = next(one.name for one in table.columns if one.column == column.column and one.form == Form.LOB_SIZE)
        for part in done.parts:
            try:
                batches = pq.ParquetFile(folder / part.file.path, pre_buffer=False).iter_batches(
                    columns=[column.name, sizes]
                )
                for batch in batches:
                    pointing = batch.filter(batch.column(column.name).is_valid())
                    found.update(
                        zip(*(pointing.column(name).to_pylist() for name in (column.name, sizes)), strict=True)
                    )
            except pa.ArrowException:
                found.add(("damaged", -1))  # no such file: the part is read anew
    return found
