"""Templates of names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.rules import name_problem
from ingest.templates import FILE_FIELDS, SET_FIELDS, TemplateError, parse_template

KEYS = ("run", "level", "kind", "channel", "generator", "year")


@pytest.mark.parametrize(
    ("text", "values", "name"),
    [
        ("antares.{kind}.run{run:06d}", {"kind": "data", "run": 51870}, "antares.data.run051870"),
        ("run{run:06d}", {}, "rununknown"),
        ("run{run:6d}", {"run": 7}, "run000007"),
        ("run{run:06}", {"run": 7}, "run000007"),
        ("run{run:d}", {"run": 7}, "run7"),
        ("{level}", {"level": 0}, "0"),
        ("{channel}", {"channel": ""}, "unknown"),
        ("{channel}", {"channel": "anue+nue_CC"}, "anue_nue_CC"),
        ("{generator}", {"generator": "GENHEN 7.1-120213 + KM3 ../x"}, "GENHEN_7.1-120213___KM3_._x"),
        ("{kind:06d}", {"kind": "mc"}, "mc"),
        ("{kind}", {"kind": True}, "true"),
        ("{kind}", {"kind": False}, "false"),
        ("{kind}", {"kind": 1.5}, "1.5"),
        ("{basename}", {"basename": "a b+c.root"}, "a b+c.root"),
        ("v.{scope}", {"scope": "antares"}, "v.antares"),
        ("plain", {}, "plain"),
    ],
)
def test_rendering(text: str, values: dict[str, str | int | float], name: str) -> None:
    assert parse_template(text, KEYS).render(values) == name


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{run.__class__}", "no plain field"),
        ("{run[0]}", "no plain field"),
        ("{0}", "no plain field"),
        ("{}", "no plain field"),
        ("{run!r}", "no plain field"),
        ("{Run}", "no plain field"),
        ("{rnu}", "did you mean 'run'?"),
        ("{run:{level}}", "unknown format"),
        ("{run:999999999d}", "unknown format"),
        ("{run:x}", "unknown format"),
        ("{run:*>6}", "unknown format"),
        ("{run", "write fields as"),
        ("run}", "write fields as"),
        ("{run:", "write fields as"),
    ],
)
def test_refused(text: str, says: str) -> None:
    with pytest.raises(TemplateError) as raised:
        parse_template(text, KEYS)
    assert says in str(raised.value)
    assert str(raised.value).startswith("template '")


def test_a_dataset_has_no_fields_of_a_file() -> None:
    assert parse_template("{scope}", KEYS, SET_FIELDS).fields == {"scope"}
    with pytest.raises(TemplateError, match="unknown field 'basename'"):
        parse_template("{basename}", KEYS, SET_FIELDS)


@given(st.text(max_size=40) | st.text(st.sampled_from("{}run:06d.![]a"), max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        template = parse_template(text, KEYS)
    except TemplateError as error:
        said = str(error)
    else:
        said = ""
        template.render({})
    assert said.isprintable()


VALUES = st.text(max_size=20) | st.integers() | st.floats() | st.booleans()


@given(st.dictionaries(st.sampled_from(KEYS), VALUES))
def test_metadata_always_give_a_legal_name(values: dict[str, str | int | float | bool]) -> None:
    name = parse_template("a.{kind}.{channel}-{generator:06d}_{run:06d}", KEYS).render(values)
    assert len(name) > 250 or name_problem(name.replace("..", ".")) == ""


def test_the_fields_of_files_are_documented() -> None:
    assert set(SET_FIELDS) < set(FILE_FIELDS)
