"""The two readers of `.evt` files against each other, value by value."""

import gzip
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from converters.layout import EVENT_INFO_TABLE, EVENTS_TABLE
from converters.readers.evt.reader import EvtReader
from converters.reread.evt import reread
from converters.source import ReadOptions
from legacy.errors import CorruptInputError

Difference = Callable[..., tuple[int, str]]
Sample = Callable[[str], Path]

SAMPLES = {
    "evt/example_numuCC.evt": 109,
    "evt/example_numuNC.evt": 1,
    "evt/KM3Sim.evt": 10,
    "gseagen/gseagen_v7.0.0_numuCC_diffuse.evt": 82,
    "mupage/mcv5.0.mupage_1G.5.evt": 20,
    "evt/corant_5.1.9.evt": 3,
    "evt/example_corant_propa.evt": 1,
}
HEADER = b"start_run: 3\nphysics: Corant 4.2\nend_event:\n"
AT = b"1 0.5 -0.5 2 0.6 0 -0.8"
TRACK = b"track_in: " + AT + b" 5 0 5\n"


def event(*lines: bytes) -> bytes:
    return b"start_event: 4 1\n" + b"\n".join(lines) + b"\nend_event:\n"


NASTY = {
    "no header": event(TRACK),
    "no newline": (HEADER + event(TRACK)).rstrip(),
    "crlf": (HEADER + event(TRACK, b"target: O16 14.89", b"weights: 1 2 3")).replace(b"\n", b"\r\n"),
    "blank lines": (HEADER + event(TRACK)).replace(b"\n", b"\n\n \t\n"),
    "glued": HEADER + event(b"track_in: 1 0.5-0.5 2 0.6 0-0.8 5 0 5", b"vertex: 0.100E+09-0.100E+01"),
    "stars": HEADER + event(b"track_in: ** **** 0 0 0 0 1 ***** 0 5", TRACK, b"total_hits: *****"),
    "exponents": HEADER + event(b"track_in: 1 1D1 1.5d-1 .5-100 0 0 1 1.5+100 0.E0 5"),
    "no numbers": HEADER + event(b"track_in: 1_0 x \xb2 0x1 1,5 -- + 1\x002 nano 5", b"weights: a b c"),
    "absurd": HEADER + event(b"track_in: 9007199254740993 1e400 nan -inf 1e308 1e308 1e308 1e-400 0 5.5"),
    "bytes": HEADER + event(b"\xff\xfe\xe9: 1", b"target: \xd6\x00x\x00", TRACK + b"\x00\x01"),
    "nbsp": HEADER + event(b"track_in:\xa01\xa00\x850 0 0 0\x1c1 5 0 5"),
    "no colon": HEADER + event(b"track_in 1 2", b": 1 2", b"", TRACK),
    "repeated": HEADER
    + event(b"weights: 1 2 3 4 5", b"weights: 1 2 3", b"target: a", b"target: b", b"w2list:", b"w3list: 1"),
    "counts": HEADER
    + event(*(b"track_in: " + b"1 " * n for n in range(16)), *(b"neutrino: " + b"2 " * n for n in range(16))),
    "fits": HEADER + event(*(b"track_fit: " + b"1.5 " * n for n in (0, 5, 12, 64, 70))),
    "long": HEADER + event(b"weights: " + b"1" * 20_000, b"track_fit: " + b"1 " * 10_000, b"vertex: " + b"1" * 16_370),
    "times": HEADER
    + b"".join(
        event(b"eventtime: " + t)
        for t in (b"1200000000 7", b"-1717986919 -1717986919", b"1200000000", b"1e9 -1", b"* 1")
    ),
    "hits": HEADER
    + event(b"hit: 1", b"hit_raw: 1", b"hits: 1", b" hit: 1", b"hit :", b"total_hits: 0")
    + event(b"total_hits: 5"),
    "outside": HEADER + TRACK + event() + b"hit: 1\nweights: 1\n" + event(TRACK),
    "truth": HEADER
    + event(TRACK, b"track_in: " + AT + b" nan 0 6", b"track_in: " + AT + b" 7 0 6")
    + event(b"neutrino: 1 0 0 0 0 0 0 5 0 0.1 0.2 1 14 3", b"track_primary: " + AT + b" 5 0 14")
    + event(b"track_primary: " + AT + b" 5 0 14", b"track_primary: " + AT + b" 6 0 402"),
    "vertical": HEADER
    + event(b"neutrino: 1 0 0 0 0 0 -1 5 0 0.1 0.2 1 14 2")
    + event(b"neutrino: 1 0 0 0 -0 -0 1 5 0 0.1 0.2 1 14 2"),
    "codes": HEADER
    + event(
        *(
            b"track_seamuon: " + AT + b" 5 0 %d 0 0 0" % code
            for code in (*range(-3, 140), 199, 200, 402, 5626, 6001, 6100, 9999)
        )
    )
    + event(*(b"track_in: " + AT + b" 5 0 %d" % code for code in range(-3, 70)))
    + event(*(b"neutrino: " + AT + b" 5 0 %d 0 0 0" % code for code in (0, -1, 14, -14))),
    "joined": HEADER
    + event(b"track_primary: " + AT + b" 5 0 14")
    + b"start_run: 4\nphysics: Corant v5.1\nend_event:\n"
    + event(b"track_primary: " + AT + b" 5 0 14")
    + b"start_run: 5\nend_event:\n"
    + event(b"track_primary: " + AT + b" 5 0 14"),
    "header twice": b"start_run: 1\nstart_run: 2\nsimul: Corant 6\n" + event(b"track_primary: " + AT + b" 5 0 14"),
    "late start_run": b"physics: Corant 7\n\nstart_run: 2\nend_event:\n" + event(b"track_primary: " + AT + b" 5 0 14"),
    "only a header": HEADER,
    "long start": HEADER + event(TRACK).replace(b"4 1", b"4 1" + b" " * 20_000),
}
BROKEN = {
    "cut": HEADER + event(TRACK) + b"start_event: 5 1\n" + TRACK,
    "cut in start_event": HEADER + event(TRACK) + b"start_ev",
    "no end": HEADER + b"start_event: 5 1\n" + TRACK + event(TRACK),
    "no start": HEADER + event(TRACK) + TRACK + b"end_event:\n" + event(TRACK),
    "header in event": HEADER + event(TRACK) + b"start_event: 5 1\n" + HEADER.replace(b"3", b"8") + event(TRACK),
    "rest": HEADER + event(TRACK) + b"something else\n\n",
}


def write(folder: Path, data: bytes) -> Path:
    path = folder / "file.evt"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(("name", "events"), SAMPLES.items())
def test_both_readers_agree_on_samples(name: str, events: int, sample: Sample, evt_difference: Difference) -> None:
    assert evt_difference(sample(name)) == (events, "")


@pytest.mark.parametrize("name", SAMPLES)
def test_no_column_of_the_reader_is_left_out(name: str, sample: Sample) -> None:
    with EvtReader().open(sample(name), ReadOptions()) as file:
        filled = set(next(file.batches()).events)
    expected = next(reread(sample(name), ReadOptions()))
    assert filled & {column.name for column in EVENTS_TABLE.columns} <= set(expected.events)
    assert filled & {column.name for column in EVENT_INFO_TABLE.columns} <= set(expected.event_info)


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("packed", [False, True])
def test_both_readers_agree_on_nasty_files(name: str, packed: bool, tmp_path: Path, evt_difference: Difference) -> None:
    data = NASTY[name]
    path = write(tmp_path, gzip.compress(data[:30]) + gzip.compress(data[30:]) + b"\0" * 512 if packed else data)
    assert evt_difference(path) == (data.count(b"start_event:"), "")


@pytest.mark.parametrize("name", BROKEN)
def test_incomplete_events_are_refused_or_left_out(name: str, tmp_path: Path, evt_difference: Difference) -> None:
    path = write(tmp_path, BROKEN[name])
    with pytest.raises(CorruptInputError):
        list(reread(path, ReadOptions()))
    count, difference = evt_difference(path, salvage=True)
    assert difference == ""
    assert count == (1 if name in ("cut", "cut in start_event", "rest", "no end") else 2)


@pytest.mark.parametrize(
    "data", [b"", b"\n\n", HEADER[:20], b"start_event: 1 1\n", b"%PDF-1.4\n", gzip.compress(b"", mtime=0)]
)
@pytest.mark.parametrize("salvage", [False, True])
def test_files_without_any_event(data: bytes, salvage: bool, tmp_path: Path) -> None:
    with pytest.raises(CorruptInputError):
        list(reread(write(tmp_path, data), ReadOptions(salvage=salvage)))


@pytest.mark.parametrize("lost", [1, 9, 100])
def test_gzip_cut_short(lost: int, sample: Sample, tmp_path: Path, evt_difference: Difference) -> None:
    packed = gzip.compress(sample("mupage/mcv5.0.mupage_1G.5.evt").read_bytes())
    path = write(tmp_path, packed[:-lost])
    with pytest.raises(CorruptInputError, match="gzip"):
        list(reread(path, ReadOptions()))
    count, difference = evt_difference(path, salvage=True)
    assert (count > 10, difference) == (True, "")


def test_values_by_hand(tmp_path: Path) -> None:
    """Against numbers worked out on paper, not against the other reader."""
    lines = (
        b"neutrino: 7 1 2 3 0.6 0 0.8 9 0.5 0.25 0.75 1 -14 2",
        b"hit: 1",
        b"weights: 1 2.5 3",
        b"eventtime: 1200000000 2",
    )
    (found,) = reread(write(tmp_path, HEADER + event(*lines)), ReadOptions())
    assert found.events["mc_zenith"] == pytest.approx(math.pi - math.acos(0.8))
    assert found.events["mc_azimuth"] == pytest.approx(math.pi)
    shown = {
        name: found.events[name]
        for name in ("mc_energy", "mc_pdgid", "mc_is_cc", "n_hits", "run_id", "timestamp", "nanoseconds")
    }
    assert list(shown.values()) == [9.0, -14, 1, 1, 3, 1_200_000_000, 32]
    assert (found.event_info["source_event_id"], found.event_info["weight_w2"]) == (4, 2.5)
    (track,) = found.tables["/mc_tracks"]
    assert (track["origin"], track["bx"], track["by"], track["source_code"]) == (b"neutrino", 0.25, 0.75, -14)
    assert track["length"] != track["length"]
