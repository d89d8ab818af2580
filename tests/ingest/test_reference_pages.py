"""The pages about metadata and configuration say what the code does.

``ANTARES_LEGACY_WRITE_DOCS=1`` writes the table of the schema anew instead of comparing it.
"""

import os
import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from ingest.schemas import load_schema
from ingest.settings import Settings, settings_from
from ingest.stated import SUM_KEYS
from ingest.templates import FILE_FIELDS
from legacy.config import load_config

WRITE = os.environ.get("ANTARES_LEGACY_WRITE_DOCS") == "1"


def described() -> str:
    lines = ["| key | type | unit | meaning |", "|---|---|---|---|"]
    for key, rules in load_schema("antares-1.0").document["properties"].items():
        kind = {"string": "text"}.get(rules["type"], rules["type"])
        if "enum" in rules:
            kind = " or ".join(f"`{word}`" for word in rules["enum"])
        elif "maximum" in rules and rules["maximum"] < 10:
            kind += f", {rules['minimum']} to {rules['maximum']}"
        unit = f"`{rules['unit']}`" if rules["unit"] else ""
        lines.append(f"| `{key}` | {kind} | {unit} | {rules['description']} |")
    return "\n".join(lines)


def test_the_table_of_the_schema(repository: Path) -> None:
    page = repository / "docs" / "metadata.md"
    text = page.read_text(encoding="utf-8")
    pattern = re.compile(r"(<!-- table antares-1\.0 -->\n)(.*?)(<!-- end -->)", re.DOTALL)
    found = pattern.search(text)
    assert found
    wanted = f"\n{described()}\n\n"
    if WRITE:
        page.write_text(pattern.sub(lambda old: old[1] + wanted + old[3], text), encoding="utf-8")
        return
    assert found[2] == wanted, "write it anew with ANTARES_LEGACY_WRITE_DOCS=1"
    assert all(f"`{key}`" in text for key in SUM_KEYS)


def rows(text: str) -> dict[str, str]:
    return dict(re.findall(r"^\| `(\w+)` \| (.*?) \| ", text, re.MULTILINE))


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_every_setting_is_described_with_its_default(repository: Path) -> None:
    text = (repository / "docs" / "configuration.md").read_text(encoding="utf-8")
    section = text.partition("## Section `ingest`")[2].partition("\n## ")[0]
    listed = rows(section)
    keys = [member for member in fields(Settings) if member.metadata.get("setting", True)]
    assert list(listed) == [member.name for member in keys]
    for member in keys:
        value = getattr(Settings(), member.name)
        words = value if isinstance(value, tuple) else (value,)
        if value in ("", ()) or member.name == "metadata":
            assert listed[member.name].startswith("none"), member.name
        else:
            assert listed[member.name] == ", ".join(f"`{_shown(word)}`" for word in words)


def test_every_field_of_templates_is_described(repository: Path) -> None:
    text = (repository / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert all(f"| `{{{name}}}` |" in text for name in FILE_FIELDS)


@pytest.mark.parametrize("page", ["configuration.md", "rucio-site.md"])
def test_the_examples_can_be_used(page: str, repository: Path, tmp_path: Path) -> None:
    text = (repository / "docs" / page).read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert examples
    for example in examples:
        path = tmp_path / "antares-legacy.yaml"
        path.write_text(example)
        settings = settings_from(load_config(path), {}, needs=())
        wanted = yaml.safe_load(example).get("ingest", {}).get("pfn", [])
        assert [rule.local for rule in settings.pfn] == [rule["local"] for rule in wanted]
