"""How far a dump is, from its plan and journal; nobody is asked and nothing is locked."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbdump.dump.journal import read_progress
from dbdump.dump.planfile import read_plan
from dbdump.encoding import to_plain
from dbdump.image import MANIFEST
from dbdump.inspection import human


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
    """All tables; `finished` when the manifest is written, `complete` when nothing is missing."""

    finished: bool
    complete: bool
    runs: int
    tables: tuple[TableStatus, ...]

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
    """
    plan, progress = read_plan(folder), read_progress(folder)
    done: dict[object, list[int]] = defaultdict(lambda: [0, 0, 0])
    for chunk in progress.done.values():
        sums = done[chunk.table]
        sums[0] += 1
        sums[1] += chunk.rows
        sums[2] += sum(part.file.size for part in chunk.parts)
    tables: list[TableStatus] = []
    for table in plan.tables:
        chunks, rows, size = done[table.name]
        problem = progress.failed.get(table.name, "")
        tables.append(TableStatus(str(table.name), chunks, len(table.chunks), rows, size, problem))
    tables += [TableStatus(str(refused.schema.name), 0, 0, 0, 0, refused.problem) for refused in plan.refused]
    whole = all(table.done == table.chunks and not table.problem for table in tables)
    return Status((folder / MANIFEST).is_file(), whole, len(progress.snapshots), tuple(tables))


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
    state = "complete" if status.finished and status.complete else "finished, with tables missing"
    if not status.finished:
        state = "not finished: run the same dump command to go on"
    return [*lines, f"{done} of {all_of_them} chunks, {size}; {state}"]
