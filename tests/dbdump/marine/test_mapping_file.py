"""What a mapping may say, and how its mistakes are told."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dbdump.marine.mapping_file import load_mapping
from dbdump.marine.vocabulary import vocabulary
from legacy.errors import AntaresLegacyError, MetadataError

CTD: dict[str, Any] = {
    "table": "ENV.CTD",
    "time": {"column": "T_UTC"},
    "position": {"latitude": 42.8, "longitude": 6.1667, "depth": 2475},
    "variables": {"TEMP": {"column": "TEMPERATURE", "unit": "degC"}},
}


def changed(*path: str, value: Any) -> dict[str, Any]:
    """Return the datasets with one value set, or removed with None."""
    datasets = {"ctd": copy.deepcopy(CTD)}
    place: Any = datasets
    for key in path[:-1]:
        place = place.setdefault(key, {})
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return datasets


def test_a_short_mapping_is_completed(write_mapping: Callable[..., Path]) -> None:
    (dataset,) = load_mapping(write_mapping({"ctd": CTD})).datasets
    (variable,) = dataset.variables
    assert (dataset.time.zone, dataset.station.name, dataset.duplicates) == ("UTC", "ctd", "error")
    assert (variable.standard_name, variable.unit) == ("sea_water_temperature", "degree_Celsius")
    assert (variable.p01, variable.p06, variable.unverified) == ("TEMPPR01", "UPAA", ())


WRONG = [
    (("ctd", "tabel"), "x", "datasets.ctd: unknown key 'tabel'; did you mean 'table'"),
    (("ctd", "table"), None, "datasets.ctd: the key 'table' is missing"),
    (("ctd", "interval"), "15 mim", "interval: unknown unit 'mim'"),
    (("ctd", "interval"), "often", "interval: 'often' is no time; expected such as 15 min"),
    (("ctd", "interval"), "0 s", "no whole number of microseconds above 0"),
    (("ctd", "fill_gaps"), True, "fill_gaps: it needs 'interval'"),
    (("ctd", "duplicates"), "last", "duplicates: last; expected error or first"),
    (("ctd", "time", "zone"), "Mars", "time.zone: 'Mars' is no zone"),
    (("ctd", "time", "colunm"), "T", "time: unknown key 'colunm'; did you mean 'column'"),
    (("ctd", "position", "latitude"), 428, "position.latitude: 428 is beyond 90"),
    (("ctd", "position", "table"), "OM", "'table' and 'key' go together"),
    (("ctd", "station"), {"values": ["1"]}, "station.values: they need 'column'"),
    (("ctd", "station"), {"column": "ID", "name": "x"}, r"station.name: '\{\}' must stand in it"),
    (("ctd", "profile"), {"column": "C", "factor": 0}, "profile.factor: 0"),
    (("ctd", "filter"), {"C": {}}, "filter.C: expected a value"),
    (("ctd", "attributes"), {"titel": "x"}, "'titel' is no attribute that a mapping sets; did you mean 'title'"),
    (("ctd", "attributes"), {"Conventions": "x"}, "'Conventions' is no attribute that a mapping sets"),
    (("ctd", "variables"), {}, "variables: there is none"),
    (("ctd", "variables", "TEMP", "unit"), "degF", "TEMP.unit: unknown unit 'degF'"),
    (("ctd", "variables", "TEMP", "unit"), "m", "TEMP.unit: 'm' cannot become 'degree_Celsius'"),
    (("ctd", "variables", "TEMP", "unit"), None, "TEMP: the key 'unit' is missing"),
    (("ctd", "variables", "TEMP", "range"), [30, 0], r"TEMP.range: expected \[lowest, highest\]"),
    (("ctd", "variables", "TEMP", "quantity"), "TEMPP", "unknown quantity 'TEMPP'; did you mean 'TEMP'"),
    (("ctd", "variables", "TEMP", "standard_name"), "sea_water_temperatur", "did you mean 'sea_water_temperature'"),
    (("ctd", "variables", "TEMP", "standard_name"), "sea_water_pressure", "sea_water_pressure is measured in 'dbar'"),
    (("ctd", "variables", "TEMP", "p01"), "SDN:P01::X", "p01: 'SDN:P01::X' is no term"),
    (("ctd", "variables", "TEMP", "flag_codes"), {"G": 1}, "flag_codes: they need 'flag'"),
    (("ctd", "variables", "time"), {"column": "A", "unit": "m", "long_name": "a"}, "'time' cannot name a variable"),
    (("ctd", "variables", "TEMP_QC"), {"column": "A", "unit": "m"}, "'TEMP_QC' cannot name a variable"),
    (("ctd", "variables", "OTHER"), {"column": "A", "unit": "m"}, "'long_name' is missing"),
    (("../ctd",), CTD, "they name files"),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG, ids=[f"{'.'.join(p)}={v}"[:60] for p, v, _ in WRONG])
def test_mistakes_are_told(write_mapping: Callable[..., Path], path: tuple[str, ...], value: Any, message: str) -> None:
    with pytest.raises(MetadataError, match=message) as told:
        load_mapping(write_mapping(changed(*path, value=value)))
    assert "mapping.yaml" in str(told.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("datasets: [", "not YAML"),
        ("- a", "expected keys with values"),
        ("dataset: {}", "unknown key 'dataset'; did you mean 'datasets'"),
        ("attributes: {}", "the key 'datasets' is missing"),
        ("datasets: {}\nattribute: {}", "unknown key 'attribute'; did you mean 'attributes'"),
        ("datasets: {}", "datasets: there is none"),
        ("datasets: {}\nunverified_urns: perhaps", "expected true or false"),
        ("datasets: {a: {}, a: {}}", "given twice"),
    ],
)
def test_files_that_are_no_mapping(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(text)
    with pytest.raises(AntaresLegacyError, match=message):
        load_mapping(path)


def test_flags_may_be_keyed_by_numbers(write_mapping: Callable[..., Path]) -> None:
    datasets = changed("ctd", "variables", "TEMP", "flag", value="QC")
    datasets["ctd"]["variables"]["TEMP"]["flag_codes"] = {0: 9, 2: 1, "x": 4}
    (variable,) = load_mapping(write_mapping(datasets)).datasets[0].variables
    assert variable.flags is not None
    assert variable.flags.codes == {"0": 9, "2": 1, "x": 4}
    datasets["ctd"]["variables"]["TEMP"]["flag_codes"] = {"x": 5}
    with pytest.raises(MetadataError, match="5 is no flag; known are 0, 1, 2, 3, 4, 7, 8, 9"):
        load_mapping(write_mapping(datasets))


def test_unverified_terms_are_written_only_on_request(write_mapping: Callable[..., Path]) -> None:
    datasets = changed("ctd", "variables", value={"CNDC": {"column": "C", "unit": "S/m"}})
    (left,) = load_mapping(write_mapping(datasets)).datasets[0].variables
    assert (left.p01, left.p06, left.unverified) == ("", "", ("SDN:P01::CNDCST01", "SDN:P06::UECA"))
    (taken,) = load_mapping(write_mapping(datasets, unverified_urns=True)).datasets[0].variables
    assert (taken.p01, taken.p06, taken.unverified) == ("CNDCST01", "UECA", left.unverified)
    datasets["ctd"]["variables"]["CNDC"] |= {"p01": "CNDCPR01", "p06": "UECA"}
    (given,) = load_mapping(write_mapping(datasets)).datasets[0].variables
    assert (given.p01, given.unverified) == ("CNDCPR01", ())


def test_a_term_of_another_unit_is_not_written(write_mapping: Callable[..., Path]) -> None:
    datasets = changed("ctd", "variables", "TEMP", "unit_out", value="K")
    (variable,) = load_mapping(write_mapping(datasets)).datasets[0].variables
    assert (variable.p01, variable.p06) == ("TEMPPR01", "")


def test_standard_names_and_units_are_those_of_the_cf_table() -> None:
    """The names of the vocabulary, against the table that compliance-checker brings."""
    from importlib.resources import files
    from xml.etree import ElementTree as ET

    import cf_units

    text = (files("compliance_checker") / "data" / "cf-standard-name-table.xml").read_bytes()
    root = ET.fromstring(text)
    assert root.findtext("version_number") == "93"
    units = {entry.get("id"): entry.findtext("canonical_units") for entry in root.findall("entry")}
    for name, unit in vocabulary().standard_names.items():
        assert cf_units.Unit(unit).is_convertible(cf_units.Unit(units[name] or "1")), name
