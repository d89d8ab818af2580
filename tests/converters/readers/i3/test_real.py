"""A real file: five events of IceCube's simulation, beside an SQLite table of their true values.

The table was made through IceTray itself, by other people (graphnet-team/graphnet, tests/data). All of its values that
come from the file are compared, and all must be equal to the last bit.
"""

import math
import sqlite3
from collections import Counter
from contextlib import closing

import numpy as np
import pytest

from converters.events import complete
from converters.readers.i3.faults import UnknownLayoutError
from converters.readers.i3.frame import frames
from converters.readers.i3.hits import HitCounter
from converters.readers.i3.objects import Mixer, Tally
from converters.readers.i3.reader import I3Reader
from converters.readers.i3.registry import CLASSES, decode
from converters.readers.i3.stream import Source
from converters.source import ReadOptions

NAME = "oscNext_genie_level7_v02_first_5_frames"
MUON_MASS = 0.105658367
"""GeV, as IceTray has it; the table counts the muon's rest energy to the track."""


@pytest.fixture(scope="module")
def path(shared_data):
    return shared_data / "icetray-i3" / f"{NAME}.i3.gz"


@pytest.fixture(scope="module")
def truth(shared_data):
    with closing(sqlite3.connect(f"file:{shared_data}/icetray-i3/{NAME}.db?mode=ro&immutable=1", uri=True)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute("select * from truth order by event_no")]


@pytest.fixture(scope="module")
def pulses(shared_data):
    with closing(sqlite3.connect(f"file:{shared_data}/icetray-i3/{NAME}.db?mode=ro&immutable=1", uri=True)) as database:
        return dict(database.execute("select event_no, count(*) from SRTInIcePulses group by event_no"))


def walk(path):
    source = Source(path)
    try:
        yield from frames(source.pieces(), verify=True)
    finally:
        source.close()


@pytest.fixture(scope="module")
def events(path):
    """All objects of each event, decoded."""
    found, tally = [], Tally()
    keys = {slot[0].key for frame in walk(path) for slot in frame.slots}
    mixer = Mixer(keys)
    for frame in walk(path):
        mixer.remember(frame)
        if frame.stream == "P":
            objects = mixer.event(frame)
            others = {k: i.value(tally) for k, i in objects.items.items() if i.variant.name in CLASSES}
            found.append((objects, {**objects.numbers, **others}))
    assert not tally.failed
    assert not tally.doubtful
    return found


def test_every_frame_and_checksum(path):
    found = list(walk(path))
    assert len(found) == 139
    assert {frame.version for frame in found} == {6}
    assert all(frame.sound is True for frame in found)
    assert Counter(frame.stream for frame in found) == {"I": 129, "Q": 5, "P": 5}


def test_every_known_object_to_the_last_byte(path):
    met, unknown = Counter(), Counter()
    for frame in walk(path):
        for slot in frame.slots:
            try:
                found = decode(frame.bytes_of(slot))
            except UnknownLayoutError as error:
                unknown[str(error)] += 1
            else:
                assert found.left == 0, slot[0].key
                met[found.name, found.version] += 1
    assert sum(met.values()) == 1124
    assert sum(unknown.values()) == 585
    assert met["I3Particle", 5] == 150
    assert met["I3EventHeader", 3] == 10
    assert met["I3MCTree", 1] == 5
    assert met["I3RecoPulseSeriesMapMask", 2] == 91
    assert not set(unknown) & set(CLASSES)


def test_all_true_values(events, truth):
    """Column by column; a column of the table that is not asked for here fails the test too."""
    assert len(events) == len(truth) == 5
    for number, ((_, objects), row) in enumerate(zip(events, truth, strict=True)):
        head, primary = objects["I3EventHeader"], objects["MCInIcePrimary"]
        weights = dict(objects["I3MCWeightDict"])
        filters = {name: float(result.condition and result.prescale) for name, result in objects["FilterMask"]}
        tree = objects["I3MCTree"]
        roots = [n for n, (p, _) in enumerate(tree) if (p.major, p.minor) == (primary.major, primary.minor)]
        track = sum(p.energy + MUON_MASS for p, parent in tree if parent in roots and abs(p.code) == 13)
        found = {
            "event_no": number,
            "RunID": head.run,
            "SubrunID": head.subrun,
            "EventID": head.event,
            "SubEventID": head.subevent,
            "event_time": float(head.start.ticks),
            "energy": primary.energy,
            "zenith": primary.direction.zenith,
            "azimuth": primary.direction.azimuth,
            "position_x": primary.position.x,
            "position_y": primary.position.y,
            "position_z": primary.position.z,
            "pid": primary.code,
            "interaction_type": weights["InteractionType"],
            "energy_track": track,
            "energy_cascade": primary.energy - track,
            "inelasticity": 1 - track / primary.energy,
            **{f"L{n}_oscNext_bool": float(objects[f"L{n}_oscNext_bool"]) for n in range(3, 8)},
            **{name: filters.get(name, -1.0) for name in ("CascadeFilter_13", "DeepCoreFilter_13", "MuonFilter_13")},
            "OnlineL2Filter_17": filters.get("OnlineL2Filter_17", 0.0),
        }
        # Said by the program that made the table, not by the file: -1 where it computed nothing, and a word.
        others = {"dbang_decay_length", "elasticity", "stopped_muon", "track_length"}
        assert {name: row[name] for name in found} == found
        assert set(row) - set(found) == {*others, "sim_type"}
        assert {row[name] for name in others} == {-1.0}
        assert row["sim_type"] == "genie"


def test_pulses_are_counted_by_bits(events, pulses):
    for number, (objects, _) in enumerate(events):
        counter = HitCounter(objects, Tally())
        mask = counter.count("SRTInIcePulses")
        assert mask.hits == pulses[number]
        assert math.isnan(mask.charge)  # the pulses themselves are packed in an I3SuperDST


def test_pulses_of_a_map_are_summed(events):
    objects, decoded = events[0]
    counter = HitCounter(objects, Tally())
    found = counter.count("L4_TWPulses_DCFid_DTW200")  # a mask on a map
    whole = counter.count("L4_TWPulses_DCFid")
    assert (found.modules, found.hits) == (3, 6)
    pulses = {channel.key: channel.pulses for channel in decoded["L4_TWPulses_DCFid"]}
    assert whole.hits == sum(map(len, pulses.values()))
    assert whole.charge == math.fsum(pulse.charge for some in pulses.values() for pulse in some)
    assert 0 < found.charge < whole.charge


def test_the_product(path, truth):
    with I3Reader().open(path, ReadOptions()) as file:
        (batch,) = file.batches()
        tables = {table.spec.path: table.array for table in batch.tables}
        events, info, _ = complete(batch, file.facts)
        coverage = {row.field: row for row in file.coverage()}
        assert [text.split(",")[0] for text in file.warnings()] == ["/events shows cascade_last_dc"]
        facts = file.facts
    assert (facts.kind, facts.detector, facts.n_events, facts.default_reco) == ("mc", "icecube", 5, "cascade_last_dc")
    assert any("CRC-32C" in remark for remark in facts.remarks)
    column = {name: [row[name] for row in truth] for name in truth[0]}
    assert batch.events["run_id"].tolist() == column["RunID"]
    assert info.array["source_event_id"].tolist() == column["EventID"]
    assert "frame_index" not in batch.events
    for name in ("energy", "zenith", "azimuth"):
        assert batch.events[f"mc_{name}"].tolist() == column[name]
    assert batch.events["mc_pdgid"].tolist() == column["pid"]
    assert batch.events["mc_is_cc"].tolist() == [1] * 5
    assert tables["/i3_header"]["start_ticks"].astype(np.float64).tolist() == column["event_time"]
    assert tables["/mc_info"]["interaction_type"].tolist() == column["interaction_type"]
    assert tables["/i3_scalars"]["l7_osc_next_bool"].tolist() == [1] * 5
    primaries = tables["/mc_tracks"][tables["/mc_tracks"]["origin"] == b"MCInIcePrimary"]
    for axis in "xyz":
        assert primaries[f"pos_{axis}"].tolist() == column[f"position_{axis}"]
    assert len([path for path in tables if path.startswith("/reco/")]) == 33
    assert events.array["mjd"][0] == pytest.approx(56783.915363512, abs=1e-9)  # the table of pulses says so
    assert coverage["P/SPEFit2 (I3Particle v5)"].destination == "/reco/spe_fit2"
    (opaque,) = (
        row for row in coverage.values() if row.field.startswith("P/SPEFit2CramerRaoParams (CramerRaoParams v")
    )
    assert (opaque.count, opaque.destination, opaque.note) == (5, "", "its layout is not known: not read; 675 bytes")
    assert coverage["Q/I3SuperDST (I3SuperDST v1)"].count == 5


def test_likelihoods_are_joined_to_their_fits(path, events):
    with I3Reader().open(path, ReadOptions()) as file:
        (batch,) = file.batches()
    (table,) = (table for table in batch.tables if table.spec.path == "/reco/spe_fit2")
    for row, (_, objects) in zip(table.array, events, strict=True):
        assert row["logl"] == objects["SPEFit2FitParams"].logl
        assert row["nmini"] == objects["SPEFit2FitParams"].nmini
