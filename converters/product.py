"""A finished product in memory-bounded form: all its tables, ready for any writer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from converters.identity import Identities
from converters.layout import (
    COVERAGE_TABLE,
    EVENT_INFO_TABLE,
    EVENTS_TABLE,
    GROUP_INFO_TABLE,
    HEADER_FIELDS,
    PARAMETERS_TABLE,
    PROVENANCE_TABLE,
    header_table,
)
from converters.source import CoverageRow
from converters.staging import Staging, narrow
from legacy.model import StructuredArray, Table, TableSpec, TableStream
from legacy.provenance import Step

ALWAYS_KEPT = frozenset({"group_id", "event_id", "internal_id", "reco"})
"""Columns that a table keeps even if it has no rows."""
_EVENT_TABLES = (EVENTS_TABLE.path, GROUP_INFO_TABLE.path, EVENT_INFO_TABLE.path)


@dataclass(frozen=True, slots=True)
class Product:
    """Everything a writer needs.

    Parameters
    ----------
    kid
        Identifier of the product.
    tables
        All tables, ``/events`` first.
    steps
        How it came to be; the last step wrote it.
    header
        Fields of ``/header``.
    facts
        What the manifest says about the product beyond its bytes, as text: see `converters.summary`.
    """

    kid: str
    tables: tuple[TableStream, ...]
    steps: tuple[Step, ...]
    header: Mapping[str, str]
    facts: Mapping[str, str]

    @property
    def events(self) -> TableStream:
        """The table ``/events``."""
        return self.tables[0]


def event_streams(staging: Staging, identities: Identities) -> tuple[TableStream, ...]:
    """Return the tables with rows per event, without the columns that nothing filled; ``/events`` first."""
    events = staging.tables[EVENTS_TABLE.path]
    spec = events.filled(ALWAYS_KEPT)

    def identified() -> Iterator[StructuredArray]:
        for block in events.blocks():
            rows = narrow(block, spec)
            identities.apply(rows, block)
            yield rows

    streams = [TableStream(spec, events.rows, identified)]
    for path, table in sorted(staging.tables.items()):
        if path != EVENTS_TABLE.path and (table.rows or path in _EVENT_TABLES):
            streams.append(table.stream(table.filled(ALWAYS_KEPT)))
    return tuple(streams)


def header_rows(values: Mapping[str, str]) -> Table:
    """Return ``/header``: one row, all text, encoded as UTF-8."""
    encoded = {field: values.get(field, "").encode() for field in HEADER_FIELDS}
    spec = header_table({field: max(1, len(text)) for field, text in encoded.items()})
    return Table(spec, np.array([tuple(encoded.values())], dtype=spec.dtype))


def parameter_rows(specs: Sequence[TableSpec]) -> Table:
    """Return ``/parameters``: the meaning of every column of the given tables."""
    rows = [
        (
            spec.path,
            column.name,
            column.unit,
            np.dtype(column.dtype).str.lstrip("<|"),
            column.ucd,
            column.description,
        )
        for spec in specs
        for column in spec.columns
    ]
    return _text_rows(PARAMETERS_TABLE, rows)


def provenance_rows(steps: Sequence[Step]) -> Table:
    """Return ``/provenance``."""
    rows = [
        (
            s.activity_id,
            s.parent,
            s.software,
            s.version,
            s.start,
            s.stop,
            s.input_name,
            s.input_sha256,
            s.parameters,
        )
        for s in steps
    ]
    return _text_rows(PROVENANCE_TABLE, rows)


def coverage_rows(rows: Sequence[CoverageRow]) -> Table:
    """Return ``/source_coverage``."""
    return _text_rows(COVERAGE_TABLE, [(row.field, row.count, row.destination, row.note) for row in rows])


def _text_rows(spec: TableSpec, rows: Sequence[tuple[str | int, ...]]) -> Table:
    """Build a table of text, its columns as wide as the longest text needs.

    A text is never cut: a cut name or checksum would be a wrong one.
    """
    encoded = [tuple(value.encode() if isinstance(value, str) else value for value in row) for row in rows]
    columns = []
    for position, column in enumerate(spec.columns):
        width = max([1, *(len(value) for row in encoded if isinstance(value := row[position], bytes))])
        columns.append(column.with_dtype(f"S{width}") if column.dtype.startswith("S") else column)
    fitted = TableSpec(spec.path, tuple(columns), spec.description, spec.version)
    return Table(fitted, np.array(encoded, dtype=fitted.dtype))


def left_out(staging: Staging, reasons: Mapping[str, str]) -> tuple[CoverageRow, ...]:
    """Say which columns of ``/events`` the source could not fill.

    Parameters
    ----------
    staging
        All rows.
    reasons
        Reason by column name, for those where more is known than that the source has no value.
    """
    events = staging.tables[EVENTS_TABLE.path]
    return tuple(
        CoverageRow(
            f"(no source) {name}",
            0,
            "",
            f"left out of /events: {reasons.get(name, 'the source has no value')}",
        )
        for name, count in events.present.items()
        if not count and name not in ALWAYS_KEPT
    )
