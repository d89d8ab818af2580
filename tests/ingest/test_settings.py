"""Settings: configuration file, options, and everything that is checked without a server."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from ingest.schemas import load_schema
from ingest.settings import Settings, name_template, set_template, settings_from
from ingest.storage.pfn import PfnRule
from legacy.config import Config, load_config
from legacy.errors import AntaresLegacyError, MetadataError, UsageError

GIVEN = {"scope": "antares", "rse": "ANTARES_DISK"}


def configured(text: str, folder: Path) -> Config:
    path = folder / "antares-legacy.yaml"
    path.write_text("ingest:\n" + "".join(f"  {line}\n" for line in text.splitlines()), encoding="utf-8")
    return load_config(path)


def test_the_defaults_pass() -> None:
    settings = settings_from(Config(), GIVEN)
    assert settings == Settings(scope="antares", rse="ANTARES_DISK")
    schema = load_schema(settings.schema)
    assert name_template(settings, schema).render({"basename": "a.root"}) == "a.root"
    values = {"kind": "data", "level": 3, "year": 2010, "run": 51870}
    assert set_template(settings.dataset, schema).render(values) == "antares.data.level3.2010.run051870"
    assert [set_template(text, schema).render({}) for text in settings.containers] == [
        "antares.unknown.levelunknown.unknown",
        "antares.unknown",
    ]


def test_options_win(tmp_path: Path) -> None:
    config = configured("scope: other\nrse: ANTARES_TAPE\njobs: 8\nrehash: true", tmp_path)
    settings = settings_from(config, {"scope": "antares", "jobs": None, "rehash": False})
    assert (settings.scope, settings.rse, settings.jobs, settings.rehash) == ("antares", "ANTARES_TAPE", 8, False)


FULL = """scope: antares
rse: CC-LYON_TAPE
mode: copy
name: "{path}"
allow_slash: true
dataset: "{scope}.{kind}.{production_version}"
containers: ["{scope}.{kind}"]
dataset_files: 5000
rules: [type=DISK]
sidecar: .meta.json
schema: antares-1.0
columns: [events]
chunk: 250
patience: 60
pfn:
  - {local: /hpss/antares, url: "root://door.example:1094//hpss/antares"}
sha256: false
rehash: true
jobs: 4
metadata:
  license: CC-BY-4.0
  level: 0
  embargo: 2030-01-31
"""


def test_every_key(tmp_path: Path) -> None:
    settings = settings_from(configured(FULL, tmp_path), {})
    assert settings == Settings(
        scope="antares",
        rse="CC-LYON_TAPE",
        mode="copy",
        name="{path}",
        allow_slash=True,
        dataset="{scope}.{kind}.{production_version}",
        containers=("{scope}.{kind}",),
        dataset_files=5000,
        rules=("type=DISK",),
        sidecar=".meta.json",
        schema="antares-1.0",
        columns=("events",),
        chunk=250,
        patience=60.0,
        pfn=(PfnRule("/hpss/antares", "root://door.example:1094//hpss/antares"),),
        sha256=False,
        rehash=True,
        jobs=4,
        metadata={"license": "CC-BY-4.0", "level": 0, "embargo": "2030-01-31"},
    )
    assert all(f"{member.name}:" in FULL for member in fields(Settings) if member.metadata.get("setting", True))


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({"scope": ""}, "no scope; give --scope"),
        ({"scope": "a b"}, "scope 'a b'"),
        ({"rse": ""}, "no RSE; give --rse"),
        ({"rse": "disk"}, "RSE 'disk'"),
        ({"mode": "move"}, "expected register or copy"),
        ({"name": "plain"}, "no field"),
        ({"name": "{basenam}"}, "did you mean 'basename'?"),
        ({"name": "{basename.__class__}"}, "no plain field"),
        ({"name": "my file {basename}"}, "the character ' '"),
        ({"name": "../{basename}"}, "name '../ab'"),
        ({"name": "a/{basename}"}, "allow_slash"),
        ({"dataset": "{basename}"}, "dataset: template '{basename}': unknown field 'basename'"),
        ({"dataset": "_{run}"}, "begins with '_'"),
        ({"dataset": "x" * 251}, "251 characters"),
        ({"dataset": "antares.{kind}"}, "two templates are equal"),
        ({"containers": ("",)}, "too short"),
        ({"containers": ("a.{nothing}",)}, "unknown field 'nothing'"),
        ({"chunk": 0}, "chunk: 0 is not within 1 and 1000"),
        ({"chunk": 1001}, "1000 files a call"),
        ({"dataset_files": 0}, "dataset-files: 0"),
        ({"dataset_files": 80_001}, "80000"),
        ({"jobs": 0}, "jobs: 0"),
        ({"patience": -1.0}, "patience: -1.0"),
        ({"patience": float("nan")}, "patience: nan"),
        ({"rules": ("",)}, "no RSE expression"),
        ({"rules": ("a\nb",)}, "no RSE expression"),
        ({"rules": ("A", "A")}, "given twice"),
        ({"sidecar": "meta.json"}, "neither"),
        ({"sidecar": ".txt"}, "neither"),
        ({"sidecar": ".csv"}, "neither"),
        ({"sidecar": "../x.json"}, "neither"),
        ({"sidecar": "missing.csv"}, "no such file"),
        ({"schema": "antares-9"}, "schema 'antares-9'"),
        ({"schema": "missing.json"}, "no such file"),
        ({"pfn": (PfnRule("/a", "nothing"),)}, "no URL"),
        ({"metadata": {"level": 9}}, "metadata: level"),
        ({"metadata": {"levle": 3}}, "did you mean 'level'?"),
        ({"metadata": {"size": 3}}, "set by ingest itself"),
        ({"metadata": {"schema": "antares-1.0"}}, "set by ingest itself"),
        ({"metadata": {"embargo": "2030-02-31"}}, "no date"),
        ({"metadata": {"start": "2007-02-30T00:00:00Z"}}, "start '2007"),
    ],
)
def test_impossible_options(option: dict[str, Any], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as raised:
        settings_from(Config(), {**GIVEN, **option})
    assert says in str(raised.value)
    assert str(raised.value).isprintable()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("scope: a b", "ingest.scope: scope 'a b'"),
        ("chunk: 0", "ingest.chunk: 0"),
        ("chunk: many", "ingest.chunk: expected a whole number"),
        ("mode: move", "ingest.mode: move; expected register or copy"),
        ("chunks: 5", "ingest: unknown key 'chunks'; did you mean 'chunk'?"),
        ("password: secret", "ingest: unknown key 'password'"),
        ("pfn: [{local: relative, url: 'root://x//y'}]", "ingest.pfn"),
        ("pfn: [{local: /a/../b, url: 'root://x//y'}]", "ingest.pfn"),
        ("pfn: [{local: /a, url: 'root://x//y/../z'}]", "ingest.pfn"),
        ("metadata: {level: three}", "ingest.metadata: level: expected a whole number"),
        ("rse: ''", "no RSE"),
    ],
)
def test_impossible_configuration(text: str, says: str, tmp_path: Path) -> None:
    lacking = {key: value for key, value in GIVEN.items() if f"{key}:" not in text}
    with pytest.raises(AntaresLegacyError) as raised:
        settings_from(configured(text, tmp_path), lacking)
    assert says in str(raised.value)
    assert "antares-legacy.yaml" in str(raised.value)


def test_what_a_command_does_not_need(tmp_path: Path) -> None:
    assert settings_from(Config(), {"scope": "antares"}, needs=("scope",)).rse == ""
    assert settings_from(Config(), {}, needs=()).scope == "antares"
    with pytest.raises(UsageError, match="scope"):
        settings_from(Config(), {"scope": "a b"}, needs=())


def test_columns_of_rucio(tmp_path: Path) -> None:
    assert settings_from(Config(), {**GIVEN, "columns": ()}).columns == ()
    with pytest.raises(UsageError, match="did you mean 'run_number'"):
        settings_from(Config(), {**GIVEN, "columns": ("run_numbers",)})


def test_no_dataset_means_no_containers() -> None:
    settings = settings_from(Config(), {**GIVEN, "dataset": ""})
    assert settings.dataset == ""
    assert settings.containers == ()


def test_paths_of_a_file_are_relative_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "files.csv").write_text("path\n")
    (site / "own-1.json").write_text('{"properties": {"run": {"type": "integer"}}}')
    config = configured("sidecar: files.csv\nschema: own-1.json\ndataset: 'a.{run}'\ncontainers: []", site)
    monkeypatch.chdir(tmp_path)
    settings = settings_from(config, GIVEN)
    assert settings.sidecar_csv == site / "files.csv"
    assert settings.sidecar_suffix == ""
    assert settings.schema == str(site / "own-1.json")
    (tmp_path / "other.csv").write_text("path\n")
    assert settings_from(config, {**GIVEN, "sidecar": "other.csv"}).sidecar_csv == tmp_path / "other.csv"


def test_templates_know_the_keys_of_the_sites_schema(tmp_path: Path) -> None:
    (tmp_path / "own-1.json").write_text('{"properties": {"trigger": {"type": "string"}}}')
    config = configured("schema: own-1.json\ndataset: 'a.{trigger}'\ncontainers: []", tmp_path)
    assert settings_from(config, GIVEN).dataset == "a.{trigger}"
    config = configured("schema: own-1.json", tmp_path)
    with pytest.raises(MetadataError, match=re.escape("ingest.dataset: template")):
        settings_from(config, GIVEN)


def test_a_sidecar_suffix() -> None:
    settings = settings_from(Config(), {**GIVEN, "sidecar": ".meta.yaml"})
    assert settings.sidecar_suffix == ".meta.yaml"
    assert settings.sidecar_csv is None
