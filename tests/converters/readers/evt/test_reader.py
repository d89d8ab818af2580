"""The reader on real files, and on files as they should not be but are."""

import gzip
import hashlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from converters.readers.evt import stream
from converters.readers.evt.grammar import EVENT_TAGS, MC_TRACK_LAYOUTS
from converters.readers.evt.reader import EvtReader
from converters.source import ReadOptions
from legacy.errors import InputError

Sample = Callable[[str], Path]
Read = Callable[..., Any]

PROPA = "evt/example_corant_propa.evt"
GSEAGEN = "gseagen/gseagen_v7.0.0_numuCC_diffuse.evt"
MUPAGE = "mupage/mcv5.0.mupage_1G.5.evt"
SAMPLES = {
    "evt/example_numuCC.evt": (109, "GENHEN 7.1-120213 + KM3 3.06-281009"),
    "evt/example_numuNC.evt": (1, "GENHEN 7.1-120213 + KM3 3.06-281009 + MODK40 4.10-281009"),
    "evt/KM3Sim.evt": (10, "gSeaGen 4.1 + GENIE 2.10.2"),
    GSEAGEN: (82, "gSeaGen dev + GENIE 3.0.2 + GENIE_REWEIGHT 1.0.0"),
    MUPAGE: (20, "HEMAS-DPM 07.01 + MUPAGE v4.0-2-g8eaa3c7-191009"),
    "evt/corant_5.1.9.evt": (3, "CORSIKA 7.500 + Corant v5.1.9"),
    PROPA: (1, "Corant 4.2.5293 + propa 5296:529"),
}
SMALL = [name for name in SAMPLES if name != "evt/example_numuCC.evt"]
EVENT = b"start_event: %d 1\ntrack_in: 1 0 0 0 0 0 1 5 0 5\nend_event:\n"


@pytest.fixture
def written(tmp_path: Path, evt_read: Read) -> Read:
    """Return a function that writes bytes to a file and reads it."""

    def read(data: bytes, **options: bool) -> Any:
        path = tmp_path / "file.evt"
        path.write_bytes(data)
        return evt_read(path, **options)

    return read


@pytest.mark.parametrize(("name", "expected"), SAMPLES.items())
def test_samples(name: str, expected: tuple[int, str], sample: Sample, evt_read: Read) -> None:
    found = evt_read(sample(name))
    assert (len(found.events), found.facts.generator) == expected
    assert (found.facts.format, found.facts.kind) == ("evt", "mc")
    assert found.facts.detector == ""
    assert found.warnings == ()
    assert found.digest == hashlib.sha256(sample(name).read_bytes()).hexdigest()


@pytest.mark.parametrize("name", SAMPLES)
def test_no_line_is_lost(name: str, sample: Sample, evt_read: Read) -> None:
    """Header lines and counts of the coverage add up to the lines of the file, tag by tag."""
    lines = [line for line in sample(name).read_bytes().decode("latin-1").split("\n") if line.strip()]
    found = evt_read(sample(name))
    met = Counter(line.partition(":")[0] for line in lines)
    met.subtract(Counter(line.parameter for line in found.header))
    for tag, count in met.items():
        if tag in MC_TRACK_LAYOUTS or tag in EVENT_TAGS:
            counted = sum(found.count(f"{tag}{end}") for end in ("[0]", ", undecoded", ", repeated", ", outside"))
        else:
            counted = found.count("start_event[0]" if tag == "start_event" else tag)
        assert counted == count, tag
    assert found.count("header") == len(found.header)
    fields = Counter(row.field for row in found.coverage)
    assert max(fields.values()) == 1


def test_facts_of_the_samples(sample: Sample, evt_read: Read) -> None:
    numucc = evt_read(sample("evt/example_numuCC.evt"))
    first = numucc.rows("/mc_tracks")[1]
    assert (first["origin"], first["length"], first["source_code"], first["pdgid"]) == (b"track_in", 334.451, 5, -13)
    assert {row["total_hits"] for row in numucc.rows("/mc_info")} == {0}
    assert sum(row["n_hit_lines"] for row in numucc.rows("/mc_info")) == numucc.count("hit_raw") == 416_696
    assert numucc.column("source_event_id")[0] == 13
    assert numucc.column("run_id") == [2] * 109
    assert evt_read(sample("evt/example_numuNC.evt")).column("mc_is_cc") == [0]
    assert evt_read(sample("evt/KM3Sim.evt")).rows("/mc_info")[0]["target"] == b"O16 14.890"
    assert evt_read(sample("evt/corant_5.1.9.evt")).rows("/mc_tracks")[0]["pdgid"] == 2212


def test_placeholder_times_are_missing(sample: Sample, evt_read: Read) -> None:
    found = evt_read(sample(GSEAGEN))
    assert set(found.column("timestamp")) == set(found.column("nanoseconds")) == {-1}
    assert set(found.column("source_t_sec")) == {-1717986919, 0}
    assert found.count("eventtime without a time") == 82


def test_header_of_the_propa_sample(sample: Sample, evt_read: Read) -> None:
    header = evt_read(sample(PROPA)).header
    by_tag = [(line.parameter, line.values) for line in header]
    assert ("physics", ("propa", "5296:529", "12853")) in by_tag
    assert ("can", ("0.000", "922.000", "*********")) in by_tag
    assert [tag for tag, _ in by_tag].count("seed") == 2
    assert ("det_geo", ()) in by_tag


def test_glued_numbers_of_the_header(sample: Sample, evt_read: Read) -> None:
    header = evt_read(sample("evt/example_numuNC.evt")).header
    assert next(line.values for line in header if line.parameter == "cut_nu") == (
        *("0.100E+03", "0.100E+09"),
        *("-0.100E+01", "0.100E+01"),
    )
    versions = [line.values[:2] for line in header if line.parameter == "simul"]
    assert versions == [("KM3", "3.06-281009"), ("MODK40", "4.10-281009")]


@pytest.mark.parametrize("size", [64, 100, 101, 102, 1000])
@pytest.mark.parametrize("name", SMALL)
def test_blocks_of_any_size_give_the_same(
    name: str, size: int, sample: Sample, evt_read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = evt_read(sample(name))
    monkeypatch.setattr(stream, "BLOCK_SIZE", size)
    assert repr(evt_read(sample(name))) == repr(expected)


def test_block_borders_at_every_place(written: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"start_run: 1\nend_event:\n" + EVENT % 1 + b"\n \n" + EVENT % 2 + b"start_run: 2\nend_event:\n" + EVENT % 3
    expected = repr(written(data))
    for size in range(2, len(data) + 2):
        monkeypatch.setattr(stream, "BLOCK_SIZE", size)
        assert repr(written(data)) == expected, size


@pytest.mark.parametrize("name", SMALL)
def test_gzip(name: str, sample: Sample, evt_read: Read, tmp_path: Path) -> None:
    data = sample(name).read_bytes()
    path = tmp_path / "packed.evt.gz"
    path.write_bytes(gzip.compress(data[:1001]) + gzip.compress(data[1001:]))
    found, expected = evt_read(path), evt_read(sample(name))
    assert (repr(found.events), found.header) == (repr(expected.events), expected.header)
    assert found.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert EvtReader().sniff(path.read_bytes()[:4096], path)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("end", [b"\r\n", b" \n", b"\n\n", b"\n \t\n"])
def test_other_line_ends(name: str, end: bytes, sample: Sample, written: Read, evt_read: Read) -> None:
    found, expected = written(sample(name).read_bytes().replace(b"\n", end)), evt_read(sample(name))
    assert (repr(found.events), found.header) == (repr(expected.events), expected.header)
    assert found.coverage == expected.coverage


@pytest.mark.parametrize("name", SMALL)
def test_no_newline_at_the_end(name: str, sample: Sample, written: Read, evt_read: Read) -> None:
    assert repr(written(sample(name).read_bytes().rstrip()).events) == repr(evt_read(sample(name)).events)


@pytest.mark.parametrize("size", [100, 4 << 20])
def test_joined_files_keep_their_own_run_and_codes(
    size: int, sample: Sample, written: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BLOCK_SIZE", size)
    names = (PROPA, MUPAGE, "evt/corant_5.1.9.evt", PROPA)
    found = written(b"".join(sample(name).read_bytes() for name in names))
    assert found.column("run_id") == [1] + [5] * 20 + [1] * 3 + [1]
    primaries = [
        (row["source_code"], row["pdgid"]) for row in found.rows("/mc_tracks") if row["origin"] == b"track_primary"
    ]
    assert primaries == [(14, 2212), (2212, 2212), (2212, 2212), (2212, 2212), (14, 2212)]
    assert sum(line.parameter == "start_run" for line in found.header) == 4


@pytest.mark.parametrize(
    ("header", "run", "count"),
    [
        (b"", -1, 0),
        (b"end_event:\n", -1, 0),
        (b"start_run: 8\n", 8, 1),
        (b"\n\nstart_run: 8\nend_event:\n", 8, 1),
        (b"start_run: 8\nstart_run: 8\nphysics: GENHEN 7\nend_event:\n", 8, 3),
        (b"physics: GENHEN 7\nstart_run: 8\nend_event:\n", 8, 2),
        (b"start_run: x\nend_event:\n", -1, 1),
        (b"start_run: 99999999999999999999\nend_event:\n", -1, 1),
        (b"start_run: 8\nno colon here\n\xe9\xff: \xfc\nend_event:\n", 8, 3),
    ],
)
def test_headers(header: bytes, run: int, count: int, written: Read) -> None:
    found = written(header + EVENT % 1 + EVENT % 2)
    assert found.column("run_id") == [run, run]
    assert (len(found.header), found.count("header")) == (count, count)


def test_unknown_tags_are_counted_by_name_and_never_fail(written: Read) -> None:
    odd = b"muon_decay: 1 2\nhourangle: 5\nno colon\n: nothing\nneutrino : 1\n\xe9\xff: 3\nmuon_decay: x\n"
    found = written(b"start_event: 1 1\n" + odd + b"end_event:\nstray: 1\n" + EVENT % 2)
    assert len(found.events) == 2
    counts = {row.field: row.count for row in found.coverage}
    assert counts["muon_decay"] == 2
    assert counts["hourangle"] == counts["neutrino "] == counts["\xe9\xff"] == counts["stray"] == 1
    assert counts["lines without a tag"] == 2
    assert counts["stray, outside"] == 1
    assert all(row.destination == "" for row in found.coverage if row.field in ("muon_decay", "neutrino "))


@pytest.mark.parametrize("line", [b"detector: ANTARES_v3.det\n", b"usedetfile: antares.det\n"])
def test_antares_is_named_by_the_header(line: bytes, written: Read) -> None:
    assert written(b"start_run: 1\n" + line + b"end_event:\n" + EVENT % 1).facts.detector == "antares"
    assert written(b"start_run: 1\nauthor: antares\nend_event:\n" + EVENT % 1).facts.detector == ""


@pytest.mark.parametrize("size", [64, 4 << 20])
def test_files_without_simulation_are_data(size: int, written: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BLOCK_SIZE", size)
    header = b"start_run: 12345\nend_event:\n"
    assert written(header + b"start_event: 1 1\nhit: 1 2 3\nend_event:\n").facts.kind == "data"
    assert written(header + EVENT % 1).facts.kind == "mc"


def test_a_header_alone_has_no_events(written: Read) -> None:
    found = written(b"start_run: 1\nend_event:\n")
    assert (found.events, len(found.header)) == ([], 1)


def test_there_is_no_fit_to_ask_for(sample: Sample) -> None:
    with pytest.raises(InputError, match="no fit called aafit"):
        EvtReader().open(sample(MUPAGE), ReadOptions(reco="aafit"))


@pytest.mark.parametrize(
    ("head", "known"),
    [
        (b"start_run: 1\n", True),
        (b"\n\n  start_event: 1 1\n", True),
        (b"%PDF-1.4\nstart\n", False),
        (b"\x1f\x8bgarbage", False),
        (gzip.compress(b"hello\n", mtime=0), False),
        (gzip.compress(b"start_run: 1\n", mtime=0), True),
        (b"", False),
    ],
)
def test_sniff(head: bytes, known: bool) -> None:
    assert EvtReader().sniff(head, Path("some.evt")) is known


def test_a_long_target_is_counted_not_cut(written: Read) -> None:
    events = [b"start_event: 1 1\ntarget: %s\nend_event:\n" % text for text in (b"x" * 33, b"O16 14.89")]
    found = written(b"".join(events))
    assert [row["target"] for row in found.rows("/mc_info")] == [b"", b"O16 14.89"]
    assert any("'target'" in warning for warning in found.warnings)
