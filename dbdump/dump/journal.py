"""The journal of a dump: one JSON line for each step that is done, appended and on disk before the next.

A last line that a kill has cut is ignored, and the step done again. Only the master process writes it.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dbdump.encoding import from_plain, to_plain
from dbdump.errors import ImageError
from dbdump.image import JOURNAL, Part
from dbdump.plan import Snapshot
from dbdump.schema import TableName
from legacy.errors import printable


@dataclass(frozen=True, slots=True)
class ChunkDone:
    """A chunk whose parts are on disk.

    Parameters
    ----------
    table, number
        The chunk.
    parts
        Its files; none for a later chunk without rows.
    odd_characters
        By column of the image, see `dbdump.image.ImageTable`.
    snapshot
        Number of the snapshot (from 0) in which it was read.
    """

    table: TableName
    number: int
    parts: tuple[Part, ...]
    odd_characters: Mapping[str, int] = field(default_factory=dict)
    snapshot: int = 0

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(part.rows for part in self.parts)


@dataclass(frozen=True, slots=True)
class Mark:
    """State of a table before it was read: rows, and what `Source.change_mark` says (``""``: not asked)."""

    table: TableName
    rows: int
    change: str


@dataclass(frozen=True, slots=True)
class TableFailed:
    """A table that could not be read; the next run tries it again."""

    table: TableName
    problem: str


@dataclass(frozen=True, slots=True)
class ChunkGone:
    """A chunk whose files are not there any more: it is read again, and must not count if that is cut short."""

    table: TableName
    number: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A table whose chunks no longer count, because it has changed since."""

    table: TableName


@dataclass(frozen=True, slots=True)
class Expired:
    """The server no longer has the last snapshot; the next run must not take part in it.

    Parameters
    ----------
    problem
        What the server said.
    """

    problem: str


Entry = ChunkDone | ChunkGone | Mark | TableFailed | Forgotten | Snapshot | Expired
_KINDS: Mapping[str, type[Entry]] = {
    "chunk": ChunkDone,
    "gone": ChunkGone,
    "mark": Mark,
    "failed": TableFailed,
    "forgotten": Forgotten,
    "snapshot": Snapshot,
    "expired": Expired,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


@dataclass(slots=True)
class Progress:
    """What the journal says is done."""

    snapshots: list[Snapshot] = field(default_factory=list)
    done: dict[tuple[TableName, int], ChunkDone] = field(default_factory=dict)
    marks: dict[TableName, Mark] = field(default_factory=dict)
    failed: dict[TableName, str] = field(default_factory=dict)
    expired: str = ""

    def take(self, entry: Entry) -> None:
        """Count one more entry."""
        match entry:
            case Snapshot():
                self.snapshots.append(entry)
                self.failed.clear()  # a new run: what failed is tried again
                self.expired = ""
            case Expired():
                self.expired = entry.problem
            case ChunkDone():
                self.done[entry.table, entry.number] = entry
            case ChunkGone():
                self.done.pop((entry.table, entry.number), None)
            case Mark():
                self.marks[entry.table] = entry
            case TableFailed():
                self.failed[entry.table] = entry.problem
            case Forgotten():
                for key in [key for key in self.done if key[0] == entry.table]:
                    del self.done[key]
                self.marks.pop(entry.table, None)


class Journal:
    """The journal of an image, open for writing.

    Parameters
    ----------
    folder
        Of the image.

    Raises
    ------
    ImageError
        A line that is not the last one is no entry.
    OSError
        It cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / JOURNAL
        self.progress, complete = _read(self._path)
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o666)
        os.ftruncate(self._descriptor, complete)
        os.lseek(self._descriptor, complete, os.SEEK_SET)

    def add(self, entry: Entry) -> None:
        """Write an entry; it is on disk when this returns; raises OSError."""
        plain = {"kind": _NAMES[type(entry)], **to_plain(entry)}
        line = json.dumps(plain, ensure_ascii=False).encode() + b"\n"
        place = os.lseek(self._descriptor, 0, os.SEEK_CUR)
        try:
            written = 0
            while written < len(line):
                written += os.write(self._descriptor, line[written:])
            os.fsync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, place)
            os.lseek(self._descriptor, place, os.SEEK_SET)
            raise
        self.progress.take(entry)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def read_progress(folder: Path) -> Progress:
    """Read the journal of an image, whoever writes it at the moment; raises ImageError, OSError."""
    return _read(folder / JOURNAL)[0]


def _read(path: Path) -> tuple[Progress, int]:
    """Return what is done, and the number of bytes of whole lines."""
    progress, place = Progress(), 0
    if not path.exists():
        return progress, place
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.endswith(b"\n"):
                break
            try:
                plain = json.loads(line)
                progress.take(from_plain(_KINDS[plain.pop("kind")], plain))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                reason = printable(str(error))[:200]
                advice = "begin again in another folder, or restore the file from a copy"
                raise ImageError(f"{path}: line {number} is no entry of a journal: {reason}; {advice}") from error
            place += len(line)
    return progress, place
