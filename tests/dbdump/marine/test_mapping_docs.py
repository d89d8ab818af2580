"""The page about mappings names every key, quantity, unit and attribute."""

import dataclasses
import re
from pathlib import Path

import pytest

from dbdump.marine import mapping_file, mapping_variable
from dbdump.marine.attributes import SETTABLE
from dbdump.marine.mapping import TimeColumn
from dbdump.marine.units import UNITS
from dbdump.marine.vocabulary import vocabulary
from legacy.config import parse_yaml

KEYS = (
    *(mapping_file._FileKeys, mapping_file._DatasetKeys, mapping_file._StationKeys, mapping_file._LinearKeys),
    *(mapping_file._PositionKeys, mapping_file._JoinKeys, mapping_variable.VariableKeys, TimeColumn),
)
WORDS = {
    *(field.name for kind in KEYS for field in dataclasses.fields(kind)),
    *mapping_variable._VARIABLE_ATTRIBUTES,
    *SETTABLE,
    *UNITS,
    *vocabulary().quantities,
    *vocabulary().standard_names,
}


@pytest.fixture(scope="module")
def page() -> str:
    return (Path(__file__).resolve().parents[3] / "docs" / "marine-mapping.md").read_text(encoding="utf-8")


def test_every_word_is_on_the_page(page: str) -> None:
    named = set(re.findall(r"`([^`\n]+)`", page)) | set(re.findall(r"(\w+):", page))
    assert not WORDS - named


def test_the_example_is_a_mapping(page: str, tmp_path: Path) -> None:
    (example, *rest) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    path = tmp_path / "mapping.yaml"
    path.write_text(example, encoding="utf-8")
    (dataset,) = mapping_file.load_mapping(path).datasets
    assert [variable.name for variable in dataset.variables] == ["TEMP", "PSAL"]
    for text in rest:
        parse_yaml(text.encode(), "example")
