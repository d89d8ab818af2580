"""Tables and descriptions that cannot be: one clear line each."""

from collections.abc import Callable
from pathlib import Path

import pytest

from converters.supplementary.reading import read_source
from legacy.errors import InputError

Write = Callable[..., Path]
AEFF = "content: effective-area\n"
ACC = "content: acceptance\naxes: {spectral_index: [2.0, 2.5], declination_edges: [-90, 0, 90]}\n"


@pytest.mark.parametrize(
    ("numbers", "description", "problem"),
    [
        ("1 1.2 nan\n", AEFF, "not a finite number; at line 1; found 'nan'"),
        ("1 1.2 1e999\n", AEFF, "not a finite number"),
        ("1 1.2 -inf\n", AEFF, "not a finite number"),
        ("1 1.2 1_0\n", AEFF, "has no row|not a finite"),
        ("1 1.2 5\n1.2 1.4\n", AEFF, "a row of another length; at line 2; expected 3 columns; found 2"),
        ("1 1.2\n", AEFF, "another number of columns"),
        ("", AEFF, "has no row of numbers"),
        ("# only words\n", AEFF, "has no row of numbers"),
        ("1.2 1.0 5\n", AEFF, "the upper edge is not above the lower one, row 1"),
        ("1.2 1.4 5\n1.0 1.2 5\n", AEFF, "do not ascend, row 2"),
        ("1.0 1.3 5\n1.2 1.4 5\n", AEFF, "overlap or do not ascend, row 2"),
        ("1 1.2 -5\n", AEFF, "effective_area is negative, row 1"),
        ("10 100000 5\n", AEFF, "expected log10 of the energy"),
        ("1 2\n3 4\n5 6\n", ACC, "expected 2 spectral indices x 2 declination bins; found 3 x 2"),
        ("1 2\n3 -4\n", ACC, "acceptance is negative, row 4"),
        ("1 2\n", "content: acceptance\n", "has no axes.spectral_index"),
        ("1 2 3\n4 5 6\n", "content: background\n", "no list of coefficients"),
        ("0.2 0.1\n0.1 0.2\n", "content: psf\n", "angle does not ascend, row 2"),
        ("0.1 0.2\n0.2 0.1\n", "content: psf\n", "fraction decreases, row 2"),
        ("0.1 0.2\n0.2 1.1\n", "content: psf\n", "beyond 0 to 1"),
        ("-1 0.2\n", "content: psf\n", "beyond 0 to 180"),
        ("1,,3\n", "content: background\n", "an empty cell; at line 1"),
        (",1,3\n", "content: background\n", "an empty cell"),
        ("1; ;3\n", "content: background\n", "an empty cell"),
        ("6720,96 70,9\n", "content: background\n", "commas within numbers.*'6720,96 70,9'"),
        ("6720,96;70,9\n", "content: background\n", "commas within numbers"),
        ("1 1.2 5\n1.4 1.2 5\n", AEFF, "not above the lower one, row 2"),
        ("1 1.2 5\n1 1.2 5\n", AEFF, "overlap or do not ascend, row 2"),
    ],
)
def test_numbers(numbers: str, description: str, problem: str, write: Write) -> None:
    with pytest.raises(InputError, match=problem) as raised:
        read_source(write(numbers, description))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("description", "problem"),
    [
        ("content: aeff\n", "key 'content' cannot be so; expected one of effective-area"),
        ("title: x\n", "key 'content'"),
        ("- content\n", "no mapping"),
        ("content: [psf\n", "no YAML"),
        ("content: psf\ndate: 2007-02-30\n", "no YAML"),
        ("content: psf\ncontct: x\n", "unknown key 'contct'; did you mean 'contact'"),
        ("content: psf\nlicense: Creative Commons 4.0 Internation\n", "unknown license"),
        ("content: psf\ntitle: [1]\n", "key 'title' cannot be so; expected text; found list"),
        ("content: psf\nktype: a b\n", "key 'ktype'"),
        ("content: psf\norigin: 5\n", "key 'origin'"),
        ("content: psf\norigin: {energy: {min: 1, max: 2}}\n", "unknown key 'origin.energy'"),
        ("content: psf\norigin: {zenith: {min: 1}}\n", "both min and max"),
        ("content: psf\norigin: {declination: {min: -1.5, max: 0.9, unit: rad}}\n", "expected deg; found rad"),
        ("content: psf\norigin: {zenith: {min: 2, max: 1}}\n", "begins before it ends"),
        ("content: psf\norigin: {declination: {min: -91, max: 1}}\n", "begins before it ends"),
        ("content: psf\norigin: {zenith: {min: .nan, max: 1}}\n", "expected a number"),
        (
            "content: psf\norigin: {time: {measurement_start: 2019-10-03, measurement_stop: 2019-09-17}}\n",
            "begins before it ends",
        ),
        ("content: psf\norigin: {time: {measurement_start: soon, measurement_stop: 2019-09-17}}\n", "expected a time"),
        ("content: psf\naxes: {spectral_index: [1, 1]}\n", "do not ascend"),
        ("content: psf\naxes: {spectral_index: 3}\n", "expected a list"),
        ("content: psf\naxes: {declination_edges: [-91, 0]}\n", "at most 90"),
        ("content: psf\naxes: {sin_declination_edges: [0, 2]}\n", "at most 1"),
        ("content: psf\naxes: {sin_declination_edges: [0, 1], declination_edges: [0, 1]}\n", "one of the two"),
        ("content: psf\ntitle: !!python/object/apply:os.system [ls]\n", "no YAML"),
        ("content: psf\ntitle: " + "x" * (1 << 20), "larger than 1 MB"),
    ],
)
def test_descriptions(description: str, problem: str, write: Write) -> None:
    with pytest.raises(InputError, match=problem) as raised:
        read_source(write("0.1 0.2\n", description))
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 700


@pytest.mark.parametrize(
    ("names", "content", "expected"),
    [
        ("Log(E1/GeV) Log(E2/GeV) AEFF/cm2", "effective-area", "column 3; expected square metres; found 'AEFF/cm2'"),
        ("Log(E1/GeV)\tLog(E2/GeV)\tA eff [cm^2]", "effective-area", "column 3; expected square metres"),
        ("E1/GeV E2/GeV AEFF/m2", "effective-area", "column 1; expected log10 of the energy in GeV; found 'E1/GeV'"),
        ("Log(E1/GeV) Log(E2/TeV) AEFF/m2", "effective-area", "column 2; expected log10 of the energy in GeV"),
        ("ln(E1/GeV) ln(E2/GeV) AEFF/m2", "effective-area", "column 1"),
        ("# log10(E1/GeV) log10(E2/GeV) AEFF/cm2", "effective-area", "column 3"),
        ("angle/rad fraction", "psf", "column 1; expected degrees"),
        ("log10(angle/deg) fraction", "psf", "column 1; expected degrees"),
        ("angle percent", "psf", "column 2; expected the part"),
    ],
)
def test_names_that_say_another_unit(names: str, content: str, expected: str, write: Write) -> None:
    row = "1 1.2 0.5\n" if content == "effective-area" else "1 0.5\n"
    with pytest.raises(InputError, match="the name of a column says another unit") as raised:
        read_source(write(f"{names}\n{row}", f"content: {content}\n"))
    assert expected in str(raised.value)


@pytest.mark.parametrize(
    ("names", "content"),
    [
        ("log10(E_low/GeV)\tlog10(E_high/GeV)\tA_eff [m^2]", "effective-area"),
        ("log E low, log E high, A eff", "effective-area"),
        ("# all energies in TeV were made GeV, and all areas in cm2 were made m2", "effective-area"),
        ("radius/deg F(<radius)", "psf"),
        ("psi, fraction of events within psi", "psf"),
    ],
)
def test_names_that_say_nothing_else(names: str, content: str, write: Write) -> None:
    row = "1 1.2 0.5\n" if content == "effective-area" else "1 0.5\n"
    assert read_source(write(f"{names}\n{row}", f"content: {content}\n")).table.rows == 1


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("unit: m**2", "unit: cm2", "unit of effective_area; expected m\\*\\*2; found cm2"),
        ("# - name: effective_area", "# - name: area", "at head"),
        ("log10_energy_low,log10_energy_high,", "log10_energy_high,log10_energy_low,", "at names"),
        ("log10_energy_low,log10_energy_high,effective_area\n", "", "at names"),
    ],
)
def test_annotated_text_with_other_columns(
    old: str, new: str, problem: str, cli: Callable[..., object], aeff: Path, tmp_path: Path
) -> None:
    assert cli("convert", aeff, "-o", tmp_path / "out", "--to", "csv").code == 0
    text = (tmp_path / "out" / "aeff.l3.csv").read_text()
    assert old in text
    changed = tmp_path / "changed.ecsv"
    changed.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=problem):
        read_source(changed)
    changed.write_text(text.replace("unit: m**2", "unit: m2"))
    assert read_source(changed).table.rows == 6


def test_a_bad_number_is_named_with_its_line(cli: Callable[..., object], aeff: Path, tmp_path: Path) -> None:
    assert cli("convert", aeff, "-o", tmp_path / "out", "--to", "csv").code == 0
    lines = (tmp_path / "out" / "aeff.l3.csv").read_text().splitlines()
    changed = tmp_path / "changed.ecsv"
    changed.write_text("\n".join([*lines[:-1], "2.0,2.2,nan"]) + "\n")
    with pytest.raises(InputError, match=f"not a finite number; at line {len(lines)};"):
        read_source(changed)


@pytest.mark.parametrize(
    "description",
    ["content: aeff\n", "title: x\ncontent: 'PSF'\n", '{"content": "effective area"}', "\ufeffcontent: x\n"],
)
def test_a_wrong_word_is_told(description: str, write: Write, cli: Callable[..., object]) -> None:
    source = write("1 1.2 5\n", description)
    ran = cli("convert", source, "-o", source.parent / "out", "--to", "csv")
    assert ran.code == 1
    assert "key 'content' cannot be so; expected one of effective-area" in ran.err


@pytest.mark.parametrize(
    "description", ["\ufeffcontent: psf\n", '{"content": "psf"}\n', "title: x\r\ncontent: psf\r\n"]
)
def test_descriptions_of_other_editors(description: str, write: Write, cli: Callable[..., object]) -> None:
    source = write("1 0.5\n", description)
    assert cli("convert", source, "-o", source.parent / "out", "--to", "csv").code == 0


def test_an_alias_bomb(write: Write) -> None:
    layers = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    layers += [f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]" for n in range(12)]
    with pytest.raises(InputError):
        read_source(write("0.1 0.2\n", "content: psf\n" + "\n".join(layers) + "\n"))


def test_numbers_without_a_description(write: Write, cli: Callable[..., object]) -> None:
    source = write("0.1 0.2\n0.3 0.4\n", None)
    ran = cli("convert", source, "-o", source.parent / "out", "--to", "json", "--format", "supplementary")
    assert ran.code == 1
    assert "nothing says what these numbers are; expected a description, table.txt.yaml, beside it" in ran.err


def test_a_huge_file(write: Write) -> None:
    source = write("", "content: psf\n")
    with source.open("r+b") as stream:
        stream.truncate(1 << 33)  # sparse: takes no space
    with pytest.raises(InputError, match="larger than 64 MB"):
        read_source(source)


@pytest.mark.parametrize(
    "head",
    [
        "# %ECSV 1.0\n# ---\n# meta: 5\n",
        "# %ECSV 1.0\n# ---\n# meta: {content: psf, header: 5}\n",
        "# %ECSV 1.0\n# ---\n# meta: [\n",
        "# %ECSV 1.0\n",
    ],
)
def test_bad_heads(head: str, write: Write) -> None:
    with pytest.raises(InputError) as raised:
        read_source(write(head + "angle,fraction\n0.1,0.2\n", None))
    assert "\n" not in str(raised.value)


def test_binary_behind_a_description(write: Write) -> None:
    source = write("", "content: psf\n")
    source.write_bytes(bytes(range(256)))
    with pytest.raises(InputError, match="no text"):
        read_source(source)


def test_nothing_reaches_the_terminal(write: Write, cli: Callable[..., object], tmp_path: Path) -> None:
    source = write("0.1 0.2\n", 'content: psf\ntitle: "a\\e[31mb"\ncontact: "x\\x9by"\n')
    assert "\x1b" not in cli("inspect", source).out
    assert cli("convert", source, "-o", tmp_path / "out", "--to", "json").code == 0
    product = tmp_path / "out" / "table.json"
    shown = cli("show", product, "--header").out
    assert "\x1b" not in shown
    assert "\x9b" not in shown
    assert r"a\x1b[31mb" in shown
    product.write_text(product.read_text().replace('"file": "table.json"', '"file": "\\u001b[31m"'))
    assert "\x1b" not in cli("validate", product).err


@pytest.mark.parametrize("change", ["[]", "5", '{"a": 1}', "{", '{"software": "antares-legacy"}'])
def test_a_broken_json_product(change: str, cli: Callable[..., object], psf: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert cli("convert", psf, "-o", out, "--to", "json").code == 0
    product = out / "psf.json"
    text = product.read_text()
    product.write_text(text.replace('"content": {', f'"content": {change}, "was": {{', 1))
    for command in (["validate", product], ["show", product], ["plot", product, "-o", tmp_path / "x.png"]):
        ran = cli(*command)
        assert ran.code in (0, 1), (command, ran.err)
        assert "Traceback" not in ran.err
    assert cli("validate", product).code == 1
