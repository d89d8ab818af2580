"""The data package against the rules of the standard, version 2, written out by hand."""

import json
import re
import runpy
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from dbdump.books.datapackage import data_package, write_datapackage
from dbdump.image import Image
from dbdump.schema import Key, KeyKind, TableName

made = runpy.run_path(str(Path(__file__).parent / "small_image.py"))
TYPES = {"string", "number", "integer", "boolean", "date", "time", "datetime"}


@pytest.fixture
def image(tmp_path: Path) -> Image:
    opened: Image = made["make_image"](tmp_path / "image")
    return opened


def resource(package: dict[str, Any], title: str) -> dict[str, Any]:
    (found,) = [item for item in package["resources"] if item["title"] == title]
    return dict(found)


def test_the_descriptor_keeps_the_rules(image: Image) -> None:
    write_datapackage(image.folder, image.manifest)
    package = json.loads((image.folder / "datapackage.json").read_text(encoding="utf-8"))
    assert package["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert re.fullmatch(r"[a-z0-9._-]+", package["name"])
    names = [item["name"] for item in package["resources"]]
    assert len(names) == len(set(names)) == 5
    for item in package["resources"]:
        assert re.fullmatch(r"[a-z0-9._-]+", item["name"])
        assert item["type"] == "table"
        assert "data" not in item
        assert item["bytes"] == sum((image.folder / path).stat().st_size for path in item["path"])
        for path in item["path"]:
            assert not path.startswith("/")
            assert ".." not in PurePosixPath(path).parts
            assert "\\" not in path
        fields = [field["name"] for field in item["schema"]["fields"]]
        assert len(fields) == len(set(fields))
        assert {field["type"] for field in item["schema"]["fields"]} <= TYPES
        assert set(item["schema"].get("primaryKey", [])) <= set(fields)
        for key in item["schema"].get("foreignKeys", []):
            assert set(key["fields"]) <= set(fields)
            assert key["reference"].get("resource", item["name"]) in names
            assert len(key["reference"]["fields"]) == len(key["fields"])


def test_what_a_table_is(image: Image) -> None:
    package = data_package(image.manifest)
    run, rate = resource(package, "ENV.RUN"), resource(package, "ENV.om rate")
    assert run["rowCount"] == 3
    assert len(run["path"]) == len(run["parts"]) == 2
    assert "hash" not in run
    files = resource(package, "ENV.FILES")
    assert files["hash"] == files["parts"][0]["hash"]
    assert run["schema"]["primaryKey"] == ["RUN_ID"]
    assert run["schema"]["uniqueKeys"] == [["STARTED"]]
    first = run["schema"]["fields"][0]
    assert (first["type"], first["description"], first["constraints"]) == (
        "integer",
        "Number of the run",
        {"required": True},
    )
    assert rate["schema"]["foreignKeys"] == [
        {"fields": ["RUN_ID"], "reference": {"resource": "env.run", "fields": ["RUN_ID"]}}
    ]


def test_a_table_that_refers_to_itself_names_no_resource(image: Image) -> None:
    schema = made["run_schema"]()
    key = Key(KeyKind.FOREIGN, "SELF", ("RUN_ID",), TableName("ENV", "RUN"), ("RUN_ID",))
    tables = [
        replace(table, schema=replace(schema, keys=(key,))) if table.name == schema.name else table
        for table in image.manifest.tables
    ]
    package = data_package(replace(image.manifest, tables=tuple(tables)))
    assert resource(package, "ENV.RUN")["schema"]["foreignKeys"] == [
        {"fields": ["RUN_ID"], "reference": {"fields": ["RUN_ID"]}}
    ]


def test_a_table_that_is_not_there_is_no_resource(image: Image) -> None:
    first, *others = image.manifest.tables
    gone = replace(first, parts=(), problem="no right to read it")
    package = data_package(replace(image.manifest, tables=(gone, *others)))
    assert len(package["resources"]) == 4
    assert package["missing"] == [{"table": "ENV.FILES", "problem": "no right to read it"}]
