"""What a database is and what its dump will cost, before anything is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dbdump.encoding import to_plain
from dbdump.schema import Column, Family, ServerFacts, TableSchema
from dbdump.sources.contract import Source
from dbdump.stored import needs_probe

RATES = (10, 50, 110)
"""Megabytes per second for which times are told: a busy server, a good one, a link of 1 Gbit/s."""
SMALLEST_SHARE, LARGEST_SHARE = 0.2, 0.8
"""Bytes of the image for each byte of the source; numbers compress well, images and texts in LOBs do not."""


@dataclass(frozen=True, slots=True)
class InspectedTable:
    """A table: estimates of the source, and what will need care."""

    name: str
    rows: int | None
    size: int | None
    columns: int
    hard: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What `dbdump inspect` tells.

    Parameters
    ----------
    server
        The source.
    schemas, inspected
        All that the account sees, and those among them that were looked at.
    tables
        Of `inspected`.
    views, code
        How many there are.
    warnings
        What could not be read.
    """

    server: ServerFacts
    schemas: tuple[str, ...]
    inspected: tuple[str, ...]
    tables: tuple[InspectedTable, ...]
    views: int
    code: int
    warnings: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of all tables, as far as the source knows."""
        return sum(table.size or 0 for table in self.tables)

    def to_dict(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        plain: dict[str, Any] = to_plain(self)
        plain["size"] = self.size
        plain["disk"] = {"least": int(self.size * SMALLEST_SHARE), "most": int(self.size * LARGEST_SHARE)}
        plain["seconds"] = {f"{rate} MB/s": round(self.size / rate / 1e6) for rate in RATES}
        return plain


def inspect(source: Source, schemas: Sequence[str]) -> Inspection:
    """Look at a database; reads its dictionary only.

    Parameters
    ----------
    source
        The database.
    schemas
        Which schemas; the default one when empty.
    """
    inspected = tuple(schemas) or (source.default_schema(),)
    reflected = source.reflect(inspected)
    return Inspection(
        server=source.facts(),
        schemas=source.schemas(),
        inspected=inspected,
        tables=tuple(_inspected(table) for table in reflected.tables),
        views=len(reflected.views),
        code=len(reflected.code),
        warnings=reflected.warnings,
    )


def _inspected(table: TableSchema) -> InspectedTable:
    hard = [f"{column.name}: {text}" for column in table.columns if (text := _hard(column))]
    if not table.primary_key:
        hard.append("no primary key: its rows have no order but that of storage")
    return InspectedTable(str(table.name), table.rows, table.size, len(table.columns), tuple(hard))


def _hard(column: Column) -> str:
    match column.family:
        case Family.UNREADABLE:
            return f"{column.source_type} cannot be read in any exact form; the table needs --allow-lossy"
        case Family.BFILE:
            return "a file outside of the database: only its name is dumped"
        case Family.LOB_TEXT | Family.LOB_BYTES:
            return f"{column.source_type}: large values become files"
        case Family.NUMBER:
            return f"{column.source_type} without bounds: every value is looked at before the dump"
        case Family.DECIMAL if needs_probe(column):
            return f"{column.source_type} can have more than 38 digits: every value is looked at before the dump"
        case _:
            return ""


def to_text(inspection: Inspection) -> list[str]:
    """Return the lines for people."""
    server = inspection.server
    lines = [
        f"{server.kind}: {server.version}",
        f"driver: {server.driver}",
        f"database: {server.database}" + (f" as {server.user}" if server.user else ""),
        *([f"character set: {server.charset}"] if server.charset else []),
        f"snapshots: {', '.join(server.snapshots) or 'none'}",
        *server.rights,
        f"schemas: {', '.join(inspection.schemas)}; looked at: {', '.join(inspection.inspected)}",
        "",
        f"{'table':40} {'rows':>14} {'size':>10} {'columns':>7}",
    ]
    for table in inspection.tables:
        rows = "?" if table.rows is None else f"{table.rows:,}"
        lines.append(f"{table.name:40} {rows:>14} {human(table.size):>10} {table.columns:>7}")
        lines += [f"    {hard}" for hard in table.hard]
    lines += ["", f"{len(inspection.tables)} tables, {inspection.views} views, {inspection.code} other objects"]
    lines += [f"warning: {warning}" for warning in inspection.warnings]
    return lines + _costs(inspection)


def _costs(inspection: Inspection) -> list[str]:
    size = inspection.size
    if not size:
        return ["the source does not tell how large its tables are: no estimate"]
    times = ", ".join(f"{duration(size / rate / 1e6)} at {rate} MB/s" for rate in RATES)
    return [
        f"to read: {human(size)}; {times}",
        f"disk: {human(int(size * SMALLEST_SHARE))} to {human(int(size * LARGEST_SHARE))}",
        "without a snapshot, --prove counts: the server reads every table, or an index of it, twice more",
        *(
            ["without a snapshot, --prove rowscn: the server reads every table twice more in full"]
            if inspection.server.kind == "oracle"
            else []
        ),
    ]


def human(size: int | None) -> str:
    """Return bytes as people say them."""
    if size is None:
        return "?"
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def duration(seconds: float) -> str:
    """Return a time as people say it."""
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 1 else "less than 1 s"
