"""Compare what a reader gives with what its second reader gives, value by value and in both directions."""

import math
from collections.abc import Callable, Iterable
from pathlib import Path

from converters.events import complete
from converters.reread.contract import Expected
from converters.source import Reader, ReadOptions

DERIVED = {"dir_x", "dir_y", "dir_z", "mc_zenith"}
"""Computed with NumPy by one side and with the math module by the other: equal but for the last digits."""
NOT_EXPECTED = {"group_id", "event_id", "internal_id", "ra", "dec", "mjd"}
"""Columns that a second reader need not give."""


def assert_agreement(
    reader: Reader, reread: Callable[[Path, ReadOptions], Iterable[Expected]], path: Path, options: ReadOptions
) -> int:
    """Fail at the first difference; return the number of values that were compared."""
    expected = iter(reread(path, options))
    compared = 0
    with reader.open(path, options) as file:
        for batch in file.batches():
            events, info, _ = complete(batch, file.facts)
            for number in range(batch.n_events):
                one = next(expected)
                where = f"event {batch.first + number}"
                compared += _same(events, number, one.events, set(batch.events), f"{where}, /events")
                compared += _same(info, number, one.event_info, set(), f"{where}, /event_info")
                assert set(one.tables) == {table.spec.path for table in batch.tables}, where
                for table in batch.tables:
                    rows = [n for n, g in enumerate(table.array["group_id"]) if g == batch.first + number]
                    wanted = one.tables[table.spec.path]
                    assert len(rows) == len(wanted), f"{where}, {table.spec.path}"
                    for row, values in zip(rows, wanted, strict=True):
                        compared += _same(table, row, values, None, f"{where}, {table.spec.path}")
        assert next(expected, None) is None, "the second reader found more events"
    return compared


def _same(table, row, wanted, filled, where):
    columns = {column.name: column for column in table.spec.columns}
    assert set(wanted) <= set(columns), where
    if table.spec.path == "/events":  # an infinite number is missing there
        wanted = {name: math.nan if value in (math.inf, -math.inf) else value for name, value in wanted.items()}
    needed = set(columns) - NOT_EXPECTED if filled is None else (filled & set(columns)) - NOT_EXPECTED
    if table.spec.path == "/mc_info":
        needed -= {"n_hit_lines", "total_hits"}
    assert needed <= set(wanted), f"{where}: the second reader lacks {needed - set(wanted)}"
    for name, value in wanted.items():
        found = table.array[name][row].item()
        assert _equal(name, found, value), f"{where}.{name}: {found!r} and {value!r}"
    return len(wanted)


def _equal(name, found, value):
    if isinstance(value, float) and math.isnan(value):
        return math.isnan(found)
    if name in DERIVED:
        return math.isclose(found, value, rel_tol=1e-14, abs_tol=1e-14)
    return found == value
