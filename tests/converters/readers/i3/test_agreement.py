"""The reader and its second reader give the same values; damaged files give events or a clear error, never more."""

import io
import os
import runpy
import subprocess
import sys
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from converters.readers.i3.derived import particle_base
from converters.readers.i3.faults import FormatError, UnknownLayoutError
from converters.readers.i3.frame import frames
from converters.readers.i3.reader import I3Reader
from converters.readers.i3.registry import decode
from converters.readers.i3.stream import Source, uncompressed
from converters.reread.i3 import reread
from converters.source import ReadOptions
from legacy.errors import AntaresLegacyError

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[3]
assert_agreement = runpy.run_path(str(HERE.parents[1] / "reread" / "table_agreement.py"))["assert_agreement"]
build = runpy.run_path(str(HERE / "i3_builder.py"))
frame = build["frame"]
SOAK = os.environ.get("ANTARES_LEGACY_SOAK") == "1"
SETTINGS = settings(
    max_examples=5000 if SOAK else 100,
    deadline=timedelta(seconds=20),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
SECONDS = 60 if os.environ.get("CI") == "true" or SOAK else 5


def compared(path, **options):
    return assert_agreement(I3Reader(), reread, path, ReadOptions(**options))


def test_on_the_real_file(shared_data):
    path = next((shared_data / "icetray-i3").glob("*.i3.gz"))
    assert compared(path) == 4680
    assert compared(path, detector="antares", reco="spe_fit2") > 4600


@pytest.mark.parametrize("version", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("reco", [None, "bbfit_track", "none"])
def test_on_files_like_those_of_antares(tmp_path, version, reco):
    assert compared(build["antares_file"](tmp_path / "x.i3", version=version), reco=reco) > 600


def odd_parts():
    """Return frames with everything that is odd but whole."""
    double, particle = build["double"], build["particle"]
    objects = {
        **{f"P{version}": particle(version, code=5) for version in range(7)},
        "P4b": particle(4, weighted=True),
        "Left": particle(5) + bytes(8),
        "Cut": particle(5)[:-3],
        "Newer": build["blob"]("I3Particle", 9, lambda a: None),
        "Null": b"\0\1\xff\xff",
        "Bad": b"?",
        "MCOne": particle(2, code=202, azimuth=-1.0),
        "MCTwo": build["derived"]("AntTruth", particle_version=3, code=1407),
        "I3MCTree": build["nested_tree"]([({"code": 6, "energy": 5.0}, 1), ({"code": 3}, 0)], 1),
        "Tree": build["chunked_tree"]([("1101", [{"code": 13, "energy": float("nan")}] * 3)]),
        "I3MCWeightDict": build["numbers"]({"OneWeight": 1.0, "InteractionType": 2.0, "name": 3.0, "n": 4.0}),
        "OtherWeightDict": build["numbers"]({"OneWeight": 7.0}),
        "fooFitParams": build["numbers"]({"not": 1.0}),
        "XFitResult": particle(shape=30),
        "XFitParams": build["blob"]("I3LogLikelihoodFitParams", 0, lambda a: (a.base(), a.put("ddii", 1, 2, 3, 4))),
        "T1": build["triggers"]([(1, 1)]),
        "T2": build["triggers"]([(70, 1)]),
        "AntTriggerHierarchy": build["triggers"]([(2, 1), (3, 0)], version=0, key_version=0),
        "A": build["series"]({(1, 1): [(1, 1.0), (3, 2.0)], (2, 1): [(5, 4.0)]}),
        "B": build["series"]({(1, 1): [(2, 8.0)]}, name="I3MCHitSeriesMap", version=2, om_version=0),
        "C": build["series"]({(1, 1): [(2, 8.0)]}, name="I3RecoHitSeriesMap", version=1),
        "Both": build["union"](["A", "B", "A"]),
        "Some": build["mask"]("Both", "11", ["011", "1"], 1),
        "Lost": build["mask"]("Nowhere", "101", ["011", "1"]),
        "XFitResultHitsUsed": build["mask"]("A", "01", ["1"]),
        "lambda": double(1),
        "2ndHalf": build["integer"](5),
        "Flag": build["boolean"](1),
        "flag": double(0.5),
    }
    yield frame("S", {"FromS": double(3), "Flag": build["boolean"](0)}, 6)
    yield frame(
        "Q", {"I3EventHeader": build["header"](7, 1, start=(2012, 200 * 86400 * 10**10 + 7)), "FromS": double(4)}, 6
    )
    yield frame("P", objects, 6)
    yield frame("P", {"lambda": double(2), "Flag": build["integer"](3)}, 6)
    yield frame("P", {"I3EventHeader": build["header"](7, 1, stream="s" * 70, start=(0, 0))}, 6)
    yield frame("Q", {"I3EventHeader": build["header"](7, 2)}, 6)
    yield frame("P", {}, 6)


@pytest.mark.parametrize("options", [{}, {"detector": "antares"}, {"reco": "x_fit_result"}, {"salvage": True}])
def test_on_odd_files(tmp_path, options):
    path = tmp_path / "x.i3"
    path.write_bytes(b"".join(odd_parts()))
    assert compared(path, **options) == 597


@pytest.mark.parametrize("way", ["mask", "union"])
def test_on_a_long_chain(tmp_path, way):
    objects = {"S3000": build["series"]({(1, 1): [(1, 1.0)]})}
    for n in range(3000):
        source = f"S{n + 1}"
        objects[f"S{n}"] = build["mask"](source, "1", ["1"]) if way == "mask" else build["union"]([source])
    path = tmp_path / "x.i3"
    path.write_bytes(frame("P", objects, 2))
    assert compared(path) > 3001 * 4


def test_a_difference_is_found(tmp_path):
    path = build["antares_file"](tmp_path / "x.i3")
    other = build["antares_file"](tmp_path / "y.i3", AafitLambdaFinalFit=build["double"](7.0))
    with pytest.raises(AssertionError, match=r"event 0, /events\.quality"):
        assert_agreement(I3Reader(), lambda _, options: reread(other, options), path, ReadOptions())


# ---- damage


def outcome(path, *, salvage=False):
    """Read a file to its end; return the error, if it is one that this program may raise."""
    try:
        with I3Reader().open(path, ReadOptions(salvage=salvage)) as file:
            events = sum(batch.n_events for batch in file.batches())
            said = (*file.warnings(), *(row.note for row in file.coverage()))
    except AntaresLegacyError as error:
        events, said, problem = 0, (str(error),), str(error)
    else:
        problem = ""
    assert not any("\n" in text for text in said)
    return events, problem


def test_a_flipped_bit_at_every_thousandth_byte(shared_data, tmp_path):
    """Of the frames with events: an error, or the very same events where no checksum covers the byte."""
    source = Source(next((shared_data / "icetray-i3").glob("*.i3.gz")))
    whole = b"".join(source.pieces())
    source.close()
    found = [one for one in frames(iter([whole]), verify=False) if one.stream != "I"]
    path = tmp_path / "x.i3"
    flips = refused = 0
    for daq, physics in zip(found[::2], found[1::2], strict=True):
        data = whole[daq.offset : daq.offset + daq.size] + whole[physics.offset : physics.offset + physics.size]
        for place in range(flips % 7, len(data), 1000):
            changed = bytearray(data)
            changed[place] ^= 1 << flips % 8
            path.write_bytes(changed)
            events, error = outcome(path)
            assert error or events == 1, place
            if flips % 10 == 0:
                assert outcome(path, salvage=True)[0] == (0 if error else 1)
            flips, refused = flips + 1, refused + bool(error)
    assert flips > 265
    assert refused > 0.95 * flips


def test_flipped_bits_in_a_compressed_file(shared_data):
    """Every thousandth byte when there is time, else every tenth of these."""
    packed = next((shared_data / "icetray-i3").glob("*.i3.gz")).read_bytes()
    places = range(20, len(packed), 1000 if SOAK else 10_000)
    refused = 0
    for place in places:
        changed = packed[:place] + bytes([packed[place] ^ 0x20]) + packed[place + 1 :]
        try:
            sound = [one.sound for one in frames(uncompressed(io.BytesIO(changed)), verify=True)]
        except FormatError:
            refused += 1
        else:
            refused += not all(sound)
    assert refused == len(places)


def test_flipped_bits_in_objects(shared_data):
    """Every thousandth byte of all objects, past the checksum: what the decoders make of it."""
    source = Source(next((shared_data / "icetray-i3").glob("*.i3.gz")))
    offset = wrong = 0
    for one in frames(source.pieces(), verify=False):
        for slot in one.slots:
            data = one.bytes_of(slot)
            for place in range(-offset % 1000, len(data), 1000):
                damaged = bytearray(data)
                damaged[place] ^= 0x10
                try:
                    decode(bytes(damaged))
                    particle_base(bytes(damaged))
                except (FormatError, UnknownLayoutError):
                    wrong += 1
            offset += len(data)
    source.close()
    assert offset > 1_400_000
    assert wrong > 500


SEEDS = [b"".join(odd_parts()), *(frame("P", {"A": build["particle"](4)}, version) for version in (2, 3, 4, 5))]
WOUNDS = st.lists(
    st.tuples(st.sampled_from(["flip", "cut", "drop", "put", "swap"]), st.integers(0, 1 << 16), st.binary(max_size=12)),
    min_size=1,
    max_size=5,
)


def damaged(data, wounds):
    for kind, number, piece in wounds:
        place = number % (len(data) + 1)
        if kind == "flip" and place < len(data):
            data = data[:place] + bytes([data[place] ^ 1 << number % 8]) + data[place + 1 :]
        elif kind == "cut":
            data = data[: len(data) - place // 50]
        elif kind == "drop":
            data = data[:place] + data[place + 1 + number % 60 :]
        elif kind == "put":
            data = data[:place] + piece + data[place:]
        else:
            data = data[:place] + piece + data[place + len(piece) :]
    return data


@SETTINGS
@given(seed=st.integers(0, len(SEEDS) - 1), wounds=WOUNDS, salvage=st.booleans())
def test_damaged_files(tmp_path, seed, wounds, salvage):
    """Old frames have no checksum, so what is damaged in them reaches the tables: both readers must still agree."""
    path = tmp_path / "x.i3"
    path.write_bytes(damaged(SEEDS[seed], wounds))
    _, error = outcome(path, salvage=salvage)
    if not error:
        compared(path, salvage=salvage)


OBJECTS = [
    slot_data
    for part in odd_parts()
    for one in frames(iter([part]), verify=False)
    for slot_data in map(one.bytes_of, one.slots)
]


@SETTINGS
@given(seed=st.integers(0, len(OBJECTS) - 1), wounds=WOUNDS)
def test_damaged_objects(seed, wounds):
    data = damaged(OBJECTS[seed], wounds)
    for read in (decode, particle_base):
        try:
            read(data)
        except (FormatError, UnknownLayoutError):
            continue


@SETTINGS
@given(seed=st.integers(0, len(OBJECTS) - 1), wounds=WOUNDS)
def test_both_readers_judge_damaged_objects_alike(tmp_path, seed, wounds):
    path = tmp_path / "x.i3"
    objects = {"X": damaged(OBJECTS[seed], wounds), "I3EventHeader": OBJECTS[1], "MCX": damaged(OBJECTS[seed], wounds)}
    path.write_bytes(frame("P", objects, 5))
    compared(path)


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed")
def test_fuzzing_with_coverage(tmp_path):
    target = REPOSITORY / "tests" / "fuzz" / "i3_target.py"
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(SEEDS):
        (corpus / f"{number}.i3").write_bytes(seed)
    limits = [f"-max_total_time={SECONDS}", "-rss_limit_mb=1500", "-timeout=20", "-max_len=20000", "-verbosity=0"]
    done = subprocess.run(
        [sys.executable, str(target), *limits, f"-artifact_prefix={tmp_path}/", str(corpus)],
        capture_output=True,
        text=True,
        timeout=SECONDS + 120,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])},
    )
    assert done.returncode == 0, done.stderr[-3000:]
