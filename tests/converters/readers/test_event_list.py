"""Public event lists: the real list of 2007 to 2017 and small lists with one thing wrong each."""

from pathlib import Path

import numpy as np
import pytest

from converters.readers.event_list import EventListReader
from converters.source import ReadOptions
from legacy.errors import CorruptInputError, InputError, UsageError

ROWS = ["318.1\t38.3\t47\t0.4\t55127.2894", "68.2\t19.5\t21\t1.0\t54138.3105", "26.5\t-60.0\t33\t0.8\t54138.5830"]
WEB_ROWS = ["38.3\t318.1\t47\t0.4\t55127.2894", "19.5\t68.2\t21\t1.0\t54138.3105", "-60.0\t26.5\t33\t0.8\t54138.5830"]
AMBIGUOUS = ["18.1 38.3 47 0.4 55127.2894", "68.2 19.5 21 1.0 54138.3105"]


@pytest.fixture
def write(tmp_path):
    def make(lines, name="list.dat", end="\n", encoding="latin-1"):
        path = tmp_path / name
        path.write_bytes((end.join(lines) + end).encode(encoding))
        return path

    return make


def read(path: Path, **options):
    with EventListReader().open(path, ReadOptions(**options)) as file:
        batches = list(file.batches())
        names = batches[0].events
        columns = {name: np.concatenate([batch.events[name] for batch in batches]) for name in names}
        return columns, file


def test_public_list(shared_data):
    columns, file = read(shared_data / "antares-public-2007-2017" / "ANTARES.data")
    assert file.facts.n_events == len(columns["ra"]) == 8754
    assert (file.facts.kind, file.facts.detector, file.facts.default_reco) == ("data", "antares", "public_ps")
    assert (columns["ra"].min(), columns["ra"].max()) == (0.0, 359.9)
    assert np.count_nonzero(columns["ra"] == 0) == 4  # one 0.0 and three 360.0 in the file
    assert (columns["dec"].min(), columns["dec"].max()) == (-89.3, 52.8)
    assert (columns["n_hits"].min(), columns["n_hits"].max()) == (13, 263)
    assert (columns["angular_error"].min(), columns["angular_error"].max()) == (0.1, 1.0)
    assert (columns["mjd"].min(), columns["mjd"].max()) == (54138.3105, 58118.3703)
    first = {name: values[0].item() for name, values in columns.items()}
    assert first == {
        "reco": b"public_ps",
        "ra": 318.1,
        "dec": 38.3,
        "n_hits": 47,
        "angular_error": 0.4,
        "mjd": 55127.2894,
        "internal_id": b"ANT2002",
    }
    assert len(set(columns["internal_id"].tolist())) == 8754
    assert "3 values of 360" in next(row.note for row in file.coverage() if row.destination == "/events.ra")


# Identifiers as the Virtual Observatory table ant20_01.main has them, in public notebooks.
PUBLIC_IDENTIFIERS = {
    (54500.0934, 43.5, 32.3): 366,
    (54725.8894, 200.4, 17.9): 886,
    (54731.2417, 281.1, -48.7): 907,
    (54789.2282, 315.0, -16.7): 1157,
    (54854.3592, 43.2, 44.7): 1394,
    (55592.169, 43.3, 35.8): 3412,
    (55692.7303, 18.7, 31.1): 3659,
    (55756.7405, 44.5, 32.8): 3846,
    (55970.095, 18.6, -43.3): 4737,
    (56195.5948, 20.3, 30.2): 5087,
    (56221.4919, 39.6, 11.0): 5198,
    (56329.4015, 156.7, 3.6): 5571,
    (56412.889, 283.4, -57.1): 5655,
    (56660.329, 10.8, -1.5): 6138,
    (57258.5917, 43.5, 36.9): 7402,
    (57998.9599, 1.8, -64.0): 8518,
}


def test_identifiers_are_the_public_ones(shared_data):
    columns, _ = read(shared_data / "antares-public-2007-2017" / "ANTARES.data")
    keys = zip(columns["mjd"].tolist(), columns["ra"].tolist(), columns["dec"].tolist(), strict=True)
    found = dict(zip(keys, columns["internal_id"].tolist(), strict=True))
    for event, number in PUBLIC_IDENTIFIERS.items():
        assert found[event] == f"ANT{number:04d}".encode()
    # The service's own order is not strictly that of time: it calls this event ANT5888.
    assert found[56574.7303, 105.2, -44.3] == b"ANT5889"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "separate",
    ["\t".join, " ".join, ",".join, ", ".join, ";".join],
    ids=["tab", "space", "comma", "comma+", "semicolon"],
)
def test_separators_and_line_ends(write, separate, end):
    path = write([separate(row.split("\t")) for row in ROWS], end=end)
    columns, _ = read(path)
    assert columns["ra"].tolist() == [318.1, 68.2, 26.5]
    assert columns["dec"].tolist() == [38.3, 19.5, -60.0]


@pytest.mark.parametrize(
    "header",
    [
        ["ANTARES events 2007-2017", "Decl RA Nhit Beta MJD"],
        ["Decl\tRA\tNhit\tBeta\tMJD", "[deg]\t[deg]\t\t[deg]\t[d]"],
        ["# Decl[deg] RA[deg] Nhit Beta[deg] MJD"],
        ["Decl. (deg), RA (deg), nhits, angular_error, mjd"],
        ["8754 events", "8754 events of 2007 to 2017", "Dec RA Nhit Beta MJD"],
        ["Dec_deg RA_deg Nhit Beta_deg MJD_UTC"],
        ["# Decl [deg, J2000], RA [deg, J2000], Nhit [deg], Beta [deg], MJD [UTC]"],
    ],
)
def test_columns_named_by_the_list(write, header):
    columns, file = read(write([*header, "38.3\t18.1\t47\t0.4\t55127.2894", "19.5\t68.2\t21\t1.0\t54138.3105"]))
    assert columns["dec"].tolist() == [38.3, 19.5]
    assert columns["ra"].tolist() == [18.1, 68.2]
    assert [" ".join(line.values) for line in file.header] == [" ".join(line.split()) for line in header]
    assert "Dec" in next(row.field for row in file.coverage() if row.destination == "/events.dec")


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (["RA[rad] Dec[rad] Nhit Beta MJD"], "ra in 'rad'"),
        (["RA (h), Dec (deg), Nhit, Beta (deg), MJD"], "ra in 'h'"),
        (["RA [deg]\tDec [deg]\tNhit\tBeta [arcmin]\tMJD"], "angular_error in 'arcmin'"),
        (["RA Dec Nhit Beta MJD", "[rad] [rad] [] [deg] [d]"], "ra in 'rad'"),
        (["RA\tDec\tNhit\tBeta\tMJD", "deg\tdeg\t\trad\td"], "angular_error in 'rad'"),
        (["RA Dec Nhit Beta MJD", "deg deg rad d"], "angular_error in 'rad'"),
        (["ra_rad dec_rad nhit beta mjd"], "ra in 'rad'"),
        (["RA [hours] Dec x y z"], "ra in 'hours'"),
        (["ra dec nhit beta mjd (TT)"], "mjd in 'TT'"),
        (["# %ECSV 1.0", "# - {name: dec, unit: rad, datatype: float64}", "ra dec nhit beta mjd"], "dec in 'rad'"),
    ],
)
def test_other_units_are_refused(write, header, found):
    path = write([*header, "3.1\t-0.4\t47\t0.4\t55127.2894", "2.1\t1.2\t21\t1.0\t54138.3105"])
    with pytest.raises(InputError, match="says another unit") as caught:
        read(path)
    assert found in str(caught.value)
    columns, _ = read(path, columns=("ra", "dec", "nhit", "beta", "mjd"))
    assert columns["ra"].tolist() == [3.1, 2.1]


def test_right_ascensions_that_may_be_hours_are_warned_about(write):
    lines = [f"{n * 1.1:.1f} -10.5 47 0.4 55127.2894" for n in range(20)]
    for rows, warned in ((lines, True), (lines[1:], False), ([*lines, ROWS[0].replace("318.1", "24.5")], False)):
        _, file = read(write([*rows]))
        assert any("hours" in text for text in file.warnings()) == warned


def test_columns_found_from_values(write):
    for lines in (ROWS, WEB_ROWS, ["title", "and units", *WEB_ROWS]):
        columns, file = read(write(lines))
        assert columns["ra"].tolist() == [318.1, 68.2, 26.5]
        assert columns["dec"].tolist() == [38.3, 19.5, -60.0]
        assert any("does not name its columns" in text for text in file.warnings())


def test_order_is_not_guessed(write):
    with pytest.raises(InputError, match=r"cannot be told apart.*--columns") as caught:
        read(write(AMBIGUOUS))
    assert not isinstance(caught.value, CorruptInputError)


@pytest.mark.parametrize(
    ("columns", "ra"),
    [
        (("ra", "dec", "nhit", "beta", "mjd"), [18.1, 68.2]),
        (("decl", "ra", "n_hits", "angular_error", "-"), [38.3, 19.5]),
    ],
)
def test_columns_named_by_the_user(write, columns, ra):
    found, file = read(write(AMBIGUOUS), columns=columns)
    assert found["ra"].tolist() == ra
    assert ("mjd" in found, "internal_id" in found) == ("mjd" in columns, "mjd" in columns)
    ignored = [row for row in file.coverage() if not row.destination]
    assert [row.count for row in ignored] == ([2] if "-" in columns else [])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (("ra", "dekl", "nhit", "beta", "mjd"), "did you mean 'decl'"),
        (("ra", "dec", "nhit", "beta", "beta"), "twice"),
        (("ra", "mjd", "nhit", "beta", "-"), "both ra and dec"),
    ],
)
def test_wrong_names_of_columns(write, columns, message):
    with pytest.raises(UsageError, match=message):
        read(write(ROWS), columns=columns)


@pytest.mark.parametrize(
    ("wrong", "where", "message"),
    [
        ("400.0\t-38.3\t47\t0.4\t55127.2894", "line 3, column 1", "right ascension.*found 400.0"),
        ("-0.1\t38.3\t47\t0.4\t55127.2894", "line 3, column 1", "right ascension.*found -0.1"),
        ("10.0\t95\t47\t0.4\t55127.2894", "line 3, column 2", "declination.*found 95"),
        ("10.0\tx\t47\t0.4\t55127.2894", "line 3, column 2", "no number.*found x"),
        ("10.0\tnan\t47\t0.4\t55127.2894", "line 3, column 2", "no number.*found nan"),
        ("10.0\t1_0\t47\t0.4\t55127.2894", "line 3, column 2", "no number.*found 1_0"),
        ("10.0\t1e999\t47\t0.4\t55127.2894", "line 3, column 2", "found 1e999"),
        ("10.0\t38.3\t4.7\t0.4\t55127.2894", "line 3, column 3", "number of hits"),
        ("10.0\t38.3\t0\t0.4\t55127.2894", "line 3, column 3", "number of hits"),
        ("10.0\t38.3\t47\t-0.4\t55127.2894", "line 3, column 4", "angular error"),
        ("10.0\t38.3\t47\t0.4\t5512", "line 3, column 5", "Modified Julian Date"),
        ("10.0\t38.3\t47\t0.4", "line 3", "5 columns.*found 4"),
        ("10.0\t38.3\t47\t0.4\t55127.2894\t1", "line 3", "5 columns.*found 6"),
    ],
)
@pytest.mark.parametrize("named", [False, True])
def test_wrong_values(write, wrong, where, message, named):
    rows = [*ROWS[:2], wrong, ROWS[2]]
    with pytest.raises(CorruptInputError, match=message) as caught:
        read(write(rows), columns=("ra", "dec", "nhit", "beta", "mjd") if named else None)
    assert caught.value.where == where


@pytest.mark.parametrize(
    "first", ["abc 38.3 47 0.4 55127.2894", "nan 38.3 47 0.4 55127.2894", "10 38.3 47 0,4x 55127.2"]
)
def test_damaged_first_event_is_no_header(write, first):
    with pytest.raises(CorruptInputError, match="line 1"):
        read(write([first, *[row.replace("\t", " ") for row in ROWS]]))


def test_unknown_columns(write):
    with pytest.raises(InputError, match=r"not known.*--columns"):
        read(write(["1.5 2.5 3.5 4.5", "1.5 2.5 3.5 4.5"]))


def test_list_without_events(write):
    with pytest.raises(CorruptInputError, match="no event"):
        read(write(["Decl RA Nhit Beta MJD", "# nothing"]))


def test_endless_line(tmp_path):
    path = tmp_path / "list.dat"
    path.write_bytes(b"1 2 3 4 5\n" + b"9" * (1 << 17))
    with pytest.raises(CorruptInputError, match="too long"):
        read(path, columns=("ra", "dec", "-", "-", "-"))


def test_full_turn_becomes_zero(write):
    columns, file = read(write(["360.0 -10 20 0.5 55000.5", "359.9 10 20 0.5 55001.5"]))
    assert columns["ra"].tolist() == [0.0, 359.9]
    assert any("1 values of 360" in row.note for row in file.coverage())


def test_other_lines_are_counted(write):
    lines = ["# made by hand", "", *ROWS[:1], "# later", "", *ROWS[1:]]
    columns, file = read(write(lines))
    assert len(columns["ra"]) == 3
    counts = {row.field: row.count for row in file.coverage()}
    assert counts["lines before the first event"] == 1
    assert counts["later comment lines"] == 1
    assert counts["empty lines"] == 2


def test_identifiers_count_in_the_order_of_time(write):
    columns, file = read(write(ROWS))
    assert columns["internal_id"].tolist() == [b"ANT0003", b"ANT0001", b"ANT0002"]
    assert any("of this very list" in text for text in file.warnings())


def test_events_come_in_blocks(write, monkeypatch):
    monkeypatch.setattr("converters.readers.event_list_survey._BATCH", 2)
    path = write(ROWS)
    with EventListReader().open(path, ReadOptions()) as file:
        batches = list(file.batches())
    assert [(batch.first, batch.n_events) for batch in batches] == [(0, 2), (2, 1)]
    assert batches[1].events["internal_id"].tolist() == [b"ANT0002"]


def test_other_bytes_than_ascii(write):
    columns, file = read(write(["\xe9v\xe9nements", *ROWS]))
    assert file.header[0].values == ("\xe9v\xe9nements",)
    columns, _ = read(write(["\ufeff" + ROWS[0], *ROWS[1:]], encoding="utf-8"))
    assert columns["ra"][0] == 318.1


def test_unknown_fit(write):
    with pytest.raises(InputError, match="no fit called aafit"):
        read(write(ROWS), reco="aafit")


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("\n".join(ROWS), True),
        (ROWS[0], True),
        ("title\nDecl RA Nhit Beta MJD\n" + WEB_ROWS[0], True),
        ("1,2,3\n4,5,6\n", True),
        ("6720.96 70.914 -0.613972 -0.000920235 5.27896e-05 -4.42398e-07 -3.97395e-09", False),
        (" ".join(["1.5"] * 20) + "\n" + " ".join(["2.5"] * 20), False),
        ("1 2\n3 4\n", False),
        ("1 2 3\n1 2 3 4\n", False),
        ("start_run: 1\nhit: 1 2 3 4\nend_event:\n", False),
        ("some words\nand more of them here\n", False),
        ("%PDF-1.4\n1 0 0\n", False),
        ("1 2 3\0\n4 5 6", False),
        ("", False),
    ],
)
def test_sniff(head, expected):
    assert EventListReader().sniff(head.encode("latin-1"), Path("x.dat")) is expected


def test_sniff_takes_no_other_sample(sample):
    for name in ("evt/example_numuCC.evt", "evt/corant_5.1.9.evt", "mupage/mcv5.0.mupage_1G.5.evt"):
        assert not EventListReader().sniff(sample(name).read_bytes()[: 1 << 16], sample(name))
    astro = sample("astro/antares_astro_objects_benchmark.csv")
    assert not EventListReader().sniff(astro.read_bytes(), astro)
