"""What earlier runs have dumped, seen from a new snapshot: kept where it still is what the source has."""

from collections.abc import Callable, Sequence

from dbdump.dump.journal import ChunkDone, ChunkGone, Forgotten, Journal, TableFailed
from dbdump.dump.planfile import DumpPlan
from dbdump.dump.proof import Looked, look_at
from dbdump.errors import TableError
from dbdump.plan import Snapshot, TablePlan
from dbdump.schema import TableName
from dbdump.sources.contract import Source

_SHOWN = 10
"""Numbers of chunks that a sentence names."""


def look_back(
    source: Source, plan: DumpPlan, journal: Journal, prove: str, say: Callable[[str], None]
) -> dict[TableName, str]:
    """See that what earlier runs dumped is still true; what is not does not count any more.

    Parameters
    ----------
    source
        In the last snapshot of the journal.
    plan
        Of this run.
    journal
        Gets what does not count any more.
    prove
        ``counts``, ``rowscn`` or ``off``.
    say
        Takes a sentence.

    Returns
    -------
    dict
        What is known of the tables of which something is kept, for the manifest.

    Raises
    ------
    SourceError
        The source cannot be used.
    OSError
        The journal cannot be written.
    """
    proofs: dict[TableName, str] = {}
    for table in plan.tables:
        older = _older(table, journal)
        if not older:
            continue
        try:
            looked = _look(source, plan, table, older, journal, prove)
        except TableError as error:
            journal.add(TableFailed(table.name, str(error)))
            continue
        if looked.proof:
            proofs[table.name] = looked.proof
        _forget(table, looked, journal, say)
    return proofs


def _older(table: TablePlan, journal: Journal) -> list[ChunkDone]:
    done, last = journal.progress.done, len(journal.progress.snapshots) - 1
    found = [done[table.name, chunk.number] for chunk in table.chunks if (table.name, chunk.number) in done]
    return [chunk for chunk in found if chunk.snapshot != last]


def _look(
    source: Source, plan: DumpPlan, table: TablePlan, older: Sequence[ChunkDone], journal: Journal, prove: str
) -> Looked:
    snapshots: list[Snapshot] = journal.progress.snapshots
    if plan.server.kind == "sqlite" and snapshots[-1].mode == "readonly" and prove != "off":
        # Here a snapshot's token is the state of the file: better than a count, which other values leave as it is.
        states = {snapshot.token for snapshot in snapshots[min(done.snapshot for done in older) :]}
        return Looked("the file was not written to since the earlier run" if len(states) == 1 else "")
    return look_at(source, table, older, journal.progress.marks.get(table.name), prove, snapshots)


def _forget(table: TablePlan, looked: Looked, journal: Journal, say: Callable[[str], None]) -> None:
    # Where a table was counted before it was read, that must be done again too.
    if not looked.proof or (looked.changed and table.name in journal.progress.marks):
        say(f"{table.name} has changed since the earlier run: all of it is read again")
        journal.add(Forgotten(table.name))
        return
    for number in looked.changed:
        journal.add(ChunkGone(table.name, number))
    if looked.changed:
        names = ", ".join(map(str, looked.changed[:_SHOWN])) + (", ..." if len(looked.changed) > _SHOWN else "")
        of = f"{len(looked.changed)} of its {len(table.chunks)} chunks ({names})"
        say(f"{table.name} was written to: {of} are read again")
