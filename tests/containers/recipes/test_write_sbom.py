"""The bill of materials: complete, of the right form, the same for the same contents; licences gathered."""

import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from containers.catalogue import RECIPES

SCRIPT = RECIPES / "base" / "write_sbom.py"


def write(root: Path, **environment: str) -> Any:
    command = [sys.executable, "-B", str(SCRIPT), "io", "Readers", "--root", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return json.loads((root / "sbom" / "bom.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("programs")
    write(folder, SOURCE_DATE_EPOCH="1700000000")
    return folder


@pytest.fixture(scope="module")
def document(root: Path) -> Any:
    return json.loads((root / "sbom" / "bom.json").read_text(encoding="utf-8"))


def test_the_form_is_cyclonedx_1_5(document: Any) -> None:
    assert (document["bomFormat"], document["specVersion"], document["version"]) == ("CycloneDX", "1.5", 1)
    uuid.UUID(document["serialNumber"].removeprefix("urn:uuid:"))
    assert document["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
    assert document["metadata"]["component"]["type"] == "container"
    references = [component["bom-ref"] for component in document["components"]]
    assert len(set(references)) == len(references)
    for component in document["components"]:
        assert component["type"] == "library"
        assert re.fullmatch(
            r"pkg:(deb/debian|pypi)/[A-Za-z0-9.+%_-]+@[A-Za-z0-9.%_~-]+(\?arch=\w+)?", component["purl"]
        )
        for licence in component.get("licenses", []):
            assert ("expression" in licence) != ("license" in licence)


def test_every_distribution_is_in_it(document: Any) -> None:
    found = {(c["name"], c["version"]) for c in document["components"] if c["purl"].startswith("pkg:pypi/")}
    here = {(re.sub(r"[-_.]+", "-", d.metadata["Name"]).lower(), d.version) for d in distributions()}
    assert found <= here
    assert {name for name, _ in found} == {name for name, _ in here}


@pytest.mark.skipif(not shutil.which("dpkg-query"), reason="no Debian")
def test_every_package_of_debian_is_in_it(document: Any) -> None:
    listed = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Package}\n"], capture_output=True, text=True
    ).stdout.splitlines()
    found = {c["name"] for c in document["components"] if c["purl"].startswith("pkg:deb/")}
    assert found == {line.split()[1] for line in listed if line.startswith("installed ")}


def test_lists_for_people_say_the_same(root: Path, document: Any) -> None:
    versions = {c["name"]: c["version"] for c in document["components"] if c["purl"].startswith("pkg:pypi/")}
    lines = (root / "sbom" / "pip.txt").read_text().splitlines()
    assert dict(line.split("==") for line in lines) == versions
    debian = sum(c["purl"].startswith("pkg:deb/") for c in document["components"])
    assert len((root / "sbom" / "dpkg.txt").read_text().splitlines()) == debian


def test_licence_texts_are_gathered(root: Path, document: Any) -> None:
    licence = root / "licenses" / "pypi" / "numpy"
    assert any("Redistribution and use" in path.read_text(errors="replace") for path in licence.iterdir())
    for component in document["components"]:
        kind = "deb" if component["purl"].startswith("pkg:deb/") else "pypi"
        folder = root / "licenses" / kind / component["name"]
        said = int(component["properties"][0]["value"])
        assert len(list(folder.iterdir()) if folder.is_dir() else []) == said, component["name"]


def test_the_same_contents_give_the_same_bytes(root: Path, tmp_path: Path) -> None:
    write(tmp_path, SOURCE_DATE_EPOCH="1700000000")
    for name in ("bom.json", "dpkg.txt", "pip.txt"):
        assert (tmp_path / "sbom" / name).read_bytes() == (root / "sbom" / name).read_bytes()


def test_licences_of_the_base_are_replaced_and_the_recipes_own_stays(tmp_path: Path) -> None:
    own, gone = tmp_path / "licenses" / "own.txt", tmp_path / "licenses" / "pypi" / "no-longer-there" / "LICENSE"
    gone.parent.mkdir(parents=True)
    own.write_text("mine")
    gone.write_text("theirs")
    write(tmp_path)
    assert own.read_text() == "mine"
    assert not gone.exists()


def test_another_package_gives_another_serial_number(script: Callable[[str], ModuleType]) -> None:
    module = script("base/write_sbom.py")
    one = module.Package("pypi", "a", "1", "pkg:pypi/a@1", "MIT", expression=True, texts=())
    other = module.Package("pypi", "a", "2", "pkg:pypi/a@2", "old words", expression=False, texts=())
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    bills = [module.bill("Title", "name", [package], moment) for package in (one, other)]
    assert bills[0]["serialNumber"] != bills[1]["serialNumber"]
    assert bills[0]["components"][0]["licenses"] == [{"expression": "MIT"}]
    assert bills[1]["components"][0]["licenses"] == [{"license": {"name": "old words"}}]


def test_the_recipes_licence_is_that_of_the_project(repository: Path) -> None:
    text = RECIPES / "base" / "licenses" / "antares-legacy.txt"
    assert text.read_bytes() == (repository / "LICENSE").read_bytes()
