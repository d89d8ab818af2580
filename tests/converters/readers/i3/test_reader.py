"""From frames to tables, on written files: what a file of ANTARES would give, and what is odd in others."""

import bz2
import math
import runpy
import struct
from pathlib import Path

import h5py
import numpy as np
import pytest
import zstandard

from converters.detect import detect, might_be_input
from converters.events import complete
from converters.readers.i3 import reader as reader_module
from converters.readers.i3 import registry
from converters.readers.i3.classes.extended import Member, extension
from converters.readers.i3.reader import I3Reader
from converters.source import ReadOptions
from legacy.errors import CorruptInputError, InputError
from legacy.model import ColumnSpec

build = runpy.run_path(str(Path(__file__).parent / "i3_builder.py"))
frame = build["frame"]


class Read:
    """All that the reader says about a file."""

    def __init__(self, path, **options):
        with I3Reader().open(path, ReadOptions(**options)) as file:
            self.batches = list(file.batches())
            self.facts, self.warnings, self.digest = file.facts, file.warnings(), file.digest()
            self.coverage = {row.field: row for row in file.coverage()}
        self.tables = {}
        for batch in self.batches:
            for table in batch.tables:
                self.tables.setdefault(table.spec.path, []).append(table.array)
        self.tables = {path: np.concatenate(parts) for path, parts in self.tables.items()}

    def column(self, name):
        return [value for batch in self.batches for value in batch.events[name].tolist()]


def write(path, *parts):
    path.write_bytes(b"".join(parts))
    return path


@pytest.fixture
def antares(tmp_path):
    return build["antares_file"](tmp_path / "x.i3")


def test_keys_of_antares_events(antares):
    read = Read(antares)
    assert read.column("run_id") == [45978] * 3
    assert read.column("frame_index") == [4, 4, 5]
    assert read.column("trigger_counter") == [100, 101, 90]
    assert read.column("trigger_mask") == [0b100001] * 3  # 1 and 6 fired, 4 did not
    assert read.column("timestamp") == [1230768000] * 3  # 2009-01-01
    assert read.tables["/i3_header"]["frame"].tolist() == [2, 3, 4]
    assert (read.facts.detector, read.facts.kind, read.facts.default_reco) == ("antares", "mc", "aafit")
    assert len(read.digest) == 64


def test_numbers_beside_a_fit_belong_to_it(antares):
    read = Read(antares)
    aafit = read.tables["/reco/aafit"]
    assert aafit["quality"].tolist() == [94.75, 95.75, 84.75]
    assert set(aafit["error_estimate"].tolist()) == {0.004}
    assert set(read.tables["/reco/bbfit_track"]["quality"].tolist()) == {1.75}
    assert set(read.tables["/reco/best_first_dusj_fit_fit_result"]["charge_llh"].tolist()) == {1.25}
    assert read.tables["/i3_scalars"]["aafit_lambda_final_fit"].tolist() == [94.75, 95.75, 84.75]
    assert "/reco/gridfit" in read.tables


def test_the_columns_are_those_of_seatrays_own_tables(antares, sample):
    from converters.readers.seatray_hdf5 import SeatrayHdf5Reader

    with SeatrayHdf5Reader().open(sample("seatray/antares.h5"), ReadOptions()) as file:
        (other,) = next(file.batches()).tables
    with I3Reader().open(antares, ReadOptions()) as file:
        tables = {table.spec.path: table.spec for table in next(file.batches()).tables}
    assert other.spec.path in tables
    units = {column.name: (column.dtype, column.unit) for column in other.spec.columns}
    for column in tables["/reco/aafit"].columns:
        if column.name not in ("bjorken_x", "bjorken_y", "error_estimate"):
            assert units[column.name] == (column.dtype, column.unit), column.name


def test_events_show_the_fit(antares):
    read = Read(antares)
    assert read.column("reco") == [b"aafit"] * 3
    assert read.column("quality") == [94.75, 95.75, 84.75]
    assert read.column("pos_x") == pytest.approx([8200 - 8221.6] * 3)
    assert read.column("pos_z") == pytest.approx([2475 - 2200] * 3)
    assert read.column("n_hits") == [4] * 3
    assert read.column("n_lines") == [2] * 3
    assert all(math.isnan(energy) for energy in read.column("energy"))


def test_another_fit_can_be_shown(antares):
    read = Read(antares, reco="bbfit_track")
    assert read.column("reco") == [b"bbfit_track"] * 3
    assert read.column("azimuth") == pytest.approx([2 * math.pi - 1] * 3)  # -1 in the file
    assert read.tables["/reco/bbfit_track"]["azimuth"].tolist() == [-1] * 3
    assert read.column("n_hits") == [-1] * 3
    assert "zenith" not in Read(antares, reco="none").batches[0].events
    with pytest.raises(InputError, match=r"no fit called bbfit.*did you mean 'bbfit_track'"):
        Read(antares, reco="bbfit")


def test_a_fit_that_was_chosen_by_its_name_alone_is_said(antares, tmp_path):
    long = "cascade_fit_of_seven"
    path = write(
        tmp_path / "y.i3", frame("P", {"B": build["particle"](5), "CascadeFitOfSeven": build["particle"](5)}, 6)
    )
    assert Read(path).warnings[0].startswith("/events shows b, the first by name of 2 fits; choose with --reco")
    assert Read(path, reco="b").warnings == ()
    assert not any("by name" in text for text in Read(antares).warnings)
    with pytest.raises(
        InputError, match=f"{long} cannot be shown in /events: its name has more than 16 letters.*{long}$"
    ):
        Read(path, reco=long)


def test_simulated_particles(antares):
    rows = Read(antares).tables["/mc_tracks"]
    first = rows[rows["group_id"] == 0]
    assert first["pdgid"].tolist() == [-14, 13, -1]
    assert first["source_code"].tolist() == [69, 6, -1006]
    assert first["mother_id"].tolist() == [-1, 1, 1]
    assert first["by"].tolist() == [0.75] * 3
    assert first["major_id"].tolist() == [str(1 << 40).encode()] * 3
    assert first["dir_z"].tolist() == pytest.approx([-math.cos(0.5)] * 3)
    read = Read(antares)
    assert read.column("mc_pdgid") == [-14] * 3
    assert read.column("mc_energy") == [1000] * 3
    assert read.column("mc_bjorken_y") == [0.75] * 3
    assert read.tables["/mc_info"]["one_weight"].tolist() == [2.5] * 3


@pytest.mark.parametrize("version", [2, 3, 4, 5, 6])
def test_all_frame_versions_give_the_same(tmp_path, version):
    read = Read(build["antares_file"](tmp_path / "x.i3", version=version))
    assert read.column("quality") == [94.75, 95.75, 84.75]
    unchecked = [text for text in read.warnings if "could be verified" in text]
    assert bool(unchecked) == (version < 5)
    said = " ".join(read.facts.remarks)
    assert ("checksums could not be verified" in said) == (version < 5)


@pytest.mark.parametrize("pack", ["gzip", "bzip2", "zstd"])
def test_compressed_files(antares, tmp_path, pack):
    packed = tmp_path / "packed"
    data = antares.read_bytes() * 40
    if pack == "gzip":
        import gzip

        packed.write_bytes(gzip.compress(data))
    else:
        packed.write_bytes(bz2.compress(data) if pack == "bzip2" else zstandard.ZstdCompressor().compress(data))
    found = detect(packed)
    assert (found.format, found.convertible, found.compressed) == ("i3", True, True)
    assert might_be_input(packed)
    assert len(Read(packed).column("run_id")) == 120


@pytest.mark.parametrize("version", [2, 3, 4, 5, 6])
def test_files_are_recognised(tmp_path, version):
    path = build["antares_file"](tmp_path / "x.dat", version=version)
    assert detect(path).format == "i3"
    assert might_be_input(path)


def test_events_inherit_as_in_icetray(tmp_path):
    """The last frame of each other stream counts, the stream that came first wins, the event's own before all."""
    double = build["double"]
    path = write(
        tmp_path / "x.i3",
        frame("G", {"A": double(1), "B": double(1)}, 6),
        frame("Q", {"B": double(2), "C": double(2), "I3EventHeader": build["header"](7, 1)}, 6),
        frame("P", {"C": double(3)}, 6),
        frame("P", {"A": double(9)}, 6),
        frame("G", {"A": double(4)}, 6),
        frame("Q", {"C": double(5), "I3EventHeader": build["header"](7, 2)}, 6),
        frame("P", {}, 6),
    )
    read = Read(path)
    table = read.tables["/i3_scalars"]
    assert table["a"].tolist() == [1, 9, 4]
    assert np.array_equal(table["b"], [1, 1, np.nan], equal_nan=True)
    assert table["c"].tolist() == [3, 2, 5]
    assert read.tables["/i3_header"]["event"].tolist() == [1, 1, 2]


def test_events_of_other_detectors_have_their_number(tmp_path):
    path = write(tmp_path / "x.i3", frame("P", {"I3EventHeader": build["header"](7, 12, start=(2012, 5))}, 6))
    read = Read(path)
    assert read.batches[0].events["source_event_id"].tolist() == [12]
    assert "frame_index" not in read.batches[0].events
    assert (read.facts.detector, read.facts.kind) == ("", "data")
    assert Read(path, detector="antares").column("frame_index") == [12]
    header = read.tables["/i3_header"]
    assert (header["subevent_stream"].tolist(), header["subrun"].tolist()) == ([b"Split"], [3])


def test_q_frames_are_events_where_there_are_no_p_frames(tmp_path):
    one = frame("Q", {"I3EventHeader": build["header"](7, 1)}, 6)
    read = Read(write(tmp_path / "x.i3", one, frame("Q", {}, 6)))
    assert read.column("run_id") == [7, -1]
    assert read.column("timestamp") == [1230768000, -1]


def test_a_file_without_events(tmp_path):
    read = Read(write(tmp_path / "x.i3", frame("I", {"info": build["unknown"]("I3TrayInfo")}, 6)))
    assert read.batches == []
    assert read.coverage["I/info (I3TrayInfo v0)"].note.startswith("its layout is not known")


def test_unknown_classes_are_named_and_counted(antares):
    read = Read(antares)
    row = read.coverage["P/OMCondition (I3AntaresThing v0)"]
    assert (row.count, row.destination) == (3, "")
    assert row.note == "its layout is not known: not read; 126 bytes"
    row = read.coverage["P/AafitFinalFit (AntFitResult v2)"]
    assert row.destination == "/reco/aafit, /events"
    assert "the 100 bytes behind it are not read" in row.note
    assert any("AntFitResult v2" in text and "only the I3Particle" in text for text in read.warnings)


def test_a_class_is_added_by_a_list_of_its_members(antares, monkeypatch):
    """The members are invented: no layout of a class of ANTARES is public."""
    fit = extension(
        "AntFitResult",
        2,
        Member("i", ColumnSpec("strategy", "i8", "", "Strategy of the fit")),
        Member("d", ColumnSpec("quality", "f8", "", "Quality of the fit")),
        Member("?", ColumnSpec("is_bright", "i8", "", "1 if the event is bright")),
    )
    monkeypatch.setitem(registry.CLASSES, fit.kind.name, fit.kind)
    monkeypatch.setitem(registry.EXTENSIONS, fit.kind.name, fit)
    objects = {
        "A": build["derived"]("AntFitResult", rest=struct.pack("<id?", 3, -5.25, True)),
        "B": build["derived"]("AntFitResult", rest=struct.pack("<id?", 3, -5.25, True) + bytes(4)),
    }
    parts = frame("P", objects, 6), frame("P", {"A": build["particle"](4, energy=7.0), "B": objects["A"]}, 6)
    read = Read(write(antares, *parts))
    rows = read.tables["/reco/a"]
    assert rows["strategy"].tolist() == [3, -1]
    assert np.array_equal(rows["quality"], [-5.25, np.nan], equal_nan=True)
    assert rows["is_bright"].tolist() == [1, -1]
    assert rows["energy"].tolist() == [55, 7]
    assert read.column("quality")[0] == -5.25
    expected = "1 object B (AntFitResult v2) decoded but doubtful: 4 bytes more than the layout explains"
    assert read.warnings[1:] == (expected,)


def test_doubtful_values_are_kept_and_said(tmp_path):
    objects = {"Fit": build["particle"](5) + bytes(16), "Good": build["particle"](5)}
    read = Read(write(tmp_path / "x.i3", frame("P", objects, 6) * 2))
    assert read.tables["/reco/fit"]["energy"].tolist() == [55, 55]
    expected = "2 objects Fit (I3Particle v5) decoded but doubtful: 16 bytes more than the layout explains"
    assert read.warnings[1:] == (expected,)
    assert "2 are doubtful" in read.coverage["P/Fit (I3Particle v5)"].note


def test_objects_that_cannot_be_decoded_are_missing_and_said(tmp_path):
    cut = build["particle"](5)[:-10]
    newer = build["blob"]("I3Particle", 9, lambda a: build["put_particle"](a, 5))
    objects = {"Cut": cut, "Newer": newer, "Good": build["particle"](5), "Empty": b"", "Null": b"\0\1\xff\xff"}
    read = Read(write(tmp_path / "x.i3", frame("P", objects, 6)))
    assert len(read.tables["/reco/cut"]) == len(read.tables["/reco/newer"]) == 0
    assert len(read.tables["/reco/good"]) == 1
    assert any("Cut (I3Particle v5) could not be decoded" in text for text in read.warnings)
    assert any("Newer (I3Particle v9)" in text and "I3Particle version 9" in text for text in read.warnings)
    assert read.coverage["P/Empty ((no class))"].destination == ""
    assert read.coverage["P/Null (null pointer)"].destination == ""


def test_one_key_with_two_classes(tmp_path):
    parts = [{"Thing": build["particle"](5)}, {"Thing": build["double"](1.5)}, {"Thing": build["series"]({(1, 1): []})}]
    read = Read(write(tmp_path / "x.i3", *(frame("P", objects, 6) for objects in parts)))
    assert read.tables["/reco/thing"]["group_id"].tolist() == [0]
    assert read.tables["/i3_scalars"]["group_id"].tolist() == [1]
    assert read.tables["/i3_hit_counts"]["group_id"].tolist() == [2]


def test_hits_through_masks_and_unions(tmp_path):
    objects = {
        "A": build["series"]({(1, 1): [(1, 1.0), (3, 2.0)], (2, 1): [(5, 4.0)]}),
        "B": build["series"]({(1, 1): [(2, 8.0)], (1, 9): [(4, 16.0)]}),
        "Both": build["union"](["A", "B"]),
        "Some": build["mask"]("Both", "101", ["011", "1"]),
        "Fewer": build["mask"]("Some", "10", ["01"]),
        "Lost": build["mask"]("Nowhere", "101", ["011", "1"]),
        "Wrong": build["mask"]("A", "111", ["1", "1", "1"]),
        "Round": build["mask"]("Trip", "1", ["1"]),
        "Trip": build["union"](["Round"]),
    }
    rows = Read(write(tmp_path / "x.i3", frame("P", objects, 6))).tables["/i3_hit_counts"]
    found = {row["series"].decode(): row.tolist()[2:] for row in rows}
    assert found["A"] == (2, 3, 7)
    assert found["Both"] == (3, 5, 31)
    assert found["Some"] == (2, 3, 8 + 2 + 4)  # in time: 1, 8, 2 on the first module, of which the last two
    assert found["Fewer"] == (1, 1, 2)
    assert found["Lost"][:2] == (2, 3)
    assert found["Wrong"][:2] == (3, 3)
    assert found["Round"][:2] == (1, 1)
    assert found["Trip"][:2] == (-1, -1)
    assert all(math.isnan(found[name][2]) for name in ("Lost", "Wrong", "Round", "Trip"))


def test_unions_of_unions_cannot_fill_the_memory(tmp_path):
    objects = {"U0": build["series"]({(1, n): [(1, 1.0)] * 50 for n in range(100)})}
    for n in range(60):
        objects[f"V{n}"] = build["union"]([f"U{n}"])
        objects[f"U{n + 1}"] = build["union"]([f"U{n}", f"V{n}"])
    rows = Read(write(tmp_path / "x.i3", frame("P", objects, 6))).tables["/i3_hit_counts"]
    found = {row["series"].decode(): row["n_hits"] for row in rows}
    assert (found["U1"], found["U2"], found["U60"]) == (10_000, 20_000, -1)


@pytest.mark.parametrize(
    ("entries", "mask"),
    [([(1, 1), (63, 1)], 1 | 1 << 62), ([(64, 1)], -1), ([(0, 1), (1, 1)], -1), ([(70, 0), (2, 1)], 2), ([(3, 0)], 0)],
)
def test_trigger_masks(tmp_path, entries, mask):
    read = Read(write(tmp_path / "x.i3", frame("P", {"I3TriggerHierarchy": build["triggers"](entries)}, 6)))
    assert read.column("trigger_mask") == [mask]
    assert read.tables["/i3_triggers"]["type"].tolist() == [kind for kind, _ in entries]


@pytest.mark.parametrize(
    ("particles", "pdg"),
    [
        ([(14, 1), (13, 5)], 14),
        ([(1000260560, 9), (13, 5), (-14, 1)], -14),
        ([(1000260560, 9), (13, 5), (-13, 7)], 1000260560),
        ([(13, 5), (-13, 7), (11, 99)], -13),
        ([], -1),
    ],
)
def test_which_particle_is_shown(tmp_path, particles, pdg):
    bits = "1" + "01" * (len(particles) - 1) if particles else ""
    tree = build["chunked_tree"](
        [(bits, [{"code": code, "energy": e} for code, e in particles])] if bits else [(bits, [])]
    )
    read = Read(write(tmp_path / "x.i3", frame("P", {"I3MCTree": tree}, 6)))
    assert read.column("mc_pdgid") == [pdg]


def test_angles_outside_of_the_sphere_are_missing_in_events(tmp_path):
    odd = {"Fit": build["particle"](5, zenith=9.0), "MCThing": build["particle"](5, azimuth=40.0)}
    read = Read(write(tmp_path / "x.i3", frame("P", odd, 6)))
    assert math.isnan(read.column("zenith")[0])
    assert math.isnan(read.column("mc_azimuth")[0])
    assert read.tables["/reco/fit"]["zenith"].tolist() == [9.0]


def test_batches(antares, monkeypatch):
    whole = Read(antares)
    monkeypatch.setattr(reader_module, "_BATCH", 2)
    parts = Read(antares)
    assert [(batch.first, batch.n_events) for batch in parts.batches] == [(0, 2), (2, 1)]
    for path, rows in whole.tables.items():
        assert parts.tables[path].tobytes() == rows.tobytes(), path
    events = [complete(batch, parts.facts)[0].array for batch in parts.batches]
    assert np.concatenate(events)["group_id"].tolist() == [0, 1, 2]


def test_more_names_than_columns(tmp_path):
    objects = {f"Number{n:04}": build["double"](n) for n in range(300)}
    objects["I3MCWeightDict"] = build["numbers"]({f"w{n:04}": 1.0 for n in range(300)})
    read = Read(write(tmp_path / "x.i3", frame("P", objects, 6)))
    assert len(read.tables["/i3_scalars"].dtype.names) == 257
    assert len(read.tables["/mc_info"].dtype.names) <= 259
    assert "not kept" in read.coverage["P/Number0299 (I3Double v0)"].note


# ---- damage


def test_a_cut_file(antares, tmp_path):
    data = antares.read_bytes()
    cut = write(tmp_path / "cut.i3", data[:-100])
    offset = data.rindex(b"[i3]")
    with pytest.raises(CorruptInputError, match=rf"frame 4, which begins at byte {offset}: the file ends within"):
        Read(cut)
    read = Read(cut, salvage=True)
    assert read.column("trigger_counter") == [100, 101]
    assert "frame 4" in read.warnings[0]
    assert "the frames before it are kept, with 2 events" in read.warnings[0]


def test_a_cut_gzip_file(antares, tmp_path):
    import gzip
    import os

    filler = frame("I", {"info": os.urandom(60_000)}, 5)
    packed = gzip.compress(filler + antares.read_bytes() + filler + antares.read_bytes())
    cut = write(tmp_path / "cut.i3.gz", packed[: len(packed) - 40])
    with pytest.raises(CorruptInputError, match="the gzip stream ends before its end mark"):
        Read(cut)
    assert len(Read(cut, salvage=True).column("run_id")) >= 3


def test_nothing_left_to_keep(antares, tmp_path):
    data = antares.read_bytes()
    cut = write(tmp_path / "cut.i3", data[: data.index(b"[i3]", data.index(b"I3Geometry")) + 50])
    with pytest.raises(CorruptInputError, match="no whole event is left to keep"):
        Read(cut, salvage=True)


def test_a_wrong_checksum_is_named(antares, tmp_path):
    data = bytearray(antares.read_bytes())
    offset = data.rindex(b"[i3]")
    data[offset + 300] ^= 1
    damaged = write(tmp_path / "damaged.i3", bytes(data), build["antares_event"](45978, 6, 7))
    with pytest.raises(
        CorruptInputError, match=rf"checksum of frame 4 \(stream P, .* from byte {offset} on\) is wrong"
    ):
        Read(damaged)
    read = Read(damaged, salvage=True)
    assert read.column("trigger_counter") == [100, 101, 7]
    assert "frame 4" in read.warnings[0]


def test_events_do_not_inherit_past_a_damaged_frame(tmp_path):
    def of(event):
        return bytearray(frame("Q", {"I3EventHeader": build["header"](7, event)}, 6))

    bad = of(2)
    bad[-20] ^= 1
    path = write(tmp_path / "x.i3", *(part + frame("P", {}, 6) for part in (of(1), bad, of(3))))
    read = Read(path, salvage=True)
    assert read.tables["/i3_header"]["event"].tolist() == [1, 3]
    assert any("frame 3 was dropped: what it inherits may be in a damaged frame" in text for text in read.warnings)


def test_too_many_kinds_of_objects(tmp_path):
    objects = {struct.pack(">I", n): b"" for n in range(20_001)}
    path = write(tmp_path / "x.i3", frame("P", {"I3EventHeader": build["header"](1, 1)}, 6), frame("N", objects, 2))
    with pytest.raises(CorruptInputError, match="more than 20000 different keys"):
        Read(path)


def test_a_file_joined_from_very_many(tmp_path):
    """Each I frame has the times at which programs ran as keys: a file of many runs has more than can be listed."""
    times = [
        {f"2010-01-01T{n:09}": build["unknown"]("I3TrayInfo") for n in range(k, k + 5000)}
        for k in range(0, 25_000, 5000)
    ]
    read = Read(write(tmp_path / "x.i3", *(frame("I", some, 2) for some in times), frame("P", {}, 6)))
    assert read.column("run_id") == [-1]
    assert read.coverage["I/(further keys) (I3TrayInfo v0)"].count == 23_000


def test_no_i3_file_at_all(tmp_path):
    with pytest.raises(CorruptInputError, match="frame 0"):
        Read(write(tmp_path / "x.i3", b"something else entirely"))


def test_names_from_the_file_are_made_harmless(tmp_path):
    evil = "Fit\x1b[31m\n../../x'\"; drop"
    objects = {evil: build["particle"](5), evil + "2": build["derived"]("Ant\x07Fit"), "name": build["particle"](5)}
    read = Read(write(tmp_path / "x.i3", frame("P", objects, 6)))
    names = sorted(path for path in read.tables if path.startswith("/reco/"))
    assert names == ["/reco/fit_31m_x_drop", "/reco/fit_31m_x_drop2", "/reco/name_"]
    assert all(text.isprintable() for text in (*read.warnings, *read.coverage, *read.facts.remarks))


def test_real_data_of_antares_have_sky_coordinates(tmp_path, cli):
    path = build["antares_file"](tmp_path / "run.i3.gz", AntMCTree=None, I3MCWeightDict=None)
    assert cli("convert", path, "-o", tmp_path / "out").code == 0
    (product,) = (tmp_path / "out").glob("*.l3.h5")
    assert cli("validate", product, "--source", path).code == 0
    with h5py.File(product) as file:
        events = file["events"][()]
    assert events["internal_id"].tolist() == [b"antares.45978.4.100", b"antares.45978.4.101", b"antares.45978.5.90"]
    assert np.isfinite(events["ra"]).all()
    assert events["mjd"].tolist() == [54832.0] * 3


def test_the_real_file_cut_short_by_the_command_line(shared_data, tmp_path, cli):
    (whole,) = (shared_data / "icetray-i3").glob("*.i3.gz")
    packed = whole.read_bytes()
    cut = write(tmp_path / "cut.i3.gz", packed[:240_000])
    refused = cli("convert", cut, "-o", tmp_path / "out")
    assert refused.code == 1
    assert "the gzip stream ends before its end mark" in refused.err
    assert "--salvage" in refused.err
    kept = cli("convert", cut, "-o", tmp_path / "out", "--salvage")
    assert kept.code == 0
    (product,) = (tmp_path / "out").glob("*.l3.h5")
    assert cli("validate", product, "--source", cut).code == 0
    with h5py.File(product) as file:
        assert len(file["events"]) == 3


def test_by_the_command_line(antares, tmp_path, cli):
    out = tmp_path / "out"
    assert cli("convert", antares, "-o", out).code == 0
    (product,) = out.glob("x*.l3.h5")
    checked = cli("validate", product, "--source", antares)
    assert checked.code == 0, checked.out + checked.err
    told = cli("inspect", antares).out
    assert "OMCondition (I3AntaresThing v0)" in told
    assert "detector: antares" in told
    cut = write(tmp_path / "cut.i3", antares.read_bytes()[:-100])
    assert cli("convert", cut, "-o", out).code == 1
    assert cli("convert", cut, "-o", out, "--salvage").code == 0
    assert cli("validate", next(out.glob("cut*.l3.h5")), "--source", cut).code == 0
    assert "problem: " in cli("inspect", cut).out
