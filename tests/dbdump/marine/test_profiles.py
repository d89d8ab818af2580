"""Profiles: rows of cells become a table of times and depths, with missing cells told."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

from dbdump.errors import ValueLossError
from dbdump.marine import export as exporting
from dbdump.marine import series
from dbdump.marine.export import export
from dbdump.marine.mapping_file import load_mapping

START = datetime.fromisoformat("2008-01-01T00:00:00")
ADCP: dict[str, Any] = {
    "table": "ADCP",
    "time": "T",
    "position": {"latitude": 42.8, "longitude": 6.1667, "depth": 2470},
    "profile": {"column": "CELL", "factor": -8, "offset": 2466.5},
    "variables": {"EWCT": {"column": "U", "unit": "cm/s"}, "NSCT": {"column": "V", "unit": "mm/s", "range": [-1, 1]}},
}
COLUMNS = {"T": "timestamp[s]", "CELL": "int64", "U": "double", "V": "int64"}


def rows_of(times: int, cells: int) -> list[tuple[Any, ...]]:
    """Return profiles in a mixed order, in which some cells have no row and some no value."""
    random = np.random.default_rng(5)
    rows = []
    for time in range(times):
        for cell in range(1, cells + 1):
            if random.random() < 0.8:
                east = None if random.random() < 0.1 else float(random.integers(-40, 40)) / 4
                rows.append((START + timedelta(minutes=30 * time), cell, east, int(random.integers(-1500, 1500))))
    random.shuffle(rows)  # type: ignore[arg-type]
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("batch", [1, 13, 65_536])
def test_every_cell(
    make_image: Any,
    table: Any,
    write_mapping: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    batch: int,
) -> None:
    monkeypatch.setattr(series, "_SORTED_ROWS", batch)
    rows = rows_of(40, 9)
    image = make_image(ADCP=table(COLUMNS, rows, parts=3))
    (report,) = export(image, load_mapping(write_mapping({"adcp": ADCP})), tmp_path / "a.nc").files
    known = {(time, cell): (east, north) for time, cell, east, north in rows}
    times = sorted({time for time, *_ in rows})
    assert report.counts.absent_cells == len(times) * 9 - len(rows)
    with netCDF4.Dataset(tmp_path / "a.nc") as file:
        file.set_auto_mask(False)
        assert file.featureType == "timeSeriesProfile"
        assert file["depth"][:].tolist() == [2466.5 - 8 * cell for cell in range(9, 0, -1)]
        assert file["profile"][:].tolist() == list(range(1, len(times) + 1))
        fill = file["EWCT"].getncattr("_FillValue")
        for row, time in enumerate(times):
            for column, cell in enumerate(range(9, 0, -1)):
                east, north = known.get((time, cell), (None, None))
                assert file["EWCT"][row, column] == (fill if east is None else east / 100)
                assert file["EWCT_QC"][row, column] == (9 if east is None else 0)
                assert file["NSCT"][row, column] == (fill if north is None else north / 1000)
                assert file["NSCT_QC"][row, column] == (9 if north is None else 4 if abs(north) > 1000 else 0)


def test_gaps_and_repetitions(make_image: Any, table: Any, write_mapping: Callable[..., Path], tmp_path: Path) -> None:
    rows = [(START + timedelta(minutes=30 * time), cell, 1.0, 1) for time in (0, 1, 6) for cell in (1, 2)]
    mapping = write_mapping({"adcp": {**ADCP, "interval": "30 min", "fill_gaps": True}})
    image = make_image(ADCP=table(COLUMNS, [*rows, rows[0]]))
    (report,) = export(image, load_mapping(mapping), tmp_path / "a.nc").files
    assert (report.counts.identical, report.counts.filled_times, report.counts.absent_cells) == (1, 4, 0)
    with netCDF4.Dataset(tmp_path / "a.nc") as file:
        assert file["EWCT_QC"][:].tolist() == [[0, 0], [0, 0], *[[9, 9]] * 4, [0, 0]]
    clash = make_image("clash", ADCP=table(COLUMNS, [*rows, (*rows[0][:2], 2.0, 1)]))
    with pytest.raises(ValueLossError, match="1 rows have the time of another one"):
        export(clash, load_mapping(mapping), tmp_path / "b.nc")
    assert not (tmp_path / "b.nc").exists()


def test_cells_that_are_none(
    make_image: Any,
    table: Any,
    write_mapping: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mapping = load_mapping(write_mapping({"adcp": ADCP}))
    image = make_image(ADCP=table(COLUMNS, [(START, None, 1.0, 1)]))
    with pytest.raises(ValueLossError, match=r"ENV\.ADCP, column CELL: rows without a cell"):
        export(image, mapping, tmp_path / "a.nc")
    monkeypatch.setattr(exporting, "LARGEST_PROFILE", 5)
    many = make_image("many", ADCP=table(COLUMNS, [(START, cell, 1.0, 1) for cell in range(6)]))
    with pytest.raises(ValueLossError, match="6 different depths"):
        export(many, mapping, tmp_path / "a.nc")
