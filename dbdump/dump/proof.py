"""Shows that a table did not change while it was read, where no single snapshot shows it."""

from collections.abc import Sequence
from dataclasses import dataclass

from dbdump.dump.journal import ChunkDone, Mark
from dbdump.errors import TableGoneError
from dbdump.plan import Snapshot, TablePlan
from dbdump.sources.contract import KnowsWriters, Source


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at the chunks of an earlier snapshot gave.

    Parameters
    ----------
    proof
        How it is known that the others still show the table; ``""`` if it is not.
    changed
        Numbers of chunks that have changed, where it is known that the others have not.
    """

    proof: str
    changed: tuple[int, ...] = ()


def mark(source: Source, table: TablePlan, prove: str) -> Mark:
    """Ask for the state of a table before it is read.

    Parameters
    ----------
    source
        Connected.
    table
        The table.
    prove
        ``counts`` or ``rowscn``.

    Raises
    ------
    TableError
        It cannot be read.
    """
    change = source.change_mark(table.name) if prove == "rowscn" else ""
    return Mark(table.name, source.count(table.schema), change)


def prove_table(source: Source, table: TablePlan, before: Mark, rows: int, prove: str) -> str:
    """Compare the state of a table after it was read with that before.

    Returns
    -------
    str
        What is proved, for the manifest.

    Raises
    ------
    TableGoneError
        The table has changed.
    """
    after = mark(source, table, prove)
    if after.rows != before.rows or after.rows != rows:
        raise TableGoneError(
            f"{table.name}: it changed while it was dumped: {before.rows} rows before, {rows} in the image, "
            f"{after.rows} after; run the same command again"
        )
    if after.change != before.change:
        raise TableGoneError(f"{table.name}: rows were changed while it was dumped; run the same command again")
    if after.change:
        return f"its largest ORA_ROWSCN was {after.change} before and after, its rows {rows}"
    return f"it had {rows} rows before and after"


def look_at(
    source: Source,
    table: TablePlan,
    done: Sequence[ChunkDone],
    before: Mark | None,
    prove: str,
    snapshots: Sequence[Snapshot],
) -> Looked:
    """See whether chunks of an earlier snapshot still show the table.

    Parameters
    ----------
    source
        In the new snapshot.
    table
        The table.
    done
        Its chunks that were read in an earlier snapshot.
    before
        Its state before the first of them, when that was asked.
    prove
        ``counts``, ``rowscn`` or ``off``.
    snapshots
        Those of the journal.

    Raises
    ------
    TableError
        The table cannot be read.
    """
    if prove == "off":
        return Looked("not proved, on request, for what was read in an earlier snapshot")
    if prove == "rowscn" and before is not None and before.change:
        same = source.change_mark(table.name) == before.change
        return Looked(f"its largest ORA_ROWSCN is still {before.change}" if same else "")
    chunks = {chunk.number: chunk for chunk in table.chunks}
    if isinstance(source, KnowsWriters) and all(snapshots[part.snapshot].seen for part in done):
        return _writers(source, table, done, snapshots)
    for part in done:
        if source.count(table.schema, chunks[part.number]) != part.rows:
            return Looked("")
    return Looked(f"{len(done)} of {len(table.chunks)} chunks, read in an earlier snapshot, still have as many rows")


def _writers(
    source: KnowsWriters, table: TablePlan, done: Sequence[ChunkDone], snapshots: Sequence[Snapshot]
) -> Looked:
    """Rows that were written since show; those that are gone are missing in the count."""
    chunks = {chunk.number: chunk for chunk in table.chunks}
    changed: list[int] = []
    for part in done:
        rows, written = source.count_written(table.schema, chunks[part.number], snapshots[part.snapshot])
        if written or rows != part.rows:
            changed.append(part.number)
    same = len(done) - len(changed)
    proof = (
        f"{same} of {len(table.chunks)} chunks, read in an earlier snapshot, still have as many rows, and none of them "
        "was written since (xmin)"
    )
    return Looked(proof if same else "", tuple(changed))
