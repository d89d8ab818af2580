"""Fixtures for the tests of readers and second readers of `.evt` files."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pytest

from converters.layout import EVENT_INFO_TABLE, EVENTS_TABLE
from converters.readers.evt.reader import EvtReader
from converters.reread.contract import Expected, Value
from converters.reread.evt import reread
from converters.source import Batch, CoverageRow, HeaderLine, ReadOptions, SourceFacts

CALCULATED = {"mc_zenith", "mc_azimuth"}
MISSING: dict[str, Value] = {"f": math.nan, "i": -1, "S": b""}


def rows_of(batch: Batch) -> Iterator[Expected]:
    """Take a batch of the reader apart into single events."""
    tables: dict[str, list[list[dict[str, Value]]]] = {}
    for table in batch.tables:
        by_event = tables.setdefault(table.spec.path, [[] for _ in range(batch.n_events)])
        names = table.array.dtype.names or ()
        for values in table.array.tolist():
            row = dict(zip(names, values, strict=True))
            by_event[row.pop("group_id") - batch.first].append(row)
    columns = {name: values.tolist() for name, values in batch.events.items()}
    for n in range(batch.n_events):
        events, info = (
            {
                column.name: columns[column.name][n] if column.name in columns else MISSING[column.dtype[0]]
                for column in spec.columns
            }
            for spec in (EVENTS_TABLE, EVENT_INFO_TABLE)
        )
        yield Expected(events, info, {path: tuple(by_event[n]) for path, by_event in tables.items()})


def same(name: str, found: Value, value: Value) -> bool:
    if isinstance(found, float) and isinstance(value, float):
        close = name in CALCULATED and math.isclose(found, value, rel_tol=1e-9, abs_tol=1e-9)
        turn = name == "mc_azimuth" and math.isclose(abs(found - value), 2 * math.pi, abs_tol=1e-9)
        return found == value or (found != found and value != value) or close or turn
    return type(found) is type(value) and found == value


def row_differs(have: Mapping[str, Value], want: Mapping[str, Value], *, every_column: bool) -> str:
    if every_column and set(have) != set(want):
        return f"columns {sorted(set(have) ^ set(want))}"
    return next(
        (f"{name}: {have[name]!r} {want[name]!r}" for name in want if not same(name, have[name], want[name])), ""
    )


def event_differs(have: Expected, want: Expected) -> str:
    if difference := row_differs(have.events, want.events, every_column=False):
        return f"/events {difference}"
    if difference := row_differs(have.event_info, want.event_info, every_column=False):
        return f"/event_info {difference}"
    if set(have.tables) != set(want.tables):
        return f"tables {set(have.tables) ^ set(want.tables)}"
    for path, rows in have.tables.items():
        if len(rows) != len(want.tables[path]):
            return f"{path}: {len(rows)} and {len(want.tables[path])} rows"
        for number, (row, other) in enumerate(zip(rows, want.tables[path], strict=True)):
            if difference := row_differs(row, other, every_column=True):
                return f"{path} row {number}: {difference}"
    return ""


@pytest.fixture(scope="session")
def evt_difference() -> Callable[..., tuple[int, str]]:
    """Return a function that reads a file with both readers: number of events, and the first difference."""

    def compare(path: Path, *, salvage: bool = False) -> tuple[int, str]:
        options = ReadOptions(salvage=salvage)
        count = 0
        with EvtReader().open(path, options) as file:
            first = (event for batch in file.batches() for event in rows_of(batch))
            for have, want in zip_longest(first, reread(path, options)):
                if have is None or want is None:
                    return count, f"event {count} is missing in {'the reader' if have is None else 'the second reader'}"
                if difference := event_differs(have, want):
                    return count, f"event {count}, {difference}"
                count += 1
        return count, ""

    return compare


@dataclass(frozen=True, slots=True)
class Reading:
    """All that the reader says about a file."""

    facts: SourceFacts
    header: tuple[HeaderLine, ...]
    events: list[Expected]
    coverage: tuple[CoverageRow, ...]
    warnings: tuple[str, ...]
    digest: str

    def column(self, name: str) -> list[Value]:
        """Return a column of ``/events``, or of ``/event_info`` if that has it alone."""
        return [event.events[name] if name in event.events else event.event_info[name] for event in self.events]

    def rows(self, table: str) -> list[Mapping[str, Value]]:
        return [row for event in self.events for row in event.tables[table]]

    def count(self, field: str) -> int:
        return sum(row.count for row in self.coverage if row.field == field)


@pytest.fixture(scope="session")
def evt_read() -> Callable[..., Reading]:
    """Return a function that reads a file to its end."""

    def read(path: Path, *, salvage: bool = False) -> Reading:
        with EvtReader().open(path, ReadOptions(salvage=salvage)) as file:
            batches = list(file.batches())
            firsts = [batch.first for batch in batches]
            assert firsts == [sum(batch.n_events for batch in batches[:n]) for n in range(len(batches))]
            events = [event for batch in batches for event in rows_of(batch)]
            return Reading(file.facts, file.header, events, file.coverage(), file.warnings(), file.digest())

    return read
