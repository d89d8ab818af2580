"""A plan as people and programs read it."""

from typing import Any

from dbdump.dump.planfile import DumpPlan
from dbdump.encoding import to_plain
from dbdump.inspection import LARGEST_SHARE, SMALLEST_SHARE, human


def to_dict(plan: DumpPlan) -> dict[str, Any]:
    """Return a plan for ``--json``."""
    plain: dict[str, Any] = to_plain(plan)
    size = sum(chunk.size for chunk in plan.chunks())
    plain["disk"] = {"least": int(size * SMALLEST_SHARE), "most": int(size * LARGEST_SHARE)}
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
    size = sum(chunk.size for chunk in plan.chunks())
    least, most = human(int(size * SMALLEST_SHARE)), human(int(size * LARGEST_SHARE))
    disk = f"disk {least} to {most}" if size else "size not known"
    return [*lines, f"{len(plan.tables)} tables in {len(plan.chunks())} chunks; {disk}; sizes are estimates"]
