"""Time series: every value of the Parquet parts, read again with netCDF4, and what happens to odd rows."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

from dbdump.errors import ImageError, ValueLossError
from dbdump.image import Image
from dbdump.marine import series
from dbdump.marine.export import export
from dbdump.marine.mapping_file import load_mapping
from dbdump.marine.report import ExportReport
from legacy.errors import AntaresLegacyError, MetadataError, UsageError

START = datetime.fromisoformat("2008-12-31T20:00:00")
PLACE = {"latitude": 42.8, "longitude": 6.1667, "depth": 2475}
SERIES: dict[str, Any] = {
    "table": "CTD",
    "time": "T",
    "position": PLACE,
    "variables": {"TEMP": {"column": "X", "unit": "degC"}},
}
COLUMNS = {"T": "timestamp[s]", "X": "double"}


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


@dataclasses.dataclass(frozen=True)
class Run:
    """Exports into a folder and reads its files."""

    folder: Path
    write_mapping: Callable[..., Path]

    def __call__(self, image: Image, target: str = "nc", only: tuple[str, ...] = (), **datasets: Any) -> ExportReport:
        return export(image, load_mapping(self.write_mapping(datasets)), self.folder / target, only=only)

    def read(self, name: str = "nc/ctd.nc") -> netCDF4.Dataset:
        file = netCDF4.Dataset(self.folder / name)
        file.set_auto_mask(False)
        return file


@pytest.fixture
def run(tmp_path: Path, write_mapping: Callable[..., Path]) -> Run:
    return Run(tmp_path, write_mapping)


def values(file: netCDF4.Dataset, name: str) -> list[float | None]:
    fill = file[name].getncattr("_FillValue")
    return [None if value == fill else float(value) for value in np.ravel(file[name][:])]


def test_every_value_is_that_of_the_parquet(make_image: Any, table: Any, run: Run) -> None:
    """Rows in any order, over several parts, with decimals, whole numbers, text and flags."""
    import pyarrow.parquet as pq

    random = np.random.default_rng(3)
    rows = [
        (
            at(2 * n),
            None if n % 50 == 3 else Decimal(int(random.integers(-(10**6), 10**6))).scaleb(-4),
            int(random.integers(0, 10**6)),
            f"{random.integers(0, 99999)}.{random.integers(0, 999):03d}",
            ["good", "bad", None][n % 3],
        )
        for n in random.permutation(700).tolist()
    ]
    columns = {"T": "timestamp[us]", "A": "decimal128(10, 4)", "B": "int64", "C": "string", "Q": "string"}
    image = make_image(CTD=table(columns, rows, parts=4))
    variables = {
        "TEMP": {"column": "a", "unit": "K", "flag": "q", "flag_codes": {"good": 1, "bad": 4}},
        "HCSP": {"column": "B", "unit": "cm/s"},
        "PRES": {"column": "C", "unit": "dbar", "range": [0, 50000]},
    }
    (dataset,) = run(image, ctd={**SERIES, "variables": variables}).datasets
    parts = [pq.read_table(image.path(part.file)).to_pylist() for part in image.table("CTD").parts]
    kept = sorted((row for part in parts for row in part), key=lambda row: row["T"])
    with run.read() as file:
        micros = [(row["T"] - datetime.fromisoformat("1970-01-01")) // timedelta(microseconds=1) for row in kept]
        assert (np.round(file["time"][:] * 1e6)).astype(int).tolist() == micros
        kelvin = [None if row["A"] is None else float(row["A"] - Decimal("273.15")) for row in kept]
        assert values(file, "TEMP") == kelvin
        assert values(file, "HCSP") == [float(Decimal(row["B"]) / 100) for row in kept]
        assert values(file, "PRES") == [float(row["C"]) for row in kept]
        codes = {"good": 1, "bad": 4, None: 0}
        expected = [9 if row["A"] is None else codes[row["Q"]] for row in kept]
        assert file["TEMP_QC"][:].tolist() == expected
        above = [4 if float(row["C"]) > 50000 else 0 for row in kept]
        assert sum(above) > 0
        assert file["PRES_QC"][:].tolist() == above
        counted = json.loads(file.values_by_flag)
        assert counted["TEMP"] == {str(flag): expected.count(flag) for flag in sorted(set(expected))}
    assert dataset.files[0].counts.variables["TEMP"].missing == 14


def test_identical_rows_are_dropped_and_counted(make_image: Any, table: Any, run: Run) -> None:
    rows = [(at(n // 3), float(n // 3)) for n in range(300)] + [(at(5), 5.0), (at(7), None), (at(200), None)]
    rows[21:24] = [(at(7), None)] * 3
    (report,) = run(make_image(CTD=table(COLUMNS, rows, parts=7)), ctd=SERIES).files
    assert (report.counts.rows, report.counts.identical, report.counts.times) == (303, 202, 101)
    with run.read() as file:
        assert np.all(np.diff(file["time"][:]) > 0)
        assert (int(file.rows_read), int(file.rows_dropped_identical)) == (303, 202)


def test_contradicting_rows(make_image: Any, table: Any, run: Run) -> None:
    rows = [(at(0), 1.0), (at(1), 2.0), (at(1), 3.0), (at(1), 2.0), (at(2), None), (at(2), 7.0)]
    image = make_image(CTD=table(COLUMNS, rows))
    with pytest.raises(ValueLossError, match=r"2 rows have the time .*2008-12-31T20:01:00Z TEMP 2 and 3;.*first"):
        run(image, ctd=SERIES)
    assert not list(run.folder.glob("nc/*"))
    (report,) = run(image, ctd={**SERIES, "duplicates": "first"}).files
    assert (report.counts.contradicting, report.counts.identical) == (2, 1)
    with run.read() as file:
        assert values(file, "TEMP") == [1.0, 2.0, None]


def test_duplicates_across_batches(make_image: Any, table: Any, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same result when every group of equal times is cut by the end of a batch."""
    rows = [(at(n // 4), 1.0 if n % 4 != 2 else 2.0) for n in range(40)]
    image = make_image(CTD=table(COLUMNS, rows))
    for size in (1, 3, 5, 1000):
        monkeypatch.setattr(series, "_SORTED_ROWS", size)
        (report,) = run(image, ctd={**SERIES, "duplicates": "first"}).files
        assert (report.counts.contradicting, report.counts.identical, report.counts.times) == (10, 20, 10), size


def test_gaps_are_listed_or_filled(make_image: Any, table: Any, run: Run) -> None:
    minutes = [0, 15, 30, 45, 61, 120, 135, 300, 315]
    image = make_image(CTD=table(COLUMNS, [(at(minute), float(minute)) for minute in minutes]))
    run(image, ctd={**SERIES, "interval": "15 min"})
    with run.read() as file:
        assert file["time"].size == len(minutes)
        assert file.gaps == ("2008-12-31T21:01:00Z/2008-12-31T22:00:00Z, 2008-12-31T22:15:00Z/2009-01-01T01:00:00Z")
        assert int(file.gaps_count) == 2
        assert file.time_coverage_resolution == "PT15M"
    run(image, ctd={**SERIES, "interval": "15 min", "fill_gaps": True})
    with run.read() as file:
        found = (file["time"][:] - file["time"][0]) / 60
        # Never nearer than half an interval to the next sample: 106 is there, 121 is not.
        expected = [0, 15, 30, 45, 61, 76, 91, 106, 120, 135, *range(150, 300, 15), 300, 315]
        assert found.tolist() == expected
        added = ~np.isin(found, minutes)
        assert set(file["TEMP_QC"][:][added]) == {9}
        assert set(file["TEMP_QC"][:][~added]) == {0}
        assert [value for value, new in zip(values(file, "TEMP"), added, strict=True) if new] == [None] * sum(added)
        assert int(file.times_filled_in) == sum(added) == 13


def test_long_gaps_are_filled_in_pieces(make_image: Any, table: Any, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    minutes = [0, 1, 2, 500, 501, 504, 2000, 2001]
    image = make_image(CTD=table(COLUMNS, [(at(minute), 1.0) for minute in minutes]))
    monkeypatch.setattr(series, "_PIECE", 7)
    run(image, ctd={**SERIES, "interval": "1 min", "fill_gaps": True})
    with run.read() as file:
        assert ((file["time"][:] - file["time"][0]) / 60).tolist() == list(range(2002))
        assert np.flatnonzero(file["TEMP_QC"][:] == 0).tolist() == minutes
    monkeypatch.setattr(series, "MOST_FILLED", 1000)
    with pytest.raises(ValueLossError, match="more than 1000 times would be filled in"):
        run(image, ctd={**SERIES, "interval": "1 min", "fill_gaps": True})


def test_without_an_interval_gaps_are_not_judged(make_image: Any, table: Any, run: Run) -> None:
    run(make_image(CTD=table(COLUMNS, [(at(0), 1.0), (at(99999), 2.0)])), ctd=SERIES)
    with run.read() as file:
        assert "not looked for" in file.gaps_comment
        assert "gaps_count" not in file.ncattrs()


def test_special_values(make_image: Any, table: Any, run: Run) -> None:
    rows = [(at(n), value) for n, value in enumerate([1.0, float("nan"), None, float("inf"), -5.0, 41.0])]
    (report,) = run(
        make_image(CTD=table(COLUMNS, rows)),
        ctd={**SERIES, "variables": {"TEMP": {"column": "X", "unit": "degC", "range": [0, 40]}}},
    ).datasets
    assert report.staged.not_a_number == {"TEMP": 1}
    assert any("1 values that are no number (NaN)" in line for line in report.lines())
    with run.read() as file:
        assert file["TEMP_QC"][:].tolist() == [0, 9, 9, 4, 4, 4]
        assert values(file, "TEMP") == [1.0, None, None, np.inf, -5.0, 41.0]  # kept, not removed


def test_odd_times(make_image: Any, table: Any, run: Run) -> None:
    rows = [(None, 1.0), (at(0), 1.0), (datetime.fromisoformat("0001-01-01"), 2.0)]
    image = make_image(CTD=table(COLUMNS, rows))
    with pytest.raises(ValueLossError, match=r"ENV\.CTD, column T: .*row 1: NULL, row 3: 0001-01-01.*odd_times: drop"):
        run(image, ctd=SERIES)
    (report,) = run(image, ctd={**SERIES, "odd_times": "drop"}).datasets
    assert (report.staged.odd_times, report.files[0].counts.rows) == (2, 1)


def test_stations_years_and_filters(make_image: Any, table: Any, run: Run) -> None:
    """One file for each station and year; every row of the table is in one of them, or counted as left out."""
    rows = [(at(60 * n), float(n), ["A/1 ", "b  2", "C   "][n % 3], n % 5) for n in range(9)]
    columns = {**COLUMNS, "ID": "string", "KIND": "int64"}
    image = make_image(CTD=table(columns, rows, char=frozenset({"ID"})))
    mapped = {
        **SERIES,
        "station": {"column": "ID", "name": "CTD {}"},
        "filter": {"KIND": [0, 1, 2, 3]},
        "per_year": True,
    }
    (dataset,) = run(image, ctd=mapped).datasets
    assert dataset.staged.left_out == 1
    assert sum(file.counts.rows for file in dataset.files) == 8
    names = [file.path.name for file in dataset.files]
    assert names == [
        *("ctd_A-1_2008.nc", "ctd_A-1_2009.nc", "ctd_C_2008.nc", "ctd_C_2009.nc"),
        *("ctd_b-2_2008.nc", "ctd_b-2_2009.nc"),
    ]
    with run.read("nc/ctd_A-1_2008.nc") as file:
        assert file["station"][...] == "CTD A/1"
        assert file.id == "ctd_A-1_2008"
        assert values(file, "TEMP") == [0.0, 3.0]
    chosen = {**mapped, "station": {"column": "ID", "values": ["C"], "name": "the third"}, "per_year": False}
    (dataset,) = run(image, "one.nc", ctd=chosen).datasets
    assert [file.station for file in dataset.files] == ["the third"]
    with pytest.raises(ValueLossError, match="no row has 'D'"):
        run(image, ctd={**mapped, "station": {"column": "ID", "values": ["C", "D"]}})
    with pytest.raises(UsageError, match="makes 6 files; give a folder"):
        run(image, "one.nc", ctd=mapped)


def test_stations_whose_files_would_have_one_name(make_image: Any, table: Any, run: Run) -> None:
    rows = [(at(0), 1.0, "A/1"), (at(1), 1.0, "A-1")]
    image = make_image(CTD=table({**COLUMNS, "ID": "string"}, rows))
    with pytest.raises(UsageError, match="would have the same file"):
        run(image, ctd={**SERIES, "station": {"column": "ID"}})
    assert not list(run.folder.glob("nc/*"))


def test_positions(make_image: Any, table: Any, run: Run) -> None:
    rows = [(at(n), 1.0, n % 2, 100.0 + n % 2) for n in range(4)]
    places = [(0, Decimal("42.5"), 6.0, 2400), (1, Decimal("42.75"), 6.25, 2300), (2, None, 1.0, 1)]
    image = make_image(
        CTD=table({**COLUMNS, "ID": "int64", "HEIGHT": "double"}, rows),
        OM=table({"OM_ID": "int64", "LAT": "decimal128(9, 6)", "LON": "double", "Z": "int64"}, places),
        TWICE=table({"OM_ID": "int64", "LAT": "int64", "LON": "int64", "Z": "int64"}, [(0, 1, 1, 1), (0, 2, 1, 1)]),
    )
    position = {"table": "OM", "key": "OM_ID", "latitude": "LAT", "longitude": "LON", "depth": "Z"}
    run(image, ctd={**SERIES, "station": {"column": "ID"}, "position": position})
    with run.read("nc/ctd_1.nc") as file:
        assert [float(file[name][...]) for name in ("latitude", "longitude", "depth")] == [42.75, 6.25, 2300.0]
        assert (file.geospatial_lat_min, file.geospatial_vertical_max) == (42.75, 2300.0)
    own = {**PLACE, "depth": {"column": "HEIGHT", "factor": -1, "offset": 2475}}
    run(image, ctd={**SERIES, "station": {"column": "ID"}, "position": own})
    with run.read("nc/ctd_1.nc") as file:
        assert float(file["depth"][...]) == 2374.0
    for wrong, message in (
        ({**position, "table": "TWICE"}, "ctd 0 has 2 positions"),
        ({**position, "key": "Z"}, "has no position"),
        ({**PLACE, "latitude": {"column": "HEIGHT"}}, "is nowhere"),
    ):
        with pytest.raises(ValueLossError, match=message):
            run(image, ctd={**SERIES, "station": {"column": "ID"}, "position": wrong})
    with pytest.raises(ValueLossError, match="ctd has 2 positions"):
        run(image, ctd={**SERIES, "position": own})


def test_joined_tables(make_image: Any, table: Any, run: Run) -> None:
    """Times of one table, values of another, over a key of two columns; rows without a partner have no time."""
    rows = [(1, "x ", 1.0), (1, "y ", 2.0), (2, "x ", 3.0), (None, "x ", 4.0)]
    parents = [("y", 1, at(1)), ("x", 1, at(0)), ("x", 2, at(2))]
    image = make_image(
        CTD=table({"P": "int64", "K": "string", "X": "double"}, rows, char=frozenset({"K"})),
        HEAD=table({"KEY": "string", "NUMBER": "decimal128(5, 0)", "T": "timestamp[s]"}, parents, parts=2),
        TWICE=table({"KEY": "string", "NUMBER": "int64", "T": "timestamp[s]"}, [parents[0], parents[0]]),
    )
    joined = {**SERIES, "odd_times": "drop", "join": [{"table": "HEAD", "by": ["P = NUMBER", "K=KEY"]}]}
    (dataset,) = run(image, ctd=joined).datasets
    assert dataset.staged.odd_times == 1
    with run.read() as file:
        assert values(file, "TEMP") == [1.0, 2.0, 3.0]
        assert file.source_tables == "CTD, HEAD"
    with pytest.raises(ValueLossError, match=r"ENV\.TWICE: two rows have the same NUMBER, KEY"):
        run(image, ctd={**joined, "join": [{"table": "TWICE", "by": ["P=NUMBER", "K=KEY"]}]})
    with pytest.raises(MetadataError, match=r"join\[0\].by: ENV.HEAD has no column 'KEYS'; did you mean 'KEY'"):
        run(image, ctd={**joined, "join": [{"table": "HEAD", "by": ["K=KEYS"]}]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"table": "CDT"}, r"datasets.ctd.table: .*no table is called 'CDT'"),
        ({"time": "TT"}, r"datasets.ctd.time: ENV.CTD has no column 'TT'"),
        ({"time": "X"}, r"ENV.CTD, column X: double is no time"),
        ({"variables": {"TEMP": {"column": "Y", "unit": "degC"}}}, r"TEMP.column: ENV.CTD has no column 'Y'"),
        ({"variables": {"TEMP": {"column": "T", "unit": "degC"}}}, r"column T: the column is timestamp\["),
        ({"filter": {"X": "many"}}, r"filter.X: 'many': the column is double"),
        ({"filter": {"X": [5.0]}}, "none of the 2 rows of CTD is left"),
        ({"station": {"column": "X"}}, "the column is double; keys"),
    ],
)
def test_mappings_that_do_not_fit(make_image: Any, table: Any, run: Run, change: Any, message: str) -> None:
    image = make_image(CTD=table(COLUMNS, [(at(0), 1.0), (at(1), None)]))
    with pytest.raises(AntaresLegacyError, match=message):
        run(image, ctd={**SERIES, **change})
    assert not list(run.folder.glob("nc/*"))


def test_images_that_cannot_be_used(make_image: Any, table: Any, run: Run) -> None:
    image = make_image(CTD=table(COLUMNS, [], problem="no right to read it"))
    with pytest.raises(ImageError, match=r"ENV\.CTD is not in the image: no right to read it"):
        run(image, ctd=SERIES)
    image = make_image("other", CTD=table(COLUMNS, [(at(0), 1.0)]))
    part = image.path(image.table("CTD").parts[0].file)
    part.write_bytes(part.read_bytes()[:-100])
    with pytest.raises(ImageError, match=r"part-00000\.parquet: cannot be read .*verify --offline"):
        run(image, ctd=SERIES)
    part.unlink()
    with pytest.raises(ImageError, match="cannot be read"):
        run(image, ctd=SERIES)


def test_several_datasets(make_image: Any, table: Any, run: Run) -> None:
    image = make_image(CTD=table(COLUMNS, [(at(0), 1.0)]))
    both: Mapping[str, Any] = {"ctd": SERIES, "other": SERIES}
    with pytest.raises(UsageError, match=r"the mapping has several datasets \(ctd, other\)"):
        run(image, "one.nc", **both)
    with pytest.raises(UsageError, match="no dataset 'othr'; did you mean 'other'"):
        run(image, only=("othr",), **both)
    assert [each.dataset.name for each in run(image, "one.nc", only=("other",), **both).datasets] == ["other"]


def test_same_bytes_and_provenance(make_image: Any, table: Any, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1230000000")
    image = make_image(CTD=table(COLUMNS, [(at(n), float(n)) for n in range(5000)], parts=3))
    run(image, "one.nc", ctd=SERIES)
    run(image, "two.nc", ctd=SERIES)
    assert (run.folder / "one.nc").read_bytes() == (run.folder / "two.nc").read_bytes()
    with run.read("one.nc") as file:
        assert file.date_created == "2008-12-23T02:40:00Z"
        assert file.mapping_sha256 == hashlib.sha256((run.folder / "mapping.yaml").read_bytes()).hexdigest()
        assert file.source_image_manifest_sha256 == image.manifest.digest
        assert image.manifest.image_id in file.history
        assert file.source_tables == "CTD"
    assert sorted(path.name for path in run.folder.iterdir()) == ["image", "mapping.yaml", "one.nc", "two.nc"]
