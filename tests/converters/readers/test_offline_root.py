"""Offline ROOT files: event counts, the best track, the golden twin, truth, time, damage."""

import math
import random
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import uproot

from converters.events import complete
from converters.readers.offline import branches
from converters.readers.offline_root import OfflineRootReader
from converters.source import Batch, CoverageRow, HeaderLine, ReadOptions, SourceFacts
from legacy.errors import CorruptInputError, InputError
from legacy.model import StructuredArray

Sample = Callable[[str], Path]

GENHEN = "offline/mcv5.1.genhen_anumuNC.sirene.jte.jchain.aashower.sample.root"
GOLDEN = "hdf5/mcv5.1.genhen_anumuNC.sirene.jte.jchain.aashower.sample.hdf5"
MERGED = (
    "offline/KM3NeT_00000049_00011291.mc.gsg_neutrinos.km3sim_sirene_merged.jterbr.jppmuon_jppshower_static."
    "offline.v9.2.sample.root"
)
PROPA = "offline/mcv5.0.DAT004340.propa.sirene.jte.jchain.aanet.4340.root"
MUPAGE = "mupage/mcv8.1.mupage_tuned_100G.sirene.jterbr00013288.10.root"
MANY_TRACKS = "offline/mcv5.11r2.gsg_muonCChigherE-CC_50-5000GeV.km3_AAv1.jterbr00004695.jchain.aanet.498.root"
DUSJ_LIKE = "dst/mcv6.gsg_numu-CCHEDIS_1e2-1e8GeV.sirene.jte.jchain.aashower.dst.bdt_trk.bdt_casc.10events.root"
ELEC = "offline/mcv5.0.gsg_elec-CC_10-100GeV.km3sim.JDK.jte.jmergefit.orca.{}909.evtsample.root"
JPP = {"jgandalf", "jsimplex", "jprefit"}
SAMPLES: dict[str, tuple[int, str, int, set[str]]] = {
    "dst/mcv5.1.km3_numuCC.ALL.dst.bdt.10events.root": (10, "mc", -1, {"jgandalf", "rec_type_101"}),
    DUSJ_LIKE: (10, "mc", -1, {"jgandalf", "aashower"}),
    "dst/orca4_sample.root": (2500, "data", 44, {"jgandalf", "jsimplex"}),
    "dst/orca6_sample.root": (2499, "data", 49, {"jgandalf"}),
    "gseagen/DAT000001.gSeaGen.1.aa.root": (8, "mc", -1, set()),
    "gseagen/gseagen_v7.0.0_numuCC_diffuse.aa.root": (82, "mc", -1, set()),
    MUPAGE: (10, "mc", -1, set()),
    MERGED: (30, "mc", 49, JPP | {"jshower"}),
    "offline/empty_events.root": (0, "mc", -1, set()),
    "offline/km3net_offline.root": (10, "data", 44, {"jgandalf", "jprefit"}),
    PROPA: (3, "mc", -14, JPP),
    ELEC.format(""): (10, "mc", -1, JPP | {"jshower"}),
    ELEC.format("aanet."): (10, "mc", -1, JPP | {"jshower"}),
    GENHEN: (10, "mc", 20, JPP | {"rec_type_101"}),
    MANY_TRACKS: (307, "mc", 43, JPP),
    "offline/mcv6.0.gsg_muon_highE-CC_50-500GeV.km3sim.jterbr00008357.jorcarec.aanet.905.root": (140, "mc", 49, JPP),
    "offline/mcv6.gsg_nue-CCHEDIS_1e4-1e6GeV.sirene.jte.jchain.aanet.1.root": (31, "mc", -1, JPP),
    "offline/multiHead.root": (10, "mc", -1, set()),
    "offline/muon_cc_events.root": (1000, "mc", -1, set()),
    "offline/numucc.root": (10, "mc", 20, JPP),
    "offline/usr-sample.root": (3, "data", 49, {"rec_type_3"}),
}
"""Number of events, kind, detector number and fits of each sample."""


class Content:
    """Everything that the reader gives of a file."""

    def __init__(self, path: Path, options: ReadOptions | None = None) -> None:
        with OfflineRootReader().open(path, options or ReadOptions()) as file:
            self.facts: SourceFacts = file.facts
            self.header: tuple[HeaderLine, ...] = file.header
            self.batches: list[Batch] = list(file.batches())
            self.coverage: tuple[CoverageRow, ...] = file.coverage()
            self.warnings: tuple[str, ...] = file.warnings()

    @property
    def n_events(self) -> int:
        return sum(batch.n_events for batch in self.batches)

    def column(self, name: str) -> Any:
        return np.concatenate([batch.events[name] for batch in self.batches])

    def has(self, name: str) -> bool:
        return any(name in batch.events for batch in self.batches)

    def table(self, path: str) -> StructuredArray:
        found = [table.array for batch in self.batches for table in batch.tables if table.spec.path == path]
        return np.concatenate(found)

    def paths(self) -> set[str]:
        return {table.spec.path for batch in self.batches for table in batch.tables}

    def count(self, field: str) -> int:
        return next(row.count for row in self.coverage if row.field == field)


@cache
def content_of(path: Path) -> Content:
    """Read a sample with the defaults, once for all tests."""
    return Content(path)


def evt(path: Path) -> Any:
    return uproot.open({str(path): None}, object_cache=None, array_cache=None)["E"]["Evt"]


def lists(path: Path, *names: str) -> list[tuple[Any, ...]]:
    """Return branches as plain Python lists, event by event."""
    tree = evt(path)
    return list(zip(*(tree[name].array(library="ak").to_list() for name in names), strict=True))


@pytest.mark.parametrize("name", SAMPLES)
def test_counts_kind_and_fits(sample: Sample, name: str) -> None:
    n_events, kind, det_id, fits = SAMPLES[name]
    content = content_of(sample(name))
    assert content.n_events == evt(sample(name)).num_entries == n_events
    assert content.facts.n_events == n_events
    assert (content.facts.kind, content.facts.det_id, content.facts.detector) == (kind, det_id, "")
    found = {path.removeprefix("/reco/") for path in content.paths() if path.startswith("/reco/")}
    assert found - {"usr"} == fits
    assert ("/mc_tracks" in content.paths()) == (kind == "mc" and n_events > 0)


def first_best(path: Path) -> list[int | None]:
    """Choose the best track of each event with the rule in its plainest form."""
    chosen: list[int | None] = []
    for stages, likelihood, rec_type in lists(path, "trks/trks.rec_stages", "trks/trks.lik", "trks/trks.rec_type"):
        places = [n for n in range(len(stages)) if stages[n] or rec_type[n]]
        order = sorted(places, key=lambda n: (-len(stages[n]), math.isnan(likelihood[n]), -likelihood[n], n))
        chosen.append(order[0] if order else None)
    return chosen


@pytest.mark.parametrize("name", [name for name, facts in SAMPLES.items() if facts[0]])
def test_best_track_is_the_one_of_a_plain_selection(sample: Sample, name: str) -> None:
    path = sample(name)
    content, best = content_of(path), first_best(path)
    values = lists(path, *(f"trks/trks.{part}" for part in ("pos.x", "pos.y", "pos.z", "dir.z", "E", "lik")))
    for event, (place, parts) in enumerate(zip(best, values, strict=True)):
        reco = content.column("reco")[event]
        if place is None:
            assert reco == b"none"
            assert math.isnan(content.column("dir_z")[event])
            assert math.isnan(content.column("zenith")[event])
            continue
        assert reco != b"none"
        pos_x, pos_y, pos_z, dir_z, energy, likelihood = (part[place] for part in parts)
        assert content.column("pos_x")[event] == pos_x
        assert content.column("pos_y")[event] == pos_y
        assert content.column("pos_z")[event] == pos_z
        assert content.column("dir_z")[event] == dir_z
        assert content.column("zenith")[event] == pytest.approx(math.pi - math.acos(dir_z))
        found = content.column("energy")[event]
        assert math.isnan(found) if energy == 0 else found == energy
        quality = content.column("quality")[event]
        assert math.isnan(quality) if abs(likelihood) > 1e300 else quality == likelihood


def test_every_track_belongs_to_one_algorithm(sample: Sample) -> None:
    path = sample(MERGED)
    counted = Counter[str]()
    for stages in (stages for (event,) in lists(path, "trks/trks.rec_stages") for stages in event):
        names = ["jshower"] if stages[0] > 100 else []
        names += ["jgandalf"] if 3 in stages else []
        names += ["jsimplex"] if 2 in stages and 3 not in stages else []
        names += ["jprefit"] if stages == [1] else []
        assert len(names) == 1, stages
        counted.update(names)
    content = Content(path)
    assert set(counted) == SAMPLES[MERGED][3]
    assert content.count("trks") == counted.total() == 27405


# --- the golden twin ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def genhen(sample: Sample) -> Content:
    return content_of(sample(GENHEN))


@pytest.fixture(scope="module")
def golden(sample: Sample) -> dict[str, StructuredArray]:
    with h5py.File(sample(GOLDEN)) as file:
        return {name: file[name][:] for name in ("ID", "MC/MC_EVENTS", "RECO/RECO_EVENTS")}


@pytest.mark.parametrize(
    ("column", "table", "twin"),
    [
        ("energy", "RECO/RECO_EVENTS", "energy"),
        ("quality", "RECO/RECO_EVENTS", "likelihood"),
        ("pos_x", "RECO/RECO_EVENTS", "pos_x"),
        ("pos_y", "RECO/RECO_EVENTS", "pos_y"),
        ("pos_z", "RECO/RECO_EVENTS", "pos_z"),
        ("mc_energy", "MC/MC_EVENTS", "energy"),
        ("mc_pdgid", "MC/MC_EVENTS", "pdg_id"),
    ],
)
def test_golden_twin_has_the_same_numbers(
    genhen: Content, golden: dict[str, StructuredArray], column: str, table: str, twin: str
) -> None:
    np.testing.assert_array_equal(genhen.column(column), golden[table][twin])


@pytest.mark.parametrize(
    ("zenith", "azimuth", "table"),
    [("zenith", "azimuth", "RECO/RECO_EVENTS"), ("mc_zenith", "mc_azimuth", "MC/MC_EVENTS")],
)
def test_golden_twin_flies_the_opposite_way(
    genhen: Content, golden: dict[str, StructuredArray], zenith: str, azimuth: str, table: str
) -> None:
    twin = golden[table]
    # The simulation wrote six decimals: its directions are not quite of length one, which acos(dir_z) shows.
    precision = 1e-5 if zenith == "mc_zenith" else 1e-12
    np.testing.assert_allclose(genhen.column(zenith), np.pi - twin["theta_detectorframe"], rtol=0, atol=precision)
    opposite = (twin["phi_detectorframe"] + np.pi) % (2 * np.pi)
    np.testing.assert_allclose(genhen.column(azimuth), opposite, atol=1e-12)


def test_golden_twin_has_the_same_direction(genhen: Content, golden: dict[str, StructuredArray]) -> None:
    theta, phi = (golden["RECO/RECO_EVENTS"][f"{name}_detectorframe"] for name in ("theta", "phi"))
    np.testing.assert_allclose(genhen.column("dir_z"), np.cos(theta), atol=1e-12)
    np.testing.assert_allclose(genhen.column("dir_x"), np.sin(theta) * np.cos(phi), atol=1e-12)
    np.testing.assert_allclose(genhen.column("dir_y"), np.sin(theta) * np.sin(phi), atol=1e-12)


def shown_times(content: Content) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return trks.t of the fit that each event shows."""
    reco, times = content.column("reco"), np.full(content.n_events, np.nan)
    for name in set(reco.tolist()) - {b"none"}:
        rows = content.table(f"/reco/{name.decode()}")
        shown = reco[rows["group_id"]] == name
        times[rows["group_id"][shown]] = rows["t"][shown]
    return times


def test_golden_twin_has_the_same_times(genhen: Content, golden: dict[str, StructuredArray]) -> None:
    twin = golden["RECO/RECO_EVENTS"]
    times = shown_times(genhen)
    np.testing.assert_array_equal(times, twin["tracktime_ns"])
    epoch = 2440587.5
    slice_time = genhen.column("source_t_sec") + genhen.column("source_t_nanosec") * 1e-9
    slices = (golden["ID"]["timeslice_utc_time.jd1"] - epoch) + golden["ID"]["timeslice_utc_time.jd2"]
    np.testing.assert_allclose(slices * 86400, slice_time, atol=1e-5)
    tracks = (twin["tracktime_utc.jd1"] - epoch) + twin["tracktime_utc.jd2"]
    np.testing.assert_allclose(tracks * 86400, slice_time + times * 1e-9, atol=1e-5)


def test_golden_twin_has_the_same_weight(genhen: Content, golden: dict[str, StructuredArray]) -> None:
    genvol = next(line for line in genhen.header if line.parameter == "genvol")
    generated = float(genvol.values[4])
    weights = golden["MC/MC_EVENTS"]["normalized_weight"]
    np.testing.assert_allclose(genhen.column("weight_w2") / generated, weights, rtol=1e-14)


def test_golden_twin_positions_of_the_truth(genhen: Content, golden: dict[str, StructuredArray]) -> None:
    tracks = genhen.table("/mc_tracks")
    first = tracks[np.unique(tracks["group_id"], return_index=True)[1]]
    for axis in "xyz":
        np.testing.assert_array_equal(first[f"pos_{axis}"], golden["MC/MC_EVENTS"][f"pos_{axis}"])


# --- what /events shows ------------------------------------------------------------------------------------


def test_gandalf_tells_precision_and_hits(genhen: Content) -> None:
    gandalf = genhen.column("reco") == b"jgandalf"
    rows = genhen.table("/reco/jgandalf")
    assert 0 < gandalf.sum() < 10
    np.testing.assert_allclose(genhen.column("angular_error")[gandalf], np.degrees(rows["beta0"]))
    np.testing.assert_array_equal(genhen.column("n_hits")[gandalf], rows["n_hits"])
    assert np.isnan(genhen.column("angular_error")[~gandalf]).all(), "only Gandalf's error has a public meaning"
    assert (genhen.column("n_hits")[~gandalf] == -1).all()


def test_without_a_fit_the_hits_of_the_source_count(sample: Sample) -> None:
    content = content_of(sample(PROPA))
    assert content.column("reco").tolist() == [b"none", b"jgandalf", b"jgandalf"]
    assert content.column("n_hits").tolist() == [86, 60, 45]


def test_parameters_have_their_names(genhen: Content) -> None:
    rows = genhen.table("/reco/jgandalf")
    (stages,) = {row["rec_stages"].item() for row in rows}
    assert stages == b"1 2 3 4 5"
    assert set(rows["n_rec_stages"].tolist()) == {5}
    np.testing.assert_allclose(rows["chi2"], -rows["lik"])
    assert (rows["rec_type"] == 4000).all()
    assert np.isnan(rows["fitinf_26"]).all()
    other = genhen.table("/reco/rec_type_101")
    assert np.isfinite(other["fitinf_01"]).all(), "without a public meaning values keep their position"


def test_unset_energy_and_likelihood_are_missing_in_events_only(sample: Sample) -> None:
    content = content_of(sample(MANY_TRACKS))
    assert np.isnan(content.column("energy")).all()
    assert (content.table("/reco/jgandalf")["E"] == 0).all()
    content = content_of(sample("dst/orca6_sample.root"))
    unset = content.table("/reco/jgandalf")["lik"] < -1e300
    assert unset.sum() == np.isnan(content.column("quality")[content.column("reco") == b"jgandalf"]).sum() == 7


@pytest.mark.parametrize("reco", ["jprefit", "rec_type_101"])
def test_chosen_fit(sample: Sample, genhen: Content, reco: str) -> None:
    content = Content(sample(GENHEN), ReadOptions(reco=reco))
    rows = genhen.table(f"/reco/{reco}")
    shown = np.zeros(10, dtype=bool)
    shown[rows["group_id"]] = True
    assert (content.column("reco") == np.where(shown, reco.encode(), b"none")).all()
    np.testing.assert_array_equal(content.column("quality")[shown], rows["lik"])
    assert np.isnan(content.column("quality")[~shown]).all()
    assert content.paths() == genhen.paths(), "the other fits stay in the product"


def test_no_fit_at_all_can_be_chosen(sample: Sample) -> None:
    content = Content(sample(GENHEN), ReadOptions(reco="none"))
    assert set(content.column("reco").tolist()) == {b"none"}
    assert np.isnan(content.column("zenith")).all()


def test_unknown_fit_is_refused_with_the_known_ones(sample: Sample) -> None:
    with pytest.raises(InputError) as caught:
        OfflineRootReader().open(sample(GENHEN), ReadOptions(reco="aafit"))
    assert "aafit" in str(caught.value)
    assert caught.value.found == "jgandalf, jprefit, jsimplex, rec_type_101"


def test_a_fit_in_a_file_without_any_is_refused(sample: Sample) -> None:
    with pytest.raises(InputError, match="no fits at all"):
        OfflineRootReader().open(sample("offline/muon_cc_events.root"), ReadOptions(reco="jgandalf"))


def test_a_file_without_events_has_no_wrong_fit(sample: Sample) -> None:
    assert Content(sample("offline/empty_events.root"), ReadOptions(reco="jgandalf")).n_events == 0


# --- identity and time -------------------------------------------------------------------------------------


def test_times_of_data_include_the_track(sample: Sample) -> None:
    content = content_of(sample("offline/km3net_offline.root"))
    sources = lists(sample("offline/km3net_offline.root"), "t/t.fSec", "t/t.fNanoSec")
    for event, (seconds, nanoseconds) in enumerate(sources):
        total = seconds * 10**9 + nanoseconds + math.floor(shown_times(content)[event])
        assert content.column("timestamp")[event] == total // 10**9
        assert content.column("nanoseconds")[event] == total % 10**9
    assert content.column("source_t_sec").tolist() == [source[0] for source in sources]


def test_placeholder_times_are_missing(genhen: Content) -> None:
    assert (genhen.column("source_t_sec") > 100).all()
    assert (genhen.column("timestamp") == -1).all()
    assert (genhen.column("nanoseconds") == -1).all()
    assert any(row.field.startswith("t: placeholder") and row.count == 10 for row in genhen.coverage)


def test_uninitialised_numbers_are_missing(sample: Sample) -> None:
    content = content_of(sample("offline/mcv6.gsg_nue-CCHEDIS_1e4-1e6GeV.sirene.jte.jchain.aanet.1.root"))
    assert content.column("mc_id").tolist() == [-1] + [0] * 30
    assert content.column("timestamp")[0] == -1, "seconds 429496728 and negative nanoseconds"
    assert any("1 values of mc_id are missing" in warning for warning in content.warnings)


def test_events_straight_from_a_generator(sample: Sample) -> None:
    content = content_of(sample("gseagen/gseagen_v7.0.0_numuCC_diffuse.aa.root"))
    assert set(content.column("run_id").tolist()) == {100000000}, "as start_run in the generator's own file"
    for name in ("frame_index", "trigger_counter", "trigger_mask", "det_id", "overlays"):
        assert set(content.column(name).tolist()) == {-1}


def test_zeros_of_triggered_events_stay(sample: Sample) -> None:
    content = content_of(sample("offline/usr-sample.root"))
    assert content.column("trigger_counter").tolist() == [0, 0, 0]
    assert content.column("run_id").tolist() == [7289] * 3


def test_fields_of_simulations_are_left_out_of_data(sample: Sample) -> None:
    content = content_of(sample("offline/usr-sample.root"))
    assert not content.has("mc_id")
    assert not content.has("mc_time"), "6.9e-310 there"
    assert not content.has("mc_energy")
    assert content.paths() == {"/reco/rec_type_3", "/reco/usr"}


def test_weights(sample: Sample) -> None:
    content = content_of(sample("offline/multiHead.root"))
    expected = [weights for (weights,) in lists(sample("offline/multiHead.root"), "w")]
    assert {len(weights) for weights in expected} == {4}
    for number in range(4):
        found = content.column(f"weight_w{number + 1}")
        np.testing.assert_array_equal(found, [weights[number] for weights in expected])
    info = content_of(sample(DUSJ_LIKE)).table("/mc_info")
    expected = [weights for (weights,) in lists(sample(DUSJ_LIKE), "w")]
    np.testing.assert_array_equal(info["w_05"], [weights[5] for weights in expected])


# --- simulation --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "is_cc"), [(GENHEN, {0}), ("offline/numucc.root", {1}), (MANY_TRACKS, {1}), (PROPA, {-1})]
)
def test_interaction_type(sample: Sample, name: str, is_cc: set[int]) -> None:
    assert set(content_of(sample(name)).column("mc_is_cc").tolist()) == is_cc


def test_neutral_currents_by_the_list_of_weights(sample: Sample) -> None:
    content = content_of(sample(MERGED))
    neutral = {0 if weights[10] == 3 else 1 for (weights,) in lists(sample(MERGED), "w2list")}
    assert set(content.column("mc_is_cc").tolist()) == neutral


def test_bjorken_y_of_named_and_of_listed_values(sample: Sample, genhen: Content) -> None:
    named = [values[0][1] for (values,) in lists(sample(GENHEN), "mc_trks/mc_trks.usr")]
    np.testing.assert_array_equal(genhen.column("mc_bjorken_y"), named)
    name = "gseagen/gseagen_v7.0.0_numuCC_diffuse.aa.root"
    content = content_of(sample(name))
    listed = [weights for (weights,) in lists(sample(name), "w2list")]
    np.testing.assert_array_equal(content.column("mc_bjorken_y"), [weights[8] for weights in listed])
    tracks = content.table("/mc_tracks")
    neutrino = np.isfinite(tracks["by"])
    assert neutrino.sum() == 82
    assert set(tracks["pdgid"][neutrino].tolist()) == {14}, "only the neutrino has it"
    assert set(tracks["ichan"][~neutrino].tolist()) == {-1}


def test_without_a_known_generator_the_list_of_weights_stays_unexplained(sample: Sample) -> None:
    content = content_of(sample("offline/muon_cc_events.root"))
    assert content.facts.generator == ""
    assert np.isnan(content.column("mc_bjorken_y")).all()
    assert np.isfinite(content.table("/mc_info")["w2list_08"]).all()


def test_corsika_codes_of_old_corant(sample: Sample) -> None:
    tracks = content_of(sample(PROPA)).table("/mc_tracks")
    primary = tracks["comment"] == b"track_primary:"
    assert primary.sum() == 3
    assert set(tracks["source_code"][primary].tolist()) == {14}, "CORSIKA's proton, not a muon neutrino"
    assert set(tracks["pdgid"][primary].tolist()) == {2212}
    assert set(np.abs(tracks["pdgid"][~primary]).tolist()) == {13}
    assert set(content_of(sample(PROPA)).column("mc_pdgid").tolist()) == {2212}


def test_bundles_show_their_most_energetic_muon(sample: Sample) -> None:
    content = content_of(sample(MUPAGE))
    for event, (codes, energies) in enumerate(lists(sample(MUPAGE), "mc_trks/mc_trks.type", "mc_trks/mc_trks.E")):
        assert codes[0] == 81
        highest = max(energy for code, energy in zip(codes, energies, strict=True) if abs(code) == 13)
        assert content.column("mc_energy")[event] == highest
        assert abs(content.column("mc_pdgid")[event]) == 13


def test_named_values_of_tracks(sample: Sample) -> None:
    tracks = content_of(sample("offline/muon_cc_events.root")).table("/mc_tracks")
    lost = [
        dict(zip(names, values, strict=False)).get("energy_lost_in_can", math.nan)
        for event in lists(sample("offline/muon_cc_events.root"), "mc_trks/mc_trks.usr_names", "mc_trks/mc_trks.usr")
        for names, values in zip(*event, strict=True)
    ]
    np.testing.assert_array_equal(tracks["energy_lost_in_can"], lost)
    assert np.isfinite(lost).sum() == 1016


def test_headers_of_merged_events_are_found_by_their_identifier(sample: Sample) -> None:
    content = content_of(sample("offline/multiHead.root"))
    known = {" ".join(line.values) for line in content.header if line.parameter.endswith(".UUID")}
    assert len(known) == 17
    assert {text.decode() for text in content.table("/mc_info")["header_uuid"].tolist()} <= known
    assert set(content_of(sample("offline/muon_cc_events.root")).table("/mc_info")["header_uuid"]) == {b""}


def test_hits_are_counted(sample: Sample) -> None:
    info = content_of(sample("offline/numucc.root")).table("/mc_info")
    counted = lists(sample("offline/numucc.root"), "hits/hits.id", "mc_hits/mc_hits.id")
    assert info["n_hit_lines"].tolist() == [len(event[0]) for event in counted]
    assert info["n_mc_hits"].tolist() == [len(event[1]) for event in counted]


def test_values_that_authors_attached_to_events(sample: Sample) -> None:
    rows = content_of(sample("offline/usr-sample.root")).table("/reco/usr")
    assert rows["RecoNDF"].tolist() == [37, 37, 37] or rows["RecoNDF"][0] == 37
    expected = lists(sample("offline/usr-sample.root"), "AAObject/usr_names", "AAObject/usr")
    for row, (names, values) in zip(rows, expected, strict=True):
        assert {name: row[name] for name in names} == dict(zip(names, values, strict=True))


# --- header ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (GENHEN, HeaderLine("physics", ("GENHEN", "7.2-220514", "181206", "2015"))),
        ("offline/km3net_offline.root", HeaderLine("DAQ", ("21584.6",))),
        ("offline/multiHead.root", HeaderLine("start_run", ("101",))),
        ("offline/multiHead.root", HeaderLine("MultiHead.16.start_run", ("100",))),
        (MERGED, HeaderLine("MultiHead.25.primary", ("16",))),
        (MUPAGE, HeaderLine("physics_1", ("MUPAGE", "MUSIC", "seawater", "02.03"))),
        ("dst/orca6_sample.root", HeaderLine("headerTree.0.livetime_s", ("21593.2",))),
        ("dst/orca6_sample.root", HeaderLine("headerTree.0.start_run", ("0",))),
        ("offline/numucc.root", HeaderLine("META/JMeta", ("JConvertEvt",))),
        (PROPA, HeaderLine("det_geo", ())),
    ],
)
def test_header_lines(sample: Sample, name: str, line: HeaderLine) -> None:
    assert line in content_of(sample(name)).header


@pytest.mark.parametrize(
    ("name", "generator"),
    [
        (GENHEN, "GENHEN 7.2-220514 + JSirene 11012"),
        (MUPAGE, "MUPAGE v5.1.1 + JSirene 17.2.0"),
        ("offline/multiHead.root", "GENIE 3.0.2 + gSeaGen v7.2.0"),
        (PROPA, "CORSIKA 7.640 + Corant 4.2.Unve + propa 9310 + JSirene 11510"),
        ("dst/orca4_sample.root", ""),
    ],
)
def test_generator(sample: Sample, name: str, generator: str) -> None:
    assert content_of(sample(name)).facts.generator == generator


def test_header_that_names_antares(sample: Sample, tmp_path: Path) -> None:
    whole = sample("offline/km3net_offline.root").read_bytes()
    assert whole.count(b"\x03DAQ\x08 21584.6") == 1
    path = tmp_path / "antares.root"
    path.write_bytes(whole.replace(b"\x03DAQ\x08 21584.6", b"\x03det\x08 ANTARES"))
    content = Content(path)
    assert content.facts.detector == "antares"
    assert content.header == (HeaderLine("det", ("ANTARES",)),)
    events, _, _ = complete(content.batches[0], content.facts)
    assert np.isfinite(events.array["ra"]).all(), "real data of a known detector, with times and directions"
    unknown, _, _ = complete(content.batches[0], content_of(sample("offline/km3net_offline.root")).facts)
    assert np.isnan(unknown.array["ra"]).all()


# --- coverage ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_is_lost_silently(sample: Sample, name: str) -> None:
    content = content_of(sample(name))
    fields = Counter(row.field for row in content.coverage)
    assert max(fields.values()) == 1
    leaves = {branch.name for branch in evt(sample(name)).itervalues(recursive=True) if not branch.branches}
    assert leaves <= set(fields)
    with uproot.open({str(sample(name)): None}) as file:
        classes = file.classnames(recursive=True)
    objects = {key for key, kind in classes.items() if kind not in ("TDirectory", "TDirectoryFile")}
    assert objects - {"E;1"} <= set(fields)
    for row in content.coverage:
        assert row.destination or row.note, row
        assert row.count >= 0, row


def test_destinations_exist(sample: Sample) -> None:
    content = content_of(sample(MERGED))
    columns = {table.spec.path: set(table.spec.dtype.names or ()) for b in content.batches for table in b.tables}
    for row in content.coverage:
        path, _, column = row.destination.partition(", ")[0].partition(".")
        if path in columns and column and "*" not in column:
            assert column in columns[path], row


def test_counts_in_the_coverage(sample: Sample) -> None:
    content = content_of(sample("offline/numucc.root"))
    hits = sum(len(event) for (event,) in lists(sample("offline/numucc.root"), "hits/hits.id"))
    assert content.count("hits") == content.count("hits.tot") == hits
    assert content.count("trks.error_matrix") == 407
    assert content.count("det_id") == 10
    assert content.count("KM3NET_EVENT;1") == 0
    assert content.count("Head;1") == 34


# --- batches -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [GENHEN, MERGED, MUPAGE, "offline/usr-sample.root", "dst/orca4_sample.root"])
def test_small_batches_give_the_same(sample: Sample, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Content(sample(name))
    monkeypatch.setattr(branches, "_BATCH_BYTES", max(1, sample(name).stat().st_size // 7))
    monkeypatch.setattr(branches, "_MAX_BATCH", max(1, whole.n_events // 5))
    parts = Content(sample(name))
    assert len(parts.batches) >= 3
    assert [batch.first for batch in parts.batches[1:]] == list(np.cumsum([b.n_events for b in parts.batches])[:-1])
    for column in whole.batches[0].events:
        np.testing.assert_array_equal(parts.column(column), whole.column(column))
    assert parts.paths() == whole.paths()
    for path in whole.paths():
        assert parts.table(path).tobytes() == whole.table(path).tobytes()
    assert parts.coverage == whole.coverage


def test_tables_are_the_same_in_every_batch(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(branches, "_MAX_BATCH", 3)
    seen: dict[str, Any] = {}
    for batch in Content(sample(GENHEN)).batches:
        for table in batch.tables:
            assert seen.setdefault(table.spec.path, table.spec) == table.spec
            assert (np.diff(table.array["group_id"]) >= 0).all()


def test_ranges_follow_the_size(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(branches, "_BATCH_BYTES", 1 << 20)
    content = Content(sample(MANY_TRACKS))
    stored = sum(evt(sample(MANY_TRACKS))[f"trks/trks.{name}"].uncompressed_bytes for name in ("E", "lik", "fitinf"))
    assert len(content.batches) > stored >> 20
    assert max(batch.n_events for batch in content.batches) < 40
    assert content.n_events == 307


# --- damage ------------------------------------------------------------------------------------------------


def read_all(path: Path) -> int:
    content = Content(path)
    return content.n_events + len(content.coverage)


@pytest.mark.parametrize("part", [0.02, 0.5, 0.99])
def test_cut_files_are_refused(sample: Sample, tmp_path: Path, part: float) -> None:
    whole = sample("offline/numucc.root").read_bytes()
    path = tmp_path / "cut.root"
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(CorruptInputError, match="cut off"):
        read_all(path)


def test_damaged_baskets_name_the_branch(sample: Sample, tmp_path: Path) -> None:
    source = sample("offline/numucc.root")
    branch = evt(source)["trks/trks.rec_stages"]
    start = int(branch.member("fBasketSeek")[0])
    data = bytearray(source.read_bytes())
    data[start + 120 : start + 160] = bytes(40)
    path = tmp_path / "damaged.root"
    path.write_bytes(data)
    with pytest.raises(CorruptInputError, match=r"trks\.rec_stages"):
        read_all(path)


@pytest.mark.parametrize(
    "name", ["online/events_sample.root", "gseagen/gseagen.root", "gibuu/EventOutput.Pert.00000001.root"]
)
def test_other_root_files_are_not_taken(sample: Sample, name: str) -> None:
    path = sample(name)
    assert not OfflineRootReader().sniff(path.read_bytes()[:1000], path)


@pytest.mark.parametrize(
    "name", ["gseagen/gseagen.root", "calib/KM3NeT_00000133_D_1.0.0_00017397_00017496_1.orientations.root"]
)
def test_other_root_files_are_refused(sample: Sample, name: str) -> None:
    with pytest.raises(CorruptInputError, match="not an offline file"):
        read_all(sample(name))


def test_text_is_not_taken(tmp_path: Path) -> None:
    assert not OfflineRootReader().sniff(b"start_run: 1\n", tmp_path / "no.root")


@pytest.mark.parametrize("seed", range(30))
def test_random_damage_never_crashes(sample: Sample, tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    data = bytearray(sample(dice.choice(["offline/multiHead.root", "offline/usr-sample.root"])).read_bytes())
    for _ in range(dice.choice([1, 1, 3, 30])):
        place = dice.randrange(4, len(data))
        data[place] = dice.randrange(256)
    path = tmp_path / "mutated.root"
    path.write_bytes(data)
    try:
        read_all(path)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017  it may be read or be refused, but nothing else
