"""What could become a wrong number without a word: names that collide, codes that mean something else, stale frames.

Every file is read by both readers, which must agree.
"""

import math
import runpy
from pathlib import Path

import pytest

HERE = Path(__file__).parent
build = runpy.run_path(str(HERE / "i3_builder.py"))
reading = runpy.run_path(str(HERE / "i3_reading.py"))
Read, write = reading["Read"], reading["write"]
frame, particle, double = build["frame"], build["particle"], build["double"]


def one_event(tmp_path, objects, version=6, **options):
    return Read(write(tmp_path / "x.i3", frame("P", objects, version)), **options)


def test_no_other_key_takes_the_name_of_a_fit_of_antares(tmp_path):
    objects = {"Aafit": particle(5, zenith=0.1), "AafitFinalFit": particle(5, zenith=0.9)}
    read = one_event(tmp_path, {**objects, "AafitLambdaFinalFit": double(-5.25)})
    assert read.column("reco") == [b"aafit"]
    assert read.column("zenith") == [0.9]
    assert read.tables["/reco/aafit"]["quality"].tolist() == [-5.25]
    assert read.tables["/reco/aafit_2"]["zenith"].tolist() == [0.1]
    assert "quality" not in read.tables["/reco/aafit_2"].dtype.names
    alone = one_event(tmp_path, {"Aafit": objects["Aafit"]})
    assert alone.column("reco") == [b"aafit_2"]
    assert not any("Lambda" in remark for remark in alone.facts.remarks)


@pytest.mark.parametrize(
    ("table", "data"),
    [
        ("/reco/unnamed", particle(5)),
        ("/mc_tracks", build["chunked_tree"]([("1", [{"code": 13}])])),
        ("/i3_triggers", build["triggers"]([(1, 1)])),
        ("/i3_hit_counts", build["series"]({(1, 1): [(1, 1.0)]})),
        ("/i3_scalars", double(1.5)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_object_with_an_empty_key_is_not_lost(tmp_path, table, data):
    read = one_event(tmp_path, {"": data})
    assert len(read.tables[table]) == 1


@pytest.mark.parametrize(
    ("version", "code", "pdg"),
    [
        *[(version, 41, -1) for version in (0, 1, 2)],  # RDMC: a monopole; GEANT3: a charmed baryon
        *[(2, code, -1) for code in (4, 10, 13, 25, 1001, 3001, 3027)],
        *[(2, 6, 13), (2, 14, 2212), (2, 34, 15), (2, 202, 14), (2, 3002, 1000020040), (2, 3026, 1000260560)],
        *[
            (3, 41, 4122),
            (4, 35, 411),
            (3, 10, 130),
            (4, 69, -14),
            (4, 5626, 1000260560),
            (4, -41, -1),
            (3, 201, 1000010020),
        ],
        *[(5, 14, 14), (5, 1000260560, 1000260560), (5, 0, -1)],
        # Hadrons, brems, monopole, Cherenkov photon: IceTray's own numbers, not the PDG's.
        *[(5, code, -1) for code in (-2000001006, -2000001001, -2000000041, 2000009900)],
    ],
)
def test_particle_types(tmp_path, version, code, pdg):
    read = one_event(tmp_path, {"MCThing": particle(version, code=code)})
    assert read.tables["/mc_tracks"][["pdgid", "source_code"]].tolist() == [(pdg, code)]
    assert read.column("mc_pdgid") == [pdg]


def test_hadrons_do_not_stand_for_a_particle(tmp_path):
    """A cascade of version 5: the loss of energy has no code that could be taken for that of a nucleus."""
    tree = build["chunked_tree"]([("1101", [{"code": 12}, {"code": 11}, {"code": -2000001006}])])
    read = one_event(tmp_path, {"I3MCTree": tree})
    assert read.tables["/mc_tracks"]["pdgid"].tolist() == [12, 11, -1]


def test_what_a_class_version_does_not_have_is_missing_and_not_0(tmp_path):
    objects = {
        "I3EventHeader": build["header"](1, 2, version=0),
        "X": particle(0),
        "MCOld": particle(0),
        "MCOne": particle(1),
        "T": build["triggers"]([(1, 1)], key_version=0),
    }
    read = one_event(tmp_path, objects)
    assert read.tables["/i3_header"][["subrun", "subevent", "state"]].tolist() == [(-1, -1, -1)]
    assert read.tables["/reco/x"]["location"].tolist() == [-1]
    assert read.tables["/mc_tracks"][["location", "major_id"]].tolist() == [(-1, b""), (20, b"")]
    assert read.tables["/i3_triggers"]["subtype"].tolist() == [-1]
    newer = one_event(tmp_path, {"I3EventHeader": build["header"](1, 2, version=2)})
    assert newer.tables["/i3_header"][["subrun", "subevent", "state"]].tolist() == [(3, -1, 20)]


def damaged(data, place, bit=1):
    return data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]


def of_run(event):
    return frame("Q", {"I3EventHeader": build["header"](7, event)}, 6)


def test_events_do_not_inherit_past_a_frame_whose_letter_is_damaged(tmp_path):
    """Q and P differ by one bit: the damaged second Q frame says that it is a P frame."""
    bad = damaged(of_run(2), 10)
    assert bad[10:11] == b"P"
    read = Read(
        write(tmp_path / "x.i3", *(part + frame("P", {}, 6) for part in (of_run(1), bad, of_run(3)))), salvage=True
    )
    assert read.tables["/i3_header"]["event"].tolist() == [1, 3]
    assert sum("was dropped" in text for text in read.warnings) == 2


def test_a_damaged_frame_does_not_change_which_stream_comes_first(tmp_path):
    """The last S frame is whole: its object still hides that of the Q frame, since S came first in the file."""
    s, q = frame("S", {"A": double(1)}, 6), frame("Q", {"A": double(2)}, 6)
    p = frame("P", {"B": double(0)}, 6)
    whole = Read(write(tmp_path / "x.i3", s, q, p, s, s, q, p))
    read = Read(write(tmp_path / "x.i3", s, q, p, damaged(s, -10), s, q, p), salvage=True)
    assert whole.tables["/i3_scalars"]["a"].tolist() == read.tables["/i3_scalars"]["a"].tolist() == [1, 1]


def test_modules_without_hits_are_not_counted(tmp_path):
    """A series can list modules without hits, and a mask choose none of a module's: no line of theirs was hit."""
    objects = {
        "Fit": particle(5),
        "FitHitsUsed": build["series"]({(1, 1): [], (2, 1): [(1, 1.0)], (3, 1): [(2, 4.0), (3, 8.0)]}),
        "Some": build["mask"]("FitHitsUsed", "011", ["0", "01"]),
        "Lost": build["mask"]("Nowhere", "011", ["0", "01"]),
    }
    read = one_event(tmp_path, objects)
    assert (read.column("n_hits"), read.column("n_lines")) == ([3], [2])
    counts = {row["series"]: row.tolist()[2:] for row in read.tables["/i3_hit_counts"]}
    assert counts[b"FitHitsUsed"] == (2, 3, 13)
    assert counts[b"Some"] == (1, 1, 8)
    assert counts[b"Lost"][:2] == (1, 1)


def test_the_charge_of_a_bright_event_behind_many_masks(tmp_path):
    channels = {(line, om): [(float(n), 0.5) for n in range(10)] for line in range(1, 13) for om in range(1, 76)}
    mask = build["mask"]("S", "1" * 900, ["1" * 10] * 900)
    read = one_event(tmp_path, {"S": build["series"](channels), **{f"M{n:03}": mask for n in range(113)}})
    assert set(read.tables["/i3_hit_counts"]["charge"].tolist()) == {4500}


def test_masks_of_very_many_bits(tmp_path):
    """A hundred thousand: where time grew with their square, a mask of five times as many took 15 s."""

    def hits(a):
        a.base()
        a.mapping([(1, 1)], lambda om: (build["put_om"](a, 2, om), a.container("v", range(100_000), hit)))

    def hit(number):
        if number:
            archive[0].refer(pulse[0])
        else:
            pulse.append(archive[0].numbered)
            archive[0].mark("I3RecoPulse", 3)
            build["put_pulse"](archive[0], 3, 1.0, 1.0)

    archive, pulse = [], []
    series = build["blob"]("I3RecoPulseSeriesMap", 0, lambda a: (archive.append(a), hits(a)))
    mask = build["mask"]("S", "1", ["0" * 99_999 + "1"])
    read = one_event(tmp_path, {"S": series, "A": mask, "B": mask})
    assert [row["n_hits"] for row in read.tables["/i3_hit_counts"]] == [1, 1, 100_000]


def test_an_odd_object_of_a_class_that_is_known_by_its_particle_is_missed_aloud(tmp_path):
    """A class without layout is taken for a particle if one of its first objects is; none vanishes without a word."""
    good, odd = (frame("P", {"Fit": build["derived"](fit_status=status)}, 6) for status in (0, 77))
    for number, parts in enumerate([(good, odd, good), (odd, good, good)]):
        read = Read(write(tmp_path / f"{number}.i3", *parts))
        assert len(read.tables["/reco/fit"]) == 2
        assert any("1 object Fit (AntFit v2) could not be decoded" in text for text in read.warnings)


def test_a_header_that_nobody_filled_has_no_numbers(tmp_path):
    unset = 2**32 - 1
    header = build["header"](unset, unset, start=(0, 0))
    read = one_event(tmp_path, {"I3EventHeader": header, "AntaresTriggerCounter": build["integer"](3)})
    keys = ("run_id", "frame_index", "timestamp", "trigger_counter")
    assert [read.column(name) for name in keys] == [[-1], [-1], [-1], [3]]
    assert read.tables["/i3_header"]["event"].tolist() == [unset]


@pytest.mark.parametrize(("status", "shown"), [(0, True), (-1, True), (10, False), (20, False), (50, False)])
def test_a_fit_that_failed_is_none(tmp_path, status, shown):
    hits = build["series"]({(1, 1): [(1, 1.0)]})
    objects = {"AafitFinalFit": particle(4, fit_status=status, zenith=0.0), "AafitFinalFitHitsUsed": hits}
    read = one_event(tmp_path, objects)
    assert read.column("reco") == ([b"aafit"] if shown else [b"none"])
    assert read.column("n_hits") == ([1] if shown else [-1])
    for name in ("zenith", "azimuth", "energy", "pos_x"):
        assert math.isnan(read.column(name)[0]) != shown
    assert read.tables["/reco/aafit"][["fit_status", "zenith"]].tolist() == [(status, 0)]


def test_infinite_numbers_are_in_the_sources_tables_only(tmp_path):
    lost = {"energy": math.inf, "x": -math.inf}
    objects = {"AafitFinalFit": particle(4, **lost), "AafitLambdaFinalFit": double(math.inf)}
    read = one_event(tmp_path, {**objects, "MCThing": particle(4, energy=math.inf, by=-math.inf)})
    for name in ("energy", "quality", "pos_x", "mc_energy", "mc_bjorken_y"):
        assert math.isnan(read.column(name)[0]), name
    assert math.isfinite(read.column("pos_y")[0])
    assert read.tables["/reco/aafit"][["energy", "quality", "x"]].tolist() == [(math.inf, math.inf, -math.inf)]
    assert read.tables["/mc_tracks"]["energy"].tolist() == [math.inf]


def test_weights_of_antares(tmp_path):
    """By km3pipe's factors: 1e-4 m2/cm2, 3.156e7 s/yr, and 1e9 ns/s for the one that is a rate."""
    weights = {"OneWeight": 2.5e10, "GlobalWeight": 2e-10, "NEvents": 1e9}
    parts = [
        frame("P", {"AntaresTriggerCounter": build["integer"](n), **more}, 6)
        for n, more in enumerate([{"I3MCWeightDict": build["numbers"](weights)}, {}])
    ]
    read = Read(write(tmp_path / "x.i3", *parts))
    assert read.column("weight_w2")[0] == pytest.approx(7.89e13, rel=1e-14)
    assert read.column("weight_w3")[0] == pytest.approx(6.312e6, rel=1e-14)
    assert math.isnan(read.column("weight_w2")[1])
    assert math.isnan(read.column("weight_w3")[1])
    assert any("weight_w3 is GlobalWeight" in remark for remark in read.facts.remarks)
    assert read.tables["/mc_info"][["one_weight", "global_weight", "n_events"]].tolist() == [(2.5e10, 2e-10, 1e9)]
    muons = one_event(tmp_path, {"I3MCWeightDict": build["numbers"]({"NEvents": 5.0})}, detector="antares")
    assert not any(name.startswith("weight_") for name in muons.batches[0].events)
    icecube = one_event(tmp_path, {"I3MCWeightDict": build["numbers"](weights)})
    assert not any(name.startswith("weight_") for name in icecube.batches[0].events)
