"""Supplementary tables from end to end: read, written, opened by other programs, checked, drawn."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy import units
from astropy.io.votable.ucd import check_ucd
from astropy.table import Table

from converters.detect import detect
from converters.supplementary.model import COLUMNS, Annotation, Content, SupplementaryTable
from converters.supplementary.picture import table_figure
from converters.supplementary.response import read_table

Cli = Callable[..., object]
BINS = [
    (1.0, 1.2, 5.153940e-12),
    (1.2, 1.4, 1.614220e-10),
    (1.4, 1.6, 4.891220e-09),
    (1.6, 1.8, 1.245090e-07),
    (1.8, 2.0, 9.157530e-07),
    (2.0, 2.2, 4.372520e-06),
]


def convert(cli: Cli, source: Path, to: str, *more: object) -> Path:
    out = source.parent / "out"
    ran = cli("convert", source, "-o", out, "--to", to, *more)
    assert ran.code == 0, ran.err  # type: ignore[attr-defined]
    return out / (source.stem + {"csv": ".l3.csv", "json": ".json"}[to])


def test_units_and_ucds_are_those_of_the_virtual_observatory() -> None:
    for columns in COLUMNS.values():
        for column in columns:
            units.Unit(column.unit, format="vounit", parse_strict="raise")
            assert not column.ucd or check_ucd(column.ucd, check_controlled_vocabulary=True)
            assert column.description


def test_the_effective_area_in_pandas_and_astropy(cli: Cli, aeff: Path) -> None:
    product = convert(cli, aeff, "csv")
    frame = pd.read_csv(product, comment="#")
    assert [tuple(row) for row in frame.itertuples(index=False)] == BINS
    table = Table.read(product, format="ascii.ecsv")
    assert table["effective_area"].unit == units.m**2
    assert [tuple(row) for row in table] == BINS
    assert table.meta["header"]["license"] == "CC-BY-4.0"
    assert table.meta["header"]["contact"] == "antares.spokesperson@in2p3.fr"
    assert table.meta["ktype"] == "tbd"
    assert table.meta["paraminfo"]["lower_edge"]["columnname"] == "log10_energy_low"
    assert table.meta["origin"]["zenith"] == {"min": -45.0, "max": 0.0, "unit": "deg", "ktype": "tbd"}
    assert table.meta["origin"]["time"]["measurement_start"] == "2007-01-01T00:00:00Z"


def test_the_effective_area_as_json(cli: Cli, aeff: Path) -> None:
    document = json.loads(convert(cli, aeff, "json").read_text())
    assert list(zip(*document["content"]["data"].values(), strict=True)) == BINS
    assert len(pd.DataFrame(document["content"]["data"])) == 6
    assert document["publication"]["license"] == "CC-BY-4.0"
    assert document["data_taking"]["measurement_stop"] == "2018-01-01T00:00:00Z"
    assert document["content"]["paraminfo"]["value"]["unit"] == "m**2"


def test_the_public_acceptance(cli: Cli, public: Callable[[str], Path]) -> None:
    source = public("acc.txt")
    frame = pd.read_csv(convert(cli, source, "csv"), comment="#")
    assert len(frame) == 16 * 20
    assert sorted(set(frame.spectral_index)) == [round(1.5 + 0.1 * step, 1) for step in range(16)]
    assert frame.groupby("spectral_index").size().tolist() == [20] * 16
    assert np.array_equal(frame.acceptance.to_numpy().reshape(16, 20), np.loadtxt(source))
    assert frame.sin_dec_low[:3].tolist() == [-1.0, -0.9, -0.8]
    assert "16 spectral indices x 20 declination bins" in cli("inspect", source).out


def test_the_public_background(cli: Cli, public: Callable[[str], Path]) -> None:
    frame = pd.read_csv(convert(cli, public("background.txt"), "csv"), comment="#")
    assert frame.power.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert np.polynomial.polynomial.polyval(20, frame.coefficient) == pytest.approx(7893.0656, abs=5e-5)


def test_a_public_file_is_known_by_its_bytes_alone(public: Callable[[str], Path], tmp_path: Path) -> None:
    source = public("background.txt")
    assert detect(source).format == "supplementary"
    renamed = source.rename(tmp_path / "x.evt")
    assert detect(renamed).format == "supplementary"
    renamed.write_bytes(renamed.read_bytes().replace(b"6720.96", b"6720.95"))
    with pytest.raises(Exception, match="not a known format"):
        detect(renamed)


@pytest.mark.parametrize("to", ["csv", "json"])
@pytest.mark.parametrize("name", ["aeff", "psf", "acc.txt", "background.txt"])
def test_validate(name: str, to: str, cli: Cli, request: pytest.FixtureRequest) -> None:
    source = request.getfixturevalue("public")(name) if "." in name else request.getfixturevalue(name)
    product = convert(cli, source, to)
    checked = cli("validate", product, "--source", source)
    assert checked.code == 0, checked.err
    values = {"aeff": 18, "psf": 12, "acc.txt": 320, "background.txt": 7}[name]
    assert f"{values} values equal those of the source" in checked.out + checked.err


@pytest.mark.parametrize("to", ["csv", "json"])
def test_validate_finds_a_changed_number(to: str, cli: Cli, aeff: Path) -> None:
    product = convert(cli, aeff, to)
    product.write_text(product.read_text().replace("1.24509e-07", "1.24508e-07"))
    checked = cli("validate", product, "--source", aeff)
    assert checked.code == 1
    assert "the product has 1.24508e-07, the source 1.24509e-07" in checked.err
    product.write_text(product.read_text().replace("1.24508e-07", "-1.0"))
    assert "effective_area is negative" in cli("validate", product).err


@pytest.mark.parametrize("to", ["csv", "json"])
def test_validate_finds_lost_rows(to: str, cli: Cli, aeff: Path) -> None:
    product = convert(cli, aeff, to)
    (product.parent / "manifest.jsonl").unlink()  # which would notice the other checksum
    text = product.read_text()
    if to == "csv":
        product.write_text("".join(text.splitlines(keepends=True)[:-2]))
    else:
        document = json.loads(text)
        for values in document["content"]["data"].values():
            del values[-2:]
        product.write_text(json.dumps(document, indent=1))
    checked = cli("validate", product)
    assert checked.code == 1
    assert "effective-area of 4 rows, its description says effective-area of 6 rows" in checked.err


def test_validate_finds_a_lost_head(cli: Cli, aeff: Path) -> None:
    product = convert(cli, aeff, "csv")
    rows = [line for line in product.read_text().splitlines() if not line.startswith("#")]
    product.write_text("\n".join(rows) + "\n")
    assert "does not say what it is" in cli("validate", product).err


def test_a_product_is_a_source_again(cli: Cli, aeff: Path) -> None:
    product = convert(cli, aeff, "csv")
    again = product.parent / "again.ecsv"
    again.write_bytes(product.read_bytes())
    assert detect(again).format == "supplementary"
    second = convert(cli, again, "json")
    assert list(zip(*json.loads(second.read_text())["content"]["data"].values(), strict=True)) == BINS
    first, other = read_table(product).annotation, read_table(again).annotation
    assert first == other
    assert cli("validate", second, "--source", again).code == 0


def test_what_the_user_says_goes_before_the_description(cli: Cli, aeff: Path, tmp_path: Path) -> None:
    said = tmp_path / "meta.yaml"
    said.write_text("contact: someone@example.org\ntitle: 'Another title: \"odd\" # or not'\n")
    product = convert(cli, aeff, "csv", "--metadata", said)
    header = Table.read(product, format="ascii.ecsv").meta["header"]
    assert header["contact"] == "someone@example.org"
    assert header["title"] == 'Another title: "odd" # or not'
    assert header["license"] == "CC-BY-4.0"


def test_a_new_description_makes_the_product_old(cli: Cli, aeff: Path) -> None:
    product = convert(cli, aeff, "csv")
    out = product.parent
    assert "1 kept" in cli("convert", aeff, "-o", out, "--to", "csv").err
    beside = aeff.with_name("aeff.txt.yaml")
    beside.write_text(beside.read_text().replace("max: 0", "max: 1"))
    ran = cli("convert", aeff, "-o", out, "--to", "csv")
    assert ran.code == 1
    assert "was made with another description" in ran.err
    assert cli("convert", aeff, "-o", out, "--to", "csv", "--overwrite").code == 0
    assert read_table(product).annotation.origin["zenith"]["max"] == 1


def test_a_transposed_list_and_windows_line_ends(cli: Cli, write: Callable[..., Path]) -> None:
    source = write("\ufeff# coefficients, one a line\r\n6720.96\r\n70.9\r\n-0.6\r\n", "content: background\n")
    with convert(cli, source, "csv").open() as stream:
        rows = list(csv.reader(line for line in stream if not line.startswith("#")))
    assert rows == [["power", "coefficient"], ["0.0", "6720.96"], ["1.0", "70.9"], ["2.0", "-0.6"]]
    assert cli("validate", source.parent / "out" / "table.l3.csv", "--source", source).code == 0


@pytest.mark.parametrize("name", ["aeff", "psf", "acc.txt", "background.txt"])
def test_show_and_plot(name: str, cli: Cli, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    source = request.getfixturevalue("public")(name) if "." in name else request.getfixturevalue(name)
    for to in ("csv", "json") if name == "psf" else ("json",):
        product = convert(cli, source, to)
        shown = json.loads(cli("show", product, "--head", "2", "--parameters", "--json").out)
        assert len(shown["rows"]) == 2
        assert set(shown["rows"][0]) == {item["name"] for item in shown["parameters"]}
        picture = tmp_path / f"{to}.png"
        assert cli("plot", product, "-o", picture).code == 0
        assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("content", "values"),
    [
        (Content.EFFECTIVE_AREA, ([1.0, 1.2], [1.2, 1.4], [0.0, 0.0])),
        (Content.ACCEPTANCE, ([2.0, 2.0], [-1.0, 0.0], [0.0, 1.0], [0.0, 0.0])),
    ],
)
def test_a_picture_of_nothing_says_so(content: Content, values: tuple[list[float], ...], tmp_path: Path) -> None:
    table = SupplementaryTable(Annotation(content), tuple(map(np.array, values)))
    figure = table_figure(table, {"publication": {}})
    assert "is 0" in figure.axes[0].texts[0].get_text()
    assert len(figure.axes) == 1  # no scale of colours without colours
    figure.savefig(tmp_path / "x.png")


def test_show_says_what_a_table_was_made_for(cli: Cli, aeff: Path) -> None:
    shown = cli("show", convert(cli, aeff, "json")).out
    assert re.search(r"origin.zenith +-45.0 to 0.0 deg\n", shown)
    assert re.search(r"origin.time +2007-01-01T00:00:00Z to 2018-01-01T00:00:00Z", shown)


def test_a_gap_stays_white_in_the_picture() -> None:
    low, high = np.array([-1.0, -0.5, 0.5]), np.array([-0.5, 0.0, 1.0])
    values = (np.repeat([2.0, 2.5], 3), np.tile(low, 2), np.tile(high, 2), np.arange(1.0, 7.0))
    table = SupplementaryTable(Annotation(Content.ACCEPTANCE), values)
    figure = table_figure(table, {"publication": {}})
    mesh = figure.axes[0].collections[0]
    assert mesh.get_coordinates()[0, :, 0].tolist() == [-1, -0.5, 0, 0.5, 1]
    assert mesh.get_array().reshape(2, 4).mask.tolist() == [[False, False, True, False]] * 2
    assert mesh.get_array().reshape(2, 4)[1].compressed().tolist() == [4, 5, 6]
    assert figure.texts[0].get_text() == "Acceptance"


@pytest.mark.parametrize("title", ["a\u2028b", "a\x85b", "a\u2029 # d: [e"])
def test_any_text_survives_in_the_head(title: str, cli: Cli, write: Callable[..., Path]) -> None:
    source = write("0.1 0.5\n", f'content: psf\ntitle: {json.dumps(title)}\ndescription: "x\\n\\n y"\n')
    header = read_table(convert(cli, source, "csv")).annotation.header
    assert header["title"] == title
    assert header["description"] == "x\n\n y"


def test_a_picture_with_signs_of_formulae(cli: Cli, write: Callable[..., Path], tmp_path: Path) -> None:
    source = write("0.1 0.5\n1 1\n", "content: psf\ntitle: 'from $5 to $ \\frac{ 漢字'\n")
    assert cli("plot", convert(cli, source, "json"), "-o", tmp_path / "x.png").code == 0


def test_manifest_and_folders(cli: Cli, aeff: Path, psf: Path) -> None:
    out = aeff.parent / "products"
    ran = cli("convert", aeff.parent, "-o", out, "--to", "json", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["counts"] == {"converted": 2}
    lines = {entry["path"]: entry for entry in map(json.loads, (out / "manifest.jsonl").read_text().splitlines())}
    assert set(lines) == {"aeff.json", "psf.json"}
    assert (lines["aeff.json"]["level"], lines["aeff.json"]["kind"]) == (3, "mc")
    assert lines["aeff.json"]["detector"] == "antares"
    assert lines["aeff.json"]["start"] == "2007-01-01T00:00:00Z"
