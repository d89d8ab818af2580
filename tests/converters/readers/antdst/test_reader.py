"""AntDST files, with files made up by `antdst_file`: see there for what such files cannot prove.

That branches of objects which ROOT itself has split are found and read is tested on a file of KM3NeT with a mapping
for its classes.
"""

import json
import runpy
import shutil
from functools import cache
from pathlib import Path

import h5py
import numpy as np
import pytest
import uproot
import yaml

from converters.detect import RECOGNISED, detect
from converters.readers.antdst.mapping import OWN_MAPPING, choose
from converters.readers.antdst.members import class_members, contents, leaves
from converters.readers.antdst.reader import AntDstReader
from converters.readers.rootfile import open_root
from converters.request import Request
from converters.reread.antdst import reread
from converters.source import ReadOptions
from legacy.errors import CorruptInputError, InputError, NotConvertibleError

TESTS = Path(__file__).parent.parent.parent
made = runpy.run_path(str(TESTS / "readers" / "antdst_file.py"))
assert_agreement = runpy.run_path(str(TESTS / "reread" / "table_agreement.py"))["assert_agreement"]

N = 30
CODES = {name: number * 2 + 1 for number, name in enumerate(made["FITS"].values())}
KM3NET = "offline/numucc.root"


def read(path, **options):
    """Return all columns of /events, the other tables by path, and the closed file."""
    with AntDstReader().open(path, ReadOptions(**options)) as file:
        batches = list(file.batches())
        events = {name: np.concatenate([batch.events[name] for batch in batches]) for name in batches[0].events}
        tables = {
            table.spec.path: np.concatenate([batch.tables[n].array for batch in batches])
            for n, table in enumerate(batches[0].tables)
        }
        return events, tables, file


def coverage(file):
    return {row.field: row for row in file.coverage()}


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory):
    """Write each plain variant once: a tree of 98 branches takes its time."""

    @cache
    def write(kind, n_events):
        branches = made["arrays"](kind, n_events)
        return made["write"](tmp_path_factory.mktemp("antdst") / "antdst.root", branches), branches

    return write


@pytest.fixture
def make(tmp_path, unchanged):
    """Write a tree; keyword arguments replace branches, None drops one."""

    def write(kind="mc", n_events=N, **changes):
        path, branches = unchanged(kind, n_events)
        if not changes:
            return Path(shutil.copy(path, tmp_path)), branches
        branches = branches | changes
        branches = {name: values for name, values in branches.items() if values is not None}
        return made["write"](tmp_path / "antdst.root", branches), branches

    return write


@pytest.fixture
def mapping(tmp_path):
    """Return a function that writes a mapping: the program's own with other keys."""

    def write(**changes):
        content = yaml.safe_load(OWN_MAPPING.read_text()) | changes
        path = tmp_path / "site.yaml"
        path.write_text(yaml.safe_dump(content))
        return choose(path)

    return write


def test_events(make):
    path, branches = make()
    events, tables, file = read(path)
    assert detect(path).format == "antdst"
    assert (file.facts.kind, file.facts.detector, file.facts.default_reco) == ("mc", "antares", "aafit")
    assert any("no real file" in remark for remark in file.facts.remarks)
    assert any("no real file" in warning for warning in file.warnings())
    for column, member in (
        ("run_id", "fRunId"),
        ("source_event_id", "fEventId"),
        ("trigger_counter", "fTriggerCounter"),
        ("frame_index", "fFrameIndex"),
        ("timestamp", "fEventTime.fSec"),
        ("nanoseconds", "fEventTime.fNanoSec"),
        ("mc_energy", "fMCEvent.fPrimaryParticle.fEnergy"),
        ("mc_pdgid", "fMCEvent.fPrimaryParticle.fParticleType"),
        ("weight_w3", "fMCEvent.fWeight_W3"),
    ):
        np.testing.assert_array_equal(events[column], branches[f"AntDST.{member}"])
    assert tables["/mc_info"]["ngen"].tolist() == [1e7] * N
    assert not {"zenith", "azimuth", "mjd", "mc_zenith"} & set(events)


def test_fits(make):
    path, branches = make()
    events, tables, _ = read(path, reco="dusj")
    for front, name in made["FITS"].items():
        there = branches[f"AntDST.{front}.fRecQuality"] != 0
        rows = tables[f"/reco/{name}"]
        assert rows["group_id"].tolist() == np.flatnonzero(there).tolist()
        assert 0 < len(rows) < N
        assert len(rows.dtype.names) == made["N_FIT_MEMBERS"] + 1
        for column, member in (("quality", "fRecQuality"), ("zenith", "fRecParticle.fZenith")):
            np.testing.assert_array_equal(rows[column], branches[f"AntDST.{front}.{member}"][there])
    front, there = "AntDST.fShowerDusjFit.", branches["AntDST.fShowerDusjFit.fRecQuality"] != 0
    assert events["reco"].tolist() == [b"dusj" if flag else b"none" for flag in there]
    angle = np.degrees(branches[f"{front}fRecParticle.fAngularError"][there])
    np.testing.assert_allclose(events["angular_error"][there], angle, rtol=1e-15)
    np.testing.assert_array_equal(events["n_hits"][there], branches[f"{front}fRecParticle.fNUsedHits"][there])
    assert (events["n_hits"][~there] == -1).all()


def test_real_data_have_no_truth(make):
    path, _ = make("data")
    events, tables, file = read(path)
    assert file.facts.kind == "data"
    assert "/mc_info" not in tables
    assert not {"mc_energy", "weight_w2"} & set(events)
    assert "real data" in coverage(file)["AntDST.fMCEvent.fWeight_W2"].note


@pytest.mark.parametrize(("convention", "sign"), [("source", 1), ("flight", -1)])
def test_angles_with_a_convention(make, mapping, convention, sign):
    path, branches = make()
    expected = sign * np.cos(branches["AntDST.fMCEvent.fPrimaryParticle.fZenith"])
    for options in ({"zenith": convention}, {"antdst_mapping": mapping(zenith=convention)}):
        events, _, file = read(path, **options)
        there = branches["AntDST.fAAFit.fRecQuality"] != 0
        zenith = branches["AntDST.fAAFit.fRecParticle.fZenith"][there]
        np.testing.assert_allclose(np.cos(events["zenith"][there]), sign * np.cos(zenith), atol=1e-14)
        np.testing.assert_allclose(np.cos(events["mc_zenith"]), expected, atol=1e-14)
        assert any(convention in remark for remark in file.facts.remarks)


@pytest.mark.parametrize(
    ("unit", "scale", "doubt"),
    [("rad", 1.0, ""), ("rad", 180 / np.pi, "are they degrees?"), ("deg", 1.0, "are they radians?"), ("deg", 57.3, "")],
)
def test_angles_that_are_hardly_in_the_unit_of_the_mapping(tmp_path, mapping, unit, scale, doubt):
    columns = yaml.safe_load(OWN_MAPPING.read_text())["fit_columns"]
    for name in ("zenith", "azimuth"):
        columns[name]["unit"] = unit
    site = mapping(fit_columns=columns)
    branches = {
        "AntDST.fRunId": np.full(20, 7),
        "AntDST.fEventId": np.arange(20),
        "AntDST.fAAFit.fZenith": np.linspace(0.1, 3, 20) * scale,
        "AntDST.fAAFit.fAzimuth": np.linspace(0.1, 6.2, 20) * scale,
    }
    path = made["write"](tmp_path / "x.root", branches)
    _, _, file = read(path, antdst_mapping=site, zenith="source")
    said = [text for text in file.warnings() if "are they" in text]
    assert len(said) == bool(doubt)
    assert all(doubt in text and "/reco/aafit" in text for text in said)


def test_every_branch_is_accounted_for(make):
    path, branches = make(
        **{"AntDST.fNothing": np.zeros(N), "AntDST.fMatrix": np.zeros((N, 3)), "AntDST.fSecond.fRunId": np.zeros(N)}
    )
    _, _, file = read(path)
    rows = coverage(file)
    assert set(branches) <= set(rows)
    assert rows["AntDST.fRunId"].destination == "/events.run_id"
    assert rows["AntDST.fRunId"].count == N
    assert (rows["AntDST.fNothing"].destination, rows["AntDST.fNothing"].note) == (
        "",
        "type double: no rule of the mapping takes it",
    )
    assert rows["AntDST.fMatrix"].note.startswith("type double[3]: not numbers: not decoded")
    assert rows["AntDST.fSecond.fRunId"].destination == ""
    assert "in /events only with --zenith" in rows["AntDST.fAAFit.fRecParticle.fZenith"].note
    assert rows["AntDST.fMJD"].note.endswith("the time comes from another member")


def test_mjd_where_there_is_no_other_time(make):
    mjd = np.where(np.arange(N) == 2, 0.0, 56000.5)
    path, _ = make(**{"AntDST.fEventTime.fSec": None, "AntDST.fMJD": mjd})
    events, _, file = read(path)
    assert "nanoseconds" not in events
    np.testing.assert_array_equal(events["mjd"], np.where(np.arange(N) == 2, np.nan, 56000.5))
    assert "1 are no times" in coverage(file)["AntDST.fMJD"].note


def test_times_that_cannot_be_are_missing_and_no_date_of_1970(make):
    """A TTimeStamp that nobody filled is 0."""
    seconds = np.array([0, 1_330_000_000, -5, 2**31 - 1, 1_330_000_000, 1], dtype=np.int32)
    parts = np.array([0, 999_999_999, 2, -1, 1_000_000_000, 5], dtype=np.int32)
    changes = {"AntDST.fEventTime.fSec": seconds, "AntDST.fEventTime.fNanoSec": parts}
    branches = {name: values[:6] for name, values in made["arrays"]("data", N).items()} | changes
    path = made["write"](make()[0].with_name("times.root"), branches)
    events, _, file = read(path)
    assert events["timestamp"].tolist() == [-1, 1_330_000_000, -1, -1, -1, -1]
    assert events["nanoseconds"].tolist() == [-1, 999_999_999, -1, -1, -1, -1]
    assert "5 are no times: missing" in coverage(file)["AntDST.fEventTime.fSec"].note
    assert any("5 values of AntDST.fEventTime.fSec are impossible" in text for text in file.warnings())
    assert assert_agreement(AntDstReader(), reread, path, ReadOptions(zenith="source")) > 0


def test_a_tree_without_events_does_not_hide_one_with_events(tmp_path):
    path = tmp_path / "x.root"
    with uproot.recreate(path) as file:
        file.mktree("AntA", {"RunId": "i4", "EventId": "i4", "MJD": "f8"})
        file.mktree("AntB", {"RunId": "i4", "EventId": "i4"})
        file["AntB"].extend({name: np.arange(3, dtype="i4") for name in ("RunId", "EventId")})
    events, _, opened = read(path)
    assert events["source_event_id"].tolist() == [0, 1, 2]
    assert not any("only the tree" in text for text in opened.warnings())
    assert assert_agreement(AntDstReader(), reread, path, ReadOptions()) > 0


def test_events_in_several_trees_are_said(tmp_path):
    path = tmp_path / "x.root"
    with uproot.recreate(path) as file:
        for tree in ("AntA", "AntB"):
            file.mktree(tree, {"RunId": "i4", "EventId": "i4"})
            file[tree].extend({name: np.arange(3, dtype="i4") for name in ("RunId", "EventId")})
    _, _, opened = read(path)
    assert any("AntB has numbers of runs or events too, in 3 entries" in text for text in opened.warnings())


def test_the_highest_cycle_of_a_tree_is_read(tmp_path):
    path = tmp_path / "x.root"
    with uproot.recreate(path) as file:
        for numbers in ([1], [5, 6]):
            file.mktree("AntA", {"RunId": "i4", "EventId": "i4"})
            file["AntA"].extend({name: np.array(numbers, dtype="i4") for name in ("RunId", "EventId")})
    events, _, _ = read(path)
    assert events["run_id"].tolist() == [5, 6]
    assert assert_agreement(AntDstReader(), reread, path, ReadOptions()) > 0


def test_two_members_that_one_rule_could_mean_are_said(tmp_path):
    branches = {"AntEventInfo.fRunId": np.full(2, 5), "AntDST.fRunId": np.full(2, 7), "AntDST.fEventId": np.arange(2)}
    events, _, file = read(made["write"](tmp_path / "x.root", branches))
    assert events["run_id"].tolist() == [5, 5]
    assert any("AntEventInfo.fRunId and AntDST.fRunId could both be meant" in text for text in file.warnings())


@pytest.mark.parametrize("code", [0, -1, -999, -9999])
def test_a_code_for_no_particle_makes_no_simulation(make, code):
    codes = np.full(N, code, dtype=np.int32)
    path, _ = make("data", **{"AntDST.fMCEvent.fPrimaryParticle.fParticleType": codes})
    events, tables, file = read(path)
    assert file.facts.kind == "data"
    assert "mc_pdgid" not in events
    assert "/mc_info" not in tables
    assert assert_agreement(AntDstReader(), reread, path, ReadOptions()) > 0


def test_other_spellings(tmp_path):
    branches = {
        "m_run_id": np.full(N, 5, dtype=np.int32),
        "EVENTID": np.arange(N),
        "Strategy.AAFit.Muon.Zenith_": np.full(N, 0.5),
    }
    events, tables, _ = read(made["write"](tmp_path / "x.root", branches, tree="AntDSTTree"))
    assert events["run_id"].tolist() == [5] * N
    assert tables["/reco/aafit"]["zenith"].tolist() == [0.5] * N


def test_the_richest_tree_is_read(tmp_path):
    path = tmp_path / "x.root"
    with uproot.recreate(path) as file:
        file.mktree("AntA", {"RunId": "i4"})
        file["AntA"].extend({"RunId": np.arange(50, dtype="i4")})
        file.mktree("AntB", {"RunId": "i4", "EventId": "i4"})
        file["AntB"].extend({name: np.arange(3, dtype="i4") for name in ("RunId", "EventId")})
    events, _, opened = read(path)
    assert events["source_event_id"].tolist() == [0, 1, 2]
    assert (coverage(opened)["tree AntA"].count, coverage(opened)["tree AntA"].note) == (50, "another tree: not read")


def test_one_required_member_is_enough_but_said(make):
    path, _ = make(**{"AntDST.fEventId": None})
    _, _, file = read(path)
    assert any("no member for source_event_id" in text for text in file.warnings())


def test_fits_in_a_list(tmp_path, mapping):
    branches = made["arrays"]("mc", N)
    path = made["write"](tmp_path / "x.root", made["listed"](branches, CODES))
    events, tables, file = read(path)
    assert not [name for name in tables if name.startswith("/reco/")], "the numbers of the fits are not public"
    assert coverage(file)["AntDST.fStrategies.fRecQuality"].destination == ""
    site = mapping(fit_list={"objects": ["Strategies"], "key": ["Type"], "codes": CODES})
    single = read(made["write"](tmp_path / "y.root", branches))
    events, tables, file = read(path, antdst_mapping=site)
    assert set(tables) == set(single[1])
    for name, rows in single[1].items():
        for column in rows.dtype.names:
            np.testing.assert_array_equal(tables[name][column], rows[column])
    np.testing.assert_array_equal(events["quality"], single[0]["quality"])
    assert coverage(file)["AntDST.fStrategies.fType"].note == "tells the fits in the list apart"
    assert assert_agreement(AntDstReader(), reread, path, ReadOptions(antdst_mapping=site, zenith="flight")) > N * 30


def test_repeated_elements_of_a_list(tmp_path, mapping):
    import awkward as ak

    branches = {
        "AntDST.fRunId": np.full(2, 7, dtype=np.int32),
        "AntDST.fStrategies.fRecQuality": ak.Array([[1.0, 2.0, 3.0], [4.0]]),
        "AntDST.fStrategies.fType": ak.values_astype(ak.Array([[3, 1, 1], [3]]), np.int32),
    }
    path = made["write"](tmp_path / "x.root", branches)
    site = mapping(fit_list={"objects": ["Strategies"], "key": ["Type"], "codes": {"aafit": 1}})
    _, tables, file = read(path, antdst_mapping=site)
    assert tables["/reco/aafit"][["group_id", "quality"]].tolist() == [(0, 2.0)]
    assert coverage(file)["(left out) /reco/aafit, repeated"].count == 1
    branches["AntDST.fStrategies.fRecQuality"] = ak.Array([[1.0, 2.0], [4.0]])
    path = made["write"](tmp_path / "y.root", branches)
    with pytest.raises(CorruptInputError, match="different lengths"):
        read(path, antdst_mapping=site)


@pytest.mark.parametrize(("kind", "zenith"), [("mc", "flight"), ("mc", "source"), ("data", "source"), ("data", None)])
def test_both_readers_agree(tmp_path, kind, zenith):
    branches = made["arrays"](kind, N)
    odd = np.arange(N) % 4 == 1
    changes = {
        "AntDST.fAAFit.fRecParticle.fZenith": np.where(odd, 9.0, 1.0),
        "AntDST.fAAFit.fRecParticle.fAngularError": np.where(odd, -1.0, 0.1),
        "AntDST.fAAFit.fRecParticle.fEnergy": np.where(odd, np.nan, 5.0),
        "AntDST.fFrameIndex": np.where(odd, 2.5, 7.0),
        "AntDST.fEventId": np.full(N, 2**64 - 1, dtype=np.uint64),
        "AntDST.fRunId": np.where(odd, -5, 66730).astype(np.int32),
    }
    path = made["write"](tmp_path / "x.root", branches | changes)
    for reco in (None, "none") if kind == "mc" else ("tantra",):
        options = ReadOptions(zenith=zenith, reco=reco)
        assert assert_agreement(AntDstReader(), reread, path, options) > N * 80


# --- objects that ROOT has split, of other classes ---------------------------------------------------------

KM3NET_MAPPING = {
    "roots": ["Evt", "AAObject"],
    "zenith": "unknown",
    "event": {
        "run_id": {"members": ["run_id"]},
        "source_event_id": {"members": ["id"]},
        "trigger_counter": {"members": ["trigger_counter"]},
        "timestamp": {"members": ["t.Sec"], "unit": "s"},
        "nanoseconds": {"members": ["t.NanoSec"], "unit": "ns"},
    },
    "fit_list": {"objects": ["trks"], "key": ["rec_type"], "codes": {"jpp": 4000}},
    "fit_columns": {
        "quality": {"members": ["lik"]},
        "pos_x": {"members": ["pos.x"], "unit": "m"},
        "energy": {"members": ["E"], "unit": "GeV"},
    },
}


def test_split_objects_of_km3net(sample, mapping):
    path = sample(KM3NET)
    site = mapping(**KM3NET_MAPPING, truth={}, fits={}, particles=[])
    events, tables, file = read(path, antdst_mapping=site)
    with uproot.open(path) as root:
        tree = root["E"]
        rec_type, lik = (tree[f"Evt/trks/trks.{name}"].array(library="np") for name in ("rec_type", "lik"))
        first = [values[list(types).index(4000)] for types, values in zip(rec_type, lik, strict=True) if 4000 in types]
        assert events["trigger_counter"].tolist() == tree["Evt/trigger_counter"].array(library="np").tolist()
        times = tree["Evt/t/t.fSec"].array(library="np")
    assert max(times) < 1000, "those of this simulation are none: they count from 1970"
    assert (events["timestamp"] == -1).all()
    assert tables["/reco/jpp"]["quality"].tolist() == first
    assert len(first) > 5
    rows = coverage(file)
    assert rows["Evt/trks/trks.lik"].destination == "/reco/*.quality"
    assert rows["Evt/t/t.fSec"].destination == "/events.timestamp"
    assert f"{len(times)} are no times" in rows["Evt/t/t.fSec"].note
    assert "not decoded" in rows["Evt/trks/trks.fitinf"].note
    assert "no rule" in rows["Evt/hits/hits.tdc"].note
    assert assert_agreement(AntDstReader(), reread, path, ReadOptions(antdst_mapping=site)) > 100


def test_members_of_classes(sample):
    found = class_members(sample(KM3NET))
    assert found["class Evt, version 9"].startswith("AAObject BASE; id int; det_id int")
    assert "t TTimeStamp" in found["class Evt, version 9"]
    everything = contents(sample(KM3NET))
    assert everything["branch E/Evt/t/t.fSec"] == "int32_t: number"
    assert everything["branch E/Evt/trks/trks.lik"] == "double[]: list"
    with open_root(sample(KM3NET)) as root:
        paths = {leaf.path: leaf.words for leaf in leaves(root["E"])}
    assert paths["Evt/trks/trks.pos.x"] == ("evt", "trks", "pos", "x")
    assert paths["Evt/AAObject/TObject/fBits"] == ("evt", "aaobject", "tobject", "bits")


# --- files that cannot be read -----------------------------------------------------------------------------


def test_unknown_members(tmp_path, cli):
    path = made["write"](tmp_path / "x.root", {"AntDST.fBlob": np.zeros((4, 7)), "AntDST.fOther": np.zeros(4)})
    with pytest.raises(NotConvertibleError, match=r"antdst-extract") as caught:
        read(path)
    assert isinstance(caught.value, InputError)
    assert "seatray" in str(caught.value)
    ran = cli("inspect", path, "--json")
    assert ran.code == 0
    said = json.loads(ran.out)[0]
    assert (said["format"], said["convertible"]) == ("antdst", False)
    assert said["advice"] == RECOGNISED["antdst"].advice
    assert said["tables"]["branch AntData/AntDST.fBlob"].startswith("double[7]: not numbers")
    ran = cli("convert", path, "-o", tmp_path / "out")
    assert ran.code == 1
    assert "antdst-extract" in ran.err
    assert not list((tmp_path / "out").glob("*.h5"))


def test_file_without_a_tree(tmp_path):
    with uproot.recreate(tmp_path / "x.root") as file:
        file["AntHistogram"] = np.histogram([1.0, 2.0])
    with pytest.raises(NotConvertibleError, match="0 trees"):
        read(tmp_path / "x.root")


def test_unknown_fit(make):
    path, _ = make()
    with pytest.raises(InputError, match=r"no fit called aafitt.*did you mean 'aafit'"):
        read(path, reco="aafitt")


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_file_cut_off(make, part):
    path, _ = make()
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(CorruptInputError, match="cut off"):
        read(path)


def test_damaged_branch(make):
    path, _ = make(n_events=4000)
    with uproot.open(path) as file:
        place = int(file["AntData"]["AntDST.fMJD"].member("fBasketSeek")[0])
        other = int(file["AntData"]["AntDST.fAAFit.fRecQuality"].member("fBasketSeek")[0])
    for start in (place, other):
        data = bytearray(path.read_bytes())
        data[start + 90 : start + 400] = bytes(310)
        path.write_bytes(data)
    with pytest.raises(CorruptInputError, match="damaged ROOT file"):
        read(path)


@pytest.mark.parametrize("seed", range(6))
def test_flipped_bytes_give_a_clear_error_or_events(make, seed):
    path, _ = make(n_events=20)
    random = np.random.default_rng(seed)
    data = bytearray(path.read_bytes())
    for place in random.integers(100, len(data), 40):
        data[place] ^= 1 << int(random.integers(8))
    path.write_bytes(data)
    problem = ""
    try:
        events, _, file = read(path)
    except InputError as error:
        problem = str(error)
    assert "\n" not in problem
    assert problem or len(events["reco"]) == file.facts.n_events


def test_a_tree_that_claims_more_entries_than_it_has(make, monkeypatch):
    path, _ = make(n_events=5)
    whole = path.read_bytes()
    with uproot.open(path) as file:
        branch = file["AntData"]["AntDST.fRunId"]
        assert branch.num_entries == 5
    # The description of the tree is compressed, so its numbers cannot be changed in the file: they are here.
    monkeypatch.setattr(uproot.behaviors.TTree.TTree, "num_entries", property(lambda self: 1 << 60), raising=True)
    with pytest.raises(InputError):
        read(path)
    assert path.read_bytes() == whole


def test_empty_tree(make, cli, tmp_path):
    path, _ = make(n_events=0)
    with AntDstReader().open(path, ReadOptions()) as file:
        assert list(file.batches()) == []
        assert file.facts.kind == "data"
        assert file.coverage()
    assert cli("convert", path, "-o", tmp_path / "out").code == 0


def test_whole_line(cli, make, mapping, tmp_path, monkeypatch):
    path, _ = make("data")
    mapping(zenith="source")
    monkeypatch.chdir(tmp_path)
    assert cli("convert", path, "-o", "out", "--antdst-mapping", "site.yaml").code == 0
    product = tmp_path / "out" / "antdst.l3.h5"
    with h5py.File(product) as file:
        parameters = json.loads(file["provenance"]["parameters"][-1])
        assert parameters["antdst_mapping"]["file"] == "site.yaml"
        assert np.isfinite(file["events"]["ra"]).any()
        assert b"no real file" in file["header"]["description"][0]
    ran = cli("validate", product, "--source", path)
    assert ran.code == 0, ran.err
    assert f"of {N} events equal" in ran.out + ran.err
    assert cli("convert", path, "-o", "out", "--antdst-mapping", "site.yaml").code == 0
    (tmp_path / "site.yaml").write_text("roots: [changed]\n")
    ran = cli("validate", product, "--source", path)
    assert ran.code == 2
    assert "not the mapping that the product was made with" in ran.err
    assert cli("convert", path, "-o", "out", "--antdst-mapping", "site.yaml").code == 1
    assert cli("convert", path, "-o", "out", "--antdst-mapping", "none.yaml").code == 2


def test_a_mapping_that_lies_elsewhere(cli, make, mapping, tmp_path, monkeypatch):
    """The product has the bare name of the mapping: folders are those of the user's machine."""
    path, _ = make("data")
    mapping(zenith="source")
    place = tmp_path / "etc" / "site.yaml"
    place.parent.mkdir()
    (tmp_path / "site.yaml").rename(place)
    assert cli("convert", path, "-o", tmp_path / "out", "--antdst-mapping", place).code == 0
    product = tmp_path / "out" / "antdst.l3.h5"
    with h5py.File(product) as file:
        assert json.loads(file["provenance"]["parameters"][-1])["antdst_mapping"]["file"] == "site.yaml"
    assert str(tmp_path).encode() not in product.read_bytes()
    monkeypatch.chdir(place.parent)
    assert cli("convert", path, "-o", tmp_path / "out", "--antdst-mapping", "site.yaml").code == 0, "the same mapping"
    monkeypatch.chdir(tmp_path)
    ran = cli("validate", product, "--source", path)
    assert (ran.code, "site.yaml: no such file" in ran.err, "--antdst-mapping" in ran.err) == (2, True, True)
    assert cli("validate", product, "--source", path, "--antdst-mapping", place).code == 0
    assert cli("validate", product, "--source", path, "--antdst-mapping", OWN_MAPPING).code == 2
    assert cli("validate", product, "--antdst-mapping", place).code == 2
    assert cli("convert", path, "-o", "own").code == 0
    ran = cli("validate", "own/antdst.l3.h5", "--source", path, "--antdst-mapping", place)
    assert (ran.code, "without a mapping" in ran.err) == (2, True)


def test_a_product_names_no_mapping_in_another_folder():
    parameters = json.dumps({"antdst_mapping": {"file": "../site.yaml", "sha256": "0" * 64}})
    with pytest.raises(ValueError, match="bare name"):
        Request.read_options(parameters)


def test_inspect_with_a_mapping(cli, make, mapping, tmp_path):
    path, _ = make("data", **{"AntDST.fSecret": np.full(N, 3.0)})
    content = yaml.safe_load(OWN_MAPPING.read_text())
    content["fit_columns"]["secret"] = {"members": ["Secret"], "text": "A secret"}
    content["fits"]["own"] = ["AntDST"]
    content["roots"] = ["TObject"]
    content["event"] = {"run_id": {"members": ["AntDST.RunId"]}}
    site = tmp_path / "site.yaml"
    site.write_text(yaml.safe_dump(content))
    ran = cli("inspect", path, "--antdst-mapping", site, "--json")
    assert ran.code == 0, ran.err
    (said,) = json.loads(ran.out)
    assert said["tables"]["AntDST.fSecret"] == f"{N} -> /reco/own.secret"
    assert said["advice"].endswith(f"--antdst-mapping {site}")
    assert "no rule" in json.loads(cli("inspect", path, "--json").out)[0]["tables"]["AntDST.fSecret"]
    site.write_text("evnt: {}")
    ran = cli("inspect", path, "--antdst-mapping", site)
    assert ran.code == 1
    assert "did you mean 'event'" in ran.err
