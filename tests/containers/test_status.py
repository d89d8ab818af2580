"""Status: what `list`, `show`, `report` and `test` say, and that it is the truth."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from directory_engine import DirectoryEngine
from kitchen import GOOD_POST, Kitchen

from containers.reports import BuildReport, read_report
from containers.status import status_of

Cli = Callable[..., Any]


@pytest.fixture
def built(cli: Cli, with_engine: DirectoryEngine, kitchen: Kitchen) -> BuildReport:
    assert cli("containers", "build", "child").code == 0
    return read_report(kitchen.place.images / "child.json")


def status(kitchen: Kitchen, name: str = "child", release: Path | None = None) -> str:
    catalogue = kitchen.catalogue
    return status_of(catalogue.find(name), catalogue, kitchen.place, release or kitchen.recipes).text


def test_never_built(kitchen: Kitchen) -> None:
    assert status(kitchen) == "never built"


def test_built_and_then_changed(built: BuildReport, kitchen: Kitchen) -> None:
    day = built.date[:10]
    assert status(kitchen) == f"built {day}, tests passed"
    (kitchen.recipes / "base" / "new").touch()
    assert status(kitchen) == "built from older inputs"
    with (kitchen.place.images / "child.sif").open("ab") as stream:
        stream.write(b"x")
    assert status(kitchen) == "image changed since its report"


def test_image_and_report_alone(built: BuildReport, kitchen: Kitchen) -> None:
    image, report = kitchen.place.images / "child.sif", kitchen.place.images / "child.json"
    text = report.read_text()
    report.unlink()
    assert status(kitchen) == "image without report"
    report.write_text("{}")
    assert status(kitchen) == "report cannot be read"
    report.write_text(text)
    image.unlink()
    assert status(kitchen) == "report without image"


def test_a_report_of_something_else_is_none(built: BuildReport, kitchen: Kitchen, tmp_path: Path) -> None:
    images = kitchen.place.images
    (images / "child.json").write_text(replace(built, name="base").to_json())
    assert status(kitchen) == "report of another image"
    (tmp_path / "child.json").write_text(replace(built, name="base").to_json())
    (images / "child.sif").unlink()
    (images / "child.json").unlink()
    assert status(kitchen, release=tmp_path) == "report of another image"
    # An emulation under another name is still no image.
    (images / "child.sandbox").mkdir()
    (images / "child.sandbox.json").write_text(replace(built, kind="chroot emulation").to_json())
    assert status(kitchen) == "report of another image"


def test_an_image_of_another_version_of_the_program_is_stale(built: BuildReport, kitchen: Kitchen) -> None:
    (kitchen.place.images / "child.json").write_text(replace(built, toolkit_version="0.0.1").to_json())
    assert "tests passed" in status(kitchen), "this one has no program of ours"
    kitchen.add("child", base="base", toolkit=True)
    assert status(kitchen) == "built from older inputs"


def test_the_release_counts_where_nothing_was_built(built: BuildReport, kitchen: Kitchen, tmp_path: Path) -> None:
    release = tmp_path / "release"
    release.mkdir()
    (release / "child.json").write_text(built.to_json())
    assert "of the release" not in status(kitchen, release=release)
    for name in ("child.sif", "child.json"):
        (kitchen.place.images / name).unlink()
    day = built.date[:10]
    assert status(kitchen, release=release) == f"of the release, {day}: tests passed"
    (release / "child.json").write_text(replace(built, kind="chroot emulation").to_json())
    assert status(kitchen, release=release) == f"of the release, {day}: chroot emulation only"
    (release / "child.json").write_text(replace(built, inputs_sha256="0").to_json())
    assert status(kitchen, release=release) == f"of the release, {day}: built from older inputs"
    (release / "child.json").write_text(replace(built, tests=()).to_json())
    assert "not tested" in status(kitchen, release=release)
    (release / "child.json").write_text("[]")
    assert status(kitchen, release=release) == "report cannot be read"


def test_list_as_json(built: BuildReport, cli: Cli, kitchen: Kitchen) -> None:
    rows = json.loads(cli("containers", "list", "--json").out)
    assert [(row["name"], row["tier"], row["current"]) for row in rows] == [("base", "A", True), ("child", "A", True)]
    assert {"name", "tier", "purpose", "status"} <= set(rows[0])
    lines = cli("containers", "list").out.splitlines()
    assert len(lines) == 3
    assert "tests passed" in lines[2]


def test_show(built: BuildReport, cli: Cli, kitchen: Kitchen) -> None:
    source = {"title": "The Thing", "file": "thing.tar", "licence": "none", "who": "its author"}
    kitchen.add("needy", base="base", sources={"thing": source})
    text = cli("containers", "show", "needy").out
    for word in (
        "needy",
        "never built",
        "hello: greets",
        "thing.tar",
        "its author",
        "--source thing=FILE",
        "run needy",
    ):
        assert word in text
    told = json.loads(cli("containers", "show", "child", "--json").out)
    assert told["apps"] == {"hello": "greets"}
    assert told["report"]["image_sha256"] == built.image_sha256


def test_report(built: BuildReport, cli: Cli, kitchen: Kitchen, tmp_path: Path) -> None:
    text = cli("containers", "report", "child").out
    for word in (built.image_sha256, "app:hello: passed", "exit code 0", "directory 1 (test)"):
        assert word in text
    assert json.loads(cli("containers", "report", "child", "--json").out)["passed"] is True
    ran = cli("containers", "report", "child", "--save", tmp_path / "saved")
    assert ran.code == 0
    assert read_report(tmp_path / "saved" / "child.json") == built
    kitchen.add("other")
    ran = cli("containers", "report", "other")
    assert ran.code == 1
    assert "no report" in ran.err


def test_tests_of_an_image_change_its_report(built: BuildReport, cli: Cli, kitchen: Kitchen, tmp_path: Path) -> None:
    flag = tmp_path / "broken"
    kitchen.add("child", GOOD_POST, f"    test ! -e {flag}\n", base="base")
    assert cli("containers", "build", "child").code == 0
    assert cli("containers", "test", "child").code == 0
    flag.touch()
    ran = cli("containers", "test", "child")
    assert ran.code == 1
    assert "%test: FAILED with exit code 1" in ran.err
    assert status(kitchen).startswith("tests failed")
    ran = cli("containers", "test", "child", "hello")
    assert ran.code == 0
    assert status(kitchen).startswith("tests failed"), "the test of an app says nothing of %test"
    flag.unlink()
    assert cli("containers", "test", "child").code == 0
    assert "tests passed" in status(kitchen)
    assert [test.name for test in read_report(kitchen.place.images / "child.json").tests] == ["%test", "app:hello"]


def test_tests_of_another_image_do_not_change_the_report(built: BuildReport, cli: Cli, kitchen: Kitchen) -> None:
    with (kitchen.place.images / "child.sif").open("ab") as stream:
        stream.write(b"\0" * 512)
    before = (kitchen.place.images / "child.json").read_text()
    ran = cli("containers", "test", "child")
    assert ran.code == 0
    assert "not written into a report: the image is not that of its report" in ran.err
    assert (kitchen.place.images / "child.json").read_text() == before


def test_a_test_of_an_app_that_is_not_there(built: BuildReport, cli: Cli) -> None:
    ran = cli("containers", "test", "child", "hullo")
    assert ran.code == 2
    assert "did you mean 'hello'?" in ran.err
