"""The end of a dump: clear away what no table needs, and write the books that describe the image."""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from dbdump.books import describe, write_books
from dbdump.dump.journal import Progress
from dbdump.dump.planfile import DumpPlan
from dbdump.image import LOBS, PARQUET, ImageTable, Manifest
from dbdump.plan import TablePlan
from dbdump.present import missing_books, missing_rows
from dbdump.schema import TableName
from dbdump.stored import Form
from legacy import __version__
from legacy.clock import now
from legacy.lock import folder_lock

Say = Callable[[str], None]


def finish(
    folder: Path, plan: DumpPlan, progress: Progress, prove: str, proofs: Mapping[TableName, str], say: Say
) -> Manifest:
    """Write everything that describes the image, its manifest last.

    Parameters
    ----------
    folder
        Of the image.
    plan, progress
        What was to be done, and what is.
    prove
        What was done without a snapshot: ``counts``, ``rowscn`` or ``off``.
    proofs
        What was proved of tables.
    say
        Takes a sentence.

    Returns
    -------
    Manifest

    Raises
    ------
    OSError
        Something cannot be written.
    """
    tables = [_image_table(table, progress, proofs.get(table.name, "")) for table in plan.tables]
    tables += [ImageTable(refused.schema, (), problem=refused.problem) for refused in plan.refused]
    tables.sort(key=lambda table: table.name)
    _remove_unknown_parts(folder, tables)
    manifest = Manifest(
        image_id=plan.image_id,
        tool=f"antares-legacy {__version__}",
        started=plan.created,
        finished=now(),
        complete=not any(table.problem for table in tables),
        server=plan.server,
        snapshots=tuple(progress.snapshots),
        prove=prove,
        options=plan.content.told(),
        tables=tuple(tables),
        views=plan.views,
        code=plan.code,
        lobs=_keep_used_lobs(folder, tables),
        warnings=plan.warnings,
    )
    return write_books(folder, manifest, say)


def settled(folder: Path, manifest: Manifest, say: Say) -> Manifest | None:
    """Return the manifest of an image to which nothing is to be added, None where rows have to be read.

    What a kill after the manifest has left over of an image of SQLite files is cleared away; and where only files that
    describe such an image are gone, they are written again: its source need not be read for that.

    Parameters
    ----------
    folder, manifest
        An image that was finished, complete or not.
    say
        Takes a sentence.

    Raises
    ------
    MachineError
        Another run writes there.
    OSError
        A file cannot be read, written or removed.
    """
    if not manifest.complete:
        return None
    lost = missing_rows(folder, manifest)
    books = missing_books(folder)
    if lost or (books and not manifest.in_sqlite_alone):
        say(f"{folder}: the dump was complete, but files of it are gone or cut short: they are made again")
        return None
    if manifest.in_sqlite_alone and (books or (folder / PARQUET).exists()):
        from dbdump.sqlite.alone import remove_parts

        with folder_lock(folder):
            manifest = describe(folder, manifest) if books else manifest
            remove_parts(folder, manifest)
    done = "the files that describe it were gone and are written again" if books else "nothing is done"
    say(f"{folder}: the dump is complete already; {done}")
    return manifest


def _image_table(table: TablePlan, progress: Progress, proof: str) -> ImageTable:
    problem = progress.failed.get(table.name, "")
    done = [progress.done.get((table.name, chunk.number)) for chunk in table.chunks]
    if not problem and None in done:
        problem = "not all of it was read"
    odd: Counter[str] = Counter()
    for chunk in done:
        odd.update(chunk.odd_characters if chunk else {})
    parts = tuple(part for chunk in done if chunk for part in chunk.parts)
    return ImageTable(table.schema, table.columns, parts, problem, dict(sorted(odd.items())), proof)


def _remove_unknown_parts(folder: Path, tables: list[ImageTable]) -> None:
    known = {part.file.path for table in tables for part in table.parts}
    for path in sorted((folder / PARQUET).rglob("*.parquet")):
        # A table may be called x.parquet, and has a folder of that name then.
        if path.is_file() and path.relative_to(folder).as_posix() not in known:
            path.unlink()
    for place in sorted((folder / PARQUET).rglob("*"), reverse=True):
        if place.is_dir() and not any(place.iterdir()):
            place.rmdir()


def _keep_used_lobs(folder: Path, tables: list[ImageTable]) -> tuple[int, int]:
    """Remove values that only a chunk has stored which was then read anew; return number and bytes of the others."""
    place = folder / LOBS
    if not place.is_dir():
        return 0, 0
    used = {name for table in tables for name in _used_lobs(folder, table)}
    count = size = 0
    for path in sorted(place.rglob("*")):
        if not path.is_file():
            continue
        if path.name in used:
            count, size = count + 1, size + path.stat().st_size
        else:
            path.unlink()
    return count, size


def _used_lobs(folder: Path, table: ImageTable) -> set[str]:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    columns = [column.name for column in table.columns if column.form == Form.LOB_FILE]
    used: set[str] = set()
    if not columns:
        return used
    for part in table.parts:
        # Without pre_buffer=False all of the part would wait in memory.
        for batch in pq.ParquetFile(folder / part.file.path, pre_buffer=False).iter_batches(columns=columns):
            for values in batch.columns:
                used.update(pc.unique(values.drop_null()).to_pylist())
    return used
