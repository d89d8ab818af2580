"""Flat DST trees, with files made up by `sel_tree`: see there for what such files cannot prove."""

import runpy
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import uproot

from converters.events import complete
from converters.readers.dst_flat import DstFlatReader
from converters.source import ReadOptions
from legacy.errors import CorruptInputError, InputError

sel = runpy.run_path(str(Path(__file__).parent / "sel_tree.py"))

N = 40
RECOS = {
    "aafit": "aafit",
    "bbfit": "bbfit",
    "gridfit": "gridfit",
    "bbfit_shower": "bbfit_shower",
    "showerdusj": "dusj",
    "showertantra": "tantra",
}
TRUTH_IN_EVENTS = {"mc_energy", "mc_pdgid", "mc_is_cc", "weight_w2", "weight_w3"}


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory):
    """Write each plain variant once: a tree of 139 branches takes its time."""

    @cache
    def write(kind, n_events, pieces, old):
        branches = sel["arrays"](kind, n_events)
        branches = sel["old_spelling"](branches) if old else branches
        return sel["write"](tmp_path_factory.mktemp("sel") / "sel.root", branches, pieces=pieces), branches

    return write


@pytest.fixture
def make(tmp_path, unchanged):
    """Write a tree; keyword arguments replace branches, None drops one."""

    def write(kind="numu", n_events=N, pieces=1, old=False, **changes):
        path, branches = unchanged(kind, n_events, pieces, old)
        if not changes:
            return Path(shutil.copy(path, tmp_path)), branches
        branches = {name: values for name, values in (branches | changes).items() if values is not None}
        return sel["write"](tmp_path / "sel.root", branches, pieces=pieces), branches

    return write


def read(path, **options):
    """Return all columns of /events, the other tables by path, and the closed file."""
    with DstFlatReader().open(path, ReadOptions(**options)) as file:
        batches = list(file.batches())
        names = batches[0].events if batches else ()
        events = {name: np.concatenate([batch.events[name] for batch in batches]) for name in names}
        tables = {}
        for position, table in enumerate(batches[0].tables if batches else ()):
            tables[table.spec.path] = np.concatenate([batch.tables[position].array for batch in batches])
        return events, tables, file


def coverage(file):
    return {row.field: row for row in file.coverage()}


def test_events(make):
    path, branches = make()
    events, _, file = read(path)
    assert (file.facts.format, file.facts.kind, file.facts.detector) == ("dst-flat", "mc", "antares")
    assert (file.facts.n_events, file.facts.default_reco) == (N, "aafit")
    assert events["run_id"].tolist() == [66730] * N
    assert events["source_event_id"].tolist() == list(range(1, N + 1))
    assert events["trigger_counter"].tolist() == branches["event_counter_trigger"].tolist()
    assert events["frame_index"].tolist() == branches["frame_index"].tolist()
    assert events["mjd"].tolist() == branches["MJD"].tolist()
    assert not {"timestamp", "nanoseconds", "zenith", "azimuth", "dir_x", "ra"} & set(events)


def test_fit_shown(make):
    path, branches = make()
    events, _, _ = read(path)
    fitted = branches["aafit_flag"]
    assert events["reco"].tolist() == [b"aafit" if flag else b"none" for flag in fitted]
    for column, branch in (
        ("quality", "aafit_lambda"),
        ("angular_error", "aafit_angerr_deg"),
        ("energy", "energy_aafit_dEdX_CEA"),
        ("pos_x", "aafit_pos_x"),
        ("pos_z", "aafit_pos_z"),
    ):
        np.testing.assert_array_equal(events[column], np.where(fitted, branches[branch], np.nan))
    np.testing.assert_array_equal(events["n_hits"], np.where(fitted, branches["aafit_nusedhits"], -1))
    np.testing.assert_array_equal(events["n_lines"], np.where(fitted, branches["aafit_nusedlines"], -1))


@pytest.mark.parametrize(("prefix", "reco"), RECOS.items())
def test_numbers_left_over_from_earlier_events_are_dropped(make, prefix, reco):
    path, branches = make()
    _, tables, file = read(path)
    fitted = branches[f"{prefix}_flag"]
    rows = tables[f"/reco/{reco}"]
    assert 0 < len(rows) < N
    assert rows["group_id"].tolist() == np.flatnonzero(fitted).tolist()
    np.testing.assert_array_equal(rows["zenith_deg"], branches[f"{prefix}_zenith_deg"][fitted])
    assert coverage(file)[f"/reco/{reco}, events without it"].count == N - len(rows)


def test_missing_quality_is_no_fit(make):
    lambdas = np.where(np.arange(N) % 2, -5.0, np.nan)
    path, _ = make(aafit_lambda=lambdas, aafit_flag=np.ones(N, dtype=bool))
    events, tables, _ = read(path)
    assert tables["/reco/aafit"]["group_id"].tolist() == list(range(1, N, 2))
    assert events["reco"][:2].tolist() == [b"none", b"aafit"]


def test_fit_without_flag_is_reported(make):
    path, _ = make(aafit_flag=None)
    _, tables, file = read(path)
    assert len(tables["/reco/aafit"]) == N
    assert any("/reco/aafit has no flag" in text for text in file.warnings())


@pytest.mark.parametrize("old", [False, True])
def test_every_column_is_described(make, old):
    path, _ = make(old=old)
    with DstFlatReader().open(path, ReadOptions()) as file:
        tables = {table.spec.path: table.spec for table in next(file.batches()).tables}
    assert set(tables) == {"/mc_info", "/data_quality", *(f"/reco/{reco}" for reco in RECOS.values())}
    for spec in tables.values():
        names = [column.name for column in spec.columns]
        assert len(set(names)) == len(names)
        assert all(column.description for column in spec.columns)
        assert all("does not describe it" not in column.description for column in spec.columns)
    assert tables["/reco/aafit"].column("zenith_deg").unit == "deg"
    assert tables["/mc_info"].column("azimuthdeg_true").unit == "rad"
    assert tables["/data_quality"].column("run_duration_year").unit == "yr"


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("kind", ["numu", "mupage", "data"])
def test_every_branch_is_accounted_for(make, kind, old):
    path, branches = make(kind, old=old)
    _, _, file = read(path)
    assert set(branches) <= set(coverage(file))


def test_old_spelling(make):
    path, branches = make(old=True)
    events, tables, _ = read(path)
    assert events["run_id"].tolist() == [66730] * N
    assert events["trigger_counter"].tolist() == branches["TriggCounter"].tolist()
    assert events["mc_pdgid"].tolist() == [14] * N
    # the older program scales its weights: they are not the generator's
    assert not {"weight_w2", "weight_w3"} & set(events)
    assert tables["/mc_info"]["weight_w2_scaled"].tolist() == branches["weight_w2"].tolist()


def test_names_are_compared_without_case(make):
    path, _ = make(MJD=None, mjd=np.full(N, 55000.5), AAFIT_LAMBDA=np.full(N, -4.0), aafit_lambda=None)
    events, tables, _ = read(path)
    assert events["mjd"].tolist() == [55000.5] * N
    assert set(tables["/reco/aafit"]["quality"].tolist()) == {-4.0}


def test_run_of_the_file_name_stands_in(make):
    path, _ = make(run_id=None, run=np.full(N, 31, dtype=np.int32))
    assert read(path)[0]["run_id"].tolist() == [31] * N


def test_truth(make):
    path, branches = make()
    events, tables, _ = read(path)
    assert events["mc_energy"].tolist() == branches["energy_true"].tolist()
    assert events["mc_pdgid"].tolist() == [14] * N
    assert events["mc_is_cc"].tolist() == [1] * N
    assert events["weight_w2"].tolist() == branches["w2"].tolist()
    assert events["weight_w3"].tolist() == branches["w3"].tolist()
    info = tables["/mc_info"]
    for column, branch in (("ngen", "ngen"), ("w_honda", "w_honda"), ("data_mc_ratio", "DataMCRatio")):
        assert info[column].tolist() == branches[branch].tolist()


def test_muons_have_no_current(make):
    path, _ = make("mupage")
    events, _, file = read(path)
    assert file.facts.kind == "mc"
    assert set(events["mc_pdgid"].tolist()) == {-13}
    assert set(events["mc_is_cc"].tolist()) == {-1}


def test_real_data_have_no_truth(make):
    path, branches = make("data")
    assert branches["is_neutrino"].all(), "the program writes 1 here for real data too"
    events, tables, file = read(path)
    assert file.facts.kind == "data"
    assert not TRUTH_IN_EVENTS & set(events)
    assert "/mc_info" not in tables
    row = coverage(file)["is_neutrino"]
    assert (row.count, row.destination) == (N, "")


@pytest.mark.parametrize(
    ("mark", "value"), [("type", -16), ("energy_true", 3.0), ("ngen", 1e5), ("w2", 1.0), ("weight_w2", 1e-5)]
)
def test_one_true_event_makes_a_simulation(make, mark, value):
    dtype = np.int32 if mark == "type" else np.float64
    path, _ = make("data", **{mark: np.where(np.arange(N) == N - 1, value, 0).astype(dtype)})
    assert read(path)[2].facts.kind == "mc"


@pytest.mark.parametrize(
    ("zenith", "azimuth", "convention", "expected"),
    [
        (30.0, 10.0, "source", (30.0, 10.0)),
        (30.0, 10.0, "flight", (150.0, 190.0)),
        (30.0, 350.0, "flight", (150.0, 170.0)),
        (180.0, -90.0, "source", (180.0, 270.0)),
        (0.0, 360.0, "source", (0.0, 0.0)),
        (-1.0, 10.0, "source", None),
        (181.0, 10.0, "flight", None),
        (30.0, np.inf, "source", None),
    ],
)
def test_angles_with_a_convention(make, zenith, azimuth, convention, expected):
    fits = {"aafit_zenith_deg": np.full(N, zenith), "aafit_azimuth_deg": np.full(N, azimuth)}
    path, branches = make("data", **fits)
    events, tables, file = read(path, zenith=convention)
    fitted = branches["aafit_flag"]
    assert set(tables["/reco/aafit"]["zenith_deg"].tolist()) == {zenith}, "the table keeps what the source has"
    assert np.isnan(events["zenith"][~fitted]).all()
    if expected is None:
        assert np.isnan(events["zenith"]).all()
        assert np.isnan(events["azimuth"]).all()
    else:
        np.testing.assert_allclose(np.degrees(events["zenith"][fitted]), expected[0], rtol=1e-14)
        np.testing.assert_allclose(np.degrees(events["azimuth"][fitted]), expected[1], rtol=1e-13)
    assert any("directions of aafit" in text for text in file.warnings()) is (expected is None)
    assert any(convention in remark for remark in file.facts.remarks)


def test_direction_of_flight(make):
    path, branches = make("data", aafit_zenith_deg=np.full(N, 60.0), aafit_azimuth_deg=np.full(N, 0.0))
    first = int(np.flatnonzero(branches["aafit_flag"])[0])
    for convention, sign in (("source", -1), ("flight", 1)):
        with DstFlatReader().open(path, ReadOptions(zenith=convention)) as file:
            batch = next(file.batches())
            batch.events.pop("mjd")  # without a time there is no sky position to compute
            row = complete(batch, file.facts)[0].array[first]
        assert (row["dir_x"], row["dir_z"]) == pytest.approx((sign * np.sin(np.pi / 3), sign * 0.5))


def test_true_zenith_needs_the_convention_too(make):
    path, branches = make()
    assert "mc_zenith" not in read(path)[0]
    for convention, sign in (("source", 1), ("flight", -1)):
        events, _, _ = read(path, zenith=convention)
        np.testing.assert_allclose(np.cos(events["mc_zenith"]), sign * branches["cos_zenith_true"], atol=1e-14)


@pytest.mark.parametrize("convention", [None, "source"])
def test_defective_branches_never_reach_events(make, convention):
    path, branches = make()
    events, tables, file = read(path, reco="bbfit_shower", zenith=convention)
    assert not {"zenith", "azimuth", "angular_error", "n_hits", "n_lines", "mc_azimuth", "mc_bjorken_y"} & set(events)
    fitted = branches["bbfit_shower_flag"]
    np.testing.assert_array_equal(events["quality"][fitted], branches["bbfit_shower_quality"][fitted])
    shower = tables["/reco/bbfit_shower"]
    for name in ("angerr_deg", "zenith_deg", "cos_zenith", "azimuth_deg", "nusedlines", "nusedhits"):
        np.testing.assert_array_equal(shower[name], branches[f"bbfit_shower_{name}"][fitted])
        assert coverage(file)[f"bbfit_shower_{name}"].note.startswith("defective")
    for name in ("azimuthdeg_true", "bjorken_y_true"):
        assert tables["/mc_info"][name].tolist() == branches[name].tolist()
        assert coverage(file)[name].note.startswith("defective")
    for name in ("aafit_bjy", "gridfit_totalamp", "showerdusj_totalamp", "showertantra_totalamp"):
        assert coverage(file)[name].note.startswith("defective")
    assert not coverage(file)["bbfit_zenith_deg"].note.startswith("defective")


def test_triggers(make):
    flags = {
        name: np.arange(N) % 16 >> bit & 1 == 1
        for bit, name in enumerate(("t3N_active", "tT3_active", "tT2_active", "tTQ_active"))
    }
    path, _ = make(**flags)
    events, _, _ = read(path)
    assert events["trigger_mask"][[0, 1, 2, 4, 8, 15]].tolist() == [0, 1 << 5, 1 << 13, 1 << 14, 1 << 15, 57376]


def test_runs_without_data_quality(make):
    unknown = np.arange(N) < 5
    path, branches = make(RunQuality=np.where(unknown, -1.0, 2.0), run_duration=np.where(unknown, -1.0, 9.0))
    _, tables, file = read(path)
    quality = tables["/data_quality"]
    for name in ("baseline_rate", "ratio_active", "burst_fraction", "run_duration", "run_quality", "run_duration_year"):
        assert np.isnan(quality[name]).tolist() == unknown.tolist()
    assert quality["scan"].tolist() == [-1] * 5 + [0] * (N - 5)
    assert quality["date"].tolist() == branches["Date"].tolist()
    assert coverage(file)["/data_quality, events without it"].count == 5


def test_unknown_branches(make):
    path, _ = make(
        aafit_newThing=np.full(N, 1.5, dtype=np.float32),
        NNFitTrack_Theta=np.where(np.arange(N) < 3, 20.0, np.nan),
        w_non_osc=np.full(N, 0.25),
        name=np.arange(N, dtype=np.int16),
        pulses=np.zeros((N, 3)),
    )
    _, tables, file = read(path)
    assert set(tables["/reco/aafit"]["newthing"].tolist()) == {1.5}
    assert tables["/reco/nnfit_track"]["group_id"].tolist() == [0, 1, 2]
    assert tables["/mc_info"]["w_non_osc"].tolist() == [0.25] * N
    assert tables["/mc_info"]["name_"].tolist() == list(range(N))
    rows = coverage(file)
    assert (rows["w_non_osc"].note, rows["w_non_osc"].count) == ("unknown branch: kept raw", N)
    assert (rows["pulses"].count, rows["pulses"].destination) == (-1, "")
    path, _ = make("data", w_non_osc=np.full(N, 0.25))
    assert read(path)[1]["/data_quality"]["w_non_osc"].tolist() == [0.25] * N


def test_absurd_numbers_are_missing(make):
    odd = np.arange(N) == 3
    path, _ = make(
        MJD=np.where(odd, 0.0, 55000.0),
        frame_index=np.where(odd, np.nan, 7.0),
        event_id=np.where(odd, 2**64 - 1, 5).astype(np.uint64),
        aafit_nusedhits=np.where(odd, 1e300, 20.0),
        aafit_angerr_deg=np.where(odd, -1.0, 0.5),
        energy_aafit_dEdX_CEA=np.where(odd, 0.0, 100.0),
        energy_true=np.where(odd, np.inf, 10.0),
        aafit_flag=np.ones(N, dtype=bool),
    )
    events, tables, file = read(path)
    for name in ("mjd", "angular_error", "energy", "mc_energy"):
        assert np.isnan(events[name]).tolist() == odd.tolist()
    for name in ("frame_index", "source_event_id", "n_hits"):
        assert (events[name] == -1).tolist() == odd.tolist()
    assert tables["/reco/aafit"]["nusedhits"][3] == 1e300
    assert "1 are no times" in coverage(file)["MJD"].note
    assert any("MJD" in text for text in file.warnings())


@pytest.mark.parametrize("pieces", [1, 3])
def test_batches_join_to_the_same_events(make, monkeypatch, pieces):
    path, _ = make(pieces=pieces)
    whole, whole_tables, _ = read(path)
    monkeypatch.setattr("converters.readers.dst_flat._STEP", 7)
    with DstFlatReader().open(path, ReadOptions()) as file:
        assert [batch.first for batch in file.batches()] == list(range(0, N, 7))
    parts, part_tables, _ = read(path)
    for name, values in whole.items():
        np.testing.assert_array_equal(parts[name], values)
    for name, rows in whole_tables.items():
        assert part_tables[name].tobytes() == rows.tobytes()


@pytest.mark.parametrize(
    ("dropped", "expected"),
    [
        (("aafit",), "bbfit"),
        (("aafit", "bbfit"), "gridfit"),
        (("aafit", "bbfit", "gridfit"), "dusj"),
        (("aafit", "bbfit", "gridfit", "showerdusj"), "tantra"),
    ],
)
def test_default_fit(tmp_path, dropped, expected):
    branches = {n: v for n, v in sel["arrays"]("data", 5).items() if not n.startswith((*dropped, "energy_aafit"))}
    _, _, file = read(sel["write"](tmp_path / "x.root", branches))
    assert file.facts.default_reco == expected


@pytest.mark.parametrize("reco", ["dusj", "tantra"])
def test_showers(make, reco):
    path, branches = make()
    events, _, _ = read(path, reco=reco)
    fitted = branches[f"shower{reco}_flag"]
    np.testing.assert_array_equal(events["energy"][fitted], branches[f"shower{reco}_energy"][fitted])
    assert set(events["reco"][fitted].tolist()) == {reco.encode()}


def test_no_fit_at_all(tmp_path):
    branches = {
        name: values for name, values in sel["arrays"]("data", 5).items() if "fit" not in name and "shower" not in name
    }
    events, _, file = read(sel["write"](tmp_path / "x.root", branches))
    assert file.facts.default_reco == "none"
    assert set(events["reco"].tolist()) == {b"none"}


def test_unknown_fit(make):
    path, _ = make()
    with pytest.raises(InputError, match=r"no fit called aafitt.*did you mean 'aafit'"):
        read(path, reco="aafitt")
    assert set(read(path, reco="none")[0]["reco"].tolist()) == {b"none"}


def test_empty_tree(make):
    path, _ = make(n_events=0)
    events, _, file = read(path)
    assert (events, file.facts.n_events, file.facts.kind) == ({}, 0, "data")
    assert file.coverage()


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_file_cut_off(make, tmp_path, part):
    path, _ = make()
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(CorruptInputError):
        read(path)


def test_damaged_branch(make):
    path, _ = make(n_events=4000)
    with uproot.open(path) as file:
        place = int(file["sel"]["aafit_pos_y"].member("fBasketSeek")[0])
    data = bytearray(path.read_bytes())
    data[place + 90 : place + 400] = bytes(310)
    path.write_bytes(data)
    with pytest.raises(CorruptInputError, match="damaged ROOT file"):
        read(path)


@pytest.mark.parametrize("name", ["other", "E"])
def test_no_such_tree(tmp_path, name):
    path = sel["write"](tmp_path / "x.root", {"a": np.arange(3)}, tree=name)
    assert not DstFlatReader().sniff(path.read_bytes()[:64], path)
    with pytest.raises(CorruptInputError, match="expected a tree sel"):
        read(path)


def test_histogram_called_sel(tmp_path):
    with uproot.recreate(tmp_path / "x.root") as file:
        file["sel"] = np.histogram([1.0, 2.0])
    with pytest.raises(CorruptInputError, match="expected a tree sel"):
        read(tmp_path / "x.root")


def test_tree_without_numbers(tmp_path):
    path = sel["write"](tmp_path / "x.root", {"a": np.zeros((3, 2))})
    with pytest.raises(CorruptInputError, match="no numbers"):
        read(path)


def test_sniff(make, sample):
    path, _ = make()
    reader = DstFlatReader()
    assert reader.sniff(path.read_bytes()[:64], path)
    other = sample("offline/mcv5.11r2.gsg_muonCChigherE-CC_50-5000GeV.km3_AAv1.jterbr00004695.jchain.aanet.498.root")
    assert not reader.sniff(other.read_bytes()[:64], other)
    assert not reader.sniff(b"rout", path)
