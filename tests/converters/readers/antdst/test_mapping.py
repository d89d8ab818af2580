"""The mapping file of AntDST files: what it may say, and how names are compared."""

from pathlib import Path

import pytest

from converters.readers.antdst.mapping import OWN_MAPPING, AntDstMapping, choose, load_mapping, words
from legacy.errors import MetadataError, UsageError


@pytest.mark.parametrize(
    "name", ["fRunId", "m_runId", "RunId", "run_id", "RunID_", "_fRunId", "runid", "RUN_ID", "fRunId[3]"]
)
def test_spellings_of_one_member(name: str) -> None:
    assert words(name) == ("runid",)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("fPos.fX", ("pos", "x")),
        ("AntDST./AntDST.fRunId", ("antdst", "antdst", "runid")),
        ("fit", ("fit",)),
        ("MJD", ("mjd",)),
        ("frameIndex", ("frameindex",)),
        ("..", ()),
    ],
)
def test_words_of_a_path(path: str, expected: tuple[str, ...]) -> None:
    assert words(path) == expected


def test_the_own_mapping_names_all_fits_and_every_accessor() -> None:
    mapping = load_mapping(None)
    assert list(mapping.fits) == ["aafit", "bbfit", "gridfit", "bbfit_bright", "dusj", "tantra"]
    assert mapping.zenith == "unknown"
    assert not mapping.fit_list.codes
    members = {m for rule in (*mapping.event.values(), *mapping.truth.values()) for m in rule.members}
    assert {"RunId", "EventId", "TriggerCounter", "FrameIndex", "MJD", "Weight_W2", "NGenEvents"} <= members
    fits = {m for rule in mapping.fit_columns.values() for m in rule.members}
    assert {"RecQuality", "NTriggeredHits", "Zenith", "AngularError", "NUsedHits", "TotalUsedAmplitude"} <= fits


def test_an_empty_mapping_has_no_rules() -> None:
    assert not AntDstMapping().event


WRONG = {
    "unknown key": ("evnt: {}", "did you mean 'event'"),
    "not a mapping": ("- 1", "expected keys"),
    "not YAML": ("event: [", "not YAML"),
    "repeated key": ("roots: [a]\nroots: [b]", "given twice"),
    "unknown column": ("event: {runs: {members: [a]}}", "no such column 'runs'"),
    "no members": ("event: {run_id: {unit: ''}}", "the key 'members' is missing"),
    "members no list": ("event: {run_id: {members: RunId}}", "expected a list"),
    "unit of time": ("event: {mjd: {members: [a], unit: s}}", "the unit must be 'd'"),
    "unit of angle": ("fit_columns: {zenith: {members: [a], unit: m}}", "'rad' or 'deg'"),
    "zenith": ("zenith: up", "unknown or source or flight"),
    "fit name": ("fits: {'../x': [a]}", "small letters"),
    "long fit name": ("fits: {a_name_of_many_letters: [a]}", "at most 16"),
    "column name": ("fit_columns: {group_id: {members: [a]}}", "fit_columns.group_id"),
    "column of km3pipe": ("fit_columns: {name: {members: [a]}}", "fit_columns.name"),
    "no member": ("event: {run_id: {members: []}}", "event.run_id: no member is named"),
    "member without a word": ("event: {run_id: {members: ['_.']}}", "event.run_id: '_.' names no member"),
    "key without a word": (
        "fit_list: {objects: [a], key: [''], codes: {aafit: 1}}",
        "fit_list.key: '' names no member",
    ),
    "unit that is none": (
        "fit_columns: {zmin: {members: [a], unit: furlong/moon}}",
        "unit 'furlong/moon' is not under",
    ),
    "unit for a terminal": ('fit_columns: {zmin: {members: [a], unit: "m\\e[31m"}}', "is not understood"),
    "unit of a true angle": (
        "truth: {zenith_true: {members: [a]}}",
        "truth.zenith_true: the unit must be 'rad' or 'deg'",
    ),
    "one number for two fits": (
        "fit_list: {objects: [a], key: [b], codes: {x: 1, y: 1}}",
        "x and y have the same number 1",
    ),
    "code": ("fit_list: {objects: [a], key: [b], codes: {aafit: x}}", "a whole number"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_mappings(case: str, tmp_path: Path) -> None:
    text, problem = WRONG[case]
    path = tmp_path / "site.yaml"
    path.write_text(text)
    with pytest.raises(MetadataError) as caught:
        choose(path)
    assert problem in str(caught.value)
    assert "site.yaml" in str(caught.value)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("unit", ["", "m", "cm", "GeV.m2.sr.s/yr", "kHz"])
def test_units_of_further_columns(unit: str, tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(f"fit_columns: {{zmin: {{members: [a], unit: '{unit}'}}}}")
    assert load_mapping(choose(path)).fit_columns["zmin"].unit == unit


def test_a_mapping_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        choose(tmp_path / "none.yaml")


def test_a_mapping_that_changed(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_bytes(OWN_MAPPING.read_bytes())
    chosen = choose(path)
    assert load_mapping(chosen) == load_mapping(None)
    path.write_text("roots: [a]")
    with pytest.raises(UsageError, match="not the mapping that was chosen"):
        load_mapping(chosen)
    path.unlink()
    with pytest.raises(UsageError, match="cannot be read"):
        load_mapping(chosen)
