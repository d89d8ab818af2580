"""Values of events: hand-made lines in, rows out; and the grammar against the sample files."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from converters.readers.evt.grammar import (
    EVENT_TAGS,
    MAX_FIT_VALUES,
    MC_INFO_TABLE,
    MC_TRACK_LAYOUTS,
    MC_TRACKS_WITH_EXTRA,
)

Event = Callable[..., Any]
AT = "7 1.5 2.5 3.5 0.6 0.0 0.8"


@pytest.fixture
def event(tmp_path: Path, evt_read: Callable[..., Any]) -> Event:
    """Return a function that reads a file with one event."""

    def read(*lines: str, header: str = "start_run: 5\nend_event:\n") -> Any:
        path = tmp_path / "one.evt"
        path.write_bytes((header + "\n".join(["start_event: 3 1", *lines, "end_event:", ""])).encode("latin-1"))
        found = evt_read(path)
        assert len(found.events) == 1
        return found

    return read


def only(row: dict[str, Any]) -> dict[str, Any]:
    """Return what is not missing."""
    return {name: value for name, value in row.items() if value not in (-1, b"") and value == value}


@pytest.mark.parametrize("tag", MC_TRACK_LAYOUTS)
def test_every_layout_is_told_by_its_number_of_values(tag: str, event: Event) -> None:
    for layout in MC_TRACK_LAYOUTS[tag]:
        values = [float(n + 2) for n in range(len(layout))]
        found = event(f"{tag}: " + " ".join(f"{value:.1f}" for value in values))
        (row,) = found.rows("/mc_tracks")
        shown = only(row)
        shown.pop("pdgid", None)
        assert shown == {"origin": tag.encode(), **dict(zip(layout, values, strict=True))}
        assert all(found.count(f"{tag}[{n}]") == 1 for n in range(len(layout)))


@pytest.mark.parametrize("tag", MC_TRACK_LAYOUTS)
@pytest.mark.parametrize("count", [0, 1, 9, 15, 30])
def test_other_numbers_of_values_are_counted(tag: str, count: int, event: Event) -> None:
    found = event(f"{tag}: " + " ".join(["1"] * count))
    assert found.rows("/mc_tracks") == []
    assert found.count(f"{tag}, undecoded") == 1
    assert any(tag in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("program", "line", "source", "pdg"),
    [
        ("GENHEN 7.1", f"track_in: {AT} 9 0 5", 5, -13),
        ("GENHEN 7.1", f"track_in: {AT} 9 0 4", 4, -1),
        ("GENHEN 7.1", f"neutrino: {AT} 9 0 0.1 0.2 1 -14 2", -14, -14),
        ("gSeaGen 7", f"primarylepton: {AT} 9 0 6", 6, 13),
        ("gSeaGen 7", f"track_aux: {AT} 9 0 14 0", 14, 2212),
        ("Corant 4.2.5293", f"track_primary: {AT} 9 0 14", 14, 2212),
        ("Corant 4.2.5293", f"center_on_can: {AT} 9 0 402", 402, 1000020040),
        ("Corant 4.2.5293", f"track_seamuon: {AT} 9 0 6 0 -17 -26", 6, 13),
        ("Corant 4.2.5293", f"track_seaneutrino: {AT} 9 0 68 0 8 9", 68, 14),
        ("Corant 4.2.5293", f"track_in: {AT} 9 0 5 0 -17 -26", 5, -13),
        ("Corant 4.2.5293", f"neutrino: {AT} 9 0 14 0 8 9", 14, 14),
        ("Corant v5.1.9", f"track_primary: {AT} 9 0 2212", 2212, 2212),
        ("Corant 10.0", f"track_primary: {AT} 9 0 2212", 2212, 2212),
        ("Corant v5.1.9", f"track_sealepton: {AT} 9 0 -13 0 -1 321 321", -13, -13),
        ("Corant v5.1.9", f"track_in: {AT} 9 0 5", 5, -13),
    ],
)
def test_particle_codes_by_tag_and_program(program: str, line: str, source: int, pdg: int, event: Event) -> None:
    found = event(line, header=f"start_run: 1\nphysics: {program}\nend_event:\n")
    (row,) = found.rows("/mc_tracks")
    assert (row["source_code"], row["pdgid"]) == (source, pdg)


def test_the_thirteen_columns_of_propa_are_not_those_of_genhen(event: Event) -> None:
    found = event(f"neutrino: {AT} 9 0 14 0 8 9")
    (row,) = found.rows("/mc_tracks")
    assert (row["is_charm"], row["mother_id"], row["grandmother_id"]) == (0, 8, 9)
    assert math.isnan(row["bx"])
    assert found.column("mc_is_cc") == [-1]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0.100E+09-0.100E+01", [1e8, -1.0]),
        ("1D+02 2d-1", [100.0, 0.2]),
        ("0.1234-100 1.5+100", [0.1234e-100, 1.5e100]),
        ("********* 5", [math.nan, 5.0]),
        ("1_000 5", [math.nan, 5.0]),
        ("\xff\xfe 5", [math.nan, 5.0]),
        ("1 2\r", [1.0, 2.0]),
        ("\t1\t\t2  ", [1.0, 2.0]),
        ("nan -inf", [math.nan, -math.inf]),
    ],
)
def test_numbers_of_old_programs(text: str, values: list[float], event: Event) -> None:
    (row,) = event("vertex: " + text).rows("/mc_info")
    for value, expected in zip((row["vertex_0"], row["vertex_1"]), values, strict=True):
        assert value == expected or (math.isnan(value) and math.isnan(expected))


@pytest.mark.parametrize(("token", "unreadable"), [("1_000", 1), ("abc", 1), ("****", 0), ("nan", 0)])
def test_what_is_no_number_is_counted_but_overflow_is_not(token: str, unreadable: int, event: Event) -> None:
    found = event(f"vertex: {token} 1", f"track_in: {AT} 9 0 5")
    assert found.count("vertex, unreadable") == unreadable
    assert len(found.warnings) == unreadable


def test_one_bad_line_does_not_touch_its_neighbours(event: Event) -> None:
    good = f"track_in: {AT} 9 0 5 334.451"
    found = event(good, f"track_in: {AT} **** 0 6", "track_in: 1 2 3", good, f"track_in: {AT} 9.0-1.0 5")
    rows = found.rows("/mc_tracks")
    assert [row["pdgid"] for row in rows] == [-13, 13, -13, -13]
    assert [row["length"] for row in (rows[0], rows[2])] == [334.451, 334.451]
    assert rows[3]["time"] == -1.0
    assert math.isnan(rows[1]["energy"])
    assert found.count("track_in, undecoded") == 1


def test_rows_stand_in_file_order_whatever_their_tag(event: Event) -> None:
    tags = ["track_in", "neutrino", "track_in", "track_aux", "neutrino", "track_in"]
    lines = [
        f"{tag}: {n} 0 0 0 0 0 1 {n} 0 " + ("0 0 0 14 2" if tag == "neutrino" else "5") for n, tag in enumerate(tags)
    ]
    rows = event(*lines).rows("/mc_tracks")
    assert [(row["id"], row["origin"].decode()) for row in rows] == list(enumerate(tags))


@pytest.mark.parametrize(
    ("lines", "energy", "pdg"),
    [
        ([f"track_in: {AT} 9 0 5", f"track_primary: {AT} 5 0 14", f"neutrino: {AT} 3 0 0 0 0 14 2"], 3.0, 14),
        ([f"neutrino: {AT} 3 0 0 0 0 14 2", f"neutrino: {AT} 4 0 0 0 0 12 3"], 3.0, 14),
        ([f"track_in: {AT} 9 0 5", f"track_primary: {AT} 5 0 14"], 5.0, 2212),
        ([f"track_in: {AT} 2 0 5", f"track_in: {AT} 9 0 6", f"track_in: {AT} 99 0 8"], 9.0, 13),
        ([f"track_in: {AT} nan 0 5", f"track_in: {AT} 1 0 6"], 1.0, 13),
        ([f"track_in: {AT} 99 0 8"], math.nan, -1),
        ([], math.nan, -1),
    ],
)
def test_which_particle_is_the_truth(lines: list[str], energy: float, pdg: int, event: Event) -> None:
    found = event(*lines)
    assert found.column("mc_pdgid") == [pdg]
    assert found.column("mc_energy") == pytest.approx([energy], nan_ok=True)


def test_truth_points_to_where_the_neutrino_came_from(event: Event) -> None:
    found = event("neutrino: 1 0 0 0 0.6 0.0 0.8 3 0 0.25 0.5 1 14 2")
    assert found.column("mc_zenith") == pytest.approx([math.pi - math.acos(0.8)])
    assert found.column("mc_azimuth") == pytest.approx([math.pi])
    assert (found.column("mc_is_cc"), found.column("mc_bjorken_y")) == ([1], [0.5])
    assert event("neutrino: 1 0 0 0 0.6 0.0 0.8 3 0 0.25 0.5 1 14 3").column("mc_is_cc") == [0]


@pytest.mark.parametrize(
    ("line", "seconds", "nanoseconds", "source", "placeholders"),
    [
        ("eventtime: 1200000000 7", 1_200_000_000, 112, (1_200_000_000, 112), 0),
        ("eventtime: 1200000000 62499999", 1_200_000_000, 999_999_984, (1_200_000_000, 999_999_984), 0),
        ("eventtime: 1200000000 62500000", -1, -1, (1_200_000_000, 10**9), 1),
        ("eventtime: -1717986919 -1717986919", -1, -1, (-1717986919, -27487790704), 1),
        ("eventtime: 0 0", -1, -1, (0, 0), 1),
        ("eventtime: 1200000000 *****", -1, -1, (1_200_000_000, -1), 1),
        ("eventtime: ***** 5", -1, -1, (-1, 80), 0),
        ("", -1, -1, (-1, -1), 0),
    ],
)
def test_event_time(
    line: str, seconds: int, nanoseconds: int, source: tuple[int, int], placeholders: int, event: Event
) -> None:
    found = event(line)
    assert (found.column("timestamp"), found.column("nanoseconds")) == ([seconds], [nanoseconds])
    assert (found.column("source_t_sec"), found.column("source_t_nanosec")) == ([source[0]], [source[1]])
    assert found.count("eventtime without a time") == placeholders


@pytest.mark.parametrize("count", [0, 5, 12, 64, 70])
def test_track_fit_is_an_open_list(count: int, event: Event) -> None:
    found = event("track_fit: " + " ".join(str(n + 0.5) for n in range(count)), "track_fit: 1 2")
    first, second = found.rows("/reco/track_fit")
    assert (first["n_values"], second["n_values"]) == (count, 2)
    shown = [first[f"value_{n:02d}"] for n in range(MAX_FIT_VALUES)]
    assert shown[:count] == [n + 0.5 for n in range(min(count, MAX_FIT_VALUES))]
    assert all(math.isnan(value) for value in shown[count:])
    assert found.count("track_fit, long lines") == max(0, count - MAX_FIT_VALUES)


@pytest.mark.parametrize(
    ("text", "target"), [("O16       14.890", b"O16 14.890"), ("8 16", b"8 16"), ("\xd6l\r", b"\xd6l"), ("", b"")]
)
def test_target_is_text(text: str, target: bytes, event: Event) -> None:
    assert event("target: " + text).rows("/mc_info")[0]["target"] == target


def test_the_first_of_repeated_lines_counts(event: Event) -> None:
    found = event("weights: 1 2 3", "weights: 4 5 6", "target: a", "target: b", "weights: 7")
    assert found.column("weight_w2") == [2.0]
    assert found.rows("/mc_info")[0]["target"] == b"a"
    assert (found.count("weights, repeated"), found.count("target, repeated")) == (2, 1)


@pytest.mark.parametrize(("text", "weights"), [("1 2 3", [1, 2, 3]), ("1", [1, None, None]), ("1 2 3 4", [1, 2, 3])])
def test_weights(text: str, weights: list[float | None], event: Event) -> None:
    found = event("weights: " + text)
    for name, weight in zip(("weight_w1", "weight_w2", "weight_w3"), weights, strict=True):
        (value,) = found.column(name)
        assert value == weight if weight is not None else math.isnan(value)


@pytest.mark.parametrize("tag", EVENT_TAGS)
def test_too_many_and_no_values_are_counted(tag: str, event: Event) -> None:
    for text in ("", " 1" * 40):
        found = event(f"{tag}:{text}")
        assert found.count(f"{tag}, undecoded") == 1
        names = [name for name in EVENT_TAGS[tag].columns if not name.startswith("source_t")]
        row = found.rows("/mc_info")[0] | found.events[0].event_info
        assert all(row[name] == -1 or math.isnan(row[name]) for name in names)


@pytest.mark.parametrize(
    ("lines", "n_hits", "total"),
    [
        (["hit: 1 2 3", "hit_raw: 1 2 3", "hit_raw: 1"], 3, -1),
        (["total_hits: 0", "hit_raw: 1 2 3"], 1, 0),
        (["total_hits: 0"], 0, 0),
        (["neutrino: 1"], -1, -1),
    ],
)
def test_hits_are_counted_not_kept(lines: list[str], n_hits: int, total: int, event: Event) -> None:
    found = event(*lines)
    (row,) = found.rows("/mc_info")
    assert found.column("n_hits") == [n_hits]
    assert (row["n_hit_lines"], row["total_hits"]) == (max(n_hits, 0), total)


@pytest.mark.parametrize(
    ("start", "number", "kind"),
    [
        ("start_event: 3 2", 3, 2),
        ("start_event:", -1, -1),
        ("start_event: 3", 3, -1),
        ("start_event: x y", -1, -1),
        ("start_event: 1 2 3", 1, 2),
    ],
)
def test_number_and_type_of_the_event(start: str, number: int, kind: int, tmp_path: Path, evt_read: Any) -> None:
    (tmp_path / "one.evt").write_text(f"{start}\nend_event:\n")
    found = evt_read(tmp_path / "one.evt")
    assert found.column("source_event_id") == [number]
    assert found.rows("/mc_info")[0]["event_type"] == kind


def test_lines_of_monstrous_length_are_counted_only(event: Event) -> None:
    found = event("weights: " + "1" * 100_000, "track_fit: " + "1-" * 50_000, "weights: 1 2 3")
    assert found.count("weights, undecoded") == 1
    assert found.count("track_fit, undecoded") == 1
    assert found.rows("/reco/track_fit") == []


def test_every_column_of_the_grammar_is_in_its_table() -> None:
    tracks = {column.name for column in MC_TRACKS_WITH_EXTRA.columns}
    for layouts in MC_TRACK_LAYOUTS.values():
        assert len({len(layout) for layout in layouts}) == len(layouts), "two layouts have equally many values"
        assert all(set(layout) <= tracks for layout in layouts)
    info = {column.name for column in MC_INFO_TABLE.columns}
    assert all(set(tag.columns) <= info for tag in EVENT_TAGS.values() if not tag.in_events)
