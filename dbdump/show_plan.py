"""A plan as people and programs read it."""

from dataclasses import dataclass
from typing import Any

from dbdump.dump.planfile import DumpPlan
from dbdump.encoding import to_plain
from dbdump.inspection import LARGEST_SHARE, SMALLEST_SHARE, human

SMALLEST_SQLITE, LARGEST_SQLITE = 0.7, 1.5
"""Bytes of SQLite files for each byte of the source: nothing is compressed, and keys and indexes are made again."""


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes that an image needs, by estimates: the least and the most, while the dump runs and after."""

    least: int
    most: int
    least_after: int
    most_after: int


def disk(plan: DumpPlan) -> Disk:
    """Estimate the disk need of a plan; the parts are there until the SQLite files are proved, whatever the format."""
    size, form = sum(chunk.size for chunk in plan.chunks()), plan.content.format
    parquet = (size * SMALLEST_SHARE, size * LARGEST_SHARE)
    sqlite = (0.0, 0.0) if form == "parquet" else (size * SMALLEST_SQLITE, size * LARGEST_SQLITE)
    least, most = (int(parquet[end] + sqlite[end]) for end in (0, 1))
    if form == "sqlite":
        return Disk(least, most, int(sqlite[0]), int(sqlite[1]))
    return Disk(least, most, least, most)


def to_dict(plan: DumpPlan) -> dict[str, Any]:
    """Return a plan for ``--json``."""
    plain: dict[str, Any] = to_plain(plan)
    plain["disk"] = to_plain(disk(plan))
    return plain


def to_text(plan: DumpPlan) -> list[str]:
    """Return the lines for people: tables, chunks, and the columns whose type needs a word."""
    lines = [f"{'table':40} {'chunks':>7} {'rows':>14} {'size':>10}"]
    for table in plan.tables:
        rows, size = sum(chunk.rows for chunk in table.chunks), sum(chunk.size for chunk in table.chunks)
        lines.append(f"{table.name!s:40} {len(table.chunks):>7} {rows:>14,} {human(size):>10}")
        for column in table.columns:
            words = "; ".join(word for word in (column.note, column.lossy) if word)
            if words:
                lines.append(f"    {column.name} {column.arrow}: {words}")
    lines += [f"{refused.schema.name!s:40} cannot be dumped: {refused.problem}" for refused in plan.refused]
    lines += [f"warning: {warning}" for warning in plan.warnings]
    return [*lines, f"{len(plan.tables)} tables in {len(plan.chunks())} chunks; {_disk_text(disk(plan))}"]


def _disk_text(need: Disk) -> str:
    if not need.most:
        return "size not known; sizes are estimates"
    text = f"disk {human(need.least)} to {human(need.most)}"
    if need.most_after != need.most:
        text += f" while it runs, {human(need.least_after)} to {human(need.most_after)} after"
    return f"{text}; sizes are estimates"
