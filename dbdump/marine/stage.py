"""First pass over a table: every row as plain numbers, in one scratch file that can be sorted.

All that can be wrong with a row is found here; what follows knows times in microseconds, doubles and flags only.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dbdump.errors import ValueLossError
from dbdump.marine.mapping import Dataset, Linear, Variable
from dbdump.marine.tables import TableReader, row_filter, select
from dbdump.marine.times import to_instants
from dbdump.marine.units import Conversion
from dbdump.marine.values import Doubles, to_doubles, to_flags, to_texts
from legacy.errors import printable

if TYPE_CHECKING:
    import pyarrow as pa

_SHOWN = 5
LARGEST_STATIONS = 10_000
"""Stations of one dataset: each is a file."""


@dataclass(slots=True)
class Staged:
    """What the first pass has found.

    Parameters
    ----------
    rows
        Of the table.
    left_out
        Rows that the filter or the choice of stations leaves out.
    odd_times
        Rows dropped because their time is missing or cannot be.
    stations
        Values of the station's column that have rows; one ``""`` without such a column.
    not_a_number
        For each variable, values that are NaN in the source.
    positions
        For each station, the numbers that the columns of its position have, where they are columns of the dataset.
    """

    rows: int = 0
    left_out: int = 0
    odd_times: int = 0
    stations: set[str] = field(default_factory=set)
    not_a_number: dict[str, int] = field(default_factory=dict)
    positions: dict[str, set[tuple[float, ...]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of the image that a dataset needs, by their names there."""

    time: str
    station: str
    cell: str
    values: tuple[tuple[Variable, str, str], ...]
    wanted: "dict[str, pa.Array[Any]]"
    position: tuple[tuple[Linear, str], ...]

    @property
    def all(self) -> list[str]:
        given = [self.time, self.station, self.cell, *self.wanted]
        given += [name for _, value, flag in self.values for name in (value, flag)]
        given += [name for _, name in self.position]
        return [name for name in dict.fromkeys(given) if name]


def check_columns(reader: TableReader, dataset: Dataset) -> None:
    """See that the table has every column that the mapping names; raises MetadataError."""
    _columns(reader, dataset)


def _columns(reader: TableReader, dataset: Dataset) -> _Columns:
    where = f"datasets.{dataset.name}"
    values = tuple(
        (
            each,
            reader.column(each.column, f"{where}.variables.{each.name}.column").name,
            reader.column(each.flags.column, f"{where}.variables.{each.name}.flag").name if each.flags else "",
        )
        for each in dataset.variables
    )
    station, profile = dataset.station.column, dataset.profile
    position = () if dataset.position.table else dataset.position.columns
    return _Columns(
        time=reader.column(dataset.time.column, f"{where}.time").name,
        station=reader.column(station, f"{where}.station.column").name if station else "",
        cell=reader.column(profile.column, f"{where}.profile").name if profile else "",
        values=values,
        wanted=dict(row_filter(reader, dataset.filter, f"{where}.filter")),
        position=tuple((each, reader.column(each.column, f"{where}.position").name) for each in position),
    )


def staged_schema(dataset: Dataset) -> "pa.Schema":
    """Return the columns of the scratch file: station, time, cell, number of the row, values and flags in turn."""
    import pyarrow as pa

    fields: list[tuple[str, Any]] = [("station", pa.string()), ("time", pa.int64())]
    fields += [("cell", pa.float64()), ("row", pa.int64())]
    for number in range(len(dataset.variables)):
        fields += [(f"v{number}", pa.float64()), (f"q{number}", pa.int8())]
    return pa.schema(fields)


def stage(reader: TableReader, dataset: Dataset, scratch: Path) -> Staged:
    """Write the rows of a dataset to a scratch file.

    Raises
    ------
    MetadataError
        A column is not there or of another type than the mapping says.
    ValueLossError
        A value is no number, or one that a double does not hold; a time cannot be.
    ImageError
        The image is damaged.
    """
    import pyarrow.parquet as pq

    columns, found = _columns(reader, dataset), Staged()
    with pq.ParquetWriter(scratch, staged_schema(dataset), compression="zstd", compression_level=1) as writer:
        for batch in reader.batches(columns.all):
            for rows in _staged(reader, dataset, columns, batch, found):
                writer.write_batch(rows)
    return found


def _staged(
    reader: TableReader, dataset: Dataset, columns: _Columns, batch: "pa.RecordBatch", found: Staged
) -> "Iterator[pa.RecordBatch]":
    import pyarrow as pa

    first = found.rows
    found.rows += batch.num_rows
    batch = batch.append_column("\0row", pa.array(np.arange(first, found.rows, dtype=np.int64)))
    batch = _of_stations(reader, dataset, columns, select(reader, batch, columns.wanted))
    found.left_out += found.rows - first - batch.num_rows
    place = reader.place(columns.time)
    instants = to_instants(batch.column(columns.time), dataset.time, place)
    if not bool(instants.good.all()):
        _odd(dataset, batch, columns, instants.good, place)
        found.odd_times += int(np.count_nonzero(~instants.good))
        batch = batch.filter(pa.array(instants.good))
    if batch.num_rows == 0:
        return
    stations = _stations(reader, columns, batch, found)
    collect_positions(reader, batch, stations, columns.position, found.positions)
    arrays: list[Any] = [stations, pa.array(instants.micros[instants.good])]
    arrays += [_cells(reader, dataset, columns, batch), batch.column("\0row")]
    for variable, value, flag in columns.values:
        numbers = to_doubles(batch.column(value), variable.conversion, reader.place(value))
        empty = int(np.count_nonzero(np.isnan(numbers))) - batch.column(value).null_count
        found.not_a_number[variable.name] = found.not_a_number.get(variable.name, 0) + empty
        arrays += [pa.array(numbers), pa.array(_flags(reader, variable, flag, batch, numbers))]
    yield pa.record_batch(arrays, schema=staged_schema(dataset))


def _of_stations(reader: TableReader, dataset: Dataset, columns: _Columns, batch: "pa.RecordBatch") -> "pa.RecordBatch":
    import pyarrow as pa
    import pyarrow.compute as pc

    if not dataset.station.values:
        return batch
    names = _names(reader, columns, batch)
    return batch.filter(pc.is_in(names, value_set=pa.array(dataset.station.values, pa.string())))


def _names(reader: TableReader, columns: _Columns, batch: "pa.RecordBatch") -> "pa.Array[Any]":
    column = reader.column(columns.station, "station")
    return to_texts(batch.column(columns.station), reader.place(columns.station), padded=reader.padded(column))


def _odd(dataset: Dataset, batch: "pa.RecordBatch", columns: _Columns, good: Any, place: str) -> None:
    if dataset.odd_times == "drop":
        return
    rows = np.flatnonzero(~good)[:_SHOWN]
    shown = ", ".join(
        f"row {batch.column(chr(0) + 'row')[int(row)].as_py() + 1}: {_shown(batch.column(columns.time)[int(row)])}"
        for row in rows
    )
    raise ValueLossError(
        f"{place}: these are no times of a measurement (1900 to 2099): {shown}; 'odd_times: drop' leaves such rows out "
        "and counts them"
    )


def _shown(scalar: Any) -> str:
    # Not as_py: Python has no times before the year 1.
    return printable(str(scalar.cast("string").as_py() if scalar.is_valid else "NULL"))[:40]


def _stations(reader: TableReader, columns: _Columns, batch: "pa.RecordBatch", found: Staged) -> "pa.Array[Any]":
    import pyarrow as pa

    if not columns.station:
        found.stations.add("")
        return pa.array([""] * batch.num_rows, pa.string())
    names = _names(reader, columns, batch)
    place = reader.place(columns.station)
    if names.null_count:
        raise ValueLossError(f"{place}: {names.null_count} rows have no station; filter them, or leave 'column' out")
    found.stations.update(names.unique().to_pylist())
    if len(found.stations) > LARGEST_STATIONS:
        raise ValueLossError(f"{place}: more than {LARGEST_STATIONS} stations, each of which would be a file")
    return names


def _cells(reader: TableReader, dataset: Dataset, columns: _Columns, batch: "pa.RecordBatch") -> Doubles:
    if dataset.profile is None:
        return np.zeros(batch.num_rows)
    place = reader.place(columns.cell)
    cells = to_doubles(batch.column(columns.cell), linear(dataset.profile), place)
    if not bool(np.isfinite(cells).all()):
        raise ValueLossError(f"{place}: rows without a cell of the profile; filter them")
    return cells


def collect_positions(
    reader: TableReader,
    batch: "pa.RecordBatch",
    stations: "pa.Array[Any]",
    columns: tuple[tuple[Linear, str], ...],
    found: dict[str, set[tuple[float, ...]]],
) -> None:
    """Add the positions of some rows to those of their stations; rows without one say nothing."""
    import pyarrow as pa

    if not columns:
        return
    numbers = {
        f"p{n}": to_doubles(batch.column(name), linear(each), reader.place(name))
        for n, (each, name) in enumerate(columns)
    }
    rows = pa.table({"station": stations, **numbers})
    for station, *position in zip(*rows.group_by(rows.column_names).aggregate([]).to_pydict().values(), strict=True):
        if not any(map(math.isnan, position)):
            found.setdefault(station, set()).add(tuple(position))


def linear(spec: Linear) -> Conversion:
    """Return ``factor * value + offset`` as a conversion with whole numbers."""
    divisor = spec.factor.denominator * spec.offset.denominator
    return Conversion(int(spec.factor * divisor), int(spec.offset * divisor), divisor)


def _flags(reader: TableReader, variable: Variable, flag: str, batch: "pa.RecordBatch", numbers: Doubles) -> Any:
    from dbdump.marine.flags import BAD, MISSING

    if variable.flags is None:
        flags = np.zeros(batch.num_rows, dtype=np.int8)
    else:
        column = reader.column(flag, "flag")
        padded = reader.padded(column)
        flags = to_flags(batch.column(flag), variable.flags.codes, reader.place(flag), padded=padded).copy()
    flags[np.isinf(numbers)] = BAD
    flags[np.isnan(numbers)] = MISSING
    return flags
