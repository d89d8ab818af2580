"""Corrections of flat DST trees, with files made up by `sel_tree`: see there for what such files cannot prove."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from converters.readers.dst_flat import DstFlatReader
from converters.readers.dst_flat_fixes import FIXES
from converters.reread.dst_flat import reread
from converters.source import ReadOptions

sel = runpy.run_path(str(Path(__file__).parent / "sel_tree.py"))
assert_agreement = runpy.run_path(str(Path(__file__).parent.parent / "reread" / "table_agreement.py"))[
    "assert_agreement"
]

N = 24
WRONG_FIT = ("angerr_deg", "zenith_deg", "cos_zenith", "azimuth_deg", "nusedlines", "nusedhits")
FITS = ("aafit", "bbfit", "gridfit", "bbfit_shower", "showerdusj", "showertantra")


def read(path, *, fix=True, **options):
    """Return all columns of /events, the other tables by path, coverage by field, and the remarks."""
    with DstFlatReader().open(path, ReadOptions(fix_known_defects=fix, **options)) as file:
        batches = list(file.batches())
        events = {name: np.concatenate([batch.events[name] for batch in batches]) for name in batches[0].events}
        tables = {
            table.spec.path: np.concatenate([batch.tables[n].array for batch in batches])
            for n, table in enumerate(batches[0].tables)
        }
        specs = {table.spec.path: table.spec for table in batches[0].tables}
        return events, tables, {row.field: row for row in file.coverage()}, file.facts.remarks, specs


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory):
    """Write the plain tree once."""
    branches = sel["arrays"]("numu", N)
    return sel["write"](tmp_path_factory.mktemp("sel") / "sel.root", branches), branches


@pytest.fixture
def make(tmp_path, unchanged):
    def write(kind="numu", scaled=False, **changes):
        if kind == "numu" and not scaled and not changes:
            return unchanged
        branches = sel["arrays"](kind, N)
        branches |= {name: values for name, values in changes.items() if values is not None}
        branches = {name: values for name, values in branches.items() if changes.get(name, 0) is not None}
        branches = sel["weighted"](branches) if scaled else branches
        return sel["write"](tmp_path / "sel.root", branches), branches

    return write


def fixed(coverage):
    return {name.removeprefix("(fix) "): row for name, row in coverage.items() if name.startswith("(fix)")}


def test_nothing_changes_unless_asked(make):
    path, branches = make()
    _, tables, coverage, remarks, _ = read(path, fix=False)
    assert tables["/mc_info"]["azimuthdeg_true"].tolist() == branches["azimuthdeg_true"].tolist()
    assert set(tables["/mc_info"]["bjorken_y_true"].tolist()) == {0.5}
    assert not fixed(coverage)
    assert not any("corrected" in remark for remark in remarks)


def test_azimuth_in_degrees(make):
    path, branches = make()
    _, tables, coverage, remarks, specs = read(path)
    np.testing.assert_allclose(
        tables["/mc_info"]["azimuthdeg_true"], np.degrees(branches["azimuthdeg_true"]), rtol=1e-15
    )
    assert tables["/mc_info"]["azimuthdeg_true"].max() > 7
    assert specs["/mc_info"].column("azimuthdeg_true").unit == "deg"
    row = fixed(coverage)["azimuthdeg_true"]
    assert (row.count, row.destination) == (N, "/mc_info.azimuthdeg_true")
    assert row.note == FIXES["azimuthdeg_true"]
    assert any("azimuthdeg_true" in remark and "degrees" in remark for remark in remarks)


def test_constants_become_missing(make):
    path, branches = make()
    _, tables, coverage, _, _ = read(path)
    assert np.isnan(tables["/mc_info"]["bjorken_y_true"]).all()
    rows = fixed(coverage)
    assert rows["bjorken_y_true"].count == N
    for fit in FITS:
        table = tables[f"/reco/{fit.removeprefix('shower')}"]
        assert np.isnan(table["bjy"]).all()
        assert rows[f"{fit}_bjy"].count == np.count_nonzero(branches[f"{fit}_flag"])
    for fit in ("gridfit", "dusj", "tantra"):
        assert np.isnan(tables[f"/reco/{fit}"]["totalamp"]).all()
    assert set(tables["/reco/aafit"]["totalamp"].tolist()) == {77.0}


def test_values_of_another_fit_become_missing(make):
    path, branches = make("data")
    _, tables, coverage, _, _ = read(path)
    rows, there = fixed(coverage), branches["bbfit_shower_flag"]
    for name in WRONG_FIT:
        assert np.isnan(tables["/reco/bbfit_shower"][name]).all()
        assert rows[f"bbfit_shower_{name}"].count == np.count_nonzero(there)
        assert not np.isnan(tables["/reco/bbfit"][name]).any()
    np.testing.assert_array_equal(tables["/reco/bbfit_shower"]["quality"], branches["bbfit_shower_quality"][there])


def test_flags_follow_the_type(make):
    mixed = np.where(np.arange(N) % 2, 14, 13).astype(np.int32)
    path, branches = make(type=mixed)
    events, tables, coverage, _, _ = read(path)
    assert branches["is_neutrino"].all(), "the program clears it for the code -13 alone"
    assert tables["/mc_info"]["is_neutrino"].tolist() == [0, 1] * (N // 2)
    assert tables["/mc_info"]["is_cc"].tolist() == [-1, 1] * (N // 2)
    assert events["mc_is_cc"].tolist() == [-1, 1] * (N // 2)
    assert (fixed(coverage)["is_neutrino"].count, fixed(coverage)["is_cc"].count) == (N // 2, N // 2)


def test_ratio_to_no_livetime(make):
    path, _ = make(DataMCRatio=np.array([np.inf, 0, 1.5, 1.25] * (N // 4), dtype="f4"))
    _, tables, coverage, _, _ = read(path)
    np.testing.assert_array_equal(tables["/mc_info"]["data_mc_ratio"], [np.nan, np.nan, 1.5, 1.25] * (N // 4))
    assert fixed(coverage)["DataMCRatio"].count == N // 2


@pytest.mark.parametrize(("run", "factor"), [(30411, 0.8), (30412, 1.0)])
def test_weights_are_those_of_the_generator_again(make, run, factor):
    path, scaled = make(run_id=np.full(N, run, dtype=np.int32), scaled=True)
    original = sel["arrays"]("numu", N)
    events, tables, coverage, _, specs = read(path)
    np.testing.assert_allclose(events["weight_w2"], original["w2"], rtol=1e-14)
    np.testing.assert_allclose(events["weight_w3"], original["w3"], rtol=1e-14)
    np.testing.assert_allclose(tables["/mc_info"]["w_honda"], original["w_honda"], rtol=1e-14)
    np.testing.assert_allclose(scaled["w2"], original["w2"] * factor * original["DataMCRatio"], rtol=1e-7)
    assert specs["/mc_info"].column("w_muon").dtype == "f8"
    assert fixed(coverage)["w2"].count == N
    assert fixed(coverage)["w2"].destination == "/events.weight_w2"
    raw, *_ = read(path, fix=False)
    assert raw["weight_w2"].tolist() == scaled["w2"].tolist()


def test_weights_without_a_ratio_are_lost(make):
    ratio = np.where(np.arange(N) % 2, 1.5, 0).astype("f4")
    path, _ = make(DataMCRatio=ratio, scaled=True)
    events, *_ = read(path)
    assert np.isnan(events["weight_w2"]).tolist() == (ratio == 0).tolist()


def test_weights_that_nothing_scaled_stay(make):
    path, branches = make(run_id=np.full(N, 26000, dtype=np.int32))
    events, _, coverage, _, _ = read(path)
    assert events["weight_w2"].tolist() == branches["w2"].tolist()
    assert "w2" not in fixed(coverage)


REPAIRED = {
    "azimuthdeg_true": ({"azimuthdeg_true": np.linspace(0, 359, N)}, "no radians"),
    "bjorken_y_true": ({"bjorken_y_true": np.linspace(0, 1, N)}, "it was filled after all"),
    "gridfit_totalamp": ({"gridfit_totalamp": np.where(np.arange(N) == 3, 20.0, 0)}, "1 values are not 0"),
    "bbfit_shower_zenith_deg": ({"bbfit_shower_zenith_deg": np.full(N, 12.0)}, "not those of bbfit"),
    "bbfit_shower_nusedhits": ({"bbfit_nusedhits": None}, "no values of bbfit to compare with"),
    "is_cc": ({"type": None}, "no branch type"),
}


@pytest.mark.parametrize("branch", REPAIRED)
def test_a_tree_without_the_mistake_is_left_alone(make, branch):
    changes, reason = REPAIRED[branch]
    path, _ = make(**changes)
    _, _, coverage, _, _ = read(path)
    raw = read(path, fix=False)[2]
    assert branch not in fixed(coverage)
    assert f"not corrected: {reason}" in coverage[branch].note or reason in coverage[branch].note
    assert "not corrected" in coverage[branch].note
    assert coverage[branch].count == raw[branch].count
    assert fixed(coverage), "the other mistakes are corrected"


def test_counts_that_are_equal_by_chance_are_left_alone(make):
    """The six branches are bound to bbfit together: one with values of its own shows that none of them is."""
    path, branches = make("data", bbfit_shower_zenith_deg=np.linspace(1, 170, N))
    _, tables, coverage, _, _ = read(path)
    assert not {f"bbfit_shower_{name}" for name in WRONG_FIT} & set(fixed(coverage))
    there = branches["bbfit_shower_flag"]
    np.testing.assert_array_equal(
        tables["/reco/bbfit_shower"]["nusedlines"], branches["bbfit_shower_nusedlines"][there]
    )
    assert "not corrected: bbfit_shower_zenith_deg has values of its own" in coverage["bbfit_shower_nusedlines"].note
    options = ReadOptions(fix_known_defects=True)
    assert assert_agreement(DstFlatReader(), reread, path, options) > N


def test_corrected_values_never_reach_events(make):
    path, _ = make()
    events, *_ = read(path, reco="bbfit_shower", zenith="source")
    assert not {"zenith", "azimuth", "angular_error", "n_hits", "mc_azimuth", "mc_bjorken_y"} & set(events)


def test_other_types_of_numbers(make):
    path, _ = make(
        aafit_bjy=np.zeros(N, dtype=np.int32),
        is_neutrino=np.ones(N, dtype=np.float64),
        azimuthdeg_true=np.full(N, 3, dtype=np.int32),
        DataMCRatio=np.ones(N, dtype=np.int32),
    )
    _, tables, coverage, _, _ = read(path)
    assert set(tables["/reco/aafit"]["bjy"].tolist()) == {-1}
    assert not {"is_neutrino", "azimuthdeg_true", "DataMCRatio"} & set(fixed(coverage))


def test_whole_line(cli, make, tmp_path):
    import json

    import h5py

    path, _ = make(run_id=np.full(N, 30000, dtype=np.int32), scaled=True)
    out = tmp_path / "out"
    assert cli("convert", path, "-o", out, "--fix-known-defects").code == 0
    product = out / "sel.l3.h5"
    with h5py.File(product) as file:
        given = json.loads(file["provenance"]["parameters"][-1])
        coverage = {row["field"].decode(): int(row["count"]) for row in file["source_coverage"]}
        description = file["header"]["description"][0].decode()
    assert given["fix_known_defects"] == sorted(FIXES)
    assert coverage["(fix) bjorken_y_true"] == N
    assert "known defect corrected as asked, scaled_weights: w2, w3, w_muon, w_honda" in description
    ran = cli("validate", product, "--source", path)
    assert ran.code == 0, ran.err
    assert "values of 24 events equal" in ran.out + ran.err
    assert cli("convert", path, "-o", out, "--fix-known-defects", "--json").code == 0
    ran = cli("convert", path, "-o", out)
    assert ran.code == 1
    assert "other options" in ran.err
