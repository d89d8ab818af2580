"""Reads one chunk and writes its parts; runs in a process of its own, with a connection that it keeps."""

import errno
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from dbdump.arrow import schema_of
from dbdump.dump.journal import ChunkDone
from dbdump.dump.odd import count_odd
from dbdump.dump.pace import Pace
from dbdump.dump.parts import write_parts
from dbdump.errors import ConnectionLostError, SnapshotExpiredError, TableError, ValueLossError
from dbdump.image import LOBS
from dbdump.lobs import LobStore
from dbdump.plan import Chunk, Snapshot, TablePlan
from dbdump.schema import TableName
from dbdump.sources.contract import Reading, Source
from dbdump.sources.opening import Access, connect
from legacy.errors import AntaresLegacyError, MachineError, printable

if TYPE_CHECKING:
    import pyarrow as pa

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
_DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class ChunkTask:
    """All that a worker needs for one chunk.

    Parameters
    ----------
    access, snapshot
        How to see the rows.
    number
        Of the snapshot in the journal.
    folder
        Of the image.
    table, chunk
        What to read; `table` has no other chunk.
    lob_threshold
        Bytes above which a LOB is a file of its own.
    rate
        Bytes per second that this worker may read, 0 for no limit.
    patience
        Seconds to try again after a lost connection.
    """

    access: Access
    snapshot: Snapshot
    number: int
    folder: Path
    table: TablePlan
    chunk: Chunk
    lob_threshold: int
    rate: float = 0.0
    patience: float = 600.0


class Reach(StrEnum):
    """What a failure means for the rest of the dump."""

    TABLE = "table"
    """The other tables can be dumped."""
    SNAPSHOT = "snapshot"
    """Nothing more can be read in this snapshot."""
    ALL = "all"
    """Nothing more can be done in this run."""


@dataclass(frozen=True, slots=True)
class ChunkFailed:
    """A chunk that could not be dumped."""

    table: TableName
    number: int
    reach: Reach
    problem: str
    exit_code: int
    misfit: bool = False
    """Whether a value did not fit the type of its column."""


_open: dict[Access, tuple[Source, Snapshot | None]] = {}
"""The connection of this process."""


def lend(access: Access, source: Source, snapshot: Snapshot) -> None:
    """Let the chunks of this process be read through a source that is open already and has the snapshot."""
    _open[access] = (source, snapshot)


def take_back(access: Access, lent: Source) -> None:
    """Forget a source that was lent; its owner closes it. One that took its place after a lost connection is closed."""
    source, _ = _open.pop(access, (None, None))
    if source is not None and source is not lent:
        source.close()


def dump_chunk(task: ChunkTask) -> ChunkDone | ChunkFailed:
    """Read a chunk and write its parts; tries again when the connection is lost. Raises nothing."""
    try:
        return _insist(task, lambda: _dump(task))
    except TableError as error:
        return _failed(task, Reach.TABLE, error)
    except SnapshotExpiredError as error:
        return _failed(task, Reach.SNAPSHOT, error)
    except OSError as error:
        advice = "free some space" if error.errno in _DISK_IS_FULL else "see that the folder can be written to"
        reason = f"{error.filename or task.folder}: {error.strerror or error}; {advice}, and run the same command again"
        return _failed(task, Reach.ALL, MachineError(reason))
    except AntaresLegacyError as error:
        return _failed(task, Reach.ALL, error)
    except Exception as error:  # noqa: BLE001  a value that we did not think of costs one table, not the dump
        reason = f"{task.chunk.table}: unexpected {type(error).__name__}: {error}; please report this"
        return _failed(task, Reach.TABLE, TableError(printable(reason)))


def _failed(task: ChunkTask, reach: Reach, error: AntaresLegacyError) -> ChunkFailed:
    misfit = isinstance(error, ValueLossError)
    return ChunkFailed(task.chunk.table, task.chunk.number, reach, str(error), error.exit_code, misfit)


def _insist(task: ChunkTask, work: Callable[[], ChunkDone]) -> ChunkDone:
    """Do the work, and do it again after a lost connection, with longer and longer pauses."""
    began, wait = time.monotonic(), _FIRST_WAIT
    while True:
        try:
            return work()
        except ConnectionLostError as error:
            source, _ = _open.pop(task.access, (None, None))
            if source is not None:
                source.close()
            if time.monotonic() - began + wait > task.patience:
                seconds = f"{task.patience:.0f} s"
                raise ConnectionLostError(f"{error}; no better for {seconds}: run the same command later") from error
            time.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)


def _source(task: ChunkTask) -> Source:
    source, joined = _open.get(task.access, (None, None))
    if source is None:
        source = connect(task.access)
        _open[task.access] = (source, None)
    if joined != task.snapshot:
        source.join(task.snapshot)
        _open[task.access] = (source, task.snapshot)
    return source


def _dump(task: ChunkTask) -> ChunkDone:
    lobs = LobStore(task.folder / LOBS, task.lob_threshold)
    pace, odd = Pace(task.rate), Counter[str]()

    def seen(batch: "pa.RecordBatch") -> None:
        count_odd(batch, odd)
        pace.took(batch.nbytes)

    with closing(_rows(task, lobs)) as batches:
        parts = write_parts(task.folder, task.chunk, schema_of(task.table), batches, seen)
    return ChunkDone(task.chunk.table, task.chunk.number, parts, dict(sorted(odd.items())), task.number)


def _rows(task: ChunkTask, lobs: LobStore) -> "Generator[pa.RecordBatch, None, None]":
    try:
        yield from _source(task).read(task.table, task.chunk, Reading(), lobs)
    except SnapshotExpiredError as error:
        advice = "the same command goes on with a new snapshot, and proves that what is dumped has not changed"
        raise SnapshotExpiredError(f"{error}; {advice}") from error
