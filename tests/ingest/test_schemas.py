"""The metadata schema: ours, a site's, and the short way that must judge as jsonschema does."""

import json
import math
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ingest.item import Scalar
from ingest.schema_rules import short_way
from ingest.schemas import DEFAULT_SCHEMA, RUCIO_COLUMNS, compile_schema, load_schema, value_problems
from legacy.errors import MetadataError, UsageError
from legacy.manifest import ManifestEntry

OURS = load_schema(DEFAULT_SCHEMA)
FULL: dict[str, Scalar] = {
    "run": 51870,
    "run_last": 51871,
    "level": 3,
    "kind": "data",
    "channel": "numu_CC",
    "generator": "GENHEN 7.1",
    "production_version": "v4.2",
    "n_events": 0,
    "detector": "antares",
    "start": "2010-10-01T00:00:00.123Z",
    "stop": "2010-10-01T02:00:00Z",
    "start_epoch": 1285891200.123,
    "stop_epoch": 1285898400.0,
    "year": 2010,
    "software": "antares-legacy",
    "software_version": "0.1.0",
    "source": "a.evt",
    "source_sha256": "a" * 64,
    "size": 1,
    "sha256": "0" * 64,
    "provenance_id": "65d92ffa-fd33-4217-b41b-888b75dc684b",
    "license": "CC-BY-4.0",
    "embargo": "2030-01-31",
    "format": "hdf5",
    "schema": "antares-1.0",
}


def test_a_full_set_passes() -> None:
    assert set(FULL) == set(OURS.types)
    assert OURS.check(FULL) == []
    assert OURS.check({}) == []


def test_every_key_says_what_it_is() -> None:
    for key, rules in OURS.document["properties"].items():
        assert rules["description"], key
        assert isinstance(rules["unit"], str), key
        if rules["type"] == "integer":
            assert {"minimum", "maximum"} <= set(rules), key
        elif rules["type"] == "string":
            assert {"maxLength", "enum", "const"} & set(rules), key


def test_the_manifest_fits() -> None:
    others = {"path", "adler32", "md5", "mtime_ns"}
    assert set(ManifestEntry.__dataclass_fields__) - others <= set(OURS.types)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("run", 1.0, "run: expected a whole number, found '1.0'"),
        ("run", True, "run: expected a whole number, found 'True'"),
        ("run", "1", "run: expected a whole number, found '1' (text)"),
        ("run", -1, "minimum"),
        ("run", 2**31, "maximum"),
        ("level", 5, "maximum of 4"),
        ("kind", "Data", "not one of"),
        ("kind", 1, "expected text"),
        ("start", "2007", "does not match"),
        ("start", "2007-01-01T00:00:00Z\n", "control characters"),
        ("start_epoch", float("nan"), "no finite number"),
        ("start_epoch", float("-inf"), "no finite number"),
        ("start_epoch", "1", "expected a number"),
        ("start_epoch", True, "expected a number"),
        ("channel", "a\x00", "control characters"),
        ("channel", "a\x1b[2J", "control characters"),
        ("channel", "a\ud800", "control characters"),
        ("channel", "", "non-empty"),
        ("channel", "x" * 256, "too long"),
        ("license", "CC BY", "does not match"),
        ("source_sha256", "A" * 64, "does not match"),
        ("schema", "antares-2.0", "was expected"),
        ("chanel", "a", "did you mean 'channel'?"),
        ("a.b", "a", "only lower-case letters"),
        ("Run", 1, "only lower-case letters"),
        ("x" * 256, 1, "at most 255"),
        ("events", 1, "column of Rucio"),
        ("other", 2**63, "64 bits"),
    ],
)
def test_problems(key: str, value: Scalar, says: str) -> None:
    problems = OURS.check({key: value})
    assert any(says in problem for problem in problems), problems
    assert all(problem.isprintable() for problem in problems)


def test_values_that_are_equal_in_python_are_told_apart() -> None:
    schema = made({"n": {"type": "integer", "minimum": 1}, "x": {"type": "number", "exclusiveMaximum": 1}})
    assert schema.check({"n": 1}) == []
    assert schema.check({"n": True})
    assert schema.check({"x": 1})
    assert schema.check({"x": 0.0}) == schema.check({"x": 0}) == []


def made(properties: dict[str, Any], **more: Any) -> Any:
    return compile_schema("site", {"type": "object", "properties": properties, **more}, "site.json")


def test_no_key_of_ours_is_a_column_of_rucio() -> None:
    assert not RUCIO_COLUMNS & set(OURS.types)


def test_total_length() -> None:
    schema = made({f"k{n}": {"type": "string"} for n in range(10)})
    assert schema.check({f"k{n}": "x" * 6000 for n in range(10)}) == []
    assert "64000" in schema.check({f"k{n}": "x" * 7000 for n in range(10)})[0]
    assert "64000" in schema.check({"k0": "\U0001f600" * 6000})[0]


def test_a_required_key() -> None:
    schema = made({"run": {"type": "integer"}}, required=["run"])
    assert schema.check({}) == ["run: this key is required; give it"]
    assert schema.check({}, complete=False) == []


def test_rules_over_several_keys() -> None:
    schema = made({"kind": {"type": "string"}, "run": {"type": "integer"}}, dependentRequired={"run": ["kind"]})
    assert schema.check({"run": 1, "kind": "data"}) == []
    assert "dependency" in schema.check({"run": 1})[0]
    assert schema.check({"run": 1}, complete=False) == []


WORDS = st.sampled_from([*FULL.values(), "", "x", -1, 5, 1.5, 2.0, True, "v" * 300, "é"])


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from([*FULL, "unknown_key"]), WORDS))
def test_the_short_way_judges_as_jsonschema_does(values: dict[str, Scalar]) -> None:
    """The verdict is that of the library on the whole object, but for 2.0, which JSON Schema calls an integer."""
    ours = OURS.check(values)
    if Draft202012Validator(OURS.document).is_valid(values):
        assert all("expected a whole number, found" in problem for problem in ours)
    else:
        assert ours


TEXTS = st.sampled_from(["", "a", "ab", "abc", "b", "é", "a\n", "a\x00", "ab\ud800"])
NUMBERS = st.sampled_from([0, 1, -1, 2, 0.0, 1.0, 1.5, 2**63, -(2**63), math.nan, math.inf, -math.inf])
VALUES = TEXTS | NUMBERS | st.booleans() | st.none()
RULES = st.fixed_dictionaries(
    {"type": st.sampled_from(["string", "integer", "number", "boolean"])},
    optional={
        "minimum": st.sampled_from([0, 1, 1.5]),
        "maximum": st.sampled_from([1, 2, 1.5]),
        "minLength": st.integers(0, 3),
        "maxLength": st.integers(0, 3),
        "pattern": st.sampled_from(["", "^a", "b$", "[0-9]"]),
        "enum": st.lists(TEXTS | NUMBERS.filter(math.isfinite) | st.booleans(), min_size=1, max_size=3),
        "const": TEXTS | st.booleans() | st.just(1),
        "multipleOf": st.just(2),
        "description": st.just("x"),
    },
)


@settings(max_examples=400)
@given(RULES, VALUES)
def test_the_short_way_accepts_what_the_library_does(rules: dict[str, Any], value: object) -> None:
    accepts = short_way(rules, rules["type"])
    if accepts is None:
        return
    types: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "integer": (int,),
        "number": (int, float),
        "boolean": (bool,),
    }
    fits = type(value) in types[rules["type"]] and not value_problems("x", value)
    assert accepts(value) == (fits and Draft202012Validator(rules).is_valid(value))


def test_the_short_way_is_taken_by_our_keys() -> None:
    for key, rules in OURS.document["properties"].items():
        accepts = short_way(rules, OURS.types[key])
        assert accepts is not None
        assert accepts(FULL[key])


def test_it_is_fast_enough_for_a_hundred_thousand_files() -> None:
    """0.3 ms a file; the best of some rounds, because other programs run on this machine."""
    best = 1.0
    for turn in range(5):
        began = time.process_time()
        for n in range(200):
            number = 200 * turn + n
            assert OURS.check({**FULL, "run": number, "run_last": number, "source_sha256": f"{number:064x}"}) == []
        best = min(best, (time.process_time() - began) / 200)
    assert best < 0.3e-3


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("run", "051870", 51870),
        ("start_epoch", "1.5e3", 1500.0),
        ("start_epoch", "5", 5.0),
        ("start_epoch", ".5", 0.5),
        ("channel", "1", "1"),
    ],
)
def test_texts_become_their_types(key: str, text: str, value: Scalar) -> None:
    converted = OURS.convert(key, text)
    assert converted == value
    assert type(converted) is type(value)


def test_booleans() -> None:
    schema = made({"good": {"type": "boolean"}})
    assert schema.convert("good", "True") is True
    assert schema.convert("good", "false") is False
    assert schema.check({"good": True}) == []
    assert schema.check({"good": 1})
    with pytest.raises(ValueError, match="true or false"):
        schema.convert("good", "yes")


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("run", "1.0"),
        ("run", "1_000"),
        ("run", "٣"),
        ("run", ""),
        ("run", "1" * 5000),
        ("start_epoch", "nan"),
        ("start_epoch", "."),
        ("start_epoch", "inf"),
        ("start_epoch", "1e"),
    ],
)
def test_texts_that_are_no_numbers(key: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"{key}: expected a"):
        OURS.convert(key, text)


def test_one_key_has_one_type() -> None:
    assert type(OURS.normal({"start_epoch": 5})["start_epoch"]) is float
    assert type(OURS.normal({"run": 5})["run"]) is int


def test_unknown_schema() -> None:
    with pytest.raises(UsageError, match=r"did you mean 'antares-1\.0'"):
        load_schema("antares-1")


def test_a_schema_of_the_site(tmp_path: Path) -> None:
    document = json.loads(json.dumps(OURS.document))
    document["properties"]["trigger"] = {"type": "string", "enum": ["3N", "T3"]}
    document["properties"]["level"]["maximum"] = 1
    del document["properties"]["schema"]
    (tmp_path / "site-2.1.json").write_text(json.dumps(document))
    schema = load_schema("site-2.1.json", tmp_path)
    assert schema.name == "site-2.1"
    assert schema.check({"trigger": "T3", "level": 1}) == []
    assert len(schema.check({"trigger": "x", "level": 3})) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "with 'properties'"),
        ("{}", "with 'properties'"),
        ('{"properties": {"a": 1}}', "no JSON Schema"),
        ('{"properties": {"a": true}}', "needs one 'type'"),
        ('{"properties": {"a": {}}}', "needs one 'type'"),
        ('{"properties": {"a": {"type": "object"}}}', "needs one 'type'"),
        ('{"properties": {"a": {"type": ["string", "null"]}}}', "needs one 'type'"),
        ('{"properties": {"a": {"type": "strin"}}}', "no JSON Schema"),
        ('{"properties": {"a": {"type": "string", "minLength": -1}}}', "no JSON Schema"),
        ('{"properties": {"a.b": {"type": "string"}}}', "only lower-case"),
        ('{"properties": {"project": {"type": "string"}}}', "column of Rucio"),
        ('{"properties": {"a": {"type": "string", "$ref": "http://x.example/y"}}}', "has a $ref"),
        ('{"properties": {"size": {"type": "integer"}}, "required": ["size"]}', "measures itself"),
        ('{"properties": {"a": {"type": "string", "pattern": "("}}}', "is not a 'regex'"),
    ],
)
def test_no_schema(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "site.json"
    path.write_text(text)
    with pytest.raises(MetadataError) as raised:
        load_schema(str(path))
    assert says in str(raised.value)
    assert "site.json" in str(raised.value)


def test_no_file_or_a_huge_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        load_schema("site.json", tmp_path)
    with (tmp_path / "big.json").open("wb") as stream:
        stream.truncate((1 << 20) + 1)
    with pytest.raises(MetadataError, match="larger than 1 MB"):
        load_schema("big.json", tmp_path)
