"""SeaTray HDF5: the real sample (run 45978), and written files for what it does not have."""

import runpy
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest

from converters.events import complete
from converters.readers.seatray_events import merge_events
from converters.readers.seatray_hdf5 import SeatrayHdf5Reader
from converters.source import ReadOptions
from legacy.errors import CorruptInputError, InputError

tableio = runpy.run_path(str(Path(__file__).parent / "tableio_file.py"))

A, B, C, D = (45978, 4, 100), (45978, 4, 101), (45978, 5, 90), (45979, 1, 7)


@pytest.fixture
def antares(sample):
    return sample("seatray/antares.h5")


def read(path, **options):
    """Return all columns of /events, all rows of each other table, and the closed file."""
    with SeatrayHdf5Reader().open(path, ReadOptions(**options)) as file:
        batches = list(file.batches())
        coverage = {row.field: row for row in file.coverage()}
        names = batches[0].events if batches else {}
        events = {name: np.concatenate([batch.events[name] for batch in batches]) for name in names}
        tables = {}
        for position, table in enumerate(batches[0].tables if batches else ()):
            tables[table.spec.path] = np.concatenate([batch.tables[position].array for batch in batches])
    return events, tables, file, coverage


def test_sample(antares):
    events, tables, file, _ = read(antares)
    assert file.facts.n_events == len(events["run_id"]) == 19
    assert (file.facts.kind, file.facts.detector, file.facts.default_reco) == ("data", "antares", "aafit")
    assert set(events["run_id"].tolist()) == {45978}
    assert events["frame_index"].tolist() == [4, 5, 6, 7, 7, 8, 8, 8, 9, 9, 11, 14, 14, 15, 15, 16, 16, 16, 17]
    keys = list(zip(*(events[n].tolist() for n in ("run_id", "frame_index", "trigger_counter")), strict=True))
    assert len(set(keys)) == 19
    assert np.count_nonzero(events["zenith"] < np.pi / 2) == 18
    assert not {"ra", "dec", "timestamp", "mjd"} & set(events)
    assert set(events["reco"].tolist()) == {b"aafit"}
    assert list(tables) == ["/reco/aafit"]
    assert tables["/reco/aafit"]["group_id"].tolist() == list(range(19))


def test_sample_positions_are_local(antares):
    events, tables, _, _ = read(antares)
    raw = tables["/reco/aafit"]
    assert raw["x"][0] == 8158.537242143239
    assert events["pos_x"][0] == pytest.approx(8158.537242143239 - 8221.6, abs=1e-9)
    assert events["pos_y"][0] == pytest.approx(2464.216363466857 - 2381.9, abs=1e-9)
    assert events["pos_z"][0] == pytest.approx(2475 - 2108.8739458592877, abs=1e-9)
    for axis, low, high in (("x", -90, 90), ("y", -120, 130), ("z", 120, 390)):
        assert low < events[f"pos_{axis}"].min()
        assert events[f"pos_{axis}"].max() < high


def test_sample_directions_point_to_the_flight(antares):
    with SeatrayHdf5Reader().open(antares, ReadOptions()) as file:
        events, _, _ = complete(next(file.batches()), file.facts)
    row = events.array[0]
    assert (row["zenith"], row["azimuth"]) == (0.4803830601095953, 6.009053963556822)
    assert row["dir_z"] == pytest.approx(-np.cos(0.4803830601095953))
    assert np.isnan(events.array["ra"]).all()


def test_sample_hits_are_counted_by_the_index(antares):
    events, _, _, coverage = read(antares)
    with h5py.File(antares) as file:
        hits = file["AafitFinalFitHitsUsed"][()]
    counts = Counter(zip(hits["Run"].tolist(), hits["Event"].tolist(), hits["TriggerCounter"].tolist(), strict=True))
    keys = zip(*(events[name].tolist() for name in ("run_id", "frame_index", "trigger_counter")), strict=True)
    assert events["n_hits"].tolist() == [counts[key] for key in keys]
    assert events["n_hits"].sum() == coverage["AafitFinalFitHitsUsed"].count == 618
    assert coverage["CalibratedPulses"].count == 13556


def test_sample_fillers_are_missing(antares):
    events, tables, _, coverage = read(antares)
    assert np.isnan(events["energy"]).all()
    assert set(events["n_lines"].tolist()) == {-1}
    assert coverage["AafitFinalFit.energy"].count == 0
    assert coverage["AafitFinalFit.energy"].destination == ""
    assert coverage["AafitFinalFit.quality"].count == 19
    assert coverage["AafitFinalFit.exists"].note.startswith("4 rows")
    assert set(tables["/reco/aafit"]["is_neutrino"].tolist()) == {0}
    assert "not interpreted" in coverage["AafitFinalFit.isNeutrino"].note


def test_sample_columns_are_described(antares):
    with SeatrayHdf5Reader().open(antares, ReadOptions()) as file:
        (table,) = next(file.batches()).tables
    columns = {column.name: column for column in table.spec.columns}
    assert len(columns) == 34
    assert all(column.description for column in columns.values())
    units = {name: columns[name].unit for name in ("x", "time", "zenith", "speed", "total_amplitude", "is_bright")}
    assert units == {"x": "m", "time": "ns", "zenith": "rad", "speed": "Gm/s", "total_amplitude": "", "is_bright": ""}
    assert {"n_used_hits", "n_l1_hits", "dist_to_line", "z_min", "fit_status"} <= set(columns)
    assert columns["quality"].description == "fit quality (e.g. lambda parameter)"


def test_every_field_is_accounted_for(antares):
    _, _, _, coverage = read(antares)
    with h5py.File(antares) as file:
        wanted = {f"AafitFinalFit.{name}" for name in file["AafitFinalFit"].dtype.names}
        assert wanted | {"AafitFinalFitHitsUsed", "CalibratedPulses", "__I3Index__"} == set(coverage)


def test_batches_join_to_the_same_events(antares, monkeypatch):
    whole, whole_tables, _, _ = read(antares)
    monkeypatch.setattr("converters.readers.seatray_hdf5._BATCH", 4)
    monkeypatch.setattr("converters.readers.seatray_tables._BLOCK_BYTES", 592 * 3)
    parts, part_tables, _, _ = read(antares)
    for name, values in whole.items():
        np.testing.assert_array_equal(parts[name], values)
    assert part_tables["/reco/aafit"].tobytes() == whole_tables["/reco/aafit"].tobytes()


def test_events_of_several_tables(tmp_path):
    path = tableio["write"](
        tmp_path / "x.h5",
        {
            "AafitFinalFit": tableio["rows"]([A, None, B, D]),
            "BBFitTrack": tableio["rows"]([B, C, D], seed=2),
            "GridFit_FinalFitResult": tableio["rows"]([C], seed=3),
            "I3MCWeightDict": tableio["rows"]([A, B, C, D], [("OneWeight", "f8")]),
        },
    )
    events, tables, file, _ = read(path)
    keys = list(zip(*(events[n].tolist() for n in ("run_id", "frame_index", "trigger_counter")), strict=True))
    assert keys == [A, B, C, D]
    assert events["reco"].tolist() == [b"aafit", b"aafit", b"none", b"aafit"]
    assert np.isnan(events["zenith"]).tolist() == [False, False, True, False]
    assert events["n_lines"][2] == -1
    groups = {name: table["group_id"].tolist() for name, table in tables.items()}
    assert groups == {
        "/reco/aafit": [0, 1, 3],
        "/reco/bbfit_track": [1, 2, 3],
        "/reco/gridfit": [2],
        "/reco/i3_mc_weight_dict": [0, 1, 2, 3],
    }
    assert file.facts.kind == "mc"
    shown, _, _, _ = read(path, reco="gridfit")
    assert shown["reco"].tolist() == [b"none", b"none", b"gridfit", b"none"]
    none, _, _, _ = read(path, reco="none")
    assert "zenith" not in none


@pytest.mark.parametrize("batch", [1, 2, 4096])
def test_tables_in_different_orders(tmp_path, monkeypatch, batch):
    monkeypatch.setattr("converters.readers.seatray_hdf5._BATCH", batch)
    one, two = tableio["rows"]([A, B, C, D]), tableio["rows"]([D, C, B, A], seed=2)
    path = tableio["write"](tmp_path / "x.h5", {"AafitFinalFit": one, "BBFitTrack": two})
    _, tables, _, _ = read(path)
    assert tables["/reco/bbfit_track"]["x"].tolist() == two["x"][::-1].tolist()


@pytest.mark.parametrize(
    ("tables", "events"),
    [
        ([[1, 2, 3], [2]], [1, 2, 3]),
        ([[2], [1, 2, 3]], [1, 2, 3]),
        ([[1, 3], [1, 2, 3], [3, 4]], [1, 2, 3, 4]),
        ([[1], [2], []], [2, 1]),
        ([[5, 5, 6], [5, 6, 5]], [5, 5, 6]),
        ([[3, 1], [1, 9, 3]], [3, 1, 9]),
        ([[]], []),
    ],
)
def test_merging_events(tables, events):
    keys, groups = merge_events([np.array([[1, n, 0] for n in t], dtype=np.int64).reshape(-1, 3) for t in tables])
    assert keys[:, 1].tolist() == events
    for table, group in zip(tables, groups, strict=True):
        assert [events[n] for n in group.tolist()] == table
        assert len(set(group.tolist())) == len(table)


def test_repeated_keys_are_not_merged(tmp_path):
    path = tableio["write"](tmp_path / "x.h5", {"AafitFinalFit": tableio["rows"]([A, A, B])})
    events, _, _, _ = read(path)
    assert events["trigger_counter"].tolist() == [100, 100, 101]


def test_other_detector(tmp_path):
    path = tableio["write"](tmp_path / "x.h5", {"LineFit": tableio["rows"]([A, B])})
    events, _, file, _ = read(path)
    assert (file.facts.detector, file.facts.default_reco) == ("", "line_fit")
    assert not {"pos_x", "pos_y", "pos_z"} & set(events)
    events, tables, _, _ = read(path, detector="antares")
    np.testing.assert_allclose(events["pos_x"], tables["/reco/line_fit"]["x"] - 8221.6)


def test_own_number_of_hits_comes_first(tmp_path):
    fits = tableio["rows"]([A, None, B, C])
    fits["nUsedHits"] = [12, 0, -1, -1]
    path = tableio["write"](tmp_path / "x.h5", {"AafitFinalFit": fits})
    assert read(path)[0]["n_hits"].tolist() == [12, -1, -1]
    tableio["write_hits"](path, "AafitFinalFit", [5, 0, 7, 0])
    assert read(path)[0]["n_hits"].tolist() == [12, 7, -1]


def test_hits_of_other_frames_are_not_counted(tmp_path):
    fits = tableio["rows"]([A, B])
    fits["nUsedHits"] = -1
    path = tableio["write"](tmp_path / "x.h5", {"AafitFinalFit": fits})
    tableio["write_hits"](path, "AafitFinalFit", [5, 7])
    with h5py.File(path, "a") as file:
        index = file["__I3Index__/AafitFinalFitHitsUsed"][()]
        del file["__I3Index__/AafitFinalFitHitsUsed"]
        file["__I3Index__/AafitFinalFitHitsUsed"] = index[:1]
    events, _, file, _ = read(path)
    assert "n_hits" in events
    assert events["n_hits"].tolist() == [-1, -1]
    assert any("other frames" in text for text in file.warnings())


def test_odd_columns(tmp_path):
    fields = [
        ("name", "f4"),
        ("lambda", "<i2"),
        ("group_id", "u1"),
        ("Type", "<i4"),
        ("type", "<i4"),
        ("2nd", "f8"),
        ("_v_x", "?"),
        ("text", "S5"),
        ("vector", "f8", (3,)),
        ("wide", "<u8"),
        ("half", "f2"),
    ]
    table = np.zeros(2, dtype=[*tableio["KEY"], *fields])
    table["Run"], table["exists"], table["TriggerCounter"], table["text"] = 5, 1, [1, 2], b"abc"
    path = tableio["write"](tmp_path / "x.h5", {"Odd": table}, units={"2nd": "parsec", "name": "degree"})
    with SeatrayHdf5Reader().open(path, ReadOptions()) as file:
        (rows,) = next(file.batches()).tables
        coverage = {row.field: row for row in file.coverage()}
    names = [column.name for column in rows.spec.columns]
    assert names == [
        "group_id", "name_", "lambda_", "group_id_2", "type", "type_2", "n_2nd", "v_x", "text", "wide", "half"
    ]  # fmt: skip
    assert [np.dtype(c.dtype).str[1:] for c in rows.spec.columns[1:4]] == ["f4", "i8", "i8"]
    assert rows.spec.column("name_").unit == "deg"
    assert "parsec" in rows.spec.column("n_2nd").description
    assert rows.array["text"].tolist() == [b"abc", b"abc"]
    assert coverage["Odd.vector"].destination == ""


def test_number_that_does_not_fit(tmp_path):
    table = np.zeros(1, dtype=[*tableio["KEY"], ("wide", "<u8")])
    table["exists"], table["wide"] = 1, 2**64 - 1
    path = tableio["write"](tmp_path / "x.h5", {"Odd": table})
    with pytest.raises(CorruptInputError, match="does not fit"):
        read(path)


def test_absurd_directions_are_missing(tmp_path):
    fits = tableio["rows"]([A, B, C, D])
    fits["zenith"] = [4.0, np.inf, 1.0, 1.0]
    fits["azimuth"] = [1.0, 1.0, 1.0, -7.0]
    path = tableio["write"](tmp_path / "x.h5", {"AafitFinalFit": fits})
    events, tables, file, _ = read(path)
    assert np.isnan(events["zenith"]).tolist() == [True, True, False, True]
    assert np.isnan(events["azimuth"]).tolist() == [True, True, False, True]
    assert tables["/reco/aafit"]["zenith"].tolist() == [4.0, np.inf, 1.0, 1.0]
    assert any("3 directions" in text for text in file.warnings())


def test_key_that_does_not_fit(tmp_path):
    key = [("Run", "<u4"), ("Event", "<u8"), ("exists", "u1"), ("TriggerCounter", "<i4")]
    table = np.zeros(1, dtype=[*key, *tableio["FIT"]])
    table["exists"], table["Event"] = 1, 2**64 - 20
    path = tableio["write"](tmp_path / "x.h5", {"AafitFinalFit": table}, indices={"AafitFinalFit": None})
    with pytest.raises(CorruptInputError, match="Event does not fit"):
        read(path)


def test_azimuth_in_events_goes_once_round(tmp_path):
    fits = tableio["rows"]([A, B, C])
    fits["azimuth"] = [-1.0, -np.pi, 2.0]
    path = tableio["write"](tmp_path / "x.h5", {"AafitFinalFit": fits})
    events, tables, _, _ = read(path)
    assert events["azimuth"].tolist() == [2 * np.pi - 1, np.pi, 2]
    assert tables["/reco/aafit"]["azimuth"].tolist() == [-1, -np.pi, 2]


def test_failed_fits_and_infinite_numbers_are_no_reconstruction(tmp_path):
    fits = tableio["rows"]([A, B, C], [*tableio["FIT"], ("fit_status", "<i4")])
    fits["fit_status"] = [0, 20, -1]
    fits["energy"] = [np.inf, 5.0, 7.0]
    path = tableio["write"](tmp_path / "x.h5", {"AafitFinalFit": fits})
    events, tables, _, _ = read(path)
    assert events["reco"].tolist() == [b"aafit", b"none", b"aafit"]
    assert np.isnan(events["zenith"]).tolist() == [False, True, False]
    assert events["n_hits"].tolist()[1] == -1
    assert np.array_equal(events["energy"], [np.nan, np.nan, 7], equal_nan=True)
    assert tables["/reco/aafit"]["energy"].tolist() == [np.inf, 5, 7]


def test_rows_without_trigger_counter_are_reported(tmp_path):
    weights = tableio["rows"]([A], [("w", "f8")])
    weights["TriggerCounter"] = -1
    path = tableio["write"](tmp_path / "x.h5", {"AafitFinalFit": tableio["rows"]([A]), "W": weights})
    events, _, file, _ = read(path)
    assert events["trigger_counter"].tolist() == [-1, 100]
    assert any("1 rows of W" in text for text in file.warnings())


@pytest.mark.parametrize("mark", [0, None])
@pytest.mark.parametrize("index", [True, False])
def test_tables_without_mark_or_index(tmp_path, mark, index):
    fits = tableio["rows"]([A, None, B])
    path = tableio["write"](
        tmp_path / "x.h5",
        {"AafitFinalFit": fits},
        indices=None if index else {"AafitFinalFit": None},
        marks={"AafitFinalFit": mark},
    )
    events, _, _, _ = read(path)
    assert events["trigger_counter"].tolist() == [100, 101]


def test_several_rows_are_seen_in_the_index(tmp_path):
    fits, pulses = tableio["rows"]([A, B]), tableio["rows"]([A, A, B], [("charge", "f8")])
    index = tableio["index_of"](fits, [2, 1])
    path = tableio["write"](
        tmp_path / "x.h5",
        {"AafitFinalFit": fits, "Pulses": pulses},
        indices={"Pulses": index},
        marks={"Pulses": None},
    )
    _, tables, _, coverage = read(path)
    assert list(tables) == ["/reco/aafit"]
    assert coverage["Pulses"].count == 3


def test_other_objects_in_the_file(tmp_path):
    path = tableio["write"](tmp_path / "x.h5", {"AafitFinalFit": tableio["rows"]([A])})
    other = tableio["write"](tmp_path / "other.h5", {"BBFitTrack": tableio["rows"]([B])})
    with h5py.File(path, "a") as file:
        file["plain"] = np.arange(3)
        file.create_group("folder")
        file["BBFitTrack"] = h5py.ExternalLink(str(other), "/BBFitTrack")
    events, _, _, coverage = read(path)
    assert len(events["run_id"]) == 1, "a link to another file must not be followed"
    assert {"plain", "folder", "BBFitTrack"} <= set(coverage)


@pytest.mark.parametrize("change", ["fewer", "shifted", "several"])
def test_index_that_does_not_fit(tmp_path, change):
    fits = tableio["rows"]([A, None, B])
    index = tableio["index_of"](fits)
    if change == "fewer":
        index["exists"][0] = 0
    elif change == "shifted":
        index["start"] += 1
        index["stop"] += 1
    else:
        index["stop"][0] = 3
    path = tableio["write"](tmp_path / "x.h5", {"AafitFinalFit": fits}, indices={"AafitFinalFit": index})
    with pytest.raises(CorruptInputError, match="index disagree"):
        read(path)


def test_impossible_size(tmp_path):
    path = tableio["write"](tmp_path / "x.h5", {"AafitFinalFit": tableio["rows"]([A])})
    with h5py.File(path, "a") as file:
        file.create_dataset("BBFitTrack", shape=(10**12,), dtype=tableio["rows"]([A]).dtype, chunks=(1000,))
    with pytest.raises(CorruptInputError, match="impossible size"):
        read(path)


def test_no_table_with_events(tmp_path):
    path = tableio["write"](tmp_path / "x.h5", {"Pulses": tableio["rows"]([A, A])}, marks={"Pulses": 1})
    with pytest.raises(CorruptInputError, match="no table with one row per event"):
        read(path)


def test_no_event_in_the_tables(tmp_path):
    path = tableio["write"](tmp_path / "x.h5", {"AafitFinalFit": tableio["rows"]([None, None])})
    events, _, file, coverage = read(path)
    assert (events, file.facts.n_events) == ({}, 0)
    assert coverage["AafitFinalFit.exists"].note.startswith("2 rows")


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_file_cut_off(antares, tmp_path, part):
    path = tmp_path / "cut.h5"
    data = antares.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    assert not SeatrayHdf5Reader().sniff(data[:100], path)
    with pytest.raises(CorruptInputError, match="damaged HDF5 file"):
        read(path)


def test_damaged_table(antares, tmp_path):
    with h5py.File(antares) as file:
        chunk = file["AafitFinalFit"].id.get_chunk_info(0)
    data = bytearray(antares.read_bytes())
    data[chunk.byte_offset + 10 : chunk.byte_offset + chunk.size] = bytes(chunk.size - 10)
    path = tmp_path / "damaged.h5"
    path.write_bytes(data)
    with pytest.raises(CorruptInputError, match="damaged HDF5 file"):
        read(path)


def test_unknown_fit(antares):
    with pytest.raises(InputError, match=r"no fit called aafitt.*did you mean 'aafit'"):
        read(antares, reco="aafitt")


def test_sniff(antares, tmp_path, sample):
    reader = SeatrayHdf5Reader()
    assert reader.sniff(antares.read_bytes()[:64], antares)
    other = sample("hdf5/geamon.h5")
    assert not reader.sniff(other.read_bytes()[:64], other)
    text = tmp_path / "x.h5"
    text.write_bytes(b"not HDF5")
    assert not reader.sniff(b"not HDF5", text)
