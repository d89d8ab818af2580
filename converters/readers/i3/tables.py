"""From the rows of some events to a batch."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import starmap

import numpy as np

from converters.readers.i3.leap import unix_time
from converters.readers.i3.plan import Fit, Plan
from converters.readers.i3.rows import NO_FITTED_HITS, EventRows, Row
from converters.readers.i3.specs import HEADER_TABLE
from converters.readers.i3.truth import on_the_sphere, particle_rows, truth_columns
from converters.readers.i3.weights import weight_columns
from converters.readers.seatray_shown import fit_columns
from converters.source import Batch
from legacy.model import Column, ColumnSpec, StructuredArray, Table, TableSpec

RECO_WIDTH = 16
_NOT_FILLED = 2**32 - 1
"""Run and event of a header that nobody filled (icecube/icetray-public: dataclasses, physics/I3EventHeader.cxx)."""
_LETTERS = dict(zip(("f8", "f4", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1"), "dfqihbQIHB", strict=True))
"""By dtype of a column: how `struct` packs its numbers."""


@dataclass(frozen=True, slots=True)
class View:
    """What ``/events`` shows.

    Parameters
    ----------
    fit
        The fit, None for none.
    antares
        Whether numbers mean what they mean in ANTARES: the number of the event is that of the time slice, positions are
        UTM coordinates.
    """

    fit: Fit | None
    antares: bool


def batch_of(events: Sequence[EventRows], first: int, plan: Plan, view: View) -> Batch:
    """Make a batch.

    Parameters
    ----------
    events
        Consecutive events.
    first
        ``group_id`` of the first.
    plan
        The tables.
    view
        What ``/events`` shows.
    """
    particles, angles = particle_rows(events, first, plan.mc_table)
    columns = _key_columns(events, view)
    tables = [Table(HEADER_TABLE, _header_rows(events, first))]
    for place, fit in enumerate(plan.fits):
        rows = _optional(fit.spec, [event.fits[place] for event in events], first)
        tables.append(Table(fit.spec, rows))
        if view.fit is fit:
            _show(columns, events, rows, first, view)
    if plan.scalars:
        tables.append(Table(plan.scalar_table, _optional(plan.scalar_table, [e.scalars for e in events], first)))
    if plan.weights:
        weights = _weight_rows(events, first, plan)
        tables.append(Table(plan.weight_table, weights))
        columns |= weight_columns(weights, plan.weights, first, len(events)) if view.antares else {}
    if plan.trees or plan.truths:
        tables.append(Table(plan.mc_table, particles))
        columns |= truth_columns(particles, angles, events, first)
    if plan.hierarchies:
        tables.append(Table(plan.trigger_table, _several(plan.trigger_table, [e.triggers for e in events], first)))
    if plan.series:
        tables.append(Table(plan.hits_table, _several(plan.hits_table, [e.hits for e in events], first)))
    return Batch(first, len(events), columns, tuple(tables))


def _letter(column: ColumnSpec) -> str:
    """Return how `struct` packs a value of a column."""
    return f"{column.dtype[1:]}s" if column.dtype.startswith("S") else _LETTERS[column.dtype]


def _rows(spec: TableSpec, rows: Iterable[Row]) -> StructuredArray:
    """Return rows as an array: `struct` packs them in a third of the time that numpy takes for tuples."""
    given = list(rows)
    layout = struct.Struct("=" + "".join(map(_letter, spec.columns)))
    try:
        return np.frombuffer(bytearray(b"".join(starmap(layout.pack, given))), spec.dtype)
    except (struct.error, OverflowError):  # of another type than the column, or too large: numpy says what it is then
        return np.array(given, dtype=spec.dtype)


def _optional(spec: TableSpec, rows: Sequence[Row | None], first: int) -> StructuredArray:
    """Return rows for the events that have one."""
    return _rows(spec, ((n, *row) for n, row in enumerate(rows, first) if row is not None))


def _several(spec: TableSpec, rows: Sequence[Sequence[Row]], first: int) -> StructuredArray:
    return _rows(spec, ((n, *row) for n, some in enumerate(rows, first) for row in some))


def _weight_rows(events: Sequence[EventRows], first: int, plan: Plan) -> StructuredArray:
    met = [(n, event.weights) for n, event in enumerate(events, first) if event.weights is not None]
    rows = plan.weight_table.blank(len(met))
    names = [named.column for weight in plan.weights for named in weight.values]
    rows["group_id"] = [n for n, _ in met]
    for place, name in enumerate(names):
        rows[name] = [row[place] for _, row in met]
    return rows


def _header_rows(events: Sequence[EventRows], first: int) -> StructuredArray:
    rows: list[Row] = []
    for n, event in enumerate(events, first):
        head = event.header
        if head is None:
            rows.append((n, event.frame, -1, -1, -1, b"", -1, -1, -1, -1, -1))
            continue
        numbers = (head.subrun, head.event, head.subevent, head.stream.encode(), head.state)
        rows.append((n, event.frame, *numbers, *head.start, *head.end))
    return _rows(HEADER_TABLE, rows)


def _key_columns(events: Sequence[EventRows], view: View) -> dict[str, Column]:
    headers = [event.header for event in events]
    keys = [(head.run, head.event) if head else (-1, -1) for head in headers]
    numbers = np.array(keys, dtype=np.int64).reshape(-1, 2)
    numbers[numbers == _NOT_FILLED] = -1
    times = np.array([unix_time(head.start) if head else (-1, -1) for head in headers], dtype=np.int64).reshape(-1, 2)
    return {
        "run_id": numbers[:, 0],
        "frame_index" if view.antares else "source_event_id": numbers[:, 1],
        "trigger_counter": np.array([event.trigger_counter for event in events], dtype=np.int64),
        "trigger_mask": np.array([event.trigger_mask for event in events], dtype=np.int64),
        "timestamp": times[:, 0],
        "nanoseconds": times[:, 1],
        "reco": np.full(len(events), b"none", dtype=f"S{RECO_WIDTH}"),
    }


def _show(
    columns: dict[str, Column], events: Sequence[EventRows], rows: StructuredArray, first: int, view: View
) -> None:
    """Add the columns of ``/events`` that come from the fit shown, as for SeaTray's own HDF5 tables.

    A fit that failed is none: what it left in its particle is in ``/reco`` only. So are infinite numbers.
    """
    rows = rows[rows["fit_status"] <= 0]  # 0 is good, -1 not set
    here = rows["group_id"] - first
    fit: dict[str, Column] = {name: rows[name] for name in rows.dtype.names or ()}
    fit["zenith"], fit["azimuth"] = on_the_sphere(rows["zenith"], rows["azimuth"])
    used = [events[place].hits_used for place in here.tolist()]
    fit["nUsedHits"] = np.array([count.hits for count in used], dtype=np.int64)
    fit["nUsedLines"] = np.array([count.lines for count in used], dtype=np.int64)
    for name, own in (("nUsedHits", "n_used_hits"), ("nUsedLines", "n_used_lines")):
        if own in fit:  # a class that was added says so itself, where its hits are not in the frame
            fit[name] = np.where([count is NO_FITTED_HITS for count in used], fit[own], fit[name])
    for name, values in fit_columns(fit, antares=view.antares).items():
        missing = np.nan if values.dtype.kind == "f" else -1
        columns[name] = np.full(len(events), missing, dtype=values.dtype)
        columns[name][here] = values if values.dtype.kind != "f" else np.where(np.isfinite(values), values, np.nan)
    if view.fit is not None:
        columns["reco"][here] = view.fit.reco.encode()
