"""How far a dump is, from its plan and journal, and whether its files are there; nobody is asked, nothing is locked."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbdump.dump.journal import Progress, read_progress
from dbdump.dump.planfile import DumpPlan, read_plan
from dbdump.encoding import to_plain
from dbdump.image import MANIFEST, Manifest, open_image
from dbdump.inspection import human
from dbdump.present import missing, missing_books, missing_rows

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class TableStatus:
    """A table of the plan: chunks that are done and in all, rows and bytes on disk, and what went wrong."""

    name: str
    done: int
    chunks: int
    rows: int
    size: int
    problem: str


@dataclass(frozen=True, slots=True)
class Status:
    """All tables; `finished` when the manifest is written, `complete` when nothing is missing.

    Parameters
    ----------
    finished, complete, runs, tables
        How far it is.
    missing
        A sentence for each file that should be there and is gone, or has another size.
    """

    finished: bool
    complete: bool
    runs: int
    tables: tuple[TableStatus, ...]
    missing: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        plain: dict[str, Any] = to_plain(self)
        return plain


def status_of(folder: Path) -> Status:
    """Read how far a dump is.

    Raises
    ------
    dbdump.errors.ImageError
        No dump was begun there, or its files are damaged.
    OSError
        The folder cannot be read.
    """
    status = _status_of(folder)
    if status.missing and not status.finished and (folder / MANIFEST).is_file():
        return _status_of(folder)  # it ended just now, perhaps with the parts moved into SQLite
    return status


def _status_of(folder: Path) -> Status:
    plan, progress = read_plan(folder), read_progress(folder)
    manifest = open_image(folder).manifest if (folder / MANIFEST).is_file() else None
    tables = _tables(plan, progress, manifest)
    if manifest is None:
        gone = list(missing(folder, (part.file for chunk in progress.done.values() for part in chunk.parts)))
    else:
        gone = missing_rows(folder, manifest) + missing_books(folder)
    whole = all(table.done == table.chunks and not table.problem for table in tables) and not gone
    return Status(manifest is not None, whole, len(progress.snapshots), tables, tuple(gone))


def _tables(plan: DumpPlan, progress: Progress, manifest: Manifest | None) -> tuple[TableStatus, ...]:
    done: dict[object, list[int]] = defaultdict(lambda: [0, 0, 0])
    for chunk in progress.done.values():
        sums = done[chunk.table]
        sums[0] += 1
        sums[1] += chunk.rows
        sums[2] += sum(part.file.size for part in chunk.parts)
    # What was moved into SQLite is no part any more.
    moved = {table.name: manifest.size_of(table) for table in manifest.tables if table.sqlite} if manifest else {}
    tables: list[TableStatus] = []
    for table in plan.tables:
        chunks, rows, size = done[table.name]
        problem = progress.failed.get(table.name, "")
        size = moved.get(table.name, size)
        tables.append(TableStatus(str(table.name), chunks, len(table.chunks), rows, size, problem))
    return (*tables, *(TableStatus(str(refused.schema.name), 0, 0, 0, 0, refused.problem) for refused in plan.refused))


def to_text(status: Status) -> list[str]:
    """Return the lines for people."""
    lines = [f"{'table':40} {'chunks':>13} {'rows':>14} {'on disk':>10}"]
    for table in status.tables:
        chunks = f"{table.done}/{table.chunks}"
        lines.append(f"{table.name:40} {chunks:>13} {table.rows:>14,} {human(table.size):>10}")
        if table.problem:
            lines.append(f"    {table.problem}")
    done, all_of_them = sum(table.done for table in status.tables), sum(table.chunks for table in status.tables)
    size = human(sum(table.size for table in status.tables))
    lines += _missing_lines(status.missing)
    return [*lines, f"{done} of {all_of_them} chunks, {size}; {_state(status)}"]


def _missing_lines(sentences: Sequence[str]) -> list[str]:
    lines = [f"missing: {sentence}" for sentence in sentences[:_SHOWN]]
    return lines + ([f"missing: and {len(sentences) - _SHOWN:,} more files"] if len(sentences) > _SHOWN else [])


def _state(status: Status) -> str:
    if status.missing:
        count = len(status.missing)
        files = "1 file is" if count == 1 else f"{count:,} files are"
        return f"{files} missing or cut short: restore a copy, or run the same dump command, which makes them again"
    if not status.finished:
        return "not finished: run the same dump command to go on"
    return "complete" if status.complete else "finished, with tables missing"
